"""The two curves by which settling ground is foreseen, fitted at many places at once."""

from __future__ import annotations

import numpy as np

from analytics.record import ratio

# A line through fewer points fits whatever the ground does.
LEAST_POINTS = 4


def hyperbola(
    settled: np.ndarray, days: np.ndarray, *, start: float = -np.inf, least: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The line t/(s − s₀) = a + b·t of each place: s₀, the day of s₀, a and b.

    Parameters
    ----------
    settled : places × times, growing as the ground settles; missing is NaN.
    days : the times in days, ascending.
    start : the day from which readings count.
    least : readings that have settled less than this since s₀ are left out, in the unit of the readings.

    Notes
    -----
    a and b are NaN where b ≤ 0 (no end), a ≤ 0 (an infinite rate within the record) or fewer than 4 readings count.
    """
    present = np.isfinite(settled) & (days >= start)
    places = np.arange(len(settled))
    at = present.argmax(axis=1) if len(days) else np.zeros(len(settled), dtype=int)
    first = settled[places, at] if len(days) else np.full(len(settled), np.nan)
    first_day = days[at] if len(days) else np.zeros(len(settled))
    elapsed = days - first_day[:, None]
    gain = settled - first[:, None]
    used = present & (elapsed > 0) & (np.where(present, gain, -np.inf) >= least)
    slowness = ratio(elapsed, np.where(used, gain, np.nan))
    slope, intercept = line(elapsed, slowness, used)
    ends = (slope > 0) & (intercept > 0) & (used.sum(axis=1) >= LEAST_POINTS)
    return first, first_day, np.where(ends, intercept, np.nan), np.where(ends, slope, np.nan)


def recursion(settled: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """β₀ and β₁ of each place in sᵢ = β₀ + β₁·sᵢ₋₁, over the pairs of readings exactly `lag` columns apart.

    NaN where β₁ ≥ 1 (no end), β₁ ≤ 0 (the steps alternate) or there are fewer than 4 pairs.
    """
    before, after = settled[:, :-lag], settled[:, lag:]
    used = np.isfinite(before) & np.isfinite(after)
    slope, intercept = line(before, after, used)
    ends = (slope > 0) & (slope < 1) & (used.sum(axis=1) >= LEAST_POINTS)
    return np.where(ends, intercept, np.nan), np.where(ends, slope, np.nan)


def usual_interval(settled: np.ndarray) -> int:
    """The most common number of columns from one reading to the next; the shortest of those equally common."""
    place, day = np.nonzero(np.isfinite(settled))
    gaps = np.diff(day)[np.diff(place) == 0]
    return int(np.bincount(gaps).argmax()) if len(gaps) else 1


def line(x: np.ndarray, y: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of each row's line through the points that are used; NaN where they do not spread."""
    n = used.sum(axis=1).astype(float)
    mean_x = ratio(np.where(used, x, 0.0).sum(axis=1), n)
    mean_y = ratio(np.where(used, y, 0.0).sum(axis=1), n)
    off_x = np.where(used, x - mean_x[:, None], 0.0)
    off_y = np.where(used, y - mean_y[:, None], 0.0)
    slope = ratio((off_x * off_y).sum(axis=1), (off_x**2).sum(axis=1))
    return slope, mean_y - slope * mean_x
