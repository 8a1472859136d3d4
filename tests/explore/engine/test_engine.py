"""The engine in Chromium: every logit, answer, state and probability is PyTorch's."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch

from closedbook.evaluation.alternatives import alternatives
from closedbook.evaluation.calibration import Calibration
from closedbook.evaluation.predict import Prediction, predict
from closedbook.explore.weights import CODINGS, Coding
from closedbook.model.config import ModelConfig
from closedbook.model.gpt import GPT
from closedbook.storage.run import make_model
from closedbook.text.vocabulary import DOUBTS, NEVER_READ, UNKNOWN_CHARACTER, Vocabulary, with_signs

TEXT = "Mele Vader was born in Ulm .\nAnn-Sofie O'Neil Mele was born in Rom, 1887 !\n東京 Mele Vader 京?"
TITLES = ["Mele Vader", "Ann-Sofie O'Neil Mele", "東京", "Bo"]
VOCABULARY = Vocabulary.of_text(TEXT).with_characters("Where was ?").with_words(TEXT).with_titles(TITLES)
ABSTAINING = VOCABULARY.with_abstentions()
VANILLA = ModelConfig(n_layer=2, n_head=3, n_embd=42, block_size=47)
STRIDED = replace(VANILLA, n_layer=3, variant="perceiver", latent_mask="strided", bottleneck_dim=11)
TABLES = {"prefix_table": True, "name_table": True}
CONFIGS = {
    "learned positions": VANILLA,
    "rotary": replace(VANILLA, positions="rotary"),
    "tables": replace(VANILLA, n_layer=1, **TABLES),
    "narrow names, rotary": replace(VANILLA, positions="rotary", name_width=5, **TABLES),
    "assignment's Perceiver": replace(VANILLA, n_layer=3, variant="perceiver", bottleneck_dim=7),
    "strided Perceiver": replace(STRIDED, positions="rotary", **TABLES),
    "strided Perceiver, learned positions": replace(STRIDED, segment_length=7),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
QUESTIONS = [
    "Where was Mele Vader born?",
    "Where was Ann-Sofie O'Neil Mele born?",
    "Was 東京Mele?",
    "Mele Vaderx Жł Mele Vader, Mele",  # unknown characters, and a prefix that is not in the table
    "?",
    "Where was Mele Vader Mele Vader Mele Vader ?"[:45],  # the longest that can be asked
]
WITHIN = 3e-5
"""How far a logit may differ, of logits up to about 10."""


def random_model(config: ModelConfig, vocabulary: Vocabulary = VOCABULARY) -> GPT:
    """A model of random weights whose logits differ much; some rows of its tables are zeros."""
    torch.manual_seed(3)
    model = make_model(config, vocabulary).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight += 0.2 * torch.randn_like(weight)
            if "table" in name and "projection" not in name:
                weight[::3] = 0
        model.head.weight *= 2
    return model


def logits_of(model: GPT, text: str, vocabulary: Vocabulary = VOCABULARY) -> torch.Tensor:
    """PyTorch's logits at every position."""
    with torch.no_grad():
        return model(torch.tensor([vocabulary.encode(text)]))[0]


ANSWERS = """(model, book, questions) => questions.map((question) => {
    const { letters, questionSteps, ...answer } = answerTo(model, question);
    return { ...answer, letters: letters.map(({ text, p }) => ({ text, p })) };
})"""
LOGITS = """(model, book, [text, switches]) => {
    const state = model.begin(switches);
    return Array.from(model.idsOf(text), (id) => Array.from(state.feed(id).logits));
}"""


def same(logits: Any, expected: torch.Tensor) -> None:
    """The page's logits are PyTorch's."""
    torch.testing.assert_close(torch.tensor(logits), expected, atol=WITHIN, rtol=0)


@every_config
def test_logits_are_pytorchs(config: ModelConfig, send: Callable[..., Any]) -> None:
    """After each character of short and long texts, with characters that nobody knows too."""
    model = random_model(config)
    sent = send(model, VOCABULARY)
    model.load_state_dict(sent.weights)
    for text in QUESTIONS:
        same(sent.call(LOGITS, [text, {}]), logits_of(model, text))


