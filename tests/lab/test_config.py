from dataclasses import FrozenInstanceError, fields

import pytest

from closedbook.errors import InputError
from closedbook.lab.config import (
    CONFIGS,
    AveragingConfig,
    CopyingConfig,
    FragilityConfig,
    HeadsConfig,
    NoiseConfig,
    PositionsConfig,
)
from closedbook.recipe.docstrings import field_docstrings


@pytest.mark.parametrize("name", CONFIGS)
def test_every_field_has_a_docstring_a_range_and_an_allowed_default(name: str):
    """And a configuration cannot be changed."""
    kind = CONFIGS[name]
    meanings = field_docstrings(kind)
    assert list(meanings) == [field.name for field in fields(kind)]
    assert all(meaning.endswith(".") for meaning in meanings.values())
    config = kind()
    for field in fields(kind):
        low, high = kind.allowed(field.name)
        assert low <= getattr(config, field.name) <= high
    with pytest.raises(FrozenInstanceError):
        config.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", CONFIGS)
def test_value_outside_its_range_is_refused(name: str):
    """A value that is too small, too large, infinite or NaN; the message names field, range and value."""
    kind = CONFIGS[name]
    for field in fields(kind):
        low, high = kind.allowed(field.name)
        bad = [low - 1, high + 1] if field.type is int else [low - 0.1, high + 0.1, float("inf"), float("nan")]
        for value in bad:
            with pytest.raises(InputError, match=rf"^{field.name}: from .* to .* is needed; received {value}$"):
                kind(**{field.name: value})


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        (
            NoiseConfig,
            {"n": 9},
            r"d: at least n \(9\) is needed, for n orthogonal vectors; received 8; raise d or lower n",
        ),
        (
            AveragingConfig,
            {"subset": 16},
            r"subset: fewer than n \(16\) keys are needed.* received 16; raise n or lower subset",
        ),
        (HeadsConfig, {"larger": 8}, r"larger: fewer than n \(8\) keys"),
        (HeadsConfig, {"subset": 6, "heads": 4}, r"heads: a divisor of subset \(6\) is needed.* received 4"),
        (HeadsConfig, {"fragile": 3}, r"fragile: at most subset \(2\) keys are needed; received 3"),
        (FragilityConfig, {"alpha": 1.0, "beta": 11.0}, r"alpha: alpha beta\^2 up to 100 is needed.* received 121"),
        (PositionsConfig, {"d": 7}, r"d: an even number is needed.* received 7"),
    ],
)
def test_values_that_contradict_each_other_are_refused(kind: type, numbers: dict[str, float], message: str):
    """The message names the rule and what was received."""
    with pytest.raises(InputError, match=f"^{message}"):
        kind(**numbers)


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        (CopyingConfig, 2**27 // (2 * 512)),
        (AveragingConfig, 2**27 // 34),
        (NoiseConfig, 2**27 // 512),
        (FragilityConfig, 2**27 // 512),
        (HeadsConfig, 2**27 // (6 * 512)),
        (PositionsConfig, 2**27 // 512),
    ],
)
def test_more_samples_than_fit_in_memory_are_refused(kind: type, most: int):
    """With 512 keys or tokens the limit is far below the range of `samples`."""
    kind(n=512, d=512, samples=most)
    with pytest.raises(InputError, match=f"^samples: up to {most:,} fit in memory, .* received {most + 1}; lower it"):
        kind(n=512, d=512, samples=most + 1)
