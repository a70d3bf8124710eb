"""What is normal on a day of the year: exact on small records, fitted on the reference only, alone at each place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics.indicators.flow_percentiles import streamflow_percentile, streamflow_percentiles
from analytics.normals import (
    DAYS,
    day_of_year_percentiles,
    day_slot,
    normal_band,
    percentile_among,
    percentile_of_day,
    percentile_of_last_day,
)
from analytics.standard import standard_named
from geodata.errors import AlmanacError

TIMES = pd.date_range("1991-01-01", "2015-06-30")
FEBRUARY_29 = 59


def made_up(places: int = 3, *, missing: float = 0.03) -> np.ndarray:
    rng = np.random.default_rng(5)
    values = np.exp(rng.normal(0, 1, (places, len(TIMES))))
    values[rng.random(values.shape) < missing] = np.nan
    return values


def by_numpy(values: np.ndarray, percentiles: tuple[float, ...], least_years: int) -> np.ndarray:
    """Place by place and day by day, with NumPy's Weibull percentile, missing beyond the ranks."""
    result = np.full((len(values), DAYS, len(percentiles)), np.nan)
    slots = day_slot(TIMES)
    for place, row in enumerate(values):
        for slot in range(DAYS):
            mine = row[slots == slot]
            mine = mine[np.isfinite(mine)]
            if len(mine) < least_years:
                continue
            found = np.percentile(mine, percentiles, method="weibull")
            ranks = np.array(percentiles) / 100 * (len(mine) + 1)
            result[place, slot] = np.where((ranks > 1 - 1e-9) & (ranks < len(mine) + 1e-9), found, np.nan)
    return result


class TestDayOfYearPercentiles:
    def test_they_are_those_of_numpy(self) -> None:
        values, levels = made_up(), (3.0, 4.0, 5.0, 12.5, 25.0, 50.0, 90.0, 96.0)
        normals = day_of_year_percentiles(values, TIMES, percentiles=levels)
        np.testing.assert_allclose(normals.values, by_numpy(values, levels, 10), rtol=1e-12)

    def test_too_few_years_have_none(self) -> None:
        normals = day_of_year_percentiles(made_up(missing=0.0), TIMES)
        assert normals.years[0, FEBRUARY_29] == 6
        assert np.isnan(normals.values[:, FEBRUARY_29]).all()
        assert np.isfinite(normals.values[:, FEBRUARY_29 - 1, 3]).all()
        assert np.isfinite(
            day_of_year_percentiles(made_up(missing=0.0), TIMES, least_years=6).values[0, FEBRUARY_29, 3]
        )

    def test_only_the_reference_counts(self) -> None:
        values = made_up()
        later = values.copy()
        later[:, TIMES.year > 2010] *= 100
        first = day_of_year_percentiles(values, TIMES, reference=(1991, 2010))
        again = day_of_year_percentiles(later, TIMES, reference=(1991, 2010))
        np.testing.assert_array_equal(first.values, again.values)
        assert first.reference == (1991, 2010)
        assert first.years.max() == 20
        assert not np.array_equal(first.values, day_of_year_percentiles(values, TIMES).values, equal_nan=True)

    def test_a_place_is_not_touched_by_others(self) -> None:
        values = made_up(5)
        together = day_of_year_percentiles(values, TIMES)
        alone = day_of_year_percentiles(values[3:4], TIMES)
        np.testing.assert_array_equal(together.values[3], alone.values[0])

    def test_many_places_are_taken_in_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        values = made_up(7)
        whole = day_of_year_percentiles(values, TIMES, window=1)
        monkeypatch.setattr("analytics.normals._CELLS", 20_000)
        np.testing.assert_array_equal(day_of_year_percentiles(values, TIMES, window=1).values, whole.values)

    def test_a_window_takes_the_days_around_across_the_turn_of_the_year(self) -> None:
        values = made_up(1, missing=0.0)
        normals = day_of_year_percentiles(values, TIMES, percentiles=(50.0,), window=2)
        centres = np.flatnonzero((TIMES.month == 1) & (TIMES.day == 1))
        pool = [values[0, max(0, c - 2) : c + 3] for c in centres]
        assert normals.values[0, 0, 0] == pytest.approx(np.percentile(np.concatenate(pool), 50, method="weibull"))
        assert normals.years[0, 0] == 25

    def test_the_input_is_left_as_it_was(self) -> None:
        values = made_up()
        before = values.copy()
        day_of_year_percentiles(values, TIMES)
        percentile_of_day(values, TIMES)
        np.testing.assert_array_equal(values, before)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"percentiles": (0, 50)},
            {"percentiles": ()},
            {"window": -1},
            {"reference": (2010, 1991)},
            {"least_years": 1},
        ],
    )
    def test_what_cannot_be_is_refused(self, wrong: dict[str, object]) -> None:
        with pytest.raises(AlmanacError, match="is needed"):
            day_of_year_percentiles(made_up(1), TIMES, **wrong)  # type: ignore[arg-type]


