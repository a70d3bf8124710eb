"""The table that crosses every boundary: one row per (location_id, time), units in the names.

`time` is the start of the interval: the moment in UTC for steps within a day; for steps of a day and longer
the calendar date on which the interval begins, as 00:00 UTC, whatever the local clock.
Missing is missing (NaN), never zero. Facts about a column live in the catalogue and are found by name.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from geodata.errors import BrokenData
from geodata.units import unit_of

KEYS = ("location_id", "time")
FLAG = "_flag"


def value_columns(table: pd.DataFrame) -> list[str]:
    """The columns that hold values: everything but the keys, names, qualifiers and geometry."""
    rest = {*KEYS, "name", "name_zh", "kind", "rank", "geometry"}
    return [str(c) for c in table.columns if c not in rest and not str(c).endswith(FLAG)]


def validate_panel(panel: pd.DataFrame, *, name: str = "panel") -> pd.DataFrame:
    """The panel itself, once it is shown to keep the contract.

    Parameters
    ----------
    panel : columns `location_id` (text), `time` (UTC, the start of the interval) and value columns whose
        names end in their unit; qualifiers may stand in `<value>_flag` columns.
    name : what to call the table in an error.

    Raises
    ------
    BrokenData
        Naming the first rule that is broken and what was found.
    """

    def broken(what: str, hint: str) -> BrokenData:
        return BrokenData(f"{name}: {what}", hint=hint)

    absent = [key for key in KEYS if key not in panel.columns]
    if absent:
        found = ", ".join(map(str, panel.columns[:8])) or "no columns"
        raise broken(f"the column {absent[0]} is absent (found {found}).", "Add it; a panel has location_id and time.")
    times = panel["time"]
    if not isinstance(times.dtype, pd.DatetimeTZDtype) or str(times.dtype.tz) != "UTC":
        raise broken(
            f"the times are {times.dtype}, not moments in UTC.",
            "Localise them in the source's clock and convert to UTC before handing the table over.",
        )
    if times.isna().any():
        raise broken(f"{int(times.isna().sum())} rows have no time.", "Drop or mend these rows first.")
    ids = panel["location_id"]
    kinds = ids.cat.categories.to_series() if isinstance(ids.dtype, pd.CategoricalDtype) else ids
    if not _is_text(kinds):
        raise broken(f"the location ids are {kinds.dtype}, not text.", "Convert them to text, keeping leading zeros.")
    if ids.isna().any():
        raise broken(f"{int(ids.isna().sum())} rows have no location_id.", "Drop or mend these rows first.")
    doubled = panel.duplicated(list(KEYS))
    if doubled.any():
        row = panel.loc[doubled].iloc[0]
        raise broken(
            f"{int(doubled.sum())} rows repeat a location and time, the first {row.location_id} at {row.time}.",
            "Keep one row for each; say in the source's flaws which.",
        )
    values = value_columns(panel)
    if not values:
        raise broken("there is no value column.", "Add at least one column whose name ends in its unit.")
    for column in values:
        unit_of(column)
        if is_bool_dtype(panel[column].dtype) or not is_numeric_dtype(panel[column].dtype):
            raise broken(
                f"the column {column} holds {panel[column].dtype}, not numbers.",
                "Convert it to numbers, with NaN where a value is missing.",
            )
        infinite = np.isinf(panel[column].to_numpy(dtype=float, na_value=np.nan))
        if infinite.any():
            raise broken(f"{int(infinite.sum())} values of {column} are infinite.", "Put NaN where there is no value.")
    return panel


def _is_text(ids: pd.Series) -> bool:
    return isinstance(ids.dtype, pd.StringDtype) or bool(ids.dropna().map(type).eq(str).all())


def validate_layer(layer: gpd.GeoDataFrame, *, name: str = "layer") -> gpd.GeoDataFrame:
    """The layer itself, once it is shown to keep the contract.

    Parameters
    ----------
    layer : indexed by `location_id` (text, unique), with a known CRS and valid, non-empty geometry.

    Raises
    ------
    BrokenData
        Naming the first rule that is broken and what was found.
    """

    def broken(what: str, hint: str) -> BrokenData:
        return BrokenData(f"{name}: {what}", hint=hint)

    if not isinstance(layer, gpd.GeoDataFrame) or layer.active_geometry_name is None:
        raise broken("there is no geometry.", "Hand over a table with a geometry column.")
    if layer.crs is None:
        raise broken(
            "the layer has no coordinate reference system.",
            "Find out which one the producer used and set it.",
        )
    if layer.index.name != "location_id":
        raise broken(
            f"the layer is indexed by {layer.index.name!r}, not by location_id.",
            "Set the index to the ids of the places.",
        )
    if layer.index.hasnans:
        raise broken(
            f"{int(layer.index.isna().sum())} places have no location_id.",
            "Give every place an id of its own.",
        )
    if not _is_text(layer.index.to_series()):
        raise broken(
            f"the location ids are {layer.index.dtype}, not text.",
            "Convert them to text, keeping leading zeros.",
        )
    if layer.index.has_duplicates:
        twice = layer.index[layer.index.duplicated()][0]
        raise broken(f"the location_id {twice} stands twice.", "Dissolve or rename the places that share an id.")
    empty = layer.geometry.isna() | layer.geometry.is_empty
    if empty.any():
        raise broken(
            f"{int(empty.sum())} places have no geometry, the first {layer.index[empty][0]}.",
            "Give them a geometry, or drop them and say so in the source's flaws.",
        )
    invalid = ~layer.geometry.is_valid
    if invalid.any():
        raise broken(
            f"{int(invalid.sum())} geometries are invalid, the first {layer.index[invalid][0]}.",
            "Repair them with shapely's make_valid, and drop what cannot be repaired, saying so.",
        )
    return layer
