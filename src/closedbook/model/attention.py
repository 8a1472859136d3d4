"""Attention: the plain formula, and the fast path that every block takes.

Letters: B batch, H heads, Q queries, K keys, D head size, T time, C channels.

    q = Q x,  k = K x,  v = V x
    e_ij = q_i . k_j,  alpha_i = softmax(e_i),  o_i = sum_j alpha_ij v_j

with e scaled by 1 / sqrt(D) (Vaswani et al. 2017, section 3.2.1, equation 1). Masks are boolean: mask[i, j] is True
where query i may attend to key j.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from closedbook.model.config import ModelConfig
from closedbook.model.kernels.dropout import Dropout, drop
from closedbook.model.kernels.rotary import rotate
from closedbook.model.kernels.softmax import softmax
from closedbook.model.kv_cache import LayerCache

# With fewer keys than this, three plain lines are faster on a CPU than PyTorch's fused kernel, whose backward pass is
# slow in bfloat16.
_FUSED_FROM = 96
_FUSED_FROM_TRAINING_IN_BFLOAT16 = 192


class QKV(NamedTuple):
    """Queries, keys and values of all heads, and the attention mask."""

    q: Float[Tensor, "B H Q D"]
    k: Float[Tensor, "B H K D"]
    v: Float[Tensor, "B H K D"]
    mask: Bool[Tensor, "Q K"]


def attention_weights(
    q: Float[Tensor, "*B Q D"], k: Float[Tensor, "*B K D"], mask: Bool[Tensor, "*#N Q K"] | None = None
) -> Float[Tensor, "*B Q K"]:
    """alpha of the formula above, by the plain formula; each query must have at least one key.

    Analyses and the lab use it, and tests compare the fast path with it.
    """
    e = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    if mask is not None:
        e = e.masked_fill(~mask, -math.inf)
    return torch.softmax(e, dim=-1)


def causal_mask(n_queries: int, n_keys: int, device: torch.device | None = None) -> Bool[Tensor, "Q K"]:
    """The lower triangle: query i may attend to keys 0 to i; also the assignment's mask of cross-attention."""
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril()


def attend(
    q: Float[Tensor, "*B Q D"],
    k: Float[Tensor, "*B K D"],
    v: Float[Tensor, "*B K D"],
    mask: Bool[Tensor, "*#N Q K"] | None,
    dropout: float,
    *,
    causal: bool = False,
) -> Float[Tensor, "*B Q D"]:
    """o of the formula above, by the faster of two implementations that agree up to rounding.

    `causal` replaces a `mask` that is the lower triangle: the fused kernel then skips the masked half and makes no
    Q x K matrix.
    """
    trains_in_bfloat16 = v.dtype is torch.bfloat16 and v.requires_grad
    if dropout == 0.0 and k.size(-2) >= (_FUSED_FROM_TRAINING_IN_BFLOAT16 if trains_in_bfloat16 else _FUSED_FROM):
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    if causal:
        mask = causal_mask(q.size(-2), k.size(-2), q.device)
    e = (q / math.sqrt(q.size(-1))) @ k.transpose(-2, -1)
    return drop(softmax(e, mask), dropout) @ v


class Attention(nn.Module):
    """The four linear layers that all kinds of attention share, under the assignment's names."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.resid_drop = Dropout(config.resid_pdrop)
        self.attn_pdrop = config.attn_pdrop
        self.n_head = config.n_head
        self.rotary = config.positions == "rotary"

    def split_heads(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B H T D"]:
        """Split the channels into heads."""
        return x.reshape(*x.shape[:-1], self.n_head, x.size(-1) // self.n_head).transpose(1, 2)

    def merge_heads(self, o: Float[Tensor, "B H T D"]) -> Float[Tensor, "B T C"]:
        """Concatenate the heads' outputs and apply the output projection."""
        return self.resid_drop(self.proj(o.transpose(1, 2).flatten(-2)))

    @property
    def dropout(self) -> float:
        """Probability of dropping an attention weight; 0 in evaluation mode."""
        return self.attn_pdrop if self.training else 0.0


class CausalSelfAttention(Attention):
    """Each position attends to itself and to earlier ones."""

    def project_qkv(self, x: Float[Tensor, "B T C"]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of all heads, by one matrix product."""
        layers = (self.query, self.key, self.value)
        weight = torch.cat([layer.weight for layer in layers])
        bias = torch.cat([layer.bias for layer in layers])
        q, k, v = functional.linear(x, weight, bias).chunk(3, dim=-1)
        return self.split_heads(q), self.split_heads(k), self.split_heads(v)

    def forward(self, x: Float[Tensor, "B T C"], cache: LayerCache | None = None) -> Float[Tensor, "B T C"]:
        """`x` are the positions after those in `cache`, to which they are appended."""
        q, k, v = self.project_qkv(x)
        n_cached = 0 if cache is None else len(cache)
        if self.rotary:
            q, k = rotate(q, n_cached), rotate(k, n_cached)
        if cache is not None:
            k, v = cache.extend(k, v)
        if n_cached == 0:
            return self.merge_heads(attend(q, k, v, None, self.dropout, causal=True))
        mask = causal_mask(k.size(-2), k.size(-2), x.device)[n_cached:]  # Q K
        return self.merge_heads(attend(q, k, v, mask, self.dropout))


class CausalCrossAttention(Attention):
    """Query i attends to keys 0 to i of another sequence, as in the assignment: the mask is by index, not by time."""

    def forward(self, x_kv: Float[Tensor, "B K C"], x_q: Float[Tensor, "#B Q C"]) -> Float[Tensor, "B Q C"]:
        """If `x_q` has a single row, it serves every row of `x_kv`."""
        return self.merge_heads(attend(*self.project_qkv(x_kv, x_q), self.dropout))

    def project_qkv(self, x_kv: Float[Tensor, "B K C"], x_q: Float[Tensor, "#B Q C"]) -> QKV:
        """Queries, keys and values of all heads, and the mask."""
        q = self.split_heads(self.query(x_q)).expand(x_kv.size(0), -1, -1, -1)
        k, v = self.split_heads(self.key(x_kv)), self.split_heads(self.value(x_kv))
        return QKV(q, k, v, causal_mask(q.size(-2), k.size(-2), x_kv.device))
