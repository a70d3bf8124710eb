"""How the region's sources count their days.

LEAD'S DECISION (see geodata/panel.py and Region.clock): for steps of a day or longer, `time` is the calendar
date on which the interval begins, written as 00:00 UTC, whatever the local clock. Use `calendar` for these.
"""

from __future__ import annotations

import pandas as pd


def calendar(days: pd.DatetimeIndex | pd.Series) -> pd.DatetimeIndex:
    """Calendar days, months or years as the table contract writes them: 00:00 UTC of the day they begin on."""
    return pd.DatetimeIndex(days).tz_localize("UTC")


eastern_standard = calendar
