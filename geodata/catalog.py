"""What data exist, who made them, under which licence, how fresh and how complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from geodata.dataset import Column, Dataset, Theme, read_dataset, read_published, unknown_name
from geodata.described import read_toml
from geodata.errors import AlmanacError, BrokenData
from geodata.search import Document, Index
from geodata.settings import settings
from geodata.store import Store

if TYPE_CHECKING:
    from geodata.profile import DatasetProfile


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
            raise unknown_name(dataset_id, self._datasets)
        return self._datasets[dataset_id]

    def get(self, dataset_id: str, default: Any = None) -> Any:
        """The dataset of this id; `default` where there is none, or its description is broken."""
        # A mapping's own way waits for a KeyError; the error of this one says more than that.
        return self._datasets.get(dataset_id, default)

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
            region=f"{d.region} {_region_name(settings().regions / d.region / 'region.toml')}",
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
    """The catalogue of everything that is described in the sources folder, with what was appended and published."""
    here = settings()
    store = Store(here.observations)
    grown = tuple((dataset_id, store.commits(dataset_id)) for dataset_id in store.datasets())
    stamps = (_stamp(here.sources), _stamp(here.publications))
    return _open_catalog(here.sources, here.regions, here.publications, stamps, grown)


@lru_cache(maxsize=8)
def _open_catalog(
    sources: Path, regions: Path, publications: Path, stamps: tuple[int, int], grown: tuple[tuple[str, int], ...]
) -> Catalog:
    datasets: dict[str, Dataset] = {}
    broken: dict[str, AlmanacError] = {}
    for path in sorted(sources.glob("*.toml")):
        try:
            datasets[path.stem] = read_dataset(path, regions, appended=dict(grown).get(path.stem, 0))
        except AlmanacError as error:
            broken[path.stem] = error
    published: dict[str, Dataset] = {}
    for path in sorted(publications.glob("*.toml")):
        try:
            published[path.stem] = read_published(path, datasets)
        except AlmanacError as error:
            # Under a name that no dataset has: a publication never takes one down.
            broken[f"{publications.name}/{path.stem}"] = error
    return Catalog({**datasets, **published}, broken)


def _stamp(folder: Path) -> int:
    """A number that changes when a description is added, removed or edited, so that caches notice."""
    stamps = []
    for path in sorted(folder.glob("*.toml")):
        with suppress(FileNotFoundError):  # withdrawn by another process just now
            stamps.append((path.name, path.stat().st_mtime_ns))
    return hash(tuple(stamps))
