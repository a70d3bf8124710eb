"""A series of a region as forecasters learn from it: with its positions, its drivers, its holidays and its clock."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.history import History, history_of
from geodata.dataset import Dataset
from geodata.errors import AlmanacError
from geodata.region import Region


def history_for(region: Region, series: str) -> History:
    """A series of a region with its positions, drivers, holidays and clock.

    Raises
    ------
    AlmanacError
        Where the series does not exist, or keeps no step.
    """
    dataset, column = region.series(series)
    if dataset.timeless:
        raise AlmanacError(
            "{series} holds one value for each place, and a forecast needs a series.",
            hint="Choose a dataset with a time step; the Data page lists them.",
            series=series,
        )
    panel = region.table(dataset.id)[["location_id", "time", column.name]]
    drivers = {name: _driver(region, name, dataset.step) for name in region.drivers.get(series, ())}
    return history_of(
        panel,
        column.name,
        drivers=drivers,
        positions=_positions(region, dataset),
        holidays=region.holidays,
        timezone=region.timezone,
    )


def _positions(region: Region, dataset: Dataset) -> pd.DataFrame | None:
    if dataset.locations is None:
        return None
    points = region.layer_of(dataset).to_crs(region.crs_metric).geometry.representative_point()
    return pd.DataFrame({"x": points.x, "y": points.y})


def _driver(region: Region, series: str, step: str) -> pd.DataFrame:
    """A driver on the step of what it drives: a rate or mean of a month is that of each of its days."""
    dataset, column = region.series(series)
    panel = region.table(dataset.id)[["location_id", "time", column.name]]
    if dataset.step != "1 month" or step in ("1 month", "1 year"):
        return panel
    days = panel["time"].dt.days_in_month
    spread = panel.loc[panel.index.repeat(days)]
    first = ~spread.index.duplicated()
    into = np.arange(len(spread)) - np.maximum.accumulate(np.where(first, np.arange(len(spread)), 0))
    return spread.assign(time=spread["time"] + pd.to_timedelta(into, unit="D")).reset_index(drop=True)
