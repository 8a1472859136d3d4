import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import HeadsConfig
from closedbook.lab.heads import run
from closedbook.lab.looking import Looking, expected, probability_flipped

Check = Callable[[Any], list[str]]


@pytest.mark.parametrize(
    ("n", "subset", "heads", "fragile", "larger"),
    [(3, 2, 2, 1, 2), (7, 2, 2, 2, 4), (11, 6, 3, 4, 6)],
)
@pytest.mark.parametrize("alpha", [0.0, 0.004])
def test_theory_and_simulation_agree(
    disagreements: Check, n: int, subset: int, heads: int, fragile: int, larger: int, alpha: float
):
    """Error, variance and mean weight of one head and several, at eight betas, flipped keys apart."""
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
def test_they_agree_for_any_heads(
    disagreements: Check, heads: int, each: int, more: int, alpha: float, spread: float, beta: float, seed: int
):
    """Any number of heads, keys to a head and other keys; any spread, noise and beta."""
    subset = heads * each
    n = subset + more
    shape = {"n": n, "d": n, "subset": subset, "heads": heads, "fragile": (subset + 1) // 2, "larger": n - 1}
    config = HeadsConfig(samples=1500, alpha=alpha, spread=spread, beta=beta, seed=seed, **shape)
    assert not disagreements(run(config).rows())


def test_one_head_is_a_coin_and_two_are_not():
    """At beta 100 without noise, in closed form: 1/2 for one head; for two p (1 - p) (1 + 1/(n-1)) / 4 of variance."""
    p, n = probability_flipped(0.5), 8
    one = expected(Looking(n, 2, 1, 1, beta=100.0, alpha=0.0, spread=0.5))
    two = expected(Looking(n, 2, 2, 1, beta=100.0, alpha=0.0, spread=0.5))
    # Still short of a coin by the draws whose eps is of the size of 1 / beta: twice the share's own shortfall.
    short = 2 / (100.0 * math.sqrt(0.5) * math.sqrt(2 * math.pi))
    assert one.square == pytest.approx(0.5 - short, abs=1e-4)
    assert one.variance == pytest.approx(0.5 - short, abs=1e-4)
    assert two.variance == pytest.approx(p * (1 - p) * (1 + 1 / (n - 1)) / 4, rel=0.02)
    assert two.weights[1] == pytest.approx(0.5 + p / (n - 1) / 2, abs=5e-4)  # the flipped head reads b as one of all


def test_a_flipped_key_sends_its_head_to_all_the_others():
    """At beta 100 without noise: head 1 spreads evenly over the n - 1 others, so c is v_b / 2 and crumbs."""
    found = expected(Looking(5, 2, 2, 1, beta=100.0, alpha=0.0, spread=0.5), flipped=True)
    assert found.weights[0] == pytest.approx(0.0, abs=0.01)
    assert found.weights[1] == pytest.approx(0.5 + 1 / 8, abs=0.002)
    assert found.weights[2:] == pytest.approx((1 / 8,) * 3, abs=0.002)


def test_flipped_and_unflipped_make_the_whole():
    """The mean weight is what flipped and unflipped draws come to together, counted by an integral over eps."""
    looking = Looking(6, 2, 2, 1, beta=4.0, alpha=0.0, spread=0.5)
    p = probability_flipped(0.5)
    # At alpha 0, head 1 gives the first key 1 / (1 + (n-1) exp(-beta (1 + eps))), by hand.
    width, total = 1e-3, 0.0
    for step in range(6000):
        eps = -1 + (step + 0.5) * width
        density = math.exp(-(eps**2)) / math.sqrt(math.pi)
        total += width * density / (1 + 5 * math.exp(-4.0 * (1 + eps))) / 2
    # Head 2 gives it 1 / (n - 1 + e^beta).
    head_2 = 0.5 / (5 + math.exp(4.0))
    together = p * (expected(looking, flipped=True).weights[0] - head_2) + total
    assert expected(looking).weights[0] == pytest.approx(together + head_2, abs=1e-6)


def test_more_heads_err_less_where_all_keys_are_fragile():
    """Of a subset of six, measured: each further division lowers error and variance."""
    result = run(HeadsConfig(samples=3000))
    assert [point.heads for point in result.larger] == [1, 2, 3, 6]
    for name in ("square", "variance"):
        values = [getattr(point, name).simulation for point in result.larger]
        assert values == sorted(values, reverse=True)


def test_the_cloud_counts_every_draw():
    """The histograms come to one; one head has its piles at the ends, two have theirs in the middle."""
    one, two = run(HeadsConfig(samples=3000, beta=20.0)).clouds
    for cloud in (one, two):
        assert sum(cloud.histogram) == pytest.approx(1.0)
        assert len(cloud.histogram) == 41
    assert min(one.histogram[0], one.histogram[-1]) > 0.35
    assert two.histogram[20] > 0.8


def test_too_few_flipped_draws_are_not_told_of():
    """With so little spread that no key is ever flipped, nothing is said of flipped ones."""
    result = run(HeadsConfig(samples=200, spread=0.01))
    assert result.one_flipped is None
    assert result.several_flipped is None
    assert not [row for row in result.rows() if "if eps" in row.what]
