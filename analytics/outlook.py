"""What is likely to happen next at every place, how sure that is, and where nobody knows better than a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from analytics.backtesting import Backtested, Plan, Progress, plan_of, run, silent
from analytics.candidates import baselines_of, models_of, usual_horizon
from analytics.forecaster import Forecaster
from analytics.forecasters import FORECASTERS
from analytics.history import History, following
from analytics.intervals import intervals_of, limit_names
from analytics.record import ratio
from analytics.region_history import history_for
from analytics.scoring import scores_with_limits
from analytics.skill import gate, sees_ahead
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError
from geodata.region import Region

WINDOWS = 120
COVERAGES = (0.8, 0.95)
SHOWN = "shown"
# Of how many rows a model learns here: a reader waits for it. `almanac evaluate` takes all that the model would.
ROWS = 40_000
# Limits may fall short of what they promise by this much or by chance.
TOLERANCE = 0.03
_FEWEST_WINDOWS = 20


@dataclass(frozen=True, eq=False)
class Outlook:
    """The forecast of one series of a region, with all that is needed to judge it.

    dataset, column : what is forecast
    history : its record
    backtested : the forecasts of the past by every baseline and model, and as `SHOWN` by the one that is shown
    gated : per place and lead time, what is shown and why (`analytics.skill.gate`)
    limits : by coverage, the low and high limits of what would have been shown: places × windows × horizon
    table : the forecast itself, one row per place and step after the end of the record, as `almanac forecast` prints it
    held : by coverage, per place: `coverage` of the limits over the windows, `n` and whether they `held`
    """

    dataset: Dataset
    column: Column
    history: History
    backtested: Backtested
    gated: pd.DataFrame
    limits: Mapping[float, tuple[np.ndarray, np.ndarray]]
    table: pd.DataFrame
    held: Mapping[float, pd.DataFrame]

    @property
    def horizon(self) -> int:
        """How many steps it looks ahead."""
        return self.backtested.plan.horizon

    @property
    def models(self) -> list[str]:
        """The models that were tried."""
        return [name for name in self.backtested.means if name not in (SHOWN, *baselines_of(self.history))]


_MADE: dict[tuple[object, ...], Outlook] = {}
_KEPT = 24


def outlook(
    region: Region,
    series: str,
    horizon: int | None = None,
    windows: int = WINDOWS,
    *,
    progress: Progress | None = None,
) -> Outlook:
    """What is likely to happen next to a series at every place, and how well such forecasts did in the past.

    Parameters
    ----------
    series : `dataset.column`.
    horizon : in steps; None looks as far as is usual for the step.
    windows : from how many moments of the past it is tried.
    progress : called with the number of parts done and of all parts.

    Raises
    ------
    AlmanacError
        Where the series cannot be forecast: no step, too short, or nothing measured.
    """
    key = (region, series, horizon, windows)
    if key not in _MADE:
        made = _outlook(region, series, horizon, windows, progress)
        while len(_MADE) >= _KEPT:
            _MADE.pop(next(iter(_MADE)))
        _MADE[key] = made
    return _MADE[key]


def is_made(region: Region, series: str, horizon: int | None = None, windows: int = WINDOWS) -> bool:
    """Whether this outlook is in memory, so that it comes at once."""
    return (region, series, horizon, windows) in _MADE


def _outlook(region: Region, series: str, horizon: int | None, windows: int, progress: Progress | None) -> Outlook:
    dataset, column = region.series(series)
    history = history_for(region, series)
    horizon = usual_horizon(history) if horizon is None else horizon
    plan = plan_of(history, horizon, windows=windows)
    baselines, models = baselines_of(history), models_of(history)
    names = [*baselines, *models]
    told = progress or silent
    parts = 2 * len(names)
    forecasters = {name: _forecaster(name) for name in names}
    backtested = run(forecasters, history, plan, progress=lambda done, _: told(done, parts))
    gated = gate(backtested, baselines=baselines, models=models)
    gated = _with_best_guess(gated, backtested, baselines)
    chosen = _chosen(gated, history, horizon, names)
    past = _picked(backtested.means, chosen, names)
    backtested = Backtested(history, plan, {**backtested.means, SHOWN: past})
    now = Plan(len(history), np.array([len(history) - 1]), horizon)
    wanted = [name for i, name in enumerate(names) if name in baselines or (chosen == i).any()]
    latest = run(
        {name: forecasters[name] for name in wanted},
        history,
        now,
        progress=lambda done, _: told(len(names) + done, parts),
    )
    blank = np.full((len(history.places), 1, horizon), np.nan)
    means = _picked({name: latest.means.get(name, blank) for name in names}, chosen, names)
    means, gated = _with_guess_for_silence(means, gated, latest, baselines)
    found = intervals_of(backtested, SHOWN, COVERAGES, fresh=means[:, 0])
    told(parts, parts)
    held = {share: _held(backtested.observed, *found.past[share], share, history.places) for share in COVERAGES}
    return Outlook(
        dataset, column, history, backtested, gated, found.past, _table(history, gated, means[:, 0], found.fresh), held
    )


def _forecaster(name: str) -> Forecaster:
    made = FORECASTERS[name]()
    return made.set_params(rows=ROWS) if "rows" in made.get_params() else made


def _with_best_guess(gated: pd.DataFrame, backtested: Backtested, baselines: Sequence[str]) -> pd.DataFrame:
    """Where too few forecasts can be checked to tell the best guess of a place, the one that is best over all."""
    few = (gated["reason"] == "too few windows").to_numpy()
    if not few.any():
        return gated
    observed = backtested.observed
    seen = np.isfinite(observed)
    mean = _mean_of(observed, seen, axis=(1, 2))
    usual = _mean_of(np.abs(observed - mean[:, None, None]), seen, axis=(1, 2))
    scaled = {}
    for name in baselines:
        off = ratio(np.abs(backtested.means[name] - observed), np.broadcast_to(usual[:, None, None], observed.shape))
        scaled[name] = float(_mean_of(off, np.isfinite(off)))
    known = {name: error for name, error in scaled.items() if np.isfinite(error)}
    best = min(known, key=known.__getitem__) if known else baselines[0]
    return gated.assign(**{column: gated[column].where(~few, best) for column in ("model", "baseline")})


def _mean_of(values: np.ndarray, known: np.ndarray, axis: tuple[int, ...] | None = None) -> np.ndarray:
    """The mean of what is known; NaN where nothing is."""
    return ratio(np.where(known, values, 0).sum(axis=axis), known.sum(axis=axis))


def _with_guess_for_silence(
    means: np.ndarray, gated: pd.DataFrame, latest: Backtested, baselines: Sequence[str]
) -> tuple[np.ndarray, pd.DataFrame]:
    """Where what is to be shown says nothing this time, such as a curve that does not fit, a guess that does speaks."""
    row = latest.history.places.get_indexer(gated["location_id"])
    lead = gated["lead"].to_numpy() - 1
    shown, by = gated["shown"].to_numpy(object), gated["model"].to_numpy(object)
    reason = gated["reason"].to_numpy(object)
    filled = means.copy()
    for name in ("persistence", *baselines):
        silent = np.isnan(filled[row, 0, lead]) & np.isfinite(latest.means[name][row, 0, lead])
        filled[row[silent], 0, lead[silent]] = latest.means[name][row[silent], 0, lead[silent]]
        reason = np.where(silent & (shown == "model"), "silent", reason)
        shown, by = np.where(silent, "baseline", shown), np.where(silent, name, by)
    nothing = np.isnan(filled[row, 0, lead])
    reason, shown = np.where(nothing, "no data", reason), np.where(nothing, "baseline", shown)
    return filled, gated.assign(shown=shown, model=by, reason=reason)


def _chosen(gated: pd.DataFrame, history: History, horizon: int, names: Sequence[str]) -> np.ndarray:
    """places × horizon: the number among `names` of what is shown; -1 where nothing can be."""
    codes = pd.Categorical(gated["model"], categories=list(names)).codes
    found = np.full((len(history.places), horizon), -1)
    found[history.places.get_indexer(gated["location_id"]), gated["lead"].to_numpy() - 1] = codes
    return found


def _picked(means: Mapping[str, np.ndarray], chosen: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """places × k × horizon: at each place and lead time the forecasts of what is shown there."""
    picked = np.full_like(means[names[0]], np.nan)
    for i, name in enumerate(names):
        picked = np.where((chosen == i)[:, None, :], means[name], picked)
    return picked


def _held(observed: np.ndarray, low: np.ndarray, high: np.ndarray, share: float, places: pd.Index) -> pd.DataFrame:
    """Per place, whether the limits held what they promise: their coverage is not below it by more than chance has it.

    Forecasts that overlap err together, so that chance is judged by the number of windows, not of values.
    """
    known = np.isfinite(observed) & np.isfinite(low) & np.isfinite(high)
    inside = known & (observed >= low) & (observed <= high)
    n = known.sum(axis=(1, 2))
    windows = known.any(axis=2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = inside.sum(axis=(1, 2)) / n
        allowed = np.maximum(TOLERANCE, 1.645 * np.sqrt(share * (1 - share) / windows))
    return pd.DataFrame(
        {"coverage": coverage, "n": n, "held": (windows >= _FEWEST_WINDOWS) & (coverage >= share - allowed)},
        index=places,
    )


def _table(
    history: History, gated: pd.DataFrame, means: np.ndarray, fresh: Mapping[float, tuple[np.ndarray, np.ndarray]]
) -> pd.DataFrame:
    horizon = means.shape[1]
    rows = pd.MultiIndex.from_product([history.places, range(1, horizon + 1)], names=["location_id", "lead"])
    judged = gated.set_index(["location_id", "lead"]).reindex(rows)
    table = pd.DataFrame(
        {
            "location_id": rows.get_level_values(0),
            "time": np.tile(following(history.times[-1], history.step, horizon), len(history.places)),
            "mean": means.ravel(),
        }
    )
    table["time"] = table["time"].dt.tz_localize("UTC")
    for share, limits in fresh.items():
        for name, limit in zip(limit_names(share), limits, strict=True):
            table[name] = limit.ravel()
    for column in ("model", "skill", "skill_low"):
        table[column] = judged[column].to_numpy()
    reasons = judged["reason"].to_numpy(object)
    table["shown"] = np.where(judged["shown"] == "model", "model", "baseline: " + reasons)
    return table


def scores(found: Outlook) -> pd.DataFrame:
    """The scores of every baseline and model, and of what is shown with its limits, by place and lead time."""
    return scores_with_limits(found.backtested, SHOWN, found.limits)


@lru_cache(maxsize=32)
def shown_at(found: Outlook, place: str) -> pd.DataFrame:
    """The forecast at one place, with its lead times and how each came to be shown. It is shared: never change it."""
    everywhere, rows = _shown_everywhere(found)
    return everywhere.iloc[rows.get(place, np.zeros(0, int))].reset_index(drop=True)


@lru_cache(maxsize=8)
def _shown_everywhere(found: Outlook) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The forecast at all places and which rows are whose: an atlas asks for one place after the other."""
    by_place = found.table.groupby("location_id", observed=True, sort=False)
    lead = by_place.cumcount().to_numpy() + 1
    keys = pd.MultiIndex.from_arrays([found.table["location_id"], lead])
    judged = found.gated.set_index(["location_id", "lead"])[["shown", "baseline", "reason"]].reindex(keys)
    everywhere = found.table.assign(
        lead=lead,
        by_model=(judged["shown"] == "model").to_numpy(),
        baseline=judged["baseline"].to_numpy(),
        reason=judged["reason"].to_numpy(),
    )
    return everywhere, by_place.indices


