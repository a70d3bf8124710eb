"""A stored report made again: the same numbers, or what changed and whether data, model or method changed it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from app.report.bundle import LIMITS, numbers_bytes, read_numbers, read_series, series_bytes
from app.report.manifest import NUMBERS, SERIES, SETTING, Manifest, code, packages, read_manifest, vintages
from app.report.write import make_report, write_report
from app.text import listed, tn, together
from geodata.errors import AlmanacError
from geodata.region import Region, load_region

Cause = Literal["data", "model", "method", "unknown"]
COLUMNS = ("location_id", "name", "what", "time", "change", "field", "before", "after", "cause")
_NUMBER_KEYS = ("location_id", "what", "made", "nth")
_NUMBER_FIELDS = (
    *("value", "low", "high", "unit", "class", "standard", "n", "completeness", "time", "observed_from", "observed_to"),
)
_POINT_KEYS = ("location_id", "what", "made", "time", "nth")
_POINT_FIELDS = ("value", *LIMITS)


@dataclass(frozen=True, eq=False)
class Again:
    """What became of a report when it was made again.

    equal : whether every number and every point of a chart is the same
    table : what is not, with the columns `COLUMNS`, one row for each field of a number or point: `what` is the
        indicator or series, `change` "changed", "gone" or "new", `field` which of its columns (of what is gone or new:
        the value), `before` and `after` its content, `cause` a `Cause`
    n : how many numbers were printed before
    datasets : those that are no longer the same, or had observations appended
    written : the files of the new report; empty where none was wanted
    """

    equal: bool
    table: pd.DataFrame
    n: int
    datasets: tuple[str, ...]
    written: tuple[Path, ...]


def again(manifest: Path, out: Path | None = None, progress: Callable[[int, int], None] | None = None) -> Again:
    """Makes a stored report again and compares every number.

    A cause is the first of these that holds: "data", when a dataset that the number rests on has another checksum or
    had observations appended; "model", when the number is a forecast and the code or the packages behind forecasts
    changed; "method", when it is none and the code, the standards or the packages behind indicators and values
    changed, or when it is gone or new and the code that chooses what is printed changed; "unknown".

    Parameters
    ----------
    manifest : the file `manifest.json` of a bundle; nothing it says is trusted.
    out : where to write the new report; None only compares.
    progress : called with how many pages are made, and of how many.

    Raises
    ------
    AlmanacError
        When the manifest is none or was changed, a dataset of the report is gone, or the report cannot be made.
    """
    found = read_manifest(manifest)
    before = read_numbers(found.file(NUMBERS))
    points = read_series(found.file(SERIES))
    region = _region(found)
    if out is not None:
        pictures = any(name.endswith(".png") and name.startswith("figures/") for name in found.files)
        written = write_report(found.request, out, progress, pictures=pictures)
        folder = written[-1].parent
        after, later = read_numbers(folder / NUMBERS), read_series(folder / SERIES)
    else:
        written = []
        after, later = _made(found, progress)
    table = pd.concat(
        [
            _compared(_numbered(before), _numbered(after), _NUMBER_KEYS, _NUMBER_FIELDS),
            _compared(_pointed(points, before), _pointed(later, after), _POINT_KEYS, _POINT_FIELDS),
        ],
        ignore_index=True,
    )
    changed = _changed(found, region)
    table = table.assign(cause=_causes(table, found, region, changed))[list(COLUMNS)]
    return Again(table.empty, table, len(before), changed, tuple(written))


def again_words(result: Again) -> str:
    """What became of the numbers, in the reader's language."""
    if result.equal:
        return tn(
            "The report was made again: its {n} number is the same, and so are the points of its charts.",
            "The report was made again: all its {n} numbers are the same, and so are the points of its charts.",
            result.n,
        )
    counts = result.table["cause"].value_counts()
    words = [
        tn(
            "The report was made again: {n} entry is no longer the same.",
            "The report was made again: {n} entries are no longer the same.",
            len(result.table),
        )
    ]
    if n := int(counts.get("data", 0)):
        words.append(
            tn(
                "The data changed {n} of them: {datasets}.",
                "The data changed {n} of them: {datasets}.",
                n,
                datasets=listed(result.datasets),
            )
        )
    if n := int(counts.get("model", 0)):
        words.append(tn("A changed model changed {n} of them.", "Changed models changed {n} of them.", n))
    if n := int(counts.get("method", 0)):
        words.append(tn("A changed method changed {n} of them.", "Changed methods changed {n} of them.", n))
    if n := int(counts.get("unknown", 0)):
        words.append(
            tn(
                "What changed {n} of them is not known: the data, models and methods behind them are those of then.",
                "What changed {n} of them is not known: the data, models and methods behind them are those of then.",
                n,
            )
        )
    return together(words)


