"""A layer, published once for the browser: a compact file named by its content, which the browser keeps.

Coordinates are Web Mercator on an integer grid (about a metre), written as differences; polygons come already
cut into triangles, because GEOS does that in a tenth of a second and the browser would need a second.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import weakref
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from app.map.encoding import pack
from geodata.errors import AlmanacError, BrokenData

Kind = Literal["polygon", "line", "point"]
_KINDS: dict[int, Kind] = {0: "point", 1: "line", 2: "line", 3: "polygon", 4: "point", 5: "line", 6: "polygon"}
_FINEST = 25  # the grid is 2^-25 of the world, 1.2 m at the equator
_EXACT = 24  # integers up to 2^24 are exact in the browser's 32-bit floats
_KEEP_BYTES = 1_000_000_000


@dataclass(frozen=True)
class PublishedLayer:
    """A layer that the browser can fetch.

    file : the name of the file in `published_folder()`, by content
    kind : polygon, line or point
    ids, names : of the places, in the order of the file
    bounds : west, south, east, north in degrees
    undrawn : ids of places too small to draw on the grid
    """

    file: str
    kind: Kind
    ids: pd.Index = field(repr=False, compare=False)
    names: tuple[str, ...] = field(repr=False, compare=False)
    bounds: tuple[float, float, float, float]
    undrawn: tuple[str, ...] = ()


@cache
def published_folder() -> Path:
    """Where published files lie: `ALMANAC_CACHE`, or the user's cache, or a temporary folder."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    wanted = Path(os.environ.get("ALMANAC_CACHE") or Path(home) / "almanac").expanduser() / "published"
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError as problem:
        if os.environ.get("ALMANAC_CACHE"):
            raise AlmanacError(
                f"ALMANAC_CACHE names {wanted.parent}, which cannot be written ({problem.strerror}).",
                hint="Give it a folder that this user may write, or unset it.",
            ) from problem
    # No home to write in (a service account, a read-only container): this process's own folder will do.
    return Path(tempfile.mkdtemp(prefix="almanac-"))


def publish_bytes(packet: bytes, suffix: str = "bin") -> str:
    """Keep a packet under the hash of its content and return its file name."""
    name = f"{hashlib.sha256(packet).hexdigest()[:32]}.{suffix}"
    path = published_folder() / name
    if path.exists():
        os.utime(path)
        return name
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as beside:
        beside.write(packet)
    Path(beside.name).chmod(0o644)
    Path(beside.name).replace(path)
    _tidy(path.parent)
    return name


_seen: dict[int, tuple[weakref.ref[Any], str | PublishedLayer]] = {}


def publish(layer: gpd.GeoDataFrame | PublishedLayer) -> PublishedLayer:
    """Make a layer ready for the browser; the same object is done only once.

    Parameters
    ----------
    layer : a layer with `location_id` as index or column, `name`, and a known CRS

    Raises
    ------
    BrokenData where the layer has no CRS, no or invalid geometry, or mixes points, lines and polygons.
    """
    if isinstance(layer, PublishedLayer):
        return layer
    known = _seen.get(id(layer))
    if known is not None and known[0]() is layer and isinstance(known[1], PublishedLayer):
        return known[1]
    done = _publish(layer)
    _remember(layer, done)
    return done


def publish_basemap(basemap: gpd.GeoDataFrame) -> str:
    """Make a basemap layer (column `kind`: land, country, state, lake, river, city) ready; returns its file."""
    known = _seen.get(id(basemap))
    if known is not None and known[0]() is basemap and isinstance(known[1], str):
        return known[1]
    done = publish_bytes(pack({"geojson": basemap_geojson(basemap)}, {}, level=9))
    _remember(basemap, done)
    return done


