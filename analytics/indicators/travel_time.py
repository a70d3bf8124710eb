"""How long trips take: against an open road, on the worst days, and how much time to set aside."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import indicator
from analytics.local_clock import A_WEEK, Period, local_clock
from analytics.order_statistics import blocks, inverted_cdf, mean
from analytics.place_constants import constant
from analytics.record import Record, ratio, read

STEPS = ("5 minutes", "15 minutes", "1 hour")
# The hours of FHWA's Urban Congestion Reports: its peaks, and the daytime outside them.
PEAKS = (Period("morning", 6, 9, "weekdays"), Period("evening", 16, 19, "weekdays"))
OFF_PEAK = (
    Period("midday", 9, 16, "weekdays"),
    Period("late", 19, 22, "weekdays"),
    Period("weekend", 6, 22, "weekend"),
)
ALL_HOURS = (Period("all", 0, 24, "all"),)
# The travel time of the 85th percentile of speeds.
_FREE_FLOW = 15
_NO_FREE_FLOW = "Outside the peaks there is no travel time from which that on an open road could be told."


def _record(panel: pd.DataFrame) -> Record:
    record = read(panel, "travel_time_s", minimum=A_WEEK, steps=STEPS, steady=("travel_time_s",))
    times = record["travel_time_s"]
    # A trip takes time: sources write 0 where nobody passed. In place and by blocks, since the matrix may be large.
    for block in blocks(times):
        part = times[block]
        part[part == 0] = np.nan
    return record


def _within(record: Record, periods: tuple[Period, ...], timezone: str) -> np.ndarray:
    clock = local_clock(record.times, timezone)
    return np.logical_or.reduce([period.holds(clock) for period in periods])


def _mean(record: Record, chosen: np.ndarray) -> np.ndarray:
    times = record["travel_time_s"]
    return np.concatenate([np.empty(0), *(mean(times[block][:, chosen]) for block in blocks(times))])


def _percentile(record: Record, chosen: np.ndarray, percent: int) -> np.ndarray:
    times = record["travel_time_s"]
    found = (inverted_cdf(times[block][:, chosen], (percent,))[:, 0] for block in blocks(times))
    return np.concatenate([np.empty(0), *found])


def _free_flow(panel: pd.DataFrame, record: Record, timezone: str) -> np.ndarray:
    if "free_flow_travel_time_s" in panel.columns:
        return constant(panel, "free_flow_travel_time_s", record.places)
    return _percentile(record, _within(record, OFF_PEAK, timezone), _FREE_FLOW)


@indicator(
    code="T1",
    domain="traffic",
    unit="share",
    formula="TTI = t̄ₚ / t₀ (t₀ = P₁₅(tₒ))",
    needs=("travel_time_s",),
    steps=STEPS,
    better="lower",
    minimum=A_WEEK,
    authority="Texas A&M Transportation Institute; Federal Highway Administration",
    edition="Urban Mobility Report; Urban Congestion Reports",
    reference="https://ops.fhwa.dot.gov/perf_measurement/ucr/",
    caveat="It compares a road with itself at quiet hours: a road that is always slow looks free.",
    undefined=_NO_FREE_FLOW,
    clock=True,
)
def travel_time_index(panel: pd.DataFrame, *, timezone: str = "UTC") -> pd.Series:
    """Travel Time Index: how many times longer a trip takes at peak hours than on an open road.

    Parameters
    ----------
    panel : `travel_time_s` of a segment or route at 5 minutes, 15 minutes or 1 hour, and, if it is known,
        `free_flow_travel_time_s`, the same in all rows of a place.
    timezone : the clock by which peaks are told, an IANA name.

    Returns
    -------
    The index by `location_id`, without unit: 1.3 means that 20 minutes become 26.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as travel times; see `analytics.record.read`.

    Notes
    -----
    TTI = mean travel time at peak hours / travel time at free flow. Peak hours are Monday to Friday, 6 to 9 and 16
    to 19 o'clock. Free flow is the column `free_flow_travel_time_s`; without it, the 15th percentile (type 1) of the
    travel times of the daytime outside the peaks (Monday to Friday 9 to 16 and 19 to 22, weekends 6 to 22), which is
    the travel time of the 85th percentile of speeds. Hours and percentile follow FHWA's Urban Congestion Reports,
    whose text was not at hand to confirm them; the Urban Mobility Report takes hours of the night instead. A travel
    time of 0 is missing. Vehicles are not weighted; where routes are to be averaged, weight by vehicle-kilometres.

    References
    ----------
    Texas A&M Transportation Institute: Urban Mobility Report, glossary.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=168, freq="h", tz="UTC")
    >>> peak = hours.hour.isin([6, 7, 8, 16, 17, 18])
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "travel_time_s": np.where(peak, 1560.0, 1200.0)})
    >>> travel_time_index(panel).to_dict()
    {'a': 1.3}
    """
    record = _record(panel)
    peak = _mean(record, _within(record, PEAKS, timezone))
    return record.series(ratio(peak, _free_flow(panel, record, timezone)), "travel_time_index")


@indicator(
    code="T2",
    domain="traffic",
    unit="share",
    formula="PTI = P₉₅(tₚ) / t₀ (t₀ = P₁₅(tₒ))",
    needs=("travel_time_s",),
    steps=STEPS,
    better="lower",
    minimum=A_WEEK,
    authority="Texas A&M Transportation Institute; Federal Highway Administration",
    edition="Urban Mobility Report; Urban Congestion Reports",
    reference="https://ops.fhwa.dot.gov/publications/tt_reliability/TTR_Report.htm",
    caveat="It speaks of one bad day in twenty, roughly once a month; rarer standstills lie beyond it.",
    undefined=_NO_FREE_FLOW,
    clock=True,
)
def planning_time_index(panel: pd.DataFrame, *, timezone: str = "UTC") -> pd.Series:
    """Planning Time Index: the time to set aside at peak hours, as a multiple of an open road's.

    Parameters
    ----------
    panel, timezone : as for `travel_time_index`.

    Returns
    -------
    The index by `location_id`, without unit: 1.8 means that 36 minutes must be set aside for a trip of 20.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as travel times; see `analytics.record.read`.

    Notes
    -----
    PTI = 95th percentile of the travel times at peak hours / travel time at free flow; both as in
    `travel_time_index`. The percentile is of type 1, a travel time that did occur, as the federal reliability
    measures take theirs; the difference from an interpolated one vanishes with the length of the record.

    References
    ----------
    Texas A&M Transportation Institute: Urban Mobility Report, glossary.
    FHWA Office of Operations (2006): Travel Time Reliability: Making It There On Time, All The Time.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=168, freq="h", tz="UTC")
    >>> peak = hours.hour.isin([6, 7, 8, 16, 17, 18])
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "travel_time_s": np.where(peak, 2160.0, 1200.0)})
    >>> planning_time_index(panel).to_dict()
    {'a': 1.8}
    """
    record = _record(panel)
    slow = _percentile(record, _within(record, PEAKS, timezone), 95)
    return record.series(ratio(slow, _free_flow(panel, record, timezone)), "planning_time_index")


@indicator(
    code="T3",
    domain="traffic",
    unit="percent",
    formula="BI = 100 · (P₉₅(tₚ) − t̄ₚ) / t̄ₚ",
    needs=("travel_time_s",),
    steps=STEPS,
    better="lower",
    minimum=A_WEEK,
    authority="Federal Highway Administration",
    edition="Travel Time Reliability, 2006",
    reference="https://ops.fhwa.dot.gov/publications/tt_reliability/TTR_Report.htm",
    caveat="A road that is slow every day needs no buffer: low values do not mean that traffic flows freely.",
    undefined="At peak hours there is no travel time.",
    clock=True,
)
def buffer_index(panel: pd.DataFrame, *, timezone: str = "UTC") -> pd.Series:
    """Buffer Index: the extra time to add to a usual trip at peak hours to arrive on time.

    Parameters
    ----------
    panel, timezone : as for `travel_time_index`; no free flow is needed.

    Returns
    -------
    Percent of the mean travel time, by `location_id`: 40 means 8 minutes more on a trip of 20.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as travel times; see `analytics.record.read`.

    Notes
    -----
    BI = 100 · (95th percentile − mean) / mean of the travel times at peak hours (see `travel_time_index`). The
    percentile is of type 1. Where a few days are extreme the mean can lie above the 95th percentile: the index is
    then negative and says nothing; the Planning Time Index serves better. To average over routes, weight by
    vehicle-kilometres.

    References
    ----------
    FHWA Office of Operations (2006): Travel Time Reliability: Making It There On Time, All The Time.
    ARC-IT, performance measure 18. OKI Regional Council of Governments: Travel Time Reliability.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=168, freq="h", tz="UTC")
    >>> slow = np.where(np.arange(168) == 8, 2000.0, 1000.0)
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "travel_time_s": slow})
    >>> buffer_index(panel).round(2).to_dict()
    {'a': -3.23}
    """
    record = _record(panel)
    chosen = _within(record, PEAKS, timezone)
    usual = _mean(record, chosen)
    return record.series(100 * ratio(_percentile(record, chosen, 95) - usual, usual), "buffer_index")


@indicator(
    code="T10",
    domain="traffic",
    unit="percent",
    formula="100 · (t̄ / t₀ − 1) (t₀ = P₁₅(tₒ))",
    needs=("travel_time_s",),
    steps=STEPS,
    better="lower",
    minimum=A_WEEK,
    authority="TomTom",
    edition="Traffic Index",
    reference="https://www.tomtom.com/traffic-index/about/",
    caveat="Cities with slow streets can score low: it compares a road with itself when it is free.",
    undefined=_NO_FREE_FLOW,
    clock=True,
)
def congestion_level(panel: pd.DataFrame, *, timezone: str = "UTC") -> pd.Series:
    """Congestion level: how much longer trips take, over all hours, than on an open road.

    Parameters
    ----------
    panel, timezone : as for `travel_time_index`.

    Returns
    -------
    Percent by `location_id`: 50 means that a trip of 30 minutes takes 45.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as travel times; see `analytics.record.read`.

    Notes
    -----
    100 · (mean travel time / travel time at free flow − 1) over all hours that have a travel time, free flow as in
    `travel_time_index`. TomTom weights by the trips driven, which a panel of travel times does not know: hours count
    alike here, so that the level is lower than TomTom's. It can be negative at night-time records, where most
    hours are faster than the free flow that is taken from the day.

    References
    ----------
    TomTom: Traffic Index, about the methodology.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=168, freq="h", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": hours, "travel_time_s": 2700.0})
    >>> congestion_level(panel.assign(free_flow_travel_time_s=1800.0)).to_dict()
    {'a': 50.0}
    """
    record = _record(panel)
    usual = _mean(record, np.ones(len(record.times), dtype=bool))
    return record.series(100 * (ratio(usual, _free_flow(panel, record, timezone)) - 1), "congestion_level")
