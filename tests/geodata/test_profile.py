"""The automatic statistics, on tables small enough to count by hand, and on every bundled dataset."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, Polygon

from geodata.catalog import open_catalog
from geodata.dataset import Column, Dataset, Package
from geodata.errors import BrokenData
from geodata.profile import profile_table

TODAY = date(2026, 11, 23)


def described(step: Any = "1 day", kind: Any = "panel", **limits: float) -> Dataset:
    """A description of a table with the column head_m."""
    column = Column(
        "head_m", "Head", "m", "head (m)", limits.get("minimum", -10), limits.get("maximum", 100), "mean", "sequential"
    )
    day = date(2020, 1, 1)
    package = Package("PyPI", "made-up", "1", "MIT", (), ())
    return Dataset(
        id="wells",
        path=Path("wells.parquet"),
        title="Wells",
        summary="",
        region="here",
        theme="water",
        kind=kind,
        producer="",
        licence="",
        citation="",
        url="",
        observed_from=day,
        observed_to=day,
        retrieved=day,
        step=step,
        sha256="",
        flaws=(),
        package=package,
        columns={"head_m": column},
    )


def panel(times: pd.DatetimeIndex, **values: list[float]) -> pd.DataFrame:
    """Each location's values at the times; where a list is shorter, its rows end earlier."""
    return pd.concat(
        pd.DataFrame({"location_id": place, "time": times[: len(found)], "head_m": np.array(found, dtype=float)})
        for place, found in values.items()
    )


