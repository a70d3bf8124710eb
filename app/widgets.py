"""Widgets that all pages share: choices kept in the address, two-sentence errors, figures with their source."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from typing import ParamSpec, get_args

import streamlit as st

from analytics.indicator import Domain
from app.text import error_in_words, guess_language, language, languages, said, t, use_language
from geodata.catalog import open_catalog
from geodata.errors import AlmanacError
from geodata.region import Region, load_region, regions

P = ParamSpec("P")
# How often an open page looks whether the catalogue has changed, in seconds.
_LOOK_S = 2
# What is chosen within a region and means nothing in another.
OF_ONE_REGION = (
    *("figure", "dataset", "column", "step", "classes", "time", "place", "coverage", "compared"),
    *("report_theme", "report_places", "report_standard", "report_reference", "report_step", "report_time"),
    *("forecast_series", "forecast_place", "forecast_made", "forecast_threshold", "forecast_lead"),
    *(f"{domain}_{what}" for domain in get_args(Domain) for what in ("indicator", "standard")),
)


def remembered(key: str) -> str | None:
    """What the address says of `key`; where it is silent, what was chosen earlier in this visit."""
    return st.query_params.get(key) or st.session_state.get(f"chosen:{key}")


def remember(key: str, value: str | None) -> None:
    """Writes a choice into the address, so that the link restores it, and into this visit."""
    st.session_state[f"chosen:{key}"] = value
    if value is None:
        if key in st.query_params:
            del st.query_params[key]
    elif st.query_params.get(key) != value:
        st.query_params[key] = value


def choose(
    key: str,
    label: str,
    options: Mapping[str, str],
    *,
    default: str | None = None,
    help: str | None = None,
    kind: str = "select",
    on_sidebar: bool = False,
    resets: tuple[str, ...] = (),
) -> str:
    """One of `options` (id → what is shown), kept in the address under `key`.

    `resets` names the choices that only make sense with this one: they are forgotten when it changes.
    An id in the address that does not exist is told in two sentences, and the default is taken.
    """
    ids = list(options)
    asked = remembered(key)
    if asked is not None and asked not in options:
        if st.query_params.get(key) == asked:
            show_error(
                AlmanacError(
                    t(
                        "The address asks for “{asked}” under “{label}”, which is not here.",
                        asked=asked,
                        label=label,
                    ),
                    hint=t(
                        "“{first}” is shown instead; choose another from the list.",
                        first=options[default or ids[0]],
                    ),
                )
            )
        asked = None
    chosen = asked or default or ids[0]
    # The browser keeps what a widget shows; in another language it must show another text. The picker of the
    # language itself stays the same widget.
    widget = f"widget:{key}" if key == "lang" else f"widget:{key}:{language()}"
    # The address is the truth: it wins over what the widget held, so that back, forward and links work.
    if st.session_state.get(widget) != chosen:
        st.session_state[widget] = chosen
    place = st.sidebar if on_sidebar else st

    def changed() -> None:
        # The browser answers with what it shows. Of a label that has changed since, such as a mark that approval takes
        # away, only the label comes back: nobody has chosen anything.
        if st.session_state[widget] in options:
            remember(key, st.session_state[widget])
            for other in resets:
                remember(other, None)

    if kind == "segments":
        place.segmented_control(
            label,
            ids,
            format_func=lambda i: options[i],
            key=widget,
            on_change=changed,
            help=help,
            required=True,
        )
    else:
        place.selectbox(label, ids, format_func=lambda i: options[i], key=widget, on_change=changed, help=help)
    remember(key, chosen)
    return chosen


def pick_language() -> str:
    """The language picker; begins with what the browser prefers."""
    names = languages()
    code = choose(
        "lang",
        " / ".join(["Language", "语言", "語言"]),
        names,
        default=guess_language(st.context.locale),
        on_sidebar=True,
    )
    use_language(code)
    # Screen readers and fonts go by the language that the document declares; `code` is one of our own.
    st.html(f"<script>document.documentElement.lang = {code!r}</script>", unsafe_allow_javascript=True)
    return code


def region_names() -> dict[str, str]:
    """The regions by id, with their names; one whose description is broken goes by its id."""
    names = {}
    for region_id in regions():
        try:
            names[region_id] = said(load_region(region_id).name)
        except AlmanacError:
            names[region_id] = region_id
    return names


def pick_region(names: Mapping[str, str]) -> str:
    """The region picker."""
    return choose("region", t("Region"), names, default=next(iter(names)), on_sidebar=True, resets=OF_ONE_REGION)


def show_error(error: AlmanacError) -> None:
    """The two sentences of an error: what is wrong, and what to do next."""
    what, hint = (plain(sentence) for sentence in error_in_words(error))
    st.error(f"**{what}** {hint}", icon=":material/error:")


@contextmanager
def errors_shown() -> Iterator[None]:
    """Within it, an error that the reader can mend is shown in its two sentences, and what follows goes on."""
    try:
        yield
    except AlmanacError as error:
        show_error(error)


def fragment(draw: Callable[P, None]) -> Callable[P, None]:
    """A part of a page that reruns by itself, in the language of the page.

    A fragment's rerun does not pass through `main`, so the language has to be carried along.
    """

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        use_language(st.session_state["chosen:lang"])
        with errors_shown():
            draw(*args, **kwargs)

    return st.fragment(drawn)


def follow_catalogue() -> None:
    """Draws the page anew when data were published, approved, withdrawn or appended by another process or reader.

    Called before the page is drawn: what changes while that takes its time is news to it.
    """
    _settle()
    st.session_state["catalog"] = open_catalog()
    _look_for_news()


@cache
def _settle() -> None:
    """Once for the process: what was imported stays, and need not be looked through as garbage.

    Streamlit collects garbage after every run, and each open page runs every two seconds to look for news.
    """
    gc.collect()
    gc.freeze()


@st.fragment(run_every=_LOOK_S)
def _look_for_news() -> None:
    if st.session_state["catalog"] is not open_catalog():
        st.rerun()


def plain(text: str) -> str:
    """Text in which nothing is read as Markdown or HTML: it may quote a hostile file or address."""
    for mark in "\\`*_{}[]()#+-!|<>$~:":
        text = text.replace(mark, "\\" + mark)
    # What begins like an address would become a link.
    return re.sub(r"(?i)\b(www)\.", r"\1\.", text)


def show_place_link(region: Region, place: str | None) -> None:
    """Keeps the place that was chosen on a map in the address, and leads to its page."""
    if place is None or place not in region.places().index:
        return
    remember("place", place)
    name = str(region.places().loc[place, "name"])
    st.page_link(
        st.session_state["pages"]["place"],
        label=plain(t("All we know of {place}", place=name)),
        icon=":material/location_on:",
        query_params={"place": place, "region": region.id, "lang": language()},
    )


def show_report_link(
    region: Region,
    theme: str,
    place: str | None = None,
    *,
    standard: str = "",
    reference: str = "",
    step: str = "",
    time: str = "",
) -> None:
    """Leads to where the map that is looked at is printed, or where a place is chosen its sheet.

    Parameters
    ----------
    theme : the indicator, or the series as `dataset.column`, that the map shows.
    standard, reference, step, time : how it is shown, as `app.report.request.Request` has them but for the reference,
        which is named as by `app.indicator_words.reference_name`; "" where it is as usual.
    """
    if place is not None and place not in region.places().index:
        place = None
    shown = {"standard": standard, "reference": reference, "step": step, "time": time}
    st.page_link(
        st.session_state["pages"]["report"],
        label=t("This view as a page"),
        icon=":material/print:",
        query_params={
            "report_kind": "map" if place is None else "sheet",
            "report_theme": theme,
            **({} if place is None else {"report_places": place}),
            **{f"report_{what}": chosen for what, chosen in shown.items() if chosen},
            "region": region.id,
            "lang": language(),
        },
    )
