"""The store: whole appends or none, the newest value wins, and answers equal to pandas on the same rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import geodata.parts
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.store import PARTS_PER_MONTH, Store

VALUE = "discharge_m3_per_s"


def made_up(
    locations: list[str],
    start: str,
    periods: int,
    *,
    freq: str = "h",
    seed: int = 0,
    columns: tuple[str, ...] = (VALUE,),
) -> pd.DataFrame:
    """A made-up panel with a twentieth of its values missing."""
    rng = np.random.default_rng(seed)
    times = pd.date_range(start, periods=periods, freq=freq, tz="UTC").as_unit("us")
    panel = pd.DataFrame({"location_id": np.repeat(sorted(locations), periods), "time": np.tile(times, len(locations))})
    for column in columns:
        values = rng.normal(10, 3, len(panel)).round(2)
        values[rng.random(len(panel)) < 0.05] = np.nan
        panel[column] = values
    return panel


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    expected = expected.sort_values(["location_id", "time"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_categorical=False)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "observations")


def test_a_panel_comes_back_as_it_was_given(store: Store) -> None:
    panel = made_up(["a", "b", "ü"], "2016-12-20", 24 * 30, columns=(VALUE, "stage_m"))
    store.append("gauges", panel.sample(frac=1, random_state=1))
    found = store.panel("gauges")
    same(found, panel)
    assert str(found["time"].dtype.tz) == "UTC"
    assert found[VALUE].isna().sum() == panel[VALUE].isna().sum() > 0
    assert store.datasets() == ["gauges"]
    assert store.variables("gauges") == [VALUE, "stage_m"]
    assert (store.commit("gauges"), store.commit("others")) == (1, 0)


def test_qualifiers_come_back_beside_their_values(store: Store) -> None:
    panel = made_up(["a", "b"], "2017-01-30", 96, columns=(VALUE, "stage_m"))
    panel["discharge_flag"] = pd.Categorical(np.where(np.arange(len(panel)) % 3, "A", "P"))
    panel.loc[5, "discharge_flag"] = None
    store.append("gauges", panel)
    found = store.panel("gauges")
    assert (
        found["discharge_flag"].astype(object).where(found["discharge_flag"].notna(), None).tolist()
        == panel["discharge_flag"].astype(object).where(panel["discharge_flag"].notna(), None).tolist()
    )


def test_variables_of_different_times_share_one_panel(store: Store) -> None:
    flow, stage = made_up(["a"], "2017-01-01", 5), made_up(["a", "b"], "2017-01-01T03:00", 5, columns=("stage_m",))
    store.append("gauges", flow)
    store.append("gauges", stage)
    same(store.panel("gauges"), flow.merge(stage, on=["location_id", "time"], how="outer"))


def test_the_newest_append_wins_also_with_missing_values(store: Store) -> None:
    old = made_up(["a", "b", "c"], "2017-01-01", 24 * 60)
    new = made_up(["b"], "2017-01-20", 24 * 20, seed=5)
    new.loc[3:9, VALUE] = np.nan
    store.append("gauges", old)
    store.append("gauges", new)
    both = pd.concat([old, new]).drop_duplicates(["location_id", "time"], keep="last")
    same(store.panel("gauges"), both)
    assert store.panel("gauges").duplicated(["location_id", "time"]).sum() == 0


def test_latest_passes_over_missing_values_and_follows_corrections(store: Store) -> None:
    panel = made_up(["a", "b", "c"], "2017-01-01", 24 * 45)
    panel.loc[panel["location_id"].eq("a") & (panel["time"] >= "2017-02-01"), VALUE] = np.nan
    panel.loc[panel["location_id"].eq("c"), VALUE] = np.nan
    store.append("gauges", panel)

    def expected(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.dropna().sort_values("time").groupby("location_id").tail(1)

    same(store.latest("gauges", VALUE), expected(panel))
    assert store.latest("gauges", VALUE)["location_id"].tolist() == ["a", "b"]
    correction = panel[panel["location_id"].eq("b")].tail(30).assign(**{VALUE: np.nan})
    store.append("gauges", correction)
    corrected = pd.concat([panel, correction]).drop_duplicates(["location_id", "time"], keep="last")
    same(store.latest("gauges", VALUE), expected(corrected))


def test_series_of_some_locations_between_two_moments(store: Store) -> None:
    panel = made_up(["a", "b", "c", "d"], "2016-12-25", 24 * 50)
    store.append("gauges", panel)
    start, end = datetime(2016, 12, 31, 12, tzinfo=UTC), datetime(2017, 2, 1, tzinfo=UTC)
    within = panel[(panel["time"] >= start) & (panel["time"] < end)]
    same(store.series("gauges", VALUE, "b", start, end), within[within["location_id"] == "b"])
    same(store.series("gauges", VALUE, ["d", "a", "zz"], start, end), within[within["location_id"].isin(["a", "d"])])
    same(store.series("gauges", VALUE, ["c"]), panel[panel["location_id"] == "c"])
    assert store.series("gauges", VALUE, ["0", "zz"]).empty
    assert store.series("gauges", VALUE, []).empty
    assert store.series("gauges", VALUE, "a", end, start).empty
    assert list(store.series("gauges", VALUE, []).columns) == ["location_id", "time", VALUE]


@pytest.mark.parametrize(
    "timezone", ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"]
)
def test_daily_means_follow_the_clock(store: Store, timezone: str) -> None:
    panel = made_up(["a", "b"], "2016-12-01", 2 * 24 * 400, freq="30min")
    panel.loc[panel["location_id"].eq("a") & (panel["time"].dt.month == 5), VALUE] = np.nan
    store.append("gauges", panel)
    start, end = datetime(2017, 1, 1, tzinfo=UTC), datetime(2017, 12, 1, 7, tzinfo=UTC)
    within = panel[(panel["time"] >= start) & (panel["time"] < end)]
    local = within["time"].dt.tz_convert(timezone)
    day = local.dt.tz_localize(None).dt.normalize().dt.tz_localize(timezone, nonexistent="shift_forward")
    days = within.assign(time=day.dt.tz_convert("UTC"))
    expected = days.groupby(["location_id", "time"], as_index=False)[VALUE].mean()
    found = store.daily_means("gauges", VALUE, start, end, timezone=timezone)
    same(found, expected)
    assert found[VALUE].isna().sum() >= 28
    if timezone == "America/New_York":
        lengths = found.loc[found["location_id"] == "b", "time"].diff().dropna().unique()
        assert sorted(pd.Series(lengths) / pd.Timedelta(hours=1)) == [23, 24, 25]


def test_a_day_with_too_few_values_has_no_mean(store: Store) -> None:
    panel = made_up(["a"], "2017-01-01", 30)
    panel[VALUE] = 1.0
    store.append("gauges", panel)
    found = store.daily_means("gauges", VALUE, at_least=18)
    assert found[VALUE].tolist()[0] == 1.0
    assert np.isnan(found[VALUE].tolist()[1])


@pytest.mark.slow
def test_the_machine_s_own_clock_changes_nothing(store: Store) -> None:
    store.append("gauges", made_up(["a"], "2017-03-11", 72))
    code = (
        "import sys; from pathlib import Path; from geodata.store import Store\n"
        f"s = Store(Path(sys.argv[1])); print(s.daily_means('gauges', '{VALUE}').to_csv())\n"
        f"print(s.latest('gauges', '{VALUE}').to_csv())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code, str(store.root)],
            env={**os.environ, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for zone in ("UTC", "America/New_York", "Asia/Shanghai")
    }
    assert len(printed) == 1


def test_compacting_changes_files_and_nothing_else(store: Store) -> None:
    panel = made_up(["a", "b"], "2017-01-25", 24 * 12)
    for _, day in panel.groupby(panel["time"].dt.date):
        store.append("gauges", day)
    before = {name: ask(store) for name, ask in QUESTIONS.items()}
    assert store.compact("gauges") > 10
    after = {name: ask(store) for name, ask in QUESTIONS.items()}
    for name in QUESTIONS:
        pd.testing.assert_frame_equal(before[name], after[name])
    same(store.panel("gauges"), panel)
    assert store.compact("gauges") == 0
    assert store.compact("nothing") == 0


QUESTIONS = {
    "latest": lambda store: store.latest("gauges", VALUE),
    "series": lambda store: store.series("gauges", VALUE, ["b"]),
    "daily means": lambda store: store.daily_means("gauges", VALUE),
    "panel": lambda store: store.panel("gauges"),
}


def test_many_small_appends_do_not_pile_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geodata.parts, "GRACE_SECONDS", 0.0)
    panel = made_up(["a", "b", "c"], "2017-01-01", 3 * PARTS_PER_MONTH)
    for _, hour in panel.groupby("time"):
        store.append("gauges", hour)
    same(store.panel("gauges"), panel)
    # Files merged by the last append stay for readers that are at work; all others are gone.
    assert len(list(store.root.rglob("*.parquet"))) <= 2 * (PARTS_PER_MONTH + 1)


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "A", "x'; DROP TABLE y; --", "a\n", 'a"b', "é", ".", ".."])
def test_hostile_names_are_refused(store: Store, tmp_path: Path, name: str) -> None:
    panel = made_up(["a"], "2017-01-01", 3)
    with pytest.raises(UnknownName):
        store.append(name, panel)
    with pytest.raises(UnknownName):
        store.latest(name, VALUE)
    store.append("gauges", panel)
    with pytest.raises(UnknownName):
        store.latest("gauges", name)
    assert [p.name for p in tmp_path.iterdir()] == ["observations"]


@pytest.mark.parametrize("name", ["../evil_mm", "a/b_mm", "A_mm", "x'; DROP TABLE y; --_mm", 'a"b_mm', "é_mm"])
def test_hostile_variables_are_refused(store: Store, name: str) -> None:
    with pytest.raises(BrokenData):
        store.append("gauges", made_up(["a"], "2017-01-01", 3, columns=(name,)))
    assert not store.root.exists()


def test_hostile_location_ids_are_only_text(store: Store) -> None:
    ids = ["'; DROP TABLE x; --", '"', "../..", "a,b", "*", "\\", "%s", "?"]
    panel = made_up(ids, "2017-01-01", 3)
    store.append("gauges", panel)
    same(store.panel("gauges"), panel)
    for place in ids:
        same(store.series("gauges", VALUE, [place]), panel[panel["location_id"] == place])


@pytest.mark.parametrize("folder", ["a[1]", "b*?", "c d'e\"", "月"])
def test_any_folder_name_will_do(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a1").mkdir()
    store = Store(tmp_path / folder)
    panel = made_up(["a"], "2017-01-01", 30)
    store.append("gauges", panel)
    store.append("gauges", panel)
    same(store.panel("gauges"), panel)


def test_an_absent_folder_is_an_empty_store(store: Store) -> None:
    assert store.datasets() == []
    assert store.variables("gauges") == []
    assert store.latest("gauges", VALUE).empty
    assert store.panel("gauges").empty
    assert store.daily_means("gauges", VALUE).columns.tolist() == ["location_id", "time", VALUE]
    assert not store.root.exists()


def test_an_unknown_variable_names_the_near_miss(store: Store) -> None:
    store.append("gauges", made_up(["a"], "2017-01-01", 3))
    with pytest.raises(UnknownName, match=VALUE):
        store.latest("gauges", "dischrge_m3_per_s")


def test_a_panel_that_breaks_the_contract_changes_nothing(store: Store) -> None:
    panel = made_up(["a"], "2017-01-01", 3)
    for broken in (
        pd.concat([panel, panel]),
        panel.assign(time=panel["time"].dt.tz_localize(None)),
        panel.assign(note_mm="x"),
        panel.assign(name="x"),
        panel.assign(other_flag="x"),
        panel.assign(time=panel["time"].dt.as_unit("ns") + pd.Timedelta(1, "ns")),
    ):
        with pytest.raises(BrokenData):
            store.append("gauges", broken)
    assert not store.root.exists()
    assert store.append("gauges", panel.head(0)) == 0


def test_moments_without_a_zone_are_refused(store: Store) -> None:
    store.append("gauges", made_up(["a"], "2017-01-01", 3))
    with pytest.raises(AlmanacError, match="time zone"):
        store.panel("gauges", start=datetime(2017, 1, 1))
    with pytest.raises(AlmanacError, match="Mars"):
        store.daily_means("gauges", VALUE, timezone="Mars/Olympus")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for root in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/almanac")):
        with pytest.raises(AlmanacError) as caught:
            Store(root).append("gauges", made_up(["a"], "2017-01-01", 3))
        assert str(root) in caught.value.message
        assert caught.value.hint


def test_a_full_disk_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = made_up(["a", "b"], "2017-01-01", 24 * 90)
    store.append("gauges", panel)
    files = sorted(p for p in store.root.rglob("*") if p.is_file())
    written = 0

    def full(*_: object) -> None:
        nonlocal written
        written += 1
        if written == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(geodata.parts.os, "fsync", full)
    with pytest.raises(AlmanacError, match="No space left"):
        store.append("gauges", made_up(["a", "b"], "2017-01-15", 24 * 90, seed=3))
    same(store.panel("gauges"), panel)
    assert sorted(p for p in store.root.rglob("*") if p.is_file()) == files


def test_damage_is_said_in_two_sentences(store: Store) -> None:
    store.append("gauges", made_up(["a"], "2017-01-01", 3))
    part = next(store.root.rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:40])
    with pytest.raises(BrokenData):
        Store(store.root).panel("gauges")
    part.unlink()
    with pytest.raises(BrokenData):
        Store(store.root).panel("gauges")
    (store.root / "gauges" / "commit.json").write_text('{"number": 1}')
    with pytest.raises(BrokenData, match=r"commit\.json"):
        Store(store.root).panel("gauges")


def test_a_reader_that_outlasts_the_grace_starts_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geodata.parts, "GRACE_SECONDS", -1.0)
    panel = made_up(["a", "b"], "2017-01-01", 24)
    store.append("gauges", panel.head(24))
    store.append("gauges", panel.tail(24))
    stale = store._parts("gauges").commit()
    writer = Store(store.root)
    writer.compact("gauges")
    writer.append("gauges", made_up(["c"], "2018-01-01", 2))  # sweeps what compacting merged away
    assert not all((store.root / "gauges" / part.file).exists() for part in stale.parts)
    fresh = store._parts("gauges").commit
    answers = iter([stale])
    monkeypatch.setattr(store._parts("gauges"), "commit", lambda: next(answers, None) or fresh())
    same(store.series("gauges", VALUE, ["a", "b"]), panel)


WRITER = """
import os, signal, sys
from pathlib import Path
import pandas as pd
import geodata.parts
from geodata.store import Store

