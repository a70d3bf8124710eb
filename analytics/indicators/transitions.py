"""What turned into what: gains, losses and swaps between two maps of land cover."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read_rows
from geodata.errors import UnknownName
from geodata.search import nearest

ONE_ROW = Minimum(values=1)
REFERENCE = "https://doi.org/10.1016/j.agee.2003.09.008"
AUTHORITY = "Pontius, Shusas and McEachern"
CAVEAT = "Errors of the two maps look like change: a change smaller than the error of the maps is none."
NO_MAP = "The land has no area, or the area of one of its transitions is unknown."


def transitions(table: pd.DataFrame) -> pd.DataFrame:
    """Gain, loss, net change and swap of every class of land cover, by place.

    Parameters
    ----------
    table : a row per place, `from_cover` and `to_cover`, with `area_ha`. A pair without a row did not occur; a pair
        without an area is unknown, and so is everything at its place.

    Returns
    -------
    Indexed by `location_id` and `cover`, in hectares: `before`, `after`, `kept`, `gain`, `loss`, `net` and `swap`.

    Raises
    ------
    BrokenData
        Where the table cannot be read.

    Notes
    -----
    gain = after − kept, loss = before − kept, net = gain − loss, swap = 2 · min(gain, loss): what a class lost in one
    place and won in another.

    Examples
    --------
    >>> moved = transitions(pd.DataFrame({"location_id": "a", "from_cover": ["forest", "forest", "crops"],
    ...     "to_cover": ["forest", "crops", "forest"], "area_ha": [70.0, 20.0, 10.0]}))
    >>> moved.loc[("a", "forest")].to_dict()
    {'before': 90.0, 'after': 80.0, 'kept': 70.0, 'gain': 10.0, 'loss': 20.0, 'net': -10.0, 'swap': 20.0}
    """
    rows = read_rows(table, "area_ha", keys=("from_cover", "to_cover")).reset_index()
    unknown = rows["area_ha"].isna().groupby(rows["location_id"]).transform("any")
    rows["area_ha"] = rows["area_ha"].mask(unknown)
    same = rows["from_cover"].astype(str) == rows["to_cover"].astype(str)
    parts = {
        "before": _by_cover(rows, "from_cover"),
        "after": _by_cover(rows, "to_cover"),
        "kept": _by_cover(rows[same.to_numpy()], "from_cover"),
    }
    found = pd.concat(parts, axis=1).sort_index()
    # A class that one of the maps lacks has no area there, unless its place is unknown altogether.
    bad = found.index.get_level_values("location_id").isin(rows["location_id"][unknown])
    found = found.fillna(0.0)
    found[bad] = np.nan
    found["gain"] = found["after"] - found["kept"]
    found["loss"] = found["before"] - found["kept"]
    found["net"] = found["gain"] - found["loss"]
    found["swap"] = 2.0 * found[["gain", "loss"]].min(axis=1, skipna=False)
    return found


@indicator(
    code="L17a",
    domain="natural_resources",
    unit="percent",
    formula="100 · Σᵢ≠ⱼ aᵢⱼ / Σᵢⱼ aᵢⱼ",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2004",
    reference=REFERENCE,
    caveat=CAVEAT,
    undefined=NO_MAP,
)
def land_cover_change(table: pd.DataFrame) -> pd.Series:
    """Land cover change: how much of the land is another cover now than it was.

    Parameters
    ----------
    table : a row per place, `from_cover` and `to_cover`, with `area_ha`.

    Returns
    -------
    Percent of the area by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read.

    Notes
    -----
    100 · Σ_{i≠j} a_ij / Σ a_ij: net change and swap together.

    References
    ----------
    Pontius, R. G., Shusas, E., McEachern, M. (2004): Detecting important categorical land changes while accounting
    for persistence. Agriculture, Ecosystems and Environment 101, 251–268.

    Examples
    --------
    >>> land_cover_change(pd.DataFrame({"location_id": "a", "from_cover": ["forest", "forest", "crops"],
    ...     "to_cover": ["forest", "crops", "forest"], "area_ha": [70.0, 20.0, 10.0]})).to_dict()
    {'a': 30.0}
    """
    total = _totals(table)
    return pd.Series(100.0 * ratio(total["gain"], total["before"]), index=total.index, name="land_cover_change")


@indicator(
    code="L17b",
    domain="natural_resources",
    unit="percent",
    formula="100 · Σⱼ min(gⱼ, lⱼ) / Σᵢⱼ aᵢⱼ, gⱼ = Σᵢ≠ⱼ aᵢⱼ, lⱼ = Σᵢ≠ⱼ aⱼᵢ",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2004",
    reference=REFERENCE,
    caveat=CAVEAT,
    undefined=NO_MAP,
)
def land_cover_swap(table: pd.DataFrame) -> pd.Series:
    """Land cover swapped: change that leaves the totals as they were, lost here and won there.

    Parameters
    ----------
    table : a row per place, `from_cover` and `to_cover`, with `area_ha`.

    Returns
    -------
    Percent of the area by `location_id`, a part of `land_cover_change`.

    Raises
    ------
    BrokenData
        Where the table cannot be read.

    Notes
    -----
    100 · Σ_j min(gain_j, loss_j) / Σ a_ij: half the sum of the classes' swaps, since each swap has two sides.

    References
    ----------
    Pontius, R. G., Shusas, E., McEachern, M. (2004): Detecting important categorical land changes while accounting
    for persistence. Agriculture, Ecosystems and Environment 101, 251–268.

    Examples
    --------
    >>> land_cover_swap(pd.DataFrame({"location_id": "a", "from_cover": ["forest", "forest", "crops"],
    ...     "to_cover": ["forest", "crops", "forest"], "area_ha": [70.0, 20.0, 10.0]})).to_dict()
    {'a': 20.0}
    """
    total = _totals(table)
    return pd.Series(50.0 * ratio(total["swap"], total["before"]), index=total.index, name="land_cover_swap")


@indicator(
    code="L17c",
    domain="natural_resources",
    unit="ha",
    formula="gⱼ = Σᵢ≠ⱼ aᵢⱼ",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2004",
    reference=REFERENCE,
    caveat=CAVEAT,
    undefined=NO_MAP,
)
def cover_gain(table: pd.DataFrame, *, cover: str = "forest") -> pd.Series:
    """Gain of a land cover: the area that became forest, or the cover chosen.

    Parameters
    ----------
    table : a row per place, `from_cover` and `to_cover`, with `area_ha`.
    cover : the class of land cover.

    Returns
    -------
    Hectares by `location_id`; 0 where the cover did not come.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    The area that has the cover after, less what had it before too. See `transitions`.

    References
    ----------
    Pontius, R. G., Shusas, E., McEachern, M. (2004): Detecting important categorical land changes while accounting
    for persistence. Agriculture, Ecosystems and Environment 101, 251–268.

    Examples
    --------
    >>> cover_gain(pd.DataFrame({"location_id": "a", "from_cover": ["forest", "forest", "crops"],
    ...     "to_cover": ["forest", "crops", "forest"], "area_ha": [70.0, 20.0, 10.0]})).to_dict()
    {'a': 10.0}
    """
    return _of_cover(table, cover, "gain", "cover_gain")


@indicator(
    code="L17d",
    domain="natural_resources",
    unit="ha",
    formula="lⱼ = Σᵢ≠ⱼ aⱼᵢ",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2004",
    reference=REFERENCE,
    caveat=CAVEAT,
    undefined=NO_MAP,
)
def cover_loss(table: pd.DataFrame, *, cover: str = "forest") -> pd.Series:
    """Loss of a land cover: the area that was forest, or the cover chosen, and is no more.

    Parameters
    ----------
    table : a row per place, `from_cover` and `to_cover`, with `area_ha`.
    cover : the class of land cover.

    Returns
    -------
    Hectares by `location_id`; 0 where the cover did not go.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    The area that had the cover before, less what has it after too. See `transitions`.

    References
    ----------
    Pontius, R. G., Shusas, E., McEachern, M. (2004): Detecting important categorical land changes while accounting
    for persistence. Agriculture, Ecosystems and Environment 101, 251–268.

    Examples
    --------
    >>> cover_loss(pd.DataFrame({"location_id": "a", "from_cover": ["forest", "forest", "crops"],
    ...     "to_cover": ["forest", "crops", "forest"], "area_ha": [70.0, 20.0, 10.0]})).to_dict()
    {'a': 20.0}
    """
    return _of_cover(table, cover, "loss", "cover_loss")


@indicator(
    code="L17e",
    domain="natural_resources",
    unit="ha",
    formula="gⱼ − lⱼ = Σᵢ≠ⱼ (aᵢⱼ − aⱼᵢ)",
    needs=("area_ha",),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2004",
    reference=REFERENCE,
    caveat=CAVEAT,
    undefined=NO_MAP,
)
def cover_net_change(table: pd.DataFrame, *, cover: str = "forest") -> pd.Series:
    """Net change of a land cover: what forest, or the cover chosen, won less what it lost.

    Parameters
    ----------
    table : a row per place, `from_cover` and `to_cover`, with `area_ha`.
    cover : the class of land cover.

    Returns
    -------
    Hectares by `location_id`; negative where more was lost.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    gain − loss. See `transitions`.

    References
    ----------
    Pontius, R. G., Shusas, E., McEachern, M. (2004): Detecting important categorical land changes while accounting
    for persistence. Agriculture, Ecosystems and Environment 101, 251–268.

    Examples
    --------
    >>> cover_net_change(pd.DataFrame({"location_id": "a", "from_cover": ["forest", "forest", "crops"],
    ...     "to_cover": ["forest", "crops", "forest"], "area_ha": [70.0, 20.0, 10.0]})).to_dict()
    {'a': -10.0}
    """
    return _of_cover(table, cover, "net", "cover_net_change")


def refuse_unknown_cover(cover: str, known: pd.Index) -> None:
    """Stops at a class of land cover that no place has.

    Raises
    ------
    UnknownName
        Naming one that is like it.
    """
    names = sorted({str(name) for name in known})
    if cover not in names:
        near = nearest(cover, names)
        raise UnknownName(
            "No place has the land cover “{cover}”.",
            hint="Did you mean “{near}”?" if near else "Choose one of: {known}.",
            cover=cover,
            near=near,
            known=tuple(names),
        )


def _by_cover(rows: pd.DataFrame, column: str) -> pd.Series:
    covers = rows[column].astype(str).rename("cover")
    return rows["area_ha"].groupby([rows["location_id"], covers]).sum(min_count=1)


def _totals(table: pd.DataFrame) -> pd.DataFrame:
    return transitions(table).groupby(level="location_id").sum(min_count=1)


def _of_cover(table: pd.DataFrame, cover: str, column: str, name: str) -> pd.Series:
    found = transitions(table)
    covers = found.index.get_level_values("cover")
    refuse_unknown_cover(cover, covers.unique())
    mine = found[column][covers == cover].droplevel("cover")
    # A place that never had the cover neither won nor lost any; one that is unknown stays so.
    others = found[column].notna().groupby(level="location_id").all()
    return mine.reindex(others.index).mask(~others.index.isin(mine.index) & others, 0.0).rename(name)
