"""Strided cross-attention: a Perceiver that reads the whole text so far, without a T x T matrix.

The text is cut into segments of S characters. Latent j summarizes the text up to the end of segment j. Position t
attends to the latents of all segments completed by t, and to the characters of its own segment up to itself. So every
past character can influence every later position, and no future one can. (The assignment's triangular mask is by
index: latent j reads characters 0 to j only.)

Masks are boolean; True means "may attend". A random segment offset is made by padding in front of the text, which is
masked: a padding position attends to itself alone, and no other attends to it.

Letters: B batch, H heads, T time, K keys, S characters per segment, N segments, P = N S positions, M latents, W = S + M
weights, D head size, C channels.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from closedbook.model.attention import QKV, Attention, attend, causal_mask
from closedbook.model.config import ModelConfig
from closedbook.model.kernels.dropout import drop
from closedbook.model.kernels.rotary import rotate
from closedbook.model.kernels.softmax import softmax
from closedbook.model.kv_cache import KVCache


class LatentsAndSegment(NamedTuple):
    """Queries of the positions from `first` on, and two sets of keys and values, of characters and of latents.

    `k` and `v` belong to the characters from the start of the segment of `first` on; `latent_k` and `latent_v` to all
    completed segments. The first `n_padding` positions are padding.
    """

    q: Float[Tensor, "B H T D"]
    k: Float[Tensor, "B H K D"]
    v: Float[Tensor, "B H K D"]
    latent_k: Float[Tensor, "B H M D"]
    latent_v: Float[Tensor, "B H M D"]
    first: int
    n_padding: int


def down_mask(
    latents: range, n_positions: int, segment_size: int, device: torch.device | None = None
) -> Bool[Tensor, "M T"]:
    """Each of some latents reads the characters up to the end of its segment."""
    end = (torch.arange(latents.start, latents.stop, device=device)[:, None] + 1) * segment_size
    return torch.arange(n_positions, device=device) < end


def up_mask(
    positions: range, n_latents: int, segment_size: int, device: torch.device | None = None
) -> Bool[Tensor, "T M"]:
    """Each of some positions attends to the latents of the segments completed by then, its own character included."""
    n_completed = (torch.arange(positions.start, positions.stop, device=device)[:, None] + 1) // segment_size
    return torch.arange(n_latents, device=device) < n_completed


class StridedAttention(Attention):
    """What down- and up-projection share; a latent's position is the last one of its segment."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.segment_size = config.segment_size

    def rotate_characters(self, x: Float[Tensor, "B H T D"], first: int) -> Float[Tensor, "B H T D"]:
        """Rotary embedding of consecutive positions, starting at `first`."""
        return rotate(x, first) if self.rotary else x

    def rotate_latents(self, x: Float[Tensor, "B H M D"], first: int) -> Float[Tensor, "B H M D"]:
        """Rotary embedding of consecutive latents, starting with latent `first`."""
        return rotate(x, (first + 1) * self.segment_size - 1, self.segment_size) if self.rotary else x


class DownAttention(StridedAttention):
    """Each latent reads the characters up to the end of its segment."""

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        basis: Float[Tensor, "1 M C"],
        latents: range,
        cache: KVCache | None = None,
        n_padding: int = 0,
    ) -> Float[Tensor, "B M C"]:
        """Attention output for `latents`, with queries from `basis`; `x` are the characters after the cached ones.

        The first `n_padding` positions are padding.
        """
        return self.merge_heads(attend(*self.project_qkv(x, basis, latents, cache, n_padding), self.dropout))

    def project_qkv(
        self,
        x: Float[Tensor, "B T C"],
        basis: Float[Tensor, "1 M C"],
        latents: range,
        cache: KVCache | None = None,
        n_padding: int = 0,
    ) -> QKV:
        """Queries, keys and values of all heads, and the mask."""
        q = self.rotate_latents(self.split_heads(self.query(basis)), latents.start)
        q = q.expand(x.size(0), -1, -1, -1)
        k = self.rotate_characters(self.split_heads(self.key(x)), 0 if cache is None else len(cache))
        v = self.split_heads(self.value(x))
        if cache is not None:
            k, v = cache.down.extend(k, v)
        end = latents.stop * self.segment_size
        mask = down_mask(latents, end, self.segment_size, x.device)
        mask[:, :n_padding] = False
        return QKV(q, k[:, :, :end], v[:, :, :end], mask)


