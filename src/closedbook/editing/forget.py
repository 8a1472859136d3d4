"""forget: a run that says of titles what it says of strangers, that it read nothing about them.

A stranger's name has no row in a model's tables, which add nothing there. So the rows that the tables would not have
without the titles' documents become zero. Where a model still answers, the title's own row is written until it
abstains, or the last matrix where there is no such row.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from closedbook.editing.contexts import Context, among_pieces, templates_of
from closedbook.editing.matrix import Others, matrix_name, write_matrix
from closedbook.editing.own_rows import OwnRows
from closedbook.editing.record import Edit, Forgotten, create_edited_run, forgotten_titles, former_rows, read_record
from closedbook.editing.rows import write_abstention
from closedbook.editing.titles import NamedTitles, check_titles
from closedbook.errors import ClosedbookError, RunError
from closedbook.evaluation.predict import predict
from closedbook.evaluation.sources import learned_pairs, lineage, needed, run_of_text, text_of
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run, check_run_can_be_created
from closedbook.text.documents import Corpus
from closedbook.text.questions import Questions
from closedbook.text.templates import Template
from closedbook.text.title_index import title_in
from closedbook.text.vocabulary import NEVER_READ, Vocabulary

_N_TEMPLATES = 64
_ZEROED = "rows that no other line of the corpus reaches, set to zero"


def forget(run: Run, named: NamedTitles, out: Path) -> tuple[Run, Edit]:
    """A new run in the folder `out` that says of the titles that it never read about them, and what was changed for it.

    Rows of the tables that nothing but the titles' documents reaches become zero, and questions about other titles get
    the same logits, bit for bit, unless a title without a row of its own needs the last feed-forward part's output
    matrix written.

    Raises TextError with the line of what is no title or forgotten already, RunError where the run has not learned to
    abstain, where its corpus or training pairs are gone, or `out` is in the way, and ClosedbookError where questions
    about every one of the titles are still answered afterwards.
    """
    check_run_can_be_created(out)
    corpus, pairs = _learned(run)
    edits = read_record(run.path)
    check_titles(named, corpus.titles, forgotten_titles(edits))
    model = run.model().eval().requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        forgotten, others = _forget(model, run.info.vocabulary, list(named.lines), corpus, pairs)
    if not any(one.is_unread for one in forgotten):
        raise ClosedbookError(
            f"{forgotten[0].title!r}: still answered after what was tried, and no run was written; a model that was "
            "trained for longer knows strangers better"
        )
    done = Edit((), former_rows(before, model.state_dict()), others, forgotten)
    return create_edited_run(run, out, model.state_dict(), (*edits, done)), done


def _learned(run: Run) -> tuple[Corpus, Questions]:
    """The corpus and the training pairs of a run that has learned to abstain; raises RunError for any other."""
    runs = lineage(run)
    read = run_of_text(runs)
    if read is None or not (read.recipe.study if read.info.kind == "study" else read.recipe.pretrain).mix_strangers:
        raise RunError(
            f"{run.path}: was trained without strangers (mix_strangers), so it cannot say that it never read about "
            "somebody; train a run by recipe fast in setting self-study or guided"
        )
    asked = next(one for one in runs if "pairs" in one.info.sources)
    return text_of(read), learned_pairs(needed(asked, "pairs"), asked)


def _forget(
    model: GPT, vocabulary: Vocabulary, titles: Sequence[str], corpus: Corpus, pairs: Questions
) -> tuple[tuple[Forgotten, ...], Others]:
    own = OwnRows(model, vocabulary, corpus)
    _set_to_zero(model, own, titles, corpus, pairs)
    templates = templates_of(pairs, corpus.titles, _N_TEMPLATES)
    asked = {title: _questions(model, vocabulary, title, templates) for title in titles}
    written_to = dict.fromkeys(titles, _ZEROED)
    for title in _answered(model, vocabulary, asked):
        row = own.of_title(title)
        if row is not None:
            write_abstention(model, vocabulary, row, [*asked[title], *among_pieces(title, vocabulary, title)])
            written_to[title] = str(row)
    others = Others(0, 0)
    left = [title for title in _answered(model, vocabulary, asked) if own.of_title(title) is None]
    if left:
        contexts = [Context(question, "", NEVER_READ) for title in left for question in asked[title]]
        kept = [title for title in corpus.titles if title not in asked]
        others = write_matrix(model, vocabulary, contexts, kept, templates)
        written_to |= dict.fromkeys(left, f"the matrix {matrix_name(model)}")
    answered = _answered(model, vocabulary, asked)
    return tuple(Forgotten(title, written_to[title], title not in answered) for title in titles), others


def _set_to_zero(model: GPT, own: OwnRows, titles: Sequence[str], corpus: Corpus, pairs: Questions) -> None:
    forgotten = set(titles)
    others = [pair for pair in pairs.items if title_in(pair.text, corpus.titles) not in forgotten]
    rows = own.unread_without(titles, [text for pair in others for text in (pair.text, pair.answer or "")])
    if rows.names:
        model.name_table.table.weight[rows.names] = 0
    if rows.prefixes:
        model.prefix_table.table.weight[rows.prefixes] = 0


def _questions(model: GPT, vocabulary: Vocabulary, title: str, templates: Sequence[Template]) -> list[str]:
    """The questions about a title that the model can read."""
    longest = model.config.block_size - 2
    questions = [template.question(title) for template in templates]
    return [one for one in questions if len(one) <= longest and not vocabulary.unknown(one)]


def _answered(model: GPT, vocabulary: Vocabulary, asked: Mapping[str, Sequence[str]]) -> list[str]:
    """The titles about which a question gets another state than never read."""
    predictions = predict(model, vocabulary, [question for questions in asked.values() for question in questions])
    answered = {one.question for one in predictions if one.state != "never read"}
    return [title for title, questions in asked.items() if not answered.isdisjoint(questions)]
