"""Scores against other implementations, and the same score from matrices, rows and groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analytics import scores
from analytics.backtesting import Backtested, plan_of, run
from analytics.history import History
from analytics.scores import Axis
from analytics.scoring import METRICS, score, scores_of
from geodata.errors import AlmanacError

OBSERVED = np.array([1.0, 2.5, 4.0, 3.2, 7.1, 0.4])
FORECAST = np.array([1.4, 2.0, 4.9, 2.2, 6.0, 0.9])
ENSEMBLE = np.array([[1, 2, 0.5, 3], [2, 2.5, 2.5, 9], [5, 3, 7, 4.5]])
CAME = np.array([1.2, 2.5, 8.0])

# From the Python package scores 2.7.0 (Bureau of Meteorology), whose sign of bias and pbias is forecast − observed.
BY_SCORES = {
    "mae": 0.7333333333333334,
    "rmse": 0.7831560082980487,
    "bias": -0.13333333333333322,
    "pbias": -4.395604395604392,
    "nse": 0.8724584103512014,
}


@pytest.mark.parametrize("name", BY_SCORES)
def test_a_score_is_that_of_the_package_scores(name: str) -> None:
    assert getattr(scores, name)(FORECAST, OBSERVED) == pytest.approx(BY_SCORES[name], rel=1e-12)


def test_kge_and_its_parts_are_those_of_hydroeval() -> None:
    # hydroeval 0.1.0, evaluator(kge, …): KGE, r, alpha, beta.
    assert scores.kge(FORECAST, OBSERVED) == pytest.approx(0.83815367, abs=1e-8)
    assert np.array(scores.kge_parts(FORECAST, OBSERVED)) == pytest.approx([0.93973713, 0.85636683, 0.95604396])


def test_the_mean_of_what_was_observed_has_nse_zero_and_the_kge_of_knoben() -> None:
    # Knoben et al. (2019), https://doi.org/10.5194/hess-23-4323-2019: 1 − √2 ≈ −0.41 for the mean flow, r taken as 0.
    flat = np.full(6, OBSERVED.mean())
    assert scores.nse(flat, OBSERVED) == pytest.approx(0.0)
    almost = flat + 1e-6 * np.array([1, -1, 1, -1, 1, -1.0])
    r, alpha, beta = scores.kge_parts(almost, OBSERVED)
    assert [alpha, beta] == pytest.approx([0, 1], abs=1e-5)
    assert scores.kge(almost, OBSERVED) == pytest.approx(1 - np.sqrt((r - 1) ** 2 + 1), abs=1e-5)


def test_a_forecast_too_high_has_a_bias_above_zero() -> None:
    assert scores.bias(OBSERVED + 1, OBSERVED) == pytest.approx(1.0)
    assert scores.pbias(OBSERVED * 1.1, OBSERVED) == pytest.approx(10.0)


def test_mase_is_that_of_utilsforecast() -> None:
    # utilsforecast 0.2.17, mase(seasonality=2).
    learnt = np.array([[3, 5, 4, 6, 5, 8, 4, 9.0, 100.0]])
    days = pd.date_range("2020-01-01", periods=9)
    scale = scores.naive_scale(History("x", pd.Index(["a"]), days, "1 day", learnt), 8, 2)
    assert scores.mase(FORECAST[None], OBSERVED[None], scale) == pytest.approx([0.628571], abs=1e-6)


def test_quantiles_and_intervals_score_as_in_the_package_scores() -> None:
    # scores 2.7.0: quantile_score(alpha=0.1), interval_score(interval_range=0.9).
    assert scores.pinball(FORECAST, OBSERVED, 0.1) == pytest.approx(0.31333333333333335)
    low, high = FORECAST - 1.0, FORECAST + 0.8
    assert scores.interval_score(low, high, OBSERVED, 0.9) == pytest.approx(3.466666666666665)
    assert scores.coverage(low, high, OBSERVED) == pytest.approx(4 / 6)
    assert scores.width(low, high) == pytest.approx(1.8)


def test_crps_is_that_of_properscoring_from_members_and_from_their_quantiles() -> None:
    # properscoring 0.1 crps_ensemble; the order statistics are the quantiles (i − ½)/m of the ensemble.
    expected = [0.34375, 0.4375, 2.34375]
    assert scores.crps_of_ensemble(ENSEMBLE, CAME) == pytest.approx(expected)
    levels = (0.125, 0.375, 0.625, 0.875)
    assert scores.crps_of_quantiles(np.sort(ENSEMBLE, axis=-1), CAME, levels) == pytest.approx(expected)


@pytest.mark.parametrize(("made", "expected"), [([50, 20, 40, 80], 15.0), ([3.1, 2.7, 2.9, 2.2, 2.4], 0.2)])
def test_flip_flop_is_that_of_the_package_scores(made: list[float], expected: float) -> None:
    # scores 2.7.0, flip_flop_index.
    assert scores.flip_flop(np.array(made)) == pytest.approx(expected)


def test_forecasts_that_only_approach_do_not_flip() -> None:
    assert scores.flip_flop(np.array([[1.0, 2.0, 2.5, 2.6], [4.0, 3.0, 3.0, -1.0]])) == pytest.approx([0, 0])


def test_brier_is_that_of_properscoring() -> None:
    # properscoring 0.1, brier_score.
    assert scores.brier(np.array([0.1, 0.8, 0.4, 0.9]), np.array([0, 1, 1, 1.0])) == pytest.approx(0.105)


def test_events_are_counted_as_in_the_contingency_table() -> None:
    # scores 2.7.0, contingency manager above 2.1; above 0.7 by hand: five hits, and the last forecast a false alarm.
    assert scores.hit_rate(FORECAST, OBSERVED, 2.1) == pytest.approx(0.75)
    assert scores.false_alarm_ratio(FORECAST, OBSERVED, 2.1) == 0.0
    assert scores.csi(FORECAST, OBSERVED, 2.1) == pytest.approx(0.75)
    assert scores.false_alarm_ratio(FORECAST, OBSERVED, 0.7) == pytest.approx(1 / 6)
    assert scores.csi(FORECAST, OBSERVED, 0.7) == pytest.approx(5 / 6)


@pytest.mark.parametrize("function", [scores.mae, scores.rmse, scores.bias, scores.nse, scores.kge, scores.pbias])
@pytest.mark.parametrize("axis", [-1, 1, (0, 2)])
def test_axes_and_missing_values(function: Callable[..., np.ndarray], axis: Axis) -> None:
    draw = np.random.default_rng(1)
    forecast, observed = draw.gamma(2, size=(3, 40, 5)), draw.gamma(2, size=(3, 40, 5))
    forecast[0, ::7, 1] = np.nan
    observed[1, ::5] = np.nan
    axes = {ax % 3 for ax in (axis if isinstance(axis, tuple) else (axis,))}
    rest = [ax for ax in range(3) if ax not in axes]
    found = function(forecast, observed, axis)
    assert found.shape == tuple(forecast.shape[ax] for ax in rest)
    for index in np.ndindex(found.shape):
        where = tuple(index[rest.index(ax)] if ax in rest else slice(None) for ax in range(3))
        f, o = forecast[where].ravel(), observed[where].ravel()
        both = np.isfinite(f) & np.isfinite(o)
        expected = function(f[both], o[both]) if both.any() else np.nan
        assert found[index] == pytest.approx(expected, nan_ok=True)


def test_where_a_formula_divides_by_nothing_there_is_no_score() -> None:
    constant = np.full(5, 0.1)
    assert np.isnan(scores.nse(FORECAST[:5], constant))
    assert np.isnan(scores.kge(FORECAST[:5], constant))
    assert np.isnan(scores.pbias(FORECAST[:5], np.zeros(5)))
    assert np.isnan(scores.mae(np.full(5, np.nan), constant))
    assert np.isnan(scores.hit_rate(FORECAST, OBSERVED, 100.0))


@pytest.fixture(scope="module")
def backtested() -> Backtested:
    """Simulated days of seasons and noise at four places, with a gap."""
    draw = np.random.default_rng(3)
    days = pd.date_range("2018-01-01", periods=1_500)
    values = 10 + 5 * np.sin(np.arange(1_500) / 58.1) + draw.gamma(1, 2, size=(4, 1_500))
    values[1, 1_100:1_150] = np.nan
    history = History("flow_m3_per_s", pd.Index(list("abcd")), days, "1 day", values)
    return run(["persistence", "climatology"], history, plan_of(history, 4, windows=500))


def test_rows_and_matrices_give_the_same_scores(backtested: Backtested) -> None:
    thresholds = scores.event_thresholds(backtested.history, backtested.plan.learnt, share=0.6)
    metrics = ["mae", "rmse", "bias", "nse", "kge", "pbias", "hit_rate", "csi"]
    rows = score(backtested.table(), metrics, thresholds=thresholds)
    matrix = scores_of(backtested, metrics, thresholds=thresholds)
    both = rows.astype({"model": str, "location_id": str}).merge(matrix, on=["model", "location_id", "lead"])
    assert len(both) == len(rows) == len(matrix) == 2 * 4 * 4
    for name in [*metrics, "n", "completeness"]:
        assert np.allclose(both[f"{name}_x"], both[f"{name}_y"], equal_nan=True), name
    assert rows.loc[rows["location_id"] == "b", "completeness"].max() < 1


def test_groups_hold_their_own_rows(backtested: Backtested) -> None:
    rows = backtested.table()
    thresholds = scores.event_thresholds(backtested.history, backtested.plan.learnt)
    by_season = score(rows, ["mae"], by=("model", "season"))
    winter = rows[(rows["model"] == "persistence") & rows["time"].dt.month.isin([12, 1, 2])]
    expected = (winter["mean"] - winter["observed"]).abs().mean()
    found = by_season[(by_season["model"] == "persistence") & (by_season["season"] == "DJF")]
    assert found["mae"].item() == pytest.approx(expected)
    by_event = score(rows, ["bias"], by=("model", "event"), thresholds=thresholds)
    high = rows[
        (rows["model"] == "climatology") & (rows["observed"] > rows["location_id"].map(thresholds).astype(float))
    ]
    assert by_event.query("model == 'climatology' and event")["bias"].item() == pytest.approx(
        (high["mean"] - high["observed"]).mean()
    )
    assert by_event["n"].sum() == np.isfinite(rows["observed"]).sum()


def test_thresholds_know_nothing_of_the_windows(backtested: Backtested) -> None:
    learnt = backtested.plan.learnt
    before = scores.event_thresholds(backtested.history, learnt)
    poisoned = replace(backtested.history, values=backtested.history.values.copy())
    poisoned.values[:, learnt:] = 1e9
    assert scores.event_thresholds(poisoned, learnt).equals(before)
    assert (backtested.history.values[:, :learnt] > before.to_numpy()[:, None]).mean() == pytest.approx(0.05, abs=0.003)


def test_flip_flop_of_rows_is_the_mean_over_values(backtested: Backtested) -> None:
    rows = backtested.table()
    found = score(rows, ["flip_flop"], by=("model", "location_id")).set_index(["model", "location_id"])["flip_flop"]
    one = rows[(rows["model"] == "persistence") & (rows["location_id"] == "a")].sort_values("cutoff")
    each = [scores.flip_flop(made["mean"].to_numpy()) for _, made in one.groupby("time") if len(made) > 2]
    assert found["persistence", "a"] == pytest.approx(np.mean(each))
    # Climatology says the same from every cutoff.
    assert found["climatology", "a"] == 0.0


def test_all_scores_of_rows_with_intervals(backtested: Backtested) -> None:
    rows = backtested.table()
    rows["low_80"], rows["high_80"] = rows["mean"] - 3, rows["mean"] + 3
    rows["low_95"], rows["high_95"] = rows["mean"] - 6, rows["mean"] + 6
    scale = pd.Series(2.0, index=list("abcd"))
    found = score(rows, by=("model",), scales=scale, thresholds=scale * 7).set_index("model")
    assert {*METRICS} - {*found.columns} == {"coverage", "width", "interval_score"}
    one = rows[(rows["model"] == "persistence") & rows["observed"].notna()]
    assert found.loc["persistence", "width_95"] == 12
    assert found.loc["persistence", "coverage_80"] == pytest.approx(((one["mean"] - one["observed"]).abs() <= 3).mean())
    assert found.loc["persistence", "mase"] == pytest.approx(found.loc["persistence", "mae"] / 2)
    exact = scores.interval_score(one["low_95"], one["high_95"], one["observed"], 0.95)
    assert found.loc["persistence", "interval_score_95"] == pytest.approx(exact)
    quantiles = one[["low_95", "low_80", "mean", "high_80", "high_95"]].to_numpy()
    crps = scores.crps_of_quantiles(quantiles, one["observed"].to_numpy(), [0.025, 0.1, 0.5, 0.9, 0.975])
    assert found.loc["persistence", "crps"] == pytest.approx(crps.mean())


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda rows: score(rows, ["mea"]), "“mea”"),
        (lambda rows: score(rows, by=("modle",)), "“model”"),
        (lambda rows: score(rows.drop(columns="observed")), "observed"),
        (lambda rows: score(rows.head(0)), "no row"),
        (lambda rows: score(rows, ["mase"]), "mase needs scales"),
        (lambda rows: score(rows, by=("event",)), "thresholds"),
        (lambda rows: score(rows, by=("event",), thresholds=pd.Series({"a": 1.0})), "3 of 4 places, the first b"),
        (lambda rows: score(rows, ["coverage"]), "intervals"),
        (lambda rows: score(rows, ["flip_flop"]), "flip_flop"),
        (lambda _: scores.flip_flop(np.ones((3, 2))), "3 or more"),
        (lambda _: scores.crps_of_quantiles(np.ones((3, 2)), np.ones(3), [0.9, 0.1]), "ascending"),
        (lambda _: scores.interval_score(np.zeros(1), np.ones(1), np.ones(1), 90), "between 0 and 1"),
    ],
)
def test_what_cannot_be_scored_is_told(
    backtested: Backtested, call: Callable[[pd.DataFrame], object], told: str
) -> None:
    with pytest.raises(AlmanacError, match=told):
        call(backtested.table())
