"""What was published is found whole, told when it is out of date, decided about, and never takes anything down."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geodata.catalog import open_catalog
from geodata.dataset import Dataset
from geodata.described import read_toml
from geodata.errors import AlmanacError, BrokenData
from geodata.publication import Changed, Publication, approve, attachment, stale, withdraw
from geodata.region import load_region
from geodata.settings import settings
from geodata.store import Store
from tests.publications import means, published, script
from tests.world import World, panel

# The editions that one process publishes while another reads.
EDITIONS = 12


@pytest.fixture(autouse=True)
def nothing_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a process has read counts as it was then, also what other tests have.
    monkeypatch.setattr("geodata.region._asked", {})


def folder() -> Path:
    return settings().publications


def description(dataset: str = "mean_flow") -> Path:
    return folder() / f"{dataset}.toml"


def rewritten(old: str, new: str, dataset: str = "mean_flow", to: str | None = None) -> Path:
    """The description with one text changed, as someone could write it by hand."""
    text = description(dataset).read_text(encoding="utf-8")
    assert old in text
    path = description(to or dataset)
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def told(dataset: Dataset) -> Publication:
    assert dataset.publication is not None
    return dataset.publication


def changed(dataset: str = "mean_flow") -> tuple[Changed, ...]:
    catalog = open_catalog()
    return stale(told(catalog[dataset]), catalog)


def everything_works(world: World) -> None:
    """The bundled data are as if nobody had published anything."""
    catalog, region = open_catalog(), load_region(world.region)
    assert {"river_daily", "gauges", "valley_base"} <= set(catalog)
    assert all(catalog[name].publication is None for name in ("river_daily", "gauges", "valley_base"))
    assert region.table("river_daily")["discharge_m3_per_s"].equals(panel()["discharge_m3_per_s"])
    assert list(region.places().index[:3]) == ["001", "002", "003"]
    assert region.places().loc["001", "name"] == "Ponte Alto"
    assert catalog.search("flow")
    assert len(region.base()) == 1
    for dataset in region.published:
        catalog.search(dataset.title)


def test_it_is_told_apart_from_observations(world: World) -> None:
    made = published()
    region = load_region(world.region)
    assert region.published == (made,)
    assert made in region.datasets and made in region.mappable()
    assert next(d.id for d in open_catalog().search("Mean flow")) == "mean_flow"


@pytest.mark.parametrize("name", ["..", "../x", "/etc", "a/b", "a\\\\b", "", ".hidden", "a b"])
def test_an_edition_cannot_lead_elsewhere(world: World, name: str) -> None:
    made = published()
    rewritten(f'edition = "{told(made).edition}"', f'edition = "{name}"')
    assert "mean_flow" not in open_catalog()
    (error,) = open_catalog().broken.values()
    assert "mean_flow.toml names the file" in error.message
    everything_works(world)


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "..", "a/../b"])
def test_an_attachment_cannot_lead_elsewhere(world: World, name: str) -> None:
    made = published()
    secret = folder().parent / "secret"
    secret.write_bytes(made.path.with_name("code.py").read_bytes())
    rewritten('"code.py"', f'"{name}"')
    assert "mean_flow" not in open_catalog()
    assert f"“{name}”" in str(open_catalog().broken["publications/mean_flow"])
    with pytest.raises(BrokenData, match="is absent or not the one"):
        attachment(made, name)
    everything_works(world)


@pytest.mark.parametrize("bundled", ["river_daily", "gauges", "valley_base"])
def test_the_id_of_a_bundled_dataset_stays_its_own(world: World, bundled: str) -> None:
    published()
    description().rename(description(bundled))
    everything_works(world)
    assert "id of another dataset" in str(open_catalog().broken[f"publications/{bundled}"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('locations = "gauges"', 'locations = "nowhere"', "lies on a layer that is not there"),
        ('locations = "gauges"', 'locations = "river_daily"', "lies on a layer that is not there"),
        ('locations = "gauges"', 'locations = "mean_flow"', "lies on a layer that is not there"),
        ('locations = "gauges"', 'locations = "valley_base"', "lies on a layer that is not there"),
        ('region = "two_valleys"', 'region = "elsewhere"', "lies on a layer that is not there"),
        ('region = "two_valleys"', 'region = "../elsewhere"', "names no usable region"),
        ('theme = "water"', 'theme = "basemap"', "is a basemap"),
        ('theme = "water"', 'theme = "magic"', "theme is “magic”"),
        ("title = ", "titel = ", "unknown key “titel”"),
        ("title = ", "title = = ", "is not valid TOML"),
        ("title = ", "deep = " + "[" * 50_000 + "\ntitle = ", "is not valid TOML"),
        ("[publication]", "[publicity]", "publication lacks the key “author”"),
        ('author = "Ann"', "author = 3", "author holds int"),
        ("published = 2", 'published = "soon" # 2', "published holds str"),
        ("[[publication.inputs]]", "[[publication.outputs]]", "unknown key “outputs”"),
        ('unit = "m3/s"', 'unit = "mm"', "says its unit is “mm”"),
        ("minimum = -inf", "minimum = nan", "plausible limits"),
        ("as_saved = true", 'as_saved = true\nwithdrawn_buy = "x"', "unknown key “withdrawn_buy”"),
        ("observed_from = 2020-01-01", "observed_from = 2021-01-01", "observed from 2021-01-01 to 2020-01-30"),
    ],
)
def test_a_broken_description_takes_nothing_down(world: World, old: str, new: str, said: str) -> None:
    published(title="Good one")
    published(observed=None, notebook=script("b.py"))
    rewritten(old, new)
    everything_works(world)
    assert said in str(open_catalog().broken["publications/mean_flow"])
    assert "mean_flow" not in open_catalog() and "good_one" in open_catalog()


def test_what_is_no_description_takes_nothing_down(world: World) -> None:
    folder().mkdir(parents=True)
    (folder() / "a_folder.toml").mkdir()
    (folder() / "Bad Name.toml").write_text("title = 1", encoding="utf-8")
    (folder() / "bytes.toml").write_bytes(b"\xff\xfe")
    everything_works(world)
    assert set(open_catalog().broken) == {f"publications/{name}" for name in ("a_folder", "Bad Name", "bytes")}


def test_a_damaged_table_is_told_of_and_takes_nothing_down(world: World) -> None:
    made = published()
    for content in (b"", b"not parquet", made.path.read_bytes()[:-9]):
        made.path.write_bytes(content)
        with pytest.raises(BrokenData, match="is not the file that") as caught:
            load_region(world.region).by_place(open_catalog()["mean_flow"])
        assert caught.value.hint == "Publish it again from its notebook, or withdraw it."
        everything_works(world)
    made.path.unlink()
    with pytest.raises(BrokenData, match="is absent") as caught:
        open_catalog()["mean_flow"].load()
    assert "make regions" not in caught.value.hint
    everything_works(world)
    # It can be published anew, or withdrawn as it is.
    assert len(published().load()) == 3
    open_catalog()["mean_flow"].path.unlink()
    assert withdraw(folder(), open_catalog()["mean_flow"], "Bea", "wrong").is_file()


@pytest.mark.parametrize("spoil", ["garbage", "without names", "absent"])
def test_a_damaged_layer_takes_no_place_away(world: World, spoil: str) -> None:
    index = pd.Index(["dam"], name="location_id")
    layer = gpd.GeoDataFrame({"area_km2": [1.0]}, index=index, geometry=[shapely.Point(9, 45)], crs=4326)
    made = published(layer, title="Dams")
    assert list(made.load().index) == ["dam"]
    if spoil == "absent":
        made.path.unlink()
    else:
        if spoil == "garbage":
            made.path.write_bytes(b"PAR1 no PAR1")
        else:
            layer.to_parquet(made.path)
        # Sealed by hand, so that only the content is at fault.
        rewritten(made.sha256, hashlib.sha256(made.path.read_bytes()).hexdigest(), "dams")
    everything_works(world)
    assert "dam" not in load_region(world.region).places().index


def test_an_attachment_is_the_one_that_was_published(world: World) -> None:
    made = published()
    assert attachment(made, "code.py") == b"# %%\nmean = 1\n"
    made.path.with_name("code.py").write_bytes(b"import os\n")
    for name in ("code.py", "dataset.toml", "mean_flow.parquet", "none.txt"):
        with pytest.raises(BrokenData, match="of the publication mean_flow is absent or not the one"):
            attachment(made, name)
    with pytest.raises(AlmanacError, match="river_daily was not published from a notebook"):
        attachment(open_catalog()["river_daily"], "code.py")


def test_nothing_has_changed(world: World) -> None:
    published()
    assert changed() == ()


def test_an_input_that_changed(world: World) -> None:
    published(inputs=("river_daily", "gauges"))
    table = panel()
    table.loc[0, "discharge_m3_per_s"] = 2.0
    table.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    assert changed() == (Changed("river_daily", "other"),)


def test_observations_that_were_appended(world: World) -> None:
    published()
    more = panel().drop(columns="discharge_flag").assign(time=lambda t: t["time"] + pd.Timedelta(days=30))
    Store(settings().observations).append("river_daily", more)
    assert changed() == (Changed("river_daily", "other"),)
    # Published from what there is now, it is up to date again.
    assert stale(told(published(means(9.0))), open_catalog()) == ()


def test_an_input_that_is_gone(world: World) -> None:
    text = world.toml("river_daily").read_text(encoding="utf-8")
    (world.sources / "river_twice.toml").write_text(text, encoding="utf-8")
    world.file("river_twice").write_bytes(world.file("river_daily").read_bytes())
    published(inputs=("river_twice", "river_daily"))
    world.toml("river_twice").unlink()
    assert changed() == (Changed("river_twice", "gone"),)


def test_a_result_of_a_result(world: World) -> None:
    first = published()
    published(means(1.0), title="Second", inputs=("mean_flow", "river_daily"), notebook=script("b.py"))
    assert changed("second") == ()
    approve(folder(), first, "Bea")
    assert changed("second") == (), "an approval changes no number"
    again = published(means(9.0))
    assert changed("second") == (Changed("mean_flow", "other"),)
    withdraw(folder(), again, "Bea", "wrong")
    assert changed("second") == (Changed("mean_flow", "gone"),)


def test_a_file_of_the_analysts_own(world: World) -> None:
    own = folder().parent / "own.csv"
    own.write_text("1\n", encoding="utf-8")
    published(files=[own])
    assert changed() == ()
    own.write_text("2\n", encoding="utf-8")
    assert changed() == (Changed("own.csv", "other"),)
    # Another machine has not this file, and knows nothing against the result.
    own.unlink()
    assert changed() == ()
    own.mkdir()
    assert changed() == ()


def test_a_file_that_this_reader_may_not_see_counts_as_absent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder().parent / "own.csv"
    own.write_text("1\n", encoding="utf-8")
    published(files=[own])
    own.write_text("other\n", encoding="utf-8")
    usual = os.stat

    def closed(path: object, *args: object, **options: object) -> os.stat_result:
        if str(path) == str(own):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return usual(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", closed)
    assert changed() == ()


def test_a_file_whose_path_cannot_be_one_counts_as_absent(world: World) -> None:
    own = folder().parent / "own.csv"
    own.write_text("1\n", encoding="utf-8")
    published(files=[own])
    for path in ("\\u0000", "/dev/zero", "x" * 5000):
        made = open_catalog()["mean_flow"]
        rewritten(f'file = "{told(made).inputs[-1].file}"', f'file = "{path}"')
        assert changed() == (), path
        published(files=[own])


def test_approving_needs_a_name_and_is_kept(world: World) -> None:
    made = published()
    for nobody in ("", "  "):
        with pytest.raises(AlmanacError, match="Nobody is named who decides this"):
            approve(folder(), made, nobody)
    assert told(open_catalog()["mean_flow"]).approved is None
    before = datetime.now(UTC).replace(microsecond=0)
    approved = approve(folder(), made, "  Bea ")
    assert open_catalog()["mean_flow"] == approved
    now = told(approved)
    assert now.approved_by == "Bea" and now.approved is not None and before <= now.approved <= datetime.now(UTC)
    # Nothing else was changed by it.
    assert dataclasses.replace(now, approved_by="", approved=None) == told(made)
    assert approved.load().equals(made.load())


def test_withdrawing_needs_a_name_and_is_kept(world: World) -> None:
    made = approve(folder(), published(), "Bea")
    with pytest.raises(AlmanacError, match="Nobody is named who decides this"):
        withdraw(folder(), made, " ", "wrong")
    assert "mean_flow" in open_catalog()
    before = datetime.now(UTC).replace(microsecond=0)
    record = withdraw(folder(), made, "Cem", " The gauge was broken. ")
    assert "mean_flow" not in open_catalog() and not open_catalog().broken
    assert load_region(world.region).published == ()
    assert record == folder() / "withdrawn" / f"mean_flow-{told(made).edition}.toml"
    kept = read_toml(record)
    assert kept["title"] == "Mean flow"
    of = kept["publication"]
    assert (of["withdrawn_by"], of["reason"], of["approved_by"]) == ("Cem", "The gauge was broken.", "Bea")
    assert before <= of["withdrawn"] <= datetime.now(UTC)
    assert made.path.is_file() and made.path.with_name("code.py").is_file()


def test_after_a_withdrawal_anyone_can_publish_under_its_id(world: World) -> None:
    withdraw(folder(), published(), "Bea", "wrong")
    again = published(means(9.0), notebook=script("others.py"))
    assert again.id == "mean_flow" and told(again).withdrawn is None
    withdraw(folder(), again, "Bea", "wrong again")
    assert len(list((folder() / "withdrawn").iterdir())) == 2


def test_what_nobody_has_looked_at_is_not_decided(world: World) -> None:
    seen = published()
    published(means(9.0))
    for decide in (lambda: approve(folder(), seen, "Bea"), lambda: withdraw(folder(), seen, "Bea", "wrong")):
        with pytest.raises(AlmanacError, match="was published anew or withdrawn in the meantime"):
            decide()
    assert told(open_catalog()["mean_flow"]).approved is None
    newest = open_catalog()["mean_flow"]
    withdraw(folder(), newest, "Bea", "wrong")
    with pytest.raises(AlmanacError, match="was published anew or withdrawn in the meantime"):
        approve(folder(), newest, "Bea")
    assert "mean_flow" not in open_catalog()


def test_an_edition_with_the_same_values_is_another_one_too(world: World) -> None:
    seen = published(method="What was seen.")
    published(method="What nobody has seen.")
    with pytest.raises(AlmanacError, match="published anew"):
        approve(folder(), seen, "Bea")
    assert open_catalog()["mean_flow"].summary == "What nobody has seen."


def test_what_was_not_published_is_not_decided(world: World) -> None:
    bundled = open_catalog()["river_daily"]
    for decide in (lambda: approve(folder(), bundled, "Bea"), lambda: withdraw(folder(), bundled, "Bea", "wrong")):
        with pytest.raises(AlmanacError, match="river_daily was not published from a notebook"):
            decide()
    everything_works(world)


def test_a_decision_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = published()

    def full(path: Path, content: bytes) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("geodata.publication.write_whole", full)
    for decide in (lambda: approve(folder(), made, "Bea"), lambda: withdraw(folder(), made, "Bea", "wrong")):
        with pytest.raises(AlmanacError, match="no space left on device"):
            decide()
    assert open_catalog()["mean_flow"] == made


def test_a_reader_finds_one_edition_or_the_other(world: World) -> None:
    """Each edition holds one number at all places: a half one would hold two, or break its checksum."""
    published(means() * 0)
    reading = (
        "import sys\n"
        "from geodata.catalog import open_catalog\n"
        "seen = set()\n"
        "print('reading', flush=True)\n"
        f"while max(seen, default=0) < {EDITIONS}:\n"
        "    catalog = open_catalog()\n"
        "    assert not catalog.broken, catalog.broken\n"
        "    found = catalog['mean_flow']\n"
        "    values = set(found.load()['mean_discharge_m3_per_s'])\n"
        "    assert len(values) == 1, values\n"
        "    assert found.summary == f'Edition {int(*values)}.' or values == {0.0}, found.summary\n"
        "    seen |= values\n"
        "print(len(seen))\n"
    )
    root = str(Path(__file__).parents[2])
    reader = subprocess.Popen(
        [sys.executable, "-c", reading], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    for n in range(1, EDITIONS + 1):
        assert told(published(means() * 0 + n, method=f"Edition {n}.")).approved is None
    said, wrong = reader.communicate(timeout=300)
    assert reader.returncode == 0, wrong
    # At least the one before and the last one.
    assert 1 <= int(said) <= EDITIONS + 1


def test_one_that_is_withdrawn_while_the_catalogue_is_opened(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    published()
    usual = Path.glob

    def before_it_went(path: Path, pattern: str) -> list[Path]:
        found = list(usual(path, pattern))
        return [*found, folder() / "just_withdrawn.toml"] if path == folder() else found

    monkeypatch.setattr(Path, "glob", before_it_went)
    assert "mean_flow" in open_catalog()
