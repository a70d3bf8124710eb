"""The step that a panel's times keep, and on which of its steps each of them falls."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from geodata.errors import BrokenData

# In microseconds, the longest first: a panel's step is the longest that all of its times keep.
_FIXED = {
    "1 day": 86_400_000_000,
    "1 hour": 3_600_000_000,
    "15 minutes": 900_000_000,
    "5 minutes": 300_000_000,
}
_CALENDAR = {"1 month": "M", "1 year": "Y"}
YEAR = 365.2425 * _FIXED["1 day"]
# How many steps of each kind a year holds: what "years" of a record are counted in.
STEPS_IN_YEAR = {**{step: YEAR / length for step, length in _FIXED.items()}, "1 month": 12.0, "1 year": 1.0}


def grid(moments: np.ndarray, steps: tuple[str, ...]) -> tuple[str, pd.DatetimeIndex, partial[np.ndarray]]:
    """The step that the moments keep, all steps from the first to the last, and which step a moment is."""
    if not len(moments):
        return (steps[0] if steps else "irregular"), pd.DatetimeIndex([], dtype="datetime64[us]"), partial(_fixed, 0, 1)
    first, last = int(moments.min()), int(moments.max())
    unique = np.unique(pd.unique(moments))
    calendar = {name: _on_calendar(unique, unit) for name, unit in _CALENDAR.items()}
    fixed = next((name for name, length in _FIXED.items() if not ((unique - first) % length).any()), "irregular")
    # The first of each month is a day too: what the caller accepts decides, and then how the moments lie.
    step = fixed
    if len(unique) > 1:
        step = "1 year" if calendar["1 year"] else "1 month" if calendar["1 month"] else fixed
    if steps and step not in steps:
        # A single moment keeps every fixed step.
        kept = (fixed,) if len(unique) > 1 else tuple(_FIXED)
        finer = [name for name in steps if calendar.get(name) or name in kept]
        if not finer:
            raise BrokenData(
                "The values come at a step of {found}, but {wanted} is needed.",
                hint="Aggregate or complete them first; a missing step may be absent, but none may lie between.",
                found=step,
                wanted=tuple(steps),
            )
        step = finer[0]
    if step in _CALENDAR:
        unit = _CALENDAR[step]
        start = unique[0].view("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64)
        end = unique[-1].view("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64)
        times = np.arange(start, end + 1).astype(f"datetime64[{unit}]").astype("datetime64[us]")
        return step, pd.DatetimeIndex(times), partial(_by_calendar, unit, start)
    if step == "irregular":
        return step, pd.DatetimeIndex(unique.view("datetime64[us]")), partial(_by_search, unique)
    length = _FIXED[step]
    times = np.arange(first, last + 1, length).view("datetime64[us]")
    return step, pd.DatetimeIndex(times), partial(_fixed, first, length)


def _on_calendar(unique: np.ndarray, unit: str) -> bool:
    starts = unique.view("datetime64[us]").astype(f"datetime64[{unit}]").astype("datetime64[us]").view(np.int64)
    return bool((starts == unique).all())


def _fixed(first: int, length: int, moments: np.ndarray) -> np.ndarray:
    return (moments - first) // length


def _by_calendar(unit: str, start: int, moments: np.ndarray) -> np.ndarray:
    return moments.view("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64) - start


def _by_search(unique: np.ndarray, moments: np.ndarray) -> np.ndarray:
    return np.searchsorted(unique, moments)
