"""Thinning keeps what an eye would look for; gaps are counted by the declared step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.series import gaps, sketch, thin


def quarter_hours(n: int) -> pd.Series:
    return pd.Series(pd.date_range("2019-02-01", periods=n, freq="15min", tz="UTC"))


def test_thinning_keeps_the_extremes_and_says_its_width() -> None:
    values = np.sin(np.arange(105_000) / 96)
    values[77_777] = 9.0
    values[3] = -9.0
    thinned = thin(quarter_hours(105_000), pd.Series(values))
    assert len(thinned.points) <= 2000
    assert thinned.width == pd.Timedelta(days=1)
    assert thinned.points["high"].max() == 9.0
    assert thinned.points["low"].min() == -9.0
    first_day = values[:96]
    assert thinned.points["value"].iloc[0] == pytest.approx(first_day.mean())


def test_a_long_silence_stays_one_whether_or_not_its_rows_are_there() -> None:
    times, values = quarter_hours(40_000), pd.Series(np.ones(40_000))
    values[10_000:20_000] = np.nan
    with_rows = thin(times, values).points
    without = thin(times[values.notna()].reset_index(drop=True), values.dropna()).points
    pd.testing.assert_frame_equal(with_rows, without)
    silent = with_rows["value"].isna()
    inside = with_rows["time"].between(times[10_000], times[19_999] - thin(times, values).width)
    assert silent[inside].all()
    assert not silent[~inside].any() or silent[~inside].sum() == 1


def test_few_values_are_left_as_they_are() -> None:
    values = pd.Series([1.0, np.nan, 3.0])
    thinned = thin(quarter_hours(3), values)
    assert thinned.width is None
    assert thinned.points["value"].tolist()[::2] == [1.0, 3.0]
    assert list(thinned.points.columns) == ["time", "value"]


def test_nothing_measured_is_nothing_drawn() -> None:
    thinned = thin(quarter_hours(5000), pd.Series(np.full(5000, np.nan)))
    assert thinned.points["value"].isna().all()


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="3 times and 2 values"):
        thin(quarter_hours(3), pd.Series([1.0, 2.0]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)), min_size=1, max_size=400),
    st.integers(2, 50),
)
def test_thinning_never_leaves_the_range_nor_the_limit(values: list[float], most: int) -> None:
    series = pd.Series(values)
    before = series.copy()
    points = thin(quarter_hours(len(values)), series, most).points
    assert len(points) <= most
    pd.testing.assert_series_equal(series, before)
    if series.notna().any() and "low" in points:
        assert points["low"].min() == series.min()
        assert points["high"].max() == series.max()
        drawn = points.dropna()
        tolerance = 1e-6
        assert (drawn["low"] - tolerance <= drawn["value"]).all()
        assert (drawn["value"] <= drawn["high"] + tolerance).all()


def test_gaps_by_hand() -> None:
    days = pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-06"], utc=True))
    found = gaps(days, pd.Series([1.0, 2.0, 3.0, np.nan]), "1 day")
    assert found["start"].tolist() == [pd.Timestamp("2020-01-03", tz="UTC")]
    assert found["end"].tolist() == [pd.Timestamp("2020-01-05", tz="UTC")]
    assert found["missing"].tolist() == [2]


def test_a_value_missing_in_its_row_is_a_gap_like_an_absent_row() -> None:
    hours = pd.Series(pd.date_range("2020-01-01", periods=5, freq="h", tz="UTC"))
    values = pd.Series([1.0, np.nan, np.nan, 4.0, 5.0])
    kept = values.notna()
    pd.testing.assert_frame_equal(gaps(hours, values, "1 hour"), gaps(hours[kept], values[kept], "1 hour"))
    assert gaps(hours, values, "1 hour")["missing"].tolist() == [2]


@pytest.mark.parametrize(("step", "frequency"), [("1 day", "D"), ("1 month", "MS"), ("1 year", "YS"), ("1 hour", "h")])
def test_changing_clocks_and_uneven_months_make_no_gaps(step: str, frequency: str) -> None:
    local = pd.date_range("2015-01-01", "2021-01-01", freq=frequency, tz="Europe/Rome")
    for times in (pd.Series(local), pd.Series(local.tz_convert("UTC"))):
        assert gaps(times, pd.Series(np.ones(len(times))), step).empty


def test_missing_months_begin_on_the_first() -> None:
    months = pd.Series(pd.to_datetime(["2020-02-01", "2020-05-01"])).dt.tz_localize("America/New_York")
    found = gaps(months, pd.Series([1.0, 2.0]), "1 month")
    assert found["start"].iloc[0] == pd.Timestamp("2020-03-01", tz="America/New_York")
    assert found["missing"].tolist() == [2]


@pytest.mark.parametrize("step", ["irregular", "once"])
def test_where_nothing_was_due_nothing_is_missing(step: str) -> None:
    days = pd.Series(pd.to_datetime(["2020-01-01", "2020-06-01"], utc=True))
    found = gaps(days, pd.Series([1.0, 2.0]), step)
    assert found.empty
    assert list(found.columns) == ["start", "end", "missing"]


def test_a_sketch_is_broken_where_the_rows_are_absent() -> None:
    days = pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02", "2020-02-05", "2020-02-06"], utc=True))
    drawn = sketch(days, pd.Series([1.0, 2.0, 3.0, 4.0]), "1 day")
    assert drawn.points["value"].isna().tolist() == [False, False, True, False, False]
    assert len(drawn.gaps) == 1


def test_a_sketch_shades_the_longest_gaps_only() -> None:
    times = quarter_hours(20_000)
    values = pd.Series(np.where(np.arange(20_000) % 100 == 7, np.nan, 1.0))
    values[5_000:6_000] = np.nan
    drawn = sketch(times, values, "15 minutes")
    assert len(drawn.gaps) == 1
    assert drawn.gaps["start"].iloc[0] == times[5_000]


def test_a_series_without_a_fixed_step_breaks_only_at_long_silences() -> None:
    fortnights = pd.date_range("2000-01-01", periods=100, freq="14D", tz="UTC")
    times = pd.Series(fortnights[:50].append(fortnights[50:] + pd.Timedelta(days=700)))
    times[3] += pd.Timedelta(days=5)
    drawn = sketch(times, pd.Series(np.ones(100)), "irregular")
    assert drawn.gaps.empty
    assert np.flatnonzero(drawn.points["value"].isna()).tolist() == [50]


def test_a_thinned_series_without_a_fixed_step_has_no_holes_between_its_points() -> None:
    rng = np.random.default_rng(1)
    days = np.cumsum(rng.integers(1, 9, 5000))
    times = pd.Series(pd.Timestamp("1965-01-01", tz="UTC") + pd.to_timedelta(days, unit="D"))
    drawn = sketch(times, pd.Series(rng.normal(size=5000)), "irregular")
    assert drawn.width is not None
    assert drawn.points["value"].notna().all()
