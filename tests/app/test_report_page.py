"""The page on reports without a browser: its choices, its errors, a look, and the files to take away."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pikepdf
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from app.report.download import make_files, offered_themes, preview
from app.report.request import Request
from app.text import language, languages
from geodata.errors import AlmanacError
from geodata.region import load_region
from tests.world import World

# What pages and papers look like is for make test: make check is to end within two minutes.
pytestmark = pytest.mark.slow

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
DEFAULT = "mid_atlantic"
SHEET = {"report_kind": "sheet", "report_places": "002"}


def page_of(region: str, view: str = "report", **address: str) -> AppTest:
    page = AppTest.from_file(MAIN, default_timeout=120)
    for key, value in {"region": region, "lang": "en", **address}.items():
        page.query_params[key] = value
    # switch_page() knows pages that are files only; ours are functions, known by their address.
    page._page_hash = calc_hash(view)
    page.run()
    assert not page.exception, [str(e.value) for e in page.exception]
    return page


def picked(page: AppTest, label: str) -> str:
    (found,) = (s for s in page.selectbox if s.label == label)
    return str(found.value)


def pressed(page: AppTest) -> AppTest:
    (button,) = (b for b in page.button if b.label == "Make the report")
    button.click().run()
    assert not page.exception, [str(e.value) for e in page.exception]
    return page


def downloads(page: AppTest) -> list[str]:
    return [str(button.proto.label) for button in page.get("download_button")]


def links(page: AppTest) -> list[str]:
    return [str(x.proto.query_string) for x in page.get("page_link") if str(x.proto.label) == "This view as a page"]


def test_it_opens_with_the_question_and_an_atlas_of_everything() -> None:
    page = page_of(DEFAULT)
    assert not page.error and page.title[0].value == "What shall be printed?"
    assert (picked(page, "Kind of report"), picked(page, "Paper")) == ("atlas", "a4")
    assert page.multiselect[0].value == [] and page.multiselect[0].placeholder == "All places that have this theme"
    assert downloads(page) == []


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_it_opens_in_every_language_and_so_does_its_report(code: str) -> None:
    page = page_of("lombardy", lang=code)
    assert not page.error
    (spoken,) = (
        s for s in page.selectbox if any(languages()[code] in option and "：" in option for option in s.options)
    )
    assert spoken.value == "page"


def test_the_address_restores_every_choice(world: World) -> None:
    chosen = {
        **SHEET, "report_theme": "river_daily.discharge_m3_per_s", "report_language": "zh-Hans", "report_paper": "a3",
        "report_orientation": "landscape", "report_issuer": "Office", "report_mark": "Internal", "report_id": "X-1",
        "report_archive": "yes",
    }  # fmt: skip
    page = page_of(world.region, **chosen)
    assert not page.error
    assert page.multiselect[0].value == ["002"]
    assert [box.value for box in page.text_input] == ["Office", "Internal", "X-1"]
    assert {key: page.query_params[key] for key in chosen} == chosen


def test_an_unknown_place_in_the_address_is_told_and_left_out(world: World) -> None:
    page = page_of(world.region, report_kind="sheet", report_places="001,<b>9</b>")
    (told,) = page.error
    assert "has no place" in told.value and "<b>" not in told.value
    assert page.multiselect[0].value == ["001"]


def test_a_map_has_no_places_to_choose(world: World) -> None:
    assert not page_of(world.region, report_kind="map", report_places="001").multiselect


def test_a_report_is_made_and_taken_away(world: World) -> None:
    page = pressed(page_of(world.region, **SHEET))
    assert not page.error
    assert downloads(page) == ["PDF", "The numbers and drawings (.zip)"]
    (paper,) = (s for s in page.selectbox if s.label == "Paper")
    paper.select("a3").run()
    assert downloads(page) == []
    assert "Something else was chosen since the last report was made." in [c.value for c in page.caption]


def test_a_look_has_words_for_those_who_do_not_see_it(world: World) -> None:
    page = page_of(world.region, **SHEET)
    (look,) = (x for x in page.toggle if x.label == "Show how it will look")
    look.set_value(True).run()
    assert not page.exception and not page.error
    (picture,) = page.get("image")
    assert "Map of Discharge" in str(picture.proto)


def test_an_indicator_without_data_is_told(world: World) -> None:
    page = pressed(page_of(world.region, report_kind="map", report_theme="flashiness"))
    assert len(page.error) == 1 and downloads(page) == []


def test_the_files_of_a_report(world: World) -> None:
    files = make_files(Request(world.region, kind="sheet", places=("001", "003"), language="zh-Hans"))
    assert list(files) == ["almanac-two_valleys-sheet.pdf", "almanac-two_valleys-sheet.zip"]
    with pikepdf.open(io.BytesIO(files["almanac-two_valleys-sheet.pdf"])) as pdf:
        assert len(pdf.pages) == 2
    with zipfile.ZipFile(io.BytesIO(files["almanac-two_valleys-sheet.zip"])) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert all(name.startswith("almanac-two_valleys-sheet.bundle/") for name in names)
        manifest = json.loads(archive.read("almanac-two_valleys-sheet.bundle/manifest.json"))
    assert manifest["request"]["places"] == ["001", "003"]
    assert language() == "en"


def test_a_brief_comes_in_word_too(world: World) -> None:
    files = make_files(Request(world.region, kind="brief"))
    assert [Path(name).suffix for name in files] == [".pdf", ".docx", ".zip"]
    assert files["almanac-two_valleys-brief.docx"].startswith(b"PK")


def test_an_uploaded_logo_is_used_and_a_wrong_one_called_by_its_name(world: World) -> None:
    logo = ("../crest.svg", b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>')
    asked = Request(world.region, kind="sheet", places=("001",))
    assert preview(asked, logo)[0].picture != preview(asked)[0].picture
    with pytest.raises(AlmanacError) as caught:
        preview(asked, ("crest.gif", b"GIF89a"))
    assert "The logo crest.gif is no image" in str(caught.value)


def test_the_look_of_an_atlas_bears_the_atlas_own_id(world: World) -> None:
    (look,) = preview(Request(world.region, kind="atlas"))
    assert look.picture.startswith(b"\x89PNG") and "Map of Discharge" in look.alt


def test_the_series_that_a_map_shows_is_among_the_themes() -> None:
    region = load_region("lombardy")
    other = next(
        f"{d.id}.{c}" for d in region.mappable() for c in d.columns if f"{d.id}.{c}" not in offered_themes(region, None)
    )
    assert list(offered_themes(region, other))[-1] == other
    assert offered_themes(region, "lombardy_air.nothing") == offered_themes(region, None)


@pytest.mark.parametrize(
    ("view", "address", "query"),
    [
        ("", {}, "report_kind=map&report_theme=ncdot_traffic.traffic_veh_per_day"),
        ("explore", {}, "report_kind=map&report_theme=ncdot_traffic.traffic_veh_per_day"),
        ("water", {"water_indicator": "flashiness"}, "report_kind=map&report_theme=flashiness"),
        (
            "place",
            {"place": "37001"},
            "report_kind=sheet&report_theme=ncdot_traffic.traffic_veh_per_day&report_places=37001",
        ),
    ],
)
@pytest.mark.slow
def test_every_map_leads_to_its_page(view: str, address: dict[str, str], query: str) -> None:
    assert links(page_of(DEFAULT, view, **address)) == [f"{query}&region=mid_atlantic&lang=en"]


SPI = "standardized_precipitation_index"


@pytest.mark.parametrize(
    ("view", "address", "query"),
    [
        (
            "water",
            {"water_indicator": SPI, "water_standard": "nidis", "water_reference": "1991-2020"},
            f"report_theme={SPI}&report_standard=nidis&report_reference=1991-2020",
        ),
        ("water", {"water_indicator": SPI, "water_standard": "none"}, f"report_theme={SPI}&report_standard=none"),
        (
            "water",
            {"water_indicator": SPI, "water_reference": "1950-2000"},
            f"report_theme={SPI}&report_reference=1950-2000",
        ),
        (
            "explore",
            {"dataset": "usgs_discharge_2017", "column": "discharge_m3_per_s", "time": "2017-03-01T00:00:00"},
            "report_theme=usgs_discharge_2017.discharge_m3_per_s&report_time=2017-03-01T00%3A00%3A00",
        ),
    ],
)
def test_a_map_shown_otherwise_than_as_usual_is_so_printed(view: str, address: dict[str, str], query: str) -> None:
    page = page_of(DEFAULT, view, **address)
    assert not page.error
    assert links(page) == [f"report_kind=map&{query}&region=mid_atlantic&lang=en"]


def told_view(page: AppTest) -> list[str]:
    return [str(c.value) for c in page.caption if str(c.value).startswith("As on the page you came from")]


def test_how_the_map_was_shown_is_told_and_can_be_dropped() -> None:
    shown = {"report_standard": "nidis", "report_reference": "1991-2020"}
    page = page_of(DEFAULT, report_kind="map", report_theme=SPI, **shown)
    (words,) = told_view(page)
    assert "1991–2020" in words and {key: page.query_params[key] for key in shown} == shown
    (button,) = (b for b in page.button if b.label == "Show it as usual")
    button.click().run()
    assert not told_view(page) and not set(shown) & set(page.query_params)


def test_another_theme_forgets_how_the_first_was_shown() -> None:
    page = page_of(DEFAULT, report_kind="map", report_theme=SPI, report_standard="nidis")
    (theme,) = (s for s in page.selectbox if s.label == "Theme")
    theme.select("flashiness").run()
    assert not page.error and not told_view(page) and "report_standard" not in page.query_params


def test_a_link_that_names_another_theme_says_all_of_it() -> None:
    page = page_of(DEFAULT, report_kind="map", report_theme=SPI, report_standard="nidis")
    del page.query_params["report_standard"]
    page.run()
    assert not told_view(page) and "report_standard" not in page.query_params


def test_a_reference_in_the_address_that_is_none_is_told() -> None:
    page = page_of(DEFAULT, report_kind="map", report_theme=SPI, report_reference="<b>x</b>")
    (told,) = page.error
    assert "is no reference period" in told.value and "<b>" not in told.value


def test_what_the_printed_page_shows_otherwise_is_said() -> None:
    said = "The printed page shows the values, and where they cluster in words."
    page = page_of(DEFAULT, "water", water_indicator=SPI, water_show="clusters")
    assert said in [caption.value for caption in page.caption]
    page = page_of(DEFAULT, "water", water_indicator="flashiness")
    assert said not in [caption.value for caption in page.caption]
