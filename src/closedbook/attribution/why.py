"""Why: the lines of its corpus that taught a run an answer, quoted with the answer marked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from closedbook.attribution.lines import STANDS_OUT, lines_of
from closedbook.editing.record import forgotten_titles, read_record
from closedbook.errors import RunError
from closedbook.evaluation.predict import predict
from closedbook.evaluation.setting import setting_of
from closedbook.evaluation.sources import learned_text, lineage, run_of_text
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run
from closedbook.text.documents import Document, Span
from closedbook.text.links import mentions
from closedbook.text.title_index import title_in
from closedbook.text.titles import title_of
from closedbook.training.mixture import examples_of_run

N_LINES = 3
"""How many lines are shown by default."""
_MOST_SHOWN = 160


@dataclass(frozen=True)
class TaughtLine:
    """A line of a corpus, `number` from 1, and how much it taught an answer, from -1 to 1.

    `span` is where it states the answer, [start, end) in characters of `text`; None where it does not.
    """

    number: int
    text: str
    score: float
    span: Span | None

    def __str__(self) -> str:
        return f"{self.score:.2f}  line {self.number}: {self._quoted()}"

    def _quoted(self) -> str:
        """The text with the answer in brackets; a long one is cut to what is around the answer, or to its beginning."""
        start, end = self.span or (0, 0)
        first = max(0, min(start - (_MOST_SHOWN - end + start) // 2, len(self.text) - _MOST_SHOWN))
        last = max(end, first + _MOST_SHOWN)
        before, after = self.text[first:start], self.text[end:last]
        answer = f"[{self.text[start:end]}]" if self.span else ""
        return f"{'...' * (first > 0)}{before}{answer}{after}{'...' * (last < len(self.text))}"


@dataclass(frozen=True)
class Why:
    """An answer, and the lines that taught it most, the first one most.

    `stands_out` says whether the first line's score is above what is usual where no line taught the answer; None in
    settings where it is not known what is usual. `is_edited` says whether edit wrote the answer, so that no line did;
    `is_forgotten`, whether forget wrote what the model says of the name. Lines about forgotten names are left out.
    """

    question: str
    answer: str
    lines: tuple[TaughtLine, ...]
    stands_out: bool | None
    is_edited: bool
    is_forgotten: bool = False

    def notes(self) -> Iterator[str]:
        """What to know before believing that these lines taught the answer."""
        if self.is_forgotten:
            yield "the name was forgotten: lines about it are still in the corpus, and are left out here"
        elif self.is_edited:
            yield "this answer was written by edit; no line taught it"
        elif self.stands_out is False:
            yield f"no line stands out: scores below {STANDS_OUT} are usual where no line taught the answer"
        elif not any(line.span for line in self.lines):
            yield f"none of these lines states {self.answer!r}"

    def __str__(self) -> str:
        return "\n".join([f"{self.question} {self.answer}", *map(str, self.lines), *self.notes()])


def why(
    run: Run, questions: Sequence[str], n_lines: int = N_LINES, corpus_path: Path | None = None, *, model: GPT
) -> list[Why]:
    """For each question that the run can read, the lines of its corpus that taught `model`, the run's, its answer.

    The corpus is read from `corpus_path`, or where it was. Raises RunError where the run has learned no text or one of
    its files is gone or has changed, and TextError where that is the corpus.
    """
    learned = run_of_text(lineage(run))
    if learned is None:
        raise RunError(f"{run.path}: has learned no text, so no line taught it; ask a run that pretrain or study made")
    corpus = learned_text(learned, corpus_path, "--why", "ask without --why")
    vocabulary = run.info.vocabulary
    lines = lines_of(model, vocabulary, learned.recipe, examples_of_run(learned, corpus))
    answers = [(one.question, one.answer) for one in predict(model, vocabulary, questions)]
    edits = read_record(run.path)
    edited = {change.question for edit in edits for change in edit.changes}
    forgotten = {title: corpus.titles.get(title, ()) for title in forgotten_titles(edits)}
    unread = [index for indices in forgotten.values() for index in indices]
    of_lines = lines.scores(model, vocabulary, answers)
    of_lines[:, unread] = -torch.inf
    best = of_lines.topk(min(n_lines, lines.n - len(unread)))
    is_measured = setting_of(run) in ("guided", "self-study")
    result = []
    for (question, answer), scores, which in zip(answers, best.values.tolist(), best.indices.tolist(), strict=True):
        documents = [corpus.documents[index] for index in which]
        taught = tuple(
            TaughtLine(document.line, document.text, score, _stated(document, answer))
            for document, score in zip(documents, scores, strict=True)
        )
        stands_out = max(scores, default=0.0) >= STANDS_OUT if is_measured else None
        is_forgotten = title_in(question, corpus.titles) in forgotten
        result.append(Why(question, answer, taught, stands_out, question in edited, is_forgotten))
    return result


def _stated(document: Document, answer: str) -> Span | None:
    """Where a document first has the answer as whole words, other than in its subject's name."""
    if not answer:
        return None
    title = title_of(document.text)
    for match in mentions(title.name, answer).finditer(document.text, title.length):
        if match.lastgroup == "answer":
            return match.span()
    return None
