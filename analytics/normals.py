"""What is normal for the time of year: the percentiles of each day of the year, for all places of a panel at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.indicator import Minimum
from analytics.record import read, refuse_parameter
from geodata.errors import AlmanacError

PERCENTILES = (5, 10, 25, 50, 75, 90, 95)
# With fewer years than this the day of the year has no percentiles: the outer ones would be single years.
LEAST_YEARS = 10
DAYS = 366
# The days before each month in a leap year: a month and day have the same place in every year.
_BEFORE = np.array([0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])
# So many values are sorted at once, which bounds the memory whatever the number of places.
_CELLS = 4_000_000
# The band of a chart: the last two years, and what surrounds them.
_BAND_DAYS = 731


@dataclass(frozen=True, eq=False)
class Normals:
    """What is normal at each place on each day of the year.

    values : places × 366 days × percentiles; NaN where there are too few years, or where the percentile lies beyond
        the lowest or highest value that there is
    years : places × 366 days: how many years have a value for it
    percentiles : which, in per cent
    reference : the first and the last year they are fitted on
    """

    values: np.ndarray
    years: np.ndarray
    percentiles: tuple[float, ...]
    reference: tuple[int, int]


def day_slot(times: pd.DatetimeIndex) -> np.ndarray:
    """Which of the 366 days of a leap year each day is: 0 for 1 January, 59 for 29 February, 365 for 31 December.

    Examples
    --------
    >>> day_slot(pd.DatetimeIndex(["2023-03-01", "2024-02-29", "2024-03-01"])).tolist()
    [60, 59, 60]
    """
    return np.asarray(_BEFORE[times.month] + times.day - 1)


def day_of_year_percentiles(
    values: np.ndarray,
    times: pd.DatetimeIndex,
    *,
    percentiles: tuple[float, ...] = PERCENTILES,
    reference: tuple[int, int] | None = None,
    window: int = 0,
    least_years: int = LEAST_YEARS,
) -> Normals:
    """What is low, usual and high for each day of the year, at every place.

    Parameters
    ----------
    values : places × days, one column for every day in `times`; missing is NaN.
    times : the days, ascending without a gap.
    percentiles : between 0 and 100, both excluded.
    reference : the first and the last year whose values count; all years if None.
    window : so many days before and after count as the day itself.
    least_years : with values from fewer years than this a day has no percentiles.

    Returns
    -------
    The percentiles, on how many years each day's rest, and the reference years.

    Raises
    ------
    AlmanacError
        If a percentile, the window, the reference or the number of years is none that can be used.

    Notes
    -----
    The value of rank i among n has the Weibull plotting position i / (n + 1); between two ranks the percentile is
    interpolated, beyond the lowest and highest rank it is missing. This is what the program hyswap of the U.S.
    Geological Survey does. A day is a month and day, as in its `calculate_variable_percentile_thresholds_by_day`:
    29 February has only the leap years, about a quarter of the others', and mostly too few. With a window the days
    around it are taken by date across the turn of the year; a window of which days are missing keeps those it has,
    where hyswap drops all of it if a row is absent. Values are not rounded.

    References
    ----------
    Helsel, D. R. et al. (2020): Statistical methods in water resources. USGS Techniques and Methods 4-A3, section
    1.3.2. https://doi.org/10.3133/tm4A3
    U.S. Geological Survey (2025): hyswap 1.0.1. https://doi-usgs.github.io/hyswap/

    Examples
    --------
    >>> days = pd.date_range("2001-01-01", "2011-12-31")
    >>> rising = (days.year.to_numpy() - 2000.0)[None, :]
    >>> normals = day_of_year_percentiles(rising, days, percentiles=(5, 25, 50))
    >>> normals.values[0, 0].tolist(), int(normals.years[0, 0]), normals.reference
    ([nan, 3.0, 6.0], 11, (2001, 2011))
    """
    levels = np.asarray(percentiles, dtype=float)
    if not len(levels) or not ((levels > 0) & (levels < 100)).all():
        raise refuse_parameter("percentiles", percentiles, wanted="numbers between 0 and 100, both excluded")
    calendar = _Calendar(times, reference, window, least_years)
    found = np.full((len(values), DAYS, len(levels)), np.nan)
    years = np.zeros((len(values), DAYS), dtype=np.int32)
    for some in calendar.chunks(len(values)):
        sample, counted = calendar.samples(values[some])
        years[some] = counted
        sample.sort(axis=2)
        _fill(found[some], sample, levels, counted >= least_years)
    return Normals(found, years, tuple(percentiles), calendar.reference)


def percentile_of_day(
    values: np.ndarray,
    times: pd.DatetimeIndex,
    *,
    reference: tuple[int, int] | None = None,
    window: int = 0,
    least_years: int = LEAST_YEARS,
) -> np.ndarray:
    """How high each value is among all years' values for its day of the year: 0 lowest, 50 usual, 100 highest.

    Parameters
    ----------
    values, times, reference, window, least_years : as for `day_of_year_percentiles`.

    Returns
    -------
    Places × days, in per cent.

    Raises
    ------
    AlmanacError
        As for `day_of_year_percentiles`.

    Notes
    -----
    See `percentile_among`. The reference years' own values are ranked among each other, themselves included.

    Examples
    --------
    >>> days = pd.date_range("2001-01-01", "2011-12-31")
    >>> rising = (days.year.to_numpy() - 2000.0)[None, :]
    >>> percentile_of_day(rising, days)[0, [0, -1]].round(1).tolist()
    [8.3, 91.7]
    """
    calendar = _Calendar(times, reference, window, least_years)
    result = np.full(values.shape, np.nan)
    slots = day_slot(times)
    for some in calendar.chunks(len(values)):
        sample, counted = calendar.samples(values[some])
        sample.sort(axis=2)
        sample[counted < least_years] = np.nan
        for year in np.unique(times.year):
            mine = np.flatnonzero(times.year == year)
            result[some, mine] = percentile_among(values[some][:, mine], sample[:, slots[mine]])
    return result


def percentile_of_last_day(
    values: np.ndarray,
    times: pd.DatetimeIndex,
    *,
    reference: tuple[int, int] | None = None,
    window: int = 0,
    least_years: int = LEAST_YEARS,
) -> np.ndarray:
    """How high each place's latest value is among all years' values for that day of the year, in per cent.

    Parameters and Notes as for `percentile_of_day`; each place has its own latest day.
    """
    calendar = _Calendar(times, reference, window, least_years)
    result = np.full(len(values), np.nan)
    if not len(times):
        return result
    slots = day_slot(times)
    for some in calendar.chunks(len(values)):
        mine = values[some]
        last = last_present(mine)
        sample, counted = calendar.samples(mine)
        rows = np.arange(len(mine))
        chosen = np.sort(sample[rows, slots[last]], axis=1)
        chosen[counted[rows, slots[last]] < least_years] = np.nan
        result[some] = percentile_among(mine[rows, last], chosen)
    return result


def last_present(values: np.ndarray) -> np.ndarray:
    """The column of each row's last value; the last column where a row has none."""
    present = np.isfinite(values)
    return np.where(present.any(axis=1), values.shape[1] - 1 - present[:, ::-1].argmax(axis=1), values.shape[1] - 1)


