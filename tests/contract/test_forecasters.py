"""What every forecaster keeps to, found in `FORECASTERS`: a new one is tested here without an edit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from analytics.forecaster import Forecaster
from analytics.forecasters import FORECASTERS
from analytics.history import History, history_of
from geodata.errors import AlmanacError, UnknownName

STEPS, HORIZON, LEARNT = 440, 3, 410
ORIGINS = np.array([LEARNT - 1, 420])
# Whatever of these a forecaster has is made small, so that all of them are tried within seconds.
SMALL = {"rows": 4_000, "nets": 1, "networks": 1, "trees": 10}
# Networks of 32 bits add up in another order where they are asked for more or fewer rows.
DIGITS = {"rtol": 1e-5, "atol": 1e-6}
SMALLER = {"response": {"rows": 1_200}}
PLACES, SETTLING, TARGET = "abcdefghij", "j", "flow_m3_per_s"


def small(name: str) -> Forecaster:
    made = FORECASTERS[name]()
    wanted = SMALL | SMALLER.get(name, {})
    return made.set_params(**{key: value for key, value in wanted.items() if key in made.get_params()})


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A made-up panel of flows at nine places and a place that settles, and rain that moves them."""
    rng = np.random.default_rng(7)
    day = np.arange(STEPS)
    rain = rng.gamma(0.3, 10.0, size=(len(PLACES), STEPS))
    flow = np.zeros_like(rain)
    for i in range(1, STEPS):
        flow[:, i] = 0.85 * flow[:, i - 1] + 0.15 * rain[:, i]
    flow = (flow + 2 + np.sin(2 * np.pi * day / 365.25)) * np.linspace(1, 5, len(PLACES))[:, None]
    flow[-1] = day / (2 + 0.1 * day) + rng.normal(0, 1e-3, STEPS)
    flow[2, 100:120] = np.nan
    flow[4, -4:] = np.nan
    return panel_of(flow, TARGET), panel_of(rain, "rain_mm")


def panel_of(values: np.ndarray, column: str) -> pd.DataFrame:
    places, steps = values.shape
    times = pd.date_range("2019-01-01", periods=steps, freq="D", tz="UTC").as_unit("us")
    return pd.DataFrame(
        {
            "location_id": np.repeat(list(PLACES)[:places], steps),
            "time": times[np.tile(np.arange(steps), places)],
            column: values.ravel(),
        }
    )


@cache
def record() -> History:
    panel, rain = tables()
    return history_of(panel, drivers={"rain": rain})


def told(name: str, panel: pd.DataFrame, rain: pd.DataFrame | None = None, horizon: int = HORIZON) -> pd.DataFrame:
    return small(name).fit(panel, drivers={"rain": tables()[1] if rain is None else rain}).predict(horizon)


@cache
def plain(name: str) -> pd.DataFrame:
    return told(name, tables()[0])


@cache
def learnt(name: str) -> tuple[Forecaster, np.ndarray]:
    """A forecaster that learnt from the first steps, and what it says from later ones too."""
    made = small(name).learn(record().until(LEARNT), HORIZON)
    return made, made.forecast(record(), ORIGINS, HORIZON)


everyone = pytest.mark.parametrize("name", list(FORECASTERS))


@everyone
def test_it_forecasts_the_steps_after_the_record_at_every_place(name: str) -> None:
    found = plain(name)
    assert list(found.columns) == ["location_id", "time", "mean"]
    assert found["location_id"].tolist() == np.repeat(list(PLACES), HORIZON).tolist()
    times = pd.date_range("2020-03-16", periods=HORIZON, freq="D", tz="UTC")
    assert found["time"].tolist() == [*times] * len(PLACES)
    assert found["mean"].dtype == float and not np.isinf(found["mean"]).any()
    # Settling is what settlement curves are for; of flows they may say nothing.
    assert found.loc[found["location_id"] == SETTLING, "mean"].between(0, 20).all()


@everyone
def test_it_repeats_itself_whatever_the_order_of_the_rows_and_leaves_them_as_they_were(name: str) -> None:
    panel, rain = (table.sample(frac=1, random_state=3) for table in tables())
    before = panel.copy(), rain.copy()
    pd.testing.assert_frame_equal(told(name, panel, rain), plain(name), check_exact=True)
    pd.testing.assert_frame_equal(panel, before[0], check_exact=True)
    pd.testing.assert_frame_equal(rain, before[1], check_exact=True)


@everyone
def test_it_leaves_the_history_as_it_was(name: str) -> None:
    facts = replace(record(), values=record().values.copy(), drivers={"rain": record().drivers["rain"].copy()})
    made, _ = learnt(name)
    made.forecast(facts, ORIGINS, HORIZON)
    np.testing.assert_array_equal(facts.values, record().values)
    np.testing.assert_array_equal(facts.drivers["rain"], record().drivers["rain"])


