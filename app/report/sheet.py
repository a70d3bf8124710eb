"""Place sheets: one page for each place, all that an official needs to defend a number on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar, get_args

import numpy as np
import pandas as pd

from analytics.against_normal import Normal, Yearly, against_normal, yearly_of
from analytics.fan import fan_at
from analytics.finding import Finding, finding, opening
from analytics.indicator import Domain, Indicator
from analytics.latest import latest
from analytics.measure import measured, uses
from analytics.nesting import nesting
from analytics.outlook import Outlook, outlook
from analytics.place import standing
from analytics.place_indicators import OPENS_ON
from app.dataset_words import column_title, series_title, unit_symbol
from app.forecast_words import place_words
from app.indicator_words import (
    SHORT_GRADES,
    class_words,
    completeness_share,
    reason_words,
    short_title,
    trend_words,
    value_words,
    vintage_words,
)
from app.report.blocks import Block, Facts, Figure, Heading, Legend, Page, Table, Text
from app.report.code import link_to
from app.report.map_page import drawing_of
from app.report.numbers import Numbers
from app.report.printed_charts import fan_chart, normal_chart, yearly_chart
from app.report.request import Sizes
from app.report.theme import Theme
from app.report.words import analyst_evidence, layer_facts, map_alt, theme_facts
from app.sentences import standing_words
from app.text import error_in_words, listed, number, percent, period, quantity, said, t, together, when
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError
from geodata.region import Region

# What is left out where a place has more than fits on its page.
_FIGURES = 12
_Shown = TypeVar("_Shown")


class Sheets:
    """The sheets of a region's places, about one theme.

    Everything that is the same on all sheets is read once.

    Parameters
    ----------
    places : of which sheets will be asked.
    dashboard : where the links of the sheets lead.
    """

    def __init__(self, region: Region, theme: Theme, places: Sequence[str], sizes: Sizes, *, dashboard: str) -> None:
        self.places = places
        self.region, self.theme, self.sizes, self.dashboard = region, theme, sizes, dashboard
        self.map = drawing_of(region, theme)
        layers = {d.id for d in region.layers.values() if region.table(d.id).index.isin(places).any()}
        self.alt = map_alt(theme, self.map.symbols)
        self.findings = list(_findings(region, layers, theme))
        self.rows = {f.indicator.id: f.measured.table.to_dict("index") for f in self.findings}
        self.series = [(d, c, latest(region, d, c.name)) for d, c in _series(region, layers, theme)]
        self.series_rows = [found.to_dict("index") for _, _, found in self.series]
        self.names = region.places()["name"].fillna("").astype(str).to_dict()
        self.layers = region.places()["layer"].to_dict()
        self.lies_in, _ = nesting(region)
        self.ranks = {f.indicator.id: _ranks(f.measured.values) for f in self.findings}
        self.subtitle = Text(
            t("{what}, {time} · {region}", what=theme.title, time=theme.period, region=said(region.name)), small=True
        )
        self.method = theme_facts(region, theme)
        self.years: dict[tuple[str, tuple[int, int] | None], dict[str, Yearly]] = {}
        self.outlooks: dict[str, Outlook | AlmanacError] = {}

    def page(self, place: str, numbers: Numbers) -> Page:
        """The sheet of one place; what is printed on it is added to the numbers."""
        name = self.names.get(place) or place
        facts, used = self._facts(place, numbers)
        charts, notes = self._charts(place, numbers)
        return Page(
            "sheet",
            {
                "lead": (Heading(name, 1, anchor=f"place-{place}"), self.subtitle, *self._answer(place)),
                "map": (self._map(place, name),) if place in self.map.ids else (),
                "legend": self._legend(place),
                "aside": (
                    Heading(t("Gaps")),
                    Text(self._gaps(place), small=True),
                    link_to(self.dashboard, "place", self.region, place=place),
                ),
                "facts": (facts,),
                "charts": charts,
                "notes": (
                    *notes,
                    Heading(t("Method and uncertainty")),
                    Facts(self.method),
                ),
                "sources": (Heading(t("Sources")), Facts(tuple(self._sources(used)))),
            },
        )

    def _sources(self, used: Sequence[Dataset]) -> list[tuple[str, str]]:
        """From whom the numbers of a sheet are, those of its theme first and with all that is behind them."""
        first = self.theme.named
        return [*layer_facts(first), *layer_facts((d for d in used if d not in first), room=False)]

    def _answer(self, place: str) -> Iterator[Block]:
        theme = self.theme
        if place not in theme.values.index:
            kind = t("“{what}” is not measured at this kind of place.", what=theme.title)
            yield Text(kind, strong=True)
            return
        value = float(theme.values[place])
        if np.isfinite(value):
            words = [t("{what}: {value}, {time}.", what=theme.title, value=self._told(place), time=theme.period)]
            among = standing(value, theme.values)
            if theme.finding is not None and (label := class_words(theme.finding, place)):
                words.append(t("Class: {label}.", label=label))
            if among is not None:
                words.append(standing_words(among))
        elif theme.finding is not None:
            words = [
                t("{what}: no data.", what=theme.title),
                reason_words(theme.finding.indicator, theme.finding.measured.table.loc[place]),
            ]
        else:
            words = [t("{what}: no data.", what=theme.title)]
        yield Text(together(words), strong=True)

    def _told(self, place: str) -> str:
        if self.theme.finding is not None:
            return value_words(self.theme.finding.indicator, self._row(self.theme.finding, place))
        return quantity(float(self.theme.values[place]), self.theme.unit)

    def _row(self, found: Finding, place: str) -> Any:
        return self.rows[found.indicator.id][place]

    def _map(self, place: str, name: str) -> Figure:
        width, height = self.sizes.map
        drawn = self.map.around(place, width, height)
        here = t("{place}: {value}.", place=name, value=quantity(float(self.theme.values[place]), self.theme.unit))
        return Figure(f"map-{place}", drawn.svg, together([here, self.alt]), width, height)

    def _legend(self, place: str) -> tuple[Block, ...]:
        legend = Legend(
            t("{what}, {time}", what=self.theme.titled, time=self.theme.period),
            self.map.symbols,
            (t("No."), t("Class"), t("Places")),
            points=self.map.points,
        )
        crs = t("Drawn in {crs}; the ticks are degrees of WGS 84.", crs=self.region.crs_metric)
        return (legend, Text(crs, small=True), *self._surroundings(place))

    def _surroundings(self, place: str) -> Iterator[Block]:
        kind = said(self.region.dataset(self.layers[place]).title) if self.layers.get(place) else ""
        areas = [self.names.get(a, a) for a in self.lies_in.get(place, ())]
        words = [t("{kind}; id {id}.", kind=kind, id=place)]
        if areas:
            words.append(t("Lies in {areas}.", areas=listed(areas)))
        yield Text(together(words), small=True)

    def _facts(self, place: str, numbers: Numbers) -> tuple[Table, list[Dataset]]:
        """Every number known of the place, with its class or rank, its time, its completeness and its evidence."""
        name = self.names.get(place, place)
        here = [(f, row) for f in self.findings if (row := self.rows[f.indicator.id].get(place)) is not None]
        known = [(f, row) for f, row in here if not row["reason"]]
        # What an analyst published as an indicator is told as one, and not once more as a value.
        as_indicators = {f.indicator.published.dataset for f, _ in here if f.indicator.published is not None}
        published = [
            (d, c, row)
            for (d, c, _), told in zip(self.series, self.series_rows, strict=True)
            if (row := told.get(place)) is not None and d.id not in as_indicators
        ]
        rows, used = [], []
        known, room = _that_fit(known, [f.indicator.published is not None for f, _ in known], _FIGURES)
        for found, row in known:
            rows.append(self._indicator_row(found, place, row))
            numbers.add_indicator(place, name, found, row, self._rank(found, place))
            if found.indicator.published is not None:
                used.append(self.region.dataset(found.indicator.published.dataset))
            used += [d for d in found.measured.use.datasets if d.id in str(row["dataset"]).split()]
        published, room = _that_fit(published, [d.publication is not None for d, _, _ in published], room)
        for dataset, column, row in published:
            rows.append(_value_row(self.region, dataset, column, row))
            numbers.add_value(place, name, dataset, column, row)
            used.append(dataset)
        # What cannot be said comes last, as far as there is room.
        for found, row in [(f, row) for f, row in here if row["reason"]][:room]:
            rows.append(self._indicator_row(found, place, row))
            numbers.add_indicator(place, name, found, row)
        table = Table(
            (t("Figure"), t("Value"), t("Class or rank"), t("Observed"), t("Values; complete"), t("Evidence")),
            tuple(rows),
            widths=(1.5, 1.6, 1.1, 1.4, 0.9, 0.8),
        )
        return table, list(dict.fromkeys(used))

    def _indicator_row(self, found: Finding, place: str, row: Mapping[str, Any]) -> tuple[str, ...]:
        indicator, rank = found.indicator, self._rank(found, place)
        told = ""
        if not row["reason"]:
            told = class_words(found, place) or (_rank_words(*rank) if rank is not None else "")
        share = t("{n}; {share}", n=number(row["n"], decimals=0), share=completeness_share(row)) if row["n"] else ""
        return (
            short_title(indicator),
            value_words(indicator, row) if not row["reason"] else reason_words(indicator, row),
            told,
            vintage_words(row),
            share,
            _evidence_words(indicator) if not row["reason"] else "",
        )

    def _rank(self, found: Finding, place: str) -> tuple[float, int] | None:
        """The rank of a place by an indicator, 1 for the highest, and among how many; None without another."""
        ranks, of = self.ranks[found.indicator.id]
        return (ranks[place], of) if of > 1 and place in ranks else None

    def _charts(self, place: str, numbers: Numbers) -> tuple[tuple[Figure, ...], list[Block]]:
        """The place's series against its normal or by year, and what is expected next."""
        series = self._series_of(place)
        if series is None:
            return (), [
                Text(t("No series is known of this place, so none is drawn and nothing is forecast."), small=True)
            ]
        dataset, column = self.region.series(series)
        notes: list[Block] = []
        figures: list[Figure] = []
        width, height = self.sizes.chart
        against = self._against(place, dataset, column, self.theme.reference if series == self.theme.series else None)
        title = column_title(column)
        if isinstance(against, Normal):
            svg = normal_chart(against, title=title, width=width, height=height)
            words = t(
                "{what} against what is normal for the time of the year, from {n} years ({first} to {last}).",
                what=said(column.title), n=number(against.years, decimals=0),
                first=str(against.reference[0]), last=str(against.reference[1]),
            )  # fmt: skip
            figures.append(_chart(f"series-{place}", svg, words, width, height))
            numbers.add_series(place, series, against.series, "observed")
        elif isinstance(against, Yearly):
            svg = yearly_chart(against, title=title, width=width, height=height)
            first, last = int(against.years[0]), int(against.years[-1])
            words = t("{what} by year, {first} to {last}.", what=said(column.title), first=str(first), last=str(last))
            words = together([words, trend_words(against.trend, unit_symbol(column))])
            figures.append(_chart(f"series-{place}", svg, words, width, height))
            years = against.years.astype(str).astype("datetime64[us]")
            numbers.add_series(place, series, pd.DataFrame({"time": years, "value": against.values}), "yearly")
        found = self._outlook(series)
        if isinstance(found, AlmanacError):
            what = error_in_words(found)[0]
            notes += [Heading(t("What is likely next")), Text(together([t("No forecast is made."), what]))]
        elif place in found.history.places:
            fan = fan_at(found, place)
            if fan.fan["mean"].notna().any():
                svg = fan_chart(
                    fan, title=title, step=found.history.step, timezone=self.region.clock(found.history.step),
                    width=width, height=height,
                )  # fmt: skip
                words = place_words(found, self.region, place)
                figures.append(_chart(f"forecast-{place}", svg, words, width, height))
                numbers.add_forecast(place, series, fan.fan)
                numbers.add_expected(place, self.names.get(place, place), dataset, column, fan.fan)
        return tuple(figures), notes

    def _series_of(self, place: str) -> str | None:
        """The series that is drawn: the theme's where the place has it, else the first of those that it has."""
        mine = [
            f"{d.id}.{c.name}"
            for (d, c, _), told in zip(self.series, self.series_rows, strict=True)
            if place in told and d.kind == "panel" and told[place]["n"] > 1
        ]
        return self.theme.series if self.theme.series in mine else next(iter(mine), None)

    def _against(
        self, place: str, dataset: Dataset, column: Column, reference: tuple[int, int] | None
    ) -> Normal | Yearly | None:
        for name in _measuring(self.region, dataset, column):
            seen = measured(self.region, name)
            if place in seen.table.index:
                normal = against_normal(self.region, seen, place, reference=reference)
                return normal or self._by_year(name, reference).get(place)
        return None

    def _by_year(self, indicator: str, reference: tuple[int, int] | None) -> dict[str, Yearly]:
        if (indicator, reference) not in self.years:
            seen = measured(self.region, indicator)
            here = [p for p in self.places if p in seen.table.index]
            self.years[indicator, reference] = yearly_of(self.region, seen, here, reference=reference)
        return self.years[indicator, reference]

    def _outlook(self, series: str) -> Outlook | AlmanacError:
        if series not in self.outlooks:
            try:
                self.outlooks[series] = outlook(self.region, series)
            except AlmanacError as error:
                self.outlooks[series] = error
        return self.outlooks[series]

    def _gaps(self, place: str) -> str:
        rows = [
            (c, told[place]) for (_, c, _), told in zip(self.series, self.series_rows, strict=True) if place in told
        ]
        # Several datasets may have a column of the same title: what one of them tells is known.
        known = {c.title for c, _ in rows}
        lacking = dict.fromkeys(
            said(c.title) for (d, c, _), told in zip(self.series, self.series_rows, strict=True)
            if place not in told and d.locations == self.layers.get(place) and c.title not in known
        )  # fmt: skip
        words = []
        gappy = [(c, row) for c, row in rows if pd.notna(row["completeness"]) and row["completeness"] < 1]
        if gappy:
            told_gaps = [t("{what} ({n})", what=said(c.title), n=percent(1 - row["completeness"])) for c, row in gappy]
            words.append(t("Missing within the record: {gaps}.", gaps=listed(told_gaps)))
        if lacking:
            words.append(t("Nothing is known here of: {what}.", what=listed(lacking)))
        return together(words) or t("No value is missing within the time that each series covers.")


