from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.errors import BrokenData
from geodata.panel import validate_layer, validate_panel, value_columns
from tests.world import gauges, panel


def test_a_good_panel_is_returned_itself() -> None:
    good = panel()
    assert validate_panel(good) is good


def test_categorical_ids_are_text_too() -> None:
    good = panel().astype({"location_id": "category"})
    assert validate_panel(good) is good
    good = panel().astype({"location_id": "object"})
    assert validate_panel(good) is good


def test_an_empty_panel_keeps_the_contract() -> None:
    assert validate_panel(panel().iloc[:0]).empty


def test_value_columns_are_neither_keys_nor_flags() -> None:
    assert value_columns(panel()) == ["discharge_m3_per_s"]
    assert value_columns(gauges()) == []


BROKEN_PANELS: list[tuple[str, Callable[[pd.DataFrame], pd.DataFrame]]] = [
    ("time is absent", lambda p: p.drop(columns="time")),
    ("location_id is absent", lambda p: p.drop(columns="location_id")),
    ("not moments in UTC", lambda p: p.assign(time=p["time"].dt.tz_localize(None))),
    ("not moments in UTC", lambda p: p.assign(time=p["time"].dt.tz_convert("Europe/Rome"))),
    ("not moments in UTC", lambda p: p.assign(time=p["time"].astype("str"))),
    ("1 rows have no time", lambda p: p.assign(time=p["time"].where(p.index != 3))),
    ("not text", lambda p: p.assign(location_id=p["location_id"].astype(int))),
    ("not text", lambda p: p.assign(location_id=p["location_id"].astype(int).astype("category"))),
    ("have no location_id", lambda p: p.assign(location_id=p["location_id"].where(p.index != 3))),
    ("1 rows repeat a location and time, the first 001", lambda p: pd.concat([p, p.iloc[[0]]])),
    ("no value column", lambda p: p.drop(columns="discharge_m3_per_s")),
    ("no known unit", lambda p: p.assign(mystery=1.0)),
    ("not numbers", lambda p: p.assign(rain_mm="1,5")),
    ("not numbers", lambda p: p.assign(rain_mm=True)),
    ("not numbers", lambda p: p.assign(rain_mm=p["time"])),
    ("2 values of rain_mm are infinite", lambda p: p.assign(rain_mm=np.where(p.index < 2, -np.inf, 1.0))),
]


@pytest.mark.parametrize(("said", "spoil"), BROKEN_PANELS)
def test_each_broken_rule_is_named(said: str, spoil: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    with pytest.raises(BrokenData, match=said) as caught:
        validate_panel(spoil(panel()), name="the_file")
    assert "the_file" in caught.value.message or "no known unit" in said
    assert caught.value.hint.endswith((".", "?"))


def test_validation_changes_nothing() -> None:
    given = panel()
    before = given.copy(deep=True)
    validate_panel(given)
    pd.testing.assert_frame_equal(given, before)


def test_a_good_layer_is_returned_itself() -> None:
    good = gauges()
    assert validate_layer(good) is good


BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
BROKEN_LAYERS: list[tuple[str, Callable[[gpd.GeoDataFrame], pd.DataFrame]]] = [
    ("no geometry", lambda g: pd.DataFrame(g.drop(columns="geometry"))),
    ("no coordinate reference system", lambda g: g.set_crs(None, allow_override=True)),
    ("not by location_id", lambda g: g.rename_axis("id")),
    ("002 stands twice", lambda g: gpd.GeoDataFrame(pd.concat([g, g.loc[["002"]]]))),
    ("not text", lambda g: g.set_index(pd.Index([1, 2, 3], name="location_id"))),
    ("1 places have no location_id", lambda g: g.set_index(pd.Index(["1", None, "3"], name="location_id"))),
    ("1 places have no geometry, the first 003", lambda g: g.set_geometry([*g.geometry[:2], None])),
    ("1 places have no geometry, the first 001", lambda g: g.set_geometry([shapely.Point(), *g.geometry[1:]])),
    (
        "1 geometries are invalid, the first 002",
        lambda g: g.set_geometry([g.geometry.iloc[0], BOW_TIE, BOW_TIE.buffer(0)]),
    ),
]


@pytest.mark.parametrize(("said", "spoil"), BROKEN_LAYERS)
def test_each_broken_rule_of_a_layer_is_named(said: str, spoil: Callable[[gpd.GeoDataFrame], pd.DataFrame]) -> None:
    with pytest.raises(BrokenData, match=said) as caught:
        validate_layer(spoil(gauges()), name="the_layer")
    assert caught.value.message.startswith("the_layer: ")
    assert caught.value.hint.endswith(".")
