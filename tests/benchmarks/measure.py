"""Timing what a person sees in a real browser, in the same way for every application.

The method knows nothing of the application. Chromium's own screencast gives every frame that the compositor
showed, with the time it was shown. A change ends at the first frame from which on the map's rectangle equals its
known end picture: the last changed pixel. It starts at the browser's own time stamp of the key press. Bytes are
counted on the wire, both ways, by a small relay in front of each server, so that websocket and HTTP, page and
worker count alike. What the method costs (a picture for each frame) is the same for all; `bench_clock` shows how
far it can be trusted.
"""

from __future__ import annotations

import asyncio
import base64
import io
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWPORT: ViewportSize = {"width": 1100, "height": 750}
STREAMLIT = [
    "--server.headless=true",
    "--server.fileWatcherType=none",
    "--server.enableStaticServing=true",
    "--browser.gatherUsageStats=false",
    "--browser.serverAddress=localhost",
]
# A picture equals another when at most this many pixels differ by more than this much in any channel: JPEG
# blocks at the rim of the rectangle may ring, the blocks inside repeat exactly.
PIXELS, CHANNEL = 12, 24
KEY_CLOCK = """
for (const kind of ['keydown', 'pointerdown'])
  addEventListener(kind, event => { window.pressed ||= performance.timeOrigin + event.timeStamp }, true);
"""
Picture = NDArray[np.uint8]


class MeasureError(Exception):
    """A benchmark could not be measured; says what was waited for."""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Synchronized[int]) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 18):
            with count.get_lock():
                count.value += len(data)
            writer.write(data)
            await writer.drain()
    with suppress(ConnectionError, RuntimeError):
        writer.close()


async def _relay(listen: int, target: int, up: Synchronized[int], down: Synchronized[int]) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target)
        except ConnectionError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, server_writer, up), _copy(server_reader, writer, down))

    server = await asyncio.start_server(accept, "127.0.0.1", listen)
    async with server:
        await server.serve_forever()


def _run_relay(listen: int, target: int, up: Synchronized[int], down: Synchronized[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_relay(listen, target, up, down))


@dataclass
class Server:
    """An application under test: its process, and the relay that counts its bytes."""

    url: str
    pid: int
    up: Synchronized[int]
    down: Synchronized[int]

    def bytes(self) -> int:
        """How many bytes have passed since the start, both ways."""
        return int(self.up.value + self.down.value)


@contextmanager
def serve(command: Sequence[str], port: int, *, cwd: Path, ready: str = "/") -> Iterator[Server]:
    """Start an application on `port` + 1 behind a counting relay on `port`, and stop it afterwards.

    Parameters
    ----------
    command
        Arguments; `{port}` in them becomes the application's own port.
    ready
        The path that answers 200 once the application is up.
    """
    target = port + 1
    log = (cwd / f"server-{port}.log").open("wb")
    names = {"{port}": str(target), "{relay}": str(port)}
    for name, value in names.items():
        command = [part.replace(name, value) for part in command]
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ALMANAC_CACHE": str(cwd / "cache"),
            "ALMANAC_PUBLICATIONS": str(cwd / "publications"),
        },
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    context = multiprocessing.get_context("spawn")
    up, down = context.Value("q", 0), context.Value("q", 0)
    relay = context.Process(target=_run_relay, args=(port, target, up, down), daemon=True)
    relay.start()
    url = f"http://localhost:{port}"
    try:
        _wait_for(url + ready, process, Path(log.name))
        yield Server(url, process.pid, up, down)
    finally:
        relay.terminate()
        relay.join()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            raise MeasureError(f"the application stopped: {log.read_text(errors='replace')[-400:]}")
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.2)
    raise MeasureError(f"{url} did not answer within 60 s")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The one browser of a benchmark: software rendering, the same flags for every application."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def open_page(browser: Browser) -> Page:
    """An empty page in a fresh context (nothing cached), with the clock that notes the first key press."""
    context = browser.new_context(viewport=VIEWPORT, locale="en-US")
    context.add_init_script(KEY_CLOCK)
    return context.new_page()


