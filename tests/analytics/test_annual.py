"""One value a year: of complete years only, means within the year, and years that begin when they are said to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics import INDICATORS
from analytics.annual import moving_mean, yearly_extreme


def test_a_mean_of_days_ends_on_its_day_and_misses_what_is_missing() -> None:
    values = np.array([[1.0, 2.0, 3.0, np.nan, 5.0, 7.0, 9.0]])
    expected = pd.Series(values[0]).rolling(3).mean().to_numpy()
    np.testing.assert_allclose(moving_mean(values, 3)[0], expected)


def test_dry_days_after_a_flood_are_exactly_dry() -> None:
    values = np.array([[1e6, 0.1, 0.0, 0.0, 0.0]])
    assert moving_mean(values, 3)[0, -1] == 0.0


def test_fewer_days_than_a_mean_wants_have_none() -> None:
    assert np.isnan(moving_mean(np.ones((2, 5)), 7)).all()


@pytest.mark.parametrize("first_month", [1, 4, 10])
def test_years_are_those_of_the_calendar(first_month: int) -> None:
    times = pd.date_range("2003-01-01", "2009-12-31")
    rng = np.random.default_rng(1)
    values = rng.random((2, len(times)))
    years, highest = yearly_extreme(values, times, kind="highest", days=1, first_month=first_month)
    label = times.year + (1 if first_month > 1 else 0) * (times.month >= first_month)
    series = pd.Series(values[1], index=label)
    full = [year for year in years if (label == year).sum() >= 365]
    assert len(full) == (7 if first_month == 1 else 6)
    found = dict(zip(years.tolist(), highest[1].tolist(), strict=True))
    for year in years:
        assert found[year] == series[year].max() if year in full else np.isnan(found[year])


def test_a_week_across_the_turn_of_the_year_counts_in_neither() -> None:
    times = pd.date_range("2001-01-01", "2002-12-31")
    values = np.full((1, len(times)), 10.0)
    turn = (times >= "2001-12-29") & (times < "2002-01-05")
    values[0, turn] = 0.0
    _, lowest = yearly_extreme(values, times, kind="lowest", days=7, first_month=1)
    np.testing.assert_allclose(lowest[0], [40 / 7, 30 / 7])


def test_a_year_without_a_single_day_is_missing_and_others_are_not() -> None:
    times = pd.date_range("2001-01-01", "2004-12-31")
    values = np.ones((1, len(times)))
    values[0, times == "2004-02-29"] = np.nan
    _, lowest = yearly_extreme(values, times, kind="lowest", days=7, first_month=1)
    assert lowest[0, :3].tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(lowest[0, 3])


def test_no_days_have_no_years() -> None:
    years, lowest = yearly_extreme(np.ones((3, 0)), pd.DatetimeIndex([]), kind="lowest", days=7, first_month=4)
    assert len(years) == 0
    assert lowest.shape == (3, 0)


def test_a_stuck_gauge_has_no_number() -> None:
    times = pd.date_range("2000-01-01", "2014-12-31", tz="UTC")
    stuck = pd.DataFrame({"location_id": "stuck", "time": times, "discharge_m3_per_s": 3.0})
    modules = ("flow_percentiles", "flow_regime", "flow_pulses", "low_flow", "floods")
    rivers = [
        name
        for name, found in INDICATORS.items()
        if found.needs == ("discharge_m3_per_s",) and found.function.__module__.rpartition(".")[2] in modules
    ]
    assert len(rivers) == 15
    for name in rivers:
        result = INDICATORS[name](stuck)
        values = result["value"] if isinstance(result, pd.DataFrame) else result
        assert values.isna().all(), name
