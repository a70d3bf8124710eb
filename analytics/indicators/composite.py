"""Many measures as one: brought to one scale, and put together with weights that someone answers for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read_rows, refuse_parameter
from geodata.errors import AlmanacError

Method = Literal["min_max", "z", "percentile_rank", "distance_to_target"]
METHODS = ("min_max", "z", "percentile_rank", "distance_to_target")
ONE = Minimum(values=1)
AUTHORITY = "OECD and Joint Research Centre of the European Commission"
HANDBOOK = "https://doi.org/10.1787/9789264043466-en"
SCORES = ("score_share",)


@indicator(
    code="X1",
    domain="cross_domain",
    unit="share",
    formula="(x − min x) / (max x − min x); (x − μ) / σ; (n₋ + n₌ / 2) / n; (x − x₀) / (x₁ − x₀)",
    table="layer",
    needs=("value_share",),
    better="higher",
    minimum=ONE,
    authority=AUTHORITY,
    edition="2008",
    reference=HANDBOOK,
    caveat="It tells how a place stands among the others shown, or from a target: it is no measure by itself.",
    undefined="All places have the same value, so that none stands above another.",
)
def normalised(
    layer: pd.DataFrame,
    *,
    column: str = "value_share",
    method: Method = "min_max",
    better: Literal["higher", "lower"] = "higher",
    target: float | None = None,
    floor: float = 0.0,
) -> pd.Series:
    """Comparable score: how a place stands among the others on one scale, higher being better.

    Parameters
    ----------
    layer : one row per place.
    column : the column to bring to the scale, the unit in its name.
    method : `min_max` (0 for the worst place to 1 for the best), `z` (standard deviations from the mean of all
        places), `percentile_rank` (share of the places below, equal ones counting half), or `distance_to_target`
        (0 at `floor` to 1 at `target`; beyond either it goes on).
    better : which direction of the column is better; `lower` turns the scale round. A target says so itself.
    target, floor : for `distance_to_target`, in the column's unit; the target may lie below the floor.

    Returns
    -------
    The score by `location_id`, without unit. A place without a value has none and does not count for the others.

    Raises
    ------
    BrokenData
        Where the column is missing, text or infinite.
    AlmanacError
        Where a keyword is not one of those named, or the target is missing or equal to the floor.

    Notes
    -----
    (x − min)/(max − min); (x − mean)/σ, σ over all places with n in the denominator, since the places are all there
    are and no sample; (number below + ½ · number equal, itself included)/n; (x − floor)/(target − floor). Turned
    round: 1 − score, or −z. Outliers are neither cut nor damped: with `min_max` one far-off place presses all others
    together, and with every method but the last a place's score changes when others come or go.

    References
    ----------
    OECD, JRC (2008): Handbook on Constructing Composite Indicators, step 5. https://doi.org/10.1787/9789264043466-en

    Examples
    --------
    >>> layer = pd.DataFrame({"value_share": [2.0, 4.0, 3.0]}, index=pd.Index(["a", "b", "c"], name="location_id"))
    >>> normalised(layer, better="lower").to_dict()
    {'a': 1.0, 'b': 0.0, 'c': 0.5}
    """
    if method not in METHODS:
        raise refuse_parameter("method", method, wanted="one of " + ", ".join(METHODS))
    if better not in ("higher", "lower"):
        raise refuse_parameter("better", better, wanted="higher or lower")
    values = read_rows(layer, column, signed=(column,))[column]
    if method == "distance_to_target":
        if target is None or target == floor:
            raise refuse_parameter("target", target, wanted="a number other than the floor")
        if better == "lower":
            raise refuse_parameter("better", better, wanted="a target on the better side of the floor instead")
        return ((values - floor) / (target - floor)).rename("normalised")
    spread = values.max() - values.min()
    # Differences that are mere rounding are no differences.
    same = not spread > 1e-12 * values.abs().max()
    if method == "min_max":
        score = values - values.min()
        score = pd.Series(ratio(score.to_numpy(), np.array(np.nan if same else spread)), index=values.index)
        score = 1 - score if better == "lower" else score
    elif method == "z":
        score = (values - values.mean()) / (np.nan if same else values.std(ddof=0))
        score = -score if better == "lower" else score
    else:
        score = (values.rank(method="average") - 0.5) / (np.nan if same else values.count())
        score = 1 - score if better == "lower" else score
    return score.rename("normalised")


@indicator(
    code="X2a",
    domain="cross_domain",
    unit="share",
    formula="Σⱼ wⱼ · zⱼ, Σⱼ wⱼ = 1",
    table="table",
    needs=SCORES,
    better="higher",
    minimum=ONE,
    authority=AUTHORITY,
    edition="2008",
    reference=HANDBOOK,
    caveat="A good score makes up for a bad one in full, and the weights are a choice, not a measurement.",
    undefined="The place lacks a score on one of the criteria.",
)
def weighted_sum(table: pd.DataFrame, *, weights: Mapping[str, float] | None = None) -> pd.Series:
    """Weighted score: several scores as one, where a good one makes up for a bad one.

    Parameters
    ----------
    table : one row per place and criterion: `location_id`, `criterion_id`, and `score_share`, brought to one scale
        (see `normalised`) with higher being better.
    weights : by criterion, of any sum; None weighs all alike. Every criterion of the table must be there.

    Returns
    -------
    The weighted mean of the scores, by `location_id`, without unit.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.
    AlmanacError
        Where weights are negative or all zero, or do not name the criteria of the table.

    Notes
    -----
    Σ wⱼ·zⱼ with Σ wⱼ = 1. A place that lacks a score on any criterion with a weight has no value: to share its
    weight among the others would compare places on different grounds.

    References
    ----------
    OECD, JRC (2008): Handbook on Constructing Composite Indicators, step 6. https://doi.org/10.1787/9789264043466-en

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": ["a", "a"], "criterion_id": ["air", "noise"], "score_share": [0.9, 0.1]})
    >>> weighted_sum(table, weights={"air": 3, "noise": 1}).round(6).to_dict()
    {'a': 0.7}
    """
    scores, shares = _scores(table, weights, signed=True)
    total = (scores * shares).sum(axis=1, skipna=False)
    return total.rename("weighted_sum")


@indicator(
    code="X2b",
    domain="cross_domain",
    unit="share",
    formula="Πⱼ zⱼ^wⱼ, Σⱼ wⱼ = 1",
    table="table",
    needs=SCORES,
    better="higher",
    minimum=ONE,
    authority=AUTHORITY,
    edition="2008",
    reference=HANDBOOK,
    caveat="One score of zero makes the whole zero, and the weights are a choice, not a measurement.",
    undefined="The place lacks a score on one of the criteria.",
)
def geometric_mean(table: pd.DataFrame, *, weights: Mapping[str, float] | None = None) -> pd.Series:
    """Balanced score: several scores as one, where a bad one is hard to make up for.

    Parameters
    ----------
    table : as for `weighted_sum`, the scores not negative.
    weights : as for `weighted_sum`.

    Returns
    -------
    The weighted geometric mean of the scores, by `location_id`, without unit.

    Raises
    ------
    BrokenData
        Where the table cannot be read, or a score is negative (as z-scores are).
    AlmanacError
        As for `weighted_sum`.

    Notes
    -----
    Π zⱼ^wⱼ with Σ wⱼ = 1; zero where any score with a weight is zero. A place that lacks a score has no value.

    References
    ----------
    OECD, JRC (2008): Handbook on Constructing Composite Indicators, step 6. https://doi.org/10.1787/9789264043466-en

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": ["a", "a"], "criterion_id": ["air", "noise"], "score_share": [0.9, 0.1]})
    >>> geometric_mean(table).round(6).to_dict()
    {'a': 0.3}
    """
    scores, shares = _scores(table, weights, signed=False)
    with np.errstate(divide="ignore"):
        logs = np.log(scores.to_numpy(float))
    total = np.exp((logs * shares.to_numpy()).sum(axis=1))
    return pd.Series(total, index=scores.index, name="geometric_mean")


def _scores(
    table: pd.DataFrame, weights: Mapping[str, float] | None, *, signed: bool
) -> tuple[pd.DataFrame, pd.Series]:
    """Places × criteria that have a weight, and the weights as shares of one."""
    rows = read_rows(table, *SCORES, keys=("criterion_id",), signed=SCORES if signed else ())
    scores = rows.set_index("criterion_id", append=True)[SCORES[0]].unstack("criterion_id")
    given = pd.Series(1.0, index=scores.columns) if weights is None else pd.Series(dict(weights), dtype=float)
    if set(given.index) != set(scores.columns):
        raise AlmanacError(
            "The weights are for {weighted}, but the table has the criteria {found}.",
            hint="Give one weight for each criterion of the table, zero where it shall not count.",
            weighted=tuple(map(str, given.index)) or "—",
            found=tuple(map(str, scores.columns)) or "—",
        )
    if not (given >= 0).all() or not np.isfinite(given).all() or (len(given) and not given.sum() > 0):
        raise refuse_parameter("weights", dict(given), wanted="a set of numbers from zero on, not all zero")
    used = given[given > 0].sort_index()
    return scores[used.index], used / used.sum()
