"""All values of one column, at all places and times at once: what the map and its time slider show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError
from geodata.region import Region

# The lengths that a map can step through, and how NumPy calls them.
COARSER: dict[str, str] = {"1 day": "D", "1 month": "M", "1 year": "Y"}
_HOURS: dict[str, float] = {
    "5 minutes": 1 / 12,
    "15 minutes": 0.25,
    "1 hour": 1,
    "1 day": 24,
    "12 days": 288,
    "1 month": 730,
    "1 year": 8766,
}
# A mean is shown when at least this share of its values is there; a sum only when all are.
ENOUGH = 0.75
# More steps than this cannot be told apart on a slider; more cells are too many to hand to a browser.
MOST_STEPS = 2_500
MOST_CELLS = 4_000_000
COMFORTABLE_STEPS = 800


@dataclass(frozen=True, eq=False)
class Cube:
    """Values of one column by place and time.

    places : the location ids, in the order of the layer
    times : the starts of the steps on the region's clock, without a zone; empty when the values have no time
    values : places × steps (one step when there is no time); missing is NaN
    step : the length of a step
    made : "" for values as observed, else "mean" or "sum": what was done to fill a step
    """

    places: pd.Index
    times: pd.DatetimeIndex
    values: np.ndarray
    step: str
    made: str

    def at(self, index: int) -> pd.Series:
        """The values of one step, by location id; negative indices count from the end."""
        return pd.Series(self.values[:, index], index=self.places)

    def latest_full(self) -> int:
        """The last step at which at least half as many places have a value as at the fullest step.

        A record often ends with a step that few places have reported yet; a map that opened on it would
        look empty.
        """
        present = np.isfinite(self.values).sum(axis=0)
        return int(np.flatnonzero(present >= max(1, present.max() / 2))[-1]) if present.max() else 0


def steps_of(region: Region, dataset: Dataset, column: Column) -> list[str]:
    """The steps in which a column may be mapped, the one to begin with in front.

    Raises
    ------
    AlmanacError
        When the dataset's places have no position, or no step is coarse enough for a map.
    """
    region.layer_of(dataset)
    if dataset.timeless:
        return [dataset.step]
    panel = region.table(dataset.id)
    places = panel["location_id"].nunique()
    native = dataset.step
    span = (panel["time"].max() - panel["time"].min()) / pd.Timedelta(hours=1)
    counts: dict[str, float] = {}
    moments = panel["time"].nunique()
    # Irregular moments that places share (the passes of a satellite) can be stepped through; others cannot.
    if native != "irregular" or moments <= COMFORTABLE_STEPS:
        counts[native] = moments
    if column.aggregate in ("mean", "sum", "last"):
        for step in COARSER:
            if native == "irregular" or _HOURS[step] > 1.5 * _HOURS[native]:
                counts[step] = span / _HOURS[step]
    fit = {s: n for s, n in counts.items() if n <= MOST_STEPS and n * places <= MOST_CELLS and (n > 0.9 or s == native)}
    if not fit:
        raise AlmanacError(
            "{series} has more steps than a map can show.",
            hint="Look at it as a series instead.",
            series=f"{dataset.id}.{column.name}",
        )
    comfortable = [s for s, n in fit.items() if n <= COMFORTABLE_STEPS]
    first = comfortable[0] if comfortable else list(fit)[-1]
    return [first, *(s for s in fit if s != first)]


@lru_cache(maxsize=64)
def mapped_layer(region: Region, dataset: Dataset) -> gpd.GeoDataFrame:
    """The places at which a dataset could have a value, as they are drawn.

    Of the home layer, all: a county without a value is a gap in what we see. Of other layers, those that the
    dataset speaks of: a gauge that belongs to another dataset alone is not missing from this one.
    """
    layer = region.layer_of(dataset)
    if dataset.kind == "layer" or dataset.locations == region.home:
        return layer
    return layer[layer.index.isin(region.table(dataset.id)["location_id"].unique())]


def cube(region: Region, dataset_id: str, column: str, step: str | None = None) -> Cube:
    """The values of a column at all places and steps.

    Parameters
    ----------
    step : one of `steps_of`; by default the first of them.

    Raises
    ------
    UnknownName
        When the dataset or column does not exist.
    AlmanacError
        When the step does not fit the dataset.
    """
    dataset = region.dataset(dataset_id)
    described = dataset.column(column)
    steps = steps_of(region, dataset, described)
    if step is not None and step not in steps:
        raise AlmanacError(
            "{series} cannot be shown by {step}.",
            hint="Choose one of: {known}.",
            series=f"{dataset_id}.{column}",
            step=step,
            known=tuple(steps),
        )
    return _cube(region, dataset, column, step or steps[0])


def values_of_all_times(region: Region, dataset: Dataset, column: Column, now: pd.Series) -> np.ndarray:
    """What the classes of a map of single values are made from, so that they are those of the map through time.

    Parameters
    ----------
    now : the values shown, which are all there is where the dataset has more steps than a map can show.
    """
    if dataset.step not in steps_of(region, dataset, column):
        return now.to_numpy(float)
    return cube(region, dataset.id, column.name, dataset.step).values


@lru_cache(maxsize=24)
def _cube(region: Region, dataset: Dataset, name: str, step: str) -> Cube:
    column = dataset.column(name)
    places = mapped_layer(region, dataset).index
    if dataset.timeless:
        values = region.by_place(dataset)[column.name].reindex(places).to_numpy(float)[:, None]
        return Cube(places, pd.DatetimeIndex([]), values, "once", "")
    panel = region.table(dataset.id)
    local = panel["time"].dt.tz_convert(region.clock(dataset.step)).dt.tz_localize(None).to_numpy("datetime64[us]")
    if step in COARSER and step != dataset.step:
        unit = COARSER[step]
        times, when = np.unique(local.astype(f"datetime64[{unit}]"), return_inverse=True)
        times = np.arange(times[0], times[-1] + 1)  # a step without any value is a step all the same
        when = (local.astype(f"datetime64[{unit}]") - times[0]).astype(int)
    else:
        times, when = np.unique(local, return_inverse=True)
    where = places.get_indexer(panel["location_id"])
    found = panel[column.name].to_numpy(float)
    keep = (where >= 0) & np.isfinite(found)
    shape = (len(places), len(times))
    cell = where[keep] * len(times) + when[keep]
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    index = pd.DatetimeIndex(times.astype("datetime64[us]"))
    native = step == dataset.step
    if native or column.aggregate == "last":
        values = np.full(shape, np.nan)
        values.reshape(-1)[cell] = found[keep]  # rows are in the order of time: the last of a step stays
        return Cube(places, index, values, step, "" if native else "last")
    sums = np.bincount(cell, weights=found[keep], minlength=shape[0] * shape[1]).reshape(shape)
    share = counts / _expected(index, step, dataset.step, region.timezone)
    enough = share >= (ENOUGH if column.aggregate == "mean" else 1.0)
    if column.aggregate == "mean":
        sums = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
    return Cube(places, index, np.where(enough & (counts > 0), sums, np.nan), step, column.aggregate)


def _expected(times: pd.DatetimeIndex, step: str, native: str, timezone: str) -> np.ndarray:
    """How many values a full step holds: true to the clock, where a day may have 23 or 25 hours."""
    if native == "irregular":
        return np.ones(len(times))
    starts = times.to_period(COARSER[step]).to_timestamp()
    ends = (times.to_period(COARSER[step]) + 1).to_timestamp()
    if native == "1 month":
        return np.full(len(times), 12.0)

    def on_clock(moments: pd.DatetimeIndex) -> pd.DatetimeIndex:
        return moments.tz_localize(timezone, ambiguous=True, nonexistent="shift_forward")

    hours = (on_clock(ends) - on_clock(starts)) / pd.Timedelta(hours=1)
    return np.round(np.asarray(hours, dtype=float) / _HOURS[native])
