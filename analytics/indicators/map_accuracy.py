"""How far a map of land cover can be trusted, and the areas that its errors leave standing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.indicators.transitions import refuse_unknown_cover
from analytics.record import ratio, read_rows
from geodata.errors import BrokenData

ONE_ROW = Minimum(values=1)
REFERENCE = "https://doi.org/10.1016/j.rse.2014.02.015"
AUTHORITY = "Olofsson, Foody, Herold, Stehman, Woodcock and Wulder"
# Of the normal distribution: 95 % lie within this many standard errors.
_Z = 1.959963984540054


@dataclass(frozen=True)
class _Sample:
    """Checked samples by place, mapped class and class found.

    counts : places × mapped × found
    weights : places × mapped, the share of the area that each class has on the map
    area : by place, in hectares
    usable : by place: every class on the map was checked at two points or more
    """

    places: pd.Index
    covers: pd.Index
    counts: np.ndarray
    weights: np.ndarray
    area: np.ndarray
    usable: np.ndarray

    @property
    def drawn(self) -> np.ndarray:
        """How many points were checked in each mapped class; NaN for none."""
        total = self.counts.sum(axis=2)
        return np.where(total > 0, total, np.nan)

    @property
    def shares(self) -> np.ndarray:
        """Of each mapped class, the share of its points found to be of each class."""
        return np.nan_to_num(self.counts / self.drawn[:, :, None])

    def variance(self, shares: np.ndarray) -> np.ndarray:
        """Of a share estimated within each mapped class, sampled without regard to the rest."""
        return np.nan_to_num(shares * (1.0 - shares) / np.maximum(self.drawn - 1.0, 1.0))

    def result(self, value: np.ndarray, error: np.ndarray, top: np.ndarray | float) -> pd.DataFrame:
        value = np.where(self.usable, value, np.nan)
        reach = _Z * np.where(self.usable, error, np.nan)
        return pd.DataFrame(
            {"value": value, "low": np.maximum(value - reach, 0.0), "high": np.minimum(value + reach, top)},
            index=self.places,
        )


@indicator(
    code="L17f",
    domain="natural_resources",
    unit="percent",
    formula="O = 100 · Σᵢ Wᵢ · nᵢᵢ / nᵢ",
    needs=("map_area_ha", "points_count"),
    table="table",
    better="higher",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2014",
    reference=REFERENCE,
    caveat="It holds for points drawn at random within each mapped class, if what was found there is right.",
    undefined="A class of the map was checked at fewer than two points.",
)
def map_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Map accuracy: how much of the land is shown on the map as what it is.

    Parameters
    ----------
    table : a row per place, `map_cover` and `reference_cover`, with `points_count`, how many of the points drawn where
        the map shows the one were found to be the other, and `map_area_ha`, the area that the map gives the first.

    Returns
    -------
    Percent of the area by `location_id`, with a 95 % interval, cut at 0 and 100.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or gives a mapped class two areas.

    Notes
    -----
    O = Σ W_i · n_ii / n_i with W_i the mapped class's share of the area, and V(O) = Σ W_i² · U_i (1 − U_i) / (n_i − 1).
    A pair without a row was not found. Intervals are normal ones, ± 1.96 standard errors.

    References
    ----------
    Olofsson, P. et al. (2014): Good practices for estimating area and assessing accuracy of land change. Remote
    Sensing of Environment 148, 42–57, equations 1, 5.

    Examples
    --------
    >>> points = pd.DataFrame({"location_id": "a", "map_cover": ["forest", "forest", "crops", "crops"],
    ...     "reference_cover": ["forest", "crops", "crops", "forest"], "points_count": [45, 5, 40, 10],
    ...     "map_area_ha": [300.0, 300.0, 700.0, 700.0]})
    >>> map_accuracy(points).round(1).loc["a"].to_dict()
    {'value': 83.0, 'low': 74.8, 'high': 91.2}
    """
    found = _read(table)
    right = np.diagonal(found.shares, axis1=1, axis2=2)
    error = np.sqrt((found.weights**2 * found.variance(right)).sum(axis=1))
    return found.result(100.0 * (found.weights * right).sum(axis=1), 100.0 * error, 100.0)


