"""Gradients of what a model writes after a text, for one weight matrix and in closed form.

At the position that writes the next character, a linear layer with input x has the gradient delta x^T, where delta is
the gradient at its output. So the dot product of two texts' gradients is (x . x') (delta . delta'), and no matrix is
made. The layer is the output projection of the last attention: its input is what attention brought to this position.
After it nothing mixes positions, so that delta takes only the last feed-forward part and the head.

What is differentiated is the margin m = log(p / (1 - p)), p the probability of the character (TRAK: Park et al. 2023,
section 3). Its gradient has the direction of log p's, and does not vanish where the model is sure.

Letters: N texts, B batch, T time, C channels, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from closedbook.model.blocks import Block, UpProjectBlock
from closedbook.model.gpt import GPT, last_block

_TEXTS_AT_ONCE = 256


class Prompt(NamedTuple):
    """Token ids, and the token id that is to follow them."""

    ids: Sequence[int]
    target: int


class Gradients(NamedTuple):
    """The gradients delta x^T of N texts, by their factors."""

    inputs: Float[Tensor, "N C"]
    deltas: Float[Tensor, "N C"]

    def dots(self, others: "Gradients") -> Float[Tensor, "N M"]:
        """The dot product of each gradient with each of the others."""
        return (self.inputs @ others.inputs.T) * (self.deltas @ others.deltas.T)

    def cosines(self, others: "Gradients") -> Float[Tensor, "N M"]:
        """The cosine of the angle between each gradient and each of the others."""
        return self.normalized().dots(others.normalized())

    def normalized(self) -> "Gradients":
        """The gradients, each of length 1."""
        return Gradients(*(functional.normalize(factor, dim=1) for factor in self))


def margin_gradients(model: GPT, prompts: Sequence[Prompt]) -> Gradients:
    """For each prompt the gradient of its target's margin by the last attention's output projection.

    In evaluation mode; the model's own gradients stay as they are. A result depends on no other prompt, up to rounding.
    """
    was_training = model.training
    model.eval()
    n, width = len(prompts), model.config.n_embd
    weight = last_block(model).attn.proj.weight
    result = Gradients(weight.new_empty(n, width), weight.new_empty(n, width))
    shortest_first = sorted(range(n), key=lambda index: len(prompts[index].ids))
    for begin in range(0, n, _TEXTS_AT_ONCE):
        rows = shortest_first[begin : begin + _TEXTS_AT_ONCE]
        inputs, deltas = _of_batch(model, [prompts[row] for row in rows])
        result.inputs[rows], result.deltas[rows] = inputs, deltas
    model.train(was_training)
    return result


def _of_batch(model: GPT, prompts: Sequence[Prompt]) -> Gradients:
    block, device = last_block(model), model.tok_emb.weight.device
    ids = pad_sequence([torch.tensor(prompt.ids) for prompt in prompts], batch_first=True).to(device)
    last = torch.tensor([len(prompt.ids) - 1 for prompt in prompts], device=device)
    target = torch.tensor([prompt.target for prompt in prompts], device=device)
    with torch.no_grad(), _inputs_at(last, block) as inputs:
        # Any id pads: no variant lets a later character change earlier positions.
        model.hidden(ids)
    stream = inputs[block.ln2].requires_grad_()
    with torch.enable_grad():
        logits = model.logits(stream + block.mlp(block.ln2(stream)))
        # The stream is the projection's output added to what was there before, so that both have the same gradient.
        (delta,) = torch.autograd.grad(margins(logits, target).sum(), stream)
    return Gradients(inputs[block.attn.proj], delta)


def margins(logits: Float[Tensor, "N V"], target: Int64[Tensor, " N"]) -> Float[Tensor, " N"]:
    """log(p / (1 - p)) of each row's target, without forming 1 - p, which is 0 in float32 where the model is sure."""
    others = logits.masked_fill(torch.arange(logits.size(-1), device=logits.device) == target[:, None], -torch.inf)
    return logits.gather(-1, target[:, None])[:, 0] - others.logsumexp(-1)


@contextmanager
def _inputs_at(last: Int64[Tensor, " B"], block: Block | UpProjectBlock) -> Iterator[dict[nn.Module, Tensor]]:
    """Inside the with block, a forward pass leaves the inputs of `proj` and `ln2` at each row's `last` position.

    The feed-forward part after `ln2`, which takes most of the time, is computed for this position alone. What the model
    returns is wrong, and nobody reads it.
    """
    inputs: dict[nn.Module, Tensor] = {}

    def keep(module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor] | None:
        x = arguments[0]  # B T C
        inputs[module] = x[torch.arange(len(x), device=x.device), last]
        return (inputs[module][:, None],) if module is block.ln2 else None

    handles = [module.register_forward_pre_hook(keep) for module in (block.attn.proj, block.ln2)]
    try:
        yield inputs
    finally:
        for handle in handles:
            handle.remove()
