"""What an atlas has around its sheets: cover, contents, method and sources, index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from app.dataset_words import dataset_title
from app.report.blocks import Block, Facts, Figure, Heading, Listing, Page, Text
from app.report.printed_map import PrintedMap
from app.report.request import Request, Sizes
from app.report.theme import Theme
from app.report.words import layer_facts, map_alt, theme_facts
from app.text import day, said, t, tn
from geodata.dataset import Dataset
from geodata.region import Region


def cover(
    request: Request, region: Region, theme: Theme, drawing: PrintedMap, sizes: Sizes, places: int, issuer: str
) -> Page:
    """The first page: what it is, of where, of when, by whom."""
    width, height = sizes.region
    shown = drawing.whole(width, height * 0.8)
    figure = Figure("map-cover", shown.svg, map_alt(theme, drawing.symbols), width, height * 0.8)
    lead: list[Block] = [
        Heading(said(region.name), 1, anchor="cover"),
        Text(t("{what}, {time}", what=theme.titled, time=theme.period), strong=True),
        Text(tn("An atlas of {n} place.", "An atlas of {n} places.", places)),
    ]
    notes: list[Block] = [Text(said(region.summary))]
    if issuer:
        notes.append(Text(t("Issued by {issuer} on {day}.", issuer=issuer, day=day(date.today()))))
    return Page("cover", {"lead": tuple(lead), "map": (figure,), "notes": tuple(notes)})


def contents(places: Sequence[tuple[str, str]], *, with_map: bool) -> Page:
    """What is where: the parts, and of the sheets the first and the last; the index has them all."""
    (first, first_name), (last, last_name) = places[0], places[-1]
    entries = [(t("Map of the region"), "map")] if with_map else []
    entries.append((t("Sheets: {place}", place=first_name), f"place-{first}"))
    if last != first:
        entries.append((t("Last sheet: {place}", place=last_name), f"place-{last}"))
    entries += [(t("Method and sources"), "method"), (t("Index of places"), "index")]
    body = Listing(t("Contents"), tuple(entries), anchor="contents")
    return Page("flow", {"body": (body, Heading(t("How to read this atlas")), *how_to_read())})


def method(region: Region, theme: Theme, used: Sequence[Dataset]) -> Page:
    """How the numbers were made, and from what."""
    flaws = [(dataset_title(d), said(flaw)) for d in used for flaw in d.flaws]
    body: list[Block] = [
        Heading(t("Method and sources"), 1, anchor="method"),
        Heading(t("Method and uncertainty")),
        Facts(theme_facts(region, theme, room=True)),
        Heading(t("Sources")),
        Facts(tuple(layer_facts(used))),
    ]
    if flaws:
        body += [Heading(t("Known flaws")), Facts(tuple(flaws))]
    return Page("flow", {"body": tuple(body)})


def how_to_read() -> tuple[Text, ...]:
    """What the signs on the pages mean."""
    return (
        Text(
            t(
                "Classes have a colour and a number, on the map and in its legend; hatched places have no data, or "
                "lie below the palest class."
            )
        ),
        Text(
            t(
                "A forecast is drawn in blue where a model has proved better than every simple guess on the past of "
                "this very place; elsewhere the best guess stands, in grey."
            )
        ),
        Text(
            t(
                "The grade of evidence tells how well a formula is proven: against a published example, against "
                "another implementation, by hand, or not yet. "
                "“As published” stands for numbers that are their producer’s own."
            )
        ),
    )


def index(places: Sequence[tuple[str, str]]) -> Page:
    """All places by name; `places` are ids with names."""
    ordered = sorted(places, key=lambda place: place[1].casefold())
    entries = tuple((name, f"place-{place}") for place, name in ordered)
    return Page("flow", {"body": (Listing(t("Index of places"), entries, columns=3, anchor="index"),)})
