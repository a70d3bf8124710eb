"""A domain's page: its question and answer first, then the map and the ranking, one place, and the evidence."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import streamlit as st

from analytics.classes import Classes
from analytics.finding import Finding, clusters_of, finding, lacking, opening
from analytics.indicator import Domain
from analytics.measure import uses
from analytics.place_indicators import OPENS_ON
from analytics.standard import standards_of
from app.charts import map_figure
from app.dataset_words import dataset_title
from app.domain_words import DOMAINS
from app.indicator_charts import ranking_figure
from app.indicator_tables import lacking_words
from app.indicator_words import (
    CLUSTERS,
    NO_STANDARD,
    REFERENCES,
    age_words,
    answer,
    chosen_unit,
    meaning,
    reference_name,
    reference_named,
    reference_words,
    short_title,
    unit_words,
)
from app.map import map_view
from app.map.words import map_words
from app.text import listed, number, said, t, tn, together
from app.view import Context
from app.views.domain.place_panel import draw_place
from app.views.domain.tables import draw_evidence, draw_table
from app.views.publications.card import show_standing
from app.widgets import choose, fragment, plain, region_names, remembered, show_error, show_place_link, show_report_link
from geodata.errors import AlmanacError
from geodata.region import Region, load_region

# High and low differ in hue and lightness, the lonely ones are pale, and the rest is the colour of the land.
_CLUSTER_COLOURS = ("#653a0b", "#0d3f66", "#e0bf88", "#a9cce0", "#e9e9e6")


@dataclass(frozen=True)
class DomainPage:
    """What one domain's page asks.

    question : its title, marked with `message`
    reference : on which of `REFERENCES` indicators are fitted first
    lead : draws what answers the question before the map does, where the region allows
    """

    domain: Domain
    question: str
    lead: Callable[[Region], None] | None = None
    reference: str = "all"


def draw_domain(context: Context, page: DomainPage) -> None:
    """Draws the page of one domain."""
    st.title(said(page.question))
    if not uses(context.region, page.domain):
        _nothing(context, page)
        return
    _draw(context, page)


@fragment
def _draw(context: Context, page: DomainPage) -> None:
    region, key = context.region, page.domain
    with st.spinner(t("Working out the indicators …"), show_time=False):
        order = opening(region, page.domain, OPENS_ON[page.domain])
    if page.lead is not None:
        page.lead(region)
    words = st.container()
    for_indicator, for_standard, for_reference, for_map = st.columns([4.1, 4.1, 2.6, 2.8])
    with for_indicator:
        here = uses(region, page.domain)
        offered_here = {i: chosen_unit(here[i].indicator) for i in order}
        resets = (f"{key}_standard", f"{key}_show")
        indicator = here[choose(f"{key}_indicator", t("Indicator"), offered_here, resets=resets)].indicator
    with for_standard:
        offered = {i: said(s.title) for i, s in standards_of(indicator.id).items()}
        first = indicator.standard if indicator.standard in offered else NO_STANDARD
        offered[NO_STANDARD] = t("None: classes from the values")
        chosen = choose(f"{key}_standard", t("Standard"), offered, default=first)
    reference = None
    if indicator.fitted:
        with for_reference:
            spans = {i: reference_words(reference_named(i)) for i in _references(region, indicator.id, key)}
            default = page.reference if page.reference in spans else "all"
            reference = reference_named(choose(f"{key}_reference", t("Fitted on"), spans, default=default))
    with for_map:
        modes = {"classes": t("Values"), "clusters": t("Clusters")}
        shown = choose(f"{key}_show", t("On the map"), modes, kind="segments")
    with st.spinner(t("Working out the indicators …"), show_time=False):
        found = finding(region, indicator.id, "" if chosen == NO_STANDARD else chosen, reference)
    for error in found.measured.broken:
        show_error(error)
    with words:
        st.markdown(plain(answer(region, found)))
        told = [meaning(indicator), age_words(found.measured.table) if indicator.latest else ""]
        st.caption(plain(together(filter(None, told))))
        if indicator.published is not None:
            show_standing(region, region.dataset(indicator.published.dataset))
    at_map, at_ranking = st.columns([6, 4], gap="medium")
    with at_map:
        selected = _clusters(region, found, key) if shown == "clusters" else _values(region, found, key)
    show_place_link(region, selected)
    if found.measured.use.locations is not None and found.measured.known:
        show_report_link(
            region,
            indicator.id,
            selected,
            standard=chosen if chosen != first else "",
            reference=reference_name(reference) if reference is not None else "",
        )
        if shown == "clusters":
            st.caption(t("The printed page shows the values, and where they cluster in words."))
    with at_ranking:
        _ranking(region, found, key, selected)
    _changed(region, found)
    place = selected if selected in found.measured.values.index else _first(found)
    if place is not None:
        draw_place(region, found, place, reference, chosen=selected is not None)
    draw_evidence(region, found, place)
    draw_table(region, found)
    _lacking(region, page.domain)


def _references(region: Region, indicator_id: str, key: str) -> list[str]:
    """Which of `REFERENCES`, and of what a printed page was fitted on, share at least five years with the data."""
    datasets = uses(region)[indicator_id].datasets
    first, last = min(d.observed_from for d in datasets).year, max(d.observed_to for d in datasets).year
    spans = dict(REFERENCES)
    asked = remembered(f"{key}_reference") or ""
    with suppress(AlmanacError):  # a name that is none is told by the choice
        spans[asked] = reference_named(asked)
    shared = {name: (max(span[0], first), min(span[1], last)) for name, span in spans.items() if span is not None}
    return ["all", *(name for name, (begin, end) in shared.items() if end - begin >= 4)]


def _map_words() -> dict[str, str]:
    """The words of the map, where a place without a value has not enough data for one."""
    summary = t(
        "{known} of {n} places have a value, from {low} ({low_place}) to {high} ({high_place}); "
        "{missing} have not enough data."
    )
    return {**map_words(), "no_data": t("not enough data"), "summary": summary}


def categories_words() -> dict[str, str]:
    """The words of a map whose classes are categories, with no lowest and highest among them."""
    summary = t("{known} of {n} places are compared; {missing} have not enough data.")
    return {**map_words(), "no_data": t("not enough data"), "summary": summary}


def _bounds(region: Region, layer: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """What the map shows first: all places with room around them, so that none lies under a button."""
    if len(layer) == 1:
        return region.bounds()
    west, south, east, north = layer.to_crs(4326).total_bounds
    wide, high = 0.08 * (east - west), 0.08 * (north - south)
    return float(west - wide), float(south - high), float(east + wide), float(north + high)


def _first(found: Finding) -> str | None:
    """The place to begin with: the worst one."""
    ranked = found.ranked()
    return str(ranked.index[0]) if len(ranked) else None


def _values(region: Region, found: Finding, key: str) -> str | None:
    use = found.measured.use
    if use.locations is None:
        st.info(t("The places of this dataset have no position, so no map shows them."))
        return remembered("place")
    layer = found.measured.layer(region)
    if found.measured.known == 0:
        st.info(t("No place has enough data; the table below says why."))
        return remembered("place")
    state = map_view(
        layer,
        found.measured.values.reindex(layer.index),
        classes=found.classes,
        title=short_title(found.indicator),
        unit=unit_words(found.indicator),
        basemap=region.base(),
        attribution=found.measured.producers,
        selected=remembered("place"),
        words=_map_words(),
        bounds=_bounds(region, layer),
        height=470,
        key=f"domain-{key}-{region.id}",
    )
    if not state.webgl:
        figure = map_figure(
            layer, found.measured.values, title=chosen_unit(found.indicator), unit=unit_words(found.indicator),
            classes=found.classes, crs=region.crs_metric, selected=state.selected,
        )  # fmt: skip
        st.plotly_chart(figure)
    return state.selected


def _clusters(region: Region, found: Finding, key: str) -> str | None:
    """Where high or low values lie together, with what the colours mean."""
    with st.spinner(t("Comparing every place with its neighbours …"), show_time=False):
        table = clusters_of(region, found.indicator.id, found.measured.reference)
    layer = found.measured.layer(region)
    kinds = list(CLUSTERS)
    codes = table["kind"].map({kind: float(n) for n, kind in enumerate(kinds)})
    # What is to be looked at wears the warm end, on this map as on that of the values.
    warm, cold, pale_warm, pale_cold, land = _CLUSTER_COLOURS
    classes = Classes(
        tuple(float(n) for n in range(len(kinds) + 1)),
        (cold, warm, pale_cold, pale_warm, land) if found.low_first else _CLUSTER_COLOURS,
        labels=tuple(said(CLUSTERS[kind]) for kind in kinds),
        authority=t("local Moran’s I by permutation, 5% false discovery rate"),
        distinct=True,
    )
    state = map_view(
        layer,
        codes.reindex(layer.index),
        classes=classes,
        title=t("Clusters: {what}", what=short_title(found.indicator)),
        basemap=region.base(),
        selected=remembered("place"),
        words=categories_words(),
        bounds=_bounds(region, layer),
        height=470,
        key=f"domain-{key}-{region.id}",
    )
    counts = table["kind"].value_counts()
    if not codes.notna().any():
        st.caption(t("Too few places have a value to compare them with their neighbours: ten are needed."))
    else:
        st.caption(
            plain(
                t(
                    "{high} places lie high among high ones, {low} low among low ones, and {odd} differ from their "
                    "neighbours, more than chance would have it. Other borders would give other clusters.",
                    high=number(counts.get("high among high", 0), decimals=0),
                    low=number(counts.get("low among low", 0), decimals=0),
                    odd=number(counts.get("high among low", 0) + counts.get("low among high", 0), decimals=0),
                )
            )
        )
    return state.selected


def _ranking(region: Region, found: Finding, key: str, selected: str | None) -> None:
    if not found.measured.known:
        return
    low, high = t("Lowest"), t("Highest")
    ends = {"first": low if found.low_first else high, "other": high if found.low_first else low}
    end = choose(f"{key}_end", t("Ranking"), ends, kind="segments")
    figure = ranking_figure(found, region.places()["name"], other_end=end == "other", selected=selected, most=12)
    st.plotly_chart(figure, key=f"ranking-{key}")


def _changed(region: Region, found: Finding) -> None:
    """Which places change class against the standard that the indicator wears first."""
    offered = standards_of(found.indicator.id)
    first = offered.get(found.indicator.standard)
    if found.standard is None or first is None or found.standard.id == first.id:
        return
    n = len(found.changed)
    if not n:
        st.caption(t("No place’s class has another name than in the indicator’s first standard."))
        return
    label = tn(
        "{n} place changes class against the first standard", "{n} places change class against the first standard", n
    )
    with st.expander(label):
        names = region.places()["name"]
        st.dataframe(
            pd.DataFrame(
                {
                    t("Place"): [str(names.get(p, p)) for p in found.changed.index],
                    said(found.standard.title): [said(str(label)) for label in found.changed["here"]],
                    said(first.title): [said(str(x)) for x in found.changed["first"]],
                }
            ),
            hide_index=True,
        )


def _lacking(region: Region, domain: Domain) -> None:
    """What could be shown here with more data."""
    missing = lacking(region, domain)
    if not missing:
        return
    with st.expander(tn("{n} more indicator needs data", "{n} more indicators need data", len(missing))):
        st.markdown(
            plain(t("This region has no data for these; each becomes available once a dataset has its columns."))
        )
        st.dataframe(lacking_words(missing), hide_index=True)


def _nothing(context: Context, page: DomainPage) -> None:
    """A domain without data in this region says so, and where there is some."""
    names = region_names()
    elsewhere = [r for r in names if r != context.region.id and uses(load_region(r), page.domain)]
    themed = [d for d in context.region.datasets if d.theme == page.domain and d.columns]
    if themed:
        told = t(
            "{region} has data on this domain ({datasets}), but none of its indicators can be computed from them. "
            "The page Explore shows the data themselves.",
            region=said(context.region.name),
            datasets=listed(dataset_title(d) for d in themed),
        )
    else:
        told = t(
            "{region} has no data for this domain ({domain}): nothing is known here, "
            "which is not the same as nothing happening.",
            region=said(context.region.name),
            domain=said(DOMAINS[page.domain]),
        )
    st.info(plain(told))
    for region_id in elsewhere:
        st.page_link(
            st.session_state["pages"][page.domain],
            label=plain(t("Look at {region}", region=names[region_id])),
            icon=":material/arrow_forward:",
            query_params={"region": region_id, "lang": context.language},
        )
    _lacking(context.region, page.domain)
