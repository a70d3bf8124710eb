"""Clusters, against R's spdep, esda called directly, and what must hold of any of them."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analytics.spatial_statistics import (
    KINDS,
    clusters,
    enough_permutations,
    global_moran,
    neighbours,
)
from geodata.errors import AlmanacError, BrokenData

if TYPE_CHECKING:
    from libpysal.graph import Graph

CASE = Path(__file__).parents[1] / "golden" / "local_moran_north_carolina"
METRES = 32119

# R spdep 1.2-7 on the case's input. z of localmoran(conditional = TRUE), which is Sokal's formula and no simulation,
# and the two-sided p of localmoran_perm(nsim = 9999), seed 1.
SPDEP = pd.DataFrame(
    [
        ("37001", 0.352819, 0.7380),
        ("37021", 3.304979, 0.0004),
        ("37041", 1.583412, 0.1212),
        ("37081", -1.471975, 0.1494),
        ("37083", 4.036379, 0.0002),
        ("37121", 2.421319, 0.0022),
        ("37161", 2.183004, 0.0226),
        ("37173", -2.159841, 0.0238),
    ],
    columns=["location_id", "z", "p_value"],
).set_index("location_id")


def squares(columns: int, rows: int, *, side: float = 1000, gap: float = 0) -> gpd.GeoDataFrame:
    step = side + gap
    shapes = [
        shapely.box(x * step, y * step, x * step + side, y * step + side) for y in range(rows) for x in range(columns)
    ]
    ids = pd.Index([f"{y:02}-{x:02}" for y in range(rows) for x in range(columns)], name="location_id")
    return gpd.GeoDataFrame(geometry=shapes, index=ids, crs=METRES)


def points(where: Sequence[tuple[float, float]], names: str) -> gpd.GeoDataFrame:
    ids = pd.Index(list(names), name="location_id")
    return gpd.GeoDataFrame(geometry=[shapely.Point(xy) for xy in where], index=ids, crs=METRES)


def pairs(weights: Graph) -> set[tuple[str, str]]:
    return {pair for pair, weight in weights.adjacency.items() if weight > 0}


@pytest.fixture(scope="module")
def carolina() -> gpd.GeoDataFrame:
    layer = gpd.read_file(CASE / "input.geojson").astype({"location_id": str}).set_index("location_id")
    # Not in the order of names, in which libpysal sorts: rows and weights must go together all the same.
    return layer.sample(frac=1, random_state=5)


@pytest.fixture(scope="module")
def beside(carolina: gpd.GeoDataFrame) -> Graph:
    return neighbours(carolina, METRES)


def test_local_moran_as_spdep(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    expected = pd.read_csv(CASE / "expected.csv", dtype={"location_id": str}).set_index("location_id")["value"]
    found = clusters(carolina["value"], beside)["local_i"]
    assert len(expected) == 100 and found.index.equals(carolina.index)
    assert found.to_numpy() == pytest.approx(expected[found.index].to_numpy(), rel=1e-9)
    # spdep finds as many neighbours with poly2nb(queen = TRUE, snap = 50).
    assert len(pairs(beside)) == 490


def test_significance_as_spdep(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    found = clusters(carolina["value"], beside, permutations=9999).loc[SPDEP.index]
    # Both are simulations of 9,999: three standard errors of a proportion, and of the ratio z.
    error = 3 * np.sqrt(2 * 2 * SPDEP["p_value"] / 9999) + 2e-4
    assert ((found["p_value"] - SPDEP["p_value"]).abs() < error).all()
    assert ((found["z"] - SPDEP["z"]).abs() < 0.1).all()


def test_global_moran_as_spdep(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    found = global_moran(carolina["value"], beside)
    # moran.test: I, its expectation, and z from the variance under randomisation.
    assert found.i == pytest.approx(0.732565632, abs=5e-10)
    assert found.expected == pytest.approx(-0.010101010, abs=5e-10)
    assert found.z == pytest.approx(11.334, abs=0.6)
    assert (found.p_value, found.n) == (0.002, 100)


def test_esda_called_directly_gives_the_same(carolina: gpd.GeoDataFrame) -> None:
    from esda.moran import Moran_Local

    ordered = carolina.sort_values("value")
    weights = neighbours(ordered, METRES)
    found = clusters(ordered["value"], weights, seed=11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        direct = Moran_Local(ordered["value"].to_numpy(), weights, permutations=999, seed=11)
    assert found["local_i"].to_numpy() == pytest.approx(direct.Is, rel=1e-12)
    assert found["z"].to_numpy() == pytest.approx(direct.z_sim, rel=1e-9)
    # Twice esda's one tail. esda leaves ties out of the lower tail, so that ours may be larger by what is tied.
    more = found["p_value"].to_numpy() - np.minimum(2 * direct.p_sim, 1)
    assert more.min() > -1e-12 and more.max() < 0.006 and np.median(more) == pytest.approx(0, abs=1e-12)
    assert set(found["kind"]) > {"not significant"}
    named = np.array(["", "high among high", "low among high", "low among low", "high among low"])[direct.q]
    assert (found["kind"].astype(str) == np.where(found["significant"], named, "not significant")).all()


def test_same_result_again_in_any_order_and_by_any_name(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    values = carolina["value"].copy()
    first = clusters(values, beside)
    pd.testing.assert_frame_equal(clusters(values, beside), first)
    pd.testing.assert_series_equal(values, carolina["value"])
    turned = carolina.iloc[::-1]
    pd.testing.assert_frame_equal(clusters(turned["value"], neighbours(turned, METRES)).loc[first.index], first)
    renamed = carolina.set_axis(pd.Index([f"x{i}" for i in range(100)], name="location_id"))
    found = clusters(renamed["value"], neighbours(renamed, METRES))
    pd.testing.assert_frame_equal(found.set_axis(first.index), first)
    assert not clusters(values, beside, seed=1)["p_value"].equals(first["p_value"])
    assert global_moran(values, beside) == global_moran(values[::-1], beside)


def test_readers_at_once_do_not_mix_their_draws(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    first = clusters(carolina["value"], beside)
    np.random.seed(4)
    before = np.random.get_state()[1].copy()  # type: ignore[union-attr, index]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: clusters(carolina["value"], beside), range(8)):
            pd.testing.assert_frame_equal(found, first)
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index]


def test_the_four_kinds() -> None:
    layer = squares(20, 20)
    x, y = np.meshgrid(np.arange(20), np.arange(20))
    value = np.random.default_rng(2).normal(size=(20, 20)) * 0.2
    value[(x < 5) & (y < 5)] += 3
    value[(x > 14) & (y > 14)] -= 3
    value[2, 2], value[17, 17] = -3, 3
    values = pd.Series(value.ravel(), layer.index)
    found = clusters(values, neighbours(layer, METRES))["kind"]
    at = found.to_numpy().reshape(20, 20)
    assert [at[1, 1], at[2, 2], at[18, 18], at[17, 17], at[10, 10]] == [
        "high among high", "low among high", "low among low", "high among low", "not significant",
    ]  # fmt: skip
    assert list(found.cat.categories) == list(KINDS)


def test_chance_alone_raises_few_alarms() -> None:
    layer = squares(12, 12)
    weights = neighbours(layer, METRES)
    generator = np.random.default_rng(8)
    alarms = 0
    for seed in range(40):
        found = clusters(pd.Series(generator.normal(size=144), layer.index), weights, seed=seed)
        alarms += found["significant"].any()
    # With nothing to find every alarm is false, and at 5 % control two maps in forty have one.
    assert alarms <= 6


def test_missing_places_are_taken_out(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    missing = carolina.index[::9]
    found = clusters(
        carolina["value"].drop(missing[:3]).reindex(carolina.index).where(lambda s: ~s.index.isin(missing)), beside
    )
    assert (found.loc[missing, "kind"] == "no data").all()
    assert found.loc[missing, ["local_i", "z", "p_value"]].isna().all(axis=None)
    assert not found.loc[missing, "significant"].any()
    # By hand: the mean, the variance and the neighbours are those of the places that are left.
    left = carolina["value"].drop(missing)
    deviation = left - left.mean()
    place = next(i for i in left.index if set(beside[i].index) & set(missing) and set(beside[i].index) - set(missing))
    around = [i for i in beside[place].index if i in left.index]
    by_hand = deviation[place] * deviation[around].mean() / left.var(ddof=1)
    assert found.loc[place, "local_i"] == pytest.approx(by_hand, rel=1e-12)
    # A table that does not mention them says the same.
    pd.testing.assert_frame_equal(clusters(left, beside), found.loc[left.index])
    assert global_moran(left, beside).n == len(left)


def test_place_whose_neighbours_are_all_missing(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    place = carolina.index[0]
    values = carolina["value"].where(~carolina.index.isin(beside[place].index))
    found = clusters(values, beside)
    assert found.loc[place, "kind"] == "no data" and np.isnan(found.loc[place, "p_value"])
    others = found.drop(place)[values.drop(place).notna()]
    assert others["p_value"].notna().all()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(lambda n: np.full(n, np.nan), id="all missing"),
        pytest.param(lambda n: np.full(n, 7.3), id="constant"),
        pytest.param(lambda n: np.where(np.arange(n) % 2, 0.3, 0.1 + 0.2), id="constant but for rounding"),
        pytest.param(lambda n: np.where(np.arange(n) < 9, np.arange(n), np.nan), id="nine places"),
    ],
)
def test_not_enough_is_never_a_number(values: object, carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    series = pd.Series(values(100), carolina.index)  # type: ignore[operator]
    found = clusters(series, beside)
    assert (found["kind"] == "no data").all() and not found["significant"].any()
    assert found[["local_i", "z", "p_value"]].isna().all(axis=None)
    whole = global_moran(series, beside)
    assert np.isnan([whole.i, whole.expected, whole.z, whole.p_value]).all() and whole.n == series.notna().sum()


def test_places_apart_from_each_other_are_not_enough() -> None:
    layer = squares(30, 1)
    values = pd.Series(np.where(np.arange(30) % 2, np.nan, np.arange(30.0)), layer.index)
    assert (clusters(values, neighbours(layer, METRES))["kind"] == "no data").all()


def test_enough_permutations_are_just_enough() -> None:
    for places in (62, 100, 3142):
        enough = enough_permutations(places)
        assert 2 / (enough + 1) <= 0.05 / places < 2 / enough


def test_touching_tolerates_slivers_and_overlaps() -> None:
    # A corner is enough (queen), if it is within 50 m: across the corner, that is a gap of 35 m.
    for gap in (-30, 0, 35):
        near = neighbours(squares(3, 3, gap=gap), METRES)
        assert near.cardinalities.to_list() == [3, 5, 3, 5, 8, 5, 3, 5, 3]
        assert near.adjacency.groupby(level=0).sum().to_numpy() == pytest.approx(np.ones(9))
    assert neighbours(squares(3, 3, gap=49), METRES)["01-01"].size == 4
    assert neighbours(squares(3, 3, gap=60), METRES, tolerance_m=90)["01-01"].size == 8
    # A vertex that one neighbour has and the other lacks.
    layer = squares(2, 1)
    layer.geometry = [layer.geometry.iloc[0].segmentize(130), layer.geometry.iloc[1]]
    assert len(pairs(neighbours(layer, METRES))) == 2


def test_distance_is_taken_in_metres() -> None:
    layer = squares(3, 3, gap=30).to_crs(4326)
    assert len(pairs(neighbours(layer, METRES))) == 40
    assert neighbours(layer, METRES).unique_ids.equals(layer.index.rename("focal"))


def test_islands_are_joined_with_their_nearest_both_ways() -> None:
    layer = squares(2, 1)
    for name, x in (("far", 9_000), ("farther", 30_000)):
        layer.loc[name] = [shapely.box(x, 0, x + 1000, 1000)]
    assert pairs(neighbours(layer, METRES)) == {
        ("00-00", "00-01"), ("00-01", "00-00"), ("far", "00-01"), ("00-01", "far"), ("farther", "far"),
        ("far", "farther"),
    }  # fmt: skip
    # Two islands, each the other's nearest, are one pair, not two.
    twins = squares(2, 1, gap=500)
    assert neighbours(twins, METRES)["00-00"].to_dict() == {"00-01": 1.0}


def test_points_have_their_nearest() -> None:
    layer = points([(0, 0), (1000, 0), (2500, 0), (9000, 0)], "dbca")
    near = neighbours(layer, METRES, k=1)
    assert pairs(near) == {("d", "b"), ("b", "d"), ("c", "b"), ("a", "c")}
    assert near.unique_ids.to_list() == list("dbca")
    # No more than there are others, however many are asked for.
    assert neighbours(layer, METRES)["d"].to_dict() == pytest.approx({"b": 1 / 3, "c": 1 / 3, "a": 1 / 3})
    assert pairs(neighbours(points([(0, 0)], "a"), METRES)) == set()


def test_points_on_one_spot_are_not_their_own_neighbours() -> None:
    same = neighbours(points([(5, 5)] * 6 + [(9, 9)], "abcdefg"), METRES, k=2)
    assert all(a != b for a, b in pairs(same)) and same.cardinalities.eq(2).all()


def test_grid_points_do_not_depend_on_row_order() -> None:
    grid = [(float(x), float(y)) for x in range(5) for y in range(5)]
    layer = points(grid, "abcdefghijklmnopqrstuvwxy")
    turned = layer.sample(frac=1, random_state=1)
    assert pairs(neighbours(layer, METRES, k=3)) == pairs(neighbours(turned, METRES, k=3))


def test_bad_input_is_told(carolina: gpd.GeoDataFrame, beside: Graph) -> None:
    with pytest.raises(AlmanacError, match="not a projection in metres"):
        neighbours(carolina, 4326)
    with pytest.raises(AlmanacError, match="not a projection in metres"):
        neighbours(carolina, 2264)  # North Carolina in US survey feet
    with pytest.raises(BrokenData):
        neighbours(carolina.reset_index(), METRES)
    swapped = points([(35.0, -120.0)], "a").set_crs(4326, allow_override=True)
    with pytest.raises(AlmanacError, match="outside the projection"):
        neighbours(swapped, METRES)
    values = carolina["value"]
    with pytest.raises(AlmanacError, match="infinite"):
        clusters(values.replace(values.iloc[3], np.inf), beside)
    with pytest.raises(AlmanacError, match="stands twice"):
        clusters(pd.concat([values, values.iloc[:1]]), beside)
    with pytest.raises(AlmanacError, match="the first elsewhere"):
        clusters(pd.concat([values, pd.Series({"elsewhere": 1.0})]), beside)


def test_slow_libraries_wait_until_they_are_needed() -> None:
    code = "import sys, analytics.spatial_statistics; print([m for m in ('esda', 'libpysal') if m in sys.modules])"
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout.strip() == "[]"
