"""Any file's series forecast or simulated after a moment: what comes out, what is refused, and that nothing leaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analytics.evaluation as module
from analytics.evaluation import Evaluation, evaluate
from analytics.history import History
from analytics.series_file import read_series
from geodata.errors import AlmanacError

STEPS, TRAIN, HORIZON = 300, 220, 3
TRAIN_END = "2020-08-07"  # the 220th day of 2020 is the 7th of August


def levels(steps: int = STEPS, places: int = 2) -> History:
    """Levels that fall back to their mean, with the rain that lifts them."""
    rng = np.random.default_rng(5)
    rain = rng.gamma(0.4, 5, (places, steps))
    values = np.zeros((places, steps))
    for i in range(1, steps):
        values[:, i] = 0.8 * values[:, i - 1] + 0.2 * rain[:, i] + rng.normal(0, 0.1, places)
    times = pd.date_range("2020-01-01", periods=steps, freq="D").as_unit("us")
    return History("level_m", pd.Index(["a", "b"][:places]), times, "1 day", values - 1, {"rain": rain})


def lone(values: np.ndarray) -> History:
    times = pd.date_range("2020-01-01", periods=len(values), freq="D").as_unit("us")
    return History("level_m", pd.Index(["a"]), times, "1 day", values[None, :].astype(float))


@pytest.fixture(scope="module")
def forecast() -> Evaluation:
    return evaluate(replace(levels(), drivers={}), horizon=HORIZON, train_end=TRAIN_END)


@pytest.fixture(scope="module")
def simulated() -> Evaluation:
    return evaluate(levels(), horizon=1, train_end=TRAIN_END, mode="simulate")


def test_forecasts_are_made_from_the_last_step_learnt_and_from_every_one_after(forecast: Evaluation) -> None:
    assert forecast.best == "regression"
    plan = forecast.backtested.plan
    assert plan.learnt == TRAIN
    assert plan.origins.tolist() == list(range(TRAIN - 1, STEPS - HORIZON))


def test_the_predictions_say_what_was_known_when_and_what_came(forecast: Evaluation) -> None:
    table = forecast.predictions()
    assert list(table.columns) == [
        "model", "location_id", "cutoff", "time", "lead", "mean", "observed",
        "low_80", "high_80", "low_90", "high_90", "low_95", "high_95",
    ]  # fmt: skip
    assert set(table["model"]) == {"regression"} and len(table) == 2 * (STEPS - HORIZON - TRAIN + 1) * HORIZON
    assert (table["time"] - table["cutoff"] == pd.to_timedelta(table["lead"], unit="D")).all()
    assert table["cutoff"].min() == pd.Timestamp(TRAIN_END, tz="UTC")
    history = levels()
    first = table[(table["location_id"] == "b") & (table["lead"] == 2)].iloc[0]
    assert first["observed"] == history.values[1, TRAIN + 1]
    known = table.dropna(subset=["low_95"])
    assert len(known) > 0.9 * len(table)
    assert (known["low_95"] <= known["low_90"]).all() and (known["low_90"] <= known["low_80"]).all()
    assert known["mean"].between(known["low_95"], known["high_95"]).all()


def test_the_scores_are_those_of_the_predictions(forecast: Evaluation) -> None:
    scores = forecast.scores().set_index(["model", "location_id", "lead"])
    rows = forecast.predictions()
    mine = rows[(rows["location_id"] == "a") & (rows["lead"] == 1)]
    off = mine["mean"] - mine["observed"]
    told = scores.loc[("regression", "a", 1)]
    assert told["mae"] == pytest.approx(off.abs().mean())
    assert told["rmse"] == pytest.approx(np.sqrt((off**2).mean()))
    inside = mine["observed"].between(mine["low_90"], mine["high_90"])[mine["low_90"].notna()]
    assert told["coverage_90"] == pytest.approx(inside.mean())
    assert np.isnan(scores.loc[("persistence", "a", 1), "coverage_90"])


def test_of_a_level_that_falls_back_the_model_knows_more_than_that_it_stays(forecast: Evaluation) -> None:
    rmse = forecast.scores().groupby(["model", "lead"], observed=True)["rmse"].mean()
    assert rmse["regression", HORIZON] < rmse["persistence", HORIZON]


@pytest.mark.parametrize("poison", [1e6, np.nan])
def test_nothing_of_the_test_part_changes_what_was_said_before_it(forecast: Evaluation, poison: float) -> None:
    """Neither the choice of the model, nor its forecasts, nor their limits."""
    origin = TRAIN + 20
    values = levels().values.copy()
    values[:, origin + 1 :] = poison
    again = evaluate(replace(levels(), values=values, drivers={}), horizon=HORIZON, train_end=TRAIN_END)
    assert again.best == forecast.best
    rows = forecast.backtested.plan.origins <= origin
    for name, means in forecast.backtested.means.items():
        np.testing.assert_allclose(again.backtested.means[name][:, rows], means[:, rows], rtol=1e-6, atol=1e-9)
    for share, limits in forecast.limits.items():
        for mine, other in zip(limits, again.limits[share], strict=True):
            np.testing.assert_allclose(other[:, rows], mine[:, rows], rtol=1e-6, atol=1e-9)


def test_drivers_are_not_known_ahead_when_it_forecasts() -> None:
    history = replace(levels(), drivers={"rain": levels().drivers["rain"]})
    rain = history.drivers["rain"].copy()
    rain[:, TRAIN + 21 :] = 1e6
    clean, poisoned = (
        evaluate(replace(history, drivers={"rain": r}), horizon=1, train_end=TRAIN_END, every=20)
        for r in (history.drivers["rain"], rain)
    )
    rows = clean.backtested.plan.origins <= TRAIN + 20
    for name, means in clean.backtested.means.items():
        np.testing.assert_allclose(poisoned.backtested.means[name][:, rows], means[:, rows], rtol=1e-6, atol=1e-9)


def test_a_simulation_runs_to_the_end_of_the_record_from_the_drivers_alone(simulated: Evaluation) -> None:
    assert simulated.best == "response"
    table = simulated.predictions()
    assert len(table) == 2 * (STEPS - TRAIN) and table["cutoff"].nunique() == 1
    assert table["mean"].notna().all() and table["lead"].max() == STEPS - TRAIN
    assert set(simulated.scores()["model"]) == {"constant", "response"}


def test_a_simulation_sees_no_value_after_the_training(simulated: Evaluation) -> None:
    values = levels().values.copy()
    values[:, TRAIN:] = 1e6
    again = evaluate(replace(levels(), values=values), horizon=1, train_end=TRAIN_END, mode="simulate")
    for name, means in simulated.backtested.means.items():
        np.testing.assert_array_equal(again.backtested.means[name], means)


def test_a_simulation_follows_the_rain_that_it_is_given(simulated: Evaluation) -> None:
    drivers = {"rain": levels().drivers["rain"].copy()}
    drivers["rain"][:, TRAIN:] *= 3
    wet = evaluate(replace(levels(), drivers=drivers), horizon=1, train_end=TRAIN_END, mode="simulate")
    assert wet.predictions()["mean"].mean() > simulated.predictions()["mean"].mean() + 0.3
    observed, mean = (simulated.predictions()[c].to_numpy() for c in ("observed", "mean"))
    assert np.corrcoef(observed, mean)[0, 1] > 0.8


def test_a_simulation_without_a_driver_is_refused() -> None:
    with pytest.raises(AlmanacError, match="has no driver") as refused:
        evaluate(replace(levels(), drivers={}), horizon=1, train_end=TRAIN_END, mode="simulate")
    assert refused.value.hint


@pytest.mark.parametrize("moment", ["2019-12-31", "2020-10-26", "2020-10-27", "2050-01-01T00:00:00Z"])
def test_a_training_end_outside_the_record_is_refused_with_both_ends(moment: str) -> None:
    """The last step itself would leave nothing to test on."""
    with pytest.raises(AlmanacError) as refused:
        evaluate(levels(), horizon=1, train_end=moment)
    assert "2020-01-01" in str(refused.value) and "2020-10-26" in str(refused.value)


@pytest.mark.parametrize("moment", ["soon", "", "NaT", "2020-13-01"])
def test_what_is_no_moment_is_refused(moment: str) -> None:
    with pytest.raises(AlmanacError, match="is not a moment"):
        evaluate(levels(), horizon=1, train_end=moment)


@pytest.mark.parametrize(
    ("horizon", "train_end", "said"),
    [
        (0, TRAIN_END, "The horizon is 0"),
        (-3, TRAIN_END, "The horizon is -3"),
        (100, TRAIN_END, "80 steps, fewer than the horizon of 100"),
        (5_000, TRAIN_END, "5000"),
        (70, "2020-03-01", "need at least"),
        (50, "2020-03-01", "too few to look 50 ahead"),
    ],
)
def test_a_horizon_that_the_record_does_not_carry_is_refused(horizon: int, train_end: str, said: str) -> None:
    with pytest.raises(AlmanacError) as refused:
        evaluate(levels(), horizon=horizon, train_end=train_end)
    assert said in str(refused.value) and refused.value.hint


@pytest.mark.parametrize("every", [0, -1])
def test_cutoffs_cannot_stand_still(every: int) -> None:
    with pytest.raises(AlmanacError) as refused:
        evaluate(replace(levels(), drivers={}), horizon=1, train_end=TRAIN_END, every=every)
    assert str(every) in str(refused.value) and refused.value.hint


def test_every_takes_one_cutoff_of_so_many() -> None:
    found = evaluate(lone(levels().values[0]), horizon=1, train_end=TRAIN_END, every=20)
    assert np.diff(found.backtested.plan.origins).tolist() == [20] * 3


def test_a_constant_is_forecast_constant_with_scores_that_are_not_made_up() -> None:
    found = evaluate(lone(np.full(120, 3.5)), horizon=2, train_end="2020-03-20", every=3)
    assert found.predictions()["mean"].to_numpy() == pytest.approx(3.5)
    scores = found.scores()
    assert scores["mae"].to_numpy() == pytest.approx(0, abs=1e-6) and scores["nse"].isna().all()


def test_where_the_test_part_is_missing_there_are_forecasts_and_no_scores() -> None:
    values = levels().values[0].copy()
    values[TRAIN:] = np.nan
    found = evaluate(lone(values), horizon=1, train_end=TRAIN_END, every=10)
    assert found.predictions()["mean"].notna().all()
    assert found.scores()["mae"].isna().all()


def test_where_the_training_part_is_missing_it_is_refused() -> None:
    values = levels().values[0].copy()
    values[:TRAIN] = np.nan
    with pytest.raises(AlmanacError, match="values on 0 steps"):
        evaluate(lone(values), horizon=1, train_end=TRAIN_END)


def test_a_place_that_begins_after_the_training_disturbs_nobody() -> None:
    history = replace(levels(), drivers={})
    values = history.values.copy()
    values[1, :TRAIN] = np.nan
    found = evaluate(replace(history, values=values), horizon=1, train_end=TRAIN_END, every=10)
    table = found.predictions()
    assert table.loc[table["location_id"] == "a", "mean"].notna().all()


def test_many_steps_are_thinned_to_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ROWS", 40)
    found = evaluate(lone(levels().values[0]), horizon=2, train_end=TRAIN_END)
    assert found.backtested.plan.origins.size * 2 <= 40


def test_the_progress_ends_where_all_is_done() -> None:
    seen: list[tuple[int, int]] = []
    evaluate(lone(levels().values[0]), horizon=1, train_end=TRAIN_END, every=30, progress=lambda *a: seen.append(a))
    assert seen[-1][0] == seen[-1][1] and [a for a, _ in seen] == sorted(a for a, _ in seen)


def test_irregular_times_in_a_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    minutes = np.random.default_rng(1).choice(50_000, 60, replace=False)
    times = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.sort(minutes) * 37, unit="s")
    pd.DataFrame({"when": times, "level": 1.0}).to_csv(file, index=False)
    with pytest.raises(AlmanacError, match="irregular") as refused:
        read_series(file, time="when", value="level")
    assert "regular step" in str(refused.value) and refused.value.hint
