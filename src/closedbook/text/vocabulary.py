"""Vocabulary: the characters a model knows, each with its number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

PAD = "\N{WHITE SQUARE}"
MASK = "\N{DOUBLE QUESTION MARK}"
PAD_ID = 0
MASK_ID = 1
_WORD_CHARACTER = re.compile(r"[\w'’-]")
_RUN_OF_WORD_CHARACTERS = re.compile(rf"{_WORD_CHARACTER.pattern}+")


@dataclass(frozen=True)
class Vocabulary:
    """PAD, MASK and then the characters of a corpus, sorted; a character's place is its number.

    `words` are the corpus's, for a model with a word memory. Raises ValueError where the characters are not of that
    form.
    """

    characters: tuple[str, ...]
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.characters[:2] != (PAD, MASK):
            raise ValueError(f"a vocabulary begins with PAD {PAD!r} and MASK {MASK!r}, not {self.characters[:2]}")
        if len(set(self.characters)) != len(self.characters) or any(len(c) != 1 for c in self.characters):
            raise ValueError("a vocabulary holds single characters, each once")

    @classmethod
    def of_text(cls, text: str) -> "Vocabulary":
        """Every character of `text`, line feeds included; PAD and MASK are taken as they come."""
        return cls((PAD, MASK, *sorted(set(text) - {PAD, MASK})))

    def with_words(self, text: str) -> "Vocabulary":
        """The same with the words of `text`, sorted."""
        return Vocabulary(self.characters, tuple(sorted(set(_RUN_OF_WORD_CHARACTERS.findall(text)))))

    def in_word(self) -> tuple[bool, ...]:
        """Of each character, whether words are made of it."""
        return tuple(_WORD_CHARACTER.fullmatch(character) is not None for character in self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    @cached_property
    def stoi(self) -> dict[str, int]:
        """Character to number."""
        return {character: number for number, character in enumerate(self.characters)}

    @cached_property
    def itos(self) -> dict[int, str]:
        """Number to character."""
        return dict(enumerate(self.characters))

    def encode(self, text: str) -> list[int]:
        """The numbers of the characters of `text`; KeyError on one that is not known."""
        stoi = self.stoi
        return [stoi[character] for character in text]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text that `encode` makes `numbers` of."""
        return "".join(self.characters[number] for number in numbers)

    def unknown(self, text: str) -> list[str]:
        """The characters of `text` that are not in the vocabulary, in order of appearance, each once."""
        return list(dict.fromkeys(character for character in text if character not in self.stoi))
