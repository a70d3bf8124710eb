"""Where the ground sinks near people: worked by hand on a made map, and against plain geopandas on a real one."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analytics.measure import measured
from analytics.near_people import STABLE, near_people, near_people_of
from geodata.errors import AlmanacError, BrokenData
from geodata.region import load_region
from tests.world import World


def homes() -> gpd.GeoDataFrame:
    """Five squares side by side from west to east."""
    boxes = [shapely.box(-120 + n, 36, -119 + n, 37) for n in range(5)]
    return gpd.GeoDataFrame(geometry=boxes, index=pd.Index(list("edcba"), name="location_id"), crs=4326)


PEOPLE = pd.Series({"a": 100.0, "b": 50.0, "c": 1000.0, "d": 7.0})


def sites(rows: list[tuple[str, float, float, float, float]]) -> gpd.GeoDataFrame:
    """Sites from (id, longitude, velocity, low, high)."""
    frame = pd.DataFrame(rows, columns=["location_id", "x", "value", "low", "high"]).set_index("location_id")
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(frame.pop("x"), [36.5] * len(frame)), crs=4326)


def test_by_hand() -> None:
    made = sites(
        [
            ("s1", -119.5, -9.0, -11.0, -7.0),  # in e, whose people are not known
            ("s2", -118.5, -4.0, -5.0, -3.0),  # in d
            ("s3", -118.4, -6.0, -7.0, -5.0),  # in d, the fastest
            ("s4", -117.5, -5.0, -11.0, 1.0),  # in c, but not sure
            ("s5", -116.5, STABLE, -2.5, -1.5),  # in b, just at the threshold
            ("s6", -116.4, -1.9, -2.5, -1.5),  # in b, within the stable band
            ("s7", -116.3, np.nan, np.nan, np.nan),
            ("s8", -100.0, -50.0, -51.0, -49.0),  # in no place
        ]
    )
    before = made.copy()
    found = near_people(made, homes(), PEOPLE, 5070)
    pd.testing.assert_frame_equal(pd.DataFrame(made), pd.DataFrame(before))
    # 50 × 2 comes before 7 × 6; e sinks too, but nobody knows near how many.
    assert found.index.tolist() == ["b", "d", "e", "c", "a"]
    assert found["sites"].to_dict() == {"a": 0, "b": 2, "c": 1, "d": 2, "e": 1}
    assert found["sinking"].to_dict() == {"a": 0, "b": 1, "c": 0, "d": 2, "e": 1}
    assert found["fastest_site"].to_dict() == {"a": None, "b": "s5", "c": None, "d": "s3", "e": "s1"}
    assert found.loc["d", ["fastest_mm_per_year", "low_mm_per_year", "high_mm_per_year"]].tolist() == [-6, -7, -5]
    near = found["people_near"]
    assert (near["b"], near["d"], near["c"]) == (50, 7, 0)
    assert np.isnan(near["a"]) and np.isnan(near["e"])


def test_a_site_on_a_border_counts_once_for_the_place_whose_id_comes_first() -> None:
    corner = sites([("s", -119.0, -9.0, -10.0, -8.0)]).set_geometry([shapely.Point(-119, 37)], crs=4326)
    touching = homes().to_crs(5070).intersects(corner.to_crs(5070).geometry.iloc[0])
    assert touching.index[touching].tolist() == ["e", "d"]
    found = near_people(corner, homes(), PEOPLE, 5070)
    assert found["sites"].to_dict() == {"a": 0, "b": 0, "c": 0, "d": 1, "e": 0}


def test_another_threshold() -> None:
    made = sites([("s", -118.5, -4.0, -5.0, -3.0)])
    assert near_people(made, homes(), PEOPLE, 5070, threshold=-4.0)["sinking"].sum() == 1
    assert near_people(made, homes(), PEOPLE, 5070, threshold=-4.1)["sinking"].sum() == 0
    for wrong in (0.1, float("nan")):
        with pytest.raises(AlmanacError, match="not above zero"):
            near_people(made, homes(), PEOPLE, 5070, threshold=wrong)


def test_people_that_stand_twice_are_refused() -> None:
    with pytest.raises(BrokenData, match="people of a stand twice"):
        near_people(sites([("s", -118.5, -4.0, -5.0, -3.0)]), homes(), pd.concat([PEOPLE, PEOPLE[["a"]]]), 5070)


def test_california_as_plain_geopandas_has_it() -> None:
    region = load_region("california_ground")
    found = near_people_of(region)
    assert found is not None
    velocity = measured(region, "vertical_velocity").table
    points = region.table("california_ground_sites")[["geometry"]].join(velocity[["value", "high"]])
    counties = region.table(region.home)[["geometry"]]
    joined = gpd.sjoin(points, counties, predicate="within")
    county = next(c for c in joined.columns if c.startswith(("location_id", "index_")))
    assert found.table["sites"].sum() == len(joined)
    sinking = joined[(joined["value"] <= -2) & (joined["high"] < 0)]
    wanted = sinking.groupby(county).size()
    assert len(wanted) > 5
    assert found.table.loc[found.table["sinking"] > 0, "sinking"].to_dict() == wanted.to_dict()
    fastest = sinking.groupby(county)["value"].min()
    assert found.table["fastest_mm_per_year"].dropna().to_dict() == fastest.to_dict()
    people = region.table(found.people.id)
    latest = people[people["time"].dt.year == found.year].set_index("location_id")["population_people"]
    assert found.year == people["time"].dt.year.max()
    assert found.table["people"].to_dict() == latest.astype(float).to_dict()
    weight = found.table["people"] * found.table["fastest_mm_per_year"].abs()
    assert weight[: len(wanted)].is_monotonic_decreasing and weight[len(wanted) :].isna().all()


def test_none_where_the_motion_or_the_people_are_not_known(world: World) -> None:
    assert near_people_of(load_region(world.region)) is None


def test_none_where_the_people_are_not_known() -> None:
    assert near_people_of(load_region("mid_atlantic")) is None
    assert near_people_of(load_region("west_texas_ground")) is None
