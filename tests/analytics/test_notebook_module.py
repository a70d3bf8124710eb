"""A notebook's function as a module of its own: nothing missing, nothing too much, and it gives the same numbers."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import runpy
import subprocess
import symtable
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.notebook_module import module_of
from geodata.errors import AlmanacError

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "08_adding_an_indicator.ipynb"
HEAD = '"""A test."""\n\nfrom __future__ import annotations\n'

# Runs the notebook as far as its indicator, as a kernel would, and hands over the module.
CARRY = """
import json, sys
from analytics.notebook_module import module_of
cells = ["".join(c["source"]) for c in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
         if c["cell_type"] == "code"]
names = {"__name__": "__main__"}
for number, cell in enumerate(cells):
    exec(cell, names)
    if "def rain_concentration" in cell:
        break
sys.stdout.buffer.write(
    module_of(cells[: number + 1], "rain_concentration", names, heading="How the rain falls.").encode()
)
"""

# Ten years: the same in every month, all of it in July, and in the first six months only; one of two years only.
USE = """
import runpy, sys
import pandas as pd
from analytics.indicator import INDICATORS
assert "rain_concentration" not in INDICATORS
runpy.run_path(sys.argv[1], run_name="carried")
times = pd.date_range("2000-01-01", periods=120, freq="MS", tz="UTC")
case = pd.concat(
    pd.DataFrame({"location_id": place, "time": t, "precipitation_mm": [rain(time) for time in t]})
    for place, t, rain in (
        ("even", times, lambda time: 40.0 if time.year % 2 else 50.0),
        ("one_month", times, lambda time: 600.0 * (time.month == 7)),
        ("half_year", times, lambda time: 100.0 * (time.month <= 6)),
        ("short", times[:24], lambda time: 50.0),
    )
)
print(INDICATORS["rain_concentration"](case).to_json(double_precision=15))
"""


def python(*arguments: str) -> str:
    """What a fresh process prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT / "notebooks", check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def carried() -> str:
    return python("-c", CARRY, str(NOTEBOOK))


