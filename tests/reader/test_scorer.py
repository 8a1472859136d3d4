"""The scorer of all templates."""

import numpy as np
import pytest

from closedbook.reader import titled
from closedbook.reader.scorer import Scorer
from closedbook.text.templates import Template

BORN, WORKED = Template("Where was ", " born?"), Template("Where did ", " work?")
TOWNS = ("Osk", "Rom", "Ulm", "Nord")


def documents(n: int) -> list[str]:
    """A line each about n people."""
    return [f"P{k}. P{k} was born in {TOWNS[k % 4]} and worked in {TOWNS[k * 3 % 4]} ." for k in range(n)]


def scorer(n: int, asked: dict[Template, dict[str, list[str]]]) -> Scorer:
    """A scorer of n people."""
    return Scorer(documents(n), {f"P{k}": [k] for k in range(n)}, asked, 0)


def asked_of(born: range, worked: range) -> dict[Template, dict[str, list[str]]]:
    """Pairs about some people."""
    return {
        BORN: {f"P{k}": [TOWNS[k % 4]] for k in born},
        WORKED: {f"P{k}": [TOWNS[k * 3 % 4]] for k in worked},
    }


def answers(found: Scorer, texts: list[str]) -> dict[tuple[Template, str], str]:
    """What was read about everybody else."""
    found.cross_fit()
    return {(template, title): texts[b.document][b.start : b.end] for template, title, b in found.best_answers()}


def test_titles_are_scored_alike_in_any_chunks(monkeypatch: pytest.MonkeyPatch):
    """The same answers and confidences, whatever is worked on together."""
    together = scorer(40, asked_of(range(20), range(10, 30)))
    held_out = together.cross_fit()
    best = list(together.best_answers())
    monkeypatch.setattr(titled, "_CHUNK", 30)
    apart = scorer(40, asked_of(range(20), range(10, 30)))
    assert apart.cross_fit() == held_out
    assert {(t, title): b.document for t, title, b in apart.best_answers()} == {
        (t, title): b.document for t, title, b in best
    }
    by_name = {(t, title): b.confidence for t, title, b in apart.best_answers()}
    assert [by_name[t, title] for t, title, _ in best] == pytest.approx([b.confidence for *_, b in best], rel=1e-4)


def test_a_template_with_three_pairs_learns_from_the_other():
    """It is told from the other by its own words in the documents."""
    found = answers(scorer(60, asked_of(range(30), range(30, 33))), documents(60))
    right = [found[WORKED, f"P{k}"] == TOWNS[k * 3 % 4] for k in range(40, 60)]
    assert np.mean(right) >= 0.9


def test_an_answer_of_a_shape_that_nobody_else_has_is_not_found_when_it_is_held_out():
    """It would give itself away: a reader that does not know it does not know its shape."""
    texts = documents(20)
    texts[3] = "P3. P3 was born in 77 and worked in Osk ."
    pairs = {BORN: {f"P{k}": [TOWNS[k % 4]] for k in range(12)} | {"P3": ["77"]}}
    ((_, best, is_stated),) = [
        one for one in Scorer(texts, {f"P{k}": [k] for k in range(20)}, pairs, 0).cross_fit()[0] if one[0] == "P3"
    ]
    assert texts[best.document][best.start : best.end] == "Osk"
    assert is_stated
