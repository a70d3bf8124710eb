"""Forecasts of a made-up region: a river that swings, one that wanders, and one that is hardly measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analytics.outlook as module
from analytics.candidates import baselines_of, usual_horizon
from analytics.forecast_quality import (
    by_group,
    errors_by_lead,
    of_model,
    overall_best_guess,
    places_compared,
    worst_places,
)
from analytics.outlook import (
    SHOWN,
    Outlook,
    forecastable,
    is_made,
    outlook,
    scores,
    sees_ahead_of,
    shown_at,
)
from analytics.region_history import history_for
from analytics.scores import mae
from geodata.errors import AlmanacError
from geodata.region import load_region
from geodata.settings import settings
from tests.world import World, make_world

SERIES = "river_daily.discharge_m3_per_s"
STEPS = 1096
SWINGING, WANDERING, SHORT = "001", "002", "003"


# Of what swings, the next value is so many times the last one and the one before it: once around in nine days.
NEXT = (2 * 0.99 * np.cos(2 * np.pi / 9), -(0.99**2))


def swing(pushes: np.ndarray) -> np.ndarray:
    found = np.zeros(len(pushes))
    for i in range(2, len(pushes)):
        found[i] = NEXT[0] * found[i - 1] + NEXT[1] * found[i - 2] + pushes[i]
    return found


def rivers() -> pd.DataFrame:
    """Three years of days. The last place has values on its first forty days only."""
    rng = np.random.default_rng(11)
    day = np.arange(STEPS)
    values = np.stack(
        [
            50 + swing(rng.normal(0, 1, STEPS)),
            60 + rng.normal(0, 0.3, STEPS).cumsum(),
            np.where(day < 40, 20 + rng.normal(0, 1, STEPS), np.nan),
        ]
    )
    times = pd.date_range("2018-01-01", periods=STEPS, freq="D", tz="UTC").as_unit("us")
    return pd.DataFrame(
        {
            "location_id": pd.Series(np.repeat([SWINGING, WANDERING, SHORT], STEPS), dtype="str"),
            "time": times[np.tile(day, 3)],
            "discharge_m3_per_s": values.ravel(),
            "discharge_flag": pd.Series("A", range(3 * STEPS)).where(np.isfinite(values.ravel())).astype("category"),
        }
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("outlook")
    made = make_world(folder)
    rivers().to_parquet(made.file("river_daily"), index=False)
    made.replace("river_daily", "observed_from = 2020-01-01", "observed_from = 2018-01-01")
    made.replace("river_daily", "observed_to = 2020-01-30", "observed_to = 2020-12-31")
    made.seal("river_daily")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALMANAC_SOURCES", str(made.sources))
        patch.setenv("ALMANAC_REGIONS", str(made.regions))
        patch.setenv("ALMANAC_REGION", made.region)
        patch.setenv("ALMANAC_OBSERVATIONS", str(folder / "observations"))
        patch.setenv("ALMANAC_CACHE", str(folder / "cache"))
        patch.setattr(module, "ROWS", 8_000)
        settings.cache_clear()
        yield made
    settings.cache_clear()


@pytest.fixture(scope="module")
def found(world: World) -> Outlook:
    return outlook(load_region(world.region), SERIES, horizon=5)


def test_the_table_has_the_promised_columns_and_every_step_after_the_record(found: Outlook) -> None:
    assert list(found.table.columns) == [
        "location_id", "time", "mean", "low_80", "high_80", "low_95", "high_95", "model", "skill", "skill_low", "shown",
    ]  # fmt: skip
    assert found.table["location_id"].tolist() == np.repeat([SWINGING, WANDERING, SHORT], 5).tolist()
    assert found.table["time"].tolist() == [*pd.date_range("2021-01-01", periods=5, freq="D", tz="UTC")] * 3


def test_the_limits_lie_around_the_mean_and_within_each_other(found: Outlook) -> None:
    known = found.table.dropna(subset=["low_95", "high_95"])
    assert set(known["location_id"]) >= {SWINGING, WANDERING}
    assert (known["low_95"] <= known["low_80"]).all() and (known["high_80"] <= known["high_95"]).all()
    assert known["mean"].between(known["low_95"], known["high_95"]).all()


def test_the_limits_widen_as_a_walk_does(found: Outlook) -> None:
    """80% of the normal law lie within ±1.28 of its deviation, which grows with the root of the steps."""
    width = (found.table["high_80"] - found.table["low_80"]).to_numpy().reshape(3, 5)
    assert width[1] == pytest.approx(2 * 1.2816 * 0.3 * np.sqrt(np.arange(1, 6)), rel=0.4)
    assert width[1, 4] > width[1, 0]


def test_a_model_is_shown_where_it_knows_how_the_river_swings_and_no_guess_does(found: Outlook) -> None:
    rows = found.table[found.table["location_id"] == SWINGING]
    assert set(rows["model"]) == {"regression"} and set(rows["shown"]) == {"model"}
    assert (rows["skill_low"] > 0).all() and (rows["skill_low"] < rows["skill"]).all()
    assert rows["skill"].iloc[0] > 0.3
    # What is to be expected by the rule that made it.
    expected = list(found.history.values[0, -2:] - 50)
    for _ in range(5):
        expected.append(NEXT[0] * expected[-1] + NEXT[1] * expected[-2])
    away = rows["mean"].to_numpy() - 50 - expected[2:]
    # Three years at three places teach the rule only roughly: what is said is nearer to it than the mean is.
    assert np.sqrt(np.mean(away**2)) < 0.8 * np.sqrt(np.mean(np.square(expected[2:])))


def test_a_walk_falls_back_to_where_it_is(found: Outlook) -> None:
    rows = found.table[found.table["location_id"] == WANDERING]
    assert set(rows["model"]) <= {"persistence", "drift"}
    assert rows["shown"].str.startswith("baseline: ").all()
    assert not (rows["skill_low"] > 0).any()
    assert sees_ahead_of(found).tolist() == [5, 0, 0]


def test_where_nothing_can_be_tried_it_is_said_why_and_a_guess_is_shown(found: Outlook) -> None:
    rows = shown_at(found, SHORT)
    assert not rows["by_model"].any()
    assert set(rows["reason"]) <= {"too few windows", "no data"}
    assert found.table.loc[found.table["location_id"] == SHORT, "shown"].str.startswith("baseline: ").all()
    assert rows["skill"].isna().all() and set(rows["model"]) <= set(baselines_of(found.history))


def test_what_is_shown_is_what_the_chosen_forecaster_said(found: Outlook) -> None:
    for place in (SWINGING, WANDERING):
        row = found.history.places.get_loc(place)
        for lead, name in enumerate(shown_at(found, place)["model"]):
            told = found.backtested.means[SHOWN][row, :, lead]
            np.testing.assert_array_equal(told, found.backtested.means[name][row, :, lead])


def test_limits_of_the_past_are_nested_and_held_is_their_coverage(found: Outlook) -> None:
    observed = found.backtested.observed
    for share, (low, high) in found.limits.items():
        held = found.held[share]
        for place in (SWINGING, WANDERING):
            row = found.history.places.get_loc(place)
            known = np.isfinite(low[row]) & np.isfinite(observed[row])
            inside = (observed[row] >= low[row]) & (observed[row] <= high[row])
            assert held.loc[place, "n"] == known.sum()
            assert held.loc[place, "coverage"] == pytest.approx(inside[known].mean())
            assert held.loc[place, "coverage"] == pytest.approx(share, abs=0.08)
        assert held.loc[SHORT, "n"] == 0 and not held.loc[SHORT, "held"]
    low_80, low_95 = found.limits[0.8][0], found.limits[0.95][0]
    both = np.isfinite(low_80) & np.isfinite(low_95)
    assert (low_95[both] <= low_80[both] + 1e-9).all()


def test_the_forecast_of_the_past_knows_nothing_of_what_came(found: Outlook) -> None:
    learnt, origins = found.backtested.plan.learnt, found.backtested.plan.origins
    assert learnt <= origins[0] + 1 and (np.diff(origins) > 0).all()
    assert origins[-1] + found.horizon <= len(found.history) - 1


def test_it_is_made_once(world: World, found: Outlook) -> None:
    region = load_region(world.region)
    assert is_made(region, SERIES, 5) and not is_made(region, SERIES, 6)
    assert outlook(region, SERIES, 5) is found


def test_the_scores_cover_everyone_and_the_coverage_only_what_is_shown(found: Outlook) -> None:
    table = scores(found)
    assert set(table["model"]) == {*baselines_of(found.history), "regression", SHOWN}
    assert table.loc[table["model"] != SHOWN, "coverage_80"].isna().all()
    assert table.loc[(table["model"] == SHOWN) & (table["location_id"] == SWINGING), "coverage_80"].notna().all()


@pytest.mark.parametrize(
    ("series", "horizon", "said"),
    [
        (SERIES, 0, "The horizon is 0"),
        (SERIES, 2_000, "no forecast here looks further"),
        (SERIES, 1_200, "need at least"),
        ("river_daily.dischrage_m3_per_s", None, "discharge_m3_per_s"),
        ("gauges.name", None, "gauges"),
    ],
)
def test_what_cannot_be_forecast_is_told(world: World, series: str, horizon: int | None, said: str) -> None:
    with pytest.raises(AlmanacError) as refused:
        outlook(load_region(world.region), series, horizon)
    assert said in f"{refused.value} {refused.value.hint}" and refused.value.hint


def test_the_series_that_can_be_forecast_are_listed(world: World) -> None:
    usable, refused = forecastable(load_region(world.region))
    assert list(usable) == [SERIES] and refused == {}


def test_the_series_that_cannot_be_forecast_are_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_world(tmp_path)
    short = pd.read_parquet(made.file("river_daily")).groupby("location_id").head(10)
    short.to_parquet(made.file("river_daily"), index=False)
    made.seal("river_daily")
    monkeypatch.setenv("ALMANAC_SOURCES", str(made.sources))
    monkeypatch.setenv("ALMANAC_REGIONS", str(made.regions))
    settings.cache_clear()
    usable, refused = forecastable(load_region(made.region))
    settings.cache_clear()
    assert usable == {} and list(refused) == [SERIES]
    assert "10 steps of 1 day" in str(refused[SERIES]) and refused[SERIES].hint


def test_the_errors_by_lead_are_means_of_what_all_forecasters_said(found: Outlook) -> None:
    table = errors_by_lead(found).set_index(["model", "lead"])["mae"]
    observed = found.backtested.observed
    everyone = np.all([np.isfinite(m) for m in found.backtested.means.values()], axis=0)
    for name in ("persistence", SHOWN):
        away = np.where(everyone, np.abs(found.backtested.means[name] - observed), np.nan)
        by_place = [np.nanmean(away[row, :, 2]) for row in (0, 1)]
        assert table[name, 3] == pytest.approx(np.mean(by_place))


def test_the_best_guess_is_a_guess_and_the_best(found: Outlook) -> None:
    best = overall_best_guess(found)
    errors = errors_by_lead(found).groupby("model")["mae"].mean()
    assert best in baselines_of(found.history)
    assert errors[best] == errors[baselines_of(found.history)].min()
    assert errors[SHOWN] < errors[best]


def test_by_season_every_case_is_counted_once(found: Outlook) -> None:
    table = by_group(found, "season")
    assert set(table["model"]) == {overall_best_guess(found), SHOWN}
    known = np.isfinite(found.backtested.observed) & np.isfinite(found.backtested.means[SHOWN])
    assert table.loc[table["model"] == SHOWN, "n"].sum() == known.sum()
    assert (table["mae"] > 0).all()


def test_by_event_hits_are_shares(found: Outlook) -> None:
    table = by_group(found, "event")
    assert set(table["event"].astype(bool)) <= {True, False} and set(table["model"]) == {
        overall_best_guess(found),
        SHOWN,
    }
    for column in ("hit_rate", "false_alarm_ratio"):
        assert table[column].dropna().between(0, 1).all()


def test_the_medians_of_the_scores_are_those_of_the_places(found: Outlook) -> None:
    table = of_model(found).set_index(["model", "lead"])
    each = scores(found)
    mine = each[(each["model"] == "persistence") & (each["lead"] == 2)]
    assert table.loc[("persistence", 2), "mae"] == pytest.approx(mine["mae"].median())
    assert len(table) == len(found.backtested.means) * found.horizon
    assert table["mae"].groupby("lead").agg(lambda errors: errors.is_monotonic_increasing).all()


def test_a_model_that_speaks_at_easy_places_only_is_compared_there_and_nowhere_else(found: Outlook) -> None:
    means = found.backtested.means
    model = found.models[0]
    # It is as good as persistence, but speaks at one place only.
    alike = np.where((found.history.places == WANDERING)[:, None, None], means["persistence"], np.nan)
    sly = replace(found, backtested=replace(found.backtested, means={**means, model: alike}))
    table = of_model(sly).set_index(["model", "lead"])
    assert table.loc[(model, 2), "mae"] == pytest.approx(table.loc[("persistence", 2), "mae"])
    assert table.loc[(model, 2), "places"] == 1 and table.loc[("persistence", 2), "places"] == 2
    assert (places_compared(found), places_compared(sly), places_compared(sly, 2)) == (2, 1, 1)
    # What is shown is judged wherever it can be, whether the model speaks or not.
    pd.testing.assert_frame_equal(errors_by_lead(sly, models=False), errors_by_lead(found, models=False))


def test_one_that_never_speaks_silences_nobody(found: Outlook) -> None:
    mute = np.full_like(found.backtested.observed, np.nan)
    means = {**found.backtested.means, found.models[0]: mute}
    silent = replace(found, backtested=replace(found.backtested, means=means))
    table = of_model(silent).set_index("model")
    assert table.loc["persistence", "mae"].notna().all() and table.loc[found.models[0], "mae"].isna().all()
    assert places_compared(silent) == 2


def test_the_worst_places_come_first_with_the_steps_that_are_seen_ahead(found: Outlook) -> None:
    table = worst_places(found)
    assert set(table.index) == {SWINGING, WANDERING}
    assert table["mase"].is_monotonic_decreasing
    error = mae(found.backtested.means[SHOWN], found.backtested.observed, axis=(1, 2))
    assert table.loc[SWINGING, "mae"] == pytest.approx(error[0])
    assert table.loc[SWINGING, "ahead"] == 5 and table.loc[WANDERING, "ahead"] == 0
    assert len(worst_places(found, most=1)) == 1


def test_a_history_takes_positions_from_the_layer(world: World) -> None:
    history = history_for(load_region(world.region), SERIES)
    assert history.positions is not None and history.positions.shape == (3, 2)
    # One degree of longitude at 45.5° north is some 78 km: half of it lies between the first two gauges.
    assert np.hypot(*(history.positions[1] - history.positions[0])) == pytest.approx(40_500, rel=0.05)
    assert usual_horizon(history) == 14
