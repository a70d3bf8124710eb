"""What the land indicators refuse, and what they withhold: golden cases show what they compute."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics import INDICATORS
from analytics.indicator import Indicator
from analytics.indicators.forest import forest_share, tree_cover_loss
from analytics.indicators.fragmentation import edge_density, patch_density
from analytics.indicators.land_cover import land_degradation, land_use_efficiency
from analytics.indicators.landscape import cover_share
from analytics.indicators.map_accuracy import cover_area
from analytics.indicators.transitions import cover_gain, transitions
from analytics.indicators.vegetation import ndvi, savi, vegetation_condition, vegetation_health
from analytics.reflectance import evi_of, ibi_of, ndvi_of
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.region import load_region

SPECTRAL = [i for i in INDICATORS.values() if i.domain == "natural_resources" and "nir_share" in i.needs]


def image(**bands: float) -> pd.DataFrame:
    june = pd.Timestamp("2020-06-01", tz="UTC")
    return pd.DataFrame({"location_id": ["a"], "time": [june], **{f"{b}_share": [v] for b, v in bands.items()}})


@pytest.mark.parametrize("indicator", SPECTRAL, ids=lambda i: i.id)
def test_scaled_integers_are_refused_and_the_scale_is_named(indicator: Indicator) -> None:
    june = image(blue=500, green=800, red=600, nir=4000, swir1=2000, swir2=1000)
    table = pd.concat([june, june.assign(time=june["time"] + pd.Timedelta(days=16))])
    with pytest.raises(BrokenData, match="10,000"):
        indicator(table)


def test_a_reflectance_far_below_zero_is_refused() -> None:
    with pytest.raises(BrokenData, match="a share from 0 to 1"):
        ndvi(image(nir=-0.5, red=0.1))


def test_near_zero_divisors_are_withheld() -> None:
    dark, bright = np.array([0.002]), np.array([0.9])
    assert np.isnan(ndvi_of(dark, dark)).all()
    # Bright cloud: 0.9 + 6 · 0.9 − 7.5 · 0.97 + 1 = 0.025.
    assert np.isnan(evi_of(bright, bright, np.array([0.97]))).all()
    # Built-up −0.6, vegetation 0.55, water 0.6: they cancel.
    assert np.isnan(ibi_of(np.array([0.4]), np.array([0.05]), np.array([0.4]), np.array([0.1]))).all()


def test_a_negative_reflectance_gives_no_index_beyond_one() -> None:
    assert np.isnan(ndvi_of(np.array([0.1]), np.array([-0.05]))).all()


@pytest.mark.parametrize("soil", [-0.1, 1.5])
def test_soil_beyond_its_range_is_refused(soil: float) -> None:
    with pytest.raises(AlmanacError, match="soil"):
        savi(image(nir=0.4, red=0.1), soil=soil)


def months(years: int, values: list[float] | None = None) -> pd.DataFrame:
    times = pd.date_range("2010-01-01", periods=12 * years, freq="MS", tz="UTC")
    found = np.linspace(0.2, 0.8, len(times)) if values is None else values
    return pd.DataFrame({"location_id": "a", "time": times, "ndvi_share": found})


def test_condition_wants_an_index_within_one() -> None:
    with pytest.raises(BrokenData, match="from −1 to 1"):
        vegetation_condition(months(6, list(np.linspace(2000.0, 8000.0, 72))))


def test_condition_wants_monthly_values() -> None:
    days = pd.date_range("2010-01-01", periods=3000, freq="D", tz="UTC")
    with pytest.raises(BrokenData, match="1 month"):
        vegetation_condition(pd.DataFrame({"location_id": "a", "time": days, "ndvi_share": 0.4}))


def test_condition_wants_five_years_of_reference() -> None:
    with pytest.raises(AlmanacError, match="five years"):
        vegetation_condition(months(6), reference=(2012, 2013))
    assert vegetation_condition(months(4)).isna().all()


def test_health_wants_a_weight_from_zero_to_one() -> None:
    with pytest.raises(AlmanacError, match="weight"):
        vegetation_health(months(6).assign(surface_temperature_c=20.0), weight=2.0)


def test_leaf_area_that_returns_unchanged_has_no_condition() -> None:
    """ERA5's leaf area is a climatology: a condition made of it would be 0 / 0, and must not become a number."""
    panel = load_region("lombardy").table("lombardy_vegetation")
    leaf = panel["leaf_area_low_m2_per_m2"] / panel["leaf_area_low_m2_per_m2"].max()
    found = vegetation_condition(panel[["location_id", "time"]].assign(ndvi_share=leaf))
    assert len(found) == panel["location_id"].nunique() and found.isna().all()


