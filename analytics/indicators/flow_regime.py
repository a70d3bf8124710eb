"""How a river runs: how abruptly, how steadily, and between which flows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read

A_YEAR = Minimum(values=330, years=1.0, completeness=0.9)
_FLOW = "discharge_m3_per_s"
# Gustard et al. (1992): blocks of five days; a block's minimum is a turning point if 0.9 of it is below both others.
_BLOCK = 5
_TURNING = 0.9


@indicator(
    code="W15",
    domain="water",
    unit="share",
    formula="Σ|qᵢ − qᵢ₋₁| / Σqᵢ",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="Baker, Richards, Loftus and Kramer",
    edition="2004",
    reference="https://doi.org/10.1111/j.1752-1688.2004.tb01046.x",
    caveat="It depends on the size of the basin: compare rivers of like size, or one river with itself.",
    undefined="The flow never changed in all the time there are values for: a dry river or a stuck instrument.",
)
def flashiness(panel: pd.DataFrame) -> pd.Series:
    """Flashiness: how abruptly the flow rises and falls from one day to the next.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    The Richards–Baker index by `location_id`, without unit: 0 for a steady river, above 1 for a very abrupt one.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    R-B = Σ|qᵢ − qᵢ₋₁| / Σqᵢ. Both sums run over the same i, from 1 to n, and q₀ is the day before the first: the day
    without one before it adds neither a change nor a flow, at the beginning and after a gap alike. Some programs
    divide by the flow of all days, which lowers the index of one year by about a third of a per cent. It fails for
    tidal gauges, where the flow sums to nearly nothing.

    References
    ----------
    Baker, D. B., Richards, R. P., Loftus, T. T., Kramer, J. W. (2004): A new flashiness index: characteristics
    and applications to midwestern rivers and streams. JAWRA 40(2), 503–522.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=366, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": [1.0, 3.0] * 183})
    >>> flashiness(panel).round(3).to_dict()
    {'a': 0.999}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    flow = record[_FLOW]
    change = np.abs(np.diff(flow, axis=1))
    both = np.isfinite(change)
    total = np.where(both, flow[:, 1:], 0.0).sum(axis=1)
    return record.series(ratio(np.where(both, change, 0.0).sum(axis=1), total), "flashiness")


