"""From rasters to places: means, indices and classes of the cells that a place covers, whole or in part.

A cell that a place covers by a third counts by a third, and by the ground that it covers: exactextract finds the
parts. No data in the file is no data here and never zero. Large files are read in strips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geodata.patches import patches
from geodata.raster_grid import MOST_CELLS, Band, Layout, Source, opened, placed, read_part

__all__ = ["band_means", "class_areas", "index_by_place", "patches", "zonal_mean"]

# A mean over less than half of a place speaks for what was seen and not for the place.
LEAST_COVERED = 0.5


@dataclass(frozen=True, eq=False)
class _Strip:
    """The cells of one strip of a raster that places cover.

    place : for each piece of a cell, the number of the place
    share : how much of the cell the place covers
    ground : how much ground that is, in square metres
    values : by name, the value of the cell
    """

    place: np.ndarray
    share: np.ndarray
    ground: np.ndarray
    values: dict[str, np.ndarray]


def zonal_mean(
    raster: Source, layer: gpd.GeoDataFrame, *, least_covered: float = LEAST_COVERED, strip: int = MOST_CELLS
) -> pd.Series:
    """The mean of a raster over each place.

    Parameters
    ----------
    raster : a file, or a file and the number of a band.
    layer : areas indexed by `location_id`, in any known coordinate reference system.
    least_covered : the share of a place that must have data.
    strip : how many cells are read at once.

    Returns
    -------
    Indexed by `location_id`; NaN where too little of the place has data.

    Raises
    ------
    AlmanacError
        Where the raster or the layer cannot be used; see `geodata.raster_grid.opened` and `placed`.

    Notes
    -----
    Each cell weighs by the ground that lies in the place. A scale and offset that the file declares are applied.
    """
    return index_by_place(_itself, {"value": raster}, layer, least_covered=least_covered, strip=strip)


def band_means(
    rasters: Mapping[str, Source], layer: gpd.GeoDataFrame, *, scale: float = 1.0, offset: float = 0.0
) -> pd.DataFrame:
    """The mean reflectance of each band over each place.

    Parameters
    ----------
    rasters : by the name of the band, such as `nir`; grids may differ.
    layer : areas indexed by `location_id`.
    scale, offset : what turns the file's numbers into shares, where the file does not declare it: 0.0001 and 0 for
        many products, 0.0000275 and −0.2 for Landsat Collection 2.

    Returns
    -------
    Indexed by `location_id`, a column `<band>_share` for each.

    Raises
    ------
    AlmanacError
        As for `zonal_mean`.

    Notes
    -----
    An index of these means is a ratio of means. The mean of the cells' indices is another number where the land is
    mixed, and usually the one that is meant: `index_by_place` gives that.
    """
    means = {f"{band}_share": zonal_mean(raster, layer) * scale + offset for band, raster in rasters.items()}
    return pd.DataFrame(means, index=layer.index)


def index_by_place(
    formula: Callable[..., np.ndarray],
    rasters: Mapping[str, Source],
    layer: gpd.GeoDataFrame,
    *,
    least_covered: float = LEAST_COVERED,
    strip: int = MOST_CELLS,
) -> pd.Series:
    """The mean over each place of an index that is computed cell by cell.

    Parameters
    ----------
    formula : takes one array per raster, by the names of `rasters`, and returns an array of the same length, such as
        `analytics.reflectance.ndvi_of`.
    rasters : by the formula's own names, all on one grid.
    layer : areas indexed by `location_id`.
    least_covered : the share of a place that must have an index.
    strip : how many cells are read at once.

    Returns
    -------
    Indexed by `location_id`; NaN where too little of the place has an index.

    Raises
    ------
    AlmanacError
        As for `zonal_mean`, and where the rasters do not lie on one grid.

    Notes
    -----
    A mean of ratios and not a ratio of means. A cell that lacks a raster, or at which the formula has no value, is
    left out.
    """
    n = len(layer)
    total, ground, seen = np.zeros(n), np.zeros(n), np.zeros(n)
    with opened(rasters) as (layout, bands):
        areas = placed(layer, layout)
        for cells in _strips(layout, bands, areas, strip):
            index = np.asarray(formula(**cells.values), dtype=np.float64)
            if index.shape != cells.place.shape:
                raise ValueError(f"the formula returned {index.shape} for {cells.place.shape} cells")
            known = np.isfinite(index)
            place, weight = cells.place[known], cells.ground[known]
            total += np.bincount(place, weight * index[known], n)
            ground += np.bincount(place, weight, n)
            seen += np.bincount(place, cells.share[known], n)
        covered = _covered(seen, layout, areas)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / ground
    return pd.Series(np.where((covered >= least_covered) & (ground > 0), mean, np.nan), index=layer.index, name="value")


def class_areas(
    raster: Source,
    layer: gpd.GeoDataFrame,
    *,
    names: Mapping[int, str] | None = None,
    least_covered: float = LEAST_COVERED,
    strip: int = MOST_CELLS,
) -> pd.DataFrame:
    """How much ground of each place each class of a map covers.

    Parameters
    ----------
    raster : a file, or a file and the number of a band, with a class in every cell.
    layer : areas indexed by `location_id`.
    names : of the classes; a class without a name keeps its number.
    least_covered : the share of a place that must have a class; a place with less has no rows.
    strip : how many cells are read at once.

    Returns
    -------
    `location_id`, `cover` (text) and `area_ha`, a row for each class that a place has, sorted by both.

    Raises
    ------
    AlmanacError
        As for `zonal_mean`.

    Notes
    -----
    Σ share of the cell × ground of the cell. The ground is measured on the ellipsoid, so that a map in longitude and
    latitude or in Web Mercator gives true hectares.
    """
    n = len(layer)
    seen = np.zeros(n)
    found: list[pd.Series] = []
    with opened({"cover": raster}) as (layout, bands):
        areas = placed(layer, layout)
        for cells in _strips(layout, bands, areas, strip):
            known = np.isfinite(cells.values["cover"])
            seen += np.bincount(cells.place[known], cells.share[known], n)
            keys = [pd.Index(cells.place[known], name="place"), pd.Index(cells.values["cover"][known], name="cover")]
            found.append(pd.Series(cells.ground[known]).groupby(keys).sum())
        enough = _covered(seen, layout, areas) >= least_covered
    ground = pd.concat(found).groupby(level=[0, 1]).sum() if found else pd.Series(dtype=float)
    table = ground.rename("area_ha").div(10_000.0).reset_index() if len(ground) else _NOTHING
    table = table[enough[table["place"].to_numpy(dtype=int)]]
    codes = table["cover"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "location_id": layer.index.to_numpy()[table["place"].to_numpy(dtype=int)],
            "cover": [(names or {}).get(int(code), f"{code:g}") for code in codes],
            "area_ha": table["area_ha"].to_numpy(dtype=float),
        }
    ).sort_values(["location_id", "cover"], ignore_index=True)


_NOTHING = pd.DataFrame({"place": [], "cover": [], "area_ha": []})


def _itself(value: np.ndarray) -> np.ndarray:
    return value


def _covered(seen: np.ndarray, layout: Layout, areas: gpd.GeoDataFrame) -> np.ndarray:
    """The share of each place that has data, on the raster's own plane; what lies beyond the raster has none."""
    size = shapely.area(areas.geometry.to_numpy())
    # The pieces add up to the whole but for rounding.
    return np.divide(seen * layout.step[0] * layout.step[1], size, out=np.zeros_like(size), where=size > 0) + 1e-9


