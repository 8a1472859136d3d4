"""The ledger's figure: accuracy by exposure, by position in the document and by how common the answer is.

matplotlib is imported where it is used, since importing it is slow. None of the user's text is drawn.
"""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from closedbook.evaluation.breakdown import NOT_STATED, Table
from closedbook.figures.style import COLOURS, FILLS, TEXT, TINY, TITLE, WIDTH, blank, plain

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

_FEWEST_BARS = 5
_HEIGHT = 3.5
_LETTERS = 92
"""Letters of the axes' names that fit below the panels of a row."""
_FEW = 10
"""A bin of fewer questions than this does not decide what a panel's title says."""


def draw_tables(tables: Sequence[Table], titles: Sequence[str] = ()) -> "matplotlib.figure.Figure":
    """One panel for each table, two in a row, all on one scale.

    A title says what the panel shows: one of `titles`, if they are given, else where the fewest and the most are right.
    """
    titles = titles or [finding(table) for table in tables]
    n_columns = min(2, len(tables))
    rows = [tables[i : i + 2] for i in range(0, len(tables), 2)]
    figure = blank(WIDTH * n_columns / 2, _HEIGHT * len(rows))
    for part, row in zip(figure.subfigures(len(rows), 1, squeeze=False)[:, 0], rows, strict=True):
        widths = [_width(table) for table in row] + [_FEWEST_BARS] * (n_columns - len(row))
        panels = part.subplots(1, n_columns, sharey=True, squeeze=False, width_ratios=widths)[0]
        for axes, table, width in zip(panels, row, widths, strict=False):
            _panel(axes, table, int(_LETTERS * width / sum(widths) * n_columns / 2))
            axes.set_title(titles[tables.index(table)], loc="left", fontsize=TITLE)
        for axes in panels[len(row) :]:
            axes.set_axis_off()
        panels[0].set_ylabel("right answers (%),\nwith the 95% interval", fontsize=TEXT)
        panels[0].set_ylim(0, 100)
    return figure


def finding(table: Table) -> str:
    """Where the most and where the fewest are right, among the bins that the text states and that are not small."""
    stated = [row for row in table.rows if row.label != NOT_STATED]
    rows = [row for row in stated if row.score.n_questions >= _FEW] or stated
    if len(rows) < 2:
        return ""
    most, fewest = (choose(rows, key=lambda row: row.score.accuracy) for choose in (max, min))
    if most.score.accuracy == fewest.score.accuracy:
        return ""
    low, high = (f"{row.score.accuracy:.0%} ({row.label})" for row in (fewest, most))
    return f"Right: {low} to {high}"


def _width(table: Table) -> int:
    """The width of a panel in bars; its label needs some, however few bars there are."""
    return max(_FEWEST_BARS, len(table.rows))


def _panel(axes: "matplotlib.axes.Axes", table: Table, n_letters: int) -> None:
    """One bar for each bin, with the whiskers of its interval, and its number of questions below."""
    for x, row in enumerate(table.rows):
        low, high = (100 * end for end in row.score.interval)
        hatch = "///" if row.label == NOT_STATED else None
        axes.bar(x, 100 * row.score.accuracy, 0.7, color=FILLS[0], edgecolor=COLOURS[0], hatch=hatch)
        axes.plot([x, x], [low, high], "_-", color="black", markersize=6, linewidth=1)
    # "not in the text" takes two lines, so all labels do.
    labels = ["not in\nthe text" if row.label == NOT_STATED else f"{row.label}\n" for row in table.rows]
    ticks = [f"{label}\nn={row.score.n_questions}" for label, row in zip(labels, table.rows, strict=True)]
    plain(axes, "", fill(table.axis, n_letters))
    axes.set_xticks(range(len(table.rows)), ticks, fontsize=TINY)
    middle, half = (len(table.rows) - 1) / 2, _width(table) / 2
    axes.set_xlim(middle - half, middle + half)
