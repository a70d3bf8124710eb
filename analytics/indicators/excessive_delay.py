"""The federal congestion measure of the United States (23 CFR 490.7): hours that people lose in slow traffic."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.local_clock import Period, local_clock
from analytics.order_statistics import blocks, half_up
from analytics.place_constants import constant
from analytics.record import ratio, read, read_rows, refuse_parameter
from geodata.units import to_canonical

QUARTER_HOURS = ("15 minutes",)
A_FEW = Minimum(values=20)
ONE = Minimum(values=1)
# Reported in whole seconds and vehicles: on a quiet road these may well stay the same.
MEASURED = ("travel_time_s", "flow_veh_per_h")
AUTHORITY = "Federal Highway Administration"
MILE = to_canonical(1.0, "mile")
# 490.705: slower than 20 miles per hour, or than 60 percent of the posted limit, is excessive.
SLOWEST_KM_PER_H = to_canonical(20.0, "mph")
POSTED = 0.6
MOST_S = 900.0
# People per vehicle in FHWA's guidance of April 2018: all vehicles, cars, buses, trucks.
OCCUPANCY = 1.7
CARS, BUSES, TRUCKS = 1.7, 10.7, 1.0


def average_occupancy(bus_share: float, truck_share: float, *, cars: float = CARS, buses: float = BUSES) -> float:
    """People per vehicle in mixed traffic: cars, buses and trucks by their shares of the vehicles.

    Examples
    --------
    >>> average_occupancy(0.03, 0.05)
    1.935
    """
    return round((1 - bus_share - truck_share) * cars + bus_share * buses + truck_share * TRUCKS, 12)


@indicator(
    code="T7a",
    domain="traffic",
    unit="person_h",
    formula="PHED = O · Σ min(900 s, max(0, t − t₀)) · q / 4, t₀ = L / max(32.18688 km/h, 0.6 · v₀)",
    needs=("travel_time_s", "flow_veh_per_h", "length_km", "speed_limit_km_per_h"),
    steps=QUARTER_HOURS,
    better="lower",
    minimum=A_FEW,
    authority=AUTHORITY,
    edition="23 CFR 490.711, as amended 2018",
    reference="https://www.ecfr.gov/current/title-23/part-490/section-490.711",
    caveat="Intervals without a travel time or a flow add nothing, so that with gaps the true delay is larger.",
    undefined="Its length or speed limit is unknown, or no interval of the peak hours has travel time and flow.",
    clock=True,
)
def peak_hour_excessive_delay(
    panel: pd.DataFrame,
    *,
    timezone: str = "UTC",
    evening_from: int = 15,
    occupancy: float = OCCUPANCY,
    rounded: bool = True,
) -> pd.Series:
    """Peak hour excessive delay: hours that people lose to very slow traffic at peak hours.

    Parameters
    ----------
    panel : `travel_time_s` of all traffic and `flow_veh_per_h` (the hour's volume in the segment's direction) at 15
        minutes, of one calendar year; `length_km`, `speed_limit_km_per_h` and, if it is known, `occupancy_people`
        (people per vehicle) are the same in all rows of a segment.
    timezone : the clock of the segments, an IANA name.
    evening_from : 15 or 16: whether the evening peak is 15 to 19 or 16 to 20 o'clock; the state chooses.
    occupancy : people per vehicle where there is no such column; see `average_occupancy`.
    rounded : round as the regulation says, at every step.

    Returns
    -------
    Person-hours in the time of the panel, by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.
    AlmanacError
        Where a keyword cannot be taken.

    Notes
    -----
    Threshold speed = the greater of 20 mph (32.18688 km/h exactly) and 60 % of the posted limit. Threshold travel
    time = length (to the nearest thousandth of a mile) / threshold speed, to the nearest second. Delay of an interval
    = travel time (to the nearest second) − threshold, at least 0 and at most 900 s; in hours to the nearest
    thousandth. Sum over the intervals of Monday to Friday, 6 to 10 and 15 to 19 (or 16 to 20) o'clock, of delay ×
    hourly volume / 4 × people per vehicle, to the nearest thousandth of a person-hour.

    Resolved choices: halves are rounded upward. The threshold speed itself is not rounded. Volumes are not rounded.
    Holidays are included. Missing intervals are not replaced, and a travel time of 0 is missing. The R package `tpm`
    rounds the total only: `rounded=False` does the same without that.

    References
    ----------
    23 CFR 490.705, 490.709, 490.711. FHWA (2018): Average Vehicle Occupancy Factors for Computing Travel Time
    Reliability Measures and Total Peak Hour Excessive Delay Metrics. Egge, M.: tpm, version 2.0 (R).

    Examples
    --------
    >>> times = pd.date_range("2024-01-01 06:00", periods=96, freq="15min", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "travel_time_s": 300.0, "flow_veh_per_h": 400.0,
    ...     "length_km": 1.609344, "speed_limit_km_per_h": 30 * 1.609344})
    >>> peak_hour_excessive_delay(panel).to_dict()
    {'a': 179.52}
    """
    if evening_from not in (15, 16):
        raise refuse_parameter("evening_from", evening_from, wanted="15 or 16")
    if not occupancy > 0:
        raise refuse_parameter("occupancy", occupancy, wanted="a positive number of people per vehicle")
    record = read(panel, *MEASURED, minimum=A_FEW, steps=QUARTER_HOURS, steady=MEASURED)
    length = constant(panel, "length_km", record.places)
    limit = constant(panel, "speed_limit_km_per_h", record.places)
    people: np.ndarray | float = occupancy
    if "occupancy_people" in panel.columns:
        people = constant(panel, "occupancy_people", record.places)
    if rounded:
        length = half_up(length / MILE, 3) * MILE
    threshold = length / np.maximum(SLOWEST_KM_PER_H, POSTED * limit) * 3600
    clock = local_clock(record.times, timezone)
    evening = Period("evening", evening_from, evening_from + 4, "weekdays")
    peak = Period("morning", 6, 10, "weekdays").holds(clock) | evening.holds(clock)
    total = np.full(len(record.places), np.nan)
    for block in blocks(record["travel_time_s"]):
        travel, flow = record["travel_time_s"][block][:, peak], record["flow_veh_per_h"][block][:, peak]
        travel[travel == 0] = np.nan
        hours = _delay_hours(travel, threshold[block, None], rounded)
        delay = hours * flow / 4
        some = np.isfinite(delay).any(axis=1)
        total[block] = np.where(some, np.where(np.isfinite(delay), delay, 0.0).sum(axis=1), np.nan)
    total = total * people
    return record.series(half_up(total, 3) if rounded else total, "peak_hour_excessive_delay")


def _delay_hours(travel: np.ndarray, threshold: np.ndarray, rounded: bool) -> np.ndarray:
    if not rounded:
        return np.asarray(np.clip(travel - threshold, 0.0, MOST_S) / 3600)
    return half_up(np.clip(half_up(travel) - half_up(threshold), 0.0, MOST_S) / 3600, 3)


@indicator(
    code="T7b",
    domain="traffic",
    unit="h",
    formula="Σ PHED / N",
    needs=("delay_person_h", "population_people"),
    table="table",
    better="lower",
    minimum=ONE,
    authority=AUTHORITY,
    edition="23 CFR 490.713, as amended 2018",
    reference="https://www.ecfr.gov/current/title-23/part-490/section-490.713",
    caveat="It shares the delay of all who drive through among those who live there.",
    undefined="The population is unknown or zero, or no segment has a delay.",
)
def excessive_delay_per_person(segments: pd.DataFrame) -> pd.Series:
    """Excessive delay per resident: hours lost at peak hours for each person who lives there.

    Parameters
    ----------
    segments : one row per urbanised area (`location_id`) and `segment_id`: `delay_person_h`, the segment's peak hour
        excessive delay of the year, and `population_people`, the area's population, the same in all of its rows.

    Returns
    -------
    Hours per person by `location_id`, to the nearest tenth.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    Σ delay / population. Segments without a delay add nothing. Halves are rounded upward. The text of 490.713 was
    not at hand: the tenth is that of FHWA's published targets.

    References
    ----------
    23 CFR 490.707(a), 490.713.

    Examples
    --------
    >>> segments = pd.DataFrame({"location_id": "a", "segment_id": ["1", "2"], "delay_person_h": [900.0, 600.0],
    ...     "population_people": [100.0, 100.0]})
    >>> excessive_delay_per_person(segments).to_dict()
    {'a': 15.0}
    """
    rows = read_rows(segments, "delay_person_h", "population_people", keys=("segment_id",))
    people = constant(rows.reset_index(), "population_people", pd.Index(rows.index.unique()))
    total = rows["delay_person_h"].groupby(level=0).sum(min_count=1)
    hours = half_up(ratio(total.reindex(rows.index.unique()).to_numpy(), people), 1)
    return pd.Series(hours, index=rows.index.unique(), name="excessive_delay_per_person")
