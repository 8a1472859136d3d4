"""Finetuning: where it starts from, which is another run's weights or, over a corpus's vocabulary, new ones."""

from dataclasses import dataclass, replace
from pathlib import Path

from closedbook.errors import RunError
from closedbook.evaluation.sources import may_have_learned, read_text_of, replayed_text
from closedbook.forms.corpus import read_asked_pairs
from closedbook.recipe.recipe import Recipe
from closedbook.storage.run import Run, Source, open_run
from closedbook.text.documents import Corpus
from closedbook.text.questions import Questions
from closedbook.text.spelling import Spelling
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.checkpointing import Saving
from closedbook.training.inputs import (
    checked,
    sized_to,
    sources_of,
    split_and_checked,
    validation_pairs,
    vocabulary_of,
)
from closedbook.training.plan import Plan, followed_recipe, precision_of, resumed_run


@dataclass(frozen=True)
class FinetuningFiles:
    """The pairs to finetune on, and where to start from: `parent`, a run's folder, or else `corpus`.

    With a parent whose text is replayed, `corpus` is where that text is now.
    """

    pairs: Path
    parent: Path | None = None
    corpus: Path | None = None
    dev: Path | None = None


@dataclass(frozen=True)
class _Start:
    """The recipe as far as the start decides it, and what a plan needs from it."""

    recipe: Recipe
    vocabulary: Vocabulary
    n_documents: int
    parent: Run | None = None
    corpus: Corpus | None = None
    notes: tuple[str, ...] = ()


def plan_finetuning(files: FinetuningFiles, recipe: Recipe, saving: Saving) -> Plan:
    """A plan to learn pairs; raises InputError."""
    resumed = resumed_run(saving, "finetune")
    recipe = followed_recipe(recipe, saving, resumed)
    files = _as_begun(files, resumed)
    given = read_asked_pairs(files.pairs)
    if files.parent is None:
        start = _from_corpus(files, recipe, given)
    else:
        start = _from_parent(files, open_run(files.parent), recipe)
    start, notes = _with_held_out(start, files.pairs)
    split, of_pairs = split_and_checked(given, start.recipe, start.vocabulary)
    sources = sources_of(pairs=files.pairs, corpus=None if start.corpus is None else start.corpus.path, dev=files.dev)
    return Plan(
        kind="finetune",
        recipe=start.recipe,
        precision=precision_of(start.recipe, resumed),
        vocabulary=start.vocabulary,
        n_documents=start.n_documents,
        corpus=None if start.parent is None else start.corpus,
        pairs=split.training,
        validation=validation_pairs(files.dev, split.validation, start.recipe, start.vocabulary),
        calibration=checked(split.calibration, start.recipe, start.vocabulary),
        sources=sources,
        parent=start.parent,
        resumed=resumed,
        notes=(*start.notes, *notes, *of_pairs, *Spelling(start.vocabulary).of_another_text(split.training)),
    )


def _with_held_out(start: _Start, pairs: Path) -> tuple[_Start, list[str]]:
    """The start with a calibration split only where the parent cannot have learned it; and notes to show the user."""
    recipe = start.recipe
    if start.parent is None or not may_have_learned(start.parent, Source.of(pairs), recipe):
        return start, []
    cure = "train it with the same pairs, splits and seed, so that no question about these people was ever trained on"
    notes = []
    if recipe.validation_split:
        notes.append(f"{start.parent.path} may have learned pairs of the validation split; {cure}")
    if recipe.calibration_split:
        notes.append(
            f"{start.parent.path} may have learned any of the pairs, so none is held out for calibration; {cure}"
        )
    return replace(start, recipe=replace(recipe, calibration_split=0.0)), notes


def _as_begun(files: FinetuningFiles, resumed: Run | None) -> FinetuningFiles:
    """The files as given; a run that is resumed knows itself what it started from."""
    if resumed is None or files.parent is not None or files.corpus is not None:
        return files
    parent, corpus = resumed.info.parent, resumed.info.sources.get("corpus")
    return replace(
        files,
        parent=None if parent is None else Path(parent),
        corpus=None if corpus is None else Path(corpus.path),
    )


def _from_parent(files: FinetuningFiles, parent: Run, recipe: Recipe) -> _Start:
    """The parent's model and vocabulary; where its text is replayed, also that text and its masks."""
    recipe, corpus = replace(recipe, model=parent.recipe.model), None
    if recipe.finetune.replay:
        pretrained, corpus = replayed_text(parent, files.corpus)
        recipe = replace(recipe, corruption=pretrained.recipe.corruption)
    return _Start(recipe, parent.info.vocabulary, parent.info.n_documents, parent, corpus)


def _from_corpus(files: FinetuningFiles, recipe: Recipe, pairs: Questions) -> _Start:
    """A new model; the corpus gives its vocabulary, and the schedule the number of its documents."""
    if files.corpus is None:
        raise RunError(
            "finetune: --from RUN gives the weights to start from; without it, from scratch, --corpus "
            "gives the vocabulary: name one of the two"
        )
    corpus = read_text_of(recipe, files.corpus)
    recipe, notes = sized_to(corpus, pairs, recipe)
    return _Start(
        recipe, vocabulary_of(corpus, recipe, pairs), len(corpus.documents), corpus=corpus, notes=tuple(notes)
    )
