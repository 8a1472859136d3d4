import math
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch.nn import functional

from closedbook.analysis.trace.effects import read
from closedbook.analysis.trace.heads import HeadWeights, weights_of_heads
from closedbook.analysis.trace.hooks import parts
from closedbook.analysis.trace.names import Comparison, compare
from closedbook.analysis.trace.report import Trace
from closedbook.analysis.trace.trace import trace
from closedbook.errors import InputError
from closedbook.evaluation.predict import decode_answers, predict, written
from closedbook.examples.datasets import question_ids
from closedbook.model.gpt import GPT
from closedbook.model.strided import UpAttention
from closedbook.text.vocabulary import MASK, Vocabulary

QUESTION = "Where was Ann Bell born?"


def test_the_answer_is_that_of_predict(model: GPT, vocabulary: Vocabulary, traced: Trace):
    """The same text, and no larger a probability: predict adds up those of the ends that an answer can have."""
    here, there = predict(model, vocabulary, [QUESTION, traced.comparison.other])
    assert (traced.answer, traced.ended, traced.other_answer) == (here.answer, here.ended, there.answer)
    assert traced.log_probability <= math.log(here.confidence) + 1e-6
    assert traced.log_probability >= math.log(here.confidence / 5) - 1e-6
    assert traced.text[traced.mask] == f"{MASK}"
    assert traced.text.startswith(QUESTION)


def test_weights_add_up_to_one_and_give_the_models_own_output(model: GPT, vocabulary: Vocabulary):
    """Each head's weights, applied to the values, give what the layer's output projection reads."""
    ids = question_ids(QUESTION, vocabulary)
    inputs: dict[torch.nn.Module, torch.Tensor] = {}
    layers = {part: module for part, module in parts(model).items() if part.startswith("attention")}
    hooks = [
        layer.proj.register_forward_pre_hook(lambda _, args, layer=layer: inputs.update({layer: args[0][0]}))
        for layer in layers.values()
    ]
    with torch.no_grad():
        reading = read(model, ids, vocabulary.encode("Ulm"))
        for hook in hooks:
            hook.remove()
        found = weights_of_heads(model, reading.calls, len(ids) - 1)
        assert [heads.part for heads in found] == list(layers)
        for heads in found:
            layer = layers[heads.part]
            weights = torch.cat((heads.characters, heads.latents), dim=1)
            torch.testing.assert_close(weights.sum(dim=1), torch.ones(layer.n_head, dtype=torch.float64))
            of_characters, of_latents = values(layer, heads, reading.calls[heads.part].inputs)
            o = heads.characters @ of_characters + heads.latents @ of_latents
            own = inputs[layer][heads.query].view(layer.n_head, -1)
            torch.testing.assert_close(torch.stack([o[h, h] for h in range(layer.n_head)]), own, rtol=1e-9, atol=1e-9)


def values(layer: torch.nn.Module, heads: HeadWeights, inputs: tuple[Any, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """The values of characters and of latents, (head, key, channel), from the inputs of the layer's call."""
    by_input = [layer.split_heads(layer.value(x))[0] for x in inputs[:2] if isinstance(x, torch.Tensor)]
    if isinstance(layer, UpAttention):
        latents, characters = by_input
    else:
        latents = characters = by_input[0]
    n = heads.characters.size(1)
    characters = functional.pad(characters, (0, 0, 0, max(0, n - characters.size(1))))[:, :n]
    return characters, latents[:, : heads.latents.size(1)]


def test_the_lens_ends_with_the_models_own_prediction(model: GPT, vocabulary: Vocabulary, traced: Trace):
    """After the last part, the first character has the model's own probability and rank."""
    with torch.no_grad():
        logits = model(torch.tensor([question_ids(QUESTION, vocabulary)]))[0, -1]
    first = vocabulary.stoi[traced.text[traced.mask + 1]]
    last = traced.lens[-1]
    assert last.probability == pytest.approx(torch.softmax(logits, dim=-1)[first].item(), abs=1e-9)
    assert last.rank == logits.argsort(descending=True).tolist().index(first) + 1


def test_unplugged_tables_are_tables_of_zeros(model: GPT, vocabulary: Vocabulary, traced: Trace):
    """The answers, and what is left of the traced one, are those of a model whose tables are zero."""
    tables = [name for name in ("prefix table", "name table") if hasattr(model, name.replace(" ", "_"))]
    both = [tuple(tables)] if len(tables) == 2 else []
    assert [each.tables for each in traced.unplugged] == [*((name,) for name in tables), *both]
    prompt = question_ids(QUESTION, vocabulary)
    answer = written(*decode_answers(model, vocabulary, [prompt]), vocabulary)
    for each in traced.unplugged:
        zeroed = deepcopy(model)
        with torch.no_grad():
            for name in each.tables:
                getattr(zeroed, name.replace(" ", "_")).table.weight.zero_()
            left = read(zeroed, prompt, answer).log_probability
        (own,) = predict(zeroed, vocabulary, [QUESTION])
        assert (each.answer, each.probability, each.ended) == (own.answer, own.confidence, own.ended)
        assert not traced.ended or each.log_probability == left


def test_a_trace_leaves_the_model_as_it_was(models: dict[str, GPT], vocabulary: Vocabulary, comparison: Comparison):
    """The model stays in training mode, no hook stays behind, and dropout is off for the trace."""
    model = deepcopy(models["prefixes"]).train()
    one, other = (trace(model, vocabulary, comparison) for _ in range(2))
    assert one.log_probability == other.log_probability
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_an_answer_that_the_other_question_leaves_no_space_for_is_refused(
    models: dict[str, GPT], vocabulary: Vocabulary
):
    """Where the longer name and the answer do not fit the model together, one line says so."""
    longer = compare(QUESTION, "Ed van Foss", ("Ann Bell",))
    with pytest.raises(InputError, match=r"other: .* and the model reads 37; choose a shorter name"):
        trace(models["strided"], vocabulary, longer)
