"""Automatic statistics of a dataset: how much there is, how complete, how fresh, how plausible.

Everything is taken from the table itself; the description only says which step and limits to hold it to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.dataset import Column, Dataset
from geodata.errors import BrokenData

# Rain and rivers lie mostly low and at times very high: one spread for both sides would call a third of all
# rainy days outliers, so each side of the median is held to its own.
OUTLIER_RULE = (
    "further from the median of the same location (for layers, of all places) than 5 robust standard deviations: "
    "5 × 1.4826 × the median distance of the values on the same side of it"
)
# Steps of fixed length; months and years are counted on the calendar.
FIXED_STEPS: Mapping[str, pd.Timedelta] = {
    step: pd.Timedelta(step) for step in ("5 minutes", "15 minutes", "1 hour", "1 day", "12 days")
}
_HOUR, _DAY = 3_600_000_000, 86_400_000_000  # in microseconds


@dataclass(frozen=True)
class ColumnProfile:
    """One value column. Shares are of all rows; figures are of what is present, NaN when nothing is.

    completeness : present values of those expected at the dataset's step, at all its locations
    outside : values beyond the plausible limits of the description
    outliers : values that break `OUTLIER_RULE`
    """

    name: str
    present: int
    missing: int
    share_present: float
    completeness: float
    minimum: float
    p05: float
    median: float
    mean: float
    p95: float
    maximum: float
    outside: int
    outliers: int
    negative: int
    zeros: int


@dataclass(frozen=True)
class TimeProfile:
    """How a panel lies in time.

    step_found : the most frequent distance between rows of a location that follow each other
    step_share : the share of these distances that keep it; NaN when no location has two rows
    duplicates : rows that repeat a location and time
    age_days : from the last row to the day of the profile
    completeness : by location, the share of the steps from the first to the last row of the *dataset* at which
        it has any value; where the step is irregular, of the calendar months; where there is one time only, 1 or 0
    longest_gap_days : by location, the longest time in a row without any value where some were expected, the
        beginning and the end of the dataset's period included
    """

    first: pd.Timestamp
    last: pd.Timestamp
    step_found: str
    step_share: float
    duplicates: int
    age_days: int
    completeness: Mapping[str, float]
    longest_gap_days: Mapping[str, float]


@dataclass(frozen=True)
class LayerProfile:
    """How a layer lies in space. The extent is west, south, east, north in degrees."""

    geometry_types: Mapping[str, int]
    invalid: int
    empty: int
    extent: tuple[float, float, float, float]


@dataclass(frozen=True)
class DatasetProfile:
    """The statistics of one dataset; `times` is of a panel, `shapes` of a layer."""

    id: str
    kind: str
    as_of: date
    rows: int
    locations: int
    step: str
    columns: tuple[ColumnProfile, ...]
    times: TimeProfile | None = None
    shapes: LayerProfile | None = None
    outlier_rule: str = OUTLIER_RULE

    def to_dict(self) -> dict[str, object]:
        """The same as plain values for JSON: dates as text, and null where a figure does not exist."""
        return {key: _plain(value) for key, value in asdict(self).items()}


def usual_step(panel: pd.DataFrame) -> str:
    """The most frequent distance between rows of a place that follow each other, as `Step` has it: "1 day"."""
    codes, _ = pd.factorize(panel["location_id"])
    moments = panel["time"].dt.tz_convert("UTC").dt.tz_localize(None).dt.as_unit("us").to_numpy()
    order = np.lexsort((moments.view(np.int64), codes))
    return _steps(codes[order], moments[order])[1]


def profile_dataset(dataset: Dataset, *, today: date | None = None) -> DatasetProfile:
    """The automatic statistics of a dataset.

    Parameters
    ----------
    today : the day from which its age is counted; by default this one.

    Raises
    ------
    BrokenData
        When its file is absent or broken, or lacks a column that is described.
    """
    return profile_table(dataset, dataset.load(), today=today)


def profile_table(
    dataset: Dataset, table: pd.DataFrame | gpd.GeoDataFrame, *, today: date | None = None
) -> DatasetProfile:
    """The automatic statistics of a table that `dataset` describes, also when it breaks the contract."""
    absent = [name for name in dataset.columns if name not in table.columns]
    if absent:
        raise BrokenData(
            "The file of {dataset} has no column “{column}”.",
            hint="Correct its description, or run “make regions” to make the file again.",
            dataset=dataset.id,
            column=absent[0],
        )
    as_of = today or date.today()
    values = {n: table[n].to_numpy(dtype=np.float64, na_value=np.nan) for n in dataset.columns}
    if isinstance(table, gpd.GeoDataFrame):
        codes = np.zeros(len(table), dtype=np.intp)
        columns = _columns(dataset.columns.values(), values, codes, expected=len(table))
        return DatasetProfile(
            dataset.id, "layer", as_of, len(table), table.index.nunique(), dataset.step, columns, shapes=_shapes(table)
        )
    codes, places = pd.factorize(table["location_id"].astype("str"), sort=True)
    moments = table["time"].dt.tz_convert("UTC").dt.tz_localize(None).dt.as_unit("us").to_numpy()
    order = np.lexsort((moments.view(np.int64), codes))
    codes, moments = codes[order], moments[order]
    values = {name: column[order] for name, column in values.items()}
    any_value = np.ones(len(table), dtype=bool)
    if values:
        any_value = np.logical_or.reduce([np.isfinite(column) for column in values.values()])
    expected = _expected(moments, dataset.step)
    return DatasetProfile(
        dataset.id,
        "panel",
        as_of,
        len(table),
        len(places),
        dataset.step,
        _columns(dataset.columns.values(), values, codes, expected=expected * len(places)),
        times=_times(codes, moments, any_value, places, dataset.step, expected, as_of) if len(table) else None,
    )


def _columns(
    described: Iterable[Column], values: Mapping[str, np.ndarray], codes: np.ndarray, *, expected: int
) -> tuple[ColumnProfile, ...]:
    profiles = []
    for column in described:
        here = np.isfinite(values[column.name])
        found = values[column.name][here]
        low, middle, high = np.quantile(found, [0.05, 0.5, 0.95]) if len(found) else [np.nan] * 3
        profiles.append(
            ColumnProfile(
                name=column.name,
                present=len(found),
                missing=len(here) - len(found),
                share_present=len(found) / len(here) if len(here) else math.nan,
                completeness=min(1.0, len(found) / expected) if expected else math.nan,
                minimum=float(found.min()) if len(found) else math.nan,
                p05=float(low),
                median=float(middle),
                mean=float(found.mean()) if len(found) else math.nan,
                p95=float(high),
                maximum=float(found.max()) if len(found) else math.nan,
                outside=int(((found < column.minimum) | (found > column.maximum)).sum()),
                outliers=_outliers(found, codes[here]),
                negative=int((found < 0).sum()),
                zeros=int((found == 0).sum()),
            )
        )
    return tuple(profiles)


def _outliers(found: np.ndarray, codes: np.ndarray) -> int:
    """How many values break `OUTLIER_RULE`; all of the same place have the same code."""
    if not len(found):
        return 0
    distance = found - _medians(found, codes)[codes]
    off = distance != 0
    sides = 2 * codes[off] + (distance[off] > 0)
    distance = np.abs(distance[off])
    return int((distance > 5 * 1.4826 * _medians(distance, sides)[sides]).sum()) if len(sides) else 0


def _medians(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The median of each code, NaN for those without values."""
    medians = pd.Series(values).groupby(codes, sort=True).median()
    every = np.full(codes.max() + 1, np.nan)
    every[medians.index.to_numpy()] = medians.to_numpy()
    return every


