"""Takes the README's pictures from the running dashboard: `make screenshots`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.browser import launch
from tests.browser.dashboard import ROOT, Reader, dashboard

FOLDER = ROOT / "docs"
# File name → page and address: each shows a thing that the README speaks of.
PICTURES: dict[str, tuple[str, dict[str, str]]] = {
    "overview.png": ("overview", {"lang": "en", "region": "mid_atlantic"}),
    "traffic.png": ("traffic", {"lang": "en", "region": "mid_atlantic"}),
    "explore-zh-Hans.png": ("explore", {"lang": "zh-Hans", "region": "lombardy"}),
}


def take(folder: Path = FOLDER) -> list[Path]:
    """Writes every picture into `folder`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    with sync_playwright() as playwright, dashboard() as address:
        browser = launch(playwright)
        for name, (view, query) in PICTURES.items():
            window = Reader(browser, address)
            page = window.open(view, **query)
            page.wait_for_timeout(3000)  # the map's last tiles and labels settle
            page.screenshot(path=folder / name)
            taken.append(folder / name)
            window.close()
        browser.close()
    return taken


if __name__ == "__main__":
    for path in take():
        print(path)
