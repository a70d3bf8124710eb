"""What a critic asks of forecasts: how far off, against which guess, when, where, and whether the limits held."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from analytics.backtesting import Backtested
from analytics.outlook import SHOWN, Outlook, sees_ahead_of
from analytics.scores import event_thresholds, mae, naive_scale
from analytics.scoring import score, scores_of

# A page is drawn anew at every choice: its tables are kept, and shared, so never change one in place.
_KEPT = 16


@lru_cache(maxsize=_KEPT)
def errors_by_lead(found: Outlook) -> pd.DataFrame:
    """The mean over the places of each forecaster's mean absolute error: `model`, `lead`, `mae`.

    Only forecasts that every forecaster made are compared, so that none looks good by staying silent.
    """
    observed = _shared(found)
    rows = []
    for model, means in found.backtested.means.items():
        by_place = mae(means, observed, axis=1)
        known = np.isfinite(by_place)
        with np.errstate(invalid="ignore"):
            mean = np.where(known, by_place, 0).sum(axis=0) / known.sum(axis=0)
        rows.append(pd.DataFrame({"model": model, "lead": np.arange(1, found.horizon + 1), "mae": mean}))
    return pd.concat(rows, ignore_index=True).dropna()


@lru_cache(maxsize=_KEPT)
def by_group(found: Outlook, group: str, metrics: tuple[str, ...] = ("mae", "bias", "pbias")) -> pd.DataFrame:
    """Scores over all places and lead times of the best of the guesses and of what is shown, by "season" or "event".

    A value is an event where it is among the highest 5% of what its place measured before the first cutoff.
    """
    backtested, history = found.backtested, found.history
    guess = overall_best_guess(found)
    means = {name: backtested.means[name] for name in (guess, SHOWN)}
    rows = Backtested(history, backtested.plan, means).table()
    thresholds = event_thresholds(history, backtested.plan.learnt)
    if group == "event":
        metrics = (*metrics, "hit_rate", "false_alarm_ratio")
        events = score(rows, ("hit_rate", "false_alarm_ratio"), by=("model",), thresholds=thresholds)
        table = score(rows, metrics[:-2], by=("model", "event"), thresholds=thresholds)
        return table.merge(events[["model", "hit_rate", "false_alarm_ratio"]], on="model")
    return score(rows, metrics, by=("model", group))


def overall_best_guess(found: Outlook) -> str:
    """The baseline with the least error over all places and lead times."""
    errors = errors_by_lead(found)
    guesses = errors[~errors["model"].isin([SHOWN, *found.models])]
    return str(guesses.groupby("model")["mae"].mean().idxmin())


@lru_cache(maxsize=_KEPT)
def of_model(found: Outlook) -> pd.DataFrame:
    """The scores of every forecaster, of all places together: medians over the places of `mae`, `rmse`, `mase`, `bias`,
    `nse`, `kge` and `pbias`, by `model` and `lead`.
    """
    table = scores_of(found.backtested)
    unit = pd.Series(_scale(found), index=found.history.places)
    table["mase"] = table["mae"] / table["location_id"].astype(object).map(unit).to_numpy(float)
    columns = ["mae", "rmse", "mase", "bias", "nse", "kge", "pbias"]
    return table.groupby(["model", "lead"], sort=False, observed=True)[columns].median().reset_index()


def _scale(found: Outlook) -> np.ndarray:
    """Per place, what a guess of a season before (where the record is short, of a step before) erred in training."""
    history, learnt = found.history, found.backtested.plan.learnt
    scale = naive_scale(history, learnt, history.season if 2 * history.season < learnt else 1)
    return np.where(scale > 0, scale, np.nan)


def _shared(found: Outlook) -> np.ndarray:
    """What came, where every forecaster had said something."""
    everyone = np.logical_and.reduce([np.isfinite(m) for m in found.backtested.means.values()])
    # A forecaster that never speaks at a place silences nobody there.
    if not everyone.any():
        return found.backtested.observed
    return np.where(everyone, found.backtested.observed, np.nan)


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
