"""Scales on which skewed, nonnegative values can be learnt, and the spread that a forecast of them should keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.scores import kge, nse

# A stretch never takes more than this share of a small forecast away: flows do not fall dry because floods are wide.
_FLOOR = 0.5
_STRETCHES = np.arange(1.0, 1.601, 0.05)


def skewness(values: np.ndarray) -> float:
    """The median over the places of the skewness of their values (places × steps); 0 where none varies."""
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(axis=1), 1)
    centred = np.where(seen, values - (np.where(seen, values, 0).sum(axis=1) / count)[:, None], 0)
    second, third = (centred**2).sum(axis=1) / count, (centred**3).sum(axis=1) / count
    varies = second > 0
    return float(np.median(third[varies] / second[varies] ** 1.5)) if varies.any() else 0.0


def interpolated(values: np.ndarray, known: Sequence[int], wanted: int) -> np.ndarray:
    """… × leads 1 to `wanted`, linear between the leads that are known.

    Parameters
    ----------
    values : … × known leads.
    known : ascending, from 1; what is asked beyond the last is as at the last.
    """
    leads = np.arange(1, wanted + 1)
    at = np.asarray(known)
    right = np.clip(np.searchsorted(at, leads), 0, len(at) - 1)
    left = np.maximum(right - 1, 0)
    width = np.where(right > left, at[right] - at[left], 1)
    share = np.clip((leads - at[left]) / width, 0, 1)
    return values[..., left] * (1 - share) + values[..., right] * share


def stretched(forecast: np.ndarray, middle: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """A forecast spread out about its mean. Small ones keep at least half of themselves."""
    return np.maximum(middle + factor * (forecast - middle), _FLOOR * np.minimum(forecast, middle))


def stretch_needed(
    forecast: np.ndarray, observed: np.ndarray, reference: np.ndarray, *, margin: float, loss: float
) -> tuple[np.ndarray, np.ndarray]:
    """By how much forecasts must be spread out so that their spread is not what makes them worse than a reference.

    The best forecast by squared error is always narrower than what comes, the more so the less is known. The smallest
    stretch is taken with which the Kling–Gupta efficiency exceeds the reference's by `margin`, as far as the
    Nash–Sutcliffe efficiency falls by no more than `loss`.

    Parameters
    ----------
    forecast, observed, reference : … × cases, of moments that the forecasting model did not learn from.

    Returns
    -------
    The mean about which to stretch and the factor, each …; factor 1 where nothing can be said.
    """
    seen = np.isfinite(forecast) & np.isfinite(observed)
    count = seen.sum(axis=-1)
    middle = np.where(seen, forecast, 0).sum(axis=-1) / np.maximum(count, 1)
    goal = kge(reference, observed) + margin
    first = nse(forecast, observed)
    factor = np.ones(middle.shape)
    done = ~np.isfinite(goal) | ~np.isfinite(first)
    for stretch in _STRETCHES:
        tried = stretched(forecast, middle[..., None], np.full(middle.shape, stretch)[..., None])
        allowed = first - nse(tried, observed) <= loss
        factor = np.where(~done & allowed, stretch, factor)
        done |= ~allowed | (kge(tried, observed) >= goal)
    return middle, factor
