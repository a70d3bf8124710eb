"""A series explained by what drives it alone, so that years without a measurement and what-ifs can be simulated."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from analytics.features import last_step
from analytics.forecaster import Forecaster
from analytics.history import History
from analytics.responses import Basins, Lines, Store, halves_of, out_of_half, store_of
from analytics.stores import Drivers, Weather, usable_half_lives
from analytics.transforms import skewness
from geodata.errors import AlmanacError

ROWS = 250_000
# More than this skewness and no value below zero: flow rather than a level.
_SKEWED = 1.5
# Values of a feature of so many places and steps are made at once.
_AT_ONCE = 1_000_000
# A mean of models varies less than what it explains. What is missing is given back up to this share of the spread:
# the last tenth would cost more in squared error than it brings.
_SPREAD = 0.87
_MOST_STRETCH = 1.3
# Fewer rows teach nothing beyond the first stage.
_FEWEST = 500
# Fewer rows than this are learnt by fewer trees.
_FEW = 20_000
# A network sees no feature further from its mean than so many spreads.
_FARTHEST = 5.0


class Response(Forecaster):
    """Drivers through stores: place by place a catchment in few numbers (flow) or a ridge on responses (levels), and
    on these, the weather held back and what is known of each place, one model for all places.

    Parameters
    ----------
    rows : at most how many rows (place and step) the common model learns from.
    rounds : how often the numbers of each catchment are bettered; many more would fit noise.
    seed : where chance decides, it decides the same way each time.

    Notes
    -----
    Each stage learns from what the stage before says of years that it has not seen: blocks of two years by turns.
    """

    def __init__(self, rows: int = ROWS, rounds: int = 10, seed: int = 0) -> None:
        self.rows = rows
        self.rounds = rounds
        self.seed = seed

    def learn(self, history: History, horizon: int) -> Self:
        """Learns the response; the number of steps ahead matters only to `forecast`.

        Raises
        ------
        AlmanacError
            Where there is no driver.
        """
        if not history.drivers:
            raise AlmanacError(
                "{target} has no driver, and a response model explains a series by what drives it.",
                hint="Name its drivers, such as rain, evaporation or pumping, or choose another forecaster.",
                target=history.target,
            )
        values, count = history.values, len(history)
        seen = np.isfinite(values)
        number = np.maximum(seen.sum(axis=1), 1)
        self.silent_ = ~seen.any(axis=1)
        self.mean_ = np.where(seen, values, 0).sum(axis=1) / number
        away = np.where(seen, values - self.mean_[:, None], 0)
        self.spread_ = np.sqrt((away**2).sum(axis=1) / number)
        self.flow_ = bool(np.nanmin(values) >= 0 and skewness(values) > _SKEWED)
        # In units of its spread each place weighs the same to a squared error, without weights.
        self.unit_ = _positive(self.spread_)
        self.zero_ = np.zeros_like(self.mean_) if self.flow_ else self.mean_
        self.drivers_ = Drivers().learn(history)
        weather = self._weather(history, count)
        self.store_: Store = store_of(weather, usable_half_lives(history))
        half = halves_of(count, history.steps_in_year)
        scaled = (values - self.zero_[:, None]) / self.unit_[:, None]
        self.first_: Basins | Lines
        if self.flow_:
            self.first_ = Basins().learn(weather, scaled, half, history.steps_in_year, self.rounds, self.seed)
        else:
            self.first_ = Lines().learn(self.store_.features(weather, history.times, slice(None)), scaled, half)
        self.facts_ = self._facts(weather, values, away, number)
        self._learn_common(history, weather, scaled, half)
        self._learn_memory(history, half, horizon)
        return self

    def simulate(self, history: History) -> np.ndarray:
        """places × steps: the series from its drivers alone, over all steps that any driver reaches.

        Values of the series in this history are not looked at. A place that had none when it was learnt has NaN.
        Where a driver is missing it is taken as usual at that time of the year.

        Parameters
        ----------
        history : the same places and drivers as learnt from.
        """
        steps = max([len(history), *(values.shape[1] for values in history.drivers.values())])
        return self._told(history, steps, (self.models_["all"],))

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        """As `Forecaster.forecast`. Where all drivers are known ahead, the simulation and what is left of its last
        error; else what is usual, and what is left of the present state and of the last error.
        """
        steps = len(history) + horizon
        lead = np.arange(1, horizon + 1)
        targets = origins[:, None] + lead
        known = history.known_ahead >= set(history.drivers)
        last = last_step(history.values)[:, origins]
        wanted = np.zeros(steps, dtype=bool)
        wanted[origins] = wanted[last[last >= 0]] = True
        if known:
            wanted[targets] = True
        simulated = self._told(_cut(history, steps), steps, (self.models_["all"],), wanted=wanted)
        error, age, state = self._at(history, simulated, origins, last)
        kept = self.memory_[:, None, None] ** (age[:, :, None] + lead)
        if known:
            found = simulated[:, targets] + self.trust_[:, None, None] * kept * error[:, :, None]
        else:
            usual = self._usual(history, steps)[:, targets]
            hold = self.hold_[:, lead - 1][:, None, :] * state[:, :, None]
            found = usual + hold + self.trust_[:, None, None] * kept * error[:, :, None]
        return np.maximum(found, 0) if self.flow_ else found

    def _weather(self, history: History, steps: int) -> Weather:
        complete = {name: self.drivers_.complete(history, name, steps) for name in self.drivers_.roles_}
        return self.drivers_.weather(complete)

    def _facts(self, weather: Weather, values: np.ndarray, away: np.ndarray, number: np.ndarray) -> np.ndarray:
        """places × facts: what tells one place from another to the common model."""
        rain = next((self.drivers_.means_[n] for n, role in self.drivers_.roles_.items() if role == "rain"), None)
        amount = np.ones(len(values)) if rain is None else _positive(rain)
        again = (away[:, 1:] * away[:, :-1]).sum(axis=1) / (_positive(self.spread_) ** 2 * number)
        facts = [
            self.mean_ / amount,
            amount,
            self.spread_ / _positive(np.abs(self.mean_)),
            again,
            weather.temperature.mean(axis=1),
            weather.temperature.std(axis=1),
            weather.rain.std(axis=1),
            np.where(weather.temperature < 1, weather.rain, 0).mean(axis=1),
        ]
        if isinstance(self.first_, Lines):
            facts += list(self.first_.kind_.T)
        return np.stack(facts, axis=1).astype(np.float32)

    def _learn_common(self, history: History, weather: Weather, scaled: np.ndarray, half: np.ndarray) -> None:
        random = np.random.default_rng(self.seed)
        seen = np.isfinite(scaled)
        warm = min(int(history.steps_in_year), len(history) // 4)
        seen[:, :warm] = False
        if seen.sum() > self.rows:
            seen &= random.random(seen.shape) < self.rows / seen.sum()
        features, target, halves = [], [], []
        for rows in self._parts(len(history)):
            made = self._features(weather, history, rows, half)
            chosen = seen[rows]
            features.append(made[chosen])
            target.append(scaled[rows][chosen])
            halves.append(np.broadcast_to(half, chosen.shape)[chosen])
        x, y, h = (np.concatenate(part) for part in (features, target, halves))
        groups = {"all": h >= 0, "first": h == 0, "second": h == 1}
        self.models_ = {name: self._fitted(x[rows], y[rows]) for name, rows in groups.items()}
        self.stretch_ = 1.0
        told = self._told(history, len(half), (self.models_["second"], self.models_["first"]), half)
        self.honest_ = told
        among = np.isfinite(scaled)
        number = np.maximum(among.sum(axis=1), 1)
        middle = np.where(among, told, 0).sum(axis=1) / number
        spread = np.sqrt(np.where(among, (told - middle[:, None]) ** 2, 0).sum(axis=1) / number)
        moves = spread > 0
        if self.flow_ and moves.any():
            wanted = np.median(_SPREAD * self.spread_[moves] / spread[moves])
            self.stretch_ = float(np.clip(wanted, 1.0, _MOST_STRETCH))
            self.honest_ = self._stretched(told)

    def _fitted(self, x: np.ndarray, y: np.ndarray) -> list[Any]:
        if len(y) < _FEWEST:
            return [_First()]
        boosted = HistGradientBoostingRegressor(
            learning_rate=0.08,
            max_iter=200 if len(y) > _FEW else 100,
            max_leaf_nodes=24,
            min_samples_leaf=max(20, len(y) // 5_000),
            l2_regularization=5.0,
            max_features=0.4,
            early_stopping=False,
            random_state=self.seed,
        )
        if self.flow_:
            # Each errs in its own way: trees and networks, of flows and their roots, beyond the first stage or not.
            return [
                boosted.fit(x, y),
                _Beyond(HistGradientBoostingRegressor(**boosted.get_params())).fit(x, y),
                _Network(self.seed).fit(x, y),
                _Root(_Network(self.seed)).fit(x, y),
            ]
        trees = ExtraTreesRegressor(
            80,
            max_features=0.4,
            min_samples_leaf=10,
            max_samples=0.5,
            bootstrap=True,
            n_jobs=-1,
            random_state=self.seed,
        )
        # Several threads would add the trees up in an order of chance, and no two runs would agree in the last digit.
        return [_First(), boosted.fit(x, y), trees.fit(x, y).set_params(n_jobs=1)]

    def _features(self, weather: Weather, history: History, rows: slice, half: np.ndarray | None) -> np.ndarray:
        """places × steps × features, the first of them what the first stage says."""
        here = weather.rows(rows)
        steps = here.rain.shape[1]
        times = history.ahead(max(steps - len(history), 0))[:steps]
        held = self.store_.features(here, times, rows)
        groups = self.first_.groups(here if isinstance(self.first_, Basins) else held, rows)  # type: ignore[arg-type]
        first = groups.mean(axis=0) if half is None else out_of_half(groups, half)
        facts = np.broadcast_to(self.facts_[rows, None, :], (*held.shape[:2], self.facts_.shape[1]))
        return np.concatenate([first.astype(np.float32), held, facts], axis=2)

    def _told(
        self,
        history: History,
        steps: int,
        models: Sequence[list[Any]],
        which: np.ndarray | None = None,
        wanted: np.ndarray | None = None,
    ) -> np.ndarray:
        """places × steps, in the unit of the target.

        `which` tells for each step which of the models speaks, and that the first stage is one that has not seen its
        half. `wanted` are the steps that are asked for; the others are NaN.
        """
        weather = self._weather(history, steps)
        found = np.full((len(self.mean_), steps), np.nan)
        asked = np.ones(steps, dtype=bool) if wanted is None else wanted
        for rows in self._parts(steps):
            x = self._features(weather, history, rows, which)
            for number, members in enumerate(models):
                now = asked if which is None else asked & (which == number)
                if not now.any():
                    continue
                some = x[:, now]
                flat = some.reshape(-1, x.shape[2])
                mixed = np.mean([model.predict(flat).reshape(some.shape[:2]) for model in members], axis=0)
                found[rows, now] = self.zero_[rows, None] + self.unit_[rows, None] * mixed
        found[self.silent_] = np.nan
        return self._stretched(found)

    def _stretched(self, told: np.ndarray) -> np.ndarray:
        """Spread about the mean of the place, so that the whole varies as what was observed; flow stays above zero."""
        wide = self.mean_[:, None] + self.stretch_ * (told - self.mean_[:, None])
        return np.maximum(wide, 0) if self.flow_ else wide

    def _learn_memory(self, history: History, half: np.ndarray, horizon: int) -> None:
        """How long an error and a state last: by place, least squares on what was told of years not seen."""
        values, told, count = history.values, self.honest_, len(history)
        usual = np.where(np.isfinite(values), values, np.nan)
        self.usual_ = Drivers().learn(_as_driver(history, usual))
        error = values - told
        state = told - self._usual(history, count)
        lags = np.unique(np.geomspace(1, max(2, min(horizon, count // 4)), 8).astype(int))
        after, before = zip(*(_pairs(error, lag) for lag in lags), strict=True)
        # The decay that tells later errors best, one for each place, out of a ladder of half-lives.
        ladder = 0.5 ** (1 / np.geomspace(0.5, 4 * max(horizon, 30), 24))
        trust = (0.25, 0.5, 0.75, 1.0)
        self.memory_, self.trust_ = _best_decay(after, before, lags, ladder, trust)
        self.hold_ = np.ones((len(values), horizon))
        move = values - self._usual(history, count)
        for lead in range(1, horizon + 1):
            later, now = move[:, lead:], state[:, : count - lead]
            both = np.isfinite(later)
            self.hold_[:, lead - 1] = np.where(both, later * now, 0).sum(axis=1) / (
                np.where(both, now**2, 0).sum(axis=1) + 1e-9 + 5 * self.spread_**2
            )

    def _usual(self, history: History, steps: int) -> np.ndarray:
        times = history.ahead(max(steps - len(history), 0))[:steps]
        return self.usual_.usual("usual", times)

    def _at(
        self, history: History, simulated: np.ndarray, origins: np.ndarray, last: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """places × origins: the last error known, how long ago that was, and the state."""
        count = len(history)
        error = history.values - simulated[:, :count]
        found = np.take_along_axis(np.nan_to_num(error), np.maximum(last, 0), axis=1)
        state = simulated[:, origins] - self._usual(history, count)[:, origins]
        return np.where(last >= 0, found, 0.0), np.where(last >= 0, origins - last, 0), state

    def _parts(self, steps: int) -> list[slice]:
        size = max(1, _AT_ONCE // max(steps, 1))
        return [slice(start, start + size) for start in range(0, len(self.mean_), size)]


class _First:
    """What the first stage says, as it is."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        return x[:, 0].astype(float)


