from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedbook.examples.views import reorder, repeat_name
from closedbook.text.corpus import Span
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK, PAD

CLAUSES = (
    "Ada Byron ran off",
    "she was born in Bath",
    "Byron left",
    "so did Ada",
    "He sang (badly",
    "in Ohio)",
    "1815",
    '"',
    "",
)
MARKS = (", ", ". ", "; ", " . ", "? ", " ", ".", " (")
titles = st.sampled_from(["Ada Byron. ", "Ada J. Byron. ", "Ada X. ", "Ada. ", "ada byron. ", ""])
bodies = st.lists(st.tuples(st.sampled_from(CLAUSES), st.sampled_from(MARKS)).map("".join), min_size=2, max_size=7)
told = st.tuples(titles, bodies.map("".join)).map("".join)
documents = told | told | told | st.text(st.characters(exclude_characters=PAD + MASK, exclude_categories=["Cs"]))
seeds = st.integers(0, 2**31)


@st.composite
def tagged_documents(draw: st.DrawFn) -> tuple[str, Span]:
    """A document that is not all title, and a span of one character or more behind the title."""
    document = draw(documents.filter(lambda text: len(text) > title_length(text)))
    start = draw(st.integers(title_length(document), len(document) - 1))
    return document, (start, min(len(document), start + draw(st.integers(1, 23))))


def the_span(document: str, text: str) -> Span:
    """Where a text first stands in a document."""
    return document.index(text), document.index(text) + len(text)


def orders(document: str, n_draws: int = 500) -> set[str]:
    """What reordering a document comes to."""
    random = Random(3)
    return {reorder(document, random)[0] for _ in range(n_draws)}


# Full-name repetition


@pytest.mark.parametrize(
    ("document", "repeated"),
    [
        ("Ada Byron. Born in Bath, Byron wrote notes .", "Ada Byron. Born in Bath, Ada Byron wrote notes ."),
        ("Ada Byron. She wrote, and Ada's notes live.", "Ada Byron. Ada Byron wrote, and Ada Byron's notes live."),
        ("Ivo P. Fry. Ivo P. Fry ran. Fry won.", "Ivo P. Fry. Ivo P. Fry ran. Ivo P. Fry won."),
        (
            "Ivo de Vries. Ivo ran, as he says (Vries).",
            "Ivo de Vries. Ivo de Vries ran, as Ivo de Vries says (Ivo de Vries).",
        ),
        ("Andy O'Neill. In 1901 O'Neill left.", "Andy O'Neill. In 1901 O'Neill left."),
        ("Andy O'Neill. Later on O'Neill left.", "Andy O'Neill. Later on O'Neill left."),
        ("Andy O'Neill. Born in 1979, O'Neill left.", "Andy O'Neill. Born in 1979, Andy O'Neill left."),
        ("Élie Łoś. He met some Łoś of Łosice.", "Élie Łoś. Élie Łoś met some Élie Łoś of Łosice."),
    ],
)
def test_the_full_name_takes_the_place_of_its_parts(document: str, repeated: str):
    """First word, last word and 'he' or 'she' become the title's name; whole names stay as they are."""
    assert repeat_name(document)[0] == repeated


@pytest.mark.parametrize(
    "document",
    [
        "Ada Byron. Nancy Byron and Ada Lovelace met J. Byron and Lord Byron.",
        "Ada Byron. Byronic, McByron, Byron-like, D'Byron, Ada-Byron and adagio.",
        "Ada Byron. Born in Byron and brought to Ada near the Byron of old.",
        "April May. Born on 3 May and baptised on April 5 or May 1815.",
        "Ivo P. de Vries. Ivo P de Vries ran and Ivo de Vries won beside Jan van Vries.",
        "Ana P. y Vries. Ana P y Vries ran.",
        "Ada Byron. He met her and she met him.",
        "Ada Byron. He Zhi and He 2 met.",
        "The Byrons. The band of In For split, and the end of The was near.",
        "Malcolm X. X marks it.",
        "Bath. She was born here and Bath was glad.",
        "Folk music. She sings in folk or in music.",
        "no title, and she was born.",
        "",
    ],
)
def test_what_may_be_somebody_elses_name_is_left(document: str):
    """Beside capitals, numbers, small words and parts of the name, in other words, with both pronouns or no name."""
    assert repeat_name(document) == (document, None)


def test_repetition_moves_the_span_behind_it_and_leaves_the_span():
    """A span goes as far as the names before it grew, and a part of the name within it is not replaced."""
    document = "Ada Byron. She left. Byron died at Byron Hall, and she lies in Bath."
    repeated, span = repeat_name(document, the_span(document, "Bath"))
    assert repeated == "Ada Byron. Ada Byron left. Ada Byron died at Byron Hall, and Ada Byron lies in Bath."
    assert span == the_span(repeated, "Bath")
    document = "Ada Byron. Her cat was called Byron, so she said."
    repeated, span = repeat_name(document, the_span(document, "called Byron"))
    assert repeated == "Ada Byron. Her cat was called Byron, so Ada Byron said."
    assert span == the_span(repeated, "called Byron")


@given(tagged_documents())
def test_repetition_keeps_title_and_span(tagged: tuple[str, Span]):
    """Whatever the document, the span has its characters, the title stays in front, and nothing gets shorter."""
    document, (start, end) = tagged
    repeated, span = repeat_name(document, (start, end))
    assert span is not None
    assert repeated[slice(*span)] == document[start:end]
    assert repeated[: title_length(repeated)] == document[: title_length(document)]
    name = document[: title_length(document)].removesuffix(". ")
    n_names = repeated.count(name) - document.count(name) if name else 0
    assert (repeated == document) == (n_names == 0)


