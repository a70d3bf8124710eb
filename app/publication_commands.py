"""`almanac publications`: what analysts published, with approving and withdrawing, from a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from geodata.catalog import open_catalog
from geodata.errors import AlmanacError
from geodata.publication import approve, stale, withdraw
from geodata.region import load_region
from geodata.settings import settings

RowPrinter = Callable[[list[dict[str, Any]], bool], None]


def add_publications(commands: argparse._SubParsersAction[Any], printed: RowPrinter) -> None:
    """Adds the command to the parser; `printed` writes rows as a table or as JSON."""
    command = commands.add_parser("publications", help="list what analysts published, approve or withdraw one")
    command.add_argument("--region", help="only those of one region")
    decision = command.add_mutually_exclusive_group()
    decision.add_argument("--approve", metavar="ID", help="approve one; needs --by")
    decision.add_argument("--withdraw", metavar="ID", help="withdraw one; needs --by")
    command.add_argument("--by", metavar="NAME", default="", help="who decides")
    command.add_argument("--why", metavar="TEXT", default="", help="why it is withdrawn")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=lambda options: _publications(options, printed))


def _publications(options: argparse.Namespace, printed: RowPrinter) -> None:
    if options.region is not None:
        load_region(options.region)
    folder = settings().publications
    if options.approve is not None:
        approve(folder, open_catalog()[options.approve], options.by)
    elif options.withdraw is not None:
        record = withdraw(folder, open_catalog()[options.withdraw], options.by, options.why)
        print(f"Withdrawn; its files and this decision are kept: {record}", file=sys.stderr)
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
    if not rows:
        print("Nothing is published.", file=sys.stderr)
    for name, error in catalog.broken.items():
        print(f"{name} is left out: {error}", file=sys.stderr)
    printed(rows, options.json)
