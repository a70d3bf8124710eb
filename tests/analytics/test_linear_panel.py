"""The ridge over all places: what it finds, and that no part of the record answers for itself."""

from __future__ import annotations

import numpy as np

from analytics.features import last_step
from analytics.linear_panel import LinearPanel, learn_linear_panel

STEPS, PLACES, LEADS, PART = 1_200, 10, 3, 96


def synthetic(seed: int = 0) -> np.ndarray:
    """Noise at ten places; the second repeats the first two steps later."""
    values = np.random.default_rng(seed).normal(0, 1, (PLACES, STEPS)).astype(np.float32)
    values[1, 2:] = values[0, :-2]
    return values


def learnt(values: np.ndarray) -> LinearPanel | None:
    places = len(values)
    return learn_linear_panel(values, last_step(values), np.zeros(places), np.ones(places), LEADS, PART)


def test_what_another_place_showed_first_is_foretold() -> None:
    panel = learnt(synthetic())
    assert panel is not None
    later = synthetic(1)
    found = panel.answers(np.concatenate([synthetic(), later], axis=1), last_step(np.c_[synthetic(), later]))
    at = np.arange(STEPS, 2 * STEPS - LEADS)
    came = later[1, at - STEPS + 2] - later[1, at - STEPS]
    assert np.corrcoef(found[at, 1, 1], came)[0, 1] > 0.95
    # Nothing foretells the next step of a place that no other leads but the way back to its mean.
    free = later[5, at - STEPS + 1] - later[5, at - STEPS]
    assert np.corrcoef(found[at, 5, 0], free)[0, 1] < 0.75


def test_a_part_is_answered_by_the_others() -> None:
    values = synthetic()
    moved = values.copy()
    moved[2, 50] += 3
    before, after = learnt(values), learnt(moved)
    assert before is not None
    assert after is not None
    change = np.abs(after.within - before.within).max(axis=(1, 2))
    fold = np.arange(len(change)) // PART % 5
    # Step 50 is looked at up to six steps later, and only the ridges of the other parts learn from it.
    looks = (np.arange(len(change)) >= 50) & (np.arange(len(change)) <= 56)
    assert change[(fold == 0) & ~looks].max() < 1e-4
    assert np.median(change[fold != 0]) > 1e-3


def test_what_comes_later_changes_nothing_and_gaps_are_filled_with_the_last_value() -> None:
    values = synthetic()
    panel = learnt(values[:, :1_000])
    assert panel is not None
    poisoned = values.copy()
    poisoned[:, 1_101:] = np.nan
    expected = panel.answers(values, last_step(values))[:1_101]
    found = panel.answers(poisoned, last_step(poisoned))
    np.testing.assert_array_equal(found[:1_101], expected)
    assert np.isfinite(found).all()


def test_few_places_and_short_or_very_large_panels_go_without() -> None:
    assert learnt(synthetic()[:4]) is None
    assert learnt(synthetic()[:, :250]) is None
    assert learnt(np.tile(synthetic()[:, :400], (30, 1))) is None
