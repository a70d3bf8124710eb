"""Flood curves against the official programs' outputs, the examples of Bulletin 17C, and what must hold for any record.

The outputs of PeakFQ and PeakfqSA are read from `../shared/benchmarks/flood_frequency` beside the project; where that
folder is absent, their tests are skipped, saying so. The 1 % floods of the same stations are golden cases too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.flood_frequency import (
    LogPearson,
    Peaks,
    Threshold,
    TooFewPeaks,
    fit_log_pearson,
    flood_quantiles,
    multiple_grubbs_beck,
)
from analytics.flood_frequency.confidence import SMALLEST_SKEW, Censoring, skew_mse
from analytics.flood_frequency.low_outliers import low_outlier_p_values
from geodata.errors import AlmanacError, BrokenData

BENCHMARKS = Path(__file__).parents[3] / "shared" / "benchmarks" / "flood_frequency"
PRESQUE_ISLE = BENCHMARKS / "usgs_04031500" / "peakfq_7.1_output.prt"
BIG_SANDY = BENCHMARKS / "big_sandy_03606500"
GOLDEN = Path(__file__).parents[1] / "golden"
official = pytest.mark.skipif(
    not BENCHMARKS.is_dir(),
    reason="skipped: the official outputs in ../shared/benchmarks/flood_frequency are not on this machine",
)
CUBIC_FOOT = 0.3048**3


def peaks_of(text: str, years: Iterable[int]) -> pd.Series:
    return pd.Series([float(word) for word in text.split()], index=list(years))


# The peaks of examples 3 to 7 of Bulletin 17C (ft³/s): measurements of the USGS, in the public domain.
BACK_CREEK = peaks_of(
    """
    8750 15500 4060 22000 6300 3130 4160 6700 22400 3880 8050 4020 1600 4460 4230 3010 9150 5100 9820 6200 10700
    3880 3420 3240 6800 3740 4700 4380 5190 3960 5600 4670 7080 4640 536 6680 8360 18700 5210 4680 7940 11800 8730
    2300 13900 4190 6370 9460 6560 2000 5040 7670 4830 9070 10300 4650
    """,
    [1929, 1930, 1931, 1936, *range(1939, 1976), *range(1993, 1999), *range(2004, 2013)],
)
SANTA_CRUZ = peaks_of(
    """
    1650 4520 2560 550 3320 1570 4300 1360 688 380 243 625 1120 8 2390 2330 4810 1780 1870 986 484 880 2830 2070
    1490 1730 3330 3540 1130 12000 1060 406 1110 2640 1120 12000 850 4210 291 804 871 3510 17 483 4880 478 2020
    1860 2970 1110 4870 2240 1080 2 22 256 73 5940 3060 1180 1530 392 95 12 612
    """,
    range(1949, 2014),
)
ARKANSAS = peaks_of(
    """
    6100 16500 4300 7500 8800 7600 11100 30000 10500 8500 8000 11000 6600 7600 5800 8400 3700 10500 7800 7500
    17000 8900 6800 9600 6300 8500 8850 25600 6510 4930 4520 12400 7800 10500 6050 3560 4380 8630 2580 9880 11200
    9300 11200 2910 3860 7560 10300 3320 5980 9290 7050 7280 10900 12800 8700 9300 4740 6770 10200 11100 8010 9070
    4540 2820 5260 5760 3540 8360 2840 23500 10600 5870 5190 6620 6300 3360 3360 6760 5440 10200 12800
    """,
    [*range(1895, 1921), *range(1922, 1977)],
)
BEAR_CREEK = peaks_of(
    """
    4000 1180 2880 1310 1420 3130 1180 1620 1570 2060 705 3340 3530 2010 1830 2240 2770 4030 2180 1780 1610 1910
    990 899 1820 3120 1850 1840 2410 1400 1560 3130 714 1940 2840 3520 2430 2670 560 3000 859 710 2390 3160 2520
    3750 2600 1450 3850 1200
    """,
    range(1965, 2015),
)
AMERICAN = peaks_of(
    """
    24200 59700 156000 10300 119000 81300 74100 47900 40700 42300 67500 20100 39200 31600 39000 14000 99500 27400
    67700 163000 24400 9900 21100 16500 22600 60900 58300 33000 114000 10900 89200 38800 83200 152000 20100 94400
    42200 27900 21000 37500 34400 180000 37200 49700 42600 10800 219000 42000 54000 20000 75000 8000 40000 240000
    24000 260000 6500 46000 30000 120000 122000 48000 12000 69000 55000 46000 15000 40000 33000 175000 20000
    152000 93000 88000 17000 259000 298000
    """,
    [*range(1905, 1910), 1911, *range(1914, 1918), *range(1919, 1929), *range(1930, 1977), *range(1978, 1987), 1997],
)


def golden_peaks(case: str, place: str) -> pd.Series:
    """The peaks of a golden case in ft³/s, by water year."""
    table = pd.read_csv(GOLDEN / case / "input.csv", dtype={"location_id": str}, parse_dates=["time"])
    mine = table[table["location_id"] == place]
    values = (mine["peak_discharge_m3_per_s"] / CUBIC_FOOT).round(6)
    return pd.Series(values.to_numpy(), index=(mine["time"].dt.year + 1).to_numpy())


@pytest.fixture(scope="module")
def orestimba() -> pd.Series:
    return golden_peaks("flood_quantile_bulletin_17c", "11274500")


@pytest.fixture(scope="module")
def moose() -> pd.Series:
    return golden_peaks("flood_quantile_bulletin_17c", "01134500")


def with_intervals(peaks: pd.Series, intervals: dict[int, tuple[float, float]]) -> Peaks:
    low, high = np.array(list(intervals.values()), dtype=float).T
    year = np.concatenate([peaks.index.to_numpy(), list(intervals)])
    return Peaks(year, np.concatenate([peaks, low]), np.concatenate([peaks, high]))


def printed(text: str) -> tuple[float, float]:
    """A number as PeakFQ prints it, and half of its last digit: of a thousand and more, four digits count."""
    value = float(text)
    if value >= 1000:
        return value, 0.5 * 10.0 ** (int(np.log10(value)) - 3)
    return value, 0.5 * 10.0 ** -len(text.partition(".")[2])


PRESQUE_ISLE_TEXT = PRESQUE_ISLE.read_text(encoding="latin-1") if BENCHMARKS.is_dir() else ""


@pytest.fixture(scope="module")
def presque_isle() -> LogPearson:
    listing = PRESQUE_ISLE_TEXT.split("I N P U T   D A T A   L I S T I N G")[1].split("Explanation")[0]
    found = re.findall(r"^ +(\d{4}) +(\d+\.\d) *$", listing, flags=re.MULTILINE)
    assert len(found) == 38
    return fit_log_pearson(pd.Series({int(year): float(value) for year, value in found}))


def after(name: str, text: str) -> list[float]:
    """The numbers that follow a name in a program's output."""
    _, found, rest = text.partition(name)
    assert found, name
    numbers = re.match(r"[^\d\n-]*((?:-?\d+\.\d+ *)+)", rest)
    assert numbers, name
    return [float(word) for word in numbers.group(1).split()]


