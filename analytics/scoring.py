"""The scores of a backtest by model, place, lead time, season or event: from its rows, or from its matrices."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from analytics.backtesting import Backtested
from analytics.record import ratio
from analytics.scores import EVENTS, POINT, Cases, along, coverage, crps_of_quantiles, flips, grouped, interval_score
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.search import nearest

BY = ("model", "location_id", "lead")
_GROUPS = ("model", "location_id", "lead", "cutoff", "time", "season", "event")
_ROWS = ("model", "location_id", "cutoff", "time", "lead", "mean", "observed")
_INTERVALS = ("coverage", "width", "interval_score")
_SEASONS = np.array(["DJF", "MAM", "JJA", "SON"])
_LOW = re.compile(r"low_(\d{1,2}(?:\.\d+)?)")
METRICS = (
    *POINT,
    "mase",
    *EVENTS,
    *_INTERVALS,
    "pinball",
    "crps",
    "flip_flop",
)


def score(
    rows: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    by: Sequence[str] = BY,
    *,
    scales: pd.Series | None = None,
    thresholds: pd.Series | None = None,
) -> pd.DataFrame:
    """How good each model was, by place and lead time or whatever else is asked for.

    Parameters
    ----------
    rows : as from `analytics.backtesting.backtest`: `model`, `location_id`, `cutoff`, `time`, `lead`, `mean`,
        `observed`,
        and the intervals that there are, such as `low_90` and `high_90`.
    metrics : out of `METRICS`; None takes all that can be had from what is given.
    by : out of model, location_id, lead, cutoff, time, season (DJF, MAM, JJA, SON of the value's month) and event
        (whether more than the threshold came). What is left out is averaged over as cases, not as scores.
    scales : by `location_id`, the unit of MASE (`analytics.scores.naive_scale`).
    thresholds : by `location_id`, above which a value is an event (`analytics.scores.event_thresholds`). They must
        come from before the first cutoff, so they are not taken from the rows.

    Returns
    -------
    The groups of `by`, `n` (cases with a forecast and a value), `completeness` (their share of the rows), and a column
    for each score; `coverage`, `width` and `interval_score` once for each interval, as in `coverage_90`. `pinball` and
    `crps` are over all quantiles that the intervals and the mean (as the median) give; pinball their plain mean.

    Raises
    ------
    BrokenData
        Where a column is absent or there is no row.
    UnknownName
        Where a score or a group does not exist.
    AlmanacError
        Where a score needs what was not given.
    """
    levels = _intervals(rows)
    _check_rows(rows)
    _check_names(metrics or (), METRICS)
    _check_names(by, _GROUPS, groups=True)
    threshold = _of_place(rows, thresholds, "thresholds")
    if metrics is None:
        metrics = _possible(levels, by, scales, thresholds)
    _check_needs(metrics, by, scales, thresholds, levels)
    keys = pd.DataFrame({name: _key(rows, name, threshold) for name in by})
    outside = keys["event"].isna().to_numpy() if "event" in keys else np.zeros(len(rows), dtype=bool)
    if by:
        groups = keys[~outside].groupby(list(by), observed=True, sort=True)
        number = np.full(len(rows), -1)
        number[~outside] = groups.ngroup().to_numpy()
        found = groups.size().rename("rows").reset_index()
    else:
        number, found = np.zeros(len(rows), dtype=int), pd.DataFrame({"rows": [len(rows)]})
    count = len(found)
    mean, observed = rows["mean"].to_numpy(float), rows["observed"].to_numpy(float)
    cases = grouped(mean, observed, number, count)
    found["n"] = cases.count.astype(int)
    found["completeness"] = ratio(found["n"].to_numpy(), found.pop("rows").to_numpy())
    for name in metrics:
        if name in POINT:
            found[name] = POINT[name](cases)
        elif name in EVENTS:
            found[name] = EVENTS[name](cases, threshold)
        elif name == "mase":
            scaled = _of_place(rows, scales, "scales")
            found[name] = cases.mean(ratio(np.abs(mean - observed), scaled))
        elif name == "flip_flop":
            found[name] = _flip_flop(rows, number, count)
        elif name in _INTERVALS:
            for level in levels:
                found[f"{name}_{level}"] = _interval(name, rows, level, number, count)
        else:
            found[name] = _quantiles(name, rows, levels, number, count)
    return found


def scores_of(
    backtested: Backtested,
    metrics: Sequence[str] = ("mae", "rmse", "bias", "nse", "kge", "pbias"),
    *,
    thresholds: pd.Series | None = None,
) -> pd.DataFrame:
    """The scores by model, place and lead time, as `score` gives them, from matrices: no row is made of a forecast.

    Parameters
    ----------
    metrics : those that need no interval: of `analytics.scores.POINT` and `EVENTS`.
    thresholds : as in `score`.
    """
    known = (*POINT, *EVENTS)
    _check_names(metrics, known)
    _check_needs(metrics, BY, None, thresholds, ())
    observed, history = backtested.observed, backtested.history
    n, _, horizon = observed.shape
    threshold = np.zeros(n)
    if thresholds is not None:
        threshold = thresholds.reindex(history.places).to_numpy(float)
        _none_absent(pd.isna(threshold) & ~history.places.isin(thresholds.index), history.places, "thresholds")
    parts = []
    for model, means in backtested.means.items():
        cases = along(means, observed, axis=1)
        part = {
            "model": np.repeat(model, n * horizon),
            "location_id": np.repeat(history.places.to_numpy(), horizon),
            "lead": np.tile(np.arange(1, horizon + 1), n),
            "n": cases.count.ravel().astype(int),
            "completeness": (cases.count / max(len(backtested.plan.origins), 1)).ravel(),
        }
        for name in metrics:
            values = POINT[name](cases) if name in POINT else EVENTS[name](cases, threshold[:, None, None])
            part[name] = values.ravel()
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def scores_with_limits(
    backtested: Backtested, model: str, limits: Mapping[float, tuple[np.ndarray, np.ndarray]]
) -> pd.DataFrame:
    """`scores_of`, and for one model the coverage of its limits (by share, low and high: places × k × horizon)."""
    table = scores_of(backtested)
    for share, (low, high) in limits.items():
        name = f"coverage_{100 * share:.0f}"
        table[name] = np.nan
        table.loc[table["model"] == model, name] = coverage(low, high, backtested.observed, axis=1).ravel()
    return table


def _key(rows: pd.DataFrame, name: str, threshold: np.ndarray) -> pd.Series:
    if name == "season":
        season = _SEASONS[rows["time"].dt.month.to_numpy() % 12 // 3]
        return pd.Series(pd.Categorical(season, _SEASONS), index=rows.index)
    if name == "event":
        observed = rows["observed"].to_numpy(float)
        above = pd.Series(observed > threshold, index=rows.index, dtype="boolean")
        return above.mask(~(np.isfinite(observed) & np.isfinite(threshold)))
    return rows[name]


def _of_place(rows: pd.DataFrame, values: pd.Series | None, name: str) -> np.ndarray:
    """The value of each row's place; NaN for all where there are none."""
    if values is None:
        return np.full(len(rows), np.nan)
    codes, places = pd.factorize(rows["location_id"])
    places = pd.Index(places)
    _none_absent(~places.isin(values.index), places, name)
    return values.reindex(places).to_numpy(float)[codes]


def _none_absent(absent: np.ndarray, places: pd.Index, name: str) -> None:
    if absent.any():
        raise BrokenData(
            "{name} has nothing for {n} of {all} places, the first {place}.",
            hint="Give a value, or NaN, for each place of the forecasts.",
            name=name,
            n=int(absent.sum()),
            all=len(places),
            place=places[absent][0],
        )


def _intervals(rows: pd.DataFrame) -> tuple[str, ...]:
    """The coverages of the intervals in the columns, in percent, the narrowest first."""
    names = [str(column) for column in rows.columns]
    found = [match[1] for name in names if (match := _LOW.fullmatch(name)) and f"high_{match[1]}" in names]
    return tuple(sorted(found, key=float))


def _interval(name: str, rows: pd.DataFrame, level: str, number: np.ndarray, count: int) -> np.ndarray:
    low, high, observed = (rows[c].to_numpy(float) for c in (f"low_{level}", f"high_{level}", "observed"))
    cases = grouped(low + high, observed, number, count)
    if name == "coverage":
        return cases.mean((low <= observed) & (observed <= high))
    if name == "width":
        return cases.mean(high - low)
    each = interval_score(low[:, None], high[:, None], observed[:, None], float(level) / 100)
    return cases.mean(each)


def _quantiles(name: str, rows: pd.DataFrame, levels: tuple[str, ...], number: np.ndarray, count: int) -> np.ndarray:
    tails = [(1 - float(level) / 100) / 2 for level in levels]
    tau = [*tails[::-1], 0.5, *(1 - tail for tail in tails)]
    columns = [f"low_{level}" for level in levels[::-1]] + ["mean"] + [f"high_{level}" for level in levels]
    quantiles, observed = rows[columns].to_numpy(float), rows["observed"].to_numpy(float)
    if name == "crps":
        each = crps_of_quantiles(quantiles, observed, tau)
    else:
        under = observed[:, None] - quantiles
        each = np.maximum(np.array(tau) * under, (np.array(tau) - 1) * under).mean(axis=1)
    cases: Cases = grouped(each, observed, number, count)
    return cases.mean(each)


def _flip_flop(rows: pd.DataFrame, number: np.ndarray, count: int) -> np.ndarray:
    """The mean over the values that were forecast three times or more, by group."""
    whose = rows.groupby(["model", "location_id", "time"], observed=True, sort=False).ngroup().to_numpy()
    order = np.lexsort((rows["cutoff"].astype("int64").to_numpy(), whose))
    starts = np.flatnonzero(np.r_[True, np.diff(whose[order]) > 0])
    index = flips(rows["mean"].to_numpy(float)[order], starts)
    return grouped(index, np.zeros(len(index)), number[order][starts], count).mean(index)


def _possible(
    levels: tuple[str, ...], by: Sequence[str], scales: pd.Series | None, thresholds: pd.Series | None
) -> tuple[str, ...]:
    """All scores that can be had from what is given."""
    left_out = {
        *(() if levels else (*_INTERVALS, "pinball", "crps")),
        *(() if scales is not None else ("mase",)),
        *(() if thresholds is not None else EVENTS),
        *(("flip_flop",) if {"lead", "cutoff", "event"} & set(by) else ()),
    }
    return tuple(name for name in METRICS if name not in left_out)


def _check_rows(rows: pd.DataFrame) -> None:
    absent = tuple(name for name in _ROWS if name not in rows.columns)
    if absent:
        raise BrokenData(
            "The table of forecasts lacks {absent}.",
            hint="Hand over the rows that a backtest returns.",
            absent=absent,
        )
    if rows.empty:
        raise BrokenData("The table of forecasts has no row.", hint="Hand over the rows that a backtest returns.")


def _check_names(names: Sequence[str], known: Sequence[str], *, groups: bool = False) -> None:
    for name in names:
        if name not in known:
            near = nearest(name, list(known))
            raise UnknownName(
                "Scores are not taken by “{name}”." if groups else "There is no score “{name}”.",
                hint="Did you mean “{near}”?" if near else "Choose among: {known}.",
                name=name,
                near=near,
                known=tuple(known),
            )


def _check_needs(
    metrics: Sequence[str],
    by: Sequence[str],
    scales: pd.Series | None,
    thresholds: pd.Series | None,
    levels: tuple[str, ...],
) -> None:
    """Refuses a score for which something is wanting."""
    wanting: tuple[tuple[bool, Callable[[str], bool], str], ...] = (
        (scales is None, lambda name: name == "mase", "scales"),
        (thresholds is None, lambda name: name in EVENTS or name == "event", "thresholds"),
    )
    for name in (*metrics, *by):
        for absent, needs, what in wanting:
            if absent and needs(name):
                raise AlmanacError(
                    "{name} needs {what} by place, and none were given.",
                    hint="Hand over {what} that come from before the first cutoff.",
                    name=name,
                    what=what,
                )
        if not levels and name in (*_INTERVALS, "pinball", "crps"):
            raise AlmanacError(
                "{name} needs intervals, and the table has no pair of columns such as low_90 and high_90.",
                hint="Add intervals to the forecasts first.",
                name=name,
            )
    if "flip_flop" in metrics and {"lead", "cutoff", "event"} & set(by):
        raise AlmanacError(
            "flip_flop is of all forecasts of a value, and cannot be taken by {by}.",
            hint="Leave out lead, cutoff and event, or flip_flop.",
            by=tuple(by),
        )
