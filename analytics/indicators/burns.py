"""What fire left of the vegetation, told from the light that the land returns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import refuse_parameter
from analytics.reflectance import at, last_steps, latest, nbr_of, rbr_of, read_reflectances

ONE_IMAGE = Minimum(values=1)
TWO_IMAGES = Minimum(values=2)


@indicator(
    code="L6a",
    domain="natural_resources",
    unit="share",
    formula="NBR = (NIR − SWIR₂) / (NIR + SWIR₂)",
    needs=("nir_share", "swir2_share"),
    better="higher",
    minimum=ONE_IMAGE,
    authority="Key and Benson",
    edition="2006",
    reference="https://doi.org/10.3133/ofr0211",
    caveat="Bare soil and harvested fields are as low as burnt ground: only the change across a fire tells of it.",
    undefined="So little light came back in the two bands that their difference says nothing.",
    latest=True,
)
def nbr(panel: pd.DataFrame) -> pd.Series:
    """Burn ratio: high over live vegetation, low over burnt or bare ground, from −1 to 1.

    Parameters
    ----------
    panel : `nir_share` and `swir2_share`, reflectances from 0 to 1.

    Returns
    -------
    The normalised burn ratio by `location_id`, of the last time at which both bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    NBR = (N − S2) / (N + S2).

    References
    ----------
    Key, C. H., Benson, N. C. (2006): Landscape Assessment. In: FIREMON, USDA Forest Service RMRS-GTR-164-CD.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "nir_share": [0.4], "swir2_share": [0.1]})
    >>> nbr(panel).round(3).to_dict()
    {'a': 0.6}
    """
    record = read_reflectances(panel, "nir_share", "swir2_share", minimum=ONE_IMAGE)
    return record.series(nbr_of(*latest(record)), "nbr")


@indicator(
    code="L6b",
    domain="natural_resources",
    unit="share",
    formula="dNBR = NBR(t₁) − NBR(t₂), t₁ < t₂",
    needs=("nir_share", "swir2_share"),
    better="lower",
    minimum=TWO_IMAGES,
    authority="Key and Benson",
    edition="2006",
    reference="https://doi.org/10.3133/ofr0211",
    caveat="Harvest, drought and the season change it as fire does; limits differ between kinds of vegetation.",
    undefined="So little light came back in the two bands, before or after, that their difference says nothing.",
    standard="convention",
    latest=True,
)
def burn_severity(panel: pd.DataFrame, *, fire_date: str | None = None) -> pd.Series:
    """Burn severity: how much of the vegetation's signal was lost from one image to the next.

    Parameters
    ----------
    panel : `nir_share` and `swir2_share`, reflectances from 0 to 1.
    fire_date : the day the fire began, as 2020-08-17. Compared are the last image before that day and the first
        one from then on; without it, the last two images.

    Returns
    -------
    The differenced normalised burn ratio by `location_id`: above zero is loss, below zero regrowth.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.
    AlmanacError
        Where `fire_date` is no date.

    Notes
    -----
    dNBR = NBR_before − NBR_after, as a plain number; many tables give it times 1,000. An image counts where it has
    both bands. Nothing is subtracted for unburnt ground around the fire (the dNBR offset).

    References
    ----------
    Key, C. H., Benson, N. C. (2006): Landscape Assessment. In: FIREMON, USDA Forest Service RMRS-GTR-164-CD.

    Examples
    --------
    >>> days = pd.to_datetime(["2020-07-01", "2020-09-01"], utc=True)
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "nir_share": [0.4, 0.2], "swir2_share": [0.1, 0.3]})
    >>> burn_severity(panel).round(3).to_dict()
    {'a': 0.8}
    """
    places, before, after = _burn_ratios(panel, fire_date)
    return pd.Series(before - after, index=places, name="burn_severity")


@indicator(
    code="L6c",
    domain="natural_resources",
    unit="share",
    formula="RBR = (NBR(t₁) − NBR(t₂)) / (NBR(t₁) + 1.001), t₁ < t₂",
    needs=("nir_share", "swir2_share"),
    better="lower",
    minimum=TWO_IMAGES,
    authority="Parks, Dillon and Miller",
    edition="2014",
    reference="https://doi.org/10.3390/rs6031827",
    caveat="Harvest, drought and the season change it as fire does, and where little grew it says little.",
    undefined="So little light came back in the two bands, before or after, that their difference says nothing.",
    latest=True,
)
def relative_burn_severity(panel: pd.DataFrame, *, fire_date: str | None = None) -> pd.Series:
    """Relative burn severity: the loss from one image to the next, against what grew before.

    Parameters
    ----------
    panel : `nir_share` and `swir2_share`, reflectances from 0 to 1.
    fire_date : as for `burn_severity`.

    Returns
    -------
    The relativised burn ratio by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.
    AlmanacError
        Where `fire_date` is no date.

    Notes
    -----
    RBR = dNBR / (NBR_before + 1.001); the constant keeps the divisor above zero for every possible NBR.

    References
    ----------
    Parks, S. A., Dillon, G. K., Miller, C. (2014): A new metric for quantifying burn severity: the relativized burn
    ratio. Remote Sensing 6(3), 1827–1844.

    Examples
    --------
    >>> days = pd.to_datetime(["2020-07-01", "2020-09-01"], utc=True)
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "nir_share": [0.4, 0.2], "swir2_share": [0.1, 0.3]})
    >>> relative_burn_severity(panel).round(3).to_dict()
    {'a': 0.5}
    """
    places, before, after = _burn_ratios(panel, fire_date)
    return pd.Series(rbr_of(before, after), index=places, name="relative_burn_severity")


def _burn_ratios(panel: pd.DataFrame, fire_date: str | None) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """The places and their normalised burn ratios before and after a fire; NaN where an image is lacking."""
    record = read_reflectances(panel, "nir_share", "swir2_share", minimum=TWO_IMAGES)
    ratios = nbr_of(record["nir_share"], record["swir2_share"])
    if fire_date is None:
        steps = last_steps(record, 2)
        return record.places, at(ratios, steps[:, 1]), at(ratios, steps[:, 0])
    try:
        day = pd.Timestamp(fire_date)
    except ValueError as error:
        raise refuse_parameter("fire_date", fire_date, wanted="a date such as 2020-08-17") from error
    present = np.isfinite(record["nir_share"]) & np.isfinite(record["swir2_share"])
    earlier = np.asarray(record.times < day)
    steps = np.arange(len(record.times))
    before = np.where(present & earlier, steps, -1).max(axis=1, initial=-1)
    after = np.where(present & ~earlier, steps, len(steps)).min(axis=1, initial=len(steps))
    return record.places, at(ratios, before), at(ratios, np.where(after < len(steps), after, -1))
