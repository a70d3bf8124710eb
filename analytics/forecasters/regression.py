"""One model over all places at once, from what was known at the moment of the forecast."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from analytics.features import Known, learn_features
from analytics.forecaster import Forecaster
from analytics.history import History

# Fewer rows than this are a line's business.
_FEW = 2_000
# Rows whose features are made at once.
_AT_ONCE = 200_000
ROWS = 1_000_000


class Regression(Forecaster):
    """The change from the last known value, learnt from all places together.

    Parameters
    ----------
    rows : at most how many rows (place, moment and lead) are learnt from.
    seed : where chance decides, it decides the same way each time.
    """

    def __init__(self, rows: int = ROWS, seed: int = 0) -> None:
        self.rows = rows
        self.seed = seed

    def learn(self, history: History, horizon: int) -> Self:
        self.features_ = learn_features(history, horizon)
        seen = np.isfinite(history.values)
        low = np.where(seen, history.values, np.inf).min(axis=1)
        high = np.where(seen, history.values, -np.inf).max(axis=1)
        # Beyond what was seen by more than what was seen spans, a forecast is an accident.
        self.limits_ = np.where(low >= 0, np.maximum(2 * low - high, 0), 2 * low - high), 2 * high - low
        known = self.features_.know(history)
        place, origin, lead = self._chosen(history, horizon)
        features = self._rows(known, place, origin, lead)
        target = self._change(known, place, origin, lead)
        # A column that never varies, or never has a value, tells nothing.
        self.columns_ = np.flatnonzero(np.array([_varies(column) for column in features.T]))
        self.model_ = self._fitted(features[:, self.columns_], target)
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        known = self.features_.know(history)
        places, moments = len(history.places), len(origins)
        found = np.full((places, moments, horizon), np.nan)
        at_once = max(1, _AT_ONCE // max(1, moments * horizon))
        for start in range(0, places, at_once):
            some = np.arange(start, min(start + at_once, places))
            place, origin, lead = (
                a.ravel() for a in np.meshgrid(some, origins, np.arange(1, horizon + 1), indexing="ij")
            )
            base = self.features_.base(known, place, origin)
            change = self.model_.predict(self._rows(known, place, origin, lead)[:, self.columns_])
            means = base + change * self.features_.scale[place]
            means = np.clip(means, self.limits_[0][place], self.limits_[1][place])
            found[some] = np.where(np.isfinite(base), means, np.nan).reshape(len(some), moments, horizon)
        return found

    def _chosen(self, history: History, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows to learn from: places, origins and leads."""
        values = history.values
        steps = values.shape[1]
        random = np.random.default_rng(self.seed)
        # In an order that names and order of the places do not move.
        order = np.lexsort((np.nansum(values, axis=1), np.isfinite(values).sum(axis=1)))
        latest = steps - 1
        total = len(order) * latest * horizon
        if total <= 1.5 * self.rows:
            place, origin, lead = (
                a.ravel() for a in np.meshgrid(order, np.arange(latest), np.arange(1, horizon + 1), indexing="ij")
            )
        else:
            wanted = int(1.2 * self.rows)
            place = order[random.integers(0, len(order), wanted)]
            origin, lead = random.integers(0, latest, wanted), random.integers(1, horizon + 1, wanted)
        inside = origin + lead < steps
        place, origin, lead = place[inside], origin[inside], lead[inside]
        began = np.isfinite(values).argmax(axis=1)
        usable = (
            np.isfinite(values[place, origin + lead]) & (origin >= began[place]) & (self.features_.scale[place] > 0)
        )
        place, origin, lead = place[usable], origin[usable], lead[usable]
        if len(place) > self.rows:
            kept = np.sort(random.choice(len(place), self.rows, replace=False))
            place, origin, lead = place[kept], origin[kept], lead[kept]
        return place, origin, lead

    def _rows(self, known: Known, place: np.ndarray, origin: np.ndarray, lead: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [
                self.features_.at_target(known, place, origin, lead),
                self.features_.at_origin(known, place, origin),
            ],
            axis=1,
        )

    def _change(self, known: Known, place: np.ndarray, origin: np.ndarray, lead: np.ndarray) -> np.ndarray:
        base = self.features_.base(known, place, origin)
        return (known.values[place, origin + lead] - base) / self.features_.scale[place]

    def _fitted(self, features: np.ndarray, target: np.ndarray) -> Any:
        if len(target) < 20 or not len(self.columns_):
            return _NoChange()
        if len(target) < _FEW:
            return _Line().fit(features, target)
        return HistGradientBoostingRegressor(
            learning_rate=0.08,
            max_iter=300,
            max_leaf_nodes=31,
            min_samples_leaf=max(20, len(target) // 5_000),
            l2_regularization=1.0,
            early_stopping=False,
            random_state=self.seed,
        ).fit(features, target)


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
