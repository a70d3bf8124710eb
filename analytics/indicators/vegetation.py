"""How green the land is, and how green for the time of the year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import Record, ratio, read, refuse_parameter
from analytics.reflectance import at, evi_of, last_steps, latest, ndvi_of, read_reflectances, refuse_beyond_one, savi_of

ONE_IMAGE = Minimum(values=1)
# Extremes of fewer years are an accident: a month has to have been seen in this many.
FIVE_YEARS = Minimum(values=5, years=5.0)
_YEARS = 5
# A month whose greenness or temperature hardly differed between the years has no worst and no best.
_LEAST_NDVI = 0.01
_LEAST_WARMTH = 0.5


@indicator(
    code="L1",
    domain="natural_resources",
    unit="share",
    formula="NDVI = (NIR − R) / (NIR + R)",
    needs=("nir_share", "red_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Rouse, Haas, Schell and Deering",
    edition="1974",
    reference="https://ntrs.nasa.gov/citations/19740022614",
    caveat="It hardly rises any more where the canopy is dense, and differs between satellites and with haze.",
    undefined="So little light came back in red and near infrared that their difference says nothing.",
    latest=True,
)
def ndvi(panel: pd.DataFrame) -> pd.Series:
    """Greenness: how much green plant cover the latest image shows, from −1 to 1.

    Parameters
    ----------
    panel : `nir_share` and `red_share`, reflectances from 0 to 1.

    Returns
    -------
    The normalised difference vegetation index by `location_id`, of the last time at which both bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    NDVI = (N − R) / (N + R). Withheld where N + R is under 0.01, or where a negative reflectance throws it out of −1
    to 1. From the mean reflectances of a place it is a ratio of means; from a raster, `geodata.raster.index_by_place`
    takes the mean of the cells' ratios, which is another number where the land is mixed.

    References
    ----------
    Rouse, J. W., Haas, R. H., Schell, J. A., Deering, D. W. (1974): Monitoring vegetation systems in the Great
    Plains with ERTS. Third ERTS Symposium, NASA SP-351, 309–317.

    Examples
    --------
    >>> june = pd.Timestamp("2020-06-01", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [june], "nir_share": [0.4], "red_share": [0.1]})
    >>> ndvi(panel).round(3).to_dict()
    {'a': 0.6}
    """
    record = read_reflectances(panel, "nir_share", "red_share", minimum=ONE_IMAGE)
    return record.series(ndvi_of(*latest(record)), "ndvi")


@indicator(
    code="L2a",
    domain="natural_resources",
    unit="share",
    formula="EVI = 2.5 · (NIR − R) / (NIR + 6 · R − 7.5 · B + 1)",
    needs=("nir_share", "red_share", "blue_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Huete, Liu, Batchily and van Leeuwen",
    edition="1997",
    reference="https://doi.org/10.1016/S0034-4257(96)00112-5",
    caveat="Its coefficients were made for MODIS and serve Landsat; over snow and cloud it means nothing.",
    undefined="The bands cancel each other in the divisor of its formula, as they do over snow and cloud.",
    latest=True,
)
def evi(panel: pd.DataFrame) -> pd.Series:
    """Enhanced greenness: green plant cover, told apart even where forest is dense.

    Parameters
    ----------
    panel : `nir_share`, `red_share` and `blue_share`, reflectances from 0 to 1.

    Returns
    -------
    The enhanced vegetation index by `location_id`, of the last time at which all bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.

    Notes
    -----
    EVI = 2.5 · (N − R) / (N + 6R − 7.5B + 1). Withheld where the divisor is 0.05 or less.

    References
    ----------
    Huete, A. R., Liu, H. Q., Batchily, K., van Leeuwen, W. (1997): A comparison of vegetation indices over a global
    set of TM images for EOS-MODIS. Remote Sensing of Environment 59(3), 440–451.

    Examples
    --------
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [pd.Timestamp("2020-06-01", tz="UTC")],
    ...                       "nir_share": [0.4], "red_share": [0.1], "blue_share": [0.05]})
    >>> evi(panel).round(3).to_dict()
    {'a': 0.462}
    """
    record = read_reflectances(panel, "nir_share", "red_share", "blue_share", minimum=ONE_IMAGE)
    return record.series(evi_of(*latest(record)), "evi")


@indicator(
    code="L2b",
    domain="natural_resources",
    unit="share",
    formula="SAVI = (1 + L) · (NIR − R) / (NIR + R + L), L = 0.5",
    needs=("nir_share", "red_share"),
    better="neither",
    minimum=ONE_IMAGE,
    authority="Huete",
    edition="1988",
    reference="https://doi.org/10.1016/0034-4257(88)90106-X",
    caveat="How much soil shines through is assumed, one half unless stated, and not measured.",
    undefined="So little light came back in red and near infrared that their difference says nothing.",
    latest=True,
)
def savi(panel: pd.DataFrame, *, soil: float = 0.5) -> pd.Series:
    """Soil-adjusted greenness: green plant cover where much bare soil shows through.

    Parameters
    ----------
    panel : `nir_share` and `red_share`, reflectances from 0 to 1.
    soil : the L of the formula: 0 for dense, 0.5 for middling, 1 for sparse cover.

    Returns
    -------
    The soil-adjusted vegetation index by `location_id`, of the last time at which both bands have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or the bands are scaled integers rather than reflectances.
    AlmanacError
        Where `soil` is not from 0 to 1.

    Notes
    -----
    SAVI = (1 + L) · (N − R) / (N + R + L), with L = 0.5 as Huete advises where nothing is known.

    References
    ----------
    Huete, A. R. (1988): A soil-adjusted vegetation index (SAVI). Remote Sensing of Environment 25(3), 295–309.

    Examples
    --------
    >>> june = pd.Timestamp("2020-06-01", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [june], "nir_share": [0.4], "red_share": [0.1]})
    >>> savi(panel).round(3).to_dict()
    {'a': 0.45}
    """
    if not 0.0 <= soil <= 1.0:
        raise refuse_parameter("soil", soil, wanted="a number from 0 to 1")
    record = read_reflectances(panel, "nir_share", "red_share", minimum=ONE_IMAGE)
    nir, red = latest(record)
    return record.series(savi_of(nir, red, soil), "savi")


@indicator(
    code="L3",
    domain="natural_resources",
    unit="percent",
    formula="VCI = 100 · (NDVI − minₘ NDVI) / (maxₘ NDVI − minₘ NDVI)",
    needs=("ndvi_share",),
    steps=("1 month",),
    better="higher",
    minimum=FIVE_YEARS,
    authority="Kogan",
    edition="1990",
    reference="https://doi.org/10.1080/01431169008955102",
    caveat="It compares with the best and worst of these years only, and a felled forest looks like a drought.",
    undefined="This month was hardly greener in one year than in another, or was seen in fewer than five years.",
    standard="convention",
    latest=True,
    fitted=True,
)
def vegetation_condition(panel: pd.DataFrame, *, reference: tuple[int, int] | None = None) -> pd.Series:
    """Vegetation condition: the latest month's greenness between its worst and best years.

    Parameters
    ----------
    panel : `ndvi_share`, monthly, from −1 to 1.
    reference : the first and last year that worst and best are taken from; all years of the panel unless stated.

    Returns
    -------
    The vegetation condition index in percent by `location_id`, of the last month that has a value: 0 is the worst,
    100 the best of that calendar month in the reference years.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as monthly, or the index lies outside −1 to 1.
    AlmanacError
        Where `reference` is no pair of years.

    Notes
    -----
    VCI = 100 · (NDVI − NDVI_min) / (NDVI_max − NDVI_min), with the extremes of the same calendar month. Open choices:
    the extremes include the year that is judged unless `reference` leaves it out; then a value below 0 or above 100
    means worse or better than ever in those years, and is not clipped. The month must have been seen in five
    reference years, our choice, for extremes of fewer are an accident; the extremes must differ by 0.01.

    References
    ----------
    Kogan, F. N. (1990): Remote sensing of weather impacts on vegetation in non-homogeneous areas. International
    Journal of Remote Sensing 11(8), 1405–1419.

    Examples
    --------
    >>> months = pd.date_range("2015-06-01", periods=6, freq="12MS", tz="UTC")
    >>> green = [0.5, 0.6, 0.7, 0.55, 0.65, 0.55]
    >>> panel = pd.DataFrame({"location_id": "a", "time": months, "ndvi_share": green})
    >>> vegetation_condition(panel).round(1).to_dict()
    {'a': 25.0}
    """
    record = read(panel, "ndvi_share", minimum=FIVE_YEARS, steps=("1 month",), signed=("ndvi_share",))
    refuse_beyond_one("ndvi_share", record["ndvi_share"])
    step = last_steps(record)[:, 0]
    return record.series(_between(record, "ndvi_share", step, reference, _LEAST_NDVI), "vegetation_condition")


@indicator(
    code="L4",
    domain="natural_resources",
    unit="percent",
    formula="VHI = ½ · VCI + ½ · TCI, TCI = 100 · (maxₘ T − T) / (maxₘ T − minₘ T)",
    needs=("ndvi_share", "surface_temperature_c"),
    steps=("1 month",),
    better="higher",
    minimum=FIVE_YEARS,
    authority="Kogan; FAO",
    edition="1995",
    reference="https://doi.org/10.1016/0273-1177(95)00079-T",
    caveat="It takes heat for stress, which is wrong where cold holds plants back, in the north and in the mountains.",
    undefined="This month hardly differed between the years, or was seen in fewer than five of them.",
    standard="convention",
    latest=True,
    fitted=True,
)
def vegetation_health(
    panel: pd.DataFrame, *, reference: tuple[int, int] | None = None, weight: float = 0.5
) -> pd.Series:
    """Vegetation health: greenness and heat together, between their worst and best years.

    Parameters
    ----------
    panel : `ndvi_share`, from −1 to 1, and `surface_temperature_c`, of the ground or canopy, monthly.
    reference : the first and last year that worst and best are taken from; all years of the panel unless stated.
    weight : of greenness; heat has the rest.

    Returns
    -------
    The vegetation health index in percent by `location_id`, of the last month at which both have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as monthly, or the index lies outside −1 to 1.
    AlmanacError
        Where `reference` is no pair of years, or `weight` not from 0 to 1.

    Notes
    -----
    VHI = a · VCI + (1 − a) · TCI with a = ½, and TCI = 100 · (T_max − T) / (T_max − T_min). Extremes as in
    `vegetation_condition`; those of temperature must differ by half a degree.

    References
    ----------
    Kogan, F. N. (1995): Application of vegetation index and brightness temperature for drought detection. Advances
    in Space Research 15(11), 91–100.

    Examples
    --------
    >>> months = pd.date_range("2015-06-01", periods=61, freq="MS", tz="UTC")
    >>> year = np.arange(61) // 12
    >>> panel = pd.DataFrame({"location_id": "a", "time": months, "ndvi_share": 0.5 + 0.01 * year,
    ...                       "surface_temperature_c": 20.0 + year})
    >>> vegetation_health(panel).to_dict()
    {'a': 50.0}
    """
    if not 0.0 <= weight <= 1.0:
        raise refuse_parameter("weight", weight, wanted="a number from 0 to 1")
    columns = ("ndvi_share", "surface_temperature_c")
    record = read(panel, *columns, minimum=FIVE_YEARS, steps=("1 month",), signed=columns)
    refuse_beyond_one("ndvi_share", record["ndvi_share"])
    step = last_steps(record)[:, 0]
    green = _between(record, "ndvi_share", step, reference, _LEAST_NDVI)
    cool = 100.0 - _between(record, "surface_temperature_c", step, reference, _LEAST_WARMTH)
    return record.series(weight * green + (1.0 - weight) * cool, "vegetation_health")


def _between(
    record: Record, column: str, step: np.ndarray, reference: tuple[int, int] | None, least: float
) -> np.ndarray:
    """Where the value at `step` stands between the lowest (0) and highest (100) of its month in the reference years."""
    first, last = _years(reference)
    months, years = record.times.month.to_numpy(), record.times.year.to_numpy()
    wanted = (years >= first) & (years <= last)
    values = record[column]
    result = np.full(len(record.places), np.nan)
    if not len(record.times):
        return result
    now = at(values, step)
    month = np.where(step >= 0, months[np.maximum(step, 0)], 0)
    for each in range(1, 13):
        mine = month == each
        same = values[mine][:, wanted & (months == each)]
        seen = np.isfinite(same)
        lowest = np.where(seen, same, np.inf).min(axis=1, initial=np.inf)
        highest = np.where(seen, same, -np.inf).max(axis=1, initial=-np.inf)
        enough = seen.sum(axis=1) >= _YEARS
        spread = np.where(enough, highest - np.where(enough, lowest, 0.0), np.nan)
        result[mine] = 100.0 * ratio(now[mine] - np.where(enough, lowest, np.nan), spread, least=least)
    return result


def _years(reference: tuple[int, int] | None) -> tuple[int, int]:
    if reference is None:
        return -9999, 9999
    if len(reference) != 2 or reference[1] - reference[0] + 1 < _YEARS:
        raise refuse_parameter("reference", reference, wanted="a first and a last year, at least five years in all")
    return reference[0], reference[1]
