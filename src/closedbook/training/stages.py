"""The ways to train a run: pretraining, self-study, growing and finetuning.

Each is a generator of events, which are values to show; it saves as it goes and prints nothing. To stop it, close it:
it saves the last step. So it does on KeyboardInterrupt in what its events say can be stopped. All raise InputError,
before anything is trained, on whatever is wrong with files, recipe or folder; then nothing is left of a new run.
"""

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from closedbook.evaluation.calibration import calibrated, save_calibration
from closedbook.evaluation.predict import predict
from closedbook.forms.corpus import Texts
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import Recipe, StageConfig
from closedbook.storage.fingerprint import fingerprint
from closedbook.storage.lock import OneWriter
from closedbook.storage.run import Run, check_run_can_be_created, fill_model, open_run
from closedbook.text.notes import Detail
from closedbook.training.alike import check_same_plan, check_same_state
from closedbook.training.budget import Budget, fitted, in_minutes
from closedbook.training.checkpointing import Checkpointer, Saving
from closedbook.training.events import Doing, Done, Event, Finished, Note, Started
from closedbook.training.finetuning import FinetuningFiles, plan_finetuning
from closedbook.training.growing import GrowingFiles, plan_growing, with_default_steps
from closedbook.training.loop import Loop
from closedbook.training.memory import check_memory
from closedbook.training.metrics import MetricsLog
from closedbook.training.opening import as_it_began, opened, resume_notes
from closedbook.training.optim.tables import n_bytes_trained, sparse_tables
from closedbook.training.plan import Plan, TextFiles, plan_text_training
from closedbook.training.prepared import Prepared, prepare
from closedbook.training.processes import is_first_process, noticing_lost_peers, was_begun_here
from closedbook.training.rewinding import Rewinder
from closedbook.training.rounds import Rounds
from closedbook.training.summary import asked_in_training, more_than_all, too_few, what_was_made, what_was_read
from closedbook.training.trainer import Trainer
from closedbook.training.validation import Validation

_MANY_DOCUMENTS = 20_000
"""Documents that the open-book reader takes more than some seconds for."""


def pretrain(
    corpus_path: Path | Texts,
    recipe: Recipe,
    saving: Saving,
    *,
    pairs_path: Path | None = None,
    dev_path: Path | None = None,
    budget: Budget | None = None,
) -> Iterator[Event]:
    """Learn a corpus; with a file of pairs, the recipe's share of the examples are pairs.

    A budget decides the number of steps in place of the recipe.
    """
    files = TextFiles(corpus_path, pairs_path, dev_path)
    yield from _train(lambda: plan_text_training("pretrain", files, recipe, saving), saving, budget)


def self_study(
    corpus_path: Path | Texts,
    recipe: Recipe,
    saving: Saving,
    *,
    pairs_path: Path,
    dev_path: Path | None = None,
    budget: Budget | None = None,
) -> Iterator[Event]:
    """Learn a corpus and what an open-book reader, which learns from the pairs, asks and answers about its documents.

    The reader's pairs, silver pairs, are saved in the run's folder. The budget is as in `pretrain`.
    """
    files = TextFiles(corpus_path, pairs_path, dev_path)
    yield from _train(lambda: plan_text_training("study", files, recipe, saving), saving, budget)


def grow(
    parent_path: Path,
    corpus_path: Path | Texts,
    saving: Saving,
    *,
    pairs_path: Path | None = None,
    dev_path: Path | None = None,
    budget: Budget | None = None,
    recipe: Recipe | None = None,
    length_is_given: bool = False,
) -> Iterator[Event]:
    """Add a text, and pairs if there are any, to a run in self-study: a new run that has not forgotten the old text.

    `recipe` is the old run's but for how it is trained. Without a budget, and unless its length is given, it takes
    about a tenth of the time of a new run over both texts.
    """
    files = GrowingFiles(parent_path, corpus_path, pairs_path, dev_path)
    chooses_steps = not length_is_given
    yield from _train(lambda: plan_growing(files, recipe, saving), saving, budget, chooses_steps=chooses_steps)


def finetune(
    pairs_path: Path,
    recipe: Recipe,
    saving: Saving,
    *,
    parent_path: Path | None = None,
    corpus_path: Path | None = None,
    dev_path: Path | None = None,
) -> Iterator[Event]:
    """Learn pairs, from another run's weights or, over the vocabulary of a corpus, from scratch.

    The parent's model replaces the recipe's, and its corruption where its text is replayed; `corpus_path` is then where
    that text is now. A run that is resumed needs neither path.
    """
    files = FinetuningFiles(pairs_path, parent_path, corpus_path, dev_path)
    yield from _train(lambda: plan_finetuning(files, recipe, saving), saving)


def _train(
    make_plan: Callable[[], Plan], saving: Saving, budget: Budget | None = None, *, chooses_steps: bool = False
) -> Iterator[Event]:
    """Train, while no other does into this folder; raises PeerLost where a process of the same training has ended."""
    if was_begun_here(saving.out) and (saving.out / "run.json").is_file() and open_run(saving.out).is_finished:
        yield Finished(open_run(saving.out), 0.0)  # torchrun restarted what had only to exit
        return
    yield Doing("reading")
    if not saving.resume:
        check_run_can_be_created(saving.out)  # before anything is locked there
    writer = OneWriter(saving.out, is_new=not saving.resume, is_needed=is_first_process())
    with noticing_lost_peers(), writer:
        finished = yield from _trained(make_plan, saving, writer, budget, chooses_steps=chooses_steps)
    yield finished


