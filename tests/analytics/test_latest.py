"""The last value of every place at once is what the page of each place tells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.latest import latest
from analytics.place import profile
from geodata.region import load_region
from tests.world import World


def test_by_hand(world: World) -> None:
    region = load_region(world.region)
    found = latest(region, region.dataset("river_daily"), "discharge_m3_per_s")
    assert found.index.tolist() == ["001", "002", "003"]
    assert found["value"].tolist() == pytest.approx([15.0, 1000.0, 7.9]), "an outlier is told, never removed"
    assert [t.strftime("%d %b") for t in found["time"]] == ["15 Jan", "30 Jan", "30 Jan"]
    assert found["n"].tolist() == [15, 30, 30] and found["completeness"].tolist() == [1.0, 1.0, 1.0]
    # The first ends earlier, and stands among what the others had on that day: 15, 11.4 and 6.4.
    assert list(zip(found["rank"], found["of"], strict=True)) == [(1, 3), (1, 2), (2, 2)]


@pytest.mark.parametrize("name", ["mid_atlantic", "noord_brabant", "lombardy", "california_ground", "twin_cities"])
def test_it_says_what_the_profile_of_a_place_says(name: str) -> None:
    region = load_region(name)
    places = region.places()
    chosen = [str(p) for p in places.index[np.random.default_rng(11).choice(len(places), 4, replace=False)]]
    series, _ = region.series(region.opens_on)
    if series.kind == "panel":
        chosen.append(str(region.table(series.id)["location_id"].iloc[0]))
    checked = 0
    for place in chosen:
        about = profile(region, place)
        for record in about.records:
            row = latest(region, record.dataset, record.column.name).loc[place]
            assert (row["value"], row["n"]) == (record.latest, record.n)
            assert row["time"] == record.latest_time and row["first"] == record.first
            if record.completeness is None:
                assert pd.isna(row["completeness"])
            else:
                assert row["completeness"] == pytest.approx(record.completeness, abs=1e-9)
            if record.standing is not None:
                assert (row["rank"], row["of"]) == (record.standing.rank, record.standing.of)
            checked += 1
        for fact in about.facts:
            row = latest(region, fact.dataset, fact.column.name).loc[place]
            assert row["value"] == fact.value and pd.isna(row["time"]) and row["n"] == 1
            if fact.standing is not None:
                assert (row["rank"], row["of"]) == (fact.standing.rank, fact.standing.of)
            checked += 1
    assert checked > 0


def test_a_place_without_a_value_is_not_there(world: World) -> None:
    panel = pd.read_parquet(world.file("river_daily"))
    panel.loc[panel["location_id"] == "002", "discharge_m3_per_s"] = np.nan
    panel.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    region = load_region(world.region)
    assert latest(region, region.dataset("river_daily"), "discharge_m3_per_s").index.tolist() == ["001", "003"]
