"""Hours and weekdays by the clock that people live by: which steps of a record fall in the morning peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from analytics.indicator import Minimum
from analytics.record import refuse_parameter

Days = Literal["weekdays", "weekend", "all"]


@dataclass(frozen=True)
class Period:
    """A part of the week: from one full hour to another, over midnight where the first is the later one."""

    name: str
    start: int
    end: int
    days: Days

    def holds(self, clock: pd.DatetimeIndex) -> np.ndarray:
        """Which steps of a local clock begin in it."""
        hour, weekday = clock.hour.to_numpy(), clock.day_of_week.to_numpy()
        if self.start < self.end:
            within = (hour >= self.start) & (hour < self.end)
        else:
            within = (hour >= self.start) | (hour < self.end)
        if self.days == "weekdays":
            return np.asarray(within & (weekday < 5))
        if self.days == "weekend":
            return np.asarray(within & (weekday >= 5))
        return np.asarray(within)


def local_clock(times: pd.DatetimeIndex, timezone: str) -> pd.DatetimeIndex:
    """What clocks in a time zone showed at the moments (UTC), summer time included.

    Raises
    ------
    AlmanacError
        Where there is no such time zone.

    Examples
    --------
    >>> summer = pd.DatetimeIndex(["2020-07-01 10:00"])
    >>> str(local_clock(summer, "America/New_York")[0])
    '2020-07-01 06:00:00'
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise refuse_parameter("timezone", timezone, wanted="an IANA name such as America/New_York") from error
    return times.tz_localize("UTC").tz_convert(zone).tz_localize(None)


# What a week of hours with some gaps has; below it a mean of peaks speaks of single days.
A_WEEK = Minimum(values=100)
