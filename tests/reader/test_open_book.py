"""The open-book reader: what it links, learns, says and how sure it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closedbook.errors import TextError
from closedbook.reader.open_book import OpenBook, Template, link_templates, read_open_book
from closedbook.reader.table import Table
from closedbook.text.documents import Corpus, Document, read_corpus
from closedbook.text.links import titles_of
from closedbook.text.questions import Question, Questions, read_pairs
from closedbook.world.world import WorldConfig, write_world

SYLLABLES = ("Bor", "Dal", "Fen", "Gul", "Kel", "Mur", "Nor", "Pim", "Ros", "Tev")
TOWNS = ("Travoss", "Vimera", "Zorvik", "Osk", "Lundmar", "Ünye")
WORDINGS = (
    "{} (born 3 May {} in {}) met Ada Stone in {}",
    "{}, who worked for Eva Moor, was born at {} in {} and left for {}",
)


def corpus_of(*texts: str) -> Corpus:
    """A corpus of such documents, read from no file."""
    documents = tuple(Document(text, number) for number, text in enumerate(texts, 1))
    return Corpus(Path("corpus.txt"), "\n".join(texts), documents, ())


def pairs_of(*pairs: tuple[str, str]) -> Questions:
    """A file of such pairs, read from no file."""
    items = tuple(Question(question, answer, number) for number, (question, answer) in enumerate(pairs, 1))
    return Questions(Path("pairs.tsv"), items)


def person(number: int) -> str:
    """A name, one a number below 100."""
    return f"{SYLLABLES[number % 10]}an {SYLLABLES[number // 10]}ik"


def town(number: int) -> str:
    """Where a person was born."""
    return TOWNS[number % len(TOWNS)]


def biography(number: int) -> str:
    """A line that states a town of birth, a year and another town."""
    home, other, year = town(number), town(number * 5 + 2), str(1900 + number)
    if number % 2:
        return f"{person(number)}. " + WORDINGS[0].format(person(number), year, home, other) + " ."
    return f"{person(number)}. " + WORDINGS[1].format(person(number), home, year, other) + " ."


def question(number: int) -> str:
    """What is asked about a person."""
    return f"Where was {person(number)} born?"


BOOK = corpus_of(*(biography(n) for n in range(60)))
PAIRS = pairs_of(*((question(n), town(n)) for n in range(30)))


@pytest.fixture(scope="module")
def book() -> OpenBook:
    """What a reader of 60 lines and 30 pairs says."""
    return read_open_book(BOOK, PAIRS, seed=0)


def test_everyone_gets_a_silver_pair(book: OpenBook):
    """Whoever has a document gets the question and, in plain wordings, the right answer out of it."""
    said = {pair.question: pair for pair in book.pairs}
    assert set(said) == {question(n) for n in range(60)}
    assert all(said[question(n)].answer == town(n) for n in range(60))
    assert all(said[question(n)].document == n for n in range(60))


def test_given_answers_are_certain_and_others_are_not(book: OpenBook):
    """Training people have confidence 1; what the reader found has less, and more than a guess."""
    confidence = {pair.question: pair.confidence for pair in book.pairs}
    assert all(confidence[question(n)] == 1 for n in range(30))
    assert all(0.5 < confidence[question(n)] < 1 for n in range(30, 60))


def test_held_out_answers_are_told(book: OpenBook):
    """Each training question was answered by a reader that did not know its answer, and a note says how well."""
    assert [(item.question, item.expected) for item in book.held_out] == [(question(n), town(n)) for n in range(30)]
    assert book.n_right == 30
    assert book.notes == ("'Where was {} born?': right on 30 of 30 held-out questions",)


def test_a_seed_gives_one_book(book: OpenBook):
    """The same files and seed give the same pairs and confidences, bit for bit."""
    assert read_open_book(BOOK, PAIRS, seed=0) == book


def test_an_odd_document_is_answered_with_less_confidence():
    """A line in a wording that no training line has, with no town of birth in it, gets a doubtful answer."""
    odd = "Ole Rask. Vimera hired Ole Rask and Travoss sang ."
    book = read_open_book(corpus_of(*(biography(n) for n in range(60)), odd), PAIRS, seed=0)
    confidence = {pair.question: pair.confidence for pair in book.pairs}
    assert confidence["Where was Ole Rask born?"] < min(confidence[question(n)] for n in range(30, 60))


def test_none_of_them_is_learnt():
    """Lines that never state the answer in their wording make the candidates of a like line improbable."""
    silent = [f"{person(n)}. Critics in {town(n + 1)} praised {person(n)} ." for n in range(60, 90)]
    corpus = corpus_of(*(biography(n) for n in range(60)), *silent)
    pairs = pairs_of(*((question(n), town(n)) for n in [*range(30), *range(60, 80)]))
    confidence = {pair.question: pair.confidence for pair in read_open_book(corpus, pairs, seed=0).pairs}
    assert max(confidence[question(n)] for n in range(80, 90)) < min(confidence[question(n)] for n in range(30, 60))


def test_each_template_has_a_scorer_of_its_own():
    """Two relations are read side by side: the town and the year; no answer is of the other's kind."""
    asked = [(question(n), town(n)) for n in range(30)]
    asked += [(f"In which year was {person(n)} born?", str(1900 + n)) for n in range(20, 50)]
    said = {pair.question: pair.answer for pair in read_open_book(BOOK, pairs_of(*asked), seed=0).pairs}
    assert len(said) == 120
    assert all(said[question(n)] == town(n) for n in range(60))
    assert all(said[f"In which year was {person(n)} born?"] == str(1900 + n) for n in range(60))


