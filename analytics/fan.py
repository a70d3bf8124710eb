"""One place's forecast as it is drawn: what was, what is expected, and what came later where that is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from analytics.history import History
from analytics.intervals import limit_names
from analytics.outlook import SHOWN, Outlook, shown_at

# How many horizons of the past stand before the fan, and at least and most how many steps.
_PAST = 4
_LEAST, _MOST = 24, 400


@dataclass(frozen=True, eq=False)
class Fan:
    """A forecast at one place.

    past : `time` (UTC), `value`: the record before the forecast was made
    fan : `time`, `lead`, `mean`, `low_80`, `high_80`, `low_95`, `high_95`, `by_model`
    later : `time`, `value`: what came; empty for the forecast after the end of the record
    """

    past: pd.DataFrame
    fan: pd.DataFrame
    later: pd.DataFrame


@lru_cache(maxsize=8)
def _times(history: History, horizon: int) -> pd.DatetimeIndex:
    """The steps of the record and of the forecast: an atlas asks for them at every place."""
    return history.ahead(horizon).tz_localize("UTC")


def fan_at(found: Outlook, place: str, window: int | None = None) -> Fan:
    """The forecast after the end of the record, or as it would have been made at one of the moments tried.

    Parameters
    ----------
    window : the number of the cutoff, counted from 0; None is the forecast after the end.
    """
    history, plan = found.history, found.backtested.plan
    row = history.places.get_loc(place)
    times = _times(history, found.horizon)
    origin = len(history) - 1 if window is None else int(plan.origins[window])
    begin = max(0, origin + 1 - min(_MOST, max(_LEAST, _PAST * found.horizon)))
    past = pd.DataFrame({"time": times[begin : origin + 1], "value": history.values[row, begin : origin + 1]})
    rows = shown_at(found, place)
    if window is None:
        later = pd.DataFrame({"time": times[:0], "value": np.zeros(0)})
        return Fan(past, rows, later)
    targets = found.backtested.targets[window]
    fan = pd.DataFrame(
        {
            "time": times[targets],
            "lead": rows["lead"],
            "mean": found.backtested.means[SHOWN][row, window],
            "by_model": rows["by_model"],
        }
    )
    for share, limits in found.limits.items():
        for name, limit in zip(limit_names(share), limits, strict=True):
            fan[name] = limit[row, window]
    later = pd.DataFrame({"time": times[targets], "value": found.backtested.observed[row, window]})
    return Fan(past, fan, later)
