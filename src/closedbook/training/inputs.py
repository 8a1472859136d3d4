"""Inputs: the vocabulary, the training pairs and the validation pairs of a run, read and checked together."""

from dataclasses import replace
from pathlib import Path

from closedbook.errors import InputError
from closedbook.evaluation.sources import fitting, split_of
from closedbook.forms.corpus import read_asked_pairs
from closedbook.recipe.recipe import Recipe
from closedbook.recipe.sizing import LARGEST_BLOCK, MANY_TITLES, sized
from closedbook.storage.run import Source
from closedbook.text.check import Twofold
from closedbook.text.documents import Corpus
from closedbook.text.notes import Detail
from closedbook.text.questions import Questions, check_questions, n_needed, without_accents
from closedbook.text.spelling import Spelling, spelled
from closedbook.text.templates import link_templates
from closedbook.text.validation import Split
from closedbook.text.vocabulary import Vocabulary
from closedbook.text.wordings import wordings_of

_MIN_PAIRS = 30
"""Pairs for each wording of a question, at least, of which some are held out: the reader needs what is left."""


def sized_to(corpus: Corpus, pairs: Questions | None, recipe: Recipe) -> tuple[Recipe, list[str]]:
    """The recipe with the sizes that its `sizing` chooses for a corpus and pairs, and notes to show the user."""
    # Counting titles takes seconds where there may be many, and nothing is decided where there are few.
    has_many = recipe.sizing == "corpus" and len(corpus.texts) >= MANY_TITLES
    needed = [n_needed(item) for item in pairs.items] if pairs else []
    # Longer pairs are left out: one of them must not make a large model for all.
    longest_pair = max((n for n in needed if n <= LARGEST_BLOCK), default=0)
    return sized(recipe, len(corpus.titles) if has_many else 0, longest_pair)


def vocabulary_of(corpus: Corpus, recipe: Recipe, pairs: Questions | None) -> Vocabulary:
    """The characters of a corpus and, in an open vocabulary, of the pairs; words and titles for a model's tables."""
    vocabulary = corpus.vocabulary
    if recipe.open_vocabulary:
        vocabulary = vocabulary.with_characters(*(f"{p.text}{p.answer}" for p in (pairs.items if pairs else ())))
    if recipe.model.prefix_table:
        vocabulary = vocabulary.with_words(*corpus.lines.pieces())
    if recipe.model.has_names:
        vocabulary = vocabulary.with_titles(corpus.titles)
        # Without titles a run cannot tell a question's words from a name.
        vocabulary = replace(vocabulary, wordings=wordings_of(pairs.items if pairs else (), corpus.titles))
    if recipe.doubt or recipe.pretrain.mix_strangers or recipe.study.mix_strangers:
        vocabulary = vocabulary.with_abstentions()
    return vocabulary


def calibrated_if_many(given: Questions, corpus: Corpus, recipe: Recipe) -> tuple[Recipe, list[str]]:
    """The recipe without a calibration split where pairs are few for each wording of a question, and a note on it."""
    if split_of(given, recipe).calibration is None:
        return recipe, []
    n_wordings = len(link_templates(given.items, corpus.titles).templates)
    if len(given.items) >= _MIN_PAIRS * n_wordings:
        return recipe, []
    few = f"{len(given.items)} pairs for {n_wordings} wordings are few"
    note = f"{given.path}: {few}, so that none is held out for calibration ({_MIN_PAIRS} for each are enough)"
    return replace(recipe, calibration_split=0.0), [note]


def split_and_checked(given: Questions, recipe: Recipe, vocabulary: Vocabulary) -> tuple[Split, list[str]]:
    """Pairs, split as the recipe says, and notes to show the user; raises TextError.

    The training pairs are as the recipe spells them, and checked.
    """
    path = given.path
    split = split_of(given, recipe)
    pairs, notes = split.training, list(given.notes)
    notes += [*Twofold.of(given).lines(), *too_long(given, fitting(given, recipe), recipe.model.block_size)]
    for name, held_out in (("validation", split.validation), ("calibration", split.calibration)):
        if held_out is not None:
            n, of = len(held_out.items), len(given.items)
            notes.append(Detail(f"{path}: {n} of {of} pairs are the {name} split, which is not trained on"))
    if recipe.strip_accents:
        pairs, n_changed = without_accents(pairs)
        if n_changed:
            notes.append(
                f"{path}: {n_changed} of {len(pairs.items)} pairs lose characters outside ASCII, as in the "
                "assignment's code (strip_accents)"
            )
    # The text that a model learns is known to it, an open vocabulary's too.
    check_questions(pairs, vocabulary, recipe.model.block_size, may_be_unknown=False)
    return replace(split, training=pairs), notes


def too_long(given: Questions, kept: Questions, block_size: int) -> list[str]:
    """A note on the pairs that are left out because they do not fit the model."""
    fit = {item.line for item in kept.items}
    long = [item for item in given.items if item.line not in fit]
    if not long:
        return []
    which = f"line {long[0].line}" + (f" and {len(long) - 1} more pairs" if len(long) > 1 else "")
    needed = f"the longest needs {max(map(n_needed, long))} characters with its masks"
    return [f"{given.path}: {which} left out: {needed}, and the model reads {block_size} (model.block_size)"]


def validation_pairs(
    dev_path: Path | None, split: Questions | None, recipe: Recipe, vocabulary: Vocabulary
) -> Questions | None:
    """The dev pairs, or the validation split of the training pairs; None where there is neither. Raises InputError."""
    if dev_path is not None and split is not None:
        raise InputError(
            f"{dev_path}: validation_split {recipe.validation_split} takes the validation pairs from the training "
            "pairs, so --dev cannot be given too; leave out one (`closedbook evaluate RUN PAIRS` asks dev pairs "
            "afterwards)"
        )
    return checked(split if dev_path is None else read_asked_pairs(dev_path), recipe, vocabulary)


def checked(pairs: Questions | None, recipe: Recipe, vocabulary: Vocabulary) -> Questions | None:
    """The pairs as the model spells them, if there are any; raises TextError where one does not fit the model."""
    if pairs is None:
        return None
    pairs, _ = spelled(pairs, Spelling(vocabulary, is_reworded=False))
    check_questions(pairs, vocabulary, recipe.model.block_size)
    return pairs


def sources_of(**paths: Path | None) -> dict[str, Source]:
    """The files of a run by name, as they are now; raises TextError where one cannot be read."""
    return {name: Source.of(path) for name, path in paths.items() if path is not None}
