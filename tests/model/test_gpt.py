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
# The first five characters are no part of a word; of the others every second may follow, and then one more.
LETTERS = range(5, N_CHARACTERS)
WORDS = [(i, j, (i * j) % 23 + 5) for i in LETTERS for j in LETTERS[i % 2 :: 2]]
TRIE = PrefixTrie.of_words(WORDS, [number in LETTERS for number in range(N_CHARACTERS)])
FAST = replace(VANILLA, positions="rotary", activation="relu2", qk_norm=True, prefix_table=True, initialization="zero")

VARIANTS = {
    "vanilla": VANILLA,
    "vanilla, rotary": replace(VANILLA, positions="rotary"),
    "vanilla, squared ReLU": replace(VANILLA, activation="relu2"),
    "vanilla, fused": replace(VANILLA, block_size=101),
    "vanilla, rotary, fused": replace(VANILLA, block_size=101, positions="rotary"),
    "vanilla, normed queries and keys": replace(VANILLA, qk_norm=True),
    "vanilla, word memory": replace(VANILLA, prefix_table=True),
    "vanilla, from zero": replace(VANILLA, initialization="zero"),
    "vanilla, fast": FAST,
    "vanilla, fast, fused": replace(FAST, block_size=101),
    "perceiver": PERCEIVER,
    "perceiver, fast": replace(FAST, variant="perceiver", bottleneck_dim=7),
    "perceiver, rotary": replace(PERCEIVER, positions="rotary"),
    "perceiver, more latents than characters": replace(PERCEIVER, bottleneck_dim=23),
    "perceiver, two blocks": replace(PERCEIVER, n_layer=2),
    "perceiver, fused": replace(PERCEIVER, block_size=101, bottleneck_dim=97),
    "strided": STRIDED,
    "strided, fast": replace(FAST, variant="perceiver", latent_mask="strided", bottleneck_dim=7),
    "strided, two blocks": replace(STRIDED, n_layer=2),
    "strided, longer stretches": replace(STRIDED, stretch=5),
    "strided, latents that read their stretch alone": replace(STRIDED, positions="rotary", reach="stretch"),
    "strided, a latent a character": replace(STRIDED, bottleneck_dim=17),
    "strided, fused": replace(STRIDED, block_size=101, positions="rotary"),
}
every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())


def made(config: ModelConfig) -> GPT:
    """A model over the words above, where it has a memory for them."""
    return GPT(config, N_CHARACTERS, TRIE if config.prefix_table else None)


