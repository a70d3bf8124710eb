"""Speeds of a week at 207 detectors in Los Angeles, 5 to 60 minutes ahead, beside LightGBM on the same features.

The first 80 % of the week is learnt from. In the rest, each moment that has 12 steps before and 12 after it within that
rest is forecast from; errors are pooled over all detectors and all steps up to the lead time. The forecaster is the
ordinary one with its ordinary settings. The set is the one that T-GCN published with; it is not in the repository.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from analytics.backtesting import Plan
from analytics.forecaster import Forecaster
from analytics.forecasters.baseline import Persistence
from analytics.forecasters.regression import Regression
from analytics.history import History
from tests.benchmarks.shapes import AbsentError

FOLDER, FILE = "traffic_metr_la_week", "los_speed.csv.gz"
LEADS = (3, 6, 9, 12)
TARGETS = (4.60, 5.25, 5.68, 6.00)
# Zhao et al. 2020, doi:10.1109/TITS.2019.2935152; the best epoch was chosen on the test part.
PUBLISHED = (5.13, 6.06, 6.71, 7.27)
MOST_SECONDS = 300.0
QUICK_ROWS = 20_000


class Light(Regression):
    """LightGBM instead of the boosting and the networks, on the same rows of the same features."""

    def _fitted(self, features: np.ndarray, change: np.ndarray) -> Any:
        return lightgbm.LGBMRegressor(
            n_estimators=300, learning_rate=0.08, num_leaves=31, min_child_samples=60, verbose=-1, seed=self.seed
        ).fit(features, change)


def run(data: Path | None) -> list[dict[str, Any]]:
    """A row for each lead time, and one for the time it takes to learn."""
    history = speeds(data)
    learnt = int(len(history) * 0.8)
    plan = Plan(learnt, np.arange(learnt + LEADS[-1] - 1, len(history) - LEADS[-1]), LEADS[-1])
    rows = QUICK_ROWS if os.environ.get("ALMANAC_BENCH_QUICK") else None
    errors, seconds = {}, {}
    models: dict[str, Forecaster] = {
        "ours": Regression(rows=rows),
        "LightGBM": Light(rows=rows, networks=0),
        "persistence": Persistence(),
    }
    for name, model in models.items():
        began = time.perf_counter()
        model.learn(history.until(plan.learnt), plan.horizon)
        seconds[name] = time.perf_counter() - began
        errors[name] = pooled(history, plan, model.forecast(history, plan.origins, plan.horizon))
    found = []
    for i, lead in enumerate(LEADS):
        ours, peer = errors["ours"][i], errors["LightGBM"][i]
        found.append(
            {
                "measure": f"METR-LA week, speed up to {5 * lead} minutes ahead, RMSE",
                "ours": round(ours, 3),
                "peer": round(peer, 3),
                "unit": "mph",
                "ratio": round(ours / peer, 3),
                "target": f"≤ {TARGETS[i]:.2f} and < peer",
                "met": bool(ours <= TARGETS[i] and ours < peer),
                "note": f"peer: LightGBM on the same features; persistence {errors['persistence'][i]:.2f}, "
                f"T-GCN published {PUBLISHED[i]:.2f}",
            }
        )
    found.append(
        {
            "measure": "METR-LA week, learning",
            "ours": round(seconds["ours"], 1),
            "peer": round(seconds["LightGBM"], 1),
            "unit": "s",
            "ratio": round(seconds["ours"] / seconds["LightGBM"], 2),
            "target": f"< {MOST_SECONDS:g} s",
            "met": seconds["ours"] < MOST_SECONDS,
        }
    )
    return found


def speeds(data: Path | None) -> History:
    """The week as a history; its clock is the local one already.

    Raises
    ------
    AbsentError
        Where the set is not in the folder.
    """
    path = data / FOLDER / FILE if data else None
    if path is None or not path.exists():
        raise AbsentError(f"{FOLDER}/{FILE}: put it into the --data folder.")
    table = pd.read_csv(path)
    times = pd.date_range("2012-03-01", periods=len(table), freq="5min")
    values = np.ascontiguousarray(table.to_numpy(float).T)
    return History("speed_mph", pd.Index(table.columns), times, "5 minutes", values)


def pooled(history: History, plan: Plan, means: np.ndarray) -> list[float]:
    """The root mean squared error over all places, cutoffs and steps up to each lead time."""
    targets = plan.origins[:, None] + np.arange(1, plan.horizon + 1)
    squared = (means - history.values[:, targets]) ** 2
    return [float(np.sqrt(np.mean(squared[:, :, :lead]))) for lead in LEADS]


if __name__ == "__main__":
    for row in run(Path("../shared/benchmarks")):
        print(row)
