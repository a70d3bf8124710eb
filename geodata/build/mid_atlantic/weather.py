"""A century of rain by climate division, and the rain of one hurricane by county."""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer
from scipy.io import netcdf_file

from geodata.build.mid_atlantic.boundaries import packaged_counties
from geodata.build.mid_atlantic.clock import calendar
from geodata.build.write import on_grid
from geodata.units import to_canonical

# NOAA numbers the states by the alphabet.
DIVISION_STATES = {"31": "NC", "44": "VA"}
# The grid of the Stage IV analyses: polar stereographic on a sphere, metres.
STAGE_IV = "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=-105 +R=6371200 +units=m"
# The share of a county that the grid must cover for a mean over the county.
FULLY = 0.99
RAIN = "Total_precipitation_surface_1_Hour_Accumulation"


def climate_divisions(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """The 14 climate divisions of the two states."""
    (content,) = files.values()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "climdiv.gpkg"
        path.write_bytes(content)
        found = gpd.read_file(path)
    # The file is in longitude and latitude on GRS 80, without naming WGS 84: the same to within a metre.
    found = found[found["CLIMDIV"].str[:2].isin(list(DIVISION_STATES))].set_crs(4326, allow_override=True)
    simple = shapely.coverage_simplify(found.to_crs(5070).geometry.array, 500.0)
    layer = gpd.GeoDataFrame(
        {"name": found["CLIMDIV_NAME"].str.title() + ", " + found["CLIMDIV"].str[:2].map(DIVISION_STATES)},
        geometry=gpd.GeoSeries(simple, found.index, crs=5070).to_crs(4326),
    )
    return on_grid(layer.set_index(pd.Index("climdiv_" + found["CLIMDIV"], name="location_id")))


def nclimdiv_precipitation(files: dict[str, bytes]) -> pd.DataFrame:
    """Monthly precipitation of each climate division since 1895."""
    import rdata  # only needed to make this dataset again

    (content,) = files.values()
    return monthly_precipitation(rdata.conversion.convert(rdata.parser.parse_data(content, extension=".rds")))


def monthly_precipitation(wide: pd.DataFrame) -> pd.DataFrame:
    """Inches by month and division as millimetres by place and time.

    Parameters
    ----------
    wide : `date` (days since 1970-01-01) and a column for each division; negative where missing.
    """
    divisions = [c for c in wide.columns if c[:2] in DIVISION_STATES]
    months = pd.Timestamp("1970-01-01") + pd.to_timedelta(wide["date"].astype(int), unit="D")
    inches = wide[divisions].to_numpy(dtype=float)
    inches = np.where(inches < 0, np.nan, inches)
    return pd.DataFrame(
        {
            "location_id": np.tile([f"climdiv_{d}" for d in divisions], len(wide)),
            "time": np.repeat(calendar(months.dt.to_period("M").dt.start_time), len(divisions)),
            "precipitation_mm": to_canonical(inches.ravel(), "in").round(1).astype("float32"),
        }
    )


def florence_rain(files: dict[str, bytes]) -> pd.DataFrame:
    """Hourly rain of Hurricane Florence, averaged over each county that the grid covers."""
    (content,) = files.values()
    with netcdf_file(BytesIO(content), mmap=False) as grid:
        rain = np.array(grid.variables[RAIN][:], dtype=float)
        latitude = np.array(grid.variables["lat"][:], dtype=float)
        longitude = np.array(grid.variables["lon"][:], dtype=float)
        hours = np.array(grid.variables["time"][:], dtype=float)
    # The hour named is the one at whose end the accumulation was read.
    starts = pd.Timestamp("2001-12-31T23:00", tz="UTC") + pd.to_timedelta(hours - 1, unit="h")
    x, y = Transformer.from_crs(4326, STAGE_IV, always_xy=True).transform(longitude, latitude)
    cells = grid_cells(x, y)
    counties = packaged_counties().to_crs(STAGE_IV)
    weights, covered = area_weights(cells, counties.geometry.array)
    full = covered >= FULLY
    means = rain.reshape(len(hours), -1) @ weights[full].T
    ids = counties.index[full]
    return pd.DataFrame(
        {
            "location_id": np.tile(ids, len(hours)),
            "time": np.repeat(starts, len(ids)),
            "precipitation_mm": to_canonical(means.ravel(), "kg/m2").round(2).astype("float32"),
        }
    )


def grid_cells(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The square cells around the centres of a regular grid, row by row.

    Parameters
    ----------
    x, y : metres, of shape (rows, columns); x grows along a row, y along a column.
    """
    across, down = np.median(np.diff(x, axis=1)) / 2, np.median(np.diff(y, axis=0)) / 2
    return shapely.box(x - across, y - down, x + across, y + down).ravel()


def area_weights(cells: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much each cell counts in the mean over each place.

    Returns
    -------
    The shares (places × cells, each row summing to 1) and the share of each place that the cells cover.
    """
    place, cell = shapely.STRtree(cells).query(places, predicate="intersects")
    shared = shapely.area(shapely.intersection(places[place], cells[cell]))
    weights = np.zeros((len(places), len(cells)))
    weights[place, cell] = shared
    total = weights.sum(axis=1)
    return weights / np.where(total > 0, total, 1.0)[:, None], total / shapely.area(places)
