from __future__ import annotations

import csv
import dataclasses
import io
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from app.export import BYTE_ORDER_MARK, csv_bytes, csv_size, guarded, parquet_bytes, source_text
from geodata.catalog import open_catalog
from tests.world import World, gauges, panel

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\tplain",
    "\rplain",
    "\nplain",
    "  =1",
    "'=1",
    '"=1',
    "\" =cmd|'/C calc'!A0",
    "\ufeff=1",
    "\u200b=1",
    "\xa0=1",
    "\u3000=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "“＝1",
    "\x00=1",
    "-",
    "=",
]
HARMLESS = ["Dan River", "a=b", "O'Brien", "1-2", "磨坊", "", "(1)", "5", "x@y", "St. Mary's + Co", "“quoted”"]


def rows(made: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(made.decode("utf-8-sig"), newline="")))


def looks_like_a_formula(cell: str) -> bool:
    """What a spreadsheet does with a cell, written independently of the guard: strip, unquote, look."""
    seen = re.sub(r"^[\W_]*?(?=[=+\-@＝＋－＠])", "", cell.lstrip('"“”‘’«»`\t\r\n\0 \xa0\u3000\ufeff\u200b'))
    return not cell.startswith("'") and (seen[:1] in tuple("=+-@＝＋－＠") or cell[:1] in ("\t", "\r", "\n"))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert looks_like_a_formula(text) or text.startswith("'")
    assert guarded(text).startswith("'")
    assert guarded(text).replace("'", "") == text.replace("'", "")
    assert not looks_like_a_formula(guarded(text))


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert guarded(text) == text


def test_a_formula_after_a_semicolon_is_guarded_where_that_splits_cells() -> None:
    for part in guarded("Mill; =HYPERLINK(1);x;+2").split(";"):
        assert not looks_like_a_formula(part)


def test_every_text_cell_and_heading_is_guarded_and_numbers_stay_numbers() -> None:
    table = pd.DataFrame(
        {
            "location_id": HOSTILE,
            "=cmd_mm": np.linspace(-5, 5, len(HOSTILE)),
            "kind": pd.Categorical(HOSTILE),
            "rank": -7,
        }
    )
    before = table.copy(deep=True)
    heading, *body = rows(csv_bytes(table))
    assert heading == ["location_id", "'=cmd_mm", "kind", "rank"]
    assert len(body) == len(HOSTILE)
    for row, value in zip(body, table["=cmd_mm"], strict=True):
        assert not looks_like_a_formula(row[0])
        assert not looks_like_a_formula(row[2])
        assert float(row[1]) == value
        assert row[3] == "-7"
    pd.testing.assert_frame_equal(table, before)


def test_a_panel_comes_back_as_it_was() -> None:
    made = csv_bytes(panel())
    assert made.startswith(BYTE_ORDER_MARK)
    assert rows(made)[1] == ["001", "2020-01-01T00:00:00Z", "1", "A"]
    back = pd.read_csv(io.BytesIO(made), dtype={"location_id": "str"}, parse_dates=["time"])
    given = panel()
    assert back["location_id"].tolist() == given["location_id"].tolist()
    assert (back["time"] == given["time"]).all()
    np.testing.assert_array_equal(back["discharge_m3_per_s"], given["discharge_m3_per_s"])
    # A missing value is empty, never zero and never a word.
    assert rows(made)[20] == ["001", "2020-01-20T00:00:00Z", "", ""]


def test_moments_finer_than_a_second_and_on_other_clocks() -> None:
    table = panel().head(2)
    local = table.assign(time=table["time"].dt.tz_convert("Asia/Shanghai"))
    assert csv_bytes(local) == csv_bytes(table)
    finer = table.assign(time=table["time"] + pd.Timedelta("0.5s"))
    assert rows(csv_bytes(finer))[1][1] == "2020-01-01T00:00:00.500000Z"


def test_a_layer_is_written_with_points_in_degrees() -> None:
    layer = gauges().to_crs(32632)
    heading, first, second, _ = rows(csv_bytes(layer))
    assert heading == ["location_id", "name", "name_zh_hans", "name_zh_hant", "longitude", "latitude"]
    assert first == ["001", "Ponte Alto", "", "", "9", "45.5"]
    assert second[2] == second[3] == "磨坊"
    ring = shapely.Point(0, 0).buffer(2).difference(shapely.Point(0, 0).buffer(1))
    areas = gpd.GeoDataFrame({"name": ["Ring"]}, index=pd.Index(["r"], name="location_id"), geometry=[ring], crs=4326)
    _, row = rows(csv_bytes(areas))
    assert ring.contains(shapely.Point(float(row[2]), float(row[3])))


def test_the_size_is_told_before_the_file_is_made() -> None:
    small, big = panel(), pd.concat([panel().assign(location_id=str(i)) for i in range(100)])
    assert csv_size(small) == len(csv_bytes(small))
    assert csv_size(big) == pytest.approx(len(csv_bytes(big)), rel=0.05)


def test_an_empty_table_has_its_headings() -> None:
    assert rows(csv_bytes(panel().iloc[:0])) == [list(panel().columns)]


def test_parquet_is_the_file_itself_and_its_source_goes_with_it(world: World) -> None:
    dataset = open_catalog()["river_daily"]
    assert parquet_bytes(dataset, panel().head(1)) == dataset.path.read_bytes()
    grown = dataclasses.replace(dataset, appended=1)
    assert pq.read_table(io.BytesIO(parquet_bytes(grown, panel().head(80)))).num_rows == 80
    assert "appended" in source_text(grown).decode("utf-8-sig")
    told = source_text(dataset).decode("utf-8-sig")
    for fact in (
        dataset.title,
        dataset.producer,
        dataset.sha256,
        "not stated",
        "Provisional",
        "Its values are made up.",
    ):
        assert fact in told
