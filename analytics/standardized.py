"""Sums over some months as standard deviations from what is normal at that place in that season: SPI and SPEI.

All places and calendar months are fitted at once, by formulas that need no iteration.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit, gammainc, ndtri

from analytics.periods import Months
from analytics.record import refuse_parameter

# A probability from the values given (places × years × 12) and the sample that they are judged by.
Probability = Callable[[np.ndarray, np.ndarray], np.ndarray]

# WMO-No. 1203 asks a normal for 80 % of its thirty years.
LEAST_SUMS = 24
# Two parameters from fewer sums above zero are arbitrary; such a month has a dry season, and no index.
LEAST_WET = 10
# Rarer than once in a thousand is more than any record can tell. Guttman (1999) stops here too.
FARTHEST = 3.09
LONGEST = 48
# Relative spreads below this are rounding errors of a record that does not change.
_CONSTANT = 1e-9
# Below this shape the log-logistic is a logistic distribution to twelve digits.
_NO_SHAPE = 1e-6


def standardized(
    totals: Months, probability: Probability, *, months: int, reference: tuple[int, int] | None
) -> np.ndarray:
    """How many standard deviations the sum over the last months lies above normal, places × months.

    Parameters
    ----------
    totals : of every month; NaN where a month is not complete.
    probability : `gamma_probability` or `log_logistic_probability`.
    months : over how many months is summed, the month itself being the last.
    reference : the first and last year of the sums (by the month in which they end) that say what is normal; all
        years where None.

    Returns
    -------
    The normal quantile of each sum's probability, within ±3.09. NaN where a month is missing in the sum, where the
    reference has fewer than 24 sums of that calendar month, or where nothing can be fitted to them.

    Raises
    ------
    AlmanacError
        Where `months` is not a whole number from 1 to 48, or `reference` not two years in order.
    """
    if isinstance(months, bool) or not isinstance(months, int | np.integer) or not 1 <= months <= LONGEST:
        raise refuse_parameter("months", months, wanted=f"1–{LONGEST}")
    sums = Months(running_sums(totals.values, months), totals.first)
    if not sums.values.shape[1]:
        return sums.values
    table = sums.by_year()
    chosen = np.ones(len(sums.years), dtype=bool)
    if reference is not None:
        if len(reference) != 2 or not reference[0] <= reference[1]:
            raise refuse_parameter("reference", reference, wanted="(1991, 2020)")
        chosen = (sums.years >= reference[0]) & (sums.years <= reference[1])
    sample = table[:, chosen]
    index = np.clip(ndtri(probability(table, sample)), -FARTHEST, FARTHEST)
    few = np.isfinite(sample).sum(axis=1) < LEAST_SUMS
    index = np.where(few[:, None], np.nan, index).reshape(len(table), -1)
    before = sums.first % 12
    return index[:, before : before + sums.values.shape[1]]


def running_sums(values: np.ndarray, months: int) -> np.ndarray:
    """The sum of each month and those before it; NaN where one of them is missing."""
    result = np.full(values.shape, np.nan)
    n = values.shape[1] - months + 1
    if n > 0:
        # Adding the shifted months keeps a dry season exactly zero, which differences of cumulative sums do not.
        result[:, months - 1 :] = sum(values[:, lag : lag + n] for lag in range(months))
    return result


@np.errstate(divide="ignore", invalid="ignore")
def gamma_probability(values: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """The probability of a smaller or equal sum of rain: a gamma distribution, and apart from it that of none.

    Parameters
    ----------
    values : places × years × 12, not negative.
    sample : the same in the years that say what is normal; missing is NaN.

    Notes
    -----
    H(x) = q + (1 − q) G(x), with q the share of sums that are zero and G a gamma distribution of the others. Its
    parameters are Thom's approximation to those of maximum likelihood: with A = ln x̄ − mean(ln x), the shape is
    (1 + √(1 + 4A/3)) / 4A and the scale x̄ / shape. A sum of zero has probability q.

    References
    ----------
    Thom, H. C. S. (1958). A note on the gamma distribution. Monthly Weather Review 86(4), 117–122.
    Edwards, D. C., McKee, T. B. (1997). Characteristics of 20th century drought in the United States at multiple
    time scales. Colorado State University, Climatology Report 97-2.
    """
    wet = sample > 0
    n, n_wet = np.isfinite(sample).sum(axis=1), wet.sum(axis=1)
    dry = 1 - n_wet / n
    mean = np.where(wet, sample, 0.0).sum(axis=1) / n_wet
    spread = np.log(mean) - np.log(np.where(wet, sample, 1.0)).sum(axis=1) / n_wet
    shape = (1 + np.sqrt(1 + 4 * spread / 3)) / (4 * spread)
    usable = (n_wet >= LEAST_WET) & (spread > _CONSTANT)
    shape = np.where(usable, shape, np.nan)[:, None]
    return dry[:, None] + (1 - dry)[:, None] * gammainc(shape, values * shape / mean[:, None])


@np.errstate(divide="ignore", invalid="ignore")
def log_logistic_probability(values: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """The probability of a smaller or equal sum, which may be negative: a log-logistic of three parameters.

    Parameters
    ----------
    values : places × years × 12.
    sample : the same in the years that say what is normal; missing is NaN.

    Notes
    -----
    Fitted by unbiased probability-weighted moments. In Hosking's form, of which the log-logistic of Vicente-Serrano
    is the branch with k < 0 and the logistic that with k = 0: with L-moments λ₁, λ₂ and λ₃, k = −λ₃/λ₂,
    α = λ₂ sin(πk)/(πk), ξ = λ₁ − α (1/k − π/sin πk), and F = 1 / (1 + (1 − k (x − ξ)/α)^(1/k)).

    References
    ----------
    Vicente-Serrano, S. M., Beguería, S., López-Moreno, J. I. (2010). J. Climate 23, 1696–1718.
    Beguería, S., Vicente-Serrano, S. M., Reig, F., Latorre, B. (2014). Int. J. Climatology 34, 3001–3023.
    Hosking, J. R. M., Wallis, J. R. (1997). Regional Frequency Analysis, appendix A.7. Cambridge.
    """
    ordered = np.sort(sample, axis=1)
    n = np.isfinite(ordered).sum(axis=1)
    ordered = np.where(np.isfinite(ordered), ordered, 0.0)
    below = np.arange(sample.shape[1])[:, None]
    b0 = ordered.sum(axis=1) / n
    b1 = (below * ordered).sum(axis=1) / (n * (n - 1))
    b2 = (below * (below - 1) * ordered).sum(axis=1) / (n * (n - 1) * (n - 2))
    spread, third = 2 * b1 - b0, 6 * b2 - 6 * b1 + b0
    k = -third / spread
    usable = (spread > _CONSTANT * np.abs(ordered).max(axis=1, initial=0.0)) & (np.abs(k) < 1)
    k = np.where(usable, k, np.nan)
    scale = spread * np.sinc(k)
    straight = np.abs(k) < _NO_SHAPE
    safe = np.where(straight, 0.5, k)
    shift = np.where(straight, -(np.pi**2) * k / 6, 1 / safe - np.pi / np.sin(np.pi * safe))
    z = (values - (b0 - scale * shift)[:, None]) / scale[:, None]
    # Beyond the bound of the distribution the logarithm of zero gives the probability 0 or 1.
    curved = -np.log(np.maximum(1 - safe[:, None] * z, 0.0)) / safe[:, None]
    return expit(np.where(straight[:, None], z, curved))
