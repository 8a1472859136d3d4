"""What templates have in common: the parts of their weights, and the words of a question in the documents."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from closedbook.reader.alternatives import Alternatives
from closedbook.reader.tokens import IDEOGRAPH, Integers, Lexicon, tokenize
from closedbook.text.templates import Template

_MIN_OWN = 2
"""A template with fewer pairs has no part of its own."""
_DISTANCES = np.array([1, 2, 3, 5, 9, 17])
"""Bounds of the bins of distances in tokens; farther is as if it were nowhere."""
N_DISTANCES = 2 * (len(_DISTANCES) - 1)


def parts_of(words: Sequence[set[int]], n_pairs: Sequence[int]) -> list[Integers]:
    """The parts of each template's weights: a common one, one for each of its words, one of its own.

    A word's part is left out where it would be another's: where all templates have the word, or one alone, or where
    another word is in the same templates.
    """
    having: dict[int, list[int]] = defaultdict(list)
    for template, of_template in enumerate(words):
        for word in of_template:
            having[word].append(template)
    groups = sorted({tuple(templates) for templates in having.values() if 1 < len(templates) < len(words)})
    own = [(template,) for template, n in enumerate(n_pairs) if len(words) > 1 and n >= _MIN_OWN]
    parts: list[list[int]] = [[0] for _ in words]
    for number, templates in enumerate([*groups, *own], 1):
        for template in templates:
            parts[template].append(number)
    return [np.array(of_template) for of_template in parts]


class QuestionWords:
    """The words of each template, by the numbers of their first letters."""

    def __init__(self, templates: Sequence[Template], lexicon: Lexicon) -> None:
        tokens = tokenize([f"{template.before} {template.after}" for template in templates], lexicon)
        classes = [lexicon.class_number(name) for name in ("A", "a", IDEOGRAPH)]
        stems = np.where(np.isin(lexicon.classes[tokens.words], classes), lexicon.stems[tokens.words], -1)
        self.words = [set(stems[begin:end].tolist()) - {-1} for begin, end in pairwise(tokens.begins)]
        found = Counter(word for words in self.words for word in words)
        common = {word for word, n in found.items() if n > max(3, len(templates) / 3)}
        # Words that many templates have stand near everything.
        self._rare = [np.array(sorted(words - common), np.int64) for words in self.words]

    def distances(self, template: int, alternatives: Alternatives, which: Integers) -> NDArray[np.float32]:
        """How near the question's words stand before and after some alternatives: (alternatives, bins)."""
        around, tokens = alternatives.around, alternatives.around.tokens
        first, last = alternatives.spans.first[which], alternatives.spans.last[which]
        is_word = np.isin(tokens.lexicon.stems[tokens.words], self._rare[template])
        at = np.concatenate([[-1], np.flatnonzero(is_word), [len(tokens.words)]])
        before = at[np.searchsorted(at, first) - 1]
        after = at[np.minimum(np.searchsorted(at, last, "right"), len(at) - 1)]
        bins = np.zeros((len(which), N_DISTANCES), np.float32)
        is_real = first >= 0
        for column, distance, inside in (
            (0, first - before, before >= around.begin[first]),
            (N_DISTANCES // 2, after - last, after < around.end[last]),
        ):
            number = np.searchsorted(_DISTANCES, distance, "right") - 1
            found = np.flatnonzero(is_real & inside & (distance < _DISTANCES[-1]))
            bins[found, column + number[found]] = 1
        return bins
