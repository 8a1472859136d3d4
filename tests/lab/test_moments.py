import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.lab.logit_normal import LogitNormal
from closedbook.lab.moments import (
    LogitDistribution,
    constant_logit,
    normal_logit,
    quadrature,
    softmax_moments,
    sum_of_independent,
)

PROBABILITIES = st.floats(0.05, 0.95)
LOGITS = st.floats(-12, 12)


def enumerated(logits: list[tuple[tuple[float, float], float]]) -> list[tuple[float, float]]:
    """Mean and mean square of each weight, by enumerating all cases; each logit is (its two values, P(the first))."""
    found = [[0.0, 0.0] for _ in logits]
    for picks in product((0, 1), repeat=len(logits)):
        probability = math.prod(p if pick == 0 else 1 - p for pick, (_, p) in zip(picks, logits, strict=True))
        parts = [math.exp(values[pick]) for pick, (values, _) in zip(picks, logits, strict=True)]
        for i, part in enumerate(parts):
            found[i][0] += probability * part / sum(parts)
            found[i][1] += probability * (part / sum(parts)) ** 2
    return [(mean, square) for mean, square in found]


def two_valued(values: tuple[float, float], p: float) -> LogitDistribution:
    """A logit that has the first value with probability p, else the second."""
    return LogitDistribution(torch.tensor(values, dtype=torch.float64), torch.tensor([p, 1 - p], dtype=torch.float64))


@given(st.lists(st.tuples(st.tuples(LOGITS, LOGITS), PROBABILITIES), min_size=1, max_size=4))
def test_moments_equal_those_of_all_cases_enumerated(logits: list[tuple[tuple[float, float], float]]):
    """For logits with two values each, the integral agrees with enumeration."""
    found = softmax_moments([(two_valued(values, p), 1) for values, p in logits])
    for moments, (mean, square) in zip(found, enumerated(logits), strict=True):
        assert moments.mean == pytest.approx(mean, rel=1e-9, abs=1e-13)
        assert moments.mean_square == pytest.approx(square, rel=1e-9, abs=1e-13)


def test_group_of_equal_logits_equals_its_members_one_by_one():
    """Groups of three and two give the moments of five single logits; an empty group changes nothing."""
    one, other = ((0.5, -2.0), 0.3), ((3.0, 1.0), 0.8)
    every = enumerated([one, one, one, other, other])
    found = softmax_moments([(two_valued(*one), 3), (constant_logit(100.0), 0), (two_valued(*other), 2)])
    for moments, (mean, square) in zip((found[0], found[2]), (every[0], every[3]), strict=True):
        assert (moments.mean, moments.mean_square) == pytest.approx((mean, square), rel=1e-9)


@pytest.mark.parametrize("variance", [0.0, 1e-6, 0.3, 7.0, 900.0])
def test_weights_of_two_normal_logits_are_logit_normal(variance: float):
    """The integral over u agrees with the one over the logits' difference, for tiny to large variances."""
    first, second = softmax_moments([(normal_logit(5.0, variance), 1), (normal_logit(5.0, 2 * variance), 1)])
    assert first.mean == pytest.approx(0.5, abs=1e-12)
    assert first.variance == pytest.approx(LogitNormal(3 * variance).variance, abs=1e-10)
    assert second.mean_square == pytest.approx(first.mean_square, abs=1e-12)


@given(st.floats(-30, 30), st.floats(0, 400), st.floats(0, 50), st.integers(1, 40))
def test_mean_weights_add_up_to_one(mean: float, variance: float, other: float, n: int):
    """For any distributions; and no mean square exceeds its mean."""
    first, second = softmax_moments([(normal_logit(mean, variance), 1), (normal_logit(0.0, other), n)])
    assert first.mean + n * second.mean == pytest.approx(1.0, abs=1e-10)
    assert first.mean_square <= first.mean + 1e-12
    assert second.mean_square <= second.mean + 1e-12


@pytest.mark.parametrize("variance", [0.0, 1e-4, 1.0, 2500.0])
def test_normal_logit_has_the_moments_of_a_normal_distribution(variance: float):
    """Mean, variance and fourth moment."""
    logit = normal_logit(-3.0, variance)
    around = logit.values + 3.0
    assert float(logit.probabilities.sum()) == pytest.approx(1.0)
    assert float(logit.probabilities @ around) == pytest.approx(0.0, abs=1e-9)
    assert float(logit.probabilities @ around**2) == pytest.approx(variance)
    assert float(logit.probabilities @ around**4) == pytest.approx(3 * variance**2)


def test_quadrature_matches_integrals_computed_by_hand():
    """x^5 from -1 to 3 is 364/3, and exp(-x^2 / 2) from -9 to 9 the root of 2 pi."""
    x, parts = quadrature(-1.0, 3.0, 10.0)
    assert float(parts @ x**5) == pytest.approx(364 / 3, rel=1e-12)
    x, parts = quadrature(-9.0, 9.0, 1.0)
    assert float(parts @ torch.exp(-0.5 * x**2)) == pytest.approx(math.sqrt(2 * math.pi), rel=1e-12)


def test_means_and_variances_of_independent_logits_add():
    """A normal logit and one of two values."""
    total = sum_of_independent(normal_logit(1.0, 2.0), two_valued((0.0, 4.0), 0.75))
    mean = float(total.probabilities @ total.values)
    assert mean == pytest.approx(2.0)
    assert float(total.probabilities @ (total.values - mean) ** 2) == pytest.approx(2.0 + 3.0)
