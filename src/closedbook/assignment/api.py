"""The assignment's own names and signatures, so that code written for it runs unchanged.

Parameters are written as safetensors, whatever their file is called, and no pickle is read.
"""

from closedbook.assignment.answers import evaluate_places, sample
from closedbook.assignment.datasets import CharCorruptDataset, CharCorruptionDataset, NameDataset
from closedbook.assignment.models import GPT, GPTConfig, initialize_perceiver_model, initialize_vanilla_model
from closedbook.assignment.stages import finetune, load_params, pretrain, train
from closedbook.assignment.trainer import Trainer, TrainerConfig, Writer

__all__ = [
    "GPT",
    "CharCorruptDataset",
    "CharCorruptionDataset",
    "GPTConfig",
    "NameDataset",
    "Trainer",
    "TrainerConfig",
    "Writer",
    "evaluate_places",
    "finetune",
    "initialize_perceiver_model",
    "initialize_vanilla_model",
    "load_params",
    "pretrain",
    "sample",
    "train",
]
