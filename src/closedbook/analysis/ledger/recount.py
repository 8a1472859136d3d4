"""Recount: the exposures that one run's training made, from its files and the steps that it took."""

from closedbook.analysis.ledger.counts import Exposure, Ledger, replay
from closedbook.errors import RunError, TextError
from closedbook.evaluation.sources import as_learned
from closedbook.examples.batches import Batches, Position
from closedbook.examples.corruption import pair_string
from closedbook.examples.datasets import EpochDataset, supervised
from closedbook.storage.checkpoint import load_best
from closedbook.storage.run import Run
from closedbook.text.links import Fact
from closedbook.text.questions import Question, Questions
from closedbook.training.metrics import read_metrics, read_steps
from closedbook.training.mixture import examples_of_run, stage_of
from closedbook.training.rounds import learn_as_of


def exposures_of(run: Run, facts: list[Fact]) -> list[Exposure]:
    """The exposures of facts by a run, without the runs that it began from, up to the weights that it kept.

    Raises RunError where a file of the run has changed, and where its recipe gives other examples than it was trained
    on, since masks may change between versions.
    """
    if run.info.kind == "edit":
        return [Exposure() for _ in facts]
    examples = examples_of_run(run)
    dataset, asking = examples.dataset, examples.asking
    stage = stage_of(run.info.kind, run.recipe, is_from_scratch=run.info.parent is None)
    batches = Batches(dataset, stage.batch_size, shuffle=stage.shuffle, seed=run.recipe.seed, window=stage.sort_window)
    _check_examples(run, dataset, batches.n_steps)
    end = _position(run, batches.n_steps)
    ledger = Ledger(facts, [_as_asked(fact, run) for fact in facts])
    for epoch in range(end.epoch + (end.step > 0)):
        if asking is not None:
            learn_as_of(asking, run.path, epoch)
        replay(dataset, ledger, epoch, None if epoch < end.epoch else batches.rows(epoch, end.step))
    return ledger.exposures


def dataset_of(run: Run) -> EpochDataset:
    """The dataset of `examples_of_run`."""
    return examples_of_run(run).dataset


def _as_asked(fact: Fact, run: Run) -> str:
    """The pair as the run's recipe spells training pairs; '' where the recipe leaves nothing of it."""
    pair = Questions(None, (Question(fact.question, fact.answer, fact.line),))
    try:
        (item,) = as_learned(pair, run).items
    except TextError:
        return ""
    return pair_string(item.text, item.answer or "")


def _position(run: Run, n_steps: int) -> Position:
    """The position after the last step that the run's weights learned from; an epoch has `n_steps`."""
    best = load_best(run.path)
    if best is not None:
        return Position(best.state["epoch"], best.state["step_of_epoch"])
    step = max((entry["step"] for entry in read_metrics(run.path)), default=0)
    return Position(*divmod(step, n_steps))


def _check_examples(run: Run, dataset: EpochDataset, n_steps: int) -> None:
    """Compare the first epoch's number of supervised characters with the logged one, if the epoch was completed."""
    first = [entry for entry in read_steps(run.path) if entry["epoch"] == 0]
    if len(first) < n_steps:
        return
    dataset.epoch = 0
    now = sum(supervised(dataset[row][1]) for row in range(len(dataset)))
    then = sum(entry["n_supervised"] for entry in first)
    if now != then:
        raise RunError(
            f"{run.path}: its first epoch had {then:,} characters to learn, and the same recipe gives {now:,} now, so "
            "this version makes examples differently; use the version of closedbook that trained the run"
        )
