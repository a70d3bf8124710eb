"""The default region: Virginia and North Carolina, and long series from around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from geodata.build.mid_atlantic import boundaries, water

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
}
