import pytest
import torch

from closedbook.model.config import ModelConfig
from closedbook.model.decode import greedy
from closedbook.model.gpt import GPT
from closedbook.model.likelihood import log_likelihoods

N_CHARACTERS = 11
STRINGS = [([3, 4], [5, 6, 1]), ([2], [1]), ([7, 8, 9, 10, 3, 4, 5], [6, 7, 1]), ([3, 4], [6, 5, 1])]


@pytest.fixture(scope="module", params=["vanilla", "perceiver"])
def model(request: pytest.FixtureRequest) -> GPT:
    """A small random model."""
    torch.manual_seed(3)
    return GPT(
        ModelConfig(request.param, n_layer=3, n_head=3, n_embd=42, block_size=17, bottleneck_dim=5), N_CHARACTERS
    )


def test_a_likelihood_is_the_product_of_the_probabilities_of_its_characters(model: GPT):
    """Computed for each string by itself, character by character, without dropout."""
    values = log_likelihoods(model, STRINGS)
    model.eval()
    for (prompt, continuation), value in zip(STRINGS, values, strict=True):
        expected = 0.0
        for n, token in enumerate(continuation):
            logits = model(torch.tensor([[*prompt, *continuation[:n]]]))[0, -1]
            expected += torch.log_softmax(logits, dim=-1)[token].item()
        assert value == pytest.approx(expected, abs=1e-4)


def test_the_likelihood_of_a_greedy_answer_is_its_confidence(model: GPT):
    """What decoding says of its own text, scoring says too."""
    (decoded,) = greedy(model, [[3, 4, 5]], n_new=4, stop=1)
    generated = [*decoded.ids, *[1] * decoded.ended]
    assert log_likelihoods(model, [([3, 4, 5], generated)]) == [pytest.approx(decoded.log_probability, abs=1e-4)]


def test_scoring_leaves_the_model_in_training(model: GPT):
    """Dropout is off while it scores and on again after it."""
    model.train()
    assert log_likelihoods(model, STRINGS) == log_likelihoods(model, STRINGS)
    assert model.training
    assert log_likelihoods(model, []) == []
