"""Every setting, read once from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from geodata.errors import AlmanacError

PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Settings:
    """Where Almanac looks and writes.

    sources : the folder of dataset descriptions (`ALMANAC_SOURCES`)
    regions : the folder of regions and their files (`ALMANAC_REGIONS`)
    observations : the folder of appended observations (`ALMANAC_OBSERVATIONS`)
    publications : the folder of what analysts published from notebooks (`ALMANAC_PUBLICATIONS`)
    author : who publishes from this machine (`ALMANAC_AUTHOR`); "" for the name of the user
    cache : the folder of forecasts once computed, which may be deleted at any time (`ALMANAC_CACHE`)
    region : the region that opens first (`ALMANAC_REGION`)
    scheduler : the Dask scheduler that computes, `tcp://host:port`; "" for this machine alone (`ALMANAC_SCHEDULER`)
    """

    sources: Path
    regions: Path
    observations: Path
    publications: Path
    author: str
    cache: Path
    region: str
    scheduler: str


@cache
def settings() -> Settings:
    """The settings of this process; the environment is read once, on the first call."""
    home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    cached = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Settings(
        sources=_folder("ALMANAC_SOURCES", PACKAGE / "sources", must_exist=True),
        regions=_folder("ALMANAC_REGIONS", PACKAGE / "regions", must_exist=True),
        observations=_folder("ALMANAC_OBSERVATIONS", Path(home) / "almanac" / "observations"),
        publications=_folder("ALMANAC_PUBLICATIONS", Path(home) / "almanac" / "publications"),
        author=os.environ.get("ALMANAC_AUTHOR", ""),
        cache=_folder("ALMANAC_CACHE", Path(cached) / "almanac" / "forecasts"),
        region=os.environ.get("ALMANAC_REGION", "mid_atlantic"),
        scheduler=os.environ.get("ALMANAC_SCHEDULER", ""),
    )


def _folder(variable: str, default: Path, *, must_exist: bool = False) -> Path:
    path = Path(os.environ.get(variable) or default).expanduser()
    if must_exist and not path.is_dir():
        raise AlmanacError(
            "{variable} names {path}, which is not a folder.",
            hint="Create it, correct {variable}, or unset {variable} to use what came with the installation.",
            variable=variable,
            path=path,
        )
    return path
