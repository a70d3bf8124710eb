"""The map in a Streamlit page: geometry goes to the browser once, values on every change."""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

import geopandas as gpd
import numpy as np
import pandas as pd
import streamlit as st
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.components.v2.types import ComponentRenderer

from analytics.classes import Classes
from app.map.encoding import pack, to_decimal
from app.map.geometry import PublishedLayer, publish, publish_basemap, publish_bytes, published_folder
from app.map.words import browser_locale, map_words
from app.text import said
from geodata.errors import AlmanacError, BrokenData

Step = Literal["hour", "day", "month", "year"]
NAME = "almanac.map"


@dataclass(frozen=True)
class MapState:
    """What the reader has done with the map.

    selected : the id of the selected place
    time : the index of the step that is shown; None where there is only one
    viewport : longitude, latitude and zoom, as of the last selection or step; None before that
    webgl : whether the browser can draw maps; if not, draw a figure in its place
    """

    selected: str | None = None
    time: int | None = None
    viewport: tuple[float, float, float] | None = None
    webgl: bool = True


def map_view(
    layer: gpd.GeoDataFrame | PublishedLayer,
    values: pd.Series | pd.DataFrame,
    *,
    classes: Classes,
    title: str,
    key: str,
    unit: str = "",
    decimals: int | None = None,
    time: int | None = None,
    step: Step = "day",
    timezone: str = "UTC",
    selected: str | None = None,
    basemap: gpd.GeoDataFrame | None = None,
    attribution: str = "",
    sized: bool = False,
    bounds: tuple[float, float, float, float] | None = None,
    height: int = 520,
    words: Mapping[str, str] | None = None,
    locale: str | None = None,
) -> MapState:
    """Show the values of places on a map, with legend, time slider, search and a table of the same values.

    Parameters
    ----------
    layer : points, lines or polygons, one row per place
    values : by `location_id`; a table with a column per moment (a DatetimeIndex) gets a time slider
    classes : the groups and their colours, fixed over all steps
    title, unit : what the values are
    decimals : places behind the point; without it, four significant digits
    time : the step to show; the last where nothing is said
    step, timezone : how moments are written
    selected : the selected place. A page may pass what the map returned, or another place to select it.
    basemap : land, borders, water and towns, see `publish_basemap`
    attribution : whose data it is, one line
    sized : points also grow with their class
    bounds : west, south, east, north to show first; the whole layer where nothing is said
    height : of the map in pixels
    words, locale : instead of those of `app.text`

    Returns
    -------
    MapState. Pan and zoom never come to the server by themselves; the browser keeps them in the address.

    Notes
    -----
    The map knows four significant digits of each value, and counts its classes on those.
    """
    published = publish(layer)
    table = values.to_frame() if isinstance(values, pd.Series) else values
    moments = table.columns if isinstance(values, pd.DataFrame) else None
    if moments is not None and not isinstance(moments, pd.DatetimeIndex):
        raise BrokenData(
            "The columns of the values are not moments.", hint="Give the table a DatetimeIndex as columns."
        )
    if moments is not None and not len(moments):
        raise BrokenData("The values have no moment.", hint="Give at least one column.")
    event = _event(key)
    last = None if moments is None else len(moments) - 1
    shown = None if last is None else _settled(key, "time", time, event)
    if last is not None:
        shown = last if shown is None else max(0, min(int(shown), last))
    chosen = _settled(key, "selected", selected, event)
    row = _row(table, published, shown or 0)
    mantissa, exponent = to_decimal(row)
    header: dict[str, Any] = {
        "key": key,
        "layer": published.file,
        "basemap": publish_basemap(basemap) if basemap is not None else None,
        "title": title,
        "unit": unit,
        "decimals": decimals,
        "classes": _plain(classes),
        "sized": sized,
        "bounds": bounds,
        "height": height,
        "attribution": attribution,
        "selected": chosen if chosen in published.ids else None,
        "seen": event["n"],
        "words": _publish_words(tuple(sorted((words or map_words()).items()))),
        "locale": locale or browser_locale(),
    }
    sections: dict[str, Any] = {"m": mantissa, "e": exponent}
    if moments is not None and len(moments) > 1:
        minutes = _minutes(moments)
        header["time"] = {"index": shown, "start": int(minutes[0]), "step": step, "timezone": timezone}
        # All steps are written and fetched only when the slider is first used.
        if event.get("steps"):
            header["time"]["file"] = _publish_steps(table, published)
        sections["t"] = np.diff(minutes, prepend=minutes[0])
    _renderer()(
        key=key,
        data=pack(header, sections),
        default={"event": {"n": 0}},
        on_event_change=_nothing,
    )
    view = event.get("viewport")
    return MapState(
        selected=header["selected"],
        time=shown,
        viewport=(float(view[0]), float(view[1]), float(view[2])) if view else None,
        webgl=bool(event.get("webgl", True)),
    )


