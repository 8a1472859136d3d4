"""Validation: accuracy and loss on pairs that are not trained on, while a run trains."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from closedbook.evaluation.match import Counted
from closedbook.evaluation.predict import predict
from closedbook.examples.batches import trim, used_length
from closedbook.examples.datasets import CharCorruptionDataset, Example, NameDataset
from closedbook.text.questions import Questions
from closedbook.text.title_index import title_in, titles_of
from closedbook.text.vocabulary import Vocabulary
from closedbook.training.events import Evaluated
from closedbook.training.trainer import Trainer

MAX_DOCUMENTS = 200
"""Documents whose masked text is evaluated, at most."""

# Training counts epochs from 0, so that it never makes the draws of this one.
_VALIDATION_EPOCH = -1
_BATCH_SIZE = 64


class Validation:
    """Evaluates a model on validation pairs, and on documents about the same people under masks of its own.

    The masks are drawn once, so that losses of different epochs compare. Nothing is drawn from torch's generator.
    """

    def __init__(
        self, pairs: Questions, vocabulary: Vocabulary, block_size: int, text: CharCorruptionDataset | None
    ) -> None:
        """`text` is what the run trains on, or None."""
        self.pairs = pairs
        self.vocabulary = vocabulary
        self._counted = Counted.of(pairs.items, "exact")
        self._pairs = _batches(_pair_examples(pairs, vocabulary, block_size))
        self._text = [] if text is None else _batches(_masked_documents(pairs, text))

    def evaluate(self, trainer: Trainer, epoch: int) -> Evaluated:
        """Accuracy and losses of the trainer's model after `epoch` epochs."""
        predictions = predict(trainer.model, self.vocabulary, [item.text for item in self.pairs.items])
        return Evaluated(
            step=trainer.step,
            epoch=epoch,
            score=self._counted.score([prediction.answer for prediction in predictions]),
            seen_text_loss=_loss(trainer, self._text) if self._text else None,
            validation_pairs_loss=_loss(trainer, self._pairs),
        )


def _pair_examples(pairs: Questions, vocabulary: Vocabulary, block_size: int) -> list[Example]:
    dataset = NameDataset(list(pairs.items), vocabulary, block_size)
    return [dataset[i] for i in range(len(dataset))]


def _masked_documents(pairs: Questions, text: CharCorruptionDataset) -> list[Example]:
    """Documents about the people whom the pairs ask about, in the order of the pairs, masked as in training."""
    titles = titles_of(text.documents)
    found = dict.fromkeys(i for item in pairs.items for i in titles.get(title_in(item.text, titles), ()))
    masked = CharCorruptionDataset(
        text.documents, text.vocabulary, text.block_size, text.corruption, text.seed, text.tagged
    )
    masked.epoch = _VALIDATION_EPOCH
    return [masked[i] for i in list(found)[:MAX_DOCUMENTS]]


def _batches(examples: Sequence[Example]) -> list[tuple[Tensor, Tensor]]:
    """Batches of examples sorted by length."""
    by_length = sorted(examples, key=lambda example: used_length(example[1]))
    chunks = [by_length[i : i + _BATCH_SIZE] for i in range(0, len(by_length), _BATCH_SIZE)]
    stacked = [[torch.stack(column) for column in zip(*chunk, strict=True)] for chunk in chunks]
    return [trim(x, y) for x, y in stacked]


@torch.no_grad()
def _loss(trainer: Trainer, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Nats per supervised character, with dropout off."""
    trainer.model.eval()
    device = trainer.fabric.device
    nats, n_supervised = 0.0, 0
    for x, y in batches:
        batch_nats, n = trainer.loss(x.to(device), y.to(device))
        nats, n_supervised = nats + batch_nats.item(), n_supervised + n
    return nats / max(1, n_supervised)
