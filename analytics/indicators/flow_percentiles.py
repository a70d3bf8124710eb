"""How high a river runs today, compared with the same time of year in other years."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from analytics.annual import moving_mean
from analytics.indicator import Minimum, indicator
from analytics.normals import (
    LEAST_YEARS,
    last_present,
    percentile_among,
    percentile_of_day,
    percentile_of_last_day,
)
from analytics.record import Record, read, refuse_parameter

_FLOW = "discharge_m3_per_s"
_HYSWAP = "https://doi-usgs.github.io/hyswap/meta/calculations.html"
# The means over which WaterWatch and the drought monitor look for low flow.
DROUGHT_DAYS = (7, 14, 28)


def _years(least: int) -> Minimum:
    """A record of so many years, a tenth of whose days may be missing."""
    return Minimum(values=330 * least, years=float(least))


TEN_YEARS = _years(LEAST_YEARS)


def _read(panel: pd.DataFrame, least_years: int, tidal: Collection[str]) -> Record:
    return read(panel, _FLOW, minimum=_years(least_years), steps=("1 day",), tidal=tidal)


@indicator(
    code="W1",
    domain="water",
    unit="percent",
    formula="100 · i / (n + 1), i = #(Q(d, y) ≤ Q₀), n = #(Q(d, y))",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=TEN_YEARS,
    authority="U.S. Geological Survey",
    edition="hyswap 1.0.1",
    reference=_HYSWAP,
    caveat="It compares the river with itself at this time of year: usual for a dry season is still dry.",
    undefined="Fewer than ten reference years have a value for this day of the year, or all of them are alike.",
    standard="usgs_nwd",
    tidal=True,
    latest=True,
    fitted=True,
)
def streamflow_percentile(
    panel: pd.DataFrame,
    *,
    reference: tuple[int, int] | None = None,
    window: int = 0,
    least_years: int = LEAST_YEARS,
    tidal: Collection[str] = (),
) -> pd.Series:
    """Latest river flow: how high it is for the time of year, from 0 (lowest) to 100 (highest).

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.
    reference : the first and the last year with which the latest day is compared; all years if None.
    window : so many days before and after count as the same time of year.
    least_years : with fewer years for this day there is no percentile. The former WaterWatch map asked for 30.
    tidal : the places at which a negative discharge is real.

    Returns
    -------
    The percentile of each place's own latest day by `location_id`, in per cent.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    Of the n values of this month and day in the reference years, the one of rank i has the percentile 100 i / (n + 1)
    (Weibull). The latest value counts among them if its year is a reference year; otherwise it is placed between their
    ranks in proportion. A value below all of them is 0, one above all of them 100: the lowest and the highest for this
    day. Of equal values the highest rank counts; where all are equal there is none. hyswap does the same with
    `include_min_max=False`, save that it interpolates between its thresholds (5, 10, 25 … 95) instead of the single
    ranks. By its default the lowest value on record is itself 0 and the highest 100; here they keep their ranks,
    100 / (n + 1) and 100 n / (n + 1), unless a reference that ends before them is given.
    29 February is compared with other leap days only, as in hyswap, and so withheld in records under forty years.

    References
    ----------
    U.S. Geological Survey (2025): hyswap 1.0.1, calculations quick-reference.
    https://doi-usgs.github.io/hyswap/meta/calculations.html

    Examples
    --------
    >>> days = pd.date_range("2001-01-01", "2011-12-31", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": days.year - 2000.0})
    >>> streamflow_percentile(panel).round(1).to_dict()
    {'a': 91.7}
    """
    record = _read(panel, least_years, tidal)
    found = percentile_of_last_day(
        record[_FLOW], record.times, reference=reference, window=window, least_years=least_years
    )
    return record.series(found, "streamflow_percentile")


def streamflow_percentiles(
    panel: pd.DataFrame,
    *,
    reference: tuple[int, int] | None = None,
    window: int = 0,
    least_years: int = LEAST_YEARS,
    tidal: Collection[str] = (),
) -> pd.DataFrame:
    """River flow day by day: how high it was for the time of year, from 0 (lowest) to 100 (highest).

    Parameters, Raises and Notes as for `streamflow_percentile`, of every day instead of the latest one.

    Returns
    -------
    `location_id`, `time`, `percentile`, sorted by both; only the days that have one.
    """
    record = _read(panel, least_years, tidal)
    found = percentile_of_day(record[_FLOW], record.times, reference=reference, window=window, least_years=least_years)
    place, step = np.nonzero(np.isfinite(found))
    return pd.DataFrame(
        {
            "location_id": record.places[place],
            "time": record.times[step].tz_localize("UTC"),
            "percentile": found[place, step],
        }
    )


@indicator(
    code="W2",
    domain="water",
    unit="percent",
    formula="100 · i / (n + 1), i = #(Q ≤ Q₀), n = #(Q)",
    needs=(_FLOW,),
    steps=("1 day",),
    better="lower",
    minimum=TEN_YEARS,
    authority="U.S. Geological Survey",
    edition="hyswap 1.0.1",
    reference=_HYSWAP,
    caveat="High for this river does not mean that it floods: flood levels are agreed locally.",
    undefined="The reference years hold too few values, or all of them are alike.",
    standard="usgs_waterwatch",
    tidal=True,
    latest=True,
    fitted=True,
)
def high_flow_percentile(
    panel: pd.DataFrame,
    *,
    reference: tuple[int, int] | None = None,
    least_years: int = LEAST_YEARS,
    tidal: Collection[str] = (),
) -> pd.Series:
    """Latest high water: the share of all days on record on which the river ran no higher.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.
    reference, least_years, tidal : as for `streamflow_percentile`.

    Returns
    -------
    The percentile of each place's own latest day among all days, by `location_id`, in per cent.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    The Weibull percentile of `streamflow_percentile`, among the days of all seasons: what hyswap calls fixed
    percentiles. WaterWatch draws its flood map by them.

    References
    ----------
    U.S. Geological Survey (2025): hyswap 1.0.1, calculations quick-reference.
    https://doi-usgs.github.io/hyswap/meta/calculations.html

    Examples
    --------
    >>> days = pd.date_range("2001-01-01", "2011-12-31", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": np.arange(4017.0)})
    >>> high_flow_percentile(panel).round(2).to_dict()
    {'a': 99.98}
    """
    record = _read(panel, least_years, tidal)
    flow = record[_FLOW]
    if not flow.size:
        return record.series(np.full(len(flow), np.nan), "high_flow_percentile")
    years = record.times.year
    used = np.ones(len(years), bool) if reference is None else (years >= reference[0]) & (years <= reference[1])
    sample = np.sort(flow[:, used], axis=1)
    sample[np.isfinite(sample).sum(axis=1) < _years(least_years).values] = np.nan
    latest = flow[np.arange(len(flow)), last_present(flow)]
    return record.series(percentile_among(latest, sample), "high_flow_percentile")


@indicator(
    code="W3",
    domain="water",
    unit="percent",
    formula="100 · i / (n + 1), i = #(Q̄₇(d, y) ≤ Q̄₇,₀), n = #(Q̄₇(d, y))",
    needs=(_FLOW,),
    steps=("1 day",),
    better="higher",
    minimum=TEN_YEARS,
    authority="U.S. Geological Survey",
    edition="hyswap 1.0.1",
    reference=_HYSWAP,
    caveat="Dams, withdrawals and ice lower a river too: a low flow is not always a lack of rain.",
    undefined="Fewer than ten reference years have these days complete, or all of them are alike.",
    standard="nidis",
    tidal=True,
    latest=True,
    fitted=True,
)
def low_flow_percentile(
    panel: pd.DataFrame,
    *,
    days: int = 7,
    reference: tuple[int, int] | None = None,
    window: int = 0,
    least_years: int = LEAST_YEARS,
    tidal: Collection[str] = (),
) -> pd.Series:
    """River drought: how low the last week's flow is for the time of year, 0 being the lowest.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.
    days : over how many days up to the latest one the flow is averaged: 7, 14 or 28.
    reference, window, least_years, tidal : as for `streamflow_percentile`.

    Returns
    -------
    The percentile of the mean flow of the days up to each place's own latest one, by `location_id`, in per cent.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.
    AlmanacError
        If `days` is none of these.

    Notes
    -----
    The Weibull percentile of `streamflow_percentile`, of means over 7, 14 or 28 days that end on the day. A mean with a
    missing day is missing; where the latest day has none, the latest mean that is complete counts. hyswap rounds these
    means to two decimals, which makes small rivers' equal; here they are not rounded.

    References
    ----------
    U.S. Geological Survey (2025): hyswap 1.0.1, calculations quick-reference.
    https://doi-usgs.github.io/hyswap/meta/calculations.html

    Examples
    --------
    >>> times = pd.date_range("2001-01-01", "2011-12-31", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "discharge_m3_per_s": 2011.0 - times.year})
    >>> low_flow_percentile(panel).round(1).to_dict()
    {'a': 8.3}
    """
    if days not in DROUGHT_DAYS:
        raise refuse_parameter("days", days, wanted="7, 14 or 28")
    record = _read(panel, least_years, tidal)
    found = percentile_of_last_day(
        moving_mean(record[_FLOW], days), record.times, reference=reference, window=window, least_years=least_years
    )
    return record.series(found, "low_flow_percentile")
