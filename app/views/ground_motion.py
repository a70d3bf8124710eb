"""Ground motion: where the ground sinks near people, how fast, and how sure that is."""

from __future__ import annotations

from app.text import message
from app.view import Context, View
from app.views.domain.near_people import draw_near_people
from app.views.domain.page import DomainPage, draw_domain

PAGE = DomainPage(
    domain="ground_motion",
    question=message("Where is the ground sinking near people, how fast, and how sure is that?"),
    lead=draw_near_people,
)


def draw(context: Context) -> None:
    """Draws the page."""
    draw_domain(context, PAGE)


VIEW = View(id="ground_motion", title=message("Ground motion"), order=7, icon=":material/landslide:", draw=draw)
