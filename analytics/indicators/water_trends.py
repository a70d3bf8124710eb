"""What changes over decades: the level of the sea, and yearly rain."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.periods import annual_means, annual_totals, monthly_totals, trend_of_years
from analytics.record import ratio, read
from analytics.trend import Autocorrelation

LEAST_YEARS = 24
# So many days are the least that 24 years of 90 % make.
SEA = Minimum(values=7_880, years=30.0)
RAIN = Minimum(values=324, years=30.0, completeness=0.9)
_COMPLETE = 0.9
# Below this mean a year, per cents of rain are those of a few showers.
_LEAST_RAIN_MM = 10.0


@indicator(
    code="W21",
    domain="water",
    unit="mm_per_year",
    formula="1000 · med((h̄ⱼ − h̄ᵢ) / (tⱼ − tᵢ), i < j)",
    needs=("sea_level_m",),
    steps=("1 day",),
    better="lower",
    minimum=SEA,
    authority="National Oceanic and Atmospheric Administration, United States",
    edition="relative sea level trends",
    reference="https://tidesandcurrents.noaa.gov/sltrends/",
    caveat="It is the rise against the land at the gauge: where the land sinks, the sea seems to rise faster.",
    undefined="There are not twenty-four years of which nine tenths of the days were measured.",
)
def sea_level_trend(panel: pd.DataFrame, *, autocorrelation: Autocorrelation = "hamed_rao") -> pd.DataFrame:
    """Sea level trend: how fast the sea rises against the land.

    Parameters
    ----------
    panel : `sea_level_m`, daily means above any datum that stayed the same.
    autocorrelation : `hamed_rao` counts with it that a year's level resembles that of the year before, which makes
        the limits wider; `ignore` does not.

    Returns
    -------
    By `location_id`: `value`, the rise in millimetres a year, its 95 % limits `low` and `high`, and `p_value`, how
    easily chance alone would give a trend so clear.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily levels; see `analytics.record.read`.

    Notes
    -----
    1,000 × the Theil–Sen slope of annual means in metres, with a Mann–Kendall test (see `analytics.trend`). A
    calendar year (UTC) counts if 90 % of its days have a value. NOAA fits a straight line with a yearly cycle and an
    autoregressive error to monthly means, by least squares, and publishes trends of 30 years or more, because
    shorter ones are uncertain by 1.5 mm a year or more; hence the minimum here. For The Battery (New York) the two
    ways differ by less than the limits.

    It is one rate for the whole record: where the sea rises faster than it did, the rate of today is higher.

    References
    ----------
    Zervas, C. (2009). Sea Level Variations of the United States 1854–2006. NOAA Technical Report NOS CO-OPS 53.

    Examples
    --------
    >>> time = pd.date_range("1980-01-01", "2019-12-31", tz="UTC")
    >>> level = 0.003 * (time.year - 1980) + 0.1 * np.sin(2 * np.pi * time.day_of_year / 365.25)
    >>> panel = pd.DataFrame({"location_id": "a", "time": time, "sea_level_m": level})
    >>> sea_level_trend(panel, autocorrelation="ignore")["value"].round(2).to_dict()
    {'a': 3.0}
    """
    record = read(panel, "sea_level_m", minimum=SEA, steps=("1 day",), signed=("sea_level_m",))
    annual, years = annual_means(record, record["sea_level_m"], least=_COMPLETE)
    rise = trend_of_years(annual, years, record.places, least=LEAST_YEARS, autocorrelation=autocorrelation)
    rise[["value", "low", "high"]] *= 1000
    return rise


@indicator(
    code="W22",
    domain="water",
    unit="percent_per_decade",
    formula="1000 · med((Pⱼ − Pᵢ) / (tⱼ − tᵢ), i < j) / P̄",
    needs=("precipitation_mm",),
    steps=("1 month", "1 day"),
    better="neither",
    minimum=RAIN,
    authority="Theil and Sen; Mann and Kendall",
    edition="1968; 1975",
    reference="https://doi.org/10.1080/01621459.1968.10480934",
    caveat="A gauge that was moved or replaced can look like a change of the climate.",
    undefined="There are not twenty-four complete years, or it hardly ever rains.",
)
def precipitation_trend(panel: pd.DataFrame) -> pd.DataFrame:
    """Rainfall trend: how fast yearly rain and snow grow or shrink.

    Parameters
    ----------
    panel : `precipitation_mm`, monthly or daily.

    Returns
    -------
    By `location_id`: `value`, the change per decade in per cent of the mean yearly total, its 95 % limits `low` and
    `high`, and `p_value`, how easily chance alone would give a trend so clear.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as monthly or daily rain; see `analytics.record.read`.

    Notes
    -----
    1,000 × the Theil–Sen slope of annual totals divided by their mean over all complete years, with a Mann–Kendall
    test (see `analytics.trend`). A calendar year (UTC) counts if no month and, in daily records, no day is missing.
    Per cent of the mean were chosen over millimetres so that wet and dry places can be compared; a mean below 10 mm
    a year is too small to be divided by. Yearly totals are taken as independent of each other: they have little
    memory.

    It says nothing of seasons or downpours: these can change while the total stays.

    References
    ----------
    Sen, P. K. (1968). J. Am. Stat. Assoc. 63, 1379–1389. https://doi.org/10.1080/01621459.1968.10480934
    Kendall, M. G. (1975). Rank Correlation Methods, 4th ed. Griffin, London.

    Examples
    --------
    >>> time = pd.date_range("1981-01-01", periods=480, freq="MS", tz="UTC")
    >>> rain = 100.0 + 0.1 * (time.year - 1981)
    >>> panel = pd.DataFrame({"location_id": "a", "time": time, "precipitation_mm": rain})
    >>> precipitation_trend(panel)["value"].round(2).to_dict()
    {'a': 0.98}
    """
    record = read(panel, "precipitation_mm", minimum=RAIN, steps=("1 month", "1 day"))
    annual, years = annual_totals(monthly_totals(record, record["precipitation_mm"]))
    change = trend_of_years(annual, years, record.places, least=LEAST_YEARS, autocorrelation="ignore")
    n = np.isfinite(annual).sum(axis=1)
    mean = ratio(np.nansum(annual, axis=1), n)
    scale = 1000 * ratio(np.ones(len(mean)), mean, least=_LEAST_RAIN_MM)
    change[["value", "low", "high"]] = change[["value", "low", "high"]].mul(scale, axis=0)
    change["p_value"] = change["p_value"].where(change["value"].notna())
    return change
