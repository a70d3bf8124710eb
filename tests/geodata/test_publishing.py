"""A result becomes a dataset of its region, or is refused in two sentences and nothing is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.catalog import open_catalog
from geodata.dataset import Dataset
from geodata.errors import AlmanacError, BrokenData
from geodata.publication import approve, stale
from geodata.publishing import Attached, publish
from geodata.region import datasets_read, load_region
from geodata.settings import settings
from tests.publications import means, published, script
from tests.world import World, gauges, make_world, panel


@pytest.fixture(autouse=True)
def nothing_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geodata.region._asked", {})


def written(folder: Path) -> dict[str, str]:
    """Every file of the publications with its checksum."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused(call: Callable[[], object], *said: str) -> AlmanacError:
    """Two sentences that say all this, and not a file was changed."""
    before = written(settings().publications)
    with pytest.raises(AlmanacError) as caught:
        call()
    for words in said:
        assert words in str(caught.value), str(caught.value)
    assert caught.value.message.endswith(".") and caught.value.hint.endswith((".", "?"))
    assert written(settings().publications) == before
    return caught.value


def times(n: int, freq: str) -> pd.DatetimeIndex:
    return pd.date_range("2020-03-01", periods=n, freq=freq, tz="UTC", unit="us")


def by_time(at: pd.DatetimeIndex, places: tuple[str, ...] = ("001", "002")) -> pd.DataFrame:
    rows = [(place, time, float(n)) for place in places for n, time in enumerate(at)]
    return pd.DataFrame(rows, columns=["location_id", "time", "flow_m3_per_s"])


def test_one_value_for_each_place(world: World) -> None:
    made = published()
    assert open_catalog()["mean_flow"] is made
    assert (made.id, made.title, made.summary) == ("mean_flow", "Mean flow", "The mean of all days.")
    assert (made.kind, made.step, made.locations, made.region, made.theme) == (
        "panel",
        "once",
        "gauges",
        world.region,
        "water",
    )
    assert made.producer == "Ann" and made.package is None and made.url == ""
    # It speaks of the time of what it was made from.
    assert (made.observed_from, made.observed_to) == (date(2020, 1, 1), date(2020, 1, 30))
    column = made.column("mean_discharge_m3_per_s")
    assert (column.title, column.unit, column.aggregate, column.scale) == ("Mean flow", "m3/s", "none", "sequential")
    assert (column.minimum, column.maximum) == (-np.inf, np.inf)
    table = load_region(world.region).by_place(made)
    assert table["mean_discharge_m3_per_s"].to_dict() == means().to_dict()
    assert made.citation == f"Ann ({made.retrieved.year}). Mean flow. Made with rivers.py."


def test_what_is_kept_of_how_it_came(world: World) -> None:
    made = published()
    told = made.publication
    assert told is not None
    assert (told.author, told.notebook_name, told.kind, told.as_saved) == ("Ann", "rivers.py", "result", True)
    assert told.approved is None and told.approved_by == "" and told.withdrawn is None
    (one,) = told.inputs
    assert (one.name, one.sha256, one.appended, one.file) == (
        "river_daily",
        hashlib.sha256(world.file("river_daily").read_bytes()).hexdigest(),
        0,
        "",
    )
    kept = made.path.with_name("code.py").read_bytes()
    assert kept == b"# %%\nmean = 1\n"
    assert told.code == told.attachments["code.py"] == hashlib.sha256(kept).hexdigest()
    assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
    assert made.path.is_relative_to(settings().publications / "mean_flow" / told.edition)


def test_columns_have_titles_of_their_own(world: World) -> None:
    frame = pd.DataFrame({"low_flow_m3_per_s": means(), "change_percent": [-1.0, 0.0, 2.0], "name": "x"}, means().index)
    made = published(frame, titles={"change_percent": "Change since last year"})
    assert {c.name: c.title for c in made.columns.values()} == {
        "low_flow_m3_per_s": "Low flow",
        "change_percent": "Change since last year",
    }
    # Values on both sides of zero part there.
    assert [c.scale for c in made.columns.values()] == ["sequential", "diverging"]
    assert "name" not in made.load().columns
    refused(lambda: published(frame, titles={"chnge_percent": "x"}), "no column chnge_percent", "low_flow_m3_per_s")


