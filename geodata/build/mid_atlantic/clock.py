"""How the region's sources count their days."""

from __future__ import annotations

import pandas as pd


def calendar(days: pd.DatetimeIndex | pd.Series) -> pd.DatetimeIndex:
    """Calendar days, months or years as the table contract writes them: 00:00 UTC of the day they begin on."""
    return pd.DatetimeIndex(days).tz_localize("UTC")
