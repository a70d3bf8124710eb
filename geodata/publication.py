"""Publications: results that analysts put beside the region's data from their notebooks, each with its provenance.

    <publications>/<id>.toml                     what counts: who published it, from what, and whether it is approved
    <publications>/<id>/<edition>/               the table, the code as it was run, and what goes with them
    <publications>/withdrawn/<id>-<edition>.toml   what no longer counts, with who withdrew it and why

The description is replaced as a whole, so that a reader finds one edition or the other. Files of an edition never
change. Nothing here is ever run: a dashboard reads tables.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geodata.atomic import write_whole
from geodata.checksum import sha256_of
from geodata.described import described, read_toml, toml_of
from geodata.errors import AlmanacError, BrokenData

if TYPE_CHECKING:
    from geodata.catalog import Catalog
    from geodata.dataset import Dataset

Kind = Literal["result", "indicator", "scenario"]
WITHDRAWN = "withdrawn"
CODE, DESCRIBED = "code.py", "dataset.toml"
# A file's name that leads nowhere else.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_DECIDED_BY_FILE = ("id", "path", "appended")


@dataclass(frozen=True)
class Input:
    """What a result was made from, as it was then.

    name : the id of a dataset, or the name of a file of the analyst's own
    sha256, appended : its checksum, and of a dataset the commits of observations appended to it
    file : where the analyst's own file lay; "" for datasets
    """

    name: str
    sha256: str
    appended: int = 0
    file: str = ""


@dataclass(frozen=True)
class Publication:
    """Who published a result, from which notebook and what, and who has approved it.

    author, published : by whom and when
    notebook : where the notebook lay
    code : the checksum of the code as it was run, which is kept as `code.py`
    as_saved : whether that is what the notebook's file held, run from top to bottom: only then can others repeat it
    edition : the name of its folder
    kind : an indicator's result carries its metadata and golden case
    inputs : what it was made from
    attachments : the files that go with the table, by name, with their checksums
    replaces, earlier_approved_by : the edition whose place it took, and who had approved that; "" for none
    approved_by, approved : who approved it and when; "" and None while nobody has
    withdrawn_by, withdrawn, reason : who withdrew it, when and why
    """

    author: str
    published: datetime
    notebook: str
    code: str
    as_saved: bool
    edition: str
    inputs: tuple[Input, ...]
    kind: Kind = "result"
    attachments: Mapping[str, str] = field(default_factory=dict)
    replaces: str = ""
    earlier_approved_by: str = ""
    approved_by: str = ""
    approved: datetime | None = None
    withdrawn_by: str = ""
    withdrawn: datetime | None = None
    reason: str = ""

    @property
    def notebook_name(self) -> str:
        """The name of the notebook's file."""
        return Path(self.notebook).name


def checked(found: Publication, *, where: str) -> Publication:
    """The publication itself, once no name in it can lead out of its folder.

    Raises
    ------
    BrokenData
        Naming the first that could.
    """
    for name in (found.edition, *found.attachments):
        if not _NAME.fullmatch(name):
            raise BrokenData(
                "{where} names the file “{name}”, which cannot be one of its own.",
                hint="Restore the description, or remove it.",
                where=where,
                name=name,
            )
    return found


def attachment(dataset: Dataset, name: str) -> bytes:
    """A file that goes with a published dataset, such as the code as it was run.

    Raises
    ------
    BrokenData
        When there is none of this name, or it is not the one that was published.
    """
    publication = _of(dataset)
    told = publication.attachments.get(name, "")
    try:
        content = dataset.path.with_name(name).read_bytes() if told else b""
    except OSError:
        content = b""
    if not told or hashlib.sha256(content).hexdigest() != told:
        raise BrokenData(
            "{name} of the publication {dataset} is absent or not the one that was published.",
            hint="Publish it again from its notebook, or withdraw it.",
            name=name,
            dataset=dataset.id,
        )
    return content


def attached_toml(dataset: Dataset, name: str) -> dict[str, Any]:
    """The content of a TOML file that goes with a published dataset.

    Raises
    ------
    BrokenData
        As `attachment`, and when it is no TOML.
    """
    text = attachment(dataset, name)
    try:
        return tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # the first of what is no TOML or no text
        raise BrokenData(
            "{file} is not valid TOML: {why}.",
            hint="Publish it again from its notebook, or withdraw it.",
            file=name,
            why=str(error),
        ) from error


@dataclass(frozen=True)
class Changed:
    """An input that is no longer what a result was made from.

    how : "other" where its content differs, "gone" where it is not there any more
    """

    name: str
    how: Literal["other", "gone"]


def stale(publication: Publication, catalog: Catalog) -> tuple[Changed, ...]:
    """Which inputs of a publication have changed since: while there is one, its notebook is to be run again.

    Files of the analyst's own count only where this machine has them.
    """
    changed = []
    for one in publication.inputs:
        if one.file:
            if _sha256_now(Path(one.file)) not in (None, one.sha256):
                changed.append(Changed(one.name, "other"))
            continue
        now = catalog.get(one.name)
        if now is None:
            changed.append(Changed(one.name, "gone"))
        elif (now.sha256, now.appended) != (one.sha256, one.appended):
            changed.append(Changed(one.name, "other"))
    return tuple(changed)


