"""The page of one theme for a whole region: the map, the places to look at first, and how the values spread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pandas as pd

from analytics.finding import clusters_of
from analytics.latest import latest
from app.indicator_words import NO_STANDARD, REASONS, answer, class_words, reference_name
from app.report.blocks import (
    Block,
    Document,
    Facts,
    Figure,
    Heading,
    Issue,
    Legend,
    Link,
    Orientation,
    Page,
    Paper,
    Table,
    Text,
)
from app.report.code import link_to
from app.report.numbers import Numbers
from app.report.printed_charts import distribution_chart
from app.report.printed_map import PrintedMap
from app.report.request import Sizes
from app.report.request import sizes as sizes_of
from app.report.symbology import Symbol, symbol_of
from app.report.theme import Theme
from app.report.typeset import pictures
from app.report.words import class_method, known_words, layer_facts, map_alt, theme_facts
from app.text import language, listed, number, quantity, said, t, tn, together
from geodata.dataset import Dataset
from geodata.errors import AlmanacError
from geodata.region import Region

# How much of the height of a map a page may leave to it, with the rows of the ranking and of that of the other end: the
# first that fits on one page is taken.
_CHOICES = ((1.0, 10, 8), (0.9, 10, 6), (0.8, 10, 5), (0.72, 10, 5), (0.64, 8, 4), (0.56, 7, 3), (0.5, 5, 2))
# Regions that are less wide for their height stand beside their legend, not above it.
_TALL = 0.85
# Coarser than this the hatches of the legend are finer than a dot, which the compiler does not bear.
_COARSE = 40
# Stands for a drawing that is not yet made.
BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


def map_page(region: Region, theme: Theme, sizes: Sizes, numbers: Numbers, *, dashboard: str) -> Page:
    """The page of a theme; the numbers of all places on the map are added to the numbers.

    Parameters
    ----------
    dashboard : where its link leads.
    """
    add_numbers(region, theme, numbers)
    drawing = drawing_of(region, theme)
    tall = drawing.aspect < _TALL and sizes.region[0] >= 2 * sizes.chart[0]
    width, height = sizes.region
    if tall:
        width = min(max(round(height * drawing.aspect * 1.1), round(0.4 * width)), round(0.6 * width))
    whole = Figure("map-region", BLANK, whole_alt(region, theme, drawing), width, height)
    said_once = _Said(
        lead=(
            Heading(t("{region}: {what}", region=said(region.name), what=theme.title), 1, anchor="map"),
            Text(period_words(theme)),
            Text(theme_answer(region, theme), strong=True),
        ),
        legend=legend(region, theme, drawing),
        chart=_distribution(theme, min(sizes.chart[0], sizes.region[0] - width - 4 if tall else 1000), sizes.chart[1]),
        notes=(
            Heading(t("Method and uncertainty")),
            Facts(theme_facts(region, theme)),
            Heading(t("Gaps")),
            Text(gaps(region, theme), small=True),
        ),
        sources=(
            Heading(t("Sources")),
            Facts(tuple(sources(region, theme.named))),
            theme_link(dashboard, region, theme),
        ),
    )
    pages = [_page(theme, drawing, said_once, sizes, whole, tall, *choice) for choice in _CHOICES]
    page = pages[first_that_fits(pages, sizes)]
    (placed,) = page.slots["map"]
    assert isinstance(placed, Figure)
    svg = drawing.whole(placed.width, placed.height).svg
    return replace(page, slots={**page.slots, "map": (replace(placed, svg=svg),)})


def first_that_fits(pages: Sequence[Page], sizes: Sizes) -> int:
    """Which of several pages, each taking less room than the one before, is the first that is one page; else the last.

    They are set without their drawings, which take time and no more room than they are given.
    """
    return bisect_left(pages, 1, hi=len(pages) - 1, key=lambda page: int(_fits(page, sizes)))


@dataclass(frozen=True)
class _Said:
    """What stands on a map page however high its map is."""

    lead: tuple[Block, ...]
    legend: tuple[Block, ...]
    chart: Figure
    notes: tuple[Block, ...]
    sources: tuple[Block, ...]


def _page(
    theme: Theme,
    drawing: PrintedMap,
    told: _Said,
    sizes: Sizes,
    whole: Figure,
    tall: bool,
    share: float,
    first: int,
    last: int,
) -> Page:
    tables = [ranking(theme, drawing.symbols, first)]
    if len(theme.known) > first:
        tables.append(ranking(theme, drawing.symbols, min(last, len(theme.known) - first), other_end=True))
    # Where the map is as wide as two charts, the chart stands under the legend, beside the rankings.
    if tall:
        # The map stands beside its legend, the chart under this, the rankings below both.
        return Page(
            "sheet",
            {
                "lead": told.lead,
                "map": (replace(whole, height=round(whole.height * share)),),
                "legend": told.legend,
                "aside": (told.chart,),
                "facts": tuple(tables),
                "notes": told.notes,
                "sources": told.sources,
            },
        )
    beside = 2 * sizes.chart[0] <= sizes.region[0]
    return Page(
        "map",
        {
            "lead": told.lead,
            "map": (replace(whole, height=round(whole.height * share)),),
            "legend": told.legend,
            "facts": tuple(tables) if beside else (tables[0],),
            "charts": (told.chart,) if beside else (told.chart, *tables[1:]),
            "notes": told.notes,
            "sources": told.sources,
        },
    )


def _fits(page: Page, sizes: Sizes) -> bool:
    slots = {name: tuple(_without_drawing(block) for block in blocks) for name, blocks in page.slots.items()}
    paper, orientation = next(
        (p, o) for p in get_args(Paper) for o in get_args(Orientation) if sizes_of(p, o).region == sizes.region
    )
    document = Document(
        "-", language(), (replace(page, slots=slots),), Issue("-", "-", "-"), "-", "-", paper, orientation
    )
    return len(pictures(document, dots_per_inch=_COARSE)) == 1


def _without_drawing(block: Block) -> Block:
    if isinstance(block, Figure):
        return replace(block, svg=BLANK)
    if isinstance(block, Link) and block.code is not None:
        return replace(block, code=replace(block.code, svg=BLANK))
    return block


def _distribution(theme: Theme, width: float, height: float) -> Figure:
    caption = tn("The value of {n} place.", "How the values of {n} places spread.", len(theme.known))
    svg = distribution_chart(theme, selected=None, width=width, height=height)
    return Figure("distribution", svg, _spread_alt(theme), width, height, caption=caption)


def drawing_of(region: Region, theme: Theme) -> PrintedMap:
    """The theme's map, ready to be drawn."""
    return PrintedMap(
        theme.layer,
        theme.values,
        theme.classes,
        crs=region.crs_metric,
        home=region.layer_of(region.dataset(region.home)),
        basemap=region.base(),
    )


