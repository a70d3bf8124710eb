"""Where the ground sinks near people: the places in the order in which to look, with how sure that is."""

from __future__ import annotations

import streamlit as st

from analytics.near_people import near_people_of
from app.dataset_words import titled_source
from app.near_people_words import near_people_answer, near_people_table
from app.text import t, together
from app.widgets import plain
from geodata.region import Region


def draw_near_people(region: Region) -> None:
    """Draws the answer to the page's question, where the region has velocities and people."""
    found = near_people_of(region)
    if found is None:
        nobody = t("This region has no vertical velocities beside the people of its places: of people nothing is said.")
        st.caption(plain(nobody))
        return
    st.markdown(plain(near_people_answer(region, found)))
    table = near_people_table(region, found)
    st.dataframe(table, hide_index=True, height=min(38 + 35 * len(table), 250))
    coarse = t(
        "People are those of the whole place, not those at the site: the order says where to look first, "
        "not how many are affected."
    )
    st.caption(plain(together([coarse, titled_source(found.motion), titled_source(found.people)])))
