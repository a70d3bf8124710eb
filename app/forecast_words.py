"""What is said of forecasts, in sentences: what is likely, how sure that is, and where a guess is as good."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.candidates import filled
from analytics.chances import Chances
from analytics.forecast_quality import errors_by_lead, limits_tested, overall_best_guess, places_compared
from analytics.intervals import LEAST_SCORES
from analytics.outlook import SHOWN, Outlook, sees_ahead_of, shown_at
from app.dataset_words import length_words, source_line, unit_symbol
from app.text import listed, message, number, percent, quantity, said, t, tn, together, when
from geodata.dataset import Column
from geodata.region import Region

FORECASTERS: dict[str, str] = {
    "persistence": message("it stays as last seen"),
    "seasonal_naive": message("as one season before"),
    "climatology": message("as usual at this time"),
    "drift": message("it goes on as fast as so far"),
    "trend_seasons": message("a straight line and the seasons"),
    "constant": message("the mean of all that was measured"),
    "regression": message("model: regression over all places"),
    "flow": message("model: regression for peaks over all places"),
    "response": message("model: response to what drives it"),
    "hyperbolic": message("model: hyperbolic settlement curve"),
    "asaoka": message("model: Asaoka’s settlement curve"),
    SHOWN: message("what is shown"),
}
REASONS: dict[str, str] = {
    "too few windows": message("too few forecasts of the past can be checked"),
    "no better": message("the model was no better than this guess"),
    "not sure": message("the model was better, but that may be chance"),
    "silent": message("the model says nothing this time"),
    "no data": message("nothing was measured"),
}
# A skill below this is told as none: its own error is as large.
_BETTER = 0.05
# Words of likelihood go with their number, and only where the limits held it (IPCC's calibrated language).
LIKELY = message("likely (80%)")


def forecaster_words(name: str) -> str:
    """What a forecaster does, in a few words."""
    return said(FORECASTERS.get(name, name))


def with_unit(title: str, column: Column) -> str:
    """A title followed by the unit of what is forecast; plain numbers have none."""
    symbol = unit_symbol(column)
    return t("{title} ({unit})", title=title, unit=symbol) if symbol else title


def ahead_words(lead: int, step: str) -> str:
    """How long a number of steps is."""
    if step == "1 month":
        return tn("{n} month", "{n} months", lead)
    if step == "1 year":
        return tn("{n} year", "{n} years", lead)
    count, unit = step.split()
    lengths = {"minutes": "min", "hour": "h", "day": "D", "days": "D"}
    return length_words(lead * pd.Timedelta(int(count), lengths[unit]))


def time_words(found: Outlook, moment: pd.Timestamp, region: Region) -> str:
    """A step as the reader's clock has it."""
    return when(moment.tz_convert(region.clock(found.history.step)), found.history.step)


def answer(found: Outlook, region: Region) -> str:
    """Where a model knows more than a guess, how far ahead, and for which time."""
    ahead = sees_ahead_of(found)
    known, n = int((ahead > 0).sum()), len(ahead)
    first, last = found.table["time"].min(), found.table["time"].max()
    words = []
    if not known:
        words.append(
            t(
                "At none of the {n} places did a model prove better than a simple guess at the first step, "
                "where the guess is shown.",
                n=number(n, decimals=0),
            )
            if n > 1
            else t("At the first step no model proved better than a simple guess here, so the guess is shown there.")
        )
        if found.gated["reason"].isin(["too few windows", "no data"]).all():
            words.append(t("Too few forecasts of the past can be checked to tell whether any model is better."))
    elif n == 1:
        words.append(
            t(
                "The model proved better than every simple guess up to {length} ahead.",
                length=ahead_words(int(ahead.max()), found.history.step),
            )
        )
    else:
        words.append(
            t(
                "At {known} of {n} places a model proved better than every simple guess, at half of them up to "
                "{length} ahead or more.",
                known=number(known, decimals=0),
                n=number(n, decimals=0),
                length=ahead_words(int(np.median(ahead[ahead > 0])), found.history.step),
            )
        )
        if known < n:
            words.append(t("Elsewhere the guess is shown at the first step."))
    words.append(
        t(
            "The record ends with {end}; the forecast is for {first} to {last}.",
            end=time_words(found, found.history.times[-1].tz_localize("UTC"), region),
            first=time_words(found, first, region),
            last=time_words(found, last, region),
        )
    )
    return together(words)


