"""How good the data are, before anyone looks into them: how fresh, under which licence, whether files are whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from geodata.catalog import Dataset
from geodata.errors import AlmanacError

NOT_STATED = "not stated"


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
    observed = [d for d in all_of_them if d.columns]
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


def age(dataset: Dataset, on: date) -> timedelta:
    """How old the last observation of a dataset was on a day."""
    return on - dataset.observed_to
