"""Where high or low values gather: neighbours, clusters and outliers, with a test against chance.

libpysal and esda are imported where they are used: they take seconds, and the command line must start at once.

All of this depends on the places that the values were summed or averaged over: the modifiable areal unit problem
(MAUP). Other borders, or larger places, give other clusters from the same people, wells or roads. A cluster is a
statement about these places, not about what lives inside them.
"""

from __future__ import annotations

import math
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy import sparse, stats
from scipy.spatial import KDTree

from geodata.errors import AlmanacError
from geodata.panel import validate_layer

if TYPE_CHECKING:
    from libpysal.graph import Graph

NO_DATA = "no data"
NOT_SIGNIFICANT = "not significant"
# In the order of esda's quadrants 1 to 4: the place's own value first, then that of its neighbours.
QUADRANTS = ("high among high", "low among high", "low among low", "high among low")
KINDS = (*QUADRANTS, NOT_SIGNIFICANT, NO_DATA)

# Fewer places have too few neighbourhoods for chance to be told from pattern.
LEAST = 10
SEED = 20_240_229
# Simplified borders of two neighbours may leave a sliver between them, or no vertex in common.
TOLERANCE_M = 50.0
# esda draws its permutations from NumPy's one global generator, so two readers at once would mix up their draws.
_GLOBAL_GENERATOR = threading.Lock()


@dataclass(frozen=True)
class GlobalMoran:
    """Whether high values lie near high values in the region as a whole.

    i : Moran's I; above `expected` like lies near like, below it unlike does. NaN where there is not enough
    expected : its mean if values were scattered by chance, -1/(n - 1)
    z : how many standard deviations of the permutations I lies from their mean
    p_value : two-sided, from the permutations
    n : how many places have a value
    """

    i: float
    expected: float
    z: float
    p_value: float
    n: int