def _that_fit(figures: Sequence[_Shown], analysts: Sequence[bool], room: int) -> tuple[list[_Shown], int]:
    """The first figures that there is room for, and how much is left; those of analysts say more and count twice."""
    kept = []
    for figure, of_analyst in zip(figures, analysts, strict=True):
        needed = 2 if of_analyst else 1
        if needed <= room:
            kept.append(figure)
            room -= needed
    return kept, room


def _chart(name: str, svg: str, words: str, width: float, height: float) -> Figure:
    """A chart whose caption says in words what it shows."""
    return Figure(name, svg, t("Chart. {words}", words=words), width, height, caption=words)


def _value_row(region: Region, dataset: Dataset, column: Column, row: Mapping[str, Any]) -> tuple[str, ...]:
    timed = pd.notna(row["time"])
    share = percent(row["completeness"], decimals=1) if pd.notna(row["completeness"]) else t("no fixed step")
    return (
        series_title(dataset, column),
        quantity(row["value"], unit_symbol(column)),
        _rank_words(row["rank"], row["of"]) if pd.notna(row["rank"]) and row["of"] > 1 else "",
        when(row["time"].tz_convert(region.clock(dataset.step)), dataset.step)
        if timed
        else period(dataset.observed_from, dataset.observed_to),
        t("{n}; {share}", n=number(row["n"], decimals=0), share=share) if timed else "1",
        t("as published") if dataset.publication is None else analyst_evidence(dataset.publication),
    )


