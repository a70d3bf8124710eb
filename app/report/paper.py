"""From the ground to the paper: what part of the world a map shows, and outlines in its units."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

# Coordinates are whole twentieths of a millimetre: finer than a printer's dot of 300 to the inch.
UNITS = 20
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NICE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Frame:
    """What part of the world a map shows, and how large.

    west, south, east, north : in metres of the metric CRS
    scale : how many metres of the ground are a metre on paper
    turn : by how many degrees north lies clockwise from straight up, in the middle
    width, height : of the whole drawing, in mm; the map lies `_LEFT` and `_RIM` within
    """

    west: float
    south: float
    east: float
    north: float
    scale: float
    turn: float
    width: float
    height: float


def xml_text(words: str) -> str:
    """Words without the signs that no XML may hold, neither drawings nor Word.

    Examples
    --------
    >>> xml_text("Al\\x07to")
    'Alto'
    """
    return _NOT_XML.sub("", words)


def nice_scale(scale: float) -> float:
    """The next rounder scale that shows at least as much.

    Examples
    --------
    >>> nice_scale(412_345.0), nice_scale(1_000_000.0)
    (500000.0, 1000000.0)
    """
    power = 10.0 ** math.floor(math.log10(scale))
    return next(round(step * power, 3) for step in _NICE if step * power >= scale * (1 - 1e-9))


def paths(shapes: object, frame: Frame) -> str:
    """Shapes clipped to the frame, as the `d` of one path; "" where nothing is seen."""
    shapes = np.asarray(shapes, dtype=object)
    if not len(shapes):
        return ""
    # A little beyond the frame, so that no outline runs along its edge.
    margin = 0.002 * frame.scale
    box = (frame.west - margin, frame.south - margin, frame.east + margin, frame.north + margin)
    clipped = clipped_to(shapes, *box)
    # A tenth of a millimetre: half as wide as the line.
    kept = shapely.simplify(clipped[~shapely.is_empty(clipped)], frame.scale / 10_000, preserve_topology=False)
    parts = shapely.get_parts(kept)
    areas = shapely.get_dimensions(parts) == 2
    lines = shapely.get_parts(parts[shapely.get_dimensions(parts) == 1])
    pieces = np.concatenate([shapely.get_rings(parts[areas]), lines]) if areas.any() else lines
    if not len(pieces):
        return ""
    xy, piece = shapely.get_coordinates(pieces, return_index=True)
    return path(on_paper(xy, frame), piece, closed=bool(areas.any()))


def clipped_to(
    shapes: NDArray[np.object_], west: float, south: float, east: float, north: float
) -> NDArray[np.object_]:
    """What of each shape lies within a box.

    The fast way gives up on a shape that touches the box in a single point; it is then cut the slow way.
    """
    try:
        return np.asarray(shapely.clip_by_rect(shapes, west, south, east, north))
    except shapely.GEOSException:
        return np.asarray(shapely.intersection(shapely.make_valid(shapes), shapely.box(west, south, east, north)))


def path(xy: NDArray[np.float64], piece: NDArray[np.int64], *, closed: bool = True) -> str:
    """Broken lines as the `d` of a path, in whole units, each point as its difference from the one before."""
    grid = np.rint(xy).astype(np.int64)
    first = np.append(True, piece[1:] != piece[:-1])
    step = np.diff(grid, axis=0, prepend=grid[:1])
    still = ~first & (step == 0).all(axis=1)
    grid, first = grid[~still], first[~still]
    step = np.where(first[:, None], grid, np.diff(grid, axis=0, prepend=grid[:1]))
    end = "z" if closed else ""
    words = [
        (f"{end}M{x} {y}l" if start else f"{x} {y} ")
        for (x, y), start in zip(step.tolist(), first.tolist(), strict=True)
    ]
    return "".join(words).removeprefix("z").rstrip("l") + end


def on_paper(xy: NDArray[np.float64], frame: Frame) -> NDArray[np.float64]:
    """Metres of the metric CRS as units of the drawing, from its upper left corner."""
    factor = 1000 * UNITS / frame.scale
    return np.column_stack([(xy[:, 0] - frame.west) * factor, (frame.north - xy[:, 1]) * factor])


def in_view(shapes: NDArray[np.object_], inside: NDArray[np.float64], frame: Frame) -> NDArray[np.float64]:
    """A point of each shape that the frame shows: its own where that lies within, else one of what is left of it."""
    x, y = inside.T
    out = (x < frame.west) | (x > frame.east) | (y < frame.south) | (y > frame.north)
    if not out.any():
        return inside
    clipped = clipped_to(shapes[out], frame.west, frame.south, frame.east, frame.north)
    left = ~shapely.is_empty(clipped)
    moved = inside.copy()
    where = np.flatnonzero(out)[left]
    moved[where] = shapely.get_coordinates(shapely.point_on_surface(clipped[left]))
    return moved