@indicator(
    code="L17g",
    domain="natural_resources",
    unit="percent",
    formula="Uᵢ = 100 · nᵢᵢ / nᵢ",
    needs=("map_area_ha", "points_count"),
    table="table",
    better="higher",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2014",
    reference=REFERENCE,
    caveat="It says how often the map is right where it shows the cover, not how much of the cover it misses.",
    undefined="A class of the map was checked at fewer than two points, or the map does not show the cover.",
)
def users_accuracy(table: pd.DataFrame, *, cover: str = "forest") -> pd.DataFrame:
    """User's accuracy: of what the map shows as forest, or the cover chosen, how much is.

    Parameters
    ----------
    table : as for `map_accuracy`.
    cover : the class of land cover.

    Returns
    -------
    Percent by `location_id`, with a 95 % interval, cut at 0 and 100.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or gives a mapped class two areas.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    U_i = n_ii / n_i, V(U_i) = U_i (1 − U_i) / (n_i − 1).

    References
    ----------
    Olofsson, P. et al. (2014): Good practices for estimating area and assessing accuracy of land change. Remote
    Sensing of Environment 148, 42–57, equations 2, 6.

    Examples
    --------
    >>> points = pd.DataFrame({"location_id": "a", "map_cover": ["forest", "forest", "crops", "crops"],
    ...     "reference_cover": ["forest", "crops", "crops", "forest"], "points_count": [45, 5, 40, 10],
    ...     "map_area_ha": [300.0, 300.0, 700.0, 700.0]})
    >>> users_accuracy(points).round(1).loc["a"].to_dict()
    {'value': 90.0, 'low': 81.6, 'high': 98.4}
    """
    found = _read(table)
    i = _position(found, cover)
    shown = np.where(found.counts[:, i].sum(axis=1) > 0, found.shares[:, i, i], np.nan)
    return found.result(100.0 * shown, 100.0 * np.sqrt(found.variance(found.shares[:, :, i])[:, i]), 100.0)


@indicator(
    code="L17h",
    domain="natural_resources",
    unit="percent",
    formula="Pⱼ = 100 · pⱼⱼ / Σᵢ pᵢⱼ, pᵢⱼ = Wᵢ · nᵢⱼ / nᵢ",
    needs=("map_area_ha", "points_count"),
    table="table",
    better="higher",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2014",
    reference=REFERENCE,
    caveat="For rare covers it rests on few points: look at its interval before its value.",
    undefined="A class of the map was checked at fewer than two points, or the cover was found nowhere.",
)
def producers_accuracy(table: pd.DataFrame, *, cover: str = "forest") -> pd.DataFrame:
    """Producer's accuracy: of the forest, or the cover chosen, how much the map shows.

    Parameters
    ----------
    table : as for `map_accuracy`.
    cover : the class of land cover.

    Returns
    -------
    Percent of the cover's area by `location_id`, with a 95 % interval, cut at 0 and 100.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or gives a mapped class two areas.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    P_j = p_jj / p_j with p_ij = W_i · n_ij / n_i. Its variance is equation 7, whose second sum leaves out the mapped
    class j itself; the R package mapaccuracy 0.1.2 leaves it in, which widens the interval.

    References
    ----------
    Olofsson, P. et al. (2014): Good practices for estimating area and assessing accuracy of land change. Remote
    Sensing of Environment 148, 42–57, equations 3, 7.

    Examples
    --------
    >>> points = pd.DataFrame({"location_id": "a", "map_cover": ["forest", "forest", "crops", "crops"],
    ...     "reference_cover": ["forest", "crops", "crops", "forest"], "points_count": [45, 5, 40, 10],
    ...     "map_area_ha": [300.0, 300.0, 700.0, 700.0]})
    >>> producers_accuracy(points).round(1).loc["a"].to_dict()
    {'value': 65.9, 'low': 53.1, 'high': 78.6}
    """
    found = _read(table)
    j = _position(found, cover)
    cells = found.weights * found.shares[:, :, j]
    area = cells.sum(axis=1)
    share = ratio(cells[:, j], area)
    spread = found.weights**2 * found.variance(found.shares[:, :, j])
    others = spread.sum(axis=1) - spread[:, j]
    own = found.weights[:, j] ** 2 * (1.0 - share) ** 2 * found.variance(found.shares[:, :, j])[:, j]
    return found.result(100.0 * share, 100.0 * np.sqrt(ratio(own + share**2 * others, area**2)), 100.0)


