from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import shapely

from analytics import INDICATORS
from app.cli import main
from tests.world import World, gauges, make_world, panel

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path) -> World:
    """A made region, for processes of their own."""
    return make_world(tmp_path / "made")


def almanac(world: World | None, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own."""
    found = {k: v for k, v in os.environ.items() if not k.startswith("ALMANAC_")} | {"PYTHONUTF8": "1"}
    if world is not None:
        found |= {"ALMANAC_SOURCES": str(world.sources), "ALMANAC_REGIONS": str(world.regions)}
        found |= {"ALMANAC_REGION": world.region, "ALMANAC_OBSERVATIONS": str(world.sources.parent / "observations")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        env=found | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def snapshot(world: World) -> dict[str, str]:
    """Every file of the made region with its checksum."""
    root = world.sources.parent
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()
    }


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """Exit code 2, nothing on standard output, two sentences on standard error."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    what, hint = done.stderr.strip().split("\n")
    assert what.endswith(".")
    assert hint.endswith((".", "?"))
    for words in said:
        assert words in done.stderr


def test_regions(here: World) -> None:
    done = almanac(here, "regions")
    assert (done.returncode, done.stderr) == (0, "")
    assert next(csv.DictReader(io.StringIO(done.stdout)))["region"] == "two_valleys"
    told = json.loads(almanac(here, "regions", "--json").stdout)
    assert [(r["region"], r["name"], r["datasets"], r["broken"]) for r in told] == [
        ("two_valleys", "Two Valleys", 2, "")
    ]


def test_datasets_by_words(here: World) -> None:
    told = json.loads(almanac(here, "datasets", "--json").stdout)
    assert [d["dataset"] for d in told] == ["river_daily", "gauges", "valley_base"]
    assert told[0]["series"] == "river_daily.discharge_m3_per_s"
    done = almanac(here, "datasets", "dischrage", "--region", "two_valleys", "--json")
    assert [d["dataset"] for d in json.loads(done.stdout)] == ["river_daily"]


def test_words_that_match_nothing_are_no_error(here: World) -> None:
    done = almanac(here, "datasets", "xyzzy", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "No dataset matches" in done.stderr


def test_the_profile_of_a_dataset_is_json_that_others_can_read(here: World) -> None:
    done = almanac(here, "datasets", "--profile", "river_daily", "--json")
    assert done.returncode == 0, done.stderr

    def no_constants(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    told = json.loads(done.stdout, parse_constant=no_constants)
    assert told["rows"] == 90
    text = almanac(here, "datasets", "--profile", "river_daily")
    assert (text.returncode, "rows: 90" in text.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["datasets", "--region", "two_valey"], ("no region “two_valey”", "Did you mean “two_valleys”?")),
        (["datasets", "--profile", "river_dialy"], ("no dataset “river_dialy”", "Did you mean “river_daily”?")),
        (["datasets", "--profile", ""], ("There is no dataset",)),
        (["run", "--region", "two_valey", "--headless"], ("no region “two_valey”", "Did you mean “two_valleys”?")),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(here: World, arguments: list[str], said: tuple[str, ...]) -> None:
    before = snapshot(here)
    refused(almanac(here, *arguments), *said)
    assert snapshot(here) == before


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["run", "--port", "0"], ["run", "--port", "x"], ["regions", "--fast"]]
)
def test_a_command_that_does_not_exist_exits_with_2(here: World, arguments: list[str]) -> None:
    done = almanac(here, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_help_is_no_error() -> None:
    done = almanac(None, "--help")
    assert done.returncode == 0
    for command in ("run", "regions", "datasets", "doctor"):
        assert command in done.stdout


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_port_in_use_is_told_with_the_next(here: World, family: socket.AddressFamily) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as taken:
        try:
            taken.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        except OSError:
            pytest.skip("this machine has no such addresses")
        taken.listen()
        port = taken.getsockname()[1]
        refused(
            almanac(here, "run", "--headless", "--port", str(port)), f"The port {port} cannot be used", f"{port + 1}"
        )


@pytest.mark.slow
def test_folders_that_are_not_there(here: World, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    for variable in ("ALMANAC_SOURCES", "ALMANAC_REGIONS"):
        refused(almanac(here, "datasets", **{variable: gone}), f"{variable} names {gone}, which is not a folder.")
    empty = tmp_path / "empty"
    empty.mkdir()
    done = almanac(here, "datasets", "--json", ALMANAC_SOURCES=str(empty))
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    for command in (["run", "--headless"], ["regions"], ["doctor"]):
        refused(almanac(here, *command, ALMANAC_REGIONS=str(empty)), f"There is no region in {empty}.")


def write_layer(world: World, layer: pd.DataFrame) -> None:
    layer.to_parquet(world.file("gauges"))
    world.seal("gauges")


def write_panel(world: World, table: pd.DataFrame) -> None:
    table.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")


BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
SPOILT: dict[str, tuple[str, Callable[[World], object], str]] = {
    "unknown key": ("river_daily", lambda w: w.replace("river_daily", "producer =", "producre ="), "producre"),
    "missing key": (
        "river_daily",
        lambda w: w.replace("river_daily", 'licence = "not stated"\n', ""),
        "lacks the key “licence”",
    ),
    "not TOML": ("river_daily", lambda w: w.toml("river_daily").write_bytes(b"\xff title"), "not valid TOML"),
    "checksum": ("river_daily", lambda w: panel().head(9).to_parquet(w.file("river_daily")), "checksum"),
    "no file": ("river_daily", lambda w: w.file("river_daily").unlink(), "is absent"),
    "no CRS": (
        "gauges",
        lambda w: write_layer(w, gauges().set_crs(None, allow_override=True)),
        "no coordinate reference system",
    ),
    "invalid geometry": (
        "gauges",
        lambda w: write_layer(w, gauges().set_geometry([BOW_TIE] * 3)),
        "3 geometries are invalid",
    ),
    "repeated rows": (
        "river_daily",
        lambda w: write_panel(w, pd.concat([panel()] * 2)),
        "repeat a location and time",
    ),
}


# Each fault is told by three commands; one of them tells in `make check` already whether they work.
QUICK_FAULT = "checksum"


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=() if name == QUICK_FAULT else pytest.mark.slow) for name in SPOILT]
)
def test_what_is_broken_is_told_and_nothing_is_changed(here: World, fault: str) -> None:
    dataset, spoil, said = SPOILT[fault]
    spoil(here)
    before = snapshot(here)
    refused(almanac(here, "datasets", "--profile", dataset), said)
    # The others still answer.
    done = almanac(here, "datasets", "--profile", "valley_base", "--json")
    assert done.returncode == 0, done.stderr
    doctor = almanac(here, "doctor", "--json")
    assert doctor.returncode == 2
    states = {c["check"]: c for c in json.loads(doctor.stdout)}
    told = states["region two_valleys"]["note"] + states["catalogue"]["note"]
    assert said in told
    assert "missing" in (states["region two_valleys"]["state"], states["catalogue"]["state"])
    assert snapshot(here) == before


