"""One browser and one dashboard for all browser tests of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.browser import launch
from tests.browser.dashboard import Reader, dashboard


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    observations = str(tmp_path_factory.mktemp("observations"))
    with dashboard({"ALMANAC_OBSERVATIONS": observations}) as running:
        yield running


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Callable[..., Reader]]:
    """Opens windows of the browser: `reader(locale="zh-CN")`; they are closed after the test."""
    opened: list[Reader] = []

    def new(**options: str) -> Reader:
        opened.append(Reader(browser, address, **options))
        return opened[-1]

    yield new
    for window in opened:
        window.close()
