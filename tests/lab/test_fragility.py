import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import StepPatch

from closedbook.lab.config import FragilityConfig
from closedbook.lab.figures.fragility import draw
from closedbook.lab.fragility import difference_variance, mean_when_flipped, run

Check = Callable[[Any], list[str]]


@pytest.mark.parametrize("n", [2, 7])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("spread", [0.1, 0.5])
def test_theory_and_simulation_agree(
    disagreements: Check, misfit: Callable[[Any], float], n: int, alpha: float, spread: float
):
    """Variance, probability, error and histogram agree at nine betas from 1/4 to 32."""
    result = run(FragilityConfig(n=n, d=n + 4, alpha=alpha, spread=spread, samples=4000, seed=3))
    assert len(result.sweep) == 8
    assert not disagreements(result.rows())
    for point in (result.point, *result.sweep):
        assert misfit(point.histogram) < 4


@settings(max_examples=4)
@given(st.integers(2, 20), st.floats(0, 0.05), st.floats(0.3, 1), st.floats(0.5, 30), st.integers(0, 2**32))
def test_theory_and_simulation_agree_for_any_spread(
    disagreements: Check, n: int, alpha: float, spread: float, beta: float, seed: int
):
    """With noise in all directions too."""
    config = FragilityConfig(n=n, d=n, alpha=alpha, spread=spread, beta=beta, samples=3000, seed=seed)
    assert not disagreements(run(config).rows())


def test_variance_of_the_logit_difference_matches_a_value_computed_by_hand():
    """beta 3, spread 1/2 and alpha 1/8 give 9 * (1/2 + 4/8) = 9."""
    assert difference_variance(alpha=0.125, beta=3.0, spread=0.5) == pytest.approx(9.0)


def test_theory_of_flipped_keys_matches_values_computed_by_hand():
    """Spread 1/2: P(eps < -1) = Phi(-sqrt 2) = 7.86%; E min(1 + eps, 0) is that minus phi(sqrt 2) / sqrt 2."""
    result = run(FragilityConfig(samples=1000))
    assert result.flipped.theory == pytest.approx(0.0786496, abs=1e-7)
    density = math.exp(-1) / math.sqrt(2 * math.pi)
    assert mean_when_flipped(0.5) == pytest.approx(0.0786496 - density * math.sqrt(0.5), abs=1e-7)
    assert mean_when_flipped(0.0) == 0.0


def test_variance_of_the_share_tends_to_a_quarter_as_beta_grows():
    """It rises with beta to a fair coin's 1/4, and shares near a half become rare."""
    result = run(FragilityConfig(samples=4000, alpha=0.0))
    variances = [point.share.simulation for point in result.sweep]
    assert variances == sorted(variances)
    assert 0.22 < variances[-1] < 0.25
    assert result.sweep[0].within.simulation > 0.7
    assert result.sweep[-1].within.simulation < 0.03


def test_share_is_always_a_half_without_spread_and_noise():
    """Then there is no histogram."""
    result = run(FragilityConfig(samples=200, alpha=0.0, spread=0.0))
    assert result.point.share.simulation < 1e-25
    assert result.point.within.simulation == 1.0
    assert result.point.histogram == ()


def test_line_over_the_shares_is_the_theory_of_each_bin():
    """So the bins at the ends, where the density grows without bound, can be compared with it too."""
    result = run(FragilityConfig(samples=500))
    axes = draw(result)["fragility-shares"].axes[-1]
    point = next(point for point in result.sweep if point.beta == 16)
    (line,) = (patch for patch in axes.patches if isinstance(patch, StepPatch))
    expected = [100 * one.probability.theory for one in point.histogram]
    assert line.get_data().values.tolist() == pytest.approx(expected)
    assert expected[0] > 30
    assert axes.get_ylim()[1] > max(expected)
