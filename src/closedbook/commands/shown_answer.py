"""An answer on a terminal: the answer, its probability as a number and a bar, its state, and the next alternatives."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from closedbook.text.bars import bar

if TYPE_CHECKING:
    from closedbook.api.answer import Answer
    from closedbook.evaluation.alternatives import Alternative

_LONGEST_BAR, _SHORTEST_BAR = 20, 5
N_NEXT = 2
"""How many alternatives are shown."""
HELP = (
    "The bar is the probability that the answer is right, as questions that training never asked show it. Where there "
    "were none, it is the one that the model gives its answer, and a model can be sure of what it makes up. The model "
    "says that it knows an answer, that it never read a name, or that what it read does not say. Next are other "
    "answers, with the model's own probabilities. The arrow keys recall questions; quit or Ctrl-D ends."
)
"""What `?` prints in a dialogue."""


def lines_of(answer: "Answer", others: "Sequence[Alternative]", width: int) -> Iterator[str]:
    """An answer in lines of at most `width` columns, unless it is longer itself; `others` are the likeliest first."""
    text, number = str(answer), in_percent(answer.probability)
    left = width - len(text) - len(number) - 4
    if answer.state in ("known", "withheld"):
        shown_bar = f"{bar(answer.probability, max(_SHORTEST_BAR, min(_LONGEST_BAR, left)))} {number}"
        yield from [f"{text}  {shown_bar}"] if left >= _SHORTEST_BAR else [text, f"  {shown_bar}"]
    else:
        yield text
    following = [item for item in others if item.answer != answer.text or answer.state != "known"][:N_NEXT]
    named = ", ".join(f"{item.answer} {_small(item.probability)}" for item in following)
    what = "next" if answer.state == "known" else "its guesses"
    about = f"{answer.state}; {what}: {named}" if named else answer.state
    yield from textwrap.wrap(about, width, initial_indent="  ", subsequent_indent="  ")


def in_percent(probability: float) -> str:
    """A probability as people read it."""
    return f"{probability:.0%}" if probability >= 0.01 else "under 1%"


def _small(probability: float) -> str:
    """As `in_percent`, but down to a hundredth."""
    if probability >= 0.01:
        return in_percent(probability)
    return f"{probability:.2%}" if probability >= 0.0001 else "under 0.01%"
