"""What several tests need: a region made on the spot, in place of the bundled ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from geodata.settings import settings
from tests.world import World, make_world

# The same examples on every run, and no clock: a slow machine is no wrong result.
hypothesis_settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis_settings.load_profile("steady")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A small region in a folder of its own, which the whole of Almanac takes for the only one."""
    made = make_world(tmp_path)
    monkeypatch.setenv("ALMANAC_SOURCES", str(made.sources))
    monkeypatch.setenv("ALMANAC_REGIONS", str(made.regions))
    monkeypatch.setenv("ALMANAC_REGION", made.region)
    monkeypatch.setenv("ALMANAC_OBSERVATIONS", str(tmp_path / "observations"))
    settings.cache_clear()
    yield made
    settings.cache_clear()
