"""One series of a file that belongs to no region: read, checked, and made a history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
from pandas.api.types import is_datetime64_any_dtype as is_datetime

from analytics.history import History, history_of
from geodata.errors import BrokenData
from geodata.search import nearest


def read_series(
    file: Path,
    *,
    time: str,
    value: str,
    location: str | None = None,
    drivers: Sequence[str] = (),
    locations: Path | None = None,
    holidays: str = "",
    timezone: str = "UTC",
) -> History:
    """A history out of a CSV or Parquet file with one row per place and time.

    Parameters
    ----------
    time, value, location, drivers : names of columns. Without `location` the file is about one place.
    locations : a file with the location column and `longitude` and `latitude` in degrees, or `x` and `y` in metres.

    Raises
    ------
    BrokenData
        Where a file cannot be read, a column is absent, or a value is no number or no time.
    """
    table = _read_table(file)
    for column in (time, value, *([location] if location else []), *drivers):
        if column not in table.columns:
            near = nearest(column, [str(c) for c in table.columns])
            raise BrokenData(
                "{file} has no column “{column}”.",
                hint="Did you mean “{near}”?" if near else "It has: {columns}.",
                file=file.name,
                column=column,
                near=near,
                columns=tuple(map(str, table.columns[:12])),
            )
    panel = pd.DataFrame(
        {
            "location_id": table[location].astype(str) if location else file.stem,
            "time": _times(table[time], file, time),
            **{column: _numbers(table[column], file, column) for column in (value, *drivers)},
        }
    )
    return history_of(
        panel[["location_id", "time", value]],
        value,
        drivers={name: panel[["location_id", "time", name]] for name in drivers},
        positions=None if locations is None else _positions(locations, location or "location_id"),
        holidays=holidays,
        timezone=timezone,
    )


def _read_table(file: Path) -> pd.DataFrame:
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        # Places may be called 01013500: read as text first, so that no zero is lost.
        return pd.read_csv(file, dtype=str, keep_default_na=False, na_values=["", "NA", "NaN", "nan", "null"])
    except FileNotFoundError as error:
        raise BrokenData("There is no file {file}.", hint="Check its path and name.", file=str(file)) from error
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise BrokenData(
            "{file} cannot be read as a table: {why}.",
            hint="Hand over a CSV file in UTF-8 with a header, or a Parquet file.",
            file=file.name,
            why=" ".join(str(error).split())[:200].rstrip("."),
        ) from error


def _times(found: pd.Series, file: Path, column: str) -> pd.Series:
    times = pd.to_datetime(found, utc=True, errors="coerce", format=None if is_datetime(found) else "ISO8601")
    wrong = times.isna().to_numpy()
    if wrong.any():
        raise BrokenData(
            "{file}: {n} values of {column} are no times, the first “{found}” in row {row}.",
            hint="Write times as 2012-03-01T08:05; those without a zone are taken as UTC.",
            **_facts(found, wrong, file, column),
        )
    return times


def _numbers(found: pd.Series, file: Path, column: str) -> pd.Series:
    numbers = pd.to_numeric(found, errors="coerce").astype(float)
    wrong = (numbers.isna() & found.notna()).to_numpy()
    if wrong.any():
        raise BrokenData(
            "{file}: {n} values of {column} are no numbers, the first “{found}” in row {row}.",
            hint="Leave missing values empty.",
            **_facts(found, wrong, file, column),
        )
    return numbers


def _facts(found: pd.Series, wrong: np.ndarray, file: Path, column: str) -> dict[str, object]:
    """How many values of a column are wrong, and the first of them."""
    return {
        "file": file.name,
        "n": int(wrong.sum()),
        "column": column,
        "found": str(found[wrong].iloc[0])[:40],
        "row": int(np.flatnonzero(wrong)[0]) + 1,
    }


def _positions(file: Path, location: str) -> pd.DataFrame:
    """By `location_id`, `x` and `y` in metres; degrees are projected about their own middle."""
    table = _read_table(file)
    ids = next((c for c in (location, "location_id") if c in table.columns), None)
    pair = next((p for p in (("longitude", "latitude"), ("x", "y")) if set(p) <= set(table.columns)), None)
    if ids is None or pair is None:
        raise BrokenData(
            "{file} has the columns {columns}.",
            hint="Give it {location}, and longitude and latitude in degrees or x and y in metres.",
            file=file.name,
            columns=tuple(map(str, table.columns[:12])),
            location=location,
        )
    first, second = (_numbers(table[c], file, c).to_numpy() for c in pair)
    if pair[0] == "longitude":
        local = pyproj.CRS(f"+proj=aeqd +lon_0={np.nanmean(first)} +lat_0={np.nanmean(second)} +units=m")
        first, second = pyproj.Transformer.from_crs(4326, local, always_xy=True).transform(first, second)
    return pd.DataFrame({"x": first, "y": second}, index=table[ids].astype(str))
