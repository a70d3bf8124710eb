"""How much lies where it is dangerous: people, and kilometres of road or rail."""

from __future__ import annotations

import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import read_rows, refuse_parameter

ONE = Minimum(values=1)
# With more of an area unknown than this, what is known of it is no account of the area.
_KNOWN = 0.9
UNKNOWN = "The hazard is unknown for more than a tenth of the area."
NETWORK = ("length_km", "velocity_mm_per_year")
MOVED = ("population_people", "velocity_mm_per_year")
HAZARD = ("population_people", "hazard_share")


@indicator(
    code="S8a",
    domain="ground_motion",
    unit="km",
    formula="Σ Lᵢ · [|vᵢ| > v₀] (· [βᵢ > β₀]), v₀ = 2 mm/yr",
    table="table",
    needs=NETWORK,
    better="lower",
    minimum=ONE,
    authority="Almanac",
    edition="2026",
    reference="Sum over segments; the threshold is the edge of the stable band in common use.",
    caveat="Moving ground is no damage yet: what counts for a road or track is how unevenly it moves.",
    undefined=UNKNOWN,
)
def exposed_network_length(
    table: pd.DataFrame, *, threshold: float = 2.0, distortion: float | None = None
) -> pd.Series:
    """Exposed network: how many kilometres of road or rail lie on ground that moves.

    Parameters
    ----------
    table : `location_id` is the area, `segment_id` tells its segments apart; `length_km` and
        `velocity_mm_per_year` of the ground beneath, negative where it sinks; `angular_distortion_share` where
        `distortion` is given.
    threshold : mm per year; a segment is exposed where the ground moves faster than this, up or down.
    distortion : where given, a segment is exposed only if the ground is also tilted by more than this.

    Returns
    -------
    Kilometres by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.
    AlmanacError
        Where a threshold is negative.

    Notes
    -----
    Σ length · [|v| > threshold] (· [β > distortion]). A segment without a velocity is neither exposed nor safe: it
    adds nothing, and where such segments are more than a tenth of the segments or of the length, the area has no
    value. The default threshold of 2 mm per year is the edge of the stable band in common use.

    References
    ----------
    None: a sum over segments. For the tilt see `analytics.indicators.settlement.angular_distortion`.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": ["a", "a"], "segment_id": ["1", "2"], "length_km": [2.0, 5.0]})
    >>> exposed_network_length(table.assign(velocity_mm_per_year=[-8.0, 1.0])).to_dict()
    {'a': 2.0}
    """
    _refuse_negative("threshold", threshold)
    tilt = "angular_distortion_share"
    columns = NETWORK if distortion is None else (*NETWORK, tilt)
    rows = read_rows(table, *columns, keys=("segment_id",), signed=NETWORK[1:])
    exposed = rows[NETWORK[1]].abs() > threshold
    known = rows[NETWORK[1]].notna()
    if distortion is not None:
        _refuse_negative("distortion", distortion)
        exposed &= rows[tilt] > distortion
        known &= rows[tilt].notna()
    return _exposed(rows[NETWORK[0]], exposed, known).rename("exposed_network_length")


