"""The evidence behind a domain's numbers, and the numbers themselves as a table."""

from __future__ import annotations

import streamlit as st

from analytics.finding import Finding
from app.indicator_tables import table_words
from app.indicator_words import evidence_card
from app.text import ENGLISH, language, t
from app.widgets import plain
from geodata.region import Region


def draw_evidence(region: Region, found: Finding, place: str | None) -> None:
    """Draws the evidence card of the number shown, folded until it is asked for."""
    with st.expander(t("Evidence: what is behind this number"), icon=":material/fact_check:", expanded=False):
        draw_card(region, found, place)


def draw_card(region: Region, found: Finding, place: str | None) -> None:
    """Draws all that is needed to defend an indicator's number, at one place or at all of them."""
    names = region.places()["name"]
    if place is not None:
        st.markdown(f"**{plain(str(names.get(place, place)))}**")
    card = evidence_card(region, found, place)
    half = (len(card) + 1) // 2
    for at, facts in zip(st.columns(2, gap="medium"), (card[:half], card[half:]), strict=True):
        with at:
            for label, text in facts:
                st.markdown(f"**{plain(label)}**  \n{plain(text)}")
    # The notes are English prose; every other language has the card above, formula included.
    if language() == ENGLISH:
        st.caption(plain(found.indicator.definition))


def draw_table(region: Region, found: Finding) -> None:
    """Draws every place with its value, its evidence, or the reason why there is none."""
    label = t("All places as a table, with evidence")
    with st.expander(label, icon=":material/table:"):
        st.dataframe(table_words(region, found), hide_index=True, placeholder=t("not enough data"), alt=label)
