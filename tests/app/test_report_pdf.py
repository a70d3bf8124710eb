"""Reports as PDF: their tags are read back, also by others' tools; text can be found; pages are whole."""

from __future__ import annotations

import datetime
import io
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pdfua
import pikepdf
import pytest
import shapely
import typst

from analytics.classes import class_breaks
from app.report import Request, make_report, write, write_report
from app.report.blocks import Document, Facts, Figure, Heading, Issue, Legend, Link, Listing, Page, Table, Text
from app.report.printed_map import PrintedMap
from app.report.typeset import FONTS, typeset
from app.report.write import Report
from app.text import language, languages, use_language
from geodata.errors import AlmanacError
from tests.world import World

MOMENT = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
REGION, THEME, SERIES = "mid_atlantic", "traffic_growth", "noord_brabant_extraction.extraction_m3_per_day"
KINDS: dict[str, tuple[str, ...]] = {"sheet": ("37183",), "map": (), "brief": (), "atlas": ("37183", "37063", "51059")}
EVERY = pytest.mark.parametrize(("kind", "code"), list(itertools.product(KINDS, languages())))
PAPERS = [("a4", "portrait"), ("a4", "landscape"), ("a3", "portrait"), ("a3", "landscape")]
LANG = {"en": "en-GB", "zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}
HOSTILE = '#import "x": * $a$ <b>&amp; "quotes" *bold* _it_ @ref \\ // [x]'
FORMULA = '=HYPERLINK("http://example.org";"x")'
RARE, NOWHERE = "\U00020bb7\u91ce", "\ue000"
PAINTS = {*("S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "Do", "Tj", "TJ", "'", '"', "INLINE IMAGE")}


def set_in(code: str, document: Document, *, archive: bool = False) -> bytes:
    """A document set in the language in which it was made."""
    before = language()
    use_language(code)
    try:
        return typeset(document, archive=archive, printed=MOMENT)
    finally:
        use_language(before)


@cache
def report(kind: str, code: str = "en") -> Report:
    """A report that several tests look at."""
    asked = Request(REGION, kind, places=KINDS[kind], theme=THEME, language=code, issuer="Office")  # type: ignore[arg-type]
    return make_report(asked)


@cache
def printed(kind: str, code: str = "en") -> bytes:
    """The same as PDF."""
    (document,) = report(kind, code).documents
    return set_in(code, document)


def elements(node: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[pikepdf.Dictionary, tuple[str, ...]]]:
    """The elements of a structure tree in reading order, each with the names of those around it."""
    if isinstance(node, pikepdf.Array):
        for one in node:  # type: ignore[attr-defined]
            yield from elements(one, above)
    elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
        yield node, above
        if "/K" in node:
            yield from elements(node.K, (*above, str(node.S)))


def attributes(element: pikepdf.Dictionary) -> dict[str, Any]:
    """All attributes of an element of a structure tree."""
    found: Any = element.get("/A", [])
    several = [found] if isinstance(found, pikepdf.Dictionary) else list(found)
    return {name: value for one in several if isinstance(one, pikepdf.Dictionary) for name, value in one.items()}


def speaks(text: str, code: str) -> bool:
    """Whether a description is in a language, names and addresses aside."""
    chinese = re.search("[\u4e00-\u9fff]", text) is not None
    english = re.search(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b", text) is not None
    return (english or not chinese) if code == "en" else chinese and not english


def flaws(made: bytes, code: str) -> list[str]:
    """What keeps those from a PDF who cannot see it; empty where nothing was found."""
    found: list[str] = []
    with pikepdf.open(io.BytesIO(made)) as pdf:
        root: Any = pdf.Root
        nothing: Any = pikepdf.Dictionary()
        if str(root.get("/Lang", "")) != LANG[code]:
            found.append("language")
        with pdf.open_metadata() as about:
            if not str(pdf.docinfo.get("/Title", "")).strip() or not about.get("dc:title"):
                found.append("title")
        if not root.get("/ViewerPreferences", nothing).get("/DisplayDocTitle", False):
            found.append("the title is not displayed")
        if not root.get("/MarkInfo", nothing).get("/Marked", False) or "/StructTreeRoot" not in root:
            return [*found, "not tagged"]
        if root.MarkInfo.get("/Suspects", False):
            found.append("suspects")
        tree = list(elements(root.StructTreeRoot.K))
        found += _headings([str(e.S) for e, _ in tree])
        for element, above in tree:
            kind = str(element.S)
            if kind == "/Figure":
                alt = str(element.get("/Alt", "")).strip()
                if not alt:
                    found.append("a figure without words")
                elif not speaks(alt, code):
                    found.append(f"words in another language: {alt}")
                if "/Figure" in above:
                    found.append("a figure in a figure")
            elif kind == "/TH" and "/Scope" not in attributes(element):
                found.append("a header without scope")
            elif kind == "/TH" and not _kids(element):
                found.append("an empty header")
            elif kind == "/Table":
                inside = [str(e.S) for e, _ in elements(element.K)]
                if "/TH" not in inside:
                    found.append("a table without headers")
        held = {
            k.Obj.objgen for e, _ in tree for k in _kids(e)
            if isinstance(k, pikepdf.Dictionary) and "/Obj" in k
        }  # fmt: skip
        found += _fonts(pdf)
        for page in pdf.pages:
            if str(page.get("/Tabs", "")) != "/S" and "/Annots" in page:
                found.append("tab order")
            for annotation in page.get("/Annots", []):
                if annotation.objgen not in held:
                    found.append("a link outside the tags")
                if not str(annotation.get("/Contents", annotation.get("/Alt", ""))).strip():
                    found.append("a link without words")
            found += _loose(page)
    return found


def _fonts(pdf: pikepdf.Pdf) -> list[str]:
    """Whether each font lies in the file and says which signs its glyphs are."""
    found: set[str] = set()
    for one in pdf.objects:
        if not isinstance(one, pikepdf.Dictionary):
            continue
        if one.get("/Type") == "/FontDescriptor" and not {"/FontFile", "/FontFile2", "/FontFile3"} & set(one.keys()):
            found.add("a font that is not in the file")
        if one.get("/Type") == "/Font" and one.get("/Subtype") == "/Type0" and "/ToUnicode" not in one:
            found.add("a font that does not say its signs")
    return sorted(found)


def _kids(element: pikepdf.Dictionary) -> list[Any]:
    held: Any = element.get("/K", [])
    return list(held) if isinstance(held, pikepdf.Array | list) else [held]


def _headings(kinds: list[str]) -> list[str]:
    levels = [int(kind[2]) for kind in kinds if re.fullmatch(r"/H[1-6]", kind)]
    if levels[:1] != [1]:
        return ["the first heading is not of the first level"]
    return ["a level of headings is skipped"] if any(b > a + 1 for a, b in itertools.pairwise(levels)) else []


def _loose(page: Any) -> list[str]:
    """Whether something is painted that is neither tagged nor an artifact."""
    depth = 0
    for one in pikepdf.parse_content_stream(page):
        name, operands = str(one.operator), list(one.operands)
        if name in ("BDC", "BMC"):
            depth += str(operands[0]) == "/Artifact" or (len(operands) > 1 and "/MCID" in operands[1]) or depth > 0
        elif name == "EMC":
            depth = max(depth - 1, 0)
        elif name in PAINTS and not depth:
            return [f"{name} paints something that is neither tagged nor an artifact"]
    return []


def text_of(made: bytes, *how: str) -> str:
    """The text that can be selected and searched, in one line."""
    if shutil.which("pdftotext") is None:
        pytest.skip("there is no pdftotext on this machine")
    done = subprocess.run(["pdftotext", *how, "-", "-"], input=made, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def picture(words: str) -> bytes:
    """What the compiler makes of a picture when nobody asks it for an accessible file."""
    source = (
        '#set document(title: "A")\n= A\n'
        f'#image(bytes("<svg xmlns=\\"http://www.w3.org/2000/svg\\" width=\\"9\\" height=\\"9\\">'
        f'<rect width=\\"9\\" height=\\"9\\"/></svg>"), format: "svg"{words})'
    )
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
    made = typst.Compiler(source.encode(), font_paths=fonts).compile(format="pdf")
    assert isinstance(made, bytes)
    return made


@pytest.mark.slow
class TestTags:
    @EVERY
    def test_nobody_is_kept_out(self, kind: str, code: str) -> None:
        assert flaws(printed(kind, code), code) == []

    @EVERY
    def test_others_find_nothing_either(self, kind: str, code: str, tmp_path: Path) -> None:
        path = tmp_path / "a.pdf"
        path.write_bytes(printed(kind, code))
        found = pdfua.validate(str(path))
        assert found.exit_code == 0, [finding.message for finding in found.findings]

    def test_an_untagged_figure_is_found(self) -> None:
        assert "a figure without words" in flaws(picture(""), "en")
        assert "a figure without words" not in flaws(picture(', alt: "A square that is black"'), "en")

    def test_a_file_without_tags_is_found(self) -> None:
        blank = pikepdf.new()
        blank.add_blank_page()
        out = io.BytesIO()
        blank.save(out)
        assert {"not tagged", "title", "language"} <= set(flaws(out.getvalue(), "en"))

    def test_words_in_another_language_are_found(self) -> None:
        assert any(flaw.startswith("words in another") for flaw in flaws(printed("map", "en"), "zh-Hans"))
        assert any(flaw.startswith("words in another") for flaw in flaws(printed("map", "zh-Hans"), "en"))

    def test_content_outside_the_tags_is_found(self) -> None:
        with pikepdf.open(io.BytesIO(printed("map"))) as pdf:
            pdf.pages[0].contents_add(b"0 0 9 9 re f")
            out = io.BytesIO()
            pdf.save(out)
        assert flaws(out.getvalue(), "en") == ["f paints something that is neither tagged nor an artifact"]

    def test_a_font_that_is_not_in_the_file_is_found(self) -> None:
        with pikepdf.open(io.BytesIO(printed("map"))) as pdf:
            for one in pdf.objects:
                if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor":
                    for name in {"/FontFile2", "/FontFile3"} & set(one.keys()):
                        del one[name]
            out = io.BytesIO()
            pdf.save(out)
        assert flaws(out.getvalue(), "en") == ["a font that is not in the file"]

    def test_a_caption_belongs_to_the_figure_and_tables_say_what_heads_them(self) -> None:
        with pikepdf.open(io.BytesIO(printed("brief"))) as pdf:
            kinds = [str(e.S) for e, _ in elements(pdf.Root.StructTreeRoot.K)]
        assert kinds.count("/H1") == 1 and kinds.count("/H2") >= 4 and kinds.count("/Table") >= 3
        assert kinds.count("/Figure") == 3 and "/Caption" in kinds, "a map, a fan, the code for a camera"


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="there is no qpdf on this machine")
@EVERY
def test_the_file_is_sound(kind: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(printed(kind, code))
    done = subprocess.run(["qpdf", "--check", str(tmp_path / "a.pdf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_can_be_archived() -> None:
    (document,) = report("map").documents
    made = set_in("en", document, archive=True)
    with pikepdf.open(io.BytesIO(made)) as pdf, pdf.open_metadata() as about:
        assert (about.get("pdfaid:part"), about.get("pdfaid:conformance")) == ("2", "A")
        assert about.get("pdfuaid:part") == "1"
    assert flaws(made, "en") == []


@pytest.mark.parametrize("code", list(languages()))
def test_text_can_be_found(code: str) -> None:
    made = report("sheet", code)
    text = text_of(printed("sheet", code))
    assert "Wake County, NC" in text and made.documents[0].issue.document_id in text
    page = made.documents[0].pages[0]
    tables = [block for block in page.blocks() if isinstance(block, Table)]
    values = [row[1] for row in tables[0].rows]
    plain = text.replace(" ", "")
    assert len(values) > 3
    for value in values:
        assert re.sub(r"\s", "", value) in plain


def hostile(name: str) -> Document:
    """A page on which a name stands in every kind of block, the map included."""
    layer = gpd.GeoDataFrame(
        {"name": [name, "Other"]},
        index=pd.Index(["a", "b"], name="location_id"),
        geometry=[shapely.box(8, 45, 9, 46), shapely.box(9, 45, 10, 46)],
        crs=4326,
    )
    base = gpd.GeoDataFrame({"kind": [], "name": [], "rank": []}, geometry=[], crs=4326)
    values = pd.Series([1.0, 2.0], index=layer.index)
    drawing = PrintedMap(layer, values, class_breaks(values), crs="EPSG:32632", home=layer, basemap=base)
    shown = drawing.around("a", 160, 90)
    return Document(
        title=name,
        language="en",
        pages=(
            Page(
                "flow",
                {
                    "body": (
                        Heading(name, 1, anchor="place-a"),
                        Text(name),
                        Facts(((name, name),)),
                        Table((name, "Value"), ((name, "1"),), caption=name, anchors=("place-a",)),
                        Figure("map", shown.svg, name, 160, 90, caption=name),
                        Legend(name, drawing.symbols, ("No.", name, "Places"), note=name),
                        Link(name, "http://localhost:8501/place?place=a%22%20b"),
                        Listing(name, ((name, "place-a"),), anchor="list"),
                    )
                },
            ),
        ),
        issue=Issue(name, name, "today", classification=name),
        foot=name,
        page_words=f"{{page}}/{{pages}} {name}",
        keywords=(name,),
    )


@pytest.mark.parametrize("name", [HOSTILE, FORMULA, RARE, "\u202eevil", "a\nb", "{page} {pages} %d \\u{41} ]]> --"])
def test_a_name_is_printed_as_it_stands(name: str) -> None:
    made = set_in("en", hostile(name))
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert str(pdf.docinfo.Title) == name
        tree = list(elements(pdf.Root.StructTreeRoot.K))
        alts = [str(e.Alt) for e, _ in tree if str(e.S) == "/Figure"]
        with pdf.open_outline() as outline:
            assert " ".join(str(outline.root[0].title).split()) == " ".join(name.split())
    assert name in alts
    if name not in (RARE, "\u202eevil"):  # whether a font of this machine has the sign, and where its side turns
        text = text_of(made).replace(" ", "")
        assert text.count("".join(name.split())) >= 12, "in every block, on the map, at the head and the foot"
    elif name == RARE:
        assert "\u91ce" in text_of(made)


def test_a_sign_that_no_font_has_is_told_as_lacking() -> None:
    text = text_of(set_in("en", hostile(f"Al{NOWHERE}to")))
    assert text.count("Al\u3013to") >= 12 and NOWHERE not in text


def test_a_sign_that_no_drawing_may_hold_is_left_out_of_it() -> None:
    document = hostile("Al\x07to")
    for figure in document.figures().values():
        assert "Alto" in "".join(ElementTree.fromstring(figure.svg).itertext())
    assert "Alto" in text_of(set_in("en", document))


class Clock:
    """A clock that stands still, in place of the module `datetime`."""

    UTC = datetime.UTC

    class datetime:
        @staticmethod
        def now(_: datetime.tzinfo) -> datetime.datetime:
            return MOMENT

    class date:
        @staticmethod
        def today() -> datetime.date:
            return MOMENT.date()


def files_in(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class TestWriting:
    def test_equal_reports_of_the_same_moment_are_the_same_bytes(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(write, "datetime", Clock)
        asked = Request(world.region, "atlas", issuer="Office")
        for name in ("one", "two"):
            write_report(asked, tmp_path / name / "a.pdf")
        one, two = files_in(tmp_path / "one"), files_in(tmp_path / "two")
        assert one.keys() == two.keys() and "a.pdf" in one and "a.bundle/numbers.csv" in one
        assert [name for name in one if one[name] != two[name]] == []

    def test_what_stood_there_is_replaced_whole(self, world: World, tmp_path: Path) -> None:
        out = tmp_path / "here" / "a.pdf"
        (out.parent / "a.bundle" / "figures").mkdir(parents=True)
        (out.parent / "a.bundle" / "figures" / "old.svg").write_text("old", encoding="utf-8")
        out.write_bytes(b"old")
        write_report(Request(world.region, "sheet", places=("001",)), out, pictures=False)
        found = files_in(out.parent)
        assert b"old" not in found.values() and found["a.pdf"].startswith(b"%PDF")
        assert not [name for name in found if name.startswith(".")]

    @pytest.mark.parametrize("step", ["typeset", "write_bundle"])
    def test_a_failure_leaves_what_stood_there(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        out = tmp_path / "here" / "a.pdf"
        asked = Request(world.region, "sheet", places=("001",))
        write_report(asked, out, pictures=False)
        before = files_in(out.parent)

        def fail(*_: object, **__: object) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(write, step, fail)
        with pytest.raises((OSError, AlmanacError)):
            write_report(replace(asked, language="zh-Hans"), out, pictures=False)
        assert files_in(out.parent) == before and [p.name for p in out.parent.iterdir() if p.name[0] == "."] == []
        assert language() == "en"


class TestPages:
    @pytest.mark.slow
    def test_printed_page_numbers_are_those_of_the_pages_that_links_lead_to(self) -> None:
        (document,) = report("atlas").documents
        titles = dict(zip(document.anchors(), (title(page) for page in document.pages), strict=True))
        with pikepdf.open(io.BytesIO(printed("atlas"))) as pdf:
            where: dict[Any, int] = {page.objgen: number for number, page in enumerate(pdf.pages, 1)}
            leads = {number: {where[o] for o in targets(pdf, page)} for number, page in enumerate(pdf.pages, 1)}
        text = {number: text_of(printed("atlas"), "-f", str(number), "-l", str(number)) for number in leads}
        checked = 0
        for listing in (b for page in document.pages for b in page.blocks() if isinstance(b, Listing)):
            here = max(n for n, words in text.items() if f" {listing.title} " in words and leads[n])
            told = []
            for words, anchor in listing.entries:
                number = re.search(re.escape(words) + r"[ .\u2026]*?(\d+)\b", text[here])
                assert number is not None
                told.append(int(number.group(1)))
                assert titles[anchor] in text[told[-1]]
            assert leads[here] == set(told)
            checked += len(told)
        assert checked == 5 + 3

    def test_pages_are_counted_to_the_last(self) -> None:
        with pikepdf.open(io.BytesIO(printed("atlas"))) as pdf:
            count = len(pdf.pages)
        for number in range(1, count + 1):
            assert f"Page {number} of {count}" in text_of(printed("atlas"), "-f", str(number), "-l", str(number))

    @pytest.mark.slow
    @pytest.mark.parametrize("code", list(languages()))
    @pytest.mark.parametrize(("paper", "orientation"), PAPERS)
    def test_the_fullest_sheets_keep_to_one_page(self, paper: Any, orientation: Any, code: str) -> None:
        places = fullest(6)
        asked = Request(REGION, "sheet", places=places, language=code, paper=paper, orientation=orientation,
                        issuer="Office of the County", classification="Internal")  # fmt: skip
        (document,) = make_report(asked).documents
        with pikepdf.open(io.BytesIO(set_in(code, document))) as pdf:
            assert len(pdf.pages) == len(places)

    @pytest.mark.slow
    @pytest.mark.parametrize("code", list(languages()))
    @pytest.mark.parametrize(("paper", "orientation"), PAPERS)
    def test_a_map_keeps_to_one_page(self, paper: Any, orientation: Any, code: str) -> None:
        for region, theme in (
            ("mid_atlantic", THEME),
            ("mid_atlantic", ""),
            ("lombardy", ""),
            ("california_ground", ""),
        ):
            asked = Request(region, "map", theme=theme, language=code, paper=paper, orientation=orientation)
            (document,) = make_report(asked).documents
            with pikepdf.open(io.BytesIO(set_in(code, document))) as pdf:
                assert len(pdf.pages) == 1, (region, theme)


def title(page: Page) -> str:
    """The heading of the first level of a page."""
    for block in page.blocks():
        if isinstance(block, Listing):
            return block.title
        if isinstance(block, Heading) and block.level == 1:
            return block.text
    raise AssertionError("a page without title")


def targets(pdf: pikepdf.Pdf, page: Any) -> Iterator[tuple[int, int]]:
    """The pages of the file that the links on a page lead to."""
    for annotation in page.get("/Annots", []):
        target = annotation.get("/Dest", annotation.get("/A", {}).get("/D"))
        if isinstance(target, pikepdf.String | pikepdf.Name):
            target = pikepdf.NameTree(pdf.Root.Names.Dests)[str(target)]
        if isinstance(target, pikepdf.Dictionary):
            target = target.D
        if target is not None:
            yield target[0].objgen


def words_on(page: Page) -> int:
    """How much is said on a page."""
    found = 0
    for block in page.blocks():
        match block:
            case Text() | Heading():
                found += len(block.text)
            case Facts():
                found += sum(map(len, itertools.chain.from_iterable(block.rows)))
            case Table():
                found += sum(map(len, itertools.chain.from_iterable(block.rows)))
            case Figure():
                found += len(block.caption)
    return found


@cache
def fullest(most: int) -> tuple[str, ...]:
    """The counties of whose sheets the most is said."""
    made = make_report(Request(REGION, "sheet"))
    (document,) = made.documents
    ordered = sorted(zip(made.theme.layer.index, document.pages, strict=True), key=lambda pair: -words_on(pair[1]))
    return tuple(str(place) for place, _ in ordered[:most])
