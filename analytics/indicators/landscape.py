"""What the land is made of: how much of each cover there is, and how evenly the covers share the land."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.indicators.transitions import refuse_unknown_cover
from analytics.record import ratio, read_rows

ONE_ROW = Minimum(values=1)
AUTHORITY = "McGarigal, Cushman and Ene, FRAGSTATS"
EDITION = "version 4, 2012"
REFERENCE = "https://www.fragstats.org/index.php/documentation"
NO_LAND = "The place has no area, or that of one of its covers is unknown."


@indicator(
    code="L13a",
    domain="natural_resources",
    unit="percent",
    formula="100 · aᵢ / A, A = Σaᵢ",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat="It is counted on the map: where the map errs between two covers, so does the share.",
    undefined=NO_LAND,
)
def cover_share(table: pd.DataFrame, *, cover: str = "forest") -> pd.Series:
    """Share of a land cover: how much of the land is forest, or the cover chosen.

    Parameters
    ----------
    table : a row per place and `cover`, with `area_ha`, as `geodata.raster.class_areas` gives it.
    cover : the class of land cover.

    Returns
    -------
    Percent by `location_id`; 0 where the place has none of it.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    PLAND = 100 · a_i / A, with A the area of all the covers in the table: what has no cover is not land.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> cover_share(pd.DataFrame({"location_id": "a", "cover": ["forest", "crops"], "area_ha": [30.0, 70.0]})).to_dict()
    {'a': 30.0}
    """
    shares = _shares(table)
    refuse_unknown_cover(cover, shares.columns)
    return (100.0 * shares[cover]).rename("cover_share")


@indicator(
    code="L13b",
    domain="natural_resources",
    unit="share",
    formula="SHDI = −Σ pᵢ · ln pᵢ",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat="It grows with the number of classes that the map tells apart: compare only places on one map.",
    undefined=NO_LAND,
)
def landscape_diversity(table: pd.DataFrame) -> pd.Series:
    """Landscape diversity: how many land covers there are, and how evenly they share the land.

    Parameters
    ----------
    table : a row per place and `cover`, with `area_ha`.

    Returns
    -------
    Shannon's index by `location_id`: 0 for a single cover, the logarithm of their number where all are equal.

    Raises
    ------
    BrokenData
        Where the table cannot be read.

    Notes
    -----
    SHDI = −Σ p_i ln p_i, over the covers that the place has.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> covers = pd.DataFrame({"location_id": "a", "cover": ["forest", "crops"], "area_ha": [50.0, 50.0]})
    >>> landscape_diversity(covers).round(3).to_dict()
    {'a': 0.693}
    """
    shares = _shares(table)
    return pd.Series(_entropy(shares.to_numpy()), index=shares.index, name="landscape_diversity")


@indicator(
    code="L13c",
    domain="natural_resources",
    unit="share",
    formula="SHEI = SHDI / ln m = −Σ pᵢ · ln pᵢ / ln m",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat="It does not tell which cover prevails, nor how many there are.",
    undefined="The place has a single land cover, which shares with none, or the area of one is unknown.",
)
def landscape_evenness(table: pd.DataFrame) -> pd.Series:
    """Landscape evenness: how evenly the land covers that are there share the land, from 0 to 1.

    Parameters
    ----------
    table : a row per place and `cover`, with `area_ha`.

    Returns
    -------
    Shannon's evenness by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read.

    Notes
    -----
    SHEI = SHDI / ln m, with m the number of covers that the place has. FRAGSTATS gives 0 for a single cover; here it is
    withheld, for 0 / ln 1 is no number.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> covers = pd.DataFrame({"location_id": "a", "cover": ["forest", "crops"], "area_ha": [50.0, 50.0]})
    >>> landscape_evenness(covers).to_dict()
    {'a': 1.0}
    """
    shares = _shares(table)
    present = (shares.to_numpy() > 0).sum(axis=1)
    even = ratio(_entropy(shares.to_numpy()), np.log(np.maximum(present, 1)))
    return pd.Series(even, index=shares.index, name="landscape_evenness")


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    """Places × covers, the share of the area; a row of NaN where an area is unknown or there is none."""
    rows = read_rows(table, "area_ha", keys=("cover",)).reset_index()
    rows["cover"] = rows["cover"].astype(str)
    areas = rows.pivot(index="location_id", columns="cover", values="area_ha")
    unknown = rows["area_ha"].isna().groupby(rows["location_id"]).any()
    areas = areas.fillna(0.0)
    areas[unknown.reindex(areas.index).to_numpy()] = np.nan
    total = areas.sum(axis=1, min_count=1)
    return areas.div(total.where(total > 0), axis=0)


def _entropy(shares: np.ndarray) -> np.ndarray:
    # 0 · ln 0 is 0: a cover that is not there adds nothing.
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return np.where(np.isfinite(shares).all(axis=1), -(shares * logs).sum(axis=1) + 0.0, np.nan)
