"""Every scenario reads, says why it is plausible, and makes of its golden case what was worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analytics import scenario as module
from analytics.golden_case import read_table
from analytics.scenario import Change, Scenario, read_scenario, scenario_text
from geodata.region import regions

SCENARIOS = Path(module.__file__).with_name("scenarios")
CASES = Path(__file__).parents[1] / "scenarios"


def check(file: Path, case: Path) -> None:
    scenario = read_scenario(file)
    assert scenario.region in ("", *regions())
    made = scenario.apply(read_table(case / "before.csv"))
    after = read_table(case / "after.csv")
    pd.testing.assert_frame_equal(made, after[list(made.columns)], check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.toml")), ids=lambda file: file.stem)
def test_a_scenario_makes_of_its_case_what_is_expected(file: Path) -> None:
    check(file, CASES / file.stem)


def test_no_case_is_left_without_its_scenario() -> None:
    assert {p.name for p in CASES.glob("*") if p.is_dir()} <= {p.stem for p in SCENARIOS.glob("*.toml")}


def test_a_case_that_is_missed_is_found_out(tmp_path: Path) -> None:
    drier = Scenario("drier", "A tenth less rain", "Dry years come.", "The tests.", (Change("precipitation_mm", 0.9),))
    (tmp_path / "drier.toml").write_text(scenario_text(drier), encoding="utf-8")
    before = pd.DataFrame(
        {"location_id": "a", "time": pd.date_range("2020-01-01", periods=2, tz="UTC"), "precipitation_mm": [10.0, 0.0]}
    )
    before.to_csv(tmp_path / "before.csv", index=False)
    before.assign(precipitation_mm=[9.0, 0.0]).to_csv(tmp_path / "after.csv", index=False)
    check(tmp_path / "drier.toml", tmp_path)
    before.assign(precipitation_mm=[9.1, 0.0]).to_csv(tmp_path / "after.csv", index=False)
    with pytest.raises(AssertionError):
        check(tmp_path / "drier.toml", tmp_path)
