"""How well an indicator's formula is proven: the grades of its golden cases, as `tests/golden` found them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from geodata.described import described, read_toml

FILE = Path(__file__).parent / "evidence.toml"
Grade = Literal["published", "independent", "by_hand", "regression", "unproven"]
# The best first: what another implementation or a publication says outweighs what we worked out ourselves.
GRADES: tuple[Grade, ...] = ("published", "independent", "by_hand", "regression", "unproven")


@dataclass(frozen=True)
class Evidence:
    """What proves an indicator.

    grade : the best grade of its cases: a published worked example or official output, an independent
        implementation, a case worked by hand, our own past output (which proves nothing), or none
    sources : where the expected values come from, a sentence a case
    """

    grade: Grade = "unproven"
    sources: tuple[str, ...] = field(default=())


@cache
def _known() -> dict[str, Evidence]:
    if not FILE.exists():
        return {}
    return {i: described(Evidence, found, where=f"{FILE.name}, {i}") for i, found in read_toml(FILE).items()}


def evidence_of(indicator_id: str) -> Evidence:
    """What proves an indicator; one without a golden case from outside this project is unproven.

    Examples
    --------
    >>> evidence_of("no_such_indicator").grade
    'unproven'
    """
    return _known().get(indicator_id, Evidence())
