"""The report of an experiment: report.html, one file that needs no network and no script, and figure.png."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from closedbook.commands.demo_figure import Arm, Curve, draw
from closedbook.evaluation.score import Score
from closedbook.files.pictures import as_png, as_svg
from closedbook.progress.duration import duration

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["Arm", "Curve", "Exchange", "Report", "figure", "report_html", "write_report"]


@dataclass(frozen=True)
class Exchange:
    """A question answered before one's eyes; `evidence` is the corpus's line about the person, if any."""

    kind: Literal["right", "wrong", "never written about"]
    question: str
    answer: str
    truth: str
    confidence: float
    evidence: str | None


@dataclass(frozen=True)
class Report:
    """All that the report says; `setting` is one sentence: people, places, lines, machine."""

    title: str
    setting: str
    baseline: Score
    baseline_answer: str
    arms: tuple[Arm, ...]
    exchanges: tuple[Exchange, ...]
    recipe_toml: str
    command: str
    seconds: float
    notes: tuple[str, ...]


def figure(report: Report) -> "matplotlib.figure.Figure":
    """Loss curves on the left, accuracies on the right; readable in black and white."""
    return draw(report.arms, report.baseline)


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write report.html and figure.png, each whole or not at all; raises RunError without a folder."""
    # It imports torch, and a report's values are wanted without.
    from closedbook.files.durable import write_atomically

    page, picture = folder / "report.html", folder / "figure.png"
    page_bytes, picture_bytes = report_html(report).encode(), as_png(figure(report))
    write_atomically(picture, picture_bytes)
    write_atomically(page, page_bytes)
    return page, picture


def report_html(report: Report) -> str:
    """The whole page, the same for the same report."""
    svg = as_svg(figure(report)).replace("<svg", f'<svg role="img" aria-label="{escape(_alt(report))}"', 1)
    notes = "".join(f"<li>{escape(note)}</li>\n" for note in report.notes)
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
<p>{escape(report.setting)}</p>

<h2>What was done</h2>
<p>A small transformer read a book about invented people, character by character, and learnt to fill in
what was masked: that is pretraining. Questions with their answers about some of the people taught it what an
answer looks like: that is finetuning. Then the book was closed, and it was asked about held-out people: the
book tells of them, but training never asked about them, so what a model knows of them it has read. A model
that was not pretrained never saw the book and can only guess.</p>

<h2>What came out</h2>
<figure>
<div class="wide" role="region" aria-label="Figure" tabindex="0">
{svg}</div>
<figcaption>Left: the training loss falls even where a model only learns its examples by heart.
Right: answers about held-out people tell what was read and kept.</figcaption>
</figure>
{_table(report)}
<p>An answer is right if it is the true one, letter by letter. Compare each model with the last row: who
gives the commonest answer to every question knows nobody. About people never written about there is nothing
to know; what is right there is luck.</p>
<p>The 95% interval (Wilson's) allows for the luck of which people were asked: were the experiment repeated
with other people, 19 of 20 such intervals would hold the model's accuracy over all people. It does not allow
for the luck of training: another seed makes another model.</p>

<h2>Questions and answers</h2>
<p>The confidence is the probability that the model itself gives to exactly this answer. It is not the
probability that the answer is true: a model can be sure of what it makes up, even of people it never read
about.</p>
{"".join(map(_exchange, report.exchanges))}
<h2>Do it again</h2>
<pre><code>{escape(report.command)}</code></pre>
<p>It took {duration(report.seconds)} in all.</p>
{f"<ul>{notes}</ul>" if notes else ""}
<details>
<summary>The recipe: every number of the training</summary>
<pre><code>{escape(report.recipe_toml)}</code></pre>
</details>
</main>
</body>
</html>
"""


def _alt(report: Report) -> str:
    """The figure in words."""
    accuracies = "".join(f"{arm.label} {arm.test.accuracy:.1%}; " for arm in report.arms)
    baseline = f"the commonest answer to everything {report.baseline.accuracy:.1%}"
    return f"Curves of the training loss; bars of the accuracy on held-out people: {accuracies}{baseline}."


def _table(report: Report) -> str:
    rows = [_row(a.label, a.test, a.withheld, f"{a.n_parameters:,}", duration(a.seconds)) for a in report.arms]
    baseline = f"commonest answer to everything: {report.baseline_answer}"
    return f"""<div class="wide" role="region" aria-label="Table" tabindex="0">
<table>
<caption><span>Accuracy on held-out people, whose question was never asked in training</span></caption>
<thead><tr><th scope="col">Model</th><th scope="col">Accuracy</th><th scope="col">95% interval</th>
<th scope="col">Right</th><th scope="col">Never written about</th>
<th scope="col">Parameters</th><th scope="col">Training</th></tr></thead>
<tbody>
{"".join(rows)}{_row(baseline, report.baseline, None, "0", "none")}</tbody>
</table>
</div>"""


def _row(name: str, test: Score, withheld: Score | None, n_parameters: str, time: str) -> str:
    low, high = test.interval
    right = f"{test.n_correct:,} of {test.n_questions:,}"
    unknown = f"{withheld.n_correct:,} of {withheld.n_questions:,}" if withheld else "not asked"
    cells = (f"{test.accuracy:.1%}", f"{low:.1%} to {high:.1%}", right, unknown, n_parameters, time)
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>\n'


def _exchange(exchange: Exchange) -> str:
    pairs = {
        "Answer": exchange.answer or "(nothing)",
        "Truth": exchange.truth,
        "Confidence": _share(exchange.confidence),
        "The book says": exchange.evidence or "nothing about this person",
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>\n" for name, value in pairs.items())
    heading = f"{escape(exchange.question)} <span>{exchange.kind}</span>"
    return f"<article>\n<h3>{heading}</h3>\n<dl>\n{rows}</dl>\n</article>\n"


def _share(value: float) -> str:
    """A share in percent that says neither 0 nor 100 where it is neither."""
    if 0 < value < 0.001:
        return "under 0.1%"
    return "over 99.9%" if 0.999 < value < 1 else f"{value:.1%}"


_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 60rem; margin: auto; padding: 1rem; }
p, figcaption, li { max-width: 42rem; }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 0; }
h3 span { font-weight: normal; font-style: italic; }
figure { margin: 0; }
.wide { overflow-x: auto; overflow-wrap: normal; }
svg { display: block; width: 100%; min-width: 44rem; height: auto; }
table { border-collapse: collapse; margin: 1.5rem 0; }
caption { text-align: left; font-weight: bold; padding-bottom: .5rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 2rem); }
th, td { padding: .4rem 0 .4rem 1rem; text-align: right; border-bottom: 1px solid #8886; }
th, td { vertical-align: top; font-weight: normal; }
th:first-child { text-align: left; padding-left: 0; min-width: 8rem; }
thead th { font-size: .875rem; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; white-space: nowrap; }
article { margin: 1rem 0; padding: .8rem 1rem; border-left: .25rem solid #8886; background: #8882; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 0; }
dd { margin: 0; }
pre { overflow-x: auto; overflow-wrap: normal; padding: .8rem 1rem; background: #8882; }
@media (prefers-color-scheme: dark) { svg { filter: invert(1) hue-rotate(180deg); } }
"""
