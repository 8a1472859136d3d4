"""How outputs depend on order, and how the logit of a token with its copy depends on their distance."""

from closedbook.figures.style import COLOURS, FILL, SMALL, label, legend, row_of_axes
from closedbook.lab.figures.style import Figures, plot_simulation, plot_theory
from closedbook.lab.positions import PositionsResult

_ROUNDING = 1e-20


def draw(result: PositionsResult) -> Figures:
    """Left: change by reversing the sequence. Middle: change by a shift. Right: the logit over the distance."""
    figure, (order, shift, similarity) = row_of_axes(3, width=3.3, height=3.4)
    names = [each.kind for each in result.orders]
    changes = [each.change.value for each in result.orders]
    order.barh(names, changes, color=FILL, edgecolor=COLOURS[0])
    for bar, value in enumerate(changes):
        text = "unchanged" if value < _ROUNDING else f"changed ({value:.2f})"
        order.text(value, bar, f" {text}", va="center", fontsize=SMALL)
    order.set_xlim(0, 1.6 * max(changes))
    order.invert_yaxis()
    label(order, "Outputs when the sequence is reversed", "relative squared change", "")
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
