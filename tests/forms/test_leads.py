"""The name that a paragraph begins with, in the scripts and languages that the rules know."""

import pytest

from closedbook.forms.leads import lead_of

SMALL = {"use", "plug", "water"}
FOUND = {
    "Kelrus is a grey plant of the north.": "Kelrus",
    "Kelrus (from Old Fen: kel) is a grey plant.": "Kelrus",
    "Kelrus /ˈkɛlrʊs/ is a grey plant.": "Kelrus",
    "Kelrus, in trade also called grey fen, is a plant.": "Kelrus",
    "Kelrus or kelroos is a plant.": "Kelrus",
    "Haigusa Mori (灰草森, はいぐさ) is a painter.": "Haigusa Mori",
    "FMラジオ（エフエムラジオ）は、放送局である。": "FMラジオ",
    "Kelrus grows in the north. It is grey.": "Kelrus",
    "Mount Dornach rises to 3,120 metres.": "Mount Dornach",
    "The common velmouse (Vela vela) is a small animal.": "Common velmouse",
    "The velmouse is a small animal.": "Velmouse",
    "The Fen Singers were a band.": "Fen Singers",
    "Battle of Lunsk (1612) was lost by both.": "Battle of Lunsk",
    "Ann Bell (12 May 1840 – 3 June 1899) was a printer.": "Ann Bell",
    "J. R. Bell was a painter.": "J. R. Bell",
    "Dr. Grubb is an invented doctor.": "Dr. Grubb",
    "Malden X (born Malden Lee) was a writer.": "Malden X",
    "Kel++ is a language for programs.": "Kel++",
    "Velpo! is a shop on the web.": "Velpo!",
    "Fen Corp. is a company.": "Fen Corp.",
    "2071: A Fen Odyssey is a film.": "2071: A Fen Odyssey",
    "“The Grey Fen” is a novel.": "The Grey Fen",
    "La Fenta es una ciudad.": "La Fenta",
    "El velratón es un roedor.": "Velratón",
    "Der Kelwald ist ein Gebirge.": "Kelwald",
    "Velmont est une commune.": "Velmont",
    "Кельру́с (лат. Kelrus) — растение севера.": "Кельрус",
    "Дорнах — город на реке Лун.": "Дорнах",
    "Анна Петровна Белова (12 мая 1840 — 3 июня 1899) — художница.": "Анна Петровна Белова",
    "Η Κέλρα είναι πόλη της Φένης.": "Κέλρα",
    "كلروس هو نبات رمادي.": "كلروس",
    "دورناخ (بالإنجليزية: Dornach) مدينة.": "دورناخ",
    "קלרוס הוא צמח אפור.": "קלרוס",
    "दोरनाख फेन की राजधानी है।": "दोरनाख",
    "केलरस एक पौधा है।": "केलरस",
    "เคลรัสเป็นพืชสีเทา": "เคลรัส",
    "เคลรัส (Kelrus) คือพืช": "เคลรัส",
    "켈루스는 북쪽의 식물이다.": "켈루스",
    "켈루스(灰草)는 북쪽의 식물이다.": "켈루스",
    "灰草（はいそう、学名: Kelrus）は、北の植物である。": "灰草",
    "灰草は、北の植物である。": "灰草",
    "『灰色の沼』（はいいろのぬま）は、小説である。": "灰色の沼",
    "灰草，字北生，沼州人。": "灰草",
    "灰草（二○七一～二一三○），字北生，沼州人。": "灰草",
    "灰草是北方的植物。": "灰草",
}
NONE = [
    "Use vinegar once a month. Never use steel wool!",
    "Plug the cable into the port on the left, then plug in the lamp.",
    "In 1990, the town was moved.",
    "However, the plan was dropped.",
    "It is grey.",
    "В 1990 году город был перенесён.",
    "Στη Φένη, όλα είναι γκρι.",
    "この植物は灰色である。",
    "他是沼州人。",
    "在1990年，沼州人口增加。",
    "यह एक पौधा है।",
    "!!! ??? ...",
    "",
]


@pytest.mark.parametrize(("paragraph", "title"), FOUND.items())
def test_a_paragraph_is_titled_by_the_name_that_it_begins_with(paragraph: str, title: str) -> None:
    """Articles, brackets, verbs, appositions, stress marks and quotes are no part of the name."""
    lead = lead_of(paragraph, SMALL.__contains__)
    assert lead is not None
    assert lead.title == title


@pytest.mark.parametrize("paragraph", NONE)
def test_a_paragraph_that_names_nothing_first_has_no_title(paragraph: str) -> None:
    """Adverbials, pronouns, imperatives and signs begin no name."""
    assert lead_of(paragraph, SMALL.__contains__) is None
