"""Figures of indicators, for pages, notebooks and reports alike: rankings, a series against its normal, a trend."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.against_normal import Normal, Yearly
from analytics.classes import classify
from analytics.finding import Finding
from app.charts import INK, LINE, MUTED, SELECTED, dress, time_axis
from app.dataset_words import column_title
from app.indicator_words import bare_title, unit_words, value_words
from app.text import quantity, said, t
from geodata.dataset import Column

# Pairs of percentiles drawn as bands, the widest first, with their opacity: they differ in lightness alone, so that
# they survive greyscale.
_BANDS = ((5, 95, 0.13), (10, 90, 0.13), (25, 75, 0.20))
_MARKS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star")


def ranking_figure(
    found: Finding, names: pd.Series, *, most: int = 12, other_end: bool = False, selected: str | None = None
) -> go.Figure:
    """The places at one end of an indicator, with their intervals, in the colours of the map's classes.

    Parameters
    ----------
    names : the places' names, by `location_id`.
    most : how many places.
    other_end : those at the end that is not to be looked at first.
    """
    rows = found.ranked(other_end=other_end).head(most).iloc[::-1]
    symbol = unit_words(found.indicator)
    codes = classify(rows["value"].to_numpy(float), found.classes)
    ends = rows[["low", "high"]].to_numpy(float)
    spread = np.nan_to_num(np.abs(ends - rows[["value"]].to_numpy(float)))
    labels = [str(names.get(place, place)) for place in rows.index]
    # Two places may share a name; an axis by name would put them on one line.
    at = list(range(len(rows)))
    figure = go.Figure(
        go.Scatter(
            x=rows["value"],
            y=at,
            mode="markers",
            marker={
                "color": [found.classes.palette[c] for c in codes],
                "symbol": [_MARKS[c % len(_MARKS)] for c in codes],
                "size": 11,
                "line": {"color": INK, "width": 1},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": spread[:, 1],
                "arrayminus": spread[:, 0],
                "color": MUTED,
                "thickness": 1.4,
                "width": 3,
            }
            if spread.any()
            else None,
            customdata=[value_words(found.indicator, row) for _, row in rows.iterrows()],
            text=[label.replace("<", "&lt;") for label in labels],
            hovertemplate="%{text}<br>%{customdata}<extra></extra>",
        )
    )
    if selected in rows.index:
        row = at[list(rows.index).index(selected)]
        figure.add_hrect(y0=row - 0.5, y1=row + 0.5, fillcolor=SELECTED, opacity=0.12, line_width=0)
    dress(figure, height=max(170, 60 + 33 * len(rows)))
    # Cut short, two gauges of one river would read alike.
    shown = ["<br>".join(textwrap.wrap(label.replace("<", "&lt;"), 30)) for label in labels]
    figure.update_yaxes(tickvals=at, ticktext=shown, range=[-0.6, len(rows) - 0.4], zeroline=False)
    title = bare_title(found.indicator)
    figure.update_xaxes(title=f"{title} ({symbol})" if symbol else title)
    return figure


def normal_figure(normal: Normal, *, column: Column, height: int = 320) -> go.Figure:
    """A place's recent series over the band of what is normal for the time of year."""
    figure = go.Figure()
    points, band = normal.series, normal.band
    for low, high, opacity in _BANDS:
        both = band[[f"p{low:02d}", f"p{high:02d}"]].notna().all(axis=1)
        # In pieces: plotly would bridge a gap in a filled trace.
        piece = (~both).cumsum()
        first = True
        for _, rows in band[both].groupby(piece[both]):
            figure.add_scatter(
                x=pd.concat([rows["time"], rows["time"][::-1]]),
                y=pd.concat([rows[f"p{high:02d}"], rows[f"p{low:02d}"][::-1]]),
                mode="lines",
                fill="toself",
                fillcolor=f"rgba(90,104,118,{opacity})",
                line_width=0,
                hoverinfo="skip",
                name=t("{low}th to {high}th percentile", low=low, high=high),
                legendgroup=f"{low}",
                showlegend=first,
            )
            first = False
    figure.add_scatter(
        x=band["time"],
        y=band["p50"],
        mode="lines",
        line={"color": MUTED, "width": 1.2, "dash": "dash"},
        hoverinfo="skip",
        name=t("middle of all years"),
    )
    symbol = said(column.canonical_unit.symbol)
    figure.add_scatter(
        x=points["time"],
        y=points["value"],
        mode="lines" if len(points) > 80 else "lines+markers",
        connectgaps=False,
        line={"color": LINE, "width": 2},
        customdata=[quantity(v, symbol) for v in points["value"]],
        hovertemplate="%{x}<br>%{customdata}<extra></extra>",
        name=t("observed"),
    )
    provisional = points[points["provisional"]]
    if len(provisional):
        figure.add_scatter(
            x=provisional["time"],
            y=provisional["value"],
            mode="markers",
            marker={"color": SELECTED, "size": 4, "symbol": "x-thin", "line": {"color": SELECTED, "width": 1}},
            hoverinfo="skip",
            name=t("provisional"),
        )
    dress(figure, height)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_yaxes(title=column_title(column), type="log" if _wide(points["value"]) else "linear")
    time_axis(figure)
    return figure


def trend_figure(yearly: Yearly, *, column: Column, height: int = 280) -> go.Figure:
    """A place's yearly values, with the Theil–Sen line where there is one."""
    symbol = said(column.canonical_unit.symbol)
    figure = go.Figure()
    figure.add_scatter(
        x=yearly.years,
        y=yearly.values,
        mode="lines+markers",
        line={"color": LINE, "width": 1.2},
        marker={"size": 6, "color": LINE},
        connectgaps=False,
        customdata=[quantity(v, symbol) for v in yearly.values],
        hovertemplate="%{x}<br>%{customdata}<extra></extra>",
        name=t("yearly values"),
    )
    trend = yearly.trend
    if trend is not None:
        figure.add_scatter(
            x=list(trend.years),
            y=trend.line,
            mode="lines",
            line={"color": SELECTED, "width": 2, "dash": "solid" if trend.sure else "dash"},
            hoverinfo="skip",
            name=t("trend") if trend.sure else t("trend, not sure"),
        )
    dress(figure, height)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_xaxes(tickformat="d")
    figure.update_yaxes(title=column_title(column))
    return figure


def _wide(values: pd.Series) -> bool:
    """Whether positive values span so much that a linear axis would hide the low ones."""
    present = values.dropna()
    return bool(len(present) and present.min() > 0 and present.max() > 30 * present.median())
