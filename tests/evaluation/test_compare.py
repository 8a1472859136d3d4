import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.evaluation.compare import McNemar, corrected_interval, mcnemar, t_quantile


def test_mcnemar_counts_only_the_questions_on_which_the_models_differ():
    """One question only a has right, four only b: 2 * (C(5,0) + C(5,1)) / 2^5 = 12 / 32."""
    a_right = [True, True, False, False, False, False, True, False]
    b_right = [True, False, True, True, True, True, True, False]
    assert mcnemar(a_right, b_right) == McNemar(n_only_a=1, n_only_b=4, p_value=0.375)


@pytest.mark.parametrize(
    ("n_only_a", "n_only_b", "p_value"),
    [(0, 0, 1.0), (3, 3, 1.0), (0, 1, 1.0), (0, 5, 2 / 32), (6, 0, 2 / 64), (2, 8, 2 * (1 + 10 + 45) / 1024)],
)
def test_mcnemars_p_value_is_twice_the_smaller_tail_and_at_most_one(n_only_a: int, n_only_b: int, p_value: float):
    """Tails of Binomial(n, 1/2), summed by hand."""
    a_right = [True] * n_only_a + [False] * n_only_b
    assert mcnemar(a_right, [not right for right in a_right]) == McNemar(n_only_a, n_only_b, p_value)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_mcnemar_sums_every_outcome_as_far_from_the_middle_as_the_observed_one(right: list[tuple[bool, bool]]):
    """The same p-value as a direct sum over all outcomes of the binomial, in fractions."""
    result = mcnemar([a for a, _ in right], [b for _, b in right])
    n = result.n_only_a + result.n_only_b
    distance = abs(result.n_only_a - result.n_only_b)
    outcomes = [Fraction(math.comb(n, k), 2**n) for k in range(n + 1) if abs(n - 2 * k) >= distance]
    assert result.p_value == float(sum(outcomes))


def test_mcnemar_of_models_swapped_has_the_same_p_value():
    """The test is two-sided."""
    a_right, b_right = [True, True, True, False], [False, False, True, True]
    assert mcnemar(a_right, b_right) == McNemar(2, 1, 1.0)
    assert mcnemar(b_right, a_right) == McNemar(1, 2, 1.0)


def test_mcnemar_is_exact_for_more_questions_than_a_float_has_powers_of_two():
    """All of 2,000 differing questions favour one model: the p-value underflows to 0 and raises nothing."""
    assert mcnemar([True] * 2000, [False] * 2000).p_value == 0.0
    half = [True, False] * 1000
    assert mcnemar(half, [not right for right in half]).p_value == 1.0


def test_mcnemar_refuses_answers_to_different_numbers_of_questions():
    """Models that were asked different questions cannot be paired."""
    with pytest.raises(ValueError, match="zip"):
        mcnemar([True], [True, False])


@pytest.mark.parametrize(
    ("level", "n_degrees", "t"),
    [
        (0.95, 1, 12.706),
        (0.95, 2, 4.303),
        (0.95, 3, 3.182),
        (0.95, 4, 2.776),
        (0.95, 9, 2.262),
        (0.95, 10, 2.228),
        (0.95, 30, 2.042),
        (0.95, 120, 1.980),
        (0.9, 5, 2.015),
        (0.99, 4, 4.604),
        (0.99, 7, 3.499),
        (0.999, 6, 5.959),
    ],
)
def test_quantiles_are_those_of_the_printed_tables(level: float, n_degrees: int, t: float):
    """Student's two-sided quantiles as statistical tables print them, to three decimals."""
    assert t_quantile(level, n_degrees) == pytest.approx(t, abs=5e-4)


def test_quantiles_of_one_and_two_degrees_have_a_closed_form():
    """One degree is Cauchy's tan(pi * level / 2); two give level * sqrt(2 / (1 - level^2))."""
    for level in (0.01, 0.5, 0.95, 0.999):
        assert t_quantile(level, 1) == pytest.approx(math.tan(math.pi * level / 2), rel=1e-9)
        assert t_quantile(level, 2) == pytest.approx(level * math.sqrt(2 / (1 - level**2)), rel=1e-9)


def test_quantiles_of_many_degrees_approach_the_normal_ones():
    """The normal distribution's 1.959964 for 95%."""
    assert t_quantile(0.95, 100_000) == pytest.approx(1.959964, abs=5e-5)


def test_the_corrected_interval_of_three_re_splits():
    """By hand: mean 0.9, variance 0.0001, (1/3 + 100/400) * 0.0001 = 5.8333e-5, root 0.0076376, times 4.302653."""
    low, high = corrected_interval([0.89, 0.90, 0.91], n_train=400, n_test=100)
    assert (low, high) == pytest.approx((0.9 - 0.0328621, 0.9 + 0.0328621), abs=1e-6)


def test_the_correction_widens_the_interval_of_five_folds_by_half():
    """With n_test / n_train = 1/4 and J = 5, the factor is sqrt((1/5 + 1/4) / (1/5)) = 1.5."""
    accuracies = [0.90, 0.88, 0.93, 0.91, 0.89]
    low, high = corrected_interval(accuracies, n_train=4000, n_test=1000)
    deviations = [accuracy - 0.902 for accuracy in accuracies]
    plain = 2.776445 * math.sqrt(sum(d * d for d in deviations) / 4 / 5)
    assert high - low == pytest.approx(2 * 1.5 * plain, rel=1e-6)
    assert (low + high) / 2 == pytest.approx(0.902)


def test_re_splits_that_agree_have_an_interval_of_no_width():
    """Equal accuracies, here differences below 0, which are not clipped."""
    assert corrected_interval([-0.25, -0.25], n_train=3, n_test=1) == (-0.25, -0.25)


@pytest.mark.parametrize(
    ("accuracies", "n_train", "n_test", "level", "message"),
    [
        ([0.9], 4, 1, 0.95, "at least 2 re-splits"),
        ([0.9, 0.8], 0, 1, 0.95, "1 or more is needed; received 0 and 1"),
        ([0.9, 0.8], 4, 0, 0.95, "1 or more is needed; received 4 and 0"),
        ([0.9, 0.8], 4, 1, 95.0, "level: .* received 95.0"),
    ],
)
def test_an_interval_of_impossible_numbers_is_refused(
    accuracies: list[float], n_train: int, n_test: int, level: float, message: str
):
    """Each argument out of its range raises a ValueError that says what is needed."""
    with pytest.raises(ValueError, match=message):
        corrected_interval(accuracies, n_train, n_test, level)
