"""Facts to write: pairs, each checked against a run, with the title that its question names."""

from dataclasses import dataclass
from pathlib import Path

from closedbook.errors import TextError
from closedbook.evaluation.predict import longest_answer
from closedbook.storage.run import Run
from closedbook.text.questions import Questions, check_questions, parse_questions
from closedbook.text.spelling import Spelling, spelled
from closedbook.text.templates import Template
from closedbook.text.title_index import TitleIndex


@dataclass(frozen=True)
class NewFact:
    """A question, the answer that it should get, and the title in it."""

    question: str
    answer: str
    title: str

    @property
    def template(self) -> Template:
        """The question with the title cut out."""
        before, _, after = self.question.partition(self.title)
        return Template(before, after)


def one_pair(question: str, answer: str) -> Questions:
    """A pair that stands in no file; raises TextError where it is none."""
    for name, text in (("question", question), ("answer", answer)):
        if any(character in text.strip() for character in "\n\t"):
            raise TextError(None, 1, f"the {name} is one line without tabs; received {text!r}")
        if not text.strip():
            raise TextError(None, 1, f"the {name} is empty; write it")
    return parse_questions([f"{question}\t{answer}"], None)


def new_facts(pairs: Questions, run: Run, titles: TitleIndex) -> list[NewFact]:
    """The pairs as facts; raises TextError with the first line that a run cannot be given."""
    pairs.answers()
    pairs, _ = spelled(pairs, Spelling(run.info.vocabulary, is_reworded=False))
    check_questions(pairs, run.info.vocabulary, run.recipe.model.block_size, may_be_unknown=False)
    longest = longest_answer(run.info.vocabulary, run.recipe.model.block_size)
    facts: dict[str, NewFact] = {}
    lines: dict[str, int] = {}
    for item in pairs.items:
        assert item.answer is not None, "checked above"
        if len(item.answer) > longest:
            rule = f"an answer has at most {longest} characters; received {len(item.answer)}; shorten it"
            raise TextError(pairs.path, item.line, rule)
        named = titles.named_in(item.text)
        if named is None:
            raise TextError(pairs.path, item.line, _no_title(pairs.path, item.text))
        question = named.as_titled(item.text)
        if question in facts:
            rule = f"{question!r} has an answer on line {lines[question]} already; leave out one of the two"
            raise TextError(pairs.path, item.line, rule)
        facts[question], lines[question] = NewFact(question, item.answer, named.title), item.line
    return list(facts.values())


def _no_title(path: Path | None, question: str) -> str:
    which = "" if path is None else f"{question!r} "
    return f"{which}names no title of the run, so there is nothing to write to; ask about a title of its corpus"
