from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import ProjectionsConfig
from closedbook.lab.projections import ADDED, NEAREST, run, scene, stray, with_maps
from closedbook.lab.scene import seeded, weights

Check = Callable[[Any], list[str]]


@pytest.mark.parametrize(("d", "beta", "alpha"), [(4, 4.0, 0.05), (7, 5.0, 0.01), (13, 9.0, 0.0)])
def test_theory_and_simulation_agree(disagreements: Check, d: int, beta: float, alpha: float):
    """Distances without noise to rounding, errors with noise within four standard errors."""
    result = run(ProjectionsConfig(d=d, beta=beta, alpha=alpha, samples=5000))
    assert not disagreements(result.rows())


@settings(max_examples=10)
@given(st.integers(4, 20), st.floats(4.5, 10), st.floats(0, 0.03), st.integers(0, 2**32))
def test_they_agree_in_any_directions(disagreements: Check, d: int, beta: float, alpha: float, seed: int):
    """Any four directions at right angles, as long as the noise is small."""
    assert not disagreements(run(ProjectionsConfig(d=d, beta=beta, alpha=alpha, samples=1000, seed=seed)).rows())


def test_the_maps_do_what_was_asked():
    """Token 2 becomes u_b and token 1 u_b - u_c, at beta 5, to nine digits; token 3 the mean of the values."""
    here = scene(5.0, 11, seeded(1))
    _, b, c, _ = here.u
    found = with_maps(here, here.tokens())
    torch.testing.assert_close(found, torch.stack((b - c, b, (2 * b - c) / 3)), rtol=0, atol=1e-9)


def test_the_maps_are_these():
    """V keeps u_b and turns u_c; Q sends u_a to u_d, u_d to u_c, and the rest to nought."""
    here = scene(3.0, 7, seeded(2))
    a, b, c, d = here.u
    nought = torch.zeros_like(a)
    torch.testing.assert_close(here.u @ here.value_map().T, torch.stack((nought, b, -c, nought)))
    torch.testing.assert_close(here.u @ here.query_map().T, torch.stack((d, nought, nought, c)))


@pytest.mark.parametrize("added", ADDED)
def test_without_maps_a_token_copies_itself_whatever_is_added(added: str):
    """x_2 is what c_2 becomes, with u_d or u_c added as well, so u_b is out of reach."""
    here = scene(5.0, 7, seeded(3))
    x = here.tokens(added)
    c = weights(x, x) @ x
    torch.testing.assert_close(c[1], x[1], rtol=0, atol=1e-8)
    assert float((c[1] - here.u[1]).norm()) > 5.0


def test_no_weights_come_nearer_than_the_bound():
    """The nearest of thirty thousand random mixtures comes near the bound, which is by hand that of (2, 1, 2) / 5."""
    result = run(ProjectionsConfig(samples=100))
    assert NEAREST <= result.nearest_to_b < 1.02 * NEAREST
    here = scene(4.0, 5, seeded(4))
    c = torch.tensor([0.4, 0.2, 0.4], dtype=torch.float64) @ here.tokens()
    assert float((c - here.u[1]).norm()) / 4.0 == pytest.approx(NEAREST)


@given(st.lists(st.floats(-3, 3), min_size=10, max_size=10))
def test_tokens_of_one_length_meet_themselves_best(numbers: list[float]):
    """|x|^2 - x . y is half of |x - y|^2 where |x| = |y|, and so never below nought."""
    x, y = torch.tensor(numbers, dtype=torch.float64).view(2, 5) + 1e-3
    x, y = x / x.norm(), y / y.norm()
    assert float(x @ x - x @ y) == pytest.approx(float((x - y).square().sum() / 2), abs=1e-12)


def test_what_goes_astray_is_this():
    """By hand: at beta^2 = 0 a third goes to each; in the table three weights come to one."""
    assert stray(0.0) == pytest.approx(1 / 3)
    result = run(ProjectionsConfig(samples=100, beta=4.0))
    for table in (result.plain, result.mapped):
        for row in table:
            assert sum(row) == pytest.approx(1.0)
    assert result.plain[1][0] == pytest.approx(stray(4.0))
