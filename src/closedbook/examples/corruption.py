"""The objectives: how a document becomes a masked string, and a pair a string like it.

Pure functions of a document and a random generator. All give the same form,

    prefix MASK suffix MASK masked_content MASK

so that the model learns to write, after the second MASK, what stood at the first, and to end with a MASK.
A question is such a string without a first mask: question MASK answer MASK.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from closedbook.errors import RecipeError
from closedbook.text.documents import MIN_TRUNCATED_LENGTH, Span
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK

Objective = Literal["span", "salient", "guided"]

_N_MASKS = 3
_NEAR = 24
_UNQUOTED_WORD = re.compile(r"\w[\w'’-]*")
"""A word without the quotation mark before it, so that a quoted name begins with its capital."""


@dataclass(frozen=True)
class CorruptionConfig:
    """How often each objective is drawn, as weights; they need not add up to one.

    Raises RecipeError where no weight is above zero.
    """

    span: float = 1.0
    """Weight of the assignment's objective: truncate at random, mask one random stretch."""
    salient: float = 0.0
    """Weight of masking a whole capitalised or numeric span that stands after the document's title, and dropping a
    random part of what surrounds it, but not the title."""
    guided: float = 0.0
    """Weight of the same with a span that looks like the training pairs' answers; needs pairs, else as distant."""
    name_only: float = 0.0
    """distant and learned: the share of draws in which nothing but the title is left."""
    short_context: float = 0.0
    """distant and learned: of the other draws, the share in which at most 24 characters beside the span are left."""
    supervised: Literal["all", "content"] = "all"
    """all: every character is learnt; content: but for objective course, the masked content and its MASKs alone."""

    def __post_init__(self) -> None:
        for name in ("name_only", "short_context"):
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"corruption.{name}: from 0 to 1 is needed; received {getattr(self, name)}")
        weights = [getattr(self, name) for name in get_args(Objective)]
        if not (all(weight >= 0 for weight in weights) and 0 < sum(weights) < math.inf):
            raise RecipeError(f"corruption: weights are 0 or more, and one at least is above 0; received {weights}")


@dataclass(frozen=True)
class Masked:
    """A masked string, and how many of its characters, from the first, are given and not to be learnt."""

    text: str
    n_context: int = 1


def corrupt(
    document: str, block_size: int, config: CorruptionConfig, random: Random, tagged: Sequence[Span] = ()
) -> Masked:
    """A masked string of at most `block_size` characters, by an objective drawn by its weight.

    `tagged` are the spans of which objective learned masks one, each as often as the others.
    """
    names = get_args(Objective)
    (name,) = random.choices(names, weights=[getattr(config, n) for n in names])
    span = None
    if name == "guided" and tagged:
        # Of a single span nothing is drawn: a question more changes no draw of the documents that it is not about.
        span = random.choice(tagged) if len(tagged) > 1 else tagged[0]
    if name == "span":
        return Masked(corrupt_span(document, block_size, random))
    most = 0 if random.random() < config.name_only else None
    if most is None and config.short_context and random.random() < config.short_context:
        most = _NEAR
    text = mask_salient_span(document, block_size, random, span=span, most=most)
    return Masked(text, 1 if config.supervised == "all" else text.rindex(MASK, 0, -1))


def corrupt_span(document: str, block_size: int, random: Random) -> str:
    """The assignment's span corruption.

    Truncates to a length uniform from 4 to int(block_size * 3/4) (to all of a shorter document) and masks
    a stretch uniform in place, whose length has a mean of exactly a quarter of the truncated length.
    """
    longest = int(block_size * 3 / 4)
    length = min(len(document), random.randint(MIN_TRUNCATED_LENGTH, longest))
    # Uniform over [1, length/2 - 1] has the mean length/4; rounding up as often as the fraction says keeps it.
    wanted = random.uniform(1, max(1, length / 2 - 1))
    n_masked = int(wanted + random.random())
    start = random.randint(0, length - n_masked)
    return masked_string(document[:start], document[start : start + n_masked], document[start + n_masked : length])


def mask_salient_span(
    document: str,
    block_size: int,
    random: Random,
    *,
    span: Span | None = None,
    most: int | None = None,
) -> str:
    """Mask a whole capitalised or numeric span after the title; the assignment's objective where none fits.

    The title is the text up to the first full stop that does not end an initial ('Name.'). What does not fit
    `block_size` is cut off at a window's ends, so that every span of a long document has its turn. A random
    part of the window, up to all of it, is dropped on both sides of the span; `most` characters are left at the most. A `span` that fits is masked in place of a random one.
    """
    room = block_size - _N_MASKS
    title_end = title_length(document)
    if span is None or title_end + span[1] - span[0] > room:
        spans = [(i, j) for i, j in salient_spans(document, title_end) if title_end + j - i <= room]
        if not spans:
            return corrupt_span(document, block_size, random)
        span = random.choice(spans)
    start, end = span
    n_before, n_after = start - title_end, len(document) - end
    budget = min(room - title_end - (end - start), n_before + n_after)
    if most is not None:
        budget = min(budget, most)
    if most != 0:
        budget = random.randint(0, budget)
    # A window slides over the document: how much of it lies before the span is random where not all fits.
    before = random.randint(max(0, budget - n_after), min(n_before, budget))
    after = min(n_after, budget - before)
    prefix = document[:title_end] + document[start - before : start]
    return masked_string(prefix, document[start:end], document[end : end + after])


def salient_spans(document: str, start: int) -> list[tuple[int, int]]:
    """Where the runs of words begin and end, a blank between two, that each begin with a capital or a digit."""
    spans: list[tuple[int, int]] = []
    for word in _UNQUOTED_WORD.finditer(document, start):
        i, j = word.span()
        if not (document[i].isupper() or document[i].isdecimal()):
            continue
        if spans and spans[-1][1] == i - 1 and document[i - 1] == " ":
            spans[-1] = (spans[-1][0], j)
        else:
            spans.append((i, j))
    return spans


def masked_string(prefix: str, masked_content: str, suffix: str) -> str:
    """The form that all objectives share."""
    return f"{prefix}{MASK}{suffix}{MASK}{masked_content}{MASK}"


def pair_string(question: str, answer: str) -> str:
    """A pair in the form of a masked string."""
    return f"{question}{MASK}{answer}{MASK}"
