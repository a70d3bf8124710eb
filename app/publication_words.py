"""What is said of what analysts published: whose result it is, what it was made from, and whether it still holds."""

from __future__ import annotations

from analytics.published import published_indicator
from analytics.scenario import published_scenario
from app.domain_words import DOMAINS
from app.text import day, listed, said, t, together
from geodata.catalog import Catalog, open_catalog
from geodata.dataset import Dataset
from geodata.inventory import NOT_STATED
from geodata.publication import Publication, Withdrawn, stale, withdrawn
from geodata.settings import settings


def marked(title: str, publication: Publication | None) -> str:
    """A title, marked where it is of an analyst's result that nobody has approved, or that is out of date."""
    if publication is None:
        return title
    old = bool(stale(publication, open_catalog()))
    if publication.approved is None and old:
        return t("{title} (an analyst’s result, out of date)", title=title)
    if publication.approved is None:
        return t("{title} (an analyst’s result)", title=title)
    return t("{title} (out of date)", title=title) if old else title


def standing_of(publication: Publication) -> str:
    """Whose result it is, whether it is approved, and whether its notebook is older than its inputs."""
    words = [
        t(
            "This is what a what-if of {author} leads to, published from a notebook on {day}. It was not observed.",
            author=publication.author,
            day=day(publication.published),
        )
        if publication.kind == "scenario"
        else t(
            "This is a result of {author}, published from a notebook on {day}.",
            author=publication.author,
            day=day(publication.published),
        ),
        approval_words(publication),
    ]
    changed = stale(publication, open_catalog())
    if changed:
        words.append(
            t(
                "It is out of date: what it was made from has changed since ({inputs}). "
                "Its notebook should be run again.",
                inputs=listed(one.name for one in changed),
            )
        )
    return together(words)


def approval_words(publication: Publication) -> str:
    """Who has approved it and when, or that nobody has."""
    if publication.approved is None and publication.earlier_approved_by:
        return t(
            "Nobody has approved it yet; {name} had approved the edition before it.",
            name=publication.earlier_approved_by,
        )
    if publication.approved is None:
        return t("Nobody has approved it yet.")
    if publication.approved_by == publication.author:
        return t("Approved by {name}, who made it, on {day}.", name=publication.author, day=day(publication.approved))
    return t("Approved by {name} on {day}.", name=publication.approved_by, day=day(publication.approved))


def provenance_facts(dataset: Dataset) -> list[tuple[str, str]]:
    """The provenance card of what was published: labels and texts."""
    publication = _of(dataset)
    catalog = open_catalog()
    changed = {one.name: one.how for one in stale(publication, catalog)}
    states = {"other": t("changed since"), "gone": t("no longer here")}
    inputs = [
        t(
            "{name} ({licence}; {state})",
            name=_titled(one.name, catalog),
            licence=_licence(one.name, catalog),
            state=states.get(changed.get(one.name, ""), t("unchanged")),
        )
        for one in publication.inputs
    ]
    facts = [
        (t("Author"), publication.author),
        (t("Published"), t("{day}, {time} UTC", day=day(publication.published), time=f"{publication.published:%H:%M}")),
        (t("Approval"), approval_words(publication)),
        (t("Notebook"), publication.notebook_name),
        (
            t("Code"),
            together(
                [
                    t("Kept as it was run, checksum {checksum}….", checksum=publication.code[:8]),
                    t("It is what the notebook’s file held, run from top to bottom.")
                    if publication.as_saved
                    else t(
                        "It is not what the notebook’s file held, run from top to bottom: others may not get the same."
                    ),
                ]
            ),
        ),
        (t("Made from"), listed(inputs) if inputs else t("no dataset of the catalogue")),
    ]
    if publication.kind == "indicator":
        evidence = published_indicator(dataset).evidence
        facts.append((t("Golden case"), together(evidence.sources) or t("none")))
    if publication.kind == "scenario":
        scenario = published_scenario(dataset)
        facts += [
            (t("The what-if"), scenario.title),
            (t("Why it is plausible"), scenario.why),
            (t("Where its size comes from"), scenario.source),
        ]
    return facts


def published_words(dataset: Dataset) -> str:
    """What an analyst is told who has just published: where it is, what it was made from, and what to mend."""
    publication, catalog = _of(dataset), open_catalog()
    words = [
        t(
            "“{title}” is published as {id}: the dashboard shows it within seconds, marked as an analyst’s result.",
            title=dataset.title,
            id=dataset.id,
        ),
        where_words(dataset),
        t(
            "Made from: {inputs}.",
            inputs=listed(_titled(one.name, catalog) for one in publication.inputs) or t("no dataset of the catalogue"),
        ),
    ]
    if publication.earlier_approved_by:
        words.append(
            t(
                "It takes the place of an edition that {name} had approved, and is to be approved anew.",
                name=publication.earlier_approved_by,
            )
        )
    elif publication.replaces:
        words.append(t("It takes the place of its earlier edition."))
    before = next((one for one in withdrawn(settings().publications) if one.id == dataset.id), None)
    if before is not None:
        words.append(withdrawal_words(before))
    if not publication.as_saved:
        words.append(
            t(
                "What was run is not what the notebook’s file holds: save it, restart the kernel, run all cells and "
                "publish again, so that others can repeat it."
            )
        )
    return "\n".join(words)


def where_words(dataset: Dataset) -> str:
    """On which pages a publication is found."""
    if _of(dataset).kind == "indicator":
        domain = published_indicator(dataset).domain
        return t(
            "It is on the page {page} under “Indicator”, and on Explore, Place and Data.", page=said(DOMAINS[domain])
        )
    return t("It is on the pages Explore, Place and Data.")


def withdrawal_words(one: Withdrawn) -> str:
    """Who withdrew an edition, when and why."""
    publication = one.publication
    return t(
        "“{title}” was withdrawn by {name} on {day}: {reason}",
        title=one.title,
        name=publication.withdrawn_by,
        day=day(publication.withdrawn or publication.published),
        reason=publication.reason,
    )


def _licence(name: str, catalog: Catalog) -> str:
    """Under which licence an input is; of the analyst's own files nobody knows."""
    dataset = catalog.get(name)
    if dataset is None or dataset.licence == NOT_STATED:
        return t("licence not stated")
    return said(dataset.licence)


def _titled(name: str, catalog: Catalog) -> str:
    dataset = catalog.get(name)
    return said(dataset.title) if dataset is not None else name


def _of(dataset: Dataset) -> Publication:
    assert dataset.publication is not None, f"{dataset.id} was not published from a notebook"
    return dataset.publication
