"""Map reports: what is printed, of where, for whom; a first look; and the files to take away."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from analytics.standard import standards_of
from app.dataset_words import place_labels
from app.indicator_words import NO_STANDARD, reference_named, reference_words
from app.report.download import Logo, Look, make_files, offered_themes, preview
from app.report.request import Request
from app.report.theme import theme_of
from app.report.words import known_words
from app.text import language, languages, listed, message, number, said, t, together
from app.view import Context, View
from app.widgets import choose, errors_shown, fragment, plain, remember, remembered, show_error
from geodata.errors import AlmanacError
from geodata.region import Region

_KINDS = {
    "atlas": message("Atlas: cover, contents, map, a sheet for each place, method, index"),
    "sheet": message("Sheets alone, one page for each place"),
    "map": message("One map with its ranking and distribution"),
    "brief": message("Brief for a decision maker, a few pages"),
}
# The address cannot hold an empty choice.
_OF_PAGE = "page"
_LONGEST_MARK = 80
# How the map of a theme may be shown otherwise than as usual.
_VIEW_KEYS = ("standard", "reference", "step", "time")


def draw(context: Context) -> None:
    """Draws the page."""
    st.title(t("What shall be printed?"))
    st.markdown(
        plain(
            t(
                "A report is a PDF that screen readers can read, with source, method and uncertainty on every page, "
                "and beside it exactly the numbers printed."
            )
        )
    )
    _draw(context)


@fragment
def _draw(context: Context) -> None:
    request = _request(context.region)
    with st.expander(t("Issuer, logo and marks"), icon=":material/badge:"):
        request, logo = _marks(request)
    _make(request, logo)
    _first_look(request, logo)


def _request(region: Region) -> Request:
    """What is asked for, but the marks."""

    for_kind, for_theme = st.columns(2)
    with for_kind:
        kind = choose("report_kind", t("Kind of report"), {k: said(words) for k, words in _KINDS.items()})
    shown = _remembered_view()
    with for_theme:
        resets = tuple(f"report_{what}" for what in _VIEW_KEYS)
        theme = choose("report_theme", t("Theme"), offered_themes(region, remembered("report_theme")), resets=resets)
    _told_view(region, theme, shown)
    reference = None
    with errors_shown():
        reference = reference_named(shown["reference"] or "all")
    places = _places(region) if kind in ("atlas", "sheet") else ()
    for_language, for_paper, for_orientation = st.columns(3)
    with for_language:
        spoken = {_OF_PAGE: t("As this page: {language}", language=languages()[language()]), **languages()}
        code = choose("report_language", t("Language of the report"), spoken)
    with for_paper:
        paper = choose("report_paper", t("Paper"), {"a4": "A4", "a3": "A3"})
    with for_orientation:
        turned = {"portrait": t("Portrait"), "landscape": t("Landscape")}
        orientation = choose("report_orientation", t("Orientation"), turned)
    asked = Request(
        region=region.id,
        kind=kind,  # type: ignore[arg-type]
        places=places,
        theme=theme,
        standard=shown["standard"],
        reference=reference,
        step=shown["step"],
        time=shown["time"],
        language=language() if code == _OF_PAGE else code,
        paper=paper,  # type: ignore[arg-type]
        orientation=orientation,  # type: ignore[arg-type]
    )
    if kind in ("atlas", "sheet") and not places:
        _told_gaps(region, asked)
    # Links on paper lead to where this dashboard was opened.
    address = (st.context.url or "").partition("?")[0].rstrip("/").removesuffix("/report")
    return replace(asked, dashboard=address) if address else asked


def _told_gaps(region: Region, asked: Request) -> None:
    """Says before an atlas of all places is made how many of its sheets have nothing on its theme."""
    with suppress(AlmanacError):  # told when the report is made
        theme = theme_of(
            region, asked.theme, standard=asked.standard, reference=asked.reference, step=asked.step, time=asked.time
        )
        if len(theme.known) < len(theme.values):
            told = [known_words(theme), t("The sheets of the others say that there is none.")]
            st.caption(plain(together(told)))


def _remembered_view() -> dict[str, str]:
    """How the map from which one came shows the theme; "" where it is as usual."""
    # A link that names a theme says all of it: what an earlier one said of another view does not stay.
    asked = st.query_params.get if "report_theme" in st.query_params else remembered
    shown = {what: asked(f"report_{what}") or "" for what in _VIEW_KEYS}
    for what, chosen in shown.items():
        remember(f"report_{what}", chosen or None)
    return shown


def _told_view(region: Region, theme: str, shown: Mapping[str, str]) -> None:
    """Says how the theme is shown where it is not as usual, with a way to drop that."""
    told = []
    if shown["standard"] == NO_STANDARD:
        told.append(t("classes from the values"))
    elif shown["standard"]:
        standard = standards_of(theme).get(shown["standard"])
        told.append(said(standard.title) if standard is not None else shown["standard"])
    if shown["reference"]:
        with suppress(AlmanacError):  # told where it is used
            told.append(t("fitted on: {years}", years=reference_words(reference_named(shown["reference"]))))
    if shown["step"]:
        told.append(said(shown["step"]))
    if shown["time"]:
        told.append(_moment(region, theme, shown["step"], shown["time"]))
    if not any(shown.values()):
        return
    at_words, at_button = st.columns([5, 2], vertical_alignment="center")
    with at_words:
        st.caption(plain(t("As on the page you came from: {what}.", what=listed(told))))
    with at_button:
        st.button(t("Show it as usual"), icon=":material/undo:", on_click=_drop_view, key="report:usual")


def _moment(region: Region, theme: str, step: str, time: str) -> str:
    """A step as its map calls it; as the address has it where there is none."""
    try:
        return theme_of(region, theme, step=step, time=time).period
    except AlmanacError:
        return time  # told when the report is made


def _drop_view() -> None:
    for what in _VIEW_KEYS:
        remember(f"report_{what}", None)


def _places(region: Region) -> tuple[str, ...]:
    """The places that were chosen, by id; none stands for all of the theme."""

    labels = place_labels(region)
    asked = [place for place in (remembered("report_places") or "").split(",") if place]
    for place in (place for place in asked if place not in labels):
        with errors_shown():
            Request(region.id, places=(place,)).load()  # tells what was most likely meant
    chosen = [place for place in dict.fromkeys(asked) if place in labels]
    widget = f"widget:report_places:{region.id}:{language()}"
    # As in `choose`, the address wins over what the widget held.
    if st.session_state.get(widget) != chosen:
        st.session_state[widget] = chosen
    remember("report_places", ",".join(chosen) or None)
    st.multiselect(
        t("Places to print"),
        list(labels),
        format_func=labels.__getitem__,
        key=widget,
        on_change=lambda: remember("report_places", ",".join(st.session_state[widget]) or None),
        placeholder=t("All places that have this theme"),
        select_all=False,
    )
    return tuple(chosen)


def _marks(request: Request) -> tuple[Request, Logo | None]:
    """The request with what every page bears, and the logo."""
    for_issuer, for_mark, for_id = st.columns(3)
    with for_issuer:
        issuer = _typed("report_issuer", t("Issued by"), t("The office whose name stands on every page."))
    with for_mark:
        mark = _typed("report_mark", t("Classification"), t("Such as “Official use only”; on every page."))
    with for_id:
        document = _typed("report_id", t("Document id"), t("Without one, an id is made from what is asked for."))
    uploaded = st.file_uploader(t("Logo (PNG, JPEG or SVG)"), type=["png", "jpg", "jpeg", "svg"], max_upload_size=2)
    archive = choose(
        "report_archive",
        t("For archives"),
        {"no": t("PDF/UA alone"), "yes": t("PDF/UA and PDF/A, for archives")},
        kind="segments",
    )
    logo = (uploaded.name, uploaded.getvalue()) if uploaded is not None else None
    marked = replace(request, issuer=issuer, classification=mark, document_id=document, archive=archive == "yes")
    return marked, logo


def _typed(key: str, label: str, help: str) -> str:
    """A short text, kept in the address under `key`."""
    text = (remembered(key) or "")[:_LONGEST_MARK]
    widget = f"widget:{key}"
    if st.session_state.get(widget) != text:
        st.session_state[widget] = text
    st.text_input(
        label,
        key=widget,
        max_chars=_LONGEST_MARK,
        help=help,
        on_change=lambda: remember(key, st.session_state[widget].strip() or None),
    )
    remember(key, text or None)
    return text


@st.cache_data(max_entries=16, ttl=600, show_spinner=False)
def _looks(request: Request, logo: Logo | None) -> list[Look]:

    return preview(request, logo)


def _first_look(request: Request, logo: Logo | None) -> None:
    if not st.toggle(t("Show how it will look"), key="report:look"):
        return
    with errors_shown():
        with st.spinner(t("Setting the page …"), show_time=False):
            looks = _looks(request, logo)
        if request.kind in ("atlas", "sheet"):
            st.caption(t("The sheet of the first place; its page number will be another."))
        for look in looks:
            with st.container(border=True, width="content"):
                st.image(look.picture, alt=look.alt, width=800 if request.orientation == "portrait" else 1100)


def _make(request: Request, logo: Logo | None) -> None:

    asked = (request, logo)
    if st.button(t("Make the report"), type="primary", icon=":material/picture_as_pdf:"):
        words = t("Making the report …")
        bar = st.progress(0.0, text=words)

        def told(done: int, of: int) -> None:
            text = t(
                "{words} {done} of {parts}", words=words, done=number(done, decimals=0), parts=number(of, decimals=0)
            )
            bar.progress(min(done / of, 1.0), text=text)

        try:
            st.session_state["report:made"] = (asked, make_files(request, logo, told))
        except AlmanacError as error:
            st.session_state["report:made"] = None
            show_error(error)
        finally:
            bar.empty()
    made = st.session_state.get("report:made")
    if made is None:
        return
    if made[0] != asked:
        st.caption(t("Something else was chosen since the last report was made."))
        return
    _downloads(made[1])


def _downloads(files: Mapping[str, bytes]) -> None:
    words = {".pdf": t("PDF"), ".docx": t("Word"), ".zip": t("The numbers and drawings (.zip)")}
    icons = {".pdf": ":material/picture_as_pdf:", ".docx": ":material/edit_document:", ".zip": ":material/folder_zip:"}
    kinds = {
        ".pdf": "application/pdf",
        ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ".zip": "application/zip",
    }
    volumes = [name for name in files if name.endswith(".pdf")]
    with st.container(horizontal=True):
        for name, content in files.items():
            ending = PurePath(name).suffix
            label = words[ending]
            if ending == ".pdf" and len(volumes) > 1:
                label = t("PDF, volume {n} of {of}", n=volumes.index(name) + 1, of=len(volumes))
            st.download_button(
                label, content, file_name=name, mime=kinds[ending], icon=icons[ending], on_click="ignore", key=name
            )


VIEW = View(id="report", title=message("Report"), order=10, icon=":material/picture_as_pdf:", draw=draw)
