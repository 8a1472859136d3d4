"""Hand-tuned parts of a training step against the plain PyTorch lines that they replace.

    python benchmarks/parts.py > benchmarks/results/parts.json

Forward and backward, on one thread, ours and the plain lines in turn; medians of processor time, so that other work on
the machine counts for little. Sizes are those of a step of recipe `fast`, 128 rows and 4 heads of size 32, which itself
has neither rotary positions nor dropout; softmax has a micro-batch of recipe `course`, 16 rows and 8 heads, once with
small logits and once with logits that leave some weights denormal. Plain Muon is its first authors', five iterations of
one quintic. (results/parts.json was measured when rotation was tuned together with QK-norm, which is gone, and softmax
by a private function of PyTorch.)
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from closedbook.model.attention import attend, attention_weights, causal_mask
from closedbook.model.kernels.dropout import drop
from closedbook.model.kernels.rotary import rotate
from closedbook.model.kernels.softmax import softmax
from closedbook.training.optim.muon import orthogonalized
from machine import facts

N_ROUNDS = 15
SHAPE = (128, 48, 4, 32)
LONG = (128, 120, 4, 32)
LOGITS = (16, 8, 127, 127)
MATRICES = ((4, 128, 128), (2, 128, 512))


def plain_dropout(x: Tensor) -> Tensor:
    return functional.dropout(x, 0.1)


def plain_rotation(x: Tensor) -> Tensor:
    half = x.size(-1) // 2
    angle = torch.arange(x.size(-2))[:, None] * 10_000.0 ** (-torch.arange(half) / half)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def plain_softmax(e: Tensor) -> Tensor:
    mask = causal_mask(e.size(-2), e.size(-1))
    return torch.softmax(e.masked_fill(~mask, -math.inf), dim=-1)


def three_lines(x: Tensor) -> Tensor:
    return attention_weights(x, x, causal_mask(x.size(-2), x.size(-2))) @ x


def fused(x: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(x, x, x, is_causal=True)


def plain_muon(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """Newton-Schulz as published."""
    x = (matrices / matrices.norm(dim=(-2, -1), keepdim=True)).to(dtype)
    is_tall = x.size(-2) > x.size(-1)
    x = x.mT if is_tall else x
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if is_tall else x).to(matrices.dtype)


def of_heads(function: Callable[[Tensor], Tensor], shape: tuple[int, ...], dtype: torch.dtype) -> Callable[[], object]:
    """Forward and backward, with heads strided in memory as in a block."""
    return forward_and_backward(function, torch.randn(shape, dtype=dtype).transpose(1, 2))


def of_logits(function: Callable[[Tensor], Tensor], std: float, dtype: torch.dtype) -> Callable[[], object]:
    return forward_and_backward(function, (std * torch.randn(LOGITS)).to(dtype))


def forward_and_backward(function: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], object]:
    x.requires_grad_()
    gradient = torch.randn(x.shape, dtype=x.dtype)
    return lambda: torch.autograd.grad(function(x), x, gradient)


def milliseconds(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median processor time of each, taken in turn; the first two rounds are left out."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(N_ROUNDS + 2):
        for name, way in ways.items():
            begin = time.thread_time()
            way()
            took[name].append(1e3 * (time.thread_time() - begin))
    return {name: round(statistics.median(each[2:]), 2) for name, each in took.items()}


def parts(dtype: torch.dtype) -> dict[str, dict[str, Callable[[], object]]]:
    matrices = [torch.randn(shape) for shape in MATRICES]
    return {
        "dropout": {
            "ours": of_heads(lambda x: drop(x, 0.1), SHAPE, dtype),
            "plain": of_heads(plain_dropout, SHAPE, dtype),
        },
        "rotation": {
            "ours": of_heads(rotate, SHAPE, dtype),
            "plain": of_heads(plain_rotation, SHAPE, dtype),
        },
        **{
            f"softmax, logits of standard deviation {std}": {
                "ours": of_logits(lambda e: softmax(e, causal_mask(e.size(-2), e.size(-1))), std, dtype),
                "plain": of_logits(plain_softmax, std, dtype),
            }
            for std in (1, 40)
        },
        "attention over 120 characters": {
            "ours": of_heads(lambda x: attend(x, x, x, None, 0.0, causal=True), LONG, dtype),
            "three lines": of_heads(three_lines, LONG, dtype),
            "fused": of_heads(fused, LONG, dtype),
        },
        "Muon's orthogonalization": {
            "ours": lambda: [orthogonalized(one.to(dtype)) for one in matrices],
            "plain": lambda: [plain_muon(one, dtype) for one in matrices],
        },
    }


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for name in ("float32", "bfloat16"):
        for part, ways in parts(getattr(torch, name)).items():
            rows.append({"part": part, "precision": name, "milliseconds": milliseconds(ways)})
            print(rows[-1], file=sys.stderr, flush=True)
    json.dump({"machine": facts(), "parts": rows}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
