"""What a report was made with: the request, the data, the code and the packages, as the bundle keeps it."""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from analytics.cache import CODE, edition
from analytics.outlook import ROWS, WINDOWS
from app.report.request import Request
from app.text import message
from geodata.dataset import Dataset
from geodata.described import described
from geodata.errors import AlmanacError, BrokenData
from geodata.region import Region

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"
NUMBERS = "numbers.csv"
SERIES = "series.csv"
# Packages that only set pages and write files change no number.
SETTING = ("babel", "pyogrio", "typst")
_COMPUTING = ("esda", "exactextract", "geopandas", "holidays", "libpysal", "numpy", "pandas", "pyarrow", "pyproj")
_PACKAGES = (*SETTING, *_COMPUTING, "scikit-learn", "scipy", "shapely")
# From these, and all of the project that they import, come indicators, their classes and values as published.
_METHOD = ("finding", "measure", "latest", "cube", "against_normal", "place")
# These only hand on names of the whole package.
_DOORS = (CODE / "__init__.py", CODE.parent / "geodata" / "__init__.py")
_IMPORT = re.compile(r"^\s*from ((?:analytics|geodata)[\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)
# A manifest of thirty thousand drawings has about four million characters.
_LARGEST = 50_000_000
_TOLD = 200


@dataclass(frozen=True)
class Vintage:
    """Which state of a dataset was printed: its checksum and how many commits were appended; dates in ISO 8601."""

    name: str
    sha256: str
    appended: int
    retrieved: str
    observed_from: str
    observed_to: str


@dataclass(frozen=True)
class Manifest:
    """What a report was made with; `read_manifest` reads and checks it.

    almanac : the version
    printed : the moment, in UTC and ISO 8601
    parameters : `seed`, and of the backtests behind forecasts `windows` and `rows`
    datasets : by id, those whose numbers are printed, those that drive forecasts of them, and the layers of their
        places
    code : checksums: "method" of what indicators, their classes and published values are made with, "model" of what
        forecasts are made with (`analytics.cache.edition`), "report" of what chooses the numbers to print
    packages : their versions, and that of Python
    files : checksums, by the name within the bundle; the PDFs by their names, which lie beside the bundle
    numbers : how many are printed
    folder : the bundle
    """

    almanac: str
    document_id: str
    printed: str
    request: Request
    parameters: Mapping[str, int]
    datasets: Mapping[str, Vintage]
    code: Mapping[str, str]
    packages: Mapping[str, str]
    files: Mapping[str, str]
    numbers: int
    folder: Path

    def file(self, name: str) -> Path:
        """A file of the bundle, once it is known to be the one that was written.

        Raises
        ------
        AlmanacError
            When it is absent, lies elsewhere, or was changed.
        """
        if name not in self.files:
            raise BrokenData(
                "The manifest names no file {file}.",
                hint="Take the bundle as it was written.",
                file=name,
            )
        path = self.folder / name
        try:
            inside = path.resolve().is_relative_to(self.folder.resolve())
            found = sha256(path) if inside else ""
        except OSError as problem:
            raise BrokenData(
                "{file} of the bundle cannot be read: {why}.",
                hint="Take the bundle as it was written.",
                file=name,
                why=(problem.strerror or str(problem)).lower(),
            ) from problem
        if found != self.files[name]:
            raise BrokenData(
                "{file} was changed since the bundle was written.",
                hint="Take the bundle as it was written.",
                file=name,
            )
        return path


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def datasets_of(region: Region, numbers: pd.DataFrame, theme: Sequence[Dataset]) -> list[Dataset]:
    """The datasets that the numbers printed rest on: their own, drivers of forecasts, and the layers of their places.

    Parameters
    ----------
    numbers : a table of `app.report.numbers`.
    theme : the datasets of the map.
    """
    named = {i for ids in numbers["datasets"].dropna().unique() for i in str(ids).split()}
    forecast = numbers.loc[numbers["made"] == "forecast", "what"].unique()
    driving = {series.partition(".")[0] for what in forecast for series in region.drivers.get(what, ())}
    wanted = named | driving | {d.id for d in theme}
    lying_on = {d.locations for d in region.datasets if d.id in wanted}
    return [d for d in region.datasets if d.id in wanted | lying_on]


def vintages(datasets: Iterable[Dataset]) -> dict[str, Vintage]:
    """The state of datasets as they are now, by id."""
    return {
        d.id: Vintage(
            d.id, d.sha256, d.appended, d.retrieved.isoformat(), d.observed_from.isoformat(), d.observed_to.isoformat()
        )
        for d in datasets
    }


def write_manifest(manifest: Manifest) -> None:
    """Writes a manifest into its folder as JSON, with sorted keys."""
    plain = {
        **{k: v for k, v in vars(manifest).items() if k != "folder"},
        "request": manifest.request.settings(),
        "datasets": {i: {k: v for k, v in asdict(d).items() if k != "name"} for i, d in manifest.datasets.items()},
    }
    text = json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, default=dict)
    (manifest.folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(path: Path) -> Manifest:
    """A manifest of whatever origin, checked.

    Raises
    ------
    AlmanacError
        When it cannot be read, is no JSON, lacks or has a key too much, holds a value of the wrong type, or names a
        file outside its folder.
    """
    found = _json(path)
    folder = path.parent
    try:
        asked = found.pop("request", None)
        logo = asked.pop("logo", None) if isinstance(asked, dict) else None
        if not (logo is None or isinstance(logo, str)):
            raise _refused(path, "logo")
        if isinstance(asked, dict) and asked.get("reference", ()) is None:
            del asked["reference"]  # a description says nothing of what is absent
        request = described(Request, asked, where=f"{path.name}, request", logo=folder / logo if logo else None)
        manifest = described(Manifest, found, where=path.name, request=request, folder=folder)
    except BrokenData as error:
        facts = {k: v[:_TOLD] if isinstance(v, str) else v for k, v in error.facts.items()}
        hint = message("Take the manifest as it was written, or make the report anew.")
        raise BrokenData(error.sentences[0], hint=hint, **facts) from error
    wrong = [name for name in [*manifest.files, *([logo] if logo else [])] if not _within(name)]
    if wrong:
        raise BrokenData(
            "The manifest names the file “{file}”, which lies outside the bundle.",
            hint="Take the manifest as it was written; this one may mean harm.",
            file=wrong[0][:_TOLD],
        )
    try:
        datetime.datetime.fromisoformat(manifest.printed)
    except ValueError as error:
        raise _refused(path, "printed") from error
    if logo:
        manifest.file(logo)
    return manifest


def _json(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
        found = json.loads(content.decode("utf-8-sig"))
        # A lone half of a surrogate pair is no text: it could be neither shown nor set.
        json.dumps(found, ensure_ascii=False).encode()
    except OSError as problem:
        raise AlmanacError(
            "The manifest {file} cannot be read: {why}.",
            hint="Name the file manifest.json of a bundle.",
            file=path,
            why=(problem.strerror or str(problem)).lower(),
        ) from problem
    except (ValueError, RecursionError) as error:
        raise BrokenData(
            "The manifest {file} is no JSON.", hint="Name the file manifest.json of a bundle.", file=path
        ) from error
    if not isinstance(found, dict):
        raise BrokenData(
            "The manifest {file} holds no table of keys.", hint="Name the file manifest.json of a bundle.", file=path
        )
    return found


def _refused(path: Path, key: str) -> BrokenData:
    return BrokenData(
        "{file}: “{key}” cannot be used.",
        hint="Take the manifest as it was written, or make the report anew.",
        file=path.name,
        key=key,
    )


def _within(name: str) -> bool:
    """Whether this is the plain name of a file inside a folder, on every system."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and not re.search(r"[\\:\x00-\x1f]", name)


def parameters() -> dict[str, int]:
    """What the numbers of forecasts were made with; chance is drawn from the seed."""
    return {"seed": 0, "windows": WINDOWS, "rows": ROWS}


def code() -> dict[str, str]:
    """Checksums of what numbers are made with; see `Manifest`."""
    return {"method": _method(), "model": edition(), "report": _checksum(Path(__file__).parent.glob("*.py"))}


def packages() -> dict[str, str]:
    """The versions of the packages that make numbers and pages, and of Python."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


@cache
def _method() -> str:
    """A checksum of the files behind indicators and values: indicators, standards, and all of ours that they import."""
    root = CODE.parent
    waiting = [*CODE.glob("indicators/*.py"), *(CODE / f"{name}.py" for name in _METHOD)]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += _imports(path, root)
    return _checksum([*seen, *CODE.glob("standards/*.toml")])


def _checksum(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(CODE.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _imports(path: Path, root: Path) -> Iterable[Path]:
    """The files of the project that a file imports, wherever in it."""
    for module, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
        for name in (module, *(f"{module}.{part}" for part in re.findall(r"\w+", names))):
            file = root.joinpath(*name.split("."))
            yield from (f for f in (file.with_suffix(".py"), file / "__init__.py") if f not in _DOORS and f.is_file())
