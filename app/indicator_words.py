"""What is said of an indicator and its numbers, in sentences: for pages, the command line and reports alike."""

from __future__ import annotations

import re

import pandas as pd

from analytics.against_normal import Trend
from analytics.evidence import Grade
from analytics.finding import Finding
from analytics.indicator import Indicator
from analytics.standard import CONVENTION, Comparison, Standard
from app.dataset_words import titled_source
from app.publication_words import marked, standing_of
from app.sentences import chance_words, interval_words
from app.text import listed, message, number, percent, period, quantity, said, t, tn, together
from geodata.errors import AlmanacError
from geodata.region import Region

GRADES: dict[Grade, str] = {
    "published": message("published: agrees with a published worked example or official output"),
    "independent": message("independent: agrees with another implementation"),
    "by_hand": message("by hand: agrees with a case worked out by hand"),
    "regression": message("regression: agrees only with its own past output"),
    "unproven": message("unproven: no case from outside this project yet"),
}
SHORT_GRADES: dict[Grade, str] = {
    "published": message("published"),
    "independent": message("independent"),
    "by_hand": message("by hand"),
    "regression": message("own past output"),
    "unproven": message("unproven"),
}
REASONS: dict[str, str] = {
    "values": message("too few values"),
    "years": message("the record is too short"),
    "completeness": message("too many values are missing"),
    "constant": message("the values never change, as those of a stuck instrument"),
    "negative": message("negative values where that is impossible"),
    "tidal": message("the flow reverses with the tide"),
    "undefined": message("the formula has no value here"),
}
BETTER: dict[str, str] = {
    "higher": message("higher is better"),
    "lower": message("lower is better"),
    "neither": message("neither direction is better as such"),
}
CLUSTERS: dict[str, str] = {
    "high among high": message("high among high"),
    "low among low": message("low among low"),
    "high among low": message("high among low"),
    "low among high": message("low among high"),
    "not significant": message("not significant"),
}
# The last year of a reference that goes on to the end of the record.
OPEN_END = 9999
# The years on which a trend or what is normal may be fitted: all, the last ones, or one of the normal periods of the
# World Meteorological Organization.
REFERENCES: dict[str, tuple[int, int] | None] = {
    "all": None,
    "2010": (2010, OPEN_END),
    "2000": (2000, OPEN_END),
    "1991-2020": (1991, 2020),
    "1961-1990": (1961, 1990),
}
# How the choice of classes made from the values is called: an address cannot hold an empty one.
NO_STANDARD = "none"
# How many places of how many classes an answer names.
_NAMED, _CLASSES = 3, 2


def unit_words(indicator: Indicator) -> str:
    """The unit as the reader writes it; empty for plain numbers."""
    return said(indicator.canonical_unit.symbol)


def bare_title(indicator: Indicator) -> str:
    """Its name alone: what stands before the colon of its title."""
    title = said(indicator.title)
    for colon in (":", "："):
        title = title.partition(colon)[0]
    return title.strip()


def short_title(indicator: Indicator) -> str:
    """Its name, marked where it is an analyst's result that nobody has approved or is out of date."""
    return marked(bare_title(indicator), indicator.published.publication if indicator.published is not None else None)


def chosen_unit(indicator: Indicator) -> str:
    """Its name with its unit: how it is chosen from a list."""
    symbol = unit_words(indicator)
    title = short_title(indicator)
    return t("{title} ({unit})", title=title, unit=symbol) if symbol else title


def meaning(indicator: Indicator) -> str:
    """What the number means, as a sentence: what stands behind the colon of its title."""
    title = said(indicator.title)
    for colon in (":", "："):
        _, found, rest = title.partition(colon)
        if found:
            return t("{words}.", words=rest.strip()[:1].upper() + rest.strip()[1:])
    return t("{words}.", words=title)


def value_words(indicator: Indicator, row: pd.Series) -> str:
    """A value with its unit and, where it has one, its 95 % interval."""
    symbol = unit_words(indicator)
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return quantity(row["value"], symbol)
    return interval_words(row["value"], row["low"], row["high"], symbol)