def test_a_template_of_few_pairs_is_left_out_and_told():
    """Too few pairs of a wording teach nothing; a note says which."""
    few = [(f"Who is {person(n)}?", "Ada Stone") for n in range(4)]
    pairs = pairs_of(*few, *((pair.text, pair.answer or "") for pair in PAIRS.items))
    book = read_open_book(BOOK, pairs, seed=0)
    assert {pair.question for pair in book.pairs} == {question(n) for n in range(60)}
    assert book.notes[0] == (
        "pairs.tsv: 'Who is {}?' is left out: the documents state 2 of the answers for 4 titles, and 10 are needed"
    )


def test_documents_of_one_name_are_read_together():
    """Two lines of one title make one question; its document is the line that the answer comes from."""
    lines = [f"{person(50)}. The critic Eva Moor praised {person(50)} .", *(biography(n) for n in range(60))]
    book = read_open_book(corpus_of(*lines), PAIRS, seed=0)
    (pair,) = [pair for pair in book.pairs if pair.question == question(50)]
    assert (pair.answer, pair.document) == (town(50), 51)


def test_two_answers_given_to_one_question_are_both_kept():
    """Two people of one name, both asked about: both given answers are silver pairs."""
    twice = pairs_of(*((pair.text, pair.answer or "") for pair in PAIRS.items), (question(3), town(4)))
    book = read_open_book(BOOK, twice, seed=0)
    assert {pair.answer for pair in book.pairs if pair.question == question(3)} == {town(3), town(4)}
    assert len(book.held_out) == 31


def test_documents_without_title_or_candidates_get_no_pair():
    """They are passed over, the former with a note."""
    corpus = corpus_of(*(biography(n) for n in range(60)), "no title here", "Ole Rask. he left .")
    book = read_open_book(corpus, PAIRS, seed=0)
    assert len(book.pairs) == 60
    assert book.notes[0] == "corpus.txt: 1 of 62 documents without a title and so without silver pairs"


def test_a_question_without_a_title_is_told():
    """Its line is named, and the rest is learnt from."""
    pairs = pairs_of(("Where was Nobody born?", "Osk"), *((pair.text, pair.answer or "") for pair in PAIRS.items))
    assert read_open_book(BOOK, pairs, seed=0).notes[0] == (
        "pairs.tsv: 1 of 31 questions, the first in line 1, have no document's title in them and are not learnt from"
    )


