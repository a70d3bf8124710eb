from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
import shapely

from geodata.catalog import Catalog, open_catalog
from geodata.errors import AlmanacError, BrokenData, UnknownName
from geodata.settings import settings
from geodata.store import Store
from tests.world import World, gauges, panel


def test_every_description_is_read_in_order_of_theme_and_title(world: World) -> None:
    catalog = open_catalog()
    assert list(catalog) == ["river_daily", "gauges", "valley_base"]
    assert not catalog.broken
    assert catalog["river_daily"].path == world.file("river_daily")
    assert [d.id for d in catalog.of_region(world.region)] == list(catalog)
    assert catalog.of_region("elsewhere") == []


def test_the_catalogue_is_kept_until_a_description_changes(world: World) -> None:
    first = open_catalog()
    assert open_catalog() is first
    assert hash(first) == hash(open_catalog())
    world.replace("river_daily", "Daily river flow", "Another title")
    assert open_catalog()["river_daily"].title == "Another title"
    world.toml("gauges").unlink()
    assert "gauges" not in open_catalog()


def test_a_panel_and_a_layer_are_loaded(world: World) -> None:
    catalog = open_catalog()
    pd.testing.assert_frame_equal(pd.DataFrame(catalog["river_daily"].load()), panel())
    layer = catalog["gauges"].load()
    assert layer.index.tolist() == ["001", "002", "003"]
    assert layer.crs.to_epsg() == 4326


def test_a_series_is_found_by_its_name(world: World) -> None:
    dataset, column = open_catalog().series("river_daily.discharge_m3_per_s")
    assert (dataset.id, column.title, column.canonical_unit.symbol) == ("river_daily", "Discharge", "m³/s")
    assert column.flags == {"A": "Approved", "P": "Provisional"}


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("river_dialy.discharge_m3_per_s", "river_daily"),
        ("river_daily.dischrge_m3_per_s", "discharge_m3_per_s"),
        ("zzz", "Choose one of the 3"),
        ("", "Choose one of the 3"),
        ("river_daily", "Choose one of the 1"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(world: World, asked: str, near: str) -> None:
    with pytest.raises(UnknownName, match="There is no") as caught:
        open_catalog().series(asked)
    assert near in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('producer = "The tests"\n', "", "lacks the key “producer”"),
        ("producer =", "producre =", "unknown key “producre”"),
        ('theme = "water"', 'theme = "magic"', "theme is “magic”"),
        ('step = "1 day"', 'step = "1 week"', "step is “1 week”"),
        ('unit = "m3/s"', 'unit = "l/s"', "says its unit is “l/s”, its name says “m3/s”"),
        ("minimum = 0.0", "minimum = 200.0", "plausible limits of discharge_m3_per_s are 200.0 to 100.0"),
        ("minimum = 0.0", "minimum = nan", "plausible limits"),
        ("observed_to = 2020-01-30", "observed_to = 2019-01-30", "observed from 2020-01-01 to 2019-01-30"),
        ("[columns.discharge_m3_per_s", "[columns.discharge", "no known unit"),
        ('region = "two_valleys"', 'region = "../../etc"', "names no usable region"),
        ('region = "two_valleys"\n', "", "names no usable region"),
        ('title = "Daily', "title = Daily", "not valid TOML"),
        ('name = "nothing"\n', "", "package lacks the key “name”"),
        ('registry = "PyPI"', 'registry = "CRAN"', "registry is “CRAN”"),
    ],
)
def test_a_broken_description_is_named_and_leaves_the_others(world: World, old: str, new: str, said: str) -> None:
    world.replace("river_daily", old, new)
    catalog = open_catalog()
    assert list(catalog) == ["gauges", "valley_base"]
    assert said in catalog.broken["river_daily"].message
    with pytest.raises(BrokenData) as caught:
        catalog["river_daily"]
    assert caught.value.hint


def test_a_file_name_that_is_no_id_is_told(world: World) -> None:
    world.toml("river_daily").rename(world.sources / "River Daily.toml")
    assert "not a usable id" in open_catalog().broken["River Daily"].message


def spoil_layer(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[World], None]:
    return lambda w: change(gauges()).to_parquet(w.file("gauges"))


def spoil_panel(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[World], None]:
    return lambda w: change(panel()).to_parquet(w.file("river_daily"), index=False)


BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
BROKEN_FILES: list[tuple[str, str, Callable[[World], object]]] = [
    ("gauges", "no coordinate reference system", spoil_layer(lambda g: g.set_crs(None, allow_override=True))),
    ("gauges", "3 geometries are invalid", spoil_layer(lambda g: g.set_geometry([BOW_TIE] * 3))),
    ("gauges", "cannot be read as a layer", spoil_layer(lambda g: pd.DataFrame(g.drop(columns="geometry")))),
    ("gauges", "not by location_id", spoil_layer(lambda g: g.rename_axis("id"))),
    ("river_daily", "repeat a location and time", spoil_panel(lambda p: pd.concat([p, p]))),
    ("river_daily", "not moments in UTC", spoil_panel(lambda p: p.assign(time=p["time"].dt.tz_localize(None)))),
    (
        "river_daily",
        "no column discharge_m3_per_s",
        spoil_panel(lambda p: p.rename(columns={"discharge_m3_per_s": "dischrge_m3_per_s"})),
    ),
    ("river_daily", "cannot be read as a panel", lambda w: w.file("river_daily").write_bytes(b"PAR1 not")),
    ("river_daily", "cannot be read as a panel", lambda w: w.file("river_daily").write_bytes(b"")),
]


@pytest.mark.parametrize(("dataset", "said", "spoil"), BROKEN_FILES)
def test_a_file_that_breaks_its_contract_is_refused(
    world: World, dataset: str, said: str, spoil: Callable[[World], object]
) -> None:
    spoil(world)
    world.seal(dataset)
    with pytest.raises(BrokenData, match=said) as caught:
        open_catalog()[dataset].load()
    assert caught.value.hint


def test_another_file_than_the_one_described_is_refused(world: World) -> None:
    spoil_panel(lambda p: p.iloc[1:])(world)
    with pytest.raises(BrokenData, match="checksum begins with"):
        open_catalog()["river_daily"].load()
    world.file("river_daily").unlink()
    with pytest.raises(BrokenData, match="is absent"):
        open_catalog()["river_daily"].load()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["river_daily", "gauges", "valley_base"]),
        ("   ", ["river_daily", "gauges", "valley_base"]),
        ("daily flow", ["river_daily"]),
        ("dischrage", ["river_daily"]),
        ("discharge_m3_per_s", ["river_daily"]),
        ("molino", ["gauges", "river_daily"]),
        ("磨坊", ["gauges", "river_daily"]),
        ("water carry", ["river_daily"]),
        ("two valleys land", ["valley_base"]),
        ("xyzzy", []),
        ("ALL' OR 1=1 --", []),
    ],
)
def test_search(world: World, text: str, found: list[str]) -> None:
    hits = [d.id for d in open_catalog().search(text)]
    assert hits[: len(found)] == found if found else not hits
    if not text.strip():
        assert hits == found


def test_places_are_those_with_data(world: World) -> None:
    panel().query("location_id != '002'").to_parquet(world.file("river_daily"), index=False)
    world.replace("river_daily", 'title = "Daily river flow"', 'title = "Daily flow"')
    assert [d.id for d in open_catalog().search("molino")] == ["gauges"]


def test_search_within_a_region_and_in_other_words(world: World) -> None:
    catalog = open_catalog()
    assert catalog.search("flow", region="elsewhere") == []
    assert catalog.search("河流") == []
    assert [d.id for d in catalog.search("河流", also={"river_daily": ("每日河流流量",)})] == ["river_daily"]


def test_search_goes_on_where_a_file_is_gone(world: World) -> None:
    world.file("river_daily").unlink()
    world.file("gauges").write_bytes(b"nonsense")
    (world.regions / world.region / "region.toml").write_text("broken = ", encoding="utf-8")
    assert [d.id for d in open_catalog().search("flow")] == ["river_daily"]


def test_an_empty_catalogue_says_so_without_a_crash() -> None:
    catalog = Catalog({}, {})
    assert catalog.search("anything") == []
    with pytest.raises(AlmanacError, match="no dataset “x”"):
        catalog["x"]


def test_appended_observations_join_the_bundled_ones_at_once_and_win(world: World) -> None:
    before = open_catalog()["river_daily"].load()
    row = {"location_id": ["002", "002"], "discharge_m3_per_s": [3.5, 4.5]}
    new = pd.DataFrame({**row, "time": pd.to_datetime(["2020-01-30", "2020-01-31"], utc=True)})
    Store(settings().observations).append("river_daily", new)
    after = open_catalog()["river_daily"].load()
    assert len(after) == len(before) + 1
    mine = after[after["location_id"] == "002"].set_index("time")["discharge_m3_per_s"]
    assert mine["2020-01-30"] == 3.5  # it was 1000 in the bundled file
    assert mine["2020-01-31"] == 4.5
    assert after[["location_id", "time"]].equals(after[["location_id", "time"]].sort_values(["location_id", "time"]))
