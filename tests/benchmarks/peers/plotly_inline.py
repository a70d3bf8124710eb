"""Plain Streamlit: a plotly choropleth with its geometry inline, sent again on every change."""

import json
from pathlib import Path

import pandas as pd
import plotly.express as px
import streamlit as st

HERE = Path(__file__).parent


@st.cache_data(max_entries=1)
def geometry() -> dict[str, object]:
    """The shapes."""
    return json.loads((HERE / "static" / "layer.geojson").read_text())  # type: ignore[no-any-return]


@st.cache_data(max_entries=1)
def values() -> pd.DataFrame:
    """The values."""
    return pd.read_parquet(HERE / "values.parquet")


st.set_page_config(layout="wide")
left, right = st.columns([1, 4])
column = left.selectbox("Variable", values().columns[1:])
figure = px.choropleth_map(
    values(), geojson=geometry(), locations="location_id", color=column, map_style="white-bg",
    center={"lat": 38.0, "lon": -96.0}, zoom=2.6, height=500,
)  # fmt: skip
figure.update_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0})
right.plotly_chart(figure, key="map")
