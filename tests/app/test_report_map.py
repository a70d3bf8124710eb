"""The map on paper measured with a ruler: scale, north, distances, classes, hatches and labels."""

from __future__ import annotations

import io
import math
import re
from functools import cache
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pikepdf
import pyproj
import pytest

from analytics.classes import DIVERGING, SEQUENTIAL, class_breaks, class_counts, classify, ramp
from app.report.blocks import Document, Figure, Issue, Legend, Page, Table
from app.report.map_page import drawing_of, map_page
from app.report.numbers import Numbers
from app.report.paper import UNITS
from app.report.printed_map import Drawn, PrintedMap
from app.report.request import sizes
from app.report.symbology import symbol_of, symbols
from app.report.theme import Theme, theme_of
from geodata.region import load_region
from tests.app.test_report_pdf import set_in

GEOD = pyproj.Geod(ellps="WGS84")
MAPS = [("mid_atlantic", "traffic_growth"), ("lombardy", ""), ("california_ground", ""), ("noord_brabant", "")]
SVG = "{http://www.w3.org/2000/svg}"
POINT = 72 / 25.4


@cache
def shown(region: str, name: str) -> tuple[Theme, PrintedMap]:
    """A theme with its map."""
    home = load_region(region)
    theme = theme_of(home, name or None)
    return theme, drawing_of(home, theme)


@cache
def whole(region: str, name: str) -> Drawn:
    """The map of a region, 184 by 128 mm."""
    return shown(region, name)[1].whole(184, 128)


@cache
def page(region: str, name: str) -> Page:
    """The page of a theme."""
    home = load_region(region)
    return map_page(home, shown(region, name)[0], sizes("a4", "portrait"), Numbers(), dashboard="http://localhost:8501")


def rectangles(made: bytes) -> list[tuple[float, float]]:
    """The width and height in mm of all rectangles on the first page of a PDF, read from what it paints."""
    found: list[tuple[float, float]] = []
    with pikepdf.open(io.BytesIO(made)) as pdf:
        _paint(pdf.pages[0], np.eye(3), found)
    return found


def _paint(holder: object, start: np.ndarray, found: list[tuple[float, float]]) -> None:
    """Follows the drawings within drawings; `start` maps their coordinates to points of the page."""
    now, kept, path = start, [], []
    for one in pikepdf.parse_content_stream(holder):  # type: ignore[arg-type]
        name, operands = str(one.operator), list(one.operands)
        if name == "q":
            kept.append(now)
        elif name == "Q":
            now = kept.pop()
        elif name == "cm":
            now = _matrix(operands) @ now
        elif name in ("m", "l"):
            path.append([float(operands[0]), float(operands[1]), 1.0])
        elif name == "re":
            x, y, w, h = (float(v) for v in operands)
            path += [[x, y, 1.0], [x + w, y + h, 1.0]]
        elif name in ("f", "f*", "S", "s", "B", "B*", "b", "b*", "n"):
            if name != "n" and 2 <= len(path) <= 5:
                low, high = np.ptp((np.array(path) @ now)[:, :2], axis=0) / POINT
                found.append((float(low), float(high)))
            path = []
        elif name == "Do":
            drawn = holder.Resources.XObject[str(operands[0])]  # type: ignore[attr-defined]
            if str(drawn.Subtype) == "/Form":
                _paint(drawn, _matrix(drawn.get("/Matrix", [1, 0, 0, 1, 0, 0])) @ now, found)


def _matrix(six: object) -> np.ndarray:
    a, b, c, d, e, f = (float(v) for v in six)  # type: ignore[attr-defined]
    return np.array([[a, b, 0], [c, d, 0], [e, f, 1]])


