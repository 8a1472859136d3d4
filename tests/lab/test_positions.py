import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.config import PositionsConfig
from closedbook.lab.positions import KINDS, MASK, frequencies, run, sinusoid
from closedbook.lab.scene import normal, seeded
from closedbook.model.kernels.rotary import rotate

Check = Callable[[Any], list[str]]


def every_row(result: Any) -> list[Any]:
    """The table, and the similarity at every distance."""
    from closedbook.lab.estimate import Row

    rows = [Row(point.kind, f"distance {i}", e) for point in result.points for i, e in enumerate(point.similarity)]
    return [*result.rows(), *rows]


@pytest.mark.parametrize(("n", "d", "seed"), [(3, 2, 0), (11, 14, 1), (37, 34, 2)])
def test_theory_and_simulation_agree(disagreements: Check, n: int, d: int, seed: int):
    """Sliding and similarity at every distance, for every kind of positions."""
    assert not disagreements(every_row(run(PositionsConfig(n=n, d=d, samples=600, seed=seed))))


@settings(max_examples=4)
@given(st.integers(3, 40), st.integers(1, 12), st.integers(0, 2**32))
def test_they_agree_for_any_size(disagreements: Check, n: int, half: int, seed: int):
    """Any number of tokens and any even width."""
    assert not disagreements(run(PositionsConfig(n=n, d=2 * half, samples=800, seed=seed)).rows())


def test_without_positions_order_is_invisible_and_each_kind_shows_it():
    """Backwards in is backwards out to rounding; with positions, or a causal mask, it is not."""
    result = run(PositionsConfig(n=13, d=10, samples=400))
    changes = {order.kind: order.change.value for order in result.orders}
    assert set(changes) == {*KINDS, MASK}
    assert changes.pop("none") < 1e-25
    for kind, change in changes.items():
        assert change > 0.05, kind


def test_rotary_logits_depend_on_the_distance_alone():
    """Two tokens that move together keep their logit; with vectors added, sinusoid or learned, they do not."""
    result = run(PositionsConfig(n=29, d=14, samples=600))
    sliding = {point.kind: point.sliding.simulation for point in result.points}
    assert sliding["none"] == 0.0
    assert sliding["rotary"] < 1e-9
    assert sliding["sinusoid"] > 1
    assert sliding["learned"] > 1


@pytest.mark.parametrize("distance", [0, 1, 5])
def test_rotary_logits_are_those_of_a_turn_by_the_distance(distance: int):
    """For single tokens: q . k at places i and i + distance is q turned by the distance alone, times k."""
    q, k = normal(seeded(3), 2, 1, 1, 1, 6)
    there = rotate(q, distance).flatten() @ k.flatten()
    for place in (0, 7, 23):
        here = rotate(q, place + distance).flatten() @ rotate(k, place).flatten()
        torch.testing.assert_close(here, there, rtol=1e-5, atol=1e-5)


def test_the_sinusoids_are_these():
    """By hand: at place 2 of width 4, angles 2 and 0.02; place 0 is ones and noughts; the length is the same."""
    p = sinusoid(3, 4)
    wanted = torch.tensor([math.cos(2), math.cos(0.02), math.sin(2), math.sin(0.02)], dtype=torch.float64)
    torch.testing.assert_close(p[2], wanted)
    assert p[0].tolist() == [1.0, 1.0, 0.0, 0.0]
    torch.testing.assert_close(p.square().sum(1), torch.full((3,), 2.0, dtype=torch.float64))
    torch.testing.assert_close(frequencies(4), torch.tensor([1.0, 0.01], dtype=torch.float64))


def test_rotary_similarity_falls_with_distance_from_all_of_it():
    """At distance 0 the mean logit is d; at distance 1 it is 2 (cos 1 + cos 0.01) in width 4, by hand."""
    result = run(PositionsConfig(n=5, d=4, samples=200))
    (rotary,) = (point for point in result.points if point.kind == "rotary")
    assert rotary.similarity[0].theory == pytest.approx(4.0)
    assert rotary.similarity[1].theory == pytest.approx(2 * (math.cos(1) + math.cos(0.01)))
