"""Limits within which what comes will lie as often as promised: one conformal method for every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.backtesting import Backtested
from analytics.local_scale import Walk, at_origins, joined, local_scale, walk_of, walk_of_fresh
from geodata.errors import AlmanacError, BrokenData

# How much the limits of a place widen after a miss: by gamma × coverage, against gamma × (1 - coverage) narrower after
# a hit. The larger, the sooner a place that misses too often is put right, and the wider the limits are on average.
GAMMA = 0.01
# The same for all places together: many of them tell soon and with little noise that limits are too narrow or wide.
GAMMA_OF_ALL, _MANY = 0.1, 10
# A place has no limits at a lead time before so many of its errors there were measured against their expected size.
LEAST_SCORES = 7
# The quantile over all places is of the later half of the known scores, of this many forecasts at least: the expected
# sizes get better as more is known, and models change. It is taken anew whenever the scores have grown so much.
_FEWEST, _GROWTH = 30, 1.05
_NEVER = np.iinfo(np.int64).max

Limits = Mapping[float, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Intervals:
    """Limits by coverage, each as low and high.

    past : places × k × horizon, those that would have been given with each forecast of a backtest; NaN while too few
        errors were known
    fresh : places × horizon, those of a forecast made now; empty where none was given
    """

    past: Limits
    fresh: Limits


def intervals_of(
    backtested: Backtested,
    model: str,
    coverages: Sequence[float] = (0.8, 0.95),
    *,
    calibration: Backtested | None = None,
    fresh: np.ndarray | None = None,
) -> Intervals:
    """Limits of one model's forecasts through a whole backtest, each from the errors that were known by then.

    Parameters
    ----------
    model : its name in both backtests.
    coverages : the shares of what comes that are to lie within the limits, between 0 and 1.
    calibration : an earlier backtest of the same places and lead times, learnt on an earlier part of the record. Its
        errors are known from the start, as far as they have come.
    fresh : places × horizon, a forecast that knows the whole record.

    Notes
    -----
    Scores are absolute errors over their expected size (`local_scale`). The limits are forecast ± q · size, where q is
    the conformal quantile of the later known scores of all places at the lead time, times a factor of the place and
    lead time that grows by e^(γ·coverage) with each miss that becomes known, and shrinks by e^(-γ·(1 - coverage)) with
    each hit; the mean over all places of misses and hits moves it likewise. In the long run misses and hits balance at
    the promised share whatever the model does, at every place and lead time. Misses of a forecast 12 steps ahead are
    known 12 steps later, and count only then. No limit lies below zero as long as nothing negative has been measured.

    References
    ----------
    Lei, J. et al. (2018): Distribution-free predictive inference for regression. JASA 113, 1094–1111: local scale.
    Gibbs, I. & Candès, E. (2021): Adaptive conformal inference under distribution shift. NeurIPS 34.
    Angelopoulos, A., Candès, E. & Tibshirani, R. (2023): Conformal PID control for time series prediction. NeurIPS 36:
    tracking the quantile of the score instead of its level.
    """
    parts = [backtested] if calibration is None else [calibration, backtested]
    walks = [walk_of(part, part.means[model]) for part in parts]
    if fresh is not None:
        walks.append(walk_of_fresh(backtested, fresh))
    if (np.diff(np.concatenate([walk.known for walk in walks])) <= 0).any():
        raise ValueError("the forecasts to calibrate on must all be made before those that get limits")
    first = parts[0]
    before = first.history.values[:, : max(0, int(first.plan.origins[0]) - first.plan.gap + 1)]
    limits = _limits(joined(walks), coverages, lowest=float(np.nanmin(before, initial=np.inf)))
    end = limits[coverages[0]][0].shape[1] - (fresh is not None)
    begin = end - len(backtested.plan.origins)
    past = {share: (low[:, begin:end], high[:, begin:end]) for share, (low, high) in limits.items()}
    if fresh is None:
        return Intervals(past, {})
    return Intervals(past, {share: (low[:, -1], high[:, -1]) for share, (low, high) in limits.items()})


def add_intervals(
    forecast: pd.DataFrame, backtested: pd.DataFrame, *, coverage: float | Sequence[float] = 0.9
) -> pd.DataFrame:
    """A forecast with limits, as wide as the errors of the same model in the past were.

    Parameters
    ----------
    forecast : `location_id`, `time`, `mean` of one model: the first time of each place is one step ahead. With a
        column `model` its errors are found among those of several.
    backtested : as from `analytics.backtesting.backtest`, of the same step, ending before the forecast.
    coverage : the share of what comes that is to lie within the limits; or several.

    Returns
    -------
    The forecast, with `low_90` and `high_90` for a coverage of 0.9. NaN where the past forecasts are too few, or did
    not look so far ahead.

    Raises
    ------
    AlmanacError
        Where a column is missing, the model cannot be told, or a coverage is no share.
    """
    coverages = (coverage,) if isinstance(coverage, int | float) else tuple(coverage)
    _require_columns(forecast, ("location_id", "time", "mean"))
    _require_columns(backtested, ("model", "location_id", "cutoff", "time", "lead", "mean", "observed"))
    rows = _same_model(forecast, backtested)
    places = pd.Index(rows["location_id"].astype(str).unique())
    place = places.get_indexer(rows["location_id"].astype(str))
    known, origin = np.unique(_microseconds(rows["cutoff"]), return_inverse=True)
    lead = rows["lead"].to_numpy(int) - 1
    shape = (len(places), len(known) + 1, int(lead.max(initial=0)) + 1)
    means, observed = np.full(shape, np.nan), np.full(shape, np.nan)
    means[place, origin, lead] = rows["mean"].to_numpy(float)
    observed[place, origin, lead] = rows["observed"].to_numpy(float)
    times = _microseconds(forecast["time"])
    targets = np.zeros(shape[1:], dtype=np.int64)
    targets[origin, lead] = _microseconds(rows["time"])

    asked = places.get_indexer(forecast["location_id"].astype(str))
    order = np.lexsort((times, asked))
    ahead = np.empty(len(forecast), dtype=int)
    ahead[order] = forecast.iloc[order].groupby(asked[order]).cumcount().to_numpy()
    inside = (asked >= 0) & (ahead < shape[2])
    at = asked[inside], np.full(int(inside.sum()), -1), ahead[inside]
    means[at] = forecast["mean"].to_numpy(float)[inside]
    targets[-1, ahead[inside]] = times[inside]
    # Cutoffs without a row at a lead time have no value there either: any ascending moment will do.
    targets = np.maximum.accumulate(targets, axis=0)
    walk = Walk(means, observed, np.append(known, times.min(initial=_NEVER) - 1), targets)
    found = forecast.copy()
    for share, limits in _limits(walk, coverages, lowest=np.inf).items():
        for name, limit in zip(limit_names(share), limits, strict=True):
            column = np.full(len(forecast), np.nan)
            column[inside] = limit[at]
            found[name] = column
    return found


def limit_names(coverage: float) -> tuple[str, str]:
    """The columns of the limits: `low_90` and `high_90` for 0.9."""
    percent = f"{round(100 * coverage, 6):g}"
    return f"low_{percent}", f"high_{percent}"


def _limits(walk: Walk, coverages: Sequence[float], *, lowest: float) -> dict[float, tuple[np.ndarray, np.ndarray]]:
    """By coverage, low and high limits of every forecast of a walk; `lowest` is the lowest value known before it."""
    for share in coverages:
        if not 0 < share < 1:
            raise AlmanacError(
                "The coverage is {share}, but a share between 0 and 1 is needed.",
                hint="Write 0.9 for nine of ten.",
                share=share,
            )
    scale = local_scale(walk)
    scores = np.abs(walk.observed - walk.means) / scale
    ascending = sorted(set(coverages))
    reach = _quantiles(scores, walk.come, np.array(ascending))
    floor = _floor(walk, lowest)
    found = {}
    for share, quantile in zip(ascending, reach, strict=True):
        half = quantile * scale
        # A forecast may itself lie below the floor; limits that leave it out would tell of another forecast.
        low = np.maximum(walk.means - half, np.minimum(floor[:, None], walk.means))
        found[share] = (low, walk.means + half)
    return found


def _floor(walk: Walk, lowest: float) -> np.ndarray:
    """k: zero while nothing negative is known, then minus infinity."""
    each = np.nanmin(walk.observed, axis=0, initial=np.inf)
    lowest_yet = at_origins(np.minimum.accumulate(each, axis=0)[None], walk.come, np.inf)[0].min(axis=1)
    return np.where(np.minimum(lowest_yet, lowest) < 0, -np.inf, 0.0)


def _quantiles(scores: np.ndarray, come: np.ndarray, coverages: np.ndarray) -> np.ndarray:
    """coverages × places × k × horizon: how many expected sizes the limits reach, from what was known by then."""
    places, k, horizon = scores.shape
    found = np.full((len(coverages), places, k, horizon), np.nan)
    factor = np.zeros((len(coverages), places, horizon))
    share = coverages[:, None, None]
    count = at_origins(np.cumsum(np.isfinite(scores), axis=1), come, 0)
    base, based_on = np.full((len(coverages), horizon), np.nan), np.zeros(horizon, dtype=int)
    before = np.zeros(horizon, dtype=int)
    for origin in range(k):
        now = come[origin]
        for later in range(int((now - before).max())):
            leads = np.flatnonzero(before + later < now)
            which = before[leads] + later
            score, given = scores[:, which, leads], found[:, :, which, leads]
            judged = np.isfinite(score) & np.isfinite(given)
            missed = np.where(judged, (score > given) - (1 - share), 0)
            of_all = missed.sum(axis=1, keepdims=True) / np.maximum(judged.sum(axis=1, keepdims=True), 1)
            factor[:, :, leads] += GAMMA * missed + GAMMA_OF_ALL * places / (places + _MANY) * of_all
        before = now
        for lead in np.flatnonzero(now >= np.maximum(based_on * _GROWTH, 1)):
            if now[lead] > based_on[lead]:
                since = max(0, min(now[lead] // 2, now[lead] - _FEWEST))
                base[:, lead] = _conformal(scores[:, since : now[lead], lead], coverages)
                based_on[lead] = now[lead]
        reach = base[:, None] * np.exp(factor)
        # The limits of a larger share contain those of a smaller one, whatever their factors have come to.
        found[:, :, origin] = np.where(count[:, origin] >= LEAST_SCORES, np.maximum.accumulate(reach, axis=0), np.nan)
    return found


def _conformal(scores: np.ndarray, coverages: np.ndarray) -> np.ndarray:
    """The score of rank ⌈(n + 1) · coverage⌉ among n; NaN where n is too small to have one."""
    known = np.sort(scores[np.isfinite(scores)])
    rank = np.ceil((len(known) + 1) * coverages - 1e-9).astype(int)
    if not len(known):
        return np.full(len(coverages), np.nan)
    return np.where(rank <= len(known), known[np.minimum(rank, len(known)) - 1], np.nan)


def _same_model(forecast: pd.DataFrame, backtested: pd.DataFrame) -> pd.DataFrame:
    tested = tuple(backtested["model"].astype(str).unique())
    wanted = tuple(forecast["model"].astype(str).unique()) if "model" in forecast else tested
    if len(wanted) != 1 or wanted[0] not in tested:
        raise AlmanacError(
            "The limits of one model come from its own errors, but the forecast is of {wanted} and the backtest of "
            "{tested}.",
            hint="Give a forecast of one model, with its name in a column “model”, and a backtest that has it.",
            wanted=wanted,
            tested=tested,
        )
    return backtested[backtested["model"].astype(str) == wanted[0]]


def _require_columns(table: pd.DataFrame, needed: tuple[str, ...]) -> None:
    absent = tuple(name for name in needed if name not in table)
    if absent:
        raise BrokenData(
            "The table lacks {absent}, and has {found}.",
            hint="Name its columns {needed}.",
            absent=absent,
            found=tuple(map(str, table.columns)),
            needed=needed,
        )


def _microseconds(times: pd.Series) -> np.ndarray:
    return pd.DatetimeIndex(times).as_unit("us").asi8
