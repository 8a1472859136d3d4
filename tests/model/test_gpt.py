import math
from dataclasses import replace

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


def characters(*shape: int) -> Tensor:
    """Random characters."""
    return torch.randint(0, N_CHARACTERS, shape, generator=torch.Generator().manual_seed(5))


def words_of(texts: list[list[int]]) -> list[tuple[int, ...]]:
    """The words of texts."""
    spelled = [" ".join(str(token) if token in LETTERS else "|" for token in text) for text in texts]
    return [tuple(map(int, word.split())) for text in spelled for word in text.split("|") if word.strip()]


# The texts of the tests are the titles, so that names are found in them.
TITLES = characters(17, 101).tolist()
TRIE = PrefixTrie.of_words(
    [*WORDS, *words_of(TITLES)],
    [token in LETTERS for token in range(N_CHARACTERS)],
)
ROTARY_WITH_TABLE = replace(VANILLA, positions="rotary", prefix_table=True)

VARIANTS = {
    "vanilla": VANILLA,
    "vanilla, rotary": replace(VANILLA, positions="rotary"),
    "vanilla, fused": replace(VANILLA, block_size=101),
    "vanilla, rotary, fused": replace(VANILLA, block_size=101, positions="rotary"),
    "vanilla, prefix table": replace(VANILLA, prefix_table=True),
    "vanilla, rotary, prefix table": ROTARY_WITH_TABLE,
    "vanilla, rotary, prefix table, fused": replace(ROTARY_WITH_TABLE, block_size=101),
    "vanilla, names": replace(VANILLA, prefix_table=True, name_table=True),
    "vanilla, rotary, narrow names": replace(ROTARY_WITH_TABLE, name_table=True, name_width=5),
    "perceiver": PERCEIVER,
    "perceiver, prefix table": replace(PERCEIVER, prefix_table=True),
    "perceiver, rotary": replace(PERCEIVER, positions="rotary"),
    "perceiver, more latents than characters": replace(PERCEIVER, bottleneck_dim=23),
    "perceiver, two blocks": replace(PERCEIVER, n_layer=2),
    "perceiver, fused": replace(PERCEIVER, block_size=101, bottleneck_dim=97),
    "strided": STRIDED,
    "strided, rotary": replace(STRIDED, positions="rotary"),
    "strided, rotary, prefix table": replace(STRIDED, positions="rotary", prefix_table=True),
    "strided, names": replace(STRIDED, prefix_table=True, name_table=True),
    "strided, two blocks": replace(STRIDED, n_layer=2),
    "strided, longer segments": replace(STRIDED, segment_length=5),
    "strided, one latent per character": replace(STRIDED, bottleneck_dim=17),
    "strided, fused": replace(STRIDED, block_size=101, positions="rotary"),
}
every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS.keys())


def perturbed(config: ModelConfig) -> GPT:
    """A model in evaluation mode, each of whose parameters has moved away from its initial value, as by training."""
    torch.manual_seed(3)
    model = GPT(config, N_CHARACTERS, TRIE if config.prefix_table else None, TITLES)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter += 0.2 * torch.randn_like(parameter)
            if name == "prefix_table.table.weight":
                parameter[0] = 0  # no gradient ever reaches it
    return model.eval()


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
