import numpy as np
import pytest
from scipy.sparse import csr_array

from closedbook.reader.choice import ChoiceConfig, Choices, Values, Weights, compact, fit, softmax
from closedbook.reader.tokens import starts_of


def choices_of(*choices: list[list[int]], right: list[int], parts: tuple[int, ...] = (0,)) -> Choices:
    """Choices whose alternatives have the given binary features, all of one row, and 0 as their only real feature."""
    flat = [features for choice in choices for features in choice]
    n_features = max(max(features) for features in flat) + 1
    dense = np.zeros((len(flat) + 1, n_features), np.float32)
    for row, features in enumerate(flat):
        dense[row, features] = 1
    rows = np.full((len(flat), 3), len(flat))
    rows[:, 1] = np.arange(len(flat))
    starts = starts_of([len(choice) for choice in choices])
    real = np.zeros((len(flat), 1), np.float32)
    features = np.arange(n_features)
    return Choices(np.array(parts), starts, rows, csr_array(dense), features, real, np.array(right, bool))


def values_of(dense: np.ndarray) -> Values:
    """Values of all parts (rows) and features (columns)."""
    return Values(dense.shape[1], np.arange(dense.size), dense.ravel())


def test_softmax_is_within_each_choice():
    """By hand for scores log 1, log 3 and log 2, log 2; adding a number to all scores of a choice changes nothing."""
    scores = np.log([1.0, 3.0, 2.0, 2.0]) + np.array([500, 500, -500, -500])
    np.testing.assert_allclose(softmax(scores, np.array([0, 2, 4])), [0.25, 0.75, 0.5, 0.5])


def test_scores_are_the_sum_of_rows_parts_and_real_features():
    """By hand: two parts, three rows of which one is used twice, two real features."""
    matrix = csr_array(np.array([[1, 1, 0], [0, 1, 1]], np.float32))
    one = np.array([[1.0, -1.0]], np.float32)
    choices = Choices(
        np.array([0, 2]), np.array([0, 1]), np.array([[0, 1, 1]]), matrix, np.array([1, 3, 4]), one, np.array([True])
    )
    binary = np.arange(15, dtype=np.float32).reshape(3, 5)
    real = np.array([[1, 2], [0, 0], [10, 20]], np.float32)
    weights = Weights(values_of(binary), values_of(real))
    of_features = binary[0] + binary[2]
    expected = of_features[1] + of_features[3] + 2 * (of_features[3] + of_features[4]) + 11 - 22
    assert weights.scores(choices) == pytest.approx([expected])


def test_the_right_alternatives_become_likely():
    """The feature that all right alternatives have gets the largest weight."""
    choices = choices_of([[0, 1], [0]], [[0, 2], [0, 1], [0]], [[0, 2], [0, 1, 2]], right=[1, 0, 0, 1, 0, 0, 1])
    weights = fit([choices], 3, ChoiceConfig(epochs=200), seed=0)
    probabilities = softmax(weights.scores(choices), choices.starts)
    assert weights.binary.of(np.array([0])).argmax() == 1
    assert probabilities[choices.right].min() > 0.5


def test_probabilities_are_the_frequencies_of_right_alternatives():
    """If the first of two alternatives is right in three quarters of the choices, its probability is 3/4."""
    choices = choices_of(*[[[0], [1]]] * 40, right=[1, 0, 1, 0, 1, 0, 0, 1] * 10)
    weights = fit([choices] * 20, 2, ChoiceConfig(epochs=200, penalty=1e-6), seed=0)
    assert softmax(weights.scores(choices), choices.starts)[0] == pytest.approx(0.75, abs=0.02)


def test_shared_parts_are_learned_from_all_questions():
    """What two questions have in common is known to a third that has the common part alone; what differs is not."""
    first = choices_of([[0, 1], [2]], right=[1, 0], parts=(0, 1))
    second = choices_of([[0, 2], [1]], right=[1, 0], parts=(0, 2))
    weights = fit([first, second] * 10, 3, ChoiceConfig(), seed=0)
    common, first_own, second_own = (weights.binary.of(np.array([part])) for part in range(3))
    assert common[0] > 1
    assert abs(common[1] - common[2]) < common[0] / 2
    assert first_own[1] > second_own[1] + 1


def test_the_gradient_is_that_of_the_loss():
    """One step from zero goes along the gradient of minus the log of the right alternatives' probability."""
    choices = choices_of([[0], [1], [2]], right=[1, 1, 0])
    weights = fit([choices], 3, ChoiceConfig(epochs=1), seed=0)
    # At zero each probability is 1/3 and each target 1/2, 1/2, 0: Adagrad's first step is the rate times the sign.
    assert weights.binary.values == pytest.approx([0.1, 0.1, -0.1], rel=1e-4)


def test_a_compact_matrix_has_the_same_rows():
    """Rows and features that nobody uses are left out."""
    matrix = csr_array(np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1]], np.float32))
    rows, small, features = compact(matrix, np.array([[3, 0, 1], [0, 0, 1]]))
    assert features.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(small.toarray()[rows[0]], matrix.toarray()[[3, 0, 1]][:, features])
    np.testing.assert_array_equal(small.toarray()[rows[1]], matrix.toarray()[[0, 0, 1]][:, features])
