"""A user's files become documents and questions; the only reader of user text.

Every fault is named with file and line. UTF-8 with or without BOM, LF or CRLF, with or without a last
line feed are all read alike.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from closedbook.errors import TextError
from closedbook.text.vocabulary import MASK, PAD, Vocabulary

SHORTEST_CORRUPTED = 4
"""Span corruption truncates to at least so many characters; a shorter document is taken whole."""

Span = tuple[int, int]
"""Characters of a document: the place of the first, and the place behind the last."""


@dataclass(frozen=True)
class Document:
    """One line of a corpus."""

    text: str
    line: int


@dataclass(frozen=True)
class Corpus:
    """A text file, one document a line; `notes` says what a reader of the file should be told."""

    path: Path
    text: str
    documents: tuple[Document, ...]
    notes: tuple[str, ...]

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters of the whole file, the line feed included where it has several lines."""
        return Vocabulary.of_text(self.text)


@dataclass(frozen=True)
class Question:
    """A question and, in a file of pairs, its answer; `line` is where it stands in its file, from 1."""

    text: str
    answer: str | None
    line: int


@dataclass(frozen=True)
class Questions:
    """A file of pairs, or of questions alone; `path` is None for standard input."""

    path: Path | None
    items: tuple[Question, ...]

    def answers(self) -> list[str]:
        """The answers; raises TextError, naming the line, where one is missing."""
        for item in self.items:
            if item.answer is None:
                raise TextError(self.path, item.line, _PAIR_RULE.format(received="no tab") + _PAIR_CURE)
        return [item.answer for item in self.items if item.answer is not None]


_PAIR_RULE = "a pair is question<TAB>answer, and this line has {received}"
_PAIR_CURE = "; write the question, one tab and the answer"


def read_corpus(path: Path) -> Corpus:
    """Documents of a text file; raises TextError where there is none, or where PAD or MASK occurs."""
    _check_regular(path)
    lines = _read_lines(path)
    for number, line in enumerate(lines, 1):
        for special, name in ((PAD, "padding"), (MASK, "the mask")):
            if special in line:
                raise TextError(
                    path,
                    number,
                    f"the character {special!r} stands for {name} here and cannot be in a corpus; "
                    "replace it by another",
                )
    documents = tuple(Document(line, number) for number, line in enumerate(lines, 1) if line.strip())
    if not documents:
        raise TextError(path, None, "no text in it; a corpus has one document a line")
    n_empty = len(lines) - len(documents)
    n_short = sum(len(document.text) < SHORTEST_CORRUPTED for document in documents)
    notes = []
    if n_empty:
        notes.append(f"{path}: {n_empty} empty line{'s' * (n_empty > 1)} left out")
    if n_short:
        notes.append(
            f"{path}: {n_short} document{'s' * (n_short > 1)} shorter than {SHORTEST_CORRUPTED} characters, "
            "masked without truncation"
        )
    return Corpus(path, "\n".join(lines), documents, tuple(notes))


def read_questions(path: Path) -> Questions:
    """Questions, or pairs, of a file; empty lines are passed over; raises TextError."""
    return parse_questions(_read_lines(path), path)


def read_pairs(path: Path) -> Questions:
    """Pairs of a file; raises TextError at the first line that is no pair."""
    _check_regular(path)
    questions = read_questions(path)
    questions.answers()
    return questions


def parse_questions(lines: Iterable[str], path: Path | None) -> Questions:
    """Questions, or pairs, of lines; raises TextError, naming the line, on more than one tab or none filled."""
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
        for special in (PAD, MASK):
            if special in line:
                raise TextError(path, number, f"the character {special!r} cannot be in a question or an answer")
        items.append(Question(question, answer, number))
    if not items:
        raise TextError(path, None, "no question in it; write one a line")
    return Questions(path, tuple(items))