def record_words(found: Outlook) -> str:
    """Who made the data, for which time and when they were taken, and how complete the record is."""
    return together(
        [
            source_line(found.dataset),
            t(
                "From the first value of each place to its last, {share} of the steps of {step} have a value.",
                share=percent(filled(found.history), decimals=1),
                step=ahead_words(1, found.history.step),
            ),
        ]
    )


def place_words(found: Outlook, region: Region, place: str) -> str:
    """What is likely at one place, at the first step and at the last, with its likelihood where that was proven."""
    rows = shown_at(found, place)
    symbol = unit_symbol(found.column)
    known = rows[rows["mean"].notna()]
    if known.empty:
        return t("Nothing can be said here: nothing was measured, or too little.")
    words = []
    for position in sorted({0, len(known) - 1}):
        row = known.iloc[position]
        words.append(_expected(found, region, place, row, symbol))
    by_model = rows["by_model"].to_numpy(bool)
    if by_model.all():
        words.append(t("At every step the model proved better than a simple guess."))
    elif by_model.any():
        first = rows.loc[~rows["by_model"]].iloc[0]
        words.append(
            t(
                "From {time} on a simple guess is shown in grey ({guess}): {reason}.",
                time=time_words(found, first["time"], region),
                guess=forecaster_words(str(first["model"])),
                reason=said(REASONS.get(str(first["reason"]), str(first["reason"]))),
            )
            if not by_model[int(first["lead"]) - 1 :].any()
            else t("At {n} of {all} steps a simple guess is shown, in grey.", n=int((~by_model).sum()), all=len(rows))
        )
    else:
        first = known.iloc[0]
        words.append(
            t(
                "A simple guess is shown in grey ({guess}): {reason}.",
                guess=forecaster_words(str(first["model"])),
                reason=said(REASONS.get(str(first["reason"]), str(first["reason"]))),
            )
        )
    return together(words)


def _expected(found: Outlook, region: Region, place: str, row: pd.Series, symbol: str) -> str:
    time = time_words(found, row["time"], region)
    value = quantity(float(row["mean"]), symbol)
    held = found.held[0.8].loc[place]
    low, high = float(row["low_80"]), float(row["high_80"])
    if not row["by_model"]:
        return _guessed(time, value, low, high, held=bool(held["held"]), symbol=symbol)
    if not (np.isfinite(low) and np.isfinite(high)):
        return t("For {time}, {value} is expected; how sure that is cannot be said.", time=time, value=value)
    limits = {"low": number(low), "high": quantity(high, symbol)}
    if held["held"]:
        return t(
            "For {time}, {value} is expected, {likely} between {low} and {high}.",
            time=time,
            value=value,
            likely=said(LIKELY),
            **limits,
        )
    return t(
        "For {time}, {value} is expected, between {low} and {high} by limits that did not hold their promise here.",
        time=time,
        value=value,
        **limits,
    )


