"""Figures for pages, notebooks and reports alike: a series with its gaps, a distribution, a map without WebGL."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import shapely

from analytics.classes import Classes, classify
from app.dataset_words import column_title, unit_symbol
from app.text import ENGLISH, language, number, quantity, said, t
from geodata.dataset import Column

INK = "#1f2d3a"
MUTED = "#6b7785"
LINE = "#1b5e8c"
BAND = "rgba(27,94,140,0.18)"
GAP = "rgba(120,120,120,0.16)"
SELECTED = "#c2410c"
NO_DATA = "#d0d3d6"


def series_figure(
    series: pd.DataFrame,
    *,
    column: Column,
    timezone: str,
    gaps: pd.DataFrame | None = None,
    marked: pd.Timestamp | None = None,
    height: int = 260,
) -> go.Figure:
    """A series against time, with its gaps left open and shaded.

    Parameters
    ----------
    series : `time` (UTC), `value`, and for thinned series `low` and `high`; missing is NaN.
    column : what the values measure.
    timezone : the clock of the time axis.
    gaps : `start` and `end` (UTC) of the gaps to shade.
    marked : a moment to point at, such as the one on the map.
    """
    time = series["time"].dt.tz_convert(timezone).dt.tz_localize(None)
    symbol = unit_symbol(column)
    figure = go.Figure()
    if {"low", "high"} <= set(series.columns):
        # The band is drawn in pieces: plotly would bridge a gap in a filled trace.
        piece = series["value"].isna().cumsum()
        for _, rows in series[series["value"].notna()].groupby(piece):
            x = time.loc[rows.index]
            figure.add_scatter(
                x=pd.concat([x, x[::-1]]),
                y=pd.concat([rows["high"], rows["low"][::-1]]),
                mode="lines",
                fill="toself",
                fillcolor=BAND,
                line_width=0,
                hoverinfo="skip",
                showlegend=False,
            )
    lonely = series["value"].notna() & series["value"].shift().isna() & series["value"].shift(-1).isna()
    figure.add_scatter(
        x=time,
        y=series["value"],
        mode="lines",
        line={"color": LINE, "width": 1.6},
        connectgaps=False,
        customdata=[quantity(v, symbol) for v in series["value"]],
        hovertemplate="%{x}<br>%{customdata}<extra></extra>",
        name=said(column.title),
    )
    if lonely.any() or len(series) <= 60:
        points = series["value"].notna() if len(series) <= 60 else lonely
        figure.add_scatter(
            x=time[points],
            y=series.loc[points, "value"],
            mode="markers",
            marker={"color": LINE, "size": 5},
            hoverinfo="skip",
        )
    if gaps is not None and len(gaps):
        edges = gaps[["start", "end"]].apply(lambda c: c.dt.tz_convert(timezone).dt.tz_localize(None))
        # All at once: added one by one, plotly checks the whole figure anew for each of them.
        figure.update_layout(
            shapes=[
                {"type": "rect", "xref": "x", "yref": "paper", "x0": start, "x1": end, "y0": 0, "y1": 1}
                | {"fillcolor": GAP, "line_width": 0, "layer": "below"}
                for start, end in edges.itertuples(index=False)
            ]
        )
    if marked is not None:
        figure.add_vline(
            x=marked.tz_convert(timezone).tz_localize(None),
            line={"color": SELECTED, "width": 1.5, "dash": "dot"},
        )
    dress(figure, height)
    figure.update_yaxes(title=column_title(column), rangemode="tozero" if _from_zero(series["value"]) else "normal")
    time_axis(figure)
    return figure


def distribution_figure(
    values: pd.Series, *, column: Column, classes: Classes, selected: float | None = None, height: int = 240
) -> go.Figure:
    """How many places have which value: a histogram in the colours of the map's classes.

    Parameters
    ----------
    values : one value per place; missing ones are left out.
    classes : the class breaks and colours of the map.
    selected : the value of the place looked at, pointed at.
    """
    present = values[np.isfinite(values)]
    counts, edges = np.histogram(present, bins=min(40, max(5, int(np.sqrt(len(present))))))
    middles = (edges[:-1] + edges[1:]) / 2
    codes = classify(pd.Series(middles), classes)
    symbol = unit_symbol(column)
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=counts,
            width=np.diff(edges),
            marker={"color": [classes.palette[c] for c in codes], "line": {"color": "white", "width": 0.5}},
            customdata=[f"{number(a)}–{quantity(b, symbol)}" for a, b in itertools.pairwise(edges)],
            hovertemplate="%{customdata}: %{y}<extra></extra>",
        )
    )
    if selected is not None and np.isfinite(selected):
        figure.add_vline(x=selected, line={"color": SELECTED, "width": 2})
    dress(figure, height)
    figure.update_xaxes(title=column_title(column))
    figure.update_yaxes(title=t("Places"))
    return figure


def map_figure(
    layer: gpd.GeoDataFrame,
    values: pd.Series,
    *,
    title: str,
    unit: str,
    classes: Classes,
    crs: str,
    selected: str | None = None,
    height: int = 480,
) -> go.Figure:
    """The map as a plain figure, for browsers without WebGL and for notebooks: needs nothing from outside.

    Parameters
    ----------
    layer : places indexed by `location_id`.
    values : one value per place, by `location_id`; places without one are drawn grey.
    title, unit : what the values are, and the unit as the reader writes it.
    crs : the projection to draw in, normally the region's metric one.
    """
    drawn = layer.to_crs(crs)
    codes = pd.Series(classify(values.reindex(drawn.index), classes), index=drawn.index)
    figure = go.Figure()
    named = [
        (-1, NO_DATA, t("no data")),
        *zip(range(len(classes)), classes.palette, class_labels(classes), strict=True),
    ]
    for code, colour, label in named:
        mine = drawn[codes == code]
        if mine.empty:
            continue
        legend = f"{label} ({number(len(mine), decimals=0)})"
        shapes = mine.geometry.to_numpy()
        if (shapely.get_dimensions(shapes) == 0).all():
            figure.add_scatter(
                x=mine.geometry.x,
                y=mine.geometry.y,
                mode="markers",
                marker={"color": colour, "size": 8, "line": {"color": INK, "width": 0.5}},
                text=_hover(mine, values, unit),
                hoverinfo="text",
                name=legend,
            )
        else:
            x, y = _outlines(shapes)
            filled = (shapely.get_dimensions(shapes) == 2).all()
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                fill="toself" if filled else None,
                fillcolor=colour if filled else None,
                line={"color": "white" if filled else colour, "width": 0.5 if filled else 2},
                hoverinfo="skip",
                name=legend,
            )
    polygons = drawn[shapely.get_dimensions(drawn.geometry.to_numpy()) == 2]
    if not polygons.empty:
        # A filled outline has one hover text for all of it, so the places speak from a point inside them.
        inside = polygons.geometry.representative_point()
        figure.add_scatter(
            x=inside.x,
            y=inside.y,
            mode="markers",
            marker={"size": 14, "opacity": 0},
            text=_hover(polygons, values, unit),
            hoverinfo="text",
            showlegend=False,
        )
    if selected is not None and selected in drawn.index:
        x, y = _outlines(np.array([drawn.geometry[selected].buffer(1).boundary]))
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": SELECTED, "width": 3}, hoverinfo="skip", showlegend=False
        )
    dress(figure, height)
    figure.update_layout(showlegend=True, legend={"title": title, "itemsizing": "constant"}, hovermode="closest")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return figure


def class_labels(classes: Classes) -> list[str]:
    """What each class is called: its own label, or its range as the reader writes numbers."""
    if classes.labels:
        return [said(label) for label in classes.labels]
    edges = [number(edge, digits=4) for edge in classes.breaks]
    if classes.distinct:
        return edges[:-1]
    return [f"{low} – {high}" for low, high in itertools.pairwise(edges)]


def completeness_figure(completeness: pd.Series, *, height: int = 240) -> go.Figure:
    """How many places have how much of their record: a histogram of shares between 0 and 1."""
    counts, edges = np.histogram(completeness.dropna().clip(0, 1), bins=20, range=(0, 1))
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) * 50,
            y=counts,
            width=5,
            marker={"color": LINE, "line": {"color": "white", "width": 0.5}},
            hovertemplate="%{x:.0f} %: %{y}<extra></extra>",
        )
    )
    dress(figure, height)
    figure.update_xaxes(title=t("Share of the expected values that are there, in percent"), range=[0, 100])
    figure.update_yaxes(title=t("Places"))
    return figure


def _hover(places: gpd.GeoDataFrame, values: pd.Series, unit: str) -> list[str]:
    shown = values.reindex(places.index)
    # plotly reads a few HTML tags in hover texts; a name must not be able to write any.
    names = places["name"].astype(str).str.replace("<", "&lt;", regex=False)
    return [f"{name}<br>{quantity(value, unit)}" for name, value in zip(names, shown, strict=True)]


def _outlines(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rings or lines of many shapes as one broken line, NaN between the pieces."""
    parts = shapely.get_parts(shapes)
    if len(parts) and (shapely.get_dimensions(parts) == 2).all():
        parts = shapely.get_rings(parts)
    else:
        parts = shapely.get_parts(parts)
    xy, index = shapely.get_coordinates(parts, return_index=True)
    breaks = np.flatnonzero(np.diff(index)) + 1
    return np.insert(xy[:, 0], breaks, np.nan), np.insert(xy[:, 1], breaks, np.nan)