@dataclass(frozen=True)
class Box:
    """The map's rectangle in whole pixels of the page."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, page: Page, selector: str) -> Box:
        """The rectangle of the first element that matches, as far as it is on screen."""
        found = page.locator(selector).first.bounding_box()
        if found is None:
            raise MeasureError(f"no element {selector} on {page.url}")
        right = min(found["x"] + found["width"], VIEWPORT["width"])
        bottom = min(found["y"] + found["height"], VIEWPORT["height"])
        return cls(round(found["x"]), round(found["y"]), int(right), int(bottom))


def same(one: Picture, other: Picture) -> bool:
    """Whether two pictures are the same to the last pixel, but for what JPEG adds."""
    return changed(one, other) <= PIXELS


def changed(one: Picture, other: Picture) -> int:
    """How many pixels differ between two pictures."""
    if one.shape != other.shape:
        return int(one.size)
    difference = np.maximum(one, other) - np.minimum(one, other)
    return int((difference.max(axis=2) > CHANNEL).sum())


@dataclass
class Screen:
    """Every frame a page shows while this is open, with the time (s since 1970) it was shown."""

    page: Page
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    _cdp: Any = None

    def __enter__(self) -> Screen:
        self._cdp = self.page.context.new_cdp_session(self.page)
        self._cdp.on("Page.screencastFrame", self._keep)
        self._cdp.send("Page.startScreencast", {"format": "jpeg", "quality": 90, "everyNthFrame": 1})
        return self

    def __exit__(self, *_: object) -> None:
        self._cdp.remove_listener("Page.screencastFrame", self._keep)
        self._cdp.send("Page.stopScreencast")
        self._cdp.detach()

    def _keep(self, event: dict[str, Any]) -> None:
        with suppress(Error):  # a frame that was on its way while the page closed needs no receipt
            self._cdp.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
        self.frames.append((event["metadata"]["timestamp"], event["data"]))

    def pictures(self, box: Box, start: int = 0) -> Iterator[tuple[float, Picture]]:
        """The map's rectangle in each frame from `start` on."""
        for shown, data in self.frames[start:]:
            image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
            yield shown, np.asarray(image.crop((box.left, box.top, box.right, box.bottom)))

    def settled(self, box: Box, quiet: float, *, other_than: Picture | None = None, timeout: float = 90) -> Picture:
        """The map's picture once it has not changed for `quiet` seconds, and is another than the one given."""
        end = time.monotonic() + timeout
        last: Picture | None = None
        read, since = 0, time.monotonic()
        while time.monotonic() < end:
            self.page.wait_for_timeout(250)
            if len(self.frames) > read:
                read = len(self.frames)
                picture = next(self.pictures(box, read - 1))[1]
                if last is None or not same(last, picture):
                    last, since = picture, time.monotonic()
            if last is None or time.monotonic() - since < quiet:
                continue
            if other_than is None or not same(last, other_than):
                return last
        raise MeasureError(f"{self.page.url} did not come to rest in {timeout:g} s")

    def reached(self, box: Box, goal: Picture, timeout: float = 60) -> None:
        """Wait until the map is `goal`, and for 0.7 s stays so."""
        end = time.monotonic() + timeout
        read = 0
        while time.monotonic() < end:
            self.page.wait_for_timeout(150)
            if len(self.frames) == read:
                continue
            read = len(self.frames)
            if not same(next(self.pictures(box, read - 1))[1], goal):
                continue
            self.page.wait_for_timeout(700)
            if same(next(self.pictures(box, len(self.frames) - 1))[1], goal):
                return
        raise MeasureError(f"{self.page.url} did not reach its end picture in {timeout:g} s")

    def last_change(self, box: Box, goal: Picture) -> float:
        """When the first frame was shown from which on the map is `goal`: the last changed pixel."""
        shown = list(self.pictures(box))
        other = [i for i, (_, picture) in enumerate(shown) if not same(picture, goal)]
        return shown[other[-1] + 1 if other else 0][0]


def pressed(page: Page) -> float:
    """When the browser received the first key press since `forget_press`, in seconds since 1970."""
    return float(page.evaluate("window.pressed")) / 1000


def forget_press(page: Page) -> None:
    """Make ready to note the next key press."""
    page.evaluate("window.pressed = 0")


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return float(statistics.median(values))


def streamlit(script: str) -> list[str]:
    """The command that serves a Streamlit page on `{port}`, quietly and alike for every application."""
    return [sys.executable, "-m", "streamlit", "run", script, "--server.port={port}", *STREAMLIT]
