"""The product beside its peers, measured; each `bench_*.py` has `run(data) -> rows`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def run_one(name: str, data: Path | None) -> list[Row]:
    """The rows of one benchmark, each with its name."""
    bench = importlib.import_module(f"tests.benchmarks.bench_{name}")
    return [{"bench": name, **row} for row in bench.run(data)]
