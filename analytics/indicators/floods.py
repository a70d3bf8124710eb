"""How large floods are, how likely the next one is, and how far the river stands from flooding now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analytics.annual import yearly_extreme
from analytics.flood_frequency import FEWEST_PEAKS, flood_quantiles
from analytics.indicator import Minimum, indicator
from analytics.record import Record, read, read_rows, refuse_parameter
from geodata.errors import BrokenData

_PEAK = "peak_discharge_m3_per_s"
_FLOW = "discharge_m3_per_s"
PEAKS = Minimum(values=FEWEST_PEAKS)
TEN_YEARS = Minimum(values=3650, years=10.0)
# With fewer members an ensemble tells probabilities in steps wider than the classes.
MEMBERS = Minimum(values=10)
_OCTOBER = 10
RETURN_YEARS = (2, 5, 20)
_LEVELS = ("action_stage_m", "minor_flood_stage_m", "moderate_flood_stage_m", "major_flood_stage_m")


@indicator(
    code="W4a",
    domain="water",
    unit="m3_per_s",
    formula="log₁₀Q = μ + K(G, p) · σ, (μ, σ, G) = EMA(log₁₀ maxₐ Q(t)), p = 0.01",
    needs=(_PEAK,),
    better="neither",
    minimum=PEAKS,
    authority="U.S. Geological Survey and Advisory Committee on Water Information",
    edition="Bulletin 17C, 2019",
    reference="https://doi.org/10.3133/tm4B5",
    caveat="It takes the years as alike: dams, building and climate change the next century's floods.",
    undefined="Fewer than ten yearly peaks are known, or too few remain once the smallest are set aside.",
)
def flood_quantile(
    panel: pd.DataFrame,
    *,
    annual_exceedance_probability: float = 0.01,
    coverage: float = 0.95,
    regional_skew: float | None = None,
    regional_skew_mse: float | None = None,
    skew_option: str = "station",
    thresholds: Sequence[Mapping[str, Any]] = (),
    low_outlier_threshold: float | None = None,
) -> pd.DataFrame:
    """Design flood: the peak flow that has one chance in a hundred of being exceeded in any year.

    Parameters
    ----------
    panel : `peak_discharge_m3_per_s`, the highest flow of each water year, at any moment of it.
    annual_exceedance_probability : the chance in any one year; 0.01 is the hundred-year flood.
    coverage : of the limits; 95 % like all limits here, where Bulletin 17C asks for 90 %.
    regional_skew, regional_skew_mse, skew_option, thresholds, low_outlier_threshold : see
        `analytics.flood_frequency.flood_quantiles`.

    Returns
    -------
    By `location_id`: `value`, `low` and `high`, in m³/s.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.
    AlmanacError
        As for `analytics.flood_frequency.flood_quantiles`.

    Notes
    -----
    A log-Pearson type III distribution fitted by the expected moments algorithm, smallest floods set aside by the
    multiple Grubbs–Beck test; by default with the skew of the gauge itself. See `analytics.flood_frequency`.

    References
    ----------
    England, J. F. et al. (2019): Guidelines for determining flood flow frequency: Bulletin 17C. USGS Techniques and
    Methods 4-B5. https://doi.org/10.3133/tm4B5

    Examples
    --------
    >>> years = pd.DatetimeIndex([f"{year}-05-01" for year in range(1990, 2020)], tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": years, "peak_discharge_m3_per_s": 100.0 + np.arange(30) % 10})
    >>> bool(flood_quantile(panel)["value"].between(105, 120)["a"])
    True
    """
    record = read(panel, _PEAK, minimum=PEAKS)
    chosen = panel[["location_id", "time", _PEAK]].dropna()
    return _flood(
        record,
        chosen,
        annual_exceedance_probability=annual_exceedance_probability,
        coverage=coverage,
        regional_skew=regional_skew,
        regional_skew_mse=regional_skew_mse,
        skew_option=skew_option,
        thresholds=thresholds,
        low_outlier_threshold=low_outlier_threshold,
    )


@indicator(
    code="W4b",
    domain="water",
    unit="m3_per_s",
    formula="log₁₀Q = μ + K(G, p) · σ, (μ, σ, G) = EMA(log₁₀ maxₐ Q̄₁(t)), p = 0.01",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=TEN_YEARS,
    authority="U.S. Geological Survey and Advisory Committee on Water Information",
    edition="Bulletin 17C, 2019, applied to daily means",
    reference="https://doi.org/10.3133/tm4B5",
    caveat="A daily mean is lower than the peak of that day, far lower in a small basin: do not build to it.",
    undefined="Fewer than ten years, October to September, are complete, or too few remain without the smallest.",
)
def daily_flood_quantile(
    panel: pd.DataFrame,
    *,
    annual_exceedance_probability: float = 0.01,
    coverage: float = 0.95,
) -> pd.DataFrame:
    """Design flood of daily flow: the daily mean that has one chance in a hundred of being exceeded in any year.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means, of at least ten complete years from October to September.
    annual_exceedance_probability, coverage : as for `flood_quantile`.

    Returns
    -------
    By `location_id`: `value`, `low` and `high`, in m³/s.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    The highest daily mean of each complete water year, October to September, in place of its peak; otherwise as
    `flood_quantile`. A year that lacks the value of a day is left out, since the flood may have been on it.

    References
    ----------
    England, J. F. et al. (2019): Guidelines for determining flood flow frequency: Bulletin 17C. USGS Techniques and
    Methods 4-B5. https://doi.org/10.3133/tm4B5

    Examples
    --------
    >>> times = pd.date_range("1999-10-01", "2019-09-30", tz="UTC")
    >>> flow = 100.0 + (times.year * 7) % 10
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "discharge_m3_per_s": flow})
    >>> bool(daily_flood_quantile(panel)["value"].between(105, 125)["a"])
    True
    """
    record = read(panel, _FLOW, minimum=TEN_YEARS, steps=("1 day",))
    years, highest = yearly_extreme(record[_FLOW], record.times, kind="highest", days=1, first_month=_OCTOBER)
    place, column = np.nonzero(np.isfinite(highest))
    peaks = pd.DataFrame(
        {
            "location_id": record.places[place],
            "time": pd.DatetimeIndex([f"{year}-01-01" for year in years[column]], tz="UTC"),
            _PEAK: highest[place, column],
        }
    )
    return _flood(record, peaks, annual_exceedance_probability=annual_exceedance_probability, coverage=coverage)


def _flood(record: Record, peaks: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """The floods of the places with enough data; NaN at the others."""
    enough = peaks[peaks["location_id"].isin(record.places[record.enough])]
    found = flood_quantiles(enough, **options)
    return found.reindex(record.places).rename_axis("location_id")


@indicator(
    code="W5",
    domain="water",
    unit="percent",
    formula="100 · #(Qᵢ > Q(T)) / n, T = 5",
    needs=(_PEAK, *(f"flood_{years}_year_m3_per_s" for years in RETURN_YEARS)),
    table="table",
    better="lower",
    minimum=MEMBERS,
    authority="Copernicus Emergency Management Service",
    edition="GloFAS 4, Flood Summary",
    reference="https://confluence.ecmwf.int/display/CEMS/GloFAS+Flood+Summary",
    caveat="Models miss floods, most of all in basins smaller than 250 square kilometres.",
    undefined="The flow that is exceeded once in so many years is not known here.",
    standard="glofas",
)
def flood_probability(table: pd.DataFrame, *, return_years: int = 5) -> pd.Series:
    """Chance of a flood: how many of a hundred forecasts exceed the flow reached once in five years.

    Parameters
    ----------
    table : a row per place and `member_id` of the ensemble: `peak_discharge_m3_per_s`, the member's highest flow over
        the days looked ahead, and `flood_2_year_m3_per_s`, `flood_5_year_m3_per_s`, `flood_20_year_m3_per_s`, the flows
        of these return periods in the same model.
    return_years : against which of them: 2, 5 or 20 years.

    Returns
    -------
    By `location_id`, in per cent.

    Raises
    ------
    BrokenData
        Where the table cannot be read (see `analytics.record.read_rows`) or its return periods do not ascend.
    AlmanacError
        If `return_years` is none of these.

    Notes
    -----
    The members whose peak is above the threshold, by the members that have a peak; at least ten of them. A peak that
    equals the threshold does not exceed it. The thresholds must be the model's own, from its reforecasts: those of
    the gauge differ. GloFAS shows purple where the 20-year flow is exceeded by 30 % or more, else red for 5 years, else
    yellow for 2, each in three shades.

    References
    ----------
    Copernicus Emergency Management Service (2023): GloFAS Flood Summary.
    https://confluence.ecmwf.int/display/CEMS/GloFAS+Flood+Summary

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "member_id": [f"{i:02d}" for i in range(10)]})
    >>> table["peak_discharge_m3_per_s"] = np.arange(10.0) * 10
    >>> table = table.assign(flood_2_year_m3_per_s=30.0, flood_5_year_m3_per_s=60.0, flood_20_year_m3_per_s=85.0)
    >>> flood_probability(table).to_dict()
    {'a': 30.0}
    """
    if return_years not in RETURN_YEARS:
        raise refuse_parameter("return_years", return_years, wanted="2, 5 or 20")
    thresholds = [f"flood_{years}_year_m3_per_s" for years in RETURN_YEARS]
    rows = read_rows(table, _PEAK, *thresholds, keys=("member_id",))
    _refuse_falling(rows[thresholds])
    level = rows[f"flood_{return_years}_year_m3_per_s"]
    above = (rows[_PEAK] > level).where(rows[_PEAK].notna() & level.notna()).astype(float)
    by_place = above.groupby(level=0)
    return (100 * by_place.mean()).where(by_place.count() >= MEMBERS.values).rename("flood_probability")


@indicator(
    code="W6",
    domain="water",
    unit="share",
    formula="max(k: h ≥ hₖ), k = 0…4, h₀ = −∞",
    needs=("stage_m", *_LEVELS),
    table="layer",
    better="lower",
    minimum=Minimum(),
    authority="National Weather Service, United States",
    edition="Manual 10-950, 2019",
    reference="National Weather Service (2019): Manual 10-950, Definitions and General Terminology.",
    caveat="The levels are agreed with local officials for this gauge; what they flood is known there only.",
    undefined="The stage is missing, or no levels have been agreed for this gauge.",
    standard="nws",
)
def flood_category(layer: pd.DataFrame) -> pd.Series:
    """Flood category: which of the locally agreed levels the river has reached, from 0 (none) to 4 (major).

    Parameters
    ----------
    layer : a row per gauge with its `stage_m` and the agreed `action_stage_m`, `minor_flood_stage_m`,
        `moderate_flood_stage_m` and `major_flood_stage_m`, all above the same datum. A level that is not agreed is
        missing.

    Returns
    -------
    By `location_id`: 0 below action stage, 1 action, 2 minor, 3 moderate, 4 major flooding.

    Raises
    ------
    BrokenData
        Where the layer cannot be read (see `analytics.record.read_rows`) or a gauge's levels do not ascend.

    Notes
    -----
    The highest agreed level that the stage has reached (at or above). A category without an agreed level cannot be
    reached. The levels are never derived from statistics: they stand for what is flooded, which no record of flow
    knows.

    References
    ----------
    National Weather Service (2019): Manual 10-950, Definitions and General Terminology, sections 2.1, 2.8 and 2.9.

    Examples
    --------
    >>> layer = pd.DataFrame({"location_id": ["a"], "stage_m": [4.2], "action_stage_m": [3.0]})
    >>> layer = layer.assign(minor_flood_stage_m=4.0, moderate_flood_stage_m=5.0, major_flood_stage_m=6.0)
    >>> flood_category(layer).to_dict()
    {'a': 2.0}
    """
    rows = read_rows(layer, "stage_m", *_LEVELS, signed=("stage_m", *_LEVELS))
    _refuse_falling(rows[list(_LEVELS)])
    stage, levels = rows["stage_m"].to_numpy(), rows[list(_LEVELS)].to_numpy()
    reached = np.where(stage[:, None] >= levels, np.arange(1, len(_LEVELS) + 1), 0).max(axis=1)
    known = np.isfinite(stage) & np.isfinite(levels).any(axis=1)
    return pd.Series(np.where(known, reached, np.nan), index=rows.index, name="flood_category", dtype=float)


def _refuse_falling(levels: pd.DataFrame) -> None:
    """An error where a level is below one that comes before it; missing ones are passed over."""
    found = levels.to_numpy(float)
    highest = np.fmax.accumulate(found, axis=1)
    falling = (found < highest).any(axis=1)
    if falling.any():
        raise BrokenData(
            "The levels of {place} do not rise from {first} to {last}.",
            hint="Put them in order, all above the same datum and in the same unit.",
            place=levels.index[falling][0],
            first=levels.columns[0],
            last=levels.columns[-1],
        )
