"""What reports say in sentences beside those of the pages: what a map shows, how its numbers came to be, from whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analytics.classes import Classes
from app.dataset_words import dataset_title, licence_words
from app.indicator_words import evidence_card
from app.publication_words import standing_of
from app.report.symbology import Symbol
from app.report.theme import FEW, Theme
from app.text import day, listed, number, period, quantity, said, t, tn, together
from geodata.catalog import open_catalog
from geodata.dataset import Dataset
from geodata.publication import Publication
from geodata.region import Region

# How much of what an analyst says of a method stands on a page of a fixed length, in signs.
_METHOD = 300


def map_alt(theme: Theme, symbols: Sequence[Symbol]) -> str:
    """What a map shows, for those who do not see it: classes with their counts, gaps among them, and the extremes."""
    known = theme.known
    words = [
        t(
            "Map of {what}, {time}: {n} places.",
            what=theme.titled,
            time=theme.period,
            n=number(len(theme.values), decimals=0),
        )
    ]
    words.append(
        t(
            "By class: {classes}.",
            classes=listed(t("{what} ({n})", what=s.label, n=number(s.count, decimals=0)) for s in symbols if s.count),
        )
    )
    if len(known) > 1:
        names = theme.layer["name"]
        low, high = known.idxmin(), known.idxmax()
        words.append(
            t(
                "Lowest: {low_place}, {low}; highest: {high_place}, {high}.",
                low_place=names[low], low=quantity(float(known[low]), theme.unit),
                high_place=names[high], high=quantity(float(known[high]), theme.unit),
            )
        )  # fmt: skip
    return together(words)


def theme_facts(region: Region, theme: Theme, *, room: bool = False) -> tuple[tuple[str, str], ...]:
    """The method box: how the numbers were made, by whose definition, how sure they are.

    Parameters
    ----------
    room : whether the page may become longer, so that all that an analyst says of a method can stand on it.
    """
    if theme.finding is None:
        approval = [(t("Approval"), standing_of(theme.analyst))] if theme.analyst is not None else []
        return (
            *approval,
            (t("Figure"), series_method(theme, room=room)),
            (t("Classes"), class_method(theme.classes)),
            (t("Completeness"), t("{known} of {n} places have a value", known=number(len(theme.known), decimals=0),
                                  n=number(len(theme.values), decimals=0))),
            (t("Uncertainty"), t("The producer gives none with the values.")),
        )  # fmt: skip
    left_out = {t("Direction"), t("Observed"), t("Source"), t("Unit"), t("Reference")}
    card = [row for row in evidence_card(region, theme.finding, None) if row[0] not in left_out]
    return tuple(card)


def known_words(theme: Theme) -> str:
    """At how many of its places the theme has a value."""
    return tn(
        "{known} of {n} place has a value.",
        "{known} of {n} places have a value.",
        len(theme.values),
        known=number(len(theme.known), decimals=0),
    )


def series_method(theme: Theme, *, room: bool) -> str:
    """What was done to the values that a producer published, or how an analyst made them; see `theme_facts`."""
    if theme.analyst is not None:
        words = theme.datasets[0].summary
        return words if room or len(words) <= _METHOD else f"{words[:_METHOD].rstrip()}…"
    if theme.made == "mean":
        return t("the mean of what its producer published within the time shown")
    if theme.made == "sum":
        return t("the sum of what its producer published within the time shown")
    if theme.made == "last":
        return t("the last value that its producer published within the time shown")
    return t("as its producer published it; nothing was computed but the class")


def class_method(classes: Classes) -> str:
    """How the breaks of a map were found."""
    if classes.authority:
        return t("set by {authority}", authority=said(classes.authority))
    return {
        "quantile": t("about as many values in each, over all times"),
        "equal": t("equally wide"),
        "natural": t("with the least spread inside each"),
        "diverging": t("the same on both sides of the middle, over all times"),
        "given": t("given"),
    }[classes.method]


def layer_facts(datasets: Iterable[Dataset], *, room: bool = True) -> list[tuple[str, str]]:
    """From whom each dataset is, once: producer, licence and vintage; of an analyst's, from which notebook and what.

    Parameters
    ----------
    room : whether there is room for what analysts made their results from.
    """
    return [(dataset_title(dataset), _origin(dataset, room=room)) for dataset in dict.fromkeys(datasets)]


def _origin(dataset: Dataset, *, room: bool) -> str:
    licence, span = licence_words(dataset), period(dataset.observed_from, dataset.observed_to)
    publication = dataset.publication
    if publication is None:
        return t(
            "{producer}; {licence}; observed {period}; retrieved {day}.",
            producer=dataset.producer,
            licence=licence,
            period=span,
            day=day(dataset.retrieved),
        )
    if not room:
        return t(
            "{author}; published on {day} from the notebook {notebook}.",
            author=publication.author,
            day=day(publication.published),
            notebook=publication.notebook_name,
        )
    catalog, inputs = open_catalog(), publication.inputs
    made_from = listed(dataset_title(catalog[i.name]) if i.name in catalog else i.name for i in inputs[:FEW])
    if len(inputs) > FEW:
        made_from = t("{n} datasets and files", n=number(len(inputs), decimals=0))
    return t(
        "{author}; published on {day} from the notebook {notebook}; made from {inputs}; {licence}; speaks of {period}.",
        author=publication.author,
        day=day(publication.published),
        notebook=publication.notebook_name,
        inputs=made_from or t("no dataset of the catalogue"),
        licence=licence,
        period=span,
    )


def analyst_evidence(publication: Publication) -> str:
    """What stands behind a number that no producer published, in the words of a table."""
    return t("an analyst’s result, approved") if publication.approved is not None else t("an analyst’s result")