def sees_ahead_of(found: Outlook) -> pd.Series:
    """By place, up to which lead time a model is shown without a break; 0 where the guess is as good from the start."""
    return sees_ahead(found.gated).set_index("location_id")["leads"].reindex(found.history.places)


def classes_ahead(found: Outlook) -> tuple[list[tuple[int, int]], pd.Series]:
    """The classes of a map of how far one sees ahead, each twice as wide as the one before.

    Returns
    -------
    The first and last lead time of each class, and by place the number of its class; NaN where the guess is as good.
    """
    begins = [1]
    while begins[-1] * 2 <= found.horizon:
        begins.append(begins[-1] * 2)
    ends = [*(begin - 1 for begin in begins[1:]), found.horizon]
    ahead = sees_ahead_of(found)
    number = pd.Series(np.searchsorted(begins, ahead, side="right") - 1.0, index=ahead.index)
    return list(zip(begins, ends, strict=True)), number.where(ahead > 0)


def first_place(found: Outlook) -> str:
    """The place to begin with: the one where a model sees furthest, of those with a forecast."""
    ahead = sees_ahead_of(found)
    known = found.table.groupby("location_id", observed=True)["mean"].count().reindex(ahead.index).fillna(0)
    return str((ahead + (known > 0) * 0.5).idxmax())