def neighbours(
    layer: gpd.GeoDataFrame, crs_metric: str | int | pyproj.CRS, *, k: int = 8, tolerance_m: float = TOLERANCE_M
) -> Graph:
    """Which places lie next to each other, and how much each neighbour counts.

    Parameters
    ----------
    layer : places, indexed by `location_id`. Points get their nearest; anything else is next to what it touches.
    crs_metric : the region's projection in metres, in which distances are taken.
    k : how many nearest points; all the others where there are no more than that.
    tolerance_m : areas and lines this near to each other touch, be it along a border or at a corner (queen).

    Returns
    -------
    libpysal.graph.Graph, with the location ids in the layer's order as `unique_ids`. The weights of every place's
    neighbours are equal and sum to 1. It does not depend on the order of the rows. Callers keep it: it takes up to
    half a second for 1,500 municipalities.

    Raises
    ------
    AlmanacError
        If the layer is not valid, if the projection is not in metres, or if places lie outside it.

    Notes
    -----
    What touches nothing (an island, a municipality behind a gap) is joined with its nearest, both ways: a place
    without neighbours would have no statistic. Nearest points are not mutual: a remote gauge has neighbours whose
    own nearest it is not. A tolerance wider than a place is narrow joins the places on either side of it.

    Examples
    --------
    >>> squares = [shapely.box(x, 0, x + 1000, 1000) for x in (0, 1000, 2010)]
    >>> row = gpd.GeoDataFrame(geometry=squares, index=pd.Index(["a", "b", "c"], name="location_id"), crs=32633)
    >>> neighbours(row, 32633)["b"].to_dict()
    {'a': 0.5, 'c': 0.5}
    """
    from libpysal.graph import Graph

    shapes = _projected(layer, crs_metric)
    n = len(shapes)
    if bool((shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all()):
        focal, neighbour = _nearest_points(shapes, k)
    else:
        focal, neighbour = _touching(shapes, tolerance_m)
    return _graph(Graph, focal, neighbour, n, layer.index)


def clusters(
    values: pd.Series,
    weights: Graph,
    *,
    permutations: int = 999,
    seed: int = SEED,
    false_discovery_rate: float = 0.05,
) -> pd.DataFrame:
    """Where high values lie among high ones, low among low, and which places differ from those around them.

    Parameters
    ----------
    values : one number per place, any unit, indexed by `location_id`; missing is NaN.
    weights : from `neighbours`, of these places; it may hold others too, which count as missing.
    permutations : how often the values of all other places are shuffled. See Notes for how many are enough.
    seed : the same seed gives the same result.
    false_discovery_rate : the share of false alarms among the places called significant, on average.

    Returns
    -------
    DataFrame indexed like `values`:
        local_i : local Moran's I; positive among its like, negative where a place differs from its neighbours
        z : how many standard deviations local_i lies from the mean of the permutations
        p_value : two-sided, from the permutations
        significant : whether it stands after Benjamini-Hochberg control
        kind : one of `KINDS`. "High" is above the mean of all places, for the place and for its neighbours' mean
    A place without a value, or all of whose neighbours have none, is "no data" with NaN; so are all places if fewer
    than 10 have a value, if all values are equal, or if no two neighbours have a value: too little to judge, which is
    not an error.

    Raises
    ------
    AlmanacError
        If values are infinite, ids stand twice, or a place with a value is not among the weights.

    Notes
    -----
    I_i = (z_i / m2) × sum_j w_ij z_j with z the deviations from the mean, w summing to 1 over the neighbours, and
    m2 = sum z² / (n - 1). This is esda's convention and that of spdep's localmoran(mlvar=FALSE); Anselin (1995) and
    spdep's default divide by n, which makes every I_i larger by n/(n - 1). Nothing else changes.

    Open choices, and how they were resolved. (1) p is two-sided, 2 (smaller tail + 1) / (permutations + 1), with
    ties counted in both tails. GeoDa and esda's p_sim give the one tail, half of it, which lets twice as many false
    alarms through. (2) Missing places are taken out of values and weights, and the remaining neighbours of each place
    share its weight anew. (3) Places are put in the order of their values before drawing, so that neither the order
    of rows nor the names of places changes a result. It does change with the version of NumPy, and if numba is
    installed.

    p cannot fall below 2/(permutations + 1). For a single place to stand out among n it must fall below
    false_discovery_rate / n: `enough_permutations(n)` says how many that takes. With fewer, only clusters that many
    places share are found; none is invented.

    The modifiable areal unit problem: other borders give other clusters. Rates of small populations vary most, and
    so come out as outliers; smooth them first. Neighbourhoods overlap, so tests of neighbours are not independent;
    Benjamini-Hochberg holds under such positive dependence.

    References
    ----------
    Anselin, L. (1995). Geographical Analysis 27, 93-115. https://doi.org/10.1111/j.1538-4632.1995.tb00338.x
    Benjamini, Y., Hochberg, Y. (1995). J. R. Stat. Soc. B 57, 289-300. https://doi.org/10.1111/j.2517-6161.1995.tb02031.x
    Caldas de Castro, M., Singer, B. H. (2006). Geographical Analysis 38, 180-208 (on control over many places).
    Openshaw, S. (1984). The Modifiable Areal Unit Problem. Geo Books, Norwich.

    Examples
    --------
    >>> squares = [shapely.box(x, y, x + 1000, y + 1000) for x in range(0, 12000, 1000) for y in (0, 1000, 2000)]
    >>> ids = pd.Index([f"place {i:02}" for i in range(36)], name="location_id")
    >>> weights = neighbours(gpd.GeoDataFrame(geometry=squares, index=ids, crs=32633), 32633)
    >>> result = clusters(pd.Series([9.0] * 12 + [5.0, 4.0] * 6 + [1.0] * 12, ids), weights)
    >>> result["kind"].loc[["place 04", "place 16", "place 31"]].to_list()
    ['high among high', 'not significant', 'low among low']
    """
    from esda.moran import Moran_Local
    from libpysal.graph import Graph

    kind = pd.Categorical([NO_DATA] * len(values), categories=list(KINDS))
    result = pd.DataFrame(
        {"local_i": np.nan, "z": np.nan, "p_value": np.nan, "significant": False, "kind": kind}, index=values.index
    )
    found = _with_values(values, weights)
    if found is None:
        return result
    at, number, links = found
    first, second = links.nonzero()
    with _GLOBAL_GENERATOR, warnings.catch_warnings():
        # These speak to esda's own programmers: coming changes of its options, and how its matrices are stored.
        warnings.simplefilter("ignore")
        state = np.random.get_state()
        graph = _graph(Graph, first, second, len(number), pd.RangeIndex(len(number)))
        local = Moran_Local(number, graph, transformation="r", permutations=permutations, n_jobs=1, seed=seed)
        np.random.set_state(state)
    p_value = _two_sided(local.Is, local.sim)
    alone = links.sum(axis=1) == 0
    p_value[alone] = np.nan
    significant = np.zeros(len(number), dtype=bool)
    significant[~alone] = stats.false_discovery_control(p_value[~alone]) <= false_discovery_rate
    named = np.where(significant, np.array(QUADRANTS, dtype=object)[local.q - 1], NOT_SIGNIFICANT)
    result["local_i"] = _spread(np.where(alone, np.nan, local.Is), at, len(values))
    result["z"] = _spread(np.where(alone, np.nan, local.z_sim), at, len(values))
    result["p_value"] = _spread(p_value, at, len(values))
    flags = np.zeros(len(values), dtype=bool)
    flags[at] = significant
    result["significant"] = flags
    kind[at] = np.where(alone, NO_DATA, named)
    result["kind"] = kind
    return result


def global_moran(values: pd.Series, weights: Graph, *, permutations: int = 999, seed: int = SEED) -> GlobalMoran:
    """Whether high values lie near high values in the region as a whole, more than chance would have it.

    Parameters
    ----------
    values, weights, permutations, seed : as for `clusters`.

    Returns
    -------
    GlobalMoran, all NaN but n where there is too little to judge (see `clusters`).

    Notes
    -----
    I = (n / sum w) × sum_ij w_ij z_i z_j / sum z². I and its expectation are esda's; the permutations are drawn
    here, as esda's draw without a seed. The p-value is two-sided. The modifiable areal unit problem: I depends on
    the borders, and usually grows when small places are merged.

    References
    ----------
    Moran, P. A. P. (1950). Biometrika 37, 17-23. https://doi.org/10.2307/2332142
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes. Pion, London.
    """
    from esda.moran import Moran
    from libpysal.graph import Graph

    found = _with_values(values, weights)
    if found is None:
        n = int(np.isfinite(values.to_numpy(dtype=float, na_value=np.nan)).sum())
        return GlobalMoran(math.nan, math.nan, math.nan, math.nan, n)
    _, number, links = found
    first, second = links.nonzero()
    graph = _graph(Graph, first, second, len(number), pd.RangeIndex(len(number)))
    moran = Moran(number, graph, transformation="r", permutations=0)
    generator = np.random.default_rng(seed)
    deviation = number - number.mean()
    shuffled = generator.permuted(np.tile(deviation, (permutations, 1)), axis=1)
    simulated = np.einsum("ri,ri->r", shuffled, (links @ shuffled.T).T)
    simulated *= len(number) / links.sum() / (deviation**2).sum()
    p_value = _two_sided(np.array([moran.I]), simulated[:, None])[0]
    z = (moran.I - simulated.mean()) / simulated.std()
    return GlobalMoran(float(moran.I), float(moran.EI), float(z), float(p_value), len(number))


def enough_permutations(places: int, *, false_discovery_rate: float = 0.05) -> int:
    """How many permutations it takes for one single place to stand out among all.

    Examples
    --------
    >>> enough_permutations(62)
    2479
    """
    # The smallest two-sided p-value is 2/(permutations + 1), and has to come down to rate/places.
    return math.ceil(2 * places / false_discovery_rate - 1e-9) - 1


def _with_values(values: pd.Series, weights: Graph) -> tuple[np.ndarray, np.ndarray, sparse.csr_array] | None:
    """Positions, numbers and weights of the places that have a value, by rising value; None if there is not enough."""
    number = values.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(number).any():
        raise AlmanacError(
            "{n} values are infinite.", hint="Put NaN where there is no value.", n=int(np.isinf(number).sum())
        )
    if values.index.has_duplicates:
        raise AlmanacError(
            "The place {place} stands twice among the values.",
            hint="Choose one moment or one mean, so that there is one value for each place.",
            place=values.index[values.index.duplicated()][0],
        )
    ids = weights.unique_ids
    position = ids.get_indexer(values.index)
    stray = np.isfinite(number) & (position < 0)
    if stray.any():
        raise AlmanacError(
            "{n} places have a value but no neighbours are known for them, the first {place}.",
            hint="Find the neighbours in the layer that holds these places.",
            n=int(stray.sum()),
            place=values.index[stray][0],
        )
    at = np.flatnonzero(np.isfinite(number))
    at = at[np.argsort(number[at], kind="stable")]
    number = number[at]
    # Differences that are mere rounding are no differences: a constant computed as a mean may have some.
    if len(at) < LEAST or np.ptp(number) <= 1e-12 * np.abs(number).max():
        return None
    adjacency = weights.adjacency
    focal = ids.get_indexer(adjacency.index.get_level_values(0))
    neighbour = ids.get_indexer(adjacency.index.get_level_values(1))
    whole = sparse.csr_array((adjacency.to_numpy(dtype=float), (focal, neighbour)), shape=(len(ids), len(ids)))
    links = sparse.csr_array(whole[position[at]][:, position[at]])
    links.eliminate_zeros()
    if links.nnz == 0:
        return None
    first, second = links.nonzero()
    return at, number, _row_standardised(first, second, len(at))


def _two_sided(observed: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Pseudo p-values of one observed number per column of the simulated ones."""
    # Equal to the last digits is equal: the same neighbours summed in another order.
    slack = 1e-12 * np.abs(observed)
    above = (simulated >= observed - slack).sum(axis=0)
    below = (simulated <= observed + slack).sum(axis=0)
    return np.minimum(2 * (np.minimum(above, below) + 1) / (len(simulated) + 1), 1.0)


def _projected(layer: gpd.GeoDataFrame, crs_metric: str | int | pyproj.CRS) -> np.ndarray:
    validate_layer(layer)
    crs = pyproj.CRS.from_user_input(crs_metric)
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info[:2]):
        raise AlmanacError(
            "{crs} is not a projection in metres.",
            hint="Choose a projected coordinate reference system of the region, such as its UTM zone.",
            crs=crs.name,
        )
    shapes = layer.geometry.to_crs(crs).to_numpy()
    outside = ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    if outside.any():
        raise AlmanacError(
            "{n} places lie outside the projection {crs}, the first {place}.",
            hint="Look whether longitude and latitude are swapped, or choose the projection of their region.",
            n=int(outside.sum()),
            crs=crs.name,
            place=layer.index[outside][0],
        )
    return shapes


def _nearest_points(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    wanted = min(k, len(points) - 1)
    if wanted < 1:
        return np.array([], dtype=int), np.array([], dtype=int)
    where = shapely.get_coordinates(points)
    # Ties in distance, which a grid is full of, are settled by place and not by row or name.
    order = np.lexsort(where.T)
    _, found = KDTree(where[order]).query(where[order], k=wanted + 1)
    itself = found == np.arange(len(points))[:, None]
    # Among points on the same spot a point need not be its own first neighbour; then the last one found gives way.
    itself[~itself.any(axis=1), -1] = True
    return np.repeat(order, wanted), order[found[~itself]]


def _touching(shapes: np.ndarray, tolerance_m: float) -> tuple[np.ndarray, np.ndarray]:
    tree = shapely.STRtree(shapes)
    focal, neighbour = tree.query(shapes, predicate="dwithin", distance=tolerance_m)
    focal, neighbour = focal[focal != neighbour], neighbour[focal != neighbour]
    alone = np.setdiff1d(np.arange(len(shapes)), focal)
    if len(alone) and len(shapes) > 1:
        island, nearest = tree.query_nearest(shapes[alone], exclusive=True)
        island = alone[island]
        focal, neighbour = np.concatenate([focal, island, nearest]), np.concatenate([neighbour, nearest, island])
    return focal, neighbour


def _row_standardised(focal: np.ndarray, neighbour: np.ndarray, n: int) -> sparse.csr_array:
    links = sparse.csr_array((np.ones(len(focal)), (focal, neighbour)), shape=(n, n))
    # A pair that was named twice (two islands, each the other's nearest) is still one pair.
    links.sum_duplicates()
    links.data[:] = 1 / np.repeat(np.diff(links.indptr), np.diff(links.indptr))
    return links


def _graph(kind: type[Graph], focal: np.ndarray, neighbour: np.ndarray, n: int, ids: pd.Index) -> Graph:
    """The graph of these pairs of positions; a place without any is, as libpysal wants it, its own with weight 0."""
    links = _row_standardised(focal, neighbour, n).tocoo()
    alone = np.setdiff1d(np.arange(n), links.row)
    first = np.concatenate([links.row, alone])
    second = np.concatenate([links.col, alone])
    weight = np.concatenate([links.data, np.zeros(len(alone))])
    order = np.lexsort([second, first])
    # libpysal's matrices follow the order of the index's levels: with the layer's own order there, row i is place i.
    pairs = pd.MultiIndex(levels=[ids, ids], codes=[first[order], second[order]], names=["focal", "neighbor"])
    return kind(pd.Series(weight[order], index=pairs, name="weight"), transformation="R", is_sorted=True)


def _spread(column: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    whole = np.full(n, np.nan)
    whole[at] = column
    return whole
