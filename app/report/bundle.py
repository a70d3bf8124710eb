"""The bundle beside a report: exactly the numbers printed, the drawings, and how to make the report again."""

from __future__ import annotations

import datetime
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import typst

from app.export import BYTE_ORDER_MARK, csv_bytes
from app.report.blocks import Document, Figure
from app.report.manifest import (
    MANIFEST,
    NUMBERS,
    SERIES,
    Manifest,
    code,
    datasets_of,
    packages,
    parameters,
    sha256,
    vintages,
    write_manifest,
)
from app.report.numbers import COLUMNS
from app.report.symbology import symbol_of, symbols
from app.report.theme import Theme
from app.report.typeset import FONTS
from app.report.words import layer_facts
from app.text import t
from geodata.dataset import Dataset
from geodata.errors import AlmanacError, BrokenData
from geodata.region import Region

if TYPE_CHECKING:
    from app.report.write import Report

QUANTITIES = ("value", "low", "high", "n", "completeness", "rank", "of")
LIMITS = ("low_80", "high_80", "low_95", "high_95")
_SERIES = ("location_id", "series", "time", "kind", "value", *LIMITS)
_MAP = "map.gpkg"
_README = "README.txt"
# Reports of more pages have their drawings as PNG only if asked for.
_FEW_PAGES = 20
# The compiler keeps all drawings of a run in memory.
_AT_ONCE = 40
_PAGES = """#set page(width: auto, height: auto, margin: 0pt, fill: white)
#for (file, width, height) in json("pages.json") { page(image(file, width: width * 1mm, height: height * 1mm)) }
"""


