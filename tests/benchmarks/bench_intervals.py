"""90 % limits of forecasts: how often and at how many places they hold, and how wide they are beside split conformal.

Errors are known from a backtest inside the training part, by a model that learnt on what came before it; through the
test part each forecast gets the limits that could be told when it was made. The peer takes, for each lead time, the
conformal quantile of all absolute errors of the same backtest, and keeps to it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analytics.backtesting import Backtested, Plan
from analytics.backtesting import run as forecasts_of
from analytics.history import History
from analytics.intervals import intervals_of
from analytics.scores import coverage, width
from tests.benchmarks.shapes import AbsentError

SHARE, WITHIN = 0.9, 0.02
# So many of the places are to have at least this coverage.
PLACES, LEAST = 0.95, 0.85


def run(data: Path | None) -> list[dict[str, Any]]:
    """Three rows for each set: coverage, places that have it, and width."""
    return [*traffic(data), *camels(data), *saugeen(data)]


def traffic(data: Path | None) -> list[dict[str, Any]]:
    """METR-LA: calibrated on the last quarter of the training part, tested on the last fifth of the week."""
    table = pd.read_csv(_file(data, "traffic_metr_la_week/los_speed.csv.gz"))
    times = pd.date_range("2012-03-01", periods=len(table), freq="5min").as_unit("us")
    history = History("speed_mph", pd.Index(table.columns), times, "5 minutes", table.to_numpy(float).T)
    learnt = int(0.8 * len(history))
    before, horizon = int(0.6 * len(history)), 12
    calibration = forecasts_of(["regression"], history.until(learnt), _every(before, learnt, horizon))
    tested = forecasts_of(["regression"], history, _every(learnt, len(history), horizon))
    return _rows("METR-LA week, 12 steps ahead", calibration, tested, "regression")


def camels(data: Path | None) -> list[dict[str, Any]]:
    """60 basins, 1, 3 and 7 days ahead: calibrated on 1992 to 1999, tested on 2000 to 2014."""
    table = pd.read_parquet(_file(data, "water_camels/daily.parquet"))
    wide = {name: table.pivot(index="gauge_id", columns="date", values=name) for name in table.columns[2:]}
    flow = wide.pop("q_mm")
    drivers = {name: frame.to_numpy(float) for name, frame in wide.items()}
    times = pd.DatetimeIndex(flow.columns).as_unit("us")
    history = History("q_mm", pd.Index(flow.index), times, "1 day", flow.to_numpy(float), drivers)
    before, learnt = (int(times.searchsorted(pd.Timestamp(f"{year}-01-01"))) for year in (1992, 2000))
    calibration = forecasts_of(["flow"], history.until(learnt), _every(before, learnt, 7))
    tested = forecasts_of(["flow"], history, _every(learnt, len(history), 7))
    return _rows("CAMELS, 60 basins, 1, 3 and 7 days ahead", calibration, tested, "flow", leads=(1, 3, 7))


def saugeen(data: Path | None) -> list[dict[str, Any]]:
    """The last 20 windows of 30 days: calibrated on the six years before, and on every day as it comes."""
    table = pd.read_csv(_file(data, "water_saugeen/saugeen_day.csv.gz"), parse_dates=["date"])
    values = table["flow_m3s"].to_numpy(float)[None]
    times = pd.DatetimeIndex(table["date"]).as_unit("us")
    history = History("flow_m3s", pd.Index(["saugeen"]), times, "1 day", values)
    learnt = len(history) - 600
    before = learnt - 6 * 365
    calibration = forecasts_of(["flow"], history.until(learnt), _every(before, learnt, 30))
    tested = forecasts_of(["flow"], history, _every(learnt, len(history), 30))
    return _rows("Saugeen, 30 days × 20 windows", calibration, tested, "flow", every=30)


def _every(learnt: int, end: int, horizon: int) -> Plan:
    """From every step on which all targets come before the end."""
    return Plan(learnt, np.arange(learnt - 1, end - horizon), horizon)


def _rows(
    what: str,
    calibration: Backtested,
    tested: Backtested,
    model: str,
    *,
    leads: tuple[int, ...] = (),
    every: int = 1,
) -> list[dict[str, Any]]:
    began = time.perf_counter()
    low, high = intervals_of(tested, model, (SHARE,), calibration=calibration).past[SHARE]
    seconds = time.perf_counter() - began
    at = np.array(leads or range(1, tested.plan.horizon + 1)) - 1
    pick = np.ix_(np.arange(len(low)), np.arange(0, low.shape[1], every), at)
    low, high, observed, mean = low[pick], high[pick], tested.observed[pick], tested.means[model][pick]
    errors = np.sort(np.abs(calibration.observed - calibration.means[model]).reshape(-1, tested.plan.horizon), axis=0)
    count = np.isfinite(errors).sum(axis=0)
    rank = np.ceil((count + 1) * SHARE).astype(int) - 1
    peer = errors[rank, np.arange(len(rank))][at]
    hold, theirs = (
        (float(coverage(a, b, observed, (0, 1, 2))), coverage(a, b, observed, (1, 2)))
        for a, b in ((low, high), (mean - peer, mean + peer))
    )
    wide = float(width(low, high, (0, 1, 2)))
    below, above = (np.where(np.isfinite(low), side, np.nan) for side in (mean - peer, mean + peer))
    split = float(width(below, above, (0, 1, 2)))
    share, their_share = (float(np.mean(each[1] >= LEAST)) for each in (hold, theirs))
    note = f"{model}; made in {seconds:.0f} s; none given for {np.isnan(low).mean():.1%}; worst place "
    note += f"{hold[1].min():.3f}, of the peer {theirs[1].min():.3f}"
    return [
        {
            "measure": f"90 % limits, {what}: coverage",
            "ours": round(hold[0], 4),
            "peer": round(theirs[0], 4),
            "unit": "share",
            "ratio": None,
            "target": f"{SHARE:g} ± {WITHIN:g}",
            "met": abs(hold[0] - SHARE) <= WITHIN,
            "note": note,
        },
        {
            "measure": f"90 % limits, {what}: places with coverage ≥ {LEAST:g}",
            "ours": round(share, 3),
            "peer": round(their_share, 3),
            "unit": "share",
            "ratio": None,
            "target": f"≥ {PLACES:g}",
            "met": share >= PLACES,
        },
        {
            "measure": f"90 % limits, {what}: mean width",
            "ours": round(wide, 3),
            "peer": round(split, 3),
            "unit": tested.history.target,
            "ratio": round(wide / split, 3),
            "target": "< 1 ×",
            "met": wide < split,
        },
    ]


def _file(data: Path | None, name: str) -> Path:
    path = (data or Path()) / name
    if data is None or not path.is_file():
        raise AbsentError(f"{name} is not there; give the folder that holds it with --data.")
    return path
