"""How often and for how long a river runs very high or very low, measured by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read

A_YEAR = Minimum(values=330, years=1.0, completeness=0.9)
_FLOW = "discharge_m3_per_s"
_YEAR = 365.25
_HIGH = 9.0  # times the median
_LOW = 0.2  # of the mean


@indicator(
    code="W17a",
    domain="water",
    unit="days_per_year",
    formula="365.25 · #(Q > 9 · Q₅₀) / n",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="Clausen and Biggs",
    edition="2000",
    reference="https://doi.org/10.1016/S0022-1694(00)00306-1",
    caveat="The river is measured by its own median, so that this says nothing of how large its floods are.",
    undefined="The flow never changed, or the river is dry on half of the days or more.",
)
def high_flow_days(panel: pd.DataFrame) -> pd.Series:
    """Days of high flow: how many days a year the river carries more than nine times its median.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    Days a year by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    365.25 times the share of days with a value on which it is above 9 × the median of all of them.

    References
    ----------
    Clausen, B., Biggs, B. J. F. (2000): Flow variables for ecological studies in temperate streams. J. Hydrology 237,
    184–197. Westerberg, I. K., McMillan, H. K. (2015): Uncertainty in hydrological signatures. HESS 19, 3951–3968.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=400, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": [1.0] * 396 + [10.0] * 4})
    >>> high_flow_days(panel).round(2).to_dict()
    {'a': 3.65}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    days, _ = _pulses(record[_FLOW], *_high(record[_FLOW]))
    return record.series(days, "high_flow_days")


@indicator(
    code="W17b",
    domain="water",
    unit="days",
    formula="#(i: Qᵢ > 9 · Q₅₀) / #(i: Qᵢ₋₁ ≤ 9 · Q₅₀ < Qᵢ)",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="Clausen and Biggs",
    edition="2000",
    reference="https://doi.org/10.1016/S0022-1694(00)00306-1",
    caveat="The river is measured by its own median, so that this says nothing of how large its floods are.",
    undefined="The river was never so high, or it is dry on half of the days or more.",
)
def high_flow_spell(panel: pd.DataFrame) -> pd.Series:
    """Spells of high flow: how many days they last on average.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    Days by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    The mean length of runs of days above 9 × the median. A missing day ends a run.

    References
    ----------
    As for `high_flow_days`.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=400, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": [9.5] + [1.0] * 396 + [9.5] * 3})
    >>> high_flow_spell(panel).to_dict()
    {'a': 2.0}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    _, spell = _pulses(record[_FLOW], *_high(record[_FLOW]))
    return record.series(spell, "high_flow_spell")


@indicator(
    code="W17c",
    domain="water",
    unit="days_per_year",
    formula="365.25 · #(Q < 0.2 · Q̄) / n",
    needs=(_FLOW,),
    steps=("1 day",),
    better="lower",
    minimum=A_YEAR,
    authority="Olden and Poff",
    edition="2003",
    reference="https://doi.org/10.1002/rra.700",
    caveat="The river is measured by its own mean, which a few floods can raise.",
    undefined="The flow never changed in all the time there are values for: a dry river or a stuck instrument.",
)
def low_flow_days(panel: pd.DataFrame) -> pd.Series:
    """Days of low flow: how many days a year the river carries less than a fifth of its mean.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    Days a year by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    365.25 times the share of days with a value on which it is below 0.2 × the mean of all of them.

    References
    ----------
    Olden, J. D., Poff, N. L. (2003): Redundancy and the choice of hydrologic indices for characterizing streamflow
    regimes. River Research and Applications 19, 101–121. Westerberg, I. K., McMillan, H. K. (2015): HESS 19, 3951–3968.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=400, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": [1.0] * 396 + [0.1] * 4})
    >>> low_flow_days(panel).round(2).to_dict()
    {'a': 3.65}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    days, _ = _pulses(record[_FLOW], *_low(record[_FLOW]))
    return record.series(days, "low_flow_days")


@indicator(
    code="W17d",
    domain="water",
    unit="days",
    formula="#(i: Qᵢ < 0.2 · Q̄) / #(i: Qᵢ < 0.2 · Q̄ ≤ Qᵢ₋₁)",
    needs=(_FLOW,),
    steps=("1 day",),
    better="lower",
    minimum=A_YEAR,
    authority="Olden and Poff",
    edition="2003",
    reference="https://doi.org/10.1002/rra.700",
    caveat="The river is measured by its own mean, which a few floods can raise.",
    undefined="The river was never so low, or its flow never changed.",
)
def low_flow_spell(panel: pd.DataFrame) -> pd.Series:
    """Spells of low flow: how many days they last on average.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    Days by `location_id`.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    The mean length of runs of days below 0.2 × the mean. A missing day ends a run.

    References
    ----------
    As for `low_flow_days`.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=400, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": [0.1] + [1.0] * 396 + [0.1] * 3})
    >>> low_flow_spell(panel).to_dict()
    {'a': 2.0}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    _, spell = _pulses(record[_FLOW], *_low(record[_FLOW]))
    return record.series(spell, "low_flow_spell")


def _high(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """On which days each place's flow is high, and whether that can be said there."""
    ordered = np.sort(flow, axis=1)
    n = np.isfinite(ordered).sum(axis=1)
    median = np.full(len(flow), np.nan)
    some = np.flatnonzero(n > 0)
    median[some] = (ordered[some, (n[some] - 1) // 2] + ordered[some, n[some] // 2]) / 2
    return flow > _HIGH * median[:, None], median > 0


def _low(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """On which days each place's flow is low, and whether that can be said there."""
    present = np.isfinite(flow)
    mean = ratio(np.where(present, flow, 0.0).sum(axis=1), present.sum(axis=1))
    return flow < _LOW * mean[:, None], mean > 0


def _pulses(flow: np.ndarray, hit: np.ndarray, told: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days a year that are hit, and how long the runs of them last."""
    days = hit.sum(axis=1)
    begins = hit.copy()
    begins[:, 1:] &= ~hit[:, :-1]
    a_year = _YEAR * ratio(days, np.isfinite(flow).sum(axis=1))
    return np.where(told, a_year, np.nan), np.where(told, ratio(days, begins.sum(axis=1)), np.nan)