@official
class TestPeakFQ:
    """Presque Isle River at Marenisco, 04031500: PeakFQ 7.1, gauged peaks only, station skew, 95 % limits."""

    def test_moments(self, presque_isle: LogPearson) -> None:
        fit = presque_isle
        mean, deviation, skew = after("EMA W/O REG. INFO", PRESQUE_ISLE_TEXT)
        assert fit.mean == pytest.approx(mean, abs=0.5e-4)
        assert fit.standard_deviation == pytest.approx(deviation, abs=0.5e-4)
        assert fit.skew == pytest.approx(skew, abs=0.5e-3)
        assert (fit.n_low_outliers, fit.low_outlier_threshold, fit.n_historic, fit.n_censored) == (0, 0, 0, 0)

    def test_error_of_the_skew(self, presque_isle: LogPearson) -> None:
        (stated,) = after("MSE OF SKEW W/O REG. INFO (AT-SITE)", PRESQUE_ISLE_TEXT)
        assert presque_isle.skew_mse == pytest.approx(stated, abs=0.5e-4)
        assert presque_isle.skew_mse_systematic == pytest.approx(stated, abs=0.5e-4)

    def test_every_printed_digit_of_the_curve(self, presque_isle: LogPearson) -> None:
        line = r"^ +(0\.\d{4}) +(\S+) +\S+ +(0\.\d{4}) +(\S+) +(\S+) *$"
        rows = re.findall(line, PRESQUE_ISLE_TEXT, flags=re.MULTILINE)
        assert len(rows) == 15
        curve = presque_isle.quantiles([float(row[0]) for row in rows], coverage=0.95)
        for (_, found), row in zip(curve.iterrows(), rows, strict=True):
            for name, text in zip(("discharge", "variance_log10", "low", "high"), row[1:], strict=True):
                value, half = printed(text)
                # 5 % of a digit for what is close to being rounded the other way.
                assert found[name] == pytest.approx(value, abs=1.1 * half), f"{row[0]} {name}"


