"""Forward hooks on a model's parts: record what they compute, or change it.

    with recorded(parts(model)) as calls:
        logits = model(idx)
    calls["attention 1"].output                     # B T C

    with changed(parts(model)["attention 1"], lambda output: output / 2):
        logits = model(idx)
    with without(model, ["name table"]):
        logits = model(idx)

A part adds its output to the residual stream: the stream is the sum of the outputs so far, plus the position embeddings
where they are learned. So zeros take a part out, and another text's output puts that text's in its place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from closedbook.model.gpt import GPT

CHARACTERS = "characters"
PREFIX_TABLE = "prefix table"
NAME_TABLE = "name table"


class Call(NamedTuple):
    """The positional arguments of a call to a module, and its output."""

    inputs: tuple[Any, ...]
    output: Tensor


def parts(model: GPT) -> dict[str, nn.Module]:
    """The modules that add to the residual stream, in the order in which they do, by name.

    The names are 'characters' (their embeddings), 'prefix table', 'name table', and 'attention N' and 'feed-forward N'
    of block N, from 1; N is 'down' and 'up' for a Perceiver's projections. Outputs are (batch, position, channel). See
    `on_latents` for those whose positions are latents.
    """
    found: dict[str, nn.Module] = {CHARACTERS: model.tok_emb}
    if model.config.prefix_table:
        found[PREFIX_TABLE] = model.prefix_table
    if model.config.has_names:
        found[NAME_TABLE] = model.name_table.projection
    blocks = {str(number): block for number, block in enumerate(model.blocks, 1)}
    if model.config.variant == "perceiver":
        blocks = {"down": model.down_block, **blocks, "up": model.up_block}
    for name, block in blocks.items():
        found[f"attention {name}"] = block.get_submodule("attn")
        found[f"feed-forward {name}"] = block.get_submodule("mlp")
    return found


def on_latents(model: GPT, part: str) -> bool:
    """Whether the positions of a part are latents: those of a Perceiver's blocks, but for the projection up."""
    is_of_block = part.startswith(("attention", "feed-forward"))
    return model.config.variant == "perceiver" and is_of_block and not part.endswith(" up")


@contextmanager
def recorded(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Call]]:
    """Within the context, each module's last call is kept under its name."""
    calls: dict[str, Call] = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
            calls[name] = Call(inputs, output.detach())

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def changed(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Within the context, the module's output is `change(output)`, of the same shape."""
    handle = module.register_forward_hook(lambda _, __, output: change(output))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def without(model: GPT, names: Sequence[str]) -> Iterator[None]:
    """Within the context, the named parts add zeros to the residual stream; a table is as if its rows were zero."""
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(changed(parts(model)[name], torch.zeros_like))
        yield
