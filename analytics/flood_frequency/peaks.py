"""What is known of the largest flood of each year: measured peaks, bounds, and which floods would have been seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geodata.errors import AlmanacError, BrokenData

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """Which floods would have been recorded in a span of years.

    begin, end : first and last water year
    lower, upper : a flood between them would be known; infinite `lower` says that nothing is known of these years
    systematic : whether the gauge was running, as a crest-stage gauge with a base does; otherwise peaks of years whose
        `lower` is above zero are historic, and no part of the low-outlier test
    """

    begin: int
    end: int
    lower: float
    upper: float = np.inf
    systematic: bool = False

    @classmethod
    def of(cls, entry: Threshold | Mapping[str, Any]) -> Threshold:
        """A threshold, given as one or as a table with the same keys.

        Raises
        ------
        AlmanacError
            If a key is unknown or absent, or the years or discharges are reversed or negative.
        """
        if isinstance(entry, Mapping):
            if not {"begin", "end", "lower"} <= set(entry) <= {field.name for field in fields(cls)}:
                raise AlmanacError(
                    "A perception threshold has {found}.",
                    hint="It wants begin, end and lower, and may have upper and systematic.",
                    found=tuple(entry),
                )
            entry = cls(**entry)
        if not (entry.begin <= entry.end and 0 <= entry.lower <= entry.upper):
            raise AlmanacError(
                "The perception threshold of {begin} to {end}, from {lower} to {upper}, is reversed or negative.",
                hint="Give the first year and the smaller discharge first.",
                begin=entry.begin,
                end=entry.end,
                lower=entry.lower,
                upper=entry.upper,
            )
        return entry


@dataclass(frozen=True, eq=False)
class Peaks:
    """What is known of the largest flood of each water year: it lies between `low` and `high`, often equal."""

    year: NDArray[np.int64]
    low: Floats
    high: Floats

    @classmethod
    def known(cls, discharge: Peaks | pd.Series | ArrayLike) -> Peaks:
        """Peaks measured as they are: a series indexed by water year, or a list of consecutive years.

        Missing ones are left out: nothing is known of them.
        """
        if isinstance(discharge, Peaks):
            return discharge
        series = discharge if isinstance(discharge, pd.Series) else pd.Series(np.asarray(discharge, dtype=np.float64))
        found = series.dropna()
        values = found.to_numpy(dtype=np.float64)
        return cls(found.index.to_numpy(dtype=np.int64), values, values)


@dataclass(frozen=True, eq=False)
class FloodRecord:
    """Year by year: within which bounds the flood was, which ones would have been recorded, and whether gauged."""

    year: NDArray[np.int64]
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats
    systematic: NDArray[np.bool_]

    @property
    def exact(self) -> NDArray[np.bool_]:
        return self.low == self.high


def flood_record(peaks: Peaks, thresholds: Sequence[Threshold]) -> FloodRecord:
    """The years of which something is known.

    Parameters
    ----------
    peaks : one for each water year that has one.
    thresholds : where spans overlap, the later entry holds. A year of a span without a peak had its flood below
        `lower` (or above `upper`); if any flood would have been known, its peak is missing and the year is left out.
        Years outside all spans count if they have a peak.

    Raises
    ------
    BrokenData
        If peaks are negative, reversed or infinite, or two are of one year.
    AlmanacError
        If a peak contradicts its threshold, or a year without a peak has a threshold on both sides.
    """
    _check(peaks)
    spans = [np.arange(span.begin, span.end + 1) for span in thresholds]
    year = np.unique(np.concatenate([peaks.year, *spans]).astype(np.int64))
    low, high, lower, upper = np.full((4, len(year)), np.nan)
    lower[:], upper[:] = 0.0, np.inf
    systematic = np.ones(len(year), dtype=bool)
    place = np.searchsorted(year, peaks.year)
    low[place], high[place] = peaks.low, peaks.high
    for span in thresholds:
        inside = slice(*np.searchsorted(year, [span.begin, span.end + 1]))
        lower[inside], upper[inside] = span.lower, span.upper
        systematic[inside] = span.systematic or span.lower == 0
    empty = np.isnan(low)
    below, over = empty & (lower > 0), empty & np.isfinite(upper)
    unclear = below & over
    if unclear.any():
        raise AlmanacError(
            "The water year {year} has no peak, and its perception threshold does not say on which side it was.",
            hint="Give its peak, or a threshold with one bound only.",
            year=int(year[unclear][0]),
        )
    low[below], high[below] = 0.0, lower[below]
    low[over], high[over] = upper[over], np.inf
    outside = (low == high) & ((low < lower) | (low > upper)) & ~empty
    if outside.any():
        raise AlmanacError(
            "The peak {value} of {year} is outside its perception threshold of {lower} to {upper}.",
            hint="Lower the threshold, or state the peak as an interval up to it.",
            value=float(low[outside][0]),
            year=int(year[outside][0]),
            lower=float(lower[outside][0]),
            upper=float(upper[outside][0]),
        )
    # A year of which nothing is known, be it that any flood would have been seen and none is told, is no year of
    # the record: missing is not zero.
    told = ~(np.isnan(low) | (empty & np.isinf(lower)))
    return FloodRecord(year[told], low[told], high[told], lower[told], upper[told], systematic[told])


def _check(peaks: Peaks) -> None:
    twice = peaks.year[pd.Index(peaks.year).duplicated()]
    if len(twice):
        raise BrokenData(
            "The water year {year} has more than one annual peak.", hint="Keep the largest.", year=int(twice[0])
        )
    wrong = ~((peaks.low >= 0) & (peaks.high >= peaks.low) & np.isfinite(peaks.low))
    if wrong.any():
        raise BrokenData(
            "The peak of {year} is negative, infinite or has its bounds reversed ({low} to {high}).",
            hint="A peak discharge is zero or more; leave unknown years out.",
            year=int(peaks.year[wrong][0]),
            low=float(peaks.low[wrong][0]),
            high=float(peaks.high[wrong][0]),
        )
