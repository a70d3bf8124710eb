"""How low a river falls: the flow that permits and water rights are designed for, and whether it changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from analytics.annual import yearly_extreme
from analytics.flood_frequency import pearson3
from analytics.indicator import Minimum, indicator
from analytics.record import Record, ratio, read, refuse_parameter
from analytics.trend import mann_kendall, theil_sen

_FLOW = "discharge_m3_per_s"
# Of ten complete years the last one may end the record.
TEN_YEARS = Minimum(values=3650, years=10.0)
_LEAST = 10
# Three moments cannot be told from fewer lowest flows that are not zero.
_FEWEST = 3
_APRIL = 4


def annual_minima(record: Record, days: int) -> tuple[np.ndarray, np.ndarray]:
    """The lowest mean of so many days in each climatic year, April to March, and the years: places × years."""
    return yearly_extreme(record[_FLOW], record.times, kind="lowest", days=days, first_month=_APRIL)


@indicator(
    code="W13",
    domain="water",
    unit="m3_per_s",
    formula="ln Q = μ + K(G, p′) · σ, (μ, σ, G): ln(minₐ Q̄₇ > 0), p′ = (p − z) / (1 − z), p = 0.1",
    needs=(_FLOW,),
    steps=("1 day",),
    better="higher",
    minimum=TEN_YEARS,
    authority="U.S. Geological Survey and U.S. Environmental Protection Agency",
    edition="SW Toolbox, Techniques and Methods 4-A11, 2018",
    reference="https://doi.org/10.3133/tm4A11",
    caveat="It takes the years as alike: where withdrawals or climate change, the next ten years will differ.",
    undefined="Fewer than ten years, April to March, are complete, too few of them have any flow, or it never changed.",
)
def low_flow_7q10(panel: pd.DataFrame, *, days: int = 7, years: float = 10.0) -> pd.Series:
    """Design low flow: the lowest week's flow of the driest year in ten (7Q10).

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means, of at least ten complete years from April to March.
    days : over how many days in a row the flow is averaged, 1 to 90.
    years : once in how many years, on average, the flow falls so low; more than 1.

    Returns
    -------
    By `location_id`, in m³/s.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.
    AlmanacError
        If `days` or `years` is none that can be used.

    Notes
    -----
    Of each climatic year, April to March, the lowest mean of `days` days that lie within it. A year that lacks the
    value of a day is left out. To the natural logarithms of those above zero a Pearson type III distribution is
    fitted by mean, standard deviation and skew (unbiased, as in Bulletin 17B, equation 4); there is no regional skew
    and no test for outliers. Where a share z of the years runs dry, the chance p = 1 / `years` becomes
    (p − z) / (1 − z), and where z is p or more, the flow is 0. EPA's DFLOW approximates the distribution's quantile
    after Wilson and Hilferty; here it is exact.

    References
    ----------
    Kiang, J. E., Flynn, K. M., Zhai, T., Hummel, P., Granato, G. (2018): SWToolbox: a surface-water toolbox for
    statistical analysis of streamflow time series. USGS Techniques and Methods 4-A11. https://doi.org/10.3133/tm4A11
    Rossman, L. A. (1990): DFLOW user's manual. EPA/600/8-90/051.

    Examples
    --------
    >>> times = pd.date_range("2001-04-01", "2013-03-31", tz="UTC")
    >>> flow = 1.0 + (times + pd.DateOffset(months=9)).year % 4
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "discharge_m3_per_s": flow})
    >>> low_flow_7q10(panel).round(2).to_dict()
    {'a': 1.08}
    """
    if not 1 <= days <= 90 or days != int(days):
        raise refuse_parameter("days", days, wanted="a whole number from 1 to 90")
    if not years > 1:
        raise refuse_parameter("years", years, wanted="more than one year")
    record = read(panel, _FLOW, minimum=TEN_YEARS, steps=("1 day",))
    _, lowest = annual_minima(record, int(days))
    return record.series(_log_pearson_low(lowest, 1 / years), "low_flow_7q10")


def _log_pearson_low(lowest: np.ndarray, chance: float) -> np.ndarray:
    """The flow that the lowest of a year falls below with this chance: places × years to places."""
    n = np.isfinite(lowest).sum(axis=1)
    wet = lowest > 0
    wet_years = wet.sum(axis=1)
    dry_share = ratio(n - wet_years, n)
    logs = np.log(np.where(wet, lowest, 1.0))
    mean = ratio(np.where(wet, logs, 0.0).sum(axis=1), wet_years)
    off = np.where(wet, logs - mean[:, None], 0.0)
    spread = np.sqrt(ratio((off**2).sum(axis=1), wet_years - 1))
    # Lowest flows that are all alike have no spread but for rounding, and no skew.
    alike = spread <= 1e-12 * np.maximum(1.0, np.abs(mean))
    cubes = ratio(wet_years * (off**3).sum(axis=1), (wet_years - 1) * (wet_years - 2))
    skew = np.where(alike, 0.0, ratio(cubes, spread**3))
    usable = (wet_years >= _FEWEST) & (dry_share < chance)
    conditional = np.where(usable, (chance - dry_share) / (1 - np.where(usable, dry_share, 0.0)), 0.5)
    factor = pearson3.quantile(conditional, np.where(usable, skew, 0.0))
    flow = np.where(usable, np.exp(mean + np.where(alike, 0.0, spread) * factor), np.nan)
    return np.where(n < _LEAST, np.nan, np.where(dry_share >= chance, 0.0, flow))


@indicator(
    code="W20",
    domain="water",
    unit="percent_per_year",
    formula="100 · med((xⱼ − xᵢ) / (tⱼ − tᵢ), i < j) / med x, x = minₐ Q̄₇",
    needs=(_FLOW,),
    steps=("1 day",),
    better="higher",
    minimum=TEN_YEARS,
    authority="Theil and Sen; Mann and Kendall",
    edition="1950, 1968; 1945, 1975",
    reference="https://doi.org/10.1080/01621459.1968.10480934",
    caveat="A trend over these years says nothing of the cause, and need not go on.",
    undefined="Fewer than ten years, April to March, are complete, half of them run dry, or the flow never changed.",
)
def low_flow_trend(panel: pd.DataFrame, *, days: int = 7) -> pd.DataFrame:
    """Trend of low flow: by how much the lowest week of the year has risen or fallen, per year.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means, of at least ten complete years from April to March.
    days : over how many days in a row the flow is averaged, 1 to 90.

    Returns
    -------
    By `location_id`: `value`, `low` and `high` (95 %) in per cent of the median lowest flow per year, and `p_value` of
    the test that there is no trend.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.
    AlmanacError
        If `days` is none that can be used.

    Notes
    -----
    The annual minima are those of `low_flow_7q10`. Theil and Sen's slope of them is the median of the slopes between
    all pairs of years, its limits are Gilbert's; the p-value is Mann and Kendall's, two-sided (see `analytics.trend`).
    Slope and limits are divided by the median of the minima; `low_flow_slopes` has them in m³/s. The years are taken
    as independent of each other, which groundwater makes them not: the p-value is then too small.

    References
    ----------
    Sen, P. K. (1968): J. Am. Stat. Assoc. 63, 1379–1389. https://doi.org/10.1080/01621459.1968.10480934
    Mann, H. B. (1945): Econometrica 13, 245–259. https://doi.org/10.2307/1907187

    Examples
    --------
    >>> times = pd.date_range("2001-04-01", "2012-03-31", tz="UTC")
    >>> flow = (times + pd.DateOffset(months=9)).year - 1991.0
    >>> panel = pd.DataFrame({"location_id": "a", "time": times, "discharge_m3_per_s": flow})
    >>> low_flow_trend(panel)["value"].round(2).to_dict()
    {'a': 6.25}
    """
    return _trend(panel, days, lambda minima: 100 / np.where(_median(minima) > 0, _median(minima), np.nan))


def low_flow_slopes(panel: pd.DataFrame, *, days: int = 7) -> pd.DataFrame:
    """Trend of low flow: by how many cubic metres per second the lowest week of the year has changed, per year.

    Parameters, Returns and Notes as for `low_flow_trend`, in m³/s per year instead of per cent.
    """
    return _trend(panel, days, lambda minima: np.ones(len(minima)))


def _trend(panel: pd.DataFrame, days: int, scale: Callable[[np.ndarray], np.ndarray]) -> pd.DataFrame:
    if not 1 <= days <= 90 or days != int(days):
        raise refuse_parameter("days", days, wanted="a whole number from 1 to 90")
    record = read(panel, _FLOW, minimum=TEN_YEARS, steps=("1 day",))
    years, lowest = annual_minima(record, int(days))
    factor = np.where(record.enough, scale(lowest), np.nan)
    slope = theil_sen(lowest, years, least=_LEAST)
    p_value = mann_kendall(lowest, least=_LEAST)["p_value"].to_numpy()
    columns = {"value": "slope", "low": "low", "high": "high"}
    found = {name: slope[column].to_numpy() * factor for name, column in columns.items()}
    return pd.DataFrame({**found, "p_value": np.where(np.isfinite(found["value"]), p_value, np.nan)}, record.places)


def _median(values: np.ndarray) -> np.ndarray:
    """The median of each row's values; NaN where it has none."""
    ordered = np.sort(values, axis=1)
    n = np.isfinite(ordered).sum(axis=1)
    result = np.full(len(values), np.nan)
    some = np.flatnonzero(n > 0)
    result[some] = (ordered[some, (n[some] - 1) // 2] + ordered[some, n[some] // 2]) / 2
    return result
