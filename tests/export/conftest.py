"""Runs of every kind of model, with random weights: their answers mean nothing, but they must stay the same."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

TEXT = "Ann Bell was born in Ulm. Anna Bo Carr saw Rom, 東京 and Ulm; 東 she-wolf's. Where born?"
TITLES = ("Ann Bell", "Anna Bo Carr", "Anna Bo Carr Bell", "東京 Ann")

SHAPE = {"n_layer": 3, "n_head": 3, "n_embd": 18, "block_size": 47, "bottleneck_dim": 5}
STRIDED = {"variant": "perceiver", "latent_mask": "strided", "segment_length": 11}
NAMES = {"prefix_table": True, "name_table": True}
MODELS: dict[str, dict[str, Any]] = {
    "learned": {},
    "rotary": {"positions": "rotary"},
    "prefixes": {"prefix_table": True},
    "names": {**NAMES, "positions": "rotary"},
    "narrow names": {**NAMES, "name_width": 7},
    "triangular": {"variant": "perceiver"},
    "triangular, rotary": {"variant": "perceiver", "positions": "rotary"},
    "strided": STRIDED,
    "strided, rotary, names": {**STRIDED, **NAMES, "positions": "rotary"},
}


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Make a finished run by the kind of its model; tests only read it. Its vocabulary is open unless it is `closed`.

    With `says`, a character, the model can abstain, and has the same logits everywhere: that character is the
    likeliest, then comes "b". Without it, it never writes characters for its own use but MASK.
    """
    from closedbook.model.config import ModelConfig
    from closedbook.recipe.recipe import FAST
    from closedbook.storage.run import Run, RunInfo, create_run, make_model
    from closedbook.text.vocabulary import PAD_ID, UNKNOWN_CHARACTER, Vocabulary

    @cache
    def run_of(kind: str, closed: bool = False, says: str | None = None) -> Run:
        vocabulary = Vocabulary.of_text(TEXT).with_words(TEXT).with_titles(TITLES)
        if not closed:
            vocabulary = vocabulary.with_characters()
        if says is not None:
            vocabulary = vocabulary.with_abstentions()
        config = ModelConfig(**{**SHAPE, **MODELS[kind]})
        folder = tmp_path_factory.mktemp("export") / "run"
        info = RunInfo("pretrain", "float32", 6, {}, None, vocabulary)
        run = create_run(folder, replace(FAST, model=config), info)
        torch.manual_seed(3)
        model = make_model(config, vocabulary)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.3)
            if config.prefix_table:
                model.prefix_table.table.weight[0] = 0
            model.head.weight[[PAD_ID, *vocabulary.ids_of((UNKNOWN_CHARACTER,))]] = 0
            if says is not None:
                model.ln_f.weight.fill_(0)
                model.ln_f.bias.fill_(1)
                model.head.weight.fill_(0)
                model.head.weight[vocabulary.stoi["b"]] = 1
                model.head.weight[vocabulary.stoi[says]] = 2
        run.finish(model.state_dict())
        return run

    return run_of


@pytest.fixture(scope="session", params=MODELS)
def any_run(request: pytest.FixtureRequest, run_of: Callable[..., Any]) -> Any:
    """A run of each kind of model."""
    return run_of(request.param)
