"""Reports from what is asked to what lies in the folder: pages and numbers are made, set, and written whole or not."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from analytics.outlook import outlook
from app.report import atlas
from app.report.blocks import Document, Issue, Page
from app.report.brief import brief_pages
from app.report.bundle import write_bundle
from app.report.map_page import add_numbers, map_page
from app.report.numbers import Numbers
from app.report.request import VOLUME, Request, sizes
from app.report.sheet import Sheets
from app.report.theme import Theme, theme_of
from app.report.typeset import typeset
from app.text import day, language, said, t, use_language
from geodata.errors import AlmanacError
from geodata.region import Region

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Report:
    """A report before it is set.

    documents : one, or for large atlases one for each volume
    numbers : every number printed; see `app.report.numbers`
    series : the points of its charts
    """

    request: Request
    region: Region
    theme: Theme
    documents: tuple[Document, ...]
    numbers: pd.DataFrame
    series: pd.DataFrame


def make_report(request: Request, progress: Progress | None = None) -> Report:
    """The pages of a report and the numbers on them.

    Parameters
    ----------
    progress : called with how many pages are made, and of how many.

    Raises
    ------
    AlmanacError
        When a place or theme is unknown, there is no data for the theme, or the logo is no image.
    """
    with _speaking(request.language):
        return _make(request, progress or _silent)


def write_report(
    request: Request, out: Path, progress: Progress | None = None, *, pictures: bool | None = None
) -> list[Path]:
    """Makes a report and writes it as PDF, and beside it the bundle with exactly the numbers printed.

    Parameters
    ----------
    out : the PDF; several volumes are numbered. The bundle is a folder of the same name with the ending `.bundle`.
    pictures : whether the bundle has the drawings as PNG too; None has them for up to twenty pages.

    Returns
    -------
    The files written, the PDFs first, then the manifest.

    Raises
    ------
    AlmanacError
        As `make_report`; and when the folder cannot be written. Nothing half done is left under a final name.
    """
    folder = out.parent
    if out.suffix.lower() != ".pdf":
        raise AlmanacError(
            "The report cannot be written to {file}.", hint="Give a file name that ends in .pdf.", file=out
        )
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".almanac-", dir=folder))
    try:
        report = make_report(request, progress)
        now = datetime.datetime.now(datetime.UTC)
        made: list[tuple[Path, Path]] = []
        with _writing(folder), _speaking(request.language):
            for number, document in enumerate(report.documents, 1):
                name = out.name if len(report.documents) == 1 else f"{out.stem}-{number}.pdf"
                (beside / name).write_bytes(typeset(document, archive=request.archive, printed=now))
                made.append((beside / name, folder / name))
            bundle = beside / f"{out.stem}.bundle"
            write_bundle(report, bundle, [path for path, _ in made], printed=now, pictures=pictures)
            for path, final in made:
                path.replace(final)
            final = folder / bundle.name
            if final.exists():
                shutil.rmtree(final)
            bundle.replace(final)
        return [*(final for _, final in made), final / "manifest.json"]
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tells in two sentences of a folder that cannot be written, or a disk that is full."""
    try:
        yield
    except OSError as problem:
        raise AlmanacError(
            "The folder {folder} cannot be written: {why}.",
            hint="Choose another folder, or free some space there.",
            folder=folder,
            why=(problem.strerror or str(problem)).lower(),
        ) from problem


def document_id(request: Request, region: Region) -> str:
    """The id by which a report is cited: what was asked for and of which data, so that equal reports share it."""
    data = {d.id: d.sha256 for d in region.datasets}
    asked = {k: str(v) for k, v in request.settings().items() if k not in ("document_id", "logo", "dashboard")}
    digest = hashlib.sha256(json.dumps([asked, data], sort_keys=True).encode()).hexdigest()
    return f"ALM-{region.id.upper().replace('_', '-')}-{digest[:8].upper()}"


def _make(request: Request, progress: Progress) -> Report:
    region = request.load()
    logo = request.read_logo()
    theme = asked_theme(request, region)
    if theme.series and request.kind != "map":
        # Made first, since it may take a minute; where none can be made the pages tell why.
        with suppress(AlmanacError):
            outlook(region, theme.series, progress=progress)
    places = list(request.places or theme.layer.index) if request.kind in ("atlas", "sheet") else []
    issue = Issue(
        issuer=request.issuer,
        document_id=request.document_id or document_id(request, region),
        printed=day(datetime.date.today()),
        classification=request.classification,
        logo=logo,
    )
    numbers = Numbers()
    size = sizes(request.paper, request.orientation)
    pages: list[Page] = []
    volumes: list[list[Page]] = []
    if request.kind == "brief":
        pages = list(brief_pages(region, theme, size, numbers, dashboard=request.dashboard))
    elif request.kind == "map":
        pages = [map_page(region, theme, size, numbers, dashboard=request.dashboard)]
    else:
        if request.kind == "sheet":
            add_numbers(region, theme, numbers)
        sheets = Sheets(region, theme, places, size, dashboard=request.dashboard)
        made = []
        for done, place in enumerate(places):
            progress(done, len(places))
            made.append(sheets.page(place, numbers))
        if request.kind == "sheet":
            volumes = [made[i : i + VOLUME] for i in range(0, len(made), VOLUME)]
        else:
            named = [(place, sheets.names.get(place) or place) for place in places]
            front = [
                atlas.cover(request, region, theme, sheets.map, size, len(places), request.issuer),
                map_page(region, theme, size, numbers, dashboard=request.dashboard),
            ]
            used = list(dict.fromkeys((*theme.datasets, *(d for d, _, _ in sheets.series))))
            back = atlas.method(region, theme, used)
            for i in range(0, len(made), VOLUME):
                here = named[i : i + VOLUME]
                inner = [atlas.contents(here, with_map=i == 0), *front[1 : 2 if i == 0 else 1]]
                volumes.append([front[0], *inner, *made[i : i + VOLUME], back, atlas.index(here)])
    volumes = volumes or [pages]
    progress(max(len(places), 1), max(len(places), 1))
    title = t("{region}: {what}, {time}", region=said(region.name), what=theme.title, time=theme.period)
    whole = Document(
        title=title,
        language=language(),
        pages=(),
        issue=issue,
        foot=disclaimer(),
        page_words=t("Page {page} of {pages}"),
        paper=request.paper,
        orientation=request.orientation,
        keywords=(region.id, theme.name, issue.document_id),
    )
    documents = tuple(replace(whole, pages=tuple(volume)) for volume in volumes)
    return Report(request, region, theme, documents, numbers.table(), numbers.series())


def asked_theme(request: Request, region: Region) -> Theme:
    """The theme that is asked for, as it is to be shown; raises as `app.report.theme.theme_of`."""
    return theme_of(
        region,
        request.theme or None,
        standard=request.standard,
        reference=request.reference,
        step=request.step,
        time=request.time,
    )


def disclaimer() -> str:
    """What every page says of its limits."""
    return t(
        "Borders are for orientation and have no legal force. Provisional values may still change. "
        "A forecast alone is no ground for action in an emergency."
    )


@contextmanager
def _speaking(code: str) -> Iterator[None]:
    """The language of the report, and afterwards again that of the reader."""
    before = language()
    use_language(code)
    try:
        yield
    finally:
        use_language(before)


def _silent(done: int, of: int) -> None:
    """Tells nobody."""
