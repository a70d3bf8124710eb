from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, expect

from analytics.classes import class_breaks, class_counts
from tests.browser.browser import launch
from tests.browser.dashboard import ROOT, _wait_for, free_port
from tests.browser.map_page import BREAKS, COUNT, HOSTILE, numbers

pytestmark = pytest.mark.browser
CLASSES = class_breaks([], method="given", breaks=BREAKS)
PAPER, STROKE = "#f0f0ee", "#a3a5a6"
# Wait until the picture of the still map stands: from then on nothing moves by itself.
STILL = "node => node.almanac && node.almanac.picture.ready"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    folder = tmp_path_factory.mktemp("map")
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("map_page.py")),
               "--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none",
               "--browser.gatherUsageStats", "false", "--browser.serverAddress", "localhost"]  # fmt: skip
    path = {"PYTHONPATH": str(ROOT), "ALMANAC_CACHE": str(folder)}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, **path}, stdout=log, stderr=log, text=True)
        try:
            _wait_for(server, f"http://localhost:{port}")
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(20)


class Window:
    """A window of the browser with the map in it."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.context = browser.new_context(viewport={"width": 1200, "height": 1100}, locale="en-GB")
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        self.canvas = self.page.locator(".canvas")
        self.map = self.page.locator(".almanac-map[data-painted]")
        expect(self.map).to_be_visible(timeout=60_000)

    def still(self) -> None:
        """Until the map has come to rest."""
        handle = self.canvas.element_handle()
        self.page.wait_for_function(STILL, arg=handle, timeout=60_000)

    def choose(self, label: str) -> None:
        """Use a widget of the page, and wait until its values are on the map."""
        painted = self.map.get_attribute("data-painted")
        self.page.get_by_text(label, exact=True).click()
        expect(self.map).not_to_have_attribute("data-painted", str(painted), timeout=30_000)

    def spot(self, place: int) -> tuple[float, float]:
        """Where in the window the middle of a place is."""
        box = self.canvas.bounding_box()
        x, y = self.canvas.evaluate(
            """(node, place) => {
              const { map, shapes } = node.almanac;
              const { x, y } = map.project(shapes.centre(place));
              return [x, y];
            }""",
            place,
        )
        assert box
        return box["x"] + x, box["y"] + y

    def pixels(self, place: int, around: int = 6) -> np.ndarray:
        """The colours about the middle of a place, as a reader sees them."""
        x, y = self.spot(place)
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        left, top = round(x) - around, round(y) - around
        return np.asarray(picture.crop((left, top, left + 2 * around, top + 2 * around)))

    def look(self) -> list[float]:
        """Longitude, latitude and zoom of the view."""
        found = self.canvas.evaluate(
            "node => { const m = node.almanac.map, c = m.getCenter(); return [c.lng, c.lat, m.getZoom()]; }"
        )
        return [float(part) for part in found]

    def says(self, what: str) -> None:
        """The server has heard."""
        expect(self.page.get_by_text(re.compile(what))).to_be_visible(timeout=20_000)


@pytest.fixture
def open_map(browser: Browser, site: str) -> Iterator[Callable[..., Window]]:
    opened: list[Window] = []

    def new(rest: str = "") -> Window:
        opened.append(Window(browser, site + rest))
        return opened[-1]

    yield new
    for window in opened:
        window.context.close()
        hosts = {urlsplit(url).hostname for url in window.asked if not url.startswith(("data:", "blob:"))}
        assert hosts == {"localhost"}
        assert window.complaints == []


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def test_each_place_wears_the_colour_of_its_class(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    for variable in ("forwards", "backwards"):
        if variable == "backwards":
            window.choose("backwards")
            window.page.wait_for_timeout(300)
        for place in (1, 3, 12, 25, 46):
            k = int(np.searchsorted(BREAKS[1:-1], numbers(variable).iloc[place], side="right"))
            assert np.abs(window.pixels(place) - rgb(CLASSES.palette[k])).max() <= 2, (variable, place)


def test_no_data_is_hatched_and_zero_is_not(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    zero, missing = window.pixels(1), window.pixels(0, around=10)
    assert len(np.unique(zero.reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(missing.reshape(-1, 3), axis=0)) >= 2
    assert np.abs(missing.astype(int) - rgb(PAPER)).sum(axis=2).min() <= 6
    assert np.abs(missing.astype(int) - rgb(STROKE)).sum(axis=2).min() <= 40
    assert np.ptp(missing, axis=2).max() <= 4, "grey, not a class colour"


def test_the_picture_is_what_the_graphics_card_draws(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    window.choose("backwards")
    window.page.wait_for_timeout(300)
    quick = np.asarray(Image.open(io.BytesIO(window.canvas.screenshot())).convert("RGB")).astype(int)
    window.canvas.evaluate(
        "node => { const m = node.almanac; m.layer.sparing = false; m.picture.drop(); m.map.triggerRepaint(); }"
    )
    window.page.wait_for_timeout(1500)
    slow = np.asarray(Image.open(io.BytesIO(window.canvas.screenshot())).convert("RGB")).astype(int)
    different = np.abs(quick - slow).max(axis=2) > 8
    assert different.mean() < 0.001


def test_a_click_selects_a_place_and_tells_the_page(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    window.page.mouse.click(*window.spot(20))
    window.says("selected=p20 ")
    expect(window.page.locator(".chosen")).to_contain_text("Place 20")
    assert window.page.locator(".mark-chosen").get_attribute("d")
    window.choose("backwards")
    expect(window.page.locator(".chosen")).to_contain_text("Place 20")
    window.page.get_by_text("Choose place 7").click()
    expect(window.page.locator(".chosen")).to_contain_text("Place 7")
    window.page.mouse.click(*window.spot(7))  # once more: no longer
    window.says("selected=None ")


def test_the_view_survives_reruns_and_a_reload(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    x, y = window.spot(20)
    window.page.mouse.move(x, y)
    window.page.mouse.down()
    window.page.mouse.move(x + 120, y - 60, steps=6)
    window.page.mouse.up()
    window.page.get_by_role("button", name="Zoom in").click()
    window.still()
    before = window.look()
    window.choose("backwards")
    assert window.look() == before
    for again, label in enumerate(("Nothing", "Something above")):
        window.page.get_by_text(label, exact=True).click()
        window.says(f"runs={again + 3}$")
        assert window.look() == before
    assert "#map=" in window.page.url
    window.page.reload()
    window.still()
    assert window.look() == pytest.approx(before, abs=0.01)


def test_the_legend_counts_as_numpy_does(open_map: Callable[..., Window]) -> None:
    window = open_map()
    for variable in ("forwards", "backwards"):
        if variable == "backwards":
            window.choose("backwards")
        counts, missing = class_counts(numbers(variable), CLASSES)
        shown = window.page.locator(".legend tbody .count").all_inner_texts()
        assert [int(text) for text in shown] == [*counts[::-1].tolist(), missing]
    expect(window.page.locator(".legend")).to_contain_text("no data")


def test_a_place_is_found_and_selected_by_keyboard(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    box = window.page.get_by_role("combobox")
    box.focus()
    window.page.keyboard.type("place 3")
    assert window.page.get_by_role("option").count() == 11
    window.page.keyboard.press("ArrowDown")
    window.page.keyboard.press("Enter")
    window.says("selected=p30 ")


def test_enter_selects_what_is_in_the_middle_and_arrows_move_it(open_map: Callable[..., Window]) -> None:
    window = open_map("/#map=6.5/43.5/-5.5")
    window.still()
    window.canvas.locator("canvas").focus()
    window.page.keyboard.press("Enter")
    window.says("selected=p28 ")
    before = window.look()
    window.page.keyboard.press("ArrowRight")
    window.page.wait_for_timeout(800)
    assert window.look()[0] > before[0]


def test_tab_reaches_everything_and_the_map_can_be_skipped(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.page.get_by_role("button", name="Skip the map").focus()
    window.page.keyboard.press("Enter")
    window.page.keyboard.press("Tab")
    focused = """() => {
      let e = document.activeElement;
      while (e.shadowRoot) e = e.shadowRoot.activeElement;
      return e.tagName;
    }"""
    assert window.page.evaluate(focused) == "SUMMARY"


def test_the_hover_card_speaks_of_value_class_and_gaps(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    card = window.page.locator(".card")
    window.page.mouse.move(*window.spot(25))
    expect(card).to_contain_text("Place 25")
    expect(card).to_contain_text("25\u00a0m³/s")
    expect(card).to_contain_text("20 to 40")
    window.page.mouse.move(*window.spot(0))
    expect(card).to_contain_text("no data")


def test_the_table_has_the_same_values_and_can_be_sorted(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.page.get_by_text("The same values as a table").click()
    table = window.page.locator(".table table")
    names = table.locator("tbody th")
    expect(names).to_have_count(COUNT)
    expect(table.get_by_role("columnheader", name="Value")).to_have_attribute("aria-sort", "descending")
    assert names.first.inner_text() == "Place 47" and names.last.inner_text() == "Place 0", "no data comes last"
    table.get_by_role("button", name="Value").click()
    assert names.first.inner_text() == "Place 1" and names.last.inner_text() == "Place 0"
    table.get_by_role("button", name="Place", exact=True).click()
    expect(table.get_by_role("columnheader", name="Place")).to_have_attribute("aria-sort", "ascending")
    expect(window.page.locator(".summary")).to_contain_text("47 of 48 places have a value, from 0\u00a0m³/s (Place 1)")


def test_a_hostile_name_is_only_text(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    window.page.mouse.move(*window.spot(5))
    expect(window.page.locator(".card strong")).to_have_text(HOSTILE)
    window.page.mouse.click(*window.spot(5))
    window.says("selected=p5 ")
    window.page.get_by_text("The same values as a table").click()
    window.page.get_by_role("combobox").fill("<img")
    expect(window.page.get_by_role("option")).to_have_text(HOSTILE)
    assert window.page.locator(".almanac-map img").count() == 0
    assert window.page.evaluate("() => window.hacked === undefined")


def test_time_plays_without_the_server(open_map: Callable[..., Window]) -> None:
    window = open_map()
    window.still()
    window.choose("Moving")
    window.says("time=59 ")
    window.page.get_by_role("button", name="Play").click()
    handle = window.canvas.element_handle()
    window.page.wait_for_function("node => node.almanac.time.ready", arg=handle, timeout=30_000)
    runs = window.page.get_by_text(re.compile("runs=")).inner_text()
    start = window.canvas.evaluate("node => node.almanac.time.index")
    window.page.wait_for_function("([node, i]) => node.almanac.time.index !== i", arg=[handle, start], timeout=20_000)
    window.page.wait_for_timeout(1500)
    assert window.page.get_by_text(re.compile("runs=")).inner_text() == runs
    window.page.get_by_role("button", name="Pause").click()
    window.page.wait_for_timeout(500)
    index = window.canvas.evaluate("node => node.almanac.time.index")
    window.says(f"time={index} ")
    counts, missing = class_counts((numbers("forwards") + index) % 50, CLASSES)
    shown = window.page.locator(".legend tbody .count").all_inner_texts()
    assert [int(text) for text in shown] == [*counts[::-1].tolist(), missing]
    expect(window.page.locator(".time output")).to_have_text(re.compile(r"\d{1,2} (Jan|Feb|Mar) 2017"))


@pytest.mark.parametrize("kind", ["points", "lines"])
def test_points_and_lines_are_drawn_and_selected(open_map: Callable[..., Window], kind: str) -> None:
    window = open_map()
    window.still()
    window.choose(kind)
    window.page.wait_for_timeout(2500)
    for place in (12, 46):
        k = int(np.searchsorted(BREAKS[1:-1], place, side="right"))
        near = np.abs(window.pixels(place, around=2).astype(int) - rgb(CLASSES.palette[k])).max(axis=2)
        assert near.min() <= 3
    window.page.mouse.click(*window.spot(46))
    window.says("selected=p46 ")


@pytest.mark.parametrize(
    ("locale", "name"),
    [("zh-Hans-CN", "海边镇"), ("zh-Hant-TW", "海邊鎮"), ("zh-Hans", "海边镇"), ("zh-TW", "海邊鎮"), ("it", "Harbour")],
)
def test_towns_are_named_in_the_readers_script(open_map: Callable[..., Window], locale: str, name: str) -> None:
    window = open_map(f"/?locale={locale}")
    window.still()
    images = window.canvas.evaluate("node => node.almanac.map.listImages()")
    assert [image for image in images if image.startswith("town|")] == [f"town|{name}"]


def test_without_webgl_the_table_stands_in_and_the_page_is_told(browser: Browser, site: str) -> None:
    # Two Playwrights cannot run at once in one thread: the session's own starts the second browser.
    running = launch(cast(Playwright, SimpleNamespace(chromium=browser.browser_type)), "--disable-3d-apis")
    try:
        window = Window(running, site)
        expect(window.page.locator(".note")).to_contain_text("WebGL")
        expect(window.page.locator(".table tbody tr")).to_have_count(COUNT)
        window.says("webgl=False")
        window.page.get_by_role("button", name="Place 9", exact=True).click()
        window.says("selected=p9 ")
        assert window.complaints == []
    finally:
        running.close()
