import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import PositionsConfig
from closedbook.lab.keys import normal, seeded
from closedbook.lab.positions import CAUSAL, KINDS, frequencies, run, sinusoid
from closedbook.model.kernels.rotary import rotate

Check = Callable[[Any], list[str]]


def every_row(result: Any) -> list[Any]:
    """The rows of the table, and the similarity at every distance."""
    from closedbook.lab.estimate import Row

    rows = [Row(point.kind, f"distance {i}", e) for point in result.points for i, e in enumerate(point.similarity)]
    return [*result.rows(), *rows]


@pytest.mark.parametrize(("n", "d", "seed"), [(3, 2, 0), (11, 14, 1), (37, 34, 2)])
def test_theory_and_simulation_agree(disagreements: Check, n: int, d: int, seed: int):
    """Change by a shift, and similarity at every distance, for every kind of positions."""
    assert not disagreements(every_row(run(PositionsConfig(n=n, d=d, samples=600, seed=seed))))


@settings(max_examples=4)
@given(st.integers(3, 40), st.integers(1, 12), st.integers(0, 2**32))
def test_theory_and_simulation_agree_for_any_size(disagreements: Check, n: int, half: int, seed: int):
    """Any number of tokens and any even width."""
    assert not disagreements(run(PositionsConfig(n=n, d=2 * half, samples=800, seed=seed)).rows())


def test_outputs_depend_on_order_only_with_positions_or_a_causal_mask():
    """Without them a reversed sequence gives the reversed outputs, to rounding."""
    result = run(PositionsConfig(n=13, d=10, samples=400))
    changes = {order.kind: order.change.value for order in result.orders}
    assert set(changes) == {*KINDS, CAUSAL}
    assert changes.pop("none") < 1e-25
    for kind, change in changes.items():
        assert change > 0.05, kind


def test_rotary_logits_depend_on_the_distance_alone():
    """Two tokens that move together keep their logit; with added vectors, sinusoid or learned, they do not."""
    result = run(PositionsConfig(n=29, d=14, samples=600))
    changes = {point.kind: point.shift_change.simulation for point in result.points}
    assert changes["none"] == 0.0
    assert changes["rotary"] < 1e-9
    assert changes["sinusoid"] > 1
    assert changes["learned"] > 1


@pytest.mark.parametrize("distance", [0, 1, 5])
def test_rotary_logit_is_that_of_a_rotation_by_the_distance(distance: int):
    """For single tokens, q . k at positions i + distance and i is q rotated by the distance alone, times k."""
    q, k = normal(seeded(3), 2, 1, 1, 1, 6)
    expected = rotate(q, distance).flatten() @ k.flatten()
    for position in (0, 7, 23):
        logit = rotate(q, position + distance).flatten() @ rotate(k, position).flatten()
        torch.testing.assert_close(logit, expected, rtol=1e-5, atol=1e-5)


def test_sinusoids_match_values_computed_by_hand():
    """Position 2 of width 4 has the angles 2 and 0.02; position 0 is ones and zeros; all have the same length."""
    p = sinusoid(3, 4)
    wanted = torch.tensor([math.cos(2), math.cos(0.02), math.sin(2), math.sin(0.02)], dtype=torch.float64)
    torch.testing.assert_close(p[2], wanted)
    assert p[0].tolist() == [1.0, 1.0, 0.0, 0.0]
    torch.testing.assert_close(p.square().sum(1), torch.full((3,), 2.0, dtype=torch.float64))
    torch.testing.assert_close(frequencies(4), torch.tensor([1.0, 0.01], dtype=torch.float64))


def test_rotary_similarity_matches_values_computed_by_hand():
    """In width 4 the mean logit is 4 at distance 0 and 2 (cos 1 + cos 0.01) at distance 1."""
    result = run(PositionsConfig(n=5, d=4, samples=200))
    (rotary,) = (point for point in result.points if point.kind == "rotary")
    assert rotary.similarity[0].theory == pytest.approx(4.0)
    assert rotary.similarity[1].theory == pytest.approx(2 * (math.cos(1) + math.cos(0.01)))
