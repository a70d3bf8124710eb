"""Flows are forecast from what was known, never below zero, and better than by persistence where there is a law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from analytics.forecasters.flow import FlowRegression
from analytics.history import History
from analytics.scores import kge, mae, nse
from analytics.transforms import interpolated, stretch_needed, stretched

HORIZON = 2
# Enough to learn a law of two numbers.
SMALL = {"nets": 1, "trees": 30}


def reservoirs(places: int = 4, steps: int = 1600, *, weather: bool = True, seed: int = 1) -> History:
    """Synthetic: rain fills linear reservoirs, of which a tenth to a quarter leaves each day."""
    random = np.random.default_rng(seed)
    rain = np.where(random.random((places, steps)) < 0.3, random.gamma(0.7, 10, (places, steps)), 0)
    share = np.linspace(0.1, 0.25, places)
    flow, held = np.empty((places, steps)), np.full(places, 20.0)
    for i in range(steps):
        flow[:, i] = share * held
        held = held * (1 - share) + rain[:, i]
    times = pd.date_range("2001-01-01", periods=steps).as_unit("us")
    names = pd.Index([f"g{i}" for i in range(places)], name="location_id")
    return History("discharge_m3s", names, times, "1 day", flow, {"rain_mm": rain} if weather else {})


@pytest.fixture(scope="module")
def learnt() -> tuple[History, FlowRegression]:
    history = reservoirs()
    return history, FlowRegression(rows=3_200, **SMALL).learn(history.until(1200), HORIZON)


def test_a_law_of_storage_is_found(learnt: tuple[History, FlowRegression]) -> None:
    history, model = learnt
    origins = np.arange(1200, 1590)
    forecast = model.forecast(history, origins, HORIZON)
    for lead, most in ((1, 0.4), (HORIZON, 0.9)):
        observed = history.values[:, origins + lead]
        ours = mae(forecast[:, :, lead - 1], observed)
        # The rain of today is known and reaches the gauge tomorrow; that of tomorrow is not.
        assert (ours < most * mae(history.values[:, origins], observed)).all()


@pytest.mark.parametrize("weather", [True, False])
def test_nothing_after_an_origin_moves_its_forecast(weather: bool) -> None:
    history = reservoirs(weather=weather)
    model = FlowRegression(rows=3_200, **SMALL).learn(history.until(1200), HORIZON)
    origins = np.array([1250, 1300])
    poisoned = replace(
        history,
        values=np.where(np.arange(len(history)) > 1300, 1e6, history.values),
        drivers={n: np.where(np.arange(len(history)) > 1300, 1e6, d) for n, d in history.drivers.items()},
    )
    expected = model.forecast(history, origins, HORIZON)
    assert_array_equal(model.forecast(poisoned, origins, HORIZON), expected)
    # What lies between two origins is unknown to the first.
    assert_allclose(model.forecast(history, origins[:1], HORIZON)[:, 0], expected[:, 0], rtol=1e-5)


def test_the_same_is_said_twice(learnt: tuple[History, FlowRegression]) -> None:
    history, model = learnt
    again = FlowRegression(rows=3_200, **SMALL).learn(history.until(1200), HORIZON)
    origins = np.array([1300])
    expected = model.forecast(history, origins, HORIZON)
    assert_array_equal(again.forecast(history, origins, HORIZON), expected)


def test_what_never_changed_stays() -> None:
    history = reservoirs(1, 700, weather=False)
    still = replace(history, values=np.full_like(history.values, 3.5))
    forecast = FlowRegression().learn(still, HORIZON).forecast(still, np.array([699]), HORIZON)
    assert_allclose(forecast, 3.5)


def test_no_flow_is_below_zero_and_gaps_are_borne(learnt: tuple[History, FlowRegression]) -> None:
    history, model = learnt
    random = np.random.default_rng(3)
    # Rivers that fall dry, and a third of the days without a measurement.
    flow = np.maximum(history.values - 5, 0)
    flow[random.random(flow.shape) < 0.3] = np.nan
    flow[2] = np.nan
    gappy = replace(history, values=flow)
    model = FlowRegression(rows=3_300, **SMALL).learn(gappy.until(1400), HORIZON)
    forecast = model.forecast(gappy, np.arange(1400, 1590), HORIZON)
    assert np.isnan(forecast[2]).all()
    rest = np.delete(forecast, 2, axis=0)
    assert np.isfinite(rest).all()
    assert (rest >= 0).all()


def test_rain_known_ahead_is_used(learnt: tuple[History, FlowRegression]) -> None:
    history, model = learnt
    told = replace(history, known_ahead=frozenset({"rain_mm"}))
    origins = np.arange(1200, 1590)
    observed = history.values[:, origins + HORIZON]
    blind = model.forecast(history, origins, HORIZON)[:, :, -1]
    seeing = (
        FlowRegression(rows=3_200, **SMALL).learn(told.until(1200), HORIZON).forecast(told, origins, HORIZON)[:, :, -1]
    )
    assert np.median(nse(seeing, observed)) > np.median(nse(blind, observed)) + 0.1


def test_leads_between_are_on_the_line() -> None:
    # By hand: 1 and 3 are known, 2 lies halfway, and past the last it stays.
    assert_allclose(interpolated(np.array([[1.0, 5.0]]), (1, 3), 4), [[1, 3, 5, 5]])


def test_a_stretch_keeps_the_mean_and_restores_the_spread() -> None:
    random = np.random.default_rng(5)
    observed = random.gamma(1.0, 2.0, (3, 4000))
    # A reference with the right spread, and a better forecast that is too narrow.
    reference = np.roll(observed, 1, axis=1) * 0.5 + observed * 0.5
    forecast = observed.mean() + 0.5 * (observed - observed.mean()) + random.normal(0, 0.3, observed.shape)
    middle, factor = stretch_needed(forecast, observed, reference, margin=0.02, loss=0.05)
    wide = stretched(forecast, middle[:, None], factor[:, None])
    assert (factor > 1).all()
    assert (kge(wide, observed) > kge(forecast, observed)).all()
    assert (stretched(np.array([0.1]), np.array([1.0]), np.array([1.5])) >= 0.05).all()
