from dataclasses import FrozenInstanceError, fields

import pytest

from closedbook.errors import InputError
from closedbook.lab.config import CONFIGS, AveragingConfig, FragilityConfig, HeadsConfig, NoiseConfig, PositionsConfig
from closedbook.recipe.docstrings import field_docstrings


@pytest.mark.parametrize("name", CONFIGS)
def test_every_number_has_a_meaning_and_a_range(name: str):
    """Each field is explained, its default is allowed, and nobody changes it afterwards."""
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
def test_a_number_outside_its_range_is_refused(name: str):
    """Below, above, no number at all: each is refused by the field's name, the range, and what was received."""
    kind = CONFIGS[name]
    for field in fields(kind):
        low, high = kind.allowed(field.name)
        bad = [low - 1, high + 1] if field.type is int else [low - 0.1, high + 0.1, float("nan")]
        for value in bad:
            with pytest.raises(InputError, match=rf"^{field.name}: from .* to .* is allowed; received {value}$"):
                kind(**{field.name: value})


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        (NoiseConfig, {"n": 9}, r"d: n \(9\) vectors at right angles .* received 8; raise d or lower n"),
        (AveragingConfig, {"subset": 16}, r"subset: fewer than n \(16\) keys.* received 16; raise n"),
        (HeadsConfig, {"larger": 8}, r"larger: fewer than n \(8\) keys"),
        (HeadsConfig, {"subset": 6, "heads": 4}, r"heads: a number that divides subset \(6\).* received 4"),
        (HeadsConfig, {"fragile": 3}, r"fragile: no more than subset \(2\) keys can vary; received 3"),
        (FragilityConfig, {"alpha": 1.0, "beta": 11.0}, r"alpha: alpha beta\^2 up to 100 .* received 121"),
        (PositionsConfig, {"d": 7}, r"d: an even number.* received 7"),
    ],
)
def test_numbers_that_do_not_fit_together_are_refused(kind: type, numbers: dict[str, float], message: str):
    """The rule is told, with what was received."""
    with pytest.raises(InputError, match=f"^{message}"):
        kind(**numbers)
