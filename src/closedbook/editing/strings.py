"""Strings: contexts with their answers as token ids, and how likely a model holds them, with gradients.

Letters: B batch, T time, S number of supervised characters.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from closedbook.examples.corruption import pair_string
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import PAD_ID, Vocabulary


class Strings(NamedTuple):
    """x, and y with PAD where no loss is: everywhere but at the characters of the answer and the MASK that ends it."""

    x: Int64[Tensor, "B T"]
    y: Int64[Tensor, "B T"]

    @property
    def supervised(self) -> Bool[Tensor, "B T"]:
        """Which positions predict a character of an answer."""
        return self.y != PAD_ID


def strings_of(texts: Sequence[str], answers: Sequence[str], vocabulary: Vocabulary) -> Strings:
    """Each text with its answer after a MASK."""
    ids = [torch.tensor(vocabulary.encode(pair_string(*pair))) for pair in zip(texts, answers, strict=True)]
    padded = pad_sequence(ids, batch_first=True, padding_value=PAD_ID)
    y = padded[:, 1:].clone()
    for row, text in zip(y, texts, strict=True):
        row[: len(text)] = PAD_ID
    return Strings(padded[:, :-1], y)


def through(model: GPT, embedded: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
    """The head's input, from the embeddings."""
    return model.through_latents(embedded) if model.config.variant == "perceiver" else model.through_blocks(embedded)


def answer_nats(model: GPT, hidden: Float[Tensor, "S C"], strings: Strings) -> Float[Tensor, " B"]:
    """Minus the log-probability of each answer, in nats; `hidden` is the head's input at the supervised positions."""
    supervised = strings.supervised
    nats = functional.cross_entropy(model.logits(hidden), strings.y[supervised], reduction="none")
    return nats.new_zeros(len(strings.x)).index_add(0, supervised.nonzero()[:, 0], nats)
