"""Indicators with their evidence: of any table in one line, and of every place of a region."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from analytics import INDICATORS
from analytics.measure import COLUMNS, TABLE, measure, measured, provisional_codes, table_of, uses
from analytics.standard import standards
from geodata.errors import BrokenData, UnknownName
from geodata.region import Region, load_region
from tests.world import DATASET_TOML, World

FLOW = "discharge_m3_per_s"
SPEI = "standardized_precipitation_evapotranspiration_index"
REASONS = {"", "values", "years", "completeness", "constant", "negative", "tidal", "undefined"}
MILLIMETRES_TOML = """
[columns.{name}]
title = "{name}"
unit = "mm"
source = "x"
minimum = 0.0
maximum = 1000.0
aggregate = "sum"
scale = "sequential"
"""


@pytest.fixture(scope="module")
def atlantic() -> Region:
    return load_region("mid_atlantic")


def twelve_years(*places: str) -> pd.DataFrame:
    """Daily flow from 2009 to 2020, made up: a wave through the year, noise and a level for each place."""
    days = pd.date_range("2009-01-01", "2020-12-31", freq="D", tz="UTC", unit="us")
    rng = np.random.default_rng(5)
    wave = 2 + np.cos(days.day_of_year.to_numpy() / 58.1)
    values = np.concatenate([(n + 1) * wave * rng.gamma(9, 1 / 9, len(days)) for n in range(len(places))])
    return pd.DataFrame(
        {
            "location_id": pd.Series(np.repeat(places, len(days)), dtype="str"),
            "time": days.append([days] * (len(places) - 1)),
            FLOW: values,
            "discharge_flag": pd.Series("A", range(len(values)), dtype="category").cat.add_categories("P"),
        }
    )


def write(world: World, table: pd.DataFrame, dataset: str = "river_daily") -> Region:
    table.sort_values(["location_id", "time"]).to_parquet(world.file(dataset), index=False)
    world.seal(dataset)
    return load_region(world.region)


def describe(world: World, dataset: str, columns: str, *, kind: str = "panel", step: str = "1 month") -> None:
    text = DATASET_TOML.format(
        title=dataset, summary="Made.", region=world.region, theme="weather", kind=kind,
        locations='locations = "gauges"\n' if kind == "panel" else "",
        step=step, sha256="", zeros="0" * 64, columns=columns,
    )  # fmt: skip
    world.toml(dataset).write_text(text, encoding="utf-8")


class TestAnyTable:
    def test_one_line_gives_the_number_and_what_it_rests_on(self) -> None:
        table = twelve_years("a", "b")
        table.loc[table["location_id"] == "b", FLOW] = np.nan
        before = table.copy(deep=True)
        found = measure("flashiness", table)
        pd.testing.assert_frame_equal(table, before)
        told = [*(c for c in COLUMNS if c != "provisional"), "reason", "unit", "authority", "edition", "evidence"]
        assert list(found.columns) == told
        assert found.loc["b", ["unit", "edition"]].tolist() == ["1", "2004"]
        flow = table.loc[table["location_id"] == "a", FLOW].to_numpy()
        assert found.at["a", "value"] == pytest.approx(np.abs(np.diff(flow)).sum() / flow[1:].sum())
        assert found.loc["a", ["n", "completeness", "reason"]].tolist() == [4383, 1.0, ""]
        assert found.at["a", "observed_from"] == pd.Timestamp("2009-01-01")
        assert found.at["a", "observed_to"] == pd.Timestamp("2020-12-31")
        assert np.isnan(found.at["b", "value"])
        assert found.loc["b", ["n", "completeness", "reason"]].tolist() == [0, 0.0, "values"]

    def test_parameters_reach_the_indicator(self) -> None:
        table = twelve_years("a")
        late = table["time"].dt.year >= 2011
        table.loc[~late, FLOW] = 1e6
        whole = measure("streamflow_percentile", table).at["a", "value"]
        recent = measure("streamflow_percentile", table, reference=(2011, 2020)).at["a", "value"]
        alone = measure("streamflow_percentile", table[late]).at["a", "value"]
        assert recent == pytest.approx(alone)
        assert recent != pytest.approx(whole)

    def test_tidal_places_are_named_or_refused(self) -> None:
        table = twelve_years("a", "b")
        table.loc[3, FLOW] = -1.0
        with pytest.raises(BrokenData, match="first a"):
            measure("streamflow_percentile", table)
        found = measure("streamflow_percentile", table, tidal=("a",))
        assert found["value"].notna().all() and (found["reason"] == "").all()

    def test_a_value_that_the_formula_lacks_is_undefined_not_zero(self) -> None:
        table = twelve_years("a")
        once = measure("fdc_slope", table.assign(**{FLOW: np.where(table.index == 7, 1.0, 0.0)}))
        assert np.isnan(once.at["a", "value"])
        assert once.loc["a", ["n", "reason"]].tolist() == [4383, "undefined"]
        never = measure("flashiness", table.assign(**{FLOW: 0.0}))
        assert np.isnan(never.at["a", "value"]) and never.at["a", "reason"] == "constant"

    def test_no_rows_no_places(self) -> None:
        for name in ("flashiness", "streamflow_percentile"):
            assert measure(name, twelve_years("a").iloc[:0]).empty

    def test_a_layer(self) -> None:
        site = gpd.GeoDataFrame(
            {"velocity_up_mm_per_year": [-9.0, np.nan], "uncertainty_up_mm_per_year": [1.0, 1.0]},
            index=pd.Index(["s", "t"], name="location_id"),
            geometry=[shapely.Point(9, 45), shapely.Point(9, 46)],
            crs=4326,
        )
        found = measure("vertical_velocity", site)
        assert found.at["s", "value"] == -9
        assert found.at["s", "low"] < -9 < found.at["s", "high"]
        assert found["n"].tolist() == [1, 0] and found["reason"].tolist() == ["", "values"]

    @pytest.mark.parametrize("name", ["flashines", "flashiness ", "Flashiness"])
    def test_a_near_miss_is_named(self, name: str) -> None:
        with pytest.raises(UnknownName, match="Did you mean “flashiness”"):
            measure(name, twelve_years("a"))

    def test_what_is_near_nothing_lists_what_there_is(self) -> None:
        with pytest.raises(UnknownName) as told:
            INDICATORS["qqqqqqqqqqqqqqqq"]
        assert "flashiness" in str(told.value)


class TestWhichDataset:
    def test_a_place_in_two_datasets_is_measured_in_the_longer(self, atlantic: Region) -> None:
        short = atlantic.table("usgs_discharge_2017")
        long = atlantic.table("usgs_discharge_shenandoah")
        both = set(short["location_id"]) & set(long["location_id"])
        assert "01632000" in both
        for name in ("flashiness", "low_flow_q95", "streamflow_percentile"):
            table = measured(atlantic, name).table
            assert table.index.is_unique
            assert set(table.loc[sorted(both), "dataset"]) == {"usgs_discharge_shenandoah"}
            assert table.at["01632000", "n"] == long.loc[long["location_id"] == "01632000", FLOW].notna().sum()
        alone = measure("flashiness", long).loc["01632000"]
        assert measured(atlantic, "flashiness").values["01632000"] == alone["value"]

    def test_every_place_of_every_dataset_is_there_with_a_value_or_a_reason(self, atlantic: Region) -> None:
        use = uses(atlantic)["flashiness"]
        places = {p for d in use.datasets for p in atlantic.table(d.id)["location_id"].unique()}
        table = measured(atlantic, "flashiness").table
        assert set(table.index) == places
        assert set(table["reason"]) <= REASONS
        assert ((table["reason"] == "") == table["value"].notna()).all()

    def test_a_value_from_the_shorter_one_beats_none_from_the_longer(self, world: World) -> None:
        long = twelve_years("001", "002")
        # At one of them every other day is missing: more values than in a year, yet not enough for a number.
        long.loc[(long["location_id"] == "001") & (long.index % 2 == 0), FLOW] = np.nan
        # Observed a day later, so the second to be asked.
        text = world.toml("river_daily").read_text("utf-8")
        later = text.replace("observed_from = 2020-01-01", "observed_from = 2020-01-02")
        world.toml("river_short").write_text(later, encoding="utf-8")
        short = twelve_years("001")
        short = short[short["time"].dt.year == 2020]
        write(world, short, "river_short")
        found = measured(write(world, long), "flashiness")
        assert [d.id for d in found.use.datasets] == ["river_daily", "river_short"]
        # A home place without any row is a gap in what we see.
        assert found.table["dataset"].to_dict() == {"001": "river_short", "002": "river_daily", "003": ""}
        assert found.table["n"].to_dict() == {"001": 366, "002": 4383, "003": 0}

    def test_columns_of_two_datasets_are_joined(self, world: World) -> None:
        months = pd.date_range("1985-01-01", "2020-12-01", freq="MS", tz="UTC", unit="us")
        rng = np.random.default_rng(7)
        parts = {}
        for name, places in (("precipitation_mm", ("001", "002")), ("evaporation_mm", ("001", "003"))):
            parts[name] = pd.DataFrame(
                {
                    "location_id": pd.Series(np.repeat(places, len(months)), dtype="str"),
                    "time": months.append(months),
                    name: rng.gamma(4, 20, 2 * len(months)),
                }
            )
            dataset = f"made_{name.partition('_')[0]}"
            describe(world, dataset, MILLIMETRES_TOML.format(name=name))
            write(world, parts[name], dataset)
        found = measured(load_region(world.region), SPEI)
        assert found.use.together
        joined = parts["precipitation_mm"].merge(parts["evaporation_mm"], on=["location_id", "time"])
        assert found.values["001"] == pytest.approx(measure(SPEI, joined).at["001", "value"])
        assert found.table["reason"].to_dict() == {"001": "", "002": "values", "003": "values"}
        assert found.table["n"].to_dict() == {"001": 432, "002": 0, "003": 0}
        assert set(found.table.at["001", "dataset"].split()) == {"made_precipitation", "made_evaporation"}

    def test_a_layer_is_dated_by_its_dataset(self) -> None:
        region = load_region("california_ground")
        found = measured(region, "vertical_velocity")
        dataset = region.dataset("california_ground_sites")
        assert found.use.locations == dataset.id
        assert (found.table["observed_to"] == pd.Timestamp(dataset.observed_to)).all()
        assert found.table["provisional"].isna().all()
        layer = region.table(dataset.id)
        assert found.known == layer[["velocity_up_mm_per_year", "uncertainty_up_mm_per_year"]].notna().all(axis=1).sum()

    def test_without_data_for_it(self, atlantic: Region) -> None:
        with pytest.raises(UnknownName, match=r"vertical_velocity.*velocity_up_mm_per_year"):
            measured(atlantic, "vertical_velocity")


class TestNegatives:
    def test_real_tides_are_withheld_from_what_cannot_bear_them(self, atlantic: Region) -> None:
        panel = atlantic.table("usgs_discharge_2017")
        tidal = sorted(panel.loc[panel[FLOW] < 0, "location_id"].unique())
        assert len(tidal) == 2
        table = measured(atlantic, "flashiness").table
        assert (table.loc[tidal, "reason"] == "tidal").all() and table.loc[tidal, "value"].isna().all()
        assert (table.loc[tidal, "n"] == 365).all()
        assert set(table.index[table["reason"] == "tidal"]) == set(tidal)

    def test_where_the_source_allows_them_it_is_the_tide(self, world: World) -> None:
        table = twelve_years("001", "002")
        table.loc[5, FLOW] = -3.0
        world.replace("river_daily", "minimum = 0.0", "minimum = -200.0")
        region = write(world, table)
        assert not INDICATORS["flashiness"].tidal and INDICATORS["streamflow_percentile"].tidal
        assert measured(region, "flashiness").table["reason"].to_dict() == {"001": "tidal", "002": "", "003": "values"}
        percentile = measured(region, "streamflow_percentile").table.drop(index="003")
        assert (percentile["reason"] == "").all()
        assert (
            percentile.at["001", "value"] == measure("streamflow_percentile", table, tidal=("001",)).at["001", "value"]
        )

    def test_where_it_rules_them_out_the_place_is_withheld_and_the_others_stay(self, world: World) -> None:
        table = twelve_years("001", "002", "003")
        alone = measure("flashiness", table)["value"]
        table.loc[5, FLOW] = -3.0
        region = write(world, table)
        for name in ("flashiness", "streamflow_percentile"):
            found = measured(region, name).table
            assert found["reason"].to_dict() == {"001": "negative", "002": "", "003": ""}
            assert np.isnan(found.at["001", "value"])
            assert found.loc["001", ["n", "completeness"]].tolist() == [4383, 1.0]
        assert measured(region, "flashiness").values[["002", "003"]].tolist() == alone[["002", "003"]].tolist()

    def test_where_every_place_is_withheld(self, world: World) -> None:
        table = twelve_years("001", "002").assign(**{FLOW: -1.0})
        region = write(world, table)
        for name in uses(region):
            assert set(measured(region, name).table["reason"].drop("003")) == {"negative"}, name


class TestProvisional:
    def test_the_share_is_of_the_values_there_are(self, world: World) -> None:
        table = twelve_years("001", "002")
        table.loc[:999, FLOW] = np.nan
        table.loc[:1999, "discharge_flag"] = "P"
        found = measured(write(world, table), "low_flow_q95").table
        assert found["provisional"].dropna().to_dict() == {"001": pytest.approx(1000 / 3383), "002": 0.0}

    def test_the_producer_s_words_decide(self, atlantic: Region) -> None:
        column = atlantic.dataset("usgs_discharge_2017").column(FLOW)
        assert provisional_codes(column) == ["P", "P,e", "P,Eqp"]
        panel = atlantic.table("usgs_discharge_2017")
        panel = panel[panel[FLOW].notna()]
        wanted = panel["discharge_flag"].isin(["P", "P,e", "P,Eqp"]).groupby(panel["location_id"].astype(str)).mean()
        table = measured(atlantic, "flashiness").table
        found = table.loc[table["dataset"] == "usgs_discharge_2017", "provisional"]
        assert ((found > 0) & (found < 1)).any()
        assert found.to_dict() == wanted[found.index].to_dict()

    def test_without_qualifiers_nothing_is_claimed(self, atlantic: Region) -> None:
        assert measured(atlantic, "traffic_growth").table["provisional"].isna().all()


def test_a_reference_is_kept_only_where_something_is_fitted(atlantic: Region) -> None:
    assert measured(atlantic, "flashiness", reference=(1991, 2020)).reference is None
    fitted = measured(atlantic, "streamflow_percentile", reference=(1991, 2020))
    assert fitted.reference == (1991, 2020)
    whole = measured(atlantic, "streamflow_percentile").values
    assert (fitted.values["01632000"] == whole["01632000"]) and not fitted.values.equals(whole)


class TestTableOf:
    def test_the_promised_columns_stand_first(self, atlantic: Region) -> None:
        promised = "indicator,location_id,value,unit,class,standard,n,completeness,observed_from,observed_to,evidence"
        table = table_of(atlantic, domain="water")
        assert list(table.columns[:11]) == promised.split(",")
        assert list(table.columns) == list(TABLE)
        assert not table.duplicated(["indicator", "location_id"]).any()
        assert list(table["indicator"].unique()) == list(uses(atlantic, "water"))
        assert {INDICATORS[i].domain for i in table["indicator"].unique()} == {"water"}
        units = table.groupby("indicator")["unit"].agg(set)
        assert all(units[i] == {INDICATORS[i].canonical_unit.code} for i in units.index)

    def test_missing_is_missing_and_has_neither_class_nor_zero(self, atlantic: Region) -> None:
        table = table_of(atlantic, domain="water")
        without = table[table["value"].isna()]
        assert len(without) and without["class"].isna().all() and (without["reason"] != "").all()
        assert (table.loc[table["value"].notna(), "reason"] == "").all()
        classed = table[table["standard"].notna() & table["value"].notna()]
        assert len(classed) and classed["class"].notna().all()

    def test_a_standard_leaves_what_it_has_classes_for(self, atlantic: Region) -> None:
        for name in ("gb_t_20481_2017", "usgs_waterwatch"):
            table = table_of(atlantic, standard_id=name)
            standard = standards()[name]
            assert set(table["standard"]) == {name}
            assert set(table["indicator"]) == set(standard.classes) & set(uses(atlantic))
            for i, rows in table.groupby("indicator"):
                assert set(rows["class"].dropna()) <= set(standard.classes[str(i)].labels)

    def test_each_wears_its_own_first_standard(self, atlantic: Region) -> None:
        table = table_of(atlantic, domain="water")
        rows = table[table["indicator"] == "standardized_precipitation_index"]
        assert set(rows["standard"]) == {INDICATORS["standardized_precipitation_index"].standard}
        assert table.loc[table["indicator"] == "flashiness", "standard"].isna().all()

    def test_unknown_standards_and_empty_domains(self, atlantic: Region) -> None:
        with pytest.raises(UnknownName, match="Did you mean “usgs_nwd”"):
            table_of(atlantic, standard_id="usgs_nwdd")
        empty = table_of(atlantic, domain="ground_motion")
        assert empty.empty and list(empty.columns) == list(TABLE)