def _evidence_words(indicator: Indicator) -> str:
    """How well the formula is proven; of an analyst's indicator, that it is one."""
    if indicator.published is not None:
        return analyst_evidence(indicator.published.publication)
    return said(SHORT_GRADES[indicator.evidence.grade])


def _ranks(values: pd.Series) -> tuple[dict[str, float], int]:
    """The rank of every place with a value, 1 for the highest, and of how many."""
    known = values.dropna()
    return known.rank(ascending=False, method="min").to_dict(), len(known)


def _rank_words(rank: float, of: int) -> str:
    return t("rank {rank} of {n}", rank=number(rank, decimals=0), n=number(of, decimals=0))


def _findings(region: Region, layers: AbstractSet[str], theme: Theme) -> Iterator[Finding]:
    """The indicators of all domains that the places of some layers may have, each domain's most telling first.

    That of the theme is seen as its map sees it.
    """
    for domain in get_args(Domain):
        here = uses(region, domain)
        if not any(use.locations in layers for use in here.values()):
            continue
        for name in opening(region, domain, OPENS_ON[domain]):
            if here[name].locations not in layers:
                continue
            try:
                yield theme.finding if theme.finding is not None and theme.name == name else finding(region, name)
            except AlmanacError:
                continue  # told on the domain's page


def _series(region: Region, layers: AbstractSet[str], theme: Theme) -> Iterator[tuple[Dataset, Column]]:
    """The series that the places of some layers may have: the theme's and the region's headlines first."""
    asked = () if theme.finding is not None else (theme.name,)
    named = [region.series(name) for name in dict.fromkeys((*asked, region.opens_on, *region.headlines))]
    # What was approved by name is wanted: it is not to be what is left out for want of room.
    datasets = sorted(region.datasets, key=lambda d: d.publication is None)
    rest = [(d, c) for d in datasets for c in d.columns.values()]
    seen: set[tuple[str, str]] = set()
    for dataset, column in [*named, *rest]:
        where = dataset.id if dataset.kind == "layer" else dataset.locations
        unplaced = where is None and not layers
        if (where in layers or unplaced) and (dataset.id, column.name) not in seen:
            seen.add((dataset.id, column.name))
            yield dataset, column


def _measuring(region: Region, dataset: Dataset, column: Column) -> list[str]:
    """The indicators that are made from a column of a dataset."""
    return [
        name
        for name, use in uses(region).items()
        if use.indicator.table == "panel" and use.indicator.needs[0] == column.name and dataset in use.datasets
    ]
