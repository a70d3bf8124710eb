"""One place on a domain's page: its series against its own normal range, and its trend."""

from __future__ import annotations

import streamlit as st

from analytics.against_normal import Normal, Yearly, against_normal, dataset_of, yearly
from analytics.finding import Finding
from analytics.normals import LEAST_YEARS
from analytics.series import sketch
from app.charts import series_figure
from app.dataset_words import titled_source, unit_symbol
from app.indicator_charts import normal_figure, trend_figure
from app.indicator_words import class_words, reason_words, trend_words, value_words
from app.text import said, t, together
from app.widgets import plain
from geodata.region import Region


def draw_place(region: Region, found: Finding, place: str, reference: tuple[int, int] | None, *, chosen: bool) -> None:
    """Draws what the indicator says of one place, and the series that it says it from."""
    row = found.measured.table.loc[place]
    name = str(region.places()["name"].get(place, place))
    st.header(plain(name))
    if row["reason"]:
        st.markdown(plain(reason_words(found.indicator, row)))
    else:
        label, value = class_words(found, place), value_words(found.indicator, row)
        told = t("{value}: {label}.", value=value, label=label) if label else t("{words}.", words=value)
        st.markdown(plain(told))
    if not chosen:
        st.caption(t("The first of the ranking is shown; choose another place on the map, in its search or its table."))
    if found.indicator.table != "panel":
        return
    by_year = yearly(region, found.measured, place, reference=reference)
    if by_year is not None and by_year.dataset.step == "1 year":
        _by_year(found, by_year)  # the years are the series, and know of no season
        return
    at_normal, at_trend = st.columns([6, 4], gap="medium")
    normal = against_normal(region, found.measured, place, reference=reference)
    with at_normal:
        if normal is not None:
            _normal(found, normal)
        else:
            _without_normal(region, found, place)
    if by_year is not None:
        with at_trend:
            _by_year(found, by_year)


def _normal(found: Finding, normal: Normal) -> None:
    st.subheader(t("Against what is normal for the time of the year"))
    st.plotly_chart(normal_figure(normal, column=normal.column), key=f"normal-{found.indicator.domain}")
    bands = t(
        "Bands: percentiles of all values at the same time of the year in {first}–{last} "
        "({n} years); none are given beyond the highest and lowest.",
        first=str(normal.reference[0]),
        last=str(normal.reference[1]),
        n=str(normal.years),
    )
    st.caption(plain(together([bands, titled_source(normal.dataset)])))


def _by_year(found: Finding, by_year: Yearly) -> None:
    st.subheader(t("Year by year"))
    st.plotly_chart(trend_figure(by_year, column=by_year.column), key=f"trend-{found.indicator.domain}")
    what = t("What is drawn is the yearly value of “{what}”, not the indicator.", what=said(by_year.column.title))
    words = trend_words(by_year.trend, unit_symbol(by_year.column))
    st.caption(plain(together([what, words, titled_source(by_year.dataset)])))


def _without_normal(region: Region, found: Finding, place: str) -> None:
    """The series alone, where its years are too few to say what is normal."""
    column_name = found.indicator.needs[0]
    dataset = dataset_of(found.measured, place)
    panel = region.table(dataset.id)
    mine = panel[panel["location_id"] == place]
    drawn = sketch(mine["time"], mine[column_name], dataset.step)
    column = dataset.column(column_name)
    st.subheader(t("The series"))
    figure = series_figure(drawn.points, column=column, timezone=region.clock(dataset.step), gaps=drawn.gaps)
    st.plotly_chart(figure, key=f"series-{found.indicator.domain}")
    few = t("Fewer than {n} years: too few to say what is normal for the time of the year.", n=str(LEAST_YEARS))
    st.caption(plain(together([few, titled_source(dataset)])))