def names_after(*cells: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        exec(textwrap.dedent(cell), names)
    return names


def carry(*cells: str, name: str = "wanted", values: dict[str, Any] | None = None) -> str:
    """What follows the head of the module; its cells are run first, unless it is told what the names hold."""
    held = names_after(*cells) if values is None else values
    text = module_of([textwrap.dedent(cell) for cell in cells], name, held, heading="A test.")
    assert text.startswith(HEAD)
    assert undefined(text) == set()
    return text.removeprefix(HEAD).strip("\n")


def refusal(*cells: str, name: str = "wanted", values: dict[str, Any] | None = None) -> AlmanacError:
    with pytest.raises(AlmanacError) as caught:
        carry(*cells, name=name, values=values)
    return caught.value


def run(body: str, name: str = "wanted") -> Any:
    module = types.ModuleType("carried")
    # Dataclasses ask for the module that they are in.
    with patch.dict(sys.modules, carried=module):
        exec(HEAD + body, vars(module))
    return getattr(module, name)


def scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for inner in table.get_children():
        yield from scopes(inner)


def undefined(text: str) -> set[str]:
    """The global names that a module reads and nobody binds, as Python's own tables of symbols have them."""
    module = symtable.symtable(text, "module", "exec")
    bound = {symbol.get_name() for symbol in module.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    read = {
        symbol.get_name()
        for scope in scopes(module)
        for symbol in scope.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or scope is module)
    }
    return read - bound - set(dir(builtins)) - {"__name__"}


def ruff(text: str, *arguments: str) -> str:
    """What ruff would change or finds."""
    command = [sys.executable, "-m", "ruff", *arguments, "--config", str(ROOT / "pyproject.toml"), "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, cwd=ROOT, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()


# The notebook's own indicator.


def test_the_notebooks_indicator_gives_the_golden_case_in_a_fresh_process(carried: str, tmp_path: Path) -> None:
    path = tmp_path / "carried.py"
    path.write_text(carried, encoding="utf-8")
    found = json.loads(python("-c", USE, str(path)))
    expected = {"even": 100 / 12, "one_month": 100.0, "half_year": 100 / 6}
    assert {place: found[place] for place in expected} == pytest.approx(expected, rel=1e-12)
    assert found["short"] is None


def test_nothing_else_of_the_notebook_comes_along(carried: str) -> None:
    assert carried.startswith(
        '"""How the rain falls."""\n\n'
        "from __future__ import annotations\n\n"
        "import numpy as np\n\n"
        "from analytics.indicator import Minimum, indicator\n"
        "from analytics.record import read\n\n"
        "LEAST_YEARS = 10  # a place with fewer has not enough data\n\n\n"
        "def concentration(months):\n"
    )
    for left in ("REGION", "plotly", "load_region", "import pandas", "INDICATORS", "PUBLISH"):
        assert left not in carried
    assert 'code="W99",  # a number that no other indicator has\n' in carried


def test_ruff_accepts_it(carried: str) -> None:
    assert ruff(carried, "check", "--select", "I,F,E,W") == ""
    assert ruff(carried, "format", "--check") == ""


# What is needed, and what is not.


def test_parameters_and_local_names_do_not_drag_in_what_is_called_alike() -> None:
    body = carry(
        "panel, row, total, e, inner, K = 1, 2, 3, 4, 5, 6",
        """
        def wanted(panel):
            total = sum(row for row in panel)
            squares = {row: [e for e in (row,)] for row in panel}
            def inner(K):
                return K
            try:
                return (lambda total: total)(inner(total)) + len(squares)
            except ValueError as e:
                return e
        """,
    )
    assert body.startswith("def wanted(panel):")
    assert run(body)([1, 2]) == 5


def test_names_read_in_comprehensions_lambdas_classes_and_inner_functions_come_along() -> None:
    body = carry(
        "A, B = 1, 2",
        "C = 3\nD = 4\nE = 5\nF = 6\nUNUSED = 7",
        """
        def wanted(n):
            class Local:
                c = C
            def inner():
                return D
            return [A for _ in range(n)], (lambda: E)(), Local.c, inner(), {k: F for k in range(1)}
        """,
    )
    assert "A, B = 1, 2" in body
    assert "UNUSED" not in body
    assert run(body)(1) == ([1], 5, 3, 4, {0: 6})


def test_defaults_annotations_and_decorators_come_along_with_their_arguments() -> None:
    body = carry(
        "import functools\nimport decimal as d\nfrom fractions import Fraction\nimport json",
        "SIZE = 4\nSTART = 5\n\ndef marked(size):\n    return functools.lru_cache(size)",
        "@marked(size=SIZE)\ndef wanted(n: d.Decimal = START) -> 'Fraction':\n    return n",
    )
    assert body.startswith(
        "import decimal as d\nimport functools\nfrom fractions import Fraction\n\nSIZE = 4\nSTART = 5\n\n\n"
    )
    assert run(body)() == 5


def test_an_annotation_of_a_local_name_comes_along() -> None:
    body = carry("from fractions import Fraction", "def wanted():\n    half: Fraction = 0.5\n    return half")
    assert body.startswith("from fractions import Fraction\n")


def test_a_constant_made_of_another_comes_after_it() -> None:
    body = carry("YEARS = 10", "LEAST = 12 * YEARS", "def wanted():\n    return LEAST")
    assert body == "YEARS = 10\n\nLEAST = 12 * YEARS\n\n\ndef wanted():\n    return LEAST"


def test_constants_stand_as_far_apart_as_they_were_written() -> None:
    body = carry("A = 1\nB = 2\n\nC = 3\nX = 0\nD = 4", "def wanted():\n    return A, B, C, D")
    assert body.startswith("A = 1\nB = 2\n\nC = 3\n\nD = 4\n\n\ndef")


def test_an_annotation_of_an_inner_name_needs_nothing() -> None:
    body = carry(
        "def wanted():\n    class K:\n        pass\n    def inner(x: K) -> K:\n        return x\n    return inner(1)"
    )
    assert run(body)() == 1


def test_recursion_and_mutual_recursion() -> None:
    body = carry(
        "def even(n):\n    return n == 0 or odd(n - 1)",
        "def odd(n):\n    return n > 0 and even(n - 1)",
        "def wanted(n):\n    return 1 if n == 0 else n * wanted(n - 1) if even(n) or odd(n) else None",
    )
    assert run(body)(5) == 120


def test_classes_come_with_their_bases_bodies_and_decorators() -> None:
    body = carry(
        "from dataclasses import dataclass\nimport enum",
        "FIRST = 2\n\n\nclass Base:\n    size = FIRST",
        "@dataclass(frozen=True)\nclass Kept(Base):\n    n: int = FIRST",
        "class Colour(enum.Enum):\n    RED = 1\n\n    def other(self):\n        return Kept(3)",
        "def wanted():\n    return Colour.RED.other().n + Kept().size",
    )
    assert body.index("class Base") < body.index("@dataclass(frozen=True)\nclass Kept(Base)")
    assert run(body)() == 5


def test_a_class_body_reads_its_own_names_first() -> None:
    body = carry("size = 1", "class Box:\n    size = 3\n    twice = 2 * size", "def wanted():\n    return Box.twice")
    assert body.startswith("class Box:")


# What was bound several times.


def test_the_last_definition_counts_wherever_it_was_run() -> None:
    body = carry(
        "RATE = 1\n\ndef helper():\n    return RATE",
        "def wanted():\n    return helper()",
        "def helper():\n    return 10 * RATE",
        "RATE = 2",
    )
    assert run(body)() == 20
    assert body.count("def helper") == 1
    assert "RATE = 1" not in body


def test_running_a_cell_again_makes_no_difference() -> None:
    cells = ("import math\nN = 3", "M = N + 1", "def wanted():\n    return math.floor(M)")
    assert carry(*cells, *cells[:2], *cells) == carry(*cells)


def test_the_comments_of_the_last_run_count() -> None:
    body = carry("N = 3  # wrong", "def wanted():\n    return N", "N = 3  # right")
    assert body.startswith("N = 3  # right\n")


def test_a_constant_made_from_what_has_changed_since_is_refused() -> None:
    error = refusal("N = 3", "M = N + 1", "def wanted():\n    return M", "N = 4")
    assert error.message == "“M” was made with a “N” that is another one now."
    assert "from top to bottom" in error.hint
    through_a_function = refusal(
        "def f():\n    return 1",
        "def g():\n    return f()",
        "M = g()",
        "def wanted():\n    return M",
        "def f():\n    return 2",
    )
    assert through_a_function.message == "“M” was made with a “f” that is another one now."


def test_a_constant_made_with_a_builtin_that_is_hidden_since_is_refused() -> None:
    error = refusal("N = max(1, 2)", "def wanted():\n    return N", "from numpy import max")
    assert error.message == "“N” was made with a “max” that is another one now."


def test_another_part_of_a_package_does_not_make_it_another_one() -> None:
    body = carry("import xml.dom", "N = xml.dom.__name__", "def wanted():\n    return N", "import xml.sax")
    assert body.startswith("import xml.dom\n\nN = ")


def test_it_can_be_carried_once_the_constant_was_made_anew() -> None:
    body = carry("N = 3", "M = N + 1", "def wanted():\n    return M", "N = 4", "M = N + 1")
    assert run(body)() == 5


# As it was written.


def test_comments_right_above_are_kept_and_others_are_not() -> None:
    body = carry(
        "# About the notebook.\n\n# About N,\n# in two lines.\nN = 3\nM = 4  # M's\n"
        "# Above the decorator.\n@staticmethod\ndef helper():\n    return N  # here\n    # At the end.\n# Below.\n",
        "# The first line of a cell.\ndef wanted():\n    return helper()",
    )
    assert body == (
        "# About N,\n# in two lines.\nN = 3\n\n\n# Above the decorator.\n@staticmethod\ndef helper():\n"
        "    return N  # here\n    # At the end.\n\n\n# The first line of a cell.\ndef wanted():\n    return helper()"
    )


def test_statements_on_one_line_are_parted() -> None:
    body = carry("A = 1; B = 2; C = 3", "def wanted():\n    return A + C")
    assert body.startswith("A = 1\nC = 3\n")


def test_line_ends_are_those_of_python() -> None:
    assert carry("X = 1\r\nN = 3\r\n", "M = 2\rdef wanted():\r    return N") == "N = 3\n\n\ndef wanted():\n    return N"


def test_a_heading_may_hold_quotes() -> None:
    values = names_after("def wanted():\n    return 1")
    for heading in ('Of "rain"', 'A """ and a \\n', "Regen – 雨"):
        text = module_of(["def wanted():\n    return 1"], "wanted", values, heading=heading)
        names: dict[str, Any] = {}
        exec(text, names)
        assert names["__doc__"] == heading


def test_imports_are_sorted_as_ruff_sorts_them() -> None:
    cell = """
    from geodata.units import UNITS as units_of
    from os.path import join, Path10, A9, A10, basename as b, CONST, _under
    import numpy as np, json
    import xml.dom.minidom
    import xml.sax
    from collections import OrderedDict as Ordered, abc, ChainMap
    from geodata.units import Unit, UNITS
    import Zed
    from analytics.record import read
    """
    used = [
        "units_of",
        "join",
        "Path10",
        "A9",
        "A10",
        "b",
        "CONST",
        "_under",
        "np",
        "json",
        "Ordered",
        "abc",
        "ChainMap",
    ]
    used += ["Unit", "UNITS", "Zed", "read"]
    values = dict.fromkeys([*used, "xml"], json) | {"wanted": test_imports_are_sorted_as_ruff_sorts_them}
    function = f"def wanted():\n    return {', '.join(used)}, xml.dom.minidom.parse"
    body = carry(cell, function, values=values)
    assert "import xml.dom.minidom\n" in body
    assert "xml.sax" not in body
    assert ruff(HEAD + "\n" + body + "\n", "check", "--select", "I") == ""


def test_a_long_import_is_wrapped_as_ruff_wraps_it() -> None:
    names = [f"a_long_name_of_something_{i}" for i in range(1, 8)]
    values = dict.fromkeys(names, json) | {"wanted": carry}
    body = carry(
        f"from geodata.units import {', '.join(names)}",
        f"def wanted():\n    return [{names}]".replace("'", ""),
        values=values,
    )
    assert ruff(HEAD + "\n" + body + "\n", "check", "--select", "I") == ""


# What IPython adds. It is there in every notebook, and must not be needed anywhere else.
pytest.importorskip("IPython.core.inputtransformer2")


def test_magics_and_shell_lines_are_left_behind() -> None:
    cells = ("%matplotlib inline\nN = 3\n!ls", "%%bash\nN = 4", "?wanted", "def wanted():\n    return N")
    values = names_after("N = 3\ndef wanted():\n    return N")
    assert carry(*cells, values=values) == "N = 3\n\n\ndef wanted():\n    return N"


def test_what_a_timed_cell_defines_is_found() -> None:
    cells = (
        "%%time\nN = 3",
        "%time M = 4",
        "get_ipython().run_cell_magic('time', '', 'def wanted():\\n    return N * M\\n')",
    )
    values = names_after("N = 3\nM = 4\ndef wanted():\n    return N * M")
    assert run(carry(*cells, values=values))() == 12


def test_a_cell_that_does_not_parse_is_skipped() -> None:
    cells = ("N = 3", "N = = 4", "def wanted():\n    return N", "N = 5\nreturn 5")
    assert run(carry(*cells, values=names_after(cells[0], cells[2])))() == 3


def test_without_ipython_cells_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython.core.inputtransformer2", None)
    cells = ("N = 3", "%time N = 4", "def wanted():\n    return N")
    assert run(carry(*cells, values=names_after(cells[0], cells[2])))() == 3


# What cannot be carried over.


def test_a_function_that_was_never_defined() -> None:
    error = refusal("def wonted():\n    return 1")
    assert error.message == "No cell that was run defines “wanted”."
    assert error.hint == "Did you mean “wonted”?"
    assert refusal("def wanted():\n    return 1\ndel wanted").message == "No cell that was run defines “wanted”."


@pytest.mark.parametrize(
    "cell",
    [
        "wanted = lambda panel: panel",
        "def outer():\n    def wanted():\n        return 1\n    return wanted",
        "def outer():\n    def wanted():\n        return 1\n    return wanted\nwanted = outer()",
        "wanted = 3",
        "class wanted:\n    pass",
        "if True:\n    def wanted():\n        return 1",
    ],
)
def test_only_a_def_at_the_left_edge_can_be_carried_over(cell: str) -> None:
    assert "not a function that begins with def" in refusal(cell).message


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("for N in range(3):\n    pass", "for N in range(3):"),
        ("import io\nwith io.StringIO('x') as f:\n    N = f.read()", "with io.StringIO('x') as f:"),
        ("N = 3\nN += 1", "N += 1"),
        ("N = 3\nN = N + 1", "N = N + 1"),
        ("N = 3\ndef more():\n    return N + 1\nN = more()", "N = more()"),
        ("from string import *\nN = 0\nfrom math import *", "from math import *"),
        ("print(N := 3)", "print((N := 3))"),
        ("N = {}\nN['a'] = 3", "N['a'] = 3"),
        ("if __name__ == '__main__':\n    N = 3", "if __name__ == '__main__':"),
    ],
)
def test_what_is_bound_otherwise_than_by_a_statement_of_its_own_is_refused(cell: str, line: str) -> None:
    name = "pi" if "math" in cell else "N"
    error = refusal(cell, f"def wanted():\n    return {name}")
    assert error.message == f"“wanted” reads “{name}”, which comes of “{line}” and cannot be carried over from there."
    assert error.hint.startswith(f"Bind “{name}” once")


