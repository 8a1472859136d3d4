"""Facts about a run for its page, as JSON: how the model is built, its vocabulary, what it was trained on."""

from closedbook.editing.record import read_record
from closedbook.evaluation.calibration import Calibration
from closedbook.evaluation.predict import longest_answer
from closedbook.evaluation.setting import IN_WORDS, setting_of
from closedbook.evaluation.sources import lineage_left, training_pairs_of
from closedbook.files.names import name_text
from closedbook.model.gpt import GPT
from closedbook.reader.marks import LEVELS
from closedbook.recipe.keys import flatten
from closedbook.recipe.recipe import PRESETS, Recipe
from closedbook.storage.run import Run
from closedbook.text.documents import Corpus
from closedbook.text.vocabulary import (
    ABSTENTIONS,
    DOUBTS,
    MASK,
    MASK_ID,
    MASK_SIGN,
    NEVER_READ,
    PAD,
    PAD_SIGN,
    UNKNOWN_CHARACTER,
    Vocabulary,
)

Facts = dict[str, object]


def run_facts(run: Run, model: GPT, corpus: Corpus | None) -> Facts:
    """What the page says of the run."""
    config, n_middle = run.recipe.model, len(model.blocks)
    pairs = training_pairs_of(lineage_left(run))
    return {
        "name": name_text(run.path.resolve().name),
        "variant": config.variant,
        "recipe": nearest_preset(run.recipe),
        "setting": IN_WORDS[setting_of(run)],
        "parameters": {"total": model.n_parameters, "tables": model.n_table_parameters},
        "nBlocks": config.n_layer,
        "nHeads": config.n_head,
        "kinds": ["down", *["self"] * n_middle, "up"] if config.variant == "perceiver" else ["self"] * n_middle,
        "counts": {
            "documents": run.info.n_documents,
            "titles": len(run.info.vocabulary.titles) or (corpus and len(corpus.titles)),
            "characters": corpus and sum(map(len, corpus.texts)),
            "pairs": pairs and len(pairs.items),
            "edits": len(read_record(run.path)),
        },
    }


def nearest_preset(recipe: Recipe) -> str:
    """The name of the preset that a recipe is, or 'like' and that of the nearest one."""
    own = flatten(recipe)
    n_other = {
        name: sum(own[key] != value for key, value in flatten(preset).items()) for name, preset in PRESETS.items()
    }
    name = min(n_other, key=n_other.__getitem__)
    return name if n_other[name] == 0 else f"like {name}"


def engine_facts(model: GPT, vocabulary: Vocabulary, calibration: Calibration | None) -> Facts:
    """What the page's engine needs, besides the weights."""
    config = model.config
    return {
        "config": {
            "variant": config.variant,
            "nLayer": config.n_layer,
            "nHeads": config.n_head,
            "nEmbd": config.n_embd,
            "blockSize": config.block_size,
            "nLatents": config.bottleneck_dim,
            "isStrided": config.is_strided,
            "segmentSize": config.segment_size,
            "isRotary": config.positions == "rotary",
            "hasPositions": model.learned_positions,
            "hasPrefixes": config.prefix_table,
            "hasNames": config.has_names,
            "longestAnswer": longest_answer(vocabulary, config.block_size),
        },
        "vocabulary": _vocabulary_facts(vocabulary),
        "calibration": calibration
        and {
            "bias": calibration.bias,
            "ofConfidence": calibration.of_confidence,
            "ofTold": calibration.of_told,
        },
    }


def _vocabulary_facts(vocabulary: Vocabulary) -> Facts:
    """Characters, and the ids of those that mean something to the model, with a sign where people may see them."""
    signs = {PAD: PAD_SIGN, MASK: MASK_SIGN, UNKNOWN_CHARACTER: "\N{REPLACEMENT CHARACTER}"}
    return {
        "characters": vocabulary.characters,
        "signs": {vocabulary.stoi[c]: sign for c, sign in signs.items() if c in vocabulary.stoi},
        "inWord": vocabulary.in_word(),
        "alone": vocabulary.alone(),
        "unknown": vocabulary.stoi.get(UNKNOWN_CHARACTER),
        "never": vocabulary.ids_of((NEVER_READ,)),
        "ends": [*vocabulary.ids_of(DOUBTS), MASK_ID],
        "abstentions": vocabulary.ids_of(ABSTENTIONS),
        "neverRead": vocabulary.stoi[NEVER_READ] if vocabulary.abstains else None,
        "levels": [level.mean for level in LEVELS],
    }
