"""What templates have in common: the parts of their weights, and the words of a question in the documents."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from closedbook.reader.alternatives import Alternatives
from closedbook.reader.tokens import Integers, Lexicon, tokenize
from closedbook.text.templates import Template

_MIN_OWN = 2
"""A template with fewer pairs has no part of its own."""
_DISTANCES = np.array([1, 2, 3, 5, 9, 17])
"""Bounds of the bins of distances in tokens; farther is as if it were nowhere."""
N_DISTANCES = 2 * (len(_DISTANCES) - 1)


def parts_of(templates: Sequence[Template], n_pairs: Sequence[int]) -> tuple[list[Integers], int]:
    """The parts of each template's weights, and their number: a common one, one for each word, one of its own.

    A word's part is left out where it would be another's: where all templates have the word, or one alone, or where
    another word is in the same templates.
    """
    words = [set(re.findall(r"\w+", f"{t.before} {t.after}".lower())) for t in templates]
    having: dict[str, list[int]] = defaultdict(list)
    for number, of_template in enumerate(words):
        for word in sorted(of_template):
            having[word].append(number)
    groups = sorted({tuple(numbers) for numbers in having.values() if 1 < len(numbers) < len(templates)})
    parts: list[list[int]] = [[0] for _ in templates]
    n = 1
    for group in groups:
        for number in group:
            parts[number].append(n)
        n += 1
    for number in range(len(templates)) if len(templates) > 1 else ():
        if n_pairs[number] >= _MIN_OWN:
            parts[number].append(n)
            n += 1
    return [np.array(of_template) for of_template in parts], n


class QuestionWords:
    """The words of each template that not most templates have; words with the same beginning count as one."""

    def __init__(self, templates: Sequence[Template], lexicon: Lexicon) -> None:
        words = tokenize([f"{t.before} {t.after}" for t in templates], lexicon)
        self._stems = []
        found = Counter[int]()
        for begin, end in zip(words.begins[:-1], words.begins[1:], strict=True):
            numbers = words.words[begin:end]
            letters = np.isin(lexicon.classes[numbers], [lexicon.class_number(name) for name in ("A", "a", "字")])
            stems = np.unique(lexicon.stems[numbers[letters]])
            self._stems.append(stems)
            found.update(stems.tolist())
        common = [stem for stem, n in found.items() if n > max(3, len(templates) / 3)]
        self._stems = [np.setdiff1d(stems, common) for stems in self._stems]

    def distances(self, template: int, alternatives: Alternatives, which: Integers) -> NDArray[np.float32]:
        """How near the question's words stand before and after some alternatives: (alternatives, bins)."""
        around, tokens = alternatives.around, alternatives.around.tokens
        first, last = alternatives.spans.first[which], alternatives.spans.last[which]
        is_word = np.isin(tokens.lexicon.stems[tokens.words], self._stems[template])
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
