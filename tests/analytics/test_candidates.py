"""Which forecasters are tried on a series goes by what the series is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.candidates import baselines_of, filled, models_of, skewed, usual_horizon
from analytics.forecasters import FORECASTERS
from analytics.history import History

FREQUENCY = {"5 minutes": "5min", "15 minutes": "15min", "1 hour": "h", "1 day": "D", "1 month": "MS", "1 year": "YS"}


def history(values: np.ndarray, step: str = "1 day", target: str = "head_m", driver: bool = False) -> History:
    times = pd.date_range("2001-01-01", periods=values.shape[1], freq=FREQUENCY.get(step, "D")).as_unit("us")
    drivers = {"rain": np.ones(values.shape)} if driver else {}
    return History(target, pd.Index([f"p{i}" for i in range(len(values))]), times, step, values, drivers)


def noise(steps: int, places: int = 2) -> np.ndarray:
    return np.random.default_rng(3).normal(10, 1, (places, steps))


def flow(steps: int = 900) -> np.ndarray:
    return np.random.default_rng(4).gamma(0.3, 5, (3, steps))


def sparse(steps: int = 900) -> np.ndarray:
    """A value every fourteenth day."""
    values = np.full((2, steps), np.nan)
    values[:, ::14] = noise(len(range(0, steps, 14)))
    return values


@pytest.mark.parametrize(
    ("step", "ahead"),
    [("5 minutes", 12), ("15 minutes", 48), ("1 hour", 24), ("1 day", 14), ("1 month", 6), ("1 year", 3)],
)
def test_how_far_is_looked_where_nobody_says(step: str, ahead: int) -> None:
    assert usual_horizon(history(noise(300), step)) == ahead


def test_a_step_of_several_days_looks_three_steps_ahead() -> None:
    assert usual_horizon(history(noise(300), "12 days")) == 3


def test_where_only_every_other_week_is_measured_three_months_are_looked_ahead() -> None:
    assert usual_horizon(history(sparse())) == 90


def test_the_filled_share_counts_from_the_first_to_the_last_value_of_each_place() -> None:
    values = np.full((3, 20), np.nan)
    values[0, 5:15] = 1.0
    values[1, [0, 4]] = 1.0
    # 10 of 10 and 2 of 5; the third place has no value, and nothing is due of it.
    assert filled(history(values)) == pytest.approx(12 / 15)


def test_flow_is_skewed_and_a_level_is_not() -> None:
    assert skewed(history(flow()))
    assert not skewed(history(noise(900)))
    assert not skewed(history(-flow()))
    assert not skewed(history(flow(), "1 hour"))
    assert not skewed(history(np.full((2, 400), 3.0)))


def test_the_skewness_is_that_of_the_middle_place() -> None:
    values = np.concatenate([noise(900, 2), flow()[:1]])
    assert not skewed(history(values))
    assert skewed(history(np.concatenate([flow(), noise(900, 2)])))


@pytest.mark.parametrize(
    ("record", "wanted"),
    [
        (history(noise(900)), ["regression"]),
        (history(noise(900), driver=True), ["regression", "response"]),
        (history(flow()), ["flow"]),
        (history(flow(), driver=True), ["flow"]),
        (history(sparse(), driver=True), ["response"]),
        (history(sparse()), ["regression"]),
        (history(noise(40), "1 year"), ["regression"]),
        (history(noise(20)), ["regression"]),
        (history(-noise(200), "12 days", "displacement_mm"), ["hyperbolic", "asaoka"]),
        (history(noise(200), "1 day", "settlement_mm", driver=True), ["hyperbolic", "asaoka"]),
    ],
)
def test_which_models_are_tried(record: History, wanted: list[str]) -> None:
    assert models_of(record) == wanted
    assert not [name for name in wanted if FORECASTERS[name].baseline]


@pytest.mark.parametrize(
    ("steps", "step", "seasonal"),
    [(730, "1 day", False), (731, "1 day", True), (335, "1 hour", False), (337, "1 hour", True), (50, "1 year", False)],
)
def test_a_season_is_guessed_from_once_it_was_seen_twice(steps: int, step: str, seasonal: bool) -> None:
    names = baselines_of(history(noise(steps), step))
    assert ("seasonal_naive" in names, "climatology" in names) == (seasonal, seasonal)
    assert names[:3] == ["persistence", "drift", "constant"] and "trend_seasons" in names
    assert all(FORECASTERS[name].baseline for name in names)


def test_four_steps_carry_no_line() -> None:
    assert baselines_of(history(noise(4))) == ["persistence", "drift", "constant"]
