"""The words of the map, in the reader's language; `{…}` is filled in by the browser."""

from __future__ import annotations

from app.text import language, t

LOCALES = {"en": "en-GB", "zh-Hans": "zh-Hans-CN", "zh-Hant": "zh-Hant-TW"}


def map_words() -> dict[str, str]:
    """What the map says, by what it is for."""
    return {
        "map": t("Map"),
        "skip": t("Skip the map"),
        "how": t("Arrow keys move the map, plus and minus zoom, Enter selects the place in the middle."),
        "search": t("Find a place on the map"),
        "matches": t("{n} places found"),
        "zoom_in": t("Zoom in"),
        "zoom_out": t("Zoom out"),
        "home": t("Show the whole layer"),
        "no_data": t("no data"),
        "legend": t("Legend"),
        "places": t("places"),
        "below": t("below {high}"),
        "above": t("{low} or more"),
        "up_to": t("{high} or less"),
        "over": t("above {low}"),
        "range": t("{low} to {high}"),
        "source": t("Classes: {authority}"),
        "play": t("Play"),
        "pause": t("Pause"),
        "back": t("One step back"),
        "forward": t("One step forward"),
        "time": t("Time"),
        "table": t("The same values as a table"),
        "place": t("Place"),
        "value": t("Value"),
        "class": t("Class"),
        "rows": t("{from} to {to} of {n}"),
        "previous": t("Previous rows"),
        "next": t("Next rows"),
        "summary": t(
            "{known} of {n} places have a value, from {low} ({low_place}) to {high} ({high_place}); "
            "{missing} have no data."
        ),
        "summary_none": t("None of the {n} places has a value."),
        "selected": t("Selected: {place}"),
        "clear": t("Clear the selection"),
        "no_webgl": t(
            "This browser cannot draw the map, because WebGL is switched off or missing. "
            "The table below shows the same values."
        ),
        "failed": t("The map could not be loaded. Reload the page to try again."),
        "loading": t("Loading"),
    }


def browser_locale() -> str:
    """How the browser calls the reader's language when it writes numbers and dates."""
    return LOCALES.get(language(), language())
