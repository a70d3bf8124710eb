"""The last value of a series at every place at once, with its time, its evidence and how it stands among the others."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from analytics.series import STEPS
from geodata.dataset import Dataset
from geodata.region import Region


@lru_cache(maxsize=64)
def latest(region: Region, dataset: Dataset, column: str) -> pd.DataFrame:
    """The last value at every place that has one.

    Returns
    -------
    By `location_id`: `value`; `time` and `first`, the starts of the intervals of the last and the first value (UTC;
    NaT without a time); `n`; `completeness`, the share of the intervals between these two that have a value (NaN
    without a fixed step); `rank` (1 is the highest) among the `of` places with a value at the same time. The same as
    `analytics.place.profile` tells of one place.
    """
    if dataset.timeless:
        values = region.by_place(dataset)[column].dropna().astype(float)
        none = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us, UTC]")
        found = pd.DataFrame({"value": values, "time": none, "first": none, "n": 1, "completeness": np.nan})
        return found.assign(rank=values.rank(ascending=False, method="min").astype(int), of=len(values))
    table = region.table(dataset.id)
    known = table[table[column].notna()]
    if known.empty:
        return pd.DataFrame({name: [] for name in ("value", "time", "first", "n", "completeness", "rank", "of")})
    grouped = known.groupby("location_id", observed=True)
    found = pd.DataFrame(
        {
            "value": grouped[column].last().astype(float),
            "time": grouped["time"].last(),
            "first": grouped["time"].first(),
            "n": grouped.size(),
        }
    )
    found["completeness"] = found["n"] / _due(found["first"], found["time"], dataset.step)
    same = known[known["time"].isin(found["time"].unique())]
    among = same.groupby("time", observed=True)[column]
    ranks = among.rank(ascending=False, method="min").astype(int)
    told = pd.DataFrame(
        {
            "location_id": same["location_id"],
            "time": same["time"],
            "rank": ranks,
            "of": among.transform("size"),
        }
    )
    found = found.reset_index().merge(told, on=["location_id", "time"], how="left")
    return found.set_index(found.pop("location_id").astype(str).rename("location_id"))


def _due(first: pd.Series, last: pd.Series, step: str) -> pd.Series:
    """How many values there would be from the first to the last one; NaN without a fixed step."""
    if step not in STEPS:
        return pd.Series(np.nan, index=first.index)
    if step == "1 year":
        return (last.dt.year - first.dt.year + 1).astype(float)
    if step == "1 month":
        return (12.0 * (last.dt.year - first.dt.year) + last.dt.month - first.dt.month) + 1
    return (last - first) / STEPS[step] + 1
