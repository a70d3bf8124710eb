"""The shapes and values that every application under test is given alike."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

ATLAS = "us-atlas@3.0.1"
COUNTIES, STEPS = 3142, 365
SIDE = 224  # 224 × 224 = 50,176 synthetic polygons
VARIABLES = tuple(f"variable_{letter}" for letter in "abcdefghijkl")
DIGITS = 4  # of a degree, about 10 m: finer than the atlas itself


class AbsentError(Exception):
    """A set of data that a benchmark needs is not there; says which and how to get it."""


def counties(data: Path | None) -> gpd.GeoDataFrame:
    """The 3,142 counties of the 50 states and DC (US Census, us-atlas 3.0.1), made valid, not simplified."""
    layer = gpd.read_file(_atlas(data), layer="counties").set_crs("EPSG:4326", allow_override=True)
    layer = layer[layer["id"].astype(int) < 57000].rename(columns={"id": "location_id"})
    parts = shapely.make_valid(layer.geometry.to_numpy())
    geometry = [_polygonal(part) for part in parts]
    layer = layer.assign(geometry=geometry).sort_values("location_id").reset_index(drop=True)
    # Falls Church comes as a ring of three points; a square of its area (5 km²) keeps the count right.
    empty = layer.geometry.is_empty
    layer.loc[empty, "geometry"] = shapely.box(-77.184, 38.872, -77.158, 38.892)
    if list(layer.loc[empty, "location_id"]) != ["51610"] or len(layer) != COUNTIES:
        raise AbsentError(f"{ATLAS} holds other counties: {len(layer)}, {int(empty.sum())} without a shape.")
    return layer[["location_id", "name", "geometry"]]


def _polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """The areas of a repaired shape; the lines and points that the repair leaves are not drawn."""
    if geometry.geom_type != "GeometryCollection":
        return geometry
    return shapely.union_all([part for part in geometry.geoms if "Polygon" in part.geom_type])


def _atlas(data: Path | None) -> Path:
    given = data / "counties-10m.json" if data else None
    if given and given.exists():
        return given
    kept = Path(tempfile.gettempdir()) / "almanac-benchmarks" / "counties-10m.json"
    if kept.exists():
        return kept
    npm = shutil.which("npm")
    if npm is None:
        raise AbsentError(f"counties-10m.json of {ATLAS}: put it into the --data folder, or install npm.")
    kept.parent.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", ATLAS, "--silent"]
    packed = subprocess.run(command, cwd=kept.parent, capture_output=True, text=True, check=False)
    if packed.returncode:
        raise AbsentError(f"{ATLAS}: npm pack failed: {packed.stderr.strip()[-200:]}")
    with tarfile.open(kept.parent / packed.stdout.strip().splitlines()[-1]) as archive:
        member = archive.extractfile("package/counties-10m.json")
        if member is None:
            raise AbsentError(f"{ATLAS} holds no counties-10m.json.")
        part = kept.with_suffix(".part")
        part.write_bytes(member.read())
        part.replace(kept)
    return kept


def grid() -> gpd.GeoDataFrame:
    """50,176 SYNTHETIC polygons over the same extent: a grid with shaken corners and shared borders."""
    random = np.random.default_rng(20261123)
    x, y = np.meshgrid(np.linspace(-124.5, -67, SIDE + 1), np.linspace(24.8, 49.2, SIDE + 1))
    x = x + random.uniform(-0.08, 0.08, x.shape)
    y = y + random.uniform(-0.035, 0.035, y.shape)
    corner = np.stack([x, y], axis=-1)
    first = corner[:-1, :-1]
    ring = np.stack([first, corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1], first], axis=2)
    polygons = shapely.polygons(ring.reshape(-1, 5, 2))
    ids = [f"g{i:05d}" for i in range(len(polygons))]
    return gpd.GeoDataFrame({"location_id": ids, "name": ids}, geometry=polygons, crs="EPSG:4326")


def values(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    """SYNTHETIC variables that vary smoothly over the land with local noise, four digits each, unlike each other.

    There are many so that each is shown once only: Streamlit remembers on both sides what it has sent before.
    """
    random = np.random.default_rng(7)
    box = layer.geometry.bounds
    x, y = box["minx"].to_numpy(), box["miny"].to_numpy()
    columns = {"location_id": layer["location_id"]}
    for i, name in enumerate(VARIABLES):
        wave = np.sin(x / (5 + i) + i) + np.cos(y / 4 + 2 * i) + random.normal(0, 0.2, len(layer))
        columns[name] = np.round((500 + 100 * wave) / 10 ** (i % 3), 1 + i % 3).astype("float32")
    return pd.DataFrame(columns)


def write(folder: Path, layer: gpd.GeoDataFrame) -> None:
    """Put what the applications read into `folder`: the layer, its GeoJSON (served too), its values."""
    static = folder / "static"
    static.mkdir(parents=True, exist_ok=True)
    coarse = shapely.transform(layer.geometry.to_numpy(), lambda at: np.round(at, DIGITS))
    rounded = layer.assign(geometry=coarse)
    features = json.loads(rounded.set_index("location_id", drop=False).to_json(drop_id=False))
    features.pop("crs", None)
    (static / "layer.geojson").write_text(json.dumps(features, separators=(",", ":")))
    rounded.to_parquet(folder / "layer.parquet")
    values(layer).to_parquet(folder / "values.parquet")
