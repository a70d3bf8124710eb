"""An indicator or what-if of a notebook is published by one call: proven on its golden case, or not at all."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

import tests.golden
from analytics.golden_case import found_by
from analytics.indicator import INDICATORS
from analytics.measure import indicator_of, measured, measures_anew, uses
from analytics.publishing import publish_scenario
from analytics.scenario import Change, Scenario, read_scenario
from app.cli import main
from app.indicator_words import short_title
from app.text import use_language
from geodata.catalog import open_catalog
from geodata.errors import AlmanacError
from geodata.publication import approve, attachment
from geodata.region import load_region
from geodata.settings import settings
from tests.publications import means, script
from tests.world import World, make_world, panel

ROOT = Path(__file__).parents[2]
IMPORTS = """import json
from pathlib import Path

import numpy as np
import pandas as pd

from analytics import GoldenCase, publish_indicator
from analytics.indicator import INDICATORS, Minimum, indicator
from analytics.measure import measured
from analytics.record import read
from geodata import AlmanacError, load_region
from geodata.settings import settings

LEAST = Minimum(values=10)
told = {}"""
CASE = """days = pd.date_range("2020-01-01", periods=21, freq="D", tz="UTC")
given = pd.concat(
    [
        pd.DataFrame({"location_id": "01", "time": days, "discharge_m3_per_s": np.arange(1.0, 22.0)}),
        pd.DataFrame({"location_id": "short", "time": days[:5], "discharge_m3_per_s": 1.0}),
    ]
)


def golden(middle):
    return GoldenCase(
        given,
        pd.Series({"01": middle, "short": np.nan}),
        grade="by_hand",
        source="Counted by hand: the middle of 1 to 21",
        how="The eleventh of 21 values is 11.",
        tolerance_reason="Whole numbers are exact.",
    )


