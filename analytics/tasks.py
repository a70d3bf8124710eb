"""Forecasts of many models and places: on all cores or a Dask cluster, stopped and taken up again."""

from __future__ import annotations

import asyncio
import mmap
import os
import pickle
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from loky import ProcessPoolExecutor, cpu_count
from sklearn.base import clone

from analytics import cache
from geodata.errors import AlmanacError
from geodata.settings import settings

if TYPE_CHECKING:
    from distributed import Client, Future

    from analytics.backtesting import Plan
    from analytics.forecaster import Forecaster
    from analytics.history import History

    Task = tuple[Forecaster, History, Plan]
    # The number of a task, and its forecasts.
    Computed = Generator[tuple[int, np.ndarray], None, None]

# Seconds of work done here before other processes are started, which takes about two itself.
PATIENCE = 2.0
# Seconds to wait for a scheduler, and for its first worker: nobody watches a page for longer.
REACHED_WITHIN = 5
# How often what was lost with the workers of a cluster is sent again.
_ATTEMPTS = 3
_RESTARTED_WITHIN = 30
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# What the workers of `_on_all_cores` compute from, opened once by each.
_HISTORIES: list[History] = []


def made(model: Forecaster, history: History, plan: Plan) -> np.ndarray:
    """places × k × horizon: one model's forecasts, learnt before the first cutoff. The model itself learns nothing."""
    learner = clone(model).learn(history.until(plan.learnt), plan.horizon + plan.gap)
    forecasts = learner.forecast(history, plan.origins - plan.gap, plan.horizon + plan.gap)
    return forecasts[:, :, plan.gap :]


def run_all(
    tasks: Sequence[Task],
    *,
    progress: Callable[[int, int], None] | None = None,
    scheduler: str | None = None,
) -> list[np.ndarray]:
    """The forecasts of many tasks, in their order.

    Each result is kept in the cache as soon as it is there, and what the cache has is not computed again: a run that
    was stopped or killed is taken up where it was. Whatever `progress` raises stops the run.

    Parameters
    ----------
    tasks : of a model, a history and a plan each; see `made`.
    progress : called with how many tasks are done and how many there are, first with those found in the cache.
    scheduler : address of a Dask scheduler; "" for this machine; None for what `ALMANAC_SCHEDULER` says.

    Raises
    ------
    AlmanacError
        What a model raised, or where the cluster cannot be reached or the computing processes are lost.
    """
    address = settings().scheduler if scheduler is None else scheduler
    digest = {which: cache.digest_of(history) for which, history in _distinct(tasks).items()}
    keys = [cache.key_of(digest[id(history)], plan, model) for model, history, plan in tasks]
    results: dict[int, np.ndarray] = {}
    for i, key in enumerate(keys):
        kept = cache.load(key) if key is not None else None
        if kept is not None:
            results[i] = kept["means"]
    if progress is not None:
        progress(len(results), len(tasks))
    missing = {i: task for i, task in enumerate(tasks) if i not in results}
    keeping = True
    computed = _on_cluster(missing, address) if address else _here(missing)
    try:
        for i, result in computed:
            results[i] = result
            key = keys[i]
            if key is not None and keeping:
                keeping = cache.save(key, {"means": result})
            if progress is not None:
                progress(len(results), len(tasks))
    finally:
        # Stops the processes and cancels what has not begun.
        computed.close()
    if not keeping:
        warnings.warn(
            f"Forecasts are computed each time anew, because {settings().cache} cannot be written.", stacklevel=2
        )
    elif missing:
        cache.prune()
    return [results[i] for i in range(len(tasks))]


def _distinct(tasks: Iterable[Task]) -> dict[int, History]:
    """The histories by identity: many tasks share one, which is read, written and sent once."""
    return {id(history): history for _, history, _ in tasks}


def _here(tasks: Mapping[int, Task]) -> Computed:
    """One after another with all cores each, as long as this is quickly done; then many at once with a core each."""
    began = time.monotonic()
    left = dict(tasks)
    while left and (len(left) == 1 or cpu_count() == 1 or time.monotonic() - began < PATIENCE):
        i = next(iter(left))
        yield i, made(*left.pop(i))
    if not left:
        return
    with tempfile.TemporaryDirectory(prefix="almanac-") as folder:
        try:
            _write(list(_distinct(left.values()).values()), Path(folder))
        except OSError:
            # No room on the disk: slower, but the same.
            for i, task in left.items():
                yield i, made(*task)
            return
        yield from _on_all_cores(left, folder)


