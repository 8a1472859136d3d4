"""Match: when a prediction fits an answer, and questions on several lines of a file, each counted once."""

import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

from closedbook.errors import InputError
from closedbook.evaluation.predict import one_line
from closedbook.evaluation.score import Score
from closedbook.text.questions import Question

Match = Literal["exact", "normalized"]

IN_WORDS: dict[Match, str] = {
    "exact": "exact",
    "normalized": "normalized: Unicode form, case, punctuation, English articles and blanks do not count",
}
_ARTICLES = {"a", "an", "the"}

T = TypeVar("T")


def check_match(match: str) -> None:
    """Raise InputError for a match that there is not."""
    if match not in get_args(Match):
        raise InputError(f"match: one of {', '.join(get_args(Match))} is needed; received {match!r}")


def exact(answer: str) -> str:
    """The answer on one line with single blanks, in Unicode's form NFC."""
    return unicodedata.normalize("NFC", one_line(answer))


def normalized(answer: str) -> str:
    """The answer in Unicode's form NFKC, case folded, without punctuation and English articles, with single blanks.

    As in the evaluation of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1), whose rules for ASCII are
    extended to other scripts. An answer of punctuation and articles alone keeps them.
    """
    simpler = _simplified(answer)
    while simpler != answer:  # What stands together after a pass can form another letter, or an article.
        answer, simpler = simpler, _simplified(simpler)
    return answer


def _simplified(answer: str) -> str:
    folded = one_line(unicodedata.normalize("NFKC", answer.casefold()))
    words = "".join(c for c in folded if not _is_punctuation(c)).split()
    return " ".join(word for word in words if word not in _ARTICLES) or folded


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character)[0] == "P"


_COMPARED: dict[Match | None, Callable[[str], str]] = {"exact": exact, "normalized": normalized, None: str}


@dataclass(frozen=True)
class Counted:
    """The questions of a file, each counted once, in the order of their first lines.

    For each question, `places` are the indexes of its lines among the file's, and `answers` its answers, as they are
    compared and as they are written.
    """

    places: tuple[tuple[int, ...], ...]
    answers: tuple[Mapping[str, str], ...]
    match: Match | None

    @classmethod
    def of(cls, questions: Sequence[Question], match: Match | None) -> "Counted":
        """The questions of pairs. None for `match`: every line counts, and only the same string fits."""
        by_question: dict[str | int, list[int]] = {}
        for i, item in enumerate(questions):
            by_question.setdefault(i if match is None else item.text, []).append(i)
        compared, answers = _COMPARED[match], [item.answer or "" for item in questions]
        return cls(
            tuple(map(tuple, by_question.values())),
            tuple({compared(answers[i]): answers[i] for i in places} for places in by_question.values()),
            match,
        )

    def notes(self, path: Path | None) -> list[str]:
        """What to show the user: how many lines of the file have a question that stands on another line too."""
        n_joined = sum(len(places) for places in self.places if len(places) > 1)
        how = "each question counts once, right if any of its answers fits"
        return [f"{path}: {n_joined} lines joined, since their questions stand on several: {how}"] if n_joined else []

    def first(self, values: Sequence[T]) -> list[T]:
        """For each question the value of its first line."""
        return [values[places[0]] for places in self.places]

    def compared(self, answers: Sequence[str]) -> list[str]:
        """Answers as they are compared."""
        return list(map(_COMPARED[self.match], answers))

    def right(self, answers: Sequence[str]) -> list[bool]:
        """Whether one of its answers is given to each question; `answers` has one for each line of the file."""
        given = self.compared(self.first(answers))
        return [answer in fitting for answer, fitting in zip(given, self.answers, strict=True)]

    def score(self, answers: Sequence[str]) -> Score:
        """How many questions are answered right; `answers` has one for each line of the file."""
        right = self.right(answers)
        return Score(sum(right), len(right))