@indicator(
    code="W14",
    domain="water",
    unit="share",
    formula="BFI = Σ min(Bᵢ, Qᵢ) / ΣQᵢ, B: mₖ = min₅ Q, 0.9 · mₖ < min(mₖ₋₁, mₖ₊₁)",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="Institute of Hydrology, Wallingford",
    edition="Report 108, 1992",
    reference="Gustard, A., Bullock, A., Dixon, J. M. (1992): Low flow estimation in the UK. IH Report 108.",
    caveat="Lakes, dams and snow steady a river as groundwater does; the number cannot tell them apart.",
    undefined="The flow never changed, or it has no two low points between which a base can be drawn.",
)
def baseflow_index(panel: pd.DataFrame) -> pd.Series:
    """Baseflow index: the share of the flow that groundwater and other slow stores supply.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    Between 0 (all of it runs off at once) and 1 (all of it seeps) by `location_id`, without unit.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    The record is cut into blocks of five days from its first value on. The lowest day of a block is a turning point
    if 0.9 times its flow is below the lowest of the block before and of the block after. Straight lines between the
    turning points, never above the flow itself, are the baseflow; the index is its sum by that of the flow, from the
    first to the last turning point. A block with a missing day has no lowest one, and no line is drawn across it.
    Of equal lowest days the first counts.

    References
    ----------
    Gustard, A., Bullock, A., Dixon, J. M. (1992): Low flow estimation in the United Kingdom. Institute of Hydrology
    Report 108, Wallingford.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=366, tz="UTC")
    >>> flow = [1.0, 1.0, 1.0, 1.0, 6.0, 1.0] * 61
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": flow})
    >>> baseflow_index(panel).round(2).to_dict()
    {'a': 0.55}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    flow = _from_first(record[_FLOW])
    base = _baseflow(flow)
    counted = np.isfinite(base)
    total = np.where(counted, flow, 0.0).sum(axis=1)
    return record.series(ratio(np.where(counted, base, 0.0).sum(axis=1), total), "baseflow_index")


@indicator(
    code="W16a",
    domain="water",
    unit="m3_per_s",
    formula="Q₉₅: P(Q > Q₉₅) = 0.95",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="World Meteorological Organization",
    edition="WMO-No. 1029, 2008",
    reference="World Meteorological Organization (2008): Manual on Low-flow Estimation and Prediction. WMO-No. 1029.",
    caveat="It says how low the river often runs, not for how long at a stretch, nor how low it can fall.",
    undefined="The flow never changed in all the time there are values for: a dry river or a stuck instrument.",
)
def low_flow_q95(panel: pd.DataFrame) -> pd.Series:
    """Usual low flow: what the river carries at least on 95 of 100 days.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    Q95 by `location_id`, in m³/s.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    The flow exceeded on 95 % of the days with a value: their quantile of 0.05, between two ranks in proportion
    (Hyndman and Fan's type 7). Ecologists and the program neuralhydrology name quantiles from below: their Q5 is this.

    References
    ----------
    World Meteorological Organization (2008): Manual on Low-flow Estimation and Prediction. WMO-No. 1029, chapter 5.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=401, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": np.arange(401.0)})
    >>> low_flow_q95(panel).to_dict()
    {'a': 20.0}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    return record.series(_exceeded(record[_FLOW], 0.95)[:, 0], "low_flow_q95")


@indicator(
    code="W16b",
    domain="water",
    unit="m3_per_s",
    formula="Q₅: P(Q > Q₅) = 0.05",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="World Meteorological Organization",
    edition="WMO-No. 1029, 2008",
    reference="World Meteorological Organization (2008): Manual on Low-flow Estimation and Prediction. WMO-No. 1029.",
    caveat="It is a daily mean exceeded eighteen days a year: floods rise far above it.",
    undefined="The flow never changed in all the time there are values for: a dry river or a stuck instrument.",
)
def high_flow_q5(panel: pd.DataFrame) -> pd.Series:
    """Usual high flow: what the river exceeds on only 5 of 100 days.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    Q5 by `location_id`, in m³/s.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    The flow exceeded on 5 % of the days with a value; otherwise as `low_flow_q95`.

    References
    ----------
    World Meteorological Organization (2008): Manual on Low-flow Estimation and Prediction. WMO-No. 1029, chapter 5.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=401, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": np.arange(401.0)})
    >>> high_flow_q5(panel).to_dict()
    {'a': 380.0}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    return record.series(_exceeded(record[_FLOW], 0.05)[:, 0], "high_flow_q5")


@indicator(
    code="W16c",
    domain="water",
    unit="share",
    formula="(ln Q₃₃ − ln Q₆₆) / (0.66 − 0.33)",
    needs=(_FLOW,),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="Sawicz, Wagener, Sivapalan, Troch and Carrillo",
    edition="2011",
    reference="https://doi.org/10.5194/hess-15-2895-2011",
    caveat="It describes the middle of the range of flows, neither floods nor droughts.",
    undefined="The flow never changed, or the river is dry on more than a third of the days.",
)
def fdc_slope(panel: pd.DataFrame) -> pd.Series:
    """Changeable flow: how far the river's ordinary high and ordinary low days lie apart.

    Parameters
    ----------
    panel : `discharge_m3_per_s`, daily means.

    Returns
    -------
    The slope of the flow duration curve by `location_id`, without unit: 0 for a river that always runs alike.

    Raises
    ------
    BrokenData
        Where the panel cannot be read as daily discharge; see `analytics.record.read`.

    Notes
    -----
    (ln Q33 − ln Q66) / (0.66 − 0.33), where Qp is the flow exceeded on p % of the days, by the quantile of type 7.
    neuralhydrology takes the nearest rank and adds 1e-8 to the flows; where Q66 is zero the slope is withheld here.

    References
    ----------
    Sawicz, K. et al. (2011): Catchment classification. Hydrology and Earth System Sciences 15, 2895–2911.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=401, tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "discharge_m3_per_s": np.exp(np.arange(401.0) / 400)})
    >>> fdc_slope(panel).round(3).to_dict()
    {'a': 1.0}
    """
    record = read(panel, _FLOW, minimum=A_YEAR, steps=("1 day",))
    upper, lower = _exceeded(record[_FLOW], 0.33, 0.66).T
    wet = lower > 0
    slope = np.full(len(wet), np.nan)
    slope[wet] = (np.log(upper[wet]) - np.log(lower[wet])) / (0.66 - 0.33)
    return record.series(slope, "fdc_slope")


def _exceeded(flow: np.ndarray, *shares: float) -> np.ndarray:
    """The flows exceeded on these shares of the days with a value: places × shares."""
    ordered = np.sort(flow, axis=1)
    n = np.isfinite(ordered).sum(axis=1)
    result = np.full((len(flow), len(shares)), np.nan)
    some = n > 0
    for i, share in enumerate(shares):
        # 5 % of 400 is exact in arithmetic, not in binary: a rank that is whole but for its last bits is whole.
        rank = np.round((n[some] - 1) * (1 - share), 9)
        lower = np.floor(rank).astype(np.int64)
        rows = ordered[some]
        low = np.take_along_axis(rows, lower[:, None], axis=1)[:, 0]
        high = np.take_along_axis(rows, np.minimum(lower + 1, n[some] - 1)[:, None], axis=1)[:, 0]
        result[some, i] = low + (rank - lower) * (high - low)
    return result


def _from_first(flow: np.ndarray) -> np.ndarray:
    """Every row moved to begin with its first value: its blocks must not depend on when other places begin."""
    if not flow.shape[1]:
        return flow
    first = np.isfinite(flow).argmax(axis=1)
    column = np.arange(flow.shape[1]) + first[:, None]
    moved = np.take_along_axis(flow, np.minimum(column, flow.shape[1] - 1), axis=1)
    return np.where(column < flow.shape[1], moved, np.nan)


def _baseflow(flow: np.ndarray) -> np.ndarray:
    """The baseflow of each day between two turning points with no missing day between them; else NaN."""
    places, days = len(flow), flow.shape[1] // _BLOCK * _BLOCK
    base = np.full(flow.shape, np.nan)
    if days < 3 * _BLOCK:
        return base
    blocks = flow[:, :days].reshape(places, -1, _BLOCK)
    whole = np.isfinite(blocks).all(axis=2)
    lowest = np.where(whole, blocks.min(axis=2), np.nan)
    with np.errstate(invalid="ignore"):
        inner = _TURNING * lowest[:, 1:-1]
        turning = (inner < lowest[:, :-2]) & (inner < lowest[:, 2:])
    turning = np.pad(turning, ((0, 0), (1, 1)))
    place, block = np.nonzero(turning)
    is_point = np.zeros((places, days), dtype=bool)
    is_point[place, block * _BLOCK + blocks[place, block].argmin(axis=1)] = True
    column = np.arange(days)
    before = np.maximum.accumulate(np.where(is_point, column, -1), axis=1)
    after = np.minimum.accumulate(np.where(is_point, column, days)[:, ::-1], axis=1)[:, ::-1]
    missing = np.cumsum(~np.isfinite(flow[:, :days]), axis=1)
    left, right = np.maximum(before, 0), np.minimum(after, days - 1)
    gap = np.take_along_axis(missing, right, axis=1) > np.take_along_axis(missing, left, axis=1)
    inside = (before >= 0) & (after < days) & ~gap
    start, end = np.take_along_axis(flow, left, axis=1), np.take_along_axis(flow, right, axis=1)
    part = (column - left) / np.maximum(right - left, 1)
    base[:, :days] = np.where(inside, np.minimum(start + part * (end - start), flow[:, :days]), np.nan)
    return base
