"""What a series owes to its drivers: first place by place in few numbers, and the features for all places together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from analytics import catchment
from analytics.stores import Weather, snow, soil, weighted_means

# Settings of the soil bucket: its capacity in usual steps of rain, and what evaporates beside what falls.
_SOILS = ((30.0, 0.8), (100.0, 1.2), (250.0, 1.6))
_LAGS = (1, 2, 3)
_RIDGES = (3.0, 30.0, 300.0, 3000.0)
# In so many numbers it is told how one place responds beside the others.
_KINDS = 5
# A catchment is fitted to at most so many years, by so many sets of numbers, all of which are kept: their mean
# does better in other years than the best of them.
_SETS, _YEARS = 40, 20
# Places beyond which rounds are saved, so that a thousand places take minutes and not hours.
_MANY = 150


@dataclass(frozen=True, eq=False)
class Store:
    """How weather is held back at each place, with what is taken for the time before the first step."""

    half_lives: tuple[int, ...]
    starts: tuple[np.ndarray, ...]

    def features(self, weather: Weather, times: pd.DatetimeIndex, rows: slice) -> np.ndarray:
        """places × steps × features, float32."""
        held, plain = sources(weather)
        columns = [*plain, *(_later(weather.rain, lag) for lag in _LAGS)]
        for values, start in zip(held, self.starts, strict=True):
            columns += list(weighted_means(values, self.half_lives, start[rows]))
        turn = 2 * np.pi * times.day_of_year.to_numpy() / 365.2425
        columns += [np.broadcast_to(wave(turn), weather.rain.shape) for wave in (np.sin, np.cos)]
        return np.stack(columns, axis=-1).astype(np.float32)


def store_of(weather: Weather, half_lives: tuple[int, ...]) -> Store:
    """A store that starts with what is usual in this weather."""
    held, _ = sources(weather)
    return Store(half_lives, tuple(values.mean(axis=1) for values in held))


def sources(weather: Weather) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What is held back by linear stores, and what counts as it is: places × steps each."""
    pack, water = snow(weather.rain, weather.temperature, threshold=1.0, melt=1.0)
    held, plain = [water, weather.evaporation, weather.temperature], [pack, water, weather.rain]
    for capacity, thirst in _SOILS:
        fullness, recharge = soil(water, thirst * weather.evaporation, capacity=capacity)
        held.append(recharge)
        plain.append(fullness)
    return [*held, *weather.others.values()], plain


def halves_of(count: int, steps_in_year: float) -> np.ndarray:
    """For each step 0 or 1: blocks of two years by turns, or of a quarter of a shorter record."""
    block = max(1, int(min(2 * steps_in_year, count / 4)))
    return np.arange(count) // block % 2


class Basins:
    """The flow of each place by a catchment in twelve numbers, three times: from all steps, and from either half."""

    def learn(
        self, weather: Weather, values: np.ndarray, half: np.ndarray, steps_in_year: float, rounds: int, seed: int
    ) -> Basins:
        count = values.shape[1]
        kept = min(count, int(_YEARS * steps_in_year))
        warm = min(int(steps_in_year), kept // 4)
        counted = np.arange(kept) >= warm
        latest = half[-kept:]
        groups = np.stack([counted, counted & (latest == 0), counted & (latest == 1)])
        rounds = int(np.ceil(rounds * min(1.0, _MANY / len(values))))
        self.unit_, self.scale_ = catchment.fit(
            weather.last(kept),
            values[:, -kept:],
            groups,
            sets=_SETS,
            rounds=rounds,
            random=np.random.default_rng(seed),
        )
        return self

    def groups(self, weather: Weather, rows: slice) -> np.ndarray:
        """3 × places × steps × 7: the flow, that of the step before and its weekly mean, and what the stores hold."""
        found = catchment.states(weather, self.unit_[:, :, rows], self.scale_[:, :, rows])
        flow, *held = (
            np.moveaxis(state, 0, -1) for state in (found.flow, found.snow, found.soil, found.upper, found.lower)
        )
        week = lfilter([0.13], [1, -0.87], flow, axis=-1, zi=0.87 * flow[..., :1])[0]
        return np.stack([flow, _later(flow, 1), week, *held], axis=-1)


class Lines:
    """Ridge of each place's values on its responses, three times: from all steps, and from either half.

    `kind_` tells how a place responds beside the others: main components of its correlations with the responses.

    How strong the ridge is, is the same for all places: that by which either half is best told from the other.
    """

    def learn(self, features: np.ndarray, values: np.ndarray, half: np.ndarray) -> Lines:
        seen = np.isfinite(values)
        self.mean_ = features.mean(axis=1, keepdims=True)
        self.spread_ = np.maximum(features.std(axis=1, keepdims=True), 1e-6)
        standard = self._standard(features, slice(None))
        groups = [seen, seen & (half == 0), seen & (half == 1)]
        grams, rights = zip(*(_normal(standard, values, group) for group in groups), strict=True)
        number = np.maximum(seen.sum(axis=1), 1)[:, None]
        signature = rights[0] / number
        left, size, _ = np.linalg.svd(signature - signature.mean(axis=0), full_matrices=False)
        self.kind_ = (left * size)[:, :_KINDS]
        losses = []
        found = []
        for ridge in _RIDGES:
            ws = [_solved(gram, right, ridge) for gram, right in zip(grams, rights, strict=True)]
            found.append(np.stack(ws))
            told = np.where(half == 0, _told(standard, ws[2]), _told(standard, ws[1]))
            losses.append(np.where(seen, (told - np.nan_to_num(values)) ** 2, 0).sum())
        self.ridge_ = _RIDGES[int(np.argmin(losses))]
        self.weights_ = found[int(np.argmin(losses))]
        return self

    def groups(self, features: np.ndarray, rows: slice) -> np.ndarray:
        """3 × places × steps × 1."""
        standard = self._standard(features, rows)
        return np.stack([_told(standard, weights[rows]) for weights in self.weights_])[..., None]

    def _standard(self, features: np.ndarray, rows: slice) -> np.ndarray:
        ones = np.ones((*features.shape[:2], 1), np.float32)
        scaled = np.clip((features - self.mean_[rows]) / self.spread_[rows], -8, 8)
        return np.concatenate([ones, scaled], axis=2)


def out_of_half(groups: np.ndarray, half: np.ndarray) -> np.ndarray:
    """From 3 × places × steps × n: what each step is told by those who have not seen its half; later steps by all."""
    known = len(half)
    found = groups.mean(axis=0)
    found[:, :known] = np.where(half[None, :, None] == 0, groups[2][:, :known], groups[1][:, :known])
    return np.asarray(found)


def _normal(features: np.ndarray, values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weighted = features * seen[:, :, None]
    right = np.einsum("ptf,pt->pf", weighted, np.where(seen, values, 0).astype(np.float32))
    return np.matmul(weighted.transpose(0, 2, 1), features).astype(float), right.astype(float)


def _solved(gram: np.ndarray, right: np.ndarray, ridge: float) -> np.ndarray:
    penalty = np.full(gram.shape[1], ridge)
    penalty[0] = 1e-6
    return np.linalg.solve(gram + np.diag(penalty), right[:, :, None])[:, :, 0].astype(np.float32)


def _told(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.einsum("ptf,pf->pt", features, weights)


def _later(values: np.ndarray, lag: int) -> np.ndarray:
    """The value of so many steps before; before the first step the first one."""
    return np.concatenate([np.repeat(values[..., :1], lag, axis=-1), values[..., :-lag]], axis=-1)[
        ..., : values.shape[-1]
    ]
