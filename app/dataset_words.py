"""What is said of a dataset and its columns, in sentences: for its page, for downloads and for reports alike."""

from __future__ import annotations

from datetime import date

import pandas as pd

from app.publication_words import marked
from app.text import day, error_in_words, message, number, period, quantity, said, t, tn, together, when
from geodata.dataset import Column, Dataset, Package, Theme
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


def dataset_title(dataset: Dataset) -> str:
    """What a dataset is called, marked where it is an analyst's result that nobody has approved or is out of date."""
    if dataset.publication is not None:  # an analyst's own words, which may be those of another dataset by chance
        return marked(dataset.title, dataset.publication)
    return said(dataset.title)


def series_title(dataset: Dataset, column: Column) -> str:
    """What a column of a dataset measures, marked as its dataset is."""
    if dataset.publication is not None:
        return marked(column.title, dataset.publication)
    return said(column.title)


def column_title(column: Column) -> str:
    """What a column measures, with its unit."""
    symbol = unit_symbol(column)
    title = said(column.title)
    return t("{title} ({unit})", title=title, unit=symbol) if symbol else title


def place_labels(region: Region) -> dict[str, str]:
    """Every place by what tells it apart: its name, its kind, and where both are equal its id."""
    places = region.places()
    kinds = {d.id: dataset_title(d) for d in region.layers.values()}
    names = places["name"].fillna("").astype(str)
    names = names.where(names != "", places.index)
    shown = names + places["layer"].map(kinds).radd(" · ").fillna("")
    shown = shown.where(~shown.duplicated(keep=False), shown + " (" + places.index + ")")
    return dict(zip(places.index, shown, strict=True))


def spread_words(values: pd.Series, column: Column, moment: pd.Timestamp | None, step: str) -> str:
    """Between which values half of the places lie, and at which time.

    Parameters
    ----------
    values : one for each place, none missing, in the unit of `column`.
    moment : the start of the step that they are of; None where there is one value for all times.
    """
    symbol = unit_symbol(column)
    words = t(
        "Half of the {n} places with a value lie between {low} and {high}.",
        n=number(len(values), decimals=0),
        low=quantity(values.quantile(0.25), symbol),
        high=quantity(values.quantile(0.75), symbol),
    )
    return words if moment is None else t("{label}: {text}", label=when(moment, step), text=words)


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
        *([(t("Address"), dataset.url)] if dataset.url else []),
        *_time_facts(dataset),
        *([(t("Taken from"), package_words(package))] if package is not None else []),
        (t("File"), t("{name}, checksum {checksum}…, agrees", name=dataset.path.name, checksum=dataset.sha256[:8])),
    ]
    try:
        dataset.check()
    except AlmanacError as error:
        facts[-1] = (t("File"), error_in_words(error)[0])
    return facts


def _time_facts(dataset: Dataset) -> list[tuple[str, str]]:
    """Of which time it speaks; only what was observed grows old."""
    span, step = period(dataset.observed_from, dataset.observed_to), (t("Step"), said(dataset.step))
    if dataset.publication is not None:
        return [(t("Speaks of"), span), step]
    return [(t("Observed"), span), step, (t("Freshness"), _freshness(dataset))]


def package_words(package: Package) -> str:
    """The public package from which a dataset was taken."""
    return t(
        "{registry} package {name} {version} ({licence})",
        registry=package.registry,
        name=package.name,
        version=package.version,
        licence=package.licence,
    )


def licence_words(dataset: Dataset) -> str:
    """The licence in the reader's language; one that nobody states is told as such."""
    return t("licence not stated") if dataset.licence == NOT_STATED else said(dataset.licence)


def source_line(dataset: Dataset) -> str:
    """Who made a dataset, under which licence, for which time, and when it was taken, in one line."""
    if dataset.publication is not None:
        return t(
            "Source: {producer}, from a notebook; {licence}; speaks of {period}; published {day}.",
            producer=dataset.producer,
            licence=licence_words(dataset),
            period=period(dataset.observed_from, dataset.observed_to),
            day=day(dataset.retrieved),
        )
    return t(
        "Source: {producer}; {licence}; observed {period}; retrieved {day}.",
        producer=dataset.producer,
        licence=licence_words(dataset),
        period=period(dataset.observed_from, dataset.observed_to),
        day=day(dataset.retrieved),
    )


def titled_source(dataset: Dataset) -> str:
    """The title of a dataset and its source line, as two sentences."""
    return together([t("{words}.", words=dataset_title(dataset)), source_line(dataset)])


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
                newest_title=dataset_title(found.newest),
                oldest=day(found.oldest.observed_from),
                oldest_title=dataset_title(found.oldest),
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
