"""Documents as PDF: tagged, PDF/UA-1, with the fonts that come with the installation."""

from __future__ import annotations

import datetime
import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import pikepdf
import typst

from app.charts import INK
from app.report.blocks import Block, Document, Facts, Figure, Heading, Legend, Link, Listing, Table, Text
from app.report.paper import xml_text
from app.report.symbology import Symbol, mark_path
from app.text import t
from geodata.errors import AlmanacError

FOLDER = Path(__file__).parent
FONTS = FOLDER / "fonts"
# A sheet keeps to its one page: where its words need more, they are set smaller, and smaller again.
_SMALLER, _ROUNDS = 0.93, 5
# What printers set for a sign that they lack.
_LACKING = "\u3013"
# How JSON writes signs that can neither be set nor stand in XML; a backslash before b or f may be one of the words.
_UNCLEAN = re.compile(r"\\u00[01]|\\[bf]|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# How Typst names the languages: the region chooses the forms of Chinese signs.
_LANGUAGES = {"en": ("en", "GB"), "zh-Hans": ("zh", "CN"), "zh-Hant": ("zh", "TW")}


def typeset(document: Document, *, archive: bool = False, printed: datetime.datetime) -> bytes:
    """A document as tagged PDF.

    Parameters
    ----------
    archive : PDF/A-2a beside PDF/UA-1.
    printed : the moment that the file says it was made.

    Raises
    ------
    AlmanacError
        When the compiler refuses the document, with what it says.
    """
    standards: Any = ["ua-1", "a-2a"] if archive else ["ua-1"]
    starts, count = list(range(1, len(document.pages) + 1)), len(document.pages)
    for _ in range(_ROUNDS):
        made = _compile(
            document, starts, count, format="pdf", pdf_standards=standards, timestamp=printed.replace(microsecond=0)
        )[0]
        with pikepdf.open(io.BytesIO(made)) as pdf:
            found = _starts(pdf, document)
            ends = [*found[1:], len(pdf.pages) + 1]
            over = {
                i
                for i, (page, start, end) in enumerate(zip(document.pages, found, ends, strict=True))
                if page.layout in ("sheet", "map") and end - start > 1
            }
            if not over and (found, len(pdf.pages)) == (starts, count):
                # The compiler writes every tag by itself; packed together they take a third of the room.
                packed = io.BytesIO()
                pdf.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
                return packed.getvalue()
            starts, count = found, len(pdf.pages)
        pages = (replace(p, scale=p.scale * _SMALLER) if i in over else p for i, p in enumerate(document.pages))
        document = replace(document, pages=tuple(pages))
    title = next(b.text for b in document.pages[min(over, default=0)].blocks() if isinstance(b, Heading))
    raise AlmanacError(
        "The page “{title}” holds more than fits on it.",
        hint="Choose larger paper, or portrait instead of landscape.",
        title=title,
    )


def _starts(pdf: pikepdf.Pdf, document: Document) -> list[int]:
    """On which page of the file each page of the document begins, counted from 1, by its first heading."""
    where: dict[Any, int] = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}
    with pdf.open_outline() as outline:
        found = [where[_page_of(pdf, item.destination).objgen] for item in _flat(outline.root)]
    titles = [sum(isinstance(block, Heading | Listing) for block in page.blocks()) for page in document.pages]
    if len(found) != sum(titles) or 0 in titles:
        raise AlmanacError(
            "The report has {found} headings in its outline, where {wanted} were made.",
            hint="Tell the maintainers: every page needs a heading, and every heading stands in the outline.",
            found=len(found),
            wanted=sum(titles),
        )
    return [found[first] for first in accumulate(titles[:-1], initial=0)]


def _flat(items: Iterable[pikepdf.OutlineItem]) -> Iterator[pikepdf.OutlineItem]:
    """The entries of an outline of all levels, in the order of the pages."""
    for item in items:
        yield item
        yield from _flat(item.children)


def _page_of(pdf: pikepdf.Pdf, destination: Any) -> pikepdf.Object:
    """The page that an entry of the outline leads to; its destination may be named."""
    if isinstance(destination, pikepdf.String | pikepdf.Name):
        destination = pikepdf.NameTree(pdf.Root.Names.Dests)[str(destination)]
    if isinstance(destination, pikepdf.Dictionary):
        destination = destination.D
    return destination[0]


def pictures(document: Document, *, dots_per_inch: int = 110) -> list[bytes]:
    """The pages of a document as PNG, to look at."""
    count = len(document.pages)
    return _compile(document, list(range(1, count + 1)), count, format="png", ppi=dots_per_inch)


