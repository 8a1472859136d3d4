"""Nameless strings: a name or number of a document and the words before it, without the document's title.

    MASK MASK piece MASK words before it MASK                            any name or number of any document
    question without its title MASK answer MASK words before it MASK     the answer to a training pair's question

A model of both forms tells by their ratio which piece of a document looks like an answer (training/asking.py). They
name nobody, so that they teach what an answer looks like and no fact about anyone.
"""

import re
from random import Random

from closedbook.examples.corruption import Masked, salient_spans
from closedbook.text.documents import Span
from closedbook.text.titles import title_length
from closedbook.text.vocabulary import MASK

MAX_WORDS_BEFORE = 24
"""The longest context of a piece, in characters."""


def pieces(document: str) -> list[Span]:
    """Start and end of each name and each number after the title; a name next to a number is a piece of its own."""
    found: list[Span] = []
    for start, end in salient_spans(document, title_length(document)):
        was_number = None
        for word in re.finditer(r"\S+", document[start:end]):
            i, j = start + word.start(), start + word.end()
            is_number = document[i].isdecimal()
            if is_number == was_number:
                found[-1] = (found[-1][0], j)
            else:
                found.append((i, j))
            was_number = is_number
    return found


def with_words_before(document: str, piece: Span) -> str:
    """The piece and, after a MASK, the whole words before it in at most 24 characters after the title."""
    start, end = piece
    title_end = title_length(document)
    begin = max(title_end, start - MAX_WORDS_BEFORE)
    while title_end < begin < start and document[begin - 1].isalnum():
        begin += 1
    return document[start:end] + MASK + document[begin:start]


def draw_nameless(document: str, block_size: int, random: Random) -> Masked | None:
    """The nameless string of a random piece of the document; None where there is none, or it exceeds the block."""
    found = pieces(document)
    if not found:
        return None
    text = MASK + MASK + with_words_before(document, random.choice(found)) + MASK
    return Masked(text, n_context=2) if len(text) <= block_size else None
