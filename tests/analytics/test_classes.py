from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from analytics.classes import Classes, class_breaks, class_counts, classify
from geodata.errors import AlmanacError

METHODS = ["quantile", "equal", "natural", "diverging"]


@pytest.fixture
def skewed() -> np.ndarray:
    return np.random.default_rng(7).lognormal(3, 2, 3142)


def test_quantiles_put_about_as_many_in_each_class(skewed: np.ndarray) -> None:
    counts, missing = class_counts(skewed, class_breaks(skewed, 5, "quantile"))
    assert missing == 0 and counts.sum() == 3142
    assert counts.min() > 3142 / 5 * 0.7 and counts.max() < 3142 / 5 * 1.3


def test_breaks_are_short_numbers(skewed: np.ndarray) -> None:
    for edge in class_breaks(skewed, 5, "quantile").breaks[1:-1]:
        assert len(f"{edge:.12g}".replace(".", "").strip("0")) <= 2


def test_equal_steps_are_equal_and_hold_everything(skewed: np.ndarray) -> None:
    breaks = np.array(class_breaks(skewed, 6, "equal").breaks)
    assert np.allclose(np.diff(breaks), breaks[1] - breaks[0])
    assert breaks[0] <= skewed.min() and breaks[-1] >= skewed.max()


def test_natural_breaks_find_the_gaps() -> None:
    heaps = np.concatenate([np.linspace(0, 1, 50), np.linspace(100, 101, 9), np.linspace(500, 502, 70)])
    inner = class_breaks(heaps, 3, "natural").breaks[1:-1]
    assert 1 < inner[0] <= 100 and 101 < inner[1] <= 500


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7])
def test_diverging_is_the_same_on_both_sides(n: int) -> None:
    values = np.random.default_rng(1).normal(2, 5, 500)
    classes = class_breaks(values, n, "diverging")
    assert np.allclose(classes.breaks, -np.array(classes.breaks)[::-1])
    assert len(classes) == n
    assert (0.0 in classes.breaks) == (n % 2 == 0)


def test_a_heap_of_zeros_gets_a_class_of_its_own() -> None:
    values = np.concatenate([np.zeros(400), np.random.default_rng(0).gamma(2, 3, 600)])
    classes = class_breaks(values, 5, "quantile")
    assert class_counts(values, classes)[0][0] == 400


@pytest.mark.parametrize("method", METHODS)
def test_nothing_known_gives_no_class(method: str) -> None:
    classes = class_breaks([math.nan, math.nan], method=method)  # type: ignore[arg-type]
    assert len(classes) == 0
    assert classify([math.nan, 3.0], classes).tolist() == [-1, -1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, -3.5, 1e-9, 7e12])
def test_a_constant_gives_one_class(method: str, value: float) -> None:
    classes = class_breaks([value] * 20 + [math.nan], 5, method)  # type: ignore[arg-type]
    counts, missing = class_counts([value] * 20 + [math.nan], classes)
    assert counts.sum() == 20 and counts.max() == 20 and missing == 1


def test_few_values_are_shown_one_by_one() -> None:
    classes = class_breaks([1, 2, 2, 5, 5, 5], 5)
    assert classes.distinct and class_counts([1, 2, 2, 5, 5, 5], classes)[0].tolist() == [1, 2, 3]


def test_given_breaks_keep_labels_and_say_who_set_them() -> None:
    classes = class_breaks([], method="given", breaks=[-math.inf, 10, 25, math.inf], labels=["good", "fair", "poor"],
                           authority="A standard, 2021", closed="right")  # fmt: skip
    assert classify([10, 10.1, 25, 26, math.nan, math.inf], classes).tolist() == [0, 1, 1, 2, -1, -1]
    assert classes.labels == ("good", "fair", "poor")


def test_edges_belong_to_the_class_above_unless_said_otherwise() -> None:
    classes = Classes((0, 10, 20), ("#000000", "#ffffff"))
    assert classify([0, 10, 20, 99, -5], classes).tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 99}, {"method": "given"}, {"method": "given", "breaks": [3, 1, 2]},
                                   {"method": "given", "breaks": [1, 2], "labels": ["a", "b"]}])  # fmt: skip
def test_impossible_wishes_are_told(wrong: dict) -> None:
    with pytest.raises(AlmanacError) as problem:
        class_breaks([1.0, 2.0], **wrong)
    assert problem.value.hint


@given(some.lists(some.floats(allow_nan=True, allow_infinity=True, width=32), max_size=60), some.integers(1, 9),
       some.sampled_from(METHODS))  # fmt: skip
def test_every_finite_value_has_a_class_and_breaks_rise(values: list[float], n: int, method: str) -> None:
    classes = class_breaks(values, n, method)  # type: ignore[arg-type]
    counts, missing = class_counts(values, classes)
    finite = np.isfinite(np.array(values, dtype=float))
    assert counts.sum() == finite.sum() and missing == (~finite).sum()
    assert len(classes) <= n + (method == "diverging")
    inner = classes.breaks[1:-1]
    assert all(a < b for a, b in itertools.pairwise(inner))
    if finite.any():
        assert classes.breaks[0] <= min(v for v in values if math.isfinite(v))


def test_the_sequential_palette_darkens_steadily() -> None:
    for n in range(2, 10):
        shades = [_lightness(colour) for colour in class_breaks(np.arange(500.0), n, "equal").palette]
        assert all(a - b > 0.03 for a, b in itertools.pairwise(shades)), (n, shades)


def _lightness(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return y ** (1 / 3)
