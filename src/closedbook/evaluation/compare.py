"""Comparisons: two models on the same questions, and the mean accuracy over re-splits of one set of pairs."""

import math
from collections.abc import Sequence
from statistics import mean, variance
from typing import NamedTuple


class McNemar(NamedTuple):
    """How many questions only the first or only the second model has right, and the test's two-sided p-value."""

    n_only_a: int
    n_only_b: int
    p_value: float


def mcnemar(a_right: Sequence[bool], b_right: Sequence[bool]) -> McNemar:
    """Test whether two models that were asked the same questions are equally accurate.

    `a_right[i]` and `b_right[i]` say whether each model has question i right. Questions that both have right or both
    have wrong say nothing about a difference. Of the other n, the number that only one model has right is
    Binomial(n, 1/2) if the models are equally accurate; the p-value is twice the smaller tail, at most 1. Raises
    ValueError where the lengths differ.

    Source: McNemar 1947, "Note on the sampling error of the difference between correlated proportions or percentages";
    in the exact form called "exact conditional test" by Fagerland, Lydersen and Laake 2013 (BMC Medical Research
    Methodology 13:91), p = 2 * sum of C(n, k) / 2^n for k from 0 to min(n_only_a, n_only_b).
    """
    pairs = list(zip(a_right, b_right, strict=True))
    n_only_a = sum(a and not b for a, b in pairs)
    n_only_b = sum(b and not a for a, b in pairs)
    n = n_only_a + n_only_b
    # Integers throughout, so that the quotient is exact for any n.
    tail = sum(math.comb(n, k) for k in range(min(n_only_a, n_only_b) + 1))
    return McNemar(n_only_a, n_only_b, min(1.0, 2 * tail / 2**n))


def corrected_interval(
    accuracies: Sequence[float], n_train: int, n_test: int, level: float = 0.95
) -> tuple[float, float]:
    """The confidence interval of the mean accuracy over J re-splits into `n_train` and `n_test` pairs.

    The training sets of the re-splits overlap, so their accuracies are correlated and the plain t-interval is too
    narrow. The variance of the mean is therefore taken to be (1/J + n_test/n_train) * S^2 instead of S^2 / J, with S^2
    the sample variance (divisor J - 1); the quantile is Student's with J - 1 degrees of freedom. Differences between
    two models, one for each re-split, may be given instead of accuracies, so the ends are not clipped to 0 and 1.
    Raises ValueError for fewer than two accuracies, counts below 1, and levels outside 0 to 1.

    Source: Nadeau and Bengio 2003, "Inference for the generalization error", Machine Learning 52:239-281: the corrected
    resampled t-test, whose variance approximates the correlation by n_test / (n_train + n_test) (section 3).
    """
    if len(accuracies) < 2:
        raise ValueError(f"accuracies of at least 2 re-splits are needed; received {len(accuracies)}")
    if n_train < 1 or n_test < 1:
        raise ValueError(f"n_train and n_test: 1 or more is needed; received {n_train} and {n_test}")
    n_splits = len(accuracies)
    standard_error = math.sqrt((1 / n_splits + n_test / n_train) * variance(accuracies))
    half_width = t_quantile(level, n_splits - 1) * standard_error
    middle = mean(accuracies)
    return middle - half_width, middle + half_width


def t_quantile(level: float, n_degrees: int) -> float:
    """The t for which Student's distribution with `n_degrees` degrees of freedom has `level` between -t and t.

    Found by bisection. Raises ValueError for a level outside 0 to 1 and for fewer than one degree of freedom.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: more than 0 and less than 1 is needed; received {level}")
    if n_degrees < 1:
        raise ValueError(f"n_degrees: 1 or more is needed; received {n_degrees}")
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        if _central_probability(middle, n_degrees) < level:
            low = middle
        else:
            high = middle
    return math.sqrt(n_degrees) * math.tan(high)


def _central_probability(theta: float, n_degrees: int) -> float:
    """P(|T| < t) with theta = arctan(t / sqrt(n_degrees)).

    Source: Abramowitz and Stegun 1964, equations 26.7.3 (odd degrees of freedom) and 26.7.4 (even).
    """
    is_odd = n_degrees % 2 == 1
    cosine = math.cos(theta)
    term = cosine if is_odd else 1.0
    total = 0.0
    for k in range(1 + is_odd, n_degrees, 2):
        total += term
        term *= cosine**2 * k / (k + 1)
    total *= math.sin(theta)
    return 2 / math.pi * (theta + total) if is_odd else total