@indicator(
    code="L17i",
    domain="natural_resources",
    unit="ha",
    formula="Aⱼ = A · Σᵢ Wᵢ · nᵢⱼ / nᵢ",
    needs=("map_area_ha", "points_count"),
    table="table",
    better="neither",
    minimum=ONE_ROW,
    authority=AUTHORITY,
    edition="2014",
    reference=REFERENCE,
    caveat="The interval is that of the sample; an area of change whose interval holds zero is not shown to exist.",
    undefined="A class of the map was checked at fewer than two points.",
)
def cover_area(table: pd.DataFrame, *, cover: str = "forest") -> pd.DataFrame:
    """Area of a land cover, the map's errors taken out: forest, or the cover chosen.

    Parameters
    ----------
    table : as for `map_accuracy`.
    cover : the class of land cover; for change, a class such as *deforestation*.

    Returns
    -------
    Hectares by `location_id`, with a 95 % interval, cut at 0 and at the area of the place.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or gives a mapped class two areas.
    UnknownName
        Where no place has this cover.

    Notes
    -----
    A_j = A · Σ_i W_i · n_ij / n_i, with the standard error A · √Σ_i W_i² · (n_ij/n_i)(1 − n_ij/n_i) / (n_i − 1). It
    differs from the area counted on the map by what the map got wrong.

    References
    ----------
    Olofsson, P. et al. (2014): Good practices for estimating area and assessing accuracy of land change. Remote
    Sensing of Environment 148, 42–57, equations 9 to 11.

    Examples
    --------
    >>> points = pd.DataFrame({"location_id": "a", "map_cover": ["forest", "forest", "crops", "crops"],
    ...     "reference_cover": ["forest", "crops", "crops", "forest"], "points_count": [45, 5, 40, 10],
    ...     "map_area_ha": [300.0, 300.0, 700.0, 700.0]})
    >>> cover_area(points).round(1).loc["a"].to_dict()
    {'value': 410.0, 'low': 327.7, 'high': 492.3}
    """
    found = _read(table)
    j = _position(found, cover)
    shares = found.shares[:, :, j]
    error = np.sqrt((found.weights**2 * found.variance(shares)).sum(axis=1))
    return found.result(found.area * (found.weights * shares).sum(axis=1), found.area * error, found.area)


def _read(table: pd.DataFrame) -> _Sample:
    rows = read_rows(table, "map_area_ha", "points_count", keys=("map_cover", "reference_cover")).reset_index()
    rows["map_cover"] = rows["map_cover"].astype(str)
    rows["reference_cover"] = rows["reference_cover"].astype(str)
    areas = rows.groupby(["location_id", "map_cover"])["map_area_ha"].agg(["min", "max"])
    twice = (areas["max"] > areas["min"] * (1 + 1e-9)).to_numpy()
    if twice.any():
        place, cover = areas.index[twice][0]
        raise BrokenData(
            "{place} gives the mapped cover “{cover}” more than one area.",
            hint="Repeat the one area that the map gives it on every row of that cover.",
            place=place,
            cover=cover,
        )
    places = pd.Index(rows["location_id"].unique(), name="location_id")
    covers = pd.Index(sorted({*rows["map_cover"], *rows["reference_cover"]}))
    where = places.get_indexer(rows["location_id"]), covers.get_indexer(rows["map_cover"])
    counts = np.zeros((len(places), len(covers), len(covers)))
    counts[(*where, covers.get_indexer(rows["reference_cover"]))] = rows["points_count"]
    mapped = np.zeros((len(places), len(covers)))
    mapped[where] = rows["map_area_ha"]
    known = np.isfinite(counts).all(axis=(1, 2)) & np.isfinite(mapped).all(axis=1)
    counts[~known], mapped[~known] = 0.0, 0.0
    area = mapped.sum(axis=1)
    checked = ((counts.sum(axis=2) >= 2) | (mapped == 0)).all(axis=1)
    weights = np.divide(mapped, area[:, None], out=np.zeros_like(mapped), where=area[:, None] > 0)
    return _Sample(places, covers, counts, weights, area, known & checked & (area > 0))


def _position(found: _Sample, cover: str) -> int:
    refuse_unknown_cover(cover, found.covers)
    return int(found.covers.get_loc(cover))
