"""Limits hold what they promise at every place, from nothing but what was known when they were given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analytics.backtesting import Backtested, Plan, run
from analytics.history import History
from analytics.intervals import add_intervals, intervals_of
from geodata.errors import AlmanacError, BrokenData

Noise = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def made_up(values: np.ndarray, step: str = "1 day") -> History:
    """Synthetic values as a history."""
    times = pd.DatetimeIndex(np.datetime64("2001-01-01", "us") + np.arange(values.shape[1]) * np.timedelta64(1, "D"))
    places = pd.Index([f"place_{i:03d}" for i in range(len(values))])
    return History("flow_m3_per_s", places, times, step, values)


def around(values: np.ndarray, plan: Plan, model: float | np.ndarray = 0.0) -> Backtested:
    """A backtest of a model that always says the same."""
    history = made_up(values)
    shape = (len(values), len(plan.origins), plan.horizon)
    return Backtested(history, plan, {"model": np.broadcast_to(model, shape).copy()})


def daily(count: int, horizon: int = 3, first: int = 1, gap: int = 0) -> Plan:
    return Plan(first, np.arange(first, count - horizon), horizon, gap)


def gaussian(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.normal(0, 1, shape)


def heteroscedastic(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Ten times as large in winter, and larger from place to place."""
    season = np.exp(1.15 * np.cos(2 * np.pi * np.arange(shape[1]) / 365.25))
    return rng.normal(0, 1, shape) * season * np.geomspace(0.1, 100, shape[0])[:, None]


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.exponential(1, shape) - 1


