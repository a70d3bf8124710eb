"""How good the forecasts are, against which guess, when and where they fail, and whether their limits held."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analytics.forecast_quality import by_group, errors_by_lead, of_model, worst_places
from analytics.outlook import Outlook
from app.dataset_words import unit_symbol
from app.forecast_charts import errors_figure, held_figure
from app.forecast_words import ahead_words, coverage_sentence, forecaster_words, quality_answer, tested_words
from app.text import message, number, percent, said, t, together
from app.view import Context, View
from app.views.forecasting.choice import any_forecast, draw_refused, pick_outlook
from app.widgets import choose, fragment, plain
from geodata.region import Region

SEASONS = {
    "DJF": message("December to February"),
    "MAM": message("March to May"),
    "JJA": message("June to August"),
    "SON": message("September to November"),
}


def draw(context: Context) -> None:
    """Draws the page."""
    st.title(t("How good are the forecasts, and where do they fail?"))
    if any_forecast(context.region):
        _draw(context)


@fragment
def _draw(context: Context) -> None:
    region = context.region
    found = pick_outlook(region)
    st.markdown(plain(together([quality_answer(found), coverage_sentence(found)])))
    st.caption(plain(tested_words(found, region)))
    st.header(t("How far off, by how far it looks ahead"))
    st.markdown(
        plain(
            t("Lower is better. Every forecaster is judged on the same forecasts; a model is shown where it beats all.")
        )
    )
    st.plotly_chart(errors_figure(errors_by_lead(found), found=found), key="errors")
    _scores(found)
    st.header(t("Do the limits hold?"))
    st.markdown(
        plain(
            t(
                "Of what came, the stated share should lie within the limits, at every place. The dashed lines mark "
                "what is promised; left of them the limits were too narrow."
            )
        )
    )
    st.plotly_chart(held_figure(found), key="held")
    _groups(found)
    _worst(region, found)
    _method(found)
    draw_refused(region)


def _scores(found: Outlook) -> None:
    st.header(t("All scores"))
    table = of_model(found)
    leads = {str(k): ahead_words(int(k), found.history.step) for k in sorted(table["lead"].unique())}
    lead = int(choose("forecast_lead", t("Looking ahead"), leads))
    symbol = unit_symbol(found.column)
    rows = table[table["lead"] == lead]
    st.dataframe(
        pd.DataFrame(
            {
                t("Forecaster"): [forecaster_words(m) for m in rows["model"]],
                t("Mean absolute error ({unit})", unit=symbol): [number(v) for v in rows["mae"]],
                t("Root mean square error ({unit})", unit=symbol): [number(v) for v in rows["rmse"]],
                "MASE": [number(v) for v in rows["mase"]],
                t("Bias ({unit})", unit=symbol): [number(v) for v in rows["bias"]],
                "NSE": [number(v) for v in rows["nse"]],
                "KGE": [number(v) for v in rows["kge"]],
                t("PBIAS (%)"): [number(v) for v in rows["pbias"]],
            }
        ),
        hide_index=True,
    )
    st.caption(
        plain(
            t(
                "Medians over the places. MASE below 1: better than the guess of a season before was on the training "
                "part. NSE and KGE: 1 is perfect; NSE above 0, and KGE above −0.41, is better than the mean. Bias and "
                "PBIAS above 0: forecast too high."
            )
        )
    )


def _groups(found: Outlook) -> None:
    """By season and for events: averages hide failure."""
    st.header(t("When do they fail?"))
    symbol = unit_symbol(found.column)
    st.subheader(t("By season"))
    rows = by_group(found, "season")
    st.dataframe(
        pd.DataFrame(
            {
                t("Season"): [said(SEASONS[str(s)]) for s in rows["season"]],
                t("Forecaster"): [forecaster_words(str(m)) for m in rows["model"]],
                t("Mean absolute error ({unit})", unit=symbol): [number(v) for v in rows["mae"]],
                t("Bias ({unit})", unit=symbol): [number(v) for v in rows["bias"]],
                t("Cases"): [number(v, decimals=0) for v in rows["n"]],
            }
        ),
        hide_index=True,
    )
    st.subheader(t("When it is rare"))
    rows = by_group(found, "event")
    st.dataframe(
        pd.DataFrame(
            {
                t("What came"): [t("the highest 5%") if e else t("the rest") for e in rows["event"].astype(bool)],
                t("Forecaster"): [forecaster_words(str(m)) for m in rows["model"]],
                t("Mean absolute error ({unit})", unit=symbol): [number(v) for v in rows["mae"]],
                t("Hits"): [percent(v) for v in rows["hit_rate"]],
                t("False alarms"): [percent(v) for v in rows["false_alarm_ratio"]],
            }
        ),
        hide_index=True,
    )
    st.caption(
        plain(
            t(
                "Hits: of the values above the threshold, how many were forecast above it. False alarms: of those "
                "forecast above it, how many were not. The threshold is of the time before the first forecast."
            )
        )
    )


def _worst(region: Region, found: Outlook) -> None:
    rows = worst_places(found)
    if len(found.history.places) < 2 or rows.empty:
        return
    st.header(t("Where do they fail?"))
    names = region.places()["name"]
    st.dataframe(
        pd.DataFrame(
            {
                t("Place"): [str(names.get(p, p)) for p in rows.index],
                t("Error of what is shown ({unit})", unit=unit_symbol(found.column)): [number(v) for v in rows["mae"]],
                t("In parts of what is usual there"): [number(v) for v in rows["mase"]],
                t("Within the 80% limits"): [percent(v) for v in rows["coverage"]],
                t("Sees ahead"): [
                    ahead_words(int(v), found.history.step) if v > 0 else t("not further than a guess")
                    for v in rows["ahead"]
                ],
            }
        ),
        hide_index=True,
    )
    st.caption(plain(t("The ten places with the largest errors, measured by how much the series changes there.")))


def _method(found: Outlook) -> None:
    with st.expander(t("How this was judged")):
        st.markdown(
            plain(
                together(
                    [
                        t(
                            "Nothing of what came after a forecast was used to make it or to set its limits. What is "
                            "shown where was chosen on these same forecasts, which flatters it a little; the scores "
                            "of each model are not touched by this."
                        ),
                        t(
                            "A model is shown at a place and lead time where its error is lower than that of the best "
                            "guess there with 90% confidence, by a block bootstrap over the forecasts."
                        ),
                        t(
                            "The limits come from the errors known when each forecast was made, scaled by how "
                            "uncertain the moment was, and are widened or narrowed as they miss or hold (adaptive "
                            "conformal prediction)."
                        ),
                        t(
                            "Forecasts that overlap are not independent; the bootstrap takes them in blocks for this "
                            "reason."
                        ),
                    ]
                )
            )
        )


VIEW = View(id="forecast_quality", title=message("Forecast quality"), order=9, icon=":material/fact_check:", draw=draw)
