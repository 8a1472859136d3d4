"""Growing: a plan to add documents and pairs to a run in self-study, without forgetting what it has learned.

The new run's text is the old run's documents followed by the new ones, and its pairs likewise. Both are files in its
own folder, so that it can be asked, edited and grown without the old run.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from closedbook.errors import RunError, TextError
from closedbook.evaluation.sources import fitting, learned_pairs, lineage_left, needed, text_of, unchanged
from closedbook.examples.replay import ReplayDataset
from closedbook.files.durable import sha256
from closedbook.forms.book import counted
from closedbook.forms.corpus import Texts, read_asked_pairs
from closedbook.recipe.recipe import Recipe, StageConfig
from closedbook.storage.run import KEPT_CORPUS, KEPT_PAIRS, Kind, Replayed, Run, Source, open_run
from closedbook.text.check import check_pairs, refuse_unlinked
from closedbook.text.documents import Corpus
from closedbook.text.lines import decode_lines
from closedbook.text.questions import Questions, check_questions
from closedbook.text.title_index import titles_of
from closedbook.training.checkpointing import Saving
from closedbook.training.inputs import checked, sources_of, split_and_checked, too_long, validation_pairs, vocabulary_of
from closedbook.training.plan import Plan, followed_recipe, precision_of, read_given, resumed_run
from closedbook.training.prepared import Prepared

_SHARE_OF_STEPS = 0.07
"""Of the steps of a new run over all documents, where neither steps nor a budget are given.

With what comes before the first step, which takes as long as in a new run, that is a tenth of the time.
"""
_MIN_EXPOSURES = 10
"""How often each new document or pair is seen at least in these steps."""
_CANNOT_GROW: dict[Kind, str] = {
    "pretrain": "was made by pretrain, or by study in another setting",
    "finetune": "was made by finetune",
    "edit": "was made by edit",
}


@dataclass(frozen=True)
class GrowingFiles:
    """The folder of the run that grows, the new text, and new pairs if there are any."""

    parent: Path
    corpus: Path | Texts
    pairs: Path | None = None
    dev: Path | None = None


@dataclass(frozen=True)
class _New:
    """What the new files have that the old run has not learned, and notes on reading them."""

    texts: Sequence[str]
    pairs: Questions | None
    notes: tuple[str, ...]


def plan_growing(files: GrowingFiles, recipe: Recipe | None, saving: Saving) -> Plan:
    """A plan to add a text to a run; the recipe is that run's where none is given. Raises InputError."""
    resumed = resumed_run(saving, "study")
    parent = _growable(files.parent)
    recipe = followed_recipe(recipe or parent.recipe, saving, resumed)
    old, old_pairs = text_of(parent), fitting(read_asked_pairs(needed(parent, "pairs")), recipe)
    new = _new_in(files, parent, old, old_pairs)
    corpus, text = _all_documents(saving.out / KEPT_CORPUS, [*old.texts, *new.texts])
    items = [*old_pairs.items, *(new.pairs.items if new.pairs else ())]
    pairs = Questions(saving.out / KEPT_PAIRS, tuple(replace(item, line=i) for i, item in enumerate(items, 1)))
    vocabulary = vocabulary_of(corpus, recipe, pairs)
    if new.pairs is not None:
        check_questions(new.pairs, vocabulary, recipe.model.block_size)
        refuse_unlinked(check_pairs(new.pairs, corpus), corpus)
    split, notes = split_and_checked(pairs, recipe, vocabulary)
    kept = {"corpus": (KEPT_CORPUS, text), "pairs": (KEPT_PAIRS, _json_lines(pairs))}
    folder = saving.out.resolve()
    sources = {name: Source(str(folder / file), sha256(content)) for name, (file, content) in kept.items()}
    return Plan(
        kind="study",
        recipe=recipe,
        precision=precision_of(recipe, resumed),
        vocabulary=vocabulary,
        n_documents=len(corpus.documents),
        corpus=corpus,
        pairs=split.training,
        validation=validation_pairs(files.dev, _never_learned(split.validation, parent), recipe, vocabulary),
        calibration=checked(_never_learned(split.calibration, parent), recipe, vocabulary),
        sources=sources | sources_of(dev=files.dev),
        parent=parent,
        resumed=resumed,
        notes=(*new.notes, *notes),
        kept=dict(kept.values()),
        replayed=Replayed(len(old.documents), len(old_pairs.items)),
    )


