"""What a forecaster is: scikit-learn's habits, whole panels at once, and nothing of the future."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from analytics.history import History, following, history_of
from geodata.errors import AlmanacError, UnknownName
from geodata.search import nearest

# More steps ahead than the record has, or than this, is a mistake and not a question.
MOST_STEPS_AHEAD = 1_500


class Forecaster(BaseEstimator, ABC):
    """A way to forecast. `__init__` only stores; what was learnt ends in `_`.

    A forecaster implements two methods on whole matrices: `learn` on a history, and `forecast` from any number of
    moments of a history (the one it learnt from, or a longer one of the same places). `fit` and `predict` offer the
    same for tables.
    """

    # A guess that anyone could make: what a model has to beat before it is shown.
    baseline: ClassVar[bool] = False

    @abstractmethod
    def learn(self, history: History, horizon: int) -> Self:
        """Learns from every step of a history what is needed for `horizon` steps ahead; uses nothing else."""

    @abstractmethod
    def forecast(self, history: History, origins: np.ndarray, horizon: int) -> np.ndarray:
        """Forecasts made at several moments.

        Parameters
        ----------
        history : the same places as learnt from, in the same order.
        origins : k indices of steps. A forecast made at step o knows the values up to and with step o, of drivers
            known ahead everything, and nothing else.
        horizon : how many steps ahead, at most that of `learn`.

        Returns
        -------
        places × k × horizon, in the unit of the target; NaN where nothing can be said.
        """

    def fit(
        self,
        panel: pd.DataFrame | History,
        target: str | None = None,
        *,
        drivers: Mapping[str, pd.DataFrame] | None = None,
        **facts: object,
    ) -> Self:
        """Takes the history to learn from: a panel (see `analytics.history.history_of`), or a history."""
        self.history_ = (
            panel if isinstance(panel, History) else history_of(panel, target, drivers=drivers, **facts)  # type: ignore[arg-type]
        )
        self.horizon_ = 0
        return self

    def predict(self, horizon: int) -> pd.DataFrame:
        """What is expected at each place on the next steps.

        How many steps are wanted is known only now: what was not learnt for so many yet is learnt now, from the
        history given to `fit`.

        Returns
        -------
        `location_id`, `time` (UTC), `mean`, sorted by both.

        Raises
        ------
        AlmanacError
            Where the horizon is impossible or longer than the record carries.
        """
        if not hasattr(self, "history_"):
            raise AlmanacError("This forecaster has learnt nothing yet.", hint="Call fit with a panel before predict.")
        history = self.history_
        require_horizon(history, horizon)
        if horizon > self.horizon_:
            self.learn(history, horizon)
            self.horizon_ = horizon
        means = self.forecast(history, np.array([len(history) - 1]), horizon)[:, 0, :]
        times = following(history.times[-1], history.step, horizon).tz_localize("UTC")
        return pd.DataFrame(
            {
                "location_id": np.repeat(history.places.to_numpy(), horizon),
                "time": times[np.tile(np.arange(horizon), len(history.places))],
                "mean": means.ravel(),
            }
        )


class Forecasters(dict[str, type[Forecaster]]):
    """The forecasters by name; a near-miss is named in the error."""

    def __missing__(self, name: str) -> type[Forecaster]:
        near = nearest(name, list(self))
        raise UnknownName(
            "There is no forecaster “{name}”.",
            hint="Did you mean “{near}”?" if near else "Choose one of: {known}.",
            name=name,
            near=near,
            known=tuple(self),
        )


def require_horizon(history: History, horizon: int, *, windows: int = 1) -> None:
    """Refuses a horizon that is no number of steps, or more than the record can carry.

    Raises
    ------
    AlmanacError
        Saying what was asked and what there is.
    """
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or horizon < 1:
        raise AlmanacError(
            "The horizon is {horizon}, but a whole number of steps from 1 is needed.",
            hint="Ask for the number of steps of {step} to look ahead.",
            horizon=horizon,
            step=history.step,
        )
    if horizon > MOST_STEPS_AHEAD:
        raise AlmanacError(
            "The horizon is {horizon} steps of {step}, and no forecast here looks further than {most}.",
            hint="Ask for fewer steps, or aggregate the series to a longer step first.",
            horizon=horizon,
            step=history.step,
            most=MOST_STEPS_AHEAD,
        )
    needed = horizon + windows + 1
    filled = int(np.isfinite(history.values).any(axis=0).sum())
    if filled < needed:
        raise AlmanacError(
            "The record has values on {found} steps of {step}, but {horizon} steps ahead need at least {needed}.",
            hint="Ask for fewer steps ahead, or wait for more observations.",
            found=filled,
            step=history.step,
            horizon=horizon,
            needed=needed,
        )
