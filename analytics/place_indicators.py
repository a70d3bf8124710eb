"""One place across all domains: every indicator that it has, and the first one of the places within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import pandas as pd

from analytics.finding import Finding, finding, opening
from analytics.indicator import Domain
from analytics.measure import uses
from analytics.nesting import nesting
from geodata.errors import AlmanacError
from geodata.region import Region

# What each domain's page opens on, the most telling first: pages and the profile of a place begin alike.
OPENS_ON: Mapping[Domain, tuple[str, ...]] = {
    "traffic": ("traffic_growth", "level_of_travel_time_reliability", "travel_time_index", "recurrent_congestion"),
    "water": ("streamflow_percentile", "groundwater_table_decline", "standardized_precipitation_index"),
    "natural_resources": ("vegetation_condition", "leaf_area_condition", "forest_change_rate"),
    "ground_motion": ("vertical_velocity", "ground_velocity", "cumulative_displacement"),
    "cross_domain": (),
}


@dataclass(frozen=True, eq=False)
class DomainAtPlace:
    """What one domain's indicators say of a place.

    here : whether the region has data for the domain at all
    own : the findings that know the place itself
    within : the first of the domain's findings of which places that lie in this one have a value
    inside : the ids of these places
    broken : what is wrong with the data that could not be read
    """

    domain: Domain
    here: bool
    own: tuple[Finding, ...]
    within: Finding | None
    inside: tuple[str, ...]
    broken: tuple[AlmanacError, ...]


def indicators_at(region: Region, location_id: str) -> tuple[DomainAtPlace, ...]:
    """What every domain's indicators say of a place, in the order of the domains.

    Domains that apply to chosen values only, such as rankings, are left out.
    """
    children = nesting(region)[1].get(location_id, ())
    return tuple(_at(region, domain, location_id, children) for domain in get_args(Domain) if domain != "cross_domain")


def _at(region: Region, domain: Domain, location_id: str, children: Sequence[str]) -> DomainAtPlace:
    order = opening(region, domain, OPENS_ON[domain]) if uses(region, domain) else []
    found: list[Finding] = []
    broken: list[AlmanacError] = []
    for name in order:
        try:
            found.append(finding(region, name))
            broken += found[-1].measured.broken
        except AlmanacError as error:
            broken.append(error)
    own = tuple(f for f in found if location_id in f.measured.values.index)
    for first in found:
        inside = tuple(pd.Index(children).intersection(first.measured.values.dropna().index))
        if inside:
            return DomainAtPlace(domain, bool(order), own, first, inside, tuple(broken))
    return DomainAtPlace(domain, bool(order), own, None, (), tuple(broken))
