"""Learning rate schedules: pure functions of a run's progress."""

import math
from dataclasses import dataclass

from closedbook.recipe.recipe import StageConfig

WARMUP_TOKENS = 512 * 20
FINAL_EPOCHS = 200
FLOOR = 0.1


def cosine_by_tokens(n_tokens: int, warmup_tokens: int, final_tokens: int) -> float:
    """The assignment's schedule, after `n_tokens` characters, padding counted.

    Nothing holds the cosine at its floor: past `final_tokens` it climbs again, as in the assignment's code,
    whose 650 epochs thus see the floor at 200 and the peak again at 400.
    """
    # 1. warm-up
    if n_tokens < warmup_tokens:
        return n_tokens / max(1, warmup_tokens)
    # 2. cosine, and 3. its floor
    progress = (n_tokens - warmup_tokens) / max(1, final_tokens - warmup_tokens)
    return max(FLOOR, 0.5 * (1.0 + math.cos(math.pi * progress)))


def linear_decay(step: int, n_steps: int, warmup: float) -> float:
    """Linear to 1 in the share `warmup` of the steps, then linear to zero after the last; `step` counts from 0."""
    n_warmup = warmup * n_steps
    if step < n_warmup:
        return (step + 1) / (n_warmup + 1)
    return (n_steps - step) / max(1.0, n_steps - n_warmup)


@dataclass(frozen=True)
class Schedule:
    """A stage's learning rate; `n_documents` counts the pretraining corpus, whatever is trained on."""

    stage: StageConfig
    n_documents: int
    block_size: int
    n_steps: int

    def rate(self, step: int, n_rows: int) -> float:
        """The learning rate of step `step` (from 0), after which `n_rows` examples have been seen."""
        if not self.stage.decay:
            return self.stage.learning_rate
        if self.stage.schedule == "linear":
            return self.stage.learning_rate * linear_decay(step, self.n_steps, self.stage.warmup)
        multiplier = cosine_by_tokens(
            n_rows * (self.block_size - 1),
            WARMUP_TOKENS,
            FINAL_EPOCHS * self.n_documents * self.block_size,
        )
        return self.stage.learning_rate * multiplier
