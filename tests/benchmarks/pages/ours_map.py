"""The product's map as its pages use it: in a fragment, with a select for the variable."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import streamlit as st

from analytics.classes import class_breaks
from app.map import map_view

HERE = Path(__file__).parent


@st.cache_resource(max_entries=1)
def layer() -> gpd.GeoDataFrame:
    """The shapes."""
    return gpd.read_parquet(HERE / "layer.parquet").set_index("location_id")


@st.cache_data(max_entries=1)
def values() -> pd.DataFrame:
    """The values."""
    return pd.read_parquet(HERE / "values.parquet").set_index("location_id")


@st.fragment
def explore() -> None:
    """What runs again on a change."""
    left, right = st.columns([1, 4])
    column = left.selectbox("Variable", values().columns)
    shown = values()[column]
    with right:
        map_view(
            layer(), shown, classes=class_breaks(shown), title=column, unit="mm", key="map", height=500,
            bounds=(-125.0, 24.5, -66.5, 49.5),
        )  # fmt: skip


st.set_page_config(layout="wide")
explore()
