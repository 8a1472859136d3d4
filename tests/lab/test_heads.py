import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import HeadsConfig
from closedbook.lab.heads import run
from closedbook.lab.noisy_heads import NoisyHeads, expected_output, probability_flipped

Check = Callable[[Any], list[str]]


@pytest.mark.parametrize(
    ("n", "subset", "heads", "fragile", "larger"),
    [(3, 2, 2, 1, 2), (7, 2, 2, 2, 4), (11, 6, 3, 4, 6)],
)
@pytest.mark.parametrize("alpha", [0.0, 0.004])
def test_theory_and_simulation_agree(
    disagreements: Check, n: int, subset: int, heads: int, fragile: int, larger: int, alpha: float
):
    """Error, variance and mean weight of one head and several agree at eight betas; so do errors of flipped keys."""
    numbers = {"n": n, "d": n + 2, "subset": subset, "heads": heads, "fragile": fragile, "larger": larger}
    result = run(HeadsConfig(samples=4000, seed=5, alpha=alpha, **numbers))
    assert result.one_flipped is not None
    assert result.several_flipped is not None
    assert {(point.heads, point.beta) for point in result.sweep} >= {(1, 0.25), (heads, 32.0)}
    assert not disagreements(result.rows())


@settings(max_examples=4)
@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 6),
    st.floats(0, 0.02),
    st.floats(0.25, 1),
    st.floats(0.5, 20),
    st.integers(0, 2**32),
)
def test_theory_and_simulation_agree_for_any_heads(
    disagreements: Check, heads: int, each: int, more: int, alpha: float, spread: float, beta: float, seed: int
):
    """Any number of heads, keys per head and other keys; any spread, noise and beta."""
    subset = heads * each
    n = subset + more
    shape = {"n": n, "d": n, "subset": subset, "heads": heads, "fragile": (subset + 1) // 2, "larger": n - 1}
    config = HeadsConfig(samples=1500, alpha=alpha, spread=spread, beta=beta, seed=seed, **shape)
    assert not disagreements(run(config).rows())


def test_theory_tends_to_its_closed_forms_for_large_beta():
    """At beta 100 without noise the variance is 1/2 for one head and p (1 - p) (1 + 1/(n-1)) / 4 for two."""
    p, n = probability_flipped(0.5), 8
    one = expected_output(NoisyHeads(n, 2, 1, 1, beta=100.0, alpha=0.0, spread=0.5))
    two = expected_output(NoisyHeads(n, 2, 2, 1, beta=100.0, alpha=0.0, spread=0.5))
    # Draws whose eps is of the size of 1 / beta lower the variance, by twice as much as that of the share.
    shortfall = 2 / (100.0 * math.sqrt(0.5) * math.sqrt(2 * math.pi))
    assert one.squared_error == pytest.approx(0.5 - shortfall, abs=1e-4)
    assert one.variance == pytest.approx(0.5 - shortfall, abs=1e-4)
    assert two.variance == pytest.approx(p * (1 - p) * (1 + 1 / (n - 1)) / 4, rel=0.02)
    assert two.weights[1] == pytest.approx(
        0.5 + p / (n - 1) / 2, abs=5e-4
    )  # when flipped, head 1 attends to b as to all others


def test_head_of_a_flipped_key_attends_evenly_to_all_other_keys():
    """At beta 100 without noise c is v_b / 2 plus half the mean of the n - 1 other values."""
    found = expected_output(NoisyHeads(5, 2, 2, 1, beta=100.0, alpha=0.0, spread=0.5), flipped=True)
    assert found.weights[0] == pytest.approx(0.0, abs=0.01)
    assert found.weights[1] == pytest.approx(0.5 + 1 / 8, abs=0.002)
    assert found.weights[2:] == pytest.approx((1 / 8,) * 3, abs=0.002)


def test_mean_weight_is_the_mixture_of_flipped_and_other_draws():
    """The others' part is integrated over eps here."""
    heads = NoisyHeads(6, 2, 2, 1, beta=4.0, alpha=0.0, spread=0.5)
    p = probability_flipped(0.5)
    # At alpha 0, head 1 gives the first key the weight 1 / (1 + (n-1) exp(-beta (1 + eps))).
    width, total = 1e-3, 0.0
    for step in range(6000):
        eps = -1 + (step + 0.5) * width
        density = math.exp(-(eps**2)) / math.sqrt(math.pi)
        total += width * density / (1 + 5 * math.exp(-4.0 * (1 + eps))) / 2
    # Head 2 gives it 1 / (n - 1 + exp(beta)).
    head_2 = 0.5 / (5 + math.exp(4.0))
    together = p * (expected_output(heads, flipped=True).weights[0] - head_2) + total
    assert expected_output(heads).weights[0] == pytest.approx(together + head_2, abs=1e-6)


def test_more_heads_have_smaller_errors_where_all_keys_are_fragile():
    """Dividing six keys among more heads lowers error and variance each time."""
    result = run(HeadsConfig(samples=3000))
    assert [point.heads for point in result.larger] == [1, 2, 3, 6]
    for name in ("squared_error", "variance"):
        values = [getattr(point, name).simulation for point in result.larger]
        assert values == sorted(values, reverse=True)


def test_weight_histograms_add_up_to_one():
    """One head has its high bins at the ends, two heads have theirs in the middle."""
    one, two = run(HeadsConfig(samples=3000, beta=20.0)).histograms
    for histogram in (one, two):
        assert sum(histogram.proportions) == pytest.approx(1.0)
        assert len(histogram.proportions) == 41
    assert min(one.proportions[0], one.proportions[-1]) > 0.35
    assert two.proportions[20] > 0.8


def test_errors_of_flipped_keys_are_left_out_where_too_few_are_flipped():
    """With a small spread no key is flipped."""
    result = run(HeadsConfig(samples=200, spread=0.01))
    assert result.one_flipped is None
    assert result.several_flipped is None
    assert not [row for row in result.rows() if "if eps" in row.what]
