"""What a report is made of before it is set: documents of pages, pages of blocks, blocks of words and drawings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.report.symbology import Symbol

Layout = Literal["cover", "sheet", "map", "flow"]
Paper = Literal["a4", "a3"]
Orientation = Literal["portrait", "landscape"]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is a page's title. `anchor` is where links and the index lead."""

    text: str
    level: int = 2
    anchor: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph; `small` for what need not catch the eye."""

    text: str
    small: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Facts:
    """Labels with their texts, small: sources, methods."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table with a header.

    right : the columns whose cells stand to the right, such as numbers
    widths : of the columns, as shares of the whole; empty for columns as wide as their words, the first taking what is
        left
    anchors : for each row the heading that its first cell leads to; empty for none
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()
    widths: tuple[float, ...] = ()
    caption: str = ""
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A drawing with the words for those who do not see it.

    name : of its file in the bundle, without ending
    svg : the drawing
    alt : what it shows, in the report's language
    width, height : in mm
    """

    name: str
    svg: str
    alt: str
    width: float
    height: float
    caption: str = ""

    @property
    def file(self) -> str:
        """Its file, named by its content: the same drawing is kept once."""
        return f"{hashlib.sha256(self.svg.encode()).hexdigest()[:20]}.svg"


@dataclass(frozen=True)
class Legend:
    """The classes of a map with their counts; `columns` heads its table: number, class, places."""

    title: str
    symbols: tuple[Symbol, ...]
    columns: tuple[str, str, str]
    points: bool = False
    note: str = ""


@dataclass(frozen=True)
class Link:
    """Where the same view is found in the dashboard, as words and as a code for a camera."""

    text: str
    address: str
    code: Figure | None = None


@dataclass(frozen=True)
class Listing:
    """A list of headings with their pages: the contents, or the index.

    entries : words, and the anchor of the heading that they lead to
    columns : how many stand side by side
    anchor : of its own heading
    """

    title: str
    entries: tuple[tuple[str, str], ...]
    columns: int = 1
    anchor: str = ""


Block = Heading | Text | Facts | Table | Figure | Legend | Link | Listing


@dataclass(frozen=True)
class Page:
    """One page, or for the layout "flow" as many as its blocks need.

    slots : the blocks by where they stand: "lead", "map", "legend", "aside", "facts", "charts",
        "notes", "sources", or "body"
    scale : how large its words are set, as a share of the usual size
    """

    layout: Layout
    slots: Mapping[str, tuple[Block, ...]]
    scale: float = 1.0

    def blocks(self) -> Iterator[Block]:
        """All blocks in the order in which they are read."""
        for blocks in self.slots.values():
            yield from blocks


@dataclass(frozen=True)
class Issue:
    """Who issues a report, and the marks that every page bears.

    issuer : the office's name
    logo : the content of a PNG, JPEG or SVG file, and its ending; None for none
    classification : such as "official use only"
    document_id : by which the report is cited
    printed : the day, as the reader writes it
    """

    issuer: str
    document_id: str
    printed: str
    classification: str = ""
    logo: tuple[bytes, str] | None = None


@dataclass(frozen=True)
class Document:
    """A report ready to be set.

    foot : the sentence at the foot of every page, such as the disclaimer
    page_words : how pages are counted, with `{page}` and `{pages}`
    """

    title: str
    language: str
    pages: tuple[Page, ...]
    issue: Issue
    foot: str
    page_words: str
    paper: Paper = "a4"
    orientation: Orientation = "portrait"
    keywords: tuple[str, ...] = field(default=())

    def anchors(self) -> list[str]:
        """The anchor of each page's heading of the first level, "" where a page has none."""
        found = []
        for page in self.pages:
            titles = (
                b.anchor for b in page.blocks() if isinstance(b, Listing) or (isinstance(b, Heading) and b.level == 1)
            )
            found.append(next(titles, ""))
        return found

    def figures(self) -> dict[str, Figure]:
        """Every drawing once, by its file."""
        found: dict[str, Figure] = {}
        for page in self.pages:
            for block in page.blocks():
                drawing = block.code if isinstance(block, Link) else block
                if isinstance(drawing, Figure):
                    found[drawing.file] = drawing
        return found
