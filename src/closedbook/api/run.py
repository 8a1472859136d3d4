"""Run: a trained model that is asked, scored and sampled. Its weights are read once."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path

from closedbook.analysis.trace.report import Trace
from closedbook.analysis.trace.trace import trace_question
from closedbook.api.answer import Answer, Evaluation
from closedbook.api.arguments import NUMBER, PATH, QUESTIONS, STRING, STRINGS, WHOLE_NUMBER, check_sampling, check_type
from closedbook.api.generate import Sampling, generated
from closedbook.api.words import in_python_words
from closedbook.attribution.why import N_LINES, Why, why
from closedbook.editing.edit import edit, undo
from closedbook.editing.facts import one_pair
from closedbook.editing.forget import forget
from closedbook.editing.record import Edit, read_record
from closedbook.editing.titles import one_title, read_titles
from closedbook.errors import InputError, RunError, TextError
from closedbook.evaluation.alternatives import Alternative, alternatives
from closedbook.evaluation.calibration import Calibration, load_calibration, probability_of, threshold_of
from closedbook.evaluation.evaluate import evaluate
from closedbook.evaluation.match import Match, check_match
from closedbook.evaluation.predict import Prediction, predict
from closedbook.export.folder import Export, Format, export
from closedbook.forms.corpus import read_asked_pairs
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import Recipe
from closedbook.storage import run as storage
from closedbook.text.questions import Questions, check_one_line, check_questions, parse_questions
from closedbook.text.spelling import Spelling, spelled
from closedbook.text.vocabulary import Vocabulary


class Run:
    """A run that has ended: a folder with its recipe, vocabulary and weights.

    Made by `closedbook.study` and `closedbook.load`.
    """

    def __init__(self, folder: storage.Run) -> None:
        """`folder` is a run's; raises RunError where that has not ended."""
        if not folder.is_finished:
            raise RunError(f"{folder.path}: has not ended and has no weights yet; resume it as it was begun")
        self._folder = folder

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._folder.path

    @property
    def recipe(self) -> Recipe:
        """Every hyperparameter that it was trained with."""
        return self._folder.recipe

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that the model knows."""
        return self._folder.info.vocabulary

    @cached_property
    def model(self) -> GPT:
        """The model, a torch module in evaluation mode: token ids (batch, time) to logits (batch, time, vocabulary).

        It is on the CPU; after `run.model.to("cuda")` the run answers there.
        """
        return self._folder.model().eval()

    @cached_property
    def calibration(self) -> Calibration | None:
        """What its answers to held-out questions say about its confidence; None for a run without such questions."""
        return load_calibration(self.path)

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling(self.vocabulary)

    def read_as(self, question: str) -> str | None:
        """One line on what the run reads otherwise than it is typed, and on what it does not know; None for nothing."""
        check_type("question", question, STRING)
        return self._spelling.note(question.strip(), self._asked(question))

    def threshold(self, precision: float) -> float:
        """The least probability of answers of which a share `precision` is right, with 95% certainty.

        Raises InputError where its held-out questions do not show that, or there are none.
        """
        check_type("precision", precision, NUMBER)
        return threshold_of(self.calibration, float(precision))

    def answer(self, question: str, *, precision: float | None = None) -> Answer:
        """The answer to a question; raises InputError where the question has unknown characters or is too long.

        With a `precision`, answers less probable than its `threshold` are withheld.
        """
        check_type("question", question, STRING)
        return self.answer_many([question], precision=precision)[0]

    def answer_many(self, questions: Iterable[str], *, precision: float | None = None) -> list[Answer]:
        """The answers to questions, in their order; raises InputError, which quotes the question at fault."""
        check_type("questions", questions, STRINGS)
        asked: list[str] = []
        for index, question in enumerate(questions):
            check_type(f"questions[{index}]", question, STRING)
            asked.append(self._asked(question))
        return self._answers(asked, precision)

    def alternatives(self, questions: Iterable[str], n: int = 3) -> list[list[Alternative]]:
        """What else the model might answer: for each question up to `n` answers, with the model's probabilities."""
        check_type("questions", questions, STRINGS)
        check_type("n", n, WHOLE_NUMBER)
        return alternatives(self.model, self.vocabulary, [self._asked(question) for question in questions], int(n))

    def answer_file(self, questions: Questions, *, precision: float | None = None) -> list[Answer]:
        """The answers to a file's questions, whatever answers it has; raises TextError with file and line."""
        check_type("questions", questions, QUESTIONS)
        self._check(_without_answers(questions))
        asked, _ = spelled(questions, self._spelling)
        return self._answers([item.text for item in asked.items], precision)

    def evaluate(self, pairs: str | PathLike[str], *, match: Match = "exact") -> Evaluation:
        """Ask all questions of a file of pairs, question<TAB>answer a line, and score the answers.

        A question that stands on several lines counts once, right if any of its answers fits. With "normalized" for
        `match`, case, punctuation, English articles, blanks and Unicode's form do not count (Rajpurkar et al. 2016).
        Writes nothing. Raises TextError with file and line.
        """
        check_type("pairs", pairs, PATH)
        check_match(match)
        questions = read_asked_pairs(Path(pairs))
        result = evaluate(self._folder, questions, model=self.model, match=match)
        assert result.score is not None, "pairs have answers"
        assert result.baseline is not None, "pairs have answers"
        return Evaluation(
            tuple(map(self._judged, result.predictions)),
            tuple(questions.answers()),
            result.score,
            result.baseline,
            result.setting,
            match,
        )

    def generate(
        self,
        prompt: str,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        n_characters: int = 200,
        seed: int = 0,
    ) -> str:
        """What the model writes after a prompt: up to `n_characters`, or up to the mask ⁇ that ends its text.

        Temperature 0 takes the likeliest character each time; lower temperatures and a smaller `top_k`, the number of
        characters to choose from, give likelier text. The same seed gives the same text.

        A model continues what it was trained on: masked strings 'prefix⁇suffix⁇content⁇'. Where its recipe trains on
        all characters (corruption.supervised = 'all') it recites lines; otherwise it goes straight to what is masked.
        The prompt may hold ⁇ too: 'Ada Byron was born in ⁇ .⁇' asks for what stands at the first one.

        Raises InputError where the prompt is empty or has unknown characters, or a number is out of its range.
        """
        check_type("prompt", prompt, STRING)
        check_sampling(temperature, top_k, n_characters, seed)
        if not prompt:
            raise InputError("prompt: at least one character is needed; received none")
        sampling = Sampling(float(temperature), None if top_k is None else int(top_k), int(n_characters), int(seed))
        return generated(self.model, self.vocabulary, prompt, sampling)

    def trace(self, question: str, other: str | None = None) -> Trace:
        """Where the answer comes from, compared with the same question about another name: `print` shows it in words.

        `other` is the name, or the question about it. By default it is a title of the run, of the same length if there
        is one. For each part of the model and each position, `Trace.effects` has what the part gives the answer, in
        nats of log-probability; `heads` has attention weights, `lens` the logit lens, `unplugged` the answers without
        tables. Raises InputError where a question cannot be read, or another name is needed.
        """
        check_type("question", question, STRING)
        check_type("other", other, STRING, optional=True)
        return trace_question(self._folder, self._asked(question), other, model=self.model)

    def why(self, question: str, *, n_lines: int = N_LINES, corpus: str | PathLike[str] | None = None) -> Why:
        """The lines of the run's corpus that taught it its answer to a question: `print` shows them.

        They are found by how alike gradients are, not by the name; the first `n_lines` are returned. `corpus` is where
        the corpus is now, if it was moved. Raises InputError where the question cannot be asked, where the corpus is
        gone or has changed, and where the run has learned none.
        """
        check_type("question", question, STRING)
        return self.why_many([question], n_lines=n_lines, corpus=corpus)[0]

    def why_many(
        self, questions: Iterable[str], *, n_lines: int = N_LINES, corpus: str | PathLike[str] | None = None
    ) -> list[Why]:
        """As `why`, for many questions, which takes hardly longer than one."""
        check_type("questions", questions, STRINGS)
        check_type("n_lines", n_lines, WHOLE_NUMBER)
        check_type("corpus", corpus, PATH, optional=True)
        if n_lines < 1:
            raise InputError(f"n_lines: 1 or more is needed; received {n_lines}")
        asked = [self._asked(question) for question in questions]
        return why(self._folder, asked, int(n_lines), None if corpus is None else Path(corpus), model=self.model)

    def edit(self, question: str, answer: str, out: str | PathLike[str]) -> "Run":
        """A new run in the folder `out` that gives this answer, without training on the corpus.

        What it changed is in its `edits`. Raises InputError where the question or the answer cannot be written, where
        the question names no title, and where this is the answer already; RunError where `out` is in the way.
        """
        check_type("question", question, STRING)
        check_type("answer", answer, STRING)
        check_type("out", out, PATH)
        try:
            return Run(edit(self._folder, one_pair(question, answer), Path(out))[0])
        except TextError as error:
            raise InputError(f"{question!r}: {error.message}") from None

    def edit_file(self, pairs: str | PathLike[str], out: str | PathLike[str]) -> "Run":
        """As `edit`, with all pairs of a file, question<TAB>answer a line; raises TextError with file and line."""
        check_type("pairs", pairs, PATH)
        check_type("out", out, PATH)
        return Run(edit(self._folder, read_asked_pairs(Path(pairs)), Path(out))[0])

    def forget(self, title: str, out: str | PathLike[str]) -> "Run":
        """A new run in the folder `out` that says of a title what it says of strangers, that it never read about them.

        The corpus and the training pairs must be where they were. Raises InputError for what is no title or forgotten
        already, and RunError where the run has not learned to say so, a file is gone, or `out` is in the way.
        """
        check_type("title", title, STRING)
        check_type("out", out, PATH)
        try:
            return Run(forget(self._folder, one_title(title), Path(out))[0])
        except TextError as error:
            raise InputError(error.message) from None

    def forget_file(self, titles: str | PathLike[str], out: str | PathLike[str]) -> "Run":
        """As `forget`, with all titles of a file, one a line; raises TextError with file and line."""
        check_type("titles", titles, PATH)
        check_type("out", out, PATH)
        return Run(forget(self._folder, read_titles(Path(titles)), Path(out))[0])

    def undo(self, out: str | PathLike[str]) -> "Run":
        """A new run in the folder `out` with the weights before the last edit, bit for bit; raises RunError."""
        check_type("out", out, PATH)
        return Run(undo(self._folder, Path(out))[0])

    def export(self, out: str | PathLike[str], *, format: Format = "hf") -> Export:
        """Write the model to a folder for other programs: "hf" for transformers, "torch" for PyTorch alone.

        Raises InputError for another format, and RunError where `out` is in the way.
        """
        check_type("out", out, PATH)
        return export(self._folder, Path(out), format, model=self.model)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What was changed by editing since the run was trained, oldest first; empty for a run that was not edited."""
        return read_record(self.path)

    def __repr__(self) -> str:
        return f"<closedbook.Run {str(self.path)!r}: {self.recipe.model.variant}, {self._folder.info.kind}>"

    def _asked(self, question: str) -> str:
        """The question as the model is asked; raises InputError, which quotes it, where it cannot be."""
        check_one_line(question)
        try:
            parsed, _ = spelled(_without_answers(parse_questions([question], None)), self._spelling)
            self._check(parsed)
        except TextError as error:
            raise InputError(f"{question!r}: {error.message}") from None
        return parsed.items[0].text

    def _check(self, questions: Questions) -> None:
        check_questions(questions, self.vocabulary, self.recipe.model.block_size)

    def _answers(self, questions: list[str], precision: float | None) -> list[Answer]:
        least = 0.0 if precision is None else self.threshold(precision)
        answers = map(self._judged, predict(self.model, self.vocabulary, questions))
        return [replace(a, state="withheld") if a.state == "known" and a.probability < least else a for a in answers]

    def _judged(self, p: Prediction) -> Answer:
        probability = probability_of(p, self.calibration)
        return Answer(p.question, p.answer, probability, p.ended, p.state, self.calibration is not None)


def _without_answers(questions: Questions) -> Questions:
    return replace(questions, items=tuple(replace(item, answer=None) for item in questions.items))


@in_python_words()
def load(path: str | PathLike[str]) -> Run:
    """The run in a folder; raises RunError where there is none or where it has not ended."""
    check_type("path", path, PATH)
    return Run(storage.open_run(Path(path)))