def days(n: int, start: str = "2020-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=n, tz="UTC").as_unit("us")


def test_counts_and_figures_by_hand() -> None:
    nan = np.nan
    table = panel(days(6), a=[1, 2, 3, 0, nan, 200], b=[-20, -1, 0, nan, nan, 5])
    profile = profile_table(described(), table.sample(frac=1, random_state=1), today=TODAY)
    column = profile.columns[0]
    assert (profile.rows, profile.locations, profile.kind) == (12, 2, "panel")
    assert (column.present, column.missing, column.share_present, column.completeness) == (9, 3, 0.75, 0.75)
    assert (column.minimum, column.maximum, column.median) == (-20, 200, 1)
    assert column.mean == pytest.approx(190 / 9)
    assert (column.p05, column.p95) == pytest.approx((-12.4, 122))
    assert (column.outside, column.negative, column.zeros) == (2, 2, 2)
    times = profile.times
    assert times is not None
    assert (times.first, times.last) == (table["time"].min(), table["time"].max())
    assert times.age_days == (TODAY - date(2020, 1, 6)).days
    assert (times.step_found, times.step_share, times.duplicates) == ("1 day", 1.0, 0)
    assert times.completeness == {"a": 5 / 6, "b": 4 / 6}
    assert times.longest_gap_days == {"a": 1.0, "b": 2.0}


def test_a_location_that_begins_late_or_ends_early_is_not_complete() -> None:
    late = panel(days(4, "2020-01-07"), late=[1, 2, 3, 4])
    table = pd.concat([panel(days(10), early=[1.0] * 3, whole=[1.0] * 10, none=[np.nan] * 10), late])
    times = profile_table(described(), table, today=TODAY).times
    assert times is not None
    assert times.completeness == {"early": 0.3, "late": 0.4, "none": 0.0, "whole": 1.0}
    assert times.longest_gap_days == {"early": 7.0, "late": 6.0, "none": 10.0, "whole": 0.0}


def test_outliers_are_judged_by_location_and_by_side() -> None:
    rng = np.random.default_rng(1)
    low, high = rng.normal(0, 1, 400), rng.normal(50, 1, 400)
    low[7] = 50.0  # usual at the other place
    high[3], high[9] = 0.0, np.nan
    assert profile_table(described(), panel(days(400), low=[*low], high=[*high])).columns[0].outliers == 2
    rain = rng.exponential(5, 4000)
    rain[rng.random(4000) < 0.55] = 0.0
    assert profile_table(described(), panel(days(4000), rain=[*rain])).columns[0].outliers < 40
    assert profile_table(described(), panel(days(50), flat=[3.0] * 50)).columns[0].outliers == 0


@pytest.mark.parametrize(
    ("freq", "step", "found"),
    [
        ("5min", "5 minutes", "5 minutes"),
        ("15min", "15 minutes", "15 minutes"),
        ("h", "1 hour", "1 hour"),
        ("D", "1 day", "1 day"),
        ("12D", "12 days", "12 days"),
        ("MS", "1 month", "1 month"),
        ("YS", "1 year", "1 year"),
        ("24D", "irregular", "24 days"),
    ],
)
def test_the_step_is_found(freq: str, step: str, found: str) -> None:
    times = pd.date_range("2019-01-01", periods=40, freq=freq, tz="UTC").as_unit("us")
    profile = profile_table(described(step), panel(times, a=[1.0] * 40, b=[1.0] * 40))
    assert profile.times is not None
    assert (profile.times.step_found, profile.times.step_share) == (found, 1.0)
    if step != "irregular":
        assert set(profile.times.completeness.values()) == {1.0}
        assert set(profile.times.longest_gap_days.values()) == {0.0}
        assert profile.columns[0].completeness == 1.0


def test_local_days_keep_their_step_over_a_change_of_the_clock() -> None:
    times = pd.date_range("2017-01-01", "2017-12-31", tz="America/New_York").tz_convert("UTC").as_unit("us")
    found = profile_table(described(), panel(times, a=[1.0] * 365)).times
    assert found is not None
    assert (found.step_found, found.step_share) == ("1 day", 1.0)
    assert (found.completeness, found.longest_gap_days) == ({"a": 1.0}, {"a": 0.0})


def test_an_irregular_dataset_is_judged_by_its_months() -> None:
    times = pd.DatetimeIndex(["2020-01-03", "2020-01-09", "2020-02-01", "2020-04-30"], tz="UTC").as_unit("us")
    found = profile_table(described("irregular"), panel(times, a=[1, 2, 3, 4], b=[1, 2])).times
    assert found is not None
    assert found.completeness == {"a": 0.75, "b": 0.25}
    assert found.longest_gap_days["a"] == 89.0


def test_doubled_rows_are_counted_and_make_nothing_complete() -> None:
    table = panel(days(4), a=[1, 2, 3, 4])
    doubled = pd.concat([table.iloc[[0, 0, 0]], table.iloc[[3]]])
    found = profile_table(described(), doubled).times
    assert found is not None
    assert found.duplicates == 2
    assert found.completeness == {"a": 0.5}


def test_an_empty_table_has_a_profile() -> None:
    profile = profile_table(described(), panel(days(0), a=[]), today=TODAY)
    assert profile.rows == profile.locations == 0
    json.dumps(profile.to_dict(), allow_nan=False)


def test_a_layer_is_profiled_by_its_shapes_and_values() -> None:
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    layer = gpd.GeoDataFrame(
        {"head_m": [1.0, np.nan, 101.0]},
        index=pd.Index(["a", "b", "c"], name="location_id"),
        geometry=[Point(3, 4), bow, Point(-1, 2)],
        crs=4326,
    )
    profile = profile_table(described("once", "layer"), layer, today=TODAY)
    assert profile.shapes is not None
    assert profile.shapes.geometry_types == {"Point": 2, "Polygon": 1}
    assert (profile.shapes.invalid, profile.shapes.empty) == (1, 0)
    assert list(profile.shapes.extent) == [-1, 0, 3, 4]
    assert (profile.columns[0].present, profile.columns[0].outside) == (2, 1)


def test_a_described_column_that_is_absent_is_said() -> None:
    with pytest.raises(BrokenData, match="head_m"):
        profile_table(described(), panel(days(2), a=[1, 2]).drop(columns="head_m"))


@pytest.mark.parametrize("dataset", list(open_catalog()))
def test_every_bundled_dataset_has_a_profile(dataset: str) -> None:
    profile = open_catalog().profile(dataset)
    written = json.loads(json.dumps(profile.to_dict(), allow_nan=False))
    assert written["rows"] > 0
    assert (written["times"] is None) != (written["shapes"] is None)
    assert all(0 <= column["share_present"] <= 1 for column in written["columns"])
