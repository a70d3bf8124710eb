"""What the indicators of ground motion refuse, withhold and keep apart."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analytics.indicators.ground_motion import (
    cumulative_displacement,
    ground_acceleration,
    ground_velocity,
    seasonal_amplitude,
)
from analytics.indicators.settlement import angular_distortion, settlement_asaoka, settlement_hyperbolic
from analytics.indicators.vertical_motion import vertical_motion
from analytics.standard import standards
from geodata.errors import AlmanacError, BrokenData
from geodata.region import load_region

DAYS = pd.date_range("2018-01-01", periods=100, freq="12D", tz="UTC")


def panel(column: str = "displacement_mm", **places: np.ndarray) -> pd.DataFrame:
    return pd.concat(
        [pd.DataFrame({"location_id": name, "time": DAYS, column: values}) for name, values in places.items()],
        ignore_index=True,
    )


@pytest.mark.parametrize(
    "indicator", [ground_velocity, ground_acceleration, seasonal_amplitude, cumulative_displacement]
)
def test_values_that_never_change_are_no_standstill(indicator: Callable[..., pd.DataFrame]) -> None:
    noise = np.random.default_rng(3).normal(size=len(DAYS))
    found = pd.DataFrame(indicator(panel(reference=np.zeros(len(DAYS)), ground=noise)))
    assert found.loc["reference"].isna().all() and found.loc["ground"].notna().all()


@pytest.mark.parametrize("indicator", [settlement_asaoka, settlement_hyperbolic])
def test_settlement_that_never_changes_has_no_end(indicator: Callable[..., pd.Series]) -> None:
    assert indicator(panel("settlement_mm", a=np.full(len(DAYS), 40.0))).isna().all()


def test_five_months_have_a_displacement_but_no_rate() -> None:
    """West Texas: eight dates from August to December, from which nobody can tell trend from season."""
    table = load_region("west_texas_ground").table("west_texas_ground_displacement")
    assert ground_velocity(table)["value"].isna().all()
    shown = cumulative_displacement(table)
    assert len(shown) == 8010 and 0.9 < shown.notna().mean() < 1


def test_a_season_biases_a_rate_that_leaves_it_out() -> None:
    t = np.asarray((DAYS - DAYS[0]).days) / 365.25
    wave = panel(a=-5 * t + 20 * np.sin(2 * np.pi * t))
    assert ground_velocity(wave).loc["a", "value"] == pytest.approx(-5, abs=1e-6)
    assert abs(ground_velocity(wave, seasonal=False).loc["a", "value"] + 5) > 1


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(AlmanacError, match="steps"):
        ground_velocity(panel(a=np.arange(100.0)), steps=["the earthquake"])
    with pytest.raises(AlmanacError, match="start"):
        settlement_hyperbolic(panel("settlement_mm", a=np.arange(100.0)), start="when it was built")


def test_settlement_counts_from_the_start_given() -> None:
    days = np.asarray((DAYS - DAYS[0]).days, dtype=float)
    begun = np.maximum(days - 240, 0)
    loaded = panel("settlement_mm", a=5 + begun / (0.6 + 0.004 * begun))
    assert settlement_hyperbolic(loaded, start="2018-08-29")["a"] == pytest.approx(5 + 1 / 0.004)
    assert settlement_hyperbolic(loaded).isna().all() or settlement_hyperbolic(loaded)["a"] != pytest.approx(255)


def test_asaoka_needs_readings_on_whole_days() -> None:
    hourly = panel("settlement_mm", a=np.arange(100.0))
    hourly["time"] = pd.date_range("2020-01-01", periods=100, freq="h", tz="UTC")
    with pytest.raises(BrokenData, match="1 hour"):
        settlement_asaoka(hourly)


def test_distortion_is_that_of_all_pairs() -> None:
    generator = np.random.default_rng(8)
    east, north = generator.uniform(0, 300, (2, 60)) + np.array([[500_000.0], [4_000_000.0]])
    settled = np.where(generator.random(60) < 0.1, np.nan, generator.normal(20, 15, 60))
    layer = gpd.GeoDataFrame(
        {"settlement_mm": settled},
        geometry=gpd.points_from_xy(east, north),
        index=pd.Index([f"p{n:02}" for n in range(60)], name="location_id"),
        crs=32633,
    )
    apart = np.hypot(east[:, None] - east, north[:, None] - north)
    slope = np.abs(settled[:, None] - settled) / 1000 / np.where((apart >= 1) & (apart <= 40), apart, np.nan)
    expected = pd.DataFrame(slope).max(axis=1).to_numpy()
    found = angular_distortion(layer, crs_metric=32633, within_m=40.0)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_distortion_refuses_swapped_coordinates_and_a_table_without_geometry() -> None:
    swapped = gpd.GeoDataFrame(
        {"settlement_mm": [1.0, 2.0]},
        geometry=[shapely.Point(31.2, -102.5), shapely.Point(31.2, -102.6)],
        index=pd.Index(["a", "b"], name="location_id"),
        crs=4326,
    )
    with pytest.raises(AlmanacError, match="outside the area"):
        angular_distortion(swapped, crs_metric="EPSG:32613")
    with pytest.raises(BrokenData, match="no geometry"):
        angular_distortion(pd.DataFrame(swapped.drop(columns="geometry")), crs_metric="EPSG:32613")


def test_angles_are_not_taken_for_unit_vectors() -> None:
    columns = ["ascending_mm_per_year", "descending_mm_per_year", "ascending_east_share", "ascending_up_share",
               "descending_east_share", "descending_up_share"]  # fmt: skip
    layer = pd.DataFrame([[-5.0, -4.0, 34.0, 102.0, 33.0, -101.0]], columns=columns, index=["a"])
    with pytest.raises(BrokenData, match="unit vector"):
        vertical_motion(layer.rename_axis("location_id"))


def test_the_classes_of_a_velocity_are_the_same_either_way() -> None:
    """Rise and fall of the same speed wear classes of the same width, and standing still is in the middle."""
    for name in ("ground_velocity", "vertical_motion", "vertical_velocity"):
        classes = standards()["convention"].classes[name]
        assert list(classes.breaks) == [-b for b in reversed(classes.breaks)]
        labels = standards()["convention"].label(name, pd.Series([-52.07, -2.0, 0.0, 1.99, 2.0]))
        assert labels.to_list() == ["sinking, over 50", "stable", "stable", "stable", "rising, 2 to 5"]
