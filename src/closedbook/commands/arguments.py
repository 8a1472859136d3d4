"""The words of a command become its options. Imports no torch."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any

import tyro

from closedbook.assignment.targets import TargetOptions
from closedbook.commands.help import help_lines
from closedbook.commands.option import options_of
from closedbook.commands.options import (
    FinetuneHyperparameters,
    FinetuneOptions,
    Hyperparameters,
    PretrainHyperparameters,
    PretrainOptions,
    StudyHyperparameters,
    StudyOptions,
)
from closedbook.commands.recipe_options import base_recipe
from closedbook.commands.words import HELP_ALL, Given, as_option, positionals_last, read_words
from closedbook.errors import InputError
from closedbook.recipe.recipe import Recipe
from closedbook.recipe.settings import Setting
from closedbook.recipe.used import unused_by_model

_HYPERPARAMETERS: dict[type, type[Hyperparameters]] = {
    PretrainOptions: PretrainHyperparameters,
    StudyOptions: StudyHyperparameters,
    FinetuneOptions: FinetuneHyperparameters,
}
_TARGET_FILES = ("corpus", "train", "dev", "test", "out")
_SHORT_FOR = {"people": "world.n_people", "seed": "world.seed"}
_TRACKS: dict[str, Setting] = {"self-study": "self-study", "extraction": "guided"}


def parsed(
    name: str,
    options: type,
    words: list[str],
    environment: Mapping[str, str],
    commands: Mapping[str, type] | None = None,
) -> Any:
    """The command's options; raises InputError in one line where the words are not those of the command.

    `commands` are the options of every command, for messages about an option that only another command has.
    """
    today = _with_setting_for_track(words) if options is StudyOptions else words
    given = read_words(name, options, today, commands)
    for short, key in _SHORT_FOR.items():
        if short in given and key in given:
            raise InputError(f"--{short}: is short for {as_option(key)}; leave out one of the two")
    default = _defaults(options, given, environment, is_by_track=today != words)
    if any(option.is_positional and option.takes_many for option in options_of(options)):
        today = positionals_last(options, given)
    return _as_utf8(tyro.cli(options, default=default, prog=f"closedbook {name}", args=today))


def _as_utf8(options: Any) -> Any:
    """The options with each text as UTF-8 where the locale spelled it in bytes, as C does; a path needs its bytes."""
    texts = {field.name: getattr(options, field.name) for field in fields(options) if field.name != "recipe"}
    spelled = {
        name: text.encode(errors="surrogateescape").decode(errors="surrogateescape")
        for name, text in texts.items()
        if isinstance(text, str) and not text.isascii()
    }
    return replace(options, **spelled) if spelled else options


def help_of(name: str, options: type, words: list[str], environment: Mapping[str, str]) -> Iterator[str]:
    """The lines that answer --help or --help-all, with the defaults of the recipe that the other words name."""
    given = read_words(name, options, words)
    default = _defaults(options, given, environment, is_by_track=False)
    unused: frozenset[str] = frozenset()
    if options in _HYPERPARAMETERS:
        model = default.hyperparameters.model
        variant = given.get("model.variant", (model.variant,))[-1]
        # With as many blocks as every variant needs at least.
        unused = unused_by_model(replace(model, variant=variant, n_layer=max(2, model.n_layer)))
    return help_lines(name, options, default, shows_all=HELP_ALL in words, unused=unused)


def _defaults(options: type, given: Given, environment: Mapping[str, str], *, is_by_track: bool) -> Any:
    """The command's options where no word says otherwise; what must be given is MISSING."""
    defaults = {field.name: _default(field) for field in fields(options)}
    if options in _HYPERPARAMETERS:
        recipe, kind = _recipe_of_words(given, grows=options is StudyOptions), _HYPERPARAMETERS[options]
        defaults["hyperparameters"] = kind(**{field.name: getattr(recipe, field.name) for field in fields(kind)})
        defaults["given"] = frozenset(given) | ({"track"} if is_by_track else set())
    if options is TargetOptions:
        named = {field: environment.get(f"CLOSEDBOOK_{field.upper()}") for field in _TARGET_FILES}
        defaults.update({field: Path(value) for field, value in named.items() if value})
    # Not by __init__: MISSING, which stands for what must be given, has no field's type.
    default: Any = object.__new__(options)
    for field, value in defaults.items():
        object.__setattr__(default, field, value)
    return default


def _with_setting_for_track(words: list[str]) -> list[str]:
    """The words with --setting in place of --track, its deprecated name."""
    today, rest = [], deque(words)
    while rest:
        word = rest.popleft()
        name, equals, value = word.partition("=")
        if name == "--track":
            value = value if equals or not rest else rest.popleft()
            if value not in _TRACKS:
                cure = "write --setting self-study, or --setting guided for what was extraction"
                raise InputError(
                    f"--track: one of {', '.join(_TRACKS)} is needed; received {value or 'nothing'}; {cure}"
                )
            word = f"--setting={_TRACKS[value]}"
        today.append(word)
    return today


def _recipe_of_words(given: Given, *, grows: bool) -> Recipe:
    """The recipe whose values are the options' defaults; with `grows`, that of the run that --from names."""
    (name,), (out,) = given.get("recipe", (PretrainOptions.recipe,))[-1:], given.get("out", ("",))[-1:]
    parent = Path(given["parent"][-1]) if grows and "parent" in given else None
    return base_recipe(name, frozenset(given), Path(out), resume="resume" in given, parent=parent)[0]


def named_by_flag(message: str, words: list[str]) -> str:
    """The message about a recipe's field, beginning with the flag that set the field if there is only one such flag.

    Where no flag set it, but one set a field that the rule compares it with, that flag comes before the message.
    """
    key, _, rule = message.partition(":")
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    named = [flag for flag in flags if _last_name(flag) == _last_name(key)]
    if len(named) == 1:
        return f"{named[0]}:{rule}"
    compared = [flag for flag in flags if f" {flag.rpartition('.')[2].replace('-', '_')} (" in rule]
    return f"{compared[0]}: {message}" if not named and len(compared) == 1 else message


def _last_name(key: str) -> str:
    """The last part of a field's or flag's name; --people is short for n_people."""
    return key.removeprefix("--").rpartition(".")[2].replace("_", "-").removeprefix("n-")


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return tyro.MISSING if field.default is MISSING else field.default
