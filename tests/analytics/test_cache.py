"""What was computed is found again for equal content and for nothing else, and a damaged file is nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from analytics import cache
from analytics.backtesting import Plan
from analytics.forecaster import Forecaster
from analytics.forecasters import FORECASTERS
from analytics.forecasters.baseline import Persistence, SeasonalNaive
from analytics.history import History
from geodata.settings import settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ALMANAC_CACHE", str(tmp_path / "forecasts"))
    settings.cache_clear()
    yield tmp_path / "forecasts"
    settings.cache_clear()


class Holding(Forecaster):
    """A model with any setting, of a module that is not of this project's packages."""

    def __init__(self, setting: object = None) -> None:
        self.setting = setting

    def learn(self, history: History, horizon: int) -> Self:
        return self

    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        return np.zeros((len(history.places), len(origins), horizon))


def a_history() -> History:
    random = np.random.default_rng(4)
    values = random.normal(size=(3, 40))
    values[1, 5] = np.nan
    times = pd.date_range("2020-01-01", periods=40, unit="us")
    drivers = {"rain_mm": random.gamma(1, size=(3, 44)), "pumping_m3": random.gamma(1, size=(3, 40))}
    return History(
        "flow_m3_per_s", pd.Index(["a", "b", "c"]), times, "1 day", values, drivers, frozenset({"rain_mm"}),
        random.normal(size=(3, 2)), "US-NC", "America/New_York",
    )  # fmt: skip


def a_plan() -> Plan:
    return Plan(30, np.array([29, 32, 35]), 4, 0)


def key(history: History | None = None, plan: Plan | None = None, model: Forecaster | None = None) -> str:
    found = cache.key_of(history or a_history(), plan or a_plan(), model or SeasonalNaive(7))
    assert found is not None
    return found


def test_equal_content_has_the_same_key_whatever_holds_it() -> None:
    """The moments in nanoseconds or microseconds, the numbers by row or by column, a missing value of any bits."""
    history = a_history()
    otherwise = np.asfortranarray(history.values)
    otherwise[1, 5] = -np.float64(np.nan)
    same = replace(
        history,
        times=history.times.as_unit("ns"),
        values=otherwise,
        places=pd.Index(["a", "b", "c"], dtype=object),
        drivers=dict(list(history.drivers.items())[::-1]),
    )
    assert key(same) == key(history)
    assert key(plan=replace(a_plan(), origins=np.array([29, 32, 35]))) == key()
    assert cache.key_of(cache.digest_of(history), a_plan(), SeasonalNaive(7)) == key()


def test_every_part_of_a_history_counts() -> None:
    history = a_history()
    changed_value = history.values.copy()
    changed_value[2, 39] = np.nextafter(changed_value[2, 39], np.inf)
    gone = history.values.copy()
    gone[0, 0] = np.nan
    changed_rain = history.drivers["rain_mm"].copy()
    changed_rain[0, 43] += 1
    assert history.positions is not None
    others = [
        replace(history, values=changed_value),
        replace(history, values=gone),
        replace(history, values=history.values.reshape(2, 60)),
        replace(history, drivers={**history.drivers, "rain_mm": changed_rain}),
        replace(history, drivers={"rain": history.drivers["rain_mm"], "pumping_m3": history.drivers["pumping_m3"]}),
        replace(history, drivers={}),
        replace(history, known_ahead=frozenset()),
        replace(history, times=history.times + pd.Timedelta(days=1)),
        replace(history, places=pd.Index(["a", "bc", ""])),
        replace(history, positions=history.positions + 1),
        replace(history, positions=None),
        replace(history, step="2 days"),
        replace(history, target="flow_ft3_per_s"),
        replace(history, holidays="US"),
        replace(history, timezone="UTC"),
    ]
    keys = [key(other) for other in (history, *others)]
    assert len(set(keys)) == len(keys)


def test_every_part_of_a_plan_and_every_setting_counts() -> None:
    plan = a_plan()
    plans = [replace(plan, learnt=29), replace(plan, origins=plan.origins + 1), replace(plan, horizon=3)]
    plans += [replace(plan, gap=1), replace(plan, refits=2)]
    models = [SeasonalNaive(8), SeasonalNaive(), Persistence(), Holding(), Holding("1"), Holding(1), Holding(1.0)]
    models += [Holding((1, 2)), Holding((12,)), Holding(["a", "b"]), Holding(["a, b"]), Holding(np.array([1.0, 2.0]))]
    models += [Holding({"a": 1}), Holding({"a": 2}), Holding(Ridge(1.0)), Holding(Ridge(2.0)), Holding(np.median)]
    keys = [key(), *(key(plan=other) for other in plans), *(key(model=model) for model in models[:-1])]
    assert len(set(keys)) == len(keys)


