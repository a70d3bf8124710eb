"""Where the ground sinks near people: sinking sites by the place they lie in, beside the people of that place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from analytics.measure import measured, uses
from analytics.metric_layer import in_metres
from analytics.record import read_rows, refuse_parameter
from geodata.dataset import Dataset
from geodata.errors import BrokenData
from geodata.region import Region

# mm per year: the edge of the stable band in common use.
STABLE = -2.0
# Motion towards a satellite is left out: it is not sinking alone.
_VELOCITIES = ("vertical_velocity", "vertical_motion")


def near_people(
    sites: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    population: pd.Series,
    crs_metric: str | int | pyproj.CRS,
    *,
    threshold: float = STABLE,
) -> pd.DataFrame:
    """Where the ground sinks near people: for each place its sinking sites, the fastest, and the place's people.

    Parameters
    ----------
    sites : points indexed by `location_id`, with `value`, `low` and `high`: the vertical velocity and its 95 %
        limits in mm per year, negative where the ground sinks.
    homes : the areas of the home layer, indexed by `location_id`.
    population : people by the id of the home place.
    crs_metric : the region's projection in metres.
    threshold : mm per year, negative; a site sinks where its velocity is at or below this and `high` is below zero.

    Returns
    -------
    By the home place's `location_id`:
        sites : how many sites with a velocity lie in it
        sinking : how many of them sink, beyond what chance would explain
        fastest_site : the id of the one that sinks fastest; None where none sinks
        fastest_mm_per_year, low_mm_per_year, high_mm_per_year : its velocity and limits
        people : of the whole place
        people_near : the same where at least one site sinks, 0 where sites were measured and none sinks, NaN where no
            site was measured or the people are not known
    Sinking places first, by people × fastest velocity; then those where none sinks; then those without a site.

    Raises
    ------
    BrokenData
        Where the sites have no velocity or limits.
    AlmanacError
        Where a layer lies outside the projection, or the threshold is above zero.

    Notes
    -----
    This is coarse, and says so: `people_near` are all people of a county in which a site sinks, not those who live at
    the site. It ranks where to look first; it does not count who is affected. A site on a border counts for the place
    whose id comes first; a site in no place is left out. People × velocity is used for the order alone.

    Examples
    --------
    >>> import shapely
    >>> home = gpd.GeoDataFrame(geometry=[shapely.box(-120, 36, -119, 37)], index=["06019"], crs=4326)
    >>> site = gpd.GeoDataFrame({"value": [-9.0], "low": [-11.0], "high": [-7.0]},
    ...     geometry=[shapely.Point(-119.5, 36.5)], index=["gps_1"], crs=4326)
    >>> people = pd.Series({"06019": 999_101.0})
    >>> row = near_people(site.rename_axis("location_id"), home.rename_axis("location_id"), people, 5070).iloc[0]
    >>> int(row["sinking"]), row["fastest_site"], int(row["people_near"])
    (1, 'gps_1', 999101)
    """
    if not threshold <= 0:
        raise refuse_parameter("threshold", threshold, wanted="a velocity in mm per year that is not above zero")
    rows = read_rows(sites, "value", "low", "high", signed=("value", "low", "high"))
    if population.index.has_duplicates:
        raise BrokenData(
            "The people of {place} stand twice.",
            hint="Give one number for each place, such as that of the latest year.",
            place=population.index[population.index.duplicated()][0],
        )
    rows["home"] = _home_of(in_metres(sites, crs_metric).loc[rows.index], in_metres(homes, crs_metric).sort_index())
    rows = rows[rows["home"].notna() & rows["value"].notna()]
    sinking = rows[(rows["value"] <= threshold) & (rows["high"] < 0)]
    fastest = sinking.sort_values("value", kind="stable").groupby("home").head(1).reset_index().set_index("home")

    found = pd.DataFrame(index=homes.index.rename("location_id").sort_values())
    found["sites"] = rows.groupby("home").size().reindex(found.index, fill_value=0)
    found["sinking"] = sinking.groupby("home").size().reindex(found.index, fill_value=0)
    site = fastest["location_id"].reindex(found.index).astype(object)
    found["fastest_site"] = site.where(site.notna(), None)
    for column, source in (("fastest_mm_per_year", "value"), ("low_mm_per_year", "low"), ("high_mm_per_year", "high")):
        found[column] = fastest[source].reindex(found.index)
    found["people"] = population.astype(float).reindex(found.index)
    near = np.where(found["sinking"] > 0, found["people"], 0.0)
    found["people_near"] = np.where((found["sites"] > 0) & found["people"].notna(), near, np.nan)
    order = pd.DataFrame(
        {
            "first": np.select([found["sinking"] > 0, found["sites"] > 0], [0, 1], default=2),
            "weight": -(found["people"].fillna(0.0) * found["fastest_mm_per_year"].abs().fillna(0.0)),
        },
        index=found.index,
    )
    return found.loc[order.sort_values(["first", "weight"], kind="stable").index]


@dataclass(frozen=True, eq=False)
class NearPeople:
    """Where the ground of a region sinks near people.

    table : see `near_people`
    motion, people : the datasets it is made from
    year : which year's people
    """

    table: pd.DataFrame
    motion: Dataset
    people: Dataset
    year: int


def near_people_of(region: Region) -> NearPeople | None:
    """Where the ground of a region sinks near people, by its home places.

    Returns
    -------
    None where the region has no vertical velocities at sites, or not the people of its home places.
    """
    return _near_people_of(region.observed)


@lru_cache(maxsize=8)
def _near_people_of(region: Region) -> NearPeople | None:
    velocities = next((name for name in _VELOCITIES if name in uses(region)), None)
    people = next(
        (d for d in region.panels.values() if d.locations == region.home and "population_people" in d.columns), None
    )
    if velocities is None or people is None:
        return None
    found = measured(region, velocities)
    motion = found.use.datasets[0]
    sites = region.layer_of(motion)[["geometry"]].join(found.table[["value", "low", "high"]])
    panel = region.table(people.id)
    latest = panel.dropna(subset="population_people").sort_values("time").groupby("location_id").tail(1)
    population = latest.set_index(latest["location_id"].astype(str))["population_people"]
    homes = region.table(region.home)
    table = near_people(gpd.GeoDataFrame(sites), homes, population, region.crs_metric)
    return NearPeople(table, motion, people, int(latest["time"].dt.year.max()))


def _home_of(points: gpd.GeoSeries, homes: gpd.GeoSeries) -> pd.Series:
    """The home each point lies in, or None: on a border the one whose id comes first."""
    point, home = homes.sindex.query(points.to_numpy(), predicate="intersects")
    pairs = pd.DataFrame({"point": point, "home": home}).groupby("point")["home"].min()
    found = pd.Series(None, index=points.index, dtype=object)
    found.iloc[pairs.index.to_numpy()] = homes.index.to_numpy()[pairs.to_numpy()]
    return found
