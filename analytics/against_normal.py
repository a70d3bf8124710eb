"""One place's series against its own normal range, and its yearly values with their trend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from analytics.measure import Measured, provisional_codes
from analytics.normals import LEAST_YEARS, PERCENTILES, normal_band
from analytics.trend import mann_kendall, theil_sen
from geodata.dataset import Column, Dataset
from geodata.region import Region

# How much of a series is drawn against its normal, by its step.
_RECENT = {"1 day": pd.DateOffset(years=2), "1 month": pd.DateOffset(years=6), "irregular": pd.DateOffset(years=6)}
# A yearly value needs this share of its steps, and a trend so many years.
_FULL_YEAR = 0.9
_LEAST_TREND = 6


@dataclass(frozen=True, eq=False)
class Normal:
    """The end of a series, and what is normal at that time of the year.

    series : `time` (on the clock in which it is read), `value`, `provisional`
    band : `time` and the percentiles `p05` … `p95` of all years' values at that time of the year; NaN beyond the
        ranks that the years allow
    years : how many years the range is made from
    reference : the first and last of them
    """

    dataset: Dataset
    column: Column
    series: pd.DataFrame
    band: pd.DataFrame
    years: int
    reference: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Trend:
    """A Theil–Sen trend of yearly values.

    slope, low, high : per year, with the limits of the 95 % interval (NaN where the years are too few for them)
    p_value : of Mann and Kendall's test, two-sided, with Hamed and Rao's correction from eleven years on
    years : the first and last year on which it was fitted
    line : its value at these two
    """

    slope: float
    low: float
    high: float
    p_value: float
    years: tuple[int, int]
    line: np.ndarray

    @property
    def sure(self) -> bool:
        """Whether the interval of the slope keeps to one side of zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, eq=False)
class Yearly:
    """A series by calendar year, with its trend.

    years : from the first full year to the last one
    values : the mean (or sum, for columns that add up over time) of each year that is at least 90 % there
    trend : None below six years
    """

    dataset: Dataset
    column: Column
    years: np.ndarray
    values: np.ndarray
    trend: Trend | None


def dataset_of(measured: Measured, place: str) -> Dataset:
    """The dataset that a place's number was made from: of several that were joined, the first that has the column."""
    mine = str(measured.table.at[place, "dataset"]).split()
    return next(d for d in measured.use.datasets if d.id in mine and measured.indicator.needs[0] in d.columns)


def _rows(region: Region, measured: Measured, place: str) -> tuple[Dataset, Column, pd.DataFrame] | None:
    """The series from which a place's number was made: `time` on its clock, `value`, `provisional`; None without one.

    Where an indicator takes columns of several datasets, a place may be in another one alone.
    """
    if measured.indicator.table != "panel" or place not in measured.table.index:
        return None
    if not measured.table.at[place, "dataset"]:
        return None  # a home place without a row
    name = measured.indicator.needs[0]
    dataset = dataset_of(measured, place)
    column = dataset.column(name)
    panel = region.table(dataset.id).iloc[_spans(region, dataset).get(place, slice(0, 0))]
    if panel[name].isna().all():
        return None
    times = panel["time"].dt.tz_convert(region.clock(dataset.step)).dt.tz_localize(None)
    flagged = panel[column.flag].isin(provisional_codes(column)) if column.flag in panel.columns else False
    rows = pd.DataFrame({"time": times, "value": panel[name].astype(float), "provisional": flagged})
    return dataset, column, rows.sort_values("time", ignore_index=True)


@lru_cache(maxsize=32)
def _spans(region: Region, dataset: Dataset) -> dict[str, slice]:
    """Where the rows of each place stand in a panel, which is sorted by place."""
    places = region.table(dataset.id)["location_id"].astype(str).to_numpy(object)
    first = np.flatnonzero(np.append(True, places[1:] != places[:-1])) if len(places) else np.zeros(0, int)
    last = np.append(first[1:], len(places))
    return {str(places[a]): slice(int(a), int(b)) for a, b in zip(first, last, strict=True)}


