from __future__ import annotations

from datetime import date

from geodata.catalog import open_catalog
from geodata.inventory import age, inventory
from tests.world import World


def test_what_the_datasets_amount_to(world: World) -> None:
    catalog = open_catalog()
    found = inventory(catalog.values())
    assert [d.id for d in found.datasets] == list(catalog)
    # The layers were "observed" just as early, but hold no values.
    assert found.newest is found.oldest is catalog["river_daily"]
    assert len(found.unlicensed) == 3
    assert not found.damaged


def test_files_that_are_not_those_described_are_named(world: World) -> None:
    world.file("river_daily").write_bytes(b"something else")
    world.file("gauges").unlink()
    found = inventory(open_catalog().values())
    assert "checksum" in found.damaged["river_daily"].message
    assert "absent" in found.damaged["gauges"].message
    assert set(found.damaged) == {"river_daily", "gauges"}


def test_nothing_amounts_to_nothing(world: World) -> None:
    found = inventory([])
    assert (found.newest, found.oldest, found.unlicensed, found.damaged) == (None, None, (), {})


def test_the_age_of_the_last_observation(world: World) -> None:
    dataset = open_catalog()["river_daily"]
    assert age(dataset, dataset.retrieved).days == 2489  # 2020-01-30 to 2026-11-23
    assert age(dataset, date(2020, 1, 30)).days == 0
