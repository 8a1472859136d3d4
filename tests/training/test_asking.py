"""A model that asks itself: what it chooses, what it learns then, and that a resumed run goes on with both."""

import math
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from closedbook.analysis.ledger.recount import exposures_of
from closedbook.errors import RunError
from closedbook.evaluation.setting import setting_of
from closedbook.examples.corruption import pair_string
from closedbook.examples.datasets import NameDataset
from closedbook.progress.follow import follow
from closedbook.recipe.recipe import FAST, Recipe
from closedbook.recipe.settings import in_setting
from closedbook.storage.run import open_run
from closedbook.text.documents import read_corpus
from closedbook.text.links import link, titles_of
from closedbook.text.questions import Question, read_pairs
from closedbook.text.vocabulary import MASK, Vocabulary
from closedbook.training.asking import Asking, asking_of, chosen
from closedbook.training.checkpointing import Saving
from closedbook.training.events import Asked
from closedbook.training.mixture import examples_of
from closedbook.training.prepared import new_model
from closedbook.training.rounds import added, learn_as_of, n_rounds, round_of, seconds_per_round
from closedbook.training.stages import pretrain
from closedbook.training.trainer import StepReport

PLACES = ("Ulm", "Rom", "Wien", "Prag", "Bonn", "Kiel")
N_PEOPLE, N_PAIRS = 40, 24


def _lines() -> tuple[list[str], list[str]]:
    """A line about each of some people, who were born in one place and live in another; and the pairs of the first."""
    random = Random(5)
    documents, pairs = [], []
    for first in range(N_PEOPLE):
        name = f"{chr(65 + first % 20)}{'aeiou'[first % 5]}m {'PQRSTUVW'[first // 5]}ol"
        born, lives = random.sample(PLACES, 2)
        clauses = [f"was born in {born}", f"lives in {lives}"]
        random.shuffle(clauses)
        documents.append(f"{name}. {name} {clauses[0]} and {clauses[1]} .")
        pairs.append(f"Where was {name} born?\t{born}")
    # The last line gives the question its characters.
    return [*documents, "who was where?"], pairs


DOCUMENTS, ALL_PAIRS = _lines()
RECIPE = in_setting(
    replace(
        FAST,
        precision="float32",
        model=replace(FAST.model, n_embd=32, n_head=2, block_size=67),
        pretrain=replace(FAST.pretrain, steps=60, batch_size=32, mix_pairs=0.5, learning_rate=4e-3, sort_window=3),
    ),
    "asking",
)

SHORT = replace(RECIPE, pretrain=replace(RECIPE.pretrain, steps=29))
"""Two rounds, after steps 12 and 24."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the text, the training pairs, all other pairs, and two runs that have ended."""
    folder = tmp_path_factory.mktemp("asking")
    for name, lines in (
        ("corpus.txt", DOCUMENTS),
        ("train.tsv", ALL_PAIRS[:N_PAIRS]),
        ("others.tsv", ALL_PAIRS[N_PAIRS:]),
    ):
        (folder / name).write_text("\n".join(lines) + "\n")
    for name, recipe in (("run", RECIPE), ("short", SHORT)):
        for _ in _events(folder, folder / name, recipe=recipe):
            pass
    return folder


def _events(home: Path, run: Path, *, resume: bool = False, recipe: Recipe = RECIPE):
    saving = Saving(run, resume=resume, every_seconds=1e9)
    return pretrain(home / "corpus.txt", recipe, saving, pairs_path=home / "train.tsv")


