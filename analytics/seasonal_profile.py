"""What is usual at a place at each time of its day or year, learnt so that no day explains itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.history import History
from geodata.errors import AlmanacError

# Values this near in time stand for the same time of the day or year: minutes, and days.
_MINUTES_AROUND = 15
_DAYS_AROUND = 10
# A narrower kind of day counts this many days of the wider kind as its own, until it has days enough.
_BORROWED = 1.0
_SATURDAY, _SUNDAY = 5, 6
# So many values at once stay in the processor's cache.
_AT_ONCE = 500_000


@dataclass(frozen=True, eq=False)
class Calendar:
    """Where each step lies in its cycle: the day for steps within it, else the year.

    phase : which time of the cycle; phases : how many there are
    kind : the weekday, public holidays as Sundays; all 0 where the cycle is a year
    weekday, holiday : of every step, whatever the cycle
    year : the fraction of the year that has passed
    within_day : whether the cycle is the day
    """

    phase: np.ndarray
    phases: int
    kind: np.ndarray
    weekday: np.ndarray
    holiday: np.ndarray
    year: np.ndarray
    within_day: bool
    around: int


def calendar_of(history: History, times: pd.DatetimeIndex) -> Calendar:
    """The calendar of steps of a history by the clock that people live by."""
    clock = history.clock(times)
    weekday = clock.day_of_week.to_numpy()
    holiday = _holidays(clock, history.holidays)
    year = ((clock.day_of_year.to_numpy() - 1) / 365.25).astype(np.float32)
    per_year = history.steps_in_year
    if per_year > 366:
        width = max(1, round(365.2425 * 1440 / per_year))
        phase = (clock.hour * 60 + clock.minute).to_numpy() // width
        phases, around = -(-1440 // width), _MINUTES_AROUND // width
        kind = np.where(holiday, _SUNDAY, weekday)
        return Calendar(phase, phases, kind, weekday, holiday, year, True, around)
    nothing = np.zeros(len(times), dtype=int)
    if history.step == "1 year":
        return Calendar(nothing, 1, nothing, weekday, holiday, year, False, 0)
    if history.step == "1 month":
        return Calendar(clock.month.to_numpy() - 1, 12, nothing, weekday, holiday, year, False, 0)
    width = max(1, round(365.2425 / per_year))
    phase = (clock.day_of_year.to_numpy() - 1) // width
    return Calendar(phase, -(-366 // width), nothing, weekday, holiday, year, False, _DAYS_AROUND // width)


def _holidays(clock: pd.DatetimeIndex, code: str) -> np.ndarray:
    """Which steps fall on a public holiday; none where no country is named."""
    if not code or not len(clock):
        return np.zeros(len(clock), dtype=bool)
    import holidays

    country, _, subdivision = code.partition("-")
    years = range(clock[0].year, clock[-1].year + 1)
    try:
        days = holidays.country_holidays(country, subdiv=subdivision or None, years=years)
    except NotImplementedError as error:
        raise AlmanacError(
            "The public holidays of “{code}” are not known.",
            hint="Name a country as US or a part of it as US-CA, or leave the holidays out.",
            code=code,
        ) from error
    dates = pd.DatetimeIndex(sorted(pd.Timestamp(day) for day in days))
    return np.asarray(clock.normalize().isin(dates))


@dataclass(frozen=True, eq=False)
class Profile:
    """Sums by place, kind of day and phase, of the steps learnt from.

    sums, counts : places × 7 (or 1) × phases, over the phases around
    mean : of each place, where nothing else is known
    learnt : how many steps they hold
    """

    sums: np.ndarray
    counts: np.ndarray
    mean: np.ndarray
    learnt: int

    def at(self, values: np.ndarray, calendar: Calendar, since: int = 0) -> np.ndarray:
        """What is usual at each step, made without the values around that step.

        Parameters
        ----------
        values : places × steps as learnt from, or more; only the steps learnt from are used, to be left out.
        calendar : of at least as many steps.
        since : the first step that is wanted; those before it stay missing.

        Returns
        -------
        places × steps of the calendar, float32.
        """
        wanted = len(calendar.phase)
        if calendar.phases == 1:
            # Where every step is alike, the mean of all others would give away the one left out.
            return np.repeat(self.mean[:, None].astype(np.float32), wanted, axis=1)
        usual = np.empty((len(values), wanted), dtype=np.float32)
        usual[:, :since] = np.nan
        at_once = max(1, _AT_ONCE // max(1, wanted - since))
        for start in range(0, len(values), at_once):
            some = slice(start, start + at_once)
            usual[some, since:] = self._of(some, values[some, : self.learnt], calendar, since)
        return usual

    def _of(self, some: slice, values: np.ndarray, calendar: Calendar, since: int) -> np.ndarray:
        """What is usual at some of the places, from a step on."""
        around = calendar.around
        first = max(0, since - around)
        own, seen = (a[:, since - first :] for a in around_each(values[:, first:], around))
        kind, phase = calendar.kind[since:], calendar.phase[since:]
        steps = min(own.shape[1], len(phase))
        full = 2 * around + 1

        def without(
            sums: np.ndarray, counts: np.ndarray, kind: np.ndarray, wider: np.ndarray, share: float
        ) -> np.ndarray:
            group = kind * calendar.phases + phase
            total, number = (a.reshape(len(a), -1).take(group, axis=1) for a in (sums, counts))
            total[:, :steps] -= own[:, :steps]
            number[:, :steps] -= seen[:, :steps]
            # Rounding may leave a trace of values where none remain.
            np.maximum(number, 0, out=number)
            total += np.float32(share * full) * wider
            number += np.float32(share * full)
            total /= number
            return total

        sums, counts = self.sums[some], self.counts[some]
        every = [a.sum(axis=1, keepdims=True) for a in (sums, counts)]
        nothing = np.zeros(len(phase), dtype=int)
        usual = without(every[0], every[1], nothing, self.mean[some, None].astype(np.float32), 0.1)
        if calendar.within_day:
            work, rest = slice(0, 5), slice(5, 7)
            two = [np.stack([a[:, days].sum(axis=1) for days in (work, rest)], axis=1) for a in (sums, counts)]
            usual = without(two[0], two[1], (kind >= _SATURDAY).astype(int), usual, _BORROWED)
            usual = without(sums, counts, kind, usual, _BORROWED)
        return usual


def learn_profile(values: np.ndarray, calendar: Calendar) -> Profile:
    """The profile of places × steps (float32, missing is NaN)."""
    kinds = 7 if calendar.within_day else 1
    steps = values.shape[1]
    # Smoothed along the record, not around the cycle: what a step adds can then be taken out again exactly.
    filled, seen = around_each(values, calendar.around)
    group = calendar.kind[:steps] * calendar.phases + calendar.phase[:steps]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    shape = (len(values), kinds * calendar.phases)
    sums, counts = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    where = group[order][starts]
    sums[:, where] = np.add.reduceat(filled[:, order], starts, axis=1)
    counts[:, where] = np.add.reduceat(seen[:, order], starts, axis=1)
    number = seen.sum(axis=1)
    mean = filled.sum(axis=1, dtype=np.float64) / np.maximum(number, 1)
    cube = (len(values), kinds, calendar.phases)
    return Profile(sums.reshape(cube), counts.reshape(cube), np.where(number > 0, mean, np.nan), steps)


def around_each(values: np.ndarray, around: int) -> tuple[np.ndarray, np.ndarray]:
    """The sum and number of the values within `around` steps of each step."""
    seen = np.isfinite(values).astype(np.float32)
    filled = np.where(seen > 0, values, np.float32(0)).astype(np.float32)
    if around == 0:
        return filled, seen
    return _window(filled, around), _window(seen, around)


def _window(values: np.ndarray, around: int) -> np.ndarray:
    """Moving sums, zeros beyond both ends."""
    total = values.copy()
    for shift in range(1, min(around, values.shape[1] - 1) + 1):
        total[:, shift:] += values[:, :-shift]
        total[:, :-shift] += values[:, shift:]
    return total
