"""Which examples each kind of run is trained on: the one place that makes a run's dataset.

Training and the exposure ledger both make it here, so that the ledger counts what was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import assert_never

from closedbook.evaluation.sources import learned_pairs, needed, text_of
from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, MixedDataset, NameDataset
from closedbook.examples.replay import New, ReplayDataset
from closedbook.examples.strangers import StrangerDataset, Strangers
from closedbook.reader.marks import marks_of
from closedbook.reader.open_book import OpenBook, SilverPair, read_open_book
from closedbook.recipe.recipe import Recipe, StageConfig
from closedbook.storage.run import Replayed, Run, TrainedKind
from closedbook.text.documents import Corpus
from closedbook.text.notes import Detail
from closedbook.text.questions import Question, Questions
from closedbook.text.templates import link_templates
from closedbook.text.title_index import title_in
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.asking import Asking, asking_of
from closedbook.training.reading import Reading, read_for
from closedbook.training.silver import saved_book

N_MASKS_OF_PAIR = 2
"""Number of MASKs in the string of a pair."""


@dataclass(frozen=True)
class Examples:
    """A dataset, notes to show the user, and what a model that asks itself needs.

    `read` is what the open-book reader read, if there is one; `silver` is the same where its pairs are learned.
    """

    dataset: EpochDataset
    notes: tuple[str, ...] = ()
    read: OpenBook | None = None
    silver: OpenBook | None = None
    asking: Asking | None = None

    @property
    def text(self) -> CharCorruptionDataset | None:
        """The masked documents in the dataset; None where it has pairs only."""
        dataset = self.dataset.documents if isinstance(self.dataset, MixedDataset) else self.dataset
        return dataset if isinstance(dataset, CharCorruptionDataset) else None


def stage_of(kind: TrainedKind, recipe: Recipe, *, is_from_scratch: bool) -> StageConfig:
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
    kind: TrainedKind,
    recipe: Recipe,
    vocabulary: Vocabulary,
    corpus: Corpus | None,
    pairs: Questions | None,
    book: OpenBook | None = None,
    replayed: Replayed | None = None,
) -> Examples:
    """The examples of a run; raises TextError where the reader learns nothing from self-study's pairs.

    `pairs` are needed for all kinds but pretraining, and `corpus` for all but finetuning, which replays one if it is
    given. `book` is what self-study's reader has read already; `replayed` counts what is old in a run that grows.
    """
    if kind == "finetune" and corpus is None:
        assert pairs is not None, "finetuning needs pairs"
        return Examples(NameDataset(list(pairs.items), vocabulary, recipe.model.block_size))
    assert corpus is not None, "this kind needs a corpus"
    if kind == "study":
        assert pairs is not None, "the reader learns from pairs"
        book = read_open_book(corpus, pairs, recipe.seed) if book is None else book
        return _self_study_examples(recipe, vocabulary, corpus, pairs, book, replayed)
    reading = read_for(recipe, corpus, pairs)
    notes = reading.notes
    documents = _masked_documents(recipe, vocabulary, corpus, reading)
    if pairs is None:
        return Examples(documents, notes, reading.book)
    marked = [_marked(item, reading.of_pairs.get(item.text, ""), recipe) for item in pairs.items]
    names = NameDataset(marked, vocabulary, recipe.model.block_size)
    if kind == "finetune":
        return Examples(MixedDataset(documents, names, 1 - recipe.finetune.replay, over="pairs"), notes, reading.book)
    asking = None
    if recipe.corruption.nameless and not recipe.corruption.guided:
        asking = asking_of(corpus.texts, corpus.titles, pairs.items, names)
    n_others = len(documents) / (1 - recipe.pretrain.mix_pairs)
    strangers, note = _strangers(recipe.pretrain, documents, corpus, pairs, n_others)
    mixed = MixedDataset(documents, names, recipe.pretrain.mix_pairs, strangers=strangers)
    return Examples(mixed, (*notes, *note), reading.book, asking=asking)


def _marked(pair: Question, mark: str, recipe: Recipe) -> Question:
    """The pair with a mark after its answer, if both fit the model."""
    answer = f"{pair.answer}{mark}"
    fits = len(pair.text) + len(answer) + N_MASKS_OF_PAIR <= recipe.model.block_size
    return replace(pair, answer=answer) if fits else pair


def examples_of_run(run: Run, corpus: Corpus | None = None) -> Examples:
    """The examples that a run's training began with; `corpus` is the run's, if it has been read already.

    Raises RunError where a file is gone or has changed.
    """
    assert run.info.kind != "edit", "an edit has no examples"
    pairs = learned_pairs(needed(run, "pairs"), run) if "pairs" in run.info.sources else None
    stage = stage_of(run.info.kind, run.recipe, is_from_scratch=run.info.parent is None)
    if corpus is None and (run.info.kind != "finetune" or stage.replay > 0):
        corpus = text_of(run)
    book, replayed = saved_book(run), run.info.replayed
    return examples_of(run.info.kind, run.recipe, run.info.vocabulary, corpus, pairs, book, replayed)


def _self_study_examples(
    recipe: Recipe,
    vocabulary: Vocabulary,
    corpus: Corpus,
    pairs: Questions,
    book: OpenBook,
    replayed: Replayed | None,
) -> Examples:
    studied = studied_pairs(book, recipe)
    share, marks = recipe.study.mix_pairs, marks_of(book) if recipe.doubt else {}
    asked = [
        Question(pair.question, pair.answer + marks.get(pair.question, ""), line)
        for line, pair in enumerate(studied, 1)
    ]
    names = NameDataset(asked, vocabulary, recipe.model.block_size)
    n_studied = f"{len(studied)} of" if share else "none, since the recipe's study.mix_pairs is 0, of"
    notes = (*book.notes, Detail(f"trains on {n_studied} {len(book.pairs)} silver pairs"))
    documents = _masked_documents(recipe, vocabulary, corpus, Reading())
    mixed, n_others = MixedDataset(documents, names, share), len(documents) / (1 - share)
    if replayed is not None:
        mixed = ReplayDataset(documents, names, share, _new_in(studied, pairs, corpus, replayed))
        n_others = float(len(mixed))
    mixed.strangers, note = _strangers(recipe.study, documents, corpus, pairs, n_others)
    return Examples(mixed, (*notes, *note), book, book)


def _new_in(studied: Sequence[SilverPair], pairs: Questions, corpus: Corpus, replayed: Replayed) -> New:
    """The new documents, and the silver pairs about their titles or that are new training pairs."""
    n_old, titles = replayed.n_documents, corpus.titles
    given = {item.text for item in pairs.items if item.line > replayed.n_pairs}
    is_new = (p.question in given or max(titles.get(title_in(p.question, titles), (0,))) >= n_old for p in studied)
    return New(range(n_old, len(corpus.texts)), [index for index, new in enumerate(is_new) if new])


def _strangers(
    stage: StageConfig, documents: CharCorruptionDataset, corpus: Corpus, pairs: Questions, n_others: float
) -> tuple[StrangerDataset | None, tuple[str, ...]]:
    """The stage's examples about strangers, beside `n_others` examples, or a note where none can be asked about."""
    if not stage.mix_strangers:
        return None, ()
    strangers = Strangers(corpus.titles)
    templates = {template: len(of) for template, of in link_templates(pairs.items, corpus.titles).templates.items()}
    if not templates or strangers.draw(Random(0)) is None:
        asked = f"{pairs.path}: asks about no title of {corpus.path} that names of strangers could be made of"
        return None, (f"{asked}, so the model does not learn to say that it never read about somebody",)
    n = round(n_others * stage.mix_strangers / (1 - stage.mix_strangers))
    return StrangerDataset(strangers, templates, documents, n), ()


def _masked_documents(
    recipe: Recipe,
    vocabulary: Vocabulary,
    corpus: Corpus,
    reading: Reading,
) -> CharCorruptionDataset:
    tagged, marks = reading.tagged, reading.of_spans
    size = recipe.model.block_size
    return CharCorruptionDataset(corpus.texts, vocabulary, size, recipe.corruption, recipe.seed, tagged, marks)


def studied_pairs(book: OpenBook, recipe: Recipe) -> list[SilverPair]:
    """The silver pairs that self-study trains on: those that fit the model, and without doubts are confident enough."""
    longest = recipe.model.block_size - N_MASKS_OF_PAIR - recipe.doubt  # a mark is one character
    fitting = [pair for pair in book.pairs if len(pair.question) + len(pair.answer) <= longest]
    return [pair for pair in fitting if recipe.doubt or pair.confidence >= recipe.silver_confidence]
