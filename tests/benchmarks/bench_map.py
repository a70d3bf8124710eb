"""The map in a real browser beside its peers: change of variable, time slider, opening of a page."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
from playwright.sync_api import Browser, Page

from tests.benchmarks import measure, shapes

HERE = Path(__file__).parent
QUICK = "ALMANAC_BENCH_QUICK" in os.environ
ROUNDS = 3 if QUICK else 7
WARM = 2  # changes before the first that counts
PLAYED = 4.0 if QUICK else 10.0  # seconds
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class App:
    """One application under test: how it is served, where its map is, how long its map must rest to be done."""

    name: str
    script: str
    map: str
    quiet: float = 3.0

    @property
    def panel(self) -> bool:
        """Whether it is served by Panel, where the others are served by Streamlit."""
        return self.script.startswith("peers/panel")

    @contextmanager
    def serve(self, layer: Path, port: int) -> Iterator[measure.Server]:
        """The application on a copy of the layer's folder."""
        script = Path(shutil.copy(HERE / self.script, layer)).name
        if not self.panel:
            with measure.serve(measure.streamlit(script), port, cwd=layer, ready="/_stcore/health") as server:
                yield server
            return
        command = [sys.executable, "-m", "panel", "serve", script, "--port", "{port}"]
        command.append("--allow-websocket-origin=localhost:{relay}")
        with measure.serve(command, port, cwd=layer, ready=f"/{Path(script).stem}") as server:
            server.url += f"/{Path(script).stem}"
            yield server

    def ready_to_choose(self, page: Page, option: str) -> str:
        """Bring the widget to where one key chooses the next option, and return that key."""
        if self.panel:
            page.locator("select").focus()
            return "ArrowDown"
        page.locator("[data-testid=stSelectbox] input").first.focus()
        for _ in range(4):
            page.keyboard.press("ArrowDown")
            page.wait_for_timeout(150)
            if page.locator("[role=option][data-focused]").all_inner_texts() == [option]:
                return "Enter"
        raise measure.MeasureError(f"{self.name}: no option {option} in the list")


OURS = App("Almanac", "pages/ours_map.py", ".maplibregl-canvas")
INLINE = App("plotly, geometry inline", "peers/plotly_inline.py", ".maplibregl-canvas")
URL = App("plotly, geometry by URL", "peers/plotly_url.py", ".maplibregl-canvas", quiet=25.0)
PANEL = App("Panel, Bokeh patch", "peers/panel_patch.py", "canvas")


