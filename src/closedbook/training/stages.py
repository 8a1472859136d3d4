"""The whole experiment: the only place that assembles corpus, recipe, trainer and score.

Each function that trains is a generator of events, each a value to show; it saves as it goes. To stop it
between two steps, close it: it saves once more. Nothing here prints.
"""

import statistics
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from closedbook.errors import InputError, NotFinite, RunError
from closedbook.evaluation.sources import may_have_learnt, replayed_text
from closedbook.examples.batches import Batches
from closedbook.examples.datasets import EpochDataset
from closedbook.files.durable import write_atomically
from closedbook.model.gpt import GPT
from closedbook.reader.open_book import OpenBook
from closedbook.recipe.recipe import Precision, Recipe, StageConfig
from closedbook.storage.checkpoint import Checkpoint, load_latest
from closedbook.storage.fingerprint import differences, fingerprint
from closedbook.storage.run import Kind, Run, RunInfo, Source, create_run, make_model, open_run, resume_run
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.questions import Questions, check_questions, read_pairs, without_accents
from closedbook.text.validation import validation_split
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.checkpointing import Keeper, Saving
from closedbook.training.device import fastest_precision, give_back_memory, make_fabric
from closedbook.training.events import Event, Finished, Note, Started
from closedbook.training.metrics import MetricsLog
from closedbook.training.mixture import examples_of, stage_of
from closedbook.training.trainer import Trainer

# Of what is left of a budget once its steps are timed: later ones were up to a fifth slower than the first.
_SURE_SHARE = 0.85


@dataclass(frozen=True)
class _Stage:
    """All that the two kinds of training differ in."""

    recipe: Recipe
    stage: StageConfig
    info: RunInfo
    model: GPT
    dataset: EpochDataset
    dev: Questions | None
    notes: list[str]
    silver: OpenBook | None = None


def pretrain(
    corpus_path: Path,
    recipe: Recipe,
    saving: Saving,
    *,
    pairs_path: Path | None = None,
    dev_path: Path | None = None,
    deadline: float | None = None,
) -> Iterator[Event]:
    """Learn a corpus; the recipe's share of examples are pairs, where a file of them is given.

    `deadline` is a time of time.monotonic() to which the number of steps is fitted, by timing some; without one the
    recipe's count.
    Raises InputError on whatever is wrong with files, recipe or folder, before anything is trained.
    """
    corpus = read_corpus(corpus_path)
    notes = list(corpus.notes)
    recipe, precision = _going_on(recipe, saving)
    vocabulary = vocabulary_of(corpus, recipe)
    pairs = None
    if pairs_path is not None and recipe.pretrain.mix_pairs > 0:
        pairs, pairs_notes = training_pairs(pairs_path, recipe, vocabulary)
        notes += pairs_notes
    elif pairs_path is not None:
        notes.append(f"{pairs_path}: not used, since the recipe's pretrain.mix_pairs is 0")
    elif recipe.pretrain.mix_pairs > 0:
        notes.append("no --pairs, so pretrain.mix_pairs mixes in none: what a question is, finetuning has to teach")
    stage = _text_stage("pretrain", recipe, precision, vocabulary, corpus, pairs, dev_path, notes)
    yield from _train(stage, saving, deadline)


def self_study(
    corpus_path: Path,
    recipe: Recipe,
    saving: Saving,
    *,
    pairs_path: Path,
    dev_path: Path | None = None,
    deadline: float | None = None,
) -> Iterator[Event]:
    """Learn what an open-book reader, taught by the pairs, asks and answers about every document.

    `deadline` is as of `pretrain`. The silver pairs are kept beside the run. Raises InputError.
    """
    corpus = read_corpus(corpus_path)
    recipe, precision = _going_on(recipe, saving)
    vocabulary = vocabulary_of(corpus, recipe)
    pairs, notes = training_pairs(pairs_path, recipe, vocabulary)
    stage = _text_stage("study", recipe, precision, vocabulary, corpus, pairs, dev_path, [*corpus.notes, *notes])
    yield from _train(stage, saving, deadline)


