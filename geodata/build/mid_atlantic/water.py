"""River gauges of the U.S. Geological Survey and the tide gauge at The Battery."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy import stats

from geodata.build.fetch import package_files
from geodata.build.mid_atlantic.clock import calendar
from geodata.units import to_canonical

DISCHARGE, STAGE = "00060", "00065"
DAILY_MEAN = "00003"
# Qualifiers that the library hydrofunctions invents where it fills or finds nothing.
INVENTED = "hf."
# A flood trend through fewer annual peaks than this says nothing.
FEWEST_PEAKS = 20
DAYS_PER_DECADE = 3652.5
# Of the 24 hours of a day; with less, the tide does not average out.
FEWEST_HOURS = 22
# Other packages that know where gauges are.
CATALOGUE = "rivretrieve/_internal/providers/usgs_nwis/catalogue/"
DELAWARE = {
    "01434000": "Delaware River at Port Jervis, NY",
    "01438500": "Delaware River at Montague, NJ",
    "01440000": "Flat Brook near Flatbrookville, NJ",
    "01463500": "Delaware River at Trenton, NJ",
}
SMALL = {"near", "at", "above", "below", "of", "and", "the", "in", "on", "to", "from", "along"}
SHORT = {
    "NR": "near",
    "NEAE": "near",
    "ABV": "above",
    "AB": "above",
    "BL": "below",
    "BLW": "below",
    "R": "River",
    "RV": "River",
    "CR": "Creek",
    "CK": "Creek",
    "BR": "Branch",
    "FK": "Fork",
    "TRIB": "Tributary",
}


def usgs_gauges(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Every river gauge that has a series or a trend in this region."""
    known: list[dict[str, Any]] = []
    for content in files.values():
        meta = json.loads(pq.read_schema(BytesIO(content)).metadata[b"hydrofunctions_meta"])
        for site, facts in meta.items():
            where = facts["siteLatLongSrs"]
            known.append(_gauge(site.split(":")[1], facts["siteName"], where["longitude"], where["latitude"]))
    (stations,) = package_files("PyPI", "rivretrieve", "0.1.3", [f"{CATALOGUE}stations.parquet"]).values()
    places = pd.read_parquet(BytesIO(stations)).set_index("station_id").loc[list(DELAWARE)]
    known += [_gauge(site, DELAWARE[site], row.longitude, row.latitude) for site, row in places.iterrows()]
    path = "tests/data/waterservices_iv.txt"
    for series in _series(package_files("PyPI", "dataretrieval", "1.0.12", [path])[path]):
        info = series["sourceInfo"]
        where = info["geoLocation"]["geogLocation"]
        known.append(_gauge(info["siteCode"][0]["value"], info["siteName"], where["longitude"], where["latitude"]))
    path = "demos/datasets/peak_discharge_trends.csv"
    trends = peak_trends(package_files("PyPI", "dataretrieval", "1.0.12", [path])[path])
    known += [_gauge(r.site_no, r.station_nm, r.dec_long_va, r.dec_lat_va) for r in trends.itertuples()]
    layer = pd.DataFrame(known).drop_duplicates("location_id").set_index("location_id")
    points = gpd.points_from_xy(layer.pop("x").round(5), layer.pop("y").round(5))
    return gpd.GeoDataFrame(layer, geometry=points, crs=4326)


def _gauge(site: str, name: str, x: float, y: float) -> dict[str, Any]:
    # Coordinates are in NAD 83, which differs from WGS 84 by about a metre: taken as the same.
    return {"location_id": site, "name": readable_name(name), "x": float(x), "y": float(y)}


def readable_name(name: str) -> str:
    """A gauge's name as people write it: "N F HOLSTON R NR GATE CITY, VA" is the North Fork Holston River."""
    if name != name.upper():
        return name
    name = re.sub(r"\bN ?F\b", "NORTH FORK", name)
    name = re.sub(r"\bS ?F\b", "SOUTH FORK", name)
    name = re.sub(r"\bM ?F\b", "MIDDLE FORK", name)
    name = re.sub(r",?\s+(VA|NC|MD|TN|WV)\.?$", r", \1", name.strip())
    words = []
    for word in name.split():
        bare = word.strip(",.")
        told = SHORT.get(bare, bare)
        if told.lower() in SMALL:
            told = told.lower()
        elif not re.search(r"\d", told) and told not in {"VA", "NC", "MD", "TN", "WV", "US", "SR"}:
            told = "-".join(part.capitalize() for part in told.split("-"))
        words.append(told + ("," if word.endswith(",") else ""))
    return " ".join(words)


