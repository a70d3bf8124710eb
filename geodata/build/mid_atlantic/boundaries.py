"""The counties and independent cities of Virginia and North Carolina."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from geodata.build.basemap import basemap
from geodata.build.fetch import package_files
from geodata.build.topology import read_borders
from geodata.build.write import on_grid, source_files

STATES = {"51": "VA", "37": "NC"}
# How the Census Bureau's class of a place (LSAD) ends its name. Virginia's cities belong to no county.
CLASSES = {"06": " County", "25": " city"}
# West, south, east, north of the two states, in degrees.
BOUNDS = (-84.4, 33.8, -75.2, 39.5)
# Metres; at the scale of the region a pixel is wider than this.
TOLERANCE = 300.0


def us_counties(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """The 233 counties and independent cities, with their land area; neighbours share their edges."""
    found = full_counties(files)
    simple = shapely.coverage_simplify(found.to_crs(5070).geometry.array, TOLERANCE)
    return on_grid(found.set_geometry(gpd.GeoSeries(simple, found.index, crs=5070).to_crs(4326)))


def full_counties(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """The counties as the Census Bureau draws them at 1:500,000: `name`, `land_area_km2` and geometry."""
    found = read_shapefile(files)
    found = found[found["STATEFP"].isin(list(STATES))]
    names = found["NAME"] + found["LSAD"].map(CLASSES) + ", " + found["STATEFP"].map(STATES)
    layer = gpd.GeoDataFrame(
        {"name": names, "land_area_km2": (found["ALAND"].astype(float) / 1e6).round(3)},
        geometry=found.geometry,
        crs=found.crs,
    )
    return layer.set_index(pd.Index(found["GEOID"].astype(str), name="location_id"))


def packaged_counties() -> gpd.GeoDataFrame:
    """The counties at full detail, fetched: for sources that have to be laid over them."""
    return full_counties(source_files("us_counties"))


def mid_atlantic_basemap(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Land, borders, water and towns of the eastern United States."""
    (states,) = package_files("npm", "us-atlas", "3.0.1", ["states-10m.json"]).values()
    return basemap(
        files,
        BOUNDS,
        continent="north-america",
        states=read_borders(states, "states"),
        margin_km=350.0,  # as far as the Delaware basin and The Battery in New York
        towns=45,
        towns_inside=50,
    )


def read_shapefile(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """A Census Bureau shapefile out of a package, which carries it without its projection.

    Notes
    -----
    The bureau's files are in NAD83, which differs from WGS 84 by about a metre: taken as the same.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            (Path(folder) / Path(path).name).write_bytes(content)
        return gpd.read_file(next(Path(folder).glob("*.shp"))).set_crs(4326, allow_override=True)
