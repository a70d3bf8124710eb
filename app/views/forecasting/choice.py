"""Which series is looked at, its outlook with a progress bar, and the series for which there is none."""

from __future__ import annotations

import streamlit as st

from analytics.outlook import Outlook, forecastable, is_made, outlook
from app.forecast_tables import refused_table
from app.text import said, t, tn
from app.widgets import choose, plain
from geodata.region import Region


def any_forecast(region: Region) -> bool:
    """Whether a region has a series that can be forecast; where it has none, it is told why."""
    if forecastable(region)[0]:
        return True
    st.info(t("This region has no series that can be forecast; the reasons stand below."))
    draw_refused(region)
    return False


def pick_outlook(region: Region) -> Outlook:
    """The series picker, and the outlook of the series that was picked."""
    usable, _ = forecastable(region)
    options = {name: f"{said(d.title)} · {said(c.title)}" for name, (d, c) in usable.items()}
    series = choose("forecast_series", t("Series"), options, resets=("forecast_made", "forecast_threshold"))
    if is_made(region, series):
        return outlook(region, series)
    words = t("Trying the forecasters on the past …")
    bar = st.progress(0.0, text=words)

    def told(done: int, parts: int) -> None:
        bar.progress(min(done / parts, 1.0), text=t("{words} {done} of {parts}", words=words, done=done, parts=parts))

    try:
        return outlook(region, series, progress=told)
    finally:
        bar.empty()


def draw_refused(region: Region) -> None:
    """The series that cannot be forecast, and why."""
    _, refused = forecastable(region)
    if not refused:
        return
    with st.expander(tn("{n} series has no forecast", "{n} series have no forecast", len(refused))):
        st.dataframe(refused_table(region, refused), hide_index=True)
        st.caption(plain(t("A snapshot of one moment is no series: the pages of the domains show it.")))
