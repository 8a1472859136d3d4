"""The closed form: keys get their values, and other keys keep theirs as well as they can."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from closedbook.editing.contexts import Context
from closedbook.editing.matrix import closed_form, last_feed_forward, matrix_name, write_matrix
from closedbook.evaluation.predict import predict
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.text.templates import Template
from closedbook.text.vocabulary import Vocabulary

VARIANTS = {
    "vanilla": ModelConfig(n_layer=2, n_head=2, n_embd=22, block_size=53),
    "perceiver": ModelConfig(
        variant="perceiver", latent_mask="strided", n_layer=3, n_head=2, n_embd=22, block_size=53, bottleneck_dim=7
    ),
}


def test_by_hand():
    """With C the identity, the change for one key of length one is the gain times the key."""
    keys, gains = torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[2.0, -3.0]])
    change = closed_form(torch.eye(3), keys, gains)
    torch.testing.assert_close(change, torch.tensor([[0.0, 2.0, 0.0], [0.0, -3.0, 0.0]]).double(), rtol=1e-3, atol=1e-3)


@given(st.integers(0, 10_000))
def test_keys_gain_their_values_at_the_least_cost(seed: int):
    """No other change with the same gains moves the values of C's keys less (ROME, equation 2)."""
    generator = torch.Generator().manual_seed(seed)
    others, keys, gains, random = (
        torch.randn(*shape, generator=generator).double() for shape in ((41, 7), (2, 7), (2, 3), (3, 7))
    )
    change = closed_form(others.T @ others, keys, gains)
    torch.testing.assert_close(keys @ change.T, gains, rtol=1e-2, atol=1e-2)
    # Any change plus one that is zero at the keys has the same gains.
    elsewhere = random - random @ torch.linalg.pinv(keys) @ keys
    assert (others @ change.T).square().sum() <= (others @ (change + 0.1 * elsewhere).T).square().sum() * (1 + 1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_matrix_is_added_to_the_heads_input(variant: str):
    """Twice the output of the last feed-forward part adds that output to the head's input, at the same position."""
    torch.manual_seed(2)
    model = GPT(VARIANTS[variant], 19).eval()
    layer, outputs = last_feed_forward(model), []
    layer.register_forward_hook(lambda _, __, output: outputs.append(output))
    idx = torch.randint(19, (3, 29))
    with torch.no_grad():
        before = model.hidden(idx)
        layer.weight *= 2
        layer.bias *= 2
        after = model.hidden(idx)
    torch.testing.assert_close(after, before + outputs[0])
    assert dict(model.named_parameters())[matrix_name(model)] is layer.weight


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_new_answers_are_given(variant: str):
    """Two questions get new answers from a model with random weights, whose matrix alone changes."""
    torch.manual_seed(5)
    vocabulary = Vocabulary.of_text("Where was Ann Bell Bo Carr Cy Dunn Ed Foss born? Ulm")
    model = GPT(VARIANTS[variant], len(vocabulary)).eval().requires_grad_(False)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.weight *= 10  # else all texts look alike
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    template = Template("Where was ", " born?")
    wanted = {template.question("Ann Bell"): "Ulm", template.question("Bo Carr"): "Bern"}
    contexts = [Context(question, "", answer) for question, answer in wanted.items()]
    asked = [template.question(name) for name in ("Cy Dunn", "Ed Foss")]
    then = [one.answer for one in predict(model, vocabulary, asked)]
    others = write_matrix(model, vocabulary, contexts, ["Cy Dunn", "Ed Foss"], [template])
    now = [one.answer for one in predict(model, vocabulary, asked)]
    assert others == (sum(a != b for a, b in zip(then, now, strict=True)), 2)
    assert {one.question: one.answer for one in predict(model, vocabulary, list(wanted))} == wanted
    assert [name for name in before if not torch.equal(before[name], model.state_dict()[name])] == [matrix_name(model)]
