"""Every dataset that is described: what its description says is what its file holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geodata.catalog import Catalog, open_catalog
from geodata.dataset import CALENDAR_STEPS, Dataset
from geodata.panel import value_columns
from geodata.region import load_region
from geodata.settings import settings
from geodata.units import to_canonical
from tests.test_environment import HOSTS

CATALOG: Catalog = open_catalog()
DATASETS = list(CATALOG.values())
PANELS = [d for d in DATASETS if d.kind == "panel"]
LAYERS = [d for d in DATASETS if d.kind == "layer"]
# How much of a column may lie outside its limits of plausible values before the limits, or the column, are wrong.
OUTSIDE = 0.005
SIZE = 25_000_000
SAME_PLACE_METRES = 5_000
REGISTRIES = (*HOSTS, "npmjs", "jsdelivr", "debian.org")
INTERVAL = {
    "5 minutes": timedelta(minutes=5),
    "15 minutes": timedelta(minutes=15),
    "1 hour": timedelta(hours=1),
    "1 day": timedelta(days=1),
    "12 days": timedelta(days=12),
}

every_dataset = pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.id)
every_panel = pytest.mark.parametrize("dataset", PANELS, ids=lambda d: d.id)
every_layer = pytest.mark.parametrize("dataset", LAYERS, ids=lambda d: d.id)


@cache
def loaded(dataset: Dataset) -> pd.DataFrame | gpd.GeoDataFrame:
    return dataset.load()


def test_every_description_can_be_read() -> None:
    assert {name: str(error) for name, error in CATALOG.broken.items()} == {}
    assert DATASETS


def test_every_file_is_described_and_every_description_has_its_file() -> None:
    described = {d.path.relative_to(settings().regions) for d in DATASETS}
    found = {p.relative_to(settings().regions) for p in settings().regions.rglob("*") if p.is_file()}
    assert {p for p in found if p.name != "region.toml"} == described


def test_all_regions_together_stay_small() -> None:
    assert sum(p.stat().st_size for p in settings().regions.rglob("*") if p.is_file()) < SIZE


@every_dataset
def test_the_checksum_agrees_and_the_contract_is_kept(dataset: Dataset) -> None:
    assert len(loaded(dataset)) > 0


@every_dataset
def test_its_origin_is_told(dataset: Dataset) -> None:
    for words in (dataset.title, dataset.summary, dataset.producer, dataset.licence, dataset.citation):
        assert words.strip() == words != ""
    assert "stated" not in dataset.licence.lower() or dataset.licence == "not stated"
    assert dataset.url.startswith(("https://", "http://"))
    assert not any(host in dataset.url for host in REGISTRIES)
    assert not dataset.title.endswith(".")
    assert dataset.title[0] == dataset.title[0].upper()
    assert dataset.summary.endswith((".", "?"))
    for sentence in dataset.flaws:
        assert sentence.endswith("."), sentence
    package = dataset.package
    assert package is not None
    assert package.name and package.version and package.licence and package.files
    assert len(package.files) == len(package.sha256)
    assert all(re.fullmatch("[0-9a-f]{64}", found) for found in (dataset.sha256, *package.sha256))
    assert dataset.observed_to <= dataset.retrieved <= date.today()


@every_dataset
def test_it_is_used(dataset: Dataset) -> None:
    region = load_region(dataset.region)
    roles = {region.home, region.basemap, *(d.locations for d in region.datasets)}
    assert dataset.columns or dataset.id in roles, "a layer without values that no panel lies on"
    assert (dataset.theme == "basemap") == (dataset.id == region.basemap)


@every_dataset
def test_the_described_columns_are_those_of_the_file(dataset: Dataset) -> None:
    table = loaded(dataset)
    assert set(dataset.columns) == set(value_columns(table))
    flags = {c.flag for c in dataset.columns.values() if c.flag}
    assert flags == {c for c in table.columns if str(c).endswith("_flag")}
    for column in dataset.columns.values():
        assert column.title.strip() and column.source.strip()
        assert table[column.name].notna().any(), f"{column.name} holds nothing"
        assert not (column.flags and column.flag is None)
        if column.flag is not None:
            assert set(table[column.flag].dropna().unique()) <= set(column.flags), f"{column.flag} has unknown marks"


@every_dataset
def test_units_agree(dataset: Dataset) -> None:
    for column in dataset.columns.values():
        # The canonical unit converts into itself, so that a file in it needs no factor.
        assert to_canonical(1.0, column.canonical_unit.code) == 1.0
        assert column.unit == column.canonical_unit.code


@every_dataset
def test_the_values_are_plausible(dataset: Dataset, record_property: Callable[[str, object], None]) -> None:
    table = loaded(dataset)
    shares = {}
    for column in dataset.columns.values():
        values = table[column.name].dropna().to_numpy(float)
        shares[column.name] = float(np.mean((values < column.minimum) | (values > column.maximum)))
        record_property(f"outside limits {column.name}", shares[column.name])
        assert np.isfinite([column.minimum, column.maximum]).all(), "a limit that limits nothing"
    too_many = {name: f"{share:.2%} outside" for name, share in shares.items() if share > OUTSIDE}
    assert not too_many


@every_panel
def test_the_period_is_what_the_file_holds(dataset: Dataset) -> None:
    panel = loaded(dataset)
    held = panel.loc[panel[list(dataset.columns)].notna().any(axis=1), "time"]
    clock = load_region(dataset.region).clock(dataset.step)
    first, last = (moment.tz_convert(clock) for moment in (held.min(), held.max()))
    if dataset.step == "1 year":
        ends = {last.date(), (last + pd.offsets.YearEnd(0)).date()}
    elif dataset.step == "1 month":
        ends = {last.date(), (last + pd.offsets.MonthEnd(0)).date()}
    else:
        ends = {last.date()}
    assert dataset.observed_from == first.date()
    assert dataset.observed_to in ends


@every_panel
def test_the_rows_are_in_order_and_on_their_step(dataset: Dataset) -> None:
    panel = loaded(dataset)
    ordered = panel[["location_id", "time"]].astype({"location_id": "str"})
    assert ordered.equals(ordered.sort_values(["location_id", "time"], ignore_index=True))
    times = panel["time"].drop_duplicates()
    if dataset.step in CALENDAR_STEPS:
        assert (times == times.dt.floor("D")).all(), "a calendar day begins at 00:00 UTC"
    if dataset.step in {"1 month", "1 year"}:
        assert (times.dt.day == 1).all()
    if dataset.step == "1 year":
        assert (times.dt.month == 1).all()
    if dataset.step in {"5 minutes", "15 minutes", "1 hour"}:
        assert (times == times.dt.floor(INTERVAL[dataset.step])).all()
    if dataset.step in INTERVAL:
        apart = panel.groupby("location_id", observed=True)["time"].diff().dropna()
        assert (apart >= INTERVAL[dataset.step]).all(), "closer than its step"
        assert apart.empty or apart.median() < 2 * INTERVAL[dataset.step]
    if dataset.step == "once":
        assert not panel["location_id"].duplicated().any()


@every_panel
def test_its_places_exist(dataset: Dataset) -> None:
    ids = set(loaded(dataset)["location_id"].unique())
    if dataset.locations is None:
        assert set(dataset.places) == ids
    else:
        assert not dataset.places
        layer = CATALOG[dataset.locations]
        assert layer.region == dataset.region
        assert ids <= set(loaded(layer).index)


@every_layer
def test_a_layer_is_stored_flat_in_degrees_with_names(dataset: Dataset) -> None:
    layer = loaded(dataset)
    assert layer.crs.to_epsg() == 4326
    assert not layer.geometry.has_z.any()
    west, south, east, north = layer.total_bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    if dataset.theme != "basemap":
        assert layer["name"].notna().all()
        assert (layer["name"].str.strip() == layer["name"]).all()
        assert (layer["name"] != "").all()


@pytest.mark.parametrize("region", sorted({d.region for d in LAYERS}))
def test_an_id_in_two_layers_is_the_same_place(region: str) -> None:
    layers = [d for d in LAYERS if d.region == region and d.theme != "basemap"]
    metric = load_region(region).crs_metric
    for i, one in enumerate(layers):
        for other in layers[i + 1 :]:
            shared = loaded(one).index.intersection(loaded(other).index)
            here, there = (loaded(d).geometry.loc[shared].to_crs(metric) for d in (one, other))
            apart = here.distance(there)
            assert (apart <= SAME_PLACE_METRES).all(), (
                f"{one.id} and {other.id}: {apart.idxmax()} is {apart.max():.0f} m apart"
            )
