"""Percentiles and means of whole matrices with gaps, and rounding as regulations mean it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

# So many cells are sorted at once (32 MB): a second copy of a year of hours at ten thousand places would not fit.
_CELLS_AT_ONCE = 4_000_000


def blocks(values: np.ndarray) -> Iterator[slice]:
    """Runs of places (rows) small enough to be copied and sorted."""
    size = max(1, _CELLS_AT_ONCE // max(values.shape[1], 1))
    for start in range(0, len(values), size):
        yield slice(start, start + size)


def inverted_cdf(values: np.ndarray, percents: Sequence[int]) -> np.ndarray:
    """The percentiles of each row, each a value that occurs: the smallest with at least so many at or below it.

    Parameters
    ----------
    values : places × steps; missing is NaN and counts for nothing.
    percents : whole percents, so that the rank is exact; in floating point 0.95 × n may miss a whole number.

    Returns
    -------
    places × percents; NaN where a place has no value.

    Notes
    -----
    Type 1 of Hyndman and Fan (1996): the value of rank ⌈n·p⌉. R's `quantile(type = 1)` and NumPy's
    `method="inverted_cdf"` are the same.

    Examples
    --------
    >>> inverted_cdf(np.array([[30.0, np.nan, 10.0, 20.0, 40.0, 50.0]]), (50, 80))
    array([[30., 40.]])
    """
    ordered = np.sort(values, axis=1)
    n = np.isfinite(ordered).sum(axis=1)
    if not values.shape[1]:
        return np.full((len(values), len(percents)), np.nan)
    ranks = np.column_stack([np.maximum(-(-n * percent // 100), 1) for percent in percents])
    return np.take_along_axis(ordered, ranks - 1, axis=1)


def mean(values: np.ndarray) -> np.ndarray:
    """The mean of what each row has; NaN, without a warning, where it has nothing."""
    present = np.isfinite(values)
    n = present.sum(axis=1)
    total = np.where(present, values, 0.0).sum(axis=1)
    return np.divide(total, n, out=np.full(len(values), np.nan), where=n > 0)


def half_up(values: np.ndarray, decimals: int = 0) -> np.ndarray:
    """Rounded to the nearest, and halves upward, as people round; NumPy rounds halves to the even neighbour.

    Examples
    --------
    >>> half_up(np.array([0.5, 1.5, 2.5])), half_up(np.array([1.005]), 2)
    (array([1., 2., 3.]), array([1.01]))
    """
    scaled = np.asarray(values, dtype=float) * 10.0**decimals
    # 1.005 × 100 is 100.49999999999999 in floating point: what is a half to nine places is a half.
    return np.asarray(np.floor(np.round(scaled, 9) + 0.5) / 10.0**decimals)
