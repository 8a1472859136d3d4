"""Budgets: the line that refuses one."""

from closedbook.training.budget import Budget, Fit


def test_a_refused_budget_counts_in_plain_english():
    """One step fits, two steps fit; and one minute is no plural, neither given nor asked for."""
    one = Fit(Budget(1.0), n_steps=1, reading=40.0, timing=10.0, left=10.0, per_step=0.05).refusal
    assert one.startswith("budget of 1 minute: 50 steps ")
    assert one.endswith("; reading took 40 s and timing 10 s, so that 1 step fits; give 1 minute or more")
    two = Fit(Budget(0.5), n_steps=2, reading=25.0, timing=2.0, left=3.0, per_step=1.0).refusal
    assert two.startswith("budget of 0.5 minutes: ")
    assert two.endswith("so that 2 steps fit; give 1.6 minutes or more")