def test_what_was_waited_for_is_refused() -> None:
    error = refusal("N = await soon()", "def wanted():\n    return N", values={"N": 3, "wanted": carry})
    assert (
        error.message == "“wanted” reads “N”, which comes of “N = await soon()” and cannot be carried over from there."
    )


def test_a_loop_that_binds_a_name_elsewhere_is_no_obstacle() -> None:
    assert carry("for row in range(3):\n    pass", "def wanted(row):\n    return row").startswith("def wanted")


def test_tuples_and_statements_of_conditions_are_carried_over_whole() -> None:
    body = carry(
        "import sys\nA, *B = 1, 2, 3\nC = 0\nOTHER = 9",
        "if sys.maxsize > 0:\n    C = 4\nelse:\n    D = OTHER",
        "try:\n    import not_there_at_all as gone\nexcept ImportError:\n    gone = None",
        "def wanted():\n    return A, B, C, gone",
    )
    assert run(body)() == (1, [2, 3], 4, None)
    assert body.index("C = 0\n") < body.index("if sys.maxsize")


class Opaque:
    pass


@pytest.mark.parametrize(
    "held",
    [
        pd.DataFrame({"a": [1]}),
        pd.Series([1.0]),
        np.array([1.0]),
        Opaque(),
        [pd.Series([1.0])],
        {"a": (1, np.array([1]))},
    ],
    ids=lambda held: type(held).__name__,
)
def test_data_of_the_notebook_are_named(held: object) -> None:
    cells = ("panel = load()", "def helper():\n    return panel", "def wanted():\n    return helper()")
    error = refusal(*cells, values={"panel": held, "helper": carry, "wanted": carry})
    kind = type(held).__name__
    assert error.message == f"“helper” reads “panel”, which holds data of the notebook ({kind})."
    assert error.hint == "Let it make “panel” from what it is given, or publish the values themselves with publish."


