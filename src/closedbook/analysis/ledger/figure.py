"""The ledger's figure: accuracy by exposure, by position in the document and by how common the answer is.

matplotlib is imported where it is used, since importing it is slow. None of the user's text is drawn.
"""

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from closedbook.evaluation.breakdown import NOT_STATED, Table

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

_FEWEST_BARS = 3.5
_INCHES_A_BAR = 0.62
_LETTERS_A_BAR = 7.5


def draw_tables(tables: Sequence[Table]) -> "matplotlib.figure.Figure":
    """One panel for each table, all on one scale; readable in black and white."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    widths = [_width(table) for table in tables]
    figure = Figure(figsize=(1 + _INCHES_A_BAR * sum(widths), 4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False, width_ratios=widths)[0]
    for axes, table in zip(panels, tables, strict=True):
        _panel(axes, table)
    panels[0].set_ylabel("right answers (%),\nwith the 95% interval")
    panels[0].set_ylim(0, 100)
    return figure


def _width(table: Table) -> float:
    """The width of a panel in bars; its label needs some, however few bars there are."""
    return max(_FEWEST_BARS, len(table.rows))


def _panel(axes: "matplotlib.axes.Axes", table: Table) -> None:
    """One bar for each bin, with the whiskers of its interval, and its number of questions below."""
    for x, row in enumerate(table.rows):
        low, high = (100 * end for end in row.score.interval)
        hatch = "///" if row.label == NOT_STATED else None
        axes.bar(x, 100 * row.score.accuracy, 0.7, color="0.8", edgecolor="black", hatch=hatch)
        axes.plot([x, x], [low, high], "_-", color="black", markersize=7)
    # "not in the text" takes two lines, so all labels do.
    labels = ["not in\nthe text" if row.label == NOT_STATED else f"{row.label}\n" for row in table.rows]
    ticks = [f"{label}\nn={row.score.n_questions}" for label, row in zip(labels, table.rows, strict=True)]
    axes.set_xticks(range(len(table.rows)), ticks, fontsize=8)
    middle, half = (len(table.rows) - 1) / 2, _width(table) / 2
    axes.set_xlim(middle - half, middle + half)
    axes.set_xlabel(fill(table.axis, int(_LETTERS_A_BAR * _width(table))), fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
