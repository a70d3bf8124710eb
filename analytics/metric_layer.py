"""A layer in metres: its shapes in the region's projection, once they are shown to lie where that holds."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError

from geodata.errors import AlmanacError
from geodata.panel import validate_layer

# A region may reach a little beyond the area that its projection was published for.
_MARGIN_DEGREES = 1.0


def in_metres(layer: gpd.GeoDataFrame, crs_metric: str | int | pyproj.CRS) -> gpd.GeoSeries:
    """The shapes of a layer in metres, the only ones in which distances are taken.

    Parameters
    ----------
    layer : places, indexed by `location_id`, in any known coordinate reference system.
    crs_metric : the region's projection in metres.

    Returns
    -------
    The geometry in that projection, indexed like the layer.

    Raises
    ------
    AlmanacError
        Where the layer is not valid, the projection unknown or not in metres, or places lie outside the area for
        which it was published (by more than a degree): longitude and latitude may be swapped.

    Examples
    --------
    >>> point = gpd.GeoDataFrame(geometry=[shapely.Point(15.0, 0.0)], index=["a"], crs=4326)
    >>> in_metres(point.rename_axis("location_id"), 32633).x.round().to_dict()
    {'a': 500000.0}
    """
    validate_layer(layer)
    try:
        crs = pyproj.CRS.from_user_input(crs_metric)
    except CRSError:
        raise AlmanacError(
            "There is no coordinate reference system “{crs}”.",
            hint="Give the code of a projection in metres, such as EPSG:5070.",
            crs=crs_metric,
        ) from None
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
        raise AlmanacError(
            "{crs} is not a projection in metres.",
            hint="Choose a projected coordinate reference system of the region, such as its UTM zone.",
            crs=crs.name,
        )
    shapes = layer.geometry.to_crs(crs)
    outside = ~np.isfinite(shapely.bounds(shapes.to_numpy())).all(axis=1)
    area = crs.area_of_use
    if area is not None:
        west, south, east, north = shapely.bounds(layer.geometry.to_crs(4326).to_numpy()).T
        outside |= ~((south >= area.south - _MARGIN_DEGREES) & (north <= area.north + _MARGIN_DEGREES))
        if area.west < area.east:  # an area across the date line has its west east of its east
            outside |= ~((west >= area.west - _MARGIN_DEGREES) & (east <= area.east + _MARGIN_DEGREES))
    if outside.any():
        raise AlmanacError(
            "{n} places lie outside the area of the projection {crs}, the first {place}.",
            hint="Look whether longitude and latitude are swapped, or choose the projection of their region.",
            n=int(outside.sum()),
            crs=crs.name,
            place=layer.index[outside][0],
        )
    return shapes
