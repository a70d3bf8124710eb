"""The store on 50 million made-up observations, beside DuckDB asked directly on the same files.

The peer is the plain SQL that someone who knows DuckDB would write on the same Parquet files, with the
connection kept open and the answer left as an Arrow table; where there are several ways to write it, each is
measured and the quickest counts. Ours is the whole call, up to the DataFrame. The two take turns.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from geodata.store import Store

TARGET = 1.2
ROUNDS = 9
PLACES, HOURS = 1_000, 50_000
DATASET, VARIABLE = "synthetic", "pm25_ug_per_m3"
BEGIN = datetime(2018, 1, 1, tzinfo=UTC)
YEAR = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
MONTH = (datetime(2021, 3, 10, tzinfo=UTC), datetime(2021, 3, 10, tzinfo=UTC) + timedelta(days=28))
PLACE = "place_0500"


def run(data: Path | None) -> list[dict[str, Any]]:
    """One row for each question; `data` is not needed, the observations are made up."""
    quick = bool(os.environ.get("ALMANAC_BENCH_QUICK"))
    places, rounds = (50, 3) if quick else (PLACES, ROUNDS)
    with tempfile.TemporaryDirectory(prefix="almanac-bench-") as folder:
        store = Store(Path(folder))
        rows = fill(store, places)
        place = PLACE if not quick else "place_0025"
        glob = f"{folder}/{DATASET}/variable={VARIABLE}/*/*.parquet"
        with duckdb.connect() as peer:
            return [
                beside(f"store of {rows / 1e6:g} million synthetic rows: {question}", ours, peer, sqls, rounds)
                for question, ours, sqls in questions(store, glob, place)
            ]


def fill(store: Store, places: int) -> int:
    """Append made-up hourly values of `places` places, year by year; the number of rows."""
    rng = np.random.default_rng(1)
    names = np.array([f"place_{number:04d}" for number in range(places)])
    for begin in range(0, HOURS, 8_760):
        hours = np.arange(begin, min(begin + 8_760, HOURS))
        values = np.round(20 + 8 * np.sin(hours / 24 * 2 * np.pi) + rng.normal(0, 3, (places, len(hours))), 1)
        values[rng.random(values.shape, dtype=np.float32) < 0.01] = np.nan
        times = pd.DatetimeIndex(np.datetime64(BEGIN.replace(tzinfo=None), "us") + hours.astype("timedelta64[h]"))
        store.append(
            DATASET,
            pd.DataFrame(
                {
                    "location_id": pd.Categorical.from_codes(np.repeat(np.arange(places), len(hours)), names),
                    "time": np.tile(times, places),
                    VARIABLE: values.ravel(),
                }
            ).assign(time=lambda panel: panel["time"].dt.tz_localize("UTC")),
        )
    return places * HOURS


def questions(store: Store, glob: str, place: str) -> list[tuple[str, Callable[[], pd.DataFrame], list[str]]]:
    """What is asked: of the store, and in SQL in every way that might be quickest."""
    rows = f"read_parquet('{glob}')"

    def between(limits: tuple[datetime, datetime]) -> str:
        return f"time >= '{limits[0]:%Y-%m-%d %H:%M:%S+00}' AND time < '{limits[1]:%Y-%m-%d %H:%M:%S+00}'"

    def daily(day: str, more: str = "") -> str:
        return (
            f"SELECT location_id, {day} AS day, avg(value) AS value FROM {rows} WHERE {between(YEAR)} {more} "
            "GROUP BY ALL ORDER BY ALL"
        )

    one = f"SELECT location_id, time, value FROM {rows} WHERE location_id = '{place}' AND {between(MONTH)}"
    in_the_year = "AND month BETWEEN '2020-01' AND '2020-12'"
    return [
        (
            "latest value of every location",
            lambda: store.latest(DATASET, VARIABLE),
            [
                f"""SELECT location_id, max(time) AS time, arg_max(value, time) AS value FROM {rows}
                    WHERE value IS NOT NULL GROUP BY location_id ORDER BY location_id""",
                f"""SELECT location_id, max(time) AS time, max_by(value, time) AS value FROM {rows}
                    GROUP BY location_id ORDER BY location_id""",
            ],
        ),
        (
            "28 days of one location",
            lambda: store.series(DATASET, VARIABLE, place, *MONTH),
            [f"{one} ORDER BY time", f"{one} AND month IN ('2021-03', '2021-04') ORDER BY time"],
        ),
        (
            "a year of daily means",
            lambda: store.daily_means(DATASET, VARIABLE, *YEAR),
            [
                daily("date_trunc('day', time)"),
                daily("date_trunc('day', time)", in_the_year),
                daily("epoch_us(time) // 86400000000", in_the_year),
            ],
        ),
    ]


def beside(
    measure: str, ours: Callable[[], pd.DataFrame], peer: duckdb.DuckDBPyConnection, sqls: list[str], rounds: int
) -> dict[str, Any]:
    """Ours and each of the peer's ways in turn; medians in milliseconds, after one round to warm up."""
    peer.execute("SET TimeZone = 'UTC'")
    asked: list[Callable[[], object]] = [ours]
    asked += [lambda sql=sql: peer.execute(sql).to_arrow_table() for sql in sqls]  # type: ignore[misc]
    for sql in sqls:
        same_answer(ours(), peer.execute(sql).to_arrow_table().to_pandas())
    taken: list[list[float]] = [[] for _ in asked]
    for round_ in range(rounds + 1):
        for ask, times in zip(asked, taken, strict=True):
            began = time.perf_counter()
            ask()
            if round_:
                times.append((time.perf_counter() - began) * 1000)
    mine, *others = (statistics.median(times) for times in taken)
    ratio = mine / min(others)
    return {
        "measure": measure,
        "ours": round(mine, 1),
        "peer": round(min(others), 1),
        "unit": "ms",
        "ratio": round(ratio, 3),
        "target": TARGET,
        "met": ratio <= TARGET,
    }


def same_answer(ours: pd.DataFrame, peer: pd.DataFrame) -> None:
    """Stop when the two do not say the same: then their times mean nothing."""
    values = peer["value"].to_numpy()
    if len(ours) != len(peer) or not np.allclose(ours[VARIABLE], values, equal_nan=True):
        raise RuntimeError("the store and DuckDB give different answers")


if __name__ == "__main__":
    for row in run(None):
        print(row)
