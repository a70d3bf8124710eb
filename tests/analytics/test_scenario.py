"""A what-if does what is written down, to nothing but what it names, and comes back from its file as it was."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.scenario import Change, Scenario, read_scenario, scenario_text
from geodata.errors import AlmanacError, BrokenData, UnknownName


def a_year(**columns: Any) -> pd.DataFrame:
    """Twelve months at one place."""
    times = pd.date_range("2020-01-01", periods=12, freq="MS", tz="UTC")
    return pd.DataFrame({"location_id": "a", "time": times, **columns})


def scenario(*changes: Change, **facts: str) -> Scenario:
    told = {"id": "drier", "title": "Drier", "why": "It may be.", "source": "Invented."} | facts
    return Scenario(**told, changes=changes)


RAIN = np.arange(10.0, 130.0, 10.0)  # 10 in January … 120 in December


def test_it_multiplies_first_and_then_adds() -> None:
    found = scenario(Change("precipitation_mm", multiply=0.5, add=3.0)).apply(a_year(precipitation_mm=RAIN))
    assert found["precipitation_mm"].tolist() == [8, 13, 18, 23, 28, 33, 38, 43, 48, 53, 58, 63]


def test_it_holds_for_its_months_and_its_days_only() -> None:
    summer = scenario(Change("precipitation_mm", multiply=0.5, months=(7, 6)))
    assert summer.apply(a_year(precipitation_mm=RAIN))["precipitation_mm"].tolist() == [
        10, 20, 30, 40, 50, 30, 35, 80, 90, 100, 110, 120,
    ]  # fmt: skip
    # Both ends are within: the 1st of March is the first to change, the 1st of May the last.
    spring = Change("precipitation_mm", add=1.0, first=date(2020, 3, 1), last=date(2020, 5, 1))
    assert scenario(spring).apply(a_year(precipitation_mm=RAIN))["precipitation_mm"].tolist() == [
        10, 20, 31, 41, 51, 60, 70, 80, 90, 100, 110, 120,
    ]  # fmt: skip


def test_the_last_day_is_whole() -> None:
    hours = pd.date_range("2020-01-01", periods=72, freq="h", tz="UTC")
    panel = pd.DataFrame({"location_id": "a", "time": hours, "temperature_c": 5.0})
    found = scenario(Change("temperature_c", add=2.0, first=date(2020, 1, 2), last=date(2020, 1, 2))).apply(panel)
    assert found["temperature_c"].tolist() == [5.0] * 24 + [7.0] * 24 + [5.0] * 24


def test_changes_of_one_column_are_made_one_after_the_other() -> None:
    both = scenario(Change("temperature_c", multiply=2.0), Change("temperature_c", add=1.0, months=(1,)))
    assert both.apply(a_year(temperature_c=3.0))["temperature_c"].tolist() == [7.0] + [6.0] * 11


def test_the_panel_is_left_as_it_is_and_so_is_what_the_scenario_does_not_name() -> None:
    panel = a_year(precipitation_mm=RAIN, evaporation_mm=5, precipitation_mm_flag="e")
    before = panel.copy(deep=True)
    found = scenario(Change("precipitation_mm", multiply=0.8)).apply(panel)
    pd.testing.assert_frame_equal(panel, before)
    assert list(found.columns) == list(panel.columns) and found.index.equals(panel.index)
    rest = ["location_id", "time", "evaporation_mm", "precipitation_mm_flag"]
    pd.testing.assert_frame_equal(found[rest], before[rest])
    found.loc[:, "evaporation_mm"] = 0
    pd.testing.assert_frame_equal(panel, before)


@pytest.mark.parametrize("kind", ["float64", "Int64"])
def test_missing_stays_missing(kind: str) -> None:
    panel = a_year(precipitation_mm=pd.array([1, None, *[3] * 10], dtype="Int64").astype(kind))
    found = scenario(Change("precipitation_mm", multiply=0.5, add=1.0)).apply(panel)
    assert found["precipitation_mm"].isna().tolist() == [False, True] + [False] * 10
    assert found["precipitation_mm"].dropna().tolist() == [1.5] + [2.5] * 10


def test_whole_numbers_become_decimal_ones() -> None:
    found = scenario(Change("extraction_m3_per_day", multiply=0.8)).apply(a_year(extraction_m3_per_day=3))
    assert found["extraction_m3_per_day"].to_numpy() == pytest.approx(2.4)


def test_a_column_that_is_not_there_is_named_with_the_one_that_was_meant() -> None:
    change = scenario(Change("precipitatoin_mm", multiply=0.8))
    with pytest.raises(UnknownName, match="precipitatoin_mm") as refused:
        change.apply(a_year(precipitation_mm=RAIN))
    assert refused.value.hint == "Did you mean “precipitation_mm”?"
    with pytest.raises(UnknownName, match="precipitatoin_mm") as refused:
        change.apply(a_year(speed_km_per_h=50.0))
    assert "speed_km_per_h" in refused.value.hint


@pytest.mark.parametrize("column", ["precipitation_mm", "discharge_m3_per_s", "extraction_m3_per_day"])
def test_what_cannot_be_negative_is_refused_and_never_clipped(column: str) -> None:
    panel = a_year(**{column: RAIN})
    with pytest.raises(AlmanacError, match=f"2 values of {column} negative, down to -15") as refused:
        scenario(Change(column, add=-25.0)).apply(panel)
    assert refused.value.hint
    # Nothing is left: that can be.
    assert scenario(Change(column, multiply=0.0)).apply(panel)[column].tolist() == [0.0] * 12


def test_a_temperature_a_height_and_a_flow_that_reverses_may_fall_below_zero() -> None:
    for column in ("temperature_c", "head_m"):
        assert scenario(Change(column, add=-5.0)).apply(a_year(**{column: 1.0}))[column].tolist() == [-4.0] * 12
    tidal = a_year(discharge_m3_per_s=RAIN - 15)
    found = scenario(Change("discharge_m3_per_s", add=-10.0)).apply(tidal)["discharge_m3_per_s"]
    assert found.tolist() == (RAIN - 25).tolist()


def test_a_change_that_holds_for_no_row_is_refused() -> None:
    with pytest.raises(AlmanacError, match="none of the 12 rows"):
        scenario(Change("precipitation_mm", add=1.0, first=date(2021, 1, 1))).apply(a_year(precipitation_mm=RAIN))


def test_a_table_that_is_no_panel_is_refused() -> None:
    with pytest.raises(BrokenData, match="time"):
        scenario(Change("precipitation_mm", add=1.0)).apply(a_year(precipitation_mm=RAIN).drop(columns="time"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"column": "rain"}, "carries no known unit"),
        ({"multiply": 1.0}, "changes nothing"),
        ({"months": (6,)}, "changes nothing"),
        ({"multiply": float("nan")}, "not both numbers"),
        ({"add": float("inf")}, "not both numbers"),
        ({"add": 1.0, "months": (0,)}, "not months"),
        ({"add": 1.0, "months": (13,)}, "not months"),
        ({"add": 1.0, "months": (6, 6)}, "not months"),
        ({"add": 1.0, "first": date(2020, 2, 1), "last": date(2020, 1, 31)}, "before it begins"),
        ({"add": 1.0, "first": pd.Timestamp("2020-02-01")}, "no date but Timestamp"),
        ({"add": 1.0, "last": "2020-02-01"}, "no date but str"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BrokenData, match=said) as refused:
        Change(**{"column": "precipitation_mm", **wrong})
    assert refused.value.hint


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": "A fifth less"}, "cannot be the id"),
        ({"id": ""}, "cannot be the id"),
        ({"id": "../drier"}, "cannot be the id"),
        ({"title": " "}, "nothing under title"),
        ({"why": ""}, "nothing under why"),
        ({"source": "\n"}, "nothing under source"),
    ],
)
def test_a_scenario_that_does_not_say_what_it_is_is_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(BrokenData, match=said) as refused:
        scenario(Change("precipitation_mm", add=1.0), **wrong)
    assert refused.value.hint


def test_a_scenario_without_a_change_is_refused() -> None:
    with pytest.raises(BrokenData, match="no changes"):
        scenario()


@pytest.mark.parametrize(
    "text",
    [
        'He said "dry", or \'drier\', or """driest""" \\ C:\\new',
        "地下水少抽五分之一：為什麼？ 😀",
        "one\ntwo\r\nthree\r\tfour\x00\x1f\x7f",
        " [[changes]] # = not a table ",
    ],
)
def test_what_is_written_down_is_read_back_equal(tmp_path: Path, text: str) -> None:
    changes = (
        Change("precipitation_mm", multiply=0.1 + 0.2, months=(12, 1, 2)),
        Change("temperature_c", add=-1e-300, first=date(2004, 2, 29)),
        Change("temperature_c", multiply=2.0, add=1.5, last=date(2050, 12, 31)),
    )
    written = Scenario("drier_2050", text, text, text, changes, region="noord_brabant")
    file = tmp_path / "drier_2050.toml"
    # As bytes: a line end of another system is none of the text.
    file.write_bytes(scenario_text(written).encode())
    assert read_scenario(file) == written


def test_what_is_as_usual_is_not_written() -> None:
    told = tomllib.loads(scenario_text(scenario(Change("extraction_m3_per_day", multiply=0.8))))
    assert told == {
        "title": "Drier",
        "why": "It may be.",
        "source": "Invented.",
        "changes": [{"column": "extraction_m3_per_day", "multiply": 0.8}],
    }


def test_a_number_of_numpy_is_written_as_a_number(tmp_path: Path) -> None:
    file = tmp_path / "drier.toml"
    written = scenario(Change("head_m", multiply=np.float64(0.5), add=2, months=tuple(np.arange(1, 4))))
    file.write_text(scenario_text(written), encoding="utf-8")
    assert read_scenario(file).changes == (Change("head_m", multiply=0.5, add=2.0, months=(1, 2, 3)),)


HEAD = 'title = "Drier"\nwhy = "It may be."\nsource = "Invented."\n'
CHANGE = '[[changes]]\ncolumn = "precipitation_mm"\nmultiply = 0.8\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "colour = 3\n" + CHANGE, "unknown key “colour”"),
        (HEAD + 'id = "drier"\n' + CHANGE, "unknown key “id”"),
        (HEAD + CHANGE + "monhts = [6]\n", "unknown key “monhts”"),
        (HEAD, "lacks the key “changes”"),
        (HEAD + "changes = []\n", "no changes"),
        (CHANGE, "lacks the key “title”"),
        (HEAD + "[[changes]]\nmultiply = 0.8\n", "lacks the key “column”"),
        (HEAD + CHANGE + "months = [13]\n", "not months"),
        (HEAD + CHANGE + 'months = ["June"]\n', "holds str"),
        (HEAD + CHANGE + "first = 2004-01-01T00:00:00\n", "holds datetime"),
        (HEAD + CHANGE + "add = true\n", "holds bool"),
        (HEAD + CHANGE + "add = nan\n", "not both numbers"),
        (HEAD + '[[changes]]\ncolumn = "precipitation_mm"\n', "changes nothing"),
        (HEAD + "changes =\n", "not valid TOML"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "drier.toml"
    file.write_text(HEAD + CHANGE, encoding="utf-8")
    assert read_scenario(file) == scenario(Change("precipitation_mm", multiply=0.8))
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BrokenData, match=said) as refused:
        read_scenario(file)
    assert refused.value.hint


def test_a_file_name_that_is_no_id_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Less rain.toml"
    file.write_text(HEAD + CHANGE, encoding="utf-8")
    with pytest.raises(BrokenData, match="Less rain"):
        read_scenario(file)
    with pytest.raises(BrokenData, match=r"gone\.toml cannot be read"):
        read_scenario(tmp_path / "gone.toml")
