"""The brief: a few pages with the numbers of the analytics, and the same as a Word document that can be edited."""

from __future__ import annotations

import io
import itertools
import tempfile
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pikepdf
import pytest
from docx.document import Document as WordDocument
from docx.oxml.ns import qn

from analytics.fan import fan_at
from analytics.glance import glance
from analytics.measure import measure
from analytics.outlook import outlook
from analytics.place import profile
from app.report import Request, make_report
from app.report.blocks import Document, Figure, Heading, Legend, Link, Listing, Page, Table
from app.report.word import write_word
from app.text import language, languages, use_language
from geodata.region import load_region
from tests.app.test_report_pdf import MOMENT, PAPERS, REGION, THEME, hostile, report, set_in, speaks, text_of

EVERY = pytest.mark.parametrize("code", list(languages()))
MM = 36_000  # English metric units


@cache
def written(code: str) -> bytes:
    """The brief as .docx."""
    (document,) = report("brief", code).documents
    return as_word(document, code)


def as_word(document: Document, code: str) -> bytes:
    """A document as .docx, in the language in which it was made."""
    before = language()
    use_language(code)
    try:
        return saved(document)
    finally:
        use_language(before)


def word_of(code: str) -> WordDocument:
    """The brief, opened again."""
    return docx.Document(io.BytesIO(written(code)))


