"""The Pearson type III distribution in standard units: mean 0, standard deviation 1 and a skew of either sign.

All functions are vectorised and stay accurate through skew zero, where the distribution is normal: they never form the
shifted gamma variate's own moments, whose terms grow as the cube of the reciprocal skew and cancel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv, gammaln, ndtr, ndtri

Floats = NDArray[np.float64]

# Below this skew the first term of the expansion about the normal is exact to 1e-9, and the gamma's shape
# (4/skew²) is too large to be told apart from its neighbours.
_NEARLY_NORMAL = 1e-4
# Standard deviations beyond which nothing of a distribution with |skew| < 2 remains.
_FAR = 40.0


def cdf(z: ArrayLike, skew: ArrayLike) -> Floats:
    """The probability of a value below `z` standard deviations from the mean.

    Examples
    --------
    >>> round(float(cdf(0.0, 0.5)), 4)
    0.5333
    """
    z, skew = _broadcast(z, skew)
    shape, scaled = _gamma(z, skew)
    probability = np.where(skew > 0, gammainc(shape, scaled), gammaincc(shape, scaled))
    return np.where(np.abs(skew) < _NEARLY_NORMAL, ndtr(z - skew / 6 * (z * z - 1)), probability)


def density(z: ArrayLike, skew: ArrayLike) -> Floats:
    """The probability density at `z` standard deviations from the mean; 0 beyond the bound of the distribution."""
    z, skew = _broadcast(z, skew)
    shape, _ = _gamma(z, skew)
    normal = np.abs(skew) < _NEARLY_NORMAL
    inside = 1 + skew * z / 2 > 0
    relative = np.where(inside & ~normal, skew * z / 2, 0.0)
    # ln Γ by Stirling's series where the shape is large, else its terms cancel.
    large = np.minimum(shape, 1e12)
    constant = np.where(
        shape > 1e3,
        -0.5 * np.log(2 * np.pi) - 1 / (12 * large),
        (shape - 0.5) * np.log(large) - shape - gammaln(np.minimum(shape, 1e3)),
    )
    logarithm = shape * (np.log1p(relative) - relative) - np.log1p(relative) + constant
    gamma = np.where(inside, np.exp(logarithm), 0.0)
    w = z - skew / 6 * (z * z - 1)
    return np.where(normal, np.exp(-w * w / 2) / np.sqrt(2 * np.pi) * (1 - skew * z / 3), gamma)


def quantile(probability: ArrayLike, skew: ArrayLike) -> Floats:
    """The frequency factor: how many standard deviations from the mean has this probability of not being exceeded.

    Examples
    --------
    The factor of the 1 % flood at skew 0.2, 2.47226, is in the table of Bulletin 17B's appendix 3.

    >>> round(float(quantile(0.99, 0.2)), 5)
    2.47226
    """
    probability, skew = _broadcast(probability, skew)
    shape, _ = _gamma(np.zeros_like(skew), skew)
    normal = np.abs(skew) < _NEARLY_NORMAL
    scaled = np.where(skew > 0, gammaincinv(shape, probability), gammainccinv(shape, probability))
    w = ndtri(np.where(normal, probability, 0.5))
    divisor = np.where(normal, 1.0, skew)
    return np.where(normal, w + skew / 6 * (w * w - 1), divisor / 2 * scaled - 2 / divisor)


def partial_moments(z: ArrayLike, skew: ArrayLike, order: int) -> Floats:
    """Of each power of the variate, the part of its mean that comes from values below `z`.

    Returns
    -------
    One more axis than the arguments, last, for the powers 0 (the probability itself) to `order`.

    Notes
    -----
    The density f obeys (c f)' = −z f with c = 1 + skew·z/2. Integration by parts gives, without any cancellation,
    ∫zᵏ⁺¹f = −zᵏ c f + k ∫zᵏ⁻¹f + (k·skew/2) ∫zᵏf.
    """
    z, skew = _broadcast(np.clip(z, -_FAR, _FAR), skew)
    parts = np.empty((*z.shape, order + 1))
    parts[..., 0] = cdf(z, skew)
    edge = (1 + skew * z / 2) * density(z, skew)
    for k in range(order):
        parts[..., k + 1] = k * skew / 2 * parts[..., k] - edge
        if k:
            parts[..., k + 1] += k * parts[..., k - 1]
        edge = edge * z
    return parts


def _broadcast(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.broadcast_arrays(np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))
    return a, b


def _gamma(z: Floats, skew: Floats) -> tuple[Floats, Floats]:
    """The shape of the gamma variate behind this skew, and what it is at `z`."""
    safe = np.where(np.abs(skew) < _NEARLY_NORMAL, 1.0, skew)
    shape = 4 / safe**2
    return shape, np.maximum(shape + 2 * z / safe, 0.0)
