"""What the map of a report shows: an indicator or a series at all its places, in classes, with what defends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import geopandas as gpd
import numpy as np
import pandas as pd

from analytics.classes import Classes, class_breaks
from analytics.cube import Cube, cube, mapped_layer
from analytics.finding import Finding, finding, opening
from analytics.indicator import Domain
from analytics.indicators import INDICATORS
from analytics.measure import indicator_of, uses
from analytics.place_indicators import OPENS_ON
from app.dataset_words import column_title, series_title, unit_symbol
from app.indicator_words import NO_STANDARD, age_words, chosen_unit, short_title, unit_words
from app.publication_words import marked
from app.text import period, t, when
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError, UnknownName
from geodata.publication import Publication
from geodata.region import Region
from geodata.search import nearest

# A page of a fixed length has room for so many datasets behind an analyst's result.
FEW = 3


@dataclass(frozen=True, eq=False)
class Theme:
    """One map's worth of numbers.

    name : what was asked for: an indicator, or a series as `dataset.column`
    title, titled, unit : as the reader writes them; `titled` is the title with the unit
    layer : the places that could have a value, with `name`
    values : by `location_id`
    classes : those of the screen
    period : the time that the values are of, in words
    now : what is meant by it where places end at different times; "" else
    datasets : from which the numbers were made; of an analyst's result this itself first, then what is behind it
    finding : the indicator with its evidence, seen through the standard asked for; None for a series
    shown, at : the series at all steps, and which of them is shown; None and 0 for an indicator
    series : the series behind it, as `dataset.column`; "" where there is none
    """

    name: str
    title: str
    titled: str
    unit: str
    layer: gpd.GeoDataFrame
    values: pd.Series
    classes: Classes
    period: str
    now: str
    datasets: tuple[Dataset, ...]
    finding: Finding | None
    shown: Cube | None
    at: int
    series: str

    @property
    def made(self) -> str:
        """What was done to a series to fill the step that is shown: "" for nothing, "mean", "sum", "last"."""
        return self.shown.made if self.shown is not None else ""

    @property
    def reference(self) -> tuple[int, int] | None:
        """The years on which an indicator is fitted; None for all of them, or where nothing is."""
        return self.finding.measured.reference if self.finding is not None else None

    @property
    def named(self) -> tuple[Dataset, ...]:
        """The datasets for a page of a fixed length: of an analyst's result that was made from many, that alone."""
        return self.datasets[:1] if self.analyst is not None and len(self.datasets) > 1 + FEW else self.datasets

    @property
    def analyst(self) -> Publication | None:
        """Who published it and from what, where it is an analyst's result."""
        return self.datasets[0].publication

    @property
    def known(self) -> pd.Series:
        """The values that there are."""
        return self.values[np.isfinite(self.values)]


def themes(region: Region) -> dict[str, str]:
    """What reports of a region can be about, the one to begin with first: names and titles."""
    found: dict[str, str] = {}
    for name in dict.fromkeys((region.opens_on, *region.headlines)):
        dataset, column = region.series(name)
        if dataset in region.mappable():
            found[name] = column_title(column)
    for indicator, use in uses(region).items():
        if use.locations is not None:
            found[indicator] = chosen_unit(use.indicator)
    return found


def printable(region: Region, theme: Theme | None = None) -> Region:
    """The region as reports print it: without results of analysts that nobody has approved.

    That which is itself the theme stays, since it was asked for: it is printed with its mark.
    """
    own = theme.datasets[0].id if theme is not None else ""
    datasets = tuple(
        d for d in region.datasets if d.publication is None or d.publication.approved is not None or d.id == own
    )
    # Where nothing is left out, what was made for the pages of the dashboard serves the report too.
    return region if datasets == region.datasets else replace(region, datasets=datasets)


def theme_of(
    region: Region,
    name: str | None = None,
    *,
    standard: str = "",
    reference: tuple[int, int] | None = None,
    step: str = "",
    time: str = "",
) -> Theme:
    """What a map of this name shows.

    Parameters
    ----------
    name : an indicator, a series as `dataset.column`, or a domain, which stands for the indicator that its page opens
        on; None for the series that the region opens on.
    standard, reference : of an indicator, as in `app.report.request.Request`
    step, time : of a series, as there

    Raises
    ------
    UnknownName
        When there is nothing of this name, no such standard, or no step that starts then; a near-miss is named.
    AlmanacError
        When the region has no data for it, its places have no position, or it has none of what is asked of it.
    """
    wanted = name or region.opens_on
    if wanted in get_args(Domain):
        domain: Domain = next(d for d in get_args(Domain) if d == wanted)
        # Who names a domain has not asked for what nobody approved.
        relied_on = printable(region)
        first = opening(relied_on, domain, OPENS_ON[domain]) if uses(relied_on, domain) else []
        if not first:
            raise AlmanacError(
                "The region {region} has no data for the domain “{domain}”.",
                hint="Choose one of: {known}.",
                region=region.name,
                domain=wanted,
                known=tuple(themes(region)),
            )
        wanted = first[0]
    if wanted in INDICATORS or wanted in uses(region):
        _refuse_of_indicator(region, wanted, reference, step or time)
        return _of_indicator(region, wanted, standard, reference)
    if "." in wanted:
        found = region.series(wanted)
        if standard or reference is not None:
            raise AlmanacError(
                "“{theme}” is a series, and only indicators have a standard and a reference period.",
                hint="Leave these out, or choose an indicator.",
                theme=wanted,
            )
        return _of_series(region, *found, step, time)
    known = [*get_args(Domain), *themes(region)]
    near = nearest(wanted, known)
    raise UnknownName(
        "There is no theme “{theme}”.",
        hint="Did you mean “{near}”?" if near else "Choose one of: {known}.",
        theme=wanted,
        near=near,
        known=tuple(known),
    )


