"""Estimates from simulation next to their theory, each with its standard error.

Letters: S samples.
"""

import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A quantity by theory and by simulation."""

    theory: float
    simulation: float
    standard_error: float
    n_samples: int
    rounding: float = 1e-11
    """What rounding may add: where nothing is random the standard error is zero."""

    @property
    def error(self) -> float:
        """Simulation minus theory."""
        return self.simulation - self.theory

    @property
    def n_standard_errors(self) -> float:
        """The error in standard errors; an error of the size of `rounding` counts as less than one."""
        return self.error / (self.standard_error + self.rounding * (1 + abs(self.theory)))

    @property
    def is_exact(self) -> bool:
        """Whether nothing is random in it: its standard error is no larger than rounding."""
        return self.standard_error <= self.rounding * (1 + abs(self.theory))

    @property
    def interval(self) -> tuple[float, float]:
        """The simulation's 95% confidence interval."""
        half = _NORMAL_95 * self.standard_error
        return self.simulation - half, self.simulation + half


@dataclass(frozen=True)
class Measurement:
    """A quantity by simulation alone, where no theory gives its size."""

    value: float
    standard_error: float
    n_samples: int


@dataclass(frozen=True)
class Row:
    """A line of a result's table: what was measured, and for which parameters."""

    what: str
    where: str
    estimate: Estimate


def mean_of(samples: Float[Tensor, " S"], theory: float) -> Estimate:
    """The mean of independent samples."""
    found = measured_mean(samples)
    return Estimate(theory, found.value, found.standard_error, found.n_samples)


def measured_mean(samples: Float[Tensor, " S"]) -> Measurement:
    """The mean of independent samples, without a theory."""
    n = samples.numel()
    return Measurement(float(samples.mean()), float(samples.std()) / math.sqrt(n), n)


def variance_of(samples: Float[Tensor, "S *rest"], theory: float) -> Estimate:
    """The variance of independent samples; for vectors, the sum over their entries."""
    n = samples.size(0)
    squares = (samples - samples.mean(0)).square().reshape(n, -1).sum(1) * (n / (n - 1))
    return mean_of(squares, theory)


def proportion_of(hits: Bool[Tensor, " S"], theory: float) -> Estimate:
    """The proportion of samples that are True.

    Its standard error counts two more hits and two more misses (Agresti and Coull 1998), so that no hit at all does
    not look like certainty.
    """
    n, n_hits = hits.numel(), int(hits.sum())
    smoothed = (n_hits + 2) / (n + 4)
    return Estimate(theory, n_hits / n, math.sqrt(smoothed * (1 - smoothed) / (n + 4)), n)


def as_json(value: Any) -> Any:
    """A result as dicts, lists, numbers and strings; an estimate has its error and interval too."""
    if is_dataclass(value) and not isinstance(value, type):
        items = {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, Estimate):
            items |= {"interval_95": list(value.interval), "error": value.error}
            items["n_standard_errors"] = value.n_standard_errors
        return items
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    return value
