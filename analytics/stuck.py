"""Records that never change: an instrument that is stuck, or one that was never read."""

from __future__ import annotations

import numpy as np


def unchanging(values: np.ndarray) -> np.ndarray:
    """Which rows hold one value throughout; a row with a single value does not.

    Examples
    --------
    >>> unchanging(np.array([[3.0, np.nan, 3.0], [3.0, 3.0, 4.0], [3.0, np.nan, np.nan]])).tolist()
    [True, False, False]
    """
    present = np.isfinite(values)
    highest = np.where(present, values, -np.inf).max(axis=1, initial=-np.inf)
    lowest = np.where(present, values, np.inf).min(axis=1, initial=np.inf)
    return np.asarray((present.sum(axis=1) > 1) & (highest == lowest))
