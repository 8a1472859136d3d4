"""Attention: the formula, plainly, and the fast path that every block takes.

Letters: B batch, H heads, Q queries, K keys, D head size, T time, C channels.

    q = Q x,  k = K x,  v = V x
    e_ij = q_i . k_j,  alpha_i = softmax(e_i),  o_i = sum_j alpha_ij v_j

with e scaled by 1 / sqrt(D) (Vaswani et al. 2017, section 3.2.1, equation 1).
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from closedbook.model.config import ModelConfig
from closedbook.model.kernels.dropout import Dropout, drop
from closedbook.model.kernels.rotary import rotate
from closedbook.model.kernels.softmax import softmax
from closedbook.model.kv_cache import Cache

# Below about so many keys three plain lines beat PyTorch's fused kernel on a CPU, whose gradient in bfloat16 is slow.
_FUSED_FROM = 96
_FUSED_FROM_LEARNING_IN_BFLOAT16 = 192


def attention_weights(
    q: Float[Tensor, "*B Q D"], k: Float[Tensor, "*B K D"], visible: Bool[Tensor, "*#N Q K"] | None = None
) -> Float[Tensor, "*B Q K"]:
    """alpha of the formula above; `visible[i, j]` says whether query i may read key j.

    Each query must see one key at least. The oracle of the tests and the heart of the lab.
    """
    e = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    if visible is not None:
        e = e.masked_fill(~visible, -math.inf)
    return torch.softmax(e, dim=-1)


def lower_triangle(n_queries: int, n_keys: int, device: torch.device | None = None) -> Bool[Tensor, "Q K"]:
    """Query i sees keys 0 to i: the causal mask of self-attention, and the assignment's of cross-attention."""
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril()


def attend(
    q: Float[Tensor, "*B Q D"],
    k: Float[Tensor, "*B K D"],
    v: Float[Tensor, "*B K D"],
    visible: Bool[Tensor, "*#N Q K"] | None,
    dropout: float,
    *,
    causal: bool = False,
) -> Float[Tensor, "*B Q D"]:
    """o of the formula above, by the faster of two ways that agree to rounding.

    `causal` in place of `visible` is the lower triangle: the fused kernel then leaves out what is hidden, which is half
    of the work, and no matrix of length by length is made.
    """
    learns_in_bfloat16 = v.dtype is torch.bfloat16 and v.requires_grad
    if dropout == 0.0 and k.size(-2) >= (_FUSED_FROM_LEARNING_IN_BFLOAT16 if learns_in_bfloat16 else _FUSED_FROM):
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=visible, is_causal=causal)
    if causal:
        visible = lower_triangle(q.size(-2), k.size(-2), q.device)
    e = (q / math.sqrt(q.size(-1))) @ k.transpose(-2, -1)
    return drop(softmax(e, visible), dropout) @ v


class Attention(nn.Module):
    """The four maps that all kinds share, under the assignment's names."""

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

    def heads(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B H T D"]:
        """Each head's part of the channels."""
        return x.reshape(*x.shape[:-1], self.n_head, x.size(-1) // self.n_head).transpose(1, 2)

    def joined(self, o: Float[Tensor, "B H T D"]) -> Float[Tensor, "B T C"]:
        """What all heads read, mapped back to the channels."""
        return self.resid_drop(self.proj(o.transpose(1, 2).flatten(-2)))

    @property
    def dropout(self) -> float:
        """On the weights; none in evaluation."""
        return self.attn_pdrop if self.training else 0.0


class CausalSelfAttention(Attention):
    """Each place reads itself and the places before it."""

    def projections(self, x: Float[Tensor, "B T C"]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of all heads, in one product."""
        maps = (self.query, self.key, self.value)
        weight = torch.cat([one.weight for one in maps])
        bias = torch.cat([one.bias for one in maps])
        q, k, v = functional.linear(x, weight, bias).chunk(3, dim=-1)
        return self.heads(q), self.heads(k), self.heads(v)

    def forward(self, x: Float[Tensor, "B T C"], cache: Cache | None = None) -> Float[Tensor, "B T C"]:
        """`x` are the places after those in `cache`, which takes them up."""
        q, k, v = self.projections(x)
        n_past = 0 if cache is None else len(cache)
        if self.rotary:
            q, k = rotate(q, n_past), rotate(k, n_past)
        if cache is not None:
            k, v = cache.extend(k, v)
        if n_past == 0:
            return self.joined(attend(q, k, v, None, self.dropout, causal=True))
        visible = lower_triangle(k.size(-2), k.size(-2), x.device)[n_past:]  # Q K
        return self.joined(attend(q, k, v, visible, self.dropout))


class CausalCrossAttention(Attention):
    """Query i reads keys 0 to i of another sequence, as in the assignment: the mask is by index, not by time."""

    def forward(self, x_kv: Float[Tensor, "B K C"], x_q: Float[Tensor, "#B Q C"]) -> Float[Tensor, "B Q C"]:
        """`x_q` of a single row is asked of every row of `x_kv`."""
        return self.joined(attend(*self.asked(x_kv, x_q), self.dropout))

    def asked(
        self, x_kv: Float[Tensor, "B K C"], x_q: Float[Tensor, "#B Q C"]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries, keys and values of all heads, and which keys each query sees."""
        q = self.heads(self.query(x_q)).expand(x_kv.size(0), -1, -1, -1)
        k, v = self.heads(self.key(x_kv)), self.heads(self.value(x_kv))
        return q, k, v, lower_triangle(q.size(-2), k.size(-2), x_kv.device)