def test_a_region_and_an_open_file_are_data(tmp_path: Path) -> None:
    from geodata import load_region

    path = tmp_path / "file.txt"
    path.write_text("x", encoding="utf-8")
    cells = ("held = load()", "def wanted():\n    return held")
    for held in (load_region("mid_atlantic"), path.open(encoding="utf-8")):
        error = refusal(*cells, values={"held": held, "wanted": carry})
        assert "holds data of the notebook" in error.message


def test_a_constant_made_of_data_is_refused_for_the_data() -> None:
    error = refusal("import pandas as pd\ndf = pd.DataFrame({'a': [1]})\nN = len(df)", "def wanted():\n    return N")
    assert error.message == "“N” reads “df”, which holds data of the notebook (DataFrame)."


def test_numbers_texts_times_and_what_is_made_of_them_are_no_data() -> None:
    body = carry(
        "import datetime as dt, enum, re, zoneinfo\nfrom dataclasses import dataclass\nfrom fractions import Fraction",
        "import numpy as np\nimport pandas as pd",
        "class Kind(enum.Enum):\n    A = 1",
        "@dataclass(frozen=True)\nclass Least:\n    years: int\n    kinds: tuple",
        "ALL = (\n    1, 2.5, 1j, 'a', b'a', True, None, Fraction(1, 3), np.float64(2.0), pd.Timestamp('2020-01-01'),\n"
        "    dt.date(2020, 1, 1), dt.timedelta(1), dt.time(1), zoneinfo.ZoneInfo('Europe/Rome'), Kind.A,\n"
        "    Least(3, (Kind.A,)), [1], {'a': {1}}, frozenset({2}), range(3), re.compile('a'), int, len, np.log1p,\n"
        ")\nHINT = list[int] | None",
        "def wanted() -> HINT:\n    return ALL",
    )
    assert len(run(body)()) == 24


