"""Publishing: a frame or layer of a notebook becomes a dataset of its region, with all that is known of how it came."""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from getpass import getuser
from pathlib import Path
from typing import Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd

from geodata.catalog import Catalog, open_catalog
from geodata.checksum import sha256_of
from geodata.dataset import ID, Column, Dataset, Step, Theme, published_dataset
from geodata.errors import AlmanacError, BrokenData
from geodata.inventory import NOT_STATED
from geodata.panel import KEYS, validate_layer, validate_panel, value_columns
from geodata.profile import usual_step
from geodata.provenance import what_ran
from geodata.publication import CODE, Input, Kind, Publication, description_of, put
from geodata.region import Region, datasets_read, load_region
from geodata.settings import settings
from geodata.table_bytes import dataset_bytes
from geodata.units import unit_of

_LONGEST_TITLE = 120


@dataclass(frozen=True)
class Attached:
    """What goes with a published table: of which kind it makes the publication, and the files by name."""

    kind: Kind
    files: Mapping[str, bytes]


def publish(
    result: pd.Series | pd.DataFrame | gpd.GeoDataFrame,
    *,
    title: str,
    method: str,
    region: Region | str | None = None,
    id: str | None = None,
    titles: Mapping[str, str] | None = None,
    theme: Theme | None = None,
    observed: tuple[date, date] | None = None,
    flaws: Sequence[str] = (),
    licence: str = NOT_STATED,
    inputs: Iterable[str] | None = None,
    files: Iterable[str | Path] = (),
    author: str | None = None,
    notebook: str | Path | None = None,
    attached: Attached | None = None,
) -> Dataset:
    """Puts a result beside the data of its region, marked as an analyst's until someone approves it.

    A dashboard that is open shows it within seconds. Published again from the same notebook, it takes the place of its
    earlier edition.

    Parameters
    ----------
    result : values by place and time (a panel: `location_id` and `time`), one value for each place (indexed by
        `location_id`), or a layer (the same with geometry). The names of its columns end in their units.
    title : what it is, as people will find it.
    method : how it was made and what it does not say, in sentences.
    region : where it belongs; needed only where what was read is of several regions.
    id : its name in addresses and code; by default made from the title.
    titles : by column, what it measures; by default its name in words, or the title where there is one column.
    theme : what it is about; by default that of the first dataset with values that was read.
    observed : the first and last day that it speaks of; by default its own times, else those of its inputs.
    flaws : what is known to be wrong or missing, in sentences.
    licence : under which others may use it. Those of what it was made from stand beside these.
    inputs : the ids of the datasets that it was made from; by default all whose tables this notebook has asked for.
    files : the analyst's own files that it was made from too.
    author : who publishes; by default `ALMANAC_AUTHOR`, or the name of the user.
    notebook : the notebook's file; needed only where neither JupyterLab nor Visual Studio Code tell it.
    attached : further files for it to carry.

    Returns
    -------
    The dataset as the catalogue has it.

    Raises
    ------
    AlmanacError
        When the table breaks its contract, knows places that the region does not, holds no value, belongs to no one
        region, or its id is taken; and when the folder of publications cannot be written. Nothing is changed then.
    """
    _refuse(result, title, method)
    ran = what_ran(notebook)
    catalog = open_catalog()
    by = (author or settings().author or _user()).strip()
    wanted = _id(id, title, catalog, ran.notebook, by)
    there = catalog.get(wanted)
    earlier = there.publication if there is not None else None
    # Its own earlier edition, looked at since, is not what it was made from.
    read = tuple(d for d in _read(catalog, inputs) if d.id != wanted)
    home = _region(region, read)
    _refuse_namesake(home, wanted, title)
    made_from = [d for d in read if d.region == home.id]
    table, kind, locations, step = _table(result, home)
    first, last = (pd.Timestamp(day).date() for day in observed or _span(table, made_from))
    if kind == "panel" and "time" not in table.columns:
        table = table.assign(time=pd.Timestamp(first, tz="UTC"))
    columns = _columns(table, titles or {}, title)
    content = dataset_bytes(table, name=wanted)
    code = ran.code.encode()
    extra = {CODE: code, **(attached.files if attached is not None else {})}
    moment = datetime.now(UTC)
    now = moment.replace(microsecond=0)
    checksum = hashlib.sha256(content).hexdigest()
    publication = Publication(
        author=by,
        published=now,
        notebook=str(ran.notebook),
        code=hashlib.sha256(code).hexdigest(),
        as_saved=ran.as_saved,
        # Two editions of one second are two all the same.
        edition=f"{moment:%Y%m%dT%H%M%S%f}-{checksum[:8]}",
        inputs=(*(Input(d.id, d.sha256, d.appended) for d in read), *_own(files)),
        kind=attached.kind if attached is not None else "result",
        attachments={name: hashlib.sha256(held).hexdigest() for name, held in extra.items()},
        replaces=earlier.edition if earlier is not None else "",
        earlier_approved_by=earlier.approved_by if earlier is not None else "",
    )
    folder = settings().publications
    dataset = Dataset(
        id=wanted,
        path=folder / wanted / publication.edition / f"{wanted}.parquet",
        title=title.strip(),
        summary=method.strip(),
        region=home.id,
        theme=theme or _theme(made_from),
        kind=kind,
        producer=publication.author,
        licence=licence,
        citation=f"{publication.author} ({now.year}). {title.strip()}. Made with {publication.notebook_name}.",
        url="",
        observed_from=first,
        observed_to=last,
        retrieved=now.date(),
        step=step,
        sha256=checksum,
        flaws=tuple(flaws),
        columns=columns,
        locations=locations,
        publication=publication,
    )
    # What could not be read back would take the earlier edition away and leave nothing.
    bundled = {d.id: d for d in catalog.values() if d.publication is None}
    published_dataset(folder / f"{wanted}.toml", tomllib.loads(description_of(dataset)), bundled)
    put(folder, dataset, content, extra)
    return open_catalog()[wanted]


