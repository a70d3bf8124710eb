"""What is likely to happen next at every place, how sure that is, and how far ahead anyone can see."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analytics.chances import chances_at, thresholds_at
from analytics.classes import Classes, ramp
from analytics.fan import fan_at
from analytics.outlook import Outlook, classes_ahead, first_place
from app.charts import map_figure
from app.dataset_words import unit_symbol
from app.export import csv_bytes
from app.forecast_charts import chances_figure, fan_figure
from app.forecast_tables import forecast_table
from app.forecast_words import ahead_words, answer, card, chance_words, place_words, record_words, time_words
from app.map import map_view
from app.map.words import map_words
from app.text import message, quantity, said, t
from app.view import Context, View
from app.views.forecasting.choice import any_forecast, draw_refused, pick_outlook
from app.widgets import choose, fragment, plain, remembered, show_place_link
from geodata.region import Region

# Pale to dark: the further ahead, the darker; in steps of lightness alone.
_AHEAD = ("#d3e2ee", "#8fb3cf", "#4a7fa8", "#1f4e79", "#0b2545")


def draw(context: Context) -> None:
    """Draws the page."""
    st.title(t("What is likely to happen next, and how far ahead can we see?"))
    if any_forecast(context.region):
        _draw(context)


@fragment
def _draw(context: Context) -> None:
    region = context.region
    found = pick_outlook(region)
    st.markdown(plain(answer(found, region)))
    st.caption(plain(record_words(found)))
    selected = _map(region, found)
    place = selected if selected is not None and selected in found.history.places else first_place(found)
    _place(region, found, place)
    with st.expander(t("Model card: what stands behind this forecast")):
        st.dataframe(pd.DataFrame(card(found, region, place), columns=[t("What"), t("Here")]), hide_index=True)
    with st.expander(t("The forecast as a table")):
        _table(region, found, place)
    draw_refused(region)


def _map(region: Region, found: Outlook) -> str | None:
    """Where a model knows more than a guess, and how far ahead."""
    if found.dataset.locations is None:
        names = {p: str(region.places()["name"].get(p, p)) for p in found.history.places}
        if len(names) == 1:
            return next(iter(names))
        return choose("forecast_place", t("Place"), names)
    st.header(t("Where we can see ahead, and how far"))
    layer = region.layer_of(found.dataset)
    layer = layer[layer.index.isin(found.history.places)]
    spans, of_place = classes_ahead(found)
    labels = [_span_words(first, last, found.history.step) for first, last in spans]
    classes = Classes(
        tuple(map(float, range(len(spans) + 1))),
        ramp(_AHEAD, len(spans)),
        labels=tuple(labels),
        authority=t("skill over the best guess above zero with 90% confidence"),
        distinct=True,
    )
    values = of_place.reindex(layer.index)
    title = t("A model proved better than a guess up to")
    summary = t(
        "At {known} of {n} places a model proved better than a guess at the first step; "
        "at {missing} a simple guess is shown there."
    )
    none = t("At none of the {n} places did a model prove better than a guess at the first step.")
    words = {**map_words(), "no_data": t("no model proved better"), "summary": summary, "summary_none": none}
    state = map_view(
        layer,
        values,
        classes=classes,
        title=title,
        basemap=region.base(),
        attribution=found.dataset.producer,
        selected=remembered("place"),
        words=words,
        bounds=region.bounds() if len(layer) == 1 else None,
        height=430,
        key=f"forecasts-{region.id}",
    )
    if not state.webgl:
        st.plotly_chart(map_figure(layer, values, title=title, unit="", classes=classes, crs=region.crs_metric))
    show_place_link(region, state.selected)
    return state.selected


def _span_words(first: int, last: int, step: str) -> str:
    if first == last:
        return ahead_words(first, step)
    return t("{first} to {last}", first=ahead_words(first, step), last=ahead_words(last, step))


def _place(region: Region, found: Outlook, place: str) -> None:
    name = str(region.places()["name"].get(place, place))
    st.header(t("What is likely at {place}", place=name))
    st.markdown(plain(place_words(found, region, place)))
    plan = found.backtested.plan
    windows = range(len(plan.origins) - 1, -1, -1)
    times = found.history.times.tz_localize("UTC")
    moments = {"now": t("after the end of the record")}
    moments |= {str(w): t("as of {time}", time=time_words(found, times[plan.origins[w]], region)) for w in windows}
    at_left, _ = st.columns([2, 3])
    with at_left:
        made = choose(
            "forecast_made",
            t("Forecast made"),
            moments,
            help=t("An earlier moment shows the forecast as it would have been made then, and what came."),
        )
    fan = fan_at(found, place, None if made == "now" else int(made))
    timezone = region.clock(found.history.step)
    st.plotly_chart(fan_figure(fan.past, fan.fan, fan.later, found=found, timezone=timezone), key="fan")
    _chances(region, found, place)


def _chances(region: Region, found: Outlook, place: str) -> None:
    """How likely a threshold is passed."""
    offered = thresholds_at(found, place)
    if not offered:
        return
    st.header(t("How likely is it to go higher than is rare here?"))
    symbol = unit_symbol(found.column)
    options = {
        key: t("{what}: {value}", what=said(_THRESHOLDS[key]), value=quantity(value, symbol))
        for key, value in offered.items()
    }
    key = choose("forecast_threshold", t("Threshold"), options)
    chances = chances_at(found, place, key)
    if chances.table["probability"].notna().any():
        st.markdown(plain(chance_words(found, region, chances)))
        st.plotly_chart(chances_figure(chances.table, timezone=region.clock(found.history.step)), key="chances")
    else:
        st.info(t("Too few forecasts of the past can be checked to say how likely this is."))


def _table(region: Region, found: Outlook, place: str) -> None:
    st.dataframe(forecast_table(found, region, place), hide_index=True)
    st.download_button(
        t("All places as CSV"),
        lambda: csv_bytes(found.table),
        file_name=f"forecast-{region.id}-{found.dataset.id}.csv",
        mime="text/csv",
        icon=":material/download:",
    )


_THRESHOLDS = {
    "rare": message("passed by one value of twenty so far"),
    "two_years": message("passed every second year so far"),
    "ten_years": message("passed once in ten years so far"),
}

VIEW = View(id="forecasts", title=message("Forecasts"), order=8, icon=":material/trending_up:", draw=draw)
