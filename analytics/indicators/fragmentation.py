"""How the land is cut up: how many patches of land cover there are, how large, how much edge."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.indicators.landscape import AUTHORITY, EDITION, REFERENCE
from analytics.indicators.transitions import refuse_unknown_cover
from analytics.record import read_rows

ONE_ROW = Minimum(values=1)
NO_PATCH = "The place has no such patch, or the size of one of its patches is unknown."
GRAIN = "It depends on the size of the map's cells and on whether patches may touch at corners: compare one map only."


@indicator(
    code="L14a",
    domain="natural_resources",
    unit="count_per_km2",
    formula="PD = N / A",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat=GRAIN,
    undefined=NO_PATCH,
)
def patch_density(table: pd.DataFrame, *, cover: str | None = None) -> pd.Series:
    """Patch density: how many patches of land cover there are on a square kilometre.

    Parameters
    ----------
    table : a row per place, `cover` and `patch_id`, with
        `area_ha`, as `geodata.raster.patches` gives it.
    cover : the class of land cover; all of them together unless stated.

    Returns
    -------
    Patches per square kilometre of all land by `location_id`; 0 where the place has no such patch.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    PD = N / A; A is the area of all the patches of the place, of other covers too.
    FRAGSTATS counts by 100 hectares, which is the same.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> patches = pd.DataFrame({"location_id": "a", "cover": ["forest", "forest", "crops"],
    ...     "patch_id": ["1", "2", "3"], "area_ha": [30.0, 10.0, 60.0]})
    >>> patch_density(patches).round(3).to_dict()
    {'a': 3.0}
    """
    area, mine = _areas(table, cover)
    return (100.0 * mine.notna().groupby(level=0).sum() / area).rename("patch_density")


@indicator(
    code="L14b",
    domain="natural_resources",
    unit="m_per_ha",
    formula="ED = E / A, E = ½ · Σeᵢ",
    needs=("area_ha", "edge_m"),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat=GRAIN,
    undefined=NO_PATCH,
)
def edge_density(table: pd.DataFrame, *, cover: str | None = None) -> pd.Series:
    """Edge density: how much edge between land covers there is on a hectare.

    Parameters
    ----------
    table : a row per place, `cover` and `patch_id`, with
        `area_ha` and `edge_m`, as `geodata.raster.patches` gives it.
    cover : the class of land cover; all of them together unless stated.

    Returns
    -------
    Metres per hectare of all land by `location_id`; 0 where the place has no such patch.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    ED = E / A. `edge_m` is the part of a patch's outline that it shares with patches of other covers; the outline of
    the place and cells without cover are no edge, which is FRAGSTATS without border and boundary. For all covers
    together each edge belongs to two patches and is counted once.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> patches = pd.DataFrame({"location_id": "a", "cover": ["forest", "forest", "crops"],
    ...     "patch_id": ["1", "2", "3"], "area_ha": [30.0, 10.0, 60.0],
    ...     "edge_m": [1000.0, 500.0, 1500.0]})
    >>> edge_density(patches).round(3).to_dict()
    {'a': 15.0}
    """
    area, mine = _areas(table, cover, "edge_m")
    edges = mine.groupby(level=0).sum() * (0.5 if cover is None else 1.0)
    return (edges / area).rename("edge_density")


@indicator(
    code="L14c",
    domain="natural_resources",
    unit="percent",
    formula="LPI = 100 · max aᵢ / A",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat=GRAIN,
    undefined=NO_PATCH,
)
def largest_patch(table: pd.DataFrame, *, cover: str | None = None) -> pd.Series:
    """Largest patch: how much of the land is one unbroken piece of the same cover.

    Parameters
    ----------
    table : a row per place, `cover` and `patch_id`, with
        `area_ha`, as `geodata.raster.patches` gives it.
    cover : the class of land cover; all of them together unless stated.

    Returns
    -------
    Percent of all land by `location_id`; 0 where the place has no such patch.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    LPI = 100 · max a / A; A is the area of all the patches of the place.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> patches = pd.DataFrame({"location_id": "a", "cover": ["forest", "forest", "crops"],
    ...     "patch_id": ["1", "2", "3"], "area_ha": [30.0, 10.0, 60.0]})
    >>> largest_patch(patches).round(3).to_dict()
    {'a': 60.0}
    """
    area, mine = _areas(table, cover)
    return (100.0 * mine.groupby(level=0).max().fillna(0.0) / area).rename("largest_patch")


@indicator(
    code="L14d",
    domain="natural_resources",
    unit="ha",
    formula="MESH = Σaᵢ² / A",
    needs=("area_ha",),
    table="table",
    better="higher",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat=GRAIN,
    undefined=NO_PATCH,
)
def effective_mesh_size(table: pd.DataFrame, *, cover: str | None = None) -> pd.Series:
    """Effective mesh size: how large a piece of unbroken land cover one stands in.

    Parameters
    ----------
    table : a row per place, `cover` and `patch_id`, with
        `area_ha`, as `geodata.raster.patches` gives it.
    cover : the class of land cover; all of them together unless stated.

    Returns
    -------
    Hectares by `location_id`; 0 where the place has no such patch.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    MESH = Σ a² / A; A is the area of all the patches of the place. It is the size of the patch in which a point
    of the place taken at random lies, with 0 where the point is not of the cover chosen. What
    lies beyond the border of the place is cut off.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> patches = pd.DataFrame({"location_id": "a", "cover": ["forest", "forest", "crops"],
    ...     "patch_id": ["1", "2", "3"], "area_ha": [30.0, 10.0, 60.0]})
    >>> effective_mesh_size(patches).round(3).to_dict()
    {'a': 46.0}
    """
    area, mine = _areas(table, cover)
    return ((mine**2).groupby(level=0).sum() / area).rename("effective_mesh_size")


@indicator(
    code="L14e",
    domain="natural_resources",
    unit="share",
    formula="1 − Σ(aᵢ / A)²",
    needs=("area_ha",),
    table="table",
    better="lower",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat=GRAIN,
    undefined=NO_PATCH,
)
def landscape_division(table: pd.DataFrame, *, cover: str | None = None) -> pd.Series:
    """Landscape division: how likely two points of the land are parted, from 0 to 1.

    Parameters
    ----------
    table : a row per place, `cover` and `patch_id`, with
        `area_ha`, as `geodata.raster.patches` gives it.
    cover : the class of land cover; all of them together unless stated.

    Returns
    -------
    Shares by `location_id`; 1 where the place has no such patch.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    DIVISION = 1 − Σ (a / A)²; A is the area of all the patches of the place.
    Two points are parted unless they lie in one patch.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> patches = pd.DataFrame({"location_id": "a", "cover": ["forest", "forest", "crops"],
    ...     "patch_id": ["1", "2", "3"], "area_ha": [30.0, 10.0, 60.0]})
    >>> landscape_division(patches).round(3).to_dict()
    {'a': 0.54}
    """
    area, mine = _areas(table, cover)
    return (1.0 - (mine**2).groupby(level=0).sum() / area**2).rename("landscape_division")


def _areas(table: pd.DataFrame, cover: str | None, *columns: str) -> tuple[pd.Series, pd.Series]:
    """The area of all patches by place, and one column (the area unless named) of the patches of one cover.

    A place without this cover keeps a row without a value; one with an unknown size has no area.
    """
    rows, mine = patch_rows(table, cover, "area_ha", *columns)
    total = rows["area_ha"].groupby(level=0).sum(min_count=1)
    wanted = mine[columns[0] if columns else "area_ha"]
    lacking = total.index.difference(wanted.index)
    wanted = pd.concat([wanted, pd.Series(np.nan, index=lacking, dtype=float)]).rename_axis("location_id")
    return total.where(total > 0), wanted.sort_index(kind="stable")


def patch_rows(table: pd.DataFrame, cover: str | None, *columns: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All the patches, and those of one cover; at a place where the size of one is unknown none has a size."""
    rows = read_rows(table, *columns, keys=("cover", "patch_id"))
    rows["cover"] = rows["cover"].astype(str)
    unknown = rows[list(columns)].isna().any(axis=1).groupby(level=0).transform("any").to_numpy()
    rows.loc[unknown, list(columns)] = np.nan
    known = rows[~unknown]
    if cover is not None:
        refuse_unknown_cover(cover, pd.Index(rows["cover"].unique()))
        known = known[(known["cover"] == cover).to_numpy()]
    return rows, known