def _nothing() -> None:
    """The rerun itself is all that a change needs."""


def _event(key: str) -> dict[str, Any]:
    state = st.session_state.get(key)
    event = dict(state.get("event") or {}) if state is not None else {}
    return {"n": 0, **event}


def _settled(key: str, name: str, passed: Any, event: dict[str, Any]) -> Any:
    """Whose word counts: the page's where it has changed its mind, else the reader's last click.

    The page usually passes back what the map returned a run earlier; such an echo must not undo a click
    that came in between.
    """
    memory = st.session_state.setdefault(f"{key}:{name}", {})
    if not memory or (passed != memory["passed"] and passed != memory["value"]):
        value = passed
    elif event["n"] != memory["n"]:
        value = event.get(name)
    else:
        value = memory["value"]
    memory.update(passed=passed, value=value, n=event["n"])
    return value


def _row(table: pd.DataFrame, published: PublishedLayer, column: int) -> np.ndarray:
    one = table.iloc[:, column]
    return one.to_numpy(dtype=float) if table.index is published.ids else _aligned(one, published)


def _aligned(values: pd.Series | pd.DataFrame, published: PublishedLayer) -> np.ndarray:
    if not values.index.is_unique:
        twice = values.index[values.index.duplicated()][0]
        raise BrokenData(f"The place {twice} has more than one value.", hint="Give each place one row.")
    if len(values.index) == len(published.ids) and (values.index == published.ids).all():
        return values.to_numpy(dtype=float)
    return values.reindex(published.ids).to_numpy(dtype=float)


def _minutes(moments: pd.DatetimeIndex) -> np.ndarray:
    naive = moments.tz_convert("UTC").tz_localize(None) if moments.tz is not None else moments
    return naive.to_numpy().astype("datetime64[m]").astype(np.int64)


def _plain(classes: Classes) -> dict[str, Any]:
    # JSON knows no infinity: open edges travel as null.
    return {
        "breaks": [edge if math.isfinite(edge) else None for edge in classes.breaks],
        "palette": classes.palette,
        "labels": [said(label) for label in classes.labels],
        "closed": classes.closed,
        "distinct": classes.distinct,
        "authority": said(classes.authority),
    }


@lru_cache(maxsize=16)
def _publish_words(words: tuple[tuple[str, str], ...]) -> str:
    return publish_bytes(pack({"words": dict(words)}, {}))


_steps: dict[bytes, str] = {}


def _publish_steps(table: pd.DataFrame, published: PublishedLayer) -> str:
    matrix = np.ascontiguousarray(_aligned(table, published).T)
    known = hashlib.sha256(matrix.tobytes()).digest()
    file = _steps.get(known)
    if file is None or not (published_folder() / file).exists():
        mantissa, exponent = to_decimal(matrix)
        file = publish_bytes(pack({"places": matrix.shape[1]}, {"m": mantissa, "e": exponent}, level=4))
        if len(_steps) >= 256:
            _steps.pop(next(iter(_steps)))
        _steps[known] = file
    return file


def _maplibre() -> Path:
    """MapLibre GL JS as its Python package carries it; found without importing that package, which warns."""
    found = importlib.util.find_spec("maplibre")
    if found is None or not found.submodule_search_locations:
        raise AlmanacError("The package maplibre is not installed, so there is no map.",
                           hint="Install the requirements again, for example with make setup.")  # fmt: skip
    return Path(found.submodule_search_locations[0]) / "srcjs"


_renderers: WeakKeyDictionary[BidiComponentManager, ComponentRenderer] = WeakKeyDictionary()


def _renderer() -> ComponentRenderer:
    """The component, registered with the running server.

    The folders are declared here and not in pyproject.toml: what Streamlit finds there depends on how the
    package was installed, and the folder of published files is known only now.
    """
    manager = get_bidi_component_manager()
    if manager not in _renderers:
        folders = {
            "map": Path(__file__).parent / "frontend",
            "maplibre": _maplibre(),
            "published": published_folder(),
        }
        for name, folder in folders.items():
            manifest = ComponentManifest("almanac", "1", [ComponentConfig(name, folder.name)])
            manager.register_from_manifest(manifest, folder.parent)
        _renderers[manager] = st.components.v2.component(NAME, js="map.js", css="map.css")
    return _renderers[manager]
