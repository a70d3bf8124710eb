from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.backtesting import Plan, plan_of
from analytics.forecasters import FORECASTERS
from analytics.history import History
from analytics.tasks import made
from geodata.errors import AlmanacError, UnknownName

BASELINES = [name for name, kind in FORECASTERS.items() if kind.baseline]


def history(values: np.ndarray, step: str = "1 day", start: str = "2015-01-01") -> History:
    freq = {"1 day": "D", "1 hour": "h", "1 month": "MS", "1 year": "YS"}[step]
    times = pd.date_range(start, periods=values.shape[1], freq=freq).as_unit("us")
    return History("head_m", pd.Index([f"p{i}" for i in range(len(values))]), times, step, values)


def one(name: str, record: History, origin: int, horizon: int) -> np.ndarray:
    return made(FORECASTERS[name](), record, Plan(origin + 1, np.array([origin]), horizon))[:, 0]


def test_each_baseline_says_what_its_name_says() -> None:
    years = np.tile(np.r_[np.zeros(200), np.ones(165)], 6)[None, :]
    record = history(years + np.arange(2190) * 0.001)
    origin = 2189
    assert one("persistence", record, origin, 3)[0] == pytest.approx([record.values[0, -1]] * 3)
    assert one("seasonal_naive", record, origin, 2)[0] == pytest.approx(record.values[0, [2190 - 365, 2191 - 365]])
    slope = (record.values[0, -1] - record.values[0, 0]) / 2189
    assert one("drift", record, origin, 2)[0] == pytest.approx(record.values[0, -1] + slope * np.array([1, 2]))
    assert one("constant", record, origin, 1)[0, 0] == pytest.approx(record.values[0].mean())


def test_climatology_is_the_mean_of_the_same_time_of_the_year() -> None:
    rng = np.random.default_rng(1)
    day = np.arange(3653)
    season = np.sin(2 * np.pi * day / 365.25)
    record = history((season + rng.normal(0, 0.1, day.size))[None, :])
    forecast = one("climatology", record, 3500, 30)[0]
    assert np.abs(forecast - season[3501:3531]).max() < 0.12


def test_climatology_within_the_day_goes_by_hour_and_weekday() -> None:
    hours = np.arange(24 * 7 * 8)
    record = history((hours % 168).astype(float)[None, :], "1 hour")
    assert one("climatology", record, hours.size - 1, 24)[0] == pytest.approx(np.arange(24))


def test_trend_and_seasons_are_recovered_at_every_place_with_gaps() -> None:
    day = np.arange(1461)
    line = np.array([0.5, -2.0])[:, None] * day / 365.2425 + np.array([[1.0], [4.0]])
    values = line + np.cos(2 * np.pi * day / 365.2425)
    gappy = values.copy()
    gappy[0, 100:300] = np.nan
    gappy[1, ::3] = np.nan
    forecast = one("trend_seasons", history(gappy[:, :1400]), 1399, 60)
    assert forecast == pytest.approx(values[:, 1400:1460], abs=1e-6)


def test_the_season_before_is_taken_where_the_last_one_is_missing() -> None:
    values = np.tile(np.arange(168.0), 4)[None, :].copy()
    values[0, 168 * 3 :] = np.nan
    assert one("seasonal_naive", history(values, "1 hour"), 168 * 4 - 1, 5)[0] == pytest.approx(np.arange(5.0))


@pytest.mark.parametrize("name", BASELINES)
def test_a_constant_is_forecast_constant(name: str) -> None:
    record = history(np.full((2, 800), 3.5))
    assert one(name, record, 799, 20) == pytest.approx(np.full((2, 20), 3.5))


@pytest.mark.parametrize("name", BASELINES)
def test_what_comes_later_changes_nothing(name: str) -> None:
    rng = np.random.default_rng(2)
    record = history(rng.normal(size=(3, 900)).cumsum(axis=1))
    poisoned = record.values.copy()
    poisoned[:, 781:] = 1e9
    poisoned[1, 790:] = np.nan
    later = history(poisoned)
    plan = Plan(700, np.array([699, 740, 780]), 14)
    assert np.array_equal(made(FORECASTERS[name](), record, plan), made(FORECASTERS[name](), later, plan))


@pytest.mark.parametrize("name", BASELINES)
def test_where_nothing_was_measured_nothing_is_said(name: str) -> None:
    values = np.ones((2, 800))
    values[1] = np.nan
    forecast = one(name, history(values), 799, 5)
    assert np.isfinite(forecast[0]).all() and np.isnan(forecast[1]).all()


def test_the_publication_delay_hides_the_newest_values() -> None:
    record = history(np.arange(100.0)[None, :])
    plan = Plan(58, np.array([60, 70]), 3, gap=2)
    forecast = made(FORECASTERS["persistence"](), record, plan)
    assert forecast[0].tolist() == [[58.0] * 3, [68.0] * 3]


def test_the_cutoffs_leave_room_for_the_horizon_and_for_every_hour_and_weekday() -> None:
    record = history(np.zeros((1, 5000)), "1 hour")
    plan = plan_of(record, 24, windows=60)
    assert len(plan.origins) == 60 and plan.origins[-1] == 5000 - 25
    assert plan.learnt == plan.origins[0] + 1
    assert len(np.unique(plan.origins % 24)) > 12 and len(np.unique(plan.origins % 168)) > 40


@pytest.mark.parametrize("horizon", [0, -1, 2.5, True, 10_000])
def test_an_impossible_horizon_is_refused(horizon: object) -> None:
    with pytest.raises(AlmanacError, match="horizon"):
        plan_of(history(np.zeros((1, 300))), horizon)  # type: ignore[arg-type]


def test_a_record_too_short_for_the_horizon_is_refused_with_both_numbers() -> None:
    with pytest.raises(AlmanacError, match="values on 10 steps of 1 day, but 12 steps ahead need at least 14"):
        plan_of(history(np.zeros((1, 10))), 12)


def test_a_near_miss_of_a_name_is_told() -> None:
    with pytest.raises(UnknownName, match="Did you mean “persistence”"):
        FORECASTERS["persistance"]
