"""A function that was written in a notebook, as a module that stands on its own."""

from __future__ import annotations

import ast
import builtins
import contextlib
import datetime
import enum
import importlib.util
import itertools
import numbers
import re
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path

from analytics.notebook_cells import DEFINING, Piece, Ran
from geodata.errors import AlmanacError
from geodata.search import nearest

OURS = frozenset({"geodata", "analytics", "app"})
LONGEST_LINE = 120
# IPython puts the last two among the builtins.
BUILTINS = frozenset(dir(builtins)) - {"display", "get_ipython"}
PLAIN = (numbers.Number, str, bytes, range, slice, re.Pattern, enum.Enum, types.NoneType, types.EllipsisType)
TIMES = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)
CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, types.GenericAlias, types.UnionType)


def module_of(cells: Sequence[str], name: str, values: Mapping[str, object], *, heading: str) -> str:
    """The text of a module that defines a function of a notebook and all that it needs of the notebook.

    Parameters
    ----------
    cells : what was run, in the order of running; a cell that was run twice comes twice
    name : the function, a `def` at the left edge of a cell
    values : what the names of the notebook hold now
    heading : the first line of the module's docstring

    Returns
    -------
    Imports, each with the names needed and no others, then constants, functions and classes as they were written,
    in the order in which they were run: the first time that they ran as they are now.

    Raises
    ------
    AlmanacError
        Where the function is not there, or something that it needs cannot be had outside of the notebook.

    Notes
    -----
    Nothing is run. A function finds what a name stands for when it is called, so the last binding counts. What was
    made at once, such as a constant made of others, must have been made from what its names stand for now.
    That a list was filled after it was made is noticed where the code says the list itself.
    """
    ran = Ran(values)
    for number, cell in enumerate(cells):
        ran.add(cell, number)
    needed = _needed(ran, _wanted(ran, name, values), values)
    return _text(ran, [ran.pieces[at] for at in sorted(needed)], heading)


def _wanted(ran: Ran, name: str, values: Mapping[str, object]) -> int:
    at = ran.bound.get(name)
    if at is not None and name in values and isinstance(ran.pieces[at].node, ast.FunctionDef):
        return at
    if at is not None or name in ran.nested:
        raise AlmanacError(
            "“{name}” is not a function that begins with def at the left edge of a cell.",
            hint="Write it as such a function, and run its cell.",
            name=name,
        )
    near = nearest(name, [each for each in ran.bound if isinstance(values.get(each), types.FunctionType)])
    raise AlmanacError(
        "No cell that was run defines “{name}”.",
        hint="Did you mean “{near}”?" if near else "Run the cell that defines it first.",
        name=name,
        near=near,
    )


def _needed(ran: Ran, wanted: int, values: Mapping[str, object]) -> set[int]:
    """The pieces that a function cannot do without, its own among them."""
    needed = {wanted}
    left = [wanted]
    while left:
        piece = ran.pieces[left.pop()]
        for name in sorted(piece.at_once | piece.later | piece.hinted):
            at = piece.found.get(name) if name in piece.binds & piece.at_once else ran.bound.get(name)
            if at is None:
                if name in (piece.at_once | piece.later) - piece.binds - BUILTINS:
                    raise _unbound(name, piece)
                continue
            _check(ran.pieces[at], name, piece, values, latest=at == ran.bound.get(name))
            if at not in needed:
                needed.add(at)
                left.append(at)
        for name, then in {**dict.fromkeys(piece.at_once - piece.binds), **piece.others()}.items():
            if ran.bound.get(name) != then:
                raise AlmanacError(
                    "“{reader}” was made with a “{name}” that is another one now.",
                    hint="Run the cell of “{reader}” again, or all cells from top to bottom.",
                    reader=piece.title,
                    name=name,
                )
    return needed


def _unbound(name: str, reader: Piece) -> AlmanacError:
    return AlmanacError(
        "“{reader}” reads “{name}”, which no cell that was run defines.",
        hint="Define or import “{name}” in a cell and run it, or hand it over as a parameter.",
        reader=reader.title,
        name=name,
    )


