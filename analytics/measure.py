"""Indicators with their evidence: of any table, and of every place of a region."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from analytics.indicator import Domain, Indicator
from analytics.indicators import INDICATORS
from analytics.published import published_indicators, published_table
from analytics.record import read, require
from analytics.standard import standard_named, standards
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError, UnknownName
from geodata.region import Region

COLUMNS = ("value", "low", "high", "p_value", "n", "completeness", "observed_from", "observed_to", "provisional")
# What is promised of the table of a region, and behind it what else is known.
TABLE = (
    *("indicator", "location_id", "value", "unit", "class", "standard", "n", "completeness", "observed_from"),
    *("observed_to", "evidence", "low", "high", "p_value", "provisional", "reason", "dataset", "authority", "edition"),
    *("published_by", "approved_by"),
)
# How the producers' own words for a value that may still be revised begin, in the descriptions of qualifiers.
_PROVISIONAL = "Provisional"


@dataclass(frozen=True)
class Use:
    """Where a region has what an indicator needs.

    datasets : which carry the columns needed, the one with the longest record first
    locations : the layer with its places; None where they have no position
    together : whether the datasets must be joined, since none has every column
    """

    indicator: Indicator
    datasets: tuple[Dataset, ...]
    locations: str | None
    together: bool


@dataclass(frozen=True, eq=False)
class Measured:
    """One indicator at every place of a region that could have it.

    table : by `location_id`: `value`, `low` and `high` (the limits of its interval, where it has one), `p_value`
        (where it tests for a trend), `n`, `completeness`, `observed_from`, `observed_to`, `provisional` (the share
        of provisional values among those used), `dataset` (which one the number was made from) and `reason`: ""
        with a value, else "values", "years", "completeness", "constant", "negative", "tidal" or
        "undefined"
    reference : the first and last year on which what is normal was fitted; None for the whole record
    broken : what is wrong with the datasets that could not be read; the others count without them
    """

    use: Use
    table: pd.DataFrame
    reference: tuple[int, int] | None
    broken: tuple[AlmanacError, ...] = ()

    @property
    def indicator(self) -> Indicator:
        """What was measured."""
        return self.use.indicator

    @property
    def values(self) -> pd.Series:
        """The values by `location_id`; NaN where there is not enough data."""
        return self.table["value"]

    @property
    def producers(self) -> str:
        """Who made the data, each once; of an analyst's result the analyst first."""
        published = self.indicator.published
        analyst = [published.publication.author] if published is not None else []
        return ", ".join(dict.fromkeys([*analyst, *(d.producer for d in self.use.datasets)]))

    def layer(self, region: Region) -> gpd.GeoDataFrame:
        """The places that could have a value, as they are drawn.

        Raises
        ------
        AlmanacError
            When they have no position.
        """
        if self.use.locations is None:
            raise AlmanacError(
                "The places of {dataset} have no position on a map.",
                hint="Look at them as series instead.",
                dataset=self.use.datasets[0].id,
            )
        layer = region.table(self.use.locations)
        return layer[layer.index.isin(self.table.index)]

    @property
    def known(self) -> int:
        """How many places have a value."""
        return int(self.table["value"].notna().sum())


def measure(indicator_id: str, table: pd.DataFrame, **parameters: Any) -> pd.DataFrame:
    """An indicator of any table, each number with its evidence.

    Parameters
    ----------
    indicator_id : a name of `INDICATORS`.
    table : with the columns that the indicator needs; see `Indicator.table`.
    parameters : keywords of the indicator.

    Returns
    -------
    By `location_id`: the columns of `COLUMNS` but `provisional`, `reason` (see `Measured.table`), and what defends
    the number: `unit`, `authority`, `edition` and `evidence`, the grade.

    Raises
    ------
    UnknownName
        When there is no such indicator; a near-miss is named.
    BrokenData
        When the table lacks a column or a unit, or holds what cannot be.
    """
    indicator = INDICATORS[indicator_id]
    require(table, *indicator.needs)
    known = list(inspect.signature(indicator.function).parameters)[1:]
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise AlmanacError(
            "{indicator} takes no “{keyword}”.",
            hint="Its keywords are: {known}." if known else "It takes no keywords.",
            indicator=indicator_id,
            keyword=unknown[0],
            known=tuple(known),
        )
    result = indicator(table, **parameters)
    found = result.to_frame("value") if isinstance(result, pd.Series) else result
    told = _evidence(indicator, _of_years(table, parameters.get("reference")) if not indicator.latest else table)
    merged = told.join(found.reindex(columns=["value", "low", "high", "p_value"]), how="outer")
    numbers = merged[["value", "low", "high", "p_value"]].astype(float)
    short = merged["reason"].fillna("values")
    merged["reason"] = np.where(numbers["value"].notna(), "", np.where(short == "", "undefined", short))
    merged["n"] = merged["n"].fillna(0).astype(int)
    merged[numbers.columns] = numbers
    columns = [c for c in (*COLUMNS, "reason") if c != "provisional"]
    return merged[columns].rename_axis("location_id").assign(**_defence(indicator))