def against_normal(
    region: Region, measured: Measured, place: str, *, reference: tuple[int, int] | None = None
) -> Normal | None:
    """The last years of a place's series beside what is normal for the time of the year.

    Parameters
    ----------
    reference : the first and last year on which the normal is fitted; None for all years of the series.

    Returns
    -------
    None where the indicator is not made from a series by day or month, or the years are fewer than ten.

    Notes
    -----
    Percentiles are Weibull's, i/(n+1), of all values that fall on the same calendar day (for daily series) or in the
    same calendar month (monthly and irregular ones); no value is given beyond the lowest and highest rank. An irregular
    series counts one value, the mean, for each month of each year, so that years measured more often weigh no more.
    """
    if not any(dataset.step in _RECENT for dataset in measured.use.datasets):
        return None
    found = _rows(region, measured, place)
    if found is None:
        return None
    dataset, column, rows = found
    if dataset.step not in _RECENT:
        return None
    if dataset.step == "irregular":
        monthly = rows.groupby(rows["time"].dt.to_period("M")).agg({"value": "mean", "provisional": "any"})
        rows = monthly.reset_index().assign(time=lambda r: r["time"].dt.to_timestamp())
    first, last = int(rows["time"].dt.year.min()), int(rows["time"].dt.year.max())
    if reference is not None:
        first, last = max(first, reference[0]), min(last, reference[1])
    past = rows[rows["time"].dt.year.between(first, last) & rows["value"].notna()]
    years = int(past["time"].dt.year.nunique())
    if years < LEAST_YEARS:
        return None
    end = rows.loc[rows["value"].notna(), "time"].max()
    recent = rows[(rows["time"] > end - _RECENT[dataset.step]) & (rows["time"] <= end)]
    if dataset.step == "1 day":
        times = pd.date_range(recent["time"].min(), end, freq="D")
    else:
        times = pd.date_range(recent["time"].min(), end, freq="MS")
    recent = recent.set_index("time").reindex(times)
    recent["provisional"] = recent["provisional"].eq(True)
    if dataset.step == "1 day":
        times_utc = rows["time"].dt.tz_localize("UTC")
        panel = pd.DataFrame({"location_id": place, "time": times_utc, column.name: rows["value"]})
        days = normal_band(panel, place, column.name, reference=(first, last), percentiles=PERCENTILES)
        band = days.set_index(days.pop("time").dt.tz_localize(None)).reindex(times).reset_index(drop=True)
    else:
        band = _percentiles(past["time"].dt.month, past["value"]).reindex(times.month).reset_index(drop=True)
    band.insert(0, "time", times)
    series = recent.rename_axis("time").reset_index()
    return Normal(dataset, column, series, band, years, (first, last))


def _percentiles(months: pd.Series, values: pd.Series) -> pd.DataFrame:
    """Weibull percentiles of the values of each calendar month: a row per month, a column per percentile."""
    table = {}
    for month, found in values.groupby(months.to_numpy()):
        ranked = np.sort(found.to_numpy())
        ranks = np.arange(1, len(ranked) + 1) / (len(ranked) + 1) * 100
        table[month] = np.interp(PERCENTILES, ranks, ranked, left=np.nan, right=np.nan)
    return pd.DataFrame.from_dict(table, orient="index", columns=[f"p{p:02d}" for p in PERCENTILES])


def yearly(
    region: Region, measured: Measured, place: str, *, reference: tuple[int, int] | None = None
) -> Yearly | None:
    """A place's values by calendar year, with their trend.

    Parameters
    ----------
    reference : the first and last year on which the trend is fitted; None for all full years.

    Returns
    -------
    None where the indicator is not made from a series, or it has fewer than three full years.
    """
    return yearly_of(region, measured, [place], reference=reference).get(place)


def yearly_of(
    region: Region, measured: Measured, places: Sequence[str], *, reference: tuple[int, int] | None = None
) -> dict[str, Yearly]:
    """The values of many places by calendar year, with their trends: those of `yearly`, fitted together."""
    found: dict[str, Yearly] = {}
    fitted: dict[tuple[int, ...], list[tuple[str, np.ndarray]]] = {}
    for dataset, column, of_these in _by_dataset(measured, places):
        for place, by_year in _years_of(region, dataset, column, of_these):
            known = np.flatnonzero(np.isfinite(by_year.to_numpy()))
            if len(known) < 3:
                continue
            years = by_year.index.to_numpy()[known[0] : known[-1] + 1]
            values = by_year.to_numpy(float)[known[0] : known[-1] + 1]
            found[place] = Yearly(dataset, column, years, values, None)
            within = np.isfinite(values)
            if reference is not None:
                within &= (years >= reference[0]) & (years <= reference[1])
            if within.sum() >= _LEAST_TREND:
                # Places with the same full years are fitted at once.
                fitted.setdefault(tuple(years[within].tolist()), []).append((place, values[within]))
    for years_of_these, rows in fitted.items():
        for place, trend in zip(*_trends(years_of_these, rows), strict=True):
            found[place] = replace(found[place], trend=trend)
    return found


