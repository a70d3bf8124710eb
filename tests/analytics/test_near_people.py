"""Where the ground sinks near people: which sites count, whose people, and in which order."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analytics.indicators.vertical_motion import significant, vertical_velocity
from analytics.near_people import near_people
from geodata.errors import AlmanacError, BrokenData
from geodata.region import load_region

CRS = "EPSG:5070"


def homes(*ids: str) -> gpd.GeoDataFrame:
    boxes = [shapely.box(-120 + n, 36, -119 + n, 37) for n in range(len(ids))]
    return gpd.GeoDataFrame(geometry=boxes, index=pd.Index(ids, name="location_id"), crs=4326)


def sites(*rows: tuple[str, float, float, float, float]) -> gpd.GeoDataFrame:
    """Each: id, longitude, velocity, low, high; all at 36.5° N."""
    table = pd.DataFrame(rows, columns=["location_id", "x", "value", "low", "high"]).set_index("location_id")
    shapes = gpd.points_from_xy(table.pop("x"), np.full(len(table), 36.5))
    return gpd.GeoDataFrame(table, geometry=shapes, crs=4326)


def test_only_what_sinks_beyond_chance_counts() -> None:
    found = near_people(
        sites(
            ("sinks", -119.5, -9.0, -11.0, -7.0),
            ("unsure", -119.4, -12.0, -26.0, 2.0),
            ("slowly", -119.3, -1.0, -1.2, -0.8),
            ("rises", -119.2, 8.0, 6.0, 10.0),
            ("no_value", -119.1, np.nan, np.nan, np.nan),
            ("without_limits", -119.15, -30.0, np.nan, np.nan),
        ),
        homes("a"),
        pd.Series({"a": 1000.0}),
        CRS,
    ).loc["a"]
    assert (found["sites"], found["sinking"]) == (5, 1)
    assert found["fastest_site"] == "sinks"
    assert found[["fastest_mm_per_year", "low_mm_per_year", "high_mm_per_year"]].to_list() == [-9.0, -11.0, -7.0]
    assert found["people_near"] == 1000.0


def test_the_fastest_site_speaks_for_the_place() -> None:
    found = near_people(
        sites(("s1", -119.5, -4.0, -5.0, -3.0), ("s2", -119.4, -21.0, -23.0, -19.0)),
        homes("a"),
        pd.Series({"a": 10.0}),
        CRS,
    ).loc["a"]
    assert (found["sinking"], found["fastest_site"]) == (2, "s2")


def test_not_measured_is_not_safe() -> None:
    found = near_people(
        sites(("s1", -119.5, 0.5, -1.0, 2.0), ("s2", -117.5, -5.0, -6.0, -4.0)),
        homes("still", "without_site", "without_people"),
        pd.Series({"still": 10.0, "without_site": 20.0}),
        CRS,
    )
    assert found.loc["still", "people_near"] == 0
    assert np.isnan(found.loc["without_site", "people_near"]) and found.loc["without_site", "people"] == 20
    assert np.isnan(found.loc["without_people", "people_near"]) and found.loc["without_people", "sinking"] == 1


def test_the_order_is_by_people_and_velocity_then_by_what_is_known() -> None:
    found = near_people(
        sites(
            ("s1", -119.5, -20.0, -22.0, -18.0),  # 100 people × 20
            ("s2", -118.5, -5.0, -6.0, -4.0),  # 1000 people × 5
            ("s3", -116.5, 0.0, -1.0, 1.0),
        ),
        homes("fast_and_few", "slow_and_many", "no_site", "still"),
        pd.Series({"fast_and_few": 100.0, "slow_and_many": 1000.0, "no_site": 9e6, "still": 9e6}),
        CRS,
    )
    assert found.index.to_list() == ["slow_and_many", "fast_and_few", "still", "no_site"]


def test_a_site_outside_is_left_out_and_one_on_a_border_counts_once() -> None:
    found = near_people(
        sites(("outside", -115.0, -9.0, -10.0, -8.0), ("border", -119.0, -9.0, -10.0, -8.0)),
        homes("b", "a"),
        pd.Series({"a": 1.0, "b": 1.0}),
        CRS,
    )
    assert found["sites"].to_dict() == {"a": 1, "b": 0}


def test_the_order_of_rows_does_not_matter() -> None:
    given = sites(("s1", -119.5, -4.0, -5.0, -3.0), ("s2", -119.4, -4.0, -5.0, -3.0), ("s3", -118.5, -4.0, -5.0, -3.0))
    people = pd.Series({"a": 10.0, "b": 10.0})
    first = near_people(given, homes("a", "b"), people, CRS)
    again = near_people(given.iloc[::-1], homes("a", "b").iloc[::-1], people.iloc[::-1], CRS)
    pd.testing.assert_frame_equal(first, again)


def test_swapped_coordinates_are_refused() -> None:
    given = sites(("s1", -119.5, -4.0, -5.0, -3.0))
    swapped = given.set_geometry(gpd.points_from_xy([36.5], [-119.5], crs=4326))
    with pytest.raises(AlmanacError, match="s1"):
        near_people(swapped, homes("a"), pd.Series({"a": 1.0}), CRS)


def test_people_of_several_years_are_refused() -> None:
    given = sites(("s1", -119.5, -4.0, -5.0, -3.0))
    with pytest.raises(BrokenData, match="stand twice"):
        near_people(given, homes("a"), pd.Series([1.0, 2.0], index=["a", "a"]), CRS)


def test_a_threshold_that_calls_rising_sinking_is_refused() -> None:
    with pytest.raises(AlmanacError, match="threshold"):
        near_people(sites(("s1", -119.5, 4.0, 3.0, 5.0)), homes("a"), pd.Series({"a": 1.0}), CRS, threshold=5.0)


def test_velocity_missing_its_limits_is_never_significant() -> None:
    value, low, high = (
        pd.Series([-5.0, 5.0, 5.0, np.nan]),
        pd.Series([np.nan, 4.0, -1.0, 0.0]),
        pd.Series([-4.0, 6, 9, 1]),
    )
    assert significant(value, low, high).to_list() == [False, True, False, False]


def test_california() -> None:
    """The San Joaquin Valley comes out: Kern's fastest site is the fastest of all, and Los Angeles has most people."""
    region = load_region("california_ground")
    table = region.table("california_ground_sites")
    velocity = vertical_velocity(table)
    people = region.table("california_ground_population")
    people = people[people["time"] == people["time"].max()].set_index("location_id")["population_people"]
    homes_of = region.table("california_ground_counties")
    found = near_people(table[["geometry"]].join(velocity), homes_of, people, region.crs_metric)
    assert len(found) == 75
    assert found["sites"].sum() == 842, "10 sites lie outside the counties as drawn, says the dataset"
    assert (found["sites"] == 0).sum() == 5, "five counties have people but no site, says the dataset"
    up, deviation = table["velocity_up_mm_per_year"], table["uncertainty_up_mm_per_year"]
    assert found["sinking"].sum() <= ((up <= -2) & (up + 1.96 * deviation < 0)).sum()
    assert found["fastest_mm_per_year"].idxmin() == "06029"
    assert found["fastest_mm_per_year"].min() == up.min()
    assert found.index[0] == "06037"
