"""The federal reliability measures of the United States (23 CFR 490): can people and trucks count on a road?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.local_clock import Period, local_clock
from analytics.order_statistics import blocks, half_up, inverted_cdf
from analytics.record import Record, ratio, read, read_rows, refuse_parameter
from geodata.units import to_canonical

QUARTER_HOURS = ("15 minutes",)
PEOPLE = (
    Period("weekday_morning", 6, 10, "weekdays"),
    Period("weekday_midday", 10, 16, "weekdays"),
    Period("weekday_evening", 16, 20, "weekdays"),
    Period("weekend", 6, 20, "weekend"),
)
TRUCKS = (*PEOPLE, Period("overnight", 20, 6, "all"))
# The regulation sets none: it takes what was measured. With fewer, a percentile is a single drive.
A_FEW = Minimum(values=20)
ONE = Minimum(values=1)
AUTHORITY = "Federal Highway Administration"
MILE = to_canonical(1.0, "mile")
_UNMEASURED = "In one of the periods of the week no travel time was measured, or all were below half a second."


def _record(panel: pd.DataFrame, column: str, minimum: Minimum) -> Record:
    record = read(panel, column, minimum=minimum, steps=QUARTER_HOURS, steady=(column,))
    times = record[column]
    for block in blocks(times):
        part = times[block]
        # 490.509(b): a travel time reported as 0 is one that was not reported.
        part[part == 0] = np.nan
    return record


def _percentiles(
    record: Record, column: str, periods: tuple[Period, ...], percent: int, timezone: str, whole_seconds: bool
) -> np.ndarray:
    """Places × periods × (50th percentile, the given percentile), in seconds."""
    clock = local_clock(record.times, timezone)
    masks = [period.holds(clock) for period in periods]
    times = record[column]
    result = np.full((len(record.places), len(periods), 2), np.nan)
    for block in blocks(times):
        for at, mask in enumerate(masks):
            result[block, at] = inverted_cdf(times[block][:, mask], (50, percent))
    # Rounding keeps order, so that percentiles of rounded times are the rounded percentiles.
    return half_up(result) if whole_seconds else result


def _scores(percentiles: np.ndarray) -> np.ndarray:
    return half_up(ratio(percentiles[..., 1], percentiles[..., 0]), 2)


def _governing(scores: np.ndarray, every_period: bool) -> np.ndarray:
    known = np.isfinite(scores)
    highest = np.where(known, scores, -np.inf).max(axis=1, initial=-np.inf)
    return np.where(known.all(axis=1) if every_period else known.any(axis=1), highest, np.nan)


def reliability_by_period(
    panel: pd.DataFrame,
    *,
    trucks: bool = False,
    timezone: str = "UTC",
    whole_seconds: bool = True,
) -> pd.DataFrame:
    """The score of each period of the week, with the two travel times behind it, as states report them.

    Parameters
    ----------
    panel : `travel_time_s`, or for trucks `truck_travel_time_s`, at 15 minutes.
    trucks : the five periods and the 95th percentile of trucks, rather than four and the 80th.
    timezone, whole_seconds : as for `level_of_travel_time_reliability`.

    Returns
    -------
    By `location_id`: for each period its score, `<period>_normal_s` (50th percentile) and `<period>_slow_s`.

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=672, freq="15min", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "travel_time_s": 60.0})
    >>> reliability_by_period(panel)["weekend"].to_dict()
    {'a': 1.0}
    """
    column, periods, percent = ("truck_travel_time_s", TRUCKS, 95) if trucks else ("travel_time_s", PEOPLE, 80)
    record = _record(_with_all_traffic(panel) if trucks else panel, column, A_FEW)
    found = _percentiles(record, column, periods, percent, timezone, whole_seconds)
    scores = _scores(found)
    table = pd.DataFrame(index=record.places)
    for at, period in enumerate(periods):
        table[period.name] = scores[:, at]
        table[f"{period.name}_normal_s"] = found[:, at, 0]
        table[f"{period.name}_slow_s"] = found[:, at, 1]
    return table


@indicator(
    code="T4",
    domain="traffic",
    unit="share",
    formula="LOTTR = maxₚ P₈₀(tₚ) / P₅₀(tₚ), p = 1…4",
    needs=("travel_time_s",),
    steps=QUARTER_HOURS,
    better="lower",
    minimum=A_FEW,
    authority=AUTHORITY,
    edition="23 CFR 490.511, as amended 2025",
    reference="https://www.ecfr.gov/current/title-23/part-490/section-490.511",
    caveat="A road that is slow every day is called reliable: it tells of surprises, not of speed.",
    undefined=_UNMEASURED,
    standard="fhwa_23cfr490",
    clock=True,
)
def level_of_travel_time_reliability(
    panel: pd.DataFrame, *, timezone: str = "UTC", whole_seconds: bool = True, every_period: bool = True
) -> pd.Series:
    """Level of travel time reliability: how much longer slow days take than normal ones.

    Parameters
    ----------
    panel : `travel_time_s` of all traffic on a segment, means of 15 minutes, of one calendar year.
    timezone : the clock of the segments, an IANA name; the periods are told by it, summer time included.
    whole_seconds : round the percentiles to whole seconds before the ratio.
    every_period : withhold the level where one of the four periods has no travel time; if not, take the highest
        of those that have some.

    Returns
    -------
    The highest of the four periods' ratios by `location_id`, without unit. Below 1.50 the segment is reliable.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as travel times at 15 minutes; see `analytics.record.read`.
    AlmanacError
        Where there is no such time zone.

    Notes
    -----
    LOTTR = 80th percentile / 50th percentile of the travel times, for each of four periods: Monday to Friday 6 to
    10, 10 to 16 and 16 to 20 o'clock, Saturday and Sunday 6 to 20, holidays included. The level of the segment is the
    highest, since it is reliable only if all four are below 1.50 (490.513).

    Resolved choices. (1) Percentiles are of type 1 (inverse of the distribution, no interpolation), as the R package
    `tpm` takes them. (2) Travel times count to the nearest second before the ratio: the ranked list holds them so
    (490.611(a)(1) in these words), and so are the percentiles reported (490.511(e)(2)). FHWA's specification of the
    HPMS file says that only the reported percentiles are rounded, not those in the ratio, and `tpm` does not round
    them either: `whole_seconds=False` gives that. Short segments differ by several hundredths. (3) The ratio is rounded
    to hundredths, halves upward; on halves NumPy would go to the even neighbour. 1.495 is 1.50 and unreliable.
    (4) Missing intervals are not replaced, and 0 is missing (490.509(b)). (5) For a period without any travel time
    the text gives no rule: an unknown period cannot be shown to be reliable, so the level is withheld. `tpm` takes
    the periods there are: `every_period=False`. (6) The whole panel is taken as one year: hand over one, as the
    local calendar has it.

    References
    ----------
    23 CFR 490.505, 490.509, 490.511, 490.513. 82 FR 5970 (18 January 2017).
    FHWA (2018): National Performance Measures for Congestion, Reliability, and Freight, and CMAQ Traffic
    Congestion. FHWA-HIF-18-040.
    Egge, M.: tpm, FHWA TPM Score Calculation Functions, version 2.0 (R).

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=672, freq="15min", tz="UTC")
    >>> slow = (times.hour == 7) & (times.day_of_week < 5)
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "travel_time_s": np.where(slow, 45.0, 30.0)})
    >>> level_of_travel_time_reliability(panel).to_dict()
    {'a': 1.5}
    """
    record = _record(panel, "travel_time_s", A_FEW)
    found = _percentiles(record, "travel_time_s", PEOPLE, 80, timezone, whole_seconds)
    return record.series(_governing(_scores(found), every_period), "level_of_travel_time_reliability")


@indicator(
    code="T5",
    domain="traffic",
    unit="percent",
    formula="100 · Σ L·AADT·O·[LOTTR < 1.50] / Σ L·AADT·O",
    needs=("length_km", "traffic_veh_per_day", "lottr_share"),
    table="table",
    better="higher",
    minimum=ONE,
    authority=AUTHORITY,
    edition="23 CFR 490.513, as amended 2025",
    reference="https://www.ecfr.gov/current/title-23/part-490/section-490.513",
    caveat="Segments without a level of reliability are left out of both sums.",
    undefined="No segment of the area has length, traffic and a level of reliability.",
)
def reliable_person_miles(segments: pd.DataFrame, *, occupancy: float = 1.7) -> pd.Series:
    """Reliable travel: the share of all travel by people on roads they can count on.

    Parameters
    ----------
    segments : one row per area (`location_id`) and `segment_id`: `length_km`, `traffic_veh_per_day` (annual average
        daily traffic in the segment's direction), `lottr_share` (its level of travel time reliability, the highest
        of the four periods) and, if it is known, `occupancy_people` (people per vehicle).
    occupancy : people per vehicle where there is no such column.

    Returns
    -------
    Percent by `location_id`, to the nearest tenth.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.
    AlmanacError
        Where the occupancy is not positive.

    Notes
    -----
    100 · Σ SL·AV·OF over the segments with LOTTR below 1.50 / Σ SL·AV·OF over all. SL is the length to the nearest
    thousandth of a mile (km ÷ 1.609344 exactly), AV = AADT × 365 to the nearest vehicle, OF the occupancy factor.
    All rounding is halves upward. Compute interstates and other roads apart, as the regulation does. A segment with
    a missing number is left out of both sums; 1.7 people per vehicle is FHWA's national figure.

    References
    ----------
    23 CFR 490.509(c), 490.513. FHWA (2018): Average Vehicle Occupancy Factors for Computing Travel Time Reliability
    Measures and Total Peak Hour Excessive Delay Metrics.

    Examples
    --------
    >>> segments = pd.DataFrame({"location_id": "a", "segment_id": ["1", "2"], "length_km": [1.609344, 1.609344],
    ...     "traffic_veh_per_day": [30000.0, 10000.0], "lottr_share": [1.2, 1.5]})
    >>> reliable_person_miles(segments).to_dict()
    {'a': 75.0}
    """
    columns = ["length_km", "traffic_veh_per_day", "lottr_share"]
    if "occupancy_people" in segments.columns:
        columns.append("occupancy_people")
    elif not occupancy > 0:
        raise refuse_parameter("occupancy", occupancy, wanted="a positive number of people per vehicle")
    rows = read_rows(segments, *columns, keys=("segment_id",))
    people = rows.get("occupancy_people", occupancy)
    annual = half_up(rows["traffic_veh_per_day"].to_numpy() * 365)
    travel = pd.Series(_miles(rows) * annual, index=rows.index) * people
    travel = travel.where(rows["lottr_share"].notna())
    reliable = travel.where(half_up(rows["lottr_share"].to_numpy(), 2) < 1.5, 0.0)
    sums = pd.DataFrame({"reliable": reliable, "all": travel}).groupby(level=0).sum()
    share = half_up(100 * ratio(sums["reliable"].to_numpy(), sums["all"].to_numpy()), 1)
    return pd.Series(share, index=sums.index, name="reliable_person_miles")


@indicator(
    code="T6a",
    domain="traffic",
    unit="share",
    formula="TTTR = maxₚ P₉₅(tₚ) / P₅₀(tₚ), p = 1…5",
    needs=("truck_travel_time_s",),
    steps=QUARTER_HOURS,
    better="lower",
    minimum=A_FEW,
    authority=AUTHORITY,
    edition="23 CFR 490.611, as amended 2025",
    reference="https://www.ecfr.gov/current/title-23/part-490/section-490.611",
    caveat="A road that is slow every day scores well: it tells of surprises, not of speed.",
    undefined=_UNMEASURED,
    clock=True,
)
def truck_travel_time_reliability(
    panel: pd.DataFrame, *, timezone: str = "UTC", whole_seconds: bool = True, every_period: bool = True
) -> pd.Series:
    """Truck reliability: how much longer trucks take on the worst days than on normal ones.

    Parameters
    ----------
    panel : `truck_travel_time_s` on a segment, means of 15 minutes, of one calendar year. Where the panel has
        `travel_time_s` of all traffic too, it stands in for a missing one of trucks in the same interval.
    timezone, whole_seconds, every_period : as for `level_of_travel_time_reliability`.

    Returns
    -------
    The highest of the five periods' ratios by `location_id`, without unit. The regulation sets no threshold.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as travel times at 15 minutes; see `analytics.record.read`.
    AlmanacError
        Where there is no such time zone.

    Notes
    -----
    TTTR = 95th percentile / 50th percentile of the travel times, for the four periods of
    `level_of_travel_time_reliability` and overnight, 20 to 6 o'clock on every day. Rounding, percentiles and periods
    without travel times as there, but a missing time of trucks is replaced by that of all traffic (490.609(c)).

    References
    ----------
    23 CFR 490.607, 490.609, 490.611. Egge, M.: tpm, version 2.0 (R).

    Examples
    --------
    >>> times = pd.date_range("2024-01-01", periods=672, freq="15min", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "truck_travel_time_s": [50.0] * 660 + [72.0] * 12})
    >>> truck_travel_time_reliability(panel).to_dict()
    {'a': 1.0}
    """
    record = _record(_with_all_traffic(panel), "truck_travel_time_s", A_FEW)
    found = _percentiles(record, "truck_travel_time_s", TRUCKS, 95, timezone, whole_seconds)
    return record.series(_governing(_scores(found), every_period), "truck_travel_time_reliability")


@indicator(
    code="T6b",
    domain="traffic",
    unit="share",
    formula="Σ L · TTTR / Σ L",
    needs=("length_km", "tttr_share"),
    table="table",
    better="lower",
    minimum=ONE,
    authority=AUTHORITY,
    edition="23 CFR 490.613, as amended 2025",
    reference="https://www.ecfr.gov/current/title-23/part-490/section-490.613",
    caveat="Long empty roads count as much as busy ones: it is weighted by length, not by trucks.",
    undefined="No segment of the area has both a length and a truck reliability.",
)
def truck_reliability_index(segments: pd.DataFrame) -> pd.Series:
    """Truck reliability index: how much longer trucks take on bad days, on all roads together.

    Parameters
    ----------
    segments : one row per area (`location_id`) and `segment_id`: `length_km` and `tttr_share`, the highest of the
        five periods' truck ratios.

    Returns
    -------
    The index by `location_id`, without unit, to the nearest hundredth.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    Σ SL·TTTR / Σ SL, with SL the length to the nearest thousandth of a mile (km ÷ 1.609344 exactly). Segments with a
    missing number are left out of both sums. All rounding is halves upward.

    References
    ----------
    23 CFR 490.613. Egge, M.: tpm, version 2.0 (R).

    Examples
    --------
    >>> segments = pd.DataFrame({"location_id": "a", "segment_id": ["1", "2"], "length_km": [1.609344, 4.828032],
    ...     "tttr_share": [1.5, 1.1]})
    >>> truck_reliability_index(segments).to_dict()
    {'a': 1.2}
    """
    rows = read_rows(segments, "length_km", "tttr_share", keys=("segment_id",))
    miles = pd.Series(_miles(rows), index=rows.index).where(rows["tttr_share"].notna())
    sums = pd.DataFrame({"weighted": miles * rows["tttr_share"], "length": miles}).groupby(level=0).sum()
    index = half_up(ratio(sums["weighted"].to_numpy(), sums["length"].to_numpy()), 2)
    return pd.Series(index, index=sums.index, name="truck_reliability_index")


def _miles(rows: pd.DataFrame) -> np.ndarray:
    """Lengths as the regulation wants them: to the nearest thousandth of a mile."""
    return half_up(rows["length_km"].to_numpy() / MILE, 3)


def _with_all_traffic(panel: pd.DataFrame) -> pd.DataFrame:
    """The panel with the travel time of all traffic where trucks have none (490.609(c))."""
    if "truck_travel_time_s" not in panel.columns or "travel_time_s" not in panel.columns:
        return panel
    trucks = panel["truck_travel_time_s"]
    return panel.assign(truck_travel_time_s=trucks.where(trucks.notna() & (trucks != 0), panel["travel_time_s"]))
