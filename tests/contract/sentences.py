"""Every English sentence that a reader may meet: those in the code, and those in the descriptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

from analytics import INDICATORS
from analytics.standard import standards
from geodata.catalog import open_catalog
from geodata.dataset import Dataset, Step
from geodata.profile import OUTLIER_RULE
from geodata.region import load_region, regions

ROOT = Path(__file__).parents[2]
SAYING = {"t", "tn", "message"}
# `broken` is a BrokenData that knows its file or table already.
FAILING = {"AlmanacError", "UnknownName", "BrokenData", "broken"}


def in_code(folders: tuple[str, ...] = ("app", "geodata", "analytics")) -> set[str]:
    """The literals given to `t`, `tn` and `message`, and the sentences of errors that keep their facts apart."""
    found: set[str] = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if "build" not in path.parts:
                for sentence in _said_in(ast.parse(path.read_text(encoding="utf-8")), path):
                    found.add(sentence)
    return found


def _said_in(tree: ast.AST, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in SAYING:
            wanted = node.args[:2] if name == "tn" else node.args[:1]
            for argument in wanted:
                if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                    raise AssertionError(f"{path.name}:{node.lineno}: {name}() is called without a literal sentence")
                yield argument.value
        elif name in FAILING and _apart(node):
            for argument in (*node.args[:1], *(k.value for k in node.keywords if k.arg == "hint")):
                yield from _literals(argument)


def _apart(call: ast.Call) -> bool:
    """Whether an error's sentences are literals (possibly one of two), so that they can be translated."""
    hint = next((k.value for k in call.keywords if k.arg == "hint"), None)
    return bool(call.args) and hint is not None and all(list(_literals(a)) for a in (call.args[0], hint))


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def in_descriptions() -> set[str]:
    """The sentences of datasets, regions and profiles: titles, summaries, flaws, what qualifiers mean, units."""
    kinds = get_args(get_type_hints(Dataset)["kind"])
    found: set[str] = {*get_args(Step), *kinds, OUTLIER_RULE}
    for dataset in open_catalog().values():
        found |= {dataset.title, dataset.summary, *dataset.flaws}
        if dataset.licence != "not stated":
            found.add(dataset.licence)
        for column in dataset.columns.values():
            found |= {column.title, *column.flags.values(), column.canonical_unit.symbol} - {""}
    for region_id in regions():
        region = load_region(region_id)
        found |= {region.name, region.summary}
    return found


def in_indicators() -> set[str]:
    """The sentences of indicators and standards: what a number means, its caveats, the names of classes, units."""
    found: set[str] = set()
    for indicator in INDICATORS.values():
        found |= {indicator.title, indicator.caveat, indicator.undefined, indicator.canonical_unit.symbol}
    for standard in standards().values():
        found.add(standard.title)
        for classes in standard.classes.values():
            found |= {*classes.labels, classes.note}
    return found - {""}
