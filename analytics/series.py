"""A long series made short enough to draw, and where it is silent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from geodata.profile import FIXED_STEPS

_MINUTE = pd.Timedelta(minutes=1)
_DAY = pd.Timedelta(days=1)
# The mean length of each step. Months and years differ in length, and local days last 23 to 25 hours when the
# clocks change: steps are counted by rounding, which none of these differences can upset.
STEPS: dict[str, pd.Timedelta] = {
    **FIXED_STEPS,
    "1 month": 365.2425 / 12 * _DAY,
    "1 year": 365.2425 * _DAY,
}
_CALENDAR = {
    "1 day": pd.DateOffset(days=1),
    "12 days": pd.DateOffset(days=12),
    "1 month": pd.DateOffset(months=1),
    "1 year": pd.DateOffset(years=1),
}
# Widths that a reader can picture.
_WIDTHS = tuple(
    [m * _MINUTE for m in (5, 10, 15, 30, 60, 120, 180, 360, 720)]
    + [d * _DAY for d in (1, 2, 3, 5, 7, 10, 15, 30, 60, 90, 180, 365, 730, 1825, 3650)]
)
# More shaded gaps than this cannot be told apart on a screen; those left unshaded are still left open.
_SHADED = 60
# Where measurements keep no fixed step: how many usual intervals without one break the line.
_SILENCE = 10


@dataclass(frozen=True, eq=False)
class Thinned:
    """A series as it can be drawn.

    points : `time`, `value`, and where it was thinned `low` and `high`
    width : the time that each point stands for; None where the points are the values themselves
    """

    points: pd.DataFrame
    width: pd.Timedelta | None


@dataclass(frozen=True, eq=False)
class Sketch:
    """A series as it is drawn with its gaps.

    points : `time`, `value`, and where it was thinned `low` and `high`; NaN at the start of every gap
    width : the time that each point stands for; None where the points are the values themselves
    gaps : `start` and `end` of the gaps that are long enough to see
    """

    points: pd.DataFrame
    width: pd.Timedelta | None
    gaps: pd.DataFrame


def thin(times: pd.Series, values: pd.Series, most: int = 2000) -> Thinned:
    """Fewer points that still show the highest, the lowest and every long silence.

    Parameters
    ----------
    times : moments, ascending.
    values : of the same length; missing is NaN.
    most : how many points to return at most.

    Returns
    -------
    The values themselves where they are few enough. Otherwise the mean, lowest and highest of equal spans of
    time counted from the first moment; `time` is the start of the span. A span without a value has none: a
    silence that fills a span stays one, a shorter one does not show.

    Examples
    --------
    >>> days = pd.Series(pd.date_range("2020-01-01", periods=4, tz="UTC"))
    >>> thin(days, pd.Series([1.0, 3.0, 5.0, 9.0]), most=2).points["value"].tolist()
    [2.0, 7.0]
    """
    if len(times) != len(values):
        raise ValueError(f"{len(times)} times and {len(values)} values")
    table = pd.DataFrame({"time": times.array, "value": np.asarray(values, dtype=np.float64)})
    if len(table) <= most:
        return Thinned(table, None)
    first = table["time"].iloc[0]
    since = np.asarray((table["time"] - first) // pd.Timedelta(seconds=1), dtype=np.int64)
    width = _width(int(since[-1]), most)
    spans = since // int(width.total_seconds())
    count = int(spans[-1]) + 1
    found = np.isfinite(table["value"].to_numpy())
    spans, measured = spans[found], table["value"].to_numpy()[found]
    mean, low, high = (np.full(count, np.nan) for _ in range(3))
    if len(measured):
        starts = np.flatnonzero(np.r_[True, spans[1:] != spans[:-1]])
        filled = spans[starts]
        mean[filled] = np.add.reduceat(measured, starts) / np.diff(np.r_[starts, len(measured)])
        low[filled] = np.minimum.reduceat(measured, starts)
        high[filled] = np.maximum.reduceat(measured, starts)
    time = first + width * pd.RangeIndex(count)
    return Thinned(pd.DataFrame({"time": time, "value": mean, "low": low, "high": high}), width)


def gaps(times: pd.Series, values: pd.Series, step: str) -> pd.DataFrame:
    """When a series is silent for at least one of its own steps, between its first value and its last.

    Parameters
    ----------
    times : the starts of the intervals, ascending.
    values : of the same length; missing is NaN, and whether its row is there or not makes no difference.
    step : the declared step, such as "1 day".

    Returns
    -------
    One row per gap: `start` (of the first interval without a value), `end` (the next value) and `missing`
    (intervals without a value). Empty for a series without a fixed step: no value of it was due.
    """
    seen = pd.DatetimeIndex(times[np.isfinite(np.asarray(values, dtype=np.float64))])
    if step not in STEPS or len(seen) < 2:
        return pd.DataFrame({"start": seen[:0], "end": seen[:0], "missing": np.zeros(0, dtype=np.int64)})
    missing = np.rint(np.asarray((seen[1:] - seen[:-1]) / STEPS[step])).astype(np.int64) - 1
    silent = missing > 0
    # By the calendar, so that a month after 1 March is 1 April in whichever clock the times are.
    one_step = _CALENDAR.get(step, STEPS[step])
    return pd.DataFrame({"start": seen[:-1][silent] + one_step, "end": seen[1:][silent], "missing": missing[silent]})


def sketch(times: pd.Series, values: pd.Series, step: str, most: int = 2000) -> Sketch:
    """A series ready to be drawn: short enough, broken at its gaps, with the gaps that can be seen.

    Parameters
    ----------
    times, values, step : as for `gaps`.
    most : as for `thin`.
    """
    silent = gaps(times, values, step)
    thinned = thin(times, values, most)
    points = thinned.points
    if step not in STEPS:
        points = _broken_at_silences(points.dropna(subset="value"))
    elif thinned.width is None and not silent.empty:
        # A gap may have no rows at all, and a line would be drawn across it.
        points = _broken(points, silent["start"])
    if not silent.empty:
        span = points["time"].iloc[-1] - points["time"].iloc[0]
        length = silent["end"] - silent["start"]
        silent = silent.loc[length[length >= span / 500].nlargest(_SHADED).index].sort_index()
    return Sketch(points, thinned.width, silent[["start", "end"]])


def _broken(points: pd.DataFrame, moments: pd.Series | pd.DatetimeIndex) -> pd.DataFrame:
    """The points with a missing value at each of these moments."""
    breaks = pd.DataFrame({"time": moments, "value": np.nan})
    return pd.concat([points, breaks]).drop_duplicates("time").sort_values("time", ignore_index=True)


def _broken_at_silences(points: pd.DataFrame) -> pd.DataFrame:
    """Without a fixed step nothing is missing, but a line across a silence far longer than usual would mislead."""
    if len(points) < 3:
        return points
    times = pd.DatetimeIndex(points["time"])
    between = times[1:] - times[:-1]
    long = between > _SILENCE * between.to_series().median()
    return _broken(points, (times[:-1] + between / 2)[long])


def _width(seconds: int, most: int) -> pd.Timedelta:
    """The narrowest span that a reader can picture, of which `most` cover this time."""
    for width in _WIDTHS:
        if seconds // int(width.total_seconds()) < most:
            return width
    longest = int(_WIDTHS[-1].total_seconds())
    return _WIDTHS[-1] * (seconds // (longest * most) + 1)