def _compile(document: Document, starts: list[int], count: int, **how: Any) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="almanac-report-") as folder:
        root = Path(folder)
        if document.issue.logo is not None:
            content, ending = document.issue.logo
            (root / f"logo.{ending}").write_bytes(content)
        (root / "layout.typ").write_bytes((FOLDER / "layout.typ").read_bytes())
        texts = {name: figure.svg for name, figure in document.figures().items()}
        plain = _plain(document, starts, count)
        texts["document.json"] = json.dumps(plain, ensure_ascii=False)
        if _UNCLEAN.search(texts["document.json"]):
            texts["document.json"] = json.dumps(_cleaned(plain), ensure_ascii=False)
        strange = _strange(texts["document.json"])
        fonts = typst.Fonts(include_system_fonts=strange, include_embedded_fonts=False, font_paths=[FONTS])
        while True:
            for name, text in texts.items():
                (root / name).write_text(text, encoding="utf-8")
            try:
                made = typst.Compiler(root / "layout.typ", root=root, font_paths=fonts).compile(**how)
                break
            except typst.TypstError as problem:
                lacking = {ord(sign): _LACKING for sign in _lacking(str(problem.message))}
                without = {name: text.translate(lacking) for name, text in texts.items()} if lacking else texts
                if without == texts:
                    raise _refused(problem) from problem
                texts = without
    return made if isinstance(made, list) else [made or b""]


def _cleaned(plain: Any) -> Any:
    """The same without signs that can neither be set nor stand in XML."""
    if isinstance(plain, str):
        return xml_text(plain)
    if isinstance(plain, dict):
        return {key: _cleaned(value) for key, value in plain.items()}
    return [_cleaned(value) for value in plain] if isinstance(plain, list | tuple) else plain


def _refused(problem: typst.TypstError) -> AlmanacError:
    return AlmanacError(
        "The report cannot be set: {what}.",
        hint="Try it without the logo or with fewer places; if that does not help, tell the maintainers.",
        what=str(problem.message).rstrip("."),
    )


def _lacking(told: str) -> set[str]:
    """The signs for which, as the compiler says, there is no font at all."""
    found = re.search(r'the text `"(.*?)"` could not be displayed', told)
    text = re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), found[1]) if found else ""
    return {sign for sign in text if ord(sign) not in _signs()}


def _strange(text: str) -> bool:
    """Whether there are signs that our font lacks, for which the system's fonts are asked."""
    return any(not (sign.isspace() or ord(sign) in _signs()) for sign in set(text))


@cache
def _signs() -> frozenset[int]:
    """The code points of our font."""
    ranges = (line.split("-") for line in (FONTS / "signs.txt").read_text(encoding="ascii").split())
    return frozenset(code for low, high in ranges for code in range(int(low, 16), int(high, 16) + 1))


def _plain(document: Document, starts: list[int], count: int) -> dict[str, Any]:
    numbered = dict(zip(document.anchors(), starts, strict=True))
    lang, region = _LANGUAGES.get(document.language, ("en", "GB"))
    issue = document.issue
    return {
        "title": document.title,
        "count": count,
        "lang": lang,
        "region": region,
        "paper": document.paper,
        "orientation": document.orientation,
        "left": 185 if document.paper == "a3" else 128,
        "keywords": list(document.keywords),
        "foot": document.foot,
        "page_words": document.page_words,
        "issue": {
            "issuer": issue.issuer,
            "classification": issue.classification,
            "document_id": issue.document_id,
            "printed": issue.printed,
            "logo": f"logo.{issue.logo[1]}" if issue.logo is not None else None,
            "logo_alt": t("Logo of {issuer}", issuer=issue.issuer),
        },
        "pages": [
            {
                "layout": page.layout,
                "scale": page.scale,
                "slots": {name: [_block(b, numbered) for b in bs] for name, bs in page.slots.items()},
            }
            for page in document.pages
        ],
    }


def _block(block: Block, numbered: Mapping[str, int]) -> dict[str, Any]:
    match block:
        case Heading():
            return {"kind": "heading", **vars(block)}
        case Text():
            return {"kind": "text", **vars(block)}
        case Facts():
            return {"kind": "facts", "rows": block.rows, "colon": t(": ")}
        case Table():
            return {"kind": "table", **vars(block)}
        case Figure():
            return {"kind": "figure", "file": block.file, "alt": block.alt, "width": block.width} | {
                "height": block.height,
                "caption": block.caption,
            }
        case Legend():
            return {
                "kind": "legend",
                "title": block.title,
                "columns": block.columns,
                "points": block.points,
                "note": block.note,
                "symbols": [_symbol(s) for s in block.symbols],
            }
        case Link():
            code = block.code
            return {"kind": "link", "text": block.text, "address": block.address} | {
                "code": code.file if code is not None else None,
                "code_alt": code.alt if code is not None else "",
            }
        case Listing():
            entries = [(words, anchor, str(numbered.get(anchor, ""))) for words, anchor in block.entries]
            return {"kind": "listing", **vars(block), "entries": entries}


@lru_cache(maxsize=64)
def _symbol(symbol: Symbol) -> dict[str, Any]:
    path = mark_path(symbol.mark, 30, 30, 36)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 60"><path d="{path}" fill="{symbol.colour}" '
        f'stroke="{INK}" stroke-width="3"/></svg>'
    )
    return {**vars(symbol), "ink": symbol.ink, "drawing": drawing}