def _refuse(result: object, title: str, method: str) -> None:
    """Refuses what is no table, and what nobody could understand."""
    if not isinstance(result, pd.Series | pd.DataFrame):
        raise AlmanacError(
            "What is to be published is a {kind}, not a table.",
            hint="Hand over a Series, a DataFrame or a GeoDataFrame by place.",
            kind=type(result).__name__,
        )
    if not title.strip() or not method.strip():
        raise AlmanacError(
            "The result has no title, or nothing says how it was made.",
            hint="Fill title and method: they are all that others have to understand it.",
        )
    if len(title.strip()) > _LONGEST_TITLE:
        raise AlmanacError(
            "The title has {n} signs, more than fit on a page.",
            hint="Shorten it to {most}, and tell the rest in method.",
            n=len(title.strip()),
            most=_LONGEST_TITLE,
        )


def _read(catalog: Catalog, inputs: Iterable[str] | None) -> tuple[Dataset, ...]:
    """What a result rests on, as it was when it was read."""
    read = {d.id: d for d in datasets_read()}
    return tuple(read.values()) if inputs is None else tuple(read.get(name, catalog[name]) for name in inputs)


def _region(region: Region | str | None, read: Sequence[Dataset]) -> Region:
    if isinstance(region, Region):
        # Taken anew: what was published since is a layer or an id of it too.
        return load_region(region.id)
    found = (region,) if region is not None else tuple(dict.fromkeys(d.region for d in read))
    if len(found) != 1:
        raise AlmanacError(
            "This notebook has read data of several regions ({regions})."
            if found
            else "This notebook has read no data of a region.",
            hint="Say where the result belongs: add region=“…” with the id of one.",
            regions=found,
        )
    return load_region(str(found[0]))