def reason_words(indicator: Indicator, row: pd.Series) -> str:
    """Why a place has no value, with what was found and what is needed."""
    reason, least = str(row["reason"]), indicator.minimum
    if reason == "values":
        return tn(
            "Not enough data: there is {n} value, and {least} are needed.",
            "Not enough data: there are {n} values, and {least} are needed.",
            int(row["n"]),
            least=number(least.values, decimals=0),
        )
    if reason == "years" and pd.notna(row["observed_from"]):
        return tn(
            "Not enough data: the record runs from {period}, and a full year is needed.",
            "Not enough data: the record runs from {period}, and {n} years are needed.",
            round(least.years),
            period=period(row["observed_from"], row["observed_to"]),
        )
    if reason == "completeness":
        return t(
            "Not enough data: {share} of the values due are there, and {least} are needed.",
            share=percent(row["completeness"]),
            least=percent(least.completeness),
        )
    if reason == "undefined":
        return said(indicator.undefined)
    return t("Withheld: {reason}.", reason=said(REASONS.get(reason, reason)))


def answer(region: Region, found: Finding) -> str:
    """The page's answer in words: how many places can be judged, which are worst, how sure that is."""
    indicator, table = found.indicator, found.measured.table
    known, all_of_them = found.measured.known, len(table)
    if not known:
        return t(
            "None of the {n} places has enough data for “{what}”; {why}",
            n=number(all_of_them, decimals=0),
            what=short_title(indicator),
            why=_most_common_reason(table),
        )
    words = [_first_places(region, found)]
    classes = found.of_concern()
    if found.standard is not None and classes:
        words.append(
            t(
                "{n} of {known} places are in a class of concern of {standard}.",
                n=number(found.concerned, decimals=0),
                known=number(known, decimals=0),
                standard=said(found.standard.title),
            )
        )
    sure = found.sure.dropna()
    # A flood is above zero in any case: only of what can be negative, or is tested for a trend, is the side news.
    if len(sure) and ((table["low"] < 0).any() or table["p_value"].notna().any()):
        words.append(
            t(
                "At {n} of {known} places the 95% interval keeps to one side of zero: there the direction is sure.",
                n=number(int(sure.astype(bool).sum()), decimals=0),
                known=number(len(sure), decimals=0),
            )
        )
        if found.standing is not None:
            words.append(
                t(
                    "Many places are tested at once: {n} stand when at most one in twenty may be a false alarm.",
                    n=number(found.standing, decimals=0),
                )
            )
    if known < all_of_them:
        words.append(
            t(
                "{missing} of {n} places are left out: {why}",
                missing=number(all_of_them - known, decimals=0),
                n=number(all_of_them, decimals=0),
                why=_most_common_reason(table),
            )
        )
    if (table["reason"] == "undefined").any():
        words.append(said(indicator.undefined))
    return together(words)


def _first_places(region: Region, found: Finding) -> str:
    """The places to look at first: by class where the standard sees a concern, else those at the worse end."""
    names = region.places()["name"]
    ends = found.measured.table.loc[found.measured.values.notna(), "observed_to"]
    dated = found.indicator.latest and ends.nunique() > 1

    def told(rows: pd.DataFrame) -> str:
        some = rows.head(_NAMED).iterrows()
        words = t("; ").join(_named(found.indicator, str(names.get(place, place)), row, dated) for place, row in some)
        return words if len(rows) <= _NAMED else t("{places} and others", places=words)

    concerned = {label: rows for label, rows in found.of_concern().items() if len(rows)}
    if concerned:
        parts = [
            t(
                "{label} ({n}) – {places}.",
                label=said(label)[:1].upper() + said(label)[1:],
                n=number(len(rows), decimals=0),
                places=told(rows),
            )
            for label, rows in list(concerned.items())[:_CLASSES]
        ]
        return together(parts)
    ranked = found.ranked()
    first = told(ranked) if len(ranked) <= _NAMED else told(ranked.head(_NAMED))
    return t("Lowest – {places}.", places=first) if found.low_first else t("Highest – {places}.", places=first)


