"""Summary: a line for each thing that is done before training, and how often its steps will show a fact."""

from collections.abc import Iterator
from math import ceil

from closedbook.examples.datasets import MixedDataset
from closedbook.examples.replay import ReplayDataset
from closedbook.forms.book import counted
from closedbook.reader.open_book import OpenBook
from closedbook.text.check import asked_twice, shown
from closedbook.training.budget import Fit
from closedbook.training.growing import new_in_step
from closedbook.training.mixture import Examples, studied_pairs
from closedbook.training.plan import Plan
from closedbook.training.prepared import Prepared

_ENOUGH = 6
_ENOUGH_WITHOUT_TABLES = 120
"""How often a fact must be shown for most to be known, by a model with tables of prefixes and names and by one without.

On the birthplaces a model with tables knew 91% in self-study and 83% guided after 6 exposures, and 38% and 21% after 3
(benchmarks/results/knows-short-runs.json). Without tables it knew 91%, guided, after 120, and 69% after 36
(docs/notebook.md, 2026-11-30, "How many steps a text needs").
"""
_FEW = 0.8
"""Below this share of as many steps a note is worth its line: 208 of 216 left 86% right, and 143 of 191 left 78%."""
_ENOUGH_STEPS = 60
"""However small the text: of 270 invented people in self-study 50% were known after 30 steps, 93% after 60."""


def what_was_read(plan: Plan) -> str:
    """The numbers of documents and pairs, and how many pairs are not trained on."""
    read = [] if plan.corpus is None else [counted(plan.n_documents, "document")]
    if plan.pairs is not None:
        validation = plan.validation if plan.recipe.validation_split else None
        held_out = sum(len(pairs.items) for pairs in (validation, plan.calibration) if pairs is not None)
        n_pairs = counted(len(plan.pairs.items) + held_out, "pair")
        read.append(f"{n_pairs}, of which {held_out:,} are held out" if held_out else n_pairs)
    return f"reading {' and '.join(read)}"


def what_was_made(examples: Examples, plan: Plan) -> Iterator[str]:
    """How the reader did and what it wrote or chose, or what the model will ask itself."""
    book = examples.read
    if book is not None and book.held_out:
        yield f"teaching the reader: {_as_score(book)}"
    if examples.silver is not None:
        n_written, n_studied = len(examples.silver.pairs), len(studied_pairs(examples.silver, plan.recipe))
        learned = "" if n_written == n_studied else f", of which {n_studied:,} are learned"
        yield f"writing {counted(n_written, 'question')} with answers{learned}"
    if examples.asking is not None:
        n_questions = sum(map(len, examples.asking.templates.values()))
        yield f"asking: the model will ask itself {counted(n_questions, 'question')} while it trains"


def asked_in_training(plan: Plan) -> Iterator[str]:
    """A note where questions of the dev pairs are trained on."""
    if plan.pairs is None or plan.validation is None or "dev" not in plan.sources:
        return
    if twice := asked_twice(plan.pairs, plan.validation):
        share = f"{len(twice):,} of {len(plan.validation.items):,} questions are training pairs too"
        yield f"{plan.validation.path}: {share} ({shown(twice)}), so that its accuracy is none of unseen questions"


def more_than_all(prepared: Prepared) -> Iterator[str]:
    """A note where a batch is larger than the data."""
    n, batch_size = len(prepared.examples.dataset), prepared.plan.stage.batch_size
    if batch_size > n:
        yield f"a batch has {counted(n, 'example')}, which are all there are, and not {batch_size:,} (batch_size)"


def too_few(prepared: Prepared, fit: Fit) -> Iterator[str]:
    """A note where the steps that fit into a budget show the facts that a reader found too seldom to be learned."""
    stage, dataset, examples = prepared.plan.stage, prepared.examples.dataset, prepared.examples
    if examples.read is None or not isinstance(dataset, MixedDataset):
        return
    if isinstance(dataset, ReplayDataset):
        n, n_a_step = new_in_step(dataset, stage)
        what = "new document or pair"
    elif examples.silver is not None and dataset.n_pairs:
        n, n_a_step, what = len(dataset.pairs), stage.batch_size * dataset.n_pairs / len(dataset), "question"
    else:
        n, n_a_step, what = len(dataset.documents), stage.batch_size * dataset.n_documents / len(dataset), "document"
    enough = _ENOUGH if prepared.model.n_table_parameters else _ENOUGH_WITHOUT_TABLES
    n_steps = max(_ENOUGH_STEPS, ceil(enough * n / n_a_step))
    if fit.n_steps < _FEW * n_steps:
        shown = f"most is known after about {n_steps:,}, which show each {what} {n_steps * n_a_step / n:.0f} times"
        yield f"{fit.n_steps:,} steps are too few: {shown}; give a budget of {fit.minutes_for(n_steps):g} minutes"


def _as_score(book: OpenBook) -> str:
    right = [item.answer == item.expected for item in book.held_out]
    return f"right on {sum(right) / len(right):.0%} of {len(right):,} held-out questions"
