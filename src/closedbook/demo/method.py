"""The demo in words: who is asked about, what each model was trained on, and by whom it was helped."""

from collections.abc import Iterator, Sequence

from closedbook.demo.plan import DemoPlan
from closedbook.demo.results import Arm
from closedbook.examples.corruption import CorruptionConfig
from closedbook.recipe.recipe import Recipe
from closedbook.text.validation import MIN_CALIBRATION


def people(plan: DemoPlan, n_held_out: int, n_unknown: int) -> str:
    """Who lives in the world, and who is asked about."""
    return (
        f"{plan.world.n_people} invented people and {plan.world.n_places} places. The models are asked about "
        f"{n_held_out} held-out people, whom the book mentions and training never asks about, in the wording of "
        f"training and in wordings never trained on; and about {n_unknown} unknown people, of whom nobody wrote a line."
    )


def method(plan: DemoPlan, arms: Sequence[Arm], setting: str) -> Iterator[str]:
    """How the models were trained, one paragraph after the other; `setting` says what training knew, in words."""
    recipe, longer = plan.recipe, plan.recipe_of("perceiver").pretrain.epochs
    written = "the masked part and nothing else" if recipe.corruption.supervised == "content" else "every character"
    epochs = f"{recipe.pretrain.epochs} epochs (the Perceiver: {longer})"
    yield (
        f"Pretraining, {epochs}: the model reads the lines of the book with a part masked, character by character, and "
        f"learns to write {written}. {_masks(recipe.corruption)} {_mixed(recipe)}"
    )
    yield f"The setting is {setting}."
    yield (
        f"Finetuning: the training pairs alone, at most {recipe.finetune.epochs} epochs; pairs of dev people decide "
        "when it stops. Without pretraining, a model learns the training pairs alone, for "
        f"{recipe.scratch.epochs} epochs. It knows nothing of the book but its characters, words and names. "
        "Then the book is closed, and the models are asked."
    )
    yield " ".join((*_sizes(arms), *_tables(recipe)))


def _sizes(arms: Sequence[Arm]) -> Iterator[str]:
    for arm in arms:
        if arm.pretrained:
            name = arm.label.partition(",")[0]
            tables = f", of these {arm.n_table_parameters:,} in tables" if arm.n_table_parameters else ""
            yield f"{name[0].upper()}{name[1:]}: {arm.n_parameters:,} parameters{tables}."


def _tables(recipe: Recipe) -> Iterator[str]:
    """What the rows of the tables stand for."""
    if recipe.model.prefix_table:
        names = " and one for each name of several words that a line begins with" if recipe.model.name_table else ""
        yield f"The tables have one vector for each distinct word prefix in the book{names}."


def _mixed(recipe: Recipe) -> str:
    """What is trained on besides the masked lines, and what is held out."""
    stage = recipe.pretrain
    # Strangers come on top of pairs and documents.
    pairs = stage.mix_pairs * (1 - stage.mix_strangers)
    parts = [f"{pairs:.0%} of the examples are training pairs: questions about other people, with their answers."]
    if stage.mix_strangers:
        parts.append(
            f"{stage.mix_strangers:.0%} are about names made up from those in the book, with one answer: nothing was "
            "read about them."
        )
    if recipe.calibration_split:
        parts.append(
            f"{recipe.calibration_split:.0%} of the training pairs are held out, if that is {MIN_CALIBRATION} or more: "
            "from the answers to them is learned how probable an answer is to be right."
        )
    return " ".join(parts)


def _masks(corruption: CorruptionConfig) -> str:
    """Who chooses what is masked, and what else of a line the model sees."""
    total = corruption.guided + corruption.salient + corruption.span
    kinds = {
        "an open-book reader, which has learned from the training pairs what an answer looks like, chooses that "
        "part": corruption.guided,
        "it is a random name or number": corruption.salient,
        "it is a random span": corruption.span,
    }
    shares = "; ".join(f"in {weight / total:.0%} of the draws {kind}" for kind, weight in kinds.items() if weight)
    if corruption.span == total:
        return f"{shares[0].upper()}{shares[1:]}."
    question = ""
    if corruption.guided and corruption.question_form:
        question = (
            f"; {corruption.question_form:.0%} of these, where the reader chose the part, are in the form of a "
            "question, with the name among words of another line"
        )
    return (
        f"{shares[0].upper()}{shares[1:]}. In {corruption.name_only:.0%} of all draws the model sees nothing else of "
        f"the line than the person's name{question}."
    )
