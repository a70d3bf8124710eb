"""What an official types, and what should come first."""

from __future__ import annotations

import pytest

from geodata.catalog import open_catalog
from geodata.search import Document, Index, nearest, search

DOCUMENTS = (
    Document(
        "usgs_discharge_2017",
        title="Daily mean river discharge, 2017",
        summary="How much water the rivers carried past each gauge.",
        producer="U.S. Geological Survey",
        theme="water",
        region="Virginia and North Carolina, USA",
        columns=("discharge_m3_per_s", "Discharge"),
        places=("RAPIDAN RIVER NEAR CULPEPER, VA", "SOUTH FORK HOLSTON RIVER AT RIVERSIDE"),
        translations=("2017 年日均河流流量", "2017 年日均河川流量"),
    ),
    Document(
        "noaa_precipitation",
        title="Monthly precipitation since 1895",
        summary="Rain and snow by climate division.",
        producer="National Oceanic and Atmospheric Administration",
        theme="weather",
        region="Virginia and North Carolina, USA",
        columns=("precipitation_mm", "Precipitation"),
        places=("Tidewater", "Piedmont", "Northern Mountains"),
        translations=("1895 年以来的月降水量",),
    ),
    Document(
        "ncdot_traffic",
        title="Annual average daily traffic",
        summary="Vehicles a day on the roads of each county, near rivers too.",
        producer="North Carolina Department of Transportation",
        theme="traffic",
        region="Virginia and North Carolina, USA",
        columns=("traffic_veh_per_day", "Traffic"),
        places=("Wake County", "Durham County", "Río Grande"),
        translations=("年均日交通量",),
    ),
    Document(
        "agrimonia",
        title="Air quality and weather of stations",
        summary="Fine dust and nitrogen dioxide.",
        producer="AgrImOnIA project",
        theme="air",
        region="Lombardy, Italy",
        columns=("pm25_ug_per_m3", "PM2.5", "no2_ug_per_m3", "NO₂", "precipitation_mm", "Precipitation"),
        places=("Milano - Pascal", "Bergamo", "Cantù"),
    ),
    Document(
        "us_counties",
        title="Counties",
        producer="U.S. Census Bureau",
        theme="boundaries",
        region="Virginia and North Carolina, USA",
        places=("Wake County", "Durham County", "Culpeper County"),
    ),
)


def ids(text: str, **options: int) -> list[str]:
    return [hit.id for hit in search(DOCUMENTS, text, **options)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("discharge", "usgs_discharge_2017"),
        ("dischrge", "usgs_discharge_2017"),
        ("DISCAHRGE", "usgs_discharge_2017"),
        ("precipitaton", "noaa_precipitation"),
        ("preciptation tidewater", "noaa_precipitation"),
        ("trafic", "ncdot_traffic"),
        ("geological survey", "usgs_discharge_2017"),
        ("disch", "usgs_discharge_2017"),
        ("pm2.5", "agrimonia"),
        ("pm25", "agrimonia"),
        ("NO2", "agrimonia"),
        ("cantu", "agrimonia"),
        ("rio grande", "ncdot_traffic"),
        ("county", "us_counties"),
        ("counties", "us_counties"),
        ("wake county traffic", "ncdot_traffic"),
        ("流量", "usgs_discharge_2017"),
        ("河川", "usgs_discharge_2017"),
        ("河流流量", "usgs_discharge_2017"),
        ("降水", "noaa_precipitation"),
        ("降水量", "noaa_precipitation"),
        ("河", "usgs_discharge_2017"),
    ],
)
def test_what_is_meant_comes_first(text: str, first: str) -> None:
    assert ids(text)[0] == first


def test_a_title_counts_for_more_than_a_column_theme_producer_and_place() -> None:
    documents = [
        Document("a", places=("heron",)),
        Document("b", producer="heron"),
        Document("c", theme="heron"),
        Document("d", columns=("heron",)),
        Document("e", title="heron"),
    ]
    found = [hit.fields for hit in search(documents, "heron")]
    assert found == [("title",), ("columns",), ("theme",), ("producer",), ("places",)]


