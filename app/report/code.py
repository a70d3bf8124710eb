"""The way back from paper to the dashboard: an address, and the same as a code for a camera."""

from __future__ import annotations

import io
from urllib.parse import urlencode

import segno

from app.report.blocks import Figure, Link
from app.text import language, t
from geodata.region import Region


def link_to(dashboard: str, page: str, region: Region, **chosen: str) -> Link:
    """A link to the same view in the dashboard."""
    query = urlencode({"region": region.id, **chosen, "lang": language()})
    address = f"{dashboard.rstrip('/')}/{page}?{query}"
    drawn = io.BytesIO()
    # Readers undo any of the eight masks; looking for the most even one takes ten times as long as all else.
    segno.make(address, error="l", micro=False, mask=3).save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=2, scale=1
    )
    alt = t("Code for a camera: {address}", address=address)
    code = Figure(f"code-{page}", drawn.getvalue().decode(), alt, 15, 15)
    return Link(t("The same view in the dashboard:"), address, code)
