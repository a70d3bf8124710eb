"""The numbers of the notebooks are those of the dashboard: what one makes anew stands on every page in a browser."""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from app.view import find_views
from tests.browser.dashboard import Reader

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "12_where_each_number_comes_from.ipynb"
VIEWS = [view.id for view in find_views()]
TAG = "page:"
# What is on the page, with what is said of its pictures to those who do not see them.
SHOWN = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  return [main.innerText, ...[...main.querySelectorAll('img')].map((picture) => picture.alt)].join('\\n');
}"""


@dataclass(frozen=True)
class Said:
    """What the notebook printed of each page, in a language; `regions` tells in which region a page is looked at."""

    language: str
    regions: dict[str, str]
    lines: dict[str, list[str]]


@pytest.fixture(scope="module", params=["en", "zh-Hant"])
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """The notebook, run to its end; its forecasts are the dashboard's, in the folder that both keep them in."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    parameters = parameters_of(notebook)
    chosen = nbformat.v4.new_code_cell(f"LANGUAGE = {request.param!r}")
    notebook.cells.insert(notebook.cells.index(parameters) + 1, chosen)
    folder = str(tmp_path_factory.mktemp("notebook"))
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}})
    # As the dashboard of these tests: nothing was appended to this installation.
    client.execute(env={**os.environ, "ALMANAC_OBSERVATIONS": folder})
    return Said(request.param, regions_of(parameters.source), lines_of(notebook))


def parameters_of(notebook: Any) -> Any:
    """The cell that holds what may be changed."""
    return next(cell for cell in notebook.cells if cell.metadata.get("tags") == ["parameters"])


def pages_of(cell: Any) -> list[str]:
    """The pages whose numbers a cell makes."""
    return [tag.removeprefix(TAG) for tag in cell.metadata.get("tags", []) if tag.startswith(TAG)]


def regions_of(parameters: str) -> dict[str, str]:
    """The region of each page, as the notebook's first cell has them."""
    named = {line.targets[0].id: line.value for line in ast.parse(parameters).body}  # type: ignore[attr-defined]
    return dict(ast.literal_eval(named["PAGES"]))


def lines_of(notebook: Any) -> dict[str, list[str]]:
    """What each cell tagged with a page printed, by page."""
    found: dict[str, list[str]] = {}
    for cell in notebook.cells:
        for view in pages_of(cell):
            printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
            found.setdefault(view, []).extend(filter(None, printed.split("\n")))
    return found


def plainly(text: str) -> str:
    """A text with one space wherever it has room: a page breaks lines, and units follow narrow spaces."""
    return " ".join(text.split())


def unseen(lines: list[str], shown: str) -> list[str]:
    """The lines that a page does not show; “1.5 m” is not shown where “21.5 m” is, nor 36 where 36.2 is."""
    page = plainly(shown)
    return [line for line in lines if not re.search(_whole(plainly(line)), page)]


def _whole(line: str) -> str:
    """A pattern of the line whose numbers at its ends are no part of longer ones."""
    before = r"(?<![\d.,−-])" if line[0].isdigit() else ""
    after = r"(?![.,]?\d)" if line[-1].isdigit() else ""
    return f"{before}{re.escape(line)}{after}"


def look(page: Any) -> None:
    """On the page of reports, the first look is asked for; everything else stands there at once."""
    page.locator('[data-testid="stMain"] [data-testid="stCheckbox"] label').click()
    page.locator('[data-testid="stImage"] img').first.wait_for()


@pytest.mark.parametrize("view", VIEWS)
def test_what_the_notebook_makes_anew_stands_on_the_page(reader: Callable[..., Reader], said: Said, view: str) -> None:
    lines = said.lines.get(view, [])
    assert lines, f"no cell of the notebook is tagged {TAG}{view}, or it prints nothing"
    assert [line for line in lines if not re.search(r"\d", line)] == []
    window = reader()
    page = window.open(view, region=said.regions[view], lang=said.language)
    if view == "report":
        look(page)
        window.wait()
    shown = page.evaluate(SHOWN)
    assert unseen(lines, shown) == [], shown


def test_every_page_is_made_anew_and_no_other() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert sorted(lines_of(notebook)) == sorted(regions_of(parameters_of(notebook).source)) == sorted(VIEWS)


def test_the_function_that_is_named_is_the_one_that_is_called() -> None:
    named: dict[str, str] = {}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        for view in pages_of(cell):
            ((page, name),) = re.findall(r'^made_by\["(\w+)"\] = "([\w.]+)"$', cell.source, re.M)
            assert page == view
            module, _, function = name.rpartition(".")
            made = getattr(importlib.import_module(module), function)
            assert made.__module__ == module  # where it is written, not where it is used
            called = [n.func.id for n in ast.walk(ast.parse(cell.source)) if _is_plain_call(n)]  # type: ignore[attr-defined]
            assert function in called
            named[view] = name
    assert sorted(named) == sorted(VIEWS)


def _is_plain_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def test_another_number_is_found_out() -> None:
    shown = "Half of the 100 places\nlie between 3,882\N{NARROW NO-BREAK SPACE}veh/day and 8,214 veh/day."
    assert unseen(["Half of the 100 places lie between 3,882\N{NO-BREAK SPACE}veh/day"], shown) == []
    for other in (
        "Half of the 101 places",
        "3,883 veh/day",
        "882 veh/day",
        "8,21",
        "8",
        "Half of the 100 places lie at",
    ):
        assert unseen([other], shown) == [other]
    # Where Chinese begins its next sentence with a number, the one before ends all the same.
    assert unseen(["小 36%。"], "小 36%。1 個地點中有 1 個") == []
