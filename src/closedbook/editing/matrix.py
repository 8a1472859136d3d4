"""A closed-form change of the last feed-forward part's output matrix, for names without a row of their own.

The matrix W takes keys k, the activations at the positions that predict an answer, to values. With C the sum of k k^T
over other titles' answers, K the keys of the new answers (one a row) and R what their values must gain,

    W' = W + R^T (K C^-1 K^T)^-1 K C^-1

has the new values and changes those of C's keys least (ROME: Meng et al. 2022, equation 2 and appendix A, for one key;
MEMIT: Meng et al. 2023, equation 14, for several). R is found by gradient steps. The projection onto the null space of
C (AlphaEdit: Fang et al. 2024, equation 12) needs one: in our models nearly every direction is in use
(docs/notebook.md, 2026-11-30).

Letters: C channels, D width of the keys, N number of keys, V number of values.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from closedbook.editing.contexts import Context
from closedbook.editing.minimize import minimize
from closedbook.editing.strings import Strings, answer_nats, strings_of
from closedbook.evaluation.predict import predict
from closedbook.model.gpt import GPT, last_block
from closedbook.text.templates import Template
from closedbook.text.vocabulary import Vocabulary

_N_OTHERS = 800
_AT_ONCE = 256
_MAX_STEPS = 50
_GOAL = 0.1
"""Of each new answer, in nats."""
_KEPT = 100.0
"""Weight in C of the keys of answers that were written, so that later ones keep them."""
_RIDGE = 1e-5
"""Added to the diagonals of C and of K C^-1 K^T, as a share of their means."""


class Others(NamedTuple):
    """How many of the questions asked about other titles got another answer than before, or state."""

    n_changed: int
    n_asked: int


def write_matrix(
    model: GPT,
    vocabulary: Vocabulary,
    contexts: Sequence[Context],
    others: Sequence[str],
    templates: Sequence[Template],
) -> Others:
    """Change the matrix for one context after another, so that each gets the answer that it should.

    `others` are the titles whose answers should stay, asked by the templates in turn, at most 800 of them; returns how
    many did not stay. The model's parameters must need no gradients.
    """
    asked = questions_about(model, others, templates)
    before = predict(model, vocabulary, asked)
    covariance = covariance_of(model, vocabulary, asked, [one.answer for one in before])
    weight = last_feed_forward(model).weight
    for context in contexts:
        new = strings_of([context.text], [context.wanted], vocabulary)
        keys, values = _keys_and_values(model, new)
        gains = _gains(model, new, values)
        weight += closed_form(covariance, keys, gains).to(weight.dtype)
        covariance += _KEPT * keys.T @ keys
    after = predict(model, vocabulary, asked)
    n_changed = sum((a.answer, a.state) != (b.answer, b.state) for a, b in zip(before, after, strict=True))
    return Others(n_changed, len(asked))


def _gains(model: GPT, new: Strings, values: Float[Tensor, "N C"]) -> Float[Tensor, "N C"]:
    """What the head's input must gain for the new answer."""
    gains = torch.zeros_like(values, requires_grad=True)
    minimize(lambda: answer_nats(model, values + gains, new), gains, torch.tensor([_GOAL]), _MAX_STEPS)
    return gains.detach()


def closed_form(
    covariance: Float[Tensor, "D D"], keys: Float[Tensor, "N D"], gains: Float[Tensor, "N C"]
) -> Float[Tensor, "C D"]:
    """What to add to W so that its values at the keys gain `gains`, up to a small ridge; computed in float64."""
    covariance, keys, gains = covariance.double(), keys.double(), gains.double()
    eye = torch.eye(len(covariance), dtype=torch.double)
    directions = torch.linalg.solve(covariance + _RIDGE * covariance.diagonal().mean() * eye, keys.T)  # D N
    overlaps = keys @ directions  # N N
    eye = torch.eye(len(overlaps), dtype=torch.double)
    coefficients = torch.linalg.solve(overlaps + _RIDGE * overlaps.diagonal().mean() * eye, gains)
    change: Tensor = (directions @ coefficients).T
    return change


def last_feed_forward(model: GPT) -> nn.Linear:
    """The output matrix whose values are added to the head's input at the same position."""
    layer = last_block(model).mlp[2]
    assert isinstance(layer, nn.Linear)
    return layer


def matrix_name(model: GPT) -> str:
    """The name of the weight of `last_feed_forward`."""
    weight = last_feed_forward(model).weight
    return next(name for name, parameter in model.named_parameters() if parameter is weight)


def questions_about(model: GPT, titles: Sequence[str], templates: Sequence[Template]) -> list[str]:
    """A question about each of the titles, or of 800 of them, that fits the block with an answer."""
    sample = Random(0).sample(titles, min(len(titles), _N_OTHERS))
    texts = [templates[index % len(templates)].question(title) for index, title in enumerate(sample)]
    return [text for text in texts if len(text) + 2 < model.config.block_size]


def covariance_of(
    model: GPT, vocabulary: Vocabulary, questions: Sequence[str], answers: Sequence[str]
) -> Float[Tensor, "D D"]:
    """The sum of k k^T over answers, as far as they fit the block."""
    total = torch.zeros(last_feed_forward(model).in_features, last_feed_forward(model).in_features)
    fitting = [
        answer[: model.config.block_size - 2 - len(question)]
        for question, answer in zip(questions, answers, strict=True)
    ]
    for begin in range(0, len(questions), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        keys, _ = _keys_and_values(model, strings_of(questions[some], fitting[some], vocabulary))
        total += keys.T @ keys
    return total


def _keys_and_values(model: GPT, strings: Strings) -> tuple[Float[Tensor, "N D"], Float[Tensor, "N C"]]:
    """The matrix's inputs, and the head's, at the positions that predict an answer."""
    inputs: list[Tensor] = []
    hook = last_feed_forward(model).register_forward_hook(lambda _, given, __: inputs.append(given[0]))
    try:
        hidden = model.hidden(strings.x)
    finally:
        hook.remove()
    return inputs[0][strings.supervised], hidden[strings.supervised]
