"""How likely it is, at one place and each step ahead, that a threshold is passed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from analytics.exceedance import Exceedance, exceedance, return_levels, verified
from analytics.outlook import SHOWN, Outlook
from analytics.scores import event_thresholds

# Passed by one value of twenty, or once in so many years on average, before the first forecast was tried.
RETURN_YEARS = {"two_years": 2.0, "ten_years": 10.0}
RARE = "rare"
# With fewer values none of them is one of twenty.
FEWEST_VALUES = 20


@dataclass(frozen=True, eq=False)
class Chances:
    """The chances of passing a threshold.

    table : `time` (UTC), `lead` and `probability`, 0 to 1; NaN where too few errors are known
    skill : by how much such chances, told in the past at all places, were better than always telling the usual share
        (1 is perfect, 0 no better); NaN where that cannot be said
    passed : how often the threshold was passed in the forecasts that were tried, over all places
    """

    table: pd.DataFrame
    skill: float
    passed: int


def thresholds_at(found: Outlook, place: str) -> dict[str, float]:
    """The thresholds that make sense at a place, by kind."""
    return {kind: float(levels[place]) for kind, levels in _levels(found).items() if np.isfinite(levels[place])}


def chances_at(found: Outlook, place: str, kind: str) -> Chances:
    """The chances that a threshold of this kind is passed at a place after the end of the record."""
    judged = _judged(found, kind)
    row = found.history.places.get_loc(place)
    chances = np.full(found.horizon, np.nan) if judged.fresh is None else judged.fresh[row]
    times = found.table.loc[found.table["location_id"] == place, "time"].reset_index(drop=True)
    scores = verified(judged)
    weight = scores["n"].to_numpy(float)
    usual = float((scores["brier_usual"] * weight).sum())
    skill = 1 - float((scores["brier"] * weight).sum()) / usual if usual > 0 else np.nan
    table = pd.DataFrame({"time": times, "lead": np.arange(1, found.horizon + 1), "probability": chances})
    return Chances(table, skill, int(np.nansum(judged.happened)))


def rare_levels(found: Outlook) -> pd.Series:
    """By place, what one value of twenty passed before the first forecast was tried; NaN where fewer were known."""
    learnt = found.backtested.plan.learnt
    values = np.isfinite(found.history.values[:, :learnt]).sum(axis=1)
    return event_thresholds(found.history, learnt).where(values >= FEWEST_VALUES)


@lru_cache(maxsize=16)
def _judged(found: Outlook, kind: str) -> Exceedance:
    """The chances at all places: a page asks for one place after the other."""
    fresh = found.table["mean"].to_numpy(float).reshape(len(found.history.places), found.horizon)
    return exceedance(found.backtested, SHOWN, _levels(found)[kind], fresh=fresh)


@lru_cache(maxsize=16)
def _levels(found: Outlook) -> dict[str, pd.Series]:
    learnt = found.backtested.plan.learnt
    levels = {RARE: rare_levels(found)}
    if found.history.steps_in_year > 12:
        levels |= {kind: return_levels(found.history, learnt, years) for kind, years in RETURN_YEARS.items()}
    return levels
