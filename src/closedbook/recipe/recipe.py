"""Recipe: every hyperparameter of a training run, as a tree of frozen dataclasses, and the presets. Imports no torch.

A field's docstring is its help on the command line and its comment in a saved recipe.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from closedbook.errors import InputError, RecipeError
from closedbook.examples.corruption import CorruptionConfig
from closedbook.model.config import ModelConfig

Precision = Literal["auto", "float32", "bfloat16"]
MAX_SEED = 2**63 - 1
STAGES = ("pretrain", "study", "finetune", "scratch")


@dataclass(frozen=True)
class StageConfig:
    """One stage of training: pretraining, self-study, finetuning after pretraining, or finetuning from scratch.

    Raises RecipeError where a value is out of its range.
    """

    epochs: int = 650
    """Passes over the data."""
    steps: int = 0
    """Number of steps; 0: as many as epochs needs."""
    batch_size: int = 128
    """Examples per step."""
    accumulate: int = 1
    """Micro-batches per step, of rows sorted by length; less memory and padding, and no change but dropout's draws."""
    learning_rate: float = 6e-3
    """Peak learning rate."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """adamw: for all weights; muon: Muon for the weight matrices inside the blocks, AdamW for the rest."""
    muon_ratio: float = 10.0
    """Muon: learning rate of these matrices, as a multiple of learning_rate."""
    table_optimizer: Literal["row_wise", "sparse_adam"] = "row_wise"
    """Tables: row_wise: RMSProp with one mean of squares per row; sparse_adam: Adam, for the rows that a step used."""
    table_ratio: float = 10.0
    """Tables: learning rate of their rows, as a multiple of learning_rate."""
    beta1: float = 0.9
    """AdamW: decay rate of the running mean of gradients."""
    beta2: float = 0.95
    """AdamW: decay rate of the running mean of squared gradients."""
    weight_decay: float = 0.1
    """AdamW: weight decay; never applied to biases."""
    # The assignment means to exempt them and does not: its optimizer looks for 'LayerNorm.weight', and its model calls
    # them ln1, ln2 and ln_f.
    decay_norms: bool = True
    """AdamW: apply weight decay to the LayerNorms' weights too, as the assignment's code does by mistake."""
    grad_norm_clip: float = 1.0
    """Largest norm of the gradient; a larger one is scaled down to it. inf disables clipping."""
    schedule: Literal["cosine_by_tokens", "linear"] = "cosine_by_tokens"
    """cosine_by_tokens: warm-up, then a cosine over tokens down to a tenth; linear: warm-up, then linear to zero."""
    decay: bool = True
    """Follow the schedule; false: keep the learning rate at its peak."""
    warmup: float = 0.0
    """Schedule linear: share of the steps in which the learning rate rises to its peak."""
    shuffle: bool = False
    """Shuffle the examples in each epoch; the assignment's loader does not."""
    sort_window: int = 1
    """Batches that are drawn together and sorted by length, to save padding; 1: no sorting."""
    mix_pairs: float = 0.0
    """Share of pairs among pairs and documents, where training mixes them."""
    mix_strangers: float = 0.0
    """Share of examples that are about people whom no document is about, where training mixes pairs and documents."""
    replay: float = 0.0
    """Finetuning: share of examples that are masked documents of the text that the parent run learned."""
    evaluate_every: int = 0
    """Epochs from one evaluation on the dev pairs or validation split to the next; 0: ten a run, or 1 with patience."""
    patience: int = 0
    """Stop after this many evaluations without a higher accuracy, and keep the best weights; 0: never stop."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "accumulate", "sort_window"):
            if getattr(self, name) < 1:
                raise RecipeError(f"{name}: 1 or more is needed; received {getattr(self, name)}")
        for name in ("learning_rate", "muon_ratio", "table_ratio", "grad_norm_clip"):
            if not getattr(self, name) > 0:
                raise RecipeError(f"{name}: more than 0 is needed; received {getattr(self, name)}")
        for name in ("beta1", "beta2", "warmup", "mix_pairs", "mix_strangers", "replay"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(f"{name}: 0 or more and below 1 is needed; received {getattr(self, name)}")
        for name in ("steps", "weight_decay", "evaluate_every", "patience"):
            if not getattr(self, name) >= 0:
                raise RecipeError(f"{name}: 0 or more is needed; received {getattr(self, name)}")
        # Not grad_norm_clip: inf disables clipping.
        for name in ("learning_rate", "muon_ratio", "table_ratio", "weight_decay"):
            if not math.isfinite(getattr(self, name)):
                raise RecipeError(f"{name}: a finite number is needed; received {getattr(self, name)}")


@dataclass(frozen=True)
class Recipe:
    """Every hyperparameter of a training run.

    Raises RecipeError where a value is out of its range.
    """

    seed: int = 0
    """Seed of weights, order, masks and dropout."""
    precision: Precision = "float32"
    """Arithmetic of matrix products; auto: bfloat16 if the processor has such products, else float32."""
    open_vocabulary: bool = False
    """Know the training pairs' characters too, and take any other as unknown, where it would be an error."""
    strip_accents: bool = False
    """Drop every character outside ASCII from the training pairs, as the assignment's code does."""
    validation_split: float = 0.0
    """Share of the training pairs, drawn by seed, that is evaluated instead of trained on, in place of dev pairs."""
    calibration_split: float = 0.0
    """Share of the other pairs that is held out to learn how probable an answer is to be right, if it is 20 or more."""
    sizing: Literal["fixed", "corpus"] = "fixed"
    """corpus: with 30,000 titles or more, choose a narrow model; fixed, also where n_embd or the like is given."""
    silver_confidence: float = 0.5
    """Self-study: leave out silver pairs to which the open-book reader gives a lower probability; not with doubt."""
    doubt: bool = False
    """Train the model to say after an answer how sure the open-book reader was of it."""
    on_divergence: Literal["stop", "rewind"] = "stop"
    """Where loss or gradient is infinite or NaN, stop; rewind: go back, and on with half the learning rate."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The model's shape."""
    corruption: CorruptionConfig = field(default_factory=CorruptionConfig)
    """How documents are masked: the pretraining objective."""
    pretrain: StageConfig = field(default_factory=StageConfig)
    """Pretraining."""
    study: StageConfig = field(default_factory=StageConfig)
    """Self-study: training on silver pairs and documents together."""
    finetune: StageConfig = field(default_factory=StageConfig)
    """Finetuning of a pretrained model."""
    scratch: StageConfig = field(default_factory=StageConfig)
    """Finetuning from scratch, without pretraining."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if not 0 <= self.silver_confidence <= 1:
            raise RecipeError(f"silver_confidence: from 0 to 1 is needed; received {self.silver_confidence}")
        for name in ("validation_split", "calibration_split"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(f"{name}: 0 or more and below 1 is needed; received {getattr(self, name)}")
        for name in ("pretrain", "study", "scratch"):
            if share := getattr(self, name).replay:
                rule = "only the finetuning of another run's model has a text to replay, so 0 is needed"
                raise RecipeError(f"{name}.replay: {rule}; received {share}")
        for name in ("finetune", "scratch"):
            if share := getattr(self, name).mix_strangers:
                rule = "only training on a text has strangers, so 0 is needed"
                raise RecipeError(f"{name}.mix_strangers: {rule}; received {share}")


def check_seed(seed: int) -> None:
    """Raise RecipeError unless every random generator takes the seed: torch's take 64 bits, NumPy's no negatives."""
    if not 0 <= seed <= MAX_SEED:
        raise RecipeError(f"seed: from 0 to {MAX_SEED} is needed; received {seed}")


def check_budget_minutes(minutes: float, name: str, example: str) -> None:
    """Raise InputError, for the option or argument `name`, unless a budget is a time to train for."""
    if not 0 < minutes < math.inf:
        raise InputError(f"{name}: a finite number above 0 is needed; received {minutes}; write it as in {example}")


_COURSE_FINETUNE = StageConfig(epochs=10, batch_size=256, learning_rate=6e-4)

COURSE = Recipe(
    strip_accents=True,
    # The assignment computes a batch at once; sorted micro-batches are twice as fast and give the same sum.
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
    open_vocabulary=True,
    calibration_split=0.2,
    sizing="corpus",
    doubt=True,
    model=ModelConfig(
        n_layer=1,
        n_head=4,
        n_embd=128,
        prefix_table=True,
        name_table=True,
        latent_mask="strided",
        random_segment_offset=True,
        embd_pdrop=0.0,
        resid_pdrop=0.0,
        attn_pdrop=0.0,
    ),
    corruption=CorruptionConfig(
        span=0.0, salient=0.15, guided=0.85, name_only=0.8, question_form=1.0, supervised="content"
    ),
    pretrain=replace(_FAST_STAGE, epochs=40, mix_pairs=0.2, mix_strangers=0.2),
    study=replace(_FAST_STAGE, epochs=4, mix_pairs=0.9, mix_strangers=0.2),
    finetune=replace(_FAST_STAGE, epochs=10, batch_size=64, learning_rate=4e-5, warmup=0.0, patience=3),
    scratch=replace(_FAST_STAGE, epochs=75, batch_size=64),
)
"""Ours: reader-guided masks in question form, pairs mixed in, tables of prefixes and names, a schedule to zero.

