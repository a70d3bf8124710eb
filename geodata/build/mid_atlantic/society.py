"""People, their work, their journeys and their electricity, and the habitat around them, mostly by county."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.build.mid_atlantic.boundaries import STATES, packaged_counties
from geodata.build.mid_atlantic.clock import calendar

# Of the 15 years 2002 to 2016. Many stations are counted every other year only: which ones are in a county's
# mean would then decide the mean.
FEWEST_YEARS = 14
YEARS = range(2002, 2017)
# MWh in an hour; more than the largest balancing authority here can serve.
LARGEST_MWH = 40_000.0
# Small areas that left the list of counties: Bedford became part of Bedford County in 2013.
GONE = ("51515",)


def single_sites(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """The places of series that stand alone: a tide gauge and a city."""
    (gazetteer,) = files.values()
    towns = pd.read_json(BytesIO(gazetteer), orient="index")
    washington = towns[towns["geonameid"] == 4140963].iloc[0]
    return gpd.GeoDataFrame(
        {"name": ["The Battery, New York", "Washington, DC"]},
        index=pd.Index(["noaa_8518750", "washington_dc"], name="location_id"),
        # The tide gauge stands where its station page says: 40°42.0′ N, 74°0.9′ W.
        geometry=gpd.points_from_xy([-74.015, washington["longitude"]], [40.700, washington["latitude"]]),
        crs=4326,
    )


def ncdot_traffic(files: dict[str, bytes]) -> pd.DataFrame:
    """Annual average daily traffic of North Carolina's counties, 2002 to 2016."""
    (content,) = files.values()
    stations = pd.read_csv(BytesIO(content), dtype=str)
    counties = packaged_counties()["name"]
    places = {name.removesuffix(" County, NC").upper(): place for place, name in counties.items()}
    stations["location_id"] = stations["COUNTY"].map(places)
    return county_traffic(stations)


def county_traffic(stations: pd.DataFrame) -> pd.DataFrame:
    """The geometric mean over a county's steadily counted stations, year by year.

    Parameters
    ----------
    stations : location_id and a column for each year, 2002 to 2016, as text; blank where not counted.

    Returns
    -------
    A panel with `traffic_veh_per_day` and `stations_count`, the stations counted in that year.

    Notes
    -----
    The same stations stand behind every year of a county: the one year in which a station may not have been
    counted is interpolated from its own neighbouring years. Without this, 61 of the 100 counties would jump by
    more than 5 % in 2014, when two stations in five were left out. A county's year in which fewer than half
    of its stations were counted is missing.
    """
    years = [str(year) for year in YEARS]
    counts = stations[years].apply(pd.to_numeric, errors="coerce").where(lambda value: value > 0)
    steady = counts.notna().sum(axis=1) >= FEWEST_YEARS
    county = stations.loc[steady, "location_id"]
    logs = np.log(counts[steady])
    counted = logs.groupby(county).count()
    means = np.exp(logs.interpolate(axis=1, limit_direction="both").groupby(county).mean())
    means = means.where(counted.ge(county.groupby(county).count() / 2, axis=0))
    long = means.melt(ignore_index=False, var_name="year", value_name="traffic_veh_per_day").reset_index()
    return pd.DataFrame(
        {
            "location_id": long["location_id"].astype(str),
            "time": calendar(pd.to_datetime(long["year"], format="%Y")),
            "traffic_veh_per_day": long["traffic_veh_per_day"].round().to_numpy(dtype="float32"),
            "stations_count": counted.melt()["value"].to_numpy(dtype="int16"),
        }
    )


def census_population(files: dict[str, bytes]) -> pd.DataFrame:
    """Population of each county of Virginia and North Carolina on 1 July, 2010 to 2019."""
    return county_population(files, STATES)


def county_population(files: dict[str, bytes], states: Collection[str]) -> pd.DataFrame:
    """Population of each county of some states on 1 July, 2010 to 2019.

    Parameters
    ----------
    files : the Census Bureau's table of county population totals (CO-EST2019-alldata), alone.
    states : the states' FIPS codes, two digits each.

    Returns
    -------
    A panel with `population_people`, a row for each county and year; the table's state totals are left out.
    """
    (content,) = files.values()
    found = pd.read_csv(BytesIO(content), encoding="latin-1", dtype={"STATE": str, "COUNTY": str})
    ids = found["STATE"].str.zfill(2) + found["COUNTY"].str.zfill(3)
    here = ids.str[:2].isin(list(states)) & ~ids.str.endswith("000")
    wide = found[here].filter(regex=r"^POPESTIMATE\d{4}$").set_index(ids[here].rename("location_id"))
    long = wide.melt(ignore_index=False, var_name="year", value_name="population_people").reset_index()
    years = pd.to_datetime(long["year"].str.removeprefix("POPESTIMATE"), format="%Y")
    return pd.DataFrame(
        {
            "location_id": long["location_id"],
            "time": calendar(years),
            "population_people": long["population_people"].to_numpy(dtype="int32"),
        }
    )


