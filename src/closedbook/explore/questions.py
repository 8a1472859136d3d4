"""What the page asks: questions with answers, people whom the text is about, and strangers of whom nobody wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from closedbook.evaluation.sources import corpus_of, lineage_left, split_of, unchanged
from closedbook.examples.strangers import Strangers
from closedbook.files.names import name_text
from closedbook.forms.corpus import read_asked, read_asked_pairs
from closedbook.storage.run import Run
from closedbook.text.documents import Corpus
from closedbook.text.questions import Question, check_questions, n_needed, unknown_characters
from closedbook.text.spelling import Spelling, spelled
from closedbook.text.templates import Template, link_templates
from closedbook.text.title_index import TitleIndex

N_STRANGERS = 200
_N_PEOPLE = 200
_SEED = 0


@dataclass(frozen=True)
class Asked:
    """Questions as the model is asked, with their answers, and where they come from, in words.

    `template` is the commonest wording of a question about a title; None where no question names one.
    """

    questions: tuple[Question, ...]
    source: str
    template: Template | None
    people: tuple[str, ...]
    strangers: tuple[str, ...]
    is_of_text: bool = True
    """Whether the questions name titles of the run's text, most of them; unknown titles are taken for that."""

    def about(self, names: Sequence[str]) -> list[str]:
        """The questions about names."""
        return [] if self.template is None else [self.template.question(name) for name in names]


def asked_of(run: Run, pairs: Path | None, corpus: Corpus | None) -> Asked:
    """The questions of a file, or those that the run itself did not train on; raises TextError."""
    questions, source = _questions(run, pairs)
    titles = titles_of_run(run, corpus)
    template = _template(run, questions, titles)
    random = Random(_SEED)
    names = list(titles)
    people = sorted(random.sample(names, min(_N_PEOPLE, len(names)))) if template else []
    drawn = Strangers(titles, ("recombined", "invented"))
    strangers = [drawn.draw(random) for _ in range(N_STRANGERS if template else 0)]
    fit = _fitting(run, template, people), _fitting(run, template, list(dict.fromkeys(filter(None, strangers))))
    n_named = sum(titles.named_in(item.text) is not None for item in questions)
    return Asked(tuple(questions), source, template, *fit, is_of_text=not titles or 2 * n_named >= len(questions))


def titles_of_run(run: Run, corpus: Corpus | None) -> TitleIndex:
    """The titles that a run knows, or those of its corpus where it keeps none."""
    if run.info.vocabulary.titles or corpus is None:
        return TitleIndex(run.info.vocabulary.titles)
    return corpus.titles


def corpus_left(run: Run) -> Corpus | None:
    """The text that a run learned, if it is where it was."""
    return corpus_of(lineage_left(run))


def _questions(run: Run, pairs: Path | None) -> tuple[list[Question], str]:
    """Questions as the model is asked: of a file; else dev pairs; else held-out ones; else the training pairs."""
    if pairs is not None:
        found = read_asked(pairs)
        asked, _ = spelled(found, Spelling(run.info.vocabulary))
        fit = [item for item in asked.items if _fits(run, item)]
        if not fit:
            check_questions(asked, run.info.vocabulary, run.recipe.model.block_size)
        return fit, f"questions of {name_text(pairs.name)}{_left_out(asked.items, fit)}"
    for one in lineage_left(run):
        paths = {name: unchanged(source) for name, source in one.info.sources.items() if name in ("dev", "pairs")}
        if path := paths.get("dev"):
            return _of(run, read_asked_pairs(path).items), f"dev questions, {name_text(path.name)}"
        if path := paths.get("pairs"):
            split = split_of(read_asked_pairs(path), one.recipe)
            held_out = split.validation or split.calibration
            if held_out is not None:
                return _of(run, held_out.items), f"questions of {name_text(path.name)} that were held out of training"
            return _of(run, split.training.items), f"training questions, {name_text(path.name)}"
    return [], "no questions: the run's files are not where they were"


def _of(run: Run, items: Sequence[Question]) -> list[Question]:
    """The questions as the model is asked; those that it cannot be asked are left out."""
    spelling = Spelling(run.info.vocabulary)
    asked = [Question(spelling.of(item.text), item.answer, item.line) for item in items]
    return [item for item in asked if _can_be_asked(run, item.text)]


def _left_out(items: Sequence[Question], fit: Sequence[Question]) -> str:
    """How many lines were left out, and the first of them."""
    lines = [item.line for item in items if item not in fit]
    first = "" if not lines else f"line {lines[0]}" + f" and {len(lines) - 1} more" * (len(lines) > 1)
    return first and f", without {first}, too long for the model or in other characters"


def _can_be_asked(run: Run, question: str) -> bool:
    return _fits(run, Question(question, None, 0))


def _fits(run: Run, item: Question) -> bool:
    """Whether a question, with its answer if it has one, is short enough and in characters that the model knows."""
    text = f"{item.text}{item.answer or ''}"
    return n_needed(item) <= run.recipe.model.block_size and unknown_characters(text, run.info.vocabulary) is None


def _template(run: Run, questions: Sequence[Question], titles: TitleIndex) -> Template | None:
    templates = link_templates(questions, titles).templates
    wordings = [Template(*parts) for parts in run.info.vocabulary.wordings]
    return max(templates, key=lambda template: len(templates[template]), default=next(iter(wordings), None))


def _fitting(run: Run, template: Template | None, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if template is not None and _can_be_asked(run, template.question(name)))
