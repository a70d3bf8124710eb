"""A series against its normal range, worked by hand with NumPy, and yearly values against scipy's trend."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import theilslopes

from analytics.against_normal import Normal, Trend, Yearly, against_normal, yearly
from analytics.measure import Measured, measured
from geodata.region import Region, load_region
from tests.world import World

FLOW = "discharge_m3_per_s"
LEVELS = ("p05", "p10", "p25", "p50", "p75", "p90", "p95")


def weibull(values: np.ndarray) -> np.ndarray:
    """NumPy's percentiles at the plotting positions i / (n + 1), none beyond the outer ranks."""
    n = len(values)
    levels = np.array([float(name[1:]) for name in LEVELS]) / 100
    found = np.quantile(values, levels, method="weibull")
    return np.where((levels * (n + 1) > 1 - 1e-9) & (levels * (n + 1) < n + 1e-9), found, np.nan)


def flow(first: int, last: int, seed: int = 1) -> pd.DataFrame:
    """Made-up daily flow at one gauge."""
    days = pd.date_range(f"{first}-01-01", f"{last}-12-31", freq="D", tz="UTC", unit="us")
    values = np.random.default_rng(seed).gamma(2, 10, len(days))
    return pd.DataFrame({"location_id": "001", "time": days, FLOW: values, "discharge_flag": "A"})


def made(world: World, table: pd.DataFrame) -> tuple[Region, Measured]:
    kinds = {"location_id": "str", "discharge_flag": "category"}
    table.astype(kinds).to_parquet(world.file("river_daily"), index=False)
    world.seal("river_daily")
    region = load_region(world.region)
    return region, measured(region, "flashiness")


def normal(world: World, table: pd.DataFrame, reference: tuple[int, int] | None = None) -> Normal:
    region, found = made(world, table)
    result = against_normal(region, found, "001", reference=reference)
    assert result is not None
    return result


def by_year(world: World, table: pd.DataFrame) -> Yearly:
    region, found = made(world, table)
    result = yearly(region, found, "001")
    assert result is not None
    return result


def trend_of(found: Yearly | None) -> Trend:
    assert found is not None and found.trend is not None
    return found.trend


