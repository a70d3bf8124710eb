"""A region: its outline, its clock, its metric projection, its layers and panels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from geodata.catalog import Catalog, open_catalog
from geodata.dataset import CALENDAR_STEPS, ID, Column, Dataset
from geodata.described import described, read_toml
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.search import nearest
from geodata.settings import settings


@dataclass(frozen=True)
class _Description:
    name: str
    summary: str
    crs_metric: str
    timezone: str
    home: str
    basemap: str
    opens_on: str
    headlines: tuple[str, ...]
    holidays: str = ""
    drivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Region:
    """A place with its own data; `load_region` makes it.

    crs_metric : the projection in which lengths and areas are taken, in metres
    timezone : the clock that its people live by; panels are in UTC
    home : the id of the layer that tiles the region or marks its extent
    basemap : the id of the layer drawn beneath the data
    opens_on : the series shown first, as `dataset.column`
    headlines : the series whose latest figures open the region, as `dataset.column`
    holidays : the country, or with a hyphen its subdivision ("US-NC"), whose public holidays change traffic and demand;
        "" for none
    drivers : by series, the series that may move it, such as rain a groundwater head
    datasets : everything described for this region, but the basemap
    """

    id: str
    name: str
    summary: str
    crs_metric: str
    timezone: str
    home: str
    basemap: str
    opens_on: str
    headlines: tuple[str, ...]
    holidays: str
    drivers: Mapping[str, tuple[str, ...]]
    datasets: tuple[Dataset, ...]

    def __hash__(self) -> int:
        return hash((self.id, self.datasets))

    @property
    def layers(self) -> dict[str, Dataset]:
        """The datasets that are layers, by id."""
        return {d.id: d for d in self.datasets if d.kind == "layer"}

    @property
    def panels(self) -> dict[str, Dataset]:
        """The datasets that are panels, by id."""
        return {d.id: d for d in self.datasets if d.kind == "panel"}

    def dataset(self, dataset_id: str) -> Dataset:
        """One dataset of this region; a near-miss is named in the error."""
        for dataset in self.datasets:
            if dataset.id == dataset_id:
                return dataset
        near = nearest(dataset_id, [d.id for d in self.datasets])
        raise UnknownName(
            "The region {region} has no dataset “{dataset}”.",
            hint="Did you mean “{near}”?" if near else "Choose one of those that the Data page lists.",
            region=self.id,
            dataset=dataset_id,
            near=near,
        )

    def series(self, name: str) -> tuple[Dataset, Column]:
        """The dataset and column of a series named `dataset.column`."""
        dataset_id, _, column = name.partition(".")
        dataset = self.dataset(dataset_id)
        return dataset, dataset.column(column)

    def mappable(self) -> list[Dataset]:
        """The datasets with values at places that can be drawn."""
        return [d for d in self.datasets if d.columns and (d.kind == "layer" or d.locations)]

    @property
    def published(self) -> tuple[Dataset, ...]:
        """The datasets that analysts published: results, which are never taken for observations."""
        return tuple(d for d in self.datasets if d.publication is not None)

    @cached_property
    def observed(self) -> Region:
        """The region without what analysts published: what is known of it does not change with a publication."""
        return replace(self, datasets=tuple(d for d in self.datasets if d.publication is None))

    def table(self, dataset_id: str) -> pd.DataFrame | gpd.GeoDataFrame:
        """A panel or layer of this region. It is shared by all readers: never change it in place."""
        return _noted(self.dataset(dataset_id))

    def by_place(self, dataset: Dataset) -> pd.DataFrame | gpd.GeoDataFrame:
        """The values of a timeless dataset, indexed by `location_id`."""
        table = _noted(dataset)
        return table if dataset.kind == "layer" else table.set_index("location_id")

    def rows(self, dataset_id: str) -> int:
        """How many rows a panel or layer has."""
        return len(_load(self.dataset(dataset_id)))

    def layer_of(self, dataset: Dataset) -> gpd.GeoDataFrame:
        """The layer with the places of a dataset.

        Raises
        ------
        AlmanacError
            When the dataset's places have no position.
        """
        if dataset.kind == "layer":
            return _noted(dataset)
        if dataset.locations is None:
            raise AlmanacError(
                "The places of {dataset} have no position on a map.",
                hint="Look at them as series instead.",
                dataset=dataset.id,
            )
        return _noted(self.dataset(dataset.locations))

    def places_of(self, layer: Dataset) -> pd.Index:
        """The ids of the places of one of its layers."""
        return _load(layer).index

    def base(self) -> gpd.GeoDataFrame:
        """The layer drawn beneath the data: land, borders, water, towns."""
        return _load(open_catalog()[self.basemap])

    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the home layer, in degrees."""
        west, south, east, north = _load(self.dataset(self.home)).to_crs(4326).total_bounds
        return float(west), float(south), float(east), float(north)

    def places(self) -> gpd.GeoDataFrame:
        """Every place of the region once, indexed by `location_id`.

        Returns
        -------
        `name`, `layer` (the layer it was first met in, the home layer first) and geometry; places without a
        position have an empty point and the layer "".
        """
        return _places(self)

    def clock(self, step: str) -> str:
        """The time zone in which the times of a dataset with this step are read.

        Moments are told on the region's own clock. A calendar day, month or year is not a moment: its `time`
        is 00:00 UTC of the day it begins on, and read anywhere else it would slip to the day before.
        """
        return "UTC" if step in CALENDAR_STEPS else self.timezone


