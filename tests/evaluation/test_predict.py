import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from closedbook.evaluation.predict import Prediction, one_line, predict
from closedbook.examples.datasets import question_ids
from closedbook.model.config import ModelConfig, Variant
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import MASK, MASK_ID, Vocabulary

VOCABULARY = Vocabulary.of_text("Where was Ada Ut born?\nOslo\nRome")
QUESTIONS = ["Where was Ada born?", "Where was Ut born?"]
ANSWERS = ["Oslo", "Rome"]


def small_model(variant: Variant = "vanilla", vocabulary: Vocabulary = VOCABULARY) -> GPT:
    """An untrained model whose sizes are distinct primes: 3 layers, 5 heads of 7 channels, and so on."""
    torch.manual_seed(0)
    config = ModelConfig(variant=variant, n_layer=3, n_head=5, n_embd=35, block_size=61, bottleneck_dim=11)
    return GPT(config, len(vocabulary))


def parrot(character: str, logit: float) -> GPT:
    """A model that gives one character the same logit everywhere, and all others 0."""
    model = small_model()
    with torch.no_grad():
        model.ln_f.weight.zero_()
        model.ln_f.bias.fill_(1.0)
        model.head.weight.zero_()
        model.head.weight[VOCABULARY.stoi[character]] = logit / model.config.n_embd
    return model


@pytest.fixture(scope="module")
def learned() -> GPT:
    """A model that was taught the two answers."""
    model = small_model()
    for _ in range(60):
        for question, answer in zip(QUESTIONS, ANSWERS, strict=True):
            answer_ids = question_ids(answer, VOCABULARY)  # ends with MASK, as a question does
            ids = torch.tensor([question_ids(question, VOCABULARY) + answer_ids])
            n = len(answer_ids)
            model.zero_grad()
            cross_entropy(model(ids[:, :-1])[0, -n:], ids[0, -n:]).backward()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= 0.1 * parameter.grad
    return model


def test_a_learned_answer_is_given(learned: GPT):
    """A model that was taught two answers gives them, ended, in the order of the questions."""
    predictions = predict(learned, VOCABULARY, QUESTIONS[::-1] + QUESTIONS)
    assert [(p.question, p.answer, p.ended) for p in predictions] == [
        (QUESTIONS[1], "Rome", True),
        (QUESTIONS[0], "Oslo", True),
        (QUESTIONS[0], "Oslo", True),
        (QUESTIONS[1], "Rome", True),
    ]


def test_an_answer_does_not_depend_on_the_other_questions(learned: GPT):
    """Alone or among others, a question has the same answer and, up to rounding, the same confidence."""
    for together in predict(learned, VOCABULARY, [*QUESTIONS, "Where was Ada Ut born?"]):
        (alone,) = predict(learned, VOCABULARY, [together.question])
        assert alone.answer == together.answer
        assert alone.confidence == pytest.approx(together.confidence, rel=1e-4)


@pytest.mark.parametrize("variant", ["vanilla", "perceiver"])
def test_confidence_is_the_models_probability_of_the_answer_and_its_end(variant: Variant):
    """In one plain forward pass, the product of the probabilities of each character and of the final MASK."""
    letters = Vocabulary.of_text("abcdefghijklmnopq")
    model = small_model(variant, letters).eval()
    with torch.no_grad():
        model.head.weight.mul_(40)  # so that characters differ in probability
        (prediction,) = predict(model, letters, ["bad"])
        prompt = question_ids("bad", letters)
        written = letters.encode(prediction.answer) + [MASK_ID] * prediction.ended
        logits = model(torch.tensor([prompt + written]))[0, len(prompt) - 1 : -1]
    probability = logits.softmax(-1)[range(len(written)), written].double().prod().item()
    assert len(written) > 1
    assert prediction.confidence == pytest.approx(probability, rel=1e-4, abs=0)


def test_an_answer_that_never_ends_has_32_characters():
    """A model with one preferred letter writes it 32 times, each with probability e^2 / (e^2 + V - 1)."""
    (prediction,) = predict(parrot("o", 2.0), VOCABULARY, ["Where?"])
    share = math.exp(2) / (math.exp(2) + len(VOCABULARY) - 1)
    assert prediction == Prediction("Where?", "o" * 32, prediction.confidence, ended=False)
    assert prediction.confidence == pytest.approx(share**32, rel=1e-4, abs=0)


def test_no_answer_is_empty():
    """Where a MASK is likeliest at once, the likeliest other character begins the answer, with its own probability."""
    model = parrot(MASK, 3.0)
    with torch.no_grad():
        model.head.weight[VOCABULARY.stoi["o"]] = model.head.weight[MASK_ID] / 3
    (prediction,) = predict(model, VOCABULARY, ["Where?"])
    total = math.exp(3) + math.exp(1) + len(VOCABULARY) - 2
    assert prediction == Prediction("Where?", "o", prediction.confidence, ended=True)
    assert prediction.confidence == pytest.approx(math.exp(1) / total * math.exp(3) / total, rel=1e-5)


def test_line_feeds_never_reach_an_answer():
    """A model that writes only line feeds gives an empty answer, so that a file of answers keeps its lines."""
    (prediction,) = predict(parrot("\n", 2.0), VOCABULARY, ["Where?"])
    assert prediction.answer == ""
    assert not prediction.ended


def test_one_line_keeps_words_and_single_spaces():
    """Tabs, line feeds and runs of spaces become one space, and none is left at the ends."""
    assert one_line(" New\tYork \n\n City\r") == "New York City"


def test_no_questions_have_no_predictions():
    """An empty list of questions gives an empty list."""
    assert predict(small_model(), VOCABULARY, []) == []


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training: bool):
    """Predicting turns dropout off only for itself: a model in training mode stays in training mode."""
    model = small_model().train(training)
    predict(model, VOCABULARY, ["Where?"])
    assert model.training is training


def test_dropout_does_not_touch_answers():
    """A model in training mode answers without dropout, so the same question twice has one answer."""
    model = small_model().train()
    assert predict(model, VOCABULARY, QUESTIONS) == predict(model, VOCABULARY, QUESTIONS)
