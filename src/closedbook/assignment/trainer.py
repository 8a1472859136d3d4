"""The assignment's Trainer and TrainerConfig, over the project's own trainer."""

import logging
import os
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from closedbook.assignment.datasets import CharCorruptionDataset, NameDataset
from closedbook.assignment.keywords import check_name
from closedbook.assignment.models import GPT
from closedbook.examples import datasets
from closedbook.examples.batches import Batches
from closedbook.recipe.recipe import StageConfig
from closedbook.storage.tensors import save_weights
from closedbook.training.device import make_fabric
from closedbook.training.schedule import cosine_by_tokens
from closedbook.training.trainer import Trainer as StepTrainer

_logger = logging.getLogger(__name__)


@runtime_checkable
class Writer(Protocol):
    """The part of a TensorBoard SummaryWriter that a Trainer uses."""

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Record the value at a step."""


class TrainerConfig:
    """The hyperparameters of training: any of them by name, at once, later or in a subclass.

    Raises InputError for an unknown name.
    """

    max_epochs = 10
    batch_size = 64
    learning_rate = 3e-4
    betas = (0.9, 0.95)
    grad_norm_clip = 1.0
    weight_decay = 0.1
    lr_decay = False
    warmup_tokens = 375_000_000
    final_tokens = 260_000_000_000
    ckpt_path: str | Path | None = None
    num_workers = 4
    writer: Writer | None = None

    def __init__(self, **kw: Any) -> None:
        for name, value in kw.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        check_name(self, name)
        super().__setattr__(name, value)

    def rate(self, tokens: int) -> float:
        """The learning rate after `tokens` characters, padding included."""
        if not self.lr_decay:
            return self.learning_rate
        return self.learning_rate * cosine_by_tokens(tokens, self.warmup_tokens, self.final_tokens)


class Trainer:
    """Trains a model on a dataset; with a test dataset, its loss is logged after each epoch."""

    def __init__(
        self,
        model: GPT,
        train_dataset: CharCorruptionDataset | NameDataset,
        test_dataset: CharCorruptionDataset | NameDataset | None,
        config: TrainerConfig,
    ) -> None:
        self.model = model
        self.train_dataset = train_dataset
        self.test_dataset = test_dataset
        self.config = config

    def train(self) -> None:
        """Train all epochs; losses go to the log and to the config's writer, parameters to its ckpt_path."""
        config = self.config
        stage = StageConfig(
            epochs=config.max_epochs,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            beta1=config.betas[0],
            beta2=config.betas[1],
            weight_decay=config.weight_decay,
            grad_norm_clip=config.grad_norm_clip,
        )
        batches = Batches(
            self.train_dataset,  # type: ignore[arg-type]  # its epoch is None only until Batches sets it
            config.batch_size,
            shuffle=False,
            seed=0,
            n_workers=min(config.num_workers, _n_cores()),  # any number draws the same examples
        )
        trainer = StepTrainer(
            make_fabric("float32"), self.model, batches, stage, n_documents=len(self.train_dataset), seed=0
        )
        trainer.schedule = _TokenSchedule(config, self.train_dataset.block_size)
        for report in trainer.run():
            self._write("train/loss", report.loss, report.step)
            self._write("train/lr", report.learning_rate, report.step)
            if report.ends_epoch:
                _logger.info(
                    "epoch %d: loss %.4f, learning rate %.2e", report.epoch + 1, report.loss, report.learning_rate
                )
                if self.test_dataset is not None:
                    self._write("test/loss", self.test_loss(), report.step)
                if config.ckpt_path is not None:
                    save_weights(Path(config.ckpt_path), self.model.state_dict(), None)
        if isinstance(self.train_dataset, CharCorruptionDataset):
            self.train_dataset.epoch = None  # draws a new mask each time again

    def test_loss(self) -> float:
        """The mean loss on the test dataset, in nats a character."""
        assert self.test_dataset is not None
        self.model.eval()
        nats, n_characters = 0.0, 0
        with torch.inference_mode():
            for index in range(len(self.test_dataset)):
                x, y = (row[None] for row in self.test_dataset[index])
                n = datasets.supervised(y)
                _, loss = self.model(x.to(self.model.head.weight.device), y.to(self.model.head.weight.device))
                nats, n_characters = nats + loss.item() * n, n_characters + n
        return nats / n_characters

    def _write(self, tag: str, value: float, step: int) -> None:
        if self.config.writer is not None:
            self.config.writer.add_scalar(tag, value, step)


def _n_cores() -> int:
    """The number of cores that this process may use; torch warns if there are more workers."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _TokenSchedule:
    """The schedule of a TrainerConfig, with the numbers of tokens that its user chose."""

    def __init__(self, config: TrainerConfig, block_size: int) -> None:
        self.config = config
        self.block_size = block_size

    def rate(self, step: int, n_rows: int) -> float:
        del step
        return self.config.rate(n_rows * (self.block_size - 1))
