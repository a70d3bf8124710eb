"""What is said of indicators: every reason has words, no sentence is broken, and the evidence card is whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pandas as pd
import pytest
from scipy.stats import false_discovery_control

from analytics import INDICATORS
from analytics.against_normal import yearly
from analytics.evidence import GRADES, evidence_of
from analytics.finding import Finding, finding, lacking
from analytics.indicator import Better, Domain
from analytics.measure import Measured, measured, uses
from analytics.near_people import NearPeople, near_people_of
from analytics.spatial_statistics import KINDS, NO_DATA
from analytics.standard import compare, standards, standards_of
from app import indicator_words as words
from app.domain_words import DOMAINS
from app.indicator_tables import breaks_words, disagreements_table, lacking_words, place_table, table_words
from app.near_people_words import near_people_answer, near_people_table
from app.text import languages, number, percent, period, use_language
from geodata.region import Region, load_region

SPI = "standardized_precipitation_index"
LABELS = {
    "Value", "What it means", "Formula", "Unit", "Authority", "Reference", "Standard", "Direction", "Least record",
    "Observed", "Values used", "Completeness", "Uncertainty", "Grade of evidence", "What it does not say", "Source",
}  # fmt: skip
STATES = ["", "values", "years", "completeness", "constant", "negative", "tidal", "undefined"]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


@pytest.fixture(scope="module")
def atlantic() -> Region:
    return load_region("mid_atlantic")


@pytest.fixture(scope="module")
def all_found(atlantic: Region) -> list[Finding]:
    """Everything that two regions have, through every standard and none; some with no value at all."""
    found = []
    for region in (atlantic, load_region("noord_brabant")):
        for name in uses(region):
            found += [finding(region, name, standard) for standard in (None, "", *standards_of(name))]
    return found


def whole(text: str) -> None:
    """A sentence that can be shown: nothing left unfilled, no programmer's word."""
    assert text.strip()
    for mark in "{}":
        assert mark not in text, text
    found = set(re.findall(r"[\w.]+", text))
    assert not found & {"nan", "NaN", "NaT", "inf"} and "(None" not in text and "None)" not in text, text
    assert "  " not in text and " ." not in text, text


def region_of(found: Finding) -> Region:
    return load_region(found.measured.use.datasets[0].region)


class TestVocabulary:
    def test_every_kind_of_thing_has_words(self) -> None:
        assert set(words.REASONS) == set(STATES) - {""}
        assert set(DOMAINS) == set(get_args(Domain))
        assert set(words.GRADES) == set(words.SHORT_GRADES) == set(GRADES)
        assert set(words.BETTER) == set(get_args(Better))
        assert set(words.CLUSTERS) == set(KINDS) - {NO_DATA}

    def test_every_reason_that_occurs_has_words(self, all_found: list[Finding]) -> None:
        met = {reason for found in all_found for reason in found.measured.table["reason"]}
        assert met <= set(STATES) and len(met) > 4

    @pytest.mark.parametrize("language", languages())
    @pytest.mark.parametrize("reason", [state for state in STATES if state])
    def test_a_reason_is_a_whole_sentence_for_every_indicator(self, language: str, reason: str) -> None:
        use_language(language)
        row = pd.Series(
            {
                "reason": reason,
                "n": 3,
                "completeness": 0.4,
                "observed_from": pd.Timestamp("2020-01-01"),
                "observed_to": pd.Timestamp("2020-03-01"),
            }
        )
        for indicator in INDICATORS.values():
            for dated in (row, row.replace({row["observed_from"]: pd.NaT, row["observed_to"]: pd.NaT})):
                told = words.reason_words(indicator, dated)
                whole(told)
                assert told.endswith((".", "。")), told

    def test_the_facts_are_in_the_reason(self) -> None:
        row = pd.Series(
            {
                "reason": "values",
                "n": 1,
                "completeness": 0.4,
                "observed_from": pd.Timestamp("2020-01-01"),
                "observed_to": pd.Timestamp("2020-03-01"),
            }
        )
        flow = INDICATORS["flashiness"]
        assert words.reason_words(flow, row) == "Not enough data: there is 1 value, and 330 are needed."
        assert "there are 2 values" in words.reason_words(flow, pd.Series({**row, "n": 2}))
        told = words.reason_words(flow, pd.Series({**row, "reason": "years"}))
        assert told == "Not enough data: the record runs from 1 Jan 2020 to 1 Mar 2020, and a full year is needed."
        told = words.reason_words(flow, pd.Series({**row, "reason": "completeness"}))
        assert told == "Not enough data: 40% of the values due are there, and 90% are needed."
        assert words.reason_words(flow, pd.Series({**row, "reason": "undefined"})) == flow.undefined
        assert words.reason_words(flow, pd.Series({**row, "reason": "tidal"})) == (
            "Withheld: the flow reverses with the tide."
        )

    def test_titles_are_taken_apart_at_the_colon(self) -> None:
        flow = INDICATORS["flashiness"]
        assert words.short_title(flow) == "Flashiness"
        assert words.meaning(flow) == "How abruptly the flow rises and falls from one day to the next."
        assert words.chosen_unit(INDICATORS["low_flow_q95"]) == "Usual low flow (m³/s)"
        for indicator in INDICATORS.values():
            whole(words.meaning(indicator))
            assert ":" not in words.short_title(indicator)


