"""Which examples each kind of training learns from: the one place that makes a run's dataset.

Training and the exposure ledger both make it here, so that what is counted afterwards is what was learnt.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import assert_never

from closedbook.errors import TextError
from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, MixedDataset, NameDataset
from closedbook.reader.open_book import OpenBook, read_open_book
from closedbook.recipe.recipe import Recipe, StageConfig
from closedbook.storage.run import Kind
from closedbook.text.documents import Corpus, Span
from closedbook.text.links import link
from closedbook.text.questions import Question, Questions
from closedbook.text.vocabulary import Vocabulary

LONGEST_ANSWER_MARGIN = 2
"""A pair's string has two MASKs."""


@dataclass(frozen=True)
class Examples:
    """A dataset, what is to be said of it, and the silver pairs where there are any."""

    dataset: EpochDataset
    notes: tuple[str, ...] = ()
    silver: OpenBook | None = None


def stage_of(kind: Kind, recipe: Recipe, *, is_from_scratch: bool) -> StageConfig:
    """The part of the recipe that a kind of run follows."""
    match kind:
        case "pretrain":
            return recipe.pretrain
        case "study":
            return recipe.study
        case "finetune":
            return recipe.scratch if is_from_scratch else recipe.finetune
        case _:
            assert_never(kind)


def examples_of(
    kind: Kind, recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus | None, pairs: Questions | None
) -> Examples:
    """The examples of a run; raises TextError where self-study finds nothing to study.

    Finetuning replays a corpus by the recipe's share, if it is given one.
    """
    block_size = recipe.model.block_size
    if kind == "finetune" and corpus is None:
        assert pairs is not None, "finetuning learns pairs"
        return Examples(NameDataset(list(pairs.items), vocabulary, block_size))
    assert corpus is not None, "the text is learnt from the text"
    texts = [document.text for document in corpus.documents]
    if kind == "study":
        assert pairs is not None, "the reader learns from pairs"
        book = read_open_book(corpus, pairs, recipe.seed)
        studied = _studied(book, recipe)
        documents = CharCorruptionDataset(texts, vocabulary, block_size, recipe.corruption, recipe.seed)
        names = NameDataset(studied, vocabulary, block_size)
        share = recipe.study.mix_pairs
        n_studied = f"{len(studied)} of" if share else "none, since the recipe's study.mix_pairs is 0, of"
        notes = (*book.notes, f"studies {n_studied} {len(book.pairs)} silver pairs")
        return Examples(MixedDataset(documents, names, share), notes, book)
    tagged, notes = _tagged(recipe, corpus, pairs)
    documents = CharCorruptionDataset(texts, vocabulary, block_size, recipe.corruption, recipe.seed, tagged)
    if pairs is None:
        return Examples(documents, notes)
    names = NameDataset(list(pairs.items), vocabulary, block_size)
    if kind == "finetune":
        return Examples(MixedDataset(documents, names, 1 - recipe.finetune.replay, over="pairs"), notes)
    return Examples(MixedDataset(documents, names, recipe.pretrain.mix_pairs), notes)


def _studied(book: OpenBook, recipe: Recipe) -> list[Question]:
    """Silver pairs that the reader is sure enough of and that fit the model."""
    longest = recipe.model.block_size - LONGEST_ANSWER_MARGIN
    sure = [pair for pair in book.pairs if pair.confidence >= recipe.silver_confidence]
    fitting = [pair for pair in sure if len(pair.question) + len(pair.answer) <= longest]
    return [Question(pair.question, pair.answer, line) for line, pair in enumerate(fitting, 1)]


def tagged_spans(corpus: Corpus, pairs: Questions, seed: int) -> dict[int, tuple[Span, ...]]:
    """In each document, by index, the spans that look most like answers to what the pairs ask, without a question.

    Each of the pairs' templates has its own; those whose answers stand at the same place share it. Raises TextError
    where the pairs teach nothing of the corpus.
    """
    book = read_open_book(corpus, pairs, seed)
    asked = [Question(pair.question, pair.answer, 0) for pair in book.pairs]
    spans: dict[int, dict[Span, None]] = defaultdict(dict)
    for fact in link(asked, [document.text for document in corpus.documents]):
        for statement in fact.statements:
            spans[statement.document][statement.start, statement.end] = None
    return {document: tuple(places) for document, places in spans.items()}


def _tagged(
    recipe: Recipe, corpus: Corpus, pairs: Questions | None
) -> tuple[dict[int, tuple[Span, ...]], tuple[str, ...]]:
    """What objective learned masks, and what is to be said of it."""
    if pairs is None or not recipe.corruption.guided:
        return {}, ()
    try:
        tagged = tagged_spans(corpus, pairs, recipe.seed)
    except TextError as error:
        return {}, (f"{error}; objective learned masks names and numbers as distant does",)
    n = len(corpus.documents)
    return tagged, (f"objective learned knows what answers look like in {len(tagged):,} of {n:,} documents",)
