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
    light = [_lightness(colour) for colour in classes.palette]
    palest = int(np.argmax(light)) if light else 0
    both_ways = 0 < palest < len(light) - 1
    found = [
        Symbol(
            number=str(i + 1),
            colour=colour,
            hatch="/" if both_ways and i < palest else "",
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


def _lightness(colour: str) -> float:
    """Relative luminance, 0 to 1, as WCAG 2.2 defines it, brought near to what the eye sees by a square root."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(np.sqrt(linear @ np.array([0.2126, 0.7152, 0.0722])))
