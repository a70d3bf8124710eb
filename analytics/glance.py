"""A region at a glance: a few key figures, what is new, and where we cannot see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from analytics.cube import cube
from geodata.dataset import Column, Dataset
from geodata.region import Region


@dataclass(frozen=True)
class KeyFigure:
    """One number that opens a region, with all that is needed to defend it.

    value : in the column's unit
    how : "total" over the places, "middle" (the median place), or "only" where there is a single place
    step, time : the step it holds for and its start on the region's clock; no time for layers
    places, of : how many places have a value, of how many
    earlier, earlier_time : the same number at the first step of the same season, over the same places; None
        where not all of them have a value then
    """

    dataset: Dataset
    column: Column
    value: float
    how: Literal["total", "middle", "only"]
    step: str
    time: pd.Timestamp | None
    places: int
    of: int
    earlier: float | None
    earlier_time: pd.Timestamp | None


@dataclass(frozen=True)
class Coverage:
    """Where one dataset sees the region.

    seen, of : home places in which it has a value, of all home places; `of` is 0 where it has no positions
    outside : its places that lie outside the home layer
    locations : all its places with a value
    """

    dataset: Dataset
    seen: int
    of: int
    outside: int
    locations: int


@dataclass(frozen=True, eq=False)
class Glance:
    """The region at a glance; `known` counts, for each home place, the datasets that have a value there."""

    figures: tuple[KeyFigure, ...]
    newest: tuple[Dataset, ...]
    coverage: tuple[Coverage, ...]
    known: pd.Series


def glance(region: Region) -> Glance:
    """What opens a region: its key figures, its newest data, and where it has none.

    Only places with a value are counted; a place without one is unseen, not zero. What analysts published was not
    observed, and is left out.
    """
    return _glance(region.observed)


@lru_cache(maxsize=16)
def _glance(region: Region) -> Glance:
    figures = tuple(_key_figure(region, *region.series(name)) for name in region.headlines)
    # Where stations stand is no news, and a layer that only carries a panel's places sees nothing by itself.
    carriers = {d.locations for d in region.datasets}
    facts = [d for d in region.datasets if d.columns and d.theme != "boundaries" and d.id not in carriers]
    newest = tuple(sorted(facts, key=lambda d: (-d.observed_to.toordinal(), d.title)))
    home = region.layer_of(region.dataset(region.home))
    coverage = []
    known = pd.Series(0, index=home.index, name="datasets_count")
    for dataset in facts:
        ids = _places_with_values(region, dataset)
        if dataset.kind == "panel" and dataset.locations is None:
            coverage.append(Coverage(dataset, 0, 0, 0, len(ids)))
            continue
        layer = region.layer_of(dataset)
        mine = layer.loc[layer.index.isin(ids)]
        seen, outside = _seen_of(region, mine, home)
        known.loc[seen] += 1
        coverage.append(Coverage(dataset, len(seen), len(home), outside, len(ids)))
    return Glance(figures, newest, tuple(coverage), known)


def _key_figure(region: Region, dataset: Dataset, column: Column) -> KeyFigure:
    if dataset.kind == "panel" and dataset.locations is None:
        panel = region.table(dataset.id)
        wide = panel.pivot(index="location_id", columns="time", values=column.name)
        values, step = wide.to_numpy(float), str(dataset.step)
        times = pd.DatetimeIndex(wide.columns).tz_convert(region.clock(step)).tz_localize(None)
    else:
        all_of_it = cube(region, dataset.id, column.name)
        values, times, step = all_of_it.values, all_of_it.times, all_of_it.step
    present = np.isfinite(values)
    counts = present.sum(axis=0)
    full = counts >= max(1, counts.max() / 2)
    last = int(np.flatnonzero(full)[-1])
    first = _same_season(times, full, last, step)
    how: Literal["total", "middle", "only"] = "only"
    if counts[last] > 1:
        how = "total" if column.canonical_unit.adds_up else "middle"

    def figure(at: int, among: np.ndarray) -> float:
        chosen = values[among, at]
        return float(np.nansum(chosen) if how == "total" else np.nanmedian(chosen))

    # Compared over the same places: otherwise a gauge that was added would look like a change.
    both = present[:, last] & present[:, first]
    comparable = last != first and both.sum() == counts[last]
    return KeyFigure(
        dataset=dataset,
        column=column,
        value=figure(last, present[:, last]),
        how=how,
        step=step,
        time=times[last] if len(times) else None,
        places=int(counts[last]),
        of=int(present.any(axis=1).sum()) if dataset.kind == "panel" else len(values),
        earlier=figure(first, both) if comparable else None,
        earlier_time=times[first] if comparable else None,
    )


def _same_season(times: pd.DatetimeIndex, full: np.ndarray, last: int, step: str) -> int:
    """The first full step of the same season as `last`: December is compared with December, never with June.

    `last` itself where there is none, or where a step is too short for one of them to say anything.
    """
    if step not in ("1 day", "1 month", "1 year"):
        return last
    season = np.asarray((times.month == times[last].month) & (times.day == times[last].day))
    return int(np.flatnonzero(full & season)[0])


def _places_with_values(region: Region, dataset: Dataset) -> pd.Index:
    table = region.table(dataset.id)
    columns = list(dataset.columns)
    if dataset.kind == "layer":
        return table.index[table[columns].notna().any(axis=1)]
    return pd.Index(table.loc[table[columns].notna().any(axis=1), "location_id"].unique())


def _seen_of(region: Region, places: gpd.GeoDataFrame, home: gpd.GeoDataFrame) -> tuple[pd.Index, int]:
    """The home places that some places tell of, and how many of these lie outside the home layer.

    A point tells of the home place that it lies in; an area of those whose middle lies in it.
    """
    if places.index.isin(home.index).all():
        return places.index, 0
    points = gpd.GeoDataFrame(geometry=places.to_crs(region.crs_metric).representative_point())
    areas = gpd.GeoDataFrame(geometry=home.geometry.to_crs(region.crs_metric))
    lies_in = gpd.sjoin(points, areas, how="left", predicate="within")
    lies_in = lies_in[~lies_in.index.duplicated()].drop(columns="geometry").iloc[:, 0]
    outside = int(lies_in.isna().sum())
    if (places.geom_type.isin(["Polygon", "MultiPolygon"])).all():
        middles = gpd.GeoDataFrame(geometry=areas.representative_point())
        covered = gpd.sjoin(middles, places[["geometry"]].to_crs(region.crs_metric), predicate="within")
        return covered.index.unique(), outside
    return pd.Index(lies_in.dropna().unique()), outside
