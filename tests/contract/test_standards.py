"""Every standard keeps its schema; a broken one names itself and takes no other down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics import INDICATORS
from analytics.classes import classify
from analytics.standard import FOLDER, Standard, broken_standards, compare, read_standard, standards, standards_of
from geodata.errors import BrokenData

GOOD = """\
title = "A standard of the tests"
authority = "The tests"
edition = "1"
reference = "Made up."
url = ""
confirmed = true

[classes.flashiness]
breaks = [0.2, 0.5]
labels = ["low", "middle", "high"]
concern = ["high"]
unit = "share"
closed = "left"
colours = "sequential"
"""


def test_every_file_can_be_read() -> None:
    assert broken_standards() == {}
    assert set(standards()) == {path.stem for path in FOLDER.glob("*.toml")}


@pytest.mark.parametrize("standard", standards().values(), ids=lambda s: s.id)
def test_n_breaks_have_n_plus_one_labels_and_a_source(standard: Standard) -> None:
    assert standard.classes, "a standard without classes says nothing"
    assert standard.reference and standard.authority and standard.edition
    for name, classes in standard.classes.items():
        assert name in INDICATORS, f"{name} is no indicator"
        assert len(classes.labels) == len(classes.breaks) + 1
        assert INDICATORS[name].unit == classes.unit
        assert len(standard.of(name)) == len(classes.labels)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("breaks = [0.2, 0.5]", "breaks = [0.2]", "1 breaks and 3 labels"),
        ("breaks = [0.2, 0.5]", "breaks = [0.5, 0.2]", "do not rise"),
        ('concern = ["high"]', 'concern = ["extreme"]', "no label"),
        ('unit = "share"', 'unit = "furlong"', "furlong"),
        ('closed = "left"', 'closed = "both"', "both"),
        ("confirmed = true", "", "confirmed"),
        ("confirmed = true", "confirmed = true\ncolour = 1", "unknown key"),
    ],
)
def test_a_broken_standard_says_what_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "made.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_standard(path).classes["flashiness"].labels == ("low", "middle", "high")
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(BrokenData, match=said):
        read_standard(path)


@pytest.mark.parametrize(("closed", "expected"), [("left", [0, 1, 2]), ("right", [0, 0, 1])])
def test_a_value_on_a_break_falls_where_the_standard_says(tmp_path: Path, closed: str, expected: list[int]) -> None:
    path = tmp_path / "made.toml"
    path.write_text(GOOD.replace('closed = "left"', f'closed = "{closed}"'), encoding="utf-8")
    classes = read_standard(path).of("flashiness")
    assert classify(np.array([0.1, 0.2, 0.5]), classes).tolist() == expected


def test_where_standards_disagree_one_sees_a_concern_and_another_none() -> None:
    several = [i for i in INDICATORS if len(standards_of(i)) > 1]
    assert several, "no indicator has classes in two standards"
    for name in several:
        edges = [b for s in standards_of(name).values() for b in s.classes[name].breaks]
        values = pd.Series(np.linspace(min(edges) - 1, max(edges) + 1, 200), index=[f"p{n}" for n in range(200)])
        result = compare(name, values)
        concerns = [result.table[s.id].isin(s.classes[name].concern).to_numpy() for s in standards_of(name).values()]
        split = np.any(concerns, axis=0) & ~np.all(concerns, axis=0)
        assert set(result.disagreed.index) == set(values.index[split])
