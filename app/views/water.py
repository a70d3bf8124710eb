"""Rivers, rain and groundwater: where the water is unusually low or high, and whether that is changing."""

from __future__ import annotations

from app.text import message
from app.view import Context, View
from app.views.domain.page import DomainPage, draw_domain

PAGE = DomainPage(
    domain="water",
    question=message("Where is the water unusually low or high now, and is that changing?"),
)


def draw(context: Context) -> None:
    """Draws the page."""
    draw_domain(context, PAGE)


VIEW = View(id="water", title=message("Water"), order=5, icon=":material/water_drop:", draw=draw)
