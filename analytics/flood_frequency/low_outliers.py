"""Low floods that would pull the fit of the large ones: the multiple Grubbs-Beck test of Bulletin 17C."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, gammaln, nctdtr, ndtr, ndtri

from geodata.errors import AlmanacError

Floats = NDArray[np.float64]

# The significance of the sweep outward from the median, and of the one inward from the smallest peak. (The third
# sweep, inward from where the first stopped, has significance 0 in the guideline: it never removes a peak.)
OUTWARD, INWARD = 0.005, 0.10
# Fewer positive peaks than this cannot be tested.
_FEWEST = 6
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2
# From this many degrees of freedom on, the non-central t is taken through its normal approximation.
_MANY = 20.0


def multiple_grubbs_beck(peaks: ArrayLike) -> float:
    """The discharge below which annual peaks are so low that they say nothing of large floods.

    Parameters
    ----------
    peaks : annual peak discharges in any unit, zero for a year without flow; missing years are NaN and left out.

    Returns
    -------
    The smallest peak that is kept, in the same unit: every peak below it is potentially influential. 0 if none is.

    Raises
    ------
    AlmanacError
        If a peak is negative or infinite.

    Notes
    -----
    The peaks below the median are swept twice. Outward from the median, the first peak whose p-value is under
    0.005 and all below it go; inward from the smallest, peaks go as long as their p-value is under 0.10. The larger
    number counts. Zero flows always go. Where zeros are half of the record or more, the test is not defined, and
    the single Grubbs-Beck test at 10 % of Bulletin 17B takes its place, on the positive peaks. With fewer than
    6 positive peaks nothing but the zeros goes.

    References
    ----------
    Cohn, T. A., England, J. F., Berenbrock, C. E., Mason, R. R., Stedinger, J. R. & Lamontagne, J. R. (2013):
    A generalized Grubbs-Beck test statistic for detecting multiple potentially influential low outliers in flood
    series. Water Resources Research 49, 5047-5058, doi:10.1002/wrcr.20392.
    England, J. F. et al. (2019): Guidelines for determining flood flow frequency, Bulletin 17C. USGS Techniques
    and Methods 4-B5, appendix 6, doi:10.3133/tm4B5.

    Examples
    --------
    >>> multiple_grubbs_beck([0, 900, 1100, 1000, 1250, 800, 1400, 950, 1050, 3, 1300, 1500])
    800.0
    """
    values = np.sort(_known(peaks))
    zeros = int(np.count_nonzero(values == 0))
    positive = values[zeros:]
    if len(positive) < _FEWEST:
        return float(positive[0]) if zeros and len(positive) else 0.0
    if zeros >= len(values) // 2:
        logs = np.log10(positive)
        n = np.log10(len(positive))
        factor = -0.9043 + 3.345 * np.sqrt(n) - 0.4046 * n
        return float(positive[logs >= logs.mean() - factor * logs.std(ddof=1)][0])
    p = low_outlier_p_values(values)
    outward = np.flatnonzero(p < OUTWARD)
    significant = p < INWARD
    inward = len(p) if significant.all() else int(np.argmin(significant))
    lowest = max(int(outward[-1]) + 1 if len(outward) else 0, inward, zeros)
    return float(values[lowest]) if lowest else 0.0


def low_outlier_p_values(peaks: ArrayLike) -> Floats:
    """How likely a peak as low as each of the lower half would be if all came from one log-normal distribution.

    Parameters
    ----------
    peaks : annual peak discharges in any unit, more than half of them positive; missing ones are left out.

    Returns
    -------
    The p-value of the smallest peak, the second smallest … up to the median.

    Notes
    -----
    The k-th smallest of n peaks is compared with the mean and standard deviation of the n − k above it. Given the
    normal score of the k-th order statistic, whose probability is beta distributed, these two are taken as normal
    and as the root of a gamma variate with the moments of the truncated normal distribution, and what is
    left is a non-central t; the mean over that beta distribution is taken by 48 Gauss-Legendre nodes.

    Above 20 degrees of freedom the non-central t is taken by equation 26.7.10 of Abramowitz & Stegun, as the programs
    of the USGS do: their published p-values are met so, 0.0007 at Orestimba Creek, where the exact one gives 0.0005.
    """
    values = np.sort(_known(peaks))
    n = len(values)
    k = np.arange(1, n // 2 + 1)
    # A year without flow has no logarithm; so small a value is beyond any doubt.
    logs = np.log10(np.maximum(values, 1e-88))
    above = logs[::-1]
    count = (n - k).astype(np.float64)
    centre = above[: n - 1].mean()
    total = np.cumsum(above - centre)[n - k - 1]
    squares = np.cumsum((above - centre) ** 2)[n - k - 1]
    mean = total / count
    deviation = np.sqrt(np.maximum((squares - count * mean**2) / (count - 1), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (logs[k - 1] - centre - mean) / deviation
    # Peaks that are all alike deviate by nothing from each other.
    statistic = np.where(np.isnan(statistic), 0.0, statistic)
    return _p_values(n, k, statistic)


def _p_values(n: int, k: NDArray[np.int64], statistic: Floats) -> Floats:
    above = (n - k)[:, None].astype(np.float64)
    probability = betaincinv(k[:, None], (n + 1 - k)[:, None], _NODES[None, :])
    score = ndtri(probability)
    # Moments of a standard normal variate above this score.
    hazard = np.exp(-score * score / 2) / np.sqrt(2 * np.pi) / np.maximum(1 - probability, 1e-10)
    first = hazard
    second = 1 + hazard * score
    third = 2 * first + hazard * score**2
    fourth = 3 * second + hazard * score**3
    variance = second - first**2
    central_third = third - 3 * second * first + 2 * first**3
    central_fourth = fourth - 4 * third * first + 6 * second * first**2 - 3 * first**4
    # Of the sample's mean, variance and standard deviation: their own variances and covariances.
    var_mean = variance / above
    var_variance = (central_fourth - variance**2) / above + 2 / (above * (above - 1)) * variance**2
    shape = variance**2 / var_variance
    deviation = np.sqrt(variance / shape) * np.exp(gammaln(shape + 0.5) - gammaln(shape))
    var_deviation = variance - deviation**2
    covariance = central_third / np.sqrt(above * (above - 1)) / (2 * deviation)
    slope = covariance / var_deviation
    residual = var_mean - covariance**2 / var_deviation
    noncentrality = (first - slope * deviation - score) / np.sqrt(residual)
    t = -np.sqrt(variance / residual) * (statistic[:, None] + slope)
    return 1 - _noncentral_t(t, 2 * shape, noncentrality) @ _WEIGHTS


def _noncentral_t(t: Floats, freedom: Floats, noncentrality: Floats) -> Floats:
    normal = ndtr((t * (1 - 1 / (4 * freedom)) - noncentrality) / np.sqrt(1 + t * t / (2 * freedom)))
    few = freedom <= _MANY
    normal[few] = nctdtr(freedom[few], noncentrality[few], t[few])
    return normal


def _known(peaks: ArrayLike) -> Floats:
    values = np.asarray(peaks, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        raise AlmanacError(
            "{n} annual peaks are negative or infinite, the first {value}.",
            hint="A peak discharge is zero or more; leave unknown years out or give them no value.",
            n=int(wrong.sum()),
            value=float(values[wrong][0]),
        )
    return values