def test_a_thing_that_may_still_change_is_data() -> None:
    error = refusal(
        "from dataclasses import dataclass\n@dataclass\nclass State:\n    n: int = 0\nSTATE = State()",
        "def wanted():\n    return STATE.n",
    )
    assert "holds data of the notebook (State)" in error.message


def test_what_only_stands_in_an_index_is_not_changed_in_place() -> None:
    body = carry("LOOKUP = {'a': 1}\nOTHER = {}\nOTHER[LOOKUP['a']] = 2", "def wanted():\n    return LOOKUP")
    assert body.startswith("LOOKUP = {'a': 1}\n")


def test_types_are_no_data() -> None:
    body = carry(
        "from typing import Literal, TypeVar\nEnd = Literal['high', 'low']\nT = TypeVar('T')\nhigh = object()",
        "def wanted(end: End, given: T) -> T:\n    return given",
    )
    assert run(body)("low", 3) == 3


def test_a_list_that_was_filled_since_is_refused() -> None:
    error = refusal("NEEDS = []", "NEEDS.append('rain')", "def wanted():\n    return NEEDS")
    assert error.message == "“wanted” reads “NEEDS”, which is no longer what its cell says."


def test_settings_of_a_module_do_not_stand_in_its_way() -> None:
    body = carry(
        "import types\nimport decimal",
        "decimal.DefaultContext.prec = decimal.DefaultContext.prec",
        "def wanted():\n    return decimal.Decimal(1)",
    )
    assert body.startswith("import decimal\n\n\ndef wanted")