@indicator(
    code="S8b",
    domain="ground_motion",
    unit="people",
    formula="Σ Nᵢ · [|vᵢ| > v₀], v₀ = 2 mm/yr",
    table="table",
    needs=MOVED,
    better="lower",
    minimum=ONE,
    authority="Almanac",
    edition="2026",
    reference="Sum over parts of an area; the threshold is the edge of the stable band in common use.",
    caveat="It counts all people of each part, wherever in it they live: the larger the parts, the coarser it is.",
    undefined=UNKNOWN,
)
def exposed_people(table: pd.DataFrame, *, threshold: float = 2.0) -> pd.Series:
    """People on moving ground: how many live where the ground rises or sinks.

    Parameters
    ----------
    table : `location_id` is the area, `unit_id` tells its parts apart; `population_people` and
        `velocity_mm_per_year`, negative where the ground sinks.
    threshold : mm per year; a part is exposed where the ground moves faster than this, up or down.

    Returns
    -------
    People by `location_id`.

    Raises
    ------
    BrokenData, AlmanacError
        As for `exposed_network_length`.

    Notes
    -----
    Σ people · [|v| > threshold]. A part without a velocity or a population is neither exposed nor safe; the area has
    no value where such parts are more than a tenth of the parts or of the people.

    References
    ----------
    None: a sum over parts.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": ["a", "a"], "unit_id": ["1", "2"], "population_people": [200, 500]})
    >>> exposed_people(table.assign(velocity_mm_per_year=[-8.0, 1.0])).to_dict()
    {'a': 200.0}
    """
    _refuse_negative("threshold", threshold)
    rows = read_rows(table, *MOVED, keys=("unit_id",), signed=MOVED[1:])
    exposed = rows[MOVED[1]].abs() > threshold
    return _exposed(rows[MOVED[0]], exposed, rows[MOVED[1]].notna()).rename("exposed_people")


@indicator(
    code="X8",
    domain="cross_domain",
    unit="people",
    formula="Σ Nᵢ · [hᵢ ≥ h₀]",
    table="table",
    needs=HAZARD,
    better="lower",
    minimum=ONE,
    authority="United Nations Office for Disaster Risk Reduction",
    edition="2017",
    reference="https://www.undrr.org/terminology/exposure",
    caveat="It counts all people of each part, wherever in it they live: the larger the parts, the coarser it is.",
    undefined=UNKNOWN,
)
def exposed_population(table: pd.DataFrame, *, threshold: float, column: str = "hazard_share") -> pd.Series:
    """Exposed population: how many people live where the hazard reaches a threshold.

    Parameters
    ----------
    table : `location_id` is the area, `unit_id` tells its parts apart; `population_people` and the hazard.
    threshold : a part is exposed where the hazard is at least this, in the unit of its column.
    column : the column of the hazard, the unit in its name, such as `depth_m`; larger is worse.

    Returns
    -------
    People by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    Σ people · [hazard ≥ threshold]. A part without a hazard or a population is neither exposed nor safe; the area
    has no value where such parts are more than a tenth of the parts or of the people. People are assigned to parts
    as a whole: no spreading over buildings is done.

    References
    ----------
    UNDRR (2017): Sendai Framework terminology on disaster risk reduction, “Exposure”.

    Examples
    --------
    >>> table = pd.DataFrame({"location_id": ["a", "a"], "unit_id": ["1", "2"], "population_people": [200, 500]})
    >>> exposed_population(table.assign(depth_m=[0.5, 0.2]), threshold=0.5, column="depth_m").to_dict()
    {'a': 200.0}
    """
    rows = read_rows(table, HAZARD[0], column, keys=("unit_id",), signed=(column,))
    exposed = rows[column] >= threshold
    return _exposed(rows[HAZARD[0]], exposed, rows[column].notna()).rename("exposed_population")


def _exposed(amount: pd.Series, exposed: pd.Series, known: pd.Series) -> pd.Series:
    """The amount exposed by area; NaN where too much of the area is unknown."""
    known = known & amount.notna()
    by_area = pd.DataFrame(
        {
            "found": amount.where(known & exposed, 0.0),
            "known": amount.where(known, 0.0),
            "all": amount.fillna(0.0),
            "parts": known.astype(float),
            "of": 1.0,
        }
    )
    total = by_area.groupby(level=0).sum()
    # A hair below the limit is rounding, not an unknown part.
    enough = (total["parts"] >= _KNOWN * total["of"] - 1e-9) & (total["known"] >= (_KNOWN - 1e-9) * total["all"])
    return total["found"].where(enough)


def _refuse_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise refuse_parameter(name, value, wanted="a number from zero on")