def _text_stage(
    kind: Kind,
    recipe: Recipe,
    precision: Precision,
    vocabulary: Vocabulary,
    corpus: Corpus,
    pairs: Questions | None,
    dev_path: Path | None,
    notes: list[str],
) -> _Stage:
    """A new model that is to learn a text, whichever the kind."""
    sources = _sources(corpus=corpus.path, pairs=None if pairs is None else pairs.path, dev=dev_path)
    examples = examples_of(kind, recipe, vocabulary, corpus, pairs)
    return _Stage(
        recipe=recipe,
        stage=stage_of(kind, recipe, is_from_scratch=True),
        info=RunInfo(kind, precision, len(corpus.documents), sources, None, vocabulary),
        model=new_model(recipe, vocabulary),
        dataset=examples.dataset,
        dev=_looked_at(dev_path, None if pairs is None else pairs.path, recipe, vocabulary),
        notes=[*notes, *examples.notes],
        silver=examples.silver,
    )


def finetune(
    pairs_path: Path,
    recipe: Recipe,
    saving: Saving,
    *,
    parent_path: Path | None = None,
    corpus_path: Path | None = None,
    dev_path: Path | None = None,
) -> Iterator[Event]:
    """Learn question and answer pairs, from another run's weights or, with a corpus's vocabulary, from scratch.

    Of `recipe` the model is replaced by the parent's, where there is one, and where the parent's text is replayed
    the corruption too; `corpus_path` then names where that text lies now. A run that is resumed knows what it started
    from. Raises InputError.
    """
    if saving.resume and parent_path is None and corpus_path is None and (saving.out / "run.json").exists():
        begun = open_run(saving.out).info
        parent_path = None if begun.parent is None else Path(begun.parent)
        corpus_path = Path(begun.sources["corpus"].path) if "corpus" in begun.sources else None
    parent = None if parent_path is None else open_run(parent_path)
    corpus = None
    if parent is not None:
        recipe = replace(recipe, model=parent.recipe.model)
        vocabulary, n_documents = parent.info.vocabulary, parent.info.n_documents
        recipe, precision = _going_on(recipe, saving)
        if recipe.finetune.replay:
            learnt, corpus = replayed_text(parent, corpus_path)
            recipe = replace(recipe, corruption=learnt.recipe.corruption)
    else:
        corpus = _needed_corpus(corpus_path)
        recipe, precision = _going_on(recipe, saving)
        vocabulary, n_documents = vocabulary_of(corpus, recipe), len(corpus.documents)
    pairs, notes = training_pairs(pairs_path, recipe, vocabulary)
    info = RunInfo(
        kind="finetune",
        precision=precision,
        n_documents=n_documents,
        sources=_sources(pairs=pairs_path, corpus=None if corpus is None else corpus.path, dev=dev_path),
        parent=None if parent is None else str(parent.path.resolve()),
        vocabulary=vocabulary,
    )
    if parent is not None and recipe.validation_split and may_have_learnt(parent, info.sources["pairs"], recipe):
        notes.append(
            f"{parent.path} may have learnt pairs that are held out here; train it with the same pairs, validation_split and "
            "seed, so that they are of people never asked about"
        )
    examples = examples_of("finetune", recipe, vocabulary, None if parent is None else corpus, pairs)
    stage = _Stage(
        recipe=recipe,
        stage=stage_of("finetune", recipe, is_from_scratch=parent is None),
        info=info,
        model=new_model(recipe, vocabulary) if parent is None else parent.model(),
        dataset=examples.dataset,
        dev=_looked_at(dev_path, pairs_path, recipe, vocabulary),
        notes=[*notes, *examples.notes],
    )
    yield from _train(stage, saving)


def new_model(recipe: Recipe, vocabulary: Vocabulary) -> GPT:
    """A model with the weights that the recipe's seed draws."""
    torch.manual_seed(recipe.seed % 2**63)  # of any whole number, where torch takes 64 bits
    return make_model(recipe.model, vocabulary)


def vocabulary_of(corpus: Corpus, recipe: Recipe) -> Vocabulary:
    """A corpus's characters, and its words for a model with a memory for them."""
    return corpus.vocabulary.with_words(corpus.text) if recipe.model.prefix_table else corpus.vocabulary


