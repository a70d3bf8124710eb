"""How much traffic there is, how much time it loses, and how full the roads are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.order_statistics import blocks
from analytics.place_constants import constant
from analytics.record import Record, ratio, read, read_rows, refuse_parameter
from analytics.steps import STEPS_IN_YEAR
from geodata.units import to_canonical

STEPS = ("5 minutes", "15 minutes", "1 hour")
# A day of hours, nearly complete: a sum over half a day says nothing of the other half.
# Detectors report whole vehicles and speeds: on a quiet road these may well stay the same for a day.
MEASURED = ("flow_veh_per_h", "speed_km_per_h")
A_DAY = Minimum(values=20, completeness=0.8)
ONE = Minimum(values=1)
SIXTY_MPH = to_canonical(60.0, "mph")
# Slower than walking: a detector that is stuck or a closed road, not traffic of which a travel time could be told.
SLOWEST_KM_PER_H = 1.0
_PEMS = "California Department of Transportation, Performance Measurement System"
_SPEED_GAPS = "Intervals without flow or speed add nothing, so that with gaps the true figure is larger."
_NO_LENGTH = "Its length is unknown."


def _hours_per_step(record: Record) -> float:
    return STEPS_IN_YEAR["1 hour"] / STEPS_IN_YEAR[record.step]


def _flows(record: Record) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """By blocks of places: the flow, and the hours that a kilometre takes; NaN where either is missing."""
    for block in blocks(record["flow_veh_per_h"]):
        flow, speed = record["flow_veh_per_h"][block], record["speed_km_per_h"][block]
        yield block, flow, ratio(np.ones(1), speed, least=SLOWEST_KM_PER_H)


def _sum(values: np.ndarray) -> np.ndarray:
    present = np.isfinite(values)
    return np.where(present.any(axis=1), np.where(present, values, 0.0).sum(axis=1), np.nan)


@indicator(
    code="T8",
    domain="traffic",
    unit="veh_h",
    formula="VHD = L · Σ q · max(0, 1/v − 1/v₀) · Δt, v₀ = 96.56 km/h",
    needs=("flow_veh_per_h", "speed_km_per_h", "length_km"),
    steps=STEPS,
    better="lower",
    minimum=A_DAY,
    authority=_PEMS,
    edition="PeMS performance measures",
    reference="https://pems.dot.ca.gov/?dnode=Help&content=help_calc",
    caveat=_SPEED_GAPS,
    undefined=_NO_LENGTH,
)
def vehicle_hours_of_delay(panel: pd.DataFrame, *, reference_km_per_h: float = SIXTY_MPH) -> pd.Series:
    """Vehicle-hours of delay: the time that all vehicles lose against a reference speed.

    Parameters
    ----------
    panel : `flow_veh_per_h` and `speed_km_per_h` at 5 minutes, 15 minutes or 1 hour; `length_km` is the same in all
        rows of a segment.
    reference_km_per_h : the speed from which time is lost. 60 mph (96.56064 km/h exactly) by custom on California's
        freeways; 35 mph is 56.32704 km/h. On other roads give what is normal there.

    Returns
    -------
    Vehicle-hours in the time of the panel, by `location_id`. Segments may be summed.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.
    AlmanacError
        Where the reference speed is not positive.

    Notes
    -----
    VHD = Σ q·L·max(0, 1/v − 1/v_ref)·Δt over the intervals that have flow and speed. A speed of 1 km/h or less is
    withheld as that of a stuck detector or a closed road.

    References
    ----------
    California Department of Transportation: PeMS, calculation of delay.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=24, freq="h", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "flow_veh_per_h": 1000.0, "speed_km_per_h": 50.0,
    ...     "length_km": 2.0})
    >>> vehicle_hours_of_delay(panel, reference_km_per_h=100.0).round(6).to_dict()
    {'a': 480.0}
    """
    if not reference_km_per_h > SLOWEST_KM_PER_H:
        raise refuse_parameter("reference_km_per_h", reference_km_per_h, wanted="a speed above 1 km/h")
    record = read(panel, *MEASURED, minimum=A_DAY, steps=STEPS, steady=MEASURED)
    lost = np.full(len(record.places), np.nan)
    for block, flow, hours in _flows(record):
        lost[block] = _sum(flow * np.maximum(hours - 1 / reference_km_per_h, 0.0))
    length = constant(panel, "length_km", record.places)
    return record.series(lost * length * _hours_per_step(record), "vehicle_hours_of_delay")


@indicator(
    code="T9a",
    domain="traffic",
    unit="veh_km",
    formula="VKT = L · Σ q · Δt",
    needs=("flow_veh_per_h", "length_km"),
    steps=STEPS,
    better="neither",
    minimum=A_DAY,
    authority=_PEMS,
    edition="PeMS performance measures",
    reference="https://pems.dot.ca.gov/?dnode=Help&content=help_calc",
    caveat="Intervals without flow add nothing, so that with gaps the true figure is larger.",
    undefined=_NO_LENGTH,
)
def vehicle_kilometres(panel: pd.DataFrame) -> pd.Series:
    """Vehicle-kilometres: how far all vehicles together travel on the road.

    Parameters
    ----------
    panel : `flow_veh_per_h` at 5 minutes, 15 minutes or 1 hour; `length_km` is the same in all rows of a segment.

    Returns
    -------
    Vehicle-kilometres in the time of the panel, by `location_id`. Segments may be summed. One vehicle-mile is
    1.609344 of them.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    VKT = Σ q·L·Δt over the intervals that have a flow.

    References
    ----------
    California Department of Transportation: PeMS, vehicle miles travelled.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=24, freq="h", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "flow_veh_per_h": 1000.0, "length_km": 2.0})
    >>> vehicle_kilometres(panel).to_dict()
    {'a': 48000.0}
    """
    record = read(panel, "flow_veh_per_h", minimum=A_DAY, steps=STEPS, steady=("flow_veh_per_h",))
    flow = record["flow_veh_per_h"]
    total = np.concatenate([np.empty(0), *(_sum(flow[block]) for block in blocks(flow))])
    length = constant(panel, "length_km", record.places)
    return record.series(total * length * _hours_per_step(record), "vehicle_kilometres")


@indicator(
    code="T9b",
    domain="traffic",
    unit="veh_h",
    formula="VHT = L · Σ (q / v) · Δt",
    needs=("flow_veh_per_h", "speed_km_per_h", "length_km"),
    steps=STEPS,
    better="neither",
    minimum=A_DAY,
    authority=_PEMS,
    edition="PeMS performance measures",
    reference="https://pems.dot.ca.gov/?dnode=Help&content=help_calc",
    caveat=_SPEED_GAPS,
    undefined=_NO_LENGTH,
)
def vehicle_hours(panel: pd.DataFrame) -> pd.Series:
    """Vehicle-hours: the time that all vehicles together spend on the road.

    Parameters
    ----------
    panel : as for `vehicle_hours_of_delay`.

    Returns
    -------
    Vehicle-hours in the time of the panel, by `location_id`. Segments may be summed.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    VHT = Σ q·L/v·Δt over the intervals that have flow and speed; a speed of 1 km/h or less is withheld.

    References
    ----------
    California Department of Transportation: PeMS, vehicle hours travelled.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=24, freq="h", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "flow_veh_per_h": 1000.0, "speed_km_per_h": 50.0,
    ...     "length_km": 2.0})
    >>> vehicle_hours(panel).round(6).to_dict()
    {'a': 960.0}
    """
    record = read(panel, *MEASURED, minimum=A_DAY, steps=STEPS, steady=MEASURED)
    spent = np.full(len(record.places), np.nan)
    for block, flow, hours in _flows(record):
        spent[block] = _sum(flow * hours)
    length = constant(panel, "length_km", record.places)
    return record.series(spent * length * _hours_per_step(record), "vehicle_hours")


@indicator(
    code="T9c",
    domain="traffic",
    unit="km_per_h",
    formula="VKT / VHT = Σ q / Σ (q / v)",
    needs=("flow_veh_per_h", "speed_km_per_h"),
    steps=STEPS,
    better="higher",
    minimum=A_DAY,
    authority=_PEMS,
    edition="PeMS performance measures",
    reference="https://pems.dot.ca.gov/?dnode=Help&content=help_calc",
    caveat="It is the speed of the average vehicle-kilometre: busy hours count more than empty ones.",
    undefined="No vehicle passed in all the time there are values for.",
)
def mean_speed(panel: pd.DataFrame) -> pd.Series:
    """Mean speed of traffic: distance travelled by all vehicles, divided by the time they took.

    Parameters
    ----------
    panel : `flow_veh_per_h` and `speed_km_per_h` at 5 minutes, 15 minutes or 1 hour.

    Returns
    -------
    Kilometres per hour by `location_id`. For several segments divide the sum of `vehicle_kilometres` by that of
    `vehicle_hours`; speeds cannot be averaged.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    Q = VKT / VHT = Σ q / Σ (q/v), both over the intervals that have flow and speed: the harmonic mean of the speeds,
    weighted by flow. A speed of 1 km/h or less is withheld.

    References
    ----------
    California Department of Transportation: PeMS, measure Q.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=24, freq="h", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "flow_veh_per_h": [1000.0, 500.0] * 12,
    ...     "speed_km_per_h": [50.0, 100.0] * 12})
    >>> mean_speed(panel).round(6).to_dict()
    {'a': 60.0}
    """
    record = read(panel, *MEASURED, minimum=A_DAY, steps=STEPS, steady=MEASURED)
    speed = np.full(len(record.places), np.nan)
    for block, flow, hours in _flows(record):
        spent = flow * hours
        speed[block] = ratio(_sum(np.where(np.isfinite(spent), flow, np.nan)), _sum(spent))
    return record.series(speed, "mean_speed")


@indicator(
    code="T14a",
    domain="traffic",
    unit="share",
    formula="V / C",
    needs=("flow_veh_per_h", "capacity_veh_per_h"),
    table="layer",
    better="lower",
    minimum=ONE,
    authority="Transportation Research Board",
    edition="Highway Capacity Manual, 2000",
    reference="Transportation Research Board (2000): Highway Capacity Manual. Washington, D.C.",
    caveat="It is only as good as the capacity: whether that is the design or the largest possible flow must be known.",
    undefined="Its capacity is unknown or zero.",
    standard="convention",
)
def volume_to_capacity(roads: pd.DataFrame) -> pd.Series:
    """Volume to capacity: how full the road is.

    Parameters
    ----------
    roads : one row per road or direction: `flow_veh_per_h` (the volume that wants to pass) and `capacity_veh_per_h`.

    Returns
    -------
    The ratio by `location_id`, without unit; above 1 more wants to pass than can.

    Raises
    ------
    BrokenData
        Where the layer cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    v/c. A measured flow can hardly exceed the capacity: values above 1 come of demand, from a model, or of a capacity
    set too low. Capacity is the ultimate one unless the source says otherwise; with design volumes (level of
    service C) the ratio is larger.

    References
    ----------
    Transportation Research Board (2000): Highway Capacity Manual. FHWA, Travel Model Improvement Program:
    Delay–Volume Relations for Travel Forecasting, chapter 4.

    Examples
    --------
    >>> roads = pd.DataFrame({"location_id": ["a"], "flow_veh_per_h": [1800.0], "capacity_veh_per_h": [2000.0]})
    >>> volume_to_capacity(roads).to_dict()
    {'a': 0.9}
    """
    rows = read_rows(roads, "flow_veh_per_h", "capacity_veh_per_h")
    full = ratio(rows["flow_veh_per_h"].to_numpy(), rows["capacity_veh_per_h"].to_numpy())
    return pd.Series(full, index=rows.index, name="volume_to_capacity")


@indicator(
    code="T14b",
    domain="traffic",
    unit="min",
    formula="t = t₀ · (1 + α · (V / C)^β), α = 0.15, β = 4",
    needs=("flow_veh_per_h", "capacity_veh_per_h", "free_flow_time_min"),
    table="layer",
    better="lower",
    minimum=ONE,
    authority="Bureau of Public Roads",
    edition="Traffic Assignment Manual, 1964",
    reference="https://www.fhwa.dot.gov/planning/tmip/publications/other_reports/delay_volume_relations/ch04.cfm",
    caveat="It is a model for planning, not a measurement, and far above capacity it is too hopeful.",
    undefined="Its capacity is unknown or zero.",
)
def bpr_travel_time(roads: pd.DataFrame, *, alpha: float = 0.15, beta: float = 4.0) -> pd.Series:
    """Modelled travel time: how long the road takes at its present or planned volume.

    Parameters
    ----------
    roads : one row per road or direction: `flow_veh_per_h`, `capacity_veh_per_h` and `free_flow_time_min`.
    alpha, beta : the coefficients; 0.15 and 4 are the classic ones.

    Returns
    -------
    Minutes by `location_id`.

    Raises
    ------
    BrokenData
        Where the layer cannot be read; see `analytics.record.read_rows`.
    AlmanacError
        Where a coefficient is negative.

    Notes
    -----
    t = t₀ · (1 + α·(v/c)^β). The classic 0.15 belongs to a capacity that is the design volume (level of service C);
    α = 1 doubles t₀ at capacity, the second of the conditions of Spiess (1990).

    References
    ----------
    Bureau of Public Roads (1964): Traffic Assignment Manual. Spiess, H. (1990): Conical volume-delay functions.
    Transportation Science 24(2), 153–158. https://doi.org/10.1287/trsc.24.2.153

    Examples
    --------
    >>> roads = pd.DataFrame({"location_id": ["a"], "flow_veh_per_h": [2000.0], "capacity_veh_per_h": [2000.0],
    ...     "free_flow_time_min": [10.0]})
    >>> bpr_travel_time(roads).to_dict()
    {'a': 11.5}
    """
    for name, value in (("alpha", alpha), ("beta", beta)):
        if not value >= 0:
            raise refuse_parameter(name, value, wanted="zero or more")
    rows = read_rows(roads, "flow_veh_per_h", "capacity_veh_per_h", "free_flow_time_min")
    full = ratio(rows["flow_veh_per_h"].to_numpy(), rows["capacity_veh_per_h"].to_numpy())
    minutes = rows["free_flow_time_min"].to_numpy() * (1 + alpha * full**beta)
    return pd.Series(minutes, index=rows.index, name="bpr_travel_time")
