"""Attention weights of every head, from an attention layer and the inputs of one call to it.

Letters: H heads, Q queries, K keys.
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from closedbook.model.attention import (
    Attention,
    CausalCrossAttention,
    CausalSelfAttention,
    attention_weights,
    causal_mask,
)
from closedbook.model.kernels.rotary import rotate
from closedbook.model.strided import DownAttention, UpAttention, segment_attention_weights


def head_weights(attention: Attention, inputs: tuple[Any, ...]) -> Float[Tensor, "H Q K"]:
    """The weights for the first row of the batch; `inputs` are the positional arguments of a call without a cache.

    Keys are those of the layer. For the strided up-projection they are the characters of the query's own segment and
    then the latents, and queries go on to the end of the last segment.
    """
    if isinstance(attention, CausalSelfAttention):
        q, k, _ = attention.project_qkv(inputs[0])
        if attention.rotary:
            q, k = rotate(q, 0), rotate(k, 0)
        return attention_weights(q, k, causal_mask(q.size(-2), k.size(-2), q.device))[0].cpu()
    if isinstance(attention, UpAttention):
        return segment_attention_weights(attention.project_qkv(*inputs), attention.segment_size)[0].cpu()
    assert isinstance(attention, CausalCrossAttention | DownAttention)
    qkv = attention.project_qkv(*inputs)
    return attention_weights(qkv.q, qkv.k, qkv.mask)[0].cpu()
