"""What composites and measures of equity refuse, and properties that their formulas promise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from analytics.indicators.composite import geometric_mean, normalised, weighted_sum
from analytics.indicators.equity import concentration_index, environmental_justice_index, gini, theil
from analytics.indicators.exposure import exposed_population
from analytics.indicators.segregation import dissimilarity, exposure_index, isolation
from geodata.errors import AlmanacError, BrokenData


def layer(*values: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"value_share": values}, index=pd.Index([f"p{n}" for n in range(len(values))], name="location_id")
    )


def scores(**criteria: float) -> pd.DataFrame:
    return pd.DataFrame({"location_id": "a", "criterion_id": list(criteria), "score_share": list(criteria.values())})


def parts(**columns: Sequence[float]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"location_id": "a", "unit_id": [f"u{i}" for i in range(n)], **columns})


@pytest.mark.parametrize("method", ["min_max", "z", "percentile_rank"])
def test_turned_round_the_best_is_the_worst(method: str) -> None:
    up = normalised(layer(1.0, 5.0, 2.0, 2.0), method=method)  # type: ignore[arg-type]
    down = normalised(layer(1.0, 5.0, 2.0, 2.0), method=method, better="lower")  # type: ignore[arg-type]
    assert up.idxmax() == down.idxmin() == "p1"
    np.testing.assert_allclose(up + down, 0.0 if method == "z" else 1.0, atol=1e-12)


@pytest.mark.parametrize("method", ["min_max", "z", "percentile_rank"])
def test_among_equals_none_stands_out(method: str) -> None:
    assert normalised(layer(0.1 + 0.2, 0.3, 0.3), method=method).isna().all()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keywords",
    [
        {"method": "rank"},
        {"better": "more"},
        {"method": "distance_to_target"},
        {"method": "distance_to_target", "target": 0.0},
        {"method": "distance_to_target", "target": 1.0, "better": "lower"},
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(keywords: dict) -> None:
    with pytest.raises(AlmanacError):
        normalised(layer(1.0, 2.0), **keywords)


def test_a_target_below_the_floor_makes_less_better() -> None:
    found = normalised(layer(40.0, 10.0, 25.0), method="distance_to_target", floor=40.0, target=10.0)
    assert found.to_list() == [0.0, 1.0, 0.5]


@pytest.mark.parametrize(
    "weights",
    [{"air": 1.0}, {"air": 1.0, "noise": 1.0, "light": 1.0}, {"air": -1.0, "noise": 2.0}, {"air": 0, "noise": 0}],
)
def test_weights_that_do_not_fit_are_refused(weights: dict) -> None:
    with pytest.raises(AlmanacError):
        weighted_sum(scores(air=0.2, noise=0.8), weights=weights)


def test_one_bad_score_weighs_more_in_the_balanced_score() -> None:
    assert geometric_mean(scores(air=0.1, noise=0.9))["a"] < weighted_sum(scores(air=0.1, noise=0.9))["a"]
    with pytest.raises(BrokenData, match="negative"):
        geometric_mean(scores(air=-1.0, noise=0.9))


def test_a_criterion_without_weight_may_be_missing() -> None:
    assert weighted_sum(scores(air=0.2, noise=np.nan), weights={"air": 1, "noise": 0})["a"] == 0.2
    assert np.isnan(weighted_sum(scores(air=0.2, noise=np.nan))["a"])


def test_parts_that_share_a_rank_are_not_ordered() -> None:
    table = parts(value_share=[9.0, 1.0, 4.0], rank_share=[1.0, 1.0, 2.0], population_people=[10, 30, 20])
    swapped = table.assign(unit_id=["u1", "u0", "u2"])
    assert concentration_index(table)["a"] == pytest.approx(concentration_index(swapped)["a"], rel=1e-12)


def test_evenly_shared_is_zero_and_splitting_a_part_changes_nothing() -> None:
    even = parts(value_share=[3.0, 3.0, 3.0], population_people=[10, 70, 20])
    assert gini(even)["a"] == pytest.approx(0, abs=1e-12) and theil(even)["a"] == pytest.approx(0, abs=1e-12)
    whole = parts(value_share=[3.0, 8.0], population_people=[10, 40])
    split = parts(value_share=[3.0, 8.0, 8.0], population_people=[10, 15, 25])
    assert gini(whole)["a"] == pytest.approx(gini(split)["a"]) and theil(whole)["a"] == pytest.approx(theil(split)["a"])


def test_nothing_to_share_is_no_number() -> None:
    nothing = parts(value_share=[0.0, 0.0], population_people=[10, 20], rank_share=[1.0, 2.0])
    assert gini(nothing).isna().all() and theil(nothing).isna().all() and concentration_index(nothing).isna().all()
    nobody = parts(value_share=[1.0, 2.0], population_people=[0, 0])
    assert gini(nobody).isna().all()


def test_contact_and_isolation_share_out_everyone() -> None:
    table = parts(group_people=[5, 80, 0], population_people=[100, 120, 60])
    assert isolation(table)["a"] + exposure_index(table)["a"] == pytest.approx(1)
    apart = parts(group_people=[100, 0], population_people=[100, 60])
    assert dissimilarity(apart)["a"] == pytest.approx(1) and isolation(apart)["a"] == pytest.approx(1)
    without = parts(group_people=[0, 0], population_people=[100, 60])
    assert dissimilarity(without).isna().all() and isolation(without).isna().all()


def test_a_group_larger_than_everyone_is_refused() -> None:
    with pytest.raises(BrokenData, match="larger"):
        dissimilarity(parts(group_people=[30, 5], population_people=[20, 10]))


def test_a_percentile_of_more_than_a_hundred_is_refused() -> None:
    table = pd.DataFrame({"burden_percent": [120.0], "demographic_index_share": [0.2]}, index=["a"])
    with pytest.raises(BrokenData, match="burden_percent"):
        environmental_justice_index(table.rename_axis("location_id"))


def test_a_small_unknown_part_adds_nothing() -> None:
    people = [*[100] * 19, 100]
    table = parts(population_people=people, hazard_share=[*[1.0] * 19, np.nan])
    assert exposed_population(table, threshold=0.5)["a"] == 1900