def tried(name, middle=11.0, to=None):
    try:
        made = publish_indicator(name, golden(middle), region="two_valleys", author="Ann", to=to)
        told[name] = [dataset.id for dataset in made]
    except AlmanacError as error:
        told[name] = str(error)
    folder = settings().publications
    told[f"files of {name}"] = len([p for p in folder.rglob("*") if p.is_file()])"""
INDICATOR = '''@indicator(
    code="W99",
    domain="water",
    unit="m3_per_s",
    formula="median(Q)",
    needs=("discharge_m3_per_s",),
    steps=("1 day",),
    better="neither",
    minimum=LEAST,
    authority="The tests",
    edition="2026",
    reference="https://example.org",
    caveat="It says nothing of floods.",
    undefined="It never flows.",
)
def {name}(panel):
    """{title}: half of the days have less."""
    {body}'''
MEDIAN = """record = read(panel, "discharge_m3_per_s", minimum=LEAST)
    return record.series(middle(record["discharge_m3_per_s"]), "usual_flow")"""


def of(name: str, body: str, title: str = "Other") -> str:
    return INDICATOR.format(name=name, title=title, body=body)


CELLS = [
    IMPORTS,
    CASE,
    "def middle(days):\n    return np.nanmedian(days, axis=1)",
    "elsewhere = load_region('two_valleys').table('river_daily')",
    of("not_alone", "return elsewhere.groupby('location_id')['discharge_m3_per_s'].median()"),
    "tried('not_alone')",
    of("too_late", "raise ValueError('no rivers today')"),
    "tried('too_late')",
    of("usual_flow", MEDIAN, "Usual flow"),
    "tried('usual_flow', middle=12.0)\ntold['missed'] = told.pop('usual_flow')",
    "tried('usual_flow', to=Path(settings().publications).parent / 'project')",
    "found = measured(load_region('two_valleys'), 'usual_flow').values\n"
    "told['values'] = found.astype(object).where(found.notna(), None).to_dict()\nprint(json.dumps(told))",
]


class Made:
    """What a notebook has published, in a folder of its own.

    told : what it was told of each attempt, and how many files there were after it
    """

    def __init__(self, world: World, told: dict[str, Any]) -> None:
        self.world, self.told = world, told
        self.folder = world.sources.parent
        self.project = self.folder / "project"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """One kernel for all: it takes seconds to start."""
    world = make_world(tmp_path_factory.mktemp("notebook"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALMANAC_SOURCES", str(world.sources))
        patch.setenv("ALMANAC_REGIONS", str(world.regions))
        patch.setenv("ALMANAC_REGION", world.region)
        patch.setenv("ALMANAC_OBSERVATIONS", str(world.sources.parent / "observations"))
        patch.setenv("ALMANAC_PUBLICATIONS", str(world.sources.parent / "publications"))
        patch.setenv("JPY_SESSION_NAME", str(world.sources.parent / "usual.ipynb"))
        patch.setenv("PYTHONPATH", str(ROOT))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
        nbformat.write(notebook, world.sources.parent / "usual.ipynb")
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
        settings.cache_clear()
        printed = "".join(o.text for o in notebook.cells[-1].outputs if o.get("name") == "stdout")
        yield Made(world, json.loads(printed))
        settings.cache_clear()


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("geodata.region._asked", {})
    use_language("en")
    measures_anew()
    yield
    measures_anew()


@pytest.mark.slow
def test_what_is_not_proven_is_not_published(ran: Made) -> None:
    told = ran.told
    assert "elsewhere" in told["not_alone"], told["not_alone"]
    assert "does not run on its golden case outside of the notebook: ValueError: no rivers today" in told["too_late"]
    assert told["missed"].startswith("At 01 the golden case expects value 12, and the indicator gives 11.")
    assert told["files of not_alone"] == told["files of too_late"] == 0


@pytest.mark.slow
def test_one_call_puts_an_indicator_on_its_page(ran: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran.told["usual_flow"] == ["usual_flow"]
    region = load_region("two_valleys")
    assert list(INDICATORS).count("usual_flow") == 0, "nothing of the notebook is run here"
    # The middle of 1 to 15, of 10 to 12.9 with one wild value, and of 5 to 7.9 by tenths.
    expected = {"001": 8.0, "002": 11.45, "003": 6.45}
    found = measured(region, "usual_flow")
    assert found.values.to_dict() == pytest.approx(expected)
    assert found.values.to_dict() == ran.told["values"]
    assert found.table.loc["001", "n"] == 15 and found.use.indicator.code == "W99"
    assert main(["indicators", "two_valleys", "--json"]) == 0
    rows = [row for row in json.loads(capsys.readouterr().out) if row["indicator"] == "usual_flow"]
    assert {row["location_id"]: row["value"] for row in rows} == pytest.approx(expected)
    assert {row["evidence"] for row in rows} == {"by_hand"}
    made = open_catalog()["usual_flow"]
    assert (made.title, made.theme, made.locations, made.producer) == ("Usual flow", "water", "gauges", "Ann")
    assert made.summary == "Half of the days have less. median(Q). It says nothing of floods."
    assert made.publication is not None
    assert (made.publication.kind, made.publication.as_saved) == ("indicator", True)
    assert {one.name for one in made.publication.inputs} == {"river_daily", "gauges"}
    assert made.publication.notebook_name == "usual.ipynb"


@pytest.mark.slow
def test_its_files_are_in_the_projects_own_form(ran: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ran.project / "analytics" / "indicators" / "usual_flow.py"
    case = ran.project / "tests" / "golden" / "usual_flow_by_hand"
    made = open_catalog()["usual_flow"]
    assert {path.name for path in case.iterdir()} == {"case.toml", "input.csv", "expected.csv"}
    for path in (module, *case.iterdir()):
        assert attachment(made, path.name) == path.read_bytes()
    text = module.read_text(encoding="utf-8")
    assert text.startswith('"""Usual flow: half of the days have less.')
    assert "def middle(" in text and "publish_indicator" not in text and "elsewhere" not in text
    monkeypatch.setattr(tests.golden, "FOLDER", ran.project / "tests" / "golden")
    (read,) = tests.golden.cases()
    assert (read.indicator, read.grade) == ("usual_flow", "by_hand")
    assert read.expected()["value"].to_dict() == {"01": 11.0, "short": pytest.approx(np.nan, nan_ok=True)}
    # Run as the project's own, the module gives what the case expects.
    names: dict[str, Any] = {}
    monkeypatch.setattr("analytics.indicator.INDICATORS", type(INDICATORS)())
    exec(compile(text, str(module), "exec"), names)
    found = found_by(names["usual_flow"], case)
    assert found["value"].to_dict() == {"01": 11.0, "short": pytest.approx(np.nan, nan_ok=True)}


@pytest.mark.slow
def test_it_is_marked_until_it_is_approved(ran: Made) -> None:
    region = load_region("two_valleys")
    assert short_title(indicator_of(region, "usual_flow")) == "Usual flow (an analyst’s result)"
    assert uses(region)["usual_flow"].indicator.evidence.grade == "by_hand"
    approve(settings().publications, open_catalog()["usual_flow"], "Bea")
    assert short_title(indicator_of(load_region("two_valleys"), "usual_flow")) == "Usual flow"


def dry(**changed: Any) -> Scenario:
    usual: dict[str, Any] = {
        "id": "a_dry_spring",
        "title": "A dry spring",
        "why": "Such as in 2003.",
        "source": "The tests",
        "changes": (Change("discharge_m3_per_s", multiply=0.5, months=(3, 4)),),
    }
    return Scenario(**{**usual, **changed})


def spring() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "location_id": ["001", "001", "002"],
            "time": pd.to_datetime(["2020-02-29", "2020-03-01", "2020-04-30"], utc=True),
            "discharge_m3_per_s": [4.0, 4.0, np.nan],
        }
    )


def after() -> pd.DataFrame:
    return spring().assign(discharge_m3_per_s=[4.0, 2.0, np.nan])


