"""The brief: a region and a theme on a few pages for a decision maker: what happens, is likely and is not sure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from analytics.fan import fan_at
from analytics.glance import glance
from analytics.outlook import Outlook, first_place, outlook, sees_ahead_of
from analytics.standard import compare, standards_of
from app import forecast_words
from app.dataset_words import column_title, dataset_title, unit_symbol
from app.glance_words import key_figure_words, seen_words
from app.indicator_words import disagreement_words, value_words
from app.report.blocks import Block, Facts, Figure, Heading, Page, Table, Text
from app.report.map_page import (
    BLANK,
    add_numbers,
    drawing_of,
    first_that_fits,
    gaps,
    legend,
    period_words,
    ranked,
    ranking,
    sources,
    theme_answer,
    theme_link,
    whole_alt,
)
from app.report.numbers import Numbers
from app.report.printed_charts import fan_chart
from app.report.request import Sizes
from app.report.symbology import symbol_of
from app.report.theme import Theme
from app.report.words import theme_facts
from app.text import error_in_words, listed, number, quantity, said, t, tn, together
from geodata.errors import AlmanacError
from geodata.region import Region

_RANKED, _DISPUTED = 5, 8
# How high the fan is for its width, and how high the map may be: the first that leaves all that happens on one page.
_FAN, _MAPS = 0.33, (0.75, 0.7, 0.65, 0.6, 0.56, 0.52, 0.48, 0.44)


def brief_pages(region: Region, theme: Theme, sizes: Sizes, numbers: Numbers, *, dashboard: str) -> tuple[Page, ...]:
    """The pages of a brief; the numbers of its map, key figures and forecast are added to the numbers.

    Parameters
    ----------
    dashboard : where its link leads.
    """
    add_numbers(region, theme, numbers)
    found = _outlook(region, theme)
    happening = _happening(region, theme, sizes)
    rest = (
        *_likely(region, theme, found, sizes, numbers),
        *_uncertain(region, theme, found),
        *_decision(theme),
        *_method(region, theme, found, dashboard),
    )
    for figure in glance(region).figures:
        numbers.add_key_figure(region, figure)
    return happening, Page("flow", {"body": rest})


def _outlook(region: Region, theme: Theme) -> Outlook | AlmanacError | None:
    """What is expected of the theme's series, why nothing is, or None where there is no series."""
    if not theme.series:
        return None
    try:
        return outlook(region, theme.series)
    except AlmanacError as error:
        return error


def _happening(region: Region, theme: Theme, sizes: Sizes) -> Page:
    drawing = drawing_of(region, theme)
    width, _ = sizes.region
    shown = Figure("map-region", BLANK, whole_alt(region, theme, drawing), width, width)
    before: tuple[Block, ...] = (
        Heading(t("{region}: {what}", region=said(region.name), what=theme.title), 1, anchor="brief"),
        Text(period_words(theme)),
        Heading(t("What is happening")),
        Text(theme_answer(region, theme), strong=True),
    )
    after: list[Block] = [*legend(region, theme, drawing), ranking(theme, drawing.symbols, _RANKED)]
    if figures := glance(region).figures:
        after.append(
            Table(
                (t("Key figure"), t("Value"), t("Of which places and time")),
                tuple(
                    (said(f.column.title), quantity(f.value, unit_symbol(f.column)), key_figure_words(f))
                    for f in figures
                ),
                right=(1,),
                widths=(1.2, 0.8, 2.0),
                caption=t("Key figures of the region"),
            )
        )

    def page(figure: Figure) -> Page:
        return Page("flow", {"body": (*before, figure, *after)})

    tried = [replace(shown, height=round(width * share)) for share in _MAPS]
    chosen = tried[first_that_fits([page(one) for one in tried], sizes)]
    return page(replace(chosen, svg=drawing.whole(chosen.width, chosen.height).svg))


def _likely(
    region: Region, theme: Theme, found: Outlook | AlmanacError | None, sizes: Sizes, numbers: Numbers
) -> Iterator[Block]:
    yield Heading(t("What is likely"))
    if found is None:
        yield Text(t("Nothing is forecast: this figure has no series behind it that goes on in time."))
        return
    if isinstance(found, AlmanacError):
        what, _ = error_in_words(found)
        yield Text(together([t("No forecast is made."), what]))
        return
    what = said(found.column.title)
    if theme.finding is not None:
        yield Text(t("What is forecast is the series from which the figure is made: {what}.", what=what))
    yield Text(forecast_words.answer(found, region), strong=True)
    yield Text(forecast_words.quality_answer(found))
    place = _shown_place(theme, found)
    fan = fan_at(found, place)
    if not fan.fan["mean"].notna().any():
        return
    name = str(region.places()["name"].get(place, place)) or place
    width, _ = sizes.region
    height = round(width * _FAN)
    step = found.history.step
    svg = fan_chart(
        fan, title=column_title(found.column), step=step, timezone=region.clock(step), width=width, height=height
    )
    words = together(
        [
            t("{what} in {place}, where a model sees furthest ahead.", what=what, place=name)
            if sees_ahead_of(found).max() > 0
            else t("{what} in {place}.", what=what, place=name),
            forecast_words.place_words(found, region, place),
        ]
    )
    yield Figure(f"forecast-{place}", svg, words, width, height, caption=words)
    numbers.add_forecast(place, theme.series, fan.fan)
    numbers.add_expected(place, name, found.dataset, found.column, fan.fan)


