"""Plan: what a run is to be trained on, and how, read from files and checked before anything is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from closedbook.errors import InputError
from closedbook.evaluation.sources import read_text_of
from closedbook.files.durable import sha256
from closedbook.forms.corpus import Texts, read_asked_pairs, read_texts
from closedbook.recipe.recipe import Precision, Recipe, StageConfig
from closedbook.storage.resume import resumable_run
from closedbook.storage.run import KEPT_CORPUS, Replayed, Run, RunInfo, Source, TrainedKind, check_run_can_be_created
from closedbook.text.check import check_corpus, check_pairs, refuse_unlinked, repeated_documents
from closedbook.text.documents import Corpus
from closedbook.text.notes import Detail
from closedbook.text.questions import Questions
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.checkpointing import Saving
from closedbook.training.device import fastest_precision
from closedbook.training.inputs import (
    calibrated_if_many,
    checked,
    sized_to,
    sources_of,
    split_and_checked,
    validation_pairs,
    vocabulary_of,
)
from closedbook.training.mixture import stage_of

_MANY_STATED = 0.8
"""If the documents state a smaller share of the answers, the user should know."""


@dataclass(frozen=True)
class TextFiles:
    """The files that training on a text is given."""

    corpus: Path | Texts
    pairs: Path | None = None
    dev: Path | None = None


@dataclass(frozen=True)
class Plan:
    """What a run is trained on, and how.

    `corpus` is None where no text is trained on, `parent` where the weights are new, `resumed` for a new run,
    `replayed` for one that does not grow from its parent. `kept` are files for the run's folder, by name.
    """

    kind: TrainedKind
    recipe: Recipe
    precision: Precision
    vocabulary: Vocabulary
    n_documents: int
    corpus: Corpus | None
    pairs: Questions | None
    validation: Questions | None
    calibration: Questions | None
    sources: dict[str, Source]
    parent: Run | None
    resumed: Run | None
    notes: tuple[str, ...]
    kept: Mapping[str, bytes] = field(default_factory=dict)
    replayed: Replayed | None = None

    @property
    def stage(self) -> StageConfig:
        """The part of the recipe that the run follows."""
        return stage_of(self.kind, self.recipe, is_from_scratch=self.parent is None)

    @property
    def info(self) -> RunInfo:
        """What the run's folder says of it."""
        parent = None if self.parent is None else str(self.parent.path.resolve())
        return RunInfo(
            self.kind, self.precision, self.n_documents, self.sources, parent, self.vocabulary, self.replayed
        )

    def with_steps(self, n_steps: int) -> "Plan":
        """The plan with another number of steps, in its recipe too, so that a resumed run keeps to it."""
        stage = replace(self.stage, steps=n_steps)
        recipe = replace(self.recipe, study=stage) if self.kind == "study" else replace(self.recipe, pretrain=stage)
        return replace(self, recipe=recipe)


def plan_text_training(kind: Literal["pretrain", "study"], files: TextFiles, recipe: Recipe, saving: Saving) -> Plan:
    """A plan to train on a text, and on the pairs or on what the reader learns from them; raises InputError."""
    resumed = resumed_run(saving, kind)
    recipe = followed_recipe(recipe, saving, resumed)
    corpus, source, kept = read_given(files.corpus, recipe, saving.out)
    pairs_path, notes = (files.pairs, []) if kind == "study" else _mixed_pairs(files.pairs, recipe)
    given = None if pairs_path is None else read_asked_pairs(pairs_path)
    recipe, chosen_notes = sized_to(corpus, given, recipe)
    if given is not None and (resumed is None or not resumed.recipe.calibration_split):
        recipe, calibration_notes = calibrated_if_many(given, corpus, recipe)
        chosen_notes = [*chosen_notes, *calibration_notes]
    vocabulary = vocabulary_of(corpus, recipe, given)
    pairs = held_out = for_calibration = None
    if given is not None:
        split, notes = split_and_checked(given, recipe, vocabulary)
        if recipe.open_vocabulary and (kind == "study" or recipe.corruption.guided):
            notes = [*notes, _stated(given, corpus)]
        pairs, held_out, for_calibration = split.training, split.validation, split.calibration
    return Plan(
        kind=kind,
        recipe=recipe,
        precision=precision_of(recipe, resumed),
        vocabulary=vocabulary,
        n_documents=len(corpus.documents),
        corpus=corpus,
        pairs=pairs,
        validation=validation_pairs(files.dev, held_out, recipe, vocabulary),
        calibration=checked(for_calibration, recipe, vocabulary),
        sources={"corpus": source, **sources_of(pairs=pairs_path, dev=files.dev)},
        parent=None,
        resumed=resumed,
        notes=(*corpus.notes, *repeated_documents(corpus), *_little_seen(kind, corpus, recipe), *chosen_notes, *notes),
        kept=kept,
    )


