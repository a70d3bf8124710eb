"""Golden cases: a folder each, with the input, the expected values and where these come from."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analytics import INDICATORS
from analytics.evidence import Grade
from analytics.golden_case import READERS, read_input, read_table

FOLDER = Path(__file__).parent
WORDS = {
    "published": "a worked example or official output that was published",
    "independent": "another implementation",
    "by_hand": "worked by hand, the steps written down",
    "regression": "our own past output, which proves nothing",
}


@dataclass(frozen=True)
class Case:
    """One golden case.

    source : where the expected values come from: the document, or the program and its version
    how : how they were obtained, so that anyone can obtain them again
    tolerance_relative, tolerance_absolute : how far a value may be off, and `tolerance_reason` why
    parameters : keywords of the indicator
    """

    id: str
    indicator: str
    grade: Grade
    source: str
    how: str
    tolerance_reason: str
    tolerance_relative: float = 0.0
    tolerance_absolute: float = 0.0
    parameters: dict[str, Any] | None = None

    def table(self) -> pd.DataFrame:
        """The input."""
        return read_input(FOLDER / self.id)

    def others(self) -> dict[str, Any]:
        """The keywords: those of `case.toml`, and a table for each further file, by its name."""
        files = [p for p in (FOLDER / self.id).iterdir() if p.stem not in ("input", "expected", "case")]
        return {**(self.parameters or {}), **{p.stem: read_table(p) for p in files if p.suffix in READERS}}

    def expected(self) -> pd.DataFrame:
        """`value`, and `low`, `high`, `p_value` where the source has them, by `location_id`."""
        return pd.read_csv(FOLDER / self.id / "expected.csv", dtype={"location_id": str}).set_index("location_id")

    def found(self) -> pd.DataFrame:
        """What the indicator makes of the input."""
        result = INDICATORS[self.indicator](self.table(), **self.others())
        return result.to_frame("value") if isinstance(result, pd.Series) else result


def cases() -> list[Case]:
    """Every golden case, by name."""
    return [
        Case(id=path.parent.name, **tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.glob("*/case.toml"))
    ]
