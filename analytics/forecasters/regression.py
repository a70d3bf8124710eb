"""One model over all places at once, from what was known at the moment of the forecast."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from analytics.features import Known, learn_features
from analytics.forecaster import Forecaster
from analytics.forecasters.small_networks import SmallNetworks
from analytics.history import History
from analytics.transforms import skewness
from geodata.errors import AlmanacError

Transform = Literal["auto", "none", "sqrt", "log"]

# Fewer rows than this are a line's business.
_FEW = 2_000
# Under so many rows a second thread waits more than it works.
_ALONE = 50_000
# Rows that are answered at once, and those whose features are made at once: these stay in the processor's cache.
_AT_ONCE, _PIECE = 200_000, 4_000
# How many rows are learnt from: the most of a panel of up to half a million values, then fewer the larger it is, for
# looking things up in a large panel takes longer, but not fewer than the least.
_MOST_ROWS, _LEAST_ROWS, _VALUES = 300_000, 100_000, 500_000
# Networks answer for all leads at once; beyond so many leads, or below so many moments, boosting stands alone.
_MOST_LEADS, _LEAST_MOMENTS, _MOST_MOMENTS = 24, 3_000, 300_000
# Skewness of never-negative values from which they are transformed.
_SKEWED, _VERY_SKEWED = 1.5, 4.0


class Regression(Forecaster):
    """The change from the last known value, learnt from all places together.

    Gradient boosting with the lead as a feature, averaged half and half with a few small neural networks that answer
    for all leads at once; a ridge where there are few rows. All learn the change in units of each place's own scale.

    Parameters
    ----------
    rows : at most how many rows (place, moment and lead) are learnt from; None takes 300,000 for a small panel, and
        fewer for a large one.
    transform : learn the square root or the logarithm of never-negative values; "auto" looks at their skewness.
    networks : how many networks; 0 for boosting alone.
    seed : where chance decides, it decides the same way each time.
    """

    def __init__(
        self, rows: int | None = None, transform: Transform = "auto", networks: int = 4, seed: int = 0
    ) -> None:
        self.rows = rows
        self.transform = transform
        self.networks = networks
        self.seed = seed

    def learn(self, history: History, horizon: int) -> Self:
        values = history.values
        low, high = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
        # Beyond what was seen by more than what was seen spans, a forecast is an accident.
        self.limits_ = np.where(low >= 0, np.maximum(2 * low - high, 0), 2 * low - high), 2 * high - low
        self.curve_ = _Curve(self._shape(values), values)
        bent = self.curve_.bent(history)
        self.features_, known = learn_features(bent, horizon)
        random = np.random.default_rng(self.seed)
        place, origin, lead = self._chosen(bent, horizon, random)
        base = self.features_.base(known, place, origin)
        change = (known.values[place, origin + lead] - base) / self.features_.scale[place]
        self.pace_ = _pace(change, lead, horizon)
        # The two models learn beside each other, each on its share of the cores.
        with ThreadPoolExecutor(1) as beside:
            networks = beside.submit(self._networks, known, bent, horizon, random)
            features = self._rows(known, place, origin, lead)
            # A column that never varies, or never has a value, tells nothing.
            self.columns_ = np.flatnonzero(np.array([_varies(column) for column in features.T]))
            self.model_ = self._fitted(features[:, self.columns_], change / self.pace_[lead - 1])
            self.networks_ = networks.result()
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        known = self.features_.know(self.curve_.bent(history), int(np.min(origins, initial=len(history))))
        places, moments = len(history.places), len(origins)
        found = np.full((places, moments, horizon), np.nan)
        at_once = max(1, _AT_ONCE // max(1, moments * horizon))
        leads = np.arange(1, horizon + 1)
        for start in range(0, places, at_once):
            some = np.arange(start, min(start + at_once, places))
            place, origin, lead = (a.ravel() for a in np.meshgrid(some, origins, leads, indexing="ij"))
            base = self.features_.base(known, place, origin)
            rows = self._rows(known, place, origin, lead)[:, self.columns_]
            with threadpool_limits(1 if len(rows) < _ALONE else None):
                change = self.model_.predict(rows)
            del rows
            if self.networks_ is not None:
                pairs = [a.ravel() for a in np.meshgrid(some, origins, indexing="ij")]
                answers = self.networks_.predict(self._moments(known, pairs[0], pairs[1]))
                change = (change + answers[:, :horizon].ravel()) / 2
            change = change * self.pace_[lead - 1]
            means = self.curve_.back(base + change * self.features_.scale[place], place)
            means = np.clip(means, self.limits_[0][place], self.limits_[1][place])
            found[some] = np.where(np.isfinite(base), means, np.nan).reshape(len(some), moments, horizon)
        return found

    def _shape(self, values: np.ndarray) -> Transform:
        """The transformation to use.

        Raises
        ------
        AlmanacError
            Where none of that name is known, or it is asked for negative values.
        """
        if self.transform not in ("auto", "none", "sqrt", "log"):
            raise AlmanacError(
                "There is no transformation “{transform}”.",
                hint="Choose one of auto, none, sqrt, log.",
                transform=self.transform,
            )
        least = np.nanmin(values, initial=np.inf)
        if self.transform in ("sqrt", "log") and least < 0:
            raise AlmanacError(
                "The values go down to {least}, and the transformation {transform} needs values from 0.",
                hint="Choose the transformation none.",
                least=float(least),
                transform=self.transform,
            )
        if self.transform != "auto":
            return self.transform
        if least < 0:
            return "none"
        # A few thousand places tell as much as all.
        skewed = skewness(values[_order(values)[:: max(1, values.size // _VALUES)]])
        return "none" if skewed < _SKEWED else "sqrt" if skewed < _VERY_SKEWED else "log"

    def _chosen(
        self, history: History, horizon: int, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows to learn from: places, origins and leads."""
        values = history.values
        steps = values.shape[1]
        most = self.rows or int(np.clip(_MOST_ROWS * (_VALUES / values.size), _LEAST_ROWS, _MOST_ROWS))
        order = _order(values)
        leads = np.arange(1, horizon + 1)
        if len(order) * (steps - 1) * horizon <= 1.5 * most:
            place, origin, lead = (a.ravel() for a in np.meshgrid(order, np.arange(steps - 1), leads, indexing="ij"))
        else:
            wanted = int(1.2 * most)
            place = order[random.integers(0, len(order), wanted)]
            origin, lead = random.integers(0, steps - 1, wanted), random.integers(1, horizon + 1, wanted)
        inside = origin + lead < steps
        place, origin, lead = place[inside], origin[inside], lead[inside]
        usable = np.isfinite(values[place, origin + lead]) & self._begun(values, place, origin)
        place, origin, lead = place[usable], origin[usable], lead[usable]
        if len(place) > most:
            kept = random.choice(len(place), most, replace=False)
            place, origin, lead = place[kept], origin[kept], lead[kept]
        # Looking things up is faster where the next is near the last.
        order = np.lexsort((lead, origin, place))
        return place[order], origin[order], lead[order]

    def _begun(self, values: np.ndarray, place: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """Where there is a last value, at a place that ever changed."""
        began = np.isfinite(values).argmax(axis=1)
        return (origin >= began[place]) & (self.features_.scale[place] > 0)

    def _rows(self, known: Known, place: np.ndarray, origin: np.ndarray, lead: np.ndarray) -> np.ndarray:
        made = self.features_

        def rows(some: slice) -> list[np.ndarray]:
            its = place[some], origin[some]
            return [
                lead[some, None].astype(np.float32),
                made.at_target(known, *its, lead[some]),
                made.date(known, its[1] + lead[some]),
                made.at_origin(known, *its),
            ]

        return _in_pieces(rows, len(place))

    def _moments(self, known: Known, place: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """What the networks look at: all leads of a place and moment in one row."""
        made = self.features_

        def rows(some: slice) -> list[np.ndarray]:
            its = place[some], origin[some]
            parts = [made.at_origin(known, *its)]
            for lead in range(1, made.horizon + 1):
                parts.append(made.at_target(known, *its, np.full(len(its[0]), lead), brief=True))
            # In less than three weeks the time of day says which day it was, not what is usual: the profile does that.
            if made.weeks or made.years:
                parts.append(made.date(known, its[1] + 1))
            return parts

        return _in_pieces(rows, len(place))

    def _fitted(self, features: np.ndarray, change: np.ndarray) -> Any:
        if len(change) < 20 or not len(self.columns_):
            return _NoChange()
        if len(change) < _FEW:
            return _Line().fit(features, change)
        # From few rows as much is learnt in larger steps.
        few = len(change) <= _LEAST_ROWS
        model = HistGradientBoostingRegressor(
            learning_rate=0.12 if few else 0.08,
            max_iter=80 if few else 300,
            max_leaf_nodes=31,
            min_samples_leaf=int(np.clip(len(change) // 5_000, 20, 200)),
            l2_regularization=1.0,
            early_stopping=False,
            random_state=self.seed,
        )
        with threadpool_limits(1 if len(change) < _ALONE else max(1, (os.cpu_count() or 1) // 2), "openmp"):
            return model.fit(features, change)

    def _networks(
        self, known: Known, history: History, horizon: int, random: np.random.Generator
    ) -> SmallNetworks | None:
        """The networks, where there are moments enough and not too many leads."""
        values = history.values
        steps = values.shape[1]
        moments = steps - horizon
        if not self.networks or horizon > _MOST_LEADS or len(values) * moments < _LEAST_MOMENTS:
            return None
        most = _MOST_MOMENTS if self.rows is None else self.rows
        if values.size > _VALUES:
            most = min(most, max(_LEAST_ROWS // 2, _MOST_MOMENTS * _VALUES // values.size))
        order = _order(values)
        if len(order) * moments <= most:
            place, origin = (a.ravel() for a in np.meshgrid(order, np.arange(moments), indexing="ij"))
        else:
            place, origin = order[random.integers(0, len(order), most)], random.integers(0, moments, most)
            near = np.lexsort((origin, place))
            place, origin = place[near], origin[near]
        begun = self._begun(values, place, origin)
        place, origin = place[begun], origin[begun]
        if len(place) < _LEAST_MOMENTS:
            return None
        base = self.features_.base(known, place, origin)[:, None]
        ahead = known.values[place[:, None], origin[:, None] + np.arange(1, horizon + 1)]
        change = (ahead - base) / (self.features_.scale[place][:, None] * self.pace_)
        # Where there is much to learn from, two networks say what four do.
        count = self.networks if values.size <= _VALUES else min(self.networks, 2)
        return SmallNetworks(count, self.seed).fit(self._moments(known, place, origin), change.astype(np.float32))


def _in_pieces(rows: Callable[[slice], list[np.ndarray]], count: int) -> np.ndarray:
    """rows × features, made piece by piece from parts that lie side by side."""
    found: np.ndarray | None = None
    for start in range(0, max(count, 1), _PIECE):
        some = slice(start, min(start + _PIECE, count))
        parts = rows(some)
        if found is None:
            found = np.empty((count, sum(part.shape[1] for part in parts)), dtype=np.float32)
        np.concatenate(parts, axis=1, out=found[some])
    assert found is not None
    return found


class _Curve:
    """Values bent so that they are less skewed, and back."""

    def __init__(self, shape: Transform, values: np.ndarray) -> None:
        self.shape = shape
        seen = np.isfinite(values)
        mean = np.where(seen, values, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        # So that nothing at all is not infinitely far from little.
        self.little = np.where(mean > 0, 0.01 * mean, 1.0)

    def bent(self, history: History) -> History:
        if self.shape == "none":
            return history
        values = np.maximum(history.values, 0)
        values = np.sqrt(values) if self.shape == "sqrt" else np.log(values + self.little[:, None])
        return replace(history, values=values)

    def back(self, values: np.ndarray, place: np.ndarray) -> np.ndarray:
        if self.shape == "none":
            return values
        return np.maximum(values, 0) ** 2 if self.shape == "sqrt" else np.exp(values) - self.little[place]


def _pace(change: np.ndarray, lead: np.ndarray, horizon: int) -> np.ndarray:
    """By lead, the root mean square of the change: else the far leads alone would decide. 1 where rows are few."""
    if len(change) < max(_FEW, 100 * horizon):
        return np.ones(horizon)
    number = np.bincount(lead - 1, minlength=horizon)
    pace = np.sqrt(np.bincount(lead - 1, change.astype(float) ** 2, minlength=horizon) / np.maximum(number, 1))
    return np.where(pace > 0, pace, 1.0)


def _order(values: np.ndarray) -> np.ndarray:
    """The places in an order that neither their names nor their order in the table move."""
    return np.lexsort((np.nansum(values, axis=1), np.isfinite(values).sum(axis=1)))


def _varies(column: np.ndarray) -> bool:
    seen = column[np.isfinite(column)]
    return bool(len(seen)) and bool(seen.min() < seen.max())


class _NoChange:
    """What is said where there is nothing to learn from."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.zeros(len(features))


class _Line:
    """Ridge on standardised features; what is missing counts as usual."""

    def fit(self, features: np.ndarray, target: np.ndarray) -> Self:
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(features)
            count = np.maximum(seen.sum(axis=0), 1)
            self.mean = np.where(seen, features, 0).sum(axis=0) / count
            spread = np.sqrt(np.where(seen, (features - self.mean) ** 2, 0).sum(axis=0) / count)
        self.spread = np.where(spread > 1e-6, spread, np.inf)
        self.ridge = Ridge(alpha=max(10.0, 0.05 * len(target))).fit(self._standard(features), target)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.ridge.predict(self._standard(features))

    def _standard(self, features: np.ndarray) -> np.ndarray:
        return np.nan_to_num(np.clip((features - self.mean) / self.spread, -6, 6), nan=0.0)
