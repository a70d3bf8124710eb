"""A catchment in few numbers: snow, soil and two stores underground, fitted to many places at once.

The structure is that of HBV (Bergström 1976, Lindström et al. 1997). All amounts are multiples of what falls on a
usual step, so that neither the unit of the weather nor that of the flow matters. Fitted by differential evolution
(Storn and Price 1997, in the form "current to one of the best" of Zhang and Sanderson 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.stores import Weather

# Least and most of each number, and whether it is searched by its logarithm.
RANGES: dict[str, tuple[float, float, bool]] = {
    "threshold": (-2.0, 3.5, False),  # degrees: colder falls as snow, warmer melts
    "melt": (0.2, 4.0, True),  # per degree and step
    "capacity": (8.0, 400.0, True),  # of the soil
    "exponent": (0.5, 6.0, True),  # share of water that a soil lets pass is fullness to this power
    "thirst": (0.3, 4.0, True),  # what could evaporate on a usual step
    "dry": (0.3, 1.0, False),  # fullness of soil below which less evaporates
    "brim": (0.5, 60.0, True),  # of the upper store, above which it spills
    "spill": (0.05, 0.9, True),  # share of what is above the brim that leaves in a step
    "upper": (0.01, 0.6, True),  # share of the upper store that leaves in a step
    "sinks": (0.005, 3.0, True),  # most that sinks from the upper to the lower store in a step
    "lower": (0.0005, 0.1, True),  # share of the lower store that leaves in a step
    "way": (0.01, 0.8, False),  # of a step's flow, the share still on its way at its end
}
_LOW, _HIGH = (np.array([r[i] for r in RANGES.values()]) for i in (0, 1))
_LOG = np.array([r[2] for r in RANGES.values()])


@dataclass(frozen=True, eq=False)
class States:
    """What a catchment gives and holds after each step: steps × groups × places, float32."""

    flow: np.ndarray
    snow: np.ndarray
    soil: np.ndarray
    upper: np.ndarray
    lower: np.ndarray


def numbers_of(unit: np.ndarray) -> dict[str, np.ndarray]:
    """The numbers of RANGES for positions between 0 and 1: … × places × 12."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.where(_LOG, np.log(_LOW), _LOW), np.where(_LOG, np.log(_HIGH), _HIGH)
    inside = low + unit * (high - low)
    values = np.where(_LOG, np.exp(np.where(_LOG, inside, 0)), inside).astype(np.float32)
    return {name: np.ascontiguousarray(values[..., i]) for i, name in enumerate(RANGES)}


def run(weather: Weather, unit: np.ndarray, told: Callable[[int, np.ndarray, dict[str, np.ndarray]], None]) -> None:
    """Lets sets of numbers, sets × places × 12, run through a weather; `told` receives each step's flow and stores."""
    n = numbers_of(unit)
    rain, warmth, thirst = (
        np.ascontiguousarray(a.T.astype(np.float32)) for a in (weather.rain, weather.temperature, weather.evaporation)
    )
    shape = unit.shape[:-1]
    pack, upper, way = (np.zeros(shape, np.float32) for _ in range(3))
    soil = 0.5 * n["capacity"]
    # As full as it would be at rest with a third of what usually falls, so that the start is soon forgotten.
    lower = np.minimum(0.3 / n["lower"], 0.5 * n["sinks"] / n["lower"])
    stores = {"snow": pack, "soil": soil, "upper": upper, "lower": lower}
    thirsty = n["thirst"] / (n["dry"] * n["capacity"])
    room = 1 / n["capacity"]
    a, b, c = (np.empty(shape, np.float32) for _ in range(3))
    for step in range(len(rain)):
        falls = rain[step]
        np.subtract(warmth[step], n["threshold"], out=a)
        np.multiply(a, -0.5, out=b)
        b += np.float32(0.5)
        np.clip(b, 0, 1, out=b)
        b *= falls
        pack += b
        np.subtract(falls, b, out=b)
        np.maximum(a, 0, out=a)
        a *= n["melt"]
        np.minimum(a, pack, out=a)
        pack -= a
        b += a
        # b: water at the ground; a: what passes the soil
        np.multiply(soil, room, out=a)
        np.log(a, out=a)
        a *= n["exponent"]
        np.exp(a, out=a)
        a *= b
        soil += b
        soil -= a
        np.subtract(soil, n["capacity"], out=c)
        np.maximum(c, 0, out=c)
        a += c
        soil -= c
        np.multiply(soil, thirsty, out=c)
        np.minimum(c, n["thirst"], out=c)
        c *= thirst[step]
        np.multiply(soil, np.float32(0.98), out=b)
        np.minimum(c, b, out=c)
        soil -= c
        np.maximum(soil, np.float32(1e-3), out=soil)
        upper += a
        np.subtract(upper, n["brim"], out=a)
        np.maximum(a, 0, out=a)
        a *= n["spill"]
        upper -= a
        np.multiply(upper, n["upper"], out=b)
        upper -= b
        a += b
        np.minimum(upper, n["sinks"], out=b)
        upper -= b
        lower += b
        np.multiply(lower, n["lower"], out=b)
        lower -= b
        a += b
        way += a
        np.multiply(way, n["way"], out=b)
        np.subtract(way, b, out=a)
        way[...] = b
        told(step, a, stores)