def add_numbers(region: Region, theme: Theme, numbers: Numbers) -> None:
    """Adds what the map of a theme shows."""
    if theme.finding is not None:
        numbers.add_indicator_map(region, theme.finding)
    else:
        assert theme.shown is not None
        dataset, column = region.series(theme.name)
        numbers.add_series_map(region, dataset, column, theme.shown, theme.at)


def theme_answer(region: Region, theme: Theme) -> str:
    """What the map says, in words: for an indicator as on its page, for a series its extremes and its middle."""
    if theme.finding is not None:
        return answer(region, theme.finding)
    known = theme.known
    words = [known_words(theme)]
    if len(known) > 1:
        names = theme.layer["name"]
        low, high = known.idxmin(), known.idxmax()
        words.append(
            t(
                "Highest: {high_place}, {high}; lowest: {low_place}, {low}; the median is {median}.",
                high_place=names[high], high=quantity(float(known[high]), theme.unit),
                low_place=names[low], low=quantity(float(known[low]), theme.unit),
                median=quantity(float(known.median()), theme.unit),
            )
        )  # fmt: skip
    else:
        words += [t("{place}: {value}.", place=theme.layer["name"][i], value=quantity(float(v), theme.unit))
                  for i, v in known.items()]  # fmt: skip
    return together(words)