def check_questions(questions: Questions, vocabulary: Vocabulary, block_size: int) -> None:
    """Raise TextError at the first line with a character the model never saw, or too long for it.

    A pair needs len(question) + len(answer) + 2 characters of `block_size`; a question alone needs one
    for MASK and one at least to answer in.
    """
    for item in questions.items:
        unknown = unknown_characters(item.text + (item.answer or ""), vocabulary)
        if unknown is not None:
            raise TextError(questions.path, item.line, unknown)
        needed = len(item.text) + 2 + len(item.answer or "")
        if needed > block_size:
            what = "the question needs" if item.answer is None else "question and answer need"
            raise TextError(
                questions.path,
                item.line,
                f"{what} {needed} characters (two for the masks) and the model reads {block_size}; "
                "shorten, or train with a larger model.block-size",
            )


def validation_split(pairs: Questions, share: float, seed: int) -> tuple[Questions, Questions | None]:
    """The pairs to learn, and those to look at: a share of the questions, drawn by seed; None where the share is 0.

    Who is drawn first depends on seed and question alone, so that a greater share of the same questions holds out the
    same people and more. Raises TextError where nothing would be left to learn, or to look at.
    """
    if share == 0:
        return pairs, None
    asked = dict.fromkeys(item.text for item in pairs.items)
    n_held = round(share * len(asked))
    if not 0 < n_held < len(asked):
        raise TextError(
            pairs.path,
            None,
            f"validation_split {share} is {n_held} of its {len(asked)} questions, and one at least is needed to look at and "
            "one to learn; choose another validation_split",
        )
    held = set(sorted(asked, key=lambda question: Random(f"{seed} {question}").random())[:n_held])
    kept, looked_at = (
        replace(pairs, items=tuple(item for item in pairs.items if (item.text in held) == is_held))
        for is_held in (False, True)
    )
    return kept, looked_at


def unknown_characters(text: str, vocabulary: Vocabulary) -> str | None:
    """What to say of the characters of a text that the model never saw; None where there are none."""
    unknown = vocabulary.unknown(text)
    if not unknown:
        return None
    names = ", ".join(f"{c!r} ({unicodedata.name(c, f'U+{ord(c):04X}')})" for c in unknown)
    return (
        f"{names}: not in the run's vocabulary, which is its corpus's characters; spell it with "
        "those, or pretrain on a corpus that has it"
    )


def without_accents(questions: Questions) -> tuple[Questions, int]:
    """The pairs as the assignment's code reads them, and how many that changed.

    It encodes to UTF-8 and decodes as ASCII, dropping what does not fit: 'Malmö' becomes 'Malm'. Raises
    TextError, naming the line, where nothing is left of a question or an answer.
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
                f"nothing is left of the {missing} once all that is not ASCII is dropped; train with "
                "strip_accents = false",
            )
    n_changed = sum(old != new for old, new in zip(questions.items, items, strict=True))
    return replace(questions, items=items), n_changed


def _ascii(text: str) -> str:
    return text.encode("ascii", errors="ignore").decode("ascii")


def _check_regular(path: Path) -> None:
    """Raise TextError for a pipe, which would be empty when a run looks at its files again."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise TextError(path, None, "is no regular file, and a run must be able to read it again; save it to one")


def _read_lines(path: Path) -> Sequence[str]:
    """The lines of a UTF-8 file, without their ends; a last empty line is none."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise TextError(path, None, "no such file; check the path") from None
    except IsADirectoryError:
        raise TextError(path, None, "is a folder; a text file is needed") from None
    except OSError as error:
        raise TextError(path, None, f"cannot be read: {error.strerror}") from None
    return decode_lines(raw, path)


def decode_lines(raw: bytes, path: Path | None) -> Sequence[str]:
    """The lines of UTF-8 bytes; raises TextError, naming the line of the first byte that is not UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TextError(path, 1, "is UTF-16, and UTF-8 is needed; save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from behind a BOM, and so do the bytes that it carries.
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise TextError(path, line, f"the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines
