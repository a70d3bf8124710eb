"""Where the standards disagree: the same value, a concern to one authority and none to another."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analytics.classes import Classes, ramp
from analytics.finding import compared, finding
from analytics.indicators import INDICATORS
from analytics.measure import measured
from analytics.standard import compare
from app.domain_words import DOMAINS
from app.indicator_tables import breaks_words, disagreements_table
from app.indicator_words import chosen_unit, disagreement_words, short_title, standard_words
from app.map import map_view
from app.text import message, said, t
from app.view import Context, View
from app.views.domain.page import categories_words
from app.views.domain.tables import draw_evidence
from app.widgets import choose, fragment, plain, remembered, show_place_link

# From none to all of the standards: pale to dark, in steps of lightness alone.
_CONCERN = ("#e9e9e6", "#9fb3c4", "#5a7d9a", "#1f4e79", "#0b2545")


def draw(context: Context) -> None:
    """Draws the page."""
    st.title(t("Where do the standards disagree?"))
    _standards(context)


@fragment
def _standards(context: Context) -> None:
    region = context.region
    with st.spinner(t("Working out the indicators …"), show_time=False):
        offered = compared(region)
    if not offered:
        st.info(t("No indicator that this region has data for has classes in more than one standard."))
        return
    options = {i: f"{said(DOMAINS[INDICATORS[i].domain])} · {chosen_unit(INDICATORS[i])}" for i in offered}
    indicator = INDICATORS[choose("compared", t("Indicator"), options)]
    found = measured(region, indicator.id)
    result = compare(indicator.id, found.values)
    st.markdown(plain(disagreement_words(indicator, result)))
    n = len(result.standards)
    classes = Classes(
        tuple(float(i) for i in range(n + 2)),
        ramp(_CONCERN, n + 1),
        labels=tuple(t("{k} of {n} standards see a concern", k=str(k), n=str(n)) for k in range(n + 1)),
        distinct=True,
    )
    if found.use.locations is not None:
        layer = found.layer(region)
        state = map_view(
            layer,
            result.table["concerned"].astype(float).reindex(layer.index),
            classes=classes,
            title=t("Standards that see a concern: {what}", what=short_title(indicator)),
            basemap=region.base(),
            attribution=found.producers,
            selected=remembered("place"),
            words=categories_words(),
            bounds=region.bounds() if len(layer) == 1 else None,
            height=420,
            key=f"standards-{region.id}",
        )
        show_place_link(region, state.selected)
    st.header(t("Places on which they disagree"))
    table = disagreements_table(region, indicator, result)
    if len(table):
        st.dataframe(table, hide_index=True)
    else:
        st.markdown(plain(t("There is none: every place is a concern to all of these standards, or to none.")))
    draw_evidence(region, finding(region, indicator.id), remembered("place"))
    st.header(t("The standards and their classes"))
    for standard in result.standards:
        st.markdown(f"**{plain(said(standard.title))}**  \n{plain(standard_words(standard))}")
        st.dataframe(pd.DataFrame(breaks_words(standard, indicator)), hide_index=True)
        note = standard.classes[indicator.id].note
        if note:
            st.caption(plain(said(note)))
        st.caption(plain(t("Read in: {reference}", reference=standard.reference)))


VIEW = View(id="standards", title=message("Standards"), order=11, icon=":material/rule:", draw=draw)