@lru_cache(maxsize=256)
def refusal(region: Region, series: str) -> AlmanacError | None:
    """Why a series cannot be forecast; None where it can."""
    try:
        history = history_for(region, series)
        plan_of(history, usual_horizon(history))
    except AlmanacError as error:
        return error
    return None


def first_forecastable(region: Region, series: Sequence[str]) -> str | None:
    """The first of several series that can be forecast, one whose outlook is in memory before all others."""
    made = [name for name in series if is_made(region, name)]
    return next((name for name in (*made, *series) if refusal(region, name) is None), None)


def forecastable(region: Region) -> tuple[dict[str, tuple[Dataset, Column]], dict[str, AlmanacError]]:
    """The series of a region that can be forecast, the one it opens on first, and why the others cannot."""
    return _forecastable(region.observed)  # a result is no observation


@lru_cache(maxsize=16)
def _forecastable(region: Region) -> tuple[dict[str, tuple[Dataset, Column]], dict[str, AlmanacError]]:
    usable: dict[str, tuple[Dataset, Column]] = {}
    refused: dict[str, AlmanacError] = {}
    for dataset in region.panels.values():
        for column in dataset.columns.values():
            series = f"{dataset.id}.{column.name}"
            error = refusal(region, series)
            if error is None:
                usable[series] = (dataset, column)
            else:
                refused[series] = error
    first = sorted(usable, key=lambda name: name != region.opens_on)
    return {name: usable[name] for name in first}, refused