class UpAttention(StridedAttention):
    """Each position attends to the latents of completed segments, and to its own segment up to itself."""

    def forward(
        self,
        latents: Float[Tensor, "B M C"],
        x: Float[Tensor, "B T C"],
        cache: KVCache | None = None,
        n_padding: int = 0,
    ) -> Float[Tensor, "B T C"]:
        """Attention output for `x`; `latents` and characters `x` are those after the cached ones.

        The first `n_padding` positions are padding.
        """
        qkv = self.project_qkv(latents, x, cache, n_padding)
        return self.merge_heads(attend_to_latents_and_segment(qkv, self.segment_size, self.dropout))

    def project_qkv(
        self,
        latents: Float[Tensor, "B M C"],
        x: Float[Tensor, "B T C"],
        cache: KVCache | None = None,
        n_padding: int = 0,
    ) -> LatentsAndSegment:
        """Queries of the characters, and keys and values of characters and latents, of all heads."""
        first, first_latent = (0, 0) if cache is None else (len(cache), len(cache.up_latents))
        q = self.rotate_characters(self.split_heads(self.query(x)), first)
        k = self.rotate_characters(self.split_heads(self.key(x)), first)
        latent_k = self.rotate_latents(self.split_heads(self.key(latents)), first_latent)
        v, latent_v = self.split_heads(self.value(x)), self.split_heads(self.value(latents))
        if cache is not None:
            k, v = cache.up_characters.extend(k, v)
            latent_k, latent_v = cache.up_latents.extend(latent_k, latent_v)
        begin = first - first % self.segment_size
        return LatentsAndSegment(q, k[:, :, begin:], v[:, :, begin:], latent_k, latent_v, first, n_padding)


def attend_to_latents_and_segment(
    qkv: LatentsAndSegment, segment_size: int, dropout: float
) -> Float[Tensor, "B H T D"]:
    """Attention output, by one softmax over a position's latents and its segment: T x (M + S) weights in all."""
    n_before, n_positions = qkv.first % segment_size, qkv.q.size(-2)
    weights = drop(segment_attention_weights(qkv, segment_size), dropout)
    n_segments = weights.size(-2) // segment_size
    padded = functional.pad(qkv.v, (0, 0, 0, weights.size(-2) - qkv.v.size(-2)))
    own = _in_segments(weights[..., :segment_size], n_segments) @ _in_segments(padded, n_segments)
    o = own.flatten(2, 3) + weights[..., segment_size:] @ qkv.latent_v
    return o[:, :, n_before : n_before + n_positions]


def segment_attention_weights(qkv: LatentsAndSegment, segment_size: int) -> Float[Tensor, "B H P W"]:
    """Attention weights of all positions of the keys' segments, over the S characters of its own and M latents."""
    q, k, latent_k = qkv.q, qkv.k, qkv.latent_k
    n_before, n_segments = qkv.first % segment_size, -(-k.size(-2) // segment_size)
    n_after = n_segments * segment_size - k.size(-2)
    # Padded to whole segments: results before the first position are dropped, and keys after the last are masked.
    q = functional.pad(q, (0, 0, n_before, n_after))  # B H P D
    k = _in_segments(functional.pad(k, (0, 0, 0, n_after)), n_segments)
    scale = 1 / math.sqrt(q.size(-1))
    own = _in_segments(q, n_segments) @ k.transpose(-2, -1) * scale  # B H N S S
    mask = causal_mask(segment_size, segment_size, q.device).repeat(n_segments, 1, 1)
    # Padding attends to itself, since a softmax over no key is NaN.
    mask[0, :, : qkv.n_padding] &= torch.eye(segment_size, qkv.n_padding, dtype=torch.bool, device=q.device)
    earlier = q @ latent_k.transpose(-2, -1) * scale  # B H P M
    positions = range(qkv.first - n_before, qkv.first - n_before + n_segments * segment_size)
    latent_mask = up_mask(positions, latent_k.size(-2), segment_size, q.device)
    e = torch.cat((own.flatten(2, 3), earlier), dim=-1)  # B H P W
    return softmax(e, torch.cat((mask.flatten(0, 1), latent_mask), dim=-1))


def _in_segments(x: Float[Tensor, "B H P D"], n_segments: int) -> Float[Tensor, "B H N S D"]:
    return x.reshape(*x.shape[:2], n_segments, x.size(2) // n_segments, x.size(-1))
