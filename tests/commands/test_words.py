"""What a command says of words that are not its own: one line with the option, the rule, the word and the way out."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.assignment.targets import TARGETS, TargetOptions
from closedbook.commands.main import COMMANDS
from closedbook.commands.option import options_of
from closedbook.commands.words import read_words
from closedbook.errors import InputError
from closedbook.recipe.old_keys import NEW_NAMES, NEW_VALUES, REMOVED

Closedbook = Callable[..., Any]

OPTIONS = {name: options for name, (options, _) in COMMANDS.items()} | dict.fromkeys(TARGETS, TargetOptions)
NUMBERS = [
    (command, option.name, option.kind)
    for command, options in OPTIONS.items()
    if command in COMMANDS or command == "vanilla_pretrain"
    for option in options_of(options)
    if option.kind in (int, float)
]
STUDY = ("study", "corpus.txt", "--pairs", "pairs.tsv", "--out", "RUN")


def fault(outcome: Any) -> str:
    """The one line of a command that ended with status 2 and gave no result."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("closedbook: ")
    return line.removeprefix("closedbook: ")


@pytest.mark.parametrize(("command", "option", "kind"), NUMBERS)
def test_every_number_option_refuses_what_is_no_number(command: str, option: str, kind: type):
    """Each of every command: one error that names option, rule, word and how it is written."""
    rule = "a whole number is needed" if kind is int else "a number is needed"
    words = {"2min": "2min", "": "nothing", "1,5": "1,5", **({"1.5": "1.5", "nan": "nan"} if kind is int else {})}
    for word, received in words.items():
        typed = [f"{option}={word}"] if word else [option]
        with pytest.raises(InputError) as caught:
            read_words(command, OPTIONS[command], typed)
        message = str(caught.value)
        assert message.startswith(f"{option}: {rule}; received {received}; write it as in {option} "), message
        assert re.fullmatch(r"[-0-9.e]+", message.rpartition(" ")[2])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--budget", "2min"), "--budget: a number is needed; received 2min; write it as in --budget 2"),
        (("--budget",), "--budget: a number is needed; received nothing; write it as in --budget 2"),
        (("--budget", "--resume"), "--budget: a number is needed; received nothing; write it as in --budget 2"),
        (("--budget=",), "--budget: a number is needed; received nothing; write it as in --budget 2"),
        (("--budget", "-3"), "--budget: a finite number above 0 is needed; received -3.0"),
        (("--budget", "nan"), "--budget: a finite number above 0 is needed; received nan"),
        (("--budget", "-inf"), "--budget: a finite number above 0 is needed; received -inf"),
        (("--seed", "x" * 99), f"--seed: a whole number is needed; received {'x' * 59}…; write it as in --seed 0"),
        (("--save_every=often",), "--save-every: a number is needed; received often; write it as in --save-every 60.0"),
        (("--dev",), "--dev: a value is needed; received nothing; write it as in --dev FILE"),
        (
            ("--precision", "float16"),
            "--precision: one of auto, float32, bfloat16 is needed; received float16; did you ",
        ),
        (("--resume=yes",), "--resume: takes no value; received yes; write --resume alone"),
        (
            ("--model.prefix-table", "false"),
            "--model.prefix-table: takes no value; received false; write --model.prefix-table or --model.no-prefix-",
        ),
        (
            ("--model.prefix-table=false",),
            "--model.prefix-table: takes no value; received false; write --model.prefix-table or --model.no-prefix-",
        ),
        (
            ("--bugdet", "3"),
            "--bugdet: no such option of study; did you mean --budget? (closedbook study --help-all lists ",
        ),
        (("--batch-size", "3"), "--batch-size: no such option of study; did you mean --pretrain.batch-size? "),
        (("-b", "3"), "-b: no such option of study; leave it out (closedbook study --help-all lists all)"),
    ],
)
def test_words_that_do_not_fit_are_named(closedbook: Closedbook, words: tuple[str, ...], line: str):
    """A wrong, missing or needless word is named with the rule, before any file is read."""
    assert fault(closedbook(*STUDY, *words)).startswith(line)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("study",), "study: CORPUS, --pairs TRAIN and --out RUN are needed; closedbook study --help says what for"),
        (("evaluate", "RUN"), "evaluate: PAIRS is needed; closedbook evaluate --help says what for"),
        (("ask", "RUN", "Who", "is", "Ada?"), "is: one word too many, since ask takes RUN QUESTION; "),
        (("ask", "RUN", "Who?", "--", "--why"), "--why: one word too many, since ask takes RUN QUESTION; "),
        (("data", "check", "TEXT"), "data: PAIRS is needed; closedbook data --help says what for"),
        (("demo", "now"), "now: one word too many, since demo takes options; "),
        (("demo", "--size", "small"), "--size: one of normal, tiny is needed; received small"),
        (("world", "w", "--people", "many"), "--people: a whole number is needed; received many; write it as in "),
        (("world", "w", "--people", "100", "--world.n-people", "200"), "--people: is short for --world.n-people; "),
        (("world", "w", "--world.attributes", "trade", "hobby"), "--world.attributes: one of birthplace, birth_year, "),
        (("vanilla_pretrain", "--epochs", "two"), "--epochs: a whole number is needed; received two; write it as in "),
        (
            ("pretrain", "c.txt", "--out", "RUN", "--setting", "guided"),
            "--setting: no such option of pretrain; study has it (",
        ),
        (("predict", "RUN", "--budget", "2"), "--budget: no such option of predict; study has it (closedbook predict "),
        (("ask", "RUN", "--from", "RUN"), "--from: no such option of ask; study and finetune have it (closedbook "),
        (("lab", "copying", "--sett", "n=3"), "--sett: no such option of lab; did you mean --set? "),
    ],
)
def test_every_command_answers_in_one_line(closedbook: Closedbook, words: tuple[str, ...], line: str):
    """Missing words, words too many, and values of the wrong type: of any command."""
    assert fault(closedbook(*words)).startswith(line)


