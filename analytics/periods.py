"""A record by months and years: totals and means of those with enough values, and the trend of the yearly ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.record import Record
from analytics.trend import Autocorrelation, mann_kendall, theil_sen

# Steps that begin at local midnight lie within half a day of the UTC date that they stand for: their middles tell.
_HALF_A_DAY = pd.Timedelta(hours=12)


@dataclass(frozen=True, eq=False)
class Months:
    """A value per place and calendar month, without a month left out.

    values : places × months; missing is NaN
    first : the first month, counted from January of the year 0
    """

    values: np.ndarray
    first: int

    @property
    def starts(self) -> pd.DatetimeIndex:
        """The moments at which the months begin, UTC."""
        since = np.arange(self.values.shape[1]) + self.first - 1970 * 12
        return pd.DatetimeIndex(since.astype("datetime64[M]").astype("datetime64[us]"), tz="UTC")

    @property
    def days(self) -> np.ndarray:
        """How many days each month has."""
        return self.starts.days_in_month.to_numpy()

    @property
    def years(self) -> np.ndarray:
        """The years that the months lie in."""
        return np.arange(self.first // 12, (self.first + self.values.shape[1] - 1) // 12 + 1)

    def by_year(self) -> np.ndarray:
        """Places × years × 12, with NaN for the months before the first and after the last."""
        before = self.first % 12
        after = -(before + self.values.shape[1]) % 12
        padded = np.pad(self.values, ((0, 0), (before, after)), constant_values=np.nan)
        return padded.reshape(len(self.values), padded.shape[1] // 12, 12)


def monthly_totals(record: Record, values: np.ndarray) -> Months:
    """Monthly sums of a record with the step of a month or a day; a month that misses a single day has none.

    The World Meteorological Organization's rule for normals (WMO-No. 1203, 2017) allows sums no missing day: a day
    without a value is not a day without rain.

    Parameters
    ----------
    record : says what the columns of `values` are; its step is "1 month" or "1 day".
    values : places × steps, such as a column of the record or the difference of two.
    """
    months, starts, first = _month_starts(record)
    if record.step == "1 month" or not len(starts):
        return Months(values, first)
    totals = np.add.reduceat(values, starts, axis=1)
    result = Months(totals, first)
    held = np.diff(np.append(starts, len(months)))
    return Months(np.where(held == result.days, totals, np.nan), first)


def monthly_means(record: Record, values: np.ndarray, *, least: float) -> Months:
    """Monthly means of a record with the step of a month or a day, of months with a share `least` of their days."""
    _, starts, first = _month_starts(record)
    if record.step == "1 month" or not len(starts):
        return Months(values, first)
    present = np.isfinite(values)
    n = np.add.reduceat(present.astype(int), starts, axis=1)
    total = np.add.reduceat(np.where(present, values, 0.0), starts, axis=1)
    enough = n >= least * Months(total, first).days
    return Months(np.divide(total, n, out=np.full(total.shape, np.nan), where=enough & (n > 0)), first)


def annual_totals(months: Months) -> tuple[np.ndarray, np.ndarray]:
    """Sums of calendar years, places × years, and which years; a year that misses a month has none."""
    return months.by_year().sum(axis=2), months.years


def annual_means(record: Record, values: np.ndarray, *, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Means of calendar years with a share `least` of their days, places × years, and which years.

    Parameters
    ----------
    record : its step is "1 day".
    values : places × days.
    """
    first, starts = _starts((record.times + _HALF_A_DAY).year.to_numpy())
    years = first + np.arange(len(starts))
    present = np.isfinite(values)
    if not len(starts):
        return np.full((len(values), 0), np.nan), years
    n = np.add.reduceat(present.astype(int), starts, axis=1)
    total = np.add.reduceat(np.where(present, values, 0.0), starts, axis=1)
    due = 365 + ((years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0)))
    enough = (n >= least * due) & (n > 0)
    return np.divide(total, n, out=np.full(total.shape, np.nan), where=enough), years


def annual_means_of_quarters(record: Record, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of calendar years in which every quarter has a value, places × years, and which years.

    A year's mean is that of its four quarters' means: readings come at any time, and a season that was read more
    often than the others must not count for more.
    """
    quarter = record.times.year.to_numpy() * 4 + record.times.quarter.to_numpy() - 1
    if not len(quarter):
        return np.full((len(values), 0), np.nan), np.arange(0)
    years = np.arange(quarter[0] // 4, quarter[-1] // 4 + 1)
    found, starts = np.unique(quarter, return_index=True)
    present = np.isfinite(values)
    n = np.add.reduceat(present.astype(int), starts, axis=1)
    total = np.add.reduceat(np.where(present, values, 0.0), starts, axis=1)
    means = np.full((len(values), len(years) * 4), np.nan)
    means[:, found - years[0] * 4] = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return means.reshape(len(values), -1, 4).mean(axis=2), years


def trend_of_years(
    annual: np.ndarray, years: np.ndarray, places: pd.Index, *, least: int, autocorrelation: Autocorrelation
) -> pd.DataFrame:
    """The change per year of yearly values, with 95 % limits and the p-value of Mann and Kendall's test.

    Parameters
    ----------
    annual : places × years; missing is NaN.
    years : of the columns.
    places : of the rows.
    least : how many years a place must have; with fewer it has NaN.
    autocorrelation : see `analytics.trend.mann_kendall`; the limits use the same variance as the test.

    Returns
    -------
    `value`, `low`, `high` and `p_value` by place.
    """
    table = pd.DataFrame(annual, index=places)
    test = mann_kendall(table, autocorrelation=autocorrelation, least=least)
    slopes = theil_sen(table, years, variance=test["variance"].to_numpy(), least=least)
    found = slopes[["slope", "low", "high"]].rename(columns={"slope": "value"})
    return found.assign(p_value=test["p_value"])


def _month_starts(record: Record) -> tuple[np.ndarray, np.ndarray, int]:
    """The month of every step, the steps at which months begin, and the first month."""
    moments = record.times + _HALF_A_DAY if record.step == "1 day" else record.times
    months = moments.year.to_numpy() * 12 + moments.month.to_numpy() - 1
    first, starts = _starts(months)
    return months, starts, first


def _starts(periods: np.ndarray) -> tuple[int, np.ndarray]:
    """The first period, and where each of those that follow without a gap begins among the ascending steps."""
    if not len(periods):
        return 0, np.arange(0)
    return int(periods[0]), np.flatnonzero(np.diff(periods, prepend=periods[0] - 1))
