"""Golden cases: an input with its expected values from outside this project, and whether an indicator gives them.

`python -m analytics.golden_case MODULE INDICATOR FOLDER` prints what the indicator of a module makes of a case's input.
"""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import tomli_w

from analytics.evidence import GRADES, Grade
from geodata.described import read_toml
from geodata.errors import AlmanacError

# What a case may expect beside the value itself.
COLUMNS = ("value", "low", "high", "p_value")


@dataclass(frozen=True, eq=False)
class GoldenCase:
    """An input, what is to come out of it, and where that comes from.

    table : the input, as the indicator takes it
    expected : the values by `location_id`, or a table with `value`, and `low`, `high`, `p_value` where the source has
        them; NaN where there is to be none
    grade : how strong it is: "published", "independent" or "by_hand"
    source : where the expected values come from: the document, or the program and its version
    how : how they were obtained, so that anyone can obtain them again
    tolerance_reason : why a value may be off by `tolerance_relative` of itself, or by `tolerance_absolute`
    parameters : keywords of the indicator
    """

    table: pd.DataFrame
    expected: pd.Series | pd.DataFrame
    grade: Grade
    source: str
    how: str
    tolerance_reason: str
    tolerance_relative: float = 0.0
    tolerance_absolute: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.grade not in GRADES[:3]:
            raise AlmanacError(
                "“{grade}” is no grade of a golden case.",
                hint="Use one of: {known}; what the indicator itself has given proves nothing.",
                grade=self.grade,
                known=GRADES[:3],
            )
        if not self.values["value"].notna().any():
            raise AlmanacError(
                "The golden case expects not one value.",
                hint="Expect at least one, from a source outside the notebook.",
            )
        if not all(text.strip() for text in (self.source, self.how, self.tolerance_reason)):
            raise AlmanacError(
                "The golden case does not say where its values come from, how, or why they may be off.",
                hint="Fill source, how and tolerance_reason, a sentence each.",
            )

    @property
    def values(self) -> pd.DataFrame:
        """The expected values as a table."""
        found = self.expected.to_frame("value") if isinstance(self.expected, pd.Series) else self.expected
        return found.reindex(columns=[c for c in COLUMNS if c in found.columns]).rename_axis("location_id")

    def refuse_others(self, found: pd.DataFrame) -> None:
        """Refuses what an indicator gave, unless it is what is expected.

        Raises
        ------
        AlmanacError
            Naming the first place at which it is not.
        """
        expected = self.values
        strangers = expected.index.symmetric_difference(found.index)
        if len(strangers):
            raise AlmanacError(
                "The indicator and its golden case do not speak of the same places; the first that differs is {place}.",
                hint="Expect NaN at places that are to have no value, and leave no place out.",
                place=strangers[0],
            )
        # An interval that is expected and not given differs at every place.
        found = found.reindex(columns=expected.columns)
        for column in expected.columns:
            wanted, given = expected[column].astype(float), found.loc[expected.index, column].astype(float)
            good = np.isclose(given, wanted, rtol=self.tolerance_relative, atol=self.tolerance_absolute, equal_nan=True)
            if not good.all():
                place = expected.index[int(np.flatnonzero(~good)[0])]
                raise AlmanacError(
                    "At {place} the golden case expects {column} {wanted}, and the indicator gives {given}.",
                    hint="Correct the formula, or the case where it is wrong; never the tolerance alone.",
                    place=place,
                    column=column,
                    wanted=f"{wanted[place]:.10g}",
                    given=f"{given[place]:.10g}",
                )

    def files(self, indicator: str) -> dict[str, bytes]:
        """The files of the case's folder, as `tests/golden/` takes them, by name."""
        facts = {
            "indicator": indicator,
            "grade": self.grade,
            "source": self.source,
            "how": self.how,
            "tolerance_relative": self.tolerance_relative,
            "tolerance_absolute": self.tolerance_absolute,
            "tolerance_reason": self.tolerance_reason,
            **({"parameters": dict(self.parameters)} if self.parameters else {}),
        }
        name, content = self._input()
        return {
            "case.toml": tomli_w.dumps(facts).encode(),
            name: content,
            "expected.csv": self.values.to_csv(lineterminator="\n").encode(),
        }

    def _input(self) -> tuple[str, bytes]:
        if isinstance(self.table, gpd.GeoDataFrame):
            return "input.geojson", self.table.reset_index().to_json().encode()
        indexed = self.table.index.name is not None
        return "input.csv", self.table.to_csv(index=indexed, lineterminator="\n").encode()


def found_by(function: Callable[..., pd.Series | pd.DataFrame], folder: Path) -> pd.DataFrame:
    """What a function makes of the input of a case's folder: `value` and what else it gives, by `location_id`."""
    result = function(read_input(folder), **read_toml(folder / "case.toml").get("parameters", {}))
    return result.to_frame("value") if isinstance(result, pd.Series) else result


def read_input(folder: Path) -> pd.DataFrame:
    """The input of a case's folder."""
    return read_table(next(p for p in folder.iterdir() if p.stem == "input" and p.suffix in READERS))


def read_table(path: Path) -> pd.DataFrame:
    """A panel, layer or table from CSV, Parquet or GeoJSON; ids are text, times UTC."""
    table = READERS[path.suffix](path)
    if "time" in table.columns:
        return table.assign(time=pd.to_datetime(table["time"], utc=True))
    if path.suffix == ".geojson":
        return table.set_index("location_id")
    return table


def read_found(text: str) -> pd.DataFrame:
    """What `python -m analytics.golden_case` printed."""
    return _read_csv(io.StringIO(text)).set_index("location_id")


def _read_csv(source: Path | io.StringIO) -> pd.DataFrame:
    table = pd.read_csv(source, nrows=0)
    if isinstance(source, io.StringIO):
        source.seek(0)
    return pd.read_csv(source, dtype={name: str for name in table.columns if name.endswith("_id")})


READERS: dict[str, Any] = {".csv": _read_csv, ".parquet": pd.read_parquet, ".geojson": gpd.read_file}


def main(module: str, indicator: str, folder: str) -> None:
    """Prints what the indicator of a module that stands alone makes of a case's input."""
    spec = importlib.util.spec_from_file_location(indicator, module)
    assert spec is not None and spec.loader is not None, f"{module} is no module"
    # Dataclasses look their module up there.
    loaded = sys.modules[indicator] = importlib.util.module_from_spec(spec)
    # What the code itself prints is none of the values.
    with redirect_stdout(sys.stderr):
        spec.loader.exec_module(loaded)
        found = found_by(getattr(loaded, indicator), Path(folder))
    found.rename_axis("location_id").to_csv(sys.stdout, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
