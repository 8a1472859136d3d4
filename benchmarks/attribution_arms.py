"""Other ways to score lines than the one that closedbook has: other layers, products, and table rows.

Letters: N and M texts, Q questions, L lines, C channels, R rows of gradients.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from closedbook.attribution.gradients import Gradients, Prompt, margins
from closedbook.attribution.whitening import Whitening
from closedbook.model.gpt import GPT, last_block

_AT_ONCE = 256


class Texts(NamedTuple):
    """What is compared of N texts: gradients by layer, the stream before the last feed-forward part, rows of tables."""

    layers: dict[str, Gradients]
    attended: Tensor
    stream: Tensor
    rows: "Rows | None"


class Rows(NamedTuple):
    """Gradients of table rows: text `owner[i]` has the gradient `deltas[i]` for row `rows[i]`; a text's rows differ."""

    rows: Tensor
    owner: Tensor
    deltas: Tensor
    n: int


def texts_of(model: GPT, prompts: Sequence[Prompt]) -> Texts:
    """Everything that the arms compare, for each prompt."""
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index].ids))
    layers: dict[str, list[Gradients]] = {}
    attended, streams, tables = [], [], []
    for begin in range(0, len(order), _AT_ONCE):
        batch = [prompts[index] for index in order[begin : begin + _AT_ONCE]]
        found, inputs, stream, rows = _of_batch(model, batch)
        for name, gradients in found.items():
            layers.setdefault(name, []).append(gradients)
        attended.append(inputs)
        streams.append(stream)
        tables += [] if rows is None else [rows._replace(owner=rows.owner + begin)]
    back = torch.tensor(order).argsort()
    merged = {
        name: Gradients(*(torch.cat(each)[back] for each in zip(*some, strict=True))) for name, some in layers.items()
    }
    rows = None
    if tables:
        numbers, owner, deltas, _ = zip(*tables, strict=True)
        rows = Rows(torch.cat(numbers), torch.tensor(order)[torch.cat(owner)], torch.cat(deltas), len(order))
    return Texts(merged, torch.cat(attended)[back], torch.cat(streams)[back], rows)


def _of_batch(model: GPT, prompts: Sequence[Prompt]) -> tuple[dict[str, Gradients], Tensor, Tensor, Rows | None]:
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(prompt.ids) for prompt in prompts], batch_first=True)
    last = torch.tensor([len(prompt.ids) - 1 for prompt in prompts])
    target = torch.tensor([prompt.target for prompt in prompts])
    every, block = torch.arange(len(prompts)), last_block(model)
    kept: dict[str, Tensor] = {}
    handles = [
        block.attn.proj.register_forward_pre_hook(lambda _, arguments: kept.update(attended=arguments[0])),
        block.ln2.register_forward_pre_hook(lambda _, arguments: kept.update(stream=arguments[0])),
    ]
    embedded = model.embed(ids).detach().requires_grad_()
    model.through_latents(embedded) if model.config.variant == "perceiver" else model.through_blocks(embedded)
    for handle in handles:
        handle.remove()
    stream = kept["stream"][every, last]
    normalized = block.ln2(stream)
    wide = block.mlp[0](normalized)
    active = block.mlp[1](wide)
    narrow = block.mlp[2](active)
    final = model.ln_f(stream + narrow)
    logits = model.head(final)
    outputs = [stream, wide, narrow, logits, embedded]
    *deltas, by_position = torch.autograd.grad(margins(logits, target).sum(), outputs)
    inputs = [kept["attended"][every, last], normalized, active, final]
    names = ["attention output", "feed-forward, first matrix", "feed-forward, second matrix", "head"]
    layers = {name: Gradients(x.detach(), d) for name, x, d in zip(names, inputs, deltas, strict=True)}
    rows = _rows(model, ids, last, by_position) if model.config.prefix_table else None
    return layers, inputs[0].detach(), stream.detach(), rows


