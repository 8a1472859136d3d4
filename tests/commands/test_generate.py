"""`closedbook generate`: a text continued as the model would write it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from closedbook.api.run import load

Closedbook = Callable[..., Any]
QUESTION = "Where was Gus Hall born?"


def test_the_continuation_is_what_the_python_api_gives(closedbook: Closedbook, runs: Path):
    """The options are those of Run.generate; the continuation alone goes to standard output."""
    run = runs / "pretrained"
    options = ("--temperature", 0.8, "--top-k", 5, "--n-characters", 30, "--seed", 7)
    outcome = closedbook("generate", run, "Ann Bell. ", *options)
    expected = load(run).generate("Ann Bell. ", temperature=0.8, top_k=5, n_characters=30, seed=7)
    assert (outcome.status, outcome.out, outcome.err) == (0, f"{expected}\n", "")


def test_temperature_zero_is_the_same_whatever_the_seed(closedbook: Closedbook, runs: Path):
    """The likeliest character comes each time."""
    words = ("generate", runs / "finetuned", f"{QUESTION}⁇", "--temperature", 0, "--n-characters", 32)
    written = closedbook(*words, "--seed", 3).out
    assert written == closedbook(*words).out != "\n"


def test_a_prompt_longer_than_the_model_reads_is_noted(closedbook: Closedbook, runs: Path):
    """Text is generated from the prompt's last characters, and one line on standard error says so."""
    words = ("generate", runs / "pretrained")
    exact = closedbook(*words, "Ann" + 58 * "e")
    longer = closedbook(*words, "Where" + "Ann" + 58 * "e")
    assert (longer.status, longer.out, exact.err) == (0, exact.out, "")
    assert longer.err == "note: the prompt has 66 characters, and the model reads only the last 61\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("",), "prompt: at least one character is needed; received none"),
        (("Ann", "--temperature", -1), "--temperature: a finite number, 0 or more, is needed; received -1.0"),
        (("Ann", "--temperature", "nan"), "--temperature: a finite number, 0 or more, is needed; received nan"),
        (("Ann", "--top-k", 0), "--top-k: 1 or more is needed; received 0"),
        (("Ann", "--n-characters", 0), "--n-characters: 1 or more is needed; received 0"),
        (("Ann", "--seed", -1), "--seed: from 0 to "),
        (("Ann", "--seed", 2**70), "--seed: from 0 to "),
    ],
)
def test_what_cannot_be_generated_is_named_in_one_line(
    closedbook: Closedbook, runs: Path, words: tuple[object, ...], line: str
):
    """Numbers out of range end with status 2 and the option as the user typed it."""
    outcome = closedbook("generate", runs / "pretrained", *words)
    assert (outcome.status, outcome.out) == (2, "")
    (only,) = outcome.err.splitlines()
    assert only.startswith(f"closedbook: {line}")
