"""export: a run's model in a folder for other programs.

hf: what the transformers library loads with `from_pretrained`. torch: weights under our own names, and a file of plain
PyTorch that reads them. Weights are safetensors in both, so that nobody has to load a pickle.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from closedbook.errors import InputError
from closedbook.export.card import card
from closedbook.export.hf import generation_config, hf_config, hf_weights
from closedbook.export.own_code import own_config, own_weights
from closedbook.export.stock import is_stock
from closedbook.export.tokenizer import end_ids, tokenizer_files, tokens_of
from closedbook.files.durable import check_folder_is_free, write_folder_atomically, write_synced
from closedbook.files.names import name_text
from closedbook.model.gpt import GPT
from closedbook.storage.run import Run
from closedbook.storage.tensors import tensors_to_bytes
from closedbook.text.vocabulary import Vocabulary

Format = Literal["hf", "torch"]

_WHAT = "an export"
_CODE = Path(__file__).parent / "code"
_MODEL_CODE, _HF_CODE = "closedbook_model.py", "modeling_closedbook.py"
_METADATA = {"format": "pt"}
"""Without it the transformers library refuses a file of weights."""


@dataclass(frozen=True)
class Export:
    """An exported folder: the names of its files, and notes to show the user."""

    path: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]


def export(run: Run, out: Path, format: Format = "hf", *, model: GPT | None = None) -> Export:
    """Write a run's model to the folder `out`, whole or not at all; `model` is the run's, if it is loaded already.

    Raises InputError for another format, and RunError where the run has not ended or `out` is not free.
    """
    check_format(format)
    check_folder_is_free(out, _WHAT)
    model = model or run.model()
    files = (_hf_files if format == "hf" else _torch_files)(model, run.info.vocabulary)
    files["README.md"] = card(run, model, format, name_text(out.absolute().name)).encode()
    with write_folder_atomically(out, _WHAT) as folder:
        for name, content in files.items():
            write_synced(folder / name, content)
    return Export(out, tuple(files), tuple(_notes(model, format)))


def check_format(format: str) -> None:
    """Raise InputError for a format that there is not."""
    if format not in get_args(Format):
        raise InputError(f"format: one of {', '.join(get_args(Format))} is needed; received {format!r}")


def _hf_files(model: GPT, vocabulary: Vocabulary) -> dict[str, bytes]:
    tokenizer = tokenizer_files(vocabulary, model.config.block_size)
    code = () if is_stock(model.config) else (_HF_CODE, _MODEL_CODE)
    return {
        "config.json": _json(hf_config(model)),
        "generation_config.json": _json(generation_config(model, vocabulary)),
        "model.safetensors": tensors_to_bytes(hf_weights(model), _METADATA),
        **{name: _json(content) for name, content in tokenizer.items()},
        **{name: (_CODE / name).read_bytes() for name in code},
    }


def _torch_files(model: GPT, vocabulary: Vocabulary) -> dict[str, bytes]:
    config = {
        "format": "closedbook",
        "version": 1,
        "model": own_config(model),
        "tokens": tokens_of(vocabulary),
        "ends": end_ids(vocabulary),
    }
    return {
        "config.json": _json(config),
        "model.safetensors": tensors_to_bytes(own_weights(model), _METADATA),
        _MODEL_CODE: (_CODE / _MODEL_CODE).read_bytes(),
    }


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _notes(model: GPT, format: Format) -> Iterator[str]:
    if format == "hf" and not is_stock(model.config):
        what = "has tables" if model.config.prefix_table else "is a Perceiver"
        yield (
            f"this model {what}, and transformers has no class for that: load it with trust_remote_code=True, which "
            f"runs {_HF_CODE} and {_MODEL_CODE} of that folder"
        )
    tables = ", and read the words and names that its tables list" if model.config.prefix_table else ""
    yield f"whoever has this folder can get parts of the text out{tables}: share it only if you may share the text"
