"""How reliable a water supply is: how much it changes between years and within the year."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.periods import Months, annual_totals, monthly_means
from analytics.record import Record, ratio, read

LEAST_YEARS = 10
TEN_YEARS = Minimum(values=108, years=10.0, completeness=0.9)
_STEPS = ("1 month", "1 day")
_COMPLETE = 0.9


@indicator(
    code="W12b",
    domain="water",
    unit="share",
    formula="s / m, m = V̄, s² = Σ(Vᵢ − V̄)² / (n − 1)",
    needs=("discharge_m3_per_s",),
    steps=_STEPS,
    better="lower",
    minimum=TEN_YEARS,
    authority="World Resources Institute, Aqueduct",
    edition="4.0",
    reference="https://doi.org/10.46830/writn.23.00061",
    caveat="It is the variability of the river as it runs, with its reservoirs: these can even the years out.",
    undefined="There are not ten years of which every month was measured, or the river carried no water.",
    standard="wri_aqueduct_4_0",
    tidal=True,
)
def interannual_variability(panel: pd.DataFrame, *, tidal: Collection[str] = ()) -> pd.Series:
    """Variability between years: how much the water supply changes from year to year.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily or monthly means.
    tidal : the places at which a negative discharge is real.

    Returns
    -------
    By `location_id`, the standard deviation of the yearly volumes divided by their mean: 0 for a river that brings
    the same every year.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    s / m of the volumes of calendar years, s with n − 1. Aqueduct takes the available water of a model from 1979 to
    2019; here it is the flow measured at a gauge, over at least ten years. A month counts if 90 % of its days have a
    value, and a year if all its months do. Withheld where the mean is not positive.

    References
    ----------
    Kuzma, S. et al. (2023). Aqueduct 4.0: Updated decision-relevant global water risk indicators. World Resources
    Institute. https://doi.org/10.46830/writn.23.00061. Scripts: https://github.com/wri/Aqueduct40, steps 2b and 3.

    Examples
    --------
    >>> time = pd.date_range("2001-01-01", periods=144, freq="MS", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": time})
    >>> interannual_variability(panel.assign(discharge_m3_per_s=[1.0] * 72 + [3.0] * 72)).round(3).to_dict()
    {'a': 0.522}
    """
    record, volumes = _volumes(panel, tidal)
    annual, _ = annual_totals(volumes)
    return record.series(_variation(annual, least=LEAST_YEARS), "interannual_variability")


@indicator(
    code="W12c",
    domain="water",
    unit="share",
    formula="s / m, m = V̄, s² = Σ(V̄ₘ − V̄)² / 11, m = 1…12",
    needs=("discharge_m3_per_s",),
    steps=_STEPS,
    better="lower",
    minimum=TEN_YEARS,
    authority="World Resources Institute, Aqueduct",
    edition="4.0",
    reference="https://doi.org/10.46830/writn.23.00061",
    caveat="It is the variability of the river as it runs, with its reservoirs: these can even the seasons out.",
    undefined="A month of the year was measured in fewer than ten years, or the river carried no water.",
    standard="wri_aqueduct_4_0",
    tidal=True,
)
def seasonal_variability(panel: pd.DataFrame, *, tidal: Collection[str] = ()) -> pd.Series:
    """Variability within the year: how much the water supply changes from month to month.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily or monthly means.
    tidal : the places at which a negative discharge is real.

    Returns
    -------
    By `location_id`, the standard deviation of the twelve mean monthly volumes divided by their mean: 0 for a river
    that brings the same in every month.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    s / m of the twelve means over the years, s with n − 1 = 11. A month counts if 90 % of its days have a value;
    each month of the year must have been measured in ten years. Aqueduct takes the available water of a model from
    1979 to 2019; here it is the flow measured at a gauge. Withheld where the mean is not positive.

    References
    ----------
    Kuzma, S. et al. (2023). Aqueduct 4.0: Updated decision-relevant global water risk indicators. World Resources
    Institute. https://doi.org/10.46830/writn.23.00061. Scripts: https://github.com/wri/Aqueduct40, steps 2b and 3.

    Examples
    --------
    >>> time = pd.date_range("2001-01-01", periods=144, freq="MS", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": time})
    >>> seasonal_variability(panel.assign(discharge_m3_per_s=[1.0, 3.0] * 72)).round(3).to_dict()
    {'a': 0.518}
    """
    record, volumes = _volumes(panel, tidal)
    table = volumes.by_year()
    n = np.isfinite(table).sum(axis=1)
    means = ratio(np.nansum(table, axis=1), np.where(n >= LEAST_YEARS, n, np.nan))
    return record.series(_variation(means, least=12), "seasonal_variability")


def _volumes(panel: pd.DataFrame, tidal: Collection[str]) -> tuple[Record, Months]:
    """Monthly volumes by the mean flow of the days measured; in days × m³/s, for only their ratios are used."""
    record = read(panel, "discharge_m3_per_s", minimum=TEN_YEARS, steps=_STEPS, tidal=tidal)
    means = monthly_means(record, record["discharge_m3_per_s"], least=_COMPLETE)
    return record, Months(means.values * means.days, means.first)


def _variation(values: np.ndarray, *, least: int) -> np.ndarray:
    """The coefficient of variation of each row that has `least` values."""
    n = np.isfinite(values).sum(axis=1)
    enough = np.where(n >= least, n, np.nan)
    mean = ratio(np.nansum(values, axis=1), enough)
    deviation = np.sqrt(ratio(np.nansum((values - mean[:, None]) ** 2, axis=1), enough - 1))
    return ratio(deviation, np.where(mean > 0, mean, np.nan))
