"""The house rules that a machine can check: which package uses which, names, lengths, pages."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What each package may use of the project: geodata ← analytics ← app.
MAY_USE = {
    "geodata": {"geodata"},
    "analytics": {"geodata", "analytics"},
    "app": {"geodata", "analytics", "app"},
}
OURS = {*MAY_USE, "notebooks", "tests"}
STREAMLIT_LIVES_IN = ("app/main.py", "app/widgets.py", "app/map/", "app/views/")
MEANINGLESS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "manager",
    "managers",
    "processor",
    "processors",
}
LONGEST = 450


def modules(root: Path) -> Iterator[Path]:
    for package in MAY_USE:
        yield from sorted((root / package).rglob("*.py"))


def imported(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """The line and the full dotted name of everything that a module imports, wherever in it."""
    package = path.relative_to(root).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{prefix}.{name.name}".strip(".")) for name in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def wrong_arrows(root: Path) -> list[str]:
    found = []
    for path in modules(root):
        here = path.relative_to(root)
        for line, name in imported(path, root):
            top = name.split(".")[0]
            if top in OURS and top not in MAY_USE[here.parts[0]]:
                found.append(f"{here.as_posix()}:{line} imports {name}")
    return found


def misplaced_streamlit(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root).as_posix()}:{line} imports {name}"
        for path in modules(root)
        for line, name in imported(path, root)
        if name.split(".")[0] == "streamlit" and not path.relative_to(root).as_posix().startswith(STREAMLIT_LIVES_IN)
    ]


def meaningless_names(root: Path) -> list[str]:
    found = []
    for path in modules(root):
        here = path.relative_to(root)
        if MEANINGLESS & {part.removesuffix(".py") for part in here.parts}:
            found.append(here.as_posix())
    return found


def too_long(root: Path) -> list[str]:
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(root)}
    return [f"{path.relative_to(root)}: {count} lines" for path, count in counts.items() if count > LONGEST]


def without_view(root: Path) -> list[str]:
    """The pages that do not end with VIEW = View(...)."""
    found = []
    for path in sorted((root / "app" / "views").glob("*.py")):
        if path.name == "__init__.py":
            continue
        body = ast.parse(path.read_text(encoding="utf-8")).body
        match body[-1] if body else None:
            case (
                ast.Assign(targets=[ast.Name(id="VIEW")], value=ast.Call(func=ast.Name(id="View")))
                | ast.AnnAssign(target=ast.Name(id="VIEW"), value=ast.Call(func=ast.Name(id="View")))
            ):
                pass
            case _:
                found.append(path.relative_to(root).as_posix())
    return found


RULES = (wrong_arrows, misplaced_streamlit, meaningless_names, too_long, without_view)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_its_rules(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


def test_there_is_something_to_check() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in modules(ROOT)} >= {"geodata", "app"}
    assert list((ROOT / "app" / "views").glob("[!_]*.py"))


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("geodata/panel.py", "from analytics.skill import select_shown"),
        ("geodata/build/lombardy.py", "import app.text"),
        ("geodata/deep/er/still.py", "def late():\n    from app import text"),
        ("analytics/place.py", "from app.charts import series"),
        ("analytics/place.py", "import importlib\nimportlib.import_module('app.charts')"),
        ("app/charts.py", "from tests.browser.browser import launch"),
        ("app/charts.py", "import notebooks.first"),
        ("app/report/page.py", "from ... import tests"),
    ],
)
def test_a_planted_wrong_arrow_is_found(tmp_path: Path, where: str, code: str) -> None:
    plant(tmp_path, where, code)
    assert len(wrong_arrows(tmp_path)) == 1
    assert wrong_arrows(tmp_path)[0].startswith(where)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("analytics/place.py", "from geodata import load_region"),
        ("app/views/place.py", "from analytics.place import Profile\nfrom geodata import load_region"),
        ("app/report/page.py", "from . import app\nfrom .tests import shape"),
    ],
)
def test_a_right_arrow_is_left_alone(tmp_path: Path, where: str, code: str) -> None:
    plant(tmp_path, where, code)
    assert wrong_arrows(tmp_path) == []


def test_streamlit_outside_its_rooms_is_found(tmp_path: Path) -> None:
    for where in ("app/main.py", "app/widgets.py", "app/map/component.py", "app/views/data.py"):
        plant(tmp_path, where, "import streamlit as st")
    assert misplaced_streamlit(tmp_path) == []
    plant(tmp_path, "app/charts.py", "from streamlit.components.v2 import component")
    plant(tmp_path, "geodata/catalog.py", "def cached():\n    import streamlit")
    assert [found.split(":")[0] for found in misplaced_streamlit(tmp_path)] == [
        "geodata/catalog.py",
        "app/charts.py",
    ]


def test_meaningless_names_and_long_modules_are_found(tmp_path: Path) -> None:
    plant(tmp_path, "geodata/utils.py", "")
    plant(tmp_path, "app/common/colours.py", "")
    plant(tmp_path, "analytics/place.py", "x = 1\n" * (LONGEST + 1))
    plant(tmp_path, "analytics/skill.py", "x = 1\n" * LONGEST)
    assert meaningless_names(tmp_path) == ["geodata/utils.py", "app/common/colours.py"]
    assert too_long(tmp_path) == [f"analytics/place.py: {LONGEST + 1} lines"]


def test_a_page_that_does_not_end_with_its_view_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "app/views/good.py", "from app.view import View\nVIEW = View('good')")
    plant(tmp_path, "app/views/early.py", "VIEW = View('early')\ndef draw(): ...")
    plant(tmp_path, "app/views/nothing.py", "")
    plant(tmp_path, "app/views/other.py", "VIEW = None")
    assert without_view(tmp_path) == ["app/views/early.py", "app/views/nothing.py", "app/views/other.py"]


def plant(root: Path, where: str, code: str) -> None:
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
