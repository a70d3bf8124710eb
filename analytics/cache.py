"""Forecasts once computed, found again by the content of their data, code and settings."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from geodata.settings import settings

if TYPE_CHECKING:
    from analytics.backtesting import Plan
    from analytics.forecaster import Forecaster
    from analytics.history import History

# What the folder may hold: some thousand backtests of a region.
LIMIT_BYTES = 2_000_000_000
CODE = Path(__file__).parent
_ENDING = ".forecast"
_UNFINISHED = ".part"
_DAY = 86_400
# About 8 MB of numbers: what is hashed at once.
_AT_ONCE = 1_000_000
# Their code is known by `edition`, which holds their versions and the files of this package.
_KNOWN = ("analytics", "numpy", "pandas", "sklearn", "builtins", "abc")


class _NotTold(Exception):
    """A setting or a class of which the content cannot be read."""


@cache
def edition() -> str:
    """What computes: a checksum of the code of this package and the versions of what it rests on."""
    digest = hashlib.sha256()
    for path in sorted([*CODE.glob("*.py"), *CODE.glob("forecasters/*.py")]):
        _tell(digest, path.relative_to(CODE).as_posix())
        _tell(digest, path.read_bytes())
    _tell(digest, [platform.python_version(), *(version(name) for name in ("numpy", "pandas", "scikit-learn"))])
    return digest.hexdigest()


def digest_of(history: History) -> str:
    """A checksum of all that a history holds: values, drivers, times, places, positions and what they mean."""
    digest = hashlib.sha256()
    _tell(digest, history)
    return digest.hexdigest()


def key_of(history: History | str, plan: Plan, model: Forecaster) -> str | None:
    """Under which name the forecasts of a model by a plan are kept: equal content, equal key.

    Parameters
    ----------
    history : or its `digest_of`, where one history is asked for more than once.

    Returns
    -------
    None where the code or a setting of the model cannot be read, as in a class typed into a notebook: what cannot
    be told apart is not kept.
    """
    digest = hashlib.sha256()
    try:
        _tell(digest, [edition(), history if isinstance(history, str) else digest_of(history), plan, model])
    except _NotTold:
        return None
    return digest.hexdigest()


def load(key: str) -> dict[str, np.ndarray] | None:
    """The arrays kept under a key; None where there are none, or the file is damaged."""
    path = settings().cache / f"{key}{_ENDING}"
    try:
        found = path.read_bytes()
    except OSError:
        return None
    # The checksum stands before the arrays, so that nothing of a damaged file is ever taken for an array.
    if hashlib.sha256(found[32:]).digest() != found[:32]:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    with np.load(io.BytesIO(found[32:]), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def save(key: str, arrays: Mapping[str, np.ndarray]) -> bool:
    """Keeps arrays under a key, whole or not at all.

    Returns
    -------
    Whether they are kept: False where the folder cannot be written or the disk is full. Forecasts can do without.
    """
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    content = packed.getbuffer()
    folder = settings().cache
    unfinished = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=_UNFINISHED, delete=False) as file:
            unfinished = Path(file.name)
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        unfinished.replace(folder / f"{key}{_ENDING}")
    except OSError:
        return False
    finally:
        if unfinished is not None:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
    return True


def prune(limit_bytes: int = LIMIT_BYTES) -> int:
    """Drops what was used longest ago until the folder holds no more than the limit, and returns how many files."""
    files = []
    dropped = 0
    for path in [*settings().cache.glob(f"*{_ENDING}"), *settings().cache.glob(f"*{_UNFINISHED}")]:
        # Another process may have dropped it in the meantime, here and below.
        with contextlib.suppress(OSError):
            stat = path.stat()
            if path.suffix == _ENDING:
                files.append((stat.st_mtime_ns, stat.st_size, path))
            elif stat.st_mtime < time.time() - _DAY:
                # Left by a process that was killed while it wrote.
                path.unlink()
                dropped += 1
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit_bytes:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            dropped += 1
        total -= size
    return dropped


def _tell(digest: hashlib._Hash, value: object) -> None:
    """Adds a value to a checksum, with its kind and length, so that no two different values read alike."""
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if value is None or isinstance(value, bool | int | float | str | bytes | date | timedelta | Path):
        told = repr(value).encode()
        digest.update(f"{kind.__name__} {len(told)} ".encode() + told)
    elif isinstance(value, np.ndarray):
        _tell_array(digest, value)
    elif isinstance(value, pd.DatetimeIndex):
        # The zone is told apart: without it the same moments are the same numbers.
        _tell(digest, ["times", str(value.tz), value.tz_localize(None).to_numpy().astype("datetime64[ns]")])
    elif isinstance(value, pd.Index | pd.Series):
        _tell(digest, [kind.__name__, value.to_numpy(), *([value.index] if isinstance(value, pd.Series) else [])])
    elif isinstance(value, pd.DataFrame):
        _tell(digest, ["table", value.index, *((name, value[name].to_numpy()) for name in value)])
    elif isinstance(value, Mapping):
        _tell(digest, ["mapping", *sorted(value.items(), key=lambda item: repr(item[0]))])
    elif isinstance(value, set | frozenset):
        _tell(digest, ["set", *sorted(value, key=repr)])
    elif isinstance(value, list | tuple):
        digest.update(f"{len(value)} of ".encode())
        for part in value:
            _tell(digest, part)
    elif isinstance(value, type | FunctionType):
        _tell_code(digest, value)
    elif isinstance(value, BaseEstimator):
        _tell(digest, [kind, value.get_params(deep=False)])
    elif is_dataclass(value):
        _tell(digest, [kind.__name__, *((f.name, getattr(value, f.name)) for f in fields(value))])
    else:
        raise _NotTold


def _tell_array(digest: hashlib._Hash, array: np.ndarray) -> None:
    if array.dtype.kind in "OSU" or array.dtype.names:
        _tell(digest, ["array", array.shape, array.tolist()])
        return
    if array.dtype.kind in "mM":
        _tell(digest, str(array.dtype))
        array = array.view(np.int64)
    _tell(digest, ["array", str(array.dtype), array.shape])
    flat = array.reshape(array.shape[0], math.prod(array.shape[1:])) if array.ndim > 1 else array.reshape(1, -1)
    rows = max(1, _AT_ONCE // max(flat.shape[1], 1))
    for start in range(0, len(flat), rows):
        part = flat[start : start + rows]
        if part.dtype.kind == "f":
            # Missing is missing and zero is zero, whatever their bits.
            part = np.where(np.isnan(part), np.nan, part + 0.0)
        digest.update(np.ascontiguousarray(part).data)


def _tell_code(digest: hashlib._Hash, what: type | FunctionType) -> None:
    """Adds a class or function by its name and, where it is not of this package, the source of its module."""
    if "<" in what.__qualname__:
        raise _NotTold
    _tell(digest, f"{what.__module__}.{what.__qualname__}")
    for name in {part.__module__ for part in (what.__mro__ if isinstance(what, type) else (what,))}:
        if name.split(".")[0] not in _KNOWN:
            try:
                _tell(digest, inspect.getsource(sys.modules[name]))
            except (KeyError, OSError, TypeError):
                raise _NotTold from None
