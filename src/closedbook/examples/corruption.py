"""Pretraining objectives: each turns a document into a masked string. A pair becomes a string of the same form.

The objectives are pure functions of a document and a random generator. They share the form

    prefix MASK suffix MASK masked_content MASK

so that the model learns to write, after the second MASK, what the first one replaced, and to end with a MASK.
A pair has no first MASK: question MASK answer MASK.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Literal, get_args

from closedbook.errors import RecipeError
from closedbook.text.documents import MIN_TRUNCATED_LENGTH, Span
from closedbook.text.titles import title_length, title_of
from closedbook.text.vocabulary import MASK
from closedbook.text.words import uses_blanks

Objective = Literal["span", "salient", "guided"]

_N_MASKS = 3
_SHORT_CONTEXT = 24
# Question form: the longest pieces before the name and after it, in characters.
_MAX_BEFORE = 16
_MAX_AFTER = 10
_UNQUOTED_WORD = re.compile(r"\w[\w'’-]*")
"""A word without the quotation mark before it, so that a quoted name begins with its capital."""


@dataclass(frozen=True)
class CorruptionConfig:
    """How often each objective is drawn, as weights; they need not add up to one.

    Salient-span masking is that of Guu et al. 2020 (REALM), with capitals and digits in place of an entity tagger.
    Raises RecipeError where no weight is above zero, or a value is out of its range.
    """

    span: float = 1.0
    """Weight of span corruption, the assignment's objective: truncate at random, then mask one random span."""
    salient: float = 0.0
    """Weight of salient-span masking: mask a name or number after the title, drop part of the context around it."""
    guided: float = 0.0
    """Weight of reader-guided masking: as salient, but mask what the reader takes for an answer; needs pairs."""
    name_only: float = 0.0
    """salient and guided: share of draws that keep no context but the title."""
    question_form: float = 0.0
    """guided: share of name-only draws in a question's form: the name among words of another document, and one MASK."""
    short_context: float = 0.0
    """salient and guided: share of the other draws that keep at most 24 characters of context around the span."""
    nameless: float = 0.0
    """Share of draws without a title: a name or number, then the words before it. With it and pairs, the model asks."""
    supervised: Literal["all", "content"] = "all"
    """all: predict every character; content: predict only the masked content and its MASKs, except under span."""

    def __post_init__(self) -> None:
        for name in ("name_only", "short_context", "question_form", "nameless"):
            if not 0 <= getattr(self, name) <= 1:
                raise RecipeError(f"corruption.{name}: from 0 to 1 is needed; received {getattr(self, name)}")
        weights = [getattr(self, name) for name in get_args(Objective)]
        if not (all(weight >= 0 for weight in weights) and 0 < sum(weights) < math.inf):
            raise RecipeError(f"corruption: weights are 0 or more, and one at least is above 0; received {weights}")


@dataclass(frozen=True)
class Masked:
    """A masked string; its first `n_context` characters are context and are not predicted."""

    text: str
    n_context: int = 1


def corrupt(
    document: str,
    block_size: int,
    config: CorruptionConfig,
    random: Random,
    tagged: Sequence[Span] = (),
    other: str = "",
    marks: Mapping[Span, str] = MappingProxyType({}),
) -> Masked:
    """A masked string of at most `block_size` characters, by an objective drawn according to the weights.

    Objective guided masks one of the spans in `tagged`, each with the same probability; without any it is salient.
    In question form the name stands among words of the document `other`. Where the title is all that is kept, a
    span's mark follows the masked content.
    """
    names = get_args(Objective)
    (name,) = random.choices(names, weights=[getattr(config, n) for n in names])
    span = None
    if name == "guided" and tagged:
        # No random draw for a single span, so that adding a question leaves other documents' draws unchanged.
        span = random.choice(tagged) if len(tagged) > 1 else tagged[0]
    if name == "span":
        return Masked(corrupt_span(document, block_size, random))
    max_context = 0 if random.random() < config.name_only else None
    if max_context is None and config.short_context and random.random() < config.short_context:
        max_context = _SHORT_CONTEXT
    text = mask_salient_span(document, block_size, random, span=span, max_context=max_context)
    n_context = text.rindex(MASK, 0, -1)
    if span is not None and span in marks and max_context == 0 and len(text) < block_size:
        text = text[:-1] + marks[span] + MASK
    # Only what the reader takes for an answer: any other name or number would answer no question.
    if span is not None and max_context == 0 and config.question_form and random.random() < config.question_form:
        title = title_of(document)
        kept = document[: title.length] + MASK
        if title.name and text.startswith(kept) and len(text) + _MAX_BEFORE + _MAX_AFTER < block_size:
            text = _in_question_form(title.name, text[len(kept) :], other, random)
            n_context = text.index(MASK) + 1  # where the words end is chance, so their MASK is not predicted
    return Masked(text, 1 if config.supervised == "all" else n_context)


