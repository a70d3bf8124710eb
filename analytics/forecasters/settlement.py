"""Ground that settles under load: it goes on along the curve that its readings have followed so far."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from analytics.forecaster import Forecaster
from analytics.forecasters.baseline import last_index, last_seen
from analytics.history import History
from analytics.record import refuse_parameter
from analytics.settlement_curves import hyperbola, recursion, usual_interval


class Hyperbolic(Forecaster):
    """It settles on along a hyperbola: t/(s − s₀) = a + b·t, through all readings of the place so far.

    Parameters
    ----------
    least : readings that have moved less than this since the first are left out of the line, in the unit of the target.

    Notes
    -----
    The curve goes on from the last reading. Which way the ground moves is told by that reading too, so that heights,
    displacements and settlements may all be given. Nothing is forecast (NaN) where the readings do not bend towards an
    end, where fewer than 4 count, or where the last one has come back past the first. The line is fitted anew at each
    origin from what was known by then; formula and reference as in `analytics.indicators.settlement`.
    """

    def __init__(self, least: float = 1.0) -> None:
        self.least = least

    def learn(self, history: History, horizon: int) -> Self:
        if not self.least > 0:
            raise refuse_parameter("least", self.least, wanted="a number above zero")
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        values = history.values
        days = _days(history.ahead(horizon))
        last, at = last_seen(values), last_index(np.isfinite(values))
        found = np.full((len(values), len(origins), horizon), np.nan)
        seen = np.isfinite(values)
        began = values[np.arange(len(values)), seen.argmax(axis=1)]
        for i, origin in enumerate(origins):
            way = np.where(last[:, origin] < began, -1.0, 1.0)
            known = way[:, None] * values[:, : origin + 1]
            _, first_day, a, b = hyperbola(known, days[: origin + 1], least=self.least)
            before = (days[at[:, origin]] - first_day)[:, None]
            then = days[origin + 1 : origin + 1 + horizon] - first_day[:, None]
            a, b = a[:, None], b[:, None]
            found[:, i] = last[:, origin][:, None] + way[:, None] * (then / (a + b * then) - before / (a + b * before))
        return found


class Asaoka(Forecaster):
    """It settles on as it has: each move is the same share of the one before, sᵢ = β₀ + β₁·sᵢ₋₁.

    Parameters
    ----------
    interval : the steps from one reading to the next; None takes the most common number in the history learnt from.

    Notes
    -----
    The distance from the end β₀/(1 − β₁) shrinks by β₁ in each interval, from the last reading on. Nothing is forecast
    (NaN) where the moves do not shrink towards an end or there are fewer than 4 pairs of readings one interval apart.
    The line is fitted anew at each origin from what was known by then; reference as in
    `analytics.indicators.settlement`.
    """

    def __init__(self, interval: int | None = None) -> None:
        self.interval = interval

    def learn(self, history: History, horizon: int) -> Self:
        if self.interval is not None and (not isinstance(self.interval, int | np.integer) or self.interval < 1):
            raise refuse_parameter("interval", self.interval, wanted="a whole number of steps from 1 on")
        self.interval_ = int(self.interval or usual_interval(history.values))
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        values = history.values
        last, at = last_seen(values), last_index(np.isfinite(values))
        found = np.full((len(values), len(origins), horizon), np.nan)
        for i, origin in enumerate(origins):
            # Taken from the last reading, heights that are large and alike lose no digits.
            now = last[:, origin][:, None]
            constant, share = recursion(values[:, : origin + 1] - now, self.interval_)
            with np.errstate(invalid="ignore", divide="ignore"):
                passed = (origin - at[:, origin])[:, None] + np.arange(1, horizon + 1)
                left = share[:, None] ** (passed / self.interval_)
                found[:, i] = now + (constant / (1 - share))[:, None] * (1 - left)
        return found


def _days(times: pd.DatetimeIndex) -> np.ndarray:
    return times.to_numpy("datetime64[us]").astype(np.int64) / 86_400e6
