"""Briefs as Word documents that an office can edit: real headings and tables, drawings at 300 dpi with their words."""

from __future__ import annotations

import datetime
import io
import re
from pathlib import Path

from docx import Document as new_document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table as WordTable
from docx.table import _Cell as Cell
from docx.text.paragraph import Paragraph

from app.charts import INK, MUTED
from app.report.blocks import Block, Document, Facts, Figure, Heading, Legend, Link, Table, Text
from app.report.bundle import drawn_as_png
from app.report.paper import xml_text
from app.text import t

DOTS_PER_INCH = 300
# The width and height of paper upright, and the margins, in mm.
_PAPERS = {"a4": (210.0, 297.0), "a3": (297.0, 420.0)}
_MARGIN, _TOP, _LOGO = 18.0, 22.0, 9.0
# How Word names the languages of Latin and of East Asian signs, and the fonts that its users have for the latter.
_LANGUAGES = {
    "en": ("en-GB", "zh-CN", "Microsoft YaHei"),
    "zh-Hans": ("en-GB", "zh-CN", "Microsoft YaHei"),
    "zh-Hant": ("en-GB", "zh-TW", "Microsoft JhengHei"),
}
_LATIN = "Calibri"


def write_word(document: Document, path: Path, *, printed: datetime.datetime) -> None:
    """Writes a document of flowing pages as .docx.

    Parameters
    ----------
    path : written as it is; whoever calls sees to it that nothing half done is left.
    printed : the moment that the file says it was made.

    Raises
    ------
    AlmanacError
        When the compiler refuses a drawing.
    """
    word = new_document()
    _styles(word, document.language)
    room = _paper(word, document)
    _properties(word, document, printed)
    pictures = drawn_as_png(document.figures(), dots_per_inch=DOTS_PER_INCH)
    _marks(word, document, room)
    for page in document.pages:
        for block in page.blocks():
            _add(word, block, pictures, room)
    word.save(str(path))


def _add(word: WordDocument, block: Block, pictures: dict[str, bytes], room: float) -> None:
    match block:
        case Heading():
            word.add_heading(xml_text(block.text), min(block.level, 3))
        case Text():
            run = word.add_paragraph().add_run(xml_text(block.text))
            run.bold = block.strong
            if block.small:
                _small(run)
        case Facts():
            for label, text in block.rows:
                paragraph = word.add_paragraph()
                paragraph.paragraph_format.space_after = Pt(2)
                for run in (paragraph.add_run(xml_text(label)), paragraph.add_run(xml_text(t(": ") + text))):
                    _small(run)
                paragraph.runs[0].bold = True
        case Table():
            if block.caption:
                _caption(word, block.caption, before=True)
            _table(word, block.columns, block.rows, block.right, block.caption)
        case Figure():
            _picture(word.add_paragraph(), pictures[block.file], block, min(block.width, room))
            if block.caption:
                _caption(word, block.caption)
        case Legend():
            _legend(word, block)
        case Link():
            paragraph = word.add_paragraph(xml_text(f"{block.text} "))
            _hyperlink(paragraph, block.address)
            if block.code is not None:
                _picture(word.add_paragraph(), pictures[block.code.file], block.code, block.code.width)


def _styles(word: WordDocument, language: str) -> None:
    latin, asian, font = _LANGUAGES.get(language, _LANGUAGES["en"])
    defaults = word.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
    lang = defaults.find(qn("w:lang"))
    if lang is None:
        lang = OxmlElement("w:lang")
        defaults.append(lang)
    lang.set(qn("w:val"), latin)
    lang.set(qn("w:eastAsia"), asian)
    for name, size in (("Normal", 10.5), ("Heading 1", 20), ("Heading 2", 14), ("Heading 3", 11.5), ("Caption", 9)):
        style = word.styles[name]
        assert isinstance(style, ParagraphStyle)
        _font(style.element.get_or_add_rPr(), font)
        style.font.size = Pt(size)
        style.font.color.rgb = RGBColor.from_string((MUTED if name == "Caption" else INK).lstrip("#"))
    _font(defaults, font)


def _font(properties: BaseOxmlElement, asian: str) -> None:
    """Both fonts by their names: a theme's font, which would win, is taken out."""
    fonts = properties.find(qn("w:rFonts"))
    if fonts is None:
        fonts = OxmlElement("w:rFonts")
        properties.insert(0, fonts)
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for name, value in (("ascii", _LATIN), ("hAnsi", _LATIN), ("cs", _LATIN), ("eastAsia", asian)):
        fonts.set(qn(f"w:{name}"), value)


def _paper(word: WordDocument, document: Document) -> float:
    """Sets the paper; how wide a line is, in mm."""
    section = word.sections[0]
    width, height = _PAPERS[document.paper]
    if document.orientation == "landscape":
        width, height = height, width
        section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(width), Mm(height)
    section.left_margin = section.right_margin = Mm(_MARGIN)
    section.top_margin = section.bottom_margin = Mm(_TOP)
    section.header_distance = section.footer_distance = Mm(9)
    return width - 2 * _MARGIN


def _properties(word: WordDocument, document: Document, printed: datetime.datetime) -> None:
    latin, asian, _ = _LANGUAGES.get(document.language, _LANGUAGES["en"])
    moment = printed.astimezone(datetime.UTC).replace(microsecond=0, tzinfo=None)
    properties = word.core_properties
    properties.title = xml_text(document.title)
    properties.author = properties.last_modified_by = xml_text(document.issue.issuer)
    properties.language = latin if document.language == "en" else asian
    properties.keywords = xml_text(", ".join(document.keywords))
    properties.identifier = xml_text(document.issue.document_id)
    properties.category = xml_text(document.issue.classification)
    properties.comments = ""
    properties.created = properties.modified = moment