def _rows(model: GPT, ids: Tensor, last: Tensor, deltas: Tensor) -> Rows:
    """The rows that each text has in the tables, with their gradients; rows of names come after those of prefixes."""
    prefixes = model.prefix_table.rows(ids)
    is_read = (torch.arange(ids.size(1)) <= last[:, None]) & (prefixes > 0)
    owner, position = is_read.nonzero(as_tuple=True)
    numbers, values = prefixes[owner, position], deltas[owner, position]
    if model.config.has_names:
        found, _ = model.name_table.find(prefixes, None, None)
        text, place = found.positions // ids.size(1), found.positions % ids.size(1)
        inside = place <= last[text]
        first = model.prefix_table.table.num_embeddings
        numbers = torch.cat([numbers, found.names[inside] + first])
        owner = torch.cat([owner, text[inside]])
        values = torch.cat([values, deltas[text[inside], place[inside]]])
    n = int(numbers.max()) + 1
    keys, index = torch.unique(owner * n + numbers, return_inverse=True)
    summed = values.new_zeros(len(keys), values.size(1)).index_add_(0, index, values)
    return Rows(keys % n, keys // n, summed, len(ids))


def arms(questions: Texts, lines: Texts) -> Iterator[tuple[str, Tensor]]:
    """The name of each arm, and its scores of all examples (M) for each question (Q)."""
    total = 0
    for name, theirs in lines.layers.items():
        ours = questions.layers[name]
        whiten = Whitening.of(theirs)
        total = total + ours.dots(theirs)
        yield f"{name}: dot product", ours.dots(theirs)
        yield f"{name}: cosine", ours.cosines(theirs)
        yield f"{name}: whitened dot product", whiten(ours).dots(whiten(theirs))
        yield f"{name}: whitened cosine", whiten(ours).cosines(whiten(theirs))
    yield "these four: dot product (Grad-Dot)", total
    for name, a, b in (
        ("what attention brings (no gradient)", questions.attended, lines.attended),
        ("stream before feed-forward (no gradient)", questions.stream, lines.stream),
    ):
        yield f"{name}: cosine", _cosines(a, b)
        whiten = Whitening.of(Gradients(b, b))
        yield f"{name}: whitened cosine", _cosines(a @ whiten.inputs, b @ whiten.inputs)
    if questions.rows is not None and lines.rows is not None:
        dots = _row_dots(questions.rows, lines.rows)
        yield "table rows alone: dot product", dots
        lengths = [_row_lengths(rows) for rows in (questions.rows, lines.rows)]
        yield "table rows alone: cosine", dots / (lengths[0][:, None] * lengths[1]).clamp(min=1e-30)


def _cosines(a: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(b, dim=1).T


def _row_dots(questions: Rows, lines: Rows) -> Tensor:
    """For each question and text, the sum over the rows that both have of the dot product of their gradients."""
    result = torch.zeros(questions.n, lines.n)
    where = torch.full((int(max(questions.rows.max(), lines.rows.max())) + 1,), -1)
    for question in range(questions.n):
        own = questions.owner == question
        numbers, deltas = questions.rows[own], questions.deltas[own]
        where[numbers] = torch.arange(len(numbers))
        at = where[lines.rows]
        shared = at >= 0
        products = (lines.deltas[shared] * deltas[at[shared]]).sum(1)
        result[question].index_add_(0, lines.owner[shared], products)
        where[numbers] = -1
    return result


def _row_lengths(rows: Rows) -> Tensor:
    return torch.zeros(rows.n).index_add_(0, rows.owner, rows.deltas.square().sum(1)).sqrt()


def pooled(scores: Tensor, document: Tensor, n: int, how: str = "amax") -> Tensor:
    """Scores of lines from those of their examples: the largest, or their mean or sum."""
    start = torch.full((len(scores), n), -torch.inf if how == "amax" else 0.0)
    return start.scatter_reduce(1, document.expand(len(scores), -1), scores, how, include_self=how != "mean")
