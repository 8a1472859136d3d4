import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.lab.averaging import beta_needed, mean_squared_error, run, weight
from closedbook.lab.config import AveragingConfig

Check = Callable[[Any], list[str]]


@pytest.mark.parametrize(
    ("n", "d", "subset", "seed"), [(2, 2, 1, 0), (3, 7, 2, 1), (17, 19, 5, 2), (13, 13, 12, 3), (31, 37, 2, 4)]
)
def test_theory_and_simulation_agree(disagreements: Check, n: int, d: int, subset: int, seed: int):
    """Weights agree to rounding, errors to four standard errors, at eight betas for up to four subset sizes."""
    result = run(AveragingConfig(samples=2000, seed=seed, n=n, d=d, subset=subset))
    assert not disagreements(result.rows())
    assert subset in {point.subset for point in result.sweep}


@settings(max_examples=10)
@given(st.integers(2, 30), st.data(), st.floats(0, 12), st.integers(0, 2**32))
def test_theory_and_simulation_agree_for_any_subset(
    disagreements: Check, n: int, data: st.DataObject, beta: float, seed: int
):
    """The subset may be any that leaves keys out, and beta any in its range."""
    subset = data.draw(st.integers(1, n - 1))
    config = AveragingConfig(samples=1000, seed=seed, n=n, d=n + 1, subset=subset, beta=beta)
    assert not disagreements(run(config).rows())


def test_weight_matches_values_computed_by_hand():
    """2 of 4 keys at beta ln 2 have 1 / (2 + 2/2) each; at beta 0 all have 1/n; for large beta the wanted have 1/k."""
    assert weight(4, 2, math.log(2)) == pytest.approx(1 / 3)
    assert weight(7, 3, 0.0) == pytest.approx(1 / 7)
    assert weight(7, 3, 50.0) == pytest.approx(1 / 3)


def test_mean_squared_error_matches_a_value_computed_by_hand():
    """Two wanted keys have 1/6 too little each and two others 1/6 too much: 4/36."""
    assert mean_squared_error(4, 2, math.log(2)) == pytest.approx(1 / 9)


@given(st.integers(2, 200), st.data(), st.floats(1e-6, 0.5))
def test_needed_beta_gives_the_wanted_error(n: int, data: st.DataObject, wanted: float):
    """The error there is the wanted one, or beta is 0 and the error is smaller already."""
    subset = data.draw(st.integers(1, n - 1))
    beta = beta_needed(n, subset, wanted)
    if beta > 0:
        assert math.sqrt(mean_squared_error(n, subset, beta)) == pytest.approx(wanted)
    else:
        assert math.sqrt(mean_squared_error(n, subset, 0.0)) <= wanted


def test_simulation_at_the_needed_beta_has_the_wanted_error():
    """Within four standard errors."""
    result = run(AveragingConfig(samples=4000, n=23, d=29, subset=3, wanted=0.05))
    assert result.at_beta_needed.beta == result.beta_needed > 0
    assert result.at_beta_needed.squared_error.theory == pytest.approx(0.05**2)
    assert abs(result.at_beta_needed.squared_error.n_standard_errors) < 4
