"""What marks a class on paper: the screen's colour, and a number, a hatch or a mark for those who see no colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.classes import NO_DATA, Classes, class_counts, classify
from app.charts import NO_DATA as NO_DATA_COLOUR
from app.charts import class_labels
from app.text import t

# Lightnesses that differ by less look alike in print.
_ALIKE = 0.05
MARKS = ("circle", "square", "diamond", "triangle", "down", "cross")


@dataclass(frozen=True)
class Symbol:
    """How one class is drawn.

    number : counted from 1 in the order of the legend; "" for places without a value
    colour : `#rrggbb`
    hatch : lines across the colour: "" for none, "/" for the classes before the palest one, where colours darken
        towards both ends and would look alike in grey, "x" for no data
    mark : the shape of points
    label : what the class is called
    count : how many places are in it
    """

    number: str
    colour: str
    hatch: str
    mark: str
    label: str
    count: int

    @property
    def ink(self) -> str:
        """The colour of the hatch: light on dark colours and dark on light ones."""
        return "#ffffff" if _lightness(self.colour) < 0.55 else "#3a4652"


def symbols(values: pd.Series, classes: Classes) -> tuple[Symbol, ...]:
    """The symbols of all classes in their order, behind them that of no data.

    Parameters
    ----------
    values : one per place; they are only counted.
    """
    counts, missing = class_counts(values.to_numpy(float), classes)
    hatched = _first_side([_lightness(colour) for colour in classes.palette])
    found = [
        Symbol(
            number=str(i + 1),
            colour=colour,
            hatch="/" if i < hatched else "",
            mark=MARKS[i % len(MARKS)],
            label=label,
            count=int(count),
        )
        for i, (colour, label, count) in enumerate(zip(classes.palette, class_labels(classes), counts, strict=True))
    ]
    return (*found, Symbol("", NO_DATA_COLOUR, "x", "circle", t("no data"), missing))


def symbol_of(values: Sequence[float] | np.ndarray, classes: Classes) -> np.ndarray:
    """The index of each value's symbol in `symbols`: the last one without a value."""
    codes = classify(values, classes).astype(int)
    return np.where(codes == NO_DATA, len(classes), codes)


def mark_path(mark: str, x: float, y: float, size: float) -> str:
    """A mark of about `size` across, as the `d` of a path."""
    r = size / 2
    if mark == "circle":
        return f"M{x - r:.0f} {y:.0f}a{r:.0f} {r:.0f} 0 1 0 {2 * r:.0f} 0a{r:.0f} {r:.0f} 0 1 0 {-2 * r:.0f} 0z"
    corners = {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "diamond": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
        "triangle": [(0, -1.2), (1.15, 0.9), (-1.15, 0.9)],
        "down": [(0, 1.2), (1.15, -0.9), (-1.15, -0.9)],
        "cross": [
            *((-0.4, -1.1), (0.4, -1.1), (0.4, -0.4), (1.1, -0.4), (1.1, 0.4), (0.4, 0.4)),
            *((0.4, 1.1), (-0.4, 1.1), (-0.4, 0.4), (-1.1, 0.4), (-1.1, -0.4), (-0.4, -0.4)),
        ],
    }[mark]
    return "M" + "L".join(f"{x + a * r:.0f} {y + b * r:.0f}" for a, b in corners) + "z"


def pattern_name(symbol: Symbol) -> str:
    """The id of a symbol's hatch within a drawing."""
    return "hatch-no-data" if symbol.hatch == "x" else f"hatch-{symbol.number}"


def patterns(found: Sequence[Symbol]) -> str:
    """The hatches of all symbols that have one."""
    drawn = [
        f'<pattern id="{pattern_name(s)}" width="26" height="26" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({45 if s.hatch == "/" else -45})">'
        f'<rect width="26" height="26" fill="{s.colour}"/>'
        f'<path d="M0 0V26" stroke="{s.ink}" stroke-width="{7 if s.hatch == "/" else 6}"/></pattern>'
        for s in found
        if s.hatch and s.count
    ]
    return f"<defs>{''.join(drawn)}</defs>" if drawn else ""


def _first_side(light: Sequence[float]) -> int:
    """How many classes lie on the first side of the palest one; 0 where colours darken one way only.

    Two palest ones side by side, that look alike in grey, are the middle of an even number: the first is hatched too.
    """
    last = len(light) - 1
    palest = int(np.argmax(light)) if light else 0
    if palest < last and light[palest] - light[palest + 1] < _ALIKE:
        return palest + 1
    if palest == last and (last < 1 or light[last] - light[last - 1] >= _ALIKE):
        return 0
    return palest


def _lightness(colour: str) -> float:
    """Relative luminance, 0 to 1, as WCAG 2.2 defines it, brought near to what the eye sees by a square root."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(np.sqrt(linear @ np.array([0.2126, 0.7152, 0.0722])))