def put(folder: Path, dataset: Dataset, table: bytes, attachments: Mapping[str, bytes]) -> None:
    """Writes an edition of a published dataset and makes it the one that counts.

    Parameters
    ----------
    folder : that of all publications.
    dataset : with its publication; `path` is where `table` is to lie.
    table, attachments : the bytes of its file and of what goes with it.

    Raises
    ------
    AlmanacError
        When the folder cannot be written. What counted before still does.
    """
    with _writing(folder):
        write_whole(dataset.path, table)
        for name, content in attachments.items():
            write_whole(dataset.path.with_name(name), content)
        _describe(folder, dataset)


def approve(folder: Path, dataset: Dataset, by: str) -> Dataset:
    """Marks an edition of a published dataset as approved.

    Parameters
    ----------
    dataset : as the one who approves has seen it.
    by : who that is.

    Raises
    ------
    AlmanacError
        When nobody is named, the edition no longer counts, or the folder cannot be written.
    """
    _still(folder, dataset)
    if _of(dataset).approved is not None:
        raise AlmanacError(
            "“{title}” is already approved, by {name}.",
            hint="There is nothing more to do; withdraw it where it should not be relied on.",
            title=dataset.title,
            name=_of(dataset).approved_by,
        )
    publication = dataclasses.replace(_of(dataset), approved_by=_named(by), approved=_now())
    approved = dataclasses.replace(dataset, publication=publication)
    with _writing(folder):
        _describe(folder, approved)
    return approved


def withdraw(folder: Path, dataset: Dataset, by: str, reason: str) -> Path:
    """Takes a published dataset out of the catalogue; its files and this decision are kept.

    Parameters
    ----------
    by, reason : who withdraws it and why.

    Returns
    -------
    The file that tells of it.

    Raises
    ------
    AlmanacError
        As `approve`.
    """
    _still(folder, dataset)
    if not reason.strip():
        raise AlmanacError(
            "No reason is given for the withdrawal.", hint="Give one in a sentence; it is kept with the decision."
        )
    publication = dataclasses.replace(_of(dataset), withdrawn_by=_named(by), withdrawn=_now(), reason=reason.strip())
    told = description_of(dataclasses.replace(dataset, publication=publication))
    record = folder / WITHDRAWN / f"{dataset.id}-{publication.edition}.toml"
    with _writing(folder):
        write_whole(record, told.encode())
        (folder / f"{dataset.id}.toml").unlink()
    return record


@dataclass(frozen=True)
class Withdrawn:
    """What no longer counts: the id, title and region, and the publication with who withdrew it and why."""

    id: str
    title: str
    region: str
    publication: Publication


def withdrawn(folder: Path) -> tuple[Withdrawn, ...]:
    """What was withdrawn, the latest first; records that cannot be read are left out."""
    found = []
    for path in (folder / WITHDRAWN).glob("*.toml"):
        try:
            told = read_toml(path)
            publication = described(Publication, told.get("publication"), where=path.name)
        except BrokenData:
            continue
        name = path.stem.removesuffix(f"-{publication.edition}")
        found.append(Withdrawn(name, str(told.get("title", "")), str(told.get("region", "")), publication))
    return tuple(sorted(found, key=lambda one: one.publication.withdrawn or one.publication.published, reverse=True))


def description_of(dataset: Dataset) -> str:
    """The text of the file that describes a published dataset."""
    return toml_of(dataset, given=_DECIDED_BY_FILE)


def _describe(folder: Path, dataset: Dataset) -> None:
    told = description_of(dataset).encode()
    # Beside its files too: what an edition was stays known when another takes its place.
    write_whole(dataset.path.with_name(DESCRIBED), told)
    write_whole(folder / f"{dataset.id}.toml", told)


def _still(folder: Path, dataset: Dataset) -> None:
    """Refuses an edition that is not the one that counts: nobody approves what nobody has looked at."""
    seen = _of(dataset).edition
    from geodata.catalog import open_catalog  # which knows this module

    now = open_catalog().get(dataset.id)
    if now is None or now.publication is None or now.publication.edition != seen:
        raise AlmanacError(
            "The publication “{title}” was published anew or withdrawn in the meantime.",
            hint="Look at what is there now, and decide again.",
            title=dataset.title,
        )


def _of(dataset: Dataset) -> Publication:
    if dataset.publication is None:
        raise AlmanacError(
            "{dataset} was not published from a notebook.",
            hint="Choose one of those that “almanac publications” lists.",
            dataset=dataset.id,
        )
    return dataset.publication


def _named(by: str) -> str:
    if not by.strip():
        raise AlmanacError("Nobody is named who decides this.", hint="Give a name; it is kept with the decision.")
    return by.strip()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tells in two sentences of a folder that cannot be written, or a disk that is full."""
    try:
        yield
    except OSError as error:
        raise AlmanacError(
            "The publications cannot be written to {folder}: {why}.",
            hint="Name a folder that you may write to in ALMANAC_PUBLICATIONS.",
            folder=folder,
            why=(error.strerror or str(error)).lower(),
        ) from error


def _sha256_now(path: Path) -> str | None:
    """The checksum of a file as it is now; None where this machine has none, or its owner lets nobody else see it."""
    try:
        return sha256_of(path) if path.is_file() else None
    except (OSError, ValueError):  # the second of a path that cannot be one
        return None
