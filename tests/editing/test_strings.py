"""Strings: what is supervised, and how likely a model holds it."""

import pytest
import torch

from closedbook.editing.strings import answer_nats, strings_of, through
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.likelihood import log_likelihoods
from closedbook.text.vocabulary import MASK, Vocabulary

TEXTS, ANSWERS = ["Where?", f"Ann. {MASK}"], ["Ulm", "Bern"]
VOCABULARY = Vocabulary.of_text("".join([*TEXTS, *ANSWERS]).replace(MASK, ""))


def test_the_answer_and_the_mask_after_it_are_supervised():
    """And nothing of the text, nor the MASK that ends it."""
    strings = strings_of(TEXTS, ANSWERS, VOCABULARY)
    predicted = [VOCABULARY.decode(y[y != 0].tolist()) for y in strings.y]
    assert predicted == [f"Ulm{MASK}", f"Bern{MASK}"]
    assert [int(row.nonzero()[0]) for row in strings.supervised] == [len(text) for text in TEXTS]


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
@torch.no_grad()
def test_nats_are_those_of_the_plain_way(variant: str):
    """Minus the log-likelihood of each answer, from the embeddings on."""
    torch.manual_seed(3)
    config = ModelConfig(variant=variant, latent_mask="strided", n_layer=2, n_head=2, n_embd=22, block_size=37)
    model = GPT(config, len(VOCABULARY)).eval()
    strings = strings_of(TEXTS, ANSWERS, VOCABULARY)
    hidden = through(model, model.embed(strings.x))
    pairs = [
        (VOCABULARY.encode(text + MASK), VOCABULARY.encode(answer + MASK))
        for text, answer in zip(TEXTS, ANSWERS, strict=True)
    ]
    expected = -torch.tensor(log_likelihoods(model, pairs))
    torch.testing.assert_close(answer_nats(model, hidden[strings.supervised], strings), expected)
