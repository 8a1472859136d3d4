"""Weights without and with projections, and the distance of the output from its target."""

from matplotlib.axes import Axes

from closedbook.figures.style import label, row_of_axes
from closedbook.lab.figures.style import Figures, plot_simulation, plot_theory
from closedbook.lab.projections import NEAREST, ProjectionsResult


def draw(result: ProjectionsResult) -> Figures:
    """Two tables of weights, and the distance over beta."""
    figure, (plain, projected, distance) = row_of_axes(3, width=3.3, height=3.3)
    _weights(plain, result.plain)
    _weights(projected, result.projected)
    label(plain, "k = q = v = x: each copies itself", "key token", "query token")
    label(projected, "With Q and V: 2 attends to 1, 1 to 3", "key token", "query token")
    betas = [point.beta for point in result.sweep]
    lines = (
        ("missed", r"$c_2$ to $u_b$, without Q, V"),
        ("token_2", r"$c_2$ to $u_b$, with Q, V"),
        ("token_1", r"$c_1$ to $u_b-u_c$, with Q, V"),
    )
    for number, (name, text) in enumerate(lines):
        found = [getattr(point, name) for point in result.sweep]
        plot_theory(distance, betas, [each.theory for each in found], number, text)
        plot_simulation(distance, betas, found, number)
    distance.axhline(NEAREST, color="black", linewidth=0.6)
    distance.text(betas[-1], NEAREST, "lowest for any weights without V", fontsize=8, ha="right", va="bottom")
    distance.set_ylim(-0.03, 1.6)
    label(
        distance,
        "Distance of the output from its target",
        r"$\beta$ (length of each u)",
        r"distance (units of $\beta$)",
    )
    distance.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08), fontsize=8, frameon=False, handlelength=3.0)
    return {"projections": figure}


def _weights(axes: Axes, table: tuple[tuple[float, ...], ...]) -> None:
    axes.imshow(table, cmap="Greys", vmin=0, vmax=1.4)
    for i, row in enumerate(table):
        for j, weight in enumerate(row):
            axes.text(j, i, f"{weight:.2f}", ha="center", va="center", color="white" if weight > 0.7 else "black")
    axes.set_xticks(range(3), ["1", "2", "3"])
    axes.set_yticks(range(3), ["1", "2", "3"])
