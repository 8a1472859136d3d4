"""Bound, theory and simulation over the margin."""

from closedbook.figures.style import COLOURS, label, legend, row_of_axes
from closedbook.lab.copying import CopyingResult
from closedbook.lab.figures.style import Figures, plot_simulation, plot_theory, root


def draw(result: CopyingResult) -> Figures:
    """Left: the weight on all other keys. Right: the distance of the output from the copied value."""
    figure, (leaks, distances) = row_of_axes(2)
    sizes = sorted({point.n for point in result.sweep})
    for number, n in enumerate(sizes):
        points = [point for point in result.sweep if point.n == n]
        margins = [point.margin for point in points]
        leaks.plot(margins, [point.leak_bound for point in points], color="black", linewidth=0.8)
        plot_theory(leaks, margins, [point.leak.theory for point in points], number, f"n = {n}, theory")
        plot_simulation(leaks, margins, [point.leak for point in points], number, "measured" if n == sizes[0] else "")
    points = [point for point in result.sweep if point.n == result.config.n]
    margins = [point.margin for point in points]
    measured = [root(point.squared_error) for point in points]
    bound = [point.distance_bound for point in points]
    distances.plot(margins, bound, color="black", linewidth=0.8, label="bound")
    plot_theory(distances, margins, [each.theory for each in measured], 0, f"theory, n = {result.config.n}")
    plot_simulation(distances, margins, measured, 0, "measured")
    needed, wanted = result.margin_needed, result.config.wanted
    distances.plot([0, needed, needed], [wanted, wanted, distances.get_ylim()[0]], ":", color=COLOURS[1])
    distances.plot([needed], [wanted], "*", color=COLOURS[1], markersize=10, label=f"{wanted:g} needs m = {needed:.2f}")
    leaks.plot([], [], color="black", linewidth=0.8, label="bound")
    for axes in (leaks, distances):
        axes.set_yscale("log")
    label(leaks, "Weight on all other values", "margin m of the copied key (nats)", r"leak $1-\alpha_j$")
    label(distances, "Distance from the copied value", "margin m (nats)", r"RMS of $|c-v_j|$ (value lengths)")
    distances.set_ylim(bottom=min(each.simulation for each in measured) / 2)
    legend(leaks)
    legend(distances)
    return {"copying": figure}
