import numpy as np
import pytest

from closedbook.reader.choice import ChoiceConfig, Choices, fit, softmax


def choices_of(*alternatives: list[list[int]], n_features: int) -> Choices:
    """Choices whose alternatives have the given binary features, and 0 as their only real one."""
    flat = [features for choice in alternatives for features in choice]
    return Choices(
        np.cumsum([0, *map(len, alternatives)]),
        np.cumsum([0, *map(len, flat)]),
        np.array([feature for features in flat for feature in features]),
        np.zeros((len(flat), 1)),
        n_features,
    )


def test_softmax_is_within_each_choice():
    """By hand for scores log 1, log 3 and log 2, log 2; adding a number to all scores of a choice changes nothing."""
    scores = np.log([1.0, 3.0, 2.0, 2.0]) + np.array([500, 500, -500, -500])
    np.testing.assert_allclose(softmax(scores, np.array([0, 2, 4])), [0.25, 0.75, 0.5, 0.5])


def test_the_right_alternatives_become_likely():
    """The feature that all right alternatives have gets the largest weight; an unused feature keeps weight 0."""
    choices = choices_of([[0, 1], [0]], [[0, 2], [0, 1], [0]], [[0, 2], [0, 1, 2]], n_features=4)
    right = np.array([1, 0, 0, 1, 0, 0, 1], bool)
    weights = fit(choices, right, ChoiceConfig(), seed=0)
    probabilities = softmax(weights.scores(choices), choices.starts)
    assert weights.binary.argmax() == 1
    assert weights.binary[3] == 0
    assert probabilities[right].min() > 0.5


def test_probabilities_are_the_frequencies_of_right_alternatives():
    """If the first of two alternatives is right in three quarters of the choices, its probability is 3/4."""
    choices = choices_of(*[[[0], [1]]] * 40, n_features=2)
    right = np.tile([1, 0, 1, 0, 1, 0, 0, 1], 10).astype(bool)
    weights = fit(choices, right, ChoiceConfig(epochs=200, penalty=1e-6), seed=0)
    probabilities = softmax(weights.scores(choices), choices.starts)
    assert probabilities[0] == pytest.approx(0.75, abs=0.02)


def test_choices_are_taken_in_the_given_order():
    """Some of the choices keep their alternatives and features, and nothing else."""
    choices = choices_of([[0, 1], [2]], [[3], [1], [0, 2]], n_features=4)
    part = choices.take(np.array([1, 0]))
    assert part.starts.tolist() == [0, 3, 5]
    assert part.feature_starts.tolist() == [0, 1, 2, 4, 6, 7]
    assert part.features.tolist() == [3, 1, 0, 2, 0, 1, 2]
