"""Split a file of pairs into training, validation and calibration pairs."""

from dataclasses import dataclass, replace
from random import Random

from closedbook.errors import TextError
from closedbook.text.questions import Questions

MIN_CALIBRATION = 20
"""Fewer calibration pairs would teach nothing, so none are held out."""


@dataclass(frozen=True)
class Split:
    """The pairs of a file that are trained on, and those that are held out."""

    training: Questions
    validation: Questions | None
    calibration: Questions | None


def split_pairs(pairs: Questions, validation: float, calibration: float, seed: int) -> Split:
    """A share for validation, of the others a share for calibration, and what is left; raises as `validation_split`."""
    training, held_out = validation_split(pairs, validation, seed)
    n_questions = len({item.text for item in training.items})
    if round(calibration * n_questions) < MIN_CALIBRATION:
        return Split(training, held_out, None)
    training, for_calibration = validation_split(training, calibration, seed)
    return Split(training, held_out, for_calibration)


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
