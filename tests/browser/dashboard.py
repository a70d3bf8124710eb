"""The real dashboard on a free port, and a page of a real browser that notes what it asks for and complains of."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page

ROOT = Path(__file__).parents[2]
START_LIMIT_S = 120
# Where a series is opened first, its forecasters are tried on the past.
DRAW_LIMIT_MS = 300_000
PROBE = re.compile(r"^http://localhost:\d+/[a-z_]+/_stcore/(health|host-config)$")
# A page is done when Streamlit's script has run and every map on it says that it is drawn.
DONE = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app !== null && app.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('h1') !== null
    && document.querySelector('[data-testid="stSkeleton"]') === null
    && [...document.querySelectorAll('*')].filter((e) => e.shadowRoot).every((e) => {
      const map = e.shadowRoot.querySelector('.almanac-map');
      return map === null || Boolean(map.dataset.painted);
    });
}"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dashboard(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Starts `almanac run` and gives its address; it is stopped on leaving.

    Parameters
    ----------
    environment : further environment variables, such as ALMANAC_REGIONS.
    """
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "run", "--headless", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://localhost:{port}"
    try:
        _wait_for(server, address)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(server: subprocess.Popen[str], address: str) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise AssertionError(f"the dashboard ended at once: {server.stdout.read() if server.stdout else ''}")
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the dashboard did not answer within {START_LIMIT_S} s")


class Reader:
    """Someone at the dashboard: opens pages, and notes every request and every complaint of the browser.

    asked : the addresses requested, but those of the page itself (data: and blob:)
    complaints : errors on the browser's console and exceptions in its scripts
    """

    def __init__(self, browser: Browser, address: str, *, locale: str = "en-GB") -> None:
        self.address = address
        self.context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale=locale)
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda ws: self.asked.append(ws.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, said: ConsoleMessage) -> None:
        # Opened below a path, Streamlit's client first asks for its server there, is told 404, and asks at the root.
        if said.type == "error" and not PROBE.search(said.location.get("url", "")):
            self.complaints.append(f"{said.text} {said.location.get('url', '')}")

    def open(self, view: str = "", **query: str) -> Page:
        """Opens a page of the dashboard and waits until it is drawn."""
        path = "" if view == "overview" else view
        self.page.goto(f"{self.address}/{path}?{urlencode(query)}")
        self.wait()
        return self.page

    def wait(self) -> None:
        """Waits until the page has finished what it is doing."""
        self.page.wait_for_function(DONE, timeout=DRAW_LIMIT_MS, polling=100)
        self.page.wait_for_timeout(400)
        self.page.wait_for_function(DONE, timeout=DRAW_LIMIT_MS, polling=100)

    def strangers(self) -> list[str]:
        """The addresses asked that are not this dashboard's own."""
        own = urlsplit(self.address).netloc
        return [
            url for url in self.asked if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own
        ]

    def close(self) -> None:
        """Closes the browser's window."""
        self.context.close()
