import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.lab.logit_normal import LogitNormal
from closedbook.lab.moments import quadrature


@pytest.mark.parametrize("variance", [0.02, 1.0, 9.0])
def test_density_integrates_to_the_distribution_function(variance: float):
    """Its integral over an interval is the difference of the distribution function."""
    share = LogitNormal(variance)
    for low, high in ((0.1, 0.5), (0.45, 0.55), (0.5, 0.93)):
        s, parts = quadrature(low, high, 0.01)
        difference = share.cdf(torch.tensor([low, high], dtype=torch.float64)).diff()
        assert float(parts @ share.density(s)) == pytest.approx(float(difference), rel=1e-10)


def test_density_at_a_half_matches_a_value_computed_by_hand():
    """4 / (tau sqrt(2 pi)), with variance 4: 2 / sqrt(2 pi)."""
    (middle,) = LogitNormal(4.0).density(torch.tensor([0.5], dtype=torch.float64))
    assert float(middle) == pytest.approx(2 / math.sqrt(2 * math.pi))


def test_variance_has_its_limits_for_small_and_large_tau():
    """Small: tau^2 / 16, since the slope of the sigmoid is 1/4. Large: 1/4 - 1 / (tau sqrt(2 pi)) to first order."""
    assert LogitNormal(0.0).variance == 0.0
    assert LogitNormal(1e-4).variance == pytest.approx(1e-4 / 16, rel=1e-3)
    assert LogitNormal(1e6).variance == pytest.approx(0.25 - 1 / (1e3 * math.sqrt(2 * math.pi)), rel=1e-6)


@given(st.floats(0.01, 100), st.floats(0.01, 0.99))
def test_within_is_a_difference_of_the_distribution_function(variance: float, part: float):
    """P(within) in closed form equals the probability between both edges."""
    edges = torch.tensor([(1 - part) / 2, (1 + part) / 2], dtype=torch.float64)
    assert LogitNormal(variance).within(part) == pytest.approx(float(LogitNormal(variance).cdf(edges).diff()), rel=1e-9)


def test_share_without_variance_is_always_a_half():
    """So it is within any part of a half."""
    assert LogitNormal(0.0).within(0.1) == 1.0
    assert LogitNormal(0.0).cdf(torch.tensor([0.49, 0.5, 1.0], dtype=torch.float64)).tolist() == [0.0, 1.0, 1.0]
