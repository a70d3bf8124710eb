"""Any dataset, column and time on the map, with the distribution and the series beside it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from analytics.classes import Classes, class_breaks
from analytics.cube import ENOUGH, Cube, cube, mapped_layer, steps_of
from analytics.series import sketch
from app.charts import distribution_figure, map_figure, series_figure
from app.dataset_words import (
    column_title,
    dataset_title,
    series_title,
    source_line,
    spread_words,
    theme_words,
    unit_symbol,
)
from app.map import map_view
from app.text import message, number, percent, said, t, together
from app.view import Context, View
from app.views.publications.card import show_standing
from app.widgets import choose, fragment, plain, remember, remembered, show_error, show_place_link, show_report_link
from geodata.dataset import Column, Dataset
from geodata.errors import AlmanacError
from geodata.region import Region


def draw(context: Context) -> None:
    """Draws the page."""
    st.title(t("How does it differ from place to place, and over time?"))
    _explore(context)


@fragment
def _explore(context: Context) -> None:
    region = context.region
    datasets = {d.id: f"{theme_words(d.theme)} · {dataset_title(d)}" for d in region.mappable()}
    first, _, opening = region.opens_on.partition(".")
    for_dataset, for_column, for_step, for_method = st.columns([4, 3, 1.5, 2])
    with for_dataset:
        dataset = region.dataset(choose("dataset", t("Dataset"), datasets, default=first, resets=OF_ONE_DATASET))
    with for_column:
        columns = {c.name: column_title(c) for c in dataset.columns.values()}
        column = dataset.column(
            choose(
                "column",
                t("What it measures"),
                columns,
                default=opening if dataset.id == first else None,
                resets=("step", "classes"),
            )
        )
    show_standing(region, dataset)
    steps = steps_of(region, dataset, column)
    with for_step:
        step = choose("step", t("Time step"), {s: said(s) for s in steps}, resets=("time",))
    with for_method:
        methods = {m: said(name) for m, name in METHODS.items()}
        usual = "diverging" if column.scale == "diverging" else "quantile"
        method = choose(
            "classes",
            t("Classes"),
            methods,
            default=usual,
            help=t("How the places are grouped into colours. The breaks stay the same at all times."),
        )
    with st.spinner(t("Reading the region …"), show_time=False):
        shown = cube(region, dataset.id, column.name, step)
    if not np.isfinite(shown.values).any():
        st.info(t("This column holds no values; choose another."))
        return
    classes = class_breaks(shown.values, method=method)  # type: ignore[arg-type]
    symbol = unit_symbol(column)
    layer = mapped_layer(region, dataset)
    moving = pd.DataFrame(shown.values, index=shown.places, columns=shown.times) if len(shown.times) > 1 else None
    state = map_view(
        layer,
        shown.at(0) if moving is None else moving,
        classes=classes,
        title=series_title(dataset, column),
        unit=symbol,
        time=_index(shown.times, remembered("time"), shown.latest_full()) if moving is not None else None,
        step=MAP_STEPS.get(step, "day"),
        basemap=region.base(),
        attribution=dataset.producer,
        selected=remembered("place"),
        bounds=region.bounds() if len(layer) == 1 else None,
        key=f"explore-{region.id}",
    )
    at_step = state.time or 0
    if moving is not None:
        remember("time", shown.times[at_step].isoformat())
    values = shown.at(at_step)
    if not state.webgl:
        st.plotly_chart(
            map_figure(
                layer,
                values,
                title=column_title(column),
                unit=unit_symbol(column),
                classes=classes,
                crs=region.crs_metric,
                selected=state.selected,
            )
        )
    st.caption(plain(_made(shown, source_line(dataset))))
    show_place_link(region, state.selected)
    show_report_link(
        region,
        f"{dataset.id}.{column.name}",
        state.selected,
        step=step if step != steps[0] else "",
        time=shown.times[at_step].isoformat() if moving is not None and at_step != shown.latest_full() else "",
    )
    if method != usual:
        st.caption(t("The printed page shows the classes that are usual."))
    at_left, at_right = st.columns(2, gap="large")
    moment = shown.times[at_step] if len(shown.times) else None
    with at_left:
        _distribution(values, column, classes, state.selected, moment, step)
    with at_right:
        _series(region, dataset, column, state.selected, moment)


def _distribution(
    values: pd.Series,
    column: Column,
    classes: Classes,
    place: str | None,
    moment: pd.Timestamp | None,
    step: str,
) -> None:
    st.header(t("How the places differ"))
    present = values.dropna()
    if present.empty:
        st.info(t("No place has a value at this time; choose another with the slider."))
        return
    st.markdown(plain(spread_words(present, column, moment, step)))
    st.plotly_chart(
        distribution_figure(values, column=column, classes=classes, selected=values.get(place)),
        key="distribution",
    )


def _series(region: Region, dataset: Dataset, column: Column, place: str | None, moment: pd.Timestamp | None) -> None:
    st.header(t("How it went over time"))
    if dataset.timeless:
        st.info(t("This dataset holds one value for each place, not a series."))
        return
    panel = region.table(dataset.id)
    mine = panel[panel["location_id"] == place]
    if mine.empty:
        st.info(t("Choose a place on the map, in its list or in its table to see its series here."))
        return
    drawn = sketch(mine["time"], mine[column.name], dataset.step)
    name = str(region.places().loc[place, "name"])
    st.markdown(
        plain(
            t(
                "{place}: {n} values; where the line is broken and shaded, there are none.",
                place=name,
                n=number(mine[column.name].notna().sum(), decimals=0),
            )
        )
    )
    marked = (
        None
        if moment is None
        else moment.tz_localize(region.clock(dataset.step), ambiguous=True, nonexistent="shift_forward")
    )
    st.plotly_chart(
        series_figure(drawn.points, column=column, timezone=region.clock(dataset.step), gaps=drawn.gaps, marked=marked),
        key="series",
    )


def _made(shown: Cube, source: str) -> str:
    """How the values of a step came about, and their source."""
    if shown.made == "mean":
        how = t(
            "Each step is the mean of its values where at least {share} of them are there.",
            share=percent(ENOUGH),
        )
    elif shown.made == "sum":
        how = t("Each step is the sum of its values, and only where all of them are there.")
    elif shown.made == "last":
        how = t("Each step is the last value within it.")
    else:
        return source
    return together([how, source])


def _index(times: pd.DatetimeIndex, asked: str | None, default: int) -> int:
    """The step that the address asks for, or the default; a time that is not there is told."""
    if asked is None:
        return default
    moment = pd.to_datetime(asked, errors="coerce")
    if pd.isna(moment) or moment.tzinfo is not None or not times[0] <= moment <= times[-1]:
        show_error(
            AlmanacError(
                "The address asks for the time “{asked}”, which this dataset does not have.",
                hint="Another time is shown instead; choose one with the slider.",
                asked=asked,
            )
        )
        return default
    return int(times.searchsorted(moment, side="right") - 1)


# What is chosen within a dataset and means nothing in another.
OF_ONE_DATASET = ("column", "step", "classes", "time")
MAP_STEPS: dict[str, Literal["hour", "day", "month", "year"]] = {
    "5 minutes": "hour",
    "15 minutes": "hour",
    "1 hour": "hour",
    "1 month": "month",
    "1 year": "year",
}
METHODS = {
    "quantile": message("As many values in each"),
    "equal": message("Equally wide"),
    "natural": message("Natural breaks"),
    "diverging": message("Around zero"),
}

VIEW = View(id="explore", title=message("Explore"), order=2, icon=":material/map:", draw=draw)