def _shown_place(theme: Theme, found: Outlook) -> str:
    """Where a model sees furthest ahead; where none sees anything, the place of the map to look at first."""
    place = first_place(found)
    if sees_ahead_of(found).max() > 0:
        return place
    known = set(found.table.loc[found.table["mean"].notna(), "location_id"])
    return next((str(one) for one in ranked(theme).index if one in known), place)


def _uncertain(region: Region, theme: Theme, found: Outlook | AlmanacError | None) -> Iterator[Block]:
    yield Heading(t("What is uncertain"))
    yield Text(gaps(region, theme))
    seen = glance(region)
    mine = [c for c in seen.coverage if c.dataset in theme.datasets]
    if mine:
        yield Text(together(seen_words(c) for c in mine))
    unseen = int((seen.known == 0).sum())
    if unseen:
        yield Text(
            tn(
                "Of {n} place of the region no dataset knows anything.",
                "Of {n} places of the region no dataset knows anything.",
                unseen,
            )
        )
    if isinstance(found, Outlook):
        yield Text(forecast_words.coverage_sentence(found))
    flaws = tuple((dataset_title(d), together(said(flaw) for flaw in d.flaws)) for d in theme.datasets if d.flaws)
    if flaws:
        yield Heading(t("Known flaws"), 3)
        yield Facts(flaws)


def _decision(theme: Theme) -> Iterator[Block]:
    """What could turn the judgement: another standard, the limits of the values, values that may be revised."""
    yield Heading(t("What would change the decision"))
    words: list[str] = []
    table: Table | None = None
    if theme.finding is not None:
        words, table = _disputed(theme)
        words += [*_over_the_edge(theme), *_provisional(theme)]
    if not words:
        words = [
            t("No other standard, interval or provisional value is known by which this judgement would change."),
            t("What is missing or flawed, as told above, remains."),
        ]
    yield Text(together(words))
    if table is not None:
        yield table


def _disputed(theme: Theme) -> tuple[list[str], Table | None]:
    found = theme.finding
    assert found is not None
    if len(standards_of(found.indicator.id)) < 2:
        return [], None
    result = compare(found.indicator.id, theme.values)
    words = [
        disagreement_words(found.indicator, result),
        t("They are: {standards}.", standards=listed(said(s.title) for s in result.standards)),
    ]
    if result.disagreed.empty:
        return words, None
    order = found.ranked().index
    first = order[order.isin(result.disagreed.index)][:_DISPUTED]
    names = theme.layer["name"]
    rows = tuple(
        (
            str(names[place]) or place,
            value_words(found.indicator, found.measured.table.loc[place]),
            *(said(str(result.table.at[place, s.id])) for s in result.standards),
        )
        for place in first
    )
    columns = (t("Place"), t("Value"), *(said(s.title) for s in result.standards))
    caption = tn(
        "The first of {all} places where the judgement depends on the standard",
        "The first {n} of {all} places where the judgement depends on the standard",
        len(first),
        all=number(len(result.disagreed), decimals=0),
    )
    return words, Table(columns, rows, widths=(1.0,) * len(columns), caption=caption)


def _over_the_edge(theme: Theme) -> Iterator[str]:
    """At how many places the interval of the value reaches into another class of the map."""
    assert theme.finding is not None
    table = theme.finding.measured.table
    table = table[table["low"].notna() & table["high"].notna() & table["value"].notna()]
    if table.empty:
        return
    low, high = (symbol_of(table[limit].to_numpy(float), theme.classes) for limit in ("low", "high"))
    yield t(
        "At {n} of {known} places the 95% interval reaches into another class.",
        n=number(int(np.count_nonzero(low != high)), decimals=0),
        known=number(len(table), decimals=0),
    )


def _provisional(theme: Theme) -> Iterator[str]:
    """At how many places values were used that may still be revised."""
    assert theme.finding is not None
    table = theme.finding.measured.table
    revised = int((table.loc[table["value"].notna(), "provisional"] > 0).sum())
    if revised:
        yield tn(
            "At {n} place values were used that their producer may still revise.",
            "At {n} places values were used that their producer may still revise.",
            revised,
        )


def _method(region: Region, theme: Theme, found: Outlook | AlmanacError | None, dashboard: str) -> Iterator[Block]:
    yield Heading(t("Method and sources"))
    yield Facts(theme_facts(region, theme, room=True))
    if isinstance(found, Outlook):
        yield Heading(t("How the forecast was made"), 3)
        card = forecast_words.card(found, region, _shown_place(theme, found))
        yield Facts(tuple(row for row in card if row[0] != t("Limits")))  # told above
    yield Heading(t("Sources"), 3)
    yield Facts(tuple(sources(region, theme.datasets)))
    yield theme_link(dashboard, region, theme)