def _named(indicator: Indicator, name: str, row: pd.Series, dated: bool) -> str:
    if dated and pd.notna(row["observed_to"]):
        day = period(row["observed_to"], row["observed_to"])
        return t("{place}: {value}, {day}", place=name, value=value_words(indicator, row), day=day)
    return t("{place}: {value}", place=name, value=value_words(indicator, row))


def class_words(found: Finding, place: str) -> str:
    """The name of a place's class in the standard; empty without one."""
    label = found.labels[place]
    return said(str(label)) if pd.notna(label) else ""


def _most_common_reason(table: pd.DataFrame) -> str:
    reasons = table.loc[table["value"].isna(), "reason"].value_counts()
    told = listed(t("{what} ({n})", what=said(REASONS.get(r, r)), n=number(n, decimals=0)) for r, n in reasons.items())
    return t("{words}.", words=told)


def vintage_words(row: pd.Series) -> str:
    """From when to when the values are; empty where nothing is told."""
    if pd.isna(row["observed_from"]):
        return ""
    return period(row["observed_from"], row["observed_to"])


def age_words(table: pd.DataFrame) -> str:
    """What is meant by “now”, where places end at different times."""
    ends = table.loc[table["value"].notna(), "observed_to"].dropna()
    if ends.empty:
        return ""
    if ends.min() == ends.max():
        return t("Each value is of {day}, the last day of the record.", day=period(ends.max(), ends.max()))
    return t(
        "“Now” is the last day of each place’s own record, from {first} to {last}.",
        first=period(ends.min(), ends.min()),
        last=period(ends.max(), ends.max()),
    )


def evidence_card(region: Region, found: Finding, place: str | None) -> list[tuple[str, str]]:
    """All that is needed to defend a number: labels and texts, of one place or of all of them."""
    indicator, table = found.indicator, found.measured.table
    row = table.loc[place] if place in table.index else None
    evidence = indicator.evidence
    card: list[tuple[str, str]] = []
    if row is not None:
        value = value_words(indicator, row) if pd.notna(row["value"]) else reason_words(indicator, row)
        card.append((t("Value"), value))
        card.append((t("Class"), class_words(found, str(place))))
    if indicator.published is not None:
        card.append((t("Approval"), standing_of(indicator.published.publication)))
    card += [
        (t("What it means"), meaning(indicator)),
        (t("Formula"), indicator.formula),
        (t("Unit"), unit_words(indicator) or t("a plain number")),
        (
            t("Authority"),
            t("{authority}, {edition}", authority=said(indicator.authority), edition=said(indicator.edition)),
        ),
        (t("Reference"), indicator.reference),
        (t("Standard"), standard_words(found.standard)),
        (t("Direction"), said(BETTER[indicator.better])),
        (t("Least record"), minimum_words(indicator)),
    ]
    if indicator.fitted:
        card.append((t("Reference period"), reference_words(found.measured.reference)))
    if row is not None:
        card += _record_facts(row)
    else:
        ends = table[["observed_from", "observed_to"]].dropna()
        if len(ends):
            card.append((t("Observed"), period(ends["observed_from"].min(), ends["observed_to"].max())))
    card += [
        (t("Uncertainty"), _uncertainty_words(found, row)),
        (t("Grade of evidence"), together([t("{words}.", words=said(GRADES[evidence.grade])), *evidence.sources[:2]])),
        (t("What it does not say"), said(indicator.caveat)),
    ]
    datasets = [d for d in found.measured.use.datasets if row is None or d.id in str(row["dataset"]).split()]
    card += [(t("Source"), titled_source(dataset)) for dataset in datasets]
    return [(label, text) for label, text in card if text]


def _record_facts(row: pd.Series) -> list[tuple[str, str]]:
    facts = [
        (t("Observed"), vintage_words(row)),
        (t("Values used"), number(row["n"], decimals=0)),
        (t("Completeness"), completeness_share(row)),
    ]
    if pd.notna(row["provisional"]) and row["provisional"] > 0:
        facts.append(
            (t("Provisional"), t("{share} of the values may still be revised", share=percent(row["provisional"])))
        )
    return facts


