"""How large the error of a forecast is likely to be, told at the moment it is made from the errors known by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from analytics.backtesting import Backtested

DAY = 86_400_000_000
# In microseconds: what the size of errors may follow, where the forecasts so far span each at least twice.
_PERIODS = (DAY, 7 * DAY, round(365.2425 * DAY))
# Errors are remembered for so many forecasts, until half forgotten.
_HALF_LIVES = (3, 15, 90)
# A place with few errors at a lead time borrows so many from its other lead times, at the proportions of all places.
_BORROWED = 5
# Before this many errors of a place and lead time are known, nothing is said of their size.
LEAST_ERRORS = 3
# The size of errors is learnt once so many moments and errors are known, and again whenever they have grown so much.
_FIRST_ORIGINS, _FIRST_ERRORS, _GROWTH = 30, 2_000, 1.6
_MOST_ERRORS = 100_000
# The power of what the trees tell, 1 being all of it: what is expected to be extreme turns out less so on average, and
# limits that follow it in full are wider: by 7 % for the speeds of METR-LA and 11 % for the discharge of CAMELS, on the
# last part of what may be learnt from.
_TRUST = 0.75


@dataclass(frozen=True, eq=False)
class Walk:
    """Forecasts of one model in the order in which they were made, and what came.

    means : places × k × horizon
    observed : places × k × horizon, missing is NaN
    known : k moments, ascending: the last one whose value was known when each forecast was made, in microseconds
    targets : k × horizon moments that were forecast
    """

    means: np.ndarray
    observed: np.ndarray
    known: np.ndarray
    targets: np.ndarray

    @property
    def come(self) -> np.ndarray:
        """k × horizon: of how many of the forecasts at this lead time the target was known at each origin."""
        return np.stack([np.searchsorted(t, self.known, side="right") for t in self.targets.T], axis=1)


def walk_of(backtested: Backtested, means: np.ndarray) -> Walk:
    """The forecasts of one model of a backtest, as they were made."""
    return _walk(backtested, means, backtested.observed, backtested.plan.origins)


def walk_of_fresh(backtested: Backtested, means: np.ndarray) -> Walk:
    """A forecast (places × horizon) that knows the whole record of a backtest: nothing has come of it yet."""
    # What is published late is late today too.
    now = np.array([len(backtested.history) - 1 + backtested.plan.gap])
    return _walk(backtested, means[:, None], np.full_like(means[:, None], np.nan), now)


def _walk(backtested: Backtested, means: np.ndarray, observed: np.ndarray, origins: np.ndarray) -> Walk:
    history, plan = backtested.history, backtested.plan
    moments = history.ahead(plan.horizon + plan.gap).as_unit("us").asi8
    targets = moments[origins[:, None] + np.arange(1, plan.horizon + 1)]
    return Walk(means, observed, moments[np.maximum(origins - plan.gap, 0)], targets)


def joined(walks: Sequence[Walk]) -> Walk:
    """Several walks, one after the other."""
    return Walk(
        np.concatenate([walk.means for walk in walks], axis=1),
        np.concatenate([walk.observed for walk in walks], axis=1),
        np.concatenate([walk.known for walk in walks]),
        np.concatenate([walk.targets for walk in walks]),
    )


def local_scale(walk: Walk) -> np.ndarray:
    """How large the error of each forecast was likely to be, from what was known when it was made.

    The mean absolute error of the place at the lead time so far, times what boosted trees say of it: from the errors
    that came lately, the forecast, how it departs from what was last seen, the time of day and year, the lead time.
    The trees learn from all places at once, again and again as the walk goes on, and always before the forecasts that
    they are asked about: the size was truly unknown.

    Returns
    -------
    places × k × horizon, in the unit of the target; NaN while fewer than `LEAST_ERRORS` errors are known.
    """
    errors = np.abs(walk.observed - walk.means)
    come = walk.come
    usual = _usual(errors, come)
    scale = usual.copy()
    features = _Features(walk, errors, come, usual)
    places, k, horizon = errors.shape
    rng = np.random.default_rng(0)
    begins = _begins(k)
    for begin, end in pairwise([*begins, k]):
        rows = _known_rows(errors, usual, come[begin], rng)
        if len(rows[0]) < _FIRST_ERRORS:
            continue
        trees = HistGradientBoostingRegressor(
            max_iter=60,
            max_leaf_nodes=15,
            min_samples_leaf=max(20, len(rows[0]) // 400),
            early_stopping=False,
            random_state=0,
        )
        # The root is learnt rather than the error itself: few huge errors must not decide for all.
        features.choose_seasons(begin)
        learnt = features.of(*rows)
        # Where few steps have a value the first lead time may never have one, and its columns tell nothing.
        tells = np.isfinite(learnt).any(axis=0)
        trees.fit(learnt[:, tells], np.sqrt(errors[rows] / usual[rows]))
        block = np.ogrid[0:places, begin:end, 0:horizon]
        asked = features.of(*block)[..., tells]
        told = trees.predict(asked.reshape(-1, asked.shape[-1])).reshape(asked.shape[:-1])
        scale[:, begin:end] *= np.maximum(told, 0.1) ** (2 * _TRUST)
    return scale


def _begins(k: int) -> list[int]:
    begins, begin = [], _FIRST_ORIGINS
    while begin < k:
        begins.append(begin)
        begin = int(begin * _GROWTH) + 1
    return begins


def _usual(errors: np.ndarray, come: np.ndarray) -> np.ndarray:
    """The mean of the errors known so far, by place and lead time; with few, the place's own at other lead times count
    too, in proportion.
    """
    seen = np.isfinite(errors)
    total = at_origins(np.cumsum(np.where(seen, errors, 0), axis=1), come, 0.0)
    count = at_origins(np.cumsum(seen, axis=1, dtype=float), come, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        everywhere = total.sum(axis=0) / count.sum(axis=0)
        expected = np.nansum(count * everywhere, axis=2, keepdims=True)
        level = total.sum(axis=2, keepdims=True) / expected
        usual = (total + _BORROWED * level * everywhere) / (count + _BORROWED)
    # Where a place never erred yet, the next error would be infinitely large.
    return np.where((count >= LEAST_ERRORS) & (usual > 0), usual, np.nan)


def _known_rows(
    errors: np.ndarray, usual: np.ndarray, come: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which forecasts (place, origin, lead time) can be learnt from, at most a fixed number of them at random."""
    until = int(come.max())
    usable = np.isfinite(errors[:, :until]) & np.isfinite(usual[:, :until])
    usable &= np.arange(until)[:, None] < come
    flat = np.flatnonzero(usable)
    if len(flat) > _MOST_ERRORS:
        flat = rng.choice(flat, _MOST_ERRORS, replace=False)
    place, origin, lead = np.unravel_index(flat, usable.shape)
    return place, origin, lead


