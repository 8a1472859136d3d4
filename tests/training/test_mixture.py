import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from closedbook.analysis.ledger.counts import example_text
from closedbook.examples.corruption import CorruptionConfig, pair_string
from closedbook.examples.datasets import CharCorruptionDataset, MixedDataset, NameDataset
from closedbook.reader.marks import marks_of
from closedbook.reader.open_book import read_open_book
from closedbook.recipe.recipe import FAST, Recipe
from closedbook.recipe.recipe_file import with_values
from closedbook.storage.run import Kind
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.questions import Question, Questions, read_pairs
from closedbook.text.vocabulary import DOUBTS, MASK, NEVER_READ, without_marks
from closedbook.training.mixture import Examples, examples_of, stage_of
from closedbook.world.world import WorldConfig, WorldFiles, write_world

RECIPE = replace(
    FAST,
    model=replace(FAST.model, block_size=97),
    corruption=replace(FAST.corruption, question_form=0.0),  # so that the number of MASKs tells documents from pairs
    pretrain=replace(FAST.pretrain, mix_pairs=0.3, mix_strangers=0.0),
    study=replace(FAST.study, mix_pairs=0.7, mix_strangers=0.0),
    doubt=False,
    silver_confidence=0.2,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> WorldFiles:
    """A hundred people: a line about each of eighty, and training pairs about forty."""
    config = WorldConfig(
        n_people=100, n_places=5, documents=1, attributes=("birthplace",), train=0.4, dev=0.2, test=0.2, withheld=0.2
    )
    return write_world(config, tmp_path_factory.mktemp("examples") / "world")


@pytest.fixture(scope="module")
def corpus(world: WorldFiles) -> Corpus:
    """The world's text."""
    return read_corpus(world.corpus)


@pytest.fixture(scope="module")
def pairs(world: WorldFiles) -> Questions:
    """The training pairs."""
    return read_pairs(world.train)


@pytest.fixture(scope="module")
def studied(corpus: Corpus, pairs: Questions) -> Examples:
    """The examples of self-study."""
    return examples_of("study", RECIPE, corpus.vocabulary, corpus, pairs)


def strings(examples: Examples, n_epochs: int) -> Iterator[str]:
    """Every example of some epochs as a string."""
    for epoch in range(n_epochs):
        examples.dataset.epoch = epoch
        for index in range(len(examples.dataset)):
            yield example_text(examples.dataset, index)


def is_pair(string: str) -> bool:
    """Whether the string is a pair; a masked document has three MASKs."""
    return string.count(MASK) == 2


def statements(world: WorldFiles) -> dict[int, tuple[int, int]]:
    """The span of the birthplace in each line of the corpus that states one, counted from 0."""
    facts = [json.loads(line) for line in world.facts.read_text().splitlines()]
    return {one["line"] - 1: tuple(one["facts"][0]["value_span"]) for one in facts if one["facts"]}


@pytest.mark.parametrize(
    ("kind", "is_from_scratch", "name"),
    [
        ("pretrain", True, "pretrain"),
        ("study", True, "study"),
        ("finetune", True, "scratch"),
        ("finetune", False, "finetune"),
    ],
)
def test_each_kind_follows_its_part_of_the_recipe(kind: Kind, is_from_scratch: bool, name: str):
    """Finetuning has two parts: one from another run's weights, and one from scratch."""
    assert stage_of(kind, RECIPE, is_from_scratch=is_from_scratch) is getattr(RECIPE, name)


def test_finetuning_trains_on_the_pairs(corpus: Corpus, pairs: Questions):
    """On all of them, in their order, and on no text."""
    examples = examples_of("finetune", RECIPE, corpus.vocabulary, None, pairs)
    assert isinstance(examples.dataset, NameDataset)
    assert list(strings(examples, 1)) == [pair_string(item.text, item.answer or "") for item in pairs.items]
    assert (examples.notes, examples.silver) == ((), None)


def test_replay_masks_what_looks_like_an_answer(corpus: Corpus, pairs: Questions):
    """An epoch has forty pairs and ten documents, masked where the reader says, as in pretraining."""
    recipe = replace(RECIPE, finetune=replace(RECIPE.finetune, replay=0.2))
    examples = examples_of("finetune", recipe, corpus.vocabulary, corpus, pairs)
    assert [is_pair(string) for string in strings(examples, 1)] == [False] * 10 + [True] * 40
    pretrained = examples_of("pretrain", recipe, corpus.vocabulary, corpus, pairs)
    assert list(strings(examples, 1))[:10] == list(strings(pretrained, 1))[:10]
    assert examples.notes == pretrained.notes


# Guided


def test_guided_pretraining_asks_about_the_people_of_the_pairs_alone(corpus: Corpus, pairs: Questions):
    """Each example of five epochs is a masked document or exactly a training pair, and all pairs are used."""
    examples = examples_of("pretrain", RECIPE, corpus.vocabulary, corpus, pairs)
    given = {pair_string(item.text, item.answer or "") for item in pairs.items}
    asked = [string for string in strings(examples, 5) if is_pair(string)]
    assert set(asked) == given
    masked = [string for string in strings(examples, 5) if not is_pair(string)]
    assert {string.count(MASK) for string in masked} == {3}
    assert not any("Where was" in string or "born?" in string for string in masked)
    assert len(masked) == 5 * len(corpus.documents)
    # 81 documents are seven tenths of the examples.
    assert len(asked) == 5 * round(81 * 0.3 / 0.7)
    assert examples.silver is None


def test_guided_masks_are_over_what_looks_like_an_answer(world: WorldFiles, corpus: Corpus, pairs: Questions):
    """In at least nine of ten lines, about people of the pairs or not, the tagged span is exactly the birthplace."""
    dataset = examples_of("pretrain", RECIPE, corpus.vocabulary, corpus, pairs).dataset
    assert isinstance(dataset, MixedDataset)
    stated = statements(world)
    tagged = dataset.documents.tagged
    right = [line for line, span in stated.items() if tagged.get(line) == (span,)]
    assert len(stated) == 80
    assert len(right) >= 72
    assert not set(tagged) - set(range(len(corpus.documents)))


def test_guided_masks_are_over_the_answers_of_all_questions(tmp_path: Path):
    """With questions about birthplaces and trades, both are tagged in eight of ten lines, and both get masked."""
    both = WorldConfig(
        n_people=100, n_places=5, documents=1, attributes=("birthplace", "trade"), offset="late", train=0.4
    )
    world = write_world(both, tmp_path / "world")
    corpus = read_corpus(world.corpus)
    lines = [one for one in map(json.loads, world.facts.read_text().splitlines()) if one["facts"]]
    stated = {one["line"] - 1: {tuple(fact["value_span"]) for fact in one["facts"]} for one in lines}
    asked = [("What did {} work as?", "trade"), ("Where was {} born?", "birthplace")]
    items = [
        Question(question.format(one["name"]), fact["value"], number)
        for number, one in enumerate(lines, 1)
        for fact in one["facts"]
        for question, attribute in asked
        if one["split"] == "train" and fact["attribute"] == attribute
    ]
    examples = examples_of("pretrain", RECIPE, corpus.vocabulary, corpus, Questions(Path("both.tsv"), tuple(items)))
    assert isinstance(examples.dataset, MixedDataset)
    documents = examples.dataset.documents
    right = [line for line, spans in stated.items() if set(documents.tagged.get(line, ())) == spans]
    assert len(right) >= 0.8 * len(stated)
    for line in right[:7]:
        texts = {documents.documents[line][start:end] for start, end in documents.tagged[line]}
        masked = []
        for documents.epoch in range(43):
            masked.append(documents.masked(line).split(MASK)[2])
        assert len(texts) == 2
        # Objective guided has 0.85 of the draws, and salient may mask a birthplace as well.
        assert min(masked.count(text) for text in texts) > 7


def test_a_note_says_in_how_many_documents_the_reader_found_answers(corpus: Corpus, pairs: Questions):
    """So that the user knows how much the reader shaped the masks."""
    examples = examples_of("pretrain", RECIPE, corpus.vocabulary, corpus, pairs)
    assert isinstance(examples.dataset, MixedDataset)
    n_tagged = len(examples.dataset.documents.tagged)
    assert examples.notes == (f"the reader found spans that look like answers in {n_tagged} of 81 documents",)


def test_unguided_masks_need_no_reader(corpus: Corpus, pairs: Questions):
    """Without weight on objective guided nothing is tagged, and there is no note."""
    recipe = replace(RECIPE, corruption=CorruptionConfig(span=0.0, salient=1.0))
    examples = examples_of("pretrain", recipe, corpus.vocabulary, corpus, pairs)
    assert isinstance(examples.dataset, MixedDataset)
    assert (examples.dataset.documents.tagged, examples.notes) == ({}, ())


def test_pretraining_without_pairs_trains_on_the_text_alone(corpus: Corpus):
    """Nothing is mixed in and nothing is tagged."""
    examples = examples_of("pretrain", RECIPE, corpus.vocabulary, corpus, None)
    assert isinstance(examples.dataset, CharCorruptionDataset)
    assert (len(examples.dataset), examples.dataset.tagged, examples.notes) == (81, {}, ())


@pytest.mark.parametrize("n_pairs", [0, 2])
def test_a_note_says_that_the_reader_learns_nothing_from_the_pairs(corpus: Corpus, pairs: Questions, n_pairs: int):
    """With too few pairs, or none that names a document, masks are unguided; the pairs are mixed in all the same."""
    strangers = tuple(Question(f"Where was Xu Ya {n}?", "Rome", n) for n in range(1, 14))
    few = Questions(Path("few.tsv"), (*pairs.items[:n_pairs], *strangers))
    examples = examples_of("pretrain", RECIPE, corpus.vocabulary, corpus, few)
    (note,) = examples.notes
    assert note.startswith("few.tsv: ")
    assert note.endswith("; so objective guided masks names and numbers, as salient does")
    assert isinstance(examples.dataset, MixedDataset)
    assert examples.dataset.documents.tagged == {}
    assert len(examples.dataset.pairs) == n_pairs + 13


# Self-study


def test_self_study_asks_about_every_document(world: WorldFiles, pairs: Questions, studied: Examples):
    """Training questions keep their answers; people of dev and test get questions too, mostly with the right answer."""
    assert studied.silver is not None
    asked = {string for string in strings(studied, 3) if is_pair(string)}
    assert asked >= {pair_string(item.text, item.answer or "") for item in pairs.items}
    for path in (world.dev, world.test):
        others = [pair_string(item.text, item.answer or "") for item in read_pairs(path).items]
        assert len(asked & set(others)) >= 0.9 * len(others)
    withheld = {item.text for item in read_pairs(world.withheld).items}
    assert not withheld & {string.partition(MASK)[0] for string in asked}


def test_self_study_trains_on_the_silver_pairs(corpus: Corpus, studied: Examples):
    """The pairs trained on are the silver pairs, each in turn, at the recipe's share of the examples."""
    assert studied.silver is not None
    assert isinstance(studied.dataset, MixedDataset)
    silver = [pair_string(pair.question, pair.answer) for pair in studied.silver.pairs]
    n_asked = round(81 * 0.7 / 0.3)
    assert len(studied.dataset) == 81 + n_asked
    asked = [string for string in strings(studied, 2) if is_pair(string)]
    assert asked == (silver * 5)[: 2 * n_asked]
    assert len(silver) == 81  # one about each person in the corpus, and one about the line of letters
    assert studied.notes[-1] == "trains on 81 of 81 silver pairs"
    assert len(corpus.documents) == 81


def test_self_study_leaves_out_pairs_of_low_confidence(corpus: Corpus, pairs: Questions):
    """A higher silver_confidence leaves fewer pairs; 1 leaves those about the people of the training pairs."""
    sure = examples_of("study", replace(RECIPE, silver_confidence=1.0), corpus.vocabulary, corpus, pairs)
    assert isinstance(sure.dataset, MixedDataset)
    given = {(item.text, item.answer) for item in pairs.items}
    left = {(pair.text, pair.answer) for pair in sure.dataset.pairs.pairs}
    assert left >= given
    assert sure.silver is not None
    certain = {(pair.question, pair.answer) for pair in sure.silver.pairs if pair.confidence == 1}
    assert left == certain
    assert len(left) < 81
    assert sure.notes[-1] == f"trains on {len(left)} of 81 silver pairs"


def test_self_study_leaves_out_pairs_that_do_not_fit_the_model(corpus: Corpus, pairs: Questions):
    """A silver pair and its two MASKs have at most block_size characters."""
    longest = max(len(item.text) + len(item.answer or "") for item in pairs.items) + 2
    recipe = replace(RECIPE, model=replace(RECIPE.model, block_size=longest))
    examples = examples_of("study", recipe, corpus.vocabulary, corpus, pairs)
    assert isinstance(examples.dataset, MixedDataset)
    assert examples.silver is not None
    lengths = [len(pair_string(pair.question, pair.answer)) for pair in examples.silver.pairs]
    assert max(lengths) > longest
    studied = examples.dataset.pairs.pairs
    assert len(studied) == sum(length <= longest for length in lengths) < 81
    assert max(len(pair_string(pair.text, pair.answer or "")) for pair in studied) == longest


def test_self_studys_masks_are_unguided(studied: Examples):
    """The reader makes questions; the text is masked as objective salient does."""
    assert isinstance(studied.dataset, MixedDataset)
    assert studied.dataset.documents.tagged == {}


def test_self_study_is_a_function_of_files_and_recipe(corpus: Corpus, pairs: Questions, studied: Examples):
    """Reading again, as when a run is resumed, gives the same silver pairs and the same examples."""
    again = examples_of("study", RECIPE, corpus.vocabulary, corpus, pairs)
    assert again.silver == studied.silver
    assert list(strings(again, 2)) == list(strings(studied, 2))


def test_a_note_says_that_no_silver_pair_is_trained_on(corpus: Corpus, pairs: Questions):
    """Where the recipe mixes in no pairs, as `course` does."""
    recipe: Recipe = replace(RECIPE, study=replace(RECIPE.study, mix_pairs=0.0))
    examples = examples_of("study", recipe, corpus.vocabulary, corpus, pairs)
    assert not any(map(is_pair, strings(examples, 1)))
    assert examples.notes[-1] == "trains on none, since the recipe's study.mix_pairs is 0, of 81 silver pairs"


@pytest.mark.parametrize("kind", ["pretrain", "study"])
def test_with_doubt_marks_follow_answers_and_nothing_else_changes(kind: Kind, corpus: Corpus, pairs: Questions):
    """Pairs and documents with nothing but the title end in the mark of their question, if the reader doubted it."""
    recipe = replace(RECIPE, silver_confidence=0.0)
    vocabulary = corpus.vocabulary.with_abstentions()
    with_doubt, without = (
        examples_of(kind, one, vocabulary, corpus, pairs) for one in (replace(recipe, doubt=True), recipe)
    )
    marks = marks_of(read_open_book(corpus, pairs, recipe.seed))
    n_marked = Counter[bool]()
    for text, plain in zip(strings(with_doubt, 3), strings(without, 3), strict=True):
        assert without_marks(text) == plain
        if is_pair(text):
            question = text.partition(MASK)[0]
            assert text == f"{plain[:-1]}{marks.get(question, '')}{MASK}"
        n_marked[is_pair(text)] += text != plain
    # The line of letters is about nobody: self-study asks about it, and pretraining masks a piece of it.
    assert marks == {"Where was Letters born?": DOUBTS[1]}
    assert n_marked[kind == "study"]
    assert not n_marked[kind == "pretrain"]


def test_a_mark_that_does_not_fit_the_model_is_left_out(world: WorldFiles, tmp_path: Path):
    """A training pair as long as the model is trained on without its mark."""
    items = read_pairs(world.train).items
    lines = [f"{item.text}\t{'Nowhere' if number < 3 else item.answer}" for number, item in enumerate(items)]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines) + "\n")
    corpus, pairs = read_corpus(world.corpus), read_pairs(tmp_path / "pairs.tsv")
    unstated = [pair_string(item.text, "Nowhere") for item in items[:3]]
    longest = max(map(len, unstated))
    recipe = replace(RECIPE, doubt=True, model=replace(RECIPE.model, block_size=longest))
    vocabulary = corpus.vocabulary.with_abstentions()
    texts = set(strings(examples_of("pretrain", recipe, vocabulary, corpus, pairs), 1))
    for text in unstated:
        assert (text if len(text) == longest else f"{text[:-1]}{DOUBTS[0]}{MASK}") in texts


