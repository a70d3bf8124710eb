"""`almanac report`: a map report as PDF with its numbers beside it, as Word, or made again from its manifest."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.forecast_commands import count_up
from geodata.errors import AlmanacError

if TYPE_CHECKING:
    import pandas as pd

    from app.report.request import Kind, Request

TablePrinter = Callable[["pd.DataFrame", argparse.Namespace], None]


def add_report(commands: argparse._SubParsersAction[Any], printed: TablePrinter) -> None:
    """Adds the command to the parser; `printed` writes a table in the form that was asked for."""
    command = commands.add_parser(
        "report",
        help="a map report as PDF with the numbers printed beside it, or one made again from its manifest",
        epilog="The files written are printed, the PDF first. With --again the numbers that changed are.",
    )
    command.add_argument("region", metavar="REGION", nargs="?", help="as “almanac regions” prints it")
    command.add_argument(
        "--again", metavar="MANIFEST", type=Path, help="make the report of this manifest.json again and compare"
    )
    command.add_argument(
        "--kind",
        choices=("atlas", "sheet", "map", "brief"),
        help="an atlas, sheets alone, one map or a brief of a few pages; by default an atlas, of one place a sheet",
    )
    command.add_argument(
        "--places", metavar="all|ID,…", default="all", help="ids of places, for sheets and atlases; all by default"
    )
    command.add_argument(
        "--theme", default="", help="an indicator, a domain or dataset.column; by default what the region opens on"
    )
    command.add_argument(
        "--standard",
        metavar="ID",
        default="",
        help="by whose classes an indicator is shown; “none” for its values' own",
    )
    command.add_argument(
        "--reference", metavar="FIRST-LAST", help="the years on which an indicator is fitted; by default all"
    )
    command.add_argument("--step", default="", help="in which a series is shown, such as “1 month”")
    command.add_argument(
        "--time", metavar="ISO", default="", help="the start of the step of a series; by default the latest full one"
    )
    command.add_argument("--language", choices=("en", "zh-Hans", "zh-Hant"), default="en")
    command.add_argument("--paper", choices=("a4", "a3"), default="a4")
    command.add_argument("--orientation", choices=("portrait", "landscape"), default="portrait")
    command.add_argument("--issuer", metavar="NAME", default="", help="the office that issues it")
    command.add_argument("--logo", metavar="FILE", type=Path, help="a PNG, JPEG or SVG file")
    command.add_argument("--classification", metavar="MARK", default="", help="such as “Official use only”")
    command.add_argument("--document-id", metavar="ID", default="", help="by default made from what is asked for")
    command.add_argument(
        "--dashboard", metavar="URL", default="http://localhost:8501", help="where the links on the pages lead"
    )
    command.add_argument("--archive", action="store_true", help="PDF/A-2a too, for archives")
    command.add_argument(
        "--pictures",
        action=argparse.BooleanOptionalAction,
        help="whether the bundle has the drawings as PNG too; by default in reports of up to twenty pages",
    )
    command.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="the PDF, with a folder of its numbers beside it; a brief may end in .docx, which has none",
    )
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=lambda options: _report(options, printed))


def _report(options: argparse.Namespace, printed: TablePrinter) -> None:
    if options.again is not None:
        _again(options, printed)
        return
    if options.region is None or options.out is None:
        missing = "REGION" if options.region is None else "--out"
        raise AlmanacError(
            f"To make a report {missing} is needed.",
            hint="Write “almanac report REGION --out FILE.pdf”, or --again with the manifest of an older report.",
        )
    from app.report import write_report
    from app.report.download import write_brief_in_word

    request = _request(options)
    if options.out.suffix.lower() == ".docx":
        files = write_brief_in_word(request, options.out)
    else:
        files = write_report(request, options.out, count_up, pictures=options.pictures)
    _print_files(files, as_json=options.json)


def _request(options: argparse.Namespace) -> Request:
    from app.indicator_words import reference_named
    from app.report import Request

    word = options.out.suffix.lower() == ".docx"
    everywhere = options.places.strip() == "all"
    places = () if everywhere else tuple(dict.fromkeys(p for p in map(str.strip, options.places.split(",")) if p))
    if not everywhere and not places:
        raise AlmanacError(f"“{options.places}” names no place.", hint="Give ids with commas between them, or “all”.")
    kind: Kind = options.kind or ("brief" if word else "sheet" if len(places) == 1 else "atlas")
    if word and kind != "brief":
        raise AlmanacError(
            f"A report of the kind “{kind}” cannot be written as Word.",
            hint="Name a file that ends in .pdf, or choose --kind brief.",
        )
    if places and kind in ("map", "brief"):
        raise AlmanacError(
            f"A report of the kind “{kind}” is about the whole region, and {len(places)} places were named.",
            hint="Leave out --places, or choose --kind sheet or --kind atlas.",
        )
    return Request(
        region=options.region,
        kind=kind,
        places=places,
        theme=options.theme,
        standard=options.standard,
        reference=reference_named(options.reference) if options.reference is not None else None,
        step=options.step,
        time=options.time,
        language=options.language,
        paper=options.paper,
        orientation=options.orientation,
        issuer=options.issuer,
        classification=options.classification,
        document_id=options.document_id,
        logo=options.logo,
        dashboard=options.dashboard,
        archive=options.archive,
    )


def _again(options: argparse.Namespace, printed: TablePrinter) -> None:
    from app.report.again import again, again_words

    if options.region is not None:
        raise AlmanacError(
            f"The manifest already says of which region the report is, and “{options.region}” was given too.",
            hint="Leave out the region.",
        )
    found = again(options.again, options.out, count_up)
    for line in (again_words(found), *found.written):
        print(line, file=sys.stderr)
    printed(found.table, options)


def _print_files(files: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([str(file) for file in files], ensure_ascii=False, indent=2))
    else:
        for file in files:
            print(file)
