"""A layer is measured in metres only where its projection holds."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from analytics.metric_layer import in_metres
from geodata.errors import AlmanacError


def point(x: float, y: float, crs: int = 4326) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[shapely.Point(x, y)], index=pd.Index(["p"], name="location_id"), crs=crs)


def test_metres_are_metres() -> None:
    west, east = in_metres(point(4.5, 52.0), 28992).iloc[0], in_metres(point(4.51, 52.0), 28992).iloc[0]
    # A hundredth of a degree of longitude at 52° N: 111,320 m · cos 52° / 100, to half a percent.
    assert west.distance(east) == pytest.approx(685.4, rel=5e-3)


@pytest.mark.parametrize(
    ("layer", "crs", "match"),
    [
        (point(52.0, 4.5), 28992, "outside the area"),  # swapped
        (point(-119.0, 36.0), 32633, "outside the area"),  # California in central Europe's zone
        (point(200.0, 95.0), 5070, "outside the area"),  # no place on Earth
        (point(500_000.0, 4_000_000.0), 32633, "outside the area"),  # metres said to be degrees
        (point(4.5, 52.0), 4326, "not a projection in metres"),
        (point(-100.0, 31.0), 2278, "not a projection in metres"),  # Texas, in feet
        (point(4.5, 52.0), "EPSG:nowhere", "no coordinate reference system"),
    ],
)
def test_what_cannot_be_measured_is_refused(layer: gpd.GeoDataFrame, crs: int | str, match: str) -> None:
    with pytest.raises(AlmanacError, match=match):
        in_metres(layer, crs)
