"""The demo in words: who is asked about, what each model was trained on, and by whom it was helped."""

from collections.abc import Iterator

from closedbook.demo.plan import DemoPlan
from closedbook.examples.corruption import CorruptionConfig
from closedbook.recipe.recipe import StageConfig
from closedbook.text.validation import MIN_CALIBRATION


def people(plan: DemoPlan, n_held_out: int, n_unknown: int) -> str:
    """Who lives in the world, and who is asked about."""
    return (
        f"{plan.world.n_people} invented people and {plan.world.n_places} places. The models are asked about "
        f"{n_held_out} held-out people, whom the book mentions and training never asks about, in the wording of "
        f"training and in wordings never trained on; and about {n_unknown} unknown people, of whom nobody wrote a line."
    )


def method(plan: DemoPlan, n_parameters: int, n_table_parameters: int) -> Iterator[str]:
    """How the models were trained, one paragraph after the other; the counts are of the vanilla model."""
    recipe, share_of_pairs = plan.recipe, _share_of_pairs(plan.recipe.pretrain)
    yield (
        "Pretraining: the model reads the lines of the book with a part masked, character by character, and learns to "
        f"write the masked part and nothing else. {_masks(recipe.corruption)} {share_of_pairs:.0%} of "
        "the examples are training pairs: questions about other people, with their answers. "
        f"{recipe.pretrain.mix_strangers:.0%} are about names made up from those in the book, with one answer: nothing "
        f"was read about them. {recipe.calibration_split:.0%} of the training pairs are held out, if that is "
        f"{MIN_CALIBRATION} or more: from the answers to them is learned how probable an answer is to be right."
    )
    yield (
        "So the setting is guided: the open-book reader found which words of a line are a birthplace. The model "
        "memorized which person goes with which place, and learned to say so when it is asked."
    )
    yield (
        f"Finetuning: the training pairs alone, at most {recipe.finetune.epochs} epochs; pairs of dev people decide "
        "when it stops. Without pretraining, a model learns the training pairs alone, for "
        f"{recipe.scratch.epochs} epochs. It knows nothing of the book but its characters, words and names, and "
        "can only guess about anybody else. Then the book is closed, and the models are asked."
    )
    yield (
        f"The vanilla model has {n_parameters:,} parameters: {n_table_parameters:,} in two tables, one vector for each "
        f"distinct word prefix in the book and one for each name of several words that a line begins with, and "
        f"{n_parameters - n_table_parameters:,} in the transformer."
    )


def _share_of_pairs(stage: StageConfig) -> float:
    """The share of all examples that are training pairs; strangers come on top of pairs and documents."""
    return stage.mix_pairs * (1 - stage.mix_strangers)


def _masks(corruption: CorruptionConfig) -> str:
    """Who chooses what is masked, and what else of a line the model sees."""
    total = corruption.guided + corruption.salient + corruption.span
    return (
        f"In {corruption.guided / total:.0%} of the draws an open-book reader chooses that part; from the training "
        "pairs it has learned what an answer looks like. In the others the part is a random name or number. In "
        f"{corruption.name_only:.0%} of all draws the model sees nothing else of the line than the person's name; "
        f"{corruption.question_form:.0%} of these, where the reader chose the part, are in the form of a question, "
        "with the name among words of another line."
    )
