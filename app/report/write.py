"""Reports from what is asked to what lies in the folder: pages and numbers are made, set, and written whole or not."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from loky import ProcessPoolExecutor

from analytics.outlook import outlook
from app.report import atlas
from app.report.blocks import Document, Issue, Page
from app.report.brief import brief_pages
from app.report.bundle import write_bundle
from app.report.map_page import add_numbers, map_page
from app.report.numbers import Numbers
from app.report.request import VOLUME, Request, sizes
from app.report.sheet import Sheets
from app.report.theme import Theme, printable, theme_of
from app.report.typeset import typeset
from app.text import day, language, said, t, use_language
from geodata.errors import AlmanacError
from geodata.region import Region

Progress = Callable[[int, int], None]
_PRESSES = 2


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
        making = _Making(request, progress or _silent)
        for _ in making.documents():
            pass
        return making.report()


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
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".almanac-", dir=folder))
    try:
        now = datetime.datetime.now(datetime.UTC)
        with writing(folder), _speaking(request.language):
            making = _Making(request, progress or _silent)
            pdfs = []
            for number, pdf in enumerate(_set(making, printed=now), 1):
                name = out.name if making.volumes == 1 else f"{out.stem}-{number}.pdf"
                (beside / name).write_bytes(pdf)
                pdfs.append(beside / name)
            bundle = beside / f"{out.stem}.bundle"
            write_bundle(making.report(), bundle, pdfs, printed=now, pictures=pictures)
            for path in pdfs:
                path.replace(folder / path.name)
            final = folder / bundle.name
            if final.exists():
                shutil.rmtree(final)
            bundle.replace(final)
        return [*(folder / path.name for path in pdfs), final / "manifest.json"]
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _set(making: _Making, *, printed: datetime.datetime) -> Iterator[bytes]:
    """The volumes of a report as PDF: up to two are set while the pages of the next are made.

    The compiler keeps in memory what it has set: each of several volumes has a process of its own, which gives it back.
    """
    archive = making.request.archive
    if making.volumes == 1:
        for document in making.documents():
            yield typeset(document, archive=archive, printed=printed)
        return
    waiting: deque[tuple[ProcessPoolExecutor, Future[bytes]]] = deque()
    for document in making.documents():
        if len(waiting) == _PRESSES:
            yield _done(*waiting.popleft())
        press = ProcessPoolExecutor(max_workers=1)
        waiting.append((press, press.submit(_set_one, language(), document, archive, printed)))
    while waiting:
        yield _done(*waiting.popleft())


def _done(press: ProcessPoolExecutor, pdf: Future[bytes]) -> bytes:
    with press:
        return pdf.result()


def _set_one(code: str, document: Document, archive: bool, printed: datetime.datetime) -> bytes:
    use_language(code)
    return typeset(document, archive=archive, printed=printed)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
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
    # What an analyst published is printed once it is approved: with that the report is another one.
    approved = {d.id for d in region.published if d.publication is not None and d.publication.approved is not None}
    data = {d.id: f"{d.sha256} approved" if d.id in approved else d.sha256 for d in region.datasets}
    asked = {k: str(v) for k, v in request.settings().items() if k not in ("document_id", "logo", "dashboard")}
    digest = hashlib.sha256(json.dumps([asked, data], sort_keys=True).encode()).hexdigest()
    return f"ALM-{region.id.upper().replace('_', '-')}-{digest[:8].upper()}"


class _Making:
    """A report on its way: its documents one after the other, and when all are made, the whole.

    Everything that can be wrong with what is asked for is found before the first page.
    """

    def __init__(self, request: Request, progress: Progress) -> None:
        self.request, self.progress = request, progress
        whole = request.load()
        logo = request.read_logo()
        self.theme = asked_theme(request, whole)
        self.region = printable(whole, self.theme)
        sheets = request.kind in ("atlas", "sheet")
        self.places = list(request.places or self.theme.layer.index) if sheets else []
        self.volumes = max(math.ceil(len(self.places) / VOLUME), 1)
        self.numbers = Numbers()
        self.made: list[Document] = []
        self.issue = Issue(
            issuer=request.issuer,
            document_id=request.document_id or document_id(request, whole),
            printed=day(datetime.date.today()),
            classification=request.classification,
            logo=logo,
        )

    def documents(self) -> Iterator[Document]:
        """The volumes, each as soon as its pages are made."""
        region, theme, request = self.region, self.theme, self.request
        if theme.series and request.kind != "map":
            # Made first, since it may take a minute; where none can be made the pages tell why.
            with suppress(AlmanacError):
                outlook(region, theme.series, progress=self.progress)
        what = t("{region}: {what}, {time}", region=said(region.name), what=theme.title, time=theme.period)
        for pages in self._volumes():
            document = Document(
                title=what,
                language=language(),
                pages=tuple(pages),
                issue=self.issue,
                foot=disclaimer(),
                page_words=t("Page {page} of {pages}"),
                paper=request.paper,
                orientation=request.orientation,
                keywords=(region.id, theme.name, self.issue.document_id),
            )
            self.made.append(document)
            yield document

    def report(self) -> Report:
        """The whole, once all documents are made."""
        numbers = self.numbers
        return Report(self.request, self.region, self.theme, tuple(self.made), numbers.table(), numbers.series())

    def _volumes(self) -> Iterator[list[Page]]:
        """The pages of each volume."""
        region, theme, request, numbers = self.region, self.theme, self.request, self.numbers
        size = sizes(request.paper, request.orientation)
        if request.kind == "brief":
            yield list(brief_pages(region, theme, size, numbers, dashboard=request.dashboard))
            return
        if request.kind == "map":
            yield [map_page(region, theme, size, numbers, dashboard=request.dashboard)]
            return
        sheets = Sheets(region, theme, self.places, size, dashboard=request.dashboard)
        front: list[Page] = []
        if request.kind == "atlas":
            front = [
                atlas.cover(request, region, theme, sheets.map, size, len(self.places), request.issuer),
                map_page(region, theme, size, numbers, dashboard=request.dashboard),
            ]
            used = list(dict.fromkeys((*theme.datasets, *(d for d, _, _ in sheets.series))))
            back = atlas.method(region, theme, used)
        else:
            add_numbers(region, theme, numbers)
        for first in range(0, len(self.places), VOLUME):
            here = self.places[first : first + VOLUME]
            made = []
            for done, place in enumerate(here, first):
                self.progress(done, len(self.places))
                made.append(sheets.page(place, numbers))
            if front:
                named = [(place, sheets.names.get(place) or place) for place in here]
                around = [front[0], atlas.contents(named, with_map=first == 0), *(front[1:] if first == 0 else [])]
                made = [*around, *made, back, atlas.index(named)]
            yield made
        self.progress(len(self.places), len(self.places))


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
