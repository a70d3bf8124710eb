"""What was run in a notebook, as pieces: what each binds, and which global names it reads when."""

from __future__ import annotations

import ast
import contextlib
import dis
import inspect
import itertools
import re
import sys
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
PERHAPS = (ast.If, ast.Try, ast.TryStar)
# Magics that run the code they are given in the notebook itself, and what IPython makes of a magic.
RUNNING = frozenset({"time", "capture", "prun"})
MAGIC = re.compile(r"run_(line|cell)_magic")
COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


@dataclass(frozen=True)
class Piece:
    """A statement of a cell, or one name of an import: what is carried over as a whole or not at all.

    text : as written, with the comments right above it
    place : the cell, and its first and last line there
    at_once, later, hinted : the global names read when it runs, when its functions are called, and in annotations
    found : the pieces that the first of these, and the functions they call, stood for when it ran
    """

    node: ast.stmt
    text: str
    place: tuple[int, int, int]
    binds: frozenset[str]
    imported: tuple[str, str, str] | None = None
    at_once: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    hinted: frozenset[str] = frozenset()
    whole: bool = True
    found: dict[str, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return getattr(self.node, "name", None) or min(self.binds)

    def others(self) -> dict[str, int]:
        return {name: piece for name, piece in self.found.items() if name not in self.binds}

    def same(self, other: Piece) -> bool:
        """Whether running this after the other makes no difference."""
        if self.imported and other.imported:
            # `import a.b` and `import a.c` both bind a, which then knows both.
            plain = not any((*self.imported[1:], *other.imported[1:]))
            return plain or self.imported == other.imported
        return ast.dump(self.node) == ast.dump(other.node) and self.others() == other.others()


class Ran:
    """What was run, as pieces.

    bound : the piece that each name stands for now, by its place among the pieces
    modules : what was imported as a whole, by the name that it binds: `import a.b` and `import a.c` both bind a
    nested : the names of functions that are part of another statement
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values
        self.pieces: list[Piece] = []
        self.bound: dict[str, int] = {}
        self.modules: dict[str, set[str]] = {}
        self.nested: set[str] = set()

    def add(self, cell: str, number: int) -> None:
        """Take in a cell; one that does not parse was never run."""
        source = _as_python(cell).replace("\r\n", "\n").replace("\r", "\n")
        with warnings.catch_warnings():
            # What there was to say of the code was said when it was run.
            warnings.simplefilter("ignore")
            try:
                nodes = ast.parse(source).body
                codes = [_compiled(node) for node in nodes]
            except (SyntaxError, ValueError):
                return
        for index, (node, code) in enumerate(zip(nodes, codes, strict=True)):
            inners = (inner for inner in ast.walk(node) if inner is not node)
            self.nested |= {inner.name for inner in inners if isinstance(inner, ast.FunctionDef)}
            if isinstance(node, ast.Delete):
                for target in node.targets:
                    self.bound.pop(getattr(target, "id", ""), None)
            if (code_of_magic := _run_by_magic(node)) is not None:
                self.add(code_of_magic, number)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            else:
                before = nodes[index - 1].end_lineno or 0 if index else 0
                after = _first_line(nodes[index + 1]) if index + 1 < len(nodes) else 0
                text, first, last = _written(node, source.split("\n"), source, before, after)
                self._bind(_statement(node, code, text, (number, first, last), self._changed(node)))

    def _changed(self, node: ast.stmt) -> set[str]:
        """The names whose things a statement changes in place; settings of a module are none of ours."""
        parts = [part for target in _targets(node) for part in ast.walk(target)]
        roots = {
            _root(part)
            for part in parts
            if isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load)
        }
        return {root for root in roots if root and not isinstance(self.values.get(root), types.ModuleType)}

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        base = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            bound = frozenset({alias.asname or (alias.name if base else alias.name.partition(".")[0])})
            if alias.name == "*":
                module = sys.modules.get(base)
                public = getattr(module, "__all__", [each for each in vars(module or object) if each[0] != "_"])
                self._bind(Piece(node, "", (0, 0, 0), frozenset(public), whole=False))
                continue
            if not base and not alias.asname:
                self.modules.setdefault(alias.name.partition(".")[0], set()).add(alias.name)
            imported = (base, alias.name, alias.asname or "") if base else (alias.name, "", alias.asname or "")
            self._bind(Piece(node, "", (0, 0, 0), bound, imported))

    def _bind(self, piece: Piece) -> None:
        found = self._reached(piece.at_once)
        # What is made of itself, if only by a function that it calls, needs what its name stood for before.
        from_itself = found.keys() & piece.binds and not isinstance(piece.node, PERHAPS)
        piece = replace(piece, found=found, whole=piece.whole and not from_itself)
        before = {self.bound.get(name) for name in piece.binds}
        if len(before) == 1 and (old := before.pop()) is not None and piece.same(self.pieces[old]):
            # The last comments count too.
            self.pieces[old] = replace(piece, found=self.pieces[old].found)
            return
        self.bound |= dict.fromkeys(piece.binds, len(self.pieces))
        self.pieces.append(piece)

    def _reached(self, names: Iterable[str]) -> dict[str, int]:
        """What these names stand for, and those that their functions read in turn."""
        found: dict[str, int] = {}
        left = list(names)
        while left:
            name = left.pop()
            if name in self.bound and name not in found:
                found[name] = self.bound[name]
                left += self.pieces[found[name]].later
        return found


def _as_python(cell: str) -> str:
    """A cell with its magics and shell lines as the calls that IPython makes of them."""
    # Where cells are run, IPython is there; Almanac itself can do without it.
    ipython = sys.modules.get("IPython.core.inputtransformer2")
    if ipython is None:
        return cell
    try:
        return str(ipython.TransformerManager().transform_cell(cell))
    except SyntaxError:
        return cell


def _run_by_magic(node: ast.stmt) -> str | None:
    """The code that a magic such as %%time has run in the notebook."""
    match node:
        case ast.Expr(ast.Call(ast.Attribute(attr=how), [ast.Constant(magic), *_, ast.Constant(str(code))])) if (
            MAGIC.fullmatch(how) and magic in RUNNING
        ):
            return code
    return None


def _compiled(node: ast.stmt) -> types.CodeType:
    # In the module annotations are not evaluated; a cell may await.
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | annotations.compiler_flag
    return compile(ast.Module([node], []), "<cell>", "exec", flags, dont_inherit=True)


def _first_line(node: ast.stmt) -> int:
    return min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])


def _written(node: ast.stmt, lines: list[str], source: str, before: int, after: int) -> tuple[str, int, int]:
    """A statement as written, its first and its last line; `before` and `after` are the lines of its neighbours."""
    first, last = _first_line(node), node.end_lineno or node.lineno
    if first == before or last == after:
        return ast.get_source_segment(source, node) or "", first, last
    while first - 1 > before and lines[first - 2].startswith("#"):
        first -= 1
    # A comment that ends a body belongs to it.
    while last < len(lines) and re.match(r"\s+#", lines[last]):
        last += 1
    return "\n".join(lines[first - 1 : last]).rstrip(), first, last


def _statement(
    node: ast.stmt, code: types.CodeType, text: str, place: tuple[int, int, int], changed: set[str]
) -> Piece:
    names: dict[str, set[str]] = {"binds": set(), "at_once": set(), "later": set()}
    for kind, name in _global_names(code):
        if kind == "unbinds":
            names["binds"].discard(name)
        elif not (name.startswith("__") and name.endswith("__")):
            names[kind].add(name)
    perhaps = isinstance(node, PERHAPS)
    whole = (
        isinstance(node, (*DEFINING, *PERHAPS, ast.Assign, ast.AnnAssign))
        and not changed
        and not code.co_flags & inspect.CO_COROUTINE
        # True in a notebook and in no module.
        and not (isinstance(node, ast.If) and "__name__" in _named(node.test))
    )
    return Piece(
        node,
        text,
        place,
        frozenset(names["binds"] | changed),
        # A name that is bound only perhaps may stand for what it did.
        at_once=frozenset(names["at_once"] | (names["binds"] if perhaps else set())),
        later=frozenset(names["later"]),
        hinted=frozenset(itertools.chain.from_iterable(map(_named, _annotations(node)))),
        whole=whole,
    )


def _global_names(code: types.CodeType, at_once: bool = True) -> Iterator[tuple[str, str]]:
    """The global names of compiled code, each with what is done to it, as the interpreter will do it."""
    own: set[str] = set()
    for step in dis.get_instructions(code):
        name = step.argval
        match step.opname:
            case "LOAD_GLOBAL":
                yield "at_once" if at_once else "later", name
            case "LOAD_NAME" | "LOAD_FROM_DICT_OR_GLOBALS" if name not in own:
                yield "at_once" if at_once else "later", name
            case "STORE_NAME" | "STORE_GLOBAL":
                own.add(name)
                if at_once and (code.co_name == "<module>" or step.opname == "STORE_GLOBAL"):
                    yield "binds", name
            case "DELETE_NAME":
                yield "unbinds", name
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            runs_now = inner.co_name in COMPREHENSIONS or not inner.co_flags & inspect.CO_OPTIMIZED  # or a class
            yield from _global_names(inner, at_once and runs_now)


def _annotations(node: ast.stmt) -> Iterator[ast.expr]:
    for each in ast.walk(node):
        hint = each.returns if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) else None
        hint = each.annotation if isinstance(each, ast.arg | ast.AnnAssign) else hint
        if isinstance(hint, ast.Constant) and isinstance(hint.value, str):
            with contextlib.suppress(SyntaxError):
                yield ast.parse(hint.value, mode="eval").body
        elif hint is not None:
            yield hint


def _named(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _targets(node: ast.stmt) -> list[ast.expr]:
    one = getattr(node, "target", None) if isinstance(node, ast.AugAssign | ast.AnnAssign) else None
    return [one] if one is not None else node.targets if isinstance(node, ast.Assign | ast.Delete) else []


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
