import pytest
import torch

from closedbook.model.blocks import Block, DownProjectBlock, UpProjectBlock, feed_forward
from closedbook.model.config import ModelConfig

CONFIG = ModelConfig("perceiver", n_head=3, n_embd=21, block_size=17, bottleneck_dim=7)


def filled(block: torch.nn.Module, seed: int = 3) -> torch.nn.Module:
    """The block in evaluation mode, with random parameters, biases and LayerNorms included."""
    torch.manual_seed(seed)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block.eval()


def adding_nothing(block: torch.nn.Module) -> torch.nn.Module:
    """The block with output projections of zero, so that attention and feed-forward part add nothing."""
    for layer in (block.attn.proj, block.mlp[2]):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return block


@pytest.mark.parametrize(
    ("kind", "n_parameters"),
    # 12 C*C + 13 C: attention's four linear layers, the feed-forward part's two, two LayerNorms; the basis has M C.
    [(Block, 5565), (DownProjectBlock, 5565 + 7 * 21), (UpProjectBlock, 5565)],
)
def test_number_of_parameters(kind: type[torch.nn.Module], n_parameters: int):
    """By hand, for 21 channels and 7 latents."""
    assert sum(parameter.numel() for parameter in kind(CONFIG).parameters()) == n_parameters


def test_a_block_adds_to_its_input():
    """Both parts are residual: a block whose parts add nothing returns its input."""
    x = torch.randn(5, 11, 21)
    assert torch.equal(adding_nothing(filled(Block(CONFIG)))(x), x)


def test_down_projection_adds_to_the_basis():
    """If nothing is added, the latents of each row are the basis."""
    block = adding_nothing(filled(DownProjectBlock(CONFIG)))
    assert torch.equal(block(torch.randn(5, 11, 21)), block.C.expand(5, 7, 21))


def test_up_projection_adds_to_the_characters():
    """If nothing is added, the block returns the characters' vectors, whatever the latents."""
    x = torch.randn(5, 11, 21)
    assert torch.equal(adding_nothing(filled(UpProjectBlock(CONFIG)))(torch.randn(5, 7, 21), x), x)


def test_latent_i_reads_characters_0_to_i():
    """The assignment's mask: changing character j changes the latents from j on, and no others."""
    block = filled(DownProjectBlock(CONFIG))
    x = torch.randn(2, 11, 21)
    before = block(x)
    for t in range(11):
        changed = x.clone()
        changed[:, t] += 1
        after = block(changed)
        assert torch.equal(after[:, :t], before[:, :t])
        assert (after[:, t:] != before[:, t:]).any(dim=-1).all()


def test_character_i_reads_latents_0_to_i():
    """The assignment's mask: changing latent j changes the characters from j on."""
    block = filled(UpProjectBlock(CONFIG))
    y, x = torch.randn(2, 7, 21), torch.randn(2, 11, 21)
    before = block(y, x)
    for latent in range(7):
        changed = y.clone()
        changed[:, latent, 13] += 1  # one channel alone, since LayerNorm removes a shift of all
        after = block(changed, x)
        assert torch.equal(after[:, :latent], before[:, :latent])
        assert (after[:, latent:] != before[:, latent:]).any(dim=-1).all()


def test_the_feed_forward_part_is_two_linear_layers_with_gelu_between():
    """By hand, with one channel: GELU(2) + 3, the exact GELU and not its tanh approximation."""
    part = feed_forward(ModelConfig(n_head=1, n_embd=1)).eval()
    assert [tuple(p.shape) for p in part.parameters()] == [(4, 1), (4,), (1, 4), (1,)]
    for parameter, value in zip(part.parameters(), (1.0, 0.0, 0.25, 3.0), strict=True):
        torch.nn.init.constant_(parameter, value)
    assert part(torch.tensor([[2.0]])).item() == pytest.approx(1.9544997 + 3, rel=1e-6)
