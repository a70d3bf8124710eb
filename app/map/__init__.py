"""The map component: geometry once, values on every change."""

from app.map.component import MapState, map_view
from app.map.geometry import PublishedLayer, publish

__all__ = ["MapState", "PublishedLayer", "map_view", "publish"]
