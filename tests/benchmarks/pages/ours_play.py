"""The product's map with a value of every place on each of 365 days."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import streamlit as st

from analytics.classes import class_breaks
from app.map import map_view

HERE = Path(__file__).parent
STEPS = 365


@st.cache_resource(max_entries=1)
def layer() -> gpd.GeoDataFrame:
    """The shapes."""
    return gpd.read_parquet(HERE / "layer.parquet").set_index("location_id")


@st.cache_resource(max_entries=1)
def table() -> pd.DataFrame:
    """A wave that crosses the land within a year, with noise: every day differs everywhere."""
    random = np.random.default_rng(3)
    west = layer().geometry.bounds["minx"].to_numpy()[:, None]
    day = np.arange(STEPS)[None, :]
    values = 50 + 30 * np.sin(west / 8 + day / 9) + random.normal(0, 6, (len(west), STEPS))
    days = pd.date_range("2025-01-01", periods=STEPS, freq="D", tz="UTC")
    return pd.DataFrame(np.round(values, 2), index=layer().index, columns=days)


@st.fragment
def explore() -> None:
    """What runs again on a change."""
    shown = table()
    map_view(
        layer(), shown, classes=class_breaks(shown.to_numpy()), title="Depth", unit="mm", time=0, step="day",
        key="map", height=500, bounds=(-125.0, 24.5, -66.5, 49.5),
    )  # fmt: skip


st.set_page_config(layout="wide")
explore()