@official
class TestPeakfqSA:
    """Big Sandy River at Bruceton, 03606500: PeakfqSA 0.997, historic peaks, generalized skew, 90 % limits."""

    spec = (BIG_SANDY / "TestCase02.spc").read_text(encoding="latin-1") if BENCHMARKS.is_dir() else ""
    text = (BIG_SANDY / "TestCase02.out").read_text(encoding="latin-1") if BENCHMARKS.is_dir() else ""

    def peaks(self) -> tuple[pd.Series, list[Threshold]]:
        found = re.findall(r"^Q (\d{4}) +(\S+)", self.spec, flags=re.MULTILINE)
        spans = re.findall(r"^THRESHOLD +(\d{4}) (\d{4}) (\S+)", self.spec, flags=re.MULTILINE)
        assert len(found) == 47 and len(spans) == 2
        thresholds = [Threshold(int(begin), int(end), float(lower)) for begin, end, lower in spans]
        return pd.Series({int(year): float(value) for year, value in found}), thresholds

    def test_station_moments(self) -> None:
        peaks, thresholds = self.peaks()
        fit = fit_log_pearson(peaks, thresholds=thresholds)
        found = [fit.mean, fit.standard_deviation, fit.skew]
        assert found == pytest.approx(after("w/o Reg. Info", self.text), abs=0.6e-6)
        assert (fit.n_systematic, fit.n_historic, fit.n_censored, fit.n_low_outliers) == (44, 3, 30, 0)

    def test_error_of_the_skew(self) -> None:
        peaks, thresholds = self.peaks()
        fit = fit_log_pearson(peaks, thresholds=thresholds)
        assert fit.skew_mse_systematic == pytest.approx(after("MSE[G_atsite_systematic]", self.text)[0], abs=0.6e-6)
        assert skew_mse(
            [fit.mean, fit.standard_deviation**2, fit.skew], fit.censoring, adjusted=False
        ) == pytest.approx(after("B17B Est. of MSE[G_atsite]", self.text)[0], abs=0.6e-6)
        # Not to the last digit: the sum of large terms of either sign, of which the program keeps fewer digits.
        assert fit.skew_mse == pytest.approx(after("EMA (ADJE) Est. of MSE[G_ats", self.text)[0], rel=1.2e-4)
        assert fit.effective_years == pytest.approx(after("ERL[G_atsite]", self.text)[0], rel=1.2e-4)

    def test_curve_and_limits(self) -> None:
        peaks, thresholds = self.peaks()
        fit = fit_log_pearson(peaks, thresholds=thresholds, regional_skew=-0.5, skew_option="regional")
        found = [fit.mean, fit.standard_deviation, fit.skew]
        assert found == pytest.approx(after("w/Reg. Info & Spec. MSE(G)", self.text), abs=0.6e-6)
        rows = re.findall(r"^EMA-Q (0\.\d{4}) +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)", self.text, flags=re.MULTILINE)
        stated = np.array(rows, dtype=float)
        assert len(stated) == 32
        curve = fit.quantiles(stated[:, 0], coverage=0.90)
        np.testing.assert_allclose(curve["discharge"], stated[:, 1], rtol=2e-5)
        np.testing.assert_allclose(curve["variance_log10"], stated[:, 2], atol=0.6e-5)
        np.testing.assert_allclose(curve["low"], stated[:, 4], rtol=5e-5)
        np.testing.assert_allclose(curve["high"], stated[:, 5], rtol=2e-5)
        inner = (stated[:, 0] < 0.999) & (stated[:, 0] > 0.0005)
        for name, column in (("discharge", 1), ("low", 4), ("high", 5)):
            np.testing.assert_allclose(curve[name][inner], stated[inner, column], rtol=1e-5)
        station = fit_log_pearson(peaks, thresholds=thresholds).quantiles(stated[:, 0])
        np.testing.assert_allclose(station["discharge"], stated[:, 3], rtol=4e-5)

    def test_the_smallest_peak_is_no_outlier(self) -> None:
        peaks, _ = self.peaks()
        stated = after(")  p", self.text)[0]
        assert low_outlier_p_values(peaks.loc[1930:])[0] == pytest.approx(stated, abs=0.5e-4)
        assert multiple_grubbs_beck(peaks.loc[1930:]) == 0


