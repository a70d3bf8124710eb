"""The same call on a real Dask cluster: a scheduler and two worker processes, one of which is killed midway."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest

from analytics import cache, tasks
from analytics.backtesting import plan_of, run
from analytics.forecaster import Forecaster
from analytics.forecasters import FORECASTERS
from analytics.history import History
from geodata.errors import AlmanacError, BrokenData
from geodata.settings import settings

ROOT = Path(__file__).parents[2]
STARTED_WITHIN = 30


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ALMANAC_SCHEDULER", "")
    settings.cache_clear()
    yield
    settings.cache_clear()


class Cluster:
    """A scheduler and its workers, each a process of its own on this machine, without a dashboard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.processes: list[subprocess.Popen[bytes]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self._start("scheduler", "--host", self.address, "--no-dashboard", "--dashboard-address", "127.0.0.1:0")

    def work(self) -> subprocess.Popen[bytes]:
        """One more worker, which is one process: nobody starts it again when it is killed."""
        options = ("--no-nanny", "--no-dashboard", "--nthreads", "1", "--death-timeout", "60")
        return self._start("worker", self.address, *options, "--local-directory", str(self.folder))

    def stop(self) -> None:
        for process in self.processes[::-1]:
            process.kill()
            process.wait()

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
        with (self.folder / f"{len(self.processes)}-{what}.log").open("wb") as log:
            process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        self.processes.append(process)
        return process


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(tasks, "REACHED_WITHIN", STARTED_WITHIN)
    made = Cluster(tmp_path)
    monkeypatch.setenv("ALMANAC_SCHEDULER", made.address)
    settings.cache_clear()
    try:
        yield made
    finally:
        made.stop()


class Slow(Forecaster):
    """Synthetic work: the last value, after a while, with a file that says which process took it up."""

    def __init__(self, folder: str, seconds: float = 0.5) -> None:
        self.folder = folder
        self.seconds = seconds

    def learn(self, history: History, horizon: int) -> Self:
        Path(self.folder, f"{os.getpid()}-{len(history)}-{time.monotonic_ns()}.begun").touch()
        time.sleep(self.seconds)
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        return np.repeat(history.values[:, origins, None], horizon, axis=2)


class Refusing(Slow):
    def learn(self, history: History, horizon: int) -> Self:
        raise BrokenData("The {thing} is broken.", hint="Mend the {thing}.", thing="record")


def a_history() -> History:
    """Synthetic: seasons and noise."""
    random = np.random.default_rng(3)
    values = random.normal(size=(20, 900)) + 5 * np.sin(np.arange(900) / 58)
    times = pd.date_range("2018-01-01", periods=900, unit="us")
    return History("level_m", pd.Index([f"p{i:02d}" for i in range(20)]), times, "1 day", values)


def begun(folder: Path) -> list[int]:
    return [int(path.name.split("-")[0]) for path in sorted(folder.glob("*.begun"))]


@pytest.mark.slow
def test_results_are_the_same_though_a_worker_is_killed_midway(cluster: Cluster, tmp_path: Path) -> None:
    history = a_history()
    plan = plan_of(history, 5, windows=12, refits=6)
    models = {"slow": Slow(str(tmp_path)), **{name: FORECASTERS[name]() for name in ("climatology", "trend_seasons")}}
    workers = {process.pid: process for process in (cluster.work(), cluster.work())}
    told: list[int] = []

    def kill_one(done: int, count: int) -> None:
        told.append(done)
        both = set(begun(tmp_path)) & set(workers)
        if done >= 2 and len(both) == 2 and all(process.poll() is None for process in workers.values()):
            # The one that took up a task last is in the midst of it.
            workers[begun(tmp_path)[-1]].send_signal(signal.SIGKILL)

    found = run(models, history, plan, progress=kill_one)
    assert told == list(range(len(models) * 6 + 1))
    assert sorted(process.poll() is None for process in workers.values()) == [False, True]
    assert os.getpid() not in begun(tmp_path)
    alone = {name: [tasks.made(model, history, block) for block in plan.blocks()] for name, model in models.items()}
    for name, parts in alone.items():
        np.testing.assert_array_equal(found.means[name], np.concatenate(parts, axis=1))
    # All of it is kept here: nobody needs the cluster to see it again.
    cluster.stop()
    again = run(models, history, plan)
    np.testing.assert_array_equal(again.means["slow"], found.means["slow"])


@pytest.mark.slow
def test_what_went_with_the_only_worker_is_sent_to_the_next(cluster: Cluster, tmp_path: Path) -> None:
    history = a_history()
    plan = plan_of(history, 5, windows=4, refits=4)
    only = cluster.work()

    def replace_it(done: int, count: int) -> None:
        if done == 1:
            only.kill()
            cluster.work()

    found = run({"slow": Slow(str(tmp_path))}, history, plan, progress=replace_it)
    np.testing.assert_array_equal(found.means["slow"], tasks.made(Slow(str(tmp_path)), history, plan))
    assert len({*begun(tmp_path)} - {os.getpid()}) == 2


@pytest.mark.slow
def test_errors_arrive_as_such_and_stopping_begins_nothing_more(cluster: Cluster, tmp_path: Path) -> None:
    history = a_history()
    cluster.work()
    with pytest.raises(BrokenData) as caught:
        run({"refusing": Refusing(str(tmp_path))}, history, plan_of(history, 5))
    assert str(caught.value) == "The record is broken. Mend the record."
    assert caught.value.facts == {"thing": "record"}

    def stop(done: int, count: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    plan = plan_of(history, 5, windows=20, refits=20)
    with pytest.raises(KeyboardInterrupt):
        run({"slow": Slow(str(tmp_path))}, history, plan, progress=stop)
    time.sleep(2)
    assert len(begun(tmp_path)) <= 4
    assert len(list(settings().cache.glob("*.forecast"))) == 1


@pytest.mark.slow
def test_a_scheduler_that_goes_is_told_and_what_was_computed_is_kept(cluster: Cluster, tmp_path: Path) -> None:
    history = a_history()
    cluster.work()

    def lose_it(done: int, count: int) -> None:
        if done == 2:
            cluster.processes[0].kill()

    with pytest.raises(AlmanacError, match="lost its scheduler or its workers after 2 of 5"):
        run({"slow": Slow(str(tmp_path))}, history, plan_of(history, 5, windows=5, refits=5), progress=lose_it)
    assert len(list(settings().cache.glob("*.forecast"))) == 2


@pytest.mark.slow
def test_a_scheduler_without_workers_is_told(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(cluster.address.rsplit(":", 1)[1])
    until = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < until:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    monkeypatch.setattr(tasks, "REACHED_WITHIN", 3)
    with pytest.raises(AlmanacError, match="has no worker"):
        run(["drift"], a_history(), plan_of(a_history(), 5))


@pytest.mark.parametrize("listening", [True, False])
def test_a_scheduler_that_does_not_answer_is_told(listening: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there, or something that is no scheduler."""
    monkeypatch.setattr(tasks, "REACHED_WITHIN", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(AlmanacError) as caught:
            tasks.run_all([(FORECASTERS["drift"](), a_history(), plan_of(a_history(), 5))], scheduler=address)
    assert str(caught.value).startswith(f"No Dask scheduler answers at {address}, which ALMANAC_SCHEDULER names. Start")


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1", "8786"])
def test_an_address_that_is_none_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "REACHED_WITHIN", 1)
    with pytest.raises(AlmanacError, match="No Dask scheduler answers"):
        tasks.run_all([(FORECASTERS["drift"](), a_history(), plan_of(a_history(), 5))], scheduler=address)


def test_a_worker_with_other_code_refuses() -> None:
    history = a_history()
    plan = plan_of(history, 5)
    with pytest.raises(AlmanacError, match="another Almanac, Python or NumPy"):
        tasks._made_there(FORECASTERS["drift"](), history, plan, "0" * 64)
    assert tasks._made_there(FORECASTERS["drift"](), history, plan, cache.edition()).shape == (20, len(plan.origins), 5)
