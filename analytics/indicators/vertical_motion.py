"""How fast the ground rises or sinks and drifts sideways: from two satellite orbits, or as stated by a source."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read_rows
from geodata.errors import BrokenData

ONE = Minimum(values=1)
TWO_ORBITS = (
    "ascending_mm_per_year",
    "descending_mm_per_year",
    "ascending_east_share",
    "ascending_up_share",
    "descending_east_share",
    "descending_up_share",
)
DEVIATIONS = ("ascending_uncertainty_mm_per_year", "descending_uncertainty_mm_per_year")
# Two looks that differ by less than about 6° leave up and east all but undetermined.
_LEAST_DETERMINANT = 0.1
# Standard deviations to a 95 % limit of a normal distribution.
_LIMIT = 1.959963984540054
STATED = ("velocity_up_mm_per_year", "uncertainty_up_mm_per_year")


@indicator(
    code="S3a",
    domain="ground_motion",
    unit="mm_per_year",
    formula="U = (e₁·d₂ − e₂·d₁) / (e₁·u₂ − e₂·u₁)",
    table="layer",
    needs=TWO_ORBITS,
    better="neither",
    minimum=ONE,
    authority="European Ground Motion Service; MintPy",
    edition="Ortho; 1.6",
    reference="https://land.copernicus.eu/en/products/european-ground-motion-service",
    caveat="Motion to the north is taken as none, since both orbits see nearly nothing of it.",
    undefined="The two orbits look from nearly the same side.",
    standard="convention",
)
def vertical_motion(layer: pd.DataFrame) -> pd.Series | pd.DataFrame:
    """Vertical motion: how fast the ground rises or sinks, from two satellite orbits.

    Parameters
    ----------
    layer : one row per place. `ascending_mm_per_year` and `descending_mm_per_year` are velocities along the line of
        sight, positive towards the satellite; `ascending_east_share`, `ascending_up_share`, `descending_east_share`
        and `descending_up_share` the east and up parts of the unit vectors from the ground to the satellite.
        `ascending_uncertainty_mm_per_year` and `descending_uncertainty_mm_per_year`, one standard deviation each,
        may be there.

    Returns
    -------
    By `location_id`, mm per year, negative is sinking; with uncertainties `value` and the 95 % limits `low`, `high`.

    Raises
    ------
    BrokenData
        Where a column is missing or text, or the parts of a line of sight are not those of a unit vector.

    Notes
    -----
    d_a = e_a·E + u_a·U and d_d = e_d·E + u_d·U, so U = (e_a·d_d − e_d·d_a)/(e_a·u_d − e_d·u_a). The north part
    n·N is left out: n is about 0.1 for satellites in polar orbits, so a drift of 30 mm per year to the north is
    mistaken for about 4 of rise or sinking. With a known drift, take n·N off both velocities first. The place has no
    value where the determinant is below 0.1. σ_U = √((e_a·σ_d)² + (e_d·σ_a)²)/|determinant|, the limits 1.96 σ_U.

    References
    ----------
    Yunjun, Z., Fattahi, H., Amelung, F. (2019), MintPy, asc_desc2horz_vert: the same two equations.
    https://doi.org/10.1016/j.cageo.2019.104331

    Examples
    --------
    >>> look = {"ascending_east_share": -0.6, "ascending_up_share": 0.8}
    >>> look |= {"descending_east_share": 0.6, "descending_up_share": 0.8}
    >>> seen = {"ascending_mm_per_year": -8.0, "descending_mm_per_year": -8.0}
    >>> layer = pd.DataFrame([seen | look], index=pd.Index(["a"], name="location_id"))
    >>> vertical_motion(layer).round(6).to_dict()
    {'a': -10.0}
    """
    rows, determinant = _looks(layer)
    up = ratio(
        rows["ascending_east_share"] * rows["descending_mm_per_year"]
        - rows["descending_east_share"] * rows["ascending_mm_per_year"],
        determinant,
        least=_LEAST_DETERMINANT,
    )
    return _with_limits(rows, up, "vertical_motion", ("descending_east_share", "ascending_east_share"), determinant)


@indicator(
    code="S3b",
    domain="ground_motion",
    unit="mm_per_year",
    formula="E = (u₂·d₁ − u₁·d₂) / (e₁·u₂ − e₂·u₁)",
    table="layer",
    needs=TWO_ORBITS,
    better="neither",
    minimum=ONE,
    authority="European Ground Motion Service; MintPy",
    edition="Ortho; 1.6",
    reference="https://land.copernicus.eu/en/products/european-ground-motion-service",
    caveat="Motion to the north is taken as none, since both orbits see nearly nothing of it.",
    undefined="The two orbits look from nearly the same side.",
)
def east_motion(layer: pd.DataFrame) -> pd.Series | pd.DataFrame:
    """Eastward motion: how fast the ground drifts east or west, from two satellite orbits.

    Parameters
    ----------
    layer : as for `vertical_motion`.

    Returns
    -------
    By `location_id`, mm per year, positive to the east; with uncertainties `value` and the limits `low`, `high`.

    Raises
    ------
    BrokenData
        As for `vertical_motion`.

    Notes
    -----
    E = (u_d·d_a − u_a·d_d)/(e_a·u_d − e_d·u_a), from the two equations of `vertical_motion`, with the same limits
    and the same neglect of the north.

    References
    ----------
    As for `vertical_motion`.

    Examples
    --------
    >>> look = {"ascending_east_share": -0.6, "ascending_up_share": 0.8}
    >>> look |= {"descending_east_share": 0.6, "descending_up_share": 0.8}
    >>> seen = {"ascending_mm_per_year": -3.0, "descending_mm_per_year": 3.0}
    >>> layer = pd.DataFrame([seen | look], index=pd.Index(["a"], name="location_id"))
    >>> east_motion(layer).round(6).to_dict()
    {'a': 5.0}
    """
    rows, determinant = _looks(layer)
    east = ratio(
        rows["descending_up_share"] * rows["ascending_mm_per_year"]
        - rows["ascending_up_share"] * rows["descending_mm_per_year"],
        determinant,
        least=_LEAST_DETERMINANT,
    )
    return _with_limits(rows, east, "east_motion", ("descending_up_share", "ascending_up_share"), determinant)


@indicator(
    code="S4",
    domain="ground_motion",
    unit="mm_per_year",
    formula="v ± 1.96 · σ",
    table="layer",
    needs=STATED,
    better="neither",
    minimum=ONE,
    authority="The source of the velocities",
    edition="as given in its description",
    reference="https://doi.org/10.1002/2016RG000529",
    caveat="A velocity whose limits span zero is not told from standing still, whatever class it falls in.",
    undefined="The source gives no velocity here.",
    standard="convention",
)
def vertical_velocity(layer: pd.DataFrame) -> pd.DataFrame:
    """Rise or sinking: how fast the ground rises or sinks, as the source of the data states.

    Parameters
    ----------
    layer : one row per place: `velocity_up_mm_per_year`, positive is rising, and `uncertainty_up_mm_per_year`, one
        standard deviation.

    Returns
    -------
    `value`, `low`, `high` by `location_id`, mm per year: the velocity and its 95 % limits. A velocity without an
    uncertainty is kept, without limits.

    Raises
    ------
    BrokenData
        Where a column is missing or text, or an uncertainty is negative.

    Notes
    -----
    The limits are 1.96 standard deviations on either side, for normal errors as the source states them. Every value
    is kept, also one that is not told from zero: whether it is, `significant` says, and a class of velocity should
    be worn only where it does (the usual rule |v| > 2σ).

    References
    ----------
    Herring, T. A. et al. (2016): Plate Boundary Observatory and related networks. Reviews of Geophysics 54,
    759–808 (on the uncertainties of GPS velocities). https://doi.org/10.1002/2016RG000529

    Examples
    --------
    >>> layer = pd.DataFrame([[-12.0, 1.0]], columns=list(STATED), index=pd.Index(["a"], name="location_id"))
    >>> vertical_velocity(layer).round(2).loc["a"].to_dict()
    {'value': -12.0, 'low': -13.96, 'high': -10.04}
    """
    rows = read_rows(layer, *STATED, signed=STATED[:1])
    value, reach = rows[STATED[0]], _LIMIT * rows[STATED[1]]
    return pd.DataFrame({"value": value, "low": value - reach, "high": value + reach})


def significant(value: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    """Whether each value is told from zero: only then should it wear the class of a rise or a fall.

    Parameters
    ----------
    value, low, high : an indicator and its 95 % limits, in the same unit.

    Returns
    -------
    True where both limits lie on the value's side of zero; False also where the value or a limit is missing.

    Notes
    -----
    For limits of 1.96 σ this is |v| > 1.96 σ, the usual rule |v| > 2σ but for its rounding.

    Examples
    --------
    >>> significant(pd.Series([-5.0, -1.0]), pd.Series([-7.0, -3.0]), pd.Series([-3.0, 1.0])).to_list()
    [True, False]
    """
    known = value.notna() & low.notna() & high.notna()
    return known & (((value > 0) & (low > 0)) | ((value < 0) & (high < 0)))


def _looks(layer: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The rows, and the determinant of the two lines of sight."""
    known = [c for c in DEVIATIONS if c in layer.columns]
    rows = read_rows(layer, *TWO_ORBITS, *known, signed=TWO_ORBITS)
    for orbit in ("ascending", "descending"):
        length = np.hypot(rows[f"{orbit}_east_share"], rows[f"{orbit}_up_share"])
        if (length > 1 + 1e-3).any():
            raise BrokenData(
                "The {orbit} line of sight at {place} is longer than a unit vector.",
                hint="Give the east and up parts of a vector of length one, not angles.",
                orbit=orbit,
                place=rows.index[length > 1 + 1e-3][0],
            )
    determinant = (
        rows["ascending_east_share"] * rows["descending_up_share"]
        - rows["descending_east_share"] * rows["ascending_up_share"]
    )
    return rows, determinant


def _with_limits(
    rows: pd.DataFrame, value: np.ndarray, name: str, parts: tuple[str, str], determinant: pd.Series
) -> pd.Series | pd.DataFrame:
    """The value alone, or with limits where both orbits state an uncertainty; `parts` weigh σ_a and σ_d."""
    if not all(c in rows.columns for c in DEVIATIONS):
        return pd.Series(value, index=rows.index, name=name)
    spread = np.hypot(rows[parts[0]] * rows[DEVIATIONS[0]], rows[parts[1]] * rows[DEVIATIONS[1]])
    reach = _LIMIT * ratio(spread, np.abs(determinant), least=_LEAST_DETERMINANT)
    return pd.DataFrame({"value": value, "low": value - reach, "high": value + reach}, index=rows.index)
