"""The default region: Virginia and North Carolina, and long series from around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from geodata.build.mid_atlantic import boundaries

DATASETS: Mapping[str, Callable[[dict[str, bytes]], pd.DataFrame]] = {
    "mid_atlantic_basemap": boundaries.mid_atlantic_basemap,
    "us_counties": boundaries.us_counties,
}
