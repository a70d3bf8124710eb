"""A motion through time split into a start, a rate, a season and sudden steps: least squares, many places at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Days to the year of the season and of all rates: the Julian year, as in geodesy.
DAYS_IN_YEAR = 365.25
# Below this span a season and a rate cannot be told apart (Blewitt and Lavallée 2002 advise 2.5 years for rates).
SEASON_YEARS = 2.0
# Twice as many values as a start, a rate and a season have unknowns.
SEASON_VALUES = 8
# Condition of the normal matrix, its diagonal scaled to ones. With dates in one season of the year only, a season
# is hardly told from the start; beyond the second limit the unknowns are not told apart at all.
_SEASON_CONDITION = 1e4
_CONDITION = 1e10
_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Fit:
    """What least squares finds at each place; NaN where the dates do not tell the unknowns apart.

    rate, acceleration : per year, per year²; the acceleration is 0 where none was asked for
    rate_deviation, acceleration_deviation : their standard deviations, for errors that are independent of each other
    sine, cosine : of the yearly season; NaN where it was not fitted
    spare : values beyond the number of unknowns (degrees of freedom)
    """

    rate: np.ndarray
    rate_deviation: np.ndarray
    acceleration: np.ndarray
    acceleration_deviation: np.ndarray
    sine: np.ndarray
    cosine: np.ndarray
    spare: np.ndarray

    @property
    def half_width(self) -> np.ndarray:
        """How many standard deviations reach to a 95 % limit: Student's t for the values to spare."""
        return np.where(self.spare >= 1, stats.t.ppf(0.975, np.maximum(self.spare, 1)), np.nan)


def fit(
    values: np.ndarray,
    years: np.ndarray,
    *,
    quadratic: bool = False,
    seasonal: bool | None = None,
    steps: np.ndarray | None = None,
) -> Fit:
    """The rate of each place, beside its season, its steps and (if asked) its acceleration.

    Parameters
    ----------
    values : places × times; missing is NaN.
    years : the times in years of 365.25 days, from any origin, ascending.
    seasonal : whether to fit a yearly season; None fits it where a place has 2 years and 8 values or more. It is
        never fitted where the dates cannot tell it from the rest.
    steps : the moments of sudden steps, on the same scale; one that no value of a place lies before, or none after,
        is left out there.

    Notes
    -----
    d(t) = c + v·t + ½·a·t² + s·sin 2πt + k·cos 2πt + Σ hⱼ·[t ≥ tⱼ]. The normal equations of all places are summed
    by one matrix product each and solved together: a term that a place does not have is a row and column of the
    unit matrix. The covariance is Σe²/(n − unknowns)·(GᵀG)⁻¹.
    """
    read = np.isfinite(values).any(axis=0)
    values, years = (values[:, read], years[read]) if read.any() else (np.full((len(values), 1), np.nan), np.zeros(1))
    moments = np.array([]) if steps is None else np.asarray(steps, dtype=float)
    middle, half = (years[0] + years[-1]) / 2, max((years[-1] - years[0]) / 2, 1e-9)
    scaled = (years - middle) / half
    columns = [np.ones_like(scaled), scaled]
    if quadratic:
        columns.append(scaled**2 / 2)
    first = len(columns)
    columns += [np.sin(2 * np.pi * (years - years[0])), np.cos(2 * np.pi * (years - years[0]))]
    columns += [(years >= moment).astype(float) for moment in moments]
    design = np.stack(columns, axis=1)
    found = [
        _block(values[start : start + _block_rows(values)], years, design, first, seasonal)
        for start in range(0, max(len(values), 1), _block_rows(values))
    ]
    solution, deviation, spare = (np.concatenate(part) for part in zip(*found, strict=True))
    nothing = np.zeros(len(values))
    return Fit(
        rate=solution[:, 1] / half,
        rate_deviation=deviation[:, 1] / half,
        acceleration=solution[:, 2] / half**2 if quadratic else nothing,
        acceleration_deviation=deviation[:, 2] / half**2 if quadratic else nothing,
        sine=solution[:, first],
        cosine=solution[:, first + 1],
        spare=spare,
    )


def _block_rows(values: np.ndarray) -> int:
    return max(1, _CELLS // max(values.shape[1], 1))


def _block(
    values: np.ndarray, years: np.ndarray, design: np.ndarray, first: int, seasonal: bool | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solution, standard deviations and values to spare of some places; NaN for the terms a place does not have."""
    present = np.isfinite(values)
    weight = present.astype(float)
    n = weight.sum(axis=1)
    active = np.ones((len(values), design.shape[1]), dtype=bool)
    season = slice(first, first + 2)
    active[:, season] = _with_season(present, years, n, seasonal)[:, None]
    after = weight @ design[:, first + 2 :]
    active[:, first + 2 :] = (after > 0) & (after < n[:, None])
    products = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    normal = (weight @ products).reshape(len(values), design.shape[1], design.shape[1])
    dim = active[:, season][:, 0] & (_condition(normal, active) > _SEASON_CONDITION)
    active[dim, season] = False
    unknowns = active.sum(axis=1)
    solvable = (_condition(normal, active) < _CONDITION) & (n >= unknowns)

    # Taken from their mean, numbers that are large and alike lose no digits.
    mean = np.divide(np.where(present, values, 0.0).sum(axis=1), n, out=np.zeros(len(n)), where=n > 0)
    reduced = np.where(present, values - mean[:, None], 0.0)
    matrix, scale = _scaled(normal, active)
    matrix[~solvable] = np.eye(design.shape[1])
    inverse = np.linalg.inv(matrix)
    right = np.where(active, reduced @ design, 0.0) / scale
    solution = np.einsum("pij,pj->pi", inverse, right) / scale
    residual = np.where(present, reduced - solution @ design.T, 0.0)
    spare = np.where(solvable, n - unknowns, 0.0)
    variance = np.divide((residual**2).sum(axis=1), spare, out=np.full(len(n), np.nan), where=spare >= 1)
    deviation = np.sqrt(variance[:, None] * np.diagonal(inverse, axis1=1, axis2=2)) / scale
    shown = active & solvable[:, None]
    return np.where(shown, solution, np.nan), np.where(shown, deviation, np.nan), spare


def _with_season(present: np.ndarray, years: np.ndarray, n: np.ndarray, seasonal: bool | None) -> np.ndarray:
    if seasonal is not None:
        return np.full(len(present), seasonal)
    first = present.argmax(axis=1)
    last = present.shape[1] - 1 - present[:, ::-1].argmax(axis=1)
    return (years[last] - years[first] >= SEASON_YEARS - 0.01) & (n >= SEASON_VALUES)


def _scaled(normal: np.ndarray, active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The normal matrices with ones on the diagonal, and by what each unknown was scaled."""
    both = active[:, :, None] & active[:, None, :]
    diagonal = np.diagonal(normal, axis1=1, axis2=2)
    scale = np.sqrt(np.where(active & (diagonal > 0), diagonal, 1.0))
    matrix = np.where(both, normal, 0.0) / scale[:, :, None] / scale[:, None, :]
    matrix += np.eye(normal.shape[1]) * ~active[:, :, None]
    return matrix, scale


def _condition(normal: np.ndarray, active: np.ndarray) -> np.ndarray:
    found = np.linalg.eigvalsh(_scaled(normal, active)[0])
    return np.divide(found[:, -1], found[:, 0], out=np.full(len(found), np.inf), where=found[:, 0] > 0)
