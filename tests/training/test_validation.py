"""What a run is evaluated on while it trains."""

import math
from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric

from closedbook.examples.batches import Batches
from closedbook.examples.corruption import CorruptionConfig
from closedbook.examples.datasets import CharCorruptionDataset
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.recipe.recipe import StageConfig
from closedbook.text.questions import Question, Questions
from closedbook.text.vocabulary import Vocabulary
from closedbook.training import validation
from closedbook.training.trainer import Trainer
from closedbook.training.validation import Validation

NAMES = [f"{letter}a Bell" for letter in "ABCDEFG"]
TEXTS = [f"{name}. {name} was born in {place}." for name, place in zip(NAMES, "PQRSTUV", strict=True)]
PAIRS = Questions(
    None, tuple(Question(f"where was {name} born?", place, 1) for name, place in zip(NAMES[:3], "PQR", strict=True))
)
VOCABULARY = Vocabulary.of_text("\n".join(TEXTS) + "where?")
MODEL = ModelConfig(n_layer=2, n_head=3, n_embd=42, block_size=61)
GUIDED = CorruptionConfig(span=0.0, guided=1.0, name_only=0.0, supervised="content")


def text(seed: int = 0) -> CharCorruptionDataset:
    """All documents, whose last letter but one is the answer."""
    tagged = {i: ((len(document) - 2, len(document) - 1),) for i, document in enumerate(TEXTS)}
    return CharCorruptionDataset(TEXTS, VOCABULARY, 61, GUIDED, seed, tagged)


def trainer() -> Trainer:
    """A model that gives every character the same probability, before its first step."""
    torch.manual_seed(3)
    model = GPT(MODEL, len(VOCABULARY))
    torch.nn.init.zeros_(model.head.weight)
    batches = Batches(text(), 3, shuffle=True, seed=0)
    return Trainer(Fabric(accelerator="cpu", devices=1), model, batches, StageConfig(epochs=9), n_documents=7, seed=0)


def test_losses_are_nats_per_supervised_character():
    """With equal probabilities every character costs ln V, in pairs and in masked text alike."""
    evaluated = Validation(PAIRS, VOCABULARY, 61, text()).evaluate(trainer(), epoch=5)
    assert evaluated.epoch == 5
    assert evaluated.seen_text_loss == pytest.approx(math.log(len(VOCABULARY)), rel=1e-6)
    assert evaluated.validation_pairs_loss == pytest.approx(math.log(len(VOCABULARY)), rel=1e-6)
    assert (evaluated.score.n_correct, evaluated.score.n_questions) == (0, 3)


def test_where_no_text_is_trained_on_there_is_no_loss_of_it():
    """Finetuning on pairs alone has the loss of pairs; so has a text that is about nobody in the pairs."""
    strangers = replace(PAIRS, items=(Question("who?", "P", 1),))
    for one in (Validation(PAIRS, VOCABULARY, 61, None), Validation(strangers, VOCABULARY, 61, text())):
        evaluated = one.evaluate(trainer(), 0)
        assert evaluated.seen_text_loss is None
        assert evaluated.validation_pairs_loss > 0


def test_figures_of_different_epochs_compare():
    """Masks are drawn once: what does not learn has the same loss at each evaluation, and what learns has another."""
    one, own = trainer(), text()
    evaluate = Validation(PAIRS, VOCABULARY, 61, own)
    first = evaluate.evaluate(one, 0)
    own.epoch = 7
    assert evaluate.evaluate(one, 0) == first
    steps = one.run()
    next(steps)
    later = evaluate.evaluate(one, 1)
    assert later.seen_text_loss != first.seen_text_loss
    assert later.validation_pairs_loss != first.validation_pairs_loss


def test_the_masks_are_none_of_trainings():
    """Only documents about the people who are asked about, in draws that no epoch of training makes."""
    own = CharCorruptionDataset(TEXTS, VOCABULARY, 61, CorruptionConfig(), seed=2)
    evaluated = [tuple(x.tolist()) for x, _ in validation._masked_documents(PAIRS, own)]
    trained = set()
    for own.epoch in range(5):
        trained |= {tuple(own[i][0].tolist()) for i in range(3)}
    assert len(evaluated) == 3
    assert not trained & set(evaluated)
    own.epoch = -1
    assert evaluated == [tuple(own[i][0].tolist()) for i in range(3)]


def test_no_more_documents_are_evaluated_than_the_cap(monkeypatch: pytest.MonkeyPatch):
    """The first ones in the order of the pairs, so that evaluating stays cheap however large the dev file is."""
    monkeypatch.setattr(validation, "MAX_DOCUMENTS", 2)
    last_first = replace(PAIRS, items=PAIRS.items[::-1])
    found = validation._masked_documents(last_first, text())
    own = text()
    own.epoch = -1
    assert [x.tolist() for x, _ in found] == [own[2][0].tolist(), own[1][0].tolist()]


def test_evaluating_draws_nothing_from_training():
    """Torch's generator, the dataset's epoch and the weights are as before, and the next step trains again."""
    one, own = trainer(), text()
    own.epoch = 4
    torch.manual_seed(11)
    before, weights = torch.get_rng_state(), {name: value.clone() for name, value in one.model.state_dict().items()}
    Validation(PAIRS, VOCABULARY, 61, own).evaluate(one, 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert own.epoch == 4
    assert all(torch.equal(value, weights[name]) for name, value in one.model.state_dict().items())
    assert all(parameter.grad is None for parameter in one.model.parameters())
    next(one.run())
    assert one.model.training
