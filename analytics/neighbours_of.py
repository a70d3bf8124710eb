"""Which places tell what another place will do next."""

from __future__ import annotations

import numpy as np

# How many products of two places' values are summed at most: with more places fewer steps are looked at.
_EFFORT = 2e10
_AT_ONCE = 1_000


def leading_places(
    residuals: np.ndarray,
    lead: int,
    count: int,
    *,
    span: int = 3,
    positions: np.ndarray | None = None,
    use: np.ndarray | None = None,
) -> np.ndarray:
    """The places whose change foretells best what a place's own past does not.

    Parameters
    ----------
    residuals : places × steps, what is left of the values after the profile, in units of each place's scale; missing
        is 0. Only steps learnt from.
    lead : how many steps ahead the change of the target counts.
    count : how many neighbours.
    span : over how many steps the neighbours' change is taken.
    positions : places × 2; where there are very many places only the nearest are candidates.
    use : which steps may be looked at; None for all.

    Returns
    -------
    places × count indices, the best first; fewer columns where there are fewer other places.
    """
    places, steps = residuals.shape
    count = min(count, places - 1)
    usable = steps - lead - span
    if count < 1 or usable < 20:
        return np.zeros((places, 0), dtype=int)
    every = max(1, int(np.ceil(places * places * usable * 2 / _EFFORT)))
    at = np.arange(span, steps - lead, every)
    if use is not None:
        at = at[use[at] & use[at - span] & use[at + lead]]
    now, change = residuals[:, at], residuals[:, at] - residuals[:, at - span]
    surprise = _without_own(residuals[:, at + lead] - now, now, change)
    surprise = _unit(surprise)
    candidates = _unit(change), _unit(now)
    found = np.zeros((places, count), dtype=int)
    for start in range(0, places, _AT_ONCE):
        rows = slice(start, min(start + _AT_ONCE, places))
        score = np.zeros((rows.stop - start, places), dtype=np.float32)
        for candidate in candidates:
            score = np.maximum(score, np.abs(surprise[rows] @ candidate.T))
        score[np.arange(len(score)), np.arange(start, rows.stop)] = -1
        best = np.argpartition(-score, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(score, best, axis=1), axis=1, kind="stable")
        found[rows] = np.take_along_axis(best, order, axis=1)
    return found


def _without_own(future: np.ndarray, now: np.ndarray, change: np.ndarray) -> np.ndarray:
    """What a place's own last value and change do not explain of its future, by least squares at each place."""
    terms = np.stack([now, change, np.ones_like(now)], axis=2)
    gram = np.einsum("ijk,ijl->ikl", terms, terms, optimize=True).astype(np.float64)
    right = np.einsum("ijk,ij->ik", terms, future, optimize=True).astype(np.float64)
    gram += (1e-6 * np.trace(gram, axis1=1, axis2=2)[:, None, None] + 1e-9) * np.eye(3)
    solved = np.linalg.solve(gram, right[:, :, None]).astype(np.float32)
    return future - (terms @ solved)[:, :, 0]


def _unit(values: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1; rows that never vary become 0."""
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-6)
