"""Split a file of pairs into training and validation pairs."""

from dataclasses import replace
from random import Random

from closedbook.errors import TextError
from closedbook.text.questions import Questions


def validation_split(pairs: Questions, share: float, seed: int) -> tuple[Questions, Questions | None]:
    """The training pairs and the validation pairs: a share of the questions, drawn by seed; None where the share is 0.

    All pairs of one question are on one side. The order of drawing depends on seed and question alone, so that a
    greater share draws the same questions and more. Raises TextError where either side would be empty.
    """
    if share == 0:
        return pairs, None
    questions = dict.fromkeys(item.text for item in pairs.items)
    n_drawn = round(share * len(questions))
    if not 0 < n_drawn < len(questions):
        raise TextError(
            pairs.path,
            None,
            f"validation_split {share} is {n_drawn} of its {len(questions)} questions, and training and validation "
            "need at least one each; choose another validation_split",
        )
    drawn = set(sorted(questions, key=lambda question: Random(f"{seed} {question}").random())[:n_drawn])
    training, validation = (
        replace(pairs, items=tuple(item for item in pairs.items if (item.text in drawn) == is_drawn))
        for is_drawn in (False, True)
    )
    return training, validation
