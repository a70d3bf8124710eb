"""Weather held back: rain as snow, in the soil and underground, for all places at once.

All stores are causal: what they hold at a step depends on that step and earlier ones only. Arrays end in the axis of
steps; a parameter is a number or an array that broadcasts against the axes before it, so that a first axis can hold
many settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from analytics.history import History

Role = Literal["rain", "temperature", "evaporation", "other"]
HALF_LIVES = (2, 5, 10, 20, 40, 80, 160, 320, 640)

_STEMS: dict[Role, tuple[str, ...]] = {
    "rain": ("p", "pr", "rr", "prec", "prcp", "precip", "precipitation", "rain", "rainfall"),
    "temperature": ("t", "temp", "temperature", "tavg", "tmean", "tmin", "tmax", "tas", "tair"),
    "evaporation": ("pet", "et", "et0", "eto", "evap", "evaporation", "evapotranspiration"),
}
# Above such a mean a temperature is in kelvin.
_KELVIN = 150.0
# What is usual at a time of the year is known after so many years.
_LEAST_YEARS = 1.0
# Where nothing tells the temperature, no snow falls.
_WARM = 15.0


def role_of(name: str) -> Role:
    """What a driver is, by its name: `p_mm`, `t_c`, `pet_mm`, `region_rain.precipitation_mm`.

    The first word of the column decides that is the name of a role, then those of the dataset before the point.
    """
    for part in reversed(name.lower().split(".")):
        for word in re.split(r"[^a-z0-9]+", part):
            for role, stems in _STEMS.items():
                if word in stems:
                    return role
    return "other"


@dataclass(frozen=True, eq=False)
class Weather:
    """What the drivers tell, complete and without units: places × steps each.

    rain : as a multiple of its usual mean, so that 1 is what falls on a usual step
    temperature : degrees Celsius; where it is not known, too warm for snow
    evaporation : what could evaporate, as a multiple of its usual mean
    others : by name, in usual spreads above the usual mean
    """

    rain: np.ndarray
    temperature: np.ndarray
    evaporation: np.ndarray
    others: dict[str, np.ndarray]

    def last(self, steps: int) -> Weather:
        """Only the last so many steps."""
        return self._of((slice(None), slice(-steps, None)))

    def rows(self, rows: slice) -> Weather:
        """Only some of the places."""
        return self._of((rows, slice(None)))

    def _of(self, part: tuple[slice, slice]) -> Weather:
        others = {name: values[part] for name, values in self.others.items()}
        return Weather(self.rain[part], self.temperature[part], self.evaporation[part], others)


class Drivers:
    """The drivers of a history: what each is, what is usual at each time of the year, and their means and spreads.

    They are learnt from one history and read from others of the same places. A missing value is taken as usual.
    """

    def learn(self, history: History) -> Self:
        """Learns from the steps of the record, not from drivers beyond it."""
        count = len(history)
        self.roles_ = {name: role_of(name) for name in history.drivers}
        self.normals_: dict[str, np.ndarray] = {}
        self.means_: dict[str, np.ndarray] = {}
        self.spreads_: dict[str, np.ndarray] = {}
        for name, values in history.drivers.items():
            seen = np.isfinite(values[:, :count])
            number = np.maximum(seen.sum(axis=1), 1)
            mean = np.where(seen, values[:, :count], 0).sum(axis=1) / number
            away = np.where(seen, values[:, :count] - mean[:, None], 0)
            self.means_[name] = mean
            self.spreads_[name] = np.sqrt((away**2).sum(axis=1) / number)
            self.normals_[name] = _seasons(away, seen, history.times)
        return self

    def usual(self, name: str, times: pd.DatetimeIndex) -> np.ndarray:
        """places × steps: what is usual of a driver at these times of the year."""
        return self.means_[name][:, None] + self.normals_[name] @ _waves(times)

    def complete(self, history: History, name: str, steps: int) -> np.ndarray:
        """places × steps: a driver from the first step of the record on, the usual where it is not known."""
        times = history.ahead(max(steps - len(history), 0))[:steps]
        found = self.usual(name, times)
        values = history.drivers[name][:, :steps]
        found[:, : values.shape[1]] = np.where(np.isfinite(values), values, found[:, : values.shape[1]])
        return found

    def weather(self, complete: dict[str, np.ndarray]) -> Weather:
        """What complete drivers, by name places × steps, tell as weather."""
        shape = next(iter(complete.values())).shape
        rain = self._sum(complete, "rain")
        temperature = self._mean(complete, "temperature")
        evaporation = self._sum(complete, "evaporation")
        if evaporation is None:
            # After Oudin et al. 2005: what can evaporate grows with the degrees above -5.
            evaporation = np.ones(shape) if temperature is None else np.maximum(temperature + 5, 0) / 15
        others = {
            name: (values - self.means_[name][:, None]) / _divisor(self.spreads_[name])[:, None]
            for name, values in complete.items()
            if self.roles_[name] == "other"
        }
        return Weather(
            np.ones(shape) if rain is None else rain,
            np.full(shape, _WARM) if temperature is None else temperature,
            evaporation,
            others,
        )

    def _sum(self, complete: dict[str, np.ndarray], role: Role) -> np.ndarray | None:
        names = [name for name in complete if self.roles_[name] == role]
        if not names:
            return None
        usual = sum(self.means_[name] for name in names)
        total = sum(np.maximum(complete[name], 0) for name in names)
        return np.asarray(total / _divisor(np.asarray(usual))[:, None])

    def _mean(self, complete: dict[str, np.ndarray], role: Role) -> np.ndarray | None:
        names = [name for name in complete if self.roles_[name] == role]
        if not names:
            return None
        kelvin = {name: np.where(self.means_[name] > _KELVIN, 273.15, 0.0)[:, None] for name in names}
        return np.mean([complete[name] - kelvin[name] for name in names], axis=0)


def snow(
    rain: np.ndarray,
    temperature: np.ndarray,
    *,
    threshold: float | np.ndarray = 0.0,
    melt: float | np.ndarray = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """The degree-day method: what lies as snow after each step, and what reaches the ground as water.

    Parameters
    ----------
    rain : all that falls.
    temperature : degrees Celsius.
    threshold : at which half falls as snow (all of it one degree below, nothing one degree above) and above which
        snow melts.
    melt : in the unit of `rain`, per step and degree.

    References
    ----------
    Bergström, S. (1976): Development and application of a conceptual runoff model for Scandinavian catchments. SMHI.
    """
    steps = rain.shape[-1]
    shape = np.broadcast_shapes(rain.shape[:-1], np.shape(threshold), np.shape(melt))
    falls, warmth = _steps_first(rain), _steps_first(temperature)
    pack = np.zeros(shape)
    packs, waters = np.empty((steps, *shape)), np.empty((steps, *shape))
    for step in range(steps):
        above = warmth[step] - threshold
        frozen = falls[step] * np.clip(0.5 - 0.5 * above, 0, 1)
        pack = pack + frozen
        melted = np.minimum(pack, melt * np.maximum(above, 0))
        pack = pack - melted
        packs[step], waters[step] = pack, falls[step] - frozen + melted
    return np.moveaxis(packs, 0, -1), np.moveaxis(waters, 0, -1)


def soil(
    water: np.ndarray,
    evaporation: np.ndarray,
    *,
    capacity: float | np.ndarray,
    exponent: float | np.ndarray = 2.0,
) -> tuple[np.ndarray, np.ndarray]:
    """A bucket of soil: how full it is after each step (0 to 1), and what runs off or sinks through (recharge).

    Parameters
    ----------
    water : what reaches the ground.
    evaporation : what could evaporate; from a drier soil less does, in proportion to how full it is.
    capacity : of the bucket, in the unit of `water`.
    exponent : how much drier soil lets less through: the share that passes is fullness to this power.
    """
    steps = water.shape[-1]
    shape = np.broadcast_shapes(water.shape[:-1], evaporation.shape[:-1], np.shape(capacity), np.shape(exponent))
    arrives, thirst = _steps_first(water), _steps_first(evaporation)
    held = 0.5 * np.broadcast_to(capacity, shape).astype(float)
    fullness, recharge = np.empty((steps, *shape)), np.empty((steps, *shape))
    for step in range(steps):
        passed = arrives[step] * (held / capacity) ** exponent
        held = held + arrives[step] - passed
        over = np.maximum(held - capacity, 0)
        held = held - over
        held = held - np.minimum(held, thirst[step] * held / capacity)
        fullness[step], recharge[step] = held / capacity, passed + over
    return np.moveaxis(fullness, 0, -1), np.moveaxis(recharge, 0, -1)


def weighted_means(values: np.ndarray, half_lives: Iterable[float], start: np.ndarray) -> np.ndarray:
    """half-lives × … × steps: means of all that came, weighted less the longer ago: the response of linear stores.

    Parameters
    ----------
    values : … × steps, complete.
    half_lives : in steps, after which a weight is half.
    start : …, what is taken for all the time before the first step.
    """
    decays = [0.5 ** (1 / life) for life in half_lives]
    found = np.empty((len(decays), *values.shape))
    for row, decay in enumerate(decays):
        found[row] = lfilter([1 - decay], [1, -decay], values, axis=-1, zi=decay * start[..., None])[0]
    return found


def usable_half_lives(history: History, half_lives: Sequence[int] = HALF_LIVES) -> tuple[int, ...]:
    """Those which the record is long enough to tell apart from a constant."""
    return tuple(life for life in half_lives if life <= len(history) / 6) or tuple(half_lives[:1])


def _seasons(away: np.ndarray, seen: np.ndarray, times: pd.DatetimeIndex) -> np.ndarray:
    """places × waves: the usual course of the year about the mean, by least squares; none where a year is not seen."""
    waves = _waves(times)
    gram = np.einsum("ij,kj,lj->ikl", seen.astype(float), waves, waves, optimize=True)
    # A ridge worth a few steps keeps a sparse record from swinging between its values.
    found = np.linalg.solve(gram + 3 * np.eye(len(waves)), (away @ waves.T)[:, :, None])[:, :, 0]
    years = (times[-1] - times[0]) / pd.Timedelta(days=365.2425)
    return found if years >= _LEAST_YEARS else np.zeros_like(found)


def _waves(times: pd.DatetimeIndex) -> np.ndarray:
    """waves × steps: three yearly waves and their quarter turns."""
    turn = 2 * np.pi * ((times - pd.Timestamp("2000-01-01")) / pd.Timedelta(days=365.2425)).to_numpy(float)
    return np.stack([wave(number * turn) for number in (1, 2, 3) for wave in (np.sin, np.cos)])


def _steps_first(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(values, -1, 0))


def _divisor(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1.0)
