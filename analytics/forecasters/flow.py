"""River discharge and other flows: never negative, with rare high peaks, falling back to what the ground holds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from analytics.flow_features import Catchments, fading, lagged, learn_catchments
from analytics.forecaster import Forecaster
from analytics.forecasters.baseline import last_seen
from analytics.history import History
from analytics.seasonal_profile import Profile, calendar_of, learn_profile
from analytics.transforms import interpolated, stretch_needed, stretched

ROWS = 400_000
# Features of so many bytes are made at once.
_AT_ONCE = 250_000_000
_FEATURES = 150
# Leads that are learnt; between them forecasts are interpolated.
_LEADS = (1, 2, 3, 5, 7, 10, 15, 22, 30, 45, 60, 90, 135, 200, 300, 450, 700, 1000, 1500)
# Steps before the first that is learnt from, so that stores have filled; at most this share of the record.
_WARM_UP, _WARM_UP_SHARE = 365, 0.2
# Of so few rows only a line is learnt.
_FEW = 3_000
# A pool of so many places teaches trees and nets even where no driver is known.
_POOL = 8
# The last part of the record, kept aside to see how much too narrow forecasts are.
_TAIL = 0.3
_MARGIN, _LOSS = 0.06, 0.02
_LITTLE = 0.01
# So many epochs, of few rows more: a net needs some batches to learn at all.
_EPOCHS, _MOST_EPOCHS, _LEAST_BATCHES, _BATCH = 16, 60, 1_500, 512
# A feature that varies less is the same everywhere; beyond so many standard deviations all is equally far.
_ALIKE, _FAR = 1e-5, 6.0
# The middle of a logarithm is below the mean of the flow by half the scatter: a step towards it costs little absolute
# error and spares large ones.
_TOWARDS_MEAN = 0.1
# A line has more coefficients than fewer rows can tell.
_FEWEST = 60
_ROWS_OF_A_TREE = 100
# Fewer rows are learnt faster on one core.
_ALONE = 50_000
# Trees cost far more than nets: of so many rows for a first look, and in the end.
_ROWS_OF_TREES = (60_000, 200_000)


class FlowRegression(Forecaster):
    """The change of a flow from what the catchment holds, learnt from all places together.

    Where weather or many places are known, small nets forecast the change in units of each place's spread and boosted
    trees that of the root of the flow; their mean is spread out again as far as the last part of the record shows to
    be needed (see `transforms.stretch_needed`). A lone series without drivers is forecast by a line on its
    logarithm, about what is usual at the time of the year.

    Drivers are known by their name (see `stores.role_of`): rain (p, prcp, precip, rain), temperature (t, temp) and
    potential evaporation (pet, evap) feed snow and soil; any other driver counts by its lags and fading means. Of
    drivers known ahead what comes up to each lead is used too.

    Parameters
    ----------
    rows : at most how many rows (place and moment) are learnt from.
    nets : how many are averaged.
    trees : at most how many are boosted for each lead; fewer where rows are few.
    seed : where chance decides, it decides the same way each time.
    """

    def __init__(self, rows: int = ROWS, nets: int = 4, trees: int = 250, seed: int = 0) -> None:
        self.rows = rows
        self.nets = nets
        self.trees = trees
        self.seed = seed

    def learn(self, history: History, horizon: int) -> Self:
        self.leads_ = (*(lead for lead in _LEADS if lead < horizon), horizon)
        self.catchments_ = learn_catchments(history, self.leads_)
        self.line_ = _Line().learn(history, self.catchments_, self.leads_)
        self.members_: list[tuple[float, _Nets | _Trees]] = []
        self.middle_ = np.zeros((len(history.places), len(self.leads_)))
        self.factor_ = np.ones(self.middle_.shape)
        if not history.drivers and len(history.places) < _POOL:
            return self
        rows = self._rows(history)
        if len(rows.place) < _FEW:
            return self
        self._learn_stretch(rows, len(history))
        self.members_ = self._members(rows)
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        catchments = self.catchments_
        until = int(origins.max()) + 1
        past = history.until(until)
        found = np.full((len(history.places), len(origins), horizon), np.nan)
        for some in self._blocks(past):
            base = last_seen(catchments.scaled(past, some))[:, origins]
            if self.members_:
                features, _ = catchments.features(past, some)
                chosen = features[:, origins].reshape(-1, features.shape[2])
                spread = np.repeat(self._spread(some), len(origins))
                leads = _mean(self.members_, chosen, base.ravel(), spread).reshape(*base.shape, -1)
                leads = stretched(leads, self.middle_[some, None, :], self.factor_[some, None, :])
            else:
                leads = self.line_.forecast(past, catchments, some, origins)
            still = catchments.spread[some] == 0
            leads[still] = base[still, :, None]
            scaled = np.maximum(interpolated(leads, self.leads_, horizon), 0)
            scaled[~np.isfinite(base)] = np.nan
            found[some] = scaled * catchments.mean[some, None, None] + catchments.floor[some, None, None]
        return found

    def _blocks(self, history: History) -> list[slice]:
        each = max(1, _AT_ONCE // (4 * _FEATURES * len(history)))
        return [slice(start, start + each) for start in range(0, len(history.places), each)]

    def _spread(self, some: slice) -> np.ndarray:
        spread = self.catchments_.spread[some] / self.catchments_.mean[some]
        return np.where(spread > 0, spread, 1.0)

    def _rows(self, history: History) -> _Rows:
        """What to learn from: moments from which the flow came to be known, at random if there are too many."""
        steps = len(history)
        first = min(_WARM_UP, int(_WARM_UP_SHARE * steps))
        usable = np.zeros(history.values.shape, dtype=bool)
        usable[:, first : max(first, steps - self.leads_[-1])] = True
        usable &= np.isfinite(history.values) & (self.catchments_.spread > 0)[:, None]
        share = min(1.0, self.rows / max(int(usable.sum()), 1))
        usable &= np.random.default_rng(self.seed).random(usable.shape) < share
        parts = []
        for some in self._blocks(history):
            place, origin = np.nonzero(usable[some])
            flow = self.catchments_.scaled(history, some)
            features, long = self.catchments_.features(history, some)
            coming = np.stack([flow[place, origin + lead] for lead in self.leads_], axis=1)
            parts.append((some.start + place, origin, features[place, origin], flow[place, origin], coming))
        place, origin, features, base, coming = (np.concatenate(part) for part in zip(*parts, strict=True))
        return _Rows(place, origin, features, long, base, coming, self._spread(slice(None))[place])

    def _members(self, rows: _Rows, *, quick: bool = False) -> list[tuple[float, _Nets | _Trees]]:
        few, most = _ROWS_OF_TREES
        return [
            (0.5, _Nets(min(2, self.nets) if quick else self.nets, self.seed).fit(rows)),
            (0.5, _Trees(few if quick else most, self.trees, self.seed).fit(rows)),
        ]

    def _learn_stretch(self, rows: _Rows, steps: int) -> None:
        """How narrow forecasts of moments are that were not learnt from, by place and lead."""
        cut = int((1 - _TAIL) * steps)
        early, late = rows.of(rows.origin < cut - self.leads_[-1]), rows.of(rows.origin >= cut)
        if len(early.place) < _FEW or not len(late.place):
            return
        means = _mean(self._members(early, quick=True), late.features, late.base, late.spread)
        order = np.lexsort((late.origin, late.place))
        place = late.place[order]
        within = np.arange(len(place)) - np.searchsorted(place, place)
        shape = (len(self.factor_), len(self.leads_), within.max() + 1)
        forecast, observed, reference = (np.full(shape, np.nan) for _ in range(3))
        forecast[place, :, within] = means[order]
        observed[place, :, within] = late.coming[order]
        reference[place, :, within] = np.broadcast_to(late.base[order, None], means.shape)
        self.middle_, own = stretch_needed(forecast, observed, reference, margin=_MARGIN, loss=_LOSS)
        # What one place alone seems to need is mostly the floods of those few years.
        moves = np.unique(place)
        self.factor_ = np.broadcast_to(np.median(own[moves], axis=0), own.shape)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows to learn from; flows in units of their place's mean.

    features, long : rows × features, and by feature whether its tail is long
    base, coming : rows, and rows × leads: the flow now and then
    spread : rows, the standard deviation of the place
    """

    place: np.ndarray
    origin: np.ndarray
    features: np.ndarray
    long: np.ndarray
    base: np.ndarray
    coming: np.ndarray
    spread: np.ndarray

    def of(self, chosen: np.ndarray) -> _Rows:
        return _Rows(
            self.place[chosen], self.origin[chosen], self.features[chosen], self.long, self.base[chosen],
            self.coming[chosen], self.spread[chosen],
        )  # fmt: skip


