"""The setting that a run was trained in: what it knew about answers before it was asked."""

from typing import Literal

from closedbook.errors import InputError
from closedbook.evaluation.sources import lineage
from closedbook.recipe.settings import SETTINGS, Setting
from closedbook.storage.run import Run

RunSetting = Setting | Literal["no text", "unknown"]

IN_WORDS: dict[RunSetting, str] = {
    "self-study": "self-study: trained on the open-book reader's answers to questions about everyone in the text, "
    "these questions too where the reader was sure enough",
    "guided": "guided: the open-book reader chose the masked spans; only questions of training pairs were asked",
    "asking": "asking: names and numbers were masked; the model itself, which had learned the training pairs, chose an "
    "answer about everyone in the text, and was trained on these too where it was sure enough",
    "unguided": "unguided: names and numbers were masked, and nothing knew which of them is the answer",
    "assignment": "assignment: random spans were masked",
    "no text": "no text: trained on question and answer pairs alone",
    "unknown": "unknown, since the run that this one began from is gone",
}


def setting_of(run: Run) -> RunSetting:
    """The setting of the run that knew most, among a run and the runs that it began from."""
    try:
        runs = lineage(run)
    except InputError:
        return "unknown"
    settings = {_own_setting(one) for one in runs}
    return next((setting for setting in SETTINGS if setting in settings), "no text")


def _own_setting(run: Run) -> RunSetting:
    """The setting of a run without those that it began from."""
    if run.info.kind == "study":
        return "self-study"
    if run.info.kind == "edit":
        return "no text"
    is_masked = run.info.kind == "pretrain" or (run.info.parent is not None and run.recipe.finetune.replay > 0)
    if not is_masked:
        return "no text"
    corruption = run.recipe.corruption
    if corruption.guided and "pairs" in run.info.sources:
        return "guided"
    if corruption.nameless and "pairs" in run.info.sources:
        return "asking"
    # Without pairs there is no reader, and the guided objective masks names and numbers.
    return "unguided" if corruption.guided or corruption.salient else "assignment"
