"""Figures of forecasts, for pages, notebooks and reports alike: fan, errors by lead time, who held their limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.outlook import SHOWN, Outlook
from app.charts import INK, LINE, MUTED, SELECTED, dress, time_axis
from app.dataset_words import column_title, unit_symbol
from app.forecast_words import ahead_words, forecaster_words, with_unit
from app.text import percent, quantity, t

# The wide band first; they differ in lightness alone, so that they survive greyscale.
_BANDS = (("95", 0.16), ("80", 0.26))
_LIMITS = ("low_80", "high_80", "low_95", "high_95")
_RGB = "27,94,140"
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")


def fan_figure(
    past: pd.DataFrame, fan: pd.DataFrame, later: pd.DataFrame, *, found: Outlook, timezone: str, height: int = 340
) -> go.Figure:
    """What was, what is expected with its limits, and what came later where that is known.

    Parameters
    ----------
    past, later : `time` (UTC) and `value`, before and after the forecast was made; missing is NaN.
    fan : `time`, `mean`, `low_80`, `high_80`, `low_95`, `high_95`, `by_model`. Where `by_model` is false a simple guess
        is drawn, hatched and dashed.
    """
    symbol = unit_symbol(found.column)
    figure = go.Figure()

    def local(times: pd.Series) -> pd.Series:
        return times.dt.tz_convert(timezone).dt.tz_localize(None)

    last = past.dropna(subset="value").tail(1)
    shown: set[str] = set()
    piece = (fan["by_model"] != fan["by_model"].shift()).cumsum()
    for _, rows in fan.groupby(piece):
        by_model = bool(rows["by_model"].iloc[0])
        # Each piece begins where the one before it ends, so that the fan has no hole.
        before = fan.loc[fan.index[fan.index < rows.index[0]]].tail(1)
        if before.empty and len(last) and last.index[0] == past.index[-1]:
            # The fan opens from the last step of the record, where that has a value.
            value = last["value"].iloc[0]
            before = pd.DataFrame({"time": last["time"], "mean": value} | {name: value for name in _LIMITS})
        joined = pd.concat([before, rows])
        for level, opacity in _BANDS:
            name = t("{level}% limits", level=level) if by_model else t("{level}% limits of a guess", level=level)
            limits = [f"low_{level}", f"high_{level}"]
            if rows[limits].isna().any(axis=1).all():
                continue
            known = joined.dropna(subset=limits)
            x = local(known["time"])
            figure.add_scatter(
                x=pd.concat([x, x[::-1]]),
                y=pd.concat([known[f"high_{level}"], known[f"low_{level}"][::-1]]),
                mode="lines",
                fill="toself",
                fillcolor=f"rgba({_RGB},{opacity})" if by_model else "rgba(120,128,136,0.10)",
                fillpattern=None
                if by_model
                else {"shape": "/", "fgcolor": f"rgba(90,100,110,{2 * opacity})", "size": 6},
                line_width=0,
                hoverinfo="skip",
                name=name,
                legendgroup=name,
                showlegend=name not in shown,
            )
            shown.add(name)
        name = t("expected") if by_model else t("a simple guess")
        figure.add_scatter(
            x=local(joined["time"]),
            y=joined["mean"],
            mode="lines",
            line={"color": LINE if by_model else MUTED, "width": 2, "dash": "solid" if by_model else "dash"},
            customdata=[quantity(v, symbol) for v in joined["mean"]],
            hovertemplate="%{x}<br>%{customdata}<extra></extra>",
            name=name,
            legendgroup=name,
            showlegend=name not in shown,
        )
        shown.add(name)
    few = past["value"].notna().sum() < 80
    figure.add_scatter(
        x=local(past["time"]),
        y=past["value"],
        mode="lines+markers" if few else "lines",
        connectgaps=bool(past["value"].notna().mean() < 0.5),
        line={"color": INK, "width": 1.6},
        marker={"size": 4, "color": INK},
        customdata=[quantity(v, symbol) for v in past["value"]],
        hovertemplate="%{x}<br>%{customdata}<extra></extra>",
        name=t("observed"),
    )
    came = later.dropna(subset="value")
    if len(came):
        figure.add_scatter(
            x=local(came["time"]),
            y=came["value"],
            mode="markers",
            marker={"color": SELECTED, "size": 7, "symbol": "diamond", "line": {"color": "white", "width": 1}},
            customdata=[quantity(v, symbol) for v in came["value"]],
            hovertemplate="%{x}<br>%{customdata}<extra></extra>",
            name=t("what came later"),
        )
    if len(last):
        figure.add_vline(x=local(past["time"]).iloc[-1], line={"color": MUTED, "width": 1, "dash": "dot"})
    dress(figure, height)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_yaxes(title=column_title(found.column))
    time_axis(figure)
    return figure


def errors_figure(errors: pd.DataFrame, *, found: Outlook, height: int = 340) -> go.Figure:
    """How far off each forecaster was, by how far it looked ahead: the mean over the places of the mean absolute error.

    Parameters
    ----------
    errors : `model`, `lead`, `mae`.
    """
    symbol = unit_symbol(found.column)
    figure = go.Figure()
    for i, (model, rows) in enumerate(errors.groupby("model", sort=False)):
        is_shown = model == SHOWN
        is_model = model in found.models
        colour = SELECTED if is_shown else LINE if is_model else MUTED
        figure.add_scatter(
            x=rows["lead"],
            y=rows["mae"],
            mode="lines+markers",
            line={"color": colour, "width": 3 if is_shown else 1.6, "dash": "solid" if is_shown else _DASHES[i % 6]},
            # Marks tell lines apart without colour; one at each of ninety steps would hide them.
            marker={"symbol": _MARKS[i % 7], "size": 7, "color": colour, "maxdisplayed": 15},
            customdata=[[ahead_words(int(k), found.history.step), quantity(v, symbol)] for k, v in
                        zip(rows["lead"], rows["mae"], strict=True)],
            hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
            name=forecaster_words(str(model)),
        )  # fmt: skip
    dress(figure, height)
    figure.update_layout(showlegend=True, legend={"y": 1, "x": 1.02})
    # A step is whole: no tick lies between two.
    ticks = {"tick0": 1, "dtick": -(-found.horizon // 12)}
    figure.update_xaxes(title=t("Steps ahead (each {step})", step=ahead_words(1, found.history.step)), **ticks)
    figure.update_yaxes(title=with_unit(t("Mean absolute error"), found.column), rangemode="tozero")
    return figure


def held_figure(found: Outlook, *, height: int = 260) -> go.Figure:
    """How many places had which share of what came within the limits, beside what the limits promise."""
    figure = go.Figure()
    for (share, held), colour, pattern in zip(found.held.items(), (LINE, "#b27630"), ("", "/"), strict=True):
        counts, edges = np.histogram(held["coverage"].dropna().clip(0.5, 1), bins=25, range=(0.5, 1))
        name = t("{promised} limits", promised=percent(share))
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) * 50,
            y=counts,
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern}},
            opacity=0.75,
            hovertemplate="%{x:.0f} %: %{y}<extra></extra>",
        )
        figure.add_vline(x=100 * share, line={"color": colour, "width": 2, "dash": "dash"})
    dress(figure, height)
    figure.update_layout(
        barmode="overlay", showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    )
    figure.update_xaxes(title=t("Share of what came that lay within the limits, in percent"))
    figure.update_yaxes(title=t("Places"))
    return figure


def chances_figure(chances: pd.DataFrame, *, timezone: str, height: int = 220) -> go.Figure:
    """How likely a threshold is passed at each step.

    Parameters
    ----------
    chances : `time` (UTC) and `probability`, 0 to 1.
    """
    figure = go.Figure(
        go.Bar(
            x=chances["time"].dt.tz_convert(timezone).dt.tz_localize(None),
            y=100 * chances["probability"],
            marker={"color": LINE},
            hovertemplate="%{x}: %{y:.0f} %<extra></extra>",
        )
    )
    dress(figure, height)
    figure.update_yaxes(title=t("Chance in percent"), range=[0, 100])
    time_axis(figure)
    return figure