def _refuse_of_indicator(region: Region, name: str, reference: tuple[int, int] | None, moment: str) -> None:
    if moment:
        raise AlmanacError(
            "“{theme}” is an indicator, and only series are shown at a step or time.",
            hint="Leave these out, or choose a series.",
            theme=name,
        )
    if reference is not None and not indicator_of(region, name).fitted:
        raise AlmanacError(
            "“{theme}” is not fitted on years, so that it has no reference period.",
            hint="Leave the reference period out, or choose another indicator.",
            theme=name,
        )


def _of_indicator(region: Region, name: str, standard: str, reference: tuple[int, int] | None) -> Theme:
    found = finding(region, name, "" if standard == NO_STANDARD else standard or None, reference)
    table = found.measured.table
    if not found.measured.known:
        raise AlmanacError(
            "No place of {region} has enough data for “{indicator}”.",
            hint="Choose another theme; the Standards page tells what each indicator needs.",
            region=region.name,
            indicator=name,
        )
    layer = found.measured.layer(region)
    ends = table.loc[table["value"].notna(), ["observed_from", "observed_to"]].dropna()
    told = period(ends["observed_from"].min(), ends["observed_to"].max()) if len(ends) else ""
    needed = found.indicator.needs[0] if found.indicator.table == "panel" else ""
    used = found.measured.use.datasets
    dataset = next((d for d in used if needed in d.columns), None)
    published = found.indicator.published
    return Theme(
        name=name,
        title=short_title(found.indicator),
        titled=chosen_unit(found.indicator),
        unit=unit_words(found.indicator),
        layer=layer,
        values=found.measured.values.reindex(layer.index),
        classes=found.classes,
        period=told,
        now=age_words(table) if found.indicator.latest else "",
        datasets=used if published is None else _behind(region, region.dataset(published.dataset)),
        finding=found,
        shown=None,
        at=0,
        series=f"{dataset.id}.{needed}" if dataset is not None else "",
    )


def _of_series(region: Region, dataset: Dataset, column: Column, step: str, time: str) -> Theme:
    layer = mapped_layer(region, dataset)
    all_of_it = cube(region, dataset.id, column.name, step or None)
    at = _at(all_of_it, time, f"{dataset.id}.{column.name}") if time else all_of_it.latest_full()
    values = all_of_it.at(at)
    if not np.isfinite(values).any():
        raise AlmanacError(
            "No place of {region} has a value of {series}.",
            hint="Choose another theme; the Data page tells what each dataset holds.",
            region=region.name,
            series=f"{dataset.id}.{column.name}",
        )
    if len(all_of_it.times):
        told = when(all_of_it.times[at], all_of_it.step)
    else:
        told = period(dataset.observed_from, dataset.observed_to)
    if all_of_it.made in ("mean", "sum"):
        told = t("{time} (mean)", time=told) if all_of_it.made == "mean" else t("{time} (sum)", time=told)
    return Theme(
        name=f"{dataset.id}.{column.name}",
        title=series_title(dataset, column),
        titled=marked(column_title(column), dataset.publication),
        unit=unit_symbol(column),
        layer=layer,
        values=values,
        classes=class_breaks(all_of_it.values, method="diverging" if column.scale == "diverging" else "quantile"),
        period=told,
        now="",
        datasets=_behind(region, dataset),
        finding=None,
        shown=all_of_it,
        at=at,
        series=f"{dataset.id}.{column.name}" if dataset.kind == "panel" else "",
    )


def _behind(region: Region, dataset: Dataset) -> tuple[Dataset, ...]:
    """A dataset, and after one that an analyst published what of the region it was made from."""
    made_from = {one.name for one in dataset.publication.inputs} if dataset.publication is not None else set()
    return (dataset, *(d for d in region.datasets if d.id in made_from - {dataset.id}))


def _at(shown: Cube, time: str, series: str) -> int:
    """Which step of a series starts at a time."""
    if not len(shown.times):
        raise AlmanacError(
            "{series} has one value for each place, and no time.", hint="Leave the time out.", series=series
        )
    moment = pd.to_datetime(time, errors="coerce")
    if pd.notna(moment) and moment.tzinfo is None and moment in shown.times:
        return int(shown.times.get_loc(moment))
    near = ""
    if pd.notna(moment) and moment.tzinfo is None:
        near = shown.times[shown.times.get_indexer([moment], method="nearest")[0]].isoformat()
    raise UnknownName(
        "No step of {series} starts at “{time}”.",
        hint="Did you mean “{near}”?" if near else "Give the start of a step, from {first} to {last}.",
        series=series,
        time=time,
        near=near,
        first=shown.times[0].isoformat(),
        last=shown.times[-1].isoformat(),
    )
