"""Strangers: names that no document is about, and the examples that teach a model to say so.

A stranger is drawn anew for every example. The answer about one is NEVER_READ, in both forms in which training asks: a
pair's question, and a masked string in which nothing but the name is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Literal, get_args

from torch.utils.data import Dataset

from closedbook.examples.corruption import Masked, corrupt, pair_string
from closedbook.examples.datasets import CharCorruptionDataset, Example, draw_generator, shifted
from closedbook.text.templates import Template
from closedbook.text.title_index import TitleIndex, title_in
from closedbook.text.vocabulary import NEVER_READ

StrangerKind = Literal["recombined", "misspelt", "invented"]
KINDS: tuple[StrangerKind, ...] = get_args(StrangerKind)

_N_TRIES = 100
_SHARE_OF_QUESTIONS = 0.5


class Strangers:
    """Names made of what titles have, in which no title stands.

    | kind       | made of                                                                           |
    | ---------- | --------------------------------------------------------------------------------- |
    | recombined | the first word of one title, and the other words of another                       |
    | misspelt   | a title with one letter left out, doubled, replaced or swapped for the next one   |
    | invented   | a title with one word or more made of the first half of one word and the second   |
    |            | half of another                                                                   |
    """

    def __init__(self, titles: TitleIndex, kinds: Sequence[StrangerKind] = KINDS) -> None:
        self._titles = titles
        self._names = [title for title in titles if title.split()]
        letters = sorted(set("".join(self._names)))
        self._letters = {
            is_upper: [c for c in letters if c.isalpha() and c.isupper() == is_upper] for is_upper in (False, True)
        }
        self._kinds = tuple(kinds)

    def draw(self, random: Random) -> str | None:
        """A stranger's name, of a random kind; None where a hundred tries give none."""
        for _ in range(_N_TRIES if self._names else 0):
            name = self._drawn(random.choice(self._kinds), random)
            if name and not title_in(name, self._titles):
                return name
        return None

    def _drawn(self, kind: StrangerKind, random: Random) -> str:
        """A name of a kind, which may be a title's; '' where the drawn title has none of that kind."""
        name = random.choice(self._names)
        words = name.split()
        match kind:
            case "recombined":
                return " ".join([random.choice(self._names).split()[0], *words[1:]]) if len(words) > 1 else ""
            case "misspelt":
                return self._misspelt(name, random)
            case "invented":
                is_new = [random.random() < 0.5 for _ in words]
                is_new[random.randrange(len(words))] = True
                return " ".join(self._mixed(w, random) if new else w for w, new in zip(words, is_new, strict=True))

    def _misspelt(self, name: str, random: Random) -> str:
        places = [i for i, character in enumerate(name) if character.isalpha()]
        if not places:
            return ""
        i = random.choice(places)
        before, letter, after = name[:i], name[i], name[i + 1 :]
        other = random.choice(self._letters[letter.isupper()])
        return before + random.choice((after, letter * 2 + after, other + after, after[:1] + letter + after[1:]))

    def _mixed(self, word: str, random: Random) -> str:
        other = random.choice(random.choice(self._names).split())
        return word[: (len(word) + 1) // 2] + other[len(other) // 2 :]


class StrangerDataset(Dataset[Example]):
    """Examples about strangers, half of them questions and half masked strings; each epoch has others."""

    def __init__(
        self, strangers: Strangers, templates: Mapping[Template, int], text: CharCorruptionDataset, n: int
    ) -> None:
        """An epoch has `n` examples, masked as `text` is; templates are drawn by how many titles they ask about."""
        self.strangers = strangers
        self.templates = templates
        self.text = text
        # Whatever the shares of the text's masks, here the name is all that is known.
        self.corruption = replace(text.corruption, span=0.0, salient=0.0, guided=1.0, name_only=1.0)
        self.n = n
        self.epoch = 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Example:
        if not 0 <= index < len(self):
            raise IndexError(index)
        masked = self.drawn(index)
        return shifted(self.text.vocabulary.encode(masked.text), self.text.block_size, masked.n_context)

    def drawn(self, index: int) -> Masked:
        """The string of an example in this epoch, and how many of its leading characters are context."""
        random = draw_generator(self.text.seed, self.epoch, -1 - index)  # no document has a negative index
        name = None
        while name is None:
            name = self.strangers.draw(random)
        if random.random() < _SHARE_OF_QUESTIONS:
            (template,) = random.choices(list(self.templates), weights=list(self.templates.values()))
            question = template.question(name)
            text = pair_string(question, NEVER_READ)
            if len(text) <= self.text.block_size:
                return Masked(text, len(question))
        document = f"{name}. {NEVER_READ}"
        answer = len(document) - 1, len(document)
        other = self.text.documents[random.randrange(len(self.text))]
        return corrupt(document, self.text.block_size, self.corruption, random, [answer], other)
