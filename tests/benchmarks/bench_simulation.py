"""Daily discharge of 60 basins simulated from weather alone, beside a published model calibrated basin by basin.

Learnt from 1981 to 1995 and judged on 1997 to 2014 (1996 warms the stores up). The published figures are those of
`gauges.csv`, of the same basins and years. Values of discharge after 1995 are hidden from the model.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analytics.forecasters.response import Response
from analytics.history import History, history_of
from analytics.scores import kge, nse
from tests.benchmarks.shapes import AbsentError

SET = "water_camels"
LEARNT, JUDGED = pd.Timestamp("1996-01-01"), pd.Timestamp("1997-01-01")
DRIVERS = ("p_mm", "t_c", "pet_mm")
TARGETS = {"NSE": 0.58, "KGE": 0.67}
MOST_SECONDS = 300.0
# With ALMANAC_BENCH_QUICK: that it works, not how well.
FEW, FEW_ROWS = 6, 5_000


def run(data: Path | None) -> list[dict[str, Any]]:
    """Median NSE and KGE, each beside the published median, and how long learning takes."""
    folder = data / SET if data else None
    if folder is None or not (folder / "daily.parquet").exists():
        raise AbsentError(f"{SET}/daily.parquet: put the folder {SET} into the --data folder.")
    quick = bool(os.environ.get("ALMANAC_BENCH_QUICK"))
    history = basins(folder, FEW if quick else None)
    count = int((history.times < LEARNT).sum())
    model = Response(rows=FEW_ROWS) if quick else Response()
    began = time.perf_counter()
    model.learn(history.until(count), 1)
    seconds = time.perf_counter() - began
    hidden = history.values.copy()
    hidden[:, count:] = np.nan
    simulated = model.simulate(replace(history, values=hidden))
    judged = history.times >= JUDGED
    found = {
        "NSE": nse(simulated[:, judged], history.values[:, judged]),
        "KGE": kge(simulated[:, judged], history.values[:, judged]),
    }
    published = pd.read_csv(folder / "gauges.csv", dtype={"gauge_id": str}).set_index("gauge_id")
    published = published.loc[history.places]
    what = f"daily discharge of {len(history.places)} basins from weather alone, 1997–2014"
    rows = []
    for name, values in found.items():
        ours = float(np.nanmedian(values))
        peer = float(published[f"published_test_{name.lower()}"].median())
        rows.append(
            {
                "measure": f"{what}: median {name}",
                "ours": round(ours, 3),
                "peer": round(peer, 3),
                "unit": "1",
                "ratio": round(ours / peer, 2),
                "target": f"> {TARGETS[name]:g}",
                "met": None if quick else ours > TARGETS[name],
                "note": "the peer is a published model calibrated basin by basin, test years from 1996",
            }
        )
    rows.append(
        {
            "measure": f"learning from 15 years at {len(history.places)} basins",
            "ours": round(seconds, 1),
            "peer": None,
            "unit": "s",
            "ratio": None,
            "target": f"< {MOST_SECONDS:g} s",
            "met": seconds < MOST_SECONDS,
        }
    )
    return rows


def basins(folder: Path, few: int | None = None) -> History:
    """Discharge with its weather, all or the first few basins."""
    daily = pd.read_parquet(folder / "daily.parquet").rename(columns={"gauge_id": "location_id", "date": "time"})
    if few is not None:
        daily = daily[daily["location_id"].isin(sorted(daily["location_id"].unique())[:few])]
    daily["time"] = daily["time"].dt.tz_localize("UTC")
    drivers = {name: daily[["location_id", "time", name]] for name in DRIVERS}
    return history_of(daily[["location_id", "time", "q_mm"]], "q_mm", drivers=drivers)


if __name__ == "__main__":
    for row in run(Path(os.environ["DATA"]) if "DATA" in os.environ else None):
        print(row)
