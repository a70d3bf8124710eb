"""What analysts published is printed once it is approved, or where it is what the report is about; and as theirs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pikepdf
import pytest

from analytics.measure import measures_anew
from analytics.published import TABLE, table_bytes
from app.report import Request, make_report, write_report
from app.report.blocks import Facts, Page, Table, Text
from app.report.bundle import read_numbers
from app.report.manifest import MANIFEST, NUMBERS
from app.report.theme import theme_of
from app.report.write import Report, document_id
from app.text import language, languages, use_language
from geodata.dataset import Dataset
from geodata.errors import AlmanacError
from geodata.publication import approve, withdraw
from geodata.region import load_region
from geodata.settings import settings
from tests.app.test_report_pdf import fullest, set_in, text_of
from tests.publications import published, put_indicator, script

# What pages and papers look like is for make test: make check is to end within two minutes.
pytestmark = pytest.mark.slow

REGION, PLACE = "mid_atlantic", "37183"
SERIES, INDICATOR = "own_growth.own_growth_percent", "own_trend"
GROWTH, TREND = {"37183": 41.5, "37063": -3.25, "51059": 12.0}, {"37183": 63.5, "37063": 17.25, "51059": 29.0}
ABOUT = ["sheet", "map", "brief", "atlas"]
WORDS = {
    "en": ("an analyst’s result", "an analyst’s result, approved", "Nobody has approved it yet."),
    "zh-Hans": ("分析人员的成果", "分析人员的成果，已批准", "尚无人批准。"),
    "zh-Hant": ("分析人員的成果", "分析人員的成果，已核准", "尚無人核准。"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Publications in a folder of their own, beside the bundled region."""
    monkeypatch.setenv("ALMANAC_PUBLICATIONS", str(tmp_path / "publications"))
    settings.cache_clear()
    use_language("en")
    yield
    settings.cache_clear()
    measures_anew()


def by_place(values: dict[str, float], name: str) -> pd.Series:
    return pd.Series(values, index=pd.Index(list(values), name="location_id"), name=name)


def growth(**given: Any) -> Dataset:
    """A value for each of three counties, made from their traffic."""
    usual: dict[str, Any] = {"method": "The last year over the first.", "inputs": ("ncdot_traffic",)}
    return published(
        by_place(GROWTH, "own_growth_percent"),
        title="Own growth",
        flaws=("It knows no lorries.",),
        **{**usual, **given},
    )


def trend(domain: str = "traffic") -> Dataset:
    """The same as an indicator."""
    values = by_place(TREND, "own_trend_percent")
    numbers = pd.DataFrame(
        {
            **{"value": values, "low": float("nan"), "high": float("nan"), "p_value": float("nan"), "n": 15},
            **{"completeness": 1.0, "observed_from": pd.Timestamp("2002-01-01")},
            **{"observed_to": pd.Timestamp("2016-01-01"), "provisional": 0.0, "dataset": "ncdot_traffic", "reason": ""},
        }
    )
    return put_indicator(
        result=values,
        title="Own trend of traffic",
        id=INDICATOR,
        inputs=("ncdot_traffic",),
        notebook=script("trend.py"),
        files={TABLE: table_bytes(numbers)},
        metadata={
            **{"id": INDICATOR, "title": "Own trend: how traffic moves", "code": "T99", "domain": domain},
            **{"unit": "percent", "needs": ["traffic_veh_per_day"], "steps": ["1 year"]},
        },
    )


def approved(dataset: Dataset) -> Dataset:
    return approve(settings().publications, dataset, "Bea")


def report(kind: str, theme: str, code: str = "en") -> Report:
    places = (PLACE, "37063") if kind in ("sheet", "atlas") else ()
    return make_report(Request(REGION, kind, places=places, theme=theme, language=code))  # type: ignore[arg-type]


def pages(made: Report) -> list[Page]:
    return [page for document in made.documents for page in document.pages]


def figures(made: Report) -> dict[str, tuple[str, ...]]:
    """The lines of the table of figures on the sheet of the place, by what they begin with."""
    (page,) = (p for p in pages(made) if any(getattr(b, "anchor", "") == f"place-{PLACE}" for b in p.blocks()))
    table = next(b for b in page.blocks() if isinstance(b, Table))
    return {row[0]: row for row in table.rows}


def facts(made: Report) -> list[tuple[str, str]]:
    return [row for page in pages(made) for b in page.blocks() if isinstance(b, Facts) for row in b.rows]