def states(weather: Weather, unit: np.ndarray, scale: np.ndarray) -> States:
    """What groups × sets × places of numbers give and hold at each step, as the mean of the sets of a group.

    Parameters
    ----------
    scale : groups × sets × places, by which the flow of each set is multiplied.
    """
    steps = weather.rain.shape[1]
    shape = (steps, unit.shape[0], unit.shape[2])
    found = {name: np.empty(shape, np.float32) for name in ("flow", "snow", "soil", "upper", "lower")}
    factor = scale.astype(np.float32)

    def keep(step: int, flow: np.ndarray, stores: dict[str, np.ndarray]) -> None:
        np.mean(flow * factor, axis=1, out=found["flow"][step])
        for name, store in stores.items():
            np.mean(store, axis=1, out=found[name][step])

    run(weather, unit, keep)
    return States(**found)


def fit(
    weather: Weather,
    values: np.ndarray,
    counted: np.ndarray,
    *,
    sets: int,
    rounds: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Sets of numbers that explain the flow at each place.

    Parameters
    ----------
    weather : places × steps.
    values : places × steps, the flow; NaN where unknown.
    counted : groups × steps: by group, which steps are fitted to.
    sets : how many sets of numbers are kept in each group; they are fitted together.
    rounds : how often each is tried to be bettered.

    Returns
    -------
    groups × sets × places × 12, and groups × sets × places the scale that gives the flow of each its observed mean.
    """
    groups, places = len(counted), len(values)
    unit = random.random((groups, sets, places, len(RANGES)))
    score, scale = _scored(weather, values, counted, unit)
    for _ in range(rounds):
        best = np.argsort(-score, axis=1)
        few = max(2, sets // 6)
        chosen = best[:, random.integers(0, few, sets)]
        one, other = (random.integers(0, sets, (groups, sets, places)) for _ in range(2))
        f = np.clip(random.normal(0.6, 0.2, (groups, sets, places, 1)), 0.1, 1.0)
        tried = unit + f * (_picked(unit, chosen) - unit) + f * (_picked(unit, one) - _picked(unit, other))
        tried = np.where(random.random(unit.shape) < 0.9, tried, unit)
        # What leaves its range comes back halfway between its old place and the border.
        tried = np.where(tried < 0, unit / 2, np.where(tried > 1, (1 + unit) / 2, tried))
        found, its = _scored(weather, values, counted, tried)
        better = found > score
        unit = np.where(better[..., None], tried, unit)
        score, scale = np.where(better, found, score), np.where(better, its, scale)
    return unit, scale


def _picked(unit: np.ndarray, index: np.ndarray) -> np.ndarray:
    return np.take_along_axis(unit, index[..., None], axis=1)


def _scored(
    weather: Weather, values: np.ndarray, counted: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How well each set explains the flow, mostly by NSE of the roots and the rest by KGE, and its scale.

    Squared errors of the flow itself are made by few floods, and numbers fitted to these did worse in other years.
    """
    seen = np.isfinite(values)
    observed = np.where(seen, values, 0).T.astype(np.float32)
    roots = np.sqrt(np.maximum(observed, 0))
    weight = (seen.T[:, None, :] & counted.T[:, :, None]).astype(np.float32)  # steps × groups × places
    total = {name: np.zeros(unit.shape[:-1]) for name in ("s", "ss", "so", "r", "ro")}

    def add(step: int, flow: np.ndarray, stores: dict[str, np.ndarray]) -> None:
        w = weight[step][:, None, :]
        weighted = flow * w
        total["s"] += weighted
        total["so"] += weighted * observed[step]
        weighted *= flow
        total["ss"] += weighted
        root = np.sqrt(flow)
        root *= w
        total["r"] += root
        total["ro"] += root * roots[step]

    run(weather, unit, add)
    w = weight.astype(float)
    count, o, oo, r = (
        np.einsum("sgp,sp->gp", w, a)[:, None, :] for a in (np.ones_like(observed), observed, observed**2.0, roots)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = o / total["s"]
        var_o = oo / count - (o / count) ** 2
        var_s = scale**2 * (total["ss"] / count - (total["s"] / count) ** 2)
        cov = scale * (total["so"] / count - total["s"] * o / count**2)
        kge = 1 - np.hypot(cov / np.sqrt(var_s * var_o) - 1, np.sqrt(var_s / var_o) - 1)
        var_r = o / count - (r / count) ** 2
        squares = (scale * total["s"] - 2 * np.sqrt(scale) * total["ro"] + o) / count
        found = 0.3 * kge + 0.7 * (1 - squares / var_r)
    return np.where(np.isfinite(found), found, -1e9), np.where(np.isfinite(scale), scale, 0.0)
