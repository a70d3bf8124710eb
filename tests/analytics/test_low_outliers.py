"""The multiple Grubbs-Beck test: Orestimba Creek of Bulletin 17C, and records of every shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.flood_frequency import fit_log_pearson
from analytics.flood_frequency.low_outliers import low_outlier_p_values, multiple_grubbs_beck

GOLDEN = Path(__file__).parents[1] / "golden" / "flood_quantile_bulletin_17c" / "input.csv"


@pytest.fixture(scope="module")
def orestimba() -> pd.Series:
    """Its 82 annual peaks in ft³/s, from table 10-6 of Bulletin 17C."""
    table = pd.read_csv(GOLDEN, dtype={"location_id": str}).set_index("location_id")
    return (table.loc["11274500", "peak_discharge_m3_per_s"] / 0.3048**3).round(6)


def test_orestimba_creek_p_values(orestimba: pd.Series) -> None:
    # The bulletin's significance of the largest of the 30.
    p = low_outlier_p_values(orestimba)
    assert p[29] == pytest.approx(0.0007, abs=0.5e-4)
    assert (p[30:] > 0.005).all()


def test_years_without_flow_always_go() -> None:
    assert multiple_grubbs_beck([0, *range(100, 130)]) == 100
    assert fit_log_pearson([0, *range(100, 130)], low_outlier_threshold=0).n_low_outliers == 1


def test_half_of_the_years_without_flow() -> None:
    # The single test at 10 %: of 10 positive peaks one lies more than 2.036 deviations below their mean.
    positive = [100.0, 110, 120, 130, 140, 150, 160, 170, 180, 2]
    assert multiple_grubbs_beck([0.0] * 12 + positive) == 100
    assert multiple_grubbs_beck([0.0] * 12 + positive[:-1]) == 100


def test_few_peaks_are_not_tested() -> None:
    assert multiple_grubbs_beck([1, 1000, 1000, 1100, 1200]) == 0


def test_an_even_record_keeps_all() -> None:
    assert multiple_grubbs_beck(10 ** stats.norm.ppf((np.arange(1, 41) - 0.4) / 40.2)) == 0


def test_at_most_half_goes() -> None:
    peaks = np.concatenate([np.linspace(1, 2, 15), np.linspace(1000, 1300, 15)])
    assert multiple_grubbs_beck(peaks) == 1000


def test_missing_years_are_left_out(orestimba: pd.Series) -> None:
    assert multiple_grubbs_beck([np.nan, *orestimba, np.nan]) == 782
