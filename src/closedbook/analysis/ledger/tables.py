"""The ledger's tables: scores by how often training exposed the answer or asked the question."""

from collections.abc import Sequence

from closedbook.analysis.ledger.counts import Exposure
from closedbook.evaluation.breakdown import Table, table
from closedbook.text.links import Fact

_EXPOSURES = (-1, 0, 3, 10, 30, 100, 300)


def by_exposure(facts: Sequence[Fact], exposures: Sequence[Exposure], right: Sequence[bool]) -> Table:
    """Scores by how often training masked the answer in the form of an answer."""
    times = [e.in_answer_form if fact.statements else None for fact, e in zip(facts, exposures, strict=True)]
    return table("in_answer_form", "exposures in the form of an answer (times)", _EXPOSURES, times, right)


def by_asking(exposures: Sequence[Exposure], right: Sequence[bool]) -> Table:
    """Scores by how often the question itself was trained on."""
    times = [exposure.asked for exposure in exposures]
    return table("asked", "how often the question was itself an example (times)", _EXPOSURES, times, right)
