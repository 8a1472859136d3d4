"""edit: a run in which facts have other answers; undo: the run before its last edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from closedbook.editing.contexts import Context, contexts_of, templates_of
from closedbook.editing.facts import NewFact, new_facts
from closedbook.editing.matrix import Others, matrix_name, write_matrix
from closedbook.editing.own_rows import OwnRows
from closedbook.editing.record import Change, Edit, create_edited_run, former_rows, read_record
from closedbook.editing.rows import write_row
from closedbook.errors import ClosedbookError, InputError, RunError
from closedbook.evaluation.predict import predict
from closedbook.evaluation.sources import corpus_of, lineage_left, training_pairs_of
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run, check_run_can_be_created
from closedbook.text.documents import Corpus
from closedbook.text.questions import Questions
from closedbook.text.templates import Template
from closedbook.text.title_index import TitleIndex


def edit(run: Run, pairs: Questions, out: Path) -> tuple[Run, Edit]:
    """A new run in the folder `out` that gives the pairs' answers, and what was changed for it.

    A title with a row of its own has this row written, and texts without its words get the same logits, bit for bit.
    Other titles' facts are written into the last feed-forward part's output matrix, one after another. Pairs that are
    answered so already are left out.

    Raises TextError with the line of a pair that cannot be written, InputError where nothing is to change, RunError
    where `out` is in the way, and ClosedbookError where not one of the new answers is given afterwards.
    """
    check_run_can_be_created(out)
    sources = _sources_of(run)
    facts = new_facts(pairs, run, sources.titles)
    model = run.model().eval().requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        changes, others = _write(model, run, facts, sources)
    done = Edit(changes, former_rows(before, model.state_dict()), others)
    return create_edited_run(run, out, model.state_dict(), (*read_record(run.path), done)), done


def undo(run: Run, out: Path) -> tuple[Run, Edit]:
    """A new run in the folder `out` with the weights before the last edit, bit for bit, and the edit that it undid.

    Raises RunError where the run has no edit, or `out` is in the way.
    """
    check_run_can_be_created(out)
    edits = read_record(run.path)
    if not edits:
        raise RunError(f"{run.path}: has no edit to undo; name a run that edit made")
    *earlier, last = edits
    model = run.model()
    weights = model.state_dict()
    for name, former in last.former.items():
        weights[name][former.rows] = former.values
    return create_edited_run(run, out, weights, earlier), last


@dataclass(frozen=True)
class _Sources:
    """What a run's files tell about its titles and questions, as far as they are there and unchanged."""

    corpus: Corpus | None
    titles: TitleIndex
    templates: tuple[Template, ...]


def _sources_of(run: Run) -> _Sources:
    runs = lineage_left(run)
    corpus, own_titles = corpus_of(runs), run.info.vocabulary.titles
    if corpus is None and not own_titles:
        raise RunError(
            f"{run.path}: its corpus is gone or has changed, and an edit needs the titles in it; put the file back"
        )
    titles = corpus.titles if corpus else TitleIndex(own_titles)
    return _Sources(corpus, titles, templates_of(training_pairs_of(runs), titles))


def _write(model: GPT, run: Run, facts: Sequence[NewFact], sources: _Sources) -> tuple[tuple[Change, ...], Others]:
    """Write the facts that are answered otherwise today; raises where there are none, and where none could be written.

    The matrix comes first, since it changes other answers a little, those of rows too. It serves only titles without a
    row of their own: for one that its row cannot serve, it would change many other answers.
    """
    former = _answers(model, run, facts)
    if all(former[fact.question] == fact.answer for fact in facts):
        raise InputError(f"{facts[0].question!r}: answered {facts[0].answer!r} already; nothing was changed")
    facts = [fact for fact in facts if former[fact.question] != fact.answer]
    own = OwnRows(model, run.info.vocabulary, sources.corpus)
    rows = {fact.title: own.of_title(fact.title) for fact in facts}
    others = _write_matrix(model, run, [fact for fact in facts if rows[fact.title] is None], sources)
    for fact in facts:
        row = rows[fact.title]
        if row is not None:
            write_row(model, run.info.vocabulary, row, _contexts(model, run, fact, sources))
    now = _answers(model, run, facts)
    if all(now[fact.question] != fact.answer for fact in facts):
        raise ClosedbookError(
            f"{facts[0].question!r}: still answered {now[facts[0].question]!r} after what was tried, and no run was "
            "written; a model that was trained for longer can be edited better"
        )
    matrix = f"the matrix {matrix_name(model)}"
    changes = tuple(
        Change(
            question=fact.question,
            former=former[fact.question],
            answer=fact.answer,
            written_to=str(rows[fact.title] or matrix),
            is_given=now[fact.question] == fact.answer,
        )
        for fact in facts
    )
    return changes, others


def _write_matrix(model: GPT, run: Run, facts: Sequence[NewFact], sources: _Sources) -> Others:
    if not facts:
        return Others(0, 0)
    edited = {fact.title for fact in facts}
    return write_matrix(
        model,
        run.info.vocabulary,
        [Context(fact.question, "", fact.answer) for fact in facts],
        [title for title in sources.titles if title not in edited],
        list(dict.fromkeys(fact.template for fact in facts)),
    )


def _contexts(model: GPT, run: Run, fact: NewFact, sources: _Sources) -> list[Context]:
    return contexts_of(model, run.info.vocabulary, fact.question, fact.answer, fact.title, sources.templates)


def _answers(model: GPT, run: Run, facts: Sequence[NewFact]) -> dict[str, str]:
    """The answer to each question now; '' for a title that the model says it never read about."""
    predictions = predict(model, run.info.vocabulary, [fact.question for fact in facts])
    return {one.question: "" if one.state == "never read" else one.answer for one in predictions}
