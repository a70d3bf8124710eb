"""Reports for a page: what can be asked for, a first look, and the files to take away."""

from __future__ import annotations

import datetime
import io
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path

from app.dataset_words import column_title
from app.publication_words import marked
from app.report.blocks import Figure, Page
from app.report.request import Request
from app.report.theme import themes
from app.report.typeset import pictures
from app.report.word import write_word
from app.report.write import Progress, asked_theme, document_id, make_report, write_report, writing
from app.text import use_language
from geodata.errors import AlmanacError
from geodata.region import Region

# A logo as it was uploaded: its name and content.
Logo = tuple[str, bytes]
# Enough to read the smallest words of a page on the screen.
_DOTS_PER_INCH = 120


@dataclass(frozen=True)
class Look:
    """A page as PNG, with the words for those who do not see it."""

    picture: bytes
    alt: str


def offered_themes(region: Region, asked: str | None) -> dict[str, str]:
    """The themes to choose from, names and titles; a series that is asked for and can be mapped is among them."""
    offered = themes(region)
    if asked is not None and asked not in offered and "." in asked:
        try:
            dataset, column = region.series(asked)
        except AlmanacError:
            return offered
        if dataset in region.mappable():
            offered[asked] = marked(column_title(column), dataset.publication)
    return offered


def preview(request: Request, logo: Logo | None = None) -> list[Look]:
    """The pages of a map or brief; of sheets and atlases the sheet of the first place.

    Its document id is that of the whole report.

    Raises
    ------
    AlmanacError
        As `app.report.make_report`.
    """
    with _with_logo(request, logo) as asked:
        region = asked.load()
        asked = replace(asked, document_id=asked.document_id or document_id(asked, region))
        if asked.kind in ("atlas", "sheet"):
            first = asked.places or tuple(map(str, asked_theme(asked, region).layer.index[:1]))
            asked = replace(asked, kind="sheet", places=first[:1])
        (document,) = make_report(asked).documents
        drawn = pictures(document, dots_per_inch=_DOTS_PER_INCH)
        alts = [_alt(page, document.title) for page in document.pages]
        # Flowing pages become as many as their blocks need, and no drawing's words stand for one of them.
        told = alts if len(alts) == len(drawn) else [document.title] * len(drawn)
        return [Look(png, alt) for png, alt in zip(drawn, told, strict=True)]


def make_files(request: Request, logo: Logo | None = None, progress: Progress | None = None) -> Mapping[str, bytes]:
    """A report as files to take away, by name: the PDF or its volumes, for a brief Word, and the bundle as .zip.

    Raises
    ------
    AlmanacError
        As `app.report.write_report`.
    """
    name = f"almanac-{request.region}-{request.kind}"
    with _with_logo(request, logo) as asked, tempfile.TemporaryDirectory(prefix="almanac-") as folder:
        written = write_report(asked, Path(folder) / f"{name}.pdf", progress)
        files = {path.name: path.read_bytes() for path in written if path.suffix == ".pdf"}
        if asked.kind == "brief":
            (word,) = write_brief_in_word(asked, Path(folder) / f"{name}.docx")
            files[word.name] = word.read_bytes()
        files[f"{name}.zip"] = _zipped(Path(folder) / f"{name}.bundle")
        return files


def write_brief_in_word(request: Request, out: Path) -> list[Path]:
    """Makes a brief and writes it as .docx, whole or not at all; the bundle stands beside the PDF alone.

    Returns
    -------
    The file written.

    Raises
    ------
    AlmanacError
        As `app.report.make_report`; and when the file cannot be written.
    """
    report = make_report(request)
    now = datetime.datetime.now(datetime.UTC)
    part = out.with_name(f".{out.name}.part")

    def write() -> None:
        use_language(request.language)
        write_word(report.documents[0], part, printed=now)

    try:
        with writing(out.parent):
            out.parent.mkdir(parents=True, exist_ok=True)
            # In a context of its own: the reader's language stays what it is.
            copy_context().run(write)
            part.replace(out)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return [out]


@contextmanager
def _with_logo(request: Request, logo: Logo | None) -> Iterator[Request]:
    """The request with an uploaded logo as a file for as long as it is needed; errors call it by its own name."""
    if logo is None:
        yield request
        return
    name, content = Path(logo[0]).name, logo[1]
    with tempfile.TemporaryDirectory(prefix="almanac-") as folder:
        file = Path(folder) / "logo"
        file.write_bytes(content)
        try:
            yield replace(request, logo=file)
        except AlmanacError as error:
            if error.facts.get("file") != file:
                raise
            what, hint = error.sentences
            raise type(error)(what, hint=hint, **{**error.facts, "file": name}) from error


def _alt(page: Page, otherwise: str) -> str:
    """What the first drawing of a page says of itself."""
    return next((block.alt for block in page.blocks() if isinstance(block, Figure)), otherwise)


def _zipped(folder: Path) -> bytes:
    """A folder as a zip that unpacks into one folder of the same name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(folder.name) / path.relative_to(folder))
    return content.getvalue()
