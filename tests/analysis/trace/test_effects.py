import math
from collections.abc import Mapping
from contextlib import ExitStack

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from closedbook.analysis.trace.effects import Reading, answer_log_probabilities, patched, read, trace_part
from closedbook.analysis.trace.hooks import changed, on_latents, parts
from closedbook.examples.datasets import question_ids
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import MASK_ID, Vocabulary

QUESTION, SAME_LENGTH, SHORTER = (f"Where was {name} born?" for name in ("Ann Bell", "Cyn Dunn", "Di Eck"))
NAME = range(10, 18)


@pytest.fixture
def answer(vocabulary: Vocabulary) -> list[int]:
    """The ids of an answer and of the mask that ends it."""
    return [*vocabulary.encode("Ulm"), MASK_ID]


def reading(model: GPT, vocabulary: Vocabulary, question: str, answer: list[int]) -> Reading:
    """The model reads the question and the answer."""
    with torch.no_grad():
        return read(model, question_ids(question, vocabulary), answer)


def test_everything_replaced_is_the_other_question(model: GPT, vocabulary: Vocabulary, answer: list[int]):
    """All parts at all positions replaced give the answer the other question's log-probability, to the bit."""
    clean, other = (reading(model, vocabulary, text, answer) for text in (QUESTION, SAME_LENGTH))
    assert clean.log_probability != other.log_probability
    with ExitStack() as stack, torch.no_grad():
        for part, module in parts(model).items():
            output = other.calls[part].output
            stack.enter_context(changed(module, lambda _, output=output: output))
        assert answer_log_probabilities(model, clean.ids, answer).item() == other.log_probability


def test_nothing_replaced_changes_nothing(model: GPT, vocabulary: Vocabulary, answer: list[int]):
    """A move without pairs adds exactly 0; so does, up to rounding, one that puts in what is there already."""
    clean = reading(model, vocabulary, QUESTION, answer)
    with torch.no_grad():
        for part in parts(model):
            output = clean.calls[part].output[0]
            everything = [(p, p) for p in range(len(output))]
            none, same, again = patched(model, part, clean, output, [[], everything, []], answer).tolist()
            assert (none, again) == (0, 0)
            assert abs(same) < 1e-12


def test_equal_outputs_have_no_effect(model: GPT, vocabulary: Vocabulary, answer: list[int]):
    """Characters and tables have exactly no effect outside the name, but for the name table's row after it."""
    clean, other = (reading(model, vocabulary, text, answer) for text in (QUESTION, SAME_LENGTH))
    pairs = [(p, p) for p in range(clean.ids.size(1))]
    with torch.no_grad():
        for part in [part for part in parts(model) if part in ("characters", "prefix table", "name table")]:
            effect = trace_part(model, part, clean, other, answer, pairs)
            for values in (effect.restored, effect.lost):
                has_effect = {p for p, value in enumerate(values.tolist()) if value}
                assert has_effect
                assert has_effect <= ({NAME.stop} if part == "name table" else set(NAME))


def test_before_the_names_differ_no_part_has_an_effect(model: GPT, vocabulary: Vocabulary, answer: list[int]):
    """Causality: up to rounding, outputs at positions before the name do nothing, in any part."""
    clean, other = (reading(model, vocabulary, text, answer) for text in (QUESTION, SAME_LENGTH))
    pairs = [(p, p) for p in range(clean.ids.size(1))]
    with torch.no_grad():
        for part in [part for part in parts(model) if not on_latents(model, part)]:
            effect = trace_part(model, part, clean, other, answer, pairs)
            assert effect.restored[: NAME.start].abs().max() < 1e-9
            assert effect.lost[: NAME.start].abs().max() < 1e-9


def test_positions_without_a_counterpart_are_not_measured(model: GPT, vocabulary: Vocabulary, answer: list[int]):
    """They have NaN, on characters and latents alike, and all others have numbers."""
    clean, other = (reading(model, vocabulary, text, answer) for text in (QUESTION, SHORTER))
    pairs = [(p, p) for p in range(12)]
    with torch.no_grad():
        for part in parts(model):
            effect = trace_part(model, part, clean, other, answer, pairs)
            n_latents = min(clean.calls[part].output.size(1), other.calls[part].output.size(1))
            n = n_latents if effect.on_latents else len(pairs)
            assert not effect.restored[:n].isnan().any()
            assert effect.restored[n:].isnan().all()
            assert torch.equal(effect.restored.isnan(), effect.lost.isnan())


