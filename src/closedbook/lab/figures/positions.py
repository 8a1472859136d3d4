"""How outputs depend on order, and how the logit of a token with its copy depends on their distance."""

from closedbook.figures.style import COLOURS, FILL, label, legend, row_of_axes
from closedbook.lab.figures.style import Figures, plot_simulation, plot_theory
from closedbook.lab.positions import PositionsResult

_ROUNDING = 1e-33


def draw(result: PositionsResult) -> Figures:
    """Left: change by reversing the sequence. Middle: change by a shift. Right: the logit over the distance."""
    figure, (order, shift, similarity) = row_of_axes(3, width=3.9, height=3.4)
    names = [each.kind for each in result.orders]
    changes = [max(each.change.value, _ROUNDING) for each in result.orders]
    order.barh(names, changes, color=FILL, edgecolor=COLOURS[0])
    for bar, value in enumerate(changes):
        order.text(value * 2, bar, "rounding" if value < 1e-20 else f"{value:.2f}", va="center", fontsize=8)
    order.set_xscale("log")
    order.set_xlim(_ROUNDING, 1e6)
    order.invert_yaxis()
    label(order, "Change when the sequence is reversed", "relative squared change of the output", "")
    kinds = [point.kind for point in result.points]
    values = [point.shift_change.simulation for point in result.points]
    shift.barh(kinds, values, color=FILL, edgecolor=COLOURS[0], label="measured")
    shift.plot([point.shift_change.theory for point in result.points], kinds, "kD", markersize=5, label="theory")
    shift.set_xlim(left=-0.02 * max(values))
    shift.invert_yaxis()
    legend(shift)
    title = f"Two tokens {result.distance} apart, both moved by {result.shift}"
    label(shift, title, "mean square change of their logit (nats²)", "")
    away = [float(distance) for distance in range(result.config.n)]
    for number, point in enumerate(result.points):
        plot_theory(similarity, away, [each.theory for each in point.similarity], number, point.kind)
        plot_simulation(similarity, away[::3], point.similarity[::3], number)
    label(similarity, "Logit of a token with its copy", "distance (tokens)", "mean logit (nats)")
    legend(similarity)
    return {"positions": figure}
