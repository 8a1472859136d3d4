import numpy as np
import pytest

from closedbook.reader.choice import ChoiceConfig, Weights, fit
from closedbook.reader.entries import CandidateTexts, Entries
from closedbook.reader.scorer import AlternativeScore
from closedbook.reader.table import Table
from closedbook.text.title_index import titles_of

DOCUMENTS = [
    "Al Ro. He met Ada in Osk .",
    "Bo Si. He met Ada in Rom .",
    "Cy Tu. He left .",
    "Al Ro. Osk honours him .",
    "Di Ut. She met Ada in Osk , not in Ulm .",
    "Di Ut. She left .",
]
ANSWERS = {"Al Ro": {"Osk"}, "Bo Si": {"Rom"}, "Cy Tu": {"Rom"}}


def test_a_title_outside_the_table_is_scored_as_one_inside():
    """Its alternatives have the scores that they have in a table of all titles, fitted on the same answers."""
    entries = Entries(DOCUMENTS, titles_of(DOCUMENTS), {"A"})
    texts = CandidateTexts(entries)
    part, whole = (Table(entries, texts, answers) for answers in (ANSWERS, {**ANSWERS, "Di Ut": {"Osk"}}))
    known = np.arange(3)

    def fitted(table: Table) -> Weights:
        return fit(table.choices(known).take(known), table.right[table.of_titles(known)], ChoiceConfig(), seed=0)

    scores = fitted(whole).scores(whole.choices(known))[whole.of_titles(np.array([3]))]
    score = AlternativeScore(fitted(part), part)
    assert len(set(scores)) == 6
    assert [score(one) for one in entries["Di Ut"].alternatives(texts.elsewhere)] == pytest.approx(scores, rel=1e-12)
