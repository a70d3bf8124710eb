"""Sums of months against what is normal: fitted on the reference alone, and missing where anything is missing."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.indicators.drought import (
    standardized_precipitation_evapotranspiration_indices,
    standardized_precipitation_index,
    standardized_precipitation_indices,
)
from analytics.standardized import FARTHEST, gamma_probability, log_logistic_probability, running_sums
from geodata.errors import AlmanacError
from geodata.panel import validate_panel


def rain(years: int = 60, *, first: int = 1951, seed: int = 1, place: str = "a") -> pd.DataFrame:
    time = pd.date_range(f"{first}-01-01", periods=12 * years, freq="MS", tz="UTC")
    values = np.random.default_rng(seed).gamma(2.0, 40.0, len(time))
    return pd.DataFrame({"location_id": place, "time": time, "precipitation_mm": values})


def daily(panel: pd.DataFrame, *, shift: str = "0h") -> pd.DataFrame:
    """The same rain, in equal parts on the days of each month."""
    end = panel["time"].iloc[-1] + pd.offsets.MonthBegin(1)
    days = pd.date_range(panel["time"].iloc[0], end, freq="D", inclusive="left")
    months = panel.set_index("time")["precipitation_mm"].reindex(days, method="ffill")
    share = months.to_numpy() / days.days_in_month
    return pd.DataFrame({"location_id": "a", "time": days + pd.Timedelta(shift), "precipitation_mm": share})


def spi(panel: pd.DataFrame, **keywords: object) -> np.ndarray:
    found = standardized_precipitation_indices(panel, **keywords)  # type: ignore[arg-type]
    return found["spi_sigma"].to_numpy()


def test_a_long_record_is_normal_by_its_own_measure() -> None:
    index = spi(rain(120), months=3)
    assert np.isnan(index[:2]).all() and np.isfinite(index[2:]).all()
    assert abs(np.mean(index[2:])) < 0.02
    assert abs(np.std(index[2:]) - 1) < 0.03


def test_more_rain_is_never_a_lower_index() -> None:
    panel = rain()
    index = spi(panel, months=1)
    july = panel["time"].dt.month.to_numpy() == 7
    order = np.argsort(panel["precipitation_mm"].to_numpy()[july])
    assert (np.diff(index[july][order]) > 0).all()


def test_years_outside_the_reference_do_not_change_what_is_normal() -> None:
    panel = rain()
    before = spi(panel, months=3, reference=(1961, 1990))
    poisoned = panel.copy()
    outside = ~panel["time"].dt.year.between(1960, 1990)
    poisoned.loc[outside, "precipitation_mm"] *= 100
    after = spi(poisoned, months=3, reference=(1961, 1990))
    inside = panel["time"].dt.year.between(1961, 1990).to_numpy()
    np.testing.assert_array_equal(before[inside], after[inside])
    assert (after[~inside][-100:] > before[~inside][-100:] - 1e-12).all()
    assert not np.array_equal(spi(panel, months=3)[inside], before[inside])


def test_the_latest_value_is_the_end_of_the_series() -> None:
    panel = pd.concat([rain(), rain(seed=2, place="b").iloc[:-7]])
    index = standardized_precipitation_indices(panel, months=6)
    validate_panel(index)
    latest = standardized_precipitation_index(panel, months=6)
    at_b = index[index["location_id"] == "b"].set_index("time")["spi_sigma"]
    assert latest["a"] == index["spi_sigma"].to_numpy()[len(at_b) - 1]
    assert latest["b"] == at_b.loc["2010-05-01"]
    assert at_b.loc["2010-06-01":].isna().all()  # type: ignore[misc]


def test_places_do_not_know_of_each_other() -> None:
    one, other = rain(), rain(seed=2, place="b")
    together = standardized_precipitation_index(pd.concat([one, other]), months=3)
    assert together["a"] == standardized_precipitation_index(one, months=3)["a"]
    assert together["b"] == standardized_precipitation_index(other, months=3)["b"]


def test_days_are_summed_to_the_same_index() -> None:
    panel = rain(40)
    np.testing.assert_allclose(spi(daily(panel), months=3), spi(panel, months=3), atol=1e-9)


def test_days_that_begin_at_a_midnight_east_of_greenwich_stay_in_their_month() -> None:
    panel = rain(40)
    np.testing.assert_allclose(spi(daily(panel, shift="-1h"), months=1), spi(panel, months=1), atol=1e-9)


def test_one_missing_day_makes_its_month_and_the_sums_with_it_missing() -> None:
    days = daily(rain(40))
    gap = days[days["time"] != pd.Timestamp("1970-03-09", tz="UTC")]
    index = standardized_precipitation_indices(gap, months=3).set_index("time")["spi_sigma"]
    assert index.loc["1970-03":"1970-05"].isna().all()  # type: ignore[misc]
    assert index.loc[["1970-02-01", "1970-06-01"]].notna().all()


def test_a_month_that_is_not_over_yet_is_not_the_latest() -> None:
    days = daily(rain(40))
    half = days[days["time"] < pd.Timestamp("1990-12-12", tz="UTC")]
    whole = days[days["time"] < pd.Timestamp("1990-12-01", tz="UTC")]
    found = standardized_precipitation_index(half, months=3)
    assert found["a"] == standardized_precipitation_index(whole, months=3)["a"]


def test_no_rain_has_the_probability_of_none() -> None:
    panel = rain(40)
    january = (panel["time"].dt.month == 1).to_numpy()
    panel.loc[np.flatnonzero(january)[::4], "precipitation_mm"] = 0.0
    index = spi(panel, months=1)[january]
    np.testing.assert_allclose(index[::4], stats.norm.ppf(0.25), rtol=1e-12)
    assert (np.delete(index, np.s_[::4]) > index[0]).all()


def test_where_it_hardly_ever_rains_nothing_is_said() -> None:
    panel = rain(40)
    july = (panel["time"].dt.month == 7).to_numpy()
    panel.loc[np.flatnonzero(july)[9:], "precipitation_mm"] = 0.0
    index = spi(panel, months=1)
    assert np.isnan(index[july]).all() and np.isfinite(index[~july]).all()


def test_a_record_that_never_changes_has_no_index() -> None:
    panel = rain().assign(precipitation_mm=0.1, evaporation_mm=0.3)
    assert np.isnan(spi(panel, months=3)).all()
    assert standardized_precipitation_evapotranspiration_indices(panel)["spei_sigma"].isna().all()


def test_too_few_years_of_reference_say_nothing() -> None:
    assert np.isnan(spi(rain(), months=1, reference=(1981, 2003))).all()
    assert np.isfinite(spi(rain(), months=1, reference=(1981, 2004))).all()


def test_nothing_is_rarer_than_a_record_can_tell() -> None:
    panel = rain()
    panel.loc[panel.index[-1], "precipitation_mm"] = 5000.0
    assert standardized_precipitation_index(panel, months=1, reference=(1961, 1990))["a"] == FARTHEST


@pytest.mark.parametrize("months", [0, 49, 1.5, True, "3"])
def test_an_impossible_number_of_months_is_refused(months: object) -> None:
    with pytest.raises(AlmanacError, match="months"):
        spi(rain(), months=months)


def test_a_reference_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(AlmanacError, match="reference"):
        spi(rain(), reference=(2020, 1991))


def test_running_sums_miss_what_is_missing_and_keep_zero() -> None:
    sums = running_sums(np.array([[0.3, 0.0, 0.0, np.nan, 1.0, 2.0]]), 2)
    np.testing.assert_array_equal(sums, [[np.nan, 0.3, 0.0, np.nan, np.nan, 3.0]])
    assert np.isnan(running_sums(np.ones((1, 3)), 4)).all()


def sample(values: np.ndarray) -> np.ndarray:
    """The values as those of one place's Januaries, other months missing."""
    table = np.full((1, len(values), 12), np.nan)
    table[0, :, 0] = values
    return table


