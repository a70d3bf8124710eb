"""How the domains, and the pages of their indicators, are called."""

from __future__ import annotations

from analytics.indicator import Domain
from app.text import message

DOMAINS: dict[Domain, str] = {
    "traffic": message("Traffic"),
    "water": message("Water"),
    "natural_resources": message("Natural resources"),
    "ground_motion": message("Ground motion"),
    "cross_domain": message("Across domains"),
}
