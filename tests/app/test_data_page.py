from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.view import find_views
from tests.world import World, make_world, panel

MAIN = Path(__file__).parents[2] / "app" / "main.py"


def page_script() -> None:
    """Only this page, as `main` draws it."""
    import streamlit as st

    from app.view import Context, find_views
    from app.widgets import errors_shown, pick_language, pick_region, region_names
    from geodata.region import load_region

    language = pick_language()
    region = pick_region(region_names())
    view = next(v for v in find_views() if v.id == "data")
    st.session_state["pages"] = {"place": st.Page(lambda: None, title="Place", url_path="place")}
    with errors_shown():
        view.draw(Context(load_region(region), language))


def opened(**address: str) -> AppTest:
    page = AppTest.from_function(page_script, default_timeout=60)
    for key, value in {"lang": "en", **address}.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception
    return page


def everything_said(page: AppTest) -> str:
    kinds = (page.title, page.header, page.subheader, page.markdown, page.caption, page.info, page.error, page.warning)
    return "\n".join(element.value.replace("\\", "") for kind in kinds for element in kind)


def rows_found(page: AppTest) -> list[str]:
    return list(page.dataframe[0].value["Dataset"])


def test_the_page_is_one_of_the_dashboard() -> None:
    assert "data" in [view.id for view in find_views()]


def test_it_opens_with_the_question_and_the_answer(world: World) -> None:
    page = opened()
    assert page.title[0].value == "What data do we have, and how good are they?"
    words = everything_said(page)
    assert "There are 3 datasets." in words
    assert "The newest values are of 30 Jan 2020 (Daily river flow)" in words
    assert "For 3 of them the licence is not stated" in words
    assert "all checksums agree" in words
    assert rows_found(page) == ["Daily river flow", "River gauges", "Land of the valleys"]
    # What the region opens on is opened here too, with its flaws.
    assert page.header[0].value == "Daily river flow"
    assert "Its values are made up." in words
    assert not page.error


def test_words_find_datasets_and_stay_in_the_address(world: World) -> None:
    page = opened(q="gauges")
    assert rows_found(page)[0] == "River gauges"
    assert page.header[0].value == "River gauges"
    page.text_input[0].set_value("dischrage").run()
    assert page.query_params["q"] == "dischrage"
    assert rows_found(page) == ["Daily river flow"]
    assert page.header[0].value == "Daily river flow"
    page.text_input[0].set_value("").run()
    assert "q" not in page.query_params
    assert len(rows_found(page)) == 3


def test_words_that_match_nothing_are_told(world: World) -> None:
    page = opened(q="xyzzy [link](https://example.org)")
    assert "No dataset matches" in page.info[0].value
    assert "[link](" not in page.info[0].value, "the address must not be read as Markdown"


@pytest.mark.parametrize("dataset", ["river_daily", "gauges", "valley_base"])
def test_each_dataset_can_be_opened_by_its_address(world: World, dataset: str) -> None:
    page = opened(dataset=dataset)
    assert page.query_params["dataset"] == dataset
    words = everything_said(page)
    assert f"{dataset}.parquet" in words
    assert "agrees" in words
    assert "PyPI package nothing 1.0 (MIT)" in words
    assert not page.error


def test_an_unknown_dataset_is_told_in_two_sentences(world: World) -> None:
    page = opened(dataset="river_dialy")
    assert len(page.error) == 1
    assert "river_dialy" in page.error[0].value.replace("\\", "")
    assert page.header[0].value == "Daily river flow"


def test_a_file_that_is_not_the_one_described_is_told(world: World) -> None:
    panel().head(3).to_parquet(world.file("river_daily"))
    page = opened()
    words = everything_said(page)
    assert "is not the file that river_daily.toml describes" in words
    assert "all checksums agree" not in words
    # The others can still be opened.
    page = opened(dataset="gauges")
    assert page.header[0].value == "River gauges"


def test_a_broken_description_is_told_and_the_others_stay(world: World) -> None:
    # The gauges are home and cannot be missed; a dataset beside them can.
    text = world.toml("river_daily").read_text(encoding="utf-8")
    (world.sources / "spoilt.toml").write_text(text.replace("producer =", "producre ="), encoding="utf-8")
    page = opened()
    assert "unknown key “producre”" in everything_said(page)
    assert len(rows_found(page)) == 3


def test_hostile_text_in_a_description_is_only_text(world: World) -> None:
    world.replace("river_daily", "Its values are made up.", "<img src=x onerror=alert(1)> **bold** [a](javascript:1)")
    page = opened()
    shown = next(m.value for m in page.markdown if "onerror" in m.value)
    assert "\\<img" in shown
    assert "\\*\\*bold" in shown
    assert "\\[a\\]\\(" in shown


def test_all_regions_can_be_searched(world: World) -> None:
    second = make_world(world.sources.parent / "second", "other_valley")
    for dataset in ("river_daily", "gauges", "valley_base"):
        renamed = {"river_daily": "other_daily", "gauges": "other_gauges", "valley_base": "other_base"}
        text = second.toml(dataset).read_text(encoding="utf-8")
        for old, new in renamed.items():
            text = text.replace(f'"{old}"', f'"{new}"')
        (world.sources / f"{renamed[dataset]}.toml").write_text(text, encoding="utf-8")
        (world.regions / "other_valley").mkdir(exist_ok=True)
        target = world.regions / "other_valley" / f"{renamed[dataset]}.parquet"
        target.write_bytes(second.file(dataset).read_bytes())
    description = (second.regions / "other_valley" / "region.toml").read_text(encoding="utf-8")
    for old, new in {"river_daily": "other_daily", "gauges": "other_gauges", "valley_base": "other_base"}.items():
        description = description.replace(old, new)
    (world.regions / "other_valley" / "region.toml").write_text(description, encoding="utf-8")
    assert len(rows_found(opened())) == 3
    page = opened(scope="all", dataset="other_daily")
    assert len(rows_found(page)) == 6
    assert not page.error
    assert page.header[0].value == "Daily river flow"


def test_the_preview_holds_the_tables_own_values(world: World) -> None:
    page = opened()
    shown = page.dataframe[-1].value
    pd.testing.assert_series_equal(
        shown["discharge_m3_per_s"].reset_index(drop=True), panel()["discharge_m3_per_s"].head(len(shown))
    )


def test_three_files_can_be_taken_away(world: World) -> None:
    page = opened()
    labels = [str(getattr(button, "label", "")) for button in page.get("download_button")]
    assert len(labels) == 3
    assert any("CSV" in label for label in labels)
    assert any("Parquet" in label for label in labels)
