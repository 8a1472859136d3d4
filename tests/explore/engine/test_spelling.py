"""Spelling in Chromium: what was typed is read as `closedbook ask` reads it."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from closedbook.evaluation.unknown import unknown_in_words
from closedbook.explore.facts import engine_facts
from closedbook.model.config import ModelConfig
from closedbook.storage.run import make_model
from closedbook.text.spelling import Spelling
from closedbook.text.title_index import _plain_character
from closedbook.text.vocabulary import Vocabulary
from closedbook.text.words import begins_at, ends_at

TITLES = [
    "Mele Vader",
    "Mele",
    "Vader",
    "O'Neil-Smith",
    "Ǻsa Öst",
    "東京",
    "서울",
    "Bo",
    "B",
    "the Who",
    "Straße",
    "नदी",
]
WORDINGS = [("Where was ", " born?"), ("When did ", " die?"), ("What is ", " known for?"), ("", "はどこ?")]
LETTERS = "\n 'Aabcdefghijklmnopqrstuvwxyz-?,.BMOSVWö東京서울ÖnǺनदीはどこ"
VOCABULARY = replace(Vocabulary.of_text(LETTERS).with_characters("").with_titles(TITLES), wordings=tuple(WORDINGS))
CLOSED = Vocabulary.of_text("abc ABC'?é ")
TYPED = [
    "Where was Mele Vader born?",
    "where was mele vader BORN ?",
    "In which town was Mele Vader born",
    "When was the death of Vader?",
    "Of what is O’Neil‑Smith known",
    "Ｗｈｅｒｅ　ｗａｓ　Ｂｏ　ｂｏｒｎ？",
    "Where was\u00a0Bo\u200b born⁇ □",
    "Where was Asa\u030a\u0301 O\u0308st born…",
    "Straße STRASSE straẞe",
    "ñandú Ñ ǅ ŉ ﬁ ½ ς Σ İ ı",
    "東京はどこ 東 京都 서울은 어디? नदीम नदी",
    "bo B b Bob",
    "xyzzy",
    "Who is the who?",
]
# Characters that are spelled otherwise, that mark words' edges, or that combine.
NASTY = "MeleVadr BoÖst'’‘\"-–—?？.,。\u0301\u0308\u030a東京서울नदी\u00a0\u3000\u200dａＢßﬁ½éÉøĐ…⁇□\u0345\u0334"


@pytest.fixture(scope="module")
def sent(page: Any) -> Callable[..., Any]:
    """Call a JavaScript function of a spelling and an argument; the vocabulary is open unless another is given."""

    def sent(function: str, argument: Any, vocabulary: Vocabulary = VOCABULARY) -> Any:
        model = make_model(ModelConfig(n_layer=1, n_head=1, n_embd=2), vocabulary)
        facts = engine_facts(model, vocabulary, None)["vocabulary"]
        return page.evaluate(
            f"""([facts, titles, wordings, argument]) =>
                ({function})(new Spelling(new Vocabulary(facts), titles, wordings), argument)""",
            [facts, vocabulary.titles, vocabulary.wordings, argument],
        )

    return sent


OF = "(spelling, texts) => texts.map((text) => spelling.of(text))"


@pytest.mark.parametrize("vocabulary", [VOCABULARY, CLOSED], ids=["open", "closed"])
def test_typed_questions_are_read_as_python_reads_them(vocabulary: Vocabulary, sent: Callable[..., Any]) -> None:
    """Signs, accents, case, wide letters, titles and wordings."""
    random = Random(0)
    drawn = ["".join(random.choice(NASTY) for _ in range(random.randrange(1, 25))) for _ in range(150)]
    named = [text[: len(text) // 2] + random.choice(TITLES) + text[len(text) // 2 :] for text in drawn]
    texts = [*TYPED, *drawn, *named]
    spelling = Spelling(vocabulary)
    assert sent(OF, texts, vocabulary) == [spelling.of(text) for text in texts]


def test_characters_are_compared_and_end_words_as_in_python(sent: Callable[..., Any]) -> None:
    """The plain form of characters of all scripts, and whether a word begins or ends beside them.

    The letters of Cherokee are compared by their other case, which makes no difference.
    """
    drawn = map(chr, [*range(32, 0x600), *range(0x600, 0x20000, 37)])
    characters = [c for c in drawn if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
    characters = [c for c in characters if not unicodedata.name(c, "").startswith("CHEROKEE")]
    found = sent(
        """(spelling, characters) => characters.map((c) => [
            plainCharacter(c), isEdge(["a", c], 1, IN_BEGIN), isEdge(["a", c], 1, IN_END)])""",
        characters,
    )
    assert found == [[_plain_character(c), begins_at(f"a{c}", 1), ends_at(f"a{c}", 1)] for c in characters]


def test_what_was_read_otherwise_is_noted(sent: Callable[..., Any]) -> None:
    """The note of a question says how it was read, and which characters are unknown; none where all is as typed."""
    notes = sent(
        "(spelling, typed) => typed.map((text) => spelling.asked(text, 60).note)",
        ["Where was Bo born?", *TYPED[:2], "жBo"],
    )
    assert notes == [
        None,
        None,
        "read as “Where was Mele Vader born?”",
        "“ж” (U+0436): not in the run's vocabulary",
    ]


def test_whom_a_question_names_is_said_as_in_python(sent: Callable[..., Any]) -> None:
    """For both states in which there is no answer."""
    questions = [
        "Where was Mele Vader born?",
        "Where?",
        "who?",
        "Where was Otto von der Au, Jr. and Ann born?",
        "Is A or B?",
    ]
    found = sent(
        "(spelling, texts) => texts.map((t) => ['never read', 'not told'].map((state) => unknownInWords(t, state)))",
        questions,
    )
    expected = [[unknown_in_words(q, state) for state in ("never read", "not told")] for q in questions]
    assert [[text.replace("“", "'").replace("”", "'") for text in of] for of in found] == expected
