"""Indicators that analysts published from notebooks: their metadata, their numbers and what proves them.

A dashboard reads what the notebook computed; it never runs code that came with a publication.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import pandas as pd
import tomli_w

from analytics.evidence import Evidence
from analytics.indicator import Indicator, Published
from geodata.dataset import Dataset
from geodata.described import described, table_of
from geodata.errors import AlmanacError, BrokenData
from geodata.publication import attached_toml, attachment
from geodata.region import Region
from geodata.units import unit_of

DESCRIPTION, TABLE = "indicator.toml", "measured.parquet"
_NOT_TOLD = ("function", "published")


@dataclass(frozen=True)
class _Described:
    """What `indicator.toml` says beside the metadata of the indicator itself."""

    evidence: Evidence
    definition: str


def description(indicator: Indicator, evidence: Evidence) -> bytes:
    """An indicator's metadata and what proves it, as its publication carries them."""
    beside = table_of(_Described(evidence, indicator.definition))
    return tomli_w.dumps({**beside, "indicator": table_of(indicator, given=_NOT_TOLD)}).encode()


def table_bytes(measured: pd.DataFrame) -> bytes:
    """The table of a `Measured`, as its publication carries it."""
    out = io.BytesIO()
    measured.to_parquet(out, compression="zstd")
    return out.getvalue()


def published_indicators(region: Region) -> dict[str, Indicator]:
    """The indicators that analysts published for a region, by id; those that cannot be read are left out.

    What is wrong with these is told where their dataset is looked at.
    """
    found: dict[str, Indicator] = {}
    for dataset in region.published:
        if dataset.publication is None or dataset.publication.kind != "indicator":
            continue
        try:
            indicator = published_indicator(dataset)
        except AlmanacError:
            continue
        found.setdefault(indicator.id, indicator)
    return found


@lru_cache(maxsize=64)
def published_indicator(dataset: Dataset) -> Indicator:
    """The indicator that a published dataset holds the values of.

    Raises
    ------
    BrokenData
        When its description or its numbers are absent or not those that were published.
    """
    publication = dataset.publication
    attachment(dataset, TABLE)
    text = attached_toml(dataset, DESCRIPTION)
    metadata = text.pop("indicator", None)
    beside = described(_Described, text, where=DESCRIPTION)
    assert publication is not None  # or it would have no attachments
    published = Published(dataset.id, publication, beside.evidence, beside.definition)
    indicator = described(Indicator, metadata, where=DESCRIPTION, function=_not_run, published=published)
    unit_of(f"{indicator.id}_{indicator.unit}")
    return indicator


def published_table(region: Region, published: Published) -> pd.DataFrame:
    """The numbers of a published indicator, as `Measured.table` has them.

    Raises
    ------
    BrokenData
        When the numbers are absent, not those that were published, or no such table.
    """
    from analytics.measure import COLUMNS  # which knows this module

    content = attachment(region.dataset(published.dataset), TABLE)
    try:
        table = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError):  # what is not Parquet
        table = pd.DataFrame()
    if table.index.name != "location_id" or not {*COLUMNS, "reason", "dataset"} <= set(table.columns):
        raise BrokenData(
            "{name} of the publication {dataset} is absent or not the one that was published.",
            hint="Publish it again from its notebook, or withdraw it.",
            name=TABLE,
            dataset=published.dataset,
        )
    return table


def _not_run(table: pd.DataFrame) -> NoReturn:
    raise AlmanacError(
        "This indicator was published from a notebook, and its code is not run here.",
        hint="Open its notebook, or take the exported module over into the project.",
    )
