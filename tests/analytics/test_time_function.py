"""Least squares of many places at once gives what it gives one place at a time."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.time_function import fit

YEARS = np.arange(120) * 12 / 365.25


def noisy(places: int) -> np.ndarray:
    generator = np.random.default_rng(5)
    values = generator.normal(0, 3, (places, len(YEARS))) + generator.normal(0, 10, (places, 1)) * YEARS
    return np.where(generator.random(values.shape) < 0.3, np.nan, values)


def test_gaps_of_each_place_are_its_own() -> None:
    values = noisy(50)
    found = fit(values, YEARS, seasonal=False)
    for row in range(len(values)):
        kept = np.isfinite(values[row])
        (slope, _), covariance = np.polyfit(YEARS[kept], values[row, kept], 1, cov=True)
        assert found.rate[row] == pytest.approx(slope, rel=1e-9)
        assert found.rate_deviation[row] == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-9)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    values = noisy(30)
    whole = fit(values, YEARS)
    monkeypatch.setattr("analytics.time_function._CELLS", 500)
    np.testing.assert_allclose(fit(values, YEARS).rate, whole.rate, rtol=1e-12)


def test_a_large_offset_costs_no_digits() -> None:
    values = noisy(10)
    np.testing.assert_allclose(fit(values + 1e7, YEARS).rate, fit(values, YEARS).rate, rtol=1e-5, atol=1e-5)


def test_a_step_outside_the_record_changes_nothing() -> None:
    values = noisy(10)
    plain = fit(values, YEARS)
    np.testing.assert_allclose(fit(values, YEARS, steps=np.array([-1.0, 99.0])).rate, plain.rate, rtol=1e-12)


def test_a_step_is_not_taken_for_a_rate() -> None:
    jumped = np.where(YEARS >= 2.0, -40.0, 0.0)[None, :] + 3.0 * YEARS
    assert fit(jumped, YEARS, steps=np.array([2.0])).rate[0] == pytest.approx(3.0)
    assert fit(jumped, YEARS).rate[0] < -5


def test_a_season_seen_in_one_week_only_is_not_fitted() -> None:
    years = np.sort(np.concatenate([np.arange(10) + 0.5, np.arange(10) + 0.505]))
    found = fit(np.random.default_rng(1).normal(size=(1, 20)), years, seasonal=True)
    assert np.isnan(found.sine[0]) and np.isfinite(found.rate[0])


def test_as_many_unknowns_as_values_leave_no_limits() -> None:
    found = fit(np.array([[1.0, 2.0]]), np.array([0.0, 1.0]), seasonal=False)
    assert found.rate[0] == pytest.approx(1.0)
    assert np.isnan(found.half_width[0]) and np.isnan(found.rate_deviation[0])


def test_one_moment_has_no_rate() -> None:
    assert np.isnan(fit(np.array([[1.0, np.nan]]), np.array([0.0, 1.0])).rate[0])
    assert np.isnan(fit(np.full((1, 2), np.nan), np.array([0.0, 1.0])).rate[0])
