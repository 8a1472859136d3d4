"""What each experiment of the lab takes, with its checks. Imports no torch: help and bad numbers answer at once.

Letters, here and all over the lab: n keys in d dimensions, beta the query's length, alpha the variance of the keys'
noise in each direction.
"""

from dataclasses import dataclass, fields

from closedbook.errors import InputError

Range = tuple[int | float, int | float]

_RANGES: dict[str, Range] = {
    "samples": (100, 10_000_000),
    "seed": (0, 2**63 - 1),
    "n": (2, 512),
    "d": (1, 4096),
    "beta": (0, 100),
    "alpha": (0, 1),
    "spread": (0, 1),
    "margin": (0, 12),
    "wanted": (1e-9, 0.5),
    "within": (1e-6, 0.999),
    "subset": (1, 512),
    "larger": (1, 512),
    "heads": (1, 512),
    "fragile": (1, 512),
}
"""From and to, both allowed; a field of any experiment has one."""


@dataclass(frozen=True)
class LabConfig:
    """What every experiment takes."""

    samples: int = 100_000
    """Random draws behind each measured number."""
    seed: int = 0
    """Seed of every draw."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), self.allowed(field.name)
            if not low <= value <= high:  # so that what is no number at all is refused too
                raise InputError(f"{field.name}: from {low:,.10g} to {high:,.10g} is allowed; received {value!r}")

    @classmethod
    def allowed(cls, name: str) -> Range:
        """The least and the greatest value of a field."""
        return _RANGES[name]


MOST_NOISE = 100.0


def _fit(n: int, d: int) -> None:
    if d < n:
        raise InputError(
            f"d: n ({n}) vectors at right angles to one another need as many dimensions at least; "
            f"received {d}; raise d or lower n"
        )


def _part(name: str, size: int, n: int) -> None:
    if size >= n:
        raise InputError(f"{name}: fewer than n ({n}) keys, so that some are left out; received {size}; raise n")


def _bounded(alpha: float, beta: float) -> None:
    if alpha * beta**2 > MOST_NOISE:
        raise InputError(
            f"alpha: alpha beta^2 up to {MOST_NOISE:g} is allowed, lest a weight be too small for a number; "
            f"received {alpha * beta**2:g}; lower alpha or beta"
        )


@dataclass(frozen=True)
class CopyingConfig(LabConfig):
    """When does attention copy one value?"""

    n: int = 16
    """Keys."""
    d: int = 16
    """Dimensions, n at least."""
    margin: float = 5.0
    """How far the logit of the copied key stands above the next: what is measured beside the sweep."""
    wanted: float = 0.01
    """The distance |c - v_j| for which the margin is looked up."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _fit(self.n, self.d)


@dataclass(frozen=True)
class AveragingConfig(LabConfig):
    """When does attention average some of the values?"""

    n: int = 16
    """Keys."""
    d: int = 16
    """Dimensions, n at least."""
    subset: int = 2
    """Keys whose values are to be averaged."""
    beta: float = 5.0
    """The query is beta times the sum of the subset's keys: what is measured beside the sweep."""
    wanted: float = 0.01
    """The error (root mean square) for which beta is looked up."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _fit(self.n, self.d)
        _part("subset", self.subset, self.n)


@dataclass(frozen=True)
class NoiseConfig(LabConfig):
    """When does the average of two values survive noise in the keys?"""

    n: int = 8
    """Keys."""
    d: int = 8
    """Dimensions, n at least."""
    beta: float = 8.0
    """The query is beta (mu_a + mu_b)."""
    alpha: float = 0.005
    """Variance of each key's noise in each direction."""
    within: float = 0.1
    """The share counts as an average while it is within this part of a half."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _fit(self.n, self.d)
        _bounded(self.alpha, self.beta)


@dataclass(frozen=True)
class FragilityConfig(LabConfig):
    """What happens to the average when one key's length varies?"""

    n: int = 8
    """Keys."""
    d: int = 8
    """Dimensions, n at least."""
    beta: float = 8.0
    """The query is beta (mu_a + mu_b)."""
    alpha: float = 0.001
    """Variance of each key's noise in each direction."""
    spread: float = 0.5
    """Variance of eps in k_a = (1 + eps) mu_a."""
    within: float = 0.1
    """The share counts as an average while it is within this part of a half."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _fit(self.n, self.d)
        _bounded(self.alpha, self.beta)


@dataclass(frozen=True)
class HeadsConfig(LabConfig):
    """How do several heads help where one is fragile?"""

    n: int = 8
    """Keys."""
    d: int = 8
    """Dimensions, n at least."""
    beta: float = 8.0
    """The length that one key's mean adds to a query."""
    alpha: float = 0.001
    """Variance of each key's noise in each direction."""
    spread: float = 0.5
    """Variance of eps in k_a = (1 + eps) mu_a."""
    subset: int = 2
    """Keys whose values are to be averaged."""
    heads: int = 2
    """Heads, each of which looks for an equal part of the subset."""
    fragile: int = 1
    """Keys of the subset whose length varies."""
    larger: int = 6
    """A larger subset, all of whose keys vary in length, for the comparison of numbers of heads."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _fit(self.n, self.d)
        _bounded(self.alpha, self.beta)
        _part("subset", self.subset, self.n)
        _part("larger", self.larger, self.n)
        if self.subset % self.heads:
            raise InputError(
                f"heads: a number that divides subset ({self.subset}), so that the heads share it evenly; "
                f"received {self.heads}"
            )
        if self.fragile > self.subset:
            raise InputError(f"fragile: no more than subset ({self.subset}) keys can vary; received {self.fragile}")


@dataclass(frozen=True)
class ProjectionsConfig(LabConfig):
    """What do three maps of the same x, into queries, keys and values, allow that x alone does not?"""

    d: int = 8
    """Dimensions, 4 at least, for u_a, u_b, u_c and u_d."""
    beta: float = 5.0
    """Length of each u."""
    alpha: float = 0.01
    """Variance of the noise in each direction of each x."""

    @classmethod
    def allowed(cls, name: str) -> Range:
        """The noise theory is that of settled weights: the lengths great, the noise small."""
        own = {"d": (4, 4096), "beta": (4, 10), "alpha": (0, 0.05)}
        return own.get(name) or super().allowed(name)


@dataclass(frozen=True)
class PositionsConfig(LabConfig):
    """What does attention know of order?"""

    samples: int = 5_000
    """Random sequences behind each measured number."""
    n: int = 24
    """Tokens of a sequence."""
    d: int = 16
    """Width of a token, an even number."""

    @classmethod
    def allowed(cls, name: str) -> Range:
        """Two tokens make no order worth the name, and rotary positions turn pairs of numbers."""
        return {"n": (3, 512), "d": (2, 512)}.get(name) or super().allowed(name)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.d % 2:
            raise InputError(f"d: an even number, since rotary positions turn pairs; received {self.d}")


CONFIGS: dict[str, type[LabConfig]] = {
    "copying": CopyingConfig,
    "averaging": AveragingConfig,
    "noise": NoiseConfig,
    "fragility": FragilityConfig,
    "heads": HeadsConfig,
    "projections": ProjectionsConfig,
    "positions": PositionsConfig,
}
"""What each experiment takes, by the experiment's name, in the order in which they build on one another."""
