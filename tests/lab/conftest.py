"""Checks for the tests of all experiments: theory and simulation agree."""

import math
from collections.abc import Callable
from typing import Any

import pytest

MAX_STANDARD_ERRORS = 4.0


@pytest.fixture(scope="module")
def disagreements() -> Callable[[Any], list[str]]:
    """The rows of a table whose simulation is more than four standard errors from its theory."""

    def disagreements(rows: Any) -> list[str]:
        assert rows
        return [
            f"{row.what}, {row.where}: {row.estimate}"
            for row in rows
            if not abs(row.estimate.n_standard_errors) <= MAX_STANDARD_ERRORS
        ]

    return disagreements


@pytest.fixture(scope="session")
def misfit() -> Callable[[Any], float]:
    """How badly a histogram fits its theory: Pearson's chi square minus its mean, in its standard deviations."""

    def misfit(histogram: Any) -> float:
        pooled, cells = [0.0, 0.0], []
        for one in histogram:
            found = one.probability
            pooled = [pooled[0] + found.theory * found.n_samples, pooled[1] + found.simulation * found.n_samples]
            if pooled[0] >= 10:  # chi square needs about ten; fewer are pooled with the next bins
                cells.append(pooled)
                pooled = [0.0, 0.0]
        cells[-1] = [last + rest for last, rest in zip(cells[-1], pooled, strict=True)]
        assert sum(counted for _, counted in cells) == pytest.approx(histogram[0].probability.n_samples)
        if len(cells) == 1:
            return 0.0
        chi = sum((counted - wanted) ** 2 / wanted for wanted, counted in cells)
        return (chi - (len(cells) - 1)) / math.sqrt(2 * (len(cells) - 1))

    return misfit
