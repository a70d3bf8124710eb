"""Minneapolis and Saint Paul: traffic on Interstate 94 every hour, with the weather."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import geopandas as gpd
import pandas as pd
import shapely

from geodata.build.basemap import basemap
from geodata.build.fetch import package_files
from geodata.build.mid_atlantic.boundaries import read_shapefile
from geodata.build.topology import read_borders
from geodata.build.write import on_grid
from geodata.units import to_canonical

STATION = "mndot_atr_301"
CLOCK = "America/Chicago"
BOUNDS = (-93.8, 44.6, -92.7, 45.4)
# Near mile 239 of the motorway, where it passes below Hamline Avenue in Saint Paul; right to about a kilometre.
POSITION = (-93.157, 44.952)
# The seven counties of the Metropolitan Council.
COUNTIES = {"27003", "27019", "27037", "27053", "27123", "27139", "27163"}
# About 100 m.
BORDER_TOLERANCE_DEGREES = 0.001

COLDEST_K = 200.0
# More rain than this has never been measured anywhere in one hour (305 mm, Holt, Missouri, in 42 minutes).
WETTEST_MM_PER_H = 305.0
WET = ("Rain", "Drizzle", "Thunderstorm")


def station(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The one counting station, placed by its mile on the motorway."""
    return gpd.GeoDataFrame(
        {"name": ["I-94 westbound, ATR 301"]},
        index=pd.Index([STATION], name="location_id"),
        geometry=gpd.points_from_xy([POSITION[0]], [POSITION[1]]),
        crs=4326,
    )


def counties(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The seven counties of the metropolitan area with their land area."""
    found = read_shapefile(files)
    found = found[found["GEOID"].isin(list(COUNTIES))]
    layer = gpd.GeoDataFrame(
        {
            "name": (found["NAME"] + " County, MN").to_numpy(),
            "land_area_km2": (found["ALAND"].astype(float) / 1e6).round(3).to_numpy(),
        },
        index=pd.Index(found["GEOID"].astype("object"), name="location_id"),
        geometry=shapely.coverage_simplify(found.geometry.array, BORDER_TOLERANCE_DEGREES),
        crs=4326,
    )
    return on_grid(layer)


def traffic(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Vehicles that passed westwards in each hour."""
    panel = one_row_an_hour(_rows(files))[["location_id", "time", "traffic_veh_per_h"]]
    return panel.dropna(subset=["traffic_veh_per_h"])


def weather(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Temperature, rain and cloud in each hour, from a weather service."""
    return one_row_an_hour(_rows(files)).drop(columns="traffic_veh_per_h")


def one_row_an_hour(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in local time, several for an hour with several kinds of weather → one row an hour in UTC.

    Parameters
    ----------
    rows : `date_time` (local clock, text), `traffic_volume` (vehicles), `temp` (K), `rain_1h` (mm),
        `clouds_all` (%), `weather_main` (text).

    Notes
    -----
    The volume is the same in all rows of an hour; weather that differs between them is averaged. Rows in the
    hour that occurs twice when summer time ends are left out: one number cannot be given to two hours.
    """
    hour = pd.to_datetime(rows["date_time"])
    cleaned = pd.DataFrame(
        {
            "hour": hour,
            "traffic_veh_per_h": rows["traffic_volume"].astype(float),
            "temperature_c": to_canonical(rows["temp"].where(rows["temp"] > COLDEST_K), "K"),
            "precipitation_mm": measured_rain(rows.assign(hour=hour)),
            "cloud_cover_percent": rows["clouds_all"].astype(float),
        }
    )
    panel = cleaned.groupby("hour").mean().round(2).reset_index()
    panel["time"] = panel["hour"].dt.tz_localize(CLOCK, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    panel = panel.dropna(subset=["time"]).drop(columns="hour").assign(location_id=STATION)
    return panel[["location_id", "time", *panel.columns.drop(["location_id", "time"])]]


def measured_rain(rows: pd.DataFrame) -> pd.Series:
    """Rain in millimetres, missing in the months when it was not recorded and where it is impossible.

    Parameters
    ----------
    rows : `hour`, `rain_1h` (mm) and `weather_main`.

    Notes
    -----
    In many months the amount is zero in every hour although the weather is called rain: there zero means that
    nobody recorded it.
    """
    month = rows["hour"].dt.to_period("M")
    amount = rows["rain_1h"].where(rows["rain_1h"] <= WETTEST_MM_PER_H)
    called_wet = rows["weather_main"].isin(WET).groupby(month).transform("any")
    recorded = (amount > 0).groupby(month).transform("any")
    return amount.where(recorded | ~called_wet)


def twin_cities_basemap(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Land, borders, water and towns around Minneapolis and Saint Paul."""
    (states,) = package_files("npm", "us-atlas", "3.0.1", ["states-10m.json"]).values()
    return basemap(
        files,
        BOUNDS,
        continent="north-america",
        states=read_borders(states, "states"),
        margin_km=150.0,
    )


def _rows(files: Mapping[str, bytes]) -> pd.DataFrame:
    (content,) = files.values()
    return pd.read_csv(BytesIO(content), keep_default_na=False)


DATASETS = {
    "twin_cities_basemap": twin_cities_basemap,
    "twin_cities_counties": counties,
    "twin_cities_stations": station,
    "twin_cities_traffic": traffic,
    "twin_cities_weather": weather,
}
