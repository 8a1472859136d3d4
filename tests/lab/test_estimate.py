import json
import math

import pytest
import torch

from closedbook.lab.estimate import Estimate, as_json, mean_of, measured_mean, proportion_of, variance_of


def test_mean_and_its_standard_error_match_values_computed_by_hand():
    """1, 2, 3, 6 have mean 3, standard deviation sqrt(14/3) and standard error sqrt(14/12)."""
    found = mean_of(torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64), theory=2.0)
    assert (found.simulation, found.n_samples, found.error) == (3.0, 4, 1.0)
    assert found.standard_error == pytest.approx(math.sqrt(14 / 12))
    assert found.n_standard_errors == pytest.approx(1 / math.sqrt(14 / 12))
    assert found.interval == pytest.approx((3 - 1.959964 * math.sqrt(14 / 12), 3 + 1.959964 * math.sqrt(14 / 12)))
    alone = measured_mean(torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64))
    assert (alone.value, alone.standard_error) == (found.simulation, found.standard_error)


def test_variance_of_vectors_is_the_sum_over_their_entries():
    """Columns with unbiased variances 1 and 4 give 5."""
    found = variance_of(torch.tensor([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], dtype=torch.float64), theory=5.0)
    assert found.simulation == pytest.approx(5.0)
    assert found.n_standard_errors == pytest.approx(0.0)


def test_standard_errors_match_the_spread_of_repeated_estimates():
    """Over 400 repetitions of 500 draws, errors in units of their standard errors have variance 1."""
    draws = torch.randn(400, 500, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for estimate, truth in ((mean_of, 0.0), (variance_of, 1.0)):
        z = torch.tensor([estimate(row, truth).n_standard_errors for row in draws])
        assert abs(float(z.mean())) < 4 / math.sqrt(400)
        assert 0.9 < float(z.std()) < 1.1


def test_proportion_without_a_hit_has_a_standard_error_above_zero():
    """0 of 100 have a standard error of about 1.3%; 50 of 100 have the usual 5%."""
    none = proportion_of(torch.zeros(100, dtype=torch.bool), theory=0.01)
    assert none.simulation == 0.0
    assert none.standard_error == pytest.approx(math.sqrt(2 * 102) / 104**1.5)
    half = proportion_of(torch.arange(100) < 50, theory=0.5)
    assert half.standard_error == pytest.approx(0.05, rel=0.03)


def test_only_rounding_is_tolerated_where_nothing_is_random():
    """Without a standard error 1e-13 counts as rounding, and 1e-6 as a disagreement."""
    assert abs(Estimate(0.5, 0.5 + 1e-13, 0.0, 1).n_standard_errors) < 1
    assert abs(Estimate(0.5, 0.5 + 1e-6, 0.0, 1).n_standard_errors) > 1000


def test_result_as_json_has_the_error_and_interval_of_each_estimate():
    """Nested tuples and dataclasses survive a round trip through JSON."""
    tree = as_json({"at": (1, "x", None), "found": Estimate(1.0, 1.5, 0.25, 9)})
    assert json.loads(json.dumps(tree)) == tree
    assert tree["at"] == [1, "x", None]
    assert (tree["found"]["error"], tree["found"]["interval_95"][0]) == (0.5, pytest.approx(1.5 - 0.25 * 1.959964))


def test_estimate_is_exact_where_its_samples_do_not_differ():
    """Except for rounding; one sample that differs makes it random."""
    constant = torch.full((100,), 0.1, dtype=torch.float64)
    assert mean_of(constant, theory=0.1).is_exact
    assert not mean_of(constant + 1e-6 * torch.eye(100, dtype=torch.float64)[0], theory=0.1).is_exact