def write_bundle(
    report: Report, folder: Path, pdfs: Sequence[Path], *, printed: datetime.datetime, pictures: bool | None
) -> Manifest:
    """Writes the numbers, drawings and origin of a report into a folder, in the language that is spoken.

    Parameters
    ----------
    folder : is made.
    pdfs : the report itself, of which the checksums are kept.
    printed : the moment that the manifest names.
    pictures : whether the drawings come as PNG too, at 300 dpi; None has them for up to twenty pages.
    """
    folder.mkdir()
    (folder / NUMBERS).write_bytes(numbers_bytes(report.numbers))
    (folder / SERIES).write_bytes(series_bytes(report.series))
    _write_map(report.region, report.theme, report.numbers, folder / _MAP, printed)
    figures = _named(report.documents)
    (folder / "figures").mkdir()
    for name, figure in figures.items():
        (folder / "figures" / f"{name}.svg").write_text(figure.svg, encoding="utf-8")
    pages = sum(len(document.pages) for document in report.documents)
    drawn = drawn_as_png(figures) if pictures or (pictures is None and pages <= _FEW_PAGES) else {}
    for name, content in drawn.items():
        (folder / "figures" / f"{name}.png").write_bytes(content)
    issue = report.documents[0].issue
    logo = None
    if issue.logo is not None:
        logo = folder / f"logo.{issue.logo[1]}"
        logo.write_bytes(issue.logo[0])
    datasets = datasets_of(report.region, report.numbers, report.theme.datasets)
    readme = _readme(report.documents[0], datasets, pictures=bool(drawn), logo=logo)
    (folder / _README).write_bytes(BYTE_ORDER_MARK + "\r\n".join(readme).encode() + b"\r\n")
    manifest = Manifest(
        almanac=version("almanac"),
        document_id=issue.document_id,
        printed=printed.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        # The logo's own folder is no business of whoever gets the bundle; the copy lies beside the manifest.
        request=replace(report.request, logo=Path(logo.name) if logo is not None else None),
        parameters=parameters(),
        datasets=vintages(datasets),
        code=code(),
        packages=packages(),
        files={p.relative_to(folder).as_posix(): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
        | {p.name: sha256(p) for p in pdfs},
        numbers=len(report.numbers),
        folder=folder,
    )
    write_manifest(manifest)
    return manifest


def numbers_bytes(numbers: pd.DataFrame) -> bytes:
    """The numbers printed as CSV with all their digits; text is guarded against formulas (`app.export`)."""
    return csv_bytes(numbers.assign(**{name: pd.to_numeric(numbers[name]) for name in QUANTITIES}))


def series_bytes(series: pd.DataFrame) -> bytes:
    """The points of charts as CSV, moments in UTC."""
    amounts = {name: pd.to_numeric(series[name]) for name in ("value", *LIMITS)}
    return csv_bytes(series.assign(time=pd.to_datetime(series["time"], utc=True, format="ISO8601"), **amounts))


def read_numbers(path: Path) -> pd.DataFrame:
    """The numbers of a bundle, every digit as it was written; text as it stands in the file.

    Raises
    ------
    BrokenData
        When it is no such table.
    """
    return _read(path, COLUMNS, QUANTITIES)


def read_series(path: Path) -> pd.DataFrame:
    """The points of a bundle's charts; see `read_numbers`."""
    return _read(path, _SERIES, ("value", *LIMITS))


def drawn_as_png(figures: Mapping[str, Figure], *, dots_per_inch: int = 300) -> dict[str, bytes]:
    """Drawings as PNG in their printed size, by the same names.

    Raises
    ------
    AlmanacError
        When the compiler refuses a drawing.
    """
    names = list(figures)
    made: list[bytes] = []
    for start in range(0, len(names), _AT_ONCE):
        with tempfile.TemporaryDirectory(prefix="almanac-report-") as folder:
            root = Path(folder)
            pages = []
            for figure in (figures[name] for name in names[start : start + _AT_ONCE]):
                (root / figure.file).write_text(figure.svg, encoding="utf-8")
                pages.append((figure.file, figure.width, figure.height))
            (root / "pages.json").write_text(json.dumps(pages), encoding="utf-8")
            (root / "pages.typ").write_text(_PAGES, encoding="utf-8")
            compiler = typst.Compiler(root / "pages.typ", root=root, font_paths=[FONTS], ignore_system_fonts=True)
            try:
                found = compiler.compile(format="png", ppi=dots_per_inch)
            except typst.TypstError as problem:
                raise AlmanacError(
                    "The drawings cannot be made into pictures: {what}.",
                    hint="Make the report without them; the drawings lie in the bundle as SVG too.",
                    what=str(problem.message).rstrip("."),
                ) from problem
            made += found if isinstance(found, list) else [found or b""]
    return dict(zip(names, made, strict=True))


def _read(path: Path, columns: Sequence[str], amounts: Sequence[str]) -> pd.DataFrame:
    try:
        found = pd.read_csv(
            path,
            dtype={name: "float64" if name in amounts else "str" for name in columns},
            keep_default_na=False,
            na_values={name: [""] for name in columns},
            encoding="utf-8-sig",
        )
    except (OSError, ValueError) as error:
        raise BrokenData(
            "{file} of the bundle cannot be read as a table.",
            hint="Take the bundle as it was written.",
            file=path.name,
        ) from error
    if list(found.columns) != list(columns):
        raise BrokenData(
            "{file} of the bundle has other columns than such a file: {found}.",
            hint="Take the bundle as it was written.",
            file=path.name,
            found=tuple(map(str, found.columns[:20])),
        )
    return found


def _write_map(region: Region, theme: Theme, numbers: pd.DataFrame, path: Path, printed: datetime.datetime) -> None:
    """The map and the numbers as GeoPackage: the layers `places` and `numbers`, in longitude and latitude."""
    drawn = symbols(theme.values, theme.classes)
    codes = symbol_of(theme.values.to_numpy(float), theme.classes)
    known = np.isfinite(theme.values.to_numpy(float))
    places = gpd.GeoDataFrame(
        {
            "location_id": theme.layer.index.astype(str),
            "name": theme.layer["name"].to_numpy(object),
            "value": theme.values.to_numpy(float),
            "unit": theme.unit,
            "class_number": np.where(known, codes + 1.0, np.nan),
            "class": np.array([symbol.label for symbol in drawn], dtype=object)[codes],
            "period": theme.period,
        },
        geometry=theme.layer.geometry.to_numpy(),
        crs=theme.layer.crs,
    ).to_crs(4326)
    every = region.places().geometry
    printed_of = every[every.index.isin(numbers["location_id"])]
    points = printed_of[~printed_of.is_empty].representative_point()
    rows = numbers.assign(**{name: pd.to_numeric(numbers[name]) for name in QUANTITIES}).astype(
        {name: object for name in COLUMNS if name not in QUANTITIES}
    )
    at = gpd.GeoDataFrame(rows, geometry=points.reindex(rows["location_id"]).to_numpy(), crs=4326)
    with _dated(printed):
        places.to_file(path, layer="places", driver="GPKG", engine="pyogrio")
        at.to_file(path, layer="numbers", driver="GPKG", engine="pyogrio", geometry_type="Point")


@contextmanager
def _dated(moment: datetime.datetime) -> Iterator[None]:
    """The moment that GeoPackages say they were last changed at: that of the report, so that equal ones are equal."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    told = moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": told})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _named(documents: Sequence[Document]) -> dict[str, Figure]:
    """Every drawing once, by a name that no other has in any volume and that every system takes for a file's."""
    found: dict[str, Figure] = {}
    files: set[str] = set()
    taken: set[str] = set()
    for figure in (figure for document in documents for figure in document.figures().values()):
        if figure.file in files:
            continue
        files.add(figure.file)
        base = re.sub(r"[^\w-]", "_", figure.name) or "figure"
        name, n = base, 1
        while name.casefold() in taken:
            n += 1
            name = f"{base}-{n}"
        taken.add(name.casefold())
        found[name] = figure
    return found


def _readme(document: Document, datasets: Sequence[Dataset], *, pictures: bool, logo: Path | None) -> list[str]:
    """What each file is, how the report is made again, and from whom the data are."""
    files = {
        NUMBERS: t("every number printed, with its unit, time, completeness and datasets"),
        SERIES: t("the points of all charts; times are in UTC"),
        _MAP: t("the map's places with their values and classes, and every number printed at its place (GeoPackage)"),
        "figures/*.svg": t("the drawings, to be enlarged without loss"),
        "figures/*.png": t("the drawings at 300 dots per inch"),
        logo.name if logo is not None else "": t("the issuer's logo"),
        MANIFEST: t("the request, the checksums of data, code and files, and the versions of the packages"),
    }
    left_out = {"", *([] if pictures else ["figures/*.png"])}
    lines = [document.title, t("{label}: {text}", label=t("Document"), text=document.issue.document_id), ""]
    lines += [t("{label}: {text}", label=name, text=text) for name, text in files.items() if name not in left_out]
    lines += ["", t("In the CSV file, an apostrophe stands before text that a spreadsheet would take for a formula.")]
    command = f"almanac report --again {MANIFEST}"
    lines += [t("“{command}” makes the report again and tells what is no longer the same.", command=command)]
    lines += ["", t("Sources")]
    lines += [t("{label}: {text}", label=label, text=text) for label, text in layer_facts(datasets)]
    return lines
