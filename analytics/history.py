"""One series at all places on a regular grid of steps, with what drives it: what every forecaster learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analytics.indicator import Minimum
from analytics.local_clock import local_clock
from analytics.record import read
from analytics.steps import STEPS_IN_YEAR, YEAR
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.panel import value_columns
from geodata.search import nearest

_DAY = 86_400_000_000
# A grid that leaves more of its steps empty than this has no step: nothing was due on most of them.
_EMPTIEST = 0.995
_NOTHING = Minimum()


@dataclass(frozen=True, eq=False)
class History:
    """One series at all places, up to the last step that is known.

    target : the column, its unit in its name
    places : the location ids, sorted
    times : every step, first to last, without zone (UTC); its length is m
    step : "5 minutes", "15 minutes", "1 hour", "1 day", "12 days" (any whole number of days), "1 month" or "1 year"
    values : places × m, float64; missing is NaN
    drivers : by name, places × at least m: what may move the series. Columns past m lie ahead of the last step
    known_ahead : the drivers of which the values after the moment of a forecast may be used, because a plan or a
        given scenario tells them. Of the others only the past is known then
    positions : places × 2, metres in a metric CRS; None where the places have no position
    holidays : the country and, after a hyphen, its subdivision ("US-NC") whose public holidays count; "" for none
    timezone : the clock that people live by, for hours and weekdays of steps within a day
    """

    target: str
    places: pd.Index
    times: pd.DatetimeIndex
    step: str
    values: np.ndarray
    drivers: Mapping[str, np.ndarray] = field(default_factory=dict)
    known_ahead: frozenset[str] = frozenset()
    positions: np.ndarray | None = None
    holidays: str = ""
    timezone: str = "UTC"

    def __len__(self) -> int:
        return len(self.times)

    @property
    def steps_in_year(self) -> float:
        """How many steps a year holds."""
        return steps_in_year(self.step)

    @property
    def season(self) -> int:
        """After how many steps a season comes again: a week for steps within the day, else a year."""
        per_year = self.steps_in_year
        return max(1, round(per_year / 365.2425 * 7 if per_year > 366 else per_year))

    def until(self, count: int) -> History:
        """The first `count` steps. Drivers known ahead keep what lies beyond, the others lose it."""
        drivers = {n: d if n in self.known_ahead else d[:, :count] for n, d in self.drivers.items()}
        return replace(self, times=self.times[:count], values=self.values[:, :count], drivers=drivers)

    def ahead(self, horizon: int) -> pd.DatetimeIndex:
        """The steps of the record, and `horizon` more after it."""
        return self.times.append(following(self.times[-1], self.step, horizon))

    def clock(self, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """What the local clock shows: steps of a day and longer are dates already."""
        return local_clock(times, self.timezone) if steps_in_year(self.step) > 366 else times


def history_of(
    panel: pd.DataFrame,
    target: str | None = None,
    *,
    drivers: Mapping[str, pd.DataFrame] | None = None,
    known_ahead: frozenset[str] = frozenset(),
    positions: pd.DataFrame | None = None,
    holidays: str = "",
    timezone: str = "UTC",
) -> History:
    """A panel as a history.

    Parameters
    ----------
    panel : `location_id`, `time` (UTC) and the target; rows in any order, absent rows are missing values.
    target : the column to forecast; may be left out where the panel has one value column.
    drivers : by name, a panel of `location_id`, `time` and one value column on the same step. Where no place of the
        target is in it and it has one place only, this one speaks for all.
    known_ahead, holidays, timezone : as in `History`.
    positions : by `location_id`, `x` and `y` in metres.

    Raises
    ------
    BrokenData
        Where the panel breaks its contract, or its times keep no step.
    AlmanacError
        Where there is no value at all.
    """
    target = _target(panel, target)
    # Forecasts of an impossible sign are refused by their limits, not by their history: every column may be signed.
    record = read(panel, target, minimum=_NOTHING, signed=(target,), steady=(target,))
    values = record.columns[target]
    if not np.isfinite(values).any():
        raise AlmanacError(
            "{column} holds no value at any of its {n} places, and a forecast needs values.",
            hint="Choose another series, or another column of the file.",
            column=target,
            n=len(record.places),
        )
    step, times, values = _regular(record.step, record.times, values)
    history = History(target, record.places, times, step, values, holidays=holidays, timezone=timezone)
    if positions is not None:
        found = positions.reindex(record.places)[["x", "y"]].to_numpy(float)
        history = replace(history, positions=found)
    if drivers:
        read_drivers = {name: _driver(name, table, history) for name, table in drivers.items()}
        unknown = set(known_ahead) - set(drivers)
        if unknown:
            raise UnknownName(
                "“{name}” is said to be known ahead, but is not among the drivers.",
                hint="Choose among: {known}.",
                name=min(unknown),
                known=tuple(drivers),
            )
        history = replace(history, drivers=read_drivers, known_ahead=known_ahead)
    return history


def steps_in_year(step: str) -> float:
    """How many steps of this kind a year holds."""
    if step in STEPS_IN_YEAR:
        return STEPS_IN_YEAR[step]
    return YEAR / (int(step.split()[0]) * _DAY)


def following(last: pd.Timestamp, step: str, count: int) -> pd.DatetimeIndex:
    """The `count` steps after a moment."""
    start = pd.Timestamp(last)
    if step in ("1 month", "1 year"):
        unit = "M" if step == "1 month" else "Y"
        first = start.to_datetime64().astype(f"datetime64[{unit}]").astype(np.int64)
        ahead = np.arange(first + 1, first + 1 + count).astype(f"datetime64[{unit}]")
        return pd.DatetimeIndex(ahead.astype("datetime64[us]"))
    width = round(YEAR / steps_in_year(step))
    moments = start.to_datetime64().astype("datetime64[us]").astype(np.int64) + width * np.arange(1, count + 1)
    return pd.DatetimeIndex(moments.view("datetime64[us]"))


def _target(panel: pd.DataFrame, target: str | None) -> str:
    if target is not None:
        return target
    columns = value_columns(panel)
    if len(columns) == 1:
        return columns[0]
    raise BrokenData(
        "The table has {n} value columns, and it is not said which to forecast.",
        hint="Name one of them as target: {columns}.",
        n=len(columns),
        columns=tuple(columns[:8]),
    )


def _regular(step: str, times: pd.DatetimeIndex, values: np.ndarray) -> tuple[str, pd.DatetimeIndex, np.ndarray]:
    """Days that come every twelfth day make a step of 12 days: the longest on which all values lie."""
    if step == "irregular":
        raise BrokenData(
            "The values come at irregular moments within the day, and a forecast needs a regular step.",
            hint="Bring them to steps of 5 or 15 minutes, an hour or a day first; absent steps may stay absent.",
        )
    if step != "1 day":
        return step, times, values
    filled = np.flatnonzero(np.isfinite(values).any(axis=0))
    width = int(np.gcd.reduce(filled - filled[0])) if len(filled) > 1 else 1
    if width > 1:
        step, times, values = f"{width} days", times[filled[0] :: width], values[:, filled[0] :: width]
    if len(filled) < (1 - _EMPTIEST) * len(times):
        raise BrokenData(
            "Only {n} of {count} days have a value, and a forecast needs a regular step.",
            hint="Bring the values to steps of a month or a year first.",
            n=len(filled),
            count=len(times),
        )
    return step, times, values


def _driver(name: str, table: pd.DataFrame, history: History) -> np.ndarray:
    """A driver on the grid of the history, as far ahead as it is known."""
    column = _target(table, None)
    record = read(table, column, minimum=_NOTHING, signed=(column,), steady=(column,))
    values, times = record.columns[column], record.times
    first, last = history.times[0], max(history.times[-1], times[-1] if len(times) else history.times[-1])
    beyond = 0
    if last > history.times[-1]:
        width = (history.times[-1] - history.times[0]) / max(len(history) - 1, 1)
        beyond = int((last - history.times[-1]) / width) if width > pd.Timedelta(0) else 0
    steps = history.ahead(beyond)
    where = steps.get_indexer(times)
    inside = where >= 0
    if not inside.any():
        raise BrokenData(
            "The driver {name} has no value on any step of {target}, which runs from {first} by {step}.",
            hint="Bring it to the same step and the same years.",
            name=name,
            target=history.target,
            first=first.date(),
            step=history.step,
        )
    rows = record.places.get_indexer(history.places)
    if (rows < 0).all() and len(record.places) == 1:
        rows = np.zeros(len(history.places), dtype=int)
    elif (rows < 0).any():
        near = nearest(str(history.places[rows < 0][0]), list(record.places))
        raise BrokenData(
            "The driver {name} is absent at {n} of {all} places, the first {place}.",
            hint="Give it for every place (did you mean “{near}”?), or once for all of them."
            if near
            else "Give it for every place, or once for all of them.",
            name=name,
            n=int((rows < 0).sum()),
            all=len(rows),
            place=history.places[rows < 0][0],
            near=near,
        )
    found = np.full((len(record.places), len(steps)), np.nan)
    found[:, where[inside]] = values[:, inside]
    return found[rows]
