"""Tables of forecasts as a reader meets them: titles in words, numbers with their units, nothing left empty."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analytics.forecast_quality import by_group, of_model, worst_places
from analytics.outlook import Outlook, shown_at
from app.forecast_words import ahead_words, forecaster_words, time_words, with_unit
from app.text import error_in_words, message, number, percent, said, t
from geodata.errors import AlmanacError
from geodata.region import Region

SEASONS = {
    "DJF": message("December to February"),
    "MAM": message("March to May"),
    "JJA": message("June to August"),
    "SON": message("September to November"),
}


def forecast_table(found: Outlook, region: Region, place: str) -> pd.DataFrame:
    """The forecast at one place, step by step, with its limits and whether a model or a guess is shown."""
    rows = shown_at(found, place)
    columns = ["mean", "low_80", "high_80", "low_95", "high_95"]
    titles = [t("expected"), t("low 80%"), t("high 80%"), t("low 95%"), t("high 95%")]
    table = pd.DataFrame({t("Time"): [time_words(found, m, region) for m in rows["time"]]})
    for column, title in zip(columns, titles, strict=True):
        table[with_unit(title, found.column)] = [number(v) for v in rows[column]]
    table[t("Skill over the best guess")] = [
        percent(v) if np.isfinite(v) and v > 0 else number(v) for v in rows["skill"].astype(float)
    ]
    table[t("Shown")] = [t("model") if m else t("a simple guess") for m in rows["by_model"]]
    return table


def scores_table(found: Outlook, lead: int) -> pd.DataFrame:
    """Every score of every forecaster at one lead time, the least error first."""
    table = of_model(found)
    rows = table[table["lead"] == lead]
    return pd.DataFrame(
        {
            t("Forecaster"): [forecaster_words(m) for m in rows["model"]],
            with_unit("MAE", found.column): [number(v) for v in rows["mae"]],
            "RMSE": [number(v) for v in rows["rmse"]],
            "MASE": [number(v) for v in rows["mase"]],
            t("Bias"): [number(v) for v in rows["bias"]],
            "NSE": [number(v) for v in rows["nse"]],
            "KGE": [number(v) for v in rows["kge"]],
            t("PBIAS (%)"): [number(v) for v in rows["pbias"]],
            t("Places"): [number(v, decimals=0) for v in rows["places"]],
        }
    )


def season_table(found: Outlook) -> pd.DataFrame:
    """By season, the error and bias of what is shown and of the best single guess."""
    rows = by_group(found, "season")
    return pd.DataFrame(
        {
            t("Season"): [said(SEASONS[str(s)]) for s in rows["season"]],
            t("Forecaster"): [forecaster_words(str(m)) for m in rows["model"]],
            with_unit(t("Mean absolute error"), found.column): [number(v) for v in rows["mae"]],
            with_unit(t("Bias"), found.column): [number(v) for v in rows["bias"]],
            t("Cases"): [number(v, decimals=0) for v in rows["n"]],
        }
    )


def event_table(found: Outlook) -> pd.DataFrame:
    """How what is shown and the best single guess do when what comes is rare, and otherwise."""
    rows = by_group(found, "event")
    return pd.DataFrame(
        {
            t("What came"): [t("the highest 5%") if e else t("the rest") for e in rows["event"].astype(bool)],
            t("Forecaster"): [forecaster_words(str(m)) for m in rows["model"]],
            with_unit(t("Mean absolute error"), found.column): [number(v) for v in rows["mae"]],
            t("Hits"): [percent(v) for v in rows["hit_rate"]],
            t("False alarms"): [percent(v) for v in rows["false_alarm_ratio"]],
        }
    )


def worst_table(found: Outlook, region: Region) -> pd.DataFrame:
    """The places with the largest errors; empty where there is one place only."""
    rows = worst_places(found)
    if len(found.history.places) < 2 or rows.empty:
        return pd.DataFrame()
    names = region.places()["name"]
    table = pd.DataFrame(
        {
            t("Place"): [str(names.get(p, p)) for p in rows.index],
            with_unit(t("Error of what is shown"), found.column): [number(v) for v in rows["mae"]],
            t("In parts of what is usual there"): [number(v) for v in rows["mase"]],
        }
    )
    if rows["coverage"].notna().any():
        table[t("Within the 80% limits")] = [percent(v) for v in rows["coverage"]]
    table[t("Sees ahead")] = [
        ahead_words(int(v), found.history.step) if v > 0 else t("not at all") for v in rows["ahead"]
    ]
    return table


def refused_table(region: Region, refused: Mapping[str, AlmanacError]) -> pd.DataFrame:
    """The series without a forecast, why there is none, and what to do."""
    rows = []
    for name, error in refused.items():
        dataset, column = region.series(name)
        why, hint = error_in_words(error)
        rows.append(
            {t("Series"): f"{said(dataset.title)} · {said(column.title)}", t("Why"): why, t("What to do"): hint}
        )
    return pd.DataFrame(rows)
