import pytest
import torch

from closedbook.analysis.trace.hooks import changed, on_latents, parts, recorded, without
from closedbook.model.gpt import GPT

IDX = torch.tensor([[7, 11, 2, 31, 5, 2, 17, 1, 23, 29, 3, 2, 13]])


def test_the_stream_is_the_sum_of_the_recorded_outputs(models: dict[str, GPT]):
    """Outputs, and the position embeddings where they are learned, add up to the head's input."""
    for name, model in models.items():
        with torch.no_grad(), recorded(parts(model)) as calls:
            hidden = model.hidden(IDX)
        stream = sum(calls[part].output for part in parts(model) if not on_latents(model, part))
        if model.learned_positions:
            stream = stream + model.pos_emb[:, : IDX.size(1)]
        torch.testing.assert_close(stream, hidden, rtol=1e-12, atol=1e-12, msg=name)


def test_the_parts_of_each_variant(models: dict[str, GPT]):
    """Tables where there are any, blocks numbered from 1, and a Perceiver's projections; latents below the last."""
    block_parts = ["attention 1", "feed-forward 1", "attention 2", "feed-forward 2"]
    assert list(parts(models["plain"])) == ["characters", *block_parts]
    strided = models["strided"]
    first = ["characters", "prefix table", "name table", "attention down", "feed-forward down"]
    assert list(parts(strided))[:5] == first
    latent = [part for part in parts(strided) if on_latents(strided, part)]
    assert latent == ["attention down", "feed-forward down", "attention 1", "feed-forward 1"]
    assert not any(on_latents(models["tables"], part) for part in parts(models["tables"]))


def test_a_change_that_keeps_the_output_changes_no_bit(model: GPT):
    """Hooks on every part that return what they get leave the logits as they are."""
    with torch.no_grad():
        before = model(IDX)
        for module in parts(model).values():
            with changed(module, torch.clone):
                assert torch.equal(model(IDX), before)


def test_no_hook_stays_behind(model: GPT):
    """Hooks are removed when the context ends, by an error too."""
    before = model(IDX)

    def read_and_fail() -> None:
        with recorded(parts(model)), changed(model.tok_emb, torch.zeros_like), without(model, list(parts(model))):
            model(IDX)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_and_fail()
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.equal(model(IDX), before)
