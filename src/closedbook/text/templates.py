"""Templates: a question with its title cut out, as in 'Where was {} born?'."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from closedbook.text.links import Titles, title_in, whole_words
from closedbook.text.questions import Question


@dataclass(frozen=True)
class Template:
    """The parts of a question before and after the title."""

    before: str
    after: str

    def __str__(self) -> str:
        return self.before + "{}" + self.after

    def question(self, title: str) -> str:
        """The question about a title."""
        return self.before + title + self.after


@dataclass(frozen=True)
class Linked:
    """Pairs by template and title, and the pairs whose question has no title."""

    templates: Mapping[Template, Mapping[str, Sequence[Question]]]
    unlinked: Sequence[Question]


def link_templates(pairs: Iterable[Question], titles: Titles) -> Linked:
    """Each pair's template and title, which is the longest title in its question."""
    templates: dict[Template, dict[str, list[Question]]] = defaultdict(lambda: defaultdict(list))
    unlinked = []
    for pair in pairs:
        title = title_in(pair.text, titles)
        if not title:
            unlinked.append(pair)
            continue
        before, after = re.split(whole_words(title), pair.text, maxsplit=1)
        templates[Template(before, after)][title].append(pair)
    return Linked({template: dict(by_title) for template, by_title in templates.items()}, tuple(unlinked))
