"""The linear model of a choice."""

import numpy as np
import pytest

from closedbook.reader.choice import ChoiceConfig, Choices, learn, softmax


def choices_of(*alternatives: list[list[int]], n_columns: int) -> Choices:
    """Choices whose alternatives have the given features and no real ones."""
    flat = [features for choice in alternatives for features in choice]
    return Choices(
        np.cumsum([0, *map(len, alternatives)]),
        np.cumsum([0, *map(len, flat)]),
        np.array([feature for features in flat for feature in features]),
        np.zeros((len(flat), 1)),
        n_columns,
    )


def test_softmax_is_within_each_choice():
    """Scores log 1, log 3 and log 2, log 2 by hand, and a shift changes nothing."""
    scores = np.log([1.0, 3.0, 2.0, 2.0]) + np.array([500, 500, -500, -500])
    np.testing.assert_allclose(softmax(scores, np.array([0, 2, 4])), [0.25, 0.75, 0.5, 0.5])


def test_what_is_chosen_is_learnt():
    """The feature that every right alternative has gets the largest weight, and an unused one none."""
    choices = choices_of([[0, 1], [0]], [[0, 2], [0, 1], [0]], [[0, 2], [0, 1, 2]], n_columns=4)
    right = np.array([1, 0, 0, 1, 0, 0, 1], bool)
    weights = learn(choices, right, ChoiceConfig(), seed=0)
    chances = softmax(weights.scores(choices), choices.starts)
    assert weights.sparse.argmax() == 1
    assert weights.sparse[3] == 0
    assert chances[right].min() > 0.5


def test_an_alternative_with_all_that_others_have_is_learnt_to_its_share():
    """Where features cannot tell, three of four right choices are a probability of three quarters."""
    choices = choices_of(*[[[0], [1]]] * 40, n_columns=2)
    right = np.tile([1, 0, 1, 0, 1, 0, 0, 1], 10).astype(bool)
    weights = learn(choices, right, ChoiceConfig(epochs=200, penalty=1e-6), seed=0)
    chances = softmax(weights.scores(choices), choices.starts)
    assert chances[0] == pytest.approx(0.75, abs=0.02)


def test_choices_are_taken_in_the_order_asked_for():
    """A part of the choices has their alternatives and features, and nothing else."""
    choices = choices_of([[0, 1], [2]], [[3], [1], [0, 2]], n_columns=4)
    part = choices.take(np.array([1, 0]))
    assert part.starts.tolist() == [0, 3, 5]
    assert part.rows.tolist() == [0, 1, 2, 4, 6, 7]
    assert part.columns.tolist() == [3, 1, 0, 2, 0, 1, 2]
