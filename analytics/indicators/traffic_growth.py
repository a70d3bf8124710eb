"""Whether there is more traffic every year, how much more, and how sure that is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import read
from analytics.trend import mann_kendall, theil_sen

YEARLY = ("1 year",)
SIX_YEARS = Minimum(values=6, years=6.0)


@indicator(
    code="T18",
    domain="traffic",
    unit="percent_per_year",
    formula="100 · (exp b − 1), b = med(ln(qⱼ / qᵢ) / (tⱼ − tᵢ), i < j)",
    needs=("traffic_veh_per_day",),
    steps=YEARLY,
    better="neither",
    minimum=SIX_YEARS,
    authority="Theil and Sen; Mann and Kendall",
    edition="1950, 1968; 1945, 1975",
    reference="https://doi.org/10.1080/01621459.1968.10480934",
    caveat="Between few years a trend can be chance, and new or moved counting stations can look like growth.",
    fitted=True,
    undefined="Traffic was zero in some of the years, or there are too few years for limits of 95 percent.",
)
def traffic_growth(panel: pd.DataFrame, *, reference: tuple[int, int] | None = None) -> pd.DataFrame:
    """Growth of traffic: by how many percent it changes a year, and how sure that is.

    Parameters
    ----------
    panel : `traffic_veh_per_day`, the average daily traffic of each year.
    reference : the first and the last year that count; without it all of the record.

    Returns
    -------
    By `location_id`: `value`, percent a year; `low` and `high`, its 95 % confidence limits; `p_value` of the test for
    a trend. The value can stand without limits where there are too few years for them.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as yearly traffic; see `analytics.record.read`.

    Notes
    -----
    100 · (exp b − 1), b the median of the slopes of ln(traffic) between all pairs of years (Theil–Sen), its limits
    from the variance of Kendall's S. The p-value is that of the Mann–Kendall test: two-sided, exact up to 10 years
    without ties. One wild year does not change it much. A traffic of zero has no logarithm and is left out. Six
    years from the first to the last and six values are needed. Years are taken as independent of each other; many
    places tested at once yield false alarms.

    References
    ----------
    Theil, H. (1950). Proc. K. Ned. Akad. Wet. 53, 386–392. Sen, P. K. (1968). J. Am. Stat. Assoc. 63, 1379–1389.
    Mann, H. B. (1945). Econometrica 13, 245–259.

    Examples
    --------
    >>> years = pd.to_datetime([f"{year}-01-01" for year in range(2010, 2017)], utc=True)
    >>> panel = pd.DataFrame({"location_id": "a", "time": years, "traffic_veh_per_day": 1000 * 1.02 ** np.arange(7)})
    >>> traffic_growth(panel, reference=(2010, 2016)).round(4).to_dict("records")
    [{'value': 2.0, 'low': 2.0, 'high': 2.0, 'p_value': 0.0004}]
    """
    record = read(panel, "traffic_veh_per_day", minimum=SIX_YEARS, steps=YEARLY)
    if reference is not None:
        # Emptied rather than dropped: a place whose record ended before is still asked about.
        counts = panel["time"].dt.year.between(*reference)
        kept = panel.assign(traffic_veh_per_day=panel["traffic_veh_per_day"].where(counts))
        record = read(kept, "traffic_veh_per_day", minimum=SIX_YEARS, steps=YEARLY)
    traffic = record["traffic_veh_per_day"]
    growth = np.log(traffic, out=np.full(traffic.shape, np.nan), where=traffic > 0)
    slopes = theil_sen(growth, record.times.year.to_numpy(float), least=SIX_YEARS.values)
    test = mann_kendall(growth, least=SIX_YEARS.values)
    return pd.DataFrame(
        {
            "value": 100 * np.expm1(slopes["slope"].to_numpy()),
            "low": 100 * np.expm1(slopes["low"].to_numpy()),
            "high": 100 * np.expm1(slopes["high"].to_numpy()),
            "p_value": test["p_value"].to_numpy(),
        },
        index=record.places,
    )
