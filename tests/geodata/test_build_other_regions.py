"""The cleaning of the five smaller regions, on inputs small enough to check by hand."""

from __future__ import annotations

import struct
import zlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata import load_region, open_catalog
from geodata.build import california_ground, lombardy, noord_brabant, twin_cities, west_texas_ground
from geodata.errors import BrokenData
from geodata.panel import validate_panel

REGIONS = ("lombardy", "noord_brabant", "california_ground", "west_texas_ground", "twin_cities")


# --- Lombardy


def _station_days() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "IDStations": ["501", "501"],
            "time": pd.to_datetime(["2016-01-01", "2016-01-02"]),
            "AQ_co": ["  4.167e-01", "       NaN"],
            "WE_tot_precipitation": [0.0123, -1e-19],
            "WE_solar_radiation": [11_469_305.5, 149_100.0],
        }
    )


def test_lombardy_reads_numbers_kept_as_text() -> None:
    panel = lombardy.to_panel(_station_days(), {"co_mg_per_m3": lombardy.AIR["co_mg_per_m3"]})
    assert panel["co_mg_per_m3"].tolist()[0] == 0.42
    assert np.isnan(panel["co_mg_per_m3"].tolist()[1])
    validate_panel(panel)


def test_lombardy_rain_comes_in_metres_and_is_never_below_zero() -> None:
    panel = lombardy.to_panel(_station_days(), {"precipitation_mm": lombardy.WEATHER["precipitation_mm"]})
    assert panel["precipitation_mm"].tolist() == [12.3, 0.0]


def test_lombardy_rounds_to_steps_above_one() -> None:
    name = "solar_radiation_j_per_m2"
    panel = lombardy.to_panel(_station_days(), {name: lombardy.WEATHER[name]})
    assert panel[name].tolist() == [11_500_000.0, 100_000.0]


def test_months_and_years_start_where_they_should_and_skip_what_is_missing() -> None:
    panel = pd.DataFrame(
        {
            "location_id": ["a", "a", "a"],
            "time": pd.to_datetime(["2016-01-31", "2016-02-01", "2016-02-02"], utc=True),
            "x_m": [1.0, 4.0, np.nan],
        }
    )
    months = lombardy.averaged(panel, "month")
    assert months["time"].dt.strftime("%Y-%m-%d").tolist() == ["2016-01-01", "2016-02-01"]
    assert months["x_m"].tolist() == [1.0, 4.0]
    years = lombardy.averaged(panel, "year")
    assert years["time"].dt.strftime("%Y-%m-%d").tolist() == ["2016-01-01"]
    assert years["x_m"].tolist() == [2.5]


def test_people_are_counted_by_age_group_with_the_limits_on_the_right_side() -> None:
    people = pd.DataFrame({"municipality_code": [12001] * 4, "age": [14, 15, 64, 65], "tot": [1, 10, 100, 1000]})
    (row,) = lombardy.by_age_group(people, 2022).to_dict("records")
    assert row["location_id"] == "IT012001"
    assert row["time"] == pd.Timestamp("2022-01-01", tz="UTC")
    assert row["population_people"] == 1111
    assert row["population_under_15_people"] == 1
    assert row["population_65_and_over_people"] == 1000


# --- Noord-Brabant


def test_heads_become_daily_medians_without_rows_for_days_without_a_reading() -> None:
    readings = pd.Series(
        [1.0, 1.2, 9.0, np.nan, 2.0],
        index=pd.to_datetime(
            ["2011-01-01 01:00", "2011-01-01 02:00", "2011-01-01 23:59", "2011-01-02 12:00", "2011-01-04 12:00"]
        ),
        name="B49F0014_1",
    )
    panel = noord_brabant.daily_medians([readings])
    assert panel["head_m"].tolist() == [1.2, 2.0]
    assert panel["time"].dt.strftime("%Y-%m-%d %H:%M").tolist() == ["2011-01-01 00:00", "2011-01-04 00:00"]
    assert panel["location_id"].unique().tolist() == ["B49F0014_1"]
    validate_panel(panel)


def test_pumping_keeps_only_whole_months() -> None:
    days = pd.date_range("1926-01-31", "1926-03-15")
    daily = pd.Series(np.where(days.month == 2, 700.0, 800.0), index=days, name="Seppe")
    panel = noord_brabant.monthly_means(daily, "extraction_m3_per_day")
    assert panel["time"].dt.strftime("%Y-%m").tolist() == ["1926-02"]
    assert panel["extraction_m3_per_day"].tolist() == [700.0]


# --- California and Nevada


