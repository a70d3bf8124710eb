"""Streamlit with plotly whose geometry the browser fetches by address; a change sends ids and values."""

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

HERE = Path(__file__).parent


@st.cache_data(max_entries=1)
def values() -> pd.DataFrame:
    """The values."""
    return pd.read_parquet(HERE / "values.parquet")


st.set_page_config(layout="wide")
left, right = st.columns([1, 4])
column = left.selectbox("Variable", values().columns[1:])
figure = go.Figure(
    go.Choroplethmap(
        geojson="/app/static/layer.geojson", locations=values()["location_id"], z=values()[column],
        colorscale="Viridis", marker_line_width=0,
    )
)  # fmt: skip
figure.update_layout(
    map={"style": "white-bg", "center": {"lat": 38.0, "lon": -96.0}, "zoom": 2.6},
    margin={"l": 0, "r": 0, "t": 0, "b": 0}, height=500,
)  # fmt: skip
right.plotly_chart(figure, key="map")
