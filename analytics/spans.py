"""The first and the last value of each place, and the years between: what yearly rates of change are taken from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.record import Record


def first_and_last(record: Record) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first and last step at which a place has every column (−1 for none), and the years between them.

    Years are counted on the calendar: from 1 January 1990 to 1 January 2000 are exactly ten. NaN where there are
    none between.
    """
    present = np.ones((len(record.places), len(record.times)), dtype=bool)
    for values in record.columns.values():
        present &= np.isfinite(values)
    steps = np.arange(len(record.times))
    last = np.where(present, steps, -1).max(axis=1, initial=-1)
    first = np.where(present, steps, len(steps)).min(axis=1, initial=len(steps))
    first = np.where(first < len(steps), first, -1)
    if not len(steps):
        return first, last, np.full(len(first), np.nan)
    when = calendar_years(record.times)
    years = when[np.maximum(last, 0)] - when[np.maximum(first, 0)]
    return first, last, np.where(years > 0, years, np.nan)


def calendar_years(times: pd.DatetimeIndex) -> np.ndarray:
    """Each moment as a year with its fraction.

    Examples
    --------
    >>> calendar_years(pd.to_datetime(["2000-01-01 00:00", "2001-07-02 12:00"])).tolist()
    [2000.0, 2001.5]
    """
    days = times.day_of_year.to_numpy() - 1 + times.hour.to_numpy() / 24 + times.minute.to_numpy() / 1440
    return times.year.to_numpy() + days / np.where(times.is_leap_year, 366, 365)
