"""The region at a glance: key figures, the map, what is new, where we cannot see."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analytics.classes import class_breaks
from analytics.cube import cube
from analytics.glance import Coverage, Glance, KeyFigure, glance
from app.map import map_view
from app.text import day, message, number, percent, period, quantity, said, t, tn, when
from app.view import Context, View
from app.widgets import choose, fragment, plain, remembered, show_place_link, source_line


def draw(context: Context) -> None:
    """Draws the page."""
    region = context.region
    found = glance(region)
    st.title(t("What is happening in {region}?", region=said(region.name)))
    st.markdown(plain(said(region.summary)))
    _key_figures(found)
    _map(context)
    new, blind = st.columns(2, gap="large")
    with new:
        _newest(found)
    with blind:
        _blind(found)


def _key_figures(found: Glance) -> None:
    for row in range(0, len(found.figures), 4):
        for place, figure in zip(st.columns(4), found.figures[row : row + 4], strict=False):
            with place:
                st.metric(
                    said(figure.column.title),
                    quantity(figure.value, figure.column.canonical_unit.symbol),
                    help=plain(f"{said(figure.dataset.title)}. {source_line(figure.dataset)}"),
                    border=True,
                )
                st.caption(plain(_how(figure)))


def _how(figure: KeyFigure) -> str:
    """What the number is: over how many places, for which time, and what it was before."""
    time = (
        when(figure.time, figure.step)
        if figure.time is not None
        else period(figure.dataset.observed_from, figure.dataset.observed_to)
    )
    places = number(figure.places, decimals=0)
    if figure.how == "only":
        said_so = t("{time}, one place", time=time)
    elif figure.how == "total":
        said_so = t("{time}, total of {n} places of {of}", time=time, n=places, of=number(figure.of, decimals=0))
    else:
        said_so = t(
            "{time}, middle of {n} places of {of}: half lie above",
            time=time,
            n=places,
            of=number(figure.of, decimals=0),
        )
    if figure.earlier is None or figure.earlier_time is None:
        return f"{said_so}."
    symbol = figure.column.canonical_unit.symbol
    return t(
        "{now}; {earlier} in {then}.",
        now=said_so,
        earlier=quantity(figure.earlier, symbol),
        then=when(figure.earlier_time, figure.step),
    )


@fragment
def _map(context: Context) -> None:
    region = context.region
    options = {
        name: said(region.series(name)[1].title)
        for name in dict.fromkeys((region.opens_on, *region.headlines))
        if region.series(name)[0] in region.mappable()
    }
    options["known"] = t("Where we cannot see: datasets with a value, by place")
    shown = choose("figure", t("On the map"), options, default=region.opens_on, kind="segments")
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
    state = map_view(
        region.layer_of(dataset),
        values.at(step),
        classes=class_breaks(values.values, method="diverging" if column.scale == "diverging" else "quantile"),
        title=said(column.title),
        unit=column.canonical_unit.symbol,
        basemap=region.base(),
        attribution=dataset.producer,
        selected=remembered("place"),
        key=f"overview-{region.id}",
    )
    st.caption(plain(f"{said(dataset.title)}. {source_line(dataset)}"))
    show_place_link(region, state.selected)


def _newest(found: Glance) -> None:
    st.header(t("What is new"))
    first = found.newest[0]
    st.markdown(
        plain(
            t(
                "The newest values are of {day}: {dataset}.",
                day=day(first.observed_to),
                dataset=said(first.title),
            )
        )
    )
    st.dataframe(
        pd.DataFrame(
            {
                t("Dataset"): [said(d.title) for d in found.newest],
                t("Last value"): [day(d.observed_to) for d in found.newest],
                t("Step"): [said(d.step) for d in found.newest],
                t("Producer"): [d.producer for d in found.newest],
            }
        ),
        hide_index=True,
        height=360,
    )


def _blind(found: Glance) -> None:
    st.header(t("Where we cannot see"))
    unseen = found.known[found.known == 0]
    st.markdown(
        plain(
            tn(
                "{n} place has no value in any dataset.",
                "{n} places have no value in any dataset.",
                len(unseen),
            )
        )
    )
    for coverage in sorted(found.coverage, key=lambda c: c.seen / c.of if c.of else -1.0):
        st.markdown(f"- {plain(_seen(coverage))}")


def _seen(coverage: Coverage) -> str:
    title = said(coverage.dataset.title)
    if coverage.of == 0:
        return t("{dataset}: its places have no position, so no map shows them.", dataset=title)
    words = t(
        "{dataset}: a value in {seen} of {of} places ({share}).",
        dataset=title,
        seen=number(coverage.seen, decimals=0),
        of=number(coverage.of, decimals=0),
        share=percent(coverage.seen / coverage.of),
    )
    if coverage.outside:
        words += " " + tn(
            "{n} of its places lies outside the region and does not overlap the other layers.",
            "{n} of its places lie outside the region and do not overlap the other layers.",
            coverage.outside,
        )
    return words


VIEW = View(id="overview", title=message("Overview"), order=1, icon=":material/dashboard:", draw=draw)
