"""Which forecasters are worth trying on a series: decided by looking at it, never by its name alone."""

from __future__ import annotations

import numpy as np

from analytics.history import History
from analytics.transforms import skewness

# Above this skewness of its values a nonnegative series is one of rare peaks, such as the flow of a river.
_SKEWED = 1.5
# With fewer of its steps filled, lags say nothing: only what drives a series can.
_SPARSE = 0.5
# Without one whole cycle twice, what is usual at a time of the cycle is not known.
_CYCLES = 2.0
# Fewer filled steps than this teach a model nothing that a line does not know.
_FEWEST = 30
# How far to look where nobody says: an hour, half a day, a day, two weeks, half a year, three years.
_HORIZONS = {"5 minutes": 12, "15 minutes": 48, "1 hour": 24, "1 day": 14, "1 month": 6, "1 year": 3}
_WEEKS_IN_YEAR = 365.2425 / 7
# Three months of daily steps, where only every other week has a measurement.
_SPARSE_HORIZON = 90


def usual_horizon(history: History) -> int:
    """How many steps ahead are asked where nobody says otherwise."""
    if history.step == "1 day" and filled(history) < _SPARSE:
        return _SPARSE_HORIZON
    return _HORIZONS.get(history.step, 3)


def baselines_of(history: History) -> list[str]:
    """The guesses that anyone could make of this series; what is called the best baseline is the best of these."""
    names = ["persistence", "drift", "constant"]
    years = len(history) / history.steps_in_year
    cycles = years if history.steps_in_year <= 366 else years * _WEEKS_IN_YEAR
    if history.steps_in_year > 1 and cycles >= _CYCLES:
        names += ["seasonal_naive", "climatology"]
    if len(history) > len(names) + 1:
        names.append("trend_seasons")
    return names


def models_of(history: History) -> list[str]:
    """The models that may know more than a baseline."""
    if "displacement" in history.target or "settlement" in history.target:
        return ["hyperbolic", "asaoka"]
    driven = ["response"] if history.drivers else []
    steps = int(np.isfinite(history.values).any(axis=0).sum())
    if filled(history) < _SPARSE and driven:
        return driven
    if steps < _FEWEST or history.step == "1 year":
        return ["regression", *driven]
    # A flow regression has the stores that the response has, and the flow itself.
    return ["flow"] if skewed(history) else ["regression", *driven]


def filled(history: History) -> float:
    """The share of steps with a value, from each place's first value to its last."""
    seen = np.isfinite(history.values)
    some = seen.any(axis=1)
    due = seen.shape[1] - seen[some].argmax(axis=1) - seen[some][:, ::-1].argmax(axis=1)
    return float(seen.sum() / max(due.sum(), 1))


def skewed(history: History) -> bool:
    """Whether the values are those of rare peaks: never negative, daily, and most of their spread above the middle."""
    if history.step != "1 day" or np.nanmin(history.values) < 0:
        return False
    return skewness(history.values) > _SKEWED
