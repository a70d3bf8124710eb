"""What is said of publications: in words, on a terminal, and on every page that shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from analytics.measure import measures_anew
from app.cli import main
from app.publication_words import approval_words, marked, provenance_facts, published_words, standing_of
from app.text import languages, use_language
from geodata.catalog import open_catalog
from geodata.dataset import Dataset
from geodata.publication import Publication, approve, withdraw
from geodata.settings import settings
from tests.publications import HOSTILE, means, published, put_indicator, script
from tests.world import World, panel

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
# Without a stroke before them these would be read as HTML, a link and a formula.
READ = re.compile(r"(?<!\\)(<img|\[x|\$x)")
MARKS = {"en": "(an analyst’s result)", "zh-Hans": "分析人员", "zh-Hant": "分析人員"}


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("geodata.region._asked", {})
    use_language("en")
    yield
    use_language("en")
    measures_anew()


def told_of(dataset: Dataset) -> Publication:
    assert dataset.publication is not None
    return dataset.publication


def changed_input(world: World) -> None:
    panel().head(80).to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")


def test_a_title_is_marked_until_it_is_approved_and_while_it_is_out_of_date(world: World) -> None:
    made = published()
    assert marked("Flow", None) == "Flow"
    assert marked("Flow", made.publication) == "Flow (an analyst’s result)"
    approved = approve(settings().publications, made, "Bea")
    assert marked("Flow", approved.publication) == "Flow"
    changed_input(world)
    assert marked("Flow", made.publication) == "Flow (an analyst’s result, out of date)"
    assert marked("Flow", approved.publication) == "Flow (out of date)"


def test_whose_result_it_is(world: World) -> None:
    made = published(inputs=("river_daily", "gauges"))
    told = standing_of(told_of(made))
    assert told.startswith("This is a result of Ann, published from a notebook on ")
    assert told.endswith("Nobody has approved it yet.")
    changed_input(world)
    assert "what it was made from has changed since (river_daily)" in standing_of(told_of(made))
    approved = approve(settings().publications, made, "Bea")
    assert approved.publication is not None
    assert approval_words(approved.publication).startswith("Approved by Bea on ")
    assert "Nobody has approved it" not in standing_of(told_of(approved))


def test_the_provenance_card(world: World) -> None:
    (world.sources / "river_twice.toml").write_text(world.toml("river_daily").read_text("utf-8"), encoding="utf-8")
    world.file("river_twice").write_bytes(world.file("river_daily").read_bytes())
    made = published(inputs=("river_daily", "gauges", "river_twice"))
    assert made.publication is not None
    world.toml("river_twice").unlink()
    changed_input(world)
    facts = dict(provenance_facts(made))
    assert (facts["Author"], facts["Notebook"], facts["Approval"]) == (
        "Ann",
        "rivers.py",
        "Nobody has approved it yet.",
    )
    assert made.publication.code[:8] in facts["Code"] and "run from top to bottom." in facts["Code"]
    assert facts["Published"].endswith(f"{made.publication.published:%H:%M} UTC")
    for words in (
        "Daily river flow (licence not stated; changed since)",
        "River gauges (licence not stated; unchanged)",
        "no longer here",
    ):
        assert words in facts["Made from"]
    assert "Golden case" not in facts
    assert dict(provenance_facts(put_indicator(notebook=script("b.py"))))["Golden case"] == "By hand"


def test_what_the_analyst_is_told(world: World) -> None:
    made = published()
    assert published_words(made) == (
        "“Mean flow” is published as mean_flow: the dashboard shows it within seconds, marked as an analyst’s result.\n"
        "It is on the pages Explore, Place and Data.\n"
        "Made from: Daily river flow."
    )


def almanac(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["publications", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    code, out, _ = almanac(capsys, "--json", *arguments)
    assert code == 0
    found: list[dict[str, object]] = json.loads(out)
    return found


def test_they_are_listed(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = almanac(capsys)
    assert code == 0 and "Nothing is published." in err
    assert rows(capsys) == []
    published(inputs=("river_daily", "gauges"))
    # Another region has none of it.
    monkeypatch.setattr("app.publication_commands.load_region", lambda name: name)
    assert rows(capsys, "--region", "other_valley") == []
    (row,) = rows(capsys, "--region", world.region)
    assert (row["dataset"], row["title"], row["region"]) == ("mean_flow", "Mean flow", world.region)
    assert (row["kind"], row["author"], row["notebook"], row["as_saved"]) == ("result", "Ann", "rivers.py", True)
    assert (row["inputs"], row["changed_inputs"]) == ("river_daily gauges", "")
    assert (row["approved_by"], row["approved"]) == ("", "")
    changed_input(world)
    assert rows(capsys)[0]["changed_inputs"] == "river_daily"
    code, out, _ = almanac(capsys)
    assert code == 0 and "mean_flow" in out and "Ann" in out


def test_one_is_approved_and_withdrawn(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    published()
    (row,) = rows(capsys, "--approve", "mean_flow", "--by", "Bea")
    assert row["approved_by"] == "Bea" and str(row["approved"]).endswith("+00:00")
    code, out, err = almanac(capsys, "--withdraw", "mean_flow", "--by", "Cem", "--why", "wrong", "--json")
    assert code == 0 and json.loads(out) == []
    assert "Withdrawn; its files and this decision are kept: " in err
    (record,) = (settings().publications / "withdrawn").iterdir()
    assert str(record) in err and 'reason = "wrong"' in record.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--approve", "mean_flow"), "Nobody is named who decides this."),
        (("--withdraw", "mean_flow", "--why", "wrong"), "Nobody is named who decides this."),
        (("--withdraw", "mean_flow", "--by", "Bea"), "No reason is given for the withdrawal."),
        (("--approve", "mean_flwo", "--by", "Bea"), "Did you mean “mean_flow”?"),
        (("--withdraw", "mean_flwo", "--by", "Bea"), "Did you mean “mean_flow”?"),
        (("--approve", "river_daily", "--by", "Bea"), "There is no publication “river_daily”."),
        (("--withdraw", "river_daily", "--by", "Bea"), "There is no publication “river_daily”."),
        (("--by", "Bea"), "nothing is decided"),
        (("--why", "wrong"), "nothing is decided"),
        (("--region", "two_valley"), "Did you mean “two_valleys”?"),
    ],
)
def test_what_is_refused_on_a_terminal(
    world: World, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    made = published()
    code, out, err = almanac(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in err and len(err.strip().splitlines()) == 2
    assert open_catalog()["mean_flow"] == made and "river_daily" in open_catalog()


def test_one_cannot_approve_and_withdraw_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publications", "--approve", "a", "--withdraw", "a"]) == 2
    assert "not allowed with" in capsys.readouterr().err


def test_a_broken_one_is_told_of_on_a_terminal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    published()
    (settings().publications / "bad.toml").write_text("title = = 1", encoding="utf-8")
    code, _, err = almanac(capsys)
    assert code == 0 and "publications/bad is left out: bad.toml is not valid TOML" in err


def opened(view: str, **address: str) -> AppTest:
    page = AppTest.from_file(MAIN, default_timeout=120)
    for key, value in {"lang": "en", **address}.items():
        page.query_params[key] = value
    if view != "overview":
        page._page_hash = calc_hash(view)
    page.run()
    assert not page.exception, [str(e.value) for e in page.exception]
    return page


def as_shown(page: AppTest) -> str:
    """All text of a page, as it is handed to the browser."""
    kinds = (page.title, page.header, page.subheader, page.markdown, page.caption, page.info, page.success, page.error)
    texts = [str(element.value) for kind in kinds for element in kind]
    texts += [option for picker in page.selectbox for option in picker.options]
    texts += [str(e.proto.label) for e in page.get("page_link")]
    texts += [frame.value.to_csv() for frame in page.dataframe]
    return "\n".join(texts)


def said_on(page: AppTest) -> str:
    return as_shown(page).replace("\\", "")


PAGES = [
    ("overview", {}),
    ("data", {"dataset": "mean_flow"}),
    ("explore", {"dataset": "mean_flow"}),
    ("place", {"place": "001"}),
    ("water", {"water_indicator": "usual_flow"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("code", list(languages()))
@pytest.mark.parametrize(("view", "address"), PAGES, ids=[view for view, _ in PAGES])
def test_every_page_shows_it_with_its_mark(world: World, view: str, address: dict[str, str], code: str) -> None:
    published(title=HOSTILE, id="mean_flow", method=HOSTILE, author=HOSTILE, flaws=[HOSTILE])
    put_indicator(title=f"{HOSTILE} 2", author=HOSTILE, notebook=script("b.py"))
    page = opened(view, lang=code, **address)
    assert not page.error
    said = said_on(page)
    assert MARKS[code] in said
    # Nothing of it is read as Markdown or HTML where the page reads these.
    read = [*page.title, *page.header, *page.subheader, *page.markdown, *page.caption, *page.info, *page.success]
    texts = [str(e.value) for e in read] + [str(e.proto.label) for e in page.get("page_link")]
    assert [text for text in texts if READ.search(text)] == []
    if view in ("explore", "water", "data"):
        assert page.info and HOSTILE in said


def test_the_card_of_a_result(world: World) -> None:
    made = published(flaws=["It knows no winter."])
    assert made.publication is not None
    page = opened("data", dataset="mean_flow")
    said = said_on(page)
    for words in (
        "This is a result of Ann",
        "How this result came about",
        "rivers.py",
        f"checksum {made.publication.code[:8]}",
        "Daily river flow (licence not stated; unchanged)",
        "Nobody has approved it yet.",
        "It knows no winter.",
    ):
        assert words in said, words
    labels = [str(getattr(button, "label", "")) for button in page.get("download_button")]
    assert "The code as it was run, and all that goes with it (ZIP)" in labels and "code.py" in said
    # A dataset that nobody published has no card.
    assert "How this result came about" not in said_on(opened("data", dataset="river_daily"))


def button(page: AppTest, label: str) -> object:
    (found,) = (b for b in page.button if b.label == label)
    return found


def test_it_is_approved_and_withdrawn_on_the_data_page(world: World) -> None:
    published()
    page = opened("data", dataset="mean_flow")
    page = button(page, "Approve").click().run()  # type: ignore[attr-defined]
    assert "Nobody is named who decides this." in said_on(page)
    assert open_catalog()["mean_flow"].publication.approved is None  # type: ignore[union-attr]
    page.text_input(key=next(t.key for t in page.text_input if t.label == "Your name")).set_value("Bea").run()
    page = button(page, "Approve").click().run()  # type: ignore[attr-defined]
    assert not page.exception
    assert open_catalog()["mean_flow"].publication.approved_by == "Bea"  # type: ignore[union-attr]
    said = said_on(opened("data", dataset="mean_flow"))
    assert "Approved by Bea on" in said and "(an analyst’s result)" not in said
    page = opened("data", dataset="mean_flow")
    assert not [b for b in page.button if b.label == "Approve"]
    next(t for t in page.text_input if t.label == "Your name").set_value("Cem").run()
    next(t for t in page.text_input if t.label == "Why").set_value("wrong").run()
    page = button(page, "Withdraw").click().run()  # type: ignore[attr-defined]
    assert not page.exception
    assert "mean_flow" not in open_catalog()
    assert "“Mean flow” is withdrawn and gone from every page." in said_on(page)
    said = said_on(opened("data"))
    assert "“Mean flow” was withdrawn by Cem on" in said and said.count("Mean flow") == 1


def test_what_was_published_anew_meanwhile_is_not_approved(world: World) -> None:
    published()
    page = opened("data", dataset="mean_flow")
    next(t for t in page.text_input if t.label == "Your name").set_value("Bea").run()
    seen = open_catalog()["mean_flow"]
    published(means(9.0))
    with pytest.raises(Exception, match="published anew"):
        approve(settings().publications, seen, "Bea")
    assert open_catalog()["mean_flow"].publication.approved is None  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize("spoilt", ["table", "code.py", "indicator.toml", "measured.parquet", "description"])
@pytest.mark.parametrize("view", ["overview", "data", "explore", "place", "water"])
def test_a_damaged_one_takes_no_page_down(world: World, view: str, spoilt: str) -> None:
    made = put_indicator()
    if spoilt == "description":
        (settings().publications / "usual_flow.toml").write_text("title = = 1", encoding="utf-8")
    else:
        path = made.path if spoilt == "table" else made.path.with_name(spoilt)
        path.write_bytes(b"spoilt")
    page = opened(view)
    assert page.title
    assert said_on(page).strip()
    if view in ("data", "explore") and spoilt != "description":
        told = opened(view, dataset="usual_flow")
        damaged = spoilt == "table" or view == "data"
        assert bool(told.error) == damaged, [e.value for e in told.error]
    # The bundled dataset works on.
    if view in ("data", "explore"):
        assert not opened(view, dataset="river_daily").exception


def test_a_withdrawn_one_is_on_no_page(world: World) -> None:
    made = put_indicator(title="Zebra flow")
    assert "Zebra flow" in said_on(opened("overview"))
    withdraw(settings().publications, made, "Bea", "wrong")
    for view in ("overview", "explore", "place", "water"):
        assert "Zebra flow" not in said_on(opened(view))


def test_one_value_for_each_place_is_told_on_its_page(world: World) -> None:
    published(means(8.25), title="Zebra flow")
    page = opened("place", place="001")
    (metric,) = (m for m in page.metric if "Zebra flow" in m.label.replace("\\", ""))
    assert metric.value == "8.25" and "(an analyst’s result)" in metric.label.replace("\\", "")


def test_a_page_follows_the_catalogue(world: World) -> None:
    page = opened("overview")
    assert "Zebra flow" not in said_on(page)
    published(title="Zebra flow")
    page.run()
    assert "Zebra flow" in said_on(page)
    assert isinstance(page.session_state["catalog"], type(open_catalog()))
    assert page.session_state["catalog"] is open_catalog()


def test_a_sheet_of_an_unapproved_result_says_so(world: World) -> None:
    """The files that one takes away from the Data page say whose result it is too."""
    from app.export import source_text

    made = published()
    told = source_text(made).decode("utf-8-sig")
    assert "Author: Ann" in told and "Nobody has approved it yet." in told
    assert "PyPI" not in told
    assert "2020" in pd.Timestamp(made.observed_to).isoformat()
