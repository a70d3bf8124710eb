"""The expected moments algorithm: the moments of a record of which some years are known by bounds only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analytics.flood_frequency import pearson3
from geodata.errors import AlmanacError

Floats = NDArray[np.float64]

# Left-censored fits can run away to ever more negative skews; the programs of the USGS stop them here.
_SMALLEST_SKEW = -1.41
_ROUNDS = 5000


def expected_moments(low: Floats, high: Floats, regional_skew: float | None, share: float) -> Floats:
    """Mean, variance and skew of a Pearson III distribution, part of the skew regional.

    Parameters
    ----------
    low, high : between which bounds each year's value lies; equal where it is known. Either may be infinite.
    regional_skew : what the skew is drawn towards; None leaves it to the record.
    share : how much of the skew is regional, 0 to 1.

    Raises
    ------
    AlmanacError
        If the rounds do not come to rest.

    References
    ----------
    Cohn, T. A., Lane, W. L. & Baier, W. G. (1997): An algorithm for computing moments-based flood quantile estimates
    when historical flood information is available. Water Resources Research 33, 2089-2096, doi:10.1029/97WR01640.
    Anderson, D. G. (1965): Iterative procedures for nonlinear integral equations. Journal of the ACM 12, 547-560,
    doi:10.1145/321296.321305. (It makes the rounds fewer; where they come to rest is the same.)
    """
    exact = low == high
    known = low[exact]
    pairs, count = np.unique(np.stack([low[~exact], high[~exact]]), axis=1, return_counts=True)
    n, m = len(low), len(known)
    squares, cubes = m / (m - 1), m * m / ((m - 1) * (m - 2))

    def next_round(moments: Floats) -> Floats:
        mean, deviation = moments[0], np.sqrt(moments[1])
        first, second, third = _interval_moments((pairs - mean) / deviation, moments[2])
        new_mean = (known.sum() + count @ (mean + deviation * first)) / n
        shift = mean - new_mean
        away = known - new_mean
        second_sum = count @ (shift**2 + 2 * shift * deviation * first + deviation**2 * second)
        variance = (squares * (away**2).sum() + second_sum) / n
        third_sum = count @ (
            shift**3 + 3 * shift**2 * deviation * first + 3 * shift * deviation**2 * second + deviation**3 * third
        )
        skew = (cubes * (away**3).sum() + third_sum) / (n * variance**1.5)
        if regional_skew is not None:
            skew = (1 - share) * skew + share * regional_skew
        return np.array([new_mean, variance, max(skew, _SMALLEST_SKEW)])

    start = np.array([known.mean(), known.var(ddof=1), 0.0])
    return _settled(next_round, start)


def _settled(next_round: Callable[[Floats], Floats], moments: Floats) -> Floats:
    """Where the rounds come to rest. Each is a weighted step; the last few tell how far to go (Anderson 1965)."""
    visited: list[Floats] = []
    steps: list[Floats] = []
    for turn in range(_ROUNDS):
        step = next_round(moments) - moments
        if np.abs(step / np.array([np.sqrt(moments[1]), moments[1], 1.0])).max() < 1e-11:
            return moments + step
        visited, steps = [*visited[-3:], moments], [*steps[-3:], step]
        ahead = moments + step
        # A guess that fails to help in so many rounds is given up, and after more of them the steps are halved
        # in case they go in circles.
        if len(steps) > 1 and turn < 100:
            by_step, by_place = np.diff(np.array(steps), axis=0).T, np.diff(np.array(visited), axis=0).T
            guess = ahead - (by_place + by_step) @ np.linalg.lstsq(by_step, step, rcond=1e-10)[0]
            if guess[1] > moments[1] / 4 and abs(guess[2] - ahead[2]) < 0.5 and guess[2] >= _SMALLEST_SKEW:
                ahead = guess
        moments = ahead if turn < 1000 else moments + step / 2
    raise AlmanacError(
        "The flood curve's moments did not settle in {n} rounds.",
        hint="Look for thresholds and intervals that contradict the measured peaks.",
        n=_ROUNDS,
    )


def _interval_moments(bounds: Floats, skew: float) -> tuple[Floats, Floats, Floats]:
    """The expected first three powers of a standard value known to lie between these bounds."""
    below, upto = pearson3.partial_moments(bounds, skew, 3)
    parts = upto - below
    probability = parts[:, 0]
    possible = probability > 1e-14
    # An interval that the curve cannot reach counts as its end nearest to the mean.
    nearest = np.where(np.abs(bounds[0]) < np.abs(bounds[1]), bounds[0], bounds[1])[:, None] ** np.arange(1, 4)
    expected = np.where(possible[:, None], parts[:, 1:] / np.where(possible, probability, 1.0)[:, None], nearest)
    return expected[:, 0], expected[:, 1], expected[:, 2]
