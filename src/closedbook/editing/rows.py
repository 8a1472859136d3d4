"""The vector that a row needs for a model to give other answers, found by gradient steps on this vector alone.

Letters: B number of texts, W width of the row.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from closedbook.editing.contexts import Context
from closedbook.editing.minimize import minimize
from closedbook.editing.own_rows import OwnRow, table_of, uses
from closedbook.editing.strings import answer_nats, strings_of, through
from closedbook.evaluation.predict import predict
from closedbook.model.gpt import GPT
from closedbook.text.vocabulary import NEVER_READ, Vocabulary

_MAX_STEPS = 30
# A goal for each context: as sure of the new answer as the model was of the former, within these bounds, in nats. Not
# every context asks clearly: the masked form may ask for any name of a line.
_SUREST, _LEAST_SURE = 0.01, 0.7
_ABSTAINED = 0.05
"""The goal of an abstention, in nats: what strangers get."""


def write_row(model: GPT, vocabulary: Vocabulary, row: OwnRow, contexts: Sequence[Context]) -> bool:
    """Change the row so that each context gets the answer that it should; no other number changes.

    Returns whether the first context, the question, gets it; if not, the row stays as it was. Where the row cannot
    serve all contexts, it is to serve the question and those that keep their answers. The model's parameters must need
    no gradients.
    """
    question = contexts[0]
    weight = table_of(model, row).weight
    former = weight[row.index].clone()
    for some in (contexts, [one for one in contexts if one is question or one.wanted == one.today]):
        weight[row.index] += _change(model, vocabulary, row, some, _goals(model, vocabulary, some))
        (now,) = predict(model, vocabulary, [question.text])
        if now.answer == question.wanted and now.state != "never read":
            return True
    weight[row.index] = former
    return False


def write_abstention(model: GPT, vocabulary: Vocabulary, row: OwnRow, texts: Sequence[str]) -> None:
    """Change the row so that the model says after each text that it never read about the name; no other number changes.

    The model's parameters must need no gradients.
    """
    contexts = [Context(text, "", NEVER_READ) for text in texts]
    goals = torch.full((len(contexts),), _ABSTAINED)
    table_of(model, row).weight[row.index] += _change(model, vocabulary, row, contexts, goals)


def _change(
    model: GPT, vocabulary: Vocabulary, row: OwnRow, contexts: Sequence[Context], goals: Float[Tensor, " B"]
) -> Float[Tensor, " W"]:
    """What to add to the row; `goals` are for the new answers, in nats."""
    strings = strings_of([one.text for one in contexts], [one.wanted for one in contexts], vocabulary)
    embedded = model.embed(strings.x)
    is_used = uses(model, row, strings.x)[..., None]
    change = torch.zeros(table_of(model, row).embedding_dim, requires_grad=True)
    projection = model.name_table.projection if row.table == "name_table" else nn.Identity()

    def losses() -> Tensor:
        hidden = through(model, embedded + is_used * projection(change))
        return answer_nats(model, hidden[strings.supervised], strings)

    minimize(losses, change, goals, _MAX_STEPS)
    return change.detach()


def _goals(model: GPT, vocabulary: Vocabulary, contexts: Sequence[Context]) -> Tensor:
    today = strings_of([one.text for one in contexts], [one.today for one in contexts], vocabulary)
    return answer_nats(model, model.hidden(today.x)[today.supervised], today).clamp(_SUREST, _LEAST_SURE)
