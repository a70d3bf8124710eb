"""How far groups of people live apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import indicator
from analytics.indicators.equity import TWO_PARTS, enough, shares, total
from analytics.record import ratio, read_rows
from geodata.errors import BrokenData

GROUPS = ("group_people", "population_people")
BORDERS = "It depends on the borders of the parts: with larger parts the differences within them are not seen."


@indicator(
    code="X9d",
    domain="cross_domain",
    unit="share",
    formula="D = ½ · Σ|xᵢ / X − yᵢ / Y|",
    table="table",
    needs=GROUPS,
    better="lower",
    minimum=TWO_PARTS,
    authority="Duncan and Duncan",
    edition="1955",
    reference="https://doi.org/10.2307/2088328",
    caveat=BORDERS,
    undefined="The area has nobody of the group, or nobody else.",
)
def dissimilarity(table: pd.DataFrame) -> pd.Series:
    """Dissimilarity: what share of a group would have to move to be spread like the others.

    Parameters
    ----------
    table : `location_id` is the area, `unit_id` tells its parts apart; `group_people` are those of the group, and
        `population_people` all people of the part, the group included.

    Returns
    -------
    The index by `location_id`: 0 where the group is spread like the others, 1 where they live wholly apart.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a group is larger than the people of its part.

    Notes
    -----
    D = ½ Σ|xᵢ/X − yᵢ/Y|, x the group and y everyone else. Parts that lack either number are left out. Small numbers
    of people make it too large.

    References
    ----------
    Duncan, O. D., Duncan, B. (1955): A methodological analysis of segregation indexes. Am. Sociol. Rev. 20, 210–217.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "unit_id": ["1", "2"], "group_people": [30, 10]})
    >>> dissimilarity(table.assign(population_people=100)).round(4).to_dict()
    {'a': 0.3125}
    """
    rows = _groups(table)
    group = ratio(rows["group"].to_numpy(), total(rows["group"]).reindex(rows.index).to_numpy())
    others = ratio(rows["others"].to_numpy(), total(rows["others"]).reindex(rows.index).to_numpy())
    apart = pd.Series(np.abs(group - others) / 2, index=rows.index)
    return enough(apart.groupby(level=0).sum(min_count=1), rows).rename("dissimilarity")


@indicator(
    code="X9e",
    domain="cross_domain",
    unit="share",
    formula="Σ (xᵢ / X) · (xᵢ / tᵢ)",
    table="table",
    needs=GROUPS,
    better="lower",
    minimum=TWO_PARTS,
    authority="Bell; Massey and Denton",
    edition="1954; 1988",
    reference="https://doi.org/10.1093/sf/67.2.281",
    caveat="It is high wherever the group is large: compare it with the group's share of all people.",
    undefined="The area has nobody of the group.",
)
def isolation(table: pd.DataFrame) -> pd.Series:
    """Isolation: the share of their own group among the people where members of a group live.

    Parameters
    ----------
    table : as for `dissimilarity`.

    Returns
    -------
    The index by `location_id`, from the group's share of all people to 1.

    Raises
    ------
    BrokenData
        As for `dissimilarity`.

    Notes
    -----
    Σ (xᵢ/X)·(xᵢ/tᵢ), x the group and t all people of the part. Parts without people or a number are left out.

    References
    ----------
    Massey, D. S., Denton, N. A. (1988): The dimensions of residential segregation. Social Forces 67, 281–315.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "unit_id": ["1", "2"], "group_people": [30, 10]})
    >>> isolation(table.assign(population_people=100)).round(4).to_dict()
    {'a': 0.25}
    """
    rows = _groups(table)
    return _met(rows, rows["group"]).rename("isolation")


@indicator(
    code="X9f",
    domain="cross_domain",
    unit="share",
    formula="Σ (xᵢ / X) · (yᵢ / tᵢ)",
    table="table",
    needs=GROUPS,
    better="higher",
    minimum=TWO_PARTS,
    authority="Bell; Massey and Denton",
    edition="1954; 1988",
    reference="https://doi.org/10.1093/sf/67.2.281",
    caveat="It is low wherever the group is large: compare it with the others' share of all people.",
    undefined="The area has nobody of the group.",
)
def exposure_index(table: pd.DataFrame) -> pd.Series:
    """Contact: the share of others among the people where members of a group live.

    Parameters
    ----------
    table : as for `dissimilarity`.

    Returns
    -------
    The index by `location_id`; with `isolation` it sums to 1.

    Raises
    ------
    BrokenData
        As for `dissimilarity`.

    Notes
    -----
    Σ (xᵢ/X)·(yᵢ/tᵢ), x the group, y everyone else and t all people of the part; also called interaction.

    References
    ----------
    Massey, D. S., Denton, N. A. (1988), as for `isolation`.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "unit_id": ["1", "2"], "group_people": [30, 10]})
    >>> exposure_index(table.assign(population_people=100)).round(4).to_dict()
    {'a': 0.75}
    """
    rows = _groups(table)
    return _met(rows, rows["others"]).rename("exposure_index")


def _groups(table: pd.DataFrame) -> pd.DataFrame:
    rows = read_rows(table, *GROUPS, keys=("unit_id",))
    more = rows[GROUPS[0]] > rows[GROUPS[1]]
    if more.any():
        raise BrokenData(
            "At {place} the group is larger than all people of its part.",
            hint="Give all people, the group included, in population_people.",
            place=rows.index[more][0],
        )
    rows = shares(rows, *GROUPS)
    known = rows["part"].notna()
    group = rows[GROUPS[0]].where(known)
    return rows.assign(group=group, others=rows[GROUPS[1]].where(known) - group)


def _met(rows: pd.DataFrame, others: pd.Series) -> pd.Series:
    """Whom the members of the group meet in their part, on average."""
    members = ratio(rows["group"].to_numpy(), total(rows["group"]).reindex(rows.index).to_numpy())
    terms = members * ratio(others.to_numpy(), rows[GROUPS[1]].to_numpy())
    return enough(total(pd.Series(terms, index=rows.index)), rows)
