"""The assignment's own names and signatures, each a few lines over the rooms, so that its code runs unchanged.

Parameters are written as safetensors, whatever their file is called, and no pickle is read.
"""

import logging
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional
from torch.utils.data import get_worker_info

from closedbook.errors import InputError
from closedbook.evaluation.score import score
from closedbook.examples import datasets
from closedbook.examples.batches import Batches
from closedbook.model import gpt
from closedbook.model.config import ModelConfig
from closedbook.recipe.recipe import COURSE, StageConfig
from closedbook.storage.run import fill_model
from closedbook.storage.tensors import load_weights, save_weights
from closedbook.text.questions import check_questions, parse_questions, read_pairs, read_questions, without_accents
from closedbook.text.vocabulary import MASK, PAD, PAD_ID, Vocabulary
from closedbook.training.device import make_fabric
from closedbook.training.schedule import FINAL_EPOCHS, WARMUP_TOKENS, cosine_by_tokens
from closedbook.training.trainer import Trainer as StepTrainer

_logger = logging.getLogger(__name__)


class GPTConfig:
    """The model's numbers; any of ModelConfig's fields may be given by name, and `perceiver`."""

    def __init__(self, vocab_size: int, block_size: int, **kw: Any) -> None:
        self.vocab_size = vocab_size
        self.block_size = block_size
        self.n_layer = COURSE.model.n_layer
        self.n_head = COURSE.model.n_head
        self.n_embd = COURSE.model.n_embd
        self.embd_pdrop = COURSE.model.embd_pdrop
        self.resid_pdrop = COURSE.model.resid_pdrop
        self.attn_pdrop = COURSE.model.attn_pdrop
        self.positions = COURSE.model.positions
        self.perceiver = False
        self.bottleneck_dim = COURSE.model.bottleneck_dim
        for name, value in kw.items():
            setattr(self, name, value)

    def model_config(self) -> ModelConfig:
        """The same as the rooms have it; raises RecipeError where numbers do not fit."""
        return ModelConfig(
            variant="perceiver" if self.perceiver else "vanilla",
            n_layer=self.n_layer,
            n_head=self.n_head,
            n_embd=self.n_embd,
            block_size=self.block_size,
            bottleneck_dim=self.bottleneck_dim,
            embd_pdrop=self.embd_pdrop,
            resid_pdrop=self.resid_pdrop,
            attn_pdrop=self.attn_pdrop,
            positions=self.positions,
        )


class GPT(gpt.GPT):
    """The rooms' GPT, whose forward pass gives logits and, with targets, the mean loss besides."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config.model_config(), config.vocab_size)

    def forward(  # type: ignore[override]  # the assignment's signature
        self, idx: Int64[Tensor, "B T"], targets: Int64[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T V"], Float[Tensor, ""] | None]:
        """Logits, and nats a character over all targets but PAD; None without targets."""
        logits = self.logits(self.hidden(idx))
        if targets is None:
            return logits, None
        return logits, functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD_ID)

    def get_block_size(self) -> int:
        """The longest input."""
        return self.config.block_size


def initialize_vanilla_model(mconf: GPTConfig) -> GPT:
    """The assignment's first model."""
    return GPT(mconf)


def initialize_perceiver_model(mconf: GPTConfig, bottleneck_dim: int = 32) -> GPT:
    """The assignment's second model; `mconf` is told so."""
    mconf.perceiver = True
    mconf.bottleneck_dim = bottleneck_dim
    return GPT(mconf)


class CharCorruptionDataset(datasets.CharCorruptionDataset):
    """Span corruption of the lines of a text; empty lines are left out.

    As in the assignment, `dataset[i]` draws anew each time. The draws repeat from one start to the next, and a
    Trainer, which sets `epoch`, makes them a function of epoch and index alone.
    """

    MASK_CHAR = MASK
    PAD_CHAR = PAD

    def __init__(self, data: str, block_size: int) -> None:
        for special in (MASK, PAD):
            if special in data:
                raise InputError(f"the text holds {special!r}, which is reserved; replace it by another character")
        self.data = [line for line in data.replace("\r\n", "\n").split("\n") if line.strip()]
        super().__init__(self.data, Vocabulary.of_text(data), block_size)
        self.stoi, self.itos = self.vocabulary.stoi, self.vocabulary.itos
        self.vocab_size = len(self.vocabulary)
        self.epoch: int | None = None  # type: ignore[assignment]  # None: not in a Trainer's hands
        self._n_draws: Counter[int] = Counter()

    def draw(self, index: int) -> int:
        """Which of its draws `dataset[index]` is to give now."""
        if self.epoch is not None:
            return self.epoch
        worker = get_worker_info()
        self._n_draws[index] += 1
        # A loader's workers begin with empty counters at each epoch, and with another seed.
        return self._n_draws[index] - 1 + (0 if worker is None else worker.seed - worker.id)


CharCorruptDataset = CharCorruptionDataset


