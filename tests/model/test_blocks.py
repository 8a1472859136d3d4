import pytest
import torch

from closedbook.model.blocks import Block, DownProjectBlock, SquaredReLU, UpProjectBlock, feed_forward
from closedbook.model.config import ModelConfig

CONFIG = ModelConfig("perceiver", n_head=3, n_embd=21, block_size=17, bottleneck_dim=7)


def filled(block: torch.nn.Module, seed: int = 3) -> torch.nn.Module:
    """The block in evaluation, with numbers everywhere, zeros nowhere."""
    torch.manual_seed(seed)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block.eval()


def without_additions(block: torch.nn.Module) -> torch.nn.Module:
    """The block, whose attention and feed-forward part add nothing."""
    for map_ in (block.attn.proj, block.mlp[2]):
        torch.nn.init.zeros_(map_.weight)
        torch.nn.init.zeros_(map_.bias)
    return block


@pytest.mark.parametrize(
    ("kind", "n_parameters"),
    # 12 C*C + 13 C: attention's four maps, the feed-forward part's two, two LayerNorms; the basis has M C.
    [(Block, 5565), (DownProjectBlock, 5565 + 7 * 21), (UpProjectBlock, 5565)],
)
def test_a_block_has_so_many_parameters(kind: type[torch.nn.Module], n_parameters: int):
    """By hand, for 21 channels and 7 latents."""
    assert sum(parameter.numel() for parameter in kind(CONFIG).parameters()) == n_parameters


def test_a_block_adds_to_its_input():
    """What attention and the feed-forward part give is added: where they give nothing, the input is left."""
    x = torch.randn(5, 11, 21)
    assert torch.equal(without_additions(filled(Block(CONFIG)))(x), x)


def test_down_projection_adds_to_the_basis():
    """Where nothing is added, each row's latents are the basis."""
    block = without_additions(filled(DownProjectBlock(CONFIG)))
    assert torch.equal(block(torch.randn(5, 11, 21)), block.C.expand(5, 7, 21))


def test_up_projection_adds_to_the_characters():
    """Where nothing is added, the characters are left, whatever the latents."""
    x = torch.randn(5, 11, 21)
    assert torch.equal(without_additions(filled(UpProjectBlock(CONFIG)))(torch.randn(5, 7, 21), x), x)


def test_latent_i_reads_characters_0_to_i():
    """The assignment's mask: changing character j changes the latents from j on, and so none behind the seventh."""
    block = filled(DownProjectBlock(CONFIG))
    x = torch.randn(2, 11, 21)
    before = block(x)
    for place in range(11):
        changed = x.clone()
        changed[:, place] += 1
        after = block(changed)
        assert torch.equal(after[:, :place], before[:, :place])
        assert (after[:, place:] != before[:, place:]).any(dim=-1).all()


def test_character_i_reads_latents_0_to_i():
    """The assignment's mask: changing latent j changes the characters from j on."""
    block = filled(UpProjectBlock(CONFIG))
    y, x = torch.randn(2, 7, 21), torch.randn(2, 11, 21)
    before = block(y, x)
    for latent in range(7):
        changed = y.clone()
        changed[:, latent, 13] += 1  # not all channels by the same: the LayerNorm would take it away
        after = block(changed, x)
        assert torch.equal(after[:, :latent], before[:, :latent])
        assert (after[:, latent:] != before[:, latent:]).any(dim=-1).all()


def test_the_squared_relu():
    """max(x, 0) squared, entry by entry."""
    assert SquaredReLU()(torch.tensor([-3.0, -0.5, 0.0, 0.5, 3.0])).tolist() == [0.0, 0.0, 0.0, 0.25, 9.0]


@pytest.mark.parametrize(("activation", "at_two"), [("gelu", 1.9544997), ("relu2", 4.0)])
def test_the_feed_forward_part_has_its_activation(activation: str, at_two: float):
    """Two maps with the nonlinearity that the configuration names between them."""
    part = feed_forward(ModelConfig(n_head=1, n_embd=1, activation=activation)).eval()
    assert [tuple(p.shape) for p in part.parameters()] == [(4, 1), (4,), (1, 4), (1,)]
    for parameter, value in zip(part.parameters(), (1.0, 0.0, 0.25, 3.0), strict=True):
        torch.nn.init.constant_(parameter, value)
    assert part(torch.tensor([[2.0]])).item() == pytest.approx(at_two + 3, rel=1e-6)
