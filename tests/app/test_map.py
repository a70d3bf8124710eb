from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from analytics.classes import class_breaks, classify
from app.map import geometry
from app.map.component import _settled
from app.map.encoding import from_decimal, pack, rounded, to_decimal, unpack
from app.map.geometry import basemap_geojson, pack_layer, publish, published_folder
from geodata.errors import BrokenData


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path))
    published_folder.cache_clear()
    yield tmp_path / "published"
    published_folder.cache_clear()


def squares(n: int, *, across: int = 64) -> gpd.GeoDataFrame:
    """n squares of half a degree side by side."""
    at = np.arange(n)
    west, south = -100 + 0.5 * (at % across), 20 + 0.5 * (at // across)
    names = [f"Place {i}" for i in at]
    return gpd.GeoDataFrame({"name": names}, geometry=shapely.box(west, south, west + 0.5, south + 0.5), crs=4326,
                            index=pd.Index([f"{i:05d}" for i in at], name="location_id"))  # fmt: skip


# ---- numbers


@given(some.lists(some.floats(min_value=-1e100, max_value=1e100, allow_nan=False), max_size=50))
def test_numbers_keep_four_digits(values: list[float]) -> None:
    known = rounded(values)
    for before, after in zip(values, known, strict=True):
        if abs(before) > 1e-100:
            assert math.isclose(before, after, rel_tol=5.1e-4)


def test_numbers_that_are_not_there_stay_away() -> None:
    assert np.isnan(rounded([math.nan, math.inf, -math.inf])).all()
    assert rounded([0.0, -0.0, 1234.0, 0.1, 0.3, -7e-5]).tolist() == [0.0, 0.0, 1234.0, 0.1, 0.3, -7e-5]
    assert rounded([99999.0, -99996.0, 12345678.0]).tolist() == [100000.0, -100000.0, 12350000.0]


@given(some.lists(some.integers(-(2**30), 2**30), max_size=80), some.lists(some.integers(-9, 9), max_size=80))
def test_a_packet_opens_as_it_was_packed(many: list[int], few: list[int]) -> None:
    header, sections = unpack(pack({"title": "臺北 <b>", "n": 3}, {"many": many, "few": few}))
    assert header == {"title": "臺北 <b>", "n": 3}
    assert sections["many"].tolist() == many and sections["few"].tolist() == few


@pytest.mark.parametrize(("places", "limit"), [(3142, 6_500), (50_176, 100_000)])
def test_values_are_small_on_the_wire(places: int, limit: int) -> None:
    for values in (np.random.default_rng(0).normal(10, 3, places), np.random.default_rng(0).lognormal(3, 2, places)):
        mantissa, exponent = to_decimal(values)
        packet = pack({}, {"m": mantissa, "e": exponent})
        assert len(packet) < limit
        assert np.allclose(from_decimal(mantissa, exponent), values, rtol=5.1e-4)


# ---- geometry


def rebuilt(layer: gpd.GeoDataFrame) -> tuple[dict, np.ndarray, dict[str, np.ndarray]]:
    """The header, the ring vertices in degrees, and the raw sections of a packed layer."""
    packet, _ = pack_layer(layer)
    header, sections = unpack(packet)
    x, y = np.cumsum(sections["x"]), np.cumsum(sections["y"])
    cell = 2.0 ** -header["power"]
    lon = (header["origin"][0] + x) * cell * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (header["origin"][1] + y) * cell))))
    return header, np.column_stack([lon, lat]), sections


