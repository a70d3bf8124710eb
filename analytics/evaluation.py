"""How well the series of any file can be forecast: the same models and baselines on data that is in no region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from analytics.backtesting import Backtested, Plan, Progress, run, silent
from analytics.candidates import baselines_of, models_of
from analytics.forecaster import require_horizon
from analytics.forecasters import FORECASTERS
from analytics.history import History
from analytics.intervals import intervals_of, limit_names
from analytics.record import ratio, refuse_parameter
from analytics.scores import rmse
from analytics.scoring import scores_with_limits
from geodata.errors import AlmanacError

COVERAGES = (0.8, 0.9, 0.95)
# Forecasts for the intervals and for the choice among models are made in this last part of what is learnt from.
_CALIBRATION = 0.25
_MOST_ROWS = 6_000_000
Mode = Literal["forecast", "simulate"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Forecasts of the part of a file after `train_end`, and the model that did best before it.

    best : the model with the least errors in the last quarter of the training part
    backtested : the forecasts of every baseline and model, from every cutoff of the test part
    limits : by coverage, low and high of the best model
    simulated : whether it was simulated from the one cutoff to the end of the record
    """

    best: str
    backtested: Backtested
    limits: Mapping[float, tuple[np.ndarray, np.ndarray]]
    simulated: bool = False

    def predictions(self) -> pd.DataFrame:
        """The best model's forecasts, one row per place, cutoff and lead time, with their limits."""
        only = Backtested(self.backtested.history, self.backtested.plan, {self.best: self.backtested.means[self.best]})
        table = only.table()
        for share, limits in self.limits.items():
            for name, limit in zip(limit_names(share), limits, strict=True):
                table[name] = limit.ravel()
        return table

    def scores(self) -> pd.DataFrame:
        """The scores of every baseline and model by place and lead time, with the coverage of the best one's limits.

        A simulation is judged as a whole: one row for each place and model, `lead` being its length in steps.
        """
        if self.simulated:
            plan = self.backtested.plan
            steps = Plan(plan.learnt, plan.origins[0] + np.arange(plan.horizon), 1)
            means = {name: np.moveaxis(values, 1, 2) for name, values in self.backtested.means.items()}
            whole = scores_with_limits(Backtested(self.backtested.history, steps, means), self.best, {})
            return whole.assign(lead=plan.horizon)
        return scores_with_limits(self.backtested, self.best, self.limits)


def evaluate(
    history: History,
    *,
    horizon: int,
    train_end: str | pd.Timestamp,
    mode: Mode = "forecast",
    every: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Learns from a history up to a moment, and forecasts or simulates all that comes after it.

    Parameters
    ----------
    horizon : in steps; a simulation runs to the end of the record whatever it is.
    train_end : the last step to learn from.
    mode : "forecast" from every step after that, each time knowing what came before; or "simulate": from the drivers
        alone, without any value of the series after `train_end`.
    every : steps between the cutoffs; None takes every step, or as many as six million forecasts allow.
    progress : called with the number of parts done and of all parts.

    Raises
    ------
    AlmanacError
        Where the moment lies outside the record, too little lies before or after it, or `every` is no number of steps.
    """
    learnt = _learnt(history, train_end)
    if mode == "simulate":
        return _simulated(history, learnt)
    require_horizon(history, horizon)
    if every is not None and every < 1:
        raise refuse_parameter("every", every, wanted="a whole number of steps from 1 on")
    origins = np.arange(learnt - 1, len(history) - horizon)
    if not len(origins):
        raise AlmanacError(
            "After {when} the record has {n} steps, fewer than the horizon of {horizon}.",
            hint="Ask for fewer steps ahead, or end the training earlier.",
            when=str(pd.Timestamp(train_end)),
            n=len(history) - learnt,
            horizon=horizon,
        )
    before = history.until(learnt)
    require_horizon(before, horizon)
    baselines, models = baselines_of(before), models_of(before)
    told, parts = progress or silent, 2 * len(models) + len(baselines)
    calibration = _calibration(before, horizon, models, lambda done, _: told(done, parts))
    best = _best(calibration)
    if every is None:
        every = max(1, -(-len(origins) * len(history.places) * horizon // _MOST_ROWS))
    tested = run(
        [*baselines, *models],
        history,
        Plan(learnt, origins[::every], horizon),
        progress=lambda done, _: told(len(models) + done, parts),
    )
    limits = intervals_of(tested, best, COVERAGES, calibration=calibration).past
    return Evaluation(best, tested, limits)


def _learnt(history: History, train_end: str | pd.Timestamp) -> int:
    """How many steps there are up to and with a moment."""
    try:
        moment = pd.Timestamp(train_end)
    except ValueError:
        moment = pd.NaT
    if moment is pd.NaT:
        raise AlmanacError(
            "“{when}” is not a moment.", hint="Write it as 1999-12-31 or 2012-03-06T12:00.", when=str(train_end)
        )
    if moment.tzinfo is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    if not history.times[0] <= moment < history.times[-1]:
        raise AlmanacError(
            "The training would end at {when}, but the record runs from {first} to {last}.",
            hint="Choose a moment within it.",
            when=str(moment),
            first=str(history.times[0]),
            last=str(history.times[-1]),
        )
    return int(history.times.searchsorted(moment, side="right"))


def _calibration(before: History, horizon: int, models: Sequence[str], progress: Progress) -> Backtested:
    """Forecasts within the training part: learnt from its first three quarters, made in its last."""
    part = max(int(len(before) * (1 - _CALIBRATION)), horizon + 2)
    origins = np.arange(part - 1, len(before) - horizon)
    if not len(origins):
        raise AlmanacError(
            "The {n} steps to learn from are too few to look {horizon} ahead and to know how sure that is.",
            hint="Ask for fewer steps ahead, or end the training later.",
            n=len(before),
            horizon=horizon,
        )
    every = max(1, -(-len(origins) * len(before.places) * horizon // _MOST_ROWS))
    return run(list(models), before, Plan(part, origins[::every], horizon), progress=progress)


def _best(calibration: Backtested) -> str:
    """The model with the least mean squared error, each place weighing the same."""
    observed, values = calibration.observed, calibration.history.values
    seen = np.isfinite(values)
    mean = ratio(np.where(seen, values, 0).sum(axis=1), seen.sum(axis=1))
    spread = np.sqrt(ratio(np.where(seen, (values - mean[:, None]) ** 2, 0).sum(axis=1), seen.sum(axis=1)))
    errors = {}
    for name, means in calibration.means.items():
        error = rmse(means, observed, axis=(1, 2))
        scaled = ratio(error, spread)
        errors[name] = float(ratio(np.nansum(scaled), np.isfinite(scaled).sum()))
    return min(errors, key=lambda name: (np.isnan(errors[name]), errors[name]))


def _simulated(history: History, learnt: int) -> Evaluation:
    model = FORECASTERS["response"]()
    known = replace(history, known_ahead=frozenset(history.drivers))
    model.learn(known.until(learnt), 1)
    horizon = len(history) - learnt
    plan = Plan(learnt, np.array([learnt - 1]), horizon)
    hidden = history.values.copy()
    hidden[:, learnt:] = np.nan
    simulated = model.simulate(replace(known, values=hidden))[:, None, learnt : len(history)]
    names = [name for name in baselines_of(history.until(learnt)) if name in ("climatology", "constant")]
    guesses = run(names, history, plan)
    return Evaluation(
        "response", Backtested(history, plan, {**guesses.means, "response": simulated}), {}, simulated=True
    )