def percentile_among(values: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """The Weibull percentile of each value among others: 100 i / (n + 1) for the value of rank i.

    Parameters
    ----------
    values : of any shape.
    sample : of the same shape and one more axis, last: what it is compared with, ascending, NaN behind.

    Returns
    -------
    In per cent, of the shape of `values`; NaN where the value is missing or there is nothing to compare it with.

    Notes
    -----
    A value between two of the sample lies between their ranks in proportion. Below all of them it is 0, above all of
    them 100, as in hyswap's `calculate_fixed_percentile_from_value`. Of equal values the highest rank counts, as
    there: where a river is dry on this day in most years, another dry day is no record low. Where the whole sample is
    one value, that value has no percentile.

    Examples
    --------
    >>> percentile_among(np.array([0.0, 3.0, 3.5, 9.0]), np.tile([1.0, 2.0, 3.0, 4.0], (4, 1))).tolist()
    [0.0, 60.0, 70.0, 100.0]
    """
    n = np.isfinite(sample).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        rank = (sample <= values[..., None]).sum(axis=-1)
    last = max(sample.shape[-1] - 1, 0)
    below = np.take_along_axis(sample, np.clip(rank - 1, 0, last)[..., None], axis=-1)[..., 0]
    above = np.take_along_axis(sample, np.clip(rank, 0, last)[..., None], axis=-1)[..., 0]
    inside = (rank > 0) & (rank < n)
    step = np.where(inside, above - below, 1.0)
    part = np.where(inside, (values - below) / step, 0.0)
    beyond = (rank == n) & (values > below)
    found = np.where(beyond, 100.0, np.where(rank == 0, 0.0, 100.0 * (rank + part) / (n + 1)))
    # Where all are alike, as those of a stuck instrument or a river that is always dry, the same again has no rank.
    alike = (rank == n) & ~beyond & (sample[..., :1] == below[..., None])[..., 0]
    return np.where(np.isfinite(values) & (n > 0) & ~alike, found, np.nan)


def normal_band(
    panel: pd.DataFrame,
    location_id: str,
    column: str,
    *,
    reference: tuple[int, int] | None = None,
    percentiles: tuple[float, ...] = PERCENTILES,
    window: int = 0,
    least_years: int = LEAST_YEARS,
) -> pd.DataFrame:
    """What is normal on each day of the last two years of a place's record, for a chart to draw behind them.

    Parameters
    ----------
    panel : `location_id`, `time` and the column, at a step of one day.
    location_id : the place.
    column : the value column.
    reference, percentiles, window, least_years : as for `day_of_year_percentiles`.

    Returns
    -------
    A row per day up to the place's last value: `time`, then a column per percentile, `p05` … `p95`, in the column's
    unit. Empty where no day has years enough.

    Raises
    ------
    AlmanacError
        Where the panel cannot be read as daily values, or does not have the place.
    """
    mine = panel[panel["location_id"] == location_id]
    if mine.empty:
        raise AlmanacError("The panel has no place {place}.", hint="Choose a place that is in it.", place=location_id)
    record = read(mine, column, minimum=Minimum(), steps=("1 day",), signed=(column,))
    normals = day_of_year_percentiles(
        record[column],
        record.times,
        percentiles=percentiles,
        reference=reference,
        window=window,
        least_years=least_years,
    )
    end = int(last_present(record[column])[0]) + 1
    shown = record.times[max(0, end - _BAND_DAYS) : end]
    band = pd.DataFrame(normals.values[0, day_slot(shown)], columns=[f"p{level:02g}" for level in percentiles])
    band.insert(0, "time", shown.tz_localize("UTC"))
    return band[band.drop(columns="time").notna().any(axis=1).to_numpy()].reset_index(drop=True)


class _Calendar:
    """Which columns of the values are which day of which reference year."""

    def __init__(
        self, times: pd.DatetimeIndex, reference: tuple[int, int] | None, window: int, least_years: int
    ) -> None:
        if not (isinstance(window, int) and 0 <= window <= 90):
            raise refuse_parameter("window", window, wanted="a number of days from 0 to 90")
        if least_years < 2:
            raise refuse_parameter("least_years", least_years, wanted="at least two years")
        known = (int(times.year.min()), int(times.year.max())) if len(times) else (0, 0)
        self.reference = known if reference is None else (int(reference[0]), int(reference[1]))
        if self.reference[0] > self.reference[1]:
            raise refuse_parameter("reference", reference, wanted="a first and a last year, in this order")
        self._window = window
        used = (times.year >= self.reference[0]) & (times.year <= self.reference[1])
        self._columns = np.flatnonzero(used)
        self._year = np.asarray(times.year)[used] - self.reference[0]
        # Years of the reference before or after the record hold nothing.
        first = int(self._year.min()) if len(self._year) else 0
        self._year = self._year - first
        self.years = int(self._year.max()) + 1 if len(self._year) else 1
        self._slot = day_slot(times)[used]
        self._steps = len(times)

    def chunks(self, places: int) -> list[slice]:
        """The places, some at a time."""
        width = self.years * DAYS * (2 * self._window + 1)
        size = max(1, _CELLS // width)
        return [slice(start, start + size) for start in range(0, places, size)]

    def samples(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places × 366 × years (× days of the window) of values, NaN where none, and how many years have one."""
        offsets = range(-self._window, self._window + 1)
        sample = np.full((len(values), DAYS, self.years, len(offsets)), np.nan)
        for place, offset in enumerate(offsets):
            column = self._columns + offset
            inside = (column >= 0) & (column < self._steps)
            sample[:, self._slot[inside], self._year[inside], place] = values[:, column[inside]]
        years = np.isfinite(sample).any(axis=3).sum(axis=2)
        return sample.reshape(len(values), DAYS, -1), years


def _fill(found: np.ndarray, ordered: np.ndarray, levels: np.ndarray, enough: np.ndarray) -> None:
    """The percentiles of values in ascending order, NaN behind; those beyond the ranks there are stay missing."""
    n = np.isfinite(ordered).sum(axis=2)
    last = ordered.shape[2] - 1
    for i, level in enumerate(levels):
        rank = level / 100 * (n + 1)
        # 25 % of 12 + 1 is exact in arithmetic, not in binary: a rank that is whole but for its last bit is whole.
        rank = np.where(np.abs(rank - np.round(rank)) < 1e-9, np.round(rank), rank)
        lower = np.clip(np.floor(rank).astype(np.int64) - 1, 0, last)
        upper = np.minimum(lower + 1, last)
        low = np.take_along_axis(ordered, lower[..., None], axis=2)[..., 0]
        high = np.take_along_axis(ordered, upper[..., None], axis=2)[..., 0]
        part = rank - np.floor(rank)
        between = np.where(part > 0, low + part * (high - low), low)
        found[..., i] = np.where(enough & (rank >= 1) & (rank <= n), between, np.nan)
