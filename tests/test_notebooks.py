"""The analyst's notebooks: the house's rules for them, the command that copies one, and every one run to its answer."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from app.cli import main
from app.notebook_command import notebooks, question

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST_FUNCTION = 3
# Smaller than what the notebook has, where that saves time.
SMALLER: dict[str, dict[str, object]] = {
    "01_first_look_at_a_region": {"REGION": "noord_brabant"},
    "02_low_flow_and_flood_on_a_river": {"CHANCES": [0.5, 0.01]},
    "03_traffic_growth_and_its_uncertainty": {"MOST": 3},
    "04_drought_and_groundwater": {"MOST": 3},
    "05_ground_motion_near_people": {"MOST": 3},
    "06_backtesting_a_forecast_honestly": {"HORIZON": 3, "WINDOWS": 30},
    "07_bringing_your_own_files": {"HORIZON": 1, "YEARS": 6},
    "08_adding_an_indicator": {"PUBLISH": True},
    "09_a_ranking_that_admits_ties": {"MOST": 3, "PUBLISH": True},
    "10_making_an_atlas": {"KIND": "sheet", "PLACES": ("37183",)},
    "11_a_what_if_written_down": {"FARTHEST_M": 320, "ROWS": 2000, "PUBLISH": True},
    "12_where_each_number_comes_from": {},
}
OURS = {"geodata", "analytics", "app"}
OTHERS = {"IPython", "numpy", "pandas", "pathlib", "plotly", "tempfile", "warnings"}

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def long_functions(tree: ast.AST) -> list[str]:
    """The functions of more than three lines; a decorator is metadata and does not count."""
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION
    ]


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{name.name}" for name in node.names]
    return found


def unused(tree: ast.AST) -> list[str]:
    """What is imported and never used."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named = [name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for name in node.names]
    return [name.name for name in named if (name.asname or name.name.split(".")[0]) not in used]


def private(tree: ast.AST) -> list[str]:
    """What is used that begins with an underscore: it may change without a word."""
    named = [part for name in imports(tree) for part in name.split(".")]
    named += [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    named += [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return [name for name in named if name.startswith("_") and name != "_"]


def test_they_are_numbered_and_each_asks_one_question() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{n:02d}" for n in range(1, len(NOTEBOOKS) + 1)]
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in NOTEBOOKS)
    questions = [question(path) for path in NOTEBOOKS]
    assert len(set(questions)) == len(NOTEBOOKS) >= 10
    for path, asked in zip(NOTEBOOKS, questions, strict=True):
        first = read(path).cells[0]
        assert first.cell_type == "markdown" and first.source.startswith("# "), path.name
        assert asked.endswith("?") and asked.count("?") == 1, path.name
    assert set(SMALLER) == {path.stem for path in NOTEBOOKS}


@each
def test_nothing_that_was_run_is_committed(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in code_cells(notebook):
        assert cell.outputs == [] and cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata.language_info) == {"name"}


@each
def test_the_first_cell_of_code_holds_the_parameters(path: Path) -> None:
    first, *others = code_cells(read(path))
    assert first.metadata.get("tags") == ["parameters"]
    assert not any("parameters" in cell.metadata.get("tags", []) for cell in others)
    body = ast.parse(first.source).body
    assert all(isinstance(statement, ast.Assign) for statement in body)
    given = {name.id for line in body for name in ast.walk(line) if isinstance(name, ast.Name)}
    assert given >= set(SMALLER[path.stem])
    assert all(name.isupper() for name in given)
    # A parameter that nothing reads would be a promise.
    used = {n.id for cell in others for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Name)}
    assert given <= used


@each
def test_only_public_functions_are_used_and_none_is_long(path: Path) -> None:
    tree = ast.parse("\n".join(cell.source for cell in code_cells(read(path))))
    assert long_functions(tree) == []
    assert private(tree) == []
    assert unused(tree) == []
    tops = {name.split(".")[0] for name in imports(tree)}
    assert tops & OURS and tops <= OURS | OTHERS
    assert not any(name.startswith(("app.views", "app.widgets", "app.main", "app.map.")) for name in imports(tree))


@each
def test_figures_ask_nothing_of_the_internet(path: Path) -> None:
    cells = code_cells(read(path))
    assert 'plotly.io.renderers.default = "plotly_mimetype"' in cells[1].source
    assert not any("http" in cell.source.replace("https://doi.org/", "") for cell in cells)