def daily_discharge(content: bytes) -> pd.DataFrame:
    """Daily mean discharge out of a Parquet file that hydrofunctions wrote.

    Parameters
    ----------
    content : columns `USGS:<site>:00060:00003` in ft³/s, and the same ending in `_qualifiers`.

    Returns
    -------
    A panel with `discharge_m3_per_s` and `discharge_flag`; what the library filled in is missing.
    """
    wide = pq.read_table(BytesIO(content)).to_pandas()
    ending = f":{DISCHARGE}:{DAILY_MEAN}"
    columns = [c for c in wide.columns if c.endswith(ending)]
    values = wide[columns].to_numpy(dtype=float)
    flags = wide[[f"{c}_qualifiers" for c in columns]].to_numpy(dtype=object)
    values, flags = without_invented(values, flags)
    sites = [c.split(":")[1] for c in columns]
    return pd.DataFrame(
        {
            "location_id": np.tile(sites, len(wide)),
            # The file calls the calendar days of the survey UTC; they are days of the gauge's own clock.
            "time": np.repeat(calendar(wide.index.tz_localize(None)), len(sites)),
            "discharge_m3_per_s": to_canonical(values.ravel(), "ft3/s").astype("float32"),
            "discharge_flag": flags.ravel(),
        }
    )


