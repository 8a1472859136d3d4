"""The assignment's way to get and score answers: sampling from a model, and counting right predictions.

Letters: B batch, T time.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from closedbook.assignment.models import GPT
from closedbook.errors import InputError
from closedbook.evaluation.score import score
from closedbook.text.questions import read_questions


def evaluate_places(filepath: str | Path, predictions: Sequence[str]) -> tuple[float, float]:
    """The number of a file's questions and of right predictions; (0, 0) for a file without answers.

    Raises InputError where there are more or fewer predictions than questions.
    """
    questions = read_questions(Path(filepath))
    if any(item.answer is None for item in questions.items):
        return 0.0, 0.0
    answers = questions.answers()
    if len(answers) != len(predictions):
        raise InputError(f"{filepath}: has {len(answers)} questions, and there are {len(predictions)} predictions")
    return float(len(answers)), float(score(list(predictions), answers).n_correct)


@torch.no_grad()
def sample(
    model: GPT,
    x: Int64[Tensor, "B T"],
    steps: int,
    temperature: float = 1.0,
    sample: bool = False,
    top_k: int | None = None,
) -> Int64[Tensor, "B T2"]:
    """x with `steps` more characters: the likeliest ones, or with `sample` drawn from the `top_k` likeliest."""
    model.eval()
    for _ in range(steps):
        logits, _ = model(x[:, -model.get_block_size() :])
        logits = logits[:, -1] / temperature
        if top_k is not None:
            worst_kept = logits.topk(min(top_k, logits.size(-1))).values[:, -1:]
            logits = logits.masked_fill(logits < worst_kept, -torch.inf)
        probabilities = logits.softmax(dim=-1)
        chosen = torch.multinomial(probabilities, 1) if sample else probabilities.argmax(dim=-1, keepdim=True)
        x = torch.cat((x, chosen), dim=1)
    return x
