"""The configuration of each experiment, with its checks. Imports no torch, so that help and errors come at once.

Letters, here and in the whole lab: n keys in d dimensions, beta the query's length, alpha the variance of the keys'
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
"""The least and the greatest value of each field of any experiment, both allowed."""

MAX_NOISE = 100.0
"""The greatest alpha beta^2: with more, a weight may underflow to zero, whose logarithm is not finite."""
_MAX_KEPT = 2**27
"""The most numbers that one measurement keeps in memory: 1 GiB, and about three times that while it is evaluated."""


@dataclass(frozen=True)
class LabConfig:
    """What all experiments have in common; raises InputError for a value out of its range."""

    samples: int = 100_000
    """Number of random draws for each measured quantity."""
    seed: int = 0
    """Seed of every draw."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), self.allowed(field.name)
            if not low <= value <= high:  # NaN compares as False, so it is refused too
                raise InputError(f"{field.name}: from {low:,.10g} to {high:,.10g} is needed; received {value!r}")
        most = _MAX_KEPT // self.n_kept_per_sample()
        if self.samples > most:
            raise InputError(
                f"samples: up to {most:,} fit in memory, as {self.n_kept_per_sample()} numbers of each are kept; "
                f"received {self.samples}; lower it, or use fewer keys or heads"
            )

    @classmethod
    def allowed(cls, name: str) -> Range:
        """The least and the greatest value of a field."""
        return _RANGES[name]

    def n_kept_per_sample(self) -> int:
        """How many numbers of each sample one measurement keeps in memory."""
        return 1


def _check_orthogonal(n: int, d: int) -> None:
    if d < n:
        raise InputError(f"d: at least n ({n}) is needed, for n orthogonal vectors; received {d}; raise d or lower n")


def _check_subset(name: str, size: int, n: int) -> None:
    if size >= n:
        raise InputError(
            f"{name}: fewer than n ({n}) keys are needed, so that some are left out; received {size}; "
            f"raise n or lower {name}"
        )


def _check_noise(alpha: float, beta: float) -> None:
    if alpha * beta**2 > MAX_NOISE:
        raise InputError(
            f"alpha: alpha beta^2 up to {MAX_NOISE:g} is needed, so that no weight underflows; "
            f"received {alpha * beta**2:g}; lower alpha or beta"
        )