def period_words(theme: Theme) -> str:
    """What is shown with its unit, and of which time."""
    words = t("{what}, {time}.", what=theme.titled, time=theme.period) if theme.period else ""
    return together(filter(None, [words, theme.now]))


def whole_alt(region: Region, theme: Theme, drawing: PrintedMap) -> str:
    """What the map of the whole region shows, in words."""
    return together(filter(None, [map_alt(theme, drawing.symbols), clusters_words(region, theme)]))


def legend(region: Region, theme: Theme, drawing: PrintedMap) -> tuple[Block, ...]:
    """The classes with their counts, how they were made, and in what the map is drawn."""
    words = [
        t("Classes: {method}.", method=class_method(theme.classes)),
        t("Drawn in {crs}; the ticks are degrees of WGS 84.", crs=region.crs_metric),
        clusters_words(region, theme),
    ]
    columns = (t("No."), t("Class"), t("Places"))
    shown = Legend(
        t("{what}, {time}", what=theme.titled, time=theme.period), drawing.symbols, columns, points=drawing.points
    )
    return (shown, Text(together(filter(None, words)), small=True))


def clusters_words(region: Region, theme: Theme) -> str:
    """Where places with like values lie together; empty where nobody can tell."""
    if theme.finding is None:
        return ""
    try:
        kinds = clusters_of(region, theme.name, theme.reference)["kind"].value_counts()
    except AlmanacError:
        return ""
    if set(kinds.index) <= {"no data"}:
        return ""
    high, low = int(kinds.get("high among high", 0)), int(kinds.get("low among low", 0))
    if not high and not low:
        return t("Places with high or low values do not lie together more than chance would have it.")
    return t(
        "More than chance would have it, {high} places with high values lie among others with high ones, and {low} "
        "with low values among low ones.",
        high=number(high, decimals=0),
        low=number(low, decimals=0),
    )


def ranking(theme: Theme, symbols: tuple[Symbol, ...], rows: int, *, other_end: bool = False) -> Table:
    """The places to look at first, or those of the other end, with their values and the classes of the map."""
    ordered = ranked(theme, other_end=other_end).head(rows)
    low_first = _low_first(theme) != other_end
    ranks = theme.known.rank(ascending=_low_first(theme), method="min")
    caption = (
        tn("The place with the lowest value", "The {n} places with the lowest values", len(ordered))
        if low_first
        else tn("The place with the highest value", "The {n} places with the highest values", len(ordered))
    )
    codes = symbol_of(ordered.to_numpy(float), theme.classes)
    names = theme.layer["name"].fillna("").astype(str)
    limits = _limits(theme, ordered.index)
    told = [
        (
            number(ranks[place], decimals=0),
            names[place] or str(place),
            quantity(float(value), theme.unit),
            *((limits[place],) if limits else ()),
            _class(theme, symbols[code], place),
        )
        for (place, value), code in zip(ordered.items(), codes, strict=True)
    ]
    columns = (t("Rank"), t("Place"), t("Value"), *((t("95% limits"),) if limits else ()), t("Class"))
    right = (0, 2, 3) if limits else (0, 2)
    widths = (0.5, 1.8, 1.0, 1.3, 1.2) if limits else (0.5, 2.0, 1.2, 1.2)
    return Table(columns, tuple(told), right=right, widths=widths, caption=caption)


def ranked(theme: Theme, *, other_end: bool = False) -> pd.Series:
    """The values, those to look at first in front: of a series the highest; or those of the other end."""
    return theme.known.sort_values(ascending=_low_first(theme) != other_end, kind="stable")


