"""How well the patches of a land cover hold together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.indicators.fragmentation import GRAIN, patch_rows
from analytics.indicators.landscape import AUTHORITY, EDITION, REFERENCE
from analytics.record import ratio

ONE_ROW = Minimum(values=1)
NO_PATCH = "The place has no such patch, or the size of one of its patches is unknown."


@indicator(
    code="L14f",
    domain="natural_resources",
    unit="percent",
    formula="100 · (1 − Σp / Σ(p · √a)) / (1 − 1 / √Z)",
    needs=("cells_count", "edge_cells_count"),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat=GRAIN,
    undefined="The place has no such patch, or one cell only, or the size of one of its patches is unknown.",
)
def patch_cohesion(table: pd.DataFrame, *, cover: str | None = None) -> pd.Series:
    """Patch cohesion: how well the patches of a land cover hold together.

    Parameters
    ----------
    table : a row per place, `cover` and `patch_id`, with
        `cells_count` and `edge_cells_count`, as `geodata.raster.patches` gives it.
    cover : the class of land cover; all of them together unless stated.

    Returns
    -------
    Percent by `location_id`, from 0 for scattered cells to 100.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    COHESION = 100 · (1 − Σ p / Σ p √a) / (1 − 1 / √Z), with p the outline of a patch in cell edges, the border
    and holes included, a its cells and Z the cells of the place. R's SDMTools 1.1-221.2 takes inner edges for p and is
    another number.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> patches = pd.DataFrame({"location_id": "a", "cover": ["forest", "forest", "crops"],
    ...     "patch_id": ["1", "2", "3"], "cells_count": [9, 1, 15],
    ...     "edge_cells_count": [12, 4, 16]})
    >>> patch_cohesion(patches).round(3).to_dict()
    {'a': 85.772}
    """
    rows, mine = patch_rows(table, cover, "cells_count", "edge_cells_count")
    cells = rows["cells_count"].groupby(level=0).sum()
    outline = mine["edge_cells_count"].groupby(level=0).sum()
    weighted = (mine["edge_cells_count"] * np.sqrt(mine["cells_count"])).groupby(level=0).sum()
    held = 1.0 - ratio(outline, weighted.reindex(outline.index))
    cohesion = pd.Series(100.0 * held, index=outline.index).reindex(cells.index)
    return (cohesion / (1.0 - 1.0 / np.sqrt(cells.where(cells > 1)))).rename("patch_cohesion")


@indicator(
    code="L14g",
    domain="natural_resources",
    unit="percent",
    formula="AI = 100 · Σₖ aₖ · (gₖ / max gₖ) / Σₖ aₖ",
    needs=("cells_count", "like_adjacencies_count"),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat=GRAIN,
    undefined=NO_PATCH,
)
def aggregation_index(table: pd.DataFrame, *, cover: str | None = None) -> pd.Series:
    """Aggregation: how far the cells of a land cover lie side by side, not scattered.

    Parameters
    ----------
    table : a row per place, `cover` and `patch_id`, with
        `cells_count` and `like_adjacencies_count`, as `geodata.raster.patches` gives it.
    cover : the class of land cover; all of them together unless stated.

    Returns
    -------
    Percent by `location_id`: 100 where each cover is one compact block.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    AI = 100 · g / max g for a cover, with g the pairs of like cells that share a side, each counted once, and max g the
    most that as many cells can have: with n² the largest square in them and m the rest, 2n(n−1), and where m > 0 also
    2m − 1 if m ≤ n, else 2m − 2. For all covers together it is their mean, weighted by area; a cover of one cell, for
    which nothing is possible, is left out. SDMTools 1.1-221.2 is off by one where the cells make a full square.

    References
    ----------
    McGarigal, K., Cushman, S. A., Ene, E. (2012): FRAGSTATS v4: Spatial Pattern Analysis Program for Categorical and
    Continuous Maps. University of Massachusetts, Amherst.

    Examples
    --------
    >>> patches = pd.DataFrame({"location_id": "a", "cover": ["forest", "forest", "crops"],
    ...     "patch_id": ["1", "2", "3"], "cells_count": [9, 1, 15],
    ...     "like_adjacencies_count": [12, 0, 20]})
    >>> aggregation_index(patches).round(3).to_dict()
    {'a': 91.469}
    """
    rows, mine = patch_rows(table, cover, "cells_count", "like_adjacencies_count")
    by_cover = mine.groupby([mine.index, mine["cover"]])[["cells_count", "like_adjacencies_count"]].sum()
    cells = by_cover["cells_count"].to_numpy()
    share = pd.Series(ratio(by_cover["like_adjacencies_count"], _most_adjacencies(cells)), index=by_cover.index)
    weight = by_cover["cells_count"].where(share.notna())
    total = weight.groupby(level=0).sum()
    found = (share * weight).groupby(level=0).sum() / total.where(total > 0)
    return (100.0 * found).reindex(rows.index.unique()).rename("aggregation_index")


def _most_adjacencies(cells: np.ndarray) -> np.ndarray:
    side = np.floor(np.sqrt(cells))
    rest = cells - side**2
    more = np.where(rest == 0, 0.0, np.where(rest <= side, 2.0 * rest - 1.0, 2.0 * rest - 2.0))
    return 2.0 * side * (side - 1.0) + more
