"""Groundwater: whether its table falls, and how fast."""

from __future__ import annotations

import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.periods import annual_means_of_quarters, trend_of_years
from analytics.record import read
from analytics.trend import Autocorrelation

LEAST_YEARS = 10
TEN_YEARS = Minimum(values=4 * LEAST_YEARS, years=9.75)


@indicator(
    code="W12d",
    domain="water",
    unit="cm_per_year",
    formula="−100 · med((h̄ⱼ − h̄ᵢ) / (tⱼ − tᵢ), i < j), h̄ = ¼ · Σₖ h̄ₖ, k = 1…4",
    needs=("head_m",),
    better="lower",
    minimum=TEN_YEARS,
    authority="World Resources Institute, Aqueduct",
    edition="3.0, kept in 4.0",
    reference="https://doi.org/10.46830/writn.23.00061",
    caveat="A well tells of the ground around it: pumping nearby moves it more than the state of the whole aquifer.",
    undefined="There are not ten years in which every quarter of the year was measured.",
    standard="wri_aqueduct_4_0",
)
def groundwater_table_decline(panel: pd.DataFrame, *, autocorrelation: Autocorrelation = "hamed_rao") -> pd.DataFrame:
    """Groundwater decline: how fast the water table falls.

    Parameters
    ----------
    panel : `head_m`, the height of the groundwater above a datum, at any moments.
    autocorrelation : `hamed_rao` counts with it that a year's level resembles that of the year before, which makes
        the limits wider; `ignore` does not.

    Returns
    -------
    By `location_id`: `value`, the fall in centimetres a year (negative where the water rises), its 95 % limits
    `low` and `high`, and `p_value`, how easily chance alone would give a trend so clear.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    −100 × the Theil–Sen slope of annual means in metres, with a Mann–Kendall test (see `analytics.trend`). A year's
    mean is that of its four quarters' means, and a year counts if each quarter has a value: readings come at any
    dates, and a dry summer that was read more often must not look like a fall of the table. At least ten such years
    are needed, not necessarily in a row.

    Aqueduct fits its trend to the heads of a model from 1990 to 2014 in whole aquifers, and has a class of its own
    for trends that are not significant; here that is for the reader of `p_value` to say. Limits and p-value are
    missing where the corrected variance is not positive. It fails where pumping was switched on or off: a step is
    no trend.

    References
    ----------
    Kuzma, S. et al. (2023). Aqueduct 4.0: Updated decision-relevant global water risk indicators. World Resources
    Institute. https://doi.org/10.46830/writn.23.00061
    Hofste, R. W. et al. (2019). Aqueduct 3.0. World Resources Institute. https://doi.org/10.46830/writn.18.00146

    Examples
    --------
    >>> time = pd.date_range("2000-01-15", periods=48, freq="QS-JAN", tz="UTC") + pd.Timedelta(days=14)
    >>> head = [10 - 0.02 * (i // 4) + 0.001 * (i % 3) for i in range(48)]
    >>> panel = pd.DataFrame({"location_id": "a", "time": time, "head_m": head})
    >>> groundwater_table_decline(panel, autocorrelation="ignore").loc["a"].round(2).to_dict()
    {'value': 2.0, 'low': 1.99, 'high': 2.0, 'p_value': 0.0}
    """
    record = read(panel, "head_m", minimum=TEN_YEARS, signed=("head_m",))
    annual, years = annual_means_of_quarters(record, record["head_m"])
    rise = trend_of_years(annual, years, record.places, least=LEAST_YEARS, autocorrelation=autocorrelation)
    return pd.DataFrame(
        {
            "value": -100 * rise["value"],
            "low": -100 * rise["high"],
            "high": -100 * rise["low"],
            "p_value": rise["p_value"],
        }
    )