def _check(piece: Piece, name: str, reader: Piece, values: Mapping[str, object], *, latest: bool) -> None:
    """Whether what a name stands for can be had outside of the notebook."""
    if name not in values:
        raise _unbound(name, reader)
    if piece.imported:
        if _beside_the_notebook(module := (piece.imported[0].partition(".")[0])):
            raise AlmanacError(
                "“{reader}” reads “{name}” of {module}, a file in the notebook's folder.",
                hint="Copy what it needs of that file into a cell and run the cell.",
                reader=reader.title,
                name=name,
                module=module,
            )
        return
    if not isinstance(piece.node, DEFINING) and not portable(values[name]):
        raise AlmanacError(
            "“{reader}” reads “{name}”, which holds data of the notebook ({kind}).",
            hint="Let it make “{name}” from what it is given, or publish the values themselves with publish.",
            reader=reader.title,
            name=name,
            kind=type(values[name]).__name__,
        )
    if not piece.whole:
        raise AlmanacError(
            "“{reader}” reads “{name}”, which comes of “{line}” and cannot be carried over from there.",
            hint="Bind “{name}” once, by an assignment, a def or an import of its own, and run that cell.",
            reader=reader.title,
            name=name,
            line=ast.unparse(piece.node).partition("\n")[0],
        )
    if latest and isinstance(piece.node, ast.Assign) and isinstance(piece.node.targets[0], ast.Name):
        with contextlib.suppress(ValueError, TypeError):
            if ast.literal_eval(piece.node.value) != values[name]:
                raise AlmanacError(
                    "“{reader}” reads “{name}”, which is no longer what its cell says.",
                    hint="Write what it is to be in that cell, and run it again.",
                    reader=reader.title,
                    name=name,
                )


def portable(value: object) -> bool:
    """Whether a value is code, a number, a text, a time, or made of these alone: no data of a notebook."""
    if isinstance(value, (*CODE, *PLAIN, *TIMES)) or type(value).__module__ == "typing":
        return True
    if isinstance(value, tuple | frozenset | list | set):
        return all(map(portable, value))
    if isinstance(value, dict):
        return all(map(portable, itertools.chain(value, value.values())))
    if is_dataclass(value) and getattr(value, "__dataclass_params__").frozen:  # noqa: B009
        return all(portable(getattr(value, each.name)) for each in fields(value))
    return type(value).__name__ == "ufunc"


def _beside_the_notebook(module: str) -> bool:
    """Whether a module is known only where the notebook is."""
    if not module or module in OURS or module in sys.stdlib_module_names:
        return not module
    try:
        spec = importlib.util.find_spec(module)
    except ValueError:
        return True
    if spec is None:
        return False
    paths = [Path(each).resolve() for each in spec.submodule_search_locations or [spec.origin or "/"]]
    return any(
        path.is_relative_to(Path.cwd()) and not {"site-packages", "dist-packages"} & {*path.parts} for path in paths
    )


def _text(ran: Ran, needed: Iterable[Piece], heading: str) -> str:
    imported = {piece.imported for piece in needed if piece.imported}
    pieces = [piece for piece in needed if not piece.imported]
    chains = {ast.unparse(each) for piece in pieces for each in ast.walk(piece.node) if isinstance(each, ast.Attribute)}
    for plain in [each for each in imported if not any(each[1:])]:
        # `import a` and `import a.b` bind one name: those are taken whose own names are read.
        known = ran.modules[plain[0].partition(".")[0]]
        imported.remove(plain)
        imported |= {(module, "", "") for module in known & chains or known & {plain[0].partition(".")[0]} or known}
    if re.search(r'\\|"""|"$', heading):
        heading = heading.replace("\\", "\\\\").replace('"', '\\"')
    text = "\n\n".join([f'"""{heading}"""', "from __future__ import annotations", *_import_sections(imported)])
    before: Piece | None = None
    for piece in pieces:
        if any(each is not None and isinstance(each.node, DEFINING) for each in (before, piece)):
            lines = 3
        else:
            # As written, where nothing stood between the two.
            lines = 1 if before and before.place[0] == piece.place[0] and piece.place[1] - before.place[2] < 2 else 2
        text += "\n" * lines + piece.text
        before = piece
    return text + "\n"


def _import_sections(imported: Iterable[tuple[str, str, str]]) -> list[str]:
    """The imports as ruff sorts them: the standard library's, others', ours; whole modules first."""
    members: dict[tuple[str, ...], list[str]] = {}
    for module, name, alias in sorted(imported, key=_order):
        key = (module, name, alias) if alias or not name else (module,)
        members.setdefault(key, []).append((name or module) + (f" as {alias}" if alias else ""))
    sections: dict[int, list[str]] = {}
    for (module, *single), names in members.items():
        line = f"import {names[0]}" if single and not single[0] else f"from {module} import {', '.join(names)}"
        if len(line) > LONGEST_LINE:
            line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
        sections.setdefault(_section(module), []).append(line)
    return ["\n".join(lines) for lines in sections.values()]


def _order(imported: tuple[str, str, str]) -> tuple[object, ...]:
    module, name, alias = imported
    rank = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return _section(module), name != "", _natural(module), rank, _natural(name), alias


def _section(module: str) -> int:
    top = module.partition(".")[0]
    return 0 if top in sys.stdlib_module_names else 2 if top in OURS else 1


def _natural(text: str) -> tuple[list[object], str]:
    """So that a9 comes before a10, and case counts last."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", text.lower())], text
