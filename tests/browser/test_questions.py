"""An official's three questions, each answered from the first screen of its page in three interactions or fewer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from analytics.finding import finding
from analytics.near_people import near_people_of
from app.text import languages
from geodata.region import load_region
from tests.browser.dashboard import Reader

pytestmark = pytest.mark.browser
NewReader = Callable[..., Reader]
LANGUAGES = list(languages())


def to_page(window: Reader, view: str) -> Page:
    """One interaction: a click in the navigation, from the page that opens first."""
    page = window.page
    page.locator(f'[data-testid="stSidebarNavLink"][href*="/{view}"]').click()
    page.wait_for_url(f"**/{view}**")
    window.wait()
    return page


def first_screen(page: Page) -> str:
    """The text that can be read without scrolling."""
    parts = page.evaluate(
        """() => [...document.querySelectorAll(
            '[data-testid="stMarkdownContainer"], [data-testid="stHeading"], .js-plotly-plot .ytick')]
          .filter((e) => { const r = e.getBoundingClientRect(); return r.height && r.bottom <= innerHeight; })
          .map((e) => e.textContent)"""
    )
    return "\n".join(parts)


@pytest.mark.parametrize("code", LANGUAGES)
def test_which_rivers_are_unusually_low_now(reader: NewReader, code: str) -> None:
    window = reader()
    window.open(lang=code, region="mid_atlantic")
    shown = first_screen(to_page(window, "water"))
    found = finding(load_region("mid_atlantic"), "streamflow_percentile")
    low = found.measured.values[found.labels.eq("Much below normal")]
    assert len(low)
    names = load_region("mid_atlantic").places()["name"]
    for place in low.index:
        assert str(names[place]) in shown
    # What is left out is told as well: most gauges have one year only.
    left_out = len(found.measured.table) - found.measured.known
    assert str(left_out) in shown


@pytest.mark.parametrize("code", LANGUAGES)
def test_where_has_traffic_grown_most_since_2010_and_how_sure_is_that(reader: NewReader, code: str) -> None:
    window = reader()
    window.open(lang=code, region="mid_atlantic")
    shown = first_screen(to_page(window, "traffic"))
    found = finding(load_region("mid_atlantic"), "traffic_growth", None, (2010, 9999))
    most = found.ranked().iloc[0]
    assert most["value"] == found.measured.values.max()
    assert str(load_region("mid_atlantic").places()["name"][most.name]) in shown
    for column in ("value", "low", "high"):
        assert f"{most[column]:.3g}" in shown
    assert window.page.get_by_text(re.compile("2010")).first.is_visible()


@pytest.mark.parametrize("code", LANGUAGES)
def test_where_is_the_ground_sinking_near_people(reader: NewReader, code: str) -> None:
    """From the default region, which has no ground motion: its page leads to a region that has."""
    window = reader()
    window.open(lang=code, region="mid_atlantic")
    page = to_page(window, "ground_motion")
    page.locator('[data-testid="stPageLink-NavLink"][href*="california_ground"]').click()
    page.wait_for_url("**region=california_ground**")
    window.wait()
    shown = first_screen(page)
    near = near_people_of(load_region("california_ground"))
    assert near is not None
    first = near.table.iloc[0]
    names = load_region("california_ground").places()["name"]
    assert str(names[near.table.index[0]]) in shown
    assert f"{int(first['people']):,}" in shown
    assert f"{first['fastest_mm_per_year']:.3g}" in shown


def test_a_standard_is_flipped_and_the_places_that_change_class_are_named(reader: NewReader) -> None:
    window = reader()
    page = window.open("water", lang="en", region="mid_atlantic", water_standard="usgs_waterwatch")
    found = finding(load_region("mid_atlantic"), "streamflow_percentile", "usgs_waterwatch")
    if len(found.changed):
        assert page.get_by_text(re.compile(rf"{len(found.changed)} places? changes? class")).first.is_visible()
    else:
        assert page.get_by_text(re.compile("No place’s class has another name")).first.is_visible()


def test_clusters_are_named_not_numbered(reader: NewReader) -> None:
    window = reader()
    page = window.open("traffic", lang="en", region="mid_atlantic", traffic_show="clusters")
    legend = page.locator(".almanac-map .legend").first.inner_text()
    assert "high among high" in legend and "not significant" in legend
    assert not re.search(r"high among high\s*0\b", legend.split("places")[0])
