"""Panel with Bokeh: the shapes are drawn once and a change patches one column of numbers."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import panel as pn
from bokeh.models import ColorBar, ColumnDataSource, LinearColorMapper
from bokeh.palettes import Viridis256
from bokeh.plotting import figure

HERE = Path(__file__).parent
layer = gpd.read_parquet(HERE / "layer.parquet").to_crs("EPSG:3857")
table = pd.read_parquet(HERE / "values.parquet")
parts = layer.geometry.explode(index_parts=False)
row = parts.index.to_numpy()  # a county with islands is several patches with one value
outlines = [np.asarray(part.exterior.coords) for part in parts]
xs = [outline[:, 0] for outline in outlines]
ys = [outline[:, 1] for outline in outlines]


def column(name: str) -> np.ndarray:
    """One value a patch, as small as Bokeh sends numbers."""
    return table[name].to_numpy("float32")[row]


def app() -> pn.Row:
    """One session."""
    first = column(table.columns[1])
    source = ColumnDataSource({"xs": xs, "ys": ys, "value": first})
    mapper = LinearColorMapper(palette=Viridis256, low=float(first.min()), high=float(first.max()))
    plot = figure(
        frame_width=610, frame_height=500, x_range=(-14_700_000, -6_700_000), y_range=(2_400_000, 7_000_000),
        output_backend="canvas", tools="pan,wheel_zoom",
    )  # fmt: skip
    plot.patches(
        "xs", "ys", source=source, line_color="white", line_width=0.3,
        fill_color={"field": "value", "transform": mapper},
    )  # fmt: skip
    plot.add_layout(ColorBar(color_mapper=mapper), "right")
    select = pn.widgets.Select(name="Variable", options=list(table.columns[1:]), width=180)

    def change(event: object) -> None:
        fresh = column(select.value)
        with pn.io.hold():  # one message, one drawing: without it Bokeh draws twice, the second time much later
            source.patch({"value": [(slice(0, len(fresh)), fresh)]})
            mapper.update(low=float(fresh.min()), high=float(fresh.max()))

    select.param.watch(change, "value")
    return pn.Row(select, pn.pane.Bokeh(plot))


app().servable()
