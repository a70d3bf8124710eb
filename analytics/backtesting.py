"""Forecasts of the past, made as if the rest had not happened yet, beside what then came."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analytics.forecaster import Forecaster, require_horizon
from analytics.history import History, history_of
from analytics.tasks import run_all
from geodata.errors import AlmanacError, UnknownName
from geodata.search import nearest

# Called with how many parts are done and how many there are.
Progress = Callable[[int, int], None]

WINDOWS = 60
# At most this share of the record is held back for the windows: the rest is learnt from.
_HELD_BACK = 0.4


@dataclass(frozen=True, eq=False)
class Plan:
    """When the forecasts of a backtest are made, and from what.

    learnt : models learn from the steps before this one, and never from later ones
    origins : the k steps after which forecasts are made (the cutoffs), ascending
    horizon : how many steps each looks ahead
    gap : how many steps late values are published: a forecast made after step o knows those up to o - gap
    refits : into how many blocks of cutoffs it falls; models learn anew before each, from all that is known then
    """

    learnt: int
    origins: np.ndarray
    horizon: int
    gap: int = 0
    refits: int = 1

    def blocks(self) -> list[Plan]:
        """A plan for each block of cutoffs, the first of which learns from what this one says."""
        parts = [part for part in np.array_split(self.origins, self.refits) if len(part)]
        learnt = [self.learnt, *(int(part[0]) + 1 - self.gap for part in parts[1:])]
        return [replace(self, learnt=n, origins=part, refits=1) for n, part in zip(learnt, parts, strict=True)]


@dataclass(frozen=True, eq=False)
class Backtested:
    """Forecasts of several models from the same cutoffs, and what came.

    history : the whole record, for its places, times and units
    plan : when they were made
    means : by model, places × k × horizon
    """

    history: History
    plan: Plan
    means: Mapping[str, np.ndarray]

    @property
    def targets(self) -> np.ndarray:
        """k × horizon: the steps that were forecast."""
        return self.plan.origins[:, None] + np.arange(1, self.plan.horizon + 1)

    @property
    def observed(self) -> np.ndarray:
        """places × k × horizon: what came; NaN where it is missing or has not come yet."""
        inside = self.targets < len(self.history)
        found = self.history.values[:, np.minimum(self.targets, len(self.history) - 1)]
        return np.where(inside, found, np.nan)

    def table(self) -> pd.DataFrame:
        """One row per model, place, cutoff and lead time: `model`, `location_id`, `cutoff`, `time`, `lead`, `mean`,
        `observed`. `cutoff` is the last step that was known.
        """
        n, k, horizon = self.observed.shape
        places = np.repeat(np.arange(n), k * horizon)
        times = self.history.ahead(horizon).tz_localize("UTC")
        parts = [
            pd.DataFrame(
                {
                    "model": pd.Categorical.from_codes(np.full(n * k * horizon, i), list(self.means)),
                    "location_id": pd.Categorical.from_codes(places, self.history.places),
                    "cutoff": times[np.tile(np.repeat(self.plan.origins, horizon), n)],
                    "time": times[np.tile(self.targets.ravel(), n)],
                    "lead": np.tile(np.arange(1, horizon + 1), n * k),
                    "mean": self.means[model].ravel(),
                    "observed": self.observed.ravel(),
                }
            )
            for i, model in enumerate(self.means)
        ]
        return pd.concat(parts, ignore_index=True)


def silent(done: int, parts: int) -> None:
    """A progress that tells nobody."""


def require_forecasts(means: Mapping[str, np.ndarray], *names: str) -> None:
    """Refuses a name of which a backtest has no forecasts; a near-miss is named in the error.

    Raises
    ------
    UnknownName
        Naming the first of them.
    """
    for name in names:
        if name not in means:
            near = nearest(name, list(means))
            raise UnknownName(
                "The backtest has no forecasts of “{name}”.",
                hint="Did you mean “{near}”?" if near else "It has those of: {known}.",
                name=name,
                near=near,
                known=tuple(means),
            )


def backtest(
    models: Sequence[str] | Mapping[str, Forecaster],
    history: pd.DataFrame | History,
    *,
    target: str | None = None,
    horizon: int,
    windows: int = WINDOWS,
    gap: int = 0,
    refits: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """What each model would have said in the past, and what then came.

    Parameters
    ----------
    models : names out of `FORECASTERS`, or forecasters by a name of your own.
    history : a panel, or a history.
    target : the column, where the panel has several.
    horizon : how many steps ahead.
    windows : from how many moments; they lie evenly in the last part of the record.
    gap : after how many steps a value is published.
    refits : how often the models learn anew, from all that is known by then; one task each.
    progress : called with how many tasks are done and how many there are.

    Returns
    -------
    As `Backtested.table`.
    """
    record = history if isinstance(history, History) else history_of(history, target)
    plan = plan_of(record, horizon, windows=windows, gap=gap, refits=refits)
    return run(models, record, plan, progress=progress).table()


def plan_of(history: History, horizon: int, *, windows: int = WINDOWS, gap: int = 0, refits: int = 1) -> Plan:
    """Cutoffs spread evenly over the last part of a record.

    Raises
    ------
    AlmanacError
        Where the record is too short, or a number makes no sense.
    """
    require_horizon(history, horizon)
    for name, number, least in (("windows", windows, 1), ("gap", gap, 0), ("refits", refits, 1)):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
            raise AlmanacError(
                "{name} is {number}, but a whole number from {least} is needed.",
                hint="Give such a number.",
                name=name,
                number=number,
                least=least,
            )
    last = len(history) - 1 - horizon
    first = max(int(len(history) * (1 - _HELD_BACK)), horizon + gap + 1)
    room = last - first + 1
    if room < 1:
        raise AlmanacError(
            "The record has {n} steps of {step}, too few for a backtest {horizon} steps ahead.",
            hint="Ask for fewer steps ahead.",
            n=len(history),
            step=history.step,
            horizon=horizon,
        )
    count = min(windows, room)
    every = max(1, room // count)
    # A spacing of whole days or weeks would try every lead time at one hour or weekday only.
    while every > 1 and math.gcd(every, 168) > 1:
        every -= 1
    origins = last - every * np.arange(count)[::-1]
    return Plan(int(origins[0]) + 1 - gap, origins, horizon, gap, refits)


def run(
    models: Sequence[str] | Mapping[str, Forecaster],
    history: History,
    plan: Plan,
    *,
    progress: Progress | None = None,
) -> Backtested:
    """Learns each model before the first cutoff of each block and lets it forecast from all of them.

    What was computed before from the same data, code and settings is taken from the cache; see `run_all`, which says
    what `progress` is for.
    """
    from analytics.forecasters import FORECASTERS

    chosen = models if isinstance(models, Mapping) else {name: FORECASTERS[name]() for name in models}
    blocks = plan.blocks()
    found = run_all([(model, history, block) for model in chosen.values() for block in blocks], progress=progress)
    parts = {name: found[i * len(blocks) : (i + 1) * len(blocks)] for i, name in enumerate(chosen)}
    return Backtested(history, plan, {name: np.concatenate(part, axis=1) for name, part in parts.items()})
