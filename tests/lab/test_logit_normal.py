import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.lab.logit_normal import Share
from closedbook.lab.moments import panels


@pytest.mark.parametrize("variance", [0.02, 1.0, 9.0])
def test_the_density_is_the_slope_of_the_distribution(variance: float):
    """Its integral over any stretch is the distribution function's rise over it."""
    share = Share(variance)
    for low, high in ((0.1, 0.5), (0.45, 0.55), (0.5, 0.93)):
        s, parts = panels(low, high, 0.01)
        rise = share.below(torch.tensor([low, high], dtype=torch.float64)).diff()
        assert float(parts @ share.density(s)) == pytest.approx(float(rise), rel=1e-10)


def test_the_density_in_the_middle_is_this():
    """By hand: at a half, 4 / (tau sqrt(2 pi)); with variance 4, 2 / sqrt(2 pi)."""
    (middle,) = Share(4.0).density(torch.tensor([0.5], dtype=torch.float64))
    assert float(middle) == pytest.approx(2 / math.sqrt(2 * math.pi))


def test_the_variance_goes_from_a_sixteenth_of_tau_squared_to_a_coins():
    """Small: the slope of the sigmoid is 1/4. Large: 1/4 less 1 / (tau sqrt(2 pi)) to first order."""
    assert Share(0.0).variance == 0.0
    assert Share(1e-4).variance == pytest.approx(1e-4 / 16, rel=1e-3)
    assert Share(1e6).variance == pytest.approx(0.25 - 1 / (1e3 * math.sqrt(2 * math.pi)), rel=1e-6)


@given(st.floats(0.01, 100), st.floats(0.01, 0.99))
def test_within_is_the_distributions_rise_around_a_half(variance: float, part: float):
    """P(within) in closed form and by the distribution function are one."""
    edges = torch.tensor([(1 - part) / 2, (1 + part) / 2], dtype=torch.float64)
    assert Share(variance).within(part) == pytest.approx(float(Share(variance).below(edges).diff()), rel=1e-9)


def test_without_variance_the_share_is_a_half():
    """All of it lies at a half, and so within any part of it."""
    assert Share(0.0).within(0.1) == 1.0
    assert Share(0.0).below(torch.tensor([0.49, 0.5, 1.0], dtype=torch.float64)).tolist() == [0.0, 1.0, 1.0]