def _solutions() -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "latitude": [36.0, 36.000001, 36.0, 37.0],
            "longitude": [240.0, 240.0, 240.0001, 240.0],
            "height": [10.0, 10.1, 20.0, 30.0],
            "std_up": [0.002, 0.0005, 0.001, 0.001],
        }
    )
    for number, component in enumerate(("north", "east", "up")):
        rows[f"velocity_{component}"] = [0.001 + number, 0.002 + number, -0.0125, 0.004]
    for component in ("north", "east"):
        rows[f"std_{component}"] = 0.0002
    return rows


def test_solutions_for_one_site_give_its_least_uncertain_row() -> None:
    layer = california_ground.one_row_a_site(_solutions())
    # The first two rows lie 0.1 m apart, the third 9 m away.
    assert len(layer) == 3
    assert layer["uncertainty_up_mm_per_year"].tolist() == [0.5, 1.0, 1.0]
    assert layer["velocity_up_mm_per_year"].tolist() == [2002.0, -12.5, 4.0]
    assert layer.index.is_unique


def test_degrees_east_of_greenwich_become_degrees_west() -> None:
    layer = california_ground.one_row_a_site(_solutions())
    assert layer.geometry.x.round(4).tolist() == [-120.0, -119.9999, -120.0]


def test_antennas_that_share_a_position_to_three_decimals_are_numbered() -> None:
    names = california_ground.site_names(np.array([36.0001, 36.0002, 37.0]), np.array([120.0] * 3))
    assert names.tolist() == ["GPS 36.000° N, 120.000° W", "GPS 36.000° N, 120.000° W (2)", "GPS 37.000° N, 120.000° W"]


def test_the_people_of_counties_leave_out_states_and_the_rest_of_the_country() -> None:
    table = (
        "STATE,COUNTY,CTYNAME,CENSUS2010POP,POPESTIMATE2010,POPESTIMATE2011\n"
        "6,0,California,9,9,9\n"
        "06,001,Alameda County,1,10,20\n"
        "32,510,Carson City,2,30,40\n"
        "35,013,Do\u00f1a Ana County,3,50,60\n"
    )
    panel = california_ground.population({"co-est.csv": table.encode("latin-1")})
    assert panel["location_id"].tolist() == ["06001", "32510", "06001", "32510"]
    assert panel["time"].dt.strftime("%Y-%m-%d").tolist() == ["2010-01-01"] * 2 + ["2011-01-01"] * 2
    assert panel["population_people"].tolist() == [10, 30, 20, 40]
    validate_panel(panel)


# --- West Texas


def _half_precision_tiff(values: np.ndarray, *, compression: int = 8) -> bytes:
    """A TIFF of one 16 × 16 tile, written here by hand from the TIFF 6.0 specification."""
    height, width = values.shape
    tile = np.zeros((16, 16), dtype=np.float16)
    tile[:height, :width] = values
    bits = tile.view(np.uint16)
    differences = np.diff(bits, axis=1, prepend=np.uint16(0)).astype("<u2")
    packed = zlib.compress(differences.tobytes())
    doubles = struct.pack("<3d", 30.0, 30.0, 0.0) + struct.pack("<6d", 0, 0, 0, 717600.0, 3481740.0, 0)
    offset = 8 + len(doubles)
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, 16), (259, 3, 1, compression), (317, 3, 1, 2),
        (322, 3, 1, 16), (323, 3, 1, 16), (324, 4, 1, offset), (325, 4, 1, len(packed)), (339, 3, 1, 3),
        (33550, 12, 3, 8), (33922, 12, 6, 32),
    ]  # fmt: skip
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", offset + len(packed)) + doubles + packed + body


def test_half_precision_rasters_are_read_value_by_value() -> None:
    values = np.array([[0.5, -0.25, np.nan], [1.0, 0.0, -2.0]])
    raster = west_texas_ground.read_raster(_half_precision_tiff(values))
    np.testing.assert_array_equal(raster.values, values)
    assert (raster.cell_m, raster.left, raster.top) == (30.0, 717600.0, 3481740.0)


def test_a_raster_of_another_layout_is_refused() -> None:
    with pytest.raises(BrokenData, match="laid out"):
        west_texas_ground.read_raster(_half_precision_tiff(np.zeros((2, 2)), compression=5))
    with pytest.raises(BrokenData, match="little-endian"):
        west_texas_ground.read_raster(b"MM\0*")


def test_a_block_needs_half_of_its_cells() -> None:
    values = np.arange(32.0).reshape(4, 8)
    usable = np.ones((4, 8), dtype=bool)
    usable[:2, :4] = False
    usable[0, 4:] = usable[1, 4:] = usable[2, 4] = False
    medians = west_texas_ground.block_medians(values, usable)
    # Left: 16–19 and 24–27 remain, eight cells. Right: seven remain.
    assert medians[0, 0] == 21.5
    assert np.isnan(medians[0, 1])


