"""What order changes, and what the logit of a token with its copy says of their distance."""

from closedbook.lab.figures.style import COLOURS, FILL, Figures, label, legend, plots, simulated, theory
from closedbook.lab.positions import PositionsResult

_ROUNDING = 1e-33


def draw(result: PositionsResult) -> Figures:
    """Left the change by reading backwards, in the middle that by moving along, right the logit over the distance."""
    figure, (order, sliding, similarity) = plots(3, width=3.9, height=3.4)
    names = [each.kind for each in result.orders]
    changes = [max(each.change.value, _ROUNDING) for each in result.orders]
    order.barh(names, changes, color=FILL, edgecolor=COLOURS[0])
    for place, value in enumerate(changes):
        order.text(value * 2, place, "rounding" if value < 1e-20 else f"{value:.2f}", va="center", fontsize=8)
    order.set_xscale("log")
    order.set_xlim(_ROUNDING, 1e6)
    order.invert_yaxis()
    label(order, "Read backwards, what changes?", "relative squared change of the output", "")
    kinds = [point.kind for point in result.points]
    values = [point.sliding.simulation for point in result.points]
    sliding.barh(kinds, values, color=FILL, edgecolor=COLOURS[0], label="measured")
    sliding.plot([point.sliding.theory for point in result.points], kinds, "kD", markersize=5, label="theory")
    sliding.set_xlim(left=-0.02 * max(values))
    sliding.invert_yaxis()
    legend(sliding)
    title = f"Two tokens {result.distance} apart move on by {result.moved}"
    label(sliding, title, "mean square change of their logit (nats²)", "")
    away = [float(distance) for distance in range(result.config.n)]
    for number, point in enumerate(result.points):
        theory(similarity, away, [each.theory for each in point.similarity], number, point.kind)
        simulated(similarity, away[::3], point.similarity[::3], number)
    label(similarity, "A token and its copy", "distance (tokens)", "mean logit (nats)")
    legend(similarity)
    return {"positions": figure}
