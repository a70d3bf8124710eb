"""Noord-Brabant: groundwater around the well field Seppe, with the rain, evaporation and pumping that move it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO

import geopandas as gpd
import pandas as pd

from geodata.build.basemap import basemap

DUTCH_GRID = 28992
BOUNDS = (4.5, 51.5, 4.65, 51.6)
# KNMI station 260. The source's own position for it is that of Gilze-Rijen, 62 km away.
DE_BILT = (5.180, 52.100)


def wells(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The 44 screens of the observation wells: their depth and their distance from the well field."""
    found = _table(files, "metadata_heads.csv", index_col=0)
    distance = _table(files, "distances.csv", index_col=0)["Seppe"]
    well, screen = found.index.str.split("_").str[0], found.index.str.split("_").str[1]
    return gpd.GeoDataFrame(
        {
            "name": "Well " + well + ", screen " + screen,
            "screen_depth_m": found["z"].to_numpy(),
            "distance_to_well_field_m": distance.reindex(found.index).round(1).to_numpy(),
        },
        index=pd.Index(found.index.astype("object"), name="location_id"),
        geometry=gpd.points_from_xy(found["x"], found["y"]),
        crs=DUTCH_GRID,
    )


def stations(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The rain station Oudenbosch, the well field Seppe and the weather station De Bilt."""
    found = _table(files, "metadata_stresses.csv", index_col=0)
    points = gpd.GeoSeries.from_xy(found["x"], found["y"], index=found.index, crs=DUTCH_GRID).to_crs(4326)
    points["Bilt"] = gpd.points_from_xy(*([part] for part in DE_BILT))[0]
    names = {"Oudenbosch": "Oudenbosch", "Seppe": "Seppe well field", "Bilt": "De Bilt"}
    return gpd.GeoDataFrame(
        {"name": [names[key] for key in points.index]},
        index=pd.Index([place_id(key) for key in points.index], name="location_id"),
        geometry=points.to_numpy(),
        crs=4326,
    )


def outline(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The convex hull of the observation wells, the well field and the rain station: no official border."""
    # De Bilt lies far outside and tells only of evaporation.
    near = stations(files).drop(index=place_id("Bilt")).to_crs(DUTCH_GRID)
    points = pd.concat([wells(files).geometry, near.geometry])
    return gpd.GeoDataFrame(
        {"name": ["Surroundings of the Seppe well field"]},
        index=pd.Index(["seppe_surroundings"], name="location_id"),
        geometry=[points.union_all().convex_hull],
        crs=DUTCH_GRID,
    )


def heads(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Daily medians of the groundwater head at each screen, on the days on which it was read."""
    return daily_medians(
        pd.read_csv(BytesIO(content), index_col=0, parse_dates=True).iloc[:, 0]
        for path, content in files.items()
        if "/heads/" in path
    )


def daily_medians(readings: Iterable[pd.Series]) -> pd.DataFrame:
    """Readings at any moments → one median a day and screen; days without a reading have no row.

    Parameters
    ----------
    readings : a series for each screen, named after it, of heads in metres at moments without a time zone.

    Notes
    -----
    Loggers read every minute or hour, people twice a month. The median is not moved by the few readings
    taken while the logger was out of the water.
    """
    parts = []
    for series in readings:
        known = series.dropna()
        medians = known.groupby(known.index.floor("D")).median().round(3)
        parts.append(
            pd.DataFrame(
                {
                    "location_id": str(series.name),
                    "time": medians.index.tz_localize("UTC"),
                    "head_m": medians.to_numpy(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def rain(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Daily rain at Oudenbosch."""
    return _daily_mm(files, "rain.csv", "precipitation_mm")


def evaporation(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Daily reference evaporation at De Bilt."""
    return _daily_mm(files, "evap.csv", "evaporation_mm")


def extraction(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Monthly means of the water pumped at Seppe."""
    return monthly_means(_series(files, "well.csv"), "extraction_m3_per_day")


def monthly_means(daily: pd.Series, column: str) -> pd.DataFrame:
    """Daily values → monthly means; a month is left out unless all of its days are there."""
    groups = daily.groupby(daily.index.to_period("M"))
    whole = groups.count() == groups.count().index.days_in_month
    means = groups.mean()[whole].round(1)
    return pd.DataFrame(
        {
            "location_id": place_id(str(daily.name)),
            "time": means.index.start_time.tz_localize("UTC"),
            column: means.to_numpy(),
        }
    )


def place_id(name: str) -> str:
    """The id of a weather station or well field."""
    return {"Bilt": "de_bilt"}.get(name, name.lower())


def noord_brabant_basemap(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Land, borders, water and towns around the well field."""
    return basemap(files, BOUNDS, continent="europe", margin_km=150.0, tolerance=0.002)


def _daily_mm(files: Mapping[str, bytes], file: str, column: str) -> pd.DataFrame:
    series = _series(files, file)
    return pd.DataFrame(
        {
            "location_id": place_id(str(series.name)),
            "time": series.index.tz_localize("UTC"),
            # Metres of water in the source; a tenth of a millimetre is what was measured.
            column: (series * 1000.0).round(1).to_numpy(),
        }
    )


def _series(files: Mapping[str, bytes], file: str) -> pd.Series:
    return _table(files, file, index_col=0, parse_dates=True).iloc[:, 0]


def _table(files: Mapping[str, bytes], file: str, **how: object) -> pd.DataFrame:
    (content,) = (held for path, held in files.items() if path.endswith(f"/{file}"))
    return pd.read_csv(BytesIO(content), **how)


DATASETS = {
    "noord_brabant_basemap": noord_brabant_basemap,
    "noord_brabant_outline": outline,
    "noord_brabant_wells": wells,
    "noord_brabant_stations": stations,
    "noord_brabant_heads": heads,
    "noord_brabant_rain": rain,
    "noord_brabant_evaporation": evaporation,
    "noord_brabant_extraction": extraction,
}
