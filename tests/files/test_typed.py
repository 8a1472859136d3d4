"""Values of JSON files against types."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from closedbook.files.typed import check_type


@dataclass
class Inner:
    """A part with a number."""

    number: float


@dataclass
class Outer:
    """Parts, and a word."""

    parts: tuple[Inner, ...]
    word: Literal["a", "b"]


GOOD: list[tuple[object, Any]] = [
    (1, int),
    (1, float),
    (True, bool),
    ("", str | None),
    (None, str | None),
    ([], list[str]),
    ({"x": ["y"]}, dict[str, list[str]]),
    ({"parts": [{"number": 1.5}], "word": "b"}, Outer),
]
BAD: list[tuple[object, Any]] = [
    (True, int),
    (1.0, int),
    ("1", float),
    (float("nan"), float),
    (1, bool),
    (None, str),
    (0, str | None),
    ("x", list[str]),
    ([1], list[str]),
    ([], dict[str, str]),
    ({"x": 1}, dict[str, str]),
    ([], Literal["a"]),
    ("c", Literal["a", "b"]),
    ({"parts": [{"number": "x"}], "word": "a"}, Outer),
    ({"parts": [], "word": "a", "more": 1}, Outer),
    ({"parts": []}, Outer),
    (3, Outer),
]


@pytest.mark.parametrize(("value", "hint"), GOOD)
def test_a_value_of_a_type_passes(value: object, hint: Any) -> None:
    """Whole numbers are numbers too."""
    check_type(value, hint, "it")


@pytest.mark.parametrize(("value", "hint"), BAD)
def test_a_value_of_another_type_is_named(value: object, hint: Any) -> None:
    """The error says where it is, and what is needed."""
    with pytest.raises(TypeError, match=r"^it: .* is needed, not ['\"]"):
        check_type(value, hint, "it")
