"""A model knows nothing about withheld people, whom no document mentions."""

import math
from dataclasses import replace
from pathlib import Path

from closedbook.evaluation.predict import predict
from closedbook.evaluation.score import Score, commonest, score
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import FAST
from closedbook.storage.run import open_run
from closedbook.text.questions import read_pairs
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.checkpointing import Saving
from closedbook.training.stages import pretrain
from closedbook.world.world import WorldConfig, write_world


def test_withheld_people_are_answered_no_better_than_by_the_commonest_answer(tmp_path: Path) -> None:
    """A model that has learned the training pairs does no better than guessing on withheld people."""
    config = WorldConfig(
        n_people=150, n_places=4, documents=2, attributes=("birthplace",), train=0.3, dev=0.05, test=0.15, withheld=0.5
    )
    world = write_world(config, tmp_path / "world")
    recipe = replace(
        FAST,
        precision="float32",
        model=replace(FAST.model, n_layer=2, n_head=2, n_embd=48, block_size=96),
        pretrain=replace(FAST.pretrain, epochs=80, batch_size=32, learning_rate=4e-3),
    )
    for _ in pretrain(world.corpus, recipe, Saving(tmp_path / "run"), pairs_path=world.train):
        pass
    run = open_run(tmp_path / "run")
    model, vocabulary = run.model(), run.info.vocabulary

    assert _score(model, vocabulary, world.train).accuracy > 0.8

    withheld = _score(model, vocabulary, world.withheld)
    answers = read_pairs(world.withheld).answers()
    guessing = answers.count(commonest(answers)) / len(answers)
    # Three standard deviations: a model that guesses passes 99.9 times in 100, one that knows half of them never.
    assert withheld.accuracy <= guessing + 3 * math.sqrt(guessing * (1 - guessing) / len(answers))


def _score(model: GPT, vocabulary: Vocabulary, path: Path) -> Score:
    pairs = read_pairs(path)
    predictions = predict(model, vocabulary, [item.text for item in pairs.items])
    return score([prediction.answer for prediction in predictions], pairs.answers())
