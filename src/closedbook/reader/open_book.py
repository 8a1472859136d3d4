"""The open-book reader: learns from pairs and their documents what an answer looks like, and writes silver pairs.

A silver pair is a question with the reader's answer and its confidence, for every title of the corpus, whether or not a
training pair asks about it. The reader sees the corpus and the training pairs and nothing else. Each template of the
pairs has a scorer of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from closedbook.errors import TextError
from closedbook.reader.scorer import Scorer
from closedbook.text.documents import Corpus
from closedbook.text.questions import Question, Questions
from closedbook.text.templates import Linked, Template, link_templates
from closedbook.text.title_index import TitleIndex

MIN_STATED = 10
"""A template is left out if the documents of fewer titles state their answers."""


NO_DOCUMENT = -1
"""The document of a pair whose question names no title."""


@dataclass(frozen=True, slots=True)
class SilverPair:
    """A question and the reader's answer, found in document number `document` of the corpus, from 0.

    A training pair keeps its own answer, with confidence 1, even if no document states it. Any other answer is a piece
    of its document.
    """

    question: str
    answer: str
    confidence: float
    document: int


@dataclass(frozen=True)
class HeldOut:
    """A training pair and the answer of a reader that was not fitted on its title.

    `answer` is None where the title has no candidate; `stated` says whether `expected` is among the candidates.
    """

    question: str
    expected: str
    answer: str | None
    confidence: float
    stated: bool


@dataclass(frozen=True)
class OpenBook:
    """Silver pairs, notes to show the user, and cross-validated answers to the training questions."""

    pairs: tuple[SilverPair, ...]
    notes: tuple[str, ...]
    held_out: tuple[HeldOut, ...]

    @property
    def n_right(self) -> int:
        """How many held-out answers equal the expected answer."""
        return sum(item.answer == item.expected for item in self.held_out)


def read_open_book(corpus: Corpus, pairs: Questions, seed: int) -> OpenBook:
    """Silver pairs for every title of the corpus and every template of the pairs, which must have answers.

    Of a template with too few pairs there are these alone; where all are such, so are the pairs that name no title.
    Raises TextError where no document has a title, or no question has a title in it.
    """
    titles = corpus.titles
    if not titles:
        cure = "begin each with the name that questions ask about, a full stop and a space"
        raise TextError(corpus.path, None, f"no document has a title; {cure}")
    linked = link_templates(pairs.items, titles)
    if not linked.templates:
        cure = f"ask about the names that the documents of {corpus.path} begin with"
        raise TextError(pairs.path, None, f"no question has a document's title in it; {cure}")
    notes = _notes_on_linking(linked, pairs, corpus, sum(map(len, titles.values())))
    silver: list[SilverPair] = []
    held_out: list[HeldOut] = []
    for template, by_title in linked.templates.items():
        # Fewer titles than are needed are left out, whatever the other titles' documents say: those are not read.
        which = titles if len(by_title) >= MIN_STATED else {title: titles[title] for title in by_title}
        scorer = Scorer(corpus.texts, which, by_title, seed)
        if scorer.n_stated < MIN_STATED:
            found = f"the documents state {scorer.n_stated} of the answers for {len(by_title)} titles"
            why = f"{found}, and {MIN_STATED} are needed; its pairs are learned as they are"
            notes.append(f"{pairs.path}: '{template}' is left out: {why}")
            silver += _as_they_are(by_title, titles)
            continue
        of_template, scale = _cross_fit(scorer, by_title)
        held_out += of_template
        silver += _silver_pairs(scorer, scale, template, titles, by_title)
        n_right = sum(item.answer == item.expected for item in of_template)
        notes.append(f"'{template}': right on {n_right} of {len(of_template)} held-out questions")
    if not held_out:
        silver += [SilverPair(pair.text, pair.answer or "", 1.0, NO_DOCUMENT) for pair in linked.unlinked]
        what = f"no wording of a question has {MIN_STATED} answers that the documents state"
        notes = [f"{pairs.path}: {what}, so pairs are learned as they are and nobody else is asked about"]
    return OpenBook(tuple(silver), tuple(notes), tuple(held_out))


def _cross_fit(scorer: Scorer, pairs: Mapping[str, Sequence[Question]]) -> tuple[list[HeldOut], float]:
    """The held-out answer to each pair, title by title, and the scale for confidences."""
    best_answers, scale = scorer.cross_fit()
    held_out = []
    for number, (title, best) in enumerate(zip(scorer.titles, best_answers, strict=True)):
        for pair in pairs[title]:
            assert pair.answer is not None, "pairs were checked when they were read"
            stated = pair.answer in scorer.candidates(number)
            held_out.append(HeldOut(pair.text, pair.answer, best.answer, best.confidence, stated))
    return held_out, scale


def _silver_pairs(
    scorer: Scorer, scale: float, template: Template, titles: Iterable[str], pairs: Mapping[str, Sequence[Question]]
) -> Iterator[SilverPair]:
    """The silver pairs of all titles that have a pair or a candidate."""
    numbers = {title: number for number, title in enumerate(scorer.titles)}
    best_answers = scorer.best_answers(scale)
    for title in titles:
        for pair in pairs.get(title, ()):
            assert pair.answer is not None, "pairs were checked when they were read"
            yield SilverPair(pair.text, pair.answer, 1.0, scorer.document_of(numbers[title], pair.answer))
        if title not in pairs:
            best = next(best_answers)
            if best.answer is not None:
                yield SilverPair(template.question(title), best.answer, best.confidence, best.document)


def _as_they_are(pairs: Mapping[str, Sequence[Question]], titles: TitleIndex) -> Iterator[SilverPair]:
    """The pairs of a template that the reader leaves out."""
    for title, of_title in pairs.items():
        for pair in of_title:
            yield SilverPair(pair.text, pair.answer or "", 1.0, titles[title][0])


def _notes_on_linking(linked: Linked, pairs: Questions, corpus: Corpus, n_titled: int) -> list[str]:
    notes = []
    n_untitled = len(corpus.documents) - n_titled
    if n_untitled:
        which = f"{n_untitled} of {len(corpus.documents)} documents"
        notes.append(f"{corpus.path}: {which} have no title and so no silver pair")
    if linked.unlinked:
        which = f"{len(linked.unlinked)} of {len(pairs.items)} questions, the first in line {linked.unlinked[0].line},"
        notes.append(f"{pairs.path}: {which} have no document's title in them and are not learned from")
    return notes
