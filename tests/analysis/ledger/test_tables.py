from closedbook.analysis.ledger.counts import Exposure
from closedbook.analysis.ledger.tables import by_asking, by_exposure
from closedbook.evaluation.breakdown import NOT_STATED, Table
from closedbook.evaluation.score import Score
from closedbook.text.links import Fact, Statement


def fact(*ends: int) -> Fact:
    """A fact whose answer of three letters ends at `ends`, each in another document."""
    statements = tuple(Statement(number, end - 3, end) for number, end in enumerate(ends))
    return Fact("Who?", "Ulm", 1, "Ann", statements)


def scores(table: Table) -> dict[str, Score]:
    """A table's scores by their labels, in order."""
    return {row.label: row.score for row in table.rows}


def test_facts_that_no_document_states_have_an_exposure_bin_of_their_own():
    """They are not counted as exposed zero times, since they cannot be exposed."""
    exposures = [Exposure(), Exposure(9, 9, 9, 0), Exposure(9, 9, 9, 3), Exposure(900, 900, 900, 301, asked=4)]
    facts = [fact(), fact(5), fact(5), fact(5)]
    right = [True, False, True, True]
    assert scores(by_exposure(facts, exposures, right)) == {
        "never": Score(0, 1),
        "1-3": Score(1, 1),
        "over 300": Score(1, 1),
        NOT_STATED: Score(1, 1),
    }
    assert scores(by_asking(exposures, right)) == {"never": Score(2, 3), "4-10": Score(1, 1)}
