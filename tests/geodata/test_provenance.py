"""What is told of how a result came: the code as it was run, and whether the notebook's file holds just that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from geodata.errors import AlmanacError
from geodata.provenance import what_ran

TELLING = """import json

from geodata.provenance import what_ran

ran = what_ran()
print(json.dumps([str(ran.notebook), list(ran.cells), ran.as_saved, ran.code, sorted(ran.names)]))"""


def told(cells: list[str], saved: list[str] | None, path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a notebook of these cells is told of itself at its end, where its file holds what is `saved`."""
    if saved is not None:
        # A cell of words and an empty one: neither is code that could be run.
        held = [nbformat.v4.new_markdown_cell("# Words"), *map(nbformat.v4.new_code_cell, [*saved, ""])]
        nbformat.write(nbformat.v4.new_notebook(cells=held), path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    last = next(cell for cell in reversed(notebook.cells) if cell.source == TELLING)
    return json.loads("".join(output.text for output in last.outputs))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rivers.ipynb"


@pytest.mark.slow
def test_a_clean_run_is_what_the_file_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["%precision 3\na = 1", "  ", "b = a + 1\n", TELLING]
    # What comes after has not been run, and may be anything.
    notebook, ran, as_saved, code, names = told(cells, [*cells, "c = 3"], path, monkeypatch)
    assert notebook == str(path)
    assert as_saved
    # Magics are kept as the Python that they stand for.
    assert ran[0].splitlines()[1] == "a = 1" and "run_line_magic('precision', '3')" in ran[0]
    assert ran[1:] == ["b = a + 1", TELLING]
    assert code == f"# %%\n{ran[0].rstrip()}\n\n# %%\nb = a + 1\n\n# %%\n{TELLING}\n"
    assert {"a", "b"} <= set(names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "saved"),
    [
        (["a = 1", "a = 1", TELLING], ["a = 1", TELLING]),
        (["b = 2", "a = 1", TELLING], ["a = 1", "b = 2", TELLING]),
        (["b = 2", TELLING], ["a = 1", "b = 2", TELLING]),
        (["a = 1", TELLING], ["a = 2", TELLING]),
        (["a = 1", TELLING], None),
        (["a = 1", TELLING], ["a = 1"]),
    ],
    ids=["twice", "another order", "one left out", "another text", "no file", "a cell that is not saved"],
)
def test_anything_else_is_not(
    path: Path, monkeypatch: pytest.MonkeyPatch, run: list[str], saved: list[str] | None
) -> None:
    _, ran, as_saved, _, _ = told(run, saved, path, monkeypatch)
    assert ran == run, "the cells in the order in which they were run"
    assert not as_saved


def test_a_script_counts_as_a_whole(tmp_path: Path) -> None:
    script = tmp_path / "rivers.py"
    script.write_text("a = 1\nb = 2\n", encoding="utf-8")
    ran = what_ran(script)
    assert (ran.notebook, ran.cells, ran.as_saved) == (script, ("a = 1\nb = 2\n",), True)
    assert ran.code == "# %%\na = 1\nb = 2\n"


def test_a_script_is_named_by_itself(tmp_path: Path) -> None:
    script = tmp_path / "own.py"
    script.write_text(
        "from geodata.provenance import what_ran\nran = what_ran(__file__)\nprint(ran.cells[0][:4], len(ran.cells))",
        encoding="utf-8",
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "from 1\n", done.stderr


def test_a_notebook_that_is_not_being_run_holds_its_cells(path: Path) -> None:
    cells = [nbformat.v4.new_markdown_cell("a"), nbformat.v4.new_code_cell("a = 1"), nbformat.v4.new_code_cell("b = 2")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert what_ran(path).cells == ("a = 1", "b = 2")
    path.write_text('{"cells": 3}', encoding="utf-8")
    with pytest.raises(AlmanacError, match=r"rivers\.ipynb holds no code that could be read"):
        what_ran(path)
    path.write_text("no json", encoding="utf-8")
    with pytest.raises(AlmanacError, match="holds no code"):
        what_ran(path)


def test_nobody_tells_which_notebook_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Outside of a notebook that of a kernel which started this process does not count.
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "a.ipynb"))
    with pytest.raises(AlmanacError, match="not known from which notebook"):
        what_ran()


def test_each_editor_tells_in_its_own_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = SimpleNamespace(input_hist_raw=["", "a = 1"])
    shell = SimpleNamespace(user_ns={"In": ["", "a = 1"], "a": 1}, history_manager=history)
    monkeypatch.setattr("geodata.provenance._shell", lambda: shell)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with pytest.raises(AlmanacError, match="not known from which notebook"):
        what_ran()
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "lab.ipynb"))
    assert what_ran().notebook == tmp_path / "lab.ipynb"
    shell.user_ns["__vsc_ipynb_file__"] = str(tmp_path / "code.ipynb")
    assert what_ran().notebook == tmp_path / "code.ipynb"
    assert what_ran(tmp_path / "said.ipynb").notebook == tmp_path / "said.ipynb"
