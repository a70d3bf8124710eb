"""California and Nevada: how fast the ground moves at GPS sites, and how many people live in the counties."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geodata.build.basemap import basemap
from geodata.build.fetch import package_files
from geodata.build.mid_atlantic.boundaries import read_shapefile
from geodata.build.mid_atlantic.society import county_population
from geodata.build.topology import read_borders
from geodata.build.write import on_grid
from geodata.units import to_canonical

STATES = {"06": "CA", "32": "NV"}
BOUNDS = (-124.5, 32.2, -114.9, 42.1)
CALIFORNIA_ALBERS = 3310
# About 500 m: at the scale of the region a pixel is wider than this.
BORDER_TOLERANCE_DEGREES = 0.005
# Positions of one site in the source differ by millimetres to decimetres; the nearest two sites are metres apart.
SAME_SITE_M = 1.0
COMPONENTS = ("north", "east", "up")


def sites(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The GPS sites with the velocity of the ground and its uncertainty, in millimetres a year."""
    (content,) = files.values()
    return one_row_a_site(pd.read_csv(BytesIO(content), compression="xz"))


def one_row_a_site(rows: pd.DataFrame) -> gpd.GeoDataFrame:
    """Several solutions for each site → the one whose vertical velocity is least uncertain.

    Parameters
    ----------
    rows : `latitude`, `longitude` (0 to 360 degrees east), `height` (m), and `velocity_…` and `std_…` in
        m/yr for north, east and up.

    Notes
    -----
    The source has no names of stations. Rows closer than a metre are solutions for one site; most of them
    repeat the very same velocity. Of equal ones the first in the file stays.
    """
    longitude = (rows["longitude"] + 180.0) % 360.0 - 180.0
    points = gpd.GeoSeries.from_xy(longitude, rows["latitude"], crs=4326)
    metres = points.to_crs(CALIFORNIA_ALBERS)
    pairs = cKDTree(np.column_stack([metres.x, metres.y])).query_pairs(SAME_SITE_M, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(rows), len(rows)))
    site = connected_components(graph, directed=False)[1]
    best = rows["std_up"].groupby(site).idxmin().to_numpy()
    kept, place = rows.loc[best], points.loc[best]
    values = {}
    for component in COMPONENTS:
        velocity = to_canonical(kept[f"velocity_{component}"], "m/yr").round(2)
        values[f"velocity_{component}_mm_per_year"] = velocity.to_numpy()
        values[f"uncertainty_{component}_mm_per_year"] = (
            to_canonical(kept[f"std_{component}"], "m/yr").round(2).to_numpy()
        )
    north, west = place.y.to_numpy(), -place.x.to_numpy()
    return gpd.GeoDataFrame(
        {
            "name": site_names(north, west).to_numpy(),
            **values,
            "height_m": kept["height"].round(1).to_numpy(),
        },
        index=pd.Index(
            [f"gps_{n * 1e5:.0f}_{w * 1e5:.0f}" for n, w in zip(north, west, strict=True)], name="location_id"
        ),
        geometry=place.to_numpy(),
        crs=4326,
    )


def site_names(north: np.ndarray, west: np.ndarray) -> pd.Series:
    """A name for each position in degrees; antennas within a hundred metres are numbered."""
    names = pd.Series([f"GPS {n:.3f}° N, {w:.3f}° W" for n, w in zip(north, west, strict=True)])
    number = names.groupby(names).cumcount() + 1
    return names.where(number == 1, names + " (" + number.astype(str) + ")")


def counties(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The counties of California and Nevada with their land area; neighbours share their edges."""
    found = read_shapefile(files)
    found = found[found["STATEFP"].isin(list(STATES))]
    layer = gpd.GeoDataFrame(
        {
            "name": (found["NAME"] + ", " + found["STATEFP"].map(STATES)).to_numpy(),
            "land_area_km2": (found["ALAND"].astype(float) / 1e6).round(3).to_numpy(),
        },
        index=pd.Index(found["GEOID"].astype("object"), name="location_id"),
        geometry=shapely.coverage_simplify(found.geometry.array, BORDER_TOLERANCE_DEGREES),
        crs=4326,
    )
    return on_grid(layer)


def population(files: dict[str, bytes]) -> pd.DataFrame:
    """Population of each county of California and Nevada on 1 July, 2010 to 2019."""
    return county_population(files, STATES)


def california_ground_basemap(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Land, borders, water and towns of California and Nevada."""
    (states,) = package_files("npm", "us-atlas", "3.0.1", ["states-10m.json"]).values()
    return basemap(
        files,
        BOUNDS,
        continent="north-america",
        states=read_borders(states, "states"),
        margin_km=200.0,
    )


DATASETS = {
    "california_ground_basemap": california_ground_basemap,
    "california_ground_counties": counties,
    "california_ground_sites": sites,
    "california_ground_population": population,
}