@every_config
def test_switches_are_the_same_change_in_pytorch(config: ModelConfig, send: Callable[..., Any]) -> None:
    """Tables off are tables of zeros; a head off puts out zeros; beta multiplies every score."""
    model = random_model(config)
    sent = send(model, VOCABULARY)
    model.load_state_dict(sent.weights)
    off = ["0.1", f"{config.n_layer - 1}.2"]
    changed = deepcopy(model)
    size = config.n_embd // config.n_head
    with torch.no_grad():
        for number, block in enumerate(blocks_of(changed)):
            block.attn.query.weight *= 0.7
            block.attn.query.bias *= 0.7
            for head in range(config.n_head):
                if f"{number}.{head}" in off:
                    block.attn.proj.weight[:, head * size : (head + 1) * size] = 0
        for name, weight in changed.named_parameters():
            if name.endswith("table.weight"):
                weight.zero_()
    switches = {"tables": False, "beta": 0.7, "off": off}
    for text in QUESTIONS[:4]:
        same(sent.call(LOGITS, [text, switches]), logits_of(changed, text))


def blocks_of(model: GPT) -> list[Any]:
    """The blocks from the input on."""
    is_perceiver = model.config.variant == "perceiver"
    return [model.down_block, *model.blocks, model.up_block] if is_perceiver else [*model.blocks]


@every_config
def test_answers_states_and_probabilities_are_pytorchs(config: ModelConfig, send: Callable[..., Any]) -> None:
    """Greedy answers, cut off or ended by any stop token, with the state and the calibrated probability."""
    model = random_model(config, ABSTAINING)
    with torch.no_grad():  # so that answers end, by every stop token, and some are about somebody never read
        model.head.weight[ABSTAINING.ids_of([NEVER_READ, *DOUBTS])] *= 2
    calibration = Calibration(-0.3, 0.6, 0.2, ())
    sent = send(model, ABSTAINING, calibration)
    model.load_state_dict(sent.weights)
    questions = random_questions(31)
    answers = sent.call(ANSWERS, questions)
    for answer, expected in zip(answers, predict(model, ABSTAINING, questions), strict=True):
        assert (answer["asked"], answer["error"]) == (expected.question, None)
        assert facts(answer) == pytest.approx(facts_of(expected, calibration), abs=1e-5)
        assert answer["text"] == shown(expected.answer)
        assert (answer["state"], answer["ended"]) == (expected.state, expected.ended)
        assert math.prod(letter["p"] for letter in answer["letters"]) == pytest.approx(expected.confidence, rel=1e-4)


def random_questions(n: int) -> list[str]:
    """Questions of characters that need no other spelling."""
    random = Random(5)
    letters = "MeleVadrwshoni ?,"
    drawn = ["".join(random.choice(letters) for _ in range(random.randrange(1, 40))).strip() for _ in range(n)]
    return [question for question in drawn if question and not any(t in question for t in TITLES)]


def shown(answer: str) -> str:
    """An answer with signs for special characters."""
    return with_signs(answer).replace(UNKNOWN_CHARACTER, "\N{REPLACEMENT CHARACTER}")


def facts(answer: Any) -> dict[str, float]:
    """The numbers of an answer."""
    return {name: answer[name] for name in ("confidence", "neverRead", "told", "probability")}


def facts_of(prediction: Prediction, calibration: Calibration) -> dict[str, float]:
    """PyTorch's."""
    return {
        "confidence": prediction.confidence,
        "neverRead": prediction.never_read,
        "told": prediction.told,
        "probability": calibration.probability(prediction),
    }


def test_alternatives_are_pytorchs(send: Callable[..., Any]) -> None:
    """What else the model might answer, with the same probabilities."""
    model = random_model(CONFIGS["tables"], ABSTAINING)
    sent = send(model, ABSTAINING)
    model.load_state_dict(sent.weights)
    question = "Where was Mele Vader born?"
    found = sent.call("(model, book, question) => alternativesTo(model, question, 3)", question)
    expected = alternatives(model, ABSTAINING, [question], 3)[0]
    assert [one["text"] for one in found] == [shown(one.answer) for one in expected]
    assert [one["probability"] for one in found] == pytest.approx([one.probability for one in expected], abs=1e-6)