class NameDataset(datasets.NameDataset):
    """Pairs of a text, question<TAB>answer a line, without what is not ASCII, as in the assignment's code."""

    def __init__(self, data: str, pretraining_dataset: CharCorruptionDataset) -> None:
        # Not by splitlines, to which rarer characters end a line too.
        pairs, n_changed = without_accents(parse_questions(data.replace("\r\n", "\n").split("\n"), None))
        pairs.answers()
        check_questions(pairs, pretraining_dataset.vocabulary, pretraining_dataset.block_size)
        if n_changed:
            _logger.info("%d of %d pairs lost characters outside ASCII", n_changed, len(pairs.items))
        super().__init__(list(pairs.items), pretraining_dataset.vocabulary, pretraining_dataset.block_size)
        self.data = [f"{pair.text}\t{pair.answer}" for pair in pairs.items]
        self.stoi, self.itos = pretraining_dataset.stoi, pretraining_dataset.itos
        self.vocab_size = pretraining_dataset.vocab_size
        self.PAD_CHAR, self.MASK_CHAR = PAD, MASK


@runtime_checkable
class Writer(Protocol):
    """What is used of a TensorBoard SummaryWriter."""

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Keep a value of a step."""


class TrainerConfig:
    """The numbers of training; any may be given by name."""

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

    def rate(self, tokens: int) -> float:
        """The learning rate after so many characters, padding counted."""
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
        """All epochs; losses go to the log and to the config's writer, parameters to its ckpt_path."""
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
            self.train_dataset.epoch = None  # no longer in a Trainer's hands

    def test_loss(self) -> float:
        """Nats a character on the test dataset."""
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
    """Cores that this process may use; torch warns of more workers than that."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _TokenSchedule:
    """The schedule of a TrainerConfig, whose counts of characters its user chose."""

    def __init__(self, config: TrainerConfig, block_size: int) -> None:
        self.config = config
        self.block_size = block_size

    def rate(self, step: int, n_rows: int) -> float:
        del step
        return self.config.rate(n_rows * (self.block_size - 1))


def pretrain(
    pretrain_dataset: CharCorruptionDataset,
    block_size: int,
    model: GPT,
    pretrain_lr: float = 6e-3,
    writer: Writer | None = None,
) -> tuple[TrainerConfig, Trainer]:
    """The assignment's pretraining, ready to be trained."""
    config = _config(COURSE.pretrain, pretrain_lr, pretrain_dataset, block_size, writer)
    return config, Trainer(model, pretrain_dataset, None, config)


def finetune(
    reading_params_path: str | Path | None,
    finetune_corpus_path: str | Path,
    pretrain_dataset: CharCorruptionDataset,
    block_size: int,
    model: GPT,
    finetune_lr: float = 6e-4,
    writer: Writer | None = None,
) -> tuple[TrainerConfig, Trainer]:
    """The assignment's finetuning, ready to be trained: 10 epochs on parameters that are read, else 75."""
    stage = COURSE.scratch
    if reading_params_path is not None:
        load_params(model, reading_params_path)
        stage = COURSE.finetune
    config = _config(stage, finetune_lr, pretrain_dataset, block_size, writer)
    pairs = read_pairs(Path(finetune_corpus_path))
    text = "\n".join(f"{pair.text}\t{pair.answer}" for pair in pairs.items)
    return config, Trainer(model, NameDataset(text, pretrain_dataset), None, config)


def _config(
    stage: StageConfig, learning_rate: float, dataset: CharCorruptionDataset, block_size: int, writer: Writer | None
) -> TrainerConfig:
    return TrainerConfig(
        max_epochs=stage.epochs,
        batch_size=stage.batch_size,
        learning_rate=learning_rate,
        lr_decay=True,
        warmup_tokens=WARMUP_TOKENS,
        final_tokens=FINAL_EPOCHS * len(dataset) * block_size,
        num_workers=4,
        writer=writer,
    )


def train(model: GPT, writing_params_path: str | Path, trainer: Trainer) -> None:
    """Train, and write the parameters."""
    trainer.train()
    save_weights(Path(writing_params_path), model.state_dict(), None)


def load_params(model: GPT, path: str | Path) -> None:
    """Fill a model with parameters that `train` wrote; raises RunError where they are of another model."""
    weights, _ = load_weights(Path(path))
    fill_model(model, weights, Path(path))


def evaluate_places(filepath: str | Path, predictions: Sequence[str]) -> tuple[float, float]:
    """How many questions a file has and how many predictions are right; (0, 0) where it has no answers."""
    questions = read_questions(Path(filepath))
    if any(item.answer is None for item in questions.items):
        return 0.0, 0.0
    answers = questions.answers()
    if len(answers) != len(predictions):
        raise InputError(f"{filepath}: has {len(answers)} questions, and there are {len(predictions)} predictions")
    return float(len(answers)), float(score(list(predictions), answers).n_correct)


@torch.no_grad()
def sample(
    model: GPT,
    x: Int64[Tensor, "B T"],
    steps: int,
    temperature: float = 1.0,
    sample: bool = False,
    top_k: int | None = None,
) -> Int64[Tensor, "B T2"]:
    """x with `steps` characters more, each the likeliest or, with `sample`, drawn, of the `top_k` likeliest."""
    model.eval()
    for _ in range(steps):
        logits, _ = model(x[:, -model.get_block_size() :])
        logits = logits[:, -1] / temperature
        if top_k is not None:
            worst_kept = logits.topk(min(top_k, logits.size(-1))).values[:, -1:]
            logits = logits.masked_fill(logits < worst_kept, -torch.inf)
        probabilities = logits.softmax(dim=-1)
        chosen = torch.multinomial(probabilities, 1) if sample else probabilities.argmax(dim=-1, keepdim=True)
        x = torch.cat((x, chosen), dim=1)
    return x
