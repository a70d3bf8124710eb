"""Which places tell what another place will do next."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

# How many products of two places' values are summed at most: with more places fewer steps are looked at, but not fewer
# than the least.
_EFFORT, _LEAST_STEPS = 5e9, 100
_AT_ONCE = 1_000
# Among more places than this only so many of the nearest are candidates, where positions are known.
_MANY, _NEAREST = 2_000, 40


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
    near = _nearest(positions, max(_NEAREST, count)) if places > _MANY else None
    others = places if near is None else near.shape[1]
    every = int(np.ceil(places * others * usable * 2 / _EFFORT))
    every = max(1, min(every, usable // _LEAST_STEPS))
    at = np.arange(span, steps - lead, every)
    if use is not None:
        at = at[use[at] & use[at - span] & use[at + lead]]
    now, change = residuals[:, at], residuals[:, at] - residuals[:, at - span]
    surprise = _without_own(residuals[:, at + lead] - now, now, change)
    surprise = _unit(surprise)
    candidates = _unit(change), _unit(now)
    found = np.zeros((places, count), dtype=int)
    at_once = _AT_ONCE if near is None else max(1, _AT_ONCE // 10)
    for start in range(0, places, at_once):
        rows = np.arange(start, min(start + at_once, places))
        among = np.broadcast_to(np.arange(places), (len(rows), places)) if near is None else near[rows]
        score = np.zeros(among.shape, dtype=np.float32)
        for candidate in candidates:
            if near is None:
                found_with = surprise[rows] @ candidate.T
            else:
                found_with = np.einsum("is,ijs->ij", surprise[rows], candidate[among])
            np.maximum(score, np.abs(found_with), out=score)
        score[among == rows[:, None]] = -1
        best = np.argpartition(-score, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(score, best, axis=1), axis=1, kind="stable")
        found[rows] = np.take_along_axis(among, np.take_along_axis(best, order, axis=1), axis=1)
    return found


def _nearest(positions: np.ndarray | None, count: int) -> np.ndarray | None:
    """places × count of the nearest others, the place itself among them; None where a position is missing."""
    if positions is None or not np.isfinite(positions).all():
        return None
    return np.asarray(cKDTree(positions).query(positions, k=count + 1)[1])


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