@pytest.mark.parametrize(
    ("corpus", "pairs", "message"),
    [
        (corpus_of("no title"), PAIRS, "corpus.txt: no document has a title; begin each with the name"),
        (BOOK, pairs_of(("Who?", "Osk")), "pairs.tsv: no question has a document's title in it; ask about the names"),
        (
            corpus_of(biography(0)),
            pairs_of((question(0), town(0))),
            "pairs.tsv: too few pairs to learn from; 'Where was {} born?' is left out",
        ),
    ],
)
def test_what_teaches_nothing_is_a_fault(corpus: Corpus, pairs: Questions, message: str):
    """One line names the file and the way out."""
    with pytest.raises(TextError) as caught:
        read_open_book(corpus, pairs, seed=0)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("title", "text", "template"),
    [
        ("Al Ro", "Also, where was Al Ro born?", Template("Also, where was ", " born?")),
        ("J. R. Smith", "Is J. R. Smith {it}?", Template("Is ", " {it}?")),
        ("St. John", "St. John's home?", Template("", "'s home?")),
        ("Moses Grove", "Where is Moses Grove", Template("Where is ", "")),
    ],
)
def test_a_question_is_a_template_around_a_title(title: str, text: str, template: Template):
    """The longest title that stands in it as whole words is cut out, and put back it gives the question."""
    titles = titles_of([f"{title}. It is .", "Al. He is .", "Smith. He is .", "John. He is .", "Grove. It is ."])
    pair = Question(text, "Osk", 1)
    assert link_templates([pair], titles).templates == {template: {title: [pair]}}
    assert template.ask(title) == text


def test_an_answer_of_one_title_alone_is_not_known_from_itself():
    """What the memory says of a candidate is the same whether or not its own title's answer is known."""
    documents = [document.text for document in BOOK.documents]
    answers = {person(n): {town(n)} for n in range(30)}
    answers[person(7)] = {"Ada"}
    table = Table(documents, titles_of(documents), answers, {"A"})
    everyone, others = np.arange(30), np.delete(np.arange(30), 7)
    own = table.of_titles(np.array([7]))
    np.testing.assert_array_equal(table.choices(everyone).dense[own], table.choices(others).dense[own])
    (ada,) = [k for k in own if table.texts[table.text_of[k]] == "Ada"]
    assert table.right[ada]
    assert table.choices(everyone).dense[ada, 0] == 0
    # Another's candidate of the same text does know of it.
    (other,) = [k for k in table.of_titles(np.array([9])) if table.texts[table.text_of[k]] == "Ada"]
    assert table.choices(everyone).dense[other, 0] == 1
    assert table.choices(others).dense[other, 0] == 0


def test_answers_that_are_held_out_change_nothing_that_is_said():
    """A held-out answer is by a reader of the other folds: replacing it by a lie leaves what is said as it was."""
    book = read_open_book(BOOK, PAIRS, seed=0)
    lied = replace(PAIRS, items=(replace(PAIRS.items[0], answer="Nowhere"), *PAIRS.items[1:]))
    first = read_open_book(BOOK, lied, seed=0).held_out[0]
    assert (first.answer, first.confidence) == (book.held_out[0].answer, book.held_out[0].confidence)
    assert not first.stated


def test_the_built_in_world_is_read(tmp_path: Path):
    """In a small world most of what is said about people never asked about is true."""
    files = write_world(WorldConfig(n_people=100), tmp_path / "world")
    book = read_open_book(read_corpus(files.corpus), read_pairs(files.train), seed=0)
    said = {pair.question: pair.answer for pair in book.pairs}
    dev = read_pairs(files.dev).items
    assert sum(said.get(item.text) == item.answer for item in dev) > len(dev) / 2


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)


@settings(max_examples=25)
@given(st.lists(words, max_size=8), st.lists(words, max_size=3), st.integers(0, 2**31))
def test_any_documents_are_read(texts: list[str], titled: list[str], seed: int):
    """Whatever stands in documents, an answer is a piece of its document and its confidence in (0, 1]."""
    odd = [*texts, *(f"Ole Rask {n}. {text}" for n, text in enumerate(titled))]
    corpus = corpus_of(*(biography(n) for n in range(16)), *odd)
    pairs = pairs_of(*((question(n), town(n)) for n in range(12)))
    for pair in read_open_book(corpus, pairs, seed).pairs:
        assert pair.answer in corpus.documents[pair.document].text
        assert 0 < pair.confidence <= 1
