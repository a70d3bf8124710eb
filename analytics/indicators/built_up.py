"""Where ground is built upon, told from the light that it returns."""

from __future__ import annotations

import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.reflectance import ibi_of, latest, ndbi_of, read_reflectances, ui_of

ONE_IMAGE = Minimum(values=1)


@indicator(
    code="L7a",
    domain="natural_resources",
    unit="share",
    formula="NDBI = (SWIR₁ − NIR) / (SWIR₁ + NIR)",
    needs=("swir1_share", "nir_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Zha, Gao and Ni",
    edition="2003",
    reference="https://doi.org/10.1080/01431160304987",
    caveat="Bare soil and dry fields are as high as built-up ground.",
    undefined="So little light came back in the two bands that their difference says nothing.",
    latest=True,
)
def ndbi(panel: pd.DataFrame) -> pd.Series:
    """Built-up ground (NDBI): high where the latest image shows roofs and streets, or bare soil.

    Parameters
    ----------
    panel : `swir1_share` and `nir_share`, reflectances from 0 to 1.

    Returns
    -------
    The normalised difference built-up index by `location_id`, of the last time at which both bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    NDBI = (S1 − N) / (S1 + N).

    References
    ----------
    Zha, Y., Gao, J., Ni, S. (2003): Use of normalized difference built-up index in automatically mapping urban
    areas from TM imagery. International Journal of Remote Sensing 24(3), 583–594.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "swir1_share": [0.2], "nir_share": [0.4]})
    >>> ndbi(panel).round(3).to_dict()
    {'a': -0.333}
    """
    record = read_reflectances(panel, "swir1_share", "nir_share", minimum=ONE_IMAGE)
    return record.series(ndbi_of(*latest(record)), "ndbi")


@indicator(
    code="L7b",
    domain="natural_resources",
    unit="share",
    formula="IBI = (NDBI − x) / (NDBI + x), x = (SAVI + MNDWI) / 2",
    needs=("green_share", "red_share", "nir_share", "swir1_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Xu",
    edition="2008",
    reference="https://doi.org/10.1080/01431160802039957",
    caveat="It is not bounded: values far from zero come of a small divisor and not of more buildings.",
    undefined="The three indices that it is made of cancel each other in the divisor of its formula.",
    latest=True,
)
def ibi(panel: pd.DataFrame) -> pd.Series:
    """Built-up ground (IBI): above zero where roofs and streets outweigh plants and water.

    Parameters
    ----------
    panel : `green_share`, `red_share`, `nir_share` and `swir1_share`, reflectances from 0 to 1.

    Returns
    -------
    The index-based built-up index by `location_id`, of the last time at which all bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    IBI = (NDBI − (SAVI + MNDWI)/2) / (NDBI + (SAVI + MNDWI)/2), with the L of SAVI at 0.5. Withheld where the
    divisor is within 0.05 of zero. Xu rescales the three indices to like ranges first where they differ; here, as in
    most implementations, they are taken as they are.

    References
    ----------
    Xu, H. (2008): A new index for delineating built-up land features in satellite imagery. International Journal of
    Remote Sensing 29(14), 4269–4276.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "green_share": [0.08], "red_share": [0.1], "nir_share": [0.4],
    ...                       "swir1_share": [0.2]})
    >>> ibi(panel).round(3).to_dict()
    {'a': 1.066}
    """
    record = read_reflectances(panel, "green_share", "red_share", "nir_share", "swir1_share", minimum=ONE_IMAGE)
    return record.series(ibi_of(*latest(record)), "ibi")


@indicator(
    code="L7c",
    domain="natural_resources",
    unit="share",
    formula="UI = (SWIR₂ − NIR) / (SWIR₂ + NIR)",
    needs=("swir2_share", "nir_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Kawamura, Jayamana and Tsujiko",
    edition="1996",
    reference="https://www.isprs.org/proceedings/XXXI/congress/part7/321_XXXI-part7.pdf",
    caveat="Bare soil and dry fields are as high as built-up ground.",
    undefined="So little light came back in the two bands that their difference says nothing.",
    latest=True,
)
def urban_index(panel: pd.DataFrame) -> pd.Series:
    """Urban index: high where the latest image shows built-up ground, or bare soil.

    Parameters
    ----------
    panel : `swir2_share` and `nir_share`, reflectances from 0 to 1.

    Returns
    -------
    The urban index by `location_id`, of the last time at which both bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    UI = (S2 − N) / (S2 + N): the normalised burn ratio with its sign turned.

    References
    ----------
    Kawamura, M., Jayamana, S., Tsujiko, Y. (1996): Relation between social and environmental conditions in Colombo,
    Sri Lanka and the urban index estimated by satellite remote sensing data. ISPRS XXXI, part B7, 321–326.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "swir2_share": [0.1], "nir_share": [0.4]})
    >>> urban_index(panel).round(3).to_dict()
    {'a': -0.6}
    """
    record = read_reflectances(panel, "swir2_share", "nir_share", minimum=ONE_IMAGE)
    return record.series(ui_of(*latest(record)), "urban_index")