class TestAnswers:
    @pytest.mark.parametrize("language", languages())
    def test_every_answer_is_whole(self, all_found: list[Finding], language: str) -> None:
        use_language(language)
        for found in all_found:
            told = words.answer(region_of(found), found)
            whole(told)
            assert told.endswith((".", "。")), told
            if found.indicator.latest and found.measured.known:
                whole(words.age_words(found.measured.table))

    def test_it_counts_what_the_table_holds(self, atlantic: Region) -> None:
        found = finding(atlantic, "streamflow_percentile", "usgs_nwd")
        table = found.measured.table
        told = words.answer(atlantic, found)
        concern = ((table["value"] < 10) | (table["value"] >= 90)).sum()
        assert f"{concern} of {table['value'].notna().sum()} places are in a class of concern" in told
        assert f"{table['value'].isna().sum()} of {len(table)} places are left out" in told
        lowest = atlantic.places()["name"][table["value"].idxmin()]
        assert told.index("Much below normal (") < told.index(str(lowest)) < told.index("Much above normal (")

    def test_what_has_no_class_of_concern_begins_with_its_worse_end(self, atlantic: Region) -> None:
        found = finding(atlantic, "traffic_growth", "")
        worst = atlantic.places()["name"][found.measured.values.idxmax()]
        told = words.answer(atlantic, found)
        assert told.startswith(f"Highest – {worst}: ")
        sure = int(found.sure.dropna().astype(bool).sum())
        p_values = found.measured.table["p_value"].dropna()
        assert found.standing == int((false_discovery_control(p_values) <= 0.05).sum()) < sure
        assert f"{found.standing} stand when" in told
        assert f"At {sure} of 100 places the 95% interval keeps to one side of zero" in told

    def test_of_what_cannot_be_negative_the_side_of_zero_is_no_news(self, atlantic: Region) -> None:
        found = finding(atlantic, "daily_flood_quantile")
        assert found.sure.dropna().astype(bool).all() and len(found.sure.dropna())
        assert "side of zero" not in words.answer(atlantic, found)

    def test_without_any_value_it_says_why(self) -> None:
        lombardy = load_region("lombardy")
        found = finding(lombardy, SPI)
        assert words.answer(lombardy, found) == (
            "None of the 141 places has enough data for “Rain compared with normal”; the record is too short (141)."
        )

    def test_what_now_means(self, atlantic: Region) -> None:
        ends = pd.to_datetime(["2018-01-01", "2025-05-05", "2030-01-01"])
        table = pd.DataFrame({"value": [1.0, 2.0, None], "observed_to": ends})
        assert "from 1 Jan 2018 to 5 May 2025." in words.age_words(table)
        assert words.age_words(table.iloc[[0]]) == "Each value is of 1 Jan 2018, the last day of the record."
        assert words.age_words(table.iloc[[2]]) == ""


