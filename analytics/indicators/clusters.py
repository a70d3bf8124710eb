"""Where high and low values gather, as indicators; the statistics are those of `analytics.spatial_statistics`."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from analytics.indicator import Minimum, indicator
from analytics.record import read_rows
from geodata.errors import BrokenData

TEN_PLACES = "Fewer than ten places have a value, or all have the same, or the place has no neighbour with one."
NEEDS = ("value",)
ONE = Minimum(values=1)
BORDERS = "It depends on the borders: other or larger places give other clusters from the same data."


@indicator(
    code="X10a",
    domain="cross_domain",
    unit="share",
    formula="Iᵢ = (zᵢ / m₂) · Σⱼ wᵢⱼ zⱼ, z = x − x̄, m₂ = Σz² / (n − 1), Σⱼ wᵢⱼ = 1",
    table="layer",
    needs=NEEDS,
    better="neither",
    minimum=ONE,
    authority="Anselin",
    edition="1995",
    reference="https://doi.org/10.1111/j.1538-4632.1995.tb00338.x",
    caveat=BORDERS,
    undefined=TEN_PLACES,
)
def local_moran(
    layer: gpd.GeoDataFrame,
    *,
    crs_metric: str | int | pyproj.CRS,
    column: str = "value",
    k: int = 8,
    permutations: int = 999,
) -> pd.DataFrame:
    """Local clustering: whether a place is like its neighbours, or stands out among them.

    Parameters
    ----------
    layer : places with geometry, one row each, and a value.
    crs_metric : the region's projection in metres, in which neighbours are found.
    column : the value, in any unit; `value` unless said otherwise.
    k : how many nearest points are neighbours; areas are neighbours where they touch.
    permutations : how often the values are shuffled for the p-value.

    Returns
    -------
    `value` and `p_value` by `location_id`: local Moran's I, positive among its like and negative where a place
    differs from its neighbours, and how likely so much would be by chance, before control for many places.

    Raises
    ------
    AlmanacError
        Where the layer or the projection is not usable; see `analytics.spatial_statistics`.

    Notes
    -----
    I_i = (z_i/m₂)·Σ w_ij z_j, m₂ = Σz²/(n − 1), as `analytics.spatial_statistics.clusters` defines it, which also
    names the clusters and controls false discoveries: a page shows those names, this number stands behind them.

    References
    ----------
    Anselin, L. (1995): Local indicators of spatial association. Geographical Analysis 27, 93–115.

    Examples
    --------
    >>> import shapely
    >>> row = [shapely.box(x, 0, x + 1000, 1000) for x in range(400_000, 412_000, 1000)]
    >>> ids = pd.Index([f"p{i:02}" for i in range(12)], name="location_id")
    >>> layer = gpd.GeoDataFrame({"value": [9.0] * 6 + [1.0] * 6}, geometry=row, index=ids, crs=32633)
    >>> local_moran(layer, crs_metric=32633)["value"].round(3).loc[["p00", "p05"]].to_dict()
    {'p00': 0.917, 'p05': 0.0}
    """
    from analytics.spatial_statistics import clusters, neighbours

    values = read_rows(layer, column, signed=(column,))[column]
    found = clusters(values, neighbours(layer, crs_metric, k=k), permutations=permutations)
    return found[["local_i", "p_value"]].rename(columns={"local_i": "value"})


@indicator(
    code="X10b",
    domain="cross_domain",
    unit="share",
    formula="I = (n / Σw) · Σᵢⱼ wᵢⱼ zᵢ zⱼ / Σz², z = x − x̄",
    table="table",
    needs=NEEDS,
    better="neither",
    minimum=Minimum(values=10),
    authority="Moran; Cliff and Ord",
    edition="1950; 1981",
    reference="https://doi.org/10.2307/2332142",
    caveat=BORDERS,
    undefined="Fewer than ten parts have a value, or all have the same.",
)
def global_moran(
    table: gpd.GeoDataFrame,
    *,
    crs_metric: str | int | pyproj.CRS,
    column: str = "value",
    k: int = 8,
    permutations: int = 999,
) -> pd.DataFrame:
    """Clustering as a whole: whether like lies near like more than chance would have it.

    Parameters
    ----------
    table : a layer of parts: `location_id` is the area, `unit_id` tells its parts apart, and a value.
    crs_metric, column, k, permutations : as for `local_moran`.

    Returns
    -------
    `value` and `p_value` by `location_id`: Moran's I, near −1/(n − 1) where values are scattered and up to about 1
    where like lies near like, and how likely so much would be by chance (two-sided).

    Raises
    ------
    BrokenData, AlmanacError
        Where there is no geometry or no `unit_id`, or the projection is not usable.

    Notes
    -----
    I = (n/Σw)·Σ w_ij z_i z_j/Σz², of `analytics.spatial_statistics.global_moran`, once per area.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981): Spatial Processes. Pion, London.

    Examples
    --------
    >>> import shapely
    >>> row = [shapely.box(x, 0, x + 1000, 1000) for x in range(400_000, 412_000, 1000)]
    >>> parts = gpd.GeoDataFrame({"value": [9.0] * 6 + [1.0] * 6}, geometry=row, crs=32633)
    >>> parts = parts.assign(location_id="a", unit_id=[f"p{i:02}" for i in range(12)])
    >>> global_moran(parts, crs_metric=32633)["value"].round(3).to_dict()
    {'a': 0.833}
    """
    from analytics import spatial_statistics

    rows = read_rows(table, column, keys=("unit_id",), signed=(column,))
    if not isinstance(table, gpd.GeoDataFrame):
        raise BrokenData("The table has no geometry.", hint="Hand over a layer of the parts, with their shapes.")
    areas = table["location_id"] if "location_id" in table.columns else table.index.to_series()
    parts = table.set_axis(areas.to_numpy(), axis="index")
    found = {}
    for area, values in rows.groupby(level=0, sort=True):
        shapes = parts[parts.index == area]
        shapes = gpd.GeoDataFrame(
            geometry=shapes.geometry.to_numpy(),
            index=pd.Index(shapes["unit_id"].astype(str), name="location_id"),
            crs=table.crs,
        )
        of_part = values.set_index(values["unit_id"].astype(str).rename("location_id"))[column]
        weights = spatial_statistics.neighbours(shapes, crs_metric, k=k)
        moran = spatial_statistics.global_moran(of_part, weights, permutations=permutations)
        found[area] = (moran.i, moran.p_value)
    index = pd.Index(list(found), name="location_id", dtype="str")
    return pd.DataFrame(np.array(list(found.values())).reshape(-1, 2), columns=["value", "p_value"], index=index)