def test_a_name_that_no_cell_defines() -> None:
    error = refusal("def wanted():\n    return missing")
    assert error.message == "“wanted” reads “missing”, which no cell that was run defines."
    # Its cell broke off before it came to this.
    broken = refusal("1 / 0\nN = 3", "def wanted():\n    return N", values={"wanted": carry})
    assert broken.message == "“wanted” reads “N”, which no cell that was run defines."


def test_what_ipython_puts_among_the_builtins_is_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "display", print, raising=False)
    inside = runpy.run_path(str(ROOT / "analytics" / "notebook_module.py"))["module_of"]
    with pytest.raises(AlmanacError, match="“wanted” reads “display”, which no cell"):
        inside(["def wanted():\n    display(1)"], "wanted", {"wanted": carry}, heading="A test.")


def test_a_name_that_hides_a_builtin_comes_along() -> None:
    assert run(carry("def len(x):\n    return 7", "def wanted():\n    return len([]) + abs(-1)"))() == 8


def test_a_module_beside_the_notebook_cannot_be_carried_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_rain_functions.py").write_text("def rain():\n    return 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for cell, call in (
        ("from my_rain_functions import rain", "rain()"),
        ("import my_rain_functions as rain", "rain.rain()"),
    ):
        error = refusal(cell, f"def wanted():\n    return {call}")
        assert error.message == "“wanted” reads “rain” of my_rain_functions, a file in the notebook's folder."
    monkeypatch.delitem(sys.modules, "my_rain_functions")


def test_the_project_and_installed_packages_are_found_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "env" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "a_package_of_others.py").write_text("N = 3\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(installed))
    function = "def wanted():\n    return N, UNITS"
    for folder in (tmp_path, ROOT):
        monkeypatch.chdir(folder)
        body = carry("from a_package_of_others import N\nfrom geodata.units import UNITS", function)
        assert body.startswith("from a_package_of_others import N\n\nfrom geodata.units import UNITS\n")
    monkeypatch.delitem(sys.modules, "a_package_of_others")


# Any notebook: constants c0 … c3 made of others, and functions f0 … f3 that call those before them.
TERMS = st.lists(st.sampled_from(["c0", "c1", "c2", "c3", "f0()", "f1()", "f2()", "f3()"]), max_size=2)
CELLS = st.lists(st.tuples(st.sampled_from("cf"), st.integers(0, 3), TERMS, st.integers(0, 9)), max_size=14)


def cell_of(kind: str, number: int, terms: list[str], constant: int) -> str:
    kept = [term for term in terms if kind == "c" or term[0] == "c" or int(term[1]) < number]
    made = " + ".join([str(constant), *kept])
    return f"c{number} = {made}" if kind == "c" else f"def f{number}():\n    return {made}"


@given(CELLS, TERMS)
def test_a_module_gives_what_the_notebook_gives_or_none_is_made(
    drawn: list[tuple[str, int, list[str], int]], terms: list[str]
) -> None:
    cells, names = [], names_after()
    for each in drawn:
        with contextlib.suppress(NameError):
            exec(cell_of(*each), names)
            cells.append(cell_of(*each))
    cells.append("def wanted():\n    return " + " + ".join(["0", *terms]))
    exec(cells[-1], names)
    try:
        expected = names["wanted"]()
    except NameError:
        # Only a function that is there, whose own names are not.
        refusal(*cells, values=names)
        return
    try:
        body = carry(*cells, values=names)
    except AlmanacError:
        # Run from top to bottom, each name bound once, nothing stands in the way.
        assert len({cell.split("(")[0].split(" =")[0] for cell in cells}) < len(cells)
    else:
        assert run(body)() == expected
