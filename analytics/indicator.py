"""What an indicator is: a plain function, and beside its formula all that is needed to defend its numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import pandas as pd

from analytics.evidence import Evidence, evidence_of
from geodata.errors import UnknownName
from geodata.publication import Publication
from geodata.search import nearest
from geodata.units import UNITS, Unit

Domain = Literal["traffic", "water", "natural_resources", "ground_motion", "cross_domain"]
Better = Literal["higher", "lower", "neither"]
Table = Literal["panel", "layer", "table"]
Function = TypeVar("Function", bound=Callable[..., pd.Series | pd.DataFrame])


@dataclass(frozen=True)
class Minimum:
    """The shortest record that makes sense; a place with less has not enough data, and no number.

    values : of every column needed, at one place
    years : from the first value to the last one, that one's own interval included
    completeness : values as a share of those due from the first to the last
    """

    values: int = 1
    years: float = 0.0
    completeness: float = 0.0


@dataclass(frozen=True)
class Published:
    """What is known of an indicator that an analyst published from a notebook: its numbers are read, never made anew.

    dataset : the id of the published dataset that carries its values
    publication : who made it, from what, and whether it is approved
    evidence : what proves it
    definition : its formula in words
    """

    dataset: str
    publication: Publication
    evidence: Evidence
    definition: str


@dataclass(frozen=True)
class Indicator:
    """An indicator of the registry; calling it calls its function.

    id : the function's name
    title : the first line of its docstring: what the number means, in words a planner would accept
    code : its number in the project's list, such as W15
    unit : the ending under which `geodata.units.UNITS` knows it
    formula : how it is computed, in symbols, without words of any language
    needs : the columns that must be there, the unit in their names
    table : what it is given: a panel, a layer (one row per place), or a table with several rows per place
    steps : the steps of a panel that it accepts; empty where any will do
    better : which direction is better, for most readers
    minimum : the shortest record that makes sense
    authority, edition, reference : who defines it, in which edition, and where that can be read
    caveat : what the number does not say; one sentence
    undefined : why there is no value although there are data enough; one sentence
    standard : the standard whose classes it wears first; "" where it has none
    tidal : whether it takes `tidal=`: the places at which a negative discharge is real
    latest : whether it speaks of the last moment of the record rather than of all of it
    first : the end that a reader looks at first where neither direction is better and no standard sees a concern
    clock : whether it takes `timezone=`: the clock that its places live by
    fitted : whether it takes `reference=`: the first and last year on which what is normal is fitted
    published : for those that analysts published; None for the project's own
    """

    id: str
    title: str
    code: str
    domain: Domain
    unit: str
    formula: str
    needs: tuple[str, ...]
    table: Table
    steps: tuple[str, ...]
    better: Better
    minimum: Minimum
    authority: str
    edition: str
    reference: str
    caveat: str
    undefined: str
    standard: str
    tidal: bool
    latest: bool
    clock: bool
    fitted: bool
    first: Literal["high", "low"]
    function: Callable[..., pd.Series | pd.DataFrame]
    published: Published | None = None

    def __call__(self, table: pd.DataFrame, **parameters: Any) -> pd.Series | pd.DataFrame:
        """The values by place, as the function itself returns them."""
        return self.function(table, **parameters)

    @property
    def canonical_unit(self) -> Unit:
        """The unit as the rest of Almanac knows it."""
        return UNITS[self.unit]

    @property
    def evidence(self) -> Evidence:
        """What proves its formula."""
        return self.published.evidence if self.published is not None else evidence_of(self.id)

    @property
    def definition(self) -> str:
        """The formula in English words, and its choices: the Notes of the function's docstring."""
        if self.published is not None:
            return self.published.definition
        text = inspect.getdoc(self.function) or ""
        _, _, notes = text.partition("Notes\n-----\n")
        for heading in ("References\n---", "Examples\n---", "See Also\n---"):
            notes = notes.partition(heading)[0]
        return notes.strip()


class Registry(dict[str, Indicator]):
    """The indicators by id; a near-miss is named in the error."""

    def __missing__(self, indicator_id: str) -> Indicator:
        near = nearest(indicator_id, list(self))
        raise UnknownName(
            "There is no indicator “{indicator}”.",
            hint="Did you mean “{near}”?" if near else "Choose one of: {known}.",
            indicator=indicator_id,
            near=near,
            known=tuple(self),
        )


# Every indicator by id, in the order of the project's list.
INDICATORS = Registry()


def indicator(
    *,
    code: str,
    domain: Domain,
    unit: str,
    formula: str,
    needs: tuple[str, ...],
    better: Better,
    minimum: Minimum,
    authority: str,
    edition: str,
    reference: str,
    caveat: str,
    undefined: str,
    table: Table = "panel",
    steps: tuple[str, ...] = (),
    standard: str = "",
    tidal: bool = False,
    latest: bool = False,
    clock: bool = False,
    fitted: bool = False,
    first: Literal["high", "low"] = "high",
) -> Callable[[Function], Function]:
    """Registers a function as an indicator and returns it unchanged, so that doctests see it.

    The function takes a table (see `Indicator.table`) and keywords, and returns the values indexed by
    `location_id`: a Series, or where they come with an interval a DataFrame with `value`, `low` and `high`
    (and `p_value` where it tests for a trend). A place without enough data has NaN.

    Raises
    ------
    ValueError
        At import, when the id is taken, the unit unknown or the title missing: a mistake of the programmer.
    """

    def register(function: Function) -> Function:
        name = function.__name__
        title = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        # A module that is read twice (doctests do so) names its own indicators again; that is no clash.
        taken = name in INDICATORS and INDICATORS[name].function.__module__ != function.__module__
        if taken or unit not in UNITS or not title:
            raise ValueError(f"{name}: the id is taken, the unit “{unit}” is unknown, or it has no docstring")
        INDICATORS[name] = Indicator(
            id=name,
            title=title,
            code=code,
            domain=domain,
            unit=unit,
            formula=formula,
            needs=needs,
            table=table,
            steps=steps,
            better=better,
            minimum=minimum,
            authority=authority,
            edition=edition,
            reference=reference,
            caveat=caveat,
            undefined=undefined,
            standard=standard,
            tidal=tidal,
            latest=latest,
            clock=clock,
            fitted=fitted,
            first=first,
            function=function,
        )
        return function

    return register
