"""What is asked of a report: which region, places, theme, language and paper, and who issues it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from app.report.blocks import Orientation, Paper
from app.text import languages
from geodata.errors import AlmanacError
from geodata.region import Region, load_region
from geodata.search import nearest

Kind = Literal["atlas", "sheet", "map", "brief"]
# More sheets than this are set in volumes: the compiler takes a megabyte and more for a page.
VOLUME = 400
_LOGO_BYTES = 2_000_000
_LOGOS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}


@dataclass(frozen=True)
class Request:
    """A report to be made.

    region : its id
    kind : "atlas" (cover, contents, map, sheets, method, index), "sheet" (sheets alone), "map" (one map with ranking
        and distribution), "brief" (a few pages for a decision maker)
    places : ids; empty for all places of the theme's layer
    theme : an indicator, a domain or a series as `dataset.column`; "" for what the region opens on
    standard : by whose classes an indicator is shown, by id; "" for its first, "none" for classes from the values
    reference : the first and last year on which what is normal or a trend is fitted; None for all years
    step : in which a series is shown, one of `analytics.cube.steps_of`; "" for the first of them
    time : the start of the step of a series that is shown, ISO 8601 on the region's clock; "" for the latest full one
    language : a code of `app.text.languages`
    paper, orientation : of the pages
    issuer, classification, document_id : marks of every page; an empty id is made from the rest
    logo : a PNG, JPEG or SVG file; None for none
    dashboard : the address at which the office's dashboard is served
    archive : also PDF/A-2a
    """

    region: str
    kind: Kind = "atlas"
    places: tuple[str, ...] = ()
    theme: str = ""
    standard: str = ""
    reference: tuple[int, int] | None = None
    step: str = ""
    time: str = ""
    language: str = "en"
    paper: Paper = "a4"
    orientation: Orientation = "portrait"
    issuer: str = ""
    classification: str = ""
    document_id: str = ""
    logo: Path | None = None
    dashboard: str = "http://localhost:8501"
    archive: bool = False

    def __post_init__(self) -> None:
        for name, known in (
            ("kind", get_args(Kind)),
            ("language", tuple(languages())),
            ("paper", get_args(Paper)),
            ("orientation", get_args(Orientation)),
        ):
            if getattr(self, name) not in known:
                raise AlmanacError(
                    "“{given}” is not a {name} of reports.",
                    hint="Choose one of: {known}.",
                    given=getattr(self, name),
                    name=name,
                    known=known,
                )
        if self.reference is not None and (len(self.reference) != 2 or self.reference[0] > self.reference[1]):
            raise AlmanacError(
                "“{given}” is no reference period.",
                hint="Give its first and last year, such as {example}.",
                given="-".join(map(str, self.reference)),
                example="1991-2020",
            )

    def load(self) -> Region:
        """The region, once its places are known to exist.

        Raises
        ------
        AlmanacError
            When there is no such region or place; a near-miss is named.
        """
        region = load_region(self.region)
        known = region.places()
        for place in self.places:
            if place not in known.index:
                names = {str(name): str(one) for one, name in known["name"].items()}
                near = (
                    names.get(place)
                    or nearest(place, list(known.index))
                    or names.get(nearest(place, list(names)) or "")
                )
                raise AlmanacError(
                    "The region {region} has no place “{place}”.",
                    hint="Did you mean {near} ({name})?" if near else "Choose among the ids that the Place page lists.",
                    region=region.id,
                    place=place,
                    near=near or "",
                    name=str(known["name"].get(near, "")) if near else "",
                )
        return region

    def read_logo(self) -> tuple[bytes, str] | None:
        """The content of the logo and its ending.

        Raises
        ------
        AlmanacError
            When there is no such file, or it is no image that can be printed.
        """
        if self.logo is None:
            return None
        try:
            size = self.logo.stat().st_size
            content = self.logo.read_bytes() if size <= _LOGO_BYTES else b""
        except OSError as problem:
            raise AlmanacError(
                "The logo {file} cannot be read: {why}.",
                hint="Name a PNG, JPEG or SVG file.",
                file=self.logo,
                why=(problem.strerror or str(problem)).lower(),
            ) from problem
        if size > _LOGO_BYTES:
            raise AlmanacError(
                "The logo {file} has {size} kB.",
                hint="Give one of at most 2,000 kB: it stands on every page.",
                file=self.logo,
                size=size // 1000,
            )
        for start, ending in _LOGOS.items():
            if content.startswith(start):
                return content, ending
        if b"<svg" in content[:2000] and b"<!ENTITY" not in content:
            return content, "svg"
        raise AlmanacError(
            "The logo {file} is no image: it is neither PNG, JPEG nor SVG.",
            hint="Save it as one of these and name that file.",
            file=self.logo,
        )

    def settings(self) -> Mapping[str, object]:
        """The request as plain values, for the manifest."""
        return {**asdict(self), "logo": str(self.logo) if self.logo is not None else None}


@dataclass(frozen=True)
class Sizes:
    """How large drawings are on a paper, in mm."""

    map: tuple[float, float]
    chart: tuple[float, float]
    region: tuple[float, float] = field(default=(184, 150))


def sizes(paper: Paper, orientation: Orientation) -> Sizes:
    """The sizes of a page's map, charts and region map."""
    return {
        ("a4", "portrait"): Sizes((112, 80), (90, 37), (184, 128)),
        ("a4", "landscape"): Sizes((128, 80), (66, 34), (128, 100)),
        ("a3", "portrait"): Sizes((166, 140), (133, 66), (271, 200)),
        ("a3", "landscape"): Sizes((185, 150), (99, 62), (185, 160)),
    }[paper, orientation]
