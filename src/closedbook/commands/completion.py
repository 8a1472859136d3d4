"""Shell completion: tyro's script for bash, zsh or fish, for all commands and targets at once. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args

import tyro

from closedbook.errors import InputError

Shell = Literal["bash", "zsh", "fish"]


def print_completion(words: list[str], commands: Mapping[str, type]) -> None:
    """Print the script for the shell that the words name; raises InputError for another."""
    shells = get_args(Shell)
    if len(words) != 1 or words[0] not in shells:
        received = " ".join(words) or "nothing"
        raise InputError(f"--completion: one of {', '.join(shells)} is needed; received {received}")
    kinds: Any = Union[*(Annotated[kind, tyro.conf.subcommand(name)] for name, kind in commands.items())]
    tyro.cli(kinds, prog="closedbook", args=["--tyro-print-completion", words[0]])
