"""`almanac forecast`, `backtest` and `evaluate`: what they print, keep and refuse."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.cli import main
from tests.world import World

SERIES = "river_daily.discharge_m3_per_s"
FORECAST = [
    "location_id", "time", "mean", "low_80", "high_80", "low_95", "high_95", "model", "skill", "skill_low", "shown",
]  # fmt: skip
Told = pytest.CaptureFixture[str]


@pytest.fixture
def nothing_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*_: object, **__: object) -> None:
        pytest.fail("it was computed before it was refused")

    monkeypatch.setattr("analytics.evaluation.evaluate", told)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two wells that fall back to their level, a hundred and twenty days, with the rain."""
    rng = np.random.default_rng(8)
    rain = rng.gamma(0.5, 4, (2, 120))
    head = np.zeros((2, 120))
    for i in range(1, 120):
        head[:, i] = 0.8 * head[:, i - 1] + 0.1 * rain[:, i] + rng.normal(0, 0.05, 2)
    days = pd.date_range("2021-01-01", periods=120).strftime("%Y-%m-%d")
    table = {
        "well": np.repeat(["01", "02"], 120),
        "day": np.tile(days, 2),
        "head": head.ravel() - 1,
        "rain": rain.ravel(),
    }
    pd.DataFrame(table).to_csv(tmp_path / "wells.csv", index=False)
    return tmp_path / "wells.csv"


def evaluate(file: Path, *more: str) -> int:
    said = ["--time", "day", "--value", "head", "--location", "well", "--train-end", "2021-04-10"]
    return main(["evaluate", str(file), *said, *more])


def refused(code: int, told: Told, *said: str) -> None:
    """Exit code 2, nothing on standard output, two sentences on standard error."""
    out, err = told.readouterr()
    assert (code, out) == (2, "")
    what, hint = err.strip().split("\n")
    assert what.endswith(".") and hint.endswith((".", "?")), err
    for words in said:
        assert words in err


