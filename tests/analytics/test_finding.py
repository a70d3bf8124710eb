"""What is found in a region: classes, what another standard changes, which places come first, where they cluster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import analytics.finding
from analytics import INDICATORS
from analytics.finding import Finding, clusters_of, compared, finding, lacking, opening
from analytics.measure import measured, uses
from analytics.spatial_statistics import clusters, neighbours
from analytics.standard import standards, standards_of
from geodata.errors import AlmanacError, UnknownName
from geodata.region import Region, load_region
from tests.world import World

FLOW = "discharge_m3_per_s"
SPI = "standardized_precipitation_index"
# Ranks of the last day's flow among those of its day of the year in twenty years: percentiles 100 × rank / 21.
RANKS = {"001": 20, "002": 1, "003": 10, "004": 19, "005": 2, "006": 17}


@pytest.fixture(scope="module")
def atlantic() -> Region:
    return load_region("mid_atlantic")


@pytest.fixture
def ranked(world: World) -> Region:
    """Six gauges with twenty years of daily flow, which rises from year to year but for the last day of all."""
    days = pd.date_range("2001-01-01", "2020-12-31", freq="D", tz="UTC", unit="us")
    parts = []
    for place, rank in RANKS.items():
        flow = days.year.to_numpy() - 2000.0
        flow[-1] = rank - 0.5
        parts.append(pd.DataFrame({"location_id": place, "time": days, FLOW: flow, "discharge_flag": "A"}))
    table = pd.concat(parts, ignore_index=True).astype({"location_id": "str", "discharge_flag": "category"})
    table.to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    return load_region(world.region)


def by_hand(values: pd.Series, standard: str, indicator: str) -> pd.Series:
    """The class of each value by its breaks alone."""
    own = standards()[standard].classes[indicator]
    breaks, found = np.array(own.breaks), values.to_numpy()
    codes = np.searchsorted(breaks, found, "right") if own.closed == "left" else np.searchsorted(breaks, found, "left")
    return pd.Series(np.array(own.labels)[codes], index=values.index)


class TestClasses:
    @pytest.mark.parametrize("standard", ["mckee_1993", "nidis", "gb_t_20481_2017"])
    def test_labels_concern_and_change(self, atlantic: Region, standard: str) -> None:
        found = finding(atlantic, SPI, standard)
        values = found.measured.values
        labels = by_hand(values, standard, SPI)
        assert found.standard == standards()[standard]
        assert found.labels.to_dict() == labels.to_dict()
        assert found.concerned == labels.isin(standards()[standard].classes[SPI].concern).sum()
        first = by_hand(values, "mckee_1993", SPI)
        differs = labels != first
        assert INDICATORS[SPI].standard == "mckee_1993"
        assert set(found.changed.index) == set(labels.index[differs])
        assert found.changed["here"].to_dict() == labels[differs].to_dict()
        assert found.changed["first"].to_dict() == first[differs].to_dict()
        assert differs.any() == (standard != "mckee_1993")

    def test_the_first_standard_is_the_one_without_asking(self, atlantic: Region) -> None:
        assert finding(atlantic, SPI).standard is finding(atlantic, SPI, "mckee_1993").standard

    def test_without_a_standard_the_values_make_the_classes(self, atlantic: Region) -> None:
        for found in (finding(atlantic, SPI, ""), finding(atlantic, "flashiness")):
            assert found.standard is None and found.concerned is None
            assert found.labels.isna().all() and found.changed.empty and found.of_concern() == {}
            assert len(found.labels) == len(found.measured.table)

    def test_a_place_without_a_value_has_no_class_and_no_change(self, atlantic: Region) -> None:
        found = finding(atlantic, "streamflow_percentile", "usgs_waterwatch")
        missing = found.measured.values.isna()
        assert missing.any() and found.labels[missing].isna().all()
        assert not found.changed.index.isin(missing.index[missing]).any()

    def test_with_no_value_anywhere(self, world: World) -> None:
        region = load_region(world.region)
        for name in uses(region):
            found = finding(region, name)
            assert found.measured.known == 0 and found.ranked().empty and found.labels.isna().all()
            assert found.concerned in (None, 0)
            assert all(rows.empty for rows in found.of_concern().values())

    def test_unknown_names(self, atlantic: Region) -> None:
        with pytest.raises(UnknownName, match="Did you mean “mckee_1993”"):
            finding(atlantic, SPI, "mckee_1994")
        with pytest.raises(UnknownName, match="flashiness"):
            finding(atlantic, "flashines")


class TestOrder:
    def test_which_end_is_looked_at_first(self, atlantic: Region) -> None:
        assert INDICATORS["low_flow_trend"].better == "higher" and finding(atlantic, "low_flow_trend").low_first
        assert INDICATORS[SPI].better == "neither" and finding(atlantic, SPI).low_first
        assert not finding(atlantic, SPI, "").low_first
        lower = next(i for i in INDICATORS.values() if i.better == "lower" and i.table == "panel")
        made = replace(
            finding(atlantic, SPI).measured, use=replace(finding(atlantic, SPI).measured.use, indicator=lower)
        )
        assert not replace(finding(atlantic, SPI), measured=made).low_first

    def test_the_ends_of_the_ranking(self, ranked: Region) -> None:
        found = finding(ranked, "streamflow_percentile")
        assert found.measured.values.to_dict() == pytest.approx({p: 100 * r / 21 for p, r in RANKS.items()})
        assert found.low_first
        assert found.ranked().index.tolist() == ["002", "005", "003", "006", "004", "001"]
        assert found.ranked(other_end=True).index.tolist() == ["001", "004", "006", "003", "005", "002"]

    def test_places_without_a_value_are_not_ranked(self, atlantic: Region) -> None:
        found = finding(atlantic, "low_flow_trend")
        assert 0 < len(found.ranked()) == found.measured.known < len(found.measured.table)
        assert found.ranked()["value"].is_monotonic_increasing
        assert found.ranked(other_end=True)["value"].is_monotonic_decreasing

    def test_each_class_of_concern_shows_its_own_worst_first(self, ranked: Region) -> None:
        found = finding(ranked, "streamflow_percentile", "usgs_nwd")
        told = {label: rows.index.tolist() for label, rows in found.of_concern().items()}
        assert told == {"Much below normal": ["002", "005"], "Much above normal": ["001", "004"]}
        assert found.concerned == 4

    def test_where_one_end_is_of_concern_its_worst_is_first_in_every_class(self, atlantic: Region) -> None:
        found = finding(atlantic, SPI, "nidis")
        told = found.of_concern()
        assert list(told) == list(standards()["nidis"].classes[SPI].concern)
        assert sum(map(len, told.values())) == found.concerned
        for label, rows in told.items():
            assert rows["value"].is_monotonic_increasing
            assert (found.labels[rows.index] == label).all()


class TestSure:
    def test_an_interval_on_one_side_of_zero(self, atlantic: Region) -> None:
        found = finding(atlantic, "traffic_growth")
        table = found.measured.table
        one_side = np.sign(table["low"]) * np.sign(table["high"]) > 0
        assert 0 < one_side.sum() < len(table)
        assert found.sure.dropna().astype(bool).to_dict() == one_side[table["low"].notna()].to_dict()

    def test_without_an_interval_nothing_is_said(self, atlantic: Region) -> None:
        assert finding(atlantic, "flashiness").sure.isna().all()
        partly = finding(atlantic, "low_flow_trend")
        without = partly.measured.table["low"].isna()
        assert without.any() and partly.sure[without].isna().all() and partly.sure[~without].notna().all()


class TestOffers:
    def test_the_first_of_the_order_that_has_a_value_is_in_front(self, atlantic: Region) -> None:
        assert opening(atlantic, "water", ("low_flow_q95", "flashiness"))[0] == "low_flow_q95"
        assert opening(atlantic, "water", ("groundwater_table_decline", "flashiness"))[0] == "flashiness"
        for order in ((), ("flashiness",), ("no_such",)):
            assert sorted(opening(atlantic, "water", order)) == sorted(uses(atlantic, "water"))

    def test_one_without_a_value_is_passed_over(self, world: World) -> None:
        region = load_region(world.region)
        assert measured(region, "flashiness").known == 0
        assert opening(region, "water", ("flashiness",)) == list(uses(region, "water"))
        assert opening(region, "ground_motion", ("vertical_velocity",)) == []

    def test_what_is_lacking_is_the_rest_of_the_domain(self, atlantic: Region) -> None:
        for domain in ("water", "traffic", "ground_motion"):
            missing = lacking(atlantic, domain)
            assert {m.indicator.domain for m in missing} <= {domain}
            ids = {m.indicator.id for m in missing} | set(uses(atlantic, domain))
            assert ids == {i.id for i in INDICATORS.values() if i.domain == domain}
            assert not {m.indicator.id for m in missing} & set(uses(atlantic, domain))
            assert all(m.needs == m.indicator.needs for m in missing)

    def test_compared_are_those_with_several_standards_and_a_value(self, atlantic: Region) -> None:
        offered = compared(atlantic)
        assert SPI in offered and "flashiness" not in offered
        assert all(len(standards_of(i)) > 1 and measured(atlantic, i).known for i in offered)
        assert SPI not in compared(load_region("lombardy"))


class TestClusters:
    def made(self, found: Finding, values: pd.Series, patch: pytest.MonkeyPatch) -> pd.DataFrame:
        """The clusters, had these values been measured."""
        table = found.measured.table.assign(value=values)
        made = replace(found.measured, table=table)
        patch.setattr(analytics.finding, "measured", lambda region, name, *, reference=None: made)
        return clusters_of.__wrapped__(load_region("mid_atlantic"), found.indicator.id)

    def test_traffic_growth_has_a_kind_for_every_place(self, atlantic: Region) -> None:
        table = clusters_of(atlantic, "traffic_growth")
        values = measured(atlantic, "traffic_growth").values
        assert table.index.equals(values.index)
        assert table["kind"].notna().all()
        assert ((table["kind"] == "no data") == values.isna()).all()
        assert table["p_value"].dropna().between(0, 1, inclusive="right").all()

    def test_a_slope_has_a_high_and_a_low_end_and_gaps_stay_gaps(
        self, atlantic: Region, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = finding(atlantic, "traffic_growth")
        layer = atlantic.layer_of(found.measured.use.datasets[0])
        layer = layer[layer.index.isin(found.measured.values.index)]
        east = layer.to_crs(atlantic.crs_metric).representative_point().x.reindex(found.measured.values.index)
        gone = east.index[::9]
        values = east.mask(east.index.isin(gone))
        table = self.made(found, values, monkeypatch)
        # Beside the gaps, a place all of whose neighbours are gaps.
        silent = set(table.index[table["kind"] == "no data"])
        assert set(gone) <= silent and len(silent) <= len(gone) + 2
        high, low = (east[table["kind"] == kind] for kind in ("high among high", "low among low"))
        assert len(high) > 5 and len(low) > 5
        assert high.min() > east.median() > low.max()
        direct = clusters(values.reindex(layer.index), neighbours(layer, atlantic.crs_metric), permutations=999)
        close = (table["p_value"] - direct["p_value"].reindex(table.index)).abs().dropna()
        assert len(close) == len(table) - len(silent) and close.max() < 0.1  # 999 draws: some σ of √(p(1−p)/999)

    def test_too_few_values_and_places_without_a_position(self, atlantic: Region, world: World) -> None:
        few = clusters_of(atlantic, "streamflow_percentile")
        assert (few["kind"] == "no data").all() and len(few) == len(measured(atlantic, "streamflow_percentile").table)
        world.replace("river_daily", 'locations = "gauges"\n', "")
        with pytest.raises(AlmanacError, match="no position"):
            clusters_of(load_region(world.region), "flashiness")

    def test_with_no_value_anywhere_every_kind_is_no_data(self, world: World) -> None:
        region = load_region(world.region)
        assert clusters_of(region, "flashiness")["kind"].to_dict() == dict.fromkeys(("001", "002", "003"), "no data")
