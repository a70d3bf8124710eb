"""The guesses that anyone could make: what a model has to beat before it is shown."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from analytics.forecaster import Forecaster
from analytics.history import History

# Days of the year on either side that count as the same time of the year.
_HALF_WINDOW = 10
_DAYS = 366


class Persistence(Forecaster):
    """It stays as it was last seen."""

    baseline = True

    def learn(self, history: History, horizon: int) -> Self:
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        last = last_seen(history.values)[:, origins]
        return np.repeat(last[:, :, None], horizon, axis=2)


class SeasonalNaive(Forecaster):
    """It will be as it was at the same time one season before: a week for steps within the day, else a year.

    Where that value is missing the season before it is taken, and so on.

    Parameters
    ----------
    season : in steps; None takes the week or year.
    """

    baseline = True

    def __init__(self, season: int | None = None) -> None:
        self.season = season

    def learn(self, history: History, horizon: int) -> Self:
        self.season_ = self.season or history.season
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        season = self.season_
        found = np.full((len(history.places), len(origins), horizon), np.nan)
        # The value of the same phase, carried over the seasons in which it is missing.
        padded = -len(history) % season
        values = np.pad(history.values, ((0, 0), (0, padded)), constant_values=np.nan)
        phases = values.reshape(len(values), -1, season).transpose(0, 2, 1)
        carried = last_seen(phases.reshape(-1, phases.shape[2])).reshape(phases.shape)
        known = carried.transpose(0, 2, 1).reshape(len(values), -1)
        for lead in range(1, horizon + 1):
            back = -(-lead // season) * season
            where = origins + lead - back
            usable = where >= 0
            found[:, usable, lead - 1] = known[:, where[usable]]
        return found


class Climatology(Forecaster):
    """It will be as it usually is at this time: of the year, or within a day, of the week.

    The mean over the years learnt from, of the days within ten of the same day of the year (or of the same month), or
    of the same step of the same weekday by the local clock.
    """

    baseline = True

    def learn(self, history: History, horizon: int) -> Self:
        phase, count = phase_of(history, history.times)
        sums, seen = _by_phase(history.values, phase, count)
        if count == _DAYS:
            sums, seen = _around(sums), _around(seen)
        with np.errstate(invalid="ignore"):
            self.normal_ = np.where(seen > 0, sums / seen, np.nan)
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        phase, _ = phase_of(history, history.ahead(horizon))
        return self.normal_[:, phase[origins[:, None] + np.arange(1, horizon + 1)]]


class Drift(Forecaster):
    """It goes on from where it was last seen, as fast as it has gone from the first value to that one."""

    baseline = True

    def learn(self, history: History, horizon: int) -> Self:
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        values = history.values
        seen = np.isfinite(values)
        first = seen.argmax(axis=1)
        began = values[np.arange(len(values)), first]
        at = last_index(seen)[:, origins]
        last = last_seen(values)[:, origins]
        passed = at - first[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = np.where(passed > 0, (last - began[:, None]) / passed, np.nan)
        ahead = (origins - at)[:, :, None] + np.arange(1, horizon + 1)
        return last[:, :, None] + slope[:, :, None] * ahead


class Constant(Forecaster):
    """It will be the mean of all that was measured."""

    baseline = True

    def learn(self, history: History, horizon: int) -> Self:
        seen = np.isfinite(history.values)
        count = seen.sum(axis=1)
        with np.errstate(invalid="ignore"):
            self.mean_ = np.where(count > 0, np.where(seen, history.values, 0).sum(axis=1) / count, np.nan)
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        return np.broadcast_to(self.mean_[:, None, None], (len(self.mean_), len(origins), horizon)).copy()


class TrendSeasons(Forecaster):
    """It follows a straight line and the seasons: least squares of a line and two yearly (within the day also daily and
    weekly) sinusoids, as far as the record spans them twice.
    """

    baseline = True

    def learn(self, history: History, horizon: int) -> Self:
        values = history.values
        self.origin_ = history.times[0]
        years = len(history) / history.steps_in_year
        self.periods_ = tuple(
            p for p in (1.0, 7 / 365.2425, 1 / 365.2425) if 2 * p <= years and 1 / p < history.steps_in_year / 2
        )
        # Too short a record bends the line with the season; then the line alone is fitted.
        terms = self._terms(history, history.times)
        seen = np.isfinite(values)
        weights = seen.astype(float)
        gram = np.einsum("ij,jk,jl->ikl", weights, terms, terms, optimize=True)
        right = np.where(seen, values, 0) @ terms
        enough = seen.sum(axis=1) > terms.shape[1]
        self.coefficients_ = np.full(right.shape, np.nan)
        ridge = 1e-9 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(terms.shape[1])
        if enough.any():
            solved = np.linalg.solve((gram + ridge)[enough], right[enough][:, :, None])
            self.coefficients_[enough] = solved[:, :, 0]
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        line = self.coefficients_ @ self._terms(history, history.ahead(horizon)).T
        return line[:, origins[:, None] + np.arange(1, horizon + 1)]

    def _terms(self, history: History, times: pd.DatetimeIndex) -> np.ndarray:
        years = ((times - self.origin_) / pd.Timedelta(days=365.2425)).to_numpy(float)
        columns = [np.ones_like(years), years]
        for period in self.periods_:
            for harmonic in (1, 2):
                angle = 2 * np.pi * harmonic * years / period
                columns += [np.sin(angle), np.cos(angle)]
        return np.column_stack(columns)


def last_index(seen: np.ndarray) -> np.ndarray:
    """places × steps: the step of the last value at or before each step; 0 where there is none yet."""
    index = np.where(seen, np.arange(seen.shape[1], dtype=np.int32), 0)
    return np.maximum.accumulate(index, axis=1)


def last_seen(values: np.ndarray) -> np.ndarray:
    """places × steps: the last value at or before each step; NaN where there is none yet."""
    return np.take_along_axis(values, last_index(np.isfinite(values)), axis=1)


def phase_of(history: History, times: pd.DatetimeIndex) -> tuple[np.ndarray, int]:
    """Which time of its cycle each step is, and how many there are: of the year, or within a day of the week."""
    per_year = history.steps_in_year
    if per_year > 366:
        clock = history.clock(times)
        minutes = (clock.day_of_week * 1440 + clock.hour * 60 + clock.minute).to_numpy()
        width = round(365.2425 * 1440 / per_year)
        return minutes // width, -(-7 * 1440 // width)
    if history.step == "1 year":
        return np.zeros(len(times), dtype=int), 1
    if history.step == "1 month":
        return times.month.to_numpy() - 1, 12
    return times.day_of_year.to_numpy() - 1, _DAYS


def _by_phase(values: np.ndarray, phase: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """places × phases: the sum and the number of values."""
    seen = np.isfinite(values)
    order = np.argsort(phase, kind="stable")
    sorted_phase = phase[order]
    starts = np.flatnonzero(np.r_[True, np.diff(sorted_phase) != 0])
    sums, numbers = (np.zeros((len(values), count)) for _ in range(2))
    sums[:, sorted_phase[starts]] = np.add.reduceat(np.where(seen, values, 0)[:, order], starts, axis=1)
    numbers[:, sorted_phase[starts]] = np.add.reduceat(seen[:, order].astype(float), starts, axis=1)
    return sums, numbers


def _around(values: np.ndarray) -> np.ndarray:
    """The sum over the days within the window, around the turn of the year too."""
    wide = np.concatenate([values[:, -_HALF_WINDOW:], values, values[:, :_HALF_WINDOW]], axis=1)
    total = np.cumsum(np.pad(wide, ((0, 0), (1, 0))), axis=1)
    return total[:, 2 * _HALF_WINDOW + 1 :] - total[:, : -2 * _HALF_WINDOW - 1]