def saved(document: Document) -> bytes:
    """A document as .docx, in the language that is spoken."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.docx"
        write_word(document, path, printed=MOMENT)
        return path.read_bytes()


class TestWord:
    @EVERY
    def test_headings_are_those_of_the_brief(self, code: str) -> None:
        (document,) = report("brief", code).documents
        wanted = [(f"Heading {b.level}", b.text) for p in document.pages for b in p.blocks() if isinstance(b, Heading)]
        found = [
            (p.style.name, p.text) for p in word_of(code).paragraphs if p.style and str(p.style.name).startswith("Head")
        ]
        assert found == wanted and found[0][0] == "Heading 1" and len(found) >= 6
        levels = [int(name[-1]) for name, _ in found]
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)) and levels.count(1) == 1

    @EVERY
    def test_tables_are_tables_with_a_header_that_is_repeated(self, code: str) -> None:
        (document,) = report("brief", code).documents
        blocks = [b for p in document.pages for b in p.blocks() if isinstance(b, Table | Legend)]
        tables = word_of(code).tables
        assert len(tables) == len(blocks) >= 3
        for table, block in zip(tables, blocks, strict=True):
            assert [cell.text for cell in table.rows[0].cells] == list(block.columns)
            assert table.rows[0]._tr.get_or_add_trPr().find(qn("w:tblHeader")) is not None
            assert all(row._tr.get_or_add_trPr().find(qn("w:tblHeader")) is None for row in table.rows[1:])
            rows = [[cell.text for cell in row.cells] for row in table.rows[1:]]
            if isinstance(block, Table):
                assert rows == [list(row) for row in block.rows]
            else:
                assert rows == [[s.number, s.label, str(s.count)] for s in block.symbols]
            assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")) == (
                block.caption if isinstance(block, Table) else block.title
            )

    @EVERY
    def test_pictures_have_words_and_three_hundred_dots_to_the_inch(self, code: str) -> None:
        (document,) = report("brief", code).documents
        figures = [b.code if isinstance(b, Link) else b for p in document.pages for b in p.blocks()]
        wanted = [figure for figure in figures if isinstance(figure, Figure)]
        word = word_of(code)
        shapes = list(word.inline_shapes)
        assert len(shapes) == len(wanted) == 3
        for shape, figure in zip(shapes, wanted, strict=True):
            alt = shape._inline.docPr.get("descr")
            assert alt == figure.alt and speaks(alt, code)
            picture = word.part.related_parts[shape._inline.graphic.graphicData.pic.blipFill.blip.embed].image
            assert picture.px_width == pytest.approx(figure.width / 25.4 * 300, abs=2)
            assert picture.px_height == pytest.approx(figure.height / 25.4 * 300, abs=2)
            assert shape.width / shape.height == pytest.approx(figure.width / figure.height, rel=0.01)
            assert shape.width <= (210 - 2 * 18) * MM
        assert len({shape._inline.docPr.id for shape in shapes}) == len(shapes)

    @EVERY
    def test_language_and_properties(self, code: str) -> None:
        (document,) = report("brief", code).documents
        word = word_of(code)
        (lang,) = word.styles.element.iter(qn("w:lang"))
        asian = {"en": "zh-CN", "zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}[code]
        assert (lang.get(qn("w:val")), lang.get(qn("w:eastAsia"))) == ("en-GB", asian)
        about = word.core_properties
        assert (about.title, about.author) == (document.title, "Office")
        assert about.language == ("en-GB" if code == "en" else asian)
        assert about.identifier == document.issue.document_id and document.issue.document_id in about.keywords
        assert about.created == about.modified == MOMENT

    def test_the_foot_tells_the_limits_and_counts_pages(self) -> None:
        foot = word_of("en").sections[0].footer
        text = "\n".join(p.text for p in foot.paragraphs)
        assert "no legal force" in text and report("brief").documents[0].issue.document_id in text
        assert [e.text for p in foot.paragraphs for e in p._p.iter(qn("w:instrText"))] == ["PAGE", "NUMPAGES"]

    def test_the_link_leads_to_the_dashboard(self) -> None:
        word = word_of("en")
        (link,) = word.element.body.iter(qn("w:hyperlink"))
        address = word.part.rels[link.get(qn("r:id"))].target_ref
        assert address.startswith("http://localhost:8501/traffic?region=mid_atlantic&traffic_indicator=traffic_growth")

    def test_equal_briefs_are_equal_documents(self) -> None:
        one, two = (zipfile.ZipFile(io.BytesIO(made)) for made in (written("en"), saved(report("brief").documents[0])))
        assert one.namelist() == two.namelist()
        assert all(one.read(name) == two.read(name) for name in one.namelist())

    @pytest.mark.parametrize("name", ['=HYPERLINK("x") <b>&amp; #let $a$ \\', "a\x01\x0bb", "\U00020bb7\u91ce"])
    def test_any_name_can_be_written(self, name: str) -> None:
        document = hostile(name)
        body = tuple(b for b in document.pages[0].blocks() if not isinstance(b, Listing))
        document = replace(document, pages=(Page("flow", {"body": body}),))
        word = docx.Document(io.BytesIO(saved(document)))
        told = name.replace("\x01", "").replace("\x0b", "")
        assert word.paragraphs[0].text == told and word.tables[0].cell(1, 0).text == told
        assert word.core_properties.title == told


class TestPages:
    @pytest.mark.slow
    @EVERY
    def test_it_has_two_to_four_pages_on_every_paper(self, code: str) -> None:
        for paper, orientation in PAPERS:
            asked = Request(REGION, "brief", theme=THEME, language=code, paper=paper, orientation=orientation)  # type: ignore[arg-type]
            (document,) = make_report(asked).documents
            with pikepdf.open(io.BytesIO(set_in(code, document))) as pdf:
                assert 2 <= len(pdf.pages) <= 4, (paper, orientation)

    def test_what_happens_stands_on_the_first_page_and_what_is_likely_on_the_next(self) -> None:
        (document,) = report("brief").documents
        made = set_in("en", document)
        first, second = (text_of(made, "-f", n, "-l", n) for n in ("1", "2"))
        assert "What is happening" in first and "Key figures of the region" in first
        assert "What is likely" in second and "What is likely" not in first


class TestNumbers:
    def test_those_of_the_map_are_those_of_the_indicator(self) -> None:
        region, printed = load_region(REGION), report("brief").numbers
        mine = printed[printed["what"] == THEME].set_index("location_id")
        found = measure(THEME, region.table("ncdot_traffic"))
        known = found[found["value"].notna()]
        assert len(known) == 100
        for name in ("value", "low", "high", "n", "completeness"):
            assert np.array_equal(mine.loc[known.index, name].astype(float), known[name].astype(float)), name
        assert mine["value"].drop(known.index).isna().all()

    def test_the_ranking_is_in_the_order_of_the_values(self) -> None:
        printed = report("brief").numbers
        values = printed[printed["what"] == THEME].set_index("name")["value"].astype(float)
        first = next(b for b in report("brief").documents[0].pages[0].blocks() if isinstance(b, Table))
        places = [row[1] for row in first.rows]
        assert values.nlargest(len(places)).index.tolist() == places
        assert [float(row[2].split("\u202f")[0]) for row in first.rows] == pytest.approx(
            values[places].tolist(), abs=0.006
        )

    def test_key_figures_are_those_of_the_overview(self) -> None:
        region, printed = load_region(REGION), report("brief").numbers
        mine = printed[printed["location_id"] == REGION]
        for figure in glance(region).figures:
            values = (
                mine.loc[mine["what"] == f"{figure.dataset.id}.{figure.column.name}", "value"].astype(float).tolist()
            )
            assert values == [v for v in (figure.value, figure.earlier) if v is not None]

    def test_what_is_expected_is_what_the_forecast_says(self) -> None:
        region, printed = load_region(REGION), report("brief").numbers
        mine = printed[printed["made"] == "forecast"]
        fan = fan_at(outlook(region, "ncdot_traffic.traffic_veh_per_day"), str(mine["location_id"].iloc[0])).fan
        ends = fan.iloc[[0, -1]]
        for ours, theirs in (("value", "mean"), ("low", "low_80"), ("high", "high_80")):
            assert np.array_equal(mine[ours].astype(float), ends[theirs].astype(float), equal_nan=True)

    @pytest.mark.parametrize("kind", ["sheet", "atlas"])
    def test_those_of_a_sheet_are_those_of_the_place(self, kind: str) -> None:
        region, made = load_region(REGION), report(kind)
        numbers = made.numbers
        for place in made.request.places:
            mine = numbers[(numbers["location_id"] == place) & (numbers["made"] == "value")].set_index("what")
            about = profile(region, place)
            records = {f"{r.dataset.id}.{r.column.name}": r for r in about.records}
            facts = {f"{f.dataset.id}.{f.column.name}": f for f in about.facts}
            assert len(mine) > 3 and set(mine.index) <= {*records, *facts}
            for what, row in mine.iterrows():
                if what in facts:
                    assert row["value"] == facts[str(what)].value and row["n"] == 1
                    continue
                record = records[str(what)]
                assert (row["value"], row["n"]) == (record.latest, record.n)
                assert record.completeness is None or row["completeness"] == pytest.approx(record.completeness)
                assert pd.Timestamp(row["time"]) == record.latest_time

    def test_the_table_of_a_sheet_prints_them(self) -> None:
        made = report("sheet")
        (table,) = (b for b in made.documents[0].pages[0].blocks() if isinstance(b, Table))
        place = made.request.places[0]
        about = profile(load_region(REGION), place)
        known = [
            *((r.column.title, r.standing) for r in about.records),
            *((f.column.title, f.standing) for f in about.facts),
        ]
        ranks = {name: standing for name, standing in known if standing is not None}
        checked = 0
        for row in table.rows:
            if row[2].startswith("rank ") and row[0] in ranks:
                rank, of = (int(word.replace(",", "")) for word in row[2].removeprefix("rank ").split(" of "))
                assert (rank, of) == (ranks[row[0]].rank, ranks[row[0]].of)
                checked += 1
        assert checked > 3
