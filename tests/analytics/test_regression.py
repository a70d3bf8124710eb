"""The regression over all places: what it may know, what it must not, and what it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analytics.forecasters.baseline import Persistence
from analytics.forecasters.regression import Regression
from analytics.history import History
from geodata.errors import AlmanacError

HORIZON = 6
LEARNT = 500


def synthetic(steps: int = 560, places: int = 4, seed: int = 1) -> History:
    """Hourly values with a daily cycle, and a driver that moves them an hour later."""
    rng = np.random.default_rng(seed)
    hours = np.arange(steps)
    driver = rng.normal(0, 1, (places, steps + HORIZON))
    cycle = 20 + 8 * np.sin(2 * np.pi * hours / 24) * np.linspace(0.5, 1.5, places)[:, None]
    values = cycle + np.roll(driver, 1, axis=1)[:, :steps] + rng.normal(0, 0.5, (places, steps))
    times = pd.date_range("2021-03-01", periods=steps, freq="h")
    names = pd.Index([f"synthetic_{i}" for i in range(places)])
    return History("flow_veh_per_h", names, times, "1 hour", values, drivers={"rain": driver})


# Boosting and networks take seconds on a busy machine: what a line shows as well is shown by one.
LINE: dict[str, object] = {"rows": 1_500, "networks": 0}
BOTH: dict[str, object] = {"rows": 2_200, "networks": 1}


def learnt(history: History, settings: dict[str, object] = LINE) -> Regression:
    return Regression(**settings).learn(history.until(LEARNT), HORIZON)  # type: ignore[arg-type]


@cache
def boosted() -> Regression:
    """Learnt once for all tests that only ask it."""
    return learnt(synthetic(), BOTH)


@pytest.mark.parametrize("poison", [1e9, np.nan])
def test_what_comes_after_the_moment_of_a_forecast_changes_nothing(poison: float) -> None:
    history = synthetic()
    origins = np.array([LEARNT - 1, LEARNT + 20])
    model = boosted()
    expected = model.forecast(history, origins, HORIZON)
    after = origins[-1] + 1
    values, rain = history.values.copy(), history.drivers["rain"].copy()
    values[:, after:], rain[:, after:] = poison, poison
    poisoned = replace(history, values=values, drivers={"rain": rain})
    np.testing.assert_array_equal(model.forecast(poisoned, origins, HORIZON), expected)
    # The earlier moment does not know what the later one knows either.
    values[:, LEARNT:], rain[:, LEARNT:] = poison, poison
    np.testing.assert_array_equal(model.forecast(poisoned, origins[:1], HORIZON), expected[:, :1])
    # Nor does learning: what was learnt from the poisoned record is the same.
    np.testing.assert_array_equal(
        learnt(poisoned).forecast(history, origins, HORIZON), learnt(history).forecast(history, origins, HORIZON)
    )


def test_a_driver_known_ahead_is_used_ahead() -> None:
    history = replace(synthetic(), known_ahead=frozenset({"rain"}))
    model = learnt(history)
    origins = np.arange(LEARNT, LEARNT + 50)
    # The rain of the hour before moves the value: two hours ahead that rain is known only from the plan.
    error = model.forecast(history, origins, HORIZON)[:, :, 1] - history.values[:, origins + 2]
    blind = learnt(replace(history, known_ahead=frozenset()))
    unaware = blind.forecast(history, origins, HORIZON)[:, :, 1] - history.values[:, origins + 2]
    assert np.abs(error).mean() < 0.9 * np.abs(unaware).mean()


def test_a_constant_series_is_forecast_constant() -> None:
    history = synthetic()
    values = history.values.copy()
    values[0] = 7.0
    history = replace(history, values=values)
    found = learnt(history).forecast(history, np.array([LEARNT]), HORIZON)
    np.testing.assert_allclose(found[0], 7.0, rtol=1e-6)
    alone = replace(history, places=history.places[:1], values=values[:1], drivers={})
    np.testing.assert_allclose(learnt(alone).forecast(alone, np.array([LEARNT]), HORIZON), 7.0, rtol=1e-6)


def test_it_repeats_itself() -> None:
    history = synthetic()
    origins = np.array([LEARNT, LEARNT + 7])
    first, second = (model.forecast(history, origins, HORIZON) for model in (boosted(), learnt(history, BOTH)))
    np.testing.assert_array_equal(first, second)


def test_the_order_of_the_places_moves_nothing_but_rounding() -> None:
    history = synthetic()
    turned = replace(
        history,
        places=history.places[::-1],
        values=history.values[::-1].copy(),
        drivers={"rain": history.drivers["rain"][::-1].copy()},
    )
    origins = np.array([LEARNT])
    straight = learnt(history).forecast(history, origins, HORIZON)
    backward = learnt(turned).forecast(turned, origins, HORIZON)
    np.testing.assert_allclose(backward[::-1], straight, rtol=2e-2)


def test_gaps_are_no_obstacle_and_nothing_is_said_where_nothing_was_seen() -> None:
    history = synthetic()
    values = history.values.copy()
    values[np.random.default_rng(2).random(values.shape) < 0.2] = np.nan
    values[1] = np.nan
    values[2, LEARNT - 3 : LEARNT + 1] = np.nan
    history = replace(history, values=values)
    found = learnt(history).forecast(history, np.array([LEARNT]), HORIZON)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2, 3]]).all()
    kept = history.values
    assert np.isnan(kept[1]).all(), "the history itself was changed"


@pytest.mark.parametrize("model", [learnt, lambda _: boosted()], ids=["line", "boosting"])
def test_a_daily_cycle_is_learnt(model: Callable[[History], Regression]) -> None:
    history = synthetic()
    origins = np.arange(LEARNT, LEARNT + 50)
    came = history.values[:, origins[:, None] + np.arange(1, HORIZON + 1)]
    ours = np.abs(model(history).forecast(history, origins, HORIZON) - came).mean()
    persistence = np.abs(Persistence().forecast(history, origins, HORIZON) - came).mean()
    # The noise alone, driver and rest, has a mean absolute error of 0.9; the cycle moves by five in six hours.
    assert ours < 1.1
    assert ours < 0.4 * persistence


def test_what_was_never_negative_is_never_forecast_negative() -> None:
    rng = np.random.default_rng(5)
    values = np.where(rng.random((3, 560)) < 0.5, 0.0, rng.exponential(5, (3, 560)))
    history = replace(synthetic(places=3), values=values, drivers={})
    for transform in ("none", "sqrt", "log", "auto"):
        found = learnt(history, {**LINE, "transform": transform}).forecast(history, np.arange(LEARNT, 550), HORIZON)
        assert (found >= 0).all(), transform


def test_a_transformation_that_cannot_be_is_refused() -> None:
    history = synthetic()
    with pytest.raises(AlmanacError, match="There is no transformation"):
        learnt(history, {"transform": "cube"})
    with pytest.raises(AlmanacError, match="needs values from 0"):
        learnt(replace(history, values=history.values - 100), {"transform": "log"})


def test_a_short_record_is_a_matter_of_a_line() -> None:
    years = np.arange(40)
    rising = 2.0 * years + np.random.default_rng(3).normal(0, 0.1, (3, 40))
    history = History(
        "head_m", pd.Index(list("abc")), pd.date_range("1981-01-01", periods=40, freq="YS"), "1 year", rising
    )
    found = Regression().learn(history, 3).forecast(history, np.array([39]), 3)[:, 0]
    came = 2.0 * (39 + np.arange(1, 4))
    last = rising[:, -1:]
    assert (np.abs(found - came) < np.abs(last - came)).all()
