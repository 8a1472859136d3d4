import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import NoiseConfig
from closedbook.lab.estimate import Row
from closedbook.lab.noise import difference_variance, measure, run
from closedbook.lab.scene import seeded

Check = Callable[[Any], list[str]]


def rows(point: Any) -> list[Row]:
    """All that is measured at one point."""
    where = f"alpha {point.alpha}, beta {point.beta}"
    return [Row(name, where, getattr(point, name)) for name in ("difference", "share", "within", "square")]


@pytest.mark.parametrize("alpha", [0.0, 0.001, 0.05, 0.7])
@pytest.mark.parametrize("beta", [0.5, 3.0, 11.0])
def test_theory_and_simulation_agree(disagreements: Check, misfit: Callable[[Any], float], alpha: float, beta: float):
    """Variance of the logits' difference and of the share, probability, error, and the histogram."""
    config = NoiseConfig(n=7, d=11, samples=5000)
    point, histogram = measure(config, alpha, beta, seeded(1))
    assert not disagreements(rows(point))
    assert alpha == 0 or misfit(histogram) < 4


@settings(max_examples=16)
@given(st.integers(2, 30), st.floats(0.01, 6), st.floats(0.5, 10), st.integers(0, 2**32))
def test_they_agree_for_any_noise(disagreements: Check, n: int, product: float, beta: float, seed: int):
    """Any number of keys and any alpha beta^2, from hardly any noise to nothing else."""
    config = NoiseConfig(n=n, d=n, samples=2000, within=0.3)
    point, _ = measure(config, product / beta**2, beta, seeded(seed))
    assert not disagreements(rows(point))


def test_the_difference_of_the_logits_has_this_variance():
    """By hand: alpha 0.01 and beta 5 give 4 * 0.01 * 25 = 1."""
    assert difference_variance(0.01, 5.0) == pytest.approx(1.0)


def test_the_map_has_what_was_measured_in_it(disagreements: Check):
    """Nine places of the map are simulated, agree, and have the map's error as their theory."""
    result = run(NoiseConfig(samples=1000))
    assert not disagreements(result.rows())
    assert len(result.measured) == 9
    for point in result.measured:
        row, column = result.alphas.index(point.alpha), result.betas.index(point.beta)
        assert result.map[row][column] == pytest.approx(math.sqrt(point.square.theory))


def test_the_average_survives_while_alpha_beta_squared_is_small():
    """At beta 10 the share's deviation is a fortieth of the way at alpha 1e-6, and a coin's nearly at alpha 1."""
    config = NoiseConfig(n=5, d=5, samples=2000)
    calm, _ = measure(config, 1e-6, 10.0, seeded(2))
    wild, _ = measure(config, 1.0, 10.0, seeded(2))
    assert calm.share.simulation < 4e-5
    assert calm.within.simulation == 1.0
    assert wild.share.simulation > 0.2
    assert wild.within.simulation < 0.05