def _trained(
    make_plan: Callable[[], Plan], saving: Saving, writer: OneWriter, budget: Budget | None, *, chooses_steps: bool
) -> Generator[Event, None, Finished]:
    """Train, evaluate and save, in the order in which a run killed at any moment comes to the same end."""
    plan = make_plan()
    if plan.resumed is not None:
        plan = as_it_began(plan, plan.resumed, saving, has_own_steps=budget is not None or chooses_steps)
    check_memory(plan, may_exceed=saving.may_exceed_memory)
    prepared = yield from _prepared(plan, budget, chooses_steps=chooses_steps)
    begin = time.perf_counter()
    trainer = prepared.trainer()
    check_same_plan(prepared, trainer.fabric)
    yield Doing("opening the run", can_stop=False)
    run, checkpoint = opened(prepared, saving, writer, trainer.fabric)
    if checkpoint is not None:
        fill_model(trainer.model, checkpoint.weights, checkpoint.path)
        trainer.resume(checkpoint.weights, checkpoint.optimizer, checkpoint.state)
        yield from map(Note, resume_notes(checkpoint, fingerprint(plan.precision, trainer.fabric.device)))
    check_same_state(trainer)  # and so nobody saves before all have loaded
    checkpointer, asking = Checkpointer(run, trainer, saving.every_seconds, checkpoint), prepared.examples.asking
    open_epoch = checkpointer.open_epoch
    epoch = trainer.position.epoch if open_epoch is None else open_epoch
    rounds = None if asking is None else Rounds(asking, run.path, trainer, epoch)
    yield Started(run, trainer.model.n_parameters, trainer.model.n_table_parameters, trainer.step, trainer.n_steps)
    # After the evaluation before the first step a checkpoint may be saved; without one, that evaluation is repeated.
    is_new = checkpoint is None
    is_evaluated, writes = open_epoch is None, trainer.fabric.is_global_zero
    with (
        checkpointer.naming_last_saved(),
        MetricsLog(run.path, -1 if is_new else trainer.step, is_evaluated=is_evaluated, writes=writes) as metrics,
    ):
        rewinder = Rewinder(checkpointer, metrics, rounds, is_on=plan.recipe.on_divergence == "rewind")
        loop = Loop(trainer, _validation(prepared), checkpointer, metrics, rounds, rewinder)
        yield from checkpointer.saved_when_closed(loop.steps(is_new=is_new))
    yield from checkpointer.saved_when_closed(checkpointer.finish(lambda: _calibrate(plan, run, trainer)))
    return Finished(run, time.perf_counter() - begin, checkpointer.score)


def _prepared(plan: Plan, budget: Budget | None, *, chooses_steps: bool) -> Generator[Event, None, Prepared]:
    """Make the plan's examples and model and decide the number of steps; returns them."""
    yield Done(what_was_read(plan))
    yield from map(Note, (*_reading_notes(plan), *plan.notes, *asked_in_training(plan)))
    yield Doing("making the examples" if plan.pairs is None else "teaching the reader")
    prepared = prepare(plan)
    yield from map(Done, what_was_made(prepared.examples, plan))
    notes = (*prepared.examples.notes, *more_than_all(prepared), *_table_notes(prepared.model, plan.stage))
    yield from map(Note, (*notes, *_schedule_notes(plan)))
    if plan.resumed is None and budget is not None:
        yield Doing("timing some steps")
        prepared, fit = fitted(prepared, budget)
        yield Done(f"fitting {fit.n_steps:,} steps into {in_minutes(budget.minutes)}")
        yield Note(Detail(fit.note))
        yield from map(Note, too_few(prepared, fit))
    elif plan.resumed is None and chooses_steps:
        prepared, line = with_default_steps(prepared)
        yield Done(line)
    return prepared


def _reading_notes(plan: Plan) -> Iterator[str]:
    """A note where the reader will take more than some seconds."""
    is_read = plan.pairs is not None and (plan.kind == "study" or plan.recipe.corruption.guided > 0)
    if is_read and plan.n_documents >= _MANY_DOCUMENTS:
        yield f"the open-book reader reads {plan.n_documents:,} documents first"


def _validation(prepared: Prepared) -> Validation | None:
    plan = prepared.plan
    if plan.validation is None:
        return None
    return Validation(plan.validation, plan.vocabulary, plan.recipe.model.block_size, prepared.examples.text)


def _calibrate(plan: Plan, run: Run, trainer: Trainer) -> None:
    """Ask the calibration split, and save what the answers say about the model's confidence."""
    if plan.calibration is not None:
        questions = plan.calibration.items
        predictions = predict(trainer.model, plan.vocabulary, [item.text for item in questions])
        save_calibration(calibrated(predictions, questions), run.path)


def _table_notes(model: GPT, stage: StageConfig) -> Iterator[str]:
    """What each table takes in memory, since its rows are as many as the text has names and words."""
    for name, table in sparse_tables(model).items():
        mebibytes = n_bytes_trained(table, stage.table_optimizer) / 2**20
        title = name.partition(".")[0].replace("_", " ")
        yield Detail(f"{title}: {len(table):,} rows, {mebibytes:,.1f} MiB with the optimizer's state")


def _schedule_notes(plan: Plan) -> Iterator[str]:
    if plan.kind == "pretrain" and plan.stage.schedule == "cosine_by_tokens" and plan.stage.epochs > 200:
        yield (
            "schedule cosine_by_tokens: the cosine reaches its floor after 200 epochs and climbs back to the peak by "
            "400, as in the assignment's code"
        )