class TestPercentileOfDay:
    def test_each_value_has_its_own_rank(self) -> None:
        values = made_up(2)
        found = percentile_of_day(values, TIMES)
        chosen = np.flatnonzero((TIMES.month == 8) & (TIMES.day == 9))
        mine = values[1, chosen]
        ranks = pd.Series(mine).rank().to_numpy()
        np.testing.assert_allclose(found[1, chosen], 100 * ranks / (np.isfinite(mine).sum() + 1))

    def test_the_last_day_is_that_of_the_series(self) -> None:
        values = made_up(4)
        values[1, -40:] = np.nan
        whole = percentile_of_day(values, TIMES, reference=(1991, 2014))
        last = [np.flatnonzero(np.isfinite(row))[-1] for row in values]
        np.testing.assert_array_equal(
            percentile_of_last_day(values, TIMES, reference=(1991, 2014)), whole[np.arange(4), last]
        )

    def test_new_lows_and_highs_are_0_and_100_unless_they_count_themselves(self) -> None:
        values = made_up(2, missing=0.0)
        values[0, -1], values[1, -1] = 1e-6, 1e6
        assert percentile_of_last_day(values, TIMES, reference=(1991, 2014)).tolist() == [0.0, 100.0]
        assert percentile_of_last_day(values, TIMES).round(6).tolist() == [round(100 / 26, 6), round(2500 / 26, 6)]

    def test_a_dry_day_where_most_are_dry_is_no_record_low(self) -> None:
        sample = np.array([0.0] * 12 + [1.0, 2.0, 3.0])
        assert percentile_among(np.array([0.0]), sample[None]).tolist() == [75.0]

    def test_negative_flows_of_tidal_rivers_are_ranked(self) -> None:
        sample = np.array([-3.0, -1.0, 0.0, 5.0])
        assert percentile_among(np.array([-1.0, -2.0]), np.tile(sample, (2, 1))).tolist() == [40.0, 30.0]


class TestNormalBand:
    PANEL = pd.DataFrame(
        {
            "location_id": np.repeat(["a", "b", "c"], len(TIMES)),
            "time": np.tile(TIMES.tz_localize("UTC"), 3),
            "discharge_m3_per_s": made_up().ravel(),
        }
    )

    def test_it_ends_with_the_record_and_lies_in_order(self) -> None:
        band = normal_band(self.PANEL, "b", "discharge_m3_per_s")
        assert list(band.columns) == ["time", "p05", "p10", "p25", "p50", "p75", "p90", "p95"]
        assert band["time"].iloc[-1] == pd.Timestamp("2015-06-30", tz="UTC")
        assert 700 < len(band) <= 731
        whole = band.drop(columns="time").dropna().to_numpy()
        assert (np.diff(whole, axis=1) >= 0).all()

    def test_a_day_has_the_percentiles_of_its_month_and_day(self) -> None:
        band = normal_band(self.PANEL, "b", "discharge_m3_per_s", reference=(1991, 2010)).set_index("time")
        normals = day_of_year_percentiles(made_up(), TIMES, reference=(1991, 2010))
        assert band.loc[pd.Timestamp("2015-03-01", tz="UTC"), "p50"] == normals.values[1, 60, 3]

    def test_a_record_of_one_year_has_none(self) -> None:
        short = self.PANEL[self.PANEL["time"].dt.year == 2014]
        assert normal_band(short, "a", "discharge_m3_per_s").empty

    def test_an_unknown_place_is_named(self) -> None:
        with pytest.raises(AlmanacError, match="nowhere"):
            normal_band(self.PANEL, "nowhere", "discharge_m3_per_s")

    def test_the_indicator_is_the_last_of_its_series(self) -> None:
        series = streamflow_percentiles(self.PANEL)
        last = series.groupby("location_id")["percentile"].last()
        latest = self.PANEL.dropna().groupby("location_id")["time"].last()
        ends = series.groupby("location_id")["time"].last()
        assert (latest == ends).all()
        pd.testing.assert_series_equal(last, streamflow_percentile(self.PANEL), check_names=False)


class TestClassesOfPercentiles:
    @pytest.mark.parametrize(
        ("standard", "indicator", "value", "label"),
        [
            ("usgs_nwd", "streamflow_percentile", 9.99, "Much below normal"),
            ("usgs_nwd", "streamflow_percentile", 10.0, "Below normal"),
            ("usgs_nwd", "streamflow_percentile", 25.0, "Normal"),
            ("usgs_nwd", "streamflow_percentile", 75.5, "Normal"),
            ("usgs_nwd", "streamflow_percentile", 76.0, "Above normal"),
            ("usgs_nwd", "streamflow_percentile", 90.0, "Much above normal"),
            ("usgs_waterwatch", "streamflow_percentile", 75.5, "Above normal"),
            ("usgs_waterwatch", "high_flow_percentile", 98.99, "95th to 98th percentile"),
            ("nidis", "low_flow_percentile", 0.0, "D4 Exceptional drought"),
            ("nidis", "low_flow_percentile", 2.0, "D4 Exceptional drought"),
            ("nidis", "low_flow_percentile", 30.0, "D0 Abnormally dry"),
            ("nidis", "low_flow_percentile", 30.01, "No drought"),
        ],
    )
    def test_their_edges_fall_where_the_authority_puts_them(
        self, standard: str, indicator: str, value: float, label: str
    ) -> None:
        assert standard_named(standard).label(indicator, pd.Series([value])).tolist() == [label]
