"""Formulas on reflected light: plain functions of bands, for tables of places and for the cells of a raster alike."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum
from analytics.record import Record, ratio, read
from geodata.errors import BrokenData

# Below this sum of two reflectances both are noise, and their quotient is too.
LEAST_LIGHT = 0.01
# Below this the divisors of the enhanced and the built-up index blow up: over snow, cloud and mixed ground.
LEAST_DIVISOR = 0.05
# Atmospheric correction takes dark surfaces a little below zero, and glinting ones above one.
_LOWEST, _HIGHEST = -0.1, 1.6


def normalised_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(one − other) / (one + other), from −1 to 1.

    Withheld (NaN) where the sum is under 0.01, or where a reflectance below zero throws the quotient out of
    its range: neither says anything about the ground.

    Examples
    --------
    >>> normalised_difference(np.array([0.4, 0.004, -0.05]), np.array([0.1, 0.004, 0.1])).round(3).tolist()
    [0.6, nan, nan]
    """
    total = np.add(one, other, dtype=float)
    value = ratio(np.subtract(one, other, dtype=float), np.where(total > 0, total, np.nan), least=LEAST_LIGHT)
    return np.where(np.abs(value) <= 1, value, np.nan)


def ndvi_of(nir: np.ndarray, red: np.ndarray) -> np.ndarray:
    """Normalised difference vegetation index."""
    return normalised_difference(nir, red)


def evi_of(nir: np.ndarray, red: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """Enhanced vegetation index, with the coefficients for MODIS and Landsat: 2.5, 6, 7.5 and 1."""
    divisor = nir + 6.0 * red - 7.5 * blue + 1.0
    return ratio(2.5 * (nir - red), np.where(divisor > 0, divisor, np.nan), least=LEAST_DIVISOR)


def savi_of(nir: np.ndarray, red: np.ndarray, soil: float = 0.5) -> np.ndarray:
    """Soil-adjusted vegetation index; `soil` is the L of its formula."""
    divisor = nir + red + soil
    return ratio((1.0 + soil) * (nir - red), np.where(divisor > 0, divisor, np.nan), least=LEAST_LIGHT)


def ndwi_of(green: np.ndarray, nir: np.ndarray) -> np.ndarray:
    """McFeeters' normalised difference water index."""
    return normalised_difference(green, nir)


def mndwi_of(green: np.ndarray, swir1: np.ndarray) -> np.ndarray:
    """Xu's modified normalised difference water index."""
    return normalised_difference(green, swir1)


def awei_of(green: np.ndarray, nir: np.ndarray, swir1: np.ndarray, swir2: np.ndarray) -> np.ndarray:
    """Automated water extraction index for scenes without shadow."""
    return 4.0 * (green - swir1) - (0.25 * nir + 2.75 * swir2)


def awei_shadow_of(
    blue: np.ndarray, green: np.ndarray, nir: np.ndarray, swir1: np.ndarray, swir2: np.ndarray
) -> np.ndarray:
    """Automated water extraction index for scenes with shadow."""
    return blue + 2.5 * green - 1.5 * (nir + swir1) - 0.25 * swir2


def nbr_of(nir: np.ndarray, swir2: np.ndarray) -> np.ndarray:
    """Normalised burn ratio."""
    return normalised_difference(nir, swir2)


def rbr_of(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Relativised burn ratio of two normalised burn ratios; 1.001 keeps the divisor above zero."""
    return (before - after) / (before + 1.001)


def ndbi_of(swir1: np.ndarray, nir: np.ndarray) -> np.ndarray:
    """Normalised difference built-up index."""
    return normalised_difference(swir1, nir)


def ibi_of(green: np.ndarray, red: np.ndarray, nir: np.ndarray, swir1: np.ndarray) -> np.ndarray:
    """Index-based built-up index, from the built-up, the soil-adjusted vegetation and the modified water index."""
    built = ndbi_of(swir1, nir)
    rest = (savi_of(nir, red) + mndwi_of(green, swir1)) / 2.0
    return ratio(built - rest, built + rest, least=LEAST_DIVISOR)


def ui_of(swir2: np.ndarray, nir: np.ndarray) -> np.ndarray:
    """Urban index."""
    return normalised_difference(swir2, nir)


def read_reflectances(panel: pd.DataFrame, *columns: str, minimum: Minimum) -> Record:
    """A panel of reflectances as matrices, once they are shown to be shares of the light and not scaled integers.

    Raises
    ------
    BrokenData
        As for `analytics.record.read`, and where values lie outside −0.1 to 1.6.
    """
    record = read(panel, *columns, minimum=minimum, signed=columns)
    for column, values in record.columns.items():
        _refuse_scaled(column, values)
    return record


def _refuse_scaled(column: str, values: np.ndarray) -> None:
    present = values[np.isfinite(values)]
    if len(present) and (present.max() > _HIGHEST or present.min() < _LOWEST):
        raise BrokenData(
            "{column} runs from {lowest} to {highest}, but a reflectance is a share from 0 to 1.",
            hint="Undo the producer's scale first: many give whole numbers to be divided by 10,000, "
            "and Landsat Collection 2 wants times 0.0000275 minus 0.2.",
            column=column,
            lowest=f"{present.min():g}",
            highest=f"{present.max():g}",
        )


def refuse_beyond_one(column: str, values: np.ndarray) -> None:
    """Stops at an index outside −1 to 1.

    Raises
    ------
    BrokenData
        Where it was left in the scale of its file.
    """
    present = values[np.isfinite(values)]
    if len(present) and np.abs(present).max() > 1.0:
        raise BrokenData(
            "{column} reaches {furthest}, but this index runs from −1 to 1.",
            hint="Undo the producer's scale first; many give whole numbers to be divided by 10,000.",
            column=column,
            furthest=f"{present[np.abs(present).argmax()]:g}",
        )


def last_steps(record: Record, n: int = 1) -> np.ndarray:
    """Which steps are the last ones at which every column has a value: places × n, the latest first, −1 for none."""
    present = np.ones((len(record.places), len(record.times)), dtype=bool)
    for values in record.columns.values():
        present &= np.isfinite(values)
    steps = np.where(present, np.arange(len(record.times)), -1)
    if len(record.times) < n:
        steps = np.pad(steps, ((0, 0), (n - len(record.times), 0)), constant_values=-1)
    return np.sort(steps, axis=1)[:, ::-1][:, :n]


def at(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """One value per place: that of its step; NaN where the step is −1."""
    if not values.shape[1]:
        return np.full(values.shape[0], np.nan)
    return np.where(steps >= 0, np.take_along_axis(values, np.maximum(steps, 0)[:, None], axis=1)[:, 0], np.nan)


def latest(record: Record) -> tuple[np.ndarray, ...]:
    """The columns at the last step at which a place has all of them, in the order in which they were read."""
    steps = last_steps(record)[:, 0]
    return tuple(at(values, steps) for values in record.columns.values())
