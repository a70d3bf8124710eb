"""1,000 page openings of the product, 50 at once: does the server keep memory, does any of them fail?"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import TimeoutError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from tests.benchmarks import measure

PORT = 8650
AT_ONCE = 50
OPENINGS, WARM = (300, 100) if "ALMANAC_BENCH_QUICK" in os.environ else (1000, 200)
GROWTH = 0.05


def run(data: Path | None) -> list[dict[str, Any]]:
    """Open the first page in waves of 50 sessions, and weigh the server between them."""
    command = [sys.executable, "-m", "app.cli", "run", "--headless", "--port", "{port}"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(measure.serve(command, PORT, cwd=folder, ready="/_stcore/health"))
        weights: dict[int, float] = {}
        errors: list[str] = []
        began = time.monotonic()
        for done in range(AT_ONCE, OPENINGS + 1, AT_ONCE):
            errors += asyncio.run(_wave(server.url, AT_ONCE))
            if done % WARM == 0:
                errors += _by_browser(server.url)
            weights[done] = _weight(server.pid)
        took = time.monotonic() - began
    growth = weights[OPENINGS] / weights[WARM] - 1
    spread = ", ".join(f"{count}: {size:.0f}" for count, size in weights.items() if count % WARM == 0)
    what = f"{OPENINGS} page openings, {AT_ONCE} at once"
    return [
        {
            "measure": f"{what}: growth of memory after the first {WARM}", "ours": round(100 * growth, 1),
            "peer": None, "unit": "%", "ratio": None, "target": "< 5 %", "met": growth < GROWTH,
            "note": f"resident MB after {spread}; {took:.0f} s; a wave lasts until every script has run; "
            f"one opening in every {WARM} is a real browser's",
        },
        {
            "measure": f"{what}: errors", "ours": len(errors), "peer": None, "unit": "", "ratio": None,
            "target": "0", "met": not errors, "note": "; ".join(sorted(set(errors))[:3]),
        },
    ]  # fmt: skip


async def _wave(url: str, number: int) -> list[str]:
    found = await asyncio.gather(*(_open(url) for _ in range(number)), return_exceptions=True)
    return [f"{error!r}" if isinstance(error, BaseException) else error for error in found if error]


async def _open(url: str) -> str:
    """What a browser does to see a page, without drawing it: the page, the socket, one run of the script."""
    await asyncio.to_thread(_fetch, url)
    address = f"ws{url.removeprefix('http')}/_stcore/stream"
    ask = BackMsg()
    ask.rerun_script.query_string = ""
    ask.rerun_script.context_info.timezone = "Europe/Rome"
    ask.rerun_script.context_info.locale = "en-US"
    ask.rerun_script.context_info.url = url + "/"
    options: dict[str, Any] = {"subprotocols": ["streamlit"], "origin": url, "max_size": None, "open_timeout": 120}
    async with connect(address, **options) as socket:
        await socket.send(ask.SerializeToString())
        error, answers = "", 0
        async with asyncio.timeout(120):
            async for data in socket:
                message = ForwardMsg.FromString(data)  # type: ignore[arg-type]
                answers += 1
                if message.delta.new_element.HasField("exception"):
                    error = message.delta.new_element.exception.message
                if message.HasField("script_finished"):
                    finished = message.script_finished
                    if finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        break
                    if finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        error = error or f"the script ended with {finished}"
                        break
    return error or ("" if answers > 5 else f"only {answers} messages")


def _fetch(url: str) -> None:
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()


def _by_browser(url: str) -> list[str]:
    with measure.chromium() as browser:
        page = measure.open_page(browser)
        page.goto(url)
        try:
            page.locator(".maplibregl-canvas").first.wait_for(timeout=120_000)
        except TimeoutError:
            return [f"a browser saw no map in 120 s but: {page.locator('body').inner_text()[:200]}"]
        return page.locator("[data-testid=stException], [data-testid=stAlertContentError]").all_inner_texts()


def _weight(pid: int) -> float:
    """Megabytes that the server keeps once it has come to rest: itself and its children."""
    time.sleep(3)
    server = psutil.Process(pid)
    return float(sum(each.memory_info().rss for each in [server, *server.children(recursive=True)]) / 1e6)
