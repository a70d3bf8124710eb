"""How likely what comes is to exceed a threshold, told by the errors that the same forecasts made before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from analytics.backtesting import Backtested, require_forecasts
from analytics.history import History
from analytics.local_scale import Walk, at_origins, joined, local_scale, walk_of, walk_of_fresh
from analytics.record import ratio, refuse_parameter
from analytics.scores import brier
from geodata.errors import BrokenData

# The errors of all places weigh as much as so many of the place's own.
_BORROWED = 20
# Of the errors of all places at a lead time about so many are kept: enough for a chance of one in a thousand.
_POOLED = 4_000
# Nothing is said before so many errors are known at a lead time over all places.
LEAST_ERRORS = 20
# Chances told from very few errors say nothing of later ones. The correction is learnt from so many forecasts on, and
# again whenever they have grown so much; that nothing is to be corrected weighs as much as so many chances of one half.
_BURNT, _FIRST, _GROWTH, _PRIOR = 5, 10, 1.3, 8.0
# A year counts for return periods where this share of its steps has a value.
_COMPLETE = 0.9


@dataclass(frozen=True, eq=False)
class Exceedance:
    """The chance of exceeding the thresholds.

    thresholds : by `location_id`
    past : places × k × horizon, as it would have been told with each forecast of a backtest; NaN while too few errors
        were known, and where there is no forecast or threshold
    fresh : places × horizon, of a forecast made now; None where none was given
    happened : places × k × horizon, 1 where it was exceeded, 0 where not, NaN where it is not known
    """

    thresholds: pd.Series
    past: np.ndarray
    fresh: np.ndarray | None
    happened: np.ndarray


def exceedance(
    backtested: Backtested, model: str, thresholds: pd.Series | float, *, fresh: np.ndarray | None = None
) -> Exceedance:
    """The chance that what comes is above a threshold, at each place, cutoff and lead time.

    Parameters
    ----------
    model : its name in the backtest.
    thresholds : one number, or one by `location_id`: of an authority, `analytics.scores.event_thresholds` or
        `return_levels`. They must not be made from what the forecasts are tried on.
    fresh : places × horizon, a forecast that knows the whole record.

    Raises
    ------
    UnknownName
        Where the model is not in the backtest.
    BrokenData
        Where a place has no threshold.

    Notes
    -----
    Errors are divided by their expected size when the forecast was made (`analytics.local_scale`). The chance is the
    share of the errors known by then with which this forecast would end above the threshold: those of the place at the
    lead time, and those of all places at it, which weigh as much as 20 of the place's own. One error above and one
    below are added, so that nothing is called impossible or certain that has merely not been seen (the rule of
    succession). Errors of forecasts whose value had not come yet are not known.

    Errors of high forecasts are not those of low ones: what is expected to be extreme returns to the mean. So the
    chances are corrected by how often what was told came, as far as it was known: the logarithm of the odds becomes
    a + b times itself, at each lead time for all places together, kept near a = 0 and b = 1 while little is known.

    References
    ----------
    Vovk, V. et al. (2019): Nonparametric predictive distributions based on conformal prediction. Machine Learning 108.
    Platt, J. (1999): Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers.
    """
    require_forecasts(backtested.means, model)
    levels = _thresholds(thresholds, backtested.history.places)
    observed = backtested.observed
    walks = [walk_of(backtested, backtested.means[model])]
    if fresh is not None:
        walks.append(walk_of_fresh(backtested, fresh))
    walk = joined(walks)
    scale = local_scale(walk)
    above = np.where(np.isfinite(walk.observed), walk.observed > levels[:, None, None], np.nan)
    above[~np.isfinite(levels)] = np.nan
    told = _corrected(_chances(walk, scale, (levels[:, None, None] - walk.means) / scale), above, walk.come)
    k = observed.shape[1]
    return Exceedance(
        pd.Series(levels, index=backtested.history.places, name="threshold"),
        told[:, :k],
        None if fresh is None else told[:, k],
        above[:, :k],
    )


def verified(found: Exceedance) -> pd.DataFrame:
    """How good the chances were by lead time: the Brier score beside that of always telling the usual share.

    Returns
    -------
    By `lead`: `n`, `happened` (the share), `brier`, `brier_usual` (of the share that happened, known with hindsight)
    and `skill`, 1 − brier/brier_usual. What is rare has a low Brier score whatever is told: read the skill.
    """
    pairs = np.isfinite(found.past) & np.isfinite(found.happened)
    happened = np.where(pairs, found.happened, np.nan)
    n = pairs.sum(axis=(0, 1))
    share = ratio(np.where(pairs, found.happened, 0.0).sum(axis=(0, 1)), n)
    score, usual = brier(found.past, happened, axis=(0, 1)), share * (1 - share)
    return pd.DataFrame(
        {
            "lead": np.arange(1, len(n) + 1),
            "n": n,
            "happened": share,
            "brier": score,
            "brier_usual": usual,
            "skill": 1 - ratio(score, usual),
        }
    )


def reliability(found: Exceedance, *, classes: int = 10) -> pd.DataFrame:
    """Whether what was told to be likely came as often as told: chances in classes of equal width, all leads together.

    Returns
    -------
    By class: `low` and `high`, `n`, `told` (the mean chance) and `happened` (how often it came). NaN where n is 0.
    """
    if isinstance(classes, bool) or not isinstance(classes, int | np.integer) or not 1 <= classes <= 100:
        raise refuse_parameter("classes", classes, wanted="a whole number from 1 to 100")
    pairs = np.isfinite(found.past) & np.isfinite(found.happened)
    chance, came = found.past[pairs], found.happened[pairs]
    which = np.minimum((chance * classes).astype(int), classes - 1)
    n = np.bincount(which, minlength=classes)
    edges = np.linspace(0, 1, classes + 1)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "told": ratio(np.bincount(which, chance, classes), n),
            "happened": ratio(np.bincount(which, came, classes), n),
        }
    )


def return_levels(history: History, until: int, years: float) -> pd.Series:
    """The value that a place exceeds once in so many years on average, from the first `until` steps: by `location_id`.

    Parameters
    ----------
    until : how many steps count: those before the first cutoff (`backtested.plan.learnt`).
    years : the return period, above 1.

    Returns
    -------
    The quantile 1 − 1/years of the highest values of calendar years, those by Weibull's rank; NaN where fewer complete
    years than `years` − 1 are there, since rarer values than were seen are a matter of flood frequency.

    Raises
    ------
    AlmanacError
        Where the return period is not above a year.
    """
    if not years > 1:
        raise refuse_parameter("years", years, wanted="a return period above 1 year")
    values = history.values[:, :until]
    year = history.times[:until].year.to_numpy()
    found = np.full(len(values), np.nan)
    starts = np.flatnonzero(np.r_[True, np.diff(year) > 0]) if until else np.array([], dtype=int)
    if len(starts):
        seen = np.add.reduceat(np.isfinite(values).astype(float), starts, axis=1)
        highest = np.maximum.reduceat(np.where(np.isfinite(values), values, -np.inf), starts, axis=1)
        highest = np.where(seen >= _COMPLETE * history.steps_in_year, highest, np.nan)
        count = np.isfinite(highest).sum(axis=1)
        enough = (count >= 1) & (count + 1 >= years)
        if enough.any():
            found[enough] = np.nanquantile(highest[enough], 1 - 1 / years, axis=1, method="weibull")
    return pd.Series(found, index=history.places, name="threshold")


def _thresholds(thresholds: pd.Series | float, places: pd.Index) -> np.ndarray:
    if not isinstance(thresholds, pd.Series):
        return np.full(len(places), float(thresholds))
    absent = ~places.isin(thresholds.index)
    if absent.any():
        raise BrokenData(
            "There is no threshold for {n} of {all} places, the first {place}.",
            hint="Give a value, or NaN, for each place of the forecasts.",
            n=int(absent.sum()),
            all=len(places),
            place=places[absent][0],
        )
    return thresholds.reindex(places).to_numpy(float)


def _chances(walk: Walk, scale: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """places × k × horizon: the share of the known errors, in units of their expected size, above the one needed."""
    errors = (walk.observed - walk.means) / scale
    come = walk.come
    known = np.isfinite(errors)
    counts = at_origins(np.cumsum(known, axis=1), come, 0)
    told = np.full(needed.shape, np.nan)
    index = np.arange(errors.shape[1])[:, None]
    pools: Mapping[tuple[int, int], np.ndarray] = {
        (lead, int(until)): _pool(errors[:, : int(until), lead])
        for lead in range(errors.shape[2])
        for until in np.unique(come[:, lead])
    }
    for origin in range(errors.shape[1]):
        inside = index[: come[origin].max(initial=0)] < come[origin]
        above = (errors[:, : len(inside)] > needed[:, origin, None]) & inside
        own = above.sum(axis=1)
        for lead in range(errors.shape[2]):
            pool = pools[lead, int(come[origin, lead])]
            if len(pool) < LEAST_ERRORS:
                continue
            asked = needed[:, origin, lead]
            share = (len(pool) - np.searchsorted(pool, asked, side="right") + 1) / (len(pool) + 2)
            chance = (own[:, lead] + _BORROWED * share) / (counts[:, origin, lead] + _BORROWED)
            told[:, origin, lead] = np.where(np.isfinite(asked), chance, np.nan)
    return told


def _pool(errors: np.ndarray) -> np.ndarray:
    """Ascending errors of all places, or of places spread evenly where they have more errors than are needed."""
    some = errors[:: max(1, errors.size // _POOLED)]
    return np.sort(some[np.isfinite(some)])


def _corrected(told: np.ndarray, above: np.ndarray, come: np.ndarray) -> np.ndarray:
    """The chances as often right as what was known at each origin had it."""
    k = told.shape[1]
    odds = logit(told)
    found = told.copy()
    begins, begin = [], _FIRST
    while begin < k:
        begins.append(begin)
        begin = int(begin * _GROWTH) + 1
    for begin, end in pairwise([*begins, k]):
        until = int(come[begin].max())
        if until <= _BURNT:
            continue
        every = max(1, len(told) * until // _POOLED)
        x, y = odds[::every, _BURNT:until], above[::every, _BURNT:until]
        known = np.isfinite(x) & np.isfinite(y) & (np.arange(_BURNT, until)[:, None] < come[begin])
        constant, slope = _logistic(np.where(known, x, 0.0), np.where(known, y, 0.0), known)
        found[:, begin:end] = expit(constant + slope * odds[:, begin:end])
    return found


def _logistic(x: np.ndarray, y: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """leads: a and b of the log odds a + b·x with which y came, by Newton's steps from the prior a = 0, b = 1."""
    constant, slope = np.zeros(x.shape[2]), np.ones(x.shape[2])
    prior = _PRIOR / 4
    for _ in range(12):
        chance = expit(constant + slope * x)
        off = np.where(known, y - chance, 0.0)
        weight = np.where(known, chance * (1 - chance), 0.0)
        left = off.sum(axis=(0, 1)) - prior * constant, (off * x).sum(axis=(0, 1)) - prior * (slope - 1)
        whole, half, square = (part.sum(axis=(0, 1)) for part in (weight, weight * x, weight * x**2))
        whole, square = whole + prior, square + prior
        scale = whole * square - half**2
        # Where nearly all came as told the steps of Newton overshoot.
        constant = constant + np.clip((square * left[0] - half * left[1]) / scale, -1, 1)
        slope = np.clip(slope + np.clip((whole * left[1] - half * left[0]) / scale, -0.5, 0.5), 0.05, 3.0)
    return constant, slope
