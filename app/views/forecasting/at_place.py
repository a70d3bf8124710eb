"""What is likely next at one place, for the page on the place: drawn where it is known already, else a link to it."""

from __future__ import annotations

import streamlit as st

from analytics.fan import fan_at
from analytics.outlook import first_forecastable, is_made, outlook
from analytics.place import Profile
from app.forecast_charts import fan_figure
from app.forecast_words import place_words, record_words
from app.text import language, said, t
from app.widgets import plain
from geodata.region import Region


def draw_at_place(region: Region, found: Profile) -> None:
    """Draws the forecast of the first series of the place that has one; nothing where none has.

    Trying forecasters on the past takes minutes, and a reader of this page has not asked for it: what is not in memory
    is a link to the page that does.
    """
    names = [f"{r.dataset.id}.{r.column.name}" for r in (*found.key, *found.records)]
    series = first_forecastable(region, sorted(names, key=lambda name: name != region.opens_on))
    if series is None:
        return
    dataset, column = region.series(series)
    st.header(t("What is likely next"))
    if is_made(region, series):
        known = outlook(region, series)
        st.markdown(f"**{plain(said(column.title))}**")
        st.markdown(plain(place_words(known, region, found.id)))
        fan = fan_at(known, found.id)
        timezone = region.clock(known.history.step)
        st.plotly_chart(fan_figure(fan.past, fan.fan, fan.later, found=known, timezone=timezone), key="fan")
        st.caption(plain(record_words(known)))
    # A dataset without positions has no map to choose a place on, and a picker of its own.
    key = "place" if dataset.locations is not None else "forecast_place"
    st.page_link(
        st.session_state["pages"]["forecasts"],
        label=plain(t("Forecast: {series}, {place}", series=said(column.title), place=found.name)),
        icon=":material/trending_up:",
        query_params={"region": region.id, "lang": language(), "forecast_series": series, key: found.id},
    )
