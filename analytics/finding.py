"""What an indicator finds in a region: values in their classes, what another standard changes, where they cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import shapely

from analytics.classes import Classes, class_breaks
from analytics.indicator import Domain, Indicator
from analytics.indicators import INDICATORS
from analytics.measure import Measured, indicator_of, measured, uses
from analytics.standard import Standard, compare, standard_named, standards_of
from geodata.errors import AlmanacError, UnknownName
from geodata.region import Region

# So many at least; where a single place could not stand out with these, more, up to what takes a few seconds.
_PERMUTATIONS, _MOST_PERMUTATIONS = 999, 9_999


@dataclass(frozen=True, eq=False)
class Finding:
    """An indicator in a region, seen through one standard.

    standard : whose classes it wears; None where they are made from the values themselves
    classes : the classes of the map
    labels : the name of each place's class; missing without a value or a standard
    changed : the places whose class has another name in the standard that the indicator wears first: `here`, `first`
    concerned : how many places are in a class in which the standard sees a problem; None without a standard
    sure : for values with an interval, whether it keeps to one side of zero; missing elsewhere
    standing : how many of those with a p-value keep their direction after control for testing many places at once
        (Benjamini and Hochberg, 5 %); None where nothing is tested
    """

    measured: Measured
    standard: Standard | None
    classes: Classes
    labels: pd.Series
    changed: pd.DataFrame
    concerned: int | None
    sure: pd.Series
    standing: int | None

    @property
    def indicator(self) -> Indicator:
        """What was measured."""
        return self.measured.indicator

    @property
    def low_first(self) -> bool:
        """Whether the low end is the one to look at first: it is the worse one, or the standard's first concern."""
        if self.indicator.better != "neither":
            return self.indicator.better == "higher"
        own = self.standard.classes[self.indicator.id] if self.standard is not None else None
        if own is not None and own.concern:
            return own.labels.index(own.concern[0]) < len(own.labels) / 2
        return self.indicator.first == "low"

    def ranked(self, *, other_end: bool = False) -> pd.DataFrame:
        """The places with a value, those to look at first in front, or those of the other end."""
        present = self.measured.table[self.measured.table["value"].notna()]
        return present.sort_values("value", ascending=self.low_first != other_end, kind="stable")

    def of_concern(self) -> dict[str, pd.DataFrame]:
        """The places in each class in which the standard sees a problem, by the class's name, worst first."""
        if self.standard is None:
            return {}
        own = self.standard.classes[self.indicator.id]
        # Where too little and too much are both a problem, each end has its own worst.
        both = {own.labels[0], own.labels[-1]} <= set(own.concern)
        found = {}
        for label in own.concern:
            high = own.labels.index(label) >= len(own.labels) / 2
            ranked = self.ranked(other_end=both and high == self.low_first)
            found[label] = ranked[self.labels.reindex(ranked.index) == label]
        return found


@dataclass(frozen=True)
class Lacking:
    """An indicator that a region has no data for, and the columns that it would need."""

    indicator: Indicator
    needs: tuple[str, ...]


def opening(region: Region, domain: Domain, order: Sequence[str]) -> list[str]:
    """The indicators of a domain that the region has data for, the one to begin with in front.

    Parameters
    ----------
    order : the ids to begin with, the most telling first; one without a value anywhere is passed over.
    """
    here = uses(region, domain)
    first = next((i for i in order if i in here and _known(region, i)), None)
    # What analysts published is looked for because it is new: it stands where it is found.
    rest = sorted((i for i in here if i != first), key=lambda i: here[i].indicator.published is None)
    return [*([first] if first else []), *rest]


def _known(region: Region, indicator_id: str) -> int:
    try:
        return measured(region, indicator_id).known
    except AlmanacError:
        return 0  # told where the indicator itself is asked for


def lacking(region: Region, domain: Domain) -> list[Lacking]:
    """The indicators of a domain that the region has no data for."""
    here = uses(region, domain)
    return [Lacking(i, i.needs) for i in INDICATORS.values() if i.domain == domain and i.id not in here]


