"""Every bundled region: it opens, its projection fits, its map and its places are there."""

from __future__ import annotations

from zoneinfo import available_timezones

import pyproj
import pytest
import shapely

from geodata.catalog import open_catalog
from geodata.region import load_region, regions
from geodata.settings import settings

KINDS = {"land", "country", "state", "lake", "river", "city"}
every_region = pytest.mark.parametrize("region_id", regions())


def test_the_promised_regions_are_there() -> None:
    assert set(regions()) >= {
        "mid_atlantic",
        "lombardy",
        "noord_brabant",
        "california_ground",
        "west_texas_ground",
        "twin_cities",
    }
    assert regions()[0] == settings().region


def test_every_described_region_has_its_folder() -> None:
    assert {d.region for d in open_catalog().values()} == set(regions())


@every_region
def test_it_opens(region_id: str) -> None:
    region = load_region(region_id)
    assert region.name and region.summary.endswith(".")
    assert region.timezone in available_timezones()
    dataset, column = region.series(region.opens_on)
    assert dataset in region.mappable(), "what is shown first must be on the map"
    assert region.table(dataset.id)[column.name].notna().any()


@every_region
def test_the_metric_projection_is_made_for_it(region_id: str) -> None:
    region = load_region(region_id)
    crs = pyproj.CRS(region.crs_metric)
    home = region.table(region.home)
    bounds = home.to_crs(4326).total_bounds
    area = crs.area_of_use
    assert area is not None
    assert shapely.box(area.west, area.south, area.east, area.north).buffer(1e-9).contains(shapely.box(*bounds))
    # Lengths there are lengths: within 1 % of those on the ellipsoid, along and across the middle of the region.
    west, south, east, north = bounds
    middle = ((west + east) / 2, (south + north) / 2)
    geod = pyproj.Geod(ellps="WGS84")
    to_metric = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    for azimuth in (0, 90):
        lon, lat, _ = geod.fwd(*middle, azimuth, 1000.0)
        x, y = to_metric.transform([middle[0], lon], [middle[1], lat])
        length = ((x[1] - x[0]) ** 2 + (y[1] - y[0]) ** 2) ** 0.5
        assert length == pytest.approx(1000.0, rel=0.01), f"{region.crs_metric} stretches by {length / 1000:.3f}"


@every_region
def test_its_map_has_land_and_names(region_id: str) -> None:
    region = load_region(region_id)
    base = region.base()
    assert set(base["kind"].unique()) <= KINDS
    assert "land" in set(base["kind"].unique()) or "country" in set(base["kind"].unique())
    ground = shapely.box(*base.total_bounds)
    assert ground.intersects(shapely.box(*region.table(region.home).total_bounds))
    labelled = base[base["kind"] == "city"]
    assert labelled["name"].notna().all()
    assert labelled["rank"].notna().all()


@every_region
def test_its_places_are_built_once_each(region_id: str) -> None:
    region = load_region(region_id)
    places = region.places()
    assert not places.index.has_duplicates
    assert places["name"].notna().all()
    assert {str(i) for d in region.layers for i in region.table(d).index} <= set(places.index)
    for dataset in region.panels.values():
        assert set(region.table(dataset.id)["location_id"].unique()) <= set(places.index)
    empty = places.geometry.is_empty
    assert (places.loc[empty, "layer"] == "").all()
    assert (places.loc[~empty, "layer"] != "").all()


@every_region
def test_its_layers_lie_near_its_home_or_say_that_they_do_not(region_id: str) -> None:
    region = load_region(region_id)
    home = shapely.box(*region.table(region.home).to_crs(region.crs_metric).total_bounds)
    for layer_id, dataset in region.layers.items():
        extent = shapely.box(*region.table(layer_id).to_crs(region.crs_metric).total_bounds)
        if not extent.intersects(home):
            told = " ".join((dataset.title, dataset.summary, *dataset.flaws)).lower()
            assert "outside" in told or "overlap" in told, (
                f"{layer_id} does not overlap {region.home} and does not say so"
            )
