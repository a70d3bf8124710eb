"""Every golden case gives the values expected, and what is told of them is what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analytics import INDICATORS
from analytics.evidence import FILE, GRADES
from tests.golden import Case, cases
from tests.golden.__main__ import VALIDATION, evidence, validation

ALL = cases()


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_a_golden_case(case: Case) -> None:
    expected, found = case.expected(), case.found()
    assert set(expected.index) == set(found.index), "a place is missing or too many"
    assert len(expected), "a case without a value proves nothing"
    for column in expected.columns:
        np.testing.assert_allclose(
            found.loc[expected.index, column].to_numpy(float),
            expected[column].to_numpy(float),
            rtol=case.tolerance_relative,
            atol=case.tolerance_absolute,
            err_msg=f"{case.id}: {column}",
        )
    assert expected["value"].notna().any()


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_a_case_says_where_it_comes_from(case: Case) -> None:
    assert case.indicator in INDICATORS
    assert case.grade in GRADES[:-1]
    assert all(len(text) > 15 for text in (case.source, case.how, case.tolerance_reason))


def test_a_wrong_value_would_be_found() -> None:
    case = ALL[0]
    expected = case.expected()
    off = expected["value"] * (1 + 2 * case.tolerance_relative) + 2 * case.tolerance_absolute + 1e-6
    found: pd.Series = case.found().loc[expected.index, "value"]
    assert not np.allclose(off, found, rtol=case.tolerance_relative, atol=case.tolerance_absolute)


def test_what_is_written_is_what_the_cases_say() -> None:
    assert FILE.read_text(encoding="utf-8") == evidence(ALL), "run: python -m tests.golden"
    assert VALIDATION.read_text(encoding="utf-8") == validation(ALL), "run: python -m tests.golden"
