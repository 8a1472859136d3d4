from closedbook.analysis.ledger.figure import draw_tables
from closedbook.evaluation.breakdown import by_end, by_frequency
from closedbook.figures.pictures import as_png, as_svg_file
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
