"""Templates: a question with its title cut out, as in 'Where was {} born?'."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from closedbook.text.questions import Question
from closedbook.text.title_index import TitleIndex


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


def link_templates(pairs: Iterable[Question], titles: TitleIndex) -> Linked:
    """Each pair's template and title, the one that its question names."""
    templates: dict[Template, dict[str, list[Question]]] = defaultdict(lambda: defaultdict(list))
    unlinked = []
    for pair in pairs:
        named = titles.named_in(pair.text)
        if named is None:
            unlinked.append(pair)
            continue
        template = Template(pair.text[: named.start], pair.text[named.end :])
        templates[template][named.title].append(pair)
    return Linked({template: dict(by_title) for template, by_title in templates.items()}, tuple(unlinked))
