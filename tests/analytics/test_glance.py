"""A region at a glance, on a made region whose numbers are worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
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
    # One month of days has no day of an earlier year to be compared with.
    assert figure.earlier is None


def test_a_figure_is_compared_with_the_same_season_and_the_same_places_only(world: World) -> None:
    headline(world, "river_daily.discharge_m3_per_s")
    months = pd.date_range("2018-01-01", periods=30, freq="MS", tz="UTC", unit="us")
    table = pd.DataFrame(
        {
            "location_id": pd.Series(["001"] * 30 + ["002"] * 30, dtype="str"),
            "time": months.append(months),
            "discharge_m3_per_s": np.tile(np.arange(30.0), 2),
        }
    )
    table.to_parquet(world.file("river_daily"), index=False)
    world.replace("river_daily", 'step = "1 day"', 'step = "1 month"')
    world.seal("river_daily")
    (figure,) = glance(load_region(world.region)).figures
    assert figure.time == pd.Timestamp("2020-06-01")
    assert figure.earlier_time == pd.Timestamp("2018-06-01")  # not January, which is the first
    assert (figure.value, figure.earlier) == (29.0, 5.0)


def test_only_what_adds_up_is_totalled(world: World) -> None:
    headline(world, "river_daily.catch_count")
    table = pd.read_parquet(world.file("river_daily")).rename(columns={"discharge_m3_per_s": "catch_count"})
    table.drop(columns="discharge_flag").to_parquet(world.file("river_daily"), index=False)
    text = world.toml("river_daily").read_text(encoding="utf-8")
    text = text.replace("discharge_m3_per_s", "catch_count").replace('unit = "m3/s"', 'unit = "count"')
    world.toml("river_daily").write_text(text.replace('flag = "discharge_flag"\n', ""), encoding="utf-8")
    (world.regions / world.region / "region.toml").write_text(
        (world.regions / world.region / "region.toml").read_text().replace("discharge_m3_per_s", "catch_count")
    )
    world.seal("river_daily")
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


def test_an_area_tells_of_every_home_place_in_its_middle() -> None:
    coverage = {c.dataset.id: c for c in glance(load_region("mid_atlantic")).coverage}
    # 14 climate divisions cover two whole states; two small coastal counties have their middle outside the drawing.
    assert coverage["nclimdiv_precipitation"].seen >= 230
    assert coverage["nclimdiv_precipitation"].outside == 0
    # The Delaware basin lies in New York, New Jersey and Pennsylvania.
    assert (coverage["usgs_discharge_delaware"].seen, coverage["usgs_discharge_delaware"].outside) == (0, 4)
