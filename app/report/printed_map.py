"""The map on paper, drawn from the geometry itself as SVG: with scale, north, ticks, labels and a locator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from xml.sax.saxutils import escape

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from analytics.classes import Classes
from app.charts import INK, MUTED, SELECTED
from app.report.paper import UNITS, Frame, clipped_to, in_view, nice_scale, on_paper, path, paths, xml_text
from app.report.symbology import mark_path, pattern_name, patterns, symbol_of, symbols
from app.text import number, t

FONT = "Noto Sans CJK SC"
WATER, LAND, BORDER = "#e4edf3", "#f6f5f1", "#8d98a3"
_LEFT, _BOTTOM, _RIM = 4.5, 4.5, 0.4
# A place is shown with so much of what lies around it, and never at less than so many metres across.
_AROUND, _LEAST_METRES = 2.2, 12_000.0
_DEGREES = (10.0, 5.0, 2.0, 1.0, 0.5, 0.25, 0.1, 0.05, 0.025, 0.01)
_MOST_LABELS = 14
# Marks are so many mm across, less where they are many: this share of the room that each has.
_MARK, _LEAST_MARK, _CROWDED = 1.5, 0.7, 0.45
# More points than this in view are not named: their names would hide them.
_NAMED_POINTS = 40
# A tick nearer than this to a corner has no room for its label.
_EDGE = 75


@dataclass(frozen=True)
class ScaleBar:
    """The bar of a map: how long it is on paper, in mm, and what that is on the ground, in km."""

    millimetres: float
    kilometres: float


@dataclass(frozen=True)
class Drawn:
    """A map as it is printed."""

    svg: str
    frame: Frame
    bar: ScaleBar


class PrintedMap:
    """The places of a layer in the classes of their values, ready to be drawn at any scale.

    Parameters
    ----------
    layer : places indexed by `location_id`, with `name`.
    values : by `location_id`; NaN for no data.
    crs : the metric CRS to draw in.
    home : the layer that the locator shows.
    basemap : `kind`, `name`, `rank` and geometry; see `Region.base`.
    """

    def __init__(
        self,
        layer: gpd.GeoDataFrame,
        values: pd.Series,
        classes: Classes,
        *,
        crs: str,
        home: gpd.GeoDataFrame,
        basemap: gpd.GeoDataFrame,
    ) -> None:
        drawn = layer.to_crs(crs)
        self.crs = crs
        self.ids = drawn.index
        self.shapes: NDArray[np.object_] = shapely.make_valid(np.asarray(drawn.geometry.array, dtype=object))
        self.names = drawn["name"].fillna("").astype(str).to_numpy()
        self.symbols = symbols(values.reindex(drawn.index), classes)
        self.symbol = symbol_of(values.reindex(drawn.index).to_numpy(float), classes)
        self.points = bool((shapely.get_dimensions(self.shapes) == 0).all())
        self.lines = bool((shapely.get_dimensions(self.shapes) == 1).all())
        self.inside = shapely.get_coordinates(shapely.point_on_surface(self.shapes))
        self.tree = shapely.STRtree(self.shapes)
        self.bounds = shapely.bounds(self.shapes)
        self.base = _base(basemap, home, crs)
        self.home = np.asarray(home.to_crs(crs).geometry.array, dtype=object)
        self.home_bounds = shapely.total_bounds(self.home)
        self._to_degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
        self._to_metres = pyproj.Transformer.from_crs(4326, crs, always_xy=True)

    @property
    def aspect(self) -> float:
        """How wide the region is for its height."""
        low_x, low_y, high_x, high_y = self.home_bounds
        return float((high_x - low_x) / max(high_y - low_y, 1.0))

    def around(self, place: str, width: float, height: float) -> Drawn:
        """A place with its neighbours, and a locator in the corner; sizes in mm."""
        i = int(self.ids.get_loc(place))
        low_x, low_y, high_x, high_y = self.bounds[i]
        span = max((high_x - low_x) * _AROUND, _LEAST_METRES), max((high_y - low_y) * _AROUND, _LEAST_METRES)
        middle = (low_x + high_x) / 2, (low_y + high_y) / 2
        return self._draw(self._frame(middle, span, width, height), chosen=i)

    def whole(self, width: float, height: float) -> Drawn:
        """The whole region; sizes in mm."""
        low_x, low_y, high_x, high_y = self.home_bounds
        span = (high_x - low_x) * 1.04, (high_y - low_y) * 1.04
        return self._draw(self._frame(((low_x + high_x) / 2, (low_y + high_y) / 2), span, width, height), chosen=None)

    def _frame(self, middle: tuple[float, float], span: tuple[float, float], width: float, height: float) -> Frame:
        inner = (width - _LEFT - _RIM) / 1000, (height - _BOTTOM - _RIM) / 1000
        scale = nice_scale(max(span[0] / inner[0], span[1] / inner[1]))
        half_x, half_y = inner[0] * scale / 2, inner[1] * scale / 2
        x, y = middle
        lon, lat = self._to_degrees.transform(x, y)
        up_x, up_y = self._to_metres.transform(lon, lat + 0.01)
        turn = math.degrees(math.atan2(up_x - x, up_y - y))
        return Frame(x - half_x, y - half_y, x + half_x, y + half_y, scale, turn, width, height)

    def _draw(self, frame: Frame, chosen: int | None) -> Drawn:
        box = shapely.box(frame.west, frame.south, frame.east, frame.north)
        visible = np.sort(self.tree.query(box))
        inner_w, inner_h = frame.width - _LEFT - _RIM, frame.height - _BOTTOM - _RIM
        w, h = round(inner_w * UNITS), round(inner_h * UNITS)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{frame.width}mm" height="{frame.height}mm" '
            f'viewBox="0 0 {frame.width * UNITS:g} {frame.height * UNITS:g}" font-family="{FONT}">',
            patterns(self.symbols),
            f'<svg x="{_LEFT * UNITS:g}" y="{_RIM * UNITS:g}" width="{w}" height="{h}" viewBox="0 0 {w} {h}">',
            f'<rect width="{w}" height="{h}" fill="{WATER}"/>',
        ]
        for kind, fill, stroke in (("land", LAND, "none"), ("lake", WATER, "none"), ("river", "none", "#a9c3d6")):
            path = paths(self.base[kind], frame)
            if path:
                parts.append(f'<path d="{path}" fill="{fill}" stroke="{stroke}" stroke-width="5"/>')
        parts += self._points(visible, frame) if self.points else self._areas(visible, frame)
        borders = paths(self.base["border"], frame)
        if borders:
            parts.append(
                f'<path d="{borders}" fill="none" stroke="{BORDER}" stroke-width="7" stroke-dasharray="30 12"/>'
            )
        if chosen is not None:
            parts.append(self._chosen(chosen, frame))
        bar = _bar(frame)
        corner, taken = _corner(frame, bar, w, h)
        if chosen is not None:
            locator, place = self._locator(frame, chosen)
            corner += locator
            taken.append(place)
        parts += self._labels(visible, frame, chosen, taken)
        parts.append(corner)
        parts.append("</svg>")
        parts.append(self._ticks(frame, w, h))
        parts.append("</svg>")
        return Drawn("".join(parts), frame, bar)

    def _areas(self, visible: NDArray[np.int64], frame: Frame) -> list[str]:
        """Every class as one path, its number in each place that has room for it."""
        found = []
        for code in np.unique(self.symbol[visible]):
            symbol = self.symbols[int(code)]
            path = paths(self.shapes[visible[self.symbol[visible] == code]], frame)
            if not path:
                continue
            if self.lines:
                found.append(f'<path d="{path}" fill="none" stroke="{symbol.colour}" stroke-width="14"/>')
                continue
            fill = f"url(#{pattern_name(symbol)})" if symbol.hatch else symbol.colour
            found.append(f'<path d="{path}" fill="{fill}" stroke="#ffffff" stroke-width="4" stroke-linejoin="round"/>')
        return found

    def _points(self, visible: NDArray[np.int64], frame: Frame) -> list[str]:
        """Every class as marks of one shape, the commonest beneath the rarer ones, and smaller the more there are."""
        found = []
        xy = on_paper(self.inside[visible], frame)
        room = math.sqrt((frame.width - _LEFT) * (frame.height - _BOTTOM) / max(len(visible), 1))
        size = min(max(_CROWDED * room, _LEAST_MARK), _MARK) * UNITS
        codes, counts = np.unique(self.symbol[visible], return_counts=True)
        for code in codes[np.lexsort((-counts, codes != len(self.symbols) - 1))].tolist():
            symbol = self.symbols[code]
            marks = xy[self.symbol[visible] == code].tolist()
            d = "".join(mark_path(symbol.mark, x, y, size * (0.7 if symbol.hatch == "x" else 1)) for x, y in marks)
            found.append(f'<path d="{d}" fill="{symbol.colour}" stroke="{INK}" stroke-width="{size / 12:.1f}"/>')
        return found

    def _chosen(self, chosen: int, frame: Frame) -> str:
        if self.points:
            x, y = on_paper(self.inside[[chosen]], frame)[0].tolist()
            ring = f'cx="{x:.0f}" cy="{y:.0f}" r="{2.4 * UNITS:.0f}" fill="none"'
            return (
                f'<circle {ring} stroke="#ffffff" stroke-width="22"/>'
                f'<circle {ring} stroke="{SELECTED}" stroke-width="12"/>'
            )
        path = paths(self.shapes[[chosen]], frame)
        return (
            f'<path d="{path}" fill="none" stroke="#ffffff" stroke-width="22" stroke-linejoin="round"/>'
            f'<path d="{path}" fill="none" stroke="{SELECTED}" stroke-width="12" stroke-linejoin="round"/>'
        )

    def _labels(
        self, visible: NDArray[np.int64], frame: Frame, chosen: int | None, taken: list[tuple[float, ...]]
    ) -> list[str]:
        """Names and class numbers where there is room, none upon another: the chosen place first, then the largest."""
        inside = in_view(self.shapes[visible], self.inside[visible], frame)
        xy = on_paper(inside, frame)
        low, high = on_paper(self.bounds[visible][:, :2], frame), on_paper(self.bounds[visible][:, 2:], frame)
        room = np.abs(high - low)
        weight = room.prod(axis=1) if not self.points else -np.hypot(*(xy - xy.mean(axis=0)).T)
        order = np.argsort(-weight, kind="stable")
        if chosen is not None:
            at = int(np.flatnonzero(visible == chosen)[0])
            order = np.concatenate([[at], order[order != at]])
        w, h = (frame.width - _LEFT - _RIM) * UNITS, (frame.height - _BOTTOM - _RIM) * UNITS
        text: list[str] = []
        named = 0
        for k in order.tolist():
            place = int(visible[k])
            mine = place == chosen
            x, y = xy[k]
            if not (0 <= x <= w and 0 <= y <= h):
                continue
            size = 50.0 if mine else 40.0
            name, digit = self.names[place], self.symbols[self.symbol[place]].number
            if self.points:
                few = len(visible) <= _NAMED_POINTS and named < _MOST_LABELS
                if (mine or few) and _put(text, taken, name, x, y + 75, size, w, h, bold=mine):
                    named += 1
                continue
            wide = _width(name, size)
            fits = mine or (wide < 1.05 * room[k, 0] and room[k, 1] > 2.4 * size and named < 6 * _MOST_LABELS)
            if fits and _put(text, taken, name, x, y - 0.1 * size, size, w, h, bold=mine):
                named += 1
                _put(text, taken, digit, x, y + 1.25 * size, size, w, h)
            elif min(room[k]) > 55:
                _put(text, taken, digit, x, y + 0.35 * size, size, w, h)
        for name, rank, (x, y) in self._cities(frame):
            dot = f'<circle cx="{x:.0f}" cy="{y:.0f}" r="9" fill="#ffffff" stroke="{INK}" stroke-width="4"/>'
            if rank and _put(text, taken, name, x, y - 22, 36, w, h, colour="#33404d"):
                text.append(dot)
        return text

    def _cities(self, frame: Frame) -> list[tuple[str, int, tuple[float, float]]]:
        names, ranks, places = self.base["city"]
        if not len(places):
            return []
        xy = on_paper(places, frame)
        w, h = (frame.width - _LEFT - _RIM) * UNITS, (frame.height - _BOTTOM - _RIM) * UNITS
        seen = (xy[:, 0] > 30) & (xy[:, 0] < w - 30) & (xy[:, 1] > 60) & (xy[:, 1] < h - 30)
        return [(str(names[i]), int(ranks[i]), (float(xy[i, 0]), float(xy[i, 1]))) for i in np.flatnonzero(seen)][:12]

    def _locator(self, frame: Frame, chosen: int) -> tuple[str, tuple[float, ...]]:
        """The whole home layer, small, with a frame around what the map shows."""
        # A place may lie outside the home layer: the locator then reaches as far.
        low_x, low_y, high_x, high_y = self.home_bounds
        middle_x, middle_y = (frame.west + frame.east) / 2, (frame.south + frame.north) / 2
        if not (low_x <= middle_x <= high_x and low_y <= middle_y <= high_y):
            low_x, low_y = min(low_x, frame.west), min(low_y, frame.south)
            high_x, high_y = max(high_x, frame.east), max(high_y, frame.north)
        size = 22.0 * UNITS
        scale = size / max(high_x - low_x, high_y - low_y)
        w, h = (high_x - low_x) * scale, (high_y - low_y) * scale
        pad = 14.0

        def to(x: float, y: float) -> tuple[float, float]:
            return pad + (x - low_x) * scale, pad + (high_y - y) * scale

        x, y = to((frame.west + frame.east) / 2, (frame.south + frame.north) / 2)
        half_x = max((frame.east - frame.west) * scale / 2, 12)
        half_y = max((frame.north - frame.south) * scale / 2, 12)
        left, top = max(x - half_x, 3), max(y - half_y, 3)
        right, bottom = min(x + half_x, w + 2 * pad - 3), min(y + half_y, h + 2 * pad - 3)
        outline = self._outline(scale, low_x, high_y)
        svg = (
            f'<rect width="{w + 2 * pad:.0f}" height="{h + 2 * pad:.0f}" fill="#ffffff" stroke="{MUTED}" '
            f'stroke-width="4"/><g transform="translate({pad:.0f} {pad:.0f})">'
            f'<path d="{outline}" fill="#dfe3e6" stroke="{MUTED}" stroke-width="3"/></g>'
            f'<rect x="{left:.0f}" y="{top:.0f}" width="{max(right - left, 6):.0f}" '
            f'height="{max(bottom - top, 6):.0f}" fill="none" stroke="{SELECTED}" stroke-width="8"/>'
        )
        return svg, (0.0, 0.0, w + 2 * pad, h + 2 * pad)

    @cached_property
    def _whole(self) -> shapely.Geometry:
        """The home layer as one shape."""
        return shapely.union_all(shapely.buffer(self.home, 1.0))

    @lru_cache(maxsize=8)  # noqa: B019 - a map lives for one report
    def _outline(self, scale: float, west: float, north: float) -> str:
        """The outline of the home layer, the same on most sheets."""
        whole = shapely.simplify(self._whole, 4 / scale)
        parts = shapely.get_parts(whole)
        large = parts[shapely.area(parts) * scale**2 > 60]
        rings = shapely.get_rings(large if len(large) else parts)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        return path(np.column_stack([(xy[:, 0] - west) * scale, (north - xy[:, 1]) * scale]), ring)

    def _ticks(self, frame: Frame, w: int, h: int) -> str:
        """The neatline, and where meridians and parallels meet its lower and left edge."""
        x0, y0 = _LEFT * UNITS, _RIM * UNITS
        along = np.linspace(0, 1, 65)
        xs = frame.west + along * (frame.east - frame.west)
        ys = frame.south + along * (frame.north - frame.south)
        lon, _ = self._to_degrees.transform(xs, np.full(65, frame.south))
        _, lat = self._to_degrees.transform(np.full(65, frame.west), ys)
        svg = [f'<rect x="{x0:g}" y="{y0:g}" width="{w}" height="{h}" fill="none" stroke="{INK}" stroke-width="7"/>']
        for degree, label in _degrees(lon, "E", "W"):
            x = x0 + float(np.interp(degree, lon, along)) * w
            if not x0 + _EDGE < x < x0 + w - _EDGE:
                continue
            svg.append(f'<path d="M{x:.0f} {y0 + h:.0f}v18" stroke="{INK}" stroke-width="5"/>')
            svg.append(f'<text x="{x:.0f}" y="{y0 + h + 62:.0f}" font-size="42" text-anchor="middle">{label}</text>')
        for degree, label in _degrees(lat, "N", "S"):
            y = y0 + h - float(np.interp(degree, lat, along)) * h
            if not y0 + _EDGE < y < y0 + h - _EDGE:
                continue
            svg.append(f'<path d="M{x0:.0f} {y:.0f}h-18" stroke="{INK}" stroke-width="5"/>')
            place = f'transform="translate({x0 - 26:.0f} {y:.0f}) rotate(-90)"'
            svg.append(f'<text {place} font-size="42" text-anchor="middle">{label}</text>')
        return "".join(svg)


def _base(basemap: gpd.GeoDataFrame, home: gpd.GeoDataFrame, crs: str) -> dict[str, Any]:
    """The basemap by what is drawn of it, in the metric CRS, as far as a map around the home layer may reach.

    Far away a projection for one region folds, and land would cover the sea.
    """
    west, south, east, north = home.to_crs(4326).total_bounds
    reach = max(east - west, north - south, 1.0)
    box = (west - reach, max(south - reach, -85.0), east + reach, min(north + reach, 85.0))
    near = basemap.to_crs(4326)
    near = near.set_geometry(clipped_to(shapely.make_valid(np.asarray(near.geometry.array)), *box), crs=4326)
    projected = near[~near.geometry.is_empty].to_crs(crs)
    kind = projected["kind"].to_numpy(object)
    shapes = np.asarray(projected.geometry.array, dtype=object)
    cities = kind == "city"
    named = cities & (shapely.get_type_id(shapes) == 0)
    ranks = projected["rank"].fillna(0).to_numpy(float) if "rank" in projected else np.ones(len(projected))
    order = np.argsort(ranks[named], kind="stable")
    names = projected["name"].fillna("").to_numpy(object) if "name" in projected else np.full(len(projected), "")
    borders = np.isin(kind, ["state", "country"])
    return {
        "land": shapes[kind == "land"],
        "lake": shapes[kind == "lake"],
        "river": shapes[kind == "river"],
        "border": shapely.boundary(shapes[borders]) if borders.any() else shapes[:0],
        "city": (
            names[named][order],
            np.where(ranks[named][order] > 0, ranks[named][order], 1),
            shapely.get_coordinates(shapes[named])[order],
        ),
    }


def _bar(frame: Frame) -> ScaleBar:
    """A bar of a round length, at most 30 mm long."""
    most = 30 * frame.scale / 1e6
    power = 10.0 ** math.floor(math.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    return ScaleBar(length * 1e6 / frame.scale, length)


def _corner(frame: Frame, bar: ScaleBar, w: int, h: int) -> tuple[str, list[tuple[float, ...]]]:
    """Scale bar, ratio and north arrow, and the room that they take."""
    long = bar.millimetres * UNITS
    left, top = w - max(long, 22 * UNITS) - 100, h - 150
    ratio = f"1:{number(frame.scale, decimals=0)}"
    half = long / 2
    svg = (
        f'<rect x="{left - 30:.0f}" y="{top - 20:.0f}" width="{w - left + 30:.0f}" height="{h - top + 20:.0f}" '
        f'fill="#ffffff" fill-opacity="0.88"/>'
        f'<text x="{left:.0f}" y="{top + 36:.0f}" font-size="42">{escape(ratio)}</text>'
        f'<rect id="scale-bar" x="{left:.0f}" y="{top + 58:.0f}" width="{long:.1f}" height="16" fill="#ffffff" '
        f'stroke="{INK}" stroke-width="3"/>'
        f'<rect x="{left:.0f}" y="{top + 58:.0f}" width="{half:.1f}" height="16" fill="{INK}"/>'
        f'<text x="{left:.0f}" y="{top + 122:.0f}" font-size="42">0</text>'
        f'<text x="{left + long:.0f}" y="{top + 122:.0f}" font-size="42" text-anchor="middle">'
        f"{escape(number(bar.kilometres))} km</text>"
    )
    x, y = w - 76, 98
    svg += (
        f'<circle cx="{x}" cy="{y}" r="92" fill="#ffffff" fill-opacity="0.88"/>'
        f'<g id="north" transform="translate({x} {y}) rotate({frame.turn:.2f})">'
        f'<path d="M0 -62L26 40L0 20L-26 40z" fill="{INK}"/>'
        f'<text y="84" font-size="40" text-anchor="middle" font-weight="bold">{escape(t("N"))}</text></g>'
    )
    return svg, [(left - 30, top - 20, w, h), (x - 90, 0, w, y + 90)]


def _degrees(values: NDArray[np.float64], positive: str, negative: str) -> list[tuple[float, str]]:
    """Round degrees between the ends of an edge, with their labels: about three of them."""
    low, high = float(min(values[0], values[-1])), float(max(values[0], values[-1]))
    step = next((s for s in _DEGREES if (high - low) / s >= 2), _DEGREES[-1])
    degrees = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (step in (0.25, 0.025))
    return [(float(d), f"{abs(d):.{digits}f}°{positive if d >= 0 else negative}") for d in degrees]


def _put(
    text: list[str],
    taken: list[tuple[float, ...]],
    words: str,
    x: float,
    y: float,
    size: float,
    w: float,
    h: float,
    *,
    bold: bool = False,
    colour: str = INK,
) -> bool:
    """Writes words centred at x with their foot at y, unless something is there already."""
    if not words:
        return False
    half = _width(words, size) / 2
    x = min(max(x, half + 12), w - half - 12)
    box = (x - half - 6, y - size, x + half + 6, y + 0.3 * size)
    if box[0] < 0 or box[1] < 0 or box[3] > h:
        return False
    if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
        return False
    taken.append(box)
    plate = f'x="{x - half - 5:.0f}" y="{y - 0.86 * size:.0f}" width="{2 * half + 10:.0f}" height="{1.1 * size:.0f}"'
    outline = f' stroke="{colour}" stroke-width="1.6"' if bold else ""
    text.append(
        f'<rect {plate} rx="8" fill="#ffffff" fill-opacity="0.8"/><text x="{x:.0f}" y="{y:.0f}" '
        f'font-size="{size:.0f}" text-anchor="middle" fill="{colour}"{outline}>{escape(xml_text(words))}</text>'
    )
    return True


def _width(words: str, size: float) -> float:
    """About how wide words are: an em for a Chinese sign, a little over half of it for a Latin letter."""
    return size * sum(1.0 if ord(sign) > 0x2E7F else 0.56 for sign in words)
