"""Gradients in closed form: they are autograd's."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from closedbook.attribution.gradients import Gradients, Prompt, margin_gradients, margins
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT, last_block
from closedbook.storage.run import make_model
from closedbook.text.vocabulary import Vocabulary

TEXT = "Ada Bell. Ada Bell was born in Ulm . Bo Carr. Bo Carr was born in Rom ."
VOCABULARY = Vocabulary.of_text(TEXT).with_words(TEXT).with_titles(["Ada Bell", "Bo Carr"])
SMALL = ModelConfig(n_layer=2, n_head=2, n_embd=12, block_size=47, embd_pdrop=0.2, resid_pdrop=0.2, attn_pdrop=0.2)
VARIANTS = {
    "vanilla": SMALL,
    "with tables": replace(SMALL, n_layer=1, prefix_table=True, name_table=True),
    "rotary": replace(SMALL, positions="rotary"),
    "assignment's Perceiver": replace(SMALL, variant="perceiver", n_layer=3, bottleneck_dim=7),
    "strided Perceiver": replace(SMALL, variant="perceiver", n_layer=3, bottleneck_dim=7, latent_mask="strided"),
}
QUESTIONS = ["Ada Bell born", "Bo Carr", "was Ada Bell born in Ulm ", "B"]


def model_of(config: ModelConfig) -> GPT:
    """A model in float64, whose tables are not zero."""
    torch.manual_seed(0)
    model = make_model(config, VOCABULARY).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def prompts() -> list[Prompt]:
    """Prompts of four lengths."""
    return [Prompt(VOCABULARY.encode(text), VOCABULARY.stoi[c]) for text, c in zip(QUESTIONS, "URaB", strict=True)]


def by_autograd(model: GPT, prompt: Prompt) -> Tensor:
    """The gradient of log(p / (1 - p)) by the last attention's output projection, as a matrix."""
    probabilities = torch.softmax(model(torch.tensor([prompt.ids]))[0, -1], dim=-1)
    margin = torch.log(probabilities[prompt.target] / (1 - probabilities[prompt.target]))
    (gradient,) = torch.autograd.grad(margin, last_block(model).attn.proj.weight)
    return gradient


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_products_in_closed_form_are_those_of_autograd(config: ModelConfig):
    """In float64, for every variant: the dot product of every two prompts' gradients."""
    model = model_of(config).eval()
    found = margin_gradients(model, prompts())
    matrices = torch.stack([by_autograd(model, prompt) for prompt in prompts()]).flatten(1)
    torch.testing.assert_close(found.dots(found), matrices @ matrices.T, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_prompt_alone_has_the_gradient_that_it_has_among_others(config: ModelConfig):
    """Padding changes nothing, up to rounding."""
    model = model_of(config)
    together = margin_gradients(model, prompts())
    for row, prompt in enumerate(prompts()):
        alone = margin_gradients(model, [prompt])
        torch.testing.assert_close(alone.inputs[0], together.inputs[row])
        torch.testing.assert_close(alone.deltas[0], together.deltas[row])


def test_the_model_is_left_as_it_was():
    """Its mode, its own gradients and its logits; dropout is off while gradients are computed."""
    model = model_of(SMALL)
    ids = torch.tensor([prompts()[0].ids])
    before = model.eval()(ids)
    model.train()
    first, second = margin_gradients(model, prompts()), margin_gradients(model, prompts())
    assert torch.equal(first.deltas, second.deltas)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(model.eval()(ids), before)


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=5))
def test_a_margin_is_the_log_of_the_odds(values: list[float]):
    """log(p / (1 - p)), where p and 1 - p are both far from 0 in float64."""
    logits = torch.tensor([values], dtype=torch.float64)
    p = torch.softmax(logits, dim=-1)[0, 0]
    others = torch.softmax(logits, dim=-1)[0, 1:].sum()
    torch.testing.assert_close(margins(logits, torch.tensor([0]))[0], torch.log(p) - torch.log(others))


def test_a_model_that_is_sure_still_has_a_gradient():
    """In float32, where 1 - p is 0: the gradient of log p would be 0."""
    logits = torch.tensor([[100.0, 0.0, 0.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(margins(logits, torch.tensor([0])).sum(), logits)
    torch.testing.assert_close(gradient, torch.tensor([[1.0, -0.5, -0.5]]))


@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_cosines_know_no_lengths(factor: float, seed: int):
    """A gradient has cosine 1 with any multiple of itself, and no cosine is above 1."""
    one = Gradients(*torch.randn(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))
    other = Gradients(one.inputs * factor, one.deltas)
    cosines = one.cosines(other)
    torch.testing.assert_close(cosines.diagonal(), torch.ones(5, dtype=torch.float64))
    assert cosines.abs().max() <= 1 + 1e-12
