"""Results published from a made region, by a script that stands for the notebook of an analyst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from geodata.dataset import Dataset
from geodata.publishing import publish
from geodata.settings import settings

HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) $x$"


def script(name: str = "rivers.py", code: str = "mean = 1\n") -> Path:
    """A script beside the publications, which tells what it holds as a notebook does."""
    path = settings().publications.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    return path


def means(first: float = 8.0) -> pd.Series:
    """A value for each gauge of the made region, made up."""
    index = pd.Index(["001", "002", "003"], name="location_id")
    return pd.Series([first, 11.45, 6.45], index=index, name="mean_discharge_m3_per_s")


def published(result: Any = None, **given: Any) -> Dataset:
    """Publishes a result of the gauges, made from the daily flow, in the name of Ann."""
    usual = {"title": "Mean flow", "method": "The mean of all days.", "inputs": ("river_daily",), "author": "Ann"}
    notebook = given.pop("notebook") if "notebook" in given else script()
    return publish(means() if result is None else result, notebook=notebook, **{**usual, **given})