class TestBulletin17C:
    """The worked examples of appendix 10.

    The results printed in the bulletin for examples 1 and 2 are those quoted by public programs' tests; the moments of
    examples 3 to 7 are the reference values of the verification data of RMC-BestFit (U.S. Army Corps of Engineers).
    """

    @pytest.mark.parametrize(
        "place", ["flood_quantile_03606500", "flood_quantile_04031500", "flood_quantile_bulletin_17c"]
    )
    def test_golden_cases(self, place: str) -> None:
        case = tomllib.loads((GOLDEN / place / "case.toml").read_text(encoding="utf-8"))
        panel = pd.read_csv(GOLDEN / place / "input.csv", dtype={"location_id": str}, parse_dates=["time"])
        expected = pd.read_csv(GOLDEN / place / "expected.csv", dtype={"location_id": str}).set_index("location_id")
        found = flood_quantiles(panel, **case["parameters"])
        pd.testing.assert_frame_equal(found[expected.columns], expected, rtol=case["tolerance_relative"], atol=0)

    def test_moose_river(self, moose: pd.Series) -> None:
        station = fit_log_pearson(moose)
        assert (station.mean, station.standard_deviation) == pytest.approx((3.3286, 0.1403), abs=0.5e-4)
        assert station.skew == pytest.approx(0.397, abs=0.5e-3)
        assert station.skew_mse == pytest.approx(0.101, abs=0.5e-3)
        floods = station.quantiles([0.1, 0.04, 0.02, 0.01, 0.005, 0.002])["discharge"]
        np.testing.assert_allclose(floods, [3261, 3911, 4422, 4957, 5519, 6313], atol=0.51)
        weighted = fit_log_pearson(moose, regional_skew=0.44, regional_skew_mse=0.078, skew_option="weighted")
        assert weighted.skew == pytest.approx(0.421, abs=0.5e-3)
        assert weighted.station_skew == station.skew

    def test_orestimba_creek(self, orestimba: pd.Series) -> None:
        fit = fit_log_pearson(orestimba)
        assert (fit.low_outlier_threshold, fit.n_low_outliers, fit.n_systematic) == (782, 30, 82)
        assert (fit.mean, fit.standard_deviation) == pytest.approx((3.0227, 0.6821), abs=0.5e-4)
        assert fit.skew == pytest.approx(-0.929, abs=0.5e-3)
        floods = fit.quantiles([0.5, 0.2, 0.1, 0.04, 0.02, 0.01, 0.005, 0.002])["discharge"]
        np.testing.assert_allclose(floods, [1339, 4026, 6328, 9426, 11690, 13820, 15800, 18150], rtol=4e-4)

    def test_back_creek_with_broken_record_and_historic_flood(self) -> None:
        spans = [Threshold(1932, 1938, 21000), Threshold(1976, 1992, 21000), Threshold(1999, 2003, 21000)]
        fit = fit_log_pearson(BACK_CREEK, thresholds=spans)
        assert (fit.low_outlier_threshold, fit.n_low_outliers, fit.n_historic) == (2000, 2, 1)
        found = (fit.mean, fit.standard_deviation, fit.skew)
        assert found == pytest.approx((3.75983428546661, 0.243406211005975, 0.144442997114291), abs=1e-8)

    def test_arkansas_river_with_intervals_and_694_years_of_palaeohydrology(self) -> None:
        intervals = {1864: (41e3, 60e3), 1893: (20e3, 25e3), 1894: (35e3, 40e3), 1921: (80e3, 103e3)}
        spans = [(1165, 1858, 150e3), (1859, 1892, 40e3), (1893, 1894, 19.9e3), (1977, 2004, 20e3)]
        peaks = with_intervals(ARKANSAS, intervals)  # type: ignore[arg-type]
        fit = fit_log_pearson(peaks, thresholds=[Threshold(*span) for span in spans])
        found = (fit.mean, fit.standard_deviation, fit.skew)
        assert found == pytest.approx((3.8857772463796, 0.245920859300769, 0.817849936502285), abs=1e-8)

    def test_bear_creek_with_the_bases_of_a_crest_stage_gauge(self) -> None:
        spans = [(1965, 1972, 1180), (1973, 1991, 705), (1992, 2001, 714), (2002, 2002, 743), (2003, 2003, 560)]
        spans += [(2004, 2005, 700), (2006, 2009, 710), (2010, 2012, 661), (2013, 2014, 700)]
        bases = [Threshold(*span, systematic=True) for span in spans]
        fit = fit_log_pearson(BEAR_CREEK, thresholds=bases, low_outlier_threshold=1200)
        assert (fit.n_low_outliers, fit.n_systematic, fit.n_historic) == (9, 50, 0)
        found = (fit.mean, fit.standard_deviation, fit.skew)
        assert found == pytest.approx((3.27868610634695, 0.233135026582499, -0.92540725650213), abs=1e-8)

    def test_santa_cruz_river_with_low_floods_and_a_historic_period(self) -> None:
        fit = fit_log_pearson(SANTA_CRUZ, thresholds=[{"begin": 1927, "end": 1948, "lower": 12000.0}])
        assert (fit.low_outlier_threshold, fit.n_low_outliers) == (380, 10)
        found = (fit.mean, fit.standard_deviation, fit.skew)
        assert found == pytest.approx((3.06910653275708, 0.489820621740209, -0.462278724495001), abs=1e-8)

    def test_american_river_with_palaeofloods(self) -> None:
        intervals = {650: (6e5, 8.5e5), 1437: (4e5, 5.5e5), 1574: (4e5, 5.5e5), 1711: (4e5, 5.5e5), 1862: (2.62e5, 3e5)}
        missed = [(1910, 1910), (1912, 1913), (1918, 1918), (1929, 1929), (1977, 1977), (1987, 1996), (1998, 2000)]
        spans = [Threshold(1, 1301, 599e3), Threshold(1302, 1847, 399e3), Threshold(1848, 1904, 261e3)]
        spans += [Threshold(begin, end, 150e3) for begin, end in missed]
        fit = fit_log_pearson(with_intervals(AMERICAN, intervals), thresholds=spans)
        assert (fit.mean, fit.standard_deviation, fit.skew) == pytest.approx((4.653457, 0.376721, -0.101163), abs=1e-6)
        assert fit.n_censored == 1301 + 546 + 57 - 5 + 5 + 19


