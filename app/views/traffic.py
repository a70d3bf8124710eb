"""Traffic: where it is worst, where it has grown most, and how sure that is."""

from __future__ import annotations

from app.text import message
from app.view import Context, View
from app.views.domain.page import DomainPage, draw_domain

PAGE = DomainPage(
    domain="traffic",
    question=message("Where has traffic grown most, where is it worst, and how sure is that?"),
    # Traffic of the last years is what is asked about; the whole record is a click away.
    reference="2010",
)


def draw(context: Context) -> None:
    """Draws the page."""
    draw_domain(context, PAGE)


VIEW = View(id="traffic", title=message("Traffic"), order=4, icon=":material/traffic:", draw=draw)
