"""Coverage strided: cross-attention of a Perceiver that reads its whole past, without a length by length matrix.

The text is cut into stretches of S characters. Latent j stands for stretch j: it reads the characters up to the end
of it. Place t consults the latents whose stretches have ended by t, and the characters of
its own stretch up to itself. So every past character reaches every later place, and no future one does; the
assignment's mask, by index, lets latent j read characters 0 to j only.

Letters: B batch, H heads, T time, K keys, S a stretch's length, N stretches, P places of N whole stretches, M latents,
D head size, C channels.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from closedbook.model.attention import Attention, attend, lower_triangle
from closedbook.model.config import ModelConfig
from closedbook.model.kernels.dropout import drop
from closedbook.model.kernels.rotary import rotate
from closedbook.model.kernels.softmax import softmax
from closedbook.model.kv_cache import Past


def latents_read(
    latents: range, n_places: int, stretch: int, device: torch.device | None = None
) -> Bool[Tensor, "M T"]:
    """Which characters each of some latents reads."""
    place = torch.arange(n_places, device=device)
    end = (torch.arange(latents.start, latents.stop, device=device)[:, None] + 1) * stretch
    return place < end


def places_consult(
    places: range, n_latents: int, stretch: int, device: torch.device | None = None
) -> Bool[Tensor, "T M"]:
    """Which latents each of some places consults: those whose stretch has ended by then."""
    n_ended = (torch.arange(places.start, places.stop, device=device)[:, None] + 1) // stretch
    return torch.arange(n_latents, device=device) < n_ended


class StridedAttention(Attention):
    """What both directions share: latents stand at the last places of their stretches."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.stretch = config.stretch_length

    def at_places(self, x: Float[Tensor, "B H T D"], first: int) -> Float[Tensor, "B H T D"]:
        """Turned by their places, of which `first` is the first."""
        return rotate(x, first) if self.rotary else x

    def at_ends(self, y: Float[Tensor, "B H M D"], first: int) -> Float[Tensor, "B H M D"]:
        """Latents, of which `first` is the first, turned by the last places of their stretches."""
        return rotate(y, (first + 1) * self.stretch - 1, self.stretch) if self.rotary else y


class DownAttention(StridedAttention):
    """Each latent reads the characters up to the end of its stretch."""

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        basis: Float[Tensor, "1 M C"],
        latents: range,
        past: Past | None = None,
        n_hidden: int = 0,
    ) -> Float[Tensor, "B M C"]:
        """What `latents` read, which `basis` asks for; `x` are the characters behind those in `past`.

        Nobody reads the first `n_hidden` places.
        """
        return self.joined(attend(*self.asked(x, basis, latents, past, n_hidden), self.dropout))

    def asked(
        self,
        x: Float[Tensor, "B T C"],
        basis: Float[Tensor, "1 M C"],
        latents: range,
        past: Past | None = None,
        n_hidden: int = 0,
    ) -> tuple[Tensor, Tensor, Tensor, Bool[Tensor, "M K"]]:
        """Queries, keys and values of all heads, and which keys each query sees."""
        q = self.at_ends(self.heads(self.query(basis)), latents.start)
        q = q.expand(x.size(0), -1, -1, -1)
        k = self.at_places(self.heads(self.key(x)), 0 if past is None else len(past))
        v = self.heads(self.value(x))
        if past is not None:
            k, v = past.down.extend(k, v)
        end = latents.stop * self.stretch
        visible = latents_read(latents, end, self.stretch, device=x.device)
        visible[:, :n_hidden] = False
        return q, k[:, :, :end], v[:, :, :end], visible


