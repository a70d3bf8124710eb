"""Trends, against scipy, pymannkendall, exact fractions, a published example and what must hold of any trend."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analytics.trend import mann_kendall, theil_sen
from geodata.errors import AlmanacError

# Annual flow of the Nile at Aswan, 1871-1970, 1e8 m³ (Cobb 1978), as in R's `datasets::Nile`: it has ties, and each
# year resembles the one before.
NILE = np.array(
    [
        [
            1120,
            1160,
            963,
            1210,
            1160,
            1160,
            813,
            1230,
            1370,
            1140,
            995,
            935,
            1110,
            994,
            1020,
            960,
            1180,
            799,
            958,
            1140,
        ],
        [1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969],
        [831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759],
        [781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890],
        [744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740],
    ],
    dtype=float,
).ravel()
GAPS = [3, 10, 11, 12, 40, 77, 99]
NILE_GAPS = np.where(np.isin(np.arange(100), GAPS), np.nan, NILE)

# Once, with pymannkendall 1.4.3 (NumPy 2.4.6, SciPy 1.17.1): s, variance, z, p, tau.
ORIGINAL = {
    "nile": (NILE, -1387, 112728.33333333333, -4.128066522844101, 3.658262921657496e-05, -0.2802020202020202),
    "many ties": (
        np.round(NILE, -2), -1491, 108659.0, -4.52015592719977, 6.179410072304492e-06, -0.3012121212121212,
    ),
    "gaps": (NILE_GAPS, -1061, 90769.0, -3.5183341994480295, 0.00043426508728039437, -0.248013090229079),
}  # fmt: skip
# hamed_rao_modification_test; gaps left out beforehand, as pymannkendall mixes two time axes when it meets NaN.
HAMED_RAO = {
    "nile": (NILE, -1387, 241565.3569166269, -2.8199791956451388, 0.004802676310182719),
    "ties": (np.round(NILE / 50) * 50, -1399, 243763.73707421403, -2.8315394826326075, 0.004632451395929937),
    "gaps": (NILE_GAPS, -1061, 228287.10742402507, -2.218529319552283, 0.026518762760861625),
    "alternating": (
        np.array([1, 9, 2, 8, 3, 7, 4, 6, 5, 10, 1.5, 9.5]), 14, 114.60087719298245, 1.2143653906786667,
        0.22460822535905822,
    ),
}  # fmt: skip


def row(values: np.ndarray, **options: object) -> pd.Series:
    return mann_kendall(np.asarray(values, dtype=float)[None], **options).iloc[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ORIGINAL)
def test_mann_kendall_as_pymannkendall(name: str) -> None:
    values, s, variance, z, p_value, tau = ORIGINAL[name]
    found = row(values)
    assert found["s"] == s
    assert found[["variance", "z", "tau"]].to_list() == pytest.approx([variance, z, tau], rel=1e-12)
    # pymannkendall takes 1 - cdf, which loses digits that the survival function keeps.
    assert found["p_value"] == pytest.approx(p_value, rel=1e-9)


@pytest.mark.parametrize("name", HAMED_RAO)
def test_hamed_rao_as_pymannkendall(name: str) -> None:
    values, s, variance, z, p_value = HAMED_RAO[name]
    found = row(values, autocorrelation="hamed_rao")
    assert found["s"] == s
    assert found[["variance", "z"]].to_list() == pytest.approx([variance, z], rel=1e-12)
    assert found["p_value"] == pytest.approx(p_value, rel=1e-9)


def test_ties_left_by_detrending_are_ties() -> None:
    # Computed once in exact fractions. Floating point breaks these ties (pymannkendall 1.4.3: 275139.78).
    assert row(np.round(NILE, -2), autocorrelation="hamed_rao")["variance"] == pytest.approx(
        275361.8282226888, rel=1e-12
    )


def test_straight_line_has_no_autocorrelation_left() -> None:
    line = 0.1 * np.arange(20)
    assert row(line, autocorrelation="hamed_rao")["variance"] == row(line)["variance"] == 950


def test_published_example_worked_by_hand() -> None:
    # J. B. Little, College of the Holy Cross, "A Mann-Kendall Example (By Hand)",
    # mathcs.holycross.edu/~little/Montserrat/MannKendallByHand.txt: one pair of ties, S = 54, Z = 2.9058, p = .0018
    # on one side.
    values = [12.9, 14.8, 13.2, 15.7, 13.8, 15.6, 12.9, 11.0, 17.3, 15.9, 19.0, 18.3, 20.1, 21.7]
    found = row(np.array(values))
    assert found["s"] == 54
    assert found["variance"] == pytest.approx(14 * 13 * 33 / 18 - 2 * 1 * 9 / 18)
    assert found["z"] == pytest.approx(2.9058, abs=5e-5)
    assert found["p_value"] / 2 == pytest.approx(0.0018, abs=5e-5)


def test_exact_distribution_is_that_of_all_orders() -> None:
    # Every order of n different values is equally likely without a trend: count them all.
    for n in range(4, 8):
        orders = np.array(list(itertools.permutations(range(n))), dtype=float)
        table = mann_kendall(orders)
        assert table["exact"].all()
        size = np.abs(table["s"].to_numpy())
        for s, p_value in zip(size, table["p_value"], strict=True):
            assert p_value == pytest.approx((size >= s).mean(), rel=1e-12)
            if s == size.max():
                break


@pytest.mark.parametrize("n", [4, 7, 10])
def test_exact_p_as_scipy(n: int) -> None:
    table = np.random.default_rng(n).normal(size=(50, n))
    found = mann_kendall(table)
    for values, (_, mine) in zip(table, found.iterrows(), strict=True):
        theirs = stats.kendalltau(np.arange(n), values, method="exact")
        assert [mine["tau"], mine["p_value"]] == pytest.approx([theirs.statistic, theirs.pvalue], rel=1e-12)


def test_exact_is_a_choice() -> None:
    values = NILE[6:15]
    assert row(values)["exact"] and not row(values, exact_up_to=0)["exact"]
    assert row(values)["p_value"] != row(values, exact_up_to=0)["p_value"]
    assert not row(values, autocorrelation="hamed_rao")["exact"]
    assert not row(np.array([1.0, 2, 2, 3, 4]))["exact"]
    assert not row(NILE)["exact"] and row(NILE[6:18], exact_up_to=12)["exact"]


def test_tau_with_ties_relates_to_scipys_tau_b() -> None:
    values = np.round(NILE, -2)
    pairs = 100 * 99 / 2
    tied = (np.unique(values, return_counts=True)[1] * (np.unique(values, return_counts=True)[1] - 1) / 2).sum()
    tau_b = row(values)["tau"] * pairs / np.sqrt(pairs * (pairs - tied))
    assert tau_b == pytest.approx(stats.kendalltau(np.arange(100), values).statistic, rel=1e-12)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("ties", [False, True])
def test_theil_sen_as_scipy(coverage: float, ties: bool) -> None:
    generator = np.random.default_rng(7)
    times = np.sort(generator.uniform(1950, 2020, 60))
    table = generator.normal(size=(40, 60)) + 0.03 * (times - 1950)
    table[generator.random(table.shape) < 0.2] = np.nan
    table = np.round(table, 1 if ties else 9)
    found = theil_sen(table, times, coverage=coverage)
    for values, mine in zip(table, found.to_numpy(), strict=True):
        kept = ~np.isnan(values)
        # Despite its name scipy's alpha is the coverage.
        theirs = stats.theilslopes(values[kept], times[kept], alpha=coverage)
        assert mine == pytest.approx(
            [theirs.slope, theirs.low_slope, theirs.high_slope, theirs.intercept], rel=1e-9, abs=1e-12
        )


def test_theil_sen_as_pymannkendall() -> None:
    found = theil_sen(np.stack([NILE, NILE_GAPS, np.round(NILE, -2)]), np.arange(100.0))
    assert found["slope"].to_list() == pytest.approx([-2.6, -2.4092098377812663, -2.5641025641025643], rel=1e-12)
    assert found["intercept"].to_list() == pytest.approx([1022.2, 1012.8697017268446, 1026.923076923077], rel=1e-12)


def test_autocorrelation_widens_the_limits() -> None:
    table, years = NILE[None], np.arange(1871, 1971)
    corrected = mann_kendall(table, autocorrelation="hamed_rao")["variance"]
    plain, wide = theil_sen(table, years).iloc[0], theil_sen(table, years, variance=corrected).iloc[0]
    assert wide["low"] < plain["low"] < plain["slope"] == wide["slope"] < plain["high"] < wide["high"]


def test_slope_is_per_year_whatever_the_clock() -> None:
    dates = pd.date_range("1990-01-01", periods=12, freq="YS", tz="UTC")
    rising = np.arange(12.0)[None]
    for times in (dates, pd.Series(dates), np.arange(1990, 2002)):
        assert theil_sen(rising, times)["slope"].iloc[0] == pytest.approx(1, rel=1e-12)
    monthly = pd.date_range("1990-01-01", periods=120, freq="MS", tz="UTC")
    assert theil_sen(np.arange(120.0)[None], monthly)["slope"].iloc[0] == pytest.approx(12, rel=0.01)


def test_too_little_and_constant() -> None:
    table = np.array([[1, 2, 3, np.nan, np.nan], [np.nan] * 5, [4.0] * 5, [0.1 + 0.2] * 5, [1, 2, 3, 4, np.nan]])
    test, line = mann_kendall(table), theil_sen(table, np.arange(5.0))
    assert test["n"].to_list() == [3, 0, 5, 5, 4]
    shown = test[["s", "variance", "z", "p_value", "tau"]]
    assert shown.iloc[:2].isna().all(axis=None) and shown.iloc[2:].notna().all(axis=None)
    assert test["p_value"].iloc[2:4].to_list() == [1, 1] and test["tau"].iloc[2:4].to_list() == [0, 0]
    assert line.iloc[:2].isna().all(axis=None)
    assert line[["slope", "low", "high"]].iloc[2:4].eq(0).all(axis=None)
    assert line["slope"].iloc[4] == 1
    # Of 24 orders of four values two are monotonic: no limits from four values hold in 95 % of cases.
    assert line[["low", "high"]].iloc[4].isna().all()
    assert mann_kendall(table, least=3)["s"].iloc[0] == 3
    hamed_rao = mann_kendall(table, autocorrelation="hamed_rao")
    assert hamed_rao["p_value"].iloc[2] == 1 and hamed_rao["p_value"].iloc[:2].isna().all()


def test_empty_tables() -> None:
    assert len(mann_kendall(np.empty((0, 8)))) == 0 and len(theil_sen(np.empty((0, 8)), np.arange(8.0))) == 0
    assert mann_kendall(np.empty((2, 0)))["n"].to_list() == [0, 0]
    assert mann_kendall(np.empty((2, 0)), autocorrelation="hamed_rao")["p_value"].isna().all()
    assert theil_sen(np.empty((2, 0)), np.empty(0))["slope"].isna().all()


def test_rows_keep_their_names_and_the_input_its_values() -> None:
    table = pd.DataFrame([NILE, NILE_GAPS], index=pd.Index(["b", "a"], name="location_id"))
    before = table.copy()
    for result in (
        mann_kendall(table),
        mann_kendall(table, autocorrelation="hamed_rao"),
        theil_sen(table, np.arange(100)),
    ):
        assert result.index.equals(table.index)
    pd.testing.assert_frame_equal(table, before)


def test_bad_input_is_told() -> None:
    with pytest.raises(AlmanacError, match="infinite"):
        mann_kendall(np.array([[1, np.inf, 3, 4]]))
    with pytest.raises(AlmanacError, match="dimensions"):
        mann_kendall(NILE)
    with pytest.raises(AlmanacError, match="2 times for 4 steps"):
        theil_sen(np.ones((1, 4)), np.arange(2.0))
    with pytest.raises(AlmanacError, match="do not ascend"):
        theil_sen(np.ones((1, 3)), np.array([2001, 2001, 2002.0]))
    with pytest.raises(AlmanacError, match="6000 steps"):
        theil_sen(np.ones((1, 6000)), np.arange(6000.0))


def test_memory_does_not_grow_with_the_places() -> None:
    # All slopes of 4,000 places × 80 years at once would be 101 MB a copy, and there are three copies.
    table = np.random.default_rng(1).normal(size=(4000, 80))
    tracemalloc.start()
    theil_sen(table, np.arange(1940, 2020))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80e6


# Whole numbers and halves: what is added and multiplied below stays exact, so that ties stay ties.
tables = arrays(
    float, st.tuples(st.integers(1, 4), st.integers(4, 14)), elements=st.integers(-20, 20).map(lambda v: v / 2)
)
holes = st.integers(0, 2**32 - 1)
MODES = ("ignore", "hamed_rao")


def with_holes(table: np.ndarray, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(table.shape) < 0.25, np.nan, table)


@settings(deadline=None, max_examples=60)
@given(tables, holes)
def test_turned_upside_down_the_sign_flips(table: np.ndarray, seed: int) -> None:
    table = with_holes(table, seed)
    times = np.arange(table.shape[1], dtype=float)
    for mode in MODES:
        up, down = mann_kendall(table, autocorrelation=mode), mann_kendall(-table, autocorrelation=mode)  # type: ignore[arg-type]
        pd.testing.assert_frame_equal(down.assign(s=-down["s"], z=-down["z"], tau=-down["tau"]), up)
    up, down = theil_sen(table, times), theil_sen(-table, times)
    pd.testing.assert_frame_equal(
        -down.rename(columns={"low": "high", "high": "low"})[["slope", "low", "high", "intercept"]], up
    )
    # Read backwards in time the trend is the opposite one.
    pd.testing.assert_series_equal(-mann_kendall(table[:, ::-1])["s"], mann_kendall(table)["s"])


@settings(deadline=None, max_examples=60)
@given(tables, holes, st.integers(-50, 50), st.sampled_from([0.5, 2.0, 16.0]))
def test_adding_changes_nothing_and_scaling_scales(table: np.ndarray, seed: int, plus: int, times: float) -> None:
    table = with_holes(table, seed)
    years = np.arange(table.shape[1], dtype=float)
    pd.testing.assert_frame_equal(mann_kendall(table * times + plus), mann_kendall(table))
    pd.testing.assert_frame_equal(
        mann_kendall(table * times, autocorrelation="hamed_rao"), mann_kendall(table, autocorrelation="hamed_rao")
    )
    before, after = theil_sen(table, years), theil_sen(table * times + plus, years)
    limits = ["slope", "low", "high"]
    pd.testing.assert_frame_equal(after[limits], before[limits] * times)
    assert after["intercept"].to_numpy() == pytest.approx(
        before["intercept"].to_numpy() * times + plus, nan_ok=True, abs=1e-9
    )


@settings(deadline=None, max_examples=60)
@given(tables, holes)
def test_missing_is_absent(table: np.ndarray, seed: int) -> None:
    table = with_holes(table, seed)
    years = np.arange(table.shape[1], dtype=float)
    for mode in MODES:
        whole = mann_kendall(table, autocorrelation=mode)  # type: ignore[arg-type]
        lines = theil_sen(table, years)
        for i, values in enumerate(table):
            kept = ~np.isnan(values)
            alone = mann_kendall(values[kept][None], autocorrelation=mode)  # type: ignore[arg-type]
            pd.testing.assert_series_equal(alone.iloc[0], whole.iloc[i], check_names=False)
            line = theil_sen(values[kept][None], years[kept])
            pd.testing.assert_series_equal(line.iloc[0], lines.iloc[i], check_names=False)
