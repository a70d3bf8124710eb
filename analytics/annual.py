"""One value a year from daily values: the lowest or highest mean of some days, of complete years only."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd


def moving_mean(values: np.ndarray, days: int) -> np.ndarray:
    """The mean of each day and the ones before it, `days` in all; missing where one of them is.

    Parameters
    ----------
    values : places × days.

    Notes
    -----
    The days are added one after the other, never by differences of a running total: a river that is dry for all of
    them has a mean of exactly zero, and equal weeks have equal means.

    Examples
    --------
    >>> moving_mean(np.array([[1.0, 2.0, 6.0, np.nan]]), 2).tolist()
    [[nan, 1.5, 4.0, nan]]
    """
    result = np.full(values.shape, np.nan)
    width = values.shape[1] - days + 1
    if width < 1:
        return result
    total = values[:, :width].copy()
    for offset in range(1, days):
        total += values[:, offset : offset + width]
    result[:, days - 1 :] = total / days
    return result


def yearly_extreme(
    values: np.ndarray, times: pd.DatetimeIndex, *, kind: Literal["lowest", "highest"], days: int, first_month: int
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest or highest mean of so many days in a row, in each complete year.

    Parameters
    ----------
    values : places × days, one column for every day in `times`; missing is NaN.
    times : the days, ascending without a gap.
    days : how many in a row are averaged; all of them lie within the year.
    first_month : the month with which a year begins.

    Returns
    -------
    The years, each by the calendar year in which it ends, and places × years of values. A year in which a place lacks
    the value of a single day is missing: the extreme may have fallen on it.

    Examples
    --------
    >>> times = pd.date_range("2001-04-01", "2003-03-30")
    >>> years, lowest = yearly_extreme(np.ones((1, len(times))), times, kind="lowest", days=7, first_month=4)
    >>> years.tolist(), lowest.tolist()
    ([2002, 2003], [[1.0, nan]])
    """
    later = 1 if first_month > 1 else 0
    label = np.asarray(times.year + later * (times.month >= first_month))
    years = np.arange(label.min(), label.max() + 1) if len(times) else np.zeros(0, dtype=int)
    result = np.full((len(values), len(years)), np.nan)
    means = moving_mean(values, days)
    for i, year in enumerate(years):
        begin, end = np.searchsorted(label, [year, year + 1])
        due = pd.Timestamp(year - later + 1, first_month, 1) - pd.Timestamp(year - later, first_month, 1)
        if end - begin < due.days or end - begin < days:
            continue
        inside = means[:, begin + days - 1 : end]
        found = inside.min(axis=1) if kind == "lowest" else inside.max(axis=1)
        result[:, i] = np.where(np.isfinite(values[:, begin:end]).all(axis=1), found, np.nan)
    return years, result
