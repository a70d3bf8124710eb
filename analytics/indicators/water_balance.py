"""How much of the water that there is people take: water stress as the United Nations, Europe and Aqueduct count it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import each_enough, ratio, read_rows
from geodata.errors import BrokenData

# Supplies are known to one per cent at best: a remainder smaller than that is none.
_KNOWN = 0.01
A_YEAR = Minimum(values=12)
# Aqueduct counts a month without supply as twice as much demand as supply, and withholds years with six of them.
_WITHOUT_SUPPLY = 2.0
_MOST_WITHOUT = 6


@indicator(
    code="W9",
    domain="water",
    unit="percent",
    formula="100 · TFWW / (TRWR − EFR)",
    needs=("withdrawal_m3", "renewable_m3", "environmental_flow_m3"),
    table="layer",
    better="lower",
    minimum=Minimum(),
    authority="Food and Agriculture Organization of the United Nations, indicator 6.4.2",
    edition="metadata of May 2023",
    reference="https://unstats.un.org/sdgs/metadata/files/Metadata-06-04-02.pdf",
    caveat="A yearly figure for a whole area hides dry months, and dry parts beside wet ones.",
    undefined="What rivers and wetlands need leaves no renewable water, or next to none.",
    standard="un_sdg_642",
)
def water_stress(layer: pd.DataFrame) -> pd.Series:
    """Water stress: fresh water taken, as a share of what nature can spare.

    Parameters
    ----------
    layer : one row per place, all in cubic metres of the same year or other period: `withdrawal_m3` (fresh water
        taken by all users), `renewable_m3` (renewable fresh water, with what flows in from upstream) and
        `environmental_flow_m3` (what rivers and wetlands need).

    Returns
    -------
    Per cent by `location_id`. Above 100 more is taken than is renewed.

    Raises
    ------
    BrokenData
        Where the layer cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    100 · withdrawal / (renewable − environmental flow). Withdrawal is what is taken, whether or not it flows back;
    water from the sea or from treatment plants does not count.

    Open choices, and how they were resolved. An area whose environmental flow is not known has no value: it is not
    taken as zero, as AQUASTAT does for some islands. The value is withheld where the difference is negative or less
    than 1 % of the renewable water or of the withdrawal, for supplies are not known any better.

    References
    ----------
    FAO (2023). SDG indicator metadata 6.4.2, Level of water stress. United Nations Statistics Division.
    FAO and UN Water (2021). Progress on level of water stress. Rome. https://doi.org/10.4060/cb6241en

    Examples
    --------
    >>> layer = pd.DataFrame({"location_id": ["a"], "withdrawal_m3": [3e8], "renewable_m3": [1e9]})
    >>> water_stress(layer.assign(environmental_flow_m3=4e8)).to_dict()
    {'a': 50.0}
    """
    rows = read_rows(layer, "withdrawal_m3", "renewable_m3", "environmental_flow_m3")
    taken, renewable = rows["withdrawal_m3"].to_numpy(), rows["renewable_m3"].to_numpy()
    spare = renewable - rows["environmental_flow_m3"].to_numpy()
    share = 100 * ratio(taken, _positive(spare), least=_KNOWN * np.maximum(taken, renewable))
    return pd.Series(share, index=rows.index, name="water_stress")


@indicator(
    code="W10",
    domain="water",
    unit="percent",
    formula="100 · (A − R) / (Q + (A − R) + ΔS)",
    needs=("abstraction_m3", "return_m3", "outflow_m3", "storage_increase_m3"),
    table="layer",
    better="lower",
    minimum=Minimum(),
    authority="European Environment Agency, water exploitation index plus",
    edition="2026",
    reference="https://forum.eionet.europa.eu/nrc-eionet-freshwater/library/indicator-water-exploitation-index/"
    "supporting-information/011",
    caveat="What flows back after use is seldom measured, and the result depends on how it is estimated.",
    undefined="No renewable water was left to compare with: outflow and use together are next to nothing.",
    standard="eea_wei_plus",
)
def water_exploitation_index_plus(layer: pd.DataFrame) -> pd.Series:
    """Water exploitation: water used up, as a share of the renewable supply.

    Parameters
    ----------
    layer : one row per basin, in cubic metres of the same period (the agency takes quarters of a year):
        `abstraction_m3`, `return_m3` (what flowed back after use), `outflow_m3` (to the sea or downstream) and
        `storage_increase_m3` (by how much reservoirs and lakes filled; negative where they emptied).

    Returns
    -------
    Per cent by `location_id`. It is negative where more flows back than was taken, as with water brought from
    another basin.

    Raises
    ------
    BrokenData
        Where the layer cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    100 · (abstraction − return) / (outflow + (abstraction − return) + increase of storage): what would have flowed
    out had nobody used or stored it. The agency writes “± ΔS” without saying which way is positive; the balance of
    water leaves one reading, that what was stored was supply. Withheld where the renewable supply is negative or
    less than 1 % of what was abstracted.

    References
    ----------
    European Environment Agency, Eionet freshwater. Indicator water exploitation index, supporting information.
    European Environment Agency. Use of freshwater resources in Europe (indicator CSI 018, WAT 001). Copenhagen.

    Examples
    --------
    >>> layer = pd.DataFrame({"location_id": ["a"], "abstraction_m3": [5e8], "return_m3": [2e8], "outflow_m3": [8e8]})
    >>> water_exploitation_index_plus(layer.assign(storage_increase_m3=-1e8)).to_dict()
    {'a': 30.0}
    """
    needs = ("abstraction_m3", "return_m3", "outflow_m3", "storage_increase_m3")
    rows = read_rows(layer, *needs, signed=("storage_increase_m3",))
    taken, back, outflow, stored = (rows[column].to_numpy() for column in needs)
    used = taken - back
    share = 100 * ratio(used, _positive(outflow + used + stored), least=_KNOWN * taken)
    return pd.Series(share, index=rows.index, name="water_exploitation_index_plus")


@indicator(
    code="W11",
    domain="water",
    unit="percent",
    formula="100 · Σₘ wₘ · rₘ, wₘ = Dₘ / ΣD, rₘ = Dₘ / Sₘ (Sₘ ≤ 0.01 · Dₘ: rₘ = 2)",
    needs=("demand_m3", "available_m3"),
    table="table",
    better="lower",
    minimum=A_YEAR,
    authority="World Resources Institute, Aqueduct",
    edition="4.0",
    reference="https://doi.org/10.46830/writn.23.00061",
    caveat="It counts what rivers and wetlands need as if it were there for people to take.",
    undefined="For half of the year or longer there was no water to compare the demand with.",
    standard="wri_aqueduct_4_0",
)
def baseline_water_stress(table: pd.DataFrame) -> pd.Series:
    """Competition for water: demand as a share of the supply available, month by month.

    Parameters
    ----------
    table : twelve rows per place, told apart by `month` (1 to 12), typical for the years around now: `demand_m3`
        (what all users want, whether or not it flows back) and `available_m3` (renewable surface and ground water
        that reaches the place after those upstream have used theirs).

    Returns
    -------
    Per cent by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a month is no number from 1 to 12.

    Notes
    -----
    100 · Σ wₘ · demandₘ / availableₘ with wₘ = demandₘ / Σ demand: the mean of the monthly ratios, months of high
    demand counting for more, as Aqueduct's published scripts have it. It is higher than the ratio of the yearly
    totals where demand is highest when water is scarce. No demand all year is no stress: 0.

    Open choices, and how they were resolved. A month counts as one without supply where that is zero or less than
    1 % of the demand (Aqueduct uses a depth of water over the basin's area, which the table does not have), and then
    with a ratio of 2, as in Aqueduct. With six such months or more Aqueduct reports the highest class without a
    number; here the value is withheld. Aqueduct's class “arid and low water use” is not told apart: it needs areas.

    References
    ----------
    Kuzma, S. et al. (2023). Aqueduct 4.0: Updated decision-relevant global water risk indicators. World Resources
    Institute. https://doi.org/10.46830/writn.23.00061. Scripts: https://github.com/wri/Aqueduct40, step 3.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "month": range(1, 13), "available_m3": 8e6})
    >>> baseline_water_stress(table.assign(demand_m3=[2e6] * 6 + [6e6] * 6)).to_dict()
    {'a': 62.5}
    """
    return _weighted_by_month(table, "demand_m3", "baseline_water_stress")


@indicator(
    code="W12a",
    domain="water",
    unit="percent",
    formula="100 · Σₘ wₘ · rₘ, wₘ = Cₘ / ΣC, rₘ = Cₘ / Sₘ (Sₘ ≤ 0.01 · Cₘ: rₘ = 2)",
    needs=("consumption_m3", "available_m3"),
    table="table",
    better="lower",
    minimum=A_YEAR,
    authority="World Resources Institute, Aqueduct",
    edition="4.0",
    reference="https://doi.org/10.46830/writn.23.00061",
    caveat="It counts what rivers and wetlands need as if it were there for people to use up.",
    undefined="For half of the year or longer there was no water to compare the consumption with.",
    standard="wri_aqueduct_4_0",
)
def baseline_water_depletion(table: pd.DataFrame) -> pd.Series:
    """Water depletion: water used up as a share of the supply available, month by month.

    Parameters
    ----------
    table : as for `baseline_water_stress`, with `consumption_m3` (what does not flow back) in place of the demand.

    Returns
    -------
    Per cent by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a month is no number from 1 to 12.

    Notes
    -----
    100 · Σ wₘ · consumptionₘ / availableₘ with wₘ = consumptionₘ / Σ consumption. All choices are those of
    `baseline_water_stress`.

    References
    ----------
    Kuzma, S. et al. (2023). Aqueduct 4.0: Updated decision-relevant global water risk indicators. World Resources
    Institute. https://doi.org/10.46830/writn.23.00061. Scripts: https://github.com/wri/Aqueduct40, step 3.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": "a", "month": range(1, 13), "available_m3": 8e6})
    >>> baseline_water_depletion(table.assign(consumption_m3=[1e6] * 6 + [3e6] * 6)).to_dict()
    {'a': 31.25}
    """
    return _weighted_by_month(table, "consumption_m3", "baseline_water_depletion")


def _weighted_by_month(table: pd.DataFrame, use: str, name: str) -> pd.Series:
    rows = read_rows(table, use, "available_m3", keys=("month",))
    months = rows["month"]
    odd = ~months.isin(range(1, 13))
    if odd.any():
        raise BrokenData(
            "{n} rows have no month from 1 to 12, the first {value} at {place}.",
            hint="Number the months from 1 for January to 12 for December.",
            n=int(odd.sum()),
            value=months[odd].iloc[0],
            place=months.index[odd][0],
        )
    used, available = rows[use], each_enough(rows["available_m3"], A_YEAR)
    without = (available <= _KNOWN * used) | (available == 0)
    monthly = pd.Series(ratio(used.to_numpy(), available.to_numpy()), index=rows.index)
    monthly = monthly.mask(without, _WITHOUT_SUPPLY)
    sums = pd.DataFrame({"weighted": monthly * used, "used": used, "without": without.astype(float)})
    sums = sums.where(used.notna() & available.notna()).groupby(level=0).sum(min_count=A_YEAR.values)
    mean = ratio(sums["weighted"].to_numpy(), sums["used"].to_numpy())
    value = np.where(sums["used"] == 0, 0.0, mean)
    return pd.Series(np.where(sums["without"] < _MOST_WITHOUT, 100 * value, np.nan), index=sums.index, name=name)


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, np.nan)
