"""Which values of a recipe change nothing, because of what its other values are. Imports no torch."""

from collections.abc import Iterator

from closedbook.model.config import ModelConfig
from closedbook.recipe.recipe import STAGES, Recipe, StageConfig


def unused_by_model(model: ModelConfig) -> frozenset[str]:
    """The keys of a model's values that it does not use, as in 'model.bottleneck_dim' of a vanilla one."""
    return frozenset(f"model.{name}" for name in _of_model(model))


def unused(recipe: Recipe) -> frozenset[str]:
    """The keys of values that change nothing in a recipe, whatever it trains."""
    of_stages = [f"{stage}.{name}" for stage in STAGES for name in _of_stage(getattr(recipe, stage), recipe.model)]
    of_stages += [f"{stage}.replay" for stage in STAGES if stage != "finetune"]
    of_stages += [f"{stage}.mix_{what}" for stage in ("finetune", "scratch") for what in ("pairs", "strangers")]
    of_doubt = ("silver_confidence",) if recipe.doubt else ()
    return unused_by_model(recipe.model).union(of_stages, of_doubt)


def _of_model(model: ModelConfig) -> Iterator[str]:
    if model.variant == "vanilla":
        yield from ("bottleneck_dim", "latent_mask")
    if not model.is_strided:
        yield from ("segment_length", "random_segment_offset")
    if not model.prefix_table:
        yield "name_table"
    if not model.has_names:
        yield "name_width"


def _of_stage(stage: StageConfig, model: ModelConfig) -> Iterator[str]:
    if stage.steps:
        yield "epochs"
    if stage.optimizer == "adamw":
        yield "muon_ratio"
    if not model.prefix_table:
        yield from ("table_optimizer", "table_ratio")
    if not stage.decay:
        yield "schedule"
    if not (stage.decay and stage.schedule == "linear"):
        yield "warmup"
    if not stage.weight_decay:
        yield "decay_norms"
