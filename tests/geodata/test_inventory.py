from __future__ import annotations

import math
from datetime import date

import pytest

from geodata.catalog import open_catalog
from geodata.inventory import Condition, age, condition, coverage, inventory, worst_covered
from tests.world import World, gauges, panel


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


def test_coverage_counts_every_column_at_every_step(world: World) -> None:
    catalog = open_catalog()
    # Thirty days; the first gauge has fifteen of them.
    assert coverage(catalog, "river_daily").to_dict() == {"001": 0.5, "002": 1.0, "003": 1.0}
    found = condition(catalog, "river_daily")
    assert found is not None
    assert (found.places, found.completeness) == (3, pytest.approx(75 / 90))
    assert worst_covered(catalog, "river_daily", 10) == [("001", 0.5, pytest.approx(15.0, abs=1))]


def test_a_place_without_any_row_of_the_time_is_not_complete(world: World) -> None:
    short = panel().query("location_id != '003' or time < '2020-01-04T00:00Z'")
    short.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    assert coverage(open_catalog(), "river_daily")["003"] == pytest.approx(0.1)


def test_a_layer_is_covered_where_its_columns_have_values(world: World) -> None:
    gauges().assign(altitude_m=[120.0, None, 80.0]).to_parquet(world.file("gauges"))
    world.replace(
        "gauges",
        "[columns]",
        '[columns.altitude_m]\ntitle = "Altitude"\nunit = "m"\nsource = "z"\nminimum = -10.0\nmaximum = 5000.0\n'
        'aggregate = "none"\nscale = "sequential"\n',
    )
    world.seal("gauges")
    catalog = open_catalog()
    assert coverage(catalog, "gauges").to_dict() == {
        "001": 1.0,
        "002": pytest.approx(math.nan, nan_ok=True),
        "003": 1.0,
    }
    assert condition(catalog, "valley_base") == Condition(1, None)


def test_a_file_that_cannot_be_read_has_no_condition(world: World) -> None:
    world.file("river_daily").unlink()
    assert condition(open_catalog(), "river_daily") is None
