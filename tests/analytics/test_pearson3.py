"""The Pearson III distribution against scipy's, integrals, and itself around zero skew."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from analytics.flood_frequency import pearson3


@pytest.mark.parametrize("skew", [-1.2, -0.07, 0.0, 0.02, 0.4, 1.4, 2.5])
def test_as_scipy_has_it(skew: float) -> None:
    reference = stats.pearson3(skew)
    z = np.array([-1.6, -0.7, 0.1, 0.9, 3.0])
    np.testing.assert_allclose(pearson3.cdf(z, skew), reference.cdf(z), atol=1e-12)
    np.testing.assert_allclose(pearson3.density(z, skew), reference.pdf(z), atol=1e-9)
    p = np.array([0.001, 0.2, 0.5, 0.99])
    np.testing.assert_allclose(pearson3.quantile(p, skew), reference.ppf(p), atol=1e-9)


@pytest.mark.parametrize("skew", [-0.9, -0.03, 0.0, 0.3, 1.3])
def test_partial_moments_are_the_integrals(skew: float) -> None:
    start = max(-30.0, -2 / skew) if skew > 0 else -30.0
    for edge in (-1.0, 0.4, 2.0):
        found = pearson3.partial_moments(edge, skew, 6)
        for k in range(7):
            exact = integrate.quad(
                lambda x, k=k: x**k * pearson3.density(x, skew), start, edge, limit=400, epsabs=1e-10
            )
            assert found[k] == pytest.approx(exact[0], abs=1e-6)


def test_smooth_through_zero_skew() -> None:
    skew = np.array([-2e-4, -0.5e-4, 0.0, 0.5e-4, 2e-4])
    for values in (pearson3.cdf(1.3, skew), pearson3.density(1.3, skew), pearson3.quantile(0.99, skew)):
        np.testing.assert_allclose(np.diff(values) / np.diff(skew), np.gradient(values, skew)[2], rtol=1e-3)
