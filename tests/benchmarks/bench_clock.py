"""Whether the clock of the browser benchmarks can be trusted: a page that repaints after exactly 300 ms."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks import measure

PORT = 8656
DELAY = 0.300
ROUNDS = 9
PAGE = Path(__file__).parent / "peers" / "known_delay.html"


def run(data: Path | None) -> list[dict[str, Any]]:
    """What the method measures for a delay of 300 ms, whose last step changes 144 pixels only."""
    with tempfile.TemporaryDirectory() as name, measure.chromium() as browser:
        folder = Path(name)
        (folder / "index.html").write_text(PAGE.read_text())
        with measure.serve([sys.executable, "-m", "http.server", "{port}"], PORT, cwd=folder) as server:
            page = measure.open_page(browser)
            page.goto(server.url)
            page.focus("#widget")
            found = sorted(_delays(page))
    middle = measure.median(found)
    return [{
        "measure": "self-test: a repaint 300 ms after the key, as measured", "ours": round(middle, 3),
        "peer": DELAY, "unit": "s", "ratio": round(middle / DELAY, 3), "target": "0.95 to 1.10",
        "met": 0.95 <= middle / DELAY <= 1.10,
        "note": f"between {found[0]:.3f} and {found[-1]:.3f} s in {ROUNDS} rounds; a frame lasts 0.017 s",
    }]  # fmt: skip


def _delays(page: measure.Page) -> list[float]:
    box = measure.Box.of(page, "#map")
    found = []
    with measure.Screen(page) as screen:
        goals = [screen.settled(box, 0.8)]
        page.keyboard.press("Shift")
        goals.append(screen.settled(box, 0.8))
        for turn in range(ROUNDS):
            measure.forget_press(page)
            screen.frames.clear()
            page.keyboard.press("Shift")
            screen.reached(box, goals[turn % 2])
            found.append(screen.last_change(box, goals[turn % 2]) - measure.pressed(page))
    return found