def _defence(indicator: Indicator) -> dict[str, str]:
    """What defends every number of an indicator."""
    return {
        "unit": indicator.canonical_unit.code,
        "authority": indicator.authority,
        "edition": indicator.edition,
        "evidence": indicator.evidence.grade,
    }


def _decided(indicator: Indicator) -> dict[str, str]:
    """Of an analyst's result who published it and who approved it; empty for the project's own indicators."""
    published = indicator.published.publication if indicator.published is not None else None
    return {
        "published_by": published.author if published is not None else "",
        "approved_by": published.approved_by if published is not None else "",
    }


def _of_years(table: pd.DataFrame, reference: tuple[int, int] | None) -> pd.DataFrame:
    """The rows of the years on which an indicator was fitted: a trend knows of no others."""
    if reference is None or "time" not in table.columns:
        return table
    return table[table["time"].dt.year.between(*reference)]


@lru_cache(maxsize=32)
def uses(region: Region, domain: Domain | None = None) -> dict[str, Use]:
    """The indicators for which a region has the columns, by id, each at the places of which it has most."""
    if domain is not None:
        return {name: use for name, use in uses(region).items() if use.indicator.domain == domain}
    found: dict[str, Use] = {}
    for name, indicator in INDICATORS.items():
        candidates = list(_uses(region, indicator))
        if candidates:
            found[name] = max(candidates, key=lambda use: sum(_size(region, d) for d in use.datasets))
    for name, indicator in published_indicators(region).items():
        # One that the project has taken over since is made anew, as its own.
        if name not in INDICATORS:
            found[name] = _use_of_published(region, indicator)
    return found


def indicator_of(region: Region, indicator_id: str) -> Indicator:
    """An indicator of the project, or one that an analyst published for a region.

    Raises
    ------
    UnknownName
        When there is none of this id; a near-miss is named.
    """
    here = uses(region)
    return here[indicator_id].indicator if indicator_id in here else INDICATORS[indicator_id]


def measures_anew() -> None:
    """Forgets what was computed: a function of a notebook may have been written anew under its name."""
    uses.cache_clear()
    _measured.cache_clear()


def measured(region: Region, indicator_id: str, *, reference: tuple[int, int] | None = None) -> Measured:
    """An indicator at every place of a region that could have it.

    Parameters
    ----------
    reference : the first and last year on which what is normal is fitted; for indicators that fit something.

    Raises
    ------
    UnknownName
        When there is no such indicator, or the region has not what it needs.
    """
    indicator = indicator_of(region, indicator_id)
    if indicator_id not in uses(region):
        raise UnknownName(
            "The region {region} has no data for “{indicator}”, which needs {needs}.",
            hint="Choose another indicator, or add a dataset with these columns.",
            region=region.name,
            indicator=indicator_id,
            needs=indicator.needs,
        )
    return _measured(region, indicator_id, reference if indicator.fitted else None)


