"""The assignment's GPTConfig and TrainerConfig: every name counts, and an unknown one is an error."""

from dataclasses import fields, replace

import pytest

from closedbook.assignment.api import GPTConfig, TrainerConfig
from closedbook.errors import InputError
from closedbook.model.config import ModelConfig
from closedbook.recipe.recipe import COURSE

OTHER_VALUES = {
    "variant": "perceiver",
    "n_layer": 3,
    "n_head": 5,
    "n_embd": 70,
    "block_size": 61,
    "bottleneck_dim": 13,
    "latent_mask": "strided",
    "segment_length": 7,
    "random_segment_offset": True,
    "positions": "rotary",
    "prefix_table": True,
    "name_table": True,
    "name_width": 3,
    "embd_pdrop": 0.2,
    "resid_pdrop": 0.3,
    "attn_pdrop": 0.4,
}
"""For every field of ModelConfig a value that is not its default."""


def test_every_field_of_a_model_config_is_honoured():
    """Whether a field is given by name, set later or declared in a subclass, the model has it."""
    assert OTHER_VALUES.keys() == {field.name for field in fields(ModelConfig)}
    expected = ModelConfig(**OTHER_VALUES)  # type: ignore[arg-type]
    assert not any(getattr(expected, field.name) == field.default for field in fields(ModelConfig))
    own = {name: value for name, value in OTHER_VALUES.items() if name != "block_size"}
    assert GPTConfig(67, 61, **own).model_config() == expected
    mconf = GPTConfig(67, 61)
    assert mconf.model_config() == replace(COURSE.model, block_size=61)
    for name, value in own.items():
        setattr(mconf, name, value)
    assert mconf.model_config() == expected
    del own["variant"]
    wide = type("WideConfig", (GPTConfig,), {**own, "perceiver": True})
    assert wide(67, 61).model_config() == expected


def test_perceiver_and_variant_say_the_same():
    """The assignment's name and ModelConfig's."""
    assert GPTConfig(67, 61, perceiver=True).variant == "perceiver"
    assert GPTConfig(67, 61, variant="perceiver").perceiver
    assert GPTConfig(67, 61).variant == "vanilla"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("n_layers", "did you mean 'n_layer'?"),
        ("atn_pdrop", "did you mean 'attn_pdrop'?"),
        ("vocab_siz", "did you mean 'vocab_size'?"),
        ("model_config", "it has attn_pdrop, "),
        ("_private", "it has attn_pdrop, block_size, bottleneck_dim, "),
        ("synthesizer", "it has attn_pdrop, block_size, bottleneck_dim, "),
    ],
)
def test_a_model_config_refuses_a_name_that_it_does_not_have(name: str, hint: str):
    """By keyword and later: it names the likeliest field, or all of them, instead of ignoring the value."""
    with pytest.raises(InputError) as caught:
        GPTConfig(67, 61, **{name: 3})
    assert str(caught.value).startswith(f"GPTConfig: has no {name!r}; {hint}")
    mconf = GPTConfig(67, 61)
    with pytest.raises(InputError, match=f"GPTConfig: has no {name!r}; "):
        setattr(mconf, name, 3)
    assert mconf.model_config() == replace(COURSE.model, block_size=61)


def test_a_model_config_refuses_a_word_that_it_does_not_know():
    """A misspelt value of a field that takes one of a few words is not taken for the default."""
    with pytest.raises(InputError) as caught:
        GPTConfig(67, 61, latent_mask="stridde")
    assert str(caught.value) == (
        "GPTConfig: latent_mask: one of 'triangular', 'strided' is needed; received 'stridde'; did you mean 'strided'?"
    )
    with pytest.raises(InputError, match="variant: one of 'vanilla', 'perceiver' is needed; received 'gpt'"):
        GPTConfig(67, 61, variant="gpt")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("max_epoch", "did you mean 'max_epochs'?"), ("lr", "it has batch_size, betas, "), ("rate", "did you mean")],
)
def test_a_trainer_config_refuses_a_name_that_it_does_not_have(name: str, hint: str):
    """By keyword and later, so that no misspelt number is replaced by the default in silence."""
    with pytest.raises(InputError) as caught:
        TrainerConfig(**{name: 3})
    assert str(caught.value).startswith(f"TrainerConfig: has no {name!r}; {hint}")
    tconf = TrainerConfig()
    with pytest.raises(InputError, match=f"TrainerConfig: has no {name!r}; "):
        setattr(tconf, name, 3)


def test_a_trainer_config_has_the_names_that_the_assignment_uses():
    """All at once, as minGPT's; a subclass may have other defaults and names of its own."""
    writer = TrainerConfig()  # any object
    values = {
        "max_epochs": 3,
        "batch_size": 5,
        "learning_rate": 7e-3,
        "betas": (0.8, 0.9),
        "grad_norm_clip": 2.0,
        "weight_decay": 0.2,
        "lr_decay": True,
        "warmup_tokens": 11,
        "final_tokens": 13,
        "ckpt_path": "ckpt",
        "num_workers": 0,
        "writer": writer,
    }
    tconf = TrainerConfig(**values)
    assert {name: getattr(tconf, name) for name in values} == values
    short = type("ShortConfig", (TrainerConfig,), {"max_epochs": 2, "note": ""})
    assert (short().max_epochs, short(note="mine").note) == (2, "mine")
