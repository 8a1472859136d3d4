import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.model.prefix_table import PrefixTrie

COURSE = ModelConfig()
VANILLA = ModelConfig(n_layer=3, n_head=3, n_embd=42, block_size=17)
PERCEIVER = replace(VANILLA, variant="perceiver", bottleneck_dim=7)
STRIDED = replace(PERCEIVER, latent_mask="strided")
N_CHARACTERS = 29
# Words have three letters; the first five characters are no letters.
LETTERS = range(5, N_CHARACTERS)
WORDS = [(i, j, (i * j) % 23 + 5) for i in LETTERS for j in LETTERS[i % 2 :: 2]]
TRIE = PrefixTrie.of_words(WORDS, [token in LETTERS for token in range(N_CHARACTERS)])
ROTARY_WITH_TABLE = replace(VANILLA, positions="rotary", prefix_table=True)

VARIANTS = {
    "vanilla": VANILLA,
    "vanilla, rotary": replace(VANILLA, positions="rotary"),
    "vanilla, fused": replace(VANILLA, block_size=101),
    "vanilla, rotary, fused": replace(VANILLA, block_size=101, positions="rotary"),
    "vanilla, prefix table": replace(VANILLA, prefix_table=True),
    "vanilla, rotary, prefix table": ROTARY_WITH_TABLE,
    "vanilla, rotary, prefix table, fused": replace(ROTARY_WITH_TABLE, block_size=101),
    "perceiver": PERCEIVER,
    "perceiver, prefix table": replace(PERCEIVER, prefix_table=True),
    "perceiver, rotary": replace(PERCEIVER, positions="rotary"),
    "perceiver, more latents than characters": replace(PERCEIVER, bottleneck_dim=23),
    "perceiver, two blocks": replace(PERCEIVER, n_layer=2),
    "perceiver, fused": replace(PERCEIVER, block_size=101, bottleneck_dim=97),
    "strided": STRIDED,
    "strided, rotary": replace(STRIDED, positions="rotary"),
    "strided, rotary, prefix table": replace(STRIDED, positions="rotary", prefix_table=True),
    "strided, two blocks": replace(STRIDED, n_layer=2),
    "strided, longer segments": replace(STRIDED, segment_length=5),
    "strided, one latent per character": replace(STRIDED, bottleneck_dim=17),
    "strided, fused": replace(STRIDED, block_size=101, positions="rotary"),
}
every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())


def perturbed(config: ModelConfig) -> GPT:
    """A model in evaluation mode, each of whose parameters has moved away from its initial value, as by training."""
    torch.manual_seed(3)
    model = GPT(config, N_CHARACTERS, TRIE if config.prefix_table else None)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter += 0.2 * torch.randn_like(parameter)
            if name == "prefix_table.table.weight":
                parameter[0] = 0  # no gradient ever reaches it
    return model.eval()


