"""A region at a glance, on a made region whose numbers are worked out by hand."""

from __future__ import annotations

import pytest

from analytics.glance import glance
from geodata.errors import AlmanacError
from geodata.region import load_region
from tests.world import World


def headline(world: World, series: str) -> None:
    path = world.regions / world.region / "region.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("headlines = []", f'headlines = ["{series}"]'), encoding="utf-8")


def test_a_key_figure_is_the_median_of_the_places_that_have_a_value(world: World) -> None:
    headline(world, "river_daily.discharge_m3_per_s")
    (figure,) = glance(load_region(world.region)).figures
    # On the last day: none at 001, 1000 at 002, 7.9 at 003.
    assert figure.value == pytest.approx((1000 + 7.9) / 2)
    assert (figure.how, figure.places, figure.of) == ("middle", 2, 3)
    # On the first day, over the same two places: 10 and 5.
    assert figure.earlier == pytest.approx(7.5)


def test_a_sum_is_a_total(world: World) -> None:
    headline(world, "river_daily.discharge_m3_per_s")
    world.replace("river_daily", 'aggregate = "mean"', 'aggregate = "sum"')
    (figure,) = glance(load_region(world.region)).figures
    assert figure.value == pytest.approx(1007.9)
    assert figure.how == "total"


def test_coverage_counts_the_home_places_that_have_a_value(world: World) -> None:
    found = glance(load_region(world.region))
    (coverage,) = found.coverage
    assert (coverage.seen, coverage.of, coverage.outside) == (3, 3, 0)
    assert found.known.to_dict() == {"001": 1, "002": 1, "003": 1}


def test_a_headline_that_does_not_exist_is_named(world: World) -> None:
    headline(world, "river_daily.discharge_m3")
    with pytest.raises(AlmanacError, match="discharge_m3"):
        load_region(world.region)
