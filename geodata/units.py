"""Units: canonical ones inside, conversion only here and at the edges of files.

A value column carries its unit at the end of its name (`discharge_m3_per_s`). `UNITS` lists the endings that
exist; `to_canonical` turns what a file holds into one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from geodata.errors import BrokenData

Numbers = TypeVar("Numbers", pd.Series, np.ndarray, float)


@dataclass(frozen=True)
class Unit:
    """A canonical unit: how it ends a column's name, how a source file writes it, and how it is printed.

    adds_up : whether values at different places may be summed (people may, millimetres of rain may not)
    """

    suffix: str
    code: str
    symbol: str
    adds_up: bool = False


_ALL = (
    Unit("m3_per_s", "m3/s", "m³/s"),
    Unit("veh_per_day", "veh/day", "veh/day"),
    Unit("veh_per_h", "veh/h", "veh/h"),
    Unit("km_per_h", "km/h", "km/h"),
    Unit("m_per_s", "m/s", "m/s"),
    Unit("mm", "mm", "mm"),
    Unit("mm_per_year", "mm/year", "mm/yr"),
    Unit("percent_per_decade", "%/decade", "%/decade"),
    Unit("percent_per_year", "%/year", "%/yr"),
    Unit("m", "m", "m"),
    Unit("km", "km", "km"),
    Unit("km2", "km2", "km²"),
    Unit("ha", "ha", "ha"),
    Unit("m3", "m3", "m³", adds_up=True),
    Unit("mm_per_year2", "mm/year2", "mm/yr²"),
    Unit("cm_per_year", "cm/year", "cm/yr"),
    Unit("m_per_ha", "m/ha", "m/ha"),
    Unit("count_per_km2", "count/km2", "/km²"),
    Unit("veh_per_km_lane", "pc/km/lane", "pc/km/lane"),
    Unit("s", "s", "s"),
    Unit("min", "min", "min"),
    Unit("s_per_veh", "s/veh", "s/veh"),
    Unit("h", "h", "h"),
    Unit("veh_h", "veh-h", "veh-h", adds_up=True),
    Unit("person_h", "person-h", "person-h", adds_up=True),
    Unit("veh_km", "veh-km", "veh-km", adds_up=True),
    Unit("days_per_year", "days/year", "days/yr"),
    Unit("days", "days", "days"),
    Unit("events_per_year", "events/year", "events/yr"),
    Unit("sigma", "sigma", "σ"),
    Unit("veh", "veh", "veh", adds_up=True),
    Unit("m3_per_day", "m3/day", "m³/day", adds_up=True),
    Unit("c", "degC", "°C"),
    Unit("percent", "percent", "%"),
    Unit("ug_per_m3", "ug/m3", "µg/m³"),
    Unit("mg_per_m3", "mg/m3", "mg/m³"),
    Unit("mwh", "MWh", "MWh", adds_up=True),
    Unit("hpa", "hPa", "hPa"),
    Unit("pa", "Pa", "Pa"),
    Unit("j_per_m2", "J/m2", "J/m²"),
    Unit("w_per_m2", "W/m2", "W/m²"),
    Unit("m2_per_m2", "m2/m2", "m²/m²"),
    Unit("people", "people", "people", adds_up=True),
    Unit("people_per_km2", "people/km2", "people/km²"),
    Unit("heads_per_km2", "heads/km2", "heads/km²"),
    Unit("trips", "trips", "trips", adds_up=True),
    Unit("count", "count", "", adds_up=True),
    Unit("share", "1", ""),
    Unit("p", "p-value", ""),
)
# Longest ending first: `velocity_mm_per_year` must not be read as something in "year".
UNITS: dict[str, Unit] = {u.suffix: u for u in sorted(_ALL, key=lambda u: -len(u.suffix))}

# What files hold → (canonical suffix, factor, offset): canonical = found × factor + offset.
CONVERSIONS: dict[str, tuple[str, float, float]] = {
    **{u.code: (u.suffix, 1.0, 0.0) for u in _ALL},
    "ft3/s": ("m3_per_s", 0.3048**3, 0.0),
    "l/s": ("m3_per_s", 0.001, 0.0),
    "ft": ("m", 0.3048, 0.0),
    "in": ("mm", 25.4, 0.0),
    "cm": ("m", 0.01, 0.0),
    "mile": ("km", 1.609344, 0.0),
    "mph": ("km_per_h", 1.609344, 0.0),
    "K": ("c", 1.0, -273.15),
    "degF": ("c", 5.0 / 9.0, -160.0 / 9.0),
    "kg/m2": ("mm", 1.0, 0.0),  # of liquid water
    "m/year": ("mm_per_year", 1000.0, 0.0),
    "m/yr": ("mm_per_year", 1000.0, 0.0),
    "kWh": ("mwh", 0.001, 0.0),
}


def unit_of(column: str) -> Unit:
    """The unit that a value column's name carries.

    Raises
    ------
    BrokenData
        When the name ends in no known unit.

    Examples
    --------
    >>> unit_of("velocity_mm_per_year").symbol
    'mm/yr'
    """
    for suffix, unit in UNITS.items():
        if column == suffix or column.endswith(f"_{suffix}"):
            return unit
    raise BrokenData(
        "The column “{column}” carries no known unit in its name.",
        hint="End the name with a unit, such as discharge_m3_per_s, rain_mm, forest_percent or wells_count.",
        column=column,
    )


def to_canonical(values: Numbers, unit: str) -> Numbers:
    """The same quantity in the canonical unit.

    Parameters
    ----------
    values : numbers in `unit`; missing stays missing.
    unit : a key of `CONVERSIONS`, such as "ft3/s".

    Returns
    -------
    The values in the canonical unit, of the kind given.

    Raises
    ------
    BrokenData
        When the unit is not known.

    Examples
    --------
    >>> round(to_canonical(1.0, "ft3/s"), 6)
    0.028317
    """
    if unit not in CONVERSIONS:
        raise BrokenData(
            f"The unit “{unit}” is not known.",
            hint="Use one of: " + ", ".join(sorted(CONVERSIONS)) + ".",
        )
    _, factor, offset = CONVERSIONS[unit]
    return values * factor + offset
