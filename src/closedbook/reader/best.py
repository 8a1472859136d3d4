"""The best answer of each choice: the text with the largest sum of its mentions' probabilities."""

from typing import NamedTuple

import numpy as np

from closedbook.reader.alternatives import Alternatives
from closedbook.reader.choice import Floats
from closedbook.reader.titled import Entries
from closedbook.reader.tokens import Integers


class Best(NamedTuple):
    """An answer as [start, end) in characters of document number `document` of the corpus; start -1 for none."""

    document: int
    start: int
    end: int
    confidence: float


def best_of(
    alternatives: Alternatives, entries: Entries, which: Integers, starts: Integers, probabilities: Floats
) -> list[Best]:
    """The best answer of each choice, which has the alternatives which[starts[c]:starts[c + 1]] in the titles' order.

    Its place is that of the likeliest mention. Among equal texts the first is the best.
    """
    choice_of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    is_none = alternatives.spans.first[which] < 0
    weights = np.where(is_none, -1.0, probabilities)  # 'none of them' is the best only where it is alone
    _, numbers = np.unique(alternatives.spans.texts[which], return_inverse=True)
    _, first, text_of = np.unique(choice_of * np.int64(len(which)) + numbers, return_index=True, return_inverse=True)
    sums, owners = np.bincount(text_of, weights), choice_of[first]
    order = np.lexsort((first, -sums, owners))
    best = order[np.searchsorted(owners[order], np.arange(len(starts) - 1))]
    by_weight = np.lexsort((-weights, text_of))
    mention = by_weight[np.searchsorted(text_of[by_weight], best)]

    tokens, chosen = entries.tokens, which[mention]
    begin, end = alternatives.spans.first[chosen], alternatives.spans.last[chosen]
    title = np.searchsorted(alternatives.starts, chosen, "right") - 1
    document = np.searchsorted(tokens.begins, begin, "right") - 1
    found = {
        "document": entries.documents[np.where(is_none[mention], np.searchsorted(entries.title_of, title), document)],
        "start": np.where(is_none[mention], -1, tokens.starts[begin]),
        "end": np.where(is_none[mention], -1, tokens.ends[end]),
        # Rounding can give a sum of 1 or more, or 0; nothing that was read is as certain as a pair.
        "confidence": np.where(is_none[mention], 0.0, np.clip(sums[best], 1e-12, 0.999)),
    }
    return [Best(*columns) for columns in zip(*(column.tolist() for column in found.values()), strict=True)]
