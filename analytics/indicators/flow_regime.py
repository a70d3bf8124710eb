"""How a river runs: how abruptly, how steadily, and between which flows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read

A_YEAR = Minimum(values=330, years=1.0, completeness=0.9)


@indicator(
    code="W15",
    domain="water",
    unit="share",
    needs=("discharge_m3_per_s",),
    steps=("1 day",),
    better="neither",
    minimum=A_YEAR,
    authority="Baker, Richards, Loftus and Kramer",
    edition="2004",
    reference="https://doi.org/10.1111/j.1752-1688.2004.tb01046.x",
    caveat="It depends on the size of the basin: compare rivers of like size, or one river with itself.",
    undefined="The river carried no water in all the time there are values for.",
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
    R-B = Σ|qᵢ − qᵢ₋₁| / Σqᵢ. Both sums run over the days that have a value on the day before too: a gap adds neither
    a change nor a flow. It fails for tidal gauges, where the flow sums to nearly nothing.

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
    record = read(panel, "discharge_m3_per_s", minimum=A_YEAR, steps=("1 day",))
    flow = record["discharge_m3_per_s"]
    change = np.abs(np.diff(flow, axis=1))
    both = np.isfinite(change)
    total = np.where(both, flow[:, 1:], 0.0).sum(axis=1)
    return record.series(ratio(np.where(both, change, 0.0).sum(axis=1), total), "flashiness")
