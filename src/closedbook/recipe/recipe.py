"""Recipe: every number of a training run, as one tree of frozen dataclasses. Imports no torch.

Each field's docstring is its help. `COURSE` is the assignment's recipe to the letter, `FAST` is ours.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from closedbook.errors import RecipeError
from closedbook.examples.corruption import CorruptionConfig
from closedbook.model.config import ModelConfig

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class StageConfig:
    """One stage of training: pretraining, finetuning after it, or finetuning from scratch.

    Raises RecipeError where a number is out of its range.
    """

    epochs: int = 650
    """Passes over the data."""
    steps: int = 0
    """So many steps in place of epochs; 0: the epochs count."""
    batch_size: int = 128
    """Examples a step."""
    accumulate: int = 1
    """Parts, of rows of like lengths, that a step's batch is computed in, one after the other, to save memory and
    padding; changes no result but by dropout's draws."""
    learning_rate: float = 6e-3
    """Peak learning rate."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """adamw: for everything; muon: Muon for the maps inside the blocks, AdamW for the rest."""
    muon_ratio: float = 10.0
    """Muon: the maps' learning rate over that of the rest."""
    table_ratio: float = 10.0
    """Word memory: its rows' learning rate over that of the rest."""
    beta1: float = 0.9
    """AdamW: decay of the mean of gradients."""
    beta2: float = 0.95
    """AdamW: decay of the mean of squared gradients."""
    weight_decay: float = 0.1
    """AdamW: decay of weights; biases are left alone."""
    decay_norms: bool = True
    """AdamW: whether the LayerNorms' weights decay as well. The assignment means to leave them alone and does not: its
    optimizer looks for 'LayerNorm.weight', and its model calls them ln1, ln2 and ln_f."""
    grad_norm_clip: float = 1.0
    """The gradient's norm is scaled down to this."""
    schedule: Literal["cosine_by_tokens", "linear"] = "cosine_by_tokens"
    """cosine_by_tokens: warm-up, then a cosine over tokens with a floor of a tenth; linear: warm-up, then linear decay
    to zero at the end."""
    decay: bool = True
    """Whether the learning rate follows the schedule; false keeps it at its peak."""
    warmup: float = 0.0
    """Schedule linear: the share of all steps in which the rate climbs to its peak."""
    shuffle: bool = False
    """Whether each epoch has an order of its own; the assignment's loader never shuffles."""
    sort_window: int = 1
    """So many batches are drawn at once and sorted by length, so that little is padded; 1 sorts nothing."""
    mix_pairs: float = 0.0
    """The share of examples that are pairs, where pairs and documents are learnt together."""
    replay: float = 0.0
    """Finetuning: the share of examples that are masked documents of the text that the parent learnt."""
    evaluate_every: int = 1
    """Epochs between two looks at the accuracy on the dev pairs, or on those held out."""
    patience: int = 0
    """Stop once accuracy on these has not risen for so many looks, and keep the best; 0 never stops."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "sort_window", "evaluate_every"):
            if getattr(self, name) < 1:
                raise RecipeError(f"{name}: 1 or more is needed; received {getattr(self, name)}")
        for name in ("learning_rate", "muon_ratio", "table_ratio", "grad_norm_clip"):
            if not getattr(self, name) > 0:
                raise RecipeError(f"{name}: more than 0 is needed; received {getattr(self, name)}")
        for name in ("beta1", "beta2", "warmup", "mix_pairs", "replay"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(f"{name}: from 0 up to but not 1 is needed; received {getattr(self, name)}")
        for name in ("steps", "weight_decay", "patience"):
            if not getattr(self, name) >= 0:
                raise RecipeError(f"{name}: 0 or more is needed; received {getattr(self, name)}")
        # An infinite grad_norm_clip is well: nothing is clipped then.
        for name in ("learning_rate", "muon_ratio", "table_ratio", "weight_decay"):
            if not math.isfinite(getattr(self, name)):
                raise RecipeError(f"{name}: a finite number is needed; received {getattr(self, name)}")


@dataclass(frozen=True)
class Recipe:
    """Every number of a training run.

    Raises RecipeError where a number is out of its range.
    """

    seed: int = 0
    """Seed of weights, order, masks and dropout."""
    precision: Precision = "float32"
    """Arithmetic of the matrix products; auto times both on this machine and takes the faster."""
    strip_accents: bool = False
    """Drop every character outside ASCII from the training pairs, as the assignment's code does."""
    validation_split: float = 0.0
    """The share of the training pairs, drawn by seed, that is not learnt but looked at, in place of dev pairs."""
    silver_confidence: float = 0.5
    """Self-study: silver pairs that the open-book reader gives a smaller probability are left out."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The model's shape."""
    corruption: CorruptionConfig = field(default_factory=CorruptionConfig)
    """The pretraining objective."""
    pretrain: StageConfig = field(default_factory=StageConfig)
    """Pretraining."""
    study: StageConfig = field(default_factory=StageConfig)
    """Self-study: silver pairs and documents learnt together."""
    finetune: StageConfig = field(default_factory=StageConfig)
    """Finetuning of a pretrained model."""
    scratch: StageConfig = field(default_factory=StageConfig)
    """Finetuning from scratch, without pretraining."""

    def __post_init__(self) -> None:
        if not 0 <= self.silver_confidence <= 1:
            raise RecipeError(f"silver_confidence: from 0 to 1 is needed; received {self.silver_confidence}")
        if not 0 <= self.validation_split < 1:
            raise RecipeError(f"validation_split: from 0 up to but not 1 is needed; received {self.validation_split}")
        for name in ("pretrain", "study", "scratch"):
            if share := getattr(self, name).replay:
                rule = "finetuning of a run's model alone has a text to replay, and 0 is needed"
                raise RecipeError(f"{name}.replay: {rule}; received {share}")