def compared(region: Region) -> list[str]:
    """The indicators that have a value here and classes in more than one standard, the most disputed first."""
    known = [i for i in uses(region) if len(standards_of(i)) > 1 and _known(region, i)]
    return sorted(known, key=lambda i: -len(compare(i, measured(region, i).values).disagreed))


@lru_cache(maxsize=64)
def finding(
    region: Region, indicator_id: str, standard_id: str | None = None, reference: tuple[int, int] | None = None
) -> Finding:
    """An indicator in a region, seen through a standard.

    Parameters
    ----------
    standard_id : None for the standard that the indicator wears first, "" for classes made from the values.
    reference : the first and last year on which what is normal is fitted.

    Raises
    ------
    UnknownName
        When there is no such indicator or standard here.
    """
    indicator = indicator_of(region, indicator_id)
    found = measured(region, indicator_id, reference=reference)
    if standard_id is None:
        standard = standards_of(indicator_id).get(indicator.standard)
    else:
        standard = standard_named(standard_id) if standard_id else None
        if standard is not None and indicator_id not in standard.classes:
            raise UnknownName(
                "The standard {standard} has no classes for “{indicator}”.",
                hint="Choose one of: {known}.",
                standard=standard.title,
                indicator=indicator_id,
                known=tuple(standards_of(indicator_id)) or ("—",),
            )
    values = found.values
    none = pd.Series(None, index=values.index, dtype=object)
    labels, changed, concerned = none, pd.DataFrame({"here": [], "first": []}), None
    if standard is not None:
        classes = standard.of(indicator_id)
        labels = standard.label(indicator_id, values)
        concerned = int(labels.isin(standard.classes[indicator_id].concern).sum())
        own = standards_of(indicator_id).get(indicator.standard, standard)
        if standard.id != own.id:
            first = own.label(indicator_id, values)
            differs = labels.notna() & (labels != first)
            changed = pd.DataFrame({"here": labels[differs], "first": first[differs]})
    else:
        both_sides = bool((values < 0).any() and (values > 0).any())
        classes = class_breaks(values, method="diverging" if both_sides else "quantile")
    return Finding(found, standard, classes, labels, changed, concerned, _sure(found.table), _standing(found.table))


def _standing(table: pd.DataFrame) -> int | None:
    p_values = np.sort(table["p_value"].dropna().to_numpy(float))
    if not len(p_values):
        return None
    passed = np.flatnonzero(p_values <= 0.05 * np.arange(1, len(p_values) + 1) / len(p_values))
    return int(passed[-1]) + 1 if len(passed) else 0


def _sure(table: pd.DataFrame) -> pd.Series:
    known = table["low"].notna() & table["high"].notna()
    return ((table["low"] > 0) | (table["high"] < 0)).where(known)


@lru_cache(maxsize=32)
def clusters_of(region: Region, indicator_id: str, reference: tuple[int, int] | None = None) -> pd.DataFrame:
    """Where places with high or low values lie together, more than chance would have it.

    With at least 999 permutations, and so many more that a single place could stand out, up to 9,999.

    Returns
    -------
    By `location_id`, as `analytics.spatial_statistics.clusters`: `kind` and `p_value` among others. Where fewer than
    ten places have a value, every kind is "no data".

    Raises
    ------
    AlmanacError
        When the places have no position.
    """
    # esda and libpysal take a second to import, which only those who ask for clusters should wait for.
    from analytics.spatial_statistics import clusters, enough_permutations, neighbours

    seen = measured(region, indicator_id, reference=reference)
    values, layer = seen.values, seen.layer(region)
    if (shapely.get_dimensions(layer.geometry.to_numpy()) == 0).all():
        # The nearest points that have a value are neighbours; areas are so only where they touch, known or not.
        layer = layer[layer.index.isin(values.dropna().index)]
    known = int(values.notna().sum())
    permutations = min(max(_PERMUTATIONS, enough_permutations(max(known, 1))), _MOST_PERMUTATIONS)
    found = clusters(values.reindex(layer.index), neighbours(layer, region.crs_metric), permutations=permutations)
    return found.reindex(values.index).assign(kind=found["kind"].astype(object).reindex(values.index).fillna("no data"))
