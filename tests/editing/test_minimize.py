"""Minimizing until the goals are reached."""

import torch

from closedbook.editing.minimize import minimize


def test_it_stops_once_every_loss_has_reached_its_goal():
    """Two parabolas, whose goals are loose and strict: the numbers stop between start and minimum."""
    numbers = torch.tensor([4.0, 4.0], requires_grad=True)
    seen = []

    def losses() -> torch.Tensor:
        seen.append(numbers.detach().clone())
        return (numbers - torch.tensor([1.0, -1.0])) ** 2

    minimize(losses, numbers, torch.tensor([4.0, 0.01]), 50)
    assert bool((losses() <= torch.tensor([4.0, 0.01])).all())
    assert len(seen) < 20


def test_it_does_nothing_where_the_goals_are_reached_already():
    """Not one step."""
    numbers = torch.tensor([0.5], requires_grad=True)
    minimize(lambda: numbers**2, numbers, torch.tensor([1.0]), 50)
    assert numbers.item() == 0.5


def test_it_ends_where_the_goal_is_out_of_reach():
    """The minimum is as near as it gets."""
    numbers = torch.tensor([3.0], requires_grad=True)
    minimize(lambda: numbers**2 + 1, numbers, torch.tensor([0.5]), 30)
    assert abs(numbers.item()) < 1e-3