@pytest.mark.parametrize("command", OPTIONS)
def test_a_command_lists_the_words_that_it_needs(command: str):
    """Whatever a command cannot do without is named, and where to read more; a command may need nothing."""
    needed = [option for option in options_of(OPTIONS[command]) if option.is_required]
    if not needed:
        assert read_words(command, OPTIONS[command], []) == {}
        return
    with pytest.raises(InputError) as caught:
        read_words(command, OPTIONS[command], [])
    assert all(option.name in str(caught.value) for option in needed)
    assert f"closedbook {command} --help" in str(caught.value)


# Old names


@pytest.mark.parametrize(("old", "new"), NEW_NAMES.items())
def test_an_old_option_names_the_new_one(closedbook: Closedbook, old: str, new: str):
    """With dashes or underscores, with its value attached or not: one line says what it is called now."""
    command = ("finetune", "pairs.tsv", "--out", "RUN") if new.startswith(("finetune", "scratch")) else STUDY
    now = "--" + new.replace("_", "-")
    for typed in (f"--{old}", f"--{old.replace('_', '-')}"):
        assert fault(closedbook(*command, typed, 1)) == f"{typed}: this option is called {now} now; write {now}"
        assert fault(closedbook(*command, f"{typed}=1")) == f"{typed}: this option is called {now} now; write {now}"


def test_an_old_switch_names_the_new_one(closedbook: Closedbook):
    """--no-OPTION is found too."""
    line = "--model.no-word-memory: this option is called --model.prefix-table now; write --model.prefix-table"
    assert fault(closedbook(*STUDY, "--model.no-word-memory")) == line


@pytest.mark.parametrize("key", REMOVED)
def test_a_removed_option_is_refused(closedbook: Closedbook, key: str):
    """Its line says that it was removed."""
    typed = f"--{key.replace('_', '-')}"
    assert fault(closedbook(*STUDY, typed, "0.5")) == f"{typed}: this option was removed; leave it out"


@pytest.mark.parametrize(("key", "values"), NEW_VALUES.items())
def test_an_old_value_names_the_new_one(closedbook: Closedbook, key: str, values: dict[str, str]):
    """A renamed value is refused with what it is called now."""
    command = ("finetune", "pairs.tsv", "--out", "RUN") if key.startswith(("finetune", "scratch")) else STUDY
    for old, new in values.items():
        line = fault(closedbook(*command, f"--{key.replace('_', '-')}", old))
        assert line.endswith(f"is needed; received {old}, which is called {new} now")


# What is read


def test_what_was_given_is_known_from_the_words():
    """Each option's words by its key, also where they say what the default is; the last of several counts."""
    words = ["c.txt", "--out", "RUN", "--seed", "0", "--model.n_layer=1", "--seed=-1", "--model.no-prefix-table"]
    assert read_words("pretrain", OPTIONS["pretrain"], [*words, "--resume"]) == {
        "corpus": ("c.txt",),
        "out": ("RUN",),
        "seed": ("-1",),
        "model.n_layer": ("1",),
        "model.prefix_table": ("--model.no-prefix-table",),
        "resume": ("--resume",),
    }


def test_an_option_may_take_several_words():
    """--set takes many, and may come again; a positional word may stand before it."""
    given = read_words("lab", OPTIONS["lab"], ["copying", "--set", "n=3", "beta=2", "--out", "X", "--set", "d=4"])
    assert given == {"experiment": ("copying",), "settings": ("n=3", "beta=2", "d=4"), "out": ("X",)}


def test_the_last_of_many_words_is_the_next_ones():
    """`data check` takes texts, any number of them, and then the pairs, with options between them."""
    given = read_words("data", OPTIONS["data"], ["check", "a.md", "--dev", "d.tsv", "b.csv", "pairs.tsv"])
    assert given == {"what": ("check",), "corpus": ("a.md", "b.csv"), "dev": ("d.tsv",), "pairs": ("pairs.tsv",)}


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["c.txt", "--help", "--bogus"], ["--budget", "2min", "-h"]])
def test_help_is_no_fault(closedbook: Closedbook, words: list[str]):
    """Whatever else is typed, --help is answered."""
    outcome = closedbook("study", *words)
    assert (outcome.status, outcome.err) == (0, "")
    assert "usage: closedbook study" in outcome.out


def test_a_file_may_be_called_like_an_option(closedbook: Closedbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """After -- every word is a positional one, as with other programs."""
    monkeypatch.chdir(tmp_path)
    line = fault(closedbook("study", "--pairs", "p.tsv", "--out", "RUN", "--", "--help"))
    assert line.startswith("--help: ")
    assert "no such file" in line.lower()