@pytest.mark.parametrize("sign", [1, -1])
def test_the_log_logistic_has_the_l_moments_of_the_sample(sign: int) -> None:
    """L-moments by their definition, over all pairs and triples, and the distribution as scipy has it."""
    values = sign * np.random.default_rng(3).gamma(1.5, 30.0, 30) - 20
    first = values.mean()
    second = np.mean([abs(a - b) for a, b in combinations(values, 2)]) / 2
    third = np.mean([sum(np.array([1, -2, 1]) * sorted(triple)) for triple in combinations(values, 3)]) / 3
    k = -third / second
    scale = second * np.sin(np.pi * k) / (np.pi * k)
    location = first - scale * (1 / k - np.pi / np.sin(np.pi * k))
    fisk = stats.fisk(c=1 / abs(k), loc=sign * (location + scale / k), scale=scale / abs(k))
    assert np.sign(k) == -sign
    expected = fisk.cdf(values) if sign > 0 else 1 - fisk.cdf(-values)
    found = log_logistic_probability(sample(values), sample(values))[0, :, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_symmetrical_sample_has_a_logistic_distribution() -> None:
    values = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0] * 4)
    found = log_logistic_probability(sample(values), sample(values))[0, :, 0]
    half_difference = np.mean([abs(a - b) for a, b in combinations(values, 2)]) / 2
    np.testing.assert_allclose(found, stats.logistic.cdf(values, scale=half_difference), rtol=1e-9)


def test_thoms_gamma_is_near_full_maximum_likelihood() -> None:
    values = np.random.default_rng(5).gamma(3.0, 20.0, 60)
    shape, _, scale = stats.gamma.fit(values, floc=0)
    found = gamma_probability(sample(values), sample(values))[0, :, 0]
    np.testing.assert_allclose(found, stats.gamma.cdf(values, shape, scale=scale), atol=2e-3)
