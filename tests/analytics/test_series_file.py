from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.series_file import read_series
from geodata.errors import AlmanacError, BrokenData


def write(folder: Path, text: str, name: str = "flow.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


TABLE = "gauge,day,q,rain\n" + "\n".join(
    f"{gauge},2020-01-{day:02d},{0.5 * day},{day % 3}" for gauge in ("007", "12") for day in range(1, 11)
)


def test_a_file_becomes_a_history_and_ids_keep_their_zeros(tmp_path: Path) -> None:
    file = write(tmp_path, TABLE)
    found = read_series(file, time="day", value="q", location="gauge", drivers=("rain",))
    assert list(found.places) == ["007", "12"]
    assert found.step == "1 day" and found.values.shape == (2, 10)
    assert found.values[0, 3] == 2.0
    assert found.drivers["rain"][1].tolist() == [1, 2, 0, 1, 2, 0, 1, 2, 0, 1]


def test_a_file_about_one_place_needs_no_location(tmp_path: Path) -> None:
    file = write(tmp_path, "when,v\n2020-01-01T00:00,1\n2020-01-01T01:00,\n2020-01-01T02:00,3\n")
    found = read_series(file, time="when", value="v")
    assert list(found.places) == ["flow"] and found.step == "1 hour"
    assert np.isnan(found.values[0, 1])


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=5, tz="UTC")
    path = tmp_path / "one.parquet"
    pd.DataFrame({"t": days, "v": [1.0, 2.0, np.nan, 4.0, 5.0]}).to_parquet(path)
    assert read_series(path, time="t", value="v").values[0].tolist()[:2] == [1.0, 2.0]


def test_degrees_become_metres(tmp_path: Path) -> None:
    file = write(tmp_path, TABLE)
    places = write(tmp_path, "gauge,longitude,latitude\n007,10.0,50.0\n12,10.0,51.0\n", "places.csv")
    found = read_series(file, time="day", value="q", location="gauge", locations=places)
    assert found.positions is not None
    # One degree of latitude at 50.5° is 111.2 km (WGS 84).
    assert np.hypot(*(found.positions[1] - found.positions[0])) == pytest.approx(111_240, rel=0.001)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TABLE.replace("2020-01-03", "soon", 1), "“soon” in row 3"),
        (TABLE.replace("2020-01-04,2.0", "2020-01-04,dry", 1), "“dry” in row 4"),
        (TABLE.replace(",q,", ",flow,"), "no column “q”"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BrokenData) as error:
        read_series(write(tmp_path, text), time="day", value="q", location="gauge")
    assert words in error.value.message
    assert error.value.hint


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"", b"\xff\xfe\x00broken"])
def test_a_file_that_is_no_table_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(BrokenData):
        read_series(path, time="t", value="v")
    with pytest.raises(AlmanacError, match="no file"):
        read_series(tmp_path / "absent.csv", time="t", value="v")


def test_moments_within_the_day_without_a_step_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "t,v\n2020-01-01T00:07,1\n2020-01-01T00:31,2\n2020-01-02T05:00,3\n")
    with pytest.raises(BrokenData, match="regular step"):
        read_series(file, time="t", value="v")


def test_a_file_without_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AlmanacError, match="no value"):
        read_series(write(tmp_path, "t,v\n2020-01-01,\n2020-01-02,\n"), time="t", value="v")
