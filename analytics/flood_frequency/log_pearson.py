"""A log-Pearson III flood curve with its limits, fitted by the expected moments algorithm of Bulletin 17C."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.flood_frequency import pearson3
from analytics.flood_frequency.confidence import (
    SMALLEST_SKEW,
    Censoring,
    SkewRule,
    limits,
    quantile_uncertainty,
    simple_skew_mse,
    skew_mse,
)
from analytics.flood_frequency.expected_moments import expected_moments
from analytics.flood_frequency.low_outliers import multiple_grubbs_beck
from analytics.flood_frequency.peaks import FloodRecord, Peaks, Threshold, flood_record
from geodata.errors import AlmanacError, BrokenData
from geodata.panel import validate_panel

Floats = NDArray[np.float64]

# Bulletin 17C asks for ten years of record at a gauge.
FEWEST_PEAKS = 10
# Of which so many must be left as they are once low floods are set aside, or three moments cannot be told.
_FEWEST_KEPT = 5
SKEW_OPTIONS = ("station", "weighted", "regional")
_PEAK = "peak_discharge_m3_per_s"
# Yearly chances over which limits are made to rise with the flood, whichever of them were asked for.
_LADDER = (0.9999, 0.9995, 0.999, 0.998, 0.995, 0.99, 0.98, 0.96, 0.9, 0.8, 0.7, 0.6, 0.5)


class TooFewPeaks(AlmanacError):
    """A record too short, or too uniform, for a flood curve: the number is withheld."""


@dataclass(frozen=True, eq=False)
class LogPearson:
    """A fitted flood curve: moments of the common logarithm of discharge, and what they rest on.

    mean, standard_deviation, skew : of log10 of the annual peak
    station_skew : what the record alone gives; equal to `skew` with the station option
    skew_mse : mean square error of the station skew, censoring counted
    skew_mse_systematic : what it would be from the gauged years alone
    n_systematic, n_historic, n_censored : gauged peaks, earlier ones known one by one, years known by a bound only
    low_outlier_threshold, n_low_outliers : peaks below it count only as being below; 0 where there are none
    censoring, skew_rule : what the uncertainty of the curve rests on
    """

    mean: float
    standard_deviation: float
    skew: float
    station_skew: float
    skew_mse: float
    skew_mse_systematic: float
    n_systematic: int
    n_historic: int
    n_censored: int
    low_outlier_threshold: float
    n_low_outliers: int
    censoring: Censoring
    skew_rule: SkewRule

    @property
    def effective_years(self) -> float:
        """For how many gauged years the whole record counts where the skew is concerned."""
        return self.n_systematic * self.skew_mse_systematic / self.skew_mse

    def quantiles(self, exceedance_probabilities: ArrayLike, coverage: float = 0.90) -> pd.DataFrame:
        """Floods that are exceeded in a year with these chances, and between which limits they may lie.

        Parameters
        ----------
        exceedance_probabilities : chances in any one year, between 0 and 1: 0.01 for the “100-year flood”.
        coverage : how often limits so drawn contain the true flood.

        Returns
        -------
        Indexed by `annual_exceedance_probability`: `discharge`, `low` and `high` in the unit of the peaks, and
        `variance_log10`, of the estimate's common logarithm.

        Raises
        ------
        AlmanacError
            If a chance or the coverage is not between 0 and 1.
        """
        asked = np.atleast_1d(np.asarray(exceedance_probabilities, dtype=np.float64))
        wrong = asked[~((asked > 0) & (asked < 1))]
        if len(wrong):
            raise AlmanacError(
                "The yearly exceedance probability {value} is not between 0 and 1.",
                hint="Give a chance in any one year, such as 0.01.",
                value=float(wrong[0]),
            )
        if not 0 < coverage < 1:
            raise AlmanacError(
                "The coverage {value} of the confidence limits is not between 0 and 1.",
                hint="Give a share, such as 0.90.",
                value=coverage,
            )
        ladder = np.array([*_LADDER, *(1 - np.array(_LADDER[:-1]))])
        ladder = ladder[(ladder >= min(asked.min(), 0.5)) & (ladder <= max(asked.max(), 0.5))]
        probability = np.unique(1 - np.concatenate([asked, ladder]).round(12))
        log_quantile, variance, low, high = self._curve(probability, coverage)
        # Limits that would turn back in the tails of a short record are held at their last value.
        middle = int(np.searchsorted(probability, 0.5))
        for edge in (low, high):
            edge[middle:] = np.maximum.accumulate(edge[middle:])
            edge[: middle + 1] = np.minimum.accumulate(edge[middle::-1])[::-1]
        place = np.searchsorted(probability, 1 - asked.round(12))
        table = {"discharge": 10**log_quantile, "variance_log10": variance, "low": 10**low, "high": 10**high}
        index = pd.Index(asked, name="annual_exceedance_probability")
        return pd.DataFrame({name: values[place] for name, values in table.items()}, index=index)

    def _curve(self, probability: Floats, coverage: float) -> tuple[Floats, Floats, Floats, Floats]:
        log_quantile = self.mean + self.standard_deviation * pearson3.quantile(probability, self.skew)
        if abs(self.skew) > SMALLEST_SKEW:
            return (log_quantile, *self._limits(self.skew, probability, coverage))
        # Near zero skew, the line between the limits at a small skew of either sign.
        share = (self.skew + SMALLEST_SKEW) / (2 * SMALLEST_SKEW)
        left = self._limits(-SMALLEST_SKEW, probability, coverage)
        right = self._limits(SMALLEST_SKEW, probability, coverage)
        variance, low, high = ((1 - share) * a + share * b for a, b in zip(left, right, strict=True))
        return log_quantile, variance, low, high

    def _limits(self, skew: float, probability: Floats, coverage: float) -> tuple[Floats, Floats, Floats]:
        moments = np.array([self.mean, self.standard_deviation**2, skew])
        variance, covariance = quantile_uncertainty(moments, self.censoring, self.skew_rule, probability)
        centre = self.mean + self.standard_deviation * pearson3.quantile(probability, skew)
        return (variance, *limits(centre, covariance, coverage))


def fit_log_pearson(
    peaks: Peaks | pd.Series | ArrayLike,
    *,
    thresholds: Iterable[Threshold | Mapping[str, Any]] = (),
    regional_skew: float | None = None,
    regional_skew_mse: float | None = None,
    skew_option: str = "station",
    low_outlier_threshold: float | None = None,
) -> LogPearson:
    """How large floods are and how often they come, from the yearly peaks and what is remembered of earlier ones.

    Parameters
    ----------
    peaks : annual peak discharges in any unit: a series indexed by water year, `Peaks` where some are known within
        bounds only, or a plain list of consecutive years. Zero is a year without flow; missing years say nothing.
    thresholds : which floods would have been recorded when. Where spans overlap, the later entry holds. A year of
        a span without a peak had its flood below `lower`. Years outside all spans count if they have a peak.
    regional_skew, regional_skew_mse : the skew of the region's gauges and its mean square error.
    skew_option : "station" takes the record's skew; "weighted" the mean of it and the regional one, each weighted by
        the other's mean square error; "regional" the regional one (free of error unless one is given).
    low_outlier_threshold : peaks below are set aside. None finds it by the multiple Grubbs-Beck test; 0 sets
        aside none but the years without flow, which have no logarithm.

    Raises
    ------
    TooFewPeaks
        With fewer than 10 gauged peaks, or fewer than 5 different ones that are not low outliers.
    AlmanacError
        If peaks are negative, or two of one year, or contradict their thresholds; if the regional skew is missing.

    Notes
    -----
    The expected moments algorithm: the mean, variance and skew of log10 discharge are computed with each censored
    year's powers replaced by their expectation under the curve of the last round, until they stand still. The known
    peaks' sums of squares and cubes are multiplied by m/(m−1) and m²/((m−1)(m−2)), m being their number. The
    skew is kept from falling below −1.41, where left-censored fits can diverge.

    The error of the station skew is the first-order variance of the censored record multiplied by what makes it the
    value of Bulletin 17B in a complete one. Once the low-outlier test has removed peaks, it is the latter for the
    whole period, as in PeakFQ. Limits are the adjusted ones of Cohn, Lane & Stedinger with their covariances taken
    by Cohn's Gaussian nodes (PeakFQ 7.1 and later), not by linearisation.

    Checked: PeakFQ 7.1 (station 04031500) to every digit that it prints; PeakfqSA 0.997 (03606500), whose variances are
    met to all five decimals and whose quantiles and limits, printed to seven digits, to 0.005 %; the error of that
    censored record's skew to 0.01 %. The examples of Bulletin 17C with low floods, broken records, historic floods,
    intervals and palaeofloods agree in their moments to 0.0001. Not checked against an official output, none found:
    limits of records with low outliers or intervals, and those with a weighted skew.

    Where it stops: Bulletin 17C's text leaves to its program how covariances are taken, how they are held near skew
    zero, and the constants of the limits (½, 5 degrees of freedom, skews clipped to ±1.41 in the covariance); these
    follow PeakFQ. Later editions of PeakFQ offer other weights of the regional skew; not here. Record extension
    (MOVE), mixed populations and trends are no part of it: the curve of a record that regulation or climate has
    changed means little. Limits count sampling error only. They are NaN where so much is censored that moments close
    to the fitted ones would leave every flood unseen.

    References
    ----------
    England, J. F. et al. (2019): Guidelines for determining flood flow frequency, Bulletin 17C. doi:10.3133/tm4B5.
    Cohn, T. A., Lane, W. L. & Baier, W. G. (1997): An algorithm for computing moments-based flood quantile estimates
    when historical flood information is available. Water Resources Research 33, 2089-2096, doi:10.1029/97WR01640.
    Cohn, T. A., Lane, W. L. & Stedinger, J. R. (2001): Confidence intervals for expected moments algorithm flood
    quantile estimates. Water Resources Research 37, 1695-1706, doi:10.1029/2001WR900016.

    Examples
    --------
    >>> peaks = [1140, 1860, 1030, 518, 1350, 1750, 2600, 2670, 1230, 1680, 1060, 648]
    >>> fit = fit_log_pearson(peaks)
    >>> round(fit.mean, 3), round(fit.standard_deviation, 3), round(fit.skew, 3)
    (3.118, 0.216, -0.379)
    """
    rule_mse = _checked_skew(skew_option, regional_skew, regional_skew_mse)
    record = flood_record(Peaks.known(peaks), [Threshold.of(entry) for entry in thresholds])
    exact = record.exact
    n_systematic = int((exact & record.systematic).sum())
    if n_systematic < FEWEST_PEAKS:
        raise TooFewPeaks(
            "There are {n} gauged annual peaks; a flood curve needs {least}.",
            hint="Take a gauge with a longer record, or a regional estimate.",
            n=n_systematic,
            least=FEWEST_PEAKS,
        )
    lowest = _low_outlier_threshold(record, low_outlier_threshold)
    low_outlier = record.high < lowest
    low = np.where(low_outlier, 0.0, record.low)
    high = np.where(low_outlier, lowest, record.high)
    kept = low == high
    if len(np.unique(low[kept])) < _FEWEST_KEPT:
        raise TooFewPeaks(
            "Only {n} different annual peaks are known above the low-outlier threshold {threshold}.",
            hint="Lower the threshold, or take a gauge with a longer record.",
            n=len(np.unique(low[kept])),
            threshold=lowest,
        )
    with np.errstate(divide="ignore"):
        log_low, log_high = np.log10(low), np.log10(high)
        seen = np.log10(np.stack([np.maximum(record.lower, lowest), record.upper]))
    pairs, count = np.unique(seen, axis=1, return_counts=True)
    censoring = Censoring(pairs[0], pairs[1], count.astype(np.float64))
    station = expected_moments(log_low, log_high, None, 0.0)
    # Where half of the years are without flow, another test stands in for the multiple one.
    multiple = low_outlier_threshold is None and int((record.low[exact] == 0).sum()) < n_systematic // 2
    adjusted = not (multiple and low_outlier.any())
    station_mse = float(skew_mse(station, censoring, adjusted=adjusted))
    if skew_option == "weighted" and not np.isfinite(station_mse):
        raise TooFewPeaks(
            "The record censors so much that the error of its skew cannot be told.",
            hint="Take the regional skew, or a gauge with a longer record.",
        )
    share = {"station": 0.0, "regional": 1.0}.get(skew_option, station_mse / (station_mse + rule_mse))
    fitted = expected_moments(log_low, log_high, regional_skew, share) if share else station
    return LogPearson(
        mean=float(fitted[0]),
        standard_deviation=float(np.sqrt(fitted[1])),
        skew=float(fitted[2]),
        station_skew=float(station[2]),
        skew_mse=station_mse,
        skew_mse_systematic=float(simple_skew_mse(n_systematic, station[2])),
        n_systematic=n_systematic,
        n_historic=int((exact & ~record.systematic).sum()),
        n_censored=int((~exact).sum()),
        low_outlier_threshold=float(lowest),
        n_low_outliers=int(low_outlier.sum()),
        censoring=censoring,
        skew_rule=SkewRule(skew_option, rule_mse, adjusted),
    )


def flood_quantiles(
    panel: pd.DataFrame,
    *,
    annual_exceedance_probability: float = 0.01,
    coverage: float = 0.90,
    regional_skew: float | None = None,
    regional_skew_mse: float | None = None,
    skew_option: str = "station",
    thresholds: Sequence[Mapping[str, Any]] = (),
    low_outlier_threshold: float | None = None,
) -> pd.DataFrame:
    """The flood that each gauge's river exceeds in a year with this chance, and between which limits it may lie.

    Parameters
    ----------
    panel : `location_id`, `time` and `peak_discharge_m3_per_s`, one row for each water year; its year is that of the
        time, or the next one from October on.
    annual_exceedance_probability : the chance in any one year.
    thresholds : as for `fit_log_pearson`, in m³/s; one with a `location_id` is for that place alone.
    coverage, regional_skew, regional_skew_mse, skew_option, low_outlier_threshold : as for `fit_log_pearson`.

    Returns
    -------
    Indexed by `location_id`: `value`, `low` and `high` in m³/s; NaN where the record is too short or too uniform.

    Raises
    ------
    BrokenData
        If it is no panel, a peak is negative, or a place has two peaks of one water year.
    AlmanacError
        As for `fit_log_pearson`, if thresholds or options do not fit.
    """
    if _PEAK not in panel.columns:
        raise BrokenData(
            "The panel of annual peaks has no column {column}.",
            hint="Name the peaks so, in cubic metres per second.",
            column=_PEAK,
        )
    validate_panel(panel[[name for name in ("location_id", "time", _PEAK) if name in panel.columns]])
    fit = partial(
        fit_log_pearson,
        regional_skew=regional_skew,
        regional_skew_mse=regional_skew_mse,
        skew_option=skew_option,
        low_outlier_threshold=low_outlier_threshold,
    )
    time = panel["time"].dt
    table = pd.DataFrame({"place": panel["location_id"], "year": time.year + (time.month >= 10), "peak": panel[_PEAK]})
    _check(table)
    rows: dict[str, tuple[float, float, float]] = {}
    # A loop over gauges: each fit goes through a number of rounds of its own.
    for place, mine in table.groupby("place", observed=True, sort=True):
        series = pd.Series(mine["peak"].to_numpy(dtype=np.float64), index=mine["year"].to_numpy())
        local = [entry for entry in thresholds if entry.get("location_id", place) == place]
        try:
            curve = fit(series, thresholds=[{k: v for k, v in t.items() if k != "location_id"} for t in local])
        except TooFewPeaks:
            rows[str(place)] = (np.nan, np.nan, np.nan)
            continue
        found = curve.quantiles([annual_exceedance_probability], coverage).iloc[0]
        rows[str(place)] = (found["discharge"], found["low"], found["high"])
    values = np.array(list(rows.values()), dtype=np.float64).reshape(-1, 3)
    return pd.DataFrame(values, index=pd.Index(list(rows), name="location_id"), columns=["value", "low", "high"])


def _check(table: pd.DataFrame) -> None:
    wrong = table["peak"] < 0
    twice = table.duplicated(["place", "year"])
    if wrong.any():
        raise BrokenData(
            "{n} annual peaks are negative, the first at {place} in {year}.",
            hint="A peak discharge is zero or more; leave unknown years out or give them no value.",
            n=int(wrong.sum()),
            place=table["place"][wrong].iloc[0],
            year=int(table["year"][wrong].iloc[0]),
        )
    if twice.any():
        raise BrokenData(
            "{place} has more than one annual peak in the water year {year}.",
            hint="Keep the largest of each water year.",
            place=table["place"][twice].iloc[0],
            year=int(table["year"][twice].iloc[0]),
        )


def _checked_skew(option: str, skew: float | None, mse: float | None) -> float:
    if option not in SKEW_OPTIONS:
        raise AlmanacError(
            "There is no skew option “{option}”.", hint="Choose one of {known}.", option=option, known=SKEW_OPTIONS
        )
    if option != "station" and (skew is None or (option == "weighted" and not (mse or 0) > 0) or (mse or 0) < 0):
        raise AlmanacError(
            "The skew option “{option}” lacks a regional skew or its mean square error.",
            hint="Give both from the region's skew study, or take the station's skew.",
            option=option,
        )
    return float(mse or 0.0) if option != "station" else np.inf


def _low_outlier_threshold(record: FloodRecord, given: float | None) -> float:
    gauged = record.low[record.exact & record.systematic]
    zeros = bool((record.high == 0).any())
    if given is None:
        # Gauged years known to lie below every measured one are tested with them.
        under = record.systematic & ~record.exact & (record.high <= gauged.min())
        return multiple_grubbs_beck(np.concatenate([gauged, record.high[under]]))
    if not (given >= 0 and np.isfinite(given)):
        raise AlmanacError(
            "The low-outlier threshold {value} is not a discharge.", hint="Give zero or more.", value=given
        )
    return max(given, float(gauged[gauged > 0].min(initial=np.inf))) if zeros and given == 0 else given
