from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.history import following, history_of
from geodata.errors import AlmanacError, BrokenData, UnknownName


def panel(times: pd.DatetimeIndex, *values: np.ndarray) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"location_id": f"p{i}", "time": times.tz_localize("UTC"), "head_m": v})
        for i, v in enumerate(values)
    ]
    return pd.concat(parts, ignore_index=True)


DAYS = pd.date_range("2020-01-01", periods=10)


def test_absent_rows_are_missing_values_on_a_regular_grid() -> None:
    table = panel(DAYS, np.arange(10.0), -np.arange(10.0)).drop(index=[3, 15])
    found = history_of(table)
    assert found.step == "1 day" and found.values.shape == (2, 10)
    assert np.isnan(found.values[0, 3]) and np.isnan(found.values[1, 5])
    assert found.values[1, 9] == -9


def test_every_twelfth_day_is_a_step_of_twelve_days() -> None:
    times = pd.DatetimeIndex([DAYS[0] + pd.Timedelta(days=d) for d in (0, 12, 36, 48)])
    found = history_of(panel(times, np.array([0.0, 1.0, 3.0, 4.0])))
    assert found.step == "12 days"
    assert np.array_equal(found.values[0], [0, 1, np.nan, 3, 4], equal_nan=True)
    assert found.steps_in_year == pytest.approx(365.2425 / 12)


@pytest.mark.parametrize(
    ("last", "step", "expected"),
    [
        ("2020-01-31", "1 day", "2020-02-02"),
        ("2020-11-01", "1 month", "2021-01-01"),
        ("2020-01-01", "1 year", "2022-01-01"),
        ("2020-01-01T23:55", "5 minutes", "2020-01-02T00:05"),
        ("2020-02-20", "12 days", "2020-03-15"),
    ],
)
def test_the_steps_after_a_moment_follow_the_calendar(last: str, step: str, expected: str) -> None:
    assert following(pd.Timestamp(last), step, 2)[-1] == pd.Timestamp(expected)


def test_one_rain_gauge_speaks_for_all_and_reaches_ahead() -> None:
    times = pd.date_range("2020-01-01", periods=14)
    rain = panel(times, np.arange(14.0)).assign(location_id="rain").rename(columns={"head_m": "rain_mm"})
    found = history_of(panel(DAYS, np.ones(10), np.ones(10)), drivers={"rain": rain})
    assert found.drivers["rain"].shape == (2, 14)
    assert found.drivers["rain"][1, 13] == 13
    # What is not known ahead is cut with the record.
    assert found.until(5).drivers["rain"].shape == (2, 5)


def test_drivers_known_ahead_stay_when_the_record_is_cut() -> None:
    rain = panel(DAYS, np.arange(10.0)).rename(columns={"head_m": "rain_mm"})
    found = history_of(panel(DAYS, np.ones(10)), drivers={"rain": rain}, known_ahead=frozenset({"rain"}))
    assert found.until(5).drivers["rain"].shape == (1, 10)
    with pytest.raises(UnknownName):
        history_of(panel(DAYS, np.ones(10)), drivers={"rain": rain}, known_ahead=frozenset({"pumping"}))


def test_a_driver_of_other_places_is_refused() -> None:
    rain = panel(DAYS, np.ones(10), np.ones(10)).rename(columns={"head_m": "rain_mm"})
    with pytest.raises(BrokenData, match="absent at 1 of 3"):
        history_of(panel(DAYS, np.ones(10), np.ones(10), np.ones(10)), drivers={"rain": rain})


def test_what_was_never_measured_cannot_be_forecast() -> None:
    with pytest.raises(AlmanacError, match="holds no value at any of its 2 places"):
        history_of(panel(DAYS, np.full(10, np.nan), np.full(10, np.nan)))


def test_two_value_columns_need_a_choice() -> None:
    with pytest.raises(BrokenData, match="2 value columns"):
        history_of(panel(DAYS, np.ones(10)).assign(rain_mm=1.0))
