"""A few small neural networks whose mean is smoother than a forest of steps: two hidden layers, learnt in seconds."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

_HIDDEN = (64, 64)
_BATCH = 512
_RATE = 2e-3
_EPOCHS = 4
# At least so many batches, however few the rows.
_LEAST_BATCHES = 600
# Features are standardised, and beyond this many standard deviations all is equally far.
_FAR = 4.0


class SmallNetworks:
    """The mean of several networks with rectified units, one output per lead.

    Written out in NumPy, because targets may be missing for some of the leads of a row, and in 32 bits.

    Parameters
    ----------
    count : how many; each begins at other weights and sees the rows in another order.
    seed : the same seed gives the same networks.

    References
    ----------
    Kingma, Ba 2015, Adam (arXiv:1412.6980); the rate falls along half a cosine (Loshchilov, Hutter 2017).
    """

    def __init__(self, count: int = 4, seed: int = 0) -> None:
        self.count = count
        self.seed = seed

    def fit(self, features: np.ndarray, targets: np.ndarray) -> Self:
        """Learns rows × features to rows × leads; what is missing among the features counts as usual."""
        seen = np.isfinite(features)
        number = np.maximum(seen.sum(axis=0), 1)
        self.mean = np.sum(features, axis=0, where=seen, dtype=np.float64) / number
        self.mean = self.mean.astype(np.float32)
        spread = np.sqrt(np.sum((features - self.mean) ** 2, axis=0, where=seen, dtype=np.float64) / number)
        self.spread = np.where(spread > 1e-6, spread, np.inf).astype(np.float32)
        rows = self._standard(features)
        # Their matrices are so small that several cores wait for each other: each network has one core to itself.
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(self.count, os.cpu_count() or 1)) as pool:
            seeds = range(self.seed, self.seed + self.count)
            self.networks = list(pool.map(partial(_learnt, rows, targets), seeds))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """rows × leads"""
        rows = self._standard(features)
        return np.mean([_answer(weights, rows) for weights in self.networks], axis=0)

    def _standard(self, features: np.ndarray) -> np.ndarray:
        rows = (features.astype(np.float32, copy=False) - self.mean) / self.spread
        return np.nan_to_num(np.clip(rows, -_FAR, _FAR, out=rows), copy=False, nan=0.0)


def _learnt(rows: np.ndarray, targets: np.ndarray, seed: int) -> list[np.ndarray]:
    """Weights and offsets in turn."""
    random = np.random.default_rng(seed)
    sizes = [rows.shape[1], *_HIDDEN, targets.shape[1]]
    weights: list[np.ndarray] = []
    for wide, narrow in pairwise(sizes):
        weights.append(random.normal(0, np.sqrt(2 / wide), (wide, narrow)).astype(np.float32))
        weights.append(np.zeros(narrow, dtype=np.float32))
    # At first nothing changes: the last value is a good guess to start from.
    weights[-2] *= np.float32(0.1)
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    batch = min(_BATCH, len(rows))
    per_epoch = len(rows) // batch
    epochs = max(_EPOCHS, min(-(-_LEAST_BATCHES // per_epoch), 50))
    step, total = 0, epochs * per_epoch
    for _ in range(epochs):
        order = random.permutation(len(rows))
        for start in range(0, per_epoch * batch, batch):
            some = order[start : start + batch]
            slopes = _slopes(weights, rows[some], targets[some])
            step += 1
            rate = _RATE * 0.5 * (1 + np.cos(np.pi * step / total))
            rate *= np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            for weight, mean, square, slope in zip(weights, first, second, slopes, strict=True):
                mean += np.float32(0.1) * (slope - mean)
                square += np.float32(0.001) * (slope * slope - square)
                weight -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))
    return weights


def _slopes(weights: list[np.ndarray], rows: np.ndarray, targets: np.ndarray) -> list[np.ndarray]:
    """How the mean squared error changes with each weight; missing targets count for nothing."""
    layers = [rows]
    for weight, offset in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        layers.append(np.maximum(layers[-1] @ weight + offset, 0))
    wrong = layers[-1] @ weights[-2] + weights[-1] - targets
    error = np.nan_to_num(wrong, nan=0.0) * np.float32(2 / targets.size)
    slopes: list[np.ndarray] = [np.empty(0)] * len(weights)
    for layer in range(len(layers) - 1, -1, -1):
        slopes[2 * layer], slopes[2 * layer + 1] = layers[layer].T @ error, error.sum(axis=0)
        if layer:
            error = (error @ weights[2 * layer].T) * (layers[layer] > 0)
    return slopes


def _answer(weights: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
    for weight, offset in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        rows = np.maximum(rows @ weight + offset, 0)
    return rows @ weights[-2] + weights[-1]
