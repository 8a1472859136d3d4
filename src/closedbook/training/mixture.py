"""Which examples each kind of run is trained on: the one place that makes a run's dataset.

Training and the exposure ledger both make it here, so that the ledger counts what was trained on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import assert_never

from closedbook.errors import TextError
from closedbook.evaluation.sources import learned_pairs, needed
from closedbook.examples.datasets import CharCorruptionDataset, EpochDataset, MixedDataset, NameDataset
from closedbook.examples.strangers import StrangerDataset, Strangers
from closedbook.examples.tagged import TaggedSpans
from closedbook.reader.open_book import OpenBook, SilverPair, read_open_book
from closedbook.recipe.recipe import Recipe, StageConfig
from closedbook.storage.run import Run, TrainedKind
from closedbook.text.documents import Corpus, Span, read_corpus
from closedbook.text.links import facts_of
from closedbook.text.questions import Question, Questions
from closedbook.text.templates import link_templates
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.asking import Asking, asking_of

N_MASKS_OF_PAIR = 2
"""Number of MASKs in the string of a pair."""


@dataclass(frozen=True)
class Examples:
    """A dataset, notes to show the user, self-study's silver pairs, and what a model that asks itself needs."""

    dataset: EpochDataset
    notes: tuple[str, ...] = ()
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
    kind: TrainedKind, recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus | None, pairs: Questions | None
) -> Examples:
    """The examples of a run; raises TextError where the reader learns nothing from self-study's pairs.

    `pairs` are needed for all kinds but pretraining, and `corpus` for all but finetuning, which replays one if it is
    given.
    """
    if kind == "finetune" and corpus is None:
        assert pairs is not None, "finetuning needs pairs"
        return Examples(NameDataset(list(pairs.items), vocabulary, recipe.model.block_size))
    assert corpus is not None, "this kind needs a corpus"
    if kind == "study":
        assert pairs is not None, "the reader learns from pairs"
        return _self_study_examples(recipe, vocabulary, corpus, pairs)
    tagged, notes = _tagged(recipe, corpus, pairs)
    documents = _masked_documents(recipe, vocabulary, corpus, tagged)
    if pairs is None:
        return Examples(documents, notes)
    names = NameDataset(list(pairs.items), vocabulary, recipe.model.block_size)
    if kind == "finetune":
        return Examples(MixedDataset(documents, names, 1 - recipe.finetune.replay, over="pairs"), notes)
    asking = None
    if recipe.corruption.nameless and not recipe.corruption.guided:
        asking = asking_of(corpus.texts, corpus.titles, pairs.items, names)
        n_questions = sum(map(len, asking.templates.values()))
        notes = (*notes, f"the model will ask itself {n_questions:,} questions, on titles that no pair asks about")
    strangers = _strangers(recipe.pretrain, documents, corpus, pairs)
    mixed = MixedDataset(documents, names, recipe.pretrain.mix_pairs, strangers=strangers)
    return Examples(mixed, notes, asking=asking)


def examples_of_run(run: Run, corpus: Corpus | None = None) -> Examples:
    """The examples that a run's training began with; `corpus` is the run's, if it has been read already.

    Raises RunError where a file is gone or has changed.
    """
    assert run.info.kind != "edit", "an edit has no examples"
    pairs = learned_pairs(needed(run, "pairs"), run) if "pairs" in run.info.sources else None
    stage = stage_of(run.info.kind, run.recipe, is_from_scratch=run.info.parent is None)
    if corpus is None and (run.info.kind != "finetune" or stage.replay > 0):
        corpus = read_corpus(needed(run, "corpus"))
    return examples_of(run.info.kind, run.recipe, run.info.vocabulary, corpus, pairs)


def _self_study_examples(recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus, pairs: Questions) -> Examples:
    book = read_open_book(corpus, pairs, recipe.seed)
    studied = studied_pairs(book, recipe)
    share = recipe.study.mix_pairs
    asked = [Question(pair.question, pair.answer, line) for line, pair in enumerate(studied, 1)]
    names = NameDataset(asked, vocabulary, recipe.model.block_size)
    n_studied = f"{len(studied)} of" if share else "none, since the recipe's study.mix_pairs is 0, of"
    notes = (*book.notes, f"trains on {n_studied} {len(book.pairs)} silver pairs")
    documents = _masked_documents(recipe, vocabulary, corpus, {})
    strangers = _strangers(recipe.study, documents, corpus, pairs)
    return Examples(MixedDataset(documents, names, share, strangers=strangers), notes, book)


def _strangers(
    stage: StageConfig, documents: CharCorruptionDataset, corpus: Corpus, pairs: Questions
) -> StrangerDataset | None:
    """The stage's examples about strangers; raises TextError where none can be asked about."""
    if not stage.mix_strangers:
        return None
    strangers = Strangers(corpus.titles)
    templates = {template: len(of) for template, of in link_templates(pairs.items, corpus.titles).templates.items()}
    if not templates or strangers.draw(Random(0)) is None:
        rule = f"asks about no title of {corpus.path} that names of strangers could be made of"
        raise TextError(pairs.path, None, f"{rule}; set mix_strangers to 0")
    n_others = len(documents) / (1 - stage.mix_pairs)
    n = round(n_others * stage.mix_strangers / (1 - stage.mix_strangers))
    return StrangerDataset(strangers, templates, documents, n)


def _masked_documents(
    recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus, tagged: Mapping[int, tuple[Span, ...]]
) -> CharCorruptionDataset:
    return CharCorruptionDataset(
        corpus.texts, vocabulary, recipe.model.block_size, recipe.corruption, seed=recipe.seed, tagged=tagged
    )


def studied_pairs(book: OpenBook, recipe: Recipe) -> list[SilverPair]:
    """The silver pairs that are confident enough and fit the model: those that self-study trains on."""
    longest = recipe.model.block_size - N_MASKS_OF_PAIR
    sure = [pair for pair in book.pairs if pair.confidence >= recipe.silver_confidence]
    return [pair for pair in sure if len(pair.question) + len(pair.answer) <= longest]


def tagged_spans(corpus: Corpus, pairs: Questions, seed: int) -> TaggedSpans:
    """The spans that the reader takes for answers.

    One for each of the pairs' question templates; templates with the same answer share one. Raises TextError where the
    reader learns nothing from the pairs.
    """
    book = read_open_book(corpus, pairs, seed)
    asked = (Question(pair.question, pair.answer, 0) for pair in book.pairs)
    stated = (statement for fact in facts_of(asked, corpus.texts, corpus.titles) for statement in fact.statements)
    return TaggedSpans(stated, len(corpus.texts))


def _tagged(
    recipe: Recipe, corpus: Corpus, pairs: Questions | None
) -> tuple[Mapping[int, tuple[Span, ...]], tuple[str, ...]]:
    """The spans that objective guided masks, and notes to show the user."""
    if pairs is None or not recipe.corruption.guided:
        return {}, ()
    try:
        tagged = tagged_spans(corpus, pairs, recipe.seed)
    except TextError as error:
        return {}, (f"{error}; so objective guided masks names and numbers, as salient does",)
    n = len(corpus.documents)
    return tagged, (f"the reader found spans that look like answers in {len(tagged):,} of {n:,} documents",)