@lru_cache(maxsize=256)
def _measured(region: Region, indicator_id: str, reference: tuple[int, int] | None) -> Measured:
    use = uses(region)[indicator_id]
    if use.indicator.published is not None:
        return Measured(use, published_table(region, use.indicator.published), None)
    groups = [use.datasets] if use.together else [(dataset,) for dataset in use.datasets]
    parts: list[pd.DataFrame] = []
    broken: list[AlmanacError] = []
    for datasets in groups:
        try:
            parts.append(_part(region, use.indicator, datasets, reference))
        except AlmanacError as error:
            broken.append(error)
    if not parts:
        raise broken[0]
    table = pd.concat(parts)
    # A place may stand in several datasets: the one that gives a value counts, and of these the longest record.
    order = np.lexsort((-table["n"].to_numpy(), table["value"].isna().to_numpy()))
    table = table.iloc[order]
    table = table[~table.index.duplicated()]
    if use.locations == region.home:
        # A home place without a row is a gap in what we see, as on every other map.
        table = table.reindex(table.index.union(region.table(region.home).index).rename("location_id"))
        table = table.fillna({"n": 0, "reason": "values", "dataset": ""}).astype({"n": int})
    return Measured(use, table.sort_index(), reference, tuple(broken))


def table_of(region: Region, *, domain: Domain | None = None, standard_id: str | None = None) -> pd.DataFrame:
    """Every indicator of a region at every place that could have it, with its class and evidence.

    Parameters
    ----------
    domain : only this one's indicators.
    standard_id : only the indicators that have classes in this standard, in its classes; None for each indicator's
        own first standard.

    Returns
    -------
    `indicator`, `location_id`, `value`, `unit`, `class`, `standard`, `n`, `completeness`, `observed_from`,
    `observed_to`, `evidence`, and behind these `low`, `high`, `p_value`, `provisional`, `reason` and `dataset`.

    Raises
    ------
    UnknownName
        When there is no such standard.
    """
    wanted = standard_named(standard_id) if standard_id is not None else None
    parts = []
    for name, use in uses(region, domain).items():
        standard = wanted or standards().get(use.indicator.standard)
        if standard is None or name not in standard.classes:
            if wanted is not None:
                continue
            standard = None
        try:
            found = measured(region, name).table
        except AlmanacError:
            continue  # told by `broken_data`
        label = standard.label(name, found["value"]) if standard is not None else None
        parts.append(
            found.reset_index().assign(
                **{"indicator": name, "class": label.to_numpy() if label is not None else None},
                standard=standard.id if standard is not None else None,
                **_defence(use.indicator),
                **_decided(use.indicator),
            )
        )
    if not parts:
        return pd.DataFrame({column: [] for column in TABLE})
    return pd.concat(parts, ignore_index=True)[list(TABLE)]


def broken_data(region: Region, domain: Domain | None = None) -> list[AlmanacError]:
    """What is wrong with the data that a region's indicators could not be made from, each error once."""
    found: dict[str, AlmanacError] = {}
    for name in uses(region, domain):
        try:
            found |= {str(error): error for error in measured(region, name).broken}
        except AlmanacError as error:
            found[str(error)] = error
    return list(found.values())


def _use_of_published(region: Region, indicator: Indicator) -> Use:
    """What a published indicator was made from, as far as it is still there: charts and sources are taken from it."""
    assert indicator.published is not None
    carrier = region.dataset(indicator.published.dataset)
    known = {d.id for d in region.datasets if d.columns and d.publication is None}
    made_from = [one.name for one in indicator.published.publication.inputs if one.name in known]
    datasets = tuple(region.dataset(name) for name in made_from) or (carrier,)
    return Use(indicator, datasets, carrier.id if carrier.kind == "layer" else carrier.locations, together=False)


def _uses(region: Region, indicator: Indicator) -> Iterable[Use]:
    needs = set(indicator.needs)
    # What analysts published are results: no indicator takes them for observations.
    if indicator.table == "layer":
        for dataset in region.layers.values():
            if needs <= set(dataset.columns) and dataset.publication is None:
                yield Use(indicator, (dataset,), dataset.id, together=False)
        return
    if indicator.table != "panel":
        return
    groups: dict[tuple[str | None, str], list[Dataset]] = {}
    for dataset in region.panels.values():
        fits = not indicator.steps or dataset.step in indicator.steps
        if fits and needs & set(dataset.columns) and dataset.publication is None:
            groups.setdefault((dataset.locations, dataset.step), []).append(dataset)
    for (locations, _), datasets in groups.items():
        whole = [d for d in datasets if needs <= set(d.columns)]
        chosen = whole or datasets
        if needs <= {column for dataset in chosen for column in dataset.columns}:
            longest = sorted(chosen, key=lambda d: (d.observed_from - d.observed_to, d.id))
            yield Use(indicator, tuple(longest), locations, together=not whole)