def test_triangles_cover_each_polygon_and_nothing_else() -> None:
    holed = shapely.Polygon([(0, 0), (4, 0), (4, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    islands = shapely.MultiPolygon([shapely.box(5, 0, 6, 1), shapely.box(7, 2, 9, 3)])
    star = shapely.Polygon([(10, 0), (11, 2), (10, 4), (12, 3), (14, 4), (13, 2), (14, 0), (12, 1)])
    layer = gpd.GeoDataFrame(
        {"location_id": ["a", "b", "c"], "name": ["A", "B", "C"]}, geometry=[holed, islands, star], crs=4326
    )
    header, vertices, sections = rebuilt(layer)
    a = np.cumsum(sections["a"])
    corners = np.stack([a, a + sections["b"], a + sections["c"]], axis=1)
    owner = np.repeat(np.arange(3), sections["triangles"])
    triangles = shapely.polygons(vertices[corners])
    for place, shape in enumerate(layer.geometry):
        own = triangles[owner == place]
        assert shapely.area(own).sum() == pytest.approx(shape.area, rel=1e-4)
        assert shapely.symmetric_difference(shapely.union_all(own), shape).area < 1e-3 * shape.area
    assert header["ids"] == ["a", "b", "c"] and header["kind"] == "polygon"


@pytest.mark.parametrize("shapes", [
    [shapely.Point(0, 0), shapely.Point(10, 50)],
    [shapely.LineString([(0, 0), (1, 1), (2, 0)]), shapely.MultiLineString([[(3, 3), (4, 4)], [(5, 5), (6, 7)]])],
])  # fmt: skip
def test_points_and_lines_come_back_within_two_metres(shapes: list) -> None:
    layer = gpd.GeoDataFrame({"name": ["x", "y"]}, geometry=shapes, crs=4326, index=["x", "y"])
    _, vertices, _ = rebuilt(layer)
    assert np.abs(vertices - shapely.get_coordinates(shapes)).max() < 2 / 111_000 + 1e-7


def test_a_layer_is_published_once_under_its_content(cache: Path) -> None:
    layer = squares(30)
    first = publish(layer)
    assert publish(layer) is first and publish(first) is first
    assert publish(layer.copy()).file == first.file
    assert [file.name for file in cache.glob("*.bin")] == [first.file]
    moved = layer.copy()
    moved.geometry = moved.geometry.translate(1, 0)
    assert publish(moved).file != first.file


def test_another_projection_is_brought_to_degrees() -> None:
    layer = squares(4)
    assert pack_layer(layer.to_crs(5070))[1].bounds == pytest.approx(pack_layer(layer)[1].bounds, abs=1e-3)


@pytest.mark.parametrize(("shape", "crs", "said"), [
    (shapely.box(0, 0, 1, 1), None, "coordinate reference system"),
    (None, 4326, "no geometry"),
    (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), 4326, "not valid"),
    (shapely.Point(0, 0), 4326, "mixes"),
])  # fmt: skip
def test_a_broken_layer_is_told_in_two_sentences(shape: object, crs: int | None, said: str) -> None:
    layer = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[shapely.box(3, 3, 4, 4), shape], index=["a", "b"], crs=crs)
    with pytest.raises(BrokenData, match=said) as problem:
        publish(layer)
    assert problem.value.hint


def test_places_too_small_for_the_grid_are_named() -> None:
    dust = shapely.box(0, 0, 1e-7, 1e-7)
    layer = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[shapely.box(3, 3, 4, 4), dust], index=["a", "b"], crs=4326)
    assert pack_layer(layer)[1].undrawn == ("b",)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path / "file"))
    published_folder.cache_clear()
    with pytest.raises(geometry.AlmanacError, match="ALMANAC_CACHE"):
        published_folder()
    published_folder.cache_clear()


def test_the_oldest_published_files_go_when_there_are_too_many(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geometry, "_KEEP_BYTES", 250)
    names = []
    for age, letter in enumerate([b"a", b"b", b"c"]):
        names.append(geometry.publish_bytes(letter * 100))
        os.utime(cache / names[-1], (age + 1, age + 1))
    geometry.publish_bytes(b"d" * 100)
    assert not (cache / names[0]).exists() and (cache / names[2]).exists()


