"""A response knows the drivers and nothing else: no value after what was learnt, no weather after an origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from analytics.forecasters import FORECASTERS
from analytics.forecasters.response import Response
from analytics.history import History
from analytics.scores import nse
from geodata.errors import AlmanacError

STEPS, LEARNT, PLACES = 1_600, 1_100, 3
RANDOM = np.random.default_rng(11)


def made_up(*, level: bool) -> History:
    """Linear reservoirs under synthetic rain; as a level, with pumping that lowers it and three of four days absent."""
    rain = RANDOM.gamma(0.25, 8.0, (PLACES, STEPS))
    pumping = np.repeat(RANDOM.uniform(0, 2, (PLACES, STEPS // 50)), 50, axis=1)
    keep = 0.5 ** (1 / np.array([12.0, 30.0, 60.0] if level else [1.0, 2.0, 3.0]))
    target = np.stack([lfilter([1 - k], [1, -k], row) for k, row in zip(keep, rain, strict=True)])
    drivers = {"rain_mm": rain}
    if level:
        lowered = np.stack([lfilter([1 - k], [1, -k], row) for k, row in zip(keep, pumping, strict=True)])
        target = target - 3 - 1.5 * lowered
        target[RANDOM.random(target.shape) < 0.75] = np.nan
        drivers["pumping"] = pumping
    times = pd.date_range("2001-01-01", periods=STEPS, unit="us")
    return History("value", pd.Index(list("abc")), times, "1 day", target, drivers)


LEVEL = made_up(level=True)
MODEL = Response(rows=2_000).learn(LEVEL.until(LEARNT), 10)


def hidden(history: History, after: int, by: float = np.nan) -> History:
    values = history.values.copy()
    values[:, after:] = by
    return replace(history, values=values)


def poisoned(history: History, after: int) -> History:
    drivers = {name: np.where(np.arange(STEPS) < after, d, 1e6) for name, d in history.drivers.items()}
    return replace(hidden(history, after, -1e6), drivers=drivers)


def test_it_is_found_by_its_name() -> None:
    assert FORECASTERS["response"] is Response


def test_a_linear_reservoir_is_recovered_from_a_quarter_of_its_days() -> None:
    simulated = MODEL.simulate(hidden(LEVEL, LEARNT))
    assert simulated.shape == LEVEL.values.shape
    assert (nse(simulated[:, LEARNT:], LEVEL.values[:, LEARNT:]) > 0.9).all()


def test_values_after_what_was_learnt_do_not_move_a_simulation() -> None:
    np.testing.assert_array_equal(MODEL.simulate(hidden(LEVEL, LEARNT)), MODEL.simulate(hidden(LEVEL, 0, 1e6)))


def test_weather_beyond_the_record_is_simulated_too() -> None:
    short = replace(LEVEL, times=LEVEL.times[:LEARNT], values=LEVEL.values[:, :LEARNT])
    np.testing.assert_array_equal(MODEL.simulate(short), MODEL.simulate(LEVEL))


def test_more_pumping_lowers_the_level() -> None:
    pumped = LEVEL.drivers["pumping"].copy()
    pumped[:, LEARNT:] += 0.5
    changed = MODEL.simulate(replace(LEVEL, drivers={**LEVEL.drivers, "pumping": pumped}))
    usual = MODEL.simulate(LEVEL)
    np.testing.assert_array_equal(changed[:, :LEARNT], usual[:, :LEARNT])
    assert ((changed - usual)[:, LEARNT + 200 :].mean(axis=1) < -0.2).all()


def test_a_forecast_knows_nothing_after_its_origin() -> None:
    origins = np.array([LEARNT, LEARNT + 40])
    clean = MODEL.forecast(LEVEL, origins, 10)
    assert np.isfinite(clean).all()
    np.testing.assert_array_equal(clean, MODEL.forecast(poisoned(LEVEL, LEARNT + 41), origins, 10))


def test_a_driver_known_ahead_is_used() -> None:
    known = replace(LEVEL, known_ahead=frozenset(LEVEL.drivers))
    rain = LEVEL.drivers["rain_mm"].copy()
    rain[:, LEARNT + 1 : LEARNT + 6] += 30
    wet = replace(known, drivers={**known.drivers, "rain_mm": rain})
    origins = np.array([LEARNT])
    assert (MODEL.forecast(wet, origins, 10)[:, 0, 6] > MODEL.forecast(known, origins, 10)[:, 0, 6]).all()


def test_the_last_error_is_carried_on() -> None:
    origin = np.array([LEARNT + 20])
    values = LEVEL.values.copy()
    values[:, LEARNT + 20] = MODEL.simulate(LEVEL)[:, LEARNT + 20] + 1.0
    high = replace(LEVEL, values=values)
    values = values.copy()
    values[:, LEARNT + 20] -= 2.0
    low = replace(LEVEL, values=values)
    first = MODEL.forecast(high, origin, 10) - MODEL.forecast(low, origin, 10)
    assert (first >= 0).all()
    assert (np.diff(first, axis=2) <= 1e-12).all()


@pytest.mark.slow
def test_flow_is_never_negative_and_told_alike_each_time() -> None:
    flow = made_up(level=False)
    model = Response(rows=2_000, rounds=3).learn(flow.until(LEARNT), 3)
    assert model.flow_
    simulated = model.simulate(hidden(flow, LEARNT))
    assert (simulated >= 0).all()
    assert (nse(simulated[:, LEARNT:], flow.values[:, LEARNT:]) > 0.6).all()
    again = Response(rows=2_000, rounds=3).learn(flow.until(LEARNT), 3).simulate(hidden(flow, LEARNT))
    np.testing.assert_array_equal(simulated, again)


def test_gaps_in_drivers_are_taken_as_usual() -> None:
    rain = LEVEL.drivers["rain_mm"].copy()
    rain[:, LEARNT + 5 : LEARNT + 9] = np.nan
    assert np.isfinite(MODEL.simulate(replace(LEVEL, drivers={**LEVEL.drivers, "rain_mm": rain}))).all()


@pytest.mark.slow
def test_a_place_without_a_value_or_with_one_value_only_harms_no_other() -> None:
    values = LEVEL.values.copy()
    values[1] = np.nan
    values[2] = -3.0
    found = Response(rows=2_000).learn(replace(LEVEL, values=values).until(LEARNT), 3).simulate(LEVEL)
    assert np.isfinite(found[[0, 2]]).all()
    assert np.isnan(found[1]).all()
    assert nse(found[0, LEARNT:], LEVEL.values[0, LEARNT:]) > 0.85


def test_without_a_driver_there_is_no_response() -> None:
    with pytest.raises(AlmanacError, match="has no driver"):
        Response().learn(replace(LEVEL, drivers={}), 3)
