"""The default region: Virginia and North Carolina, and long series from around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from geodata.build.mid_atlantic import boundaries, society, water, weather

DATASETS: Mapping[str, Callable[[dict[str, bytes]], pd.DataFrame]] = {
    "mid_atlantic_basemap": boundaries.mid_atlantic_basemap,
    "us_counties": boundaries.us_counties,
    "usgs_gauges": water.usgs_gauges,
    "usgs_discharge_2017": water.usgs_discharge_2017,
    "usgs_discharge_shenandoah": water.usgs_discharge_shenandoah,
    "usgs_discharge_delaware": water.usgs_discharge_delaware,
    "usgs_discharge_stage_15min": water.usgs_discharge_stage_15min,
    "usgs_flood_trends": water.usgs_flood_trends,
    "noaa_battery_sea_level": water.noaa_battery_sea_level,
    "climate_divisions": weather.climate_divisions,
    "nclimdiv_precipitation": weather.nclimdiv_precipitation,
    "florence_rain": weather.florence_rain,
    "single_sites": society.single_sites,
    "ncdot_traffic": society.ncdot_traffic,
    "bikeshare_dc": society.bikeshare_dc,
    "census_population": society.census_population,
    "bls_unemployment_2009": society.bls_unemployment_2009,
    "gap_habitat": society.gap_habitat,
    "eia930_electricity": society.eia930_electricity,
    "epa_pm25_sites": society.epa_pm25_sites,
    "epa_pm25": society.epa_pm25,
}