# Another order


def test_clauses_come_in_each_other_order():
    """Three clauses come in the five other orders; marks, capitals and the title stay where they are."""
    document = "Ada Byron. Born in Bath, Byron wrote long notes. Afterwards she died ."
    assert orders(document) == {
        "Ada Byron. Born in Bath, Afterwards she died. Byron wrote long notes .",
        "Ada Byron. Byron wrote long notes, Born in Bath. Afterwards she died .",
        "Ada Byron. Byron wrote long notes, Afterwards she died. Born in Bath .",
        "Ada Byron. Afterwards she died, Born in Bath. Byron wrote long notes .",
        "Ada Byron. Afterwards she died, Byron wrote long notes. Born in Bath .",
    }


def test_orders_are_drawn_evenly():
    """Each of the five other orders of three clauses comes in a fifth of the draws."""
    random = Random(5)
    document = "Ada Byron. She ran; she sang; she wrote."
    drawn = Counter(reorder(document, random)[0] for _ in range(5000))
    assert len(drawn) == 5
    assert min(drawn.values()) > 900


@pytest.mark.parametrize(
    ("document", "clauses"),
    [
        ("Ada Byron. She ran and fell; died.", {"She ran and fell", "died"}),
        ("Ada Byron. Was she there? Nobody knows!", {"Was she there", "Nobody knows"}),
        ("She went to the Bath fair, where she met him", {"She went to the Bath fair", "where she met him"}),
        ("Ada Byron. Born in Bath, Ohio, she was happy .", {"Born in Bath, Ohio", "she was happy"}),
        ("Ada Byron. She ran) and fell; died.", {"She ran) and fell", "died"}),
        ("Andy O'Neill. Born in Bath, O'Neill ran off.", {"Born in Bath", "O'Neill ran off"}),
        ("Ada Byron. She was born in 1815 . In Bath she died .", {"She was born in 1815", "In Bath she died"}),
    ],
)
def test_clauses_are_cut_at_marks(document: str, clauses: set[str]):
    """At ends of sentences, at semicolons, and at commas before small letters or the name."""
    (other,) = orders(document, 7)
    front = document[: title_length(document)]
    first, second = sorted(clauses, key=document.index)
    between = document.removeprefix(front + first).partition(second)[0]
    behind = document[document.index(second) + len(second) :]
    assert other == front + second + between + first + behind


@pytest.mark.parametrize(
    "document",
    [
        "Ada Byron. She was born in Bath, Ohio and died there too.",
        "Ada Byron. She was born on 10 December, 1815 in the old town.",
        "Ada Byron. She was (so they say; it is told. Who knows, it may be so) a fine writer.",
        'Ada Byron. She said "it is so; it is as I say" and was gone.',
        "Ada Byron. She said ``it is so; it is as I say'' and was gone.",
        "Ada Byron. She was a writer, painter, dancer and cook.",
        "Ada Byron. She met Capt. Smith and J. Smith and St. Denis of Bath in the U.S. Navy.",
        "Ada Byron. She wrote ca. Two books in No. Nine of it.",
        "Ada Byron. She wrote (this bracket has no end; and so it goes on.",
        "Ada Byron. ",
        "one clause",
        "",
    ],
)
def test_what_belongs_together_is_one_clause(document: str):
    """Places, dates, lists, abbreviations and what stands in brackets or quotes are not cut; one clause stays."""
    assert orders(document, 7) == {document}


def test_reordering_moves_the_span_with_its_clause():
    """A span over two clauses makes one of them, and one of the three that are left goes with it."""
    document = "Ada Byron. She ran; she sang in Bath; she wrote; she died."
    for text in ("Bath", "sang in Bath; she", "She ran", "she died", "; she wrote", "she died."):
        random = Random(7)
        places = set()
        for _ in range(100):
            other, span = reorder(document, random, the_span(document, text))
            assert other != document
            assert span == the_span(other, text)
            places.add(span)
        assert len(places) > 1


@given(tagged_documents(), seeds)
def test_reordering_keeps_title_span_and_characters(tagged: tuple[str, Span], seed: int):
    """Whatever the document, the span is never cut, the title stays in front, and no character comes or goes."""
    document, (start, end) = tagged
    other, span = reorder(document, Random(seed), (start, end))
    assert span is not None
    assert other[slice(*span)] == document[start:end]
    assert other[: title_length(other)] == document[: title_length(document)]
    assert Counter(other) == Counter(document)


@given(documents, seeds)
def test_views_need_no_span(document: str, seed: int):
    """Without a span a document has the same views, but for what the span kept together, and no span comes of it."""
    assert repeat_name(document)[1] is None
    other, span = reorder(document, Random(seed))
    assert span is None
    assert Counter(other) == Counter(document)


def test_a_view_that_would_move_the_titles_end_is_not_taken():
    """'Malcolm X.' is a title since he comes again and goes on otherwise; before 'left' it would be none."""
    document = "Malcolm X. In May Malcolm X left; left for good."
    assert title_length(document) == len("Malcolm X. ")
    assert title_length("Malcolm X. left for good; In May Malcolm X left.") == 0
    assert orders(document, 7) == {document}