class _Beyond:
    """A model of what the first stage leaves."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        self.model.fit(x, y - x[:, 0])
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.model.predict(x) + x[:, 0])


class _Root:
    """A model of the root of a flow."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        self.model.fit(x, np.sqrt(np.maximum(y, 0)))
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(self.model.predict(x), 0) ** 2)


class _Network:
    """A small network on standardised features, after a fixed number of passes: stopped early on purpose."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        self.mean, self.spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
        self.network = MLPRegressor(
            hidden_layer_sizes=(64, 32),
            alpha=1e-2,
            batch_size=min(256, len(y)),
            max_iter=8 if len(y) > _FEW else 40,
            random_state=self.seed,
        )
        # Its matrices are so small that several cores would wait for each other.
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network.fit(self._standard(x), y)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.network.predict(self._standard(x)))

    def _standard(self, x: np.ndarray) -> np.ndarray:
        return np.clip((x - self.mean) / self.spread, -_FARTHEST, _FARTHEST)


def _pairs(error: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    return error[:, lag:], error[:, : error.shape[1] - lag]


def _best_decay(
    after: tuple[np.ndarray, ...],
    before: tuple[np.ndarray, ...],
    lags: np.ndarray,
    ladder: np.ndarray,
    trust: tuple[float, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """By place, the decay per step and the share of the last error that together leave the least error."""
    cross, square = [], []
    for later, now in zip(after, before, strict=True):
        both = np.isfinite(later) & np.isfinite(now)
        n = np.maximum(both.sum(axis=1), 1)
        cross.append(np.where(both, np.nan_to_num(later) * np.nan_to_num(now), 0).sum(axis=1) / n)
        square.append(np.where(both, np.nan_to_num(now) ** 2, 0).sum(axis=1) / n)
    best = np.zeros(len(cross[0]))
    decay, share = np.full_like(best, 0.5), np.zeros_like(best)
    for d in ladder:
        for s in trust:
            kept = s * d**lags
            loss = sum(k**2 * q - 2 * k * c for k, q, c in zip(kept, square, cross, strict=True))
            better = loss < best
            best, decay, share = (
                np.where(better, loss, best),
                np.where(better, d, decay),
                np.where(better, s, share),
            )
    return decay, share


def _cut(history: History, steps: int) -> History:
    """Drivers that are not known ahead end with the record."""
    ends = {n: (d[:, :steps] if n in history.known_ahead else d[:, : len(history)]) for n, d in history.drivers.items()}
    return replace(history, drivers=ends)


def _as_driver(history: History, values: np.ndarray) -> History:
    return replace(history, drivers={"usual": values}, known_ahead=frozenset())


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1.0)
