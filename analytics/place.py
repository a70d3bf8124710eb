"""Everything we can say of one place: the Profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from analytics.nesting import nearest_home, nesting
from analytics.series import STEPS, Sketch, gaps, sketch
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError, UnknownName
from geodata.region import Region
from geodata.search import nearest

# A year counts as measured when this share of its steps has a value.
_FULL_YEAR = 0.9
# Weather makes single years differ: a change is told between means over this many, from twice as many on.
_YEARS = 5
_KEY = 4


@dataclass(frozen=True)
class Standing:
    """How a value stands among those of the other places.

    rank : 1 is the highest; equal values share the better rank
    of : how many places have a value at the same time, this one included
    equal : how many of the others have the same value
    below : the share of the other places whose value is lower
    """

    rank: int
    of: int
    equal: int
    below: float

    @property
    def higher(self) -> int:
        """How many of the other places have a higher value."""
        return self.rank - 1

    @property
    def lower(self) -> int:
        """How many of the other places have a lower value."""
        return self.of - 1 - self.higher - self.equal


@dataclass(frozen=True)
class Change:
    """The mean of the first full years beside that of the last ones.

    before, after : means over `years` full calendar years, in the column's unit
    before_from … after_to : the first and last year of each
    """

    before: float
    after: float
    years: int
    before_from: int
    before_to: int
    after_from: int
    after_to: int


@dataclass(frozen=True, eq=False)
class Fact:
    """A value without a time: a column of a layer.

    spread : one standard deviation of the value, where the layer has it
    p_value : how likely such a trend is by chance, where the layer has it
    around : the values of all places, by `location_id`
    """

    dataset: Dataset
    column: Column
    value: float
    spread: float | None
    p_value: float | None
    around: pd.Series
    standing: Standing | None


@dataclass(frozen=True, eq=False)
class Record:
    """One series of one place.

    times, values : its rows, ascending, on the clock in which they are read; missing is NaN
    latest, latest_time : the last value there is, and the start of its interval; None where there is none
    n : how many values there are
    completeness : the share of the intervals between its first and last value that have one; None where the
        series has no fixed step
    first : the start of the interval of its first value
    gaps : `start`, `end`, `missing` of every gap
    longest : the longest time from one value to the next
    flags : the share of its values that carry each qualifier, by the qualifier's code
    latest_flag : the qualifier of the last value
    around : the values of all places at the time of its last value, by `location_id`
    """

    dataset: Dataset
    column: Column
    times: pd.Series
    values: pd.Series
    latest: float | None
    latest_time: pd.Timestamp | None
    first: pd.Timestamp | None
    n: int
    completeness: float | None
    gaps: pd.DataFrame
    longest: pd.Timedelta | None
    flags: Mapping[str, float]
    latest_flag: str | None
    around: pd.Series
    standing: Standing | None
    change: Change | None

    @property
    def missing(self) -> int:
        """How many intervals between its first and last value have none."""
        return int(self.gaps["missing"].sum())

    def longest_gaps(self, most: int) -> pd.DataFrame:
        """The gaps with the most missing intervals, the longest first."""
        return self.gaps.nlargest(most, "missing")

    def sketch(self, most: int = 2000) -> Sketch:
        """The series as it is drawn."""
        return sketch(self.times, self.values, self.dataset.step, most)


@dataclass(frozen=True, eq=False)
class Profile:
    """One place, and all we have of it.

    layer : the layer it belongs to; None for a place without a position
    longitude, latitude : of a point within it, in degrees
    lies_in : the ids of the areas it lies in, the home layer's first
    near : where it lies in none of the home layer: the nearest of these, and how far away in km
    inside : the places that lie in it: indexed by `location_id`, with `name` and `layer`
    facts : values without a time
    records : its series, by theme
    key : the few of these to begin with, no two of one dataset: the region's headlines first
    without : the datasets of its layer that have nothing of this place
    broken : what is wrong with the datasets that could not be read, by id
    """

    id: str
    name: str
    layer: Dataset | None
    longitude: float | None
    latitude: float | None
    lies_in: tuple[str, ...]
    near: tuple[str, float] | None
    inside: pd.DataFrame
    facts: tuple[Fact, ...]
    records: tuple[Record, ...]
    key: tuple[Record, ...]
    without: tuple[Dataset, ...]
    broken: Mapping[str, AlmanacError]

    @property
    def completeness(self) -> float | None:
        """The share of all values due in its series that are there; None where none was ever due."""
        fixed = [r for r in self.records if r.completeness is not None]
        due = sum(r.n + r.missing for r in fixed)
        return sum(r.n for r in fixed) / due if due else None

    @property
    def least_complete(self) -> Record | None:
        """The series of which the largest share is missing; None where nothing is."""
        gappy = [r for r in self.records if r.missing]
        return min(gappy, key=lambda r: r.completeness or 0.0) if gappy else None


def profile(region: Region, location_id: str) -> Profile:
    """All we have of one place, every series with its gaps.

    Parameters
    ----------
    location_id : a place of the region, as in `region.places()`.

    Raises
    ------
    UnknownName
        When the region has no such place; the one most likely meant is named.

    Notes
    -----
    A place lies in an area when a point within it does and it is the smaller of the two. Layers are simplified
    each in its own way, so that their borders never agree exactly and whole outlines cannot be compared.
    """
    places = region.places()
    if location_id not in places.index:
        raise _unknown(region, location_id, places)
    place = places.loc[location_id]
    facts: list[Fact] = []
    records: list[Record] = []
    without: list[Dataset] = []
    broken: dict[str, AlmanacError] = {}
    for dataset in region.datasets:
        try:
            if dataset.timeless:
                facts += _facts(dataset, region.by_place(dataset), location_id)
                continue
            found = list(_records(region, dataset, location_id))
        except AlmanacError as error:
            broken[dataset.id] = error
            continue
        records += found
        if not found and dataset.locations == place["layer"]:
            without.append(dataset)
    point = shapely.point_on_surface(place.geometry)
    placed = point is not None and not point.is_empty
    lies_in, inside = nesting(region)
    return Profile(
        id=location_id,
        name=str(place["name"]) if pd.notna(place["name"]) else location_id,
        layer=region.dataset(place["layer"]) if place["layer"] else None,
        longitude=point.x if placed else None,
        latitude=point.y if placed else None,
        lies_in=lies_in.get(location_id, ()),
        near=nearest_home(region, location_id, lies_in.get(location_id, ())) if placed else None,
        inside=pd.DataFrame(places.loc[list(inside.get(location_id, ())), ["name", "layer"]]),
        facts=tuple(facts),
        records=tuple(records),
        key=_key(region, records),
        without=tuple(without),
        broken=broken,
    )


def best_known(region: Region) -> str:
    """The id of the place of which most datasets have something: a page without a choice begins there.

    Among equals it is one of the dataset with which the region opens and within the region's own places where
    there is any, and of these the one whose name comes first.
    """
    return _best_known(region.observed)


@lru_cache(maxsize=16)
def _best_known(region: Region) -> str:
    places = region.places()
    known = pd.Series(0.0, index=places.index)
    for dataset in region.datasets:
        if not dataset.columns:
            continue
        try:
            table = region.table(dataset.id)
        except AlmanacError:
            continue  # the profile of the place tells of it
        found = table.index if dataset.kind == "layer" else table["location_id"].unique()
        known.loc[known.index.isin(found)] += 1.5 if dataset.id == region.opens_on.split(".")[0] else 1.0
    home = region.table(region.home).index
    lies_in, _ = nesting(region)
    known[[place in home or any(area in home for area in lies_in.get(place, ())) for place in places.index]] += 0.25
    best = places[known == known.max()]
    return str(best["name"].fillna("").sort_values(kind="stable").index[0])


def standing(value: float, everywhere: pd.Series) -> Standing | None:
    """How a value stands among those of all places, its own included.

    Returns
    -------
    None where no other place has a value: there is nothing to stand among.

    Examples
    --------
    >>> standing(4.0, pd.Series([9.0, 4.0, 4.0, 1.0, float("nan")]))
    Standing(rank=2, of=4, equal=1, below=0.3333333333333333)
    """
    values = everywhere.to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) < 2 or not np.isfinite(value):
        return None
    return Standing(
        rank=int((values > value).sum()) + 1,
        of=len(values),
        equal=int((values == value).sum()) - 1,
        below=float((values < value).sum() / (len(values) - 1)),
    )


def change(times: pd.Series, values: pd.Series, step: str, aggregate: str) -> Change | None:
    """What has changed over the years, told only where single years cannot mislead.

    Parameters
    ----------
    times : on the clock in which they are read, ascending.
    values : of the same length; missing is NaN.
    step : the declared step.
    aggregate : how the column is summed over time.

    Returns
    -------
    The mean of the first five full years beside that of the last five, where there are ten; a year is full
    when nine tenths of its steps have a value. None for fewer years, for series without a fixed step, and for
    columns that have no mean.
    """
    if step not in STEPS or aggregate == "none":
        return None
    steps_in_year = STEPS["1 year"] / STEPS[step]
    yearly = values.groupby(times.dt.year.to_numpy()).agg(["mean", "count"])
    full = yearly.loc[yearly["count"] >= _FULL_YEAR * np.floor(steps_in_year), "mean"]
    if len(full) < 2 * _YEARS:
        return None
    before, after = full.iloc[:_YEARS], full.iloc[-_YEARS:]
    return Change(
        before=float(before.mean()),
        after=float(after.mean()),
        years=_YEARS,
        before_from=int(before.index[0]),
        before_to=int(before.index[-1]),
        after_from=int(after.index[0]),
        after_to=int(after.index[-1]),
    )


def _facts(dataset: Dataset, layer: pd.DataFrame | gpd.GeoDataFrame, location_id: str) -> Iterable[Fact]:
    if location_id not in layer.index:
        return
    values = {name: float(layer.at[location_id, name]) for name in dataset.columns}
    companions = {name: _companions(dataset, name) for name in dataset.columns}
    told = {companion for pair in companions.values() for companion in pair}
    for name, column in dataset.columns.items():
        if name in told or not np.isfinite(values[name]):
            continue
        spread, p_value = (_finite(values.get(companion)) for companion in companions[name])
        yield Fact(
            dataset=dataset,
            column=column,
            value=values[name],
            spread=spread,
            p_value=p_value,
            around=layer[name],
            standing=standing(values[name], layer[name]),
        )


def _companions(dataset: Dataset, name: str) -> tuple[str, str]:
    """How the columns are named that say how sure one is: its standard deviation, and the p-value of a trend.

    Of `velocity_up_mm_per_year` they are `uncertainty_up_mm_per_year` and `velocity_up_p`.
    """
    stem = name.removesuffix(dataset.columns[name].canonical_unit.suffix).rstrip("_")
    quantity, _, rest = name.partition("_")
    return f"uncertainty_{rest}" if quantity != "uncertainty" else "", f"{stem}_p"


def _records(region: Region, dataset: Dataset, location_id: str) -> Iterable[Record]:
    panel = region.table(dataset.id)
    mine = panel[(panel["location_id"] == location_id).to_numpy()]
    if mine.empty:
        return
    times = mine["time"].dt.tz_convert(region.clock(dataset.step)).reset_index(drop=True)
    for name, column in dataset.columns.items():
        values = pd.Series(mine[name].to_numpy(dtype=np.float64))
        found = np.flatnonzero(np.isfinite(values))
        if not len(found):
            continue
        first, last = int(found[0]), int(found[-1])
        silent = gaps(times, values, dataset.step)
        seen = pd.DatetimeIndex(times.iloc[found])
        same_time = panel.loc[(panel["time"] == mine["time"].iloc[last]).to_numpy(), ["location_id", name]]
        around = same_time.set_index(same_time["location_id"].astype(str))[name]
        flag = mine[column.flag].astype(object).to_numpy()[found] if column.flag else None
        yield Record(
            dataset=dataset,
            column=column,
            times=times,
            values=values,
            latest=float(values.iloc[last]),
            latest_time=times.iloc[last],
            first=times.iloc[first],
            n=len(found),
            completeness=(len(found) / (len(found) + int(silent["missing"].sum())) if dataset.step in STEPS else None),
            gaps=silent,
            longest=(seen[1:] - seen[:-1]).max() if len(seen) > 1 else None,
            flags=dict(pd.Series(flag).value_counts(normalize=True)) if flag is not None else {},
            latest_flag=flag[-1] if flag is not None and pd.notna(flag[-1]) else None,
            around=around,
            standing=standing(float(values.iloc[last]), around),
            change=change(times, values, dataset.step, column.aggregate),
        )


def _key(region: Region, records: Iterable[Record]) -> tuple[Record, ...]:
    named = [region.opens_on, *region.headlines]

    def order(record: Record) -> int:
        series = f"{record.dataset.id}.{record.column.name}"
        return named.index(series) if series in named else len(named)

    # `sorted` keeps the order of equals: after the headlines, the catalogue's.
    first_of: dict[str, Record] = {}
    for record in sorted((r for r in records if r.dataset.publication is None), key=order):
        first_of.setdefault(record.dataset.id, record)
    return tuple(first_of.values())[:_KEY]


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _unknown(region: Region, location_id: str, places: gpd.GeoDataFrame) -> UnknownName:
    names = places["name"].dropna().astype(str)
    near = nearest(location_id, [*places.index, *names])
    if near is not None and near not in places.index:
        near = f"{near} ({names.index[names == near][0]})"
    return UnknownName(
        "The region {region} has no place “{asked}”.",
        hint="Did you mean {near}?" if near else "Choose one of its {n} places by name.",
        region=region.name,
        asked=location_id,
        near=near,
        n=len(places),
    )
