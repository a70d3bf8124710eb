"""`almanac report`: what it writes, where, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pikepdf
import pytest

from analytics.cube import cube
from app.cli import main
from app.text import language
from geodata.region import load_region
from tests.world import World, panel

Told = pytest.CaptureFixture[str]
THEME = "river_daily.discharge_m3_per_s"


def refused(code: int, told: Told, *said: str) -> None:
    """Exit code 2, nothing on standard output, two sentences on standard error."""
    out, err = told.readouterr()
    assert (code, out) == (2, "")
    what, hint = err.strip().split("\n")
    assert what.endswith(".") and hint.endswith((".", "?")), err
    for words in said:
        assert words in err


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_two_sheets_with_their_numbers(world: World, tmp_path: Path, capsys: Told) -> None:
    out = tmp_path / "made" / "two.pdf"
    said = ["--kind", "sheet", "--places", "001, 003,001", "--issuer", "Office #1 *of* $two$", "--no-pictures"]
    assert main(["report", world.region, *said, "--out", str(out)]) == 0
    printed, err = capsys.readouterr()
    assert err == ""
    files = [Path(line) for line in printed.splitlines()]
    assert files == [out, out.with_suffix(".bundle") / "manifest.json"]
    assert names_in(out.parent) == ["two.bundle", "two.pdf"]
    with pikepdf.open(out) as pdf:
        assert len(pdf.pages) == 2
    asked = json.loads(files[1].read_text(encoding="utf-8"))["request"]
    assert asked["places"] == ["001", "003"] and asked["issuer"] == "Office #1 *of* $two$"
    numbers = pd.read_csv(out.with_suffix(".bundle") / "numbers.csv", dtype={"location_id": str})
    # The maps and their legends print the class of the third gauge too.
    assert set(numbers["location_id"].dropna()) == {"001", "002", "003"}
    assert set(numbers.loc[numbers["made"] == "forecast", "location_id"]) <= {"001", "003"}


def test_one_place_is_a_sheet_and_json_names_the_files(world: World, tmp_path: Path, capsys: Told) -> None:
    out = tmp_path / "one.pdf"
    assert main(["report", world.region, "--places", "002", "--json", "--out", str(out)]) == 0
    pdf, manifest = json.loads(capsys.readouterr().out)
    assert pdf == str(out)
    assert json.loads(Path(manifest).read_text(encoding="utf-8"))["request"]["kind"] == "sheet"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["two_vallys", "--out", "x.pdf"], "two_valleys"),
        (["two_valleys"], "--out"),
        (["--out", "x.pdf"], "REGION"),
        (["two_valleys", "--kind", "poster", "--out", "x.pdf"], "poster"),
        (["two_valleys", "--language", "fr", "--out", "x.pdf"], "fr"),
        (["two_valleys", "--places", "001,01", "--out", "x.pdf"], "no place “01”"),
        (["two_valleys", "--places", ",", "--out", "x.pdf"], "names no place"),
        (["two_valleys", "--kind", "map", "--places", "001", "--out", "x.pdf"], "about the whole region"),
        (["two_valleys", "--theme", "river_daly.discharge_m3_per_s", "--out", "x.pdf"], "river_daily"),
        (["two_valleys", "--theme", "trafic", "--out", "x.pdf"], "traffic"),
        (["two_valleys", "--theme", "traffic", "--out", "x.pdf"], "no data"),
        (["two_valleys", "--theme", "flashiness", "--standard", "nonsuch", "--out", "x.pdf"], "nonsuch"),
        (["two_valleys", "--theme", "flashiness", "--reference", "2001-2010", "--out", "x.pdf"], "not fitted"),
        (["two_valleys", "--theme", "flashiness", "--time", "2001-01-01", "--out", "x.pdf"], "an indicator"),
        (["two_valleys", "--theme", THEME, "--standard", "nidis", "--out", "x.pdf"], "is a series"),
        (["two_valleys", "--theme", THEME, "--step", "1 week", "--out", "x.pdf"], "1 month"),
        (["two_valleys", "--theme", THEME, "--time", "1066-10-14", "--out", "x.pdf"], "Did you mean"),
        (["two_valleys", "--theme", THEME, "--time", "noon", "--out", "x.pdf"], "Give the start of a step"),
        (["two_valleys", "--theme", THEME, "--time", "2001-01-01T00:00Z", "--out", "x.pdf"], "No step"),
        (["two_valleys", "--reference", "2010-2001", "--out", "x.pdf"], "no reference period"),
        (["two_valleys", "--reference", "two-five", "--out", "x.pdf"], "no reference period"),
        (["two_valleys", "--out", "x.odt"], "ends in .pdf"),
        (["two_valleys", "--kind", "map", "--out", "x.docx"], "as Word"),
        (["two_valleys", "--logo", "nowhere.png", "--out", "x.pdf"], "nowhere.png"),
        (["two_valleys", "--again", "nowhere/manifest.json"], "two_valleys"),
        (["--again", "nowhere/manifest.json"], "nowhere"),
    ],
)
def test_what_cannot_be_made_is_told_in_two_sentences_and_nothing_is_left(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told, arguments: list[str], said: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    refused(main(["report", *arguments]), capsys, said)
    assert names_in(here) == []


@pytest.mark.parametrize("content", [b"GIF89a and more", b"", b"<svg><!ENTITY x 'y'></svg>"])
def test_a_logo_that_is_no_image_is_refused(world: World, tmp_path: Path, capsys: Told, content: bytes) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(content)
    out = tmp_path / "made" / "one.pdf"
    refused(
        main(["report", world.region, "--places", "001", "--logo", str(logo), "--out", str(out)]), capsys, "logo.png"
    )
    assert names_in(out.parent) == []


def test_a_folder_that_is_a_file_cannot_be_written(world: World, tmp_path: Path, capsys: Told) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused(
        main(["report", world.region, "--places", "001", "--out", str(tmp_path / "file" / "one.pdf")]), capsys, "file"
    )


def test_a_report_that_stood_there_is_kept_when_the_next_fails(world: World, tmp_path: Path, capsys: Told) -> None:
    out = tmp_path / "made" / "one.pdf"
    out.parent.mkdir()
    out.write_bytes(b"what stood here before")
    refused(main(["report", world.region, "--places", "999", "--out", str(out)]), capsys, "999")
    assert out.read_bytes() == b"what stood here before" and names_in(out.parent) == ["one.pdf"]


def test_a_report_is_made_again(world: World, tmp_path: Path, capsys: Told) -> None:
    out, later = tmp_path / "one.pdf", tmp_path / "later.pdf"
    assert main(["report", world.region, "--places", "002", "--out", str(out)]) == 0
    manifest = str(out.with_suffix(".bundle") / "manifest.json")
    capsys.readouterr()
    assert main(["report", "--again", manifest, "--out", str(later)]) == 0
    printed, err = capsys.readouterr()
    assert printed.strip() == "location_id,name,what,time,change,field,before,after,cause"
    assert "numbers are the same" in err and str(later) in err and later.read_bytes().startswith(b"%PDF-")


def test_what_changed_since_is_printed(world: World, tmp_path: Path, capsys: Told) -> None:
    out = tmp_path / "one.pdf"
    assert main(["report", world.region, "--kind", "map", "--out", str(out)]) == 0
    manifest = str(out.with_suffix(".bundle") / "manifest.json")
    table = panel()
    table["discharge_m3_per_s"] *= 2
    table.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    capsys.readouterr()
    assert main(["report", "--again", manifest, "--json"]) == 0
    printed, err = capsys.readouterr()
    rows = json.loads(printed)
    assert rows and {row["cause"] for row in rows} == {"data"} and "river_daily" in err
    assert out.with_suffix(".bundle").is_dir() and names_in(tmp_path).count("one.pdf") == 1


def test_a_brief_in_word(world: World, tmp_path: Path, capsys: Told) -> None:
    out = tmp_path / "made" / "brief.docx"
    assert main(["report", world.region, "--language", "zh-Hant", "--out", str(out)]) == 0
    assert capsys.readouterr().out.split() == [str(out)]
    assert names_in(out.parent) == ["brief.docx"]
    assert any(p.style.name == "Heading 1" for p in docx.Document(str(out)).paragraphs if p.style is not None)
    assert language() == "en"
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused(main(["report", world.region, "--out", str(tmp_path / "file" / "brief.docx")]), capsys, "file")


def test_the_step_and_time_asked_for_are_printed(world: World, tmp_path: Path, capsys: Told) -> None:
    region = load_region(world.region)
    dataset, column = THEME.split(".")
    shown = cube(region, dataset, column, "1 day")
    at = int(np.flatnonzero(np.isfinite(shown.values).any(axis=0))[0])
    asked = ["--kind", "map", "--theme", THEME, "--step", "1 day", "--time", shown.times[at].isoformat()]
    out = tmp_path / "map.pdf"
    assert at < shown.latest_full() and main(["report", world.region, *asked, "--out", str(out)]) == 0
    numbers = pd.read_csv(out.with_suffix(".bundle") / "numbers.csv", dtype={"location_id": str})
    printed = numbers[numbers["made"] == (shown.made or "value")].set_index("location_id")["value"].astype(float)
    pd.testing.assert_series_equal(
        printed.sort_index(), shown.at(at).dropna().sort_index(), check_names=False, check_index_type=False, rtol=0
    )
    request = json.loads((out.with_suffix(".bundle") / "manifest.json").read_text(encoding="utf-8"))["request"]
    assert (request["step"], request["time"], request["reference"]) == ("1 day", shown.times[at].isoformat(), None)
