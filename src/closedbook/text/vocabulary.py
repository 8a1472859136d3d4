"""The vocabulary: the characters that a model knows, each with a token id."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

PAD = "\N{WHITE SQUARE}"
MASK = "\N{DOUBLE QUESTION MARK}"
PAD_ID = 0
MASK_ID = 1
# Noncharacters, which Unicode keeps for a program's own use (section 23.7).
NEVER_READ = "\ufdd0"
"""The answer to a question about somebody of whom no document is."""
NOT_TOLD = "\ufdd1"
"""What follows an answer where there is a document, and it does not say: the answer is a guess."""
DOUBTS = (NOT_TOLD, "\ufdd2", "\ufdd3", "\ufdd4")
"""What follows an answer that the document may not mean, the most doubtful first."""
_NO_DOUBTS = dict.fromkeys(map(ord, DOUBTS))
ABSTENTIONS = (NEVER_READ, *DOUBTS)
SPECIALS = {PAD: "padding", MASK: "the mask"} | dict.fromkeys(ABSTENTIONS, "not knowing")
"""Characters that no file may have, and what each stands for."""
_WORD_CHARACTER = re.compile(r"[\w'’-]")
_RUN_OF_WORD_CHARACTERS = re.compile(rf"{_WORD_CHARACTER.pattern}+")


def without_marks(text: str) -> str:
    """The text without DOUBTS."""
    return text.translate(_NO_DOUBTS)


@dataclass(frozen=True)
class Vocabulary:
    """PAD, MASK and then the sorted characters of a corpus; a character's index is its token id.

    `words` are the corpus's distinct words and `titles` its titles, for a model with tables of them. Raises ValueError
    where `characters` does not begin with PAD and MASK, repeats a character, or has an item that is not one character.
    """

    characters: tuple[str, ...]
    words: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.characters[:2] != (PAD, MASK):
            raise ValueError(f"a vocabulary begins with PAD {PAD!r} and MASK {MASK!r}, not {self.characters[:2]}")
        if len(set(self.characters)) != len(self.characters) or any(len(c) != 1 for c in self.characters):
            raise ValueError("a vocabulary holds single characters, each once")

    @classmethod
    def of_text(cls, text: str) -> "Vocabulary":
        """The vocabulary of all characters of a text, line feeds included."""
        return cls((PAD, MASK, *sorted(set(text) - {PAD, MASK})))

    def with_words(self, *texts: str) -> "Vocabulary":
        """The same characters, with the distinct words of the texts, sorted."""
        words: set[str] = set()
        for text in texts:
            words.update(_RUN_OF_WORD_CHARACTERS.findall(text))
        return replace(self, words=tuple(sorted(words)))

    def with_titles(self, titles: Iterable[str]) -> "Vocabulary":
        """The same, with distinct titles, sorted."""
        return replace(self, titles=tuple(sorted(set(titles))))

    def with_abstentions(self) -> "Vocabulary":
        """The same, with ABSTENTIONS as its last characters."""
        return replace(self, characters=(*self.characters, *ABSTENTIONS))

    @property
    def abstains(self) -> bool:
        """Whether a model of this vocabulary can say that it does not know."""
        return self.characters[-len(ABSTENTIONS) :] == ABSTENTIONS

    def ids_of(self, characters: Iterable[str]) -> list[int]:
        """The token ids of those of the characters that are in the vocabulary."""
        return [self.stoi[character] for character in characters if character in self.stoi]

    def in_word(self) -> tuple[bool, ...]:
        """For each token id, whether its character can be part of a word."""
        return tuple(_WORD_CHARACTER.fullmatch(character) is not None for character in self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    @cached_property
    def stoi(self) -> dict[str, int]:
        """The token id of each character."""
        return {character: id_ for id_, character in enumerate(self.characters)}

    @cached_property
    def itos(self) -> dict[int, str]:
        """The character of each token id."""
        return dict(enumerate(self.characters))

    def encode(self, text: str) -> list[int]:
        """The token ids of a text; raises KeyError for an unknown character."""
        stoi = self.stoi
        return [stoi[character] for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids."""
        return "".join(self.characters[i] for i in ids)

    def unknown(self, text: str) -> list[str]:
        """The distinct characters of a text that are not in the vocabulary, in order of appearance."""
        return list(dict.fromkeys(character for character in text if character not in self.stoi))