def _strips(layout: Layout, bands: Mapping[str, Band], areas: gpd.GeoDataFrame, strip: int) -> Iterator[_Strip]:
    """The cells that places cover, some rows of the raster at a time."""
    # Slow to be imported, and few readers have a raster.
    import exactextract
    from exactextract.raster import NumPyRasterSource

    row, column, rows, columns = layout.part(tuple(areas.total_bounds))
    height = max(1, strip // max(1, columns))
    shapes = areas.geometry.reset_index(drop=True)
    numbered = gpd.GeoDataFrame({"place": np.arange(len(shapes))}, geometry=shapes, crs=areas.crs)
    for start in range(row, row + rows, height):
        part = (start, column, min(height, row + rows - start), columns)
        edges = layout.edges(*part)
        mine = numbered[numbered.intersects(shapely.box(*edges)).to_numpy()]
        if mine.empty or not columns:
            continue
        # Which cells a place covers hangs on the grid alone: the values are looked up afterwards.
        grid = NumPyRasterSource(np.zeros(part[2:], dtype=np.uint8), *edges, srs_wkt=layout.crs.to_wkt())
        pieces = exactextract.exact_extract(
            grid, mine, ["cell_id", "coverage"], include_cols=["place"], output="pandas"
        )
        sizes = [len(cells) for cells in pieces["cell_id"]]
        if not sum(sizes):
            continue
        cell = np.concatenate(pieces["cell_id"].to_list()).astype(np.int64)
        share = np.concatenate(pieces["coverage"].to_list()).astype(np.float64)
        ground = layout.areas(*part).reshape(-1)[cell] * share
        values = {name: read_part(*band, part).reshape(-1)[cell] for name, band in bands.items()}
        yield _Strip(np.repeat(pieces["place"].to_numpy(dtype=np.int64), sizes), share, ground, values)
