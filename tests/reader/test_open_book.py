from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.errors import TextError
from closedbook.reader.open_book import NO_DOCUMENT, OpenBook, SilverPair, read_open_book
from closedbook.text.documents import Corpus, read_corpus
from closedbook.text.lines import Lines
from closedbook.text.questions import Question, Questions, read_pairs
from closedbook.world.world import WorldConfig, write_world

SYLLABLES = ("Bor", "Dal", "Fen", "Gul", "Kel", "Mur", "Nor", "Pim", "Ros", "Tev")
TOWNS = ("Travoss", "Vimera", "Zorvik", "Osk", "Lundmar", "Ünye")
WORDINGS = (
    "{} (born 3 May {} in {}) met Ada Stone in {}",
    "{}, who worked for Eva Moor, was born at {} in {} and left for {}",
)


def corpus_of(*texts: str) -> Corpus:
    """A corpus of the given documents."""
    lines = Lines.of_bytes("".join(f"{text}\n" for text in texts).encode())
    return Corpus(Path("corpus.txt"), lines, range(1, len(texts) + 1), ())


def pairs_of(*pairs: tuple[str, str]) -> Questions:
    """The given pairs, as of a file."""
    items = tuple(Question(question, answer, number) for number, (question, answer) in enumerate(pairs, 1))
    return Questions(Path("pairs.tsv"), items)


def person(number: int) -> str:
    """The name of a person, a different one for each number below 100."""
    return f"{SYLLABLES[number % 10]}an {SYLLABLES[number // 10]}ik"


def town(number: int) -> str:
    """The town where a person was born."""
    return TOWNS[number % len(TOWNS)]


def biography(number: int) -> str:
    """A line that states a person's town and year of birth, and another town."""
    home, other, year = town(number), town(number * 5 + 2), str(1900 + number)
    if number % 2:
        return f"{person(number)}. " + WORDINGS[0].format(person(number), year, home, other) + " ."
    return f"{person(number)}. " + WORDINGS[1].format(person(number), home, year, other) + " ."


def question(number: int) -> str:
    """The question about a person."""
    return f"Where was {person(number)} born?"


BOOK = corpus_of(*(biography(n) for n in range(60)))
PAIRS = pairs_of(*((question(n), town(n)) for n in range(30)))


@pytest.fixture(scope="module")
def book() -> OpenBook:
    """What the reader makes of 60 lines and 30 pairs."""
    return read_open_book(BOOK, PAIRS, seed=0)


def test_everyone_gets_a_silver_pair(book: OpenBook):
    """Every title gets the question, and in plain wordings the right answer from its own document."""
    silver = {pair.question: pair for pair in book.pairs}
    assert set(silver) == {question(n) for n in range(60)}
    assert all(silver[question(n)].answer == town(n) for n in range(60))
    assert all(silver[question(n)].document == n for n in range(60))


def test_given_answers_are_certain_and_others_are_not(book: OpenBook):
    """Pairs that were given have confidence 1; what the reader found has less, but more than 0.5."""
    confidence = {pair.question: pair.confidence for pair in book.pairs}
    assert all(confidence[question(n)] == 1 for n in range(30))
    assert all(0.5 < confidence[question(n)] < 1 for n in range(30, 60))


def test_held_out_answers_are_counted(book: OpenBook):
    """Each training question is answered by a reader that does not know its answer; a note counts the right ones."""
    assert [(item.question, item.expected) for item in book.held_out] == [(question(n), town(n)) for n in range(30)]
    assert book.n_right == 30
    assert book.notes == ("'Where was {} born?': right on 30 of 30 held-out questions",)


def test_the_same_seed_gives_the_same_silver_pairs(book: OpenBook):
    """Pairs and confidences are the same, bit for bit."""
    assert read_open_book(BOOK, PAIRS, seed=0) == book


def test_an_odd_document_is_answered_with_less_confidence():
    """A line without a town of birth, in a wording that no training line has, gets an unsure answer."""
    odd = "Ole Rask. Vimera hired Ole Rask and Travoss sang ."
    book = read_open_book(corpus_of(*(biography(n) for n in range(60)), odd), PAIRS, seed=0)
    confidence = {pair.question: pair.confidence for pair in book.pairs}
    assert confidence["Where was Ole Rask born?"] < min(confidence[question(n)] for n in range(30, 60))