def test_every_forecaster_can_be_kept() -> None:
    assert [name for name, kind in FORECASTERS.items() if cache.key_of("", a_plan(), kind()) is None] == []


def test_what_cannot_be_told_apart_is_not_kept() -> None:
    class TypedIntoANotebook(Holding):
        pass

    for model in (TypedIntoANotebook(), Holding(lambda values: values), Holding(np.random.default_rng(1))):
        assert cache.key_of(a_history(), a_plan(), model) is None


@pytest.mark.parametrize("file", ["history.py", "forecasters/baseline.py"])
def test_changed_code_changes_the_key(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    copy = tmp_path / "analytics"
    shutil.copytree(cache.CODE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "CODE", copy)
    cache.edition.cache_clear()
    try:
        assert key() == before
        with (copy / file).open("a", encoding="utf-8") as module:
            module.write("\n# changed\n")
        cache.edition.cache_clear()
        assert key() != before
    finally:
        cache.edition.cache_clear()


def test_another_numpy_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    versions = {"numpy": "1.0", "pandas": "3.0", "scikit-learn": "1.9"}
    monkeypatch.setattr(cache, "version", versions.__getitem__)
    cache.edition.cache_clear()
    try:
        assert key() != before
    finally:
        cache.edition.cache_clear()


def test_changed_code_of_a_model_from_elsewhere_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(model=Holding())
    source = cache.inspect.getsource
    monkeypatch.setattr(cache.inspect, "getsource", lambda module: source(module) + "#")
    assert key(model=Holding()) != before


def test_what_is_saved_is_loaded(folder: Path) -> None:
    arrays = {"means": np.array([[[1.5, np.nan, -0.0]]]), "none": np.empty((0, 3))}
    assert cache.load("k") is None
    assert cache.save("k", arrays)
    found = cache.load("k")
    assert found is not None and list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    assert [path.suffix for path in folder.iterdir()] == [".forecast"]


def test_a_file_damaged_at_any_byte_or_cut_off_is_absent_and_replaced(folder: Path) -> None:
    arrays = {"means": np.arange(6.0).reshape(1, 2, 3)}
    cache.save("k", arrays)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert cache.load("k") is None
        path.write_bytes(whole[:at])
        assert cache.load("k") is None
    assert cache.save("k", arrays)
    found = cache.load("k")
    assert found is not None
    np.testing.assert_array_equal(found["means"], arrays["means"])


def test_no_object_is_unpickled(folder: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        cache.save("k", {"means": np.array([object()])})
    assert not folder.exists() or not list(folder.iterdir())


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    # A file stands where the folder should be: that stops the administrator too.
    folder.write_text("")
    assert not cache.save("k", {"means": np.zeros(1)})
    assert cache.load("k") is None
    assert cache.prune() == 0


def test_a_full_disk_leaves_nothing_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert not cache.save("k", {"means": np.zeros(1)})
    assert list(folder.iterdir()) == []


def test_what_was_used_longest_ago_is_dropped_first(folder: Path) -> None:
    for hours, name in enumerate(["old", "older", "oldest"], start=1):
        cache.save(name, {"means": np.zeros(100)})
        at = folder.joinpath(f"{name}.forecast").stat().st_mtime - 3600 * hours
        os.utime(folder / f"{name}.forecast", (at, at))
    size = (folder / "old.forecast").stat().st_size
    assert cache.prune(3 * size) == 0
    assert cache.load("oldest") is not None  # now the last to be used
    assert cache.prune(3 * size - 1) == 1
    assert sorted(path.stem for path in folder.iterdir()) == ["old", "oldest"]
    assert cache.prune(0) == 2
    assert list(folder.iterdir()) == []


def test_what_a_killed_process_left_is_dropped_after_a_day(folder: Path) -> None:
    folder.mkdir()
    for name, hours in (("being-written.part", 1), ("left.part", 25)):
        (folder / name).write_bytes(b"half")
        at = (folder / name).stat().st_mtime - 3600 * hours
        os.utime(folder / name, (at, at))
    assert cache.prune() == 1
    assert [path.name for path in folder.iterdir()] == ["being-written.part"]