class TestScale:
    @pytest.mark.parametrize(("region", "name"), MAPS)
    def test_the_bar_on_the_page_is_as_long_as_it_says(self, region: str, name: str) -> None:
        (figure,) = (b for b in page(region, name).blocks() if isinstance(b, Figure) and b.name == "map-region")
        words = [e.text or "" for e in ElementTree.fromstring(figure.svg).iter(f"{SVG}text")]
        (kilometres,) = (float(w.removesuffix(" km").replace(",", "")) for w in words if w.endswith(" km"))
        (ratio,) = (float(w.removeprefix("1:").replace(",", "")) for w in words if w.startswith("1:"))
        wanted = kilometres * 1e6 / ratio
        document = Document("-", "en", (page(region, name),), Issue("-", "-", "-"), "-", "-")
        bars = [w for w, h in rectangles(set_in("en", document)) if abs(h - 16 / UNITS) < 0.05]
        assert any(abs(w / wanted - 1) < 0.01 for w in bars), (bars, wanted)
        assert any(abs(w / wanted - 0.5) < 0.01 for w in bars), "the half that is filled"

    @pytest.mark.parametrize(("region", "name"), MAPS)
    def test_distances_on_paper_are_those_on_the_ground(self, region: str, name: str) -> None:
        """Within 2%: so much a conformal or equal-area projection for the region may stretch."""
        theme, drawing = shown(region, name)
        frame = whole(region, name).frame
        at = theme.layer.to_crs(4326).geometry.representative_point()
        xy = np.array(pyproj.Transformer.from_crs(4326, drawing.crs, always_xy=True).transform(at.x, at.y)).T
        on_paper = (xy - [frame.west, frame.south]) * 1000 / frame.scale
        rng = np.random.default_rng(7)
        pairs = [p for p in rng.choice(len(at), (60, 2)) if p[0] != p[1]]
        for i, j in pairs:
            _, _, metres = GEOD.inv(at.x.iloc[i], at.y.iloc[i], at.x.iloc[j], at.y.iloc[j])
            if metres > 20_000:
                millimetres = float(np.hypot(*(on_paper[i] - on_paper[j])))
                assert millimetres * frame.scale / 1000 == pytest.approx(metres, rel=0.02)

    @pytest.mark.parametrize("region", ["noord_brabant", "california_ground", "lombardy"])
    def test_marks_stand_where_their_places_lie(self, region: str) -> None:
        """The marks of the first class, read from the drawing and not from its frame."""
        theme, drawing = shown(region, "")
        drawn = whole(region, "")
        colour = drawing.symbols[0].colour
        (path,) = (
            e.get("d") or ""
            for e in ElementTree.fromstring(drawn.svg).iter(f"{SVG}path")
            if e.get("fill") == colour and "a" in (e.get("d") or "")
        )
        marks = np.array(re.findall(r"M(-?\d+) (-?\d+)a", path), dtype=float) / UNITS
        at = theme.layer.to_crs(4326).geometry.reindex(drawing.ids[drawing.symbol == 0]).representative_point()
        assert len(marks) == len(at) >= 3
        for i, j in np.random.default_rng(3).choice(len(at), (80, 2)):
            _, _, metres = GEOD.inv(at.x.iloc[i], at.y.iloc[i], at.x.iloc[j], at.y.iloc[j])
            millimetres = math.dist(marks[i], marks[j])
            # A mark is placed to a twentieth of a millimetre.
            assert millimetres * drawn.frame.scale / 1000 == pytest.approx(
                metres, rel=0.02, abs=0.15 * drawn.frame.scale / 1000
            )

    def test_rounder_scales_show_no_less(self) -> None:
        for region, name in MAPS:
            frame = whole(region, name).frame
            low_x, low_y, high_x, high_y = shown(region, name)[1].home_bounds
            assert frame.west <= low_x and frame.east >= high_x and frame.south <= low_y and frame.north >= high_y
            digits = f"{frame.scale:.0f}".rstrip("0")
            assert len(digits) <= 2


class TestNorth:
    @pytest.mark.parametrize(("region", "name"), MAPS)
    def test_the_arrow_points_along_the_meridian(self, region: str, name: str) -> None:
        """A step north on the ellipsoid, taken by geodesy, is drawn; its direction is that of the arrow."""
        theme, drawing = shown(region, name)
        bounds = theme.layer.to_crs(4326).geometry.representative_point()
        ends = [str(bounds.x.idxmin()), str(bounds.x.idxmax()), str(bounds.y.idxmax())]
        turns = []
        for place in ends:
            drawn = drawing.around(place, 112, 80)
            frame = drawn.frame
            middle = ((frame.west + frame.east) / 2, (frame.south + frame.north) / 2)
            to_degrees = pyproj.Transformer.from_crs(drawing.crs, 4326, always_xy=True)
            lon, lat = to_degrees.transform(*middle)
            lon_up, lat_up, _ = GEOD.fwd(lon, lat, 0.0, 500.0)
            up = to_degrees.transform(lon_up, lat_up, direction="INVERSE")
            clockwise = math.degrees(math.atan2(up[0] - middle[0], up[1] - middle[1]))
            (arrow,) = (e for e in ElementTree.fromstring(drawn.svg).iter(f"{SVG}g") if e.get("id") == "north")
            turned = re.search(r"rotate\((-?[\d.]+)\)", arrow.get("transform") or "")
            assert turned is not None
            # SVG turns clockwise, and the arrow's tip is drawn at the top.
            assert float(turned.group(1)) == pytest.approx(clockwise, abs=0.1)
            tip = re.match(r"M0 -\d+", arrow[0].get("d") or "")
            assert tip is not None
            turns.append(clockwise)
        if region == "california_ground" and drawing.crs == "EPSG:5070":
            assert max(turns) > 10, "the conus projection turns far in the west"

    def test_north_is_up_on_the_page_where_the_projection_is_made_for_it(self) -> None:
        assert abs(whole("noord_brabant", "").frame.turn) < 2