class TestEvidence:
    def card(self, region: Region, name: str, place: str | None, standard: str | None = None) -> dict[str, str]:
        return dict(words.evidence_card(region, finding(region, name, standard), place))

    def test_of_a_place_with_a_value(self, atlantic: Region) -> None:
        card = self.card(atlantic, SPI, self.first(atlantic))
        assert set(card) >= LABELS | {"Class", "Reference period"}

    def first(self, region: Region) -> str:
        return str(measured(region, SPI).table.index[0])

    def test_its_facts_are_those_of_the_table(self, atlantic: Region) -> None:
        place = self.first(atlantic)
        row = measured(atlantic, SPI).table.loc[place]
        own = standards()["nidis"]
        card = self.card(atlantic, SPI, place, "nidis")
        indicator = INDICATORS[SPI]
        assert card["Value"].startswith(number(row["value"]))
        assert card["Class"] in own.classes[SPI].labels
        assert card["Unit"] == indicator.canonical_unit.symbol
        assert card["Authority"] == f"{indicator.authority}, {indicator.edition}"
        assert card["What it means"] == words.meaning(indicator) != ""
        assert card["Formula"] == indicator.formula
        assert own.title in card["Standard"] and own.edition in card["Standard"]
        assert card["Observed"] == period(row["observed_from"], row["observed_to"])
        assert card["Values used"] == number(row["n"], decimals=0)
        assert card["Completeness"] == percent(row["completeness"], decimals=1)
        assert card["Grade of evidence"].startswith(evidence_of(SPI).grade.replace("_", " "))
        assert card["What it does not say"] == indicator.caveat
        assert atlantic.dataset("nclimdiv_precipitation").producer in card["Source"]

    def test_of_a_place_without_a_value(self, atlantic: Region) -> None:
        card = self.card(atlantic, "flashiness", "0204288786")
        assert set(card) >= LABELS
        assert "Class" not in card
        assert card["Value"] == "Withheld: the flow reverses with the tide."
        assert card["Values used"] == "365" and card["Completeness"] == "100.0%"
        assert card["Standard"].startswith("None: the classes are made from the values")
        assert "no interval" in card["Uncertainty"]

    def test_of_no_place(self, atlantic: Region) -> None:
        for place in (None, "nowhere"):
            card = self.card(atlantic, "flashiness", place)
            assert not {"Value", "Class", "Values used"} & set(card)
            assert set(card) >= LABELS - {"Value", "Values used", "Completeness"}
            assert card["Observed"] == "1 Jan 1945 to 5 May 2025"

    def test_only_the_dataset_of_the_place_is_its_source(self, atlantic: Region) -> None:
        found = finding(atlantic, "flashiness")
        told = [text for label, text in words.evidence_card(atlantic, found, "01632000") if label == "Source"]
        assert len(told) == 1 and "Shenandoah" in told[0]
        every = [text for label, text in words.evidence_card(atlantic, found, None) if label == "Source"]
        assert len(every) == len(found.measured.use.datasets)

    def test_provisional_values_and_intervals_are_said(self, atlantic: Region) -> None:
        assert "100%" in self.card(atlantic, "flashiness", "01655794")["Provisional"]
        assert "Provisional" not in self.card(atlantic, "flashiness", "01632000")
        card = self.card(atlantic, "traffic_growth", "37001")
        assert "between" in card["Value"]
        assert card["Uncertainty"].startswith("Limits of the 95% interval are given with each value.")
        assert "by chance with a probability of 0.43" in card["Uncertainty"]

    def test_the_reference_period_is_the_one_fitted_on(self, atlantic: Region) -> None:
        place = self.first(atlantic)
        fitted = finding(atlantic, SPI, None, (1961, 1990))
        assert dict(words.evidence_card(atlantic, fitted, place))["Reference period"] == "1961–1990"
        assert self.card(atlantic, SPI, place)["Reference period"] == words.reference_words(None)
        assert "Reference period" not in self.card(atlantic, "flashiness", "01632000")

    @pytest.mark.parametrize("language", languages())
    def test_every_card_is_whole(self, all_found: list[Finding], language: str) -> None:
        use_language(language)
        for found in all_found:
            table = found.measured.table
            with_value, without = table.index[table["value"].notna()], table.index[table["value"].isna()]
            for place in (None, *with_value[:1], *without[:1]):
                card = words.evidence_card(region_of(found), found, place)
                assert all(label and text for label, text in card)
                for _, text in card:
                    assert "nan" not in text.split() and "NaT" not in text

    def test_a_standard_that_nobody_confirmed_says_so(self) -> None:
        for standard in standards().values():
            told = words.standard_words(standard)
            whole(told)
            assert ("not confirmed" in told) == (not standard.confirmed)


