"""How good forecasts were: one formula per score, for whole matrices and for tables of any grouping.

An error is forecast − observed: a positive bias means too high. Cases without a forecast or without an observed value
are left out of every score; where none is left, or a formula divides by nothing, the score is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.history import History
from analytics.record import ratio, refuse_parameter

Axis = int | tuple[int, ...]
# What spread is left by rounding alone, as a share of the mean: below it a series is constant.
_ROUNDING = 1e-10
# Events are the values above this share of a place's own.
EVENT_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class Cases:
    """Forecasts beside what came, and how to average them: along axes, or by groups of rows.

    forecast, observed : NaN in both where either is missing
    present : where neither is
    total : the sum of an array by group
    spread : gives each case the value of its group
    """

    forecast: np.ndarray
    observed: np.ndarray
    present: np.ndarray
    total: Callable[[np.ndarray], np.ndarray]
    spread: Callable[[np.ndarray], np.ndarray]

    @property
    def count(self) -> np.ndarray:
        return self.total(self.present.astype(float))

    def mean(self, values: np.ndarray) -> np.ndarray:
        return ratio(self.total(np.where(self.present, values, 0.0)), self.count)


def along(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> Cases:
    """Cases whose scores are taken along one or more axes of arrays of one shape (or that broadcast to one)."""
    sim, obs = np.broadcast_arrays(np.asarray(forecast, float), np.asarray(observed, float))
    present = np.isfinite(sim) & np.isfinite(obs)
    sim, obs = np.where(present, sim, np.nan), np.where(present, obs, np.nan)
    return Cases(sim, obs, present, lambda x: x.sum(axis=axis), lambda x: np.expand_dims(x, axis))


def grouped(forecast: np.ndarray, observed: np.ndarray, group: np.ndarray, count: int) -> Cases:
    """Cases in rows whose scores are taken by group: `group` numbers each row from 0, below 0 it is in none."""
    present = np.isfinite(forecast) & np.isfinite(observed) & (group >= 0)
    sim, obs = np.where(present, forecast, np.nan), np.where(present, observed, np.nan)
    inside = np.where(group >= 0, group, count)
    return Cases(
        sim,
        obs,
        present,
        lambda x: np.bincount(inside, x, count + 1)[:count],
        lambda x: np.append(x, np.nan)[inside],
    )


def mae(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Mean absolute error, in the unit of the series."""
    return _mae(along(forecast, observed, axis))


