"""How uncertain a log-Pearson III flood curve is: the covariance of its fitted moments, and confidence limits.

Everything is in standard units of the fitted distribution (mean 0, standard deviation 1), and for many sets of
moments at once: the limits need the covariance at eight neighbours of the fitted moments too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from analytics.flood_frequency import pearson3

Floats = NDArray[np.float64]

# Nearer to zero than this the covariance is taken at this skew on either side: there its derivatives are sure.
SMALLEST_SKEW = 0.06324555
# Beyond these the covariance is taken as at these.
_LARGEST_SKEW = 1.41
_LARGEST_GRID_SKEW = 1.5
# A censored share smaller than this has no part in the dependence on the moments.
_NEGLIGIBLE = 1e-6
# Fewest degrees of freedom of Student's t, and the smallest divisor in the limits.
_FEWEST_FREEDOM, _SMALLEST_DIVISOR = 5.0, 0.5
# From here on Student's t is taken through the normal distribution.
_MANY_FREEDOM = 20.0
# A symmetric matrix of three rows by its six different entries, and where each stands among them.
_TRIANGLE = np.triu_indices(3)
_PLACE = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
# Record lengths beyond which the formula for the error of a skew was not fitted.
_LONGEST = 150


@dataclass(frozen=True, eq=False)
class Censoring:
    """What was seen: `count` years in which floods of log10 discharge between `lower` and `upper` were recorded."""

    lower: Floats
    upper: Floats
    count: Floats

    @property
    def years(self) -> float:
        return float(self.count.sum())

    @property
    def complete(self) -> bool:
        return bool(np.isneginf(self.lower).all() and np.isposinf(self.upper).all())


@dataclass(frozen=True)
class SkewRule:
    """Where the skew comes from, as far as its uncertainty is concerned.

    kind : "station", "weighted" or "regional"
    mse : mean square error of the regional skew
    adjusted : whether the station skew's error counts censoring (it does not once low outliers were removed)
    """

    kind: str
    mse: float
    adjusted: bool


def simple_skew_mse(years: float, skew: ArrayLike) -> Floats:
    """The mean square error of a skew estimated from this many complete years.

    References
    ----------
    Bulletin 17B (1982), equation 6, after Wallis, Matalas & Slack (1974).

    Examples
    --------
    >>> round(float(simple_skew_mse(77, 0.017089)), 6)
    0.069503
    """
    size = np.abs(np.asarray(skew, dtype=np.float64))
    a = np.where(size <= 0.9, -0.33 + 0.08 * size, -0.52 + 0.30 * size)
    b = np.where(size <= 1.5, 0.94 - 0.26 * size, 0.55)
    return 10 ** (a - b * np.log10(years / 10))


def skew_mse(moments: ArrayLike, censoring: Censoring, *, adjusted: bool = True) -> Floats:
    """The mean square error of the station skew of a censored record.

    Parameters
    ----------
    moments : mean, variance and skew of log10 discharge, along the last axis.
    censoring : what was seen.
    adjusted : multiply the first-order variance by what makes it equal `simple_skew_mse` in a complete record;
        otherwise `simple_skew_mse` of the whole period, as if nothing were censored.
    """
    moments = np.asarray(moments, dtype=np.float64)
    skew = moments[..., 2]
    if not adjusted:
        return simple_skew_mse(censoring.years, skew)
    years = min(censoring.years, float(_LONGEST))
    if censoring.complete and censoring.years <= _LONGEST:
        return simple_skew_mse(years, skew)
    complete = Censoring(np.array([-np.inf]), np.array([np.inf]), np.array([years]))
    ratio = _skew_variance(moments, censoring) / _skew_variance(moments, complete)
    return simple_skew_mse(years, skew) * ratio


def quantile_uncertainty(
    moments: ArrayLike, censoring: Censoring, rule: SkewRule, non_exceedance: Floats
) -> tuple[Floats, Floats]:
    """The variance of each quantile, and its covariance with its own standard deviation.

    Returns
    -------
    Variances of the log10 quantiles; and for each quantile the 2 × 2 covariance of (quantile, standard deviation).
    """
    fitted = np.asarray(moments, dtype=np.float64)[None, :]
    grid, weights = _grid(fitted, _regional_covariance(fitted, censoring, rule))
    grid, weights = grid[0], weights[0]
    inner, inner_weights = _grid(grid, _regional_covariance(grid, censoring, rule))
    outer_quantiles = _quantiles(grid, non_exceedance)
    inner_quantiles = _quantiles(inner, non_exceedance)
    centred = inner_quantiles - (inner_weights[..., None] * inner_quantiles).sum(1, keepdims=True)
    deviations = np.sqrt((inner_weights[..., None] * centred**2).sum(1))
    both = np.stack([outer_quantiles, deviations])
    both = both - (weights[:, None] * both).sum(1, keepdims=True)
    covariance = np.einsum("g,igq,jgq->qij", weights, both, both)
    return covariance[:, 0, 0], covariance


def limits(log_quantile: Floats, covariance: Floats, coverage: float) -> tuple[Floats, Floats]:
    """The adjusted confidence limits of log10 quantiles.

    Notes
    -----
    The standard deviation of a quantile rises with the quantile. β₁ is its slope; what is left of the deviation's own
    variance gives the degrees of freedom ν of Student's t: y ± s·t / max(½, 1 ∓ β₁·t). Above 20 degrees of freedom t
    is the one of equation 26.7.8 of Abramowitz & Stegun, solved for t, as in the programs of the USGS; the exact one
    would move a limit by 0.1 % at most.
    """
    variance = covariance[:, 0, 0]
    slope = covariance[:, 0, 1] / variance
    residual = np.maximum(covariance[:, 1, 1] - covariance[:, 0, 1] ** 2 / variance, 1e-300)
    t = _student(np.maximum(0.5 * variance / residual, _FEWEST_FREEDOM), (1 + coverage) / 2)
    spread = np.sqrt(variance) * t
    low = log_quantile - spread / np.maximum(_SMALLEST_DIVISOR, 1 + slope * t)
    high = log_quantile + spread / np.maximum(_SMALLEST_DIVISOR, 1 - slope * t)
    return low, high


def _student(freedom: Floats, probability: float) -> Floats:
    z = ndtri(probability)
    many = freedom > _MANY_FREEDOM
    large = np.where(many, freedom, np.inf)
    # Coverages so high that the approximation ends are left to the exact one.
    root = (1 - 1 / (4 * large)) ** 2 - z * z / (2 * large)
    approximate = z / np.sqrt(np.maximum(root, 1e-12))
    return np.where(many & (root > 0.1), approximate, stdtrit(freedom, probability))


def moment_covariance(skew: Floats, lower: Floats, upper: Floats, count: Floats) -> Floats:
    """First-order covariance of the first three raw moments that the expected moments algorithm fits.

    Parameters
    ----------
    skew : one for each set of moments.
    lower, upper : perception thresholds in standard units, one row for each set.
    count : years under each pair of thresholds.

    Notes
    -----
    With n years, B the covariance from how many floods fall in and outside the thresholds, C that of the recorded
    floods' moments, and D the derivative of the censored floods' expected moments with respect to the fitted ones,
    the covariance is A(B + C)Aᵀ/n² with A = (I − D/n)⁻¹ (Cohn, Lane & Stedinger 2001, equations 20 to 46).
    """
    skew = _kept_from_zero(skew)
    g = skew[:, None]
    total = pearson3.partial_moments(np.inf, skew, 6)[:, None, :]
    # Of the whole distribution, with respect to mean, standard deviation and skew.
    zero = np.zeros_like(skew)
    whole_slopes = np.stack(
        [
            np.stack([zero, zero + 1, zero, zero + 3], -1),
            np.stack([zero, zero, zero + 2, 3 * skew], -1),
            np.stack([zero, zero, zero, zero + 1], -1),
        ],
        -1,
    )[:, None]
    below, below_slopes = np.zeros((*lower.shape, 7)), np.zeros((*lower.shape, 4, 3))
    above, above_slopes = below.copy(), below_slopes.copy()
    # A threshold at infinity leaves nothing beyond it, as most do.
    bounded = np.isfinite(lower).any(axis=0)
    if bounded.any():
        below[:, bounded], below_slopes[:, bounded] = _partial(lower[:, bounded], g)
    bounded = np.isfinite(upper).any(axis=0)
    if bounded.any():
        upto, upto_slopes = _partial(upper[:, bounded], g)
        above[:, bounded], above_slopes[:, bounded] = total - upto, whole_slopes - upto_slopes
    between = total - below - above
    powers = np.arange(1, 4)
    recorded = between[..., powers[:, None] + powers[None, :]]
    mean = total[..., 1:4]
    scatter = recorded - mean[..., :, None] * mean[..., None, :]
    derivative = np.zeros(scatter.shape)
    for part, slopes in ((below, below_slopes), (above, above_slopes)):
        p = part[..., :1]
        seen = p > _NEGLIGIBLE
        expected = np.where(p > 0, part[..., 1:4] / np.where(p > 0, p, 1.0), 0.0)
        scatter += expected[..., :, None] * part[..., None, 1:4]
        change = slopes[..., 1:4, :] - expected[..., :, None] * slopes[..., :1, :]
        derivative += np.where(seen[..., None], change, 0.0)
    # From (mean, standard deviation, skew) to the raw moments they stand for.
    to_raw = np.zeros((len(skew), 3, 3))
    to_raw[:, 0, 0], to_raw[:, 1, 1], to_raw[:, 2, 2] = 1, 0.5, 1
    to_raw[:, 2, 0], to_raw[:, 2, 1] = -3, -1.5 * skew
    years = count.sum()
    weighted = np.einsum("t,btij->bij", count, derivative) @ to_raw
    unsettled = np.eye(3) - weighted / years
    # Moments under which every flood would be censored are told by nothing: no covariance.
    untold = np.abs(np.linalg.det(unsettled)) < 1e-12
    unsettled[untold] = np.eye(3)
    a = np.linalg.inv(unsettled)
    a[untold] = np.nan
    return a @ np.einsum("t,btij->bij", count, scatter) @ np.swapaxes(a, 1, 2) / years**2


def _partial(z: Floats, skew: Floats) -> tuple[Floats, Floats]:
    """Partial moments of X = m + sZ below a fixed threshold, and their slopes by m, s and skew (powers 0 to 3)."""
    z = np.clip(z, -40.0, 40.0)
    parts = pearson3.partial_moments(z, skew, 6)
    edge = pearson3.density(z, skew)[..., None] * z[..., None] ** np.arange(5)
    k = np.arange(4)
    by_mean = -edge[..., :4]
    by_mean[..., 1:] += k[1:] * parts[..., :3]
    by_deviation = k * parts[..., :4] - edge[..., 1:]
    # Five points: exact to about 1e-11, for the moments are smooth in the skew.
    h = 1e-3
    near = [pearson3.partial_moments(z, skew + step * h, 3) for step in (-2, -1, 1, 2)]
    by_skew = (near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * h)
    return parts, np.stack([by_mean, by_deviation, by_skew], -1)


def _kept_from_zero(skew: Floats) -> Floats:
    size = np.clip(np.abs(skew), SMALLEST_SKEW, _LARGEST_SKEW)
    return np.where(skew < 0, -size, size)


def _covariance(moments: Floats, censoring: Censoring) -> Floats:
    """The covariance of mean, variance and skew, of each row of moments."""
    deviation = np.sqrt(moments[:, 1])
    lower = (censoring.lower - moments[:, :1]) / deviation[:, None]
    upper = (censoring.upper - moments[:, :1]) / deviation[:, None]
    standard = _central(moments[:, 2], moment_covariance(moments[:, 2], lower, upper, censoring.count))
    scale = np.stack([deviation, moments[:, 1], np.ones(len(moments))], -1)
    return standard * scale[:, :, None] * scale[:, None, :]


def _skew_variance(moments: Floats, censoring: Censoring) -> Floats:
    """First-order variance of the station skew.

    Near zero skew it lies on a line through its values at a small skew of either sign. As in the programs of the USGS
    that line is drawn from the positive side, away from the negative one: interpolation would seem meant, but
    published errors are these (Big Sandy River: 0.0974, not 0.0961). In complete records both sides are equal.
    """
    rows = moments.reshape(-1, 3)
    near = np.abs(rows[:, 2]) < SMALLEST_SKEW
    right, left = rows.copy(), rows[near]
    right[near, 2], left[:, 2] = SMALLEST_SKEW, -SMALLEST_SKEW
    variance, opposite = np.split(_covariance(np.concatenate([right, left]), censoring)[:, 2, 2], [len(rows)])
    share = (SMALLEST_SKEW - rows[near, 2]) / (2 * SMALLEST_SKEW)
    variance[near] += share * (variance[near] - opposite)
    return variance.reshape(moments.shape[:-1])


def _regional_covariance(moments: Floats, censoring: Censoring, rule: SkewRule) -> Floats:
    """The covariance of mean, variance and the skew that is used, which may be partly or wholly regional."""
    rows = moments.copy()
    rows[:, 2] = np.clip(rows[:, 2], -_LARGEST_GRID_SKEW, _LARGEST_GRID_SKEW)
    covariance = _covariance(rows, censoring)
    if rule.kind == "station":
        return covariance
    if rule.kind == "weighted":
        share = rule.mse / (rule.mse + skew_mse(rows, censoring, adjusted=rule.adjusted))
    else:
        share = np.zeros(len(rows))
    own = covariance[:, 2, 2] * share**2 + (1 - share) ** 2 * rule.mse
    covariance[:, 2, :] *= share[:, None]
    covariance[:, :, 2] *= share[:, None]
    covariance[:, 2, 2] = own
    return covariance


def _central(skew: Floats, raw: Floats) -> Floats:
    """From the covariance of raw moments to that of mean, variance and skew, in standard units.

    The relation is not linear enough for short records. The result is the covariance whose eight nodes (`_grid`)
    have the raw moments' covariance, found by Newton's steps from the linear one; where the steps lead nowhere, as
    can be with a dozen peaks half of which are censored, the linear one stands.
    """
    moments = np.stack([np.zeros_like(skew), np.ones_like(skew), skew], -1)
    jacobian = np.zeros((len(skew), 3, 3))
    jacobian[:, 0, 0] = jacobian[:, 1, 1] = jacobian[:, 2, 2] = 1
    jacobian[:, 2, 0], jacobian[:, 2, 1] = -3, -1.5 * skew
    linear = jacobian @ raw @ np.swapaxes(jacobian, 1, 2)
    wanted = raw[:, *_TRIANGLE]
    central = linear[:, *_TRIANGLE]
    rows = np.flatnonzero(np.isfinite(raw).all(axis=(1, 2)))
    for _ in range(40):
        if not len(rows):
            break
        slope, value = _slopes(moments[rows], central[rows])
        step = (np.linalg.pinv(slope) @ (wanted[rows] - value)[..., None])[..., 0]
        for _ in range(30):
            broken = np.linalg.eigvalsh(_full(central[rows] + step))[:, 0] <= 0
            if not broken.any():
                break
            step[broken] /= 2
        step[broken] = 0.0
        central[rows] += step
        # The steps shrink with their squares: after one so small the next would change nothing.
        rows = rows[np.abs(step / _units(central[rows])).max(1) > 1e-6]
    central[rows] = linear[rows][:, *_TRIANGLE]
    return _full(central)


def _units(triangle: Floats) -> Floats:
    deviation = np.sqrt(triangle[:, [0, 3, 5]])
    return deviation[:, _TRIANGLE[0]] * deviation[:, _TRIANGLE[1]]


def _slopes(moments: Floats, central: Floats) -> tuple[Floats, Floats]:
    """How each raw covariance changes with each central one; and the raw covariances themselves."""
    unit = _units(central)
    h = 1e-4
    changes = np.concatenate([np.zeros((1, 6)), h * np.eye(6), -h * np.eye(6)])
    trials = _full((central[:, None] + changes * unit[:, None]).reshape(-1, 6))
    raw = _raw_covariance(np.repeat(moments, len(changes), axis=0), trials)[:, *_TRIANGLE]
    raw = raw.reshape(len(central), len(changes), 6)
    slope = (raw[:, 1:7] - raw[:, 7:]) / (2 * h * unit[:, :, None])
    return np.swapaxes(slope, 1, 2), raw[:, 0]


def _full(triangle: Floats) -> Floats:
    return triangle[:, _PLACE]


def _raw_covariance(moments: Floats, covariance: Floats) -> Floats:
    grid, weights = _grid(moments, covariance)
    m, s2, g = grid[..., 0], grid[..., 1], grid[..., 2]
    raw = np.stack([m, m**2 + s2, m**3 + 3 * m * s2 + g * s2**1.5], -1)
    raw = raw - (weights[..., None] * raw).sum(1, keepdims=True)
    return np.einsum("bg,bgi,bgj->bij", weights, raw, raw)


def _grid(moments: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Eight sets of moments, and their weights, that together have this mean and covariance.

    Two Gaussian nodes for each moment: normal for mean and skew, gamma for the variance, which stays positive.
    """
    shape = moments[:, 1] ** 2 / covariance[:, 1, 1]
    root = np.sqrt(shape + 1)
    gamma = np.stack([(1 - root), (1 + root)], -1) / np.sqrt(shape)[:, None]
    gamma_weights = np.stack([(root + 1), (root - 1)], -1) / (2 * root)[:, None]
    sign = np.array([-1.0, 1.0])
    b = len(moments)
    first = np.broadcast_to(sign[None, :, None, None], (b, 2, 2, 2)).reshape(b, 8)
    second = np.broadcast_to(gamma[:, None, :, None], (b, 2, 2, 2)).reshape(b, 8)
    third = np.broadcast_to(sign[None, None, None, :], (b, 2, 2, 2)).reshape(b, 8)
    weights = np.broadcast_to(gamma_weights[:, None, :, None] / 4, (b, 2, 2, 2)).reshape(b, 8)
    # The variance comes first: its node must move the variance alone.
    deviation = np.sqrt(covariance[:, 1, 1])
    mean_on_second, skew_on_second = covariance[:, 0, 1] / deviation, covariance[:, 1, 2] / deviation
    mean_on_first = np.sqrt(np.maximum(covariance[:, 0, 0] - mean_on_second**2, 1e-300))
    skew_on_first = (covariance[:, 0, 2] - mean_on_second * skew_on_second) / mean_on_first
    skew_on_third = np.sqrt(np.maximum(covariance[:, 2, 2] - skew_on_second**2 - skew_on_first**2, 0.0))
    grid = np.stack(
        [
            moments[:, :1] + mean_on_first[:, None] * first + mean_on_second[:, None] * second,
            moments[:, 1:2] + deviation[:, None] * second,
            moments[:, 2:]
            + skew_on_first[:, None] * first
            + skew_on_second[:, None] * second
            + skew_on_third[:, None] * third,
        ],
        -1,
    )
    return grid, weights


def _quantiles(moments: Floats, non_exceedance: Floats) -> Floats:
    factor = pearson3.quantile(non_exceedance, moments[..., 2:3])
    return moments[..., :1] + np.sqrt(moments[..., 1:2]) * factor
