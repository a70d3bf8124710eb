"""`almanac publications`: what analysts published, with approving and withdrawing, from a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from geodata.catalog import open_catalog
from geodata.dataset import Dataset
from geodata.errors import AlmanacError, UnknownName
from geodata.publication import approve, stale, withdraw, withdrawn
from geodata.region import load_region
from geodata.search import nearest
from geodata.settings import settings

RowPrinter = Callable[[list[dict[str, Any]], bool], None]


def add_publications(commands: argparse._SubParsersAction[Any], printed: RowPrinter) -> None:
    """Adds the command to the parser; `printed` writes rows as a table or as JSON."""
    command = commands.add_parser("publications", help="list what analysts published, approve or withdraw one")
    command.add_argument("--region", help="only those of one region")
    decision = command.add_mutually_exclusive_group()
    decision.add_argument("--approve", metavar="ID", help="approve one; needs --by")
    decision.add_argument("--withdraw", metavar="ID", help="withdraw one; needs --by")
    decision.add_argument("--withdrawn", action="store_true", help="list those that were withdrawn, and why")
    command.add_argument("--by", metavar="NAME", default="", help="who decides")
    command.add_argument("--why", metavar="TEXT", default="", help="why it is withdrawn; needed for that")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=lambda options: _publications(options, printed))


def _publications(options: argparse.Namespace, printed: RowPrinter) -> None:
    if options.region is not None:
        load_region(options.region)
    folder = settings().publications
    if options.approve is not None:
        dataset = approve(folder, _published(options.approve), options.by)
        print(f"“{dataset.title}” is approved by {options.by.strip()}.", file=sys.stderr)
    elif options.withdraw is not None:
        record = withdraw(folder, _published(options.withdraw), options.by, options.why)
        print(f"Withdrawn; its files and this decision are kept: {record}", file=sys.stderr)
    elif options.withdrawn:
        printed(_gone(options.region), options.json)
        return
    elif options.by or options.why:
        raise AlmanacError(
            "A name or a reason is given, and nothing is decided.", hint="Add --approve ID or --withdraw ID."
        )
    catalog = open_catalog()
    rows = []
    for dataset in catalog.values():
        published = dataset.publication
        if published is None or options.region not in (None, dataset.region):
            continue
        if options.approve not in (None, dataset.id) or options.withdraw is not None:
            continue
        rows.append(
            {
                "dataset": dataset.id,
                "title": dataset.title,
                "region": dataset.region,
                "kind": published.kind,
                "author": published.author,
                "published": published.published.isoformat(),
                "notebook": published.notebook_name,
                "as_saved": published.as_saved,
                "inputs": " ".join(one.name for one in published.inputs),
                "changed_inputs": " ".join(one.name for one in stale(published, catalog)),
                "approved_by": published.approved_by,
                "approved": published.approved.isoformat() if published.approved is not None else "",
            }
        )
    if not rows and options.withdraw is None:
        print("Nothing is published.", file=sys.stderr)
    for name, error in catalog.broken.items():
        print(f"{name} is left out: {error}", file=sys.stderr)
    printed(rows, options.json)


def _published(dataset_id: str) -> Dataset:
    """A publication; a near-miss among these is named."""
    known = {d.id: d for d in open_catalog().values() if d.publication is not None}
    if dataset_id not in known:
        near = nearest(dataset_id, list(known))
        raise UnknownName(
            "There is no publication “{name}”.",
            hint="Did you mean “{near}”?" if near else "Choose one of those that “almanac publications” lists.",
            name=dataset_id,
            near=near,
        )
    return known[dataset_id]


def _gone(region: str | None) -> list[dict[str, Any]]:
    return [
        {
            "dataset": one.id,
            "title": one.title,
            "region": one.region,
            "author": one.publication.author,
            "withdrawn_by": one.publication.withdrawn_by,
            "withdrawn": one.publication.withdrawn.isoformat() if one.publication.withdrawn is not None else "",
            "reason": one.publication.reason,
        }
        for one in withdrawn(settings().publications)
        if region in (None, one.region)
    ]