def run(data: Path | None) -> list[dict[str, Any]]:
    """Every measure of the map, each beside its peers in the same run."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        browser = stack.enter_context(measure.chromium())
        counties = shapes.counties(data)
        return [
            *changes_of_counties(browser, _folders(Path(name) / "counties", counties, 3)),
            *opening(browser, _folders(Path(name) / "opening", counties, 2)),
            *changes_of_grid(browser, _folders(Path(name) / "grid", shapes.grid(), 2)),
            *playing(browser, _folders(Path(name) / "playing", counties, 1)),
        ]


def _folders(base: Path, layer: gpd.GeoDataFrame, number: int) -> list[Path]:
    folders = [base / str(i) for i in range(number)]
    shapes.write(folders[0], layer)
    for folder in folders[1:]:
        shutil.copytree(folders[0], folder)
    return folders


@dataclass(frozen=True)
class Change:
    """What one application needed for a change of variable: every time (s), and the bytes of each."""

    seconds: list[float]
    bytes: list[int]

    @property
    def text(self) -> str:
        """The spread."""
        return f"{min(self.seconds):.3f} to {max(self.seconds):.3f} s"


def changes(browser: Browser, apps: Sequence[App], folders: Sequence[Path], rounds: int) -> dict[str, Change]:
    """Change the variable to and fro in every application in turn, and time each to the last changed pixel."""
    found = {app.name: Change([], []) for app in apps}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(app.serve(folder, 8640 + 2 * i))
            for i, (app, folder) in enumerate(zip(apps, folders, strict=True))
        ]
        pages = []
        for app, server in zip(apps, servers, strict=True):
            page = measure.open_page(browser)
            stack.callback(page.context.close)
            page.goto(server.url)
            page.locator(app.map).first.wait_for(timeout=60_000)
            with measure.Screen(page) as screen:
                screen.settled(measure.Box.of(page, app.map), app.quiet)
            pages.append(page)
        for option in shapes.VARIABLES[1 : WARM + rounds + 1]:
            for app, server, page in zip(apps, servers, pages, strict=True):
                change(app, server, page, option, found[app.name])
    return {name: Change(each.seconds[WARM:], each.bytes[WARM:]) for name, each in found.items()}


def change(app: App, server: measure.Server, page: Page, option: str, found: Change) -> None:
    """Choose a variable that this page has not shown before, and note what it took."""
    with measure.Screen(page) as screen:
        key = app.ready_to_choose(page, option)
        box = measure.Box.of(page, app.map)
        start = screen.settled(box, 0.5)
        screen.frames.clear()
        measure.forget_press(page)
        before = server.bytes()
        page.keyboard.press(key)
        goal = screen.settled(box, app.quiet, other_than=start)
        found.bytes.append(server.bytes() - before)
        found.seconds.append(screen.last_change(box, goal) - measure.pressed(page))


def changes_of_counties(browser: Browser, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """A change of variable on 3,142 counties beside plain plotly and beside Panel."""
    found = changes(browser, [OURS, INLINE, PANEL], folders, ROUNDS)
    return _rows("3,142 counties", found, [(INLINE, 0.1), (PANEL, 1.25)], 10)


def changes_of_grid(browser: Browser, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """A change of variable on 50,176 synthetic polygons beside plotly with its geometry by URL."""
    found = changes(browser, [OURS, URL], folders, min(ROUNDS, 5))
    return _rows("50,176 synthetic polygons", found, [(URL, 1 / 12)], 160)


def _rows(what: str, found: dict[str, Change], peers: list[tuple[App, float]], kb: float) -> list[dict[str, Any]]:
    ours = found[OURS.name]
    rows = [_beside(f"change of variable, {what}, beside {peer.name}", ours, found[peer.name], limit)
            for peer, limit in peers]  # fmt: skip
    sent = measure.median(ours.bytes) / 1000
    rows.append({
        "measure": f"bytes of that change, {what}", "ours": round(sent, 1),
        "peer": round(measure.median(found[peers[-1][0].name].bytes) / 1000, 1), "unit": "kB", "ratio": None,
        "target": f"≤ {kb:g} kB", "met": sent <= kb,
        "note": ", ".join(f"{name} {measure.median(change.bytes) / 1000:.1f} kB" for name, change in found.items())
        + "; websocket and HTTP, both ways, on the wire",
    })  # fmt: skip
    return rows


def _beside(title: str, ours: Change, peer: Change, limit: float) -> dict[str, Any]:
    one, other = measure.median(ours.seconds), measure.median(peer.seconds)
    return {
        "measure": title, "ours": round(one, 3), "peer": round(other, 3), "unit": "s",
        "ratio": round(one / other, 3), "target": f"≤ {limit:.3g} ×", "met": one / other <= limit,
        "note": f"{len(ours.seconds)} rounds in turn: ours {ours.text}, peer {peer.text}",
    }  # fmt: skip


def opening(browser: Browser, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """From the call of the address to the drawn map, nothing cached in the browser, the server warm."""
    apps = [OURS, INLINE]
    found = {app.name: Change([], []) for app in apps}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(app.serve(folder, 8640 + 2 * i))
            for i, (app, folder) in enumerate(zip(apps, folders, strict=True))
        ]
        known = []
        for app, server in zip(apps, servers, strict=True):
            for _ in range(2):  # twice: the first warms the server
                page = measure.open_page(browser)
                page.goto(server.url)
                page.locator(app.map).first.wait_for(timeout=60_000)
                with measure.Screen(page) as screen:
                    page.wait_for_timeout(2000)
                    box = measure.Box.of(page, app.map)
                    goal = screen.settled(box, 4.0)
                page.context.close()
            known.append((box, goal))
        for _ in range(ROUNDS):
            for app, server, (box, goal) in zip(apps, servers, known, strict=True):
                page = measure.open_page(browser)
                with measure.Screen(page) as screen:
                    before = server.bytes()
                    page.goto(server.url, wait_until="commit")
                    screen.reached(box, goal)
                    began = float(page.evaluate("performance.timeOrigin")) / 1000
                    found[app.name].seconds.append(screen.last_change(box, goal) - began)
                found[app.name].bytes.append(server.bytes() - before)
                page.context.close()
    row = _beside("page open to drawn map, 3,142 counties", found[OURS.name], found[INLINE.name], 0.65)
    row["note"] += "; " + ", ".join(
        f"{name} {measure.median(change.bytes) / 1e6:.2f} MB" for name, change in found.items()
    )
    return [row]


def playing(browser: Browser, folders: Sequence[Path]) -> list[dict[str, Any]]:
    """The time slider playing over 3,142 places × 365 steps: frames that differ, and what goes to the server."""
    app = App(OURS.name, "pages/ours_play.py", OURS.map)
    with app.serve(folders[0], 8640) as server:
        page = measure.open_page(browser)
        messages: list[str] = []
        page.on("websocket", lambda socket: socket.on("framesent", lambda _: messages.append("sent")))
        page.on("websocket", lambda socket: socket.on("framereceived", lambda _: messages.append("received")))
        page.goto(server.url)
        page.locator(app.map).first.wait_for(timeout=60_000)
        with measure.Screen(page) as screen:
            box = measure.Box.of(page, app.map)
            start = screen.settled(box, 3.0)
            page.get_by_role("button", name="Play", exact=True).click()
            screen.settled(box, 0.0, other_than=start)  # the first step is drawn: the steps have come
            page.wait_for_timeout(3000)
            screen.frames.clear()
            messages.clear()
            before = server.bytes()
            page.wait_for_timeout(PLAYED * 1000)
            sent, trips = server.bytes() - before, list(messages)
            shown = list(screen.pictures(box))
        page.context.close()
    steps = sum(not measure.same(one[1], other[1]) for one, other in pairwise(shown))
    rate = steps / (shown[-1][0] - shown[0][0])
    what = "time slider, 3,142 places × 365 steps"
    return [
        {
            "measure": f"{what}: frames a second that differ", "ours": round(rate, 1), "peer": None,
            "unit": "1/s", "ratio": None, "target": "≥ 20", "met": rate >= 20,
            "note": f"{steps} different maps of {len(shown)} frames in {PLAYED:g} s",
        },
        {
            "measure": f"{what}: websocket messages while it plays", "ours": len(trips), "peer": None,
            "unit": "messages", "ratio": None, "target": "0", "met": not trips,
            "note": f"{trips.count('sent')} sent, {trips.count('received')} received, {sent} bytes on the wire",
        },
    ]  # fmt: skip