@each
def test_the_last_cell_answers_from_numbers(path: Path) -> None:
    last = read(path).cells[-1]
    assert last.cell_type == "code"
    *_, final = ast.parse(last.source).body
    assert isinstance(final, ast.Expr) and isinstance(final.value, ast.Call)
    assert getattr(final.value.func, "id", "") == "print"
    # A sentence without a computed value would be true of anything.
    assert any(
        isinstance(node, ast.FormattedValue | ast.Call) for argument in final.value.args for node in ast.walk(argument)
    )


def test_what_breaks_a_rule_is_found() -> None:
    assert long_functions(ast.parse("def f(x):\n    a = x\n    b = a\n    return b")) == ["f"]
    assert long_functions(ast.parse("@d(\n    1,\n    2,\n)\ndef f(x):\n    a = x\n    return a")) == []
    assert unused(ast.parse("import numpy as np\nimport plotly.io\nplotly.io")) == ["numpy"]
    assert private(ast.parse("from analytics.finding import _sure")) == ["_sure"]
    assert private(ast.parse("import app.text as words\nwords._locale()")) == ["_locale"]


@pytest.mark.slow
@each
def test_it_runs_to_its_answer(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As JupyterLab tells the notebook its name, and as nothing that it publishes meets another test.
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    monkeypatch.setenv("ALMANAC_PUBLICATIONS", str(tmp_path / "publications"))
    notebook = read(path)
    at = notebook.cells.index(code_cells(notebook)[0])
    smaller = "\n".join(f"{name} = {value!r}" for name, value in SMALLER[path.stem].items())
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(smaller))
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not any(output.output_type == "error" for output in outputs)
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    said = "".join(output.text for output in notebook.cells[-1].outputs).strip()
    assert re.search(r"\d", said) and said.endswith("."), said
    assert "nan" not in said
    drawn = [output.data for output in outputs if "data" in output]
    assert any("application/vnd.plotly.v1+json" in data for data in drawn)
    # A figure that brought a script along would fetch it from elsewhere, or weigh megabytes.
    assert not any("<script" in data.get("text/html", "") for data in drawn)


def test_the_command_lists_them_with_their_questions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notebook", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["notebook"] for row in rows] == [path.stem for path in NOTEBOOKS]
    assert rows[4]["question"] == "Where does the ground sink near people?"


@pytest.mark.parametrize(
    "name",
    ["05_ground_motion_near_people", "5", "05", "ground_motion_near_people", "05_ground_motion_near_people.ipynb"],
)
def test_one_is_copied_by_name_or_number(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["notebook", name, "--to", str(tmp_path / "mine")]) == 0
    copy = tmp_path / "mine" / "05_ground_motion_near_people.ipynb"
    assert capsys.readouterr().out == f"{copy}\n"
    assert copy.read_bytes() == NOTEBOOKS[4].read_bytes()


def test_a_copy_never_takes_the_place_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "10_making_an_atlas.ipynb"
    mine.write_text("my work", encoding="utf-8")
    assert main(["notebook", "10", "--to", str(tmp_path)]) == 2
    assert mine.read_text(encoding="utf-8") == "my work"
    assert capsys.readouterr().err == (
        f"There is already a file {mine}, which is left as it is.\n"
        "Name another folder with --to, or move that file away.\n"
    )
    assert main(["notebook", "10", "--to", str(mine)]) == 2
    assert f"There is already a file {mine}" in capsys.readouterr().err


def test_a_near_miss_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notebook", "making_an_atals", "--to", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "There is no notebook “making_an_atals”.\nDid you mean “10_making_an_atlas”?\n"
    assert main(["notebook", "zzz", "--to", str(tmp_path)]) == 2
    assert "Choose one of: 01_first_look_at_a_region" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_those_of_a_wheel_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip lays a wheel out: the code among the packages, the notebooks in the data of the environment."""
    packages, data = tmp_path / "lib" / "site-packages", tmp_path / "share" / "almanac" / "notebooks"
    (packages / "app").mkdir(parents=True)
    data.mkdir(parents=True)
    (data / "01_one.ipynb").write_text("{}", encoding="utf-8")
    facts = packages / "almanac-0.1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Name: almanac\nVersion: 0.1.0\n", encoding="utf-8")
    (facts / "RECORD").write_text("../../share/almanac/notebooks/01_one.ipynb,,\napp/cli.py,,\n", encoding="utf-8")
    monkeypatch.setattr("app.notebook_command.__file__", str(packages / "app" / "notebook_command.py"))
    monkeypatch.syspath_prepend(str(packages))
    assert {name: file.resolve() for name, file in notebooks().items()} == {"01_one": (data / "01_one.ipynb").resolve()}
