"""Questions and pairs: a file with one question a line, or question<TAB>answer."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from closedbook.errors import InputError, TextError
from closedbook.text.lines import check_regular, read_lines
from closedbook.text.vocabulary import Vocabulary, special_in

_PAIR_RULE = "a pair is question<TAB>answer, and this line has {received}"
_PAIR_CURE = "; write the question, one tab and the answer"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and, in a pair, its answer; `line` is its number in the file, from 1."""

    text: str
    answer: str | None
    line: int


@dataclass(frozen=True)
class Questions:
    """The questions or pairs of a file, and notes to show the user; `path` is None for standard input."""

    path: Path | None
    items: tuple[Question, ...]
    notes: tuple[str, ...] = ()

    def answers(self) -> list[str]:
        """The answers; raises TextError with the line where one is missing."""
        for item in self.items:
            if item.answer is None:
                raise TextError(self.path, item.line, _PAIR_RULE.format(received="no tab") + _PAIR_CURE)
        return [item.answer for item in self.items if item.answer is not None]


def read_questions(path: Path) -> Questions:
    """The questions or pairs of a file, empty lines left out; raises TextError."""
    return parse_questions(read_lines(path), path)


def read_pairs(path: Path) -> Questions:
    """The pairs of a file, empty lines left out; raises TextError with the first line that is not a pair."""
    check_regular(path)
    questions = read_questions(path)
    questions.answers()
    return questions


def parse_questions(lines: Iterable[str], path: Path | None) -> Questions:
    """The questions or pairs of lines; raises TextError, with the line, where one has two tabs or an empty half."""
    items = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) > 2:
            raise TextError(path, number, _PAIR_RULE.format(received=f"{len(fields) - 1} tabs") + _PAIR_CURE)
        question = fields[0].strip()
        answer = fields[1].strip() if len(fields) == 2 else None
        if not question or answer == "":
            missing = "answer" if question else "question"
            raise TextError(path, number, f"the {missing} is empty" + _PAIR_CURE)
        if (rule := special_in(line)) is not None:
            raise TextError(path, number, rule)
        items.append(Question(question, answer, number))
    if not items:
        raise TextError(path, None, "no question in it; write one a line")
    return Questions(path, tuple(items))


def check_questions(
    questions: Questions, vocabulary: Vocabulary, block_size: int, *, may_be_unknown: bool = True
) -> None:
    """Raise TextError with the first line that has an unknown character or is too long for the model.

    Unknown characters are no fault where the vocabulary is open and they `may_be_unknown`. A pair needs len(question) +
    len(answer) + 2 characters of `block_size`; a question alone needs one for MASK and at least one for the answer.
    """
    for item in questions.items:
        unknown = unknown_characters(item.text + (item.answer or ""), vocabulary, may_be_unknown=may_be_unknown)
        if unknown is not None:
            raise TextError(questions.path, item.line, unknown)
        needed = n_needed(item)
        if needed > block_size:
            what = "the question needs" if item.answer is None else "question and answer need"
            raise TextError(
                questions.path,
                item.line,
                f"{what} {needed} characters (two for the masks) and the model reads {block_size}; "
                "shorten, or train with a larger model.block-size",
            )


def check_one_line(question: str) -> None:
    """Raise InputError where a question is empty, or is several."""
    if not question.strip():
        raise InputError('question: is empty; write one, as in "Where was Ada Byron born?"')
    if "\n" in question.strip():
        raise InputError(f"{question!r}: a question is one line; ask each line by itself")


def n_needed(item: Question) -> int:
    """How many characters a question or pair needs of the block: its own and two masks."""
    return len(item.text) + 2 + len(item.answer or "")


def unknown_characters(text: str, vocabulary: Vocabulary, *, may_be_unknown: bool = True) -> str | None:
    """An error message about the characters of a text that the vocabulary lacks; None where it lacks none.

    None too where it is open, and characters `may_be_unknown`.
    """
    unknown = vocabulary.unknown(text)
    if not unknown or (may_be_unknown and vocabulary.is_open):
        return None
    return (
        f"{by_name(unknown)}: not in the run's vocabulary, which is the characters of its corpus; spell it with those, "
        "or pretrain on a corpus that has it"
    )


def by_name(characters: Iterable[str]) -> str:
    """Characters with their names, as in "'?' (QUESTION MARK)"."""
    return ", ".join(f"{c!r} ({unicodedata.name(c, f'U+{ord(c):04X}')})" for c in characters)


def without_accents(questions: Questions) -> tuple[Questions, int]:
    """The pairs as the assignment's code reads them, and how many of them that changed.

    It encodes to UTF-8 and decodes as ASCII, dropping what is not ASCII: 'Malmö' becomes 'Malm'. Raises
    TextError, with the line, where nothing is left of a question or an answer.
    """
    items = tuple(
        replace(item, text=_ascii(item.text), answer=None if item.answer is None else _ascii(item.answer))
        for item in questions.items
    )
    for item in items:
        if not item.text.strip() or (item.answer is not None and not item.answer.strip()):
            missing = "answer" if item.text.strip() else "question"
            raise TextError(
                questions.path,
                item.line,
                f"nothing is left of the {missing} when characters that are not ASCII are dropped; train with "
                "strip_accents = false",
            )
    n_changed = sum(old != new for old, new in zip(questions.items, items, strict=True))
    return replace(questions, items=items), n_changed


def _ascii(text: str) -> str:
    return text.encode("ascii", errors="ignore").decode("ascii")