def trained(config: ModelConfig) -> GPT:
    """A model in evaluation whose every number that moves, biases and places included, has moved from the start."""
    torch.manual_seed(3)
    model = made(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter += 0.2 * torch.randn_like(parameter)
            if name == "memory.table.weight":
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
def test_the_model_has_so_many_parameters(config: ModelConfig, n_parameters: int):
    """With the 256 characters of the birthplace corpus: the assignment's numbers; rotary saves the places."""
    assert GPT(config, 256).n_parameters == n_parameters


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_the_model_begins_as_its_table_says(variant: str):
    """Maps and embeddings normal of deviation 0.02, biases and places 0, LayerNorms 1 and 0, C Xavier uniform."""
    torch.manual_seed(7)
    for name, p in GPT(replace(COURSE, variant=variant), 257).named_parameters():
        if name == "pos_emb" or name.endswith("bias"):
            assert (p == 0).all(), name
        elif name.endswith(".C"):
            # Xavier (Glorot and Bengio 2010, equation 16), with 32 * 256 numbers in and 256 out.
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


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_a_model_from_zero_begins_as_its_table_says(variant: str):
    """Maps keep variance, embeddings have 0.3, and what blocks add, the head and the word memory are zero."""
    torch.manual_seed(7)
    config = replace(COURSE, variant=variant, prefix_table=True, initialization="zero")
    in_word = [number > 2 for number in range(257)]
    deviations = {}
    for name, p in GPT(config, 257, PrefixTrie.of_words([(3, 5, 7), (11,)], in_word)).named_parameters():
        adds = name.endswith(("attn.proj.weight", "mlp.2.weight"))
        if name in ("pos_emb", "head.weight", "memory.table.weight") or name.endswith("bias") or adds:
            assert (p == 0).all(), name
        elif name.endswith(".C"):
            bound = math.sqrt(6 / (32 * 256 + 256))
            assert 0.99 * bound < p.abs().max() <= bound
        elif ".ln" in name or name.startswith("ln"):
            assert (p == 1).all(), name
        else:
            deviations[name] = p.std().item()
            assert abs(p.mean().item()) < 0.002, name
    expected = {name: 1 / math.sqrt(256) for name in deviations} | {"tok_emb.weight": 0.3}
    assert {name.rpartition(".")[0].rpartition(".")[2] for name in deviations} == {
        "tok_emb",
        "key",
        "query",
        "value",
        "0",
    }
    assert deviations == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("config", [FAST, replace(FAST, block_size=101)])
def test_a_model_from_zero_lets_the_embeddings_through_and_guesses_evenly(config: ModelConfig):
    """Before the first step blocks add nothing, and all characters are alike likely."""
    torch.manual_seed(5)
    model, idx = made(config).eval(), characters(3, 17)
    assert torch.equal(model.hidden(idx), model.tok_emb(idx))
    assert (model(idx) == 0).all()


def test_a_word_memory_needs_words():
    """A model with a memory for words and no words to remember is our own mistake."""
    with pytest.raises(AssertionError, match="a word memory is of some words"):
        GPT(FAST, N_CHARACTERS)


def test_the_word_memory_knows_how_a_word_began():
    """Two texts that differ in a word's first letter have other vectors up to that word's end, and none behind it."""
    model = trained(replace(VANILLA, prefix_table=True))
    one, other = (torch.tensor([[first, WORDS[0][1], WORDS[0][2], 2, 7]]) for first in (WORDS[0][0], 7))
    assert WORDS[0][0] != 7
    differs = (model.embed(one) != model.embed(other)).any(dim=-1)[0].tolist()
    assert differs == [True, True, True, False, False]


def test_the_same_seed_gives_the_same_weights():
    """The weights at the start are a function of torch's seed."""
    a, b = trained(PERCEIVER), trained(PERCEIVER)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@every_variant
def test_no_logit_knows_a_later_character(config: ModelConfig):
    """Changing a character changes its own logits and not a bit of those before it, for each character."""
    model = trained(config)
    n_places = config.block_size
    # Row i has character i changed, so that one pass tries them all.
    idx = characters(1, n_places).repeat(n_places, 1)
    changed = idx.clone()
    places = torch.arange(n_places)
    changed[places, places] = (changed[places, places] + 1) % N_CHARACTERS
    with torch.no_grad():
        before, after = model(idx), model(changed)
    for place in range(n_places):
        assert torch.equal(after[place, :place], before[place, :place])
        assert (after[place, place] != before[place, place]).any()


@every_variant
def test_a_beginning_has_the_logits_that_it_has_in_the_whole(config: ModelConfig):
    """What comes behind a text, padding or anything else, changes none of its logits."""
    model, idx = trained(config), characters(3, config.block_size)
    with torch.no_grad():
        whole = model(idx)
        for n_places in (1, 2, 5, 7, 11, config.block_size - 1):
            beginning = model(idx[:, :n_places])
            assert beginning.shape == (3, n_places, N_CHARACTERS)
            torch.testing.assert_close(beginning, whole[:, :n_places], rtol=1e-4, atol=1e-5)


def test_vanilla_reads_every_earlier_character():
    """Changing the first character changes every later logit of vanilla."""
    for config in (VANILLA, replace(VANILLA, positions="rotary")):
        model, idx = trained(config), characters(1, 17)
        other = idx.clone()
        other[0, 0] = (other[0, 0] + 1) % N_CHARACTERS
        assert (model(idx) != model(other)).any(dim=-1).all()


def test_the_assignments_perceiver_reads_as_many_characters_as_it_has_latents():
    """What the mask by index does: behind the seventh character only the one asked about is seen."""
    model, idx = trained(PERCEIVER), characters(1, 17)
    for place in range(17):
        other = idx.clone()
        other[0, place] = (other[0, place] + 1) % N_CHARACTERS
        differs = (model(idx) != model(other)).any(dim=-1)[0].tolist()
        last = 17 if place < 7 else place + 1
        assert differs == [False] * place + [True] * (last - place) + [False] * (17 - last)


@every_variant
def test_every_parameter_learns(config: ModelConfig):
    """The loss of one batch has a gradient for every parameter."""
    model, idx = trained(config), characters(5, config.block_size + 1)
    cross_entropy(model(idx[:, :-1]).flatten(0, 1), idx[:, 1:].flatten()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        largest = parameter.grad.to_dense().abs().max()
        rotated = config.positions == "rotary" and (config.is_strided or name.startswith("blocks"))
        if name.endswith("key.bias") and not rotated and not config.qk_norm:
            # It adds the same to all logits of a query, which softmax does not see.
            assert largest < 1e-7, name
        else:
            assert largest > 1e-5, name


@pytest.mark.parametrize("option", ["embd_pdrop", "resid_pdrop", "attn_pdrop"])
@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_each_dropout_drops_in_training_alone(option: str, variant: str):
    """Each of the three makes two passes differ while training; none does so in evaluation."""
    still = replace(PERCEIVER, variant=variant, embd_pdrop=0.0, resid_pdrop=0.0, attn_pdrop=0.0)
    idx = characters(3, 17)
    model = trained(replace(still, **{option: 0.5}))
    assert torch.equal(model(idx), model(idx))
    assert torch.equal(model(idx), trained(still)(idx))
    model.train()
    assert not torch.equal(model(idx), model(idx))
    without = trained(still).train()
    assert torch.equal(without(idx), without(idx))


def test_dropout_on_what_is_added_leaves_the_rest():
    """Dropout on attention and feed-forward lets the embeddings through, as much as falls out of what is added."""
    model = trained(replace(VANILLA, embd_pdrop=0.0, attn_pdrop=0.0, resid_pdrop=0.97)).train()
    idx = characters(31, 17)
    kept = (model.hidden(idx) == model.embed(idx)).float().mean().item()
    assert kept == pytest.approx(0.97 ** (2 * VANILLA.n_layer), abs=0.02)


def test_a_text_longer_than_the_block_is_our_own_mistake():
    """Nothing is cut off in silence."""
    with pytest.raises(AssertionError, match="18 characters exceed 17"):
        trained(VANILLA)(characters(1, 18))


def test_rotary_needs_no_places_at_the_stem():
    """Vanilla with rotary positions has no learned ones; the Perceiver keeps its own for the cross-attention."""
    names = {
        positions: set(trained(replace(VANILLA, positions=positions)).state_dict())
        for positions in ("learned", "rotary")
    }
    assert names["learned"] - names["rotary"] == {"pos_emb"}
    assert "pos_emb" in trained(replace(PERCEIVER, positions="rotary")).state_dict()


# The whole model again, in float64 and vector by vector, written from the assignment and the papers.

Vectors = list[Tensor]


def linear(p: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """A map of one vector."""
    return torch.stack([row @ x for row in p[f"{name}.weight"]]) + p.get(f"{name}.bias", 0.0)


def layer_norm(p: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Ba et al. 2016, equation 4, of one vector."""
    mean = x.sum() / len(x)
    variance = ((x - mean) ** 2).sum() / len(x)
    return (x - mean) / (variance + 1e-5).sqrt() * p[f"{name}.weight"] + p[f"{name}.bias"]


def turned(x: Tensor, place: int) -> Tensor:
    """Su et al. 2021, equation 34: halves of a vector are the two parts of complex numbers, which turn."""
    half = len(x) // 2
    z = [complex(x[m], x[m + half]) * cmath.exp(1j * place * 10_000 ** (-m / half)) for m in range(half)]
    return torch.tensor([c.real for c in z] + [c.imag for c in z], dtype=torch.float64)


def normed(x: Tensor, length: float) -> Tensor:
    """A vector brought to a root mean square (Zhang and Sennrich 2019, equation 4)."""
    return length * x / ((x @ x) / len(x) + torch.finfo(torch.float32).eps).sqrt()


def word_rows(numbers: list[int]) -> list[int]:
    """The row of the word memory for each character: that of the word's beginning that it ends, or 0."""
    beginnings = {word[:n] for word in WORDS for n in (1, 2, 3)}
    row = {word: number for number, word in enumerate(sorted(beginnings, key=lambda w: (len(w), w)), 1)}
    begun, rows = (), []
    for number in numbers:
        begun = (*begun, number) if number in LETTERS else ()
        rows.append(row.get(begun, 0))
    return rows


@dataclass(frozen=True)
class Sight:
    """Which of the asked each asking one sees, and where both stand, if that turns them."""

    seen: Callable[[int], Sequence[int]]
    asking: Sequence[int] | None = None
    asked: Sequence[int] | None = None


def triangle(n_asked: int, places: Sequence[int] | None = None) -> Sight:
    """Query i sees the keys 0 to i."""
    return Sight(lambda i: range(min(i + 1, n_asked)), places, places)


def attention(
    p: dict[str, Tensor], name: str, config: ModelConfig, asking: Vectors, asked: Vectors, sight: Sight
) -> Vectors:
    """Vaswani et al. 2017, section 3.2, head by head."""
    size = config.n_embd // config.n_head
    q = [linear(p, f"{name}.query", x) for x in asking]
    k = [linear(p, f"{name}.key", x) for x in asked]
    v = [linear(p, f"{name}.value", x) for x in asked]
    outputs = []
    for i in range(len(asking)):
        heads = []
        for h in range(config.n_head):
            part = slice(h * size, (h + 1) * size)
            seen = sight.seen(i)
            query, keys = q[i][part], [k[j][part] for j in seen]
            if config.qk_norm:
                query, keys = normed(query, 2.4), [normed(key, 1.0) for key in keys]
            if sight.asking is not None and sight.asked is not None:
                query = turned(query, sight.asking[i])
                keys = [turned(key, sight.asked[j]) for j, key in zip(seen, keys, strict=True)]
            e = [float(query @ key) / math.sqrt(size) for key in keys]
            total = sum(math.exp(value) for value in e)
            heads.append(sum(math.exp(e[n]) / total * v[j][part] for n, j in enumerate(seen)))
        outputs.append(linear(p, f"{name}.proj", torch.cat(heads)))
    return outputs


def feed_forward(p: dict[str, Tensor], name: str, x: Tensor, activation: str) -> Tensor:
    """Two maps and the nonlinearity, of one vector."""
    hidden = linear(p, f"{name}.0", x)
    if activation == "gelu":
        hidden = torch.tensor([u * 0.5 * (1 + math.erf(u / math.sqrt(2))) for u in hidden.tolist()]).double()
    else:
        hidden = torch.tensor([max(u, 0.0) ** 2 for u in hidden.tolist()]).double()
    return linear(p, f"{name}.2", hidden)


def normed_by(p: dict[str, Tensor], name: str, xs: Vectors) -> Vectors:
    """Each vector behind a LayerNorm."""
    return [layer_norm(p, name, x) for x in xs]


def added(p: dict[str, Tensor], name: str, config: ModelConfig, xs: Vectors, read: Vectors) -> Vectors:
    """The rest of a block behind what its attention read."""
    xs = [x + o for x, o in zip(xs, read, strict=True)]
    return [x + feed_forward(p, f"{name}.mlp", layer_norm(p, f"{name}.ln2", x), config.activation) for x in xs]


def self_attending(p: dict[str, Tensor], name: str, config: ModelConfig, xs: Vectors) -> Vectors:
    """A block whose queries and keys are the same."""
    ln = normed_by(p, f"{name}.ln1", xs)
    sight = triangle(len(xs), range(len(xs)) if config.positions == "rotary" else None)
    return added(p, name, config, xs, attention(p, f"{name}.attn", config, ln, ln, sight))


def down(p: dict[str, Tensor], config: ModelConfig, xs: Vectors) -> Vectors:
    """The assignment's: masked by index, no place turns anything, and what asks is normed."""
    basis = list(p["down_block.C"][0])
    ln = normed_by(p, "down_block.ln1", basis)
    return added(p, "down_block", config, basis, attention(p, "down_block.attn", config, ln, xs, triangle(len(xs))))


def up(p: dict[str, Tensor], config: ModelConfig, xs: Vectors, latents: Vectors) -> Vectors:
    """The assignment's: the same mask, and what is asked is normed."""
    ln = normed_by(p, "up_block.ln1", latents)
    return added(p, "up_block", config, xs, attention(p, "up_block.attn", config, xs, ln, triangle(len(ln))))


def strided(p: dict[str, Tensor], config: ModelConfig, xs: Vectors) -> Vectors:
    """All blocks of the Perceiver whose latents stand for stretches, of which the ended ones alone are there."""
    stretch = config.segment_size
    ends = list(range(stretch - 1, len(xs), stretch))
    turns, places = config.positions == "rotary", range(len(xs))
    basis = list(p["down_block.C"][0][: len(ends)])
    reads = Sight(
        lambda j: range(0 if config.reach == "past" else j * stretch, ends[j] + 1),
        ends if turns else None,
        places if turns else None,
    )
    ln = normed_by(p, "down_block.ln1", basis)
    latents = added(p, "down_block", config, basis, attention(p, "down_block.attn", config, ln, xs, reads))
    for number in range(config.n_layer - 2):
        latents = self_attending(p, f"blocks.{number}", config, latents)
    ln = normed_by(p, "up_block.ln1", xs)
    asked_at = [*places, *ends]
    consults = Sight(
        lambda t: [j for j, at in enumerate(asked_at) if at <= t and (j >= len(xs) or at // stretch == t // stretch)],
        places if turns else None,
        asked_at if turns else None,
    )
    read = attention(p, "up_block.attn", config, ln, [*ln, *normed_by(p, "up_block.ln1", latents)], consults)
    return added(p, "up_block", config, xs, read)


def reference(config: ModelConfig, weights: dict[str, Tensor], numbers: list[int]) -> Tensor:
    """The logits of one text."""
    p = {name: weight.double() for name, weight in weights.items()}
    xs = [p["tok_emb.weight"][number] for number in numbers]
    if "pos_emb" in p:
        xs = [x + p["pos_emb"][0, place] for place, x in enumerate(xs)]
    if config.prefix_table:
        xs = [x + p["memory.table.weight"][row] for x, row in zip(xs, word_rows(numbers), strict=True)]
    if config.variant == "vanilla":
        for number in range(config.n_layer):
            xs = self_attending(p, f"blocks.{number}", config, xs)
    elif config.latent_mask == "strided":
        xs = strided(p, config, xs)
    else:
        latents = down(p, config, xs)
        for number in range(config.n_layer - 2):
            latents = self_attending(p, f"blocks.{number}", config, latents)
        xs = up(p, config, xs, latents)
    return torch.stack([linear(p, "head", layer_norm(p, "ln_f", x)) for x in xs])


@pytest.mark.parametrize("name", [name for name, config in VARIANTS.items() if config.block_size == 17])
def test_the_forward_pass_is_the_reference(name: str):
    """In float32 the model agrees with an independent reference in float64 to a hundred-thousandth."""
    config = VARIANTS[name]
    model, idx = trained(config), characters(1, 11)
    with torch.no_grad():
        logits = model(idx)[0].double()
        expected = reference(config, model.state_dict(), idx[0].tolist())
    assert (logits - expected).abs().max() / expected.abs().max() < 1e-5