def training_pairs(path: Path, recipe: Recipe, vocabulary: Vocabulary) -> tuple[Questions, list[str]]:
    """Pairs to learn from, checked against model and vocabulary, and what is to be said of them."""
    given = read_pairs(path)
    pairs, held_out = validation_split(given, recipe.validation_split, recipe.seed)
    notes = []
    if held_out is not None:
        n = len(held_out.items)
        notes.append(f"{path}: {n} of {len(given.items)} pairs are held out, to be looked at and not learnt")
    if recipe.strip_accents:
        pairs, n_changed = without_accents(pairs)
        if n_changed:
            notes.append(
                f"{path}: {n_changed} of {len(pairs.items)} pairs lose characters outside ASCII, as in the "
                "assignment's code (strip_accents)"
            )
    check_questions(pairs, vocabulary, recipe.model.block_size)
    return pairs, notes


def _needed_corpus(path: Path | None) -> Corpus:
    if path is None:
        raise RunError(
            "finetune: --from RUN gives the weights to start from; without it, from scratch, --corpus "
            "gives the vocabulary: name one of the two"
        )
    return read_corpus(path)


def _looked_at(
    dev_path: Path | None, pairs_path: Path | None, recipe: Recipe, vocabulary: Vocabulary
) -> Questions | None:
    """The dev pairs, or those held out of the training pairs, where there are any."""
    held_out = None
    if pairs_path is not None:
        _, held_out = validation_split(read_pairs(pairs_path), recipe.validation_split, recipe.seed)
    if dev_path is not None and held_out is not None:
        raise InputError(
            f"{dev_path}: with validation_split {recipe.validation_split} the pairs to look at are held out of the training pairs, so "
            "--dev has no place beside it; leave out one (`closedbook evaluate RUN PAIRS` asks dev pairs afterwards)"
        )
    pairs = held_out if dev_path is None else read_pairs(dev_path)
    if pairs is not None:
        check_questions(pairs, vocabulary, recipe.model.block_size)
    return pairs


def _sources(**paths: Path | None) -> dict[str, Source]:
    return {name: Source.of(path) for name, path in paths.items() if path is not None}


def _going_on(recipe: Recipe, saving: Saving) -> tuple[Recipe, Precision]:
    """The recipe, and what its precision comes to; both are the run's own where one is resumed."""
    if saving.resume and (saving.out / "run.json").exists():
        run = open_run(saving.out)
        return (recipe if saving.recipe_is_given else run.recipe), run.info.precision
    precision = recipe.precision
    return recipe, fastest_precision(recipe.model.n_embd) if precision == "auto" else precision


def _train(plan: _Stage, saving: Saving, deadline: float | None = None) -> Iterator[Event]:
    """Train, save, evaluate, in the order that lets a run killed at any moment come to the same end."""
    begin = time.perf_counter()
    if deadline is not None:
        plan = _as_fitted(plan, saving.out) if saving.resume else _until(plan, deadline)
    trainer = _trainer(plan)
    fabric = trainer.fabric
    run, checkpoint = _open(plan, saving, fabric)
    yield from _warnings(plan)
    if plan.silver is not None and checkpoint is None and fabric.is_global_zero:
        write_atomically(run.path / "silver.tsv", silver_lines(plan.silver).encode())
    if checkpoint is not None:
        trainer.resume(checkpoint.weights, checkpoint.optimizer, checkpoint.state)
        yield from map(Note, _resume_notes(checkpoint, fingerprint(plan.info.precision, fabric.device)))
    keeper = Keeper(run, trainer, plan.dev, saving.every_seconds, checkpoint)
    yield Started(run, plan.model.n_parameters, trainer.step, trainer.n_steps)
    # A checkpoint of step 0 was saved behind the evaluation before the first step; without one that is made anew.
    with MetricsLog(run.path, -1 if checkpoint is None else trainer.step, writes=fabric.is_global_zero) as metrics:
        if checkpoint is None:
            yield from keeper.evaluate(metrics, 0)
        try:
            if not keeper.is_over:
                for report in trainer.run():
                    metrics.step(report)
                    if report.ends_epoch:
                        give_back_memory()
                    is_last = report.step == report.n_steps
                    if is_last or (report.ends_epoch and (report.epoch + 1) % plan.stage.evaluate_every == 0):
                        yield from keeper.evaluate(metrics, report.epoch + 1)
                    yield from keeper.save_if_due()
                    yield report
                    if keeper.is_over:
                        break
        except NotFinite as error:
            raise NotFinite(f"{error}; {keeper.last_saved}, and a smaller learning rate may help") from None
        except GeneratorExit:
            keeper.save()
            raise
    yield from keeper.what_is_kept()
    keeper.finish()
    yield Finished(run, time.perf_counter() - begin)


