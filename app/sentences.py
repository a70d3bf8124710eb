"""What is said of a place and its series, in sentences: for its page and for reports alike."""

from __future__ import annotations

import pandas as pd

from analytics.place import Profile, Record, Standing
from app.dataset_words import length_words, unit_symbol
from app.text import listed, number, percent, quantity, said, t, tn, together, when


def answer(found: Profile) -> str:
    """What we know of it, in a few sentences."""
    if not found.records:
        only = (
            t(
                "We have {figures} of {place}, and no series.",
                figures=tn("{n} figure", "{n} figures", len(found.facts)),
                place=found.name,
            )
            if found.facts
            else t("We have no figures of {place}.", place=found.name)
        )
        if found.inside.empty:
            return only
        return together([only, t("The places within it may have some: they are listed below.")])
    datasets = {r.dataset.id for r in found.records}
    newest = max(found.records, key=lambda r: r.latest_time or pd.Timestamp(0, tz="UTC"))
    words = [
        t(
            "We have {series} of {place} from {datasets}.",
            series=tn("{n} series", "{n} series", len(found.records)),
            place=found.name,
            datasets=tn("{n} dataset", "{n} datasets", len(datasets)),
        )
    ]
    if newest.latest_time is not None:
        words.append(
            t(
                "The newest value is of {time}: {what}, {value}.",
                time=when(newest.latest_time, newest.dataset.step),
                what=said(newest.column.title),
                value=quantity(newest.latest, unit_symbol(newest.column)),
            )
        )
    least = found.least_complete
    if found.completeness is not None and least is None:
        words.append(t("No value is missing within the time that each series covers."))
    elif found.completeness is not None and least is not None:
        words.append(
            t(
                "Of the values due within the time that each series covers, {share} are there; "
                "most is missing of {what} ({missing}).",
                share=percent(found.completeness),
                what=said(least.column.title),
                missing=percent(1 - (least.completeness or 0.0)),
            )
        )
    return together(words)


def standing_words(standing: Standing) -> str:
    """How a value stands among those of the other places."""
    if standing.equal:
        return t(
            "Of the other {others} places with a value to compare: {higher} higher, {equal} equal, {lower} lower.",
            others=number(standing.of - 1, decimals=0),
            higher=number(standing.higher, decimals=0),
            equal=number(standing.equal, decimals=0),
            lower=number(standing.lower, decimals=0),
        )
    if not standing.higher:
        return tn(
            "The higher of two places with a value to compare.",
            "The highest of the places with a value to compare; there are {n} others.",
            standing.of - 1,
        )
    if not standing.lower:
        return tn(
            "The lower of two places with a value to compare.",
            "The lowest of the places with a value to compare; there are {n} others.",
            standing.of - 1,
        )
    return t(
        "Of the other {others} places with a value to compare: {higher} higher, {lower} lower.",
        others=number(standing.of - 1, decimals=0),
        higher=number(standing.higher, decimals=0),
        lower=number(standing.lower, decimals=0),
    )


def completeness_words(record: Record) -> list[str]:
    """How many values there are, over which time, and how many are missing."""
    if record.first is None or record.latest_time is None:
        return []
    step = record.dataset.step
    if record.n == 1:
        return [t("This is the only value there is.")]
    words = [
        t(
            "{n} values from {first} to {last}.",
            n=number(record.n, decimals=0),
            first=when(record.first, step),
            last=when(record.latest_time, step),
        )
    ]
    if record.completeness is None:
        if record.longest is not None:
            words.append(
                t(
                    "Measured without a fixed step; the longest time between two values is {length}.",
                    length=length_words(record.longest),
                )
            )
    elif record.gaps.empty:
        words.append(t("None is missing."))
    else:
        words.append(
            tn(
                "{share} of the values due are there, one is missing; the longest time between two values is {length}.",
                "{share} of the values due are there, {n} are missing; "
                "the longest time between two values is {length}.",
                record.missing,
                share=percent(record.completeness, decimals=1),
                length=length_words(record.longest) if record.longest is not None else "",
            )
        )
    return words


def qualifier_words(record: Record) -> list[str]:
    """Which share of the values carries which qualifier."""
    if not record.flags:
        return []
    shares = [f"{said(record.column.flags.get(f, f))} {percent(share)}" for f, share in record.flags.items()]
    return [t("By their qualifier: {shares}.", shares=listed(shares))]


def change_words(record: Record) -> list[str]:
    """What has changed over the years."""
    change = record.change
    if change is None:
        return []
    symbol = unit_symbol(record.column)
    return [
        t(
            "The mean was {before} in {years_before} and {after} in {years_after}, over full years only.",
            before=quantity(change.before, symbol),
            after=quantity(change.after, symbol),
            years_before=f"{change.before_from}–{change.before_to}",
            years_after=f"{change.after_from}–{change.after_to}",
        )
    ]


def chance_words(p_value: float) -> str:
    """How likely such a trend is where there is none."""
    return t(
        "Where there is no trend at all, one as strong arises by chance with a probability of {p}.",
        p=chance_number(p_value),
    )


def chance_number(p_value: float) -> str:
    """A probability as it is written: never as a zero that it is not."""
    return number(p_value, digits=2) if p_value >= 0.001 else t("less than 0.001")


def interval_words(value: float, low: float, high: float, symbol: str) -> str:
    """A value with its unit and the limits of its interval."""
    limits = {"low": number(low), "high": quantity(high, symbol)}
    return t("{value} (between {low} and {high})", value=quantity(value, symbol), **limits)
