"""The whole model again, in float64 and vector by vector, written from the assignment and the papers."""

import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie

VANILLA = ModelConfig(n_layer=3, n_head=3, n_embd=42, block_size=17)
PERCEIVER = replace(VANILLA, variant="perceiver", bottleneck_dim=7)
STRIDED = replace(PERCEIVER, latent_mask="strided")
VARIANTS = {
    "vanilla": VANILLA,
    "vanilla, rotary": replace(VANILLA, positions="rotary"),
    "vanilla, prefix table": replace(VANILLA, prefix_table=True),
    "vanilla, rotary, prefix table": replace(VANILLA, positions="rotary", prefix_table=True),
    "vanilla, names": replace(VANILLA, prefix_table=True, name_table=True),
    "vanilla, narrow names": replace(VANILLA, prefix_table=True, name_table=True, name_width=5),
    "perceiver": PERCEIVER,
    "perceiver, prefix table": replace(PERCEIVER, prefix_table=True),
    "perceiver, rotary": replace(PERCEIVER, positions="rotary"),
    "perceiver, more latents than characters": replace(PERCEIVER, bottleneck_dim=23),
    "perceiver, two blocks": replace(PERCEIVER, n_layer=2),
    "strided": STRIDED,
    "strided, rotary": replace(STRIDED, positions="rotary"),
    "strided, rotary, prefix table": replace(STRIDED, positions="rotary", prefix_table=True),
    "strided, two blocks": replace(STRIDED, n_layer=2),
    "strided, longer segments": replace(STRIDED, segment_length=5),
    "strided, one latent per character": replace(STRIDED, bottleneck_dim=17),
}
N_CHARACTERS = 29
# Words have three letters; the first five characters are no letters.
LETTERS = range(5, N_CHARACTERS)
WORDS = [(i, j, (i * j) % 23 + 5) for i in LETTERS for j in LETTERS[i % 2 :: 2]]
TRIE = PrefixTrie.of_words(WORDS, [token in LETTERS for token in range(N_CHARACTERS)])
# Two titles of four and three words, and a text that has three words of the first, then both words of a name within it.
_A, _B, _C, _D = (WORDS[i] for i in (11, 13, 101, 103))
TITLES = [(*_A, 2, *_B, 3, *_C, 2, *_D), (*_D, 1, *_A, 3, *_C)]
NAMED_TEXT = [*_A, 3, *_B, 4, *_C, 2]

Vectors = list[Tensor]


