"""Standards: class breaks named after the authority and edition that set them, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from analytics.classes import DIVERGING, SEQUENTIAL, Classes, classify, ramp
from geodata.described import described, read_toml
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.search import nearest
from geodata.units import UNITS

FOLDER = Path(__file__).parent / "standards"
# The profile for thresholds in common use that no authority's text was found to confirm.
CONVENTION = "convention"


@dataclass(frozen=True)
class ClassSet:
    """The classes of one indicator in one standard.

    breaks : ascending; n of them make n + 1 classes, the outer ones open
    labels : a name per class, from the lowest values to the highest
    concern : the labels of the classes in which the standard sees a problem
    unit : the indicator's unit
    closed : which edge belongs to a class: "left" is [low, high), "right" is (low, high]
    colours : "sequential" (dark is high), "reversed" (dark is low) or "diverging" (the middle is pale)
    note : what must be known to read them; "" where nothing
    """

    name: str
    breaks: tuple[float, ...]
    labels: tuple[str, ...]
    concern: tuple[str, ...]
    unit: str
    closed: Literal["left", "right"]
    colours: Literal["sequential", "reversed", "diverging", "diverging_reversed"]
    note: str = ""


@dataclass(frozen=True)
class Standard:
    """One authority's class breaks, by indicator.

    confirmed : whether the cited text itself was read; False only for what is common practice
    """

    id: str
    title: str
    authority: str
    edition: str
    reference: str
    url: str
    confirmed: bool
    classes: Mapping[str, ClassSet]

    def of(self, indicator_id: str) -> Classes:
        """The classes of an indicator as a map takes them."""
        found = self.classes[indicator_id]
        n = len(found.labels)
        anchors = DIVERGING if found.colours.startswith("diverging") else SEQUENTIAL
        palette = ramp(anchors, n)
        if found.colours in ("reversed", "diverging_reversed"):
            palette = palette[::-1]
        return Classes(
            (-np.inf, *found.breaks, np.inf),
            palette,
            unit=found.unit,
            labels=found.labels,
            authority=self.title if self.id == CONVENTION else f"{self.authority}, {self.edition}",
            closed=found.closed,
        )

    def label(self, indicator_id: str, values: pd.Series) -> pd.Series:
        """The name of each value's class; missing where the value is."""
        codes = classify(values.to_numpy(float), self.of(indicator_id))
        labels = np.array([*self.classes[indicator_id].labels, None], dtype=object)
        return pd.Series(labels[codes], index=values.index, name=self.id)


@cache
def _read() -> tuple[dict[str, Standard], dict[str, AlmanacError]]:
    good: dict[str, Standard] = {}
    broken: dict[str, AlmanacError] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        try:
            good[path.stem] = read_standard(path)
        except AlmanacError as error:
            broken[path.stem] = error
    return good, broken


@cache
def standards() -> dict[str, Standard]:
    """Every standard that can be read, by id, the one for conventions last."""
    return dict(sorted(_read()[0].items(), key=lambda item: (item[0] == CONVENTION, item[1].title)))


def broken_standards() -> dict[str, AlmanacError]:
    """What is wrong with the standards that cannot be read, by id: one of them never takes the others down."""
    return _read()[1]


def read_standard(path: Path) -> Standard:
    """One standard from its file.

    Raises
    ------
    BrokenData
        When it has an unknown or missing key, or breaks and labels that do not fit.
    """
    standard = described(Standard, read_toml(path), where=path.name, id=path.stem)
    for classes in standard.classes.values():
        where = f"{path.name}, {classes.name}"
        if len(classes.labels) != len(classes.breaks) + 1:
            raise BrokenData(
                "{where} has {breaks} breaks and {labels} labels.",
                hint="Give one label more than there are breaks.",
                where=where,
                breaks=len(classes.breaks),
                labels=len(classes.labels),
            )
        if list(classes.breaks) != sorted(set(classes.breaks)):
            raise BrokenData(
                "{where} has breaks that do not rise.", hint="Give them in ascending order, each once.", where=where
            )
        if not set(classes.concern) <= set(classes.labels) or len(set(classes.labels)) < len(classes.labels):
            raise BrokenData(
                "{where} names a concern that is no label, or a label twice.",
                hint="Take the concerns from the labels, and give each class its own.",
                where=where,
            )
        if classes.unit not in UNITS:
            raise BrokenData(
                "{where} has the unit “{unit}”, which is not known.",
                hint="Use an ending that geodata/units.py lists.",
                where=where,
                unit=classes.unit,
            )
    return standard


def standards_of(indicator_id: str) -> dict[str, Standard]:
    """The standards that have classes for an indicator."""
    return {i: s for i, s in standards().items() if indicator_id in s.classes}


def standard_named(standard_id: str) -> Standard:
    """The standard of this id; a near-miss is named in the error."""
    if standard_id not in standards():
        near = nearest(standard_id, list(standards()))
        raise UnknownName(
            "There is no standard “{standard}”.",
            hint="Did you mean “{near}”?" if near else "Choose one of: {known}.",
            standard=standard_id,
            near=near,
            known=tuple(standards()),
        )
    return standards()[standard_id]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One indicator through all of its standards.

    standards : those that have classes for it
    table : by `location_id`, the places with a value: `value`, a column per standard with the name of the class, and
        `concerned`, how many standards see a concern
    """

    standards: tuple[Standard, ...]
    table: pd.DataFrame

    @property
    def disagreed(self) -> pd.DataFrame:
        """The places at which one standard sees a concern and another does not."""
        return self.table[self.table["concerned"].between(1, len(self.standards) - 1)]


def compare(indicator_id: str, values: pd.Series) -> Comparison:
    """How the standards of an indicator judge the same values.

    Parameters
    ----------
    values : by `location_id`, in the indicator's unit.
    """
    present = values.dropna()
    table = pd.DataFrame({"value": present})
    concerned = np.zeros(len(present), dtype=int)
    found = standards_of(indicator_id)
    for name, standard in found.items():
        table[name] = standard.label(indicator_id, present)
        concerned += table[name].isin(standard.classes[indicator_id].concern).to_numpy()
    table["concerned"] = concerned
    return Comparison(tuple(found.values()), table)