def test_blocks_keep_cells_together_and_drop_what_fills_none() -> None:
    values = np.arange(5 * 9, dtype=float).reshape(5, 9)
    grouped = west_texas_ground.in_blocks(values)
    assert grouped.shape == (1, 2, 16)
    assert grouped[0, 1].tolist() == [4, 5, 6, 7, 13, 14, 15, 16, 22, 23, 24, 25, 31, 32, 33, 34]
    assert west_texas_ground.block_ids(1, 2) == ["block_00_00", "block_00_01"]


def test_neighbouring_blocks_share_their_corners_and_lie_north_up() -> None:
    content = _half_precision_tiff(np.linspace(0.3, 1.0, 64).reshape(8, 8))
    layer = west_texas_ground.blocks({"a/temporal_coherence_1.tif": content})
    assert shapely.coverage_is_valid(layer.geometry.to_numpy())
    assert layer.loc["block_00_00"].geometry.centroid.y > layer.loc["block_01_00"].geometry.centroid.y
    assert layer.loc["block_00_01"].geometry.centroid.x > layer.loc["block_00_00"].geometry.centroid.x
    # 120 m a side, whatever the rounding of the corners.
    assert layer.to_crs(32613).area.to_numpy() == pytest.approx(120.0**2, rel=0.03)


# --- Twin Cities


def _traffic_rows(**changes: object) -> pd.DataFrame:
    rows = {
        "date_time": ["2013-07-01 07:00:00", "2013-07-01 07:00:00", "2013-07-01 08:00:00"],
        "traffic_volume": [5000, 5000, 4000],
        "temp": [290.0, 292.0, 0.0],
        "rain_1h": [1.0, 1.0, 9831.3],
        "clouds_all": [40, 60, 90],
        "weather_main": ["Rain", "Drizzle", "Rain"],
    }
    return pd.DataFrame(rows | changes)


def test_rows_of_one_hour_become_one_in_utc() -> None:
    panel = twin_cities.one_row_an_hour(_traffic_rows())
    assert panel["time"].tolist() == [
        pd.Timestamp("2013-07-01 12:00", tz="UTC"),
        pd.Timestamp("2013-07-01 13:00", tz="UTC"),
    ]
    assert panel["traffic_veh_per_h"].tolist() == [5000.0, 4000.0]
    assert panel["temperature_c"].tolist()[0] == pytest.approx(17.85)
    assert panel["cloud_cover_percent"].tolist() == [50.0, 90.0]
    validate_panel(panel)


def test_impossible_temperature_and_rain_are_missing() -> None:
    panel = twin_cities.one_row_an_hour(_traffic_rows())
    assert np.isnan(panel["temperature_c"].tolist()[1])
    assert np.isnan(panel["precipitation_mm"].tolist()[1])
    assert panel["precipitation_mm"].tolist()[0] == 1.0


def test_the_hour_that_occurs_twice_or_never_is_left_out() -> None:
    times = ["2016-11-06 01:00:00", "2016-11-06 02:00:00", "2016-03-13 02:00:00"]
    panel = twin_cities.one_row_an_hour(_traffic_rows(date_time=times))
    assert panel["time"].tolist() == [pd.Timestamp("2016-11-06 08:00", tz="UTC")]


def test_rain_is_missing_in_a_month_that_is_called_wet_but_has_none() -> None:
    rows = pd.DataFrame(
        {
            "hour": pd.to_datetime(["2017-01-01", "2017-01-02", "2017-02-01", "2017-03-01", "2017-03-02"]),
            "rain_1h": [0.0, 0.0, 0.0, 0.0, 2.5],
            "weather_main": ["Rain", "Clear", "Clear", "Clear", "Rain"],
        }
    )
    rain = twin_cities.measured_rain(rows).tolist()
    assert np.isnan(rain[:2]).all()
    # A month that nobody called wet may well have been dry, and a recorded month keeps its zeros.
    assert rain[2:] == [0.0, 0.0, 2.5]


# --- What is bundled, against figures from outside this project


@pytest.mark.parametrize(
    ("dataset", "places"),
    [
        ("lombardy_stations", 141),  # Fassò et al. 2023
        ("lombardy_municipalities", 1506),  # Istat, 2022
        ("noord_brabant_wells", 44),  # Collenteur et al. 2019
        ("california_ground_counties", 58 + 17),  # California and, with Carson City, Nevada
        ("twin_cities_counties", 7),  # Metropolitan Council
    ],
)
def test_places_are_as_many_as_their_producers_say(dataset: str, places: int) -> None:
    assert len(open_catalog()[dataset].load()) == places


