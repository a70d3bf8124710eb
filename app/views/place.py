"""All we have of one place, every series with its gaps and sources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pandas as pd
import streamlit as st

from analytics.classes import class_breaks
from analytics.cube import values_of_all_times
from analytics.place import Fact, Profile, Record, best_known, profile
from analytics.place_indicators import DomainAtPlace, indicators_at
from app.charts import map_figure, series_figure
from app.dataset_words import (
    column_title,
    dataset_title,
    length_words,
    place_labels,
    theme_words,
    titled_source,
    unit_symbol,
)
from app.domain_words import DOMAINS
from app.indicator_tables import place_table
from app.indicator_words import short_title, value_words
from app.map import map_view
from app.publication_words import marked
from app.sentences import answer, chance_words, change_words, completeness_words, qualifier_words, standing_words
from app.text import listed, message, number, percent, quantity, said, t, tn, together, when
from app.view import Context, View
from app.views.domain.tables import draw_card
from app.views.forecasting.at_place import draw_at_place
from app.widgets import choose, errors_shown, fragment, plain, remember, remembered, show_error, show_report_link
from geodata.dataset import Dataset
from geodata.region import Region

# More charts at once would keep the page from opening within two seconds; more links would hide the answer.
_DRAWN = 6
_LINKS = 6
_GAPS = 50
_WITHIN = 8
# Enough to draw six years of days as they are.
_POINTS = 2400


def draw(context: Context) -> None:
    """Draws the page."""
    region = context.region
    question = st.empty()
    place = _choose_place(region)
    with st.spinner(t("Gathering all we know of this place …"), show_time=False):
        found = profile(region, place)
    question.title(plain(t("What do we know of {place}?", place=found.name)))
    st.markdown(plain(answer(found)))
    _surroundings(region, found)
    _key_figures(found)
    _map(context, found)
    _indicators(region, found)
    draw_at_place(region, found)
    _series(region, found)
    _facts(found)
    _without(found)
    _inside(region, found)
    for error in found.broken.values():
        show_error(error)


def _choose_place(region: Region) -> str:
    places = region.places()
    asked = remembered("place")
    if asked is not None and asked not in places.index:
        with errors_shown():
            profile(region, asked)  # tells what was most likely meant
        remember("place", None)
    return choose(
        "place",
        t("Place"),
        place_labels(region),
        default=best_known(region),
        help=t("Type a part of its name."),
    )


def _surroundings(region: Region, found: Profile) -> None:
    """What kind of place it is, and links to the areas that it lies in."""
    kind = said(found.layer.title) if found.layer is not None else t("a place without a position")
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if found.longitude is None or found.latitude is None:
            st.caption(plain(f"{kind} · {found.id}"), width="content")
        else:
            position = t(
                "latitude {latitude}°, longitude {longitude}°",
                latitude=number(found.latitude, decimals=3),
                longitude=number(found.longitude, decimals=3),
            )
            st.caption(plain(f"{kind} · {found.id} · {position}"), width="content")
        names = region.places()["name"]
        for area in found.lies_in:
            _link(area, t("lies in {place}", place=names[area]))
        if found.near is not None:
            area, kilometres = found.near
            away = t(
                "outside the region’s own places; nearest: {place}, {distance} away",
                place=names[area],
                distance=quantity(kilometres, "km", digits=2),
            )
            _link(area, away)


@fragment
def _map(context: Context, found: Profile) -> None:
    """Where it is, among the other places with the first of its key figures; a click leads to another."""
    region = context.region
    figures: list[Record | Fact] = [*found.key, *found.facts]
    shown = next((f for f in figures if f.dataset in region.mappable()), None)
    if shown is None:
        return
    dataset, column, values = shown.dataset, shown.column, shown.around
    classes = class_breaks(
        values_of_all_times(region, dataset, column, values),
        method="diverging" if column.scale == "diverging" else "quantile",
    )
    layer = region.layer_of(dataset)
    state = map_view(
        layer,
        values,
        classes=classes,
        title=said(column.title),
        unit=unit_symbol(column),
        basemap=region.base(),
        attribution=dataset.producer,
        selected=found.id,
        height=340,
        key=f"place-{region.id}",
    )
    if not state.webgl:
        st.plotly_chart(
            map_figure(
                layer,
                values,
                title=column_title(column),
                unit=unit_symbol(column),
                classes=classes,
                crs=region.crs_metric,
                selected=found.id,
            )
        )
    time = when(shown.latest_time, dataset.step) if isinstance(shown, Record) and shown.latest_time is not None else ""
    what = t("{what}, {time}", what=said(column.title), time=time) if time else said(column.title)
    st.caption(plain(t("{what}. Choose a place on the map to go to it.", what=what)))
    show_report_link(region, f"{dataset.id}.{column.name}", found.id)
    if state.selected not in (None, found.id):
        remember("place", state.selected)
        st.rerun()


def _key_figures(found: Profile) -> None:
    if not found.key:
        return
    for at, record in zip(st.columns(4), found.key, strict=False):
        with at:
            _figure(column_title(record.column), number(record.latest), _moment_and_standing(record))


def _figure(title: str, shown: str, words: Sequence[str]) -> None:
    """A number under its full title: st.metric would cut a long one short."""
    with st.container(border=True, height="stretch"):
        st.caption(plain(title))
        st.metric(title, shown, label_visibility="collapsed")
        st.caption(plain(together(words)))


def _moment_and_standing(record: Record) -> list[str]:
    words = []
    if record.latest_time is not None:
        words.append(t("Latest value, {time}.", time=when(record.latest_time, record.dataset.step)))
    if record.standing is not None:
        words.append(standing_words(record.standing))
    return words


def _indicators(region: Region, found: Profile) -> None:
    """What the indicators of every domain say of it; a domain without data says so."""
    st.header(t("Across the domains"))
    with st.spinner(t("Working out the indicators …"), show_time=False):
        domains = indicators_at(region, found.id)
    silent = [said(DOMAINS[d.domain]) for d in domains if not d.here]
    names = region.places()["name"]
    for domain in domains:
        if not domain.own and domain.within is None:
            continue
        st.subheader(said(DOMAINS[domain.domain]))
        if domain.own:
            st.dataframe(place_table(domain.own, found.id), hide_index=True)
            _evidence(region, domain, found.id)
        if domain.within is not None:
            rows = domain.within.measured.table.loc[list(domain.inside)].sort_values("value")
            told = [f"{names.get(p, p)} ({value_words(domain.within.indicator, row)})" for p, row in rows.iterrows()]
            words = t(
                "{what}, at places within it: {places}.",
                what=short_title(domain.within.indicator),
                places=listed(told[:_WITHIN]),
            )
            st.markdown(plain(words))
    none = [said(DOMAINS[d.domain]) for d in domains if d.here and not d.own and d.within is None]
    if none:
        st.caption(plain(t("No indicator is known of this place on: {domains}.", domains=listed(none))))
    if silent:
        st.caption(plain(t("No indicator can be computed in this region on: {domains}.", domains=listed(silent))))


@fragment
def _evidence(region: Region, domain: DomainAtPlace, place: str) -> None:
    """What is behind the numbers of one domain: the card of the indicator that is chosen."""
    with st.expander(t("Evidence: what is behind these numbers"), icon=":material/fact_check:"):
        cards = {f.indicator.id: f for f in domain.own}
        chosen = st.selectbox(
            t("Indicator"),
            list(cards),
            format_func=lambda i: short_title(cards[i].indicator),
            key=f"evidence:{place}:{domain.domain}",
        )
        draw_card(region, cards[chosen], place)


def _facts(found: Profile) -> None:
    if not found.facts:
        return
    st.header(t("Single figures"))
    for row in range(0, len(found.facts), 4):
        for at, fact in zip(st.columns(4), found.facts[row : row + 4], strict=False):
            with at:
                _fact(fact)
    for dataset in {f.dataset.id: f.dataset for f in found.facts}.values():
        _sources(dataset)


def _fact(fact: Fact) -> None:
    words = []
    if fact.spread is not None:
        spread = quantity(fact.spread, unit_symbol(fact.column), digits=2)
        words.append(t("± {spread} (one standard deviation).", spread=spread))
    if fact.p_value is not None:
        words.append(chance_words(fact.p_value))
    if fact.standing is not None:
        words.append(standing_words(fact.standing))
    _figure(marked(column_title(fact.column), fact.dataset.publication), number(fact.value), words)


def _series(region: Region, found: Profile) -> None:
    drawn = found.records if len(found.records) <= _DRAWN else found.key
    for theme, of_theme in groupby(found.records, key=lambda r: r.dataset.theme):
        st.header(theme_words(theme))
        for _, of_dataset in groupby(of_theme, key=lambda r: r.dataset.id):
            records = list(of_dataset)
            st.subheader(plain(dataset_title(records[0].dataset)))
            st.markdown(plain(said(records[0].dataset.summary)))
            _drawn(region, found.id, [r for r in records if r in drawn])
            rest = [r for r in records if r not in drawn]
            if rest:
                _on_request(region, found.id, rest)
            _sources(records[0].dataset)


def _without(found: Profile) -> None:
    if not found.without:
        return
    st.header(t("What we do not have"))
    st.markdown(
        plain(
            t(
                "These datasets have values of its kind of place, but none of {place}: {datasets}.",
                place=found.name,
                datasets=listed(dataset_title(d) for d in found.without),
            )
        )
    )


@fragment
def _on_request(region: Region, place: str, records: Sequence[Record]) -> None:
    """Series as a table, and their charts once they are asked for."""
    st.dataframe(
        pd.DataFrame(
            {
                t("What it measures"): [said(r.column.title) for r in records],
                t("Latest value"): [quantity(r.latest, unit_symbol(r.column)) for r in records],
                t("Of"): [when(r.latest_time, r.dataset.step) if r.latest_time is not None else "" for r in records],
                t("Values there"): [percent(r.completeness) if r.completeness is not None else "–" for r in records],
            }
        ),
        hide_index=True,
    )
    label = tn("Draw this series", "Draw these {n} series", len(records))
    if st.toggle(label, key=f"draw:{place}:{records[0].dataset.id}"):
        _drawn(region, place, records)


def _drawn(region: Region, place: str, records: Sequence[Record]) -> None:
    for record in records:
        _record(region, place, record)


def _record(region: Region, place: str, record: Record) -> None:
    symbol = unit_symbol(record.column)
    time = when(record.latest_time, record.dataset.step) if record.latest_time is not None else ""
    flag = said(record.column.flags.get(record.latest_flag, record.latest_flag)) if record.latest_flag else ""
    after = t("{time}, {flag}", time=time, flag=flag) if flag else time
    words = [*completeness_words(record), *qualifier_words(record)]
    if record.standing is not None:
        words.append(standing_words(record.standing))
    words += change_words(record)
    at_chart, at_words = st.columns([3, 2], gap="medium")
    if record.n > 1:
        drawn = record.sketch(_POINTS)
        figure = series_figure(
            drawn.points, column=record.column, timezone=region.clock(record.dataset.step), gaps=drawn.gaps
        )
        at_chart.plotly_chart(figure, key=f"chart:{place}:{record.dataset.id}:{record.column.name}")
        if drawn.width is not None:
            words.append(
                t(
                    "Each point is the mean of {length}; the band is the lowest to the highest value within it.",
                    length=length_words(drawn.width),
                )
            )
    else:
        at_chart.info(t("A single value cannot be drawn as a series."))
    with at_words:
        st.markdown(f"**{plain(said(record.column.title))}**")
        st.markdown(plain(t("{value} ({time})", value=quantity(record.latest, symbol), time=after)))
        for sentence in words:
            st.caption(plain(sentence))
        if not record.gaps.empty:
            _gaps(record)


def _gaps(record: Record) -> None:
    shown = record.longest_gaps(_GAPS)
    step = record.dataset.step
    label = (
        tn("Its only gap", "Its {n} gaps", len(record.gaps))
        if len(record.gaps) <= _GAPS
        else t("The {n} longest of its {all} gaps", n=_GAPS, all=number(len(record.gaps), decimals=0))
    )
    with st.expander(label):
        st.dataframe(
            pd.DataFrame(
                {
                    t("First without a value"): [when(start, step) for start in shown["start"]],
                    t("Next value"): [when(end, step) for end in shown["end"]],
                    t("Values missing"): shown["missing"].to_list(),
                }
            ),
            hide_index=True,
        )


def _sources(dataset: Dataset) -> None:
    st.caption(plain(titled_source(dataset)))
    if not dataset.flaws:
        return
    with st.expander(tn("{n} known flaw", "{n} known flaws", len(dataset.flaws))):
        for flaw in dataset.flaws:
            st.markdown(f"- {plain(said(flaw))}")


def _inside(region: Region, found: Profile) -> None:
    """Links to the places that lie in this one."""
    if found.inside.empty:
        return
    st.header(t("Places that lie in it"))
    for layer, places in found.inside.groupby("layer", sort=False):
        title = said(region.dataset(str(layer)).title)
        st.markdown(
            plain(
                t(
                    "{layer}: {places}.",
                    layer=title,
                    places=tn("{n} place within it", "{n} places within it", len(places)),
                )
            )
        )
        if len(places) <= _LINKS:
            with st.container(horizontal=True, gap="medium"):
                for place, name in places["name"].items():
                    _link(str(place), str(name) if pd.notna(name) else str(place))
            continue
        key = f"inside:{found.id}:{layer}"
        names = places["name"].where(places["name"].notna(), places.index).astype(str).to_dict()
        st.selectbox(
            t("Go to one of them: {layer}", layer=title),
            list(names),
            index=None,
            format_func=names.__getitem__,
            placeholder=t("Choose a place"),
            label_visibility="collapsed",
            key=key,
            on_change=lambda key=key: remember("place", st.session_state[key]),
        )


def _link(place: str, label: str) -> None:
    # A link to the page that is open would leave the address of the browser as it was.
    st.button(
        plain(label),
        icon=":material/location_on:",
        type="tertiary",
        key=f"go:{place}",
        on_click=remember,
        args=("place", place),
    )


VIEW = View(id="place", title=message("Place"), order=3, icon=":material/location_on:", draw=draw)
