"""TopoJSON: polygons and lines made of shared arcs, so that neighbours meet exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geodata.errors import BrokenData


def read_topojson(content: bytes, object_name: str) -> gpd.GeoDataFrame:
    """One object of a topology as a table in longitude and latitude.

    Parameters
    ----------
    content : the TopoJSON file.
    object_name : such as "counties".

    Returns
    -------
    `id` (text), the properties and `geometry`; shapes that collapsed when the topology was made stay as they
    are (empty or invalid), for the caller to see.

    Raises
    ------
    BrokenData
        When the topology has no such object.
    """
    topology = json.loads(content)
    if object_name not in topology["objects"]:
        raise BrokenData(
            f"The topology has no object “{object_name}”.",
            hint=f"Use one of {', '.join(topology['objects'])}.",
        )
    shapes = topology["objects"][object_name]
    shapes = shapes["geometries"] if shapes["type"] == "GeometryCollection" else [shapes]
    arcs = _arcs(topology)
    rows = [{"id": str(shape.get("id", "")), **shape.get("properties", {})} for shape in shapes]
    return gpd.GeoDataFrame(rows, geometry=[_geometry(shape, arcs) for shape in shapes], crs=4326)


def read_borders(content: bytes, object_name: str) -> gpd.GeoDataFrame:
    """The lines along which two shapes of a topology meet; coasts are not among them.

    Parameters
    ----------
    content : the TopoJSON file.
    object_name : such as "states"; its shapes have a property `name`.

    Returns
    -------
    `name` (the two neighbours, "North Carolina – Virginia") and `geometry`.
    """
    topology = json.loads(content)
    arcs = _arcs(topology)
    sides: dict[int, set[str]] = {}
    for shape in topology["objects"][object_name]["geometries"]:
        for index in _flat(shape.get("arcs", [])):
            sides.setdefault(index if index >= 0 else ~index, set()).add(shape["properties"]["name"])
    pairs: dict[str, list[np.ndarray]] = {}
    for index, names in sides.items():
        if len(names) == 2:
            pairs.setdefault(" – ".join(sorted(names)), []).append(arcs[index])
    lines = [shapely.line_merge(shapely.MultiLineString(parts)) for parts in pairs.values()]
    return gpd.GeoDataFrame({"name": list(pairs)}, geometry=lines, crs=4326)


def _flat(nested: list[Any]) -> Iterator[int]:
    for item in nested:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _arcs(topology: dict[str, Any]) -> list[np.ndarray]:
    transform = topology.get("transform")
    if transform is None:
        return [np.asarray(arc, dtype=float) for arc in topology["arcs"]]
    scale, origin = np.asarray(transform["scale"]), np.asarray(transform["translate"])
    # Quantised arcs hold the first position and then the steps from one to the next.
    return [np.cumsum(np.asarray(arc), axis=0) * scale + origin for arc in topology["arcs"]]


def _line(indices: list[int], arcs: list[np.ndarray]) -> np.ndarray:
    # A negative index is the arc ~index, backwards; consecutive arcs share their end.
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def _polygon(rings: list[list[int]], arcs: list[np.ndarray]) -> BaseGeometry:
    lines = [_line(ring, arcs) for ring in rings]
    lines = [line for line in lines if len(line) >= 4]
    return shapely.Polygon(lines[0], lines[1:]) if lines else shapely.Polygon()


def _geometry(shape: dict[str, Any], arcs: list[np.ndarray]) -> BaseGeometry:
    kind = shape["type"]
    if kind == "Polygon":
        return _polygon(shape["arcs"], arcs)
    if kind == "MultiPolygon":
        parts = [_polygon(rings, arcs) for rings in shape["arcs"]]
        return shapely.MultiPolygon([part for part in parts if not part.is_empty])
    if kind == "LineString":
        return shapely.LineString(_line(shape["arcs"], arcs))
    if kind == "MultiLineString":
        return shapely.MultiLineString([_line(line, arcs) for line in shape["arcs"]])
    if kind is None:
        return shapely.Polygon()
    raise BrokenData(f"A shape of the topology is a {kind}.", hint="Only lines and polygons are read.")