class TestDaily:
    def test_each_day_has_the_percentiles_of_its_day_in_all_years(self, world: World) -> None:
        table = flow(2001, 2020)
        found = normal(world, table)
        assert (found.years, found.reference) == (20, (2001, 2020))
        assert found.band["time"].equals(found.series["time"])
        assert found.band["time"].iloc[0] == pd.Timestamp("2019-01-01")
        assert found.band["time"].iloc[-1] == pd.Timestamp("2020-12-31")
        assert found.band["time"].diff().dropna().eq(pd.Timedelta(days=1)).all()
        for day in ("2019-07-14", "2020-07-14", "2020-12-31"):
            month_day = pd.Timestamp(day).strftime("%m-%d")
            sample = table.loc[table["time"].dt.strftime("%m-%d") == month_day, FLOW].to_numpy()
            row = found.band.set_index("time").loc[day]
            np.testing.assert_allclose(row[list(LEVELS)].astype(float), weibull(sample), rtol=1e-12)
        assert found.band["p05"].notna().sum() == 730  # 29 February has five years alone
        shown = found.series.set_index("time")["value"]
        assert shown["2020-03-05"] == table.set_index("time").at[pd.Timestamp("2020-03-05", tz="UTC"), FLOW]

    def test_beyond_the_ranks_there_is_nothing(self, world: World) -> None:
        band = normal(world, flow(2009, 2020)).band
        assert band["p05"].isna().all() and band["p95"].isna().all() and band["p10"].notna().any()

    def test_years_outside_the_reference_do_not_move_it(self, world: World) -> None:
        table = flow(1995, 2020)
        clean = normal(world, table, (2001, 2015))
        year = table["time"].dt.year
        poisoned = table.assign(**{FLOW: table[FLOW].where(year.between(2001, 2015), 1e6)})
        found = normal(world, poisoned, (2001, 2015))
        pd.testing.assert_frame_equal(found.band, clean.band)
        assert (found.years, found.reference) == (15, (2001, 2015))
        assert (found.series["value"] == 1e6).all()
        inside = table.assign(**{FLOW: table[FLOW].where(year != 2005, 1e6)})
        assert not normal(world, inside, (2001, 2015)).band.equals(clean.band)

    def test_fewer_than_ten_years_are_not_normal(self, world: World) -> None:
        region, found = made(world, flow(2012, 2020))
        assert against_normal(region, found, "001") is None
        region, found = made(world, flow(2001, 2020))
        assert against_normal(region, found, "001", reference=(2012, 2020)) is None
        assert against_normal(region, found, "001", reference=(2011, 2020)) is not None
        assert against_normal(region, found, "001", reference=(1961, 1990)) is None

    def test_years_without_a_value_do_not_count(self, world: World) -> None:
        table = flow(2010, 2020)
        table.loc[table["time"].dt.year.isin([2012, 2013]), FLOW] = np.nan
        region, found = made(world, table)
        assert against_normal(region, found, "001") is None

    def test_a_gap_stays_a_gap_and_provisional_values_are_marked(self, world: World) -> None:
        table = flow(2001, 2020)
        gap = table["time"].between(pd.Timestamp("2020-05-01", tz="UTC"), pd.Timestamp("2020-05-10", tz="UTC"))
        late = table["time"] >= pd.Timestamp("2020-12-01", tz="UTC")
        table.loc[late, "discharge_flag"] = "P"
        series = normal(world, table[~gap]).series.set_index("time")
        assert series.loc["2020-05-01":"2020-05-10", "value"].isna().all()
        assert series["value"].isna().sum() == 10
        assert series["provisional"].sum() == 31 and series.loc["2020-12-01":, "provisional"].all()

    def test_it_ends_with_the_last_value_not_with_the_last_row(self, world: World) -> None:
        table = flow(2001, 2020)
        table.loc[table["time"] > pd.Timestamp("2019-06-15", tz="UTC"), FLOW] = np.nan
        found = normal(world, table)
        assert found.series["time"].iloc[-1] == found.band["time"].iloc[-1] == pd.Timestamp("2019-06-15")

    def test_a_place_with_rows_but_no_value(self, world: World) -> None:
        region, found = made(world, flow(2001, 2020).assign(**{FLOW: np.nan}))
        assert found.table.at["001", "reason"] == "values"
        assert against_normal(region, found, "001") is None and yearly(region, found, "001") is None


def test_what_has_no_series_has_no_normal() -> None:
    ground = load_region("california_ground")
    motion = measured(ground, "vertical_velocity")
    site = str(motion.table.index[0])
    assert against_normal(ground, motion, site) is None and yearly(ground, motion, site) is None
    water = load_region("mid_atlantic")
    river = measured(water, "flashiness")
    assert against_normal(water, river, "01632000") is not None
    assert against_normal(water, river, "nowhere") is None and yearly(water, river, "nowhere") is None


