from itertools import combinations

import pytest

from closedbook.analysis.ledger.figure import draw_tables, finding
from closedbook.evaluation.breakdown import NOT_STATED, Row, Table, by_end, by_frequency
from closedbook.evaluation.score import Score
from closedbook.figures.pictures import as_png, as_svg_file
from closedbook.figures.style import SMALLEST_TEXT, smallest_text
from closedbook.text.links import Fact, Statement


def test_the_figure_is_the_same_for_the_same_tables_and_names_its_axes():
    """SVG and PNG have the same bytes each time, and each panel is labelled with its table's axis."""
    stated, missing = (Fact("Who?", "Ulm", 1, "Ann", statements) for statements in ((Statement(0, 2, 5),), ()))
    tables = [by_end([stated, missing], [True, False]), by_frequency(["A"], [], [True])]
    figure = draw_tables(tables)
    assert as_svg_file(figure) == as_svg_file(draw_tables(tables))
    assert as_png(figure) == as_png(draw_tables(tables))
    assert as_svg_file(figure).startswith(b"<?xml")
    left, right = figure.axes
    assert left.get_ylabel().replace("\n", " ") == "right answers (%), with the 95% interval"
    assert left.get_xlabel().replace("\n", " ") == tables[0].axis
    assert right.get_xlabel().replace("\n", " ") == tables[1].axis
    assert [tick.get_text().split("\n")[-1] for tick in left.get_xticklabels()] == ["n=1", "n=1"]


def table(*rows: tuple[str, int, int]) -> Table:
    """A table of bins, right answers and questions."""
    return Table("end", "where the answer ends (characters)", tuple(Row(name, Score(*score)) for name, *score in rows))


def test_a_title_says_where_the_fewest_and_the_most_are_right():
    """Bins of under ten questions, and questions that the text does not answer, do not decide it."""
    found = table(("never", 2, 20), ("1-3", 9, 30), ("4-10", 20, 40), ("11-30", 9, 9), (NOT_STATED, 0, 30))
    assert finding(found) == "Right: 10% (never) to 50% (4-10)"


def test_a_title_needs_two_bins_that_differ():
    """One bin, or two of one accuracy, have no finding; small bins are compared where there are no others."""
    assert finding(table(("never", 2, 20))) == ""
    assert finding(table(("never", 2, 20), ("1-3", 3, 30))) == ""
    assert finding(table(("never", 0, 2), ("1-3", 3, 3))) == "Right: 0% (never) to 100% (1-3)"


@pytest.mark.parametrize("n_tables", [1, 2, 3, 4])
def test_two_panels_are_in_a_row_and_nothing_overlaps(n_tables: int):
    """The figure is as wide as a forge shows it, with text of 9 pixels at least, whatever the number of tables."""
    labels = ("never", "1-3", "4-10", "11-30", "31-100", "101-300", "over 300", NOT_STATED)
    figure = draw_tables([table(*((label, 5 * i, 100) for i, label in enumerate(labels)))] * n_tables)
    assert smallest_text(figure) >= SMALLEST_TEXT
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == n_tables
    texts = [text for axes in panels for text in (*axes.get_xticklabels(), axes.xaxis.label, axes._left_title)]
    boxes = [text.get_window_extent() for text in texts]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