def test_a_canopy_that_the_table_lacks_is_refused_with_those_it_has() -> None:
    table = pd.DataFrame({"location_id": "a", "canopy_percent": [10, 50], "year": 2020, "tree_cover_loss_ha": 1.0})
    with pytest.raises(AlmanacError, match="10, 50"):
        tree_cover_loss(table)


def test_more_forest_than_land_is_refused() -> None:
    year = pd.Timestamp("2020-01-01", tz="UTC")
    with pytest.raises(BrokenData, match="more forest than land"):
        forest_share(pd.DataFrame({"location_id": ["a"], "time": [year], "forest_ha": [101.0], "land_ha": [100.0]}))


def test_a_change_that_is_no_direction_is_refused() -> None:
    table = pd.DataFrame(
        {"location_id": "a", "segment_id": ["1"], "area_ha": [1.0], "land_cover": [2], "productivity": [0]}
    ).assign(soil_carbon=0)
    with pytest.raises(BrokenData, match="land_cover is 2 at a"):
        land_degradation(table)


@pytest.mark.parametrize("people", [1000.0, 990.0, 1005.0])
def test_land_per_people_is_withheld_where_people_hardly_grow(people: float) -> None:
    years = pd.to_datetime(["2000-01-01", "2010-01-01"], utc=True)
    table = pd.DataFrame({"location_id": "a", "time": years, "built_up_ha": [100.0, 120.0]})
    assert land_use_efficiency(table.assign(population_people=[1000.0, people])).isna().all()


def test_unknown_covers_are_named() -> None:
    table = pd.DataFrame({"location_id": "a", "cover": ["forest", "crops"], "area_ha": [1.0, 2.0]})
    with pytest.raises(UnknownName, match="forest"):
        cover_share(table, cover="forrest")
    moved = table.rename(columns={"cover": "from_cover"}).assign(to_cover="crops")
    with pytest.raises(UnknownName):
        cover_gain(moved, cover="glacier")


def test_transitions_keep_the_area() -> None:
    rng = np.random.default_rng(8)
    pairs = pd.MultiIndex.from_product([["a", "b"], list("xyz"), list("xyz")])
    table = pairs.to_frame(index=False, name=["location_id", "from_cover", "to_cover"])
    found = transitions(table.assign(area_ha=rng.random(len(table)))).groupby(level="location_id").sum()
    np.testing.assert_allclose(found["before"], found["after"])
    np.testing.assert_allclose(found["gain"], found["loss"])
    np.testing.assert_allclose(found["net"], 0.0, atol=1e-12)


def test_two_areas_for_one_mapped_cover_are_refused() -> None:
    table = pd.DataFrame(
        {
            "location_id": "a",
            "map_cover": "forest",
            "reference_cover": ["forest", "crops"],
            "points_count": [9, 1],
            "map_area_ha": [10.0, 11.0],
        }
    )
    with pytest.raises(BrokenData, match="more than one area"):
        cover_area(table)


def test_every_edge_is_counted_once_for_all_and_once_for_each() -> None:
    table = pd.DataFrame(
        {"location_id": "a", "cover": ["x", "y"], "patch_id": "1", "area_ha": [1.0, 1.0], "edge_m": [100.0, 100.0]}
    )
    assert edge_density(table)["a"] == edge_density(table, cover="x")["a"] == 50.0


def test_a_place_without_the_cover_has_no_patch_of_it() -> None:
    table = pd.DataFrame({"location_id": ["a", "b"], "cover": ["x", "y"], "patch_id": "1", "area_ha": [100.0, 100.0]})
    assert patch_density(table, cover="x").to_dict() == {"a": 1.0, "b": 0.0}