def gaps(region: Region, theme: Theme) -> str:
    """How many places have no value, and why."""
    missing = theme.values.index[theme.values.isna()]
    if missing.empty:
        return t("Every place of the map has a value.")
    words = tn("{n} place has no value.", "{n} places have no value.", len(missing))
    if theme.finding is None:
        dataset, column = region.series(theme.name)
        never = int((~missing.isin(latest(region, dataset, column.name).index)).sum())
        reasons = []
        if never:
            reasons.append(t("nothing at any time ({n})", n=number(never, decimals=0)))
        if never < len(missing):
            reasons.append(t("too little at the time shown ({n})", n=number(len(missing) - never, decimals=0)))
        return together([words, t("What was published of them: {what}.", what=listed(reasons))])
    table = theme.finding.measured.table.loc[theme.values.index]
    reasons = table.loc[table["value"].isna(), "reason"].value_counts()
    told = listed(t("{what} ({n})", what=said(REASONS.get(r, r)), n=number(n, decimals=0)) for r, n in reasons.items())
    return together([words, t("Why: {reasons}.", reasons=told)])


def sources(region: Region, datasets: Sequence[Dataset]) -> list[tuple[str, str]]:
    """From whom the values of a theme's datasets and the places' outlines are."""
    layers = [region.dataset(d.locations) for d in datasets if d.locations]
    return layer_facts([*datasets, *layers])


def theme_link(dashboard: str, region: Region, theme: Theme) -> Link:
    """Where the same map is found in the dashboard."""
    if theme.finding is None:
        assert theme.shown is not None
        dataset, column = region.series(theme.name)
        times = theme.shown.times
        # The latest time of the day of printing will not be that of the day of reading.
        moment = {"step": theme.shown.step, "time": times[theme.at].isoformat()} if len(times) > 1 else {}
        return link_to(dashboard, "explore", region, dataset=dataset.id, column=column.name, **moment)
    indicator, standard = theme.finding.indicator, theme.finding.standard
    domain = indicator.domain
    if domain == "cross_domain":
        return link_to(dashboard, "overview", region)
    chosen = {"indicator": theme.name}
    if (standard.id if standard is not None else "") != indicator.standard:
        chosen["standard"] = standard.id if standard is not None else NO_STANDARD
    if indicator.fitted:
        chosen["reference"] = reference_name(theme.reference)
    return link_to(dashboard, domain, region, **{f"{domain}_{what}": choice for what, choice in chosen.items()})


def _low_first(theme: Theme) -> bool:
    return theme.finding is not None and theme.finding.low_first


def _limits(theme: Theme, places: pd.Index) -> dict[str, str]:
    """The limits of the values of some places, where the indicator has any."""
    if theme.finding is None:
        return {}
    table = theme.finding.measured.table.loc[places, ["low", "high"]]
    if table.isna().all(axis=None):
        return {}
    return {
        str(row.Index): t("{low} to {high}", low=number(row.low), high=number(row.high))
        if pd.notna(row.low) and pd.notna(row.high)
        else ""
        for row in table.itertuples()
    }


def _class(theme: Theme, symbol: Symbol, place: str) -> str:
    label = class_words(theme.finding, place) if theme.finding is not None else ""
    return t("{number}, {label}", number=symbol.number, label=label) if label else symbol.number


def _spread_alt(theme: Theme) -> str:
    """The distribution in words: its quarters."""
    known = theme.known.to_numpy(float)
    quarters = np.quantile(known, [0, 0.25, 0.5, 0.75, 1])
    low, lower, middle, upper, high = (quantity(float(v), theme.unit) for v in quarters)
    return t(
        "How {what} spreads over {n} places: from {low} to {high}; the middle half lies between {lower} and {upper}, "
        "the median is {middle}.",
        what=theme.title, n=number(len(known), decimals=0), low=low, high=high, lower=lower, upper=upper, middle=middle,
    )  # fmt: skip
