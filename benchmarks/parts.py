"""The parts of a step that this project writes itself, beside the plainest way of having PyTorch do the same.

    python benchmarks/parts.py > benchmarks/results/parts.json

Forward and backward, on one thread, the two ways in turn; medians of processor time, so that other work on the machine
counts for little. Sizes are those of a step of recipe `fast`, 128 rows and 4 heads of 32, which itself has no QK-norm,
no rotation and no dropout. Muon's plain way is that of its first authors, five iterations of one quintic.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import torch
from closedbook.model.kernels.qk_norm import of_one_length
from torch import Tensor
from torch.nn import functional

from closedbook.model.attention import attend, attention_weights, causal_mask
from closedbook.model.kernels.dropout import drop
from closedbook.model.kernels.rotary import rotate
from closedbook.training.optim.muon import orthogonalised
from machine import facts

N_ROUNDS = 15
SHAPE = (128, 48, 4, 32)
LONG = (128, 120, 4, 32)
MATRICES = ((4, 128, 128), (2, 128, 512))


def plain_dropout(x: Tensor) -> Tensor:
    return functional.dropout(x, 0.1)


def plain_turn(x: Tensor) -> Tensor:
    """QK-norm, then the rotation, all left to autograd."""
    x = functional.rms_norm(x, x.shape[-1:]) * 2.4
    half = x.size(-1) // 2
    angle = torch.arange(x.size(-2))[:, None] * 10_000.0 ** (-torch.arange(half) / half)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def three_lines(x: Tensor) -> Tensor:
    return attention_weights(x, x, causal_mask(x.size(-2), x.size(-2))) @ x


def fused(x: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(x, x, x, is_causal=True)


def plain_muon(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """Newton-Schulz as it is written."""
    x = (matrices / matrices.norm(dim=(-2, -1), keepdim=True)).to(dtype)
    is_tall = x.size(-2) > x.size(-1)
    x = x.mT if is_tall else x
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if is_tall else x).to(matrices.dtype)


def learning(function: Callable[[Tensor], Tensor], shape: tuple[int, ...], dtype: torch.dtype) -> Callable[[], object]:
    """Forward and backward, of heads that lie in memory as a block has them."""
    x = torch.randn(shape, dtype=dtype).transpose(1, 2).requires_grad_()
    slope = torch.randn(x.shape, dtype=dtype)
    return lambda: torch.autograd.grad(function(x), x, slope)


def milliseconds(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(N_ROUNDS + 2):
        for name, way in ways.items():
            begin = time.thread_time()
            way()
            took[name].append(1e3 * (time.thread_time() - begin))
    return {name: round(statistics.median(each[2:]), 2) for name, each in took.items()}


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for name in ("float32", "bfloat16"):
        dtype = getattr(torch, name)
        matrices = [torch.randn(shape) for shape in MATRICES]
        pairs: dict[str, dict[str, Callable[[], object]]] = {
            "dropout": {
                "ours": learning(lambda x: drop(x, 0.1), SHAPE, dtype),
                "plainly": learning(plain_dropout, SHAPE, dtype),
            },
            "QK-norm and rotation": {
                "ours": learning(lambda x: rotate(of_one_length(x, 2.4)), SHAPE, dtype),
                "plainly": learning(plain_turn, SHAPE, dtype),
            },
            "attention over 120 characters": {
                "ours": learning(lambda x: attend(x, x, x, None, 0.0, causal=True), LONG, dtype),
                "three lines": learning(three_lines, LONG, dtype),
                "fused": learning(fused, LONG, dtype),
            },
            "Muon's orthogonalisation": {
                "ours": lambda dtype=dtype, of=matrices: [orthogonalised(one.to(dtype)) for one in of],
                "plainly": lambda dtype=dtype, of=matrices: [plain_muon(one, dtype) for one in of],
            },
        }
        for part, ways in pairs.items():
            rows.append({"part": part, "precision": name, "milliseconds": milliseconds(ways)})
            print(rows[-1], file=sys.stderr, flush=True)
    json.dump({"machine": facts(), "parts": rows}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