_COURSE_FINETUNE = StageConfig(epochs=10, batch_size=256, learning_rate=6e-4)

COURSE = Recipe(
    strip_accents=True,
    # The assignment computes a batch as one; in parts of like lengths it is twice as fast and the same sum.
    pretrain=StageConfig(accumulate=8),
    finetune=_COURSE_FINETUNE,
    scratch=replace(_COURSE_FINETUNE, epochs=75),
)
"""The assignment's recipe, to the letter."""

_FAST_STAGE = StageConfig(
    learning_rate=2e-3,
    decay_norms=False,
    table_ratio=15.0,
    optimizer="muon",
    schedule="linear",
    warmup=0.02,
    shuffle=True,
    sort_window=16,
)

FAST = Recipe(
    precision="auto",
    model=ModelConfig(
        n_layer=1,
        n_head=4,
        n_embd=128,
        prefix_table=True,
        latent_mask="strided",
        random_segment_offset=True,
        embd_pdrop=0.0,
        resid_pdrop=0.0,
        attn_pdrop=0.0,
    ),
    corruption=CorruptionConfig(span=0.0, salient=0.15, guided=0.85, name_only=0.8, supervised="content"),
    pretrain=replace(_FAST_STAGE, epochs=40, mix_pairs=0.2),
    study=replace(_FAST_STAGE, epochs=4, mix_pairs=0.9),
    finetune=replace(_FAST_STAGE, epochs=10, batch_size=64, learning_rate=4e-5, warmup=0.0, patience=3),
    scratch=replace(_FAST_STAGE, epochs=75, batch_size=64),
)
"""Ours: masks that look like answers, training pairs mixed in, a memory for words, a schedule that ends."""

PERCEIVER = replace(FAST, model=replace(FAST.model, variant="perceiver", n_layer=3))
"""The same with a Perceiver: its first and last block only carry between characters and latents, so it has one more."""

PRESETS = {"course": COURSE, "fast": FAST, "perceiver": PERCEIVER}
