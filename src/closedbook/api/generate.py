"""Text that a model writes by itself after a prompt."""

from typing import NamedTuple

import torch

from closedbook.errors import InputError
from closedbook.model.gpt import GPT
from closedbook.model.sampling import sample
from closedbook.text.questions import unknown_characters
from closedbook.text.vocabulary import (
    DOUBTS,
    MASK,
    MASK_ID,
    NEVER_READ,
    PAD,
    PAD_ID,
    Vocabulary,
    with_masks,
    with_signs,
    without_marks,
)


class Sampling(NamedTuple):
    """How characters are drawn; `top_k` is the number of characters to choose from, None for all."""

    temperature: float
    top_k: int | None
    n_characters: int
    seed: int


def generated(model: GPT, vocabulary: Vocabulary, prompt: str, sampling: Sampling) -> str:
    """What a model writes after a prompt; raises InputError where the prompt has unknown characters."""
    masked = with_masks(prompt, vocabulary)
    unknown = unknown_characters(masked, vocabulary)
    if unknown is not None:
        raise InputError(f"{prompt!r}: {unknown}")
    ids = sample(
        model,
        vocabulary.encode(masked),
        n_new=sampling.n_characters,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        stop=(MASK_ID, PAD_ID, *vocabulary.ids_of(DOUBTS)),
        never=vocabulary.ids_of((NEVER_READ,)),
        generator=torch.Generator().manual_seed(sampling.seed),
    )
    text = vocabulary.decode(ids).removesuffix(PAD)
    return with_signs(f"{without_marks(text)}{MASK}" if text.endswith(DOUBTS) else text)
