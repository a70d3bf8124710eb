"""The region at a glance: key figures, the map, what is new, where we cannot see."""

from __future__ import annotations

import streamlit as st

from analytics.classes import class_breaks
from analytics.cube import cube, mapped_layer
from analytics.glance import Glance, glance
from app.charts import map_figure
from app.dataset_words import column_title, dataset_title, titled_source, unit_symbol
from app.glance_words import key_figure_words, known_words, seen_words
from app.map import map_view
from app.text import day, language, message, quantity, said, t, together, when
from app.view import Context, View
from app.widgets import choose, fragment, plain, remembered, show_place_link, show_report_link
from geodata.region import Region

# More than these are no news.
_NEWS = 6


def draw(context: Context) -> None:
    """Draws the page."""
    region = context.region
    with st.spinner(t("Reading the region …"), show_time=False):
        found = glance(region)
    st.title(t("What is happening in {region}?", region=said(region.name)))
    st.markdown(plain(together([said(region.summary), known_words(found)])))
    at_map, at_figures = st.columns([7, 3], gap="medium")
    with at_map:
        _map(context)
    with at_figures:
        _key_figures(found)
    new, blind = st.columns(2, gap="large")
    with new:
        _newest(found)
        _published(region)
    with blind:
        _blind(found)


def _key_figures(found: Glance) -> None:
    st.header(t("Key figures"))
    for figure in found.figures:
        unit = unit_symbol(figure.column)
        st.markdown(
            f"{plain(said(figure.column.title))}  \n**{plain(quantity(figure.value, unit))}**",
            help=plain(titled_source(figure.dataset)),
        )
        st.caption(plain(key_figure_words(figure)))


@fragment
def _map(context: Context) -> None:
    region = context.region
    options = {
        name: said(region.series(name)[1].title)
        for name in dict.fromkeys((region.opens_on, *region.headlines))
        if region.series(name)[0] in region.mappable()
    }
    options["known"] = t("Where we cannot see: number of datasets with a value")
    shown = choose("figure", t("On the map"), options, default=region.opens_on)
    if shown == "known":
        known = glance(region).known.astype(float)
        state = map_view(
            region.layer_of(region.dataset(region.home)),
            known,
            classes=class_breaks(known),
            title=t("Datasets with a value"),
            basemap=region.base(),
            selected=remembered("place"),
            key=f"overview-{region.id}",
        )
        show_place_link(region, state.selected)
        return
    dataset, column = region.series(shown)
    values = cube(region, dataset.id, column.name)
    step = values.latest_full()
    classes = class_breaks(values.values, method="diverging" if column.scale == "diverging" else "quantile")
    state = map_view(
        mapped_layer(region, dataset),
        values.at(step),
        classes=classes,
        title=said(column.title),
        unit=unit_symbol(column),
        basemap=region.base(),
        attribution=dataset.producer,
        bounds=region.bounds(),
        selected=remembered("place"),
        key=f"overview-{region.id}",
    )
    if not state.webgl:
        st.plotly_chart(
            map_figure(
                mapped_layer(region, dataset),
                values.at(step),
                title=column_title(column),
                unit=unit_symbol(column),
                classes=classes,
                crs=region.crs_metric,
            )
        )
    what = said(column.title)
    if len(values.times):
        what = t("{what}, {time}", what=what, time=when(values.times[step], values.step))
    st.caption(plain(together([t("{words}.", words=what), titled_source(dataset)])))
    show_place_link(region, state.selected)
    show_report_link(region, shown, state.selected)


def _newest(found: Glance) -> None:
    st.header(t("What is new"))
    lines = [
        f"- **{plain(day(d.observed_to))}** {plain(said(d.title))} · {plain(said(d.step))} · {plain(d.producer)}"
        for d in found.newest
    ]
    st.markdown("\n".join(lines[:_NEWS]))
    if len(lines) > _NEWS:
        with st.expander(t("Older")):
            st.markdown("\n".join(lines[_NEWS:]))


def _published(region: Region) -> None:
    """What analysts published, the latest first."""
    if not region.published:
        return
    st.header(t("Results of analysts"))
    for dataset in sorted(region.published, key=lambda d: d.retrieved, reverse=True):
        st.page_link(
            st.session_state["pages"]["explore"],
            label=plain(dataset_title(dataset)),
            icon=":material/edit_note:",
            query_params={"dataset": dataset.id, "region": region.id, "lang": language()},
        )
        st.caption(plain(f"{day(dataset.retrieved)} · {dataset.producer}"))


def _blind(found: Glance) -> None:
    st.header(t("Where we cannot see"))
    partly = [c for c in found.coverage if c.seen < c.of or c.outside or not c.of]
    if not partly:
        st.markdown(plain(t("Every dataset sees the whole region.")))
    for coverage in sorted(partly, key=lambda c: c.seen / c.of if c.of else -1.0):
        st.markdown(f"- {plain(seen_words(coverage))}")


VIEW = View(id="overview", title=message("Overview"), order=1, icon=":material/dashboard:", draw=draw)