class TestTables:
    def test_every_place_the_first_in_front_those_without_a_value_behind(self, atlantic: Region) -> None:
        found = finding(atlantic, "low_flow_percentile", "nidis")
        table = table_words(atlantic, found)
        assert len(table) == len(found.measured.table)
        value = table[words.chosen_unit(found.indicator)]
        known = found.measured.known
        assert value[:known].is_monotonic_increasing and value[known:].isna().all()
        assert (table["Note"][:known] == "").all() and (table["Note"][known:] != "").all()
        assert (table["Class"][:known] != "").all() and (table["Class"][known:] == "").all()
        assert not table.astype(str).isin(["nan%", "None", "NaT"]).any(axis=None)

    def test_limits_and_classes_only_where_there_are_some(self, atlantic: Region) -> None:
        plain = set(table_words(atlantic, finding(atlantic, "flashiness")).columns)
        assert not plain & {"Lower limit, 95%", "p-value", "Class"}
        assert {"Lower limit, 95%", "Upper limit, 95%", "p-value"} <= set(
            table_words(atlantic, finding(atlantic, "traffic_growth")).columns
        )

    def test_one_place_by_every_indicator(self, atlantic: Region) -> None:
        found = [finding(atlantic, n) for n in ("flashiness", "low_flow_trend", "streamflow_percentile")]
        table = place_table(found, "01632000")
        assert table["Indicator"].tolist() == [words.short_title(f.indicator) for f in found]
        assert table["Value"][0] == number(found[0].measured.values["01632000"])
        assert table["Value"][1] == INDICATORS["low_flow_trend"].undefined
        assert table["Class"].tolist() == ["", "", "Much below normal"]
        assert (table["Observed"] == "1 Jan 2008 to 1 Jan 2018").all()

    def test_what_is_lacking(self, atlantic: Region) -> None:
        missing = lacking(atlantic, "ground_motion")
        table = lacking_words(missing)
        assert len(table) == len(missing) > 0
        assert "velocity_up_mm_per_year" in " ".join(table["Columns it needs"])

    @pytest.mark.parametrize("language", languages())
    def test_the_classes_of_every_standard(self, language: str) -> None:
        use_language(language)
        for standard in standards().values():
            for name, own in standard.classes.items():
                if name not in INDICATORS:
                    continue
                columns = list(breaks_words(standard, INDICATORS[name]).values())
                assert [len(c) for c in columns] == [len(own.labels)] * 3
                assert len(set(columns[1])) == len(own.labels), (standard.id, name, columns[1])
                assert sum(map(bool, columns[2])) == len(own.concern)

    def test_the_edges_belong_where_the_standard_says(self) -> None:
        own = standards()["usgs_nwd"]
        edges = list(breaks_words(own, INDICATORS["streamflow_percentile"]).values())[1]
        assert own.classes["streamflow_percentile"].closed == "left"
        assert edges == ["below 10", "10 to 25", "25 to 76", "76 to 90", "90 or more"]
        right = next(s for s in standards().values() if s.classes.get(SPI) and s.classes[SPI].closed == "right")
        edges = list(breaks_words(right, INDICATORS[SPI]).values())[1]
        assert edges[0].endswith("or less") and edges[-1].startswith("above")

    def test_disagreements(self, atlantic: Region) -> None:
        result = compare(SPI, measured(atlantic, SPI).values)
        table = disagreements_table(atlantic, INDICATORS[SPI], result)
        assert len(table) == len(result.disagreed) > 0
        assert list(table.columns[2:]) == [s.title for s in result.standards]
        told = words.disagreement_words(INDICATORS[SPI], result)
        whole(told)
        assert f"At {len(table)} of {len(result.table)} places" in told


class TestTrendWords:
    def test_a_sure_rise_and_an_unsure_one(self, atlantic: Region) -> None:
        found: Measured = measured(atlantic, "traffic_growth")
        for place in found.table.index[:20]:
            by_year = yearly(atlantic, found, str(place))
            assert by_year is not None and by_year.trend is not None
            trend = by_year.trend
            told = words.trend_words(trend, "veh/day")
            whole(told)
            wanted = "Neither a rise nor a fall" if not trend.sure else "rising" if trend.slope > 0 else "falling"
            assert wanted in told.partition(".")[0]
            assert f"From {by_year.years[0]} to {by_year.years[-1]} " in told and "veh/day a year" in told
        assert words.trend_words(None, "veh/day") == "Too few full years for a trend: six are needed."


class TestNearPeople:
    @pytest.fixture
    def found(self) -> tuple[Region, NearPeople]:
        region = load_region("california_ground")
        near = near_people_of(region)
        assert near is not None
        return region, near

    @pytest.mark.parametrize("language", languages())
    def test_the_answer_is_whole(self, found: tuple[Region, NearPeople], language: str) -> None:
        use_language(language)
        whole(near_people_answer(*found))
        table = near_people_table(*found)
        assert len(table) == (found[1].table["sinking"] > 0).sum() > 3
        assert table.notna().all(axis=None)

    def test_it_names_the_first_and_counts(self, found: tuple[Region, NearPeople]) -> None:
        region, near = found
        told = near_people_answer(region, near)
        sinking = near.table[near.table["sinking"] > 0]
        assert told.startswith(f"In {len(sinking)} of {len(near.table)} places ")
        places = [told.index(str(region.places()["name"][p])) for p in sinking.index[:3]]
        assert places == sorted(places)
        assert str(region.places()["name"][sinking.index[3]]) not in told
        assert f"{number(sinking['people'].iloc[0], decimals=0)} people" in told

    def test_where_nothing_sinks(self, found: tuple[Region, NearPeople]) -> None:
        region, near = found
        none = replace(near, table=near.table.assign(sinking=0))
        told = near_people_answer(region, none)
        whole(told)
        assert f"At none of the {near.table['sites'].sum()} sites" in told
        assert near_people_table(region, none).empty