def _shapes(layer: gpd.GeoDataFrame) -> LayerProfile:
    geometry = layer.geometry
    empty = geometry.isna() | geometry.is_empty
    west, south, east, north = (float(edge) for edge in layer[~empty].to_crs(4326).total_bounds)
    kinds = geometry[~empty].geom_type.value_counts()
    return LayerProfile(
        geometry_types={str(kind): int(n) for kind, n in kinds.sort_index().items()},
        invalid=int((~geometry[~empty].is_valid).sum()),
        empty=int(empty.sum()),
        extent=(west, south, east, north),
    )


def _times(
    codes: np.ndarray,
    moments: np.ndarray,
    any_value: np.ndarray,
    places: Iterable[str],
    step: str,
    expected: int,
    as_of: date,
) -> TimeProfile:
    names = [str(place) for place in places]
    first, last = moments.min(), moments.max()
    distances, found, share = _steps(codes, moments)

    valued, when = codes[any_value], moments[any_value]
    # A doubled row must not make up for one that is absent.
    new = np.ones(len(valued), dtype=bool)
    units = when.astype("datetime64[M]") if step == "irregular" else when
    new[1:] = (valued[1:] != valued[:-1]) | (units[1:] != units[:-1])
    counts = np.bincount(valued[new], minlength=len(names))
    completeness = np.minimum(1.0, counts / expected)
    gaps = _longest_gaps(valued, when, len(names), first, last, step)
    return TimeProfile(
        first=pd.Timestamp(first, tz="UTC"),
        last=pd.Timestamp(last, tz="UTC"),
        step_found=found,
        step_share=share,
        duplicates=int((distances == 0).sum()),
        age_days=(as_of - pd.Timestamp(last).date()).days,
        completeness=dict(zip(names, completeness.tolist(), strict=True)),
        longest_gap_days=dict(zip(names, gaps.tolist(), strict=True)),
    )


