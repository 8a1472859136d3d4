"""What the words of a command give, and the first fault in them in one line. Imports no torch.

tyro makes the options from the words afterwards. Faults are found here, since it reports them in a box of many lines;
so is which options were given, which it does not report.
"""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from closedbook.commands.option import RULES, Option, options_of, shown
from closedbook.commands.program import program
from closedbook.errors import InputError
from closedbook.recipe.old_keys import NEW_NAMES, REMOVED

Given = dict[str, tuple[str, ...]]
"""The words given for each option, by its key: 'out', 'resume', 'model.n_layer'. A switch has the word that set it."""

HELP_ALL = "--help-all"
_HELP = {"-h", "--help", HELP_ALL}
_TRUTHS = {"true", "false", "yes", "no", "on", "off"}


def read_words(command: str, options: type, words: Sequence[str], commands: Mapping[str, type] | None = None) -> Given:
    """What words give to a command's options.

    Raises InputError, in one line, on an unknown option, a value of the wrong type, or a missing or needless word; not
    where they ask for help. `commands`, the options of every command, let it say which command an unknown option is of.
    """
    known = tuple(options_of(options))
    given: Given = {}
    if asks_for_help(words):
        with suppress(InputError):
            _read(command, known, [word for word in words if word not in _HELP], given, {})
        return given
    _read(command, known, words, given, commands or {})
    _check_complete(command, known, given)
    return given


def asks_for_help(words: Sequence[str]) -> bool:
    """Whether --help, -h or --help-all is among the words that may be options."""
    end = words.index("--") if "--" in words else len(words)
    return not _HELP.isdisjoint(words[:end])


def _read(
    command: str, known: Sequence[Option], words: Sequence[str], given: Given, commands: Mapping[str, type]
) -> None:
    """Add to `given` what words give; raises InputError at the first word that does not fit."""
    flags = {name: option for option in known if not option.is_positional for name in (option.name, *option.aliases)}
    negatives = {option.negative: option for option in known if option.has_negative}
    positionals = deque(option for option in known if option.is_positional)
    rest = deque(words)
    takes_options = True
    while rest:
        word = rest.popleft()
        if takes_options and word == "--":
            takes_options = False
        elif takes_options and _is_option(word):
            option = _named(command, word, flags | negatives, commands)
            values = _switched(option, word, rest) if option.kind is bool else _values(option, word, rest)
            given[option.key] = given.get(option.key, ()) + values if option.takes_many else values
        elif positionals:
            option = positionals[0] if positionals[0].takes_many else positionals.popleft()
            option.check(word)
            given[option.key] = (*given.get(option.key, ()), word)
        else:
            raise _one_too_many(command, word, known)
    _leave_the_last(list(positionals), given)


def _leave_the_last(positionals: Sequence[Option], given: Given) -> None:
    """Give the last words of those that an option takes to the options after it."""
    for after in reversed(positionals[1:]):
        words = given.get(positionals[0].key, ())
        if len(words) > 1:
            given[positionals[0].key], given[after.key] = words[:-1], words[-1:]


def positionals_last(options: type, given: Given) -> list[str]:
    """The words that were given, those that are no options at the end: tyro takes many of them only side by side."""
    known = [option for option in options_of(options) if option.key in given]
    named = [word for option in known if not option.is_positional for word in _as_typed(option, given[option.key])]
    return [*named, "--", *(word for option in known if option.is_positional for word in given[option.key])]


def _as_typed(option: Option, words: tuple[str, ...]) -> tuple[str, ...]:
    if option.takes_many:
        return (option.name, *words)
    return words[-1:] if option.kind is bool else (f"{option.name}={words[-1]}",)


def _is_option(word: str) -> bool:
    return re.match(r"--?[^\W\d]", word) is not None and re.fullmatch(r"-(inf|infinity|nan)", word.lower()) is None


def _named(command: str, word: str, flags: dict[str, Option], commands: Mapping[str, type]) -> Option:
    """The option that a word names; raises InputError where there is none."""
    typed = word.partition("=")[0]
    name = typed.replace("_", "-")
    if name in flags:
        return flags[name]
    key = re.sub(r"(^|\.)no-", r"\1", name.removeprefix("--")).replace("-", "_")
    if key in NEW_NAMES and (now := as_option(NEW_NAMES[key])) in flags:
        raise InputError(f"{typed}: this option is called {now} now; write {now}")
    if key in REMOVED and as_option(key.partition(".")[0]) in {flag.partition(".")[0] for flag in flags}:
        raise InputError(f"{typed}: this option was removed; leave it out")
    last = name.rpartition(".")[2].removeprefix("--")
    near = [flag for flag in flags if flag.rpartition(".")[2] == last]
    others = [other for other, options in commands.items() if name in {option.name for option in options_of(options)}]
    if others and not near:
        hint = f"{' and '.join(others)} {'has' if len(others) == 1 else 'have'} it"
    else:
        near = near or get_close_matches(name, flags, n=1)
        hint = f"did you mean {near[0]}?" if near else "leave it out"
        if not word.startswith("--") and Path(word).exists():
            hint = f"for the file write ./{word}"
    raise InputError(f"{typed}: no such option of {command}; {hint} ({program()} {command} {HELP_ALL} lists all)")


def as_option(key: str) -> str:
    """A key as it is typed: --model.n-layer for 'model.n_layer'."""
    return "--" + key.replace("_", "-")


def _switched(option: Option, word: str, rest: Sequence[str]) -> tuple[str, ...]:
    name, equals, value = word.partition("=")
    if not equals and rest and rest[0].lower() in _TRUTHS:
        equals, value = "=", rest[0]
    if equals:
        raise _needless_value(option, name, value)
    return (word,)


def _needless_value(option: Option, typed: str, value: str) -> InputError:
    names = f"{option.name} or {option.negative}" if option.has_negative else option.name
    return InputError(f"{typed}: takes no value; received {shown(value)}; write {names} alone")


def _values(option: Option, word: str, rest: deque[str]) -> tuple[str, ...]:
    """The values of an option: after its equals sign, or the words that follow."""
    _, equals, attached = word.partition("=")
    values = [attached] if equals else []
    while rest and (option.takes_many or not values) and rest[0] != "--" and not _is_option(rest[0]):
        values.append(rest.popleft())
    if not values and not option.takes_many:
        rule = RULES.get(option.kind, "a value is needed")
        if rest and rest[0] != "--" and not rest[0].startswith("--"):
            attached = f"{option.name}={rest[0]}"
            raise InputError(f"{option.name}: {rule}; received {rest[0]}, which begins as options do; write {attached}")
        raise option.fault(rule, "nothing")
    for value in values:
        option.check(value)
    return tuple(values)


def _one_too_many(command: str, word: str, known: Sequence[Option]) -> InputError:
    names = " ".join(option.name for option in known if option.is_positional) or "options"
    return InputError(
        f"{shown(word)}: one word too many, since {command} takes {names}; put text with blanks in quotes "
        f"({program()} {command} --help)"
    )


def _check_complete(command: str, known: Sequence[Option], given: Given) -> None:
    missing = [one for one in known if one.is_required and not {one.key, one.unless} & given.keys()]
    if missing:
        names = [option.name if option.is_positional else f"{option.name} {option.example}" for option in missing]
        listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        needed = f"{listed} {'is' if len(missing) == 1 else 'are'} needed"
        raise InputError(f"{command}: {needed}; {program()} {command} --help says what for")
