"""Stores of water: nothing is lost, nothing comes before its cause, and each driver is known by its name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.history import History
from analytics.stores import Drivers, role_of, snow, soil, usable_half_lives, weighted_means

RANDOM = np.random.default_rng(5)
STEPS = 400
RAIN = RANDOM.gamma(0.3, 3.0, (3, STEPS))
TEMPERATURE = 12 * np.sin(np.arange(STEPS) * 2 * np.pi / 365) + RANDOM.normal(0, 3, (3, STEPS))


def history(**drivers: np.ndarray) -> History:
    times = pd.date_range("2001-01-01", periods=STEPS, unit="us")
    return History("flow_mm", pd.Index(["a", "b", "c"]), times, "1 day", RAIN, drivers)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("p_mm", "rain"),
        ("prcp", "rain"),
        ("precipitation_mm", "rain"),
        ("noord_brabant_rain.precipitation_mm", "rain"),
        ("rain_somewhere.value", "rain"),
        ("t_c", "temperature"),
        ("tmax_c", "temperature"),
        ("pet_mm", "evaporation"),
        ("evaporation_mm", "evaporation"),
        ("extraction_m3_per_day", "other"),
        ("pumping_m3", "other"),
        ("pressure_hpa", "other"),
    ],
)
def test_a_driver_is_known_by_its_name(name: str, role: str) -> None:
    assert role_of(name) == role


def test_all_that_falls_lies_or_has_reached_the_ground() -> None:
    pack, water = snow(RAIN, TEMPERATURE, threshold=0.5, melt=0.7)
    assert (pack >= 0).all()
    assert (water >= 0).all()
    np.testing.assert_allclose(pack + water.cumsum(axis=1), RAIN.cumsum(axis=1))


def test_snow_lies_while_it_freezes_and_melts_by_degrees() -> None:
    rain = np.array([[5.0, 5.0, 0.0, 0.0, 0.0]])
    pack, water = snow(rain, np.array([[-4.0, -4.0, 2.0, 3.0, 9.0]]), melt=1.5)
    np.testing.assert_allclose(pack, [[5.0, 10.0, 7.0, 2.5, 0.0]])
    np.testing.assert_allclose(water, [[0.0, 0.0, 3.0, 4.5, 2.5]])


def test_soil_takes_no_more_than_it_is_given() -> None:
    fullness, recharge = soil(RAIN, np.full_like(RAIN, 0.4), capacity=30.0)
    assert ((fullness >= 0) & (fullness <= 1)).all()
    evaporated = RAIN.cumsum(axis=1) + 15.0 - recharge.cumsum(axis=1) - 30.0 * fullness
    assert (np.diff(evaporated, axis=1) >= -1e-9).all()
    assert (np.diff(evaporated, axis=1) <= 0.4 + 1e-9).all()


def test_several_settings_at_once_are_as_each_alone() -> None:
    capacity = np.array([20.0, 90.0])
    _, both = soil(RAIN, np.full_like(RAIN, 0.4), capacity=capacity[:, None])
    for row, one in enumerate(capacity):
        np.testing.assert_allclose(both[row], soil(RAIN, np.full_like(RAIN, 0.4), capacity=float(one))[1])


def test_weights_halve_after_a_half_life() -> None:
    impulse = np.zeros((1, 30))
    impulse[0, 4] = 1.0
    (found,) = weighted_means(impulse, [5.0], np.zeros(1))
    assert (found[0, :4] == 0).all()
    np.testing.assert_allclose(found[0, 9:] / found[0, 4:-5], 0.5)


def test_a_constant_stays_what_it_is() -> None:
    np.testing.assert_allclose(weighted_means(np.full((2, 50), 3.0), [2, 640], np.full(2, 3.0)), 3.0)


def test_a_short_record_has_no_long_half_lives() -> None:
    assert usable_half_lives(history(p=RAIN)) == (2, 5, 10, 20, 40)


def test_stores_know_nothing_of_later_steps() -> None:
    later = RAIN.copy()
    later[:, 200:] = 1e6
    for found, other in zip(snow(RAIN, TEMPERATURE), snow(later, TEMPERATURE), strict=True):
        np.testing.assert_array_equal(found[:, :200], other[:, :200])
    for found, other in zip(soil(RAIN, RAIN, capacity=9.0), soil(later, RAIN, capacity=9.0), strict=True):
        np.testing.assert_array_equal(found[:, :200], other[:, :200])
    np.testing.assert_array_equal(
        weighted_means(RAIN, [30], RAIN[:, 0])[..., :200], weighted_means(later, [30], RAIN[:, 0])[..., :200]
    )


def test_weather_has_no_units() -> None:
    plain = history(p_mm=RAIN, t_c=TEMPERATURE, pet_mm=np.full_like(RAIN, 2.0), pumping=RAIN + 7)
    other = history(p_mm=RAIN / 25.4, t_c=TEMPERATURE + 273.15, pet_mm=np.full_like(RAIN, 90.0), pumping=RAIN * 3)
    found, same = (_weather(h) for h in (plain, other))
    np.testing.assert_allclose(found.rain, same.rain)
    np.testing.assert_allclose(found.rain.mean(axis=1), 1.0)
    np.testing.assert_allclose(found.temperature, same.temperature)
    np.testing.assert_allclose(found.evaporation, same.evaporation)
    np.testing.assert_allclose(found.others["pumping"], same.others["pumping"])


def test_what_is_missing_is_taken_as_usual() -> None:
    temperature = np.tile(10 + np.sin(np.arange(STEPS) * 2 * np.pi / 365), (3, 1))
    gaps = temperature.copy()
    gaps[:, 50:53] = np.nan
    known = history(t_c=gaps)
    found = Drivers().learn(known).complete(known, "t_c", STEPS + 30)
    assert found.shape == (3, STEPS + 30)
    np.testing.assert_allclose(found[:, 50:53], temperature[:, 50:53], atol=0.1)
    np.testing.assert_allclose(found[:, STEPS:], temperature[:, STEPS - 365 : STEPS - 335], atol=0.1)


def _weather(known: History):  # type: ignore[no-untyped-def]
    drivers = Drivers().learn(known)
    return drivers.weather({name: drivers.complete(known, name, STEPS) for name in known.drivers})
