"""What --help and --help-all print: a command's options, or these and every hyperparameter. Imports no torch.

tyro's own help has no short form, and cannot leave out the options that a recipe does not use.
"""

import re
import shutil
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from closedbook.commands.option import Option, options_of
from closedbook.commands.program import program
from closedbook.commands.words import HELP_ALL, as_option

_INDENT = 28
"""The column at which help begins, where a terminal is wide enough to have it beside the names."""
_NARROWEST, _NARROW, _WIDEST = 20, 60, 100


def help_lines(name: str, options: type, default: Any, *, shows_all: bool, unused: Collection[str]) -> Iterator[str]:
    """The help of a command for a terminal's width.

    `default` has the default of each option; options whose keys are `unused` change nothing and are left out.
    """
    width = _width()
    known = list(options_of(options))
    nested = [option for option in known if len(option.path) > 1]
    positionals = [option for option in known if option.is_positional]
    named = [option for option in known if not option.is_positional and len(option.path) == 1]
    needed = [f"{option.name} {option.metavar}" for option in named if option.is_required]
    yield from _filled(
        " ".join(["usage:", program(), name, *(_written(one) for one in positionals), *needed, "[options]"]), width
    )
    paragraphs = re.split(r"\n\s*\n", options.__doc__ or "")
    for paragraph in paragraphs if shows_all or not nested else paragraphs[:1]:
        yield ""
        yield from _filled(" ".join(paragraph.split()), width)
    yield from _section("", [*positionals, *named], default, width)
    if not shows_all:
        if nested:
            yield ""
            yield from _filled(f"{program()} {name} {HELP_ALL} shows {len(nested) - len(unused)} options more", width)
        return
    for title in dict.fromkeys(option.key.rpartition(".")[0] for option in nested):
        of_title = [one for one in nested if one.key.rpartition(".")[0] == title and one.key not in unused]
        yield from _section(title or "every stage", of_title, default, width)
    if unused:
        yield ""
        yield from _filled(
            f"not shown, since this model does not use them: {', '.join(map(as_option, sorted(unused)))}", width
        )


def command_list(commands: Mapping[str, type], targets: Mapping[str, str]) -> Iterator[str]:
    """All commands, each with what it does, and the assignment's targets, each with the file that it makes."""
    width = _width()
    yield from _filled(
        "closedbook: pretrain a tiny transformer on a text, close the book, and ask it questions.", width
    )
    yield from ("", "commands (each has --help):")
    for name, options in commands.items():
        yield from _row(name, (options.__doc__ or "").splitlines()[0], 12, width)
    yield from ("", "the assignment's targets (each has --help):")
    for name, output in targets.items():
        yield from _row(name, f"-> {output}", 38, width)
    yield ""
    yield from _filled("--completion bash, zsh or fish prints a script that completes all this in a shell.", width)


def _width() -> int:
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))


def _written(option: Option) -> str:
    several = f"{option.name} ..." if option.takes_many else option.name
    return several if option.is_required else f"[{several}]"


def _section(title: str, options: Sequence[Option], default: Any, width: int) -> Iterator[str]:
    yield ""
    if title:
        yield f"{title}:"
    for option in options:
        names = option.name if option.is_positional else _names(option)
        about = " ".join([option.help, *_note(option, default)])
        yield from _row(names, about, _INDENT, width)


def _row(names: str, about: str, column: int, width: int) -> Iterator[str]:
    """What names mean, beside them from a column on, or below them where there is too little space."""
    if width < _NARROW:
        yield names
        yield from textwrap.wrap(about, width, initial_indent="    ", subsequent_indent="    ")
        return
    beside = textwrap.wrap(about, width - column, break_on_hyphens=False) or [""]
    yield f"  {names:<{column - 2}}{beside.pop(0)}" if len(names) + 4 <= column else f"  {names}"
    yield from (" " * column + line for line in beside)


def _names(option: Option) -> str:
    negative = [option.negative] if option.has_negative else []
    return f"{', '.join([*option.aliases, option.name, *negative])} {option.metavar}".rstrip()


def _note(option: Option, default: Any) -> list[str]:
    """The default, unless it says nothing."""
    if option.is_required:
        return [] if option.is_positional or option.unless else ["(required)"]
    value = default
    for name in option.path:
        value = getattr(value, name)
    says_nothing = value is None or value == () or (value is False and not option.has_negative)
    return [] if says_nothing else [f"(default: {value})"]


def _filled(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width)
