"""What is known at the moment of a forecast, of a whole panel at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.history import History
from analytics.linear_panel import LinearPanel, learn_linear_panel
from analytics.neighbours_of import leading_places
from analytics.seasonal_profile import Calendar, Profile, calendar_of, learn_profile

LAGS = (1, 2, 3, 4, 5, 6, 8, 11)
WINDOWS = (3, 6, 12, 24, 48, 96)
NEIGHBOURS = 10
# Neighbours' changes are taken over so many steps.
_SPAN = 3
# How far back what is usual is looked up.
_USUAL_BACK = 12
# Seasons gone by that are averaged.
_SEASONS = 4
_DRIVER_WINDOWS = (3, 7, 30)
# Neighbours are chosen fold by fold where the record has few days (or years); in a long one the choice is settled.
_FOLDS, _FEW_BLOCKS = 6, 30
# What comes again each week or year has to be seen so often before it is worth a feature.
_WEEKS, _YEARS = 3, 1.5


@dataclass(frozen=True, eq=False)
class Known:
    """A history made ready for looking up what was known at any of its steps.

    values, usual : places × steps, and × steps and those after them: the values and the profile, float32
    last : places × steps, the step of the last value at or before; -1 before the first
    linear : steps × places × leads, the change foretold from all places; None where there is no such ridge
    calm : steps, how far all places together are from what is usual at each, in units of their scale
    """

    values: np.ndarray
    usual: np.ndarray
    last: np.ndarray
    calm: np.ndarray
    linear: np.ndarray | None
    calendar: Calendar
    drivers: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Features:
    """What was learnt to make features: profile, scales and neighbours, from the steps learnt from and no others.

    scale : by place, the root mean square of the values' change over the middle of the horizon; 0 where a place has
        never changed
    neighbours : folds × places × count; the last fold is chosen from all steps learnt from, each other without its own
    fold : of each step learnt from. Neighbours chosen from the very steps that a model learns from look better than
        they will prove: in a short record each step looks at those that were chosen without it
    """

    profile: Profile
    scale: np.ndarray
    spread: np.ndarray
    neighbours: np.ndarray
    fold: np.ndarray
    linear: LinearPanel | None
    seasons: tuple[int, ...]
    windows: tuple[int, ...]
    driver_scales: tuple[tuple[str, bool, np.ndarray, np.ndarray], ...]
    horizon: int
    weeks: bool
    years: bool

    def know(self, history: History, since: int = 0) -> Known:
        """Makes a history ready; the same places in the same order as learnt from.

        Moments before the step `since` will not be asked about.
        """
        values = history.values.astype(np.float32)
        calendar = _calendar(history, self.horizon)
        return self._known(history, values, calendar, self.profile.at(values, calendar, max(0, since - _USUAL_BACK)))

    def _known(self, history: History, values: np.ndarray, calendar: Calendar, usual: np.ndarray) -> Known:
        drivers = []
        for name, ahead, mean, spread in self.driver_scales:
            found = history.drivers[name][:, : len(calendar.phase) if ahead else len(history)]
            wide = np.full((len(values), len(calendar.phase)), np.nan, dtype=np.float32)
            wide[:, : found.shape[1]] = (found - mean[:, None]) / spread[:, None]
            drivers.append(wide)
        left = values - usual[:, : values.shape[1]]
        left /= _divisor(self.scale)[:, None].astype(np.float32)
        seen = np.isfinite(left)
        calm = np.sum(left, axis=0, where=seen) / np.maximum(seen.sum(axis=0), 1)
        last = last_step(values)
        linear = None if self.linear is None else self.linear.answers(values, last)
        return Known(values, usual, last, calm.astype(np.float32), linear, calendar, tuple(drivers))

    def base(self, known: Known, place: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """The last value seen at each origin; NaN where there was none."""
        last = known.last[place, origin]
        return np.where(last >= 0, known.values[place, np.maximum(last, 0)], np.float32(np.nan))

    def at_origin(self, known: Known, place: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """rows × features: what does not depend on the lead."""
        values, usual = known.values, known.usual
        scale = _divisor(self.scale)[place].astype(np.float32)
        base = self.base(known, place, origin)
        mean = self.profile.mean[place].astype(np.float32)
        columns = [
            (base - mean) / scale,
            (origin - known.last[place, origin]).astype(np.float32),
            self.spread[place] / scale,
            mean,
            scale,
        ]

        def value(back: int) -> np.ndarray:
            step = origin - back
            return np.where(step >= 0, values[place, np.maximum(step, 0)], np.float32(np.nan))

        def left(back: int) -> np.ndarray:
            return (value(back) - usual[place, np.maximum(origin - back, 0)]) / scale

        columns += [(value(lag) - base) / scale for lag in LAGS]
        deepest = max(self.windows, default=0)
        if deepest:
            block = np.stack([value(back) for back in range(deepest)])
            block -= base
            block /= scale
            seen = np.isfinite(block)
            total = np.cumsum(np.where(seen, block, 0), axis=0)
            squares = np.cumsum(np.where(seen, block, 0) ** 2, axis=0)
            number = np.cumsum(seen, axis=0).astype(np.float32)
            for window in self.windows:
                count = np.where(number[window - 1] > 0, number[window - 1], np.nan)
                average = total[window - 1] / count
                columns.append(average)
                if window in (6, 12, 48):
                    columns.append(np.sqrt(np.maximum(squares[window - 1] / count - average**2, 0)))
        columns += [left(back) for back in (0, 1, 3, 6, _USUAL_BACK)]
        columns += [known.calm[origin], known.calm[origin] - known.calm[np.maximum(origin - _SPAN, 0)]]
        chosen = np.full(len(origin), len(self.neighbours) - 1)
        within = origin < len(self.fold)
        chosen[within] = self.fold[origin[within]]
        for rank in range(self.neighbours.shape[2]):
            near = self.neighbours[chosen, place, rank]
            its = _divisor(self.scale)[near].astype(np.float32)
            now = (values[near, origin] - usual[near, origin]) / its
            before = np.maximum(origin - _SPAN, 0)
            then = (values[near, before] - usual[near, before]) / its
            columns += [now, now - then]
        for driver in known.drivers:
            now = driver[place, origin]
            columns.append(now)
            columns.append(now - driver[place, np.maximum(origin - 1, 0)])
            for window in _DRIVER_WINDOWS:
                columns.append(_mean_of(driver, place, origin, window))
        return np.column_stack(columns).astype(np.float32, copy=False)

    def at_target(
        self, known: Known, place: np.ndarray, origin: np.ndarray, lead: np.ndarray, *, brief: bool = False
    ) -> np.ndarray:
        """rows × features: what is usual, was one season ago or is planned at the step that is forecast.

        Brief leaves out what follows from the leads beside it, for a model that sees all leads of a moment at once.
        """
        values, usual = known.values, known.usual
        scale = _divisor(self.scale)[place].astype(np.float32)
        base = self.base(known, place, origin)
        target = origin + lead
        there = usual[place, target]
        columns = [(there - base) / scale]
        if known.linear is not None:
            columns.append(known.linear[origin, place, lead - 1])
        if not brief:
            columns.append((there - usual[place, origin]) / scale)
            columns.append((usual[place, target + 1] - usual[place, target - 1]) / scale)
        for season in self.seasons:
            back = -(-lead // season) * season
            if brief:
                step = target - back
                past = np.where(step >= 0, values[place, np.maximum(step, 0)], np.float32(np.nan))
                columns.append((past - base) / scale)
                continue
            total, number = np.zeros(len(place), np.float32), np.zeros(len(place), np.float32)
            for number_back in range(_SEASONS):
                step = target - back - number_back * season
                past = np.where(step >= 0, values[place, np.maximum(step, 0)], np.float32(np.nan))
                if number_back == 0:
                    columns.append((past - base) / scale)
                    # How it moved over the same stretch one season ago.
                    started = step - lead
                    began = np.where(started >= 0, values[place, np.maximum(started, 0)], np.float32(np.nan))
                    columns.append((past - began) / scale)
                seen = np.isfinite(past)
                total += np.where(seen, past, 0)
                number += seen
            columns.append((total / np.where(number > 0, number, np.nan) - base) / scale)
        for driver, (_, ahead, _, _) in zip(known.drivers, self.driver_scales, strict=True):
            if ahead:
                columns += [driver[place, target], driver[place, target] - driver[place, origin]]
                columns.append(_mean_of(driver, place, target, 3))
        return np.column_stack([np.asarray(c, dtype=np.float32) for c in columns])

    def date(self, known: Known, step: np.ndarray) -> np.ndarray:
        """rows × features: time of day, weekday and season, as far as the record has seen each come again."""
        calendar = known.calendar
        columns: list[np.ndarray] = []
        if calendar.within_day:
            angle = 2 * np.pi * calendar.phase[step] / calendar.phases
            columns += [calendar.phase[step], np.sin(angle), np.cos(angle)]
        if self.weeks:
            columns += [calendar.weekday[step], calendar.kind[step] >= 5, calendar.holiday[step]]
        if self.years:
            turn = 2 * np.pi * calendar.year[step]
            columns += [np.sin(turn), np.cos(turn)]
        return np.column_stack([np.ones(len(step)), *columns]).astype(np.float32)


def learn_features(history: History, horizon: int, *, neighbours: int = NEIGHBOURS) -> tuple[Features, Known]:
    """Learns profile, scales and neighbours from a history, and makes it ready with them."""
    values = history.values.astype(np.float32)
    steps = values.shape[1]
    calendar = _calendar(history, horizon)
    profile = learn_profile(values, calendar)
    scale, spread = _scales(values, horizon)
    usual = profile.at(values, calendar)
    left = (values - usual[:, :steps]) / _divisor(scale)[:, None].astype(np.float32)
    near, fold = _neighbours(history, np.nan_to_num(left, copy=False), horizon, neighbours)
    del left
    drivers = []
    for name, driver in history.drivers.items():
        past = driver[:, :steps]
        seen = np.isfinite(past)
        count = np.maximum(seen.sum(axis=1), 1)
        mean = np.where(seen, past, 0).sum(axis=1) / count
        deviation = np.sqrt(np.where(seen, (past - mean[:, None]) ** 2, 0).sum(axis=1) / count)
        drivers.append((name, name in history.known_ahead, mean, _divisor(deviation)))
    linear = None
    # What spreads from place to place within hours; slower records have few steps to learn so many weights from.
    if calendar.within_day:
        day = max(1, round(history.steps_in_year / 365.2425))
        linear = learn_linear_panel(values, last_step(values), profile.mean, _divisor(scale), horizon, day)
    windows = tuple(w for w in WINDOWS if w <= steps // 8)
    years = steps / history.steps_in_year
    made = Features(
        profile=profile,
        scale=scale,
        spread=spread,
        neighbours=near,
        fold=fold,
        linear=linear,
        seasons=_seasons(history),
        windows=windows,
        driver_scales=tuple(drivers),
        horizon=horizon,
        weeks=years * 365 >= _WEEKS * 7 and history.steps_in_year > 53,
        years=years >= _YEARS,
    )
    return made, made._known(history, values, calendar, usual)


def _calendar(history: History, horizon: int) -> Calendar:
    # One step more than is forecast, for the slope of what is usual at the last of them.
    return calendar_of(history, history.ahead(horizon + 1))


def _neighbours(history: History, left: np.ndarray, horizon: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours by fold, and the fold of each step."""
    steps = left.shape[1]
    per_year = history.steps_in_year
    block = max(1, round(per_year / 365.2425 if per_year > 366 else per_year))
    blocks = -(-steps // block)
    lead = max(1, horizon // 2)
    every = leading_places(left, lead, count, span=_SPAN, positions=history.positions)[None]
    if not 2 < blocks <= _FEW_BLOCKS:
        return every, np.zeros(steps, dtype=int)
    folds = min(blocks, _FOLDS)
    fold = np.arange(steps) // block % folds
    without = [
        leading_places(left, lead, count, span=_SPAN, positions=history.positions, use=fold != one)
        for one in range(folds)
    ]
    return np.concatenate([np.stack(without), every]), fold


def last_step(values: np.ndarray) -> np.ndarray:
    """places × steps: the step of the last value at or before each step; -1 where there is none yet."""
    index = np.where(np.isfinite(values), np.arange(values.shape[1], dtype=np.int32), np.int32(-1))
    return np.maximum.accumulate(index, axis=1)


def _seasons(history: History) -> tuple[int, ...]:
    """After how many steps things come again, as far as the record has seen them come again."""
    per_year = history.steps_in_year
    day = round(per_year / 365.2425)
    seasons: tuple[int, ...]
    if per_year > 366:
        seasons = (day, 7 * day)
    elif history.step == "1 day":
        seasons = (7, 365)
    else:
        seasons = (round(per_year),)
    return tuple(s for s in seasons if 1 < s < len(history) / 2)


def _scales(values: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """By place, the root mean square of the change over the middle of the horizon, and the standard deviation."""
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    filled = np.where(seen, values, 0)
    mean = filled.sum(axis=1, dtype=np.float64) / np.maximum(count, 1)
    spread = np.sqrt(
        (np.where(seen, values - mean[:, None].astype(np.float32), 0) ** 2).sum(axis=1, dtype=np.float64)
        / np.maximum(count, 1)
    )
    lead = min(max(1, (horizon + 1) // 2), max(1, values.shape[1] - 1))
    change = values[:, lead:] - values[:, :-lead]
    both = np.isfinite(change)
    number = both.sum(axis=1)
    moved = np.sqrt(np.where(both, change**2, 0).sum(axis=1, dtype=np.float64) / np.maximum(number, 1))
    # Few pairs say little of the change; the spread is then the better guess of it.
    scale = np.where((number >= 10) & (moved > 0), moved, spread)
    scale = np.where(spread > 1e-7 * np.abs(mean), scale, 0.0)
    return scale, spread.astype(np.float32)


def _divisor(scale: np.ndarray) -> np.ndarray:
    """A scale that may be divided by."""
    return np.where(scale > 0, scale, 1.0)


def _mean_of(driver: np.ndarray, place: np.ndarray, step: np.ndarray, window: int) -> np.ndarray:
    """The mean of the last values up to and with a step."""
    total, number = np.zeros(len(place), np.float32), np.zeros(len(place), np.float32)
    for back in range(window):
        at = step - back
        found = np.where(at >= 0, driver[place, np.maximum(at, 0)], np.float32(np.nan))
        seen = np.isfinite(found)
        total += np.where(seen, found, 0)
        number += seen
    return np.where(number > 0, total / np.where(number > 0, number, 1), np.float32(np.nan))
