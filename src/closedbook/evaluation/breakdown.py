"""Breakdowns of a score: by where the text states the answer, and by how common the answer is."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from closedbook.evaluation.score import Score
from closedbook.text.links import Fact

NEVER = "never"
NOT_STATED = "not in the text"
ENDS = (0, 32, 48, 64, 80, 96)
"""Bounds of bins: each bin holds the values above one bound, up to and including the next; the last bin is open."""
_FREQUENCIES = (-1, 0, 1, 5, 20)


@dataclass(frozen=True)
class Row:
    """The score of the questions in one bin."""

    label: str
    score: Score


@dataclass(frozen=True)
class Table:
    """Scores by the bins of a count; `axis` names the count and its unit. Bins without a question are left out."""

    name: str
    axis: str
    rows: tuple[Row, ...]

    def line(self) -> str:
        """The whole table in one line, without intervals."""
        bins = (f"{row.label}: {row.score.accuracy:.0%} of {row.score.n_questions}" for row in self.rows)
        return f"by {self.axis}: {'; '.join(bins)}"

    def lines(self) -> Iterator[str]:
        """A heading, and one line for each bin."""
        width = max(len(row.label) for row in self.rows)
        yield f"right by {self.axis}"
        for row in self.rows:
            yield f"  {row.label:<{width}}  {row.score}"

    def facts(self) -> list[dict[str, object]]:
        """The rows as JSON has them."""
        return [
            {
                "bin": row.label,
                "n_correct": row.score.n_correct,
                "n_questions": row.score.n_questions,
                "accuracy": row.score.accuracy,
                "interval": row.score.interval,
            }
            for row in self.rows
        ]


def by_end(facts: Sequence[Fact], right: Sequence[bool]) -> Table:
    """Scores by how many characters of its document one must read to have read the answer."""
    ends = [fact.end for fact in facts]
    return table("end", "where the answer ends in its document (characters from its start)", ENDS, ends, right)


def by_frequency(answers: Sequence[str], training_answers: Iterable[str], right: Sequence[bool]) -> Table:
    """Scores by how many training pairs have the same answer."""
    counts = Counter(training_answers)
    n_pairs = [counts[answer] for answer in answers]
    return table("frequency", "training pairs with the same answer (pairs)", _FREQUENCIES, n_pairs, right)


def bin_labels(bounds: Sequence[int]) -> list[str]:
    """The labels of the bins, and of a last one for questions without a value."""
    return [*(_label(low + 1, high) for low, high in pairwise(bounds)), f"over {bounds[-1]}", NOT_STATED]


def bin_number(bounds: Sequence[int], value: int | None) -> int:
    """The index of a value's bin among the labels."""
    return len(bounds) if value is None else bisect_left(bounds, value) - 1


def table(name: str, axis: str, bounds: Sequence[int], values: Sequence[int | None], right: Sequence[bool]) -> Table:
    """Scores by bins of `values`, one for each question: bin i holds those above bounds[i], up to bounds[i + 1]."""
    bins = [bin_number(bounds, value) for value in values]
    n_questions = Counter(bins)
    n_correct = Counter(number for number, is_right in zip(bins, right, strict=True) if is_right)
    labels = enumerate(bin_labels(bounds))
    rows = (Row(label, Score(n_correct[i], n_questions[i])) for i, label in labels if n_questions[i])
    return Table(name, axis, tuple(rows))


def _label(low: int, high: int) -> str:
    if high == 0:
        return NEVER
    return str(low) if low == high else f"{low}-{high}"
