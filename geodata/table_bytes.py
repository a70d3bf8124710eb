"""Panels and layers as the bytes of their files: the same table gives the same bytes."""

from __future__ import annotations

from io import BytesIO

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from geodata.errors import BrokenData
from geodata.panel import FLAG, KEYS, validate_layer, validate_panel


def panel_bytes(panel: pd.DataFrame, *, name: str) -> bytes:
    """A panel as a zstd Parquet file: checked, sorted by place and time, without a trace of when it was made.

    Parameters
    ----------
    panel : keeps the panel contract; extra columns may only be qualifiers.
    name : what to call it in an error.
    """
    panel = validate_panel(panel, name=name).sort_values(list(KEYS), kind="stable", ignore_index=True)
    panel["time"] = panel["time"].astype("datetime64[us, UTC]")
    for column in panel.columns:
        if column == "location_id" or str(column).endswith(FLAG):
            values = panel[column].astype("object")
            panel[column] = pd.Categorical(values, categories=sorted(values.dropna().unique()))
    flags = sorted(c for c in panel.columns if str(c).endswith(FLAG))
    rest = [c for c in panel.columns if c not in {*KEYS, *flags}]
    table = pa.Table.from_pandas(panel[[*KEYS, *rest, *flags]], preserve_index=False)
    table = table.replace_schema_metadata(None)
    made = BytesIO()
    pq.write_table(
        table,
        made,
        compression="zstd",
        compression_level=19,
        # Regular times take almost no room as differences; a dictionary would list every one of them.
        use_dictionary=[c for c in table.column_names if c != "time"],
        column_encoding={"time": "DELTA_BINARY_PACKED"},
        row_group_size=1_000_000,
    )
    return made.getvalue()


def layer_bytes(layer: gpd.GeoDataFrame, *, name: str) -> bytes:
    """A layer as a zstd GeoParquet file in EPSG:4326, sorted by place.

    Parameters
    ----------
    layer : keeps the layer contract and has a `name` column; any known CRS.
    name : what to call it in an error.

    Notes
    -----
    Coordinates keep their full precision unless the maker rounds them (`on_grid`).
    """
    layer = validate_layer(layer.to_crs(4326), name=name).sort_index(kind="stable")
    if "name" not in layer.columns:
        raise BrokenData(f"{name}: the layer has no column name.", hint="Name every place as people do.")
    if layer.geometry.has_z.any():
        flat = shapely.force_2d(layer.geometry.array)
        layer = layer.set_geometry(gpd.GeoSeries(flat, layer.index, crs=layer.crs))
    made = BytesIO()
    layer.to_parquet(made, index=True, compression="zstd", compression_level=19, geometry_encoding="WKB")
    return made.getvalue()


def dataset_bytes(made: pd.DataFrame, *, name: str) -> bytes:
    """A layer or a panel as the bytes of its file."""
    return layer_bytes(made, name=name) if isinstance(made, gpd.GeoDataFrame) else panel_bytes(made, name=name)
