"""Where there is open water, told from the light that the land returns."""

from __future__ import annotations

import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.reflectance import awei_of, awei_shadow_of, latest, mndwi_of, ndwi_of, read_reflectances

ONE_IMAGE = Minimum(values=1)


@indicator(
    code="L5a",
    domain="natural_resources",
    unit="share",
    formula="NDWI = (G − NIR) / (G + NIR)",
    needs=("green_share", "nir_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="McFeeters",
    edition="1996",
    reference="https://doi.org/10.1080/01431169608948714",
    caveat="Above zero is open water as a rule, but roofs and streets pass for it; check the limit scene by scene.",
    undefined="So little light came back in the two bands that their difference says nothing.",
    standard="convention",
    latest=True,
)
def ndwi(panel: pd.DataFrame) -> pd.Series:
    """Open water (NDWI): above zero where the latest image shows open water.

    Parameters
    ----------
    panel : `green_share` and `nir_share`, reflectances from 0 to 1.

    Returns
    -------
    The normalised difference water index by `location_id`, of the last time at which both bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    NDWI = (G − N) / (G + N). Above zero is water as a rule. Gao's index of the same name is another: it tells
    of the water in leaves.

    References
    ----------
    McFeeters, S. K. (1996): The use of the normalized difference water index (NDWI) in the delineation of open water
    features. International Journal of Remote Sensing 17(7), 1425–1432.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "green_share": [0.08], "nir_share": [0.4]})
    >>> ndwi(panel).round(3).to_dict()
    {'a': -0.667}
    """
    record = read_reflectances(panel, "green_share", "nir_share", minimum=ONE_IMAGE)
    return record.series(ndwi_of(*latest(record)), "ndwi")


@indicator(
    code="L5b",
    domain="natural_resources",
    unit="share",
    formula="MNDWI = (G − SWIR₁) / (G + SWIR₁)",
    needs=("green_share", "swir1_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Xu",
    edition="2006",
    reference="https://doi.org/10.1080/01431160600589179",
    caveat="Above zero is open water as a rule, but snow and shadow pass for it; check the limit scene by scene.",
    undefined="So little light came back in the two bands that their difference says nothing.",
    standard="convention",
    latest=True,
)
def mndwi(panel: pd.DataFrame) -> pd.Series:
    """Open water in towns (MNDWI): above zero where the image shows water, roofs told apart.

    Parameters
    ----------
    panel : `green_share` and `swir1_share`, reflectances from 0 to 1.

    Returns
    -------
    The modified normalised difference water index by `location_id`, of the last time at which both bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    MNDWI = (G − S1) / (G + S1). Above zero is water as a rule.

    References
    ----------
    Xu, H. (2006): Modification of normalised difference water index (NDWI) to enhance open water features in remotely
    sensed imagery. International Journal of Remote Sensing 27(14), 3025–3033.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "green_share": [0.08], "swir1_share": [0.2]})
    >>> mndwi(panel).round(3).to_dict()
    {'a': -0.429}
    """
    record = read_reflectances(panel, "green_share", "swir1_share", minimum=ONE_IMAGE)
    return record.series(mndwi_of(*latest(record)), "mndwi")


@indicator(
    code="L5c",
    domain="natural_resources",
    unit="share",
    formula="AWEI = 4 · (G − SWIR₁) − (0.25 · NIR + 2.75 · SWIR₂)",
    needs=("green_share", "nir_share", "swir1_share", "swir2_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Feyisa, Meilby, Fensholt and Proud",
    edition="2014",
    reference="https://doi.org/10.1016/j.rse.2013.08.029",
    caveat="Above zero is water as a rule, but shadows of hills and houses pass for it.",
    undefined="There is no such case: every set of reflectances has a value.",
    standard="convention",
    latest=True,
)
def awei(panel: pd.DataFrame) -> pd.Series:
    """Open water by four bands: above zero where the image shows water, not land.

    Parameters
    ----------
    panel : `green_share`, `nir_share`, `swir1_share` and `swir2_share`, reflectances from 0 to 1.

    Returns
    -------
    The automated water extraction index by `location_id`, of the last time at which all bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    Of the two forms this is the one for scenes without shadow: AWEI_nsh = 4 · (G − S1) − (0.25 · N + 2.75 · S2).
    The whole bracket is subtracted: the catalogue Awesome Spectral Indices (spyndex 0.12.0) adds the last term,
    which makes bright dry soil pass for water; the other implementations found subtract it as we do.

    References
    ----------
    Feyisa, G. L., Meilby, H., Fensholt, R., Proud, S. R. (2014): Automated Water Extraction Index: A new technique for
    surface water mapping using Landsat imagery. Remote Sensing of Environment 140, 23–35.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "green_share": [0.08], "nir_share": [0.4], "swir1_share": [0.2],
    ...                       "swir2_share": [0.1]})
    >>> awei(panel).round(3).to_dict()
    {'a': -0.855}
    """
    record = read_reflectances(panel, "green_share", "nir_share", "swir1_share", "swir2_share", minimum=ONE_IMAGE)
    return record.series(awei_of(*latest(record)), "awei")


@indicator(
    code="L5d",
    domain="natural_resources",
    unit="share",
    formula="AWEI = B + 2.5 · G − 1.5 · (NIR + SWIR₁) − 0.25 · SWIR₂",
    needs=("blue_share", "green_share", "nir_share", "swir1_share", "swir2_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Feyisa, Meilby, Fensholt and Proud",
    edition="2014",
    reference="https://doi.org/10.1016/j.rse.2013.08.029",
    caveat="Above zero is water as a rule, but snow, ice and white roofs pass for it.",
    undefined="There is no such case: every set of reflectances has a value.",
    standard="convention",
    latest=True,
)
def awei_shadow(panel: pd.DataFrame) -> pd.Series:
    """Open water among shadows: above zero where the image shows water rather than shade.

    Parameters
    ----------
    panel : `blue_share`, `green_share`, `nir_share`, `swir1_share` and `swir2_share`, reflectances from 0 to 1.

    Returns
    -------
    The automated water extraction index by `location_id`, of the last time at which all bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    Of the two forms this is the one for scenes with shadow: AWEI_sh = B + 2.5 · G − 1.5 · (N + S1) − 0.25 · S2.

    References
    ----------
    Feyisa, G. L., Meilby, H., Fensholt, R., Proud, S. R. (2014): Automated Water Extraction Index: A new technique for
    surface water mapping using Landsat imagery. Remote Sensing of Environment 140, 23–35.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "blue_share": [0.05], "green_share": [0.08], "nir_share": [0.4],
    ...                       "swir1_share": [0.2], "swir2_share": [0.1]})
    >>> awei_shadow(panel).round(3).to_dict()
    {'a': -0.675}
    """
    record = read_reflectances(
        panel, "blue_share", "green_share", "nir_share", "swir1_share", "swir2_share", minimum=ONE_IMAGE
    )
    return record.series(awei_shadow_of(*latest(record)), "awei_shadow")