def _little_seen(kind: str, corpus: Corpus, recipe: Recipe) -> list[str]:
    """A note where little of the text is seen; in self-study the reader reads all, and asks about it."""
    return [] if kind == "study" else check_corpus(corpus, recipe.model.block_size).notes()


def read_given(given: Path | Texts, recipe: Recipe, out: Path) -> tuple[Corpus, Source, dict[str, bytes]]:
    """The text, what a run in the folder `out` says of its source, and the file that it keeps of several; InputError.

    Only a single file, read as it is, can be read again from where it is.
    """
    texts = given if isinstance(given, Texts) else Texts((given,))
    if texts.single is not None:
        return read_text_of(recipe, texts.single), Source.of(texts.single), {}
    if not recipe.open_vocabulary:
        rule = "this recipe (open_vocabulary = false) reads one UTF-8 file with one document per line"
        raise InputError(f"{texts}: {rule}; write the corpus first: closedbook book FILES --out corpus.txt")
    corpus, content = read_texts(texts)
    assert content is not None, "the text is no single file"
    return corpus, Source(str(out.resolve() / KEPT_CORPUS), sha256(content)), {KEPT_CORPUS: content}


def _mixed_pairs(path: Path | None, recipe: Recipe) -> tuple[Path | None, list[str]]:
    """The pairs that pretraining mixes in, and a note where the recipe and --pairs do not fit together."""
    if path is not None and recipe.pretrain.mix_pairs == 0:
        return None, [f"{path}: not used, since the recipe's pretrain.mix_pairs is 0"]
    if path is None and recipe.pretrain.mix_pairs > 0:
        return None, [
            "no --pairs, so none are mixed in (pretrain.mix_pairs): only finetuning can teach what a question is"
        ]
    return path, []


def resumed_run(saving: Saving, kind: TrainedKind) -> Run | None:
    """The run that is resumed, or None for a new one; raises RunError where --out cannot be used for either."""
    if saving.resume:
        return resumable_run(saving.out, kind)
    check_run_can_be_created(saving.out)
    return None


def followed_recipe(given: Recipe, saving: Saving, resumed: Run | None) -> Recipe:
    """The recipe that was given, or that of the resumed run where none was."""
    return given if resumed is None or saving.recipe_is_given else resumed.recipe


def precision_of(recipe: Recipe, resumed: Run | None) -> Precision:
    """The precision of the resumed run, or the recipe's, with 'auto' decided."""
    if resumed is not None:
        return resumed.info.precision
    return fastest_precision() if recipe.precision == "auto" else recipe.precision


def _stated(pairs: Questions, corpus: Corpus) -> str:
    """How many answers the corpus states, as a note; raises TextError, with examples, where it is none."""
    found = check_pairs(pairs, corpus)
    refuse_unlinked(found, corpus)
    note = next(found.lines())
    return Detail(note) if found.n_stated >= _MANY_STATED * found.n_pairs else note