def put(case: tuple[pd.DataFrame, pd.DataFrame], **details: Any) -> Any:
    usual = {"title": "Flow of a dry spring", "method": "Half of it.", "inputs": ("river_daily",), "author": "Ann"}
    return publish_scenario(dry(), means(), case, notebook=script(), **{**usual, **details})


def test_a_what_if_is_published_with_its_case(world: World) -> None:
    project = world.sources.parent / "project"
    made = put((spring(), after()), to=project)
    assert made.publication.kind == "scenario"
    assert set(made.publication.attachments) == {"code.py", "a_dry_spring.toml", "before.csv", "after.csv"}
    exported = project / "analytics" / "scenarios" / "a_dry_spring.toml"
    assert read_scenario(exported) == dry()
    assert tomllib.loads(attachment(made, "a_dry_spring.toml").decode())["why"] == "Such as in 2003."
    golden = project / "tests" / "scenarios" / "a_dry_spring"
    for name in ("before.csv", "after.csv"):
        assert (golden / name).read_bytes() == attachment(made, name)
    back = pd.read_csv(golden / "after.csv", dtype={"location_id": str})
    assert back["location_id"].to_list() == ["001", "001", "002"]
    assert back["discharge_m3_per_s"].to_list() == [4.0, 2.0, pytest.approx(np.nan, nan_ok=True)]
    assert load_region(world.region).by_place(made).iloc[0, -1] == 8.0


@pytest.mark.parametrize(
    "wrong",
    [
        after().assign(discharge_m3_per_s=[2.0, 2.0, np.nan]),
        after().assign(discharge_m3_per_s=[4.0, 2.0, 0.0]),
        after().iloc[:2],
        after().drop(columns="discharge_m3_per_s"),
    ],
    ids=["a value", "missing made zero", "a row less", "no column"],
)
def test_a_what_if_that_misses_its_case_is_not_published(world: World, wrong: pd.DataFrame) -> None:
    project = world.sources.parent / "project"
    with pytest.raises(AlmanacError, match="does not make of its golden case what is expected"):
        put((spring(), wrong), to=project)
    assert not settings().publications.exists() and not project.exists()


def test_a_what_if_belongs_where_it_says(world: World) -> None:
    assert put((spring(), after()), region=world.region).region == world.region
    with pytest.raises(AlmanacError, match="There is no region “elsewhere”"):
        publish_scenario(
            dry(region="elsewhere"), means(), (spring(), after()),
            title="x", method="y", inputs=("river_daily",), author="Ann", notebook=script(),
        )  # fmt: skip


def test_a_folder_of_the_project_that_cannot_be_written_is_told(world: World) -> None:
    blocked = world.sources.parent / "blocked"
    blocked.write_text("a file", encoding="utf-8")
    with pytest.raises(AlmanacError, match=f"The files cannot be written to {blocked}"):
        put((spring(), after()), to=blocked)


@pytest.mark.slow
def test_the_notebook_of_the_project_publishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebook 08 with PUBLISH = True, as an analyst would set it, on the region's own rain."""
    path = tmp_path / "08_adding_an_indicator.ipynb"
    notebook = nbformat.read(ROOT / "notebooks" / path.name, as_version=4)
    (parameters,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    assert "PUBLISH = False" in parameters.source
    parameters.source = parameters.source.replace("PUBLISH = False", "PUBLISH = True")
    nbformat.write(notebook, path)
    for of_another_region in ("SOURCES", "REGIONS", "REGION", "OBSERVATIONS"):
        monkeypatch.delenv(f"ALMANAC_{of_another_region}", raising=False)
    monkeypatch.setenv("ALMANAC_PUBLICATIONS", str(tmp_path / "publications"))
    monkeypatch.setenv("ALMANAC_AUTHOR", "Ann")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    settings.cache_clear()
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    try:
        made = open_catalog()["rain_concentration"]
        assert made.publication is not None and made.publication.as_saved and made.producer == "Ann"
        region = load_region("mid_atlantic")
        found = measured(region, "rain_concentration")
        assert found.known == len(found.values) > 0
        # Equal rain in every month is 100/12, all of it in one month 100.
        assert found.values.between(100 / 12, 100).all()
        # The formula itself, on the years of one place, without anything of the notebook.
        rain = region.table("nclimdiv_precipitation")
        place = found.values.index[0]
        mine = rain[rain["location_id"] == place].set_index("time")["precipitation_mm"]
        years = mine.groupby(mine.index.year)
        yearly = years.agg(lambda months: 100 * (months**2).sum() / months.sum() ** 2)[years.count() == 12]
        assert found.values[place] == pytest.approx(yearly.mean())
        assert short_title(found.indicator).endswith("(an analyst’s result)")
    finally:
        settings.cache_clear()


def test_the_made_region_is_what_these_numbers_come_from() -> None:
    medians = panel().groupby("location_id")["discharge_m3_per_s"].median()
    assert medians.to_dict() == pytest.approx({"001": 8.0, "002": 11.45, "003": 6.45})
