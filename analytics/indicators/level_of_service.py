"""Level of service after the Highway Capacity Manual: what drivers put up with on freeways and at junctions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.indicator import Minimum, indicator
from analytics.record import ratio, read_rows, refuse_parameter

ONE = Minimum(values=1)
AUTHORITY = "Transportation Research Board"
EDITION = "Highway Capacity Manual, 2000 and 6th edition"
REFERENCE = "Transportation Research Board (2016): Highway Capacity Manual, 6th edition. Washington, D.C."
_NO_DELAY = "No movement of the junction has both a flow and a delay."


@indicator(
    code="T11",
    domain="traffic",
    unit="veh_per_km_lane",
    formula="k = q / (N · v)",
    needs=("flow_veh_per_h", "speed_km_per_h", "lanes_count"),
    table="layer",
    better="lower",
    minimum=ONE,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat="The classes hold for freeways outside junctions; trucks must have been counted as several cars.",
    undefined="Nothing moves there, or the number of lanes is unknown.",
    standard="hcm_6",
)
def traffic_density(roads: pd.DataFrame) -> pd.Series:
    """Traffic density: how closely vehicles follow each other on the freeway.

    Parameters
    ----------
    roads : one row per direction of a freeway segment: `flow_veh_per_h`, the flow of the peak quarter hour in
        passenger cars per hour over all lanes, `speed_km_per_h`, the mean speed at that flow, and `lanes_count`.

    Returns
    -------
    Passenger cars per kilometre and lane by `location_id`; 1 per mile and lane is 1/1.609344 of it.

    Raises
    ------
    BrokenData
        Where the layer cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    k = q / (N·u). The manual's flow is that of the highest 15 minutes, as an hourly rate, heavy vehicles expressed in
    passenger cars: whoever hands over plain hourly volumes gets a density that is too low. At 1 km/h or less it is
    withheld. Above 45 passenger cars per mile and lane flow has broken down, and the quotient is only a guess.

    References
    ----------
    Transportation Research Board (2016): Highway Capacity Manual, 6th edition, chapter 12.

    Examples
    --------
    >>> roads = pd.DataFrame({"location_id": ["a"], "flow_veh_per_h": [3000.0], "speed_km_per_h": [100.0],
    ...     "lanes_count": [2]})
    >>> traffic_density(roads).to_dict()
    {'a': 15.0}
    """
    rows = read_rows(roads, "flow_veh_per_h", "speed_km_per_h", "lanes_count")
    per_lane = ratio(rows["flow_veh_per_h"].to_numpy(), rows["lanes_count"].to_numpy())
    density = ratio(per_lane, rows["speed_km_per_h"].to_numpy(), least=1.0)
    return pd.Series(density, index=rows.index, name="traffic_density")


@indicator(
    code="T12",
    domain="traffic",
    unit="s_per_veh",
    formula="Σ qᵢ · dᵢ / Σ qᵢ",
    needs=("flow_veh_per_h", "delay_s_per_veh"),
    table="table",
    better="lower",
    minimum=ONE,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat="A good mean can hide one approach at which people wait long.",
    undefined=_NO_DELAY,
    standard="hcm_6",
)
def signal_delay(movements: pd.DataFrame) -> pd.Series:
    """Delay at traffic lights: how long the average vehicle is held up at the junction.

    Parameters
    ----------
    movements : one row per junction (`location_id`) and `movement_id` (a lane group, movement or approach):
        `flow_veh_per_h` and `delay_s_per_veh`, its mean control delay.

    Returns
    -------
    Seconds per vehicle by `location_id`.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    Σ v·d / Σ v, the mean weighted by flow. Control delay is that which the signal causes: slowing down, moving up in
    the queue, standing, and speeding up again. Movements with a missing number are left out. In the 6th edition a
    movement with a volume above its capacity is in class F whatever its delay; that is not looked at here.

    References
    ----------
    Transportation Research Board (2000): Highway Capacity Manual, chapter 16; 6th edition (2016), chapter 19.

    Examples
    --------
    >>> movements = pd.DataFrame({"location_id": "a", "movement_id": ["north", "east"],
    ...     "flow_veh_per_h": [300.0, 100.0], "delay_s_per_veh": [10.0, 50.0]})
    >>> signal_delay(movements).to_dict()
    {'a': 20.0}
    """
    rows = read_rows(movements, "flow_veh_per_h", "delay_s_per_veh", keys=("movement_id",))
    return _weighted(rows).rename("signal_delay")


@indicator(
    code="T13",
    domain="traffic",
    unit="s_per_veh",
    formula="max(dᵢ: qᵢ > 0)",
    needs=("flow_veh_per_h", "delay_s_per_veh"),
    table="table",
    better="lower",
    minimum=ONE,
    authority=AUTHORITY,
    edition=EDITION,
    reference=REFERENCE,
    caveat="At a stop sign on the side road it speaks of the movement that waits longest, not of the whole junction.",
    undefined=_NO_DELAY,
    standard="hcm_6",
)
def unsignalised_delay(movements: pd.DataFrame, *, stop_on_all: bool = False) -> pd.Series:
    """Delay without traffic lights: how long vehicles wait where they must give way.

    Parameters
    ----------
    movements : one row per junction (`location_id`) and `movement_id`: `flow_veh_per_h` and `delay_s_per_veh`, its
        mean control delay. Only movements that must give way.
    stop_on_all : whether all approaches must stop, or it is a roundabout; then the junction has a mean.

    Returns
    -------
    Seconds per vehicle by `location_id`: of the movement that waits longest, or the mean weighted by flow.

    Raises
    ------
    BrokenData
        Where the table cannot be read; see `analytics.record.read_rows`.

    Notes
    -----
    The manual gives a junction with stop signs on the side road only no level of service as a whole, but one for each
    movement that gives way: the greatest delay is shown, of movements that have a flow. With stop signs on all
    approaches, Σ v·d / Σ v.

    References
    ----------
    Transportation Research Board (2000): Highway Capacity Manual, chapter 17; 6th edition (2016), chapters 20 to 22.

    Examples
    --------
    >>> movements = pd.DataFrame({"location_id": "a", "movement_id": ["left", "right"],
    ...     "flow_veh_per_h": [30.0, 90.0], "delay_s_per_veh": [38.0, 14.0]})
    >>> unsignalised_delay(movements).to_dict(), unsignalised_delay(movements, stop_on_all=True).to_dict()
    ({'a': 38.0}, {'a': 20.0})
    """
    if not isinstance(stop_on_all, bool):
        raise refuse_parameter("stop_on_all", stop_on_all, wanted="True or False")
    rows = read_rows(movements, "flow_veh_per_h", "delay_s_per_veh", keys=("movement_id",))
    if stop_on_all:
        return _weighted(rows).rename("unsignalised_delay")
    waits = rows["delay_s_per_veh"].where(rows["flow_veh_per_h"] > 0)
    return waits.groupby(level=0).max().rename("unsignalised_delay")


def _weighted(rows: pd.DataFrame) -> pd.Series:
    """The mean delay of each junction, weighted by flow."""
    flow = rows["flow_veh_per_h"].where(rows["delay_s_per_veh"].notna())
    sums = pd.DataFrame({"waited": flow * rows["delay_s_per_veh"], "flow": flow}).groupby(level=0).sum()
    mean = ratio(sums["waited"].to_numpy(), sums["flow"].to_numpy())
    return pd.Series(np.asarray(mean), index=sums.index)