def regions() -> list[str]:
    """The ids of all regions, the one that opens first in front.

    Raises
    ------
    AlmanacError
        When there is none.
    """
    found = sorted(p.parent.name for p in settings().regions.glob("*/region.toml"))
    if not found:
        raise AlmanacError(
            "There is no region in {folder}.",
            hint="Take the bundled ones from a fresh copy of the project, or name another folder in ALMANAC_REGIONS.",
            folder=settings().regions,
        )
    return sorted(found, key=lambda r: (r != settings().region, r))


def load_region(region_id: str) -> Region:
    """The region of this id.

    Raises
    ------
    UnknownName
        When there is none of this id; a near-miss is named.
    BrokenData
        When its description, or that of one of its datasets, is broken.
    """
    path = settings().regions / region_id / "region.toml"
    if not ID.fullmatch(region_id) or not path.is_file():
        near = nearest(region_id, regions())
        raise UnknownName(
            "There is no region “{region}”.",
            hint="Did you mean “{near}”?" if near else "Choose one of: {known}.",
            region=region_id,
            near=near,
            known=tuple(regions()),
        )
    return _load_region(region_id, path.stat().st_mtime_ns, open_catalog())


@lru_cache(maxsize=64)
def _load_region(region_id: str, stamp: int, catalog: Catalog) -> Region:
    path = settings().regions / region_id / "region.toml"
    where = f"{region_id}/region.toml"
    text = described(_Description, read_toml(path), where=where)
    mine = catalog.of_region(region_id)
    known = {d.id: d for d in mine}
    broken = partial(BrokenData, where=where)
    for role, dataset_id in (("home", text.home), ("basemap", text.basemap)):
        if dataset_id in catalog.broken:
            raise catalog.broken[dataset_id]
        if dataset_id not in known:
            raise broken(
                "{where}: {role} names the dataset “{dataset}”, which this region does not have.",
                hint="Add geodata/sources/{dataset}.toml or name one of: {known}.",
                role=role,
                dataset=dataset_id,
                known=tuple(known),
            )
        if known[dataset_id].kind != "layer" or (known[dataset_id].theme == "basemap") != (role == "basemap"):
            raise broken(
                "{where}: {role} names the dataset “{dataset}”, a {kind} of the theme {theme}.",
                hint="Name the layer drawn beneath the data as basemap, and one with the region's places as home.",
                role=role,
                dataset=dataset_id,
                kind=known[dataset_id].kind,
                theme=known[dataset_id].theme,
            )
    driving = (s for driven, by in text.drivers.items() for s in (driven, *by))
    for series in (text.opens_on, *text.headlines, *driving):
        dataset_id, _, column = series.partition(".")
        if dataset_id in catalog.broken:
            raise catalog.broken[dataset_id]
        if dataset_id not in known:
            raise broken(
                "{where}: “{series}” names a dataset that this region does not have.",
                hint="Correct or remove it.",
                series=series,
            )
        known[dataset_id].column(column)
    for dataset in mine:
        if dataset.locations in catalog.broken:
            raise catalog.broken[dataset.locations]
        if dataset.locations is not None and getattr(known.get(dataset.locations), "kind", None) != "layer":
            raise broken(
                "{where}: {dataset} lies on the layer “{layer}”, which this region does not have.",
                hint="Correct `locations` in its description.",
                dataset=dataset.id,
                layer=dataset.locations,
            )
    try:
        crs = pyproj.CRS(text.crs_metric)
        ZoneInfo(text.timezone)
    except (pyproj.exceptions.CRSError, ZoneInfoNotFoundError, ValueError) as error:
        raise broken(
            "{where}: {why}.", hint="Give crs_metric as an EPSG code and timezone as an IANA name.", why=str(error)
        ) from error
    if crs.is_geographic or crs.axis_info[0].unit_name != "metre":
        raise broken(
            "{where}: crs_metric is {crs}, which is not in metres.",
            hint="Choose a projected CRS of the region.",
            crs=text.crs_metric,
        )
    return Region(id=region_id, **vars(text), datasets=tuple(d for d in mine if d.theme != "basemap"))