def rmse(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Root of the mean squared error, in the unit of the series."""
    return _rmse(along(forecast, observed, axis))


def bias(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Mean error, forecast − observed: above zero where forecasts are too high."""
    return _bias(along(forecast, observed, axis))


def pbias(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Percent bias, 100·Σ(forecast − observed)/Σ observed: above zero where forecasts are too high."""
    return _pbias(along(forecast, observed, axis))


def nse(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Nash–Sutcliffe efficiency, 1 − Σ(s − o)²/Σ(o − ō)²: 1 is perfect, 0 as good as the mean of what was observed.

    References
    ----------
    Nash, J. E., Sutcliffe, J. V. (1970): River flow forecasting through conceptual models. Journal of Hydrology 10.
    """
    return _nse(along(forecast, observed, axis))


def kge(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Kling–Gupta efficiency of 2009: 1 is perfect, −0.41 as good as the mean of what was observed.

    Notes
    -----
    1 − √((r − 1)² + (α − 1)² + (β − 1)²) with the parts of `kge_parts`. It is not read with the eyes of NSE.

    References
    ----------
    Gupta, H. V. et al. (2009): Decomposition of the mean squared error and NSE performance criteria. J. Hydrology 377.
    """
    return _kge(along(forecast, observed, axis))


def kge_parts(forecast: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlation r, ratio of the standard deviations α = σs/σo and ratio of the means β = μs/μo, each 1 if perfect."""
    return _kge_parts(along(forecast, observed, axis))


def naive_scale(history: History, until: int, season: int) -> np.ndarray:
    """places: the mean absolute change from one season to the next in the first `until` steps, the unit of MASE.

    References
    ----------
    Hyndman, R. J., Koehler, A. B. (2006): Another look at measures of forecast accuracy. Int. J. Forecasting 22.
    """
    if not 1 <= season < until:
        raise refuse_parameter("season", season, wanted=f"a number of steps from 1, below the {until} of the record")
    values = history.values[:, :until]
    return mae(values[:, :-season], values[:, season:])


def mase(forecast: np.ndarray, observed: np.ndarray, scale: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """MAE in units of `naive_scale`: below 1 where better than the season before was in the record learnt from."""
    return ratio(mae(forecast, observed, axis), np.asarray(scale, float))


def pinball(quantile: np.ndarray, observed: np.ndarray, level: float, axis: Axis = -1) -> np.ndarray:
    """Mean quantile loss of a quantile forecast at a level within 0 to 1, in the unit of the series."""
    cases = along(quantile, observed, axis)
    return cases.mean(_pinball(cases.forecast, cases.observed, level))


def crps_of_quantiles(quantiles: np.ndarray, observed: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Continuous ranked probability score of each case, from quantiles: the area between forecast and what came.

    Parameters
    ----------
    quantiles : … × levels.
    observed : ….
    levels : ascending, within 0 to 1.

    Notes
    -----
    2·Σ w·pinball, where each level stands for the probabilities nearer to it than to the others: a sum for the
    integral 2·∫ pinball dτ, equal to the score of an ensemble where the levels are (i − ½)/m.
    """
    tau = np.asarray(levels, float)
    if not len(tau) or (np.diff(tau) <= 0).any() or tau[0] <= 0 or tau[-1] >= 1:
        raise refuse_parameter("levels", tuple(levels), wanted="probabilities in ascending order between 0 and 1")
    weights = np.diff(np.r_[0.0, (tau[1:] + tau[:-1]) / 2, 1.0])
    return 2 * (_pinball(np.asarray(quantiles, float), np.asarray(observed, float)[..., None], tau) @ weights)


def crps_of_ensemble(members: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of each case, from the members of an ensemble (the last axis).

    Notes
    -----
    E|X − y| − ½·E|X − X′| over the members as they are (the ensemble taken as the distribution itself).

    References
    ----------
    Gneiting, T., Raftery, A. E. (2007): Strictly proper scoring rules, prediction, and estimation. JASA 102.
    """
    drawn = np.sort(np.asarray(members, float), axis=-1)
    m = drawn.shape[-1]
    off = np.abs(drawn - np.asarray(observed, float)[..., None]).mean(axis=-1)
    return off - drawn @ (2 * np.arange(1, m + 1) - m - 1) / m**2


def interval_score(
    low: np.ndarray, high: np.ndarray, observed: np.ndarray, coverage: float, axis: Axis = -1
) -> np.ndarray:
    """Winkler's score of an interval: its width, and for values outside 2/α times the distance, α = 1 − coverage."""
    cases = _in_between(low, high, observed, axis)
    return cases.mean(_winkler(np.asarray(low, float), np.asarray(high, float), np.asarray(observed, float), coverage))


def coverage(low: np.ndarray, high: np.ndarray, observed: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Share of the values that came within the interval, its limits included."""
    cases = _in_between(low, high, observed, axis)
    return cases.mean((np.asarray(low) <= observed) & (observed <= np.asarray(high)))


def width(low: np.ndarray, high: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Mean width of the interval, in the unit of the series."""
    return bias(high, low, axis)


def hit_rate(forecast: np.ndarray, observed: np.ndarray, threshold: np.ndarray | float, axis: Axis = -1) -> np.ndarray:
    """Share of the events (values above the threshold) that were forecast; also called probability of detection."""
    return _hit_rate(along(forecast, observed, axis), np.asarray(threshold, float))


def false_alarm_ratio(
    forecast: np.ndarray, observed: np.ndarray, threshold: np.ndarray | float, axis: Axis = -1
) -> np.ndarray:
    """Share of the forecast events that did not come."""
    return _false_alarm_ratio(along(forecast, observed, axis), np.asarray(threshold, float))


def csi(forecast: np.ndarray, observed: np.ndarray, threshold: np.ndarray | float, axis: Axis = -1) -> np.ndarray:
    """Critical success index: events both forecast and come, as a share of those forecast or come."""
    return _csi(along(forecast, observed, axis), np.asarray(threshold, float))


def brier(probability: np.ndarray, happened: np.ndarray, axis: Axis = -1) -> np.ndarray:
    """Mean squared error of a probability; `happened` is 1, 0 or NaN. 0 is perfect."""
    cases = along(probability, happened, axis)
    return cases.mean((cases.forecast - cases.observed) ** 2)


def event_thresholds(history: History, until: int, *, share: float = EVENT_SHARE) -> pd.Series:
    """The value that a place exceeds in a few of its steps (5 %), from the first `until` steps alone: by `location_id`.

    What came later must not say what counts as an event: hand over the steps before the first cutoff
    (`backtested.plan.learnt`).
    """
    if not 0 < share < 1:
        raise refuse_parameter("share", share, wanted="a share between 0 and 1")
    values = history.values[:, :until]
    found = np.full(len(values), np.nan)
    rows = np.isfinite(values).any(axis=1)
    if rows.any():
        found[rows] = np.nanquantile(values[rows], share, axis=1, method="weibull")
    return pd.Series(found, index=history.places, name="threshold")


def flip_flop(forecasts: np.ndarray, axis: int = -1) -> np.ndarray:
    """How much successive forecasts of one value change their mind, in the unit of the series; 0 if they only approach.

    Parameters
    ----------
    forecasts : along `axis` in the order in which they were made, 3 or more.

    Notes
    -----
    (Σ|fᵢ − fᵢ₋₁| − (max f − min f)) / (n − 2). NaN where one is missing.

    References
    ----------
    Griffiths, D. et al. (2019): Flip-Flop Index: quantifying revision stability for fixed-event forecasts.
    Meteorological Applications 26, 30–35. https://doi.org/10.1002/met.1732
    """
    made = np.moveaxis(np.asarray(forecasts, float), axis, -1)
    if made.shape[-1] < 3:
        raise refuse_parameter("forecasts", made.shape[-1], wanted="3 or more successive forecasts of one value")
    return flips(made, np.array([0]))[..., 0]


def flips(made: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """… × values: the flip-flop index of forecasts in the order of the value that they speak of, then of their making.

    `starts` says where the forecasts of each value begin; NaN where there are fewer than 3 of it.
    """
    count = np.diff(np.r_[starts, made.shape[-1]])
    steps = np.abs(np.diff(made, axis=-1, append=made[..., -1:]))
    steps[..., starts + count - 1] = 0.0
    moved = np.add.reduceat(steps, starts, axis=-1)
    ranged = np.maximum.reduceat(made, starts, axis=-1) - np.minimum.reduceat(made, starts, axis=-1)
    # A sum of lengths in binary fractions may fall short of the range by a rounding.
    return np.where(count > 2, np.maximum(moved - ranged, 0.0) / np.maximum(count - 2, 1), np.nan)


def _mae(cases: Cases) -> np.ndarray:
    return cases.mean(np.abs(cases.forecast - cases.observed))


def _rmse(cases: Cases) -> np.ndarray:
    return np.sqrt(cases.mean((cases.forecast - cases.observed) ** 2))


def _bias(cases: Cases) -> np.ndarray:
    return cases.mean(cases.forecast - cases.observed)


def _pbias(cases: Cases) -> np.ndarray:
    return 100 * ratio(_bias(cases), cases.mean(cases.observed))


def _nse(cases: Cases) -> np.ndarray:
    return 1 - ratio(cases.mean((cases.forecast - cases.observed) ** 2), _variance(cases, cases.observed))


def _kge(cases: Cases) -> np.ndarray:
    r, alpha, beta = _kge_parts(cases)
    return 1 - np.sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2)


def _kge_parts(cases: Cases) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sim, obs = cases.mean(cases.forecast), cases.mean(cases.observed)
    together = cases.mean((cases.forecast - cases.spread(sim)) * (cases.observed - cases.spread(obs)))
    deviation_sim = np.sqrt(_variance(cases, cases.forecast))
    deviation_obs = np.sqrt(_variance(cases, cases.observed))
    return ratio(together, deviation_sim * deviation_obs), ratio(deviation_sim, deviation_obs), ratio(sim, obs)


def _variance(cases: Cases, values: np.ndarray) -> np.ndarray:
    """The mean squared distance from the mean; exactly 0 for a constant."""
    mean = cases.mean(values)
    found = cases.mean((values - cases.spread(mean)) ** 2)
    return np.where(found > (_ROUNDING * mean) ** 2, found, np.where(np.isfinite(found), 0.0, np.nan))


def _pinball(quantile: np.ndarray, observed: np.ndarray, level: float | np.ndarray) -> np.ndarray:
    under = observed - quantile
    return np.maximum(level * under, (level - 1) * under)


def _in_between(low: np.ndarray, high: np.ndarray, observed: np.ndarray, axis: Axis) -> Cases:
    return along(np.asarray(low, float) + np.asarray(high, float), observed, axis)


def _winkler(low: np.ndarray, high: np.ndarray, observed: np.ndarray, share: float) -> np.ndarray:
    if not 0 < share < 1:
        raise refuse_parameter("coverage", share, wanted="a share between 0 and 1")
    outside = np.maximum(low - observed, 0.0) + np.maximum(observed - high, 0.0)
    return high - low + 2 / (1 - share) * outside


def _hit_rate(cases: Cases, threshold: np.ndarray) -> np.ndarray:
    foreseen, came = _events(cases, threshold)
    return ratio(cases.total(foreseen & came), cases.total(came))


def _false_alarm_ratio(cases: Cases, threshold: np.ndarray) -> np.ndarray:
    foreseen, came = _events(cases, threshold)
    return ratio(cases.total(foreseen & ~came), cases.total(foreseen))


def _csi(cases: Cases, threshold: np.ndarray) -> np.ndarray:
    foreseen, came = _events(cases, threshold)
    return ratio(cases.total(foreseen & came), cases.total(foreseen | came))


def _events(cases: Cases, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return cases.forecast > threshold, cases.observed > threshold


# What needs nothing but forecasts and what came.
POINT: Mapping[str, Callable[[Cases], np.ndarray]] = {
    "mae": _mae,
    "rmse": _rmse,
    "bias": _bias,
    "nse": _nse,
    "kge": _kge,
    "kge_r": lambda cases: _kge_parts(cases)[0],
    "kge_alpha": lambda cases: _kge_parts(cases)[1],
    "kge_beta": lambda cases: _kge_parts(cases)[2],
    "pbias": _pbias,
}
# What needs a threshold for each case as well.
EVENTS: Mapping[str, Callable[[Cases, np.ndarray], np.ndarray]] = {
    "hit_rate": _hit_rate,
    "false_alarm_ratio": _false_alarm_ratio,
    "csi": _csi,
}
