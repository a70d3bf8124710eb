"""What the golden cases of traffic do not show: edges of the rules, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.indicators.excessive_delay import average_occupancy, peak_hour_excessive_delay
from analytics.indicators.level_of_service import traffic_density
from analytics.indicators.reliability import (
    level_of_travel_time_reliability,
    reliability_by_period,
    reliable_person_miles,
    truck_travel_time_reliability,
)
from analytics.indicators.traffic_growth import traffic_growth
from analytics.local_clock import Period, local_clock
from analytics.order_statistics import blocks, half_up, inverted_cdf
from analytics.standard import standard_named
from geodata.errors import AlmanacError, BrokenData

WEEK = pd.date_range("2024-03-04", periods=672, freq="15min", tz="UTC")


def week(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"location_id": "a", "time": WEEK, **columns})


@pytest.mark.parametrize("percent", [5, 15, 50, 80, 95, 100])
def test_percentiles_are_those_of_numpy_place_by_place(percent: int) -> None:
    rng = np.random.default_rng(7)
    values = rng.integers(10, 60, (40, 100)).astype(float)
    values[rng.random(values.shape) < 0.4] = np.nan
    values[3] = np.nan
    found = inverted_cdf(values, (percent,))[:, 0]
    for row, value in zip(values, found, strict=True):
        present = row[np.isfinite(row)]
        if len(present):
            assert value == np.quantile(present, percent / 100, method="inverted_cdf")
        else:
            assert np.isnan(value)


def test_halves_are_rounded_upward_where_numpy_goes_to_even() -> None:
    assert half_up(np.array([0.5, 2.5, 108.49])).tolist() == [1.0, 3.0, 108.0]
    assert half_up(np.array([1.495, 1.775]), 2).tolist() == [1.5, 1.78]
    assert np.isnan(half_up(np.array([np.nan]))[0])


def test_blocks_cover_every_place_once() -> None:
    rows = np.arange(10)
    wide = np.lib.stride_tricks.as_strided(np.zeros(1), shape=(10, 1_500_000), strides=(0, 0))
    parts = [rows[block] for block in blocks(wide)]
    assert len(parts) > 1 and np.concatenate(parts).tolist() == rows.tolist()


def test_periods_follow_the_clock_through_the_change_to_summer_time() -> None:
    clock = local_clock(pd.DatetimeIndex(["2024-03-08 11:00", "2024-03-11 10:00"]), "America/New_York")
    assert Period("morning", 6, 10, "weekdays").holds(clock).tolist() == [True, True]
    overnight = Period("overnight", 20, 6, "all")
    assert overnight.holds(pd.DatetimeIndex(["2024-03-09 20:00", "2024-03-09 05:45", "2024-03-09 06:00"])).tolist() == [
        True,
        True,
        False,
    ]


def test_reliability_wants_quarter_hours() -> None:
    hourly = pd.DataFrame({"location_id": "a", "time": WEEK[::4], "travel_time_s": 60.0})
    with pytest.raises(BrokenData, match="1 hour"):
        level_of_travel_time_reliability(hourly)


def test_an_unknown_clock_is_named() -> None:
    with pytest.raises(AlmanacError, match="Mars/Olympus"):
        level_of_travel_time_reliability(week(travel_time_s=60.0), timezone="Mars/Olympus")


def test_one_and_a_half_is_not_reliable() -> None:
    morning = (WEEK.hour >= 6) & (WEEK.hour < 10) & (WEEK.day_of_week < 5)
    level = level_of_travel_time_reliability(week(travel_time_s=np.where(morning & (WEEK.minute == 0), 45.0, 30.0)))
    assert level["a"] == 1.5
    assert standard_named("fhwa_23cfr490").label("level_of_travel_time_reliability", level)["a"] == "not reliable"


def test_a_period_without_travel_times_withholds_the_level() -> None:
    panel = week(travel_time_s=np.where(WEEK.day_of_week < 5, 60.0, np.nan))
    assert np.isnan(level_of_travel_time_reliability(panel)["a"])
    assert level_of_travel_time_reliability(panel, every_period=False)["a"] == 1.0
    assert np.isnan(reliability_by_period(panel).loc["a", "weekend"])


def test_the_second_counts_before_the_ratio() -> None:
    morning = (WEEK.hour >= 6) & (WEEK.hour < 10) & (WEEK.day_of_week < 5)
    panel = week(travel_time_s=np.where(morning & (WEEK.minute == 0), 8.5, 5.6))
    assert level_of_travel_time_reliability(panel)["a"] == 1.5  # 9 / 6
    assert level_of_travel_time_reliability(panel, whole_seconds=False)["a"] == 1.52


def test_trucks_have_the_night_too() -> None:
    night = (WEEK.hour >= 20) | (WEEK.hour < 6)
    panel = week(truck_travel_time_s=np.where(night & (WEEK.minute == 0), 75.0, 50.0))
    assert truck_travel_time_reliability(panel)["a"] == 1.5
    assert reliability_by_period(panel, trucks=True).loc["a", "overnight_slow_s"] == 75.0


def test_a_length_that_changes_is_refused() -> None:
    panel = week(travel_time_s=60.0, flow_veh_per_h=400.0, length_km=1.0, speed_limit_km_per_h=80.0)
    panel.loc[5, "length_km"] = 1.1
    with pytest.raises(BrokenData, match="length_km changes"):
        peak_hour_excessive_delay(panel)


@pytest.mark.parametrize("wrong", [{"evening_from": 17}, {"occupancy": 0.0}])
def test_what_the_rule_does_not_know_is_refused(wrong: dict[str, float]) -> None:
    panel = week(travel_time_s=60.0, flow_veh_per_h=400.0, length_km=1.0, speed_limit_km_per_h=80.0)
    with pytest.raises(AlmanacError):
        peak_hour_excessive_delay(panel, **wrong)  # type: ignore[arg-type]


def test_the_evening_peak_is_the_states_choice() -> None:
    late = (WEEK.hour == 19) & (WEEK.day_of_week < 5)
    panel = week(travel_time_s=np.where(late, 500.0, 50.0), flow_veh_per_h=400.0, length_km=1.0)
    panel["speed_limit_km_per_h"] = 80.0
    assert peak_hour_excessive_delay(panel)["a"] == 0.0
    assert peak_hour_excessive_delay(panel, evening_from=16)["a"] > 0


def test_people_per_vehicle_weigh_the_travel() -> None:
    segments = pd.DataFrame(
        {
            "location_id": "a",
            "segment_id": ["1", "2"],
            "length_km": 1.609344,
            "traffic_veh_per_day": 1000.0,
            "lottr_share": [1.2, 1.496],
            "occupancy_people": [average_occupancy(0.0, 1.0), average_occupancy(0.0, 0.0)],
        }
    )
    # 1.496 is 1.50 to hundredths; one truck driver against 1.7 people in a car.
    assert reliable_person_miles(segments)["a"] == 37.0


def test_the_manuals_breaks_are_converted_exactly() -> None:
    roads = pd.DataFrame({"location_id": ["d", "e"], "flow_veh_per_h": [35.0, 35.001], "lanes_count": 1})
    density = traffic_density(roads.assign(speed_km_per_h=1.609344))
    assert standard_named("hcm_6").label("traffic_density", density).to_dict() == {"d": "D", "e": "E"}


def test_growth_since_a_year_after_the_record_is_withheld() -> None:
    years = pd.to_datetime([f"{year}-01-01" for year in range(2000, 2008)], utc=True)
    panel = pd.DataFrame({"location_id": "a", "time": years, "traffic_veh_per_day": np.arange(1000.0, 1008.0)})
    assert traffic_growth(panel)["value"].notna().all()
    assert traffic_growth(panel, reference=(2010, 2016))["value"].isna().all()
