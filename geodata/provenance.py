"""What made a result: the notebook that is being run and its code, as it was run."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geodata.errors import AlmanacError

# How a cell begins in a file of code, for the editors that show such files as notebooks.
_CELL = "# %%\n"


@dataclass(frozen=True)
class Ran:
    """A notebook and what of it was run.

    notebook : its file
    cells : the source of its cells in the order in which they were run; one that was run twice is there twice
    as_saved : whether this is what the file holds, from its first cell on
    names : what its names hold now
    """

    notebook: Path
    cells: tuple[str, ...]
    as_saved: bool
    names: dict[str, Any]

    @property
    def code(self) -> str:
        """The cells as one file of code."""
        return "\n".join(_CELL + cell.rstrip() + "\n" for cell in self.cells)


def what_ran(notebook: str | Path | None = None) -> Ran:
    """What was run so far of the notebook that asks.

    Parameters
    ----------
    notebook : its file; None where JupyterLab or Visual Studio Code tell it. Outside of a notebook the cells of this
        file count, or a script as a whole.

    Raises
    ------
    AlmanacError
        When nobody tells which notebook it is, or there is no such file and nothing was run.
    """
    shell = _shell()
    names: dict[str, Any] = shell.user_ns if shell is not None else vars(sys.modules["__main__"])
    told = notebook or names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") if shell else notebook
    if not told:
        raise AlmanacError(
            "It is not known from which notebook this is published.",
            hint="Say so: add notebook=“my_notebook.ipynb”, with its path.",
        )
    path = Path(told).expanduser().resolve()
    saved = _saved(path)
    ran = tuple(cell for cell in names["In"][1:] if cell.strip()) if shell is not None else saved
    # As typed: IPython turns magics such as %time into Python before it runs them.
    typed = [cell for cell in shell.history_manager.input_hist_raw[1:] if cell.strip()] if shell is not None else ran
    if not ran:
        raise AlmanacError(
            "{file} holds no code that could be read.",
            hint="Give the path of the notebook that made the result.",
            file=path,
        )
    as_saved = [cell.strip() for cell in typed] == [cell.strip() for cell in saved[: len(typed)]]
    return Ran(path, ran, as_saved, names)


def _shell() -> Any:
    """The IPython shell that runs this; None outside of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    # Other shells of IPython keep no list of what was run.
    return shell if shell is not None and "In" in shell.user_ns else None


def _saved(path: Path) -> tuple[str, ...]:
    """The code that a file holds, by cell; a script is one cell, and what cannot be read holds none."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".ipynb":
            return (text,)
        cells = json.loads(text)["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(source for source in sources if source.strip())