def _region(manifest: Manifest) -> Region:
    """The region, once every dataset of the report is known to be there and whole."""
    region = load_region(manifest.request.region)
    here = {d.id: d for d in region.datasets}
    for dataset_id, then in manifest.datasets.items():
        if dataset_id not in here:
            raise AlmanacError(
                "The dataset {dataset}, which the report was made from, is gone from the region {region}.",
                hint="Put back its description and its file as retrieved on {day}, or make a new report without it.",
                dataset=dataset_id[:100],
                region=region.id,
                day=then.retrieved[:10],
            )
        here[dataset_id].check()
    return region


def _made(manifest: Manifest, progress: Callable[[int, int], None] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The numbers and points of the report made anew, through the same files as those of then."""
    report = make_report(manifest.request, progress)
    with tempfile.TemporaryDirectory(prefix="almanac-again-") as folder:
        numbers, series = Path(folder) / NUMBERS, Path(folder) / SERIES
        numbers.write_bytes(numbers_bytes(report.numbers))
        series.write_bytes(series_bytes(report.series))
        return read_numbers(numbers), read_series(series)


def _numbered(numbers: pd.DataFrame) -> pd.DataFrame:
    """Numbers with their place among those that have the same names, such as the first and last step of a forecast."""
    return numbers.assign(nth=numbers.groupby(["location_id", "what", "made"], dropna=False).cumcount())


def _pointed(points: pd.DataFrame, numbers: pd.DataFrame) -> pd.DataFrame:
    """The points of charts as numbers are: named, and with the dataset that they are from."""
    names = numbers.drop_duplicates("location_id").set_index("location_id")["name"]
    made = np.where(points["kind"].isin(["model", "guess"]), "forecast", points["kind"])
    told = points.rename(columns={"series": "what"}).assign(
        made=made, name=points["location_id"].map(names), datasets=points["series"].str.split(".", n=1).str[0]
    )
    return told.assign(nth=told.groupby(["location_id", "what", "made", "time"], dropna=False).cumcount())


def _compared(before: pd.DataFrame, after: pd.DataFrame, keys: Sequence[str], fields: Sequence[str]) -> pd.DataFrame:
    """What differs between two tables, one row for each field, with the datasets of both sides."""
    both = before.merge(after, on=list(keys), how="outer", suffixes=("_before", "_after"), indicator="side")
    time = "time" if "time" in keys else both["time_before"].fillna(both["time_after"])
    told = pd.DataFrame(
        {
            "location_id": both["location_id"],
            "name": both["name_before"].fillna(both["name_after"]),
            "what": both["what"],
            "time": both["time"] if isinstance(time, str) else time,
            "made": both["made"],
            "datasets": both["datasets_before"].fillna("") + " " + both["datasets_after"].fillna(""),
        }
    )
    parts = []
    for field in fields:
        then, now = both[f"{field}_before"], both[f"{field}_after"]
        differs = (both["side"] == "both") & ~((then == now) | (then.isna() & now.isna()))
        parts.append((field, differs, "changed"))
    parts += [("value", both["side"] == "left_only", "gone"), ("value", both["side"] == "right_only", "new")]
    return pd.concat(
        [
            told[rows].assign(
                change=change,
                field=field,
                before=both.loc[rows, f"{field}_before"].astype(object),
                after=both.loc[rows, f"{field}_after"].astype(object),
            )
            for field, rows, change in parts
        ],
        ignore_index=True,
    )


def _changed(manifest: Manifest, region: Region) -> tuple[str, ...]:
    """The datasets of the report that are no longer the same."""
    now = vintages(region.dataset(dataset_id) for dataset_id in manifest.datasets)
    return tuple(
        dataset_id
        for dataset_id, then in manifest.datasets.items()
        if (then.sha256, then.appended) != (now[dataset_id].sha256, now[dataset_id].appended)
    )


def _causes(table: pd.DataFrame, manifest: Manifest, region: Region, changed: Sequence[str]) -> np.ndarray:
    """Why each row of a comparison is not the same."""
    # With the layer change the positions of the places that lie on it, with a driver what it drives.
    moved = {d.id for d in region.datasets if d.locations in changed}
    driven = {what for what, by in region.drivers.items() if any(s.partition(".")[0] in changed for s in by)}
    used = table["datasets"].str.split().explode()
    other = used.isin([*changed, *moved]) | (used.notna() & ~used.isin(list(manifest.datasets)))
    forecast = table["made"] == "forecast"
    data = other.groupby(level=0).any().reindex(table.index, fill_value=False) | (forecast & table["what"].isin(driven))
    before, now = ({k: v for k, v in p.items() if k not in SETTING} for p in (manifest.packages, packages()))
    code_now = code()
    model = before != now or manifest.code.get("model") != code_now["model"]
    method = before != now or manifest.code.get("method") != code_now["method"]
    chosen = (table["change"] != "changed") & (manifest.code.get("report") != code_now["report"])
    causes = [data, forecast & model, (~forecast & method) | chosen]
    return np.select(causes, ["data", "model", "method"], "unknown")