def test_the_people_of_lombardy_add_up_to_the_national_institutes_total() -> None:
    panel = open_catalog()["lombardy_population"].load()
    # Istat: residents of Lombardy on 1 January 2022, and the provisional figure of 2023.
    assert panel.groupby(panel["time"].dt.year)["population_people"].sum().to_dict() == {
        2022: 9_943_004,
        2023: 9_950_742,
    }


def test_the_people_of_california_and_nevada_add_up_to_the_census_bureaus_totals() -> None:
    region = load_region("california_ground")
    panel = region.table("california_ground_population")
    # Every county, in every year.
    assert set(panel["location_id"]) == set(region.table(region.home).index)
    assert panel["population_people"].notna().sum() == 75 * 10
    # U.S. Census Bureau, NST-EST2019-01: resident population on 1 July of California and of Nevada.
    state = panel["location_id"].astype(str).str[:2]
    total = panel.groupby([state, panel["time"].dt.year])["population_people"].sum()
    assert total[[("06", 2010), ("06", 2019)]].tolist() == [37_319_502, 39_512_223]
    assert total[[("32", 2010), ("32", 2019)]].tolist() == [2_702_405, 3_080_156]


def test_the_counties_said_to_have_no_gps_site_are_those() -> None:
    region = load_region("california_ground")
    counties = region.table("california_ground_counties")
    sites = region.table("california_ground_sites")
    seen = sites.sjoin(counties[["geometry"]], predicate="within")["location_id_right"].unique()
    unseen = counties[~counties.index.isin(seen)]
    names = ["Amador, CA", "Calaveras, CA", "Esmeralda, NV", "Lincoln, NV", "Yuba, CA"]
    assert sorted(unseen["name"]) == names
    panel = region.table("california_ground_population")
    theirs = panel[panel["location_id"].isin(unseen.index) & (panel["time"].dt.year == 2019)]
    told = " ".join(region.dataset("california_ground_population").flaws)
    assert f"{theirs['population_people'].sum():,} people in 2019" in told
    assert f"{counties['land_area_km2'].max():,.0f} km²" in told


def test_the_reference_cell_of_the_radar_did_not_move() -> None:
    panel = open_catalog()["west_texas_ground_displacement"].load()
    # Cell 258, 142 is the reference; its block can hold no more than the noise between neighbours.
    block = panel[panel["location_id"] == f"block_{258 // 4:02d}_{142 // 4:02d}"]
    assert len(block) == 8
    assert block["displacement_mm"].abs().max() < 2.0


def test_the_wettest_day_at_oudenbosch_is_that_of_september_1998() -> None:
    panel = open_catalog()["noord_brabant_rain"].load()
    wettest = panel.loc[panel["precipitation_mm"].idxmax()]
    assert wettest["time"] == pd.Timestamp("1998-09-14", tz="UTC")


@pytest.mark.parametrize("region", REGIONS)
def test_values_lie_within_the_limits_that_their_description_calls_plausible(region: str) -> None:
    for dataset in load_region(region).datasets:
        table = dataset.load()
        for name, column in dataset.columns.items():
            values = table[name].dropna()
            assert len(values), f"{dataset.id}.{name} is empty"
            assert values.between(column.minimum, column.maximum).all(), f"{dataset.id}.{name}"


@pytest.mark.parametrize("region", REGIONS)
def test_every_place_has_a_name_of_its_own(region: str) -> None:
    for dataset in load_region(region).datasets:
        if dataset.kind == "layer":
            names = dataset.load()["name"]
            assert names.notna().all(), dataset.id
            assert names.str.len().gt(2).all(), dataset.id
            assert names.is_unique, dataset.id


@pytest.mark.parametrize("region", REGIONS)
def test_every_panel_stands_on_its_layer(region: str) -> None:
    found = load_region(region)
    for dataset in found.datasets:
        if dataset.kind == "panel":
            layer = found.layer_of(dataset)
            assert isinstance(layer, gpd.GeoDataFrame)
            assert set(dataset.load()["location_id"]) <= set(layer.index), dataset.id


def test_municipalities_still_meet_after_simplification() -> None:
    layer = open_catalog()["lombardy_municipalities"].load()
    # Simplified together, they lose and overlap less than a thousandth of the region's area (23,863 km²: Istat).
    metric = layer.to_crs(32632)
    assert metric.area.sum() / 1e6 == pytest.approx(23_863, rel=0.001)
    assert metric.union_all().area == pytest.approx(metric.area.sum(), rel=1e-4)
