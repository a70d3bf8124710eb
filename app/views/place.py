"""All we have of one place, every series with its gaps and sources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import pandas as pd
import streamlit as st

from analytics.place import Fact, Profile, Record, best_known, profile
from app.charts import series_figure
from app.sentences import answer, comparison_words, completeness_words, length_words, qualifier_words, standing_words
from app.text import language, listed, message, number, percent, quantity, said, t, tn, when
from app.view import Context, View
from app.views.explore import THEMES
from app.widgets import choose, errors_shown, fragment, plain, remember, remembered, show_error, source_line
from geodata.catalog import Dataset
from geodata.region import Region

# More charts at once would keep the page from opening within two seconds; more links would hide the answer.
_DRAWN = 4
_LINKS = 6
_GAPS = 50


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
    _facts(found)
    _series(region, found)
    _inside(region, found)
    for error in found.broken.values():
        show_error(error)


def _choose_place(region: Region) -> str:
    places = region.places()
    asked = remembered("place")
    if asked is not None and asked not in places.index:
        # A place left behind in another region is no mistake; a wrong address is.
        if st.session_state.get("place of") in (None, region.id):
            with errors_shown():
                profile(region, asked)
        remember("place", None)
    st.session_state["place of"] = region.id
    return choose(
        "place",
        t("Place"),
        _labels(region),
        default=best_known(region),
        help=t("Type a part of its name."),
    )


def _labels(region: Region) -> dict[str, str]:
    """Every place by what tells it apart: its name, its kind, and where both are equal its id."""
    places = region.places()
    kinds = {d.id: said(d.title) for d in region.layers.values()}
    names = places["name"].fillna("").astype(str)
    names = names.where(names != "", places.index)
    shown = names + places["layer"].map(kinds).radd(" · ").fillna("")
    shown = shown.where(~shown.duplicated(keep=False), shown + " (" + places.index + ")")
    return dict(zip(places.index, shown, strict=True))


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
            _link(region, area, t("lies in {place}", place=names[area]))
        if found.near is not None:
            area, kilometres = found.near
            away = t(
                "outside the region’s own places; nearest: {place}, {distance} away",
                place=names[area],
                distance=quantity(kilometres, "km", digits=2),
            )
            _link(region, area, away)


def _key_figures(found: Profile) -> None:
    if not found.key:
        return
    for at, record in zip(st.columns(4), found.key, strict=False):
        with at:
            st.metric(
                said(record.column.title),
                quantity(record.latest, record.column.canonical_unit.symbol),
                help=plain(f"{said(record.dataset.title)}. {source_line(record.dataset)}"),
                border=True,
            )
            st.caption(plain(" ".join(_moment_and_standing(record))))


def _moment_and_standing(record: Record) -> list[str]:
    words = []
    if record.latest_time is not None:
        words.append(t("Latest value, {time}.", time=when(record.latest_time, record.dataset.step)))
    if record.standing is not None:
        words.append(standing_words(record.standing))
    return words


def _facts(found: Profile) -> None:
    if not found.facts:
        return
    st.header(t("What was found once"))
    for row in range(0, len(found.facts), 4):
        for at, fact in zip(st.columns(4), found.facts[row : row + 4], strict=False):
            with at:
                _fact(fact)
    for dataset in {f.dataset.id: f.dataset for f in found.facts}.values():
        _sources(dataset)


def _fact(fact: Fact) -> None:
    symbol = fact.column.canonical_unit.symbol
    shown = quantity(fact.value, symbol)
    words = []
    if fact.spread is not None:
        shown = f"{number(fact.value)} ± {quantity(fact.spread, symbol)}"
        words.append(t("± is one standard deviation."))
    st.metric(said(fact.column.title), shown, border=True, help=plain(said(fact.dataset.title)))
    if fact.p_value is not None:
        words.append(
            t(
                "Where there is no trend at all, one as strong arises by chance with a probability of {p}.",
                p=number(fact.p_value, digits=2) if fact.p_value >= 0.001 else t("less than 0.001"),
            )
        )
    if fact.standing is not None:
        words.append(standing_words(fact.standing))
    st.caption(plain(" ".join(words)))


def _series(region: Region, found: Profile) -> None:
    left = _DRAWN
    for theme, of_theme in groupby(found.records, key=lambda r: r.dataset.theme):
        st.header(said(THEMES[theme]))
        for _, of_dataset in groupby(of_theme, key=lambda r: r.dataset.id):
            records = list(of_dataset)
            st.subheader(plain(said(records[0].dataset.title)))
            st.markdown(plain(said(records[0].dataset.summary)))
            _drawn(region, found.id, records[:left])
            if records[left:]:
                _on_request(region, found.id, records[left:])
            left = max(0, left - len(records))
            _sources(records[0].dataset)
    if found.without:
        st.header(t("What we do not have"))
        st.markdown(
            plain(
                t(
                    "These datasets have values of its kind of place, but none of {place}: {datasets}.",
                    place=found.name,
                    datasets=listed(said(d.title) for d in found.without),
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
                t("Latest value"): [quantity(r.latest, r.column.canonical_unit.symbol) for r in records],
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
    for row in range(0, len(records), 2):
        for at, record in zip(st.columns(2, gap="large"), records[row : row + 2], strict=False):
            with at:
                _record(region, place, record)


def _record(region: Region, place: str, record: Record) -> None:
    symbol = record.column.canonical_unit.symbol
    value = quantity(record.latest, symbol)
    time = when(record.latest_time, record.dataset.step) if record.latest_time is not None else ""
    flag = said(record.column.flags.get(record.latest_flag, record.latest_flag)) if record.latest_flag else ""
    after = f"{time}, {flag}" if flag else time
    st.markdown(f"#### {plain(said(record.column.title))}\n**{plain(value)}** ({plain(after)})")
    words = []
    if record.n > 1:
        drawn = record.sketch()
        figure = series_figure(
            drawn.points, column=record.column, timezone=region.clock(record.dataset.step), gaps=drawn.gaps
        )
        st.plotly_chart(figure, key=f"chart:{place}:{record.dataset.id}:{record.column.name}")
        if drawn.width is not None:
            words.append(
                t(
                    "Each point is the mean of {length}; the band is the lowest to the highest value within it.",
                    length=length_words(drawn.width),
                )
            )
    st.caption(
        plain(" ".join([*words, *completeness_words(record), *qualifier_words(record), *comparison_words(record)]))
    )
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
    st.caption(plain(f"{said(dataset.title)}. {source_line(dataset)}"))
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
                    _link(region, str(place), str(name) if pd.notna(name) else str(place))
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


def _link(region: Region, place: str, label: str) -> None:
    st.page_link(
        st.session_state["pages"]["place"],
        label=plain(label),
        icon=":material/location_on:",
        query_params={"place": place, "region": region.id, "lang": language()},
        width="content",
    )


VIEW = View(id="place", title=message("Place"), order=3, icon=":material/location_on:", draw=draw)
