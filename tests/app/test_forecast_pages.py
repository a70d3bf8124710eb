"""The pages on forecasts without a browser, on light series of the bundled regions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from analytics.outlook import forecastable, outlook
from app.text import languages
from geodata.region import load_region
from tests.world import World

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
PUMPING = ("noord_brabant", "noord_brabant_extraction.extraction_m3_per_day")
TRAFFIC = ("mid_atlantic", "ncdot_traffic.traffic_veh_per_day")
# One of the last moments at which forecasts of the pumping were tried, of 120.
WINDOW = 115
PAGES = ("forecasts", "forecast_quality")
ANSWER = re.compile(r"(At \d+ of \d+ places a model proved|At none of the \d+ places|proved better than)")


def page_of(view: str, region: str, series: str | None = None, *, wrong: bool = False, **address: str) -> AppTest:
    page = AppTest.from_file(MAIN, default_timeout=240)
    chosen = {} if series is None else {"forecast_series": series}
    for key, value in {"region": region, "lang": "en", **chosen, **address}.items():
        page.query_params[key] = value
    # switch_page() knows pages that are files only; ours are functions, known by their address.
    page._page_hash = calc_hash(view)
    page.run()
    assert not page.exception, [str(e.value) for e in page.exception]
    assert bool(page.error) == wrong, [str(e.value) for e in page.error]
    assert len(page.title) == 1
    return page


def said_on(page: AppTest) -> str:
    parts = [*page.title, *page.header, *page.subheader, *page.markdown, *page.caption, *page.info]
    return "\n".join(str(p.value) for p in parts).replace("\\", "")


def traces(page: AppTest, key: str) -> str:
    """What is drawn in one chart, as its specification."""
    return next(str(c.proto.spec) for c in page.get("plotly_chart") if key in str(c.proto.id))


def chosen_in(page: AppTest, label: str) -> str:
    (picker,) = (s for s in page.selectbox if s.label == label)
    return str(picker.value)


@pytest.mark.parametrize("series", [PUMPING, TRAFFIC])
def test_it_answers_first_and_says_what_is_likely_at_one_place(series: tuple[str, str]) -> None:
    page = page_of("forecasts", *series)
    told = said_on(page)
    assert page.title[0].value.endswith("?")
    assert ANSWER.search(told), told[:400]
    assert "The record ends with" in told and "What is likely at" in told
    # What only a guess says is called so.
    says = "is expected" in told or "a simple guess says" in told
    assert says or "Nothing can be said here" in told
    assert series is not TRAFFIC or "is expected" not in told
    assert chosen_in(page, "Forecast made") == "now"
    # The legend names no limits where there are none.
    assert ("limits" in traces(page, "fan")) == (series is PUMPING)


@pytest.mark.slow
@pytest.mark.parametrize("view", PAGES)
@pytest.mark.parametrize("language", languages())
def test_it_opens_in_every_language_without_english_among_chinese(view: str, language: str) -> None:
    page = page_of(view, *PUMPING, lang=language)
    told = said_on(page)
    assert ("guess" in told or "model" in told) == (language == "en"), told[:600]
    assert bool(re.search(r"[一-鿿]", page.title[0].value)) == (language != "en")


@pytest.mark.slow
def test_an_earlier_forecast_is_drawn_with_what_came() -> None:
    region, series = PUMPING
    page = page_of("forecasts", region, series, forecast_made=str(WINDOW))
    found = outlook(load_region(region), series)
    made = found.history.times[found.backtested.plan.origins[WINDOW]]
    assert chosen_in(page, "Forecast made") == str(WINDOW)
    now = page_of("forecasts", region, series)
    assert traces(page, "fan") != traces(now, "fan")
    # What came belongs to the forecast of the past only.
    assert "what came" in traces(page, "fan").lower() and "what came" not in traces(now, "fan").lower()
    assert made < found.history.times[-1]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["9999", "-1", "soon"])
def test_a_moment_that_is_not_there_is_told_and_the_latest_forecast_shown(moment: str) -> None:
    page = page_of("forecasts", *PUMPING, wrong=True, forecast_made=moment)
    (told,) = page.error
    assert moment in str(told.value) and "after the end of the record" in str(told.value)
    assert chosen_in(page, "Forecast made") == "now"


@pytest.mark.slow
@pytest.mark.parametrize("series", [PUMPING, TRAFFIC])
def test_a_critic_finds_the_errors_the_scores_and_where_it_fails(series: tuple[str, str]) -> None:
    page = page_of("forecast_quality", *series)
    told = said_on(page)
    assert "ahead what is shown is off by" in told or "was never wrong" in told or "can be checked" in told
    held = re.search(r"The 80% limits held at \d+ of \d+ places", told) and "The 95% limits held at" in told
    drawn = [c for c in page.get("plotly_chart") if "held" in str(c.proto.id)]
    assert (bool(held), len(drawn)) == ((True, 1) if series is PUMPING else (False, 0))
    # Three forecasts of the yearly traffic could be tried: no place knows errors enough for limits.
    assert ("could not be tested at any place" in told and "from 3 moments" in told) == (series is TRAFFIC)
    assert "Source:" in told and "of the steps of" in told
    assert "each time knowing only what was known then" in told
    tables = [set(map(str, table.value.columns)) for table in page.dataframe]
    assert any({"MASE", "NSE", "KGE"} <= columns for columns in tables)
    # Of eleven values none is one of twenty.
    assert any({"Hits", "False alarms"} <= columns for columns in tables) == (series is PUMPING)
    assert ("What is rare cannot be said" in told) == (series is TRAFFIC)
    scores = next(t.value for t in page.dataframe if "MASE" in t.value.columns)
    assert scores["Forecaster"].is_unique and "what is shown" in set(scores["Forecaster"])
    assert set(scores["Places"]) and "Only forecasts that every forecaster made are compared" in told
    # A year has no seasons.
    assert ("By season" in told) == (series is PUMPING)


@pytest.mark.slow
@pytest.mark.parametrize("view", PAGES)
def test_the_series_without_a_forecast_are_listed_with_the_reason(view: str) -> None:
    _, refused = forecastable(load_region(TRAFFIC[0]))
    assert refused
    page = page_of(view, *TRAFFIC)
    table = next(t.value for t in page.dataframe if "What to do" in t.value.columns)
    assert len(table) == len(refused)
    assert table["Why"].str.endswith(".").all() and (table["What to do"].str.len() > 10).all()


@pytest.mark.slow
def test_the_page_on_a_place_leads_to_its_forecast_and_draws_it_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    region, series = TRAFFIC
    outlook(load_region(region), series)
    page = page_of("place", region, place="37183")
    assert traces(page, "fan") and "a simple guess says" in said_on(page) and "What is likely next" in said_on(page)
    monkeypatch.setattr("app.views.forecasting.at_place.is_made", lambda *_: False)
    page = page_of("place", region, place="37183")
    assert "What is likely next" in said_on(page) and "a simple guess says" not in said_on(page)
    (link,) = (x for x in page.get("page_link") if "trending_up" in str(x.proto.icon))
    assert f"forecast_series={series}" in link.proto.query_string and "place=37183" in link.proto.query_string


@pytest.mark.parametrize("view", PAGES)
def test_a_region_whose_only_series_is_too_short_says_so(view: str, world: World) -> None:
    """Thirty days carry no forecast two weeks ahead that could be tried."""
    page = page_of(view, world.region)
    assert "no series that can be forecast" in page.info[0].value
    (table,) = page.dataframe
    assert "30 steps of 1 day" in table.value["Why"].iloc[0] and table.value["What to do"].iloc[0].endswith(".")
