"""What is said of sinking ground near people."""

from __future__ import annotations

import pandas as pd

from analytics.near_people import STABLE, NearPeople
from app.sentences import interval_words
from app.text import listed, number, quantity, said, t, together
from geodata.region import Region

_NAMED = 3


def near_people_answer(region: Region, found: NearPeople) -> str:
    """Where the ground sinks near people, in words."""
    sinking = found.table[found.table["sinking"] > 0]
    symbol = said("mm/yr")
    if sinking.empty:
        return t(
            "At none of the {sites} sites does the ground sink by {threshold} or more with a 95% interval "
            "wholly below zero.",
            sites=number(int(found.table["sites"].sum()), decimals=0),
            threshold=quantity(-STABLE, symbol),
        )
    names = region.places()["name"]
    first = [
        t(
            "{place} ({people} people; its fastest site {velocity}, between {low} and {high})",
            place=str(names[place]),
            people=number(row["people"], decimals=0),
            velocity=quantity(row["fastest_mm_per_year"], symbol),
            low=number(row["low_mm_per_year"]),
            high=number(row["high_mm_per_year"]),
        )
        for place, row in sinking.head(_NAMED).iterrows()
    ]
    unseen = found.table[found.table["sites"] == 0]
    words = [
        t(
            "In {n} of {all} places at least one site sinks by {threshold} or more, "
            "with a 95% interval wholly below zero. "
            "Where to look first, by people times speed: {places}.",
            n=number(len(sinking), decimals=0),
            all=number(len(found.table), decimals=0),
            threshold=quantity(-STABLE, symbol),
            places=listed(first),
        )
    ]
    if len(unseen):
        words.append(
            t(
                "{n} places with {people} people have no site: nothing is known there.",
                n=number(len(unseen), decimals=0),
                people=number(unseen["people"].sum(), decimals=0),
            )
        )
    return together(words)


def near_people_table(region: Region, found: NearPeople) -> pd.DataFrame:
    """The places in which a site sinks, in the order in which to look, as a table."""
    rows = found.table[found.table["sinking"] > 0]
    names = region.places()["name"]
    symbol = said("mm/yr")
    return pd.DataFrame(
        {
            t("Place"): [str(names[place]) for place in rows.index],
            t("People, {year}", year=str(found.year)): [number(n, decimals=0) for n in rows["people"]],
            t("Sites that sink"): [
                t("{n} of {all}", n=number(a, decimals=0), all=number(b, decimals=0))
                for a, b in zip(rows["sinking"], rows["sites"], strict=True)
            ],
            t("Fastest site"): [str(names.get(site, site)) for site in rows["fastest_site"]],
            t("Its velocity, with 95% limits"): [
                interval_words(row["fastest_mm_per_year"], row["low_mm_per_year"], row["high_mm_per_year"], symbol)
                for _, row in rows.iterrows()
            ],
        }
    )
