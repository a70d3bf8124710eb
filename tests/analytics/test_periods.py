"""Months and years of a record: those with enough values, and none other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum
from analytics.periods import (
    Months,
    annual_means,
    annual_means_of_quarters,
    annual_totals,
    monthly_means,
    monthly_totals,
)
from analytics.record import Record, read


def record(times: pd.DatetimeIndex, values: object) -> Record:
    panel = pd.DataFrame({"location_id": "a", "time": times, "head_m": values})
    return read(panel, "head_m", minimum=Minimum(), signed=("head_m",), steady=("head_m",))


def test_a_leap_february_has_twenty_nine_days() -> None:
    times = pd.date_range("2019-12-15", "2020-03-10", tz="UTC")
    found = record(times, 1.0)
    totals = monthly_totals(found, found["head_m"])
    np.testing.assert_array_equal(totals.values, [[np.nan, 31.0, 29.0, np.nan]])
    assert list(totals.starts.strftime("%Y-%m")) == ["2019-12", "2020-01", "2020-02", "2020-03"]
    np.testing.assert_array_equal(monthly_means(found, found["head_m"], least=0.9).values, [[np.nan, 1, 1, np.nan]])


def test_months_fall_into_their_years() -> None:
    months = Months(np.arange(1.0, 15.0)[None, :], first=1999 * 12 + 11)
    table = months.by_year()
    assert table.shape == (1, 3, 12) and list(months.years) == [1999, 2000, 2001]
    assert table[0, 0, 11] == 1.0 and table[0, 1, 0] == 2.0 and table[0, 2, 0] == 14.0
    totals, years = annual_totals(months)
    np.testing.assert_array_equal(totals, [[np.nan, sum(range(2, 14)), np.nan]])
    assert list(years) == [1999, 2000, 2001]


def test_a_year_counts_by_the_share_of_its_days() -> None:
    times = pd.date_range("2019-01-01", "2021-12-31", tz="UTC")
    values = np.where(times.year == 2020, 2.0, 1.0)
    values[(times.year == 2019) & (times.day_of_year > 329)] = np.nan
    values[(times.year == 2021) & (times.day_of_year > 328)] = np.nan
    found = record(times, values)
    means, years = annual_means(found, found["head_m"], least=0.9)
    np.testing.assert_array_equal(means, [[1.0, 2.0, np.nan]])
    assert list(years) == [2019, 2020, 2021]


def test_a_season_that_was_read_more_often_does_not_count_for_more() -> None:
    often = pd.date_range("2001-07-01", "2001-09-30", tz="UTC")
    times = pd.DatetimeIndex(pd.to_datetime(["2001-02-03", "2001-05-07", "2001-11-30", "2002-01-02"], utc=True))
    found = record(times.append(often), [4.0, 2.0, 2.0, 9.0] + [0.0] * len(often))
    means, years = annual_means_of_quarters(found, found["head_m"])
    np.testing.assert_array_equal(means, [[2.0, np.nan]])
    assert list(years) == [2001, 2002]