def basemap_geojson(basemap: gpd.GeoDataFrame) -> dict[str, Any]:
    """The basemap as GeoJSON with short numbers, with a point of its own for the label of each area."""
    frame = basemap.to_crs(4326) if basemap.crs and basemap.crs.to_epsg() != 4326 else basemap
    columns = [c for c in ("kind", "name", "name_zh_hans", "name_zh_hant", "rank") if c in frame.columns]
    features: list[dict[str, Any]] = []
    shapes = shapely.set_precision(np.asarray(frame.geometry.array), 1e-4, mode="pointwise")
    texts = json.loads(_json_list(shapes))
    facts = frame[columns].astype(object).where(frame[columns].notna(), None).to_dict("records")
    for fact, geometry, shape in zip(facts, texts, frame.geometry, strict=True):
        if geometry is None or shape is None or shape.is_empty:
            continue
        said = {k: (int(v) if k == "rank" else str(v)) for k, v in fact.items() if v is not None}
        features.append({"type": "Feature", "properties": said, "geometry": geometry})
        if said.get("kind") in ("state", "country") and said.get("name") and shape.geom_type.endswith("Polygon"):
            largest = max(shapely.get_parts(shape), key=lambda part: part.area)
            at = shapely.maximum_inscribed_circle(largest, tolerance=0.05)
            x, y = shapely.get_coordinates(at)[0].round(4).tolist()
            label = {**said, "kind": f"{said['kind']}_label"}
            point = {"type": "Point", "coordinates": [x, y]}
            features.append({"type": "Feature", "properties": label, "geometry": point})
    return {"type": "FeatureCollection", "features": features}


def _json_list(shapes: NDArray[Any]) -> str:
    texts = shapely.to_geojson(shapes)
    return "[" + ",".join(text if text is not None else "null" for text in texts) + "]"


def pack_layer(layer: gpd.GeoDataFrame) -> tuple[bytes, PublishedLayer]:
    """A layer as a packet for the browser, and what is in it (without a file name yet)."""
    ids, names = _identity(layer)
    shapes = np.asarray(_in_degrees(layer).geometry.array, dtype=object)
    kind = _kind(shapes, ids)
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(shapes))
    flat = shapely.transform(shapes, _mercator)
    low_x, low_y, high_x, high_y = shapely.total_bounds(flat)
    span = max(high_x - low_x, high_y - low_y, 2.0**-20)
    power = min(_FINEST, _EXACT - 1 - math.ceil(math.log2(span)))
    origin = (math.floor(low_x * 2**power), math.floor(low_y * 2**power))
    grid = shapely.transform(flat, lambda xy: xy * 2.0**power - np.array(origin))
    mode: Any = "valid_output" if kind == "polygon" else "pointwise"
    grid = shapely.set_precision(grid, 1.0, mode=mode)
    sections, undrawn = _sections(grid, kind)
    header = {
        "kind": kind,
        "power": power,
        "origin": origin,
        "bounds": [round(edge, 5) for edge in (west, south, east, north)],
        "ids": ids.tolist(),
        "names": list(names),
    }
    packet = pack(header, sections, level=9)
    return packet, PublishedLayer("", kind, ids, names, (west, south, east, north), tuple(ids[undrawn]))


def _publish(layer: gpd.GeoDataFrame) -> PublishedLayer:
    packet, about = pack_layer(layer)
    file = publish_bytes(packet)
    return PublishedLayer(file, about.kind, about.ids, about.names, about.bounds, about.undrawn)


def _remember(layer: gpd.GeoDataFrame, done: str | PublishedLayer) -> None:
    key = id(layer)
    _seen[key] = (weakref.ref(layer, lambda _: _seen.pop(key, None)), done)


def _identity(layer: gpd.GeoDataFrame) -> tuple[pd.Index, tuple[str, ...]]:
    if "location_id" in layer.columns:
        ids = pd.Index(layer["location_id"].astype(str), name="location_id")
    else:
        ids = pd.Index(layer.index.astype(str), name="location_id")
    if not ids.is_unique:
        twice = ids[ids.duplicated()][0]
        raise BrokenData(f"The layer has the place {twice} more than once.", hint="Give each place one row.")
    names = layer["name"] if "name" in layer.columns else pd.Series(ids)
    return ids, tuple(names.fillna("").astype(str))


