"""Patches of one land cover: cells of a map that touch, place by place, with their size and outline."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry.base import BaseGeometry

from geodata.errors import AlmanacError
from geodata.raster_grid import Band, Layout, Source, opened, placed, read_part

# Sides and corners, or sides only.
_TOUCHING = {8: np.ones((3, 3), dtype=int), 4: np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])}
# One place is labelled at once: above this it is too much for the memory of an ordinary machine.
_MOST_CELLS = 60_000_000
# How far a projection may swell or shrink the ground before its metres are none.
_TRUE = 0.02
_COLUMNS = ("cells_count", "edge_cells_count", "like_adjacencies_count", "area_ha", "perimeter_m", "edge_m")


def patches(
    raster: Source, layer: gpd.GeoDataFrame, *, neighbours: int = 8, names: Mapping[int, str] | None = None
) -> pd.DataFrame:
    """The patches of each land cover in each place: what fragmentation is measured on.

    Parameters
    ----------
    raster : a file, or a file and the number of a band, with a class in every cell, projected in metres.
    layer : areas indexed by `location_id`.
    neighbours : 8 where cells that touch at a corner are one patch, 4 where only those that share a side are.
    names : of the classes; a class without a name keeps its number.

    Returns
    -------
    A row per `location_id`, `cover` and `patch_id` (text): `area_ha`; `perimeter_m`, the whole outline with holes and
    the border of the place; `edge_m`, the part of it shared with other covers; and in cells `cells_count`,
    `edge_cells_count` (the outline in cell sides) and `like_adjacencies_count` (pairs that share a side, each once).

    Raises
    ------
    AlmanacError
        Where the raster or the layer cannot be used, where the raster is not in true metres, a place has too many
        cells, or `neighbours` is neither 4 nor 8.

    Notes
    -----
    A cell belongs to the place in which its centre lies, whole, as in FRAGSTATS. Each place is cut out on its own: a
    forest across a border is two patches. All of it depends on the size of the cells and on `neighbours`.
    """
    if neighbours not in _TOUCHING:
        raise AlmanacError(
            "Patches with {n} neighbours are not known.",
            hint="Choose 4 for sides only, or 8 for corners too.",
            n=neighbours,
        )
    found = []
    with opened({"cover": raster}) as (layout, bands):
        areas = placed(layer, layout)
        _refuse_untrue_metres(layout, areas)
        # A loop over places: each is a map of its own, and places may overlap.
        for place, area in areas.geometry.items():
            covers = _cut_out(layout, bands["cover"], str(place), area)
            if np.isfinite(covers).any():
                found.append(_patches_of(covers, layout, neighbours, names or {}).assign(location_id=place))
    keys = ["location_id", "cover", "patch_id"]
    if not found:
        return pd.DataFrame({name: pd.Series(dtype="str" if name in keys else float) for name in (*keys, *_COLUMNS)})
    table = pd.concat(found, ignore_index=True)
    return table[[*keys, *_COLUMNS]].sort_values(["location_id", "cover"], ignore_index=True, kind="stable")


def _cut_out(layout: Layout, band: Band, place: str, area: BaseGeometry) -> np.ndarray:
    """The classes of the cells whose centre lies in the place; NaN for all other cells of its rectangle."""
    # Slow to be imported, and few readers have a raster.
    from rasterio.features import geometry_mask
    from rasterio.transform import from_origin

    part = layout.part(area.bounds)
    if part[2] * part[3] > _MOST_CELLS:
        raise AlmanacError(
            "{place} has {n} cells, too many to find its patches at once.",
            hint="Take a coarser raster, or divide the place.",
            place=place,
            n=part[2] * part[3],
        )
    if not part[2] * part[3]:
        return np.full((1, 1), np.nan)
    left, _, _, upper = layout.edges(*part)
    outside = geometry_mask([area], part[2:], from_origin(left, upper, *layout.step))
    covers = read_part(*band, part)
    covers[outside] = np.nan
    return covers


def _patches_of(covers: np.ndarray, layout: Layout, neighbours: int, names: Mapping[int, str]) -> pd.DataFrame:
    from scipy import ndimage

    known = np.isfinite(covers)
    classes = np.unique(covers[known])
    labels = np.zeros(covers.shape, dtype=np.int64)
    cover_of: list[str] = []
    number_of: list[str] = []
    for each in classes:
        mine, n = ndimage.label(covers == each, structure=_TOUCHING[neighbours])
        labels[mine > 0] = mine[mine > 0] + len(cover_of)
        cover_of += [names.get(int(each), f"{each:g}")] * n
        number_of += [str(number) for number in range(1, n + 1)]
    size = len(cover_of) + 1
    # One ring of nothing around: the border of the map is an outline too.
    ringed, kinds = np.pad(labels, 1), np.pad(covers, 1, constant_values=np.nan)
    metres = layout.crs.axis_info[0].unit_conversion_factor
    width, height = layout.step[0] * metres, layout.step[1] * metres
    across = _sides(ringed[:, :-1], ringed[:, 1:], kinds[:, :-1], kinds[:, 1:], size)
    down = _sides(ringed[:-1], ringed[1:], kinds[:-1], kinds[1:], size)
    cells = np.bincount(labels.reshape(-1), minlength=size)
    # Sides between neighbours in a row stand upright and are as long as a cell is high.
    return pd.DataFrame(
        {
            "cover": cover_of,
            "patch_id": number_of,
            "cells_count": cells[1:],
            "edge_cells_count": (across[0] + down[0])[1:],
            "like_adjacencies_count": (across[2] + down[2])[1:],
            "area_ha": cells[1:] * width * height / 10_000.0,
            "perimeter_m": (across[0] * height + down[0] * width)[1:],
            "edge_m": (across[1] * height + down[1] * width)[1:],
        }
    )


def _sides(
    one: np.ndarray, other: np.ndarray, kind: np.ndarray, other_kind: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By patch: sides of its outline, those shared with another cover, and pairs of its own cells.

    Like cells that share a side are always of one patch, so that what is told apart here are the covers.
    """
    alike = kind == other_kind  # False where either is missing
    edge = ~alike & (one > 0) & (other > 0)
    both = [np.bincount(side[~alike], minlength=size) for side in (one, other)]
    shared = [np.bincount(side[edge], minlength=size) for side in (one, other)]
    return both[0] + both[1], shared[0] + shared[1], np.bincount(one[alike], minlength=size)


def _refuse_untrue_metres(layout: Layout, areas: gpd.GeoDataFrame) -> None:
    if not layout.crs.is_geographic:
        left, lower, right, upper = areas.total_bounds
        xs, ys = np.meshgrid(np.linspace(left, right, 3), np.linspace(lower, upper, 3))
        if np.abs(layout.areal_scale(xs, ys) - 1.0).max() <= _TRUE:
            return
    raise AlmanacError(
        "The raster {raster} is in {crs}, whose cells are not of one size on the ground.",
        hint="Bring it to the region's metric coordinate reference system first, with gdalwarp and nearest neighbours.",
        raster=layout.name,
        crs=layout.crs.name,
    )