root, panel, fatal = Path(sys.argv[1]), pd.read_parquet(sys.argv[2]), int(sys.argv[3])
calls = 0

def counted(real):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return call

# Every step that reaches the disk is a place to die.
geodata.parts.os.fsync = counted(os.fsync)
Path.replace = counted(Path.replace)
Path.unlink = counted(Path.unlink)
Path.mkdir = counted(Path.mkdir)
Store(root).append("gauges", panel)
print("confirmed", flush=True)
"""


@pytest.mark.slow
def test_a_writer_killed_at_any_step_leaves_the_append_whole_or_absent(tmp_path: Path) -> None:
    """Kill -9 before each step in turn, until one writer lives to the end."""
    first = made_up(["a", "b"], "2017-01-20", 24 * 30)
    second = made_up(["b", "c"], "2017-01-25", 24 * 30, seed=1)  # overlaps, and reaches into a new month
    second.to_parquet(tmp_path / "second.parquet")
    both = pd.concat([first, second]).drop_duplicates(["location_id", "time"], keep="last")
    outcomes = []
    for fatal in range(1, 100):
        store = Store(tmp_path / f"killed-{fatal}")
        store.append("gauges", first)
        done = subprocess.run(
            [sys.executable, "-c", WRITER, str(store.root), str(tmp_path / "second.parquet"), str(fatal)],
            capture_output=True,
            text=True,
            check=False,
        )
        found = Store(store.root).panel("gauges")
        whole = len(found) == len(both)
        same(found, both if whole else first)
        if done.returncode == 0:
            assert "confirmed" in done.stdout
            assert whole
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        outcomes.append(whole)
        # The next writer is not held up, sweeps the remains away and ends with the same rows.
        store.append("gauges", second)
        same(store.panel("gauges"), both)
        commit = store._parts("gauges").commit()
        named = {n for p in commit.parts for n in (p.file, p.latest)} | {n for n, _ in commit.retired}
        lying = {str(p.relative_to(store.root / "gauges")) for p in store.root.rglob("*month=*/*") if p.is_file()}
        assert lying == named
    else:
        pytest.fail("no writer lived to the end")
    # Deaths before the commit leave nothing, deaths after it everything, and the line is crossed once.
    assert outcomes == sorted(outcomes)
    assert {True, False} == set(outcomes)


APPENDER = """
import sys
from pathlib import Path
import pandas as pd
from geodata.store import Store

