"""Day-of-year percentiles of 1,000 made-up gauges with 40 years of daily values, beside a loop over them in pandas.

The peer is what someone who knows pandas and NumPy would write: a loop over the gauges, and in it either a table of
years by days of the year whose columns go through `numpy.nanpercentile`, or a group for each day of the year. Both
ways are measured, the slower one on a few gauges only, and the quicker counts. Ours is the whole call from the same
panel, reading and checking it included. All give the same numbers, or the benchmark stops.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analytics.indicator import Minimum
from analytics.normals import LEAST_YEARS, PERCENTILES, day_of_year_percentiles
from analytics.record import read

PLACES, YEARS, ROUNDS = 1_000, 40, 3
MOST_SECONDS = 10.0
TARGET = 0.1
COLUMN = "discharge_m3_per_s"
# The slower way of the peer is timed on so many gauges, and its time multiplied.
FEW = 10


def run(data: Path | None) -> list[dict[str, Any]]:
    """One row for the time, one for the comparison; `data` is not needed, the gauges are made up."""
    quick = bool(os.environ.get("ALMANAC_BENCH_QUICK"))
    places, rounds = (30, 1) if quick else (PLACES, ROUNDS)
    panel = made_up(places)
    mine: list[float] = []
    for _ in range(rounds):
        seconds, found = timed(lambda: ours(panel))
        mine.append(seconds)
    seconds = statistics.median(mine)
    by_table, expected = timed(lambda: looped(panel, table_of_years))
    few = panel[panel["location_id"].isin(panel["location_id"].cat.categories[:FEW])]
    by_group, as_well = timed(lambda: looped(few, group_by_day))
    same_answer(found, expected)
    same_answer(found[:FEW], as_well)
    peer = min(by_table, by_group * places / FEW)
    what = f"day-of-year percentiles, {places:,} synthetic gauges × {YEARS} years"
    return [
        {
            "measure": what,
            "ours": round(seconds, 2),
            "peer": None,
            "unit": "s",
            "ratio": None,
            "target": f"< {MOST_SECONDS:g} s",
            "met": seconds < MOST_SECONDS,
        },
        {
            "measure": f"{what}, beside a loop in pandas",
            "ours": round(seconds, 2),
            "peer": round(peer, 2),
            "unit": "s",
            "ratio": round(seconds / peer, 3),
            "target": f"≤ {TARGET:g} ×",
            "met": seconds / peer <= TARGET,
        },
    ]


def made_up(places: int) -> pd.DataFrame:
    """Daily values with a season, floods and one day in a hundred missing: 14.6 million rows for 1,000 gauges."""
    rng = np.random.default_rng(3)
    days = pd.date_range("1985-01-01", f"{1984 + YEARS}-12-31", tz="UTC")
    season = 1 + 0.6 * np.sin(2 * np.pi * days.day_of_year.to_numpy() / 365.25)
    values = (np.exp(rng.normal(0, 1, (places, len(days)))) * season).round(2)
    values[rng.random(values.shape, dtype=np.float32) < 0.01] = np.nan
    names = [f"synthetic_{number:04d}" for number in range(places)]
    return pd.DataFrame(
        {
            "location_id": pd.Categorical.from_codes(np.repeat(np.arange(places), len(days)), names),
            "time": np.tile(days.as_unit("us"), places),
            COLUMN: values.ravel(),
        }
    )


def ours(panel: pd.DataFrame) -> np.ndarray:
    """From the panel to places × 366 × percentiles."""
    record = read(panel, COLUMN, minimum=Minimum(), steps=("1 day",))
    return day_of_year_percentiles(record[COLUMN], record.times).values


def looped(panel: pd.DataFrame, one: Callable[[pd.Series], pd.DataFrame]) -> np.ndarray:
    """The same, gauge by gauge; a row for each month and day."""
    every = pd.MultiIndex.from_arrays(
        [(days := pd.date_range("2000-01-01", "2000-12-31")).month, days.day], names=["month", "day"]
    )
    found = []
    for _, mine in panel.groupby("location_id", observed=True):
        found.append(one(mine.set_index("time")[COLUMN]).reindex(every).to_numpy())
    return np.stack(found)


def table_of_years(series: pd.Series) -> pd.DataFrame:
    """Years by days of the year, then NumPy's percentile of each column."""
    times = series.index
    table = pd.DataFrame(
        {"year": times.year, "month": times.month, "day": times.day, "value": series.to_numpy()}
    ).pivot(index="year", columns=["month", "day"], values="value")
    found = np.nanpercentile(table.to_numpy(), PERCENTILES, axis=0, method="weibull").T
    return beyond_ranks(pd.DataFrame(found, index=table.columns), table.notna().sum().to_numpy())


def group_by_day(series: pd.Series) -> pd.DataFrame:
    """A group for each day of the year, then NumPy's percentile of each."""
    present = series.dropna()
    groups = present.groupby([present.index.month, present.index.day])
    found = groups.apply(lambda mine: np.percentile(mine.to_numpy(), PERCENTILES, method="weibull"))
    return beyond_ranks(pd.DataFrame(np.stack(found.to_list()), index=found.index), groups.size().to_numpy())


def beyond_ranks(found: pd.DataFrame, n: np.ndarray) -> pd.DataFrame:
    """Missing with too few years, and where a percentile lies beyond the ranks there are."""
    rank = np.asarray(PERCENTILES) / 100 * (n[:, None] + 1)
    return found.where((rank >= 1) & (rank <= n[:, None]) & (n[:, None] >= LEAST_YEARS))


def timed(call: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Seconds it took, and what came of it."""
    began = time.perf_counter()
    found = call()
    return time.perf_counter() - began, found


def same_answer(mine: np.ndarray, other: np.ndarray) -> None:
    """Stop when the two do not say the same: then their times mean nothing."""
    if mine.shape != other.shape or not np.allclose(mine, other, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise RuntimeError("the percentiles differ from those of the loop in pandas")


if __name__ == "__main__":
    for row in run(None):
        print(row)