def _span(table: pd.DataFrame, read: Sequence[Dataset]) -> tuple[date, date]:
    """The first and last day that a result speaks of: of its own times, else of the values that it rests on."""
    if "time" in table.columns:
        return table["time"].min().date(), table["time"].max().date()
    valued = [d for d in read if d.columns]
    if not valued:
        raise AlmanacError(
            "It is not known of which time this result speaks.",
            hint="Add observed=(first day, last day).",
        )
    return min(d.observed_from for d in valued), max(d.observed_to for d in valued)


def _table(
    result: pd.Series | pd.DataFrame | gpd.GeoDataFrame, region: Region
) -> tuple[pd.DataFrame | gpd.GeoDataFrame, Literal["panel", "layer"], str | None, Step]:
    """The result as a panel or layer that keeps its contract, the layer it lies on, and its step.

    A panel of one value for each place has no times yet.
    """
    table = result.to_frame() if isinstance(result, pd.Series) else result.copy()
    if isinstance(table, gpd.GeoDataFrame):
        if "location_id" in table.columns:
            table = table.set_index("location_id")
        if table.active_geometry_name not in (None, "geometry"):
            table = table.rename_geometry("geometry")
        validate_layer(table, name="result")
        if "name" not in table.columns:
            table["name"] = region.places()["name"].reindex(table.index).fillna(table.index.to_series())
        return _valued(table), "layer", None, "once"
    keys = [name for name in table.index.names if name in KEYS and name not in table.columns]
    table = table.reset_index(level=keys).reset_index(drop=True) if keys else table.reset_index(drop=True)
    if "location_id" not in table.columns:
        raise BrokenData(
            "The result has no location_id, neither as index nor as a column.",
            hint="Index it by the ids of its places, as every layer and indicator of Almanac is.",
        )
    table["location_id"] = table["location_id"].astype("str")
    if "time" not in table.columns and table["location_id"].duplicated().any():
        raise BrokenData(
            "The place {place} comes {n} times, and the result has no column time.",
            hint="Keep one row for each place, or add the time of each, in UTC.",
            place=table.loc[table["location_id"].duplicated(), "location_id"].iloc[0],
            n=int(table["location_id"].value_counts().iloc[0]),
        )
    table = _valued(table.drop(columns="name", errors="ignore"))
    step: Step = "once"
    if "time" in table.columns:
        found = usual_step(validate_panel(table, name="result"))
        step = next((known for known in get_args(Step) if known == found), "irregular")
    return table, "panel", _locations(region, table["location_id"]), step


def _valued(table: pd.DataFrame | gpd.GeoDataFrame) -> pd.DataFrame | gpd.GeoDataFrame:
    """The table itself, once its columns are shown to be numbers with a unit, of which at least one is there."""
    columns = value_columns(table)
    for column in columns:
        unit_of(column)
        if not pd.api.types.is_numeric_dtype(table[column].dtype):
            raise BrokenData(
                "The column {column} of the result holds {kind}, not numbers.",
                hint="Publish only the columns that are values, such as result[[“discharge_m3_per_s”]].",
                column=column,
                kind=table[column].dtype,
            )
    if not columns or not np.isfinite(table[columns].to_numpy(float, na_value=np.nan)).any():
        raise BrokenData("The result holds not one value.", hint="Look at what made it before you publish it.")
    return table


def _locations(region: Region, ids: pd.Series) -> str:
    """The layer with all the places of a result, the home layer first."""
    wanted = pd.Index(ids.unique())
    layers = sorted(
        (d for d in region.layers.values() if d.publication is None), key=lambda d: (d.id != region.home, d.id)
    )
    for dataset in layers:
        if wanted.isin(region.places_of(dataset)).all():
            return dataset.id
    places = region.places().index
    strangers = wanted[~wanted.isin(places)]
    padded = next((i.zfill(n) for i in strangers for n in (len(i) + 1, len(i) + 2) if i.zfill(n) in places), None)
    if padded is not None:
        raise BrokenData(
            "The place “{place}” is none of {region}, but “{padded}” is: the ids have lost their leading zeros.",
            hint="Read the ids as text, so that the zeros stay.",
            place=padded.lstrip("0"),
            region=region.name,
            padded=padded,
        )
    raise BrokenData(
        "The place “{place}” is none of {region}; {n} of {all} are not."
        if len(strangers)
        else "No one layer of {region} has all {all} places of the result.",
        hint="Keep the places of one layer, publish the others apart, or publish a layer with its own geometry.",
        place=strangers[0] if len(strangers) else "",
        region=region.name,
        n=len(strangers),
        all=len(wanted),
    )


