"""Results published from a made region, by a script that stands for the notebook of an analyst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import tomli_w

from analytics.indicators import INDICATORS
from analytics.published import DESCRIPTION, TABLE, table_bytes
from geodata.dataset import Dataset
from geodata.described import table_of
from geodata.publishing import Attached, publish
from geodata.settings import settings

TITLE = "Usual flow: the middle of the days"
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


def put_indicator(**changed: Any) -> Dataset:
    """Publishes an indicator as `publish_indicator` does, with some of its metadata or files changed."""
    model = INDICATORS["flashiness"]
    told = table_of(model, given=("function", "published"))
    metadata = {
        **told,
        "id": "usual_flow",
        "title": "Usual flow: the middle of the days",
        "unit": "m3_per_s",
        "code": "W99",
    }
    metadata |= changed.pop("metadata", {})
    evidence = {"evidence": {"grade": "by_hand", "sources": ["By hand"]}, "definition": "The median."}
    numbers = pd.DataFrame(
        {
            **{"value": means(), "low": float("nan"), "high": float("nan"), "p_value": float("nan"), "n": 30},
            **{"completeness": 1.0, "observed_from": pd.Timestamp("2020-01-01")},
            **{"observed_to": pd.Timestamp("2020-01-30"), "provisional": 0.0, "dataset": "river_daily", "reason": ""},
        },
        index=means().index,
    )
    files = {DESCRIPTION: tomli_w.dumps({**evidence, "indicator": metadata}).encode(), TABLE: table_bytes(numbers)}
    files |= changed.pop("files", {})
    details = {"title": "Usual flow", "id": "usual_flow", "attached": Attached("indicator", files)}
    return published(**{**details, **changed})