def test_a_broken_description_leaves_the_list_of_the_others(here: World) -> None:
    here.replace("river_daily", "producer =", "producre =")
    done = almanac(here, "datasets", "--json")
    assert done.returncode == 0
    assert [d["dataset"] for d in json.loads(done.stdout)] == ["gauges", "valley_base"]
    assert "river_daily is left out: river_daily.toml has the unknown key “producre”." in done.stderr


def test_a_broken_region_does_not_take_the_others_down(here: World) -> None:
    broken = here.regions / "broken_place"
    broken.mkdir()
    (broken / "region.toml").write_text('name = "No more than a name"', encoding="utf-8")
    done = almanac(here, "regions", "--json")
    assert done.returncode == 0
    rows = {r["region"]: r for r in json.loads(done.stdout)}
    assert rows["two_valleys"]["broken"] == ""
    assert "broken_place/region.toml lacks the key “summary”." in rows["broken_place"]["broken"]
    refused(almanac(here, "datasets", "--region", "broken_place"), "lacks the key “summary”")
    assert almanac(here, "datasets", "--region", "two_valleys").returncode == 0


def test_doctor_finds_a_sound_installation_sound(here: World) -> None:
    done = almanac(here, "doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    checks = {c["check"]: c["state"] for c in json.loads(done.stdout)}
    assert checks["region two_valleys"] == checks["catalogue"] == checks["usage statistics"] == "ok"


def test_a_reader_that_goes_away_is_no_error(here: World) -> None:
    environment = dict(os.environ) | {"ALMANAC_SOURCES": str(here.sources), "ALMANAC_REGIONS": str(here.regions)}
    command = f"{sys.executable} -m app.cli datasets --json | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def free_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield port


def test_run_serves_the_dashboard_from_any_folder(here: World, tmp_path: Path, free_port: int) -> None:
    environment = dict(os.environ) | {
        "ALMANAC_SOURCES": str(here.sources),
        "ALMANAC_REGIONS": str(here.regions),
        "ALMANAC_REGION": here.region,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "app.cli", "run", "--headless", "--port", str(free_port)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            answer = ""
            deadline = time.monotonic() + 60
            while not answer and time.monotonic() < deadline and server.poll() is None:
                try:
                    with urllib.request.urlopen(f"http://localhost:{free_port}/_stcore/health", timeout=2) as page:
                        answer = page.read().decode()
                except OSError:
                    time.sleep(0.2)
            assert answer == "ok"
        finally:
            server.terminate()
        told = server.communicate(timeout=20)[0]
    assert "Network URL" not in told
    assert "External URL" not in told
    assert "Traceback" not in told


@pytest.mark.slow
def test_the_first_start_on_a_machine_asks_no_question(tmp_path: Path) -> None:
    # With a browser to open and nothing known of the user, Streamlit would ask for an e-mail address and wait.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "run", "--port", str(port)],
        env={**os.environ, "HOME": str(tmp_path), "BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 120
        healthy = False
        while not healthy and time.monotonic() < end and server.poll() is None:
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=5) as answer:
                    healthy = answer.status == 200
            except OSError:
                time.sleep(0.2)
        assert healthy
    finally:
        server.kill()
        server.wait()


PROMISED = [
    *("indicator", "location_id", "value", "unit", "class", "standard", "n", "completeness"),
    *("observed_from", "observed_to", "evidence"),
]


def indicators(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Runs `almanac indicators` in this process: exit code, standard output, standard error."""
    code = main(["indicators", *arguments])
    return (code, *capfd.readouterr())


def test_indicators_as_csv_has_the_promised_columns_first(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = indicators(capfd, "mid_atlantic", "--domain", "traffic")
    assert (code, err) == (0, "")
    assert out.split("\n")[0].split(",")[: len(PROMISED)] == PROMISED
    rows = list(csv.DictReader(io.StringIO(out)))
    growth = {r["location_id"]: r for r in rows if r["indicator"] == "traffic_growth"}
    # Its id begins with the digits of its state and keeps them.
    assert growth["37001"]["unit"] == "%/year" and float(growth["37001"]["value"]) == pytest.approx(0.2516, abs=1e-3)
    assert growth["37001"]["observed_from"] == "2002-01-01T00:00:00Z"
    assert {r["indicator"] for r in rows} <= {i.id for i in INDICATORS.values() if i.domain == "traffic"}


@pytest.mark.slow
def test_indicators_agree_in_every_form(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = indicators(capfd, "mid_atlantic", "--domain", "water")
    rows = list(csv.DictReader(io.StringIO(out)))
    code, out, _ = indicators(capfd, "mid_atlantic", "--domain", "water", "--json")
    told = json.loads(out)
    assert code == 0 and len(told) == len(rows) > 0
    assert list(told[0])[: len(PROMISED)] == PROMISED
    assert json.loads(indicators(capfd, "mid_atlantic", "--domain", "water", "--as", "json")[1]) == told
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "indicators", "mid_atlantic", "--domain", "water", "--as", "parquet"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    table = pd.read_parquet(io.BytesIO(done.stdout))
    assert list(table.columns) == list(told[0]) == list(rows[0])
    assert [r["value"] for r in told] == [None if pd.isna(v) else pytest.approx(v, rel=1e-12) for v in table["value"]]
    # Missing is empty, null and null: never zero, nor a word for it.
    missing = [n for n, value in enumerate(table["value"]) if pd.isna(value)]
    assert 0 < len(missing) < len(rows)
    for n in missing:
        assert (rows[n]["value"], rows[n]["class"], told[n]["value"], told[n]["class"]) == ("", "", None, None)
        assert rows[n]["reason"] == told[n]["reason"] != ""
    assert "nan" not in {value.lower() for row in rows for value in row.values()}
    assert {r["location_id"] for r in told} == set(table["location_id"]) == {r["location_id"] for r in rows}


def test_indicators_through_one_standard(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = indicators(capfd, "mid_atlantic", "--standard", "gb_t_20481_2017", "--json")
    rows = json.loads(out)
    assert code == 0 and len(rows) > 0
    assert {r["standard"] for r in rows} == {"gb_t_20481_2017"}
    assert "No drought" in {r["class"] for r in rows}


def test_indicators_of_a_short_record_have_no_number_and_the_reason(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(world)
    code, out, err = indicators(capfd, world.region, "--domain", "water")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err) == (0, "") and len(rows) >= 3
    assert {r["location_id"] for r in rows} == {"001", "002", "003"}
    assert {r["value"] for r in rows} == {""} and {r["reason"] for r in rows} == {"values"}
    assert {r["n"] for r in rows if r["location_id"] == "001"} == {"15"}
    assert snapshot(world) == before


def test_indicators_where_there_is_no_data_is_no_error(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = indicators(capfd, world.region, "--domain", "ground_motion")
    assert code == 0 and out.strip().split(",")[: len(PROMISED)] == PROMISED
    assert "None of these indicators has data" in err
    assert json.loads(indicators(capfd, world.region, "--domain", "ground_motion", "--json")[1]) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["two_valey"], ("no region “two_valey”", "Did you mean “two_valleys”?")),
        (["two_valleys", "--domain", "watter"], ("no domain “watter”", "Did you mean “water”?")),
        (["two_valleys", "--domain", ""], ("There is no domain “”.",)),
        (["two_valleys", "--standard", "usgs_nwdd"], ("no standard “usgs_nwdd”", "Did you mean “usgs_nwd”?")),
        (["two_valleys", "--standard", "xyzzyxyzzy"], ("no standard", "Choose one of: ")),
        (["two_valleys", "--as", "xlsx"], ("xlsx", "--help")),
        ([], ("REGION", "--help")),
    ],
)
def test_indicators_of_an_unknown_name_exit_with_2(
    world: World, capfd: pytest.CaptureFixture[str], arguments: list[str], said: tuple[str, ...]
) -> None:
    code, out, err = indicators(capfd, *arguments)
    assert (code, out) == (2, "")
    what, hint = err.strip().split("\n")
    assert what.endswith(".") and hint.endswith((".", "?"))
    for words in said:
        assert words in err


def test_with_all_data_broken_there_is_an_error_and_no_table(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    write_panel(world, pd.concat([panel()] * 2))
    code, out, err = indicators(capfd, world.region)
    assert (code, out) == (2, "")
    assert "repeat a location and time" in err and len(err.strip().split("\n")) == 2