def _from_zero(values: pd.Series) -> bool:
    """Whether the axis should begin at zero: where the values are all positive and come near it."""
    low, high = values.min(), values.max()
    return bool(low >= 0 and low < 0.4 * high)


def time_axis(figure: go.Figure) -> None:
    """Dates as every language reads them: plotly only knows English names of months."""
    if language() != ENGLISH:
        figure.update_xaxes(
            tickformatstops=[
                {"dtickrange": [None, 86_399_999], "value": "%H:%M\n%Y-%m-%d"},
                {"dtickrange": [86_400_000, "M1"], "value": "%m-%d\n%Y"},
                {"dtickrange": ["M1", "M12"], "value": "%Y-%m"},
                {"dtickrange": ["M12", None], "value": "%Y"},
            ],
            hoverformat="%Y-%m-%d %H:%M",
        )


def dress(figure: go.Figure, height: int) -> None:
    """What all figures share: the house's type, margins and grid."""
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 8, "t": 8, "r": 8, "b": 8},
        showlegend=False,
        font={
            "family": "Source Sans, Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif",
            "size": 13,
            "color": INK,
        },
        hoverlabel={"font_size": 13},
        bargap=0,
    )
    figure.update_xaxes(automargin=True, gridcolor="#e5e8eb")
    figure.update_yaxes(automargin=True, gridcolor="#e5e8eb", zerolinecolor="#aab2ba")
