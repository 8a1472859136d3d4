"""The figure of a model's confidence: the reliability curve, and the risk by coverage.

matplotlib is imported where it is used, since importing it is slow. None of the user's text is drawn.
"""

from typing import TYPE_CHECKING

from closedbook.figures.style import WIDTH, blank, legend, plain

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

    from closedbook.evaluation.confidence import Confidence

ANSWERED = "questions answered, the surest first (%)"


def draw_confidence(confidence: "Confidence") -> "matplotlib.figure.Figure":
    """Left how many answers of about the same probability are right, right the wrong ones among the surest answers."""
    figure = blank(WIDTH, 3.8)
    reliability, risk = figure.subplots(1, 2)
    _reliability(reliability, confidence)
    _risk(risk, confidence)
    return figure


def _reliability(axes: "matplotlib.axes.Axes", confidence: "Confidence") -> None:
    axes.plot([0, 100], [0, 100], linestyle=(0, (4, 3)), color="0.6", label="as sure as right")
    for item in confidence.bins():
        low, high = (100 * end for end in item.score.interval)
        axes.plot([100 * item.probability] * 2, [low, high], "_-", color="0.5", markersize=6, linewidth=1)
    points = [(100 * item.probability, 100 * item.score.accuracy) for item in confidence.bins()]
    n = confidence.bins()[-1].score.n_questions
    axes.plot(*zip(*points, strict=True), "o", color="black", label=f"a tenth of the answers (about {n})")
    what = "probability that it is right" if confidence.is_calibrated else "probability that the model gives it"
    plain(axes, "As sure as right?", f"{what} (%)", "right answers (%), with the 95% interval")
    axes.set_xlim(-2, 102)
    axes.set_ylim(-2, 102)
    legend(axes, "upper left")


def _risk(axes: "matplotlib.axes.Axes", confidence: "Confidence") -> None:
    curve = confidence.risk_by_coverage()
    known = confidence.known.n_questions / len(confidence.states)
    axes.plot([100 * c for c, _ in curve], [100 * r for _, r in curve], color="black", label="answers by probability")
    if known < 1:
        axes.axvline(100 * known, linestyle=":", color="black", label="all that it says it knows")
    plain(axes, "What answering more questions costs", ANSWERED, "wrong answers among them (%)")
    axes.set_xlim(0, 102)
    axes.set_ylim(bottom=0)
    legend(axes, "upper left")
