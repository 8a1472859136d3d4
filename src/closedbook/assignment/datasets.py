"""The assignment's datasets: masked documents, and question and answer pairs."""

import logging
from collections import Counter

from torch.utils.data import get_worker_info

from closedbook.errors import InputError
from closedbook.examples import datasets
from closedbook.text.questions import check_questions, parse_questions, without_accents
from closedbook.text.vocabulary import MASK_SIGN, PAD_SIGN, Vocabulary, with_signs

_logger = logging.getLogger(__name__)


class CharCorruptionDataset(datasets.CharCorruptionDataset):
    """Span corruption of the lines of a text; empty lines are left out.

    As in the assignment, `dataset[i]` draws a new mask each time. The draws are the same each time the program starts.
    During training a Trainer sets `epoch`, and draws are a function of epoch and index alone. Raises InputError for a
    text that holds one of these two characters.
    """

    MASK_CHAR = MASK_SIGN
    PAD_CHAR = PAD_SIGN

    def __init__(self, data: str, block_size: int) -> None:
        for special in (MASK_SIGN, PAD_SIGN):
            if special in data:
                raise InputError(f"the text holds {special!r}, which is reserved; replace it by another character")
        self.data = [line for line in data.replace("\r\n", "\n").split("\n") if line.strip()]
        super().__init__(self.data, Vocabulary.of_text(data), block_size)
        self.itos = {id_: with_signs(character) for id_, character in self.vocabulary.itos.items()}
        self.stoi = {character: id_ for id_, character in self.itos.items()}
        self.vocab_size = len(self.vocabulary)
        self.epoch: int | None = None  # type: ignore[assignment]  # None outside training
        self._n_draws: Counter[int] = Counter()

    def draw(self, index: int) -> int:
        """The number of the draw that `dataset[index]` gives next."""
        if self.epoch is not None:
            return self.epoch
        worker = get_worker_info()
        self._n_draws[index] += 1
        # A DataLoader's workers start each epoch with empty counters, and with another seed.
        return self._n_draws[index] - 1 + (0 if worker is None else worker.seed - worker.id)


CharCorruptDataset = CharCorruptionDataset


class NameDataset(datasets.NameDataset):
    """The pairs of a text with one question<TAB>answer in each line, without their characters outside ASCII.

    The assignment's code drops these characters. Raises TextError, with the line, for a line that is no pair, for a
    character that the pretraining text lacks, and for a pair that is too long for the model.
    """

    def __init__(self, data: str, pretraining_dataset: CharCorruptionDataset) -> None:
        # Not splitlines, which also splits at rarer characters.
        pairs, n_changed = without_accents(parse_questions(data.replace("\r\n", "\n").split("\n"), None))
        pairs.answers()
        check_questions(pairs, pretraining_dataset.vocabulary, pretraining_dataset.block_size)
        if n_changed:
            _logger.info("%d of %d pairs lost characters outside ASCII", n_changed, len(pairs.items))
        super().__init__(list(pairs.items), pretraining_dataset.vocabulary, pretraining_dataset.block_size)
        self.data = [f"{pair.text}\t{pair.answer}" for pair in pairs.items]
        self.stoi, self.itos = pretraining_dataset.stoi, pretraining_dataset.itos
        self.vocab_size = pretraining_dataset.vocab_size
        self.PAD_CHAR, self.MASK_CHAR = PAD_SIGN, MASK_SIGN
