"""Reports: the atlas of the default region from a cold start, and one sheet for each of 3,142 counties."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.shapes import COUNTIES, counties

ATLAS, SHEET_KB = 10.0, 40.0
LARGE_SECONDS, LARGE_GB, LARGE_MB = 120.0, 4.0, 100.0
ROUNDS = 3
YEARS = range(2005, 2020)
REGION = """\
name = "Counties of the United States, made-up values"
summary = "Exists only in the benchmark."
crs_metric = "EPSG:5070"
timezone = "America/New_York"
home = "large_counties"
basemap = "large_base"
opens_on = "large_traffic.traffic_veh_per_day"
headlines = []
"""
DATASET = """\
title = "{title}"
summary = "Made up for the benchmark."
region = "large"
theme = "{theme}"
kind = "{kind}"
{locations}producer = "The benchmark"
licence = "not stated"
citation = "Made by the benchmark."
url = "https://example.org/data"
observed_from = 2005-01-01
observed_to = 2019-12-31
retrieved = 2026-11-24
step = "{step}"
sha256 = "{sha256}"
flaws = ["Its values are made up."]

[package]
registry = "npm"
name = "us-atlas"
version = "3.0.1"
licence = "ISC"
files = ["counties-10m.json"]
sha256 = ["{zeros}"]
{columns}
"""
TRAFFIC = """
[columns.traffic_veh_per_day]
title = "Average daily traffic"
unit = "veh/day"
source = "made up"
minimum = 0.0
maximum = 1000000.0
aggregate = "mean"
scale = "sequential"
"""
# What a process of its own says at its end: the most memory that it and its largest child held, together, in kB.
RUN = (
    "import resource, sys; from app.cli import main; code = main(sys.argv[1:]); "
    "print(sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)), "
    "file=sys.stderr); sys.exit(code)"
)


def run(data: Path | None) -> list[dict[str, Any]]:
    """One row for each target of the reports."""
    quick = bool(os.environ.get("ALMANAC_BENCH_QUICK"))
    with tempfile.TemporaryDirectory() as folder:
        return [*default(Path(folder), 1 if quick else ROUNDS), *large(data, Path(folder), 40 if quick else COUNTIES)]


def default(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """The command line in a process of its own, with an empty cache: data, forecasts, maps, charts, setting, bundle."""
    taken = []
    for k in range(rounds):
        out = folder / f"atlas-{k}" / "atlas.pdf"
        seconds, _ = _made(
            ["mid_atlantic", "--kind", "atlas", "--issuer", "The benchmark"], out, {}, folder / f"cache-{k}"
        )
        taken.append(seconds)
    seconds = statistics.median(taken)
    kilobytes = out.stat().st_size / 233 / 1000
    plain = _plain_maps(folder)
    return [
        {
            "measure": "atlas of the 233 counties of the default region, a process from its start, nothing cached",
            "ours": round(seconds, 2),
            "peer": round(plain, 2),
            "unit": "s",
            "ratio": round(seconds / plain, 2),
            "target": ATLAS,
            "met": seconds < ATLAS,
            "note": "peer: the same 233 maps alone, drawn and set as plain tagged pages",
        },
        {
            "measure": "size of that atlas",
            "ours": round(kilobytes, 1),
            "unit": "kB a sheet",
            "target": SHEET_KB,
            "met": kilobytes < SHEET_KB,
        },
    ]


def large(data: Path | None, folder: Path, places: int) -> list[dict[str, Any]]:
    """One sheet for each of 3,142 counties with fifteen years of SYNTHETIC values, in volumes."""
    world = _world(data, folder / "large", places)
    out = folder / "sheets" / "sheets.pdf"
    seconds, kilobytes = _made(["large", "--kind", "sheet"], out, world, folder / "cache-large")
    pdfs = list(out.parent.glob("*.pdf"))
    size = sum(pdf.stat().st_size for pdf in pdfs) / 1e6
    gigabytes = kilobytes / 1e6
    name = f"{places:,} US counties, one sheet each, in {len(pdfs)} volumes"
    return [
        {
            "measure": name,
            "ours": round(seconds, 1),
            "unit": "s",
            "target": LARGE_SECONDS,
            "met": seconds < LARGE_SECONDS,
        },
        {"measure": f"{name}: memory", "ours": round(gigabytes, 2), "unit": "GB", "target": LARGE_GB}
        | {"met": gigabytes < LARGE_GB},
        {"measure": f"{name}: all files", "ours": round(size, 1), "unit": "MB", "target": LARGE_MB}
        | {"met": size < LARGE_MB},
    ]


def _made(asked: list[str], out: Path, world: dict[str, str], cache: Path) -> tuple[float, int]:
    """How long a report takes, and the most memory of the process in kB."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RUN, "report", *asked, "--out", str(out)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **world, "ALMANAC_CACHE": str(cache)},
    )
    if done.returncode:
        raise RuntimeError(f"almanac report {' '.join(asked)} failed: {done.stderr[-500:]}")
    return time.perf_counter() - began, int(done.stderr.split()[-1])