class TestAnyRecord:
    def test_another_unit_gives_the_same_floods(self) -> None:
        spans = [Threshold(1927, 1948, 12000)]
        feet = fit_log_pearson(SANTA_CRUZ, thresholds=spans).quantiles([0.5, 0.01])
        metres = fit_log_pearson(SANTA_CRUZ * CUBIC_FOOT, thresholds=[Threshold(1927, 1948, 12000 * CUBIC_FOOT)])
        for name in ("discharge", "low", "high"):
            np.testing.assert_allclose(metres.quantiles([0.5, 0.01])[name], feet[name] * CUBIC_FOOT, rtol=1e-7)

    def test_the_order_of_years_is_irrelevant(self) -> None:
        shuffled = fit_log_pearson(SANTA_CRUZ.sample(frac=1, random_state=3))
        assert shuffled.mean == pytest.approx(fit_log_pearson(SANTA_CRUZ).mean, rel=1e-12)

    def test_a_missing_year_is_no_year_without_flow(self) -> None:
        with_gap = SANTA_CRUZ.copy()
        with_gap.loc[[1960, 1980]] = np.nan
        whole = [Threshold(1949, 2013, 0.0)]
        dropped = fit_log_pearson(with_gap.dropna())
        assert fit_log_pearson(with_gap, thresholds=whole).mean == dropped.mean
        assert dropped.n_systematic == 63 and dropped.n_censored == 0
        assert fit_log_pearson(with_gap.fillna(0)).n_low_outliers > dropped.n_low_outliers

    def test_unknown_years_can_be_said_to_be_unknown(self) -> None:
        unknown = fit_log_pearson(SANTA_CRUZ, thresholds=[Threshold(1900, 1948, np.inf)])
        assert unknown.mean == fit_log_pearson(SANTA_CRUZ).mean

    def test_a_quiet_historic_period_lowers_the_large_floods(self) -> None:
        alone = fit_log_pearson(SANTA_CRUZ).quantiles([0.01])["discharge"].iloc[0]
        quiet = fit_log_pearson(SANTA_CRUZ, thresholds=[Threshold(1849, 1948, 12000)])
        assert quiet.n_censored == 100
        assert quiet.quantiles([0.01])["discharge"].iloc[0] < 0.95 * alone

    def test_more_coverage_gives_wider_limits(self) -> None:
        fit = fit_log_pearson(SANTA_CRUZ)
        some, more = fit.quantiles([0.5, 0.01], 0.5), fit.quantiles([0.5, 0.01], 0.95)
        assert (more["low"] < some["low"]).all() and (more["high"] > some["high"]).all()
        assert (some["low"] < some["discharge"]).all() and (some["discharge"] < some["high"]).all()

    def test_what_is_asked_together_does_not_change_a_number(self) -> None:
        fit = fit_log_pearson(SANTA_CRUZ)
        together = fit.quantiles([0.002, 0.5, 0.01, 0.9])
        assert list(together.index) == [0.002, 0.5, 0.01, 0.9]
        for chance in together.index:
            np.testing.assert_allclose(fit.quantiles([chance]).iloc[0], together.loc[chance], rtol=1e-10)

    def test_the_weight_of_the_regional_skew_is_its_certainty(self) -> None:
        def skew(mse: float) -> float:
            return fit_log_pearson(SANTA_CRUZ, regional_skew=0.3, regional_skew_mse=mse, skew_option="weighted").skew

        station = fit_log_pearson(SANTA_CRUZ)
        assert skew(1e9) == pytest.approx(station.skew, abs=1e-6)
        assert skew(1e-9) == pytest.approx(0.3, abs=1e-6)
        regional = fit_log_pearson(SANTA_CRUZ, regional_skew=0.3, skew_option="regional")
        assert regional.skew == 0.3
        unsure = fit_log_pearson(SANTA_CRUZ, regional_skew=0.3, regional_skew_mse=0.3, skew_option="regional")
        assert unsure.quantiles([0.01])["high"].iloc[0] > regional.quantiles([0.01])["high"].iloc[0]

    def test_limits_are_continuous_through_zero_skew(self) -> None:
        censoring = Censoring(np.array([-np.inf]), np.array([np.inf]), np.array([40.0]))
        base = fit_log_pearson(SANTA_CRUZ)
        curves = []
        for skew in (-SMALLEST_SKEW - 1e-6, -SMALLEST_SKEW + 1e-6, 0.0, SMALLEST_SKEW - 1e-6, SMALLEST_SKEW + 1e-6):
            facts = {**base.__dict__, "skew": skew, "censoring": censoring}
            curves.append(LogPearson(**facts).quantiles([0.01]).iloc[0])
        for name in ("discharge", "variance_log10", "low", "high"):
            values = [curve[name] for curve in curves]
            assert values[0] == pytest.approx(values[1], rel=1e-4) and values[3] == pytest.approx(values[4], rel=1e-4)
            assert values[0] < values[2] < values[4]

    @pytest.mark.slow
    def test_the_variance_is_that_of_many_records(self) -> None:
        """400 invented records of 40 years, with 60 quiet ones before: the theory's variance against the spread."""
        rng = np.random.default_rng(8)
        threshold = float(stats.pearson3(0.2).ppf(0.95))
        estimates, variances = [], []
        for _ in range(400):
            logs = stats.pearson3.rvs(0.2, size=100, random_state=rng)
            floods = pd.Series(10 ** (2 + 0.3 * logs), index=range(1900, 2000))
            told = floods[(floods.index >= 1960) | (logs > threshold)]
            span = Threshold(1900, 1959, 10 ** (2 + 0.3 * threshold))
            fit = fit_log_pearson(told, thresholds=[span], low_outlier_threshold=0.0)
            curve = fit.quantiles([0.05])
            estimates.append(np.log10(curve["discharge"].iloc[0]))
            variances.append(curve["variance_log10"].iloc[0])
        assert np.median(variances) == pytest.approx(np.var(estimates), rel=0.25)
        assert np.mean(estimates) == pytest.approx(2 + 0.3 * threshold, abs=0.02)


