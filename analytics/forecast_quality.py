"""What a critic asks of forecasts: how far off, against which guess, when, where, and whether the limits held."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from analytics.backtesting import Backtested
from analytics.chances import rare_levels
from analytics.outlook import SHOWN, Outlook, sees_ahead_of
from analytics.record import ratio
from analytics.scores import mae, naive_scale
from analytics.scoring import score, scores_of

# A page is drawn anew at every choice: its tables are kept, and shared, so never change one in place.
_KEPT = 16


@lru_cache(maxsize=_KEPT)
def errors_by_lead(found: Outlook, *, models: bool = True) -> pd.DataFrame:
    """The mean over the places of each forecaster's mean absolute error: `model`, `lead`, `mae`.

    Only forecasts that every forecaster made are compared, so that none looks good by staying silent.

    Parameters
    ----------
    models : whether the models are compared too; without them what is shown is compared with the guesses wherever
        these speak, also where a model is silent.
    """
    means = found.backtested.means
    names = _names(found, models)
    observed = np.where(_common(found, names), found.backtested.observed, np.nan)
    rows = []
    for model in names:
        by_place = mae(means[model], observed, axis=1)
        known = np.isfinite(by_place)
        mean = ratio(np.where(known, by_place, 0).sum(axis=0), known.sum(axis=0))
        rows.append(pd.DataFrame({"model": model, "lead": np.arange(1, found.horizon + 1), "mae": mean}))
    return pd.concat(rows, ignore_index=True).dropna()


def places_compared(found: Outlook, lead: int | None = None, *, models: bool = True) -> int:
    """At how many places forecasts that all made can be compared, at one lead time or at any (None).

    Parameters
    ----------
    models : as in `errors_by_lead`.
    """
    both = _common(found, _names(found, models)) & np.isfinite(found.backtested.observed)
    return int((both if lead is None else both[:, :, lead - 1 : lead]).any(axis=(1, 2)).sum())


def limits_tested(found: Outlook) -> bool:
    """Whether any limits could be held against what came."""
    return any((held["n"] > 0).any() for held in found.held.values())


@lru_cache(maxsize=_KEPT)
def by_group(found: Outlook, group: str, metrics: tuple[str, ...] = ("mae", "bias", "pbias")) -> pd.DataFrame:
    """Scores over all places and lead times of the best of the guesses and of what is shown, by "season" or "event".

    A value is an event where it is among the highest 5% of what its place measured before the first cutoff. Places with
    too few values to know what is rare have no events; where all are such, nothing is returned by event.
    """
    backtested, history = found.backtested, found.history
    guess = overall_best_guess(found)
    means = {name: backtested.means[name] for name in (guess, SHOWN)}
    rows = Backtested(history, backtested.plan, means).table()
    thresholds = rare_levels(found)
    if group == "event":
        metrics = (*metrics, "hit_rate", "false_alarm_ratio")
        events = score(rows, ("hit_rate", "false_alarm_ratio"), by=("model",), thresholds=thresholds)
        table = score(rows, metrics[:-2], by=("model", "event"), thresholds=thresholds)
        return table.merge(events[["model", "hit_rate", "false_alarm_ratio"]], on="model")
    return score(rows, metrics, by=("model", group))


def overall_best_guess(found: Outlook) -> str:
    """The baseline with the least error over all places and lead times."""
    errors = errors_by_lead(found, models=False)
    guesses = errors[errors["model"] != SHOWN]
    return str(guesses.groupby("model")["mae"].mean().idxmin())


@lru_cache(maxsize=_KEPT)
def of_model(found: Outlook) -> pd.DataFrame:
    """The scores of every forecaster by `model` and `lead`, the least error first at each lead time.

    Returns
    -------
    `mae`, `rmse`, `mase`, `bias`, `nse`, `kge` and `pbias`: medians over the places, of the forecasts that every
    forecaster made, so that none looks good by speaking only where it is easy; and `places`, at how many the forecaster
    itself said something that can be checked.
    """
    backtested, scale = found.backtested, _scale(found)
    everyone = _common(found, _names(found, True))
    spoke = np.isfinite(backtested.observed)
    columns = ["mae", "rmse", "mase", "bias", "nse", "kge", "pbias"]
    parts = []
    # One at a time: a region may have thousands of places.
    for model, means in backtested.means.items():
        compared = {model: np.where(everyone, means, np.nan)}
        table = scores_of(Backtested(backtested.history, backtested.plan, compared))
        table["mase"] = table["mae"] / np.repeat(scale, found.horizon)
        median = table.groupby("lead")[columns].median()
        parts.append(median.assign(model=model, places=(np.isfinite(means) & spoke).any(axis=1).sum(axis=0)))
    return pd.concat(parts).reset_index().sort_values(["lead", "mae"], kind="stable", ignore_index=True)


def _names(found: Outlook, models: bool) -> tuple[str, ...]:
    return tuple(name for name in found.backtested.means if models or name not in found.models)


def _scale(found: Outlook) -> np.ndarray:
    """Per place, what a guess of a season before (where the record is short, of a step before) erred in training."""
    history, learnt = found.history, found.backtested.plan.learnt
    scale = naive_scale(history, learnt, history.season if 2 * history.season < learnt else 1)
    return np.where(scale > 0, scale, np.nan)


@lru_cache(maxsize=_KEPT)
def _common(found: Outlook, names: tuple[str, ...]) -> np.ndarray:
    """places × k × horizon: where every one of these forecasters said something; one that never speaks is not asked."""
    observed = np.isfinite(found.backtested.observed)
    said = [np.isfinite(found.backtested.means[name]) for name in names]
    asked = [spoke for spoke in said if (spoke & observed).any()]
    return np.logical_and.reduce(asked) if asked else observed


@lru_cache(maxsize=_KEPT)
def worst_places(found: Outlook, most: int = 10) -> pd.DataFrame:
    """The places at which what is shown errs most, in parts of what a guess of a season before erred: by `location_id`,
    `mae`, `mase`, `coverage` of the 80% limits and `ahead`, the steps up to which a model is shown.
    """
    history = found.history
    error = mae(found.backtested.means[SHOWN], found.backtested.observed, axis=(1, 2))
    table = pd.DataFrame({"mae": error, "mase": error / _scale(found)}, index=history.places)
    table["coverage"] = found.held[0.8]["coverage"]
    table["ahead"] = sees_ahead_of(found)
    return table.dropna(subset="mase").nlargest(most, "mase")