def characters(*shape: int) -> Tensor:
    """Random characters."""
    return torch.randint(0, N_CHARACTERS, shape, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(
    ("config", "n_parameters"),
    [
        (COURSE, 3_323_392),
        (replace(COURSE, variant="perceiver", bottleneck_dim=32), 3_331_584),
        (replace(COURSE, positions="rotary"), 3_323_392 - 128 * 256),
        (replace(COURSE, variant="perceiver", positions="rotary"), 3_331_584),
    ],
)
def test_number_of_parameters(config: ModelConfig, n_parameters: int):
    """With the birthplace corpus's 256 characters it is the assignment's; rotary needs no position embeddings."""
    assert GPT(config, 256).n_parameters == n_parameters


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_the_initial_values_are_those_of_the_documented_table(variant: str):
    """Weights N(0, 0.02); biases, learned positions and prefix table 0; LayerNorms 1 and 0; C Xavier uniform."""
    torch.manual_seed(7)
    words = PrefixTrie.of_words([(3, 5, 7), (11,)], [token > 2 for token in range(257)])
    for name, p in GPT(replace(COURSE, variant=variant, prefix_table=True), 257, words).named_parameters():
        if name in ("pos_emb", "prefix_table.table.weight") or name.endswith("bias"):
            assert (p == 0).all(), name
        elif name.endswith(".C"):
            # Xavier (Glorot and Bengio 2010, equation 16), with a fan-in of 32 * 256 and a fan-out of 256.
            bound = math.sqrt(6 / (32 * 256 + 256))
            assert 0.99 * bound < p.abs().max() <= bound
            assert p.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
        elif ".ln" in name or name.startswith("ln"):
            assert (p == 1).all(), name
        else:
            assert p.dim() == 2
            assert p.std().item() == pytest.approx(0.02, rel=0.02), name
            assert abs(p.mean().item()) < 0.001, name
            assert 0.07 < p.abs().max() < 0.13, name  # normal, not uniform


def test_a_prefix_table_needs_the_corpuss_prefixes():
    """A configuration with a prefix table and no prefixes is refused as our own mistake."""
    with pytest.raises(AssertionError, match="a prefix table needs the corpus's prefixes"):
        GPT(ROTARY_WITH_TABLE, N_CHARACTERS)


def test_the_table_has_one_vector_per_prefix():
    """By hand: the prefixes of (3, 5, 7) and (11,) are four, and row 0 serves all other characters."""
    words = PrefixTrie.of_words([(3, 5, 7), (11,)], [token > 2 for token in range(N_CHARACTERS)])
    with_table, without = GPT(ROTARY_WITH_TABLE, N_CHARACTERS, words), GPT(VARIANTS["vanilla, rotary"], N_CHARACTERS)
    assert (with_table.n_table_parameters, without.n_table_parameters) == ((4 + 1) * 42, 0)
    assert with_table.n_parameters - with_table.n_table_parameters == without.n_parameters


def test_the_prefix_table_tells_words_apart_until_they_end():
    """Texts that differ in a word's first letter have different embeddings up to that word's end, and no further."""
    model = perturbed(replace(VANILLA, prefix_table=True))
    one, other = (torch.tensor([[first, WORDS[0][1], WORDS[0][2], 2, 7]]) for first in (WORDS[0][0], 7))
    assert WORDS[0][0] != 7
    differs = (model.embed(one) != model.embed(other)).any(dim=-1)[0].tolist()
    assert differs == [True, True, True, False, False]


def test_the_same_seed_gives_the_same_weights():
    """Initial weights are a function of torch's seed."""
    a, b = perturbed(PERCEIVER), perturbed(PERCEIVER)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@every_variant
def test_no_logit_depends_on_a_later_character(config: ModelConfig):
    """Changing any one character changes the logits at it, and not a bit of those before it."""
    model = perturbed(config)
    n_positions = config.block_size
    # Character i is changed in row i, so that one pass tries all.
    idx = characters(1, n_positions).repeat(n_positions, 1)
    changed = idx.clone()
    diagonal = torch.arange(n_positions)
    changed[diagonal, diagonal] = (changed[diagonal, diagonal] + 1) % N_CHARACTERS
    with torch.no_grad():
        before, after = model(idx), model(changed)
    for t in range(n_positions):
        assert torch.equal(after[t, :t], before[t, :t])
        assert (after[t, t] != before[t, t]).any()


@every_variant
def test_what_follows_a_text_changes_none_of_its_logits(config: ModelConfig):
    """The first n characters alone have the logits that they have within the whole text, padding included."""
    model, idx = perturbed(config), characters(3, config.block_size)
    with torch.no_grad():
        whole = model(idx)
        for n_positions in (1, 2, 5, 7, 11, config.block_size - 1):
            alone = model(idx[:, :n_positions])
            assert alone.shape == (3, n_positions, N_CHARACTERS)
            torch.testing.assert_close(alone, whole[:, :n_positions], rtol=1e-4, atol=1e-5)


def test_vanilla_reads_every_earlier_character():
    """Changing the first character changes every later logit of vanilla."""
    for config in (VANILLA, replace(VANILLA, positions="rotary")):
        model, idx = perturbed(config), characters(1, 17)
        other = idx.clone()
        other[0, 0] = (other[0, 0] + 1) % N_CHARACTERS
        assert (model(idx) != model(other)).any(dim=-1).all()


def test_the_assignments_perceiver_reads_as_many_characters_as_it_has_latents():
    """The triangular mask with seven latents: a character after the seventh changes its own logits alone."""
    model, idx = perturbed(PERCEIVER), characters(1, 17)
    for t in range(17):
        other = idx.clone()
        other[0, t] = (other[0, t] + 1) % N_CHARACTERS
        differs = (model(idx) != model(other)).any(dim=-1)[0].tolist()
        end = 17 if t < 7 else t + 1
        assert differs == [False] * t + [True] * (end - t) + [False] * (17 - end)


@every_variant
def test_every_parameter_learns(config: ModelConfig):
    """The loss of one batch has a nonzero gradient for every parameter."""
    model, idx = perturbed(config), characters(5, config.block_size + 1)
    cross_entropy(model(idx[:, :-1]).flatten(0, 1), idx[:, 1:].flatten()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        largest = parameter.grad.to_dense().abs().max()
        rotated = config.positions == "rotary" and (config.is_strided or name.startswith("blocks"))
        if name.endswith("key.bias") and not rotated:
            # It adds the same to all logits of a query, and softmax is invariant to that.
            assert largest < 1e-7, name
        else:
            assert largest > 1e-5, name


@pytest.mark.parametrize("option", ["embd_pdrop", "resid_pdrop", "attn_pdrop"])
@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_each_dropout_drops_in_training_alone(option: str, variant: str):
    """Each of the three makes two forward passes differ in training mode, and none in evaluation mode."""
    no_dropout = replace(PERCEIVER, variant=variant, embd_pdrop=0.0, resid_pdrop=0.0, attn_pdrop=0.0)
    idx = characters(3, 17)
    model = perturbed(replace(no_dropout, **{option: 0.5}))
    assert torch.equal(model(idx), model(idx))
    assert torch.equal(model(idx), perturbed(no_dropout)(idx))
    model.train()
    assert not torch.equal(model(idx), model(idx))
    without = perturbed(no_dropout).train()
    assert torch.equal(without(idx), without(idx))


def test_residual_dropout_leaves_the_residual_stream():
    """resid_pdrop drops what blocks add, so an embedding passes unchanged where every addition was dropped."""
    model = perturbed(replace(VANILLA, embd_pdrop=0.0, attn_pdrop=0.0, resid_pdrop=0.97)).train()
    idx = characters(31, 17)
    kept = (model.hidden(idx) == model.embed(idx)).float().mean().item()
    assert kept == pytest.approx(0.97 ** (2 * VANILLA.n_layer), abs=0.02)


def test_a_text_longer_than_the_block_is_our_own_mistake():
    """A text is never silently truncated."""
    with pytest.raises(AssertionError, match="18 characters exceed 17"):
        perturbed(VANILLA)(characters(1, 18))


def test_rotary_replaces_position_embeddings():
    """Vanilla with rotary has none; the assignment's Perceiver keeps them, since its cross-attention is not rotary."""
    names = {
        positions: set(perturbed(replace(VANILLA, positions=positions)).state_dict())
        for positions in ("learned", "rotary")
    }
    assert names["learned"] - names["rotary"] == {"pos_emb"}
    assert "pos_emb" in perturbed(replace(PERCEIVER, positions="rotary")).state_dict()


# The whole model again, in float64 and vector by vector, written from the assignment and the papers.

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


@pytest.mark.parametrize("name", [name for name, config in VARIANTS.items() if config.block_size == 17])
def test_the_forward_pass_is_the_reference(name: str):
    """In float32 the model agrees with an independent float64 reference to a relative error of 1e-5."""
    config = VARIANTS[name]
    model, idx = perturbed(config), characters(1, 11)
    with torch.no_grad():
        logits = model(idx)[0].double()
        expected = reference(config, model.state_dict(), idx[0].tolist())
    assert (logits - expected).abs().max() / expected.abs().max() < 1e-5