def _size(region: Region, dataset: Dataset) -> int:
    try:
        return region.rows(dataset.id)
    except AlmanacError:
        return 0  # told where its numbers are asked for


def _part(
    region: Region, indicator: Indicator, datasets: tuple[Dataset, ...], reference: tuple[int, int] | None
) -> pd.DataFrame:
    table = region.table(datasets[0].id)
    for dataset in datasets[1:]:
        columns = [c for c in dataset.columns if c in indicator.needs and c not in table.columns]
        other = region.table(dataset.id)[["location_id", "time", *columns]]
        table = table.merge(other, on=["location_id", "time"], how="outer")
    # Of a column that several datasets have, the first one's was taken.
    described = {c: d.column(c) for d in reversed(datasets) for c in indicator.needs if c in d.columns}
    parameters: dict[str, Any] = {"reference": reference} if reference is not None else {}
    if indicator.clock:
        parameters["timezone"] = region.timezone
    if isinstance(table, gpd.GeoDataFrame):
        found = measure(indicator.id, table, **parameters)
        found["observed_from"] = pd.Timestamp(datasets[0].observed_from)
        found["observed_to"] = pd.Timestamp(datasets[0].observed_to)
        return found.assign(provisional=np.nan, dataset=datasets[0].id)
    negative, tidal = _negative(table, described)
    if indicator.tidal:
        parameters["tidal"] = tuple(tidal)
        tidal = pd.Index([])
    left_out = negative.union(tidal)
    usable = table[~table["location_id"].isin(left_out)] if len(left_out) else table
    found = measure(indicator.id, usable, **parameters)
    if len(left_out):
        told = _evidence(indicator, table[table["location_id"].isin(left_out)])
        told["reason"] = np.where(told.index.isin(negative), "negative", "tidal")
        found = pd.concat([found, told.reindex(columns=found.columns)])
    return found.assign(provisional=_provisional(table, described), dataset=" ".join(d.id for d in datasets))


def _negative(table: pd.DataFrame, columns: dict[str, Column]) -> tuple[pd.Index, pd.Index]:
    """The places with a negative value where the source rules it out, and those where a river really runs back."""
    impossible, tidal = pd.Index([]), pd.Index([])
    for name, column in columns.items():
        places = pd.Index(table.loc[(table[name] < 0).to_numpy(), "location_id"].unique())
        if column.minimum >= 0:
            impossible = impossible.union(places)
        elif name.startswith("discharge"):
            tidal = tidal.union(places)
    return impossible, tidal.difference(impossible)


def provisional_codes(column: Column) -> list[str]:
    """The qualifiers of values that may still be revised."""
    return [code for code, words in column.flags.items() if words.startswith(_PROVISIONAL)]


def _provisional(table: pd.DataFrame, columns: dict[str, Column]) -> pd.Series:
    """The share of each place's values that may still be revised; NaN where the source has no qualifiers."""
    for name, column in columns.items():
        if column.flag and column.flag in table.columns:
            present = table[table[name].notna()]
            return (
                present[column.flag].isin(provisional_codes(column)).groupby(present["location_id"].astype(str)).mean()
            )
    return pd.Series(dtype=float)


def _evidence(indicator: Indicator, table: pd.DataFrame) -> pd.DataFrame:
    """What there is at each place, whether or not it is enough."""
    if indicator.table == "panel":
        every = tuple(table["location_id"].unique())
        return read(table, *indicator.needs, minimum=indicator.minimum, steps=indicator.steps, tidal=every).evidence
    rows = require(table, *indicator.needs)
    present = rows[list(indicator.needs)].notna().all(axis=1)
    places = rows["location_id"] if "location_id" in rows.columns else rows.index
    by_place = present.groupby(np.asarray(places, dtype=object))
    n = by_place.sum().astype(int)
    return pd.DataFrame(
        {
            "n": n,
            # A layer states one value for each place: none was due at another time.
            "completeness": by_place.mean() if indicator.table == "table" else np.nan,
            "observed_from": pd.NaT,
            "observed_to": pd.NaT,
            "reason": np.where(n < indicator.minimum.values, "values", ""),
        }
    ).rename_axis("location_id")
