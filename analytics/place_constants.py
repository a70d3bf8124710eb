"""Facts of a place that a panel repeats in every row, such as the length of a road segment."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from analytics.record import require
from geodata.errors import BrokenData


def constant(panel: pd.DataFrame, column: str, places: pd.Index) -> np.ndarray:
    """The one value that a column has at each place; NaN where it has none or none above zero.

    Raises
    ------
    BrokenData
        Where the column is missing, is no number, is negative or infinite, or changes over time.
    """
    found = require(panel, column)[column]
    if is_bool_dtype(found.dtype) or not is_numeric_dtype(found.dtype):
        raise BrokenData(
            "The column {column} holds {kind}, not numbers.",
            hint="Convert it to numbers, with NaN where a value is missing.",
            column=column,
            kind=found.dtype,
        )
    each = found.groupby(panel["location_id"], observed=True).agg(["min", "max"]).astype(float)
    low = each["min"].reindex(places).to_numpy()
    high = each["max"].reindex(places).to_numpy()
    wrong = (low < 0) | np.isinf(high)
    if wrong.any():
        raise BrokenData(
            "{column} is negative or infinite at {n} places, the first {place}, where that is impossible.",
            hint="Remove or mend these values.",
            column=column,
            n=int(wrong.sum()),
            place=places[wrong][0],
        )
    changes = high > low * (1 + 1e-9)
    if changes.any():
        raise BrokenData(
            "{column} changes over time at {n} places, the first {place}.",
            hint="Give each place one value in all of its rows; split a place that was rebuilt in two.",
            column=column,
            n=int(changes.sum()),
            place=places[changes][0],
        )
    return np.where(high > 0, high, np.nan)