It learns to say that it read nothing about a name, and how sure the reader was of an answer.
"""

PLAIN = replace(
    FAST,
    calibration_split=0.0,
    sizing="fixed",
    doubt=False,
    model=replace(FAST.model, prefix_table=False, positions="rotary", n_layer=2, n_head=2),
    corruption=replace(FAST.corruption, name_only=0.95, question_form=0.1),
    pretrain=replace(FAST.pretrain, epochs=120, batch_size=64, learning_rate=1e-3, mix_strangers=0.0),
    study=replace(FAST.study, batch_size=64, learning_rate=1e-3, mix_strangers=0.0),
)
"""The best we have without tables: the transformer alone, about half a million parameters.

Two blocks of FAST's width take half the time of 192 channels and lose nothing; two heads are as good as four, and
faster. Chosen on people held out of the training pairs (docs/notebook.md, 2026-11-30, "A better plain transformer").
"""

PERCEIVER = replace(FAST, model=replace(FAST.model, variant="perceiver", n_layer=3))
"""FAST as a Perceiver: FAST's one block works on the latents, between a projection down and a projection up."""

PRESETS = {"course": COURSE, "fast": FAST, "plain": PLAIN, "perceiver": PERCEIVER}

RECIPE_CHOICES = f"{', '.join(PRESETS)}, or a TOML file"
"""What --recipe takes."""