def test_documents_with_every_word_come_before_those_with_some() -> None:
    hits = search(DOCUMENTS, "precipitation lombardy")
    # The title of another dataset says precipitation, which alone would weigh more.
    assert hits[0].id == "agrimonia"
    assert [hit.complete for hit in hits] == [True] + [False] * (len(hits) - 1)
    assert "noaa_precipitation" in [hit.id for hit in hits[1:]]


def test_a_word_that_exists_elsewhere_may_still_be_mistyped() -> None:
    documents = [Document("a", title="Rain gauge readings"), Document("b", summary="gauze")]
    first = search(documents, "rain gauze")[0]
    assert (first.id, first.complete) == ("a", True)


def test_what_is_not_there_is_not_found() -> None:
    assert ids("zeppelin") == []
    assert ids("???") == []
    assert ids("' OR 1=1; --") == []


def test_short_words_and_numbers_are_not_bent() -> None:
    documents = [Document("a", title="Sea level 2017"), Document("b", title="Tea houses 2018")]
    assert [h.id for h in search(documents, "sea")] == ["a"]
    assert [h.id for h in search(documents, "2018")] == ["b"]
    assert search(documents, "2019") == []


def test_no_text_lists_everything_in_the_order_given() -> None:
    assert ids("") == ids("  ") == [d.id for d in DOCUMENTS]
    assert ids("", limit=2) == [d.id for d in DOCUMENTS[:2]]


def test_the_order_of_documents_and_words_does_not_matter() -> None:
    expected = [(h.id, h.score) for h in Index(DOCUMENTS).search("river county water")]
    assert len(expected) > 2
    assert [(h.id, h.score) for h in Index(DOCUMENTS[::-1]).search("water county river")] == [
        (id, pytest.approx(score)) for id, score in expected
    ]


def test_the_shorter_title_wins_between_equals() -> None:
    documents = [
        Document("a", title="River discharge and stage and temperature"),
        Document("z", title="River discharge"),
    ]
    assert search(documents, "river discharge")[0].id == "z"


def test_a_very_long_question_is_answered() -> None:
    assert ids("discharge " * 100_000)[0] == "usgs_discharge_2017"
    assert ids("x" * 1_000_000) == []


@pytest.mark.parametrize(
    ("word", "words", "meant"),
    [
        ("mid_atlantik", ["lombardy", "mid_atlantic"], "mid_atlantic"),
        ("Lombardía", ["mid_atlantic", "lombardy"], "lombardy"),
        ("usgs_discharge_2018", ["usgs_stage_2017", "usgs_discharge_2017"], "usgs_discharge_2017"),
        ("discharge", ["ncdot_traffic", "usgs_discharge_2017"], "usgs_discharge_2017"),
        ("dsicharge_m3_per_s", ["discharge_m3_per_s", "stage_m"], "discharge_m3_per_s"),
        ("zeppelin", ["lombardy", "mid_atlantic"], None),
        ("", ["lombardy"], None),
        ("lombardy", [], None),
        ("ab", ["ab", "abc"], "ab"),
    ],
)
def test_the_near_miss_named_in_an_error(word: str, words: list[str], meant: str | None) -> None:
    assert nearest(word, words) == meant


@pytest.mark.parametrize(
    ("text", "firsts"),
    [
        (
            "dischrge",
            {
                "usgs_discharge_2017",
                "usgs_discharge_delaware",
                "usgs_discharge_shenandoah",
                "usgs_discharge_stage_15min",
            },
        ),
        ("unemployment", {"bls_unemployment_2009"}),
        ("hurricane florence", {"florence_rain"}),
        ("eletricity", {"eia930_electricity"}),
        ("groundwater brabant", {"noord_brabant_heads", "noord_brabant_wells", "noord_brabant_extraction"}),
    ],
)
def test_the_bundled_datasets_are_found(text: str, firsts: set[str]) -> None:
    assert open_catalog().search(text)[0].id in firsts