def all_words(made: Report) -> str:
    """Every word of a report but those within its drawings."""
    told = [b.text for page in pages(made) for b in page.blocks() if isinstance(b, Text)]
    tables = [cell for page in pages(made) for b in page.blocks() if isinstance(b, Table) for r in b.rows for cell in r]
    return "\n".join([*told, *tables, *(part for row in facts(made) for part in row), *map(repr, pages(made))])


def numbers_of(made: Report, what: str) -> pd.DataFrame:
    found = made.numbers[made.numbers["what"] == what]
    assert isinstance(found, pd.DataFrame)
    return found.set_index("location_id")


class TestNobodyApproved:
    @pytest.mark.parametrize("kind", ABOUT)
    @pytest.mark.parametrize("theme", ["traffic_growth", "us_counties.land_area_km2"])
    def test_a_report_on_something_else_is_as_if_it_were_not_there(self, kind: str, theme: str) -> None:
        before = report(kind, theme)
        growth(), trend()
        after = report(kind, theme)
        assert len(load_region(REGION).published) == 2
        pd.testing.assert_frame_equal(after.numbers, before.numbers)
        pd.testing.assert_frame_equal(after.series, before.series)
        said = all_words(after)
        assert "Own growth" not in said and "Own trend" not in said and "analyst" not in said
        assert len(said) == len(all_words(before))

    def test_a_layer_of_places_gives_no_sheet_a_name(self) -> None:
        layer = load_region(REGION).table("us_counties").loc[[PLACE], ["name", "geometry"]]
        layer = layer.assign(name="Zebra", own_share_percent=7.0).rename(index={PLACE: "zebra"})
        made = published(layer, title="Own places", inputs=("us_counties",), theme="society")
        asked = Request(REGION, "sheet", places=("zebra",), theme="traffic_growth")
        assert "Zebra" not in all_words(make_report(asked))
        approved(made)
        assert "Zebra" in all_words(make_report(asked))

    def test_it_is_not_what_a_domain_stands_for(self) -> None:
        made = trend(domain="ground_motion")
        with pytest.raises(AlmanacError, match="has no data for the domain"):
            theme_of(load_region(REGION), "ground_motion")
        assert theme_of(load_region(REGION), INDICATOR).name == INDICATOR
        approved(made)
        assert theme_of(load_region(REGION), "ground_motion").name == INDICATOR


class TestApproved:
    def test_a_value_is_printed_as_an_analysts(self) -> None:
        approved(growth())
        made = report("sheet", "traffic_growth")
        row = figures(made)["Own growth"]
        assert row[1:] == (
            *("41.5%", "rank 1 of 3", "1 Jan 2002 to 31 Dec 2016", "1", "an analyst’s result, approved"),
        )
        assert figures(made)["Population"][-1] == "as published"
        number = numbers_of(made, SERIES).loc[PLACE]
        assert (number["value"], number["made"], number["datasets"]) == (41.5, "value", "own_growth")
        assert (number["observed_from"], number["observed_to"]) == ("2002-01-01", "2016-12-31")
        (source,) = {text for label, text in facts(made) if label == "Own growth"}
        assert source.startswith("Ann; published on ") and source.endswith(" from the notebook rivers.py.")

    def test_an_indicator_is_printed_as_an_analysts_and_once(self) -> None:
        approved(trend())
        made = report("sheet", "us_counties.land_area_km2")
        (row,) = (r for r in figures(made).values() if r[0].startswith("Own trend"))
        assert (row[0], row[-1]) == ("Own trend", "an analyst’s result, approved")
        assert "63.5" in row[1]
        assert set(numbers_of(made, INDICATOR).loc[PLACE, ["datasets"]]) == {"own_trend ncdot_traffic"}
        assert numbers_of(made, "own_trend.own_trend_percent").empty
        labels = [label for label, _ in facts(made)]
        assert "Own trend of traffic" in labels and said_title("ncdot_traffic") in labels

    def test_there_is_room_for_it_where_a_place_has_more_than_fits(self) -> None:
        full = figures(report("sheet", "traffic_growth"))
        assert len(full) == 12  # or this shows nothing
        approved(growth(theme="society"))  # of all themes the last
        made = figures(report("sheet", "traffic_growth"))
        # It takes the room of two.
        assert len(made) == 11 and "Own growth" in made

    def test_what_is_withdrawn_is_gone(self) -> None:
        withdraw(settings().publications, approved(growth()), "Cem", "wrong")
        assert "Own growth" not in all_words(report("sheet", "traffic_growth"))

    def test_the_id_of_a_report_tells_whether_it_was(self) -> None:
        made = growth()
        asked = Request(REGION, "sheet", places=(PLACE,), theme="traffic_growth")
        before = document_id(asked, load_region(REGION))
        approved(made)
        after = document_id(asked, load_region(REGION))
        assert after != before
        assert make_report(asked).documents[0].issue.document_id == after


