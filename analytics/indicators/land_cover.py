"""What becomes of the land: degradation, and towns that grow faster than their people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import Record, ratio, read, read_rows
from analytics.reflectance import at
from analytics.spans import first_and_last
from geodata.errors import BrokenData

ONE_UNIT = Minimum(values=1)
TWO_DATES = Minimum(values=2, years=1.0)
TRENDS = ("land_cover", "productivity", "soil_carbon")
# A share of the land is told where the state of this much of it is known.
_KNOWN = 0.8
# Hectares and people of less than this are no town.
_LEAST_HECTARES = 1.0
_LEAST_PEOPLE = 1.0
# Percent per year: a quotient by less says how small the divisor is.
_LEAST_GROWTH = 0.1


@indicator(
    code="L10",
    domain="natural_resources",
    unit="percent",
    formula="100 · Σa·[min Δ < 0 ∨ (D₀ ∧ Δ = 0)] / Σa, Δ = (Δ₁, Δ₂, Δ₃)",
    needs=("area_ha", *TRENDS),
    table="table",
    better="lower",
    minimum=ONE_UNIT,
    authority="UNCCD, SDG indicator 15.3.1",
    edition="Good Practice Guidance, version 2, 2021",
    reference="https://www.unccd.int/publications/good-practice-guidance-sdg-indicator-1531-proportion-land-degraded-over-total-land",
    caveat="It says where land has degraded and not how badly, and one decline is not made up for by two gains.",
    undefined="The state of more than a fifth of the land is unknown.",
)
def land_degradation(table: pd.DataFrame) -> pd.Series:
    """Land degradation: how much of the land has declined in cover, productivity or soil.

    Parameters
    ----------
    table : a row per place and `segment_id`, a piece of land, with `area_ha` and the changes `land_cover`,
        `productivity` and `soil_carbon`: −1 for decline, 0 for stable, 1 for gain. `degraded_before`, where it is
        there, is 1 for land that was degraded at the start, else 0.

    Returns
    -------
    Percent of the land whose state is known, by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a change is not −1, 0 or 1.

    Notes
    -----
    One out, all out: land is degraded where any of the three declines, or where it was degraded before and none of the
    three has changed. Gains do not make up for a decline. With a change unknown land is degraded if another declines,
    else its state is unknown, and it counts neither as degraded nor as land. Our choice: a place of which less than
    four fifths are known has no value.

    References
    ----------
    Sims, N. C. et al. (2021): Good Practice Guidance. SDG Indicator 15.3.1, Proportion of Land That Is Degraded Over
    Total Land Area. Version 2.0. UNCCD, Bonn.

    Examples
    --------
    >>> land_degradation(pd.DataFrame({"location_id": "a", "segment_id": ["1", "2"], "area_ha": [30.0, 70.0],
    ...     "land_cover": [0, 0], "productivity": [-1, 1], "soil_carbon": [1, 0]})).to_dict()
    {'a': 30.0}
    """
    extra = ("degraded_before",) if "degraded_before" in table.columns else ()
    rows = read_rows(table, "area_ha", *TRENDS, *extra, keys=("segment_id",), signed=TRENDS)
    _refuse_other_codes(rows, TRENDS, (-1, 0, 1))
    _refuse_other_codes(rows, extra, (0, 1))
    trends = rows[list(TRENDS)].to_numpy()
    declines, gains = (trends == -1).any(axis=1), (trends == 1).any(axis=1)
    known = declines | np.isfinite(trends).all(axis=1)
    degraded = declines.copy()
    if extra:
        before = rows["degraded_before"].to_numpy()
        degraded |= known & ~gains & (before == 1)
        # Whether stable land is degraded hangs on what it was.
        known &= declines | gains | np.isfinite(before)
    area = rows["area_ha"]
    # The sum of what is there would be too small: a piece without its area leaves the place without a value.
    total = area.groupby(level=0).sum(min_count=1).where(~area.isna().groupby(level=0).any())
    assessed = area.where(known, 0.0).groupby(level=0).sum()
    share = 100.0 * ratio(area.where(degraded & known, 0.0).groupby(level=0).sum().to_numpy(), assessed.to_numpy())
    enough = (assessed >= _KNOWN * total).to_numpy() & (total > 0).to_numpy()
    return pd.Series(np.where(enough, share, np.nan), index=total.index, name="land_degradation")


@indicator(
    code="L11a",
    domain="natural_resources",
    unit="percent_per_year",
    formula="LCR = 100 · (V₂ − V₁) / V₁ / T",
    needs=("built_up_ha",),
    better="lower",
    minimum=TWO_DATES,
    authority="UN-Habitat, SDG indicator 11.3.1",
    edition="metadata of March 2021",
    reference="https://unstats.un.org/sdgs/metadata/files/Metadata-11-03-01.pdf",
    caveat="Two maps of built-up land made in different ways differ without any building.",
    undefined="There was less than one hectare of built-up land at the start.",
)
def land_consumption_rate(panel: pd.DataFrame) -> pd.Series:
    """Land consumption: how fast the built-up area grows in a year.

    Parameters
    ----------
    panel : `built_up_ha` at two times or more, a year or more apart.

    Returns
    -------
    Percent per year by `location_id`, from the first value to the last.

    Raises
    ------
    BrokenData
        Where the panel cannot be read.

    Notes
    -----
    LCR = (V₂ − V₁) / V₁ / T, linear as UN-Habitat has it since 2021, times 100. An older form is ln(V₂ / V₁) / T.

    References
    ----------
    UN-Habitat (2021): SDG indicator 11.3.1, ratio of land consumption rate to population growth rate.

    Examples
    --------
    >>> years = pd.to_datetime(["2000-01-01", "2010-01-01"], utc=True)
    >>> panel = pd.DataFrame({"location_id": "a", "time": years, "built_up_ha": [100.0, 150.0]})
    >>> land_consumption_rate(panel).to_dict()
    {'a': 5.0}
    """
    record = read(panel, "built_up_ha", minimum=TWO_DATES)
    return record.series(_land_rate(record), "land_consumption_rate")


@indicator(
    code="L11b",
    domain="cross_domain",
    unit="percent_per_year",
    formula="PGR = 100 · ln(P₂ / P₁) / T",
    needs=("population_people",),
    better="neither",
    minimum=TWO_DATES,
    authority="UN-Habitat, SDG indicator 11.3.1",
    edition="metadata of March 2021",
    reference="https://unstats.un.org/sdgs/metadata/files/Metadata-11-03-01.pdf",
    caveat="Births, deaths and moves are taken together, and people are counted where they are registered.",
    undefined="Nobody lived there at the start or at the end.",
)
def population_growth_rate(panel: pd.DataFrame) -> pd.Series:
    """Population growth: how fast the number of people grows in a year.

    Parameters
    ----------
    panel : `population_people` at two times or more, a year or more apart.

    Returns
    -------
    Percent per year by `location_id`, from the first value to the last.

    Raises
    ------
    BrokenData
        Where the panel cannot be read.

    Notes
    -----
    PGR = ln(P₂ / P₁) / T, logarithmic as UN-Habitat has it, times 100.

    References
    ----------
    UN-Habitat (2021): SDG indicator 11.3.1, ratio of land consumption rate to population growth rate.

    Examples
    --------
    >>> years = pd.to_datetime(["2000-01-01", "2010-01-01"], utc=True)
    >>> panel = pd.DataFrame({"location_id": "a", "time": years, "population_people": [1000.0, 1100.0]})
    >>> population_growth_rate(panel).round(3).to_dict()
    {'a': 0.953}
    """
    record = read(panel, "population_people", minimum=TWO_DATES)
    return record.series(_people_rate(record), "population_growth_rate")


@indicator(
    code="L11c",
    domain="natural_resources",
    unit="share",
    formula="LCR / PGR = ((V₂ − V₁) / V₁) / ln(P₂ / P₁)",
    needs=("built_up_ha", "population_people"),
    better="lower",
    minimum=TWO_DATES,
    authority="UN-Habitat, SDG indicator 11.3.1",
    edition="metadata of March 2021",
    reference="https://unstats.un.org/sdgs/metadata/files/Metadata-11-03-01.pdf",
    caveat="Where people hardly become more it leaps about: look at the growth of land and of people themselves.",
    undefined="The number of people shrinks or grows by less than 0.1 percent a year: a ratio to it means nothing.",
    standard="convention",
)
def land_use_efficiency(panel: pd.DataFrame) -> pd.Series:
    """Land use efficiency: how many times faster the built-up area grows than the people.

    Parameters
    ----------
    panel : `built_up_ha` and `population_people`, both at two times or more, a year or more apart.

    Returns
    -------
    The ratio by `location_id`: 1 where land and people grow alike, more where land grows faster.

    Raises
    ------
    BrokenData
        Where the panel cannot be read.

    Notes
    -----
    LCR / PGR, with both as in `land_consumption_rate` (linear) and `population_growth_rate` (logarithmic), from the
    first to the last time at which both have a value. Withheld where people grow by less than 0.1 % a year, our
    choice, or become fewer: then a ratio below 1 would look like thrift.

    References
    ----------
    UN-Habitat (2021): SDG indicator 11.3.1, ratio of land consumption rate to population growth rate.

    Examples
    --------
    >>> years = pd.to_datetime(["2000-01-01", "2010-01-01"], utc=True)
    >>> land_use_efficiency(pd.DataFrame({"location_id": "a", "time": years, "built_up_ha": [100.0, 150.0],
    ...                                   "population_people": [1000.0, 1100.0]})).round(3).to_dict()
    {'a': 5.246}
    """
    record = read(panel, "built_up_ha", "population_people", minimum=TWO_DATES)
    people = _people_rate(record)
    growing = np.where(people > 0, people, np.nan)
    return record.series(ratio(_land_rate(record), growing, least=_LEAST_GROWTH), "land_use_efficiency")


def _land_rate(record: Record) -> np.ndarray:
    first, last, years = first_and_last(record)
    before, after = at(record["built_up_ha"], first), at(record["built_up_ha"], last)
    return 100.0 * ratio(after - before, before, least=_LEAST_HECTARES) / years


def _people_rate(record: Record) -> np.ndarray:
    first, last, years = first_and_last(record)
    before, after = at(record["population_people"], first), at(record["population_people"], last)
    times = ratio(np.where(after >= _LEAST_PEOPLE, after, np.nan), np.where(before >= _LEAST_PEOPLE, before, np.nan))
    return 100.0 * np.log(times) / years


def _refuse_other_codes(rows: pd.DataFrame, columns: tuple[str, ...], codes: tuple[int, ...]) -> None:
    for column in columns:
        found = rows[column]
        odd = found.notna() & ~found.isin(codes)
        if odd.any():
            raise BrokenData(
                "{column} is {found} at {place}, which is none of {codes}.",
                hint="Give −1 for decline, 0 for stable or 1 for gain, and leave empty what is unknown.",
                column=column,
                found=f"{found[odd].iloc[0]:g}",
                place=found.index[odd][0],
                codes=tuple(codes),
            )