def _trainer(plan: _Stage) -> Trainer:
    fabric = make_fabric(plan.info.precision)
    batches = Batches(
        plan.dataset,
        plan.stage.batch_size,
        shuffle=plan.stage.shuffle,
        seed=plan.recipe.seed,
        rank=fabric.global_rank,
        n_processes=fabric.world_size,
        window=plan.stage.sort_window,
    )
    return Trainer(
        fabric,
        plan.model,
        batches,
        plan.stage,
        n_documents=plan.info.n_documents,
        seed=plan.recipe.seed,
        precision=plan.info.precision,
    )


def _until(plan: _Stage, deadline: float) -> _Stage:
    """The plan with as many steps as end by the deadline, by timing steps of its own on a copy that is thrown away.

    The number is written into the run's recipe, so that the schedule ends with it and a resumed run keeps to it.
    """
    # The first steps are slower than any that follow: memory is asked for, and kernels are chosen. Behind them come as
    # many as a window has, of which one draws the whole window.
    n_first, n_timed = 2, max(8, plan.stage.sort_window)
    stage = replace(plan.stage, steps=n_first + n_timed)
    trial = _trainer(replace(plan, model=deepcopy(plan.model), stage=stage))
    took = [report.seconds for report in trial.run()]
    each = statistics.fmean(took[n_first:])
    n_steps = max(1, int(_SURE_SHARE * (deadline - time.monotonic()) / each))
    return _with_steps(plan, trial.fabric.broadcast(n_steps))


def _as_fitted(plan: _Stage, out: Path) -> _Stage:
    """The plan with as many steps as the run that is resumed began with, whatever time is left."""
    if not (out / "run.json").exists():
        return plan  # there is nothing to resume, which is told in its place
    begun = stage_of(plan.info.kind, open_run(out).recipe, is_from_scratch=True)
    return _with_steps(plan, begun.steps)


def _with_steps(plan: _Stage, n_steps: int) -> _Stage:
    stage = replace(plan.stage, steps=n_steps)
    recipe = plan.recipe
    recipe = replace(recipe, study=stage) if plan.info.kind == "study" else replace(recipe, pretrain=stage)
    return replace(plan, stage=stage, recipe=recipe)


def silver_lines(book: OpenBook) -> str:
    """Silver pairs as a table to look at: question, answer, confidence, a pair a line."""
    return "".join(f"{pair.question}\t{pair.answer}\t{pair.confidence:.3f}\n" for pair in book.pairs)


def _open(plan: _Stage, saving: Saving, fabric: Fabric) -> tuple[Run, Checkpoint | None]:
    """The run's folder, made by the first process alone, and what to go on from."""
    if saving.resume:
        run = resume_run(saving.out, plan.recipe if saving.recipe_is_given else None, plan.info)
        return run, load_latest(run.path)
    if fabric.is_global_zero:
        create_run(saving.out, plan.recipe, plan.info)
    fabric.barrier()
    return Run(saving.out, plan.recipe, plan.info), None


def _warnings(plan: _Stage) -> Iterator[Note]:
    """What is to be told once all that was given has been found good, so that a fault stands alone."""
    yield from map(Note, plan.notes)
    if plan.info.kind == "pretrain" and plan.stage.schedule == "cosine_by_tokens" and plan.stage.epochs > 200:
        yield Note(
            "schedule course: the cosine reaches its floor after 200 epochs and climbs back to the peak by 400, "
            "as in the assignment's code"
        )


def _resume_notes(checkpoint: Checkpoint, now: dict[str, str]) -> Iterator[str]:
    yield from checkpoint.notes
    changed = differences(checkpoint.fingerprint, now)
    if changed:
        yield f"not bit for bit what an undisturbed run would be: {'; '.join(changed)}"
