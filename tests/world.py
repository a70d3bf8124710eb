"""A small region made on the spot, for tests that break something: made-up values, never shown to anyone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

REGION_TOML = """\
name = "Two Valleys"
summary = "A region that exists only in the tests."
crs_metric = "EPSG:32632"
timezone = "Europe/Rome"
home = "gauges"
basemap = "valley_base"
opens_on = "river_daily.discharge_m3_per_s"
headlines = []
"""
DATASET_TOML = """\
title = "{title}"
summary = "{summary}"
region = "{region}"
theme = "{theme}"
kind = "{kind}"
{locations}producer = "The tests"
licence = "not stated"
citation = "Made by the tests."
url = "https://example.org/data"
observed_from = 2020-01-01
observed_to = 2020-01-30
retrieved = 2026-11-23
step = "{step}"
sha256 = "{sha256}"
flaws = ["Its values are made up."]

[package]
registry = "PyPI"
name = "nothing"
version = "1.0"
licence = "MIT"
files = ["values.csv"]
sha256 = ["{zeros}"]
{columns}
"""
DISCHARGE_TOML = """
[columns.discharge_m3_per_s]
title = "Discharge"
unit = "m3/s"
source = "Q (m3/s)"
minimum = 0.0
maximum = 100.0
aggregate = "mean"
scale = "sequential"
flag = "discharge_flag"
[columns.discharge_m3_per_s.flags]
A = "Approved"
P = "Provisional"
"""


@dataclass(frozen=True)
class World:
    """The folders of a made region, and how to change one thing in them."""

    sources: Path
    regions: Path
    region: str = "two_valleys"

    def toml(self, dataset: str) -> Path:
        """The description of a dataset."""
        return self.sources / f"{dataset}.toml"

    def file(self, dataset: str) -> Path:
        """The file of a dataset."""
        return self.regions / self.region / f"{dataset}.parquet"

    def replace(self, dataset: str, old: str, new: str) -> None:
        """Changes the text of a description; the test fails where `old` does not stand there."""
        text = self.toml(dataset).read_text(encoding="utf-8")
        assert old in text
        self.toml(dataset).write_text(text.replace(old, new), encoding="utf-8")

    def seal(self, dataset: str) -> None:
        """Brings the checksum in a description up to its file, so that only the content is at fault."""
        text = self.toml(dataset).read_text(encoding="utf-8").split("\n")
        found = hashlib.sha256(self.file(dataset).read_bytes()).hexdigest()
        first = next(i for i, line in enumerate(text) if line.startswith("sha256 = "))
        text[first] = f'sha256 = "{found}"'
        self.toml(dataset).write_text("\n".join(text), encoding="utf-8")


def panel() -> pd.DataFrame:
    """Thirty days at three gauges; at the last the second half is missing, and one value is impossible."""
    days = pd.date_range("2020-01-01", periods=30, freq="D", tz="UTC", unit="us")
    values = np.concatenate([np.linspace(1, 30, 30), np.linspace(10, 12.9, 30), np.linspace(5, 7.9, 30)])
    values[15:30] = np.nan
    values[59] = 1000.0
    return pd.DataFrame(
        {
            "location_id": pd.Series(np.repeat(["001", "002", "003"], 30), dtype="str"),
            "time": days.append([days, days]),
            "discharge_m3_per_s": values,
            "discharge_flag": pd.Series("A", range(90)).where(~np.isnan(values)).astype("category"),
        }
    )


def gauges() -> gpd.GeoDataFrame:
    """Three gauges in the Alps, one of them with a Chinese name."""
    return gpd.GeoDataFrame(
        {
            "name": ["Ponte Alto", "Molino", "Foce"],
            "name_zh_hans": [None, "磨坊", None],
            "name_zh_hant": [None, "磨坊", None],
        },
        index=pd.Index(["001", "002", "003"], name="location_id"),
        geometry=[shapely.Point(9.0, 45.5), shapely.Point(9.5, 45.6), shapely.Point(9.7, 45.9)],
        crs=4326,
    )


def make_world(folder: Path, region: str = "two_valleys") -> World:
    """Writes the region into `folder`."""
    made = World(folder / "sources", folder / "regions", region)
    made.sources.mkdir(parents=True, exist_ok=True)
    (made.regions / region).mkdir(parents=True, exist_ok=True)
    (made.regions / region / "region.toml").write_text(REGION_TOML, encoding="utf-8")
    base = gpd.GeoDataFrame(
        {"name": ["Land"], "kind": ["land"], "rank": [0]},
        index=pd.Index(["land"], name="location_id"),
        geometry=[shapely.box(8.5, 45, 10, 46.5)],
        crs=4326,
    )
    panel().to_parquet(made.file("river_daily"), index=False)
    gauges().to_parquet(made.file("gauges"))
    base.to_parquet(made.file("valley_base"))
    described = {
        "river_daily": ("Daily river flow", "How much water the rivers carry.", "water", "panel", "1 day"),
        "gauges": ("River gauges", "Where the rivers are measured.", "water", "layer", "once"),
        "valley_base": ("Land of the valleys", "Drawn beneath the data.", "basemap", "layer", "once"),
    }
    for dataset, (title, summary, theme, kind, step) in described.items():
        is_panel = kind == "panel"
        made.toml(dataset).write_text(
            DATASET_TOML.format(
                title=title,
                summary=summary,
                region=region,
                theme=theme,
                kind=kind,
                locations='locations = "gauges"\n' if is_panel else "",
                step=step,
                sha256="",
                zeros="0" * 64,
                columns=DISCHARGE_TOML if is_panel else "\n[columns]",
            ),
            encoding="utf-8",
        )
        made.seal(dataset)
    return made