def completeness_share(row: pd.Series) -> str:
    """How much of what was due is there; where no step is kept, nothing was."""
    if row["n"] and pd.isna(row["completeness"]):
        return t("does not apply: no fixed step")
    return percent(row["completeness"], decimals=1)


def _uncertainty_words(found: Finding, row: pd.Series | None) -> str:
    table = found.measured.table
    if table["low"].notna().any():
        words = [t("Limits of the 95% interval are given with each value.")]
        if row is not None and pd.notna(row["p_value"]):
            words.append(chance_words(float(row["p_value"])))
        return together(words)
    return t("The indicator’s definition gives no interval; the record’s length and completeness are the guide.")


def standard_words(standard: Standard | None) -> str:
    """Who set the class breaks, in which edition, and whether the text itself was read."""
    if standard is None:
        return t("None: the classes are made from the values themselves.")
    if standard.id == CONVENTION:
        words = t("{words}.", words=said(standard.title))
    else:
        words = t(
            "{title}: {authority}, {edition}.",
            title=said(standard.title),
            authority=standard.authority,
            edition=standard.edition,
        )
    if standard.confirmed:
        return words
    return together([words, t("These thresholds were not confirmed in the text of an authority.")])


def reference_words(reference: tuple[int, int] | None) -> str:
    """The years on which what is normal was fitted."""
    if reference is None:
        return t("the whole record")
    if reference[1] == OPEN_END:
        return t("since {year}", year=str(reference[0]))
    return f"{reference[0]}–{reference[1]}"


def reference_name(reference: tuple[int, int] | None) -> str:
    """How an address calls a reference period; `reference_named` reads it."""
    known = {span: name for name, span in REFERENCES.items()}
    return known[reference] if reference in known or reference is None else f"{reference[0]}-{reference[1]}"


def reference_named(name: str) -> tuple[int, int] | None:
    """The reference period of this name: one of `REFERENCES`, or any first and last year with a dash between.

    Raises
    ------
    AlmanacError
        When it is neither.
    """
    if name in REFERENCES:
        return REFERENCES[name]
    first, _, last = name.partition("-")
    if not all(re.fullmatch("[0-9]{4}", year) for year in (first, last)) or first > last:
        raise AlmanacError(
            "“{given}” is no reference period.",
            hint="Give its first and last year, such as {example}.",
            given=name,
            example="1991-2020",
        )
    return int(first), int(last)


def minimum_words(indicator: Indicator) -> str:
    """The shortest record that makes sense."""
    least = indicator.minimum
    words = [tn("{n} value", "{n} values", least.values)]
    if least.years:
        words.append(tn("{n} year", "{n} years", round(least.years)))
    if least.completeness:
        words.append(t("{share} complete", share=percent(least.completeness)))
    return listed(words)


def trend_words(trend: Trend | None, symbol: str) -> str:
    """How the yearly values change, since when, and how sure that is."""
    if trend is None or pd.isna(trend.low) or pd.isna(trend.high):
        return t("Too few full years for a trend: six are needed.")
    per_year = t("{unit} a year", unit=symbol)
    change = t(
        "From {first} to {last} the yearly value changed by {slope}, with 95% certainty between {low} and {high}.",
        first=str(trend.years[0]),
        last=str(trend.years[1]),
        slope=quantity(trend.slope, per_year),
        low=number(trend.low),
        high=quantity(trend.high, per_year),
    )
    if trend.sure:
        sure = t("It is rising.") if trend.slope > 0 else t("It is falling.")
    else:
        sure = t("Neither a rise nor a fall is sure.")
    words = [sure, change]
    if pd.notna(trend.p_value):
        words.append(chance_words(trend.p_value))
    return together(words)


def disagreement_words(indicator: Indicator, result: Comparison) -> str:
    """At how many places the standards disagree, in words."""
    known, disagreed = len(result.table), len(result.disagreed)
    return t(
        "“{what}” has classes in {standards} standards. At {n} of {known} places with a value, "
        "at least one of them sees a concern and another does not.",
        what=short_title(indicator),
        standards=number(len(result.standards), decimals=0),
        n=number(disagreed, decimals=0),
        known=number(known, decimals=0),
    )
