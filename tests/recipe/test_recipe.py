from dataclasses import FrozenInstanceError, asdict, fields, replace
from typing import Any

import pytest

from closedbook.errors import RecipeError
from closedbook.examples.corruption import CorruptionConfig
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import COURSE, FAST, MAX_SEED, PRESETS, Recipe, StageConfig


def test_course_is_the_assignment():
    """The course preset has the values that the assignment fixes."""
    model = {
        "variant": "vanilla",
        "n_layer": 4,
        "n_head": 8,
        "n_embd": 256,
        "block_size": 128,
        "bottleneck_dim": 32,
        "positions": "learned",
        "embd_pdrop": 0.1,
        "resid_pdrop": 0.1,
        "attn_pdrop": 0.1,
        "prefix_table": False,
        "latent_mask": "triangular",
    }
    assert asdict(COURSE.model).items() >= model.items()
    assert asdict(COURSE.corruption) == asdict(CorruptionConfig(span=1.0))
    assert (COURSE.corruption.guided, COURSE.corruption.supervised) == (0.0, "all")
    assert COURSE.precision == "float32"
    assert COURSE.strip_accents
    assert COURSE.validation_split == 0


@pytest.mark.parametrize(
    ("stage", "epochs", "batch_size", "learning_rate"),
    [("pretrain", 650, 128, 6e-3), ("finetune", 10, 256, 6e-4), ("scratch", 75, 256, 6e-4)],
)
def test_course_stages_are_the_assignments(stage: str, epochs: int, batch_size: int, learning_rate: float):
    """Each stage of the course preset has the assignment's epochs, batch, learning rate and AdamW."""
    config = asdict(getattr(COURSE, stage))
    assert (
        config.items()
        >= {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "beta1": 0.9,
            "beta2": 0.95,
            "weight_decay": 0.1,
            "decay_norms": True,
            "grad_norm_clip": 1.0,
            "schedule": "cosine_by_tokens",
            "decay": True,
            "shuffle": False,
            "sort_window": 1,
            "steps": 0,
            "mix_pairs": 0.0,
            "replay": 0.0,
            "patience": 0,
        }.items()
    )


def test_the_perceiver_preset_is_fast_as_a_perceiver():
    """It differs from fast in the model alone: the variant, strided, with a block down and a block up."""
    perceiver = PRESETS["perceiver"]
    assert replace(perceiver, model=FAST.model) == FAST
    assert replace(perceiver.model, variant="vanilla", n_layer=1) == FAST.model
    assert perceiver.model.is_strided


def test_the_plain_preset_is_a_transformer_without_the_prefix_table():
    """Half a million parameters without a table; batches, rate, epochs and context are its own, and no strangers."""
    plain = PRESETS["plain"]
    assert not plain.model.prefix_table
    assert 450_000 < GPT(plain.model, 256).n_parameters < 500_000
    assert replace(plain.corruption, name_only=0.8, question_form=1.0) == FAST.corruption
    for stage in ("pretrain", "study"):
        fast, own = getattr(FAST, stage), getattr(plain, stage)
        same = replace(own, epochs=fast.epochs, batch_size=128, learning_rate=fast.learning_rate, mix_strangers=0.2)
        assert same == fast
    assert (plain.doubt, plain.calibration_split) == (False, 0.0)


def test_a_recipe_has_the_assignments_model_and_pretraining_by_default():
    """A field that nobody set has the assignment's value; only the number of micro-batches differs from course."""
    assert (Recipe().model, Recipe().corruption, Recipe().pretrain) == (
        COURSE.model,
        COURSE.corruption,
        replace(COURSE.pretrain, accumulate=1),
    )


def test_fast_is_what_its_docstring_promises():
    """The fast preset has reader-guided masks, mixes pairs in, and ends its schedule at zero."""
    assert FAST.corruption.guided > 0
    assert FAST.pretrain.mix_pairs > 0
    assert FAST.model.prefix_table
    assert {FAST.pretrain.schedule, FAST.study.schedule, FAST.finetune.schedule, FAST.scratch.schedule} == {"linear"}
    assert {"course": COURSE, "fast": FAST}.items() < PRESETS.items()


