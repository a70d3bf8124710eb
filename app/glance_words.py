"""What is said of a region at a glance, in sentences: for its first page and for reports alike."""

from __future__ import annotations

from analytics.glance import Coverage, Glance, KeyFigure
from app.dataset_words import unit_symbol
from app.text import day, number, percent, period, quantity, said, t, tn, together, when


def known_words(found: Glance) -> str:
    """How much we know, in two sentences: the newest values, and the places of which we know nothing."""
    newest = found.newest[0]
    words = tn(
        "We have {n} dataset with values; the newest is of {day} ({dataset}).",
        "We have {n} datasets with values; the newest is of {day} ({dataset}).",
        len(found.newest),
        day=day(newest.observed_to),
        dataset=said(newest.title),
    )
    unseen = int((found.known == 0).sum())
    if not unseen:
        return words
    return together(
        [words, tn("{n} place has no value in any of them.", "{n} places have no value in any of them.", unseen)]
    )


def key_figure_words(figure: KeyFigure) -> str:
    """What the number is: over how many places, for which time, and what it was before."""
    time = (
        when(figure.time, figure.step)
        if figure.time is not None
        else period(figure.dataset.observed_from, figure.dataset.observed_to)
    )
    places = number(figure.places, decimals=0)
    if figure.how == "only":
        said_so = t("{time}, one place", time=time)
    elif figure.how == "total":
        said_so = t("{time}, total of {n} places of {of}", time=time, n=places, of=number(figure.of, decimals=0))
    else:
        said_so = t(
            "{time}, median of {n} places of {of}",
            time=time,
            n=places,
            of=number(figure.of, decimals=0),
        )
    if figure.earlier is None or figure.earlier_time is None:
        return t("{words}.", words=said_so)
    symbol = unit_symbol(figure.column)
    return t(
        "{now}; {earlier} in {then}.",
        now=said_so,
        earlier=quantity(figure.earlier, symbol),
        then=when(figure.earlier_time, figure.step),
    )


def seen_words(coverage: Coverage) -> str:
    """In how many places of the region a dataset has a value."""
    title = said(coverage.dataset.title)
    if coverage.of == 0:
        return t("{dataset}: its places have no position, so no map shows them.", dataset=title)
    if coverage.of == 1:
        # A region that is one outline is seen or not; what tells more is at how many places.
        words = tn(
            "{dataset}: a value at {n} place.", "{dataset}: values at {n} places.", coverage.locations, dataset=title
        )
    else:
        words = t(
            "{dataset}: a value in {seen} of {of} places ({share}).",
            dataset=title,
            seen=number(coverage.seen, decimals=0),
            of=number(coverage.of, decimals=0),
            share=percent(coverage.seen / coverage.of),
        )
    if coverage.outside:
        outside = tn(
            "{n} of its places lies outside the region and does not overlap the other layers.",
            "{n} of its places lie outside the region and do not overlap the other layers.",
            coverage.outside,
        )
        words = together([words, outside])
    return words
