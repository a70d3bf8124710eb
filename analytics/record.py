"""A panel read into one matrix per column, places × steps: checked once, so that indicators only compute."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from analytics.indicator import Minimum
from analytics.steps import STEPS_IN_YEAR, YEAR, grid
from geodata.errors import AlmanacError, BrokenData
from geodata.panel import KEYS
from geodata.units import UNITS, unit_of

# A grid with more cells than this is a mistake in the times, not a record.
_MOST_CELLS = 400_000_000
_ROWS = 4_000_000
_STUCK = 5
_EARLIEST = int(np.datetime64("1700-01-01", "us").astype(np.int64))
_AHEAD = int(50 * YEAR)
_REGULAR = 0.5


@dataclass(frozen=True, eq=False)
class Record:
    """The columns of a panel as matrices, places × times.

    places : the location ids, sorted
    times : every step from the first to the last, without zone (UTC); for irregular panels the moments there are
    step : a fixed step, "1 month", "1 year" or "irregular"
    columns : by name, the values; missing is NaN
    evidence : by `location_id`: `n` (steps at which every column has a value), `completeness` (NaN where no
        step is kept), `observed_from`,
        `observed_to` and `reason`: "" where there is enough, else "values", "years", "completeness" or
        "constant"
    """

    places: pd.Index
    times: pd.DatetimeIndex
    step: str
    columns: Mapping[str, np.ndarray]
    evidence: pd.DataFrame

    def __getitem__(self, column: str) -> np.ndarray:
        """One matrix, with NaN throughout at the places that have not enough data."""
        return self.columns[column]

    @property
    def enough(self) -> np.ndarray:
        """Which places have enough data."""
        return self.evidence["reason"].to_numpy() == ""

    def series(self, values: np.ndarray, name: str) -> pd.Series:
        """One value per place, indexed by `location_id`; NaN where there is not enough data."""
        return pd.Series(np.where(self.enough, values, np.nan), index=self.places, name=name)


def read(
    panel: pd.DataFrame,
    *columns: str,
    minimum: Minimum,
    steps: tuple[str, ...] = (),
    signed: Collection[str] = (),
    tidal: Collection[str] = (),
    steady: Collection[str] = (),
) -> Record:
    """A panel as matrices, once it is shown to be one that the columns can be computed from.

    Parameters
    ----------
    panel : `location_id`, `time` (UTC) and the columns, in any order of rows.
    columns : the value columns needed, the unit in their names.
    minimum : what a place must have; one with less has NaN throughout.
    steps : the steps that are accepted; empty where any is, irregular moments included.
    signed : the columns in which a negative value is possible.
    tidal : the places at which it is possible in every column, because the source says so.
    steady : the columns that may keep one value throughout, such as the area of the land. Where five values or more
        never change in any of the others, they are those of a stuck instrument or a copy: not enough data.

    Raises
    ------
    BrokenData
        Where a column or its unit is missing, times repeat, have no or several time zones or keep another
        step, or a value is text, infinite, or negative where that is impossible.
    """
    found = require(panel, *columns)
    for key in KEYS:
        if key not in found.columns:
            raise BrokenData(
                "The table has no column {column}.",
                hint="Give it {column}; a panel has location_id and time.",
                column=key,
            )
    moments = _moments(found["time"])
    codes, places = _places(found["location_id"])
    _refuse_moments(moments, found["location_id"])
    step, times, where = grid(moments, steps)
    if len(places) * len(times) > _MOST_CELLS:
        raise BrokenData(
            "{places} places and {times} steps are more than can be read at once.",
            hint="Check the times for a wrong year, or hand over fewer places at a time.",
            places=len(places),
            times=len(times),
        )
    matrices = _matrices(found, columns, codes, places, where, times)
    kept = np.isin(places, list(tidal))
    for column, values in matrices.items():
        if column not in signed:
            _refuse_negative(column, values, places, kept)
    # Moments that leave most steps empty keep no step: nothing was due between them.
    due = bool(steps) or minimum.completeness > 0 or _filled(matrices) >= _REGULAR
    evidence = _evidence(matrices, places, times, step if due else "irregular", minimum)
    judged = [_stuck(matrices[column]) for column in columns if column not in steady]
    stuck = np.logical_and.reduce(judged) if judged else np.zeros(len(places), dtype=bool)
    evidence.loc[stuck & (evidence["reason"].to_numpy() == ""), "reason"] = "constant"
    short = evidence["reason"].to_numpy() != ""
    for values in matrices.values():
        values[short] = np.nan
    return Record(places, times, step, matrices, evidence)


def read_rows(
    table: pd.DataFrame, *columns: str, keys: tuple[str, ...] = (), signed: Collection[str] = ()
) -> pd.DataFrame:
    """A layer or table with one or several rows per place, once its columns are shown to be usable.

    Parameters
    ----------
    table : `location_id` as index or column, and the columns; the unit stands in their names.
    columns : the value columns needed.
    keys : the columns that tell the rows of a place apart; none where each place has one row.
    signed : the columns in which a negative value is possible.

    Returns
    -------
    The columns as numbers and the keys, indexed by `location_id`, sorted by both.

    Raises
    ------
    BrokenData
        As for `read`.
    """
    found = require(table, *columns)
    if "location_id" in found.columns:
        found = pd.DataFrame(found).set_index("location_id")
    elif found.index.name != "location_id":
        raise BrokenData(
            "The table has no column {column}.",
            hint="Give it {column}; a panel has location_id and time.",
            column="location_id",
        )
    absent = [key for key in keys if key not in found.columns]
    if absent:
        raise BrokenData(
            "The table has no column {column}.",
            hint="Add it: it tells the rows of a place apart.",
            column=absent[0],
        )
    rows = pd.DataFrame({c: _numbers(found[c], c) for c in columns}, index=found.index)
    for key in keys:
        rows[key] = found[key].to_numpy()
    rows = rows.sort_values(["location_id", *keys], kind="stable")
    doubled = rows.reset_index().duplicated(["location_id", *keys]).to_numpy()
    if doubled.any():
        raise BrokenData(
            "{n} rows repeat a place and what tells its rows apart, the first at {place}.",
            hint="Keep one row for each.",
            n=int(doubled.sum()),
            place=rows.index[doubled][0],
        )
    for column in columns:
        if column not in signed:
            _refuse_negative(column, rows[column].to_numpy(), rows.index, np.zeros(len(rows), dtype=bool))
    return rows


def require(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The table itself, once it is shown to have the columns, each with the unit wanted in its name.

    Raises
    ------
    BrokenData
        Naming a column of the same quantity in another or unknown unit, where there is one.
    """
    for column in (*columns, *KEYS):
        if int((table.columns == column).sum()) > 1:
            raise BrokenData(
                "The table has more than one column {column}.",
                hint="Keep one of them, or give the others names of their own.",
                column=column,
            )
    if not isinstance(table, pd.DataFrame):
        raise BrokenData(
            "What was handed over is a {kind}, not a table.",
            hint="Hand over a pandas DataFrame with location_id, time and the value columns.",
            kind=type(table).__name__,
        )
    for column in columns:
        if column in table.columns:
            continue
        stem = column.removesuffix(unit_of(column).suffix).rstrip("_") if _has_unit(column) else column
        like = [str(c) for c in table.columns if str(c).startswith(stem)]
        if stem and like:
            raise BrokenData(
                "The column {column} is needed, but the table has {found}, in another unit or in none.",
                hint="Convert it with geodata.units.to_canonical and name it {column}.",
                column=column,
                found=like[0],
            )
        raise BrokenData(
            "The column {column} is needed, but the table has {found}.",
            hint="Add it, with its unit in its name.",
            column=column,
            found=tuple(map(str, table.columns[:8])) or "—",
        )
    return table


