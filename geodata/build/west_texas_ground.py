"""West Texas: movement of the ground seen by radar satellite, in blocks of 120 m."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from geodata.build.basemap import basemap
from geodata.build.fetch import package_files
from geodata.build.topology import read_borders
from geodata.errors import BrokenData

UTM_13N = 32613
BOUNDS = (-102.72, 31.34, -102.59, 31.46)
BLOCK_CELLS = 4
# Below this the phase of a cell is too noisy to be trusted (6 % of the cells).
LEAST_COHERENCE = 0.6
# A block is given a value when at least half of its 16 cells have one.
LEAST_CELLS = 8

# TIFF: tags and the numbers of bytes and codes of the field types that the files use.
WIDTH, HEIGHT, BITS, COMPRESSION, PREDICTOR = 256, 257, 258, 259, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES, SAMPLE_FORMAT = 322, 323, 324, 325, 339
PIXEL_SIZE, TIE_POINT = 33550, 33922
FIELDS = {3: (2, "H"), 4: (4, "I"), 12: (8, "d")}
DEFLATE, HORIZONTAL_DIFFERENCES, FLOATING_POINT = 8, 2, 3


@dataclass(frozen=True)
class Raster:
    """Values of a grid, north up, and where its upper left corner lies."""

    values: np.ndarray
    cell_m: float
    left: float
    top: float


def blocks(files: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """The blocks of 4 × 4 cells, with their median coherence and the share of usable cells."""
    (coherence,) = (read_raster(content) for path, content in files.items() if "coherence" in path)
    grouped = in_blocks(coherence.values)
    rows, columns = grouped.shape[:2]
    side = coherence.cell_m * BLOCK_CELLS
    to_degrees = Transformer.from_crs(UTM_13N, 4326, always_xy=True)
    x, y = np.meshgrid(coherence.left + side * np.arange(columns + 1), coherence.top - side * np.arange(rows + 1))
    # Every corner is projected and rounded (to about a metre) once, so that neighbours share it exactly.
    corner = np.round(np.stack(to_degrees.transform(x, y), axis=-1), 5)
    ring = np.stack([corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:], corner[:-1, :-1]], axis=2)
    usable = np.isfinite(grouped) & (grouped >= LEAST_COHERENCE)
    ids = block_ids(rows, columns)
    return gpd.GeoDataFrame(
        {
            "name": "Block " + pd.Series(ids).str.removeprefix("block_").str.replace("_", "-").to_numpy(),
            "coherence_share": np.nanmedian(grouped, axis=2).round(3).ravel(),
            "usable_cells_percent": (100.0 * usable.mean(axis=2)).ravel(),
        },
        index=pd.Index(ids, name="location_id"),
        geometry=shapely.polygons(ring.reshape(-1, 4, 2)),
        crs=4326,
    )


def displacement(files: Mapping[str, bytes]) -> pd.DataFrame:
    """Displacement towards the satellite since 8 July 2016: one median a block and date."""
    (coherence,) = (read_raster(content).values for path, content in files.items() if "coherence" in path)
    parts = []
    for path, content in files.items():
        if "/displacement_" not in path:
            continue
        labels = files[path.replace("/displacement_", "/connected_component_labels_")]
        usable = (coherence >= LEAST_COHERENCE) & (read_raster(labels).values > 0)
        medians = block_medians(read_raster(content).values, usable)
        parts.append(
            pd.DataFrame(
                {
                    "location_id": block_ids(*medians.shape),
                    "time": pd.Timestamp(path[-12:-4], tz="UTC"),
                    "displacement_mm": (medians * 1000.0).round(2).ravel(),  # metres in the source
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def block_medians(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """The median of the usable cells of each block; missing where fewer than half are usable.

    Parameters
    ----------
    values : a grid; missing is NaN.
    usable : of the same shape, whether a cell may be trusted.
    """
    grouped = in_blocks(np.where(usable, values, np.nan))
    enough = np.isfinite(grouped).sum(axis=2) >= LEAST_CELLS
    medians = np.full(enough.shape, np.nan)
    medians[enough] = np.nanmedian(grouped[enough], axis=1)
    return medians


def in_blocks(values: np.ndarray) -> np.ndarray:
    """A grid as rows × columns of blocks × their 16 cells; incomplete blocks at the end are left out."""
    rows, columns = (length // BLOCK_CELLS for length in values.shape)
    whole = values[: rows * BLOCK_CELLS, : columns * BLOCK_CELLS]
    split = whole.reshape(rows, BLOCK_CELLS, columns, BLOCK_CELLS).swapaxes(1, 2)
    return split.reshape(rows, columns, BLOCK_CELLS**2)


def block_ids(rows: int, columns: int) -> list[str]:
    """Ids of blocks, row by row from the north-west."""
    return [f"block_{row:02d}_{column:02d}" for row in range(rows) for column in range(columns)]


def read_raster(content: bytes) -> Raster:
    """A GeoTIFF of half-precision numbers in deflated tiles, which common readers do not open.

    Raises
    ------
    BrokenData
        When the file is laid out in any other way.
    """
    tags = _tags(content)
    layout = [tags.get(tag, (0,))[0] for tag in (BITS, COMPRESSION, PREDICTOR, SAMPLE_FORMAT)]
    if layout != [16, DEFLATE, HORIZONTAL_DIFFERENCES, FLOATING_POINT]:
        raise BrokenData(
            f"The raster is laid out as {layout} (bits, compression, predictor, format).",
            hint="Only half-precision numbers in deflated tiles with differences are read.",
        )
    (width,), (height,) = tags[WIDTH], tags[HEIGHT]
    (tile_width,), (tile_height,) = tags[TILE_WIDTH], tags[TILE_HEIGHT]
    across, down = -(-width // tile_width), -(-height // tile_height)
    whole = np.zeros((down * tile_height, across * tile_width), dtype=np.uint16)
    for number, (offset, size) in enumerate(zip(tags[TILE_OFFSETS], tags[TILE_SIZES], strict=True)):
        row, column = (number // across) * tile_height, (number % across) * tile_width
        tile = np.frombuffer(zlib.decompress(content[offset : offset + size]), dtype="<u2")
        # Each number holds the difference of its bits from those of its left neighbour.
        summed = np.cumsum(tile.reshape(tile_height, tile_width), axis=1, dtype=np.uint16)
        whole[row : row + tile_height, column : column + tile_width] = summed
    return Raster(
        whole.view(np.float16)[:height, :width].astype(float),
        cell_m=tags[PIXEL_SIZE][0],
        left=tags[TIE_POINT][3],
        top=tags[TIE_POINT][4],
    )


def _tags(content: bytes) -> dict[int, tuple[Any, ...]]:
    if content[:4] != b"II*\0":
        raise BrokenData("The raster is not a little-endian TIFF.", hint="Give the file as it was published.")
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    tags = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from("<HHI", content, entry)
        if kind not in FIELDS:
            continue
        size, code = FIELDS[kind]
        # A value of at most four bytes stands in the entry itself, a longer one where the entry points.
        place = entry + 8 if size * number <= 4 else struct.unpack_from("<I", content, entry + 8)[0]
        tags[tag] = struct.unpack_from(f"<{number}{code}", content, place)
    return tags


def west_texas_ground_basemap(files: dict[str, bytes]) -> gpd.GeoDataFrame:
    """Land, borders, water and towns of west Texas."""
    (states,) = package_files("npm", "us-atlas", "3.0.1", ["states-10m.json"]).values()
    return basemap(
        files,
        BOUNDS,
        continent="north-america",
        states=read_borders(states, "states"),
        margin_km=150.0,
    )


DATASETS = {
    "west_texas_ground_basemap": west_texas_ground_basemap,
    "west_texas_ground_blocks": blocks,
    "west_texas_ground_displacement": displacement,
}