def _guessed(time: str, value: str, low: float, high: float, *, held: bool, symbol: str) -> str:
    """What a guess says is no expectation: nobody has shown that it is more than a guess."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return t("For {time}, a simple guess says {value}; how sure that is cannot be said.", time=time, value=value)
    limits = {"low": number(low), "high": quantity(high, symbol)}
    if held:
        return t(
            "For {time}, a simple guess says {value}, {likely} between {low} and {high}.",
            time=time,
            value=value,
            likely=said(LIKELY),
            **limits,
        )
    return t(
        "For {time}, a simple guess says {value}, between {low} and {high} "
        "by limits that did not hold their promise here.",
        time=time,
        value=value,
        **limits,
    )


def chance_words(found: Outlook, region: Region, chances: Chances) -> str:
    """When a threshold is most likely passed, and whether such chances came true before."""
    top = chances.table.loc[chances.table["probability"].idxmax()]
    words = [
        t(
            "The chance is highest for {time}: {chance}.",
            time=time_words(found, top["time"], region),
            chance=percent(float(top["probability"])),
        )
    ]
    if not chances.passed:
        words.append(t("In the forecasts that were tried it was never passed, so this chance is not proven."))
    elif chances.skill >= _BETTER:
        words.append(
            t(
                "Tried on the past, such chances were {skill} better than always telling how often it happens.",
                skill=percent(chances.skill),
            )
        )
    else:
        words.append(t("Tried on the past, such chances were no better than always telling how often it happens."))
    return together(words)


def quality_answer(found: Outlook) -> str:
    """How far off what is shown was at the first step, beside the best single guess."""
    guess = overall_best_guess(found)
    # A model that is silent silences nothing here: what is shown speaks for itself wherever it can be checked.
    errors = errors_by_lead(found, models=False)
    pair = errors[errors["model"].isin([guess, SHOWN])].pivot(index="lead", columns="model", values="mae")
    if pair.empty:
        return t("None of the forecasts of the past can be checked: what came is missing.")
    symbol = unit_symbol(found.column)
    lead = int(pair.index[0])
    shown, best = float(pair.loc[lead, SHOWN]), float(pair.loc[lead, guess])
    length = ahead_words(lead, found.history.step)
    if not best:
        return t("The best guess was never wrong {length} ahead.", length=length)
    gain = 1 - shown / best
    places = places_compared(found, lead, models=False)
    facts = {"length": length, "error": quantity(shown, symbol), "guess": forecaster_words(guess)}
    if gain <= -0.005:
        return tn(
            "{length} ahead what is shown is off by {error} on average, {loss} more than the guess that proved best in "
            "hindsight ({guess}).",
            "{length} ahead what is shown is off by {error} on average over {n} places, {loss} more than the guess "
            "that proved best in hindsight ({guess}).",
            places,
            loss=percent(-gain),
            **facts,
        )
    if gain < 0.005:
        return tn(
            "{length} ahead what is shown is off by {error} on average, as much as the best single guess ({guess}).",
            "{length} ahead what is shown is off by {error} on average over {n} places, as much as the best single "
            "guess ({guess}).",
            places,
            **facts,
        )
    return tn(
        "{length} ahead what is shown is off by {error} on average, {gain} less than the best single guess ({guess}).",
        "{length} ahead what is shown is off by {error} on average over {n} places, {gain} less than the best single "
        "guess ({guess}).",
        places,
        gain=percent(gain),
        **facts,
    )


def coverage_sentence(found: Outlook) -> str:
    """At how many places the limits held what they promise; or why that could not be tested."""
    if not limits_tested(found):
        return tn(
            "Whether the limits hold could not be tested at any place: limits are set once {least} errors of a place "
            "are known, and forecasts could be tried from {n} moment of the past only.",
            "Whether the limits hold could not be tested at any place: limits are set once {least} errors of a place "
            "are known, and of the forecasts from {n} moments of the past too few can be checked.",
            len(found.backtested.plan.origins),
            least=number(LEAST_SCORES, decimals=0),
        )
    words = []
    for share, held in found.held.items():
        tested = held[held["n"] > 0]
        if tested.empty:
            continue
        words.append(
            t(
                "The {promised} limits held at {good} of {n} places; over all of them {share} of the values that came "
                "lay within.",
                promised=percent(share),
                good=number(int(tested["held"].sum()), decimals=0),
                n=number(len(tested), decimals=0),
                share=percent(float((tested["coverage"] * tested["n"]).sum() / tested["n"].sum()), decimals=1),
            )
        )
    return together(words)


def compared_words(found: Outlook, places: int) -> str:
    """On what forecasters are compared: the forecasts that all of them made, at so many places."""
    if not places:
        return t("No forecast that every forecaster made can be checked, so they cannot be compared.")
    if len(found.history.places) == 1:
        return t("Only forecasts that every forecaster made are compared, so that none gains by staying silent.")
    return t(
        "Only forecasts that every forecaster made are compared, at {n} of {all} places, so that none gains by "
        "staying silent.",
        n=number(places, decimals=0),
        all=number(len(found.history.places), decimals=0),
    )


def tested_words(found: Outlook, region: Region) -> str:
    """How the forecasts were tried."""
    plan, times = found.backtested.plan, found.history.times
    return t(
        "Tried {n} times between {first} and {last}, each time knowing only what was known then; the models learnt "
        "from the record up to {learnt}.",
        n=number(len(plan.origins), decimals=0),
        first=time_words(found, times[plan.origins[0]].tz_localize("UTC"), region),
        last=time_words(found, times[plan.origins[-1]].tz_localize("UTC"), region),
        learnt=time_words(found, times[plan.learnt - 1].tz_localize("UTC"), region),
    )


def card(found: Outlook, region: Region, place: str | None) -> list[tuple[str, str]]:
    """The model card: from what, by what, how good, and where its limits are."""
    history, plan = found.history, found.backtested.plan
    facts = [
        (t("What is forecast"), f"{said(found.dataset.title)} · {said(found.column.title)}"),
        (t("Tried"), listed(forecaster_words(name) for name in found.backtested.means if name != SHOWN)),
        (
            t("Training data"),
            t(
                "{places} places, {steps} steps from {first} to {last}, of which {share} have a value",
                places=number(len(history.places), decimals=0),
                steps=number(len(history), decimals=0),
                first=time_words(found, history.times[0].tz_localize("UTC"), region),
                last=time_words(found, history.times[-1].tz_localize("UTC"), region),
                share=percent(float(np.isfinite(history.values).mean())),
            ),
        ),
        (
            t("What it looks at"),
            listed(
                [
                    t("the series’ own past"),
                    t("the time of day, week and year"),
                    *([t("public holidays")] if history.holidays else []),
                    *([t("the neighbouring places")] if len(history.places) > 1 else []),
                    *(said(region.series(name)[1].title) for name in history.drivers),
                ]
            ),
        ),
        (t("How it was tried"), tested_words(found, region)),
        (t("Limits"), coverage_sentence(found)),
        (
            t("What it does not know"),
            t(
                "Weather forecasts, works, closures, plans and everything else that the record does not hold; and "
                "nothing of the kind that never happened within it."
            ),
        ),
        (t("Vintage"), t("retrieved on {day}", day=when(pd.Timestamp(found.dataset.retrieved), "1 day"))),
    ]
    if place is not None:
        rows = shown_at(found, place)
        skill = rows["skill"].to_numpy(float)
        facts.insert(
            2,
            (
                t("Shown here"),
                listed(
                    dict.fromkeys(
                        t(
                            "{who}, off by {share} less than the best guess at the first step",
                            who=forecaster_words(str(row.model)),
                            share=percent(max(float(skill[0]), 0.0)),
                        )
                        if row.by_model and row.lead == 1
                        else forecaster_words(str(row.model))
                        for row in rows.itertuples()
                        if isinstance(row.model, str)
                    )
                )
                or t("nothing"),
            ),
        )
    facts.append((t("Cutoffs, seed"), tn("every step; seed 0", "every {n} steps; seed 0", _spacing(plan.origins))))
    return facts


def _spacing(origins: np.ndarray) -> int:
    return int(origins[1] - origins[0]) if len(origins) > 1 else 0