def with_default_steps(prepared: Prepared) -> tuple[Prepared, str]:
    """The same with a share of a new run's steps, or more where new documents need them; and a line on that.

    A new run's are those of the run that grows, in proportion to the documents; one that grew itself had a share of it.
    """
    plan, stage, dataset = prepared.plan, prepared.plan.stage, prepared.examples.dataset
    assert plan.parent is not None, "a run grows from another"
    assert isinstance(dataset, ReplayDataset), "a run grows by replay"
    n_steps_before = _n_steps(plan.parent) * (1 if plan.parent.info.replayed else _SHARE_OF_STEPS)
    n_new, n_new_a_step = new_in_step(dataset, stage)
    proportional = n_steps_before * plan.n_documents / plan.parent.info.n_documents
    n_steps = ceil(max(proportional, _MIN_EXPOSURES * n_new / n_new_a_step))
    exposures = n_steps * n_new_a_step / n_new
    done = f"{n_steps:,} steps, in which each new document or pair is seen about {exposures:.0f} times"
    return replace(prepared, plan=plan.with_steps(n_steps)), done


def new_in_step(dataset: ReplayDataset, stage: StageConfig) -> tuple[int, float]:
    """How many documents or pairs are new, the larger of the two, and how many of them a step shows."""
    n_new = max(len(dataset.new.documents), len(dataset.new.pairs))
    return n_new, dataset.new_share * (1 - stage.mix_strangers) * stage.batch_size


def _n_steps(run: Run) -> int:
    """The number of steps that a run in self-study took."""
    stage = run.recipe.study
    n_examples = run.info.n_documents / (1 - stage.mix_pairs) / (1 - stage.mix_strangers)
    return stage.steps or stage.epochs * ceil(n_examples / stage.batch_size)


def _growable(path: Path) -> Run:
    """The finished run in self-study at `path`; raises RunError."""
    run = open_run(path)
    if run.info.kind in _CANNOT_GROW:
        cure = "name a run that study made in self-study (after it has grown, it can be edited or finetuned)"
        raise RunError(f"{path}: {_CANNOT_GROW[run.info.kind]}, and only a run in self-study can grow; {cure}")
    if not run.is_finished:
        raise RunError(f"{path}: has not ended; go on with it by --resume before it grows")
    return run


def _new_in(files: GrowingFiles, parent: Run, old: Corpus, old_pairs: Questions) -> _New:
    """What is new in the files; raises TextError where nothing is, or where no new document has a title."""
    read, _, _ = read_given(files.corpus, parent.recipe, parent.path)
    known = set(old.texts)
    texts = [text for text in dict.fromkeys(read.texts) if text not in known]
    if texts and not titles_of(texts):
        cure = "begin each with the name that questions ask about, a full stop and a space"
        raise TextError(read.path, None, f"no new document has a title; {cure}")
    pairs, pair_notes = (None, []) if files.pairs is None else _new_pairs(files.pairs, parent, old_pairs)
    if not texts and pairs is None:
        raise TextError(read.path, None, f"nothing new in it: {parent.path} has learned all of it")
    notes = [*read.notes, f"{parent.path} has {counted(len(old.texts), 'document')}, and {len(texts):,} are new"]
    if n_known := len(read.texts) - len(texts):
        notes.append(f"{read.path}: {counted(n_known, 'document')} left out, since the run has learned them")
    return _New(texts, pairs, (*notes, *pair_notes))


def _new_pairs(path: Path, parent: Run, old: Questions) -> tuple[Questions | None, list[str]]:
    """The pairs of a file that a run has not learned, None for none, and notes to show the user."""
    given = read_asked_pairs(path)
    pairs = fitting(given, parent.recipe)
    learned = {(item.text, item.answer) for item in old.items}
    items = tuple(item for item in pairs.items if (item.text, item.answer) not in learned)
    notes = [*given.notes, *too_long(given, pairs, parent.recipe.model.block_size)]
    notes.append(f"{parent.path} has {counted(len(old.items), 'pair')}, and {len(items):,} are new")
    return replace(pairs, items=items) if items else None, notes


def _all_documents(path: Path, texts: Sequence[str]) -> tuple[Corpus, bytes]:
    """The corpus of these documents as it will be read from `path`, and the content of that file."""
    content = "".join(f"{text}\n" for text in texts).encode()
    lines = decode_lines(content, path)
    return Corpus(path, lines, range(1, len(lines) + 1), ()), content


def _json_lines(pairs: Questions) -> bytes:
    """Pairs as JSON lines, which are read as what they are whatever their characters."""
    objects = ({"question": item.text, "answer": item.answer} for item in pairs.items)
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()


def _never_learned(held_out: Questions | None, parent: Run) -> Questions | None:
    """The held-out pairs without those that the run, or one that it grew from, was trained on."""
    if held_out is None:
        return None
    learned: set[str] = set()
    for run in lineage_left(parent):
        path = unchanged(run.info.sources["pairs"])
        if path is not None:
            learned.update(item.text for item in learned_pairs(path, run).items)
    items = tuple(item for item in held_out.items if item.text not in learned)
    return replace(held_out, items=items) if items else None
