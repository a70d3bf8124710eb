"""What-ifs written down: named changes to what drives a series, and why they are plausible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from geodata.dataset import ID, Dataset
from geodata.described import described, read_toml, toml_of
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.panel import validate_panel, value_columns
from geodata.publication import attached_toml
from geodata.search import nearest
from geodata.units import unit_of

# Quantities whose zero was only agreed upon, and rates of change: below zero they mean something.
_BELOW_ZERO = frozenset(
    ("c", "m", "mm_per_year", "mm_per_year2", "cm_per_year", "percent_per_year", "percent_per_decade", "sigma")
)


@dataclass(frozen=True)
class Change:
    """One change to one column: its values times `multiply`, then plus `add`.

    column : its unit in its name, such as `precipitation_mm`
    multiply : 0.8 takes a fifth away
    add : in the unit of the column
    months : the calendar months it holds for, 1 to 12; empty for all. They are those of `time` as the panel has it
    first, last : the first and the last day it holds for, both within; None for no such end
    """

    column: str
    multiply: float = 1.0
    add: float = 0.0
    months: tuple[int, ...] = ()
    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        unit_of(self.column)
        if not (math.isfinite(self.multiply) and math.isfinite(self.add)):
            raise BrokenData(
                "The change of {column} multiplies by {multiply} and adds {add}, which are not both numbers.",
                hint="Give finite numbers.",
                column=self.column,
                multiply=self.multiply,
                add=self.add,
            )
        if self.multiply == 1 and self.add == 0:
            raise BrokenData(
                "The change of {column} changes nothing.",
                hint="Give multiply other than 1, or add other than 0.",
                column=self.column,
            )
        if not set(self.months) <= set(range(1, 13)) or len(set(self.months)) < len(self.months):
            raise BrokenData(
                "The change of {column} holds for the months {months}, which are not months of one year.",
                hint="Name each month once, from 1 for January to 12 for December, or none for all of them.",
                column=self.column,
                months=self.months,
            )
        for key in ("first", "last"):
            found = getattr(self, key)
            # A moment is a date to Python, but would be another thing in the file.
            if found is not None and type(found) is not date:
                raise BrokenData(
                    "The change of {column} has the {key} day {found}, which is no date but {kind}.",
                    hint="Write datetime.date(2004, 1, 1), or 2004-01-01 without quotes in a file.",
                    column=self.column,
                    key=key,
                    found=found,
                    kind=type(found).__name__,
                )
        if self.first and self.last and self.last < self.first:
            raise BrokenData(
                "The change of {column} ends on {last}, before it begins on {first}.",
                hint="Give a last day that is not before the first.",
                column=self.column,
                first=self.first,
                last=self.last,
            )

    def holds(self, times: pd.Series) -> pd.Series:
        """Whether it holds for each of these times (UTC)."""
        found = times.dt.month.isin(self.months or range(1, 13))
        if self.first:
            found &= times >= pd.Timestamp(self.first, tz="UTC")
        if self.last:
            found &= times < pd.Timestamp(self.last, tz="UTC") + pd.Timedelta(days=1)
        return found


@dataclass(frozen=True)
class Scenario:
    """Named changes to what drives a series. It is no forecast: nobody says that it will come.

    id : the name of its file
    title : what changes, in a few words
    why : why it is plausible
    source : where the size of the change comes from
    changes : made one after the other, so that several of one column add up
    region : the region outside which it makes no sense; "" where it does anywhere
    """

    id: str
    title: str
    why: str
    source: str
    changes: tuple[Change, ...]
    region: str = ""

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise BrokenData(
                "“{id}” cannot be the id of a scenario.",
                hint="Use small letters, digits and underscores: a_fifth_less_pumping.",
                id=self.id,
            )
        for key in ("title", "why", "source"):
            if not getattr(self, key).strip():
                raise BrokenData(
                    "The scenario {id} says nothing under {key}.",
                    hint="Say it in a sentence: a change of which nobody knows the reason is no what-if.",
                    id=self.id,
                    key=key,
                )
        if not self.changes:
            raise BrokenData("The scenario {id} has no changes.", hint="Give it at least one.", id=self.id)

    def apply(self, panel: pd.DataFrame) -> pd.DataFrame:
        """The panel as it would be: a new one, with the changed columns as decimal numbers.

        Parameters
        ----------
        panel : `location_id`, `time` (UTC) and the changed columns, in their units. It is not altered.

        Returns
        -------
        The same rows and columns. Missing stays missing.

        Raises
        ------
        UnknownName
            Where a changed column is absent.
        AlmanacError
            Where a change holds for no row, so that the what-if would be what is; or where it makes a value negative
            that cannot be. Values are never clipped: the change would not be the one that is written down.
        BrokenData
            Where the panel breaks its contract.

        Notes
        -----
        A value can be negative where the column already has one below zero (such as tidal discharge), where it is a
        temperature or a height, and where it is a rate of change.
        """
        found = validate_panel(panel)
        for change in self.changes:
            found = found.assign(**{change.column: self._changed(found, change)})
        return found

    def _changed(self, panel: pd.DataFrame, change: Change) -> pd.Series:
        column = change.column
        facts: dict[str, Any] = {"column": column, "scenario": self.id}
        columns = value_columns(panel)
        if column not in columns:
            near = nearest(column, columns)
            raise UnknownName(
                "The scenario {scenario} changes {column}, which the table does not have.",
                hint="Did you mean “{near}”?" if near else "Apply it to a table that has it; this one has {columns}.",
                near=near,
                columns=tuple(columns[:8]),
                **facts,
            )
        now, where = panel[column].astype(float), change.holds(panel["time"])
        if not where.any():
            raise AlmanacError(
                "The change of {column} in {scenario} holds for none of the {n} rows.",
                hint="Check its months and days against those of the table.",
                n=len(panel),
                **facts,
            )
        changed = now.mask(where, now * change.multiply + change.add)
        if unit_of(column).suffix not in _BELOW_ZERO and not (now < 0).any() and (changed < 0).any():
            raise AlmanacError(
                "The scenario {scenario} makes {n} values of {column} negative, down to {least}, which they cannot be.",
                hint="Multiply instead of subtracting, or subtract less.",
                n=int((changed < 0).sum()),
                least=f"{changed.min():g}",
                **facts,
            )
        return changed


def read_scenario(path: Path) -> Scenario:
    """One scenario from its file, whose name is its id.

    Raises
    ------
    BrokenData
        When the file cannot be read, has an unknown or missing key, or says what cannot be.
    """
    return described(Scenario, read_toml(path), where=path.name, id=path.stem)


def published_scenario(dataset: Dataset) -> Scenario:
    """The what-if that a published dataset is the outcome of.

    Raises
    ------
    BrokenData
        When it carries none, or one that cannot be read.
    """
    attached = dataset.publication.attachments if dataset.publication is not None else {}
    name = next((name for name in attached if name.endswith(".toml")), "scenario.toml")
    return described(Scenario, attached_toml(dataset, name), where=name, id=name.removesuffix(".toml"))


def scenario_text(scenario: Scenario) -> str:
    """A scenario as the text of its file, `<id>.toml`: `read_scenario` gives an equal one."""
    return toml_of(scenario, given=("id",))