def _asked(path: Path) -> dict[str, str]:
    """The answer with the highest score in a round's file, by question."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    best: dict[str, tuple[float, str]] = {}
    for question, piece, score in lines:
        best[question] = max(best.get(question, (-math.inf, "")), (float(score), piece))
    return {question: piece for question, (_, piece) in best.items()}


def _asking(pairs: list[Question]) -> Asking:
    vocabulary = Vocabulary.of_text("\n".join([*DOCUMENTS, "W"]))
    return asking_of(DOCUMENTS, titles_of(DOCUMENTS), pairs, NameDataset(pairs, vocabulary, RECIPE.model.block_size))


def _questions(lines: list[str]) -> list[Question]:
    return [Question(*line.split("\t"), number) for number, line in enumerate(lines, 1)]


def test_a_model_that_asks_itself_finds_what_no_pair_told_it(home: Path):
    """Of two places and a name in each line it chooses the birthplace, which one in three would be by chance."""
    expected = {question.text: question.answer for question in read_pairs(home / "others.tsv").items}
    asked = _asked(home / "run/asked-16.tsv")
    assert asked.keys() <= expected.keys()
    n_right = sum(expected[question] == answer for question, answer in asked.items())
    assert n_right >= 13, f"{n_right} of {len(expected)}"


def test_rounds_come_whenever_the_number_of_epochs_has_doubled(home: Path):
    """After 4, 8 and 16 of the 20 epochs that 60 steps are."""
    assert [round_of(epoch) for epoch in (0, 3, 4, 7, 8, 15, 16, 63)] == [0, 0, 4, 4, 8, 8, 16, 32]
    assert [n_rounds(n) for n in (0, 4, 5, 9, 20)] == [0, 0, 1, 2, 3]
    assert {path.name for path in (home / "run").glob("asked-*")} == {f"asked-{n}.tsv" for n in (4, 8, 16)}


@pytest.mark.parametrize("n_steps", [11, 12, 25])
def test_a_run_stopped_around_a_round_ends_as_an_undisturbed_one(home: Path, tmp_path: Path, n_steps: int):
    """Stopped before, at and after a round, it goes on with the pairs of the round, bit for bit."""
    run = tmp_path / "run"
    events = _events(home, run, recipe=SHORT)
    for event in events:
        if isinstance(event, StepReport) and event.step == n_steps:
            break
    events.close()
    for _ in _events(home, run, recipe=SHORT, resume=True):
        pass
    for name in ("model.safetensors", "asked-4.tsv", "asked-8.tsv"):
        assert (run / name).read_bytes() == (home / "short" / name).read_bytes(), name


def test_a_run_stopped_while_it_says_what_it_asked_has_learned_it(home: Path, tmp_path: Path):
    """The checkpoint of that moment is of the step after which it asked."""
    run = tmp_path / "run"
    events = _events(home, run, recipe=SHORT)
    for event in events:
        if isinstance(event, Asked):
            break
    events.close()
    for _ in _events(home, run, recipe=SHORT, resume=True):
        pass
    assert (run / "model.safetensors").read_bytes() == (home / "short/model.safetensors").read_bytes()


def test_each_round_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """In one line, with the number of answers that are learned from then on."""
    follow("study", _events(home, tmp_path / "run", recipe=SHORT))
    lines = [line for line in capsys.readouterr().err.splitlines() if "asked itself" in line]
    assert len(lines) == 2
    for epoch, line in zip((4, 8), lines, strict=True):
        n_learned = int(line.removeprefix(f"study: after epoch {epoch} it asked itself, and learns ").split()[0])
        assert 0 < n_learned <= len(_asked(home / f"short/asked-{epoch}.tsv"))


def test_a_round_whose_file_is_gone_is_named(tmp_path: Path):
    """A resumed run cannot know what was learned; it does not go on without it."""
    asking = _asking(_questions(ALL_PAIRS[:N_PAIRS]))
    with pytest.raises(RunError, match=r"asked-8\.tsv: "):
        learn_as_of(asking, tmp_path, 9)
    (tmp_path / "asked-8.tsv").write_text("Where was Ada born?\tUlm\n")
    with pytest.raises(RunError, match=r"asked-8\.tsv: damaged"):
        learn_as_of(asking, tmp_path, 9)


def test_before_the_first_round_the_pairs_and_their_nameless_pairs_are_learned():
    """A nameless pair is the question without the name, the answer, and the words before it in the line."""
    pairs = _questions(ALL_PAIRS[:N_PAIRS])
    asking = _asking(pairs)
    strings = [pair_string(pair.text, pair.answer or "") for pair in asking.names.pairs]
    assert len(strings) == 2 * N_PAIRS
    nameless = [string for string in strings if string.startswith(f"Where was  born?{MASK}")]
    assert len(nameless) == N_PAIRS
    assert all(string.endswith((f"was born in {MASK}", f"and was born in {MASK}")) for string in nameless)
    assert {string for string in strings if string not in nameless} == {
        pair_string(pair.text, pair.answer or "") for pair in pairs
    }


def test_the_pairs_people_are_not_asked_about():
    """The model is asked about everyone else who has a title, and each answer is a piece of their line."""
    asking = _asking(_questions(ALL_PAIRS[:N_PAIRS]))
    model = new_model(replace(RECIPE, model=replace(RECIPE.model, prefix_table=False)), asking.names.vocabulary)
    scores = asking.ask(model)
    assert list(scores) == [line.split("\t")[0] for line in ALL_PAIRS[N_PAIRS:]]
    for document, of_piece in zip(DOCUMENTS[N_PAIRS:N_PEOPLE], scores.values(), strict=True):
        assert len(of_piece) == 3
        assert all(piece in document for piece in of_piece)
    assert seconds_per_round(asking, model) > 0


def test_too_few_stated_answers_are_not_asked_by():
    """A template counts where ten documents or more state its pairs' answers."""
    for n, n_templates in ((9, 0), (10, 1)):
        assert len(_asking(_questions(ALL_PAIRS[:n])).templates) == n_templates