@everyone
def test_nothing_after_a_forecast_changes_it(name: str) -> None:
    made, found = learnt(name)
    for row, origin in enumerate(ORIGINS):
        values, rain = record().values.copy(), record().drivers["rain"].copy()
        for table, poisons in ((values, (1e9, np.nan)), (rain, (np.nan, 1e9))):
            table[::2, origin + 1 :], table[1::2, origin + 1 :] = poisons
        later = replace(record(), values=values, drivers={"rain": rain})
        again = made.forecast(later, ORIGINS[: row + 1], HORIZON)
        np.testing.assert_allclose(again, found[:, : row + 1], rtol=DIGITS["rtol"], atol=DIGITS["atol"])


@everyone
def test_nothing_after_the_last_step_that_it_learns_from_is_learnt(name: str) -> None:
    """Drivers that are not known ahead may reach past the record: `learn` does not look there."""
    part = record().until(LEARNT)
    longer = np.concatenate([part.drivers["rain"], np.full((len(PLACES), 20), 1e9)], axis=1)
    poisoned = small(name).learn(replace(part, drivers={"rain": longer}), HORIZON)
    np.testing.assert_allclose(
        poisoned.forecast(record(), ORIGINS, HORIZON), learnt(name)[1], rtol=DIGITS["rtol"], atol=DIGITS["atol"]
    )


@everyone
def test_what_it_forecasts_does_not_depend_on_how_much_record_follows(name: str) -> None:
    made, found = learnt(name)
    shorter = made.forecast(record().until(int(ORIGINS[-1]) + 1), ORIGINS, HORIZON)
    np.testing.assert_allclose(shorter, found, rtol=DIGITS["rtol"], atol=DIGITS["atol"])


@everyone
def test_the_recent_past_matters_unless_it_only_knows_what_is_usual(name: str) -> None:
    """Against a test of poison that passes because nothing is looked at."""
    if name in ("climatology", "constant", "trend_seasons", "seasonal_naive"):
        pytest.skip("it says what is usual, whatever came last")
    made, found = learnt(name)
    values = record().values.copy()
    values[:, ORIGINS[-1] - 5 : ORIGINS[-1] + 1] *= 1.5
    moved = made.forecast(replace(record(), values=values), ORIGINS, HORIZON)
    assert not np.allclose(moved[:, -1], found[:, -1], equal_nan=True)
    np.testing.assert_allclose(moved[:, 0], found[:, 0], rtol=DIGITS["rtol"], atol=DIGITS["atol"])


@everyone
def test_a_constant_series_is_forecast_constant(name: str) -> None:
    found = told(name, panel_of(np.full((len(PLACES), STEPS), 3.5), TARGET))
    said = found["mean"].dropna()
    assert said.to_numpy() == pytest.approx(np.full(len(said), 3.5), rel=1e-6)
    if name not in ("hyperbolic", "asaoka"):
        assert len(said) == len(found)


@everyone
def test_a_place_without_a_value_gets_none_and_disturbs_nobody(name: str) -> None:
    panel = tables()[0].copy()
    panel.loc[panel["location_id"] == "c", TARGET] = np.nan
    found = told(name, panel).set_index("location_id")["mean"]
    assert found["c"].isna().all()
    others = found.drop("c")
    before = plain(name).set_index("location_id")["mean"].drop("c")
    assert (others.isna() == before.isna()).all()
    away = (others - before).abs() / others.index.map(tables()[0].groupby("location_id")[TARGET].std())
    # Those that learn from all places together have lost what the tenth had to teach; to the rest it is nothing.
    assert away.mean() < (0.5 if "seed" in small(name).get_params() else 1e-9)


@everyone
def test_a_value_that_is_not_finite_is_never_forecast(name: str) -> None:
    _, found = learnt(name)
    assert not np.isinf(found).any()
    assert np.isfinite(found[PLACES.index(SETTLING)]).all()


@everyone
@pytest.mark.parametrize("horizon", [0, -1, 2.5, True, 1_501, STEPS])
def test_an_impossible_horizon_is_refused(name: str, horizon: int) -> None:
    with pytest.raises(AlmanacError) as refused:
        told(name, tables()[0], horizon=horizon)
    assert str(horizon) in str(refused.value) and refused.value.hint


@everyone
def test_it_says_so_when_it_is_asked_before_it_learnt(name: str) -> None:
    with pytest.raises(AlmanacError, match="learnt nothing yet"):
        small(name).predict(1)


@everyone
def test_it_is_one_of_scikit_learn(name: str) -> None:
    """Parameters are stored as given, and a copy of it is made from them alone."""
    from sklearn.base import clone

    made = small(name)
    assert clone(made).get_params() == made.get_params()
    assert not [key for key in vars(made) if key.endswith("_")]


@everyone
def test_a_near_miss_of_its_name_is_told(name: str) -> None:
    with pytest.raises(UnknownName) as refused:
        FORECASTERS[name[:-1] + "x"]
    assert f"Did you mean “{name}”?" in str(refused.value.hint)


def test_a_name_like_none_lists_all() -> None:
    with pytest.raises(UnknownName) as refused:
        FORECASTERS["zzz"]
    for name in FORECASTERS:
        assert name in str(refused.value.hint)


def test_the_response_wants_a_driver() -> None:
    with pytest.raises(AlmanacError, match="has no driver"):
        small("response").fit(tables()[0]).predict(2)
