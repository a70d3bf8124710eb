"""Backtests use every core, tell how far they are, stop when they are told to, and go on where they stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import psutil
import pytest

from analytics import tasks
from analytics.backtesting import Plan, backtest, plan_of, run
from analytics.forecaster import Forecaster
from analytics.forecasters import FORECASTERS
from analytics.history import History
from analytics.tasks import made, run_all
from geodata.errors import AlmanacError, BrokenData
from geodata.settings import settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ALMANAC_SCHEDULER", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes from the first task on, two of them whatever the machine."""
    monkeypatch.setattr(tasks, "PATIENCE", 0)
    monkeypatch.setattr(tasks, "cpu_count", lambda: 2)


class Noting(Forecaster):
    """Says how many steps it learnt from, and leaves a file for each time that it learns."""

    def __init__(self, folder: str, name: str = "", seconds: float = 0) -> None:
        self.folder = folder
        self.name = name
        self.seconds = seconds

    def learn(self, history: History, horizon: int) -> Self:
        Path(self.folder, f"{self.name}-{len(history)}-{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(self.seconds)
        self.learnt_ = len(history)
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        return np.full((len(history.places), len(origins), horizon), float(self.learnt_))


class Threads(Noting):
    """Says how many threads it may use, and whether it may write into the history."""

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        threads = float(os.environ.get("OMP_NUM_THREADS", "nan"))
        told = [threads, float(history.values.flags.writeable), history.values[0, 0]]
        return np.broadcast_to(np.array(told), (len(history.places), len(origins), 3))


class Refusing(Noting):
    def learn(self, history: History, horizon: int) -> Self:
        raise BrokenData("The {thing} is broken.", hint="Mend the {thing}.", thing="record")


class Dying(Noting):
    def learn(self, history: History, horizon: int) -> Self:
        os.kill(os.getpid(), signal.SIGKILL)
        return self


def a_history(n: int = 4, m: int = 120) -> History:
    """Synthetic: noise around levels."""
    random = np.random.default_rng(7)
    values = random.normal(size=(n, m)) + 10 * np.arange(n)[:, None]
    times = pd.date_range("2021-01-01", periods=m, unit="us")
    return History("level_m", pd.Index([f"p{i}" for i in range(n)]), times, "1 day", values)


def noted(folder: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in folder.glob("*-*-*"))


def test_a_plan_falls_into_blocks_that_learn_from_all_that_is_known_before_each() -> None:
    plan = Plan(10, np.array([20, 22, 24, 26, 28]), 3, gap=2, refits=2)
    first, second = plan.blocks()
    assert (first.learnt, first.origins.tolist(), first.refits) == (10, [20, 22, 24], 1)
    # A forecast made after step 26 knows those up to 24, with two steps of delay: 25 of them.
    assert (second.learnt, second.origins.tolist(), second.horizon, second.gap) == (25, [26, 28], 3, 2)


def test_more_refits_than_cutoffs_are_as_many_as_cutoffs() -> None:
    assert [block.origins.tolist() for block in Plan(5, np.array([8, 9]), 1, refits=5).blocks()] == [[8], [9]]


@pytest.mark.parametrize("refits", [1, 2, 7])
def test_each_cutoff_is_forecast_by_what_was_learnt_last_before_it(refits: int, tmp_path: Path) -> None:
    history = a_history()
    plan = plan_of(history, 3, windows=7, gap=1, refits=refits)
    means = run({"noting": Noting(str(tmp_path))}, history, plan).means["noting"]
    assert means.shape == (4, 7, 3)
    learnt = means[0, :, 0]
    assert (learnt <= plan.origins + 1 - plan.gap).all()
    assert len(set(learnt)) == refits
    assert learnt[0] == plan.learnt
    assert len(noted(tmp_path)) == refits


@pytest.mark.parametrize("refits", [0, -1, 1.5, True])
def test_refits_that_are_no_number_of_times_are_refused(refits: int) -> None:
    with pytest.raises(AlmanacError, match="refits is"):
        plan_of(a_history(), 3, refits=refits)


def test_one_block_is_what_the_model_says_by_itself() -> None:
    history = a_history()
    plan = plan_of(history, 3, windows=5)
    model = FORECASTERS["drift"]()
    alone = model.learn(history.until(plan.learnt), 3).forecast(history, plan.origins, 3)
    np.testing.assert_array_equal(run(["drift"], history, plan).means["drift"], alone)


def test_what_was_computed_is_not_computed_again(tmp_path: Path) -> None:
    history = a_history()
    plan = plan_of(history, 3, windows=6, refits=3)
    told: list[tuple[int, int]] = []
    model = Noting(str(tmp_path))
    first = run({"a": model}, history, plan, progress=lambda done, count: told.append((done, count)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    told.clear()
    again = run({"a": model}, a_history(), plan, progress=lambda done, count: told.append((done, count)))
    assert told == [(3, 3)]
    assert len(noted(tmp_path)) == 3
    np.testing.assert_array_equal(first.means["a"], again.means["a"])
    # Another horizon is another question.
    run({"a": model}, history, plan_of(history, 2, windows=6, refits=3))
    assert len(noted(tmp_path)) == 6


def test_the_model_that_is_given_learns_nothing(tmp_path: Path) -> None:
    model = Noting(str(tmp_path))
    run({"a": model}, a_history(), plan_of(a_history(), 3))
    assert not hasattr(model, "learnt_")


class Stopped(BaseException):
    """As Streamlit's, no Exception."""


@pytest.mark.parametrize("kind", [Stopped, KeyboardInterrupt, ValueError])
def test_what_progress_raises_stops_the_run_and_keeps_what_is_done(kind: type[BaseException], tmp_path: Path) -> None:
    history = a_history()
    plan = plan_of(history, 3, windows=5, refits=5)

    def stop(done: int, count: int) -> None:
        if done == 2:
            raise kind

    with pytest.raises(kind):
        run({"a": Noting(str(tmp_path))}, history, plan, progress=stop)
    assert len(noted(tmp_path)) == 2
    run({"a": Noting(str(tmp_path))}, history, plan)
    assert len(noted(tmp_path)) == 5


@pytest.mark.slow
def test_other_processes_say_the_same_and_use_a_core_each(beside: None, tmp_path: Path) -> None:
    history = a_history(n=3, m=400)
    plan = plan_of(history, 3, windows=6, refits=2)
    names = ["climatology", "trend_seasons"]
    models = {name: FORECASTERS[name]() for name in names} | {"threads": Threads(str(tmp_path))}
    told: list[int] = []
    found = run(models, history, plan, progress=lambda done, _: told.append(done))
    assert told == list(range(7))
    for name in names:
        parts = [made(models[name], history, block) for block in plan.blocks()]
        np.testing.assert_array_equal(found.means[name], np.concatenate(parts, axis=1))
    threads, writeable, value = found.means["threads"][0, 0]
    assert threads == 1
    # Shared by all of them, so none may write.
    assert not writeable
    assert value == history.values[0, 0]
    pids = {path.name.split("-")[2] for path in tmp_path.glob("*-*-*")}
    assert str(os.getpid()) not in pids
    assert ours() == []


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def ours() -> list[psutil.Process]:
    """The processes that compute for this one: what is left of them after it stopped them is too much."""
    return [p for p in alive(psutil.Process().children(recursive=True)) if "popen_loky" in " ".join(p.cmdline())]


@pytest.mark.slow
def test_stopping_ends_the_processes_and_begins_nothing_more(beside: None, tmp_path: Path) -> None:
    history = a_history()
    work = [(Noting(str(tmp_path), f"m{i}", 0 if i == 0 else 60), history, plan_of(history, 3)) for i in range(12)]

    def stop(done: int, count: int) -> None:
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        run_all(work, progress=stop)
    assert ours() == []
    assert "m0" in noted(tmp_path)
    assert len(noted(tmp_path)) <= 3
    assert len(list(settings().cache.glob("*.forecast"))) == 1


@pytest.mark.slow
def test_what_the_user_can_put_right_arrives_as_such(beside: None, tmp_path: Path) -> None:
    history = a_history()
    work = [(kind(str(tmp_path)), history, plan_of(history, 3)) for kind in (Refusing, Noting)]
    with pytest.raises(BrokenData) as caught:
        run_all(work)
    assert str(caught.value) == "The record is broken. Mend the record."
    assert caught.value.facts == {"thing": "record"}
    assert ours() == []


@pytest.mark.slow
def test_a_process_that_is_killed_is_told(beside: None, tmp_path: Path) -> None:
    history = a_history()
    work = [(Dying(str(tmp_path), name), history, plan_of(history, 3)) for name in "ab"]
    with pytest.raises(AlmanacError, match="ended by the system after 0 of 2, most often for lack of memory"):
        run_all(work)


def test_without_room_for_files_it_goes_on_in_this_process(
    beside: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(histories: list[History], folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tasks, "_write", full)
    history = a_history()
    results = run_all([(Noting(str(tmp_path), name), history, plan_of(history, 3)) for name in "ab"])
    assert [result[0, 0, 0] for result in results] == [plan_of(history, 3).learnt] * 2
    assert {path.name.split("-")[2] for path in tmp_path.glob("*-*-*")} == {str(os.getpid())}


def test_a_cache_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    settings().cache.write_text("a file where the folder should be")
    history = a_history()
    with pytest.warns(UserWarning, match="cannot be written") as caught:
        found = backtest({"a": Noting(str(tmp_path))}, history, horizon=3, windows=4, refits=4)
    assert len(caught) == 1
    assert len(found) == 4 * 4 * 3


UNGUARDED = """
import sys
from pathlib import Path

folder = Path(sys.argv[1])
with (folder / "runs").open("a") as file:
    file.write("run\\n")

from analytics import cache, tasks
from analytics.backtesting import plan_of
from tests.analytics.test_tasks import Noting, a_history

# Whoever edits this project while its tests run changes the code that counts.
cache.edition = lambda: "steady"
tasks.PATIENCE = 0
tasks.cpu_count = lambda: 2
history = a_history()
work = [(Noting(str(folder), f"m{i}", 0.0 if i == 0 else 1.0), history, plan_of(history, 3)) for i in range(5)]
tasks.run_all(work, progress=lambda done, count: print(done, flush=True))
"""


@pytest.mark.slow
def test_a_killed_run_is_taken_up_again_and_leaves_no_process(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED, encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "1":
            assert process.poll() is None
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(list(settings().cache.glob("*.forecast"))) == 1
    # What was under way ends by itself, and nothing that waited is begun for nobody.
    until = time.monotonic() + 30
    while alive(workers) and time.monotonic() < until:
        time.sleep(0.2)
    assert alive(workers) == []
    before = noted(tmp_path)
    second = subprocess.run(command, capture_output=True, env=environment, text=True, check=True)
    assert second.stdout.split() == ["1", "2", "3", "4", "5"]
    again = noted(tmp_path)
    assert len(again) - len(before) == 4
    assert again.count("m0") == 1
    # The standard library's processes would have run the script again in each of them.
    assert (tmp_path / "runs").read_text(encoding="utf-8").split() == ["run", "run"]
