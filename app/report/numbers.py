"""Exactly the numbers that a report prints, each with its unit, time, completeness and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analytics.cube import Cube
from analytics.finding import Finding
from analytics.glance import KeyFigure
from analytics.latest import latest
from geodata.dataset import Column, Dataset
from geodata.region import Region

COLUMNS = (
    *("location_id", "name", "what", "made", "time", "value", "low", "high", "unit", "class", "standard", "n"),
    *("completeness", "observed_from", "observed_to", "rank", "of", "datasets"),
)
# What makes two rows the same number: a sheet and the map print it both, but it is one number.
_KEY = ["location_id", "what", "made", "time"]
SERIES = ("location_id", "series", "time", "kind", "value", "low_80", "high_80", "low_95", "high_95")


class Numbers:
    """Collects what pages print; a number that several pages print is kept once.

    `made` says what a number is: "value" as its producer or an analyst published it, "indicator", "forecast"; "mean",
    "sum" or "last" of the values within the step that a map shows; or, of a key figure of the region, "total" or
    "median" over its places.
    """

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._maps: list[pd.DataFrame] = []
        self._series: list[tuple[str, str, pd.DataFrame, np.ndarray]] = []

    def add_indicator(
        self, place: str, name: str, found: Finding, row: Mapping[str, Any], rank: tuple[float, int] | None = None
    ) -> None:
        """An indicator at a place, from its row of `Measured.table`; `rank` is printed where it has no class."""
        label = found.labels[place]
        self._rows.append(
            {
                "location_id": place,
                "name": name,
                "what": found.indicator.id,
                "made": "indicator",
                "value": row["value"],
                "low": row["low"],
                "high": row["high"],
                "unit": found.indicator.canonical_unit.code,
                "class": label if pd.notna(label) else None,
                "standard": found.standard.id if found.standard is not None else None,
                "n": row["n"],
                "completeness": row["completeness"],
                "observed_from": _day(row["observed_from"]),
                "observed_to": _day(row["observed_to"]),
                "rank": rank[0] if rank is not None else None,
                "of": rank[1] if rank is not None else None,
                "datasets": _made_from(found, row["dataset"]),
            }
        )

    def add_value(self, place: str, name: str, dataset: Dataset, column: Column, row: Mapping[str, Any]) -> None:
        """The last value of a series, from its row of `analytics.latest.latest`."""
        self._rows.append(
            {
                "location_id": place,
                "name": name,
                "what": f"{dataset.id}.{column.name}",
                "made": "value",
                "time": row["time"].isoformat() if pd.notna(row["time"]) else None,
                "value": row["value"],
                "unit": column.canonical_unit.code,
                "n": row["n"],
                "completeness": row["completeness"],
                "observed_from": _day(row["first"]) or dataset.observed_from.isoformat(),
                "observed_to": _day(row["time"]) or dataset.observed_to.isoformat(),
                "rank": row["rank"],
                "of": row["of"],
                "datasets": dataset.id,
            }
        )

    def add_indicator_map(self, region: Region, found: Finding) -> None:
        """An indicator at all places of its map; those without a value stand there without one."""
        table = found.measured.table.loc[found.measured.layer(region).index]
        self._maps.append(
            pd.DataFrame(
                {
                    "location_id": table.index,
                    "name": _names(region, table.index),
                    "what": found.indicator.id,
                    "made": "indicator",
                    "value": table["value"].to_numpy(float),
                    "low": table["low"].to_numpy(float),
                    "high": table["high"].to_numpy(float),
                    "unit": found.indicator.canonical_unit.code,
                    "class": _known(found.labels.reindex(table.index)),
                    "standard": found.standard.id if found.standard is not None else None,
                    "n": table["n"].to_numpy(),
                    "completeness": table["completeness"].to_numpy(float),
                    "observed_from": _days(table["observed_from"]),
                    "observed_to": _days(table["observed_to"]),
                    "datasets": _known(table["dataset"].map(lambda ids: _made_from(found, ids))),
                }
            )
        )

    def add_series_map(self, region: Region, dataset: Dataset, column: Column, shown: Cube, at: int) -> None:
        """A series at all places that have a value at the step that its map shows."""
        values = shown.at(at).dropna()
        record = latest(region, dataset, column.name).reindex(values.index)
        time = _moment(region, dataset, shown.times[at]) if len(shown.times) else None
        starts = pd.Series(_days(record["first"])).fillna(dataset.observed_from.isoformat())
        ends = pd.Series(_days(record["time"])).fillna(dataset.observed_to.isoformat())
        self._maps.append(
            pd.DataFrame(
                {
                    "location_id": values.index,
                    "name": _names(region, values.index),
                    "what": f"{dataset.id}.{column.name}",
                    "made": shown.made or "value",
                    "time": time,
                    "value": values.to_numpy(float),
                    "unit": column.canonical_unit.code,
                    "n": record["n"].to_numpy(),
                    "completeness": record["completeness"].to_numpy(float),
                    "observed_from": starts.to_numpy(object),
                    "observed_to": ends.to_numpy(object),
                    "datasets": dataset.id,
                }
            )
        )

    def add_key_figure(self, region: Region, figure: KeyFigure) -> None:
        """One number for the whole region, and what it was before where that is told."""
        made = {"total": "total", "middle": "median", "only": "value"}[figure.how]
        for value, time in ((figure.value, figure.time), (figure.earlier, figure.earlier_time)):
            if value is None:
                continue
            start, end = figure.dataset.observed_from.isoformat(), figure.dataset.observed_to.isoformat()
            self._rows.append(
                {
                    "location_id": region.id,
                    "name": region.name,
                    "what": f"{figure.dataset.id}.{figure.column.name}",
                    "made": made,
                    "time": _moment(region, figure.dataset, time) if time is not None else None,
                    "value": value,
                    "unit": figure.column.canonical_unit.code,
                    "n": figure.places,
                    "completeness": figure.places / figure.of,
                    "observed_from": _day(time) or start,
                    "observed_to": _day(time) or end,
                    "datasets": figure.dataset.id,
                }
            )

    def add_expected(self, place: str, name: str, dataset: Dataset, column: Column, fan: pd.DataFrame) -> None:
        """What is expected at the first and last step, with its 80 % limits."""
        mean, low, high = (fan[c].to_numpy(float) for c in ("mean", "low_80", "high_80"))
        known = np.flatnonzero(np.isfinite(mean))
        for at in dict.fromkeys((*known[:1].tolist(), *known[-1:].tolist())):
            self._rows.append(
                {
                    "location_id": place,
                    "name": name,
                    "what": f"{dataset.id}.{column.name}",
                    "made": "forecast",
                    "time": fan["time"].iloc[at].isoformat(),
                    "value": mean[at],
                    "low": low[at],
                    "high": high[at],
                    "unit": column.canonical_unit.code,
                    "datasets": dataset.id,
                }
            )

    def add_series(self, place: str, series: str, points: pd.DataFrame, kind: str) -> None:
        """The points of a chart: `time` and `value`; `kind` says what they are, such as "observed"."""
        self._series.append((place, series, points, np.full(len(points), kind, dtype=object)))

    def add_forecast(self, place: str, series: str, fan: pd.DataFrame) -> None:
        """The points of a fan: `time` (UTC), `mean`, its limits, and `by_model`."""
        self._series.append((place, series, fan, np.where(fan["by_model"].to_numpy(bool), "model", "guess")))

    def table(self) -> pd.DataFrame:
        """Every number printed, one row each."""
        rows = pd.DataFrame(self._rows, columns=list(COLUMNS))
        maps = [one.reindex(columns=list(COLUMNS)) for one in self._maps]
        if maps:
            plain = [one.astype(object) for one in (rows, *maps) if len(one)]
            rows = pd.concat(plain, ignore_index=True).infer_objects() if plain else rows
        return rows.drop_duplicates(_KEY, ignore_index=True)

    def series(self) -> pd.DataFrame:
        """The points of all charts, their times in UTC or, for whole days, months and years, as these are called."""
        if not self._series:
            return pd.DataFrame(columns=list(SERIES))
        lengths = [len(points) for _, _, points, _ in self._series]
        found = {
            "location_id": np.repeat([place for place, *_ in self._series], lengths),
            "series": np.repeat([series for _, series, *_ in self._series], lengths),
            "time": np.concatenate([points["time"].to_numpy("datetime64[us]") for _, _, points, _ in self._series]),
            "kind": np.concatenate([kinds for *_, kinds in self._series]),
        }
        for column in SERIES[4:]:
            found[column] = np.concatenate([_numbers(points, column) for _, _, points, _ in self._series])
        return pd.DataFrame(found)


def _made_from(found: Finding, ids: Any) -> Any:
    """The ids of the datasets behind a number, that first in which an analyst published it."""
    published = found.indicator.published
    if published is None:
        return ids
    behind = str(ids).split() if pd.notna(ids) else []
    return " ".join(dict.fromkeys((published.dataset, *behind)))


def _day(moment: Any) -> str | None:
    return pd.Timestamp(moment).date().isoformat() if pd.notna(moment) else None


def _moment(region: Region, dataset: Dataset, local: pd.Timestamp) -> str:
    """A moment on the region's clock in UTC, as ISO writes it."""
    placed = local.tz_localize(region.clock(dataset.step), ambiguous=True, nonexistent="shift_forward")
    return str(placed.tz_convert("UTC").isoformat())


def _days(moments: pd.Series) -> np.ndarray:
    """Moments as ISO days; None where there is none."""
    return _known(pd.to_datetime(moments).dt.strftime("%Y-%m-%d"))


def _known(values: pd.Series) -> np.ndarray:
    """Values as objects; None where they are missing."""
    return values.astype(object).where(values.notna(), None).to_numpy(object)


def _names(region: Region, places: pd.Index) -> np.ndarray:
    """What places are called: by their id where they have no name."""
    names = region.places()["name"].reindex(places).fillna("").astype(str)
    return np.where(names == "", places, names)


def _numbers(points: pd.DataFrame, name: str) -> np.ndarray:
    """A column of a chart's points; a fan calls its values `mean`, and only a fan has limits."""
    column = "mean" if name == "value" and "mean" in points else name
    return points[column].to_numpy(float) if column in points else np.full(len(points), np.nan)
