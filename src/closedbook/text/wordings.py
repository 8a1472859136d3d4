"""Wordings: the templates of a run's questions, and the one that a question in other words is nearest to."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from closedbook.text.questions import Question
from closedbook.text.templates import Template, link_templates
from closedbook.text.title_index import TitleIndex
from closedbook.text.words import NO_BLANKS

_WORD = re.compile(rf"[^\W{NO_BLANKS}]+|[{NO_BLANKS}]")
_STEM = 4
"""Words that have as many first letters in common are taken for one."""
_LEAST = 0.24
"""A wording with less in common is another question."""
_MOST = 1000
"""Wordings that a run keeps, the commonest."""


def wordings_of(pairs: Iterable[Question], titles: TitleIndex) -> tuple[tuple[str, str], ...]:
    """What stands before and after the title in questions, the commonest first."""
    templates = link_templates(pairs, titles).templates
    most = sorted(templates, key=lambda template: -len(templates[template]))[:_MOST]
    return tuple((template.before, template.after) for template in most)


class Wordings:
    """The templates that a run was trained on."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self._words = {template: _words(template) for template in templates}
        self._n_templates = Counter(word for words in self._words.values() for word in words)

    def nearest(self, asked: Template) -> Template:
        """The template that has most in common with another; this itself where it is known, or nothing is near.

        What two have in common is the weight of the words in both, of the weight of those in either. Words weigh by the
        square of their length, since short ones are mostly grammar, and less where more templates have them.
        """
        if asked in self._words or not (self._words and _words(asked)):
            return asked
        words = _words(asked)

        def likeness(template: Template) -> float:
            either = self._words[template] | words
            both = self._words[template].keys() & words.keys()
            return sum(self._weight(word, either) for word in both) / sum(self._weight(word, either) for word in either)

        nearest = max(self._words, key=likeness)
        return nearest if likeness(nearest) >= _LEAST else asked

    def _weight(self, word: str, lengths: Mapping[str, int]) -> float:
        return lengths[word] ** 2 * math.log(1 + len(self._words) / max(1, self._n_templates[word]))


def _words(template: Template) -> dict[str, int]:
    """The length of each word, by its first letters."""
    return {word[:_STEM].lower(): len(word) for word in _WORD.findall(f"{template.before} {template.after}")}
