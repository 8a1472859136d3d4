"""Weights and error over beta, for several subsets."""

from closedbook.figures.style import COLOURS, label, legend, row_of_axes
from closedbook.lab.averaging import BETAS, AveragingResult, mean_squared_error, weight
from closedbook.lab.figures.style import BETA, RMS_ERROR, Figures, plot_simulation, plot_theory, root


def draw(result: AveragingResult) -> Figures:
    """Left: the weight of each wanted key. Right: the error of the average."""
    figure, (weights, errors) = row_of_axes(2)
    n = result.config.n
    subsets = sorted({point.subset for point in result.sweep})[:4]
    fine = [BETAS[-1] * step / 64 for step in range(65)]
    for number, subset in enumerate(subsets):
        points = [point for point in result.sweep if point.subset == subset]
        betas = [point.beta for point in points]
        plot_theory(weights, fine, [weight(n, subset, beta) for beta in fine], number, f"k = {subset} of n = {n}")
        plot_simulation(weights, betas, [point.weight for point in points], number)
        rms_errors = [root(point.squared_error) for point in points]
        plot_theory(
            errors, fine, [mean_squared_error(n, subset, beta) ** 0.5 for beta in fine], number, f"k = {subset}, theory"
        )
        plot_simulation(errors, betas, rms_errors, number, "measured" if subset == subsets[0] else "")
        weights.axhline(1 / subset, color=COLOURS[number], linewidth=0.5)
    wanted, needed = result.config.wanted, result.beta_needed
    text = f"{wanted:g} needs " + rf"$\beta$ = {needed:.2f}" + f" (k = {result.config.subset})"
    errors.plot([needed], [wanted], "*", color="black", markersize=10, label=text)
    errors.set_yscale("log")
    label(weights, "Weight of each wanted key: tends to 1/k", BETA, r"weight $\alpha_a$")
    label(errors, "Error of the average", BETA, RMS_ERROR)
    weights.set_ylim(0, 1.28)
    legend(weights, "upper left")
    legend(errors)
    return {"averaging": figure}
