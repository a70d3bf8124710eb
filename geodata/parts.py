"""The files beneath a store: immutable parts, and the commit that says which of them count.

    <dataset>/commit.json                             names the parts that count
    <dataset>/variable=<v>/month=<m>/<part>.parquet   long rows: location_id, time, value, flag
    <dataset>/variable=<v>/month=<m>/<part>.latest    the last value of each location of that part

A writer puts its parts beside those that count, then replaces `commit.json` in one step. Whoever reads what
the commit names, and nothing else, sees the whole of it or none; what a killed writer left is never read and
is swept away by the next writer.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geodata.errors import AlmanacError, BrokenData

LONG = pa.schema(
    [
        ("location_id", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("value", pa.float64()),
        ("flag", pa.string()),
    ]
)
ROW_GROUP = 65_536  # small enough that one location of a month stands in few of them
GRACE_SECONDS = 300.0  # a reader that began before a merge may still open what was merged


@dataclass(frozen=True)
class Span:
    """What some long rows of one variable and month reach over (moments in µs since 1970)."""

    variable: str
    month: str
    flag: str | None
    rows: int
    first: int
    last: int
    first_location: str
    last_location: str

    def overlaps(self, other: Span) -> bool:
        """Whether both might hold the same location and time."""
        return (
            (self.variable, self.month) == (other.variable, other.month)
            and self.first <= other.last
            and other.first <= self.last
            and self.first_location <= other.last_location
            and other.first_location <= self.last_location
        )


@dataclass(frozen=True)
class Part(Span):
    """One immutable file of rows, and the file with the last value of each of its locations."""

    file: str
    latest: str


@dataclass(frozen=True)
class Commit:
    """The parts that count; `retired` are files merged away, each with when (s since 1970)."""

    number: int = 0
    parts: tuple[Part, ...] = ()
    retired: tuple[tuple[str, float], ...] = ()

    def variables(self) -> list[str]:
        """The variables, in the order in which they were first appended."""
        return list(dict.fromkeys(part.variable for part in self.parts))


def span_of(table: pa.Table, variable: str, month: str, flag: str | None) -> Span:
    """What the rows of `table`, sorted by location and time, reach over."""
    times = pc.min_max(table["time"].cast(pa.int64()))
    return Span(
        variable=variable,
        month=month,
        flag=flag,
        rows=table.num_rows,
        first=times["min"].as_py(),
        last=times["max"].as_py(),
        first_location=table["location_id"][0].as_py(),
        last_location=table["location_id"][-1].as_py(),
    )


class Parts:
    """The parts of one dataset, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: tuple[tuple[int, int, int], Commit] | None = None

    def commit(self) -> Commit:
        """What counts now. A folder without a commit holds nothing."""
        path = self.folder / "commit.json"
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
                known = self._read
                if known is not None and known[0] == stamp:
                    return known[1]
                commit = _parsed(file)
        except (FileNotFoundError, NotADirectoryError):
            return Commit()
        except OSError as error:
            raise AlmanacError(
                "The observations in {folder} cannot be read: {why}.",
                hint="Let this user read the folder, or set ALMANAC_OBSERVATIONS to another one.",
                folder=self.folder,
                why=error.strerror,
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise BrokenData(
                "{path} is damaged: {why}.",
                hint="Restore the folder from a backup, or remove it and append again.",
                path=path,
                why=str(error),
            ) from error
        self._read = (stamp, commit)
        return commit

    def paths(self, names: Iterable[str]) -> list[str]:
        """Full paths, spelt so that DuckDB takes no letter of them for a wildcard."""
        folder = "".join(f"[{c}]" if c in "*?[" else c for c in str(self.folder))
        return [f"{folder}/{name}" for name in names]

    @contextmanager
    def writing(self, wait_seconds: float) -> Iterator[Commit]:
        """The commit to build upon, while no other writer can change it.

        Raises
        ------
        AlmanacError
            When the folder cannot be written, or another writer keeps it longer than `wait_seconds`.
        """
        try:
            _make_folder(self.folder)
            with (self.folder / ".lock").open("wb") as lock:
                _take(lock, wait_seconds, self.folder)
                yield self.commit()
        except OSError as error:
            raise AlmanacError(
                f"The observations in {self.folder} cannot be written: {error.strerror or error}.",
                hint="Make room and let this user write there, or set ALMANAC_OBSERVATIONS elsewhere.",
            ) from error

    def write(self, table: pa.Table, span: Span) -> Part:
        """A new part with the rows of `table`, sorted by location and time. It does not count yet."""
        folder = f"variable={span.variable}/month={span.month}"
        _make_folder(self.folder / folder)
        file = f"{folder}/{uuid.uuid4().hex}.parquet"
        last = _last_values(table)
        # Where most rows are the last of their place, the rows themselves do as well.
        latest = file.replace(".parquet", ".latest") if 2 * last.num_rows < table.num_rows else file
        if latest != file:
            self._replace(latest, lambda sink: _write_parquet(last, sink))
        self._replace(file, lambda sink: _write_parquet(table, sink))
        _sync_folder(self.folder / folder)
        return Part(**vars(span_of(table, span.variable, span.month, span.flag)), file=file, latest=latest)

    def confirm(self, commit: Commit, written: list[Part], retired: list[Part]) -> int:
        """From here on `written` count and `retired` do not; the number of the new commit."""
        now = time.time()
        gone = {part.file for part in retired}
        new = Commit(
            number=commit.number + 1,
            parts=(*(part for part in commit.parts if part.file not in gone), *written),
            retired=(
                *((name, since) for name, since in commit.retired if 0 <= now - since < GRACE_SECONDS),
                *((name, now) for part in retired for name in {part.file, part.latest}),
            ),
        )
        self._replace("commit.json", lambda sink: sink.write(json.dumps(asdict(new)).encode()))
        _sync_folder(self.folder)
        self.sweep()
        return new.number

    def sweep(self) -> None:
        """Remove what neither counts nor may still be read: with one writer at a time, all else is dead."""
        commit = self.commit()
        kept = {name for part in commit.parts for name in (part.file, part.latest)}
        kept |= {name for name, _ in commit.retired}
        for folder in self.folder.glob("variable=*/month=*"):
            prefix = f"{folder.parent.name}/{folder.name}"
            for entry in folder.iterdir():
                if f"{prefix}/{entry.name}" not in kept:
                    with suppress(OSError):
                        entry.unlink()

    def _replace(self, name: str, write: Callable[[IO[bytes]], object]) -> None:
        path = self.folder / name
        beside = path.with_name(f".{path.name}.new")
        try:
            with beside.open("wb") as sink:
                write(sink)
                sink.flush()
                os.fsync(sink.fileno())
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise


def _parsed(file: IO[bytes]) -> Commit:
    found = json.load(file)
    return Commit(
        number=found["number"],
        parts=tuple(Part(**part) for part in found["parts"]),
        retired=tuple((name, since) for name, since in found["retired"]),
    )


def _take(lock: IO[bytes], wait_seconds: float, folder: Path) -> None:
    """The lock of the folder; the system gives it back when its holder closes it or dies."""
    until = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise AlmanacError(
                    f"Another process has been writing to {folder} for more than {wait_seconds:g} seconds.",
                    hint="Wait until it is done and try again; nothing was changed.",
                ) from None
            time.sleep(0.02)


def _make_folder(folder: Path) -> None:
    """The folder with all above it, so that its name outlives a loss of power."""
    if not folder.is_dir():
        if folder.parent != folder:
            _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_parquet(table: pa.Table, sink: IO[bytes]) -> None:
    pq.write_table(table, sink, compression="zstd", row_group_size=ROW_GROUP, store_schema=False, write_statistics=True)


def _last_values(table: pa.Table) -> pa.Table:
    """Of each location, the last row that has a value."""
    present = table.filter(pc.is_valid(table["value"]))
    if not present.num_rows:
        return present
    codes = present["location_id"].combine_chunks().dictionary_encode()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    numbers = codes.indices.to_numpy()
    return present.take(np.append(np.flatnonzero(numbers[1:] != numbers[:-1]), len(numbers) - 1))
