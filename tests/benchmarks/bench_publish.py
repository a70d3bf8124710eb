"""From a notebook's `publish` to an open page of the dashboard that nobody touches, and back by withdrawing."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
from playwright.sync_api import Page

from tests.benchmarks import measure

PORT = 8690
ROUNDS = 3 if "ALMANAC_BENCH_QUICK" in os.environ else 10
LIMIT_S = 5.0
TITLE = "Published by the benchmark"


def run(data: Path | None) -> list[dict[str, Any]]:
    """Publish and withdraw one value for each of 233 counties, again and again, while Overview is open."""
    command = [sys.executable, "-m", "app.cli", "run", "--headless", "--port", "{port}"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["ALMANAC_PUBLICATIONS"] = str(folder / "publications")
        server = stack.enter_context(measure.serve(command, PORT, cwd=folder, ready="/_stcore/health"))
        page = measure.open_page(stack.enter_context(measure.chromium()))
        page.goto(server.url)
        page.locator(".maplibregl-canvas").first.wait_for(timeout=120_000)
        page.wait_for_timeout(5_000)
        rounds = [_round(page) for _ in range(ROUNDS)]
    calls, shown, gone = (sorted(figures) for figures in zip(*rounds, strict=True))
    what = "233 values, page Overview open and untouched"
    note = f"{ROUNDS} rounds; median {{:.2f}}, longest {{:.2f}}; pages look every 2 s"
    return [
        _row(f"{what}: the call of publish itself, median", statistics.median(calls), None, ""),
        _row(f"{what}: from its return until the page shows it, longest", shown[-1], LIMIT_S, _of(note, shown)),
        _row(f"{what}: from withdrawing until it is gone, longest", gone[-1], LIMIT_S, _of(note, gone)),
    ]


def _round(page: Page) -> tuple[float, float, float]:
    from geodata import load_region, publish
    from geodata.publication import withdraw
    from geodata.settings import settings

    region = load_region("mid_atlantic")
    places = region.places_of(region.dataset(region.home))
    values = pd.Series(1.0, index=places, name="made_up_share")
    began = time.monotonic()
    dataset = publish(
        values, title=TITLE, method="Synthetic.", region=region, author="Bench", notebook=__file__,
        inputs=["us_counties"], theme="society",
    )  # fmt: skip
    returned = time.monotonic()
    told = page.get_by_text(TITLE)
    told.first.wait_for(timeout=60_000)
    seen = time.monotonic()
    withdraw(settings().publications, dataset, "Bench", "the round is over")
    withdrawn = time.monotonic()
    told.first.wait_for(state="detached", timeout=60_000)
    return returned - began, seen - returned, time.monotonic() - withdrawn


def _of(note: str, figures: list[float]) -> str:
    return note.format(statistics.median(figures), figures[-1])


def _row(what: str, seconds: float, limit: float | None, note: str) -> dict[str, Any]:
    return {
        "measure": what, "ours": round(seconds, 2), "peer": None, "unit": "s", "ratio": None,
        "target": f"< {limit:g} s" if limit else "–", "met": seconds < limit if limit else None, "note": note,
    }  # fmt: skip
