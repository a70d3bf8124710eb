"""How far ground under load settles in the end, and how unevenly."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from scipy.spatial import KDTree

from analytics.indicator import Minimum, indicator
from analytics.metric_layer import in_metres
from analytics.record import ratio, read, read_rows, refuse_parameter
from analytics.settlement_curves import hyperbola, recursion, usual_interval
from geodata.errors import AlmanacError

ONE = Minimum(values=1)
FIVE_READINGS = Minimum(values=5)
NEEDS = ("settlement_mm",)
# Points nearer to each other than this are one spot: their difference is an error of measurement, not a slope.
_SAME_SPOT_M = 1.0
_MOST_PAIRS = 50_000_000


@indicator(
    code="S5",
    domain="ground_motion",
    unit="share",
    formula="βᵢ = maxⱼ |δᵢ − δⱼ| / Lᵢⱼ, 1 m ≤ Lᵢⱼ ≤ 200 m",
    table="layer",
    needs=NEEDS,
    better="lower",
    minimum=ONE,
    authority="Skempton and MacDonald",
    edition="1956",
    reference="https://doi.org/10.1680/ipeds.1956.12202",
    caveat="It is a slope of the ground between measured points: a stiff building may bend less than the ground.",
    undefined="No other point with a value lies within the distance.",
    standard="skempton_macdonald_1956",
)
def angular_distortion(
    layer: gpd.GeoDataFrame, *, crs_metric: str | int | pyproj.CRS, within_m: float = 200.0
) -> pd.Series:
    """Uneven settlement: the steepest tilt of the ground towards the points near it.

    Parameters
    ----------
    layer : points or small areas with `settlement_mm`; the sign does not matter, but must be the same for all.
    crs_metric : the region's projection in metres, in which distances are taken.
    within_m : points up to this far apart are adjacent. Take the spacing of the piers or of the grid.

    Returns
    -------
    The largest difference of settlement over distance, by `location_id`, without unit: 0.002 is 1 in 500.

    Raises
    ------
    AlmanacError
        Where the layer lies outside the projection, the distance is not positive, or it joins too many points.

    Notes
    -----
    β = max |Δδ|/L over the points within the distance, L taken between centroids in metres. Points less than 1 m
    apart are one spot and make no pair; a point without a value takes part in none. Open choices: β is not reduced
    by the tilt of the building as a whole, which cannot be known from the ground, so that it errs to the safe side
    (Skempton and MacDonald take the rigid tilt off). It grows as points lie closer, with the errors of measurement:
    1 mm over 10 m is already 1 in 10,000. For velocities of mm per year, hand over velocity × years as settlement.

    References
    ----------
    Skempton, A. W., MacDonald, D. H. (1956): The allowable settlements of buildings. Proc. ICE 5(6), 727–768.
    https://doi.org/10.1680/ipeds.1956.12202
    Bjerrum, L. (1963): Allowable settlement of structures. Proc. 3rd European Conf. Soil Mech. 2, 135–137.

    Examples
    --------
    >>> import shapely
    >>> piers = gpd.GeoDataFrame(
    ...     {"settlement_mm": [10.0, 30.0]},
    ...     geometry=[shapely.Point(500_000, 4_000_000), shapely.Point(500_010, 4_000_000)],
    ...     index=pd.Index(["p1", "p2"], name="location_id"),
    ...     crs="EPSG:32633",
    ... )
    >>> angular_distortion(piers, crs_metric=32633).round(6).to_dict()
    {'p1': 0.002, 'p2': 0.002}
    """
    if not within_m > 0:
        raise refuse_parameter("within_m", within_m, wanted="a distance in metres above zero")
    rows = read_rows(layer, *NEEDS, signed=NEEDS)
    centre = in_metres(layer, crs_metric).centroid.loc[rows.index]
    settled = rows[NEEDS[0]].to_numpy()
    known = np.flatnonzero(np.isfinite(settled))
    steepest = np.full(len(rows), -np.inf)
    if len(known) > 1:
        tree = KDTree(np.column_stack([centre.x, centre.y])[known])
        if tree.count_neighbors(tree, within_m) > _MOST_PAIRS:
            raise AlmanacError(
                "Within {distance} m there are too many pairs of points to compare.",
                hint="Choose a shorter distance, such as the spacing of the points.",
                distance=within_m,
            )
        pairs = tree.query_pairs(within_m, output_type="ndarray")
        apart = np.linalg.norm(tree.data[pairs[:, 0]] - tree.data[pairs[:, 1]], axis=1)
        pairs, apart = known[pairs[apart >= _SAME_SPOT_M]], apart[apart >= _SAME_SPOT_M]
        slope = np.abs(settled[pairs[:, 0]] - settled[pairs[:, 1]]) / 1000 / apart
        np.maximum.at(steepest, pairs[:, 0], slope)
        np.maximum.at(steepest, pairs[:, 1], slope)
    found = np.where(np.isfinite(steepest), steepest, np.nan)
    return pd.Series(found, index=rows.index, name="angular_distortion")


@indicator(
    code="S6a",
    domain="ground_motion",
    unit="mm",
    formula="s∞ = s₀ + 1 / b, t / (s − s₀) = a + b·t",
    needs=NEEDS,
    better="lower",
    minimum=FIVE_READINGS,
    authority="Hyperbolic method",
    edition="Tan, Inoue and Lee 1991",
    reference="Tan, Inoue and Lee (1991), Journal of Geotechnical Engineering 117(11), 1723–1737",
    caveat="It holds for one load on one soil: a new load, pumping or creep changes the end that it foresees.",
    undefined="The readings do not bend towards an end as a hyperbola would.",
)
def settlement_hyperbolic(panel: pd.DataFrame, *, start: str | None = None, least_mm: float = 1.0) -> pd.Series:
    """Final settlement, hyperbolic method: how far the ground will have settled in the end.

    Parameters
    ----------
    panel : `settlement_mm`, positive downward, at any dates.
    start : the day on which the full load was there; None takes the first reading of each place.
    least_mm : readings that have settled less than this since the start are left out of the line.

    Returns
    -------
    The settlement at the end of all time, by `location_id`, mm, on the scale of the readings.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.
    AlmanacError
        Where the start is no date.

    Notes
    -----
    t/(s − s₀) = a + b·t by least squares, s∞ = s₀ + 1/b, with t from the first reading s₀ on or after the start.
    It is withheld where b ≤ 0 (no end), a ≤ 0 (an infinite rate within the record) or fewer than 4 readings follow
    s₀. Open choices: readings that have hardly settled are left out, since t/(s − s₀) magnifies their errors;
    1/b is not reduced by the factor for the theory of consolidation that some authors apply (0.76 for one-way
    drainage), so it includes later compression. It usually foresees too much while less than about 60 % has settled.

    References
    ----------
    Tan, T. S., Inoue, T., Lee, S. L. (1991): Hyperbolic method for consolidation analysis. J. Geotech. Eng.
    117(11), 1723–1737.

    Examples
    --------
    >>> days = np.arange(0, 300, 30)
    >>> panel = pd.DataFrame({"location_id": "a", "settlement_mm": days / (0.5 + 0.01 * days)})
    >>> panel["time"] = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(days, unit="D")
    >>> settlement_hyperbolic(panel).round(6).to_dict()
    {'a': 100.0}
    """
    record = read(panel, *NEEDS, minimum=FIVE_READINGS, signed=NEEDS)
    settled, days = record[NEEDS[0]], _days(record.times)
    first, _, _, slope = hyperbola(settled, days, start=_start(start, record.times), least=least_mm)
    return record.series(first + ratio(np.ones(len(slope)), slope), "settlement_hyperbolic")


@indicator(
    code="S6b",
    domain="ground_motion",
    unit="mm",
    formula="s∞ = β₀ / (1 − β₁), sᵢ = β₀ + β₁·sᵢ₋₁",
    needs=NEEDS,
    better="lower",
    minimum=FIVE_READINGS,
    authority="Asaoka",
    edition="1978",
    reference="https://doi.org/10.3208/sandf1972.18.4_87",
    caveat="It foresees the end of consolidation under one load, without the slow creep that follows.",
    undefined="The steps from reading to reading do not shrink towards an end.",
)
def settlement_asaoka(panel: pd.DataFrame, *, start: str | None = None, interval_days: int | None = None) -> pd.Series:
    """Final settlement, Asaoka's method: how far the ground will have settled in the end.

    Parameters
    ----------
    panel : `settlement_mm`, positive downward, read on whole days.
    start : the day on which the full load was there; None takes all readings.
    interval_days : the days from one reading to the next. None takes the most common number in the panel.

    Returns
    -------
    The settlement at the end of consolidation, by `location_id`, mm, on the scale of the readings.

    Raises
    ------
    BrokenData
        Where the panel cannot be read, or is read within the day; see `analytics.record.read`.
    AlmanacError
        Where the start is no date or the interval not at least a day.

    Notes
    -----
    sᵢ = β₀ + β₁·sᵢ₋₁ by least squares over all pairs of readings exactly one interval apart, s∞ = β₀/(1 − β₁). It
    is withheld where β₁ ≥ 1 (no end), β₁ ≤ 0 (the steps alternate) or there are fewer than 4 pairs. Open choices:
    nothing is interpolated between readings, as Asaoka's drawing does; a pair with a missing reading is left out.
    Errors of the readings pull β₁ towards zero, and with it the foreseen end towards the readings there are: the
    interval should be long enough for steps well above the errors.

    References
    ----------
    Asaoka, A. (1978): Observational procedure of settlement prediction. Soils and Foundations 18(4), 87–101.
    https://doi.org/10.3208/sandf1972.18.4_87

    Examples
    --------
    >>> weeks = pd.date_range("2020-01-01", periods=8, freq="7D", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": weeks, "settlement_mm": 100 * (1 - 0.8 ** np.arange(8))})
    >>> settlement_asaoka(panel).round(6).to_dict()
    {'a': 100.0}
    """
    if interval_days is not None and interval_days < 1:
        raise refuse_parameter("interval_days", interval_days, wanted="a whole number of days from 1 on")
    record = read(panel, *NEEDS, minimum=FIVE_READINGS, signed=NEEDS, steps=("1 day",))
    settled, days = record[NEEDS[0]], _days(record.times)
    settled = np.where(days >= _start(start, record.times), settled, np.nan)
    lag = int(interval_days or usual_interval(settled))
    intercept, slope = recursion(settled, lag)
    return record.series(ratio(intercept, 1 - slope, least=1e-6), "settlement_asaoka")


def _days(times: pd.DatetimeIndex) -> np.ndarray:
    return times.to_numpy("datetime64[us]").astype(np.int64) / 86_400e6


def _start(start: str | None, times: pd.DatetimeIndex) -> float:
    """The start in days since 1970; before all readings where there is none."""
    if start is None:
        return -np.inf
    try:
        moment = pd.to_datetime([start], utc=True).tz_localize(None)
    except (ValueError, TypeError):
        raise refuse_parameter("start", start, wanted="a date such as 2020-05-01") from None
    return float(_days(moment)[0])
