"""A panel read into matrices: what is accepted, what is refused in which words, what is withheld for which reason."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import analytics.record
from analytics.indicator import Minimum
from analytics.record import each_enough, ratio, read, read_rows, refuse_parameter, require
from geodata.errors import AlmanacError, BrokenData

FLOW = "discharge_m3_per_s"
ANY = Minimum()


def panel(times: pd.DatetimeIndex | list[str], *places: str, values: list[float] | None = None) -> pd.DataFrame:
    """A panel with the same times at every place; without values they are 0, 1, 2 …"""
    places = places or ("a",)
    moments = pd.DatetimeIndex(pd.to_datetime(times, utc=True, format="mixed")).as_unit("us")
    n = len(moments) * len(places)
    return pd.DataFrame(
        {
            "location_id": pd.Series(np.repeat(places, len(moments)), dtype="str"),
            "time": moments.append([moments] * (len(places) - 1)),
            FLOW: np.arange(n, dtype=float) if values is None else values,
        }
    )


def days(n: int, start: str = "2020-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=n, freq="D", tz="UTC", unit="us")


def refused(table: pd.DataFrame, *words: str, **options: Any) -> None:
    with pytest.raises(BrokenData) as told:
        read(table, FLOW, **({"minimum": ANY} | options))
    assert "{" not in str(told.value)
    assert told.value.message.endswith(".") and told.value.hint.endswith(".")
    for word in words:
        assert word in str(told.value), str(told.value)


class TestSteps:
    @pytest.mark.parametrize(
        ("freq", "start", "step"),
        [
            ("D", "2020-02-27", "1 day"),
            ("h", "2020-01-01 05:00", "1 hour"),
            ("15min", "2020-01-01 05:15", "15 minutes"),
            ("5min", "2020-01-01 05:05", "5 minutes"),
            ("MS", "2019-11-01", "1 month"),
            ("YS", "1999-01-01", "1 year"),
            ("7min", "2020-01-01", "irregular"),
        ],
    )
    def test_the_step_is_found_and_every_step_has_its_value(self, freq: str, start: str, step: str) -> None:
        times = pd.date_range(start, periods=30, freq=freq, tz="UTC")
        record = read(panel(times, "a", "b"), FLOW, minimum=ANY)
        assert record.step == step
        assert list(record.times) == list(times.tz_localize(None))
        assert record[FLOW].tolist() == [list(range(30)), list(range(30, 60))]

    def test_absent_steps_are_missing_and_none_is_moved(self) -> None:
        times = days(10).delete([3, 4, 8])
        record = read(panel(times, values=list(range(7))), FLOW, minimum=ANY)
        assert record.step == "1 day" and len(record.times) == 10
        np.testing.assert_array_equal(record[FLOW][0], [0, 1, 2, np.nan, np.nan, 3, 4, 5, np.nan, 6])
        row = record.evidence.loc["a"]
        assert (row["n"], row["completeness"]) == (7, 0.7)
        assert row["observed_from"] == pd.Timestamp("2020-01-01") and row["observed_to"] == pd.Timestamp("2020-01-10")

    def test_absent_months_and_years_too(self) -> None:
        months = read(panel(["2019-11-01", "2020-02-01", "2020-03-01"]), FLOW, minimum=ANY)
        np.testing.assert_array_equal(months[FLOW][0], [0, np.nan, np.nan, 1, 2])
        assert list(months.times.strftime("%Y-%m")) == ["2019-11", "2019-12", "2020-01", "2020-02", "2020-03"]
        years = read(panel(["1969-01-01", "1972-01-01"]), FLOW, minimum=ANY)
        assert years.step == "1 year"
        np.testing.assert_array_equal(years[FLOW][0], [0, np.nan, np.nan, 1])

    def test_januaries_alone_are_months_where_months_are_wanted_and_days_where_days_are(self) -> None:
        table = panel(["2019-01-01", "2021-01-01"])
        assert read(table, FLOW, minimum=ANY).step == "1 year"
        assert read(table, FLOW, minimum=ANY, steps=("1 month",))[FLOW].shape == (1, 25)
        assert read(table, FLOW, minimum=ANY, steps=("1 day",))[FLOW].shape == (1, 732)

    def test_another_step_than_wanted_is_refused(self) -> None:
        refused(panel(days(5)), "step of 1 day", "1 month is needed", steps=("1 month",))
        refused(panel(days(5)), "1 year, 1 month", steps=("1 year", "1 month"))
        hours = pd.date_range("2020-01-01", periods=5, freq="h", tz="UTC")
        refused(panel(hours), "step of 1 hour", steps=("1 day",))
        refused(panel(["2020-01-01", "2020-01-03 00:01"]), "step of irregular", steps=("1 day", "1 hour"))

    @pytest.mark.parametrize("step", ["1 day", "1 hour", "15 minutes", "5 minutes", "1 month", "1 year"])
    def test_a_single_moment_keeps_every_step_and_is_a_short_record(self, step: str) -> None:
        record = read(panel(["2020-01-01"], "a", "b"), FLOW, minimum=Minimum(values=2), steps=(step,))
        assert record.step == step and record[FLOW].shape == (2, 1)
        assert record.evidence["reason"].tolist() == ["values", "values"]

    def test_a_single_moment_off_the_calendar_keeps_no_calendar_step(self) -> None:
        refused(panel(["2020-01-02"]), "1 month is needed", steps=("1 month",))
        refused(panel(["2020-02-01"]), "1 year is needed", steps=("1 year",))

    def test_local_midnights_in_two_offsets_are_hours_not_days(self) -> None:
        local = pd.date_range("2020-03-28", periods=3, freq="D", tz="Europe/Rome").tz_convert("UTC")
        refused(panel(local), "step of 1 hour", steps=("1 day",))

    def test_before_1970_and_by_nanoseconds(self) -> None:
        table = panel(days(400, "1969-06-01"), "a", "b")
        table["time"] = table["time"].astype("datetime64[ns, UTC]")
        record = read(table, FLOW, minimum=ANY, steps=("1 day",))
        assert record.times[0] == pd.Timestamp("1969-06-01") and len(record.times) == 400
        assert record[FLOW].tolist() == [list(range(400)), list(range(400, 800))]

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_every_resolution_of_time_is_read_alike(self, unit: str) -> None:
        table = panel(days(3))
        table["time"] = table["time"].dt.as_unit(unit)
        assert list(read(table, FLOW, minimum=ANY).times) == list(days(3).tz_localize(None))


class TestPlaces:
    def test_rows_in_any_order(self) -> None:
        table = panel(days(40), "b", "a", "c")
        record = read(table.sample(frac=1, random_state=3), FLOW, minimum=ANY)
        assert record.places.tolist() == ["a", "b", "c"]
        assert record[FLOW].tolist() == [list(range(40, 80)), list(range(40)), list(range(80, 120))]

    def test_categories_in_another_order_and_unused_ones(self) -> None:
        table = panel(days(3), "b", "a")
        plain = read(table, FLOW, minimum=ANY)
        table["location_id"] = pd.Categorical(table["location_id"], categories=["z", "b", "never", "a"])
        record = read(table, FLOW, minimum=ANY)
        assert record.places.tolist() == ["a", "b"]
        assert record[FLOW].tolist() == plain[FLOW].tolist() == [[3, 4, 5], [0, 1, 2]]
        assert record.evidence.index.equals(plain.evidence.index)

    @pytest.mark.parametrize("kind", ["str", "category"])
    def test_rows_without_a_place_are_refused(self, kind: str) -> None:
        table = panel(days(3))
        table.loc[1, "location_id"] = None
        refused(table.astype({"location_id": kind}), "1 rows have no location_id")

    @pytest.mark.parametrize("kind", ["int64", "category"])
    def test_numbers_as_ids_are_refused(self, kind: str) -> None:
        table = panel(days(2)).assign(location_id=[10, 10])
        refused(table.astype({"location_id": kind}), "not text", "leading zeros")


class TestDuplicates:
    def test_inside_a_chunk_sorted_or_not(self) -> None:
        table = panel(days(5), "a", "b")
        doubled = pd.concat([table, table.iloc[[7]]], ignore_index=True)
        refused(doubled, "the first b at 2020-01-03")
        refused(doubled.sort_values(["location_id", "time"]), "the first b at 2020-01-03")
        refused(doubled.sample(frac=1, random_state=1), "b at 2020-01-03")

    @pytest.mark.parametrize("rows", [1, 2, 3, 7, 10])
    def test_across_chunks(self, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(analytics.record, "_ROWS", rows)
        table = panel(days(5), "a", "b")
        assert read(table, FLOW, minimum=ANY)[FLOW].tolist() == [list(range(5)), list(range(5, 10))]
        refused(pd.concat([table, table.iloc[[2]]], ignore_index=True), "the first a at 2020-01-03")
        refused(pd.concat([table.iloc[[9]], table], ignore_index=True), "the first b at 2020-01-05")

    def test_a_missing_value_does_not_hide_that_a_time_repeats(self) -> None:
        refused(panel(["2020-01-01", "2020-01-02", "2020-01-02"], values=[1, np.nan, 2]), "repeat")


class TestTimes:
    def test_no_zone_text_another_zone_and_mixed_zones(self) -> None:
        table = panel(days(3))
        refused(table.assign(time=table["time"].dt.tz_localize(None)), "without one time zone")
        refused(table.assign(time=table["time"].astype(str)), "without one time zone")
        refused(table.assign(time=table["time"].dt.tz_convert("Europe/Rome")), "Europe/Rome", "tz_convert")
        rome = table.assign(time=table["time"].dt.tz_convert("Europe/Rome"), location_id="b")
        refused(pd.concat([table, rome], ignore_index=True), "without one time zone")

    def test_utc_by_whatever_name(self) -> None:
        table = panel(days(3))
        zoned = table.assign(time=table["time"].dt.tz_convert(ZoneInfo("UTC")))
        assert len(read(zoned, FLOW, minimum=ANY).times) == 3

    def test_no_time(self) -> None:
        table = panel(days(3))
        table.loc[1, "time"] = pd.NaT
        refused(table, "1 rows have no time")

    def test_a_wrong_year_is_no_record(self) -> None:
        hours = pd.date_range("2020-01-01", periods=3, freq="h", tz="UTC")
        table = panel(hours, *(f"p{n:02d}" for n in range(60)))
        table.loc[5, "time"] = pd.Timestamp("3000-01-01", tz="UTC")
        refused(table, "3000-01-01", "p01", "Correct the year")
        for year in (1020, 1699):
            table.loc[5, "time"] = pd.Timestamp(f"{year}-01-01").tz_localize("UTC")
            refused(table, str(year), "Correct the year")
        table.loc[5, "time"] = pd.Timestamp("2060-01-01", tz="UTC")
        hours = panel(pd.date_range("1800-01-01", periods=3, freq="h", tz="UTC"), *(f"q{n:03d}" for n in range(200)))
        refused(pd.concat([table, hours]), "260 places and", "more than can be read at once", "wrong year")


class TestColumns:
    def test_unit_missing_unknown_or_other(self) -> None:
        table = panel(days(3))
        for name in ("discharge", "discharge_ft3_per_s", "discharge_gallons", "discharge_m3_per_day"):
            refused(table.rename(columns={FLOW: name}), FLOW, f"has {name}", "to_canonical")

    def test_absent(self) -> None:
        refused(panel(days(3)).rename(columns={FLOW: "stage_m"}), FLOW, "stage_m", "with its unit")
        for key in ("time", "location_id"):
            refused(panel(days(3)).drop(columns=key), f"no column {key}")

    def test_twice(self) -> None:
        table = panel(days(3))
        for name in (FLOW, "time", "location_id"):
            refused(pd.concat([table, table[[name]]], axis=1), f"more than one column {name}")

    def test_only_the_columns_asked_for_are_looked_at(self) -> None:
        table = panel(days(3)).assign(note="text", stage_m=-np.inf)
        assert list(read(table, FLOW, minimum=ANY).columns) == [FLOW]

    @pytest.mark.parametrize("values", [["1", "2", "3"], [True, False, True], [None, "x", 1.0]])
    def test_what_is_no_number(self, values: list[object]) -> None:
        refused(panel(days(3)).assign(**{FLOW: values}), FLOW, "not numbers")

    def test_infinite(self) -> None:
        refused(panel(days(3), values=[1, np.inf, -np.inf]), "2 values", "infinite", signed=(FLOW,))

    def test_missing_in_every_kind_of_number(self) -> None:
        for values in (pd.array([1, None, 3], dtype="Int64"), pd.array([1, None, 3], dtype="Float64")):
            record = read(panel(days(3)).assign(**{FLOW: values}), FLOW, minimum=ANY)
            np.testing.assert_array_equal(record[FLOW][0], [1, np.nan, 3])
        assert read(panel(days(3)).astype({FLOW: "int8"}), FLOW, minimum=ANY)[FLOW].dtype == np.float64

    def test_require_hands_the_table_through(self) -> None:
        table = panel(days(1))
        assert require(table, FLOW) is table


class TestNegatives:
    VALUES = (1.0, -0.5, 2.0, 1.0, 1.0, 1.0)

    def test_refused_with_the_place(self) -> None:
        table = panel(days(3), "a", "b", values=list(self.VALUES))
        refused(table, f"{FLOW} is negative at 1 places, the first a", "tidal=")

    def test_allowed_in_signed_columns_only(self) -> None:
        table = panel(days(3), "a", "b", values=list(self.VALUES)).assign(stage_m=-1.0)
        record = read(table, FLOW, "stage_m", minimum=ANY, signed=(FLOW, "stage_m"))
        assert record[FLOW].tolist() == [[1, -0.5, 2], [1, 1, 1]]
        with pytest.raises(BrokenData, match="stage_m is negative at 2 places"):
            read(table, FLOW, "stage_m", minimum=ANY, signed=(FLOW,))

    def test_allowed_at_tidal_places_only(self) -> None:
        table = panel(days(3), "a", "b", values=list(self.VALUES))
        assert read(table, FLOW, minimum=ANY, tidal=("a",))[FLOW][0].tolist() == [1, -0.5, 2]
        refused(table, "the first a", tidal=("b",))
        both = table.assign(**{FLOW: -1.0})
        refused(both, "at 1 places, the first b", tidal=("a",))

    def test_zero_is_not_negative(self) -> None:
        assert read(panel(days(2), values=[0.0, -0.0]), FLOW, minimum=ANY).enough.all()


class TestMinimum:
    def test_each_reason(self) -> None:
        least = Minimum(values=5, years=20 / 365.2425, completeness=0.5)
        long = days(40)
        table = pd.concat(
            [
                panel(long, "whole"),
                panel(long[:4], "few"),
                panel(long[:10], "short"),
                panel(long[[0, 1, 2, 3, 4, 39]], "holes"),
                panel(long, "nothing", values=[np.nan] * 40),
            ]
        )
        record = read(table, FLOW, minimum=least)
        assert record.evidence["reason"].to_dict() == {
            "whole": "", "few": "values", "short": "years", "holes": "completeness", "nothing": "values",
        }  # fmt: skip
        assert record.enough.tolist() == [place == "whole" for place in record.places]
        assert np.isfinite(record[FLOW]).any(axis=1).tolist() == record.enough.tolist()
        assert record.evidence["n"].to_dict() == {"whole": 40, "few": 4, "short": 10, "holes": 6, "nothing": 0}
        assert record.evidence.at["nothing", "completeness"] == 0
        assert pd.isna(record.evidence.at["nothing", "observed_from"])

    def test_series_withholds_what_is_not_enough(self) -> None:
        record = read(pd.concat([panel(days(9), "a"), panel(days(2), "b")]), FLOW, minimum=Minimum(values=3))
        found = record.series(np.array([7.0, 8.0]), "made_up")
        assert (found["a"], found.name, found.index.name) == (7.0, "made_up", "location_id")
        assert np.isnan(found["b"])

    def test_gaps_outside_a_place_s_own_record_are_not_its_own(self) -> None:
        table = pd.concat([panel(days(100), "long"), panel(days(10, "2020-02-01"), "late")])
        evidence = read(table, FLOW, minimum=Minimum(completeness=1.0)).evidence
        assert evidence["completeness"].tolist() == [1.0, 1.0] and (evidence["reason"] == "").all()
        assert evidence.at["late", "observed_from"] == pd.Timestamp("2020-02-01")
        assert evidence.at["late", "observed_to"] == pd.Timestamp("2020-02-10")

    def test_only_times_at_which_every_column_has_a_value_count(self) -> None:
        table = panel(days(4)).assign(stage_m=[np.nan, 1, 1, np.nan])
        table.loc[1, FLOW] = np.nan
        assert read(table, FLOW, "stage_m", minimum=ANY).evidence["n"].tolist() == [1]

    @pytest.mark.parametrize(("start", "n"), [("2001-01-01", 3652), ("2000-01-01", 3653)])
    def test_ten_calendar_years_are_ten_years_whatever_the_leap_days(self, start: str, n: int) -> None:
        assert read(panel(days(n, start)), FLOW, minimum=Minimum(years=10)).enough.all()
        assert not read(panel(days(n - 30, start)), FLOW, minimum=Minimum(years=10)).enough.any()

    def test_years_are_counted_in_every_step(self) -> None:
        months = pd.date_range("2010-01-01", periods=24, freq="MS", tz="UTC")
        assert read(panel(months), FLOW, minimum=Minimum(years=2)).enough.all()
        assert not read(panel(months[:-1]), FLOW, minimum=Minimum(years=2)).enough.any()
        years = pd.date_range("2010-01-01", periods=3, freq="YS", tz="UTC")
        assert read(panel(years), FLOW, minimum=Minimum(years=3)).enough.all()
        irregular = ["2010-01-01 00:01", "2010-07-03", "2012-01-01 00:02"]
        assert read(panel(irregular), FLOW, minimum=Minimum(years=2)).enough.all()
        assert not read(panel(irregular), FLOW, minimum=Minimum(years=2.1)).enough.any()
        # Where no step is kept, nothing was due between the values.
        assert np.isnan(read(panel(irregular), FLOW, minimum=ANY).evidence["completeness"]).all()
        passes = pd.date_range("2016-01-01", periods=40, freq="12D", tz="UTC")
        assert np.isnan(read(panel(passes), FLOW, minimum=ANY).evidence["completeness"]).all()
        assert read(panel(passes), FLOW, minimum=ANY, steps=("1 day",)).evidence["completeness"].iloc[0] < 0.1

    def test_a_constant_series_is_a_stuck_instrument_where_it_is_not_said_to_be_steady(self) -> None:
        table = pd.concat([panel(days(6), "a"), panel(days(6), "b", values=[np.nan, *[3.0] * 5])])
        record = read(table, FLOW, minimum=ANY)
        assert record.evidence["reason"].to_dict() == {"a": "", "b": "constant"}
        assert np.isnan(record[FLOW][1]).all() and np.isfinite(record[FLOW][0]).all()
        assert read(table, FLOW, minimum=ANY, steady=(FLOW,)).enough.all()
        assert read(table.groupby("location_id").head(5), FLOW, minimum=ANY).enough.all()
        few = read(table, FLOW, minimum=Minimum(values=6))
        assert few.evidence["reason"].to_dict() == {"a": "", "b": "values"}

    @pytest.mark.parametrize("steps", [(), ("1 day",), ("1 month",), ("1 year", "1 month")])
    def test_an_empty_panel_has_no_places(self, steps: tuple[str, ...]) -> None:
        record = read(panel(days(3)).iloc[:0], FLOW, minimum=Minimum(values=3), steps=steps)
        assert (len(record.places), record[FLOW].shape, len(record.evidence)) == (0, (0, 0), 0)
        assert record.series(np.array([]), "x").empty


CELLS = st.dictionaries(
    st.tuples(st.sampled_from(["01", "1", "b", "磨坊"]), st.integers(0, 30)),
    st.one_of(st.just(float("nan")), st.floats(0, 1e12)),
    min_size=1,
    max_size=60,
)


@given(cells=CELLS, freq=st.sampled_from(["D", "h", "15min", "MS", "YS", "11min"]), chunk=st.integers(1, 70))
def test_what_was_read_melted_back_is_the_panel(cells: dict[tuple[str, int], float], freq: str, chunk: int) -> None:
    times = pd.date_range("1995-01-01", periods=31, freq=freq, tz="UTC", unit="us")
    table = pd.DataFrame(
        {
            "location_id": pd.Series([place for place, _ in cells], dtype="str"),
            "time": times[[step for _, step in cells]],
            FLOW: list(cells.values()),
        }
    )
    before = table.copy(deep=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analytics.record, "_ROWS", chunk)
        record = read(table, FLOW, minimum=ANY, steady=(FLOW,))
    pd.testing.assert_frame_equal(table, before)
    back = pd.DataFrame(record[FLOW], index=record.places, columns=record.times.tz_localize("UTC"))
    melted = back.rename_axis(columns="time").stack().dropna()
    wanted = table.dropna().set_index(["location_id", "time"])[FLOW].sort_index()
    assert melted.to_dict() == wanted.to_dict()


def test_the_input_is_never_changed_not_even_where_places_are_withheld() -> None:
    table = panel(days(5), "a", "b")
    table["location_id"] = table["location_id"].astype("category")
    before = table.copy(deep=True)
    record = read(table, FLOW, minimum=Minimum(values=9))
    record[FLOW][:] = 99.0
    pd.testing.assert_frame_equal(table, before)


class TestRows:
    LAYER = pd.DataFrame({"area_km2": [2.0, 1.0, np.nan]}, index=pd.Index(["b", "a", "c"], name="location_id"))

    def test_by_index_or_column_sorted(self) -> None:
        for table in (self.LAYER, self.LAYER.reset_index()):
            before = table.copy(deep=True)
            rows = read_rows(table, "area_km2")
            assert rows.index.tolist() == ["a", "b", "c"] and rows["area_km2"].iloc[:2].tolist() == [1.0, 2.0]
            pd.testing.assert_frame_equal(table, before)

    def test_keys_tell_rows_apart(self) -> None:
        table = pd.DataFrame({"location_id": ["a", "a", "b"], "cover": ["x", "w", "w"], "area_km2": [1.0, 2.0, 3.0]})
        assert read_rows(table, "area_km2", keys=("cover",))["area_km2"].tolist() == [2.0, 1.0, 3.0]
        with pytest.raises(BrokenData, match=r"1 rows repeat a place .* the first at a"):
            read_rows(table, "area_km2")
        with pytest.raises(BrokenData, match="no column patch_id"):
            read_rows(table, "area_km2", keys=("patch_id",))

    def test_refused_as_a_panel_is(self) -> None:
        for values, words in (
            ([1.0, np.inf, 2.0], "infinite"),
            (["1", "2", "3"], "not numbers"),
            ([-1, 1, 1], "first b"),
        ):
            with pytest.raises(BrokenData, match=words):
                read_rows(self.LAYER.assign(area_km2=values), "area_km2")
        assert len(read_rows(self.LAYER.assign(area_km2=[-1.0, 1, 1]), "area_km2", signed=("area_km2",))) == 3
        with pytest.raises(BrokenData, match="no column location_id"):
            read_rows(self.LAYER.reset_index(drop=True), "area_km2")
        with pytest.raises(BrokenData, match="area_ha, in another unit"):
            read_rows(self.LAYER.rename(columns={"area_km2": "area_ha"}), "area_km2")
        assert read_rows(self.LAYER.iloc[:0], "area_km2").empty

    def test_each_enough(self) -> None:
        values = pd.Series([1.0, 2.0, 3.0, np.nan, 5.0], index=["a", "a", "b", "b", "c"])
        np.testing.assert_array_equal(each_enough(values, Minimum(values=2)), [1, 2, np.nan, np.nan, np.nan])


def test_a_quotient_is_withheld_near_zero() -> None:
    found = ratio(np.array([1.0, 1.0, 1.0, np.nan, 1.0]), np.array([2.0, 0.0, 0.09, 1.0, np.nan]), least=0.1)
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(ratio(np.array([4.0, -4.0]), np.array(-2.0)), [-2.0, 2.0])


def test_a_wrong_keyword_is_told_in_two_sentences() -> None:
    error = refuse_parameter("window", -1, wanted="a number of days")
    assert isinstance(error, AlmanacError)
    assert str(error) == "window is -1, but a number of days is needed. Call it again with such a value."
