"""What analysts published are results: nothing takes them for observations, and indicators among them are read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analytics.evidence import Evidence
from analytics.glance import glance
from analytics.indicator import INDICATORS
from analytics.measure import broken_data, indicator_of, measured, measures_anew, table_of, uses
from analytics.near_people import near_people_of
from analytics.outlook import forecastable
from analytics.place import best_known, profile
from analytics.published import DESCRIPTION, TABLE, description, published_indicator, table_bytes
from app.indicator_words import short_title
from app.text import use_language
from geodata.catalog import open_catalog
from geodata.described import table_of as toml_table
from geodata.errors import AlmanacError
from geodata.publication import approve
from geodata.publishing import Attached
from geodata.region import Region, load_region
from geodata.settings import settings
from tests.publications import means, published, put_indicator, script
from tests.world import World, panel


@pytest.fixture(autouse=True)
def nothing_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("geodata.region._asked", {})
    use_language("en")
    yield
    measures_anew()


def used(region: Region) -> dict[str, tuple[str, ...]]:
    return {name: tuple(d.id for d in use.datasets) for name, use in uses(region).items()}


def daily(places: tuple[str, ...] = ("001", "002", "003"), years: int = 12) -> pd.DataFrame:
    """A longer and fuller record than the region has, of the very column that its indicators need."""
    days = pd.date_range("2008-01-01", periods=365 * years, freq="D", tz="UTC", unit="us")
    return pd.concat(
        [pd.DataFrame({"location_id": p, "time": days, "discharge_m3_per_s": 50.0 + days.day}) for p in places],
        ignore_index=True,
    )


def test_no_indicator_forecast_or_figure_takes_a_result_for_an_observation(world: World) -> None:
    table = pd.concat([daily(years=3)[["location_id", "time"]], daily(years=3)["discharge_m3_per_s"] / 7], axis=1)
    table = table.assign(discharge_flag="A")
    table.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    before = load_region(world.region)
    was: dict[str, Any] = {
        "uses": used(before),
        "measured": {name: measured(before, name).table for name in uses(before)},
        "forecastable": list(forecastable(before)[0]),
        "glance": glance(before),
        "best": best_known(before),
        "key": [r.dataset.id for r in profile(before, "001").key],
    }
    assert was["uses"] and was["forecastable"] == ["river_daily.discharge_m3_per_s"]
    made = published(daily(), title="Simulated flow", id="a_simulation")
    after = load_region(world.region)
    assert after.published == (made,)
    assert used(after) == was["uses"]
    for name, table in was["measured"].items():
        pd.testing.assert_frame_equal(measured(after, name).table, table)
    usable, refused = forecastable(after)
    assert list(usable) == was["forecastable"] and not any(name.startswith("a_simulation") for name in refused)
    found = glance(after)
    assert (found.figures, found.newest, found.coverage) == (
        was["glance"].figures,
        was["glance"].newest,
        was["glance"].coverage,
    )
    assert found.known.equals(was["glance"].known)
    assert best_known(after) == was["best"]
    of_place = profile(after, "001")
    assert [r.dataset.id for r in of_place.key] == was["key"] == ["river_daily"]
    # The page of the place lists it all the same, and so do Explore and Data.
    assert "a_simulation" in [r.dataset.id for r in of_place.records]
    assert made in after.mappable() and made in open_catalog().search("simulated")


def test_people_of_a_result_are_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMANAC_PUBLICATIONS", str(tmp_path / "publications"))
    settings.cache_clear()
    try:
        before = load_region("california_ground")
        was = near_people_of(before)
        assert was is not None
        home = before.table(before.home)
        people = pd.Series(1e6, index=home.index, name="population_people")
        published(people, title="A guess", inputs=(was.people.id,), theme="society", id="a_guess")
        after = load_region("california_ground")
        assert after.published
        now = near_people_of(after)
        assert now is not None and now.people.id == was.people.id
        pd.testing.assert_frame_equal(now.table, was.table)
        assert used(after) == used(before)
    finally:
        settings.cache_clear()


def test_an_indicator_is_read_and_not_run(world: World) -> None:
    made = put_indicator()
    region = load_region(world.region)
    use = uses(region)["usual_flow"]
    assert (use.locations, [d.id for d in use.datasets]) == ("gauges", ["river_daily"])
    assert measured(region, "usual_flow").values.to_dict() == means().to_dict()
    indicator = indicator_of(region, "usual_flow")
    assert (indicator.title, indicator.unit, indicator.code) == (
        "Usual flow: the middle of the days",
        "m3_per_s",
        "W99",
    )
    assert (indicator.evidence, indicator.definition) == (Evidence("by_hand", ("By hand",)), "The median.")
    assert indicator.published is not None and indicator.published.dataset == made.id
    rows = table_of(region).set_index("indicator").loc["usual_flow"]
    assert set(rows["evidence"]) == {"by_hand"} and set(rows["unit"]) == {"m3/s"}
    with pytest.raises(AlmanacError, match="its code is not run here"):
        indicator(panel())
    assert "usual_flow" not in INDICATORS


def test_metadata_comes_back_as_it_was(world: World) -> None:
    for name in ("flashiness", "low_flow_7q10", "standardized_precipitation_index"):
        model = INDICATORS[name] if name in INDICATORS else INDICATORS["flashiness"]
        put_indicator(files={DESCRIPTION: description(model, Evidence("independent", ("x", "y")))})
        back = published_indicator(open_catalog()["usual_flow"])
        assert toml_table(back, given=("function", "published")) == toml_table(model, given=("function", "published"))
        assert (back.evidence, back.definition) == (Evidence("independent", ("x", "y")), model.definition)
        assert back.minimum == model.minimum


def test_a_mark_until_it_is_approved(world: World) -> None:
    made = put_indicator()
    assert short_title(indicator_of(load_region(world.region), "usual_flow")) == "Usual flow (an analyst’s result)"
    world.replace("river_daily", 'summary = "', 'summary = "More: ')
    assert "out of date" not in short_title(indicator_of(load_region(world.region), "usual_flow"))
    approve(settings().publications, made, "Bea")
    assert short_title(indicator_of(load_region(world.region), "usual_flow")) == "Usual flow"
    changed = panel().head(80)
    changed.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    assert short_title(indicator_of(load_region(world.region), "usual_flow")) == "Usual flow (out of date)"


def test_one_that_the_project_has_too_is_the_projects(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put_indicator(metadata={"id": "flashiness"})
    region = load_region(world.region)
    assert "flashiness" not in uses(region) or uses(region)["flashiness"].indicator is INDICATORS["flashiness"]
    assert indicator_of(region, "flashiness") is INDICATORS["flashiness"]


@pytest.mark.parametrize(
    "files",
    [
        {DESCRIPTION: b"no = = toml"},
        {DESCRIPTION: b"\xff"},
        {DESCRIPTION: b"a = 1"},
        {TABLE: b"not parquet"},
        {TABLE: table_bytes(pd.DataFrame({"value": [1.0]}, index=["001"]))},
    ],
    ids=["no TOML", "no text", "another key", "no table", "another table"],
)
def test_what_is_wrong_in_its_files_takes_no_other_indicator_down(world: World, files: dict[str, bytes]) -> None:
    """Files that were published as they are: their checksums agree."""
    daily(years=3).assign(discharge_flag="A").to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    before = set(uses(load_region(world.region)))
    assert before
    put_indicator(files=files)
    region = load_region(world.region)
    assert set(uses(region)) - {"usual_flow"} == before
    assert set(table_of(region)["indicator"]) == set(table_of(region.observed)["indicator"])
    assert len(broken_data(region)) <= 1


@pytest.mark.parametrize("metadata", [{"unit": "furlongs"}, {"domain": "magic"}, {"needs": "flow"}, {"colour": "red"}])
def test_metadata_that_make_no_sense_are_left_out(world: World, metadata: dict[str, Any]) -> None:
    put_indicator(metadata=metadata)
    region = load_region(world.region)
    assert "usual_flow" not in uses(region)
    with pytest.raises(AlmanacError):
        published_indicator(open_catalog()["usual_flow"])


@pytest.mark.parametrize("name", [TABLE, DESCRIPTION])
def test_a_file_that_is_not_the_one_published_takes_no_other_indicator_down(world: World, name: str) -> None:
    made = put_indicator()
    path = made.path.with_name(name)
    path.write_bytes(path.read_bytes() + b" ")
    region = load_region(world.region)
    assert "usual_flow" not in uses(region)
    with pytest.raises(AlmanacError, match="is absent or not the one that was published"):
        published_indicator(made)


def test_a_table_that_is_damaged_while_the_dashboard_runs(world: World) -> None:
    made = put_indicator()
    region = load_region(world.region)
    assert "usual_flow" in uses(region)
    made.path.with_name(TABLE).write_bytes(b"PAR1")
    with pytest.raises(AlmanacError, match=r"measured\.parquet of the publication usual_flow"):
        measured(region, "usual_flow")
    assert "usual_flow" not in set(table_of(region)["indicator"])
    assert [str(e) for e in broken_data(region)] == [str(e) for e in broken_data(region)] != []


def test_the_first_of_two_of_one_id_counts(world: World) -> None:
    put_indicator()
    second = published(
        means(99.0),
        title="Zebra",
        notebook=script("b.py"),
        attached=Attached(
            "indicator",
            {name: open_catalog()["usual_flow"].path.with_name(name).read_bytes() for name in (DESCRIPTION, TABLE)},
        ),
    )
    region = load_region(world.region)
    indicator = uses(region)["usual_flow"].indicator
    assert indicator.published is not None and indicator.published.dataset == "usual_flow" != second.id
    kept = second.path.with_name(TABLE).read_bytes()
    assert second.publication is not None
    assert second.publication.attachments[TABLE] == hashlib.sha256(kept).hexdigest()
    assert pd.read_parquet(io.BytesIO(kept))["value"].to_dict() == means().to_dict()