@settings(max_examples=15)
@given(st.data())
def test_the_two_directions_are_the_same_move(models: dict[str, GPT], vocabulary: Vocabulary, data: st.DataObject):
    """With the two questions exchanged, what was restored is minus what is lost, to the bit; and effects are finite."""
    model = models[data.draw(st.sampled_from(sorted(models)))]
    answer = [*vocabulary.encode(data.draw(st.text("Uabm", max_size=5))), MASK_ID]
    name, other_name = (data.draw(st.text("AaBel C", min_size=6, max_size=6)) for _ in range(2))
    one, other = (reading(model, vocabulary, f"Who is {text}?", answer) for text in (name, other_name))
    pairs = [(p, p) for p in range(one.ids.size(1))]
    part = data.draw(st.sampled_from(sorted(parts(model))))
    with torch.no_grad():
        effect = trace_part(model, part, one, other, answer, pairs)
        exchanged = trace_part(model, part, other, one, answer, pairs)
    assert torch.equal(effect.restored, -exchanged.lost)
    assert effect.restored_in_all == -exchanged.lost_in_all
    assert effect.restored.isfinite().all()
    if name == other_name:
        assert not effect.restored.any()


Outputs = Mapping[tuple[str, int], Tensor]
"""A part's output at a position."""


def plain(model: GPT, ids: list[int], answer: list[int], put: Outputs) -> tuple[float, dict[tuple[str, int], Tensor]]:
    """The formulas of a vanilla model with both tables, with some outputs replaced by those in `put`.

    Gives the log-probability of the answer, which the ids end with but for its last, and the outputs used.
    """
    used: dict[tuple[str, int], Tensor] = {}

    def add(part: str, outputs: list[Tensor]) -> Tensor:
        for t, output in enumerate(outputs):
            used[part, t] = put.get((part, t), output)
        return torch.stack([used[part, t] for t in range(len(outputs))])

    n = len(ids)
    rows = model.prefix_table.rows(torch.tensor([ids]))
    found, _ = model.name_table.find(rows, None, None)
    names = [torch.zeros(model.config.n_embd, dtype=torch.float64) for _ in range(n)]
    for name, t in zip(found.names.tolist(), found.positions.tolist(), strict=True):
        names[t] = names[t] + model.name_table.table.weight[name]
    x = model.pos_emb[0, :n]
    x = x + add("characters", [model.tok_emb.weight[i] for i in ids])
    x = x + add("prefix table", [model.prefix_table.table.weight[max(0, row)] for row in rows[0].tolist()])
    x = x + add("name table", names)
    for number, block in enumerate(model.blocks, 1):
        x = x + add(f"attention {number}", list(attention(block.attn, block.ln1(x))))
        x = x + add(f"feed-forward {number}", list(map(block.mlp, block.ln2(x))))
    log_p = torch.log_softmax(functional.linear(model.ln_f(x), model.head.weight), dim=-1)
    begin = n - len(answer)
    return sum(float(log_p[begin + i, target]) for i, target in enumerate(answer)), used


def attention(layer: torch.nn.Module, x: Tensor) -> Tensor:
    """Causal attention, head by head and position by position."""
    size = x.size(1) // layer.n_head
    outputs = []
    for t in range(len(x)):
        heads = []
        for h in range(layer.n_head):
            part = slice(h * size, h * size + size)
            q, k, v = layer.query(x[t])[part], layer.key(x[: t + 1])[:, part], layer.value(x[: t + 1])[:, part]
            heads.append(torch.softmax(k @ q / math.sqrt(size), dim=0) @ v)
        outputs.append(layer.proj(torch.cat(heads)))
    return torch.stack(outputs)


def test_effects_are_those_of_the_plain_formulas(models: dict[str, GPT], vocabulary: Vocabulary, answer: list[int]):
    """A plain second implementation, position by position, gives the same effects of every part."""
    model = models["tables"]
    ids, other_ids = ([*question_ids(text, vocabulary), *answer[:-1]] for text in (QUESTION, SAME_LENGTH))
    clean, other = (reading(model, vocabulary, text, answer) for text in (QUESTION, SAME_LENGTH))
    pairs = [(p, p) for p in range(len(ids))]
    with torch.no_grad():
        here, outputs = plain(model, ids, answer, {})
        there, other_outputs = plain(model, other_ids, answer, {})
        assert here == pytest.approx(clean.log_probability, abs=1e-9)
        for part in parts(model):
            effect = trace_part(model, part, clean, other, answer, pairs)
            for t in (14, 18, 24, 26):
                key = (part, t)
                restored = plain(model, other_ids, answer, {key: outputs[key]})[0] - there
                lost = here - plain(model, ids, answer, {key: other_outputs[key]})[0]
                assert effect.restored[t].item() == pytest.approx(restored, abs=1e-9)
                assert effect.lost[t].item() == pytest.approx(lost, abs=1e-9)
            put = {key: value for key, value in outputs.items() if key[0] == part}
            assert effect.restored_in_all == pytest.approx(plain(model, other_ids, answer, put)[0] - there, abs=1e-9)
