"""What is said of a dataset and its columns, in sentences: for its page, for downloads and for reports alike."""

from __future__ import annotations

from datetime import date

import pandas as pd

from app.text import day, error_in_words, message, number, period, said, t, tn, together
from geodata.catalog import Column, Dataset, Theme
from geodata.errors import AlmanacError
from geodata.inventory import NOT_STATED, Inventory, age
from geodata.region import Region

THEMES: dict[Theme, str] = {
    "boundaries": message("Boundaries"),
    "traffic": message("Traffic"),
    "water": message("Water"),
    "weather": message("Weather"),
    "air": message("Air"),
    "natural_resources": message("Natural resources"),
    "ground_motion": message("Ground motion"),
    "energy": message("Energy"),
    "society": message("Society"),
    "basemap": message("Basemap"),
}


def theme_words(theme: Theme) -> str:
    """What datasets of a theme are about, in a word."""
    return said(THEMES[theme])


def unit_symbol(column: Column) -> str:
    """The unit of a column as the reader writes it; empty for plain numbers."""
    return said(column.canonical_unit.symbol)


def column_title(column: Column) -> str:
    """What a column measures, with its unit."""
    symbol = unit_symbol(column)
    title = said(column.title)
    return t("{title} ({unit})", title=title, unit=symbol) if symbol else title


def place_labels(region: Region) -> dict[str, str]:
    """Every place by what tells it apart: its name, its kind, and where both are equal its id."""
    places = region.places()
    kinds = {d.id: said(d.title) for d in region.layers.values()}
    names = places["name"].fillna("").astype(str)
    names = names.where(names != "", places.index)
    shown = names + places["layer"].map(kinds).radd(" · ").fillna("")
    shown = shown.where(~shown.duplicated(keep=False), shown + " (" + places.index + ")")
    return dict(zip(places.index, shown, strict=True))


def length_words(length: pd.Timedelta) -> str:
    """A length of time in the unit in which a reader would say it."""
    days = length / pd.Timedelta(days=1)
    if days >= 730:
        return tn("{n} year", "{n} years", round(days / 365.25))
    if days >= 60:
        return tn("{n} month", "{n} months", round(days / 30.44))
    if days >= 1:
        return tn("{n} day", "{n} days", round(days))
    if days * 24 >= 1:
        return tn("{n} hour", "{n} hours", round(days * 24))
    return tn("{n} minute", "{n} minutes", round(days * 1440))


def dataset_facts(dataset: Dataset) -> list[tuple[str, str]]:
    """Who made a dataset, under which licence, when, and where it was taken from: labels and texts."""
    package = dataset.package
    facts = [
        (t("Producer"), dataset.producer),
        (t("Licence"), licence_words(dataset)),
        (t("Citation"), dataset.citation),
        (t("Address"), dataset.url),
        (t("Observed"), period(dataset.observed_from, dataset.observed_to)),
        (t("Step"), said(dataset.step)),
        (t("Freshness"), _freshness(dataset)),
        (
            t("Taken from"),
            t(
                "{registry} package {name} {version} ({licence})",
                registry=package.registry,
                name=package.name,
                version=package.version,
                licence=package.licence,
            ),
        ),
        (t("File"), t("{name}, checksum {checksum}…, agrees", name=dataset.path.name, checksum=dataset.sha256[:8])),
    ]
    try:
        dataset.check()
    except AlmanacError as error:
        facts[-1] = (t("File"), error_in_words(error)[0])
    return facts


def licence_words(dataset: Dataset) -> str:
    """The licence in the reader's language; one that nobody states is told as such."""
    return t("licence not stated") if dataset.licence == NOT_STATED else said(dataset.licence)


def source_line(dataset: Dataset) -> str:
    """Who made a dataset, under which licence, for which time, and when it was taken, in one line."""
    return t(
        "Source: {producer}; {licence}; observed {period}; retrieved {day}.",
        producer=dataset.producer,
        licence=licence_words(dataset),
        period=period(dataset.observed_from, dataset.observed_to),
        day=day(dataset.retrieved),
    )


def titled_source(dataset: Dataset) -> str:
    """The title of a dataset and its source line, as two sentences."""
    return together([t("{words}.", words=said(dataset.title)), source_line(dataset)])


def _freshness(dataset: Dataset) -> str:
    """How old the last observation was when it was taken, and how old it is today."""
    then, now = (length_words(age(dataset, on)) for on in (dataset.retrieved, date.today()))
    if then == now:
        return t("the last observation is {now} old; retrieved on {day}", now=now, day=day(dataset.retrieved))
    return t(
        "the last observation was {then} old when retrieved on {day}, and is {now} old today",
        then=then,
        day=day(dataset.retrieved),
        now=now,
    )


def coverage_words(dataset: Dataset, shares: pd.Series) -> str:
    """How many places have how much of what was due of them; `shares` is 0 to 1 by place, NaN where unmeasured."""
    complete = int((shares >= 1).sum())
    words = (
        tn("The only place is complete.", "All {n} places are complete.", len(shares))
        if complete == len(shares)
        else t(
            "{measured} of {n} places have values; {complete} are complete.",
            measured=number(shares.notna().sum(), decimals=0),
            complete=number(complete, decimals=0),
            n=number(len(shares), decimals=0),
        )
    )
    if dataset.step == "irregular":
        months = t("Without a fixed step, what counts is the share of the months with a measurement.")
        words = together([words, months])
    return words


def inventory_words(found: Inventory) -> str:
    """What a set of datasets amounts to, in a few sentences."""
    words = [tn("There is {n} dataset.", "There are {n} datasets.", len(found.datasets))]
    if found.newest is not None and found.oldest is not None:
        words.append(
            t(
                "The newest values are of {newest} ({newest_title}), the oldest of {oldest} ({oldest_title}).",
                newest=day(found.newest.observed_to),
                newest_title=said(found.newest.title),
                oldest=day(found.oldest.observed_from),
                oldest_title=said(found.oldest.title),
            )
        )
    if found.unlicensed:
        words.append(
            tn(
                "For {n} of them the licence is not stated: ask the producer before you pass it on.",
                "For {n} of them the licence is not stated: ask the producer before you pass them on.",
                len(found.unlicensed),
            )
        )
    if not found.damaged:
        words.append(t("Every file is the one described: all checksums agree."))
    return together(words)


def size_words(size: int) -> str:
    """A number of bytes as people say it."""
    if size < 1_000_000:
        return f"{number(max(1, size / 1_000), decimals=0)} kB"
    return f"{number(size / 1_000_000, decimals=1)} MB"
