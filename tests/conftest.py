"""What several tests need: a region made on the spot, in place of the bundled ones."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from geodata.settings import settings
from tests.world import World, make_world

# The same examples on every run, and no clock: a slow machine is no wrong result.
hypothesis_settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis_settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    # Before anything reads the settings: no test finds or leaves forecasts or publications in the folders of whoever
    # runs it.
    folder = tempfile.TemporaryDirectory(prefix="almanac-tests-")
    os.environ["ALMANAC_CACHE"] = folder.name
    os.environ["ALMANAC_PUBLICATIONS"] = str(Path(folder.name) / "publications")
    config.add_cleanup(folder.cleanup)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A small region in a folder of its own, which the whole of Almanac takes for the only one."""
    made = make_world(tmp_path)
    monkeypatch.setenv("ALMANAC_SOURCES", str(made.sources))
    monkeypatch.setenv("ALMANAC_REGIONS", str(made.regions))
    monkeypatch.setenv("ALMANAC_REGION", made.region)
    monkeypatch.setenv("ALMANAC_OBSERVATIONS", str(tmp_path / "observations"))
    monkeypatch.setenv("ALMANAC_PUBLICATIONS", str(tmp_path / "publications"))
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield made
    settings.cache_clear()
