"""`almanac notebook`: lists the notebooks with their questions, or copies one to work on."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from geodata.errors import AlmanacError
from geodata.search import nearest

NUMBERED = "[0-9][0-9]_*.ipynb"
RowPrinter = Callable[[list[dict[str, Any]], bool], None]


def notebooks() -> dict[str, Path]:
    """The notebooks of this installation by name, in their order.

    They lie beside the packages in a checkout. A wheel puts them with the data of its environment, in
    `share/almanac/notebooks`: among the packages a folder of this name would be everyone's.

    Raises
    ------
    AlmanacError
        When they were not installed.
    """
    files = list((Path(__file__).parents[1] / "notebooks").glob(NUMBERED))
    if not files:
        try:
            listed = importlib.metadata.files("almanac") or []
        except importlib.metadata.PackageNotFoundError:
            listed = []
        files = [Path(file.locate()) for file in listed if Path(file).match(NUMBERED)]
    found = {file.stem: file for file in sorted(files, key=lambda file: file.name) if file.is_file()}
    if not found:
        raise AlmanacError(
            "The notebooks are not part of this installation.",
            hint="Install Almanac anew from its checkout or its wheel; both carry them.",
        )
    return found


def question(notebook: Path) -> str:
    """What a notebook asks: its first heading."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"]).partition("\n")[0].removeprefix("# ").strip()


def copy_notebook(name: str, folder: Path) -> Path:
    """Copies a notebook to a folder, which is made where it is missing, and returns the copy.

    Parameters
    ----------
    name : as `notebooks` gives it; its number, or what stands behind the number, will do.

    Raises
    ------
    AlmanacError
        When there is no such notebook, the folder cannot be written to, or it has a file of this name: someone's work
        may be in it.
    """
    source = _named(name)
    target = folder / source.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(source.read_bytes())
    except FileExistsError as error:
        there = target if target.exists() else folder
        raise AlmanacError(
            f"There is already a file {there}, which is left as it is.",
            hint="Name another folder with --to, or move that file away.",
        ) from error
    except OSError as error:
        raise AlmanacError(
            f"The notebook cannot be copied to {folder}: {(error.strerror or str(error)).lower()}.",
            hint="Name a folder that you may write to with --to.",
        ) from error
    return target


def _named(name: str) -> Path:
    found = notebooks()
    wanted = name.removesuffix(".ipynb")
    names = {short: full for full in found for short in (full, full[:2], full[:2].lstrip("0"), full[3:])}
    if wanted in names:
        return found[names[wanted]]
    near = nearest(wanted, list(names))
    raise AlmanacError(
        f"There is no notebook “{name}”.",
        hint=f"Did you mean “{names[near]}”?" if near else f"Choose one of: {', '.join(found)}.",
    )


def add_notebook(commands: argparse._SubParsersAction[Any], printed: RowPrinter) -> None:
    """Adds the command to the parser; `printed` writes rows as a table or as JSON."""
    command = commands.add_parser("notebook", help="copy one of the analyst's notebooks to work on, or list them")
    command.add_argument("name", metavar="NAME", nargs="?", help="its name or number; none lists them")
    command.add_argument("--to", metavar="FOLDER", type=Path, default=Path(), help="by default the current folder")
    command.add_argument("--json", action="store_true")
    command.set_defaults(command=lambda options: _notebook(options, printed))


def _notebook(options: argparse.Namespace, printed: RowPrinter) -> None:
    if options.name is None:
        rows = [{"notebook": name, "question": question(file)} for name, file in notebooks().items()]
        printed(rows, options.json)
        return
    copy = str(copy_notebook(options.name, options.to))
    print(json.dumps(copy, ensure_ascii=False) if options.json else copy)
