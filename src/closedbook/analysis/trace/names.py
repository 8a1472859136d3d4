"""The same question about another name, and which characters of the two questions correspond."""

import heapq
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from closedbook.errors import InputError
from closedbook.text.title_index import TitleIndex
from closedbook.text.words import whole_words

# A word with the blank after it.
_WORD = re.compile(r"\S+\s*")
_WORD_OR_GAP = re.compile(r"\w+|\W+")


@dataclass(frozen=True)
class Comparison:
    """A question and the same one about another name; the names begin at `begin` and end before `end`, `other_end`."""

    question: str
    other: str
    begin: int
    end: int
    other_end: int

    @property
    def name(self) -> str:
        """The name in the question."""
        return self.question[self.begin : self.end]

    @property
    def other_name(self) -> str:
        """The name in the other question."""
        return self.other[self.begin : self.other_end]

    def pairs(self, n_positions: int) -> list[tuple[int, int]]:
        """Positions below `n_positions` in the question, and what follows it, with those that correspond in the other.

        Before and after the names, positions correspond one by one. Names of one length do so too; else their words,
        counted from the last, correspond from their last characters on, as far as both reach.
        """
        shift = len(self.other) - len(self.question)
        before = [(p, p) for p in range(self.begin)]
        after = [(p, p + shift) for p in range(self.end, n_positions)]
        return [*before, *self._within_names(), *after]

    def _within_names(self) -> list[tuple[int, int]]:
        if self.end == self.other_end:
            return [(p, p) for p in range(self.begin, self.end)]
        words, others = list(_WORD.finditer(self.name)), list(_WORD.finditer(self.other_name))
        pairs = []
        for word, other in zip(reversed(words), reversed(others), strict=False):
            n = min(len(word[0]), len(other[0]))
            pairs += [(self.begin + word.end() - k, self.begin + other.end() - k) for k in range(1, n + 1)]
        return sorted(pairs)


def compare(question: str, other: str, titles: Iterable[str]) -> Comparison:
    """The comparison with `other`: another name, in place of the title in the question, or the whole other question.

    Raises InputError where neither fits the question, or both questions are about the same name.
    """
    title = _name_in(question, titles)
    comparison = _of_questions(question, other, title)
    if comparison is None:
        if not title or other.endswith("?"):
            rule = "a question in the same words about another name is needed" + (
                "" if title else f", since the run knows no title that {question!r} contains"
            )
            raise InputError(f"other: {rule}; received {other!r}")
        comparison = _with_name(question, title, other)
    name, other_name = comparison.name.strip(), comparison.other_name.strip()
    if not name or not other_name or name == other_name:
        raise InputError(
            f"other: another name in the place of {(name or title)!r} is needed; received {other!r}; write that name, "
            "or the whole question about it"
        )
    return comparison


def near_names(question: str, titles: Iterable[str], n: int) -> list[Comparison]:
    """Comparisons with the `n` titles that align best with the title in the question; none where it has no title.

    Titles of the same length come first, then those with words of the same lengths, then those that share no word.
    """
    titles = list(titles)
    title = _name_in(question, titles)
    if not title:
        return []
    words = title.split()

    def misfit(other: str) -> tuple[int, bool, bool]:
        others = other.split()
        same_lengths = [len(word) for word in others] == [len(word) for word in words]
        return abs(len(other) - len(title)), not same_lengths, not set(words).isdisjoint(others)

    nearest = heapq.nsmallest(n, (other for other in titles if other != title), key=misfit)
    return [_with_name(question, title, other) for other in nearest]


def _with_name(question: str, title: str, other: str) -> Comparison:
    begin, end = _span(question, title)
    return Comparison(question, question[:begin] + other + question[end:], begin, end, begin + len(other))


def _name_in(question: str, titles: Iterable[str]) -> str:
    """How the question spells the title that it names; '' where it names none."""
    named = TitleIndex(titles).named_in(question)
    return "" if named is None else question[named.start : named.end]


def _of_questions(question: str, other: str, title: str) -> Comparison | None:
    """The comparison of two whole questions; None where the other text is no question in the same words."""
    if title:
        begin, end = _span(question, title)
        n_after = len(question) - end
    else:
        begin, n_after = _shared_words(question, other)
        end = len(question) - n_after
    other_end = len(other) - n_after
    is_same = other[:begin] == question[:begin] and other.endswith(question[end:]) and begin <= other_end
    return Comparison(question, other, begin, end, other_end) if is_same and begin + n_after else None


def _span(question: str, title: str) -> tuple[int, int]:
    match = re.search(whole_words(title), question)
    assert match is not None, "the title was found in the question"
    return match.span()


def _shared_words(one: str, other: str) -> tuple[int, int]:
    """The lengths of the beginning and of the end, in whole words, that two texts share without overlap."""
    words, others = _WORD_OR_GAP.findall(one), _WORD_OR_GAP.findall(other)
    n_first = _n_equal(words, others)
    n_last = _n_equal(words[n_first:][::-1], others[n_first:][::-1])
    return len("".join(words[:n_first])), len("".join(words[len(words) - n_last :]))


def _n_equal(words: list[str], others: list[str]) -> int:
    """How many words two lists share at their beginnings."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, others, strict=False)))