class TestByMonth:
    def test_monthly_values(self) -> None:
        region = load_region("mid_atlantic")
        found = measured(region, "standardized_precipitation_index")
        place = str(found.table.index[3])
        panel = region.table("nclimdiv_precipitation")
        mine = panel[panel["location_id"] == place].dropna()
        result = against_normal(region, found, place, reference=(1961, 1990))
        assert result is not None and (result.years, result.reference) == (30, (1961, 1990))
        past = mine[mine["time"].dt.year.between(1961, 1990)]
        for month in (2, 9):
            sample = past.loc[past["time"].dt.month == month, "precipitation_mm"].to_numpy()
            assert len(sample) == 30
            rows = result.band[result.band["time"].dt.month == month]
            assert len(rows) == 6
            for _, row in rows.iterrows():
                np.testing.assert_allclose(row[list(LEVELS)].astype(float), weibull(sample), rtol=1e-12)
        assert len(result.series) == 72
        last = mine.sort_values("time").iloc[-1]
        assert result.series["value"].iloc[-1] == last["precipitation_mm"]
        assert result.series["time"].iloc[-1] == last["time"].tz_localize(None)

    def test_irregular_values_count_once_a_month_and_year(self) -> None:
        region = load_region("noord_brabant")
        found = measured(region, "groundwater_table_decline")
        panel = region.table("noord_brabant_heads").dropna(subset="head_m")
        local = panel.assign(time=panel["time"].dt.tz_convert(region.timezone).dt.tz_localize(None))
        years = local.groupby("location_id")["time"].agg(lambda t: t.dt.year.nunique())
        place = str(years.idxmax())
        result = against_normal(region, found, place)
        assert result is not None and result.years == years.max()
        mine = local[local["location_id"] == place]
        july = mine[mine["time"].dt.month == 7].groupby(mine["time"].dt.year)["head_m"].mean().to_numpy()
        assert len(july) < (mine["time"].dt.month == 7).sum()
        row = result.band[result.band["time"].dt.month == 7].iloc[-1]
        np.testing.assert_allclose(row[list(LEVELS)].astype(float), weibull(july), rtol=1e-12)

    def test_a_place_of_which_the_first_column_is_unknown(self) -> None:
        region = load_region("noord_brabant")
        found = measured(region, "standardized_precipitation_evapotranspiration_index")
        rain = set(region.table("noord_brabant_rain")["location_id"])
        (place,) = set(found.table.index) - rain
        assert against_normal(region, found, place) is None and yearly(region, found, place) is None


class TestYearly:
    def test_the_trend_is_theil_s_and_sen_s(self, world: World) -> None:
        for first in (2001, 2012):
            table = flow(first, 2020, seed=first)
            found = by_year(world, table)
            means = table.groupby(table["time"].dt.year)[FLOW].mean()
            np.testing.assert_allclose(found.values, means)
            assert found.years.tolist() == list(range(first, 2021))
            trend = trend_of(found)
            slope, _, low, high = theilslopes(means.to_numpy(), means.index.to_numpy(), 0.95)
            assert trend.slope == pytest.approx(slope)
            assert trend.years == (first, 2020)
            assert trend.line[1] - trend.line[0] == pytest.approx(slope * (2020 - first))
            assert trend.low <= trend.slope <= trend.high
            if first == 2012:  # with more than ten years, the interval allows for dependence between years
                assert (trend.low, trend.high) == (pytest.approx(low, rel=0.25), pytest.approx(high, rel=0.25))

    def test_it_is_fitted_on_the_years_asked_for(self, world: World) -> None:
        table = flow(1998, 2020)
        year = table["time"].dt.year
        poisoned = table.assign(**{FLOW: table[FLOW].where(year.between(2005, 2016), 1e6)})
        region, found = made(world, table)
        result = yearly(region, found, "001", reference=(2005, 2016))
        clean = trend_of(result)
        region, found = made(world, poisoned)
        again = trend_of(yearly(region, found, "001", reference=(2005, 2016)))
        assert (again.slope, again.low, again.high, again.p_value) == (
            clean.slope,
            clean.low,
            clean.high,
            clean.p_value,
        )
        assert clean.years == (2005, 2016)
        assert result is not None and result.years.tolist() == list(range(1998, 2021))
        means = table[year.between(2005, 2016)].groupby(year)[FLOW].mean()
        assert clean.slope == pytest.approx(theilslopes(means.to_numpy(), means.index.to_numpy())[0])
        few = yearly(region, found, "001", reference=(2016, 2040))
        assert few is not None and few.trend is None and len(few.years) == 23

    def test_a_sure_rise_and_an_unsure_one(self, world: World) -> None:
        rising = flow(2008, 2020)
        rising[FLOW] = rising[FLOW] / 50 + (rising["time"].dt.year - 2008) * 3.0
        trend = trend_of(by_year(world, rising))
        assert trend.sure and trend.slope == pytest.approx(3.0, abs=0.05) and trend.p_value < 0.001
        falling = trend_of(by_year(world, rising.assign(**{FLOW: 1000 - rising[FLOW]})))
        assert falling.sure and falling.slope == pytest.approx(-trend.slope)
        noise = trend_of(by_year(world, flow(2008, 2020)))
        assert (noise.p_value < 0.05) == noise.sure

    def test_a_year_needs_nine_tenths_of_its_days(self, world: World) -> None:
        table = flow(2010, 2020)
        year, day = table["time"].dt.year, table["time"].dt.day_of_year
        for gone, days in ((2013, 36), (2016, 38)):
            table.loc[(year == gone) & (day > 200) & (day <= 200 + days), FLOW] = np.nan
        found = by_year(world, table)
        missing = dict(zip(found.years.tolist(), np.isnan(found.values).tolist(), strict=True))
        assert [y for y, gone in missing.items() if gone] == [2016]

    def test_begun_years_at_the_ends_are_no_years(self, world: World) -> None:
        table = flow(2008, 2020)
        inside = (table["time"] >= pd.Timestamp("2008-07-01", tz="UTC")) & (
            table["time"] <= pd.Timestamp("2020-01-01", tz="UTC")
        )
        found = by_year(world, table[inside])
        assert found.years.tolist() == list(range(2009, 2020))
        assert np.isfinite(found.values).all() and found.trend is not None
        assert found.trend.line[1] - found.trend.line[0] == pytest.approx(found.trend.slope * 10)

    def test_too_few_years(self, world: World) -> None:
        five = by_year(world, flow(2016, 2020))
        assert five.trend is None
        assert len(five.values) == 5
        region, found = made(world, flow(2019, 2020))
        assert yearly(region, found, "001") is None

    def test_what_adds_up_is_summed_and_a_state_is_averaged(self, world: World) -> None:
        table = flow(2010, 2020)
        mean = by_year(world, table)
        world.replace("river_daily", 'aggregate = "mean"', 'aggregate = "sum"')
        total = by_year(world, table)
        days = np.where(mean.years % 4 == 0, 366, 365)
        np.testing.assert_allclose(total.values, mean.values * days)
        world.replace("river_daily", 'aggregate = "sum"', 'aggregate = "none"')
        region, found = made(world, table)
        assert yearly(region, found, "001") is None

    def test_a_series_by_year_is_taken_as_it_is(self) -> None:
        region = load_region("mid_atlantic")
        found = measured(region, "traffic_growth")
        place = str(found.table.index[0])
        panel = region.table("ncdot_traffic")
        mine = panel[panel["location_id"] == place].set_index(panel["time"].dt.year[panel["location_id"] == place])
        result = yearly(region, found, place)
        assert result is not None
        wanted = mine["traffic_veh_per_day"].reindex(result.years)
        np.testing.assert_array_equal(result.values, wanted)
        assert result.trend is not None
        assert result.trend.slope == pytest.approx(theilslopes(wanted.dropna(), wanted.dropna().index)[0])

    def test_of_an_irregular_series_a_year_needs_nine_months(self) -> None:
        region = load_region("noord_brabant")
        found = measured(region, "groundwater_table_decline")
        panel = region.table("noord_brabant_heads").dropna(subset="head_m")
        local = panel.assign(time=panel["time"].dt.tz_convert(region.timezone).dt.tz_localize(None))
        years = local["time"].dt.year
        months = local["time"].dt.month.groupby([local["location_id"].astype(str), years]).nunique()
        seen = {True: 0, False: 0}
        for place in found.table.index:
            result = yearly(region, found, str(place))
            if result is None:
                continue
            for year, value in zip(result.years, result.values, strict=True):
                full = months.get((place, year), 0) >= 9
                assert full == np.isfinite(value), (place, year)
                seen[full] += 1
        assert min(seen.values()) > 5
