"""Moments and local days: everything is stored in UTC, but people live by a clock that is put back and forth."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from geodata.errors import AlmanacError

DAY = 86_400_000_000  # in microseconds


def utc(moment: datetime) -> pd.Timestamp:
    """The same moment in UTC.

    Raises
    ------
    AlmanacError
        When it has no time zone, so that nobody can say which moment it is.
    """
    stamp = pd.Timestamp(moment)
    if stamp is pd.NaT or stamp.tzinfo is None:
        raise AlmanacError(
            f"{moment} is not a moment: it has no time zone.",
            hint="Give it one, such as datetime(2017, 1, 1, tzinfo=UTC).",
        )
    return stamp.tz_convert("UTC")


def microseconds(moment: datetime) -> int:
    """Microseconds from 1970 to the moment."""
    return int(utc(moment).tz_localize(None).asm8.astype("datetime64[us]").astype(np.int64))


def clock_ahead(first: int, last: int, timezone: str) -> str:
    """SQL for what a local clock is ahead of UTC (µs) at the column `time`.

    Parameters
    ----------
    first, last : the moments between which it is asked, in µs since 1970.
    timezone : an IANA name.
    """
    zone = _zone(timezone)

    def ahead(moments: pd.DatetimeIndex) -> np.ndarray:
        local = moments.tz_convert(zone).tz_localize(None).as_unit("us")
        return local.asi8 - moments.as_unit("us").asi8

    begin, end = (pd.Timestamp(moment, unit="us", tz="UTC") for moment in (first, last))
    days = pd.date_range(begin.floor("D"), end.ceil("D"), freq="D")
    offsets = ahead(days)
    cases = ""
    for day in np.flatnonzero(np.diff(offsets)):
        minutes = pd.date_range(days[day], days[day + 1], freq="min")
        changed = minutes[np.flatnonzero(np.diff(ahead(minutes)))[-1] + 1]
        cases += f" WHEN epoch_us(time) < {microseconds(changed)} THEN {offsets[day]}"
    return f"CASE{cases} ELSE {offsets[-1]} END" if cases else str(offsets[-1])


def midnights(days: np.ndarray, timezone: str) -> pd.DatetimeIndex:
    """The moments (UTC) at which local days, counted from 1970, begin.

    Where the clock is put forward at midnight the day begins at the first moment that exists.
    """
    if not len(days):
        return pd.DatetimeIndex([], dtype="datetime64[us, UTC]")
    every = pd.DatetimeIndex(np.arange(days.min(), days.max() + 1).astype("datetime64[D]")).as_unit("us")
    first_of_two = np.ones(len(every), dtype=bool)
    begun = every.tz_localize(_zone(timezone), nonexistent="shift_forward", ambiguous=first_of_two)
    return begun.tz_convert("UTC")[days - days.min()]


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise AlmanacError(
            f"There is no time zone “{timezone[:80]}”.", hint="Use an IANA name such as America/New_York."
        ) from error