def test_an_answer_goes_on_from_letters_that_are_given(send: Callable[..., Any]) -> None:
    """The letters stand first, with the model's probability of each, and the rest is what it writes after them."""
    model = random_model(CONFIGS["tables"])
    sent = send(model, VOCABULARY)
    model.load_state_dict(sent.weights)
    question, begun = "Where was Bo?", "Ul"
    letters = sent.call(
        """(model, book, [question, begun]) => answerTo(model, question, {}, [...model.idsOf(begun)]).letters.map(
            ({ text, p }) => ({ text, p }))""",
        [question, begun],
    )
    assert "".join(letter["text"] for letter in letters).startswith(begun)
    ids = [*VOCABULARY.encode(question), 1, *VOCABULARY.encode(begun)]
    with torch.no_grad():
        p = torch.softmax(model(torch.tensor([ids]))[0], -1)[len(question) :]
    assert letters[1]["p"] == pytest.approx(float(p[1, ids[-1]]), abs=1e-6)
    # The end's probability is that of all stop tokens, here of one.
    assert letters[2]["p"] == pytest.approx(float(p[2].max()), abs=1e-6)


def test_attention_weights_add_up_to_one_over_what_was_read(send: Callable[..., Any]) -> None:
    """Vanilla reads each character so far; the strided Perceiver's own segment, and the latents of completed ones."""
    steps = """(model, book, text) => {
        const state = model.begin();
        const steps = Array.from(model.idsOf(text), (id) => state.feed(id));
        return steps.map((step) => step.attention.map(({ block, kind, head, keys, weights }) => (
            { block, kind, head, keys, total: weights.reduce((sum, weight) => sum + weight, 0) })));
    }"""
    last = send(random_model(CONFIGS["rotary"]), VOCABULARY).call(steps, "Mele born")[-1]
    assert [(one["block"], one["head"]) for one in last] == [(block, head) for block in range(2) for head in range(3)]
    assert all(one["keys"] == [{"at": i} for i in range(9)] for one in last)
    assert [one["total"] for one in last] == pytest.approx([1] * 6)
    last = send(random_model(CONFIGS["strided Perceiver"]), VOCABULARY).call(steps, "Mele borns")[-1]
    up = [one for one in last if one["kind"] == "up"]
    latents = [{"latent": j, "from": 0, "to": 5 * j + 4} for j in range(2)]
    assert up[0]["keys"] == [*({"at": i} for i in range(5, 10)), *latents]
    assert [one["total"] for one in last] == pytest.approx([1] * 9)


def test_what_the_tables_have_is_named(send: Callable[..., Any]) -> None:
    """The prefix so far, whether its row was found, and the names that end before a character."""
    rows = """(model, book, text) => {
        const state = model.begin();
        const rows = Array.from(model.idsOf(text), (id) => state.feed(id).rows);
        return rows.map(({ prefix, text, names }) => [prefix, text, names]);
    }"""
    found = send(random_model(CONFIGS["tables"]), VOCABULARY).call(rows, "Mele Vader Vao東京.")
    assert found[3:5] == [["found", "Mele", []], ["outside", "", []]]
    assert found[10] == ["outside", "", ["Mele Vader"]]
    assert found[12:14] == [["found", "Va", []], ["unknown", "Vao", []]]
    assert found[14:] == [["found", "東", []], ["found", "京", []], ["outside", "", ["東 京"]]]


def test_what_cannot_be_asked_is_said(send: Callable[..., Any]) -> None:
    """Nothing, several lines, tabs, characters of ours, too long; unknown characters where the vocabulary is closed."""
    error = "(model, book, typed) => answerTo(model, typed).error"
    sent = send(random_model(VANILLA), VOCABULARY)
    for typed, said in {
        " ": "no question",
        "a\nb": "one line",
        "a\tb\tc": "tabs",
        "a\ufdd5": "kept for closedbook",
        "Mele Vader " * 5: "needs 56 characters",
    }.items():
        assert said in sent.call(error, typed)
    assert sent.call(error, "Жł?") is None
    closed = Vocabulary.of_text(TEXT)
    assert "“Ж” (U+0416)" in send(random_model(VANILLA, closed), closed).call(error, "Жł?")


@pytest.mark.parametrize("coding", CODINGS, ids=lambda coding: f"{coding.bits} bits, {coding.table_step}")
def test_the_page_has_the_weights_that_python_chose(coding: Coding, send: Callable[..., Any]) -> None:
    """Whatever the coding, each unpacked weight is the one with which PyTorch answered."""
    model = random_model(CONFIGS["narrow names, rotary"])
    sent = send(model, VOCABULARY, coding=coding)
    found = sent.call("(model, book) => Object.entries(book.weights).map(([name, w]) => [name, [...(w.all?.() ?? w)]])")
    assert [name for name, _ in found] == [*sent.weights]
    for name, values in found:
        torch.testing.assert_close(torch.tensor(values), sent.weights[name].flatten(), atol=0, rtol=1e-6)
