"""How much of the rain a river carries off, and how it answers to wetter and drier years."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read, require
from geodata.errors import BrokenData

_RUNOFF, _RAIN = "runoff_mm", "precipitation_mm"
_DAY_S = 86_400.0
_STEPS = ("1 day", "1 month")
# Twelve months, or as many days of a year or more; a tenth of the steps may be missing.
A_YEAR = Minimum(values=11, years=1.0, completeness=0.9)
TEN_YEARS = Minimum(values=110, years=10.0)
_LEAST_YEARS = 10
_OCTOBER = 10
# A year whose rain differs from the mean by less than this share of it says nothing of how the river answers to rain.
_LEAST_CHANGE = 0.001


def runoff_depth(panel: pd.DataFrame, area_km2: pd.Series) -> pd.DataFrame:
    """The panel with `runoff_mm`: how deep the water that left the basin in a day would stand in it.

    Parameters
    ----------
    panel : `location_id`, `time` and `discharge_m3_per_s`, daily means.
    area_km2 : the basin above each place, by `location_id`.

    Returns
    -------
    The panel and `runoff_mm`, missing where the discharge is or the area is unknown.

    Raises
    ------
    BrokenData
        If there is no discharge, or an area is not above zero.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "discharge_m3_per_s": [10.0]})
    >>> runoff_depth(panel, pd.Series({"a": 864.0}))["runoff_mm"].tolist()
    [1.0]
    """
    require(panel, "discharge_m3_per_s")
    if not (area_km2.dropna() > 0).all():
        raise BrokenData(
            "The area of {place} is not above zero.",
            hint="Give the area of the basin in km², or leave the place out.",
            place=area_km2.index[~(area_km2 > 0)][0],
        )
    area_m2 = panel["location_id"].astype(str).map(area_km2).to_numpy(float) * 1e6
    return panel.assign(runoff_mm=panel["discharge_m3_per_s"].to_numpy(float) * _DAY_S / area_m2 * 1000)


@indicator(
    code="W19a",
    domain="water",
    unit="share",
    formula="ΣQ / ΣP",
    needs=(_RUNOFF, _RAIN),
    steps=_STEPS,
    better="neither",
    minimum=A_YEAR,
    authority="Sawicz, Wagener, Sivapalan, Troch and Carrillo",
    edition="2011",
    reference="https://doi.org/10.5194/hess-15-2895-2011",
    caveat="Snow and groundwater carry water from one year to the next: take whole years, and many of them.",
    undefined="There was no rain, or the record of rain or flow never changed.",
)
def runoff_ratio(panel: pd.DataFrame) -> pd.Series:
    """Runoff ratio: the share of the rain and snow that the river carries away.

    Parameters
    ----------
    panel : `runoff_mm` and `precipitation_mm` over the basin, by days or months; see `runoff_depth`.

    Returns
    -------
    By `location_id`, without unit. Above 1 more water leaves than falls: an error of area, rain or flow, or water
    from elsewhere.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    ΣQ / ΣP over the steps that have both. It is not made to end with whole years; give it whole years.

    References
    ----------
    Sawicz, K. et al. (2011): Catchment classification. Hydrology and Earth System Sciences 15, 2895–2911.

    Examples
    --------
    >>> months = pd.date_range("2020-01-01", periods=12, freq="MS", tz="UTC")
    >>> rain = 80.0 + 10 * (months.month % 3)
    >>> panel = pd.DataFrame({"location_id": "a", "time": months, "runoff_mm": 0.3 * rain, "precipitation_mm": rain})
    >>> runoff_ratio(panel).round(3).to_dict()
    {'a': 0.3}
    """
    record = read(panel, _RUNOFF, _RAIN, minimum=A_YEAR, steps=_STEPS)
    runoff, rain = _both(record[_RUNOFF], record[_RAIN])
    return record.series(ratio(np.nansum(runoff, axis=1), np.nansum(rain, axis=1)), "runoff_ratio")


@indicator(
    code="W19b",
    domain="water",
    unit="share",
    formula="med(((Qᵢ − Q̄) / Q̄) / ((Pᵢ − P̄) / P̄))",
    needs=(_RUNOFF, _RAIN),
    steps=_STEPS,
    better="neither",
    minimum=TEN_YEARS,
    authority="Sankarasubramanian, Vogel and Limbrunner",
    edition="2001",
    reference="https://doi.org/10.1029/2000WR900330",
    caveat="It describes past years: land use, dams and warmth change how a river answers to rain.",
    undefined="Fewer than ten years, October to September, are complete, or the rain hardly differed between them.",
)
def streamflow_elasticity(panel: pd.DataFrame) -> pd.Series:
    """Answer to rain: by how many per cent the yearly flow changes when the yearly rain changes by one.

    Parameters
    ----------
    panel : `runoff_mm` and `precipitation_mm` over the basin, by days or months; see `runoff_depth`.

    Returns
    -------
    By `location_id`, without unit: 2 means that 10 % less rain came with 20 % less flow.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    The median over the years, October to September, of (Q − Q̄)/Q̄ ÷ (P − P̄)/P̄, with Q and P the year's means per step
    and Q̄ and P̄ those of all complete years together. A year that lacks a step of either is left out, and so is one
    whose rain differs from P̄ by less than 0.1 % of it. At least ten years must remain.

    References
    ----------
    Sankarasubramanian, A., Vogel, R. M., Limbrunner, J. F. (2001): Climate elasticity of streamflow in the United
    States. Water Resources Research 37, 1771–1781.

    Examples
    --------
    >>> months = pd.date_range("2000-10-01", periods=132, freq="MS", tz="UTC")
    >>> rain = 80.0 + 10 * ((months + pd.DateOffset(months=3)).year % 3)
    >>> panel = pd.DataFrame({"location_id": "a", "time": months, "runoff_mm": 2 * rain - 90, "precipitation_mm": rain})
    >>> streamflow_elasticity(panel).round(2).to_dict()
    {'a': 2.02}
    """
    record = read(panel, _RUNOFF, _RAIN, minimum=TEN_YEARS, steps=_STEPS)
    runoff, rain = _both(record[_RUNOFF], record[_RAIN])
    times = record.times
    label = np.asarray(times.year + (times.month >= _OCTOBER))
    years = np.unique(label)
    sums = np.full((3, len(runoff), len(years)), np.nan)
    for i, year in enumerate(years):
        begin, end = np.searchsorted(label, [year, year + 1])
        due = 12 if record.step == "1 month" else 366 if pd.Timestamp(year, 1, 1).is_leap_year else 365
        whole = np.isfinite(runoff[:, begin:end]).sum(axis=1) == due
        found = [runoff[:, begin:end].sum(axis=1), rain[:, begin:end].sum(axis=1), np.full(len(runoff), float(due))]
        sums[:, :, i] = np.where(whole, found, np.nan)
    flows, rains, steps = sums
    mean_flow = ratio(np.nansum(flows, axis=1), np.nansum(steps, axis=1))[:, None]
    mean_rain = ratio(np.nansum(rains, axis=1), np.nansum(steps, axis=1))[:, None]
    change = ratio(rains / steps - mean_rain, mean_rain)
    answer = ratio(ratio(flows / steps - mean_flow, mean_flow), change, least=_LEAST_CHANGE)
    ordered = np.sort(answer, axis=1)
    n = np.isfinite(ordered).sum(axis=1)
    rows, enough = np.arange(len(n)), n >= _LEAST_YEARS
    if not len(years):
        return record.series(np.full(len(n), np.nan), "streamflow_elasticity")
    middle = (ordered[rows, np.maximum(n - 1, 0) // 2] + ordered[rows, np.minimum(n // 2, len(years) - 1)]) / 2
    return record.series(np.where(enough, middle, np.nan), "streamflow_elasticity")


def _both(runoff: np.ndarray, rain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, missing where either is."""
    lacking = ~(np.isfinite(runoff) & np.isfinite(rain))
    return np.where(lacking, np.nan, runoff), np.where(lacking, np.nan, rain)