def _marks(word: WordDocument, document: Document, room: float) -> None:
    """Issuer and classification at the head of every page; at its foot the limits, the document id and the page."""
    issue, section = document.issue, word.sections[0]
    head = section.header.paragraphs[0]
    _tab_at_the_end(head, room)
    if issue.logo is not None:
        content, ending = issue.logo
        alt = t("Logo of {issuer}", issuer=issue.issuer)
        if ending == "svg":
            drawn = Figure("logo", content.decode("utf-8", errors="replace"), alt, 3 * _LOGO, _LOGO)
            content = drawn_as_png({"logo": drawn}, dots_per_inch=DOTS_PER_INCH)["logo"]
        _inline(head, content, alt, height=_LOGO)
        head.add_run("  ")
    head.add_run(xml_text(issue.issuer))
    if issue.classification:
        head.add_run("\t")
        head.add_run(xml_text(issue.classification.upper())).bold = True
    section.footer.paragraphs[0].text = xml_text(document.foot)
    foot = section.footer.add_paragraph(xml_text(f"{issue.document_id} · {issue.printed}") + "\t")
    _tab_at_the_end(foot, room)
    for part in re.split(r"(\{pages?\})", document.page_words):
        if part in ("{page}", "{pages}"):
            _field(foot, "PAGE" if part == "{page}" else "NUMPAGES")
        elif part:
            foot.add_run(xml_text(part))
    for run in (*head.runs, *section.footer.paragraphs[0].runs, *foot.runs):
        _small(run)


def _tab_at_the_end(paragraph: Paragraph, room: float) -> None:
    stops = paragraph.paragraph_format.tab_stops
    style = paragraph.style
    if isinstance(style, ParagraphStyle):
        style.paragraph_format.tab_stops.clear_all()
    stops.add_tab_stop(Mm(room), WD_TAB_ALIGNMENT.RIGHT)


def _field(paragraph: Paragraph, code: str) -> None:
    """A number that Word counts itself."""
    for kind in ("begin", "", "separate", "1", "end"):
        run = paragraph.add_run("1" if kind == "1" else "")
        if kind == "":
            element = OxmlElement("w:instrText")
            element.set(qn("xml:space"), "preserve")
            element.text = code
            run._r.append(element)
        elif kind != "1":
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
            run._r.append(element)


def _small(run: object) -> None:
    run.font.size = Pt(9)  # type: ignore[attr-defined]


def _caption(word: WordDocument, text: str, *, before: bool = False) -> None:
    paragraph = word.add_paragraph(xml_text(text), style="Caption")
    paragraph.paragraph_format.keep_with_next = before


def _table(
    word: WordDocument, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], right: tuple[int, ...], title: str
) -> WordTable:
    table = word.add_table(rows=1, cols=len(columns), style="Table Grid")
    for cells, words, head in ((table.rows[0].cells, columns, True), *((None, row, False) for row in rows)):
        filled = table.add_row().cells if cells is None else cells
        for i, (cell, text) in enumerate(zip(filled, words, strict=True)):
            _fill(cell, text, right=i in right, bold=head)
    for row in table.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    if title:
        named = OxmlElement("w:tblCaption")
        named.set(qn("w:val"), xml_text(title))
        table._tbl.tblPr.append(named)
    word.add_paragraph().paragraph_format.space_after = Pt(0)
    return table


def _fill(cell: Cell, text: str, *, right: bool = False, bold: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    run = paragraph.add_run(xml_text(text))
    run.bold = bold
    _small(run)


def _legend(word: WordDocument, block: Legend) -> None:
    """The classes as a table; the colour stands behind the number, which tells the class without it."""
    _caption(word, block.title, before=True)
    rows = tuple((s.number, s.label, str(s.count)) for s in block.symbols)
    table = _table(word, block.columns, rows, (2,), block.title)
    for symbol, row in zip(block.symbols, table.rows[1:], strict=True):
        shade = OxmlElement("w:shd")
        shade.set(qn("w:val"), "clear")
        shade.set(qn("w:fill"), symbol.colour.lstrip("#"))
        row.cells[0]._tc.get_or_add_tcPr().append(shade)
        for run in row.cells[0].paragraphs[0].runs:
            run.font.color.rgb = RGBColor.from_string(symbol.ink.lstrip("#"))
    if block.note:
        _small(word.add_paragraph().add_run(xml_text(block.note)))


def _picture(paragraph: Paragraph, content: bytes, figure: Figure, width: float) -> None:
    paragraph.paragraph_format.keep_with_next = bool(figure.caption)
    _inline(paragraph, content, figure.alt, width=width)


def _inline(
    paragraph: Paragraph, content: bytes, alt: str, *, width: float | None = None, height: float | None = None
) -> None:
    shape = paragraph.add_run().add_picture(
        io.BytesIO(content), width=Mm(width) if width else None, height=Mm(height) if height else None
    )
    shape._inline.docPr.set("descr", xml_text(alt))


def _hyperlink(paragraph: Paragraph, address: str) -> None:
    related = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), related)
    run = paragraph.add_run(address)
    run.font.underline = True
    run.font.color.rgb = RGBColor(0x1B, 0x5E, 0x8C)
    link.append(run._r)
    paragraph._p.append(link)