@pytest.mark.parametrize(
    ("freq", "step"),
    [
        ("D", "1 day"),
        ("MS", "1 month"),
        ("h", "1 hour"),
        ("15min", "15 minutes"),
        ("YS", "1 year"),
        ("7D", "irregular"),
    ],
)
def test_the_step_is_found(world: World, freq: str, step: str) -> None:
    at = times(30, freq)
    made = published(by_time(at), id="flow")
    assert made.step == step and not made.timeless
    assert (made.observed_from, made.observed_to) == (at[0].date(), at[-1].date())
    assert made.load()["flow_m3_per_s"].to_list() == [*range(30), *range(30)]


def test_keys_may_be_index_or_columns(world: World) -> None:
    frame = by_time(times(5, "D"))
    shapes: list[pd.Series | pd.DataFrame] = [
        frame,
        frame.set_index(["location_id", "time"]),
        frame.set_index(["time", "location_id"])["flow_m3_per_s"],
        frame.set_index("location_id"),
        frame.sample(frac=1, random_state=1).set_index("time"),
        frame.set_index("location_id", drop=False),
    ]
    before = [shape.copy() for shape in shapes]
    first, *others = [published(shape, title=f"Flow {n}", id=f"flow_{n}").load() for n, shape in enumerate(shapes)]
    assert len(first) == 10
    for other in others:
        pd.testing.assert_frame_equal(other, first)
    for shape, was in zip(shapes, before, strict=True):
        assert shape.equals(was), "what is published stays as it is"


def test_a_layer_adds_its_places_and_alters_none(world: World) -> None:
    # A layer beside the home layer whose id comes late in the alphabet.
    (world.sources / "wells.toml").write_text(
        world.toml("gauges").read_text(encoding="utf-8").replace("River gauges", "Wells"), encoding="utf-8"
    )
    wells = gauges().rename({"001": "w1", "002": "w2", "003": "w3"})
    wells.to_parquet(world.file("wells"))
    world.seal("wells")
    before = load_region(world.region).places()
    layer = gpd.GeoDataFrame(
        {"area_km2": [1.0, 2.0, 3.0], "name": ["A dam", "Not Molino", "Not a well"]},
        index=pd.Index(["dam", "002", "w1"], name="location_id"),
        geometry=[shapely.box(9, 45, 9.1, 45.1), shapely.box(9.1, 45, 9.2, 45.1), shapely.box(9.2, 45, 9.3, 45.1)],
        crs=4326,
    )
    for theme in ("water", "boundaries"):
        made = published(layer.to_crs(32632), title="Catchments", id="a_catchments", theme=theme)
        assert (made.kind, made.locations, made.step) == ("layer", None, "once")
        after = load_region(world.region).places()
        assert set(after.index) - set(before.index) == {"dam"}
        assert after.loc["dam", ["name", "layer"]].to_list() == ["A dam", "a_catchments"]
        assert after.loc[before.index].equals(before), "a place of the region was moved or renamed"
    assert made.load().geometry.loc["dam"].equals_exact(layer.geometry.loc["dam"], 1e-6)
    assert load_region(world.region).bounds() == pytest.approx((9.0, 45.5, 9.7, 45.9))


