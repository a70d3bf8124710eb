"""Vegetation, forests and land: where they are in a bad state, and whether that is changing."""

from __future__ import annotations

from app.text import message
from app.view import Context, View
from app.views.domain.page import DomainPage, draw_domain

PAGE = DomainPage(
    domain="natural_resources",
    question=message("Where are vegetation, forest and land in a bad state, and is that changing?"),
)


def draw(context: Context) -> None:
    """Draws the page."""
    draw_domain(context, PAGE)


VIEW = View(id="natural_resources", title=message("Natural resources"), order=6, icon=":material/forest:", draw=draw)