def _by_dataset(measured: Measured, places: Sequence[str]) -> Iterator[tuple[Dataset, Column, list[str]]]:
    """The places whose number was made from a series that has yearly values, by their dataset."""
    if measured.indicator.table != "panel":
        return
    name = measured.indicator.needs[0]
    groups: dict[str, list[str]] = {}
    for place in places:
        if place in measured.table.index and measured.table.at[place, "dataset"]:
            groups.setdefault(dataset_of(measured, place).id, []).append(place)
    for dataset in measured.use.datasets:
        if dataset.id in groups and dataset.column(name).aggregate != "none":
            yield dataset, dataset.column(name), groups[dataset.id]


def _years_of(
    region: Region, dataset: Dataset, column: Column, places: Sequence[str]
) -> Iterator[tuple[str, pd.Series]]:
    """The value of each calendar year at each place; a series of years is one already, and read all at once."""
    spans = _spans(region, dataset)
    panel = region.table(dataset.id)
    zone = region.clock(dataset.step)
    if dataset.step == "1 year":
        years = panel["time"].dt.tz_convert(zone).dt.year.to_numpy()
        values = panel[column.name].to_numpy(float)
        for place in places:
            mine = spans.get(place, slice(0, 0))
            known = np.isfinite(values[mine])
            if known.any():
                first, last = int(years[mine][0]), int(years[mine][-1])
                by_year = np.full(last - first + 1, np.nan)
                by_year[years[mine][known] - first] = values[mine][known]
                yield place, pd.Series(by_year, index=np.arange(first, last + 1))
        return
    for place in places:
        mine_rows = panel.iloc[spans.get(place, slice(0, 0))]
        if mine_rows[column.name].notna().any():
            times = mine_rows["time"].dt.tz_convert(zone).dt.tz_localize(None)
            rows = pd.DataFrame({"time": times, "value": mine_rows[column.name].astype(float)})
            yield place, _by_year(rows.sort_values("time", ignore_index=True), dataset.step, column.aggregate)


def _trends(years: tuple[int, ...], rows: list[tuple[str, np.ndarray]]) -> tuple[list[str], list[Trend]]:
    at, values = np.array(years, dtype=float), np.stack([row for _, row in rows])
    test = mann_kendall(values, autocorrelation="hamed_rao" if len(years) > 10 else "ignore")
    fit = theil_sen(values, at, variance=test["variance"])
    slope = fit["slope"].to_numpy(float)
    ends = at[[0, -1]]
    level = np.median(values - slope[:, None] * at, axis=1)
    lines = level[:, None] + slope[:, None] * ends
    limits = zip(slope, fit["low"], fit["high"], test["p_value"], lines, strict=True)
    trends = [
        Trend(float(s), float(low), float(high), float(p), (years[0], years[-1]), line)
        for s, low, high, p, line in limits
    ]
    return [place for place, _ in rows], trends


def _by_year(rows: pd.DataFrame, step: str, aggregate: str) -> pd.Series:
    """The value of each calendar year from the first to the last; NaN where too few of its steps are there.

    For steps shorter than a year.
    """
    by_year = rows.groupby(rows["time"].dt.year)["value"]
    totals = by_year.sum() if aggregate == "sum" else by_year.mean()
    if step == "irregular":
        # Of an irregular series a year counts where at least nine of its months were measured.
        months = rows.dropna(subset="value").groupby("time", sort=False).first()
        counts = months.groupby(months.index.year).apply(lambda year: year.index.month.nunique())
        full = counts.reindex(totals.index, fill_value=0) >= 9
    else:
        in_year = {"1 day": 365, "1 month": 12, "1 hour": 8760, "15 minutes": 35040, "5 minutes": 105120}.get(step, 1)
        full = by_year.count() >= _FULL_YEAR * in_year
    every = range(int(totals.index.min()), int(totals.index.max()) + 1)
    return totals.where(full).reindex(every)
