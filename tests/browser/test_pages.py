"""Every page of every region in a real browser: it draws, complains of nothing, and asks no other host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.text import languages
from app.view import find_views
from geodata.region import regions
from tests.browser.dashboard import Reader

pytestmark = pytest.mark.browser
VIEWS = [view.id for view in find_views()]
NewReader = Callable[..., Reader]


def assert_drawn(window: Reader) -> None:
    page = window.page
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator('[data-testid="stAlertContentError"]').all_inner_texts() == []
    assert page.locator("h1").first.inner_text().strip()
    assert window.strangers() == []
    assert window.complaints == []


@pytest.mark.parametrize("region", regions())
@pytest.mark.parametrize("view", VIEWS)
def test_every_page_of_every_region_draws_and_asks_no_other_host(reader: NewReader, view: str, region: str) -> None:
    window = reader()
    window.open(view, region=region, lang="en")
    assert_drawn(window)
    assert any("_stcore/stream" in url for url in window.asked)  # the watch itself works


@pytest.mark.parametrize("code", [c for c in languages() if c != "en"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_page_speaks_chinese(reader: NewReader, view: str, code: str) -> None:
    window = reader()
    window.open(view, lang=code)
    assert_drawn(window)
    heading = window.page.locator("h1").first.inner_text()
    assert any("\u4e00" <= sign <= "\u9fff" for sign in heading)


@pytest.mark.parametrize(("locale", "code"), [("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hant"), ("fr-FR", "en")])
def test_the_first_guess_of_the_language_is_the_browsers(reader: NewReader, locale: str, code: str) -> None:
    window = reader(locale=locale)
    window.open()
    assert window.page.evaluate("() => new URL(location.href).searchParams.get('lang')") == code
    assert window.page.evaluate("() => document.documentElement.lang") == code


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"region": "atlantis"}, "atlantis"),
        ({"region": "mid_atlantic", "dataset": "nothing_here"}, "nothing_here"),
    ],
)
def test_an_unknown_name_in_the_address_is_told_and_something_else_is_shown(
    reader: NewReader, query: dict[str, str], named: str
) -> None:
    window = reader()
    page = window.open("explore", lang="en", **query)
    told = page.locator('[data-testid="stAlertContentError"]').first.inner_text()
    assert named in told
    assert page.locator("h1").first.inner_text().strip()
    assert page.locator('[data-testid="stException"]').count() == 0


def test_an_unknown_place_in_the_address_is_told(reader: NewReader) -> None:
    page = reader().open("place", lang="en", region="mid_atlantic", place="99999999")
    told = page.locator('[data-testid="stAlertContentError"]').first.inner_text()
    assert "99999999" in told


def test_a_hostile_address_is_shown_as_text(reader: NewReader) -> None:
    window = reader()
    page = window.open("explore", lang="en", dataset="<img src=x onerror=alert(1)>[x](javascript:alert(1))")
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert window.complaints == []


def test_the_region_and_language_survive_a_change_of_page(reader: NewReader) -> None:
    window = reader()
    page = window.open(lang="zh-Hans", region="lombardy")
    page.locator('[data-testid="stSidebarNavLink"]').nth(1).click()
    page.wait_for_url("**/explore**")
    window.wait()
    search = page.evaluate("() => location.search")
    assert "lang=zh-Hans" in search
    assert "region=lombardy" in search


@pytest.mark.parametrize("code", list(languages()))
def test_from_the_overview_to_a_place_with_its_series_in_three_steps(reader: NewReader, code: str) -> None:
    window = reader()
    page = window.open(lang=code, region="mid_atlantic", figure="usgs_discharge_2017.discharge_m3_per_s")
    finder = page.locator(".almanac-map input").first
    finder.fill("Shenandoah River at Front Royal")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    link = page.locator('[data-testid="stPageLink-NavLink"][href*="place?"]')
    link.wait_for()
    window.wait()
    link.click()
    page.wait_for_url("**/place?**")
    window.wait()
    assert "Shenandoah" in page.locator("h1").first.inner_text()
    page.locator(".js-plotly-plot").first.wait_for()
    assert f"lang={code}" in page.url
    assert_drawn(window)


def test_the_view_is_restored_from_its_address(reader: NewReader) -> None:
    first = reader()
    page = first.open("explore", lang="en", region="lombardy", dataset="lombardy_weather", column="temperature_c")
    page.locator(".almanac-map").first.wait_for()
    page.locator(".almanac-map canvas").first.focus()
    page.keyboard.press("+")
    page.wait_for_timeout(1500)
    first.wait()
    address = page.url
    assert "#" in address
    second = reader()
    second.page.goto(address)
    second.wait()
    second.page.locator(".almanac-map .legend").first.wait_for()
    second.page.wait_for_timeout(1500)
    assert second.page.url == address
    assert "Air temperature" in second.page.locator(".almanac-map .legend").first.inner_text()
