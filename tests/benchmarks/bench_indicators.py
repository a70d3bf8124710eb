"""Indicators: all of the default region from a cold start, clusters beside esda, and the memory of a big panel."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.shapes import counties

COLD, CLUSTERS, MEMORY = 5.0, 1.2, 4.0
ROUNDS = 5
PERMUTATIONS = 999
PLACES, HOURS = 10_000, 8_760


def run(data: Path | None) -> list[dict[str, Any]]:
    """One row for each target of the indicators."""
    quick = bool(os.environ.get("ALMANAC_BENCH_QUICK"))
    return [cold(1 if quick else ROUNDS), moran(data, 1 if quick else ROUNDS), memory(500 if quick else PLACES)]


def cold(rounds: int) -> dict[str, Any]:
    """The command line in a process of its own, from its start to the last row."""
    command = [sys.executable, "-m", "app.cli", "indicators", "mid_atlantic"]
    taken, rows = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        taken.append(time.perf_counter() - began)
        rows = printed.count("\n") - 1
    seconds = statistics.median(taken)
    return {
        "measure": "all indicators of the default region, a process from its start",
        "ours": round(seconds, 2),
        "unit": "s",
        "target": COLD,
        "met": seconds < COLD,
        "note": f"{rows} rows; files may be in the system's cache",
    }


def moran(data: Path | None, rounds: int) -> dict[str, Any]:
    """Clusters of the United States' counties beside esda called directly with the same weights and permutations."""
    from esda import Moran_Local

    from analytics.spatial_statistics import clusters, neighbours

    layer = counties(data).set_index("location_id")
    centre = layer.to_crs("EPSG:5070").representative_point()
    # Made up: a slope with noise, so that there are clusters to find.
    noise = np.random.default_rng(1).normal(0, 1, len(layer))
    values = pd.Series(centre.x.to_numpy() / 1e6 + noise, index=layer.index)
    weights = neighbours(layer, "EPSG:5070")
    ours, peer = [], []
    for round_ in range(rounds + 1):
        began = time.perf_counter()
        clusters(values, weights, permutations=PERMUTATIONS)
        middle = time.perf_counter()
        Moran_Local(values.to_numpy(), weights, permutations=PERMUTATIONS, n_jobs=1, seed=1)
        if round_:
            ours.append(middle - began)
            peer.append(time.perf_counter() - middle)
    ratio = statistics.median(ours) / statistics.median(peer)
    return {
        "measure": f"local Moran, {PERMUTATIONS} permutations, {len(layer):,} counties, beside esda called directly",
        "ours": round(statistics.median(ours), 2),
        "peer": round(statistics.median(peer), 2),
        "unit": "s",
        "ratio": round(ratio, 3),
        "target": CLUSTERS,
        "met": ratio <= CLUSTERS,
    }


def memory(places: int) -> dict[str, Any]:
    """The most memory that a process takes for four travel-time indicators of a made-up year of hours."""
    code = f"from tests.benchmarks.bench_indicators import fill; print(fill({places}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    peak, seconds = map(float, done.stdout.split())
    return {
        "measure": f"memory for {places:,} synthetic places × 1 year hourly: panel and four travel-time indicators",
        "ours": round(peak, 2),
        "unit": "GB",
        "target": MEMORY,
        "met": peak < MEMORY,
        "note": f"{seconds:.0f} s for the four, the panel itself included in the memory",
    }


def fill(places: int) -> str:
    """Makes the panel, computes the indicators, and tells the peak in GB and the seconds they took."""
    from analytics import INDICATORS

    rng = np.random.default_rng(1)
    hours = pd.date_range("2024-01-01", periods=HOURS, freq="h", tz="UTC")
    names = [f"p{n:05d}" for n in range(places)]
    travel_time = rng.gamma(9.0, 10.0, (places, HOURS))
    codes = np.repeat(np.arange(places, dtype=np.int16), HOURS)
    # Columns go in one by one, without a copy: the table must not be in memory twice before it is read.
    panel = pd.DataFrame(
        {
            "location_id": pd.Categorical.from_codes(codes, names),
            "time": np.tile(hours, places),
            "travel_time_s": travel_time.reshape(-1),
        },
        copy=False,
    )
    del travel_time, codes
    panel["time"] = panel["time"].dt.tz_localize("UTC") if panel["time"].dt.tz is None else panel["time"]
    began = time.perf_counter()
    for name in ("travel_time_index", "planning_time_index", "buffer_index", "congestion_level"):
        found = INDICATORS[name](panel)
        if not found.notna().all():
            raise RuntimeError(f"{name} has no value at some place")
    seconds = time.perf_counter() - began
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.3f} {seconds:.1f}"


if __name__ == "__main__":
    for row in run(None):
        print(row)
