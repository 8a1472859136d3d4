"""Lines: the documents of a run's corpus, with the gradients of what training made of each.

Training makes masked strings of a document, other ones in each epoch, and self-study questions. They are made again
here, from the run's recipe and files. Where in the document the answer stands, and whose name it has, plays no part.

Letters: Q questions, L lines, N examples.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from closedbook.attribution.gradients import Gradients, Prompt, margin_gradients
from closedbook.attribution.whitening import Whitening
from closedbook.examples.corruption import pair_string
from closedbook.examples.datasets import question_ids
from closedbook.model.gpt import GPT
from closedbook.reader.open_book import NO_DOCUMENT
from closedbook.recipe.recipe import Recipe
from closedbook.text.vocabulary import MASK, MASK_ID, Vocabulary
from closedbook.training.mixture import Examples, studied_pairs

N_EPOCHS = 8
"""How many epochs' masked strings of each document are compared: a single one may not mask what is asked for."""

STANDS_OUT = 0.3
"""In guided extraction and self-study, lower scores are usual where no line taught the answer (docs/knows.md)."""


class Lines(NamedTuple):
    """Documents 0 to n - 1, and whitened gradients of length 1 of their examples."""

    n: int
    document: Int64[Tensor, " N"]
    gradients: Gradients
    whitening: Whitening

    def scores(self, model: GPT, vocabulary: Vocabulary, asked: Sequence[tuple[str, str]]) -> Float[Tensor, "Q L"]:
        """How much each line taught each answer, from -1 to 1; `asked` are questions with answers.

        The cosine between the whitened gradients of the answer and of the line's most alike example.
        """
        gradients = margin_gradients(model, [asked_prompt(*one, vocabulary) for one in asked])
        cosines = self.whitening(gradients).normalized().dots(self.gradients)
        worst = cosines.new_full((len(asked), self.n), -1.0)
        return worst.scatter_reduce(1, self.document.expand(len(asked), -1), cosines, "amax")


def lines_of(model: GPT, vocabulary: Vocabulary, recipe: Recipe, examples: Examples) -> Lines:
    """The lines of a text that a model was trained on, by these examples."""
    text = examples.text
    assert text is not None, "the run learned a text"
    documents, prompts = zip(*line_prompts(vocabulary, recipe, examples), strict=True)
    gradients = margin_gradients(model, prompts)
    whitening = Whitening.of(gradients)
    document = torch.tensor(documents, device=gradients.inputs.device)
    return Lines(len(text), document, whitening(gradients).normalized(), whitening)


def line_prompts(vocabulary: Vocabulary, recipe: Recipe, examples: Examples) -> Iterator[tuple[int, Prompt]]:
    """What stands before the masked content of each example, with the content's first character, by document."""
    text = examples.text
    assert text is not None
    for epoch in range(N_EPOCHS):
        text.epoch = epoch
        for document in range(len(text)):
            yield document, _prompt(text.masked(document), vocabulary)
    if examples.silver is not None:
        for pair in studied_pairs(examples.silver, recipe):
            if pair.document != NO_DOCUMENT:
                yield pair.document, _prompt(pair_string(pair.question, pair.answer), vocabulary)


def _prompt(masked: str, vocabulary: Vocabulary) -> Prompt:
    """A masked string up to the MASK before its content, and the content's first character."""
    content = masked.rindex(MASK, 0, -1) + 1
    *ids, target = vocabulary.encode(masked[: content + 1])
    return Prompt(ids, target)


def asked_prompt(question: str, answer: str, vocabulary: Vocabulary) -> Prompt:
    """A question, and the answer's first character; an empty answer is the MASK alone."""
    return Prompt(question_ids(question, vocabulary), vocabulary.stoi[answer[0]] if answer else MASK_ID)
