"""The reader in several scripts, with ten documents that are asked about and ten that are not."""

from pathlib import Path

import pytest

from closedbook.reader.open_book import read_open_book
from closedbook.text.documents import Corpus
from closedbook.text.lines import Lines
from closedbook.text.questions import Question, Questions

# Document, question, syllables of names, colours: {0} is the name, {1} the colour, {2} a year.
TEXTS = {
    "English": (
        "{0}. It was bred in {2} and its flowers are {1} .", "Which colour is {0}?", "Ka Lo Mu Ri", "red blue white",
    ),
    "Russian": (
        "{0}. Сорт выведен в {2} году , цвет его {1} .", "Какого цвета {0}?", "Ка Ло Му Ри", "красный синий белый",
    ),
    "Greek": (
        "{0}. Καλλιεργείται από το {2} και έχει χρώμα {1} .", "Τι χρώμα έχει {0};", "Κα Λο Μυ Ρι", "κόκκινο μπλε λευκό",
    ),
    "Chinese": ("{0}。{0}，花色{1}，始於{2}年。", "{0}是什麼顏色？", "甲 乙 丙 丁", "紅 藍 白"),
    "Japanese": ("{0}。{0}の花は{1}で、{2}年に作られた。", "{0}は何色ですか？", "カ ロ ム リ", "赤色 青色 白色"),
    "Arabic": ("{0}. زُرع سنة {2} ولونه {1} .", "ما لون {0}؟", "كا لو مو ري", "أحمر أزرق أبيض"),
    "Hebrew": ("{0}. גדל משנת {2} וצבעו {1} .", "מה הצבע של {0}?", "קא לו מו רי", "אדום כחול לבן"),
    "Hindi": ("{0}। यह {2} से उगाया जाता है और इसका रंग {1} है ।", "{0} का रंग क्या है?", "का लो मु रि", "लाल नीला सफेद"),
    "Thai": ("{0}. ปลูกตั้งแต่ปี{2}ดอกมีสี{1}และหอม", "{0}มีสีอะไร", "กา โล มู รี", "แดง ฟ้า ขาว"),
}  # fmt: skip


@pytest.mark.parametrize("language", TEXTS)
def test_ten_pairs_are_enough_in_any_script(language: str, tmp_path: Path):
    """The others are read right, at least nine of ten."""
    document, question, syllables, colours = TEXTS[language]
    a, b, c, d = syllables.split()
    names = [first + second + last for first in (a, b, c, d) for second in (b, c, d) for last in (a, d)][:20]
    facts = [(name, colours.split()[k * 5 // 2 % 3], str(1900 + k)) for k, name in enumerate(names)]
    text = "".join(f"{document.format(*fact)}\n" for fact in facts)
    corpus = Corpus(tmp_path / "text.txt", Lines.of_bytes(text.encode()), range(1, 21), ())
    pairs = tuple(Question(question.format(name), colour, k) for k, (name, colour, _) in enumerate(facts[:10], 1))
    silver = {pair.question: pair.answer for pair in read_open_book(corpus, Questions(None, pairs), 0).pairs}
    right = [silver.get(question.format(name)) == colour for name, colour, _ in facts[10:]]
    assert len(right) == 10
    assert sum(right) >= 9
