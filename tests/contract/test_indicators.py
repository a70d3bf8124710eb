"""What holds for every indicator. The golden cases give the inputs: a new indicator with a case is covered unedited."""

from __future__ import annotations

import inspect
import re
from typing import get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from analytics import INDICATORS
from analytics.indicator import Better, Domain, Indicator
from analytics.standard import standards
from geodata.errors import AlmanacError, BrokenData
from geodata.panel import validate_panel
from tests.golden import Case, cases

# One case per indicator is enough for the properties.
CASES = list({case.indicator: case for case in reversed(cases())}.values())
PANELS = [case for case in CASES if INDICATORS[case.indicator].table == "panel"]
CODE = re.compile(r"[TWLSXA]\d{1,2}[a-z]?")
# What may be spelled out in a formula: the names of functions, and indices that go by their initials.
SPELLED = {"max", "min", "med", "exp", "log", "sin", "cos", "MNDWI", "LOTTR"}


def values(case: Case, table: pd.DataFrame) -> pd.Series:
    result = INDICATORS[case.indicator](table, **case.others())
    return (result["value"] if isinstance(result, pd.DataFrame) else result).astype(float)


def withheld(case: Case, table: pd.DataFrame) -> bool:
    """Whether no number comes of it: an error in two sentences, or not enough data at every place."""
    try:
        return bool(values(case, table).isna().all())
    except AlmanacError as error:
        assert error.message and error.hint
        return True


def with_ids(table: pd.DataFrame, rename: dict[str, str]) -> pd.DataFrame:
    if "location_id" in table.columns:
        return table.assign(location_id=table["location_id"].map(rename))
    return table.rename(index=rename)


def ids(table: pd.DataFrame) -> pd.Index:
    return pd.Index(table["location_id"].unique() if "location_id" in table.columns else table.index.unique())


@pytest.mark.parametrize("indicator", INDICATORS.values(), ids=lambda i: i.id)
class TestMetadata:
    def test_it_can_be_defended(self, indicator: Indicator) -> None:
        assert CODE.fullmatch(indicator.code)
        assert indicator.domain in get_args(Domain) and indicator.better in get_args(Better)
        for text in (indicator.authority, indicator.edition, indicator.reference):
            assert text
        for sentence in (indicator.caveat, indicator.undefined):
            assert sentence.endswith(".") and len(sentence) > 20
        assert len(indicator.title) > 15
        assert "Notes\n-----" in (inspect.getdoc(indicator.function) or ""), "its Notes tell the choices made"
        assert 0 < len(indicator.formula) <= 110
        words = set(re.findall(r"[a-z]{3,}|[A-Za-z]{5,}", indicator.formula))
        assert words <= SPELLED, "the formula is for readers of every language"

    def test_its_needs_carry_their_units(self, indicator: Indicator) -> None:
        if indicator.table == "panel":
            validate_panel(
                pd.DataFrame(
                    {"location_id": ["a"], "time": pd.to_datetime(["2020-01-01"], utc=True)}
                    | {column: [1.0] for column in indicator.needs}
                )
            )

    def test_it_takes_the_keywords_that_it_says(self, indicator: Indicator) -> None:
        keywords = set(inspect.signature(indicator.function).parameters)
        told = {"tidal": indicator.tidal, "reference": indicator.fitted, "timezone": indicator.clock}
        assert {name for name, takes in told.items() if takes} == keywords & set(told)

    def test_its_standard_has_classes_for_it(self, indicator: Indicator) -> None:
        if indicator.standard:
            assert indicator.id in standards()[indicator.standard].classes


def test_every_standard_speaks_of_indicators_in_their_unit() -> None:
    for standard in standards().values():
        for name, classes in standard.classes.items():
            assert INDICATORS[name].unit == classes.unit, f"{standard.id}: {name}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.indicator)
