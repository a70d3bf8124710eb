"""Whether the past months were unusually dry or wet: rain alone, and rain less evaporation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.periods import Months, monthly_totals
from analytics.record import Record, read
from analytics.standardized import gamma_probability, log_logistic_probability, standardized

THIRTY_YEARS = Minimum(values=324, years=30.0, completeness=0.9)
_STEPS = ("1 month", "1 day")


@indicator(
    code="W7",
    domain="water",
    unit="sigma",
    formula="SPI = Φ⁻¹(q + (1 − q) · G(x)), x = Σₖ₌₀² Pₘ₋ₖ, G = Γ(α, β), |SPI| ≤ 3.09",
    needs=("precipitation_mm",),
    steps=_STEPS,
    better="neither",
    minimum=THIRTY_YEARS,
    authority="McKee, Doesken and Kleist",
    edition="1993",
    reference="https://iridl.ldeo.columbia.edu/maproom/.Global/.Precipitation/SPI.html",
    caveat="Fifty years of rain or more are advised: with thirty, the rarest droughts are told only roughly.",
    undefined="One of the months is missing, or it hardly ever rains at this time of the year.",
    standard="mckee_1993",
    latest=True,
    fitted=True,
)
def standardized_precipitation_index(
    panel: pd.DataFrame, *, months: int = 3, reference: tuple[int, int] | None = None
) -> pd.Series:
    """Rain compared with normal: how unusually dry or wet the past months were.

    Parameters
    ----------
    panel : `precipitation_mm`, monthly or daily. Of daily values only months without a missing day are used.
    months : over how many months rain is summed: 1 for crops, 3 to 6 for a season, 12 for reservoirs.
    reference : the first and last year that say what is normal, such as (1991, 2020); all years where None.

    Returns
    -------
    By `location_id`, for each place's latest complete month: how many standard deviations its sum lies above
    normal, from −3.09 (rarer than once in a thousand on the dry side) to 3.09.

    Raises
    ------
    AlmanacError
        Where the panel cannot be read as monthly or daily rain, or a keyword cannot be used.

    Notes
    -----
    SPI = Φ⁻¹(H(x)) of the sum x over the months that end with this one, H fitted for each place and calendar month
    on the reference years alone: the share of sums that are zero, and a gamma distribution of the others (see
    `analytics.standardized.gamma_probability`).

    Open choices, and how they were resolved. (1) The gamma's parameters are Thom's approximation of 1958, as McKee's
    group used it, not maximum likelihood by iteration, which the packages `spei` and `standard_precip` use: in the
    Mid-Atlantic climate divisions the two differ by at most 0.006 for monthly rain and 0.0002 for sums over three
    months, and by some hundredths where rain is very irregular. (2) Normal is
    fitted on all years unless a reference is given: McKee fits the whole record, and the International Research
    Institute for Climate and Society advises fifty years. (3) A reference must have 24 sums of the calendar month,
    ten of them above zero. (4) A sum of zero gets Φ⁻¹ of the share of zeros. (5) No day may be missing in a month
    and no month in a sum. (6) Values beyond ±3.09 are given as ±3.09.

    It fails where it hardly rains: with many zeros the index is not normally distributed, and cannot show how dry
    a dry season is. It knows nothing of evaporation, snow or pumping.

    References
    ----------
    McKee, T. B., Doesken, N. J., Kleist, J. (1993). The relationship of drought frequency and duration to time
    scales. 8th Conference on Applied Climatology, Anaheim, 179–184. American Meteorological Society.
    Guttman, N. B. (1999). Accepting the standardized precipitation index: a calculation algorithm. J. American
    Water Resources Association 35(2), 311–322. https://doi.org/10.1111/j.1752-1688.1999.tb03592.x

    Examples
    --------
    >>> time = pd.date_range("1981-01-01", periods=480, freq="MS", tz="UTC")
    >>> rain = 50.0 + np.arange(480) * 37 % 101
    >>> panel = pd.DataFrame({"location_id": "a", "time": time, "precipitation_mm": rain})
    >>> standardized_precipitation_index(panel, months=1).round(2).to_dict()
    {'a': 0.01}
    """
    record, totals, index = _spi(panel, months, reference)
    return record.series(_latest(totals, index), "standardized_precipitation_index")


def standardized_precipitation_indices(
    panel: pd.DataFrame, *, months: int = 3, reference: tuple[int, int] | None = None
) -> pd.DataFrame:
    """Rain compared with normal, in every month of the record.

    Parameters
    ----------
    panel, months, reference : as for `standardized_precipitation_index`.

    Returns
    -------
    A panel: `location_id`, `time` (the start of the month with which the sum ends) and `spi_sigma`, with a row for
    each place and month from the first to the last.
    """
    record, totals, index = _spi(panel, months, reference)
    return _panel(record, totals, index, "spi_sigma")


@indicator(
    code="W8",
    domain="water",
    unit="sigma",
    formula="SPEI = Φ⁻¹(F(D)), D = Σₖ₌₀² (Pₘ₋ₖ − ETₘ₋ₖ), F = LL(α, β, γ), |SPEI| ≤ 3.09",
    needs=("precipitation_mm", "evaporation_mm"),
    steps=_STEPS,
    better="neither",
    minimum=THIRTY_YEARS,
    authority="Vicente-Serrano, Beguería and López-Moreno",
    edition="2010",
    reference="https://doi.org/10.1175/2009JCLI2909.1",
    caveat="It takes the evaporation that is possible, not what plants and soil in a drought really give off.",
    undefined="One of the months is missing, or rain less evaporation does not differ between the years.",
    standard="nidis",
    latest=True,
    fitted=True,
)
def standardized_precipitation_evapotranspiration_index(
    panel: pd.DataFrame, *, months: int = 3, reference: tuple[int, int] | None = None
) -> pd.Series:
    """Water balance compared with normal: how unusually dry or wet, counting evaporation.

    Parameters
    ----------
    panel : `precipitation_mm` and `evaporation_mm` (potential or reference evaporation), monthly or daily. Of daily
        values only months without a missing day are used.
    months, reference : as for `standardized_precipitation_index`.

    Returns
    -------
    By `location_id`, for each place's latest complete month: how many standard deviations the balance lies above
    normal, from −3.09 to 3.09.

    Raises
    ------
    AlmanacError
        Where the panel cannot be read as monthly or daily values, or a keyword cannot be used.

    Notes
    -----
    SPEI = Φ⁻¹(F(D)) of D, the sum of rain less evaporation over the months that end with this one. F is a
    log-logistic distribution with three parameters, for each place and calendar month on the reference years alone,
    from unbiased probability-weighted moments (see `analytics.standardized.log_logistic_probability`).

    Open choices, and how they were resolved. (1) Of the two plotting formulas in the authors' papers the unbiased
    one is used, which they advise since 2014 and which their R package takes by default. (2) Values outside the
    bound of the fitted distribution, and all beyond ±3.09, are given as ±3.09. (3) Normal is fitted on all years
    unless a reference is given; a reference must have 24 sums of the calendar month. (4) No day may be missing in a
    month and no month in a sum. (5) Which evaporation is meant is the caller's choice: values by Penman–Monteith,
    Makkink or Thornthwaite are not comparable with each other.

    References
    ----------
    Vicente-Serrano, S. M., Beguería, S., López-Moreno, J. I. (2010). J. Climate 23, 1696–1718.
    Beguería, S., Vicente-Serrano, S. M., Reig, F., Latorre, B. (2014). Standardized precipitation evapotranspiration
    index (SPEI) revisited. Int. J. Climatology 34, 3001–3023. https://doi.org/10.1002/joc.3887

    Examples
    --------
    >>> time = pd.date_range("1981-01-01", periods=480, freq="MS", tz="UTC")
    >>> rain = 50.0 + np.arange(480) * 37 % 101
    >>> panel = pd.DataFrame({"location_id": "a", "time": time, "precipitation_mm": rain, "evaporation_mm": 80.0})
    >>> standardized_precipitation_evapotranspiration_index(panel, months=1).round(2).to_dict()
    {'a': -0.09}
    """
    record, totals, index = _spei(panel, months, reference)
    return record.series(_latest(totals, index), "standardized_precipitation_evapotranspiration_index")


def standardized_precipitation_evapotranspiration_indices(
    panel: pd.DataFrame, *, months: int = 3, reference: tuple[int, int] | None = None
) -> pd.DataFrame:
    """Water balance compared with normal, in every month of the record.

    Parameters
    ----------
    panel, months, reference : as for `standardized_precipitation_evapotranspiration_index`.

    Returns
    -------
    A panel: `location_id`, `time` (the start of the month with which the sum ends) and `spei_sigma`, with a row for
    each place and month from the first to the last.
    """
    record, totals, index = _spei(panel, months, reference)
    return _panel(record, totals, index, "spei_sigma")


def _spi(panel: pd.DataFrame, months: int, reference: tuple[int, int] | None) -> tuple[Record, Months, np.ndarray]:
    record = read(panel, "precipitation_mm", minimum=THIRTY_YEARS, steps=_STEPS)
    totals = monthly_totals(record, record["precipitation_mm"])
    return record, totals, standardized(totals, gamma_probability, months=months, reference=reference)


def _spei(panel: pd.DataFrame, months: int, reference: tuple[int, int] | None) -> tuple[Record, Months, np.ndarray]:
    # Reference evaporation can be slightly negative in winter: water condenses.
    columns = ("precipitation_mm", "evaporation_mm")
    record = read(panel, *columns, minimum=THIRTY_YEARS, steps=_STEPS, signed=("evaporation_mm",))
    totals = monthly_totals(record, record["precipitation_mm"] - record["evaporation_mm"])
    return record, totals, standardized(totals, log_logistic_probability, months=months, reference=reference)


def _latest(totals: Months, index: np.ndarray) -> np.ndarray:
    """The index of the latest month that is complete at each place, even if the sum before it is not."""
    complete = np.isfinite(totals.values)
    if not complete.shape[1]:
        return np.full(len(complete), np.nan)
    last = complete.shape[1] - 1 - complete[:, ::-1].argmax(axis=1)
    return np.where(complete.any(axis=1), index[np.arange(len(index)), last], np.nan)


def _panel(record: Record, totals: Months, index: np.ndarray, column: str) -> pd.DataFrame:
    starts = totals.starts
    return pd.DataFrame(
        {
            "location_id": record.places.repeat(len(starts)),
            "time": starts.append([starts] * (len(record.places) - 1)) if len(record.places) else starts,
            column: index.reshape(-1),
        }
    )