def _columns(table: pd.DataFrame, titles: Mapping[str, str], title: str) -> dict[str, Column]:
    names = value_columns(table)
    absent = [name for name in titles if name not in names]
    if absent:
        raise AlmanacError(
            "The result has no column {column} to give a title to.",
            hint="Its columns are: {known}.",
            column=absent[0],
            known=tuple(names),
        )
    columns = {}
    for name in names:
        unit, values = unit_of(name), table[name]
        words = name.removesuffix(unit.suffix).strip("_").replace("_", " ")
        columns[name] = Column(
            name=name,
            title=titles.get(name) or (title.strip() if len(names) == 1 else words.capitalize() or name),
            unit=unit.code,
            source=name,
            # Nobody has said what would be plausible.
            minimum=-np.inf,
            maximum=np.inf,
            aggregate="none",
            scale="diverging" if (values < 0).any() and (values > 0).any() else "sequential",
        )
    return columns


def _id(asked: str | None, title: str, catalog: Catalog, notebook: Path, author: str) -> str:
    """The id of a result: free, or that of an earlier edition from the same notebook."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:60]
    # A title in Chinese has no sign that an id may have.
    wanted = asked or made or f"result_{hashlib.sha256(title.encode()).hexdigest()[:8]}"
    if not ID.fullmatch(wanted):
        raise AlmanacError(
            "“{id}” cannot be the id of a dataset.",
            hint="Use lower-case letters, digits and underscores.",
            id=wanted,
        )
    if wanted in catalog.broken:
        raise catalog.broken[wanted]
    there = catalog.get(wanted)
    if there is None:
        return wanted
    if there.publication is None or not _same_notebook(there.publication, notebook, author):
        raise AlmanacError(
            "There is already a dataset “{id}”, by {producer}.",
            hint="Choose another title, add id=“…”, or withdraw that one on the Data page.",
            id=wanted,
            producer=there.producer,
        )
    return wanted


def _same_notebook(earlier: Publication, notebook: Path, author: str) -> bool:
    """Whether an earlier edition is of this notebook, which its author may have moved."""
    moved = (earlier.notebook_name, earlier.author) == (notebook.name, author) and not Path(earlier.notebook).exists()
    return moved or earlier.notebook == str(notebook)


def _refuse_namesake(region: Region, dataset_id: str, title: str) -> None:
    """Refuses the title of another dataset of the region: approved, the two could not be told apart."""
    namesake = next((d for d in region.datasets if d.title == title.strip() and d.id != dataset_id), None)
    if namesake is not None:
        raise AlmanacError(
            "“{title}” is already the title of a dataset by {producer}.",
            hint="Give the result a title of its own.",
            title=title.strip(),
            producer=namesake.producer,
        )


def _theme(read: Sequence[Dataset]) -> Theme:
    valued = [d.theme for d in read if d.columns and d.theme != "boundaries"]
    if not valued:
        raise AlmanacError(
            "It is not known what this result is about.",
            hint="Add theme=“…”, one of: {known}.",
            known=tuple(theme for theme in get_args(Theme) if theme != "basemap"),
        )
    return valued[0]


def _own(files: Iterable[str | Path]) -> Iterable[Input]:
    for file in files:
        path = Path(file).expanduser().resolve()
        if not path.is_file():
            raise AlmanacError(
                "There is no file {file} that the result could have been made from.",
                hint="Correct its path.",
                file=path,
            )
        yield Input(path.name, sha256_of(path), file=str(path))


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        raise AlmanacError("It is not known who publishes.", hint="Add author=“…”, or set ALMANAC_AUTHOR.") from None
