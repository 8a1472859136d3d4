"""Weights without and with maps, and how near the output comes to what is wanted."""

from matplotlib.axes import Axes

from closedbook.lab.figures.style import Figures, label, plots, simulated, theory
from closedbook.lab.projections import NEAREST, ProjectionsResult


def draw(result: ProjectionsResult) -> Figures:
    """Two tables of weights, and the distance over beta."""
    figure, (plain, mapped, reach) = plots(3, width=3.6, height=3.3)
    _weights(plain, result.plain)
    _weights(mapped, result.mapped)
    label(plain, "k = q = v = x: each copies itself", "token that is read", "token that reads")
    label(mapped, "With maps Q and V: 2 reads 1, 1 reads 3", "token that is read", "token that reads")
    betas = [point.beta for point in result.sweep]
    lines = (
        ("missed", r"$c_2$ to $u_b$, no maps"),
        ("token_2", r"$c_2$ to $u_b$, maps"),
        ("token_1", r"$c_1$ to $u_b-u_c$, maps"),
    )
    for number, (name, text) in enumerate(lines):
        found = [getattr(point, name) for point in result.sweep]
        theory(reach, betas, [each.theory for each in found], number, text)
        simulated(reach, betas, found, number)
    reach.axhline(NEAREST, color="black", linewidth=0.6)
    reach.text(betas[-1], NEAREST, "no weights do better without maps", fontsize=7, ha="right", va="bottom")
    reach.set_ylim(-0.03, 1.6)
    label(reach, "Distance to what is wanted", r"$\beta$ (length of each u)", r"distance (units of $\beta$)")
    reach.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08), fontsize=8, frameon=False, handlelength=3.0)
    return {"projections": figure}


def _weights(axes: Axes, table: tuple[tuple[float, ...], ...]) -> None:
    axes.imshow(table, cmap="Greys", vmin=0, vmax=1.4)
    for i, row in enumerate(table):
        for j, weight in enumerate(row):
            axes.text(j, i, f"{weight:.2f}", ha="center", va="center", color="white" if weight > 0.7 else "black")
    axes.set_xticks(range(3), ["1", "2", "3"])
    axes.set_yticks(range(3), ["1", "2", "3"])
