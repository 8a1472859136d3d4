"""The report as report.html, one file that needs no network and no script, and figure.png."""

from collections import Counter
from html import escape
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from closedbook.demo.figure import accuracies, draw, fate, histograms
from closedbook.demo.losses import draw_losses, losses_in_words
from closedbook.demo.results import Exchange, Report, Scores, percent
from closedbook.evaluation.unknown import unknown_in_words
from closedbook.figures.pictures import as_png, as_svg
from closedbook.files.durable import write_atomically
from closedbook.progress.duration import duration

if TYPE_CHECKING:
    import matplotlib.figure


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write report.html and figure.png, each completely or not at all, and return their paths; raises RunError."""
    page, picture = folder / "report.html", folder / "figure.png"
    page_bytes, picture_bytes = report_html(report).encode(), as_png(draw(report))
    write_atomically(picture, picture_bytes)
    write_atomically(page, page_bytes)
    return page, picture


def report_html(report: Report) -> str:
    """The whole page, the same for the same report."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(report.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(report.title)}</h1>
<p>{escape(report.outcome())}</p>
{_figures(report)}
{_answers(report)}
{_outcome(report)}
{_training(report)}
{_again(report)}
</main>
</body>
</html>
"""


def _figures(report: Report) -> str:
    """The bars, and beside them or below, by the width of the screen, the histograms."""
    rivals = "The bar of the reader and the dashed line of the majority baseline need no network."
    of = "For each question its probability, learned from training pairs that were held out."
    if not report.confidence.is_calibrated:
        of = "For each question the probability that the model itself gives to its answer."
    return f"""<div class="figures">
<figure>
{_svg(accuracies(report), _accuracies_in_words(report))}
<figcaption>Upper bars: in the wording of training; lower bars: in wordings never trained on. {rivals}</figcaption>
</figure>
<figure>
{_svg(histograms(report), _histograms_in_words(report))}
<figcaption>{escape(report.asked)}, asked about two kinds of people. {of}</figcaption>
</figure>
</div>"""


def _answers(report: Report) -> str:
    return f"""<h2>Questions and answers</h2>
<p>{escape(report.on_confidence())}</p>
<p>Of each kind, the answers whose probability is in the middle:</p>
{"".join(map(_exchange, report.shown))}
<details>
<summary>All {len(report.unknown)} questions about people nobody wrote about</summary>
<table>
<caption>What the {escape(report.asked)} model says, which cannot know any of them</caption>
<thead><tr><th scope="col">Question</th><th scope="col">Answer</th><th scope="col">Probability</th>
<th scope="col">Truth</th></tr></thead>
<tbody>
{"".join(map(_unknown_row, report.unknown))}</tbody>
</table>
</details>"""


def _outcome(report: Report) -> str:
    return f"""<h2>All figures</h2>