def bls_unemployment_2009(files: dict[str, bytes]) -> pd.DataFrame:
    """Unemployment of each county in 2009."""
    (content,) = files.values()
    found = pd.read_csv(BytesIO(content), sep="\t", dtype={"id": str})
    ids = found["id"].str.zfill(5)
    here = ids.str[:2].isin(list(STATES)) & ~ids.isin(GONE)
    return pd.DataFrame(
        {
            "location_id": ids[here].to_numpy(),
            "time": calendar(pd.DatetimeIndex(["2009-01-01"] * int(here.sum()))),
            "unemployment_percent": (found.loc[here, "rate"] * 100).round(1).to_numpy(dtype="float32"),
        }
    )


def gap_habitat(files: dict[str, bytes]) -> pd.DataFrame:
    """The share of each county that is habitat all year of four species."""
    (content,) = files.values()
    found = pd.read_csv(BytesIO(content), dtype={"county_id": str})
    ids = found["county_id"].str.zfill(5)
    found = found.assign(location_id=ids)[ids.str[:2].isin(list(STATES))]
    wide = found.pivot(index="location_id", columns="common_name", values="habitat_yearround_pct")
    wide.columns = [name.lower().replace("-", "_").replace(" ", "_") + "_habitat_percent" for name in wide.columns]
    shares = (wide * 100).round(2).astype("float32").reset_index()
    shares.insert(1, "time", calendar(pd.DatetimeIndex(["2001-01-01"] * len(shares))))
    return shares


def bikeshare_dc(files: dict[str, bytes]) -> pd.DataFrame:
    """Bicycles hired in Washington, DC, hour by hour."""
    (content,) = files.values()
    found = pd.read_csv(BytesIO(content))
    return hourly_hires(pd.to_datetime(found["ts"]), found["count"])


def hourly_hires(clock: pd.Series, hires: pd.Series) -> pd.DataFrame:
    """Hires on Washington's clock put into UTC, missing where that clock is turned.

    Parameters
    ----------
    clock : the hours on the clock, without a zone: one row for each, even for the hour that is skipped in
        spring; in autumn one row stands for two hours.
    hires : how many bicycles were hired.
    """
    moments = clock.dt.tz_localize("America/New_York", ambiguous="NaT", nonexistent="NaT")
    sure = pd.Series(hires.to_numpy(dtype="float32"), index=pd.DatetimeIndex(moments).tz_convert("UTC"))
    sure = sure[sure.index.notna()]
    whole = sure.reindex(pd.date_range(sure.index.min(), sure.index.max(), freq="h"))
    return pd.DataFrame(
        {"location_id": "washington_dc", "time": whole.index, "hires_trips": whole.to_numpy(dtype="float32")}
    )


def eia930_electricity(files: dict[str, bytes]) -> pd.DataFrame:
    """Electricity demand and generation of the two Carolinian balancing authorities, hour by hour."""
    parts = []
    for path, content in files.items():
        found = pd.read_csv(BytesIO(content), compression="gzip")
        parts.append(balancing_authority(found, path.rsplit("/", 1)[-1].removesuffix(".csv.gz")))
    return pd.concat(parts, ignore_index=True)


def balancing_authority(found: pd.DataFrame, authority: str) -> pd.DataFrame:
    """One authority's hours with a row for each, missing where the source has none or an impossible value.

    Parameters
    ----------
    found : period_utc (the END of the hour, as `2019-01-01T00`), D demand, DF its forecast of the day before,
        NG net generation; MWh.
    authority : its code, such as "DUK".
    """
    ends = pd.to_datetime(found["period_utc"], format="%Y-%m-%dT%H", utc=True)
    values = found[["D", "DF", "NG"]].astype("float32")
    values = values.where((values > 0) & (values < LARGEST_MWH)).set_index(pd.DatetimeIndex(ends) - pd.Timedelta("1h"))
    values = values.reindex(pd.date_range(values.index.min(), values.index.max(), freq="h"))
    return pd.DataFrame(
        {
            "location_id": authority,
            "time": values.index,
            "demand_mwh": values["D"].to_numpy(),
            "demand_forecast_mwh": values["DF"].to_numpy(),
            "generation_mwh": values["NG"].to_numpy(),
        }
    )


def epa_pm25_sites(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """The sites in the two states where fine particles were measured."""
    sites = pm25_by_site(files)
    return sites[["name", "geometry"]]


def epa_pm25(files: dict[str, bytes]) -> pd.DataFrame:
    """Fine particles at each site on one day."""
    sites = pm25_by_site(files)
    return pd.DataFrame(
        {
            "location_id": sites.index,
            "time": calendar(pd.DatetimeIndex(["2022-06-18"] * len(sites))),
            "pm25_ug_per_m3": sites["PM25"].round(2).to_numpy(dtype="float32"),
        }
    )


def pm25_by_site(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """The day's mean at each position in the two states; where several monitors stand together, their mean."""
    (content,) = files.values()
    found = pd.read_csv(BytesIO(content)).groupby(["Longitude", "Latitude"], as_index=False)["PM25"].mean()
    points = gpd.GeoDataFrame(found, geometry=gpd.points_from_xy(found["Longitude"], found["Latitude"]), crs=4326)
    counties = packaged_counties()[["name", "geometry"]].rename(columns={"name": "county"})
    inside = points.sjoin(counties, predicate="within")
    inside["name"] = "Air monitor in " + inside["county"]
    ids = [f"pm25_{y:.4f}_{x:.4f}" for x, y in zip(inside["Longitude"], inside["Latitude"], strict=True)]
    return inside.set_index(pd.Index(ids, name="location_id"))