def said_title(dataset: str) -> str:
    return load_region(REGION).dataset(dataset).title


@pytest.mark.parametrize("kind", ABOUT)
@pytest.mark.parametrize("theme", [SERIES, INDICATOR])
class TestTheTheme:
    def test_it_bears_its_mark_and_says_who_when_and_from_what(self, kind: str, theme: str) -> None:
        dataset = growth() if theme == SERIES else trend()
        other = trend() if theme == SERIES else growth()
        made = report(kind, theme)
        title = "Own growth" if theme == SERIES else "Own trend"
        assert made.theme.title == f"{title} (an analyst’s result)"
        assert f"{title} (an analyst’s result)" in made.documents[0].title
        found = facts(made)
        approval = [text for label, text in found if label == "Approval"]
        assert approval
        assert dataset.publication is not None
        for text in approval:
            assert "This is a result of Ann, published from a notebook on " in text
            assert text.endswith("Nobody has approved it yet.")
        sources = [i for i, (label, _) in enumerate(found) if label == f"{dataset.title} (an analyst’s result)"]
        behind = [i for i, (label, _) in enumerate(found) if label == said_title("ncdot_traffic")]
        first = [i for i in sources if found[i][1].startswith("Ann; published on ")]
        assert first and f"notebook {dataset.publication.notebook_name}; made from " in found[first[0]][1]
        assert said_title("ncdot_traffic") in found[first[0]][1]
        assert first[0] + 1 in behind  # and its producer next
        # The other one is not what the report is about.
        words = all_words(made)
        assert other.title not in words and other.id not in set(made.numbers["what"].str.split(".").str[0])
        assert set(numbers_of(made, theme)["value"].dropna()) == set((GROWTH if theme == SERIES else TREND).values())
        if kind == "brief":
            assert (theme == SERIES) == ("It knows no lorries." in words)

    def test_approved_it_loses_the_mark_and_says_by_whom(self, kind: str, theme: str) -> None:
        approved(growth() if theme == SERIES else trend())
        made = report(kind, theme)
        title = "Own growth" if theme == SERIES else "Own trend"
        assert made.theme.title == title
        approval = [text for label, text in facts(made) if label == "Approval"]
        assert approval and all("Approved by Bea on " in text for text in approval)
        if kind in ("sheet", "atlas"):
            assert figures(made)[title][-1] == "an analyst’s result, approved"

    @pytest.mark.parametrize("code", list(languages()))
    def test_it_compiles_and_reads_in_every_language(self, kind: str, theme: str, code: str) -> None:
        growth() if theme == SERIES else trend()
        mark, _, nobody = WORDS[code]
        made = report(kind, theme, code)
        (document,) = made.documents
        text = "".join(text_of(set_in(code, document)).split())
        for words in (mark, nobody):
            assert "".join(words.split()) in text
        if kind in ("sheet", "atlas"):
            (evidence,) = {row[-1] for row in figures(made).values() if row[0].startswith("Own ")}
            assert evidence == mark
            sheets = [p for p in pages(made) if p.layout == "sheet"]
            assert kind == "atlas" or len(sheets) == 2


@pytest.mark.parametrize("code", list(languages()))
def test_an_approved_one_reads_as_such_in_every_language(code: str) -> None:
    approved(growth()), approved(trend())
    made = report("sheet", "us_counties.land_area_km2", code)
    rows = {row[0]: row[-1] for row in figures(made).values() if row[0].startswith("Own ")}
    assert rows == {"Own growth": WORDS[code][1], "Own trend": WORDS[code][1]}
    text = "".join(text_of(set_in(code, made.documents[0])).split())
    assert "".join(WORDS[code][1].split()) in text
    assert language() == "en"