def linear(p: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """A linear layer, applied to one vector."""
    return torch.stack([row @ x for row in p[f"{name}.weight"]]) + p.get(f"{name}.bias", 0.0)


def layer_norm(p: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Ba et al. 2016, equation 4, of one vector."""
    mean = x.sum() / len(x)
    variance = ((x - mean) ** 2).sum() / len(x)
    return (x - mean) / (variance + 1e-5).sqrt() * p[f"{name}.weight"] + p[f"{name}.bias"]


def rotated(x: Tensor, position: int) -> Tensor:
    """Su et al. 2021, equation 34: the halves of a vector are real and imaginary parts of complex numbers."""
    half = len(x) // 2
    z = [complex(x[m], x[m + half]) * cmath.exp(1j * position * 10_000 ** (-m / half)) for m in range(half)]
    return torch.tensor([c.real for c in z] + [c.imag for c in z], dtype=torch.float64)


def prefix_rows(ids: list[int]) -> list[int]:
    """For each character the prefix table's row of the word prefix that it ends, or 0."""
    prefixes = {word[:n] for word in WORDS for n in (1, 2, 3)}
    row = {prefix: number for number, prefix in enumerate(sorted(prefixes, key=lambda p: (len(p), p)), 1)}
    prefix, rows = (), []
    for token in ids:
        prefix = (*prefix, token) if token in LETTERS else ()
        rows.append(row.get(prefix, 0))
    return rows


def words_of(ids: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """The words of a text that have ended, each with the position after it."""
    words, word = [], ()
    for position, token in enumerate(ids):
        if token not in LETTERS and word:
            words.append((word, position))
        word = (*word, token) if token in LETTERS else ()
    return words


def names_at(ids: list[int]) -> list[tuple[int, int]]:
    """For each name that ends in a text, its row in the name table and the position after it.

    Rows are in order of length, then of the name without its last word, then of the last word.
    """
    titles = [[word for word, _ in words_of([*title, 0])] for title in TITLES]
    names = {tuple(title[i : i + n]) for title in titles for n in (2, 3, 4) for i in range(len(title) - n + 1)}
    row = {name: number for number, name in enumerate(sorted(names, key=lambda name: (len(name), name)))}
    words = words_of(ids)
    ended = [
        (tuple(word for word, _ in words[last - n + 1 : last + 1]), words[last][1])
        for last in range(len(words))
        for n in (2, 3, 4)
        if last >= n - 1
    ]
    return [(row[name], position) for name, position in ended if name in row]


@dataclass(frozen=True)
class Mask:
    """The keys that each query may attend to, and the positions of both, which rotate them unless they are None."""

    keys_of: Callable[[int], Sequence[int]]
    q_positions: Sequence[int] | None = None
    k_positions: Sequence[int] | None = None


def triangular(n_keys: int, positions: Sequence[int] | None = None) -> Mask:
    """Query i may attend to keys 0 to i."""
    return Mask(lambda i: range(min(i + 1, n_keys)), positions, positions)


def attention(p: dict[str, Tensor], name: str, config: ModelConfig, x_q: Vectors, x_kv: Vectors, mask: Mask) -> Vectors:
    """Vaswani et al. 2017, section 3.2, head by head."""
    size = config.n_embd // config.n_head
    q = [linear(p, f"{name}.query", x) for x in x_q]
    k = [linear(p, f"{name}.key", x) for x in x_kv]
    v = [linear(p, f"{name}.value", x) for x in x_kv]
    outputs = []
    for i in range(len(x_q)):
        heads = []
        for h in range(config.n_head):
            part = slice(h * size, (h + 1) * size)
            allowed = mask.keys_of(i)
            query, keys = q[i][part], [k[j][part] for j in allowed]
            if mask.q_positions is not None and mask.k_positions is not None:
                query = rotated(query, mask.q_positions[i])
                keys = [rotated(key, mask.k_positions[j]) for j, key in zip(allowed, keys, strict=True)]
            e = [float(query @ key) / math.sqrt(size) for key in keys]
            total = sum(math.exp(value) for value in e)
            heads.append(sum(math.exp(e[n]) / total * v[j][part] for n, j in enumerate(allowed)))
        outputs.append(linear(p, f"{name}.proj", torch.cat(heads)))
    return outputs


def feed_forward(p: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Two linear layers and the GELU, applied to one vector."""
    hidden = linear(p, f"{name}.0", x)
    hidden = torch.tensor([u * 0.5 * (1 + math.erf(u / math.sqrt(2))) for u in hidden.tolist()]).double()
    return linear(p, f"{name}.2", hidden)


def layer_norms(p: dict[str, Tensor], name: str, xs: Vectors) -> Vectors:
    """A LayerNorm, applied to each vector."""
    return [layer_norm(p, name, x) for x in xs]


def residual(p: dict[str, Tensor], name: str, xs: Vectors, attended: Vectors) -> Vectors:
    """A block's output, given its input and the output of its attention."""
    xs = [x + o for x, o in zip(xs, attended, strict=True)]
    return [x + feed_forward(p, f"{name}.mlp", layer_norm(p, f"{name}.ln2", x)) for x in xs]


def self_attention_block(p: dict[str, Tensor], name: str, config: ModelConfig, xs: Vectors) -> Vectors:
    """A block of vanilla, or a middle block of the Perceiver."""
    ln = layer_norms(p, f"{name}.ln1", xs)
    mask = triangular(len(xs), range(len(xs)) if config.positions == "rotary" else None)
    return residual(p, name, xs, attention(p, f"{name}.attn", config, ln, ln, mask))


def down(p: dict[str, Tensor], config: ModelConfig, xs: Vectors) -> Vectors:
    """The assignment's down-projection: masked by index, not rotary, LayerNorm on the queries' input."""
    basis = list(p["down_block.C"][0])
    ln = layer_norms(p, "down_block.ln1", basis)
    attended = attention(p, "down_block.attn", config, ln, xs, triangular(len(xs)))
    return residual(p, "down_block", basis, attended)


def up(p: dict[str, Tensor], config: ModelConfig, xs: Vectors, latents: Vectors) -> Vectors:
    """The assignment's up-projection: the same mask, LayerNorm on the input of keys and values."""
    ln = layer_norms(p, "up_block.ln1", latents)
    return residual(p, "up_block", xs, attention(p, "up_block.attn", config, xs, ln, triangular(len(ln))))


def strided(p: dict[str, Tensor], config: ModelConfig, xs: Vectors) -> Vectors:
    """All blocks of the strided Perceiver, with the latents of completed segments."""
    size = config.segment_size
    ends = list(range(size - 1, len(xs), size))
    is_rotary, positions = config.positions == "rotary", range(len(xs))
    basis = list(p["down_block.C"][0][: len(ends)])
    mask = Mask(lambda j: range(ends[j] + 1), ends if is_rotary else None, positions if is_rotary else None)
    ln = layer_norms(p, "down_block.ln1", basis)
    latents = residual(p, "down_block", basis, attention(p, "down_block.attn", config, ln, xs, mask))
    for number in range(config.n_layer - 2):
        latents = self_attention_block(p, f"blocks.{number}", config, latents)
    ln = layer_norms(p, "up_block.ln1", xs)
    at = [*positions, *ends]
    mask = Mask(
        lambda t: [j for j, end in enumerate(at) if end <= t and (j >= len(xs) or end // size == t // size)],
        positions if is_rotary else None,
        at if is_rotary else None,
    )
    ln_all = [*ln, *layer_norms(p, "up_block.ln1", latents)]
    return residual(p, "up_block", xs, attention(p, "up_block.attn", config, ln, ln_all, mask))


def reference(config: ModelConfig, weights: dict[str, Tensor], ids: list[int]) -> Tensor:
    """The logits of one text."""
    p = {name: weight.double() for name, weight in weights.items()}
    xs = [p["tok_emb.weight"][token] for token in ids]
    if "pos_emb" in p:
        xs = [x + p["pos_emb"][0, t] for t, x in enumerate(xs)]
    if config.prefix_table:
        xs = [x + p["prefix_table.table.weight"][row] for x, row in zip(xs, prefix_rows(ids), strict=True)]
    if config.name_table:
        for row, position in names_at(ids):
            vector = p["name_table.table.weight"][row]
            narrow = config.name_width > 0
            xs[position] = xs[position] + (p["name_table.projection.weight"] @ vector if narrow else vector)
    if config.variant == "vanilla":
        for number in range(config.n_layer):
            xs = self_attention_block(p, f"blocks.{number}", config, xs)
    elif config.latent_mask == "strided":
        xs = strided(p, config, xs)
    else:
        latents = down(p, config, xs)
        for number in range(config.n_layer - 2):
            latents = self_attention_block(p, f"blocks.{number}", config, latents)
        xs = up(p, config, xs, latents)
    return torch.stack([linear(p, "head", layer_norm(p, "ln_f", x)) for x in xs])


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_forward_pass_is_the_reference(config: ModelConfig):
    """In float32 the model agrees with an independent float64 reference to a relative error of 1e-5."""
    torch.manual_seed(3)
    model = GPT(config, N_CHARACTERS, TRIE if config.prefix_table else None, TITLES).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter += 0.2 * torch.randn_like(parameter)
            if name == "prefix_table.table.weight":
                parameter[0] = 0  # no gradient ever reaches it
        idx = torch.randint(0, N_CHARACTERS, (1, 11), generator=torch.Generator().manual_seed(5))
        if config.name_table:
            idx = torch.tensor([NAMED_TEXT])
            assert len(names_at(NAMED_TEXT)) == 3
        logits = model(idx)[0].double()
        expected = reference(config, model.state_dict(), idx[0].tolist())
    assert (logits - expected).abs().max() / expected.abs().max() < 1e-5
