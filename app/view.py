"""A view is one page of the dashboard; each file in `app/views/` ends with `VIEW = View(...)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from geodata.region import Region


@dataclass(frozen=True)
class Context:
    """What every page is given: the region looked at and the language spoken."""

    region: Region
    language: str


@dataclass(frozen=True)
class View:
    """One page.

    id : its name in the address and that of its file
    title : in English, marked with `message`
    order : its rank in the navigation
    icon : a Material symbol
    draw : reads widgets, calls one function, draws
    """

    id: str
    title: str
    order: int
    icon: str
    draw: Callable[[Context], None]


@cache
def find_views() -> tuple[View, ...]:
    """Every view there is, in the order of the navigation."""
    import app.views as package

    # A folder holds what several pages share; only files are pages.
    files = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg]
    modules = [importlib.import_module(f"app.views.{name}") for name in files]
    return tuple(sorted((m.VIEW for m in modules), key=lambda view: view.order))
