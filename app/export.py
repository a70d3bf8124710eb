"""Tables as files to take away: CSV that opens safely in a spreadsheet, Parquet as stored, and their source."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from app.dataset_words import column_title, dataset_title, licence_words, package_words
from app.publication_words import provenance_facts
from app.text import day, period, said, t
from geodata.dataset import Dataset
from geodata.publication import attachment

# Without this mark Excel takes UTF-8 for the machine's own code page and spoils every Chinese name.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
EXCEL_ROWS = 1_048_576  # of a sheet, its header included
_SAMPLE = 2_000

# What a spreadsheet skips before it looks whether a cell is a formula, and what makes it one; in Chinese and
# Japanese settings the full-width signs do so too. A cell may also be split at a semicolon where that is the
# list separator, so the beginning of each part counts.
_SKIPPED = r"[\s\x00-\x1f\u00ad\u200b-\u200f\u2028-\u202f\u2060\ufeff\"'“”‘’«»`]*"
_FORMULA = re.compile(rf"(^(?=[\t\r\n])|(?:^|[;\t\r\n])(?={_SKIPPED}[=+\-@＝＋－＠]))")


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula: where one would begin, an apostrophe stands before it.

    Examples
    --------
    >>> guarded("=1+1"), guarded(" @SUM(A1)"), guarded("Dan River = north"), guarded("-5")
    ("'=1+1", "' @SUM(A1)", 'Dan River = north', "'-5")
    """
    return _FORMULA.sub(r"\1'", text)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A panel or a layer as CSV for spreadsheets and scripts alike.

    Parameters
    ----------
    table : a panel, or a layer with its ids as index; not changed.

    Returns
    -------
    UTF-8 with a byte-order mark; moments as ISO 8601 in UTC; missing values empty; numbers as numbers and
    text that would be taken for a formula guarded. Of a geometry only a point within it is written, as
    `longitude` and `latitude` in degrees.
    """
    out = BytesIO(BYTE_ORDER_MARK)
    out.seek(0, 2)
    pyarrow.csv.write_csv(_plain_columns(table), out)
    return out.getvalue()


def csv_size(table: pd.DataFrame) -> int:
    """About how many bytes `csv_bytes` would make, from a sample of the rows."""
    if len(table) <= _SAMPLE:
        return len(csv_bytes(table))
    sample = table.iloc[np.linspace(0, len(table) - 1, _SAMPLE).astype(int)]
    return round(len(csv_bytes(sample)) / _SAMPLE * len(table))


def parquet_bytes(dataset: Dataset, table: pd.DataFrame) -> bytes:
    """The dataset's own file, which `source_text` gives the checksum of; with what was appended, made anew."""
    if not dataset.appended:
        return dataset.path.read_bytes()
    out = BytesIO()
    table.to_parquet(out, index=False, compression="zstd")
    return out.getvalue()


def zipped(dataset: Dataset) -> bytes:
    """The files that go with what an analyst published: its code as it was run, its golden case and its numbers.

    Raises
    ------
    BrokenData
        When one is absent or not the one that was published.
    """
    assert dataset.publication is not None, f"{dataset.id} was not published from a notebook"
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in dataset.publication.attachments:
            archive.writestr(name, attachment(dataset, name))
    return out.getvalue()


def source_text(dataset: Dataset) -> bytes:
    """Who made a dataset, its licence, how to cite it, what its columns mean and its flaws, to go with the file.

    In the reader's language, as UTF-8 with a byte-order mark.
    """
    lines = [
        dataset_title(dataset),
        said(dataset.summary),
        "",
        t("{label}: {text}", label=t("Dataset"), text=dataset.id),
        t("{label}: {text}", label=t("Producer"), text=dataset.producer),
        t("{label}: {text}", label=t("Licence"), text=licence_words(dataset)),
        t("{label}: {text}", label=t("Citation"), text=dataset.citation),
        t("{label}: {text}", label=t("Observed"), text=period(dataset.observed_from, dataset.observed_to)),
        t("{label}: {text}", label=t("Step"), text=said(dataset.step)),
        t("{label}: {text}", label=t("Retrieved"), text=day(dataset.retrieved)),
        *_origin(dataset),
        f"SHA-256 ({dataset.id}.parquet): {dataset.sha256}",
        "",
        t("Columns"),
        f"location_id: {t('the id of the place; import it as text to keep leading zeros')}",
    ]
    if dataset.kind == "panel":
        lines.append(f"time: {t('the start of the interval, in UTC')}")
    for column in dataset.columns.values():
        lines.append(f"{column.name}: {column_title(column)}")
        lines += [f"  {column.flag} {mark}: {said(meaning)}" for mark, meaning in column.flags.items()]
    lines += ["", t("Known flaws"), *(f"- {said(flaw)}" for flaw in dataset.flaws or (t("None is known."),))]
    if dataset.appended:
        lines += ["", t("Observations were appended to the file since; the checksum is that of the file before.")]
    lines += ["", t("In the CSV file, an apostrophe stands before text that a spreadsheet would take for a formula.")]
    return BYTE_ORDER_MARK + "\r\n".join(lines).encode() + b"\r\n"


def _origin(dataset: Dataset) -> list[str]:
    """Where a dataset was taken from, or how an analyst's result came about."""
    if dataset.publication is not None:
        return [t("{label}: {text}", label=label, text=text) for label, text in provenance_facts(dataset)]
    taken = [] if dataset.package is None else [(t("Taken from"), package_words(dataset.package))]
    return [t("{label}: {text}", label=label, text=text) for label, text in [(t("Address"), dataset.url), *taken]]


def _plain_columns(table: pd.DataFrame) -> pa.Table:
    """The columns as numbers and guarded text only."""
    columns: dict[str, pa.Array] = {}
    if table.index.name is not None:
        columns[table.index.name] = _text(table.index.to_series())
    for name, values in table.items():
        if isinstance(values, gpd.GeoSeries):
            points = values.to_crs(4326).representative_point() if values.crs else values.representative_point()
            columns["longitude"], columns["latitude"] = (pa.array(axis.round(6)) for axis in (points.x, points.y))
        elif isinstance(values.dtype, pd.DatetimeTZDtype):
            columns[guarded(str(name))] = _moments(values)
        elif pd.api.types.is_numeric_dtype(values.dtype):
            columns[guarded(str(name))] = pa.array(values, from_pandas=True)
        else:
            columns[guarded(str(name))] = _text(values)
    return pa.table(columns)


def _text(values: pd.Series) -> pa.Array:
    """Text, guarded; each different one is looked at once."""
    codes, different = pd.factorize(values)
    safe = pa.array([guarded(str(word)) for word in different], pa.string())
    return safe.take(pa.array(codes, mask=codes < 0))


def _moments(times: pd.Series) -> pa.Array:
    """Moments as ISO 8601 in UTC; each different one is written once."""
    codes, different = pd.factorize(times.dt.tz_convert("UTC").dt.tz_localize(None))
    whole = bool((different == different.floor("s")).all())
    written = np.datetime_as_string(different.to_numpy(), unit="s" if whole else "us")
    safe = pa.array([f"{moment}Z" for moment in written], pa.string())
    return safe.take(pa.array(codes, mask=codes < 0))
