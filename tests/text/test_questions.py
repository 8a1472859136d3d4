from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from closedbook.text.questions import (
    Question,
    Questions,
    check_questions,
    parse_questions,
    read_pairs,
    read_questions,
    without_accents,
)
from closedbook.text.vocabulary import MASK, PAD, Vocabulary

Fault = Callable[..., AbstractContextManager[None]]
Write = Callable[[str | bytes], Path]


def test_pairs_are_read_with_their_lines(write: Write):
    """Each line is question, tab, answer; spaces around them and empty lines are dropped."""
    path = write("Where was Ada born?\tLondon\r\n\n  Where was Zoë born? \t New York \n")
    pairs = read_pairs(path)
    assert pairs == Questions(
        path, (Question("Where was Ada born?", "London", 1), Question("Where was Zoë born?", "New York", 3))
    )
    assert pairs.answers() == ["London", "New York"]


def test_questions_alone_have_no_answers(write: Write, fault: Fault):
    """Lines without a tab are questions; asking for their answers is an error that names the line."""
    path = write("\nWhere was Ada born?\n")
    questions = read_questions(path)
    assert questions.items == (Question("Where was Ada born?", None, 2),)
    with fault(path, 2, "question<TAB>answer", "no tab"):
        questions.answers()


def test_a_pair_without_tab_is_refused(write: Write, fault: Fault):
    """In a file of pairs the error names the first line without a tab."""
    path = write("one?\t1\n\ntwo? 2\nthree?\n")
    with fault(path, 3, "question<TAB>answer", "no tab", "write the question, one tab and the answer"):
        read_pairs(path)


def test_two_tabs_are_refused(write: Write, fault: Fault):
    """The error names the line and the number of its tabs."""
    path = write("one?\t1\ntwo?\t\t2\n")
    with fault(path, 2, "question<TAB>answer", "2 tabs", "one tab"):
        read_pairs(path)


@pytest.mark.parametrize(
    ("line", "missing"), [("\tLondon", "question"), ("Where?\t", "answer"), ("Where?\t ", "answer")]
)
def test_an_empty_half_is_refused(write: Write, line: str, missing: str, fault: Fault):
    """The error names the line and says whether the question or the answer is empty."""
    path = write(f"one?\t1\n{line}\n")
    with fault(path, 2, f"the {missing} is empty"):
        read_pairs(path)


@pytest.mark.parametrize("special", [PAD, MASK, "\ufdd0"])
@pytest.mark.parametrize("line", ["Wh{}re?\tLondon", "Where?\tLond{}n", "Wh{}re?"])
def test_special_characters_in_a_question_are_refused(write: Write, special: str, line: str, fault: Fault):
    """Neither a question nor an answer can have a character that the model uses."""
    path = write(line.format(special))
    with fault(path, 1, f"U+{ord(special):04X}"):
        read_questions(path)


def test_standard_input_is_named(fault: Fault):
    """An error in questions from standard input names the line."""
    assert parse_questions(["a?", "b?"], None).path is None
    with fault(None, 2, "3 tabs"):
        parse_questions(["a?", "b\t\t\tc"], None)


def test_unknown_characters_are_named_with_their_line(fault: Fault):
    """The error shows characters outside the vocabulary and their Unicode names."""
    questions = parse_questions(["abc?\tbca", "", "aé?\tb\u0378"], Path("dev.tsv"))
    vocabulary = Vocabulary.of_text("abc? ")
    with fault(Path("dev.tsv"), 3, "'é' (LATIN SMALL LETTER E WITH ACUTE)", r"'\u0378' (U+0378)", "corpus"):
        check_questions(questions, vocabulary, block_size=17)


def test_a_pair_too_long_is_refused_with_both_lengths(fault: Fault):
    """Question, answer and two masks must fit block_size: 5 + 4 + 2 characters fit 11, not 10."""
    pairs = parse_questions(["abc?\tab", "abca?\tbcab"], Path("dev.tsv"))
    check_questions(pairs, Vocabulary.of_text("abc?"), block_size=11)
    with fault(Path("dev.tsv"), 2, "question and answer need 11 characters", "reads 10", "model.block-size"):
        check_questions(pairs, Vocabulary.of_text("abc?"), block_size=10)


def test_a_question_too_long_is_refused_with_both_lengths(fault: Fault):
    """A question alone also needs one character for a mask and one for an answer."""
    questions = parse_questions(["abcabca?"], None)
    check_questions(questions, Vocabulary.of_text("abc?"), block_size=10)
    with fault(None, 1, "the question needs 10 characters", "reads 9", "shorten"):
        check_questions(questions, Vocabulary.of_text("abc?"), block_size=9)


def test_accents_are_dropped_as_in_the_assignment():
    """Characters that are not ASCII are dropped, not replaced; the number of changed pairs is returned."""
    pairs = parse_questions(["Where was Zoë born?\tMalmö", "Ada?\tLondon", "Björk?"], None)
    stripped, n_changed = without_accents(pairs)
    assert stripped.items == (
        Question("Where was Zo born?", "Malm", 1),
        Question("Ada?", "London", 2),
        Question("Bjrk?", None, 3),
    )
    assert n_changed == 2


@pytest.mark.parametrize(("line", "missing"), [("Where?\t東京", "answer"), ("誰\tTokyo", "question")])
def test_a_half_of_nothing_but_accents_is_refused(line: str, missing: str, fault: Fault):
    """The error says whether question or answer would be empty, and which option keeps it."""
    with fault(None, 2, f"nothing is left of the {missing}", "strip_accents"):
        without_accents(parse_questions(["Ada?\tLondon", line], None))
