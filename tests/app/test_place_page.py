"""The Place page without a browser: what it says of a place, and what it does with a wrong address."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.text import use_language
from geodata.region import load_region
from tests.world import World

SCRIPT = """
import streamlit as st
from app.text import use_language
from app.view import Context
from app.views import place
from geodata.region import load_region, regions

use_language("en")
st.session_state["chosen:lang"] = "en"
place.VIEW.draw(Context(load_region(regions()[0]), "en"))
"""


@pytest.fixture
def page(world: World, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    # The map exists only in a browser; the browser tests see to it.
    monkeypatch.setattr("app.views.place._map", lambda context, found: None)
    use_language("en")
    return AppTest.from_string(SCRIPT, default_timeout=60)


def said_on(page: AppTest) -> str:
    parts = [*page.title, *page.header, *page.subheader, *page.markdown, *page.caption]
    return "\n".join(str(p.value) for p in parts).replace("\\", "")


def test_it_asks_and_answers(page: AppTest) -> None:
    page.query_params["place"] = "001"
    page.run()
    assert not page.exception
    assert page.title[0].value == "What do we know of Ponte Alto?"
    text = said_on(page)
    assert "We have 1 series of Ponte Alto from 1 dataset." in text
    assert "15 Jan 2020" in text
    assert "Source: The tests; licence not stated; observed 1 Jan 2020 to 30 Jan 2020" in text
    assert "Its values are made up." in text
    assert page.metric[0].value == "15"


def test_missing_values_are_said_and_listed(page: AppTest, world: World) -> None:
    panel = pd.read_parquet(world.file("river_daily"))
    panel = panel[~((panel["location_id"] == "002") & panel["time"].dt.day.isin([10, 11, 12]))]
    panel.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    page.query_params["place"] = "002"
    page.run()
    assert not page.exception
    assert "90.0% of the values due are there, 3 are missing" in said_on(page)
    (gaps,) = (e for e in page.expander if "gap" in e.label)
    assert gaps.label == "Its only gap"
    assert gaps.dataframe[0].value["Values missing"].to_list() == [3]
    assert gaps.dataframe[0].value["First without a value"].to_list() == ["10 Jan 2020"]


def test_a_place_without_values_says_so(page: AppTest, world: World) -> None:
    panel = pd.read_parquet(world.file("river_daily"))
    panel[panel["location_id"] != "003"].to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    page.query_params["place"] = "003"
    page.run()
    assert not page.exception
    text = said_on(page)
    assert "We have no figures of Foce." in text
    assert "none of Foce: Daily river flow." in text
    assert not page.metric


def test_an_unknown_place_is_told_in_two_sentences_and_another_is_shown(page: AppTest) -> None:
    page.query_params["place"] = "Molino Nuovo <b>"
    page.run()
    assert not page.exception
    assert len(page.error) == 1
    told = page.error[0].value.replace("\\", "")
    assert "has no place “Molino Nuovo <b>”" in told
    assert page.title[0].value.startswith("What do we know of ")
    assert page.query_params["place"] != "Molino Nuovo <b>"


def test_another_place_is_chosen_by_name_and_kept_in_the_address(page: AppTest) -> None:
    page.query_params["place"] = "001"
    page.run()
    page.selectbox[0].select("003").run()
    assert not page.exception
    assert page.title[0].value == "What do we know of Foce?"
    assert page.query_params["place"] in ("003", ["003"])


def test_a_broken_file_is_told_and_does_not_take_the_page_down(page: AppTest, world: World) -> None:
    load_region(world.region).places()  # the layer is read before the panel breaks
    world.file("river_daily").write_bytes(Path(__file__).read_bytes())
    page.query_params["place"] = "001"
    page.run()
    assert not page.exception
    assert any("river" in error.value for error in page.error)