def test_none_of_them_is_learned():
    """If the lines of some wording never state the answer, candidates of another line in that wording get unlikely."""
    silent = [f"{person(n)}. Critics in {town(n + 1)} praised {person(n)} ." for n in range(60, 90)]
    corpus = corpus_of(*(biography(n) for n in range(60)), *silent)
    pairs = pairs_of(*((question(n), town(n)) for n in [*range(30), *range(60, 80)]))
    confidence = {pair.question: pair.confidence for pair in read_open_book(corpus, pairs, seed=0).pairs}
    assert max(confidence[question(n)] for n in range(80, 90)) < min(confidence[question(n)] for n in range(30, 60))


def test_templates_are_told_apart():
    """With questions about town and year, towns answer the one and years the other."""
    asked = [(question(n), town(n)) for n in range(30)]
    asked += [(f"In which year was {person(n)} born?", str(1900 + n)) for n in range(20, 50)]
    silver = {pair.question: pair.answer for pair in read_open_book(BOOK, pairs_of(*asked), seed=0).pairs}
    assert len(silver) == 120
    assert all(silver[question(n)] == town(n) for n in range(60))
    assert all(silver[f"In which year was {person(n)} born?"] == str(1900 + n) for n in range(60))


def test_a_template_with_few_pairs_is_read():
    """What others say helps it."""
    few = [(f"In which year was {person(n)} born?", str(1900 + n)) for n in range(3)]
    pairs = pairs_of(*few, *((pair.text, pair.answer or "") for pair in PAIRS.items))
    silver = {pair.question: pair.answer for pair in read_open_book(BOOK, pairs, seed=0).pairs}
    assert len(silver) == 120
    assert sum(silver[f"In which year was {person(n)} born?"] == str(1900 + n) for n in range(3, 60)) > 50


def test_many_templates_have_one_note():
    """It says how many are right in all, and which wording is worst."""
    asked = [(f"Where, {n % 13}, was {person(n)} born?", town(n)) for n in range(52)]
    (note,) = read_open_book(BOOK, pairs_of(*asked), seed=0).notes
    assert note.startswith("the reader: right on ")
    assert "of 52 held-out questions in 13 wordings; worst on 'Where, " in note


def test_free_questions_are_learned_as_they_are(monkeypatch: pytest.MonkeyPatch):
    """Where most are asked once in words of their own, and they are many, one line says so and nobody else is asked."""
    monkeypatch.setattr("closedbook.reader.open_book._MUCH_WORK", 1000)
    pairs = pairs_of(*((f"Where did {person(n)} do thing {n}?", town(n)) for n in range(20)), ("Who is it?", "Ada"))
    book = read_open_book(BOOK, pairs, seed=0)
    assert [(pair.question, pair.answer) for pair in book.pairs] == [(pair.text, pair.answer) for pair in pairs.items]
    assert book.held_out == ()
    assert book.notes == (
        "pairs.tsv: most questions are asked once, in words of their own, and new ones are seldom answered right, so "
        "pairs are learned as they are and nobody else is asked about",
    )


def test_documents_of_one_name_are_read_together():
    """Two lines of one title give one silver pair; its document is the line with the answer."""
    lines = [f"{person(50)}. The critic Eva Moor praised {person(50)} .", *(biography(n) for n in range(60))]
    book = read_open_book(corpus_of(*lines), PAIRS, seed=0)
    (pair,) = [pair for pair in book.pairs if pair.question == question(50)]
    assert (pair.answer, pair.document) == (town(50), 51)


def test_two_answers_given_to_one_question_are_both_kept():
    """If pairs ask about two people of one name, both answers are kept as silver pairs."""
    twice = pairs_of(*((pair.text, pair.answer or "") for pair in PAIRS.items), (question(3), town(4)))
    book = read_open_book(BOOK, twice, seed=0)
    assert {pair.answer for pair in book.pairs if pair.question == question(3)} == {town(3), town(4)}
    assert len(book.held_out) == 31


