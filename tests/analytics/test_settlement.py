"""Settlement curves go on along the curves that they were made from, and see nothing of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analytics.forecasters import FORECASTERS
from analytics.forecasters.settlement import Asaoka, Hyperbolic
from analytics.history import History
from analytics.indicators.settlement import settlement_asaoka, settlement_hyperbolic
from geodata.errors import AlmanacError

STEPS = 60
TIMES = pd.date_range("2021-03-01", periods=STEPS, freq="12D")
DAYS = 12.0 * np.arange(STEPS)


def history(values: np.ndarray) -> History:
    places = pd.Index([f"p{i}" for i in range(len(values))])
    return History("settlement_mm", places, TIMES[: values.shape[1]], "12 days", values)


def curves(days: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "hyperbolic": 5 + days / (2.0 + 0.01 * days),
        "asaoka": 80 - 70 * 0.93 ** (days / 12),
    }


@pytest.mark.parametrize("name", ["hyperbolic", "asaoka"])
@pytest.mark.parametrize("way", [1.0, -1.0])
def test_a_curve_goes_on_as_it_was_made(name: str, way: float) -> None:
    curve = way * curves(DAYS)[name] + 1000.0
    values = np.stack([curve, 2 * curve])
    values[1, 20:24] = np.nan
    values[1, 38:41] = np.nan
    known = history(values[:, :50])
    forecaster = FORECASTERS[name]().learn(known, 10)
    found = forecaster.forecast(known, np.array([20, 40, 49]), 10)
    for i, origin in enumerate((20, 40, 49)):
        expected = np.stack([curve, 2 * curve])[:, origin + 1 : origin + 11]
        assert found[:, i, : expected.shape[1]] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["hyperbolic", "asaoka"])
def test_in_the_end_it_has_settled_as_the_indicator_says(name: str) -> None:
    draw = np.random.default_rng(1)
    noisy = curves(DAYS)[name] + draw.normal(0, 0.05, (3, STEPS))
    rows = history(noisy)
    panel = pd.DataFrame(
        {
            "location_id": np.repeat(rows.places, STEPS),
            "time": np.tile(TIMES.tz_localize("UTC"), 3),
            "settlement_mm": noisy.ravel(),
        }
    )
    final = (settlement_hyperbolic if name == "hyperbolic" else settlement_asaoka)(panel)
    forecaster = FORECASTERS[name]().learn(rows, 1_500)
    far = forecaster.forecast(rows, np.array([STEPS - 1]), 1_500)[:, 0, -1]
    # The hyperbola goes on from the last reading, so its end is off by the error of this one, and by what is left after
    # 49 years.
    assert far == pytest.approx(final.to_numpy(), rel=1e-6 if name == "asaoka" else 0.02)


@pytest.mark.parametrize("name", ["hyperbolic", "asaoka"])
def test_the_future_is_not_seen(name: str) -> None:
    draw = np.random.default_rng(2)
    values = curves(DAYS)[name] + draw.normal(0, 0.3, (20, STEPS))
    values[draw.random(values.shape) < 0.1] = np.nan
    rows = history(values)
    poisoned = replace(rows, values=values.copy())
    poisoned.values[:, 41:] = 1e6
    origins = np.array([25, 40])
    forecasts = [FORECASTERS[name]().learn(rows.until(30), 8).forecast(h, origins, 8) for h in (rows, poisoned)]
    assert np.isfinite(forecasts[0]).mean() > 0.9
    assert np.array_equal(forecasts[0], forecasts[1], equal_nan=True)
    alone = FORECASTERS[name]().learn(rows.until(30), 8).forecast(rows.until(41), np.array([40]), 8)
    assert np.array_equal(alone[:, 0], forecasts[0][:, 1], equal_nan=True)


def test_where_there_is_no_curve_there_is_no_forecast() -> None:
    straight = 0.5 * DAYS
    speeding = 0.001 * DAYS**2
    values = np.stack([straight, speeding, np.full(STEPS, 3.0), np.full(STEPS, np.nan)])
    rows = history(values)
    for name in ("hyperbolic", "asaoka"):
        found = FORECASTERS[name]().learn(rows, 5).forecast(rows, np.array([2, STEPS - 1]), 5)
        assert np.isnan(found[1:]).all(), name
        # A straight line has no end, or one beyond all rounding.
        beyond = found[0, 1]
        assert (np.isnan(beyond) | (np.abs(beyond - (straight[-1] + 6 * np.arange(1, 6))) < 0.01)).all(), name


def test_readings_every_fourth_step_are_followed_between() -> None:
    curve = curves(DAYS)["asaoka"]
    sparse = np.where(np.arange(STEPS) % 4 == 0, curve, np.nan)[None]
    rows = history(sparse)
    forecaster = Asaoka().learn(rows, 6)
    assert forecaster.interval_ == 4
    assert forecaster.forecast(rows, np.array([50]), 6)[0, 0] == pytest.approx(curve[51:57], rel=1e-9)


def test_a_table_is_forecast() -> None:
    panel = pd.DataFrame(
        {"location_id": "a", "time": TIMES.tz_localize("UTC"), "settlement_mm": curves(DAYS)["asaoka"]}
    )
    found = FORECASTERS["asaoka"]().fit(panel).predict(3)
    assert found["mean"].to_numpy() == pytest.approx(curves(12.0 * np.arange(STEPS, STEPS + 3))["asaoka"])


def test_what_cannot_be_is_refused() -> None:
    rows = history(curves(DAYS)["asaoka"][None])
    with pytest.raises(AlmanacError, match="interval is 0"):
        Asaoka(interval=0).learn(rows, 3)
    with pytest.raises(AlmanacError, match="least is -1"):
        Hyperbolic(least=-1).learn(rows, 3)