def test_a_layer_takes_the_names_that_the_region_has(world: World) -> None:
    layer = gpd.GeoDataFrame(
        {"area_km2": [1.0, 2.0], "location_id": ["002", "new"]},
        geometry=gpd.GeoSeries([shapely.Point(9, 45), shapely.Point(9, 46)], crs=4326),
    ).rename_geometry("shape")
    made = published(layer, title="Areas")
    assert made.load()["name"].to_list() == ["Molino", "new"]
    assert list(made.columns) == ["area_km2"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: pd.concat([f, f]), "The result holds|stands twice"),
        (lambda f: f.set_axis(pd.Index([1, 2, 3], name="location_id")), "not text"),
        (lambda f: f.rename_axis(None), "not by location_id"),
        (lambda f: f.set_crs(None, allow_override=True), "no coordinate reference system"),
    ],
)
def test_a_layer_that_breaks_its_contract(world: World, change: Callable[[Any], Any], said: str) -> None:
    layer = gauges()[["geometry"]].assign(area_km2=1.0)
    error = refused(lambda: published(change(layer), title="Areas"))
    assert any(words in str(error) for words in said.split("|"))


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (means().rename({"002": "999"}), ("“999” is none of Two Valleys", "1 of 3 are not")),
        (means().rename("mean"), ("“mean” carries no known unit",)),
        (means().astype(str), ("mean_discharge_m3_per_s of the result holds", "not numbers")),
        (means() * np.nan, ("holds not one value",)),
        (means().replace(8.0, np.inf), ("1 values of mean_discharge_m3_per_s are infinite",)),
        (means() > 8, ("not numbers",)),
        (means().iloc[:0], ("holds not one value",)),
        (means().rename_axis("place"), ("no location_id",)),
        (pd.concat([means(), means()]), ("The place 001 comes 2 times, and the result has no column time",)),
        (pd.DataFrame(index=means().index), ("holds not one value",)),
        (by_time(times(3, "D")).iloc[:0], ("holds not one value",)),
        (by_time(times(3, "D").tz_localize(None)), ("not moments in UTC",)),
        (by_time(times(3, "D").tz_convert("Europe/Rome")), ("not moments in UTC",)),
        (by_time(times(3, "D")).assign(time="2020-01-01"), ("not moments in UTC",)),
        (by_time(times(3, "D")).assign(time=pd.NaT), ("not moments in UTC",)),
        (by_time(times(3, "D")).replace(times(3, "D")[1], pd.NaT), ("2 rows have no time",)),
    ],
    ids=lambda given: "" if isinstance(given, tuple) else None,
)
def test_what_cannot_be_published(world: World, result: Any, said: tuple[str, ...]) -> None:
    published(means())
    refused(lambda: published(result), *said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"theme": "wter"}, "theme is “wter”"),
        ({"theme": "basemap"}, "is a basemap"),
        ({"observed": (date(2020, 1, 2), date(2020, 1, 1))}, "observed from 2020-01-02 to 2020-01-01"),
        ({"flaws": [3]}, "flaws holds int"),
        ({"region": "two_valley"}, "two_valley"),
        ({"inputs": ("river_dialy",)}, "Did you mean “river_daily”?"),
        ({"id": "Mean Flow"}, "“Mean Flow” cannot be the id of a dataset"),
        ({"id": "../up"}, "“../up” cannot be the id of a dataset"),
        ({"id": "river_daily"}, "There is already a dataset “river_daily”, by The tests."),
        ({"inputs": ()}, "has read no data of a region"),
        ({"inputs": (), "region": "two_valleys"}, "not known of which time"),
        ({"inputs": (), "region": "two_valleys", "observed": (date(2020, 1, 1),) * 2}, "not known what this result is"),
        ({"files": ("nowhere.csv",)}, "nowhere.csv that the result could have been made from"),
        ({"notebook": None}, "not known from which notebook"),
        ({"notebook": "nowhere.ipynb"}, "nowhere.ipynb holds no code"),
        ({"attached": Attached("result", {"../evil.toml": b""})}, "“../evil.toml”"),
        ({"attached": Attached("result", {"/tmp/evil": b""})}, "“/tmp/evil”"),
        ({"attached": Attached("result", {"..": b""})}, "“..”"),
    ],
)
def test_what_is_said_of_it_must_make_sense(world: World, given: dict[str, Any], said: str) -> None:
    """Also where an earlier edition would be lost to it."""
    first = published()
    refused(lambda: published(means(9.0), **given), said)
    assert open_catalog()["mean_flow"] == first


def test_days_may_be_moments(world: World) -> None:
    made = published(observed=(pd.Timestamp("2020-01-05"), pd.Timestamp("2020-01-07 12:00")))
    assert (made.observed_from, made.observed_to) == (date(2020, 1, 5), date(2020, 1, 7))
    assert made.load()["time"].unique().tolist() == [pd.Timestamp("2020-01-05", tz="UTC")]


def test_places_of_two_layers_are_published_apart(world: World) -> None:
    text = world.toml("gauges").read_text(encoding="utf-8").replace("River gauges", "Wells")
    (world.sources / "wells.toml").write_text(text, encoding="utf-8")
    gauges().rename({"001": "w1", "002": "w2", "003": "w3"}).to_parquet(world.file("wells"))
    world.seal("wells")
    values = pd.concat([means(), means().rename({"001": "w1", "002": "w2", "003": "w3"})])
    refused(lambda: published(values), "No one layer of Two Valleys has all 6 places")
    assert published(values.iloc[3:]).locations == "wells"


