"""Flood-frequency analysis after Bulletin 17C: annual peaks in, a log-Pearson III flood curve with its limits out.

    multiple_grubbs_beck(peaks)                 the discharge below which peaks are too low to count
    fit_log_pearson(peaks, thresholds=…)        the fit, by the expected moments algorithm
    LogPearson.quantiles([0.1, 0.01])           floods of these yearly chances, with confidence limits
    flood_quantiles(panel, …)                   one flood for every gauge of a panel

An indicator hands on the keyword arguments of `flood_quantiles` as they are: annual_exceedance_probability, coverage,
regional_skew, regional_skew_mse, skew_option ("station", "weighted", "regional"), thresholds (tables with begin, end,
lower, and if wanted upper, systematic and location_id) and low_outlier_threshold. A discharge comes back in its unit.
"""

from analytics.flood_frequency.log_pearson import (
    FEWEST_PEAKS,
    LogPearson,
    TooFewPeaks,
    fit_log_pearson,
    flood_quantiles,
)
from analytics.flood_frequency.low_outliers import multiple_grubbs_beck
from analytics.flood_frequency.peaks import Peaks, Threshold

__all__ = [
    "FEWEST_PEAKS",
    "LogPearson",
    "Peaks",
    "Threshold",
    "TooFewPeaks",
    "fit_log_pearson",
    "flood_quantiles",
    "multiple_grubbs_beck",
]