def test_areas_of_the_basemap_get_a_point_for_their_label() -> None:
    ground = gpd.GeoDataFrame(
        {"kind": ["state", "city", "river"], "name": ["Virginia", "Richmond", None], "rank": [1, 2, np.nan]},
        geometry=[
            shapely.box(-80, 36, -76, 39),
            shapely.Point(-77.4, 37.5),
            shapely.LineString([(-78, 37), (-77, 37)]),
        ],
        crs=4326,
    )
    features = basemap_geojson(ground)["features"]
    assert [feature["properties"]["kind"] for feature in features] == ["state", "state_label", "city", "river"]
    assert shapely.box(-78.6, 37.4, -77.4, 37.6).covers(shapely.Point(features[1]["geometry"]["coordinates"]))
    assert features[3]["properties"] == {"kind": "river"}


# ---- in a page


def page() -> None:
    import math

    import numpy as np
    import pandas as pd
    import streamlit as st

    from analytics.classes import class_breaks
    from app.map import map_view
    from tests.app.test_map import squares

    layer = squares(3142)
    values = pd.Series(np.random.default_rng(0).normal(10, 3, 3142), index=layer.index)
    values.iloc[:9] = math.nan
    table = pd.DataFrame({t: values + k for k, t in enumerate(pd.date_range("2020", periods=3, tz="UTC"))})
    state = map_view(layer, table if st.session_state.get("steps") else values[::-1], classes=class_breaks(values),
                     title="Discharge", unit="m³/s", key="m", selected="00012")  # fmt: skip
    st.session_state["state"] = state


def message(app: AppTest) -> bytes:
    found = [node for node in app.main if type(node).__name__ == "UnknownElement"]
    return bytes(found[0].proto.bytes)


def test_a_change_of_values_sends_values_only(cache: Path) -> None:
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert len(message(app)) < 7_000
    header, sections = unpack(message(app))
    assert header["title"] == "Discharge" and header["selected"] == "00012" and header["seen"] == 0
    assert "geometry" not in header and (cache / header["layer"]).exists()
    # The order is that of the layer, whatever the order of the values.
    values = np.random.default_rng(0).normal(10, 3, 3142)
    values[:9] = math.nan
    sent = from_decimal(sections["m"], sections["e"])
    np.testing.assert_array_equal(sent, rounded(values))
    state = app.session_state["state"]
    assert (state.selected, state.time, state.webgl) == ("00012", None, True)
    again = message(app.run())
    assert again == message(app)


def test_a_series_opens_at_its_last_step_and_sends_that_only(cache: Path) -> None:
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["steps"] = True
    header, sections = unpack(message(app.run()))
    assert header["time"]["index"] == 2 and "file" not in header["time"]
    assert np.cumsum(sections["t"]).tolist() == [0, 1440, 2880] and len(sections["m"]) == 3142
    assert app.session_state["state"].time == 2


def test_classes_counted_here_are_those_of_the_numbers_sent() -> None:
    values = np.array([9.9996, 10.0, 10.00004, 99.996])
    classes = class_breaks(values, method="given", breaks=[0, 10, 100])
    assert classify(rounded(values), classes).tolist() == [1, 1, 1, 1]


def test_the_last_word_on_the_selection_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    monkeypatch.setattr(st, "session_state", {})

    def settle(passed: str | None, n: int, clicked: str | None) -> str | None:
        found = _settled("m", "selected", passed, {"n": n, "selected": clicked})
        return found if found is None else str(found)

    assert settle(None, 0, None) is None
    assert settle(None, 1, "a") == "a"  # a click
    assert settle("a", 1, "a") == "a"  # the page passes it back
    assert settle("a", 2, "b") == "b"  # a second click, the page still says the first
    assert settle("b", 2, "b") == "b"
    assert settle("c", 2, "b") == "c"  # the page selects another
    assert settle("c", 2, "b") == "c"
    assert settle("c", 3, None) is None  # a click on nothing
    assert settle(None, 3, None) is None