def test_what_was_read_says_where_it_belongs(world: World) -> None:
    def own() -> Dataset:
        return publish(means(), title="Mean flow", method="Mean.", author="Ann", notebook=script())

    refused(own, "This notebook has read no data of a region.", "add region=")
    region = load_region(world.region)
    region.places(), region.bounds(), region.rows("river_daily"), region.base()
    assert datasets_read() == ()
    region.table("river_daily")
    region.layer_of(region.dataset("river_daily"))
    assert [d.id for d in datasets_read()] == ["river_daily", "gauges"]
    made = own()
    assert made.publication is not None
    assert [one.name for one in made.publication.inputs] == ["river_daily", "gauges"]
    # Looking at what was published does not make it its own source.
    load_region(world.region).by_place(made)
    again = own()
    assert again.publication is not None
    assert [one.name for one in again.publication.inputs] == ["river_daily", "gauges"]
    # Another result that rests on it does name it.
    other = publish(means(1.0), title="Other", method="Twice.", author="Ann", notebook=script("other.py"))
    assert other.publication is not None
    assert [one.name for one in other.publication.inputs] == ["river_daily", "gauges", "mean_flow"]


def test_data_of_two_regions(world: World) -> None:
    second = make_world(world.sources.parent / "second", "other_valley")
    names = {"river_daily": "other_daily", "gauges": "other_gauges", "valley_base": "other_base"}
    (world.regions / "other_valley").mkdir()
    region = (second.regions / "other_valley" / "region.toml").read_text(encoding="utf-8")
    for old, new in names.items():
        region = region.replace(old, new)
        text = (
            second.toml(old).read_text(encoding="utf-8").replace('locations = "gauges"', 'locations = "other_gauges"')
        )
        (world.sources / f"{new}.toml").write_text(text, encoding="utf-8")
        (world.regions / "other_valley" / f"{new}.parquet").write_bytes(second.file(old).read_bytes())
    (world.regions / "other_valley" / "region.toml").write_text(region, encoding="utf-8")
    both = ("river_daily", "other_daily")
    refused(lambda: published(inputs=both), "several regions (two_valleys, other_valley)", "add region=")
    made = published(inputs=both, region="other_valley")
    assert (made.region, made.locations) == ("other_valley", "other_gauges")
    assert made.publication is not None and [one.name for one in made.publication.inputs] == list(both)
    assert published(inputs=both, region=load_region(world.region), id="here").region == world.region


def test_a_title_in_chinese_has_an_id(world: World) -> None:
    first, second = published(title="平均流量"), published(title="最大流量")
    assert first.title == "平均流量" and first.id.startswith("result_") and first.id != second.id
    assert published(title="平均流量").id == first.id
    assert published(title="  Débit d’été, 95 %  ").id == "debit_dete_95"
    assert published(title="Été", id="summer").title == "Été"


def test_published_again_it_takes_the_place_of_its_earlier_edition(world: World) -> None:
    first = published()
    approve(settings().publications, first, "Bea")
    second = published(means(9.0), notebook=script(code="mean = 2\n"))
    assert first.publication is not None and second.publication is not None
    assert second.publication.edition != first.publication.edition
    assert second.publication.approved is None and second.publication.approved_by == ""
    assert [d.id for d in load_region(world.region).published] == ["mean_flow"]
    assert load_region(world.region).by_place(second)["mean_discharge_m3_per_s"].iloc[0] == 9.0
    # What the earlier one was stays known.
    assert first.load()["mean_discharge_m3_per_s"].iloc[0] == 8.0
    assert "Bea" in first.path.with_name("dataset.toml").read_text(encoding="utf-8")


def test_two_editions_of_one_second_are_two(world: World) -> None:
    editions = {published(method=f"Way {n}.").path for n in range(3)}
    assert len(editions) == 3


def test_another_notebook_cannot_replace_it(world: World) -> None:
    published()
    refused(lambda: published(notebook=script("others.py")), "There is already a dataset “mean_flow”, by Ann.")


def test_the_id_of_a_dataset_that_is_broken_is_taken_too(world: World) -> None:
    world.replace("river_daily", "producer =", "producre =")
    refused(lambda: published(inputs=("gauges",), id="river_daily", theme="water"), "producre")


