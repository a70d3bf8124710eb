"""Forecasts 24 hours ahead of 1,000 made-up hourly series of a year, beside mlforecast with LightGBM on the same panel.

The peer is used as its documentation shows: lags of 1, 2, 3, 24 and 168 hours, a rolling mean, hour and weekday, one
LightGBM with its defaults, recursive. Both are given all but the last day, which no one sees, and are judged on it; the
peer learns from every row of it, ours from a sample.
Ours is the whole way from the same panel, reading and checking it included. Series that need no forecast would
flatter both: these have days, weeks, weather that neighbours share, and noise.

10,000 series of the same kind are forecast in a process of their own, so that its memory can be told.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analytics.forecasters import FORECASTERS
from analytics.history import history_of

PLACES, MANY, HOURS, HORIZON = 1_000, 10_000, 8_760, 24
MOST_SECONDS, MANY_SECONDS, MANY_BYTES = 10.0, 120.0, 4e9
FASTER = 5.0
COLUMN = "traffic_veh_per_h"


def run(data: Path | None) -> list[dict[str, Any]]:
    """Rows for the time, the comparison, and the many; `data` is not needed, the series are made up."""
    quick = bool(os.environ.get("ALMANAC_BENCH_QUICK"))
    places, many = (50, 100) if quick else (PLACES, MANY)
    panel = made_up(places)
    cut = panel["time"].iloc[HOURS - HORIZON]
    known, hidden = panel[panel["time"] < cut], panel[panel["time"] >= cut]
    began = time.perf_counter()
    mine = FORECASTERS["regression"]().fit(known, COLUMN).predict(HORIZON)
    seconds = time.perf_counter() - began
    peer_seconds, theirs = peer(known)
    came = hidden[COLUMN].to_numpy().reshape(places, HORIZON)
    errors = [float(np.abs(f.to_numpy().reshape(places, HORIZON) - came).mean()) for f in (mine["mean"], theirs)]
    what = f"{places:,} synthetic hourly series × 1 year: features, fit, {HORIZON} hours ahead for all"
    ratio = peer_seconds / seconds
    peak, many_seconds = in_own_process(many)
    title = f"{many:,} synthetic hourly series × 1 year, {HORIZON} hours ahead for all"
    return [
        {
            "measure": what,
            "ours": round(seconds, 2),
            "peer": round(peer_seconds, 2),
            "unit": "s",
            "ratio": round(1 / ratio, 3),
            "target": f"< {MOST_SECONDS:g} s, ≤ {1 / FASTER:g} ×",
            "met": seconds < MOST_SECONDS and ratio >= FASTER,
            "note": "peer: mlforecast with LightGBM, learning from every row of the panel; ours from a sample",
        },
        {
            "measure": f"{what}: mean absolute error of the hidden day",
            "ours": round(errors[0], 2),
            "peer": round(errors[1], 2),
            "unit": "veh/h",
            "ratio": round(errors[0] / errors[1], 3),
            "target": "≤ 1 ×",
            "met": errors[0] <= errors[1],
        },
        {
            "measure": f"{title}: time",
            "ours": round(many_seconds, 1),
            "peer": None,
            "unit": "s",
            "ratio": None,
            "target": f"< {MANY_SECONDS:g} s",
            "met": many_seconds < MANY_SECONDS,
        },
        {
            "measure": f"{title}: memory at its peak, the panel included",
            "ours": round(peak / 1e9, 2),
            "peer": None,
            "unit": "GB",
            "ratio": None,
            "target": f"< {MANY_BYTES / 1e9:g} GB",
            "met": peak < MANY_BYTES,
        },
    ]


def made_up(places: int, seed: int = 0) -> pd.DataFrame:
    """Days and weeks of different sizes, a shared and an own disturbance that fade over hours, and noise; no zeros."""
    matrix = _matrix(places, seed)
    times = pd.date_range("2021-01-01", periods=HOURS, freq="h", tz="UTC")
    ids = pd.Categorical.from_codes(np.repeat(np.arange(places), HOURS), [f"s{i:05d}" for i in range(places)])
    return pd.DataFrame({"location_id": ids, "time": times[np.tile(np.arange(HOURS), places)], COLUMN: matrix.ravel()})


def _matrix(places: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    hour = np.arange(HOURS)
    level = random.lognormal(6, 0.7, places).astype(np.float32)
    peak = random.normal(8.5, 1.5, places).astype(np.float32)
    weekday = (hour // 24 + 4) % 7 < 5
    day = np.exp(-0.5 * (((hour % 24)[None, :] - peak[:, None]) / 2.5) ** 2)
    day += 0.8 * np.exp(-0.5 * (((hour % 24)[None, :] - peak[:, None] - 8.5) / 3) ** 2)
    shape = (0.3 + day * np.where(weekday, 1.0, 0.55)).astype(np.float32)
    disturbed = random.normal(0, 0.05, (places + 1, HOURS)).astype(np.float32)
    for step in range(1, HOURS):
        disturbed[:, step] += 0.9 * disturbed[:, step - 1]
    values = level[:, None] * shape * np.exp(disturbed[1:] + disturbed[:1] + random.normal(0, 0.08, shape.shape))
    return values.astype(np.float32)


def peer(known: pd.DataFrame) -> tuple[float, pd.Series]:
    """Seconds and forecasts of mlforecast with LightGBM."""
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean

    table = known.rename(columns={"location_id": "unique_id", "time": "ds", COLUMN: "y"})
    table["ds"] = table["ds"].dt.tz_localize(None)
    table["unique_id"] = table["unique_id"].astype(str)
    began = time.perf_counter()
    forecaster = MLForecast(
        models=[LGBMRegressor(verbosity=-1)],
        freq="h",
        lags=[1, 2, 3, 24, 168],
        lag_transforms={1: [RollingMean(window_size=24)]},
        date_features=["hour", "dayofweek"],
        num_threads=os.cpu_count() or 1,
    )
    found = forecaster.fit(table).predict(HORIZON)
    return time.perf_counter() - began, found.sort_values(["unique_id", "ds"])["LGBMRegressor"]


def in_own_process(places: int) -> tuple[float, float]:
    """Bytes at the peak and seconds for so many series, of which the making is not counted as time."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_forecast_scale", str(places)],
        capture_output=True,
        text=True,
        check=True,
    )
    peak, seconds = done.stdout.split()[-2:]
    return float(peak), float(seconds)


def _alone(places: int) -> None:
    panel = made_up(places)
    began = time.perf_counter()
    history = history_of(panel, COLUMN)
    del panel
    found = FORECASTERS["regression"]().fit(history).predict(HORIZON)
    seconds = time.perf_counter() - began
    if len(found) != places * HORIZON or not np.isfinite(found["mean"]).all():
        raise ValueError("some series have no forecast")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, seconds)


if __name__ == "__main__":
    _alone(int(sys.argv[1]))
