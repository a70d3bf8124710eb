"""How evenly a good or a burden is shared among people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read_rows
from geodata.errors import BrokenData

TWO_PARTS = Minimum(values=2)
ONE = Minimum(values=1)
SHARED = ("value_share", "population_people")
RANKED = ("value_share", "rank_share", "population_people")
BURDEN = ("burden_percent", "demographic_index_share")


@indicator(
    code="X9a",
    domain="cross_domain",
    unit="share",
    formula="G = Σᵢⱼ wᵢ · wⱼ · |xᵢ − xⱼ| / (2μ)",
    table="table",
    needs=SHARED,
    better="lower",
    minimum=TWO_PARTS,
    authority="Gini",
    edition="1912",
    reference="Lerman and Yitzhaki (1989), Journal of Econometrics 42, 43–47",
    caveat="It tells how uneven, not how high: show the mean beside it, since all may be equally badly off.",
    undefined="There are no people, or nothing to share.",
)
def gini(table: pd.DataFrame, *, column: str = "value_share") -> pd.Series:
    """Gini coefficient: how unevenly something is shared, from 0 (evenly) to 1 (one has all).

    Parameters
    ----------
    table : `location_id` is the area, `unit_id` tells its parts apart; `value_share` is what each person of the part
        has (income per head, green space per head), in any unit, and `population_people` how many they are.
    column : another column to use instead of `value_share`, the unit in its name.

    Returns
    -------
    The coefficient by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a value is negative.

    Notes
    -----
    Σᵢⱼ wᵢwⱼ|xᵢ − xⱼ|/(2μ), w the share of the people, μ the mean weighted by people. Everyone within a part counts as
    having the part's mean, so it is a lower bound. Open choice: the people are all there are, so it is not multiplied
    by n/(n − 1). Parts without a value or people are left out.

    References
    ----------
    Lerman, R. I., Yitzhaki, S. (1989): Improving the accuracy of estimates of Gini coefficients. J. Econometrics 42,
    43–47.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "unit_id": ["1", "2"], "value_share": [1.0, 3.0]})
    >>> gini(table.assign(population_people=100)).to_dict()
    {'a': 0.25}
    """
    rows = shares(read_rows(table, column, SHARED[1], keys=("unit_id",)), column)
    rows = rows.sort_values(["location_id", column], kind="stable")
    below = _cumulative(rows["part"])
    spread = total(rows["part"] * rows[column] * (2 * below - 1))
    return _per_mean(spread, rows, column).rename("gini")


@indicator(
    code="X9b",
    domain="cross_domain",
    unit="share",
    formula="T = Σ w · (x / μ) · ln(x / μ)",
    table="table",
    needs=SHARED,
    better="lower",
    minimum=TWO_PARTS,
    authority="Theil",
    edition="1967",
    reference="Theil, H. (1967): Economics and Information Theory. North-Holland, Amsterdam",
    caveat="It tells how uneven, not how high, and it has no fixed upper end: compare areas with as many parts.",
    undefined="There are no people, or nothing to share.",
)
def theil(table: pd.DataFrame, *, column: str = "value_share") -> pd.Series:
    """Theil index: how unevenly something is shared, with most weight on those who have much.

    Parameters
    ----------
    table, column : as for `gini`.

    Returns
    -------
    The index by `location_id`: 0 where all have the same.

    Raises
    ------
    BrokenData
        As for `gini`.

    Notes
    -----
    T = Σ w·(x/μ)·ln(x/μ), w the share of the people, natural logarithm; a part with nothing adds 0. Parts without a
    value or people are left out.

    References
    ----------
    Theil, H. (1967): Economics and Information Theory. North-Holland, Amsterdam, chapter 4.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "unit_id": ["1", "2"], "value_share": [1.0, 3.0]})
    >>> theil(table.assign(population_people=100)).round(4).to_dict()
    {'a': 0.1308}
    """
    rows = shares(read_rows(table, column, SHARED[1], keys=("unit_id",)), column)
    mean = total(rows["part"] * rows[column]).reindex(rows.index)
    relative = ratio(rows[column].to_numpy(), mean.to_numpy())
    safe = np.where(relative > 0, relative, 1.0)
    terms = rows["part"] * np.where(np.isnan(relative), np.nan, relative * np.log(safe))
    return enough(terms.groupby(level=0).sum(min_count=1), rows).rename("theil")


@indicator(
    code="X9c",
    domain="cross_domain",
    unit="share",
    formula="C = (2 / μ) · Σ w · x · R − 1",
    table="table",
    needs=RANKED,
    better="neither",
    minimum=TWO_PARTS,
    authority="World Bank (O'Donnell, van Doorslaer, Wagstaff and Lindelow)",
    edition="2008",
    reference="https://openknowledge.worldbank.org/handle/10986/6896",
    caveat="It is zero also where the middle bears most: look at the parts as well, and at the mean beside it.",
    undefined="There are no people, or nothing to share.",
)
def concentration_index(table: pd.DataFrame, *, column: str = "value_share") -> pd.Series:
    """Concentration index: whether a burden or a good lies more with the poor or the rich.

    Parameters
    ----------
    table : `location_id` is the area, `unit_id` tells its parts apart; `value_share` is what each person bears or
        has, in any unit, `rank_share` what the parts are ranked by, poorest lowest (income, an index; in any unit),
        and `population_people` how many they are.
    column : another column to use instead of `value_share`, the unit in its name.

    Returns
    -------
    By `location_id`, from −1 (the poorest have all of it) over 0 to 1 (the richest have all).

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a value is negative.

    Notes
    -----
    C = 2/μ·Σ w·x·R − 1, w the share of the people and R the fractional rank: the share of the people who are poorer,
    plus half of those ranked alike. Parts that share a rank share its middle, so their order does not matter. Parts
    lacking a value, rank or people are left out. For a value between 0 and 1 its limits are narrower than ±1.

    References
    ----------
    O'Donnell, O. et al. (2008): Analyzing Health Equity Using Household Survey Data. World Bank, chapter 8.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "unit_id": ["1", "2"], "value_share": [3.0, 1.0]})
    >>> concentration_index(table.assign(rank_share=[10.0, 20.0], population_people=100)).to_dict()
    {'a': -0.25}
    """
    rows = read_rows(table, column, *RANKED[1:], keys=("unit_id",), signed=RANKED[1:2])
    rows = shares(rows, column, RANKED[1]).reset_index()
    ranked = rows.groupby(["location_id", RANKED[1]], sort=True)["part"].sum()
    middle = (ranked.groupby(level=0).cumsum() - ranked / 2).rename("middle").reset_index()
    rows = rows.merge(middle, on=["location_id", RANKED[1]]).set_index("location_id")
    return _per_mean(total(rows["part"] * rows[column] * (2 * rows["middle"] - 1)), rows, column).rename(
        "concentration_index"
    )


@indicator(
    code="X9g",
    domain="cross_domain",
    unit="percent",
    formula="EJ = PR(B) · DI",
    table="layer",
    needs=BURDEN,
    better="lower",
    minimum=ONE,
    authority="United States Environmental Protection Agency, EJScreen",
    edition="2022",
    reference="https://nepis.epa.gov/Exe/ZyPURL.cgi?Dockey=P101AWSX.txt",
    caveat="It screens for places to look at; it does not say that anyone is harmed, nor by how much.",
    undefined="The burden or the make-up of the people is not known here.",
)
def environmental_justice_index(layer: pd.DataFrame) -> pd.Series:
    """Environmental justice index: how far a high burden meets vulnerable people.

    Parameters
    ----------
    layer : one row per place: `burden_percent`, the percentile of its burden among all places (0 to 100; see
        `analytics.indicators.composite.normalised`), and `demographic_index_share`, the mean of the shares of people
        with low income and of people of colour.

    Returns
    -------
    The index by `location_id`, 0 to 100.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a percentile is above 100 or an index above 1.

    Notes
    -----
    Percentile of the burden × demographic index, as EJScreen has it since 2022. Before, it was burden × (demographic
    index − that of the nation) × people, which cannot be compared with it. EJScreen then shows the percentile of this
    product among all places.

    References
    ----------
    U.S. EPA (2022): EJScreen Technical Documentation, October 2022, chapter 3.

    Examples
    --------
    >>> layer = pd.DataFrame([[80.0, 0.5]], columns=list(BURDEN), index=pd.Index(["a"], name="location_id"))
    >>> environmental_justice_index(layer).to_dict()
    {'a': 40.0}
    """
    rows = read_rows(layer, *BURDEN)
    for column, most in zip(BURDEN, (100.0, 1.0), strict=True):
        if (rows[column] > most).any():
            raise BrokenData(
                "{column} is above {most} at {place}.",
                hint="Give a percentile from 0 to 100, and a share from 0 to 1.",
                column=column,
                most=most,
                place=rows.index[rows[column] > most][0],
            )
    return (rows[BURDEN[0]] * rows[BURDEN[1]]).rename("environmental_justice_index")


def shares(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows with, in `part`, each one's share of its area's people; those that lack a number have none of it."""
    people = rows["population_people"].where(rows[list(columns)].notna().all(axis=1))
    whole = people.groupby(level=0).transform("sum")
    part = pd.Series(ratio(people.to_numpy(), whole.to_numpy()), index=rows.index)
    return rows.assign(part=part.where(people > 0))


def total(values: pd.Series) -> pd.Series:
    """The sum of each area; missing where nothing is known of it."""
    return values.groupby(level=0).sum(min_count=1)


def _cumulative(part: pd.Series) -> pd.Series:
    """The share of the people up to the middle of each row, within its area."""
    filled = part.fillna(0.0)
    return filled.groupby(level=0).cumsum() - filled / 2


def _per_mean(numerator: pd.Series, rows: pd.DataFrame, column: str) -> pd.Series:
    mean = total(rows["part"] * rows[column])
    found = ratio(numerator.to_numpy(), mean.reindex(numerator.index).to_numpy())
    return enough(pd.Series(found, index=numerator.index), rows)


def enough(values: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """The values of the areas that have people in at least two parts with numbers."""
    usable = rows["part"].groupby(level=0).count() >= TWO_PARTS.values
    return values.where(usable.reindex(values.index)).rename_axis("location_id")