class TestMany:
    """What an analyst writes and reads has no end, and sheets and maps are one page each."""

    METHOD = "The mean of all days, which says nothing. " * 60

    def made_of_all(self) -> Dataset:
        every = [d.id for d in load_region(REGION).datasets if d.columns]
        assert len(every) > 10
        return approved(growth(method=self.METHOD, inputs=every))

    @pytest.mark.parametrize("orientation", ["portrait", "landscape"])
    def test_they_are_so_many_as_fit(self, orientation: Any) -> None:
        places = fullest(3)
        layer = load_region(REGION).table("us_counties")
        for n in range(4):
            values = by_place({str(i): 1.0 for i in layer.index}, f"own_{n}_percent")
            approved(published(values, title=f"Own growth {n}", inputs=("ncdot_traffic",), notebook=script(f"n{n}.py")))
        asked = Request(REGION, "sheet", places=places, theme="traffic_growth", orientation=orientation,
                        issuer="Office of the County", classification="Internal")  # fmt: skip
        made = make_report(asked)
        with pikepdf.open(io.BytesIO(set_in("en", made.documents[0]))) as pdf:
            assert len(pdf.pages) == len(places)
        assert "Own growth 0" in all_words(made)

    @pytest.mark.parametrize("code", list(languages()))
    @pytest.mark.parametrize("theme", ["traffic_growth", SERIES])
    @pytest.mark.parametrize("kind", ["sheet", "map"])
    def test_they_fit_on_a_page(self, kind: str, theme: str, code: str) -> None:
        self.made_of_all()
        made = report(kind, theme, code)
        with pikepdf.open(io.BytesIO(set_in(code, made.documents[0]))) as pdf:
            assert len(pdf.pages) == (2 if kind == "sheet" else 1)
        told = {text for _, text in facts(made) if text.startswith("The mean of all days")}
        assert len(told) == (theme == SERIES) and all(text.endswith("…") and len(text) < 400 for text in told)

    @pytest.mark.parametrize("kind", ["brief", "atlas"])
    def test_all_of_it_stands_where_there_is_room(self, kind: str) -> None:
        dataset = self.made_of_all()
        found = facts(report(kind, SERIES))
        assert ("Figure", self.METHOD.strip()) in found
        labels = {label for label, _ in found}
        assert dataset.publication is not None
        assert {said_title(one.name) for one in dataset.publication.inputs} <= labels
        (own,) = {text for label, text in found if label == "Own growth" and text.startswith("Ann; ")}
        assert f"made from {len(dataset.publication.inputs)} datasets and files; " in own


class TestBundle:
    def written(self, theme: str, folder: Path) -> tuple[pd.DataFrame, dict[str, Any], str]:
        asked = Request(REGION, "sheet", places=(PLACE,), theme=theme)
        bundle = write_report(asked, folder / "report.pdf", pictures=False)[-1].parent
        manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
        return read_numbers(bundle / NUMBERS), manifest["datasets"], (bundle / "README.txt").read_text("utf-8-sig")

    def test_what_nobody_approved_is_not_in_it(self, tmp_path: Path) -> None:
        growth(), trend()
        numbers, datasets, readme = self.written("traffic_growth", tmp_path)
        assert not numbers["what"].str.startswith("own_").any() and not numbers["datasets"].str.contains("own_").any()
        assert not {"own_growth", "own_trend"} & set(datasets) and "Own " not in readme
        assert PLACE in set(numbers["location_id"])

    def test_what_is_approved_is(self, tmp_path: Path) -> None:
        sums = {d.id: d.sha256 for d in (approved(growth()), approved(trend()))}
        numbers, datasets, readme = self.written("traffic_growth", tmp_path)
        values = numbers[numbers["location_id"] == PLACE].set_index("what")["value"]
        assert (values[SERIES], values[INDICATOR]) == (41.5, 63.5)
        assert {i: datasets[i]["sha256"] for i in sums} == sums
        assert "Own growth: Ann; published on " in readme and "Own trend of traffic: Ann; published on " in readme

    @pytest.mark.parametrize("theme", [SERIES, INDICATOR])
    def test_the_theme_is(self, theme: str, tmp_path: Path) -> None:
        growth(), trend()
        mine, other = ("own_growth", "own_trend") if theme == SERIES else ("own_trend", "own_growth")
        numbers, datasets, readme = self.written(theme, tmp_path)
        printed = numbers[numbers["what"] == theme].set_index("location_id")["value"].dropna()
        assert printed.to_dict() == (GROWTH if theme == SERIES else TREND)
        assert {mine, "ncdot_traffic"} <= set(datasets) and other not in datasets
        assert "(an analyst’s result): Ann; published on " in readme
