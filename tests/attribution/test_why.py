"""Why: the lines that taught a run its answers, in Python and on the command line."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

import closedbook as package
from closedbook.attribution.why import TaughtLine, Why

Closedbook = Callable[..., Any]


def pairs_of(path: Path) -> list[tuple[str, str]]:
    """Questions with answers."""
    return [tuple(line.split("\t")) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def known(people: Path, run: package.Run) -> list[tuple[str, str]]:
    """Pairs about people whom training did not ask about, answered rightly."""
    pairs = [*pairs_of(people / "dev.tsv"), *pairs_of(people / "test.tsv")]
    answers = run.answer_many([question for question, _ in pairs])
    return [pair for pair, answer in zip(pairs, answers, strict=True) if answer.text == pair[1]]


@pytest.fixture(scope="session")
def whys(run: package.Run, known: list[tuple[str, str]]) -> list[Why]:
    """Why each of them is answered so."""
    return run.why_many([question for question, _ in known])


def test_the_line_that_states_a_fact_has_the_highest_score(known: list[tuple[str, str]], whys: list[Why]):
    """For at least 95% of the facts that the run knows, and it knows most."""
    assert len(known) >= 30
    right = 0
    for (question, answer), why in zip(known, whys, strict=True):
        name = question.removeprefix("Where was ").removesuffix(" born?")
        right += why.lines[0].text.startswith(f"{name}. ") and answer in why.lines[0].text
    assert right >= 0.95 * len(known)


def test_lines_are_those_of_the_file_in_the_order_of_their_scores(people: Path, whys: list[Why]):
    """Three lines, each with its number, its text, a score and where it states the answer."""
    texts = (people / "corpus.txt").read_text().splitlines()
    for why in whys:
        assert len(why.lines) == 3
        scores = [line.score for line in why.lines]
        assert scores == sorted(scores, reverse=True)
        assert max(scores) <= 1 + 1e-5
        for line in why.lines:
            assert line.text == texts[line.number - 1]
            assert (line.span is not None) == (f" {why.answer}" in line.text)
            assert line.span is None or line.text[slice(*line.span)] == why.answer


def test_a_question_is_answered_alone_as_among_others(run: package.Run, whys: list[Why]):
    """The same lines, and the same scores up to rounding."""
    alone, among = run.why(whys[5].question, n_lines=2), whys[5]
    assert [line.number for line in alone.lines] == [line.number for line in among.lines[:2]]
    assert alone.lines[0].score == pytest.approx(among.lines[0].score, abs=1e-4)


def test_the_command_prints_the_answer_and_the_lines(closedbook: Closedbook, run: package.Run, whys: list[Why]):
    """The answer first; in the line that states it, it stands in brackets."""
    outcome = closedbook("ask", run.path, whys[0].question, "--why", "--lines", 2)
    answer, first, second = outcome.out.splitlines()
    assert outcome.status == 0
    assert answer == whys[0].answer
    assert f"line {whys[0].lines[0].number}: " in first
    assert f"[{answer}]" in first
    assert f"line {whys[0].lines[1].number}: " in second


def test_a_long_line_is_cut_to_what_is_around_the_answer():
    """With the answer whole, and dots where something is left out."""
    text = "A. " + "x" * 500 + " Ulm " + "y" * 500
    at = text.index("Ulm")
    shown = str(TaughtLine(7, text, 0.5, (at, at + 3)))
    assert shown.startswith("0.50  line 7: ...x")
    assert "x [Ulm] y" in shown
    assert shown.endswith("y...")
    assert len(shown) < 200
    assert str(TaughtLine(7, text, 0.5, None)).startswith("0.50  line 7: A. x")
    assert str(TaughtLine(1, "A. In Ulm .", 1.0, (6, 9))) == "1.00  line 1: A. In [Ulm] ."


def test_a_low_score_is_reported_as_such(run: package.Run, people: Path, whys: list[Why]):
    """For most people of whom nothing is written no line stands out; for most known facts one does."""
    unwritten = run.why_many([question for question, _ in pairs_of(people / "withheld.tsv")])
    assert sum(why.stands_out for why in unwritten) <= 0.5 * len(unwritten)
    assert sum(why.stands_out for why in whys) >= 0.8 * len(whys)
    low = next(why for why in unwritten if not why.stands_out)
    assert "no line stands out" in str(low)


def test_the_result_is_a_value(whys: list[Why]):
    """Nothing in it can be set."""
    with pytest.raises(FrozenInstanceError):
        whys[0].answer = "Ulm"  # type: ignore[misc]


def test_an_edited_answer_was_taught_by_no_line(run: package.Run, whys: list[Why], tmp_path: Path):
    """The lines still are those of the text, and a note says that edit wrote the answer."""
    other = next(why.answer for why in whys if why.answer != whys[0].answer)
    edited = run.edit(whys[0].question, other, tmp_path / "edited")
    why, untouched = edited.why_many([whys[0].question, whys[1].question])
    assert why.answer == other
    assert "written by edit" in str(why)
    assert "written by edit" not in str(untouched)
    assert untouched.lines[0].number == whys[1].lines[0].number


def test_a_finetuned_run_is_asked_about_the_text_of_the_run_that_it_began_from(closedbook: Closedbook, runs: Path):
    """Finetuning learns no text."""
    outcome = closedbook("ask", runs / "finetuned", "Where was Gus Hall born?", "--why", "--lines", 1)
    assert outcome.status == 0
    assert len(outcome.out.splitlines()) == 2


# Bad input


def error_line(outcome: Any) -> str:
    """The one line of a command that was refused."""
    assert (outcome.status, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    return line.removeprefix("closedbook: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--why",), "ask: --why needs a question"),
        (("Where?", "--lines", "2"), "--lines: needs --why"),
        (("Where?", "--corpus", "corpus.txt"), "--corpus: needs --why"),
        (("Where?", "--why", "--lines", "0"), "--lines: 1 or more is needed; received 0"),
        (("Where?", "--why", "--lines", "few"), "--lines: a whole number is needed; received few"),
    ],
)
def test_options_that_do_not_fit_are_refused(closedbook: Closedbook, runs: Path, words: tuple[str, ...], message: str):
    """In one line that names the option, with status 2."""
    assert message in error_line(closedbook("ask", runs / "pretrained", *words))


def test_a_run_that_learned_no_text_is_refused(closedbook: Closedbook, runs: Path):
    """A run finetuned from scratch saw pairs alone."""
    line = error_line(closedbook("ask", runs / "scratch", "Where was Gus Hall born?", "--why"))
    assert "has learned no text" in line


def test_a_corpus_that_was_moved_is_named(
    closedbook: Closedbook, run: package.Run, people: Path, whys: list[Why], tmp_path: Path
):
    """Without --corpus one line says so, with status 2; a file with another text is refused."""
    corpus, moved = people / "corpus.txt", tmp_path / "moved.txt"
    copy(corpus, moved)
    corpus.rename(tmp_path / "away.txt")
    try:
        ask = ("ask", run.path, whys[0].question, "--why", "--lines", 1)
        line = error_line(closedbook(*ask))
        assert f"{corpus}: is not there, and --why needs the text" in line
        assert "name by --corpus where it is now, or ask without --why" in line
        assert "is another text" in error_line(closedbook(*ask, "--corpus", people / "train.tsv"))
        found = closedbook(*ask, "--corpus", moved)
        assert f"line {whys[0].lines[0].number}: " in found.out
    finally:
        (tmp_path / "away.txt").rename(corpus)


def test_a_number_of_lines_is_at_least_one(run: package.Run):
    """As on the command line."""
    with pytest.raises(package.InputError, match="n_lines: 1 or more is needed; received 0"):
        run.why("Where?", n_lines=0)