def _expected(moments: np.ndarray, step: str) -> int:
    """How many values a complete location has between the first and the last moment of the dataset."""
    if step == "once" or not len(moments):
        return 1
    first, last = moments.min(), moments.max()
    if step in FIXED_STEPS:
        # Rounded, because days begin at midnight on a clock that is put back and forth.
        return round((last - first) / FIXED_STEPS[step].to_timedelta64()) + 1
    unit = "datetime64[Y]" if step == "1 year" else "datetime64[M]"
    return int((last.astype(unit) - first.astype(unit)).astype(np.int64)) + 1


def _steps(codes: np.ndarray, moments: np.ndarray) -> tuple[np.ndarray, str, float]:
    """The distances between rows of a place that follow each other, the usual one, and the share that keep it."""
    follows = codes[1:] == codes[:-1]
    distances = np.diff(moments).astype(np.int64)[follows]
    return distances, *_step_found(distances, np.diff(moments.astype("datetime64[M]").astype(np.int64))[follows])


def _step_found(distances: np.ndarray, months: np.ndarray) -> tuple[str, float]:
    """The most frequent distance between rows in words, and the share of distances that keep it."""
    if not len(distances):
        return "once", math.nan
    kinds, counts = np.unique(distances, return_counts=True)
    usual = int(kinds[counts.argmax()])
    for name, calendar, shortest, longest in (("1 month", 1, 28, 31), ("1 year", 12, 365, 366)):
        if shortest * _DAY - _HOUR <= usual <= longest * _DAY + _HOUR:
            keep = (months == calendar).mean()
            if keep > 0.5:
                return name, float(keep)
    # A local day is an hour longer or shorter when the clock is put back or forth.
    slack = _HOUR if usual >= _DAY - _HOUR else 0
    return _in_words(usual), float((np.abs(distances - usual) <= slack).mean())


def _in_words(microseconds: int) -> str:
    for name, size in (("day", _DAY), ("hour", _HOUR), ("minute", 60_000_000), ("second", 1_000_000)):
        if microseconds >= size:
            count = microseconds / size
            return f"{count:g} {name}{'' if count == 1 else 's'}"
    return f"{microseconds} microseconds"


def _longest_gaps(
    codes: np.ndarray, moments: np.ndarray, places: int, first: np.datetime64, last: np.datetime64, step: str
) -> np.ndarray:
    """By location, the longest time without a value beyond the usual step, in days."""
    day = np.timedelta64(1, "D")
    usual = {"1 month": 31.0, "1 year": 366.0, "irregular": 0.0, "once": 0.0}
    allowed = usual[step] if step in usual else FIXED_STEPS[step] / pd.Timedelta(days=1)
    # Without any value, all the time is a gap.
    gaps = np.full(places, (last - first) / day + allowed)
    if not len(codes):
        return gaps
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(starts[1:], len(codes)) - 1
    between = np.diff(moments, prepend=moments[:1]) / day
    between[starts] = 0.0
    inner = np.maximum.reduceat(between, starts) - allowed
    before, after = (moments[starts] - first) / day, (last - moments[ends]) / day
    gaps[codes[starts]] = np.maximum.reduce([inner, before, after, np.zeros(len(starts))])
    if step == "1 day":
        gaps = np.where(gaps < 0.1, 0.0, gaps)  # the hour by which a local day may be longer
    return gaps


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | pd.Timestamp):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
