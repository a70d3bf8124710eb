"""How good the data are, before anyone looks into them: how fresh, under which licence, whether files are whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean

import pandas as pd

from geodata.catalog import Catalog
from geodata.dataset import Dataset
from geodata.errors import AlmanacError, BrokenData

NOT_STATED = "not stated"
SHARE = "completeness_share"


@dataclass(frozen=True)
class Inventory:
    """What a set of datasets amounts to.

    newest, oldest : the datasets with the latest last and the earliest first observation; None without datasets
    unlicensed : those whose licence is not stated
    damaged : by id, what is wrong with the files that are not those described
    """

    datasets: tuple[Dataset, ...]
    newest: Dataset | None
    oldest: Dataset | None
    unlicensed: tuple[Dataset, ...]
    damaged: Mapping[str, AlmanacError]


def inventory(datasets: Iterable[Dataset]) -> Inventory:
    """What a set of datasets amounts to: their period, their licences and whether their files are whole.

    Datasets without values (outlines, basemaps) are counted, but say nothing of how new or old the data are.
    """
    all_of_them = tuple(datasets)
    # What analysts published was not observed.
    observed = [d for d in all_of_them if d.columns and d.publication is None]
    damaged = {}
    for dataset in all_of_them:
        try:
            dataset.check()
        except AlmanacError as error:
            damaged[dataset.id] = error
    return Inventory(
        datasets=all_of_them,
        newest=max(observed, key=lambda d: d.observed_to, default=None),
        oldest=min(observed, key=lambda d: d.observed_from, default=None),
        unlicensed=tuple(d for d in all_of_them if d.licence == NOT_STATED),
        damaged=damaged,
    )


@dataclass(frozen=True)
class Condition:
    """How much of a dataset is there.

    places : how many places it has rows of
    completeness : the share of the values due that are there, over all its columns and places; None where it
        holds no values
    """

    places: int
    completeness: float | None


def condition(catalog: Catalog, dataset_id: str) -> Condition | None:
    """How much of a dataset is there; None where its file is not fit to be read.

    Notes
    -----
    A dataset without a fixed step has no values that are due: what counts there is the share of the calendar
    months in which its places were measured at all.
    """
    try:
        found = catalog.profile(dataset_id)
    except BrokenData:
        return None
    if found.step == "irregular" and found.times is not None:
        shares = list(found.times.completeness.values())
    else:
        shares = [column.completeness for column in found.columns]
    return Condition(found.locations, fmean(shares) if shares else None)


def coverage(catalog: Catalog, dataset_id: str, column: str | None = None) -> pd.Series:
    """The share of the values due that each place has, of one column or over all, by `location_id`.

    Places without any value are missing (NaN): they are not measured badly, but not at all.

    Notes
    -----
    Due is a value of every column at every step between the first and the last of the dataset. Of a layer,
    each place has one value of every column; without a fixed step, the share is of the calendar months with
    any value.

    Raises
    ------
    BrokenData
        When the file is not fit to be read.
    """
    dataset = catalog[dataset_id]
    table, names = dataset.load(), list(dataset.columns) if column is None else [dataset.column(column).name]
    if dataset.kind == "layer":
        return _measured(table[names].notna().mean(axis=1).rename(SHARE))
    times = catalog.profile(dataset_id).times
    known = pd.Series({} if times is None else times.completeness, dtype=float, name=SHARE).rename_axis("location_id")
    if dataset.step == "irregular" or known.empty:
        return _measured(known)
    there = table[list(dataset.columns)].notna()
    counted = there.assign(any_value=there.any(axis=1)).groupby(table["location_id"].astype("str")).sum()
    # The profile tells how many steps there are: it is what makes its share out of the same count.
    due = (counted["any_value"] / known).max()
    return _measured((counted[names].mean(axis=1) / due).clip(upper=1.0).rename(SHARE))


def _measured(shares: pd.Series) -> pd.Series:
    return shares.where(shares > 0)


def worst_covered(
    catalog: Catalog, dataset_id: str, n: int, column: str | None = None
) -> list[tuple[str, float, float]]:
    """The places of a panel with the least of their values: id, share that is there, longest gap in days.

    Complete places are left out, and those without any value; a gap is a time without a value of any column.
    """
    times = catalog.profile(dataset_id).times
    if times is None:
        return []
    shares = coverage(catalog, dataset_id, column).dropna().sort_values(kind="stable").head(n)
    return [(str(p), share, times.longest_gap_days[str(p)]) for p, share in shares.items() if share < 1]


def age(dataset: Dataset, on: date) -> timedelta:
    """How old the last observation of a dataset was on a day."""
    return on - dataset.observed_to
