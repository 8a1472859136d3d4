import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import CopyingConfig
from closedbook.lab.copying import leak_bound, margin_needed, run, weight_moments

Check = Callable[[Any], list[str]]


@pytest.mark.parametrize(("n", "d", "seed"), [(2, 2, 0), (3, 5, 1), (17, 19, 2), (31, 37, 3)])
def test_theory_and_simulation_agree(disagreements: Check, n: int, d: int, seed: int):
    """Leak and squared error at eleven margins, for up to three numbers of keys."""
    result = run(CopyingConfig(samples=2000, seed=seed, n=n, d=d, margin=2.5))
    assert not disagreements(result.rows())
    assert {(point.n, point.margin) for point in result.sweep} >= {(n, float(margin)) for margin in range(11)}


@settings(max_examples=8)
@given(st.integers(2, 40), st.floats(0, 8), st.integers(0, 2**32))
def test_no_draw_exceeds_the_bounds(disagreements: Check, n: int, margin: float, seed: int):
    """For any n and margin theory agrees, and 1 - alpha_j and |c - v_j| are within their bounds in every draw."""
    result = run(CopyingConfig(samples=300, seed=seed, n=n, d=n, margin=margin))
    assert not disagreements(result.rows())
    for point in (result.point, *result.sweep):
        assert point.n_violations == 0
        assert point.leak.simulation - 1e-12 <= point.max_leak <= point.leak_bound + 1e-12


def test_leak_bound_matches_a_value_computed_by_hand():
    """With n = 4 and margin ln 3 all other keys together weigh as much as the copied one: a half."""
    assert leak_bound(4, math.log(3)) == pytest.approx(0.5)


def test_weight_of_two_keys_is_the_sigmoid_of_the_margin():
    """The copied weight is sigmoid(m), and the leak equals its bound."""
    copied, following, _ = weight_moments(2, 1.7)
    assert copied.mean == pytest.approx(1 / (1 + math.exp(-1.7)))
    assert following.mean == pytest.approx(leak_bound(2, 1.7))


@given(st.integers(2, 200), st.floats(1e-6, 0.5))
def test_bound_at_the_needed_margin_is_the_wanted_distance(n: int, wanted: float):
    """For any number of keys and any wanted distance."""
    assert math.sqrt(2) * leak_bound(n, margin_needed(n, wanted)) == pytest.approx(wanted)


@pytest.mark.parametrize("wanted", [0.3, 0.01, 1e-5])
def test_distance_at_the_needed_margin_is_the_wanted_one_in_the_worst_case(wanted: float):
    """Measured by attention itself, so a smaller margin would not be enough."""
    result = run(CopyingConfig(samples=100, n=11, d=13, wanted=wanted))
    assert result.at_margin_needed == pytest.approx(wanted, rel=1e-9)