<p>{escape(report.people)}</p>
{_table(report)}
<p>An answer is right if it equals the true one, letter by letter. The last two rows need no network: the open-book
reader looks answers up in the book, and the majority baseline knows nobody. About unknown people there is nothing to
know: every answer about one is made up.</p>
<p>The 95% interval (Wilson's) allows for the luck of which people were asked, not for the luck of training: another
seed trains another model.</p>"""


def _training(report: Report) -> str:
    """How the models were trained, and how their losses fell."""
    paragraphs = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in report.method)
    losses = list(losses_in_words(report.arms))
    figure = ""
    if losses:
        svg = _svg(draw_losses(report.arms), "Curves of the loss over the steps of training, by stage.")
        lines = "".join(f"<li>{escape(line)}</li>" for line in losses)
        figure = f"""
<figure>
{svg}
<figcaption>Loss in nats per character. Dots: on pairs of dev people, who are never trained on.
<ul>{lines}</ul></figcaption>
</figure>"""
    return f"""<h2>What was trained</h2>
{paragraphs}{figure}"""


def _svg(drawing: "matplotlib.figure.Figure", in_words: str) -> str:
    return as_svg(drawing).replace("<svg", f'<svg role="img" aria-label="{escape(in_words)}"', 1)


def _again(report: Report) -> str:
    return f"""<h2>Do it again</h2>
<pre><code>{escape(report.command)}</code></pre>
<p>It took {duration(report.seconds)}. On another machine the figures may differ by a question or two.</p>
<details>
<summary>The recipe: all hyperparameters</summary>
<pre><code>{escape(report.recipe_toml)}</code></pre>
</details>"""


def _accuracies_in_words(report: Report) -> str:
    bars = [(arm.label, arm.scores) for arm in report.arms]
    bars += [(rival.label, rival.scores) for rival in (report.reader, report.majority)]
    values = "; ".join(
        f"{label} {scores.held_out.accuracy:.1%}, in other wordings {scores.other_wordings.accuracy:.1%}"
        for label, scores in bars
    )
    return f"Bars of the accuracy on held-out people: {values}."


def _histograms_in_words(report: Report) -> str:
    """For each kind of people how many answers are right, wrong or none, and their median probability."""
    people = ((report.held_out, "people in the book"), (report.unknown, "people nobody wrote about"))
    parts = []
    for exchanges, who in people:
        counts = Counter(map(fate, exchanges))
        found = ", ".join(f"{kind} {n}" for kind, n in counts.most_common())
        middle = percent(median(one.probability for one in exchanges))
        parts.append(f"{len(exchanges)} {who}: {found}; median probability {middle}")
    return f"Two histograms of the probability of answers. {'. '.join(parts)}."


def _table(report: Report) -> str:
    rows = [
        _row(a.label, a.scores, f"{a.n_parameters:,}", f"{a.n_table_parameters:,}", duration(a.seconds))
        for a in report.arms
    ]
    rows += [_row(rival.label, rival.scores, "none", "none", "none") for rival in (report.reader, report.majority)]
    return f"""<div class="wide" role="region" aria-label="Table" tabindex="0">
<table>
<caption><span>Right answers about held-out people, whose question was never asked in training</span></caption>
<thead><tr><th scope="col">Model</th><th scope="col">Accuracy</th><th scope="col">95% interval</th>
<th scope="col">Right</th><th scope="col">In wordings never trained on</th>
<th scope="col">Made up about unknown people</th><th scope="col">Parameters</th>
<th scope="col">of which in tables</th><th scope="col">Training</th></tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table>
</div>"""


def _row(name: str, scores: Scores, *costs: str) -> str:
    low, high = scores.held_out.interval
    counts = [f"{result.n_correct:,} of {result.n_questions:,}" for result in vars(scores).values()]
    cells = (f"{scores.held_out.accuracy:.1%}", f"{low:.1%} to {high:.1%}", *counts, *costs)
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>\n'


def _exchange(exchange: Exchange) -> str:
    pairs = {
        "Answer": _said(exchange),
        "Truth": exchange.truth,
        "Probability": percent(exchange.probability),
        "The book says": exchange.evidence or "nothing about this person",
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>\n" for name, value in pairs.items())
    heading = f"{escape(exchange.question)} <span>{exchange.kind}</span>"
    return f"<article>\n<h3>{heading}</h3>\n<dl>\n{rows}</dl>\n</article>\n"


def _said(exchange: Exchange) -> str:
    """The answer, or why there is none."""
    return (
        exchange.answer or "(nothing)"
        if exchange.state == "known"
        else unknown_in_words(exchange.question, exchange.state)
    )


def _unknown_row(exchange: Exchange) -> str:
    cells = (_said(exchange), percent(exchange.probability), exchange.truth)
    body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(exchange.question)}</th>{body}</tr>\n'


_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 60rem; margin: auto; padding: 1rem; }
p, figcaption, li { max-width: 42rem; }
h1, h2, h3 { line-height: 1.2; }
h1 { font-size: 1.5rem; }
h2 { margin-top: 2.5rem; font-size: 1.25rem; }
h3 { font-size: 1rem; margin: 0; }
h3 span { font-weight: normal; font-style: italic; }
figure { margin: 0; }
figcaption { font-size: .875rem; }
.wide { overflow-x: auto; overflow-wrap: normal; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; }
.figures figure { flex: 1 1 19rem; }
svg { display: block; width: 100%; max-width: 32rem; height: auto; }
table { border-collapse: collapse; margin: 1.5rem 0; }
caption { text-align: left; font-weight: bold; padding-bottom: .5rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 2rem); }
th, td { padding: .4rem 0 .4rem 1rem; text-align: right; border-bottom: 1px solid #8886; }
th, td { vertical-align: top; font-weight: normal; }
th:first-child { text-align: left; padding-left: 0; min-width: 8rem; }
thead th { font-size: .875rem; min-width: 4.5rem; vertical-align: bottom; }
td { font-variant-numeric: tabular-nums; white-space: nowrap; }
article { margin: 1rem 0; padding: .8rem 1rem; border-left: .25rem solid #8886; background: #8882; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 0; }
dd { margin: 0; }
details { margin: 1rem 0; overflow-x: auto; }
pre { overflow-x: auto; overflow-wrap: normal; padding: .8rem 1rem; background: #8882; }
@media (prefers-color-scheme: dark) { svg { filter: invert(1) hue-rotate(180deg); } }
"""