class UpAttention(StridedAttention):
    """Each place consults the latents whose stretches have ended, and its own stretch up to itself."""

    def forward(
        self, y: Float[Tensor, "B M C"], x: Float[Tensor, "B T C"], past: Past | None = None, n_hidden: int = 0
    ) -> Float[Tensor, "B T C"]:
        """What the places behind those in `past` read; `y` are the latents behind those in `past`.

        Nobody reads the first `n_hidden` places but they themselves.
        """
        return self.joined(consult(*self.asked(y, x, past, n_hidden), self.stretch, self.dropout))

    def asked(
        self, y: Float[Tensor, "B M C"], x: Float[Tensor, "B T C"], past: Past | None = None, n_hidden: int = 0
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, int, int]:
        """What `consult` takes first: queries, keys and values of characters, those of latents, and two places."""
        first, first_latent = (0, 0) if past is None else (len(past), len(past.up_latents))
        q = self.at_places(self.heads(self.query(x)), first)
        k = self.at_places(self.heads(self.key(x)), first)
        y_k = self.at_ends(self.heads(self.key(y)), first_latent)
        v, y_v = self.heads(self.value(x)), self.heads(self.value(y))
        if past is not None:
            k, v = past.up_characters.extend(k, v)
            y_k, y_v = past.up_latents.extend(y_k, y_v)
        begin = first - first % self.stretch
        return q, k[:, :, begin:], v[:, :, begin:], y_k, y_v, first, n_hidden


def consult(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B H K D"],
    v: Float[Tensor, "B H K D"],
    y_k: Float[Tensor, "B H M D"],
    y_v: Float[Tensor, "B H M D"],
    first: int,
    n_hidden: int,
    stretch: int,
    dropout: float,
) -> Float[Tensor, "B H T D"]:
    """o of the formula, one softmax over a place's latents and the characters of its stretch; T x (M + S) weights.

    `q` are of the places from `first` on, `k` and `v` of those from the beginning of its stretch on; the first
    `n_hidden` places of the text are read by themselves alone.
    """
    n_before, n_places = first % stretch, q.size(-2)
    weights = drop(consult_weights(q, k, y_k, first, n_hidden, stretch), dropout)
    n_stretches = weights.size(-2) // stretch
    v = _in_stretches(functional.pad(v, (0, 0, 0, weights.size(-2) - v.size(-2))), n_stretches, stretch)
    o = (_in_stretches(weights[..., :stretch], n_stretches, stretch) @ v).flatten(2, 3) + weights[..., stretch:] @ y_v
    return o[:, :, n_before : n_before + n_places]


def consult_weights(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B H K D"],
    y_k: Float[Tensor, "B H M D"],
    first: int,
    n_hidden: int,
    stretch: int,
) -> Float[Tensor, "B H P {stretch}+M"]:
    """alpha of the formula: S + M weights of each place of the stretches that `k` lies in."""
    n_before, n_stretches = first % stretch, -(-k.size(-2) // stretch)
    n_padding = n_stretches * stretch - k.size(-2)
    # Whole stretches: places before the first are asked in vain, places behind the last are read by none.
    q = functional.pad(q, (0, 0, n_before, n_padding))  # B H P D
    k = _in_stretches(functional.pad(k, (0, 0, 0, n_padding)), n_stretches, stretch)
    scale = 1 / math.sqrt(q.size(-1))
    own = _in_stretches(q, n_stretches, stretch) @ k.transpose(-2, -1) * scale  # B H N S S
    visible = lower_triangle(stretch, stretch, q.device).repeat(n_stretches, 1, 1)
    # Each place still sees itself: a softmax over nothing is no number.
    visible[0, :, :n_hidden] &= torch.eye(stretch, n_hidden, dtype=torch.bool, device=q.device)
    own = own.masked_fill(~visible, -math.inf).flatten(2, 3)
    places = range(first - n_before, first - n_before + n_stretches * stretch)
    past = q @ y_k.transpose(-2, -1) * scale  # B H P M
    past = past.masked_fill(~places_consult(places, y_k.size(-2), stretch, q.device), -math.inf)
    return softmax(torch.cat((own, past), dim=-1))


def _in_stretches(z: Float[Tensor, "B H T D"], n_stretches: int, stretch: int) -> Float[Tensor, "B H N S D"]:
    return z.reshape(*z.shape[:2], n_stretches, stretch, z.size(-1))
