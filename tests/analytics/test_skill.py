"""The gate keeps its promise on simulated series: random walks fall back, real signals are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from analytics.backtesting import Backtested, Plan
from analytics.history import History
from analytics.skill import blocks_of, gate, sees_ahead, select_shown
from geodata.errors import AlmanacError, UnknownName

HORIZON = 6
DRAW = np.random.default_rng


def backtested(
    observed: np.ndarray,
    forecasts: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    *,
    every: int = 6,
    windows: int = 60,
) -> Backtested:
    """Forecasts from moments that lie evenly at the end: each is a function of the moments."""
    steps = observed.shape[1]
    origins = steps - 1 - HORIZON - every * np.arange(windows)[::-1]
    places = pd.Index([f"p{i:04}" for i in range(len(observed))])
    history = History("x", places, pd.date_range("2020-01-01", periods=steps), "1 day", observed)
    means = {name: np.broadcast_to(f(origins), (len(observed), windows, HORIZON)) for name, f in forecasts.items()}
    return Backtested(history, Plan(int(origins[0]) + 1, origins, HORIZON), means)


def walks(places: int, seed: int, **plan: int) -> Backtested:
    """Random walks, and models that read something into them."""
    draw = DRAW(seed)
    x = draw.standard_normal((places, 420)).cumsum(axis=1)
    slope = draw.choice([-0.05, 0.05], places)[:, None, None] * np.arange(1, HORIZON + 1)
    return backtested(
        x,
        {
            "persistence": lambda o: x[:, o, None],
            "constant": lambda o: x[:, : o[0]].mean(axis=1)[:, None, None],
            "momentum": lambda o: x[:, o, None] + 0.05 * (x[:, o] - x[:, o - 10])[:, :, None],
            "trend": lambda o: x[:, o, None] + slope,
            "back": lambda o: x[:, o, None] - 0.03 * (x[:, o] - x[:, o - 30])[:, :, None],
        },
        **plan,
    )


BASELINES = ["persistence", "constant"]


@pytest.mark.parametrize(("every", "windows"), [(6, 60), (2, 150), (1, 60)])
def test_random_walks_fall_back_to_persistence(every: int, windows: int) -> None:
    done = walks(250, 1, every=every, windows=windows)
    shares = []
    for model in ("momentum", "trend", "back"):
        gated = gate(done, baselines=BASELINES, models=[model])
        shown = gated["shown"] == "model"
        shares.append(shown.mean())
        assert (gated.loc[~shown, "model"] == gated.loc[~shown, "baseline"]).all()
        assert (gated["baseline"] == "persistence").mean() > 0.9
    assert np.mean(shares) <= 0.05
    assert max(shares) <= 0.08


@pytest.mark.parametrize(("every", "windows"), [(6, 60), (6, 25), (3, 100)])
def test_a_model_exactly_as_good_as_the_baseline_is_shown_in_one_of_twenty(every: int, windows: int) -> None:
    draw = DRAW(2)
    noise = draw.standard_normal((500, 420))
    mine, theirs = draw.standard_normal((2, 500, windows, HORIZON))
    both = backtested(noise, {"guess": lambda o: theirs, "model": lambda o: mine}, every=every, windows=windows)
    share = (gate(both, baselines=["guess"])["shown"] == "model").mean()
    # 5 % are promised at most; far less would be blind.
    assert 0.02 < share <= 0.055


def test_the_interval_holds_the_true_skill_as_often_as_it_says() -> None:
    draw = DRAW(3)
    x = draw.standard_normal((800, 420))
    # Errors of N(0, 1) and of N(0, 1 + 0.75): the ratio of the mean absolute errors is 1/√1.75.
    guess = np.sqrt(0.75) * draw.standard_normal((800, 60, HORIZON))
    gated = gate(backtested(x, {"guess": lambda o: guess, "model": lambda o: np.zeros(1)}), baselines=["guess"])
    truth = 1 - 1 / np.sqrt(1.75)
    assert gated["skill"].mean() == pytest.approx(truth, abs=0.01)
    held = (gated["skill_low"] < truth) & (truth < gated["skill_high"])
    assert held.mean() == pytest.approx(0.9, abs=0.03)
    assert (gated["skill_low"] > truth).mean() < 0.06


def test_a_real_signal_is_shown_as_far_as_it_reaches() -> None:
    draw = DRAW(4)
    signal, noise = draw.standard_normal((2, 100, 420))
    x = signal + 0.5 * noise
    # The model knows the signal up to three steps ahead, and takes it with the wrong sign from then on.
    sign = np.where(np.arange(1, HORIZON + 1) <= 3, 1.0, -1.0)
    models = {
        "persistence": lambda o: x[:, o, None],
        "constant": lambda o: np.zeros(1),
        "driver": lambda o: sign * signal[:, o[:, None] + np.arange(1, HORIZON + 1)],
    }
    gated = gate(backtested(x, models), baselines=BASELINES)
    shown = gated[gated["shown"] == "model"]
    assert set(shown["model"]) == {"driver"} and set(shown["lead"]) == {1, 2, 3}
    assert len(shown) >= 0.98 * 3 * 100
    assert (sees_ahead(gated)["leads"] == 3).mean() > 0.94


def test_a_choice_among_many_models_of_nothing_is_no_better_than_chance() -> None:
    draw = DRAW(5)
    noise = draw.standard_normal((200, 420))
    made = draw.standard_normal((9, 200, 60, HORIZON))
    forecasts = {f"m{i}": (lambda o, i=i: made[i]) for i in range(9)}
    gated = gate(backtested(noise, forecasts), baselines=["m0"])
    assert (gated["shown"] == "model").mean() <= 0.05
    assert gated["candidate"].nunique() == 8
    # One candidate for all leads of a place.
    assert (gated.groupby("location_id")["candidate"].nunique() == 1).all()


def test_the_skill_is_one_minus_the_ratio_of_the_scores_on_the_same_windows() -> None:
    draw = DRAW(6)
    x = draw.standard_normal((3, 420))
    model, one, two = draw.standard_normal((3, 3, 60, HORIZON)) * np.array([0.3, 1, 2])[:, None, None, None]
    model[0, :7] = np.nan
    x[1, -40:-30] = np.nan
    forecasts = {"one": lambda o: one, "two": lambda o: two, "silent": lambda o: np.nan, "model": lambda o: model}
    done = backtested(x, forecasts)
    for metric, power in (("mae", 1), ("rmse", 2)):
        gated = gate(done, baselines=["two", "one", "silent"], metric=metric).set_index(["location_id", "lead"])
        errors = np.abs(np.stack([model, one]) - done.observed) ** power
        both = np.isfinite(errors).all(axis=0)
        score = np.where(both, errors, 0).sum(axis=2) ** (1 / power)
        assert gated["skill"].to_numpy() == pytest.approx((1 - score[0] / score[1]).ravel())
        assert gated["n"].to_numpy() == pytest.approx(both.sum(axis=1).ravel())
        assert set(gated["baseline"]) == {"one"}


def test_rows_and_matrices_are_judged_alike() -> None:
    done = walks(6, 7, every=4, windows=60)
    models = ["momentum", "trend"]
    by_matrix = gate(done, baselines=BASELINES, models=models)
    rows = done.table().sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(select_shown(rows, BASELINES, models=models), by_matrix)
    pd.testing.assert_frame_equal(gate(done, baselines=BASELINES, models=models), by_matrix)


def test_reasons_are_given() -> None:
    done = walks(30, 8, windows=60)
    assert set(gate(done, baselines=BASELINES, models=["trend"])["reason"]) <= {"better", "no better", "not sure"}
    few = gate(walks(30, 8, windows=19), baselines=BASELINES, models=["trend"])
    assert set(few["reason"]) == {"too few windows"}
    assert few["skill_low"].isna().all() and set(few["shown"]) == {"baseline"}
    # Cutoffs one step apart share the errors of long leads: 25 of them are few.
    dense = gate(walks(30, 8, every=1, windows=25), baselines=BASELINES, models=["trend"])
    assert set(dense.loc[dense["lead"] == HORIZON, "reason"]) == {"too few windows"}


def test_where_nothing_was_compared_there_is_no_skill() -> None:
    x = DRAW(9).standard_normal((2, 420))
    mute = np.array([0.0, np.nan])[:, None, None]
    judged = gate(backtested(x, {"zero": lambda o: np.zeros(1), "half": lambda o: mute}), baselines=["zero"])
    silent = judged["location_id"] == "p0001"
    assert (judged.loc[silent, "n"] == 0).all() and judged.loc[silent, "skill"].isna().all()
    assert (judged.loc[~silent, "skill"] == 0).all()


def test_a_perfect_model_is_shown_and_a_perfect_baseline_is_not_beaten() -> None:
    x = DRAW(9).standard_normal((2, 420))
    done = backtested(
        x, {"zero": lambda o: np.zeros(1), "right": lambda o: x[:, o[:, None] + np.arange(1, HORIZON + 1)]}
    )
    perfect = gate(done, baselines=["zero"])
    assert set(perfect["shown"]) == {"model"}
    assert perfect[["skill", "skill_low"]].to_numpy() == pytest.approx(1.0)
    assert set(gate(done, baselines=["right"])["reason"]) == {"no better"}
    still = backtested(np.ones((1, 420)), {"a": lambda o: np.ones(1), "b": lambda o: np.ones(1)})
    assert set(gate(still, baselines=["a"])["reason"]) == {"no better"}


def test_blocks_grow_with_the_overlap_and_with_what_stays_alike() -> None:
    draw = DRAW(10)
    white = draw.standard_normal((100, 200, 3))
    length, lost = blocks_of(np.array([1, 4, 10]), white)
    assert length.tolist() == [6, 7, 19]
    assert lost == pytest.approx(1.0, abs=0.02)
    slow = white.copy()
    for step in range(1, 200):
        slow[:, step] = 0.9 * slow[:, step - 1] + white[:, step]
    assert (blocks_of(np.array([1, 4, 10]), slow)[0] > 15).all()


def test_sees_ahead_stops_at_the_first_gap() -> None:
    shown = {"a": "mmbm", "b": "bmmm", "c": "mmmm", "d": "bbbb"}
    names = {"m": "model", "b": "baseline"}
    rows = [(place, lead + 1, names[s]) for place, word in shown.items() for lead, s in enumerate(word)]
    gated = pd.DataFrame(rows, columns=["location_id", "lead", "shown"])
    assert sees_ahead(gated).set_index("location_id")["leads"].to_dict() == {"a": 2, "b": 0, "c": 4, "d": 0}
    assert sees_ahead(gated[gated["lead"] > 1])["leads"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda done: gate(done, baselines=["persistance"]), "“persistance”.*“persistence”"),
        (lambda done: gate(done, baselines=BASELINES, models=["none"]), "“none”"),
        (lambda done: gate(done, baselines=BASELINES, metric="nse"), "“nse”"),
        (lambda done: gate(done, baselines=BASELINES, confidence=90), "confidence is 90"),
        (lambda done: gate(done, baselines=[]), "0 baselines"),
        (lambda done: gate(done, baselines=list(done.means)), "0 models"),
        (lambda done: select_shown(done.table().drop(columns="cutoff"), BASELINES), "lacks cutoff"),
        (lambda done: select_shown(pd.concat([done.table(), done.table().head(2)]), BASELINES), "2 forecasts twice"),
    ],
)
def test_what_cannot_be_judged_is_told(call: Callable[[Backtested], object], told: str) -> None:
    with pytest.raises(AlmanacError, match=told):
        call(walks(2, 11, windows=20))
    assert issubclass(UnknownName, AlmanacError)