@pytest.mark.parametrize("kind", ["pretrain", "study"])
def test_a_share_of_the_examples_is_about_strangers(kind: Kind, corpus: Corpus, pairs: Questions):
    """They come on top of documents and pairs, which stay as they are."""
    vocabulary = corpus.vocabulary.with_abstentions()
    recipe = with_values(RECIPE, [f"{kind}.mix_strangers=0.25"])
    with_strangers, without = (examples_of(kind, one, vocabulary, corpus, pairs) for one in (recipe, RECIPE))
    texts, plain = list(strings(with_strangers, 1)), list(strings(without, 1))
    assert texts[: len(plain)] == plain
    assert not any(NEVER_READ in text for text in plain)
    assert all(text.endswith(NEVER_READ + MASK) for text in texts[len(plain) :])
    n_others = len(corpus.documents) / (1 - stage_of(kind, recipe, is_from_scratch=True).mix_pairs)
    assert len(texts) - len(plain) == round(n_others / 3)


def test_questions_without_titles_say_nothing_of_strangers(tmp_path: Path):
    """There are none, and a note says so."""
    (tmp_path / "corpus.txt").write_text("1. A number, a first.\n2. A number, a second.\n")
    (tmp_path / "pairs.tsv").write_text("Which number?\tfirst\n")
    corpus, pairs = read_corpus(tmp_path / "corpus.txt"), read_pairs(tmp_path / "pairs.tsv")
    recipe = with_values(RECIPE, ["pretrain.mix_strangers=0.2", "corruption.guided=0"])
    examples = examples_of("pretrain", recipe, corpus.vocabulary.with_abstentions(), corpus, pairs)
    assert re.fullmatch(r".*pairs\.tsv: asks about no title of .* never read about somebody", examples.notes[-1])
    assert not any(NEVER_READ in text for text in strings(examples, 1))