def test_a_forecast_has_the_promised_columns(world: World, capsys: Told) -> None:
    assert main(["forecast", world.region, SERIES, "--horizon", "2"]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert err == "" and list(rows[0]) == FORECAST
    assert [(r["location_id"], r["time"]) for r in rows[:2]] == [
        ("001", "2020-01-31T00:00:00Z"),
        ("001", "2020-02-01T00:00:00Z"),
    ]
    assert len(rows) == 6 and all(r["shown"].startswith(("model", "baseline: ")) for r in rows)


def test_a_forecast_as_json_is_the_same_table(world: World, capsys: Told) -> None:
    assert main(["forecast", world.region, SERIES, "--horizon", "1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["time"] == "2020-01-31T00:00:00Z"
    assert [r["location_id"] for r in rows] == ["001", "002", "003"] and list(rows[0]) == FORECAST
    assert main(["forecast", world.region, SERIES, "--horizon", "1", "--as", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows


def test_a_backtest_scores_every_model_and_guess_by_place_and_lead(world: World, capsys: Told) -> None:
    assert main(["backtest", world.region, SERIES, "--horizon", "2", "--windows", "5"]) == 0
    out, err = capsys.readouterr()
    table = pd.read_csv(io.StringIO(out), dtype={"location_id": str})
    assert err == "" and {"model", "location_id", "lead", "mae", "rmse", "coverage_80"} <= set(table.columns)
    assert {"persistence", "drift", "constant", "shown"} < set(table["model"])
    assert len(table) == table["model"].nunique() * 3 * 2
    # Place 003 rises by 0.1 each day: who says that it stays is wrong by that much, and twice that two days ahead.
    stays = table[(table["model"] == "persistence") & (table["location_id"] == "003")].set_index("lead")["mae"]
    assert stays.tolist() == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize("command", ["forecast", "backtest"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["two_vallys", SERIES], "two_valleys"),
        (["two_valleys", "river_daily.discharge"], "discharge_m3_per_s"),
        (["two_valleys", "discharge_m3_per_s"], "no dataset"),
        (["two_valleys", SERIES, "--horizon", "0"], "The horizon is 0"),
        (["two_valleys", SERIES, "--horizon", "many"], "not a whole number"),
        (["two_valleys", SERIES, "--horizon", "29"], "at least 31"),
        (["two_valleys", SERIES, "--horizon", "100000"], "no forecast here looks further"),
        (["two_valleys"], "SERIES"),
    ],
)
def test_what_cannot_be_forecast_is_told_in_two_sentences(
    world: World, capsys: Told, command: str, arguments: list[str], said: str
) -> None:
    refused(main([command, *arguments]), capsys, said)


@pytest.mark.parametrize("windows", ["0", "-2"])
def test_a_backtest_needs_windows(world: World, capsys: Told, windows: str) -> None:
    refused(main(["backtest", world.region, SERIES, "--windows", windows, "--horizon", "1"]), capsys, windows)


def test_an_evaluation_prints_scores_and_says_which_model_was_best(file: Path, capsys: Told) -> None:
    assert evaluate(file, "--horizon", "2") == 0
    out, err = capsys.readouterr()
    table = pd.read_csv(io.StringIO(out), dtype={"location_id": str})
    assert err.strip() == "The best of the models on the last quarter of the training part: regression."
    assert set(table["location_id"]) == {"01", "02"} and set(table["lead"]) == {1, 2}
    assert {"persistence", "regression"} <= set(table["model"])


def test_a_simulation_needs_no_horizon(file: Path, capsys: Told) -> None:
    assert evaluate(file, "--mode", "simulate", "--drivers", "rain", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {r["model"] for r in rows} == {"constant", "response"}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_predictions_are_kept(file: Path, tmp_path: Path, capsys: Told, suffix: str) -> None:
    out = tmp_path / f"kept.{suffix}"
    out.write_text("what stood here before", encoding="utf-8")
    assert evaluate(file, "--horizon", "1", "--out", str(out)) == 0
    table = pd.read_csv(out, dtype={"location_id": str}) if suffix == "csv" else pd.read_parquet(out)
    assert {"model", "location_id", "cutoff", "time", "lead", "mean", "observed", "low_90", "high_90"} <= set(table)
    assert len(table) == 2 * 20 and set(table["location_id"]) == {"01", "02"}
    if suffix == "csv":
        assert table["cutoff"].iloc[0] == "2021-04-10T00:00:00Z"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([out.name, file.name])


def test_a_broken_write_leaves_what_stood_there(
    file: Path, tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "kept.csv"
    out.write_text("before", encoding="utf-8")

    def full(table: pd.DataFrame, path: Path, **_: object) -> None:
        path.write_text("half a f", encoding="utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    refused(evaluate(file, "--horizon", "1", "--out", str(out)), capsys, "no space left on device")
    assert out.read_text(encoding="utf-8") == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.csv", "wells.csv"]


@pytest.mark.usefixtures("nothing_computed")
@pytest.mark.parametrize("name", ["kept.xlsx", "kept", "kept.csv.gz"])
def test_other_forms_are_refused_before_anything_is_computed(file: Path, capsys: Told, name: str) -> None:
    refused(evaluate(file, "--horizon", "1", "--out", str(file.parent / name)), capsys, name, ".csv or .parquet")
    assert not (file.parent / name).exists()


@pytest.mark.usefixtures("nothing_computed")
def test_a_folder_that_is_not_there_is_refused_before_anything_is_computed(file: Path, capsys: Told) -> None:
    out = file.parent / "nowhere" / "kept.csv"
    refused(evaluate(file, "--horizon", "1", "--out", str(out)), capsys, "nowhere", "folder")


def test_a_folder_in_the_way_is_refused(file: Path, capsys: Told) -> None:
    (file.parent / "kept.csv").mkdir()
    refused(evaluate(file, "--horizon", "1", "--out", str(file.parent / "kept.csv")), capsys, "kept.csv")
    assert sorted(p.name for p in file.parent.iterdir()) == ["kept.csv", "wells.csv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_may_not_be_written_to_is_refused(file: Path, tmp_path: Path, capsys: Told) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    refused(evaluate(file, "--horizon", "1", "--out", str(closed / "kept.csv")), capsys, "cannot be written")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--horizon", "2", "--train-end", "2031-01-01"], "the record runs from 2021-01-01"),
        (["--horizon", "2", "--train-end", "soon"], "not a moment"),
        (["--horizon", "0"], "The horizon is 0"),
        (["--horizon", "60"], "fewer than the horizon of 60"),
        (["--horizon", "2", "--every", "0"], "every is 0"),
        ([], "a horizon is needed"),
        (["--horizon", "2", "--value", "haed"], "Did you mean “head”?"),
        (["--horizon", "2", "--value", "well", "--location", "day"], ""),
        (["--horizon", "2", "--drivers", "rain,snow"], "no column “snow”"),
        (["--mode", "simulate"], "has no driver"),
        (["--mode", "guess"], "guess"),
        (["--horizon", "2", "--drivers", "rain,head"], "cannot drive itself"),
        (["--horizon", "2", "--timezone", "Mars/Olympus"], "Mars/Olympus"),
        (["--horizon", "2", "--holidays", "Atlantis"], "Atlantis"),
        (["--horizon", "2", "--holidays", "US-ZZ"], "US-ZZ"),
    ],
)
def test_what_cannot_be_evaluated_is_told_in_two_sentences(
    file: Path, capsys: Told, more: list[str], said: str
) -> None:
    refused(evaluate(file, *more), capsys, said)


def test_a_file_that_is_not_there_is_told(file: Path, capsys: Told) -> None:
    refused(evaluate(file.with_name("other.csv"), "--horizon", "1"), capsys, "other.csv")


def test_a_constant_series_is_forecast_as_it_is(tmp_path: Path, capsys: Told) -> None:
    days = pd.date_range("2021-01-01", periods=60)
    flat = tmp_path / "flat.csv"
    pd.DataFrame({"day": days, "head": 2.5}).to_csv(flat, index=False)
    code = main(
        ["evaluate", str(flat), "--time", "day", "--value", "head", "--train-end", "2021-02-10", "--horizon", "2"]
    )
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert code == 0 and set(table["location_id"]) == {"flat"}
    assert table["mae"].to_numpy() == pytest.approx(0, abs=1e-6)