@dataclass(frozen=True)
class CopyingConfig(LabConfig):
    """When does attention copy one value?"""

    n: int = 16
    """Number of keys."""
    d: int = 16
    """Number of dimensions, at least n."""
    margin: float = 5.0
    """How far the copied key's logit is above the next; measured in addition to the sweep."""
    wanted: float = 0.01
    """The distance |c - v_j| for which the needed margin is computed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_orthogonal(self.n, self.d)

    def n_kept_per_sample(self) -> int:
        """Weights, and the output in as many coordinates."""
        return 2 * self.n


@dataclass(frozen=True)
class AveragingConfig(LabConfig):
    """When does attention average some of the values?"""

    n: int = 16
    """Number of keys."""
    d: int = 16
    """Number of dimensions, at least n."""
    subset: int = 2
    """Number of keys whose values are averaged."""
    beta: float = 5.0
    """The query is beta times the sum of the subset's keys; measured in addition to the sweep."""
    wanted: float = 0.01
    """The error (root mean square) for which the needed beta is computed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_orthogonal(self.n, self.d)
        _check_subset("subset", self.subset, self.n)

    def n_kept_per_sample(self) -> int:
        """A squared error for each of at most 34 points of the sweep."""
        return 34


@dataclass(frozen=True)
class NoiseConfig(LabConfig):
    """When does the average of two values survive noise in the keys?"""

    n: int = 8
    """Number of keys."""
    d: int = 8
    """Number of dimensions, at least n."""
    beta: float = 8.0
    """The query is beta (mu_a + mu_b)."""
    alpha: float = 0.005
    """Variance of each key's noise in each direction."""
    within: float = 0.1
    """A share counts as an average if it differs from a half by at most this part of a half."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_orthogonal(self.n, self.d)
        _check_noise(self.alpha, self.beta)

    def n_kept_per_sample(self) -> int:
        """One for each key."""
        return self.n


@dataclass(frozen=True)
class FragilityConfig(LabConfig):
    """What happens to the average when one key's length varies?"""

    n: int = 8
    """Number of keys."""
    d: int = 8
    """Number of dimensions, at least n."""
    beta: float = 8.0
    """The query is beta (mu_a + mu_b)."""
    alpha: float = 0.001
    """Variance of each key's noise in each direction."""
    spread: float = 0.5
    """Variance of eps in k_a = (1 + eps) mu_a."""
    within: float = 0.1
    """A share counts as an average if it differs from a half by at most this part of a half."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_orthogonal(self.n, self.d)
        _check_noise(self.alpha, self.beta)

    def n_kept_per_sample(self) -> int:
        """One for each key."""
        return self.n


@dataclass(frozen=True)
class HeadsConfig(LabConfig):
    """How do several heads help where one is fragile?"""

    n: int = 8
    """Number of keys."""
    d: int = 8
    """Number of dimensions, at least n."""
    beta: float = 8.0
    """Each query is beta times the sum of its keys' means."""
    alpha: float = 0.001
    """Variance of each key's noise in each direction."""
    spread: float = 0.5
    """Variance of eps in k_a = (1 + eps) mu_a."""
    subset: int = 2
    """Number of keys whose values are averaged."""
    heads: int = 2
    """Number of heads, each of which attends to an equal part of the subset."""
    fragile: int = 1
    """Number of keys of the subset whose length varies."""
    larger: int = 6
    """Size of a larger subset, all of whose keys vary in length, for comparing numbers of heads."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_orthogonal(self.n, self.d)
        _check_noise(self.alpha, self.beta)
        _check_subset("subset", self.subset, self.n)
        _check_subset("larger", self.larger, self.n)
        if self.subset % self.heads:
            raise InputError(
                f"heads: a divisor of subset ({self.subset}) is needed, so that heads get equally many keys; "
                f"received {self.heads}"
            )
        if self.fragile > self.subset:
            raise InputError(f"fragile: at most subset ({self.subset}) keys are needed; received {self.fragile}")

    def n_kept_per_sample(self) -> int:
        """One for each key and head; the larger subset is measured with up to one head for each of its keys."""
        return self.n * max(self.heads, self.larger)


@dataclass(frozen=True)
class ProjectionsConfig(LabConfig):
    """What do separate projections of x to queries, keys and values allow that x alone does not?"""

    d: int = 8
    """Number of dimensions, at least 4, for u_a, u_b, u_c and u_d."""
    beta: float = 5.0
    """Length of each u."""
    alpha: float = 0.01
    """Variance of the noise in each direction of each x."""

    @classmethod
    def allowed(cls, name: str) -> Range:
        """The theory with noise assumes saturated weights, so a large beta and little noise."""
        own = {"d": (4, 4096), "beta": (4, 10), "alpha": (0, 0.05)}
        return own.get(name) or super().allowed(name)


@dataclass(frozen=True)
class PositionsConfig(LabConfig):
    """What does attention know of order?"""

    samples: int = 5_000
    """Number of random sequences for each measured quantity."""
    n: int = 24
    """Number of tokens in a sequence."""
    d: int = 16
    """Width of a token, an even number."""

    @classmethod
    def allowed(cls, name: str) -> Range:
        """At least three tokens, and at least one pair of channels for rotary positions."""
        return {"n": (3, 512), "d": (2, 512)}.get(name) or super().allowed(name)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.d % 2:
            raise InputError(f"d: an even number is needed, since rotary positions rotate pairs; received {self.d}")

    def n_kept_per_sample(self) -> int:
        """One logit for each distance."""
        return self.n


CONFIGS: dict[str, type[LabConfig]] = {
    "copying": CopyingConfig,
    "averaging": AveragingConfig,
    "noise": NoiseConfig,
    "fragility": FragilityConfig,
    "heads": HeadsConfig,
    "projections": ProjectionsConfig,
    "positions": PositionsConfig,
}
"""Each experiment's configuration by the experiment's name; each experiment builds on those before it."""
