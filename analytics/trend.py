"""Trends of many places at once: whether there is one (Mann-Kendall), and how steep it is (Theil-Sen)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from geodata.errors import AlmanacError

Autocorrelation: TypeAlias = Literal["ignore", "hamed_rao"]
Values: TypeAlias = np.ndarray | pd.DataFrame

# Below four values even a record that only rises is no evidence: three in order come up by chance once in three times.
LEAST = 4
# Up to here published tables give the exact distribution of S (Kendall 1975; Gilbert 1987, table A18).
EXACT_UP_TO = 10
# Hamed and Rao correct for the lags whose autocorrelation differs from zero at this level.
_LAG_LEVEL = 0.05
# Slopes between all pairs grow with the square of the steps: so many are held in memory at once, 16 MB of them.
_SLOPES_AT_ONCE = 2_000_000
_MOST_STEPS = 5_000


def mann_kendall(
    values: Values,
    *,
    autocorrelation: Autocorrelation = "ignore",
    exact_up_to: int = EXACT_UP_TO,
    least: int = LEAST,
) -> pd.DataFrame:
    """Whether values keep rising or falling, more than chance alone would make them.

    Parameters
    ----------
    values : one row per place, one column per step, ascending in time, any unit; missing is NaN.
    autocorrelation : `ignore` takes the values of a place as independent of each other. `hamed_rao` widens (or
        narrows) the variance of S for values that resemble those before them, such as groundwater heads.
    exact_up_to : a record of so many values or fewer, without ties, gets its p-value from the exact distribution
        of S; with 0 every record gets the normal approximation. With `hamed_rao` it is always the approximation,
        since the exact distribution holds for independent values only.
    least : with fewer values than this nothing is said.

    Returns
    -------
    DataFrame, indexed like `values` if that is a DataFrame:
        n : how many values there are
        s : pairs that rise less pairs that fall
        variance : of S if there were no trend, corrected for ties (and for autocorrelation, if asked)
        z : S by its standard deviation, with the correction for continuity
        p_value : two-sided
        tau : S by the number of pairs, -1 to 1
        exact : whether the p-value is exact
    All but n and exact are NaN below `least`. A constant row has tau 0 and p-value 1.

    Raises
    ------
    AlmanacError
        If the values are not a table of finite or missing numbers.

    Notes
    -----
    S is the sum of sign(x_j - x_i) over all i < j; its variance is [n(n-1)(2n+5) - sum t(t-1)(2t+5)] / 18 over
    groups of t equal values; z = (S - sign S) / sd. tau is Kendall's tau-a: ties lower it.

    Open choices, and how they were resolved. (1) Small samples: the normal approximation is poor below about ten
    values, so the exact distribution is used where there are no ties; with ties in a small record the
    approximation stays, as its exact distribution depends on the ties. (2) Hamed and Rao: the series is detrended
    by its Theil-Sen slope, the autocorrelation is that of its ranks (divided by n at every lag), lags count when
    outside ±1.96/√n, and all lags up to n - 1 are looked at. (3) Lags count values, not steps: a missing
    step is treated as absent. With many gaps the correction is therefore too weak or too strong. (4) Where the
    corrected variance is not positive, which happens in short alternating records, z and p-value are withheld.

    It fails on seasonal series (test one season at a time, or annual values) and on a trend that turns round,
    which it averages away. Many places tested at once yield false alarms: control the false discovery rate.

    References
    ----------
    Mann, H. B. (1945). Econometrica 13, 245-259. https://doi.org/10.2307/1907187
    Kendall, M. G. (1975). Rank Correlation Methods, 4th ed. Griffin, London.
    Gilbert, R. O. (1987). Statistical Methods for Environmental Pollution Monitoring, ch. 16. Van Nostrand.
    Hamed, K. H., Rao, A. R. (1998). J. Hydrology 204, 182-196. https://doi.org/10.1016/S0022-1694(97)00125-X

    Examples
    --------
    >>> mann_kendall(np.array([[3.0, 4.0, np.nan, 6.0, 5.0, 8.0]]))[["n", "s", "tau", "p_value"]].round(3)
       n    s  tau  p_value
    0  5  8.0  0.8    0.083
    """
    table, index = _table(values)
    record = _leftward(table)
    n = np.isfinite(record).sum(axis=1)
    s, tied = _score(record)
    pairs = n * (n - 1) / 2
    ties = np.where(tied > 0, (tied - 1) * (2 * tied + 5), 0).sum(axis=1)
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    exact = (n >= least) & (n <= exact_up_to) & (tied <= 1).all(axis=1)
    if autocorrelation == "hamed_rao":
        variance = variance * _hamed_rao(record, n)
        exact = np.zeros_like(exact)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(s == 0, 0.0, (s - np.sign(s)) / np.sqrt(variance))
        tau = s / pairs
    # A constant row has variance 0 and S 0: no trend. Any other variance that is not positive says nothing.
    constant = (tied.max(axis=1, initial=0) == n) & (n > 0)
    z[~(variance > 0) & ~constant] = np.nan
    p_value = 2 * stats.norm.sf(np.abs(z))
    for size in np.unique(n[exact]):
        rows = exact & (n == size)
        p_value[rows] = _exact_p(int(size))[np.abs(s[rows]).astype(int)]
    result = {"s": s, "variance": variance, "z": z, "p_value": np.minimum(p_value, 1.0), "tau": tau}
    enough = n >= max(least, 2)
    shown = {name: np.where(enough, column, np.nan) for name, column in result.items()}
    return pd.DataFrame({"n": n, **shown, "exact": exact}, index=index)


def theil_sen(
    values: Values,
    times: np.ndarray | pd.DatetimeIndex | pd.Series,
    *,
    coverage: float = 0.95,
    variance: np.ndarray | pd.Series | None = None,
    least: int = LEAST,
) -> pd.DataFrame:
    """How much values change per year: the median of the slopes between all pairs of years.

    Parameters
    ----------
    values : one row per place, one column per step, any unit; missing is NaN.
    times : of the columns, strictly ascending: years as numbers, or dates. Dates are read as decimal years, so
        that 1 January of two years that follow each other are exactly 1 apart.
    coverage : of the confidence limits.
    variance : of S for every row, in place of the one corrected for ties, such as the `variance` that
        `mann_kendall(…, autocorrelation="hamed_rao")` returns: limits for values that depend on each other.
    least : with fewer values than this nothing is said.

    Returns
    -------
    DataFrame, indexed like `values` if that is a DataFrame:
        slope, low, high : change per year and its confidence limits, in the unit of the values
        intercept : where the line meets time 0 of `times`
    All are NaN below `least`. A constant row has slope, low and high 0.

    Raises
    ------
    AlmanacError
        If the times do not ascend or do not match the values, or if there are more than 5,000 steps.

    Notes
    -----
    With N slopes in ascending order and C the normal quantile times the standard deviation of S, the limits are
    the slopes of rank (N - C)/2 and (N + C)/2 + 1 (Gilbert 1987, section 16.3.2). Ranks are rounded, as
    scipy.stats.theilslopes does, not interpolated. Where the lower rank rounds to 0 the record is too short for
    this coverage and the limits are NaN: four values cannot give 95 %. The intercept is
    median(values) - slope × median(times of the values) (Conover).

    The slope is robust: up to 29 % of the values may be wild. It is a median, hence 0 where more than half of
    the pairs are tied, although there may be a trend. Memory is bounded whatever the number of places.

    References
    ----------
    Theil, H. (1950). Proc. K. Ned. Akad. Wet. 53, 386-392, 521-525, 1397-1412.
    Sen, P. K. (1968). J. Am. Stat. Assoc. 63, 1379-1389. https://doi.org/10.1080/01621459.1968.10480934
    Gilbert, R. O. (1987). Statistical Methods for Environmental Pollution Monitoring, ch. 16. Van Nostrand.

    Examples
    --------
    >>> theil_sen(np.array([[1.0, 2.0, 4.0, 4.0, np.nan, 6.0, 8.0]]), np.arange(2001, 2008)).round(3)
       slope    low  high  intercept
    0    1.0  0.667   2.0    -1999.5
    """
    table, index = _table(values)
    years = _years(times, table.shape[1])
    n = np.isfinite(table).sum(axis=1)
    if variance is None:
        _, tied = _score(table)
        ties = np.where(tied > 0, (tied - 1) * (2 * tied + 5), 0).sum(axis=1)
        variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    spread = np.asarray(variance, dtype=float)
    half = stats.norm.ppf(0.5 + coverage / 2) * np.sqrt(np.where(spread >= 0, spread, np.nan))
    pairs = n * (n - 1) // 2
    lower = np.round((pairs - half) / 2)
    upper = np.round((pairs + half) / 2) + 1
    wanted = np.column_stack([lower, upper, (pairs + 1) // 2, pairs // 2 + 1])
    low, high, below, above = _ranked_slopes(table, years, np.where(n[:, None] >= max(least, 2), wanted, np.nan)).T
    slope = (below + above) / 2
    bounded = (lower >= 1) & (upper <= pairs)
    with np.errstate(invalid="ignore"):
        middle = _median(table), _median(np.where(np.isfinite(table), years, np.nan))
    return pd.DataFrame(
        {
            "slope": slope,
            "low": np.where(bounded, low, np.nan),
            "high": np.where(bounded, high, np.nan),
            "intercept": middle[0] - slope * middle[1],
        },
        index=index,
    )


def _table(values: Values) -> tuple[np.ndarray, pd.Index]:
    table = values.to_numpy(dtype=float, na_value=np.nan) if isinstance(values, pd.DataFrame) else np.asarray(values)
    if table.ndim != 2 or not np.issubdtype(table.dtype, np.number):
        raise AlmanacError(
            "The values for a trend have {n} dimensions and are of the kind {kind}.",
            hint="Hand over numbers with one row per place and one column per step.",
            n=table.ndim,
            kind=table.dtype,
        )
    infinite = int(np.isinf(table).sum())
    if infinite:
        raise AlmanacError("{n} values are infinite.", hint="Put NaN where there is no value.", n=infinite)
    if table.shape[1] > _MOST_STEPS:
        raise AlmanacError(
            "A trend over {n} steps compares too many pairs of steps.",
            hint="Take means over months or years first; a trend test wants those anyway.",
            n=table.shape[1],
        )
    index = values.index if isinstance(values, pd.DataFrame) else pd.RangeIndex(len(table))
    return table.astype(float, copy=False), index


def _years(times: np.ndarray | pd.DatetimeIndex | pd.Series, steps: int) -> np.ndarray:
    """The times as decimal years, once they are shown to ascend."""
    given = pd.Index(times)
    if isinstance(given, pd.DatetimeIndex):
        within = given - given.normalize()
        days = given.day_of_year - 1 + within / pd.Timedelta(days=1)
        years = np.asarray(given.year + days / np.where(given.is_leap_year, 366, 365), dtype=float)
    else:
        years = np.asarray(given, dtype=float)
    if len(years) != steps:
        raise AlmanacError(
            "There are {n} times for {steps} steps.",
            hint="Hand over one time for every column of the values.",
            n=len(years),
            steps=steps,
        )
    if not (np.isfinite(years).all() and (np.diff(years) > 0).all()):
        raise AlmanacError(
            "The times of a trend do not ascend from step to step.",
            hint="Sort the steps by time, keep one of each, and give every step a time.",
        )
    return years


def _leftward(table: np.ndarray) -> np.ndarray:
    """The values of every row moved together in their order, missing ones behind."""
    order = np.argsort(np.isnan(table), axis=1, kind="stable")
    return np.take_along_axis(table, order, axis=1)


def _score(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """S of every row, and for every value how many of its row equal it, itself included (0 where missing)."""
    s = np.zeros(len(table))
    tied = np.isfinite(table).astype(int)
    # One lag at a time: the loop is over steps, never over places, and needs no more memory than the table.
    for lag in range(1, table.shape[1]):
        earlier, later = table[:, :-lag], table[:, lag:]
        s += (later > earlier).sum(axis=1) - (later < earlier).sum(axis=1)
        same = later == earlier
        tied[:, :-lag] += same
        tied[:, lag:] += same
    return s, tied


@lru_cache(maxsize=64)
def _exact_p(n: int) -> np.ndarray:
    """The two-sided p-value of |S| = 0, 1, … n(n-1)/2 for n independent values without ties.

    S = n(n-1)/2 - 2 × inversions, and a k-th value adds 0 … k-1 inversions with equal probability.
    """
    chance = np.ones(1)
    for k in range(2, n + 1):
        chance = np.convolve(chance, np.full(k, 1 / k))
    most = len(chance) - 1
    # P(S >= s) = P(inversions <= (most - s) / 2); an |S| of the other parity cannot occur.
    at_most = np.cumsum(chance)
    p_value = np.minimum(2 * at_most[(most - np.arange(most + 1)) // 2], 1.0)
    p_value.setflags(write=False)
    return p_value


def _hamed_rao(record: np.ndarray, n: np.ndarray) -> np.ndarray:
    """By how much autocorrelation multiplies the variance of S, for every row of values moved together."""
    steps = record.shape[1]
    if steps == 0:
        return np.ones(len(record))
    present = np.isfinite(record)
    position = np.arange(1, steps + 1, dtype=float)
    pairs = n * (n - 1) // 2
    wanted = np.where((n >= 2)[:, None], np.column_stack([(pairs + 1) // 2, pairs // 2 + 1]), np.nan)
    slope = _ranked_slopes(record, position, wanted).mean(axis=1)
    detrended = record - slope[:, None] * position
    # What differs by rounding only is tied; else a straight line would be left with noise to be ranked.
    grain = 1e-10 * np.fmax.reduce(np.abs(record), axis=1, initial=0.0)[:, None]
    detrended = np.round(detrended / np.where(grain > 0, grain, 1.0))
    deviation = np.where(present, stats.rankdata(detrended, axis=1, nan_policy="omit"), 0.0)
    deviation = np.where(present, deviation - (n[:, None] + 1) / 2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = (deviation**2).sum(axis=1)
        limit = stats.norm.ppf(1 - _LAG_LEVEL / 2) / np.sqrt(n)
        excess = np.zeros(len(record))
        for lag in range(1, steps):
            # A detrended row without spread has no autocorrelation: 0/0 is NaN and does not count.
            correlation = (deviation[:, :-lag] * deviation[:, lag:]).sum(axis=1) / power
            weight = (n - lag) * (n - lag - 1) * (n - lag - 2)
            excess += np.where((np.abs(correlation) > limit) & (lag < n), weight * correlation, 0.0)
        factor = 1 + 2 * excess / (n * (n - 1) * (n - 2))
    return np.where(n > 2, factor, np.nan)


def _ranked_slopes(table: np.ndarray, times: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """The slopes of the wanted ranks (from 1, ascending; NaN where none is wanted) among all pairs of each row."""
    earlier, later = np.triu_indices(table.shape[1], 1)
    result = np.full(ranks.shape, np.nan)
    if not len(earlier):
        return result
    span = times[later] - times[earlier]
    size = max(1, _SLOPES_AT_ONCE // len(earlier))
    for start in range(0, len(table), size):
        part = slice(start, start + size)
        slopes = table[part][:, later]
        slopes -= table[part][:, earlier]
        slopes /= span
        # NaN sorts last, so that ranks count the pairs that have both values.
        slopes.sort(axis=1)
        at = np.clip(np.nan_to_num(ranks[part], nan=1.0).astype(int) - 1, 0, len(earlier) - 1)
        result[part] = np.where(np.isnan(ranks[part]), np.nan, np.take_along_axis(slopes, at, axis=1))
    return result


def _median(table: np.ndarray) -> np.ndarray:
    """The median of what each row has; NaN, without a warning, where it has nothing."""
    if not table.shape[1]:
        return np.full(len(table), np.nan)
    ordered = np.sort(table, axis=1)
    n = np.isfinite(ordered).sum(axis=1)
    at = np.column_stack([np.maximum(n - 1, 0) // 2, n // 2])
    return np.take_along_axis(ordered, np.minimum(at, table.shape[1] - 1), axis=1).mean(axis=1)
