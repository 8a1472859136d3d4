"""The vocabulary: the characters that a model knows, each with a token id."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from closedbook.errors import InputError
from closedbook.text.words import NO_BLANKS

PAD_ID = 0
MASK_ID = 1
# Noncharacters, which Unicode keeps for a program's own use (section 23.7): no text spells them.
PAD = "\ufdd5"
MASK = "\ufdd6"
PAD_SIGN = "\N{WHITE SQUARE}"
"""The assignment's PAD, which stands for ours where people see it."""
MASK_SIGN = "\N{DOUBLE QUESTION MARK}"
"""The assignment's MASK, likewise."""
NEVER_READ = "\ufdd0"
"""The answer to a question about somebody of whom no document is."""
NOT_TOLD = "\ufdd1"
"""What follows an answer where there is a document, and it does not say: the answer is a guess."""
DOUBTS = (NOT_TOLD, "\ufdd2", "\ufdd3", "\ufdd4")
"""What follows an answer that the document may not mean, the most doubtful first."""
UNKNOWN_CHARACTER = "\ufdd7"
"""Any character that neither the corpus nor the training pairs have."""
_NO_DOUBTS = dict.fromkeys(map(ord, DOUBTS))
ABSTENTIONS = (NEVER_READ, *DOUBTS)
_SPECIAL = re.compile(f"[{PAD}{MASK}{UNKNOWN_CHARACTER}{''.join(ABSTENTIONS)}\ud800-\udfff]")
_WORD_CHARACTER = re.compile(r"[\w'’-]")
_WORD = re.compile(rf"[{NO_BLANKS}]|(?:(?![{NO_BLANKS}]){_WORD_CHARACTER.pattern})+")
"""A character of a script without blanks, or a run of characters of words; the former may be a mark."""


_IN_NO_BLANKS = re.compile(f"[{NO_BLANKS}]")


def special_in(text: str) -> str | None:
    """What is wrong with a text that has a character which is kept for us; None where it has none."""
    special = _SPECIAL.search(text)
    if special is None:
        return None
    code = ord(special[0])
    if 0xDC80 <= code <= 0xDCFF:  # as Python has a byte that it cannot decode (PEP 383)
        return f"the byte 0x{code - 0xDC00:02x} is not UTF-8; write it as UTF-8"
    if 0xD800 <= code <= 0xDFFF:
        return f"U+{code:04X} is half of a character (a surrogate without its other half); delete it"
    return f"U+{code:04X} is no character of any language and is kept for closedbook's own use; delete it"


def with_signs(text: str) -> str:
    """The text as people see it, with PAD_SIGN and MASK_SIGN."""
    return text.replace(PAD, PAD_SIGN).replace(MASK, MASK_SIGN)


def with_masks(text: str, vocabulary: "Vocabulary") -> str:
    """The text that people wrote, with a MASK for each MASK_SIGN that is no character of the vocabulary's own."""
    return text if MASK_SIGN in vocabulary.stoi else text.replace(MASK_SIGN, MASK)


def without_marks(text: str) -> str:
    """The text without DOUBTS."""
    return text.translate(_NO_DOUBTS)


@dataclass(frozen=True)
class Vocabulary:
    """PAD, MASK and then the sorted characters of a corpus; a character's index is its token id.

    `words` are the corpus's distinct words and `titles` its titles, for a model with tables of them; `wordings` are
    what stands before and after the title in the training pairs' questions. Raises ValueError where `characters` does
    not begin with PAD and MASK, repeats a character, or has an item that is not one character.
    """

    characters: tuple[str, ...]
    words: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    wordings: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.characters[:2] != (PAD, MASK):
            raise ValueError(f"a vocabulary begins with PAD and MASK, not {self.characters[:2]}")
        if len(set(self.characters)) != len(self.characters) or any(len(c) != 1 for c in self.characters):
            raise ValueError("a vocabulary holds single characters, each once")

    @classmethod
    def of_text(cls, text: str) -> "Vocabulary":
        """The vocabulary of all characters of a text, line feeds included."""
        return cls((PAD, MASK, *sorted(set(text) - {PAD, MASK})))

    @classmethod
    def of_saved(
        cls, characters: str, words: Iterable[str], titles: Iterable[str], wordings: Iterable[Sequence[str]] = ()
    ) -> "Vocabulary":
        """A vocabulary from what `saved` gave."""
        if characters[:2] != PAD_SIGN + MASK_SIGN:
            raise ValueError(f"a vocabulary begins with {PAD_SIGN!r} and {MASK_SIGN!r}, not {characters[:2]}")
        parts = tuple((before, after) for before, after in wordings)
        return cls((PAD, MASK, *characters[2:]), tuple(words), tuple(titles), parts)

    def saved(self) -> str:
        """The characters as a run's folder has them: the assignment's for PAD and MASK."""
        return "".join((PAD_SIGN, MASK_SIGN, *self.characters[2:]))

    def with_words(self, *texts: str) -> "Vocabulary":
        """The same characters, with the distinct words of the texts, sorted."""
        words: set[str] = set()
        for text in texts:
            words.update(_WORD.findall(text))
        return replace(self, words=tuple(sorted(words)))

    def with_titles(self, titles: Iterable[str]) -> "Vocabulary":
        """The same, with distinct titles, sorted."""
        return replace(self, titles=tuple(sorted(set(titles))))

    def with_characters(self, *texts: str) -> "Vocabulary":
        """The same, with the characters of the texts too and UNKNOWN_CHARACTER after them."""
        known = sorted({*self.characters[2:], *chain.from_iterable(texts)})
        return replace(self, characters=(PAD, MASK, *known, UNKNOWN_CHARACTER))

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
        alone = self.alone()
        return tuple(
            _WORD_CHARACTER.fullmatch(character) is not None or is_alone
            for character, is_alone in zip(self.characters, alone, strict=True)
        )

    def alone(self) -> tuple[bool, ...]:
        """For each token id, whether its character is a word by itself: those of scripts without blanks.

        None is in a run that was made before this was so, whose words have several of them.
        """
        is_older = any(len(word) > 1 and _IN_NO_BLANKS.search(word) for word in self.words)
        return tuple(not is_older and _IN_NO_BLANKS.match(character) is not None for character in self.characters)

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
        """The token ids of a text; raises InputError for an unknown character where there is no UNKNOWN_CHARACTER."""
        stoi, unknown = self.stoi, self.stoi.get(UNKNOWN_CHARACTER)
        if unknown is not None:
            return [stoi.get(character, unknown) for character in text]
        try:
            return [stoi[character] for character in text]
        except KeyError:
            missing = ", ".join(map(repr, self.unknown(text)))
            raise InputError(f"{missing}: not in the vocabulary, which is the characters of the corpus") from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids."""
        return "".join(self.characters[i] for i in ids)

    @property
    def is_open(self) -> bool:
        """Whether a text may have characters that are not in it."""
        return UNKNOWN_CHARACTER in self.stoi

    def unknown(self, text: str) -> list[str]:
        """The distinct characters of a text that are not in the vocabulary, in order of appearance."""
        return list(dict.fromkeys(character for character in text if character not in self.stoi))
