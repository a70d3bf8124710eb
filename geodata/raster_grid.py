"""The grid of a raster: opened with suspicion, laid under the places of a layer, its cells measured on the ground."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from geodata.errors import AlmanacError, BrokenData
from geodata.panel import validate_layer

if TYPE_CHECKING:  # rasterio takes its time to be imported, and few readers have a raster
    from rasterio.io import DatasetReader

# A file, or a file and the number of a band in it; bands count from 1.
Source = str | Path | tuple[str | Path, int]
# An open file and the number of a band in it.
Band = tuple["DatasetReader", int]
# Cells read at once: some 32 MB a band.
MOST_CELLS = 4_000_000
# Tiles of satellite images reach a little over the edge of the zone that their coordinates are made for.
_MARGIN_DEGREES = 3.0
# The ground's area is taken from this many points a side of a window, evenly between.
_POINTS = 9


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the cells of a raster lie.

    origin : x of the left and y of the upper edge
    step : width and height of a cell, both positive, in the units of the coordinates
    shape : rows and columns
    """

    name: str
    crs: pyproj.CRS
    origin: tuple[float, float]
    step: tuple[float, float]
    shape: tuple[int, int]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, lower, right and upper edge."""
        (x, y), (width, height), (rows, columns) = self.origin, self.step, self.shape
        return x, y - rows * height, x + columns * width, y

    def part(self, bounds: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
        """The cells that touch a rectangle: first row, first column, number of rows and of columns; may be none."""
        (x, y), (width, height) = self.origin, self.step
        first = max(0, int(np.floor((bounds[0] - x) / width))), max(0, int(np.floor((y - bounds[3]) / height)))
        beyond = (
            min(self.shape[1], int(np.ceil((bounds[2] - x) / width))),
            min(self.shape[0], int(np.ceil((y - bounds[1]) / height))),
        )
        return first[1], first[0], max(0, beyond[1] - first[1]), max(0, beyond[0] - first[0])

    def edges(self, row: int, column: int, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Left, lower, right and upper edge of a part."""
        (x, y), (width, height) = self.origin, self.step
        return x + column * width, y - (row + rows) * height, x + (column + columns) * width, y - row * height

    def areas(self, row: int, column: int, rows: int, columns: int) -> np.ndarray:
        """The ground that each cell of a part covers, in square metres: rows × columns.

        In longitude and latitude it is the area on the ellipsoid, in a projection the area on the plane with the
        projection's own distortion taken out.
        """
        left, lower, right, upper = self.edges(row, column, rows, columns)
        if self.crs.is_geographic:
            return np.broadcast_to(self._areas_on_ellipsoid(upper, rows)[:, None], (rows, columns))
        metres = self.crs.axis_info[0].unit_conversion_factor
        xs, ys = np.linspace(left, right, _POINTS), np.linspace(upper, lower, _POINTS)
        scale = self.areal_scale(*np.meshgrid(xs, ys))
        down, across = _hats(rows), _hats(columns)
        return self.step[0] * self.step[1] * metres**2 / (down @ scale @ across.T)

    def areal_scale(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """How many times larger the ground is drawn at some points than it is."""
        longitude, latitude = pyproj.Transformer.from_crs(
            self.crs, self.crs.geodetic_crs or "EPSG:4326", always_xy=True
        ).transform(x, y)
        return np.asarray(pyproj.Proj(self.crs).get_factors(longitude, latitude).areal_scale)

    def _areas_on_ellipsoid(self, upper: float, rows: int) -> np.ndarray:
        ellipsoid = self.crs.get_geod() or pyproj.Geod(ellps="WGS84")
        radians = self.crs.axis_info[0].unit_conversion_factor
        sines = np.sin((upper - np.arange(rows + 1) * self.step[1]) * radians)
        squared = float(ellipsoid.es)
        if squared == 0.0:
            belt = ellipsoid.a**2 * sines
        else:
            e = np.sqrt(squared)
            belt = ellipsoid.b**2 / 2 * (sines / (1 - squared * sines**2) + np.arctanh(e * sines) / e)
        return -np.diff(belt) * self.step[0] * radians


def _hats(n: int) -> np.ndarray:
    """n × points: how far each cell's centre takes from each of the points evenly spread over all cells."""
    where = (np.arange(n) + 0.5) / n * (_POINTS - 1)
    return np.maximum(0.0, 1.0 - np.abs(where[:, None] - np.arange(_POINTS)))


@contextmanager
def opened(sources: Mapping[str, Source]) -> Iterator[tuple[Layout, dict[str, Band]]]:
    """Rasters on one grid, with their bands, once it is shown that they lie on one.

    Raises
    ------
    AlmanacError
        Where a file cannot be read, has no such band or no coordinate reference system, is turned, lies outside the
        area that its coordinates are made for, or where the grids differ.
    """
    import rasterio

    with ExitStack() as stack:
        found: dict[str, tuple[Any, int]] = {}
        layouts: list[Layout] = []
        for name, source in sources.items():
            path, band = source if isinstance(source, tuple) else (source, 1)
            try:
                dataset = stack.enter_context(rasterio.open(path))
            except rasterio.errors.RasterioIOError as error:
                raise AlmanacError(
                    "The raster {raster} cannot be read.",
                    hint="Check that the file is there and whole, in a format that GDAL reads.",
                    raster=Path(path).name,
                ) from error
            layouts.append(_layout(dataset, Path(path).name, band))
            found[name] = dataset, band
        for other in layouts[1:]:
            _refuse_other_grid(layouts[0], other)
        yield layouts[0], found


def read_part(dataset: DatasetReader, band: int, part: tuple[int, int, int, int]) -> np.ndarray:
    """The values of a part of a band, its declared scale applied; NaN where the file has no data."""
    from rasterio.windows import Window

    row, column, rows, columns = part
    values = dataset.read(band, window=Window(column, row, columns, rows), masked=True)
    numbers = values.astype(np.float64).filled(np.nan)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers * dataset.scales[band - 1] + dataset.offsets[band - 1]


def placed(layer: gpd.GeoDataFrame, layout: Layout) -> gpd.GeoDataFrame:
    """The areas of a layer in the raster's coordinates, once it is shown that they can be where they say.

    The layer is projected and not the raster: moving cells would change their values.

    Raises
    ------
    BrokenData
        Where the layer breaks its contract, or its places are not areas.
    AlmanacError
        Where its coordinates are swapped, or it does not overlap the raster.
    """
    validate_layer(layer)
    kinds = layer.geometry.geom_type
    other = ~kinds.isin(["Polygon", "MultiPolygon"])
    if other.any():
        raise BrokenData(
            "{place} is a {kind}, and a mean over it has no meaning.",
            hint="Hand over areas: draw a circle around each point first, and say how wide.",
            place=layer.index[other][0],
            kind=kinds[other].iloc[0],
        )
    west, south, east, north = layer.total_bounds
    if layer.crs.is_geographic and (south < -90 or north > 90 or west < -360 or east > 360):
        raise AlmanacError(
            "The layer reaches from {south} to {north} degrees of latitude, and there are only 90.",
            hint="Check whether longitude and latitude are swapped, or the coordinate reference system is wrong.",
            south=f"{south:g}",
            north=f"{north:g}",
        )
    moved = layer[[layer.geometry.name]].to_crs(layout.crs)
    if np.isfinite(moved.total_bounds).all() and shapely.box(*moved.total_bounds).intersects(
        shapely.box(*layout.bounds)
    ):
        return moved
    here, there = _in_degrees(layer.crs, layer.total_bounds), _in_degrees(layout.crs, layout.bounds)
    swapped = shapely.box(here[1], here[0], here[3], here[2])
    raise AlmanacError(
        "The layer ({layer}) and the raster {raster} ({extent}) do not overlap.",
        hint="Longitude and latitude of one of the two are swapped: turn them round."
        if np.isfinite(here).all() and swapped.intersects(shapely.box(*there))
        else "Check that both show the same land and that their coordinate reference systems are right.",
        layer=_told(here),
        raster=layout.name,
        extent=_told(there),
    )


def _layout(dataset: DatasetReader, name: str, band: int) -> Layout:
    if not 1 <= band <= dataset.count:
        raise AlmanacError(
            "The raster {raster} has {n} bands, and none is number {band}.",
            hint="Bands count from 1.",
            raster=name,
            n=dataset.count,
            band=band,
        )
    if dataset.crs is None:
        raise AlmanacError(
            "The raster {raster} has no coordinate reference system.",
            hint="Find out which one the producer used and write it into the file, with gdal_edit for instance.",
            raster=name,
        )
    grid = dataset.transform
    if grid.b or grid.d or grid.a <= 0 or grid.e >= 0:
        raise AlmanacError(
            "The raster {raster} is turned or mirrored against north.",
            hint="Bring it to a grid that points north first, with gdalwarp for instance.",
            raster=name,
        )
    crs = pyproj.CRS.from_user_input(dataset.crs.to_wkt())
    layout = Layout(name, crs, (grid.c, grid.f), (grid.a, -grid.e), (dataset.height, dataset.width))
    _refuse_outside(layout)
    return layout


def _refuse_outside(layout: Layout) -> None:
    left, lower, right, upper = layout.bounds
    centre = _in_degrees(layout.crs, ((left + right) / 2, (lower + upper) / 2) * 2)
    code = layout.crs.to_authority()
    # The area of use is known for registered systems only, and lost where a file spells its system out.
    area = (pyproj.CRS.from_authority(*code) if code else layout.crs).area_of_use
    # Metres as small as degrees are degrees: nobody's map lies within 360 metres of a projection's origin.
    degrees = layout.crs.is_projected and max(map(abs, layout.bounds)) <= 360
    inside = np.isfinite(centre).all() and abs(centre[1]) <= 90 and not degrees
    if inside and area is not None:
        margin = _MARGIN_DEGREES
        east = area.east + 360 if area.east < area.west else area.east
        inside = area.south - margin <= centre[1] <= area.north + margin and any(
            area.west - margin <= centre[0] + turn <= east + margin for turn in (-360, 0, 360)
        )
    if not inside:
        raise AlmanacError(
            "The raster {raster} lies outside the area that its coordinate reference system, {crs}, is made for.",
            hint="Check whether its coordinates are swapped or the system is wrong.",
            raster=layout.name,
            crs=layout.crs.name,
        )


def _refuse_other_grid(one: Layout, other: Layout) -> None:
    same = one.shape == other.shape and one.crs == other.crs
    near = np.allclose([*one.origin, *one.step], [*other.origin, *other.step], rtol=0, atol=1e-3 * min(one.step))
    if not (same and near):
        raise AlmanacError(
            "The rasters {one} and {other} do not lie on one grid.",
            hint="Bring them to the same cells first, with gdalwarp for instance.",
            one=one.name,
            other=other.name,
        )


def _in_degrees(crs: pyproj.CRS, bounds: Any) -> tuple[float, float, float, float]:
    transformer = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    x, y = transformer.transform([bounds[0], bounds[2]], [bounds[1], bounds[3]])
    return float(x[0]), float(y[0]), float(x[1]), float(y[1])


def _told(bounds: tuple[float, float, float, float]) -> str:
    west, south, east, north = bounds
    return f"{west:.2f} to {east:.2f}°, {south:.2f} to {north:.2f}°"
