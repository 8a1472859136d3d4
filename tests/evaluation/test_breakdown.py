import pytest

from closedbook.evaluation.breakdown import NOT_STATED, Table, by_end, by_frequency
from closedbook.evaluation.score import Score
from closedbook.text.links import Fact, Statement


def fact(*ends: int) -> Fact:
    """A fact whose answer of three letters ends at `ends`, each in another document."""
    statements = tuple(Statement(number, end - 3, end) for number, end in enumerate(ends))
    return Fact("Who?", "Ulm", 1, "Ann", statements)


def scores(table: Table) -> dict[str, Score]:
    """A table's scores by their labels, in order."""
    return {row.label: row.score for row in table.rows}


@pytest.mark.parametrize(
    ("end", "label"), [(3, "1-32"), (32, "1-32"), (33, "33-48"), (64, "49-64"), (96, "81-96"), (97, "over 96")]
)
def test_a_bound_belongs_to_the_bin_that_it_closes(end: int, label: str):
    """Answers that end at a bound are in the bin below it, and the last bin is open."""
    assert scores(by_end([fact(end)], [True])) == {label: Score(1, 1)}


def test_answers_that_are_not_in_the_text_have_the_last_bin():
    """The least end of several documents counts; bins without a question are left out."""
    facts = [fact(), fact(200), fact(70, 31), fact(40), fact(41)]
    table = by_end(facts, [False, True, True, False, True])
    expected = {"1-32": Score(1, 1), "33-48": Score(1, 2), "over 96": Score(1, 1), NOT_STATED: Score(0, 1)}
    assert list(scores(table).items()) == list(expected.items())
    assert table.line() == (
        "by where the answer ends in its document (characters from its start): "
        "1-32: 100% of 1; 33-48: 50% of 2; over 96: 100% of 1; not in the text: 0% of 1"
    )


def test_the_frequency_of_an_answer_is_its_number_of_training_pairs():
    """The bins are never, 1, 2-5, 6-20 and over 20."""
    training = ["A"] * 21 + ["B"] * 20 + ["C"] * 6 + ["D"] * 5 + ["E"]
    table = by_frequency(["A", "B", "C", "D", "E", "F", "F"], training, [True, False, True, True, False, False, True])
    assert scores(table) == {
        "never": Score(1, 2),
        "1": Score(0, 1),
        "2-5": Score(1, 1),
        "6-20": Score(1, 2),
        "over 20": Score(1, 1),
    }