def heavy(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_t(2.5, shape)


@pytest.mark.parametrize("noise", [gaussian, heteroscedastic, skewed, heavy])
def test_noise_that_is_known_is_covered_as_promised(noise: Noise) -> None:
    values = noise(np.random.default_rng(5), (12, 800))
    backtested = around(values, daily(800, horizon=2))
    for share, (low, high) in intervals_of(backtested, "model", (0.8, 0.9)).past.items():
        inside = ((backtested.observed >= low) & (backtested.observed <= high))[:, 300:]
        assert inside.mean() == pytest.approx(share, abs=0.02)
        assert inside.mean(axis=(1, 2)).min() > share - 0.05


def test_limits_are_wide_when_errors_are_large() -> None:
    values = heteroscedastic(np.random.default_rng(6), (12, 1600))
    low, high = intervals_of(around(values, daily(1600, horizon=1)), "model", (0.9,)).past[0.9]
    width, day = (high - low)[:, 1200:, 0], np.arange(1202, 1600) % 365.25
    winter, summer = width[:, (day < 30) | (day > 335)].mean(axis=1), width[:, abs(day - 183) < 30].mean(axis=1)
    assert (winter / summer > 3).all()
    # The places' noise grows by the same factor from one to the next, and so do their limits.
    assert np.log(width.mean(axis=1)[-1] / width.mean(axis=1)[0]) == pytest.approx(np.log(1000), abs=0.5)


def test_a_model_that_turns_bad_is_covered_again_after_a_while() -> None:
    values = np.random.default_rng(7).normal(0, 1, (8, 1100))
    values[:, 500:] += 4.0
    backtested = around(values, daily(1100, horizon=2))
    low, high = intervals_of(backtested, "model", (0.9,)).past[0.9]
    inside = (backtested.observed >= low) & (backtested.observed <= high)
    assert inside[:, 500:505].mean() < 0.3
    assert inside[:, 800:].mean() == pytest.approx(0.9, abs=0.03)


def test_each_place_is_put_right_by_its_own_misses() -> None:
    rng = np.random.default_rng(8)
    # Half the places have heavy tails, the others none: one quantile for all would cover the first too seldom.
    values = np.vstack([rng.standard_t(1.2, (10, 2000)), rng.uniform(-1, 1, (10, 2000))])
    backtested = around(values, daily(2000, horizon=1))
    low, high = intervals_of(backtested, "model", (0.9,)).past[0.9]
    inside = ((backtested.observed >= low) & (backtested.observed <= high))[:, 800:].mean(axis=(1, 2))
    assert np.abs(inside - 0.9).max() < 0.03


@pytest.mark.parametrize("gap", [0, 4])
def test_what_came_after_a_forecast_does_not_change_its_limits(gap: int) -> None:
    rng = np.random.default_rng(9)
    values = np.abs(heteroscedastic(rng, (12, 300)))
    plan = daily(300, horizon=5, first=5, gap=gap)
    clean = intervals_of(around(values, plan), "model", (0.8, 0.95)).past
    poisoned = values.copy()
    known = plan.origins[200] - gap
    poisoned[:, known + 1 :] = -1e6
    dirty = intervals_of(around(poisoned, plan), "model", (0.8, 0.95)).past
    for share in (0.8, 0.95):
        for one, other in zip(clean[share], dirty[share], strict=True):
            np.testing.assert_array_equal(one[:, :201], other[:, :201])
            # The poison is seen as soon as it is known, and not before.
            assert not np.array_equal(one[:, 201], other[:, 201])


def test_larger_shares_contain_smaller_ones_and_all_contain_the_forecast() -> None:
    backtested = around(heavy(np.random.default_rng(10), (8, 400)), daily(400), model=0.3)
    past = intervals_of(backtested, "model", (0.95, 0.5, 0.8)).past
    (low50, high50), (low80, high80), (low95, high95) = (past[s] for s in (0.5, 0.8, 0.95))
    told = np.isfinite(low95)
    assert told.mean() > 0.9
    assert ((low95 <= low80) & (low80 <= low50) & (low50 <= 0.3))[told].all()
    assert ((high95 >= high80) & (high80 >= high50) & (high50 >= 0.3))[told].all()


def test_too_few_errors_give_no_limits() -> None:
    values = np.random.default_rng(11).normal(10, 1, (1, 60))
    backtested = around(values, daily(60, horizon=2), model=10.0)
    past = intervals_of(backtested, "model", (0.8, 0.95)).past
    first = {share: np.isfinite(low[0]).argmax(axis=0) for share, (low, _) in past.items()}
    # Three errors for their usual size, then seven scores; for 95 % the conformal rank wants nineteen.
    assert first[0.8].tolist() == [10, 12]
    assert first[0.95].tolist() == [23, 24]
    alone = around(values[:, :14], daily(14, horizon=5), model=10.0)
    assert np.isnan(intervals_of(alone, "model", (0.8,)).past[0.8][0]).all()


def test_a_place_without_values_has_no_limits_while_others_have() -> None:
    values = np.random.default_rng(12).normal(10, 1, (5, 200))
    values[2] = np.nan
    low, high = intervals_of(around(values, daily(200), model=10.0), "model", (0.9,)).past[0.9]
    assert np.isnan(low[2]).all()
    assert np.isfinite(low[[0, 1, 3, 4], -1]).all()
    assert np.isfinite(high[[0, 1, 3, 4], -1]).all()


def test_what_never_was_negative_has_no_limit_below_zero() -> None:
    values = np.random.default_rng(13).exponential(1, (6, 300))
    low, _ = intervals_of(around(values, daily(300), model=1.0), "model", (0.9,)).past[0.9]
    assert np.nanmin(low) == 0
    signed = values.copy()
    signed[0, 100] = -0.01
    below, _ = intervals_of(around(signed, daily(300), model=1.0), "model", (0.9,)).past[0.9]
    assert np.nanmin(below[:, :99]) == 0
    assert np.nanmin(below[:, 100:]) < 0


def test_errors_of_an_earlier_backtest_count_from_the_start() -> None:
    values = np.random.default_rng(14).normal(0, 1, (5, 400))
    before, after = around(values, Plan(10, np.arange(10, 300), 3)), around(values, Plan(300, np.arange(302, 397), 3))
    alone = intervals_of(after, "model", (0.9,)).past[0.9]
    helped = intervals_of(after, "model", (0.9,), calibration=before).past[0.9]
    assert np.isnan(alone[0][:, 0]).all()
    assert np.isfinite(helped[0]).all()
    assert helped[0].shape == after.observed.shape
    with pytest.raises(ValueError, match="before"):
        intervals_of(before, "model", (0.9,), calibration=after)


def test_a_table_gets_the_same_limits_as_matrices() -> None:
    values = np.random.default_rng(15).gamma(2, 1, (6, 260))
    history = made_up(values)
    plan = Plan(100, np.arange(100, 256), 4)
    backtested = run(["persistence", "constant"], history, plan)
    fresh = backtested.means["constant"][:, -1]
    matrices = intervals_of(backtested, "constant", (0.8, 0.9), fresh=fresh).fresh
    times = history.ahead(4)[-4:].tz_localize("UTC")
    forecast = pd.DataFrame(
        {
            "location_id": np.repeat(history.places, 4),
            "time": times[np.tile(np.arange(4), 6)],
            "mean": fresh.ravel(),
            "model": "constant",
        }
    )
    shuffled = forecast.sample(frac=1, random_state=1)
    table = add_intervals(shuffled, backtested.table(), coverage=(0.8, 0.9)).sort_index()
    assert list(table.columns) == [*forecast.columns, "low_80", "high_80", "low_90", "high_90"]
    for share in (0.8, 0.9):
        for name, limit in zip(("low", "high"), matrices[share], strict=True):
            np.testing.assert_allclose(table[f"{name}_{share * 100:.0f}"], limit.ravel(), rtol=1e-12)
    one = backtested.table().query("model == 'constant'")
    pd.testing.assert_frame_equal(
        add_intervals(forecast.drop(columns="model"), one, coverage=0.9)[["low_90", "high_90"]],
        table[["low_90", "high_90"]],
    )


def test_a_forecast_further_ahead_or_elsewhere_than_was_tried_has_no_limits_there() -> None:
    values = np.random.default_rng(16).normal(5, 1, (2, 150))
    history = made_up(values)
    table = run(["constant"], history, Plan(50, np.arange(50, 148), 2)).table()
    times = history.ahead(3)[-3:].tz_localize("UTC")
    forecast = pd.DataFrame({"location_id": ["place_000"] * 3 + ["nowhere"], "time": [*times, times[0]], "mean": 5.0})
    found = add_intervals(forecast, table)
    assert np.isfinite(found["low_90"]).tolist() == [True, True, False, False]
    with pytest.raises(AlmanacError, match="one model"):
        add_intervals(forecast, table[:0])
    assert add_intervals(forecast[:0], table).columns.tolist() == found.columns.tolist()


def test_mistakes_are_named() -> None:
    values = np.random.default_rng(17).normal(5, 1, (2, 100))
    history = made_up(values)
    table = run(["constant", "persistence"], history, Plan(50, np.arange(50, 98), 2)).table()
    forecast = pd.DataFrame({"location_id": ["place_000"], "time": history.ahead(1)[-1:], "mean": [5.0]})
    with pytest.raises(AlmanacError, match="one model"):
        add_intervals(forecast, table)
    with pytest.raises(AlmanacError, match="coverage is 90"):
        add_intervals(forecast.assign(model="constant"), table, coverage=90)
    with pytest.raises(BrokenData, match="lacks"):
        add_intervals(forecast.drop(columns="mean"), table)


def test_a_series_seen_on_every_other_step_only_has_limits_on_those() -> None:
    """Synthetic: from even cutoffs the first lead time never has a value."""
    values = np.random.default_rng(8).normal(0, 1, (6, 1_000))
    values[:, 1::2] = np.nan
    plan = Plan(1, np.arange(2, 990, 2), 2)
    low, high = intervals_of(around(values, plan), "model", (0.8,)).past[0.8]
    assert np.isnan(low[:, :, 0]).all()
    assert np.isfinite(high[:, 100:, 1]).all()