def _in_degrees(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if layer.crs is None:
        raise BrokenData("The layer has no coordinate reference system.",
                         hint="Say which one it is in, for example with set_crs('EPSG:4326').")  # fmt: skip
    return layer if layer.crs.to_epsg() == 4326 else layer.to_crs(4326)


def _kind(shapes: NDArray[Any], ids: pd.Index) -> Kind:
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if len(shapes) == 0 or empty.any():
        where = f"The place {ids[int(empty.argmax())]} has no geometry." if len(shapes) else "The layer is empty."
        raise BrokenData(where, hint="Leave out places without geometry, and say which they are.")
    invalid = ~shapely.is_valid(shapes)
    if invalid.any():
        raise BrokenData(
            f"The geometry of {int(invalid.sum())} places is not valid, first of {ids[int(invalid.argmax())]}.",
            hint="Repair it with make_valid, or leave the places out.",
        )
    kinds = {_KINDS.get(int(code), "mixed") for code in np.unique(shapely.get_type_id(shapes))}
    if len(kinds) > 1 or "mixed" in kinds:
        raise BrokenData(f"The layer mixes geometries ({', '.join(sorted(kinds))}).",
                         hint="Put points, lines and polygons in layers of their own.")  # fmt: skip
    return kinds.pop()  # type: ignore[return-value]


def _mercator(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    lat = np.radians(np.clip(degrees[:, 1], -85.05, 85.05))
    return np.column_stack([degrees[:, 0] / 360 + 0.5, 0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)])


def _sections(grid: NDArray[Any], kind: Kind) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
    """The integer sections of the packet, and which places have nothing left on the grid."""
    places = np.arange(len(grid))
    if kind == "polygon":
        pieces, piece_place = shapely.get_parts(grid, return_index=True)
        rings, ring_piece = shapely.get_rings(pieces, return_index=True)
        part_place = piece_place[ring_piece]
        parts = rings
    else:
        parts, part_place = shapely.get_parts(grid, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    xy = xy.astype(np.int64)
    if kind == "polygon":
        # A ring repeats its first vertex at its end; the browser closes it by itself.
        last = np.append(part[1:] != part[:-1], True) if len(part) else np.zeros(0, bool)
        xy, part = xy[~last], part[~last]
    step = np.diff(xy, axis=0, prepend=np.zeros((1, 2), np.int64))
    sections = {
        "parts": np.bincount(part_place, minlength=len(grid)),
        "lengths": np.bincount(part, minlength=len(parts)),
        "x": step[:, 0],
        "y": step[:, 1],
    }
    undrawn = np.bincount(part_place, minlength=len(grid)) == 0
    if kind == "polygon":
        count, a, b, c = _triangles(grid, places, part_place[part], xy)
        sections |= {"triangles": count, "a": np.diff(a, prepend=0), "b": b - a, "c": c - a}
        undrawn |= count == 0
    return sections, undrawn


def _triangles(
    grid: NDArray[Any], places: NDArray[np.int64], vertex_place: NDArray[np.int64], xy: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Triangles per place, and their corners as indices of ring vertices, in an order that deflates well."""
    pieces, piece_place = shapely.get_parts(grid, return_index=True)
    triangles, triangle_piece = shapely.get_parts(shapely.constrained_delaunay_triangles(pieces), return_index=True)
    triangle_place = piece_place[triangle_piece]
    corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3].astype(np.int64)
    spot = np.concatenate([xy[:, 0] << 25 | xy[:, 1], (corners[..., 0] << 25 | corners[..., 1]).ravel()])
    _, spot = np.unique(spot, return_inverse=True)
    owner = np.concatenate([vertex_place, np.repeat(triangle_place, 3)])
    key = owner * (spot.max(initial=0) + 1) + spot
    vertices = key[: len(xy)]
    order = np.argsort(vertices, kind="stable")
    found = order[np.searchsorted(vertices[order], key[len(xy) :])].reshape(-1, 3)
    # Turn each triangle so that its smallest index leads, then sort: neighbours then differ by little.
    lead = found.argmin(axis=1)
    turned = found[np.arange(len(found))[:, None], (lead[:, None] + np.arange(3)) % 3]
    turned = turned[np.lexsort((turned[:, 1], turned[:, 0], triangle_place))]
    count = np.bincount(triangle_place, minlength=len(places))
    return count, turned[:, 0], turned[:, 1], turned[:, 2]


def _tidy(folder: Path) -> None:
    """Throw away the longest unused files when the folder has grown past its limit."""
    files = sorted(((f.stat().st_mtime, f.stat().st_size, f) for f in folder.glob("*.bin")), reverse=True)
    total = 0
    for _, size, file in files:
        total += size
        if total > _KEEP_BYTES:
            file.unlink(missing_ok=True)