def test_a_folder_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, blocked = script(), world.sources.parent / "blocked"
    blocked.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("ALMANAC_PUBLICATIONS", str(blocked / "publications"))
    settings.cache_clear()
    error = refused(lambda: published(notebook=mine), f"cannot be written to {blocked}")
    assert "ALMANAC_PUBLICATIONS" in error.hint


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_a_disk_that_is_full_leaves_the_earlier_edition(
    world: World, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Table, code, the edition's own description and the one that counts: whichever of the four cannot be written."""
    from geodata import publication

    first, whole, calls = published(), publication.write_whole, []

    def full(path: Path, content: bytes) -> Path:
        calls.append(path)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        return whole(path, content)

    monkeypatch.setattr(publication, "write_whole", full)
    with pytest.raises(AlmanacError, match="no space left on device"):
        published(means(9.0))
    assert len(calls) == failing
    assert open_catalog()["mean_flow"] == first
    assert open_catalog()["mean_flow"].load()["mean_discharge_m3_per_s"].iloc[0] == 8.0
    monkeypatch.setattr(publication, "write_whole", whole)
    assert published(means(9.0)).load()["mean_discharge_m3_per_s"].iloc[0] == 9.0


def test_own_files_are_inputs(world: World) -> None:
    own = world.sources.parent / "pumping.csv"
    own.write_text("a,b\n", encoding="utf-8")
    made = published(files=[own])
    assert made.publication is not None
    one = made.publication.inputs[-1]
    assert (one.name, one.sha256, one.file) == ("pumping.csv", hashlib.sha256(b"a,b\n").hexdigest(), str(own))
    assert stale(made.publication, open_catalog()) == ()


def test_who_publishes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMANAC_AUTHOR", "The water desk")
    settings.cache_clear()
    assert published(author=None).producer == "The water desk"
    assert published().producer == "Ann"
    monkeypatch.delenv("ALMANAC_AUTHOR")
    settings.cache_clear()
    monkeypatch.setattr("geodata.publishing.getuser", lambda: "u1000")
    assert published(author=None).producer == "u1000"

    def nobody() -> str:
        raise OSError("no user")

    monkeypatch.setattr("geodata.publishing.getuser", nobody)
    refused(lambda: published(author=None), "not known who publishes", "ALMANAC_AUTHOR")


def test_nobody_gives_a_licence_but_the_analyst(world: World) -> None:
    world.replace("river_daily", 'licence = "not stated"', 'licence = "CC BY 4.0"')
    assert published().licence == "not stated"
    assert published(licence="CC BY-SA 4.0").licence == "CC BY-SA 4.0"


def test_a_title_is_no_other_datasets(world: World) -> None:
    refused(
        lambda: published(title="Daily river flow", id="mine"), "“Daily river flow” is already the title", "a title of"
    )
    published()
    refused(
        lambda: published(id="another"), "“Mean flow” is already the title of a dataset by Ann", "a title of its own"
    )
    assert published(means(9.0)).publication.replaces  # type: ignore[union-attr]
    refused(lambda: published(title="x" * 121), "The title has 121 signs", "Shorten it to 120")
    refused(lambda: published(title=" "), "has no title, or nothing says how", "Fill title and method")
    refused(lambda: published(method=""), "has no title, or nothing says how", "Fill title and method")
    refused(lambda: published([1.0, 2.0]), "is a list, not a table", "Hand over a Series")


def test_an_earlier_approval_is_remembered_and_does_not_hold(world: World) -> None:
    approve(settings().publications, published(), "Bea")
    made = published(means(9.0)).publication
    assert made is not None and made.approved is None and made.earlier_approved_by == "Bea"


def test_ids_that_lost_their_zeros_are_named(world: World) -> None:
    lost = means().rename(index={"001": "1", "002": "2", "003": "3"})
    refused(lambda: published(lost), "The place “1” is none of Two Valleys, but “001” is", "Read the ids as text")


def test_text_of_any_kind_comes_back(world: World) -> None:
    title = 'Quote " back\\slash \'\'\' """ {brace} é 流 \t tab'
    made = published(title=title, id="odd", method="Line one.\nLine two.", flaws=["a = [1]", "# none"])
    assert (made.title, made.summary, made.flaws) == (title, "Line one.\nLine two.", ("a = [1]", "# none"))


def test_what_is_published_is_no_longer_what_was_handed_in(world: World) -> None:
    """Changed after publishing, the frame of the notebook is not what everyone sees."""
    frame = panel()[["location_id", "time", "discharge_m3_per_s"]]
    made = published(frame, title="Flow", id="flow")
    frame["discharge_m3_per_s"] = -1.0
    assert (made.load()["discharge_m3_per_s"].dropna() > 0).all()
    with pytest.raises(BrokenData, match="numbers"):
        published(panel().assign(discharge_m3_per_s="much"), title="Flow", id="flow")
