from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import ProjectionsConfig
from closedbook.lab.keys import seeded, weights
from closedbook.lab.projections import ADDED, NEAREST, leak, random_directions, run, with_projections

Check = Callable[[Any], list[str]]


@pytest.mark.parametrize(("d", "beta", "alpha"), [(4, 4.0, 0.05), (7, 5.0, 0.01), (13, 9.0, 0.0)])
def test_theory_and_simulation_agree(disagreements: Check, d: int, beta: float, alpha: float):
    """Distances without noise agree to rounding, errors with noise within four standard errors."""
    result = run(ProjectionsConfig(d=d, beta=beta, alpha=alpha, samples=5000))
    assert not disagreements(result.rows())


@settings(max_examples=10)
@given(st.integers(4, 20), st.floats(4.5, 10), st.floats(0, 0.03), st.integers(0, 2**32))
def test_theory_and_simulation_agree_in_any_directions(
    disagreements: Check, d: int, beta: float, alpha: float, seed: int
):
    """Any four orthogonal directions, as long as the noise is small."""
    assert not disagreements(run(ProjectionsConfig(d=d, beta=beta, alpha=alpha, samples=1000, seed=seed)).rows())


def test_projections_give_the_wanted_outputs():
    """At beta 5, to 1e-9: u_b - u_c for token 1, u_b for token 2, the mean of the values for token 3."""
    directions = random_directions(5.0, 11, seeded(1))
    _, b, c, _ = directions.u
    found = with_projections(directions, directions.tokens())
    torch.testing.assert_close(found, torch.stack((b - c, b, (2 * b - c) / 3)), rtol=0, atol=1e-9)


def test_matrices_transform_each_direction_as_described():
    """V keeps u_b, negates u_c and drops the rest; Q takes u_a to u_d, u_d to u_c, and the rest to zero."""
    directions = random_directions(3.0, 7, seeded(2))
    a, b, c, d = u = directions.u
    zero = torch.zeros_like(a)
    torch.testing.assert_close(u @ directions.value_matrix().T, torch.stack((zero, b, -c, zero)))
    torch.testing.assert_close(u @ directions.query_matrix().T, torch.stack((d, zero, zero, c)))


@pytest.mark.parametrize("added", ADDED)
def test_token_copies_itself_without_projections_whatever_is_added(added: str):
    """c_2 is x_2, also with u_d or u_c added, and far from u_b."""
    directions = random_directions(5.0, 7, seeded(3))
    x = directions.tokens(added)
    c = weights(x, x) @ x
    torch.testing.assert_close(c[1], x[1], rtol=0, atol=1e-8)
    assert float((c[1] - directions.u[1]).norm()) > 5.0


def test_no_weights_come_nearer_than_the_bound():
    """The nearest of thirty thousand random mixtures is close to the bound, which the weights (2, 1, 2) / 5 attain."""
    result = run(ProjectionsConfig(samples=100))
    assert NEAREST <= result.nearest_to_b < 1.02 * NEAREST
    directions = random_directions(4.0, 5, seeded(4))
    c = torch.tensor([0.4, 0.2, 0.4], dtype=torch.float64) @ directions.tokens()
    assert float((c - directions.u[1]).norm()) / 4.0 == pytest.approx(NEAREST)


@given(st.lists(st.floats(-3, 3), min_size=10, max_size=10))
def test_token_of_equal_length_has_its_largest_logit_with_itself(numbers: list[float]):
    """|x|^2 - x . y is half of |x - y|^2 where |x| = |y|, and so never below zero."""
    x, y = torch.tensor(numbers, dtype=torch.float64).view(2, 5) + 1e-3
    x, y = x / x.norm(), y / y.norm()
    assert float(x @ x - x @ y) == pytest.approx(float((x - y).square().sum() / 2), abs=1e-12)


def test_leak_matches_values_of_the_result():
    """At beta 0 every weight is a third; each row of weights adds up to one."""
    assert leak(0.0) == pytest.approx(1 / 3)
    result = run(ProjectionsConfig(samples=100, beta=4.0))
    for table in (result.plain, result.projected):
        for row in table:
            assert sum(row) == pytest.approx(1.0)
    assert result.plain[1][0] == pytest.approx(leak(4.0))
