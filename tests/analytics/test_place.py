"""All that is said of a place: by hand on a small region, and on every bundled one."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analytics.place import best_known, change, profile, standing
from geodata.errors import BrokenData, UnknownName
from geodata.region import Region, load_region, regions
from tests.world import DATASET_TOML, World

LAYER_COLUMNS = """
[columns.velocity_mm_per_year]
title = "Velocity"
unit = "mm/year"
source = "v"
minimum = -100.0
maximum = 100.0
aggregate = "none"
scale = "diverging"
[columns.uncertainty_mm_per_year]
title = "Velocity, one standard deviation"
unit = "mm/year"
source = "sd"
minimum = 0.0
maximum = 100.0
aggregate = "none"
scale = "sequential"
"""


def add_layer(world: World, dataset: str, layer: gpd.GeoDataFrame, columns: str = "\n[columns]") -> None:
    layer.to_parquet(world.file(dataset))
    text = DATASET_TOML.format(
        title=dataset, summary="Made.", region=world.region, theme="boundaries", kind="layer", locations="",
        step="once", sha256="", zeros="0" * 64, columns=columns,
    )  # fmt: skip
    world.toml(dataset).write_text(text, encoding="utf-8")
    world.seal(dataset)


@pytest.fixture
def valleys(world: World) -> Region:
    """Two counties side by side within one province; the gauge 001 lies on their border, 003 outside both."""
    counties = gpd.GeoDataFrame(
        {"name": ["West", "East"], "velocity_mm_per_year": [-3.0, np.nan], "uncertainty_mm_per_year": [0.4, np.nan]},
        index=pd.Index(["w", "e"], name="location_id"),
        geometry=[shapely.box(8.8, 45.2, 9.0, 45.8), shapely.box(9.0, 45.2, 9.6, 45.8)],
        crs=4326,
    )
    province = gpd.GeoDataFrame(
        {"name": ["Province"]},
        index=pd.Index(["p"], name="location_id"),
        geometry=[shapely.box(8.5, 45.0, 10.0, 46.0)],
        crs=4326,
    )
    add_layer(world, "counties", counties, LAYER_COLUMNS)
    add_layer(world, "provinces", province)
    path = world.regions / world.region / "region.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('home = "gauges"', 'home = "counties"'), encoding="utf-8")
    return load_region(world.region)


def test_a_series_by_hand(valleys: Region) -> None:
    (record,) = profile(valleys, "001").records
    assert record.n == 15
    assert record.latest == 15.0
    assert record.latest_time == pd.Timestamp("2020-01-15", tz="UTC")
    assert record.first == pd.Timestamp("2020-01-01", tz="UTC")
    assert record.completeness == 1.0  # of its own record, which ends on the 15th
    assert record.flags == {"A": 1.0}
    assert record.latest_flag == "A"
    assert record.change is None
    # On the 15th: 15.0 here, 11.4 at 002, 6.4 at 003.
    assert record.standing is not None
    assert (record.standing.rank, record.standing.of, record.standing.below) == (1, 3, 1.0)


def test_a_missing_day_counts_as_missing_whether_or_not_it_has_a_row(world: World) -> None:
    panel = pd.read_parquet(world.file("river_daily"))
    day = panel["time"].dt.day
    panel.loc[(panel["location_id"] == "002") & (day == 4), "discharge_m3_per_s"] = np.nan
    panel = panel[~((panel["location_id"] == "002") & day.isin([10, 11]))]
    panel.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    found = profile(load_region(world.region), "002")
    (record,) = found.records
    assert found.completeness == record.completeness
    assert found.least_complete is record
    assert record.n == 27
    assert record.missing == 3
    assert record.completeness == pytest.approx(27 / 30)
    assert record.longest == pd.Timedelta(days=3)
    assert record.longest_gaps(1)["start"].item() == pd.Timestamp("2020-01-10", tz="UTC")


def test_where_a_place_lies(valleys: Region) -> None:
    assert profile(valleys, "002").lies_in == ("e", "p")
    assert profile(valleys, "w").lies_in == ("p",)
    assert profile(valleys, "p").lies_in == ()
    assert list(profile(valleys, "e").inside["name"]) == ["Molino", "Ponte Alto"]
    assert set(profile(valleys, "p").inside.index) == {"w", "e", "001", "002", "003"}


def test_a_point_on_a_border_lies_in_one_of_the_neighbours_only(valleys: Region) -> None:
    homes = [area for area in profile(valleys, "001").lies_in if area in ("w", "e")]
    assert len(homes) == 1


def test_a_place_outside_says_how_far(valleys: Region) -> None:
    outside = profile(valleys, "003")
    assert outside.lies_in == ("p",)
    assert outside.near is not None
    name, kilometres = outside.near
    # One tenth of a degree north and east of the corner of “East”: 11.1 km and 7.7 km.
    assert name == "e"
    assert kilometres == pytest.approx(np.hypot(11.1, 7.7), rel=0.02)
    assert profile(valleys, "002").near is None


def test_a_fact_comes_with_its_spread_and_a_missing_one_is_not_said(valleys: Region) -> None:
    (fact,) = profile(valleys, "w").facts
    assert (fact.value, fact.spread, fact.p_value) == (-3.0, 0.4, None)
    assert fact.standing is None  # no other place has a value
    assert profile(valleys, "e").facts == ()


def test_a_place_without_values_has_no_series(world: World) -> None:
    panel = pd.read_parquet(world.file("river_daily"))
    panel.loc[panel["location_id"] == "003", "discharge_m3_per_s"] = np.nan
    panel.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    nothing = profile(load_region(world.region), "003")
    assert nothing.records == ()
    assert [d.id for d in nothing.without] == ["river_daily"]


def test_a_broken_dataset_leaves_the_rest_standing(valleys: Region, world: World) -> None:
    world.file("river_daily").write_bytes(b"not a parquet file")
    found = profile(load_region(world.region), "w")
    assert isinstance(found.broken["river_daily"], BrokenData)
    assert found.facts


@pytest.mark.parametrize(("asked", "meant"), [("0001", "001"), ("Ponte Alta", "Ponte Alto (001)")])
def test_an_unknown_place_names_the_one_most_likely_meant(world: World, asked: str, meant: str) -> None:
    with pytest.raises(UnknownName) as caught:
        profile(load_region(world.region), asked)
    assert meant in caught.value.hint


def test_an_unknown_place_like_no_other_still_gets_two_sentences(world: World) -> None:
    with pytest.raises(UnknownName) as caught:
        profile(load_region(world.region), "'; drop table places")
    assert caught.value.message
    assert caught.value.hint


def test_the_best_known_place_has_something(valleys: Region) -> None:
    assert best_known(valleys) in {"001", "002", "003"}


def test_standing_counts_equals_apart() -> None:
    found = standing(0.0, pd.Series([0.0, 0.0, 0.0, 5.0, np.nan]))
    assert found is not None
    assert (found.rank, found.of, found.equal, found.below) == (2, 4, 2, 0.0)
    assert (found.higher, found.lower) == (1, 0)
    assert standing(1.0, pd.Series([1.0, np.nan])) is None
    assert standing(float("nan"), pd.Series([1.0, 2.0])) is None


def test_change_compares_five_full_years_with_five_and_leaves_out_the_others() -> None:
    times = pd.Series(pd.date_range("2000-01-01", "2012-12-31", freq="D", tz="UTC"))
    values = pd.Series(times.dt.year.to_numpy(dtype=float))
    values[(times.dt.year == 2004) & (times.dt.month < 4)] = np.nan
    found = change(times, values, "1 day", "mean")
    assert found is not None
    assert (found.before_from, found.before_to, found.before) == (2000, 2005, (2000 + 2001 + 2002 + 2003 + 2005) / 5)
    assert (found.after_from, found.after_to, found.after) == (2008, 2012, 2010.0)


@pytest.mark.parametrize(("step", "aggregate"), [("irregular", "mean"), ("1 day", "none"), ("once", "mean")])
def test_change_is_not_told_where_it_would_not_be_honest(step: str, aggregate: str) -> None:
    times = pd.Series(pd.date_range("2000-01-01", "2012-12-31", freq="D", tz="UTC"))
    assert change(times, pd.Series(np.ones(len(times))), step, aggregate) is None


def test_change_is_not_told_over_fewer_than_ten_years() -> None:
    times = pd.Series(pd.date_range("2000-01-01", "2008-12-31", freq="D", tz="UTC"))
    assert change(times, pd.Series(np.ones(len(times))), "1 day", "mean") is None


@pytest.mark.parametrize("region_id", regions())
def test_the_bundled_regions_tell_of_their_places(region_id: str) -> None:
    region = load_region(region_id)
    for place in (best_known(region), region.places().index[0], region.places().index[-1]):
        found = profile(region, place)
        assert found.name
        assert not found.broken
        for record in found.records:
            assert record.n == np.isfinite(record.values).sum()
            assert record.latest is not None
            assert record.completeness is None or 0 < record.completeness <= 1
            drawn = record.sketch()
            assert drawn.points["time"].is_monotonic_increasing
            shown = drawn.points["value"].dropna()
            assert shown.min() >= record.values.min() - 1e-9
            assert shown.max() <= record.values.max() + 1e-9
    known = profile(region, best_known(region))
    assert known.records or known.facts
    assert len({r.dataset.id for r in known.key}) == len(known.key)
    assert bool(known.key) == bool(known.records)