class TestWithheldOrRefused:
    @pytest.mark.parametrize(
        "peaks", [range(100, 109), [100] * 40, [], [np.nan] * 30, [0] * 30, [0] * 20 + [5, 6, 7, 8] * 3]
    )
    def test_too_short_or_too_uniform(self, peaks: list[float]) -> None:
        with pytest.raises(TooFewPeaks):
            fit_log_pearson(pd.Series(list(peaks), dtype=float))
        panel = pd.DataFrame(
            {
                "location_id": "a",
                "time": pd.date_range("1950-01-01", periods=len(peaks), freq="YS", tz="UTC"),
                "peak_discharge_m3_per_s": np.array(list(peaks), dtype=float),
            }
        )
        assert flood_quantiles(panel).isna().all(axis=None)

    def test_ten_peaks_are_enough(self) -> None:
        assert fit_log_pearson(range(100, 110)).n_systematic == 10

    @pytest.mark.parametrize("wrong", [-1.0, np.inf])
    def test_impossible_peaks(self, wrong: float) -> None:
        peaks = [*range(100, 120), wrong]
        for use in (fit_log_pearson, multiple_grubbs_beck):
            with pytest.raises(AlmanacError, match=r"negative or infinite|negative, infinite"):
                use(peaks)

    def test_two_peaks_of_one_year(self) -> None:
        with pytest.raises(BrokenData, match="1950 has more than one"):
            fit_log_pearson(pd.Series(np.arange(100.0, 120.0), index=[1950, *range(1950, 1969)]))

    @pytest.mark.parametrize(
        ("threshold", "problem"),
        [
            (Threshold(1949, 1960, 5000.0), "outside its perception threshold"),
            (Threshold(1949, 1960, 0.0, 1000.0), "outside its perception threshold"),
            (Threshold(1930, 1920, 5000.0), "reversed or negative"),
            (Threshold(1920, 1930, -1.0), "reversed or negative"),
            (Threshold(1920, 1930, 50.0, 10.0), "reversed or negative"),
            (Threshold(1920, 1930, 50.0, 100.0), "does not say on which side"),
            ({"begin": 1920, "end": 1930}, "has begin, end"),
            ({"begin": 1920, "end": 1930, "lower": 1.0, "height": 3}, "height"),
        ],
    )
    def test_thresholds_that_contradict(self, threshold: Threshold, problem: str) -> None:
        with pytest.raises(AlmanacError, match=problem):
            fit_log_pearson(SANTA_CRUZ, thresholds=[threshold])

    @pytest.mark.parametrize(
        "options",
        [
            {"skew_option": "national"},
            {"skew_option": "weighted"},
            {"skew_option": "weighted", "regional_skew": 0.1},
            {"skew_option": "weighted", "regional_skew": 0.1, "regional_skew_mse": 0.0},
            {"skew_option": "regional"},
            {"skew_option": "regional", "regional_skew": 0.1, "regional_skew_mse": -1.0},
            {"low_outlier_threshold": -5.0},
        ],
    )
    def test_options_that_do_not_fit(self, options: dict[str, float | str]) -> None:
        with pytest.raises(AlmanacError):
            fit_log_pearson(SANTA_CRUZ, **options)  # type: ignore[arg-type]

    @pytest.mark.parametrize("chance", [0.0, 1.0, -0.1, np.nan, 100.0])
    def test_a_chance_that_is_none(self, chance: float) -> None:
        with pytest.raises(AlmanacError, match="not between 0 and 1"):
            fit_log_pearson(SANTA_CRUZ).quantiles([chance])
        with pytest.raises(AlmanacError, match="not between 0 and 1"):
            fit_log_pearson(SANTA_CRUZ).quantiles([0.01], coverage=chance)

    def test_a_threshold_that_leaves_too_few(self) -> None:
        with pytest.raises(TooFewPeaks, match="Only"):
            fit_log_pearson(SANTA_CRUZ, low_outlier_threshold=5000.0)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    frames = []
    for place, peaks in (("b", BACK_CREEK), ("a", SANTA_CRUZ), ("short", SANTA_CRUZ.head(9))):
        times = pd.to_datetime([f"{year - 1}-10-01" for year in peaks.index], utc=True)
        frames.append(pd.DataFrame({"location_id": place, "time": times, "peak_discharge_m3_per_s": peaks.to_numpy()}))
    return pd.concat(frames, ignore_index=True)


