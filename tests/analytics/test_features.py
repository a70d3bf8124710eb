"""Features of a whole panel: profiles without their own day, neighbours that lead, what came last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analytics.features import last_step, learn_features
from analytics.history import History
from analytics.neighbours_of import leading_places
from analytics.seasonal_profile import calendar_of, learn_profile
from geodata.errors import AlmanacError


def hourly(values: np.ndarray, **facts: object) -> History:
    times = pd.date_range("2021-03-01", periods=values.shape[1], freq="h")
    names = pd.Index([f"synthetic_{i}" for i in range(len(values))])
    return History("flow_veh_per_h", names, times, "1 hour", values, **facts)  # type: ignore[arg-type]


def test_no_day_explains_itself() -> None:
    values = np.random.default_rng(0).normal(0, 1, (2, 240)).astype(np.float32)
    calendar = calendar_of(hourly(values), hourly(values).times)
    before = learn_profile(values, calendar).at(values, calendar)
    moved = values.copy()
    moved[:, 100] += 50
    after = learn_profile(moved, calendar).at(moved, calendar)
    # The mean of the place, which stands for a tenth of a day, is all that the step itself may move.
    np.testing.assert_allclose(after[:, 100], before[:, 100], atol=0.05)
    assert (after[:, 124] > before[:, 124] + 1).all()


def test_a_profile_is_the_mean_of_the_other_days_of_its_kind() -> None:
    # Five weeks in which every Monday is 10 and every other day 0: weekdays are told apart.
    weekday = np.repeat(np.arange(35) % 7, 24)
    values = np.where(weekday == 0, 10.0, 0.0)[None].astype(np.float32)
    history = hourly(values)
    calendar = calendar_of(history, history.times)
    usual = learn_profile(values, calendar).at(values, calendar)[0]
    # Four other Mondays and one day borrowed of the kind of all workdays.
    assert 8 < usual[weekday == 0].mean() < 9
    assert usual[weekday == 3].mean() < 1


def test_a_holiday_is_a_sunday() -> None:
    history = History(
        "x", pd.Index(["a"]), pd.date_range("2021-07-01", periods=240, freq="h"), "1 hour", np.ones((1, 240)),
        holidays="US",
    )  # fmt: skip
    calendar = calendar_of(history, history.times)
    observed = (history.times.normalize() == "2021-07-05").nonzero()[0]
    assert calendar.holiday[observed].all()
    assert (calendar.kind[observed] == 6).all()
    assert (calendar.weekday[observed] == 0).all()


@pytest.mark.parametrize("code", ["Atlantis", "US-Atlantis"])
def test_holidays_that_nobody_knows_are_told(code: str) -> None:
    times = pd.date_range("2021-07-01", periods=9, freq="D")
    with pytest.raises(AlmanacError, match=f"The public holidays of “{code}” are not known"):
        calendar_of(History("x", pd.Index(["a"]), times, "1 day", np.ones((1, 9)), holidays=code), times)


def test_the_place_that_leads_is_found() -> None:
    rng = np.random.default_rng(4)
    residuals = rng.normal(0, 1, (6, 800)).astype(np.float32)
    residuals[0] = np.roll(residuals[3], 2) + rng.normal(0, 0.3, 800)
    found = leading_places(residuals, 2, 2)
    assert found[0, 0] == 3
    assert found.shape == (6, 2)
    assert (found != np.arange(6)[:, None]).all()


def test_among_very_many_places_only_the_nearest_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.neighbours_of._MANY", 50)
    monkeypatch.setattr("analytics.neighbours_of._NEAREST", 5)
    rng = np.random.default_rng(8)
    residuals = rng.normal(0, 1, (60, 300)).astype(np.float32)
    residuals[0] = np.roll(residuals[3], 2) + rng.normal(0, 0.3, 300)
    residuals[10] = np.roll(residuals[59], 2)
    positions = np.column_stack([np.arange(60.0), np.zeros(60)])
    found = leading_places(residuals, 2, 2, positions=positions)
    assert found[0, 0] == 3
    assert 59 not in found[10]
    assert np.abs(found - np.arange(60)[:, None]).max() <= 5
    assert leading_places(residuals, 2, 2)[10, 0] == 59


def test_features_of_a_moment_do_not_change_with_what_comes_later() -> None:
    rng = np.random.default_rng(6)
    history = hourly(rng.normal(0, 1, (5, 400)), drivers={"rain": rng.normal(0, 1, (5, 400))})
    made, _ = learn_features(history.until(300), 4)
    place, origin = np.arange(5), np.full(5, 320)
    known = made.know(history)
    later = replace(
        history,
        values=np.where(np.arange(400) > 320, 1e9, history.values),
        drivers={"rain": np.where(np.arange(400) > 320, 1e9, history.drivers["rain"])},
    )
    poisoned = made.know(later)
    np.testing.assert_array_equal(made.at_origin(poisoned, place, origin), made.at_origin(known, place, origin))
    lead = np.full(5, 4)
    np.testing.assert_array_equal(
        made.at_target(poisoned, place, origin, lead), made.at_target(known, place, origin, lead)
    )


def test_the_last_step_with_a_value() -> None:
    nan = np.nan
    assert last_step(np.array([[nan, 1, nan, nan, 2], [nan] * 5])).tolist() == [[-1, 1, 1, 1, 4], [-1] * 5]
