"""What a corpus and pairs have to do with each other, found before any training."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from closedbook.errors import TextError
from closedbook.text.documents import Corpus
from closedbook.text.links import facts_of
from closedbook.text.questions import Question, Questions

_N_SHOWN = 3
_LITTLE = 0.5
"""Where an epoch shows less of the text, a note before training says so."""


@dataclass(frozen=True)
class PairsCheck:
    """How the pairs of a file fit a corpus; each list has the pairs that do not, in the order of the file.

    `unnamed`: the question names no title; `unstated`: no document of its title has the answer as whole words.
    """

    path: Path | None
    n_pairs: int
    unnamed: tuple[Question, ...]
    unstated: tuple[Question, ...]
    twofold: "Twofold"

    @property
    def n_stated(self) -> int:
        """How many answers stand in a document that their question names: more can hardly be learned from the text."""
        return self.n_pairs - len(self.unnamed) - len(self.unstated)

    def lines(self) -> Iterator[str]:
        """What to show the user."""
        share = f"{self.n_stated:,} of {self.n_pairs:,} answers ({self.n_stated / self.n_pairs:.1%})"
        yield f"{self.path}: {share} stand in the document that the question names"
        for items, what in (
            (self.unnamed, "name no title of the corpus"),
            (self.unstated, "name a title whose documents do not have the answer"),
        ):
            if items:
                yield f"{self.path}: {len(items):,} of {self.n_pairs:,} questions {what}: {shown(items)}"
        yield from self.twofold.lines()


@dataclass(frozen=True)
class Twofold:
    """Pairs of a file whose question was there before: `repeated` with the same answer, `contradicted` with another."""

    pairs: Questions
    repeated: tuple[Question, ...]
    contradicted: tuple[Question, ...]

    @classmethod
    def of(cls, pairs: Questions) -> "Twofold":
        """Those of a file of pairs."""
        answers: dict[str, set[str | None]] = defaultdict(set)
        repeated: list[Question] = []
        contradicted: list[Question] = []
        for item in pairs.items:
            before = answers[item.text]
            if item.answer in before:
                repeated.append(item)
            elif before:
                contradicted.append(item)
            before.add(item.answer)
        return cls(pairs, tuple(repeated), tuple(contradicted))

    def lines(self) -> Iterator[str]:
        """What to show the user."""
        for items, what in (
            (self.repeated, "were there before"),
            (self.contradicted, "were there before with another answer"),
        ):
            if items:
                n_pairs = len(self.pairs.items)
                yield f"{self.pairs.path}: {len(items):,} of {n_pairs:,} questions {what}: {shown(items)}"


@dataclass(frozen=True)
class CorpusCheck:
    """How many documents a corpus has, how many of them begin with a title, and the different titles' number."""

    path: Path
    n_documents: int
    n_titled: int
    n_titles: int
    longest: int
    block_size: int
    n_too_long: int
    """Documents longer than `block_size`, which the model cannot read at once: of these it sees a window at a time."""
    share_seen: float
    """The share of the text's characters that it sees in an epoch, at most."""

    def lines(self) -> Iterator[str]:
        """What to show the user."""
        yield (
            f"{self.path}: {self.n_documents:,} documents, {self.n_titled:,} with a title, {self.n_titles:,} different "
            f"titles; the longest has {self.longest:,} characters"
        )
        if self.n_too_long:
            yield self._of_long()

    def notes(self) -> list[str]:
        """What a user should know before training: that little is seen of long documents."""
        return [f"{self._of_long()}; cut them into several, each with its title"] if self.share_seen < _LITTLE else []

    def _of_long(self) -> str:
        which = f"documents longer than the {self.block_size:,} characters that the model reads at once"
        seen = f"an epoch shows at most {self.share_seen:.2%} of the text"
        return f"{self.path}: {which}: {self.n_too_long:,} of {self.n_documents:,}; {seen}"


def check_corpus(corpus: Corpus, block_size: int) -> CorpusCheck:
    """How far a corpus is one of documents with titles."""
    lengths = [len(text) for text in corpus.texts]
    return CorpusCheck(
        corpus.path,
        len(lengths),
        sum(map(len, corpus.titles.values())),
        len(corpus.titles),
        max(lengths),
        block_size,
        sum(length > block_size for length in lengths),
        sum(min(length, block_size) for length in lengths) / max(1, sum(lengths)),
    )


def check_pairs(pairs: Questions, corpus: Corpus) -> PairsCheck:
    """How pairs fit a corpus."""
    facts = list(facts_of(pairs.items, corpus.texts, corpus.titles))
    named = list(zip(pairs.items, facts, strict=True))
    return PairsCheck(
        pairs.path,
        len(facts),
        tuple(item for item, fact in named if not fact.title),
        tuple(item for item, fact in named if fact.title and not fact.statements),
        Twofold.of(pairs),
    )


def repeated_documents(corpus: Corpus) -> list[str]:
    """A note to show the user where documents are there more than once."""
    n = len(corpus.texts)
    n_repeated = n - len(set(map(hash, corpus.texts)))
    if not n_repeated:
        return []
    return [
        f"{corpus.path}: {n_repeated:,} of {n:,} documents were there before; each is learned as often as it is there"
    ]


def asked_twice(pairs: Questions, dev: Questions) -> tuple[Question, ...]:
    """The dev questions that are in the training pairs too."""
    trained_on = {item.text for item in pairs.items}
    return tuple(item for item in dev.items if item.text in trained_on)


def refuse_unlinked(check: PairsCheck, corpus: Corpus) -> None:
    """Raise TextError, with examples, where no question names a title or no answer stands in its document."""
    if not corpus.titles:
        cure = "begin each with the name that questions ask about, a full stop and a space"
        raise TextError(corpus.path, None, f"no document has a title; {cure}")
    if len(check.unnamed) == check.n_pairs:
        rule = f"no question names a title of {corpus.path}: {shown(check.unnamed)}"
        raise TextError(check.path, None, f"{rule}; ask about the names that its documents begin with")
    if check.n_stated == 0:
        rule = f"no document of {corpus.path} has the answer to a question about it: {shown(check.unstated)}"
        raise TextError(check.path, None, f"{rule}; are these pairs about another text?")


def shown(items: Sequence[Question]) -> str:
    """A few of the questions with their lines."""
    some = ", ".join(f"line {item.line} {item.text!r}" for item in items[:_N_SHOWN])
    return some + (", ..." if len(items) > _N_SHOWN else "")