store, batch = Store(Path(sys.argv[1])), 0
times = pd.date_range("2017-01-01", periods=2000, freq="h", tz="UTC").as_unit("us")
while True:
    batch += 1
    panel = pd.concat([
        pd.DataFrame({"location_id": place, "time": times, "head_m": float(batch), "stage_m": float(batch)})
        for place in ("a", "b")
    ])
    store.append("wells", panel)
    print(batch, flush=True)
"""


@pytest.fixture
def appender(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes the whole of a dataset again and again, each time with the next number."""
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(tmp_path / "observations")], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait()


def test_readers_see_only_whole_appends_and_every_confirmed_one(store: Store, appender: subprocess.Popen[str]) -> None:
    assert appender.stdout is not None
    confirmed = 0

    def listen() -> None:
        nonlocal confirmed
        assert appender.stdout is not None
        for line in appender.stdout:
            confirmed = int(line)

    listener = threading.Thread(target=listen)
    listener.start()
    seen: set[float] = set()
    until = time.monotonic() + 30
    while len(seen) < 8 and time.monotonic() < until:
        promised = confirmed
        panel = store.panel("wells")
        if promised:
            assert len(panel) == 4000
        batches = set(panel.get("head_m", [])) | set(panel.get("stage_m", []))
        assert len(batches) <= 1, "half of one append and half of another"
        assert max(batches, default=0) >= promised
        seen |= batches
    appender.send_signal(signal.SIGKILL)
    listener.join()
    appender.wait()
    assert len(seen) >= 8
    panel = Store(store.root).panel("wells")
    assert panel["head_m"].nunique() == 1
    assert panel["head_m"].iloc[0] >= confirmed


def test_two_writers_take_turns(store: Store) -> None:
    panels = [made_up([place], "2017-01-01", 24 * 40, seed=number) for number, place in enumerate("abcdef")]
    threads = [threading.Thread(target=Store(store.root).append, args=("gauges", panel)) for panel in panels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(store.panel("gauges"), pd.concat(panels))
    assert store._parts("gauges").commit().number == len(panels)


def test_a_writer_does_not_wait_for_ever(store: Store) -> None:
    panel = made_up(["a"], "2017-01-01", 3)
    store.append("gauges", panel)
    with store._parts("gauges").writing(1.0), pytest.raises(AlmanacError, match="Another process"):
        Store(store.root, wait_seconds=0.1).append("gauges", panel)
    Store(store.root, wait_seconds=0.1).append("gauges", panel)