def _on_all_cores(tasks: Mapping[int, Task], folder: str) -> Computed:
    # The standard library's processes would run the calling script again, which under Streamlit is the dashboard.
    workers = min(cpu_count(), len(tasks))
    threads = dict.fromkeys(_THREADS, str(max(1, cpu_count() // workers)))
    number = {which: n for n, which in enumerate(_distinct(tasks.values()))}
    pool = ProcessPoolExecutor(workers, initializer=_open, initargs=(folder, os.getpid()), env=threads)
    done = 0
    try:
        sent = {pool.submit(_made_beside, m, number[id(history)], plan): i for i, (m, history, plan) in tasks.items()}
        for future in as_completed(sent):
            yield sent[future], future.result()
            done += 1
    except BrokenProcessPool:
        raise AlmanacError(
            "A process that computed forecasts was ended by the system after {done} of {all}, most often for lack of "
            "memory.",
            hint="Close other programs or ask for fewer places, then start again: what was computed is kept.",
            done=done,
            all=len(tasks),
        ) from None
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _write(histories: list[History], folder: Path) -> None:
    """Histories as files that all workers map into memory, so that large ones are there once and not per worker."""
    buffers: list[pickle.PickleBuffer] = []
    packed = pickle.dumps(histories, protocol=5, buffer_callback=buffers.append)
    for n, buffer in enumerate(buffers):
        (folder / f"{n:06d}").write_bytes(buffer.raw())
    (folder / "histories").write_bytes(packed)


def _open(folder: str, caller: int) -> None:
    """Opens in a worker what `_write` wrote."""
    threading.Thread(target=_end_with, args=(caller, folder), daemon=True).start()
    buffers: list[object] = []
    for path in sorted(Path(folder).glob("[0-9]*")):
        with path.open("rb") as file:
            # An empty file cannot be mapped.
            empty = path.stat().st_size == 0
            buffers.append(b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    _HISTORIES[:] = pickle.loads((Path(folder) / "histories").read_bytes(), buffers=buffers)


def _end_with(caller: int, folder: str) -> None:
    """Ends this worker when the process that asked is gone without a word, and tidies up after it."""
    while os.getppid() == caller:
        time.sleep(1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _made_beside(model: Forecaster, number: int, plan: Plan) -> np.ndarray:
    return made(model, _HISTORIES[number], plan)


def _on_cluster(tasks: Mapping[int, Task], address: str) -> Computed:
    """On the workers of a Dask cluster. What a lost worker had is computed again by the others."""
    from distributed import KilledWorker

    if not tasks:
        return
    client = _connected(address)
    left = dict(tasks)
    try:
        for attempt in range(_ATTEMPTS):
            if attempt:
                client.wait_for_workers(1, timeout=_RESTARTED_WITHIN)
            for i, future in _sent(client, left):
                # Cancelled is what has lost its history: it went with the last worker that had it.
                if not future.cancelled():
                    yield i, future.result()
                    del left[i]
            if not left:
                return
        raise CancelledError
    except (KilledWorker, CancelledError, OSError):
        raise AlmanacError(
            "The cluster of {address} lost its scheduler or its workers after {done} of {all} forecasts.",
            hint="See that it runs and has memory enough, then start again: what was computed is kept.",
            address=address,
            done=len(tasks) - len(left),
            all=len(tasks),
        ) from None
    finally:
        client.close()


async def _knock(address: str) -> None:
    """Connects once: the client's own time limit does not hold for what takes the call and says nothing."""
    from distributed.comm import connect

    comm = await asyncio.wait_for(connect(address, timeout=REACHED_WITHIN), REACHED_WITHIN)
    await comm.close()


def _connected(address: str) -> Client:
    from distributed import Client

    try:
        with ThreadPoolExecutor(1) as thread:
            # In a thread of its own, for a notebook runs a loop already.
            thread.submit(asyncio.run, _knock(address)).result()
        client = Client(address, timeout=REACHED_WITHIN, set_as_default=False, asynchronous=False)
    except (OSError, ValueError):
        raise AlmanacError(
            "No Dask scheduler answers at {address}, which ALMANAC_SCHEDULER names.",
            hint="Start it there, correct ALMANAC_SCHEDULER (tcp://host:port), or unset it to compute on this machine.",
            address=address,
        ) from None
    try:
        client.wait_for_workers(1, timeout=REACHED_WITHIN)
    except TimeoutError:
        client.close()
        raise AlmanacError(
            "The Dask scheduler at {address} has no worker.",
            hint="Start one with “dask worker {address}”, or unset ALMANAC_SCHEDULER to compute on this machine.",
            address=address,
        ) from None
    return client


def _sent(client: Client, tasks: Mapping[int, Task]) -> Generator[tuple[int, Future], None, None]:
    """The tasks in the order in which they end; those that have not begun are cancelled when nobody waits."""
    from distributed import as_completed

    distinct = _distinct(tasks.values())
    # Once to every worker: a history that only one has would be lost with it.
    there = dict(zip(distinct, client.scatter(list(distinct.values()), broadcast=True, hash=False), strict=True))
    sent = {
        client.submit(_made_there, model, there[id(history)], plan, cache.edition(), pure=False): i
        for i, (model, history, plan) in tasks.items()
    }
    try:
        for future in as_completed(list(sent), loop=client.loop):
            yield sent[future], future
    finally:
        client.cancel(list(sent))


def _made_there(model: Forecaster, history: History, plan: Plan, edition: str) -> np.ndarray:
    if cache.edition() != edition:
        raise AlmanacError(
            "A worker of the cluster has another Almanac, Python or NumPy than this machine.",
            hint="Install the same on every machine of the cluster, then start again.",
        )
    return made(model, history, plan)
