from dataclasses import FrozenInstanceError, replace

import pytest

from closedbook.errors import RecipeError
from closedbook.model.config import ModelConfig


def test_the_defaults_are_the_assignments():
    """The default configuration is the assignment's vanilla model."""
    assert ModelConfig() == ModelConfig(
        variant="vanilla",
        n_layer=4,
        n_head=8,
        n_embd=256,
        block_size=128,
        bottleneck_dim=32,
        positions="learned",
        embd_pdrop=0.1,
        resid_pdrop=0.1,
        attn_pdrop=0.1,
    )


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("n_layer", 0, "1 or more"),
        ("n_head", 0, "1 or more"),
        ("n_embd", -8, "1 or more"),
        ("bottleneck_dim", 0, "1 or more"),
        ("block_size", 8, "9 at least"),
        ("n_head", 7, "n_head: must divide n_embd (256)"),
        ("embd_pdrop", 1.0, "0 or more and below 1"),
        ("resid_pdrop", -0.1, "0 or more and below 1"),
        ("attn_pdrop", 1.5, "0 or more and below 1"),
        ("attn_pdrop", float("nan"), "0 or more and below 1"),
    ],
)
def test_a_value_out_of_its_range_is_refused(option: str, value: float, rule: str):
    """The message names the option, the rule and the value received."""
    with pytest.raises(RecipeError) as raised:
        replace(ModelConfig(), **{option: value})
    assert str(raised.value).startswith("model.")
    assert option in str(raised.value)
    assert rule in str(raised.value)
    assert f"received {value}" in str(raised.value)


def test_rotary_needs_pairs_in_each_head():
    """A head of odd size has no pairs to rotate; with learned positions any size is allowed."""
    ModelConfig(n_embd=21, n_head=3)
    with pytest.raises(RecipeError, match=r"model.positions: .* even; received 7"):
        ModelConfig(n_embd=21, n_head=3, positions="rotary")


def test_the_perceiver_needs_two_blocks():
    """One block is enough for vanilla; the Perceiver needs one down and one up."""
    ModelConfig(n_layer=1)
    ModelConfig("perceiver", n_layer=2)
    with pytest.raises(RecipeError, match=r"model.n_layer: .* 2 at least.* received 1"):
        ModelConfig("perceiver", n_layer=1)


def test_a_configuration_is_immutable():
    """A field cannot be assigned after the checks have passed."""
    config = ModelConfig()
    with pytest.raises(FrozenInstanceError):
        config.n_layer = 3