def _mean(
    members: Sequence[tuple[float, _Nets | _Trees]], features: np.ndarray, base: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """rows × leads: the weighted mean of what the members forecast, never below zero."""
    total = sum(weight * np.maximum(member.forecast(features, base, spread), 0) for weight, member in members)
    return np.asarray(total) / sum(weight for weight, _ in members)


def _change(base: np.ndarray, coming: np.ndarray, spread: np.ndarray, root: bool) -> np.ndarray:
    """rows × leads: what is learnt, the change in units of the spread."""
    if root:
        return (np.sqrt(coming) - np.sqrt(base)[:, None]) / np.sqrt(spread)[:, None]
    return (coming - base[:, None]) / spread[:, None]


def _after(base: np.ndarray, change: np.ndarray, spread: np.ndarray, root: bool) -> np.ndarray:
    """rows × leads: the flow after a change."""
    if root:
        return np.maximum(np.sqrt(np.maximum(base, 0))[:, None] + np.sqrt(spread)[:, None] * change, 0) ** 2
    return base[:, None] + spread[:, None] * change


class _Nets:
    """The mean of small neural nets that forecast all leads at once."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed

    def fit(self, rows: _Rows) -> Self:
        self.long = rows.long
        compressed = self._compressed(rows.features)
        seen = np.isfinite(compressed)
        count = np.maximum(seen.sum(axis=0), 1)
        self.mean = np.where(seen, compressed, 0).sum(axis=0, dtype=float) / count
        width = np.sqrt(np.where(seen, (compressed - self.mean) ** 2, 0).sum(axis=0) / count)
        self.width = np.where(width > _ALIKE, width, np.inf)
        wanted = _change(rows.base, rows.coming, rows.spread, False).astype(np.float32)
        known = np.isfinite(wanted).any(axis=1)
        # A net learns all leads of a row together: what is missing lies between the leads beside it.
        wanted = pd.DataFrame(wanted[known]).interpolate(axis=1, limit_direction="both").to_numpy()
        standard = self._standard(compressed[known])
        epochs = int(np.clip(_LEAST_BATCHES * _BATCH / max(len(standard), 1), _EPOCHS, _MOST_EPOCHS))
        nets = [
            MLPRegressor(
                hidden_layer_sizes=(64, 32),
                alpha=1e-3,
                batch_size=min(_BATCH, len(standard)),
                max_iter=epochs,
                n_iter_no_change=epochs + 1,
                random_state=self.seed + number,
            )
            for number in range(self.count)
        ]
        target = wanted if wanted.shape[1] > 1 else wanted[:, 0]
        # The matrices of a batch are small: a core for each net is faster than all cores for one.
        with (
            warnings.catch_warnings(),
            threadpool_limits(1, "blas"),
            ThreadPoolExecutor(min(self.count, os.cpu_count() or 1)) as pool,
        ):
            # So many epochs are wanted: further ones learn the years by heart.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.nets = list(pool.map(lambda net: net.fit(standard, target), nets))
        return self

    def forecast(self, features: np.ndarray, base: np.ndarray, spread: np.ndarray) -> np.ndarray:
        standard = self._standard(self._compressed(features))
        change = np.mean([net.predict(standard).reshape(len(base), -1) for net in self.nets], axis=0)
        return _after(base, change, spread, False)

    def _compressed(self, features: np.ndarray) -> np.ndarray:
        found = features.copy()
        found[:, self.long] = np.cbrt(found[:, self.long])
        return found

    def _standard(self, compressed: np.ndarray) -> np.ndarray:
        found = np.clip((compressed - self.mean) / self.width, -_FAR, _FAR)
        return np.nan_to_num(found, nan=0.0).astype(np.float32)


class _Trees:
    """Boosted trees of the change of the root, for each lead their own."""

    def __init__(self, most: int, trees: int, seed: int) -> None:
        self.most, self.trees, self.seed = most, trees, seed

    def fit(self, rows: _Rows) -> Self:
        wanted = _change(rows.base, rows.coming, rows.spread, True)
        self.models = []
        random = np.random.default_rng(self.seed)
        for lead in range(wanted.shape[1]):
            known = np.flatnonzero(np.isfinite(wanted[:, lead]))
            if len(known) > self.most:
                known = np.sort(random.choice(known, self.most, replace=False))
            model = HistGradientBoostingRegressor(
                learning_rate=0.05,
                # Few rows carry few trees.
                max_iter=int(np.clip(len(known) // _ROWS_OF_A_TREE, min(30, self.trees), self.trees)),
                max_leaf_nodes=31,
                min_samples_leaf=40,
                l2_regularization=5.0,
                max_features=0.5,
                early_stopping=False,
                random_state=self.seed,
            )
            with threadpool_limits(_cores(len(known))):
                self.models.append(model.fit(rows.features[known], wanted[known, lead]))
        return self

    def forecast(self, features: np.ndarray, base: np.ndarray, spread: np.ndarray) -> np.ndarray:
        with threadpool_limits(_cores(len(features))):
            change = np.stack([model.predict(features) for model in self.models], axis=1)
        return _after(base, change, spread, True)


def _cores(rows: int) -> int | None:
    """One where cores would wait for each other more than they work, else all."""
    return 1 if rows < _ALONE else None


class _Line:
    """Ridge on the logarithm's distance from what is usual at the time of the year, of all places together."""

    profile: Profile

    def learn(self, history: History, catchments: Catchments, leads: Sequence[int]) -> Self:
        self.leads = tuple(leads)
        log = _log(catchments.scaled(history, slice(None)))
        self.profile = learn_profile(log.astype(np.float32), calendar_of(history, history.times))
        away, features = self._features(history, catchments, slice(None))
        steps = len(history)
        first = min(_WARM_UP, int(_WARM_UP_SHARE * steps))
        usable = np.isfinite(away[:, first : steps - leads[-1]])
        place, origin = np.nonzero(usable)
        origin += first
        x = features[place, origin]
        y = np.stack([away[place, origin + lead] for lead in leads], axis=1) - away[place, origin][:, None]
        self.width = np.sqrt(np.nanmean(x**2, axis=0)) if len(x) else np.ones(features.shape[2])
        self.width = np.where(self.width > 1e-9, self.width, np.inf)
        self.models, self.scatter = [], np.zeros(len(leads))
        for lead in range(len(leads)):
            known = np.isfinite(y[:, lead])
            model = Ridge(alpha=100.0) if known.sum() > _FEWEST else None
            self.models.append(model and model.fit(self._standard(x[known]), y[known, lead]))
            if model:
                self.scatter[lead] = np.var(y[known, lead] - model.predict(self._standard(x[known])))
        return self

    def forecast(self, history: History, catchments: Catchments, some: slice, origins: np.ndarray) -> np.ndarray:
        """places × origins × leads, in units of the mean flow."""
        _, features = self._features(history, catchments, some)
        usual = self._usual(history, catchments, some)
        log = _log(last_seen(catchments.scaled(history, some)))
        x = features[:, origins]
        found = []
        for lead, model in zip(self.leads, self.models, strict=True):
            change = model.predict(self._standard(x.reshape(-1, x.shape[2]))).reshape(x.shape[:2]) if model else 0
            found.append(log[:, origins] + change + usual[:, origins + lead] - usual[:, origins])
        return np.exp(np.stack(found, axis=2) + _TOWARDS_MEAN * self.scatter) - _LITTLE

    def _usual(self, history: History, catchments: Catchments, some: slice) -> np.ndarray:
        profile = self.profile
        own = Profile(profile.sums[some], profile.counts[some], profile.mean[some], profile.learnt)
        log = _log(catchments.scaled(history, some)).astype(np.float32)
        return own.at(log, calendar_of(history, history.ahead(self.leads[-1]))).astype(float)

    def _features(self, history: History, catchments: Catchments, some: slice) -> tuple[np.ndarray, np.ndarray]:
        log = _log(catchments.scaled(history, some))
        away = log - self._usual(history, catchments, some)[:, : len(history)]
        known = last_seen(away)
        columns = [lagged(known, k) for k in (0, 1, 2, 3, 5, 7)] + [fading(away, h) for h in (3, 7, 20, 60, 180, 365)]
        # A wet spell drains at another pace in spring than in autumn.
        turn = 2 * np.pi * history.times.day_of_year.to_numpy() / 365.25
        for wave in (np.sin(turn), np.cos(turn)):
            columns += [known * wave, (known - lagged(known, 1)) * wave, fading(away, 20) * wave]
            columns.append(np.broadcast_to(wave, known.shape))
        return away, np.stack(columns, axis=2)

    def _standard(self, features: np.ndarray) -> np.ndarray:
        return np.nan_to_num(features / self.width, nan=0.0)


def _log(flow: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(flow, 0) + _LITTLE)
