"""Chances are as often right as they say, on noise whose true chances are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.backtesting import Backtested, Plan
from analytics.exceedance import Exceedance, exceedance, reliability, return_levels, verified
from analytics.history import History
from geodata.errors import AlmanacError

PLACES, WINDOWS, HORIZON, STEPS = 40, 160, 2, 420
PLAN = Plan(STEPS - HORIZON - WINDOWS, STEPS - 1 - HORIZON - np.arange(WINDOWS)[::-1], HORIZON)
TARGETS = PLAN.origins[:, None] + np.arange(1, HORIZON + 1)
DAYS = pd.date_range("2020-01-01", periods=STEPS)
SPREAD = np.linspace(0.5, 3.0, PLACES)


def few() -> Backtested:
    """Eight of the places: what needs no statistics."""
    backtested, _ = simulated()
    history = replace(backtested.history, places=backtested.history.places[::5], values=backtested.history.values[::5])
    return replace(backtested, history=history, means={"course": backtested.means["course"][::5]})


def simulated() -> tuple[Backtested, np.ndarray]:
    """A known course plus Gaussian noise, as wide as each place has it, and the mean of what is to come."""
    draw = np.random.default_rng(1)
    course = 2 * np.sin(np.arange(STEPS) / 9) + 5 * draw.standard_normal((PLACES, 1))
    values = course + SPREAD[:, None] * draw.standard_normal((PLACES, STEPS))
    history = History("level_m", pd.Index([f"p{i:02}" for i in range(PLACES)]), DAYS, "1 day", values)
    # A bias of half the spread must be learnt from the errors as well.
    means = course[:, TARGETS] - 0.5 * SPREAD[:, None, None]
    return Backtested(history, PLAN, {"course": means}), course[:, TARGETS]


@pytest.fixture(scope="module")
def found() -> tuple[Exceedance, np.ndarray]:
    backtested, centre = simulated()
    levels = pd.Series(centre.mean(axis=(1, 2)) + SPREAD, index=backtested.history.places)
    truth = stats.norm.sf((levels.to_numpy()[:, None, None] - centre) / SPREAD[:, None, None])
    fresh = centre[:, -1] - 0.5 * SPREAD[:, None]
    return exceedance(backtested, "course", levels, fresh=fresh), truth


def test_the_chance_is_the_true_one(found: tuple[Exceedance, np.ndarray]) -> None:
    told, truth = found[0].past, found[1]
    # Once 40 errors of each place are known.
    assert np.isfinite(told[:, 40:]).all()
    apart = told[:, 40:] - truth[:, 40:]
    # Of the values that came 1.6 % fewer were above than the true chances say, and the chances follow what came.
    assert abs(apart.mean()) < 0.025
    assert np.abs(apart).mean() < 0.045
    assert np.abs(apart.mean(axis=(1, 2))).max() < 0.1
    fresh = found[0].fresh
    assert fresh is not None
    assert np.abs(fresh - truth[:, -1]).mean() < 0.06


def test_chances_are_as_reliable_as_they_say(found: tuple[Exceedance, np.ndarray]) -> None:
    table = reliability(found[0])
    many = table[table["n"] >= 300]
    assert len(many) >= 6
    assert (many["told"] - many["happened"]).abs().max() < 0.06
    assert table["n"].sum() == np.isfinite(found[0].past).sum()


def test_the_brier_score_is_near_the_best_that_can_be_had(found: tuple[Exceedance, np.ndarray]) -> None:
    table = verified(found[0])
    # The score of the true chances is the mean of p·(1 − p).
    best = (found[1] * (1 - found[1])).mean(axis=(0, 1))
    assert table["brier"].to_numpy() == pytest.approx(best, rel=0.07)
    assert (table["skill"] > 0.1).all()
    happened = np.where(np.isfinite(found[0].past), found[0].happened, np.nan)
    assert table["happened"].to_numpy() == pytest.approx(np.nanmean(happened, axis=(0, 1)))


def test_the_correction_helps_where_high_forecasts_return_to_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    # The forecast is the truth plus noise of its own: what it says to be high is mostly lower.
    backtested, centre = simulated()
    draw = np.random.default_rng(2)
    means = centre + 2 * SPREAD[:, None, None] * draw.standard_normal(centre.shape)
    levels = pd.Series(centre.mean(axis=(1, 2)) + SPREAD, index=backtested.history.places)
    done = replace(backtested, means={"course": means})
    corrected = verified(exceedance(done, "course", levels))["brier"]
    monkeypatch.setattr("analytics.exceedance._corrected", lambda told, above, come: told)
    assert (corrected < 0.98 * verified(exceedance(done, "course", levels))["brier"]).all()


def test_nothing_of_the_future_is_known() -> None:
    backtested = few()
    before = exceedance(backtested, "course", 1.0).past
    poisoned = replace(backtested.history, values=backtested.history.values.copy())
    at = 100
    poisoned.values[:, PLAN.origins[at] + 1 :] += 50.0
    after = exceedance(replace(backtested, history=poisoned), "course", 1.0).past
    assert np.array_equal(before[:, : at + 1], after[:, : at + 1], equal_nan=True)
    assert not np.array_equal(before[:, at + 5 :], after[:, at + 5 :], equal_nan=True)


def test_nothing_is_impossible_or_certain() -> None:
    backtested = few()
    for level in (1e6, -1e6):
        past = exceedance(backtested, "course", level).past
        told = past[np.isfinite(past)]
        assert told.min() > 0 and told.max() < 1
        assert np.abs(past[:, -1] - (level < 0)).max() < 0.01


def test_a_place_without_threshold_has_no_chance() -> None:
    backtested = few()
    levels = pd.Series(1.0, index=backtested.history.places)
    levels.iloc[3] = np.nan
    found = exceedance(backtested, "course", levels)
    assert np.isnan(found.past[3]).all() and np.isnan(found.happened[3]).all()
    assert np.isfinite(found.past[4, -1]).all()
    assert found.fresh is None


def test_return_levels_are_the_quantiles_of_yearly_maxima_by_weibull() -> None:
    days = pd.date_range("2000-01-01", "2009-12-31")
    draw = np.random.default_rng(3)
    values = np.minimum(draw.gamma(1, 1, (2, len(days))), 9.0)
    # The yearly maxima are 10, 20 … 90 in any order, then the year that is not to be seen.
    for year, highest in zip(range(2000, 2009), (50, 20, 90, 10, 40, 80, 30, 70, 60), strict=True):
        values[0, np.flatnonzero(days.year == year)[100]] = highest
    values[0, days.year == 2009] = 1e6
    values[1, days.year > 2003] = np.nan
    history = History("x", pd.Index(["a", "b"]), days, "1 day", values)
    until = int((days.year < 2009).sum())
    # Rank i of 9 has the probability i/10: once in 10 years the highest, in 5 the second highest, in 2 the middle.
    assert [return_levels(history, until, years)["a"] for years in (10, 5, 2)] == pytest.approx([90, 80, 50])
    assert np.isnan(return_levels(history, until, 11)["a"])
    assert np.isfinite(return_levels(history, until, 5)["b"]) and np.isnan(return_levels(history, until, 6)["b"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda b: exceedance(b, "corse", 1.0), "“corse”.*“course”"),
        (lambda b: exceedance(b, "course", pd.Series({"p00": 1.0})), "7 of 8 places, the first p05"),
        (lambda b: return_levels(b.history, 100, 1), "years is 1"),
        (lambda b: reliability(exceedance(b, "course", 1.0), classes=0), "classes is 0"),
    ],
)
def test_what_cannot_be_is_refused(call: Callable[[Backtested], object], told: str) -> None:
    with pytest.raises(AlmanacError, match=told):
        call(few())