def _plain_maps(folder: Path) -> float:
    """How long the maps of the atlas take alone: drawn once more and set, one to a tagged page."""
    import typst

    from app.report.printed_map import PrintedMap
    from app.report.theme import theme_of
    from app.report.typeset import FONTS
    from geodata import load_region

    region = load_region("mid_atlantic")
    theme = theme_of(region)
    home = region.layer_of(region.dataset(region.home))
    began = time.perf_counter()
    drawing = PrintedMap(
        theme.layer, theme.values, theme.classes, crs=region.crs_metric, home=home, basemap=region.base()
    )
    pages = folder / "plain"
    pages.mkdir()
    words = ['#set document(title: "Maps")\n#set page(paper: "a4")']
    for number, place in enumerate(drawing.ids):
        (pages / f"{number}.svg").write_text(drawing.around(str(place), 112, 80).svg, encoding="utf-8")
        words.append(f'#image("{number}.svg", alt: "Map {number}")#pagebreak()')
    (pages / "maps.typ").write_text("\n".join(words), encoding="utf-8")
    typst.compile(pages / "maps.typ", font_paths=[FONTS], ignore_system_fonts=True, pdf_standards=["ua-1"])
    return time.perf_counter() - began


def _world(data: Path | None, folder: Path, places: int) -> dict[str, str]:
    """A region of the United States' counties with made-up traffic, and the settings that lead to it."""
    sources, region = folder / "sources", folder / "regions" / "large"
    sources.mkdir(parents=True)
    region.mkdir(parents=True)
    (region / "region.toml").write_text(REGION, encoding="utf-8")
    layer = counties(data).head(places).set_index("location_id")
    shapes = layer.simplify(0.002).make_valid()
    layer = layer.set_geometry(shapes.where(shapes.geom_type.isin(["Polygon", "MultiPolygon"]), layer.geometry))
    layer.to_parquet(region / "large_counties.parquet")
    base = layer.dissolve().assign(name="Land", kind="land", rank=0)[["name", "kind", "rank", "geometry"]]
    base.index = pd.Index(["land"], name="location_id")
    base.to_parquet(region / "large_base.parquet")
    random = np.random.default_rng(20261124)
    steps = random.normal(0.01, 0.05, (len(layer), len(YEARS))).cumsum(axis=1)
    values = random.lognormal(9, 1, (len(layer), 1)) * np.exp(steps)
    times = pd.DatetimeIndex([f"{year}-01-01" for year in YEARS], tz="UTC").as_unit("us")
    panel = pd.DataFrame(
        {
            "location_id": pd.Series(np.repeat(layer.index.to_numpy(), len(YEARS)), dtype="str"),
            "time": np.tile(times, len(layer)),
            "traffic_veh_per_day": values.ravel(),
        }
    )
    panel["time"] = pd.DatetimeIndex(panel["time"]).as_unit("us")
    panel.sort_values(["location_id", "time"], ignore_index=True).to_parquet(
        region / "large_traffic.parquet", index=False
    )
    for name, title, theme, kind, locations, step, columns in (
        ("large_counties", "Counties", "boundaries", "layer", "", "once", "[columns]"),
        ("large_base", "Land", "basemap", "layer", "", "once", "[columns]"),
        ("large_traffic", "Traffic", "traffic", "panel", 'locations = "large_counties"\n', "1 year", TRAFFIC),
    ):
        sha256 = hashlib.sha256((region / f"{name}.parquet").read_bytes()).hexdigest()
        text = DATASET.format(
            title=title, theme=theme, kind=kind, locations=locations, step=step,
            sha256=sha256, zeros="0" * 64, columns=columns,
        )  # fmt: skip
        (sources / f"{name}.toml").write_text(text, encoding="utf-8")
    return {"ALMANAC_SOURCES": str(sources), "ALMANAC_REGIONS": str(folder / "regions"), "ALMANAC_REGION": "large"}
