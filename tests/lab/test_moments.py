import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.lab.logit_normal import Share
from closedbook.lab.moments import Logit, fixed, normal_logit, panels, softmax_moments, sum_of

PROBABILITIES = st.floats(0.05, 0.95)
LOGITS = st.floats(-12, 12)


def enumerated(logits: list[tuple[tuple[float, float], float]]) -> list[tuple[float, float]]:
    """Mean and mean square of each weight, where logit i is one of two values, the first with a probability."""
    found = [[0.0, 0.0] for _ in logits]
    for picks in product((0, 1), repeat=len(logits)):
        probability = math.prod(p if pick == 0 else 1 - p for pick, (_, p) in zip(picks, logits, strict=True))
        parts = [math.exp(values[pick]) for pick, (values, _) in zip(picks, logits, strict=True)]
        for i, part in enumerate(parts):
            found[i][0] += probability * part / sum(parts)
            found[i][1] += probability * (part / sum(parts)) ** 2
    return [(mean, square) for mean, square in found]


def two_valued(values: tuple[float, float], p: float) -> Logit:
    """A logit that is one of two values."""
    return Logit(torch.tensor(values, dtype=torch.float64), torch.tensor([p, 1 - p], dtype=torch.float64))


@given(st.lists(st.tuples(st.tuples(LOGITS, LOGITS), PROBABILITIES), min_size=1, max_size=4))
def test_moments_are_those_of_every_case_counted(logits: list[tuple[tuple[float, float], float]]):
    """Where each logit is one of two values, all cases can be counted, and the integral gives the same."""
    found = softmax_moments([(two_valued(values, p), 1) for values, p in logits])
    for moments, (mean, square) in zip(found, enumerated(logits), strict=True):
        assert moments.mean == pytest.approx(mean, rel=1e-9, abs=1e-13)
        assert moments.square == pytest.approx(square, rel=1e-9, abs=1e-13)


def test_equal_logits_may_stand_as_one_group():
    """Three alike and two alike are five counted one by one; an empty group changes nothing."""
    one, other = ((0.5, -2.0), 0.3), ((3.0, 1.0), 0.8)
    every = enumerated([one, one, one, other, other])
    found = softmax_moments([(two_valued(*one), 3), (fixed(100.0), 0), (two_valued(*other), 2)])
    for moments, (mean, square) in zip((found[0], found[2]), (every[0], every[3]), strict=True):
        assert (moments.mean, moments.square) == pytest.approx((mean, square), rel=1e-9)


@pytest.mark.parametrize("variance", [0.0, 1e-6, 0.3, 7.0, 900.0])
def test_of_two_normal_logits_the_share_is_logit_normal(variance: float):
    """The integral over u agrees with the one over the logits' difference, from next to no variance to much."""
    first, second = softmax_moments([(normal_logit(5.0, variance), 1), (normal_logit(5.0, 2 * variance), 1)])
    assert first.mean == pytest.approx(0.5, abs=1e-12)
    assert first.variance == pytest.approx(Share(3 * variance).variance, abs=1e-10)
    assert second.square == pytest.approx(first.square, abs=1e-12)


@given(st.floats(-30, 30), st.floats(0, 400), st.floats(0, 50), st.integers(1, 40))
def test_weights_come_to_one(mean: float, variance: float, other: float, n: int):
    """Whatever the distributions, the means of all weights add up to 1, and no square exceeds its mean."""
    first, second = softmax_moments([(normal_logit(mean, variance), 1), (normal_logit(0.0, other), n)])
    assert first.mean + n * second.mean == pytest.approx(1.0, abs=1e-10)
    assert first.square <= first.mean + 1e-12
    assert second.square <= second.mean + 1e-12


@pytest.mark.parametrize("variance", [0.0, 1e-4, 1.0, 2500.0])
def test_a_normal_logit_has_its_mean_and_variance(variance: float):
    """Its values and probabilities have the moments that were asked for, the fourth as well."""
    logit = normal_logit(-3.0, variance)
    around = logit.values + 3.0
    assert float(logit.probabilities.sum()) == pytest.approx(1.0)
    assert float(logit.probabilities @ around) == pytest.approx(0.0, abs=1e-9)
    assert float(logit.probabilities @ around**2) == pytest.approx(variance)
    assert float(logit.probabilities @ around**4) == pytest.approx(3 * variance**2)


def test_panels_integrate():
    """By hand: x^5 from -1 to 3 is 364/3, and exp(-x^2 / 2) from -9 to 9 the root of 2 pi."""
    x, parts = panels(-1.0, 3.0, 10.0)
    assert float(parts @ x**5) == pytest.approx(364 / 3, rel=1e-12)
    x, parts = panels(-9.0, 9.0, 1.0)
    assert float(parts @ torch.exp(-0.5 * x**2)) == pytest.approx(math.sqrt(2 * math.pi), rel=1e-12)


def test_the_sum_of_two_logits():
    """Means and variances add."""
    total = sum_of(normal_logit(1.0, 2.0), two_valued((0.0, 4.0), 0.75))
    mean = float(total.probabilities @ total.values)
    assert mean == pytest.approx(2.0)
    assert float(total.probabilities @ (total.values - mean) ** 2) == pytest.approx(2.0 + 3.0)