class TestClasses:
    @pytest.mark.parametrize(("region", "name"), MAPS)
    def test_the_legend_counts_what_the_map_shows_in_the_colours_of_the_screen(self, region: str, name: str) -> None:
        theme, drawing = shown(region, name)
        counts, missing = class_counts(theme.values.to_numpy(float), theme.classes)
        (legend,) = (b for b in page(region, name).blocks() if isinstance(b, Legend))
        assert [s.count for s in legend.symbols] == [*counts.tolist(), missing]
        assert tuple(s.colour for s in legend.symbols[:-1]) == theme.classes.palette
        drawn = np.bincount(drawing.symbol, minlength=len(legend.symbols))
        assert drawn.tolist() == [s.count for s in legend.symbols] and sum(drawn) == len(theme.layer)
        assert np.array_equal(
            np.where(drawing.symbol == len(theme.classes), -1, drawing.symbol),
            classify(theme.values.reindex(drawing.ids).to_numpy(float), theme.classes),
        )

    def test_the_ranking_names_the_class_in_which_the_value_lies(self) -> None:
        theme, _ = shown("lombardy", "")
        tables = [b for b in page("lombardy", "").blocks() if isinstance(b, Table)]
        names = theme.layer["name"]
        for table in tables:
            for row in table.rows:
                mine = theme.known[names[theme.known.index] == row[1]]
                numbers = {str(c + 1) for c in symbol_of(mine.to_numpy(float), theme.classes)}
                assert row[-1].split(",")[0] in numbers

    @pytest.mark.parametrize("n", range(2, 8))
    def test_classes_differ_without_colour(self, n: int) -> None:
        """In grey neighbours of a sequential palette differ; the two sides of a diverging one differ by their hatch."""
        light = [grey(colour) for colour in ramp(SEQUENTIAL, n)]
        assert all(a - b > 0.04 for a, b in pairwise(light))
        values = np.linspace(-10, 10, 200)
        classes = class_breaks(values, n, method="diverging")
        found = symbols(pd.Series(values), classes)[:-1]
        assert all(s.colour in ramp(DIVERGING, len(classes)) for s in found)
        for a, b in combinations(found, 2):
            alike = abs(grey(a.colour) - grey(b.colour)) < 0.04
            assert not alike or a.hatch != b.hatch, (a.number, b.number)
        assert [s.hatch for s in found] == ["/"] * (len(found) // 2) + [""] * (len(found) - len(found) // 2)
        sequential = symbols(pd.Series(values), class_breaks(values, n, method="equal"))[:-1]
        assert not any(s.hatch for s in sequential)

    @pytest.mark.parametrize(("region", "name"), MAPS)
    def test_every_class_has_another_sign_and_no_data_is_hatched(self, region: str, name: str) -> None:
        _, drawing = shown(region, name)
        signs = [(s.number, s.mark if drawing.points else s.hatch) for s in drawing.symbols]
        assert len(set(signs)) == len(signs)
        assert drawing.symbols[-1].hatch == "x" and drawing.symbols[-1].number == ""
        if not drawing.points:
            svg = whole(region, name).svg
            for symbol in drawing.symbols:
                assert not (symbol.hatch and symbol.count) or 'pattern id="hatch-' in svg


def grey(colour: str) -> float:
    """Luminance relative to white (Rec. 709 weights, linear light) with the cube root of CIE L*."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (116 * y ** (1 / 3) - 16) / 100 if y > 0.008856 else 9.033 * y


class TestLabels:
    @pytest.mark.parametrize(("region", "name"), MAPS)
    def test_no_label_lies_upon_another(self, region: str, name: str) -> None:
        theme, drawing = shown(region, name)
        places = theme.layer.index[:: max(1, len(theme.layer) // 8)]
        found = 0
        for drawn in [whole(region, name), *(drawing.around(str(place), 112, 80) for place in places)]:
            inner = ElementTree.fromstring(drawn.svg).find(f"{SVG}svg")
            assert inner is not None
            plates = [
                [float(e.get(k) or 0) for k in ("x", "y", "width", "height")]
                for e in inner.iter(f"{SVG}rect")
                if e.get("rx")
            ]
            found += len(plates)
            for (x, y, w, h), (x2, y2, w2, h2) in combinations(plates, 2):
                apart = x + w <= x2 + 1 or x2 + w2 <= x + 1 or y + h <= y2 + 1 or y2 + h2 <= y + 1
                assert apart
            for x, y, w, h in plates:
                assert x >= 0 and y >= -2 and x + w <= float(inner.get("width") or 0)
                assert y + h <= float(inner.get("height") or 0) + 2
        assert found > 8

    def test_a_place_that_is_shown_is_named(self) -> None:
        theme, drawing = shown("mid_atlantic", "traffic_growth")
        for place in theme.layer.index[::20]:
            svg = drawing.around(str(place), 112, 80).svg
            words = [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]
            assert theme.layer["name"][place] in words
