"""Where a model has proved better than what anyone could guess: there it is shown, and elsewhere the guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analytics.backtesting import Backtested, require_forecasts
from analytics.record import ratio, refuse_parameter
from geodata.errors import AlmanacError, BrokenData, UnknownName

CONFIDENCE = 0.9
RESAMPLES = 500
# Hewamalage et al. (2023) ask for 20 or more cutoffs; with fewer blocks than this their spread says nothing.
LEAST_WINDOWS = 20
LEAST_BLOCKS = 6
# A baseline that is silent more often than this, compared with the others at the place, is none there.
_SPEAKS = 0.9
# A sum of errors below this share of the other's is exactly none but for rounding.
_NOTHING = 1e-12
_CELLS = 8_000_000
# Of an error, and to which power its mean is the score.
_LOSSES: Mapping[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "mae": (np.abs, 1.0),
    "rmse": (np.square, 0.5),
}
# From so many places, spread evenly, is it learnt how long errors stay alike; so many of them count as independent.
_SAMPLED = 200
_INDEPENDENT = 10
_MOST_LOST = 3.0
_LONGEST_LAG = 40

BETTER, TOO_FEW, NO_BETTER, NOT_SURE = "better", "too few windows", "no better", "not sure"


@dataclass(frozen=True, eq=False)
class _Judged:
    """One model against the best baseline: places × leads each. `log_ratio` is ln(model's score/baseline's)."""

    baseline: np.ndarray
    log_ratio: np.ndarray
    deviation: np.ndarray
    windows: np.ndarray
    blocks: np.ndarray


def gate(
    backtested: Backtested,
    *,
    baselines: Sequence[str],
    models: Sequence[str] | None = None,
    metric: str = "mae",
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Which forecast may be shown at each place and lead time: a model only where it is surely better than a guess.

    Parameters
    ----------
    backtested : forecasts of the models and of the baselines from the same cutoffs.
    baselines : the guesses to beat; of them the best at the place and lead time counts.
    models : the candidates; None takes all that are no baseline.
    metric : "mae" or "rmse", of which the skill is taken.
    confidence : of the interval of the skill.
    resamples, seed : of the bootstrap.

    Returns
    -------
    A row for each `location_id` and `lead`: `model` (the one to show), `shown` ("model" or "baseline"), `reason`
    ("better", or "too few windows", "no better", "not sure"), `candidate` (the model that was judged), `baseline` (the
    best one), `skill` of the candidate with `skill_low` and `skill_high`, and `n`, the windows compared; without any
    the skill is NaN.

    Raises
    ------
    UnknownName
        Where a model or the metric does not exist.
    AlmanacError
        Where there is nothing to judge, or a number makes no sense.

    Notes
    -----
    Skill = 1 − score/score of the best baseline, over the windows at which both spoke and a value came. Which baseline
    is best is known with hindsight, which is hard on the model, not on the reader. The interval is taken on
    ln(1 − skill): Student's t times the deviation that a circular block bootstrap over the cutoffs finds, with as many
    degrees of freedom as there are blocks, less one. A block is longer than the errors overlap, and as long as one
    forecast keeps being better than the other (see `blocks_of`); with fewer than 6 blocks nothing is judged.
    Percentiles of the resamples would promise more than they keep where there are few blocks. On simulated random walks
    models that read a slope or a turn into them are shown in 1 to 5 % of the cases, in 6 % where they are as good as
    the baseline for long stretches of few windows.

    Of several models the one with the best mean over the leads is the candidate at a place. That it was chosen from
    the windows it is judged on is made good by an interval that holds for all of them at once (Bonferroni): it costs
    less than keeping half of the windows for the choice.

    References
    ----------
    Politis, D. N., Romano, J. P. (1992): A circular block-resampling procedure for stationary data.
    Künsch, H. R. (1989): The jackknife and the bootstrap for general stationary observations. Ann. Stat. 17.
    Hewamalage, H. et al. (2023): Forecast evaluation for data scientists. Data Min. Knowl. Disc. 37.
    """
    plan = backtested.plan
    every = int(np.diff(plan.origins).min()) if len(plan.origins) > 1 else plan.horizon
    leads = np.arange(1, plan.horizon + 1)
    return _gate(
        backtested.means,
        backtested.observed,
        backtested.history.places,
        leads,
        -(-(leads + plan.gap) // every),
        _Settings(tuple(baselines), None if models is None else tuple(models), metric, confidence, resamples, seed),
    )


def select_shown(
    rows: pd.DataFrame,
    baselines: Sequence[str],
    *,
    models: Sequence[str] | None = None,
    metric: str = "mae",
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    gap: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """The same as `gate`, for the rows of a backtest (`analytics.backtesting.backtest`).

    `gap` is the one of the backtest, in steps: the rows do not tell it.

    Raises
    ------
    BrokenData
        Where the rows are not those of a backtest (scores alone do not tell how sure a skill is), or a forecast is
        there twice.
    """
    wanted = ("model", "location_id", "cutoff", "time", "lead", "mean", "observed")
    absent = tuple(name for name in wanted if name not in rows.columns)
    if absent or rows.empty:
        raise BrokenData(
            "The table has {n} rows and lacks {absent}, so it is no table of forecasts.",
            hint="Hand over the rows that a backtest returns, not their scores.",
            n=len(rows),
            absent=absent or ("nothing",),
        )
    indices = {name: pd.factorize(rows[name], sort=True) for name in ("model", "location_id", "cutoff", "lead")}
    (model, names), (place, places), (cutoff, cutoffs), (lead, leads) = indices.values()
    shape = (len(names), len(places), len(cutoffs), len(leads))
    where = np.ravel_multi_index((model, place, cutoff, lead), shape)
    if len(np.unique(where)) < len(where):
        raise BrokenData(
            "The table holds {n} forecasts twice.",
            hint="Keep one row for each model, place, cutoff and lead time.",
            n=len(where) - len(np.unique(where)),
        )
    means, observed = np.full(shape, np.nan), np.full(shape[1:], np.nan)
    means.ravel()[where] = rows["mean"].to_numpy(float)
    observed.ravel()[where % observed.size] = rows["observed"].to_numpy(float)
    ahead = np.asarray(leads, float)
    width = ((rows["time"] - rows["cutoff"]) / rows["lead"]).median()
    moments = pd.DatetimeIndex(cutoffs)
    every = max(round((moments[1:] - moments[:-1]).min() / width), 1) if len(moments) > 1 else int(ahead.max())
    return _gate(
        dict(zip(map(str, names), means, strict=True)),
        observed,
        pd.Index(places),
        np.asarray(leads),
        np.ceil((ahead + gap) / every).astype(int),
        _Settings(tuple(baselines), None if models is None else tuple(models), metric, confidence, resamples, seed),
    )


def sees_ahead(gated: pd.DataFrame) -> pd.DataFrame:
    """How far ahead can be seen: the last lead time up to which the model is shown at a place without interruption.

    Parameters
    ----------
    gated : as from `gate`.

    Returns
    -------
    `location_id` and `leads`, in steps: 0 where not even the first step can be foreseen better than guessed.
    """
    table = gated.assign(is_model=gated["shown"] == "model").pivot(
        index="location_id", columns="lead", values="is_model"
    )
    kept = table.reindex(columns=range(1, int(table.columns.max()) + 1)).eq(True).to_numpy()
    return pd.DataFrame({"location_id": table.index, "leads": np.logical_and.accumulate(kept, axis=1).sum(axis=1)})


@dataclass(frozen=True)
class _Settings:
    baselines: tuple[str, ...]
    models: tuple[str, ...] | None
    metric: str
    confidence: float
    resamples: int
    seed: int


def _gate(
    means: Mapping[str, np.ndarray],
    observed: np.ndarray,
    places: pd.Index,
    leads: np.ndarray,
    overlap: np.ndarray,
    settings: _Settings,
) -> pd.DataFrame:
    """`overlap` says at each lead how many cutoffs in a row share a part of their errors."""
    models = _checked(means, settings)
    loss, power = _LOSSES[settings.metric]
    losses = {name: loss(means[name] - observed) for name in (*settings.baselines, *models)}
    judged = [_judge(losses, name, settings, overlap) for name in models]
    log_ratio = power * np.stack([one.log_ratio for one in judged])
    enough = np.stack([(one.windows >= LEAST_WINDOWS) & (one.blocks >= LEAST_BLOCKS) for one in judged])
    chosen = _candidate(np.where(enough, log_ratio, np.nan))
    rows = np.arange(len(places))

    def of_chosen(stacked: np.ndarray) -> np.ndarray:
        return stacked[chosen, rows]

    centre, fits = of_chosen(log_ratio), of_chosen(enough)
    compared = of_chosen(np.stack([one.windows for one in judged]))
    blocks = of_chosen(np.stack([one.blocks for one in judged]))
    tail = (1 - settings.confidence) / 2 / len(models)
    # Student's t of the blocks; the mean of the windows has taken its share of their spread.
    reach = stats.t.ppf(1 - tail, np.maximum(blocks - 1, 1)) * np.sqrt(ratio(blocks, np.maximum(blocks - 1, 0)))
    half = reach * power * of_chosen(np.stack([one.deviation for one in judged]))
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = (np.where(fits, 1 - np.exp(centre + side * half), np.nan) for side in (1, -1))
        # Of two that were never tried together none is as good as the other.
        skill = np.where(compared > 0, 1 - np.exp(centre), np.nan)
    better = fits & (low > 0)
    reason = np.select([~fits, better, ~(skill > 0)], [TOO_FEW, BETTER, NO_BETTER], NOT_SURE)
    candidate = np.array(models, dtype=object)[chosen][:, None].repeat(len(leads), axis=1)
    baseline = np.array(settings.baselines, dtype=object)[of_chosen(np.stack([one.baseline for one in judged]))]
    columns = {
        "model": np.where(better, candidate, baseline),
        "shown": np.where(better, "model", "baseline"),
        "reason": reason,
        "candidate": candidate,
        "baseline": baseline,
        "skill": skill,
        "skill_low": low,
        "skill_high": high,
        "n": compared,
    }
    table = {"location_id": np.repeat(places.to_numpy(), len(leads)), "lead": np.tile(leads, len(places))}
    return pd.DataFrame({**table, **{name: values.ravel() for name, values in columns.items()}})


def blocks_of(overlap: np.ndarray, advantage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """leads: how many cutoffs a block of the bootstrap holds, and how many times too small it finds the variance.

    Parameters
    ----------
    overlap : how many cutoffs in a row share a part of their errors.
    advantage : places × cutoffs × leads: by how much one forecast was better than the other; missing is 0.

    Notes
    -----
    A block holds twice the overlap, the cube root of the cutoffs, or what the autocorrelation of the advantage asks
    for, whichever is longest: Politis and White's rule, with the autocorrelations pooled over places, since those of
    one place alone are too uncertain for it. Blocks cut through what is alike: of the autocorrelation at lag h they
    see the share 1 − h/length. What is lost by this is told from the pooled ones too.
    """
    windows = advantage.shape[1]
    sample = advantage[:: -(-len(advantage) // _SAMPLED)]
    off = sample - sample.mean(axis=1, keepdims=True)
    power = np.maximum((off**2).sum(axis=1), np.finfo(float).tiny)
    lags = np.arange(1, max(min(windows // 2, max(_LONGEST_LAG, 4 * int(overlap.max()))), 2))
    alike = np.stack([((off[:, lag:] * off[:, : windows - lag]).sum(axis=1) / power).mean(axis=0) for lag in lags])
    least = 2 * np.sqrt(np.log10(max(windows, 2)) / windows / min(len(sample), _INDEPENDENT))
    faint = np.abs(alike) < least
    # The first lag after which five in a row are faint; the last of all where there is none such.
    run = np.lib.stride_tricks.sliding_window_view(np.pad(faint, ((0, 5), (0, 0)), constant_values=True), 5, axis=0)
    last = run.all(axis=-1).argmax(axis=0)
    taper = np.clip(2 - lags[:, None] / np.maximum(last, 0.5), 0, 1)
    # The mean of the windows took a share of the likeness with it.
    share = np.clip(1 + 2 * (taper * alike).sum(axis=0), 0.5, windows / 4) / windows
    alike = alike + share * (1 - alike)
    total = np.maximum(1 + 2 * (taper * alike).sum(axis=0), 0.1)
    slope = 2 * (taper * lags[:, None] * alike).sum(axis=0)
    wanted = np.cbrt(1.5 * (slope / total) ** 2 * windows)
    longest = np.maximum(np.maximum(2 * overlap - 1, np.cbrt(windows)), wanted)
    length = np.minimum(np.ceil(longest - 1e-9), windows).astype(int)
    seen = 1 + 2 * (taper * alike * np.clip(1 - lags[:, None] / length, 0, 1)).sum(axis=0)
    return length, np.clip(total / np.maximum(seen, 0.1), 1.0, _MOST_LOST)


def _judge(losses: Mapping[str, np.ndarray], model: str, settings: _Settings, overlap: np.ndarray) -> _Judged:
    guesses = np.stack([losses[name] for name in settings.baselines])
    spoken = np.isfinite(guesses)
    times = spoken.sum(axis=2)
    usable = (times >= _SPEAKS * times.max(axis=0)) & (times > 0)
    present = (spoken | ~usable[:, :, None]).all(axis=0) & usable.any(axis=0)[:, None] & np.isfinite(losses[model])
    sums = np.where(usable, np.where(present, guesses, 0.0).sum(axis=2), np.inf)
    best = sums.argmin(axis=0)
    guess = np.where(present, np.take_along_axis(guesses, best[None, :, None], axis=0)[0], 0.0)
    mine = np.where(present, losses[model], 0.0)
    windows = present.sum(axis=1)
    means = [ratio(part.sum(axis=1), windows)[:, None, :] for part in (mine, guess)]
    relative = [ratio(part, np.broadcast_to(mean, part.shape)) for part, mean in zip((mine, guess), means, strict=True)]
    block, lost = blocks_of(overlap, np.nan_to_num(relative[1] - relative[0]))
    deviation = np.full(best.shape, np.nan)
    for length in np.unique(block):
        at = np.flatnonzero(block == length)
        weights = _resampled(present.shape[1], int(length), settings)
        share = max(1, _CELLS // (settings.resamples * len(at)))
        for start in range(0, len(best), share):
            part = slice(start, start + share)
            deviation[part, at] = _deviation(mine[part][:, :, at], guess[part][:, :, at], weights)
    log_ratio = _log_ratio(mine.sum(axis=1), guess.sum(axis=1))
    return _Judged(best, log_ratio, deviation * np.sqrt(lost), windows, windows / block)


def _deviation(mine: np.ndarray, guess: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """places × leads: the standard deviation of the log ratio over the resamples."""
    drawn = [np.tensordot(weights, part, axes=(1, 1)) for part in (mine, guess)]
    return _log_ratio(*drawn).std(axis=0, ddof=1)


def _log_ratio(mine: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """ln(mine/guess); 0 where both are nothing, and a very large or small number where one is."""
    floor = np.maximum(_NOTHING * np.maximum(mine, guess), np.finfo(float).tiny)
    return np.log(np.maximum(mine, floor)) - np.log(np.maximum(guess, floor))


def _resampled(windows: int, length: int, settings: _Settings) -> np.ndarray:
    """resamples × windows: how often each is drawn in blocks that go on from the last cutoff to the first."""
    draw = np.random.default_rng(settings.seed)
    count = -(-windows // length)
    starts = draw.integers(windows, size=(settings.resamples, count))
    drawn = ((starts[:, :, None] + np.arange(length)) % windows).reshape(settings.resamples, -1)[:, :windows]
    flat = (np.arange(settings.resamples)[:, None] * windows + drawn).ravel()
    return np.bincount(flat, minlength=settings.resamples * windows).reshape(settings.resamples, windows).astype(float)


def _candidate(log_ratio: np.ndarray) -> np.ndarray:
    """places: the model of the least mean log ratio over the leads; the first where none has enough windows."""
    known = np.isfinite(log_ratio)
    mean = ratio(np.where(known, log_ratio, 0.0).sum(axis=2), known.sum(axis=2))
    return np.where(np.isfinite(mean), mean, np.inf).argmin(axis=0)


def _checked(means: Mapping[str, np.ndarray], settings: _Settings) -> tuple[str, ...]:
    """The models to judge."""
    if settings.metric not in _LOSSES:
        raise UnknownName(
            "Skill is not taken of “{name}”.", hint="Choose among: {known}.", name=settings.metric, known=tuple(_LOSSES)
        )
    if not 0 < settings.confidence < 1:
        raise refuse_parameter("confidence", settings.confidence, wanted="a share between 0 and 1")
    if settings.resamples < 2:
        raise refuse_parameter("resamples", settings.resamples, wanted="a whole number from 2 on")
    require_forecasts(means, *settings.baselines, *(settings.models or ()))
    models = settings.models or tuple(name for name in means if name not in settings.baselines)
    if not models or not settings.baselines:
        raise AlmanacError(
            "There are {models} models to judge and {baselines} baselines to judge them by.",
            hint="Give the backtest at least one of each.",
            models=len(models),
            baselines=len(settings.baselines),
        )
    return models