class _Features:
    """What the size of an error may depend on, as far as it is known when the forecast is made."""

    def __init__(self, walk: Walk, errors: np.ndarray, come: np.ndarray, usual: np.ndarray) -> None:
        self.walk, self.usual = walk, usual
        self.recent = [at_origins(m, come) for m in _remembered(errors, _HALF_LIVES)]
        # The first lead time is the first to be known: it tells soonest that errors have grown.
        first, known = slice(0, 1), come[:, :1]
        self.soonest = at_origins(_remembered(errors[:, :, first], _HALF_LIVES[:1])[0], known)
        self.last = at_origins(walk.observed[:, :, first], known)
        self.missed = self.last - at_origins(walk.means[:, :, first], known)
        seen = np.isfinite(walk.observed)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.cumsum(np.where(seen, walk.observed, 0), axis=1) / np.cumsum(seen, axis=1)
        self.typical = at_origins(mean, come)
        self.choose_seasons(0)

    def choose_seasons(self, origin: int) -> None:
        """The seasons that the forecasts up to an origin have seen twice."""
        span = self.walk.known[origin] - self.walk.known[0]
        angles = [2 * np.pi * (self.walk.targets % p) / p for p in _PERIODS if 2 * p <= span]
        self.seasons = [turn(angle) for angle in angles for turn in (np.sin, np.cos)]

    def of(self, place: np.ndarray, origin: np.ndarray, lead: np.ndarray) -> np.ndarray:
        """… × features, for indices that broadcast together."""
        means, usual = self.walk.means, self.usual[place, origin, lead]
        mean = means[place, origin, lead]
        columns = [
            *(recent[place, origin, lead] / usual for recent in self.recent),
            self.soonest[place, origin, 0] / usual,
            mean / usual,
            (mean - self.typical[place, origin, lead]) / usual,
            (mean - self.last[place, origin, 0]) / usual,
            (mean - means[place, origin, 0]) / usual,
            self.missed[place, origin, 0] / usual,
            *(season[origin, lead] for season in self.seasons),
            lead,
        ]
        found = np.empty((*usual.shape, len(columns)), dtype=np.float32)
        for i, column in enumerate(columns):
            found[..., i] = column
        return found


def at_origins(values: np.ndarray, come: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """Of values by place, forecast and lead time: the last that was known at each origin."""
    found = values[:, np.maximum(come - 1, 0), np.arange(come.shape[1])]
    return np.where(come > 0, found, otherwise)


def _remembered(errors: np.ndarray, half_lives: tuple[int, ...]) -> list[np.ndarray]:
    """Exponentially weighted means of the errors up to each forecast; missing ones are passed over."""
    keep = 0.5 ** (1 / np.array(half_lives, dtype=float))[:, None, None]
    seen = np.isfinite(errors)
    filled = np.where(seen, errors, 0)
    found = np.empty((len(half_lives), *errors.shape), dtype=np.float32)
    total = np.zeros((len(half_lives), len(errors), errors.shape[2]))
    weight = np.zeros_like(total)
    with np.errstate(invalid="ignore", divide="ignore"):
        for i in range(errors.shape[1]):
            total = np.where(seen[:, i], total * keep + filled[:, i], total)
            weight = np.where(seen[:, i], weight * keep + 1, weight)
            found[:, :, i] = total / weight
    return list(found)
