"""How the ground moves through time: how fast, with which season, and whether it speeds up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import Record, read, refuse_parameter
from analytics.time_function import DAYS_IN_YEAR, fit

# A rate out of some months is the season as much as the trend: below a year there is none.
A_YEAR = Minimum(values=5, years=1.0)
TWO_YEARS = Minimum(values=8, years=2.0)
TWO_DATES = Minimum(values=2)
FATTAHI = "https://doi.org/10.1002/2015JB012419"
NEEDS = ("displacement_mm",)


@indicator(
    code="S1",
    domain="ground_motion",
    unit="mm_per_year",
    formula="v: d(t) = c + v·t (+ a·sin 2πt + b·cos 2πt) (+ Σⱼ hⱼ·[t ≥ tⱼ]) + ε, Σε² → min",
    needs=NEEDS,
    better="neither",
    minimum=A_YEAR,
    authority="Fattahi and Amelung; MintPy",
    edition="2015; 1.6",
    reference=FATTAHI,
    caveat="The limits take the errors of single dates as independent; they are not, so the true limits are wider.",
    undefined="The dates do not tell the rate from the season or the steps, or the values never change.",
    standard="convention",
)
def ground_velocity(panel: pd.DataFrame, *, seasonal: bool | None = None, steps: Sequence[str] = ()) -> pd.DataFrame:
    """Ground velocity: how many millimetres a year the ground moves, and how sure that is.

    Parameters
    ----------
    panel : `displacement_mm`, at any dates. Positive is up, or towards the satellite.
    seasonal : whether a yearly season is fitted beside the rate. None fits it where a place has 2 years and
        8 dates; it is never fitted where the dates cannot tell it apart.
    steps : dates of sudden steps (an earthquake, a new antenna), such as "2019-07-06".

    Returns
    -------
    `value`, `low`, `high` by `location_id`, mm per year: the rate and its 95 % limits. Negative is sinking.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.
    AlmanacError
        Where a step is no date.

    Notes
    -----
    Least squares of d(t) = c + v·t (+ a·sin 2πt + b·cos 2πt) (+ Σ hⱼ·[t ≥ tⱼ]), t in years of 365.25 days.
    σ_v² = Σe²/(n − unknowns) · (GᵀG)⁻¹_vv, which for the straight line is Σe²/Σ(t − t̄)²/(n − 2). The limits are
    Student's t times σ_v. Open choices: 5 dates over a year at least, since a rate out of some months is the season
    as much as the trend (Blewitt and Lavallée 2002 ask for 2.5 years); the season from 2 years and 8 dates on. It
    fails where the motion changes its rate, and for errors that persist from date to date (air moisture, antenna
    monuments), where the true limits are several times as wide. A place whose values are all the same has no rate:
    it is the reference that was set to zero, or a broken instrument, not ground that was seen to stand still. MintPy
    counts a day as 1/365.25 of a year from each 1 January on, which shifts its rates by about a tenth of a percent.

    References
    ----------
    Fattahi, H., Amelung, F. (2015): InSAR bias and uncertainty due to the systematic and stochastic tropospheric
    delay. JGR Solid Earth 120, 8758–8773, equation 10. https://doi.org/10.1002/2015JB012419
    Blewitt, G., Lavallée, D. (2002): Effect of annual signals on geodetic velocity. JGR 107(B7).
    https://doi.org/10.1029/2001JB000570

    Examples
    --------
    >>> days = pd.date_range("2018-01-01", periods=14, freq="30D", tz="UTC")
    >>> fall = -10 / 365.25 * 30 * np.arange(14)
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "displacement_mm": fall})
    >>> ground_velocity(panel)["value"].round(6).to_dict()
    {'a': -10.0}
    """
    record = read(panel, *NEEDS, minimum=A_YEAR, signed=NEEDS)
    found = fit(_moving(record), _years(record), seasonal=seasonal, steps=_step_years(record, steps))
    return _with_limits(record, found.rate, found.rate_deviation * found.half_width)


@indicator(
    code="S1b",
    first="low",
    domain="ground_motion",
    unit="mm",
    formula="d(t₂) − d(t₁)",
    needs=NEEDS,
    better="neither",
    minimum=TWO_DATES,
    authority="Almanac",
    edition="2026",
    reference="Difference of two measured displacements; no rate is claimed.",
    caveat="It is the difference of two dates, with the errors of both: it is no rate and cannot be carried forward.",
    undefined="There is no value on the first or last date that most places share, or the values never change.",
    latest=True,
)
def cumulative_displacement(panel: pd.DataFrame) -> pd.Series:
    """Displacement since the first date: how many millimetres the ground moved up or to the satellite.

    Parameters
    ----------
    panel : `displacement_mm`, at any dates. Positive is up, or towards the satellite.

    Returns
    -------
    The displacement at the last date less that at the first one, by `location_id`, mm. Negative is sinking.

    Raises
    ------
    BrokenData
        Where the panel cannot be read; see `analytics.record.read`.

    Notes
    -----
    d(last) − d(first). All places speak of the same two dates, the first and the last on which at least half of the
    places that have any value have one: differences over unlike times could not be compared on a map. A place
    without a value on either date has none. It is for records too short for a rate; season and air moisture are in
    it in full.

    References
    ----------
    None is needed for a difference; see `ground_velocity` for why records below a year have no rate.

    Examples
    --------
    >>> days = pd.to_datetime(["2016-08-01", "2016-12-23"], utc=True)
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "displacement_mm": [19.0, 12.5]})
    >>> cumulative_displacement(panel).to_dict()
    {'a': -6.5}
    """
    record = read(panel, *NEEDS, minimum=TWO_DATES, signed=NEEDS)
    values = _moving(record)
    present = np.isfinite(values)
    shared = np.flatnonzero(present.sum(axis=0) * 2 >= max(present.any(axis=1).sum(), 1))
    if len(shared) < 2:
        return record.series(np.full(len(values), np.nan), "cumulative_displacement")
    return record.series(values[:, shared[-1]] - values[:, shared[0]], "cumulative_displacement")


@indicator(
    code="S2a",
    domain="ground_motion",
    unit="mm",
    formula="√(a² + b²): d(t) = c + v·t + a·sin 2πt + b·cos 2πt (+ Σⱼ hⱼ·[t ≥ tⱼ]) + ε, Σε² → min",
    needs=NEEDS,
    better="neither",
    minimum=TWO_YEARS,
    authority="MintPy",
    edition="1.6",
    reference="https://doi.org/10.1016/j.cageo.2019.104331",
    caveat="It is half of the yearly swing, and noise alone gives some: compare it with the scatter of single dates.",
    undefined="The dates lie in too few seasons to tell a yearly swing, or the values never change.",
)
def seasonal_amplitude(panel: pd.DataFrame, *, steps: Sequence[str] = ()) -> pd.Series:
    """Seasonal swing: how many millimetres the ground rises and falls within a year.

    Parameters
    ----------
    panel : `displacement_mm`, at any dates.
    steps : dates of sudden steps, as for `ground_velocity`.

    Returns
    -------
    The amplitude by `location_id`, mm: half of the way from the yearly low to the yearly high.

    Raises
    ------
    BrokenData, AlmanacError
        As for `ground_velocity`.

    Notes
    -----
    √(a² + b²) of the terms a·sin 2πt + b·cos 2πt, fitted beside a start and a rate as in `ground_velocity`. It takes
    2 years and 8 dates, spread over the year: with all dates in one season the swing cannot be told from the start.
    It is never negative, so noise makes it too large where the true swing is small. One sine is fitted: a swing of
    another form is only partly seen.

    References
    ----------
    Yunjun, Z., Fattahi, H., Amelung, F. (2019): Small baseline InSAR time series analysis. Computers &
    Geosciences 133, 104331. https://doi.org/10.1016/j.cageo.2019.104331

    Examples
    --------
    >>> days = pd.date_range("2018-01-01", periods=40, freq="30D", tz="UTC")
    >>> swing = 4 * np.sin(2 * np.pi * 30 * np.arange(40) / 365.25)
    >>> panel = pd.DataFrame({"location_id": "a", "time": days, "displacement_mm": swing})
    >>> seasonal_amplitude(panel).round(6).to_dict()
    {'a': 4.0}
    """
    record = read(panel, *NEEDS, minimum=TWO_YEARS, signed=NEEDS)
    found = fit(_moving(record), _years(record), seasonal=True, steps=_step_years(record, steps))
    return record.series(np.hypot(found.sine, found.cosine), "seasonal_amplitude")


@indicator(
    code="S2b",
    domain="ground_motion",
    unit="mm_per_year2",
    formula="a: d(t) = c + v·t + ½·a·t² (+ p·sin 2πt + q·cos 2πt) (+ Σⱼ hⱼ·[t ≥ tⱼ]) + ε, Σε² → min",
    needs=NEEDS,
    better="neither",
    minimum=TWO_YEARS,
    authority="MintPy",
    edition="1.6",
    reference="https://doi.org/10.1016/j.cageo.2019.104331",
    caveat="A short record cannot tell a change of rate from a wet or a dry year: read it with its limits.",
    undefined="The dates do not tell a change of rate from season or steps, or the values never change.",
)
def ground_acceleration(
    panel: pd.DataFrame, *, seasonal: bool | None = None, steps: Sequence[str] = ()
) -> pd.DataFrame:
    """Change of ground velocity: whether the ground moves faster or slower from year to year.

    Parameters
    ----------
    panel : `displacement_mm`, at any dates.
    seasonal, steps : as for `ground_velocity`.

    Returns
    -------
    `value`, `low`, `high` by `location_id`, mm per year²: by how much the velocity changes each year, and its 95 %
    limits. Where the ground sinks, a negative value means that it sinks faster and faster.

    Raises
    ------
    BrokenData, AlmanacError
        As for `ground_velocity`.

    Notes
    -----
    The term a of d(t) = c + v·t + ½·a·t² (+ season) (+ steps), by least squares, with limits as for
    `ground_velocity`. As in MintPy the term is ½·a·t², so that a is the second derivative; programs that fit
    a·t² give half of it.

    References
    ----------
    Yunjun, Z., Fattahi, H., Amelung, F. (2019), as for `seasonal_amplitude`.

    Examples
    --------
    >>> days = pd.date_range("2015-01-01", periods=60, freq="30D", tz="UTC")
    >>> panel = pd.DataFrame({"location_id": "a", "time": days})
    >>> panel["displacement_mm"] = -1.5 * (30 * np.arange(60) / 365.25) ** 2
    >>> ground_acceleration(panel)["value"].round(6).to_dict()
    {'a': -3.0}
    """
    record = read(panel, *NEEDS, minimum=TWO_YEARS, signed=NEEDS)
    found = fit(_moving(record), _years(record), quadratic=True, seasonal=seasonal, steps=_step_years(record, steps))
    return _with_limits(record, found.acceleration, found.acceleration_deviation * found.half_width)


def _moving(record: Record) -> np.ndarray:
    """The displacements, with NaN throughout where three or more of them are all the same."""
    values = record[NEEDS[0]]
    present = np.isfinite(values)
    highest = np.where(present, values, -np.inf).max(axis=1, initial=-np.inf)
    lowest = np.where(present, values, np.inf).min(axis=1, initial=np.inf)
    same = (present.sum(axis=1) >= 3) & (highest == lowest)
    return np.where(same[:, None], np.nan, values)


def _years(record: Record) -> np.ndarray:
    """The times in Julian years since the first one."""
    days = (record.times.to_numpy("datetime64[us]") - _origin(record)) / np.timedelta64(1, "D")
    return days / DAYS_IN_YEAR


def _origin(record: Record) -> np.datetime64:
    return record.times.to_numpy("datetime64[us]")[0] if len(record.times) else np.datetime64(0, "us")


def _step_years(record: Record, steps: Sequence[str]) -> np.ndarray:
    try:
        moments = pd.to_datetime(list(steps), utc=True).tz_localize(None).to_numpy("datetime64[us]")
    except (ValueError, TypeError):
        raise refuse_parameter("steps", tuple(steps), wanted="a list of dates such as 2019-07-06") from None
    return (moments - _origin(record)) / np.timedelta64(1, "D") / DAYS_IN_YEAR


def _with_limits(record: Record, value: np.ndarray, reach: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value": record.series(value, "value"),
            "low": record.series(value - reach, "low"),
            "high": record.series(value + reach, "high"),
        }
    )
