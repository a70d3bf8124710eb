"""Congestion that comes back: how many hours a day, on how many days, on how much of the network."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.local_clock import local_clock
from analytics.order_statistics import blocks, inverted_cdf
from analytics.place_constants import constant
from analytics.record import Record, ratio, read, read_rows, refuse_parameter
from analytics.steps import STEPS_IN_YEAR

STEPS = ("5 minutes", "15 minutes", "1 hour")
A_WEEK = Minimum(values=100)
ONE = Minimum(values=1)
# Slower than this share of the free-flow speed is congested. 23 CFR 490.705 takes the same share of the posted limit.
CONGESTED = 0.6
# A day counts when so much of it was measured.
MEASURED = 0.75
_AUTHORITY = "Convention"
_EDITION = "after 23 CFR 490.705 and Chinese practice"
_REFERENCE = "https://www.ecfr.gov/current/title-23/part-490/section-490.705"
_NO_DAY = "On no day was the speed measured for three quarters of the time, or the speed on the open road is unknown."


def _congested_by_day(panel: pd.DataFrame, below: float, timezone: str) -> tuple[Record, np.ndarray]:
    """The record, and places × days: the share of the measured steps that were congested.

    Days of which less than three quarters were measured are NaN.
    """
    if not 0 < below < 1:
        raise refuse_parameter("below", below, wanted="a share between 0 and 1")
    record = read(panel, "speed_km_per_h", minimum=A_WEEK, steps=STEPS, steady=("speed_km_per_h",))
    speed = record["speed_km_per_h"]
    free = _free_flow(panel, record)
    day = local_clock(record.times, timezone).normalize()
    starts = np.flatnonzero(np.r_[True, day[1:] != day[:-1]]) if len(day) else np.empty(0, dtype=int)
    steps_in_day = STEPS_IN_YEAR[record.step] / STEPS_IN_YEAR["1 day"]
    share = np.full((len(record.places), len(starts)), np.nan)
    for block in blocks(speed):
        part = speed[block]
        measured = np.isfinite(part)
        slow = measured & (part < below * free[block, None])
        if len(starts):
            n = np.add.reduceat(measured, starts, axis=1, dtype=float)
            share[block] = ratio(np.add.reduceat(slow, starts, axis=1, dtype=float), n)
            share[block][n < MEASURED * steps_in_day] = np.nan
    share[np.isnan(free)] = np.nan
    return record, share


def _free_flow(panel: pd.DataFrame, record: Record) -> np.ndarray:
    if "free_flow_speed_km_per_h" in panel.columns:
        return constant(panel, "free_flow_speed_km_per_h", record.places)
    speed = record["speed_km_per_h"]
    return np.concatenate([np.empty(0), *(inverted_cdf(speed[block], (85,))[:, 0] for block in blocks(speed))])


def _mean_of_days(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1))


@indicator(
    code="T17a",
    domain="traffic",
    unit="h",
    formula="(24 / D) · Σₖ #(vₖ < 0.6 · v₀) / nₖ (v₀ = P₈₅(v))",
    needs=("speed_km_per_h",),
    steps=STEPS,
    better="lower",
    minimum=A_WEEK,
    authority=_AUTHORITY,
    edition=_EDITION,
    reference=_REFERENCE,
    caveat="It depends on what is called congested and on the speed taken as that of the open road.",
    undefined=_NO_DAY,
    clock=True,
)
def congestion_hours(panel: pd.DataFrame, *, below: float = CONGESTED, timezone: str = "UTC") -> pd.Series:
    """Hours of congestion: how many hours of an average day the road is slow.

    Parameters
    ----------
    panel : `speed_km_per_h` at 5 minutes, 15 minutes or 1 hour and, if it is known, `free_flow_speed_km_per_h`, the
        same in all rows of a place.
    below : the share of the free-flow speed below which traffic is congested.
    timezone : the clock by which days begin, an IANA name.

    Returns
    -------
    Hours a day by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as speeds; see `analytics.record.read`.
    AlmanacError
        Where a keyword cannot be taken.

    Notes
    -----
    24 h × the share of the measured time of a day in which speed < `below` × free-flow speed; mean over all days
    of which at least three quarters were measured. Free flow is the column `free_flow_speed_km_per_h`; without it,
    the 85th percentile (type 1) of the place's own speeds. No text was at hand that sets the share: 60 % is that which
    23 CFR 490.705 takes of the posted limit; FHWA's congestion reports speak of 90 %.

    References
    ----------
    23 CFR 490.705.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=168, freq="h", tz="UTC")
    >>> slow = np.where(hours.hour.isin([7, 8, 17]), 30.0, 100.0)
    >>> congestion_hours(pd.DataFrame({"location_id": "a", "time": hours, "speed_km_per_h": slow})).to_dict()
    {'a': 3.0}
    """
    record, share = _congested_by_day(panel, below, timezone)
    return record.series(24 * _mean_of_days(share), "congestion_hours")


@indicator(
    code="T17b",
    domain="traffic",
    unit="percent",
    formula="(100 / D) · #(k: 24 · #(vₖ < 0.6 · v₀) / nₖ ≥ 1) (v₀ = P₈₅(v))",
    needs=("speed_km_per_h",),
    steps=STEPS,
    better="lower",
    minimum=A_WEEK,
    authority=_AUTHORITY,
    edition=_EDITION,
    reference=_REFERENCE,
    caveat="A day with an hour of congestion counts like one with ten.",
    undefined=_NO_DAY,
    clock=True,
)
def congested_days(
    panel: pd.DataFrame, *, below: float = CONGESTED, hours: float = 1.0, timezone: str = "UTC"
) -> pd.Series:
    """Congested days: the share of days on which the road is slow for an hour or more.

    Parameters
    ----------
    panel, below, timezone : as for `congestion_hours`.
    hours : how long it must be slow in all for the day to count.

    Returns
    -------
    Percent of the days that were measured, by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as speeds; see `analytics.record.read`.
    AlmanacError
        Where a keyword cannot be taken.

    Notes
    -----
    100 × days with at least `hours` of congestion (see `congestion_hours`) / days of which at least three quarters
    were measured.

    References
    ----------
    23 CFR 490.705.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-01", periods=240, freq="h", tz="UTC")
    >>> slow = np.where((hours.hour == 8) & (hours.day <= 4), 30.0, 100.0)
    >>> congested_days(pd.DataFrame({"location_id": "a", "time": hours, "speed_km_per_h": slow})).to_dict()
    {'a': 40.0}
    """
    if not 0 < hours <= 24:
        raise refuse_parameter("hours", hours, wanted="a number of hours up to 24")
    record, share = _congested_by_day(panel, below, timezone)
    # 1/24 as a share must not fail by the last bit.
    congested = np.where(np.isfinite(share), (24 * share >= hours - 1e-9).astype(float), np.nan)
    return record.series(100 * _mean_of_days(congested), "congested_days")


@indicator(
    code="T17c",
    domain="traffic",
    unit="percent",
    formula="100 · Σ Lᵢ · [cᵢ ≥ 50 %] / Σ Lᵢ",
    needs=("length_km", "congested_days_percent"),
    table="table",
    better="lower",
    minimum=ONE,
    authority=_AUTHORITY,
    edition=_EDITION,
    reference=_REFERENCE,
    caveat="Segments that were not measured are left out: it tells of the measured network only.",
    undefined="No segment of the area has both a length and a share of congested days.",
)
def recurrent_congestion(segments: pd.DataFrame, *, on_days_percent: float = 50.0) -> pd.Series:
    """Recurrent congestion: the share of the road network that is slow on most days.

    Parameters
    ----------
    segments : one row per area (`location_id`) and `segment_id`: `length_km` and `congested_days_percent`, such as
        `congested_days` gives.
    on_days_percent : on how many days, in percent, a segment must be congested to count.

    Returns
    -------
    Percent of the network's length by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.
    AlmanacError
        Where the share of days cannot be taken.

    Notes
    -----
    100 · Σ L over the segments congested on at least `on_days_percent` of the days / Σ L over all segments measured.
    Half of the days is a convention: no text was at hand that sets the share.

    References
    ----------
    23 CFR 490.705 for what is congested.

    Examples
    --------
    >>> segments = pd.DataFrame({"location_id": "a", "segment_id": ["1", "2"], "length_km": [3.0, 1.0],
    ...     "congested_days_percent": [20.0, 50.0]})
    >>> recurrent_congestion(segments).to_dict()
    {'a': 25.0}
    """
    if not 0 < on_days_percent <= 100:
        raise refuse_parameter("on_days_percent", on_days_percent, wanted="a percentage above 0")
    rows = read_rows(segments, "length_km", "congested_days_percent", keys=("segment_id",))
    length = rows["length_km"].where(rows["congested_days_percent"].notna())
    often = length.where(rows["congested_days_percent"] >= on_days_percent, 0.0)
    sums = pd.DataFrame({"often": often, "all": length}).groupby(level=0).sum()
    share = 100 * ratio(sums["often"].to_numpy(), sums["all"].to_numpy())
    return pd.Series(share, index=sums.index, name="recurrent_congestion")
