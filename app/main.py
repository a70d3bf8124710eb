"""The dashboard: page set-up, language and region, navigation. Run by `almanac run`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.text import said, t
from app.view import Context, View, find_views
from app.widgets import errors_shown, follow_catalogue, pick_language, pick_region, region_names, show_error
from geodata.errors import AlmanacError
from geodata.region import load_region

# An icon of our own: Streamlit fetches the Material ones for the browser's tab from the internet.
ICON = Path(__file__).parent / "icon.svg"
# Streamlit leaves a hand's breadth above the title, which pushes the answer off a small screen, and writes
# captions too pale to read for many (WCAG asks for a contrast of 4.5).
STYLE = """
[data-testid="stMainBlockContainer"] {padding-top: 2.5rem; padding-bottom: 3rem}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] * {opacity: 1; color: #4b5863}
[data-testid="stMetricValue"] > div {white-space: normal; overflow: visible; overflow-wrap: anywhere}
"""


def main() -> None:
    """Draws the page that the address asks for."""
    st.set_page_config(page_title="Almanac", page_icon=str(ICON), layout="wide")
    st.html(f"<style>{STYLE}</style>")
    language = pick_language()
    try:
        region_id = pick_region(region_names())
    except AlmanacError as error:
        show_error(error)
        return

    def page(view: View) -> st.Page:
        def draw() -> None:
            with errors_shown():
                view.draw(Context(load_region(region_id), language))

        first = view is find_views()[0]
        return st.Page(draw, title=said(view.title), icon=view.icon, url_path=None if first else view.id, default=first)

    pages = {view.id: page(view) for view in find_views()}
    st.session_state["pages"] = pages
    follow_catalogue()
    st.navigation(list(pages.values())).run()
    st.sidebar.caption(t("Everything on these pages comes from files on this machine; nothing is sent anywhere."))


main()