def _has_unit(column: str) -> bool:
    return any(column == suffix or column.endswith(f"_{suffix}") for suffix in UNITS)


def _numbers(values: pd.Series, column: str) -> np.ndarray:
    if is_bool_dtype(values.dtype) or not is_numeric_dtype(values.dtype):
        raise BrokenData(
            "The column {column} holds {kind}, not numbers.",
            hint="Convert it to numbers, with NaN where a value is missing.",
            column=column,
            kind=values.dtype,
        )
    plain = isinstance(values.dtype, np.dtype)
    numbers = values.to_numpy(dtype=np.float64) if plain else values.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise BrokenData(
            "{n} values of {column} are infinite.",
            hint="Put NaN where there is no value.",
            n=int(np.isinf(numbers).sum()),
            column=column,
        )
    return numbers


def _moments(times: pd.Series) -> np.ndarray:
    """Microseconds since 1970, UTC."""
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        raise BrokenData(
            "The times are {kind}: without one time zone nobody can say which moments they are.",
            hint="Localise them in the source's clock and convert all to UTC.",
            kind=times.dtype,
        )
    if str(times.dtype.tz) != "UTC":
        raise BrokenData(
            "The times are in the zone {zone}, not in UTC.",
            hint='Convert them with .dt.tz_convert("UTC").',
            zone=times.dtype.tz,
        )
    if times.isna().any():
        raise BrokenData("{n} rows have no time.", hint="Drop or mend these rows first.", n=int(times.isna().sum()))
    # A view where pandas counts in microseconds too: a big panel must not lie in memory twice.
    moments = times.array
    return (moments if moments.unit == "us" else moments.as_unit("us")).asi8


