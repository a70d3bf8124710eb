from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geodata.errors import BrokenData
from geodata.units import CONVERSIONS, UNITS, to_canonical, unit_of


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("discharge_m3_per_s", "m3/s"),
        ("traffic_veh_per_day", "veh/day"),
        ("velocity_mm_per_year", "mm/year"),
        ("displacement_mm", "mm"),
        ("head_m", "m"),
        ("no2_ug_per_m3", "ug/m3"),
        ("temperature_c", "degC"),
        ("slope_percent_per_decade", "%/decade"),
        ("unemployment_percent", "percent"),
        ("land_area_km2", "km2"),
        ("population_people", "people"),
        ("density_people_per_km2", "people/km2"),
        ("electricity_mwh", "MWh"),
        ("percent", "percent"),
    ],
)
def test_a_name_carries_its_unit(column: str, code: str) -> None:
    assert unit_of(column).code == code


@pytest.mark.parametrize("column", ["discharge", "m_discharge", "speed_furlongs", "xmm", ""])
def test_a_name_without_a_unit_is_refused(column: str) -> None:
    with pytest.raises(BrokenData, match="no known unit") as caught:
        unit_of(column)
    assert caught.value.hint


# Factors by definition: the international foot and inch (0.3048 m, 25.4 mm), mile, and the zero of Celsius.
@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (100.0, "ft3/s", 2.8316846592),
        (1.0, "in", 25.4),
        (60.0, "mph", 96.56064),
        (273.15, "K", 0.0),
        (212.0, "degF", 100.0),
        (-40.0, "degF", -40.0),
        (0.001, "m/yr", 1.0),
        (1500.0, "kWh", 1.5),
        (7.5, "m3/s", 7.5),
    ],
)
def test_conversions(value: float, unit: str, expected: float) -> None:
    assert to_canonical(value, unit) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_missing_stays_missing_and_the_input_is_left_alone() -> None:
    series = pd.Series([1.0, np.nan, 3.0], index=["a", "b", "c"])
    before = series.copy()
    converted = to_canonical(series, "in")
    assert converted.index.tolist() == ["a", "b", "c"]
    assert converted.isna().tolist() == [False, True, False]
    pd.testing.assert_series_equal(series, before)


def test_an_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(BrokenData, match="furlong") as caught:
        to_canonical(1.0, "furlong")
    assert "ft3/s" in caught.value.hint


def test_every_conversion_leads_to_a_unit_that_exists() -> None:
    assert {suffix for suffix, _, _ in CONVERSIONS.values()} <= set(UNITS)
    assert len({u.code for u in UNITS.values()}) == len(UNITS)


def test_no_longer_ending_is_hidden_by_a_shorter_one() -> None:
    for suffix in UNITS:
        assert unit_of(f"thing_{suffix}").suffix == suffix