class TestEveryIndicator:
    def test_the_order_of_rows_is_irrelevant(self, case: Case) -> None:
        table = case.table()
        shuffled = table.sample(frac=1, random_state=7)
        pd.testing.assert_series_equal(
            values(case, table).sort_index(), values(case, shuffled).sort_index(), rtol=1e-9, atol=1e-12
        )

    def test_the_input_is_left_as_it_was(self, case: Case) -> None:
        table = case.table()
        before = table.copy(deep=True)
        values(case, table)
        if isinstance(table, gpd.GeoDataFrame):
            assert table.equals(before)
        else:
            pd.testing.assert_frame_equal(table, before)

    def test_relabelled_places_give_relabelled_results(self, case: Case) -> None:
        table = case.table()
        rename = {old: f"r{n:05d}" for n, old in enumerate(sorted(ids(table)))}
        found = values(case, table).sort_index().rename(index=rename)
        pd.testing.assert_series_equal(
            found, values(case, with_ids(table, rename)).sort_index(), rtol=1e-9, atol=1e-12, check_names=False
        )

    def test_it_is_indexed_by_place_and_repeats_itself(self, case: Case) -> None:
        first, again = values(case, case.table()), values(case, case.table())
        assert first.index.name == "location_id" and first.index.is_unique
        assert not np.isinf(first).any()
        pd.testing.assert_series_equal(first, again)

    def test_all_values_missing_is_not_a_number(self, case: Case) -> None:
        table = case.table()
        for column in INDICATORS[case.indicator].needs:
            table[column] = np.nan
        assert withheld(case, table)

    def test_without_a_needed_column_it_says_so(self, case: Case) -> None:
        table = case.table()
        needs = INDICATORS[case.indicator].needs
        with pytest.raises(BrokenData, match=needs[0]):
            INDICATORS[case.indicator](table.drop(columns=needs[0]), **case.others())

    def test_another_unit_is_refused(self, case: Case) -> None:
        column = INDICATORS[case.indicator].needs[0]
        stem = column.split("_")[0]
        with pytest.raises(BrokenData, match=column):
            INDICATORS[case.indicator](case.table().rename(columns={column: f"{stem}_furlongs"}), **case.others())

    def test_infinite_values_are_refused(self, case: Case) -> None:
        column = INDICATORS[case.indicator].needs[0]
        table = case.table()
        table[column] = table[column].astype(float)
        table.loc[table.index[0], column] = np.inf
        with pytest.raises(BrokenData):
            INDICATORS[case.indicator](table, **case.others())


@pytest.mark.parametrize("case", PANELS, ids=lambda case: case.indicator)
class TestEveryIndicatorOfPanels:
    def test_a_missing_step_is_missing_not_zero(self, case: Case) -> None:
        """A row that is absent and a row without a value are the same."""
        table = case.table()
        inner = table.groupby("location_id").cumcount()
        chosen = (inner % 17 == 5).to_numpy()
        empty = table.copy()
        for column in INDICATORS[case.indicator].needs:
            empty[column] = empty[column].astype(float).mask(chosen)
        first = table.groupby("location_id").head(1).index.union(table.groupby("location_id").tail(1).index)
        absent = table[~chosen | table.index.isin(first)]
        empty.loc[first] = table.loc[first]
        pd.testing.assert_series_equal(
            values(case, empty).sort_index(), values(case, absent).sort_index(), rtol=1e-9, atol=1e-12
        )

    def test_too_short_a_record_is_not_a_number(self, case: Case) -> None:
        minimum = INDICATORS[case.indicator].minimum
        if minimum.values <= 1:
            pytest.skip("one value is enough for it")
        table = case.table().sort_values(["location_id", "time"])
        assert withheld(case, table.groupby("location_id").head(minimum.values - 1))

    def test_repeated_times_are_refused(self, case: Case) -> None:
        table = case.table()
        with pytest.raises(BrokenData):
            INDICATORS[case.indicator](pd.concat([table, table.tail(1)], ignore_index=True), **case.others())

    def test_times_without_a_zone_are_refused(self, case: Case) -> None:
        table = case.table()
        with pytest.raises(BrokenData):
            INDICATORS[case.indicator](table.assign(time=table["time"].dt.tz_localize(None)), **case.others())

    def test_mixed_time_zones_are_refused(self, case: Case) -> None:
        table = case.table()
        times = table["time"].astype(object).to_list()
        times[0] = times[0].tz_convert("Asia/Shanghai")
        with pytest.raises(BrokenData):
            INDICATORS[case.indicator](table.assign(time=pd.Series(times, dtype=object)), **case.others())


def test_every_indicator_has_a_case_from_outside_or_says_that_it_is_unproven() -> None:
    proven = {case.indicator for case in cases() if case.grade != "regression"}
    assert not set(INDICATORS) - proven