def without_invented(values: np.ndarray, flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and qualifiers with everything the library filled in made missing, and no qualifier where none is.

    Parameters
    ----------
    values, flags : of the same shape; qualifiers as text.
    """
    text = np.where(pd.isna(flags), "", flags).astype(str)
    gone = np.char.startswith(text, INVENTED) | np.isnan(values)
    kept = text.astype(object)
    kept[gone | (text == "")] = None
    return np.where(gone, np.nan, values), kept


def usgs_discharge_2017(files: dict[str, bytes]) -> pd.DataFrame:
    """Daily discharge of 190 Virginian gauges in 2017."""
    (content,) = files.values()
    return daily_discharge(content)


def usgs_discharge_shenandoah(files: dict[str, bytes]) -> pd.DataFrame:
    """Daily discharge of the North Fork Shenandoah River, 2008 to 2018."""
    (content,) = files.values()
    return daily_discharge(content)


def usgs_discharge_delaware(files: dict[str, bytes]) -> pd.DataFrame:
    """Daily discharge in the Delaware basin, 1945 to 2025."""
    (content,) = files.values()
    wide = pd.read_csv(BytesIO(content), index_col=0, parse_dates=[0])
    long = wide.rename(columns=lambda c: c.removeprefix("USGS-")).melt(
        ignore_index=False, var_name="location_id", value_name="discharge_m3_per_s"
    )
    return pd.DataFrame(
        {
            "location_id": long["location_id"].to_numpy(),
            "time": calendar(long.index),
            "discharge_m3_per_s": long["discharge_m3_per_s"].to_numpy(dtype="float32"),
        }
    )


def usgs_discharge_stage_15min(files: dict[str, bytes]) -> pd.DataFrame:
    """Discharge and stage of the Choptank River and Seneca Creek at each quarter of an hour."""
    (content,) = files.values()
    parts: dict[str, list[pd.DataFrame]] = {DISCHARGE: [], STAGE: []}
    for series in _series(content):
        parameter = series["variable"]["variableCode"][0]["value"]
        if parameter not in parts:
            continue
        nothing = float(series["variable"]["noDataValue"])
        for part in series["values"]:
            read = pd.DataFrame(part["value"])
            parts[parameter].append(
                pd.DataFrame(
                    {
                        "location_id": series["sourceInfo"]["siteCode"][0]["value"],
                        "time": pd.to_datetime(read["dateTime"], utc=True),
                        "value": pd.to_numeric(read["value"]).replace(nothing, np.nan),
                        "flag": read["qualifiers"].str.join(","),
                    }
                )
            )
    columns = {DISCHARGE: ("discharge", "m3_per_s", "ft3/s"), STAGE: ("stage", "m", "ft")}
    tables = []
    for parameter, (quantity, suffix, unit) in columns.items():
        found = at_quarter_hours(pd.concat(parts[parameter], ignore_index=True))
        found[f"{quantity}_{suffix}"] = to_canonical(found.pop("value"), unit).astype("float32")
        found[f"{quantity}_flag"] = found.pop("flag")
        tables.append(found.set_index(["location_id", "time"]))
    return tables[0].join(tables[1], how="outer").reset_index()


def at_quarter_hours(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings taken at :00, :15, :30 and :45, once each, with a missing row where one should be.

    Parameters
    ----------
    readings : location_id, time, value, flag.
    """
    kept = readings[readings["time"].dt.floor("15min") == readings["time"]]
    kept = kept.drop_duplicates(["location_id", "time"])
    spans = kept.groupby("location_id")["time"].agg(["min", "max"])
    every = [
        pd.MultiIndex.from_product([[place], pd.date_range(span["min"], span["max"], freq="15min")])
        for place, span in spans.iterrows()
    ]
    index = every[0].append(every[1:]).set_names(["location_id", "time"])
    full = kept.set_index(["location_id", "time"]).reindex(index).reset_index()
    full["flag"] = full["flag"].where(full["value"].notna(), None)
    return full


def usgs_flood_trends(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Trends of annual flood peaks at gauges of Virginia and North Carolina."""
    (content,) = files.values()
    trends = peak_trends(content)
    layer = gpd.GeoDataFrame(
        {
            "location_id": trends["site_no"].to_numpy(),
            "name": [readable_name(name) for name in trends["station_nm"]],
            "peak_trend_percent_per_decade": (trends["slope"] * DAYS_PER_DECADE * 100).round(2).to_numpy(),
            "peak_trend_p": trends["p_value"].round(5).to_numpy(),
            "peaks_count": trends["peaks"].to_numpy(dtype="int16"),
        },
        geometry=gpd.points_from_xy(trends["dec_long_va"].round(5), trends["dec_lat_va"].round(5)),
        crs=4326,
    )
    return layer.set_index("location_id")


def peak_trends(content: bytes) -> pd.DataFrame:
    """The gauges of Virginia and North Carolina whose flood trend rests on enough annual peaks.

    Parameters
    ----------
    content : a CSV with site_no, station_nm, slope, std_error and p_value of a line through the standardised
        annual peaks.

    Returns
    -------
    The rows kept, with `peaks`: how many annual peaks the line was drawn through.
    """
    found = pd.read_csv(BytesIO(content), dtype={"site_no": str})
    found = found[found["station_nm"].str.contains(r"[ ,](?:VA|NC)\.?$", na=False)]
    found = found.assign(peaks=peaks_behind(found["slope"], found["std_error"], found["p_value"]))
    return found[found["peaks"] >= FEWEST_PEAKS].sort_values("site_no")


def peaks_behind(slope: pd.Series, std_error: pd.Series, p_value: pd.Series) -> np.ndarray:
    """How many points a regression line went through, worked out from its slope, standard error and p-value.

    Returns
    -------
    The number for each line; 2 where the standard error is zero, as through two points it always is.
    """
    freedom = np.arange(1, 150)
    exact = (std_error.to_numpy() < 1e-12) | (p_value.to_numpy() == 0)
    t = np.abs(slope.to_numpy()) / np.where(exact, 1.0, std_error.to_numpy())
    would_be = 2 * stats.t.sf(t[:, None], freedom[None, :])
    apart = np.abs(np.log(np.maximum(would_be, 1e-300)) - np.log(np.maximum(p_value.to_numpy(), 1e-300))[:, None])
    return np.where(exact, 2, freedom[apart.argmin(axis=1)] + 2)


def noaa_battery_sea_level(files: dict[str, bytes]) -> pd.DataFrame:
    """Daily mean sea level at The Battery, New York."""
    (content,) = files.values()
    hourly = pd.read_csv(BytesIO(content), names=["time", "level"], header=0)
    return daily_sea_level(pd.to_datetime(hourly["time"]), hourly["level"])


def daily_sea_level(time: pd.Series, level: pd.Series) -> pd.DataFrame:
    """Daily means of hourly levels, missing where fewer than 22 hours were measured.

    Parameters
    ----------
    time : hours in Greenwich time, without a zone.
    level : metres.
    """
    day = (time - pd.Timedelta(hours=5)).dt.floor("D")
    grouped = level.groupby(day)
    means = grouped.mean().where(grouped.count() >= FEWEST_HOURS).dropna()
    means = means.reindex(pd.date_range(means.index.min(), means.index.max(), freq="D"))
    return pd.DataFrame(
        {
            "location_id": "noaa_8518750",
            "time": calendar(means.index),
            "sea_level_m": means.round(3).to_numpy(dtype="float32"),
        }
    )


def _series(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(content)["value"]["timeSeries"]
    return found