class TestPanel:
    def test_as_one_by_one(self, panel: pd.DataFrame) -> None:
        found = flood_quantiles(panel, annual_exceedance_probability=0.02, coverage=0.95)
        assert list(found.index) == ["a", "b", "short"] and found.index.name == "location_id"
        alone = fit_log_pearson(SANTA_CRUZ).quantiles([0.02], 0.95).iloc[0]
        np.testing.assert_array_equal(found.loc["a"], alone[["discharge", "low", "high"]])
        assert found.loc["short"].isna().all()

    def test_a_threshold_may_be_for_one_place(self, panel: pd.DataFrame) -> None:
        span = {"begin": 1927, "end": 1948, "lower": 12000.0, "location_id": "a"}
        plain, with_span = flood_quantiles(panel), flood_quantiles(panel, thresholds=[span])
        assert with_span.loc["a", "value"] != plain.loc["a", "value"]
        assert with_span.loc["b", "value"] == plain.loc["b", "value"]

    def test_the_year_is_the_water_year(self, panel: pd.DataFrame) -> None:
        spring = panel.assign(time=panel["time"] + pd.Timedelta(days=200))
        span = [{"begin": 1927, "end": 1948, "lower": 12000.0, "location_id": "a"}]
        pd.testing.assert_frame_equal(flood_quantiles(spring, thresholds=span), flood_quantiles(panel, thresholds=span))

    def test_what_is_broken_is_named(self, panel: pd.DataFrame) -> None:
        with pytest.raises(BrokenData, match="peak_discharge_m3_per_s"):
            flood_quantiles(panel.rename(columns={"peak_discharge_m3_per_s": "peak_cfs"}))
        twice = pd.concat([panel, panel.tail(1).assign(time=pd.Timestamp("1957-04-01", tz="UTC"))])
        with pytest.raises(BrokenData, match="short has more than one"):
            flood_quantiles(twice)
        negative = panel.copy()
        negative.loc[3, "peak_discharge_m3_per_s"] = -4.0
        with pytest.raises(BrokenData, match="the first at b in 1936"):
            flood_quantiles(negative)

    def test_the_input_is_left_as_it_was(self, panel: pd.DataFrame) -> None:
        before = panel.copy(deep=True)
        flood_quantiles(panel)
        pd.testing.assert_frame_equal(panel, before)
