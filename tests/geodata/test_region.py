from __future__ import annotations

from pathlib import Path

import pytest

from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.region import load_region, regions
from geodata.settings import settings
from tests.world import World, make_world


def write_region(world: World, old: str, new: str) -> None:
    path = world.regions / world.region / "region.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_region_has_its_layers_and_panels(world: World) -> None:
    region = load_region(world.region)
    assert (region.id, region.name, region.timezone) == (world.region, "Two Valleys", "Europe/Rome")
    assert list(region.layers) == ["gauges"]
    assert list(region.panels) == ["river_daily"]
    assert [d.id for d in region.mappable()] == ["river_daily"]
    assert region.base()["kind"].tolist() == ["land"]
    assert region.layer_of(region.dataset("river_daily")).index.tolist() == ["001", "002", "003"]


def test_a_region_is_loaded_once_and_again_when_it_changed(world: World) -> None:
    first = load_region(world.region)
    assert load_region(world.region) is first
    assert first.table("river_daily") is first.table("river_daily")
    write_region(world, "Two Valleys", "Three Valleys")
    assert load_region(world.region).name == "Three Valleys"


def test_places_stand_once_each_and_those_without_a_position_too(world: World) -> None:
    world.replace("river_daily", 'locations = "gauges"\n', "")
    with world.toml("river_daily").open("a", encoding="utf-8") as file:
        file.write('\n[places]\n001 = "Ponte Alto"\nGRID = "The whole grid"\n')
    places = load_region(world.region).places()
    assert places.index.tolist() == ["001", "002", "003", "GRID"]
    assert places.loc["001", "layer"] == "gauges"
    assert places.loc["GRID", "layer"] == ""
    assert places.loc["GRID", "geometry"].is_empty
    with pytest.raises(AlmanacError, match="no position"):
        region = load_region(world.region)
        region.layer_of(region.dataset("river_daily"))


def test_days_are_not_told_on_the_regions_clock_but_moments_are(world: World) -> None:
    region = load_region(world.region)
    assert (region.clock("1 hour"), region.clock("5 minutes")) == ("Europe/Rome", "Europe/Rome")
    assert (region.clock("1 day"), region.clock("1 year")) == ("UTC", "UTC")


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("two_valey", "two_valleys"),
        ("zzz", "Choose one of: two_valleys"),
        ("", "Choose one of"),
        ("../two_valleys", "two_valleys"),
    ],
)
def test_an_unknown_region_is_told_with_the_nearest(world: World, asked: str, near: str) -> None:
    with pytest.raises(UnknownName, match="There is no region") as caught:
        load_region(asked)
    assert near in caught.value.hint


def test_unknown_datasets_and_columns_of_a_region(world: World) -> None:
    region = load_region(world.region)
    with pytest.raises(UnknownName, match="no dataset “gages”") as caught:
        region.dataset("gages")
    assert "gauges" in caught.value.hint
    with pytest.raises(UnknownName, match="no column “flow”"):
        region.series("river_daily.flow")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Two Valleys"\n', "", "lacks the key “name”"),
        ("timezone =", "time_zone =", "unknown key “time_zone”"),
        ("EPSG:32632", "EPSG:4326", "not in metres"),
        ("EPSG:32632", "EPSG:2225", "not in metres"),  # feet
        ("EPSG:32632", "EPSG:999999", "two_valleys/region.toml"),
        ("Europe/Rome", "Europe/Atlantis", "Atlantis"),
        ("Europe/Rome", "../etc/passwd", "two_valleys/region.toml"),
        ('home = "gauges"', 'home = "towns"', "home names the dataset “towns”"),
        ('home = "gauges"', 'home = "river_daily"', "home names the dataset “river_daily”, a panel of the theme water"),
        ('home = "gauges"', 'home = "valley_base"', "a layer of the theme basemap"),
        ('basemap = "valley_base"', 'basemap = "gauges"', "a layer of the theme water"),
        ('basemap = "valley_base"', 'basemap = "nothing"', "basemap names the dataset “nothing”"),
        ("river_daily.discharge_m3_per_s", "river_daily.flow", "no column “flow”"),
        ("river_daily.discharge_m3_per_s", "river_daily", "no column"),
        ("river_daily.discharge_m3_per_s", "rivers.flow", "“rivers.flow” names a dataset"),
        ('name = "Two', "name = Two", "not valid TOML"),
    ],
)
def test_a_broken_region_is_named(world: World, old: str, new: str, said: str) -> None:
    write_region(world, old, new)
    with pytest.raises(AlmanacError) as caught:
        load_region(world.region)
    assert said in caught.value.message
    assert caught.value.hint


def test_a_dataset_on_a_layer_that_is_broken_or_absent(world: World) -> None:
    world.replace("river_daily", 'locations = "gauges"', 'locations = "wells"')
    with pytest.raises(BrokenData, match="lies on the layer “wells”"):
        load_region(world.region)
    make_world(world.sources.parent)
    world.replace("gauges", "producer =", "producre =")
    with pytest.raises(BrokenData, match="producre"):
        load_region(world.region)


def test_a_broken_region_does_not_take_the_others_down(world: World) -> None:
    broken = world.regions / "broken_place"
    broken.mkdir()
    (broken / "region.toml").write_text("name = 3", encoding="utf-8")
    assert regions() == [world.region, "broken_place"]
    with pytest.raises(BrokenData):
        load_region("broken_place")
    assert load_region(world.region).table("river_daily").shape == (90, 4)


def test_a_folder_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALMANAC_REGIONS", str(tmp_path / "absent"))
    settings.cache_clear()
    try:
        with pytest.raises(AlmanacError, match=r"ALMANAC_REGIONS names .*absent, which is not a folder") as caught:
            regions()
        assert "unset ALMANAC_REGIONS" in caught.value.hint
    finally:
        settings.cache_clear()
