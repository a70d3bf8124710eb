"""What the present state of all places together foretells of each, by one ridge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

# Each place's value, and its change over so many steps.
_CHANGES = (1, 3, 6)
_FAR = 6.0
# Ridge penalties for standardised values, tried on the parts left out.
_PENALTIES = (300.0, 1_000.0, 3_000.0, 10_000.0)
_PARTS = 5
# From so few places nothing spreads; with more columns, or more answers to keep, it takes too long.
_LEAST_PLACES, _MOST_COLUMNS, _MOST_ANSWERS = 8, 1_000, 20_000_000
# Fewer steps than this in each part say nothing of the others.
_LEAST_STEPS = 60


@dataclass(frozen=True, eq=False)
class LinearPanel:
    """A ridge from the values and recent changes of all places to the coming change of each.

    mean, scale : by place, what values are counted from and in
    weights : columns × (places · leads), from all steps learnt from
    within : steps × places × leads, for the steps learnt from: each part answered by the ridge of the other parts, for
        a ridge looks better on the steps it was fitted to than it will prove
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    within: np.ndarray

    def answers(self, values: np.ndarray, last: np.ndarray) -> np.ndarray:
        """steps × places × leads, the change expected from each step on, in units of scale; float32.

        Parameters
        ----------
        values : places × steps, at least the steps learnt from.
        last : places × steps, the step of the last value at or before each; -1 before the first.
        """
        places, leads = self.within.shape[1:]
        learnt = min(len(self.within), values.shape[1])
        found = np.empty((values.shape[1], places, leads), dtype=np.float32)
        found[:learnt] = self.within[:learnt]
        after = _columns(values, last, self.mean, self.scale, np.arange(learnt, values.shape[1]))
        with threadpool_limits(1, "blas"):
            found[learnt:] = (after @ self.weights).reshape(-1, places, leads)
        return found


def learn_linear_panel(
    values: np.ndarray, last: np.ndarray, mean: np.ndarray, scale: np.ndarray, horizon: int, part: int
) -> LinearPanel | None:
    """Learns the ridge; None where the panel is too small or too large for it.

    Parameters
    ----------
    values, last : places × steps, as in `LinearPanel.answers`.
    mean, scale : by place.
    horizon : how many leads.
    part : how many steps belong together, a day: neighbouring steps are too alike to judge each other.
    """
    places, steps = values.shape
    columns = places * (1 + len(_CHANGES))
    at = np.arange(steps - horizon)
    if places < _LEAST_PLACES or columns > _MOST_COLUMNS or values.size * horizon > _MOST_ANSWERS:
        return None
    fold = at // part % _PARTS
    parts = np.unique(fold)
    if len(parts) < 3 or len(at) < _LEAST_STEPS * _PARTS:
        return None
    mean, scale = np.nan_to_num(mean).astype(np.float32), scale.astype(np.float32)
    rows = _columns(values, last, mean, scale, at)
    # What is missing then counts as unchanged.
    filled = _filled(values, last, mean)
    change = np.stack([filled[:, at + lead] - filled[:, at] for lead in range(1, horizon + 1)], axis=2)
    change = np.ascontiguousarray((change / scale[:, None, None]).transpose(1, 0, 2)).reshape(len(at), -1)
    with threadpool_limits(1, "blas"):
        grams = [rows[fold == one].T.astype(np.float64) @ rows[fold == one] for one in parts]
        rights = [rows[fold == one].T @ change[fold == one] for one in parts]
        gram, right = np.sum(grams, axis=0), np.sum(rights, axis=0)
        wrong = np.zeros(len(_PENALTIES))
        answers = [np.empty_like(change) for _ in _PENALTIES]
        for one, its_gram, its_right in zip(parts, grams, rights, strict=True):
            out = fold == one
            solved = _Solved(gram - its_gram, right - its_right)
            for i, penalty in enumerate(_PENALTIES):
                answers[i][out] = rows[out] @ solved(penalty)
                wrong[i] += float(np.square(answers[i][out] - change[out]).sum())
        best = int(wrong.argmin())
        weights = _Solved(gram, right)(_PENALTIES[best])
    return LinearPanel(mean, scale, weights, answers[best].reshape(len(at), places, horizon))


class _Solved:
    """The ridge's weights for any penalty, from one decomposition."""

    def __init__(self, gram: np.ndarray, right: np.ndarray) -> None:
        self.values, self.vectors = np.linalg.eigh(gram)
        self.turned = self.vectors.T.astype(np.float32) @ right

    def __call__(self, penalty: float) -> np.ndarray:
        shrunk = self.turned / (np.maximum(self.values, 0) + penalty)[:, None].astype(np.float32)
        return np.asarray(self.vectors.astype(np.float32) @ shrunk)


def _filled(values: np.ndarray, last: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The last value at each step; the mean before the first."""
    found = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, found, mean[:, None]).astype(np.float32)


def _columns(values: np.ndarray, last: np.ndarray, mean: np.ndarray, scale: np.ndarray, at: np.ndarray) -> np.ndarray:
    """steps × columns: the values of all places, and then their changes."""
    if not len(at):
        return np.empty((0, len(values) * (1 + len(_CHANGES))), dtype=np.float32)
    first = max(0, at[0] - max(_CHANGES))
    filled = _filled(values, last[:, first : at[-1] + 1], mean)
    filled = (filled - mean[:, None]) / scale[:, None]
    now = filled[:, at - first]
    found = [now, *(now - filled[:, np.maximum(at - back, 0) - first] for back in _CHANGES)]
    return np.clip(np.concatenate(found), -_FAR, _FAR).T.astype(np.float32)
