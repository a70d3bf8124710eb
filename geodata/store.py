"""Observations that grow: appended to all or nothing, asked through DuckDB, also while someone appends.

`geodata.parts` says how they lie on the disk. No two parts of a commit hold the same location and time,
because an append rewrites the parts that it overlaps; reading is therefore a plain scan.
"""

from __future__ import annotations

import os
import re
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from geodata.clock import DAY, clock_ahead, microseconds, midnights, utc
from geodata.errors import BrokenData, UnknownName
from geodata.panel import FLAG, KEYS, validate_panel, value_columns
from geodata.parts import LONG, Commit, Part, Parts, Span, span_of
from geodata.search import nearest

NAME = re.compile(r"[a-z0-9_]+")
PARTS_PER_MONTH = 24  # more than these are merged by the next append
ROWS = "read_parquet(?, hive_partitioning = false)"


@dataclass(frozen=True)
class Store:
    """The observations below one folder. A folder that does not exist is an empty store.

    root : the folder; the first append makes it
    wait_seconds : how long an append waits while another process appends to the same dataset

    Any number of threads and processes may read while one appends.
    """

    root: Path
    wait_seconds: float = field(default=60.0, compare=False)

    def datasets(self) -> list[str]:
        """The ids of the datasets that hold something."""
        return sorted(p.parent.name for p in self.root.glob("*/commit.json") if NAME.fullmatch(p.parent.name))

    def commits(self, dataset: str) -> int:
        """How many appends and mergers the dataset has seen: the same number, the same rows."""
        return self._parts(dataset).commit().number

    def variables(self, dataset: str) -> list[str]:
        """The variables of one dataset; none when nothing was appended to it."""
        return self._parts(dataset).commit().variables()

    def commit(self, dataset: str) -> int:
        """The number of the last append or merge, 0 before the first: a cache that knows it knows all."""
        return self._parts(dataset).commit().number

    def latest(self, dataset: str, variable: str) -> pd.DataFrame:
        """The last value of every location that is not missing.

        Returns
        -------
        `location_id`, `time` (UTC), `<variable>`, one row per location, sorted; locations without any value
        are absent.
        """

        def ask(parts: Sequence[Part]) -> pd.DataFrame:
            return _ask(
                f"""SELECT location_id, max(time) AS time, arg_max(value, time) AS "{variable}"
                    FROM {ROWS} WHERE value IS NOT NULL GROUP BY location_id ORDER BY location_id""",
                [self._parts(dataset).paths(part.latest for part in parts)],
            )

        return self._read(dataset, variable, None, None, ask)

    def series(
        self,
        dataset: str,
        variable: str,
        location_ids: str | Iterable[str],
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pd.DataFrame:
        """The observations of some locations from `start` until before `end`.

        Parameters
        ----------
        location_ids : one id or several; those without observations give no rows.
        start, end : moments with a time zone; None for no limit.

        Returns
        -------
        `location_id`, `time` (UTC), `<variable>` with NaN where a value is missing, sorted by both.
        """
        wanted = sorted({location_ids} if isinstance(location_ids, str) else set(location_ids))

        def ask(parts: Sequence[Part]) -> pd.DataFrame:
            reached = [part for part in parts if _reaches(part, wanted)]
            if not reached:
                return _empty(variable)
            limits, bound = _between(start, end, parts)
            # One location is found by the statistics of the row groups, which an IN of one would not use.
            some = "= ?" if len(wanted) == 1 else f"IN ({', '.join('?' * len(wanted))})"
            return _ask(
                f"""SELECT location_id, time, value AS "{variable}" FROM {ROWS}
                    WHERE location_id {some} {limits} ORDER BY location_id, time""",
                [self._parts(dataset).paths(part.file for part in reached), *wanted, *bound],
            )

        return self._read(dataset, variable, start, end, ask)

    def daily_means(
        self,
        dataset: str,
        variable: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        timezone: str = "UTC",
        at_least: int = 1,
    ) -> pd.DataFrame:
        """The mean of each day at every location, of what was observed from `start` until before `end`.

        Parameters
        ----------
        timezone : whose midnights part the days; a day on which its clock changes has 23 or 25 hours.
        at_least : how many values a day needs; with fewer its mean is missing.

        Returns
        -------
        `location_id`, `time` (UTC, when the day began), `<variable>`, sorted by both. A day that has rows but
        no values is NaN; a day without rows is absent.
        """

        def ask(parts: Sequence[Part]) -> pd.DataFrame:
            limits, bound = _between(start, end, parts)
            clock = clock_ahead(min(p.first for p in parts), max(p.last for p in parts), timezone)
            # Arithmetic on whole microseconds is much quicker than calendar functions on every row.
            means = _ask(
                f"""SELECT location_id, CAST((epoch_us(time) + {clock}) // {DAY} AS INTEGER) AS time,
                           CASE WHEN count(value) >= ? THEN avg(value) END AS "{variable}"
                    FROM {ROWS} WHERE true {limits} GROUP BY ALL ORDER BY ALL""",
                [at_least, self._parts(dataset).paths(part.file for part in parts), *bound],
            )
            return means.assign(time=midnights(means["time"].to_numpy(), timezone))

        return self._read(dataset, variable, start, end, ask)

    def panel(self, dataset: str, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        """Everything observed from `start` until before `end`, as one panel.

        Returns
        -------
        `location_id`, `time` (UTC), a column for each variable and for its qualifiers if it has any; one row
        for each location and time that any variable has, sorted by both.
        """

        def ask(parts: Sequence[Part]) -> pd.DataFrame:
            limits, bound = _between(start, end, parts)
            variables = list(dict.fromkeys(part.variable for part in parts))
            flag_of = {part.variable: part.flag for part in parts if part.flag}
            flags = list(dict.fromkeys(flag_of.values()))
            tables: list[str] = []
            bindings: list[object] = []
            for own in variables:
                columns = [f'{"value" if v == own else "NULL"} AS "{v}"' for v in variables]
                columns += [f'{"flag" if flag_of.get(own) == f else "NULL"} AS "{f}"' for f in flags]
                tables.append(f"SELECT location_id, time, {', '.join(columns)} FROM {ROWS} WHERE true{limits}")
                files = (part.file for part in parts if part.variable == own)
                bindings += [self._parts(dataset).paths(files), *bound]
            if len(tables) == 1:
                wide = _ask(f"{tables[0]} ORDER BY location_id, time", bindings)
            else:
                merged = ", ".join(f'max("{column}") AS "{column}"' for column in [*variables, *flags])
                wide = _ask(
                    f"""SELECT location_id, time, {merged} FROM ({" UNION ALL ".join(tables)})
                        GROUP BY location_id, time ORDER BY location_id, time""",
                    bindings,
                )
            return wide.astype(dict.fromkeys(flags, "category"))

        return self._read(dataset, None, start, end, ask)

    def append(self, dataset: str, panel: pd.DataFrame) -> int:
        """Add observations; when this returns they are on the disk and every reader sees all of them.

        Parameters
        ----------
        dataset : lower-case letters, digits and underscores.
        panel : keeps the panel contract. Where a location and time exist already, these values replace them,
            also by missing ones.

        Returns
        -------
        The number of the commit.

        Raises
        ------
        BrokenData
            When the panel breaks its contract; nothing is changed.
        AlmanacError
            When the folder cannot be written or another process keeps it busy; nothing is changed.
        """
        new = _long_tables(validate_panel(panel, name=dataset), dataset)
        store = self._parts(dataset)
        if not new:
            return store.commit().number
        with store.writing(self.wait_seconds) as commit:
            changes = []
            for span, table in new:
                here = [p for p in commit.parts if (p.variable, p.month) == (span.variable, span.month)]
                overlapped = [p for p in here if p.overlaps(span)]
                crowded = len(here) - len(overlapped) >= PARTS_PER_MONTH
                changes.append((span, table, here if crowded else overlapped))
            return _apply(store, commit, changes)

    def compact(self, dataset: str) -> int:
        """Merge the parts of each month into one. Readers see the same rows before, during and after.

        Returns
        -------
        The number of parts that were merged.
        """
        store = self._parts(dataset)
        if not store.commit().parts:
            return 0
        with store.writing(self.wait_seconds) as commit:
            months: dict[tuple[str, str], list[Part]] = {}
            for part in commit.parts:
                months.setdefault((part.variable, part.month), []).append(part)
            several = [parts for parts in months.values() if len(parts) > 1]
            _apply(store, commit, [(parts[0], LONG.empty_table(), parts) for parts in several])
        return sum(map(len, several))

    @cached_property
    def _known(self) -> dict[str, Parts]:
        return {}

    def _parts(self, dataset: str) -> Parts:
        if not NAME.fullmatch(dataset):
            raise UnknownName(
                f"“{dataset[:80]}” cannot be the id of a dataset.",
                hint="Use lower-case letters, digits and underscores only.",
            )
        return self._known.setdefault(dataset, Parts(self.root / dataset))

    def _read(
        self,
        dataset: str,
        variable: str | None,
        start: datetime | None,
        end: datetime | None,
        ask: Callable[[Sequence[Part]], pd.DataFrame],
    ) -> pd.DataFrame:
        """The answer of `ask` from the parts that matter; with no such parts, an empty table."""
        store = self._parts(dataset)
        first = -(2**63) if start is None else microseconds(start)
        end_before = 2**63 if end is None else microseconds(end)
        while True:
            commit = store.commit()
            if variable is not None and variable not in commit.variables():
                return _absent(dataset, variable, commit)
            parts = [
                part
                for part in commit.parts
                if variable in (None, part.variable) and part.last >= first and part.first < end_before
            ]
            if not parts:
                return _empty(*([variable] if variable else commit.variables()))
            try:
                return ask(parts)
            except BrokenData:
                # A reader that outlasts the grace of files merged away starts again on what counts now.
                if store.commit().number == commit.number:
                    raise


def _apply(store: Parts, commit: Commit, changes: Sequence[tuple[Span, pa.Table, Sequence[Part]]]) -> int:
    """Write each table merged with the parts that it replaces, then confirm all of them at once."""
    written: list[Part] = []
    try:
        for span, table, replaced in changes:
            flag = span.flag or next((part.flag for part in replaced if part.flag), None)
            merged = _merged(table, store.paths(part.file for part in replaced)) if replaced else table
            written.append(store.write(merged, span_of(merged, span.variable, span.month, flag)))
        return store.confirm(commit, written, [part for _, _, replaced in changes for part in replaced])
    except BaseException:
        # Left alone, parts that do not count would do no harm, but would fill the disk until the next append.
        store.sweep()
        raise


def _merged(table: pa.Table, files: list[str]) -> pa.Table:
    """The rows of `files` and of `table`, which wins where both hold a location and time."""
    return _table(
        f"""SELECT location_id, time, value, flag FROM {ROWS} ANTI JOIN newer USING (location_id, time)
            UNION ALL SELECT location_id, time, value, flag FROM newer ORDER BY location_id, time""",
        [files],
        newer=table,
    ).cast(LONG)


def _long_tables(panel: pd.DataFrame, dataset: str) -> list[tuple[Span, pa.Table]]:
    """The panel as sorted long tables, one for each variable and month (UTC)."""
    variables = value_columns(panel)
    flags = [str(c) for c in panel.columns if str(c).endswith(FLAG)]
    flag_of = {
        variable: max((f for f in flags if variable.startswith(f.removesuffix(FLAG))), key=len, default=None)
        for variable in variables
    }
    known = {*KEYS, *variables, *flag_of.values()}
    for column in panel.columns:
        if column not in known or not NAME.fullmatch(column):
            raise BrokenData(
                f"{dataset}: the column “{str(column)[:80]}” is neither a value nor the qualifier of one.",
                hint="Drop or rename it; names have lower-case letters, digits and underscores only.",
            )
    if panel.empty:
        return []
    codes, places = pd.factorize(panel["location_id"].astype("str"), sort=True)
    moments = panel["time"].dt.tz_localize(None)
    if not moments.dt.as_unit("us").equals(moments):
        raise BrokenData(
            f"{dataset}: some times are finer than a microsecond.",
            hint="Round them to microseconds before appending.",
        )
    times = moments.dt.as_unit("us").to_numpy().view(np.int64)
    months = moments.to_numpy().astype("datetime64[M]").view(np.int64)
    order = np.lexsort((times, codes, months))
    bounds = [*np.flatnonzero(np.diff(months[order], prepend=np.iinfo(np.int64).min)), len(order)]
    ids = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(places, pa.string()))
    tables = []
    for variable in variables:
        flag = flag_of[variable]
        values = panel[variable].to_numpy(dtype=np.float64, na_value=np.nan)
        # Pandas tells a missing qualifier in several ways; Arrow makes one of them.
        marks = (
            pa.nulls(len(panel), pa.string())
            if flag is None
            else pa.array(panel[flag].astype("string"), pa.string(), from_pandas=True)
        )
        for begin, stop in pairwise(bounds):
            rows = order[begin:stop]
            columns = [
                ids.take(pa.array(rows)).cast(pa.string()),
                pa.array(times[rows]).cast(LONG.field("time").type),
                pa.array(values[rows], from_pandas=True),
                marks.take(pa.array(rows)),
            ]
            table = pa.Table.from_arrays(columns, schema=LONG)
            month = str(np.datetime64(int(months[rows[0]]), "M"))
            tables.append((span_of(table, variable, month, flag), table))
    return tables


def _reaches(part: Part, wanted: Sequence[str]) -> bool:
    """Whether the part may hold one of the ids, which are sorted."""
    nearest_id = bisect_left(wanted, part.first_location)
    return nearest_id < len(wanted) and wanted[nearest_id] <= part.last_location


def _ask(sql: str, bindings: list[object]) -> pd.DataFrame:
    return _table(sql, bindings).to_pandas()


def _table(sql: str, bindings: list[object], **tables: pa.Table) -> pa.Table:
    """What DuckDB answers.

    Raises
    ------
    BrokenData
        When a file that should be read is lost or damaged.
    """
    with _database(os.getpid()).cursor() as cursor:
        for name, table in tables.items():
            cursor.register(name, table)
        try:
            return cursor.execute(sql, bindings).to_arrow_table()
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise BrokenData(
                "Stored observations are lost or damaged: {why}.",
                hint="Restore the folder from a backup, or remove it and append again.",
                why=str(error).splitlines()[0],
            ) from error


@lru_cache(maxsize=1)
def _database(process: int) -> duckdb.DuckDBPyConnection:
    """One DuckDB in memory for each process, known by its id because it does not survive a fork."""
    database = duckdb.connect(":memory:")
    database.execute("SET GLOBAL autoinstall_known_extensions = false")  # or it would ask the internet
    database.execute("SET GLOBAL parquet_metadata_cache = true")
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    # By default large sorts would spill into the folder that the process was started in.
    database.execute("SET GLOBAL temp_directory = ?", [str(Path(tempfile.gettempdir()) / f"almanac-{process}")])
    return database


def _empty(*variables: str) -> pd.DataFrame:
    empty = LONG.empty_table().to_pandas()[["location_id", "time"]]
    return empty.assign(**{variable: np.array([], dtype=np.float64) for variable in variables})


def _absent(dataset: str, variable: str, commit: Commit) -> pd.DataFrame:
    """An empty table when nothing was ever appended; an error when other variables were."""
    if not commit.parts:
        return _empty(variable)
    near = nearest(variable, commit.variables())
    raise UnknownName(
        f"No observations of “{variable[:80]}” were appended to {dataset}.",
        hint=f"Did you mean “{near}”?" if near else f"Choose one of: {', '.join(commit.variables())}.",
    )


def _between(start: datetime | None, end: datetime | None, parts: Sequence[Part]) -> tuple[str, list[object]]:
    """SQL that limits the time, as far as the parts reach beyond the limits, and what to bind to it."""
    late = start is not None and min(part.first for part in parts) < microseconds(start)
    early = end is not None and max(part.last for part in parts) >= microseconds(end)
    limits = (" AND time >= ?" if late else "") + (" AND time < ?" if early else "")
    moments = [m for m, needed in ((start, late), (end, early)) if needed and m is not None]
    return limits, [utc(moment).ceil("us").to_pydatetime() for moment in moments]
