"""How much forest there is, and how fast it goes or comes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read, read_rows
from analytics.reflectance import at, latest
from analytics.spans import first_and_last
from geodata.errors import AlmanacError, BrokenData

ONE_YEAR = Minimum(values=1)
TWO_DATES = Minimum(values=2, years=1.0)
# A share of less than this is a share of nothing.
_LEAST_HECTARES = 1.0


@indicator(
    code="L8a",
    domain="natural_resources",
    unit="ha",
    formula="Σₜ Lₜ (c ≥ 30 %)",
    needs=("tree_cover_loss_ha",),
    table="table",
    better="lower",
    minimum=ONE_YEAR,
    authority="Hansen and others; Global Forest Watch",
    edition="2013",
    reference="https://doi.org/10.1126/science.1244693",
    caveat="Harvest and storms count as loss: it is not deforestation, and regrowth is not counted.",
    undefined="A year between the first and the last is missing, and a sum without it would be too small.",
)
def tree_cover_loss(table: pd.DataFrame, *, canopy: int = 30) -> pd.Series:
    """Tree cover loss: the area whose trees were removed, over all the years recorded.

    Parameters
    ----------
    table : a row per place, `canopy_percent` and `year`, with `tree_cover_loss_ha`.
    canopy : which rows are meant: loss where crowns covered at least this share of the ground, in percent.

    Returns
    -------
    Hectares by `location_id`, from the first year of the table to the last.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    AlmanacError
        Where it has no rows for this canopy.

    Notes
    -----
    The sum of the yearly losses. The canopy threshold is part of the number and is always stated; 30 % is usual, and
    alerts are dependable from about 60 % on. Trees are plants above 5 m. A place that lacks a year has no sum.

    References
    ----------
    Hansen, M. C. et al. (2013): High-resolution global maps of 21st-century forest cover change. Science 342, 850–853.

    Examples
    --------
    >>> tree_cover_loss(pd.DataFrame({"location_id": "a", "canopy_percent": 30, "year": [2001, 2002],
    ...                               "tree_cover_loss_ha": [5.0, 7.0]})).to_dict()
    {'a': 12.0}
    """
    rows, places = _loss_rows(table, canopy, "tree_cover_loss_ha")
    return _summed(rows).reindex(places).rename("tree_cover_loss")


@indicator(
    code="L8b",
    domain="natural_resources",
    unit="percent_per_year",
    formula="100 · (Σₜ Lₜ / n) / A₀ (c ≥ 30 %)",
    needs=("tree_cover_loss_ha", "tree_cover_ha"),
    table="table",
    better="lower",
    minimum=ONE_YEAR,
    authority="Hansen and others; Global Forest Watch",
    edition="2013",
    reference="https://doi.org/10.1126/science.1244693",
    caveat="Harvest and storms count as loss: it is not deforestation, and regrowth is not counted.",
    undefined="A year is missing, or there was less than one hectare of trees at the start.",
)
def tree_cover_loss_rate(table: pd.DataFrame, *, canopy: int = 30) -> pd.Series:
    """Yearly tree cover loss: the share of the trees at the start that goes in a year.

    Parameters
    ----------
    table : a row per place, `canopy_percent` and `year`, with `tree_cover_loss_ha` and `tree_cover_ha`, the area
        under trees before the first year.
    canopy : as for `tree_cover_loss`.

    Returns
    -------
    Percent per year by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read.
    AlmanacError
        Where it has no rows for this canopy.

    Notes
    -----
    100 · (Σ loss / years) / tree cover at the start, which is read from the first year's row. It is a plain mean, not
    a compound rate, since what is lost later is told against the same start.

    References
    ----------
    Hansen, M. C. et al. (2013): High-resolution global maps of 21st-century forest cover change. Science 342, 850–853.

    Examples
    --------
    >>> tree_cover_loss_rate(pd.DataFrame({"location_id": "a", "canopy_percent": 30, "year": [2001, 2002],
    ...                                    "tree_cover_loss_ha": [5.0, 7.0], "tree_cover_ha": 600.0})).to_dict()
    {'a': 1.0}
    """
    rows, places = _loss_rows(table, canopy, "tree_cover_loss_ha", "tree_cover_ha")
    start = rows["tree_cover_ha"][~rows.index.duplicated()]
    loss = _summed(rows).reindex(start.index)
    years = float(np.ptp(rows["year"].to_numpy(float)) + 1)
    rate = 100.0 * ratio(loss.to_numpy() / years, start.to_numpy(), least=_LEAST_HECTARES)
    return pd.Series(rate, index=start.index, name="tree_cover_loss_rate").reindex(places)


@indicator(
    code="L9a",
    domain="natural_resources",
    unit="percent",
    formula="100 · F / A",
    needs=("forest_ha", "land_ha"),
    better="higher",
    minimum=ONE_YEAR,
    authority="FAO, SDG indicator 15.1.1",
    edition="FRA 2020 definitions",
    reference="https://unstats.un.org/sdgs/metadata/files/Metadata-15-01-01.pdf",
    caveat="Plantations count as forest, orchards and parks do not; how good the forest is it does not say.",
    undefined="There is less than one hectare of land.",
    latest=True,
)
def forest_share(panel: pd.DataFrame) -> pd.Series:
    """Forest share: how much of the land is forest.

    Parameters
    ----------
    panel : `forest_ha` and `land_ha`; land is without rivers and lakes.

    Returns
    -------
    Percent by `location_id`, of the last time at which both have a value.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or there is more forest than land.

    Notes
    -----
    100 · forest / land.

    References
    ----------
    United Nations Statistics Division: SDG indicator 15.1.1, forest area as a proportion of total land area.

    Examples
    --------
    >>> year = pd.Timestamp("2020-01-01", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": ["a"], "time": [year], "forest_ha": [30.0], "land_ha": [100.0]})
    >>> forest_share(panel).to_dict()
    {'a': 30.0}
    """
    record = read(panel, "forest_ha", "land_ha", minimum=ONE_YEAR, steady=("land_ha",))
    more = record["forest_ha"] > record["land_ha"] * (1 + 1e-9)
    if more.any():
        raise BrokenData(
            "{n} places have more forest than land, the first {place}.",
            hint="Check the units: both columns are in hectares.",
            n=int(more.any(axis=1).sum()),
            place=record.places[more.any(axis=1)][0],
        )
    forest, land = latest(record)
    return record.series(100.0 * ratio(forest, land, least=_LEAST_HECTARES), "forest_share")


@indicator(
    code="L9b",
    domain="natural_resources",
    unit="percent_per_year",
    formula="100 · ((A₂ / A₁)^(1/n) − 1)",
    needs=("forest_ha",),
    better="higher",
    minimum=TWO_DATES,
    authority="FAO, Global Forest Resources Assessment",
    edition="2010",
    reference="https://doi.org/10.1016/S0378-1127(02)00335-3",
    caveat="It is net: felled natural forest and new plantations cancel each other.",
    undefined="There was less than one hectare of forest at the start.",
)
def forest_change_rate(panel: pd.DataFrame) -> pd.Series:
    """Yearly forest change: how fast the forest area grows or shrinks between surveys.

    Parameters
    ----------
    panel : `forest_ha` at two times or more, a year or more apart.

    Returns
    -------
    Percent per year by `location_id`; negative is loss.

    Raises
    ------
    BrokenData
        Where the panel cannot be read.

    Notes
    -----
    FAO's compound rate: 100 · ((A₂ / A₁)^(1/n) − 1), with n the years between the first and the last value. Puyravaud
    advises ln(A₂ / A₁) / n instead; the two differ only where change is fast. Surveys in between are not used.

    References
    ----------
    FAO (2010): Global Forest Resources Assessment 2010, main report. FAO Forestry Paper 163. Puyravaud, J.-P. (2003):
    Standardizing the calculation of the annual rate of deforestation. Forest Ecology and Management 177, 593–596.

    Examples
    --------
    >>> years = pd.to_datetime(["1990-01-01", "2000-01-01"], utc=True)
    >>> panel = pd.DataFrame({"location_id": "a", "time": years, "forest_ha": [200.0, 100.0]})
    >>> forest_change_rate(panel).round(3).to_dict()
    {'a': -6.697}
    """
    record = read(panel, "forest_ha", minimum=TWO_DATES)
    first, last, years = first_and_last(record)
    before, after = at(record["forest_ha"], first), at(record["forest_ha"], last)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.power(ratio(after, before, least=_LEAST_HECTARES), 1.0 / years) - 1.0
    return record.series(100.0 * rate, "forest_change_rate")


def _loss_rows(table: pd.DataFrame, canopy: int, *columns: str) -> tuple[pd.DataFrame, pd.Index]:
    """The rows of one canopy threshold, by place and year, and all the places of the table."""
    rows = read_rows(table, *columns, keys=("canopy_percent", "year"))
    if not is_numeric_dtype(rows["year"]) or rows["year"].isna().any():
        raise BrokenData(
            "The column {column} holds {kind}, not whole years.",
            hint="Give the year as a number, such as 2015.",
            column="year",
            kind=rows["year"].dtype,
        )
    mine = rows[(rows["canopy_percent"] == canopy).to_numpy()]
    if mine.empty:
        raise AlmanacError(
            "There is no tree cover for a canopy of {canopy} percent; the table has {found}.",
            hint="Choose one of these thresholds.",
            canopy=canopy,
            found=tuple(sorted(rows["canopy_percent"].unique())) or "—",
        )
    return mine, rows.index.unique()


def _summed(rows: pd.DataFrame) -> pd.Series:
    """The losses summed by place; NaN where a year of the table's span is missing."""
    found = rows["tree_cover_loss_ha"].groupby(level=0).agg(["sum", "count"])
    due = np.ptp(rows["year"].to_numpy(float)) + 1
    return found["sum"].where(found["count"] == due)