@pytest.mark.parametrize(
    ("kind", "name", "value", "rule"),
    [
        (StageConfig, "epochs", 0, "1 or more is needed; received 0"),
        (StageConfig, "batch_size", 0, "1 or more is needed; received 0"),
        (StageConfig, "accumulate", -3, "1 or more is needed; received -3"),
        (StageConfig, "learning_rate", 0.0, "more than 0 is needed; received 0.0"),
        (StageConfig, "learning_rate", float("nan"), "more than 0 is needed; received nan"),
        (StageConfig, "grad_norm_clip", -1.0, "more than 0 is needed; received -1.0"),
        (StageConfig, "beta1", 1.0, "0 or more and below 1 is needed; received 1.0"),
        (StageConfig, "beta2", -0.1, "0 or more and below 1 is needed; received -0.1"),
        (StageConfig, "warmup", 1.0, "0 or more and below 1 is needed; received 1.0"),
        (StageConfig, "mix_pairs", 1.5, "0 or more and below 1 is needed; received 1.5"),
        (StageConfig, "replay", 1.0, "0 or more and below 1 is needed; received 1.0"),
        (Recipe, "seed", -1, f"from 0 to {MAX_SEED} is needed; received -1"),
        (Recipe, "seed", MAX_SEED + 1, f"from 0 to {MAX_SEED} is needed; received {MAX_SEED + 1}"),
        (Recipe, "validation_split", 1.0, "0 or more and below 1 is needed; received 1.0"),
        (Recipe, "validation_split", float("nan"), "0 or more and below 1 is needed; received nan"),
        (StageConfig, "weight_decay", -0.1, "0 or more is needed; received -0.1"),
        (StageConfig, "steps", -1, "0 or more is needed; received -1"),
        (StageConfig, "sort_window", 0, "1 or more is needed; received 0"),
        (StageConfig, "table_ratio", 0.0, "more than 0 is needed; received 0.0"),
        (StageConfig, "patience", -1, "0 or more is needed; received -1"),
        (ModelConfig, "n_layer", 0, "1 or more is needed; received 0"),
        (ModelConfig, "bottleneck_dim", 0, "1 or more is needed; received 0"),
        (ModelConfig, "embd_pdrop", 1.0, "0 or more and below 1 is needed; received 1.0"),
        (ModelConfig, "n_head", 7, "must divide n_embd (256); received 7"),
        (ModelConfig, "block_size", 8, "9 at least, for a masked string to fit; received 8"),
    ],
)
def test_a_value_out_of_its_range_is_refused(kind: type, name: str, value: Any, rule: str):
    """RecipeError names the field, the rule and the value."""
    with pytest.raises(RecipeError) as caught:
        kind(**{name: value})
    assert str(caught.value).removeprefix("model.") == f"{name}: {rule}"


@pytest.mark.parametrize("stage", ["pretrain", "study", "scratch"])
def test_only_finetuning_of_a_pretrained_model_replays(stage: str):
    """A share of replay is refused in stages whose model has learned no text before."""
    assert Recipe(finetune=StageConfig(replay=0.5)).finetune.replay == 0.5
    with pytest.raises(RecipeError, match=rf"^{stage}.replay: .*so 0 is needed; received 0\.5$"):
        Recipe(**{stage: StageConfig(replay=0.5)})


@pytest.mark.parametrize(
    ("shape", "field"),
    [
        ({"positions": "rotary", "n_embd": 21, "n_head": 7}, "model.positions"),
        ({"variant": "perceiver", "n_layer": 1}, "model.n_layer"),
    ],
)
def test_a_shape_that_a_variant_cannot_have_is_refused(shape: dict[str, Any], field: str):
    """Rotary positions need an even head size; the Perceiver needs a block down and a block up."""
    with pytest.raises(RecipeError, match=f"^{field}: "):
        ModelConfig(**shape)


@pytest.mark.parametrize(("span", "salient"), [(0.0, 0.0), (1.0, -0.5)])
def test_corruption_needs_a_weight_above_zero_and_none_below(span: float, salient: float):
    """Weights that are all zero, or one that is negative, raise RecipeError with the weights."""
    with pytest.raises(RecipeError, match=rf"^corruption: .* received \[{span}, {salient}, 0.0\]$"):
        CorruptionConfig(span=span, salient=salient)


def test_the_largest_seed_is_a_seed():
    """Both ends of the range of seeds are accepted."""
    assert [Recipe(seed=seed).seed for seed in (0, MAX_SEED)] == [0, 2**63 - 1]


def test_a_recipe_is_immutable():
    """Assigning to a field of a recipe raises; a changed recipe is a new one."""
    for config in (COURSE, *(getattr(COURSE, name) for name in ("model", "corruption", "pretrain"))):
        with pytest.raises(FrozenInstanceError):
            setattr(config, fields(config)[0].name, None)


@pytest.mark.parametrize("stage", ["finetune", "scratch"])
def test_only_training_on_a_text_has_strangers(stage: str):
    """A share of strangers is refused where no text is trained on, in which they have no title."""
    with pytest.raises(RecipeError, match=rf"^{stage}.mix_strangers: .*so 0 is needed; received 0\.5$"):
        Recipe(**{stage: StageConfig(mix_strangers=0.5)})
