import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import NoiseConfig
from closedbook.lab.estimate import Row
from closedbook.lab.keys import seeded
from closedbook.lab.noise import difference_variance, run, simulate

Check = Callable[[Any], list[str]]


def rows(point: Any) -> list[Row]:
    """All quantities of one point."""
    where = f"alpha {point.alpha}, beta {point.beta}"
    return [Row(name, where, getattr(point, name)) for name in ("difference", "share", "within", "squared_error")]


@pytest.mark.parametrize("alpha", [0.0, 0.001, 0.05, 0.7])
@pytest.mark.parametrize("beta", [0.5, 3.0, 11.0])
def test_theory_and_simulation_agree(disagreements: Check, misfit: Callable[[Any], float], alpha: float, beta: float):
    """Variance of the logits' difference and of the share, probability, error and histogram agree."""
    config = NoiseConfig(n=7, d=11, samples=5000)
    point, histogram = simulate(config, alpha, beta, seeded(1))
    assert not disagreements(rows(point))
    assert alpha == 0 or misfit(histogram) < 4


@settings(max_examples=16)
@given(st.integers(2, 30), st.floats(0.01, 6), st.floats(0.5, 10), st.integers(0, 2**32))
def test_theory_and_simulation_agree_for_any_noise(
    disagreements: Check, n: int, product: float, beta: float, seed: int
):
    """Any number of keys, and alpha beta^2 from 0.01 to 6."""
    config = NoiseConfig(n=n, d=n, samples=2000, within=0.3)
    point, _ = simulate(config, product / beta**2, beta, seeded(seed))
    assert not disagreements(rows(point))


def test_variance_of_the_logit_difference_matches_a_value_computed_by_hand():
    """alpha 0.01 and beta 5 give 4 * 0.01 * 25 = 1."""
    assert difference_variance(0.01, 5.0) == pytest.approx(1.0)


def test_simulated_points_of_the_grid_agree_with_it(disagreements: Check):
    """Nine points of the grid are simulated, and their theory is the grid's error."""
    result = run(NoiseConfig(samples=1000))
    assert not disagreements(result.rows())
    assert len(result.simulated) == 9
    for point in result.simulated:
        row, column = result.alphas.index(point.alpha), result.betas.index(point.beta)
        assert result.errors[row][column] == pytest.approx(math.sqrt(point.squared_error.theory))


def test_the_average_survives_while_alpha_beta_squared_is_small():
    """At beta 10 the share's standard deviation is under 0.007 at alpha 1e-6, and nearly a fair coin's at alpha 1."""
    config = NoiseConfig(n=5, d=5, samples=2000)
    little, _ = simulate(config, 1e-6, 10.0, seeded(2))
    much, _ = simulate(config, 1.0, 10.0, seeded(2))
    assert little.share.simulation < 4e-5
    assert little.within.simulation == 1.0
    assert much.share.simulation > 0.2
    assert much.within.simulation < 0.05