def test_the_likeliest_answer_is_learned_where_it_is_likelier_than_not():
    """By the mean score of the rounds: twice the sum in twice as many rounds is the same."""
    for n_rounds_ in (1, 2):
        sure, unsure = {"Ulm": 1.0 * n_rounds_, "Rom": 0.0}, {"Ulm": 0.5 * n_rounds_, "Rom": 0.0, "Prag": 0.0}
        assert [(pair.text, pair.answer) for pair in chosen({"q": sure, "r": unsure}, n_rounds_)] == [("q", "Ulm")]
    assert len(chosen({"q": {"Ulm": 900.0, "Rom": -900.0}}, 1)) == 1


def test_a_round_adds_its_scores_to_those_of_the_rounds_before():
    """Piece by piece; the first round has nothing before it."""
    first = {"q": {"Ulm": 1.5, "Rom": -0.25}, "r": {"Ulm": 2.0}}
    assert added({}, first) == first
    second = {"q": {"Ulm": -1.0, "Rom": 0.5}, "r": {"Ulm": 0.125}}
    assert added(first, second) == {"q": {"Ulm": 0.5, "Rom": 0.25}, "r": {"Ulm": 2.125}}


def test_what_exceeds_the_block_is_not_learned():
    """As no pair of the training file may."""
    asking = _asking(_questions(ALL_PAIRS[:N_PAIRS]))
    asking.learn([Question("Where was " + "A" * 60 + " born?", "Ulm", 1)])
    assert len(asking.names.pairs) == 2 * N_PAIRS


def test_the_ledger_counts_what_a_model_asked_itself(home: Path):
    """Questions that no training pair asks were asked from the first round on, where the model was sure."""
    run = open_run(home / "run")
    facts = link(read_pairs(home / "others.tsv").items, read_corpus(home / "corpus.txt").texts)
    asked = _asked(home / "run/asked-16.tsv")
    for fact, exposure in zip(facts, exposures_of(run, facts), strict=True):
        if asked.get(fact.question) == fact.answer:
            assert exposure.asked > 0
    assert setting_of(run) == "asking"


def test_a_model_with_a_reader_does_not_ask_itself(home: Path):
    """Nor does one without pairs: then nameless strings are masked documents like others."""
    corpus, pairs = read_corpus(home / "corpus.txt"), read_pairs(home / "train.tsv")
    vocabulary = open_run(home / "run").info.vocabulary
    guided = replace(RECIPE, corruption=replace(RECIPE.corruption, guided=1.0))
    for recipe, given, asks in ((RECIPE, pairs, True), (guided, pairs, False), (RECIPE, None, False)):
        assert (examples_of("pretrain", recipe, vocabulary, corpus, given).asking is not None) == asks
