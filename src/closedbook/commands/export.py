"""`closedbook export`. What needs torch is imported inside the command."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from closedbook.progress.console import out, say


@dataclass(frozen=True)
class ExportOptions:
    """Write a run's model for other programs: with the transformers library, or with PyTorch alone.

    hf: a folder for `from_pretrained` and pipelines, with a tokenizer of characters and a model card. A model without
    tables that is no Perceiver is a stock GPT-2 or GPT-NeoX; others bring their own code, two Python files to read and
    to trust. torch: weights, config.json, and one Python file that makes the model from them.
    """

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """A finished run; it stays as it is."""
    folder: Annotated[Positional[Path], arg(metavar="DIR")]
    """The folder; it is created."""
    format: Literal["hf", "torch"] = "hf"
    """Who reads it (see above)."""


def export(options: ExportOptions) -> None:
    """`closedbook export`."""
    from closedbook.api.run import load

    exported = load(options.run).export(options.folder, format=options.format)
    for note in exported.notes:
        say(note)
    out(str(exported.path))
