"""What is drawn of one place's forecast, and how likely it is that a threshold is passed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analytics.backtesting import Backtested, Plan
from analytics.chances import RARE, chances_at, thresholds_at
from analytics.exceedance import exceedance
from analytics.fan import fan_at
from analytics.forecast_quality import by_group, errors_by_lead, overall_best_guess, worst_places
from analytics.history import History
from analytics.outlook import SHOWN, Outlook
from analytics.scores import event_thresholds
from geodata.dataset import Column, Dataset

STEPS, HORIZON, LEARNT = 1_500, 3, 1_100
ORIGINS = np.arange(LEARNT - 1, STEPS - HORIZON)


@pytest.fixture(scope="module")
def found() -> Outlook:
    """Noise about 10 at `a`, twice that about 20 at `b`; what is shown is the true mean, with limits that are known.

    A guess is above the truth by 1 everywhere.
    """
    rng = np.random.default_rng(6)
    middle, noise = np.array([[10.0], [20.0]]), rng.normal(size=(2, STEPS)) * [[1.0], [2.0]]
    times = pd.date_range("2019-01-01", periods=STEPS, freq="D").as_unit("us")
    history = History("level_m", pd.Index(["a", "b"]), times, "1 day", middle + noise)
    plan = Plan(LEARNT, ORIGINS, HORIZON)
    shape = (2, len(ORIGINS), HORIZON)
    truth = np.broadcast_to(middle[:, :, None], shape).copy()
    backtested = Backtested(history, plan, {"persistence": truth + 1, "regression": truth, SHOWN: truth})
    half = np.array([1.0, 2.0])[:, None, None]
    limits = {share: (truth - z * half, truth + z * half) for share, z in ((0.8, 1.2816), (0.95, 1.96))}
    gated = pd.DataFrame(
        {
            "location_id": np.repeat(["a", "b"], HORIZON),
            "lead": np.tile([1, 2, 3], 2),
            "model": ["regression"] * 4 + ["persistence"] * 2,
            "shown": ["model"] * 4 + ["baseline"] * 2,
            "reason": ["better"] * 4 + ["not sure"] * 2,
            "baseline": "persistence",
            "skill": 0.5,
            "skill_low": 0.1,
        }
    )
    ahead = history.ahead(HORIZON)[-HORIZON:].tz_localize("UTC")
    table = pd.DataFrame(
        {
            "location_id": np.repeat(["a", "b"], HORIZON),
            "time": ahead[np.tile(np.arange(HORIZON), 2)],
            "mean": np.repeat([10.0, 20.0], HORIZON),
        }
    )
    for share, (low, high) in limits.items():
        table[f"low_{100 * share:.0f}"], table[f"high_{100 * share:.0f}"] = low[:, 0].ravel(), high[:, 0].ravel()
    table = table.assign(model=gated["model"], skill=0.5, skill_low=0.1, shown=gated["shown"])
    held = pd.DataFrame({"coverage": [0.8, 0.79], "n": 100, "held": True}, index=history.places)
    dataset, column = Dataset.__new__(Dataset), Column.__new__(Column)
    return Outlook(dataset, column, history, backtested, gated, limits, table, {0.8: held, 0.95: held})


def test_the_fan_after_the_record_stands_on_its_last_steps(found: Outlook) -> None:
    fan = fan_at(found, "b")
    assert fan.past["time"].iloc[-1] == found.history.times[-1].tz_localize("UTC")
    assert fan.past["value"].to_numpy() == pytest.approx(found.history.values[1, -24:])
    assert fan.fan["time"].iloc[0] == fan.past["time"].iloc[-1] + pd.Timedelta("1D")
    assert fan.fan["by_model"].tolist() == [True, False, False] and fan.later.empty
    assert set(fan.fan) >= {"time", "lead", "mean", "low_80", "high_80", "low_95", "high_95", "by_model"}


def test_a_fan_of_the_past_ends_its_past_where_it_was_made_and_shows_what_came(found: Outlook) -> None:
    fan = fan_at(found, "a", window=7)
    origin = ORIGINS[7]
    assert fan.past["time"].iloc[-1] == found.history.times[origin].tz_localize("UTC")
    assert fan.later["value"].to_numpy() == pytest.approx(found.history.values[0, origin + 1 : origin + 4])
    assert fan.later["time"].tolist() == fan.fan["time"].tolist()
    assert fan.fan["mean"].tolist() == [10.0] * 3
    assert fan.fan["high_95"].to_numpy() == pytest.approx(11.96)
    assert fan.fan["low_80"].to_numpy() == pytest.approx(10 - 1.2816)


def test_a_long_horizon_shows_more_of_the_past_but_not_all(found: Outlook) -> None:
    plan = replace(found.backtested.plan, horizon=150, origins=np.array([1_200]))
    means = {SHOWN: np.full((2, 1, 150), 1.0)}
    limits = {share: (means[SHOWN], means[SHOWN]) for share in (0.8, 0.95)}
    table = pd.concat([found.table.iloc[:1]] * 150)
    long = replace(found, backtested=Backtested(found.history, plan, means), limits=limits, table=table)
    assert len(fan_at(long, "a", 0).past) == 400


def test_the_thresholds_are_those_of_the_time_before_the_first_forecast(found: Outlook) -> None:
    offered = thresholds_at(found, "a")
    assert offered[RARE] == pytest.approx(np.quantile(found.history.values[0, :LEARNT], 0.95), abs=0.02)
    later = found.history.values.copy()
    later[:, LEARNT:] += 100
    moved = replace(found, backtested=replace(found.backtested, history=replace(found.history, values=later)))
    moved = replace(moved, history=moved.backtested.history)
    assert thresholds_at(moved, "a")[RARE] == offered[RARE]


def test_the_chance_of_what_is_rare_is_about_one_in_twenty(found: Outlook) -> None:
    """The forecast is the mean always: a value of twenty passes what was passed by one of twenty before.

    How restless the moment is moves the chance of one forecast; all of them together are as often right as they say.
    """
    told = exceedance(found.backtested, SHOWN, event_thresholds(found.history, LEARNT))
    late = told.past[:, len(ORIGINS) // 2 :]
    assert np.nanmean(told.past) == pytest.approx(0.05, abs=0.02)
    assert np.nanmean(told.past) == pytest.approx(np.nanmean(told.happened), abs=0.01)
    for place in ("a", "b"):
        chances = chances_at(found, place, RARE)
        assert chances.table["lead"].tolist() == [1, 2, 3]
        assert chances.table["time"].tolist() == found.table["time"].iloc[:3].tolist()
        assert chances.table["probability"].between(np.nanmin(late) / 1.5, np.nanmax(late) * 1.5).all()
        assert chances.passed == np.nansum(told.happened)
        assert chances.passed == pytest.approx(0.05 * 2 * len(ORIGINS) * HORIZON, rel=0.4)
        assert abs(chances.skill) < 0.1


def test_what_is_passed_less_often_is_less_likely(found: Outlook) -> None:
    offered = thresholds_at(found, "a")
    assert offered[RARE] < offered["two_years"]
    rare, two_years = (chances_at(found, "a", kind).table["probability"] for kind in (RARE, "two_years"))
    assert (two_years <= rare).all() and rare.between(0, 1).all() and two_years.between(0, 1).all()


def test_a_forecast_above_the_threshold_makes_it_likely(found: Outlook) -> None:
    high = found.table.assign(mean=found.table["mean"] + [4, 0, 0, 0, 0, 0])
    chances = chances_at(replace(found, table=high), "a", RARE).table["probability"]
    assert chances[0] > chances[1] + 0.3


def test_a_guess_that_is_off_by_one_everywhere_errs_by_more(found: Outlook) -> None:
    """Of normal noise of deviation s the mean absolute error is s·√(2/π) = 0.7979·s: (0.798 + 1.596) / 2 = 1.197."""
    table = errors_by_lead(found).set_index(["model", "lead"])["mae"]
    assert table[SHOWN].to_numpy() == pytest.approx(1.197, rel=0.08)
    assert (table["persistence"] > table[SHOWN]).all()
    assert overall_best_guess(found) == "persistence"


def test_the_bias_by_season_is_the_one_put_in(found: Outlook) -> None:
    table = by_group(found, "season").set_index(["model", "season"])["bias"]
    assert (table["persistence"] - table[SHOWN]).to_numpy() == pytest.approx(1.0)
    assert set(table.index.get_level_values("season")) == {"DJF", "MAM", "JJA", "SON"}


def test_what_never_says_more_than_the_mean_hits_no_event(found: Outlook) -> None:
    table = by_group(found, "event").set_index(["model", "event"])
    assert (table.loc[SHOWN]["hit_rate"] == 0).all()
    # Events are the highest values of their place: the mean is below each of them.
    assert table.loc[(SHOWN, True), "bias"] < -1.5 and table.loc[(SHOWN, True), "mae"] > 1.5


def test_the_worst_places_are_told_by_what_is_usual_there(found: Outlook) -> None:
    """`b` errs twice as much and changes twice as much: in parts of what a guess errs both are alike, about 1/√2."""
    table = worst_places(found)
    assert table.loc["b", "mae"] / table.loc["a", "mae"] == pytest.approx(2, rel=0.1)
    assert table["mase"].to_numpy() == pytest.approx(2**-0.5, rel=0.1)
    assert table.loc["a", "ahead"] == 3 and table.loc["b", "ahead"] == 1
    assert table.loc["b", "coverage"] == 0.79
