"""Weights and error over beta, for several subsets."""

from closedbook.lab.averaging import BETAS, AveragingResult, mean_square, weight
from closedbook.lab.figures.style import BETA, COLOURS, Figures, label, legend, plots, root, simulated, theory


def draw(result: AveragingResult) -> Figures:
    """Left each wanted key's weight, right the error of the average."""
    figure, (shares, errors) = plots(2)
    n = result.config.n
    subsets = sorted({point.subset for point in result.sweep})[:4]
    fine = [BETAS[-1] * step / 64 for step in range(65)]
    for number, subset in enumerate(subsets):
        points = [point for point in result.sweep if point.subset == subset]
        betas = [point.beta for point in points]
        theory(shares, fine, [weight(n, subset, beta) for beta in fine], number, f"k = {subset} of n = {n}")
        simulated(shares, betas, [point.weight for point in points], number)
        roots = [root(point.square) for point in points]
        theory(errors, fine, [mean_square(n, subset, beta) ** 0.5 for beta in fine], number, f"k = {subset}, theory")
        simulated(errors, betas, roots, number, "measured" if subset == subsets[0] else "")
        shares.axhline(1 / subset, color=COLOURS[number], linewidth=0.5)
    wanted, needed = result.config.wanted, result.beta_needed
    text = f"{wanted:g} needs " + rf"$\beta$ = {needed:.2f}" + f" (k = {result.config.subset})"
    errors.plot([needed], [wanted], "*", color="black", markersize=10, label=text)
    errors.set_yscale("log")
    label(shares, "Each wanted key's weight tends to 1/k", BETA, r"weight $\alpha_a$")
    label(errors, "Error of the average", BETA, r"RMS of $|c-\mathrm{average}|$ (value lengths)")
    shares.set_ylim(0, 1.28)
    legend(shares, "upper left")
    legend(errors)
    return {"averaging": figure}