def _refuse_moments(moments: np.ndarray, ids: pd.Series) -> None:
    """A wrong century is a slip of the pen: no instrument measured before 1700, and none will have by then."""
    wrong = (moments < _EARLIEST) | (moments > time.time_ns() // 1000 + _AHEAD)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise BrokenData(
            "The time {time} at {place} cannot be that of a measurement.",
            hint="Correct the year; times lie between 1700 and fifty years from now.",
            time=np.datetime64(int(moments[at]), "us").item() or moments[at],
            place=ids.iloc[at],
        )


def _places(ids: pd.Series) -> tuple[np.ndarray, pd.Index]:
    if isinstance(ids.dtype, pd.CategoricalDtype):
        codes, labels = ids.cat.codes.to_numpy(), ids.cat.categories
        used = np.zeros(len(labels), dtype=bool)
        used[codes[codes >= 0]] = True
    else:
        found, labels = pd.factorize(ids)
        codes, used = found.astype(np.int32), np.ones(len(labels), dtype=bool)
    if (codes < 0).any():
        raise BrokenData(
            "{n} rows have no location_id.", hint="Drop or mend these rows first.", n=int((codes < 0).sum())
        )
    if len(labels) and not all(isinstance(label, str) for label in labels):
        raise BrokenData(
            "The location ids are {kind}, not text.",
            hint="Convert them to text, keeping leading zeros.",
            kind=labels.dtype,
        )
    order = np.argsort(np.asarray(labels, dtype=object), kind="stable")
    order = order[used[order]]
    rank = np.full(len(labels), -1, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    places = pd.Index(np.asarray(labels, dtype=object)[order], name="location_id", dtype="str")
    return rank[codes], places


def _matrices(
    panel: pd.DataFrame,
    columns: tuple[str, ...],
    codes: np.ndarray,
    places: pd.Index,
    where: partial[np.ndarray],
    times: pd.DatetimeIndex,
) -> dict[str, np.ndarray]:
    """Filled some million rows at a time: the indices of a hundred million at once would fill the memory."""
    moments = _moments(panel["time"])
    numbers = {column: _numbers(panel[column], column) for column in columns}
    matrices = {column: np.full((len(places), len(times)), np.nan) for column in columns}
    seen = np.zeros(len(places) * len(times), dtype=bool)
    for start in range(0, len(moments), _ROWS):
        rows = slice(start, start + _ROWS)
        cells = codes[rows].astype(np.int64) * len(times) + where(moments[rows])
        # Most panels are sorted; only where the cells do not rise must they be searched for one that comes twice.
        rising = bool((cells[1:] > cells[:-1]).all())
        if seen[cells].any() or (not rising and len(np.unique(cells)) < len(cells)):
            again = pd.Series(cells).duplicated().to_numpy() | seen[cells]
            at = start + int(np.flatnonzero(again)[0])
            raise BrokenData(
                "Rows repeat a location and time, the first {place} at {time}.",
                hint="Keep one row for each; say in the source's flaws which.",
                place=places[codes[at]],
                time=pd.Timestamp(moments[at], unit="us", tz="UTC"),
            )
        seen[cells] = True
        for column in columns:
            matrices[column].reshape(-1)[cells] = numbers[column][rows]
    return matrices


def _refuse_negative(column: str, values: np.ndarray, places: pd.Index, allowed: np.ndarray) -> None:
    with np.errstate(invalid="ignore"):
        negative = (values < 0).reshape(len(places), values.size // max(1, len(places))).any(axis=1) & ~allowed
    if negative.any():
        raise BrokenData(
            "{column} is negative at {n} places, the first {place}, where that is impossible.",
            hint="Remove or mend these values; where the source says that the flow reverses, streamflow_percentile, "
            "high_flow_percentile and low_flow_percentile take these places as tidal=."
            if column.startswith("discharge")
            else "Remove or mend these values.",
            column=column,
            n=int(negative.sum()),
            place=places[negative][0],
        )


def _evidence(
    matrices: Mapping[str, np.ndarray], places: pd.Index, times: pd.DatetimeIndex, step: str, minimum: Minimum
) -> pd.DataFrame:
    present = np.ones((len(places), len(times)), dtype=bool)
    for values in matrices.values():
        present &= np.isfinite(values)
    n = present.sum(axis=1)
    some = n > 0
    first = np.where(some, present.argmax(axis=1) if len(times) else 0, 0)
    last = np.where(some, len(times) - 1 - (present[:, ::-1].argmax(axis=1) if len(times) else 0), 0)
    due = last - first + 1
    starts = times.to_numpy("datetime64[us]")
    if step == "irregular":
        completeness = np.full(len(places), np.nan)
        spans = starts[last] - starts[first] if len(times) else np.zeros(len(places), "timedelta64[us]")
        years = spans.astype(np.int64) / YEAR
    else:
        completeness = np.where(some, n / due, 0.0)
        years = np.where(some, due / STEPS_IN_YEAR[step], 0.0)
    # A record of exactly ten calendar years has 3,652 days, not 3,652.4.
    reason = np.select(
        [n < max(1, minimum.values), years < minimum.years - 0.01, completeness < minimum.completeness],
        ["values", "years", "completeness"],
        default="",
    )
    missing = np.datetime64("NaT")
    return pd.DataFrame(
        {
            "n": n,
            "completeness": completeness,
            "observed_from": np.where(some, starts[first], missing) if len(times) else missing,
            "observed_to": np.where(some, starts[last], missing) if len(times) else missing,
            "reason": reason.astype(object),
        },
        index=places,
    )


def _filled(matrices: Mapping[str, np.ndarray]) -> float:
    """The share of all steps of all places that have a value in the fullest column."""
    return max((float(np.isfinite(values).mean()) for values in matrices.values() if values.size), default=1.0)


def _stuck(values: np.ndarray) -> np.ndarray:
    """Which rows hold five values or more, all the same."""
    if not values.shape[1]:
        return np.zeros(len(values), dtype=bool)
    with np.errstate(invalid="ignore"):
        alike = np.fmax.reduce(values, axis=1) == np.fmin.reduce(values, axis=1)
    return alike & (np.isfinite(values).sum(axis=1) >= _STUCK)


def each_enough(values: pd.Series, minimum: Minimum) -> pd.Series:
    """Values by row of a table, with NaN where a place has fewer rows than the minimum asks for."""
    rows = values.groupby(level=0).transform("count")
    return values.where(rows >= minimum.values)


def ratio(numerator: np.ndarray, denominator: np.ndarray, *, least: float | np.ndarray = 0.0) -> np.ndarray:
    """A quotient, withheld (NaN) where the denominator is zero or nearer to zero than `least`."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    safe = np.isfinite(bottom) & (np.abs(bottom) > least)
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=safe)


def refuse_parameter(name: str, value: object, *, wanted: str) -> AlmanacError:
    """The error for a keyword that no formula can take."""
    return AlmanacError(
        "{name} is {value}, but {wanted} is needed.",
        hint="Call it again with such a value.",
        name=name,
        value=value,
        wanted=wanted,
    )
