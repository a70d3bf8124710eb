"""How good the forecasts are, against which guess, when and where they fail, and whether their limits held."""

from __future__ import annotations

import streamlit as st

from analytics.chances import FEWEST_VALUES
from analytics.forecast_quality import errors_by_lead, limits_tested, places_compared
from analytics.outlook import Outlook
from app.forecast_charts import errors_figure, held_figure
from app.forecast_tables import event_table, scores_table, season_table, worst_table
from app.forecast_words import (
    ahead_words,
    compared_words,
    coverage_sentence,
    quality_answer,
    record_words,
    tested_words,
)
from app.text import message, number, t, together
from app.view import Context, View
from app.views.forecasting.choice import any_forecast, draw_refused, pick_outlook
from app.widgets import choose, fragment, plain
from geodata.region import Region


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
    st.caption(plain(record_words(found)))
    st.header(t("How far off, by how far it looks ahead"))
    lower = t("Lower is better. A model is shown where it beats every guess.")
    st.markdown(plain(together([lower, compared_words(found, places_compared(found))])))
    st.plotly_chart(errors_figure(errors_by_lead(found), found=found), key="errors")
    _scores(found)
    _limits(found)
    _groups(found)
    _worst(region, found)
    _method(found)
    draw_refused(region)


def _scores(found: Outlook) -> None:
    st.header(t("All scores"))
    leads = {str(k): ahead_words(k, found.history.step) for k in range(1, found.horizon + 1)}
    lead = int(choose("forecast_lead", t("Looking ahead"), leads))
    st.dataframe(scores_table(found, lead), hide_index=True)
    means = t(
        "Medians over the places; the sentence at the top is a mean over all of them, which a few places can raise. "
        "MAE, RMSE and bias: mean absolute, root mean square and mean error, in the same unit. MASE below 1: better "
        "than the guess of a season before was on the training part. NSE and KGE: 1 is perfect; NSE above 0, and KGE "
        "above −0.41, is better than the mean. Bias and PBIAS above 0: forecast too high. Places: where the "
        "forecaster said something that can be checked. No data: too few forecasts for the score, or one that does "
        "not vary."
    )
    st.caption(plain(together([compared_words(found, places_compared(found, lead)), means])))


def _limits(found: Outlook) -> None:
    st.header(t("Do the limits hold?"))
    if not limits_tested(found):
        st.info(plain(coverage_sentence(found)))
        return
    st.markdown(
        plain(
            t(
                "Of what came, the stated share should lie within the limits, at every place. The dashed lines mark "
                "what is promised; left of them the limits were too narrow."
            )
        )
    )
    st.plotly_chart(held_figure(found), key="held")


def _groups(found: Outlook) -> None:
    """By season and for events: averages hide failure."""
    st.header(t("When do they fail?"))
    if found.history.steps_in_year > 1:
        st.subheader(t("By season"))
        st.dataframe(season_table(found), hide_index=True)
    st.subheader(t("When it is rare"))
    events = event_table(found)
    if events.empty:
        st.info(
            plain(
                t(
                    "What is rare cannot be said: no place has {n} values before the first forecast.",
                    n=number(FEWEST_VALUES, decimals=0),
                )
            )
        )
        return
    st.dataframe(events, hide_index=True)
    st.caption(
        plain(
            t(
                "Hits: of the values above the threshold, how many were forecast above it. False alarms: of those "
                "forecast above it, how many were not. The threshold is of the time before the first forecast."
            )
        )
    )


def _worst(region: Region, found: Outlook) -> None:
    table = worst_table(found, region)
    if table.empty:
        return
    st.header(t("Where do they fail?"))
    st.dataframe(table, hide_index=True)
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