def test_documents_without_title_or_candidates_get_no_pair():
    """They are left out, the former with a note."""
    corpus = corpus_of(*(biography(n) for n in range(60)), "no title here", "Ole Rask. he left .")
    book = read_open_book(corpus, PAIRS, seed=0)
    assert len(book.pairs) == 60
    assert book.notes[0] == "corpus.txt: 1 of 62 documents have no title and so no silver pair"


def test_a_question_without_a_title_is_left_out_with_a_note():
    """The note names the line, and the other pairs are used."""
    pairs = pairs_of(("Where was Nobody born?", "Osk"), *((pair.text, pair.answer or "") for pair in PAIRS.items))
    assert read_open_book(BOOK, pairs, seed=0).notes[0] == (
        "pairs.tsv: 1 of 31 questions, the first in line 1, have no document's title in them and are not learned from"
    )


@pytest.mark.parametrize(
    ("corpus", "pairs", "message"),
    [
        (corpus_of("no title"), PAIRS, "corpus.txt: no document has a title; begin each with the name"),
        (BOOK, pairs_of(("Who?", "Osk")), "pairs.tsv: no question has a document's title in it; ask about the names"),
    ],
)
def test_files_that_teach_nothing_are_refused(corpus: Corpus, pairs: Questions, message: str):
    """One line names the file and what to do."""
    with pytest.raises(TextError) as caught:
        read_open_book(corpus, pairs, seed=0)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_few_pairs_are_learned_as_they_are():
    """Where fewer than three titles have stated answers, the silver pairs are the pairs, and one line says so."""
    pairs = pairs_of((question(0), town(0)), ("Who is Nobody?", "Osk"))
    book = read_open_book(corpus_of(biography(1), biography(0)), pairs, seed=0)
    assert book.pairs == (
        SilverPair(question(0), town(0), 1.0, 1),
        SilverPair("Who is Nobody?", "Osk", 1.0, NO_DOCUMENT),
    )
    assert book.held_out == ()
    assert book.notes == (
        "pairs.tsv: the documents state answers for fewer than 3 titles, so pairs are learned as they are and nobody "
        "else is asked about",
    )


def test_a_held_out_answer_has_no_influence_on_itself():
    """Replacing a training answer by a wrong one does not change the held-out answer to its question."""
    book = read_open_book(BOOK, PAIRS, seed=0)
    wrong = replace(PAIRS, items=(replace(PAIRS.items[0], answer="Nowhere"), *PAIRS.items[1:]))
    first = read_open_book(BOOK, wrong, seed=0).held_out[0]
    assert (first.answer, first.confidence) == (book.held_out[0].answer, book.held_out[0].confidence)
    assert not first.stated


def test_most_answers_about_a_small_world_are_right(tmp_path: Path):
    """More than half of the questions about people without a training pair are answered right."""
    files = write_world(WorldConfig(n_people=100), tmp_path / "world")
    book = read_open_book(read_corpus(files.corpus), read_pairs(files.train), seed=0)
    answers = {pair.question: pair.answer for pair in book.pairs}
    dev = read_pairs(files.dev).items
    assert sum(answers.get(item.text) == item.answer for item in dev) > len(dev) / 2


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)


@settings(max_examples=25)
@given(st.lists(words, max_size=8), st.lists(words, max_size=3), st.integers(0, 2**31))
def test_any_documents_are_read(texts: list[str], titled: list[str], seed: int):
    """Whatever the documents contain, an answer is a piece of its document and its confidence is in (0, 1]."""
    odd = [*texts, *(f"Ole Rask {n}. {text}" for n, text in enumerate(titled))]
    corpus = corpus_of(*(biography(n) for n in range(16)), *odd)
    pairs = pairs_of(*((question(n), town(n)) for n in range(12)))
    for pair in read_open_book(corpus, pairs, seed).pairs:
        assert pair.answer in corpus.documents[pair.document].text
        assert 0 < pair.confidence <= 1