def _in_question_form(name: str, asked: str, other: str, random: Random) -> str:
    """A masked string that keeps only the title, as a question about the name: words NAME words MASK content MASK.

    The words are pieces of another document, cut where it falls, or none, so that the fact is learned wherever the name
    stands and whatever is around it.
    """
    before, after = _piece(other, _MAX_BEFORE, random), _piece(other, _MAX_AFTER, random)
    blank = " " if uses_blanks(name) else ""
    return blank.join(piece for piece in (before, name, after) if piece) + asked


def _piece(text: str, max_length: int, random: Random) -> str:
    """A piece of a text at a random position, of random length."""
    start = random.randint(0, len(text))
    return text[start : start + random.randint(0, max_length)]


def corrupt_span(document: str, block_size: int, random: Random) -> str:
    """The assignment's span corruption.

    Truncates the document to a length drawn uniformly from 4 to int(block_size * 3/4), or keeps all of a shorter one.
    Then masks a span at a uniformly drawn position; its mean length is exactly a quarter of the truncated length.
    """
    longest = int(block_size * 3 / 4)
    length = min(len(document), random.randint(MIN_TRUNCATED_LENGTH, longest))
    # Uniform over [1, length/2 - 1] has mean length/4; rounding up with the fraction as probability keeps that mean.
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
    max_context: int | None = None,
) -> str:
    """Mask a whole capitalized or numeric span after the title, `span` if it is given and fits the block.

    The title is always kept. A random part of the rest of the document, between nothing and all that fits the block,
    is kept around the span: at most `max_context` characters, and none if that is 0. A document longer than the block
    is cut to a window around the span, so that spans anywhere in it can be masked. Without a span that fits, the
    result is that of `corrupt_span`.
    """
    available = block_size - _N_MASKS
    title_end = title_length(document)
    if span is None or title_end + span[1] - span[0] > available:
        spans = [(i, j) for i, j in salient_spans(document, title_end) if title_end + j - i <= available]
        if not spans:
            return corrupt_span(document, block_size, random)
        span = random.choice(spans)
    start, end = span
    n_before, n_after = start - title_end, len(document) - end
    n_context = min(available - title_end - (end - start), n_before + n_after)
    if max_context is not None:
        n_context = min(n_context, max_context)
    if max_context != 0:
        n_context = random.randint(0, n_context)
    # How much of the context stands before the span is random, where there is more of it than is kept.
    before = random.randint(max(0, n_context - n_after), min(n_before, n_context))
    after = min(n_after, n_context - before)
    prefix = document[:title_end] + document[start - before : start]
    return masked_string(prefix, document[start:end], document[end : end + after])


def salient_spans(document: str, start: int) -> list[tuple[int, int]]:
    """Start and end of each run of words, from `start` on, that all begin with a capital or a digit."""
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
    """The form that all objectives share: prefix MASK suffix MASK masked_content MASK."""
    return f"{prefix}{MASK}{suffix}{MASK}{masked_content}{MASK}"


def pair_string(question: str, answer: str) -> str:
    """A pair in that form: question MASK answer MASK."""
    return f"{question}{MASK}{answer}{MASK}"
