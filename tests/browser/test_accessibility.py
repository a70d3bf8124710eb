"""What axe finds on each page beyond what Streamlit itself brings along; and the map by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.view import find_views
from tests.browser.dashboard import Reader

pytestmark = pytest.mark.browser
# Streamlit 1.67 breaks these rules on a page of its own, without any of ours; everything else counts.
STREAMLITS_OWN = {"list", "listitem", "svg-img-alt", "empty-table-header", "presentation-role-conflict"}


@pytest.mark.parametrize("view", [view.id for view in find_views()])
def test_axe_finds_nothing_that_is_ours(reader: Callable[..., Reader], view: str) -> None:
    window = reader()
    page = window.open(view, lang="en", region="mid_atlantic")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    ours = {
        rule["id"]: [node["html"][:160] for node in rule["nodes"][:3]]
        for rule in found
        if rule["id"] not in STREAMLITS_OWN
    }
    assert ours == {}


def test_a_place_is_chosen_by_keyboard_alone(reader: Callable[..., Reader]) -> None:
    window = reader()
    page = window.open("explore", lang="en", region="mid_atlantic")
    page.locator(".almanac-map .skip").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(
            "() => { let e = document.activeElement; while (e?.shadowRoot) e = e.shadowRoot.activeElement;"
            " return e?.tagName === 'CANVAS'; }"
        ):
            break
    else:
        pytest.fail("the map cannot be reached with Tab")
    page.keyboard.press("Enter")
    page.locator(".almanac-map .chosen button").wait_for()
    window.wait()
    assert "place=" in page.url
