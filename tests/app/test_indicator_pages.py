"""The pages of the indicators without a browser: they open, answer, and say where nothing is known."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from analytics.indicator import Domain
from analytics.measure import uses
from app.text import languages
from geodata.region import load_region, regions
from tests.world import World, panel

# What pages and papers look like is for make test: make check is to end within two minutes.
pytestmark = pytest.mark.slow

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
DEFAULT = "mid_atlantic"
PAGES = ("traffic", "water", "natural_resources", "ground_motion", "standards")
NOTHING = "has no data for this domain"


def page_of(view: str, region: str, **address: str) -> AppTest:
    """A page of the whole dashboard, not yet drawn."""
    page = AppTest.from_file(MAIN, default_timeout=120)
    for key, value in {"region": region, "lang": "en", **address}.items():
        page.query_params[key] = value
    # switch_page() knows pages that are files only; ours are functions, known by their address.
    page._page_hash = calc_hash(view)
    return page


def opened(view: str, region: str, **address: str) -> AppTest:
    page = page_of(view, region, **address).run()
    assert not page.exception, [str(e.value) for e in page.exception]
    assert page.title
    return page


def said_on(page: AppTest) -> str:
    parts = [*page.title, *page.header, *page.subheader, *page.markdown, *page.caption, *page.info]
    return "\n".join(str(p.value) for p in parts).replace("\\", "")


def asked(page: AppTest, label: str) -> list[str]:
    """The labels of the choices of one picker."""
    (picker,) = (s for s in page.selectbox if s.label == label)
    return list(picker.options)


def with_data(domain: Domain) -> list[str]:
    return [r for r in regions() if uses(load_region(r), domain)]


@pytest.mark.parametrize("view", PAGES)
def test_it_opens_in_the_default_region(view: str) -> None:
    page = opened(view, DEFAULT)
    assert not page.error
    assert page.title[0].value.endswith("?")


@pytest.mark.parametrize("domain", ["traffic", "water", "natural_resources", "ground_motion"])
def test_a_region_without_data_says_so_and_where_there_is_some(domain: Domain) -> None:
    without = [r for r in regions() if r not in with_data(domain)]
    assert without or domain == "water"
    for region in without[:3]:
        page = opened(domain, region)
        assert not page.error
        told = said_on(page)
        themed = [d.title for d in load_region(region).datasets if d.theme == domain and d.columns]
        if themed:
            assert "none of its indicators can be computed from them" in told and themed[0] in told
        else:
            assert NOTHING in told and "which is not the same as nothing happening" in told
        assert not page.dataframe or "Columns it needs" in page.dataframe[0].value.columns
        links = [str(e.proto.label) for e in page.get("page_link") if str(e.proto.label).startswith("Look at")]
        assert len(links) == len(with_data(domain))


@pytest.mark.parametrize("domain", ["traffic", "water", "ground_motion"])
def test_a_region_with_data_does_not_say_so(domain: Domain) -> None:
    region = with_data(domain)[0]
    page = opened(domain, region)
    assert NOTHING not in said_on(page)
    assert any("Evidence" in e.label for e in page.expander)
    assert any("table" in e.label for e in page.expander)


def test_the_standards_page_where_nothing_can_be_compared() -> None:
    page = opened("standards", "lombardy")
    assert "has classes in more than one standard" in said_on(page)


def test_water_answers_which_rivers_are_low_on_its_first_screen() -> None:
    page = opened("water", DEFAULT)
    text = said_on(page)
    assert "Much below normal (1) – North Fork Shenandoah River at Cootes Store, VA: 8.33%" in text
    assert "188 of 194 places are left out: too few values (188)." in text
    assert "“Now” is the last day of each place’s own record, from 1 Jan 2018 to 5 May 2025." in text


def test_the_ground_page_answers_near_people() -> None:
    text = said_on(opened("ground_motion", "california_ground"))
    assert "places at least one site sinks by 2" in text
    assert "Where to look first, by people times speed: " in text


def test_another_standard_tells_which_places_change_class() -> None:
    page = opened("water", DEFAULT, water_indicator="standardized_precipitation_index", water_standard="nidis")
    (expander,) = (e for e in page.expander if "change class" in e.label or "changes class" in e.label)
    changed = expander.dataframe[0].value
    assert len(changed) > 0 and changed.columns[0] == "Place"
    page = opened("water", DEFAULT, water_indicator="standardized_precipitation_index", water_standard="none")
    assert not [e for e in page.expander if "class against" in e.label]


def test_clusters_where_too_few_places_have_a_value() -> None:
    page = opened("water", DEFAULT, water_indicator="streamflow_percentile", water_show="clusters")
    assert "Too few places have a value" in said_on(page)


@pytest.mark.parametrize(
    ("indicator", "place", "sentence"),
    [
        ("flashiness", "0204288786", "Withheld: the flow reverses with the tide."),
        ("streamflow_percentile", "01613900", "Not enough data: there are 365 values, and 3,300 are needed."),
    ],
)
def test_a_place_without_a_value_gives_the_reason(indicator: str, place: str, sentence: str) -> None:
    page = opened("water", DEFAULT, water_indicator=indicator, place=place)
    # Under the place's name, and once more in the evidence.
    assert sentence in [str(text.value).replace("\\", "") for text in page.markdown]
    assert said_on(page).count(sentence) == 2


def test_a_place_of_which_the_first_column_is_unknown() -> None:
    name = "standardized_precipitation_evapotranspiration_index"
    page = opened("water", "noord_brabant", water_indicator=name, place="de_bilt")
    assert "Not enough data: there are 0 values" in said_on(page)


def test_another_region_forgets_the_indicator_without_a_complaint() -> None:
    page = opened("water", DEFAULT, water_indicator="flashiness", water_standard="none")
    (picker,) = (s for s in page.selectbox if s.label == "Region")
    picker.select("noord_brabant").run()
    assert not page.exception
    assert [str(e.value) for e in page.error] == []
    assert "groundwater" in said_on(page).lower() or "rain" in said_on(page).lower()


def test_an_unknown_indicator_in_the_address_is_told_and_the_first_is_shown() -> None:
    page = opened("water", DEFAULT, water_indicator="<b>flash</b>")
    assert len(page.error) == 1 and "which is not here" in page.error[0].value.replace("\\", "")
    assert "below normal" in said_on(page)


@pytest.mark.parametrize("language", [code for code in languages() if code != "en"])
def test_they_open_in_every_language(language: str) -> None:
    for view, region in (("traffic", "lombardy"), ("water", DEFAULT), ("ground_motion", "california_ground")):
        page = opened(view, region, lang=language)
        assert not page.error


def test_a_domain_of_which_a_made_region_knows_nothing(world: World) -> None:
    for domain in ("traffic", "natural_resources", "ground_motion"):
        assert NOTHING in said_on(opened(domain, world.region))


def test_where_no_place_has_enough_data_the_answer_says_why(world: World) -> None:
    page = opened("water", world.region)
    assert not page.error
    told = said_on(page)
    assert "None of the 3 places has enough data for" in told and "too few values (3)" in told
    assert "No place has enough data" in told


def test_where_every_value_is_impossible_nothing_breaks(world: World) -> None:
    table = panel().assign(discharge_m3_per_s=-1.0)
    table.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    told = said_on(opened("water", world.region))
    assert "negative values where that is impossible (3)" in told


def test_places_without_a_position_have_no_map_but_a_table(world: World) -> None:
    world.replace("river_daily", 'locations = "gauges"\n', "")
    days = pd.date_range("2009-01-01", "2020-12-31", freq="D", tz="UTC", unit="us")
    flow = 2.0 + (days.day_of_year.to_numpy() % 7)
    table = pd.DataFrame({"location_id": "001", "time": days, "discharge_m3_per_s": flow, "discharge_flag": "A"})
    table.astype({"location_id": "str", "discharge_flag": "category"}).to_parquet(
        world.file("river_daily"), index=False
    )
    world.seal("river_daily")
    for shown in ("classes", "clusters"):
        page = opened("water", world.region, water_indicator="flashiness", water_show=shown)
        told = said_on(page) + "".join(str(e.value) for e in page.error).replace("\\", "")
        assert "no position" in told
