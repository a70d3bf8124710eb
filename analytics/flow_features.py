"""What a catchment has in store at each step: flow gone by, rain, snow, soil and season, of a whole panel at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter

from analytics.forecasters.baseline import last_index, last_seen
from analytics.history import History
from analytics.stores import Drivers, snow, soil

# Degree-day factors of a slow and a quick snow pack, and capacities of a thin and a deep soil, in usual daily rains.
_MELT = (0.7, 1.7)
_CAPACITY = (20.0, 67.0)
# What evaporates on a usual day where the drivers do not tell, in usual daily rains.
_THIRST = 1.0
_LITTLE = 0.01


@dataclass(frozen=True, eq=False)
class Catchments:
    """What was learnt of each place before any model: its scale, its habits and its drivers' scales.

    floor : places, what values are counted from: 0, or below it the lowest value where flows reverse
    mean, spread : places, of the values above the floor
    habits : places × facts, from the steps learnt from
    thirst : places, the usual evaporation as a multiple of the usual rain
    leads : between which drivers known ahead are averaged
    """

    floor: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    habits: np.ndarray
    drivers: Drivers
    thirst: np.ndarray
    leads: tuple[int, ...]

    def of(self, some: slice) -> Catchments:
        """Some of the places."""
        drivers = Drivers()
        drivers.roles_ = self.drivers.roles_
        for name in ("means_", "spreads_", "normals_"):
            setattr(drivers, name, {key: values[some] for key, values in getattr(self.drivers, name).items()})
        own = (self.floor[some], self.mean[some], self.spread[some], self.habits[some])
        return Catchments(*own, drivers, self.thirst[some], self.leads)

    def scaled(self, history: History, some: slice) -> np.ndarray:
        """places × steps: the flow in units of its mean."""
        return (history.values[some] - self.floor[some, None]) / self.mean[some, None]

    def features(self, history: History, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """What is known at each step.

        Returns
        -------
        places × steps × features (float32, missing is NaN), and by feature whether its tail is long.
        """
        flow = self.scaled(history, some)
        own, part = self.of(some), places_of(history, some)
        columns: list[tuple[np.ndarray, bool]] = []
        columns += _of_flow(flow)
        columns += [(c, True) for c in own._of_weather(part)]
        columns += [(c, False) for c in own._of_others(part)]
        turn = 2 * np.pi * (history.times.day_of_year.to_numpy() - 1) / 365.25
        columns += [(np.broadcast_to(f(turn), flow.shape), False) for f in (np.sin, np.cos)]
        habits = self.habits[some]
        columns += [(np.broadcast_to(habits[:, j, None], flow.shape), False) for j in range(habits.shape[1])]
        found = np.empty((*flow.shape, len(columns)), dtype=np.float32)
        for j, (column, _) in enumerate(columns):
            found[:, :, j] = column
        return found, np.array([long for _, long in columns])

    def _of_weather(self, past: History) -> list[np.ndarray]:
        """Rain, warmth and evaporation, and the snow and soil that they fill; nothing where no rain is told."""
        drivers = self.drivers
        if "rain" not in drivers.roles_.values():
            return []
        weather = drivers.weather({name: drivers.complete(past, name, len(past)) for name in past.drivers})
        rain, warmth = weather.rain, weather.temperature
        loss = weather.evaporation * self.thirst[:, None]
        columns = [lagged(rain, k) for k in range(6)] + [fading(rain, h) for h in (1, 2, 5, 10, 30, 90, 365)]
        columns += [lagged(warmth, k) for k in range(3)] + [fading(warmth, h) for h in (3, 10, 30)]
        columns += [fading(loss, h) for h in (5, 30, 90)] + [fading(rain - loss, h) for h in (30, 90)]
        packs, waters = snow(rain, warmth, melt=np.array(_MELT)[:, None])
        fullness, runoff = soil(waters[:, None], loss, capacity=np.array(_CAPACITY)[:, None])
        for pack, water in zip(packs, waters, strict=True):
            columns += [pack, *(lagged(water, k) for k in range(3)), fading(water, 3)]
        for full, runs in zip(fullness.reshape(-1, *rain.shape), runoff.reshape(-1, *rain.shape), strict=True):
            columns += [full, runs, lagged(runs, 1), *(fading(runs, h) for h in (1, 3, 10, 40))]
        return columns

    def _of_others(self, history: History) -> list[np.ndarray]:
        """Drivers of no known role by their lags; of those known ahead what comes between the leads."""
        steps, columns = len(history), []
        for name, role in self.drivers.roles_.items():
            spread = self.drivers.spreads_[name]
            whole = history.drivers[name] - self.drivers.means_[name][:, None]
            whole = whole / np.where(spread > 0, spread, 1.0)[:, None]
            if role == "other":
                columns += [lagged(whole[:, :steps], k) for k in range(3)]
                columns += [fading(whole[:, :steps], h) for h in (3, 10, 30)]
            if name in history.known_ahead:
                short = max(0, steps + self.leads[-1] - whole.shape[1])
                wide = np.pad(whole, ((0, 0), (0, short)), constant_values=np.nan)
                total = np.cumsum(np.pad(np.nan_to_num(wide), ((0, 0), (1, 0))), axis=1)
                for first, last in zip((0, *self.leads), self.leads, strict=False):
                    between = total[:, 1 + last : 1 + last + steps] - total[:, 1 + first : 1 + first + steps]
                    columns.append(between / (last - first))
        return columns


def learn_catchments(history: History, leads: Sequence[int]) -> Catchments:
    """Learns scales and habits of each place from a history."""
    values = history.values
    seen = np.isfinite(values)
    floor = np.minimum(0.0, np.where(seen, values, np.inf).min(axis=1))
    above = values - floor[:, None]
    mean, spread = _moments(above)
    mean = np.where(mean > 0, mean, 1.0)
    flow = above / mean[:, None]
    change = np.abs(np.diff(flow, axis=1))
    habits = [np.log(mean), spread / mean, _moments(change)[0], _moments(_lowest(last_seen(flow), 15))[0]]
    drivers = Drivers().learn(history)
    told = {role: drivers.means_[name] for name, role in drivers.roles_.items()}
    thirst = np.full(len(values), _THIRST)
    if "rain" in told:
        wet = np.where(told["rain"] > 0, told["rain"], 1.0)
        habits += [wet, mean / wet]
        if "evaporation" in told:
            thirst = np.clip(told["evaporation"] / wet, 0.1, 10)
            habits.append(thirst)
        if "temperature" in told:
            habits.append(told["temperature"])
    return Catchments(floor, mean, spread, np.column_stack(habits), drivers, thirst, tuple(leads))


def places_of(history: History, some: slice) -> History:
    """The history of some of its places."""
    drivers = {name: values[some] for name, values in history.drivers.items()}
    return replace(history, places=history.places[some], values=history.values[some], drivers=drivers, positions=None)


def lagged(values: np.ndarray, back: int) -> np.ndarray:
    """places × steps: the value so many steps before; NaN before the first."""
    found = np.full(values.shape, np.nan)
    found[:, back:] = values[:, : values.shape[1] - back]
    return found


def fading(values: np.ndarray, half_life: float) -> np.ndarray:
    """places × steps: the mean of all values so far, of which one counts half as much after each half-life."""
    keep = 0.5 ** (1 / half_life)
    seen = np.isfinite(values)
    total = lfilter([1 - keep], [1, -keep], np.where(seen, values, 0.0), axis=1)
    weight = lfilter([1 - keep], [1, -keep], seen.astype(float), axis=1)
    return np.where(weight > 1e-4, total / np.maximum(weight, 1e-4), np.nan)


def _of_flow(flow: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    known = last_seen(flow)
    log = np.log(np.maximum(known, 0) + _LITTLE)
    columns = [(lagged(known, k), True) for k in range(8)]
    columns += [(log, False), (log - lagged(log, 1), False), (log - lagged(log, 3), False)]
    columns += [(fading(flow, h), True) for h in (2, 5, 10, 30, 90, 365)]
    columns += [(_lowest(known, k), True) for k in (7, 30)] + [(-_lowest(-known, k), True) for k in (7, 30)]
    age = np.arange(flow.shape[1]) - last_index(np.isfinite(flow))
    return [*columns, (np.minimum(age, 30).astype(float), False)]


def _lowest(values: np.ndarray, window: int) -> np.ndarray:
    """places × steps: the lowest of the last values; NaN while the first of them is missing."""
    wide = np.pad(values, ((0, 0), (window - 1, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(wide, window, axis=1).min(axis=2)


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """places each: mean and standard deviation of what is there; 0 where nothing is."""
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(axis=1), 1)
    mean = np.where(seen, values, 0).sum(axis=1) / count
    spread = np.sqrt((np.where(seen, values - mean[:, None], 0) ** 2).sum(axis=1) / count)
    return mean, np.where(spread > 1e-9 * np.abs(mean), spread, 0.0)
