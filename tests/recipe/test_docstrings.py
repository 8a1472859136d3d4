from dataclasses import dataclass

from closedbook.recipe.docstrings import field_docstrings


@dataclass(frozen=True)
class Base:
    """What both have in common."""

    seed: int = 0
    """Seed of every draw."""
    unexplained: int = 1


def test_each_fields_docstring_is_found():
    """Inherited fields come first; indented lines are dedented; comments and methods are no docstrings of fields."""

    @dataclass(frozen=True)
    class Derived(Base):
        """A class inside a function."""

        width: int = 2
        """Width of the model,
        in channels."""
        # A comment is no docstring.
        unexplained: int = 3

        @property
        def doubled(self) -> int:
            """Of the width."""
            return 2 * self.width

    assert field_docstrings(Derived) == {"seed": "Seed of every draw.", "width": "Width of the model,\nin channels."}
    assert list(field_docstrings(Derived)) == ["seed", "width"]
    assert field_docstrings(Base) == {"seed": "Seed of every draw."}


def test_without_sources_there_are_no_docstrings():
    """In a frozen program, or one of compiled files alone, help has no sentences and recipes have no comments."""
    module: dict[str, object] = {"__name__": "frozen"}
    exec('from dataclasses import dataclass\n@dataclass\nclass Config:\n    n: int = 1\n    """Help."""', module)
    assert field_docstrings(module["Config"]) == {}  # type: ignore[arg-type]
