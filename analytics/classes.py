"""Classes of a map: where the breaks lie, which colours they wear, and which class a value falls in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import AlmanacError

Method = Literal["quantile", "equal", "natural", "diverging", "given"]
NO_DATA = -1
MOST_CLASSES = 12

# Anchors of the two palettes. Sequential: lightness falls steadily from pale yellow to navy, so the order
# survives greyscale printing and every common colour blindness. Diverging: blue and brown differ for
# red-green blind readers, pale in the middle.
SEQUENTIAL = ("#f9eeae", "#b9d99a", "#6bb7a0", "#3187a0", "#285389", "#1b2150")
DIVERGING = ("#0d3f66", "#3d82b0", "#a9cce0", "#f1eee6", "#e0bf88", "#b27630", "#653a0b")


@dataclass(frozen=True)
class Classes:
    """How values are grouped for a map.

    breaks : the edges, ascending, one more than there are classes; the first and last may be infinite.
        Values beyond the outer edges belong to the outer classes.
    palette : one colour `#rrggbb` per class
    method : how the breaks were found
    unit : the unit of the breaks
    labels : a name per class, or empty
    authority : who set the breaks (a standard and its edition), or empty
    closed : which edge belongs to a class: "left" is [low, high), "right" is (low, high]
    distinct : every class holds one single value, its lower edge
    """

    breaks: tuple[float, ...]
    palette: tuple[str, ...]
    method: Method = "given"
    unit: str = ""
    labels: tuple[str, ...] = ()
    authority: str = ""
    closed: Literal["left", "right"] = "left"
    distinct: bool = False

    def __post_init__(self) -> None:
        n = max(len(self.breaks) - 1, 0)
        if len(self.palette) != n or (self.labels and len(self.labels) != n):
            raise AlmanacError(
                f"{len(self.breaks)} breaks make {n} classes, but {len(self.palette)} colours and "
                f"{len(self.labels)} labels were given.",
                hint="Give one colour per class, and one label per class or none.",
            )
        inner = self.breaks[1:-1]
        rising = all(low < high for low, high in itertools.pairwise(inner))
        if not rising or list(self.breaks) != sorted(self.breaks) or any(map(math.isnan, self.breaks)):
            raise AlmanacError(
                f"The breaks {self.breaks} do not rise.", hint="Give the breaks in ascending order, each once."
            )

    def __len__(self) -> int:
        return len(self.palette)


def class_breaks(
    values: ArrayLike,
    n: int = 5,
    method: Method = "quantile",
    *,
    breaks: Sequence[float] | None = None,
    labels: Sequence[str] = (),
    palette: Sequence[str] | None = None,
    unit: str = "",
    authority: str = "",
    closed: Literal["left", "right"] = "left",
    centre: float = 0.0,
) -> Classes:
    """Group values into classes with breaks that are easy to read.

    Parameters
    ----------
    values : numbers of any shape; give all steps of a series together, so that colours compare through time
    n : how many classes are wanted; there are fewer where the values are too few or too alike
    method : "quantile" (about as many places in each), "equal" (equally wide), "natural" (least spread
        inside the classes), "diverging" (the same on both sides of `centre`), "given" (`breaks`)
    breaks, labels, authority, closed : for "given": edges as in `Classes`
    palette : colours to use instead of the house's
    centre : the middle of a diverging scale

    Returns
    -------
    Classes. Values that are all missing give no class at all; a constant series gives one.

    Raises
    ------
    AlmanacError where the number of classes is impossible or "given" comes without breaks.
    """
    if not 1 <= n <= MOST_CLASSES:
        raise AlmanacError(f"{n} classes were asked for.", hint=f"Ask for 1 to {MOST_CLASSES} classes.")
    finite = np.asarray(values, dtype=float).ravel()
    finite = finite[np.isfinite(finite)]
    distinct = False
    edges: tuple[float, ...]
    if method == "given":
        if breaks is None or len(breaks) < 2:
            raise AlmanacError("Given breaks were asked for, but fewer than two were given.",
                               hint="Pass breaks=[low, …, high].")  # fmt: skip
        edges = tuple(float(edge) for edge in breaks)
    elif finite.size == 0:
        edges = ()
    else:
        different = np.unique(finite)
        # The map tells four significant digits apart: an edge that has more would part a value from itself.
        plain = all(float(f"{value:.4g}") == value for value in different[: n + 1])
        if method != "diverging" and different.size <= n and plain:
            distinct = True
            edges = (*different.tolist(), float(different[-1]))
        elif method != "diverging" and different.size <= n:
            edges = _rounded(different, ((different[:-1] + different[1:]) / 2).tolist())
        elif method == "diverging":
            edges = _diverging(finite, n, centre)
        elif method == "equal" and n > 1:  # a single class needs no steps, and none would span zero
            edges = _equal(float(different[0]), float(different[-1]), n)
        else:
            inner = _natural(finite, n) if method == "natural" else _quantiles(finite, n) if n > 1 else []
            edges = _rounded(different, inner)
    count = max(len(edges) - 1, 0)
    anchors = DIVERGING if method == "diverging" else SEQUENTIAL
    colours = tuple(palette) if palette is not None else ramp(anchors, count)
    return Classes(edges, colours, method, unit, tuple(labels), authority, closed, distinct)


def classify(values: ArrayLike, classes: Classes) -> NDArray[np.int8]:
    """The class of each value, counted from 0; −1 where there is no data.

    Notes
    -----
    Infinite values count as no data: they are not measurements.
    """
    numbers = np.asarray(values, dtype=float)
    side: Literal["left", "right"] = "right" if classes.closed == "left" else "left"
    found = np.searchsorted(np.asarray(classes.breaks[1:-1]), numbers, side=side).astype(np.int8)
    found[~np.isfinite(numbers)] = NO_DATA
    if not len(classes):
        found[...] = NO_DATA
    return found


def class_counts(values: ArrayLike, classes: Classes) -> tuple[NDArray[np.int64], int]:
    """How many values fall in each class, and how many have no data."""
    found = classify(values, classes).ravel()
    counts = np.bincount(found[found >= 0], minlength=len(classes)).astype(np.int64)
    return counts, int((found == NO_DATA).sum())


def ramp(anchors: Sequence[str], n: int) -> tuple[str, ...]:
    """`n` colours spread evenly along the anchors."""
    if n <= 0:
        return ()
    points = np.array([[int(a[i : i + 2], 16) for i in (1, 3, 5)] for a in anchors], dtype=float)
    # A few classes do not need the palest end: it would be hard to tell from the land.
    at = np.linspace(0, 1, n) if n > 1 else np.array([0.6])
    where = np.linspace(0, 1, len(points))
    channels = np.stack([np.interp(at, where, points[:, c]) for c in range(3)], axis=1).round().astype(int)
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in channels)


def _quantiles(values: NDArray[np.float64], n: int) -> list[float]:
    """The inner breaks that put about as many values in each class; a heap at the minimum gets its own."""
    low = values.min()
    heap = int((values == low).sum())
    if heap * n > values.size:
        above = values[values > low]
        rest = np.quantile(above, np.linspace(0, 1, n)[:-1])
    else:
        rest = np.quantile(values, np.linspace(0, 1, n + 1)[1:-1])
    return sorted({float(edge) for edge in rest if edge > low})


def _natural(values: NDArray[np.float64], n: int) -> list[float]:
    """The inner breaks with the least spread inside the classes (Jenks), exact over at most 400 groups."""
    levels = np.unique(np.quantile(values, np.linspace(0, 1, 400), method="nearest"))
    groups = np.searchsorted(levels, values, side="right") - 1
    weight = np.bincount(groups, minlength=levels.size).astype(float)
    total = np.bincount(groups, weights=values, minlength=levels.size)
    square = np.bincount(groups, weights=values**2, minlength=levels.size)
    w, s, q = (np.concatenate([[0.0], np.cumsum(part)]) for part in (weight, total, square))
    m = levels.size
    start, stop = np.meshgrid(np.arange(m), np.arange(1, m + 1), indexing="ij")
    inside = stop > start
    count = np.where(inside, w[stop] - w[start], 1.0)
    spread = np.where(inside, q[stop] - q[start] - (s[stop] - s[start]) ** 2 / count, np.inf)
    best = spread[0].copy()
    came: list[NDArray[np.int64]] = []
    for _ in range(1, min(n, m)):
        through = np.full((m, m), np.inf)
        through[1:] = best[:-1, None] + spread[1:]
        came.append(through.argmin(axis=0))
        best = through.min(axis=0)
    breaks, at = [], m - 1
    for back in reversed(came):
        first = int(back[at])
        breaks.append(float(levels[first]))
        at = first - 1
    return sorted(set(breaks))


def _equal(low: float, high: float, n: int) -> tuple[float, ...]:
    step = _nice_step((high - low) / n)
    first, last = _around(low, high, step)
    while last - first > n:
        step = _nice_step(step * 1.01)
        first, last = _around(low, high, step)
    return tuple(_clean(k * step, step) for k in range(first, last + 1))


def _around(low: float, high: float, step: float) -> tuple[int, int]:
    """The multiples of the step that just enclose low to high, by the edges as they will be written."""
    first, last = math.floor(low / step), math.ceil(high / step)
    if _clean((first + 1) * step, step) <= low:
        first += 1
    if _clean((last - 1) * step, step) >= high:
        last -= 1
    return first, last


def _diverging(values: NDArray[np.float64], n: int, centre: float) -> tuple[float, ...]:
    """Edges mirrored about the centre; an odd number of classes has a middle class that spans it."""
    size = np.abs(values - centre)
    if size.max() == 0:
        return (centre, centre)
    if n == 1:
        return (centre - float(size.max()), centre + float(size.max()))
    half = n // 2
    share = np.linspace(0, 1, half + 1 + n % 2)[1:-1] if half + n % 2 > 1 else np.array([])
    if n % 2:
        share = share[-half:]
    inner = sorted({float(edge) for edge in np.quantile(size[size > 0], share)} - {0.0})
    rounded = _rounded(np.array([0.0, *np.unique(size)]), inner)[1:-1]
    top = _nice_ceiling(float(size.max()))
    up = [edge for edge in rounded if 0 < edge < top]
    middle = [] if n % 2 else [0.0]
    mirrored = [-top, *(-edge for edge in reversed(up)), *middle, *up, top]
    return tuple(centre + edge for edge in mirrored)


def _rounded(different: NDArray[np.float64], inner: Iterable[float]) -> tuple[float, ...]:
    """Outer edges that hold everything, and inner ones rounded as far as their neighbours allow."""
    low, high = float(different[0]), float(different[-1])
    edges = [low, *sorted(inner), high]
    gaps = [high - low, *np.diff(edges), high - low]
    room = [min(a, b) for a, b in itertools.pairwise(gaps)]
    for finer in range(8):
        units = [10.0 ** (math.floor(math.log10(gap)) - finer) if gap > 0 else 0.0 for gap in room]
        neat = [_clean(round(e / u) * u, u) if u else e for e, u in zip(edges, units, strict=True)]
        inside = neat[1:-1]
        if all(a < b for a, b in zip([low, *inside], [*inside, high], strict=True)):
            break
    else:
        neat = edges
        inside = [e for e in edges[1:-1] if low < e < high]
    unit = min((u for u in units if u > 0), default=1.0)
    bottom = _clean(math.floor(low / unit + 1e-9) * unit, unit)
    top = _clean(math.ceil(high / unit - 1e-9) * unit, unit)
    return (min(bottom, low), *inside, max(top, high))


def _nice_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= step * (1 - 1e-9))


def _nice_ceiling(size: float) -> float:
    power = 10.0 ** math.floor(math.log10(size))
    return next(_clean(m * power, power / 10) for m in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if m * power >= size)


def _clean(value: float, unit: float) -> float:
    """The value without the dust of binary arithmetic: 0.30000000000000004 becomes 0.3."""
    return round(value, max(0, 2 - math.floor(math.log10(unit)))) + 0.0