# The datasets whose tables were asked for in this process, as they were then: what a result of a notebook rests on.
_asked: dict[str, Dataset] = {}


def datasets_read() -> tuple[Dataset, ...]:
    """The datasets whose tables were asked for so far in this process, in the order of their first reading.

    Reading the names and positions of all places, or how many rows there are, is not counted.
    """
    return tuple(_asked.values())


@contextmanager
def unnoted() -> Iterator[None]:
    """Within it, what is read is not noted: it is not the notebook that asks."""
    before = dict(_asked)
    try:
        yield
    finally:
        _asked.clear()
        _asked.update(before)


def _noted(dataset: Dataset) -> pd.DataFrame | gpd.GeoDataFrame:
    _asked[dataset.id] = dataset
    return _load(dataset)


@lru_cache(maxsize=128)
def _load(dataset: Dataset) -> pd.DataFrame | gpd.GeoDataFrame:
    return dataset.load()


@lru_cache(maxsize=16)
def _places(region: Region) -> gpd.GeoDataFrame:
    # What analysts published comes last: it adds places, and never moves or renames one.
    layers = sorted(
        region.layers.values(),
        key=lambda d: (d.publication is not None, d.id != region.home, d.theme != "boundaries", d.id),
    )
    parts = []
    for dataset in layers:
        try:
            layer = _load(dataset)
        except AlmanacError:
            if dataset.publication is None:
                raise
            continue  # told where the dataset itself is looked at
        if dataset.publication is not None and not {"name", "geometry"} <= set(layer.columns):
            continue  # made by hand; nothing of it can be named
        parts.append(layer[["name", "geometry"]].to_crs(4326).assign(layer=dataset.id))
    positioned = pd.concat(parts)
    named = {i: n for d in region.datasets if d.locations is None for i, n in d.places.items()}
    unplaced = gpd.GeoDataFrame(
        {"name": list(named.values()), "layer": ""},
        index=pd.Index(list(named), name="location_id", dtype=positioned.index.dtype),
        geometry=[shapely.Point()] * len(named),
        crs=4326,
    )
    everything = pd.concat([positioned, unplaced]) if named else positioned
    return everything[~everything.index.duplicated()]
