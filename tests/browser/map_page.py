"""A page with nothing but the map, for test_map.py: a grid of 8 × 6 places whose values are known."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import streamlit as st

from analytics.classes import class_breaks
from app.map import map_view

ACROSS, DOWN = 8, 6
COUNT = ACROSS * DOWN
BREAKS = (0, 1, 10, 20, 40, 50)
HOSTILE = '<img src=x onerror="window.hacked=1">'
MOMENTS = pd.date_range("2017-01-01", periods=60, tz="UTC")


def layer(kind: str) -> gpd.GeoDataFrame:
    """Squares of one degree from 10° W, 40° N on, or their middles, or lines through them."""
    at = np.arange(COUNT)
    west, south = -10.0 + at % ACROSS, 40.0 + at // ACROSS
    shapes = {
        "polygons": shapely.box(west, south, west + 1, south + 1),
        "points": shapely.points(west + 0.5, south + 0.5),
        "lines": shapely.linestrings(
            np.stack([west + 0.1, south + 0.5, west + 0.9, south + 0.5], axis=1).reshape(-1, 2, 2)
        ),
    }[kind]
    names = [HOSTILE if i == 5 else f"Place {i}" for i in at]
    return gpd.GeoDataFrame({"name": names}, geometry=shapes, crs=4326, index=pd.Index([f"p{i}" for i in at]))


def numbers(variable: str) -> pd.Series:
    """Place 0 has no data, place 1 is zero; the rest are 2, 3, 4 … or the same backwards."""
    values = np.arange(COUNT, dtype=float)
    if variable == "backwards":
        values[2:] = values[2:][::-1]
    values[0], values[1] = math.nan, 0.0
    return pd.Series(values, index=[f"p{i}" for i in range(COUNT)])


def basemap() -> gpd.GeoDataFrame:
    """A little land, a border, and a town with a Chinese name."""
    shapes = [shapely.box(-14, 38, 2, 48), shapely.box(-14, 38, 2, 48), shapely.Point(-11.5, 42.0)]
    facts = {
        "kind": ["land", "country", "city"],
        "name": ["", "", "Harbour"],
        "name_zh_hans": ["", "", "海边镇"],
        "name_zh_hant": ["", "", "海邊鎮"],
        "rank": [1, 1, 1],
    }
    return gpd.GeoDataFrame(facts, geometry=shapes, crs=4326)


def main() -> None:
    """The page."""
    st.set_page_config(layout="wide")
    st.session_state.setdefault("layers", {kind: layer(kind) for kind in ("polygons", "points", "lines")})
    kind = st.radio("Layer", ["polygons", "points", "lines"], horizontal=True)
    variable = st.radio("Variable", ["forwards", "backwards"], horizontal=True)
    moving = st.toggle("Moving")
    st.button("Nothing")
    if st.button("Choose place 7"):
        st.session_state["chosen"] = "p7"
    if st.toggle("Something above"):
        st.write("This moves the map down.")
    values = numbers(variable)
    ground = st.session_state.setdefault("ground", basemap())
    table = pd.DataFrame({moment: (values + k) % 50 for k, moment in enumerate(MOMENTS)})
    state = map_view(
        st.session_state["layers"][kind],
        table if moving else values,
        classes=class_breaks(values, method="given", breaks=BREAKS),
        title="Discharge",
        unit="m³/s",
        key="map",
        selected=st.session_state.get("chosen"),
        sized=True,
        basemap=ground,
        attribution="Nobody",
        height=480,
        locale=st.query_params.get("locale"),
    )
    st.session_state["chosen"] = state.selected
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.text(f"selected={state.selected} time={state.time} webgl={state.webgl} runs={st.session_state['runs']}")


if __name__ == "__main__":
    main()
