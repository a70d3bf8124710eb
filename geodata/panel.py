"""The table that crosses every boundary: one row per (location_id, time), units in the names.

`time` is the start of the interval: the moment in UTC for steps within a day; for steps of a day and longer
the calendar date on which the interval begins, as 00:00 UTC, whatever the local clock.
Missing is missing (NaN), never zero. Facts about a column live in the catalogue and are found by name.
"""

from __future__ import annotations

from functools import partial

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
    rest = {*KEYS, "name", "name_zh_hans", "name_zh_hant", "kind", "rank", "geometry"}
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
    broken = partial(BrokenData, table=name)
    absent = [key for key in KEYS if key not in panel.columns]
    if absent:
        raise broken(
            "{table}: the column {column} is absent (found {found})."
            if len(panel.columns)
            else "{table}: the column {column} is absent (found no columns).",
            hint="Add it; a panel has location_id and time.",
            column=absent[0],
            found=tuple(map(str, panel.columns[:8])),
        )
    times = panel["time"]
    if not isinstance(times.dtype, pd.DatetimeTZDtype) or str(times.dtype.tz) != "UTC":
        raise broken(
            "{table}: the times are {kind}, not moments in UTC.",
            hint="Localise them in the source's clock and convert to UTC before handing the table over.",
            kind=times.dtype,
        )
    if times.isna().any():
        raise broken(
            "{table}: {n} rows have no time.", hint="Drop or mend these rows first.", n=int(times.isna().sum())
        )
    ids = panel["location_id"]
    kinds = ids.cat.categories.to_series() if isinstance(ids.dtype, pd.CategoricalDtype) else ids
    if not _is_text(kinds):
        raise broken(
            "{table}: the location ids are {kind}, not text.",
            hint="Convert them to text, keeping leading zeros.",
            kind=kinds.dtype,
        )
    if ids.isna().any():
        raise broken(
            "{table}: {n} rows have no location_id.", hint="Drop or mend these rows first.", n=int(ids.isna().sum())
        )
    doubled = panel.duplicated(list(KEYS))
    if doubled.any():
        row = panel.loc[doubled].iloc[0]
        raise broken(
            "{table}: {n} rows repeat a location and time, the first {place} at {time}.",
            hint="Keep one row for each; say in the source's flaws which.",
            n=int(doubled.sum()),
            place=row.location_id,
            time=row.time,
        )
    values = value_columns(panel)
    if not values:
        raise broken("{table}: there is no value column.", hint="Add at least one column whose name ends in its unit.")
    for column in values:
        unit_of(column)
        if is_bool_dtype(panel[column].dtype) or not is_numeric_dtype(panel[column].dtype):
            raise broken(
                "{table}: the column {column} holds {kind}, not numbers.",
                hint="Convert it to numbers, with NaN where a value is missing.",
                column=column,
                kind=panel[column].dtype,
            )
        infinite = np.isinf(panel[column].to_numpy(dtype=float, na_value=np.nan))
        if infinite.any():
            raise broken(
                "{table}: {n} values of {column} are infinite.",
                hint="Put NaN where there is no value.",
                n=int(infinite.sum()),
                column=column,
            )
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
    broken = partial(BrokenData, table=name)
    if not isinstance(layer, gpd.GeoDataFrame) or layer.active_geometry_name is None:
        raise broken("{table}: there is no geometry.", hint="Hand over a table with a geometry column.")
    if layer.crs is None:
        raise broken(
            "{table}: the layer has no coordinate reference system.",
            hint="Find out which one the producer used and set it.",
        )
    if layer.index.name != "location_id":
        raise broken(
            "{table}: the layer is indexed by {found}, not by location_id.",
            hint="Set the index to the ids of the places.",
            found=repr(layer.index.name),
        )
    if layer.index.hasnans:
        raise broken(
            "{table}: {n} places have no location_id.",
            hint="Give every place an id of its own.",
            n=int(layer.index.isna().sum()),
        )
    if not _is_text(layer.index.to_series()):
        raise broken(
            "{table}: the location ids are {kind}, not text.",
            hint="Convert them to text, keeping leading zeros.",
            kind=layer.index.dtype,
        )
    if layer.index.has_duplicates:
        twice = layer.index[layer.index.duplicated()][0]
        raise broken(
            "{table}: the location_id {place} stands twice.",
            hint="Dissolve or rename the places that share an id.",
            place=twice,
        )
    empty = layer.geometry.isna() | layer.geometry.is_empty
    if empty.any():
        raise broken(
            "{table}: {n} places have no geometry, the first {place}.",
            hint="Give them a geometry, or drop them and say so in the source's flaws.",
            n=int(empty.sum()),
            place=layer.index[empty][0],
        )
    invalid = ~layer.geometry.is_valid
    if invalid.any():
        raise broken(
            "{table}: {n} geometries are invalid, the first {place}.",
            hint="Repair them with shapely's make_valid, and drop what cannot be repaired, saying so.",
            n=int(invalid.sum()),
            place=layer.index[invalid][0],
        )
    return layer
