"""A golden case accepts what it expects and nothing else, and its files are those that the project reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import tests.golden
from analytics.golden_case import GoldenCase, found_by, read_found, read_table
from geodata.errors import AlmanacError
from tests.golden import Case

ROOT = Path(__file__).parents[2]
TABLE = pd.DataFrame(
    {
        "location_id": ["001", "001", "002"],
        "time": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-01"], utc=True),
        "precipitation_mm": [1.0, 3.0, np.nan],
    }
)
EXPECTED = pd.Series({"001": 2.0, "002": np.nan})
MODULE = '''"""The mean."""


def mean_rain(panel, times=1.0):
    """The mean of each place."""
    return times * panel.groupby("location_id")["precipitation_mm"].mean()
'''


def case(**changed: Any) -> GoldenCase:
    usual: dict[str, Any] = {
        "table": TABLE,
        "expected": EXPECTED,
        "grade": "by_hand",
        "source": "Worked by hand from the definition of a mean",
        "how": "(1 + 3) / 2; the other place has no value.",
        "tolerance_reason": "Halves are exact in binary.",
    }
    return GoldenCase(**{**usual, **changed})


def table(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=["001", "002"])


def test_what_is_expected_is_accepted() -> None:
    case().refuse_others(table(value=[2.0, np.nan]))
    # The order of the places and further columns mean nothing.
    case().refuse_others(table(value=[2.0, np.nan], low=[1.0, 1.0]).iloc[::-1])
    case(tolerance_relative=0.1).refuse_others(table(value=[2.199, np.nan]))
    case(tolerance_absolute=0.5).refuse_others(table(value=[1.501, np.nan]))


@pytest.mark.parametrize(
    ("given", "found", "said"),
    [
        ({}, table(value=[2.0 + 1e-12, np.nan]), "At 001 the golden case expects value 2, and the indicator gives 2."),
        ({}, table(value=[np.nan, np.nan]), "At 001 the golden case expects value 2, and the indicator gives nan."),
        ({}, table(value=[2.0, 0.0]), "At 002 the golden case expects value nan, and the indicator gives 0."),
        ({}, table(value=[np.inf, np.nan]), "gives inf"),
        ({"tolerance_relative": 0.1}, table(value=[2.201, np.nan]), "gives 2.201"),
        ({"tolerance_absolute": 0.5}, table(value=[1.499, np.nan]), "gives 1.499"),
        ({}, table(value=[2.0, np.nan]).iloc[:1], "the first that differs is 002"),
        ({}, table(value=[2.0, np.nan]).rename({"002": "2"}), "do not speak of the same places"),
        ({"expected": table(value=[2.0, 1.0], low=[1.0, 0.0])}, table(value=[2.0, 1.0], low=[1.0, 0.5]), "low 0"),
        ({"expected": table(value=[2.0, 1.0], low=[1.0, 0.0])}, table(value=[2.0, 1.0]), "gives nan"),
    ],
)
def test_anything_else_is_refused(given: dict[str, Any], found: pd.DataFrame, said: str) -> None:
    with pytest.raises(AlmanacError) as caught:
        case(**given).refuse_others(found)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"grade": "regression"}, "“regression” is no grade of a golden case"),
        ({"grade": "unproven"}, "no grade"),
        ({"expected": EXPECTED * np.nan}, "expects not one value"),
        ({"source": " "}, "does not say where its values come from"),
        ({"how": ""}, "does not say where"),
        ({"tolerance_reason": ""}, "why they may be off"),
    ],
)
def test_what_proves_nothing_is_no_case(given: dict[str, Any], said: str) -> None:
    with pytest.raises(AlmanacError) as caught:
        case(**given)
    assert said in str(caught.value)


def written(made: GoldenCase, folder: Path) -> Path:
    for name, content in made.files("mean_rain").items():
        (folder / name).write_bytes(content)
    return folder


def test_the_project_reads_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mean_rain_by_hand"
    folder.mkdir()
    made = case(parameters={"times": 1.0}, tolerance_relative=1e-9)
    written(made, folder)
    assert {path.name for path in folder.iterdir()} == {"case.toml", "input.csv", "expected.csv"}
    monkeypatch.setattr(tests.golden, "FOLDER", tmp_path)
    (read,) = tests.golden.cases()
    assert isinstance(read, Case)
    assert (read.id, read.indicator, read.grade) == ("mean_rain_by_hand", "mean_rain", "by_hand")
    assert (read.source, read.how, read.tolerance_reason) == (made.source, made.how, made.tolerance_reason)
    assert (read.tolerance_relative, read.tolerance_absolute) == (1e-9, 0.0)
    assert read.others() == {"times": 1.0}
    pd.testing.assert_frame_equal(read.table(), TABLE, check_dtype=False)
    pd.testing.assert_frame_equal(read.expected(), made.values, check_dtype=False, check_index_type=False)


def test_numbers_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Every digit counts: a case may allow no tolerance at all."""
    values = np.random.default_rng(3).random(2000) * 10.0 ** np.arange(-10, 10).repeat(100)
    wide = pd.DataFrame({"location_id": [f"{n:04d}" for n in range(2000)], "precipitation_mm": values})
    folder = written(case(table=wide, expected=wide.set_index("location_id")["precipitation_mm"]), tmp_path)
    back = read_table(folder / "input.csv")
    assert back["location_id"].to_list() == wide["location_id"].to_list()
    assert (back["precipitation_mm"].to_numpy() == values).all()
    expected = read_found((folder / "expected.csv").read_text(encoding="utf-8"))
    assert (expected["value"].to_numpy() == values).all()


def test_a_layer_is_written_with_its_geometry(tmp_path: Path) -> None:
    layer = gpd.GeoDataFrame(
        {"people_count": [3]}, index=pd.Index(["001"], name="location_id"), geometry=[shapely.Point(9, 45)], crs=4326
    )
    folder = written(case(table=layer, expected=pd.Series({"001": 3.0})), tmp_path)
    found = found_by(lambda table: table["people_count"].astype(float), folder)
    assert found["value"].to_dict() == {"001": 3.0}
    assert read_table(folder / "input.geojson").geometry.iloc[0].equals(shapely.Point(9, 45))


def alone(folder: Path, module: str, name: str = "mean_rain") -> subprocess.CompletedProcess[str]:
    (folder / "mean_rain.py").write_text(module, encoding="utf-8")
    command = [sys.executable, "-m", "analytics.golden_case", str(folder / "mean_rain.py"), name, str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda text: text,
        lambda text: text.replace("    return", '    print("location_id,value")\n    return'),
        lambda text: 'print("loaded")\n' + text,
        lambda text: text.rstrip() + ".rename_axis(None)\n",
    ],
    ids=["as it is", "it prints", "its module prints", "its index has no name"],
)
def test_a_module_is_run_on_its_case(tmp_path: Path, spoilt: Callable[[str], str]) -> None:
    made = case(parameters={"times": 2.0}, expected=EXPECTED * 2)
    done = alone(written(made, tmp_path), spoilt(MODULE))
    assert done.returncode == 0, done.stderr
    found = read_found(done.stdout)
    assert found["value"].to_dict() == {"001": 4.0, "002": pytest.approx(np.nan, nan_ok=True)}
    made.refuse_others(found)


def test_a_module_that_fails_says_why(tmp_path: Path) -> None:
    done = alone(written(case(), tmp_path), MODULE.replace("    return", '    raise ValueError("no rain")\n    return'))
    assert done.returncode != 0 and done.stderr.strip().endswith("ValueError: no rain")
