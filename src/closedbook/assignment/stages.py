"""The assignment's pretraining and finetuning: trainers with its hyperparameters, and files of parameters."""

from pathlib import Path

from closedbook.assignment.datasets import CharCorruptionDataset, NameDataset
from closedbook.assignment.models import GPT
from closedbook.assignment.trainer import Trainer, TrainerConfig, Writer
from closedbook.recipe.recipe import COURSE, StageConfig
from closedbook.storage.run import fill_model
from closedbook.storage.tensors import load_weights, save_weights
from closedbook.text.questions import read_pairs
from closedbook.training.schedule import FINAL_EPOCHS, WARMUP_TOKENS


def pretrain(
    pretrain_dataset: CharCorruptionDataset,
    block_size: int,
    model: GPT,
    pretrain_lr: float = 6e-3,
    writer: Writer | None = None,
) -> tuple[TrainerConfig, Trainer]:
    """A config and a trainer for the assignment's pretraining; nothing is trained yet."""
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
    """A config and a trainer for the assignment's finetuning; nothing is trained yet.

    10 epochs from the parameters at `reading_params_path`, which the model is filled with, or else 75 from scratch.
    Raises RunError where these are of another model, and TextError where the pairs do not fit the model.
    """
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
    """Train, then write the parameters."""
    trainer.train()
    save_weights(Path(writing_params_path), model.state_dict(), None)


def load_params(model: GPT, path: str | Path) -> None:
    """Fill a model with parameters that `train` wrote; raises RunError where they are of another model."""
    weights, _ = load_weights(Path(path))
    fill_model(model, weights, Path(path))
